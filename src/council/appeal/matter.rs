//! What an appeal is about: which decision, of whom, made when, and until when the household may appeal.
//!
//! The household does not say which kind of decision it means: where the matter stands tells it. A text names the matter,
//! as the books name their sources, so that every room whose decisions can be appealed against fits in.

use super::{Appeal, Kind};
use crate::clock::{Moment, begin_of, day_of};
use crate::council::deadline::{self, after_days};
use crate::council::nomination::{self, Filter, Nomination, State as Standing};
use crate::council::parties::{Part, Parties};
use crate::council::refused::Refused;
use crate::council::reminder::{self, ReminderNote, unheeded};
use crate::council::{correction, motion, objection};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;

/// A decision that a household may appeal against.
#[derive(Clone, Debug)]
pub struct Matter {
    /// `award:<id>`, `reminder:<id>`.
    pub subject: String,
    /// Which kind of decision.
    pub kind: Kind,
    /// Whose it is.
    pub household_id: Id<Household>,
    /// The nomination, if it is one.
    pub nomination: Option<Nomination>,
    /// When it was decided.
    pub about_at: Moment,
    /// From here on it is too late.
    pub until: Moment,
}

/// A household has at least so many days to appeal, whatever a scheme says (SG7).
const FEWEST_DAYS: u64 = 7;
/// Nominations of a household that are looked at for something to appeal against.
const NEWEST: i64 = 300;

/// The matter that a text names.
///
/// # Errors
/// `NotFound`; [`Refused::NothingToAppeal`].
pub fn of(conn: &mut Conn, subject: &str) -> Result<Matter> {
    if let Some(id) = subject.strip_prefix("award:") {
        let row = nomination::by_id(conn, &Id::known(id))?;
        return of_nomination(conn, row);
    }
    let id = subject.strip_prefix("reminder:").ok_or(Error::NotFound)?;
    let note = reminder::by_id(conn, &Id::known(id))?;
    of_reminder(conn, &note)
}

/// An honour reduction that stands.
fn of_reminder(conn: &mut Conn, note: &ReminderNote) -> Result<Matter> {
    let reduced_on = note.reduced_on.filter(|_| note.state == reminder::State::Reduced);
    let about_at = reduced_on
        .map(begin_of)
        .ok_or(Refused::NothingToAppeal(note.state.label()))?;
    let days = deadline::cycle(conn, day_of(about_at))?.appeal_window_days;
    Ok(Matter {
        subject: format!("reminder:{}", note.id),
        kind: Kind::HonourReduction,
        household_id: note.household_id.clone(),
        nomination: None,
        about_at,
        until: after_days(about_at, days.max(FEWEST_DAYS)),
    })
}

/// The last decision about a nomination.
///
/// # Errors
/// [`Refused::NothingToAppeal`].
pub fn of_nomination(conn: &mut Conn, row: Nomination) -> Result<Matter> {
    let decided = match row.state {
        Standing::Returned => row.decided_at.map(|at| (Kind::Returned, at)),
        Standing::Posted => row.posted_at.map(|at| (Kind::FewerPoints, at)),
        Standing::Declined => declined(conn, &row)?,
        Standing::Reversed => correction::of_nomination(conn, &row.id)?
            .into_iter()
            .rfind(|one| one.state == correction::State::Confirmed)
            .and_then(|one| one.decided_at)
            .map(|at| (Kind::Corrected, at)),
        _ => None,
    };
    let Some((kind, about_at)) = decided else {
        return Err(Refused::NothingToAppeal(row.state.label()).into());
    };
    let days = deadline::cycle(conn, day_of(about_at))?.appeal_window_days;
    Ok(Matter {
        subject: format!("award:{}", row.id),
        kind,
        household_id: row.household_id.clone(),
        nomination: Some(row),
        about_at,
        until: after_days(about_at, days.max(FEWEST_DAYS)),
    })
}

/// By whom it was declined: an objection that was upheld, or the council.
fn declined(conn: &mut Conn, row: &Nomination) -> Result<Option<(Kind, Moment)>> {
    let upheld = objection::of_nomination(conn, &row.id)?
        .into_iter()
        .filter(|objection| objection.state == objection::State::Upheld)
        .filter_map(|objection| objection.decided_at)
        .max();
    if let Some(at) = upheld {
        return Ok(Some((Kind::ObjectionUpheld, at)));
    }
    let motions = motion::of_nomination(conn, &row.id)?;
    let decided = motions
        .into_iter()
        .filter(|motion| motion.state == motion::State::Declined)
        .filter_map(|motion| motion.decided_at)
        .max();
    Ok(decided.map(|at| (Kind::Declined, at)))
}

/// Everything that a household may appeal against now, the newest first.
///
/// # Errors
/// Only when the database fails.
pub fn open(conn: &mut Conn, household: &Id<Household>, now: Moment) -> Result<Vec<Matter>> {
    let filter = Filter {
        households: Some(vec![household.clone()]),
        ..Filter::default()
    };
    let mut open = Vec::new();
    for row in nomination::list(conn, &filter, NEWEST)? {
        let matter = match of_nomination(conn, row) {
            Ok(matter) => matter,
            Err(Error::Refused(_)) => continue,
            Err(error) => return Err(error),
        };
        if now < matter.until && !super::is_appealed(conn, &matter)? {
            open.push(matter);
        }
    }
    let filter = reminder::Filter {
        states: vec![reminder::State::Reduced],
        households: Some(vec![household.clone()]),
    };
    for (note, _) in reminder::list(conn, &filter, NEWEST)? {
        match of_reminder(conn, &note) {
            Ok(matter) if now < matter.until && !super::is_appealed(conn, &matter)? => open.push(matter),
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    open.sort_by_key(|matter| std::cmp::Reverse(matter.about_at));
    Ok(open)
}

/// Who had a part in what an appeal is about.
///
/// # Errors
/// Only when the database fails.
pub fn parties(conn: &mut Conn, appeal: &Appeal) -> Result<Parties> {
    if let Some(id) = &appeal.nomination_id {
        let row = nomination::by_id(conn, id)?;
        return Parties::of(conn, &row);
    }
    let mut parties = Parties::default();
    parties.household(Some(appeal.household_id.clone()), Part::OwnHousehold);
    let note = reminder_of(conn, appeal)?;
    let objection = unheeded::objection_to(conn, &note.id)?;
    let decider = objection.and_then(|objection| objection.decided_by);
    let people = [Some(note.issued_by), note.acknowledged_by, note.unfixed_by, decider];
    for person in people.into_iter().flatten() {
        parties.user(person, Part::Reminded);
    }
    Ok(parties)
}

/// The note that an appeal is about.
///
/// # Errors
/// `NotFound` when it is about something else.
pub fn reminder_of(conn: &mut Conn, appeal: &Appeal) -> Result<ReminderNote> {
    let id = appeal.subject.strip_prefix("reminder:").ok_or(Error::NotFound)?;
    reminder::by_id(conn, &Id::known(id))
}

/// Gives back the honour that a note took.
pub(super) fn make_good(conn: &mut Conn, appeal: &mut Appeal, by: &str, now: Moment) -> Result<()> {
    let note = reminder_of(conn, appeal)?;
    appeal.correction_number = reminder::restore(conn, note, "申诉成立，荣誉分已补回", by, now)?;
    Ok(())
}
