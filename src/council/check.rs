//! Check: every posted nomination is in the books with its points, and every award in the books has its nomination.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;

use super::appeal::{self, Appeal};
use super::correction;
use super::nomination::State;
use crate::db::Conn;
use crate::db::schema::{appeals, award_corrections, nominations};
use crate::error::Result;
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::balance::{self, Posted};
use crate::ledger::check::Broken;
use crate::ledger::transaction::TransactionKind;
use crate::points::Points;

/// Compares nominations with the books.
///
/// # Errors
/// Only when the database fails; a difference is an answer.
pub fn check(conn: &mut Conn) -> Result<Result<(), Broken>> {
    let mut awards: HashMap<i64, Posted> = balance::posted(conn, TransactionKind::Award)?
        .into_iter()
        .map(|posted| (posted.number, posted))
        .collect();
    if let Some(broken) = check_pending(conn)? {
        return Ok(Err(broken));
    }
    if let Some(broken) = check_redress(conn)? {
        return Ok(Err(broken));
    }
    let posted = nominations::table
        .filter(nominations::state.eq_any([State::Posted, State::Reversed]))
        .select((
            nominations::id,
            nominations::household_id,
            nominations::points,
            nominations::spendable_points,
            nominations::transaction_number,
        ))
        .load::<(String, String, Points, Option<Points>, Option<i64>)>(conn)?;
    for (id, household, points, spendable, number) in posted {
        let award = number.and_then(|number| awards.remove(&number));
        let agrees = award.is_some_and(|award| {
            let same = award.source == format!("award:{id}") && award.owner == household;
            same && award.honour == points && Some(award.spendable) == spendable
        });
        if !agrees {
            return Ok(Err(Broken(format!(
                "nominations, id {id}: the books do not hold its {points} points"
            ))));
        }
    }
    Ok(match awards.keys().min() {
        Some(number) => Err(Broken(format!(
            "transactions, number {number}: an award without a nomination"
        ))),
        None => Ok(()),
    })
}

/// What appeals added is in the books as they say, once; and a confirmed correction has its reversal.
fn check_redress(conn: &mut Conn) -> Result<Option<Broken>> {
    let mut posted: HashMap<String, Posted> = balance::posted(conn, TransactionKind::Correction)?
        .into_iter()
        .filter(|posted| posted.source.starts_with("appeal:"))
        .map(|posted| (posted.source.clone(), posted))
        .collect();
    let added = appeals::table
        .filter(appeals::points_added.is_not_null())
        .select((appeals::id, appeals::points_added, appeals::spendable_added))
        .load::<(Id<Appeal>, Option<Points>, Option<Points>)>(conn)?;
    for (id, points, spendable) in added {
        let found = posted.remove(&appeal::addition_source(&id));
        let agrees = found.is_some_and(|one| Some(one.honour) == points && Some(one.spendable) == spendable);
        if !agrees {
            return Ok(Some(Broken(format!(
                "appeals, id {id}: the books do not hold what it added"
            ))));
        }
    }
    if let Some(source) = posted.keys().min() {
        return Ok(Some(Broken(format!(
            "transactions, source {source}: an addition without an appeal"
        ))));
    }
    let confirmed = award_corrections::table
        .inner_join(nominations::table)
        .filter(award_corrections::state.eq(correction::State::Confirmed))
        .select((
            award_corrections::id,
            award_corrections::reversal_number,
            nominations::state,
        ))
        .load::<(String, Option<i64>, State)>(conn)?;
    let wrong = confirmed
        .into_iter()
        .find(|(_, number, state)| number.is_none() || *state != State::Reversed);
    Ok(wrong.map(|(id, ..)| {
        Broken(format!(
            "award_corrections, id {id}: confirmed, but the award was not reversed"
        ))
    }))
}

/// What is pending in the books is what nominations promise, household by household.
fn check_pending(conn: &mut Conn) -> Result<Option<Broken>> {
    let mut promised: BTreeMap<String, Points> = BTreeMap::new();
    let rows = nominations::table
        .filter(nominations::state.eq_any([State::Approved, State::Notified, State::Suspended, State::Queued]))
        .select((nominations::household_id, nominations::spendable_points))
        .load::<(String, Option<Points>)>(conn)?;
    for (household, points) in rows {
        let sum = promised.entry(household).or_default();
        *sum = sum.plus(points.unwrap_or_default()).unwrap_or(*sum);
    }
    let owners: Vec<&str> = promised.keys().map(String::as_str).collect();
    let balances = balance::of_all(conn, &owners)?;
    for (household, points) in &promised {
        let pending = balances
            .get(household)
            .map(|balances| balances.pending)
            .unwrap_or_default();
        if pending != *points {
            return Ok(Some(Broken(format!(
                "accounts, pending of household {household}: {pending} in the books, {points} promised"
            ))));
        }
    }
    let total: Points = promised.values().copied().sum();
    let outstanding = balance::outstanding(conn, AccountKind::Pending)?;
    Ok((outstanding != total).then(|| {
        Broken(format!(
            "accounts, pending: {outstanding} in the books, {total} promised"
        ))
    }))
}
