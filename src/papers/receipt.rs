//! The receipt of a redemption, for a household, on paper of 58 or 80 mm.
//!
//! The balance after it is for the household alone: it is on the paper of whoever works that counter, and while the
//! redemption stands. The card's number is on none.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::access::user;
use crate::cards::card::Presented;
use crate::clock::{day_of, days_after, spoken, spoken_day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::places::{household, programme};
use crate::shop::partner::{self, CashTopUp};
use crate::shop::redemption::{self, Redeemed, Redemption};
use crate::shop::{delivery, proxy, refund, rules, shift, till, void};

/// A receipt.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    paper: Head,
    width: String,
    store: String,
    number: String,
    at: String,
    till: String,
    household_code: String,
    lines: Vec<Line>,
    total: i64,
    balance_after: Option<i64>,
    cash_total: Option<String>,
    state: String,
    typed: bool,
    taken_by: Option<String>,
    /// Who stood at the counter.
    clerk: String,
    /// The last day on which goods may come back.
    return_by: Option<String>,
    qr: Option<String>,
    phone: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    /// None for what is no goods.
    quantity: Option<i64>,
    points: i64,
    cash: Option<String>,
}

/// The receipt of a redemption, by its id or the number on its slip.
///
/// # Errors
/// `Invalid` without either; `NotFound`, also for a store in which the orderer reads no journal.
pub fn load(conn: &mut Conn, order: &Order) -> Result<Receipt> {
    let asked = order.id()?;
    let redeemed = match asked.parse::<i64>() {
        Ok(number) => redemption::by_number(conn, number)?,
        Err(_) => redemption::by_id(conn, &Id::known(asked))?,
    };
    let of = &redeemed.redemption;
    let store = order.store_by_id(conn, Permission::ReadJournal, &of.store_id)?;
    let one = std::slice::from_ref(&of.id);
    let voided = !void::of(conn, one)?.is_empty();
    let cash = partner::top_ups_of(conn, one)?.remove(&of.id);
    let household = household::by_id(conn, &of.household_id)?;
    Ok(Receipt {
        width: order.size(&["58", "80"])?,
        number: of.transaction_number.to_string(),
        at: spoken(of.redeemed_at),
        till: till_of(conn, of)?,
        lines: lines(&redeemed, cash.as_ref()),
        total: of.points.0,
        balance_after: match voided {
            true => None,
            false => balance_after(conn, order, of)?,
        },
        cash_total: cash.map(|cash| format!("{}元", cash.cash_fen)),
        state: match (voided, refund::of(conn, one)?.is_empty()) {
            (true, _) => "已作废".to_owned(),
            (false, false) => "有退货".to_owned(),
            (false, true) => String::new(),
        },
        typed: of.presented == Presented::Typed,
        taken_by: taken_by(conn, &of.id)?,
        clerk: user::by_id(conn, &of.redeemed_by)?.display_name,
        return_by: match (voided, rules::now(conn)?.return_days) {
            (true, _) | (false, 0) => None,
            (false, days) => Some(spoken_day(days_after(day_of(of.redeemed_at), days))),
        },
        qr: None,
        phone: programme::get(conn)?.phone,
        paper: order.head(conn, Some(&store.area_id))?,
        store: store.name,
        household_code: household.code,
    })
}

/// What the household has after it, for whoever works the counter where it was made.
fn balance_after(conn: &mut Conn, order: &Order, of: &Redemption) -> Result<Option<i64>> {
    match order.store_by_id(conn, Permission::Redeem, &of.store_id) {
        Ok(_) => {}
        Err(Error::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    }
    let owner = of.household_id.as_str();
    let after = balance::after(conn, owner, AccountKind::Spendable, of.transaction_number)?;
    Ok(after.map(|points| points.0))
}

fn till_of(conn: &mut Conn, of: &Redemption) -> Result<String> {
    match &of.shift_id {
        None => Ok(String::new()),
        Some(id) => {
            let till = shift::by_id(conn, id)?.till_id;
            Ok(till::by_id(conn, &till)?.name)
        }
    }
}

/// The goods, and what was paid in cash instead of points as a line that takes these points off again: lines add up.
fn lines(redeemed: &Redeemed, cash: Option<&CashTopUp>) -> Vec<Line> {
    let goods = redeemed.lines.iter().map(|(line, item)| Line {
        name: item.name.clone(),
        quantity: Some(line.quantity),
        points: line.price_points.times(line.quantity).unwrap_or_default().0,
        cash: None,
    });
    let paid = cash.map(|cash| Line {
        name: "补差价".to_owned(),
        quantity: None,
        points: (-cash.points).0,
        cash: Some(format!("{}元", cash.cash_fen)),
    });
    goods.chain(paid).collect()
}

/// Who takes the goods, if it is not the household here and now.
fn taken_by(conn: &mut Conn, id: &Id<Redemption>) -> Result<Option<String>> {
    let one = std::slice::from_ref(id);
    if let Some(pickup) = proxy::pickups_of(conn, one)?.pop() {
        return Ok(Some(format!("代领：{}", pickup.person)));
    }
    let delivery = delivery::of(conn, one)?.pop();
    Ok(delivery.map(|_| "送货上门".to_owned()))
}
