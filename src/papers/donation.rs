//! What a donor gets: the receipt, and some time later a letter that says what became of the goods.
//!
//! Who wants no name is 热心人士 on both. The value is the donor's own word for all of it.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::access::user;
use crate::clock::spoken_day;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::places::programme;
use crate::shop::donor::{self, ANONYMOUS};
use crate::shop::receipt::{self, ReceiptKind, Received, StockReceipt};
use crate::shop::store::PointsStore;

/// What the letter says when nothing else was asked for.
const THANKS: &str = "一份心意，换来邻里更多的好事。";

/// A receipt for a donor, with its counterfoil.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DonationReceipt {
    paper: Head,
    number: String,
    donor: String,
    on: String,
    store: String,
    lines: Vec<Gift>,
    /// The donor's own word for all of it.
    value: Option<String>,
    purpose: String,
    note: Option<String>,
    /// Whose stamp it bears.
    issuer: String,
    /// Who took it in.
    by: String,
    /// Where the office is, and its telephone.
    place: String,
    phone: String,
}

/// The receipt of a donation, by its number.
///
/// # Errors
/// `Invalid` without a number; `NotFound`, also for what was not given, and for a store outside.
pub fn donation_receipt(conn: &mut Conn, order: &Order) -> Result<DonationReceipt> {
    let given = Given::load(conn, order)?;
    let programme = programme::get(conn)?;
    Ok(DonationReceipt {
        by: user::by_id(conn, &given.receipt.recorded_by)?.display_name,
        issuer: programme.issuer,
        place: programme.office,
        phone: programme.phone,
        paper: order.head(conn, Some(&given.store.area_id))?,
        number: given.receipt.number.to_string(),
        donor: given.donor,
        on: spoken_day(given.receipt.received_on),
        store: given.store.name,
        value: (given.receipt.declared_fen).map(|fen| format!("{fen}元（大写：人民币{}）", fen.in_capitals())),
        lines: gifts(given.lines),
        purpose: given.receipt.intent,
        note: Some(given.receipt.note).filter(|note| !note.is_empty()),
    })
}

/// A letter of thanks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThankYou {
    paper: Head,
    donor: String,
    on: String,
    lines: Vec<Gift>,
    reached: usize,
    text: String,
    issuer: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gift {
    name: String,
    quantity: i64,
    unit: String,
}

fn gifts(lines: Vec<Received>) -> Vec<Gift> {
    let gift = |line: Received| Gift {
        name: line.item.name,
        quantity: line.quantity,
        unit: line.item.unit,
    };
    lines.into_iter().map(gift).collect()
}

/// The letter for a donation, by the number of its receipt; the words are those that were asked for.
///
/// # Errors
/// As [`donation_receipt`].
pub fn thank_you(conn: &mut Conn, order: &Order) -> Result<ThankYou> {
    let given = Given::load(conn, order)?;
    let text = order
        .asked
        .text
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    Ok(ThankYou {
        paper: order.head(conn, Some(&given.store.area_id))?,
        donor: given.donor,
        on: spoken_day(given.receipt.received_on),
        reached: receipt::reached(conn, given.receipt.number)?,
        lines: gifts(given.lines),
        text: text.unwrap_or(THANKS).to_owned(),
        issuer: programme::get(conn)?.issuer,
    })
}

/// A donation with its donor's name, or the word for somebody who wants none.
struct Given {
    receipt: StockReceipt,
    lines: Vec<Received>,
    store: PointsStore,
    donor: String,
}

impl Given {
    fn load(conn: &mut Conn, order: &Order) -> Result<Given> {
        let (receipt, lines) = receipt::by_number(conn, order.number()?)?;
        let store = order.store_by_id(conn, Permission::ReadStock, &receipt.store_id)?;
        if receipt.kind != ReceiptKind::Donation {
            return Err(Error::NotFound);
        }
        let donor = match &receipt.donor_id {
            Some(id) => donor::by_id(conn, id)?.shown().to_owned(),
            None => ANONYMOUS.to_owned(),
        };
        Ok(Given {
            receipt,
            lines,
            store,
            donor,
        })
    }
}
