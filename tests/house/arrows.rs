//! The plan: which room stands on which floor, and that no file uses what is above or beside it.

use std::collections::BTreeSet;
use std::fs;

use super::reading::{names, own_paths, read, room};
use super::{Exception, expect_kept, expect_needed, is_excepted, sources};

/// The floors, from the ground up, as in the table of `src/lib.rs`. A file uses its own room and lower floors.
const FLOORS: [&[&str]; 13] = [
    &["id", "points", "money", "clock", "error", "text"],
    &["db", "audit", "files", "photo", "request", "page", "print"],
    &["ledger"],
    &["places"],
    &["access"],
    &["scheme", "cards"],
    &["registry"],
    &["council", "shop"],
    &["honours", "volunteering"],
    &["statements", "registers", "dividends", "boards", "feedback"],
    &["papers"],
    &["resident"],
    &["retention"],
];

/// Who stands on whose shoulders within the two lowest floors, whose files are words and furniture: room, room, why.
const WITHIN_A_FLOOR: &[Exception] = &[
    ("id", "clock", "an id begins with the moment at which it was made"),
    ("money", "points", "a rate turns points into fen"),
    ("audit", "db", "a line is a row"),
    ("request", "db", "a key is a row"),
    ("files", "db", "the folder lies beside the programme"),
    ("photo", "files", "what a file is, is told by its first bytes"),
];

/// Above all floors, with every `web.rs` and `api.rs`: these may use any room.
const ROOF: [&str; 12] = [
    "app", "guard", "language", "press", "sent", "recall", "routes", "assets", "books", "config", "demo", "main",
];

/// Handlers are named by `routes.rs` alone. What else a page uses of another room's page: file, what, why.
const SHARED_PAGES: &[Exception] = &[
    (
        "src/access/web/desk.rs",
        "council::web",
        "the desk counts what waits for this person, by the same rule as the page that lists it",
    ),
    ("src/access/web/desk.rs", "honours::web", "and of titles too"),
    (
        "src/places/web.rs",
        "council::web",
        "a nomination wears the same badge on the household's page",
    ),
];

fn is_roof(path: &str) -> bool {
    path.ends_with("/web.rs") || path.contains("/web/") || path.ends_with("/api.rs") || ROOF.contains(&room(path))
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// A file uses its own room and lower floors; roofs use any room, and nothing uses a roof.
fn arrows(path: &str, text: &str) -> Vec<String> {
    let code = read(text).code;
    let mut broken = Vec::new();
    if names(&code, "super::super") {
        broken.push(format!(
            "{path} climbs with super::super, which hides where it goes: write crate::…"
        ));
    }
    if path == "src/lib.rs" {
        return broken;
    }
    if !is_roof(path) && floor(room(path)).is_none() {
        broken.push(format!(
            "{path} is not on the plan: give its room a floor in src/lib.rs and here"
        ));
    }
    for used in own_paths(&code) {
        let target = used.split("::").next().unwrap_or_default();
        let own = target == room(path);
        match (is_roof(path), floor(target), floor(room(path))) {
            _ if own => {}
            (true, ..) if ROOF.contains(&target) || floor(target).is_some() => {}
            (false, Some(other), Some(here)) if other < here => {}
            (false, Some(other), Some(here)) if other == here && is_excepted(WITHIN_A_FLOOR, room(path), target) => {}
            (false, Some(other), Some(here)) if other == here => {
                broken.push(format!("{path} uses {used}, which stands beside it on floor {here}"));
            }
            (false, Some(other), Some(here)) => {
                broken.push(format!(
                    "{path} on floor {here} uses {used}, which is above it on floor {other}"
                ));
            }
            (false, None, _) if ROOF.contains(&target) => {
                broken.push(format!("{path} uses {used}, which is on the roof"));
            }
            _ => broken.push(format!("{path} uses {used}, which is not on the plan")),
        }
    }
    broken
}

/// The pages and calls of another room that a file names.
fn other_rooms_pages(path: &str, text: &str) -> Vec<String> {
    let paths = own_paths(&read(text).code).into_iter();
    let pages = paths.filter_map(|used| {
        let (target, inside) = used.split_once("::")?;
        let page = inside.split("::").next()?;
        (target != room(path) && matches!(page, "web" | "api")).then(|| format!("{target}::{page}"))
    });
    pages.collect()
}

/// Only `routes.rs` names handlers.
fn handlers(path: &str, text: &str) -> Vec<String> {
    let named = other_rooms_pages(path, text).into_iter();
    named
        .filter(|page| path != "src/routes.rs" && !is_excepted(SHARED_PAGES, path, page))
        .map(|page| format!("{path} uses {page}: only routes.rs names another room's pages"))
        .collect()
}

#[test]
fn a_file_uses_its_own_room_and_lower_floors() {
    expect_kept(&sources(), arrows);
    expect_kept(&sources(), handlers);
    let used = sources()
        .iter()
        .flat_map(|file| {
            let pages = other_rooms_pages(&file.path, &file.text).into_iter();
            pages.map(|page| (file.path.clone(), page)).collect::<Vec<_>>()
        })
        .collect();
    expect_needed(SHARED_PAGES, &used);
}

#[test]
fn every_arrow_within_a_floor_is_needed() {
    let mut used = BTreeSet::new();
    for file in sources() {
        let here = room(&file.path).to_owned();
        for path in own_paths(&read(&file.text).code) {
            let target = path.split("::").next().unwrap_or_default().to_owned();
            used.insert((here.clone(), target));
        }
    }
    expect_needed(WITHIN_A_FLOOR, &used);
}

#[test]
fn forbidden_arrows_are_seen() {
    let seen = |path: &str, text: &str| arrows(path, text).len() + handlers(path, text).len();
    // Up, sideways, onto the roof, out of the plan, by the back stairs.
    assert_eq!(seen("src/ledger/x.rs", "use crate::shop::goods;"), 1);
    assert_eq!(
        seen("src/ledger/x.rs", "use crate::{clock::Day, shop::goods, places};"),
        2
    );
    assert_eq!(seen("src/council/x.rs", "fn f() { crate::shop::stock::take() }"), 1);
    assert_eq!(seen("src/scheme/x.rs", "use crate::cards::card;"), 1);
    assert_eq!(seen("src/id.rs", "use crate::app::App;"), 1);
    assert_eq!(seen("src/helpers.rs", "fn f() {}"), 1);
    assert_eq!(seen("src/places/x.rs", "use crate::helpers::f;"), 1);
    assert_eq!(seen("src/places/x.rs", "use super::super::shop;"), 1);
    assert_eq!(seen("src/statements/web.rs", "use crate::shop::web::slip;"), 1);
    assert_eq!(
        seen("src/access/web.rs", "use crate::{shop::{web::slip, goods}, council};"),
        1
    );
    // Down, at home, from the roof; and words that are no arrows.
    assert_eq!(
        seen(
            "src/shop/x.rs",
            "use crate::cards::card::{self, Card};\nuse crate::shop::stock;"
        ),
        0
    );
    assert_eq!(
        seen("src/ledger/web.rs", "use crate::shop::goods;\nuse crate::app::App;"),
        0
    );
    assert_eq!(
        seen(
            "src/ledger/x.rs",
            "// use crate::shop::goods;\nlet s = \"crate::shop\";"
        ),
        0
    );
    assert_eq!(seen("src/routes.rs", "use crate::shop::web::slip;"), 0);
}

#[test]
fn the_plan_is_the_one_in_lib_rs() {
    let lib = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    let rows = lib.lines().filter_map(|line| line.strip_prefix("//! | ")).skip(2);
    let in_backticks = |row: &str| -> Vec<String> { row.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let (roofs, floors): (Vec<&str>, Vec<&str>) = rows.partition(|row| row.starts_with("roof"));
    let told: Vec<Vec<String>> = floors.into_iter().map(in_backticks).collect();
    assert_eq!(told, FLOORS);
    for told in in_backticks(roofs[0]).iter().filter(|word| !word.ends_with(".rs")) {
        assert!(ROOF.contains(&told.as_str()), "{told} is on the roof in lib.rs only");
    }
    let declared: BTreeSet<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let planned = FLOORS.iter().copied().flatten().chain(&ROOF).copied();
    let planned: BTreeSet<&str> = planned.filter(|room| *room != "main").collect();
    assert_eq!(declared, planned);
}
