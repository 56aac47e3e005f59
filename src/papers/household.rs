//! Papers about a household besides its statement: what it agrees to, and the list from which a building head tells people
//! that points end soon (SG18).

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use super::statement::Holder;
use crate::access::role::Permission;
use crate::clock::{days_after, spoken_day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::{balance, lot};
use crate::places::area::Tree;
use crate::places::consent::{self, Purpose};
use crate::places::household::{self, Household};
use crate::places::programme;
use crate::shop::proxy;

/// What a household agrees to, with room to sign (H6, G8).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentForm {
    paper: Head,
    household: Holder,
    purposes: Vec<Question>,
    proxies: Vec<Proxy>,
    children_note: bool,
    phone: String,
    place: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    name: String,
    explanation: String,
    agreed: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proxy {
    name: String,
    relation: String,
    until: Option<String>,
}

/// The consent form of a household, with what it decided before.
///
/// # Errors
/// As [`Order::household`].
pub fn consent_form(conn: &mut Conn, order: &Order) -> Result<ConsentForm> {
    let household = order.household(conn, Permission::ReadHouseholds)?;
    let decided = consent::of(conn, &household.id)?;
    let proxies = proxy::of_household(conn, &household.id, order.today())?;
    let programme = programme::get(conn)?;
    let tree = Tree::load(conn)?;
    Ok(ConsentForm {
        paper: order.head(conn, Some(&household.building_id))?,
        household: Holder::of(&household, &tree),
        purposes: Purpose::ALL
            .iter()
            .map(|purpose| Question {
                name: purpose.label().to_owned(),
                explanation: purpose.explained().to_owned(),
                agreed: decided.get(purpose).map(|consent| consent.given),
            })
            .collect(),
        proxies: proxies
            .into_iter()
            .map(|proxy| Proxy {
                name: proxy.name,
                relation: proxy.relation,
                until: proxy.until_on.map(spoken_day),
            })
            .collect(),
        children_note: true,
        phone: programme.phone,
        place: programme.office,
    })
}

/// Whose points end soon, building by building.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpiryReminders {
    paper: Head,
    buildings: Vec<Building>,
    last_day: String,
    place: String,
    phone: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Building {
    name: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    name: String,
    door: String,
    balance: i64,
    expiring: Vec<Ending>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    points: i64,
    day: String,
}

/// The days before its end on which a household is reminded first, unless another number was asked for.
const FIRST_REMINDER_DAYS: u64 = 60;

/// Households whose points end within so many days (`count`; 60 without), in the buildings that were asked for.
///
/// # Errors
/// `Invalid` when nobody's points end; as [`Order::buildings`].
pub fn expiry_reminders(conn: &mut Conn, order: &Order) -> Result<ExpiryReminders> {
    let until = days_after(order.today(), order.asked.count.map_or(FIRST_REMINDER_DAYS, u64::from));
    let buildings = order.buildings(conn, Permission::ReadHouseholds)?;
    let ending = lot::expiring(conn, None, until)?;
    let mut by_owner: BTreeMap<&str, Vec<Ending>> = BTreeMap::new();
    for one in &ending {
        by_owner.entry(&one.owner).or_default().push(Ending {
            points: one.points.0,
            day: spoken_day(one.expires_on),
        });
    }
    let owners: Vec<&str> = by_owner.keys().copied().collect();
    let ids: Vec<Id<Household>> = owners.iter().map(|owner| Id::known(*owner)).collect();
    let mut households: Vec<Household> = Vec::new();
    for chunk in ids.chunks(500) {
        households.extend(household::by_ids(conn, chunk)?);
    }
    households.sort_by(|one, other| one.code.cmp(&other.code));
    let balances = balance::of_all(conn, &owners)?;
    let mut of_building: HashMap<_, Vec<Row>> = HashMap::new();
    for household in households {
        let owner = household.id.as_str();
        let row = Row {
            code: household.code.clone(),
            name: household.head_name.clone(),
            door: household.door(),
            balance: balances.get(owner).map_or(0, |balances| balances.spendable.0),
            expiring: by_owner.remove(owner).unwrap_or_default(),
        };
        of_building.entry(household.building_id).or_default().push(row);
    }
    let tree = Tree::load(conn)?;
    let lists: Vec<Building> = buildings
        .iter()
        .filter_map(|area| {
            Some(Building {
                rows: of_building.remove(&area.id)?,
                name: tree.address(&area.id),
            })
        })
        .collect();
    if lists.is_empty() {
        return Err(Error::invalid(
            "count",
            "这段时间里没有人家的积分到期，不用打印提醒名单。",
        ));
    }
    let programme = programme::get(conn)?;
    Ok(ExpiryReminders {
        paper: order.head(conn, None)?,
        buildings: lists,
        last_day: spoken_day(until),
        place: programme.office,
        phone: programme.phone,
    })
}
