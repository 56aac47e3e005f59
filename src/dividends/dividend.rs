//! Dividends: tried out as often as anybody likes, decided by an assembly, shared out once.
//!
//! Shares go by honour scores as they stood when a day ended. That day is over, so the same question has the same answer
//! whenever it is asked: what was simulated is what is decided. A dividend that was written down wrongly is annulled by
//! somebody else and written down anew.

use std::collections::HashMap;
use std::fmt;

use diesel::prelude::*;
use serde::Serialize;

use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::db::schema::{dividend_annulments, dividend_shares, dividends};
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::money::{Fen, share_out};
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::places::standing;
use crate::points::Points;
use crate::request::{Request, Requests};
use crate::scheme::resolution::{Assembly, Meeting, fault};

/// A dividend that was resolved on.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = dividends)]
pub struct Dividend {
    /// Id.
    pub id: Id<Dividend>,
    /// Counts them, from 1.
    pub number: i64,
    /// What it is called: `2026年文明股分红`.
    pub title: String,
    /// Whose households share.
    pub area_id: Id<Area>,
    /// What is shared out.
    pub pool: Fen,
    /// Honour scores are those at the end of this day.
    pub scored_on: Day,
    /// Households below this score have no share.
    pub from_honour: Points,
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
    /// Who wrote it down.
    pub recorded_by: Id<User>,
    /// When.
    pub recorded_at: Moment,
}

/// What a household gets of a dividend.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = dividend_shares)]
pub struct Share {
    dividend_id: Id<Dividend>,
    /// Whose.
    pub household_id: Id<Household>,
    /// Its honour score.
    pub honour: Points,
    /// What it gets.
    pub amount: Fen,
}

/// Why a dividend does not count.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = dividend_annulments)]
pub struct Annulment {
    dividend_id: Id<Dividend>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub annulled_by: Id<User>,
    /// When.
    pub annulled_at: Moment,
}

/// Why a dividend is not annulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Whoever wrote it down does not annul it.
    SamePerson,
    /// It was annulled before.
    Annulled,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::SamePerson => formatter.write_str("作废要由登记人以外的人办理。"),
            Refused::Annulled => formatter.write_str("这次分红已经作废。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::SamePerson => "same_person",
            Refused::Annulled => "dividend_annulled",
        }
    }
}

// ---- Sharing out ---------------------------------------------------------------------------------------------------

/// What is to be shared out among whom.
#[derive(Clone, Debug, Serialize)]
pub struct Terms {
    /// Whose households: an area's id.
    pub area: String,
    /// How much, in fen.
    pub pool: i64,
    /// Honour scores are those at the end of this day.
    pub scored_on: Day,
    /// Households below this score have no share.
    pub from_honour: i64,
}

/// A household with its part of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whose.
    pub household: Household,
    /// Its honour score.
    pub honour: Points,
    /// What it gets.
    pub amount: Fen,
}

/// Shares the pool out; nothing is written. The parts make the pool exactly, to the fen, in the order of the households'
/// codes: the fen that are left over go to the largest remainders.
///
/// # Errors
/// `Invalid` for a sum or a score that is none, a day that is not over, and when nobody has that score; `NotFound` for an
/// area that is none.
pub fn share(conn: &mut Conn, terms: &Terms, today: Day) -> Result<Vec<Part>> {
    if terms.pool < 1 {
        return Err(Error::invalid("pool", "请写明要分多少元，像20000.00这样。"));
    }
    if terms.scored_on >= today {
        return Err(Error::invalid("scored_on", "荣誉分截止日要早于今天：当天的分还会变。"));
    }
    if terms.from_honour < 1 {
        return Err(Error::invalid("from_honour", "起分的荣誉分至少是1分。"));
    }
    let tree = Tree::load(conn)?;
    let area = Id::known(terms.area.as_str());
    tree.get(&area).ok_or(Error::NotFound)?;
    let ids = household::ids_in(conn, &tree.buildings_of(&area))?;
    let scores = balance::all_at_end_of(conn, AccountKind::Honour, terms.scored_on)?;
    let mut sharing: Vec<(Household, i64)> = Vec::new();
    for chunk in ids.chunks(AT_ONCE) {
        let gone = standing::gone(conn, chunk)?;
        let here = household::by_ids(conn, chunk)?
            .into_iter()
            .filter(|one| !gone.contains(&one.id));
        sharing.extend(here.filter_map(|one| {
            let score = scores.get(one.id.as_str())?.0;
            (score >= terms.from_honour).then_some((one, score))
        }));
    }
    if sharing.is_empty() {
        return Err(Error::invalid(
            "from_honour",
            "这个范围里没有达到起分荣誉分的住户，没有可以分的。",
        ));
    }
    sharing.sort_by(|one, other| one.0.code.cmp(&other.0.code));
    let weights: Vec<i64> = sharing.iter().map(|(_, score)| *score).collect();
    let amounts = share_out(Fen(terms.pool), &weights);
    let parts = sharing.into_iter().zip(amounts);
    Ok(parts
        .map(|((household, score), amount)| Part {
            household,
            honour: Points(score),
            amount,
        })
        .collect())
}

/// Households looked up at once.
const AT_ONCE: usize = 500;

// ---- Deciding ------------------------------------------------------------------------------------------------------

/// What somebody writes down of the assembly.
#[derive(Clone, Debug, Serialize)]
pub struct Resolve {
    /// What the dividend is called.
    pub title: String,
    /// What is shared out among whom.
    pub terms: Terms,
    /// The assembly that resolved on it.
    #[serde(flatten)]
    pub meeting: Meeting,
}

impl Resolve {
    fn expect_sensible(&self, today: Day) -> Result<()> {
        let mut wrong = self.meeting.faults(today);
        if self.title.trim().is_empty() {
            wrong.push(fault("title", "没有填名称，例如“2026年文明股分红”。"));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(wrong)),
        }
    }
}

/// Writes a resolution down with the shares that [`share`] made of its terms. The same form sent twice is one dividend.
///
/// # Errors
/// `Invalid` fields; [`Refused`]; `Conflict` for a key that was used for something else.
pub fn resolve(
    conn: &mut Conn,
    asked: &Resolve,
    parts: &[Part],
    by: &Id<User>,
    key: &str,
    now: Moment,
) -> Result<Dividend> {
    let request = Request::new(key, by.as_str(), "dividend.resolve", asked)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(number) = requests.earlier(&request)? {
        let number = number.parse().map_err(Error::internal)?;
        return by_number(conn, number);
    }
    asked.expect_sensible(day_of(now))?;
    asked.meeting.expect_carried()?;
    let meeting = &asked.meeting;
    let last: Option<i64> = dividends::table
        .select(diesel::dsl::max(dividends::number))
        .get_result(conn)?;
    let dividend = Dividend {
        id: Id::new(now),
        number: last.unwrap_or(0).saturating_add(1),
        title: asked.title.trim().to_owned(),
        area_id: Id::known(asked.terms.area.as_str()),
        pool: Fen(asked.terms.pool),
        scored_on: asked.terms.scored_on,
        from_honour: Points(asked.terms.from_honour),
        body: meeting.body,
        held_on: meeting.held_on,
        place: meeting.place.trim().to_owned(),
        entitled: meeting.entitled,
        present: meeting.present,
        votes_for: meeting.votes_for,
        votes_against: meeting.votes_against,
        votes_abstained: meeting.votes_abstained,
        recorded_by: by.clone(),
        recorded_at: now,
    };
    let shares: Vec<Share> = parts
        .iter()
        .map(|part| Share {
            dividend_id: dividend.id.clone(),
            household_id: part.household.id.clone(),
            honour: part.honour,
            amount: part.amount,
        })
        .collect();
    diesel::insert_into(dividends::table).values(&dividend).execute(conn)?;
    insert_rows!(conn, dividend_shares::table, &shares);
    requests.carried_out(&request, &dividend.number.to_string(), now);
    requests.save(conn)?;
    let detail = format!("{}，{}元，{}户", dividend.title, dividend.pool, shares.len());
    record(conn, &dividend, "dividend.resolved", detail, by, now)?;
    Ok(dividend)
}

/// Takes a dividend back that was written down wrongly; somebody else than its recorder does.
///
/// # Errors
/// `Invalid` without a reason; `NotFound`; [`Refused`].
pub fn annul(conn: &mut Conn, number: i64, reason: &str, by: &Id<User>, now: Moment) -> Result<()> {
    let dividend = by_number(conn, number)?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::invalid("reason", "请写明为什么作废。"));
    }
    if &dividend.recorded_by == by {
        return Err(Refused::SamePerson.into());
    }
    if annulment(conn, &dividend.id)?.is_some() {
        return Err(Refused::Annulled.into());
    }
    let annulment = Annulment {
        dividend_id: dividend.id.clone(),
        reason: reason.to_owned(),
        annulled_by: by.clone(),
        annulled_at: now,
    };
    diesel::insert_into(dividend_annulments::table)
        .values(&annulment)
        .execute(conn)?;
    record(conn, &dividend, "dividend.annulled", reason.to_owned(), by, now)
}

fn record(
    conn: &mut Conn,
    dividend: &Dividend,
    act: &'static str,
    detail: String,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let subject = format!("dividend:{}", dividend.number);
    audit::record(conn, &[audit::Event::new(by.as_str(), act, subject, detail, now)])
}

// ---- Looking -------------------------------------------------------------------------------------------------------

/// All dividends, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn) -> Result<Vec<Dividend>> {
    Ok(dividends::table
        .order(dividends::number.desc())
        .select(Dividend::as_select())
        .load(conn)?)
}

/// One, by its number.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<Dividend> {
    dividends::table
        .filter(dividends::number.eq(number))
        .select(Dividend::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Its parts, in the order of the households' codes.
///
/// # Errors
/// Only when the database fails.
pub fn parts(conn: &mut Conn, dividend: &Dividend) -> Result<Vec<Part>> {
    let shares = dividend_shares::table
        .filter(dividend_shares::dividend_id.eq(&dividend.id))
        .select(Share::as_select())
        .load(conn)?;
    let ids: Vec<Id<Household>> = shares.iter().map(|share| share.household_id.clone()).collect();
    let mut households: HashMap<Id<Household>, Household> = HashMap::new();
    for chunk in ids.chunks(AT_ONCE) {
        households.extend(
            household::by_ids(conn, chunk)?
                .into_iter()
                .map(|one| (one.id.clone(), one)),
        );
    }
    let mut parts = Vec::with_capacity(shares.len());
    for share in shares {
        parts.push(Part {
            household: households.remove(&share.household_id).ok_or(Error::NotFound)?,
            honour: share.honour,
            amount: share.amount,
        });
    }
    parts.sort_by(|one, other| one.household.code.cmp(&other.household.code));
    Ok(parts)
}

/// What a household gets of a dividend, and whether that counts.
#[derive(Clone, Debug)]
pub struct OwnShare {
    /// The dividend.
    pub dividend: Dividend,
    /// The household's honour score.
    pub honour: Points,
    /// What it gets.
    pub amount: Fen,
    /// Was the dividend annulled?
    pub is_annulled: bool,
}

/// The shares of a household, newest first. Whether it was paid is known to whoever pays, and not here.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<OwnShare>> {
    let shares: Vec<Share> = dividend_shares::table
        .filter(dividend_shares::household_id.eq(household))
        .select(Share::as_select())
        .load(conn)?;
    let ids: Vec<&Id<Dividend>> = shares.iter().map(|share| &share.dividend_id).collect();
    let known: Vec<Dividend> = dividends::table
        .filter(dividends::id.eq_any(ids))
        .order(dividends::number.desc())
        .select(Dividend::as_select())
        .load(conn)?;
    let mut own = Vec::with_capacity(known.len());
    for dividend in known {
        if let Some(share) = shares.iter().find(|share| share.dividend_id == dividend.id) {
            own.push(OwnShare {
                honour: share.honour,
                amount: share.amount,
                is_annulled: annulment(conn, &dividend.id)?.is_some(),
                dividend,
            });
        }
    }
    Ok(own)
}

/// Why it does not count, if it was annulled.
///
/// # Errors
/// Only when the database fails.
pub fn annulment(conn: &mut Conn, id: &Id<Dividend>) -> Result<Option<Annulment>> {
    Ok(dividend_annulments::table
        .find(id)
        .select(Annulment::as_select())
        .get_result(conn)
        .optional()?)
}
