//! Donations: the register by period with its totals, and what each donor gave.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::Datelike;

use super::fields::{Fields, fresh_key, readable};
use super::goods::Done;
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, Day};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::page::{self, Problems, Shell};
use crate::sent::{Path, Query, SignedForm};
use crate::shop::donor::{self, ANONYMOUS, Donor};
use crate::shop::receipt::{self, Received, StockReceipt};

#[derive(Template)]
#[template(path = "shop/donations.html")]
struct DonationsPage {
    shell: Shell,
    problems: Problems,
    done: String,
    key: String,
    from: Day,
    to: Day,
    donations: Vec<(StockReceipt, i64)>,
    donors: Vec<Donor>,
    shown: HashMap<Id<Donor>, String>,
    may_register: bool,
    name: String,
}

impl DonationsPage {
    fn donor(&self, receipt: &StockReceipt) -> &str {
        let id = receipt.donor_id.as_ref();
        id.and_then(|id| self.shown.get(id)).map_or(ANONYMOUS, String::as_str)
    }

    /// What the donors say it is worth in all.
    fn declared(&self) -> Fen {
        sum_declared(self.donations.iter().map(|(receipt, _)| receipt))
    }
}

fn sum_declared<'a>(receipts: impl Iterator<Item = &'a StockReceipt>) -> Fen {
    let declared = receipts.filter_map(|receipt| receipt.declared_fen);
    Fen(declared.fold(0, |sum, fen| sum.saturating_add(fen.0)))
}

/// `GET /donations`: this year's, or those of other days.
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties; `Invalid` days.
pub async fn donations(State(app): State<App>, staff: Staff, Query(fields): Query<Fields>) -> Result<Response> {
    page::show(&register(&app, staff, fields, Problems::default()).await?)
}

async fn register(app: &App, staff: Staff, fields: Fields, problems: Problems) -> Result<DonationsPage> {
    let today = clock::day_of(app.now());
    let begin = Day::from_ymd_opt(today.year(), 1, 1).unwrap_or(today);
    let from = fields.maybe_day("from", "开始日期")?.unwrap_or(begin);
    let to = fields.maybe_day("to", "结束日期")?.unwrap_or(today);
    if from > to {
        return Err(Error::invalid("from", "开始日期在结束日期之后，请核对。"));
    }
    let key = fresh_key(app.now());
    app.db
        .read(move |conn| {
            let stores = readable(conn, &staff.duties)?;
            let donations = receipt::donations(conn, &stores, from, to)?;
            let donors = donor::named(conn)?;
            Ok(DonationsPage {
                shown: donors
                    .iter()
                    .map(|donor| (donor.id.clone(), donor.shown().to_owned()))
                    .collect(),
                may_register: staff.duties.permit(Permission::ReceiveStock),
                done: fields.one("done").to_owned(),
                name: fields.one("donor_name").to_owned(),
                shell: staff.shell,
                problems,
                key,
                from,
                to,
                donations,
                donors,
            })
        })
        .await
}

/// `POST /donors`: a donor who agrees to be named.
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn add_donor(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("donor.registered", &staff.user.id, app.now());
    let name = fields.one("donor_name").to_owned();
    let added = match fields.one("agrees") {
        "yes" => app.db.write(move |conn| donor::register(conn, &name, &act)).await,
        _ => Err(Error::invalid(
            "agrees",
            "捐赠人同意留名才能登记；不留名的不用登记，入库时选“热心人士”。",
        )),
    };
    match added {
        Ok(_) => Ok(page::go("/donations?done=donor")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &register(&app, staff, fields, problems).await?)
        }
    }
}

#[derive(Template)]
#[template(path = "shop/donor.html")]
struct DonorPage {
    shell: Shell,
    done: bool,
    key: String,
    donor: Donor,
    gifts: Vec<(StockReceipt, Vec<Received>)>,
    may_forget: bool,
}

impl DonorPage {
    fn declared(&self) -> Fen {
        sum_declared(self.gifts.iter().map(|(receipt, _)| receipt))
    }
}

/// `GET /donors/{id}`
///
/// # Errors
/// `NotFound`.
pub async fn donor(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let (id, key): (Id<Donor>, String) = (Id::known(id), fresh_key(app.now()));
    let page = app
        .db
        .read(move |conn| {
            let donor = donor::by_id(conn, &id)?;
            let stores = readable(conn, &staff.duties)?;
            let mut gifts = Vec::new();
            for receipt in receipt::of_donor(conn, &stores, &id)? {
                gifts.push(receipt::by_number(conn, receipt.number)?);
            }
            Ok(DonorPage {
                may_forget: donor.is_named && staff.duties.permit(Permission::ReceiveStock),
                shell: staff.shell,
                done: done.done == "forgotten",
                key,
                donor,
                gifts,
            })
        })
        .await?;
    page::show(&page)
}

/// `POST /donors/{id}/forgetting`: the donor does not wish to be named any more.
///
/// # Errors
/// `NotFound`.
pub async fn forget_donor(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("donor.forgotten", &staff.user.id, app.now());
    let id: Id<Donor> = Id::known(id);
    let asked = id.clone();
    app.db.write(move |conn| donor::forget(conn, &asked, &act)).await?;
    Ok(page::go(&format!("/donors/{id}?done=forgotten")))
}
