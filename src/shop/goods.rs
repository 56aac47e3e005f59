//! Goods: what can be redeemed, for how many points, and how many a household may take in a month.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::clock::Moment;
use crate::db::schema::goods_items;
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
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

/// Adds goods.
///
/// # Errors
/// Only when the database fails.
pub fn add(conn: &mut Conn, new: &[GoodsItem]) -> Result<()> {
    insert_rows!(conn, goods_items::table, new);
    Ok(())
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
