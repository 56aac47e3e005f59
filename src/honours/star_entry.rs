//! Stars as they are keyed (评定的星): what a session decided about one star, for one household or for many.
//!
//! ```text
//! waiting → confirmed (the stars are given) | refused (nothing is)
//! ```
//!
//! One person keys the list and another confirms it or refuses it, whole; neither of a household on it (SG13). While it
//! waits no household has the star, so that no page of a household and no board can show it.

use diesel::prelude::*;

use super::refused::Refused;
use super::star::{self, HonourStar, StarAward};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment};
use crate::council::member::buildings_of;
use crate::council::objection::words;
use crate::council::refused::Refused as CouncilRefused;
use crate::council::session::{self, Session};
use crate::db::schema::{star_entries, star_entry_households};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, FieldError, Result};
use crate::id::Id;
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::places::standing;
use crate::request::{Request, Requests};

/// What was keyed, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = star_entries, treat_none_as_null = true)]
pub struct StarEntry {
    /// Its id.
    pub id: Id<StarEntry>,
    /// The star.
    pub star_id: Id<HonourStar>,
    /// The session that decided.
    pub session_id: Id<Session>,
    /// The last day on which the star is to hold.
    pub until_on: Day,
    /// Where it stands.
    pub state: State,
    /// When it was keyed.
    pub keyed_at: Moment,
    /// By whom.
    pub keyed_by: Id<User>,
    /// When the second person decided.
    pub decided_at: Option<Moment>,
    /// Who that was.
    pub decided_by: Option<Id<User>>,
    /// Why it was refused.
    pub refusal: Option<String>,
}

text_enum! {
    /// Where an entry stands.
    pub enum State {
        /// Waits for a second person.
        Waiting = "waiting", "待复核";
        /// The households have the star.
        Confirmed = "confirmed", "已复核";
        /// The second person did not agree: nobody has it.
        Refused = "refused", "已退回";
    }
}

#[derive(Debug, Insertable)]
#[diesel(table_name = star_entry_households)]
struct Listed {
    entry_id: Id<StarEntry>,
    household_id: Id<Household>,
    position: i64,
}

/// Households of one entry at most: somebody else reads every name.
pub const MOST_HOUSEHOLDS: usize = 200;
/// The longest that a star holds without being decided about again, in days: three years.
const LONGEST_DAYS: i64 = 3 * 366;
const REFUSAL_LENGTH: usize = 200;

/// Asks to key what a session decided about a star.
#[derive(Clone, Debug)]
pub struct KeyStar {
    /// The star.
    pub star: Id<HonourStar>,
    /// The households that are to have it.
    pub households: Vec<Household>,
    /// The number of the session that decided.
    pub session: i64,
    /// The last day on which it holds.
    pub until_on: Day,
    /// Who keys it.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Keys a star that a session gave, or renewed: for all these households or, where one of them may not have it, for none.
///
/// # Errors
/// [`Refused::StarHeld`] when it holds as long already, [`Refused::StarWaits`], `Forbidden` for the own household, what
/// [`standing`] refuses; of several households `Invalid` with a sentence for each. The council's `SessionIs` before the
/// session has closed; `Invalid` days or a session of another council; `idempotency_conflict`.
pub fn key(conn: &mut Conn, asked: &KeyStar, now: Moment) -> Result<StarEntry> {
    let homes: Vec<&str> = asked.households.iter().map(|home| home.id.as_str()).collect();
    let content = (asked.star.as_str(), &homes, asked.session, asked.until_on);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "star.key", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    if !(1..=MOST_HOUSEHOLDS).contains(&asked.households.len()) {
        let sentence = format!("请写明是哪些户，一次最多{MOST_HOUSEHOLDS}户。");
        return Err(Error::invalid("homes", sentence));
    }
    let star = star::by_id(conn, &asked.star)?;
    if star.retired_at.is_some() {
        return Err(Error::invalid("star", "这颗星已经停用。"));
    }
    let session = match session::by_number(conn, asked.session) {
        Ok(session) => session,
        Err(Error::NotFound) => return Err(Error::invalid("session", "没有这次评议会，请填第几次。")),
        Err(error) => return Err(error),
    };
    if session.state != session::State::Closed {
        return Err(CouncilRefused::SessionIs(session.state).into());
    }
    let days = asked.until_on.signed_duration_since(session.held_on).num_days();
    if !(1..=LONGEST_DAYS).contains(&days) {
        return Err(Error::invalid("until_on", "有效期应晚于开会那天，最长三年。"));
    }
    let buildings = buildings_of(&Tree::load(conn)?, &session.area_id);
    of_each(&asked.households, |nth, home| {
        if asked.households.iter().take(nth).any(|other| other.id == home.id) {
            return Err(Error::invalid("homes", "同一户写了两次，请只留一行。"));
        }
        if asked.by.household_id.as_ref() == Some(&home.id) {
            return Err(Error::Forbidden("不能登记自己家的星，请由他人登记。"));
        }
        standing::expect_active(conn, &home.id)?;
        if !buildings.contains(&home.building_id) {
            return Err(Error::invalid("session", "这次会议不是本户所在评议会的会议。"));
        }
        expect_new(conn, &star, home, asked.until_on)
    })?;
    let entry = StarEntry {
        id: Id::new(now),
        star_id: star.id,
        session_id: session.id,
        until_on: asked.until_on,
        state: State::Waiting,
        keyed_at: now,
        keyed_by: asked.by.id.clone(),
        decided_at: None,
        decided_by: None,
        refusal: None,
    };
    diesel::insert_into(star_entries::table).values(&entry).execute(conn)?;
    let listed = (1..).zip(&asked.households).map(|(position, home)| Listed {
        entry_id: entry.id.clone(),
        household_id: home.id.clone(),
        position,
    });
    insert_rows!(conn, star_entry_households::table, &listed.collect::<Vec<_>>());
    requests.carried_out(&request, entry.id.as_str(), now);
    requests.save(conn)?;
    let subject = format!("star_entry:{}", entry.id);
    audit::record(conn, &[event(&asked.by, "star.keyed", subject, now)])?;
    Ok(entry)
}

/// Refuses a star that the household has for as long already, or that waits for it.
fn expect_new(conn: &mut Conn, star: &HonourStar, home: &Household, until_on: Day) -> Result<()> {
    let held = star::of_household(conn, &home.id)?;
    if held
        .iter()
        .any(|one| one.star_id == star.id && one.until_on >= until_on)
    {
        return Err(Refused::StarHeld.into());
    }
    let waiting = waiting_for(conn, &home.id)?;
    match waiting.iter().any(|one| one.star_id == star.id) {
        true => Err(Refused::StarWaits.into()),
        false => Ok(()),
    }
}

/// Asks the same of each household. What is wrong with one that stands alone is said as it is; of several each is named.
fn of_each(homes: &[Household], mut expect: impl FnMut(usize, &Household) -> Result<()>) -> Result<()> {
    let mut wrong = Vec::new();
    for (nth, home) in homes.iter().enumerate() {
        match expect(nth, home) {
            Ok(()) => {}
            Err(error @ Error::Internal(..)) => return Err(error),
            Err(error) if homes.len() == 1 => return Err(error),
            Err(error) => wrong.push(FieldError {
                field: "homes",
                message: format!("户号{}，户主{}：{error}", home.code, home.head_name),
            }),
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Error::Invalid(wrong)),
    }
}

/// Asks to decide about an entry.
#[derive(Clone, Debug)]
pub struct Decide {
    /// The entry.
    pub entry: Id<StarEntry>,
    /// Is the whole list as the session decided?
    pub confirmed: bool,
    /// Why not; must be there when it is refused.
    pub reason: String,
    /// Who decides.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// The second person confirms an entry, and its households have the star; or refuses it, with a reason. A star that was
/// retired since the session is given all the same.
///
/// # Errors
/// [`Refused::KeyedByOneself`], [`Refused::StarEntryIs`], `Forbidden` when the own household is on the list, what [`standing`]
/// refuses; `Invalid` when refused without a reason; `NotFound`; `idempotency_conflict`.
pub fn decide(conn: &mut Conn, asked: &Decide, now: Moment) -> Result<StarEntry> {
    let content = (asked.entry.as_str(), asked.confirmed, &asked.reason);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "star.decide", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let mut entry = by_id(conn, &asked.entry)?;
    if entry.state != State::Waiting {
        return Err(Refused::StarEntryIs(entry.state).into());
    }
    let homes = households(conn, &entry.id)?;
    expect_second(&entry, &homes, &asked.by)?;
    entry.decided_at = Some(now);
    entry.decided_by = Some(asked.by.id.clone());
    let events: Vec<audit::Event> = match asked.confirmed {
        true => {
            entry.state = State::Confirmed;
            give(conn, &entry, &homes, now)?;
            let given = homes.iter().map(|home| format!("household:{}", home.id));
            given
                .map(|subject| event(&asked.by, "star.given", subject, now))
                .collect()
        }
        false => {
            entry.state = State::Refused;
            let sentence = "退回时请写明原因，200个字以内。";
            entry.refusal = Some(words("reason", &asked.reason, REFUSAL_LENGTH, sentence)?);
            let subject = format!("star_entry:{}", entry.id);
            vec![event(&asked.by, "star.refused", subject, now)]
        }
    };
    diesel::update(star_entries::table.find(&entry.id))
        .set(&entry)
        .execute(conn)?;
    requests.carried_out(&request, entry.id.as_str(), now);
    requests.save(conn)?;
    audit::record(conn, &events)?;
    Ok(entry)
}

/// Refuses whoever may not be the second person of an entry about these households.
///
/// # Errors
/// [`Refused::KeyedByOneself`]; `Forbidden` when the own household is among them.
pub fn expect_second(entry: &StarEntry, homes: &[Household], by: &User) -> Result<()> {
    if entry.keyed_by == by.id {
        return Err(Refused::KeyedByOneself.into());
    }
    match homes.iter().any(|home| by.household_id.as_ref() == Some(&home.id)) {
        true => Err(Error::Forbidden("名单里有您自己家，请由他人复核。")),
        false => Ok(()),
    }
}

fn give(conn: &mut Conn, entry: &StarEntry, homes: &[Household], now: Moment) -> Result<()> {
    of_each(homes, |_, home| standing::expect_active(conn, &home.id))?;
    let given_on = session::by_id(conn, &entry.session_id)?.held_on;
    let awards = homes.iter().map(|home| StarAward {
        id: Id::new(now),
        star_id: entry.star_id.clone(),
        household_id: home.id.clone(),
        session_id: entry.session_id.clone(),
        given_on,
        until_on: entry.until_on,
        recorded_at: entry.keyed_at,
        recorded_by: entry.keyed_by.clone(),
        entry_id: Some(entry.id.clone()),
    });
    star::give(conn, &awards.collect::<Vec<_>>())
}

/// An entry by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<StarEntry>) -> Result<StarEntry> {
    star_entries::table
        .find(id)
        .select(StarEntry::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The households of an entry, as they were written down.
///
/// # Errors
/// Only when the database fails.
pub fn households(conn: &mut Conn, entry: &Id<StarEntry>) -> Result<Vec<Household>> {
    let ids: Vec<Id<Household>> = star_entry_households::table
        .filter(star_entry_households::entry_id.eq(entry))
        .order(star_entry_households::position)
        .select(star_entry_households::household_id)
        .load(conn)?;
    let mut homes = household::by_ids(conn, &ids)?;
    homes.sort_by_key(|home| ids.iter().position(|id| *id == home.id));
    Ok(homes)
}

/// What waits for a second person, the oldest first.
///
/// # Errors
/// Only when the database fails.
pub fn waiting(conn: &mut Conn) -> Result<Vec<StarEntry>> {
    Ok(star_entries::table
        .filter(star_entries::state.eq(State::Waiting))
        .order((star_entries::keyed_at, star_entries::id))
        .select(StarEntry::as_select())
        .load(conn)?)
}

/// What waits for a second person and names this household.
///
/// # Errors
/// Only when the database fails.
pub fn waiting_for(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<StarEntry>> {
    let naming: Vec<Id<StarEntry>> = star_entry_households::table
        .filter(star_entry_households::household_id.eq(household))
        .select(star_entry_households::entry_id)
        .load(conn)?;
    Ok(star_entries::table
        .filter(star_entries::id.eq_any(&naming))
        .filter(star_entries::state.eq(State::Waiting))
        .select(StarEntry::as_select())
        .load(conn)?)
}

fn event(by: &User, act: &str, subject: String, now: Moment) -> audit::Event {
    audit::Event::new(by.id.as_str(), act, subject, String::new(), now)
}
