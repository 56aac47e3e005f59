//! Cards: issued, recognised, stopped.
//!
//! The number says which household; number and secret together say that the card itself is there. A number alone is taken
//! at the counter too (read aloud, typed), and every such redemption is marked `typed`. A new card stops the old ones at
//! once. The secret is made from the request's key and the programme's card key, so that a repeated request gets the same
//! card although the server keeps neither of the two: of the secret only a keyed digest, of the request's key only a digest.

use std::collections::HashMap;
use std::fmt;

use diesel::prelude::*;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::number::{CardNumber, CardSecret, CardToken};
use crate::access::user::User;
use crate::audit;
use crate::clock::Moment;
use crate::db::schema::cards;
use crate::db::{Conn, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::places::programme::Programme;
use crate::places::standing;
use crate::request::{self, Request, Requests};

/// A household's card.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = cards)]
pub struct Card {
    /// Its id.
    pub id: Id<Card>,
    /// Whose it is.
    pub household_id: Id<Household>,
    /// Ten digits.
    pub number: String,
    secret_digest: String,
    /// When it was issued.
    pub issued_at: Moment,
    issued_by: String,
    /// Why it was issued.
    pub issue_reason: String,
    /// When it was stopped.
    pub stopped_at: Option<Moment>,
    stopped_by: Option<String>,
    /// Why it was stopped.
    pub stop_reason: Option<String>,
}

text_enum! {
    /// How a card was shown.
    pub enum Presented {
        /// Number and secret were there: the card was scanned.
        Scanned = "scanned", "扫卡";
        /// The number alone: typed or read aloud.
        Typed = "typed", "手输";
    }
}

/// Why a card is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// No card has this number, or the secret does not belong to it.
    UnknownCard,
    /// The card was stopped, for example because it was lost.
    CardStopped,
    /// The household became part of another.
    HouseholdMerged,
    /// The household left, and its time to spend is over.
    HouseholdLeft,
}

/// Why the cards of a household that was merged are stopped.
pub const MERGED: &str = "并户，改用并入后那一户的卡";
/// Why the cards of a household that left are stopped.
pub const LEFT: &str = "迁出已满90天";

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Refused::UnknownCard => "没有这张卡，请核对卡号。",
            Refused::CardStopped => "此卡已挂失停用，请使用新卡或到办公室办理。",
            Refused::HouseholdMerged => "这一户已并入另一户，积分也已转过去，此卡停用。请用并入后那一户的积分卡。",
            Refused::HouseholdLeft => "这一户迁出已满90天，积分已到期，此卡停用。如果搬回来了，请到办公室重新加入。",
        })
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::UnknownCard => "unknown_card",
            // For a program at the counter it is the same: this card is not taken.
            Refused::CardStopped | Refused::HouseholdMerged | Refused::HouseholdLeft => "card_stopped",
        }
    }
}

/// The cards of a set of requests, looked up at once.
pub struct Wallet {
    key: Vec<u8>,
    by_number: HashMap<String, Card>,
}

impl Wallet {
    /// Loads the cards that these tokens name.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn open<'a>(
        conn: &mut Conn,
        programme: &Programme,
        tokens: impl IntoIterator<Item = &'a CardToken>,
    ) -> Result<Wallet> {
        let numbers: Vec<&str> = tokens.into_iter().map(|token| token.number().as_str()).collect();
        let by_number = cards::table
            .filter(cards::number.eq_any(numbers))
            .select(Card::as_select())
            .load(conn)?
            .into_iter()
            .map(|card| (card.number.clone(), card))
            .collect();
        Ok(Wallet {
            key: programme.card_key().to_vec(),
            by_number,
        })
    }

    /// The households whose cards were found.
    #[must_use]
    pub fn households(&self) -> Vec<Id<Household>> {
        self.by_number.values().map(|card| card.household_id.clone()).collect()
    }

    /// The card that a token shows, and how it was shown.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn recognise(&self, token: &CardToken) -> Result<(&Card, Presented), Refused> {
        let card = self
            .by_number
            .get(token.number().as_str())
            .ok_or(Refused::UnknownCard)?;
        let presented = match token {
            CardToken::Number(_) => Presented::Typed,
            CardToken::Full(number, secret) => {
                if !secret.matches(&self.key, number, &card.secret_digest) {
                    return Err(Refused::UnknownCard);
                }
                Presented::Scanned
            }
        };
        match (card.stopped_at, card.stop_reason.as_deref()) {
            (None, _) => Ok((card, presented)),
            (Some(_), Some(MERGED)) => Err(Refused::HouseholdMerged),
            (Some(_), Some(LEFT)) => Err(Refused::HouseholdLeft),
            (Some(_), _) => Err(Refused::CardStopped),
        }
    }
}

/// Reads what was scanned, typed or sent as a card.
///
/// # Errors
/// `Invalid` when it cannot be a card at all.
pub fn token(text: &str) -> Result<CardToken> {
    CardToken::parse(text).map_err(|why| Error::invalid("card", why.to_string()))
}

/// Asks for a new card.
#[derive(Clone, Debug)]
pub struct Issue {
    /// The household.
    pub household: Id<Household>,
    /// Why: first card, lost, damaged …
    pub reason: String,
    /// Who issues it.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

impl Issue {
    fn request(&self, reason: &str) -> Result<Request> {
        #[derive(Serialize)]
        struct Content<'a> {
            household: &'a str,
            reason: &'a str,
        }
        let content = Content {
            household: self.household.as_str(),
            reason,
        };
        Ok(Request::new(&self.key, self.by.as_str(), "card.issue", &content)?.hidden())
    }
}

/// A new card with its secret, which is shown now and never again.
#[derive(Clone)]
pub struct Issued {
    /// The number.
    pub number: CardNumber,
    /// The secret.
    pub secret: CardSecret,
    /// Is this the answer of an earlier request?
    pub replayed: bool,
}

impl Issued {
    /// `NUMBER-SECRET`.
    #[must_use]
    pub fn token(&self) -> String {
        format!("{}-{}", self.number.as_str(), self.secret.reveal())
    }
}

/// Issues a card and stops the household's other cards at once.
///
/// # Errors
/// `Invalid` for a missing reason; `household_left` or `household_merged`; `idempotency_conflict`.
pub fn issue(conn: &mut Conn, programme: &Programme, issue: &Issue, now: Moment) -> Result<Issued> {
    let reason = reason_given(&issue.reason)?;
    let request = issue.request(&reason)?;
    let seed = Seed::new(programme, &issue.household, &issue.key)?;
    let secret = CardSecret::from_bits(seed.bits("secret"));
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(number) = requests.earlier(&request)? {
        return Ok(Issued {
            number: CardNumber::parse(number).map_err(Error::internal)?,
            secret,
            replayed: true,
        });
    }
    standing::expect_active(conn, &issue.household)?;
    stop_all(conn, &issue.household, &reason, issue.by.as_str(), now)?;
    let number = free_number(conn, &seed)?;
    let card = Card {
        id: Id::new(now),
        household_id: issue.household.clone(),
        number: number.as_str().to_owned(),
        secret_digest: secret.digest(programme.card_key(), &number),
        issued_at: now,
        issued_by: issue.by.as_str().to_owned(),
        issue_reason: reason.clone(),
        stopped_at: None,
        stopped_by: None,
        stop_reason: None,
    };
    diesel::insert_into(cards::table).values(&card).execute(conn)?;
    requests.carried_out(&request, number.as_str(), now);
    requests.save(conn)?;
    let subject = format!("household:{}", issue.household);
    audit::record(
        conn,
        &[audit::Event::new(
            issue.by.as_str(),
            "card.issued",
            subject,
            reason,
            now,
        )],
    )?;
    Ok(Issued {
        number,
        secret,
        replayed: false,
    })
}

/// Was this very request for a card carried out before?
///
/// # Errors
/// `Invalid` for a key that is none.
pub fn was_issued(conn: &mut Conn, issue: &Issue) -> Result<bool> {
    let request = issue.request(&issue.reason)?;
    Ok(request::made_with(conn, request.key_digest())?.is_some())
}

/// Stops all cards of a household at once; answers how many were in use.
///
/// # Errors
/// `Invalid` for a missing reason.
pub fn stop(conn: &mut Conn, household: &Id<Household>, reason: &str, by: &Id<User>, now: Moment) -> Result<usize> {
    let reason = reason_given(reason)?;
    stop_by(conn, household, &reason, by.as_str(), now)
}

/// The same for a program of ours: `by` may be `system`.
///
/// # Errors
/// Only when the database fails.
pub fn stop_by(conn: &mut Conn, household: &Id<Household>, reason: &str, by: &str, now: Moment) -> Result<usize> {
    let stopped = stop_all(conn, household, reason, by, now)?;
    if stopped > 0 {
        let subject = format!("household:{household}");
        audit::record(
            conn,
            &[audit::Event::new(by, "card.stopped", subject, reason.to_owned(), now)],
        )?;
    }
    Ok(stopped)
}

/// Whose card has this number, in use or not.
///
/// # Errors
/// Only when the database fails.
pub fn household_of(conn: &mut Conn, number: &str) -> Result<Option<Id<Household>>> {
    Ok(cards::table
        .filter(cards::number.eq(number))
        .select(cards::household_id)
        .get_result(conn)
        .optional()?)
}

/// Is this card in use?
///
/// # Errors
/// Only when the database fails.
pub fn is_in_use(conn: &mut Conn, id: &Id<Card>) -> Result<bool> {
    let in_use = cards::table.find(id).filter(cards::stopped_at.is_null());
    Ok(in_use.count().get_result::<i64>(conn)? > 0)
}

/// The number of the card in use of each of these households that has one.
///
/// # Errors
/// Only when the database fails.
pub fn numbers_in_use(conn: &mut Conn, households: &[Id<Household>]) -> Result<HashMap<Id<Household>, String>> {
    Ok(cards::table
        .filter(cards::household_id.eq_any(households).and(cards::stopped_at.is_null()))
        .select((cards::household_id, cards::number))
        .load(conn)?
        .into_iter()
        .collect())
}

/// The cards of a household, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<Card>> {
    Ok(cards::table
        .filter(cards::household_id.eq(household))
        .order((cards::issued_at.desc(), cards::id.desc()))
        .select(Card::as_select())
        .load(conn)?)
}

fn stop_all(conn: &mut Conn, household: &Id<Household>, reason: &str, by: &str, now: Moment) -> Result<usize> {
    let in_use = cards::table.filter(cards::household_id.eq(household).and(cards::stopped_at.is_null()));
    Ok(diesel::update(in_use)
        .set((
            cards::stopped_at.eq(Some(now)),
            cards::stopped_by.eq(Some(by)),
            cards::stop_reason.eq(Some(reason)),
        ))
        .execute(conn)?)
}

/// A number that no card has or had.
fn free_number(conn: &mut Conn, seed: &Seed) -> Result<CardNumber> {
    for attempt in 0..100u8 {
        let number = CardNumber::from_random(seed.bits(&format!("number {attempt}")));
        let taken = cards::table
            .filter(cards::number.eq(number.as_str()))
            .count()
            .get_result::<i64>(conn)?;
        if taken == 0 {
            return Ok(number);
        }
    }
    Err(Error::internal("no free card number was found"))
}

/// Makes bits that look random to everyone without both the request's key and the card key, and come out the same again
/// for the same request.
struct Seed {
    mac: Hmac<Sha256>,
}

impl Seed {
    fn new(programme: &Programme, household: &Id<Household>, key: &str) -> Result<Seed> {
        let mut mac = Hmac::<Sha256>::new_from_slice(programme.card_key()).map_err(Error::internal)?;
        mac.update(format!("new card\n{household}\n{key}\n").as_bytes());
        Ok(Seed { mac })
    }

    fn bits(&self, what_for: &str) -> u64 {
        let mut mac = self.mac.clone();
        mac.update(what_for.as_bytes());
        let mut bits = [0u8; 8];
        for (bit, byte) in bits.iter_mut().zip(mac.finalize().into_bytes()) {
            *bit = byte;
        }
        u64::from_le_bytes(bits)
    }
}

fn reason_given(reason: &str) -> Result<String> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 200 {
        return Err(Error::invalid("reason", "请写明原因，1至200个字。"));
    }
    Ok(reason.to_owned())
}
