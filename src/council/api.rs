//! Awards over the API: nominate and verify.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::nomination::{self, Decision, Nominate, Nomination, Nominator, State as NominationState, Verify};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::Day;
use crate::error::Result;
use crate::id::Id;
use crate::places::household;
use crate::sent::{ApiJson, IdempotencyKey, Path};

#[derive(Serialize)]
struct Award {
    id: Id<Nomination>,
    state: NominationState,
}

/// What a nomination needs.
#[derive(Deserialize)]
pub struct NewAward {
    household: String,
    item: String,
    #[serde(default = "once")]
    count: i64,
    occurred_on: Day,
    #[serde(default)]
    note: String,
}

fn once() -> i64 {
    1
}

/// `POST /api/v1/awards`
///
/// # Errors
/// `limit_reached`, `invalid_request`, `idempotency_conflict`.
pub async fn nominate(
    State(app): State<App>,
    staff: Staff,
    IdempotencyKey(key): IdempotencyKey,
    ApiJson(new): ApiJson<NewAward>,
) -> Result<Response> {
    let now = app.now();
    let nomination = app
        .db
        .write(move |conn| {
            let household = household::named(conn, &new.household)?;
            staff.expect_within(conn, Permission::Nominate, &household.building_id)?;
            let asked = Nominate {
                household: household.id,
                item: new.item,
                count: new.count,
                occurred_on: new.occurred_on,
                note: new.note,
                by: Nominator::Staff(staff.user.id),
                key,
            };
            nomination::nominate(conn, &asked, now)
        })
        .await?;
    let award = Award {
        id: nomination.id,
        state: nomination.state,
    };
    Ok((StatusCode::CREATED, Json(award)).into_response())
}

/// What a verifier sends.
#[derive(Deserialize)]
pub struct NewVerification {
    decision: ApiDecision,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ApiDecision {
    #[serde(alias = "approved", alias = "verify", alias = "verified")]
    Approve,
    #[serde(
        alias = "returned",
        alias = "reject",
        alias = "rejected",
        alias = "decline",
        alias = "declined"
    )]
    Return,
}

/// `POST /api/v1/awards/{id}/verification`
///
/// # Errors
/// `not_permitted` for the nominator, `already_decided`, `invalid_request`, `not_found`.
pub async fn verify(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    ApiJson(new): ApiJson<NewVerification>,
) -> Result<Response> {
    let now = app.now();
    let nomination = app
        .db
        .write(move |conn| {
            let nomination = nomination::by_id(conn, &Id::known(id))?;
            let household = household::by_id(conn, &nomination.household_id)?;
            staff.expect_within(conn, Permission::Verify, &household.building_id)?;
            let asked = Verify {
                nomination: nomination.id,
                decision: match new.decision {
                    ApiDecision::Approve => Decision::Approve,
                    ApiDecision::Return => Decision::Return,
                },
                reason: new.reason,
                by: staff.user,
                key,
            };
            nomination::verify(conn, &asked, now)
        })
        .await?;
    Ok(Json(Award {
        id: nomination.id,
        state: nomination.state,
    })
    .into_response())
}
