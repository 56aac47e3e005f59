//! The sign-in sheet of a volunteer event, for a place without network: empty rows for whoever comes, with how many people
//! and from when until when. Its rows are keyed by form and row.

use serde::{Deserialize, Serialize};

use super::form::{Form, FormMark};
use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::access::user;
use crate::clock::spoken_day;
use crate::db::Conn;
use crate::error::Result;
use crate::places::area::Tree;
use crate::volunteering::event;

/// Rows of a sheet. Who needs more prints it again: rows are numbered on each sheet, and each is keyed on its own.
pub const ROWS: i64 = 20;

/// The sign-in sheet of a volunteer event.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolunteerSheet {
    paper: Head,
    name: String,
    purpose: String,
    on: String,
    hours: String,
    place: String,
    /// Whose households may take part.
    invited: String,
    led_by: String,
    rows: i64,
}

/// The sheet of an event, by its number.
///
/// # Errors
/// `Invalid` without a number; `NotFound`.
pub fn load(conn: &mut Conn, order: &Order) -> Result<VolunteerSheet> {
    let event = event::by_number(conn, order.number()?)?;
    order.expect_within(conn, Permission::Nominate, &event.area_id)?;
    let mut paper = order.head(conn, Some(&event.area_id))?;
    paper.form = Some(FormMark::new(Form::Volunteering, event.number)?);
    Ok(VolunteerSheet {
        paper,
        on: spoken_day(event.held_on),
        hours: event.hours(),
        invited: Tree::load(conn)?.told(&event.area_id),
        led_by: user::by_id(conn, &event.led_by)?.display_name,
        name: event.name,
        purpose: event.purpose,
        place: event.place,
        rows: ROWS,
    })
}
