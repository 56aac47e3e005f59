//! Hand-over: what went over the counter in a shift, and what was counted when it was closed.
//!
//! The sums are sums of the register's lines, never kept apart from them. The sample of goods to count is what moved most.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::goods::{self, GoodsItem};
use super::redemption::Confirmation;
use super::shift::{self, Shift};
use super::stock;
use super::store;
use crate::cards::card::Presented;
use crate::db::schema::{
    cash_top_ups, offline_sales, redemption_lines, redemption_voids, redemptions, refunds, shift_counts,
};
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::points::Points;

/// How many, and for how many points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Slips.
    pub count: i64,
    /// Points of them.
    pub points: Points,
}

/// What went over the counter in a shift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Redemptions, voided ones among them.
    pub redeemed: Sum,
    /// Voids, of whatever shift.
    pub voided: Sum,
    /// Refunds, of whatever shift.
    pub refunded: Sum,
    /// Redemptions with a typed card.
    pub typed: Sum,
    /// Redemptions whose slip a household had to sign.
    pub to_sign: i64,
}

impl Totals {
    /// Points that left the households in this shift and did not come back in it.
    #[must_use]
    pub fn net(&self) -> Points {
        let back = self.voided.points.plus(self.refunded.points).unwrap_or_default();
        self.redeemed.points.plus(-back).unwrap_or_default()
    }
}

/// The sums of a shift.
///
/// # Errors
/// Only when the database fails.
pub fn totals(conn: &mut Conn, id: &Id<Shift>) -> Result<Totals> {
    let points = || sql::<BigInt>("cast(coalesce(sum(redemptions.points), 0) as bigint)");
    let sum = |(count, points): (i64, Points)| Sum { count, points };
    let made = redemptions::table.filter(redemptions::shift_id.eq(id));
    let columns = (diesel::dsl::count_star(), points());
    Ok(Totals {
        redeemed: sum(made.select(columns.clone()).get_result(conn)?),
        typed: sum(made
            .filter(redemptions::presented.eq(Presented::Typed))
            .select(columns.clone())
            .get_result(conn)?),
        voided: sum(redemption_voids::table
            .inner_join(redemptions::table)
            .filter(redemption_voids::shift_id.eq(id))
            .select(columns)
            .get_result(conn)?),
        refunded: sum(refunds::table
            .filter(refunds::shift_id.eq(id))
            .select((
                diesel::dsl::count_star(),
                sql::<BigInt>("cast(coalesce(sum(points), 0) as bigint)"),
            ))
            .get_result(conn)?),
        to_sign: made
            .filter(redemptions::confirmed_with.eq(Confirmation::Signature))
            .count()
            .get_result(conn)?,
    })
}

/// How many redemptions of a shift were made without network.
///
/// # Errors
/// Only when the database fails.
pub fn offline(conn: &mut Conn, id: &Id<Shift>) -> Result<i64> {
    let made = redemptions::table
        .filter(redemptions::shift_id.eq(id))
        .select(redemptions::id);
    Ok(offline_sales::table
        .filter(offline_sales::redemption_id.eq_any(made))
        .count()
        .get_result(conn)?)
}

/// The cash that households paid beside points in a shift, less what went back to them in it with a void; `None` where
/// no cash was taken or given.
///
/// # Errors
/// Only when the database fails.
pub fn cash(conn: &mut Conn, id: &Id<Shift>) -> Result<Option<Fen>> {
    let paid = || cash_top_ups::table.select(cash_top_ups::cash_fen);
    let made = redemptions::table
        .filter(redemptions::shift_id.eq(id))
        .select(redemptions::id);
    let undone = redemption_voids::table
        .filter(redemption_voids::shift_id.eq(id))
        .select(redemption_voids::redemption_id);
    let taken: Vec<Fen> = paid().filter(cash_top_ups::redemption_id.eq_any(made)).load(conn)?;
    let given: Vec<Fen> = paid().filter(cash_top_ups::redemption_id.eq_any(undone)).load(conn)?;
    let sum = |paid: &[Fen]| paid.iter().fold(0i64, |sum, fen| sum.saturating_add(fen.0));
    let is_any = !taken.is_empty() || !given.is_empty();
    Ok(is_any.then(|| Fen(sum(&taken).saturating_sub(sum(&given)))))
}

/// How many kinds of goods are counted at closing.
const SAMPLE: i64 = 5;

/// The goods of which most went out in a shift: what is worth counting before it is handed over.
///
/// # Errors
/// Only when the database fails.
pub fn sample(conn: &mut Conn, id: &Id<Shift>) -> Result<Vec<GoodsItem>> {
    // A partner counts its own shelf for itself.
    let shift = shift::by_id(conn, id)?;
    if store::is_partner(conn, &shift.store_id)? {
        return Ok(Vec::new());
    }
    let ids = redemptions::table
        .inner_join(redemption_lines::table)
        .filter(redemptions::shift_id.eq(id))
        .group_by(redemption_lines::goods_id)
        .order((
            sql::<BigInt>("sum(redemption_lines.quantity)").desc(),
            redemption_lines::goods_id,
        ))
        .select(redemption_lines::goods_id)
        .limit(SAMPLE)
        .load::<Id<GoodsItem>>(conn)?;
    let mut found: Vec<GoodsItem> = goods::by_ids(conn, &ids)?.into_values().collect();
    found.sort_by(|one, other| one.sku.cmp(&other.sku));
    Ok(found)
}

/// Goods that were counted at closing.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = shift_counts)]
pub struct ShiftCount {
    shift_id: Id<Shift>,
    /// What.
    pub goods_id: Id<GoodsItem>,
    /// What the books said at that moment.
    pub expected: i64,
    /// What was there.
    pub counted: i64,
}

/// Keeps what was counted, beside what the books say at this moment.
///
/// # Errors
/// `Invalid` for a count below zero.
pub(super) fn keep_counts(conn: &mut Conn, shift: &Shift, counts: &[(Id<GoodsItem>, i64)]) -> Result<()> {
    if counts.iter().any(|(_, counted)| !(0..=1_000_000).contains(counted)) {
        return Err(Error::invalid("counts", "清点数量应为0以上的整数。"));
    }
    let on_shelf = stock::on_shelf(conn, &shift.store_id)?;
    let rows: Vec<ShiftCount> = counts
        .iter()
        .map(|(goods, counted)| {
            let lots = on_shelf.iter().filter(|lot| lot.goods_id == *goods);
            ShiftCount {
                shift_id: shift.id.clone(),
                goods_id: goods.clone(),
                expected: lots.fold(0, |sum, lot| sum.saturating_add(lot.quantity)),
                counted: *counted,
            }
        })
        .collect();
    insert_rows!(conn, shift_counts::table, &rows);
    Ok(())
}

/// What was counted at the closing of a shift.
///
/// # Errors
/// Only when the database fails.
pub fn counts(conn: &mut Conn, id: &Id<Shift>) -> Result<Vec<ShiftCount>> {
    Ok(shift_counts::table
        .filter(shift_counts::shift_id.eq(id))
        .order(shift_counts::goods_id)
        .select(ShiftCount::as_select())
        .load(conn)?)
}
