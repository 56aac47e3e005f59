//! What goes to those who decide: the share of the households of staff and council members in the points of a year (SG12).
//!
//! Everybody may read it as one figure, and only when enough such households are in it, so that it speaks of nobody.

use std::collections::HashSet;

use diesel::prelude::*;

use super::member;
use super::nomination::State;
use crate::access::user;
use crate::clock::{Day, Span, begin_of};
use crate::db::Conn;
use crate::db::schema::nominations;
use crate::error::Result;
use crate::id::Id;
use crate::places::household::{self, Household};
use crate::places::standing;
use crate::points::Points;

/// Fewer households than this are not told apart from the others.
pub const FEWEST: usize = 5;

/// The share of those who decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffShare {
    /// Households in which somebody works for the programme or sits on a council.
    pub households: usize,
    /// All households.
    pub of_households: i64,
    /// Points that posted for them.
    pub points: Points,
    /// Points that posted for all.
    pub of_points: Points,
}

impl StaffShare {
    /// Of a hundred households, how many are theirs; to a tenth.
    #[must_use]
    pub fn of_hundred_households(&self) -> String {
        of_hundred(i64::try_from(self.households).unwrap_or(i64::MAX), self.of_households)
    }

    /// Of a hundred points, how many went to them; to a tenth.
    #[must_use]
    pub fn of_hundred_points(&self) -> String {
        of_hundred(self.points.0, self.of_points.0)
    }
}

fn of_hundred(part: i64, whole: i64) -> String {
    let tenths = part.saturating_mul(1_000).checked_div(whole).unwrap_or(0);
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// The households of those who decide: in which somebody works for the programme or sits on a council on this day.
///
/// # Errors
/// Only when the database fails.
pub fn homes(conn: &mut Conn, today: Day) -> Result<HashSet<Id<Household>>> {
    let mut theirs: HashSet<Id<Household>> = standing::staff(conn)?;
    theirs.extend(user::homes(conn)?);
    let seats = member::all(conn)?.into_iter().filter(|seat| seat.sits_on(today));
    theirs.extend(seats.filter_map(|seat| seat.household_id));
    Ok(theirs)
}

/// The share in the year of a day; `None` when there are fewer such households than [`FEWEST`].
///
/// # Errors
/// Only when the database fails.
pub fn of_year(conn: &mut Conn, today: Day) -> Result<Option<StaffShare>> {
    in_span(conn, Span::year_of(today), today)
}

/// The share in a year up to the end of one of its months; `None` as in [`of_year`].
///
/// # Errors
/// Only when the database fails.
pub fn until_end_of(conn: &mut Conn, month: Span) -> Result<Option<StaffShare>> {
    let so_far = Span {
        from: Span::year_of(month.from).from,
        until: month.until,
    };
    in_span(conn, so_far, month.until.pred_opt().unwrap_or(month.from))
}

fn in_span(conn: &mut Conn, span: Span, day: Day) -> Result<Option<StaffShare>> {
    let theirs = homes(conn, day)?;
    if theirs.len() < FEWEST {
        return Ok(None);
    }
    let posted = nominations::table
        .filter(nominations::state.eq(State::Posted))
        .filter(nominations::posted_at.ge(begin_of(span.from)))
        .filter(nominations::posted_at.lt(begin_of(span.until)))
        .select((nominations::household_id, nominations::points))
        .load::<(Id<Household>, Points)>(conn)?;
    let theirs_of_posted = posted.iter().filter(|(household, _)| theirs.contains(household));
    Ok(Some(StaffShare {
        households: theirs.len(),
        of_households: household::count(conn)?.0,
        points: theirs_of_posted.map(|(_, points)| *points).sum(),
        of_points: posted.iter().map(|(_, points)| *points).sum(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_to_a_tenth() {
        assert_eq!(of_hundred(1, 3), "33.3%");
        assert_eq!(of_hundred(0, 0), "0.0%");
        assert_eq!(of_hundred(40, 40), "100.0%");
    }
}
