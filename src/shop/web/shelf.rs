//! The counter's shelf: the tiles that the page shows, and the list of all goods that its script takes once.
//!
//! The list is in two answers. What is said about goods (`/counter/goods`) stays as it is for days, and a browser that has
//! it is answered with 304; what is left of them (`/counter/goods/left`) names the list that it belongs to.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::basket::Basket;
use crate::app::{App, Staff};
use crate::clock::{Day, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::shop::goods::{self, GoodsItem};
use crate::shop::partner;
use crate::shop::shelf::{self, MOST_AT_PARTNERS, SHOWN};
use crate::shop::stock::Stock;
use crate::shop::store::PointsStore;

/// The tiles of a counter page: what was looked for or is most likely needed, and everything that was chosen.
pub(super) struct Shown {
    pub(super) shelves: Vec<Shelf>,
    /// How many more goods match what was looked for.
    pub(super) more: i64,
    /// Was something looked for, and nothing found?
    pub(super) nothing: bool,
}

/// Tiles under a heading.
pub(super) struct Shelf {
    pub(super) heading: String,
    pub(super) tiles: Vec<Tile>,
}

/// Goods on the shelf.
pub(super) struct Tile {
    pub(super) item: GoodsItem,
    pub(super) available: i64,
    pub(super) chosen: i64,
}

impl Shown {
    pub(super) fn of(conn: &mut Conn, store: &PointsStore, basket: &Basket, today: Day) -> Result<Shown> {
        let looked_for = !basket.find.is_empty();
        let (items, total) = match looked_for {
            true => shelf::find(conn, &store.id, &basket.find, today)?,
            false => (shelf::at_hand(conn, &store.id, today)?, 0),
        };
        let more = total.saturating_sub(i64::try_from(SHOWN).unwrap_or(i64::MAX)).max(0);
        let nothing = looked_for && items.is_empty();
        let skus: Vec<&str> = basket.lines.iter().map(|line| line.sku.as_str()).collect();
        let mut others: Vec<GoodsItem> = goods::by_skus(conn, &skus)?
            .into_values()
            .filter(|item| item.withdrawn_at.is_none() && items.iter().all(|shown| shown.id != item.id))
            .collect();
        others.sort_by(|one, other| one.sku.cmp(&other.sku));
        let ids: Vec<Id<GoodsItem>> = items.iter().chain(&others).map(|item| item.id.clone()).collect();
        let stock = Stock::open(conn, &ids)?;
        // A partner's shop has prices of its own, and no stock that we count.
        let agreed = partner::shelf(conn, &store.id)?;
        let tile = |mut item: GoodsItem| {
            let offers = agreed.iter().flatten();
            if let Some(offer) = offers.into_iter().find(|offer| offer.id == item.id) {
                item.price_points = offer.price_points;
            }
            Tile {
                available: match agreed {
                    Some(_) => MOST_AT_PARTNERS,
                    None => stock.available(&store.id, &item.id, today),
                },
                chosen: basket.quantity_of(&item.sku),
                item,
            }
        };
        let shelf = |heading: &str, items: Vec<GoodsItem>| Shelf {
            heading: heading.to_owned(),
            tiles: items.into_iter().map(tile).collect(),
        };
        let shelves = match looked_for {
            true => vec![shelf("找到的商品", items), shelf("篮子里的商品", others)],
            false => {
                let mut all = items;
                all.append(&mut others);
                by_category(all.into_iter().map(tile).collect())
            }
        };
        Ok(Shown {
            shelves: shelves.into_iter().filter(|shelf| !shelf.tiles.is_empty()).collect(),
            more,
            nothing,
        })
    }

    pub(super) fn tiles(&self) -> impl Iterator<Item = &Tile> {
        self.shelves.iter().flat_map(|shelf| &shelf.tiles)
    }

    pub(super) fn item(&self, sku: &str) -> Option<&GoodsItem> {
        self.tiles().map(|tile| &tile.item).find(|item| item.sku == sku)
    }
}

impl Tile {
    /// Can nothing of it be chosen? What was chosen before it ran out has to be seen, or nobody could put it back.
    pub(super) fn is_out(&self) -> bool {
        self.available == 0 && self.chosen == 0
    }
}

/// Goods of a kind stand together, kinds in the order of their first short codes.
fn by_category(mut tiles: Vec<Tile>) -> Vec<Shelf> {
    tiles.sort_by(|one, other| one.item.sku.cmp(&other.item.sku));
    let mut shelves: Vec<Shelf> = Vec::new();
    for tile in tiles {
        match shelves.iter_mut().find(|shelf| shelf.heading == tile.item.category) {
            Some(shelf) => shelf.tiles.push(tile),
            None => shelves.push(Shelf {
                heading: tile.item.category.clone(),
                tiles: vec![tile],
            }),
        }
    }
    shelves
}

/// The list of goods as it is sent, the name of this list, and what is left of the goods in it.
pub(super) struct List {
    body: Vec<u8>,
    pub(super) tag: String,
    /// Short codes, in the order of the list.
    pub(super) skus: Vec<String>,
    left: Vec<i64>,
}

pub(super) async fn list(app: &App, staff: &Staff) -> Result<List> {
    let store = app.shift_of(staff).await?.store_id;
    let today = day_of(app.now());
    app.db
        .read(move |conn| {
            let (columns, left) = shelf::columns(conn, &store, today)?;
            let body = serde_json::to_vec(&columns).map_err(Error::internal)?;
            let digest = Sha256::digest(&body);
            let tag: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            let skus = columns.skus;
            Ok(List { body, tag, skus, left })
        })
        .await
}

const KEPT: &str = "private, no-cache";

/// `GET /counter/goods`: everything on offer, in columns.
///
/// # Errors
/// `Refused` without a shift.
pub async fn goods_at_the_counter(State(app): State<App>, staff: Staff, headers: HeaderMap) -> Result<Response> {
    let list = list(&app, &staff).await?;
    let tag = format!("\"{}\"", list.tag);
    // On the way through the compression the tag may have become a weak one.
    let sent = headers.get(header::IF_NONE_MATCH).and_then(|sent| sent.to_str().ok());
    let is_known = sent.is_some_and(|sent| sent.trim_start_matches("W/") == tag);
    let said = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, KEPT)];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, said).into_response());
    }
    Ok((said, [(header::CONTENT_TYPE, "application/json")], list.body).into_response())
}

/// `GET /counter/goods/left`: of everything in that list, in its order, how many may go out of the shift's store today.
///
/// # Errors
/// `Refused` without a shift.
pub async fn left_at_the_counter(State(app): State<App>, staff: Staff) -> Result<Response> {
    let list = list(&app, &staff).await?;
    let said = json!({ "list": list.tag, "left": list.left });
    Ok(([(header::CACHE_CONTROL, KEPT)], Json(said)).into_response())
}
