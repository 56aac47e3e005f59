//! The call-back sheet (抽查回访表): a drawn sample of what posted in a month, whose households are asked at the door. It is
//! for whoever asks, not for a wall: it says the full name and the door.
//!
//! Nobody chooses who is asked. Rows are ordered by a digest of the seed and their slip numbers, and the first are taken. The
//! seed is made of the month and of the digest that closed the books' chain at its end: nobody knew it while points were
//! given, and whoever has the books can draw again and gets the same. A committee that throws dice may give its own seed.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::clock::{Day, Span, begin_of, spoken_day};
use crate::council::nomination::{self, Nomination};
use crate::council::notice;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::balance;
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::registers::month;
use crate::scheme::item;

/// Rows on a sheet when no other number was asked for, and at most.
const ROWS: usize = 20;
const MOST_ROWS: usize = 200;

/// Letters of a seed at most, so that it can be written down.
const LONGEST_SEED: usize = 24;

/// What is asked at the door.
const QUESTIONS: [&str; 3] = [
    "这件事是您家做的吗？哪一天做的？",
    "入账告知单上写的分数，和您知道的一样吗？",
    "对加分、兑换还有什么意见？",
];

/// A sample to ask about.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallBackSheet {
    paper: Head,
    sample_of: String,
    drawn_on: String,
    seed: String,
    rows: Vec<Row>,
    questions: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    row: i64,
    slip: String,
    name: String,
    /// Where to knock, and the household's code.
    door: String,
    what: String,
    points: i64,
    on: String,
}

/// The sheet of a month: twenty rows, or as many as were asked for, of the buildings within reach.
///
/// # Errors
/// `Invalid` for what is no month, a seed that is too long, and a month in which nothing posted; `NotFound` when nothing is
/// within reach.
pub fn load(conn: &mut Conn, order: &Order) -> Result<CallBackSheet> {
    let span = order.month()?;
    let seed = seed(conn, order, span)?;
    let buildings = order.buildings(conn, Permission::ReadAudit)?;
    let posted = nomination::posted_in(conn, span)?;
    let mut homes = homes_of(conn, &posted)?;
    homes.retain(|_, home| buildings.iter().any(|building| building.id == home.building_id));
    let mut slips: HashMap<_, _> = notice::shown(conn, &posted)?
        .into_iter()
        .map(|(id, shown)| (id, shown.slip))
        .collect();
    let mut drawn: Vec<(String, Nomination)> = posted
        .into_iter()
        .filter(|row| homes.contains_key(&row.household_id))
        // What an appeal gave was on no notice; it has no slip, and was decided by others.
        .filter_map(|row| Some((slips.remove(&row.id)?, row)))
        .collect();
    drawn.sort_by_cached_key(|(slip, _)| place(&seed, slip));
    let asked = order.asked.count.and_then(|count| usize::try_from(count).ok());
    drawn.truncate(asked.unwrap_or(ROWS).clamp(1, MOST_ROWS));
    if drawn.is_empty() {
        return Err(Error::invalid("month", "这个月没有入账的条目，没有可以抽查的。"));
    }
    let tree = Tree::load(conn)?;
    let mut rows = Vec::with_capacity(drawn.len());
    for (row, (slip, drawn)) in (1i64..).zip(drawn) {
        let home = homes.get(&drawn.household_id).ok_or(Error::NotFound)?;
        rows.push(told(conn, &tree, home, &drawn, row, slip)?);
    }
    Ok(CallBackSheet {
        paper: order.head(conn, None)?,
        sample_of: format!("{}入账", month::spoken(span)),
        drawn_on: spoken_day(order.today()),
        seed,
        rows,
        questions: QUESTIONS.iter().map(|words| (*words).to_owned()).collect(),
    })
}

fn homes_of(conn: &mut Conn, posted: &[Nomination]) -> Result<HashMap<Id<Household>, Household>> {
    let mut ids: Vec<Id<Household>> = posted.iter().map(|row| row.household_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut homes = HashMap::new();
    for chunk in ids.chunks(500) {
        let found = household::by_ids(conn, chunk)?.into_iter();
        homes.extend(found.map(|home| (home.id.clone(), home)));
    }
    Ok(homes)
}

fn told(conn: &mut Conn, tree: &Tree, home: &Household, drawn: &Nomination, row: i64, slip: String) -> Result<Row> {
    let (item, _) = item::by_id(conn, &drawn.scoring_item_id)?;
    let times = match drawn.count {
        ..=1 => String::new(),
        count => format!(" × {count}"),
    };
    Ok(Row {
        row,
        slip,
        name: home.head_name.clone(),
        door: format!("{}（{}）", home.address(tree), home.code),
        what: format!("{}{times}", item.name),
        points: drawn.points.0,
        on: short(drawn.occurred_on),
    })
}

/// The seed that was given, or `41F0-88C2` of the month and its books.
fn seed(conn: &mut Conn, order: &Order, span: Span) -> Result<String> {
    let given = order.asked.text.as_deref().map(str::trim).unwrap_or_default();
    if !given.is_empty() {
        return match given.chars().count() <= LONGEST_SEED {
            true => Ok(given.to_owned()),
            false => Err(Error::invalid("text", format!("抽签号码最多{LONGEST_SEED}个字。"))),
        };
    }
    let (_, tip) = balance::tip_before(conn, begin_of(span.until))?.unwrap_or_default();
    let digest = Sha256::new()
        .chain_update(month::written(span))
        .chain_update(tip)
        .finalize();
    let groups = digest.chunks(2).take(2).map(|bytes| {
        let digits = bytes.iter().map(|byte| format!("{byte:02X}"));
        digits.collect::<String>()
    });
    Ok(groups.collect::<Vec<_>>().join("-"))
}

/// Where a slip stands in the draw.
fn place(seed: &str, slip: &str) -> Vec<u8> {
    let whole = format!("{seed} {slip}");
    Sha256::digest(whole.as_bytes()).to_vec()
}

fn short(day: Day) -> String {
    day.format("%-m月%-d日").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_another_draws_others() {
        let draw = |seed: &str| {
            let mut slips: Vec<String> = (1..=60).map(|row| format!("12-{row}")).collect();
            slips.sort_by_cached_key(|slip| place(seed, slip));
            slips.truncate(5);
            slips
        };
        assert_eq!(draw("41F0-88C2"), draw("41F0-88C2"));
        assert_ne!(draw("41F0-88C2"), draw("41F0-88C3"));
        // As the sheet says it is done, so that anybody can do it with another program.
        let digest = place("41F0-88C2", "12-3");
        assert_eq!(digest, Sha256::digest(b"41F0-88C2 12-3").to_vec());
    }
}
