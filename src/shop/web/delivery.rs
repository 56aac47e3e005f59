//! Home deliveries: what is to be packed and brought, the pick list to print, and what became of each.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, Day, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::sent::{NoFields, Path, Query, SignedForm};
use crate::shop::delivery::{self, Delivery, DeliveryState};
use crate::shop::redemption::{self, Redeemed, Redemption};
use crate::shop::store;
use crate::shop::void;

#[derive(Template)]
#[template(path = "shop/deliveries.html")]
struct DeliveriesPage {
    shell: Shell,
    problems: Problems,
    done: String,
    store: String,
    open: Vec<Row>,
    ended: Vec<Row>,
    /// May the visitor pack and hand over?
    may_handle: bool,
}

/// A delivery with what is in it and where it goes.
struct Row {
    delivery: Delivery,
    redeemed: Redeemed,
    head_name: String,
    household: String,
    address: String,
    /// Was it voided meanwhile?
    voided: bool,
}

impl Row {
    fn id(&self) -> &Id<Redemption> {
        &self.delivery.redemption_id
    }

    fn slip(&self) -> i64 {
        self.redeemed.redemption.transaction_number
    }

    fn badge(&self) -> &'static str {
        match self.delivery.state {
            DeliveryState::ToPack => "badge warn",
            DeliveryState::Packed => "badge",
            DeliveryState::Delivered => "badge ok",
            DeliveryState::Undeliverable => "badge bad",
        }
    }

    fn goods(&self) -> String {
        self.redeemed.goods().join("、")
    }
}

/// Ended deliveries that are shown.
const ENDED: i64 = 20;
/// Open deliveries that are shown.
const OPEN: i64 = 200;

fn rows(conn: &mut Conn, deliveries: Vec<Delivery>) -> Result<Vec<Row>> {
    let ids: Vec<Id<Redemption>> = deliveries.iter().map(|one| one.redemption_id.clone()).collect();
    let mut redeemed = redemption::by_ids(conn, ids.clone())?;
    let voided: Vec<Id<Redemption>> = void::of(conn, &ids)?
        .into_iter()
        .map(|void| void.redemption_id)
        .collect();
    let tree = Tree::load(conn)?;
    let homes: Vec<Id<Household>> = redeemed
        .values()
        .map(|one| one.redemption.household_id.clone())
        .collect();
    let homes: HashMap<Id<Household>, Household> = household::by_ids(conn, &homes)?
        .into_iter()
        .map(|household| (household.id.clone(), household))
        .collect();
    let row = |delivery: Delivery| {
        let redeemed = redeemed.remove(&delivery.redemption_id)?;
        let household = homes.get(&redeemed.redemption.household_id)?;
        Some(Row {
            voided: voided.contains(&delivery.redemption_id),
            head_name: household.head_name.clone(),
            household: household.code.clone(),
            address: household.address(&tree),
            delivery,
            redeemed,
        })
    };
    Ok(deliveries.into_iter().filter_map(row).collect())
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /deliveries`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn deliveries(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    show(&app, staff, StatusCode::OK, Problems::default(), done.done).await
}

async fn show(app: &App, staff: Staff, status: StatusCode, problems: Problems, done: String) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let store = store::of_duties(conn, &staff.duties, Permission::ReadJournal)?;
            let open = delivery::of_store(conn, &store.id, true, OPEN)?;
            let ended = delivery::of_store(conn, &store.id, false, ENDED)?;
            Ok(DeliveriesPage {
                may_handle: staff.duties.permit(Permission::Redeem),
                shell: staff.shell,
                problems,
                done,
                store: store.name,
                open: rows(conn, open)?,
                ended: rows(conn, ended)?,
            })
        })
        .await?;
    page::show_with(status, &page)
}

#[derive(Template)]
#[template(path = "shop/pick_list.html")]
struct PickListPage {
    shell: Shell,
    store: String,
    today: Day,
    rows: Vec<Row>,
    /// What to take from the shelf in all: short code, name, unit and how many.
    picks: Vec<(String, String, String, i64)>,
}

/// `GET /deliveries/pick-list`: what is to be taken from the shelf, and a slip for every household to sign.
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn pick_list(State(app): State<App>, staff: Staff) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let store = store::of_duties(conn, &staff.duties, Permission::ReadJournal)?;
            let open = delivery::of_store(conn, &store.id, true, OPEN)?;
            let mut rows = rows(conn, open)?;
            rows.retain(|row| !row.voided);
            rows.sort_by(|one, other| one.household.cmp(&other.household));
            Ok(PickListPage {
                shell: staff.shell,
                store: store.name,
                today,
                picks: picks(&rows),
                rows,
            })
        })
        .await?;
    page::show(&page)
}

fn picks(rows: &[Row]) -> Vec<(String, String, String, i64)> {
    let mut sums: BTreeMap<&str, (&str, &str, i64)> = BTreeMap::new();
    let to_pack = rows.iter().filter(|row| row.delivery.state == DeliveryState::ToPack);
    for (line, item) in to_pack.flat_map(|row| &row.redeemed.lines) {
        let sum = sums.entry(&item.sku).or_insert((&item.name, &item.unit, 0));
        sum.2 = sum.2.saturating_add(line.quantity);
    }
    sums.into_iter()
        .map(|(sku, (name, unit, quantity))| (sku.to_owned(), name.to_owned(), unit.to_owned(), quantity))
        .collect()
}

/// `POST /deliveries/{id}/packing`
///
/// # Errors
/// `NotFound` outside the person's duties; what the rules refuse is shown on the page.
pub async fn pack_delivery(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let (duties, by, now) = (staff.duties.clone(), staff.user.id.clone(), app.now());
    let packed = app
        .db
        .write(move |conn| {
            let id: Id<Redemption> = Id::known(id);
            redemption::expect_within(conn, &id, &duties, Permission::Redeem)?;
            delivery::pack(conn, &id, &by, now)
        })
        .await;
    answer(&app, staff, packed, "packed").await
}

/// What became of a delivery, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct Ending {
    #[serde(default)]
    delivered: String,
    #[serde(default)]
    note: String,
}

/// `POST /deliveries/{id}/ending`
///
/// # Errors
/// `NotFound` outside the person's duties; what the rules refuse is shown on the page.
pub async fn end_delivery(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Ending>,
) -> Result<Response> {
    let (duties, by, now) = (staff.duties.clone(), staff.user.id.clone(), app.now());
    let delivered = match form.delivered.as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(Error::invalid("delivered", "请选择送到了还是没有送到。")),
    };
    let ended = match delivered {
        Err(error) => Err(error),
        Ok(delivered) => {
            app.db
                .write(move |conn| {
                    let id: Id<Redemption> = Id::known(id);
                    redemption::expect_within(conn, &id, &duties, Permission::Redeem)?;
                    delivery::end(conn, &id, (delivered, &form.note), &by, now)
                })
                .await
        }
    };
    answer(&app, staff, ended, "ended").await
}

async fn answer(app: &App, staff: Staff, outcome: Result<()>, done: &str) -> Result<Response> {
    match outcome {
        Ok(()) => Ok(page::go(&format!("/deliveries?done={done}"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(app, staff, status, problems, String::new()).await
        }
    }
}
