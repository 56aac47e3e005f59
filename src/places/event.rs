//! Events of a household: split, merged, moved, left, rejoined … Written once, with the day from which they count.
//!
//! `record` brings the household's row and its residences up to date with the event; points and cards are moved by
//! `registry`, which calls it. No event holds a name.

use diesel::prelude::*;

use super::area::Area;
use super::household::{self, Household};
use super::{residence, standing};
use crate::clock::{Day, Moment, day_of, days_after};
use crate::db::schema::{household_events, households};
use crate::db::{Conn, text_enum};
use crate::error::Result;
use crate::id::Id;

text_enum! {
    /// What happened to a household.
    pub enum EventKind {
        /// 分户: some of its people became a household of their own.
        Split = "split", "分户";
        /// 并户: it became part of another.
        Merged = "merged", "并户";
        /// 搬家 within the programme.
        Moved = "moved", "搬家";
        /// 迁出.
        Left = "left", "迁出";
        /// It came back.
        Rejoined = "rejoined", "重新加入";
        /// Another number of people.
        Resized = "resized", "人口变动";
        /// Another head.
        HeadChanged = "head_changed", "户主变更";
        /// Somebody of it works for the programme or sits on the council, or no longer.
        StaffFlagged = "staff_flagged", "工作人员家庭";
    }
}

/// An event as it was written down.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = household_events, treat_none_as_default_value = false)]
pub struct HouseholdEvent {
    /// Its id.
    pub id: Id<HouseholdEvent>,
    /// To whom.
    pub household_id: Id<Household>,
    /// Counts the household's events.
    pub version: i64,
    /// What.
    pub kind: EventKind,
    /// The new household of a split, the surviving one of a merge.
    pub other_id: Option<Id<Household>>,
    /// From which day it counts.
    pub effective_on: Day,
    /// When it was written.
    pub recorded_at: Moment,
    /// By whom: a user's id.
    pub recorded_by: String,
    /// Why.
    pub reason: String,
    /// What went along, in words, without names.
    pub detail: String,
    /// The transfer of its points.
    pub transaction_number: Option<i64>,
}

/// What an event changes in the household's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Fewer people: the others are the new household, which is registered here.
    Split(Household),
    /// It is part of this household, which has its people too.
    Merged(Id<Household>),
    /// It lives here now.
    Moved {
        /// The building.
        building: Id<Area>,
        /// 单元.
        stairwell: Option<String>,
        /// 房号.
        room: String,
    },
    /// It is gone.
    Left,
    /// It is back.
    Rejoined,
    /// So many people.
    Resized(i64),
    /// Another head.
    HeadChanged(String),
    /// Since when it is a household of staff.
    StaffFlagged(Option<Day>),
}

impl Consequence {
    /// The event that has this consequence.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Consequence::Split(_) => EventKind::Split,
            Consequence::Merged(_) => EventKind::Merged,
            Consequence::Moved { .. } => EventKind::Moved,
            Consequence::Left => EventKind::Left,
            Consequence::Rejoined => EventKind::Rejoined,
            Consequence::Resized(_) => EventKind::Resized,
            Consequence::HeadChanged(_) => EventKind::HeadChanged,
            Consequence::StaffFlagged(_) => EventKind::StaffFlagged,
        }
    }

    fn other(&self) -> Option<Id<Household>> {
        match self {
            Consequence::Split(new) => Some(new.id.clone()),
            Consequence::Merged(into) => Some(into.clone()),
            _ => None,
        }
    }
}

/// When, by whom and why.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// From which day it counts.
    pub effective_on: Day,
    /// When it is written.
    pub recorded_at: Moment,
    /// By whom: a user's id.
    pub recorded_by: String,
    /// Why.
    pub reason: String,
    /// What goes along, in words, without names.
    pub detail: String,
    /// The transfer of its points.
    pub transaction_number: Option<i64>,
}

/// Writes an event and what it changes.
///
/// # Errors
/// Only when the database fails: whoever calls has seen that it can be.
pub fn record(
    conn: &mut Conn,
    household: &Household,
    consequence: &Consequence,
    occasion: Occasion,
) -> Result<HouseholdEvent> {
    let on = occasion.effective_on;
    // The residence that ends is written before the event that ends it.
    if matches!(
        consequence,
        Consequence::Merged(_) | Consequence::Moved { .. } | Consequence::Left
    ) {
        residence::end(conn, household, on)?;
    }
    apply(conn, household, consequence, on, day_of(occasion.recorded_at))?;
    let last = household_events::table
        .filter(household_events::household_id.eq(&household.id))
        .select(diesel::dsl::max(household_events::version))
        .get_result::<Option<i64>>(conn)?;
    let event = HouseholdEvent {
        version: last.unwrap_or(0).saturating_add(1),
        id: Id::new(occasion.recorded_at),
        household_id: household.id.clone(),
        kind: consequence.kind(),
        other_id: consequence.other(),
        effective_on: on,
        recorded_at: occasion.recorded_at,
        recorded_by: occasion.recorded_by,
        reason: occasion.reason,
        detail: occasion.detail,
        transaction_number: occasion.transaction_number,
    };
    diesel::insert_into(household_events::table)
        .values(&event)
        .execute(conn)?;
    Ok(event)
}

fn apply(conn: &mut Conn, household: &Household, consequence: &Consequence, on: Day, today: Day) -> Result<()> {
    let row = households::table.find(&household.id);
    match consequence {
        Consequence::Split(new) => {
            let left = household.people.saturating_sub(new.people);
            diesel::update(row).set(households::people.eq(left)).execute(conn)?;
            household::register(conn, std::slice::from_ref(new))?;
        }
        Consequence::Merged(into) => {
            let other = household::by_id(conn, into)?;
            let together = other.people.saturating_add(household.people);
            diesel::update(households::table.find(into))
                .set(households::people.eq(together))
                .execute(conn)?;
            standing::end(conn, &household.id, on, Some(into), None)?;
        }
        Consequence::Moved {
            building,
            stairwell,
            room,
        } => {
            diesel::update(row)
                .set((
                    households::building_id.eq(building),
                    households::stairwell.eq(stairwell),
                    households::room.eq(room),
                ))
                .execute(conn)?;
        }
        // From the day on which it is written, so that nobody loses days because paper was slow.
        Consequence::Left => {
            let until = days_after(on.max(today), standing::REDEEMABLE_DAYS);
            standing::end(conn, &household.id, on, None, Some(until))?;
        }
        Consequence::Rejoined => standing::resume(conn, &household.id)?,
        Consequence::Resized(people) => {
            diesel::update(row).set(households::people.eq(people)).execute(conn)?;
        }
        Consequence::HeadChanged(name) => {
            diesel::update(row)
                .set((
                    households::head_name.eq(name),
                    households::head_initials.eq(household::initials(name)),
                ))
                .execute(conn)?;
        }
        Consequence::StaffFlagged(since) => standing::flag_staff(conn, &household.id, *since)?,
    }
    Ok(())
}

/// The events of a household, newest first: its own, and those of others that ended or began in it.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<HouseholdEvent>> {
    Ok(household_events::table
        .filter(
            household_events::household_id
                .eq(household)
                .or(household_events::other_id.eq(household)),
        )
        .order((household_events::recorded_at.desc(), household_events::version.desc()))
        .select(HouseholdEvent::as_select())
        .load(conn)?)
}

/// The last of leaving, merging and coming back by this day.
pub(super) fn last_turn(conn: &mut Conn, household: &Id<Household>, day: Day) -> Result<Option<EventKind>> {
    let turns = [EventKind::Left, EventKind::Merged, EventKind::Rejoined];
    Ok(household_events::table
        .filter(household_events::household_id.eq(household))
        .filter(household_events::kind.eq_any(turns))
        .filter(household_events::effective_on.le(day))
        .order((household_events::effective_on.desc(), household_events::version.desc()))
        .limit(1)
        .select(household_events::kind)
        .get_result(conn)
        .optional()?)
}

/// The day of the last coming back.
pub(super) fn rejoined_on(conn: &mut Conn, household: &Id<Household>) -> Result<Option<Day>> {
    Ok(household_events::table
        .filter(household_events::household_id.eq(household))
        .filter(household_events::kind.eq(EventKind::Rejoined))
        .select(diesel::dsl::max(household_events::effective_on))
        .get_result(conn)?)
}

/// The household that this one was split from.
///
/// # Errors
/// Only when the database fails.
pub fn split_from(conn: &mut Conn, household: &Id<Household>) -> Result<Option<HouseholdEvent>> {
    Ok(household_events::table
        .filter(household_events::other_id.eq(household))
        .filter(household_events::kind.eq(EventKind::Split))
        .select(HouseholdEvent::as_select())
        .get_result(conn)
        .optional()?)
}
