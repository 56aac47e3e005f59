//! The stock: what is on the shelf, what runs out, what expires; and the form that takes goods in.

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
use crate::shop::goods::{self, GoodsItem};
use crate::shop::stock::{self, Funding, Receive, StockLot};
use crate::shop::store::{self, PointsStore};

#[derive(Template)]
#[template(path = "shop/stock.html")]
struct StockPage {
    shell: Shell,
    done: bool,
    problems: Problems,
    store: String,
    rows: Vec<Row>,
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

/// Days before the last day from which a lot is pointed out.
const NEAR_DAYS: u64 = 30;
/// Fewer than so many, and goods are pointed out.
const FEW: i64 = 10;

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
    fn gone(&self) -> usize {
        self.rows.iter().filter(|row| row.is_gone()).count()
    }

    fn low(&self) -> usize {
        self.rows.iter().filter(|row| row.is_low()).count()
    }

    fn near(&self) -> usize {
        self.rows
            .iter()
            .flat_map(|row| &row.lots)
            .filter(|lot| lot.is_near())
            .count()
    }

    fn expired(&self) -> usize {
        self.rows
            .iter()
            .flat_map(|row| &row.lots)
            .filter(|lot| lot.is_expired())
            .count()
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

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /stock`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn stock(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    let form = NewReceipt::empty(app.now());
    let mut page = stock_page(&app, staff, form, Problems::default()).await?;
    page.done = done.done == "received";
    page::show(&page)
}

async fn stock_page(app: &App, staff: Staff, form: NewReceipt, problems: Problems) -> Result<StockPage> {
    let today = clock::day_of(app.now());
    app.db
        .read(move |conn| {
            let store = store::of_duties(conn, &staff.duties, Permission::ReadStock)?;
            Ok(StockPage {
                done: false,
                problems,
                rows: rows(conn, &store, today)?,
                store: store.name,
                form: Some(form).filter(|_| staff.duties.permit(Permission::ReceiveStock)),
                shell: staff.shell,
            })
        })
        .await
}

/// Everything on offer, and what is offered no more while some of it is left.
fn rows(conn: &mut Conn, store: &PointsStore, today: Day) -> Result<Vec<Row>> {
    let mut lots = stock::on_shelf(conn, &store.id)?;
    let mut items = goods::on_offer(conn)?;
    let others: Vec<Id<GoodsItem>> = lots
        .iter()
        .map(|lot| lot.goods_id.clone())
        .filter(|id| items.iter().all(|item| item.id != *id))
        .collect();
    items.extend(goods::by_ids(conn, &others)?.into_values());
    items.sort_by(|one, other| one.sku.cmp(&other.sku));
    let row = |item: GoodsItem| {
        let (own, rest): (Vec<StockLot>, Vec<StockLot>) = std::mem::take(&mut lots)
            .into_iter()
            .partition(|lot| lot.goods_id == item.id);
        lots = rest;
        Row {
            item,
            lots: own.into_iter().map(|lot| Lot::new(lot, today)).collect(),
        }
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
            page::show_with(status, &stock_page(&app, staff, form, problems).await?)
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
