//! What goes by itself when its time is over and has no other clockwork: looks at data after two years, marks of past quarters.
//!
//! Called every minute. Each kind of thing leaves one line in the record with how many there were; nothing due leaves none.

use crate::access::lookup;
use crate::audit;
use crate::clock::{Moment, day_of};
use crate::db::Conn;
use crate::error::Result;
use crate::feedback::answer;

/// Deletes what is due; answers how many rows went.
///
/// # Errors
/// Only when the database fails.
pub fn run(conn: &mut Conn, now: Moment) -> Result<usize> {
    let today = day_of(now);
    let gone = [
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
