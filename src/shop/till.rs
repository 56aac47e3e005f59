//! Tills: the places in a store at which goods go over the counter. Each has its own shift, and its own share while the
//! network is down.

use diesel::prelude::*;

use super::store::PointsStore;
use crate::access::user::User;
use crate::audit;
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::tills;
use crate::error::{Error, Result};
use crate::id::Id;

/// A till.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = tills)]
pub struct Till {
    /// Its id.
    pub id: Id<Till>,
    /// The store it stands in.
    pub store_id: Id<PointsStore>,
    /// `1号柜台`
    pub name: String,
    /// Since when it is not used any more.
    pub withdrawn_at: Option<Moment>,
}

/// The name that the first till of a store has.
pub const FIRST: &str = "1号柜台";

/// Puts up a till.
///
/// # Errors
/// `Invalid` for a name that is empty, longer than 20 characters, or taken in this store.
pub fn add(conn: &mut Conn, store: &Id<PointsStore>, name: &str, by: &str, now: Moment) -> Result<Till> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 20 {
        return Err(Error::invalid("till", "请写柜台名称，1至20个字。"));
    }
    if of_store(conn, store)?.iter().any(|till| till.name == name) {
        return Err(Error::invalid("till", "本店已有同名的柜台。"));
    }
    let till = Till {
        id: Id::new(now),
        store_id: store.clone(),
        name: name.to_owned(),
        withdrawn_at: None,
    };
    diesel::insert_into(tills::table).values(&till).execute(conn)?;
    let subject = format!("till:{}", till.id);
    audit::record(
        conn,
        &[audit::Event::new(by, "till.added", subject, name.to_owned(), now)],
    )?;
    Ok(till)
}

/// Takes a till out of use. The shift at it has to be closed first.
///
/// # Errors
/// `NotFound`; `Invalid` while a shift is open at it.
pub fn withdraw(conn: &mut Conn, store: &Id<PointsStore>, id: &Id<Till>, by: &Id<User>, now: Moment) -> Result<()> {
    let till = by_id(conn, id)?;
    if till.store_id != *store {
        return Err(Error::NotFound);
    }
    if super::shift::open_at(conn, id)?.is_some() {
        return Err(Error::invalid("till", "这个柜台的班还没有交，请先交班再停用。"));
    }
    diesel::update(tills::table.find(id))
        .set(tills::withdrawn_at.eq(now))
        .execute(conn)?;
    let subject = format!("till:{id}");
    audit::record(
        conn,
        &[audit::Event::new(
            by.as_str(),
            "till.withdrawn",
            subject,
            till.name,
            now,
        )],
    )
}

/// The tills of a store that are in use, by name.
///
/// # Errors
/// Only when the database fails.
pub fn of_store(conn: &mut Conn, store: &Id<PointsStore>) -> Result<Vec<Till>> {
    Ok(tills::table
        .filter(tills::store_id.eq(store).and(tills::withdrawn_at.is_null()))
        .order((tills::name, tills::id))
        .select(Till::as_select())
        .load(conn)?)
}

/// A till.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Till>) -> Result<Till> {
    tills::table
        .find(id)
        .select(Till::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}
