//! Quotes: what would happen to a basket, before anything is done. Reads only: looking at a household never makes a
//! transaction. "Enough" or "short by N", never the balance.

use super::goods::{self, GoodsItem};
use super::limit::Had;
use super::partner::Partners;
use super::redemption::{Refused, Wanted, expect_in_stock, merged};
use super::rules;
use super::stock::Stock;
use super::store::PointsStore;
use crate::clock::{Moment, day_of};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::ledger::balance;
use crate::places::household::Household;
use crate::points::Points;

/// What the counter is told about a basket before anything is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Points for all of it.
    pub total: Points,
    /// What is missing; zero is enough.
    pub short_by: Points,
    /// What else stands in the way, by short code.
    pub problems: Vec<(String, Refused)>,
    /// Does the household have to confirm with its PIN or a signature?
    pub to_confirm: bool,
}

/// Answers what would happen to a basket.
///
/// # Errors
/// `Invalid` lines; a refused card.
pub fn quote(
    conn: &mut Conn,
    household: &Id<Household>,
    store: &Id<PointsStore>,
    lines: &[Wanted],
    now: Moment,
) -> Result<Quote> {
    let had = Had::load(conn, std::slice::from_ref(household), day_of(now))?;
    let have = balance::of(conn, household.as_str())?.spendable;
    judge(conn, Some((household, &had, have)), store, lines, now)
}

/// Answers what a basket costs and what the shelf does not hold, while no card was shown. Nothing is short then.
///
/// # Errors
/// `Invalid` lines.
pub fn quote_without_card(conn: &mut Conn, store: &Id<PointsStore>, lines: &[Wanted], now: Moment) -> Result<Quote> {
    judge(conn, None, store, lines, now)
}

fn judge(
    conn: &mut Conn,
    household: Option<(&Id<Household>, &Had, Points)>,
    store: &Id<PointsStore>,
    lines: &[Wanted],
    now: Moment,
) -> Result<Quote> {
    let wanted = merged(lines)?;
    let skus: Vec<&str> = wanted.iter().map(|line| line.sku.as_str()).collect();
    let goods = goods::by_skus(conn, &skus)?;
    let partners = Partners::load(conn, [store], day_of(now))?;
    let basket = partners.price(store, &goods, &wanted)?;
    let ids: Vec<Id<GoodsItem>> = goods.values().map(|item| item.id.clone()).collect();
    let day = day_of(now);
    let stock = Stock::open(conn, &ids)?;
    let rules = rules::now(conn)?;
    let mut problems = Vec::new();
    for (position, (item, quantity)) in basket.lines.iter().enumerate() {
        let within = match household {
            Some((household, had, _)) => had.expect_line_within(household, &rules, &basket.lines, position, day),
            None => Ok(()),
        };
        let on_shelf = || match partners.has(store) {
            true => Ok(()),
            false => expect_in_stock(&stock, store, item, *quantity, day),
        };
        if let Err(refused) = within.and_then(|()| on_shelf()) {
            problems.push((item.sku.clone(), refused));
        }
    }
    if let Err(refused) = partners.expect_open(store, basket.points, day) {
        problems.push((String::new(), Refused::Partner(refused)));
    }
    Ok(Quote {
        total: basket.points,
        short_by: household.map_or(Points::ZERO, |(_, _, have)| have.short_of(basket.points)),
        problems,
        to_confirm: rules.asks_for_confirmation(basket.points),
    })
}
