//! Dividends: tried out as often as anybody likes, decided by an assembly, shared out once.
//!
//! Shares go by honour scores as they stood when a day ended, and by the rules of the scheme's version that was in force on
//! it. That day is over, so the same question has the same answer whenever it is asked: what was simulated is what is
//! decided. The dividend cites the version and keeps its rules. One that was written down wrongly is annulled by somebody
//! else and written down anew.

use std::collections::HashMap;
use std::fmt;

use diesel::prelude::*;
use serde::Serialize;

use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of, spoken_day};
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
use crate::scheme::terms::{self, DividendTerms};
use crate::scheme::version::{self, SchemeVersion};

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
    /// The version of the scheme by whose rules it is shared out; none for those of before the rules stood in the scheme.
    pub scheme_version_id: Option<Id<SchemeVersion>>,
    /// Honour above this counts as this.
    pub most_honour_counted: Option<Points>,
    /// So many hundredths of the pool are shared equally among all who take part.
    pub equal_part_percent: i64,
}

impl Dividend {
    /// The rules by which it was shared out, whatever the scheme says later.
    #[must_use]
    pub fn terms(&self) -> DividendTerms {
        DividendTerms {
            from_honour: self.from_honour,
            most_honour_counted: self.most_honour_counted,
            equal_part_percent: self.equal_part_percent,
        }
    }
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

/// Why a dividend is not shared out, or not annulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No version of the scheme was in force on the day of the scores.
    NoScheme(Day),
    /// It was tried out by a version that is not the one of that day any more.
    OtherVersion,
    /// Whoever wrote it down does not annul it.
    SamePerson,
    /// It was annulled before.
    Annulled,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NoScheme(day) => write!(
                formatter,
                "{}还没有施行的积分办法，分红没有规则可依。请换一个截止日，或先通过积分办法。",
                spoken_day(*day)
            ),
            Refused::OtherVersion => formatter.write_str("试算以后积分办法换了版本，请核对新的试算结果再登记。"),
            Refused::SamePerson => formatter.write_str("作废要由登记人以外的人办理。"),
            Refused::Annulled => formatter.write_str("这次分红已经作废。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NoScheme(_) => "no_scheme_in_force",
            Refused::OtherVersion => "other_version",
            Refused::SamePerson => "same_person",
            Refused::Annulled => "dividend_annulled",
        }
    }
}

// ---- Sharing out ---------------------------------------------------------------------------------------------------

/// What is to be shared out among whom. By which rules is for the scheme to say.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Whose households: an area's id.
    pub area: String,
    /// How much, in fen.
    pub pool: i64,
    /// Honour scores are those at the end of this day.
    pub scored_on: Day,
}

/// How a pool is shared out.
#[derive(Clone, Debug)]
pub struct Sharing {
    /// The version that was in force on the day of the scores.
    pub version: SchemeVersion,
    /// What it says of dividends.
    pub terms: DividendTerms,
    /// In the order of the households' codes.
    pub parts: Vec<Part>,
}

/// A household with its part of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whose.
    pub household: Household,
    /// Its honour score.
    pub honour: Points,
    /// What of it counts.
    pub counted: Points,
    /// What it gets.
    pub amount: Fen,
}

/// Shares the pool out by the rules of the scheme; nothing is written. The parts make the pool exactly, to the fen: the fen
/// that are left over go to the largest remainders.
///
/// # Errors
/// `Invalid` for a sum that is none, a day that is not over, and when nobody has the score that it takes; `NotFound` for an
/// area that is none; [`Refused::NoScheme`].
pub fn share(conn: &mut Conn, plan: &Plan, today: Day) -> Result<Sharing> {
    if plan.pool < 1 {
        return Err(Error::invalid("pool", "请写明要分多少元，像20000.00这样。"));
    }
    if plan.scored_on >= today {
        return Err(Error::invalid("scored_on", "荣誉分截止日要早于今天：当天的分还会变。"));
    }
    let tree = Tree::load(conn)?;
    let area = Id::known(plan.area.as_str());
    tree.get(&area).ok_or(Error::NotFound)?;
    let version = version::in_force(conn, plan.scored_on).map_err(|error| match error {
        Error::NotFound => Refused::NoScheme(plan.scored_on).into(),
        other => other,
    })?;
    let terms = terms::of(conn, &version.id)?.dividend.unwrap_or_default();
    let ids = household::ids_in(conn, &tree.buildings_of(&area))?;
    let sharing = who_shares(conn, &ids, plan.scored_on, terms.from_honour)?;
    if sharing.is_empty() {
        return Err(Error::invalid(
            "area",
            format!("这个范围里没有荣誉分满{}分的住户，没有可以分的。", terms.from_honour),
        ));
    }
    let counted: Vec<Points> = sharing.iter().map(|(_, score)| terms.counted(*score)).collect();
    let weights =
        weights(&counted, &terms).ok_or_else(|| Error::internal("honour beyond what can be reckoned with"))?;
    let amounts = share_out(Fen(plan.pool), &weights);
    let parts = sharing.into_iter().zip(counted.into_iter().zip(amounts));
    Ok(Sharing {
        version,
        terms,
        parts: parts
            .map(|((household, honour), (counted, amount))| Part {
                household,
                honour,
                counted,
                amount,
            })
            .collect(),
    })
}

/// Those of the households that are still here and had so much honour when the day ended, with it, by their codes.
fn who_shares(conn: &mut Conn, ids: &[Id<Household>], on: Day, from: Points) -> Result<Vec<(Household, Points)>> {
    let scores = balance::all_at_end_of(conn, AccountKind::Honour, on)?;
    let mut sharing = Vec::new();
    for chunk in ids.chunks(AT_ONCE) {
        let gone = standing::gone(conn, chunk)?;
        let here = household::by_ids(conn, chunk)?
            .into_iter()
            .filter(|one| !gone.contains(&one.id));
        sharing.extend(here.filter_map(|one| {
            let score = *scores.get(one.id.as_str())?;
            (score >= from).then_some((one, score))
        }));
    }
    sharing.sort_by(|one, other| one.0.code.cmp(&other.0.code));
    Ok(sharing)
}

/// What each household weighs, so that sharing out once gives the equal part and the part by honour together, exactly.
///
/// With `e` hundredths shared equally among `n` households whose honour makes `H`, a household with honour `h` is due
/// e/100 · 1/n + (100 − e)/100 · h/H of the pool. Times 100·n·H that is a whole number: e·H + (100 − e)·n·h. `None` beyond
/// what an `i64` holds.
fn weights(counted: &[Points], terms: &DividendTerms) -> Option<Vec<i64>> {
    let all = counted.iter().try_fold(0i64, |sum, one| sum.checked_add(one.0))?;
    let households = i64::try_from(counted.len()).ok()?;
    let equally = terms.equal_part_percent.checked_mul(all)?;
    let by_honour = 100i64.checked_sub(terms.equal_part_percent)?.checked_mul(households)?;
    let weights = counted
        .iter()
        .map(|one| by_honour.checked_mul(one.0)?.checked_add(equally));
    weights.collect()
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
    pub plan: Plan,
    /// The version of the scheme by which it was tried out: its id.
    pub version: String,
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

/// Writes a resolution down with the shares that [`share`] made of its plan. The same form sent twice is one dividend.
///
/// # Errors
/// `Invalid` fields; [`Refused`]; `Conflict` for a key that was used for something else.
pub fn resolve(
    conn: &mut Conn,
    asked: &Resolve,
    sharing: &Sharing,
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
    // What was tried out, what was shared just now, and what counts at this moment are by one version.
    let in_force = version::in_force(conn, asked.plan.scored_on)?.id;
    if [&in_force, &sharing.version.id]
        .iter()
        .any(|id| id.as_str() != asked.version)
    {
        return Err(Refused::OtherVersion.into());
    }
    let meeting = &asked.meeting;
    let last: Option<i64> = dividends::table
        .select(diesel::dsl::max(dividends::number))
        .get_result(conn)?;
    let dividend = Dividend {
        id: Id::new(now),
        number: last.unwrap_or(0).saturating_add(1),
        title: asked.title.trim().to_owned(),
        area_id: Id::known(asked.plan.area.as_str()),
        pool: Fen(asked.plan.pool),
        scored_on: asked.plan.scored_on,
        from_honour: sharing.terms.from_honour,
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
        scheme_version_id: Some(sharing.version.id.clone()),
        most_honour_counted: sharing.terms.most_honour_counted,
        equal_part_percent: sharing.terms.equal_part_percent,
    };
    let shares: Vec<Share> = sharing
        .parts
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

/// The version of the scheme that it cites; none for those of before the rules stood in the scheme.
///
/// # Errors
/// Only when the database fails.
pub fn version(conn: &mut Conn, dividend: &Dividend) -> Result<Option<SchemeVersion>> {
    let cited = dividend.scheme_version_id.as_ref();
    cited.map(|id| version::by_id(conn, id)).transpose()
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
    let terms = dividend.terms();
    let mut parts = Vec::with_capacity(shares.len());
    for share in shares {
        parts.push(Part {
            household: households.remove(&share.household_id).ok_or(Error::NotFound)?,
            honour: share.honour,
            counted: terms.counted(share.honour),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(pool: i64, counted: &[i64], terms: &DividendTerms) -> Vec<i64> {
        let counted: Vec<Points> = counted.iter().copied().map(Points).collect();
        let weights = weights(&counted, terms).unwrap_or_default();
        share_out(Fen(pool), &weights).into_iter().map(|part| part.0).collect()
    }

    fn equal_part(percent: i64) -> DividendTerms {
        DividendTerms {
            equal_part_percent: percent,
            ..DividendTerms::default()
        }
    }

    #[test]
    fn a_part_is_shared_equally_and_the_rest_by_honour() {
        // By hand: of 100.01 yuan 20.002 go equally, 10.001 each; of the other 80.008 three quarters are 60.006.
        assert_eq!(shared(10_001, &[30, 10], &equal_part(20)), [7_001, 3_000]);
        assert_eq!(shared(10_001, &[30, 10], &equal_part(0)), [7_501, 2_500]);
        assert_eq!(shared(10_001, &[30, 10], &equal_part(100)), [5_001, 5_000]);
        assert_eq!(weights(&[Points(i64::MAX), Points(1)], &equal_part(0)), None);
    }

    #[test]
    fn parts_make_the_pool_and_fewer_points_never_get_more() {
        let mut seed = 11i64;
        let mut next = |below: i64| {
            seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
            seed % below
        };
        for _ in 0..500 {
            let terms = DividendTerms {
                from_honour: Points(1),
                most_honour_counted: (next(2) == 0).then_some(Points(1 + next(200))),
                equal_part_percent: next(101),
            };
            let honour: Vec<i64> = (0..=next(40)).map(|_| 1 + next(300)).collect();
            let counted: Vec<i64> = honour.iter().map(|one| terms.counted(Points(*one)).0).collect();
            let pool = 1 + next(3_000_000);
            let parts = shared(pool, &counted, &terms);
            assert_eq!(parts.iter().sum::<i64>(), pool, "{terms:?} {honour:?}");
            let (all, households) = (counted.iter().sum::<i64>(), i64::try_from(counted.len()).unwrap_or(0));
            for (part, own) in parts.iter().zip(&counted) {
                // What is due, in parts of the whole: the equal part and the part by honour on one denominator.
                let weight = terms.equal_part_percent * all + (100 - terms.equal_part_percent) * households * own;
                let due = i128::from(pool) * i128::from(weight) / i128::from(100 * households * all);
                let over = i128::from(*part) - due;
                assert!(over == 0 || over == 1, "{part} for {own} of {counted:?} by {terms:?}");
                for (other, others) in parts.iter().zip(&counted) {
                    // Shared equally altogether, the fen that is left over asks nobody's points.
                    let is_less = own < others && terms.equal_part_percent < 100;
                    assert!(!is_less || part <= other, "{own}: {part}, {others}: {other}");
                    assert!(
                        own != others || (part - other).abs() <= 1,
                        "{part} and {other} for {own}"
                    );
                }
            }
        }
    }
}
