//! Held baskets: put aside while the next household is served, and taken up again. Nothing is redeemed by it, nothing is
//! kept of the card but its number, and a shift cannot be closed over it.

use diesel::prelude::*;

use super::redemption::Wanted;
use super::shift::Shift;
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::held_baskets;
use crate::error::{Error, Result};
use crate::id::Id;

/// A basket that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBasket {
    /// Its id.
    pub id: Id<HeldBasket>,
    /// The card's number, if one was shown. To be scanned it has to be shown again.
    pub card_number: Option<String>,
    /// What was chosen.
    pub lines: Vec<Wanted>,
    /// Since when.
    pub held_at: Moment,
}

/// The most baskets that a shift puts aside.
const MOST: usize = 20;

/// Puts a basket aside.
///
/// # Errors
/// `Invalid` for an empty basket, or when too many are aside.
pub fn hold(
    conn: &mut Conn,
    shift: &Id<Shift>,
    card_number: Option<&str>,
    lines: &[Wanted],
    now: Moment,
) -> Result<Id<HeldBasket>> {
    if lines.is_empty() {
        return Err(Error::invalid("lines", "篮子是空的，不用挂单。"));
    }
    if of_shift(conn, shift)?.len() >= MOST {
        return Err(Error::invalid("lines", format!("挂单最多{MOST}张，请先办完几张。")));
    }
    let id = Id::new(now);
    diesel::insert_into(held_baskets::table)
        .values((
            held_baskets::id.eq(&id),
            held_baskets::shift_id.eq(shift),
            held_baskets::card_number.eq(card_number),
            held_baskets::lines.eq(serde_json::to_string(lines).map_err(Error::internal)?),
            held_baskets::held_at.eq(now),
        ))
        .execute(conn)?;
    Ok(id)
}

/// Takes a basket up again, or drops it: it is aside no more.
///
/// # Errors
/// `NotFound` when it is not aside in this shift, for example because another window took it up.
pub fn take_up(conn: &mut Conn, shift: &Id<Shift>, id: &Id<HeldBasket>) -> Result<HeldBasket> {
    let aside = of_shift(conn, shift)?;
    let found = aside.into_iter().find(|held| held.id == *id).ok_or(Error::NotFound)?;
    diesel::delete(held_baskets::table.find(id)).execute(conn)?;
    Ok(found)
}

/// The baskets that a shift put aside, oldest first.
///
/// # Errors
/// Only when the database fails.
pub fn of_shift(conn: &mut Conn, shift: &Id<Shift>) -> Result<Vec<HeldBasket>> {
    let rows = held_baskets::table
        .filter(held_baskets::shift_id.eq(shift))
        .order(held_baskets::id)
        .select((
            held_baskets::id,
            held_baskets::card_number,
            held_baskets::lines,
            held_baskets::held_at,
        ))
        .load::<(Id<HeldBasket>, Option<String>, String, Moment)>(conn)?;
    rows.into_iter()
        .map(|(id, card_number, lines, held_at)| {
            Ok(HeldBasket {
                id,
                card_number,
                lines: serde_json::from_str(&lines).map_err(Error::internal)?,
                held_at,
            })
        })
        .collect()
}

/// Drops what a shift put aside.
///
/// # Errors
/// Only when the database fails.
pub(super) fn drop_all(conn: &mut Conn, shift: &Id<Shift>) -> Result<()> {
    diesel::delete(held_baskets::table.filter(held_baskets::shift_id.eq(shift))).execute(conn)?;
    Ok(())
}
