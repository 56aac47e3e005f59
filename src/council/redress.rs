//! Objections and appeals of a span of days in numbers: how many came, how they ended, and whether in time.
//!
//! What is counted is the day on which something came or was decided, so that the numbers of a month that is over stay. No row,
//! no household and no words are in them.

use diesel::prelude::*;

use super::{appeal, objection};
use crate::clock::{Moment, Span, begin_of};
use crate::db::Conn;
use crate::db::schema::{appeals, objections};
use crate::error::Result;

/// What came and what was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redress {
    /// Came.
    pub filed: i64,
    /// Whoever spoke up was right.
    pub upheld: i64,
    /// It stays as it was.
    pub dismissed: i64,
    /// Both sides agreed, or it was taken back.
    pub settled: i64,
    /// Of those that ended: before their last day.
    pub in_time: i64,
}

/// How one ended.
enum Ending {
    Upheld,
    Dismissed,
    Settled,
}

impl Redress {
    /// How many ended.
    #[must_use]
    pub fn decided(&self) -> i64 {
        self.upheld.saturating_add(self.dismissed).saturating_add(self.settled)
    }

    fn add(&mut self, ending: &Ending, in_time: bool) {
        let count = match ending {
            Ending::Upheld => &mut self.upheld,
            Ending::Dismissed => &mut self.dismissed,
            Ending::Settled => &mut self.settled,
        };
        *count = count.saturating_add(1);
        self.in_time = self.in_time.saturating_add(i64::from(in_time));
    }
}

/// Objections to what was on public notice.
///
/// # Errors
/// Only when the database fails.
pub fn objections(conn: &mut Conn, span: Span) -> Result<Redress> {
    let (from, until) = (begin_of(span.from), begin_of(span.until));
    let mut counted = Redress {
        filed: objections::table
            .filter(objections::filed_at.ge(from))
            .filter(objections::filed_at.lt(until))
            .count()
            .get_result(conn)?,
        ..Redress::default()
    };
    let ended = objections::table
        .filter(objections::decided_at.ge(from))
        .filter(objections::decided_at.lt(until))
        .select((objections::state, objections::decided_at, objections::decide_by))
        .load::<(objection::State, Option<Moment>, Moment)>(conn)?;
    for (state, decided_at, decide_by) in ended {
        let ending = match state {
            objection::State::Open => continue,
            objection::State::Upheld => Ending::Upheld,
            objection::State::Dismissed => Ending::Dismissed,
        };
        counted.add(&ending, decided_at.is_some_and(|at| at < decide_by));
    }
    Ok(counted)
}

/// Appeals of households against what was decided about them.
///
/// # Errors
/// Only when the database fails.
pub fn appeals(conn: &mut Conn, span: Span) -> Result<Redress> {
    let (from, until) = (begin_of(span.from), begin_of(span.until));
    let mut counted = Redress {
        filed: appeals::table
            .filter(appeals::filed_at.ge(from))
            .filter(appeals::filed_at.lt(until))
            .count()
            .get_result(conn)?,
        ..Redress::default()
    };
    let ended = appeals::table
        .filter(appeals::decided_at.ge(from))
        .filter(appeals::decided_at.lt(until))
        .select((appeals::state, appeals::decided_at, appeals::decide_by))
        .load::<(appeal::State, Option<Moment>, Moment)>(conn)?;
    for (state, decided_at, decide_by) in ended {
        let ending = match state {
            appeal::State::Filed | appeal::State::Accepted | appeal::State::Heard => continue,
            appeal::State::Upheld => Ending::Upheld,
            appeal::State::Dismissed => Ending::Dismissed,
            appeal::State::Settled | appeal::State::Withdrawn => Ending::Settled,
        };
        counted.add(&ending, decided_at.is_some_and(|at| at < decide_by));
    }
    Ok(counted)
}
