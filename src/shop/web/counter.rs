//! The counter: scan a card, scan goods, confirm. Plain forms, which `static/counter.js` makes quick.
//!
//! Without the script the form is the basket's one truth; `POST /counter` shows the same page again with the card recognised and the basket
//! reckoned up, and nothing is done before `POST /redemptions`.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::basket::{Answer, Basket, CardState, Fields, QUANTITY};
use super::confirmation::confirmed;
use super::shelf::{Shown, Tile};
use crate::app::{App, Staff};
use crate::assets::decoder_folder;
use crate::cards::card;
use crate::clock::{Moment, day_of, local};
use crate::db::Conn;
use crate::error::{Error, Refusal, Result};
use crate::guard::{let_decode, problem};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::household;
use crate::points::Points;
use crate::request::Conflict;
use crate::sent::{ApiJson, Query, STALE_FORM, SignedForm};
use crate::shop::held::{self, HeldBasket};
use crate::shop::offline;
use crate::shop::partner;
use crate::shop::redemption::{self, Redeem, Redeemed, Wanted};
use crate::shop::shift::Shift;
use crate::shop::store;
use crate::shop::till;

#[derive(Template)]
#[template(path = "shop/counter.html")]
struct CounterPage {
    shell: Shell,
    problems: Problems,
    basket: Basket,
    answer: Answer,
    shown: Shown,
    chosen: Vec<Chosen>,
    /// The till and since when: `1号柜台 9:02开班`.
    till: String,
    held: Vec<Held>,
    /// Is it a partner's counter, which keeps no stock of ours and takes cash for what the points do not reach?
    is_partner: bool,
    /// Where the camera's decoder is, if the program has it.
    decoder: String,
}

/// A basket that was put aside.
struct Held {
    id: Id<HeldBasket>,
    /// `王** 3件`
    words: String,
    /// `9:41`
    since: String,
}

/// A line of the basket, for a page without the script.
struct Chosen {
    name: String,
    quantity: i64,
    points: Option<Points>,
    problem: Option<String>,
}

impl CounterPage {
    fn build(
        conn: &mut Conn,
        staff: Staff,
        shift: &Shift,
        basket: Basket,
        problems: Problems,
        now: Moment,
    ) -> Result<CounterPage> {
        let store = store::by_id(conn, &shift.store_id)?;
        let opened = local(shift.opened_at).format("%H:%M");
        let till = format!("{} {opened}开班", till::by_id(conn, &shift.till_id)?.name);
        let answer = Answer::to(conn, shift, &basket.card, &basket.lines, now)?;
        let shown = Shown::of(conn, &store, &basket, day_of(now))?;
        let chosen = basket
            .lines
            .iter()
            .map(|line| {
                let item = shown.item(&line.sku);
                Chosen {
                    name: item.map_or_else(|| line.sku.clone(), |item| item.name.clone()),
                    quantity: line.quantity,
                    points: item.and_then(|item| item.price_points.times(line.quantity)),
                    problem: answer.problem_of(&line.sku).map(str::to_owned),
                }
            })
            .collect();
        Ok(CounterPage {
            shell: staff.shell,
            till,
            held: held_views(conn, shift)?,
            is_partner: partner::shelf(conn, &store.id)?.is_some(),
            problems,
            answer,
            shown,
            chosen,
            basket,
            decoder: decoder_folder(),
        })
    }

    fn status(&self) -> (&'static str, String) {
        self.answer.status(&self.basket)
    }

    fn pieces(&self) -> i64 {
        self.chosen
            .iter()
            .fold(0, |sum, line| sum.saturating_add(line.quantity))
    }

    /// What the card's own forms carry along, so that looking at a card does not empty the basket.
    fn kept(&self) -> impl Iterator<Item = &Tile> {
        self.shown.tiles().filter(|tile| tile.chosen > 0)
    }
}

fn held_views(conn: &mut Conn, shift: &Shift) -> Result<Vec<Held>> {
    let mut views = Vec::new();
    for basket in held::of_shift(conn, &shift.id)? {
        let pieces = basket
            .lines
            .iter()
            .fold(0i64, |sum, line| sum.saturating_add(line.quantity));
        let household = match &basket.card_number {
            Some(number) => card::household_of(conn, number)?,
            None => None,
        };
        let whose = match household {
            Some(id) => household::by_id(conn, &id)?.masked_name(),
            None => "没有扫卡".to_owned(),
        };
        views.push(Held {
            id: basket.id,
            words: format!("{whose} {pieces}件"),
            since: local(basket.held_at).format("%H:%M").to_string(),
        });
    }
    Ok(views)
}

/// `GET /counter`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn counter(State(app): State<App>, staff: Staff, Query(asked): Query<Asked>) -> Result<Response> {
    let basket = Basket::empty(app.now());
    match asked.shell.as_str() {
        "1" => shell(&app, staff, basket).await,
        _ => show(&app, staff, StatusCode::OK, Problems::default(), basket).await,
    }
}

/// What a browser may ask of the counter.
#[derive(Deserialize)]
pub struct Asked {
    /// `1` for the page as it is kept for an hour without network: without what was put aside, so that no household is in it.
    #[serde(default)]
    shell: String,
}

async fn shell(app: &App, staff: Staff, basket: Basket) -> Result<Response> {
    let now = app.now();
    let shift = app.shift_of(&staff).await?;
    let mut page = app
        .db
        .read(move |conn| CounterPage::build(conn, staff, &shift, basket, Problems::default(), now))
        .await?;
    page.held = Vec::new();
    Ok(let_decode(page::show(&page)?))
}

pub(super) async fn show(
    app: &App,
    staff: Staff,
    status: StatusCode,
    problems: Problems,
    basket: Basket,
) -> Result<Response> {
    let now = app.now();
    let shift = match app.shift_of(&staff).await {
        Ok(shift) => shift,
        // Without a shift there is no counter: the way to it leads over opening one.
        Err(Error::Refused(_)) => return Ok(page::go("/shift")),
        Err(error) => return Err(error),
    };
    let page = app
        .db
        .read(move |conn| CounterPage::build(conn, staff, &shift, basket, problems, now))
        .await?;
    Ok(let_decode(page::show_with(status, &page)?))
}

/// `POST /counter`: the same page with the card recognised and the basket reckoned up. Nothing is done yet.
///
/// # Errors
/// Only when the database fails: what cannot be a card is said above the page.
pub async fn show_card(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let mut basket = Basket::of(fields, app.now())?;
    let (status, problems) = match basket.settle_card() {
        Ok(()) => (StatusCode::OK, Problems::default()),
        Err(error) => Problems::from_error(error)?,
    };
    show(&app, staff, status, problems, basket).await
}

/// What the page's script asks.
#[derive(Deserialize)]
pub struct AskQuote {
    #[serde(default)]
    card: String,
    #[serde(default)]
    lines: Vec<Wanted>,
}

/// `POST /counter/quote`: what would happen to this basket.
///
/// # Errors
/// Only when the database fails.
pub async fn quote(
    State(app): State<App>,
    staff: Staff,
    headers: HeaderMap,
    ApiJson(asked): ApiJson<AskQuote>,
) -> Result<Response> {
    if let Some(refused) = unsigned(&staff, &headers) {
        return Ok(refused);
    }
    let now = app.now();
    let shift = match app.shift_of(&staff).await {
        Ok(shift) => shift,
        Err(error @ Error::Refused(_)) => return Ok(say(&error)),
        Err(error) => return Err(error),
    };
    let till = shift.till_id.clone();
    let answer = app
        .db
        .read(move |conn| Answer::to(conn, &shift, &asked.card, &asked.lines, now))
        .await?;
    if let Some(lacking) = answer.lacking.clone() {
        app.db
            .write(move |conn| offline::recall(conn, &till, &lacking, now))
            .await?;
    }
    Ok(Json(answer).into_response())
}

/// `POST /redemptions`: the redemption itself. A repeat of the same form is answered like the first.
///
/// # Errors
/// Only when the database fails: a refusal is shown at the counter, with basket, card and key as they were.
pub async fn redeem(
    State(app): State<App>,
    staff: Staff,
    headers: HeaderMap,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let basket = Basket::of(fields, app.now())?;
    match try_redeem(&app, &staff, &basket).await {
        Ok(redeemed) => {
            let slip = format!("/redemptions/{}?done=made", redeemed.redemption.id);
            Ok(match wants_json(&headers) {
                true => (StatusCode::CREATED, Json(json!({ "location": slip }))).into_response(),
                false => page::go(&slip),
            })
        }
        Err(error) if error.code() == Conflict.code() => {
            let mut problems = Problems::default();
            problems.sentences.push(USED_UP.to_owned());
            show(&app, staff, StatusCode::CONFLICT, problems, Basket::empty(app.now())).await
        }
        Err(error) if wants_json(&headers) && is_for_the_counter(&error) => Ok(say(&error)),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let mut basket = basket;
            // What cannot be a card was said by the error already.
            let _ = basket.settle_card();
            show(&app, staff, status, problems, basket).await
        }
    }
}

/// The form was sent before with other goods or another card, for example after going back in the browser.
const USED_UP: &str = "这张单子先前已经兑换过，改动的内容没有办理。请先到“流水”核对；还要再兑，请重新选商品。";

async fn try_redeem(app: &App, staff: &Staff, basket: &Basket) -> Result<Redeemed> {
    let shift = app.shift_of(staff).await?;
    if basket.card.is_empty() {
        return Err(Error::invalid("card", "请先扫积分卡，或输入卡号后按“查卡”。"));
    }
    let pickup = basket.pickup.meant();
    let asked = Redeem::new(&basket.key, &basket.card, &basket.lines, pickup, &shift, app.now())?;
    let asked = asked.topped_up(basket.cash_points()?)?;
    let asked = asked.confirmed(confirmed(app, &basket.card, &basket.pin, basket.signs).await?);
    app.db.write_together(asked, redemption::redeem_all).await
}

fn is_for_the_counter(error: &Error) -> bool {
    matches!(error, Error::Invalid(_) | Error::Refused(_))
}

/// Does the page's script ask, which shows the answer itself?
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/json"))
}

/// The answer to what the page's script did not sign with the page's token.
pub(super) fn unsigned(staff: &Staff, headers: &HeaderMap) -> Option<Response> {
    let sent = headers.get("x-csrf").and_then(|value| value.to_str().ok());
    (sent != Some(staff.shell.csrf.as_str())).then(|| say(&STALE_FORM))
}

/// An error for the page's script: the counter shows its `detail`.
pub(super) fn say(error: &Error) -> Response {
    problem(page::status_of(error), error.code(), &error.to_string(), None)
}
