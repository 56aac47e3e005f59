//! The page of a statement: every line of a household's account with its rule and the people behind it, to read and to
//! print.

mod trace;

pub use trace::trace;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::coming::{self, Coming};
use super::statement::{self, Line, PAGE, Statement, What};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock;
use crate::error::Result;
use crate::ledger::account::AccountKind;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::places::{household, programme};
use crate::points::Points;
use crate::sent::{Path, Query};

#[derive(Template)]
#[template(path = "statements/statement.html")]
struct StatementPage {
    shell: Shell,
    office: String,
    phone: String,
    printed_at: String,
    address: String,
    kind: AccountKind,
    /// Is this the first page, with the newest lines?
    newest: bool,
    coming: Coming,
    statement: Statement,
}

impl StatementPage {
    fn is_honour(&self) -> bool {
        self.kind == AccountKind::Honour
    }

    fn balance(&self) -> Points {
        match self.is_honour() {
            true => self.statement.balances.honour,
            false => self.statement.balances.spendable,
        }
    }

    /// `+2`, `−30`: with the sign that people write, as wide as the plus.
    fn signed(&self, points: &Points) -> String {
        match points.0 < 0 {
            true => format!("−{}", -*points),
            false => format!("+{points}"),
        }
    }

    /// The day on which the line was written, when that is not the day it is about.
    fn written_later(&self, line: &Line) -> Option<String> {
        let written_on = clock::day_of(line.recorded_at);
        (written_on != line.effective_on).then(|| written_on.to_string())
    }
}

/// Which account, from where back.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    account: String,
    before: Option<i64>,
}

/// `GET /households/{code}/statement`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn statement(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ReadHouseholds, &household.building_id)?;
            let programme = programme::get(conn)?;
            let kind = match wanted.account.as_str() {
                "honour" => AccountKind::Honour,
                _ => AccountKind::Spendable,
            };
            let address = household.address(&Tree::load(conn)?);
            Ok(StatementPage {
                shell: staff.shell,
                office: programme.office,
                phone: programme.phone,
                printed_at: clock::spoken(now),
                address,
                kind,
                newest: wanted.before.is_none(),
                coming: coming::of(conn, &household, clock::day_of(now))?,
                statement: statement::statement(conn, household, kind, wanted.before, PAGE)?,
            })
        })
        .await?;
    page::show(&page)
}
