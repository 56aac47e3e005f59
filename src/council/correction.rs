//! Corrections (更正): a posted award that was found wrong later is taken back.
//!
//! ```text
//! proposed → confirmed | refused
//! ```
//!
//! One person proposes it with a reason, another confirms it (SG3); neither lives in the household nor nominated or
//! verified it. What was spent already is borne by the programme: the household owes nothing (SG1). It is told, and may
//! appeal (`appeal`).

use diesel::prelude::*;

use super::nomination::{self, Nomination, State as Standing};
use super::objection::{self, words};
use super::refused::Refused;
use super::{appeal, award, clockwork};
use crate::access::user::User;
use crate::audit;
use crate::clock::Moment;
use crate::db::schema::{award_corrections, nominations};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::balance;
use crate::places::household::Household;
use crate::points::Points;
use crate::request::{Request, Requests};

/// A correction and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = award_corrections, treat_none_as_null = true)]
pub struct Correction {
    /// Its id.
    pub id: Id<Correction>,
    /// The award that is wrong.
    pub nomination_id: Id<Nomination>,
    /// What is wrong with it.
    pub reason: String,
    /// Where it stands.
    pub state: State,
    /// When it was proposed.
    pub proposed_at: Moment,
    /// By whom.
    pub proposed_by: Id<User>,
    /// When it was decided.
    pub decided_at: Option<Moment>,
    /// By whom.
    pub decided_by: Option<Id<User>>,
    /// What the second person says.
    pub decision_reason: Option<String>,
    /// What the household had spent already.
    pub written_off: Option<Points>,
    /// The posting that took it back.
    pub reversal_number: Option<i64>,
}

text_enum! {
    /// Where a correction stands.
    pub enum State {
        /// Waits for a second person.
        Proposed = "proposed", "待第二人确认";
        /// The award was taken back.
        Confirmed = "confirmed", "已更正";
        /// The second person did not agree: the award stands.
        Refused = "refused", "不予更正";
    }
}

const REASON_LENGTH: usize = 500;

/// Asks to correct an award.
#[derive(Clone, Debug)]
pub struct Propose {
    /// The award.
    pub nomination: Id<Nomination>,
    /// What is wrong with it.
    pub reason: String,
    /// Who proposes.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Proposes to take an award back.
///
/// # Errors
/// [`Refused::NotPosted`], [`Refused::AlreadyProposed`], [`Refused::TookPart`], [`Refused::ClockSetBack`]; `Invalid` without
/// a reason; `NotFound`; `idempotency_conflict`.
pub fn propose(conn: &mut Conn, asked: &Propose, now: Moment) -> Result<Correction> {
    clockwork::expect_forward(conn, now)?;
    let content = (asked.nomination.as_str(), &asked.reason);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "correction.propose", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let reason = words(
        "reason",
        &asked.reason,
        REASON_LENGTH,
        "请写明哪里错了、凭什么，500个字以内。",
    )?;
    let row = nomination::by_id(conn, &asked.nomination)?;
    expect_posted(&row)?;
    expect_no_part(conn, &row, &asked.by)?;
    if of_nomination(conn, &row.id)?
        .iter()
        .any(|one| one.state == State::Proposed)
    {
        return Err(Refused::AlreadyProposed.into());
    }
    let correction = Correction {
        id: Id::new(now),
        nomination_id: row.id,
        reason,
        state: State::Proposed,
        proposed_at: now,
        proposed_by: asked.by.id.clone(),
        decided_at: None,
        decided_by: None,
        decision_reason: None,
        written_off: None,
        reversal_number: None,
    };
    diesel::insert_into(award_corrections::table)
        .values(&correction)
        .execute(conn)?;
    requests.carried_out(&request, correction.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &correction, &asked.by.id, "correction.proposed", now)?;
    Ok(correction)
}

/// Asks to decide a proposed correction.
#[derive(Clone, Debug)]
pub struct Decide {
    /// The correction.
    pub correction: Id<Correction>,
    /// Is the award wrong?
    pub confirmed: bool,
    /// What the second person says; must be there when it is refused.
    pub reason: String,
    /// Who decides.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Decides a correction; confirmed, the award is reversed at once with everything that an appeal had added to it.
///
/// # Errors
/// [`Refused::SecondPerson`], [`Refused::CorrectionDecided`], [`Refused::NotPosted`], [`Refused::TookPart`],
/// [`Refused::ClockSetBack`]; `Invalid` when refused without a reason; `NotFound`; `idempotency_conflict`.
pub fn decide(conn: &mut Conn, asked: &Decide, now: Moment) -> Result<Correction> {
    clockwork::expect_forward(conn, now)?;
    let content = (asked.correction.as_str(), asked.confirmed, &asked.reason);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "correction.decide", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let mut correction = by_id(conn, &asked.correction)?;
    if correction.state != State::Proposed {
        return Err(Refused::CorrectionDecided(correction.state).into());
    }
    if correction.proposed_by == asked.by.id {
        return Err(Refused::SecondPerson.into());
    }
    let row = nomination::by_id(conn, &correction.nomination_id)?;
    expect_no_part(conn, &row, &asked.by)?;
    let reason = match asked.confirmed {
        true => objection::few_words("reason", &asked.reason, REASON_LENGTH)?,
        false => words(
            "reason",
            &asked.reason,
            REASON_LENGTH,
            "不予更正时请写明理由，500个字以内。",
        )?,
    };
    if asked.confirmed {
        expect_posted(&row)?;
        let spendable = appeal::added_to(conn, &row.id)?.0;
        let given = row.spendable_points.unwrap_or_default();
        let all = given.plus(spendable).unwrap_or(given);
        let has = balance::of(conn, row.household_id.as_str())?.spendable;
        correction.written_off = Some(has.short_of(all));
        let ending = format!("更正：{}", correction.reason);
        appeal::reverse_additions(conn, &row.id, asked.by.id.as_str(), now)?;
        correction.reversal_number = Some(award::reverse(conn, row, &ending, asked.by.id.as_str(), now)?);
    }
    correction.state = match asked.confirmed {
        true => State::Confirmed,
        false => State::Refused,
    };
    correction.decided_at = Some(now);
    correction.decided_by = Some(asked.by.id.clone());
    correction.decision_reason = (!reason.is_empty()).then_some(reason);
    diesel::update(award_corrections::table.find(&correction.id))
        .set(&correction)
        .execute(conn)?;
    requests.carried_out(&request, correction.id.as_str(), now);
    requests.save(conn)?;
    let act = match asked.confirmed {
        true => "correction.confirmed",
        false => "correction.refused",
    };
    record(conn, &correction, &asked.by.id, act, now)?;
    Ok(correction)
}

fn expect_posted(row: &Nomination) -> Result<()> {
    match row.state {
        Standing::Posted => Ok(()),
        state => Err(Refused::NotPosted(state).into()),
    }
}

fn expect_no_part(conn: &mut Conn, row: &Nomination, by: &User) -> Result<()> {
    match objection::part_in(conn, row, by)? {
        Some(part) => Err(Refused::TookPart(part).into()),
        None => Ok(()),
    }
}

/// A correction by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Correction>) -> Result<Correction> {
    award_corrections::table
        .find(id)
        .select(Correction::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The corrections of an award, in the order in which they were proposed.
///
/// # Errors
/// Only when the database fails.
pub fn of_nomination(conn: &mut Conn, nomination: &Id<Nomination>) -> Result<Vec<Correction>> {
    Ok(award_corrections::table
        .filter(award_corrections::nomination_id.eq(nomination))
        .order((award_corrections::proposed_at, award_corrections::id))
        .select(Correction::as_select())
        .load(conn)?)
}

/// Corrections with their awards: what waits first, then the newest.
///
/// # Errors
/// Only when the database fails.
pub fn list(
    conn: &mut Conn,
    households: Option<&[Id<Household>]>,
    limit: i64,
) -> Result<Vec<(Correction, Nomination)>> {
    let mut query = award_corrections::table
        .inner_join(nominations::table)
        .select((Correction::as_select(), Nomination::as_select()))
        .into_boxed();
    if let Some(households) = households {
        query = query.filter(nominations::household_id.eq_any(households));
    }
    let mut found = query
        .order((award_corrections::proposed_at.desc(), award_corrections::id.desc()))
        .limit(limit)
        .load::<(Correction, Nomination)>(conn)?;
    found.sort_by_key(|(correction, _)| correction.state != State::Proposed);
    Ok(found)
}

/// How many corrections wait for a second person, about these households or all.
///
/// # Errors
/// Only when the database fails.
pub fn open_count(conn: &mut Conn, households: Option<&[Id<Household>]>) -> Result<usize> {
    let mut query = award_corrections::table
        .inner_join(nominations::table)
        .filter(award_corrections::state.eq(State::Proposed))
        .select(award_corrections::id)
        .into_boxed();
    if let Some(households) = households {
        query = query.filter(nominations::household_id.eq_any(households));
    }
    Ok(query.load::<Id<Correction>>(conn)?.len())
}

fn record(conn: &mut Conn, correction: &Correction, by: &Id<User>, act: &str, now: Moment) -> Result<()> {
    let subject = format!("award:{}", correction.nomination_id);
    let detail = correction
        .reversal_number
        .map(|number| format!("reversal {number}"))
        .unwrap_or_default();
    audit::record(conn, &[audit::Event::new(by.as_str(), act, subject, detail, now)])
}
