//! A basket with its prices, and whether the shelf holds it.

use std::collections::HashMap;

use super::{Refused, Wanted};
use crate::clock::Day;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::points::Points;
use crate::shop::goods::GoodsItem;
use crate::shop::stock::Stock;
use crate::shop::store::PointsStore;

/// A priced basket.
pub(in crate::shop) struct Basket {
    pub(in crate::shop) lines: Vec<(GoodsItem, i64)>,
    pub(in crate::shop) points: Points,
}

/// Prices the lines as of now.
pub(in crate::shop) fn price(goods: &HashMap<String, GoodsItem>, wanted: &[Wanted]) -> Result<Basket> {
    let mut lines = Vec::with_capacity(wanted.len());
    let mut points = Points::ZERO;
    for line in wanted {
        let item = goods
            .get(&line.sku)
            .filter(|item| item.withdrawn_at.is_none())
            .ok_or_else(|| Error::invalid("lines", "清单里有本店没有的商品，请核对编号。"))?;
        points = item
            .price_points
            .times(line.quantity)
            .and_then(|price| points.plus(price))
            .ok_or_else(|| Error::invalid("lines", "积分合计太大。"))?;
        lines.push((item.clone(), line.quantity));
    }
    Ok(Basket { lines, points })
}

pub(in crate::shop) fn expect_in_stock(
    stock: &Stock,
    store: &Id<PointsStore>,
    item: &GoodsItem,
    quantity: i64,
    day: Day,
) -> Result<(), Refused> {
    let available = stock.available(store, &item.id, day);
    if available < quantity {
        let goods = item.name.clone();
        return Err(Refused::OutOfStock { goods, available });
    }
    Ok(())
}
