//! The pool of time (爱心时间池): how much the community pays in a month for households that have no hours of their own.
//!
//! The limit is set by the office with a reason and followed from then on. What counts for a month is what was written down
//! in it, so that a month that is over never changes.

use diesel::prelude::*;
use serde::Serialize;

use super::help::Payer;
use super::minutes::Minutes;
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, Span, begin_of};
use crate::db::Conn;
use crate::db::schema::{time_corrections, time_helps, time_pool_limits};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::request::{Request, Requests};

/// The limit until somebody sets one: twenty hours.
pub const USUAL_LIMIT: Minutes = Minutes(20 * 60);
/// The highest limit that is taken, in hours.
const MOST_HOURS: i64 = 1_000;

/// A limit that was set.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = time_pool_limits)]
pub struct PoolLimit {
    id: Id<PoolLimit>,
    /// How much in a month, in minutes.
    pub minutes: i64,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub set_by: Id<User>,
    /// When: from then on.
    pub set_at: Moment,
}

/// The limit that was set last.
///
/// # Errors
/// Only when the database fails.
pub fn set_last(conn: &mut Conn) -> Result<Option<PoolLimit>> {
    Ok(time_pool_limits::table
        .order((time_pool_limits::set_at.desc(), time_pool_limits::id.desc()))
        .select(PoolLimit::as_select())
        .first(conn)
        .optional()?)
}

/// How much the pool may pay in a month.
///
/// # Errors
/// Only when the database fails.
pub fn limit(conn: &mut Conn) -> Result<Minutes> {
    Ok(set_last(conn)?.map_or(USUAL_LIMIT, |limit| Minutes(limit.minutes)))
}

/// What the pool has paid in the month of a day; what was taken back does not count.
///
/// # Errors
/// Only when the database fails.
pub fn used(conn: &mut Conn, day: Day) -> Result<Minutes> {
    let month = Span::month_of(day);
    let taken_back = time_corrections::table.select(time_corrections::transaction_number);
    Ok(time_helps::table
        .filter(time_helps::payer.eq(Payer::Pool))
        .filter(time_helps::recorded_at.ge(begin_of(month.from)))
        .filter(time_helps::recorded_at.lt(begin_of(month.until)))
        .filter(time_helps::transaction_number.ne_all(taken_back))
        .select(time_helps::minutes)
        .load::<i64>(conn)?
        .into_iter()
        .map(Minutes)
        .sum())
}

/// Sets the limit, from now on; the same form sent twice sets it once.
///
/// # Errors
/// `Invalid` fields; `idempotency_conflict`.
pub fn set(conn: &mut Conn, hours: i64, reason: &str, by: &Id<User>, key: &str, now: Moment) -> Result<()> {
    #[derive(Serialize)]
    struct Content<'a>(i64, &'a str);
    let request = Request::new(key, by.as_str(), "time_pool.set_limit", &Content(hours, reason))?;
    let mut requests = Requests::open(conn, [&request])?;
    if requests.earlier(&request)?.is_some() {
        return Ok(());
    }
    if !(0..=MOST_HOURS).contains(&hours) {
        return Err(Error::invalid("hours", format!("每月上限应为0至{MOST_HOURS}小时。")));
    }
    let reason = reason.trim();
    if !(1..=100).contains(&reason.chars().count()) {
        return Err(Error::invalid("reason", "请写明为什么这样定，1至100个字。"));
    }
    let limit = PoolLimit {
        id: Id::new(now),
        minutes: hours.saturating_mul(60),
        reason: reason.to_owned(),
        set_by: by.clone(),
        set_at: now,
    };
    diesel::insert_into(time_pool_limits::table)
        .values(&limit)
        .execute(conn)?;
    requests.carried_out(&request, limit.id.as_str(), now);
    requests.save(conn)?;
    let event = audit::Event::new(
        by.as_str(),
        "time_pool.set",
        "time_pool:limit".to_owned(),
        format!("每月{hours}小时；{reason}"),
        now,
    );
    audit::record(conn, &[event])
}
