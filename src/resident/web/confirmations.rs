//! The staff's page of who found its book of the last quarter right: those who wait are nominated together, and a statement
//! that was signed on paper is taken down.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::{Moment, day_of, spoken_day, spoken_quarter};
use crate::council::confirmation as council;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::written;
use crate::resident::book::{self, Word};
use crate::resident::confirmation::{self, AT_ONCE, Confirmation};
use crate::scheme::item::Item;
use crate::sent::{Query, SignedForm};

#[derive(Template)]
#[template(path = "resident/confirmations.html")]
struct ConfirmationsPage {
    shell: Shell,
    problems: Problems,
    /// What was done just before.
    told: Option<String>,
    /// The item of the rules in force today.
    item: Option<Item>,
    waiting: Vec<Row>,
    /// Those that could not be nominated, and why.
    refused: Vec<Row>,
    nominated: usize,
    key: Id<Confirmation>,
    /// The household that was written.
    written: String,
}

impl ConfirmationsPage {
    /// How many the button nominates.
    fn at_once(&self) -> usize {
        self.waiting.len().min(AT_ONCE)
    }
}

struct Row {
    head: String,
    address: String,
    quarter: String,
    on: String,
    how: String,
    points: i64,
    refusal: String,
}

/// What was done just before this page.
#[derive(Default, Deserialize)]
pub struct Done {
    filed: Option<usize>,
    #[serde(default)]
    refused: usize,
    taken: Option<bool>,
}

impl Done {
    fn told(&self) -> Option<String> {
        match (self.filed, self.taken) {
            (Some(0), _) if self.refused == 0 => Some("没有等着申报的住户。".to_owned()),
            (Some(filed), _) if self.refused == 0 => Some(format!("已申报{filed}户，等别人核实。")),
            (Some(filed), _) => Some(format!(
                "已申报{filed}户，等别人核实。另有{}户没有申报，原因写在下面。",
                self.refused
            )),
            (None, Some(true)) => Some("已记下这户的书面确认。".to_owned()),
            (None, Some(false)) => Some("这户已经确认过，不重复记。".to_owned()),
            (None, None) => None,
        }
    }
}

/// `GET /nominations/confirmations`
///
/// # Errors
/// Only when the database fails.
pub async fn confirmations(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    let now = app.now();
    let read = move |conn: &mut Conn| {
        let page = confirmations_page(conn, &staff, Problems::default(), now)?;
        Ok(ConfirmationsPage {
            told: done.told(),
            ..page
        })
    };
    page::show(&app.db.read(read).await?)
}

fn confirmations_page(conn: &mut Conn, staff: &Staff, problems: Problems, now: Moment) -> Result<ConfirmationsPage> {
    let (tree, today) = (Tree::load(conn)?, day_of(now));
    let found = confirmation::within(conn, &staff.duties.reach(Permission::Nominate, &tree), today)?;
    let people: Vec<Id<User>> = found.iter().filter_map(|one| one.check.taken_by.clone()).collect();
    let names = user::display_names(conn, &people)?;
    let row = |one: &Confirmation| Row::of(one, &tree, &names);
    let refusal = |one: &&Confirmation| one.filed.as_ref().is_some_and(|filed| filed.refusal.is_some());
    let nominated = |one: &&Confirmation| one.filed.as_ref().is_some_and(|filed| filed.nomination_id.is_some());
    Ok(ConfirmationsPage {
        shell: staff.shell.clone(),
        problems,
        told: None,
        item: council::item_on(conn, today)?,
        waiting: found.iter().filter(|one| one.filed.is_none()).map(row).collect(),
        refused: found.iter().filter(refusal).map(row).collect(),
        nominated: found.iter().filter(nominated).count(),
        key: Id::new(now),
        written: String::new(),
    })
}

impl Row {
    fn of(one: &Confirmation, tree: &Tree, names: &HashMap<Id<User>, String>) -> Row {
        let how = match &one.check.taken_by {
            None => "在网页上".to_owned(),
            Some(by) => format!("书面，{}记下", names.get(by).map(String::as_str).unwrap_or_default()),
        };
        Row {
            head: one.household.head_name.clone(),
            address: one.household.address(tree),
            quarter: spoken_quarter(one.check.quarter_from),
            on: spoken_day(one.on()),
            how,
            points: one.item.points.0,
            refusal: one
                .filed
                .as_ref()
                .and_then(|filed| filed.refusal.clone())
                .unwrap_or_default(),
        }
    }
}

/// What the button sends.
#[derive(Deserialize)]
pub struct File {
    #[serde(default)]
    key: String,
}

/// `POST /nominations/confirmations`: nominates households of the visitor's area whose words wait.
///
/// # Errors
/// Only when the database fails: what stands against it is shown on the page.
pub async fn file_confirmations(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<File>,
) -> Result<Response> {
    let (asking, now) = (staff.clone(), app.now());
    let filed = app
        .db
        .write(move |conn| {
            let reach = asking.reach(conn, Permission::Nominate)?;
            confirmation::file(conn, &reach, &asking.user.id, &form.key, now)
        })
        .await;
    match filed {
        Ok(tally) => Ok(page::go(&format!(
            "/nominations/confirmations?filed={}&refused={}",
            tally.nominated, tally.refused
        ))),
        Err(error) => show_again(&app, staff, error, String::new()).await,
    }
}

/// Whose statement was signed.
#[derive(Deserialize)]
pub struct Signed {
    #[serde(default)]
    household: String,
}

/// `POST /nominations/confirmations/paper`: takes down that a household signed its statement. Sent twice, it is the same.
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn take_confirmation(
    State(app): State<App>,
    staff: Staff,
    SignedForm(signed): SignedForm<Signed>,
) -> Result<Response> {
    let (asking, now) = (staff.clone(), app.now());
    let text = signed.household.trim().to_owned();
    let asked = text.clone();
    let taken = app
        .db
        .write(move |conn| {
            let reach = asking.reach(conn, Permission::Nominate)?;
            let household = written::household(conn, reach.buildings(), "您负责的范围", "household", &asked)?;
            match book::check(conn, &household, Some(&asking.user.id), now)? {
                Word::New => Ok(true),
                Word::Known => Ok(false),
                Word::NoBook => Err(Error::invalid("household", "这户上个季度还没有账，不用核对。")),
            }
        })
        .await;
    match taken {
        Ok(new) => Ok(page::go(&format!("/nominations/confirmations?taken={new}"))),
        Err(error) => show_again(&app, staff, error, text).await,
    }
}

async fn show_again(app: &App, staff: Staff, error: Error, written: String) -> Result<Response> {
    let (status, problems) = Problems::from_error(error)?;
    let now = app.now();
    let read = move |conn: &mut Conn| {
        let page = confirmations_page(conn, &staff, problems, now)?;
        Ok(ConfirmationsPage { written, ..page })
    };
    page::show_with(status, &app.db.read(read).await?)
}
