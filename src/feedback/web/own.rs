//! A household rates the services on its own page.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::app::{App, Resident};
use crate::clock::{day_of, spoken_quarter};
use crate::error::{Error, Result};
use crate::feedback::answer::{self, Answer, FEWEST, LONGEST, MOST_STARS, Service};
use crate::page::{self, Problems, Shell};
use crate::places::household::Household;
use crate::sent::{Query, SignedForm};

#[derive(Template)]
#[template(path = "feedback/own.html")]
struct OwnPage {
    shell: Shell,
    problems: Problems,
    is_done: bool,
    quarter: String,
    services: Vec<(Service, bool)>,
    form: Given,
}

/// An answer, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct Given {
    #[serde(default)]
    service: String,
    #[serde(default)]
    stars: String,
    #[serde(default)]
    sentence: String,
}

impl Given {
    /// What the form says.
    ///
    /// # Errors
    /// `Invalid` for an unknown service or no stars.
    pub(super) fn answer(self) -> Result<Answer> {
        let service = Service::from_word(&self.service).ok_or_else(|| Error::invalid("service", "请选评哪一项。"))?;
        let stars = self
            .stars
            .parse()
            .map_err(|_| Error::invalid("stars", "请选1到5颗星。"))?;
        Ok(Answer {
            service,
            stars,
            sentence: self.sentence,
        })
    }

    pub(super) fn has(&self, service: &Service, stars: &i64) -> bool {
        self.service == service.word() && self.stars == stars.to_string()
    }

    pub(super) fn is_about(&self, service: &Service) -> bool {
        self.service == service.word()
    }

    pub(super) fn stars(&self) -> &str {
        &self.stars
    }

    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: bool,
}

/// `GET /my/feedback`
///
/// # Errors
/// Only when the database fails.
pub async fn own(State(app): State<App>, resident: Resident, Query(done): Query<Done>) -> Result<Response> {
    let form = Given::default();
    show(&app, resident, StatusCode::OK, Problems::default(), form, done.done).await
}

async fn show(
    app: &App,
    Resident { household, shell, .. }: Resident,
    status: StatusCode,
    problems: Problems,
    form: Given,
    is_done: bool,
) -> Result<Response> {
    let programme = app.programme().await?.ok_or(Error::NotFound)?;
    let today = day_of(app.now());
    let given = app
        .db
        .read(move |conn| answer::given(conn, &programme, &household.id, today))
        .await?;
    let services = Service::ALL.iter().map(|service| (*service, given.contains(service)));
    let page = OwnPage {
        shell,
        problems,
        is_done,
        quarter: spoken_quarter(today),
        services: services.collect(),
        form,
    };
    page::show_with(status, &page)
}

/// `POST /my/feedback`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn give(State(app): State<App>, resident: Resident, SignedForm(form): SignedForm<Given>) -> Result<Response> {
    match try_give(&app, resident.household.clone(), form.clone()).await {
        Ok(()) => Ok(page::go("/my/feedback?done=true")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, resident, status, problems, form, false).await
        }
    }
}

async fn try_give(app: &App, household: Household, form: Given) -> Result<()> {
    let programme = app.programme().await?.ok_or(Error::NotFound)?;
    let (answer, now) = (form.answer()?, app.now());
    app.db
        .write(move |conn| answer::give(conn, &programme, &household, &answer, now))
        .await
}
