//! The demo's volunteers: one event of last week, confirmed; an hour of help that came of it; one event to come.
//!
//! The building of the household whose pages can be tried took part, so that they have something to show.

use chrono::TimeDelta;

use super::events::suitable;
use super::{PIN_AT, Resident, Setting};
use crate::access::user;
use crate::clock::{Day, Moment, begin_of, days_after};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::places::area::Area;
use crate::volunteering::confirmation::{self, Outlook};
use crate::volunteering::event::{self, Announce, VolunteerEvent};
use crate::volunteering::help::{self, Payer, RecordHelp};
use crate::volunteering::stay::{self, Times};

/// How many households come.
const MOST_AT_EVENT: usize = 5;
/// From when until when, in minutes since midnight.
const FROM_MINUTE: i64 = 9 * 60;
const UNTIL_MINUTE: i64 = 11 * 60;
/// In how many days the next one is.
const AHEAD_DAYS: u64 = 9;

fn at(day: Day, hour: i64) -> Moment {
    begin_of(day) + TimeDelta::hours(hour)
}

/// The household whose pages can be tried, if it takes part still, and its neighbours after it.
fn neighbours<'a>(conn: &mut Conn, town: &'a Setting) -> Result<Vec<&'a Resident>> {
    let mut found: Vec<&Resident> = suitable(conn, town, PIN_AT)?.into_iter().map(|(one, _)| one).collect();
    let building = found.first().map(|one| one.household.building_id.clone());
    found.retain(|one| Some(&one.household.building_id) == building.as_ref());
    found.truncate(MOST_AT_EVENT);
    Ok(found)
}

/// Neighbours clean for those who cannot; the head of the building takes them down, the grid worker confirms.
pub(super) fn hold(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let came = neighbours(conn, town)?;
    let Some(first) = came.first() else {
        return Ok(());
    };
    let head = &first.building_head;
    let place = (&first.household.building_id, "楼前集合");
    let what = ("给独居老人擦窗封窗", "天冷了，帮行动不便的老人把窗户擦净、封好");
    let event = announce(conn, what, place, day, head, at(day, 7))?;
    for (nth, resident) in (0i64..).zip(&came) {
        let times = Times {
            people: 1 + nth % 2,
            from_minute: FROM_MINUTE + nth,
            until_minute: UNTIL_MINUTE + nth,
        };
        stay::key_in(conn, &event, &resident.household, times, head, at(day, 12))?;
    }
    let shown = Outlook::of(conn, &event)?.seal();
    let key = format!("demo-volunteers-confirmed-{day}");
    confirmation::confirm(conn, &event.id, &shown, &first.grid_worker, &key, at(day, 15)).map(drop)
}

/// A neighbour goes along to the hospital: an hour for an hour.
pub(super) fn help(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let came = neighbours(conn, town)?;
    let [helped, helper, ..] = came.as_slice() else {
        return Ok(());
    };
    let asked = RecordHelp {
        helper: helper.household.id.clone(),
        helped: helped.household.id.clone(),
        what: "陪着去医院拿药".to_owned(),
        helped_on: day,
        minutes: 60,
        payer: Payer::Household,
        reason: String::new(),
    };
    let key = format!("demo-time-help-{day}");
    help::record(conn, &asked, &helped.grid_worker, &key, at(day, 16)).map(drop)
}

/// The next event is announced, for the whole town.
pub(super) fn announce_next(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let what = ("清理河道边的垃圾", "赶在枯水期，把河边的塑料袋和瓶子捡干净");
    let on = days_after(day, AHEAD_DAYS);
    announce(
        conn,
        what,
        (&town.root, "便民桥头"),
        on,
        &town.building_head,
        at(day, 10),
    )
    .map(drop)
}

fn announce(
    conn: &mut Conn,
    (name, purpose): (&str, &str),
    (area, place): (&Id<Area>, &str),
    held_on: Day,
    leader: &Id<user::User>,
    at: Moment,
) -> Result<VolunteerEvent> {
    let asked = Announce {
        area: area.to_string(),
        name: name.to_owned(),
        place: place.to_owned(),
        purpose: purpose.to_owned(),
        held_on,
        from_minute: FROM_MINUTE,
        until_minute: UNTIL_MINUTE,
        wanted: 12,
        leader: user::by_id(conn, leader)?.name,
        item: String::new(),
    };
    event::announce(conn, &asked, leader, &format!("demo-volunteers-{held_on}"), at)
}
