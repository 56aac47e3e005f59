//! What no statement has yet: every posting at a partner's shop until a moment, as the lines of the next statement.
//!
//! Redemptions with what was agreed less the cash, refunds and voids with the opposite, never more than was settled. It
//! decides nothing about statements; they are in `settlement.rs`.

use std::collections::HashMap;

use diesel::prelude::*;

use super::partner;
use super::redemption::Redemption;
use super::settlement::{LineKind, SettlementLine};
use super::store::PointsStore;
use crate::clock::{Moment, day_of};
use crate::db::Conn;
use crate::db::schema::{
    partner_sales, redemption_lines, redemption_voids, redemptions, refund_lines, refunds, settlement_lines,
    transactions,
};
use crate::error::Result;
use crate::id::Id;
use crate::money::Fen;
use crate::points::Points;

/// A posting that no statement has.
struct Unsettled {
    kind: LineKind,
    redemption: Id<Redemption>,
    number: i64,
    at: Moment,
    points: Points,
}

/// Everything written at the shop before a moment that no statement has, as lines.
pub(super) fn lines(
    conn: &mut Conn,
    shop: &Id<PointsStore>,
    settlement_number: i64,
    before: Moment,
) -> Result<Vec<SettlementLine>> {
    let unsettled = unsettled(conn, shop, before)?;
    let ids: Vec<Id<Redemption>> = unsettled.iter().map(|one| one.redemption.clone()).collect();
    let worth = worth_of(conn, &ids)?;
    let cash = partner::top_ups_of(conn, &ids)?;
    let refunded = worth_of_refunds(conn, &ids)?;
    // What is settled of each redemption so far: no more than that ever goes back.
    let mut settled = settled_of(conn, &ids)?;
    let mut lines = Vec::new();
    for (position, one) in (1i64..).zip(unsettled) {
        let net = settled.entry(one.redemption.clone()).or_default();
        let paid = cash.get(&one.redemption).map_or(0, |cash| cash.cash_fen.0);
        let (amount, cash_fen) = match one.kind {
            LineKind::Redemption => {
                let worth = worth.get(&one.redemption).copied().unwrap_or(0);
                (worth.saturating_sub(paid).max(0), paid)
            }
            LineKind::Refund => {
                let back = refunded.get(&one.number).copied().unwrap_or(0);
                (back.min(*net).saturating_neg(), 0)
            }
            LineKind::Void | LineKind::Adjustment => (net.saturating_neg(), paid.saturating_neg()),
        };
        *net = net.saturating_add(amount);
        lines.push(SettlementLine {
            settlement_number,
            position,
            kind: one.kind,
            redemption_id: one.redemption,
            transaction_number: Some(one.number),
            adjusts: None,
            on_day: day_of(one.at),
            points: match one.kind {
                LineKind::Redemption => one.points,
                _ => -one.points,
            },
            cash_fen: Fen(cash_fen),
            amount_fen: Fen(amount),
        });
    }
    Ok(lines)
}

fn unsettled(conn: &mut Conn, shop: &Id<PointsStore>, before: Moment) -> Result<Vec<Unsettled>> {
    type Row = (Id<Redemption>, i64, Moment, Points);
    let mut all = Vec::new();
    let made: Vec<Row> = redemptions::table
        .inner_join(transactions::table.on(transactions::number.eq(redemptions::transaction_number)))
        .left_join(
            settlement_lines::table
                .on(settlement_lines::transaction_number.eq(redemptions::transaction_number.nullable())),
        )
        .filter(redemptions::store_id.eq(shop))
        .filter(transactions::recorded_at.lt(before))
        .filter(settlement_lines::position.nullable().is_null())
        .select((
            redemptions::id,
            redemptions::transaction_number,
            redemptions::redeemed_at,
            redemptions::points,
        ))
        .load(conn)?;
    let refunded: Vec<Row> = refunds::table
        .inner_join(redemptions::table)
        .inner_join(transactions::table.on(transactions::number.eq(refunds::transaction_number)))
        .left_join(
            settlement_lines::table.on(settlement_lines::transaction_number.eq(refunds::transaction_number.nullable())),
        )
        .filter(redemptions::store_id.eq(shop))
        .filter(transactions::recorded_at.lt(before))
        .filter(settlement_lines::position.nullable().is_null())
        .select((
            redemptions::id,
            refunds::transaction_number,
            refunds::refunded_at,
            refunds::points,
        ))
        .load(conn)?;
    let voided: Vec<Row> = redemption_voids::table
        .inner_join(redemptions::table)
        .inner_join(transactions::table.on(transactions::number.eq(redemption_voids::transaction_number)))
        .left_join(
            settlement_lines::table
                .on(settlement_lines::transaction_number.eq(redemption_voids::transaction_number.nullable())),
        )
        .filter(redemptions::store_id.eq(shop))
        .filter(transactions::recorded_at.lt(before))
        .filter(settlement_lines::position.nullable().is_null())
        .select((
            redemptions::id,
            redemption_voids::transaction_number,
            redemption_voids::voided_at,
            redemptions::points,
        ))
        .load(conn)?;
    for (kind, rows) in [
        (LineKind::Redemption, made),
        (LineKind::Refund, refunded),
        (LineKind::Void, voided),
    ] {
        all.extend(rows.into_iter().map(|(redemption, number, at, points)| Unsettled {
            kind,
            redemption,
            number,
            at,
            points,
        }));
    }
    all.sort_by_key(|one| one.number);
    Ok(all)
}

/// What was agreed for the lines of these redemptions, in fen.
fn worth_of(conn: &mut Conn, ids: &[Id<Redemption>]) -> Result<HashMap<Id<Redemption>, i64>> {
    let mut worth: HashMap<Id<Redemption>, i64> = HashMap::new();
    for chunk in ids.chunks(500) {
        let rows = partner_sales::table
            .inner_join(
                redemption_lines::table.on(redemption_lines::redemption_id
                    .eq(partner_sales::redemption_id)
                    .and(redemption_lines::position.eq(partner_sales::position))),
            )
            .filter(partner_sales::redemption_id.eq_any(chunk))
            .select((
                partner_sales::redemption_id,
                redemption_lines::quantity,
                partner_sales::settlement_fen,
            ))
            .load::<(Id<Redemption>, i64, i64)>(conn)?;
        let mut sums: HashMap<Id<Redemption>, i64> = HashMap::new();
        for (id, quantity, fen) in rows {
            let sum = sums.entry(id).or_default();
            *sum = sum.saturating_add(quantity.saturating_mul(fen));
        }
        worth.extend(sums);
    }
    Ok(worth)
}

/// What was agreed for the units of each refund, by its posting.
fn worth_of_refunds(conn: &mut Conn, ids: &[Id<Redemption>]) -> Result<HashMap<i64, i64>> {
    let mut worth: HashMap<i64, i64> = HashMap::new();
    let mut ids = ids.to_vec();
    ids.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    ids.dedup();
    for chunk in ids.chunks(500) {
        let rows = refunds::table
            .inner_join(refund_lines::table)
            .inner_join(
                partner_sales::table.on(partner_sales::redemption_id
                    .eq(refunds::redemption_id)
                    .and(partner_sales::position.eq(refund_lines::position))),
            )
            .filter(refunds::redemption_id.eq_any(chunk))
            .select((
                refunds::transaction_number,
                refund_lines::quantity,
                partner_sales::settlement_fen,
            ))
            .load::<(i64, i64, i64)>(conn)?;
        for (number, quantity, fen) in rows {
            let sum = worth.entry(number).or_default();
            *sum = sum.saturating_add(quantity.saturating_mul(fen));
        }
    }
    Ok(worth)
}

/// What statements hold of these redemptions by now, in fen.
fn settled_of(conn: &mut Conn, ids: &[Id<Redemption>]) -> Result<HashMap<Id<Redemption>, i64>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    ids.dedup();
    let mut settled: HashMap<Id<Redemption>, i64> = HashMap::new();
    for chunk in ids.chunks(500) {
        let rows = settlement_lines::table
            .filter(settlement_lines::redemption_id.eq_any(chunk))
            .select((settlement_lines::redemption_id, settlement_lines::amount_fen))
            .load::<(Id<Redemption>, i64)>(conn)?;
        for (id, amount) in rows {
            let sum = settled.entry(id).or_default();
            *sum = sum.saturating_add(amount);
        }
    }
    Ok(settled)
}
