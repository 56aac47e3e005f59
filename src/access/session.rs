//! Sessions and API tokens: how the server recognises a person or a program again.
//!
//! The holder has 256 random bits; the server keeps their SHA-256. A session ends by signing out, after fourteen hours, or
//! after three idle ones; a token when it is revoked. The CSRF token of a session is derived from it and stored nowhere.

use chrono::TimeDelta;
use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::role::Duties;
use super::user::{self, User};
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::{api_tokens, sessions};
use crate::error::Result;
use crate::id::{Id, fill_random};

/// A session lasts a working day at most. ASVS 7.3.
const LIFETIME: TimeDelta = TimeDelta::hours(14);
/// … and ends when nothing was asked for this long.
const IDLE: TimeDelta = TimeDelta::hours(3);
/// `seen_at` is written this often, not on every page.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(10);

/// What a browser or a program holds: 64 hexadecimal characters. It is never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    #[must_use]
    pub fn new() -> Secret {
        let mut bytes = [0u8; 32];
        fill_random(&mut bytes);
        Secret(hex(&bytes))
    }

    /// One that was sent, if it could be ours.
    #[must_use]
    pub fn sent(text: &str) -> Option<Secret> {
        (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Secret(text.to_owned()))
    }

    /// The text for the holder.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the server keeps.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }

    /// The token that this session's forms carry.
    #[must_use]
    pub fn csrf(&self) -> String {
        hex(&Sha256::digest(format!("csrf {}", self.0).as_bytes()))
    }
}

impl Default for Secret {
    fn default() -> Secret {
        Secret::new()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A person who was recognised, with the duties held now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Who.
    pub user: User,
    /// With which duties.
    pub duties: Duties,
}

/// Starts a session; its secret goes into the browser's cookie.
///
/// # Errors
/// Only when the database fails.
pub fn start(conn: &mut Conn, user: &Id<User>, now: Moment) -> Result<Secret> {
    let secret = Secret::new();
    diesel::insert_into(sessions::table)
        .values((
            sessions::digest.eq(secret.digest()),
            sessions::user_id.eq(user),
            sessions::started_at.eq(now),
            sessions::seen_at.eq(now),
        ))
        .execute(conn)?;
    // Old sessions go when new ones come; there is no other moment at which somebody looks.
    diesel::delete(sessions::table.filter(sessions::started_at.lt(now - LIFETIME))).execute(conn)?;
    Ok(secret)
}

/// Who holds this session, if it is still good; and whether `seen` is due.
///
/// # Errors
/// Only when the database fails.
pub fn recognise(conn: &mut Conn, digest: &str, now: Moment) -> Result<Option<(Recognised, bool)>> {
    let found = sessions::table
        .find(digest)
        .select((sessions::user_id, sessions::started_at, sessions::seen_at))
        .get_result::<(Id<User>, Moment, Moment)>(conn)
        .optional()?;
    let Some((id, started_at, seen_at)) = found else {
        return Ok(None);
    };
    if now - started_at > LIFETIME || now - seen_at > IDLE {
        return Ok(None);
    }
    let due = now - seen_at > SEEN_EVERY;
    Ok(recognised(conn, &id)?.map(|person| (person, due)))
}

/// Notes that the session is in use.
///
/// # Errors
/// Only when the database fails.
pub fn seen(conn: &mut Conn, digest: &str, now: Moment) -> Result<()> {
    diesel::update(sessions::table.find(digest))
        .set(sessions::seen_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Takes the sessions that are good at `was` along to `now`: for the demo, whose time makes leaps.
///
/// # Errors
/// Only when the database fails.
pub fn carry_over(conn: &mut Conn, was: Moment, now: Moment) -> Result<()> {
    let good = sessions::started_at
        .ge(was - LIFETIME)
        .and(sessions::seen_at.ge(was - IDLE));
    diesel::update(sessions::table.filter(good))
        .set((sessions::started_at.eq(now), sessions::seen_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// Only when the database fails.
pub fn end(conn: &mut Conn, digest: &str) -> Result<()> {
    diesel::delete(sessions::table.find(digest)).execute(conn)?;
    Ok(())
}

/// Ends all sessions of a user.
///
/// # Errors
/// Only when the database fails.
pub fn end_all(conn: &mut Conn, user: &Id<User>) -> Result<()> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(conn)?;
    Ok(())
}

/// Makes a token for a program that acts as this user.
///
/// # Errors
/// Only when the database fails.
pub fn create_token(conn: &mut Conn, user: &Id<User>, now: Moment) -> Result<Secret> {
    let secret = Secret::new();
    diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::digest.eq(secret.digest()),
            api_tokens::user_id.eq(user),
            api_tokens::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(secret)
}

/// Who this token acts as, if it was not revoked.
///
/// # Errors
/// Only when the database fails.
pub fn recognise_token(conn: &mut Conn, digest: &str) -> Result<Option<Recognised>> {
    let found = api_tokens::table
        .filter(api_tokens::digest.eq(digest).and(api_tokens::revoked_at.is_null()))
        .select(api_tokens::user_id)
        .get_result::<Id<User>>(conn)
        .optional()?;
    match found {
        Some(id) => recognised(conn, &id),
        None => Ok(None),
    }
}

fn recognised(conn: &mut Conn, id: &Id<User>) -> Result<Option<Recognised>> {
    let user = user::by_id(conn, id)?;
    if user.disabled_at.is_some() {
        return Ok(None);
    }
    let duties = user::duties(conn, id)?;
    Ok(Some(Recognised { user, duties }))
}
