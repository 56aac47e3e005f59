//! What a household asks the office to do with its data: put something right, delete it, or let it leave (SG15, SG20).
//!
//! A request is a word to people. Nothing is deleted and nobody leaves by it: the office answers within fifteen days, and
//! what it does it does on its own pages, by its own rules.

use std::fmt;

use diesel::prelude::*;

use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of, days_after};
use crate::db::schema::resident_requests;
use crate::db::{Conn, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::request::{Request, Requests};

/// Days within which the office answers.
pub const ANSWER_DAYS: u64 = 15;
/// Requests of a household that may wait for an answer at the same time.
const MOST_OPEN: usize = 3;

text_enum! {
    /// What is asked for.
    pub enum RequestKind {
        /// Something is wrong in what is kept of the household.
        Correction = "correction", "更正资料";
        /// Something is kept that need not be.
        Deletion = "deletion", "删除资料";
        /// The household wants to leave the programme.
        Leaving = "leaving", "退出积分项目";
    }
}

impl RequestKind {
    /// What happens then, in a sentence.
    #[must_use]
    pub fn explained(self) -> &'static str {
        match self {
            RequestKind::Correction => "姓名、门牌、人口等登记得不对，请办公室核对以后改。",
            RequestKind::Deletion => "不该留的资料请办公室删掉。积分账目按规定要留存，会去掉姓名。",
            RequestKind::Leaving => "参加是自愿的。退出以后，已有的积分还可以用90天。",
        }
    }
}

/// A request.
#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = resident_requests)]
pub struct ResidentRequest {
    /// Its id.
    pub id: Id<ResidentRequest>,
    /// Whose.
    pub household_id: Id<Household>,
    /// What is asked for.
    pub kind: RequestKind,
    /// In the household's words.
    pub note: String,
    /// When.
    pub asked_at: Moment,
    /// The last day for an answer.
    pub due_on: Day,
    /// What the office answered.
    pub answer: Option<String>,
    /// Who answered.
    pub answered_by: Option<Id<User>>,
    /// When.
    pub answered_at: Option<Moment>,
}

/// Why a request is not taken, or not answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// Several wait already.
    TooMany,
    /// Somebody has answered it.
    Answered,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Refused::TooMany => "您家已有三件请求在等答复，请等办公室答复以后再提。",
            Refused::Answered => "这件请求已经答复过了，请刷新页面查看。",
        })
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::TooMany => "too_many_requests",
            Refused::Answered => "request_answered",
        }
    }
}

/// Takes a household's request down.
///
/// # Errors
/// `Invalid` for no words or too many; [`Refused::TooMany`]; `idempotency_conflict`.
pub fn make(
    conn: &mut Conn,
    household: &Id<Household>,
    (kind, note): (RequestKind, &str),
    key: &str,
    now: Moment,
) -> Result<()> {
    let note = note.trim();
    let asked = Request::new(key, household.as_str(), "resident_request.make", &(kind.word(), note))?;
    let mut requests = Requests::open(conn, [&asked])?;
    if requests.earlier(&asked)?.is_some() {
        return Ok(());
    }
    let length = note.chars().count();
    if length > 300 || (length == 0 && kind != RequestKind::Leaving) {
        return Err(Error::invalid("note", "请写清楚要改什么、删什么，1至300个字。"));
    }
    let own = of_household(conn, household)?;
    if own.iter().filter(|one| one.answered_at.is_none()).count() >= MOST_OPEN {
        return Err(Refused::TooMany.into());
    }
    let request = ResidentRequest {
        id: Id::new(now),
        household_id: household.clone(),
        kind,
        note: note.to_owned(),
        asked_at: now,
        due_on: days_after(day_of(now), ANSWER_DAYS),
        answer: None,
        answered_by: None,
        answered_at: None,
    };
    diesel::insert_into(resident_requests::table)
        .values(&request)
        .execute(conn)?;
    requests.carried_out(&asked, request.id.as_str(), now);
    requests.save(conn)?;
    let subject = format!("resident_request:{}", request.id);
    let event = audit::Event::new(
        household.as_str(),
        "resident_request.made",
        subject,
        kind.label().to_owned(),
        now,
    );
    audit::record(conn, &[event])
}

/// The requests of a household, the latest first.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<ResidentRequest>> {
    Ok(resident_requests::table
        .filter(resident_requests::household_id.eq(household))
        .order(resident_requests::id.desc())
        .select(ResidentRequest::as_select())
        .load(conn)?)
}

/// Requests on the office's list at most.
const MOST_LISTED: i64 = 500;

/// All requests: those that wait first, by the day on which their time is over; then the latest that were answered.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn) -> Result<Vec<ResidentRequest>> {
    let mut waiting = waiting(conn)?;
    let answered: Vec<ResidentRequest> = resident_requests::table
        .filter(resident_requests::answered_at.is_not_null())
        .order(resident_requests::answered_at.desc())
        .limit(MOST_LISTED)
        .select(ResidentRequest::as_select())
        .load(conn)?;
    waiting.extend(answered);
    Ok(waiting)
}

/// Those that wait for an answer.
///
/// # Errors
/// Only when the database fails.
pub fn waiting(conn: &mut Conn) -> Result<Vec<ResidentRequest>> {
    Ok(resident_requests::table
        .filter(resident_requests::answered_at.is_null())
        .order((resident_requests::due_on, resident_requests::id))
        .select(ResidentRequest::as_select())
        .load(conn)?)
}

/// A request.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<ResidentRequest>) -> Result<ResidentRequest> {
    resident_requests::table
        .find(id)
        .select(ResidentRequest::as_select())
        .first(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The office answers.
///
/// # Errors
/// `Invalid` without words; [`Refused::Answered`]; `NotFound`.
pub fn answer(conn: &mut Conn, id: &Id<ResidentRequest>, words: &str, by: &Id<User>, now: Moment) -> Result<()> {
    let request = by_id(conn, id)?;
    let words = words.trim();
    if request.answered_by.as_ref() == Some(by) && request.answer.as_deref() == Some(words) {
        return Ok(());
    }
    if request.answered_at.is_some() {
        return Err(Refused::Answered.into());
    }
    if !(1..=300).contains(&words.chars().count()) {
        return Err(Error::invalid(
            "answer",
            "请写明怎样办的，或者为什么不能办，1至300个字。",
        ));
    }
    diesel::update(resident_requests::table.find(id))
        .set((
            resident_requests::answer.eq(Some(words)),
            resident_requests::answered_by.eq(Some(by)),
            resident_requests::answered_at.eq(Some(now)),
        ))
        .execute(conn)?;
    let subject = format!("resident_request:{id}");
    let event = audit::Event::new(
        by.as_str(),
        "resident_request.answered",
        subject,
        request.kind.label().to_owned(),
        now,
    );
    audit::record(conn, &[event])
}
