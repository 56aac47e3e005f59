//! PINs: four to six digits with which a household confirms at the counter, or looks at its own points.
//!
//! Argon2id digests, like passwords; hashing is slow on purpose and happens outside `db.write`. Guessing is slowed down by
//! `access/attempts.rs`: five tries, then one every three minutes.

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::access::digest::SlowDigest;
use crate::access::user::User;
use crate::audit;
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::household_pins;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;

/// A PIN's argon2id digest.
#[derive(Clone)]
pub struct PinHash(SlowDigest);

impl PinHash {
    /// Hashes a PIN that a household chose.
    ///
    /// # Errors
    /// `Invalid` for anything but four to six digits, and for those that everybody tries first.
    pub fn of(pin: &str) -> Result<PinHash> {
        let digits = pin.chars().all(|letter| letter.is_ascii_digit());
        if !digits || !(4..=6).contains(&pin.len()) {
            return Err(Error::invalid("pin", "密码应为4至6位数字。"));
        }
        if is_easy(pin) {
            return Err(Error::invalid("pin", "这个密码太容易猜中，请换一个。"));
        }
        SlowDigest::of(pin).map(PinHash)
    }

    /// Is this the PIN?
    #[must_use]
    pub fn verifies(&self, pin: &str) -> bool {
        self.0.is_of(pin)
    }

    /// Tells this PIN from a later one, even of the same digits, and says nothing about it.
    #[must_use]
    pub fn mark(&self) -> String {
        let digest = Sha256::digest(self.0.text().as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Is this the PIN? Where there is none the answer takes as long: nobody learns whether a card exists.
#[must_use]
pub fn verify(known: Option<&PinHash>, typed: &str) -> bool {
    match known {
        Some(hash) => hash.verifies(typed),
        None => {
            let _ = SlowDigest::of(typed);
            false
        }
    }
}

/// One digit throughout, or digits that follow each other.
fn is_easy(pin: &str) -> bool {
    let digits: Vec<i32> = pin.bytes().map(i32::from).collect();
    let steps: Vec<i32> = digits
        .windows(2)
        .filter_map(|pair| Some(pair.last()?.saturating_sub(*pair.first()?)))
        .collect();
    [0, 1, -1].iter().any(|step| steps.iter().all(|other| other == step))
}

/// Sets a household's PIN; the one before is gone.
///
/// # Errors
/// Only when the database fails.
pub fn set(conn: &mut Conn, household: &Id<Household>, pin: &PinHash, by: &Id<User>, now: Moment) -> Result<()> {
    diesel::delete(household_pins::table.find(household)).execute(conn)?;
    diesel::insert_into(household_pins::table)
        .values((
            household_pins::household_id.eq(household),
            household_pins::hash.eq(pin.0.text()),
            household_pins::set_by.eq(by),
            household_pins::set_at.eq(now),
        ))
        .execute(conn)?;
    let subject = format!("household:{household}");
    audit::record(
        conn,
        &[audit::Event::new(by.as_str(), "pin.set", subject, String::new(), now)],
    )
}

/// The digest of a household's PIN, if it has one.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, household: &Id<Household>) -> Result<Option<PinHash>> {
    Ok(household_pins::table
        .find(household)
        .select(household_pins::hash)
        .get_result::<String>(conn)
        .optional()?
        .map(|text| PinHash(SlowDigest::known(text))))
}

/// When a household's PIN was set, if it has one.
///
/// # Errors
/// Only when the database fails.
pub fn set_at(conn: &mut Conn, household: &Id<Household>) -> Result<Option<Moment>> {
    Ok(household_pins::table
        .find(household)
        .select(household_pins::set_at)
        .get_result(conn)
        .optional()?)
}

/// The household whose PIN was set first.
///
/// # Errors
/// Only when the database fails.
pub fn first(conn: &mut Conn) -> Result<Option<Id<Household>>> {
    Ok(household_pins::table
        .order((household_pins::set_at, household_pins::household_id))
        .select(household_pins::household_id)
        .first(conn)
        .optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_four_to_six_digits_and_not_the_first_guess() {
        for refused in [
            "",
            "123",
            "1234567",
            "12a4",
            "１２３４",
            "0000",
            "1234",
            "654321",
            "1111",
        ] {
            assert!(matches!(PinHash::of(refused), Err(Error::Invalid(_))), "{refused}");
        }
        let hash = PinHash::of("2580").unwrap();
        assert!(hash.verifies("2580") && !hash.verifies("2581"));
    }
}
