//! Points that expire soon, building by building, so that building heads can tell people before it happens. SG18.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{Day, day_of, days_after, spoken_day};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::ledger::lot;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::sent::Query;

#[derive(Template)]
#[template(path = "registry/expiring.html")]
struct ExpiringPage {
    shell: Shell,
    days: u64,
    choices: [u64; 3],
    today: String,
    until: String,
    buildings: Vec<Building>,
    households: usize,
    points: Points,
}

struct Building {
    name: String,
    rows: Vec<Row>,
    points: Points,
}

struct Row {
    code: String,
    head: String,
    door: String,
    points: Points,
    on: String,
}

/// How far ahead to look.
#[derive(Deserialize)]
pub struct Ahead {
    days: Option<u64>,
}

/// The days before its end at which a household is reminded.
const REMINDERS: [u64; 3] = [60, 30, 7];

/// `GET /expiring?days`
///
/// # Errors
/// Only when the database fails.
pub async fn expiring(State(app): State<App>, staff: Staff, Query(ahead): Query<Ahead>) -> Result<Response> {
    let today = day_of(app.now());
    let days = ahead.days.filter(|days| REMINDERS.contains(days)).unwrap_or(30);
    let page = app.db.read(move |conn| expiring_page(conn, staff, today, days)).await?;
    page::show(&page)
}

fn expiring_page(conn: &mut Conn, staff: Staff, today: Day, days: u64) -> Result<ExpiringPage> {
    let until = days_after(today, days);
    let tree = Tree::load(conn)?;
    let reach = staff.duties.reach(Permission::ReadHouseholds, &tree);
    let ending = lot::expiring(conn, None, until)?;
    let mut ids: Vec<Id<Household>> = ending.iter().map(|one| Id::known(one.owner.clone())).collect();
    ids.sort();
    ids.dedup();
    let mut households: HashMap<Id<Household>, Household> = HashMap::new();
    for chunk in ids.chunks(500) {
        let here = household::by_ids(conn, chunk)?.into_iter();
        households.extend(
            here.filter(|household| reach.covers(&household.building_id))
                .map(|household| (household.id.clone(), household)),
        );
    }
    let mut by_path: BTreeMap<&str, Building> = BTreeMap::new();
    for one in ending {
        let Some(household) = households.get(&Id::known(one.owner)) else {
            continue;
        };
        let Some(area) = tree.get(&household.building_id) else {
            continue;
        };
        let building = by_path.entry(&area.path).or_insert_with(|| Building {
            name: tree.address(&area.id),
            rows: Vec::new(),
            points: Points::ZERO,
        });
        building.points = building.points.plus(one.points).unwrap_or(building.points);
        building.rows.push(Row {
            code: household.code.clone(),
            head: household.head_name.clone(),
            door: household.door(),
            points: one.points,
            on: spoken_day(one.expires_on),
        });
    }
    let buildings: Vec<Building> = by_path.into_values().collect();
    Ok(ExpiringPage {
        shell: staff.shell,
        days,
        choices: REMINDERS,
        today: spoken_day(today),
        until: spoken_day(until),
        households: households.len(),
        points: buildings.iter().map(|building| building.points).sum(),
        buildings,
    })
}
