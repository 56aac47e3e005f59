//! Stocktakes 盘点: what lies on the shelf is counted blind, compared with the books, and put right by two people.
//!
//! Whoever counts never sees what the books say. Each count is kept with what the books held at the moment when it was
//! entered, so that the counter may go on selling: the difference of that moment is posted, and not the number counted.
//! Goods are counted again until the stocktake is closed; the last count is the one. Whoever opened, counted or closed does
//! not approve (SG13).
//!
//! ```text
//! counting → closed → approved
//!    ↑ ↘        ↓ sent back
//!    │  cancelled│
//!    └───────────┘
//! ```

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::Serialize;

use super::act::{Act, Done};
use super::goods::{self, GoodsItem};
use super::refused::Refused;
use super::stock::{self, Funding, MovementKind, NewLot, Occasion, Stock};
use super::store::PointsStore;
use super::write_off::Reason;
use crate::access::user::User;
use crate::clock::Moment;
use crate::db::schema::{goods_items, stock_lots, stocktake_counts, stocktake_postings, stocktake_reasons, stocktakes};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;

text_enum! {
    /// Where a stocktake stands.
    pub enum StocktakeState {
        /// People count.
        Counting = "counting", "清点中";
        /// Waits for the second person.
        Closed = "closed", "待确认";
        /// The differences are posted.
        Approved = "approved", "已入账";
        /// Given up; nothing was posted.
        Cancelled = "cancelled", "已作废";
    }
}

/// A stocktake.
#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = stocktakes)]
pub struct Stocktake {
    /// Its id.
    pub id: Id<Stocktake>,
    /// Where.
    pub store_id: Id<PointsStore>,
    /// One category, or everything.
    pub category: Option<String>,
    /// Where it stands.
    pub state: StocktakeState,
    /// Who opened it.
    pub opened_by: Id<User>,
    /// When.
    pub opened_at: Moment,
    /// Who closed the counting.
    pub closed_by: Option<Id<User>>,
    /// When.
    pub closed_at: Option<Moment>,
    /// Who approved or cancelled it, or sent it back.
    pub decided_by: Option<Id<User>>,
    /// When.
    pub decided_at: Option<Moment>,
    /// What they said.
    pub decision_note: String,
}

/// A count as it was entered.
#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = stocktake_counts)]
pub struct Count {
    stocktake_id: Id<Stocktake>,
    /// What was counted.
    pub goods_id: Id<GoodsItem>,
    number: i64,
    /// How many there are.
    pub counted: i64,
    book: i64,
    /// Who counted.
    pub counted_by: Id<User>,
    /// When it was entered.
    pub counted_at: Moment,
}

#[derive(Clone, Debug, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = stocktake_reasons)]
struct Told {
    stocktake_id: Id<Stocktake>,
    goods_id: Id<GoodsItem>,
    reason: Reason,
    note: String,
}

#[derive(Insertable)]
#[diesel(table_name = stocktake_postings)]
struct Posting {
    stocktake_id: Id<Stocktake>,
    lot_number: i64,
    quantity: i64,
}

/// A line of the variance sheet.
#[derive(Clone, Debug)]
pub struct Variance {
    /// What.
    pub item: GoodsItem,
    /// What the books held when it was counted.
    pub book: i64,
    /// What was counted.
    pub counted: i64,
    /// How often it was counted.
    pub times: i64,
    /// Why they differ.
    pub reason: Option<Reason>,
    /// In words.
    pub note: String,
}

impl Variance {
    /// Found more, or missing as a negative number.
    #[must_use]
    pub fn units(&self) -> i64 {
        self.counted.saturating_sub(self.book)
    }

    /// What the difference cost.
    #[must_use]
    pub fn worth(&self) -> Fen {
        Fen(self.item.cost_fen.0.saturating_mul(self.units()))
    }
}

fn done(id: &Id<Stocktake>, detail: String) -> Done {
    Done {
        answer: id.as_str().to_owned(),
        subject: format!("stocktake:{id}"),
        detail,
    }
}

/// Opens a stocktake of everything in a store, or of one category, and answers its id.
///
/// # Errors
/// [`Refused::AlreadyCounting`]; `idempotency_conflict`.
pub fn open(conn: &mut Conn, store: &Id<PointsStore>, category: Option<&str>, act: &Act) -> Result<Id<Stocktake>> {
    let answer = act.once(conn, &(store, category), |conn| {
        let under_way = stocktakes::table
            .filter(stocktakes::store_id.eq(store))
            .filter(stocktakes::state.eq_any([StocktakeState::Counting, StocktakeState::Closed]))
            .count()
            .get_result::<i64>(conn)?;
        if under_way > 0 {
            return Err(Refused::AlreadyCounting.into());
        }
        let stocktake = Stocktake {
            id: Id::new(act.at),
            store_id: store.clone(),
            category: category.map(str::to_owned),
            state: StocktakeState::Counting,
            opened_by: act.by.clone(),
            opened_at: act.at,
            closed_by: None,
            closed_at: None,
            decided_by: None,
            decided_at: None,
            decision_note: String::new(),
        };
        diesel::insert_into(stocktakes::table)
            .values(&stocktake)
            .execute(conn)?;
        Ok(done(&stocktake.id, category.unwrap_or("全部").to_owned()))
    })?;
    Ok(Id::known(answer))
}

/// The most kinds of goods in one go of counting.
pub const MOST_COUNTS: usize = 200;

/// Enters counts: goods by their short codes, and how many there are.
///
/// # Errors
/// [`Refused::NotWaiting`] when it is closed; `Invalid`; `NotFound` for goods outside the stocktake; `idempotency_conflict`.
pub fn count(conn: &mut Conn, id: &Id<Stocktake>, counts: &[(String, i64)], act: &Act) -> Result<()> {
    act.once(conn, &(id, counts), |conn| {
        let stocktake = expect(conn, id, StocktakeState::Counting)?;
        if counts.is_empty() {
            return Err(Error::invalid("counts", "还没有填数量。没有货的填0。"));
        }
        if counts.len() > MOST_COUNTS {
            return Err(Error::invalid(
                "counts",
                format!("一次最多录入{MOST_COUNTS}种，请分几次录入。"),
            ));
        }
        if counts.iter().any(|(_, counted)| !(0..=1_000_000).contains(counted)) {
            return Err(Error::invalid("counts", "数量应为0以上的整数。"));
        }
        let skus: Vec<&str> = counts.iter().map(|(sku, _)| sku.as_str()).collect();
        let goods = goods::by_skus(conn, &skus)?;
        let ids: Vec<Id<GoodsItem>> = goods.values().map(|item| item.id.clone()).collect();
        let (books, before) = (book(conn, &stocktake.store_id, &ids)?, numbers(conn, id)?);
        let mut rows = Vec::new();
        for (sku, counted) in counts {
            let item = goods.get(sku).ok_or(Error::NotFound)?;
            if stocktake
                .category
                .as_ref()
                .is_some_and(|category| *category != item.category)
            {
                return Err(Error::invalid("counts", format!("{}不在这次盘点的类别里。", item.name)));
            }
            rows.push(Count {
                stocktake_id: id.clone(),
                goods_id: item.id.clone(),
                number: before.get(&item.id).copied().unwrap_or(0).saturating_add(1),
                counted: *counted,
                book: books.get(&item.id).copied().unwrap_or(0),
                counted_by: act.by.clone(),
                counted_at: act.at,
            });
        }
        insert_rows!(conn, stocktake_counts::table, &rows);
        Ok(done(id, format!("{}种", rows.len())))
    })?;
    Ok(())
}

/// What the books hold of these goods in a store, also past its day: it lies on the shelf.
fn book(conn: &mut Conn, store: &Id<PointsStore>, goods: &[Id<GoodsItem>]) -> Result<BTreeMap<Id<GoodsItem>, i64>> {
    Ok(stock_lots::table
        .filter(stock_lots::store_id.eq(store).and(stock_lots::goods_id.eq_any(goods)))
        .group_by(stock_lots::goods_id)
        .select((stock_lots::goods_id, sql::<BigInt>("cast(sum(quantity) as bigint)")))
        .load::<(Id<GoodsItem>, i64)>(conn)?
        .into_iter()
        .collect())
}

/// How often goods were counted.
fn numbers(conn: &mut Conn, id: &Id<Stocktake>) -> Result<BTreeMap<Id<GoodsItem>, i64>> {
    Ok(last_counts(conn, id)?
        .into_iter()
        .map(|(goods, count)| (goods, count.number))
        .collect())
}

/// The last count of each kind of goods.
///
/// # Errors
/// Only when the database fails.
pub fn last_counts(conn: &mut Conn, id: &Id<Stocktake>) -> Result<BTreeMap<Id<GoodsItem>, Count>> {
    Ok(stocktake_counts::table
        .filter(stocktake_counts::stocktake_id.eq(id))
        .order(stocktake_counts::number)
        .select(Count::as_select())
        .load(conn)?
        .into_iter()
        .map(|count| (count.goods_id.clone(), count))
        .collect())
}

/// A stocktake.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Stocktake>) -> Result<Stocktake> {
    stocktakes::table
        .filter(stocktakes::id.eq(id))
        .select(Stocktake::as_select())
        .first(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

fn expect(conn: &mut Conn, id: &Id<Stocktake>, state: StocktakeState) -> Result<Stocktake> {
    let stocktake = by_id(conn, id)?;
    match stocktake.state == state {
        true => Ok(stocktake),
        false => Err(Refused::NotWaiting.into()),
    }
}

/// The stocktakes of these stores, the newest first.
///
/// # Errors
/// Only when the database fails.
pub fn newest(conn: &mut Conn, stores: &[Id<PointsStore>], limit: i64) -> Result<Vec<Stocktake>> {
    Ok(stocktakes::table
        .filter(stocktakes::store_id.eq_any(stores))
        .order(stocktakes::id.desc())
        .limit(limit)
        .select(Stocktake::as_select())
        .load(conn)?)
}

/// The number of a stocktake on paper: 1, 2, 3 … in the order in which they were opened. None is ever deleted, and an id
/// begins with its moment, so the number stays.
///
/// # Errors
/// Only when the database fails.
pub fn number(conn: &mut Conn, id: &Id<Stocktake>) -> Result<i64> {
    Ok(stocktakes::table
        .filter(stocktakes::id.le(id))
        .count()
        .get_result(conn)?)
}

/// The stocktake with this number on paper.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<Stocktake> {
    let before = number
        .checked_sub(1)
        .filter(|before| *before >= 0)
        .ok_or(Error::NotFound)?;
    stocktakes::table
        .order(stocktakes::id)
        .offset(before)
        .limit(1)
        .select(Stocktake::as_select())
        .first(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Goods on a page of the count.
pub const PAGE: i64 = 50;

/// What is to be counted: everything on offer, what was hidden since it was opened, and what is hidden while some of it is
/// left. A page of it, and how many there are. The words look for one of them.
///
/// # Errors
/// Only when the database fails.
pub fn scope(conn: &mut Conn, stocktake: &Stocktake, words: &str, page: Option<i64>) -> Result<(Vec<GoodsItem>, i64)> {
    let category = stocktake.category.clone().unwrap_or_else(|| "%".to_owned());
    let words = words.trim().replace(['%', '_'], "");
    let (inside, code) = (format!("%{words}%"), format!("{}%", words.to_uppercase()));
    let there = || {
        let held = stock_lots::table
            .filter(stock_lots::store_id.eq(stocktake.store_id.clone()))
            .filter(stock_lots::quantity.gt(0))
            .select(stock_lots::goods_id);
        goods_items::table
            .filter(
                goods_items::withdrawn_at
                    .is_null()
                    .or(goods_items::withdrawn_at.assume_not_null().ge(stocktake.opened_at))
                    .or(goods_items::id.eq_any(held)),
            )
            .filter(goods_items::category.like(category.clone()))
            .filter(
                goods_items::name
                    .like(inside.clone())
                    .or(goods_items::sku.like(code.clone()))
                    .or(goods_items::barcode.assume_not_null().like(code.clone())),
            )
    };
    let total = there().count().get_result(conn)?;
    let page = page.map_or((0, i64::MAX), |page| {
        (page.max(1).saturating_sub(1).saturating_mul(PAGE), PAGE)
    });
    let goods = there()
        .order((goods_items::category, goods_items::sku))
        .offset(page.0)
        .limit(page.1)
        .select(GoodsItem::as_select())
        .load(conn)?;
    Ok((goods, total))
}

/// The variance sheet: every kind of goods that was counted, those that differ first.
///
/// # Errors
/// Only when the database fails.
pub fn variances(conn: &mut Conn, id: &Id<Stocktake>) -> Result<Vec<Variance>> {
    let counts = last_counts(conn, id)?;
    let mut goods = BTreeMap::new();
    let ids: Vec<Id<GoodsItem>> = counts.keys().cloned().collect();
    for chunk in ids.chunks(500) {
        goods.extend(goods::by_ids(conn, chunk)?);
    }
    let mut told: BTreeMap<Id<GoodsItem>, Told> = stocktake_reasons::table
        .filter(stocktake_reasons::stocktake_id.eq(id))
        .select(Told::as_select())
        .load(conn)?
        .into_iter()
        .map(|told| (told.goods_id.clone(), told))
        .collect();
    let mut variances: Vec<Variance> = counts
        .into_values()
        .filter_map(|count| {
            let told = told.remove(&count.goods_id);
            Some(Variance {
                item: goods.remove(&count.goods_id)?,
                book: count.book,
                counted: count.counted,
                times: count.number,
                reason: told.as_ref().map(|told| told.reason),
                note: told.map(|told| told.note).unwrap_or_default(),
            })
        })
        .collect();
    variances.sort_by(|one, other| {
        let key = |variance: &Variance| (variance.units() == 0, variance.item.sku.clone());
        key(one).cmp(&key(other))
    });
    Ok(variances)
}

/// Closes the counting. From now on the variance sheet is seen, and nothing is counted any more.
///
/// # Errors
/// [`Refused::NotWaiting`]; `Invalid` when nothing was counted; `idempotency_conflict`.
pub fn close(conn: &mut Conn, id: &Id<Stocktake>, act: &Act) -> Result<()> {
    act.once(conn, id, |conn| {
        expect(conn, id, StocktakeState::Counting)?;
        let counted = numbers(conn, id)?.len();
        if counted == 0 {
            return Err(Error::invalid("counts", "还没有清点任何商品，不能结束。"));
        }
        diesel::update(stocktakes::table.filter(stocktakes::id.eq(id)))
            .set((
                stocktakes::state.eq(StocktakeState::Closed),
                stocktakes::closed_by.eq(Some(&act.by)),
                stocktakes::closed_at.eq(Some(act.at)),
            ))
            .execute(conn)?;
        Ok(done(id, format!("{counted}种")))
    })?;
    Ok(())
}

/// Writes down why goods differ: short codes, reasons and words.
///
/// # Errors
/// [`Refused::NotWaiting`]; `Invalid` for goods that do not differ, or a reason without its words; `idempotency_conflict`.
pub fn explain(conn: &mut Conn, id: &Id<Stocktake>, reasons: &[(String, Reason, String)], act: &Act) -> Result<()> {
    #[derive(Serialize)]
    struct Content<'a>(&'a Id<Stocktake>, &'a [(String, Reason, String)]);
    act.once(conn, &Content(id, reasons), |conn| {
        expect(conn, id, StocktakeState::Closed)?;
        let variances = variances(conn, id)?;
        for (sku, reason, note) in reasons {
            let found = variances
                .iter()
                .find(|variance| variance.item.sku == *sku && variance.units() != 0);
            let variance = found.ok_or(Error::NotFound)?;
            let note = note.trim();
            reason.expect_words(note)?;
            if (*reason == Reason::Found) != (variance.units() > 0)
                && *reason != Reason::Error
                && *reason != Reason::Other
            {
                let name = &variance.item.name;
                return Err(Error::invalid(
                    "reason",
                    format!("{name}：多出来的选“盘盈”或“差错”，少了的选别的原因。"),
                ));
            }
            let told = Told {
                stocktake_id: id.clone(),
                goods_id: variance.item.id.clone(),
                reason: *reason,
                note: note.to_owned(),
            };
            let same = stocktake_reasons::table
                .filter(stocktake_reasons::stocktake_id.eq(id))
                .filter(stocktake_reasons::goods_id.eq(&variance.item.id));
            if diesel::update(same).set(&told).execute(conn)? == 0 {
                diesel::insert_into(stocktake_reasons::table)
                    .values(&told)
                    .execute(conn)?;
            }
        }
        Ok(done(id, format!("{}种", reasons.len())))
    })?;
    Ok(())
}

/// What the second person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// Post the differences.
    Approve,
    /// Count again.
    SendBack,
}

/// Approves a closed stocktake, or sends it back to be counted again.
///
/// # Errors
/// [`Refused::SamePerson`], [`Refused::NotWaiting`], [`Refused::ShortageTooLarge`]; `Invalid` while a difference has no
/// reason, and for sending back without a word; `idempotency_conflict`.
pub fn decide(conn: &mut Conn, id: &Id<Stocktake>, verdict: Verdict, note: &str, act: &Act) -> Result<()> {
    let note = note.trim();
    act.once(conn, &(id, verdict, note), |conn| {
        let stocktake = expect(conn, id, StocktakeState::Closed)?;
        expect_second_person(conn, &stocktake, &act.by)?;
        if note.chars().count() > 200 || (verdict == Verdict::SendBack && note.is_empty()) {
            return Err(Error::invalid("note", "退回的请写明为什么，最多200个字。"));
        }
        let state = match verdict {
            Verdict::Approve => {
                post(conn, &stocktake, act)?;
                StocktakeState::Approved
            }
            Verdict::SendBack => StocktakeState::Counting,
        };
        set_state(conn, id, state, note, act)?;
        Ok(done(id, state.label().to_owned()))
    })?;
    Ok(())
}

/// Gives up a stocktake that is still being counted.
///
/// # Errors
/// [`Refused::NotWaiting`]; `idempotency_conflict`.
pub fn cancel(conn: &mut Conn, id: &Id<Stocktake>, act: &Act) -> Result<()> {
    act.once(conn, id, |conn| {
        expect(conn, id, StocktakeState::Counting)?;
        set_state(conn, id, StocktakeState::Cancelled, "", act)?;
        Ok(done(id, String::new()))
    })?;
    Ok(())
}

fn set_state(conn: &mut Conn, id: &Id<Stocktake>, state: StocktakeState, note: &str, act: &Act) -> Result<()> {
    diesel::update(stocktakes::table.filter(stocktakes::id.eq(id)))
        .set((
            stocktakes::state.eq(state),
            stocktakes::decided_by.eq(Some(&act.by)),
            stocktakes::decided_at.eq(Some(act.at)),
            stocktakes::decision_note.eq(note),
        ))
        .execute(conn)?;
    Ok(())
}

/// SG13: whoever opened, counted or closed does not approve.
fn expect_second_person(conn: &mut Conn, stocktake: &Stocktake, by: &Id<User>) -> Result<()> {
    let counted = stocktake_counts::table
        .filter(stocktake_counts::stocktake_id.eq(&stocktake.id))
        .filter(stocktake_counts::counted_by.eq(by))
        .count()
        .get_result::<i64>(conn)?;
    match counted > 0 || stocktake.opened_by == *by || stocktake.closed_by.as_ref() == Some(by) {
        true => Err(Refused::SamePerson.into()),
        false => Ok(()),
    }
}

/// Posts the differences: what is missing leaves the lots that expire first, what was found joins the newest.
fn post(conn: &mut Conn, stocktake: &Stocktake, act: &Act) -> Result<()> {
    let mut variances = variances(conn, &stocktake.id)?;
    variances.retain(|variance| variance.units() != 0);
    if let Some(silent) = variances.iter().find(|variance| variance.reason.is_none()) {
        let name = &silent.item.name;
        return Err(Error::invalid(
            "reason",
            format!("{name}的差异还没有写原因，请先填写再确认。"),
        ));
    }
    let ids: Vec<Id<GoodsItem>> = variances.iter().map(|variance| variance.item.id.clone()).collect();
    let lots = stock::lots_of(conn, &stocktake.store_id, &ids, true)?;
    let numbers: Vec<i64> = lots.iter().map(|lot| lot.number).collect();
    let mut stock = Stock::of_lots(conn, &numbers)?;
    let occasion = Occasion {
        redemption: None,
        by: act.by.clone(),
        at: act.at,
    };
    let (mut postings, mut new_lots) = (Vec::new(), Vec::new());
    for variance in &variances {
        let own = lots.iter().filter(|lot| lot.goods_id == variance.item.id);
        let held: Vec<(i64, i64)> = own.map(|lot| (lot.number, lot.quantity)).collect();
        let newest = held.iter().map(|(number, _)| *number).max();
        let changes = match (variance.units(), newest) {
            (missing, _) if missing < 0 => taken(variance, &held)?,
            (found, Some(newest)) => vec![(newest, found)],
            (found, None) => {
                new_lots.push(found_lot(stocktake, variance, found));
                Vec::new()
            }
        };
        for (lot, quantity) in changes {
            stock.change(lot, MovementKind::Count, quantity, &occasion)?;
            postings.push((lot, quantity));
        }
    }
    stock.save(conn)?;
    let made = stock::add_lots(conn, &new_lots, MovementKind::Count, &act.by, act.at)?;
    postings.extend(made.into_iter().zip(new_lots.iter().map(|lot| lot.quantity)));
    let rows: Vec<Posting> = postings
        .into_iter()
        .map(|(lot_number, quantity)| Posting {
            stocktake_id: stocktake.id.clone(),
            lot_number,
            quantity,
        })
        .collect();
    insert_rows!(conn, stocktake_postings::table, &rows);
    Ok(())
}

/// What a shortage takes from each lot, first expiry first.
fn taken(variance: &Variance, held: &[(i64, i64)]) -> Result<Vec<(i64, i64)>> {
    let missing = variance.units().saturating_neg();
    let (mut rest, mut changes) = (missing, Vec::new());
    for (lot, quantity) in held {
        let part = rest.min(*quantity);
        if part > 0 {
            changes.push((*lot, part.saturating_neg()));
            rest = rest.saturating_sub(part);
        }
    }
    match rest {
        0 => Ok(changes),
        _ => Err(Refused::ShortageTooLarge {
            goods: variance.item.name.clone(),
            missing,
            left: held.iter().fold(0, |sum, (_, quantity)| sum.saturating_add(*quantity)),
        }
        .into()),
    }
}

/// Goods that were found although the store never had a lot of them.
fn found_lot(stocktake: &Stocktake, variance: &Variance, found: i64) -> NewLot {
    NewLot {
        store: stocktake.store_id.clone(),
        goods: variance.item.id.clone(),
        quantity: found,
        expires_on: None,
        funding: Funding::Collective,
        cost_fen: variance.item.cost_fen,
        from: None,
    }
}
