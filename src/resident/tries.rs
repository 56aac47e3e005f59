//! Tries of a PIN from a household's phone: five with a card, then the card is locked for looking until the office unlocks
//! it, another PIN is set, or a day has passed. Kept in the database, so that a new start does not forget.
//!
//! A number that no card has is counted and locked as any other, and a try is counted before its answer is known: nobody
//! learns which cards there are, and a hundred guesses at once are five. A lock is for looking only: the counter has its own.

use chrono::TimeDelta;
use diesel::prelude::*;

use crate::access::user::User;
use crate::audit;
use crate::cards::card::{self, Card, Wallet};
use crate::cards::number::CardToken;
use crate::cards::pin::{self, PinHash};
use crate::clock::{Day, Moment, day_of};
use crate::db::Conn;
use crate::db::schema::resident_tries;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::places::programme::Programme;
use crate::places::standing;

/// Tries with a card.
pub const MOST: i64 = 5;
/// How long a lock lasts when nobody lifts it, and how long a wrong try is remembered.
const LOCKED_FOR: TimeDelta = TimeDelta::hours(24);

/// The answer to whatever is wrong with card and PIN, always in the same words.
pub const WRONG: Error = Error::Forbidden(
    "卡号或密码不对，或者还没有设密码。请再试一次；设密码、换密码，请带卡到办公室。连着错5次，要等一天。",
);
/// The answer while a card is locked.
pub const LOCKED: Error =
    Error::Forbidden("密码错了5次，先锁住了。请带卡到办公室解锁或重设密码，也可以过一天再试。在柜台兑换不受影响。");

/// A try that was counted.
pub struct Try {
    card_number: String,
    /// Whose card it is, if there is such a card, it is in use, and the household takes part or left not long ago.
    found: Option<Found>,
    today: Day,
    is_last: bool,
}

/// A card in use and the PIN of its household.
#[derive(Clone)]
pub struct Found {
    /// The household.
    pub household: Id<Household>,
    /// The card.
    pub card: Id<Card>,
    /// Its PIN, if one was set.
    pub pin: Option<PinHash>,
}

impl Try {
    /// The PIN that has to be met, if there is one.
    #[must_use]
    pub fn pin(&self) -> Option<&PinHash> {
        self.found.as_ref().and_then(|found| found.pin.as_ref())
    }

    /// What is said when it was the wrong one.
    #[must_use]
    pub fn refusal(&self) -> Error {
        if self.is_last { LOCKED } else { WRONG }
    }
}

/// Counts a try with a card before it is known whether the PIN is right.
///
/// # Errors
/// [`LOCKED`] when there were too many.
pub fn begin(conn: &mut Conn, programme: &Programme, token: &CardToken, now: Moment) -> Result<Try> {
    let number = token.number().as_str();
    let before = counted(conn, number, now)?;
    if before >= MOST {
        return Err(LOCKED);
    }
    let tries = before.saturating_add(1);
    diesel::delete(resident_tries::table.find(number)).execute(conn)?;
    diesel::delete(resident_tries::table.filter(resident_tries::last_at.lt(now - LOCKED_FOR))).execute(conn)?;
    diesel::insert_into(resident_tries::table)
        .values((
            resident_tries::card_number.eq(number),
            resident_tries::tries.eq(tries),
            resident_tries::last_at.eq(now),
        ))
        .execute(conn)?;
    Ok(Try {
        card_number: number.to_owned(),
        found: found(conn, programme, token, day_of(now))?,
        today: day_of(now),
        is_last: tries >= MOST,
    })
}

/// It was the right PIN: its tries are given back. Answers whose card it is, unless that changed meanwhile.
///
/// # Errors
/// [`WRONG`] when card, PIN or standing changed since the try began.
pub fn succeed(conn: &mut Conn, one: Try) -> Result<Found> {
    let found = one.found.ok_or(WRONG)?;
    let mark = found.pin.as_ref().map(PinHash::mark);
    let stands = card::is_in_use(conn, &found.card)?
        && pin::of(conn, &found.household)?.map(|pin| pin.mark()) == mark
        && standing::now(conn, &found.household)?.is_served_on(one.today);
    if !stands {
        return Err(WRONG);
    }
    diesel::delete(resident_tries::table.find(&one.card_number)).execute(conn)?;
    Ok(found)
}

fn found(conn: &mut Conn, programme: &Programme, token: &CardToken, today: Day) -> Result<Option<Found>> {
    let wallet = Wallet::open(conn, programme, [token])?;
    let Ok((card, _)) = wallet.recognise(token) else {
        return Ok(None);
    };
    let household = card.household_id.clone();
    if !standing::now(conn, &household)?.is_served_on(today) {
        return Ok(None);
    }
    Ok(Some(Found {
        card: card.id.clone(),
        pin: pin::of(conn, &household)?,
        household,
    }))
}

/// The tries with this number that count: none of a day ago, and none from before another PIN was set.
fn counted(conn: &mut Conn, number: &str, now: Moment) -> Result<i64> {
    let row = resident_tries::table
        .find(number)
        .select((resident_tries::tries, resident_tries::last_at))
        .first::<(i64, Moment)>(conn)
        .optional()?;
    let Some((tries, last_at)) = row else {
        return Ok(0);
    };
    let set_at = match card::household_of(conn, number)? {
        Some(household) => pin::set_at(conn, &household)?,
        None => None,
    };
    // A clock that was set back locks nobody out for longer.
    let is_over = (now - last_at).abs() >= LOCKED_FOR || set_at.is_some_and(|set_at| set_at > last_at);
    Ok(if is_over { 0 } else { tries })
}

/// Is a household's card locked?
///
/// # Errors
/// Only when the database fails.
pub fn is_locked(conn: &mut Conn, household: &Id<Household>, now: Moment) -> Result<bool> {
    let in_use = card::numbers_in_use(conn, std::slice::from_ref(household))?;
    for number in in_use.values() {
        if counted(conn, number, now)? >= MOST {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The office lets a household try again.
///
/// # Errors
/// Only when the database fails.
pub fn unlock(conn: &mut Conn, household: &Id<Household>, by: &Id<User>, now: Moment) -> Result<()> {
    let in_use = card::numbers_in_use(conn, std::slice::from_ref(household))?;
    let numbers: Vec<&String> = in_use.values().collect();
    let freed =
        diesel::delete(resident_tries::table.filter(resident_tries::card_number.eq_any(numbers))).execute(conn)?;
    if freed == 0 {
        return Ok(());
    }
    let subject = format!("household:{household}");
    audit::record(
        conn,
        &[audit::Event::new(
            by.as_str(),
            "pin.unlocked",
            subject,
            String::new(),
            now,
        )],
    )
}
