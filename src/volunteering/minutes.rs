//! Minutes: what a stay counts. Arithmetic only.
//!
//! Minutes are whole, and counted by the quarter of an hour that is over. The books keep numbers without a unit of their own,
//! so that here and at one border, [`Minutes::in_books`] and [`Minutes::of`], a number of minutes is taken for one.

use std::fmt;
use std::iter::Sum;

use crate::clock::{Day, Moment, begin_of};
use crate::points::Points;

/// A number of minutes, negative for what was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minutes(pub i64);

/// Less than this is not counted.
pub const QUARTER: i64 = 15;
/// The most that one person is credited for a day.
pub const MOST_A_DAY: Minutes = Minutes(8 * 60);
/// The most people of one household.
pub const MOST_PEOPLE: i64 = 9;

impl Minutes {
    /// What an entry of a time account says.
    #[must_use]
    pub fn of(entry: Points) -> Minutes {
        Minutes(entry.0)
    }

    /// As an entry of a time account.
    #[must_use]
    pub fn in_books(self) -> Points {
        Points(self.0)
    }

    /// Whole hours of it.
    #[must_use]
    pub fn hours(self) -> i64 {
        self.0 / 60
    }

    /// What one person's stay counts: whole quarters, eight hours at most.
    #[must_use]
    pub fn of_stay(from: Moment, until: Moment) -> Minutes {
        let whole = until.signed_duration_since(from).num_minutes().max(0);
        Minutes(whole.saturating_sub(whole % QUARTER)).min(MOST_A_DAY)
    }

    /// What a household is credited for so many people who stayed so long, on a day of which it has been credited `already`
    /// at other events: how many came, and how much. Nobody knows who of a household came, so that eight hours a day are
    /// counted for as many people as came to one event together.
    #[must_use]
    pub fn credited(people: i64, stay: Minutes, already: &[(i64, Minutes)]) -> Minutes {
        let most = already.iter().map(|(people, _)| *people).fold(people, i64::max);
        let used: Minutes = already.iter().map(|(_, minutes)| *minutes).sum();
        let left = most.saturating_mul(MOST_A_DAY.0).saturating_sub(used.0).max(0);
        Minutes(people.saturating_mul(stay.0).min(left))
    }
}

impl Sum for Minutes {
    fn sum<I: Iterator<Item = Minutes>>(parts: I) -> Minutes {
        Minutes(parts.fold(0i64, |sum, part| sum.saturating_add(part.0)))
    }
}

impl fmt::Display for Minutes {
    /// `2小时30分钟`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            formatter.write_str("−")?;
        }
        let (hours, minutes) = (self.0.unsigned_abs() / 60, self.0.unsigned_abs() % 60);
        match (hours, minutes) {
            (0, minutes) => write!(formatter, "{minutes}分钟"),
            (hours, 0) => write!(formatter, "{hours}小时"),
            (hours, minutes) => write!(formatter, "{hours}小时{minutes}分钟"),
        }
    }
}

/// Minutes since midnight of `09:30`; `None` for what is no time of a day.
#[must_use]
pub fn minute_of_day(text: &str) -> Option<i64> {
    let text = text.trim().replace('：', ":");
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    let is_time = (0..24).contains(&hours) && (0..60).contains(&minutes) || (hours, minutes) == (24, 0);
    is_time.then(|| hours.saturating_mul(60).saturating_add(minutes))
}

/// `09:30`.
#[must_use]
pub fn time_of_day(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// The moment at which a day is so many minutes old.
#[must_use]
pub fn moment_of(day: Day, minute: i64) -> Moment {
    let begin = begin_of(day);
    begin
        .checked_add_signed(chrono::TimeDelta::minutes(minute))
        .unwrap_or(begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stay(from: &str, until: &str) -> Minutes {
        let day: Day = "2026-11-21".parse().unwrap();
        let moment = |text| moment_of(day, minute_of_day(text).unwrap());
        Minutes::of_stay(moment(from), moment(until))
    }

    #[test]
    fn a_stay_counts_whole_quarters_and_eight_hours_at_most() {
        assert_eq!(stay("09:00", "09:14"), Minutes(0));
        assert_eq!(stay("09:00", "09:15"), Minutes(15));
        assert_eq!(stay("09:05", "11:34"), Minutes(135));
        assert_eq!(stay("07:00", "15:01"), MOST_A_DAY);
        assert_eq!(stay("00:00", "24:00"), MOST_A_DAY);
        assert_eq!(
            stay("10:00", "09:00"),
            Minutes(0),
            "nobody owes time for a slip of the pen"
        );
    }

    #[test]
    fn people_count_and_a_day_has_eight_hours_for_each() {
        assert_eq!(Minutes::credited(3, Minutes(90), &[]), Minutes(270));
        // By hand: two people had seven hours each; of the day's sixteen hours two are left, for whoever comes again.
        let morning = [(2, Minutes(840))];
        assert_eq!(Minutes::credited(2, Minutes(120), &morning), Minutes(120));
        assert_eq!(Minutes::credited(1, Minutes(120), &morning), Minutes(120));
        // With three people there, a third one has a day of his own.
        assert_eq!(Minutes::credited(3, Minutes(240), &morning), Minutes(600));
        assert_eq!(Minutes::credited(1, Minutes(15), &[(1, MOST_A_DAY)]), Minutes(0));
    }

    #[test]
    fn minutes_are_told_and_times_read_as_people_write_them() {
        for (minutes, told) in [
            (0, "0分钟"),
            (45, "45分钟"),
            (60, "1小时"),
            (150, "2小时30分钟"),
            (-75, "−1小时15分钟"),
        ] {
            assert_eq!(Minutes(minutes).to_string(), told);
        }
        for (text, minute) in [
            ("09:30", Some(570)),
            ("9：30", Some(570)),
            ("24:00", Some(1440)),
            ("24:01", None),
            ("9", None),
            ("-1:00", None),
            ("12:60", None),
        ] {
            assert_eq!(minute_of_day(text), minute, "{text}");
        }
        assert_eq!(time_of_day(570), "09:30");
    }
}
