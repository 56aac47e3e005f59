//! Check: every posted nomination is in the books with its points, and every award in the books has its nomination.

use std::collections::HashMap;

use diesel::prelude::*;

use super::nomination::State;
use crate::db::Conn;
use crate::db::schema::nominations;
use crate::error::Result;
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
    let posted = nominations::table
        .filter(nominations::state.eq(State::Posted))
        .select((
            nominations::id,
            nominations::household_id,
            nominations::points,
            nominations::transaction_number,
        ))
        .load::<(String, String, Points, Option<i64>)>(conn)?;
    for (id, household, points, number) in posted {
        let award = number.and_then(|number| awards.remove(&number));
        let agrees = award.is_some_and(|award| {
            award.source == format!("award:{id}") && award.owner == household && award.honour == points
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
