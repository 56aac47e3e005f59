//! The hours that a household has, how each of them came about, and the events that it may join.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::{App, Resident};
use crate::clock;
use crate::error::Result;
use crate::page::{self, Shell};
use crate::places::programme;
use crate::resident::story;
use crate::volunteering::book::{self, TimeBook};
use crate::volunteering::event::{self, VolunteerEvent};

/// Lines on the page.
const NEWEST: i64 = 30;

#[derive(Template)]
#[template(path = "resident/time.html")]
struct TimePage {
    shell: Shell,
    book: TimeBook,
    events: Vec<VolunteerEvent>,
    phone: String,
}

/// `GET /my/time`
///
/// # Errors
/// Only when the database fails.
pub async fn time(State(app): State<App>, resident: Resident) -> Result<Response> {
    let today = clock::day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            Ok(TimePage {
                book: book::of(conn, &resident.household.id, NEWEST)?,
                events: event::to_join(conn, &resident.household.building_id, today)?,
                phone: programme::get(conn)?.phone,
                shell: resident.shell,
            })
        })
        .await?;
    page::show(&page)
}
