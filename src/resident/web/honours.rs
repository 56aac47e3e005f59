//! What a household was honoured with, or was not: its titles, its stars and its shares of dividends.
//!
//! Beside a title that it was not given stands how it may appeal: by itself on a page of `honours`, or through the office.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::{App, Resident};
use crate::clock;
use crate::council::receipt;
use crate::dividends::dividend::{self, OwnShare};
use crate::error::Result;
use crate::honours::award::State as Standing;
use crate::honours::book::{self, HonourBook, OwnTitle};
use crate::page::{self, Shell};
use crate::places::programme;

#[derive(Template)]
#[template(path = "resident/honours.html")]
struct HonoursPage {
    shell: Shell,
    book: HonourBook,
    shares: Vec<OwnShare>,
    office: String,
    phone: String,
}

fn badge(title: &OwnTitle) -> &'static str {
    match title.state {
        Standing::Conferred if title.is_held => "badge ok",
        Standing::Notified | Standing::Suspended => "badge warn",
        _ => "badge",
    }
}

/// `GET /my/honours`
///
/// # Errors
/// Only when the database fails.
pub async fn honours(State(app): State<App>, resident: Resident) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let (household, programme) = (resident.household, programme::get(conn)?);
            Ok(HonoursPage {
                book: book::of(conn, &household.id, now)?,
                shares: dividend::of_household(conn, &household.id)?,
                office: programme.office,
                phone: programme.phone,
                shell: resident.shell,
            })
        })
        .await?;
    page::show(&page)
}
