//! One event: signing in and out, keying paper, the second person's confirmation, and taking back what was wrong.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{homes, named};
use crate::access::role::{Permission, Reach};
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::{self, Moment};
use crate::council::gathering::Manner;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household, Search};
use crate::sent::{Path, Query, SignedForm};
use crate::volunteering::confirmation::{self, Outlook};
use crate::volunteering::correction::{self, TimeCorrection};
use crate::volunteering::event::{self, VolunteerEvent};
use crate::volunteering::minutes::{MOST_PEOPLE, Minutes, minute_of_day, time_of_day};
use crate::volunteering::stay::{self, Stay, Times};

#[derive(Template)]
#[template(path = "volunteering/event.html")]
struct EventPage {
    shell: Shell,
    problems: Problems,
    event: VolunteerEvent,
    address: String,
    led_by: String,
    announced_by: String,
    ended_by: String,
    lines: Vec<Line>,
    outlook: Outlook,
    /// The doors of the area, to choose from.
    floors: Vec<Floor>,
    /// Is the day of signing in today; is it over or today?
    is_today: bool,
    has_begun: bool,
    may_sign: bool,
    may_keep: bool,
    may_verify: bool,
    /// Why this person does not confirm; nothing when the person may.
    not_by: Option<&'static str>,
    /// The key of the form.
    key: String,
    /// What was done just before.
    just: Option<String>,
    /// Do cards sign out?
    out: bool,
    form: TimesForm,
}

struct Line {
    stay: Stay,
    head: String,
    door: String,
    household: String,
    /// What it is credited, or would be.
    minutes: Minutes,
    correction: Option<TimeCorrection>,
}

struct Floor {
    label: String,
    doors: Vec<Door>,
}

struct Door {
    code: String,
    door: String,
    head: String,
    is_there: bool,
    has_left: bool,
}

impl EventPage {
    fn people(&self) -> i64 {
        let came = self.lines.iter().map(|line| line.stay.people);
        came.fold(0, i64::saturating_add)
    }

    fn still_there(&self) -> usize {
        self.lines.iter().filter(|line| line.stay.left_at.is_none()).count()
    }

    /// `E03登记在册的志愿服务，每小时2分`.
    fn rule(&self) -> Option<String> {
        let item = self.outlook.item.as_ref()?;
        Some(format!(
            "{}{}，{}{}分",
            item.code,
            item.name,
            item.per_label(),
            item.points
        ))
    }
}

/// The doors of an area that are shown at most; a larger one is searched.
const MOST_DOORS: i64 = 600;

/// What was done just before this page, and whether cards sign out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Just {
    done: String,
    head: String,
    out: String,
}

impl Just {
    fn told(&self) -> Option<String> {
        let what = match self.done.as_str() {
            "in" => "已签到。",
            "in-before" => "已经签过到了，不用再签，谢谢！",
            "out" => "已签退，辛苦了！",
            "out-before" => "已经签过退了，不用再签，谢谢！",
            "all-out" => return Some("还在场的住户都已签退。".to_owned()),
            "keyed" => "的时间已录入。",
            "sheet" => return Some("整张签到表已录入，等别人确认。".to_owned()),
            "struck" => "已从名单里去掉。",
            "corrected" => "的时间已冲正。",
            _ => return None,
        };
        Some(format!("{}{what}", self.head))
    }
}

/// `GET /volunteering/{id}`
///
/// # Errors
/// `NotFound`, also outside the visitor's area.
pub async fn event(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(just): Query<Just>,
) -> Result<Response> {
    let now = app.now();
    let read = move |conn: &mut Conn| event_page(conn, staff, &Id::known(id), &just, now);
    page::show(&app.db.read(read).await?)
}

fn event_page(conn: &mut Conn, staff: Staff, id: &Id<VolunteerEvent>, just: &Just, now: Moment) -> Result<EventPage> {
    let event = event::by_id(conn, id)?;
    staff.expect_within(conn, Permission::ReadNominations, &event.area_id)?;
    let tree = Tree::load(conn)?;
    let outlook = Outlook::of(conn, &event)?;
    let lines = lines(conn, &outlook)?;
    let may = |permission| staff.duties.reach(permission, &tree).covers(&event.area_id);
    let (may_sign, may_keep, may_verify) = (
        may(Permission::Nominate),
        may(Permission::KeepVolunteering),
        may(Permission::Verify),
    );
    let (is_today, has_begun) = (event.held_on == clock::day_of(now), event.held_on <= clock::day_of(now));
    let signing = may_sign && event.is_open() && is_today;
    let people: Vec<Id<User>> = [&event.led_by, &event.announced_by]
        .into_iter()
        .chain(&event.ended_by)
        .cloned()
        .collect();
    let names = user::display_names(conn, &people)?;
    let name = |id: &Id<User>| names.get(id).cloned().unwrap_or_default();
    let heads = |code: &str| lines.iter().find(|line| line.household == code);
    let head = heads(&just.head).map(|line| format!("{}户", line.head));
    let just_done = Just {
        head: head.unwrap_or_else(|| "这一户".to_owned()),
        ..just.clone()
    };
    Ok(EventPage {
        problems: Problems::default(),
        address: tree.told(&event.area_id),
        led_by: name(&event.led_by),
        announced_by: name(&event.announced_by),
        ended_by: event.ended_by.as_ref().map(name).unwrap_or_default(),
        not_by: outlook.part_of(conn, &event, &staff.user)?,
        floors: if signing {
            floors(conn, &tree, &event, &lines)?
        } else {
            Vec::new()
        },
        just: just_done.told(),
        out: !just.out.is_empty(),
        key: Id::<VolunteerEvent>::new(now).to_string(),
        form: TimesForm {
            people: "1".to_owned(),
            from: time_of_day(event.from_minute),
            until: time_of_day(event.until_minute),
            ..TimesForm::default()
        },
        shell: staff.shell,
        lines,
        outlook,
        is_today,
        has_begun,
        may_sign,
        may_keep,
        may_verify,
        event,
    })
}

/// The lines with their households; what is confirmed says what it was credited, the others what they would be.
fn lines(conn: &mut Conn, outlook: &Outlook) -> Result<Vec<Line>> {
    let stays = || outlook.lines.iter().map(|(stay, _)| stay);
    let ids: Vec<Id<Household>> = stays().map(|stay| stay.household_id.clone()).collect();
    let numbers: Vec<i64> = stays().filter_map(|stay| stay.transaction_number).collect();
    let mut corrections = correction::of_transactions(conn, &numbers)?;
    let households = homes(conn, &ids)?;
    let with_household = outlook.lines.iter().filter_map(|(stay, would_be)| {
        let household = households.get(&stay.household_id)?;
        Some(Line {
            head: household.head_name.clone(),
            door: household.door(),
            household: household.code.clone(),
            minutes: stay.minutes.map_or(*would_be, Minutes),
            correction: stay.transaction_number.and_then(|number| corrections.remove(&number)),
            stay: stay.clone(),
        })
    });
    Ok(with_household.collect())
}

/// The doors of the event's area, building by building; none where there are too many to look through.
fn floors(conn: &mut Conn, tree: &Tree, event: &VolunteerEvent, lines: &[Line]) -> Result<Vec<Floor>> {
    let signed: HashMap<&Id<Household>, bool> = lines
        .iter()
        .map(|line| (&line.stay.household_id, line.stay.left_at.is_some()))
        .collect();
    let buildings = tree.buildings_of(&event.area_id);
    let search = Search {
        buildings: Some(buildings.clone()),
        limit: MOST_DOORS.saturating_add(1),
        ..Search::default()
    };
    let households = household::search(conn, &search)?;
    if households.len() > usize::try_from(MOST_DOORS).unwrap_or(0) {
        return Ok(Vec::new());
    }
    let mut doors: HashMap<Id<Area>, Vec<Door>> = HashMap::new();
    for one in households {
        let door = Door {
            door: one.door(),
            is_there: signed.contains_key(&one.id),
            has_left: signed.get(&one.id) == Some(&true),
            code: one.code,
            head: one.head_name,
        };
        doors.entry(one.building_id).or_default().push(door);
    }
    let floors = buildings.iter().filter_map(|building| {
        let label = tree.told(building);
        doors.remove(building).map(|doors| Floor { label, doors })
    });
    Ok(floors.collect())
}

// ---- Who came ------------------------------------------------------------------------------------------------------

/// A household at the door, and how many came with it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AtTheDoor {
    household: String,
    people: String,
    /// Everybody who is there still leaves.
    all: String,
}

/// A household's times, as they are keyed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TimesForm {
    household: String,
    people: String,
    from: String,
    until: String,
}

/// Which household, and why.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Which {
    key: String,
    household: String,
    reason: String,
}

/// `POST /volunteering/{id}/arrivals`: signs a household in.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn arrive(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<AtTheDoor>,
) -> Result<Response> {
    let now = app.now();
    let done = at_event(&app, &staff, &id, Permission::Nominate, move |conn, staff, event| {
        let people = people(&form.people)?;
        let (household, manner) = at_the_door(conn, event, &form.household)?;
        let signed = stay::arrive(conn, event, &household, people, manner, &staff.user.id, now)?;
        let done = if signed.before { "in-before" } else { "in" };
        Ok(format!("?done={done}&head={}", household.code))
    });
    shown_again(&app, &staff, &id, done.await, false).await
}

/// `POST /volunteering/{id}/departures`: signs a household out, or everybody who is there still.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn depart(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<AtTheDoor>,
) -> Result<Response> {
    let now = app.now();
    let done = at_event(&app, &staff, &id, Permission::Nominate, move |conn, staff, event| {
        if !form.all.is_empty() {
            stay::leave_all(conn, event, &staff.user.id, now)?;
            return Ok("?done=all-out&out=1".to_owned());
        }
        let (household, _) = at_the_door(conn, event, &form.household)?;
        let signed = stay::leave(conn, event, &household, &staff.user.id, now)?;
        let done = if signed.before { "out-before" } else { "out" };
        Ok(format!("?done={done}&out=1&head={}", household.code))
    });
    shown_again(&app, &staff, &id, done.await, true).await
}

/// `POST /volunteering/{id}/times`: keys a household's times from paper, or puts them right.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn key_in(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<TimesForm>,
) -> Result<Response> {
    let now = app.now();
    let done = at_event(&app, &staff, &id, Permission::Nominate, move |conn, staff, event| {
        let minute =
            |field, text: &str| minute_of_day(text).ok_or_else(|| Error::invalid(field, "时间请写成09:00的样子。"));
        let times = Times {
            people: people(&form.people)?,
            from_minute: minute("from", &form.from)?,
            until_minute: minute("until", &form.until)?,
        };
        let (household, _) = at_the_door(conn, event, &form.household)?;
        stay::key_in(conn, event, &household, times, &staff.user.id, now)?;
        Ok(format!("?done=keyed&head={}#paper", household.code))
    });
    shown_again(&app, &staff, &id, done.await, false).await
}

/// `POST /volunteering/{id}/strikes`: takes a household off the list again.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn strike(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Which>,
) -> Result<Response> {
    let now = app.now();
    let done = at_event(&app, &staff, &id, Permission::Nominate, move |conn, staff, event| {
        let (household, _) = at_the_door(conn, event, &form.household)?;
        stay::strike(conn, event, &household, &staff.user.id, now)?;
        Ok("?done=struck".to_owned())
    });
    shown_again(&app, &staff, &id, done.await, false).await
}

fn people(text: &str) -> Result<i64> {
    let wrong = || Error::invalid("people", format!("来的人数应为1至{MOST_PEOPLE}，不满十四岁的不算。"));
    text.trim().parse().map_err(|_| wrong())
}

/// A household that somebody names at an event; by name only one of those that may take part.
fn at_the_door(conn: &mut Conn, event: &VolunteerEvent, text: &str) -> Result<(Household, Manner)> {
    let invited = Tree::load(conn)?.buildings_of(&event.area_id).into_iter().collect();
    named(conn, &Reach::Buildings(invited), "household", text)
}

// ---- What becomes of it --------------------------------------------------------------------------------------------

/// What a confirmation sends: the list as it was shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Confirmation {
    key: String,
    shown: String,
}

/// `POST /volunteering/{id}/confirmation`: the second person finds the times right, and they are posted.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn confirm(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Confirmation>,
) -> Result<Response> {
    let now = app.now();
    let done = at_event(&app, &staff, &id, Permission::Verify, move |conn, staff, event| {
        confirmation::confirm(conn, &event.id, &form.shown, &staff.user, &form.key, now)?;
        Ok(String::new())
    });
    shown_again(&app, &staff, &id, done.await, false).await
}

/// `POST /volunteering/{id}/cancellation`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn cancel(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Which>,
) -> Result<Response> {
    let now = app.now();
    let done = at_event(
        &app,
        &staff,
        &id,
        Permission::KeepVolunteering,
        move |conn, staff, event| {
            event::cancel(conn, &event.id, &form.reason, &staff.user.id, now)?;
            Ok(String::new())
        },
    );
    shown_again(&app, &staff, &id, done.await, false).await
}

/// `POST /volunteering/{id}/corrections`: takes back what a household was credited wrongly.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn correct(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Which>,
) -> Result<Response> {
    let now = app.now();
    let done = at_event(&app, &staff, &id, Permission::Verify, move |conn, staff, event| {
        let household = household::named(conn, &form.household)?;
        correction::take_back_stay(conn, event, &household.id, &form.reason, &staff.user, &form.key, now)?;
        Ok(format!("?done=corrected&head={}", household.code))
    });
    shown_again(&app, &staff, &id, done.await, false).await
}

/// Does something to an event within this person's area; answers what is behind the question mark of the page that follows.
async fn at_event(
    app: &App,
    staff: &Staff,
    id: &str,
    permission: Permission,
    work: impl FnOnce(&mut Conn, &Staff, &VolunteerEvent) -> Result<String> + Send + 'static,
) -> Result<String> {
    let (id, staff) = (Id::known(id), staff.clone());
    app.db
        .write(move |conn| {
            let event = event::by_id(conn, &id)?;
            staff.expect_within(conn, permission, &event.area_id)?;
            work(conn, &staff, &event)
        })
        .await
}

async fn shown_again(app: &App, staff: &Staff, id: &str, done: Result<String>, out: bool) -> Result<Response> {
    let error = match done {
        Ok(just) => return Ok(page::go(&format!("/volunteering/{id}{just}"))),
        Err(error) => error,
    };
    let (status, problems) = Problems::from_error(error)?;
    let (id, staff, now) = (Id::known(id), staff.clone(), app.now());
    let read = move |conn: &mut Conn| event_page(conn, staff, &id, &Just::default(), now);
    let page = EventPage {
        problems,
        out,
        ..app.db.read(read).await?
    };
    page::show_with(status, &page)
}
