//! Who may fetch goods for a household, and the PIN with which it confirms: registered with the household present.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::cards::pin::{self, PinHash};
use crate::clock::{self, Day, day_of};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::household::{self, Household};
use crate::resident::tries;
use crate::sent::{NoFields, Path, Query, SignedForm};
use crate::shop::proxy::{self, NewProxy, Proxy};

#[derive(Template)]
#[template(path = "shop/proxies.html")]
struct ProxiesPage {
    shell: Shell,
    problems: Problems,
    done: String,
    household: Household,
    proxies: Vec<Proxy>,
    has_pin: bool,
    /// Did too many tries on a phone lock the household out of its own page?
    is_locked: bool,
    /// May the visitor change the list and the PIN?
    may_change: bool,
    form: ProxyForm,
    today: Day,
}

/// Somebody for the list, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct ProxyForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    relation: String,
    #[serde(default)]
    until_on: String,
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /households/{code}/proxies`
///
/// # Errors
/// `NotFound`, also for a household outside the person's duties.
pub async fn proxies(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let form = ProxyForm::default();
    show(&app, staff, code, form, StatusCode::OK, Problems::default(), done.done).await
}

async fn show(
    app: &App,
    staff: Staff,
    code: String,
    form: ProxyForm,
    status: StatusCode,
    problems: Problems,
    done: String,
) -> Result<Response> {
    let now = app.now();
    let today = day_of(now);
    let page = app
        .db
        .read(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ReadHouseholds, &household.building_id)?;
            Ok(ProxiesPage {
                may_change: staff.duties.permit(Permission::ChangeHouseholds),
                shell: staff.shell,
                problems,
                done,
                proxies: proxy::of_household(conn, &household.id, today)?,
                has_pin: pin::of(conn, &household.id)?.is_some(),
                is_locked: tries::is_locked(conn, &household.id, now)?,
                household,
                form,
                today,
            })
        })
        .await?;
    page::show_with(status, &page)
}

/// `POST /households/{code}/proxies`
///
/// # Errors
/// `NotFound` outside the person's duties; what is wrong in the form is shown in it.
pub async fn register_proxy(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    SignedForm(form): SignedForm<ProxyForm>,
) -> Result<Response> {
    let outcome = try_register(&app, &staff, code.clone(), form.clone()).await;
    answer(&app, staff, code, form, outcome, "registered").await
}

async fn try_register(app: &App, staff: &Staff, code: String, form: ProxyForm) -> Result<()> {
    let until_on = match form.until_on.trim() {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|_| Error::invalid("until_on", "有效期应写成2027-03-31的样子，长期有效请留空。"))?,
        ),
    };
    let new = NewProxy {
        name: form.name,
        relation: form.relation,
        until_on,
    };
    let (staff, now) = (staff.clone(), app.now());
    app.db
        .write(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
            proxy::register(conn, &household.id, &new, &staff.user.id, now).map(|_| ())
        })
        .await
}

/// `POST /households/{code}/proxies/{id}/ending`
///
/// # Errors
/// `NotFound` outside the person's duties, or for somebody who is not on the list.
pub async fn end_proxy(
    State(app): State<App>,
    staff: Staff,
    Path((code, id)): Path<(String, String)>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let (person, now, of) = (staff.clone(), app.now(), code.clone());
    let outcome = app
        .db
        .write(move |conn| {
            let household = household::by_code(conn, &of)?;
            person.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
            let id: Id<Proxy> = Id::known(id);
            proxy::end(conn, &household.id, &id, &person.user.id, now)
        })
        .await;
    answer(&app, staff, code, ProxyForm::default(), outcome, "ended").await
}

/// A new PIN, typed twice.
#[derive(Clone, Default, Deserialize)]
pub struct NewPin {
    #[serde(default)]
    pin: String,
    #[serde(default)]
    again: String,
}

/// `POST /households/{code}/pin`
///
/// # Errors
/// `NotFound` outside the person's duties; what is wrong in the form is shown in it.
pub async fn set_pin(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    SignedForm(form): SignedForm<NewPin>,
) -> Result<Response> {
    let outcome = try_set_pin(&app, &staff, code.clone(), form).await;
    answer(&app, staff, code, ProxyForm::default(), outcome, "pin").await
}

/// `POST /households/{code}/pin-unlocking`: the household may try its PIN on a phone again.
///
/// # Errors
/// `NotFound` outside the person's duties.
pub async fn unlock_pin(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let (person, now, of) = (staff.clone(), app.now(), code.clone());
    let outcome = app
        .db
        .write(move |conn| {
            let household = household::by_code(conn, &of)?;
            person.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
            tries::unlock(conn, &household.id, &person.user.id, now)
        })
        .await;
    answer(&app, staff, code, ProxyForm::default(), outcome, "unlocked").await
}

async fn try_set_pin(app: &App, staff: &Staff, code: String, form: NewPin) -> Result<()> {
    if form.pin != form.again {
        return Err(Error::invalid("pin", "两次输入的密码不一样，请再输一次。"));
    }
    let hash = app.slowly(move || PinHash::of(&form.pin)).await??;
    let (staff, now) = (staff.clone(), app.now());
    app.db
        .write(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
            pin::set(conn, &household.id, &hash, &staff.user.id, now)
        })
        .await
}

async fn answer(
    app: &App,
    staff: Staff,
    code: String,
    form: ProxyForm,
    outcome: Result<()>,
    done: &str,
) -> Result<Response> {
    match outcome {
        Ok(()) => Ok(page::go(&format!("/households/{code}/proxies?done={done}"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(app, staff, code, form, status, problems, String::new()).await
        }
    }
}
