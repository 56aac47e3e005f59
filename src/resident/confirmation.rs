//! Whose word about its book waits to be nominated, and what became of the others: for the staff who nominate.
//!
//! The word itself is `book.rs`; the nominations are the council's (`council/confirmation.rs`), by the item that the rules of
//! the day give for it. A word that no item is given for waits for nothing.

use std::collections::HashMap;

use chrono::Days;

use super::book::{self, Check};
use crate::access::role::Reach;
use crate::access::user::User;
use crate::clock::{Day, Moment, begin_of, day_of};
use crate::council::confirmation::{self, Confirmed, Filed, Tally};
use crate::council::nomination::OLDEST_DAYS;
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::places::household::{self, Household};
use crate::scheme::item::Item;

/// A household's word, and where it stands.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// The household.
    pub household: Household,
    /// What it said, and when.
    pub check: Check,
    /// The item for it.
    pub item: Item,
    /// What became of it; nothing while it waits.
    pub filed: Option<Filed>,
}

impl Confirmation {
    /// The day on which the household said so.
    #[must_use]
    pub fn on(&self) -> Day {
        day_of(self.check.checked_at)
    }
}

/// Households that are nominated in one go: the counter waits for no long write.
pub const AT_ONCE: usize = 100;
/// Households that are looked up in one go.
const PIECE: usize = 500;

/// The words of households within a reach that can still be nominated or were, the oldest first: as far back as a deed may lie.
///
/// # Errors
/// Only when the database fails.
pub fn within(conn: &mut Conn, reach: &Reach, today: Day) -> Result<Vec<Confirmation>> {
    let oldest = today.checked_sub_days(Days::new(OLDEST_DAYS)).unwrap_or(today);
    let checks = book::checked_since(conn, begin_of(oldest))?;
    let Some(earliest) = checks.iter().map(|check| check.quarter_from).min() else {
        return Ok(Vec::new());
    };
    let mut filed = confirmation::filed_from(conn, earliest)?;
    let ids: Vec<Id<Household>> = checks.iter().map(|check| check.household_id.clone()).collect();
    let mut homes: HashMap<Id<Household>, Household> = HashMap::new();
    for piece in ids.chunks(PIECE) {
        let found = household::by_ids(conn, piece)?.into_iter();
        homes.extend(found.map(|home| (home.id.clone(), home)));
    }
    let mut items: HashMap<Day, Option<Item>> = HashMap::new();
    let mut within = Vec::new();
    for check in checks {
        let Some(household) = homes
            .get(&check.household_id)
            .filter(|home| reach.covers(&home.building_id))
        else {
            continue;
        };
        let on = day_of(check.checked_at);
        let item = match items.get(&on) {
            Some(known) => known.clone(),
            None => {
                let item = confirmation::item_on(conn, on)?;
                items.insert(on, item.clone());
                item
            }
        };
        if let Some(item) = item {
            within.push(Confirmation {
                household: household.clone(),
                filed: filed.remove(&(check.household_id.clone(), check.quarter_from)),
                item,
                check,
            });
        }
    }
    Ok(within)
}

/// Nominates the households within a reach whose words wait longest, [`AT_ONCE`] at most. The same request again answers the first tally.
///
/// # Errors
/// As [`confirmation::file`].
pub fn file(conn: &mut Conn, reach: &Reach, by: &Id<User>, key: &str, now: Moment) -> Result<Tally> {
    let waiting = within(conn, reach, day_of(now))?
        .into_iter()
        .filter(|one| one.filed.is_none())
        .take(AT_ONCE);
    let confirmed: Vec<Confirmed> = waiting
        .map(|one| Confirmed {
            on: one.on(),
            household: one.household.id,
            quarter_from: one.check.quarter_from,
            taken_by: one.check.taken_by,
            item: one.item.code,
        })
        .collect();
    confirmation::file(conn, &confirmed, by, key, now)
}
