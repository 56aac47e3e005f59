//! What goes by itself when its time is over and has no other clockwork: looks at data after two years, marks of past quarters,
//! who sent an objection or appeal a year after its decision.
//!
//! Called every minute. Each kind of thing leaves one line in the record with how many there were; nothing due leaves none.

use chrono::Months;

use crate::access::lookup;
use crate::audit;
use crate::clock::{Moment, begin_of, day_of};
use crate::council::{appeal, objection};
use crate::db::Conn;
use crate::error::Result;
use crate::feedback::answer;
use crate::honours::{appeal as title_appeal, objection as title_objection};

/// How long it is kept who objected or appealed and where to reach him, once that is decided: until nothing can follow any more.
const SENDERS_KEPT: Months = Months::new(12);

/// Deletes what is due; answers how many rows went.
///
/// # Errors
/// Only when the database fails.
pub fn run(conn: &mut Conn, now: Moment) -> Result<usize> {
    let today = day_of(now);
    let before = begin_of(today.checked_sub_months(SENDERS_KEPT).unwrap_or(today));
    let senders = [
        objection::forget_senders(conn, before)?,
        appeal::forget_senders(conn, before)?,
        title_objection::forget_senders(conn, before)?,
        title_appeal::forget_senders(conn, before)?,
    ];
    let gone = [
        ("senders.deleted", senders.iter().sum()),
        ("lookups.deleted", lookup::delete_due(conn, today)?),
        ("feedback_marks.deleted", answer::delete_marks(conn, today)?),
    ];
    let lines: Vec<audit::Event> = gone
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(act, count)| audit::Event::new("system", act, "programme".to_owned(), count.to_string(), now))
        .collect();
    if !lines.is_empty() {
        audit::record(conn, &lines)?;
    }
    Ok(gone.iter().map(|(_, count)| count).sum())
}
