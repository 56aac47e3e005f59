//! What a household asks the office to do with its data, and the office's list of all of them.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::{Permission, Reach};
use crate::access::user::{self, User};
use crate::app::{App, Resident, Staff};
use crate::clock::{self, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::household::{self, Household};
use crate::resident::request::{self, ANSWER_DAYS, RequestKind, ResidentRequest};
use crate::retention::deletion;
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "resident/requests.html")]
struct OwnPage {
    shell: Shell,
    problems: Problems,
    is_done: bool,
    requests: Vec<ResidentRequest>,
    form: NewRequest,
    key: Id<ResidentRequest>,
}

impl OwnPage {
    fn is_chosen(&self, kind: &RequestKind) -> bool {
        self.form.kind == kind.word()
    }
}

/// A request, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewRequest {
    #[serde(default)]
    key: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    note: String,
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: bool,
}

/// `GET /my/requests`
///
/// # Errors
/// Only when the database fails.
pub async fn own_requests(State(app): State<App>, resident: Resident, Query(done): Query<Done>) -> Result<Response> {
    let form = NewRequest::default();
    show(&app, resident, StatusCode::OK, Problems::default(), form, done.done).await
}

async fn show(
    app: &App,
    resident: Resident,
    status: StatusCode,
    problems: Problems,
    form: NewRequest,
    is_done: bool,
) -> Result<Response> {
    let household = resident.household.id;
    let requests = app.db.read(move |conn| request::of_household(conn, &household)).await?;
    let page = OwnPage {
        shell: resident.shell,
        problems,
        is_done,
        requests,
        form,
        key: Id::new(app.now()),
    };
    page::show_with(status, &page)
}

/// `POST /my/requests`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn make_request(
    State(app): State<App>,
    resident: Resident,
    SignedForm(form): SignedForm<NewRequest>,
) -> Result<Response> {
    match try_make(&app, resident.household.id.clone(), form.clone()).await {
        Ok(()) => Ok(page::go("/my/requests?done=true")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, resident, status, problems, form, false).await
        }
    }
}

async fn try_make(app: &App, household: Id<Household>, form: NewRequest) -> Result<()> {
    let kind = RequestKind::from_word(&form.kind).ok_or_else(|| Error::invalid("kind", "请先选要办什么。"))?;
    let now = app.now();
    app.db
        .write(move |conn| request::make(conn, &household, (kind, &form.note), &form.key, now))
        .await
}

#[derive(Template)]
#[template(path = "resident/office.html")]
struct OfficePage {
    shell: Shell,
    problems: Problems,
    is_done: bool,
    rows: Vec<Row>,
    /// Households whose deletion waits for a second person: their codes, and who proposed it.
    deletions: Vec<(String, String)>,
    may_answer: bool,
}

/// A request as the office sees it.
struct Row {
    request: ResidentRequest,
    household: Household,
    answered_by: String,
    /// Is the time for an answer over?
    is_late: bool,
}

impl Row {
    fn asks_to_delete(&self) -> bool {
        self.request.kind == RequestKind::Deletion
    }
}

/// `GET /household-requests`
///
/// # Errors
/// Only when the database fails.
pub async fn all_requests(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    show_all(&app, staff, StatusCode::OK, Problems::default(), done.done).await
}

async fn show_all(app: &App, staff: Staff, status: StatusCode, problems: Problems, is_done: bool) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let reach = staff.reach(conn, Permission::ReadHouseholds)?;
            let requests = request::all(conn)?;
            let homes: Vec<Id<Household>> = requests.iter().map(|one| one.household_id.clone()).collect();
            let homes: HashMap<Id<Household>, Household> = household::by_ids(conn, &homes)?
                .into_iter()
                .map(|home| (home.id.clone(), home))
                .collect();
            let people: Vec<Id<User>> = requests.iter().filter_map(|one| one.answered_by.clone()).collect();
            let people = user::display_names(conn, &people)?;
            let rows = requests.into_iter().filter_map(|request| {
                let household = homes.get(&request.household_id)?.clone();
                let name = request.answered_by.as_ref().and_then(|by| people.get(by));
                reach.covers(&household.building_id).then(|| Row {
                    is_late: request.answered_at.is_none() && request.due_on < today,
                    answered_by: name.cloned().unwrap_or_default(),
                    household,
                    request,
                })
            });
            let rows: Vec<Row> = rows.collect();
            Ok(OfficePage {
                deletions: deletions_within(conn, &reach)?,
                rows,
                may_answer: staff.duties.permit(Permission::ChangeHouseholds),
                shell: staff.shell,
                problems,
                is_done,
            })
        })
        .await?;
    page::show_with(status, &page)
}

fn deletions_within(conn: &mut Conn, reach: &Reach) -> Result<Vec<(String, String)>> {
    let waiting = deletion::waiting(conn)?;
    let people: Vec<Id<User>> = waiting.iter().map(|one| one.proposed_by.clone()).collect();
    let people = user::display_names(conn, &people)?;
    let mut within = Vec::new();
    for one in waiting {
        let home = household::by_id(conn, &one.household_id)?;
        if reach.covers(&home.building_id) {
            within.push((home.code, people.get(&one.proposed_by).cloned().unwrap_or_default()));
        }
    }
    Ok(within)
}

/// What the office answers.
#[derive(Deserialize)]
pub struct Answer {
    #[serde(default)]
    answer: String,
}

/// `POST /household-requests/{id}/answer`
///
/// # Errors
/// `NotFound` outside the person's area; what is wrong in the form is shown above the list.
pub async fn answer_request(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(answer): SignedForm<Answer>,
) -> Result<Response> {
    let (person, now) = (staff.clone(), app.now());
    let outcome = app
        .db
        .write(move |conn| {
            let id = Id::known(id);
            let asked = request::by_id(conn, &id)?;
            let home = household::by_id(conn, &asked.household_id)?;
            person.expect_within(conn, Permission::ChangeHouseholds, &home.building_id)?;
            request::answer(conn, &id, &answer.answer, &person.user.id, now)
        })
        .await;
    match outcome {
        Ok(()) => Ok(page::go("/household-requests?done=true")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show_all(&app, staff, status, problems, false).await
        }
    }
}
