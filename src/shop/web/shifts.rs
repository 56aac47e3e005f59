//! Shifts of a store: the list, and the hand-over sheet of each with what was counted and who audited it.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::sent::{Path, Query, SignedForm};
use crate::shop::goods;
use crate::shop::handover::{self, Totals};
use crate::shop::shift::{self, Shift};
use crate::shop::store;
use crate::shop::till;

/// Shifts on a page.
const ON_A_PAGE: i64 = 30;

#[derive(Template)]
#[template(path = "shop/shifts.html")]
struct ShiftsPage {
    shell: Shell,
    store: String,
    rows: Vec<Row>,
    /// From where the next page goes on.
    older: Option<i64>,
}

struct Row {
    shift: Shift,
    till: String,
    person: String,
    totals: Totals,
}

/// From where on.
#[derive(Deserialize)]
pub struct Before {
    before: Option<i64>,
}

/// `GET /shifts?before=40`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn shifts(State(app): State<App>, staff: Staff, Query(before): Query<Before>) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let store = store::of_duties(conn, &staff.duties, Permission::ReadJournal)?;
            let shifts = shift::of_store(conn, &store.id, before.before, ON_A_PAGE)?;
            let full = i64::try_from(shifts.len()).unwrap_or(0) == ON_A_PAGE;
            let older = shifts.last().map(|last| last.number).filter(|_| full);
            Ok(ShiftsPage {
                shell: staff.shell,
                store: store.name,
                rows: rows(conn, shifts)?,
                older,
            })
        })
        .await?;
    page::show(&page)
}

fn rows(conn: &mut Conn, shifts: Vec<Shift>) -> Result<Vec<Row>> {
    let people: Vec<Id<User>> = shifts.iter().map(|shift| shift.opened_by.clone()).collect();
    let names = user::display_names(conn, &people)?;
    let mut tills: HashMap<_, String> = HashMap::new();
    let mut rows = Vec::with_capacity(shifts.len());
    for shift in shifts {
        if !tills.contains_key(&shift.till_id) {
            tills.insert(shift.till_id.clone(), till::by_id(conn, &shift.till_id)?.name);
        }
        rows.push(Row {
            till: tills.get(&shift.till_id).cloned().unwrap_or_default(),
            person: names.get(&shift.opened_by).cloned().unwrap_or_default(),
            totals: handover::totals(conn, &shift.id)?,
            shift,
        });
    }
    Ok(rows)
}

#[derive(Template)]
#[template(path = "shop/handover.html")]
struct HandoverPage {
    shell: Shell,
    problems: Problems,
    done: String,
    store: String,
    till: String,
    shift: Shift,
    opened_by: String,
    closed_by: String,
    audited_by: String,
    totals: Totals,
    counts: Vec<Counted>,
    /// May the visitor audit it now?
    may_audit: bool,
}

/// Goods that were counted.
struct Counted {
    name: String,
    unit: String,
    expected: i64,
    counted: i64,
}

impl Counted {
    fn difference(&self) -> i64 {
        self.counted.saturating_sub(self.expected)
    }
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /shifts/{number}`
///
/// # Errors
/// `NotFound`, also for a shift of a store outside the person's duties.
pub async fn handover(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    Query(done): Query<Done>,
) -> Result<Response> {
    show(&app, staff, number, StatusCode::OK, Problems::default(), done.done).await
}

async fn show(
    app: &App,
    staff: Staff,
    number: i64,
    status: StatusCode,
    problems: Problems,
    done: String,
) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| build(conn, staff, number, problems, done))
        .await?;
    page::show_with(status, &page)
}

fn build(conn: &mut Conn, staff: Staff, number: i64, problems: Problems, done: String) -> Result<HandoverPage> {
    let shift = shift::by_number(conn, number)?;
    let stores = store::all_of_duties(conn, &staff.duties, Permission::ReadJournal)?;
    let store = stores.into_iter().find(|store| store.id == shift.store_id);
    let store = store.ok_or(Error::NotFound)?;
    let people: Vec<Id<User>> = [
        Some(&shift.opened_by),
        shift.closed_by.as_ref(),
        shift.audited_by.as_ref(),
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect();
    let names = user::display_names(conn, &people)?;
    let name = |id: Option<&Id<User>>| id.and_then(|id| names.get(id)).cloned().unwrap_or_default();
    let counts = handover::counts(conn, &shift.id)?;
    let ids: Vec<_> = counts.iter().map(|count| count.goods_id.clone()).collect();
    let goods = goods::by_ids(conn, &ids)?;
    let counts = counts
        .into_iter()
        .map(|count| {
            let item = goods.get(&count.goods_id);
            Counted {
                name: item.map(|item| item.name.clone()).unwrap_or_default(),
                unit: item.map(|item| item.unit.clone()).unwrap_or_default(),
                expected: count.expected,
                counted: count.counted,
            }
        })
        .collect();
    let own = shift.opened_by == staff.user.id || shift.closed_by.as_ref() == Some(&staff.user.id);
    let waits = !shift.is_open() && shift.audited_at.is_none();
    Ok(HandoverPage {
        may_audit: staff.duties.permit(Permission::AuditShifts) && waits && !own,
        shell: staff.shell,
        problems,
        done,
        store: store.name,
        till: till::by_id(conn, &shift.till_id)?.name,
        opened_by: name(Some(&shift.opened_by)),
        closed_by: name(shift.closed_by.as_ref()),
        audited_by: name(shift.audited_by.as_ref()),
        totals: handover::totals(conn, &shift.id)?,
        counts,
        shift,
    })
}

/// What the audit found.
#[derive(Clone, Default, Deserialize)]
pub struct NewAudit {
    #[serde(default)]
    note: String,
}

/// `POST /shifts/{number}/audit`
///
/// # Errors
/// `NotFound` for a shift of a store outside the person's duties; what the rules refuse is shown on the page.
pub async fn audit_shift(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(form): SignedForm<NewAudit>,
) -> Result<Response> {
    let (duties, by, now) = (staff.duties.clone(), staff.user.id.clone(), app.now());
    let audited = app
        .db
        .write(move |conn| {
            let shift = shift::by_number(conn, number)?;
            let stores = store::all_of_duties(conn, &duties, Permission::AuditShifts)?;
            if stores.iter().all(|store| store.id != shift.store_id) {
                return Err(Error::NotFound);
            }
            shift::audit(conn, &shift.id, &form.note, &by, now)
        })
        .await;
    match audited {
        Ok(shift) => Ok(page::go(&format!("/shifts/{}?done=audited", shift.number))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, staff, number, status, problems, String::new()).await
        }
    }
}
