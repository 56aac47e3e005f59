//! Who did what: one line for each act, in the same transaction as the act itself.
//!
//! A line names the actor, the act, its subject and details that are not personal. Reading is `events`; nothing deletes a
//! line, and nothing changes one but `retention`, which overwrites the details about a household that was deleted.

use diesel::prelude::*;

use crate::clock::Moment;
use crate::db::schema::audit_events;
use crate::db::{Conn, insert_rows};
use crate::error::Result;
use crate::id::Id;

/// One line.
#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub struct Event {
    /// Its id, which is ordered by time.
    pub id: Id<Event>,
    /// When.
    pub recorded_at: Moment,
    /// A user's id, or `system`.
    pub actor: String,
    /// What was done, as `noun.verb`.
    pub act: String,
    /// To what: `kind:id`.
    pub subject: String,
    /// Numbers and reasons; never a name.
    pub detail: String,
}

impl Event {
    /// A line to be written with `record`.
    #[must_use]
    pub fn new(actor: &str, act: &str, subject: String, detail: String, now: Moment) -> Event {
        Event {
            id: Id::new(now),
            recorded_at: now,
            actor: actor.to_owned(),
            act: act.to_owned(),
            subject,
            detail,
        }
    }
}

/// Writes lines.
///
/// # Errors
/// Only when the database fails.
pub fn record(conn: &mut Conn, events: &[Event]) -> Result<()> {
    insert_rows!(conn, audit_events::table, events);
    Ok(())
}

/// The newest lines first, at most `limit`, older than the line `before` when given.
///
/// # Errors
/// Only when the database fails.
pub fn events(conn: &mut Conn, before: Option<&Id<Event>>, limit: i64) -> Result<Vec<Event>> {
    let mut query = audit_events::table.select(Event::as_select()).into_boxed();
    if let Some(before) = before {
        query = query.filter(audit_events::id.lt(before));
    }
    Ok(query.order(audit_events::id.desc()).limit(limit).load(conn)?)
}

/// The newest lines of these acts, at most `limit`.
///
/// # Errors
/// Only when the database fails.
pub fn of_acts(conn: &mut Conn, acts: &[&str], limit: i64) -> Result<Vec<Event>> {
    Ok(audit_events::table
        .filter(audit_events::act.eq_any(acts))
        .order(audit_events::id.desc())
        .limit(limit)
        .select(Event::as_select())
        .load(conn)?)
}
