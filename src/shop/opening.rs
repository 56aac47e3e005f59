//! Opening days: on which days a store redeems. A pattern of weekdays or days of the month, and single days on which it is
//! otherwise. A shift on any other day needs a reason, which stands in its record.

use chrono::Datelike;
use diesel::prelude::*;

use super::store::PointsStore;
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, days_after};
use crate::db::Conn;
use crate::db::schema::{opening_patterns, special_days};
use crate::error::{Error, Result};
use crate::id::Id;

/// The days of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpeningDays {
    /// 1 is Monday, 7 is Sunday.
    pub weekdays: Vec<u32>,
    /// 1–31.
    pub month_days: Vec<u32>,
    /// Days that are open or closed whatever the pattern says, with the reason, by day.
    pub special: Vec<SpecialDay>,
}

/// A day that is not as the pattern says.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = special_days)]
pub struct SpecialDay {
    /// The store.
    pub store_id: Id<PointsStore>,
    /// Which day.
    pub day: Day,
    /// Is it open?
    pub is_open: bool,
    /// Why.
    pub reason: String,
    set_by: Id<User>,
    set_at: Moment,
}

impl OpeningDays {
    /// Does the store redeem on this day? Without a pattern it does every day.
    #[must_use]
    pub fn is_open(&self, day: Day) -> bool {
        if let Some(special) = self.special.iter().find(|special| special.day == day) {
            return special.is_open;
        }
        let every_day = self.weekdays.is_empty() && self.month_days.is_empty();
        every_day || self.weekdays.contains(&day.weekday().number_from_monday()) || self.month_days.contains(&day.day())
    }

    /// The next open day from this one on, within a year.
    #[must_use]
    pub fn next(&self, from: Day) -> Option<Day> {
        (0..366)
            .map(|days| days_after(from, days))
            .find(|day| self.is_open(*day))
    }

    /// The pattern in words: `每周六，每月1日、15日`.
    #[must_use]
    pub fn in_words(&self) -> String {
        const WEEKDAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
        let mut parts = Vec::new();
        if !self.weekdays.is_empty() {
            let names: Vec<&str> = (1u32..)
                .zip(WEEKDAYS)
                .filter(|(number, _)| self.weekdays.contains(number))
                .map(|(_, name)| name)
                .collect();
            parts.push(format!("每{}", names.join("、")));
        }
        if !self.month_days.is_empty() {
            let days: Vec<String> = self.month_days.iter().map(|day| format!("{day}日")).collect();
            parts.push(format!("每月{}", days.join("、")));
        }
        match parts.as_slice() {
            [] => "每天".to_owned(),
            parts => parts.join("，"),
        }
    }
}

/// The days of a store, with the special days from this one on.
///
/// # Errors
/// Only when the database fails.
pub fn of_store(conn: &mut Conn, store: &Id<PointsStore>, from: Day) -> Result<OpeningDays> {
    let pattern = opening_patterns::table
        .filter(opening_patterns::store_id.eq(store))
        .order(opening_patterns::version.desc())
        .select((opening_patterns::weekdays, opening_patterns::month_days))
        .first::<(String, String)>(conn)
        .optional()?;
    let special = special_days::table
        .filter(special_days::store_id.eq(store).and(special_days::day.ge(from)))
        .order(special_days::day)
        .select(SpecialDay::as_select())
        .load(conn)?;
    let (weekdays, month_days) = pattern.unwrap_or_default();
    Ok(OpeningDays {
        weekdays: numbers(&weekdays),
        month_days: numbers(&month_days),
        special,
    })
}

/// `1,15` of the table; what is no number was never written.
fn numbers(text: &str) -> Vec<u32> {
    text.split(',').filter_map(|number| number.parse().ok()).collect()
}

/// Sets the pattern from now on.
///
/// # Errors
/// `Invalid` for days that there are not.
pub fn set_pattern(
    conn: &mut Conn,
    store: &Id<PointsStore>,
    weekdays: &[u32],
    month_days: &[u32],
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let weekdays = sorted(weekdays, 7).ok_or_else(|| Error::invalid("weekdays", "星期应为周一至周日。"))?;
    let month_days = sorted(month_days, 31).ok_or_else(|| Error::invalid("month_days", "日期应为1至31。"))?;
    let last = opening_patterns::table
        .filter(opening_patterns::store_id.eq(store))
        .select(diesel::dsl::max(opening_patterns::version))
        .get_result::<Option<i64>>(conn)?;
    diesel::insert_into(opening_patterns::table)
        .values((
            opening_patterns::store_id.eq(store),
            opening_patterns::version.eq(last.unwrap_or(0).saturating_add(1)),
            opening_patterns::weekdays.eq(&weekdays),
            opening_patterns::month_days.eq(&month_days),
            opening_patterns::set_by.eq(by),
            opening_patterns::set_at.eq(now),
        ))
        .execute(conn)?;
    let words = of_store(conn, store, crate::clock::day_of(now))?.in_words();
    let subject = format!("store:{store}");
    audit::record(
        conn,
        &[audit::Event::new(by.as_str(), "store.opening_set", subject, words, now)],
    )
}

fn sorted(days: &[u32], most: u32) -> Option<String> {
    if days.iter().any(|day| !(1..=most).contains(day)) {
        return None;
    }
    let days: std::collections::BTreeSet<u32> = days.iter().copied().collect();
    let days: Vec<String> = days.iter().map(u32::to_string).collect();
    Some(days.join(","))
}

/// Makes a day open or closed; a second word about the same day replaces the first.
///
/// # Errors
/// `Invalid` for a day that is over or without a reason.
pub fn set_day(
    conn: &mut Conn,
    store: &Id<PointsStore>,
    (day, is_open): (Day, bool),
    reason: &str,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 100 {
        return Err(Error::invalid("reason", "请写明原因，1至100个字。"));
    }
    if day < crate::clock::day_of(now) {
        return Err(Error::invalid("day", "这一天已经过去了。"));
    }
    diesel::delete(special_days::table.find((store, day))).execute(conn)?;
    let special = SpecialDay {
        store_id: store.clone(),
        day,
        is_open,
        reason: reason.to_owned(),
        set_by: by.clone(),
        set_at: now,
    };
    diesel::insert_into(special_days::table)
        .values(&special)
        .execute(conn)?;
    let words = format!("{day} {} {reason}", if is_open { "开放" } else { "不开放" });
    let subject = format!("store:{store}");
    audit::record(
        conn,
        &[audit::Event::new(by.as_str(), "store.day_set", subject, words, now)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_opens_its_weekdays_and_days_of_the_month() {
        let days = OpeningDays {
            weekdays: vec![6],
            month_days: vec![1, 15],
            special: Vec::new(),
        };
        assert_eq!(days.in_words(), "每周六，每月1日、15日");
        // 21 November 2026 is a Saturday, 15 November a Sunday.
        assert!(days.is_open(day("2026-11-21")) && days.is_open(day("2026-11-15")));
        assert!(!days.is_open(day("2026-11-22")));
        assert_eq!(days.next(day("2026-11-22")), Some(day("2026-11-28")));
        assert!(OpeningDays::default().is_open(day("2026-11-22")));
        assert_eq!(OpeningDays::default().in_words(), "每天");
    }
}
