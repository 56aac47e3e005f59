//! The board of honour (光荣榜) of a quarter on paper. Who stands on it is for `boards/board.rs` to say, at the moment of
//! printing: a household that withdraws its consent is not on the next one.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::boards::board;
use crate::clock::{Span, spoken_day, spoken_quarter};
use crate::db::Conn;
use crate::error::{Error, Result};

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
    /// The last day on which it hangs.
    until: String,
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
/// `Invalid` for what is no month, for a quarter whose board has come down, and when there is nothing for the board;
/// `NotFound` when nothing is within reach.
pub fn load(conn: &mut Conn, order: &Order) -> Result<HonourBoard> {
    let quarter = Span::quarter_of(order.month()?.from);
    let buildings = order.buildings(conn, Permission::ReadNominations)?;
    let found = board::of_quarter(conn, quarter, &buildings, order.today())?;
    if found.is_empty() {
        return Err(Error::invalid(
            "month",
            "这个季度还没有可以上榜的好事：要已经入账，并且本户同意上榜。",
        ));
    }
    let most = order.asked.count.and_then(|count| usize::try_from(count).ok());
    let groups = found.titles.into_iter().map(|group| Group {
        title: group.title,
        winners: group
            .winners
            .into_iter()
            .map(|winner| Deed {
                name: winner.name,
                building: winner.building,
                text: winner.reason,
            })
            .collect(),
    });
    let deeds = found.deeds.into_iter().take(most.unwrap_or(DEEDS).max(1));
    let is_one = order.asked.area.as_deref().is_some_and(|code| !code.is_empty());
    let area = buildings.first().filter(|_| is_one);
    Ok(HonourBoard {
        paper: order.head(conn, area.map(|building| &building.id))?,
        size: order.size(&["a3", "a2", "a2-tiles"])?,
        title: "光荣榜".to_owned(),
        period: spoken_quarter(quarter.from),
        until: spoken_day(board::last_day(quarter)),
        groups: groups.collect(),
        deeds: deeds
            .map(|deed| Deed {
                text: deed.told().to_owned(),
                name: deed.name,
                building: deed.building,
            })
            .collect(),
        consent_note: Some("上榜都经本户同意；没有同意写全名的只写姓氏。".to_owned()),
    })
}
