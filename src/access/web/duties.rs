//! The duties of one user: what is held where, one more, one fewer.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::users::{AreaChoice, Done, area_choices, area_label, duties_in_words};
use crate::access::role::{Duties, Role};
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::audit::{self, Event};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, Tree};
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "access/duties.html")]
struct DutiesPage {
    shell: Shell,
    done: bool,
    problems: Problems,
    person: User,
    held: Vec<Held>,
    roles: &'static [Role],
    areas: Vec<AreaChoice>,
    form: Duty,
}

struct Held {
    role: Role,
    area: Id<Area>,
    place: String,
}

/// A duty, as the forms send it.
#[derive(Clone, Default, Deserialize)]
pub struct Duty {
    #[serde(default)]
    role: String,
    #[serde(default)]
    area: String,
}

/// `GET /users/{name}`
///
/// # Errors
/// `NotFound`.
pub async fn duties(
    State(app): State<App>,
    staff: Staff,
    Path(name): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let mut page = duties_page(&app, staff, name, Problems::default(), Duty::default()).await?;
    page.done = done.is_done();
    page::show(&page)
}

async fn duties_page(app: &App, staff: Staff, name: String, problems: Problems, form: Duty) -> Result<DutiesPage> {
    app.db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let person = user::by_name(conn, &name)?.ok_or(Error::NotFound)?;
            let held = user::duties(conn, &person.id)?.0.into_iter().map(|(role, area)| Held {
                role,
                place: tree.get(&area).map(|area| area_label(area, &tree)).unwrap_or_default(),
                area,
            });
            Ok(DutiesPage {
                shell: staff.shell,
                done: false,
                problems,
                held: held.collect(),
                person,
                roles: Role::ALL,
                areas: area_choices(&tree),
                form,
            })
        })
        .await
}

/// `POST /users/{name}/duties`. It carries no key: a duty that is held is not given twice.
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown in it.
pub async fn add_duty(
    State(app): State<App>,
    staff: Staff,
    Path(name): Path<String>,
    SignedForm(form): SignedForm<Duty>,
) -> Result<Response> {
    change(app, staff, name, form, true).await
}

/// `POST /users/{name}/duty-ending`
///
/// # Errors
/// `NotFound`: what the rules refuse is shown on the page.
pub async fn end_duty(
    State(app): State<App>,
    staff: Staff,
    Path(name): Path<String>,
    SignedForm(form): SignedForm<Duty>,
) -> Result<Response> {
    change(app, staff, name, form, false).await
}

async fn change(app: App, staff: Staff, name: String, form: Duty, adds: bool) -> Result<Response> {
    match try_change(&app, &staff, name.clone(), form.clone(), adds).await {
        Ok(()) => Ok(page::go(&format!("/users/{name}?done=yes"))),
        Err(error) => {
            let (status, problems): (StatusCode, Problems) = Problems::from_error(error)?;
            page::show_with(status, &duties_page(&app, staff, name, problems, form).await?)
        }
    }
}

async fn try_change(app: &App, staff: &Staff, name: String, form: Duty, adds: bool) -> Result<()> {
    let (now, by) = (app.now(), staff.user.id.clone());
    app.db
        .write(move |conn| {
            let person = user::by_name(conn, &name)?.ok_or(Error::NotFound)?;
            let role = Role::from_word(&form.role).ok_or_else(|| Error::invalid("role", "请选择职责。"))?;
            let area: Id<Area> = Id::known(form.area);
            let tree = Tree::load(conn)?;
            if tree.get(&area).is_none() {
                return Err(Error::invalid("area", "请选择范围。"));
            }
            let (changed, act) = match adds {
                true => (user::add_duty(conn, &person, role, &area)?, "user.duty_added"),
                false => (user::end_duty(conn, &person, role, &area)?, "user.duty_ended"),
            };
            if !changed {
                return Ok(());
            }
            let detail = duties_in_words(&Duties(vec![(role, area)]), &tree);
            let subject = format!("user:{}", person.id);
            audit::record(conn, &[Event::new(by.as_str(), act, subject, detail, now)])
        })
        .await
}
