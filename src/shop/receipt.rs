//! Receipts: the document of what came in at once, bought, given or brought from another store.
//!
//! A receipt has lines, and each line is a lot with its own cost and last day. A transfer takes lots out of one store and
//! makes lots in the other with the same last day, funding and cost, in one transaction. Nothing of it is ever changed:
//! what was received by mistake is written off.

use std::collections::{HashMap, HashSet};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::Serialize;

use super::act::{Act, Done};
use super::donor::Donor;
use super::goods::{self, GoodsItem};
use super::redemption::{self, Redemption};
use super::refused::Refused;
use super::stock::{self, Funding, MOST_RECEIVED, MovementKind, NewLot, Occasion, Stock, StockLot};
use super::store::PointsStore;
use crate::access::user::User;
use crate::clock::{Day, Moment, Span, day_of};
use crate::db::schema::{goods_items, stock_lots, stock_movements, stock_receipt_lines, stock_receipts};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::places::household::Household;

text_enum! {
    /// How goods came in.
    pub enum ReceiptKind {
        /// Bought.
        Purchase = "purchase", "采购";
        /// Given.
        Donation = "donation", "捐赠";
        /// From another store.
        Transfer = "transfer", "调拨";
    }
}

/// A receipt as it stands in its register.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = stock_receipts)]
pub struct StockReceipt {
    /// Its number.
    pub number: i64,
    /// Where the goods came in.
    pub store_id: Id<PointsStore>,
    /// How.
    pub kind: ReceiptKind,
    /// When.
    pub received_on: Day,
    /// Who gave; `None` for somebody who wants no name.
    pub donor_id: Option<Id<Donor>>,
    /// What the donor says it is worth in all.
    pub declared_fen: Option<Fen>,
    /// What the donor wants it for.
    pub intent: String,
    /// Of a transfer: from where.
    pub from_store_id: Option<Id<PointsStore>>,
    /// A remark.
    pub note: String,
    /// Who took it in.
    pub recorded_by: Id<User>,
    /// When it was written down.
    pub recorded_at: Moment,
}

#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = stock_receipt_lines)]
struct Line {
    receipt_number: i64,
    position: i64,
    lot_number: i64,
    quantity: i64,
    from_lot_number: Option<i64>,
}

/// A line with its goods and its lot.
#[derive(Clone, Debug)]
pub struct Received {
    /// How many came in.
    pub quantity: i64,
    /// What.
    pub item: GoodsItem,
    /// The lot that it became.
    pub lot: StockLot,
}

impl Received {
    /// What the line cost.
    #[must_use]
    pub fn cost(&self) -> Fen {
        Fen(self.lot.cost_fen.0.saturating_mul(self.quantity))
    }
}

/// What a receipt says besides its lines.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// Where.
    pub store: Id<PointsStore>,
    /// How.
    pub kind: ReceiptKind,
    /// Who gave.
    pub donor: Option<Id<Donor>>,
    /// What the donor says it is worth, in fen.
    pub declared_fen: Option<i64>,
    /// What the donor wants it for.
    pub intent: String,
    /// From where.
    pub from: Option<Id<PointsStore>>,
    /// A remark.
    pub note: String,
}

impl Document {
    /// Nothing but where and with what means.
    #[must_use]
    pub fn of(store: Id<PointsStore>, funding: Funding) -> Document {
        Document {
            store,
            kind: match funding {
                Funding::Collective => ReceiptKind::Purchase,
                Funding::Donated => ReceiptKind::Donation,
            },
            donor: None,
            declared_fen: None,
            intent: String::new(),
            from: None,
            note: String::new(),
        }
    }
}

/// A line as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewLine {
    /// The goods' short code.
    pub sku: String,
    /// How many.
    pub quantity: i64,
    /// What one unit cost, in fen.
    pub cost_fen: i64,
    /// The last day on which they may go out; `None` reckons it from the shelf life, if there is one.
    pub expires_on: Option<Day>,
}

/// The most lines of a receipt.
pub const MOST_LINES: usize = 60;

/// Is a line one that can be received today? The lot it would become.
///
/// # Errors
/// `Invalid` fields.
pub fn check_line(conn: &mut Conn, line: &NewLine, today: Day) -> Result<(GoodsItem, Option<Day>)> {
    let item = goods::by_sku(conn, &line.sku).map_err(|error| match error {
        Error::NotFound => Error::invalid("code", "没有这种商品，请先登记。"),
        other => other,
    })?;
    if item.withdrawn_at.is_some() {
        return Err(Error::invalid(
            "code",
            format!("{}已停兑，恢复兑换以后才能入库。", item.name),
        ));
    }
    if !(1..=MOST_RECEIVED).contains(&line.quantity) {
        return Err(Error::invalid(
            "quantity",
            format!("数量应为1至{MOST_RECEIVED}的整数。"),
        ));
    }
    if !(0..=100_000_000).contains(&line.cost_fen) {
        return Err(Error::invalid("cost", "单价应为0至100万元。"));
    }
    let expires_on = line.expires_on.or_else(|| stock::shelf_life_end(&item, today));
    if expires_on.is_some_and(|last| last < today) {
        return Err(Error::invalid("expires_on", "已经过期的商品不能入库。"));
    }
    Ok((item, expires_on))
}

/// Takes goods in and answers the receipt's number.
///
/// # Errors
/// `Invalid` fields; `idempotency_conflict`.
pub fn receive(conn: &mut Conn, document: &Document, lines: &[NewLine], act: &Act) -> Result<i64> {
    let answer = act.once(conn, &(document, lines), |conn| {
        if lines.is_empty() || lines.len() > MOST_LINES {
            return Err(Error::invalid(
                "lines",
                format!("一张入库单要有1至{MOST_LINES}行商品。"),
            ));
        }
        check_words(document)?;
        let funding = match document.kind {
            ReceiptKind::Donation => Funding::Donated,
            ReceiptKind::Purchase | ReceiptKind::Transfer => Funding::Collective,
        };
        let mut lots = Vec::new();
        for line in lines {
            let (item, expires_on) = check_line(conn, line, day_of(act.at))?;
            lots.push(NewLot {
                store: document.store.clone(),
                goods: item.id,
                quantity: line.quantity,
                expires_on,
                funding,
                cost_fen: Fen(line.cost_fen),
                from: None,
            });
        }
        let (number, _) = record(conn, document, &lots, &act.by, act.at)?;
        Ok(Done {
            answer: number.to_string(),
            subject: format!("receipt:{number}"),
            detail: format!("{} {}", document.kind.label(), lines.len()),
        })
    })?;
    answer.parse().map_err(Error::internal)
}

fn check_words(document: &Document) -> Result<()> {
    if document.intent.chars().count() > 200 {
        return Err(Error::invalid("intent", "捐赠意愿最多200个字。"));
    }
    if document.note.chars().count() > 200 {
        return Err(Error::invalid("note", "备注最多200个字。"));
    }
    if document
        .declared_fen
        .is_some_and(|fen| !(0..=10_000_000_000).contains(&fen))
    {
        return Err(Error::invalid("declared", "自报价值应为0至1亿元。"));
    }
    let of_donation = document.donor.is_some() || document.declared_fen.is_some() || !document.intent.is_empty();
    match of_donation && document.kind != ReceiptKind::Donation {
        true => Err(Error::invalid("kind", "填了捐赠人、价值或意愿的，来源应选“捐赠”。")),
        false => Ok(()),
    }
}

/// Writes the document with its lots, and answers its number and theirs.
pub(super) fn record(
    conn: &mut Conn,
    document: &Document,
    new: &[NewLot],
    by: &Id<User>,
    now: Moment,
) -> Result<(i64, Vec<i64>)> {
    let lots = stock::add_lots(conn, new, MovementKind::Receipt, by, now)?;
    let last = stock_receipts::table
        .select(diesel::dsl::max(stock_receipts::number))
        .get_result::<Option<i64>>(conn)?;
    let receipt = StockReceipt {
        number: last.unwrap_or(0).saturating_add(1),
        store_id: document.store.clone(),
        kind: document.kind,
        received_on: day_of(now),
        donor_id: document.donor.clone(),
        declared_fen: document.declared_fen.map(Fen),
        intent: document.intent.clone(),
        from_store_id: document.from.clone(),
        note: document.note.clone(),
        recorded_by: by.clone(),
        recorded_at: now,
    };
    diesel::insert_into(stock_receipts::table)
        .values(&receipt)
        .execute(conn)?;
    let lines: Vec<Line> = (1i64..)
        .zip(lots.iter().zip(new))
        .map(|(position, (lot, new))| Line {
            receipt_number: receipt.number,
            position,
            lot_number: *lot,
            quantity: new.quantity,
            from_lot_number: new.from,
        })
        .collect();
    insert_rows!(conn, stock_receipt_lines::table, &lines);
    Ok((receipt.number, lots))
}

/// Asks to bring goods from one store to another.
#[derive(Clone, Debug, Serialize)]
pub struct Transfer {
    /// Where they are.
    pub from: Id<PointsStore>,
    /// Where they go.
    pub to: Id<PointsStore>,
    /// Lots, and how many of each.
    pub lots: Vec<(i64, i64)>,
    /// A remark.
    pub note: String,
}

/// Brings goods to another store and answers the number of the receipt there.
///
/// # Errors
/// [`Refused::LotTooSmall`]; `Invalid` for the same store, no goods or goods past their day; `idempotency_conflict`.
pub fn transfer(conn: &mut Conn, asked: &Transfer, act: &Act) -> Result<i64> {
    let answer = act.once(conn, asked, |conn| {
        if asked.from == asked.to {
            return Err(Error::invalid("to", "调出和调入是同一家店，请选另一家。"));
        }
        if asked.lots.is_empty() || asked.lots.len() > MOST_LINES {
            return Err(Error::invalid(
                "lots",
                format!("请填写要调拨的数量，一次1至{MOST_LINES}批。"),
            ));
        }
        let lots = take_out(conn, asked, act)?;
        let document = Document {
            kind: ReceiptKind::Transfer,
            from: Some(asked.from.clone()),
            note: asked.note.clone(),
            ..Document::of(asked.to.clone(), Funding::Collective)
        };
        check_words(&document)?;
        let (number, _) = record(conn, &document, &lots, &act.by, act.at)?;
        Ok(Done {
            answer: number.to_string(),
            subject: format!("receipt:{number}"),
            detail: format!("{} {}", document.kind.label(), lots.len()),
        })
    })?;
    answer.parse().map_err(Error::internal)
}

/// Takes the lots out of the first store, and says what they become in the other.
fn take_out(conn: &mut Conn, asked: &Transfer, act: &Act) -> Result<Vec<NewLot>> {
    let numbers: Vec<i64> = asked.lots.iter().map(|(lot, _)| *lot).collect();
    let mut stock = Stock::of_lots(conn, &numbers)?;
    let occasion = Occasion {
        redemption: None,
        by: act.by.clone(),
        at: act.at,
    };
    let mut lots = Vec::new();
    for (number, quantity) in &asked.lots {
        let lot = stock.lot(*number).filter(|lot| lot.store_id == asked.from);
        let lot = lot.cloned().ok_or(Error::NotFound)?;
        if !(1..=MOST_RECEIVED).contains(quantity) {
            return Err(Error::invalid("lots", "数量应为1以上的整数。"));
        }
        if lot.expires_on.is_some_and(|last| last < day_of(act.at)) {
            return Err(Error::invalid(
                "lots",
                format!("第{number}批已过期，不能调拨，请报损。"),
            ));
        }
        if lot.quantity < *quantity {
            return Err(too_small(conn, &lot)?.into());
        }
        stock.change(*number, MovementKind::TransferOut, quantity.saturating_neg(), &occasion)?;
        lots.push(NewLot {
            store: asked.to.clone(),
            goods: lot.goods_id,
            quantity: *quantity,
            expires_on: lot.expires_on,
            funding: lot.funding,
            cost_fen: lot.cost_fen,
            from: Some(*number),
        });
    }
    stock.save(conn)?;
    Ok(lots)
}

/// The refusal for a lot that does not hold so many.
pub(super) fn too_small(conn: &mut Conn, lot: &StockLot) -> Result<Refused> {
    let item = goods::by_ids(conn, std::slice::from_ref(&lot.goods_id))?.remove(&lot.goods_id);
    Ok(Refused::LotTooSmall {
        goods: item.map(|item| item.name).unwrap_or_default(),
        lot: lot.number,
        left: lot.quantity,
    })
}

/// A receipt with its lines.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<(StockReceipt, Vec<Received>)> {
    let receipt = stock_receipts::table
        .filter(stock_receipts::number.eq(number))
        .select(StockReceipt::as_select())
        .first(conn)
        .optional()?
        .ok_or(Error::NotFound)?;
    let lines = stock_receipt_lines::table
        .filter(stock_receipt_lines::receipt_number.eq(number))
        .order(stock_receipt_lines::position)
        .select(Line::as_select())
        .load(conn)?;
    let numbers: Vec<i64> = lines.iter().map(|line| line.lot_number).collect();
    let mut lots = stock::by_numbers(conn, &numbers)?;
    let ids: Vec<Id<GoodsItem>> = lots.values().map(|lot| lot.goods_id.clone()).collect();
    let goods = goods::by_ids(conn, &ids)?;
    let received = lines.into_iter().filter_map(|line| {
        let lot = lots.remove(&line.lot_number)?;
        Some(Received {
            quantity: line.quantity,
            item: goods.get(&lot.goods_id)?.clone(),
            lot,
        })
    });
    Ok((receipt, received.collect()))
}

/// How many households have had goods of a receipt, and did not bring all of them back.
///
/// # Errors
/// Only when the database fails.
pub fn reached(conn: &mut Conn, number: i64) -> Result<usize> {
    let lots = stock_receipt_lines::table
        .filter(stock_receipt_lines::receipt_number.eq(number))
        .select(stock_receipt_lines::lot_number);
    let moved = stock_movements::table
        .filter(stock_movements::lot_number.eq_any(lots))
        .filter(stock_movements::redemption_id.is_not_null())
        .select((
            stock_movements::redemption_id.assume_not_null(),
            stock_movements::quantity,
        ))
        .load::<(Id<Redemption>, i64)>(conn)?;
    let mut kept: HashMap<Id<Redemption>, i64> = HashMap::new();
    for (redemption, quantity) in moved {
        let sum = kept.entry(redemption).or_default();
        *sum = sum.saturating_add(quantity);
    }
    kept.retain(|_, quantity| *quantity != 0);
    let redeemed = redemption::by_ids(conn, kept.into_keys().collect())?;
    let households: HashSet<Id<Household>> = redeemed
        .into_values()
        .map(|redeemed| redeemed.redemption.household_id)
        .collect();
    Ok(households.len())
}

/// How lots came in, by their numbers; lots from before receipts were written are left out.
///
/// # Errors
/// Only when the database fails.
pub fn kinds_of(conn: &mut Conn, lots: &[i64]) -> Result<HashMap<i64, ReceiptKind>> {
    let mut kinds = HashMap::new();
    for chunk in lots.chunks(500) {
        kinds.extend(
            stock_receipt_lines::table
                .inner_join(stock_receipts::table.on(stock_receipts::number.eq(stock_receipt_lines::receipt_number)))
                .filter(stock_receipt_lines::lot_number.eq_any(chunk))
                .select((stock_receipt_lines::lot_number, stock_receipts::kind))
                .load::<(i64, ReceiptKind)>(conn)?,
        );
    }
    Ok(kinds)
}

/// The newest receipts of these stores after so many newer ones, with the number of their lines.
///
/// # Errors
/// Only when the database fails.
pub fn newest(conn: &mut Conn, stores: &[Id<PointsStore>], after: i64, limit: i64) -> Result<Vec<(StockReceipt, i64)>> {
    let receipts = stock_receipts::table
        .filter(stock_receipts::store_id.eq_any(stores))
        .order(stock_receipts::number.desc())
        .offset(after)
        .limit(limit)
        .select(StockReceipt::as_select())
        .load(conn)?;
    with_lines(conn, receipts)
}

/// Donations that came in within these days, the first day first.
///
/// # Errors
/// Only when the database fails.
pub fn donations(conn: &mut Conn, stores: &[Id<PointsStore>], from: Day, to: Day) -> Result<Vec<(StockReceipt, i64)>> {
    let receipts = stock_receipts::table
        .filter(stock_receipts::store_id.eq_any(stores))
        .filter(stock_receipts::kind.eq(ReceiptKind::Donation))
        .filter(stock_receipts::received_on.between(from, to))
        .order(stock_receipts::number)
        .select(StockReceipt::as_select())
        .load(conn)?;
    with_lines(conn, receipts)
}

/// A donation as the donor list has it.
#[derive(Clone, Debug)]
pub struct Donation {
    /// Its receipt.
    pub receipt: StockReceipt,
    /// What it brought: name and units.
    pub goods: Vec<(String, i64)>,
}

/// Some of the donations that came in within these days, with what each brought: name and units. First number first.
///
/// # Errors
/// Only when the database fails.
pub fn donations_of(
    conn: &mut Conn,
    stores: &[Id<PointsStore>],
    span: Span,
    offset: i64,
    limit: i64,
) -> Result<Vec<Donation>> {
    let receipts = stock_receipts::table
        .filter(stock_receipts::store_id.eq_any(stores))
        .filter(stock_receipts::kind.eq(ReceiptKind::Donation))
        .filter(stock_receipts::received_on.ge(span.from))
        .filter(stock_receipts::received_on.lt(span.until))
        .order(stock_receipts::number)
        .offset(offset)
        .limit(limit)
        .select(StockReceipt::as_select())
        .load(conn)?;
    let mut goods: HashMap<i64, Vec<(String, i64)>> = HashMap::new();
    let numbers: Vec<i64> = receipts.iter().map(|receipt| receipt.number).collect();
    for chunk in numbers.chunks(500) {
        let lines = stock_receipt_lines::table
            .inner_join(stock_lots::table.on(stock_lots::number.eq(stock_receipt_lines::lot_number)))
            .inner_join(goods_items::table.on(goods_items::id.eq(stock_lots::goods_id)))
            .filter(stock_receipt_lines::receipt_number.eq_any(chunk))
            .order((stock_receipt_lines::receipt_number, stock_receipt_lines::position))
            .select((
                stock_receipt_lines::receipt_number,
                goods_items::name,
                stock_receipt_lines::quantity,
            ))
            .load::<(i64, String, i64)>(conn)?;
        for (number, name, units) in lines {
            goods.entry(number).or_default().push((name, units));
        }
    }
    let with = |receipt: StockReceipt| {
        let goods = goods.remove(&receipt.number).unwrap_or_default();
        Donation { receipt, goods }
    };
    Ok(receipts.into_iter().map(with).collect())
}

/// How many donations came in within these days, how many units, and what the donors say they are worth.
///
/// # Errors
/// Only when the database fails.
pub fn donations_sum(conn: &mut Conn, stores: &[Id<PointsStore>], span: Span) -> Result<(i64, i64, Fen)> {
    let (count, declared): (i64, Fen) = stock_receipts::table
        .filter(stock_receipts::store_id.eq_any(stores))
        .filter(stock_receipts::kind.eq(ReceiptKind::Donation))
        .filter(stock_receipts::received_on.ge(span.from))
        .filter(stock_receipts::received_on.lt(span.until))
        .select((
            sql::<BigInt>("count(*)"),
            sql::<BigInt>("cast(coalesce(sum(declared_fen), 0) as bigint)"),
        ))
        .get_result(conn)?;
    let units: i64 = stock_receipt_lines::table
        .inner_join(stock_receipts::table)
        .filter(stock_receipts::store_id.eq_any(stores))
        .filter(stock_receipts::kind.eq(ReceiptKind::Donation))
        .filter(stock_receipts::received_on.ge(span.from))
        .filter(stock_receipts::received_on.lt(span.until))
        .select(sql::<BigInt>("cast(coalesce(sum(quantity), 0) as bigint)"))
        .get_result(conn)?;
    Ok((count, units, declared))
}

/// Everything that a donor gave to these stores.
///
/// # Errors
/// Only when the database fails.
pub fn of_donor(conn: &mut Conn, stores: &[Id<PointsStore>], donor: &Id<Donor>) -> Result<Vec<StockReceipt>> {
    Ok(stock_receipts::table
        .filter(stock_receipts::store_id.eq_any(stores))
        .filter(stock_receipts::donor_id.eq(donor))
        .order(stock_receipts::number)
        .select(StockReceipt::as_select())
        .load(conn)?)
}

fn with_lines(conn: &mut Conn, receipts: Vec<StockReceipt>) -> Result<Vec<(StockReceipt, i64)>> {
    let numbers: Vec<i64> = receipts.iter().map(|receipt| receipt.number).collect();
    let mut counts = HashMap::new();
    for chunk in numbers.chunks(500) {
        let lines = stock_receipt_lines::table
            .filter(stock_receipt_lines::receipt_number.eq_any(chunk))
            .group_by(stock_receipt_lines::receipt_number)
            .select((stock_receipt_lines::receipt_number, diesel::dsl::count_star()))
            .load::<(i64, i64)>(conn)?;
        counts.extend(lines);
    }
    let counted = receipts.into_iter().map(|receipt| {
        let lines = counts.get(&receipt.number).copied().unwrap_or(0);
        (receipt, lines)
    });
    Ok(counted.collect())
}
