//! The page that lists the sessions of all councils, and convenes one.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{Datelike, Days};
use serde::Deserialize;

use super::hall::{area_name, concerns};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment, day_of};
use crate::council::member;
use crate::council::session::{self, BallotForm, Convene, Session, State as Stand};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, Tree};
use crate::scheme::terms::{self, Cycle};
use crate::scheme::version;
use crate::sent::{Query, SignedForm};

#[derive(Template)]
#[template(path = "council/sessions.html")]
struct SessionsPage {
    shell: Shell,
    problems: Problems,
    rows: Vec<SessionRow>,
    councils: Vec<Council>,
    may_keep: bool,
    may_vote: bool,
    today: Day,
    key: Id<Session>,
    form: NewSession,
}

struct SessionRow {
    session: Session,
    area: String,
    held_on: String,
}

/// A council that could be convened.
struct Council {
    area: Id<Area>,
    name: String,
    members: usize,
    waiting: usize,
    under_way: Option<i64>,
}

impl Council {
    fn can_meet(&self) -> bool {
        self.under_way.is_none()
    }
}

impl SessionsPage {
    fn badge(state: &Stand) -> &'static str {
        match state {
            Stand::Convened => "badge info",
            Stand::Open => "badge red",
            Stand::Closed => "badge ok",
            Stand::Cancelled => "badge",
        }
    }
}

/// Sessions that the list shows.
const SHOWN: i64 = 100;

/// Which council to convene.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    area: String,
}

/// `GET /sessions`
///
/// # Errors
/// Only when the database fails.
pub async fn sessions(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let now = app.now();
    let form = NewSession {
        area: wanted.area,
        ..NewSession::default()
    };
    let read = move |conn: &mut Conn| sessions_page(conn, staff, Problems::default(), form, now);
    page::show(&app.db.read(read).await?)
}

fn sessions_page(
    conn: &mut Conn,
    staff: Staff,
    problems: Problems,
    mut form: NewSession,
    now: Moment,
) -> Result<SessionsPage> {
    let tree = Tree::load(conn)?;
    let today = day_of(now);
    let mut rows = Vec::new();
    for session in session::list(conn, SHOWN)? {
        if concerns(&staff.duties, &tree, &session.area_id) {
            rows.push(SessionRow {
                area: area_name(&tree, &session.area_id),
                held_on: clock::spoken_day(session.held_on),
                session,
            });
        }
    }
    let may_keep = staff.duties.permit(Permission::KeepSession);
    let councils = match may_keep {
        true => councils(conn, &staff, &tree, today)?,
        false => Vec::new(),
    };
    if form.held_on.is_empty() {
        form.held_on = council_day(conn, today)?.to_string();
    }
    if form.place.is_empty() && form.key.is_empty() {
        form.place = rows.first().map(|row| row.session.place.clone()).unwrap_or_default();
    }
    if form.area.is_empty()
        && let Some(most) = councils
            .iter()
            .filter(|one| one.can_meet())
            .max_by_key(|one| one.waiting)
    {
        form.area = most.area.to_string();
    }
    Ok(SessionsPage {
        may_vote: staff.duties.permit(Permission::Vote),
        shell: staff.shell,
        problems,
        rows,
        councils,
        may_keep,
        today,
        key: Id::new(now),
        form,
    })
}

/// The councils that this person keeps sessions of.
fn councils(conn: &mut Conn, staff: &Staff, tree: &Tree, today: Day) -> Result<Vec<Council>> {
    let reach = staff.duties.reach(Permission::KeepSession, tree);
    let mut members = member::all(conn)?;
    members.retain(|member| member.sits_on(today) && reach.covers(&member.area_id));
    let mut areas: Vec<Id<Area>> = members.iter().map(|member| member.area_id.clone()).collect();
    areas.sort();
    areas.dedup();
    let mut councils = Vec::with_capacity(areas.len());
    for area in areas {
        councils.push(Council {
            name: area_name(tree, &area),
            members: members.iter().filter(|member| member.area_id == area).count(),
            waiting: session::waiting(conn, &area)?.len(),
            under_way: session::under_way(conn, &area)?.map(|session| session.number),
            area,
        });
    }
    Ok(councils)
}

/// The next day of the month on which the rules have the council meet.
fn council_day(conn: &mut Conn, today: Day) -> Result<Day> {
    let cycle = match version::in_force(conn, today) {
        Ok(version) => terms::of(conn, &version.id)?.cycle,
        Err(Error::NotFound) => Cycle::default(),
        Err(error) => return Err(error),
    };
    // In a month without that day the last one counts.
    let is_it = |day: &Day| {
        let tomorrow = day.succ_opt().unwrap_or(*day);
        day.day() == cycle.council_day || (tomorrow.day() == 1 && day.day() < cycle.council_day)
    };
    let days = (0..62).filter_map(|days| today.checked_add_days(Days::new(days)));
    Ok(days.into_iter().find(is_it).unwrap_or(today))
}

/// A session, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewSession {
    #[serde(default)]
    key: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    held_on: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    ballot: String,
}

/// `POST /sessions`
///
/// # Errors
/// `NotFound` for a council outside the visitor's area: what is wrong in the form is shown in it.
pub async fn convene(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewSession>,
) -> Result<Response> {
    match try_convene(&app, &staff, form.clone()).await {
        Ok(session) => Ok(page::go(&format!("/sessions/{}?done=convened", session.number))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let read = move |conn: &mut Conn| sessions_page(conn, staff, problems, form, now);
            page::show_with(status, &app.db.read(read).await?)
        }
    }
}

async fn try_convene(app: &App, staff: &Staff, form: NewSession) -> Result<Session> {
    if form.area.is_empty() {
        return Err(Error::invalid("area", "请选择哪个评议会开会。"));
    }
    let held_on = form
        .held_on
        .trim()
        .parse()
        .map_err(|_| Error::invalid("held_on", "请填写哪一天开会，例如2026-11-25。"))?;
    let ballot =
        BallotForm::from_word(&form.ballot).ok_or_else(|| Error::invalid("ballot", "请选择举手还是无记名投票。"))?;
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let area = Id::known(form.area);
            staff.expect_within(conn, Permission::KeepSession, &area)?;
            let asked = Convene {
                area,
                held_on,
                place: form.place,
                ballot,
                by: staff.user.id,
                key: form.key,
            };
            session::convene(conn, &asked, now)
        })
        .await
}
