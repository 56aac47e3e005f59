//! Check: the points of every conferred title are in the books once, and every reward in the books has its title.

use std::collections::HashMap;

use super::award::{self, State};
use super::title;
use crate::db::Conn;
use crate::error::Result;
use crate::ledger::balance::{self, Posted};
use crate::ledger::check::Broken;
use crate::ledger::transaction::TransactionKind;

/// Compares titles with the books.
///
/// # Errors
/// Only when the database fails; a difference is an answer.
pub fn check(conn: &mut Conn) -> Result<Result<(), Broken>> {
    let mut posted: HashMap<i64, Posted> = balance::posted(conn, TransactionKind::TitleReward)?
        .into_iter()
        .map(|posted| (posted.number, posted))
        .collect();
    let titles = title::every(conn)?;
    for award in award::standing_as(conn, &[State::Conferred, State::Revoked])? {
        let Some(number) = award.transaction_number else {
            continue;
        };
        let points = titles.get(&award.title_id).map(|title| title.reward_points);
        let agrees = posted.remove(&number).is_some_and(|reward| {
            reward.source == award.source() && Some(reward.spendable) == points && Some(reward.honour) == points
        });
        let is_undone = balance::undone_by(conn, number)?.map(|reversal| reversal.number);
        if !agrees || is_undone != award.reversal_number {
            return Ok(Err(Broken(format!(
                "title_awards, id {}: the books do not hold its points",
                award.id
            ))));
        }
    }
    Ok(match posted.keys().min() {
        Some(number) => Err(Broken(format!(
            "transactions, number {number}: a reward without a title"
        ))),
        None => Ok(()),
    })
}
