//! The transfer of goods from one store to another: lots of the first, and how many of each go.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::fields::{Fields, chosen, fresh_key, stores};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock;
use crate::error::Result;
use crate::page::{self, Problems, Shell};
use crate::sent::{Query, SignedForm};
use crate::shop::goods::GoodsItem;
use crate::shop::receipt::{self, Transfer};
use crate::shop::stock::StockLot;
use crate::shop::store::PointsStore;

#[derive(Template)]
#[template(path = "shop/transfer.html")]
struct TransferPage {
    shell: Shell,
    problems: Problems,
    key: String,
    fields: Fields,
    from: PointsStore,
    stores: Vec<PointsStore>,
    lots: Vec<(StockLot, GoodsItem)>,
}

impl TransferPage {
    fn typed(&self, lot: &StockLot) -> &str {
        self.fields.one(&format!("lot-{}", lot.number))
    }
}

/// Lots that are shown at once; the search finds the others.
const MOST: usize = 100;

/// `GET /stock/transfers/new`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn transfer_form(State(app): State<App>, staff: Staff, Query(fields): Query<Fields>) -> Result<Response> {
    page::show(&transfer_page(&app, staff, fields, Problems::default()).await?)
}

async fn transfer_page(app: &App, staff: Staff, fields: Fields, problems: Problems) -> Result<TransferPage> {
    let (key, today) = (fresh_key(app.now()), clock::day_of(app.now()));
    app.db
        .read(move |conn| {
            let stores = stores(conn, &staff.duties, Permission::ReceiveStock)?;
            let from = chosen(&stores, fields.one("from"))?;
            let mut lots = super::write_offs::lots(conn, &from.id, fields.one("words"), MOST)?;
            lots.retain(|(lot, _)| lot.expires_on.is_none_or(|last| last >= today));
            Ok(TransferPage {
                key: match fields.one("key") {
                    "" => key,
                    sent => sent.to_owned(),
                },
                shell: staff.shell,
                problems,
                fields,
                from,
                stores,
                lots,
            })
        })
        .await
}

/// `POST /stock/transfers`
///
/// # Errors
/// `NotFound` for a lot of another store: what is wrong in the form is shown in it.
pub async fn transfer(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    match try_transfer(&app, &staff, fields.clone()).await {
        Ok(number) => Ok(page::go(&format!("/stock/receipts/{number}?done=received"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &transfer_page(&app, staff, fields, problems).await?)
        }
    }
}

async fn try_transfer(app: &App, staff: &Staff, fields: Fields) -> Result<i64> {
    let act = fields.act("stock.transferred", &staff.user.id, app.now());
    let duties = staff.duties.clone();
    app.db
        .write(move |conn| {
            let stores = stores(conn, &duties, Permission::ReceiveStock)?;
            let asked = Transfer {
                from: chosen(&stores, fields.one("from"))?.id,
                to: chosen(&stores, fields.one("to"))?.id,
                lots: fields.numbers("lot-", "lots")?,
                note: fields.one("note").to_owned(),
            };
            receipt::transfer(conn, &asked, &act)
        })
        .await
}
