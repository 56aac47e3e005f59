//! Transfers: points that go from one household to another, with the days on which they expire.
//!
//! Households never give each other points. A transfer follows a household that was split or merged, and nothing else.

use super::account::AccountKind;
use super::balance;
use super::lot;
use super::transaction::{Books, Entry, Posting, TransactionKind};
use crate::clock::{Day, Moment};
use crate::db::Conn;
use crate::error::Result;
use crate::points::Points;

/// What goes from one household to another.
#[derive(Clone, Debug)]
pub struct Transfer<'a> {
    /// The household that gives, by its id.
    pub from: &'a str,
    /// The household that gets, by its id.
    pub to: &'a str,
    /// Points that can be spent; those that expire first go first.
    pub spendable: Points,
    /// Honour.
    pub honour: Points,
    /// Time credits, in minutes.
    pub time: Points,
}

impl Transfer<'_> {
    /// Posts it; nothing to carry is no transaction.
    ///
    /// # Errors
    /// `Internal` for more than there is; `Refused::DuplicateSource` for a source that has posted.
    pub fn post(&self, conn: &mut Conn, source: String, on: Day, by: &str, now: Moment) -> Result<Option<i64>> {
        let mut entries: Vec<Entry> = Vec::new();
        if self.spendable > Points::ZERO {
            entries.extend(lot::carried(conn, self.spendable, self.from, self.to)?);
        }
        for (kind, amount) in [
            (AccountKind::Honour, self.honour),
            (AccountKind::TimeCredits, self.time),
        ] {
            if amount > Points::ZERO {
                entries.extend(Posting::moving(amount, (self.from, kind), (self.to, kind)));
            }
        }
        if entries.is_empty() {
            return Ok(None);
        }
        let mut books = Books::open(conn, [self.from, self.to])?;
        let number = books.post(Posting {
            kind: TransactionKind::Transfer,
            source,
            effective_on: on,
            recorded_at: now,
            posted_by: by.to_owned(),
            reverses: None,
            entries,
        })?;
        books.save(conn)?;
        Ok(Some(number))
    }
}

/// Brings what a transaction once gave a household back from the one into which that was merged, as far as it still has it,
/// so that the transaction can be undone where it was posted.
///
/// # Errors
/// As [`Transfer::post`].
pub fn call_back(conn: &mut Conn, number: i64, survivor: &str, on: Day, by: &str, now: Moment) -> Result<Option<i64>> {
    let (mut spendable, mut honour, mut time) = (Points::ZERO, Points::ZERO, Points::ZERO);
    let mut given_to = String::new();
    for (owner, kind, amount) in balance::sides(conn, number)? {
        let sum = match kind {
            AccountKind::Spendable => &mut spendable,
            AccountKind::Honour => &mut honour,
            // Of help between households, the one that was helped gave: nothing of it is called back from there.
            AccountKind::TimeCredits if amount > Points::ZERO => &mut time,
            _ => continue,
        };
        *sum = sum.plus(amount).unwrap_or_default();
        given_to = owner;
    }
    if given_to.is_empty() || given_to == survivor {
        return Ok(None);
    }
    let have = Books::open(conn, [survivor])?;
    let transfer = Transfer {
        from: survivor,
        to: &given_to,
        spendable: spendable.min(have.balance(survivor, AccountKind::Spendable)),
        honour: honour.min(have.balance(survivor, AccountKind::Honour)),
        time: time.min(have.balance(survivor, AccountKind::TimeCredits)),
    };
    transfer.post(conn, format!("transfer-back:{number}"), on, by, now)
}
