//! The redemption register: what went over the counter for points, and each refund and void as a line of its own.

use std::collections::HashMap;

use super::columns::{Cell, Column, Line, Measure};
use super::issue::households_of;
use super::register::{Scope, Totals};
use crate::access::user::{self, User};
use crate::clock::day_of;
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::money::Fen;
use crate::places::household::Household;
use crate::shop::register::{self, CounterKind, CounterLine};
use crate::shop::store::{self, PointsStore};

/// The columns.
pub const COLUMNS: [Column; 11] = [
    Column::new("凭条号", Measure::Number, 9),
    Column::new("日期", Measure::Day, 12),
    Column::new("超市", Measure::Text, 16),
    Column::new("户号", Measure::Text, 22),
    Column::new("户主", Measure::Text, 9),
    Column::new("类别", Measure::Text, 14),
    Column::new("商品", Measure::Text, 34),
    Column::new("兑换积分", Measure::Sum, 10),
    Column::new("退回积分", Measure::Sum, 10),
    Column::new("补差价（元）", Measure::YuanSum, 12),
    Column::new("经手", Measure::Text, 9),
];

pub(super) fn lines(conn: &mut Conn, scope: &Scope, offset: i64, limit: i64) -> Result<Vec<Line>> {
    let made = register::counter_lines(conn, &scope.stores, scope.month, offset, limit)?;
    let households = households_of(conn, made.iter().map(|line| line.household.as_str()))?;
    let mut clerks: Vec<Id<User>> = made.iter().map(|line| line.by.clone()).collect();
    clerks.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    clerks.dedup();
    let clerks = user::display_names(conn, &clerks)?;
    let stores: HashMap<Id<PointsStore>, String> = store::all(conn)?
        .into_iter()
        .map(|store| (store.id, store.name))
        .collect();
    Ok(made
        .into_iter()
        .map(|line| {
            let household = households.get(line.household.as_str());
            let (spent, back) = match line.kind {
                CounterKind::Redemption => (Cell::points(line.points), Cell::Nothing),
                CounterKind::Refund | CounterKind::Void => (Cell::Nothing, Cell::points(line.points)),
            };
            Line {
                href: format!("/redemptions/{}", line.redemption),
                cells: vec![
                    Cell::Number(line.number),
                    Cell::Day(day_of(line.at)),
                    Cell::text(stores.get(&line.store).map(String::as_str).unwrap_or_default()),
                    Cell::text(household.map(|household| household.code.as_str()).unwrap_or_default()),
                    Cell::text(household.map(Household::masked_name).unwrap_or_default()),
                    Cell::text(kind_of(&line)),
                    Cell::text(line.goods),
                    spent,
                    back,
                    Cell::yuan(line.cash),
                    Cell::text(clerks.get(&line.by).map(String::as_str).unwrap_or_default()),
                ],
            }
        })
        .collect())
}

/// `兑换`; `退货（12号）` names the slip it is about.
fn kind_of(line: &CounterLine) -> String {
    match line.kind {
        CounterKind::Redemption => line.kind.label().to_owned(),
        CounterKind::Refund | CounterKind::Void => format!("{}（{}号）", line.kind.label(), line.slip),
    }
}

pub(super) fn totals(conn: &mut Conn, scope: &Scope) -> Result<Totals> {
    let (mut count, mut spent, mut back, mut cash) = (0i64, 0i64, 0i64, 0i64);
    for sum in register::counter_sums(conn, &scope.stores, scope.month)? {
        count = count.saturating_add(sum.count);
        match sum.kind {
            CounterKind::Redemption => {
                spent = spent.saturating_add(sum.points.0);
                cash = cash.saturating_add(sum.cash.0);
            }
            CounterKind::Refund | CounterKind::Void => {
                back = back.saturating_add(sum.points.0);
                cash = cash.saturating_sub(sum.cash.0);
            }
        }
    }
    let mut cells = vec![Cell::Nothing; 7];
    cells.extend([
        Cell::Number(spent),
        Cell::Number(back),
        Cell::Yuan(Fen(cash)),
        Cell::Nothing,
    ]);
    Ok(Totals { count, cells })
}
