//! Check: what notes took is in the books as they say, of the honour score only, within the limits, and what is back is back.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{ReminderNote, State};
use crate::clock::{Day, Span};
use crate::db::Conn;
use crate::db::schema::reminder_notes;
use crate::error::Result;
use crate::id::Id;
use crate::ledger::balance::{self, Posted};
use crate::ledger::check::Broken;
use crate::ledger::transaction::TransactionKind;
use crate::places::household::Household;
use crate::points::Points;
use crate::scheme::terms;
use crate::scheme::version::SchemeVersion;

/// Compares notes with the books.
///
/// # Errors
/// Only when the database fails; a difference is an answer.
pub fn check(conn: &mut Conn) -> Result<Result<(), Broken>> {
    let mut reductions: HashMap<i64, Posted> = balance::posted(conn, TransactionKind::HonourReduction)?
        .into_iter()
        .filter(|posted| posted.source.starts_with("reminder:"))
        .map(|posted| (posted.number, posted))
        .collect();
    let notes = reminder_notes::table
        .filter(reminder_notes::reduction_number.is_not_null())
        .order(reminder_notes::id)
        .select(ReminderNote::as_select())
        .load(conn)?;
    for note in &notes {
        let posted = note.reduction_number.and_then(|number| reductions.remove(&number));
        if let Err(why) = agrees(note, posted.as_ref()) {
            return Ok(Err(Broken(format!("reminder_notes, id {}: {why}", note.id))));
        }
    }
    if let Some(number) = reductions.keys().min() {
        return Ok(Err(Broken(format!(
            "transactions, number {number}: honour taken without a reminder note"
        ))));
    }
    within_the_month(conn, &notes)
}

fn agrees(note: &ReminderNote, posted: Option<&Posted>) -> Result<(), &'static str> {
    let (Some(posted), Some(taken)) = (posted, note.points_taken) else {
        return Err("the books do not hold what it took");
    };
    if posted.source != format!("reminder:{}", note.id) || posted.owner != note.household_id.as_str() {
        return Err("its posting is about something else");
    }
    if posted.honour != -taken || posted.spendable != Points::ZERO {
        return Err("its posting is not of the honour score, or of another amount");
    }
    let back = note.repair_number.is_some();
    let expected = match note.state {
        State::Reduced => false,
        State::Repaired | State::Withdrawn => true,
        _ => return Err("it took something, and stands as if it had not"),
    };
    match back == expected {
        true => Ok(()),
        false => Err("what it took is back, or is not, against what it says"),
    }
}

/// No household lost more in a month than the version of the rules allows (SG2).
fn within_the_month(conn: &mut Conn, notes: &[ReminderNote]) -> Result<Result<(), Broken>> {
    let mut most: HashMap<&Id<SchemeVersion>, Points> = HashMap::new();
    let mut lost: HashMap<(&Id<Household>, Day), (Points, Points)> = HashMap::new();
    for note in notes {
        let (Some(day), Some(taken)) = (note.reduced_on, note.points_taken) else {
            continue;
        };
        let allowed = match most.get(&note.scheme_version_id) {
            Some(allowed) => *allowed,
            None => {
                let terms = terms::of(conn, &note.scheme_version_id)?;
                most.insert(&note.scheme_version_id, terms.honour_penalty.most_per_month);
                terms.honour_penalty.most_per_month
            }
        };
        let (sum, limit) = lost
            .entry((&note.household_id, Span::month_of(day).from))
            .or_insert((Points::ZERO, Points::ZERO));
        *sum = [*sum, taken].into_iter().sum();
        *limit = (*limit).max(allowed);
        if *sum > *limit {
            return Ok(Err(Broken(format!(
                "reminder_notes, id {}: more was taken in a month than the rules allow",
                note.id
            ))));
        }
    }
    Ok(Ok(()))
}
