//! The comparison (评比栏): how many good deeds posted in each building, by what is evaluated. It knows no household.
//!
//! It is no ranking: buildings stand in the order of the tree, whatever their counts, and nothing is summed up or set apart.
//! A building with fewer households than [`FEWEST`] is left out, so that no count speaks of somebody.

use std::collections::HashMap;

use super::board;
use crate::clock::{Day, Span};
use crate::council::nomination;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::places::area::{Area, Tree};
use crate::places::household;
use crate::scheme::{item, version};

/// Buildings with fewer households are left out.
pub const FEWEST: i64 = 5;

/// The comparison of a quarter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The quarter in which the deeds posted.
    pub quarter: Span,
    /// What is evaluated: the heads of the columns.
    pub evaluations: Vec<String>,
    /// A row for each building, in the order of the tree.
    pub rows: Vec<Row>,
}

/// A building.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What people call it.
    pub building: String,
    /// Good deeds that posted, by what is evaluated.
    pub counts: Vec<i64>,
}

/// The comparison of a quarter between these buildings.
///
/// # Errors
/// Only when the database fails.
pub fn of_quarter(conn: &mut Conn, quarter: Span, buildings: &[Area], today: Day) -> Result<Comparison> {
    let posted = nomination::posted_in(conn, quarter)?;
    let rules = board::rules(conn, &posted)?;
    let homes = board::homes(conn, posted.iter().map(|row| &row.household_id))?;
    let mut evaluations: Vec<(String, String)> = match version::in_force(conn, today) {
        Ok(version) => item::of_version(conn, &version.id)?
            .0
            .into_iter()
            .map(|category| (category.code, category.name))
            .collect(),
        Err(Error::NotFound) => Vec::new(),
        Err(error) => return Err(error),
    };
    // What an earlier version evaluated and this one does not any more.
    for rule in rules.values() {
        if !evaluations.iter().any(|(code, _)| *code == rule.category_code) {
            let (_, category) = item::by_id(conn, &rule.id)?;
            evaluations.push((category.code, category.name));
        }
    }
    evaluations.sort();
    let mut counted = HashMap::new();
    for row in &posted {
        let building = homes.get(&row.household_id).map(|home| home.building_id.clone());
        let evaluation = rules.get(&row.scoring_item_id).map(|rule| rule.category_code.as_str());
        if let (Some(building), Some(evaluation)) = (building, evaluation) {
            let count: &mut i64 = counted.entry((building, evaluation)).or_default();
            *count = count.saturating_add(1);
        }
    }
    let tree = Tree::load(conn)?;
    let households = household::count_by_building(conn)?;
    let shown = buildings
        .iter()
        .filter(|building| households.get(&building.id).is_some_and(|count| *count >= FEWEST));
    let rows = shown.map(|building| Row {
        building: board::in_public(&tree, building),
        counts: evaluations
            .iter()
            .map(|(code, _)| counted.get(&(building.id.clone(), code.as_str())).copied().unwrap_or(0))
            .collect(),
    });
    Ok(Comparison {
        quarter,
        rows: rows.collect(),
        evaluations: evaluations.iter().map(|(_, name)| name.clone()).collect(),
    })
}
