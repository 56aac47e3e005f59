//! The record of acts, in the words of the field.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::audit::{self, Event};
use crate::clock::{self};
use crate::error::Result;
use crate::id::Id;
use crate::page::{self, Shell};
use crate::sent::Query;

#[derive(Template)]
#[template(path = "access/audit.html")]
struct AuditPage {
    shell: Shell,
    rows: Vec<AuditRow>,
    older: Option<Id<Event>>,
}

struct AuditRow {
    at: String,
    actor: String,
    act: String,
    subject: String,
    detail: String,
}

/// From where back.
#[derive(Deserialize)]
pub struct Before {
    before: Option<String>,
}

/// Lines on a page of the record.
const AUDIT_PAGE: i64 = 100;

/// `GET /audit`
///
/// # Errors
/// Only when the database fails.
pub async fn audit(State(app): State<App>, staff: Staff, Query(before): Query<Before>) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let before = before.before.map(Id::known);
            let events = audit::events(conn, before.as_ref(), AUDIT_PAGE)?;
            let actors: Vec<Id<User>> = events.iter().map(|event| Id::known(event.actor.clone())).collect();
            let names = user::display_names(conn, &actors)?;
            let full = i64::try_from(events.len()).unwrap_or(0) == AUDIT_PAGE;
            let older = events.last().filter(|_| full).map(|last| last.id.clone());
            let rows = events
                .into_iter()
                .map(|event| AuditRow {
                    at: clock::spoken(event.recorded_at),
                    actor: names
                        .get(&Id::known(event.actor.clone()))
                        .cloned()
                        .unwrap_or(event.actor),
                    act: act_in_words(&event.act).to_owned(),
                    subject: event.subject,
                    detail: event.detail,
                })
                .collect();
            Ok(AuditPage {
                shell: staff.shell,
                rows,
                older,
            })
        })
        .await?;
    page::show(&page)
}

/// The acts that rooms record, in the words of the field.
fn act_in_words(act: &str) -> &str {
    match act {
        "programme.founded" => "建立项目",
        "user.added" => "增加用户",
        "user.disabled" => "停用用户",
        "households.imported" => "导入住户",
        "card.issued" => "制发积分卡",
        "card.stopped" => "停用积分卡",
        "award.nominated" => "申报",
        "award.verified" => "核实入账",
        "award.returned" => "退回申报",
        "redemption.made" => "兑换",
        "redemption.voided" => "作废兑换",
        "stock.received" => "商品入库",
        "scheme.loaded" => "载入方案",
        "demo.moved" => "演示快进",
        other => other,
    }
}
