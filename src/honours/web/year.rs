//! The page of a year of recognition, in numbers.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::day_of;
use crate::error::Result;
use crate::honours::year::{self, Year};
use crate::page::{self, Shell};

#[derive(Template)]
#[template(path = "honours/year.html")]
struct YearPage {
    shell: Shell,
    year: Year,
}

impl YearPage {
    fn quarter(&self, nth: &usize) -> &str {
        self.year.quarters.get(*nth).map(String::as_str).unwrap_or_default()
    }
}

/// `GET /titles/year`
///
/// # Errors
/// Only when the database fails.
pub async fn year(State(app): State<App>, staff: Staff) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let reach = staff.reach(conn, Permission::ReadNominations)?;
            Ok(YearPage {
                year: year::of(conn, &reach, today)?,
                shell: staff.shell,
            })
        })
        .await?;
    page::show(&page)
}
