//! The allow-list: what a till without the network may know of all cards, so that it can tell a card from a stranger's.
//!
//! A till must not hold the programme's key, and the server keeps of a card's secret only a keyed digest. So the list says
//! nothing of secrets: each entry is the beginning of a digest over the number and a salt, with whether the card is in use.
//! What a till accepts by it is checked again, secret and all, when the till is back on the network.
//!
//! The digest hides numbers from a glance, not from a thief: there are 900 million numbers, and a computer tries them all.
//! A list holds nothing else, a number alone buys as little as one that was overheard, and a new salt every day makes two
//! days' lists unlike each other. A village of 2,000 cards has a list of 18 kB.

use base64ct::{Base64, Encoding};
use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::number::CardNumber;
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::cards;
use crate::error::Result;
use crate::id::Id;
use crate::places::household::Household;

/// Bytes of a digest that an entry keeps. Among 10,000 cards, two share them once in 10¹¹ lists.
const KEPT_BYTES: usize = 8;

/// What a list mixes into its digests: random, and another one every day. Whoever makes the list draws it.
pub type Salt = [u8; 16];

/// The beginning of a digest.
pub type Kept = [u8; KEPT_BYTES];

/// One card in the list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The beginning of the digest.
    pub digest: Kept,
    /// Is the card in use, and not stopped?
    pub in_use: bool,
    /// Whose it is; never told to a till.
    pub household_id: Id<Household>,
}

/// A digest, or several in a row, as text: base64.
#[must_use]
pub fn written(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// The first eight bytes of SHA-256 over the salt and the ten digits of the number: what a till computes from what it scans.
#[must_use]
pub fn digest(salt: &Salt, number: &CardNumber) -> Kept {
    kept(salt, number.as_str())
}

fn kept(salt: &Salt, number: &str) -> Kept {
    let whole = Sha256::new().chain_update(salt).chain_update(number).finalize();
    let mut kept = [0; KEPT_BYTES];
    for (byte, of_whole) in kept.iter_mut().zip(whole) {
        *byte = of_whole;
    }
    kept
}

/// All cards of the programme that were ever issued, in the order of their digests, which tells nothing.
///
/// A stopped card is in it too, so that a till can say 此卡已挂失 instead of 没有这张卡.
///
/// # Errors
/// Only when the database fails.
pub fn allow_list(conn: &mut Conn, salt: &Salt) -> Result<Vec<Entry>> {
    let all: Vec<(String, bool, Id<Household>)> = cards::table
        .select((cards::number, cards::stopped_at.is_null(), cards::household_id))
        .load(conn)?;
    let mut list: Vec<Entry> = all
        .into_iter()
        .map(|(number, in_use, household_id)| Entry {
            digest: kept(salt, &number),
            in_use,
            household_id,
        })
        .collect();
    list.sort_unstable();
    Ok(list)
}

/// The digests of a household's cards in use.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, salt: &Salt, household: &Id<Household>) -> Result<Vec<Kept>> {
    let numbers: Vec<String> = cards::table
        .filter(cards::household_id.eq(household).and(cards::stopped_at.is_null()))
        .select(cards::number)
        .load(conn)?;
    Ok(numbers.iter().map(|number| kept(salt, number)).collect())
}

/// The digests of the cards that were stopped since a moment.
///
/// # Errors
/// Only when the database fails.
pub fn stopped_since(conn: &mut Conn, salt: &Salt, since: Moment) -> Result<Vec<Kept>> {
    let numbers: Vec<String> = cards::table
        .filter(cards::stopped_at.ge(since))
        .select(cards::number)
        .load(conn)?;
    Ok(numbers.iter().map(|number| kept(salt, number)).collect())
}
