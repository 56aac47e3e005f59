//! Quotes: what would happen to a basket, before anything is done. Reads only: looking at a household never makes a
//! transaction. "Enough" or "short by N", never the balance.

use super::goods::{self, GoodsItem};
use super::limit::Had;
use super::offline::{self, Lacking};
use super::partner::Partners;
use super::redemption::{Refused, Wanted, expect_in_stock, merged};
use super::rules;
use super::stock::Stock;
use super::store::PointsStore;
use super::till::Till;
use crate::clock::{Moment, day_of};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::transaction::Books;
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
    /// What other tills keep of it for an hour without network, and why that stands in the way.
    pub lacking: Option<(Lacking, offline::Refused)>,
}

/// Answers what would happen to a basket.
///
/// # Errors
/// `Invalid` lines; a refused card.
pub fn quote(
    conn: &mut Conn,
    household: &Id<Household>,
    at: (&Id<PointsStore>, &Id<Till>),
    lines: &[Wanted],
    now: Moment,
) -> Result<Quote> {
    let had = Had::load(conn, std::slice::from_ref(household), day_of(now))?;
    let books = Books::open(conn, [household.as_str()])?;
    judge(conn, Some((household, &had, &books)), at, lines, now)
}

/// Answers what a basket costs and what the shelf does not hold, while no card was shown. Nothing is short then.
///
/// # Errors
/// `Invalid` lines.
pub fn quote_without_card(
    conn: &mut Conn,
    at: (&Id<PointsStore>, &Id<Till>),
    lines: &[Wanted],
    now: Moment,
) -> Result<Quote> {
    judge(conn, None, at, lines, now)
}

fn judge(
    conn: &mut Conn,
    household: Option<(&Id<Household>, &Had, &Books)>,
    (store, till): (&Id<PointsStore>, &Id<Till>),
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
    let (mut lacking, mut holders) = (Lacking::default(), Vec::new());
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
        } else if !partners.has(store) && stock.free(store, &item.id, till, now) < *quantity {
            holders.extend(stock.holders(store, &item.id, till, now));
            lacking.goods.push(item.id.clone());
        }
    }
    let have = |household: &Id<Household>, books: &Books| books.balance(household.as_str(), AccountKind::Spendable);
    let short_by = household.map_or(Points::ZERO, |(household, _, books)| {
        have(household, books).short_of(basket.points)
    });
    if let Some((household, _, books)) = household.filter(|_| short_by == Points::ZERO)
        && books.free(household.as_str(), Some(till.as_str()), now) < basket.points
    {
        holders.extend(books.holders(household.as_str(), Some(till.as_str()), now));
        lacking.household = Some(household.clone());
    }
    let lacking = match holders.is_empty() {
        true => None,
        false => Some((lacking, offline::held_by(&offline::keepers(conn, now)?, &holders, now))),
    };
    if let Err(refused) = partners.expect_open(store, basket.points, day) {
        problems.push((String::new(), Refused::Partner(refused)));
    }
    Ok(Quote {
        total: basket.points,
        short_by,
        problems,
        to_confirm: rules.asks_for_confirmation(basket.points),
        lacking,
    })
}
