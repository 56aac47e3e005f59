//! Donors: who gives goods, by name only as long as they agree. Everybody else is 热心人士.
//!
//! The register holds names of people and firms who wish to be thanked by name. Whoever takes that back is forgotten here:
//! the donations stay, the name goes. What was given is in `receipt.rs`.

use diesel::prelude::*;

use super::act::{Act, Done};
use crate::access::user::User;
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::donors;
use crate::error::{Error, Result};
use crate::id::Id;

/// What a donor without a name is called.
pub const ANONYMOUS: &str = "热心人士";

/// A donor.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = donors)]
pub struct Donor {
    /// Its id.
    pub id: Id<Donor>,
    /// The name of a person or a firm; empty when it was taken back.
    pub name: String,
    /// Do they agree to be named?
    pub is_named: bool,
    /// Who wrote it down.
    pub registered_by: Id<User>,
    /// When.
    pub registered_at: Moment,
}

impl Donor {
    /// As they appear on pages and paper.
    #[must_use]
    pub fn shown(&self) -> &str {
        match self.is_named {
            true => &self.name,
            false => ANONYMOUS,
        }
    }
}

/// Registers a donor who agrees to be named, and answers the id.
///
/// # Errors
/// `Invalid` for no name or one that is there; `idempotency_conflict`.
pub fn register(conn: &mut Conn, name: &str, act: &Act) -> Result<Id<Donor>> {
    let name = name.trim();
    let answer = act.once(conn, &name, |conn| {
        if !(1..=60).contains(&name.chars().count()) {
            return Err(Error::invalid("donor_name", "请填写捐赠人或单位名称，1至60个字。"));
        }
        if named(conn)?.iter().any(|donor| donor.name == name) {
            return Err(Error::invalid("donor_name", "这位捐赠人已经登记过，请直接选择。"));
        }
        let donor = Donor {
            id: Id::new(act.at),
            name: name.to_owned(),
            is_named: true,
            registered_by: act.by.clone(),
            registered_at: act.at,
        };
        diesel::insert_into(donors::table).values(&donor).execute(conn)?;
        Ok(done(&donor.id))
    })?;
    Ok(Id::known(answer))
}

/// Forgets the name of a donor who does not wish to be named any more.
///
/// # Errors
/// `NotFound`; `idempotency_conflict`.
pub fn forget(conn: &mut Conn, id: &Id<Donor>, act: &Act) -> Result<()> {
    act.once(conn, id, |conn| {
        by_id(conn, id)?;
        diesel::update(donors::table.filter(donors::id.eq(id)))
            .set((donors::name.eq(""), donors::is_named.eq(false)))
            .execute(conn)?;
        Ok(done(id))
    })?;
    Ok(())
}

fn done(id: &Id<Donor>) -> Done {
    Done {
        answer: id.as_str().to_owned(),
        subject: format!("donor:{id}"),
        detail: String::new(),
    }
}

/// A donor.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Donor>) -> Result<Donor> {
    donors::table
        .filter(donors::id.eq(id))
        .select(Donor::as_select())
        .first(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Donors who agree to be named, by name.
///
/// # Errors
/// Only when the database fails.
pub fn named(conn: &mut Conn) -> Result<Vec<Donor>> {
    Ok(donors::table
        .filter(donors::is_named.eq(true))
        .order(donors::name)
        .select(Donor::as_select())
        .load(conn)?)
}
