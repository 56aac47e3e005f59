//! The sheet on which a stocktake is counted. It never says what the books hold, and its rows have numbers, so that it is
//! keyed by form and row.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::form::{Form, FormMark};
use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::access::user;
use crate::clock::{day_of, spoken_day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::shop::goods::{self, GoodsItem};
use crate::shop::stocktake::{self, Stocktake, StocktakeState};

/// A sheet to count on.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StocktakeSheet {
    paper: Head,
    store: String,
    on: String,
    by: String,
    /// A category, or all goods.
    scope: String,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    row: i64,
    sku: String,
    name: String,
    unit: String,
    lot: String,
    place: String,
}

/// The sheet of a stocktake that is being counted, by its number or id.
///
/// # Errors
/// `Invalid` without either, and when counting is over; `NotFound`, also for a store in which the orderer does not count.
pub fn load(conn: &mut Conn, order: &Order) -> Result<StocktakeSheet> {
    let asked = order.id()?;
    let stocktake = match asked.parse::<i64>() {
        Ok(number) => stocktake::by_number(conn, number)?,
        Err(_) => stocktake::by_id(conn, &Id::known(asked))?,
    };
    let store = order.store_by_id(conn, Permission::CountStock, &stocktake.store_id)?;
    if stocktake.state != StocktakeState::Counting {
        return Err(Error::invalid("id", "这次盘点已经清点完了，不用再打印盘点表。"));
    }
    let mut paper = order.head(conn, Some(&store.area_id))?;
    paper.form = Some(FormMark::new(Form::Stocktake, stocktake::number(conn, &stocktake.id)?)?);
    Ok(StocktakeSheet {
        paper,
        store: store.name,
        on: spoken_day(day_of(stocktake.opened_at)),
        by: user::by_id(conn, &stocktake.opened_by)?.display_name,
        scope: stocktake.category.clone().unwrap_or_else(|| "全部商品".to_owned()),
        lines: rows(conn, &stocktake)?
            .into_iter()
            .map(|(row, item)| Line {
                row,
                sku: item.sku,
                name: item.name,
                unit: item.unit,
                // Goods are counted whatever lot they are of, and a shelf has no map.
                lot: String::new(),
                place: String::new(),
            })
            .collect(),
    })
}

/// The rows of the sheet: what is to be counted, each under a number that its goods keep as long as the sheet is about.
///
/// All goods of the programme are numbered, also those that are not counted here, so that nothing shifts when some are
/// hidden or change their category: those that were there when the stocktake was opened by their short codes, and those
/// that came since behind them, in the order in which they came. Neither a short code nor an id ever changes.
///
/// # Errors
/// Only when the database fails.
pub fn rows(conn: &mut Conn, stocktake: &Stocktake) -> Result<Vec<(i64, GoodsItem)>> {
    let mut all = goods::codes(conn)?;
    let opened = stocktake.id.as_str();
    // The order of text differs between databases; here it is by bytes.
    all.sort_by(|(one, one_code), (other, other_code)| {
        let (one_new, other_new) = (one.as_str() > opened, other.as_str() > opened);
        one_new.cmp(&other_new).then_with(|| match one_new {
            true => one.as_str().cmp(other.as_str()),
            false => one_code.cmp(other_code),
        })
    });
    let numbers: HashMap<_, i64> = all.into_iter().map(|(id, _)| id).zip(1i64..).collect();
    let (goods, _) = stocktake::scope(conn, stocktake, "", None)?;
    let mut rows: Vec<(i64, GoodsItem)> = goods
        .into_iter()
        .filter_map(|item| Some((*numbers.get(&item.id)?, item)))
        .collect();
    rows.sort_by_key(|(row, _)| *row);
    Ok(rows)
}
