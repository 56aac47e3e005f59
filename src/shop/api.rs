//! The counter over the API: redeem and void.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::redemption::{self, Redeem, Redeemed, Redemption, Wanted};
use super::void::{self, AskVoid};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::error::Result;
use crate::id::Id;
use crate::points::Points;
use crate::sent::{ApiJson, IdempotencyKey, Path};

/// What a till sends.
#[derive(Deserialize)]
pub struct NewRedemption {
    card: String,
    lines: Vec<Wanted>,
}

#[derive(Serialize)]
struct RedemptionBody {
    id: Id<Redemption>,
    points: Points,
    lines: Vec<LineBody>,
    replayed: bool,
}

#[derive(Serialize)]
struct LineBody {
    sku: String,
    name: String,
    quantity: i64,
    price_points: Points,
}

impl RedemptionBody {
    fn of(redeemed: Redeemed) -> RedemptionBody {
        RedemptionBody {
            id: redeemed.redemption.id,
            points: redeemed.redemption.points,
            replayed: redeemed.replayed,
            lines: redeemed
                .lines
                .into_iter()
                .map(|(line, goods)| LineBody {
                    sku: goods.sku,
                    name: goods.name,
                    quantity: line.quantity,
                    price_points: line.price_points,
                })
                .collect(),
        }
    }
}

/// `POST /api/v1/redemptions`
///
/// # Errors
/// `unknown_card`, `card_stopped`, `not_enough_points`, `out_of_stock`, `limit_reached`, `idempotency_conflict`,
/// `invalid_request`.
pub async fn redeem(
    State(app): State<App>,
    staff: Staff,
    IdempotencyKey(key): IdempotencyKey,
    ApiJson(new): ApiJson<NewRedemption>,
) -> Result<Response> {
    let store = app.store_of(&staff.duties, Permission::Redeem).await?;
    let asked = Redeem::new(&key, &new.card, &new.lines, store, staff.user.id, app.now())?;
    let redeemed = app.db.write_together(asked, redemption::redeem_all).await?;
    Ok((StatusCode::CREATED, Json(RedemptionBody::of(redeemed))).into_response())
}

/// Why a redemption is voided.
#[derive(Deserialize)]
pub struct NewVoid {
    reason: String,
}

#[derive(Serialize)]
struct VoidBody {
    id: Id<Redemption>,
    state: &'static str,
    points_returned: Points,
}

/// `POST /api/v1/redemptions/{id}/void`
///
/// # Errors
/// `already_voided`, `not_found`, `invalid_request`, `idempotency_conflict`.
pub async fn void(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    ApiJson(new): ApiJson<NewVoid>,
) -> Result<Response> {
    let now = app.now();
    let (redeemed, _) = app
        .db
        .write(move |conn| {
            let redemption: Id<Redemption> = Id::known(id);
            redemption::expect_within(conn, &redemption, &staff.duties, Permission::Redeem)?;
            let asked = AskVoid {
                redemption,
                reason: new.reason,
                by: staff.user.id,
                key,
            };
            void::void(conn, &asked, now)
        })
        .await?;
    Ok(Json(VoidBody {
        id: redeemed.redemption.id,
        state: "voided",
        points_returned: redeemed.redemption.points,
    })
    .into_response())
}
