//! Confirmation: a second person finds the times right, and only then is anything posted.
//!
//! Each household's minutes are one posting, all in one transaction. Where the event names a rule, the households are nominated
//! besides, by whoever took down their times, so that somebody else verifies; a household that cannot have the points stays
//! in the list with the reason, and has its time all the same.

use serde::Serialize;

use super::event::{self, State, VolunteerEvent};
use super::minutes::Minutes;
use super::refused::Refused;
use super::stay::{self, Stay};
use crate::access::user::User;
use crate::clock::{Moment, day_of};
use crate::council::member;
use crate::council::nomination::{self, Nominate, Nominator};
use crate::council::parties::Person;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::account::{AccountKind, PROGRAMME};
use crate::ledger::transaction::{Books, Posting, TransactionKind};
use crate::places::household::Household;
use crate::places::standing;
use crate::request::{Request, Requests};
use crate::scheme::item::{self, Item};

/// What a confirmation would do, line by line.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// Each line with the minutes that it would credit, in the order of the list.
    pub lines: Vec<(Stay, Minutes)>,
    /// The rule under which the households would be nominated.
    pub item: Option<Item>,
}

impl Outlook {
    /// Looks what confirming an event would do; nothing is written.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn of(conn: &mut Conn, event: &VolunteerEvent) -> Result<Outlook> {
        let mut lines = Vec::new();
        for stay in stay::of_event(conn, &event.id)? {
            let already = stay::credited_on(conn, &stay.household_id, event.held_on)?;
            let credited = Minutes::credited(stay.people, stay.each(), &already);
            lines.push((stay, credited));
        }
        let item = match &event.scoring_item_id {
            Some(item) => Some(item::by_id(conn, item)?.0),
            None => None,
        };
        Ok(Outlook { lines, item })
    }

    /// All minutes together.
    #[must_use]
    pub fn total(&self) -> Minutes {
        self.lines.iter().map(|(_, minutes)| *minutes).sum()
    }

    /// How many counts of the rule so many minutes are: whole hours where it counts hours, else one.
    #[must_use]
    pub fn counts(&self, minutes: Minutes) -> i64 {
        match &self.item {
            Some(item) if item.per == "hour" => minutes.hours(),
            Some(_) => minutes.hours().min(1),
            None => 0,
        }
    }

    /// How many households would be nominated.
    #[must_use]
    pub fn to_nominate(&self) -> usize {
        let counted = self.lines.iter().filter(|(_, minutes)| self.counts(*minutes) > 0);
        counted.count()
    }

    /// What tells this list from another one: whoever confirms sends back what was shown.
    #[must_use]
    pub fn seal(&self) -> String {
        let last = self.lines.iter().map(|(stay, _)| stay.recorded_at).max();
        let last = last.map_or(0, |at| at.and_utc().timestamp_millis());
        format!("{}-{}-{last}", self.lines.len(), self.total().0)
    }

    /// Why this person does not confirm it; `None` for who may.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn part_of(&self, conn: &mut Conn, event: &VolunteerEvent, by: &User) -> Result<Option<&'static str>> {
        if event.led_by == by.id {
            return Ok(Some("您是带队人，时长要由另一人确认。"));
        }
        if self.lines.iter().any(|(stay, _)| stay.recorded_by == by.id) {
            return Ok(Some("名单里有您登记的时间，要由没有登记过的人确认。"));
        }
        let at_home = lives_in(conn, by, self.lines.iter().map(|(stay, _)| &stay.household_id))?;
        Ok(at_home.then_some("名单里有您自己家，要由别家的人确认。"))
    }
}

/// Does this person live in one of these households, as they are today?
///
/// # Errors
/// Only when the database fails.
pub(super) fn lives_in<'a>(
    conn: &mut Conn,
    person: &User,
    households: impl Iterator<Item = &'a Id<Household>>,
) -> Result<bool> {
    let homes = Person::of_user(person, &member::all(conn)?).households;
    if homes.is_empty() {
        return Ok(false);
    }
    for household in households {
        if homes.contains(&standing::survivor(conn, household)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Confirms the times of an event as they were shown, posts them and closes it. The same form sent twice does it once.
///
/// # Errors
/// `Forbidden` for the leader, for who took times down, and for who lives in one of the households; [`Refused::EventIs`],
/// [`Refused::NotYet`], [`Refused::Nobody`], [`Refused::StillThere`], [`Refused::Changed`]; `idempotency_conflict`; `NotFound`.
pub fn confirm(
    conn: &mut Conn,
    id: &Id<VolunteerEvent>,
    shown: &str,
    by: &User,
    key: &str,
    now: Moment,
) -> Result<VolunteerEvent> {
    #[derive(Serialize)]
    struct Content<'a>(&'a str, &'a str);
    let content = Content(id.as_str(), shown);
    let request = Request::new(key, by.id.as_str(), "volunteer_event.confirm", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    let event = event::by_id(conn, id)?;
    if requests.earlier(&request)?.is_some() {
        return Ok(event);
    }
    event.expect_open()?;
    if event.held_on > day_of(now) {
        return Err(Refused::NotYet(event.held_on).into());
    }
    let outlook = Outlook::of(conn, &event)?;
    let still_there = outlook.lines.iter().filter(|(stay, _)| stay.left_at.is_none()).count();
    match (outlook.lines.len(), still_there) {
        (0, _) => return Err(Refused::Nobody.into()),
        (_, 0) => {}
        (_, households) => return Err(Refused::StillThere(households).into()),
    }
    if let Some(why) = outlook.part_of(conn, &event, by)? {
        return Err(Error::Forbidden(why));
    }
    if outlook.seal() != shown {
        return Err(Refused::Changed.into());
    }
    for stay in post(conn, &event, &outlook, &by.id, now)? {
        let stay = nominate(conn, &event, &outlook, stay, now)?;
        stay::save(conn, &stay)?;
    }
    event::end(conn, &event, State::Closed, None, &by.id, now)?;
    requests.carried_out(&request, event.id.as_str(), now);
    requests.save(conn)?;
    let detail = format!("{}户，{}", outlook.lines.len(), outlook.total());
    event::record(conn, &event, &by.id, "volunteer_event.confirmed", detail, now)?;
    event::by_id(conn, id)
}

/// Posts each line's minutes, to the household as which it lives on today if it was merged.
fn post(conn: &mut Conn, event: &VolunteerEvent, outlook: &Outlook, by: &Id<User>, now: Moment) -> Result<Vec<Stay>> {
    let mut owners = Vec::with_capacity(outlook.lines.len());
    for (stay, _) in &outlook.lines {
        owners.push(standing::survivor(conn, &stay.household_id)?);
    }
    let mut books = Books::open(conn, owners.iter().map(Id::as_str))?;
    let mut posted = Vec::with_capacity(owners.len());
    for ((stay, minutes), owner) in outlook.lines.iter().zip(&owners) {
        let number = match *minutes > Minutes(0) {
            true => Some(books.post(Posting {
                kind: TransactionKind::VolunteerTime,
                source: stay.source(),
                effective_on: event.held_on,
                recorded_at: now,
                posted_by: by.to_string(),
                reverses: None,
                entries: Posting::moving(
                    minutes.in_books(),
                    (PROGRAMME, AccountKind::TimeIssuance),
                    (owner.as_str(), AccountKind::TimeCredits),
                ),
            })?),
            false => None,
        };
        posted.push(Stay {
            minutes: Some(minutes.0),
            transaction_number: number,
            ..stay.clone()
        });
    }
    books.save(conn)?;
    Ok(posted)
}

/// Nominates a line's household under the event's rule, if it names one and the line counts for it.
fn nominate(conn: &mut Conn, event: &VolunteerEvent, outlook: &Outlook, stay: Stay, now: Moment) -> Result<Stay> {
    let minutes = Minutes(stay.minutes.unwrap_or(0));
    let Some(item) = &outlook.item else {
        return Ok(stay);
    };
    let count = outlook.counts(minutes);
    if count == 0 {
        let refusal = Some("不满1小时，没有申报加分。".to_owned());
        return Ok(Stay { refusal, ..stay });
    }
    let asked = Nominate {
        household: standing::survivor(conn, &stay.household_id)?,
        item: item.code.clone(),
        count,
        occurred_on: event.held_on,
        note: format!(
            "{}（{}），第{}号志愿活动，{minutes}",
            event.name, event.place, event.number
        ),
        by: Nominator::Staff(stay.recorded_by.clone()),
        key: stay.source(),
    };
    match nomination::nominate(conn, &asked, now) {
        Ok(nomination) => Ok(Stay {
            nomination_id: Some(nomination.id),
            ..stay
        }),
        Err(Error::Internal(cause, place)) => Err(Error::Internal(cause, place)),
        Err(refused) => Ok(Stay {
            refusal: Some(refused.to_string()),
            ..stay
        }),
    }
}
