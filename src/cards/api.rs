//! Cards over the API: issue one, which stops the one before.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::card::{self, Issue};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::error::Result;
use crate::places::{household, programme};
use crate::sent::{ApiJson, IdempotencyKey, Path};

/// Why a card is issued.
#[derive(Deserialize)]
pub struct NewCard {
    reason: String,
}

#[derive(Serialize)]
struct IssuedCard {
    number: String,
    token: String,
}

/// `POST /api/v1/households/{code}/cards`
///
/// # Errors
/// `not_found`, `invalid_request`, `idempotency_conflict`.
pub async fn issue(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    ApiJson(new): ApiJson<NewCard>,
) -> Result<Response> {
    let now = app.now();
    let issued = app
        .db
        .write(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::IssueCards, &household.building_id)?;
            let programme = programme::get(conn)?;
            let asked = Issue {
                household: household.id,
                reason: new.reason,
                by: staff.user.id,
                key,
            };
            card::issue(conn, &programme, &asked, now)
        })
        .await?;
    let body = IssuedCard {
        token: issued.token(),
        number: issued.number.as_str().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}
