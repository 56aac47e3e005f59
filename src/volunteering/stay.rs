//! Stays: which households came to an event, with how many people, from when until when.
//!
//! On the spot a household signs in and out with its card or is found by name; afterwards its times are keyed from paper. A
//! line can be put right or struck until somebody else confirms the list. Nothing here is in the books.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::event::{self, VolunteerEvent};
use super::minutes::{MOST_PEOPLE, Minutes, moment_of};
use super::refused::Refused;
use crate::access::user::User;
use crate::clock::{Day, Moment, day_of, local};
use crate::council::gathering::Manner;
use crate::council::nomination::Nomination;
use crate::db::Conn;
use crate::db::schema::{time_corrections, volunteer_events, volunteer_stays};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::Tree;
use crate::places::household::Household;
use crate::places::standing;

/// A household at an event.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = volunteer_stays)]
pub struct Stay {
    /// At which event.
    pub event_id: Id<VolunteerEvent>,
    /// The household.
    pub household_id: Id<Household>,
    /// How many people of fourteen and above came.
    pub people: i64,
    /// Since when.
    pub arrived_at: Moment,
    /// Until when; none: still there, or it forgot to sign out.
    pub left_at: Option<Moment>,
    /// How it signed in.
    pub manner: Manner,
    /// Who wrote the line as it stands.
    pub recorded_by: Id<User>,
    /// When.
    pub recorded_at: Moment,
    /// What the confirmation credited, in minutes.
    pub minutes: Option<i64>,
    /// Its posting; none where there was nothing to credit.
    pub transaction_number: Option<i64>,
    /// What it handed to the council.
    pub nomination_id: Option<Id<Nomination>>,
    /// Or why it could not.
    pub refusal: Option<String>,
}

impl Stay {
    /// What one person of it is counted for; nothing before it has signed out.
    #[must_use]
    pub fn each(&self) -> Minutes {
        let until = self.left_at.unwrap_or(self.arrived_at);
        Minutes::of_stay(self.arrived_at, until)
    }

    /// `09:05—11:30`, with what is missing left open.
    #[must_use]
    pub fn hours(&self) -> String {
        let time = |at: Moment| local(at).format("%H:%M").to_string();
        format!(
            "{}—{}",
            time(self.arrived_at),
            self.left_at.map(time).unwrap_or_default()
        )
    }

    /// What its posting is called in the books.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{SOURCE}{}:{}", self.event_id, self.household_id)
    }
}

/// How the sources of these postings begin.
pub(super) const SOURCE: &str = "volunteering:";

/// A household that signed in or out just now, or had before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Its line.
    pub stay: Stay,
    /// Had it done so already?
    pub before: bool,
}

/// Signs a household in. Doing it again changes nothing and says so.
///
/// # Errors
/// [`Refused::EventIs`], [`Refused::NotThatDay`], [`Refused::Elsewhere`]; `Invalid` for too many people; a household that is
/// gone.
pub fn arrive(
    conn: &mut Conn,
    event: &VolunteerEvent,
    household: &Household,
    people: i64,
    manner: Manner,
    by: &Id<User>,
    now: Moment,
) -> Result<Signed> {
    if let Some(stay) = of_household(conn, event, &household.id)? {
        return Ok(Signed { stay, before: true });
    }
    expect_on_the_day(event, now)?;
    let stay = Stay {
        event_id: event.id.clone(),
        household_id: household.id.clone(),
        people,
        arrived_at: now,
        left_at: None,
        manner,
        recorded_by: by.clone(),
        recorded_at: now,
        minutes: None,
        transaction_number: None,
        nomination_id: None,
        refusal: None,
    };
    put(conn, event, household, &stay)?;
    Ok(Signed { stay, before: false })
}

/// Signs a household out. Doing it again changes nothing and says so.
///
/// # Errors
/// [`Refused::EventIs`], [`Refused::NotThatDay`], [`Refused::NotThere`].
pub fn leave(
    conn: &mut Conn,
    event: &VolunteerEvent,
    household: &Household,
    by: &Id<User>,
    now: Moment,
) -> Result<Signed> {
    let stay = of_household(conn, event, &household.id)?.ok_or(Refused::NotThere)?;
    if stay.left_at.is_some() {
        return Ok(Signed { stay, before: true });
    }
    expect_on_the_day(event, now)?;
    Ok(Signed {
        stay: sign_out(conn, stay, by, now)?,
        before: false,
    })
}

/// Signs everybody out who is there still; answers how many households.
///
/// # Errors
/// As [`leave`].
pub fn leave_all(conn: &mut Conn, event: &VolunteerEvent, by: &Id<User>, now: Moment) -> Result<usize> {
    expect_on_the_day(event, now)?;
    let mut there = of_event(conn, &event.id)?;
    there.retain(|stay| stay.left_at.is_none());
    let households = there.len();
    for stay in there {
        sign_out(conn, stay, by, now)?;
    }
    Ok(households)
}

fn sign_out(conn: &mut Conn, stay: Stay, by: &Id<User>, now: Moment) -> Result<Stay> {
    let stay = Stay {
        left_at: Some(now),
        recorded_by: by.clone(),
        recorded_at: now,
        ..stay
    };
    save(conn, &stay)?;
    Ok(stay)
}

/// What is keyed of a household from paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// How many people came.
    pub people: i64,
    /// From when, in minutes since midnight.
    pub from_minute: i64,
    /// Until when, in minutes since midnight.
    pub until_minute: i64,
}

/// Keys a household's times from paper, or puts right what was taken down.
///
/// # Errors
/// [`Refused::EventIs`], [`Refused::NotYet`], [`Refused::Elsewhere`]; `Invalid` fields; a household that is gone.
pub fn key_in(
    conn: &mut Conn,
    event: &VolunteerEvent,
    household: &Household,
    times: Times,
    by: &Id<User>,
    now: Moment,
) -> Result<Stay> {
    event.expect_open()?;
    if event.held_on > day_of(now) {
        return Err(Refused::NotYet(event.held_on).into());
    }
    let until = moment_of(event.held_on, times.until_minute);
    if times.until_minute <= times.from_minute {
        return Err(Error::invalid("until", "签退的时间要比签到的晚。"));
    }
    if until > now {
        return Err(Error::invalid("until", "签退的时间还没有到，请等活动结束后再录入。"));
    }
    let stay = Stay {
        event_id: event.id.clone(),
        household_id: household.id.clone(),
        people: times.people,
        arrived_at: moment_of(event.held_on, times.from_minute),
        left_at: Some(until),
        manner: Manner::Paper,
        recorded_by: by.clone(),
        recorded_at: now,
        minutes: None,
        transaction_number: None,
        nomination_id: None,
        refusal: None,
    };
    put(conn, event, household, &stay)?;
    let detail = format!("{}人，{}", stay.people, stay.hours());
    event::record(conn, event, by, "volunteer_event.keyed", detail, now)?;
    Ok(stay)
}

/// Takes a household off the list, for what went wrong.
///
/// # Errors
/// [`Refused::EventIs`]; [`Refused::NotThere`].
pub fn strike(
    conn: &mut Conn,
    event: &VolunteerEvent,
    household: &Household,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    event.expect_open()?;
    let stay = of_household(conn, event, &household.id)?.ok_or(Refused::NotThere)?;
    diesel::delete(volunteer_stays::table.find((&event.id, &household.id))).execute(conn)?;
    let detail = format!("{}人，{}", stay.people, stay.hours());
    event::record(conn, event, by, "volunteer_event.struck", detail, now)
}

fn expect_on_the_day(event: &VolunteerEvent, now: Moment) -> Result<()> {
    event.expect_open()?;
    match event.held_on == day_of(now) {
        true => Ok(()),
        false => Err(Refused::NotThatDay(event.held_on).into()),
    }
}

/// Writes a line for a household that may take part, in the place of the one that there was.
fn put(conn: &mut Conn, event: &VolunteerEvent, household: &Household, stay: &Stay) -> Result<()> {
    if !(1..=MOST_PEOPLE).contains(&stay.people) {
        return Err(Error::invalid(
            "people",
            format!("来的人数应为1至{MOST_PEOPLE}，不满十四岁的不算。"),
        ));
    }
    standing::expect_active(conn, &household.id)?;
    let tree = Tree::load(conn)?;
    if !tree.is_within(&household.building_id, &event.area_id) {
        return Err(Refused::Elsewhere(tree.told(&event.area_id)).into());
    }
    diesel::delete(volunteer_stays::table.find((&event.id, &household.id))).execute(conn)?;
    diesel::insert_into(volunteer_stays::table).values(stay).execute(conn)?;
    Ok(())
}

/// Writes what became of a line.
pub(super) fn save(conn: &mut Conn, stay: &Stay) -> Result<()> {
    diesel::update(volunteer_stays::table.find((&stay.event_id, &stay.household_id)))
        .set((
            volunteer_stays::left_at.eq(stay.left_at),
            volunteer_stays::recorded_by.eq(&stay.recorded_by),
            volunteer_stays::recorded_at.eq(stay.recorded_at),
            volunteer_stays::minutes.eq(stay.minutes),
            volunteer_stays::transaction_number.eq(stay.transaction_number),
            volunteer_stays::nomination_id.eq(&stay.nomination_id),
            volunteer_stays::refusal.eq(&stay.refusal),
        ))
        .execute(conn)?;
    Ok(())
}

/// The lines of an event, in the order in which the households came.
///
/// # Errors
/// Only when the database fails.
pub fn of_event(conn: &mut Conn, event: &Id<VolunteerEvent>) -> Result<Vec<Stay>> {
    Ok(volunteer_stays::table
        .filter(volunteer_stays::event_id.eq(event))
        .order((volunteer_stays::arrived_at, volunteer_stays::household_id))
        .select(Stay::as_select())
        .load(conn)?)
}

/// How many households and how many people came, for each of these events.
///
/// # Errors
/// Only when the database fails.
pub fn turnout(conn: &mut Conn, events: &[Id<VolunteerEvent>]) -> Result<HashMap<Id<VolunteerEvent>, (usize, i64)>> {
    let rows = volunteer_stays::table
        .filter(volunteer_stays::event_id.eq_any(events))
        .select((volunteer_stays::event_id, volunteer_stays::people))
        .load::<(Id<VolunteerEvent>, i64)>(conn)?;
    let mut turnout: HashMap<Id<VolunteerEvent>, (usize, i64)> = HashMap::new();
    for (event, came) in rows {
        let (households, people) = turnout.entry(event).or_default();
        *households = households.saturating_add(1);
        *people = people.saturating_add(came);
    }
    Ok(turnout)
}

/// The line of a household at an event.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, event: &VolunteerEvent, household: &Id<Household>) -> Result<Option<Stay>> {
    Ok(volunteer_stays::table
        .find((&event.id, household))
        .select(Stay::as_select())
        .get_result(conn)
        .optional()?)
}

/// The lines of these postings.
///
/// # Errors
/// Only when the database fails.
pub fn posted_as(conn: &mut Conn, transactions: &[i64]) -> Result<Vec<Stay>> {
    Ok(volunteer_stays::table
        .filter(volunteer_stays::transaction_number.eq_any(transactions))
        .select(Stay::as_select())
        .load(conn)?)
}

/// Every line that credited something, for the proof.
pub(super) fn every_posted(conn: &mut Conn) -> Result<Vec<Stay>> {
    Ok(volunteer_stays::table
        .filter(volunteer_stays::minutes.gt(0))
        .order((volunteer_stays::event_id, volunteer_stays::household_id))
        .select(Stay::as_select())
        .load(conn)?)
}

/// What a household has been credited for a day: how many came, and how much. What was taken back does not count.
pub(super) fn credited_on(conn: &mut Conn, household: &Id<Household>, day: Day) -> Result<Vec<(i64, Minutes)>> {
    let rows = volunteer_stays::table
        .inner_join(volunteer_events::table)
        .filter(volunteer_stays::household_id.eq(household))
        .filter(volunteer_events::held_on.eq(day))
        .filter(volunteer_stays::minutes.is_not_null())
        .select((
            volunteer_stays::people,
            volunteer_stays::minutes,
            volunteer_stays::transaction_number,
        ))
        .load::<(i64, Option<i64>, Option<i64>)>(conn)?;
    let numbers: Vec<i64> = rows.iter().filter_map(|(.., number)| *number).collect();
    let taken_back: HashSet<i64> = time_corrections::table
        .filter(time_corrections::transaction_number.eq_any(numbers))
        .select(time_corrections::transaction_number)
        .load(conn)?
        .into_iter()
        .collect();
    let stands = rows
        .into_iter()
        .filter(|(.., number)| number.is_none_or(|number| !taken_back.contains(&number)));
    Ok(stands
        .map(|(people, minutes, _)| (people, Minutes(minutes.unwrap_or(0))))
        .collect())
}
