//! A household's own data: all lines as a file, the statement on paper, and the book of the last quarter to look through.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::access::lookup::{self, Told};
use crate::app::{App, Resident};
use crate::clock::{self, day_of, spoken_day};
use crate::council::confirmation;
use crate::error::Result;
use crate::ledger::account::AccountKind;
use crate::page::{self, Shell};
use crate::papers::order::{Asked, Order};
use crate::papers::paper::Paper;
use crate::papers::statement;
use crate::places::area::Tree;
use crate::places::household::Household;
use crate::print::Purpose;
use crate::resident::book::{self, Book};
use crate::resident::export;
use crate::sent::{NoFields, Query, SignedForm};

#[derive(Template)]
#[template(path = "resident/data.html")]
struct DataPage {
    shell: Shell,
    is_done: bool,
    household: Household,
    address: String,
    book: Option<Book>,
    /// The rule by which a household that went through its book may be nominated; empty where there is none.
    rule: String,
    /// Who of the staff looked at its data, by their duty.
    looks: Vec<Told>,
}

impl DataPage {
    /// `2026年7月1日至9月30日`, as people say a quarter.
    fn quarter(&self, book: &Book) -> String {
        let last = book.quarter.until.pred_opt().unwrap_or(book.quarter.until);
        format!("{}至{}", spoken_day(book.quarter.from), last.format("%-m月%-d日"))
    }
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: bool,
}

/// `GET /my/data`
///
/// # Errors
/// Only when the database fails.
pub async fn data(State(app): State<App>, resident: Resident, Query(done): Query<Done>) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let household = resident.household;
            let item = confirmation::item_on(conn, today)?;
            Ok(DataPage {
                rule: item.map(|item| item.rule_text()).unwrap_or_default(),
                looks: lookup::told_to(conn, &household.id, today)?,
                address: household.address(&Tree::load(conn)?),
                book: book::last(conn, &household, today)?,
                shell: resident.shell,
                is_done: done.done,
                household,
            })
        })
        .await?;
    page::show(&page)
}

/// `GET /my/data/lines.csv`
///
/// # Errors
/// Only when the database fails.
pub async fn lines_csv(State(app): State<App>, resident: Resident) -> Result<Response> {
    let household = resident.household;
    let file = app
        .db
        .read(move |conn| export::lines(conn, &household, AccountKind::Spendable))
        .await?;
    Ok(as_csv("attachment; filename=\"lines.csv\"", file))
}

/// `GET /my/data/honour.csv`: the lines of its recognition.
///
/// # Errors
/// Only when the database fails.
pub async fn honour_csv(State(app): State<App>, resident: Resident) -> Result<Response> {
    let household = resident.household;
    let file = app
        .db
        .read(move |conn| export::lines(conn, &household, AccountKind::Honour))
        .await?;
    Ok(as_csv("attachment; filename=\"honour.csv\"", file))
}

/// `GET /my/data/honours.csv`: titles, stars and shares of dividends.
///
/// # Errors
/// Only when the database fails.
pub async fn honours_csv(State(app): State<App>, resident: Resident) -> Result<Response> {
    let (household, now) = (resident.household, app.now());
    let file = app.db.read(move |conn| export::honours(conn, &household, now)).await?;
    Ok(as_csv("attachment; filename=\"honours.csv\"", file))
}

/// `GET /my/data/time.csv`
///
/// # Errors
/// Only when the database fails.
pub async fn time_csv(State(app): State<App>, resident: Resident) -> Result<Response> {
    let household = resident.household;
    let file = app.db.read(move |conn| export::time(conn, &household)).await?;
    Ok(as_csv("attachment; filename=\"time.csv\"", file))
}

/// `GET /my/data/looks.csv`
///
/// # Errors
/// Only when the database fails.
pub async fn looks_csv(State(app): State<App>, resident: Resident) -> Result<Response> {
    let (household, today) = (resident.household, day_of(app.now()));
    let file = app.db.read(move |conn| export::looks(conn, &household, today)).await?;
    Ok(as_csv("attachment; filename=\"looks.csv\"", file))
}

fn as_csv(name: &'static str, file: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, name),
    ];
    (headers, file).into_response()
}

/// `GET /my/data/statement.pdf`: of the last three months.
///
/// # Errors
/// As [`statement::of`] and [`crate::print::Printer::set`].
pub async fn statement_pdf(State(app): State<App>, resident: Resident) -> Result<Response> {
    let large = resident.shell.text.is_elders();
    let order = Order {
        asked: Asked {
            large,
            ..Asked::default()
        },
        // The household is the session's own: no duty is asked for.
        duties: None,
        now: app.now(),
    };
    let (now, household) = (order.now, resident.household);
    let told = app.db.read(move |conn| statement::of(conn, &order, &household)).await?;
    let pdf = app
        .at_press(move |printer| {
            printer
                .set(&Paper::Statement.template(), &told)?
                .pdf(Purpose::Reading, now)
        })
        .await?;
    let headers = [
        (header::CONTENT_TYPE, "application/pdf"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"statement.pdf\""),
    ];
    Ok((headers, pdf).into_response())
}

/// `POST /my/data/check`: the book of the last quarter is right. Sent twice, it is the same.
///
/// # Errors
/// Only when the database fails.
pub async fn check_book(
    State(app): State<App>,
    resident: Resident,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let (household, now) = (resident.household, app.now());
    app.db
        .write(move |conn| book::check(conn, &household, None, now))
        .await?;
    Ok(page::go("/my/data?done=true"))
}
