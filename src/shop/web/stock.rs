//! The stock: what is on the shelf, what runs out, what expires; and the form that takes goods in.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment, days_after};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::page::{self, Problems, Shell};
use crate::sent::{Query, SignedForm};
use crate::shop::demand::{FEW, NEAR_DAYS};
use crate::shop::goods::{self, GoodsItem};
use crate::shop::shelf::{self, Overview, PAGE};
use crate::shop::stock::{self, Funding, Receive, StockLot};
use crate::shop::store::{self, PointsStore};

#[derive(Template)]
#[template(path = "shop/stock.html")]
struct StockPage {
    shell: Shell,
    done: bool,
    problems: Problems,
    store: String,
    overview: Overview,
    asked: Asked,
    rows: Vec<Row>,
    /// Goods on all pages of what was asked for.
    total: i64,
    /// The form, for those who may receive.
    form: Option<NewReceipt>,
}

/// Goods with their lots.
struct Row {
    item: GoodsItem,
    lots: Vec<Lot>,
}

struct Lot {
    of: StockLot,
    freshness: Freshness,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    /// Long before its day, or without one.
    Good,
    /// Its day is near.
    Near,
    /// Its day is over: it stays on the shelf until somebody takes it away.
    Expired,
}

impl Row {
    /// How many may go out today.
    fn available(&self) -> i64 {
        let usable = self.lots.iter().filter(|lot| lot.freshness != Freshness::Expired);
        usable.fold(0, |sum, lot| sum.saturating_add(lot.of.quantity))
    }

    /// What goes out next, and everything that is near its day or past it.
    fn first_lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.iter().take(self.pointed_out())
    }

    /// The other lots, which wait folded: of a year's deliveries there are many.
    fn other_lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.iter().skip(self.pointed_out())
    }

    /// Lots lie by expiry, so that what is pointed out comes first.
    fn pointed_out(&self) -> usize {
        let pressing = self.lots.iter().filter(|lot| lot.freshness != Freshness::Good);
        pressing.count().max(1)
    }

    fn is_gone(&self) -> bool {
        self.available() == 0
    }

    fn is_low(&self) -> bool {
        (1..FEW).contains(&self.available())
    }
}

impl Lot {
    fn new(of: StockLot, today: Day) -> Lot {
        let freshness = match of.expires_on {
            Some(last) if last < today => Freshness::Expired,
            Some(last) if last <= days_after(today, NEAR_DAYS) => Freshness::Near,
            _ => Freshness::Good,
        };
        Lot { of, freshness }
    }

    fn is_near(&self) -> bool {
        self.freshness == Freshness::Near
    }

    fn is_expired(&self) -> bool {
        self.freshness == Freshness::Expired
    }
}

impl StockPage {
    fn pages(&self) -> i64 {
        self.total.saturating_add(PAGE).saturating_sub(1) / PAGE
    }
}

/// Goods that come in, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewReceipt {
    key: String,
    #[serde(default)]
    goods: String,
    #[serde(default)]
    quantity: String,
    #[serde(default)]
    expires_on: String,
    #[serde(default)]
    funding: String,
    #[serde(default)]
    cost: String,
}

impl NewReceipt {
    fn empty(now: Moment) -> NewReceipt {
        NewReceipt {
            key: Id::<StockLot>::new(now).as_str().to_owned(),
            funding: Funding::Collective.word().to_owned(),
            ..NewReceipt::default()
        }
    }
}

/// What is looked for, and what was done just before this page.
#[derive(Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    page: String,
}

impl Asked {
    fn page(&self) -> i64 {
        self.page.parse().unwrap_or(1).max(1)
    }
}

/// `GET /stock`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn stock(State(app): State<App>, staff: Staff, Query(asked): Query<Asked>) -> Result<Response> {
    let form = NewReceipt::empty(app.now());
    page::show(&stock_page(&app, staff, asked, form, Problems::default()).await?)
}

async fn stock_page(app: &App, staff: Staff, asked: Asked, form: NewReceipt, problems: Problems) -> Result<StockPage> {
    let today = clock::day_of(app.now());
    app.db
        .read(move |conn| {
            let store = store::of_duties(conn, &staff.duties, Permission::ReadStock)?;
            let (items, total) = shelf::page(conn, &store.id, &asked.words, asked.page())?;
            Ok(StockPage {
                done: asked.done == "received",
                problems,
                overview: shelf::overview(conn, &store.id, today)?,
                rows: rows(conn, &store, items, today)?,
                total,
                asked,
                store: store.name,
                form: Some(form).filter(|_| staff.duties.permit(Permission::ReceiveStock)),
                shell: staff.shell,
            })
        })
        .await
}

/// Goods with their lots in this store.
fn rows(conn: &mut Conn, store: &PointsStore, items: Vec<GoodsItem>, today: Day) -> Result<Vec<Row>> {
    let ids: Vec<Id<GoodsItem>> = items.iter().map(|item| item.id.clone()).collect();
    let mut lots: HashMap<Id<GoodsItem>, Vec<Lot>> = HashMap::new();
    for lot in stock::lots_in(conn, &store.id, &ids)? {
        lots.entry(lot.goods_id.clone()).or_default().push(Lot::new(lot, today));
    }
    let row = |item: GoodsItem| Row {
        lots: lots.remove(&item.id).unwrap_or_default(),
        item,
    };
    Ok(items.into_iter().map(row).collect())
}

/// `POST /stock/receipts`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn receive(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewReceipt>,
) -> Result<Response> {
    match try_receive(&app, &staff, form.clone()).await {
        Ok(()) => Ok(page::go("/stock?done=received")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            // The page shows what the form speaks of.
            let asked = Asked {
                words: form.goods.clone(),
                ..Asked::default()
            };
            page::show_with(status, &stock_page(&app, staff, asked, form, problems).await?)
        }
    }
}

async fn try_receive(app: &App, staff: &Staff, form: NewReceipt) -> Result<()> {
    let store = app.store_of(&staff.duties, Permission::ReceiveStock).await?;
    let quantity = form.quantity.trim().parse();
    let quantity: i64 = quantity.map_err(|_| Error::invalid("quantity", "数量应为整数。"))?;
    let expires_on = match form.expires_on.trim() {
        "" => None,
        text => Some(day_of_text(text)?),
    };
    let funding = Funding::from_word(&form.funding).ok_or_else(|| Error::invalid("funding", "请选择来源。"))?;
    let cost_fen = fen_of(&form.cost)?;
    let (now, by) = (app.now(), staff.user.id.clone());
    app.db
        .write(move |conn| {
            let receive = Receive {
                store,
                goods: goods::by_sku(conn, &form.goods).map_err(unknown_goods)?,
                quantity,
                expires_on,
                funding,
                cost_fen,
                by,
                key: form.key,
            };
            stock::receive(conn, &receive, now)
        })
        .await?;
    Ok(())
}

fn unknown_goods(error: Error) -> Error {
    match error {
        Error::NotFound => Error::invalid("goods", "请选择商品。"),
        other => other,
    }
}

fn day_of_text(text: &str) -> Result<Day> {
    text.parse()
        .map_err(|_| Error::invalid("expires_on", "到期日应写成2027-03-31的样子。"))
}

/// Yuan with at most two decimals, exactly.
fn fen_of(text: &str) -> Result<Fen> {
    let wrong = |why| Error::invalid("cost", why);
    let yuan = Decimal::from_str_exact(text.trim()).map_err(|_| wrong("单价应为数字，例如12.60。"))?;
    if yuan.scale() > 2 {
        return Err(wrong("单价最多两位小数，精确到分。"));
    }
    let fen = yuan.checked_mul(Decimal::ONE_HUNDRED).and_then(|fen| fen.to_i64());
    fen.map(Fen).ok_or_else(|| wrong("单价太大，请核对。"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_exact_to_the_fen() {
        assert_eq!(fen_of(" 12.6 ").unwrap(), Fen(1260));
        assert_eq!(fen_of("0").unwrap(), Fen(0));
        for refused in ["12.605", "1e2", "", "十二", "99999999999999999999"] {
            assert!(matches!(fen_of(refused), Err(Error::Invalid(_))), "{refused}");
        }
    }
}
