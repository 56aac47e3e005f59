//! The counter over the API: redeem and void.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::redemption::{self, Pickup, Redeem, Redeemed, Redemption, Wanted};
use super::void::{self, AskVoid};
use super::web::confirmed;
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::points::Points;
use crate::sent::{ApiJson, IdempotencyKey, Path};

/// What a till sends.
#[derive(Deserialize)]
pub struct NewRedemption {
    card: String,
    lines: Vec<Wanted>,
    /// The household's PIN, if it was typed.
    #[serde(default)]
    pin: String,
    /// Will the household sign the slip?
    #[serde(default)]
    signs: bool,
    /// Who fetches the goods once for the household, by name.
    #[serde(default)]
    proxy_name: String,
    /// Points that the household pays in cash, at a partner's shop.
    #[serde(default)]
    top_up: i64,
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
/// `no_open_shift`, `shift_left_open`, `unknown_card`, `card_stopped`, `not_enough_points`, `out_of_stock`, `limit_reached`,
/// `confirmation_needed`, `no_agreement`, `daily_limit_reached`, `no_top_up_here`, `top_up_too_large`,
/// `idempotency_conflict`, `invalid_request`.
pub async fn redeem(
    State(app): State<App>,
    staff: Staff,
    IdempotencyKey(key): IdempotencyKey,
    ApiJson(new): ApiJson<NewRedemption>,
) -> Result<Response> {
    let shift = app.shift_of(&staff).await?;
    let pickup = match new.proxy_name.trim() {
        "" => Pickup::Household,
        name => Pickup::Once(name.to_owned()),
    };
    let asked = Redeem::new(&key, &new.card, &new.lines, pickup, &shift, app.now())?;
    if !(0..=1_000_000).contains(&new.top_up) {
        return Err(Error::invalid("top_up", "补差价的分数应为整数。"));
    }
    let asked = asked.topped_up(Points(new.top_up))?;
    let asked = asked.confirmed(confirmed(&app, &new.card, &new.pin, new.signs).await?);
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
/// `no_open_shift`, `already_voided`, `partly_refunded`, `refund_too_late`, `shift_already_audited`, `not_found`,
/// `invalid_request`, `idempotency_conflict`.
pub async fn void(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    ApiJson(new): ApiJson<NewVoid>,
) -> Result<Response> {
    let now = app.now();
    let shift = app.shift_of(&staff).await?.id;
    let (redeemed, _) = app
        .db
        .write(move |conn| {
            let redemption: Id<Redemption> = Id::known(id);
            redemption::expect_within(conn, &redemption, &staff.duties, Permission::Redeem)?;
            let asked = AskVoid {
                redemption,
                reason: new.reason,
                shift,
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
