//! Check of the shelf: what documents say came in and went out is what the movements did, exactly once.
//!
//! Receipts, transfers, confirmed write-offs and approved stocktakes are compared lot by lot with the movements of their
//! kind; the price on the shelf is the last of its history. That a lot is what its movements make it is in `check.rs`.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::stock::MovementKind;
use super::write_off::WriteOffState;
use crate::db::Conn;
use crate::db::schema::{
    goods_items, goods_prices, stock_movements, stock_receipt_lines, stocktake_postings, write_off_lines, write_offs,
};
use crate::error::Result;
use crate::ledger::check::Broken;
use crate::points::Points;

/// Units by lot.
type Units = BTreeMap<i64, i64>;

const SUM: &str = "cast(sum(quantity) as bigint)";

/// Compares documents with movements.
///
/// # Errors
/// Only when the database fails; a difference is an answer.
pub(super) fn check(conn: &mut Conn) -> Result<Result<(), Broken>> {
    let received: Units = stock_receipt_lines::table
        .select((stock_receipt_lines::lot_number, stock_receipt_lines::quantity))
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect();
    let mut came_in = moved(conn, MovementKind::Receipt)?;
    // Lots from before there were receipts have none.
    came_in.retain(|lot, _| received.contains_key(lot));
    let brought: Units = stock_receipt_lines::table
        .filter(stock_receipt_lines::from_lot_number.is_not_null())
        .group_by(stock_receipt_lines::from_lot_number)
        .select((
            stock_receipt_lines::from_lot_number.assume_not_null(),
            sql::<BigInt>(SUM),
        ))
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect();
    let lost: Units = write_off_lines::table
        .inner_join(write_offs::table)
        .filter(write_offs::state.eq(WriteOffState::Confirmed))
        .group_by(write_off_lines::lot_number)
        .select((write_off_lines::lot_number, sql::<BigInt>(SUM)))
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect();
    let counted: Units = stocktake_postings::table
        .group_by(stocktake_postings::lot_number)
        .select((stocktake_postings::lot_number, sql::<BigInt>(SUM)))
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect();
    let pairs = [
        ("stock_receipt_lines", came_in, received),
        (
            "stock_receipt_lines, from",
            negative(moved(conn, MovementKind::TransferOut)?),
            brought,
        ),
        ("write_off_lines", negative(moved(conn, MovementKind::WriteOff)?), lost),
        (
            "stocktake_postings",
            without_nothing(moved(conn, MovementKind::Count)?),
            without_nothing(counted),
        ),
    ];
    for (place, moved, told) in pairs {
        if let Some((lot, units)) = told.iter().find(|(lot, units)| moved.get(lot) != Some(units)) {
            return Ok(Err(Broken(format!(
                "{place}, lot {lot}: {units} units were not moved exactly once"
            ))));
        }
        if let Some(lot) = moved.keys().find(|lot| !told.contains_key(lot)) {
            return Ok(Err(Broken(format!("{place}, lot {lot}: moved without a document"))));
        }
    }
    check_prices(conn)
}

/// What movements of a kind did to each lot.
fn moved(conn: &mut Conn, kind: MovementKind) -> Result<Units> {
    Ok(stock_movements::table
        .filter(stock_movements::kind.eq(kind))
        .group_by(stock_movements::lot_number)
        .select((stock_movements::lot_number, sql::<BigInt>(SUM)))
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect())
}

fn negative(units: Units) -> Units {
    units
        .into_iter()
        .map(|(lot, units)| (lot, units.saturating_neg()))
        .collect()
}

/// Two stocktakes may cancel each other out.
fn without_nothing(units: Units) -> Units {
    units.into_iter().filter(|(_, units)| *units != 0).collect()
}

fn check_prices(conn: &mut Conn) -> Result<Result<(), Broken>> {
    let history = goods_prices::table
        .order((goods_prices::goods_id, goods_prices::number))
        .select((goods_prices::goods_id, goods_prices::price_points))
        .load::<(String, Points)>(conn)?;
    let last: BTreeMap<String, Points> = history.into_iter().collect();
    let items = goods_items::table
        .order(goods_items::sku)
        .select((goods_items::id, goods_items::sku, goods_items::price_points))
        .load::<(String, String, Points)>(conn)?;
    let differs = items.into_iter().find(|(id, _, price)| last.get(id) != Some(price));
    Ok(match differs {
        Some((_, sku, price)) => Err(Broken(format!(
            "goods_items, {sku}: {price} points are not the last of its prices"
        ))),
        None => Ok(()),
    })
}
