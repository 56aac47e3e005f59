//! Standing: is a household part of the programme, and if not, where did it go?
//!
//! A household that left or was merged keeps its row, its books and its history. Now is in the household's row; an earlier
//! day is told by its history. It does not say what ends with a household: `registry` does what has to be done.

use std::collections::{HashMap, HashSet};
use std::fmt;

use diesel::prelude::*;

use super::event::{EventKind, last_turn};
use super::household::{DELETED, Household};
use crate::clock::{Day, spoken_day};
use crate::db::Conn;
use crate::db::schema::households;
use crate::error::{Error, Refusal, Result};
use crate::id::Id;

/// How long a household that left can spend what it has: SG20.
pub const REDEEMABLE_DAYS: u64 = 90;

/// Whether a household is part of the programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Active,
    /// It left; its points can be spent for a while.
    Left {
        /// The first day without it.
        on: Day,
        /// The last day on which it can spend what it has.
        redeemable_until: Day,
    },
    /// It became part of another household, with its points.
    Merged {
        /// The first day without it.
        on: Day,
        /// The other one.
        into: Id<Household>,
    },
}

impl Standing {
    /// Is it part of the programme?
    #[must_use]
    pub fn is_active(&self) -> bool {
        *self == Standing::Active
    }

    /// Does it still have points to spend and data to see to on this day? A household that left does for a while.
    #[must_use]
    pub fn is_served_on(&self, day: Day) -> bool {
        match self {
            Standing::Active => true,
            Standing::Left { redeemable_until, .. } => day <= *redeemable_until,
            Standing::Merged { .. } => false,
        }
    }
}

/// Why something is refused for a household that is gone.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It left.
    Left {
        /// Since.
        on: Day,
    },
    /// It was merged.
    Merged {
        /// Since.
        on: Day,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Left { on } => write!(
                formatter,
                "这一户已于{}迁出，不能再办理这一项。如果搬回来了，请先办理“重新加入”。",
                spoken_day(*on)
            ),
            Refused::Merged { on } => write!(
                formatter,
                "这一户已于{}并入另一户，请为并入后的那一户办理。",
                spoken_day(*on)
            ),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::Left { .. } => "household_left",
            Refused::Merged { .. } => "household_merged",
        }
    }
}

type Columns = (Option<Day>, Option<Id<Household>>, Option<Day>);

fn standing(row: Columns) -> Standing {
    match row {
        (None, ..) => Standing::Active,
        (Some(on), Some(into), _) => Standing::Merged { on, into },
        (Some(on), None, until) => Standing::Left {
            on,
            redeemable_until: until.unwrap_or(on),
        },
    }
}

/// The standing of a household now.
///
/// # Errors
/// `NotFound`.
pub fn now(conn: &mut Conn, household: &Id<Household>) -> Result<Standing> {
    households::table
        .find(household)
        .select((
            households::ended_on,
            households::merged_into,
            households::redeemable_until,
        ))
        .get_result::<Columns>(conn)
        .optional()?
        .map(standing)
        .ok_or(Error::NotFound)
}

/// Was the household part of the programme on this day?
///
/// # Errors
/// `NotFound`.
pub fn was_active_on(conn: &mut Conn, household: &Id<Household>, day: Day) -> Result<bool> {
    let registered_at = super::household::by_id(conn, household)?.registered_at;
    if day < crate::clock::day_of(registered_at) {
        return Ok(false);
    }
    let turn = last_turn(conn, household, day)?;
    Ok(!matches!(turn, Some(EventKind::Left | EventKind::Merged)))
}

/// Refuses what only a household of the programme can have.
///
/// # Errors
/// [`Refused`]; `NotFound`.
pub fn expect_active(conn: &mut Conn, household: &Id<Household>) -> Result<()> {
    match now(conn, household)? {
        Standing::Active => Ok(()),
        Standing::Left { on, .. } => Err(Refused::Left { on }.into()),
        Standing::Merged { on, .. } => Err(Refused::Merged { on }.into()),
    }
}

/// The household in which this one is today: itself, or the one it was merged into, however often.
///
/// # Errors
/// `NotFound`.
pub fn survivor(conn: &mut Conn, household: &Id<Household>) -> Result<Id<Household>> {
    let mut here = household.clone();
    // A merge is into an active household, so this ends; the count is for a table that somebody broke.
    for _ in 0..1_000u16 {
        match now(conn, &here)? {
            Standing::Merged { into, .. } => here = into,
            Standing::Active | Standing::Left { .. } => return Ok(here),
        }
    }
    Err(Error::internal("households that were merged into each other"))
}

/// The households that were merged into this one, however often.
///
/// # Errors
/// Only when the database fails.
pub fn absorbed(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<Id<Household>>> {
    let mut all: Vec<Id<Household>> = Vec::new();
    let mut next = vec![household.clone()];
    while !next.is_empty() {
        next = households::table
            .filter(households::merged_into.eq_any(&next))
            .select(households::id)
            .load(conn)?;
        next.retain(|id| !all.contains(id));
        all.extend(next.iter().cloned());
    }
    Ok(all)
}

/// Every merged household with the one that it was merged into, as ids: for proofs.
///
/// # Errors
/// Only when the database fails.
pub fn merges(conn: &mut Conn) -> Result<HashMap<String, String>> {
    Ok(households::table
        .filter(households::merged_into.is_not_null())
        .select((households::id, households::merged_into))
        .load::<(String, Option<String>)>(conn)?
        .into_iter()
        .filter_map(|(from, into)| Some((from, into?)))
        .collect())
}

/// Which of these are not part of the programme any more.
///
/// # Errors
/// Only when the database fails.
pub fn gone(conn: &mut Conn, households: &[Id<Household>]) -> Result<HashSet<Id<Household>>> {
    Ok(households::table
        .filter(households::id.eq_any(households))
        .filter(households::ended_on.is_not_null())
        .select(households::id)
        .load::<Id<Household>>(conn)?
        .into_iter()
        .collect())
}

/// Households that left and whose time to spend is over.
///
/// # Errors
/// Only when the database fails.
pub fn out_of_time(conn: &mut Conn, today: Day) -> Result<Vec<Id<Household>>> {
    Ok(households::table
        .filter(households::merged_into.is_null())
        .filter(households::redeemable_until.lt(today))
        .order(households::id)
        .select(households::id)
        .load(conn)?)
}

/// The days on which households left that are still gone and not deleted.
///
/// # Errors
/// Only when the database fails.
pub fn left(conn: &mut Conn) -> Result<Vec<Day>> {
    let days = households::table
        .filter(households::ended_on.is_not_null())
        .filter(households::merged_into.is_null())
        .filter(households::head_name.ne(DELETED))
        .select(households::ended_on)
        .load::<Option<Day>>(conn)?;
    Ok(days.into_iter().flatten().collect())
}

/// Households in which somebody works for the programme or sits on the council: SG12.
///
/// # Errors
/// Only when the database fails.
pub fn of_staff(conn: &mut Conn) -> Result<HashSet<Id<Household>>> {
    Ok(households::table
        .filter(households::staff_since.is_not_null())
        .select(households::id)
        .load::<Id<Household>>(conn)?
        .into_iter()
        .collect())
}

/// Does somebody of this household work for the programme or sit on the council?
///
/// # Errors
/// `NotFound`.
pub fn staff_since(conn: &mut Conn, household: &Id<Household>) -> Result<Option<Day>> {
    households::table
        .find(household)
        .select(households::staff_since)
        .get_result::<Option<Day>>(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The households of the programme in which somebody works for it or sits on a council, as far as that was taken down.
///
/// # Errors
/// Only when the database fails.
pub fn staff(conn: &mut Conn) -> Result<HashSet<Id<Household>>> {
    let found = households::table
        .filter(
            households::staff_since
                .is_not_null()
                .and(households::ended_on.is_null()),
        )
        .select(households::id)
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// Writes that a household left, or was merged.
pub(super) fn end(
    conn: &mut Conn,
    household: &Id<Household>,
    on: Day,
    into: Option<&Id<Household>>,
    redeemable_until: Option<Day>,
) -> Result<()> {
    diesel::update(households::table.find(household))
        .set((
            households::ended_on.eq(Some(on)),
            households::merged_into.eq(into),
            households::redeemable_until.eq(redeemable_until),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes that a household is part of the programme again.
pub(super) fn resume(conn: &mut Conn, household: &Id<Household>) -> Result<()> {
    diesel::update(households::table.find(household))
        .set((
            households::ended_on.eq(None::<Day>),
            households::redeemable_until.eq(None::<Day>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes whether it is a household of staff.
pub(super) fn flag_staff(conn: &mut Conn, household: &Id<Household>, since: Option<Day>) -> Result<()> {
    diesel::update(households::table.find(household))
        .set(households::staff_since.eq(since))
        .execute(conn)?;
    Ok(())
}
