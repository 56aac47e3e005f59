//! The pages of public notices, for everybody: which run now, and one of them, to read and to pin to a board.
//!
//! They are made of a [`Sheet`], which holds nothing that may not hang there. What has ended is taken down: only staff still
//! find it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Visitor};
use crate::clock::{self, Day};
use crate::council::nomination;
use crate::council::notice::{self, Notice};
use crate::council::sheet::{self, Sheet, Standing};
use crate::council::staff_share::{self, StaffShare};
use crate::error::Result;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::places::programme;
use crate::sent::{Path, Query};

/// Notices that a list looks through.
const NEWEST: i64 = 200;

#[derive(Template)]
#[template(path = "council/notices.html")]
struct NoticesPage {
    shell: Shell,
    running: Vec<Listed>,
    /// What has ended: for staff.
    ended: Vec<Listed>,
    is_staff: bool,
    /// What went to those who decide; `None` where they are too few to be told apart.
    share: Option<StaffShare>,
}

struct Listed {
    number: i64,
    area: String,
    published_on: Day,
    last_day: Day,
    rows: usize,
}

impl Listed {
    fn days(&self) -> String {
        span(self.published_on, self.last_day)
    }
}

/// `GET /notices`: those that run now; staff see those that have ended too.
///
/// # Errors
/// Only when the database fails.
pub async fn notices(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let now = app.now();
    let is_staff = visitor.may(Permission::ReadCouncil);
    let (running, ended, share) = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let (mut running, mut ended) = (Vec::new(), Vec::new());
            for one in notice::list(conn, NEWEST)? {
                let runs = one.runs_at(now);
                if !runs && !is_staff {
                    continue;
                }
                let rows = nomination::of_notice(conn, &one.id)?.len();
                let listed = Listed {
                    number: one.number,
                    area: tree.get(&one.area_id).map(|area| area.name.clone()).unwrap_or_default(),
                    published_on: clock::day_of(one.published_at),
                    last_day: last_day(&one),
                    rows,
                };
                match runs {
                    true => running.push(listed),
                    false => ended.push(listed),
                }
            }
            Ok((running, ended, staff_share::of_year(conn, clock::day_of(now))?))
        })
        .await?;
    page::show(&NoticesPage {
        shell: visitor.shell,
        running,
        ended,
        is_staff,
        share,
    })
}

/// The last whole day of a notice.
fn last_day(notice: &Notice) -> Day {
    let ends_on = clock::day_of(notice.ends_at);
    ends_on.pred_opt().unwrap_or(ends_on)
}

/// `11月25日至11月28日`.
pub(super) fn span(from: Day, until: Day) -> String {
    format!("{}至{}", short(&from), short(&until))
}

/// `11月25日`; a template hands in a reference.
pub(super) fn short(day: &Day) -> String {
    day.format("%-m月%-d日").to_string()
}

#[derive(Template)]
#[template(path = "council/notice.html")]
struct NoticePage {
    shell: Shell,
    sheet: Sheet,
    runs: bool,
    is_staff: bool,
    is_large: bool,
    office: String,
    phone: String,
}

impl NoticePage {
    fn days(&self) -> String {
        span(self.sheet.published_on, self.sheet.last_day)
    }
}

#[derive(Template)]
#[template(path = "council/notice_gone.html")]
struct GonePage {
    shell: Shell,
    number: i64,
}

/// On which paper it is printed.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    paper: String,
}

/// `GET /notices/{number}`: by everybody while it runs; afterwards by staff.
///
/// # Errors
/// `NotFound` when there was never such a notice.
pub async fn notice(
    State(app): State<App>,
    visitor: Visitor,
    Path(number): Path<i64>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
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
            let rows = nomination::of_notice(conn, &notice.id)?;
            Ok(Some((sheet::of(conn, &notice, &rows)?, runs, programme::get(conn)?)))
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
        is_large: wanted.paper == "a3",
        office: programme.office,
        phone: programme.phone,
    })
}
