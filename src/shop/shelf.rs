//! The shelf as the counter sees it: a few goods at a time, which the database finds, or all of them at once in columns.
//!
//! A store may offer twenty thousand kinds of goods. The page shows [`SHOWN`]; the page's script takes the columns once and
//! then asks nothing. The columns come in two parts, because what is said about goods seldom changes and what is left of
//! them changes with every sale: a browser keeps the first and fetches only the second. It redeems nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use serde::Serialize;

use super::catalogue::{GoodsQuery, matching};
use super::demand;
use super::goods::{self, GoodsItem};
use super::partner;
use super::stock::Stock;
use super::store::PointsStore;
use crate::clock::{Day, begin_of};
use crate::db::Conn;
use crate::db::schema::{goods_items, redemption_lines, redemptions, stock_lots};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::initials;

/// How many kinds of goods the counter shows at a time.
pub const SHOWN: usize = 60;
const SHOWN_ROWS: i64 = 60;
/// A partner's shelf is its own, and nobody counts it here: as many as a field of the counter holds.
pub const MOST_AT_PARTNERS: i64 = 99;
/// How many lines of slips are looked at for what went out most lately.
const LOOKED_AT: i64 = 2_000;
/// Days that are looked back on for them.
const DAYS: u64 = 90;
/// Goods on one page of the stock.
pub const PAGE: i64 = 50;

/// The goods that this counter most likely needs next, by short code: those redeemed most lately of which there are some;
/// where these are few, others of which there are some; and a small shop sees all it has, also what is gone.
///
/// # Errors
/// Only when the database fails.
pub fn at_hand(conn: &mut Conn, store: &Id<PointsStore>, today: Day) -> Result<Vec<GoodsItem>> {
    if let Some(mut offered) = partner::shelf(conn, store)? {
        offered.truncate(SHOWN);
        return Ok(offered);
    }
    let mut chosen = redeemed_lately(conn, store, today)?;
    if chosen.len() < SHOWN {
        let usable = stock_lots::table
            .filter(stock_lots::goods_id.eq(goods_items::id))
            .filter(stock_lots::store_id.eq(store.clone()).and(stock_lots::quantity.gt(0)))
            .filter(stock_lots::expires_on.is_null().or(stock_lots::expires_on.ge(today)));
        let here = offered().filter(exists(usable));
        fill(&mut chosen, first_by_sku(conn, here)?);
    }
    if chosen.len() < SHOWN {
        fill(&mut chosen, first_by_sku(conn, offered())?);
    }
    chosen.sort_by(|one, other| one.sku.cmp(&other.sku));
    Ok(chosen)
}

fn redeemed_lately(conn: &mut Conn, store: &Id<PointsStore>, today: Day) -> Result<Vec<GoodsItem>> {
    let since = today.checked_sub_days(chrono::Days::new(DAYS)).unwrap_or(today);
    let lines: Vec<Id<GoodsItem>> = redemption_lines::table
        .inner_join(redemptions::table)
        .filter(redemptions::store_id.eq(store))
        .filter(redemptions::redeemed_at.ge(begin_of(since)))
        .order((redemptions::redeemed_at.desc(), redemption_lines::position))
        .limit(LOOKED_AT)
        .select(redemption_lines::goods_id)
        .load(conn)?;
    let mut seen = HashSet::new();
    let ids: Vec<Id<GoodsItem>> = lines.into_iter().filter(|id| seen.insert(id.clone())).collect();
    let mut chosen = Vec::new();
    // In pieces, because the latest sixty kinds of goods may be out of stock.
    for piece in ids.chunks(SHOWN) {
        let known = goods::by_ids(conn, piece)?;
        let stock = Stock::open(conn, piece)?;
        let here = piece
            .iter()
            .filter_map(|id| known.get(id))
            .filter(|item| item.withdrawn_at.is_none() && stock.available(store, &item.id, today) > 0);
        fill(&mut chosen, here.cloned().collect());
        if chosen.len() >= SHOWN {
            break;
        }
    }
    Ok(chosen)
}

/// Adds goods that are not there yet, up to what is shown.
fn fill(chosen: &mut Vec<GoodsItem>, more: Vec<GoodsItem>) {
    for item in more {
        if chosen.len() < SHOWN && chosen.iter().all(|other| other.id != item.id) {
            chosen.push(item);
        }
    }
}

fn offered() -> GoodsQuery {
    matching("").filter(goods_items::withdrawn_at.is_null())
}

fn first_by_sku(conn: &mut Conn, query: GoodsQuery) -> Result<Vec<GoodsItem>> {
    Ok(query
        .order(goods_items::sku)
        .limit(SHOWN_ROWS)
        .select(GoodsItem::as_select())
        .load(conn)?)
}

/// Goods on offer by name, short code, barcode or initials: first those of which there are some, by short code, and how many
/// there are.
///
/// # Errors
/// Only when the database fails.
pub fn find(conn: &mut Conn, store: &Id<PointsStore>, words: &str, today: Day) -> Result<(Vec<GoodsItem>, i64)> {
    let found = || matching(words).filter(goods_items::withdrawn_at.is_null());
    if let Some(mut offered) = partner::shelf(conn, store)? {
        let ids: Vec<Id<GoodsItem>> = found().select(goods_items::id).load(conn)?;
        offered.retain(|item| ids.contains(&item.id));
        let total = i64::try_from(offered.len()).map_err(Error::internal)?;
        offered.truncate(SHOWN);
        return Ok((offered, total));
    }
    let total = found().count().get_result(conn)?;
    let usable = || {
        stock_lots::table
            .filter(stock_lots::goods_id.eq(goods_items::id))
            .filter(stock_lots::store_id.eq(store.clone()).and(stock_lots::quantity.gt(0)))
            .filter(stock_lots::expires_on.is_null().or(stock_lots::expires_on.ge(today)))
    };
    let mut items = first_by_sku(conn, found().filter(exists(usable())))?;
    if items.len() < SHOWN {
        fill(&mut items, first_by_sku(conn, found().filter(not(exists(usable()))))?);
    }
    Ok((items, total))
}

/// A page of what a store has or could have, by short code: everything on offer, and what is offered no more while some
/// of it is left. And how many there are on all pages.
///
/// # Errors
/// Only when the database fails.
pub fn page(conn: &mut Conn, store: &Id<PointsStore>, words: &str, page: i64) -> Result<(Vec<GoodsItem>, i64)> {
    let found = || {
        let left = stock_lots::table
            .filter(stock_lots::goods_id.eq(goods_items::id))
            .filter(stock_lots::store_id.eq(store.clone()))
            .filter(stock_lots::quantity.gt(0));
        matching(words).filter(goods_items::withdrawn_at.is_null().or(exists(left)))
    };
    let total = found().count().get_result(conn)?;
    let items = found()
        .order(goods_items::sku)
        .limit(PAGE)
        .offset(page.max(1).saturating_sub(1).saturating_mul(PAGE))
        .select(GoodsItem::as_select())
        .load(conn)?;
    Ok((items, total))
}

/// How a store's shelf stands, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Kinds of goods on offer.
    pub offered: usize,
    /// Of them, those of which nothing may go out.
    pub gone: usize,
    /// Of them, those of which few are left.
    pub low: usize,
    /// Lots that expire soon.
    pub near: usize,
    /// Lots that may not go out any more.
    pub expired: usize,
}

/// Counts a store's shelf, without loading goods.
///
/// # Errors
/// Only when the database fails.
pub fn overview(conn: &mut Conn, store: &Id<PointsStore>, today: Day) -> Result<Overview> {
    let offered: Vec<Id<GoodsItem>> = goods_items::table
        .filter(goods_items::withdrawn_at.is_null())
        .select(goods_items::id)
        .load(conn)?;
    let usable = demand::usable(conn, store, today)?;
    let left = |id: &Id<GoodsItem>| usable.get(id).copied().unwrap_or(0);
    let lots: Vec<Day> = stock_lots::table
        .filter(stock_lots::store_id.eq(store).and(stock_lots::quantity.gt(0)))
        .filter(stock_lots::expires_on.le(crate::clock::days_after(today, demand::NEAR_DAYS)))
        .select(stock_lots::expires_on.assume_not_null())
        .load(conn)?;
    Ok(Overview {
        offered: offered.len(),
        gone: offered.iter().filter(|id| left(id) == 0).count(),
        low: offered.iter().filter(|id| (1..demand::FEW).contains(&left(id))).count(),
        near: lots.iter().filter(|last| **last >= today).count(),
        expired: lots.iter().filter(|last| **last < today).count(),
    })
}

/// Everything on offer, column by column: half of what rows would be, and a third after compression. Row `n` of one column
/// belongs to row `n` of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// Short codes.
    pub skus: Vec<String>,
    /// Names.
    pub names: Vec<String>,
    /// Barcodes; empty where there is none.
    pub barcodes: Vec<String>,
    /// Points for one unit.
    pub points: Vec<i64>,
    /// Which of `unit_names`.
    pub units: Vec<usize>,
    /// Which of `category_names`.
    pub categories: Vec<usize>,
    /// How many in a month; 0 where there is no limit.
    pub limits: Vec<i64>,
    /// 袋、瓶、提 …
    pub unit_names: Vec<String>,
    /// 粮油、洗涤 …
    pub category_names: Vec<String>,
    /// By pinyin initial, the characters of the names that begin so: the names of all goods use few characters, so this is
    /// a hundredth of their initials.
    pub initials: BTreeMap<char, String>,
}

impl Columns {
    fn of(items: &[GoodsItem]) -> Columns {
        let mut columns = Columns::default();
        let mut letters: BTreeSet<char> = BTreeSet::new();
        for item in items {
            letters.extend(item.name.chars().filter(|letter| !letter.is_ascii()));
            columns.skus.push(item.sku.clone());
            columns.names.push(item.name.clone());
            columns.barcodes.push(item.barcode.clone().unwrap_or_default());
            columns.points.push(item.price_points.0);
            columns.units.push(place_of(&mut columns.unit_names, &item.unit));
            columns
                .categories
                .push(place_of(&mut columns.category_names, &item.category));
            columns.limits.push(item.monthly_limit.unwrap_or(0));
        }
        for letter in letters {
            let read = initials(letter.encode_utf8(&mut [0; 4])).chars().next();
            // A character without a reading stands for itself, which the script knows without being told.
            if let Some(initial) = read.filter(char::is_ascii_lowercase) {
                columns.initials.entry(initial).or_default().push(letter);
            }
        }
        columns
    }
}

fn place_of(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len().saturating_sub(1)
    })
}

/// Everything on offer in columns, and in one more column how many may go out of this store today.
///
/// # Errors
/// Only when the database fails.
pub fn columns(conn: &mut Conn, store: &Id<PointsStore>, today: Day) -> Result<(Columns, Vec<i64>)> {
    if let Some(items) = partner::shelf(conn, store)? {
        let available = vec![MOST_AT_PARTNERS; items.len()];
        return Ok((Columns::of(&items), available));
    }
    let items = goods::on_offer(conn)?;
    let usable = demand::usable(conn, store, today)?;
    let available = items.iter().map(|item| usable.get(&item.id).copied().unwrap_or(0));
    let available = available.collect();
    Ok((Columns::of(&items), available))
}
