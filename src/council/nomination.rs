//! Nominations: somebody says that a household did a good deed; somebody else verifies it; then points post.
//!
//! ```text
//! submitted → posted | returned
//! ```
//!
//! The rule in force on the day of the deed is the one that is cited, and its points are fixed when the nomination is
//! made. Points of a category that is not redeemable are honour only.

use std::fmt;

use chrono::Days;
use diesel::prelude::*;
use serde::Serialize;

use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::db::schema::{nominations, scoring_items};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::ledger::account::{AccountKind, PROGRAMME};
use crate::ledger::transaction::{Books, Entry, Posting, TransactionKind};
use crate::places::household::Household;
use crate::points::Points;
use crate::request::{Request, Requests};
use crate::scheme::item::{self, Category, Item};
use crate::scheme::version;

/// A nomination and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = nominations)]
pub struct Nomination {
    /// Its id.
    pub id: Id<Nomination>,
    /// Who is to have the points.
    pub household_id: Id<Household>,
    /// The rule it cites.
    pub scoring_item_id: Id<Item>,
    /// How many times, persons, hours …
    pub count: i64,
    /// Points for all of it.
    pub points: Points,
    /// The day of the deed.
    pub occurred_on: Day,
    /// What was done, in a sentence.
    pub note: String,
    /// Where it stands.
    pub state: State,
    /// Who nominated.
    pub nominated_by: Id<User>,
    /// When.
    pub nominated_at: Moment,
    /// Who verified or returned it.
    pub decided_by: Option<Id<User>>,
    /// When.
    pub decided_at: Option<Moment>,
    /// Why it was returned.
    pub decision_reason: Option<String>,
    /// The posting.
    pub transaction_number: Option<i64>,
}

text_enum! {
    /// Where a nomination stands.
    pub enum State {
        /// Waits for verification.
        Submitted = "submitted", "待核实";
        /// Verified; the points are in the books.
        Posted = "posted", "已入账";
        /// Sent back with a reason; no points.
        Returned = "returned", "已退回";
    }
}

/// Why a nomination or a verification is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// The household would have more from this item than its cap.
    LimitReached {
        /// The rule, in a line.
        rule: String,
        /// What is left in the period.
        left: Points,
    },
    /// It was verified or returned before.
    AlreadyDecided(State),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::LimitReached { rule, left } => {
                write!(formatter, "超过上限：{rule}；本期还可加{left}分（含待核实的申报）。")
            }
            Refused::AlreadyDecided(state) => write!(formatter, "这条申报{}，不能再次处理。", state.label()),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::LimitReached { .. } => "limit_reached",
            Refused::AlreadyDecided(_) => "already_decided",
        }
    }
}

/// The longest that a deed may lie back, in days: a quarter, so that a quarter's paper can still be keyed in.
const OLDEST_DAYS: u64 = 92;
/// The most counts of one nomination.
const MOST_COUNT: i64 = 100;

/// Asks to nominate a household.
#[derive(Clone, Debug)]
pub struct Nominate {
    /// The household.
    pub household: Id<Household>,
    /// The item's code in the rules in force.
    pub item: String,
    /// How many times, persons, hours …
    pub count: i64,
    /// The day of the deed.
    pub occurred_on: Day,
    /// What was done, in a sentence.
    pub note: String,
    /// Who nominates.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Nominates a household; the same request again answers the first nomination.
///
/// # Errors
/// `Invalid` fields; [`Refused::LimitReached`]; `idempotency_conflict`.
pub fn nominate(conn: &mut Conn, asked: &Nominate, now: Moment) -> Result<Nomination> {
    #[derive(Serialize)]
    struct Content<'a>(&'a str, &'a str, i64, Day, &'a str);
    let content = Content(
        asked.household.as_str(),
        &asked.item,
        asked.count,
        asked.occurred_on,
        &asked.note,
    );
    let request = Request::new(&asked.key, asked.by.as_str(), "award.nominate", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    expect_sensible(asked, day_of(now))?;
    let version = version::in_force(conn, asked.occurred_on)
        .map_err(|_| Error::invalid("occurred_on", "事迹发生当天没有生效的积分方案。"))?;
    let item = item::by_code(conn, &version.id, &asked.item)?;
    let points = item
        .points
        .times(asked.count)
        .ok_or_else(|| Error::invalid("count", "次数太大。"))?;
    expect_under_cap(conn, asked, &item, points)?;
    let nomination = Nomination {
        id: Id::new(now),
        household_id: asked.household.clone(),
        scoring_item_id: item.id,
        count: asked.count,
        points,
        occurred_on: asked.occurred_on,
        note: asked.note.trim().to_owned(),
        state: State::Submitted,
        nominated_by: asked.by.clone(),
        nominated_at: now,
        decided_by: None,
        decided_at: None,
        decision_reason: None,
        transaction_number: None,
    };
    diesel::insert_into(nominations::table)
        .values(&nomination)
        .execute(conn)?;
    requests.carried_out(&request, nomination.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &nomination, &asked.by, "award.nominated", item.code, now)?;
    Ok(nomination)
}

/// What a verifier decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Decision {
    /// It is true; post the points.
    Approve,
    /// Not so, or not enough shown; back to the nominator.
    Return,
}

/// Asks to verify a nomination.
#[derive(Clone, Debug)]
pub struct Verify {
    /// The nomination.
    pub nomination: Id<Nomination>,
    /// What is decided.
    pub decision: Decision,
    /// Why it is returned.
    pub reason: String,
    /// Who verifies.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Verifies a nomination: approved points post at once.
///
/// # Errors
/// `Forbidden` for the nominator and for anyone of the household; [`Refused::AlreadyDecided`]; `Invalid` when a return
/// gives no reason; `NotFound`.
pub fn verify(conn: &mut Conn, asked: &Verify, now: Moment) -> Result<Nomination> {
    let content = (asked.nomination.as_str(), asked.decision, &asked.reason);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "award.verify", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let mut nomination = by_id(conn, &asked.nomination)?;
    if nomination.nominated_by == asked.by.id {
        return Err(Error::Forbidden("申报人不能核实自己的申报，请由另一人核实。"));
    }
    if asked.by.household_id.as_ref() == Some(&nomination.household_id) {
        return Err(Error::Forbidden("不能核实自己家的申报，请由他人核实。"));
    }
    if nomination.state != State::Submitted {
        return Err(Refused::AlreadyDecided(nomination.state).into());
    }
    let reason = asked.reason.trim();
    match asked.decision {
        Decision::Return if reason.is_empty() => {
            return Err(Error::invalid("reason", "退回时请写明原因，好让申报人补正。"));
        }
        Decision::Return => nomination.state = State::Returned,
        Decision::Approve => {
            nomination.transaction_number = Some(post(conn, &nomination, &asked.by.id, now)?);
            nomination.state = State::Posted;
        }
    }
    nomination.decided_by = Some(asked.by.id.clone());
    nomination.decided_at = Some(now);
    nomination.decision_reason = (!reason.is_empty()).then(|| reason.to_owned());
    diesel::update(nominations::table.find(&nomination.id))
        .set((
            nominations::state.eq(nomination.state),
            nominations::decided_by.eq(&nomination.decided_by),
            nominations::decided_at.eq(nomination.decided_at),
            nominations::decision_reason.eq(&nomination.decision_reason),
            nominations::transaction_number.eq(nomination.transaction_number),
        ))
        .execute(conn)?;
    requests.carried_out(&request, nomination.id.as_str(), now);
    requests.save(conn)?;
    let act = match asked.decision {
        Decision::Approve => "award.verified",
        Decision::Return => "award.returned",
    };
    record(conn, &nomination, &asked.by.id, act, String::new(), now)?;
    Ok(nomination)
}

/// A nomination by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Nomination>) -> Result<Nomination> {
    nominations::table
        .find(id)
        .select(Nomination::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Nominations by their ids.
///
/// # Errors
/// Only when the database fails.
pub fn by_ids(conn: &mut Conn, ids: &[Id<Nomination>]) -> Result<Vec<Nomination>> {
    Ok(nominations::table
        .filter(nominations::id.eq_any(ids))
        .select(Nomination::as_select())
        .load(conn)?)
}

/// Which nominations to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those that stand here.
    pub state: Option<State>,
    /// Only those of these households.
    pub households: Option<Vec<Id<Household>>>,
    /// Only those that this person made.
    pub nominated_by: Option<Id<User>>,
}

/// Nominations, newest first, at most `limit`.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, filter: &Filter, limit: i64) -> Result<Vec<Nomination>> {
    let mut query = nominations::table.select(Nomination::as_select()).into_boxed();
    if let Some(state) = filter.state {
        query = query.filter(nominations::state.eq(state));
    }
    if let Some(households) = &filter.households {
        query = query.filter(nominations::household_id.eq_any(households));
    }
    if let Some(user) = &filter.nominated_by {
        query = query.filter(nominations::nominated_by.eq(user));
    }
    Ok(query
        .order((nominations::nominated_at.desc(), nominations::id.desc()))
        .limit(limit)
        .load(conn)?)
}

fn expect_sensible(asked: &Nominate, today: Day) -> Result<()> {
    if !(1..=MOST_COUNT).contains(&asked.count) {
        return Err(Error::invalid("count", format!("次数应为1至{MOST_COUNT}。")));
    }
    if asked.occurred_on > today {
        return Err(Error::invalid("occurred_on", "事迹日期不能晚于今天。"));
    }
    let oldest = today.checked_sub_days(Days::new(OLDEST_DAYS)).unwrap_or(today);
    if asked.occurred_on < oldest {
        return Err(Error::invalid(
            "occurred_on",
            format!("事迹日期不能早于{OLDEST_DAYS}天前。"),
        ));
    }
    let letters = asked.note.trim().chars().count();
    if letters > 500 {
        return Err(Error::invalid("note", "事迹说明请写在500个字以内。"));
    }
    Ok(())
}

/// Counts what the household has from this item in the period, with what still waits, under any version of the rules.
fn expect_under_cap(conn: &mut Conn, asked: &Nominate, item: &Item, points: Points) -> Result<()> {
    let span = item.cap_period.around(asked.occurred_on);
    let has: Points = nominations::table
        .inner_join(scoring_items::table)
        .filter(nominations::household_id.eq(&asked.household))
        .filter(scoring_items::code.eq(&item.code))
        .filter(
            nominations::occurred_on
                .ge(span.from)
                .and(nominations::occurred_on.lt(span.until)),
        )
        .filter(nominations::state.ne(State::Returned))
        .select(nominations::points)
        .load::<Points>(conn)?
        .into_iter()
        .sum();
    let left = item.cap.plus(-has).unwrap_or_default().max(Points::ZERO);
    if points > left {
        let rule = item.rule_text();
        return Err(Refused::LimitReached { rule, left }.into());
    }
    Ok(())
}

/// Posts the points of a verified nomination and answers the transaction's number.
fn post(conn: &mut Conn, nomination: &Nomination, by: &Id<User>, now: Moment) -> Result<i64> {
    let (_, category) = item::by_id(conn, &nomination.scoring_item_id)?;
    let owner = nomination.household_id.as_str();
    let mut books = Books::open(conn, [owner])?;
    let number = books.post(Posting {
        kind: TransactionKind::Award,
        source: format!("award:{}", nomination.id),
        effective_on: nomination.occurred_on,
        recorded_at: now,
        posted_by: by.as_str().to_owned(),
        reverses: None,
        entries: award_entries(owner, nomination.points, &category),
    })?;
    books.save(conn)?;
    Ok(number)
}

/// Every award counts as honour; what is redeemable can also be spent.
fn award_entries(owner: &str, points: Points, category: &Category) -> Vec<Entry> {
    let mut entries = Posting::moving(
        points,
        (PROGRAMME, AccountKind::Recognition),
        (owner, AccountKind::Honour),
    );
    if category.redeemable {
        entries.extend(Posting::moving(
            points,
            (PROGRAMME, AccountKind::Issuance),
            (owner, AccountKind::Spendable),
        ));
    }
    entries
}

fn record(
    conn: &mut Conn,
    nomination: &Nomination,
    by: &Id<User>,
    act: &str,
    detail: String,
    now: Moment,
) -> Result<()> {
    let subject = format!("award:{}", nomination.id);
    audit::record(conn, &[audit::Event::new(by.as_str(), act, subject, detail, now)])
}
