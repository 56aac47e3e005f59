//! Residences: where a household lived on which day.
//!
//! The household's row says where it lives now; a row here says where it lived before, and is written when that ends. A
//! building that went to another grid is the same building: `area_move` tells whose it was.

use diesel::prelude::*;

use super::area::Area;
use super::household::{self, Household};
use super::{event, standing};
use crate::clock::{Day, day_of};
use crate::db::Conn;
use crate::db::schema::household_residences;
use crate::error::Result;
use crate::id::Id;

/// Where a household lived, from the first day through the day before `until_on`.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = household_residences, treat_none_as_default_value = false)]
pub struct Residence {
    /// Who.
    pub household_id: Id<Household>,
    /// The first day.
    pub from_on: Day,
    /// The first day after.
    pub until_on: Day,
    /// The building.
    pub building_id: Id<Area>,
    /// 单元.
    pub stairwell: Option<String>,
    /// 房号.
    pub room: String,
}

/// Where a household lived before, oldest first.
///
/// # Errors
/// Only when the database fails.
pub fn former(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<Residence>> {
    Ok(household_residences::table
        .filter(household_residences::household_id.eq(household))
        .order(household_residences::from_on)
        .select(Residence::as_select())
        .load(conn)?)
}

/// Since when the household lives where its row says.
///
/// # Errors
/// Only when the database fails.
pub fn since(conn: &mut Conn, household: &Household) -> Result<Day> {
    let last = former(conn, &household.id)?.last().map(|last| last.until_on);
    let back = event::rejoined_on(conn, &household.id)?;
    Ok(day_of(household.registered_at)
        .max(last.unwrap_or_default())
        .max(back.unwrap_or_default()))
}

/// The building in which the household lived on this day; `None` when it was not part of the programme.
///
/// # Errors
/// `NotFound` without such a household.
pub fn building_on(conn: &mut Conn, household: &Id<Household>, day: Day) -> Result<Option<Id<Area>>> {
    if !standing::was_active_on(conn, household, day)? {
        return Ok(None);
    }
    let earlier = former(conn, household)?
        .into_iter()
        .find(|one| one.from_on <= day && day < one.until_on);
    match earlier {
        Some(residence) => Ok(Some(residence.building_id)),
        None => Ok(Some(household::by_id(conn, household)?.building_id)),
    }
}

/// Writes that the household no longer lives where its row says.
pub(super) fn end(conn: &mut Conn, household: &Household, until_on: Day) -> Result<()> {
    let from_on = since(conn, household)?;
    // Of a residence that began on the same day no day is left to remember.
    if from_on >= until_on {
        return Ok(());
    }
    let residence = Residence {
        household_id: household.id.clone(),
        from_on,
        until_on,
        building_id: household.building_id.clone(),
        stairwell: household.stairwell.clone(),
        room: household.room.clone(),
    };
    diesel::insert_into(household_residences::table)
        .values(&residence)
        .execute(conn)?;
    Ok(())
}
