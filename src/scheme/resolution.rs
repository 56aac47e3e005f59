//! Resolutions: how the assembly adopted a version, and when somebody stops one.
//!
//! A draft that was reviewed becomes a version by the assembly's resolution and by nothing else. The Organic Law of Villagers'
//! Committees asks for attendance and majority (art. 22: more than half of the adults, or two thirds of the households'
//! representatives; art. 26: two thirds of the members of a representatives' assembly; always more than half of those present),
//! that of residents' committees for more than half (art. 10). Who falls short has adopted nothing, so this refuses and does
//! not warn. A version is never in force before it was adopted.

use std::fmt;

use diesel::prelude::*;
use serde::Serialize;

use super::draft::{self, SchemeDraft, State};
use super::overrule;
use super::version::{self, SchemeVersion};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::db::schema::{scheme_resolutions, scheme_suspensions};
use crate::db::{Conn, text_enum};
use crate::error::{Error, FieldError, Refusal, Result};
use crate::files::FileName;
use crate::id::Id;
use crate::request::Request;

text_enum! {
    /// Who met.
    pub enum Assembly {
        /// All adults of the village.
        Villagers = "villagers", "村民会议（18周岁以上村民）";
        /// One of each household.
        Households = "household_representatives", "村民会议（每户代表）";
        /// Elected representatives.
        Representatives = "representatives", "村民代表会议";
        /// Residents of a town's neighbourhood, or their representatives.
        Residents = "residents", "居民会议";
    }
}

impl Assembly {
    /// Enough present?
    #[must_use]
    pub fn is_quorate(self, present: i64, entitled: i64) -> bool {
        match self {
            Assembly::Villagers | Assembly::Residents => present.saturating_mul(2) > entitled,
            Assembly::Households | Assembly::Representatives => present.saturating_mul(3) >= entitled.saturating_mul(2),
        }
    }

    /// What is asked, in words.
    #[must_use]
    pub fn quorum(self) -> &'static str {
        match self {
            Assembly::Villagers => "18周岁以上村民过半数到会（《村民委员会组织法》第二十二条）",
            Assembly::Households => "三分之二以上的户的代表到会（《村民委员会组织法》第二十二条）",
            Assembly::Representatives => "三分之二以上的村民代表到会（《村民委员会组织法》第二十六条）",
            Assembly::Residents => "过半数到会（《城市居民委员会组织法》第十条）",
        }
    }
}

/// How a version was adopted.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = scheme_resolutions)]
pub struct Resolution {
    /// Which version.
    pub scheme_version_id: Id<SchemeVersion>,
    /// Who met.
    pub body: Assembly,
    /// When.
    pub held_on: Day,
    /// Where.
    pub place: String,
    /// How many may vote.
    pub entitled: i64,
    /// How many were there.
    pub present: i64,
    /// In favour.
    pub votes_for: i64,
    /// Against.
    pub votes_against: i64,
    /// Neither.
    pub votes_abstained: i64,
    /// The covenant or law that the scheme cites.
    pub legal_basis: String,
    /// The scan of the minutes: a name in the folder of files.
    pub scan: String,
    /// Who wrote it down.
    pub recorded_by: Id<User>,
    /// When.
    pub recorded_at: Moment,
}

/// Why a resolution is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too few were there.
    NoQuorum(Assembly),
    /// Too few were in favour.
    NoMajority,
    /// Nominations rest while a version is suspended.
    Suspended,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NoQuorum(body) => write!(
                formatter,
                "到会人数不够，这次表决不能作数：须{}。请核对人数，或另行开会。",
                body.quorum()
            ),
            Refused::NoMajority => formatter
                .write_str("赞成票没有超过到会人数的一半，没有通过，不能登记为已通过。请核对票数，或修改后再表决。"),
            Refused::Suspended => formatter
                .write_str("现行积分办法已暂停执行，暂时不能申报。恢复执行后再申报，暂停期间做的好事可以补报。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NoQuorum(_) => "assembly_not_quorate",
            Refused::NoMajority => "assembly_did_not_adopt",
            Refused::Suspended => "scheme_suspended",
        }
    }
}

/// A meeting that voted, as somebody writes it down.
#[derive(Clone, Debug, Serialize)]
pub struct Meeting {
    /// Who met.
    pub body: Assembly,
    /// When.
    pub held_on: Day,
    /// Where.
    pub place: String,
    /// How many may vote.
    pub entitled: i64,
    /// How many were there.
    pub present: i64,
    /// In favour.
    pub votes_for: i64,
    /// Against.
    pub votes_against: i64,
    /// Neither.
    pub votes_abstained: i64,
}

impl Meeting {
    /// What cannot be so.
    #[must_use]
    pub fn faults(&self, today: Day) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        if self.held_on > today {
            wrong.push(fault("held_on", "会议日期还没有到。请填实际开会的日期。"));
        }
        if self.place.trim().is_empty() {
            wrong.push(fault("place", "没有填会议地点。请补上。"));
        }
        if self.entitled < 1 || self.present < 1 || self.present > self.entitled {
            wrong.push(fault("present", "到会人数应在1和应到人数之间。请核对。"));
        }
        let votes = [self.votes_for, self.votes_against, self.votes_abstained];
        let sum = votes.iter().try_fold(0i64, |sum, votes| sum.checked_add(*votes));
        if votes.iter().any(|votes| *votes < 0) || sum.is_none_or(|sum| sum > self.present || sum < 1) {
            wrong.push(fault(
                "votes_for",
                "赞成、反对、弃权合起来不能超过到会人数。请核对票数。",
            ));
        }
        wrong
    }

    /// Enough were there, and more than half of them in favour.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn expect_carried(&self) -> Result<()> {
        if !self.body.is_quorate(self.present, self.entitled) {
            return Err(Refused::NoQuorum(self.body).into());
        }
        match self.votes_for.saturating_mul(2) > self.present {
            true => Ok(()),
            false => Err(Refused::NoMajority.into()),
        }
    }
}

/// Something that is wrong in a field.
#[must_use]
pub fn fault(field: &'static str, message: &str) -> FieldError {
    FieldError {
        field,
        message: message.to_owned(),
    }
}

/// What somebody writes down of the assembly that adopted a version.
#[derive(Clone, Debug, Serialize)]
pub struct Adopt {
    /// The meeting.
    #[serde(flatten)]
    pub meeting: Meeting,
    /// The covenant or law that the scheme cites.
    pub legal_basis: String,
    /// The first day in force.
    pub active_from: Day,
}

impl Adopt {
    fn expect_sensible(&self, today: Day) -> Result<()> {
        let mut wrong = self.meeting.faults(today);
        if self.legal_basis.trim().is_empty() {
            wrong.push(fault(
                "legal_basis",
                "没有填依据。请写明村规民约、居民公约或有关规定的名称。",
            ));
        }
        if self.active_from < today || self.active_from < self.meeting.held_on {
            wrong.push(fault(
                "active_from",
                "施行日期不能早于今天和会议日期：新办法不管从前的事。请改成今天或以后。",
            ));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(wrong)),
        }
    }
}

/// The assembly has adopted a reviewed draft: it becomes a version.
///
/// # Errors
/// `Invalid` fields; [`Refused`]; `draft_not_now`, `draft_unsound`.
pub fn adopt(
    conn: &mut Conn,
    id: &Id<SchemeDraft>,
    asked: &Adopt,
    scan: &FileName,
    by: &Id<User>,
    key: &str,
    now: Moment,
) -> Result<SchemeVersion> {
    let request = Request::new(
        key,
        by.as_str(),
        "scheme.adopt",
        &(id.as_str(), asked, scan.to_string()),
    )?;
    let subject = draft::once(conn, &request, now, |conn| {
        let draft = draft::by_id(conn, id)?;
        if draft.state != State::Reviewed {
            return Err(draft::Refused::NotNow(draft.state).into());
        }
        asked.expect_sensible(day_of(now))?;
        asked.meeting.expect_carried()?;
        // The validator may have learnt something since the review.
        let findings = draft.findings();
        let open = overrule::still_open(conn, &draft, &findings)?.len();
        if open > 0 {
            return Err(draft::Refused::Unsound(open).into());
        }
        let version = version::add(conn, &draft.document, asked.active_from, by.as_str(), now)?;
        let meeting = &asked.meeting;
        let resolution = Resolution {
            scheme_version_id: version.id.clone(),
            body: meeting.body,
            held_on: meeting.held_on,
            place: meeting.place.trim().to_owned(),
            entitled: meeting.entitled,
            present: meeting.present,
            votes_for: meeting.votes_for,
            votes_against: meeting.votes_against,
            votes_abstained: meeting.votes_abstained,
            legal_basis: asked.legal_basis.trim().to_owned(),
            scan: scan.to_string(),
            recorded_by: by.clone(),
            recorded_at: now,
        };
        diesel::insert_into(scheme_resolutions::table)
            .values(&resolution)
            .execute(conn)?;
        draft::adopted(conn, &draft.id, &version.id)?;
        let detail = format!(
            "{} v{}: {}/{}/{}",
            version.code, version.version, meeting.votes_for, meeting.votes_against, meeting.votes_abstained
        );
        let subject = format!("scheme:{}", version.id);
        audit::record(
            conn,
            &[audit::Event::new(by.as_str(), "scheme.adopted", subject, detail, now)],
        )?;
        Ok(version.id.to_string())
    })?;
    version::by_id(conn, &Id::known(subject))
}

/// How a version was adopted; nothing for one that was loaded from a file when the programme was set up.
///
/// # Errors
/// Only when the database fails.
pub fn of_version(conn: &mut Conn, version: &Id<SchemeVersion>) -> Result<Option<Resolution>> {
    Ok(scheme_resolutions::table
        .find(version)
        .select(Resolution::as_select())
        .get_result(conn)
        .optional()?)
}

// ---- Stopping a version ------------------------------------------------------------------------------------------

/// A version is stopped, or goes on.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = scheme_suspensions)]
pub struct Suspension {
    /// Its id.
    pub id: Id<Suspension>,
    /// Which version.
    pub scheme_version_id: Id<SchemeVersion>,
    /// Stopped, or going on again.
    pub suspended: bool,
    /// Why.
    pub reason: String,
    /// Who.
    pub recorded_by: Id<User>,
    /// When.
    pub recorded_at: Moment,
}

/// What was said about stopping a version, the newest first.
///
/// # Errors
/// Only when the database fails.
pub fn suspensions(conn: &mut Conn, version: &Id<SchemeVersion>) -> Result<Vec<Suspension>> {
    Ok(scheme_suspensions::table
        .filter(scheme_suspensions::scheme_version_id.eq(version))
        .order((scheme_suspensions::recorded_at.desc(), scheme_suspensions::id.desc()))
        .select(Suspension::as_select())
        .load(conn)?)
}

/// Why a version is stopped now, if it is.
///
/// # Errors
/// Only when the database fails.
pub fn suspended(conn: &mut Conn, version: &Id<SchemeVersion>) -> Result<Option<Suspension>> {
    Ok(suspensions(conn, version)?
        .into_iter()
        .next()
        .filter(|last| last.suspended))
}

/// Nominations rest while a version is suspended.
///
/// # Errors
/// [`Refused::Suspended`].
pub fn expect_not_suspended(conn: &mut Conn, version: &Id<SchemeVersion>) -> Result<()> {
    match suspended(conn, version)? {
        Some(_) => Err(Refused::Suspended.into()),
        None => Ok(()),
    }
}

/// Stops a version, or lets it go on.
///
/// # Errors
/// `Invalid` without a reason; `NotFound`.
pub fn suspend(
    conn: &mut Conn,
    version: &Id<SchemeVersion>,
    stop: bool,
    reason: &str,
    by: &Id<User>,
    key: &str,
    now: Moment,
) -> Result<()> {
    let request = Request::new(key, by.as_str(), "scheme.suspend", &(version.as_str(), stop, reason))?;
    draft::once(conn, &request, now, |conn| {
        version::by_id(conn, version)?;
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(Error::invalid(
                "reason",
                "没有办成：没有写理由。理由会写在积分办法页上。",
            ));
        }
        if suspended(conn, version)?.is_some() != stop {
            let said = suspensions(conn, version)?;
            let last = said
                .first()
                .and_then(|last| last.recorded_at.checked_add_signed(chrono::TimeDelta::milliseconds(1)));
            let event = Suspension {
                id: Id::new(now),
                scheme_version_id: version.clone(),
                suspended: stop,
                reason: reason.to_owned(),
                recorded_by: by.clone(),
                // After what was said last, also within one moment: the last word counts.
                recorded_at: last.map_or(now, |last| now.max(last)),
            };
            diesel::insert_into(scheme_suspensions::table)
                .values(&event)
                .execute(conn)?;
            let act = if stop { "scheme.suspended" } else { "scheme.resumed" };
            let subject = format!("scheme:{version}");
            audit::record(
                conn,
                &[audit::Event::new(by.as_str(), act, subject, String::new(), now)],
            )?;
        }
        Ok(version.to_string())
    })
    .map(|_| ())
}
