//! Points stores: where a programme's points are spent.

use diesel::prelude::*;

use super::till;
use crate::access::role::{Duties, Permission, Reach, Role};
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
        .order((
            points_stores::kind.is_not_null(),
            points_stores::name,
            points_stores::id,
        ))
        .select(PointsStore::as_select())
        .load(conn)?)
}

/// The stores to which the households of a building go: those of its area or of one around it, our own first.
///
/// # Errors
/// Only when the database fails.
pub fn near(conn: &mut Conn, tree: &Tree, building: &Id<Area>) -> Result<Vec<PointsStore>> {
    let Some(building) = tree.get(building) else {
        return Ok(Vec::new());
    };
    let around = |store: &PointsStore| {
        tree.get(&store.area_id)
            .is_some_and(|area| building.path.starts_with(&area.path))
    };
    Ok(all(conn)?.into_iter().filter(around).collect())
}

/// The word for a partner's shop in `points_stores`.
const PARTNER: &str = "partner";

/// Opens a partner's shop with its first till. Its keeper's duty is held for just this area, so an area has one.
///
/// # Errors
/// `Invalid` for an area that has a partner's shop.
pub fn add_partner(conn: &mut Conn, store: &PointsStore, by: &str, now: Moment) -> Result<()> {
    let taken = points_stores::table
        .filter(points_stores::kind.eq(PARTNER))
        .filter(points_stores::area_id.eq(&store.area_id))
        .count()
        .get_result::<i64>(conn)?;
    if taken > 0 {
        return Err(Error::invalid(
            "area",
            "这个区域已有一家定点商户，店主的职责会分不清，请选更小的区域，例如楼栋。",
        ));
    }
    diesel::insert_into(points_stores::table)
        .values((store, points_stores::kind.eq(PARTNER)))
        .execute(conn)?;
    till::add(conn, &store.id, till::FIRST, by, now).map(|_| ())
}

/// The partners' shops, by name.
///
/// # Errors
/// Only when the database fails.
pub fn partners(conn: &mut Conn) -> Result<Vec<PointsStore>> {
    Ok(points_stores::table
        .filter(points_stores::kind.eq(PARTNER))
        .order((points_stores::name, points_stores::id))
        .select(PointsStore::as_select())
        .load(conn)?)
}

/// Is this a partner's shop?
///
/// # Errors
/// Only when the database fails.
pub fn is_partner(conn: &mut Conn, id: &Id<PointsStore>) -> Result<bool> {
    Ok(partners(conn)?.iter().any(|shop| shop.id == *id))
}

/// Duties about stock do not reach a partner's shop, which keeps no stock of ours.
const OF_STOCK: [Permission; 6] = [
    Permission::ReadStock,
    Permission::ReceiveStock,
    Permission::CountStock,
    Permission::ConfirmStock,
    Permission::KeepGoods,
    Permission::ReadGoodsRegisters,
];

/// The stores in which these duties hold a permission, our own first, by name.
///
/// Who keeps a partner's shop keeps that one, and not the others of its area; who works our counter does not work a partner's.
///
/// # Errors
/// Only when the database fails.
pub fn all_of_duties(conn: &mut Conn, duties: &Duties, permission: Permission) -> Result<Vec<PointsStore>> {
    let tree = Tree::load(conn)?;
    let partners: Vec<Id<PointsStore>> = partners(conn)?.into_iter().map(|store| store.id).collect();
    let ours = Duties(
        duties
            .0
            .iter()
            .filter(|(role, _)| !role.is_partners())
            .cloned()
            .collect(),
    );
    let reach = ours.reach(permission, &tree);
    let inside = |store: &PointsStore| {
        let within = reach == Reach::Everywhere || reach.covers(&store.area_id);
        let keeps =
            |(role, area): &(Role, Id<Area>)| role.is_partners() && role.permits(permission) && *area == store.area_id;
        match partners.contains(&store.id) {
            false => within,
            true if permission == Permission::Redeem => duties.0.iter().any(keeps),
            true => !OF_STOCK.contains(&permission) && (within || duties.0.iter().any(keeps)),
        }
    };
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
