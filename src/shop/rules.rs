//! The counter's rules: in how many days goods may come back, from how many points a household confirms, and how many units
//! of a category it may take in a month by the number of its people. Version by version, each with a reason; the last holds.

use diesel::prelude::*;

use crate::access::user::User;
use crate::audit;
use crate::clock::Moment;
use crate::db::schema::{category_limits, counter_rules};
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::points::Points;

/// The rules that hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterRules {
    /// Their version; 0 before anybody set any.
    pub number: i64,
    /// Days after a redemption in which goods may come back.
    pub return_days: u64,
    /// Points from which a household confirms with its PIN or a signature; `None`: never.
    pub confirm_from: Option<Points>,
    /// Points of each household that a till keeps for an hour without network; 0: the counter does not sell then.
    pub offline_points: Points,
    /// Limits by category.
    pub limits: Vec<CategoryLimit>,
}

/// So many units of a category in a calendar month, for households of so many people or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryLimit {
    /// 粮油
    pub category: String,
    /// From how many people on: 1, 3, 5.
    pub people_from: i64,
    /// How many units.
    pub most: i64,
}

impl Default for CounterRules {
    /// What holds before a programme has set any: a week to bring things back.
    fn default() -> CounterRules {
        CounterRules {
            number: 0,
            return_days: 7,
            confirm_from: None,
            offline_points: Points(20),
            limits: Vec::new(),
        }
    }
}

impl CounterRules {
    /// How many units of a category a household of so many people may take in a month; `None` for no limit.
    #[must_use]
    pub fn limit_of(&self, category: &str, people: i64) -> Option<i64> {
        let of_category = self.limits.iter().filter(|limit| limit.category == category);
        of_category
            .filter(|limit| limit.people_from <= people.max(1))
            .max_by_key(|limit| limit.people_from)
            .map(|limit| limit.most)
    }

    /// Does a redemption of so many points need the household's PIN or a signature?
    #[must_use]
    pub fn asks_for_confirmation(&self, points: Points) -> bool {
        self.confirm_from.is_some_and(|from| points >= from)
    }
}

/// The rules that hold now.
///
/// # Errors
/// Only when the database fails.
pub fn now(conn: &mut Conn) -> Result<CounterRules> {
    let last = counter_rules::table
        .order(counter_rules::number.desc())
        .select((
            counter_rules::number,
            counter_rules::return_days,
            counter_rules::confirm_from,
            counter_rules::offline_points,
        ))
        .first::<(i64, i64, Option<Points>, Points)>(conn)
        .optional()?;
    let Some((number, return_days, confirm_from, offline_points)) = last else {
        return Ok(CounterRules::default());
    };
    let limits = category_limits::table
        .filter(category_limits::rules_number.eq(number))
        .order((category_limits::category, category_limits::people_from))
        .select((
            category_limits::category,
            category_limits::people_from,
            category_limits::most,
        ))
        .load::<(String, i64, i64)>(conn)?;
    Ok(CounterRules {
        number,
        return_days: u64::try_from(return_days).map_err(Error::internal)?,
        confirm_from,
        offline_points,
        limits: limits
            .into_iter()
            .map(|(category, people_from, most)| CategoryLimit {
                category,
                people_from,
                most,
            })
            .collect(),
    })
}

/// Sets the rules as a new version and answers its number.
///
/// # Errors
/// `Invalid` for a number outside its range, a category said twice for the same households, a limit without its line for
/// one person, or a missing reason.
pub fn set(conn: &mut Conn, new: &CounterRules, reason: &str, by: &Id<User>, at: Moment) -> Result<i64> {
    let reason = reason.trim();
    expect_sensible(new, reason)?;
    let number = now(conn)?.number.saturating_add(1);
    diesel::insert_into(counter_rules::table)
        .values((
            counter_rules::number.eq(number),
            counter_rules::return_days.eq(i64::try_from(new.return_days).map_err(Error::internal)?),
            counter_rules::confirm_from.eq(new.confirm_from),
            counter_rules::offline_points.eq(new.offline_points),
            counter_rules::reason.eq(reason),
            counter_rules::set_by.eq(by),
            counter_rules::set_at.eq(at),
        ))
        .execute(conn)?;
    let limits: Vec<_> = new
        .limits
        .iter()
        .map(|limit| {
            (
                category_limits::rules_number.eq(number),
                category_limits::category.eq(limit.category.clone()),
                category_limits::people_from.eq(limit.people_from),
                category_limits::most.eq(limit.most),
            )
        })
        .collect();
    insert_rows!(conn, category_limits::table, &limits);
    let event = audit::Event::new(
        by.as_str(),
        "counter_rules.set",
        format!("counter_rules:{number}"),
        reason.to_owned(),
        at,
    );
    audit::record(conn, &[event])?;
    Ok(number)
}

fn expect_sensible(new: &CounterRules, reason: &str) -> Result<()> {
    if reason.is_empty() || reason.chars().count() > 200 {
        return Err(Error::invalid("reason", "请写明为什么改，1至200个字。"));
    }
    if new.return_days > 60 {
        return Err(Error::invalid("return_days", "退货期应为0至60天。"));
    }
    if new.confirm_from.is_some_and(|from| !(1..=1_000_000).contains(&from.0)) {
        return Err(Error::invalid("confirm_from", "应为1以上的整数，不需要确认请留空。"));
    }
    if !(0..=1_000).contains(&new.offline_points.0) {
        return Err(Error::invalid(
            "offline_points",
            "应为0至1000的整数，断网时不兑换请填0。",
        ));
    }
    for (position, limit) in (0usize..).zip(&new.limits) {
        let wrong = |why: String| Err(Error::invalid("limits", format!("{}：{why}", limit.category)));
        if limit.category.trim().is_empty() {
            return Err(Error::invalid("limits", "限兑要写明类别。"));
        }
        if !(1..=20).contains(&limit.people_from) || !(0..=999).contains(&limit.most) {
            return wrong("人数应为1至20，件数应为0至999。".to_owned());
        }
        let same = |other: &CategoryLimit| other.category == limit.category && other.people_from == limit.people_from;
        if new.limits.iter().take(position).any(same) {
            return wrong(format!("{}人以上写了两次。", limit.people_from));
        }
        let has_first = |other: &CategoryLimit| other.category == limit.category && other.people_from == 1;
        if !new.limits.iter().any(has_first) {
            return wrong("请从1人户写起，否则小户就没有限额了。".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_grows_with_the_household() {
        let limit = |people_from, most| CategoryLimit {
            category: "粮油".to_owned(),
            people_from,
            most,
        };
        let rules = CounterRules {
            limits: vec![limit(5, 4), limit(1, 2), limit(3, 3)],
            ..CounterRules::default()
        };
        let of = |people| rules.limit_of("粮油", people);
        assert_eq!([0, 1, 2, 3, 4, 5, 9].map(of), [2, 2, 2, 3, 3, 4, 4].map(Some));
        assert_eq!(rules.limit_of("纸品", 3), None);
    }
}
