//! The stock register: every movement of goods with its reason, what it cost, and how many there are afterwards.

use std::collections::HashMap;

use super::columns::{Cell, Column, Line, Measure};
use super::register::{Scope, Totals};
use crate::access::user::{self, User};
use crate::clock::day_of;
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::money::Fen;
use crate::shop::register;
use crate::shop::store::{self, PointsStore};

/// The columns.
pub const COLUMNS: [Column; 12] = [
    Column::new("日期", Measure::Day, 12),
    Column::new("超市", Measure::Text, 16),
    Column::new("类别", Measure::Text, 11),
    Column::new("编号", Measure::Text, 9),
    Column::new("商品", Measure::Text, 22),
    Column::new("批次", Measure::Number, 8),
    Column::new("入库数量", Measure::Sum, 10),
    Column::new("出库数量", Measure::Sum, 10),
    Column::new("结存数量", Measure::Number, 10),
    Column::new("入库金额（元）", Measure::YuanSum, 14),
    Column::new("出库金额（元）", Measure::YuanSum, 14),
    Column::new("经手", Measure::Text, 9),
];

pub(super) fn lines(conn: &mut Conn, scope: &Scope, offset: i64, limit: i64) -> Result<Vec<Line>> {
    let moved = register::stock_lines(conn, &scope.stores, scope.month, offset, limit)?;
    let mut people: Vec<Id<User>> = moved.iter().map(|line| line.by.clone()).collect();
    people.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    people.dedup();
    let people = user::display_names(conn, &people)?;
    let stores: HashMap<Id<PointsStore>, String> = store::all(conn)?
        .into_iter()
        .map(|store| (store.id, store.name))
        .collect();
    Ok(moved
        .into_iter()
        .map(|line| {
            let (came, went) = (line.quantity.max(0), line.quantity.saturating_neg().max(0));
            let cost = |units: i64| Cell::yuan(Fen(line.cost_fen.0.saturating_mul(units)));
            Line {
                href: String::new(),
                cells: vec![
                    Cell::Day(day_of(line.at)),
                    Cell::text(stores.get(&line.store).map(String::as_str).unwrap_or_default()),
                    Cell::text(line.kind.label()),
                    Cell::text(line.item.sku.as_str()),
                    Cell::text(line.item.name.as_str()),
                    Cell::Number(line.lot),
                    Cell::count(came),
                    Cell::count(went),
                    Cell::Number(line.stock),
                    cost(came),
                    cost(went),
                    Cell::text(people.get(&line.by).map(String::as_str).unwrap_or_default()),
                ],
            }
        })
        .collect())
}

pub(super) fn totals(conn: &mut Conn, scope: &Scope) -> Result<Totals> {
    let (mut count, mut came, mut went) = (0i64, (0i64, 0i64), (0i64, 0i64));
    for sum in register::stock_sums(conn, &scope.stores, scope.month)? {
        count = count.saturating_add(sum.count);
        let side = if sum.units > 0 { &mut came } else { &mut went };
        side.0 = side.0.saturating_add(sum.units);
        side.1 = side.1.saturating_add(sum.cost.0);
    }
    let mut cells = vec![Cell::Nothing; 6];
    cells.extend([
        Cell::Number(came.0),
        Cell::Number(went.0.saturating_neg()),
        Cell::Nothing,
        Cell::Yuan(Fen(came.1)),
        Cell::Yuan(Fen(went.1.saturating_neg())),
        Cell::Nothing,
    ]);
    Ok(Totals { count, cells })
}
