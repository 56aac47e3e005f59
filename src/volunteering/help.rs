//! Help between households, hour for hour (时间互助): who helped whom, what with, when and how long.
//!
//! The helped household's minutes go to the helper. Where it has none, the community's pool may pay, for a reason that
//! somebody writes down: it is about this one time, and no household carries a label for it. A household owes no time.

use diesel::prelude::*;
use serde::Serialize;

use super::confirmation::lives_in;
use super::minutes::{MOST_A_DAY, Minutes, QUARTER};
use super::pool;
use super::refused::Refused;
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, Span, begin_of, day_of};
use crate::db::schema::time_helps;
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::account::{AccountKind, PROGRAMME};
use crate::ledger::transaction::{Books, Posting, TransactionKind};
use crate::places::household::Household;
use crate::places::standing;
use crate::request::{Request, Requests};

text_enum! {
    /// Whose minutes go to the helper.
    pub enum Payer {
        /// The helped household's own.
        Household = "household", "受助户的时间积分";
        /// The community's.
        Pool = "pool", "爱心时间池";
    }
}

/// One household helped another.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = time_helps)]
pub struct Help {
    /// Its id.
    pub id: Id<Help>,
    /// 1, 2, 3 …, for people.
    pub number: i64,
    /// Who helped.
    pub helper_household_id: Id<Household>,
    /// Who was helped.
    pub helped_household_id: Id<Household>,
    /// What with.
    pub what: String,
    /// On which day.
    pub helped_on: Day,
    /// How long, in minutes.
    pub minutes: i64,
    /// Whose minutes went to the helper.
    pub payer: Payer,
    /// Why the pool paid.
    pub reason: Option<String>,
    /// Who wrote it down.
    pub recorded_by: Id<User>,
    /// When.
    pub recorded_at: Moment,
    /// Its posting.
    pub transaction_number: i64,
}

/// How the sources of these postings begin.
pub(super) const SOURCE: &str = "time-help:";

impl Help {
    /// What its posting is called in the books.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{SOURCE}{}", self.id)
    }

    /// How long.
    #[must_use]
    pub fn time(&self) -> Minutes {
        Minutes(self.minutes)
    }
}

/// How long ago it may have been, in days.
const BACK_DAYS: u64 = 31;

/// What somebody writes down.
#[derive(Clone, Debug, Serialize)]
pub struct RecordHelp {
    /// Who helped.
    pub helper: Id<Household>,
    /// Who was helped.
    pub helped: Id<Household>,
    /// What with.
    pub what: String,
    /// On which day.
    pub helped_on: Day,
    /// How long, in minutes.
    pub minutes: i64,
    /// Whose minutes go to the helper.
    pub payer: Payer,
    /// Why the pool pays; empty where it does not.
    pub reason: String,
}

impl RecordHelp {
    fn expect_sensible(&self, today: Day) -> Result<()> {
        if self.helper == self.helped {
            return Err(Error::invalid("helped", "帮忙的和受助的是同一户，请核对。"));
        }
        if !(1..=40).contains(&self.what.trim().chars().count()) {
            return Err(Error::invalid("what", "请写帮了什么忙，1至40个字，例如：陪着看病。"));
        }
        let from = today.checked_sub_days(chrono::Days::new(BACK_DAYS)).unwrap_or(today);
        if !(from..=today).contains(&self.helped_on) {
            return Err(Error::invalid(
                "helped_on",
                format!("日期应在{BACK_DAYS}天前到今天之间。"),
            ));
        }
        let is_right = (QUARTER..=MOST_A_DAY.0).contains(&self.minutes) && self.minutes % QUARTER == 0;
        if !is_right {
            return Err(Error::invalid(
                "minutes",
                format!(
                    "时长按一刻钟算：{QUARTER}的倍数，最多{}分钟（{MOST_A_DAY}）。",
                    MOST_A_DAY.0
                ),
            ));
        }
        let reason = self.reason.trim().chars().count();
        match self.payer {
            Payer::Pool if !(1..=100).contains(&reason) => Err(Error::invalid(
                "reason",
                "由爱心时间池支付的，请写明缘由，1至100个字，例如：刚做完手术，家里没有旁人。",
            )),
            _ => Ok(()),
        }
    }
}

/// Writes down that a household helped another, and posts it. The same form sent twice is one help.
///
/// # Errors
/// `Invalid` fields; `Forbidden` for who lives in one of the households; [`Refused::NotEnoughTime`], [`Refused::PoolUsedUp`];
/// a household that is gone; `idempotency_conflict`.
pub fn record(conn: &mut Conn, asked: &RecordHelp, by: &User, key: &str, now: Moment) -> Result<Help> {
    let request = Request::new(key, by.id.as_str(), "time_help.record", asked)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    asked.expect_sensible(day_of(now))?;
    let both = [&asked.helper, &asked.helped];
    for household in both {
        standing::expect_active(conn, household)?;
    }
    if lives_in(conn, by, both.into_iter())? {
        return Err(Error::Forbidden("不能登记自己家的互助，请由别家的人登记。"));
    }
    let last = time_helps::table
        .select(diesel::dsl::max(time_helps::number))
        .get_result::<Option<i64>>(conn)?;
    let mut help = Help {
        id: Id::new(now),
        number: last.unwrap_or(0).saturating_add(1),
        helper_household_id: asked.helper.clone(),
        helped_household_id: asked.helped.clone(),
        what: asked.what.trim().to_owned(),
        helped_on: asked.helped_on,
        minutes: asked.minutes,
        payer: asked.payer,
        reason: (asked.payer == Payer::Pool).then(|| asked.reason.trim().to_owned()),
        recorded_by: by.id.clone(),
        recorded_at: now,
        transaction_number: 0,
    };
    help.transaction_number = post(conn, &help)?;
    diesel::insert_into(time_helps::table).values(&help).execute(conn)?;
    requests.carried_out(&request, help.id.as_str(), now);
    requests.save(conn)?;
    let subject = format!("time_help:{}", help.id);
    let detail = format!("{}，{}", help.time(), help.payer.label());
    let event = audit::Event::new(by.id.as_str(), "time_help.recorded", subject, detail, now);
    audit::record(conn, &[event])?;
    Ok(help)
}

fn post(conn: &mut Conn, help: &Help) -> Result<i64> {
    let (helper, helped) = (help.helper_household_id.as_str(), help.helped_household_id.as_str());
    let mut books = Books::open(conn, [helper, helped])?;
    let from = match help.payer {
        Payer::Household => {
            let have = Minutes::of(books.balance(helped, AccountKind::TimeCredits));
            if have < help.time() {
                let need = help.time();
                return Err(Refused::NotEnoughTime { have, need }.into());
            }
            (helped, AccountKind::TimeCredits)
        }
        Payer::Pool => {
            let used = pool::used(conn, day_of(help.recorded_at))?;
            let left = Minutes(pool::limit(conn)?.0.saturating_sub(used.0).max(0));
            if left < help.time() {
                return Err(Refused::PoolUsedUp { left }.into());
            }
            (PROGRAMME, AccountKind::TimePool)
        }
    };
    let number = books.post(Posting {
        kind: TransactionKind::TimeHelp,
        source: help.source(),
        effective_on: help.helped_on,
        recorded_at: help.recorded_at,
        posted_by: help.recorded_by.to_string(),
        reverses: None,
        entries: Posting::moving(help.time().in_books(), from, (helper, AccountKind::TimeCredits)),
    })?;
    books.save(conn)?;
    Ok(number)
}

/// A help by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Help>) -> Result<Help> {
    time_helps::table
        .find(id)
        .select(Help::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The helps of these postings.
///
/// # Errors
/// Only when the database fails.
pub fn posted_as(conn: &mut Conn, transactions: &[i64]) -> Result<Vec<Help>> {
    Ok(time_helps::table
        .filter(time_helps::transaction_number.eq_any(transactions))
        .select(Help::as_select())
        .load(conn)?)
}

/// What was written down in a span of days, in its order.
///
/// # Errors
/// Only when the database fails.
pub fn recorded_in(conn: &mut Conn, span: Span) -> Result<Vec<Help>> {
    Ok(time_helps::table
        .filter(time_helps::recorded_at.ge(begin_of(span.from)))
        .filter(time_helps::recorded_at.lt(begin_of(span.until)))
        .order(time_helps::number)
        .select(Help::as_select())
        .load(conn)?)
}

/// The newest helps, at most `limit`.
///
/// # Errors
/// Only when the database fails.
pub fn newest(conn: &mut Conn, limit: i64) -> Result<Vec<Help>> {
    Ok(time_helps::table
        .order(time_helps::number.desc())
        .limit(limit)
        .select(Help::as_select())
        .load(conn)?)
}

/// Every help, for the proof.
pub(super) fn every(conn: &mut Conn) -> Result<Vec<Help>> {
    Ok(time_helps::table
        .order(time_helps::number)
        .select(Help::as_select())
        .load(conn)?)
}
