//! What a household can have for its points, and how much of it this month; what it wishes for.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::points::{Opening, openings};
use crate::app::{App, Resident};
use crate::clock::day_of;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::files::FileName;
use crate::id::Id;
use crate::ledger::balance;
use crate::page::{self, Shell};
use crate::photo;
use crate::places::area::Tree;
use crate::points::Points;
use crate::sent::{NoFields, Path, Query, SignedForm};
use crate::shop::catalogue;
use crate::shop::goods::GoodsItem;
use crate::shop::limit::{self, Left};
use crate::shop::shelf;
use crate::shop::stock::Stock;
use crate::shop::store::{self, PointsStore};
use crate::shop::wish::{self, Wish, WishState};

/// Goods on a page: with their pictures they come over a slow line in a few seconds.
const SHOWN: usize = 8;
/// Wishes that are shown.
const WISHES: usize = 20;

#[derive(Template)]
#[template(path = "resident/goods.html")]
struct GoodsPage {
    shell: Shell,
    balance: Points,
    stores: Vec<PointsStore>,
    /// Whose goods these are.
    here: Option<PointsStore>,
    goods: Vec<Shown>,
    words: String,
    page: usize,
    more: bool,
    openings: Vec<Opening>,
}

impl GoodsPage {
    fn is_here(&self, store: &PointsStore) -> bool {
        self.here.as_ref().is_some_and(|here| here.id == store.id)
    }
}

struct Shown {
    item: GoodsItem,
    has_photo: bool,
    /// Is there any today?
    is_there: bool,
    /// Units that the household may still take this month.
    left: Option<i64>,
    /// Points that are missing for one.
    short: Points,
}

impl Shown {
    /// What stands in the place of a picture: the first character of the name.
    fn sign(&self) -> String {
        self.item.name.chars().take(1).collect()
    }
}

/// Which store, which goods, which page.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    store: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    page: usize,
}

/// `GET /my/goods`
///
/// # Errors
/// Only when the database fails.
pub async fn goods(State(app): State<App>, resident: Resident, Query(wanted): Query<Wanted>) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let household = resident.household;
            let balance = balance::of(conn, household.id.as_str())?.spendable;
            let tree = Tree::load(conn)?;
            let stores = store::near(conn, &tree, &household.building_id)?;
            let asked = stores.iter().find(|store| store.id.as_str() == wanted.store);
            let here = asked.or(stores.first()).cloned();
            let left = limit::left(conn, &household.id, today)?;
            let mut goods = Vec::new();
            let mut more = false;
            if let Some(store) = &here {
                let (found, _) = shelf::find(conn, &store.id, &wanted.words, today)?;
                let skipped = wanted.page.saturating_mul(SHOWN);
                more = found.len() > skipped.saturating_add(SHOWN);
                let shown: Vec<GoodsItem> = found.into_iter().skip(skipped).take(SHOWN).collect();
                let ids: Vec<Id<GoodsItem>> = shown.iter().map(|item| item.id.clone()).collect();
                let stock = match store::is_partner(conn, &store.id)? {
                    true => None,
                    false => Some(Stock::open(conn, &ids)?),
                };
                for item in shown {
                    let is_there = stock
                        .as_ref()
                        .is_none_or(|stock| stock.available(&store.id, &item.id, today) > 0);
                    goods.push(shown_as(conn, item, is_there, &left, balance)?);
                }
            }
            Ok(GoodsPage {
                openings: openings(conn, &household, today)?,
                shell: resident.shell,
                balance,
                stores,
                here,
                goods,
                words: wanted.words,
                page: wanted.page,
                more,
            })
        })
        .await?;
    page::show(&page)
}

fn shown_as(conn: &mut Conn, item: GoodsItem, is_there: bool, left: &Left, balance: Points) -> Result<Shown> {
    Ok(Shown {
        has_photo: catalogue::by_sku(conn, &item.sku)?.photo.is_some(),
        is_there,
        left: left.of(&item),
        short: balance.short_of(item.price_points),
        item,
    })
}

#[derive(Template)]
#[template(path = "resident/wishes.html")]
struct WishesPage {
    shell: Shell,
    is_done: bool,
    wishes: Vec<(Wish, i64)>,
    /// The wish that has the household's voice.
    own: Option<Id<Wish>>,
}

impl WishesPage {
    fn is_own(&self, wish: &Wish) -> bool {
        self.own.as_ref() == Some(&wish.id)
    }
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: bool,
}

/// `GET /my/wishes`: what households would like the store to have, and which of them this one gave its voice.
///
/// # Errors
/// Only when the database fails.
pub async fn wishes(State(app): State<App>, resident: Resident, Query(done): Query<Done>) -> Result<Response> {
    let household = resident.household.id;
    let (mut wishes, own) = app
        .db
        .read(move |conn| Ok((wish::list(conn)?, wish::voice_of(conn, &household)?)))
        .await?;
    wishes.retain(|(wish, _)| wish.state == WishState::Open);
    wishes.truncate(WISHES);
    page::show(&WishesPage {
        shell: resident.shell,
        is_done: done.done,
        wishes,
        own,
    })
}

/// `POST /my/wishes/{id}/voice`
///
/// # Errors
/// `NotFound`; a wish that was decided meanwhile.
pub async fn voice(
    State(app): State<App>,
    resident: Resident,
    Path(id): Path<String>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let (household, now) = (resident.household.id, app.now());
    app.db
        .write(move |conn| wish::voice_itself(conn, &Id::known(id), &household, now))
        .await?;
    Ok(page::go("/my/wishes?done=true"))
}

/// `GET /my/goods/{sku}/photo`: small enough for a list.
///
/// # Errors
/// `NotFound` for goods without one.
pub async fn goods_photo(State(app): State<App>, _: Resident, Path(sku): Path<String>) -> Result<Response> {
    let entry = app.db.read(move |conn| catalogue::by_sku(conn, &sku)).await?;
    let file = entry
        .photo
        .as_deref()
        .and_then(FileName::parse)
        .ok_or(Error::NotFound)?;
    let files = app.files.clone();
    let small = app
        .slowly(move || photo::for_list(&files.read(&file)?).map_err(Error::from))
        .await??;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg")),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, max-age=86400"),
        ),
    ];
    Ok((headers, small).into_response())
}
