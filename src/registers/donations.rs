//! The donor list: what was given in a month, by whom, worth how much by their own word; nameless where they asked for it.

use std::collections::HashMap;

use super::columns::{Cell, Column, Line, Measure};
use super::register::{Scope, Totals};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::money::Fen;
use crate::shop::donor::{self, ANONYMOUS, Donor};
use crate::shop::receipt;
use crate::shop::store::{self, PointsStore};

/// The columns.
pub const COLUMNS: [Column; 8] = [
    Column::new("入库单号", Measure::Number, 10),
    Column::new("日期", Measure::Day, 12),
    Column::new("捐赠人", Measure::Text, 20),
    Column::new("超市", Measure::Text, 16),
    Column::new("捐赠物品", Measure::Text, 40),
    Column::new("件数", Measure::Sum, 9),
    Column::new("自报价值（元）", Measure::YuanSum, 14),
    Column::new("意愿", Measure::Text, 24),
];

pub(super) fn lines(conn: &mut Conn, scope: &Scope, offset: i64, limit: i64) -> Result<Vec<Line>> {
    let given = receipt::donations_of(conn, &scope.stores, scope.month, offset, limit)?;
    let donors: HashMap<Id<Donor>, String> = donor::named(conn)?
        .into_iter()
        .map(|donor| (donor.id.clone(), donor.shown().to_owned()))
        .collect();
    let stores: HashMap<Id<PointsStore>, String> = store::all(conn)?
        .into_iter()
        .map(|store| (store.id, store.name))
        .collect();
    let line = |(receipt, goods): (receipt::StockReceipt, Vec<(String, i64)>)| {
        let donor = receipt.donor_id.as_ref().and_then(|id| donors.get(id));
        let units = goods.iter().fold(0i64, |sum, (_, units)| sum.saturating_add(*units));
        let goods: Vec<String> = goods.iter().map(|(name, units)| format!("{name} × {units}")).collect();
        Line {
            href: format!("/stock/receipts/{}", receipt.number),
            cells: vec![
                Cell::Number(receipt.number),
                Cell::Day(receipt.received_on),
                Cell::text(donor.map_or(ANONYMOUS, String::as_str)),
                Cell::text(stores.get(&receipt.store_id).map(String::as_str).unwrap_or_default()),
                Cell::text(goods.join("、")),
                Cell::count(units),
                Cell::yuan(receipt.declared_fen.unwrap_or(Fen(0))),
                Cell::text(receipt.intent),
            ],
        }
    };
    Ok(given.into_iter().map(line).collect())
}

pub(super) fn totals(conn: &mut Conn, scope: &Scope) -> Result<Totals> {
    let (count, units, declared) = receipt::donations_sum(conn, &scope.stores, scope.month)?;
    let mut cells = vec![Cell::Nothing; 5];
    cells.extend([Cell::Number(units), Cell::Yuan(declared), Cell::Nothing]);
    Ok(Totals { count, cells })
}
