//! A year of recognition: for each community, evaluation and quarter, how many deeds posted and titles were conferred.
//!
//! Numbers only: no household is in it, and nothing in it can be ordered by household.

use std::collections::{BTreeMap, HashMap};

use super::award::{self, State};
use super::title::{self, Period};
use crate::access::role::Reach;
use crate::clock::{Day, Span, day_of};
use crate::council::nomination;
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::household::{self, Household};
use crate::scheme::item::{self, Item};

/// Quarters that are looked at: twelve months.
const QUARTERS: usize = 4;

/// A year of recognition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Year {
    /// `2026年第一季度` …, the running one last.
    pub quarters: Vec<String>,
    /// The communities within reach.
    pub communities: Vec<Community>,
}

/// A year of one community.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Community {
    /// `晨光社区`.
    pub name: String,
    /// One for each evaluation.
    pub rows: Vec<Row>,
}

/// A year of one evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `评文明新风`.
    pub evaluation: String,
    /// One for each quarter.
    pub cells: Vec<Count>,
}

/// What happened in a quarter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Deeds that posted.
    pub deeds: usize,
    /// Titles that were conferred.
    pub titles: usize,
}

/// The community in which a household lives, and the code of an evaluation.
type Place = (Id<Area>, String);

/// The last four quarters, as far as somebody may look.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, reach: &Reach, today: Day) -> Result<Year> {
    let mut spans: Vec<Span> = std::iter::successors(Some(Span::quarter_of(today)), |span| {
        span.from.pred_opt().map(Span::quarter_of)
    })
    .take(QUARTERS)
    .collect();
    spans.reverse();
    let tree = Tree::load(conn)?;
    let mut counts: BTreeMap<Place, Vec<Count>> = BTreeMap::new();
    let mut add = |place: Place, quarter: usize, more: Count| {
        let cells = counts.entry(place).or_insert_with(|| vec![Count::default(); QUARTERS]);
        if let Some(cell) = cells.get_mut(quarter) {
            cell.deeds = cell.deeds.saturating_add(more.deeds);
            cell.titles = cell.titles.saturating_add(more.titles);
        }
    };
    let mut held = award::standing_as(conn, &[State::Conferred])?;
    let titles = title::every(conn)?;
    for (quarter, span) in spans.iter().enumerate() {
        let deeds = nomination::posted_in(conn, *span)?;
        let homes = communities(conn, &tree, reach, deeds.iter().map(|deed| deed.household_id.clone()))?;
        let codes = categories(conn, deeds.iter().map(|deed| deed.scoring_item_id.clone()))?;
        for deed in deeds {
            if let (Some(home), Some(code)) = (homes.get(&deed.household_id), codes.get(&deed.scoring_item_id)) {
                add((home.clone(), code.clone()), quarter, Count { deeds: 1, titles: 0 });
            }
        }
        let (conferred, others): (Vec<_>, Vec<_>) = held
            .into_iter()
            .partition(|award| award.conferred_at.is_some_and(|at| span.contains(day_of(at))));
        held = others;
        let homes = communities(
            conn,
            &tree,
            reach,
            conferred.iter().map(|award| award.household_id.clone()),
        )?;
        for award in conferred {
            let code = titles
                .get(&award.title_id)
                .map(|title| title.category_code.clone().unwrap_or_default());
            if let (Some(home), Some(code)) = (homes.get(&award.household_id), code) {
                add((home.clone(), code), quarter, Count { deeds: 0, titles: 1 });
            }
        }
    }
    let known = title::categories(conn, today)?;
    let mut evaluations: Vec<(String, String)> = known.into_iter().map(|one| (one.code, one.name)).collect();
    evaluations.push((String::new(), "自设称号".to_owned()));
    let communities = tree.all().iter().filter_map(|area| {
        let rows: Vec<Row> = evaluations
            .iter()
            .filter_map(|(code, name)| {
                let cells = counts.get(&(area.id.clone(), code.clone()))?.clone();
                let evaluation = name.clone();
                Some(Row { evaluation, cells })
            })
            .collect();
        let name = area.name.clone();
        (!rows.is_empty()).then_some(Community { name, rows })
    });
    Ok(Year {
        quarters: spans.iter().map(|span| Period::Quarter.in_words(span.from)).collect(),
        communities: communities.collect(),
    })
}

/// In which community each of these households lives, as far as somebody may look.
fn communities(
    conn: &mut Conn,
    tree: &Tree,
    reach: &Reach,
    households: impl Iterator<Item = Id<Household>>,
) -> Result<HashMap<Id<Household>, Id<Area>>> {
    let mut ids: Vec<Id<Household>> = households.collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        for home in household::by_ids(conn, chunk)? {
            if reach.covers(&home.building_id) {
                found.insert(home.id, community_of(tree, &home.building_id));
            }
        }
    }
    Ok(found)
}

/// The community of a building; where the tree has none, the building itself.
fn community_of(tree: &Tree, building: &Id<Area>) -> Id<Area> {
    let mut next = tree.get(building);
    while let Some(area) = next {
        if area.kind == AreaKind::Community {
            return area.id.clone();
        }
        next = area.parent_id.as_ref().and_then(|parent| tree.get(parent));
    }
    building.clone()
}

/// The code of the evaluation to which each of these rules belongs.
fn categories(conn: &mut Conn, rules: impl Iterator<Item = Id<Item>>) -> Result<HashMap<Id<Item>, String>> {
    let mut ids: Vec<Id<Item>> = rules.collect();
    ids.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    ids.dedup();
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let items = item::by_ids(conn, chunk)?.into_iter();
        found.extend(items.map(|item| (item.id, item.category_code)));
    }
    Ok(found)
}
