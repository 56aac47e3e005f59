//! Papers about a household besides its statement: what it agrees to, and the list from which a building head tells people
//! that points end soon (SG18).

use std::collections::{BTreeMap, HashMap};

use chrono::Days;
use serde::{Deserialize, Serialize};

use super::form::{Form, FormMark};
use super::order::{Asked, Head, Order};
use super::statement::Holder;
use crate::access::role::Permission;
use crate::clock::{Day, days_after, spoken_day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::lot::{self, Expiring};
use crate::places::area::Tree;
use crate::places::consent::{self, Purpose};
use crate::places::consent_form::{self, Print};
use crate::places::household::{self, Household};
use crate::places::programme;
use crate::shop::proxy;

/// What a household agrees to, with room to sign (H6, G8).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentForm {
    paper: Head,
    /// Nobody on a blank form.
    household: Option<Holder>,
    purposes: Vec<Question>,
    proxies: Vec<Proxy>,
    /// Who keeps what is known of the household (PIPL art. 17).
    issuer: String,
    phone: String,
    place: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// The row under which it is keyed.
    row: i64,
    name: String,
    explanation: String,
    /// What was decided before.
    agreed: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proxy {
    name: String,
    relation: String,
    until: Option<String>,
}

/// Gives a consent form its number: for the household that was asked for, or blank without one. The order that prints it.
///
/// # Errors
/// As [`Order::household`] and [`consent_form::print`].
pub fn number_consent_form(conn: &mut Conn, order: &Order, by: Option<String>, key: &str) -> Result<Asked> {
    let household = match order.asked.household.as_deref().map(str::trim) {
        None | Some("") => None,
        Some(_) => Some(order.household(conn, Permission::ChangeHouseholds)?),
    };
    let print = Print {
        household: household.as_ref().map(|household| household.id.clone()),
        by,
        key: key.to_owned(),
    };
    let form = consent_form::print(conn, &print, order.now)?;
    Ok(Asked {
        household: household.map(|household| household.code),
        id: Some(form.number.to_string()),
        ..Asked::default()
    })
}

/// A consent form by its number, with what its household decided before.
///
/// # Errors
/// `Invalid` without a number; `NotFound`, also outside the orderer's reach.
pub fn consent_form(conn: &mut Conn, order: &Order) -> Result<ConsentForm> {
    let form = consent_form::by_number(conn, order.number()?)?;
    let household = match &form.household_id {
        None => None,
        Some(id) => Some(household::by_id(conn, id)?),
    };
    let (mut decided, mut proxies) = (HashMap::new(), Vec::new());
    if let Some(household) = &household {
        order.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
        decided = consent::of(conn, &household.id)?;
        proxies = proxy::of_household(conn, &household.id, order.today())?;
    }
    let programme = programme::get(conn)?;
    let tree = Tree::load(conn)?;
    let mut paper = order.head(conn, household.as_ref().map(|household| &household.building_id))?;
    paper.form = Some(FormMark::new(Form::Consent, form.number)?);
    let purposes = (1i64..).zip(Purpose::ALL).map(|(row, purpose)| Question {
        row,
        name: purpose.label().to_owned(),
        explanation: purpose.explained().to_owned(),
        agreed: decided.get(purpose).map(|consent| consent.given),
    });
    Ok(ConsentForm {
        paper,
        purposes: purposes.collect(),
        household: household.map(|household| Holder::of(&household, &tree)),
        proxies: proxies
            .into_iter()
            .map(|proxy| Proxy {
                name: proxy.name,
                relation: proxy.relation,
                until: proxy.until_on.map(spoken_day),
            })
            .collect(),
        issuer: programme.issuer,
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
    place: String,
    phone: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Building {
    name: String,
    /// The last day on which telling is in good time.
    last_day: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    name: String,
    door: String,
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

/// Days that are left to a household which was told last, to go to the supermarket: it opens once a week.
const DAYS_TO_SPEND: u64 = 7;

/// Households whose points end within so many days (`count`; 60 without), in the buildings that were asked for.
///
/// # Errors
/// `Invalid` when nobody's points end; as [`Order::buildings`].
pub fn expiry_reminders(conn: &mut Conn, order: &Order) -> Result<ExpiryReminders> {
    let until = days_after(order.today(), order.asked.count.map_or(FIRST_REMINDER_DAYS, u64::from));
    let buildings = order.buildings(conn, Permission::ReadHouseholds)?;
    let ending = lot::expiring(conn, None, until)?;
    let mut by_owner: BTreeMap<&str, Vec<&Expiring>> = BTreeMap::new();
    for one in &ending {
        by_owner.entry(&one.owner).or_default().push(one);
    }
    let owners: Vec<&str> = by_owner.keys().copied().collect();
    let ids: Vec<Id<Household>> = owners.iter().map(|owner| Id::known(*owner)).collect();
    let mut households: Vec<Household> = Vec::new();
    for chunk in ids.chunks(500) {
        households.extend(household::by_ids(conn, chunk)?);
    }
    households.sort_by(|one, other| one.code.cmp(&other.code));
    let mut of_building: HashMap<_, (Day, Vec<Row>)> = HashMap::new();
    for household in households {
        let lots = by_owner.remove(household.id.as_str()).unwrap_or_default();
        let first = lots.iter().map(|one| one.expires_on).min().unwrap_or(until);
        let row = Row {
            code: household.code.clone(),
            name: household.head_name.clone(),
            door: household.door(),
            expiring: lots
                .into_iter()
                .map(|one| Ending {
                    points: one.points.0,
                    day: spoken_day(one.expires_on),
                })
                .collect(),
        };
        let (earliest, rows) = of_building.entry(household.building_id).or_insert((first, Vec::new()));
        *earliest = first.min(*earliest);
        rows.push(row);
    }
    let tree = Tree::load(conn)?;
    let lists: Vec<Building> = buildings
        .iter()
        .filter_map(|area| {
            let (earliest, rows) = of_building.remove(&area.id)?;
            let in_good_time = earliest.checked_sub_days(Days::new(DAYS_TO_SPEND));
            Some(Building {
                name: tree.address(&area.id),
                last_day: spoken_day(in_good_time.unwrap_or(earliest).max(order.today())),
                rows,
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
        place: programme.office,
        phone: programme.phone,
    })
}
