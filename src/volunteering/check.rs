//! Check: every minute that an event or a help says is in the books once, and every minute in the books has its line.

use std::collections::HashMap;

use super::help::Payer;
use super::{correction, help, stay};
use crate::db::Conn;
use crate::error::Result;
use crate::ledger::account::AccountKind;
use crate::ledger::balance::{self, Side};
use crate::ledger::check::Broken;
use crate::ledger::transaction::TransactionKind;
use crate::places::standing;
use crate::points::Points;

/// The households' sides of a kind of postings, by posting.
type Posted = HashMap<i64, Vec<Side>>;

/// Compares events, helps and corrections with the books.
///
/// # Errors
/// Only when the database fails; a difference is an answer.
pub fn check(conn: &mut Conn) -> Result<Result<(), Broken>> {
    for check in [check_stays, check_helps, check_corrections] {
        if let Err(broken) = check(conn)? {
            return Ok(Err(broken));
        }
    }
    Ok(Ok(()))
}

fn posted(conn: &mut Conn, kind: TransactionKind) -> Result<Posted> {
    let mut posted = Posted::new();
    for side in balance::households_sides(conn, kind)? {
        posted.entry(side.transaction).or_default().push(side);
    }
    Ok(posted)
}

/// What is left in the books when every line has taken what is its own.
fn without_line(posted: &Posted, what: &str) -> Result<(), Broken> {
    match posted.keys().min() {
        Some(number) => Err(Broken(format!(
            "transactions, number {number}: {what} without its line"
        ))),
        None => Ok(()),
    }
}

/// Do the sides say just this: for each account of time, so much?
fn say(sides: &[Side], source: &str, expected: &[(&str, Points)]) -> bool {
    let mut told: Vec<(&str, Points)> = sides.iter().map(|side| (side.owner.as_str(), side.amount)).collect();
    let mut expected = expected.to_vec();
    told.sort_unstable();
    expected.sort_unstable();
    let of_time = |side: &Side| side.kind == AccountKind::TimeCredits && side.source == source;
    told == expected && sides.iter().all(of_time)
}

fn check_stays(conn: &mut Conn) -> Result<Result<(), Broken>> {
    let mut posted = posted(conn, TransactionKind::VolunteerTime)?;
    let merges = standing::merges(conn)?;
    for stay in stay::every_posted(conn)? {
        let sides = stay.transaction_number.and_then(|number| posted.remove(&number));
        let minutes = Points(stay.minutes.unwrap_or(0));
        // A household that was merged before the confirmation has its time as part of the other one.
        let household = stay.household_id.to_string();
        let heirs = std::iter::successors(Some(&household), |heir| merges.get(*heir));
        let agrees = sides.is_some_and(|sides| {
            heirs
                .take(merges.len().saturating_add(1))
                .any(|heir| say(&sides, &stay.source(), &[(heir, minutes)]))
        });
        if !agrees {
            return Ok(Err(Broken(format!(
                "volunteer_stays, event {} household {household}: the books do not hold its {minutes} minutes",
                stay.event_id
            ))));
        }
    }
    Ok(without_line(&posted, "volunteers' time"))
}

fn check_helps(conn: &mut Conn) -> Result<Result<(), Broken>> {
    let mut posted = posted(conn, TransactionKind::TimeHelp)?;
    for help in help::every(conn)? {
        let minutes = help.time().in_books();
        let mut expected = vec![(help.helper_household_id.as_str(), minutes)];
        if help.payer == Payer::Household {
            expected.push((help.helped_household_id.as_str(), -minutes));
        }
        let sides = posted.remove(&help.transaction_number);
        if !sides.is_some_and(|sides| say(&sides, &help.source(), &expected)) {
            return Ok(Err(Broken(format!(
                "time_helps, id {}: the books do not hold its {minutes} minutes",
                help.id
            ))));
        }
    }
    Ok(without_line(&posted, "help between households"))
}

/// What was taken back has its reversal; that a reversal is the opposite, the ledger proves.
fn check_corrections(conn: &mut Conn) -> Result<Result<(), Broken>> {
    let mut reversals: HashMap<i64, String> = balance::households_sides(conn, TransactionKind::Reversal)?
        .into_iter()
        .filter(|side| side.source.starts_with(correction::SOURCE))
        .map(|side| (side.transaction, side.source))
        .collect();
    for correction in correction::every(conn)?.into_values() {
        let number = correction.transaction_number;
        let undone_by = balance::undone_by(conn, number)?.map(|reversal| reversal.number);
        reversals.remove(&correction.reversal_number);
        if undone_by != Some(correction.reversal_number) {
            return Ok(Err(Broken(format!(
                "time_corrections, transaction {number}: the books did not take it back so"
            ))));
        }
    }
    Ok(match reversals.keys().min() {
        Some(number) => Err(Broken(format!(
            "transactions, number {number}: time was taken back without its line"
        ))),
        None => Ok(()),
    })
}
