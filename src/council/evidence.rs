//! Evidence: photographs of a deed, attached to its nomination while it is open, and deleted when their time is over.
//!
//! A row says which file in the folder shows the deed, and stays when the file is gone, so that a reader later knows that
//! there was one. `photo` has made the file small and clean before. Who may see it is decided where the nomination is
//! shown. Nothing here is public: a photograph never goes onto a notice or a board.

use std::fmt;

use chrono::Months;
use diesel::prelude::*;

use super::nomination::{self, Nomination, State};
use super::notice;
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::db::schema::{evidence, nominations};
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Refusal, Result};
use crate::files::{FileName, Files, Kind};
use crate::id::Id;
use crate::photo::{self, Photo};
use crate::places::household::Household;

/// A photograph of a deed.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = evidence)]
pub struct Evidence {
    /// Its id.
    pub id: Id<Evidence>,
    /// Which nomination it belongs to.
    pub nomination_id: Id<Nomination>,
    file: String,
    /// Pixels across.
    pub width: i64,
    /// Pixels down.
    pub height: i64,
    /// The size of the file.
    pub bytes: i64,
    /// Who added it; nobody of the staff when a household sent it through its card.
    pub added_by: Option<Id<User>>,
    /// When.
    pub added_at: Moment,
    /// When the file was deleted; the row stays.
    pub deleted_on: Option<Day>,
}

impl Evidence {
    /// The file, while there is one.
    #[must_use]
    pub fn file(&self) -> Option<FileName> {
        match self.deleted_on {
            None => FileName::parse(&self.file),
            Some(_) => None,
        }
    }
}

/// Photographs of one nomination at most.
pub const MOST: usize = 6;
/// How long a file is kept after the matter was closed (SG16).
const KEPT: Months = Months::new(12);

/// Why a photograph is not attached.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are as many as are taken.
    TooMany,
    /// The council has decided, or it ended otherwise.
    Decided(State),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::TooMany => write!(
                formatter,
                "一条申报最多{MOST}张照片，没有保存。请挑最能说明事情的几张。"
            ),
            Refused::Decided(state) => write!(
                formatter,
                "这条申报已经是“{}”，不能再加照片。有新的情况请告诉评议会。",
                state.label()
            ),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::TooMany => "too_many_photos",
            Refused::Decided(_) => "already_decided",
        }
    }
}

/// A photograph that lies in the folder already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    file: FileName,
    width: u32,
    height: u32,
    bytes: usize,
}

/// Puts a clean photograph into the folder. Takes a moment: before `write`, never within it.
///
/// # Errors
/// `Internal` when the disk fails.
pub fn keep(files: &Files, photo: &Photo) -> Result<Kept> {
    Ok(Kept {
        file: files.keep(&photo.bytes, &[Kind::Jpeg], photo::MOST_BYTES)?,
        width: photo.width,
        height: photo.height,
        bytes: photo.bytes.len(),
    })
}

/// Attaches photographs to a nomination, in their order; one that is there already is not attached again, so that the same
/// request sent twice changes nothing.
///
/// # Errors
/// [`Refused`]; `NotFound`.
pub fn attach(
    conn: &mut Conn,
    nomination: &Id<Nomination>,
    photos: &[Kept],
    by: Option<&Id<User>>,
    now: Moment,
) -> Result<Vec<Evidence>> {
    if photos.is_empty() {
        return Ok(Vec::new());
    }
    let nomination = nomination::by_id(conn, nomination)?;
    let there = of_nomination(conn, &nomination.id)?;
    let mut new: Vec<Evidence> = Vec::new();
    for photo in photos {
        let file = photo.file.to_string();
        if there.iter().chain(&new).any(|other| other.file == file) {
            continue;
        }
        new.push(Evidence {
            id: Id::new(now),
            nomination_id: nomination.id.clone(),
            file,
            width: i64::from(photo.width),
            height: i64::from(photo.height),
            bytes: i64::try_from(photo.bytes).unwrap_or(i64::MAX),
            added_by: by.cloned(),
            added_at: now,
            deleted_on: None,
        });
    }
    if new.is_empty() {
        return Ok(new);
    }
    if !is_open(nomination.state) {
        return Err(Refused::Decided(nomination.state).into());
    }
    if there.len().saturating_add(new.len()) > MOST {
        return Err(Refused::TooMany.into());
    }
    insert_rows!(conn, evidence::table, &new);
    let actor = by.map_or("card", Id::as_str);
    let subject = format!("award:{}", nomination.id);
    let detail = format!("{} photos", new.len());
    audit::record(
        conn,
        &[audit::Event::new(actor, "evidence.attached", subject, detail, now)],
    )?;
    Ok(new)
}

/// May photographs still be added? Until the council has decided.
#[must_use]
pub fn is_open(state: State) -> bool {
    matches!(state, State::Submitted | State::Verified)
}

/// The photographs of a nomination, in the order in which they were added.
///
/// # Errors
/// Only when the database fails.
pub fn of_nomination(conn: &mut Conn, nomination: &Id<Nomination>) -> Result<Vec<Evidence>> {
    Ok(evidence::table
        .filter(evidence::nomination_id.eq(nomination))
        .order((evidence::added_at, evidence::id))
        .select(Evidence::as_select())
        .load(conn)?)
}

/// A photograph of a nomination.
///
/// # Errors
/// `NotFound`, also for a photograph of another nomination.
pub fn by_id(conn: &mut Conn, nomination: &Id<Nomination>, id: &Id<Evidence>) -> Result<Evidence> {
    evidence::table
        .find(id)
        .filter(evidence::nomination_id.eq(nomination))
        .select(Evidence::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Deletes the files whose time is over: twelve months after the notice of their nomination closed, or after it ended
/// without one (SG16). What is still open keeps its photographs. Answers how many rows say so now.
///
/// # Errors
/// When the database or the disk fails; then nothing is marked, and the next run tries again.
pub fn delete_due(conn: &mut Conn, files: &Files, now: Moment) -> Result<usize> {
    let Some(before) = now.checked_sub_months(KEPT) else {
        return Ok(0);
    };
    let standing = evidence::table
        .inner_join(nominations::table)
        .filter(evidence::deleted_on.is_null().and(evidence::added_at.le(before)))
        .select((Evidence::as_select(), Nomination::as_select()))
        .load::<(Evidence, Nomination)>(conn)?;
    let mut deleted = 0usize;
    for (one, nomination) in standing {
        let is_due = closed_at(conn, &nomination)?.is_some_and(|closed| closed <= before);
        if !is_due {
            continue;
        }
        delete(conn, files, &one, now)?;
        deleted = deleted.saturating_add(1);
    }
    if deleted > 0 {
        let detail = format!("{deleted} photos, 12 months after their notices closed");
        audit::record(
            conn,
            &[audit::Event::new(
                "system",
                "evidence.deleted",
                "evidence:".to_owned(),
                detail,
                now,
            )],
        )?;
    }
    Ok(deleted)
}

/// Deletes the files of a household's deeds, whatever their time; the rows stay and say so. Answers how many.
///
/// # Errors
/// When the database or the disk fails.
pub fn delete_of(conn: &mut Conn, files: &Files, household: &Id<Household>, now: Moment) -> Result<usize> {
    let there = evidence::table
        .inner_join(nominations::table)
        .filter(nominations::household_id.eq(household))
        .filter(evidence::deleted_on.is_null())
        .select(Evidence::as_select())
        .load(conn)?;
    for one in &there {
        delete(conn, files, one, now)?;
    }
    Ok(there.len())
}

/// Marks a photograph as deleted and takes its file away, unless another row shows the same one.
fn delete(conn: &mut Conn, files: &Files, one: &Evidence, now: Moment) -> Result<()> {
    diesel::update(evidence::table.find(&one.id))
        .set(evidence::deleted_on.eq(Some(day_of(now))))
        .execute(conn)?;
    let elsewhere = evidence::table
        .filter(evidence::file.eq(&one.file).and(evidence::deleted_on.is_null()))
        .count()
        .get_result::<i64>(conn)?;
    match one.file().filter(|_| elsewhere == 0) {
        Some(file) => files.discard(&file),
        None => Ok(()),
    }
}

/// How many photographs there are, and when the next of them is due to go, as far as that is known.
///
/// # Errors
/// Only when the database fails.
pub fn waiting(conn: &mut Conn) -> Result<(usize, Option<Day>)> {
    let there = evidence::table
        .inner_join(nominations::table)
        .filter(evidence::deleted_on.is_null())
        .select(Nomination::as_select())
        .load::<Nomination>(conn)?;
    let mut next: Option<Moment> = None;
    for nomination in &there {
        if let Some(closed) = closed_at(conn, nomination)? {
            next = Some(next.map_or(closed, |earlier| earlier.min(closed)));
        }
    }
    let next = next.and_then(|closed| closed.checked_add_months(KEPT)).map(day_of);
    Ok((there.len(), next))
}

/// When the matter was closed; nothing while it is open.
fn closed_at(conn: &mut Conn, nomination: &Nomination) -> Result<Option<Moment>> {
    match (nomination.state, &nomination.notice_id) {
        (State::Submitted | State::Verified | State::Suspended, _) => Ok(None),
        (state, _) if state.is_pending() => Ok(None),
        (_, Some(notice)) => Ok(Some(notice::by_id(conn, notice)?.ends_at)),
        // Without a notice nothing later than the decision, or than the nomination itself, is known.
        (_, None) => Ok(Some(nomination.decided_at.unwrap_or(nomination.nominated_at))),
    }
}
