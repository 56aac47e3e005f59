//! Check: the shelf against its movements, and the counter against the books.
//!
//! Every lot is what its movements make it; every redemption's points, lines and movements agree with each other and with
//! its transaction; every void undid exactly its redemption.

use std::collections::HashMap;

use diesel::prelude::*;

use super::partner_check;
use super::shelf_check;
use super::stock::MovementKind;
use crate::db::Conn;
use crate::db::schema::{
    redemption_lines, redemption_voids, redemptions, refund_lines, refunds, stock_lots, stock_movements,
};
use crate::error::Result;
use crate::ledger::balance::{self, Posted};
use crate::ledger::check::Broken;
use crate::ledger::transaction::TransactionKind;
use crate::points::Points;

/// Compares lots with movements and redemptions with lines, movements and the books.
///
/// # Errors
/// Only when the database fails; a difference is an answer.
pub fn check(conn: &mut Conn) -> Result<Result<(), Broken>> {
    let (mut taken, mut returned) = (HashMap::new(), HashMap::new());
    if let Err(broken) = check_lots(conn, &mut taken, &mut returned)? {
        return Ok(Err(broken));
    }
    if let Err(broken) = shelf_check::check(conn)? {
        return Ok(Err(broken));
    }
    check_redemptions(conn, &taken, &returned)
}

/// Units that a redemption took or gave back.
type Units = HashMap<String, i64>;

fn check_lots(conn: &mut Conn, taken: &mut Units, returned: &mut Units) -> Result<Result<(), Broken>> {
    let mut lots: HashMap<i64, (i64, i64)> = HashMap::new();
    let movements = stock_movements::table
        .order((stock_movements::lot_number, stock_movements::version))
        .select((
            stock_movements::lot_number,
            stock_movements::version,
            stock_movements::kind,
            stock_movements::quantity,
            stock_movements::quantity_after,
            stock_movements::redemption_id,
        ))
        .load::<(i64, i64, MovementKind, i64, i64, Option<String>)>(conn)?;
    for (lot, version, kind, quantity, after, redemption) in movements {
        let place = format!("stock_movements, lot {lot} version {version}");
        let (last_version, last_quantity) = lots.get(&lot).copied().unwrap_or((0, 0));
        if version != last_version.saturating_add(1) {
            return Ok(Err(Broken(format!("{place}: a movement is missing before it"))));
        }
        if last_quantity.saturating_add(quantity) != after || after < 0 {
            return Ok(Err(Broken(format!(
                "{place}: {last_quantity} and {quantity} do not make {after}"
            ))));
        }
        lots.insert(lot, (version, after));
        let units = match kind {
            // What documents say about these is compared in `shelf_check.rs`.
            MovementKind::Receipt | MovementKind::TransferOut | MovementKind::WriteOff | MovementKind::Count => {
                continue;
            }
            MovementKind::Redemption => taken.entry(redemption.unwrap_or_default()).or_default(),
            MovementKind::Return => returned.entry(redemption.unwrap_or_default()).or_default(),
        };
        *units = units.saturating_add(quantity);
    }
    let heads = stock_lots::table
        .order(stock_lots::number)
        .select((stock_lots::number, stock_lots::version, stock_lots::quantity))
        .load::<(i64, i64, i64)>(conn)?;
    for (number, version, quantity) in heads {
        if lots.get(&number) != Some(&(version, quantity)) {
            return Ok(Err(Broken(format!(
                "stock_lots, number {number}: its movements do not make {quantity}"
            ))));
        }
    }
    Ok(Ok(()))
}

fn check_redemptions(conn: &mut Conn, taken: &Units, returned: &Units) -> Result<Result<(), Broken>> {
    let mut posted = by_number(balance::posted(conn, TransactionKind::Redemption)?);
    let mut reversals = by_number(balance::posted(conn, TransactionKind::Reversal)?);
    // Other rooms reverse what is theirs.
    reversals.retain(|_, posted| posted.source.starts_with("void:"));
    let mut refunded = match check_refunds(conn)? {
        Ok(refunded) => refunded,
        Err(broken) => return Ok(Err(broken)),
    };
    let lines = sums_of_lines(conn)?;
    let (at_partners, topped_up) = match partner_check::check(conn)? {
        Ok(partners) => partners,
        Err(broken) => return Ok(Err(broken)),
    };
    let rows = redemptions::table
        .left_join(redemption_voids::table)
        .order(redemptions::transaction_number)
        .select((
            redemptions::id,
            redemptions::household_id,
            redemptions::points,
            redemptions::transaction_number,
            redemption_voids::transaction_number.nullable(),
        ))
        .load::<(String, String, Points, i64, Option<i64>)>(conn)?;
    for (id, household, points, number, void) in rows {
        let place = format!("redemptions, id {id}");
        let (units, sum) = lines.get(&id).copied().unwrap_or_default();
        // What a partner gave away never lay on a shelf of ours.
        let units = if at_partners.contains(&id) { 0 } else { units };
        let cash = topped_up.get(&id).copied().unwrap_or_default();
        if sum != points.plus(cash).unwrap_or_default() {
            return Ok(Err(Broken(format!(
                "{place}: its lines make {sum} points, it says {points}"
            ))));
        }
        if taken.get(&id).copied().unwrap_or(0) != units.saturating_neg() {
            return Ok(Err(Broken(format!(
                "{place}: its {units} units did not leave the shelf"
            ))));
        }
        if !agrees(posted.remove(&number), &format!("redemption:{id}"), &household, -points) {
            return Ok(Err(Broken(format!(
                "{place}: the books do not hold its {points} points"
            ))));
        }
        let back = refunded.remove(&id).unwrap_or(0);
        if void.is_some() && back > 0 {
            return Ok(Err(Broken(format!("{place}: voided and refunded"))));
        }
        let back = if at_partners.contains(&id) { 0 } else { back };
        let expected = if void.is_some() { units } else { back };
        if returned.get(&id).copied().unwrap_or(0) != expected {
            return Ok(Err(Broken(format!(
                "{place}: {expected} units should be back on the shelf"
            ))));
        }
        if let Some(void) = void
            && !agrees(reversals.remove(&void), &format!("void:{id}"), &household, points)
        {
            return Ok(Err(Broken(format!("{place}: the books do not hold its void"))));
        }
    }
    let strays = posted.keys().chain(reversals.keys());
    Ok(match strays.min() {
        Some(number) => Err(Broken(format!(
            "transactions, number {number}: no redemption caused it"
        ))),
        None => Ok(()),
    })
}

fn by_number(posted: Vec<Posted>) -> HashMap<i64, Posted> {
    posted.into_iter().map(|posted| (posted.number, posted)).collect()
}

fn agrees(posted: Option<Posted>, source: &str, owner: &str, spendable: Points) -> bool {
    posted.is_some_and(|posted| posted.source == source && posted.owner == owner && posted.spendable == spendable)
}

/// Every refund's points are its lines' at the prices of the redemption, and stand in the books; no line came back more often
/// than it went out. Answers the units that came back of each redemption.
fn check_refunds(conn: &mut Conn) -> Result<Result<Units, Broken>> {
    let mut posted = by_number(balance::posted(conn, TransactionKind::Refund)?);
    let lines = refund_lines::table
        .inner_join(refunds::table)
        .inner_join(
            redemption_lines::table.on(redemption_lines::redemption_id
                .eq(refunds::redemption_id)
                .and(redemption_lines::position.eq(refund_lines::position))),
        )
        .select((
            refunds::id,
            (refunds::redemption_id, refund_lines::position),
            refund_lines::quantity,
            redemption_lines::quantity,
            redemption_lines::price_points,
        ))
        .load::<(String, (String, i64), i64, i64, Points)>(conn)?;
    let (mut sums, mut back) = (HashMap::<String, Points>::new(), HashMap::<(String, i64), i64>::new());
    for (refund, line, quantity, of, price) in lines {
        let sum = sums.entry(refund).or_default();
        *sum = price
            .times(quantity)
            .and_then(|points| sum.plus(points))
            .unwrap_or_default();
        let units = back.entry(line.clone()).or_default();
        *units = units.saturating_add(quantity);
        if *units > of {
            let (redemption, position) = line;
            return Ok(Err(Broken(format!(
                "redemptions, id {redemption}: line {position} came back more often than it went out"
            ))));
        }
    }
    let rows = refunds::table
        .inner_join(redemptions::table)
        .order(refunds::transaction_number)
        .select((
            refunds::id,
            redemptions::household_id,
            refunds::points,
            refunds::transaction_number,
        ))
        .load::<(String, String, Points, i64)>(conn)?;
    for (id, household, points, number) in rows {
        let sum = sums.get(&id).copied().unwrap_or_default();
        if sum != points || !agrees(posted.remove(&number), &format!("refund:{id}"), &household, points) {
            return Ok(Err(Broken(format!(
                "refunds, id {id}: lines, points and books do not agree"
            ))));
        }
    }
    if let Some(number) = posted.keys().min() {
        return Ok(Err(Broken(format!(
            "transactions, number {number}: no refund caused it"
        ))));
    }
    let mut units = Units::new();
    for ((redemption, _), quantity) in back {
        let sum = units.entry(redemption).or_default();
        *sum = sum.saturating_add(quantity);
    }
    Ok(Ok(units))
}

/// Units and points of each redemption's lines.
fn sums_of_lines(conn: &mut Conn) -> Result<HashMap<String, (i64, Points)>> {
    let mut sums: HashMap<String, (i64, Points)> = HashMap::new();
    let lines = redemption_lines::table
        .select((
            redemption_lines::redemption_id,
            redemption_lines::quantity,
            redemption_lines::price_points,
        ))
        .load::<(String, i64, Points)>(conn)?;
    for (id, quantity, price) in lines {
        let (units, points) = sums.entry(id).or_default();
        *units = units.saturating_add(quantity);
        *points = price
            .times(quantity)
            .and_then(|sum| points.plus(sum))
            .unwrap_or_default();
    }
    Ok(sums)
}
