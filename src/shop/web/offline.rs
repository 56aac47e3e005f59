//! What the counter's script asks for the hour without network: a hold, a sign of life, and the sales that waited; and the
//! office's page of those that could not be posted.

use std::collections::HashMap;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use serde::Deserialize;
use serde_json::json;

use super::counter::{say, unsigned};
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::cards::allow_list::{self, Salt};
use crate::clock::{Moment, spoken};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::{Id, fill_random};
use crate::page::{self, Problems, Shell};
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::sent::{ApiJson, Path, Query, SignedForm};
use crate::shop::act::Act;
use crate::shop::goods;
use crate::shop::offline::{self, Allowance};
use crate::shop::offline_sale::{self, Decide, Decision, OfflineConflict, Outcome, Sale};
use crate::shop::redemption::Wanted;
use crate::shop::rules;
use crate::shop::shift::{self, Shift};
use crate::shop::store::{self, PointsStore};

/// In the list of cards: this one was stopped.
const STOPPED: u16 = u16::MAX;

fn milliseconds(at: Moment) -> i64 {
    at.and_utc().timestamp_millis()
}

/// The shift in which the script asks, or what it is told instead.
async fn at_the_till(
    app: &App,
    staff: &Staff,
    headers: &HeaderMap,
) -> Result<std::result::Result<Shift, Box<Response>>> {
    if let Some(refused) = unsigned(staff, headers) {
        return Ok(Err(Box::new(refused)));
    }
    match app.shift_of(staff).await {
        Ok(shift) => Ok(Ok(shift)),
        Err(error @ Error::Refused(_)) => Ok(Err(Box::new(say(&error)))),
        Err(error) => Err(error),
    }
}

/// A browser that asks for the till's hold.
#[derive(Deserialize)]
pub struct AskHold {
    /// What tells it from another browser at the same till: it made this up itself.
    #[serde(default)]
    device: String,
}

/// `POST /counter/offline/hold`: what this till may sell without network.
///
/// # Errors
/// Only when the database fails.
pub async fn take_hold(
    State(app): State<App>,
    staff: Staff,
    headers: HeaderMap,
    ApiJson(asked): ApiJson<AskHold>,
) -> Result<Response> {
    let shift = match at_the_till(&app, &staff, &headers).await? {
        Ok(shift) => shift,
        Err(refused) => return Ok(*refused),
    };
    let now = app.now();
    let mut salt = Salt::default();
    fill_random(&mut salt);
    let held = app
        .db
        .write(move |conn| offline::open(conn, &shift, &asked.device, salt, now))
        .await?;
    let (allowance, confirm_from) = app
        .db
        .read(move |conn| {
            let allowance = held.map(|held| offline::allowance(conn, held)).transpose()?;
            Ok((allowance, rules::now(conn)?.confirm_from))
        })
        .await?;
    // Twenty thousand short codes would weigh more than the page: the units stand in the order of the list of goods.
    let list = super::shelf::list(&app, &staff).await?;
    Ok(Json(match allowance {
        None => json!({ "hold": null, "now": milliseconds(now), "points_each": 0 }),
        Some(allowance) => json!({
            "hold": allowance.hold.hold_number,
            "till": allowance.till,
            "now": milliseconds(now),
            "sell_until": milliseconds(allowance.hold.sell_until),
            "points_each": allowance.points_each,
            "confirm_from": confirm_from,
            "salt": allow_list::written(&allowance.salt),
            "cards": allow_list::written(&packed(&allowance)),
            "goods": json!({ "list": list.tag, "units": units_of(&list.skus, &allowance) }),
        }),
    })
    .into_response())
}

fn units_of(skus: &[String], allowance: &Allowance) -> Vec<i64> {
    let units = skus.iter().map(|sku| allowance.goods.get(sku).copied().unwrap_or(0));
    units.collect()
}

/// Ten bytes a card: eight of its digest, two of what its household may spend.
fn packed(allowance: &Allowance) -> Vec<u8> {
    let entry = |(digest, points): &(allow_list::Kept, Option<Points>)| {
        let most = STOPPED.saturating_sub(1);
        let points = points.map_or(STOPPED, |points| u16::try_from(points.0).unwrap_or(most).min(most));
        digest.iter().copied().chain(points.to_le_bytes()).collect::<Vec<u8>>()
    };
    allowance.cards.iter().flat_map(entry).collect()
}

/// A till that says it is there.
#[derive(Deserialize)]
pub struct NewBeat {
    #[serde(default)]
    hold: i64,
    #[serde(default)]
    waiting: i64,
    #[serde(default)]
    dropped: Vec<String>,
}

/// `POST /counter/offline/beat`: a sign of life, what waits, and what was let go.
///
/// # Errors
/// Only when the database fails.
pub async fn beat(
    State(app): State<App>,
    staff: Staff,
    headers: HeaderMap,
    ApiJson(said): ApiJson<NewBeat>,
) -> Result<Response> {
    let shift = match at_the_till(&app, &staff, &headers).await? {
        Ok(shift) => shift,
        Err(refused) => return Ok(*refused),
    };
    let now = app.now();
    let answer = app
        .db
        .write(move |conn| offline::beat(conn, &shift, said.hold, said.waiting, &said.dropped, now))
        .await?;
    let stopped: Vec<String> = answer.stopped.iter().map(|kept| allow_list::written(kept)).collect();
    Ok(Json(json!({
        "now": milliseconds(now),
        "live": answer.is_live,
        "recalls": answer.recalls,
        "stopped": stopped,
    }))
    .into_response())
}

/// A line of a sale that waited, with the price that the till's list said.
#[derive(Deserialize)]
struct SoldLine {
    sku: String,
    quantity: i64,
    price: Option<Points>,
}

/// A sale that waited at the till.
#[derive(Deserialize)]
struct SoldSale {
    key: String,
    card: String,
    lines: Vec<SoldLine>,
    sold_at: i64,
    number: String,
    #[serde(default)]
    signs: bool,
    given: bool,
    #[serde(default)]
    other_pickup: bool,
}

impl SoldSale {
    fn read(self) -> Result<Sale> {
        let at = DateTime::from_timestamp_millis(self.sold_at);
        let at = at.ok_or_else(|| Error::invalid("sold_at", "单子上的时间不对。"))?;
        if self.number.is_empty() || self.number.chars().count() > 20 {
            return Err(Error::invalid("number", "单子上的号码不对。"));
        }
        let prices = self
            .lines
            .iter()
            .filter_map(|line| Some((line.sku.clone(), line.price?)));
        let prices: HashMap<String, Points> = prices.collect();
        if prices.values().any(|price| *price <= Points::ZERO) {
            return Err(Error::invalid("lines", "单子上的价格不对。"));
        }
        let lines = self.lines.into_iter().map(|line| Wanted {
            sku: line.sku,
            quantity: line.quantity,
        });
        Ok(Sale {
            key: self.key,
            card: self.card,
            lines: lines.collect(),
            prices,
            sold_at: at.naive_utc(),
            slip: self.number,
            signs: self.signs,
            given: self.given,
            other_pickup: self.other_pickup,
        })
    }
}

/// Sales that waited at a till.
#[derive(Deserialize)]
pub struct SoldSales {
    /// None where nothing is kept: then tries are asked after, and nothing was given.
    #[serde(default)]
    hold: Option<i64>,
    #[serde(default)]
    sales: Vec<SoldSale>,
}

/// At most so many sales are sent at once.
const MOST_SALES: usize = 50;

/// `POST /counter/offline/sales`: what was sold without network is written down, each sale once however often it is sent.
///
/// # Errors
/// Only when the database fails; what becomes of each sale is in the answer.
pub async fn settle(
    State(app): State<App>,
    staff: Staff,
    headers: HeaderMap,
    ApiJson(sold): ApiJson<SoldSales>,
) -> Result<Response> {
    let shift = match at_the_till(&app, &staff, &headers).await? {
        Ok(shift) => shift,
        Err(refused) => return Ok(*refused),
    };
    if sold.sales.len() > MOST_SALES {
        return Ok(say(&Error::invalid("sales", format!("一次最多传{MOST_SALES}单。"))));
    }
    let mut answers = Vec::new();
    for sale in sold.sales {
        let (key, given, now, shift, hold) = (sale.key.clone(), sale.given, app.now(), shift.clone(), sold.hold);
        let outcome = match sale.read() {
            Ok(sale) => {
                let work = move |conn: &mut Conn| offline_sale::settle(conn, hold, &sale, &shift, now);
                app.db.write(work).await
            }
            Err(error) => Err(error),
        };
        answers.push(match outcome {
            Ok(Outcome::Posted(id)) => {
                json!({ "key": key, "outcome": "posted", "location": format!("/redemptions/{id}") })
            }
            Ok(Outcome::Conflict(detail)) => json!({ "key": key, "outcome": "conflict", "detail": detail }),
            Ok(Outcome::Refused(detail)) => json!({ "key": key, "outcome": "refused", "detail": detail }),
            Ok(Outcome::Later(detail)) => json!({ "key": key, "outcome": "later", "detail": detail }),
            // What no till of ours can have made stays at the till that says it did.
            Err(error @ (Error::Invalid(_) | Error::Refused(_) | Error::NotFound)) => {
                let outcome = if given { "later" } else { "refused" };
                json!({ "key": key, "outcome": outcome, "detail": error.to_string() })
            }
            Err(error) => return Err(error),
        });
    }
    Ok(Json(json!({ "sales": answers })).into_response())
}

/// A till that needs its hold no more.
#[derive(Deserialize)]
pub struct GivenBack {
    #[serde(default)]
    hold: i64,
}

/// `POST /counter/offline/return`: the till gives its hold back.
///
/// # Errors
/// Only when the database fails.
pub async fn give_back(
    State(app): State<App>,
    staff: Staff,
    headers: HeaderMap,
    ApiJson(asked): ApiJson<GivenBack>,
) -> Result<Response> {
    if let Some(refused) = unsigned(&staff, &headers) {
        return Ok(refused);
    }
    let now = app.now();
    let by = staff.user.id.clone();
    app.db
        .write(move |conn| match shift::of_person(conn, &by)? {
            Some(shift) => offline::give_back(conn, &shift.till_id, asked.hold, now),
            None => Ok(()),
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Template)]
#[template(path = "shop/offline.html")]
struct OfflinePage {
    shell: Shell,
    problems: Problems,
    key: String,
    done: bool,
    rows: Vec<Row>,
    may_decide: bool,
}

/// A sale that could not be posted.
struct Row {
    conflict: OfflineConflict,
    shift: i64,
    store: String,
    whose: String,
    goods: Vec<String>,
    clerk: String,
    decided_by: String,
}

impl Row {
    fn sold_at(&self) -> String {
        spoken(self.conflict.sold_at)
    }

    fn decided_at(&self) -> String {
        self.conflict.decided_at.map(spoken).unwrap_or_default()
    }
}

/// Sales on one page.
const MOST_ROWS: i64 = 100;

impl OfflinePage {
    fn build(conn: &mut Conn, staff: Staff, key: String, done: bool, problems: Problems) -> Result<OfflinePage> {
        let stores = store::all_of_duties(conn, &staff.duties, Permission::ReadJournal)?;
        let ids: Vec<Id<PointsStore>> = stores.iter().map(|store| store.id.clone()).collect();
        let conflicts = offline_sale::conflicts(conn, &ids, MOST_ROWS)?;
        let people: Vec<Id<User>> = conflicts
            .iter()
            .flat_map(|conflict| [Some(conflict.received_by.clone()), conflict.decided_by.clone()])
            .flatten()
            .collect();
        let people = user::display_names(conn, &people)?;
        let homes: Vec<Id<Household>> = conflicts.iter().filter_map(|one| one.household_id.clone()).collect();
        let homes: HashMap<Id<Household>, String> = household::by_ids(conn, &homes)?
            .into_iter()
            .map(|home| (home.id.clone(), format!("{} {}", home.code, home.masked_name())))
            .collect();
        let shifts: Vec<_> = conflicts.iter().map(|one| one.shift_id.clone()).collect();
        let shifts = shift::by_ids(conn, &shifts)?;
        let mut rows = Vec::new();
        let mut lines = Vec::new();
        for conflict in &conflicts {
            lines.push(conflict.lines()?);
        }
        let skus: Vec<&str> = lines.iter().flatten().map(|line| line.sku.as_str()).collect();
        let items = goods::by_skus(conn, &skus)?;
        for (conflict, lines) in conflicts.into_iter().zip(&lines) {
            let shift = shifts.iter().find(|shift| shift.id == conflict.shift_id);
            let at = shift.and_then(|shift| stores.iter().find(|store| store.id == shift.store_id));
            let name = |id: &Id<User>| people.get(id).cloned().unwrap_or_default();
            let home = conflict.household_id.as_ref().and_then(|id| homes.get(id)).cloned();
            let line = |line: &Wanted| {
                let name = items.get(&line.sku).map_or(line.sku.as_str(), |item| &item.name);
                format!("{name} × {}", line.quantity)
            };
            rows.push(Row {
                shift: shift.map_or(0, |shift| shift.number),
                store: at.map(|store| store.name.clone()).unwrap_or_default(),
                whose: home.unwrap_or_else(|| format!("卡号{}", conflict.card_number)),
                goods: lines.iter().map(line).collect(),
                clerk: name(&conflict.received_by),
                decided_by: conflict.decided_by.as_ref().map(name).unwrap_or_default(),
                conflict,
            });
        }
        Ok(OfflinePage {
            may_decide: staff.duties.permit(Permission::AuditShifts),
            shell: staff.shell,
            problems,
            key,
            done,
            rows,
        })
    }
}

/// `GET /offline-sales`: what could not be posted, and what became of it.
///
/// # Errors
/// Only when the database fails.
pub async fn offline_sales(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    let done = done.done == "decided";
    show(&app, staff, StatusCode::OK, done, Problems::default()).await
}

/// Was something decided just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

async fn show(app: &App, staff: Staff, status: StatusCode, done: bool, problems: Problems) -> Result<Response> {
    let key = Id::<OfflineConflict>::new(app.now()).as_str().to_owned();
    let page = app
        .db
        .read(move |conn| OfflinePage::build(conn, staff, key, done, problems))
        .await?;
    page::show_with(status, &page)
}

/// What the office decides.
#[derive(Deserialize)]
pub struct NewDecision {
    key: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    note: String,
}

/// `POST /offline-sales/{number}`
///
/// # Errors
/// `NotFound` for a sale of another store.
pub async fn decide_offline_sale(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(form): SignedForm<NewDecision>,
) -> Result<Response> {
    let act = Act::new("offline_sale.decided", &form.key, &staff.user.id, app.now());
    let duties = staff.duties.clone();
    let outcome = match Decision::from_word(&form.decision) {
        None => Err(Error::invalid("decision", "请选择怎么处理。")),
        Some(decision) => {
            let asked = Decide {
                number,
                decision,
                note: form.note,
            };
            let work = move |conn: &mut Conn| {
                let stores = store::all_of_duties(conn, &duties, Permission::AuditShifts)?;
                let ids: Vec<Id<PointsStore>> = stores.into_iter().map(|store| store.id).collect();
                offline_sale::decide(conn, &asked, &ids, &act)
            };
            app.db.write(work).await
        }
    };
    match outcome {
        Ok(()) => Ok(page::go("/offline-sales?done=decided")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, staff, status, false, problems).await
        }
    }
}
