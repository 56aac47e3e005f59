//! A household's own appeal about a title that it was not given, from its phone.
//!
//! The household comes from its session: an award of another one is not found here, nor one on which the council has not
//! decided. Where the appeal stands is on its page of honours, and at the number of the receipt.

use askama::Template;
use axum::extract::State as FromApp;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::app::{App, Resident, Sender};
use crate::clock;
use crate::council::receipt;
use crate::error::Result;
use crate::honours::appeal::{self, File, Filer, TitleAppeal};
use crate::honours::book::{self, OwnTitle};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::programme;
use crate::sent::{Path, SignedForm};

#[derive(Template)]
#[template(path = "honours/appeal_own.html")]
struct OwnAppealPage {
    shell: Shell,
    problems: Problems,
    title: OwnTitle,
    key: Id<TitleAppeal>,
    reason: String,
    office: String,
    phone: String,
}

/// An appeal, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct OwnFiled {
    #[serde(default)]
    key: String,
    #[serde(default)]
    reason: String,
}

/// `GET /my/honours/{id}/appeal`
///
/// # Errors
/// `NotFound`, also for another household's award, and for one on which the council has not decided.
pub async fn own_appeal_form(
    FromApp(app): FromApp<App>,
    resident: Resident,
    Path(id): Path<String>,
) -> Result<Response> {
    show(&app, resident, id, StatusCode::OK, Problems::default(), String::new()).await
}

async fn show(
    app: &App,
    resident: Resident,
    id: String,
    status: StatusCode,
    problems: Problems,
    reason: String,
) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let programme = programme::get(conn)?;
            Ok(OwnAppealPage {
                title: book::title(conn, &resident.household.id, &Id::known(id), now)?,
                key: Id::new(now),
                office: programme.office,
                phone: programme.phone,
                shell: resident.shell,
                problems,
                reason,
            })
        })
        .await?;
    page::show_with(status, &page)
}

/// `POST /my/honours/{id}/appeal`
///
/// # Errors
/// As [`own_appeal_form`]: what is wrong in the form is shown in it.
pub async fn own_appeal(
    FromApp(app): FromApp<App>,
    resident: Resident,
    sender: Sender,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<OwnFiled>,
) -> Result<Response> {
    match try_appeal(&app, &resident, sender, id.clone(), form.clone()).await {
        Ok(appeal) => Ok(page::go(&format!("/title-appeals/{}?done=filed", appeal.receipt))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, resident, id, status, problems, form.reason).await
        }
    }
}

async fn try_appeal(app: &App, resident: &Resident, sender: Sender, id: String, form: OwnFiled) -> Result<TitleAppeal> {
    let (own, award, now) = (resident.household.id.clone(), Id::known(id), app.now());
    let (household, wanted) = (own.clone(), award.clone());
    app.db
        .read(move |conn| book::title(conn, &household, &wanted, now))
        .await?;
    app.expect_few_filings(sender)?;
    let asked = File {
        award,
        reason: form.reason,
        contact: String::new(),
        by: Filer::Household(own),
        key: form.key,
    };
    app.db.write(move |conn| appeal::file(conn, &asked, now)).await
}
