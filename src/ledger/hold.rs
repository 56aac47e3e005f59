//! Holds: points that a till keeps for an hour without network, so that what it sells then is there when it comes back.
//!
//! A hold keeps some points of each of many owners for one holder, until a moment or until it is ended. Nothing is posted
//! for it: the points stay on the owner's account, and the laws in `transaction` refuse whatever would take them from
//! under the holder. What the holder itself takes comes out of its hold first. So the sum of what live holds keep of an
//! owner is never above the owner's balance, whatever happens.
//!
//! Points that expire while the hold lives are not kept: they go to `expiry` on their day, hold or no hold.
//!
//! Somebody who needs points that are held asks for them with [`recall`]; the holder, when it is next heard of, lets them
//! go with [`let_go`]. A holder that is not heard of keeps them until the hold's last moment.

use std::collections::HashMap;

use diesel::prelude::*;

use super::account::AccountKind;
use super::lot;
use crate::clock::{Moment, day_of};
use crate::db::schema::{accounts, held_points, holds, transactions};
use crate::db::{Columns, Conn, RowUpdate, insert_rows, update_rows};
use crate::error::{Error, Result};
use crate::points::Points;

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = holds, treat_none_as_default_value = false)]
pub struct Hold {
    /// Its number.
    pub number: i64,
    /// Who holds.
    pub holder: String,
    /// Points of each owner at most.
    pub points_each: Points,
    /// Since when.
    pub taken_at: Moment,
    /// From this moment on it keeps nothing.
    pub until_at: Moment,
    /// When it was ended before that.
    pub ended_at: Option<Moment>,
}

/// What a hold keeps of an owner.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = held_points, treat_none_as_default_value = false)]
pub struct HeldPoints {
    /// Its number.
    pub id: i64,
    /// Of which hold.
    pub hold_number: i64,
    /// Whose points.
    pub owner: String,
    /// What is left.
    pub points: Points,
    /// What its holder took.
    pub used: Points,
    /// Since when somebody else asks for it.
    pub recalled_at: Option<Moment>,
}

/// What live holds keep of some owners: the part of the books that [`super::transaction::Books`] looks at.
#[derive(Debug, Default)]
pub(super) struct Held {
    by_owner: HashMap<String, Vec<Part>>,
}

/// One hold's part.
#[derive(Debug)]
struct Part {
    id: i64,
    holder: String,
    until_at: Moment,
    points: Points,
    used: Points,
    changed: bool,
}

const HELD: Columns = Columns {
    table: "held_points",
    key: "id",
    set: ["points", "used"],
};

impl Held {
    /// Loads what is held of these owners.
    pub(super) fn load(conn: &mut Conn, owners: &[&str]) -> Result<Held> {
        let mut by_owner: HashMap<String, Vec<Part>> = HashMap::new();
        let rows = held_points::table
            .inner_join(holds::table)
            .filter(held_points::owner.eq_any(owners).and(holds::ended_at.is_null()))
            .select((
                held_points::owner,
                held_points::id,
                held_points::points,
                held_points::used,
                holds::holder,
                holds::until_at,
            ))
            .load::<(String, i64, Points, Points, String, Moment)>(conn)?;
        for (owner, id, points, used, holder, until_at) in rows {
            by_owner.entry(owner).or_default().push(Part {
                id,
                holder,
                until_at,
                points,
                used,
                changed: false,
            });
        }
        Ok(Held { by_owner })
    }

    pub(super) fn is_any(&self) -> bool {
        !self.by_owner.is_empty()
    }

    pub(super) fn extend(&mut self, other: Held) {
        self.by_owner.extend(other.by_owner);
    }

    /// What others than `holder` keep of an owner at a moment.
    pub(super) fn by_others(&self, owner: &str, holder: Option<&str>, at: Moment) -> Points {
        let parts = self.by_owner.get(owner).into_iter().flatten();
        parts
            .filter(|part| part.until_at > at && holder != Some(part.holder.as_str()))
            .fold(Points::ZERO, |sum, part| {
                sum.plus(part.points).unwrap_or(Points(i64::MAX))
            })
    }

    /// Who else keeps points of an owner at a moment.
    pub(super) fn holders(&self, owner: &str, holder: Option<&str>, at: Moment) -> Vec<String> {
        let parts = self.by_owner.get(owner).into_iter().flatten();
        parts
            .filter(|part| part.until_at > at && part.points > Points::ZERO && holder != Some(part.holder.as_str()))
            .map(|part| part.holder.clone())
            .collect()
    }

    /// What the holder takes comes out of its hold first.
    pub(super) fn take(&mut self, owner: &str, holder: &str, amount: Points, at: Moment) {
        let parts = self.by_owner.get_mut(owner).into_iter().flatten();
        for part in parts.filter(|part| part.holder == holder && part.until_at > at) {
            let taken = part.points.min(amount);
            part.points = Points(part.points.0.saturating_sub(taken.0));
            part.used = Points(part.used.0.saturating_add(taken.0));
            part.changed = true;
        }
    }

    pub(super) fn save(self, conn: &mut Conn) -> Result<()> {
        let changed: Vec<RowUpdate> = self
            .by_owner
            .into_values()
            .flatten()
            .filter(|part| part.changed)
            .map(|part| RowUpdate {
                key: part.id,
                values: [part.points.0, part.used.0],
            })
            .collect();
        update_rows(conn, HELD, &changed)
    }
}

/// Takes a hold on these owners for a holder, of each as much as is free and outlasts the hold, `points_each` at most. The
/// holder's earlier hold ends with it, and so do those whose last moment is over; their numbers are answered too.
///
/// # Errors
/// Only when the database fails.
pub fn take(
    conn: &mut Conn,
    holder: &str,
    points_each: Points,
    owners: &[&str],
    now: Moment,
    until_at: Moment,
) -> Result<(Hold, Vec<i64>)> {
    let mut ended = end(conn, holder, now)?;
    ended.extend(end_lapsed(conn, now)?);
    let number = holds::table
        .select(diesel::dsl::max(holds::number))
        .get_result::<Option<i64>>(conn)?
        .unwrap_or(0)
        .saturating_add(1);
    let hold = Hold {
        number,
        holder: holder.to_owned(),
        points_each,
        taken_at: now,
        until_at,
        ended_at: None,
    };
    diesel::insert_into(holds::table).values(&hold).execute(conn)?;
    let mut free: HashMap<String, Points> = HashMap::new();
    for chunk in owners.chunks(500) {
        let balances = accounts::table
            .filter(
                accounts::owner
                    .eq_any(chunk)
                    .and(accounts::kind.eq(AccountKind::Spendable)),
            )
            .filter(accounts::balance.gt(Points::ZERO))
            .select((accounts::owner, accounts::balance))
            .load::<(String, Points)>(conn)?;
        free.extend(balances);
        for ending in lot::expiring(conn, Some(chunk), day_of(until_at))? {
            lessen(&mut free, &ending.owner, ending.points);
        }
        let held = held_points::table
            .inner_join(holds::table)
            .filter(held_points::owner.eq_any(chunk).and(holds::until_at.gt(now)))
            .select((held_points::owner, held_points::points))
            .load::<(String, Points)>(conn)?;
        for (owner, points) in held {
            lessen(&mut free, &owner, points);
        }
    }
    let mut free: Vec<(String, Points)> = free.into_iter().collect();
    free.sort();
    let last = held_points::table
        .select(diesel::dsl::max(held_points::id))
        .get_result::<Option<i64>>(conn)?;
    let rows: Vec<HeldPoints> = free
        .into_iter()
        .map(|(owner, free)| (owner, free.min(points_each)))
        .filter(|(_, points)| *points > Points::ZERO)
        .zip(last.unwrap_or(0).saturating_add(1)..)
        .map(|((owner, points), id)| HeldPoints {
            id,
            hold_number: number,
            owner,
            points,
            used: Points::ZERO,
            recalled_at: None,
        })
        .collect();
    insert_rows!(conn, held_points::table, &rows);
    Ok((hold, ended))
}

fn lessen(free: &mut HashMap<String, Points>, owner: &str, by: Points) {
    if let Some(points) = free.get_mut(owner) {
        *points = Points(points.0.saturating_sub(by.0).max(0));
    }
}

/// Ends a holder's hold: what it kept is free. Answers the number of what was ended.
///
/// # Errors
/// Only when the database fails.
pub fn end(conn: &mut Conn, holder: &str, now: Moment) -> Result<Vec<i64>> {
    let live = holds::table
        .filter(holds::holder.eq(holder).and(holds::ended_at.is_null()))
        .select(holds::number)
        .load::<i64>(conn)?;
    end_all(conn, &live, now)?;
    Ok(live)
}

/// Ends the holds whose last moment is over, and answers their numbers.
fn end_lapsed(conn: &mut Conn, now: Moment) -> Result<Vec<i64>> {
    let lapsed = holds::table
        .filter(holds::until_at.le(now).and(holds::ended_at.is_null()))
        .select(holds::number)
        .load::<i64>(conn)?;
    end_all(conn, &lapsed, now)?;
    Ok(lapsed)
}

fn end_all(conn: &mut Conn, numbers: &[i64], now: Moment) -> Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    diesel::delete(held_points::table.filter(held_points::hold_number.eq_any(numbers))).execute(conn)?;
    diesel::update(holds::table.filter(holds::number.eq_any(numbers)))
        .set(holds::ended_at.eq(Some(now)))
        .execute(conn)?;
    Ok(())
}

/// The live hold of a holder.
///
/// # Errors
/// Only when the database fails.
pub fn live(conn: &mut Conn, holder: &str, now: Moment) -> Result<Option<Hold>> {
    Ok(holds::table
        .filter(holds::holder.eq(holder).and(holds::ended_at.is_null()))
        .filter(holds::until_at.gt(now))
        .select(Hold::as_select())
        .first(conn)
        .optional()?)
}

/// A hold.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<Hold> {
    holds::table
        .find(number)
        .select(Hold::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// What a hold keeps.
///
/// # Errors
/// Only when the database fails.
pub fn kept(conn: &mut Conn, number: i64) -> Result<Vec<HeldPoints>> {
    Ok(held_points::table
        .filter(held_points::hold_number.eq(number))
        .order(held_points::id)
        .select(HeldPoints::as_select())
        .load(conn)?)
}

/// What a hold is asked to let go.
///
/// # Errors
/// Only when the database fails.
pub fn recalled(conn: &mut Conn, number: i64) -> Result<Vec<HeldPoints>> {
    Ok(held_points::table
        .filter(
            held_points::hold_number
                .eq(number)
                .and(held_points::recalled_at.is_not_null()),
        )
        .filter(held_points::points.gt(Points::ZERO))
        .order(held_points::id)
        .select(HeldPoints::as_select())
        .load(conn)?)
}

/// Asks all holders but this one for what they keep of an owner.
///
/// # Errors
/// Only when the database fails.
pub fn recall(conn: &mut Conn, owner: &str, except: Option<&str>, now: Moment) -> Result<()> {
    let mine = holds::table
        .filter(
            holds::holder
                .eq(except.unwrap_or_default())
                .and(holds::ended_at.is_null()),
        )
        .select(holds::number)
        .load::<i64>(conn)?;
    diesel::update(
        held_points::table
            .filter(held_points::owner.eq(owner).and(held_points::recalled_at.is_null()))
            .filter(held_points::hold_number.ne_all(mine)),
    )
    .set(held_points::recalled_at.eq(Some(now)))
    .execute(conn)?;
    Ok(())
}

/// The holder lets these go. What was not recalled stays.
///
/// # Errors
/// Only when the database fails.
pub fn let_go(conn: &mut Conn, number: i64, ids: &[i64]) -> Result<()> {
    diesel::update(
        held_points::table
            .filter(held_points::hold_number.eq(number).and(held_points::id.eq_any(ids)))
            .filter(held_points::recalled_at.is_not_null()),
    )
    .set(held_points::points.eq(Points::ZERO))
    .execute(conn)?;
    Ok(())
}

/// An owner of whom live holds keep more than there is, which the laws forbid: as of the last transaction, because what is
/// over by then keeps nothing.
pub(super) fn uncovered(conn: &mut Conn) -> Result<Option<String>> {
    let last = transactions::table
        .select(diesel::dsl::max(transactions::recorded_at))
        .get_result::<Option<Moment>>(conn)?;
    let rows = held_points::table
        .inner_join(holds::table)
        .left_join(
            accounts::table.on(accounts::owner
                .eq(held_points::owner)
                .and(accounts::kind.eq(AccountKind::Spendable))),
        )
        .filter(holds::ended_at.is_null())
        .filter(holds::until_at.gt(last.unwrap_or_default()))
        .order(held_points::owner)
        .select((held_points::owner, held_points::points, accounts::balance.nullable()))
        .load::<(String, Points, Option<Points>)>(conn)?;
    let mut held: HashMap<&str, i64> = HashMap::new();
    for (owner, points, balance) in &rows {
        let sum = held.entry(owner).or_default();
        *sum = sum.saturating_add(points.0);
        if *sum > balance.unwrap_or_default().0 {
            return Ok(Some(owner.clone()));
        }
    }
    Ok(None)
}
