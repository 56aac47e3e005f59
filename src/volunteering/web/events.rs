//! All events, and announcing one.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::{self, Moment};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, Tree};
use crate::scheme::item::{self, Item};
use crate::scheme::version;
use crate::sent::SignedForm;
use crate::volunteering::event::{self, Announce, State as EventState, VolunteerEvent};
use crate::volunteering::minutes::minute_of_day;
use crate::volunteering::stay;

#[derive(Template)]
#[template(path = "volunteering/events.html")]
struct EventsPage {
    shell: Shell,
    /// From today on, the next one first.
    to_come: Vec<Listed>,
    /// Over, and its times wait for the second person.
    to_confirm: Vec<Listed>,
    /// Confirmed or cancelled, the latest first.
    past: Vec<Listed>,
    may_announce: bool,
}

struct Listed {
    event: VolunteerEvent,
    address: String,
    led_by: String,
    households: usize,
    people: i64,
}

/// Events that the list shows.
const SHOWN: i64 = 100;

/// `GET /volunteering`
///
/// # Errors
/// Only when the database fails.
pub async fn events(State(app): State<App>, staff: Staff) -> Result<Response> {
    let today = clock::day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let reach = staff.reach(conn, Permission::ReadNominations)?;
            let mut events = event::list(conn, SHOWN)?;
            events.retain(|event| reach.covers(&event.area_id));
            let (open, past): (Vec<_>, Vec<_>) = listed(conn, events)?.into_iter().partition(|one| one.event.is_open());
            let (mut to_come, to_confirm): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|one| one.event.held_on >= today);
            to_come.reverse();
            Ok(EventsPage {
                may_announce: staff.duties.permit(Permission::KeepVolunteering),
                shell: staff.shell,
                to_come,
                to_confirm,
                past,
            })
        })
        .await?;
    page::show(&page)
}

fn listed(conn: &mut Conn, events: Vec<VolunteerEvent>) -> Result<Vec<Listed>> {
    let tree = Tree::load(conn)?;
    let ids: Vec<Id<VolunteerEvent>> = events.iter().map(|event| event.id.clone()).collect();
    let leaders: Vec<Id<User>> = events.iter().map(|event| event.led_by.clone()).collect();
    let (turnout, names) = (stay::turnout(conn, &ids)?, user::display_names(conn, &leaders)?);
    let listed = events.into_iter().map(|event| {
        let (households, people) = turnout.get(&event.id).copied().unwrap_or_default();
        Listed {
            address: tree.told(&event.area_id),
            led_by: names.get(&event.led_by).cloned().unwrap_or_default(),
            households,
            people,
            event,
        }
    });
    Ok(listed.collect())
}

impl Listed {
    fn day(&self) -> String {
        let day = self.event.held_on;
        format!("{}（{}）", clock::spoken_day(day), clock::weekday(day))
    }
}

// ---- Announcing ----------------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "volunteering/new.html")]
struct NewEventPage {
    shell: Shell,
    problems: Problems,
    key: String,
    areas: Vec<(Id<Area>, String)>,
    leaders: Vec<User>,
    /// Rules that are paid by the hour come first.
    items: Vec<Item>,
    form: NewEvent,
}

/// An event, as the form sends it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewEvent {
    key: String,
    area: String,
    name: String,
    place: String,
    purpose: String,
    held_on: String,
    from: String,
    until: String,
    wanted: String,
    leader: String,
    item: String,
}

impl NewEvent {
    fn read(&self) -> Result<Announce> {
        let time =
            |field, text: &str| minute_of_day(text).ok_or_else(|| Error::invalid(field, "时间请写成09:00的样子。"));
        if self.area.is_empty() {
            return Err(Error::invalid("area", "请选择哪些住户可以参加。"));
        }
        let held_on = self.held_on.trim().parse();
        let wanted = self.wanted.trim().parse();
        Ok(Announce {
            area: self.area.clone(),
            name: self.name.clone(),
            place: self.place.clone(),
            purpose: self.purpose.clone(),
            held_on: held_on.map_err(|_| Error::invalid("held_on", "请填写是哪一天。"))?,
            from_minute: time("from", &self.from)?,
            until_minute: time("until", &self.until)?,
            wanted: wanted.map_err(|_| Error::invalid("wanted", "需要的人数应为整数。"))?,
            leader: self.leader.clone(),
            item: self.item.clone(),
        })
    }
}

/// `GET /volunteering/new`
///
/// # Errors
/// Only when the database fails.
pub async fn new_event(State(app): State<App>, staff: Staff) -> Result<Response> {
    let now = app.now();
    let form = NewEvent {
        held_on: clock::days_after(clock::day_of(now), 7).to_string(),
        from: "09:00".to_owned(),
        until: "11:00".to_owned(),
        wanted: "10".to_owned(),
        leader: staff.user.name.clone(),
        ..NewEvent::default()
    };
    let read = move |conn: &mut Conn| new_event_page(conn, staff, Problems::default(), form, now);
    page::show(&app.db.read(read).await?)
}

fn new_event_page(
    conn: &mut Conn,
    staff: Staff,
    problems: Problems,
    form: NewEvent,
    now: Moment,
) -> Result<NewEventPage> {
    let tree = Tree::load(conn)?;
    let reach = staff.duties.reach(Permission::KeepVolunteering, &tree);
    let inside = tree.all().iter().filter(|area| reach.covers(&area.id));
    let mut items = match version::in_force(conn, clock::day_of(now)) {
        Ok(version) => item::of_version(conn, &version.id)?.1,
        Err(Error::NotFound) => Vec::new(),
        Err(error) => return Err(error),
    };
    items.sort_by_key(|item| item.per != "hour");
    Ok(NewEventPage {
        problems,
        key: Id::<VolunteerEvent>::new(now).to_string(),
        areas: inside.map(|area| (area.id.clone(), tree.told(&area.id))).collect(),
        leaders: event::leaders(conn)?,
        items,
        form,
        shell: staff.shell,
    })
}

/// `POST /volunteering`
///
/// # Errors
/// `NotFound` for an area outside the visitor's; what is wrong in the form is shown in it.
pub async fn announce(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewEvent>,
) -> Result<Response> {
    match try_announce(&app, &staff, &form).await {
        Ok(event) => Ok(page::go(&format!("/volunteering/{}", event.id))),
        Err(error) => {
            let (status, problems): (StatusCode, Problems) = Problems::from_error(error)?;
            let now = app.now();
            let read = move |conn: &mut Conn| new_event_page(conn, staff, problems, form, now);
            page::show_with(status, &app.db.read(read).await?)
        }
    }
}

async fn try_announce(app: &App, staff: &Staff, form: &NewEvent) -> Result<VolunteerEvent> {
    let (asked, key, staff, now) = (form.read()?, form.key.clone(), staff.clone(), app.now());
    app.db
        .write(move |conn| {
            let area = Id::known(asked.area.as_str());
            staff.expect_within(conn, Permission::KeepVolunteering, &area)?;
            event::announce(conn, &asked, &staff.user.id, &key, now)
        })
        .await
}

impl EventState {
    /// What a badge of this state looks like.
    pub(super) fn badge(self) -> &'static str {
        match self {
            EventState::Announced => "warn",
            EventState::Closed => "ok",
            EventState::Cancelled => "",
        }
    }
}
