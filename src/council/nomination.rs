//! Nominations: somebody says that a household did a good deed; somebody else verifies it.
//!
//! ```text
//! submitted → verified | returned | withdrawn
//! verified  → approved | declined            (the council: `motion`)
//! approved  → notified ⇄ suspended → declined (the public notice: `notice`, objections)
//! notified  → posted | queued → posted       (`award`; queued waits for the budget)
//! posted    → reversed                       (appeals and corrections)
//! ```
//!
//! This file holds the nomination and its first two steps. What comes later is in the files named above.
//!
//! The rule in force on the day of the deed is the one that is cited, and its points are fixed when the nomination is
//! made. Points of a category that is not redeemable are honour only.

use chrono::Days;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::Serialize;

use super::appeal;
use super::confirmation;
use super::gathering;
use super::notice::Notice;
use super::refused::Refused;
use crate::access::user::{self, User};
use crate::audit;
use crate::clock::{Day, Moment, Span, begin_of, day_of};
use crate::db::schema::{nominations, scoring_items};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::places::standing;
use crate::points::Points;
use crate::request::{Request, Requests};
use crate::scheme::item::{self, Item};
use crate::scheme::{resolution, version};

/// A nomination and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = nominations, treat_none_as_null = true)]
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
    /// Who nominated, of the staff.
    pub nominated_by: Option<Id<User>>,
    /// Or which household did, through its card.
    pub nominating_household_id: Option<Id<Household>>,
    /// When.
    pub nominated_at: Moment,
    /// Who verified or returned it.
    pub decided_by: Option<Id<User>>,
    /// When.
    pub decided_at: Option<Moment>,
    /// Why it was returned.
    pub decision_reason: Option<String>,
    /// What of the points can be spent, once the council approved.
    pub spendable_points: Option<Points>,
    /// A sentence for the public notice; may be empty.
    pub public_text: String,
    /// The transaction that made the points pending.
    pub pending_number: Option<i64>,
    /// The notice it is or was on.
    pub notice_id: Option<Id<Notice>>,
    /// Its row there.
    pub notice_row: Option<i64>,
    /// The posting.
    pub transaction_number: Option<i64>,
    /// When it posted.
    pub posted_at: Option<Moment>,
    /// Why it ended without points, or its points were taken back.
    pub ending_reason: Option<String>,
}

impl Nomination {
    /// The number that people write down and that objections name: notice and row, `12-3`.
    #[must_use]
    pub fn notice_slip(&self, notice: &Notice) -> String {
        format!("{}-{}", notice.number, self.notice_row.unwrap_or(0))
    }
}

text_enum! {
    /// Where a nomination stands.
    pub enum State {
        /// Waits for verification.
        Submitted = "submitted", "待核实";
        /// Verified; waits for the council.
        Verified = "verified", "待评议";
        /// Sent back with a reason; no points.
        Returned = "returned", "已退回";
        /// Taken back by whoever nominated.
        Withdrawn = "withdrawn", "已撤回";
        /// The council said yes; the points are pending, the notice is not yet out.
        Approved = "approved", "待公示";
        /// The council said no, or an objection was upheld.
        Declined = "declined", "未通过";
        /// On public notice.
        Notified = "notified", "公示中";
        /// On public notice, held by an objection.
        Suspended = "suspended", "有异议，暂缓";
        /// The notice is over; waits for the month's budget.
        Queued = "queued", "排队等预算";
        /// The points are in the books.
        Posted = "posted", "已入账";
        /// The points were taken back by a reversal.
        Reversed = "reversed", "已冲正";
    }
}

impl State {
    /// Ended, and nothing was or is given.
    pub const WITHOUT_POINTS: [State; 4] = [State::Returned, State::Withdrawn, State::Declined, State::Reversed];

    /// Points are promised to the household, but not yet posted.
    pub const PENDING: [State; 4] = [State::Approved, State::Notified, State::Suspended, State::Queued];

    /// Are points promised to the household, but not yet posted?
    #[must_use]
    pub fn is_pending(self) -> bool {
        State::PENDING.contains(&self)
    }
}

/// The longest that a deed may lie back, in days: a quarter, so that a quarter's paper can still be keyed in.
pub const OLDEST_DAYS: u64 = 92;
/// The most counts of one nomination.
const MOST_COUNT: i64 = 100;

/// Who nominates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nominator {
    /// A person of the staff.
    Staff(Id<User>),
    /// A household, through its card.
    Household(Id<Household>),
}

impl Nominator {
    /// The id that requests and the record carry.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Nominator::Staff(user) => user.as_str(),
            Nominator::Household(household) => household.as_str(),
        }
    }
}

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
    pub by: Nominator,
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
    standing::expect_active(conn, &asked.household)?;
    let version = version::in_force(conn, asked.occurred_on)
        .map_err(|_| Error::invalid("occurred_on", "事迹发生当天没有生效的积分方案。"))?;
    resolution::expect_not_suspended(conn, &version.id)?;
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
        nominated_by: match &asked.by {
            Nominator::Staff(user) => Some(user.clone()),
            Nominator::Household(_) => None,
        },
        nominating_household_id: match &asked.by {
            Nominator::Staff(_) => None,
            Nominator::Household(household) => Some(household.clone()),
        },
        nominated_at: now,
        decided_by: None,
        decided_at: None,
        decision_reason: None,
        spendable_points: None,
        public_text: String::new(),
        pending_number: None,
        notice_id: None,
        notice_row: None,
        transaction_number: None,
        posted_at: None,
        ending_reason: None,
    };
    diesel::insert_into(nominations::table)
        .values(&nomination)
        .execute(conn)?;
    requests.carried_out(&request, nomination.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &nomination, asked.by.as_str(), "award.nominated", item.code, now)?;
    Ok(nomination)
}

/// What a verifier decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Decision {
    /// It is true; on to the council.
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

/// Verifies a nomination; the council decides next.
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
    if nomination.nominated_by.as_ref() == Some(&asked.by.id) {
        return Err(Error::Forbidden("申报人不能核实自己的申报，请由另一人核实。"));
    }
    let nominator_home = nominator_household(conn, &nomination)?;
    if let Some(own) = &asked.by.household_id {
        if own == &nomination.household_id {
            return Err(Error::Forbidden("不能核实自己家的申报，请由他人核实。"));
        }
        if nominator_home.as_ref() == Some(own) {
            return Err(Error::Forbidden("申报人与您是一家人，请由别家的人核实。"));
        }
    }
    if gathering::witnesses(conn, &nomination.id)?.contains(&asked.by.id) {
        return Err(Error::Forbidden("这次活动的签到是您登记的，请由另一人核实。"));
    }
    if confirmation::witness(conn, &nomination.id)?.as_ref() == Some(&asked.by.id) {
        return Err(Error::Forbidden("这户的书面确认是您记下的，请由另一人核实。"));
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
        Decision::Approve => nomination.state = State::Verified,
    }
    nomination.decided_by = Some(asked.by.id.clone());
    nomination.decided_at = Some(now);
    nomination.decision_reason = (!reason.is_empty()).then(|| reason.to_owned());
    save(conn, &nomination)?;
    requests.carried_out(&request, nomination.id.as_str(), now);
    requests.save(conn)?;
    let act = match asked.decision {
        Decision::Approve => "award.verified",
        Decision::Return => "award.returned",
    };
    record(conn, &nomination, asked.by.id.as_str(), act, String::new(), now)?;
    Ok(nomination)
}

/// Takes a nomination back, by whoever made it, before it is verified. Doing it again changes nothing.
///
/// # Errors
/// `Forbidden` for anybody else; [`Refused::AlreadyDecided`]; `NotFound`.
pub fn withdraw(conn: &mut Conn, id: &Id<Nomination>, by: &Nominator, now: Moment) -> Result<Nomination> {
    let mut nomination = by_id(conn, id)?;
    let own = match by {
        Nominator::Staff(user) => nomination.nominated_by.as_ref() == Some(user),
        Nominator::Household(household) => nomination.nominating_household_id.as_ref() == Some(household),
    };
    if !own {
        return Err(Error::Forbidden("只有申报人能撤回自己的申报。"));
    }
    match nomination.state {
        State::Withdrawn => return Ok(nomination),
        State::Submitted => {}
        other => return Err(Refused::AlreadyDecided(other).into()),
    }
    nomination.state = State::Withdrawn;
    nomination.ending_reason = Some("申报人撤回。".to_owned());
    save(conn, &nomination)?;
    record(conn, &nomination, by.as_str(), "award.withdrawn", String::new(), now)?;
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
    /// Only those that stand in one of these; empty for all.
    pub states: Vec<State>,
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
    if !filter.states.is_empty() {
        query = query.filter(nominations::state.eq_any(&filter.states));
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

/// How many stand in one of these states: of these households, or of all.
///
/// # Errors
/// Only when the database fails.
pub fn count(conn: &mut Conn, states: &[State], households: Option<&[Id<Household>]>) -> Result<usize> {
    let mut query = nominations::table
        .filter(nominations::state.eq_any(states))
        .into_boxed();
    if let Some(households) = households {
        query = query.filter(nominations::household_id.eq_any(households));
    }
    let count = query.count().get_result::<i64>(conn)?;
    Ok(usize::try_from(count).unwrap_or(0))
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

/// Refuses what is above the item's cap.
fn expect_under_cap(conn: &mut Conn, asked: &Nominate, item: &Item, points: Points) -> Result<()> {
    let left = left_of_item(conn, &asked.household, item, asked.occurred_on)?;
    if points > left {
        let rule = item.rule_text();
        return Err(Refused::LimitReached { rule, left }.into());
    }
    Ok(())
}

/// What a household can still have from an item in the period of a day: counts what still waits and what appeals added,
/// under any version of the rules.
pub(super) fn left_of_item(conn: &mut Conn, household: &Id<Household>, item: &Item, day: Day) -> Result<Points> {
    let span = item.cap_period.around(day);
    let has: Points = nominations::table
        .inner_join(scoring_items::table)
        .filter(nominations::household_id.eq(household))
        .filter(scoring_items::code.eq(&item.code))
        .filter(
            nominations::occurred_on
                .ge(span.from)
                .and(nominations::occurred_on.lt(span.until)),
        )
        .filter(nominations::state.ne_all(State::WITHOUT_POINTS))
        .select(nominations::points)
        .load::<Points>(conn)?
        .into_iter()
        .sum();
    let added: Points = appeal::additions(conn, &[household], span)?
        .into_iter()
        .filter(|more| more.code == item.code)
        .filter_map(|more| more.points)
        .sum();
    let left = item.cap.plus(-has).and_then(|left| left.plus(-added));
    Ok(left.unwrap_or_default().max(Points::ZERO))
}

/// The household of whoever nominated, if it is known.
fn nominator_household(conn: &mut Conn, nomination: &Nomination) -> Result<Option<Id<Household>>> {
    match &nomination.nominated_by {
        Some(user) => Ok(user::by_id(conn, user)?.household_id),
        None => Ok(nomination.nominating_household_id.clone()),
    }
}

/// Writes a nomination that has moved on.
pub(super) fn save(conn: &mut Conn, nomination: &Nomination) -> Result<()> {
    diesel::update(nominations::table.find(&nomination.id))
        .set(nomination)
        .execute(conn)?;
    Ok(())
}

/// Everything that stands here, in the order of the deeds.
pub(super) fn standing(conn: &mut Conn, states: &[State]) -> Result<Vec<Nomination>> {
    Ok(nominations::table
        .filter(nominations::state.eq_any(states))
        .order((nominations::occurred_on, nominations::nominated_at, nominations::id))
        .select(Nomination::as_select())
        .load(conn)?)
}

/// Everything that posted in a span of days and stands, in the order in which it posted.
///
/// # Errors
/// Only when the database fails.
pub fn posted_in(conn: &mut Conn, span: Span) -> Result<Vec<Nomination>> {
    Ok(nominations::table
        .filter(nominations::state.eq(State::Posted))
        .filter(nominations::posted_at.ge(begin_of(span.from)))
        .filter(nominations::posted_at.lt(begin_of(span.until)))
        .order((nominations::posted_at, nominations::id))
        .select(Nomination::as_select())
        .load(conn)?)
}

/// How many households somebody nominated in a span of days; each counts once, whatever became of it.
///
/// # Errors
/// Only when the database fails.
pub fn households_nominated(conn: &mut Conn, span: Span) -> Result<i64> {
    Ok(nominations::table
        .filter(nominations::nominated_at.ge(begin_of(span.from)))
        .filter(nominations::nominated_at.lt(begin_of(span.until)))
        .select(sql::<BigInt>("count(distinct nominations.household_id)"))
        .get_result(conn)?)
}

/// The rows of a notice, in its order.
///
/// # Errors
/// Only when the database fails.
pub fn of_notice(conn: &mut Conn, notice: &Id<Notice>) -> Result<Vec<Nomination>> {
    Ok(nominations::table
        .filter(nominations::notice_id.eq(notice))
        .order(nominations::notice_row)
        .select(Nomination::as_select())
        .load(conn)?)
}

pub(super) fn record(
    conn: &mut Conn,
    nomination: &Nomination,
    by: &str,
    act: &str,
    detail: String,
    now: Moment,
) -> Result<()> {
    let subject = format!("award:{}", nomination.id);
    audit::record(conn, &[audit::Event::new(by, act, subject, detail, now)])
}
