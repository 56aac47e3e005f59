//! The open book for everybody: a month in numbers, and what is coming. No household, no name, no number of one.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Visitor};
use crate::boards::board::Scope;
use crate::clock::{Day, Span, day_of};
use crate::council::redress::Redress;
use crate::council::staff_share;
use crate::error::{Error, Result};
use crate::money::Fen;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::registers::coming::{self, Coming};
use crate::registers::month::{self, Movement};
use crate::registers::open_book::{self, FEWEST, OpenBook};
use crate::sent::Query;

#[derive(Template)]
#[template(path = "registers/open_book.html")]
struct OpenBookPage {
    shell: Shell,
    /// The month; `None` in the programme's first.
    book: Option<OpenBook>,
    /// The months that can be chosen, the latest first.
    months: Vec<Span>,
    /// The month that runs.
    running: Span,
    coming: Coming,
    /// What the page is about, and what else there is.
    scope: Scope,
    communities: Vec<Scope>,
    is_staff: bool,
}

impl OpenBookPage {
    fn is_chosen(&self, month: &Span) -> bool {
        self.book.as_ref().is_some_and(|book| book.month == *month)
    }

    /// The month, as an address has it; nothing where there is none.
    fn month(&self) -> String {
        let book = self.book.as_ref();
        book.map(|book| month::written(book.month)).unwrap_or_default()
    }

    /// Whose deeds these are.
    fn whose(&self) -> &str {
        match self.scope.name() {
            "" => "全部住户",
            name => name,
        }
    }
}

/// Which month, and which community.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    month: String,
    #[serde(default)]
    community: String,
}

/// `GET /open-book`: for everybody. The latest month that is over, without another.
///
/// # Errors
/// `Invalid` for a month that is none, is not over, or was over before the programme began; `NotFound` for a community that
/// is not there.
pub async fn open_book(State(app): State<App>, visitor: Visitor, Query(wanted): Query<Wanted>) -> Result<Response> {
    let now = app.now();
    let today = day_of(now);
    let asked = match wanted.month.trim() {
        "" => None,
        text => Some(month::read(text).ok_or_else(|| Error::invalid("month", "月份应写成2026-11的样子。"))?),
    };
    let page = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let scope = Scope::named(&tree, &wanted.community)?;
            let months = open_book::months(conn, today)?;
            let book = match asked.or(months.first().copied()) {
                Some(month) => Some(open_book::of_month(conn, month, scope.community.as_ref(), today)?),
                None => None,
            };
            Ok(OpenBookPage {
                book,
                months,
                running: Span::month_of(today),
                coming: coming::for_all(conn, scope.community.as_ref(), now)?,
                communities: Scope::communities(&tree),
                scope,
                is_staff: visitor.may(Permission::ReadNominations),
                shell: visitor.shell,
            })
        })
        .await?;
    page::show(&page)
}

/// `2026年11月`; a template hands in a reference.
fn spoken(month: &Span) -> String {
    month::spoken(*month)
}

/// `2026-11`.
fn written(month: &Span) -> String {
    month::written(*month)
}

/// `+6`, `−3`, with a minus as wide as a plus.
fn signed(amount: &i64) -> String {
    match amount {
        1.. => format!("+{amount}"),
        0 => "0".to_owned(),
        _ => format!("−{}", amount.unsigned_abs()),
    }
}

/// What goods cost; whether they came or went, their number says.
fn cost(movement: &Movement) -> Fen {
    Fen(movement.cost.0.saturating_abs())
}

/// `11月25日`.
fn short(day: &Day) -> String {
    day.format("%-m月%-d日").to_string()
}

/// The lines of objections and appeals: what is counted, and how many of each.
fn redress(objections: &Redress, appeals: &Redress) -> [(&'static str, i64, i64); 5] {
    [
        ("收到", objections.filed, appeals.filed),
        ("成立", objections.upheld, appeals.upheld),
        ("不成立，维持原决定", objections.dismissed, appeals.dismissed),
        ("协商一致或撤回", objections.settled, appeals.settled),
        ("办结的里，按期办结", objections.in_time, appeals.in_time),
    ]
}
