//! The book of a quarter: what was there at its beginning, what came, what was used, what was left; and that the household
//! found it right: on its page, or on paper, which somebody takes down. Once a quarter, by its own wish.
//!
//! Nothing here gives points. Signing in brings none, and nobody is reminded to come (SG21). Where the rules have an item
//! for having gone through the book, `confirmation.rs` lists who did, and the council decides as on any other deed.

use chrono::Days;
use diesel::prelude::*;

use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, Span, begin_of, day_of};
use crate::db::Conn;
use crate::db::schema::book_checks;
use crate::error::Result;
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::places::household::Household;
use crate::points::Points;

/// A household's book of a quarter that is over.
#[derive(Clone, Debug)]
pub struct Book {
    /// The quarter.
    pub quarter: Span,
    /// What could be spent when it began.
    pub opening: Points,
    /// What came.
    pub added: Points,
    /// What went.
    pub taken: Points,
    /// What could be spent when it was over.
    pub closing: Points,
    /// That the household found it right, if it did.
    pub check: Option<Check>,
}

/// A household's word that its book of a quarter is right.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = book_checks)]
pub struct Check {
    /// The household.
    pub household_id: Id<Household>,
    /// The first day of the quarter.
    pub quarter_from: Day,
    /// When it said so.
    pub checked_at: Moment,
    /// Who took it down, when it was said on paper.
    pub taken_by: Option<Id<User>>,
}

/// What a household's word came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is written down now.
    New,
    /// It had said so before.
    Known,
    /// It was not there yet: there is no book.
    NoBook,
}

/// Lines that are looked at in one go.
const PIECE: i64 = 200;

/// The household's book of the last quarter; `None` when it was not there yet.
///
/// # Errors
/// Only when the database fails.
pub fn last(conn: &mut Conn, household: &Household, today: Day) -> Result<Option<Book>> {
    let this = Span::quarter_of(today);
    let quarter = Span::quarter_of(this.from.checked_sub_days(Days::new(1)).unwrap_or(this.from));
    if day_of(household.registered_at) >= quarter.until {
        return Ok(None);
    }
    let (first, end) = (begin_of(quarter.from), begin_of(quarter.until));
    let (mut added, mut taken) = (Points::ZERO, Points::ZERO);
    let (mut opening, mut closing) = (None, None);
    let mut before = None;
    while opening.is_none() {
        let lines = balance::lines(conn, household.id.as_str(), AccountKind::Spendable, before, PIECE)?;
        for line in &lines {
            if line.recorded_at < end && closing.is_none() {
                closing = Some(line.balance_after);
            }
            if line.recorded_at < first {
                opening = Some(line.balance_after);
                break;
            }
            match line.recorded_at < end {
                true if line.amount >= Points::ZERO => added = Points(added.0.saturating_add(line.amount.0)),
                true => taken = Points(taken.0.saturating_sub(line.amount.0)),
                false => {}
            }
        }
        match lines.last() {
            Some(last) => before = Some(last.version),
            None => break,
        }
    }
    let check = book_checks::table
        .find((&household.id, quarter.from))
        .select(Check::as_select())
        .first(conn)
        .optional()?;
    Ok(Some(Book {
        quarter,
        opening: opening.unwrap_or_default(),
        added,
        taken,
        closing: closing.unwrap_or_default(),
        check,
    }))
}

/// The household finds its book of the last quarter right: itself, or on paper that somebody takes down. Said twice, it is
/// the same.
///
/// # Errors
/// Only when the database fails.
pub fn check(conn: &mut Conn, household: &Household, taken_by: Option<&Id<User>>, now: Moment) -> Result<Word> {
    let Some(book) = last(conn, household, day_of(now))? else {
        return Ok(Word::NoBook);
    };
    if book.check.is_some() {
        return Ok(Word::Known);
    }
    diesel::insert_into(book_checks::table)
        .values((
            book_checks::household_id.eq(&household.id),
            book_checks::quarter_from.eq(book.quarter.from),
            book_checks::balance.eq(book.closing),
            book_checks::checked_at.eq(now),
            book_checks::taken_by.eq(taken_by),
        ))
        .execute(conn)?;
    let subject = format!("household:{}", household.id);
    let quarter = book.quarter.from.to_string();
    let event = match taken_by {
        None => audit::Event::new(household.id.as_str(), "book.checked", subject, quarter, now),
        Some(by) => audit::Event::new(by.as_str(), "book.checked_on_paper", subject, quarter, now),
    };
    audit::record(conn, &[event])?;
    Ok(Word::New)
}

/// What households said of their books since this moment, the oldest first.
///
/// # Errors
/// Only when the database fails.
pub fn checked_since(conn: &mut Conn, since: Moment) -> Result<Vec<Check>> {
    Ok(book_checks::table
        .filter(book_checks::checked_at.ge(since))
        .order((book_checks::checked_at, book_checks::household_id))
        .select(Check::as_select())
        .load(conn)?)
}

/// The quarters that a household found right, the latest first.
///
/// # Errors
/// Only when the database fails.
pub fn checked(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<(Day, Points)>> {
    Ok(book_checks::table
        .filter(book_checks::household_id.eq(household))
        .order(book_checks::quarter_from.desc())
        .select((book_checks::quarter_from, book_checks::balance))
        .load(conn)?)
}
