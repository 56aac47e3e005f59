//! The programme: what it is called, where residents find it, and the key of its cards.
//!
//! One row. Without it the database is empty and the first-run page greets.

use diesel::prelude::*;

use crate::audit::{self, Event};
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
    /// Who issues papers that bear a stamp, by the name on the stamp: `晨光社区居民委员会`.
    pub issuer: String,
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
    /// Who issues papers that bear a stamp.
    pub issuer: String,
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
    let contact = Contact {
        office: new.office,
        phone: new.phone,
        issuer: new.issuer,
    };
    let contact = contact.checked()?;
    let programme = Programme {
        id: Id::new(now),
        name: new.name.trim().to_owned(),
        address: card_address(&new.address)?,
        office: contact.office,
        phone: contact.phone,
        issuer: contact.issuer,
        card_key: card_key.to_vec(),
        created_at: now,
    };
    diesel::insert_into(programmes::table)
        .values(&programme)
        .execute(conn)?;
    Ok(programme)
}

/// What papers say of the office; it may change, and the papers printed from then on say so.
#[derive(Clone, Debug, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = programmes)]
pub struct Contact {
    /// Where the office is.
    pub office: String,
    /// The office's telephone.
    pub phone: String,
    /// Who issues papers that bear a stamp.
    pub issuer: String,
}

impl Contact {
    fn checked(&self) -> Result<Contact> {
        let line = |field, text: &str, most: usize, problem| match text.trim() {
            text if text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control) => {
                Err(Error::invalid(field, problem))
            }
            text => Ok(text.to_owned()),
        };
        Ok(Contact {
            office: line("office", &self.office, 60, "请填写办公地点，1至60个字。")?,
            phone: line("phone", &self.phone, 30, "请填写办公电话，1至30个字。")?,
            issuer: line("issuer", &self.issuer, 40, "请填写落款单位，1至40个字。")?,
        })
    }
}

/// Changes what papers say of the office.
///
/// # Errors
/// `Invalid` for what is missing or too long.
pub fn change(conn: &mut Conn, contact: &Contact, by: &str, now: Moment) -> Result<()> {
    let contact = contact.checked()?;
    diesel::update(programmes::table).set(&contact).execute(conn)?;
    let Contact { office, phone, issuer } = contact;
    let after = format!("{office}，{phone}，{issuer}");
    audit::record(
        conn,
        &[Event::new(by, "programme.changed", "programme".to_owned(), after, now)],
    )
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
