//! The public start page: what everybody may know. Nothing personal.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::{App, Visitor};
use crate::clock::{self};
use crate::error::{Error, Result};
use crate::page::{self, Shell};
use crate::scheme::item::{self, Category};
use crate::scheme::version;
use crate::shop::store::{self, PointsStore};

#[derive(Template)]
#[template(path = "access/start.html")]
struct StartPage {
    shell: Shell,
    stores: Vec<PointsStore>,
    categories: Vec<Category>,
    office: String,
    phone: String,
}

/// `GET /`: what everybody may know. Nothing personal.
///
/// # Errors
/// Only when the database fails.
pub async fn start(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let Some(programme) = app.programme().await? else {
        return Ok(page::go("/first-run"));
    };
    let today = clock::day_of(app.now());
    let (stores, categories) = app
        .db
        .read(move |conn| {
            let categories = match version::in_force(conn, today) {
                Ok(version) => item::of_version(conn, &version.id)?.0,
                Err(Error::NotFound) => Vec::new(),
                Err(error) => return Err(error),
            };
            Ok((store::all(conn)?, categories))
        })
        .await?;
    page::show(&StartPage {
        shell: visitor.shell,
        stores,
        categories,
        office: programme.office,
        phone: programme.phone,
    })
}
