//! Demand: what goes out in a week, and what should therefore be ordered, looked after or cleared.
//!
//! Everything is a sum that the database makes by goods, so that twenty thousand kinds of goods and years of movements are
//! one question each. Weeks before goods were first received do not count. It orders nothing: a person does.

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::catalogue::Entry;
use super::goods::GoodsItem;
use super::stock::{MovementKind, StockLot};
use super::store::PointsStore;
use crate::clock::{Day, begin_of, days_after};
use crate::db::Conn;
use crate::db::schema::{goods_items, stock_lots, stock_movements};
use crate::error::Result;
use crate::id::Id;

/// Weeks that are looked back on.
pub const WEEKS: i64 = 8;
/// Weeks that the shelf should last.
pub const COVER_WEEKS: i64 = 4;
/// Fewer than so many usable units, and goods are pointed out.
pub const FEW: i64 = 10;
/// Days before the last day from which a lot is pointed out.
pub const NEAR_DAYS: u64 = 30;

/// Goods with what is there, what goes out and what to order.
#[derive(Clone, Debug)]
pub struct Need {
    /// The goods.
    pub entry: Entry,
    /// What may go out today.
    pub usable: i64,
    /// What went out in the weeks that count, returns taken off.
    pub gone: i64,
    /// The weeks that count, 1 to 8; 0 when none was ever received.
    pub weeks: i64,
    /// What to order, in whole cases.
    pub order: i64,
}

impl Need {
    /// Is some there, and did none go out in eight whole weeks?
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.usable > 0 && self.gone <= 0 && self.weeks >= WEEKS
    }

    /// Is little left of what is on offer?
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.usable < FEW && self.entry.item.withdrawn_at.is_none()
    }

    /// Cases of the order, when the goods come in cases.
    #[must_use]
    pub fn cases(&self) -> Option<i64> {
        let case = self.entry.case_quantity.filter(|case| *case > 1)?;
        self.order.checked_div(case)
    }

    /// What went out in a week, in words with one decimal: `2.5`.
    #[must_use]
    pub fn weekly(&self) -> String {
        let tenths = self.gone.max(0).saturating_mul(10).checked_div(self.weeks).unwrap_or(0);
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

/// The demand for everything in a store.
///
/// # Errors
/// Only when the database fails.
pub fn needs(conn: &mut Conn, store: &Id<PointsStore>, today: Day) -> Result<Vec<Need>> {
    let usable = usable(conn, store, today)?;
    let first = first_received(conn, store)?;
    let gone = gone_since(conn, store, today)?;
    let entries = goods_items::table
        .order(goods_items::sku)
        .select(Entry::as_select())
        .load(conn)?;
    let needs = entries.into_iter().map(|entry| {
        let of = |sums: &HashMap<Id<GoodsItem>, i64>| sums.get(&entry.item.id).copied().unwrap_or(0);
        let (usable, gone) = (of(&usable), of(&gone));
        let weeks = first.get(&entry.item.id).map_or(0, |day| weeks_since(*day, today));
        let order = match entry.item.withdrawn_at {
            None => suggested(gone, weeks, usable, entry.case_quantity.unwrap_or(1)),
            Some(_) => 0,
        };
        Need {
            entry,
            usable,
            gone,
            weeks,
            order,
        }
    });
    Ok(needs.collect())
}

/// The weeks that have begun since goods were first received, eight at most.
fn weeks_since(first: Day, today: Day) -> i64 {
    let days = today.signed_duration_since(first).num_days();
    (days.max(0) / 7).saturating_add(1).min(WEEKS)
}

/// What covers the next weeks at the pace of the last ones, less what is there, in whole cases.
fn suggested(gone: i64, weeks: i64, usable: i64, case: i64) -> i64 {
    if weeks < 1 || gone < 1 {
        return 0;
    }
    let up = |number: i64, part: i64| {
        number
            .saturating_add(part.saturating_sub(1))
            .checked_div(part)
            .unwrap_or(0)
    };
    let target = up(gone.saturating_mul(COVER_WEEKS), weeks);
    match target.saturating_sub(usable) {
        missing if missing > 0 => up(missing, case.max(1)).saturating_mul(case.max(1)),
        _ => 0,
    }
}

const SUM: &str = "cast(sum(stock_lots.quantity) as bigint)";

/// How many may go out of a store on this day, by goods; nothing for those of which there are none.
pub(super) fn usable(conn: &mut Conn, store: &Id<PointsStore>, today: Day) -> Result<HashMap<Id<GoodsItem>, i64>> {
    Ok(stock_lots::table
        .filter(stock_lots::store_id.eq(store).and(stock_lots::quantity.gt(0)))
        .filter(stock_lots::expires_on.is_null().or(stock_lots::expires_on.ge(today)))
        .group_by(stock_lots::goods_id)
        .select((stock_lots::goods_id, sql::<BigInt>(SUM)))
        .load::<(Id<GoodsItem>, i64)>(conn)?
        .into_iter()
        .collect())
}

fn first_received(conn: &mut Conn, store: &Id<PointsStore>) -> Result<HashMap<Id<GoodsItem>, Day>> {
    Ok(stock_lots::table
        .filter(stock_lots::store_id.eq(store))
        .group_by(stock_lots::goods_id)
        .select((
            stock_lots::goods_id,
            diesel::dsl::min(stock_lots::received_on).assume_not_null(),
        ))
        .load::<(Id<GoodsItem>, Day)>(conn)?
        .into_iter()
        .collect())
}

/// What went over the counter in the last eight weeks, less what came back.
fn gone_since(conn: &mut Conn, store: &Id<PointsStore>, today: Day) -> Result<HashMap<Id<GoodsItem>, i64>> {
    let days = u64::try_from(WEEKS.saturating_mul(7)).unwrap_or(0);
    let since = begin_of(today.checked_sub_days(chrono::Days::new(days)).unwrap_or(today));
    Ok(stock_movements::table
        .inner_join(stock_lots::table)
        .filter(stock_lots::store_id.eq(store))
        .filter(stock_movements::kind.eq_any([MovementKind::Redemption, MovementKind::Return]))
        .filter(stock_movements::recorded_at.ge(since))
        .group_by(stock_lots::goods_id)
        .select((
            stock_lots::goods_id,
            sql::<BigInt>("cast(-sum(stock_movements.quantity) as bigint)"),
        ))
        .load::<(Id<GoodsItem>, i64)>(conn)?
        .into_iter()
        .collect())
}

/// Lots of a store that hold something and expire by the end of the near days, the first day first; with their goods.
///
/// # Errors
/// Only when the database fails.
pub fn expiring(conn: &mut Conn, store: &Id<PointsStore>, today: Day) -> Result<Vec<(StockLot, GoodsItem)>> {
    Ok(stock_lots::table
        .inner_join(goods_items::table)
        .filter(stock_lots::store_id.eq(store).and(stock_lots::quantity.gt(0)))
        .filter(stock_lots::expires_on.le(days_after(today, NEAR_DAYS)))
        .order((stock_lots::expires_on, stock_lots::number))
        .select((StockLot::as_select(), GoodsItem::as_select()))
        .load(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_covers_four_weeks_in_whole_cases() {
        // 20 in 8 weeks are 10 in 4; 3 are there; cases of 6.
        assert_eq!(suggested(20, 8, 3, 6), 12);
        assert_eq!(suggested(20, 8, 3, 1), 7);
        assert_eq!(suggested(20, 8, 10, 6), 0);
        // Received this week: the pace of one week. Never asked for, or never there: nothing.
        assert_eq!(suggested(5, 1, 0, 12), 24);
        assert_eq!(suggested(0, 8, 0, 12), 0);
        assert_eq!(suggested(-2, 8, 0, 12), 0);
        assert_eq!(suggested(5, 0, 0, 12), 0);
        let day = |text: &str| text.parse::<Day>().unwrap();
        assert_eq!(weeks_since(day("2026-11-21"), day("2026-11-21")), 1);
        assert_eq!(weeks_since(day("2026-11-14"), day("2026-11-21")), 2);
        assert_eq!(weeks_since(day("2020-01-01"), day("2026-11-21")), 8);
    }
}
