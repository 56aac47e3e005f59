//! The office keys in paper slips: somebody who is not rated. And the slip itself, to print.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::own::Given;
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{day_of, spoken_quarter};
use crate::error::{Error, Result};
use crate::feedback::answer::{self, FEWEST, LONGEST, MOST_STARS, Service};
use crate::page::{self, Problems, Shell};
use crate::places::household;
use crate::sent::{Query, SignedForm};

#[derive(Template)]
#[template(path = "feedback/entry.html")]
struct EntryPage {
    shell: Shell,
    problems: Problems,
    is_done: bool,
    quarter: String,
    /// Those that this person may key in.
    services: Vec<Service>,
    form: Slip,
}

/// A slip, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct Slip {
    #[serde(default)]
    household: String,
    #[serde(flatten)]
    given: Given,
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: bool,
}

/// `GET /feedback/entry`
///
/// # Errors
/// Only when the database fails.
pub async fn entry_form(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    show(
        &app,
        staff,
        StatusCode::OK,
        Problems::default(),
        Slip::default(),
        done.done,
    )
}

fn show(
    app: &App,
    staff: Staff,
    status: StatusCode,
    problems: Problems,
    form: Slip,
    is_done: bool,
) -> Result<Response> {
    let services = Service::ALL.iter().filter(|service| !service.is_about(&staff.duties));
    let page = EntryPage {
        services: services.copied().collect(),
        shell: staff.shell,
        problems,
        is_done,
        quarter: spoken_quarter(day_of(app.now())),
        form,
    };
    page::show_with(status, &page)
}

/// `POST /feedback/entry`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn key_in(State(app): State<App>, staff: Staff, SignedForm(form): SignedForm<Slip>) -> Result<Response> {
    match try_key_in(&app, staff.clone(), form.clone()).await {
        Ok(()) => Ok(page::go("/feedback/entry?done=true")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, staff, status, problems, form, false)
        }
    }
}

async fn try_key_in(app: &App, staff: Staff, form: Slip) -> Result<()> {
    let programme = app.programme().await?.ok_or(Error::NotFound)?;
    let (answer, now) = (form.given.answer()?, app.now());
    app.db
        .write(move |conn| {
            let household = household::named(conn, &form.household.trim().to_uppercase())?;
            staff
                .expect_within(conn, Permission::TakeObjection, &household.building_id)
                .map_err(|_| Error::invalid("household", "没有这个户号，请核对。"))?;
            let by = (&staff.user.id, &staff.duties);
            answer::key_in(conn, &programme, &household, &answer, by, now)
        })
        .await
}
