//! The letter that appoints a member of the council (聘书), to be handed over at a meeting.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::clock::spoken_day;
use crate::council::member::{self, buildings_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::programme;

/// What a member is asked for.
const DUTY: &str = "请公道评议邻里好事，评到自己家和亲属家时回避，不外传会上的讨论。";

/// A letter of appointment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    paper: Head,
    name: String,
    area: String,
    term_from: String,
    term_to: String,
    duty: String,
    issued_on: String,
    issuer: String,
}

/// The letter of a member, by the seat's id.
///
/// # Errors
/// `Invalid` without an id; `NotFound`, also for a council that decides about no household within reach.
pub fn load(conn: &mut Conn, order: &Order) -> Result<Letter> {
    let member = member::by_id(conn, &Id::known(order.id()?))?;
    let tree = Tree::load(conn)?;
    let reach = order.reach(conn, Permission::ReadCouncil)?;
    let mut decided_about = buildings_of(&tree, &member.area_id).into_iter();
    if !reach.covers(&member.area_id) && !decided_about.any(|building| reach.covers(&building)) {
        return Err(Error::NotFound);
    }
    let issued_on = spoken_day(member.appointed_on);
    Ok(Letter {
        paper: order.head(conn, Some(&member.area_id))?,
        area: name_of(&tree, &member.area_id),
        name: member.name,
        term_from: issued_on.clone(),
        term_to: spoken_day(member.term_ends_on),
        duty: DUTY.to_owned(),
        issued_on,
        issuer: programme::get(conn)?.issuer,
    })
}

/// `晨光社区`, or the township's name.
fn name_of(tree: &Tree, area: &Id<Area>) -> String {
    match tree.address(area) {
        address if address.is_empty() => tree.get(area).map(|area| area.name.clone()).unwrap_or_default(),
        address => address,
    }
}
