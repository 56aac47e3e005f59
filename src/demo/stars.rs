//! The demo's stars: eight of them, defined on the first day; some thirty households hold one or a few since the autumn, and a
//! list that was keyed of late waits for its second person.
//!
//! The council's secretary keys what a session decided, star by star, and the member with an account confirms it. About
//! half of these households agree to stand on the board of honour.

use chrono::TimeDelta;

use super::Setting;
use crate::access::user::{self, User};
use crate::cards::pin;
use crate::clock::{Day, Moment, begin_of, days_after};
use crate::council::session::{self, Session};
use crate::council::staff_share;
use crate::db::Conn;
use crate::error::Result;
use crate::honours::star::{self, DefineStar};
use crate::honours::star_entry::{self, Decide, KeyStar};
use crate::id::Id;
use crate::places::consent::{self, Purpose};
use crate::places::household::Household;
use crate::places::standing;

/// What each is called, and what it is given for.
const STARS: [(&str, &str); 8] = [
    ("和睦星", "家里和气，有事商量着办"),
    ("敬老星", "常去看望、照料家里和楼里的老人"),
    ("整洁星", "家里家外干净，楼道不堆杂物"),
    ("友邻星", "邻居有事搭把手，有争执先坐下来谈"),
    ("守信星", "答应大家的事办到，借了公用的东西按时还"),
    ("勤学星", "大人坚持学一样手艺或一门课，讲给邻居听"),
    ("节俭星", "红白事简办，不铺张，不浪费"),
    ("公益星", "一年参加四次以上集体劳动或志愿活动"),
];
/// Households that hold stars.
const HOUSEHOLDS: usize = 30;
/// Households on the list that waits.
const WAITING: usize = 3;
/// For how long a star is given.
const DAYS: u64 = 365;
/// Sessions that are looked through for the last one that closed.
const NEWEST: i64 = 5;

/// Defines the eight stars.
pub(super) fn define(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    for ((name, criterion), minute) in STARS.into_iter().zip(0..) {
        let asked = DefineStar {
            name: name.to_owned(),
            criterion: criterion.to_owned(),
            by: town.administrator.clone(),
            key: format!("demo-star-{minute}"),
        };
        star::define(conn, &asked, begin_of(day) + TimeDelta::minutes(minute))?;
    }
    Ok(())
}

/// The first four stars are given by the session before this day; every other household agrees to be on the board, but not
/// the one of the demo's phone: what it agrees to is for the visitor to say.
pub(super) fn give_first(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let homes = suitable(conn, town, 0, day)?;
    let on_the_phone = pin::first(conn)?;
    let agreeing = homes.iter().step_by(2);
    for home in agreeing.filter(|home| on_the_phone.as_ref() != Some(&home.id)) {
        agree(conn, &home.id, &[Purpose::HonourBoard], &town.administrator, at(day, 9))?;
    }
    (0..4).try_for_each(|nth| give(conn, town, nth, &homes, day))
}

/// … and the other four by the next one.
pub(super) fn give_more(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let homes = suitable(conn, town, 0, day)?;
    (4..8).try_for_each(|nth| give(conn, town, nth, &homes, day))
}

/// Three households more are keyed, and nobody has looked at it yet.
pub(super) fn key_of_late(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let mut homes = suitable(conn, town, 1, day)?;
    homes.truncate(WAITING);
    key(conn, town, 1, homes, day).map(drop)
}

/// A household agrees to something more than it did.
pub(super) fn agree(
    conn: &mut Conn,
    household: &Id<Household>,
    to: &[Purpose],
    by: &Id<User>,
    at: Moment,
) -> Result<()> {
    let stands = consent::of(conn, household)?;
    let given = stands.into_values().filter(|one| one.given).map(|one| one.purpose);
    let agreed: Vec<Purpose> = given.chain(to.iter().copied()).collect();
    consent::decide(conn, household, &agreed, by.as_str(), at).map(drop)
}

fn at(day: Day, hour: i64) -> Moment {
    begin_of(day) + TimeDelta::hours(hour)
}

/// Households spread over the town that take part still and decide about nothing, from the first or the one after it on.
fn suitable(conn: &mut Conn, town: &Setting, from: usize, day: Day) -> Result<Vec<Household>> {
    let deciding = staff_share::homes(conn, day)?;
    let step = (town.households.len() / HOUSEHOLDS).max(1);
    let mut found = Vec::new();
    for resident in town.households.iter().skip(from).step_by(step).take(HOUSEHOLDS) {
        let household = &resident.household;
        if !deciding.contains(&household.id) && standing::now(conn, &household.id)?.is_active() {
            found.push(household.clone());
        }
    }
    Ok(found)
}

/// Does the household with this place in the list hold this star? One, two or three of them.
fn is_given(star: usize, place: usize) -> bool {
    let has = |after: usize| place.saturating_add(after) % 8 == star;
    has(0) || (place.is_multiple_of(2) && has(3)) || (place.is_multiple_of(5) && has(6))
}

fn give(conn: &mut Conn, town: &Setting, nth: usize, homes: &[Household], day: Day) -> Result<()> {
    let placed = homes.iter().enumerate();
    let given = placed
        .filter(|(place, _)| is_given(nth, *place))
        .map(|(_, home)| home.clone());
    let Some(entry) = key(conn, town, nth, given.collect(), day)? else {
        return Ok(());
    };
    let asked = Decide {
        key: format!("demo-stars-confirmed-{entry}"),
        entry,
        confirmed: true,
        reason: String::new(),
        by: user::by_id(conn, &town.council_member)?,
    };
    star_entry::decide(conn, &asked, at(day, 15)).map(drop)
}

/// Keys a star for these households; `None` where there is none of them, or no session in a village of a few households.
fn key(
    conn: &mut Conn,
    town: &Setting,
    nth: usize,
    households: Vec<Household>,
    day: Day,
) -> Result<Option<Id<star_entry::StarEntry>>> {
    let star = star::standing_now(conn)?.into_iter().nth(nth);
    let session = last_session(conn, day)?;
    let (Some(star), Some(session), false) = (star, session, households.is_empty()) else {
        return Ok(None);
    };
    let asked = KeyStar {
        key: format!("demo-stars-{nth}-{day}"),
        star: star.id,
        households,
        session: session.number,
        until_on: days_after(session.held_on, DAYS),
        by: user::by_id(conn, &town.administrator)?,
    };
    star_entry::key(conn, &asked, at(day, 10)).map(|entry| Some(entry.id))
}

fn last_session(conn: &mut Conn, day: Day) -> Result<Option<Session>> {
    let sessions = session::list(conn, NEWEST)?;
    Ok(sessions
        .into_iter()
        .find(|one| one.state == session::State::Closed && one.held_on < day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::validator;

    #[test]
    fn every_star_may_be_defined() {
        for (name, criterion) in STARS {
            let row = serde_json::json!({ "title": name, "condition": criterion });
            assert_eq!(validator::of_title(&row).len(), 0, "{name}");
        }
    }

    #[test]
    fn every_star_is_held_and_nobody_has_all() {
        for star in 0..STARS.len() {
            assert!((0..HOUSEHOLDS).any(|place| is_given(star, place)));
        }
        for place in 0..HOUSEHOLDS {
            let held = (0..STARS.len()).filter(|star| is_given(*star, place)).count();
            assert!((1..=3).contains(&held));
        }
    }
}
