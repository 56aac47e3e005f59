//! A household as people write it down by hand: by its code, its head's name or its door.

use super::area::{Area, Tree};
use super::household::{self, Household, Search};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;

/// Doors that are looked at for one that was written down without its household's code.
const DOORS: i64 = 1_000;
/// Households that are named when a text fits several.
const NAMED: usize = 5;

/// The household that was written down: by its code, its head's name or its door, as far as that names one alone.
///
/// # Errors
/// `Invalid` in this field for nothing, for what no household in these buildings (`within`, in words) has, and for what several have.
pub fn household(
    conn: &mut Conn,
    buildings: Option<Vec<Id<Area>>>,
    within: &str,
    field: &'static str,
    text: &str,
) -> Result<Household> {
    if text.is_empty() {
        return Err(Error::invalid(field, "请写明是谁家，户号、户主或门牌都行。"));
    }
    let mut search = Search {
        query: text.to_owned(),
        buildings,
        limit: i64::try_from(NAMED.saturating_add(1)).unwrap_or(i64::MAX),
        ..Search::default()
    };
    let mut found = household::search(conn, &search)?;
    if let (true, Some((building, door))) = (found.is_empty(), door(text)) {
        (search.query, search.limit) = (door.clone(), DOORS);
        found = household::search(conn, &search)?;
        let tree = Tree::load(conn)?;
        let is_there = |home: &Household| match (building, tree.get(&home.building_id)) {
            (Some(number), Some(area)) => numbers(&area.name) == [number],
            (building, _) => building.is_none(),
        };
        found.retain(|home| home.code.ends_with(&door) && is_there(home));
    }
    let is_meant = |one: &Household| one.code.eq_ignore_ascii_case(text) || one.head_name == text;
    let meant: Vec<&Household> = found.iter().filter(|one| is_meant(one)).collect();
    match (found.as_slice(), meant.as_slice()) {
        ([], _) => Err(Error::invalid(
            field,
            format!("在{within}里没有找到“{text}”，请核对户号、户主或门牌。"),
        )),
        ([only], _) => Ok(only.clone()),
        (_, [only]) => Ok(Household::clone(only)),
        (several, _) => {
            let named = several.iter().take(NAMED);
            let named: Vec<String> = named.map(|one| format!("{}（{}）", one.code, one.head_name)).collect();
            Err(Error::invalid(
                field,
                format!("“{text}”不止一户：{}。请写户号。", named.join("、")),
            ))
        }
    }
}

/// What a door says: `3号楼2单元1103室` is building 3, and `-2-1103`, as a household's code ends.
fn door(text: &str) -> Option<(Option<&str>, String)> {
    let parts = numbers(text);
    let (building, door) = match (text.contains(['楼', '栋', '幢']), parts.as_slice()) {
        (true, [building, door @ ..]) => (Some(*building), door),
        (_, door) => (None, door),
    };
    (1..=2)
        .contains(&door.len())
        .then(|| (building, format!("-{}", door.join("-"))))
}

fn numbers(text: &str) -> Vec<&str> {
    let parts = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    parts.filter(|part| !part.is_empty()).collect()
}
