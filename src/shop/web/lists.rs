//! Lists of the shelf: what expires, what is past its day, what runs out, what nobody wants, and what should be ordered.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::fields::{Fields, chosen, stores};
use super::goods_file::csv_of;
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, Day};
use crate::db::Conn;
use crate::error::Result;
use crate::money::Fen;
use crate::page::{self, Shell};
use crate::sent::Query;
use crate::shop::demand::{self, COVER_WEEKS, FEW, NEAR_DAYS, Need, WEEKS};
use crate::shop::goods::GoodsItem;
use crate::shop::stock::StockLot;
use crate::shop::store::PointsStore;

#[derive(Template)]
#[template(path = "shop/lists.html")]
struct ListsPage {
    shell: Shell,
    store: PointsStore,
    stores: Vec<PointsStore>,
    today: Day,
    expired: Vec<(StockLot, GoodsItem)>,
    near: Vec<(StockLot, GoodsItem)>,
    low: Vec<Need>,
    dead: Vec<Need>,
    orders: Vec<Need>,
}

impl ListsPage {
    /// What the order would cost.
    fn cost(&self) -> Fen {
        let costs = self.orders.iter().map(|need| cost_of(need).0);
        Fen(costs.fold(0, i64::saturating_add))
    }
}

fn cost_of(need: &Need) -> Fen {
    Fen(need.entry.item.cost_fen.0.saturating_mul(need.order))
}

/// Rows of a list on the page; the file has all of them.
const MOST: usize = 300;

/// `GET /stock/lists`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn lists(State(app): State<App>, staff: Staff, Query(fields): Query<Fields>) -> Result<Response> {
    let today = clock::day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let (stores, store) = asked(conn, &staff, &fields)?;
            let (expired, near) = demand::expiring(conn, &store.id, today)?
                .into_iter()
                .partition(|(lot, _)| lot.expires_on.is_some_and(|last| last < today));
            let needs = demand::needs(conn, &store.id, today)?;
            let some = |wanted: fn(&Need) -> bool| -> Vec<Need> {
                needs.iter().filter(|need| wanted(need)).take(MOST).cloned().collect()
            };
            Ok(ListsPage {
                low: some(Need::is_low),
                dead: some(Need::is_dead),
                orders: some(|need| need.order > 0),
                shell: staff.shell,
                store,
                stores,
                today,
                expired,
                near,
            })
        })
        .await?;
    page::show(&page)
}

fn asked(conn: &mut Conn, staff: &Staff, fields: &Fields) -> Result<(Vec<PointsStore>, PointsStore)> {
    let stores = stores(conn, &staff.duties, Permission::ReadStock)?;
    let store = chosen(&stores, fields.one("store"))?;
    Ok((stores, store))
}

/// `GET /stock/lists/order.csv`: the suggested order for a supplier.
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn order_csv(State(app): State<App>, staff: Staff, Query(fields): Query<Fields>) -> Result<Response> {
    let today = clock::day_of(app.now());
    let needs = app
        .db
        .read(move |conn| {
            let (_, store) = asked(conn, &staff, &fields)?;
            demand::needs(conn, &store.id, today)
        })
        .await?;
    let head = [
        "编号",
        "条码",
        "名称",
        "单位",
        "建议订货",
        "箱数",
        "单价（元）",
        "金额（元）",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(needs.iter().filter(|need| need.order > 0).map(|need| {
        let item = &need.entry.item;
        vec![
            item.sku.clone(),
            item.barcode.clone().unwrap_or_default(),
            item.name.clone(),
            item.unit.clone(),
            need.order.to_string(),
            need.cases().map(|cases| cases.to_string()).unwrap_or_default(),
            item.cost_fen.to_string(),
            cost_of(need).to_string(),
        ]
    }));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"order.csv\""),
        ),
    ];
    Ok((headers, csv_of(&rows)?).into_response())
}
