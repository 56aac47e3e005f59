//! When a photograph's time on the board is over: its file goes then without anybody asking.
//!
//! With the deed's time on the board, with the end of a title's term, with a household that leaves, and thirty days after a
//! consent was withdrawn. Until then a withdrawal only hides it, and giving the consent again shows it.

use super::{Beside, Picture, State, end, kept, of_household};
use crate::audit;
use crate::boards::board;
use crate::clock::{Day, Moment, Span, day_of, days_after};
use crate::council::nomination;
use crate::db::Conn;
use crate::error::Result;
use crate::files::Files;
use crate::honours::award;
use crate::id::Id;
use crate::places::consent::{self, Purpose};
use crate::places::household::Household;
use crate::places::standing;

/// For how many days a file is kept after a consent was withdrawn: the household may have meant something else.
pub const WITHDRAWN_DAYS: u64 = 30;

/// The day on which a photograph beside this comes down by itself; `None` when nothing is left to stand beside.
///
/// # Errors
/// `NotFound` for a deed or title that is not there.
pub fn due_on(conn: &mut Conn, beside: &Beside, today: Day) -> Result<Option<Day>> {
    let (since, term_ends_on) = match beside {
        Beside::Deed(id) => (board::deed_since(&nomination::by_id(conn, id)?), None),
        Beside::Title(id) => {
            let award = award::by_id(conn, id)?;
            (board::title_since(&award, today), award.term_ends_on)
        }
    };
    let next_quarter = since.map(|on| Span::quarter_of(Span::quarter_of(on).until).until);
    let after_term = term_ends_on.and_then(|last| last.succ_opt());
    Ok(next_quarter.map(|day| after_term.map_or(day, |other| day.min(other))))
}

/// Deletes the files whose time is over, without anybody asking. Answers how many.
///
/// # Errors
/// When the database or the disk fails; then nothing is written down, and the next run tries again.
pub fn delete_due(conn: &mut Conn, files: &Files, now: Moment) -> Result<usize> {
    let today = day_of(now);
    let mut deleted = 0usize;
    for picture in kept(conn)? {
        if is_over(conn, &picture, today)? {
            end(conn, files, &picture, State::Over, None, now)?;
            deleted = deleted.saturating_add(1);
        }
    }
    if deleted > 0 {
        let subject = "board_picture:".to_owned();
        let line = audit::Event::new("system", "board_picture.deleted", subject, deleted.to_string(), now);
        audit::record(conn, &[line])?;
    }
    Ok(deleted)
}

/// Is the deed's time on the board over, has the household left, or withdrawn a consent long enough ago?
fn is_over(conn: &mut Conn, picture: &Picture, today: Day) -> Result<bool> {
    let Some(beside) = picture.beside() else {
        return Ok(true);
    };
    if due_on(conn, &beside, today)?.is_none_or(|day| day <= today) {
        return Ok(true);
    }
    if !standing::gone(conn, std::slice::from_ref(&picture.household_id))?.is_empty() {
        return Ok(true);
    }
    let stands = consent::of(conn, &picture.household_id)?;
    let withdrawn = |purpose| {
        let last = stands.get(&purpose).filter(|consent| !consent.given);
        last.is_some_and(|consent| days_after(consent.decided_on, WITHDRAWN_DAYS) <= today)
    };
    Ok(withdrawn(Purpose::HonourBoard) || withdrawn(Purpose::Photo))
}

/// Deletes the files of a household, whatever their time; the rows stay and say so. Answers how many.
///
/// # Errors
/// When the database or the disk fails.
pub fn delete_of(conn: &mut Conn, files: &Files, household: &Id<Household>, now: Moment) -> Result<usize> {
    let own = of_household(conn, household)?;
    for picture in &own {
        end(conn, files, picture, State::Over, None, now)?;
    }
    Ok(own.len())
}

/// How many files there are, and when the next of them is due to go.
///
/// # Errors
/// Only when the database fails.
pub fn waiting(conn: &mut Conn, today: Day) -> Result<(usize, Option<Day>)> {
    let kept = kept(conn)?;
    let mut next: Option<Day> = None;
    for beside in kept.iter().filter_map(Picture::beside) {
        if let Some(day) = due_on(conn, &beside, today)? {
            next = Some(next.map_or(day, |earlier| earlier.min(day)));
        }
    }
    Ok((kept.len(), next))
}
