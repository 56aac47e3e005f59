//! Baskets put aside at the counter, taken up again, or dropped.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::basket::{Basket, Fields};
use super::counter::show;
use crate::app::{App, Staff};
use crate::cards::card;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems};
use crate::sent::{Path, SignedForm};
use crate::shop::held;

/// `POST /counter/holds`: puts the basket aside and shows the counter for the next household.
///
/// # Errors
/// Only when the database fails: what is refused is said above the page, with the basket as it was.
pub async fn hold(State(app): State<App>, staff: Staff, SignedForm(fields): SignedForm<Fields>) -> Result<Response> {
    let basket = Basket::of(fields, app.now())?;
    match try_hold(&app, &staff, &basket).await {
        Ok(()) => Ok(page::go("/counter")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, staff, status, problems, basket).await
        }
    }
}

async fn try_hold(app: &App, staff: &Staff, basket: &Basket) -> Result<()> {
    let shift = app.shift_of(staff).await?.id;
    let number = match basket.card.as_str() {
        "" => None,
        text => Some(card::token(text)?.number().to_string()),
    };
    let (lines, now) = (basket.lines.clone(), app.now());
    app.db
        .write(move |conn| held::hold(conn, &shift, number.as_deref(), &lines, now).map(|_| ()))
        .await
}

/// What is to become of a basket.
#[derive(Deserialize)]
pub struct TakeUp {
    #[serde(default)]
    drop: String,
}

/// `POST /counter/holds/{id}`: takes a basket up again, or drops it.
///
/// # Errors
/// Only when the database fails: a basket that is aside no more is said above the page.
pub async fn take_up(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<TakeUp>,
) -> Result<Response> {
    let now = app.now();
    let found = match app.shift_of(&staff).await {
        Ok(shift) => {
            app.db
                .write(move |conn| held::take_up(conn, &shift.id, &Id::known(id)))
                .await
        }
        Err(error) => Err(error),
    };
    match found {
        Ok(_) if form.drop == "yes" => Ok(page::go("/counter")),
        Ok(held) => {
            let basket = Basket {
                card: held.card_number.unwrap_or_default(),
                lines: held.lines,
                ..Basket::empty(now)
            };
            show(&app, staff, StatusCode::OK, Problems::default(), basket).await
        }
        Err(Error::NotFound) => {
            let mut problems = Problems::default();
            problems.sentences.push("这张挂单已经取回或作废了。".to_owned());
            show(&app, staff, StatusCode::CONFLICT, problems, Basket::empty(now)).await
        }
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, staff, status, problems, Basket::empty(now)).await
        }
    }
}
