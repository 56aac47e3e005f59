//! Stock: lots of goods that came in together, taken first-expiry-first.
//!
//! [`Stock`] is a unit of work like the ledger's `Books`: it loads the lots that a set of redemptions may touch, takes
//! from them in memory, and writes lots and movements as sets. Every change of a lot is a movement with the quantity
//! after it, numbered without gaps, so that `shop/check.rs` can prove the shelf.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::Serialize;

use super::goods::GoodsItem;
use super::held_goods::HeldGoods;
use super::receipt;
use super::redemption::Redemption;
use super::store::PointsStore;
use super::till::Till;
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::db::schema::{stock_lots, stock_movements};
use crate::db::{Columns, Conn, RowUpdate, insert_rows, text_enum, update_rows};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::request::{Request, Requests};

text_enum! {
    /// Why a lot changed.
    pub enum MovementKind {
        /// Goods came in.
        Receipt = "receipt", "入库";
        /// Goods went over the counter.
        Redemption = "redemption", "兑换";
        /// A voided redemption brought them back.
        Return = "return", "退回";
        /// Goods went to another store.
        TransferOut = "transfer_out", "调出";
        /// Two people took goods off the shelf for good.
        WriteOff = "write_off", "报损";
        /// A stocktake found more or fewer.
        Count = "count", "盘点";
    }
}

text_enum! {
    /// Where goods came from.
    pub enum Funding {
        /// Bought by the collective.
        Collective = "collective", "集体采购";
        /// Given.
        Donated = "donated", "捐赠";
    }
}

/// Goods that came in together.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = stock_lots)]
pub struct StockLot {
    /// Its number.
    pub number: i64,
    /// Where it lies.
    pub store_id: Id<PointsStore>,
    /// What it is.
    pub goods_id: Id<GoodsItem>,
    /// When it came in.
    pub received_on: Day,
    /// The last day on which it may go out.
    pub expires_on: Option<Day>,
    /// Where it came from.
    pub funding: Funding,
    /// What one unit cost.
    pub cost_fen: Fen,
    /// What is left.
    pub quantity: i64,
    version: i64,
}

/// The columns of a lot that move with every movement.
const HEADS: Columns = Columns {
    table: "stock_lots",
    key: "number",
    set: ["quantity", "version"],
};

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = stock_movements, treat_none_as_default_value = false)]
struct Movement {
    lot_number: i64,
    version: i64,
    kind: MovementKind,
    quantity: i64,
    quantity_after: i64,
    redemption_id: Option<Id<Redemption>>,
    recorded_at: Moment,
    recorded_by: Id<User>,
}

/// Who changes lots, why and when.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// The redemption that takes or gives back; none for a receipt.
    pub redemption: Option<Id<Redemption>>,
    /// Who.
    pub by: Id<User>,
    /// When.
    pub at: Moment,
}

/// The lots that a set of redemptions may touch.
#[derive(Debug, Default)]
pub struct Stock {
    lots: BTreeMap<i64, StockLot>,
    moved: BTreeMap<i64, ()>,
    movements: Vec<Movement>,
    held: HeldGoods,
}

impl Stock {
    /// Loads the lots of these goods that hold something.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn open(conn: &mut Conn, goods: &[Id<GoodsItem>]) -> Result<Stock> {
        let lots = stock_lots::table
            .filter(stock_lots::goods_id.eq_any(goods).and(stock_lots::quantity.gt(0)))
            .select(StockLot::as_select())
            .load(conn)?;
        Ok(Stock {
            held: HeldGoods::load(conn, goods)?,
            ..Stock::of(lots)
        })
    }

    /// Loads the lots that a redemption took from, with what is still out of each, in the order of taking.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn taken_by(conn: &mut Conn, redemption: &Id<Redemption>) -> Result<(Stock, Vec<(i64, i64)>)> {
        let moved = stock_movements::table
            .filter(stock_movements::redemption_id.eq(redemption))
            .order((stock_movements::lot_number, stock_movements::version))
            .select((stock_movements::lot_number, stock_movements::quantity))
            .load::<(i64, i64)>(conn)?;
        let mut out: BTreeMap<i64, i64> = BTreeMap::new();
        for (lot, quantity) in moved {
            let sum = out.entry(lot).or_default();
            *sum = sum.saturating_sub(quantity);
        }
        let numbers: Vec<i64> = out.keys().copied().collect();
        let lots = stock_lots::table
            .filter(stock_lots::number.eq_any(&numbers))
            .select(StockLot::as_select())
            .load(conn)?;
        let stock = Stock::of(lots);
        let mut out: Vec<(i64, i64)> = out.into_iter().filter(|(_, units)| *units > 0).collect();
        let expiry = |number: &i64| {
            stock
                .lots
                .get(number)
                .and_then(|lot| lot.expires_on)
                .unwrap_or(Day::MAX)
        };
        out.sort_by_key(|(number, _)| (expiry(number), *number));
        Ok((stock, out))
    }

    /// Does a loaded lot hold these goods?
    #[must_use]
    pub fn holds(&self, number: i64, goods: &Id<GoodsItem>) -> bool {
        self.lots.get(&number).is_some_and(|lot| lot.goods_id == *goods)
    }

    /// Loads these lots, also when they hold nothing.
    ///
    /// # Errors
    /// Only when the database fails.
    pub(super) fn of_lots(conn: &mut Conn, numbers: &[i64]) -> Result<Stock> {
        let mut lots = Vec::new();
        for chunk in numbers.chunks(500) {
            lots.extend(
                stock_lots::table
                    .filter(stock_lots::number.eq_any(chunk))
                    .select(StockLot::as_select())
                    .load(conn)?,
            );
        }
        Ok(Stock::of(lots))
    }

    /// A loaded lot.
    pub(super) fn lot(&self, number: i64) -> Option<&StockLot> {
        self.lots.get(&number)
    }

    fn of(lots: Vec<StockLot>) -> Stock {
        Stock {
            lots: lots.into_iter().map(|lot| (lot.number, lot)).collect(),
            ..Stock::default()
        }
    }

    /// How many of these goods may go out of this store on this day. What is past its day stays on the shelf.
    #[must_use]
    pub fn available(&self, store: &Id<PointsStore>, goods: &Id<GoodsItem>, day: Day) -> i64 {
        self.usable(store, goods, day)
            .iter()
            .fold(0i64, |sum, lot| sum.saturating_add(lot.quantity))
    }

    /// How many of these goods this till may sell at a moment: what is available without what the store's other tills keep.
    #[must_use]
    pub fn free(&self, store: &Id<PointsStore>, goods: &Id<GoodsItem>, till: &Id<Till>, at: Moment) -> i64 {
        let held = self.held.by_others(store, goods, till, at);
        self.available(store, goods, day_of(at)).saturating_sub(held)
    }

    /// Does any till keep some of the goods that were loaded?
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.is_any()
    }

    /// Which other tills keep some of these goods.
    #[must_use]
    pub fn holders(&self, store: &Id<PointsStore>, goods: &Id<GoodsItem>, till: &Id<Till>, at: Moment) -> Vec<String> {
        self.held.holders(store, goods, till, at)
    }

    /// Takes goods over the counter at a till, first expiry first among what may go out on `day`; `available` was asked
    /// before.
    ///
    /// # Errors
    /// `Internal` when there are not enough: the caller should have refused.
    pub fn take(
        &mut self,
        (store, till): (&Id<PointsStore>, &Id<Till>),
        goods: &Id<GoodsItem>,
        quantity: i64,
        day: Day,
        occasion: &Occasion,
    ) -> Result<()> {
        self.held.take(goods, till, quantity, occasion.at);
        let mut left = quantity;
        let order: Vec<i64> = self.usable(store, goods, day).iter().map(|lot| lot.number).collect();
        for number in order {
            let held = self.lots.get(&number).map_or(0, |lot| lot.quantity);
            let part = held.min(left);
            if part > 0 {
                self.change(number, MovementKind::Redemption, part.saturating_neg(), occasion)?;
                left = left.saturating_sub(part);
            }
        }
        match left {
            0 => Ok(()),
            _ => Err(Error::internal("stock was taken beyond what is there")),
        }
    }

    /// Changes a loaded lot and notes the movement.
    ///
    /// # Errors
    /// `Internal` when the lot is not loaded or would be below zero.
    pub fn change(&mut self, number: i64, kind: MovementKind, quantity: i64, occasion: &Occasion) -> Result<()> {
        let lot = self
            .lots
            .get_mut(&number)
            .ok_or_else(|| Error::internal("a lot that was not loaded"))?;
        let after = lot.quantity.saturating_add(quantity);
        if after < 0 {
            return Err(Error::internal("a lot below zero"));
        }
        lot.quantity = after;
        lot.version = lot.version.saturating_add(1);
        self.moved.insert(number, ());
        self.movements.push(Movement {
            lot_number: number,
            version: lot.version,
            kind,
            quantity,
            quantity_after: after,
            redemption_id: occasion.redemption.clone(),
            recorded_at: occasion.at,
            recorded_by: occasion.by.clone(),
        });
        Ok(())
    }

    /// Writes what changed.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn save(self, conn: &mut Conn) -> Result<()> {
        let moved: Vec<RowUpdate> = self
            .moved
            .keys()
            .filter_map(|number| self.lots.get(number))
            .map(|lot| RowUpdate {
                key: lot.number,
                values: [lot.quantity, lot.version],
            })
            .collect();
        update_rows(conn, HEADS, &moved)?;
        insert_rows!(conn, stock_movements::table, &self.movements);
        self.held.save(conn)
    }

    /// Lots that may go out, the one that expires first in front; those without a day last, oldest first.
    fn usable(&self, store: &Id<PointsStore>, goods: &Id<GoodsItem>, day: Day) -> Vec<&StockLot> {
        let mut lots: Vec<&StockLot> = self
            .lots
            .values()
            .filter(|lot| lot.store_id == *store && lot.goods_id == *goods && lot.quantity > 0)
            .filter(|lot| lot.expires_on.is_none_or(|last| last >= day))
            .collect();
        lots.sort_by_key(|lot| (lot.expires_on.unwrap_or(Day::MAX), lot.number));
        lots
    }
}

/// Asks to take goods into stock.
#[derive(Clone, Debug)]
pub struct Receive {
    /// Where.
    pub store: Id<PointsStore>,
    /// What.
    pub goods: GoodsItem,
    /// How many.
    pub quantity: i64,
    /// The last day on which they may go out; `None` reckons it from the shelf life, if there is one.
    pub expires_on: Option<Day>,
    /// Where they came from.
    pub funding: Funding,
    /// What one unit cost.
    pub cost_fen: Fen,
    /// Who receives.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// The most units in one receipt.
pub(super) const MOST_RECEIVED: i64 = 100_000;

/// Takes goods into stock as a new lot and answers its number.
///
/// # Errors
/// `Invalid` fields; `idempotency_conflict`.
pub fn receive(conn: &mut Conn, asked: &Receive, now: Moment) -> Result<i64> {
    #[derive(Serialize)]
    struct Content<'a>(&'a str, &'a str, i64, Option<Day>, Funding, i64);
    let content = Content(
        asked.store.as_str(),
        &asked.goods.sku,
        asked.quantity,
        asked.expires_on,
        asked.funding,
        asked.cost_fen.0,
    );
    let request = Request::new(&asked.key, asked.by.as_str(), "stock.receive", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return earlier.parse().map_err(Error::internal);
    }
    if !(1..=MOST_RECEIVED).contains(&asked.quantity) {
        return Err(Error::invalid(
            "quantity",
            format!("数量应为1至{MOST_RECEIVED}的整数。"),
        ));
    }
    if !(0..=100_000_000).contains(&asked.cost_fen.0) {
        return Err(Error::invalid("cost", "单价应为0至100万元。"));
    }
    let today = day_of(now);
    let expires_on = asked.expires_on.or_else(|| shelf_life_end(&asked.goods, today));
    if expires_on.is_some_and(|last| last < today) {
        return Err(Error::invalid("expires_on", "已经过期的商品不能入库。"));
    }
    let lot = NewLot {
        store: asked.store.clone(),
        goods: asked.goods.id.clone(),
        quantity: asked.quantity,
        expires_on,
        funding: asked.funding,
        cost_fen: asked.cost_fen,
        from: None,
    };
    let document = receipt::Document::of(asked.store.clone(), asked.funding);
    let (_, lots) = receipt::record(conn, &document, &[lot], &asked.by, now)?;
    let number = lots.first().copied().unwrap_or_default();
    requests.carried_out(&request, &number.to_string(), now);
    requests.save(conn)?;
    let detail = format!("{} × {}", asked.goods.sku, asked.quantity);
    let subject = format!("lot:{number}");
    let event = audit::Event::new(asked.by.as_str(), "stock.received", subject, detail, now);
    audit::record(conn, &[event])?;
    Ok(number)
}

/// Goods that become a lot of their own.
#[derive(Clone, Debug)]
pub(super) struct NewLot {
    pub(super) store: Id<PointsStore>,
    pub(super) goods: Id<GoodsItem>,
    pub(super) quantity: i64,
    pub(super) expires_on: Option<Day>,
    pub(super) funding: Funding,
    pub(super) cost_fen: Fen,
    /// Of a transfer: the lot that it was before.
    pub(super) from: Option<i64>,
}

/// Makes lots, each with its first movement, and answers their numbers.
pub(super) fn add_lots(
    conn: &mut Conn,
    new: &[NewLot],
    kind: MovementKind,
    by: &Id<User>,
    now: Moment,
) -> Result<Vec<i64>> {
    let last = stock_lots::table
        .select(diesel::dsl::max(stock_lots::number))
        .get_result::<Option<i64>>(conn)?;
    let (mut lots, mut movements) = (Vec::new(), Vec::new());
    for (number, new) in (last.unwrap_or(0).saturating_add(1)..).zip(new) {
        lots.push(StockLot {
            number,
            store_id: new.store.clone(),
            goods_id: new.goods.clone(),
            received_on: day_of(now),
            expires_on: new.expires_on,
            funding: new.funding,
            cost_fen: new.cost_fen,
            quantity: new.quantity,
            version: 1,
        });
        movements.push(Movement {
            lot_number: number,
            version: 1,
            kind,
            quantity: new.quantity,
            quantity_after: new.quantity,
            redemption_id: None,
            recorded_at: now,
            recorded_by: by.clone(),
        });
    }
    insert_rows!(conn, stock_lots::table, &lots);
    insert_rows!(conn, stock_movements::table, &movements);
    Ok(lots.iter().map(|lot| lot.number).collect())
}

/// The last day of what came in today, by its shelf life.
#[must_use]
pub fn shelf_life_end(goods: &GoodsItem, today: Day) -> Option<Day> {
    let days = u64::try_from(goods.shelf_life_days?).ok()?;
    Some(crate::clock::days_after(today, days))
}

/// All lots of a store that hold something, by expiry.
///
/// # Errors
/// Only when the database fails.
pub fn on_shelf(conn: &mut Conn, store: &Id<PointsStore>) -> Result<Vec<StockLot>> {
    let mut lots = stock_lots::table
        .filter(stock_lots::store_id.eq(store).and(stock_lots::quantity.gt(0)))
        .select(StockLot::as_select())
        .load(conn)?;
    lots.sort_by_key(|lot| (lot.expires_on.unwrap_or(Day::MAX), lot.number));
    Ok(lots)
}

/// The lots of these goods in a store, first expiry first; also what is past its day, and with `empty` what holds nothing.
///
/// # Errors
/// Only when the database fails.
pub(super) fn lots_of(
    conn: &mut Conn,
    store: &Id<PointsStore>,
    goods: &[Id<GoodsItem>],
    empty: bool,
) -> Result<Vec<StockLot>> {
    let least = if empty { 0 } else { 1 };
    let mut lots = Vec::new();
    for chunk in goods.chunks(500) {
        lots.extend(
            stock_lots::table
                .filter(stock_lots::store_id.eq(store).and(stock_lots::quantity.ge(least)))
                .filter(stock_lots::goods_id.eq_any(chunk))
                .select(StockLot::as_select())
                .load(conn)?,
        );
    }
    lots.sort_by_key(|lot: &StockLot| (lot.expires_on.unwrap_or(Day::MAX), lot.number));
    Ok(lots)
}

/// Lots by their numbers.
///
/// # Errors
/// Only when the database fails.
pub fn by_numbers(conn: &mut Conn, numbers: &[i64]) -> Result<BTreeMap<i64, StockLot>> {
    Ok(Stock::of_lots(conn, numbers)?.lots)
}

/// The lots of these goods in a store that hold something, first expiry first.
///
/// # Errors
/// Only when the database fails.
pub fn lots_in(conn: &mut Conn, store: &Id<PointsStore>, goods: &[Id<GoodsItem>]) -> Result<Vec<StockLot>> {
    lots_of(conn, store, goods, false)
}
