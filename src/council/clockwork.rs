//! The clockwork: everything that happens by itself when its day has come.
//!
//! `run` is called when the server starts and every minute. It catches up with whatever fell due while the server was off,
//! and doing it twice does nothing. It also remembers the latest moment it has seen: when the clock stands before that, no
//! deadline can be trusted, so it does nothing, and votes and closings are refused until the clock is right.

use chrono::TimeDelta;
use diesel::prelude::*;

use super::refused::Refused;
use super::{appeal, award, notice, objection, reminder};
use crate::clock::{Moment, day_of};
use crate::db::Conn;
use crate::db::schema::clockwork;
use crate::error::Result;
use crate::ledger::lot;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Awards that posted.
    pub posted: usize,
    /// Objections that became urgent or were decided by silence.
    pub objections: usize,
    /// Appeals that became urgent or were decided by silence.
    pub appeals: usize,
    /// Notices that were taken down.
    pub taken_down: usize,
    /// Reminder notes that lapsed, took something, or gave it back.
    pub reminders: usize,
    /// Lots of points that ended.
    pub expired: usize,
}

impl Done {
    /// Was there anything to do?
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Done::default()
    }
}

/// Clocks of two machines may differ by this much, in minutes.
const TOLERANCE_MINUTES: i64 = 5;
/// The only row.
const ROW: i64 = 1;

/// Does what is due.
///
/// # Errors
/// [`Refused::ClockSetBack`].
pub fn run(conn: &mut Conn, now: Moment) -> Result<Done> {
    expect_forward(conn, now)?;
    // First what holds a row: an objection that silence dismisses lets its row post in the same run.
    let objections = objection::due(conn, now)?;
    let appeals = appeal::due(conn, now)?;
    let posted = award::post_due(conn, now)?;
    let taken_down = notice::take_down_due(conn, now)?;
    let reminders = reminder::due::due(conn, now)?;
    // One day of grace after the last day (SG18): who comes a day late still gets what is on the shelf.
    let expired = match day_of(now).pred_opt() {
        Some(yesterday) => lot::expire_due(conn, yesterday, now)?,
        None => 0,
    };
    remember(conn, now)?;
    Ok(Done {
        posted,
        objections,
        appeals,
        taken_down,
        reminders,
        expired,
    })
}

/// Refuses what depends on the time while the clock stands before what has been seen.
///
/// # Errors
/// [`Refused::ClockSetBack`].
pub fn expect_forward(conn: &mut Conn, now: Moment) -> Result<()> {
    let tolerance = TimeDelta::minutes(TOLERANCE_MINUTES);
    match seen(conn)? {
        Some(seen) if seen.signed_duration_since(now) > tolerance => Err(Refused::ClockSetBack.into()),
        _ => Ok(()),
    }
}

fn seen(conn: &mut Conn) -> Result<Option<Moment>> {
    Ok(clockwork::table
        .find(ROW)
        .select(clockwork::seen_at)
        .get_result(conn)
        .optional()?)
}

fn remember(conn: &mut Conn, now: Moment) -> Result<()> {
    match seen(conn)? {
        None => {
            diesel::insert_into(clockwork::table)
                .values((clockwork::id.eq(ROW), clockwork::seen_at.eq(now)))
                .execute(conn)?;
        }
        Some(seen) if seen < now => {
            diesel::update(clockwork::table.find(ROW))
                .set(clockwork::seen_at.eq(now))
                .execute(conn)?;
        }
        Some(_) => {}
    }
    Ok(())
}
