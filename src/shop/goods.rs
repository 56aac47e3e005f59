//! Goods: what can be redeemed, for how many points, and how many a household may take in a month.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Deserialize;

use crate::clock::Moment;
use crate::db::schema::{goods_items, goods_prices};
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::places::household::initials;
use crate::points::Points;

/// A kind of goods.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = goods_items)]
pub struct GoodsItem {
    /// Its id.
    pub id: Id<GoodsItem>,
    /// The short code of the shelf label, `G013`.
    pub sku: String,
    /// EAN-13 of the maker, or an in-store code.
    pub barcode: Option<String>,
    /// What people call it.
    pub name: String,
    /// 袋、瓶、提 …
    pub unit: String,
    /// 粮油、洗涤 …
    pub category: String,
    /// Points for one unit.
    pub price_points: Points,
    /// What one unit costs the programme.
    pub cost_fen: Fen,
    /// How many a household may take in a calendar month; `None` for no limit.
    pub monthly_limit: Option<i64>,
    /// Days from receipt to expiry, for goods that have one.
    pub shelf_life_days: Option<i64>,
    /// Since when it is no longer offered.
    pub withdrawn_at: Option<Moment>,
}

/// A row of a goods file: the columns of `samples/goods.csv`.
#[derive(Deserialize)]
struct Row {
    sku: String,
    barcode: Option<String>,
    name_zh: String,
    unit: String,
    category: String,
    price_points: i64,
    cost_cents: i64,
    limit_per_household_per_month: Option<i64>,
    shelf_life_days: Option<i64>,
}

/// Reads a goods file (CSV, UTF-8, the columns of `samples/goods.csv`).
///
/// # Errors
/// `Invalid` naming the first line that is not goods.
pub fn read(file: &[u8], now: Moment) -> Result<Vec<GoodsItem>> {
    let mut reader = csv::Reader::from_reader(file);
    let mut all: Vec<GoodsItem> = Vec::new();
    for (line, row) in (2..).zip(reader.deserialize::<Row>()) {
        let row = row.map_err(|cause| Error::invalid("file", format!("第{line}行读不懂：{cause}")))?;
        let wrong = |why: &str| Error::invalid("file", format!("第{line}行 {}：{why}。", row.sku));
        if row.sku.is_empty() || row.name_zh.is_empty() {
            return Err(wrong("没有编号或名称"));
        }
        if row.price_points < 1 || row.cost_cents < 0 {
            return Err(wrong("积分应为1以上的整数，成本（分）不能为负"));
        }
        if row.limit_per_household_per_month.is_some_and(|limit| limit < 1) {
            return Err(wrong("每月限兑应为1以上的整数，不限请留空"));
        }
        if all.iter().any(|other| other.sku == row.sku) {
            return Err(wrong("编号重复"));
        }
        if row.barcode.is_some() && all.iter().any(|other| other.barcode == row.barcode) {
            return Err(wrong("条码重复"));
        }
        all.push(GoodsItem {
            id: Id::new(now),
            sku: row.sku,
            barcode: row.barcode,
            name: row.name_zh,
            unit: row.unit,
            category: row.category,
            price_points: Points(row.price_points),
            cost_fen: Fen(row.cost_cents),
            monthly_limit: row.limit_per_household_per_month,
            shelf_life_days: row.shelf_life_days,
            withdrawn_at: None,
        });
    }
    Ok(all)
}

#[derive(Insertable)]
#[diesel(table_name = goods_items)]
struct NewGoods {
    #[diesel(embed)]
    item: GoodsItem,
    initials: String,
}

#[derive(Insertable)]
#[diesel(table_name = goods_prices)]
struct FirstPrice {
    goods_id: Id<GoodsItem>,
    number: i64,
    price_points: Points,
    reason: &'static str,
}

/// The short codes of all goods there ever were.
///
/// # Errors
/// Only when the database fails.
pub fn codes(conn: &mut Conn) -> Result<Vec<(Id<GoodsItem>, String)>> {
    Ok(goods_items::table
        .select((goods_items::id, goods_items::sku))
        .load(conn)?)
}

/// Adds goods, each with the first price of its history.
///
/// # Errors
/// Only when the database fails.
pub fn add(conn: &mut Conn, new: &[GoodsItem]) -> Result<()> {
    let rows: Vec<NewGoods> = new
        .iter()
        .map(|item| NewGoods {
            initials: initials(&item.name),
            item: item.clone(),
        })
        .collect();
    let prices: Vec<FirstPrice> = new
        .iter()
        .map(|item| FirstPrice {
            goods_id: item.id.clone(),
            number: 1,
            price_points: item.price_points,
            reason: "登记",
        })
        .collect();
    insert_rows!(conn, goods_items::table, &rows);
    insert_rows!(conn, goods_prices::table, &prices);
    Ok(())
}

/// Adds goods whose short codes and barcodes are all new.
///
/// # Errors
/// `Invalid` naming the codes that are taken; nothing is added then.
pub fn add_new(conn: &mut Conn, new: &[GoodsItem]) -> Result<()> {
    let known = goods_items::table
        .select((goods_items::sku, goods_items::barcode))
        .load::<(String, Option<String>)>(conn)?;
    let taken: Vec<&str> = new
        .iter()
        .filter(|item| {
            let same = |(sku, barcode): &(String, Option<String>)| {
                *sku == item.sku || (barcode.is_some() && *barcode == item.barcode)
            };
            known.iter().any(same)
        })
        .map(|item| item.sku.as_str())
        .collect();
    match taken.as_slice() {
        [] => add(conn, new),
        taken => Err(Error::invalid(
            "file",
            format!("这些商品的编号或条码已经登记：{}。", taken.join("、")),
        )),
    }
}

/// Everything on offer, by short code.
///
/// # Errors
/// Only when the database fails.
pub fn on_offer(conn: &mut Conn) -> Result<Vec<GoodsItem>> {
    Ok(goods_items::table
        .filter(goods_items::withdrawn_at.is_null())
        .order(goods_items::sku)
        .select(GoodsItem::as_select())
        .load(conn)?)
}

/// Goods by their short codes.
///
/// # Errors
/// Only when the database fails.
pub fn by_skus(conn: &mut Conn, skus: &[&str]) -> Result<HashMap<String, GoodsItem>> {
    Ok(goods_items::table
        .filter(goods_items::sku.eq_any(skus))
        .select(GoodsItem::as_select())
        .load(conn)?
        .into_iter()
        .map(|goods| (goods.sku.clone(), goods))
        .collect())
}

/// Goods by their ids.
///
/// # Errors
/// Only when the database fails.
pub fn by_ids(conn: &mut Conn, ids: &[Id<GoodsItem>]) -> Result<HashMap<Id<GoodsItem>, GoodsItem>> {
    Ok(goods_items::table
        .filter(goods_items::id.eq_any(ids))
        .select(GoodsItem::as_select())
        .load(conn)?
        .into_iter()
        .map(|goods| (goods.id.clone(), goods))
        .collect())
}

/// A kind of goods by its short code.
///
/// # Errors
/// `NotFound`.
pub fn by_sku(conn: &mut Conn, sku: &str) -> Result<GoodsItem> {
    by_skus(conn, &[sku])?.remove(sku).ok_or(Error::NotFound)
}
