//! Limits: what a household has had this month, of goods and of their category, and what it may still take.
//!
//! What was voided or came back does not count. The month is the calendar month of the redemption.

use std::collections::HashMap;

use diesel::prelude::*;

use super::goods::GoodsItem;
use super::redemption::{Redemption, Refused};
use super::rules::{self, CounterRules};
use crate::clock::{Day, Moment, Span, begin_of, day_of};
use crate::db::Conn;
use crate::db::schema::{goods_items, redemption_lines, redemption_voids, redemptions, refund_lines, refunds};
use crate::error::Result;
use crate::id::Id;
use crate::places::household::{self, Household};

/// What households have had, and how many people they are.
#[derive(Debug, Default)]
pub(super) struct Had {
    taken: HashMap<Id<Household>, Vec<Taken>>,
    people: HashMap<Id<Household>, i64>,
}

/// What one household may still take this month.
#[derive(Debug)]
pub struct Left {
    had: Had,
    rules: CounterRules,
    household: Id<Household>,
    day: Day,
}

/// What is left of a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryLeft {
    /// 粮油
    pub category: String,
    /// Units in a month for a household of this size.
    pub limit: i64,
    /// Units that may still be taken this month.
    pub left: i64,
}

/// What a household may still take in the month of `day`.
///
/// # Errors
/// Only when the database fails.
pub fn left(conn: &mut Conn, household: &Id<Household>, day: Day) -> Result<Left> {
    Ok(Left {
        had: Had::load(conn, std::slice::from_ref(household), day)?,
        rules: rules::now(conn)?,
        household: household.clone(),
        day,
    })
}

impl Left {
    /// Units of these goods that may still be taken, by their own limit and by their category's; `None` without any limit.
    #[must_use]
    pub fn of(&self, item: &GoodsItem) -> Option<i64> {
        let taken = self.had.sum(&self.household, self.day, |taken| taken.goods == item.id);
        let own = item.monthly_limit.map(|limit| limit.saturating_sub(taken).max(0));
        let of_category = self.category(&item.category).map(|one| one.left);
        own.into_iter().chain(of_category).min()
    }

    /// Every category that has a limit.
    #[must_use]
    pub fn categories(&self) -> Vec<CategoryLeft> {
        let mut names: Vec<&String> = self.rules.limits.iter().map(|limit| &limit.category).collect();
        names.dedup();
        names.into_iter().filter_map(|name| self.category(name)).collect()
    }

    fn category(&self, category: &str) -> Option<CategoryLeft> {
        let people = self.had.people.get(&self.household).copied().unwrap_or(1);
        let limit = self.rules.limit_of(category, people)?;
        let taken = self
            .had
            .sum(&self.household, self.day, |taken| taken.category == category);
        Some(CategoryLeft {
            category: category.to_owned(),
            limit,
            left: limit.saturating_sub(taken).max(0),
        })
    }
}

/// Units of goods on a day.
#[derive(Debug)]
struct Taken {
    goods: Id<GoodsItem>,
    category: String,
    day: Day,
    quantity: i64,
}

impl Had {
    /// Loads what was redeemed since the month of `day` began and stands.
    pub(super) fn load(conn: &mut Conn, of: &[Id<Household>], day: Day) -> Result<Had> {
        let since = begin_of(Span::month_of(day).from);
        let returned: HashMap<(Id<Redemption>, i64), i64> = refund_lines::table
            .inner_join(refunds::table.inner_join(redemptions::table))
            .filter(redemptions::household_id.eq_any(of))
            .filter(redemptions::redeemed_at.ge(since))
            .select(((refunds::redemption_id, refund_lines::position), refund_lines::quantity))
            .load::<((Id<Redemption>, i64), i64)>(conn)?
            .into_iter()
            .fold(HashMap::new(), |mut sums, (line, quantity)| {
                let sum: &mut i64 = sums.entry(line).or_default();
                *sum = sum.saturating_add(quantity);
                sums
            });
        let rows = redemptions::table
            .inner_join(redemption_lines::table.inner_join(goods_items::table))
            .left_join(redemption_voids::table)
            .filter(redemptions::household_id.eq_any(of))
            .filter(redemptions::redeemed_at.ge(since))
            .filter(redemption_voids::redemption_id.is_null())
            .select((
                redemptions::household_id,
                (redemptions::id, redemption_lines::position),
                goods_items::id,
                goods_items::category,
                redemptions::redeemed_at,
                redemption_lines::quantity,
            ))
            .load::<(Id<Household>, (Id<Redemption>, i64), Id<GoodsItem>, String, Moment, i64)>(conn)?;
        let mut had = Had::default();
        for (household, line, goods, category, at, quantity) in rows {
            let quantity = quantity.saturating_sub(returned.get(&line).copied().unwrap_or(0));
            had.put(&household, goods, category, day_of(at), quantity);
        }
        let homes = household::by_ids(conn, of)?.into_iter();
        had.people = homes.map(|home| (home.id, home.people)).collect();
        Ok(had)
    }

    /// Notes what was just redeemed.
    pub(super) fn add(&mut self, household: &Id<Household>, item: &GoodsItem, day: Day, quantity: i64) {
        self.put(household, item.id.clone(), item.category.clone(), day, quantity);
    }

    fn put(&mut self, household: &Id<Household>, goods: Id<GoodsItem>, category: String, day: Day, quantity: i64) {
        self.taken.entry(household.clone()).or_default().push(Taken {
            goods,
            category,
            day,
            quantity,
        });
    }

    fn sum(&self, household: &Id<Household>, day: Day, counts: impl Fn(&Taken) -> bool) -> i64 {
        let month = Span::month_of(day);
        self.taken.get(household).map_or(0, |taken| {
            taken
                .iter()
                .filter(|taken| month.contains(taken.day) && counts(taken))
                .fold(0i64, |sum, taken| sum.saturating_add(taken.quantity))
        })
    }

    /// Refuses the first line of a basket that goes beyond a limit, of its goods or of their category.
    pub(super) fn expect_within(
        &self,
        household: &Id<Household>,
        rules: &CounterRules,
        basket: &[(GoodsItem, i64)],
        day: Day,
    ) -> Result<(), Refused> {
        (0..basket.len()).try_for_each(|position| self.expect_line_within(household, rules, basket, position, day))
    }

    /// The same for one line; lines of the same category before it count.
    pub(super) fn expect_line_within(
        &self,
        household: &Id<Household>,
        rules: &CounterRules,
        basket: &[(GoodsItem, i64)],
        position: usize,
        day: Day,
    ) -> Result<(), Refused> {
        let Some((item, quantity)) = basket.get(position) else {
            return Ok(());
        };
        self.expect_goods_within(household, item, *quantity, day)?;
        let before = basket.iter().take(position);
        let before = before.filter(|(other, _)| other.category == item.category);
        let before = before.fold(0i64, |sum, (_, quantity)| sum.saturating_add(*quantity));
        self.expect_category_within(household, rules, item, before.saturating_add(*quantity), day)
    }

    fn expect_goods_within(
        &self,
        household: &Id<Household>,
        item: &GoodsItem,
        quantity: i64,
        day: Day,
    ) -> Result<(), Refused> {
        let Some(limit) = item.monthly_limit else {
            return Ok(());
        };
        let left = limit
            .saturating_sub(self.sum(household, day, |taken| taken.goods == item.id))
            .max(0);
        if quantity > left {
            let goods = item.name.clone();
            return Err(Refused::LimitReached { goods, limit, left });
        }
        Ok(())
    }

    fn expect_category_within(
        &self,
        household: &Id<Household>,
        rules: &CounterRules,
        item: &GoodsItem,
        quantity: i64,
        day: Day,
    ) -> Result<(), Refused> {
        let people = self.people.get(household).copied().unwrap_or(1);
        let Some(limit) = rules.limit_of(&item.category, people) else {
            return Ok(());
        };
        let left = limit
            .saturating_sub(self.sum(household, day, |taken| taken.category == item.category))
            .max(0);
        if quantity > left {
            let category = item.category.clone();
            return Err(Refused::CategoryLimitReached { category, limit, left });
        }
        Ok(())
    }
}
