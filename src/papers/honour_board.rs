//! The board of honour (光荣榜) of a quarter: titles and good deeds of households that agreed to be on it.
//!
//! Nobody is on it who decides about it (SG12): neither the households of staff nor those of the council. There is no order
//! of merit: titles stand as they were conferred, deeds as they posted. A household is named as on the public notice, by its
//! family name unless it agreed to more.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::clock::{Day, Span, day_of};
use crate::council::{nomination, staff_share};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::award::{self, State, TitleAward};
use crate::honours::title;
use crate::id::Id;
use crate::places::area::Area;
use crate::places::consent::{self, Purpose};
use crate::places::household::{self, Household};
use crate::scheme::item;

/// Deeds on one board when no other number was asked for.
const DEEDS: usize = 60;

/// A board of honour.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HonourBoard {
    paper: Head,
    size: String,
    title: String,
    period: String,
    groups: Vec<Group>,
    deeds: Vec<Deed>,
    consent_note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    title: String,
    winners: Vec<Deed>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deed {
    name: String,
    building: String,
    text: String,
}

/// The board of the quarter of the month that was asked for.
///
/// # Errors
/// `Invalid` for what is no month, and when there is nothing for the board; `NotFound` when nothing is within reach.
pub fn load(conn: &mut Conn, order: &Order) -> Result<HonourBoard> {
    let quarter = Span::quarter_of(order.month()?.from);
    let buildings = order.buildings(conn, Permission::ReadNominations)?;
    let groups = groups(conn, order, quarter, &buildings)?;
    let deeds = deeds(conn, order, quarter, &buildings)?;
    if deeds.is_empty() && groups.is_empty() {
        return Err(Error::invalid(
            "month",
            "这个季度还没有可以上榜的称号和好事：要已经授予或入账，并且本户同意上榜。",
        ));
    }
    let is_one = order.asked.area.as_deref().is_some_and(|code| !code.is_empty());
    let area = buildings.first().filter(|_| is_one);
    Ok(HonourBoard {
        paper: order.head(conn, area.map(|building| &building.id))?,
        size: order.size(&["a3", "a2", "a2-tiles"])?,
        title: "光荣榜".to_owned(),
        period: quarter_in_words(quarter.from),
        groups,
        deeds,
        consent_note: Some("上榜都经本户同意；没有同意写全名的只写姓氏。".to_owned()),
    })
}

/// The titles that were conferred in the quarter and are held, one group each.
fn groups(conn: &mut Conn, order: &Order, quarter: Span, buildings: &[Area]) -> Result<Vec<Group>> {
    let mut held = award::standing_as(conn, &[State::Conferred])?;
    held.retain(|award| award.conferred_at.is_some_and(|at| quarter.contains(day_of(at))));
    let deciding = staff_share::homes(conn, order.today())?;
    held.retain(|award| !deciding.contains(&award.household_id));
    held.sort_by(|one, other| (one.conferred_at, &one.id).cmp(&(other.conferred_at, &other.id)));
    let ids: Vec<Id<Household>> = held.iter().map(|award| award.household_id.clone()).collect();
    let agreed = consent::given_by(conn, &ids, Purpose::HonourBoard)?;
    let full_names = consent::given_by(conn, &ids, Purpose::FullNameOnNotice)?;
    let homes = household::by_ids(conn, &ids)?;
    let mut groups = Vec::new();
    for title in title::all(conn)? {
        let winner = |award: &TitleAward| {
            let home = homes.iter().find(|home| home.id == award.household_id)?;
            let building = buildings.iter().find(|building| building.id == home.building_id)?;
            agreed.contains(&home.id).then(|| Deed {
                name: match full_names.contains(&home.id) {
                    true => format!("{}家", home.head_name),
                    false => format!("{}家", home.masked_name()),
                },
                building: building.name.clone(),
                text: award.reason.clone(),
            })
        };
        let of_title = held.iter().filter(|award| award.title_id == title.id);
        let winners: Vec<Deed> = of_title.filter_map(winner).collect();
        if !winners.is_empty() {
            groups.push(Group {
                title: title.name,
                winners,
            });
        }
    }
    Ok(groups)
}

fn deeds(conn: &mut Conn, order: &Order, quarter: Span, buildings: &[Area]) -> Result<Vec<Deed>> {
    let mut posted = nomination::posted_in(conn, quarter)?;
    let deciding = staff_share::homes(conn, order.today())?;
    posted.retain(|row| !deciding.contains(&row.household_id));
    let mut ids: Vec<Id<Household>> = posted.iter().map(|row| row.household_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let (mut agreed, mut full_names, mut homes) = (HashSet::new(), HashSet::new(), Vec::new());
    for chunk in ids.chunks(500) {
        agreed.extend(consent::given_by(conn, chunk, Purpose::HonourBoard)?);
        full_names.extend(consent::given_by(conn, chunk, Purpose::FullNameOnNotice)?);
        homes.extend(household::by_ids(conn, chunk)?);
    }
    let most = order.asked.count.and_then(|count| usize::try_from(count).ok());
    let (mut told, mut seen) = (Vec::new(), HashSet::new());
    for row in posted {
        let home = homes.iter().find(|home| home.id == row.household_id);
        let Some(home) = home.filter(|home| agreed.contains(&home.id)) else {
            continue;
        };
        let Some(building) = buildings.iter().find(|building| building.id == home.building_id) else {
            continue;
        };
        let text = match row.public_text.trim() {
            "" => item::by_id(conn, &row.scoring_item_id)?.0.name,
            text => text.to_owned(),
        };
        // What a household did every week stands there once.
        if !seen.insert((home.id.clone(), text.clone())) {
            continue;
        }
        told.push(Deed {
            name: match full_names.contains(&home.id) {
                true => home.head_name.clone(),
                false => home.masked_name(),
            },
            building: building.name.clone(),
            text,
        });
        if told.len() >= most.unwrap_or(DEEDS).max(1) {
            break;
        }
    }
    Ok(told)
}

/// `2026年第三季度`.
pub(super) fn quarter_in_words(day: Day) -> String {
    let number = match day.format("%-m").to_string().as_str() {
        "1" | "2" | "3" => "一",
        "4" | "5" | "6" => "二",
        "7" | "8" | "9" => "三",
        _ => "四",
    };
    format!("{}年第{number}季度", day.format("%Y"))
}
