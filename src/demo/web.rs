//! The buttons of the demo's strip.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::clock;
use crate::app::{App, Staff};
use crate::clock::Day;
use crate::error::{Error, Result};
use crate::page;
use crate::sent::{self, SignedForm};

/// Where to move, and the page to come back to. It carries no key: moving to a day twice moves once.
#[derive(Deserialize)]
pub struct Move {
    day: String,
    #[serde(default)]
    back: String,
}

/// `POST /demo/clock`
///
/// # Errors
/// `Invalid` for a day that is none or too far away.
pub async fn move_clock(State(app): State<App>, staff: Staff, SignedForm(form): SignedForm<Move>) -> Result<Response> {
    let day: Day = form
        .day
        .parse()
        .map_err(|_| Error::invalid("day", "请用页面上方的按钮快进。"))?;
    clock::move_to(&app, day, &staff.user.id).await?;
    Ok(page::go(sent::local_path(&form.back).unwrap_or("/desk")))
}
