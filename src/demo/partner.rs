//! The demo's partner shop: a village shop that is settled with each month, at the end with a line that it does not agree with.

use chrono::{Datelike, TimeDelta};

use super::{Resident, Setting};
use crate::clock::{Day, Moment, begin_of, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::transaction::Books;
use crate::places::area::Area;
use crate::points::Points;
use crate::shop::act::Act;
use crate::shop::partner::{self, NewAgreement};
use crate::shop::redemption::{self, Pickup, Redeem, Wanted};
use crate::shop::settlement;
use crate::shop::shift::{self, Closing};
use crate::shop::store::PointsStore;
use crate::shop::till;

/// What it offers: how many of the cheapest goods.
const OFFERS: usize = 6;
/// Months that have statements.
const MONTHS: i32 = 3;
/// The day of the month on which the demo's households go there, the day of the statement, and the day of its payment.
const SHOPPING_DAY: u32 = 18;
const STATEMENT_DAY: u32 = 3;
const PAYMENT_DAY: u32 = 9;

/// Takes the shop in, with what it offers.
pub(super) fn found(conn: &mut Conn, town: &Setting, area: &Id<Area>, day: Day) -> Result<Id<PointsStore>> {
    let now = begin_of(day);
    let shop = PointsStore {
        id: Id::new(now),
        area_id: area.clone(),
        name: "桂香便民店".to_owned(),
        opening_hours: "每天 8:00—19:00".to_owned(),
    };
    let first = NewAgreement {
        merchant: "桂香日用品商行".to_owned(),
        from_on: day,
        until_on: day.with_year(day.year().saturating_add(2)).unwrap_or(day),
        daily_limit: 600,
    };
    let act = |name, key: &str| Act::new(name, key, &town.administrator, now);
    let id = partner::add(conn, &shop, &first, &act("partner.added", "demo-partner"))?;
    for item in town.goods.iter().take(OFFERS) {
        let key = format!("demo-partner-{}", item.sku);
        let fen = item.cost_fen.0.saturating_add(item.cost_fen.0 / 10);
        let terms = Some((item.price_points.0, fen));
        partner::set_offer(conn, &id, &item.sku, terms, &act("partner.priced", &key))?;
    }
    Ok(id)
}

/// What happens there on a day of the last months.
pub(super) fn of_day(conn: &mut Conn, town: &Setting, day: Day, today: Day) -> Result<()> {
    let months = |day: Day| {
        day.year()
            .saturating_mul(12)
            .saturating_add(i32::try_from(day.month0()).unwrap_or(0))
    };
    let ago = months(today).saturating_sub(months(day));
    let morning = begin_of(day) + TimeDelta::hours(10);
    if (1..=MONTHS).contains(&ago) && day.day() == SHOPPING_DAY {
        shopping(conn, town, morning)?;
    }
    if !(0..MONTHS).contains(&ago) {
        return Ok(());
    }
    if day.day() == STATEMENT_DAY {
        statement(conn, town, morning, ago == 0)?;
    }
    if day.day() == PAYMENT_DAY && ago > 0 {
        pay(conn, town, morning)?;
    }
    Ok(())
}

/// Some households come by; one pays a part in cash.
fn shopping(conn: &mut Conn, town: &Setting, at: Moment) -> Result<()> {
    let Some(till) = till::of_store(conn, &town.partner)?.into_iter().next() else {
        return Err(Error::NotFound);
    };
    let shift = shift::open(conn, &till.id, "", &town.partner_keeper, at)?;
    let books = Books::open(
        conn,
        town.households.iter().map(|resident| resident.household.id.as_str()),
    )?;
    let able: Vec<&Resident> = town
        .households
        .iter()
        .filter(|resident| books.balance(resident.household.id.as_str(), AccountKind::Spendable) > Points(20))
        .take(OFFERS)
        .collect();
    let affordable: Vec<_> = town
        .goods
        .iter()
        .take(OFFERS)
        .filter(|item| item.price_points <= Points(20))
        .collect();
    let mut asked = Vec::new();
    for (nth, (resident, item)) in (0i64..).zip(able.into_iter().zip(affordable.iter().cycle())) {
        let wanted = [Wanted {
            sku: item.sku.clone(),
            quantity: 1,
        }];
        let key = format!("demo-partner-sale-{}-{}", resident.household.code, day_of(at));
        let at = at + TimeDelta::minutes(nth.saturating_mul(7).saturating_add(5));
        let sale = Redeem::new(&key, &resident.card, &wanted, Pickup::Household, &shift, at)?;
        let top_up = match nth {
            1 if item.price_points > Points(2) => Points(2),
            _ => Points::ZERO,
        };
        asked.push(sale.topped_up(top_up)?);
    }
    // A household that had its share of the month goes without: the rules work in the demo as well.
    for answer in redemption::redeem_all(conn, &asked)? {
        match answer {
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let closing = Closing::default();
    let evening = at + TimeDelta::hours(8);
    shift::close(conn, &shift.id, &closing, &town.partner_keeper, evening).map(|_| ())
}

/// The office makes last month's statement; the keeper confirms it, or does not agree with a line of the latest one.
fn statement(conn: &mut Conn, town: &Setting, at: Moment, is_latest: bool) -> Result<()> {
    let month = settlement::last_month(day_of(at));
    let act = |name, what: &str, by| Act::new(name, &format!("demo-settlement-{what}-{month}"), by, at);
    let making = act("settlement.made", "made", &town.administrator);
    let number = match settlement::make(conn, &town.partner, month, &making) {
        Ok(number) => number,
        // Nobody went there.
        Err(Error::Refused(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    match is_latest {
        true => {
            let disputing = act("settlement.disputed", "disputed", &town.partner_keeper);
            settlement::dispute(conn, number, 1, "这一单给了两份，只记了一份的钱", &disputing)
        }
        false => {
            let confirming = act("settlement.confirmed", "confirmed", &town.partner_keeper);
            settlement::confirm(conn, number, &confirming)
        }
    }
}

/// The office writes down that the last statement was paid.
fn pay(conn: &mut Conn, town: &Setting, at: Moment) -> Result<()> {
    let last = settlement::newest(conn, std::slice::from_ref(&town.partner), 0, 1)?.pop();
    let Some((last, ..)) = last.filter(|(last, ..)| last.state == settlement::State::Confirmed) else {
        return Ok(());
    };
    let key = format!("demo-settlement-paid-{}", last.number);
    let act = Act::new("settlement.paid", &key, &town.administrator, at);
    let reference = format!("转字{:04}", last.number);
    settlement::record_payment(conn, last.number, day_of(at), &reference, &act)
}
