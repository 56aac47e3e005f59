//! The forecast: what would come of a nomination, told before it is made.
//!
//! How many points, what is left under the caps, and whether somebody has nominated the same deed already. A warning stops
//! nobody: two people may have swept the stairs on the same day. Only the item's cap is a rule that refuses, and that is
//! `nomination`'s. Used by the nominate page, and by the page of a nomination for who verifies.

use std::collections::HashMap;
use std::fmt;

use chrono::Days;
use diesel::prelude::*;

use super::award;
use super::nomination::{Nomination, State};
use crate::access::user::User;
use crate::clock::{Day, Span};
use crate::db::Conn;
use crate::db::schema::{nominations, scoring_items};
use crate::error::{Refusal, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::points::Points;
use crate::scheme::item::{CapPeriod, Category, CheckLevel, Item};

/// What would come of a nomination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Points for all of it.
    pub points: Points,
    /// What is left of the item's cap in its period, counting what still waits.
    pub item_left: Points,
    /// What the household can still spend from this month's deeds, and from this year's; nothing is said of items that
    /// stand outside these caps.
    pub household_left: Option<(Points, Points)>,
    /// The same item for the same household on the same day.
    pub same_day: Vec<Nomination>,
    /// The same item for the same household a few days before or after.
    pub near: Vec<Nomination>,
}

/// So many days before and after count as near.
const NEAR_DAYS: u64 = 3;

impl Forecast {
    /// Would it be refused?
    #[must_use]
    pub fn is_over_cap(&self) -> bool {
        self.points > self.item_left
    }

    /// How many of the points could be spent; the others count as honour only.
    #[must_use]
    pub fn spendable(&self) -> Option<Points> {
        self.household_left
            .map(|(month, year)| self.points.min(month).min(year))
    }

    /// How many of the points would count as honour only, because the household has enough of spendable ones.
    #[must_use]
    pub fn honour_only(&self) -> Points {
        let spendable = self.spendable().unwrap_or(self.points);
        self.points.plus(-spendable).unwrap_or_default()
    }

    /// Is there something to think about before it is sent?
    #[must_use]
    pub fn warns(&self) -> bool {
        self.is_over_cap() || self.honour_only() > Points::ZERO || !self.same_day.is_empty() || !self.near.is_empty()
    }

    /// What was shown, in a few letters: who sends it has seen it.
    #[must_use]
    pub fn mark(&self) -> String {
        match self.warns() {
            false => String::new(),
            true => format!(
                "{}-{}-{}-{}",
                self.points,
                self.honour_only(),
                self.same_day.len(),
                self.near.len()
            ),
        }
    }
}

/// There is something to think about, and the sender has not seen it.
#[derive(Debug, PartialEq, Eq)]
pub struct Unseen;

impl fmt::Display for Unseen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("还没有提交。请先看一看下面的提醒，确认没有弄错，再按一次“提交”。")
    }
}

impl Refusal for Unseen {
    fn code(&self) -> &'static str {
        "look_again"
    }
}

/// Looks ahead.
///
/// # Errors
/// Only when the database fails.
pub fn forecast(
    conn: &mut Conn,
    household: &Id<Household>,
    (item, category): (&Item, &Category),
    count: i64,
    day: Day,
    except: Option<&Id<Nomination>>,
) -> Result<Forecast> {
    let mut history = History::load(conn, household, day)?;
    history.rows.retain(|(one, _)| Some(&one.id) != except);
    let counts = category.redeemable && item.check_level != CheckLevel::L3;
    let household_left = match counts {
        true => Some(award::left_under_caps(conn, household, day)?),
        false => None,
    };
    let same = |from: Day, until: Day| -> Vec<Nomination> {
        let rows = history.rows.iter().filter(|(_, code)| *code == item.code);
        rows.filter(|(one, _)| one.occurred_on >= from && one.occurred_on <= until)
            .map(|(one, _)| one.clone())
            .collect()
    };
    let same_day = same(day, day);
    let mut near = same(
        day.checked_sub_days(Days::new(NEAR_DAYS)).unwrap_or(day),
        day.checked_add_days(Days::new(NEAR_DAYS)).unwrap_or(day),
    );
    near.retain(|one| one.occurred_on != day);
    Ok(Forecast {
        points: item.points.times(count).unwrap_or(item.cap),
        item_left: history.item_left(item, day),
        household_left,
        same_day,
        near,
    })
}

/// What a household was nominated for around a day, without what came to nothing.
pub struct History {
    rows: Vec<(Nomination, String)>,
}

impl History {
    /// Loads the year of a day, and some days on either side.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn load(conn: &mut Conn, household: &Id<Household>, day: Day) -> Result<History> {
        let year = Span::year_of(day);
        let margin = Days::new(NEAR_DAYS);
        let rows = nominations::table
            .inner_join(scoring_items::table)
            .filter(nominations::household_id.eq(household))
            .filter(nominations::occurred_on.ge(year.from.checked_sub_days(margin).unwrap_or(year.from)))
            .filter(nominations::occurred_on.lt(year.until.checked_add_days(margin).unwrap_or(year.until)))
            .filter(nominations::state.ne_all(State::WITHOUT_POINTS))
            .order((nominations::occurred_on, nominations::id))
            .select((Nomination::as_select(), scoring_items::code))
            .load(conn)?;
        Ok(History { rows })
    }

    /// What is left of an item's cap in its period around a day.
    #[must_use]
    pub fn item_left(&self, item: &Item, day: Day) -> Points {
        let span = item.cap_period.around(day);
        let of_item = self.rows.iter().filter(|(_, code)| *code == item.code);
        let has: Points = of_item
            .filter(|(one, _)| span.contains(one.occurred_on))
            .map(|(one, _)| one.points)
            .sum();
        item.cap.plus(-has).unwrap_or_default().max(Points::ZERO)
    }
}

/// The codes of the items that a person nominates for most, the most used first; somebody new gets what everybody uses.
///
/// # Errors
/// Only when the database fails.
pub fn most_used(conn: &mut Conn, by: &Id<User>, most: usize) -> Result<Vec<String>> {
    let mine = nominations::table
        .inner_join(scoring_items::table)
        .filter(nominations::nominated_by.eq(by))
        .order(nominations::nominated_at.desc())
        .limit(RECENT)
        .select(scoring_items::code)
        .load::<String>(conn)?;
    let mut used = by_use(mine);
    if used.len() < most {
        let all = nominations::table
            .inner_join(scoring_items::table)
            .order(nominations::nominated_at.desc())
            .limit(RECENT)
            .select(scoring_items::code)
            .load::<String>(conn)?;
        for code in by_use(all) {
            if !used.contains(&code) {
                used.push(code);
            }
        }
    }
    used.truncate(most);
    Ok(used)
}

/// So many nominations back does use count.
const RECENT: i64 = 300;

fn by_use(codes: Vec<String>) -> Vec<String> {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for code in codes {
        let count = uses.entry(code).or_default();
        *count = count.saturating_add(1);
    }
    let mut codes: Vec<(String, usize)> = uses.into_iter().collect();
    codes.sort_by(|(one, uses), (other, more)| more.cmp(uses).then(one.cmp(other)));
    codes.into_iter().map(|(code, _)| code).collect()
}

/// The period of a cap in words: `本月`.
#[must_use]
pub fn this_period(period: CapPeriod) -> &'static str {
    match period {
        CapPeriod::Month => "本月",
        CapPeriod::Quarter => "本季度",
        CapPeriod::Year => "今年",
    }
}
