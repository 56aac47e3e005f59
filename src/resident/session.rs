//! A household's session: how the server recognises it again while it looks at its points, and nothing longer than that.
//!
//! Many share a phone, so it ends after fifteen idle minutes and after an hour in any case; also when its card is stopped,
//! the PIN changed, or the household left. It opens no door of the staff, and no session of the staff opens its doors.

use chrono::TimeDelta;
use diesel::prelude::*;

use super::tries::Found;
use crate::access::session::Secret;
use crate::cards::card::{self, Card};
use crate::cards::pin::{self, PinHash};
use crate::clock::{Moment, day_of};
use crate::db::Conn;
use crate::db::schema::resident_sessions;
use crate::error::Result;
use crate::id::Id;
use crate::places::household::{self, Household};
use crate::places::standing;

/// A session lasts so long at most.
const LIFETIME: TimeDelta = TimeDelta::hours(1);
/// … and ends when nothing was asked for this long.
const IDLE: TimeDelta = TimeDelta::minutes(15);
/// `seen_at` is written this often, not on every page.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Starts a session; its secret goes into the browser's cookie. The household's sessions that are over go.
///
/// # Errors
/// Only when the database fails.
pub fn start(conn: &mut Conn, of: &Found, now: Moment) -> Result<Secret> {
    let own = resident_sessions::table.filter(resident_sessions::household_id.eq(&of.household));
    let over = resident_sessions::started_at
        .lt(now - LIFETIME)
        .or(resident_sessions::seen_at.lt(now - IDLE));
    diesel::delete(own.filter(over)).execute(conn)?;
    let secret = Secret::new();
    diesel::insert_into(resident_sessions::table)
        .values((
            resident_sessions::digest.eq(secret.digest()),
            resident_sessions::household_id.eq(&of.household),
            resident_sessions::card_id.eq(&of.card),
            resident_sessions::pin_mark.eq(of.pin.as_ref().map(PinHash::mark).unwrap_or_default()),
            resident_sessions::started_at.eq(now),
            resident_sessions::seen_at.eq(now),
        ))
        .execute(conn)?;
    Ok(secret)
}

/// Whose session this is, if it is still good, and whether it is time to note that it is in use.
///
/// # Errors
/// Only when the database fails.
pub fn recognise(conn: &mut Conn, digest: &str, now: Moment) -> Result<Option<(Household, bool)>> {
    let row = resident_sessions::table
        .find(digest)
        .select((
            resident_sessions::household_id,
            resident_sessions::card_id,
            resident_sessions::pin_mark,
            resident_sessions::started_at,
            resident_sessions::seen_at,
        ))
        .first::<(Id<Household>, Id<Card>, String, Moment, Moment)>(conn)
        .optional()?;
    let Some((household, card, mark, started_at, seen_at)) = row else {
        return Ok(None);
    };
    let is_good = now - started_at <= LIFETIME
        && now - seen_at <= IDLE
        && card::is_in_use(conn, &card)?
        && pin::of(conn, &household)?.is_some_and(|pin| pin.mark() == mark)
        && standing::now(conn, &household)?.is_served_on(day_of(now));
    if !is_good {
        return Ok(None);
    }
    Ok(Some((household::by_id(conn, &household)?, now - seen_at > SEEN_EVERY)))
}

/// Notes that the session is in use.
///
/// # Errors
/// Only when the database fails.
pub fn seen(conn: &mut Conn, digest: &str, now: Moment) -> Result<()> {
    diesel::update(resident_sessions::table.find(digest))
        .set(resident_sessions::seen_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Takes the sessions that are good at `was` along to `now`: for the demo, whose time makes leaps.
///
/// # Errors
/// Only when the database fails.
pub fn carry_over(conn: &mut Conn, was: Moment, now: Moment) -> Result<()> {
    let good = resident_sessions::started_at
        .ge(was - LIFETIME)
        .and(resident_sessions::seen_at.ge(was - IDLE));
    diesel::update(resident_sessions::table.filter(good))
        .set((
            resident_sessions::started_at.eq(now),
            resident_sessions::seen_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// Only when the database fails.
pub fn end(conn: &mut Conn, digest: &str) -> Result<()> {
    diesel::delete(resident_sessions::table.find(digest)).execute(conn)?;
    Ok(())
}
