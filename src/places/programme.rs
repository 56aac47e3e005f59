//! The programme: what it is called, where residents find it, and the key of its cards.
//!
//! One row. Without it the database is empty and the first-run page greets.

use diesel::prelude::*;

use crate::clock::{Day, Moment, day_of};
use crate::db::Conn;
use crate::db::schema::programmes;
use crate::error::{Error, Result};
use crate::id::{Id, fill_random};

/// A programme.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = programmes)]
pub struct Programme {
    id: Id<Programme>,
    /// What people call it.
    pub name: String,
    /// The address that cards carry, without a slash at the end.
    pub address: String,
    /// Where the office is.
    pub office: String,
    /// The office's telephone.
    pub phone: String,
    card_key: Vec<u8>,
    created_at: Moment,
}

impl Programme {
    /// The key of the card secrets' digests.
    #[must_use]
    pub fn card_key(&self) -> &[u8] {
        &self.card_key
    }

    /// The day on which it was founded.
    #[must_use]
    pub fn began_on(&self) -> Day {
        day_of(self.created_at)
    }
}

/// What the first-run page asks for.
#[derive(Clone, Debug)]
pub struct NewProgramme {
    /// What people call it.
    pub name: String,
    /// The address that cards carry.
    pub address: String,
    /// Where the office is.
    pub office: String,
    /// The office's telephone.
    pub phone: String,
}

/// The programme, or `None` in an empty database.
///
/// # Errors
/// Only when the database fails.
pub fn find(conn: &mut Conn) -> Result<Option<Programme>> {
    Ok(programmes::table
        .select(Programme::as_select())
        .get_result(conn)
        .optional()?)
}

/// The programme of a database that has one.
///
/// # Errors
/// `NotFound` in an empty database.
pub fn get(conn: &mut Conn) -> Result<Programme> {
    find(conn)?.ok_or(Error::NotFound)
}

/// A fresh key for the digests of card secrets.
#[must_use]
pub fn new_card_key() -> [u8; 32] {
    let mut key = [0u8; 32];
    fill_random(&mut key);
    key
}

/// Founds the programme.
///
/// # Errors
/// `Invalid` for a missing name or an address that no phone could open.
pub fn found(conn: &mut Conn, new: NewProgramme, card_key: [u8; 32], now: Moment) -> Result<Programme> {
    if new.name.trim().is_empty() || new.name.chars().count() > 40 {
        return Err(Error::invalid("name", "请填写项目名称，1至40个字。"));
    }
    let programme = Programme {
        id: Id::new(now),
        name: new.name.trim().to_owned(),
        address: card_address(&new.address)?,
        office: new.office.trim().to_owned(),
        phone: new.phone.trim().to_owned(),
        card_key: card_key.to_vec(),
        created_at: now,
    };
    diesel::insert_into(programmes::table)
        .values(&programme)
        .execute(conn)?;
    Ok(programme)
}

/// Checks the address that goes on cards: http or https, a plain host, an optional port, nothing else.
fn card_address(text: &str) -> Result<String> {
    let text = text.trim().trim_end_matches('/');
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = host.is_some_and(|host| {
        !host.is_empty()
            && host.len() <= 80
            && host
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | ':'))
    });
    if !plain {
        return Err(Error::invalid(
            "address",
            "网址应为 https://域名 或 http://域名:端口 的形式，例如 https://jifen.example.cn。",
        ));
    }
    Ok(text.to_owned())
}
