//! What is kept how long, what was deleted when, and what is next: for those who supervise.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock;
use crate::error::Result;
use crate::id::Id;
use crate::page::{self, Shell};
use crate::retention::deletion;
use crate::retention::schedule::{self, Deleted, Kept};

#[derive(Template)]
#[template(path = "retention/schedule.html")]
struct SchedulePage {
    shell: Shell,
    kept: Vec<Kept>,
    deleted: Vec<Deleted>,
    names: HashMap<Id<User>, String>,
    /// Households that were deleted.
    households: i64,
}

impl SchedulePage {
    fn by(&self, actor: &str) -> &str {
        self.names.get(&Id::known(actor)).map_or("系统", String::as_str)
    }
}

/// `GET /retention`
///
/// # Errors
/// Only when the database fails.
pub async fn schedule(State(app): State<App>, staff: Staff) -> Result<Response> {
    let (now, years) = (app.now(), app.ledger_years());
    let page = app
        .db
        .read(move |conn| {
            let deleted = schedule::deleted(conn)?;
            let people: Vec<Id<User>> = deleted.iter().map(|one| Id::known(one.by.clone())).collect();
            Ok(SchedulePage {
                shell: staff.shell,
                kept: schedule::kept(conn, years, now)?,
                names: user::display_names(conn, &people)?,
                households: deletion::done(conn)?,
                deleted,
            })
        })
        .await?;
    page::show(&page)
}
