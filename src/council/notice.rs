//! Public notices (公示): what a council approved is shown to everybody for some days, before any point counts.
//!
//! A notice is published once for a session. Each row has a slip number (notice and row, `12-3`) under which anyone may
//! object. It names a household by family name and building only, unless the household consented to more (SG8), and says
//! which rule was fulfilled; a sentence of the council's own is read by `public_text` first. The days are whole days after
//! the one on which it was published; when they are over it is taken down and what nobody objected to posts (`award`).

use std::collections::HashMap;

use diesel::prelude::*;

use super::nomination::{self, Nomination, State as Standing};
use super::refused::Refused;
use super::session::{self, Session};
use super::{clockwork, motion, public_text};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Moment, begin_of, day_of, days_after};
use crate::db::Conn;
use crate::db::schema::public_notices;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::Area;
use crate::places::household::{self, Household};
use crate::request::{Request, Requests};
use crate::scheme::{terms, version};

/// A public notice.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = public_notices)]
pub struct Notice {
    /// Its id.
    pub id: Id<Notice>,
    /// 1, 2, 3 …: the first part of every slip number.
    pub number: i64,
    /// The area whose council decided.
    pub area_id: Id<Area>,
    /// The session that decided.
    pub session_id: Id<Session>,
    /// When it was published.
    pub published_at: Moment,
    /// By whom.
    pub published_by: Id<User>,
    /// Rows without an open objection post from this moment on.
    pub ends_at: Moment,
    /// When it was taken down.
    pub taken_down_at: Option<Moment>,
}

impl Notice {
    /// Does it still run?
    #[must_use]
    pub fn runs_at(&self, now: Moment) -> bool {
        self.published_at <= now && now < self.ends_at && self.taken_down_at.is_none()
    }
}

/// Publishes what a session approved, once.
///
/// # Errors
/// [`Refused::AlreadyPublished`], [`Refused::NothingToPublish`], [`Refused::NotForPublic`], [`Refused::SessionIs`] before it
/// has closed; `idempotency_conflict`.
pub fn publish(conn: &mut Conn, id: &Id<Session>, by: &Id<User>, key: &str, now: Moment) -> Result<Notice> {
    clockwork::expect_forward(conn, now)?;
    let request = Request::new(key, by.as_str(), "notice.publish", &id.as_str())?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let session = session::by_id(conn, id)?;
    if session.state != session::State::Closed {
        return Err(Refused::SessionIs(session.state).into());
    }
    if of_session(conn, id)?.is_some() {
        return Err(Refused::AlreadyPublished.into());
    }
    let rows = to_publish(conn, &session)?;
    if rows.is_empty() {
        return Err(Refused::NothingToPublish.into());
    }
    expect_fit(conn, &rows)?;
    let notice = draft(conn, &session, by, now)?;
    diesel::insert_into(public_notices::table)
        .values(&notice)
        .execute(conn)?;
    for (row, mut nomination) in (1i64..).zip(rows) {
        nomination.notice_id = Some(notice.id.clone());
        nomination.notice_row = Some(row);
        nomination.state = Standing::Notified;
        nomination::save(conn, &nomination)?;
    }
    requests.carried_out(&request, notice.id.as_str(), now);
    requests.save(conn)?;
    let subject = format!("notice:{}", notice.number);
    audit::record(
        conn,
        &[audit::Event::new(
            by.as_str(),
            "notice.published",
            subject,
            String::new(),
            now,
        )],
    )?;
    Ok(notice)
}

/// The notice that would be published now: its number and days, for publishing it and for looking at it before.
///
/// # Errors
/// `NotFound` without rules in force.
pub fn draft(conn: &mut Conn, session: &Session, by: &Id<User>, now: Moment) -> Result<Notice> {
    let version = version::in_force(conn, day_of(now))?;
    let days = terms::of(conn, &version.id)?.cycle.notice_days;
    let last = public_notices::table
        .select(diesel::dsl::max(public_notices::number))
        .get_result::<Option<i64>>(conn)?;
    Ok(Notice {
        id: Id::new(now),
        number: last.unwrap_or(0).saturating_add(1),
        area_id: session.area_id.clone(),
        session_id: session.id.clone(),
        published_at: now,
        published_by: by.clone(),
        // Whole days: one published on the 25th for three days ends as the 29th begins.
        ends_at: begin_of(days_after(day_of(now), days.saturating_add(1))),
        taken_down_at: None,
    })
}

/// What a session approved and no notice has shown yet, in the order of the agenda.
///
/// # Errors
/// Only when the database fails.
pub fn to_publish(conn: &mut Conn, session: &Session) -> Result<Vec<Nomination>> {
    let mut rows = Vec::new();
    for motion in motion::of_session(conn, &session.id)? {
        if motion.state != motion::State::Approved {
            continue;
        }
        let ids = motion::rows_of(conn, &motion.id)?;
        let mut found = nomination::by_ids(conn, &ids)?;
        found.retain(|one| one.state == Standing::Approved);
        found.sort_by_key(|one| ids.iter().position(|id| *id == one.id));
        rows.extend(found);
    }
    Ok(rows)
}

/// Sessions that have closed and whose notice is not out yet, with how many rows it would have; the oldest first.
///
/// # Errors
/// Only when the database fails.
pub fn unpublished(conn: &mut Conn) -> Result<Vec<(Session, usize)>> {
    let published = public_notices::table
        .select(public_notices::session_id)
        .load::<Id<Session>>(conn)?;
    let mut waiting = Vec::new();
    for session in session::list(conn, LATEST_SESSIONS)? {
        if session.state == session::State::Closed && !published.contains(&session.id) {
            match to_publish(conn, &session)?.len() {
                0 => {}
                rows => waiting.push((session, rows)),
            }
        }
    }
    waiting.reverse();
    Ok(waiting)
}

/// How far back a notice may have been forgotten, in sessions.
const LATEST_SESSIONS: i64 = 100;

/// Every sentence of the council's own is read before it is published.
fn expect_fit(conn: &mut Conn, rows: &[Nomination]) -> Result<()> {
    let mut all = Vec::new();
    for row in rows {
        for finding in findings(conn, row, &row.public_text)? {
            all.push(format!("“{}”{finding}", row.public_text));
        }
    }
    match all.is_empty() {
        true => Ok(()),
        false => Err(Refused::NotForPublic(all).into()),
    }
}

/// What in a sentence may not stand on this row's notice; nothing is found in an empty one.
///
/// # Errors
/// Only when the database fails.
pub fn findings(conn: &mut Conn, row: &Nomination, text: &str) -> Result<Vec<String>> {
    findings_about(conn, &row.household_id, text)
}

/// The same in a sentence about a household.
///
/// # Errors
/// Only when the database fails.
pub fn findings_about(conn: &mut Conn, household: &Id<Household>, text: &str) -> Result<Vec<String>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let household = household::by_id(conn, household)?;
    let mut found = public_text::findings(text, &household.head_name);
    for name in household::heads_in(conn, text)? {
        if name != household.head_name {
            found.push(format!("写了住户的全名（{name}）"));
        }
    }
    if text.chars().count() > TEXT_LENGTH {
        found.push(format!("超过{TEXT_LENGTH}个字"));
    }
    Ok(found)
}

/// The longest sentence on a notice, in characters.
pub const TEXT_LENGTH: usize = 80;

/// Writes the sentence that a row will have on its notice; empty for none.
///
/// # Errors
/// [`Refused::NotForPublic`], [`Refused::AlreadyDecided`] once it is on a notice; `Invalid` when it is too long.
pub fn set_text(conn: &mut Conn, id: &Id<Nomination>, text: &str, by: &Id<User>, now: Moment) -> Result<Nomination> {
    let mut nomination = nomination::by_id(conn, id)?;
    if !matches!(nomination.state, Standing::Verified | Standing::Approved) {
        return Err(Refused::AlreadyDecided(nomination.state).into());
    }
    let text = text.trim();
    if text.chars().count() > TEXT_LENGTH {
        return Err(Error::invalid(
            "public_text",
            format!("公示说明请写在{TEXT_LENGTH}个字以内。"),
        ));
    }
    text.clone_into(&mut nomination.public_text);
    expect_fit(conn, std::slice::from_ref(&nomination))?;
    nomination::save(conn, &nomination)?;
    nomination::record(conn, &nomination, by.as_str(), "award.public_text", String::new(), now)?;
    Ok(nomination)
}

/// Takes down what has run its days. Answers how many.
pub(super) fn take_down_due(conn: &mut Conn, now: Moment) -> Result<usize> {
    Ok(diesel::update(
        public_notices::table
            .filter(public_notices::taken_down_at.is_null())
            .filter(public_notices::ends_at.le(now)),
    )
    .set(public_notices::taken_down_at.eq(Some(now)))
    .execute(conn)?)
}

/// Notices whose days are over and of which rows are still to post.
pub(super) fn ended(conn: &mut Conn, now: Moment) -> Result<Vec<Id<Notice>>> {
    Ok(public_notices::table
        .filter(public_notices::ends_at.le(now))
        .select(public_notices::id)
        .load(conn)?)
}

/// A notice by id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Notice>) -> Result<Notice> {
    public_notices::table
        .find(id)
        .select(Notice::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// A notice by its number.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<Notice> {
    public_notices::table
        .filter(public_notices::number.eq(number))
        .select(Notice::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The notice of a session.
///
/// # Errors
/// Only when the database fails.
pub fn of_session(conn: &mut Conn, session: &Id<Session>) -> Result<Option<Notice>> {
    Ok(public_notices::table
        .filter(public_notices::session_id.eq(session))
        .select(Notice::as_select())
        .get_result(conn)
        .optional()?)
}

/// Notices, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Notice>> {
    Ok(public_notices::table
        .order(public_notices::number.desc())
        .limit(limit)
        .select(Notice::as_select())
        .load(conn)?)
}

/// Where a row was shown in public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The number of the session that decided it.
    pub session: i64,
    /// Its slip number, `12-3`.
    pub slip: String,
}

/// Where each of these was shown in public; those that never were are left out.
///
/// # Errors
/// Only when the database fails.
pub fn shown(conn: &mut Conn, rows: &[Nomination]) -> Result<HashMap<Id<Nomination>, Shown>> {
    let mut ids: Vec<&Id<Notice>> = rows.iter().filter_map(|row| row.notice_id.as_ref()).collect();
    ids.sort_unstable();
    ids.dedup();
    let notices: Vec<Notice> = public_notices::table
        .filter(public_notices::id.eq_any(ids))
        .select(Notice::as_select())
        .load(conn)?;
    let sessions: Vec<&Id<Session>> = notices.iter().map(|notice| &notice.session_id).collect();
    let numbers = session::numbers(conn, &sessions)?;
    let of = |row: &Nomination| {
        let notice = notices
            .iter()
            .find(|notice| row.notice_id.as_ref() == Some(&notice.id))?;
        let session = *numbers.get(&notice.session_id)?;
        let slip = row.notice_slip(notice);
        Some((row.id.clone(), Shown { session, slip }))
    };
    Ok(rows.iter().filter_map(of).collect())
}

/// The row that a slip number such as `12-3` names.
///
/// # Errors
/// `Invalid` when there is no such row.
pub fn row(conn: &mut Conn, slip: &str) -> Result<(Notice, Nomination)> {
    let unknown = || Error::invalid("slip", "没有这个条目编号。编号印在公示上，像“12-3”：第12号公示第3行。");
    let plain: String = slip
        .chars()
        .map(|letter| match letter {
            '０'..='９' => char::from_digit(u32::from(letter).saturating_sub(u32::from('０')), 10).unwrap_or(letter),
            '－' | '—' | '–' | '−' => '-',
            _ => letter,
        })
        .filter(|letter| !letter.is_whitespace())
        .collect();
    let (number, row) = plain.split_once('-').ok_or_else(unknown)?;
    let (number, row): (i64, i64) = match (number.parse(), row.parse()) {
        (Ok(number), Ok(row)) => (number, row),
        _ => return Err(unknown()),
    };
    let notice = match by_number(conn, number) {
        Ok(notice) => notice,
        Err(Error::NotFound) => return Err(unknown()),
        Err(error) => return Err(error),
    };
    let found = nomination::of_notice(conn, &notice.id)?
        .into_iter()
        .find(|one| one.notice_row == Some(row));
    found.map(|nomination| (notice, nomination)).ok_or_else(unknown)
}
