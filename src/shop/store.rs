//! Points stores: where a programme's points are spent.

use diesel::prelude::*;

use super::till;
use crate::access::role::{Duties, Permission, Reach};
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::points_stores;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};

/// A store.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = points_stores)]
pub struct PointsStore {
    /// Its id.
    pub id: Id<PointsStore>,
    /// Where it is.
    pub area_id: Id<Area>,
    /// What people call it.
    pub name: String,
    /// When it is open, as people say it.
    pub opening_hours: String,
}

/// Opens a store with its first till.
///
/// # Errors
/// Only when the database fails.
pub fn add(conn: &mut Conn, store: &PointsStore, now: Moment) -> Result<()> {
    diesel::insert_into(points_stores::table).values(store).execute(conn)?;
    till::add(conn, &store.id, till::FIRST, "system", now).map(|_| ())
}

/// All stores, by name.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn) -> Result<Vec<PointsStore>> {
    Ok(points_stores::table
        .order((points_stores::name, points_stores::id))
        .select(PointsStore::as_select())
        .load(conn)?)
}

/// The stores in which these duties hold a permission, by name.
///
/// # Errors
/// Only when the database fails.
pub fn all_of_duties(conn: &mut Conn, duties: &Duties, permission: Permission) -> Result<Vec<PointsStore>> {
    let tree = Tree::load(conn)?;
    let reach = duties.reach(permission, &tree);
    let inside = |store: &PointsStore| reach == Reach::Everywhere || reach.covers(&store.area_id);
    Ok(all(conn)?.into_iter().filter(inside).collect())
}

/// The store in which these duties hold a permission.
///
/// # Errors
/// `Forbidden` when there is none.
pub fn of_duties(conn: &mut Conn, duties: &Duties, permission: Permission) -> Result<PointsStore> {
    all_of_duties(conn, duties, permission)?
        .into_iter()
        .next()
        .ok_or(Error::Forbidden("您的职责范围内没有积分超市。"))
}

/// A store.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<PointsStore>) -> Result<PointsStore> {
    points_stores::table
        .find(id)
        .select(PointsStore::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}
