//! Households and their statements over the API.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::statement::{self, Line, What};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, Day};
use crate::error::{Error, Result};
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::places::household::{self, Search};
use crate::points::Points;
use crate::sent::{Path, Query};

/// Which households.
#[derive(Deserialize)]
pub struct Page {
    limit: Option<i64>,
    after: Option<String>,
    #[serde(default)]
    query: String,
}

#[derive(Serialize)]
struct Listed {
    code: String,
    people: i64,
}

#[derive(Serialize)]
struct List<T> {
    items: Vec<T>,
    next: Option<String>,
}

/// The most households in one answer.
const MOST: i64 = 1_000;

/// `GET /api/v1/households?limit&after&query`
///
/// # Errors
/// `invalid_request` for a limit outside 1–1000.
pub async fn households(State(app): State<App>, staff: Staff, Query(page): Query<Page>) -> Result<Response> {
    let limit = page.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Error::invalid("limit", format!("limit 应为1至{MOST}。")));
    }
    let list = app
        .db
        .read(move |conn| {
            let search = Search {
                query: page.query,
                buildings: staff.reach(conn, Permission::ReadHouseholds)?.buildings(),
                after: page.after,
                limit: limit.saturating_add(1),
            };
            let mut found = household::search(conn, &search)?;
            let size = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = found.len() > size;
            found.truncate(size);
            let next = found.last().filter(|_| more).map(|last| last.code.clone());
            let items = found
                .into_iter()
                .map(|household| Listed {
                    code: household.code,
                    people: household.people,
                })
                .collect();
            Ok(List { items, next })
        })
        .await?;
    Ok(Json(list).into_response())
}

#[derive(Serialize)]
struct Balances {
    code: String,
    spendable_points: Points,
    pending_points: Points,
    honour_score: Points,
}

/// `GET /api/v1/households/{code}`
///
/// # Errors
/// `not_found`.
pub async fn household(State(app): State<App>, staff: Staff, Path(code): Path<String>) -> Result<Response> {
    let body = app
        .db
        .read(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ReadHouseholds, &household.building_id)?;
            let balances = balance::of(conn, household.id.as_str())?;
            Ok(Balances {
                code: household.code,
                spendable_points: balances.spendable,
                pending_points: balances.pending,
                honour_score: balances.honour,
            })
        })
        .await?;
    Ok(Json(body).into_response())
}

/// Which account, and from where back.
#[derive(Deserialize)]
pub struct StatementPage {
    #[serde(default)]
    account: Option<String>,
    before: Option<i64>,
    limit: Option<i64>,
}

#[derive(Serialize)]
struct StatementBody {
    code: String,
    account: AccountKind,
    balance: Points,
    items: Vec<LineBody>,
    next: Option<i64>,
}

#[derive(Serialize)]
struct LineBody {
    slip: i64,
    kind: &'static str,
    recorded_at: String,
    effective_on: Day,
    points: Points,
    balance_after: Points,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nominated_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redeemed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes_slip: Option<i64>,
}

/// `GET /api/v1/households/{code}/statement`, newest first.
///
/// # Errors
/// `not_found`, `invalid_request`.
pub async fn statement(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    Query(page): Query<StatementPage>,
) -> Result<Response> {
    let kind = match page.account.as_deref() {
        None | Some("spendable") => AccountKind::Spendable,
        Some("honour") => AccountKind::Honour,
        Some("pending") => AccountKind::Pending,
        Some(_) => return Err(Error::invalid("account", "account 应为 spendable、pending 或 honour。")),
    };
    let limit = page.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Error::invalid("limit", format!("limit 应为1至{MOST}。")));
    }
    let told = app
        .db
        .read(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ReadHouseholds, &household.building_id)?;
            statement::statement(conn, household, kind, page.before, limit)
        })
        .await?;
    let balance = match kind {
        AccountKind::Honour => told.balances.honour,
        AccountKind::Pending => told.balances.pending,
        _ => told.balances.spendable,
    };
    Ok(Json(StatementBody {
        code: told.household.code,
        account: kind,
        balance,
        items: told.lines.into_iter().map(body).collect(),
        next: told.older,
    })
    .into_response())
}

fn body(line: Line) -> LineBody {
    let mut body = LineBody {
        slip: line.slip,
        kind: "other",
        recorded_at: clock::for_programs(line.recorded_at),
        effective_on: line.effective_on,
        points: line.amount,
        balance_after: line.balance_after,
        item: None,
        text: String::new(),
        nominated_by: None,
        verified_by: None,
        redeemed_by: None,
        undoes_slip: None,
    };
    match line.what {
        What::Award {
            item_code,
            rule,
            nominated_by,
            verified_by,
            ..
        } => {
            body.kind = "award";
            body.item = Some(item_code);
            body.text = rule;
            body.nominated_by = Some(nominated_by);
            body.verified_by = Some(verified_by);
        }
        What::Redemption { goods, redeemed_by, .. } => {
            body.kind = "redemption";
            body.text = goods.join("、");
            body.redeemed_by = Some(redeemed_by);
        }
        What::Void { slip, reason, .. } => {
            body.kind = "void";
            body.text = reason;
            body.undoes_slip = Some(slip);
        }
        What::Title {
            title,
            nominated_by,
            verified_by,
            revoked,
            ..
        } => {
            body.kind = if revoked { "title_revoked" } else { "title" };
            body.text = title;
            body.nominated_by = Some(nominated_by);
            body.verified_by = Some(verified_by);
        }
        What::Other(text) => body.text = text,
    }
    body
}
