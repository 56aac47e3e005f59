//! The clock: the only file that asks for the time.
//!
//! Every rule takes `now` as a parameter, so that tests and the demo can live a month in a second. Moments are UTC,
//! cut to milliseconds because PostgreSQL keeps microseconds and SQLite whatever it is given. Days are days in China.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta, Utc};

/// A moment in UTC, to the millisecond.
pub type Moment = NaiveDateTime;
/// A calendar day in China (UTC+8, which has no daylight saving).
pub type Day = NaiveDate;

/// Where `now` comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is moved: for tests and for the history of the demo.
    Standing(Arc<Mutex<Moment>>),
    /// The machine's clock and so many milliseconds, which only grow: for the demo, whose visitors move time.
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `moment`.
    #[must_use]
    pub fn standing(moment: Moment) -> Clock {
        Clock::Standing(Arc::new(Mutex::new(moment)))
    }

    /// The machine's clock, but not before `moment`.
    #[must_use]
    pub fn shifted(moment: Moment) -> Clock {
        let clock = Clock::Shifted(Arc::new(AtomicI64::new(0)));
        clock.advance_to(moment);
        clock
    }

    /// The current moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        match self {
            Clock::System => system_now(),
            Clock::Standing(moment) => *moment.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
            Clock::Shifted(ahead) => {
                let now = system_now();
                let ahead = TimeDelta::milliseconds(ahead.load(Ordering::SeqCst));
                now.checked_add_signed(ahead).unwrap_or(now)
            }
        }
    }

    /// Moves a clock forward; the machine's clock cannot be moved.
    pub fn advance(&self, by: TimeDelta) {
        let now = self.now();
        self.advance_to(now.checked_add_signed(by).unwrap_or(now));
    }

    /// Moves a clock forward to a moment; never back, and never the machine's own.
    pub fn advance_to(&self, moment: Moment) {
        match self {
            Clock::System => {}
            Clock::Standing(now) => {
                let mut now = now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                *now = moment.max(*now);
            }
            Clock::Shifted(ahead) => {
                let wanted = moment.signed_duration_since(system_now()).num_milliseconds();
                ahead.fetch_max(wanted, Ordering::SeqCst);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks for the time")]
fn system_now() -> Moment {
    Utc::now().naive_utc().trunc_subsecs(3)
}

/// Hours that China is ahead of UTC.
const CHINA_OFFSET_HOURS: i64 = 8;

/// The local time in China.
#[must_use]
pub fn local(moment: Moment) -> NaiveDateTime {
    moment
        .checked_add_signed(TimeDelta::hours(CHINA_OFFSET_HOURS))
        .unwrap_or(moment)
}

/// The UTC moment at which a local day begins.
#[must_use]
pub fn begin_of(day: Day) -> Moment {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    midnight
        .checked_sub_signed(TimeDelta::hours(CHINA_OFFSET_HOURS))
        .unwrap_or(midnight)
}

/// The local day of a moment.
#[must_use]
pub fn day_of(moment: Moment) -> Day {
    local(moment).date()
}

/// `2026年11月21日 21:29`, as people write it.
#[must_use]
pub fn spoken(moment: Moment) -> String {
    local(moment).format("%Y年%-m月%-d日 %H:%M").to_string()
}

/// `2026年11月21日`.
#[must_use]
pub fn spoken_day(day: Day) -> String {
    day.format("%Y年%-m月%-d日").to_string()
}

/// `2026年第三季度`, of a day in it.
#[must_use]
pub fn spoken_quarter(day: Day) -> String {
    let number = match day.month0() / 3 {
        0 => "一",
        1 => "二",
        2 => "三",
        _ => "四",
    };
    format!("{}年第{number}季度", day.format("%Y"))
}

/// `2026-11-21T13:29:00Z`, as programs write it.
#[must_use]
pub fn for_programs(moment: Moment) -> String {
    moment.and_utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// `周六`.
#[must_use]
pub fn weekday(day: Day) -> &'static str {
    match day.weekday() {
        chrono::Weekday::Mon => "周一",
        chrono::Weekday::Tue => "周二",
        chrono::Weekday::Wed => "周三",
        chrono::Weekday::Thu => "周四",
        chrono::Weekday::Fri => "周五",
        chrono::Weekday::Sat => "周六",
        chrono::Weekday::Sun => "周日",
    }
}

/// A span of local days, the first inside, the last outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First day inside.
    pub from: Day,
    /// First day after.
    pub until: Day,
}

impl Span {
    /// The calendar month of `day`.
    #[must_use]
    pub fn month_of(day: Day) -> Span {
        Span::months(day.year(), day.month0(), 1)
    }
    /// The quarter of `day`.
    #[must_use]
    pub fn quarter_of(day: Day) -> Span {
        Span::months(day.year(), day.month0().saturating_sub(day.month0() % 3), 3)
    }
    /// The year of `day`.
    #[must_use]
    pub fn year_of(day: Day) -> Span {
        Span::months(day.year(), 0, 12)
    }
    /// Is the day inside?
    #[must_use]
    pub fn contains(&self, day: Day) -> bool {
        self.from <= day && day < self.until
    }

    fn months(year: i32, month0: u32, count: u32) -> Span {
        let from = NaiveDate::from_ymd_opt(year, month0.saturating_add(1), 1).unwrap_or_default();
        let until = from.checked_add_months(Months::new(count)).unwrap_or(from);
        Span { from, until }
    }
}

/// The day `days` later.
#[must_use]
pub fn days_after(day: Day, days: u64) -> Day {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn a_day_begins_at_sixteen_hundred_utc() {
        let begin = begin_of(day("2026-11-22"));
        assert_eq!(begin.to_string(), "2026-11-21 16:00:00");
        assert_eq!(day_of(begin), day("2026-11-22"));
        assert_eq!(spoken(begin), "2026年11月22日 00:00");
    }

    #[test]
    fn a_shifted_clock_runs_ahead_and_never_back() {
        let (system, clock) = (Clock::System, Clock::shifted(begin_of(day("2000-01-01"))));
        assert!((clock.now() - system.now()).num_seconds().abs() < 5, "it is not behind");
        clock.advance(TimeDelta::days(3));
        let moved = clock.now();
        assert!((moved - system.now() - TimeDelta::days(3)).num_seconds().abs() < 5);
        // Both hands hold the same clock.
        clock.clone().advance_to(moved + TimeDelta::days(1));
        clock.advance(TimeDelta::days(-30));
        clock.advance_to(moved - TimeDelta::days(9));
        assert!(clock.now() >= moved + TimeDelta::days(1));
        system.advance(TimeDelta::days(1));
        assert!(system.now() < moved);
    }

    #[test]
    fn spans_are_calendar_spans() {
        let quarter = Span::quarter_of(day("2026-11-21"));
        assert_eq!((quarter.from, quarter.until), (day("2026-10-01"), day("2027-01-01")));
        assert!(Span::month_of(day("2026-12-31")).contains(day("2026-12-01")));
        assert_eq!(Span::year_of(day("2026-12-31")).until, day("2027-01-01"));
        assert_eq!(spoken_quarter(day("2026-09-30")), "2026年第三季度");
        assert_eq!(spoken_quarter(day("2026-10-01")), "2026年第四季度");
    }
}
