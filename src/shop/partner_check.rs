//! Check: partners' shops against the register of redemptions, and statements against both.
//!
//! Every line of a redemption at a partner's has what it will be settled for, and no other line has; cash was taken there
//! only; every line of a statement is about a posting at its own shop, with its points.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::partner;
use super::settlement::LineKind;
use super::store;
use crate::db::Conn;
use crate::db::schema::{
    partner_sales, redemption_lines, redemption_voids, redemptions, refunds, settlement_lines, settlements,
};
use crate::error::Result;
use crate::ledger::check::Broken;
use crate::points::Points;

/// Redemptions at partners' shops, and the points that were paid in cash, by redemption.
pub(super) type Sold = (HashSet<String>, HashMap<String, Points>);

/// Compares sales with redemptions and statements with both; answers what was sold at partners'.
///
/// # Errors
/// Only when the database fails; a difference is an answer.
pub(super) fn check(conn: &mut Conn) -> Result<Result<Sold, Broken>> {
    let shops: HashSet<String> = store::partners(conn)?
        .into_iter()
        .map(|shop| shop.id.to_string())
        .collect();
    let shop_ids: Vec<&str> = shops.iter().map(String::as_str).collect();
    let lines: HashSet<(String, i64)> = redemption_lines::table
        .inner_join(redemptions::table)
        .filter(redemptions::store_id.eq_any(&shop_ids))
        .select((redemption_lines::redemption_id, redemption_lines::position))
        .load::<(String, i64)>(conn)?
        .into_iter()
        .collect();
    let sales: HashSet<(String, i64)> = partner_sales::table
        .select((partner_sales::redemption_id, partner_sales::position))
        .load::<(String, i64)>(conn)?
        .into_iter()
        .collect();
    if let Some((id, position)) = lines.symmetric_difference(&sales).min() {
        return Ok(Err(Broken(format!(
            "partner_sales, redemption {id}: line {position} and what is settled for it do not go together"
        ))));
    }
    let sold: HashSet<String> = sales.into_iter().map(|(id, _)| id).collect();
    let cash = partner::all_cash(conn)?;
    if let Some(id) = cash.keys().filter(|id| !sold.contains(*id)).min() {
        return Ok(Err(Broken(format!(
            "cash_top_ups, redemption {id}: cash was taken where no partner sells"
        ))));
    }
    Ok(check_statements(conn)?.map(|()| (sold, cash)))
}

/// Every line of a statement that a posting caused is about that posting, at the statement's shop.
fn check_statements(conn: &mut Conn) -> Result<Result<(), Broken>> {
    let made = redemptions::table
        .select((
            redemptions::transaction_number,
            (redemptions::store_id, redemptions::points),
        ))
        .filter(redemptions::id.eq_any(partner_sales::table.select(partner_sales::redemption_id)))
        .load::<(i64, (String, Points))>(conn)?;
    let back = refunds::table
        .inner_join(redemptions::table)
        .select((refunds::transaction_number, (redemptions::store_id, refunds::points)))
        .load::<(i64, (String, Points))>(conn)?;
    let voided = redemption_voids::table
        .inner_join(redemptions::table)
        .select((
            redemption_voids::transaction_number,
            (redemptions::store_id, redemptions::points),
        ))
        .load::<(i64, (String, Points))>(conn)?;
    let mut posted: HashMap<i64, (String, Points)> = made.into_iter().collect();
    let opposite = |(number, (shop, points)): (i64, (String, Points))| (number, (shop, -points));
    posted.extend(back.into_iter().chain(voided).map(opposite));
    let lines = settlement_lines::table
        .inner_join(settlements::table.on(settlements::number.eq(settlement_lines::settlement_number)))
        .filter(settlement_lines::kind.ne(LineKind::Adjustment))
        .order((settlement_lines::settlement_number, settlement_lines::position))
        .select((
            settlement_lines::settlement_number,
            settlement_lines::position,
            settlement_lines::transaction_number,
            settlements::store_id,
            settlement_lines::points,
        ))
        .load::<(i64, i64, Option<i64>, String, Points)>(conn)?;
    for (number, position, transaction, shop, points) in lines {
        let posted = transaction.and_then(|transaction| posted.get(&transaction));
        if posted != Some(&(shop, points)) {
            return Ok(Err(Broken(format!(
                "settlement_lines, number {number} position {position}: no posting of its shop has these points"
            ))));
        }
    }
    Ok(Ok(()))
}
