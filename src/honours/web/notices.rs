//! The public pages of title notices: which run now, and one of them.
//!
//! Made of a [`Sheet`], which holds nothing that may not hang on a board. What has ended only staff still find.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::access::role::Permission;
use crate::app::{App, Visitor};
use crate::clock::Day;
use crate::error::Result;
use crate::honours::notice::{self, Sheet};
use crate::page::{self, Shell};
use crate::places::programme;
use crate::sent::Path;

/// Notices that a list looks through.
const NEWEST: i64 = 100;

#[derive(Template)]
#[template(path = "honours/notices.html")]
struct NoticesPage {
    shell: Shell,
    running: Vec<Sheet>,
    /// What has ended: for staff.
    ended: Vec<Sheet>,
}

/// `11月25日`; a template hands in a reference.
fn short(day: &Day) -> String {
    day.format("%-m月%-d日").to_string()
}

/// `GET /title-notices`: those that run now; staff see those that have ended too.
///
/// # Errors
/// Only when the database fails.
pub async fn notices(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let now = app.now();
    let is_staff = visitor.may(Permission::ReadCouncil);
    let (running, ended) = app
        .db
        .read(move |conn| {
            let (mut running, mut ended) = (Vec::new(), Vec::new());
            for one in notice::list(conn, NEWEST)? {
                match one.runs_at(now) {
                    true => running.push(notice::sheet(conn, &one)?),
                    false if is_staff => ended.push(notice::sheet(conn, &one)?),
                    false => {}
                }
            }
            Ok((running, ended))
        })
        .await?;
    page::show(&NoticesPage {
        shell: visitor.shell,
        running,
        ended,
    })
}

#[derive(Template)]
#[template(path = "honours/notice.html")]
struct NoticePage {
    shell: Shell,
    sheet: Sheet,
    runs: bool,
    is_staff: bool,
    office: String,
    phone: String,
}

#[derive(Template)]
#[template(path = "council/notice_gone.html")]
struct GonePage {
    shell: Shell,
    number: i64,
}

/// `GET /title-notices/{number}`: by everybody while it runs; afterwards by staff.
///
/// # Errors
/// `NotFound` when there was never such a notice.
pub async fn notice(State(app): State<App>, visitor: Visitor, Path(number): Path<i64>) -> Result<Response> {
    let now = app.now();
    let is_staff = visitor.may(Permission::ReadCouncil);
    let found = app
        .db
        .read(move |conn| {
            let notice = notice::by_number(conn, number)?;
            let runs = notice.runs_at(now);
            if !runs && !is_staff {
                return Ok(None);
            }
            Ok(Some((notice::sheet(conn, &notice)?, runs, programme::get(conn)?)))
        })
        .await?;
    let Some((sheet, runs, programme)) = found else {
        let shell = visitor.shell;
        return page::show_with(StatusCode::GONE, &GonePage { shell, number });
    };
    page::show(&NoticePage {
        shell: visitor.shell,
        sheet,
        runs,
        is_staff,
        office: programme.office,
        phone: programme.phone,
    })
}
