//! Registers of the counter and of the shelf: every redemption, refund and void, and every movement of stock, of a span of
//! days, by the page, with their sums. What they look like is said by the room above.
//!
//! A line of the counter belongs to the day on which the books wrote it, as in the ledger's registers; a movement of the shelf
//! to the day on which it was recorded.

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::goods::{self, GoodsItem};
use super::partner;
use super::receipt::{self, ReceiptKind};
use super::redemption::{self, Redemption};
use super::refund;
use super::stock::MovementKind;
use super::store::PointsStore;
use crate::access::user::User;
use crate::clock::{Day, Moment, Span, begin_of};
use crate::db::schema::{
    cash_top_ups, redemption_voids, redemptions, refunds, stock_lots, stock_movements, stock_receipt_lines,
    stock_receipts, transactions,
};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::places::household::Household;
use crate::points::Points;

/// How the sources of reversals begin that the counter caused.
pub const COUNTER_REVERSALS: &str = "void:";

// ---- The counter ---------------------------------------------------------------------------------------------------

text_enum! {
    /// What happened at the counter.
    pub enum CounterKind {
        /// Points for goods.
        Redemption = "redemption", "兑换";
        /// Some of the goods came back.
        Refund = "refund", "退货";
        /// All of it was undone.
        Void = "void", "作废";
    }
}

/// A line of the redemption register.
#[derive(Clone, Debug)]
pub struct CounterLine {
    /// The number of the posting, which is on the slip.
    pub number: i64,
    /// What happened.
    pub kind: CounterKind,
    /// When.
    pub at: Moment,
    /// The redemption it is about.
    pub redemption: Id<Redemption>,
    /// That redemption's slip number.
    pub slip: i64,
    /// Where.
    pub store: Id<PointsStore>,
    /// Whose points.
    pub household: Id<Household>,
    /// How many; not negative, whichever way they went.
    pub points: Points,
    /// The goods in words.
    pub goods: String,
    /// What the household paid in cash at a partner's, or got back; negative then.
    pub cash: Fen,
    /// Who stood at the counter.
    pub by: Id<User>,
}

/// How often something happened at the counter, and for how many points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterSum {
    /// What.
    pub kind: CounterKind,
    /// How often.
    pub count: i64,
    /// For how many points.
    pub points: Points,
    /// Cash that was paid beside them, or given back.
    pub cash: Fen,
}

/// The numbers of the first postings of one kind.
fn numbers(
    conn: &mut Conn,
    kind: CounterKind,
    stores: &[Id<PointsStore>],
    span: Span,
    first: i64,
) -> Result<Vec<(i64, CounterKind)>> {
    let (from, until) = (begin_of(span.from), begin_of(span.until));
    let found: Vec<i64> = match kind {
        CounterKind::Redemption => redemptions::table
            .inner_join(transactions::table.on(transactions::number.eq(redemptions::transaction_number)))
            .filter(redemptions::store_id.eq_any(stores))
            .filter(
                transactions::recorded_at
                    .ge(from)
                    .and(transactions::recorded_at.lt(until)),
            )
            .order(redemptions::transaction_number)
            .limit(first)
            .select(redemptions::transaction_number)
            .load(conn)?,
        CounterKind::Refund => refunds::table
            .inner_join(redemptions::table)
            .inner_join(transactions::table.on(transactions::number.eq(refunds::transaction_number)))
            .filter(redemptions::store_id.eq_any(stores))
            .filter(
                transactions::recorded_at
                    .ge(from)
                    .and(transactions::recorded_at.lt(until)),
            )
            .order(refunds::transaction_number)
            .limit(first)
            .select(refunds::transaction_number)
            .load(conn)?,
        CounterKind::Void => redemption_voids::table
            .inner_join(redemptions::table)
            .inner_join(transactions::table.on(transactions::number.eq(redemption_voids::transaction_number)))
            .filter(redemptions::store_id.eq_any(stores))
            .filter(
                transactions::recorded_at
                    .ge(from)
                    .and(transactions::recorded_at.lt(until)),
            )
            .order(redemption_voids::transaction_number)
            .limit(first)
            .select(redemption_voids::transaction_number)
            .load(conn)?,
    };
    Ok(found.into_iter().map(|number| (number, kind)).collect())
}

/// The redemption register of these stores, in the order of the slip numbers.
///
/// # Errors
/// Only when the database fails.
pub fn counter_lines(
    conn: &mut Conn,
    stores: &[Id<PointsStore>],
    span: Span,
    offset: i64,
    limit: i64,
) -> Result<Vec<CounterLine>> {
    let first = offset.saturating_add(limit);
    let mut all = Vec::new();
    for kind in CounterKind::ALL {
        all.extend(numbers(conn, *kind, stores, span, first)?);
    }
    all.sort_unstable();
    let (offset, limit) = (
        usize::try_from(offset).unwrap_or(0),
        usize::try_from(limit).unwrap_or(0),
    );
    let shown: Vec<(i64, CounterKind)> = all.into_iter().skip(offset).take(limit).collect();
    let of = |kind: CounterKind| -> Vec<i64> {
        let same = shown.iter().filter(|(_, other)| *other == kind);
        same.map(|(number, _)| *number).collect()
    };
    let mut lines = redeemed_lines(conn, &of(CounterKind::Redemption))?;
    lines.extend(refunded_lines(conn, &of(CounterKind::Refund))?);
    lines.extend(voided_lines(conn, &of(CounterKind::Void))?);
    lines.sort_by_key(|line| line.number);
    let ids: Vec<Id<Redemption>> = lines.iter().map(|line| line.redemption.clone()).collect();
    let cash = partner::top_ups_of(conn, &ids)?;
    for line in &mut lines {
        let paid = cash.get(&line.redemption).map_or(0, |cash| cash.cash_fen.0);
        line.cash = match line.kind {
            CounterKind::Redemption => Fen(paid),
            // What was paid in part with cash comes back as a whole or not at all.
            CounterKind::Refund => Fen(0),
            CounterKind::Void => Fen(paid.saturating_neg()),
        };
    }
    Ok(lines)
}

fn line_of(kind: CounterKind, number: i64, at: Moment, redemption: Redemption, by: Id<User>) -> CounterLine {
    CounterLine {
        number,
        kind,
        at,
        slip: redemption.transaction_number,
        store: redemption.store_id,
        household: redemption.household_id,
        points: redemption.points,
        redemption: redemption.id,
        goods: String::new(),
        cash: Fen(0),
        by,
    }
}

fn redeemed_lines(conn: &mut Conn, numbers: &[i64]) -> Result<Vec<CounterLine>> {
    let mut ids: Vec<Id<Redemption>> = Vec::new();
    for chunk in numbers.chunks(500) {
        ids.extend(
            redemptions::table
                .filter(redemptions::transaction_number.eq_any(chunk))
                .select(redemptions::id)
                .load::<Id<Redemption>>(conn)?,
        );
    }
    let all = redemption::by_ids(conn, ids)?.into_values();
    Ok(all
        .map(|redeemed| {
            let goods = redeemed.goods().join("、");
            let of = redeemed.redemption;
            let (number, at, by) = (of.transaction_number, of.redeemed_at, of.redeemed_by.clone());
            CounterLine {
                goods,
                ..line_of(CounterKind::Redemption, number, at, of, by)
            }
        })
        .collect())
}

fn refunded_lines(conn: &mut Conn, numbers: &[i64]) -> Result<Vec<CounterLine>> {
    let mut ids: Vec<Id<Redemption>> = Vec::new();
    for chunk in numbers.chunks(500) {
        ids.extend(
            refunds::table
                .filter(refunds::transaction_number.eq_any(chunk))
                .select(refunds::redemption_id)
                .load::<Id<Redemption>>(conn)?,
        );
    }
    let redeemed = redemption::by_ids(conn, ids.clone())?;
    let mut lines = Vec::new();
    for (refund, back) in refund::of(conn, &ids)? {
        let Some(of) = redeemed.get(&refund.redemption_id) else {
            continue;
        };
        if !numbers.contains(&refund.transaction_number) {
            continue;
        }
        let goods: Vec<String> = back
            .iter()
            .filter_map(|line| {
                let (_, item) = of.lines.iter().find(|(one, _)| one.position == line.position)?;
                Some(format!("{} × {}", item.name, line.quantity))
            })
            .collect();
        let line = line_of(
            CounterKind::Refund,
            refund.transaction_number,
            refund.refunded_at,
            of.redemption.clone(),
            refund.refunded_by,
        );
        lines.push(CounterLine {
            goods: goods.join("、"),
            points: refund.points,
            ..line
        });
    }
    lines.sort_by_key(|line| line.number);
    lines.dedup_by_key(|line| line.number);
    Ok(lines)
}

fn voided_lines(conn: &mut Conn, numbers: &[i64]) -> Result<Vec<CounterLine>> {
    let mut voids: Vec<(Id<Redemption>, i64, Moment, Id<User>)> = Vec::new();
    for chunk in numbers.chunks(500) {
        voids.extend(
            redemption_voids::table
                .filter(redemption_voids::transaction_number.eq_any(chunk))
                .select((
                    redemption_voids::redemption_id,
                    redemption_voids::transaction_number,
                    redemption_voids::voided_at,
                    redemption_voids::voided_by,
                ))
                .load::<(Id<Redemption>, i64, Moment, Id<User>)>(conn)?,
        );
    }
    let redeemed = redemption::by_ids(conn, voids.iter().map(|(id, ..)| id.clone()).collect())?;
    Ok(voids
        .into_iter()
        .filter_map(|(id, number, at, by)| {
            let of = redeemed.get(&id)?;
            Some(CounterLine {
                goods: of.goods().join("、"),
                ..line_of(CounterKind::Void, number, at, of.redemption.clone(), by)
            })
        })
        .collect())
}

/// The sums of the redemption register, one for each kind, whether it happened or not.
///
/// # Errors
/// Only when the database fails.
pub fn counter_sums(conn: &mut Conn, stores: &[Id<PointsStore>], span: Span) -> Result<Vec<CounterSum>> {
    const COUNT: &str = "count(*)";
    let (from, until) = (begin_of(span.from), begin_of(span.until));
    let within = || {
        transactions::recorded_at
            .ge(from)
            .and(transactions::recorded_at.lt(until))
    };
    let redeemed = "cast(coalesce(sum(redemptions.points), 0) as bigint)";
    let redemptions_sum: (i64, Points) = redemptions::table
        .inner_join(transactions::table.on(transactions::number.eq(redemptions::transaction_number)))
        .filter(redemptions::store_id.eq_any(stores))
        .filter(within())
        .select((sql::<BigInt>(COUNT), sql::<BigInt>(redeemed)))
        .get_result(conn)?;
    let refunds_sum: (i64, Points) = refunds::table
        .inner_join(redemptions::table)
        .inner_join(transactions::table.on(transactions::number.eq(refunds::transaction_number)))
        .filter(redemptions::store_id.eq_any(stores))
        .filter(within())
        .select((
            sql::<BigInt>(COUNT),
            sql::<BigInt>("cast(coalesce(sum(refunds.points), 0) as bigint)"),
        ))
        .get_result(conn)?;
    let voids_sum: (i64, Points) = redemption_voids::table
        .inner_join(redemptions::table)
        .inner_join(transactions::table.on(transactions::number.eq(redemption_voids::transaction_number)))
        .filter(redemptions::store_id.eq_any(stores))
        .filter(within())
        .select((sql::<BigInt>(COUNT), sql::<BigInt>(redeemed)))
        .get_result(conn)?;
    let cash = "cast(coalesce(sum(cash_top_ups.cash_fen), 0) as bigint)";
    let paid: Fen = cash_top_ups::table
        .inner_join(redemptions::table.on(redemptions::id.eq(cash_top_ups::redemption_id)))
        .inner_join(transactions::table.on(transactions::number.eq(redemptions::transaction_number)))
        .filter(redemptions::store_id.eq_any(stores))
        .filter(within())
        .select(sql::<BigInt>(cash))
        .get_result(conn)?;
    let given_back: Fen = cash_top_ups::table
        .inner_join(redemptions::table.on(redemptions::id.eq(cash_top_ups::redemption_id)))
        .inner_join(redemption_voids::table.on(redemption_voids::redemption_id.eq(redemptions::id)))
        .inner_join(transactions::table.on(transactions::number.eq(redemption_voids::transaction_number)))
        .filter(redemptions::store_id.eq_any(stores))
        .filter(within())
        .select(sql::<BigInt>(cash))
        .get_result(conn)?;
    let sum = |kind, (count, points), cash| CounterSum {
        kind,
        count,
        points,
        cash,
    };
    Ok(vec![
        sum(CounterKind::Redemption, redemptions_sum, paid),
        sum(CounterKind::Refund, refunds_sum, Fen(0)),
        sum(CounterKind::Void, voids_sum, given_back),
    ])
}

// ---- The shelf -----------------------------------------------------------------------------------------------------

text_enum! {
    /// Why goods came or went, in the words of the stock register.
    pub enum StockKind {
        /// Bought.
        Purchase = "purchase", "采购入库";
        /// Given.
        Donation = "donation", "捐赠入库";
        /// Brought from another store.
        TransferIn = "transfer_in", "调入";
        /// Came in before receipts were written.
        Opening = "opening", "期初入库";
        /// Went over the counter.
        Redemption = "redemption", "兑换出库";
        /// Came back over the counter.
        Return = "return", "退回入库";
        /// Brought to another store.
        TransferOut = "transfer_out", "调出";
        /// Taken off the shelf for good.
        WriteOff = "write_off", "报损出库";
        /// A stocktake found more.
        Surplus = "surplus", "盘盈";
        /// A stocktake found fewer.
        Shortage = "shortage", "盘亏";
    }
}

impl StockKind {
    fn of(kind: MovementKind, receipt: Option<ReceiptKind>, quantity: i64) -> StockKind {
        match (kind, receipt) {
            (MovementKind::Receipt, Some(ReceiptKind::Purchase)) => StockKind::Purchase,
            (MovementKind::Receipt, Some(ReceiptKind::Donation)) => StockKind::Donation,
            (MovementKind::Receipt, Some(ReceiptKind::Transfer)) => StockKind::TransferIn,
            (MovementKind::Receipt, None) => StockKind::Opening,
            (MovementKind::Redemption, _) => StockKind::Redemption,
            (MovementKind::Return, _) => StockKind::Return,
            (MovementKind::TransferOut, _) => StockKind::TransferOut,
            (MovementKind::WriteOff, _) => StockKind::WriteOff,
            (MovementKind::Count, _) if quantity > 0 => StockKind::Surplus,
            (MovementKind::Count, _) => StockKind::Shortage,
        }
    }
}

/// A line of the stock register.
#[derive(Clone, Debug)]
pub struct StockLine {
    /// When.
    pub at: Moment,
    /// Why.
    pub kind: StockKind,
    /// Where.
    pub store: Id<PointsStore>,
    /// The lot.
    pub lot: i64,
    /// What.
    pub item: GoodsItem,
    /// How many came, or went when it is negative.
    pub quantity: i64,
    /// What one unit cost.
    pub cost_fen: Fen,
    /// How many of the goods the stores of the register hold afterwards, of all lots.
    pub stock: i64,
    /// Who recorded it.
    pub by: Id<User>,
}

/// Units and their cost that came or went for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockSum {
    /// Why.
    pub kind: StockKind,
    /// How many movements.
    pub count: i64,
    /// How many units came, or went when it is negative.
    pub units: i64,
    /// What they cost, with the same sign.
    pub cost: Fen,
}

/// Where a movement stands in the order of the register.
type Place = (Moment, i64, i64);

#[derive(Queryable)]
struct Movement {
    recorded_at: Moment,
    lot: i64,
    version: i64,
    kind: MovementKind,
    quantity: i64,
    store: Id<PointsStore>,
    goods: Id<GoodsItem>,
    cost_fen: Fen,
    by: Id<User>,
}

/// The stock register of these stores, of all goods or of one kind, first recorded first.
///
/// # Errors
/// Only when the database fails.
pub fn stock_lines(
    conn: &mut Conn,
    stores: &[Id<PointsStore>],
    span: Span,
    offset: i64,
    limit: i64,
) -> Result<Vec<StockLine>> {
    let rows = stock_movements::table
        .inner_join(stock_lots::table)
        .filter(stock_lots::store_id.eq_any(stores))
        .filter(stock_movements::recorded_at.ge(begin_of(span.from)))
        .filter(stock_movements::recorded_at.lt(begin_of(span.until)))
        .order((
            stock_movements::recorded_at,
            stock_movements::lot_number,
            stock_movements::version,
        ))
        .offset(offset)
        .limit(limit)
        .select((
            stock_movements::recorded_at,
            stock_movements::lot_number,
            stock_movements::version,
            stock_movements::kind,
            stock_movements::quantity,
            stock_lots::store_id,
            stock_lots::goods_id,
            stock_lots::cost_fen,
            stock_movements::recorded_by,
        ))
        .load::<Movement>(conn)?;
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let place = (first.recorded_at, first.lot, first.version);
    let mut ids: Vec<Id<GoodsItem>> = rows.iter().map(|row| row.goods.clone()).collect();
    ids.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    ids.dedup();
    let items = goods::by_ids(conn, &ids)?;
    let mut held = held_before(conn, stores, &ids, place)?;
    let lots: Vec<i64> = rows.iter().map(|row| row.lot).collect();
    let receipts = receipt::kinds_of(conn, &lots)?;
    rows.into_iter()
        .map(|row| {
            let stock = held.entry(row.goods.clone()).or_default();
            *stock = stock.saturating_add(row.quantity);
            Ok(StockLine {
                at: row.recorded_at,
                kind: StockKind::of(row.kind, receipts.get(&row.lot).copied(), row.quantity),
                store: row.store,
                lot: row.lot,
                item: items.get(&row.goods).cloned().ok_or(Error::NotFound)?,
                quantity: row.quantity,
                cost_fen: row.cost_fen,
                stock: *stock,
                by: row.by,
            })
        })
        .collect()
}

/// What the stores held of these goods before a movement.
fn held_before(
    conn: &mut Conn,
    stores: &[Id<PointsStore>],
    ids: &[Id<GoodsItem>],
    (at, lot, version): Place,
) -> Result<HashMap<Id<GoodsItem>, i64>> {
    let mut held = HashMap::new();
    for chunk in ids.chunks(500) {
        let sums = stock_movements::table
            .inner_join(stock_lots::table)
            .filter(stock_lots::store_id.eq_any(stores))
            .filter(stock_lots::goods_id.eq_any(chunk))
            .filter(
                stock_movements::recorded_at
                    .lt(at)
                    .or(stock_movements::recorded_at.eq(at).and(
                        stock_movements::lot_number.lt(lot).or(stock_movements::lot_number
                            .eq(lot)
                            .and(stock_movements::version.lt(version))),
                    )),
            )
            .group_by(stock_lots::goods_id)
            .select((
                stock_lots::goods_id,
                sql::<BigInt>("cast(sum(stock_movements.quantity) as bigint)"),
            ))
            .load::<(Id<GoodsItem>, i64)>(conn)?;
        held.extend(sums);
    }
    Ok(held)
}

/// The sums of the stock register, one for each kind, whether it happened or not.
///
/// # Errors
/// Only when the database fails.
pub fn stock_sums(conn: &mut Conn, stores: &[Id<PointsStore>], span: Span) -> Result<Vec<StockSum>> {
    const COUNT: &str = "count(*)";
    const UNITS: &str = "cast(coalesce(sum(stock_movements.quantity), 0) as bigint)";
    const COST: &str = "cast(coalesce(sum(stock_movements.quantity * stock_lots.cost_fen), 0) as bigint)";
    let within = || {
        stock_movements::recorded_at
            .ge(begin_of(span.from))
            .and(stock_movements::recorded_at.lt(begin_of(span.until)))
    };
    let mut sums: Vec<StockSum> = StockKind::ALL
        .iter()
        .map(|kind| StockSum {
            kind: *kind,
            count: 0,
            units: 0,
            cost: Fen(0),
        })
        .collect();
    let mut add = |kind: StockKind, (count, units, cost): (i64, i64, Fen)| {
        if let Some(sum) = sums.iter_mut().find(|sum| sum.kind == kind) {
            sum.count = sum.count.saturating_add(count);
            sum.units = sum.units.saturating_add(units);
            sum.cost = Fen(sum.cost.0.saturating_add(cost.0));
        }
    };
    let by_kind = |conn: &mut Conn, upwards: bool| -> Result<Vec<(MovementKind, i64, i64, Fen)>> {
        let all = stock_movements::table
            .inner_join(stock_lots::table)
            .filter(stock_lots::store_id.eq_any(stores))
            .filter(stock_movements::kind.ne(MovementKind::Receipt))
            .filter(within())
            .group_by(stock_movements::kind)
            .select((
                stock_movements::kind,
                sql::<BigInt>(COUNT),
                sql::<BigInt>(UNITS),
                sql::<BigInt>(COST),
            ));
        Ok(match upwards {
            true => all.filter(stock_movements::quantity.gt(0)).load(conn)?,
            false => all.filter(stock_movements::quantity.lt(0)).load(conn)?,
        })
    };
    for (upwards, sign) in [(true, 1), (false, -1)] {
        for (kind, count, units, cost) in by_kind(conn, upwards)? {
            add(StockKind::of(kind, None, sign), (count, units, cost));
        }
    }
    let came_in = stock_movements::table
        .inner_join(stock_lots::table)
        .filter(stock_lots::store_id.eq_any(stores))
        .filter(stock_movements::kind.eq(MovementKind::Receipt))
        .filter(within())
        .select((sql::<BigInt>(COUNT), sql::<BigInt>(UNITS), sql::<BigInt>(COST)))
        .get_result::<(i64, i64, Fen)>(conn)?;
    let by_receipt = stock_movements::table
        .inner_join(stock_lots::table)
        .inner_join(stock_receipt_lines::table.on(stock_receipt_lines::lot_number.eq(stock_movements::lot_number)))
        .inner_join(stock_receipts::table.on(stock_receipts::number.eq(stock_receipt_lines::receipt_number)))
        .filter(stock_lots::store_id.eq_any(stores))
        .filter(stock_movements::kind.eq(MovementKind::Receipt))
        .filter(within())
        .group_by(stock_receipts::kind)
        .select((
            stock_receipts::kind,
            sql::<BigInt>(COUNT),
            sql::<BigInt>(UNITS),
            sql::<BigInt>(COST),
        ))
        .load::<(ReceiptKind, i64, i64, Fen)>(conn)?;
    let mut without = came_in;
    for (kind, count, units, cost) in by_receipt {
        add(
            StockKind::of(MovementKind::Receipt, Some(kind), 1),
            (count, units, cost),
        );
        without = (
            without.0.saturating_sub(count),
            without.1.saturating_sub(units),
            Fen(without.2.0.saturating_sub(cost.0)),
        );
    }
    add(StockKind::Opening, without);
    Ok(sums)
}

/// Units and cost on the shelves before a day began: every movement recorded earlier, added up.
///
/// # Errors
/// Only when the database fails.
pub fn stock_before(conn: &mut Conn, stores: &[Id<PointsStore>], day: Day) -> Result<(i64, Fen)> {
    Ok(stock_movements::table
        .inner_join(stock_lots::table)
        .filter(stock_lots::store_id.eq_any(stores))
        .filter(stock_movements::recorded_at.lt(begin_of(day)))
        .select((
            sql::<BigInt>("cast(coalesce(sum(stock_movements.quantity), 0) as bigint)"),
            sql::<BigInt>("cast(coalesce(sum(stock_movements.quantity * stock_lots.cost_fen), 0) as bigint)"),
        ))
        .get_result(conn)?)
}

/// The same the other way round: what the lots hold now, less what moved since.
///
/// # Errors
/// Only when the database fails.
pub fn stock_from_lots(conn: &mut Conn, stores: &[Id<PointsStore>], day: Day) -> Result<(i64, Fen)> {
    let (units, cost): (i64, Fen) = stock_lots::table
        .filter(stock_lots::store_id.eq_any(stores))
        .select((
            sql::<BigInt>("cast(coalesce(sum(quantity), 0) as bigint)"),
            sql::<BigInt>("cast(coalesce(sum(quantity * cost_fen), 0) as bigint)"),
        ))
        .get_result(conn)?;
    let (moved, worth): (i64, Fen) = stock_movements::table
        .inner_join(stock_lots::table)
        .filter(stock_lots::store_id.eq_any(stores))
        .filter(stock_movements::recorded_at.ge(begin_of(day)))
        .select((
            sql::<BigInt>("cast(coalesce(sum(stock_movements.quantity), 0) as bigint)"),
            sql::<BigInt>("cast(coalesce(sum(stock_movements.quantity * stock_lots.cost_fen), 0) as bigint)"),
        ))
        .get_result(conn)?;
    Ok((units.saturating_sub(moved), Fen(cost.0.saturating_sub(worth.0))))
}
