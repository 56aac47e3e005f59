//! What will come to a household's points, before it does: awards that wait for notice, objection or budget, and points that
//! end. A household sees both on its statement (SG6, SG17, SG18).

use crate::clock::{Day, day_of};
use crate::council::budget;
use crate::council::nomination::{self, Filter, State};
use crate::council::notice;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::ledger::lot;
use crate::places::household::Household;
use crate::points::Points;
use crate::scheme::item;
use crate::scheme::{terms, version};

/// What will come.
#[derive(Clone, Debug, Default)]
pub struct Coming {
    /// Awards that have not posted, by the day of the deed.
    pub awards: Vec<ComingAward>,
    /// Points that end, the earliest first.
    pub ending: Vec<Ending>,
}

/// An award that has not posted.
#[derive(Clone, Debug)]
pub struct ComingAward {
    /// Its row on the notice, `12-3`; empty before there is one.
    pub slip: String,
    /// What for.
    pub deed: String,
    /// Points for all of it.
    pub points: Points,
    /// How many of them can be spent.
    pub spendable: Points,
    /// The day of the deed.
    pub occurred_on: Day,
    /// Where it stands.
    pub state: State,
    /// When it posts, or why not yet.
    pub when: String,
}

/// Points that end.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The last day on which they can be spent.
    pub last_day: Day,
    /// How many are left of them.
    pub points: Points,
    /// How many days that is from today.
    pub days: i64,
    /// Of the reminders before the end, those whose day has come: `60天`, `30天`.
    pub reminded: Vec<String>,
}

impl Ending {
    /// Has the first reminder come?
    #[must_use]
    pub fn is_near(&self) -> bool {
        !self.reminded.is_empty()
    }
}

/// Awards of a household that are listed at most.
const MOST: i64 = 500;

/// What will come to a household's points.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, household: &Household, today: Day) -> Result<Coming> {
    Ok(Coming {
        awards: awards(conn, household, today)?,
        ending: ending(conn, household, today)?,
    })
}

fn awards(conn: &mut Conn, household: &Household, today: Day) -> Result<Vec<ComingAward>> {
    let filter = Filter {
        states: State::PENDING.to_vec(),
        households: Some(vec![household.id.clone()]),
        ..Filter::default()
    };
    let mut rows = nomination::list(conn, &filter, MOST)?;
    rows.sort_by_key(|row| row.occurred_on);
    let queue = match rows.iter().any(|row| row.state == State::Queued) {
        true => budget::queue(conn, today)?,
        false => Vec::new(),
    };
    let mut awards = Vec::with_capacity(rows.len());
    for row in rows {
        let (item, category) = item::by_id(conn, &row.scoring_item_id)?;
        let notice = match &row.notice_id {
            Some(id) => Some(notice::by_id(conn, id)?),
            None => None,
        };
        let place = (1usize..).zip(&queue).find(|(_, one)| one.nomination.id == row.id);
        let when = match (row.state, &notice, place) {
            (State::Notified, Some(notice), _) => {
                format!("公示中，没有异议的话{}入账", spoken(day_of(notice.ends_at)))
            }
            (State::Suspended, ..) => "有人提了异议，等处理结果".to_owned(),
            (State::Queued, _, Some((place, one))) => match one.likely {
                Some(month) => format!(
                    "{}，排在第{place}位，大约{}入账",
                    one.why.label(),
                    month.format("%Y年%-m月")
                ),
                None => format!("{}，定了以后入账", one.why.label()),
            },
            _ => "评议通过，等待公示".to_owned(),
        };
        let times = if row.count > 1 {
            format!(" × {}", row.count)
        } else {
            String::new()
        };
        let whole = if category.redeemable { row.points } else { Points::ZERO };
        awards.push(ComingAward {
            slip: notice.map(|notice| row.notice_slip(&notice)).unwrap_or_default(),
            deed: format!("{}{times}", item.name),
            points: row.points,
            spendable: row.spendable_points.unwrap_or(whole),
            occurred_on: row.occurred_on,
            state: row.state,
            when,
        });
    }
    Ok(awards)
}

fn ending(conn: &mut Conn, household: &Household, today: Day) -> Result<Vec<Ending>> {
    let before = match version::in_force(conn, today) {
        Ok(version) => terms::of(conn, &version.id)?.expiry.reminders_days_before,
        Err(Error::NotFound) => Vec::new(),
        Err(error) => return Err(error),
    };
    let lots = lot::of(conn, household.id.as_str())?;
    let ending = lots.into_iter().filter_map(|lot| {
        let last_day = lot.expires_on.filter(|_| lot.left > Points::ZERO)?;
        let days = last_day.signed_duration_since(today).num_days();
        let reached = before
            .iter()
            .filter(|before| i64::try_from(**before).is_ok_and(|before| days <= before));
        Some(Ending {
            last_day,
            points: lot.left,
            days,
            reminded: reached.map(|days| format!("{days}天")).collect(),
        })
    });
    Ok(ending.collect())
}

fn spoken(day: Day) -> String {
    day.format("%-m月%-d日").to_string()
}
