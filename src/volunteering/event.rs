//! Volunteer events: announced, held, and closed by whoever confirms the times.
//!
//! ```text
//! announced → closed
//!     ↘ cancelled
//! ```
//!
//! An event says what for, where, when, and which households may take part; who came is in `stay`, and what it comes to in
//! `confirmation`. It keeps no list of who promised to come: whoever comes is there.

use chrono::Days;
use diesel::prelude::*;
use serde::Serialize;

use super::minutes::time_of_day;
use super::refused::Refused;
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::db::schema::volunteer_events;
use crate::db::{Conn, text_enum};
use crate::error::{Error, FieldError, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::request::{Request, Requests};
use crate::scheme::item::{self, Item};
use crate::scheme::version;

text_enum! {
    /// Where an event stands.
    pub enum State {
        /// It will be, or is on, or its times are not confirmed.
        Announced = "announced", "已发布";
        /// Its times are confirmed and in the books.
        Closed = "closed", "时长已确认";
        /// It was not held.
        Cancelled = "cancelled", "已取消";
    }
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = volunteer_events)]
pub struct VolunteerEvent {
    /// Its id.
    pub id: Id<VolunteerEvent>,
    /// 1, 2, 3 …, for people.
    pub number: i64,
    /// Whose households may take part.
    pub area_id: Id<Area>,
    /// What it is.
    pub name: String,
    /// Where.
    pub place: String,
    /// What for, in a sentence.
    pub purpose: String,
    /// On which day.
    pub held_on: Day,
    /// From when, in minutes since midnight.
    pub from_minute: i64,
    /// Until when, in minutes since midnight.
    pub until_minute: i64,
    /// How many people are wanted.
    pub wanted: i64,
    /// Who leads it, and does not confirm its times.
    pub led_by: Id<User>,
    /// The rule under which the households are nominated besides.
    pub scoring_item_id: Option<Id<Item>>,
    /// Who announced it.
    pub announced_by: Id<User>,
    /// When.
    pub announced_at: Moment,
    /// Where it stands.
    pub state: State,
    /// Who confirmed its times, or cancelled it.
    pub ended_by: Option<Id<User>>,
    /// When.
    pub ended_at: Option<Moment>,
    /// Why it was cancelled.
    pub ending_reason: Option<String>,
}

impl VolunteerEvent {
    /// `09:00—11:30`.
    #[must_use]
    pub fn hours(&self) -> String {
        format!("{}—{}", time_of_day(self.from_minute), time_of_day(self.until_minute))
    }

    /// Does something of it still wait?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Announced
    }

    /// Refuses what only an event that is not over can have.
    ///
    /// # Errors
    /// [`Refused::EventIs`].
    pub fn expect_open(&self) -> Result<()> {
        match self.is_open() {
            true => Ok(()),
            false => Err(Refused::EventIs(self.state).into()),
        }
    }
}

/// How long ahead an event may be announced, and how long ago it may have been, to be keyed from paper: days.
const AHEAD_DAYS: u64 = 90;
const BACK_DAYS: u64 = 31;
/// The most people who are wanted.
const MOST_WANTED: i64 = 999;

/// Announces an event.
#[derive(Clone, Debug, Serialize)]
pub struct Announce {
    /// Whose households may take part: an area's id.
    pub area: String,
    /// What it is.
    pub name: String,
    /// Where.
    pub place: String,
    /// What for.
    pub purpose: String,
    /// On which day.
    pub held_on: Day,
    /// From when, in minutes since midnight.
    pub from_minute: i64,
    /// Until when, in minutes since midnight.
    pub until_minute: i64,
    /// How many people are wanted.
    pub wanted: i64,
    /// Who leads it: a user's name.
    pub leader: String,
    /// The code of the rule under which the households are nominated besides; empty for none.
    pub item: String,
}

impl Announce {
    fn expect_sensible(&self, today: Day) -> Result<()> {
        let mut wrong: Vec<FieldError> = Vec::new();
        let mut expect = |is_right: bool, field: &'static str, message: String| {
            if !is_right {
                wrong.push(FieldError { field, message });
            }
        };
        let fits = |text: &str, most: usize| (1..=most).contains(&text.trim().chars().count());
        expect(
            fits(&self.name, 40),
            "name",
            "请写是什么活动，1至40个字，例如：给独居老人打扫。".to_owned(),
        );
        expect(
            fits(&self.place, 40),
            "place",
            "请写在哪里，1至40个字，例如：3号楼前。".to_owned(),
        );
        expect(
            fits(&self.purpose, 100),
            "purpose",
            "请用一句话写为了什么，1至100个字。".to_owned(),
        );
        let from = today.checked_sub_days(Days::new(BACK_DAYS)).unwrap_or(today);
        let until = today.checked_add_days(Days::new(AHEAD_DAYS)).unwrap_or(today);
        let days = format!("活动日期应在{BACK_DAYS}天前到{AHEAD_DAYS}天后之间。");
        expect((from..=until).contains(&self.held_on), "held_on", days);
        let is_span = self.from_minute >= 0 && self.from_minute < self.until_minute && self.until_minute <= 24 * 60;
        expect(is_span, "until", "结束时间要比开始时间晚，都在同一天。".to_owned());
        let wanted = format!("需要的人数应为1至{MOST_WANTED}。");
        expect((1..=MOST_WANTED).contains(&self.wanted), "wanted", wanted);
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(wrong)),
        }
    }
}

/// Announces an event; the same form sent twice is one event.
///
/// # Errors
/// `Invalid` fields; `NotFound` for an area that is not there; `idempotency_conflict`.
pub fn announce(conn: &mut Conn, asked: &Announce, by: &Id<User>, key: &str, now: Moment) -> Result<VolunteerEvent> {
    let request = Request::new(key, by.as_str(), "volunteer_event.announce", asked)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    asked.expect_sensible(day_of(now))?;
    let tree = Tree::load(conn)?;
    let area = tree.get(&Id::known(asked.area.as_str())).ok_or(Error::NotFound)?;
    let last = volunteer_events::table
        .select(diesel::dsl::max(volunteer_events::number))
        .get_result::<Option<i64>>(conn)?;
    let event = VolunteerEvent {
        id: Id::new(now),
        number: last.unwrap_or(0).saturating_add(1),
        area_id: area.id.clone(),
        name: asked.name.trim().to_owned(),
        place: asked.place.trim().to_owned(),
        purpose: asked.purpose.trim().to_owned(),
        held_on: asked.held_on,
        from_minute: asked.from_minute,
        until_minute: asked.until_minute,
        wanted: asked.wanted,
        led_by: leader(conn, &tree, asked)?,
        scoring_item_id: item_named(conn, asked)?,
        announced_by: by.clone(),
        announced_at: now,
        state: State::Announced,
        ended_by: None,
        ended_at: None,
        ending_reason: None,
    };
    diesel::insert_into(volunteer_events::table)
        .values(&event)
        .execute(conn)?;
    requests.carried_out(&request, event.id.as_str(), now);
    requests.save(conn)?;
    let detail = format!("{} {}", event.name, event.held_on);
    record(conn, &event, by, "volunteer_event.announced", detail, now)?;
    Ok(event)
}

/// Who may lead events, that is take down who came: everybody with the duty, and where.
///
/// # Errors
/// Only when the database fails.
pub fn leaders(conn: &mut Conn) -> Result<Vec<User>> {
    let all = user::all(conn)?.into_iter();
    let may_lead = all.filter(|(user, duties)| user.disabled_at.is_none() && duties.permit(Permission::Nominate));
    Ok(may_lead.map(|(user, _)| user).collect())
}

fn leader(conn: &mut Conn, tree: &Tree, asked: &Announce) -> Result<Id<User>> {
    let nobody = || Error::invalid("leader", "请选择谁带队：要能在这个范围里办理签到的人。");
    let user = user::by_name(conn, &asked.leader)?.filter(|user| user.disabled_at.is_none());
    let user = user.ok_or_else(nobody)?;
    let reach = user::duties(conn, &user.id)?.reach(Permission::Nominate, tree);
    match reach.covers(&Id::known(asked.area.as_str())) {
        true => Ok(user.id),
        false => Err(nobody()),
    }
}

fn item_named(conn: &mut Conn, asked: &Announce) -> Result<Option<Id<Item>>> {
    if asked.item.is_empty() {
        return Ok(None);
    }
    let version = version::in_force(conn, asked.held_on)
        .map_err(|_| Error::invalid("item", "活动那一天没有生效的积分方案，只能记时间。"))?;
    Ok(Some(item::by_code(conn, &version.id, &asked.item)?.id))
}

/// Cancels an event that was not held. What was taken down of it stays, and comes to nothing.
///
/// # Errors
/// `Invalid` without a reason; [`Refused::EventIs`]; `NotFound`.
pub fn cancel(conn: &mut Conn, id: &Id<VolunteerEvent>, reason: &str, by: &Id<User>, now: Moment) -> Result<()> {
    let event = by_id(conn, id)?;
    event.expect_open()?;
    let reason = reason.trim();
    if !(1..=100).contains(&reason.chars().count()) {
        return Err(Error::invalid(
            "reason",
            "请写明为什么取消，1至100个字，例如：下雨改期。",
        ));
    }
    end(conn, &event, State::Cancelled, Some(reason), by, now)?;
    record(conn, &event, by, "volunteer_event.cancelled", reason.to_owned(), now)
}

/// Writes down that it is over.
pub(super) fn end(
    conn: &mut Conn,
    event: &VolunteerEvent,
    state: State,
    reason: Option<&str>,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    diesel::update(volunteer_events::table.find(&event.id))
        .set((
            volunteer_events::state.eq(state),
            volunteer_events::ended_by.eq(Some(by)),
            volunteer_events::ended_at.eq(Some(now)),
            volunteer_events::ending_reason.eq(reason),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn record(
    conn: &mut Conn,
    event: &VolunteerEvent,
    by: &Id<User>,
    act: &'static str,
    detail: String,
    now: Moment,
) -> Result<()> {
    let subject = format!("volunteer_event:{}", event.id);
    audit::record(conn, &[audit::Event::new(by.as_str(), act, subject, detail, now)])
}

/// An event by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<VolunteerEvent>) -> Result<VolunteerEvent> {
    volunteer_events::table
        .find(id)
        .select(VolunteerEvent::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// An event by its number.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<VolunteerEvent> {
    volunteer_events::table
        .filter(volunteer_events::number.eq(number))
        .select(VolunteerEvent::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Events by their ids.
///
/// # Errors
/// Only when the database fails.
pub fn by_ids(conn: &mut Conn, ids: &[Id<VolunteerEvent>]) -> Result<Vec<VolunteerEvent>> {
    Ok(volunteer_events::table
        .filter(volunteer_events::id.eq_any(ids))
        .select(VolunteerEvent::as_select())
        .load(conn)?)
}

/// Events, the latest day first, at most `limit`.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, limit: i64) -> Result<Vec<VolunteerEvent>> {
    Ok(volunteer_events::table
        .order((volunteer_events::held_on.desc(), volunteer_events::number.desc()))
        .limit(limit)
        .select(VolunteerEvent::as_select())
        .load(conn)?)
}

/// Events from this day on that a household of this building may join, the next one first.
///
/// # Errors
/// Only when the database fails.
pub fn to_join(conn: &mut Conn, building: &Id<Area>, today: Day) -> Result<Vec<VolunteerEvent>> {
    let tree = Tree::load(conn)?;
    let mut events = volunteer_events::table
        .filter(volunteer_events::state.eq(State::Announced))
        .filter(volunteer_events::held_on.ge(today))
        .order((
            volunteer_events::held_on,
            volunteer_events::from_minute,
            volunteer_events::number,
        ))
        .select(VolunteerEvent::as_select())
        .load(conn)?;
    events.retain(|event| tree.is_within(building, &event.area_id));
    Ok(events)
}
