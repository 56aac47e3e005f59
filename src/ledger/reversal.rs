//! Reversals: what undoes a transaction, ready to be posted like any other.
//!
//! A mistake is never changed but reversed, once, by the opposite entries (laws 5 and 10). Of what was spent meanwhile nobody
//! owes anything: the programme bears it. Who may reverse what is decided in the rooms above.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::account::{AccountKind, PROGRAMME};
use super::transaction::{Books, Entry, Posting, Refused, TransactionKind};
use crate::clock::{Day, Moment};
use crate::db::Conn;
use crate::db::schema::{accounts, entries, transactions};
use crate::error::{Error, Result};
use crate::points::Points;

/// The opposite of a transaction, ready to be posted through [`Books::post`] like any other.
///
/// # Errors
/// `NotFound` without such a transaction; [`Refused::AlreadyReversed`].
pub fn reverse(conn: &mut Conn, number: i64, source: String, posted_by: &str, now: Moment) -> Result<Posting> {
    let original = Original::load(conn, number)?;
    let entries = original.entries.iter().map(opposite).collect();
    Ok(original.undone_by(entries, source, posted_by, now))
}

/// The opposite of an award whose points may have been spent: each household gives back only what it still has, and the
/// programme's `write_off` account bears the rest, of minutes its `time_pool`. Open the books for the households first.
///
/// # Errors
/// `NotFound` without such a transaction; [`Refused::AlreadyReversed`]; `Internal` for a transaction that is no award, and
/// for households whose accounts were not opened.
pub fn reverse_with_write_off(
    books: &Books,
    conn: &mut Conn,
    number: i64,
    source: String,
    posted_by: &str,
    now: Moment,
) -> Result<Posting> {
    let original = Original::load(conn, number)?;
    if !may_be_written_off(original.kind) {
        return Err(Error::internal("only an award is reversed with a write-off"));
    }
    if !original.entries.iter().all(|entry| books.has_open(&entry.owner)) {
        return Err(Error::internal(
            "a reversal for an owner whose accounts were not opened",
        ));
    }
    let entries = opposite_with_write_off(&original.entries, |owner, kind| books.balance(owner, kind));
    Ok(original.undone_by(entries, source, posted_by, now))
}

/// What gave points or minutes by a decision, and may be taken back after they were spent.
pub(super) fn may_be_written_off(kind: TransactionKind) -> bool {
    matches!(
        kind,
        TransactionKind::Award
            | TransactionKind::Correction
            | TransactionKind::TitleReward
            | TransactionKind::VolunteerTime
            | TransactionKind::TimeHelp
    )
}

/// The opposite entries, so that nobody gives back more than `have` says: what is missing of spendable points is borne by
/// the programme's write-off, what is missing of honour by recognition, what is missing of minutes by the pool of time.
pub(super) fn opposite_with_write_off(original: &[Entry], have: impl Fn(&str, AccountKind) -> Points) -> Vec<Entry> {
    let programme = |kind, amount| Entry {
        owner: PROGRAMME.to_owned(),
        kind,
        amount,
        expires_on: None,
    };
    let mut left: BTreeMap<(&str, AccountKind), Points> = BTreeMap::new();
    let (mut entries, mut written_off, mut kept, mut used) = (Vec::new(), Points::ZERO, Points::ZERO, Points::ZERO);
    for entry in original {
        let mut back = opposite(entry);
        let borne = match entry.kind {
            AccountKind::Spendable => &mut written_off,
            AccountKind::Honour => &mut kept,
            AccountKind::TimeCredits => &mut used,
            _ => {
                entries.push(back);
                continue;
            }
        };
        if entry.amount > Points::ZERO {
            let left = left
                .entry((&entry.owner, entry.kind))
                .or_insert_with(|| have(&entry.owner, entry.kind));
            let given = entry.amount.min(*left);
            *left = left.plus(-given).unwrap_or_default();
            *borne = borne.plus(given.short_of(entry.amount)).unwrap_or_default();
            back.amount = -given;
        }
        if back.amount != Points::ZERO {
            entries.push(back);
        }
    }
    for (kind, borne) in [
        (AccountKind::WriteOff, written_off),
        (AccountKind::Recognition, kept),
        (AccountKind::TimePool, used),
    ] {
        if borne > Points::ZERO {
            entries.push(programme(kind, -borne));
        }
    }
    entries
}

fn opposite(entry: &Entry) -> Entry {
    Entry {
        amount: -entry.amount,
        expires_on: None,
        ..entry.clone()
    }
}

/// A transaction that is to be undone.
struct Original {
    number: i64,
    kind: TransactionKind,
    effective_on: Day,
    entries: Vec<Entry>,
}

impl Original {
    fn load(conn: &mut Conn, number: i64) -> Result<Original> {
        let original = transactions::table
            .find(number)
            .select((transactions::kind, transactions::effective_on))
            .get_result::<(TransactionKind, Day)>(conn)
            .optional()?;
        let Some((kind, effective_on)) = original else {
            return Err(Error::NotFound);
        };
        let reversed = transactions::table
            .filter(transactions::reverses.eq(number))
            .select(transactions::number)
            .get_result::<i64>(conn)
            .optional()?;
        if reversed.is_some() {
            return Err(Refused::AlreadyReversed.into());
        }
        let entries = entries::table
            .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
            .filter(entries::transaction_number.eq(number))
            .order((entries::account_id, entries::version))
            .select((accounts::owner, accounts::kind, entries::amount, entries::expires_on))
            .load::<(String, AccountKind, Points, Option<Day>)>(conn)?
            .into_iter()
            .map(|(owner, kind, amount, expires_on)| Entry {
                owner,
                kind,
                amount,
                expires_on,
            })
            .collect();
        Ok(Original {
            number,
            kind,
            effective_on,
            entries,
        })
    }

    fn undone_by(self, entries: Vec<Entry>, source: String, posted_by: &str, now: Moment) -> Posting {
        Posting {
            kind: TransactionKind::Reversal,
            source,
            // About the same day as what it undoes, so that the balance of that day is right again.
            effective_on: self.effective_on,
            recorded_at: now,
            posted_by: posted_by.to_owned(),
            reverses: Some(self.number),
            entries,
        }
    }
}
