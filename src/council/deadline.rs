//! Deadlines of objections and appeals: whole days, half of the time, and what is left in words.
//!
//! A deadline is the first moment that is too late. Days are counted as on a public notice: the day on which somebody
//! objects does not count, and the last day counts to its end.

use crate::clock::{Day, Moment, begin_of, day_of, days_after};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::scheme::terms::{self, Cycle};
use crate::scheme::version;

/// The first moment after so many whole days.
#[must_use]
pub fn after_days(from: Moment, days: u64) -> Moment {
    begin_of(days_after(day_of(from), days.saturating_add(1)))
}

/// The moment at which half of the time is gone: from then on it is urgent.
#[must_use]
pub fn half_way(from: Moment, until: Moment) -> Moment {
    let half = until.signed_duration_since(from).checked_div(2);
    half.and_then(|half| from.checked_add_signed(half)).unwrap_or(until)
}

/// The last day inside a deadline.
#[must_use]
pub fn last_day(until: Moment) -> Day {
    day_of(until).pred_opt().unwrap_or_else(|| day_of(until))
}

/// What is left: `还有2天`, `今天是最后一天`, `已到期`.
#[must_use]
pub fn left(now: Moment, until: Moment) -> String {
    match last_day(until).signed_duration_since(day_of(now)).num_days() {
        days if days < 0 => "已到期".to_owned(),
        0 => "今天是最后一天".to_owned(),
        days => format!("还有{days}天"),
    }
}

/// The cycle of the rules in force, or the sample's while none are.
///
/// # Errors
/// Only when the database fails.
pub fn cycle(conn: &mut Conn, day: Day) -> Result<Cycle> {
    match version::in_force(conn, day) {
        Ok(version) => Ok(terms::of(conn, &version.id)?.cycle),
        Err(Error::NotFound) => Ok(Cycle::default()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_the_last_one_counts() {
        let noon = begin_of("2026-11-21".parse().unwrap_or_default()) + chrono::TimeDelta::hours(12);
        let until = after_days(noon, 5);
        assert_eq!(last_day(until).to_string(), "2026-11-26");
        assert_eq!(left(noon, until), "还有5天");
        assert_eq!(left(until - chrono::TimeDelta::minutes(1), until), "今天是最后一天");
        assert_eq!(left(until, until), "已到期");
        assert!(noon < half_way(noon, until) && half_way(noon, until) < until);
    }
}
