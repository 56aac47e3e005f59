//! What a household can spend, how it came about, what comes and what ends: one big number first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::app::{App, Resident};
use crate::clock::{Day, day_of, spoken_day, weekday};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::ledger::account::AccountKind;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::places::household::Household;
use crate::places::programme;
use crate::places::standing::{self, Standing};
use crate::points::Points;
use crate::resident::story::Story;
use crate::sent::{Path, Query};
use crate::shop::limit::{self, CategoryLeft};
use crate::shop::{opening, store};
use crate::statements::coming::{self, Coming};
use crate::statements::statement;
use crate::volunteering::event;
use crate::volunteering::minutes::Minutes;

/// Lines below the number.
const NEWEST: i64 = 10;
/// As many of them as elders, whose page shows the number alone, are read.
const READ_ALOUD: usize = 3;
/// Lines on a page of all.
const PAGE: i64 = 20;

#[derive(Template)]
#[template(path = "resident/points.html")]
struct PointsPage {
    shell: Shell,
    head: String,
    /// The last day on which it can spend what it has, of a household that left.
    until: Option<String>,
    balance: Points,
    stories: Vec<Story>,
    /// Hours of help, and how many events it may join.
    time: Minutes,
    events: usize,
    coming: Coming,
    limits: Vec<CategoryLeft>,
    openings: Vec<Opening>,
    office: String,
    phone: String,
    /// What elders are read for the number: it, and the newest lines.
    aloud: String,
}

/// When a store opens next.
pub(super) struct Opening {
    /// What people call it.
    pub(super) store: String,
    /// `今天`, `11月25日（周三）`; empty when no day is known.
    pub(super) next: String,
    /// As people say it.
    pub(super) hours: String,
}

/// When the stores of a household open next.
pub(super) fn openings(conn: &mut Conn, household: &Household, today: Day) -> Result<Vec<Opening>> {
    let tree = Tree::load(conn)?;
    let mut openings = Vec::new();
    for store in store::near(conn, &tree, &household.building_id)? {
        let next = opening::of_store(conn, &store.id, today)?.next(today);
        openings.push(Opening {
            store: store.name,
            next: next.map(|day| spoken(day, today)).unwrap_or_default(),
            hours: store.opening_hours,
        });
    }
    Ok(openings)
}

fn spoken(day: Day, today: Day) -> String {
    if day == today {
        return "今天".to_owned();
    }
    format!("{}（{}）", day.format("%-m月%-d日"), weekday(day))
}

/// `GET /my/points`
///
/// # Errors
/// Only when the database fails.
pub async fn points(State(app): State<App>, resident: Resident) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let household = resident.household;
            let programme = programme::get(conn)?;
            let told = statement::statement(conn, household.clone(), AccountKind::Spendable, None, NEWEST)?;
            let stories: Vec<Story> = told.lines.iter().map(Story::of).collect();
            let balance = told.balances.spendable;
            let lines: String = stories.iter().take(READ_ALOUD).map(Story::aloud).collect();
            let until = match standing::now(conn, &household.id)? {
                Standing::Left { redeemable_until, .. } => Some(spoken_day(redeemable_until)),
                Standing::Active | Standing::Merged { .. } => None,
            };
            Ok(PointsPage {
                aloud: format!("您家现在可以用{balance}分。最近的账：{lines}"),
                until,
                balance,
                stories,
                time: Minutes::of(told.balances.time),
                events: event::to_join(conn, &household.building_id, today)?.len(),
                coming: coming::of(conn, &household, today)?,
                limits: limit::left(conn, &household.id, today)?.categories(),
                openings: openings(conn, &household, today)?,
                office: programme.office,
                phone: programme.phone,
                head: household.head_name,
                shell: resident.shell,
            })
        })
        .await?;
    page::show(&page)
}

#[derive(Template)]
#[template(path = "resident/lines.html")]
struct LinesPage {
    shell: Shell,
    stories: Vec<Story>,
    older: Option<i64>,
    newest: bool,
}

/// From where back.
#[derive(Deserialize)]
pub struct Before {
    before: Option<i64>,
}

/// `GET /my/points/lines`
///
/// # Errors
/// Only when the database fails.
pub async fn lines(State(app): State<App>, resident: Resident, Query(from): Query<Before>) -> Result<Response> {
    let household = resident.household;
    let told = app
        .db
        .read(move |conn| statement::statement(conn, household, AccountKind::Spendable, from.before, PAGE))
        .await?;
    page::show(&LinesPage {
        shell: resident.shell,
        stories: told.lines.iter().map(Story::of).collect(),
        older: told.older,
        newest: from.before.is_none(),
    })
}

#[derive(Template)]
#[template(path = "resident/coming.html")]
struct ComingPage {
    shell: Shell,
    coming: Coming,
}

/// `GET /my/points/coming`
///
/// # Errors
/// Only when the database fails.
pub async fn coming(State(app): State<App>, resident: Resident) -> Result<Response> {
    let (today, household) = (day_of(app.now()), resident.household);
    let coming = app.db.read(move |conn| coming::of(conn, &household, today)).await?;
    page::show(&ComingPage {
        shell: resident.shell,
        coming,
    })
}

#[derive(Template)]
#[template(path = "resident/line.html")]
struct LinePage {
    shell: Shell,
    story: Story,
    phone: String,
}

/// `GET /my/points/{number}`: how one line came about.
///
/// # Errors
/// `NotFound` for a line of somebody else, as for one that is none.
pub async fn line(State(app): State<App>, resident: Resident, Path(number): Path<String>) -> Result<Response> {
    let number: i64 = number.parse().map_err(|_| Error::NotFound)?;
    let household = resident.household;
    let (line, phone) = app
        .db
        .read(move |conn| {
            let line = statement::line(conn, &household, number)?.ok_or(Error::NotFound)?;
            Ok((line, programme::get(conn)?.phone))
        })
        .await?;
    page::show(&LinePage {
        shell: resident.shell,
        story: Story::of(&line),
        phone,
    })
}
