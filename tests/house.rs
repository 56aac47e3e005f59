//! The rules of the house that a machine can check, read from the text of the source.
//!
//! Each rule is a function from a file's path and text to what breaks it, so that each is also shown a file that breaks it
//! and seen to say so. Exceptions stand in the lists with their reasons; one that nothing needs any more fails too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;

// ---- The plan ------------------------------------------------------------------------------------------------------

/// The floors, from the ground up, as in the table of `src/lib.rs`. A file uses its own room and lower floors.
const FLOORS: [&[&str]; 13] = [
    &["id", "points", "money", "clock", "error"],
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

/// Each table and the room that keeps it: nobody else reads or writes it.
const TABLES: &[(&str, &str)] = &[
    ("audit_events", "audit"),
    ("requests", "request"),
    ("accounts", "ledger"),
    ("transactions", "ledger"),
    ("entries", "ledger"),
    ("holds", "ledger"),
    ("held_points", "ledger"),
    ("expiry_runs", "ledger"),
    ("programmes", "places"),
    ("areas", "places"),
    ("households", "places"),
    ("household_events", "places"),
    ("household_residences", "places"),
    ("household_consents", "places"),
    ("consent_forms", "places"),
    ("area_moves", "places"),
    ("users", "access"),
    ("user_roles", "access"),
    ("sessions", "access"),
    ("api_tokens", "access"),
    ("household_lookups", "access"),
    ("scheme_versions", "scheme"),
    ("evaluation_categories", "scheme"),
    ("scoring_items", "scheme"),
    ("scheme_drafts", "scheme"),
    ("scheme_overrides", "scheme"),
    ("scheme_override_confirmations", "scheme"),
    ("scheme_resolutions", "scheme"),
    ("scheme_suspensions", "scheme"),
    ("cards", "cards"),
    ("nominations", "council"),
    ("council_members", "council"),
    ("kin_declarations", "council"),
    ("council_sessions", "council"),
    ("attendances", "council"),
    ("motions", "council"),
    ("motion_recusals", "council"),
    ("ballots", "council"),
    ("tallies", "council"),
    ("public_notices", "council"),
    ("issuance_budgets", "council"),
    ("clockwork", "council"),
    ("motion_rows", "council"),
    ("reminder_notes", "council"),
    ("reminder_objections", "council"),
    ("visit_sheets", "council"),
    ("visit_judges", "council"),
    ("visit_rows", "council"),
    ("visit_marks", "council"),
    ("evidence", "council"),
    ("gatherings", "council"),
    ("gathering_rows", "council"),
    ("filed_confirmations", "council"),
    ("objections", "council"),
    ("appeals", "council"),
    ("appeal_panellists", "council"),
    ("award_corrections", "council"),
    ("honour_titles", "honours"),
    ("title_notices", "honours"),
    ("title_awards", "honours"),
    ("title_ballots", "honours"),
    ("title_ballot_voters", "honours"),
    ("title_objections", "honours"),
    ("title_appeals", "honours"),
    ("title_panellists", "honours"),
    ("honour_stars", "honours"),
    ("star_awards", "honours"),
    ("star_entries", "honours"),
    ("star_entry_households", "honours"),
    ("points_stores", "shop"),
    ("goods_items", "shop"),
    ("stock_lots", "shop"),
    ("redemptions", "shop"),
    ("redemption_lines", "shop"),
    ("redemption_voids", "shop"),
    ("stock_movements", "shop"),
    ("tills", "shop"),
    ("shifts", "shop"),
    ("shift_counts", "shop"),
    ("held_baskets", "shop"),
    ("till_holds", "shop"),
    ("print_jobs", "papers"),
    ("print_parts", "papers"),
    ("dividends", "dividends"),
    ("dividend_shares", "dividends"),
    ("dividend_annulments", "dividends"),
    ("held_goods", "shop"),
    ("offline_sales", "shop"),
    ("offline_conflicts", "shop"),
    ("refused_tries", "shop"),
    ("counter_rules", "shop"),
    ("category_limits", "shop"),
    ("opening_patterns", "shop"),
    ("special_days", "shop"),
    ("refunds", "shop"),
    ("refund_lines", "shop"),
    ("pickup_proxies", "shop"),
    ("proxy_pickups", "shop"),
    ("deliveries", "shop"),
    ("household_pins", "cards"),
    ("goods_prices", "shop"),
    ("donors", "shop"),
    ("stock_receipts", "shop"),
    ("stock_receipt_lines", "shop"),
    ("write_offs", "shop"),
    ("write_off_lines", "shop"),
    ("stocktakes", "shop"),
    ("stocktake_counts", "shop"),
    ("stocktake_reasons", "shop"),
    ("stocktake_postings", "shop"),
    ("wishes", "shop"),
    ("wish_voices", "shop"),
    ("partner_agreements", "shop"),
    ("partner_prices", "shop"),
    ("partner_sales", "shop"),
    ("cash_top_ups", "shop"),
    ("settlements", "shop"),
    ("settlement_lines", "shop"),
    ("settlement_disputes", "shop"),
    ("resident_tries", "resident"),
    ("resident_sessions", "resident"),
    ("resident_requests", "resident"),
    ("book_checks", "resident"),
    ("household_deletions", "retention"),
    ("board_pictures", "boards"),
    ("feedback_counts", "feedback"),
    ("feedback_sentences", "feedback"),
    ("feedback_marks", "feedback"),
    ("volunteer_events", "volunteering"),
    ("volunteer_stays", "volunteering"),
    ("time_helps", "volunteering"),
    ("time_corrections", "volunteering"),
    ("time_pool_limits", "volunteering"),
];

/// Files that name every table: each and why.
const NAMING_ALL_TABLES: [(&str, &str); 2] = [
    ("src/db/schema.rs", "diesel is told of them here"),
    (
        "src/retention/fate.rs",
        "what becomes of every table when a household is deleted is read, and missed, in one place",
    ),
];

/// Who reads another room's table all the same: file, table, why.
const BORROWED_TABLES: &[Exception] = &[
    (
        "src/papers/job.rs",
        "cards",
        "not the table: what is printed is called so on the command line",
    ),
    (
        "src/config.rs",
        "households",
        "not the table: how many is called so on the command line",
    ),
    (
        "src/council/nomination.rs",
        "scoring_items",
        "a cap counts an item's code under every version of the rules, which is one join here and many calls otherwise",
    ),
    (
        "src/council/award.rs",
        "scoring_items",
        "a household's cap leaves items of level L3 out, which is one join here and many calls otherwise",
    ),
    (
        "src/council/appeal.rs",
        "scoring_items",
        "what an appeal added counts under the caps by its item's code and level, as what was nominated does",
    ),
    (
        "src/council/forecast.rs",
        "scoring_items",
        "what was nominated is the same deed by its item's code under every version of the rules, as for the cap",
    ),
    (
        "src/registers/register.rs",
        "redemptions",
        "not the table: a register is called so in its address",
    ),
    (
        "src/shop/unsettled.rs",
        "transactions",
        "a statement takes in what the books wrote before the month's end, as the registers do",
    ),
    (
        "src/shop/register.rs",
        "transactions",
        "a line of the register belongs to the day on which the books wrote it, which is one join here and many calls otherwise",
    ),
    (
        "src/access/web/audit.rs",
        "evidence",
        "what an event is about is called as the table is",
    ),
    (
        "src/access/web/audit.rs",
        "counter_rules",
        "what an event is about is called as the table is",
    ),
    (
        "src/shop/web/offline.rs",
        "cards",
        "not the table: what the counter's script reads is called so",
    ),
    (
        "src/scheme/validator/structure.rs",
        "evidence",
        "a field of a rule is called as the table is",
    ),
    (
        "src/scheme/difference.rs",
        "evidence",
        "not the table: what a rule asks for is called so in its document",
    ),
    (
        "src/scheme/draft.rs",
        "evidence",
        "not the table: what a rule asks for is called so in its document",
    ),
    (
        "src/scheme/web/draft.rs",
        "evidence",
        "not the table: what a rule asks for is called so in its document",
    ),
    (
        "src/scheme/web/item_form.rs",
        "evidence",
        "not the table: what a rule asks for is called so in its document",
    ),
];

/// Names that stand in a few files only: the names, where they may stand, why.
const CONFINED: &[(&[&str], &[&str], &str)] = &[
    (
        &["axum"],
        &[
            "…/web.rs",
            "…/web/",
            "…/api.rs",
            "src/page.rs",
            "src/app.rs",
            "src/guard.rs",
            "src/language.rs",
            "src/sent.rs",
            "src/routes.rs",
            "src/assets.rs",
            "src/main.rs",
        ],
        "rooms do not know that they are reached over HTTP",
    ),
    (
        &["tower_http"],
        &["src/routes.rs"],
        "what stands around all doors is put there once",
    ),
    (
        &["askama"],
        &["…/web.rs", "…/web/", "src/page.rs"],
        "rooms do not know that they are shown on pages",
    ),
    (
        &["tokio"],
        &[
            "src/db.rs",
            "src/db/",
            "src/app.rs",
            "src/press.rs",
            "src/print/thread.rs",
            "src/main.rs",
        ],
        "rules are plain synchronous Rust",
    ),
    (
        &["PgConnection", "SqliteConnection", "Conn::Postgres", "Conn::Sqlite"],
        &["src/db.rs", "src/db/"],
        "nothing but `db` knows which database it is",
    ),
    (
        &["Utc::now", "Local::now", "SystemTime::now"],
        &["src/clock.rs"],
        "time is a parameter",
    ),
    (
        &["Instant::now"],
        &["src/guard.rs"],
        "a duration for the log is no time for a rule; nothing else has a stop-watch",
    ),
    (
        &["getrandom"],
        &["src/id.rs"],
        "what is random is made in one place, and handed in",
    ),
    (
        &["argon2"],
        &["src/access/digest.rs"],
        "passwords and PINs are hashed and verified in one place",
    ),
    (
        &["typst", "typst_layout", "typst_pdf", "typst_render", "wuff"],
        &["src/print.rs", "src/print/"],
        "paper is set in one place; papers know data only",
    ),
    (
        &["rqrr", "rxing", "qrcode"],
        &["src/cards/qr.rs", "src/cards/photo.rs", "src/papers/marks/"],
        "bytes from a stranger's phone meet a decoder in one place",
    ),
    (
        &["calamine", "encoding_rs"],
        &["src/places/roster"],
        "bytes from a stranger's desk meet a reader in one place",
    ),
    (
        &["clap"],
        &["src/config.rs", "src/main.rs"],
        "settings are read in one place",
    ),
];

/// The most lines of a source file, its tests left out.
const MOST_LINES: usize = 700;

/// Longer ones: file, how long at most, why.
const LONG_FILES: &[(&str, usize, &str)] = &[
    (
        "src/db/schema.rs",
        2_000,
        "the list of all tables as diesel reads it: nobody reads it in one sitting",
    ),
    (
        "src/routes.rs",
        1_000,
        "the one table of all doors: whoever looks for a door looks in one place",
    ),
];

/// Templates that put text into a page without escaping it: file, what, why.
const UNESCAPED: &[Exception] = &[
    (
        "templates/cards/issued.html",
        "drawing|safe",
        "the QR code's own drawing, made of digits by cards/qr.rs",
    ),
    (
        "templates/cards/issued.html",
        "bars|safe",
        "the bars' own drawing, made of digits by cards/bars.rs",
    ),
    (
        "templates/shop/try_scan.html",
        "square|safe",
        "the QR code's own drawing, made of digits by cards/qr.rs",
    ),
    (
        "templates/shop/try_scan.html",
        "bars|safe",
        "the bars' own drawing, made of digits by cards/bars.rs",
    ),
    (
        "templates/shop/try_scan.html",
        "goods|safe",
        "the bars' own drawing, made of digits by cards/bars.rs",
    ),
];

/// Words in Latin letters that stand on pages.
const LATIN_WORDS: &[&str] = &[
    // The name of the programme; what a file is; the file that shows the form of a scheme.
    "Jishan", "Excel", "XLSX", "xlsx", "samples", "scheme", "json",
];

/// Half-width signs between Chinese characters that are right there: file, the sign with its neighbours, why.
const HALF_WIDTH: &[Exception] = &[(
    "src/places/programme.rs",
    "名:端",
    "the form of an address, http://域名:端口",
)];

/// Files that hold patterns, in which half-width signs are no punctuation: file, why.
const PATTERNS: &[(&str, &str)] = &[
    (
        "src/scheme/validator/lexicon.rs",
        "what a rule may not say, as regular expressions",
    ),
    (
        "src/scheme/validator/concepts.rs",
        "the words of those regular expressions",
    ),
    (
        "src/scheme/validator/deeds.rs",
        "what people do, as regular expressions",
    ),
];

/// File, what, why.
type Exception = (&'static str, &'static str, &'static str);

// ---- The files -----------------------------------------------------------------------------------------------------

struct File {
    path: String,
    text: String,
}

/// The files below these folders that end so, by path.
fn files(folders: &[&str], ending: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut waiting: Vec<_> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "node_modules" {
                waiting.push(path);
            } else if name.ends_with(ending) {
                found.push(File {
                    text: fs::read_to_string(&path).unwrap(),
                    path: path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"),
                });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 1, "no {ending} below {folders:?}");
    found
}

fn sources() -> Vec<File> {
    files(&["src"], ".rs")
}

/// Fails with everything that breaks a rule, in one go.
fn expect_kept(files: &[File], rule: impl Fn(&str, &str) -> Vec<String>) {
    let broken: Vec<String> = files.iter().flat_map(|file| rule(&file.path, &file.text)).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// An exception that is not needed any more is taken off its list.
fn expect_needed(exceptions: &[Exception], used: &BTreeSet<(String, String)>) {
    for (file, what, _) in exceptions {
        assert!(
            used.contains(&((*file).to_owned(), (*what).to_owned())),
            "{file} has no need of {what} any more: take the exception off its list"
        );
    }
}

fn is_excepted(exceptions: &[Exception], path: &str, what: &str) -> bool {
    exceptions
        .iter()
        .any(|(file, named, _)| *file == path && *named == what)
}

// ---- Reading Rust --------------------------------------------------------------------------------------------------

/// A file's code without comments and without what is in quotes; and what is in quotes, each with its line.
struct Read {
    code: String,
    quoted: Vec<(usize, String)>,
}

fn read(text: &str) -> Read {
    let letters: Vec<char> = text.chars().collect();
    let at = |place: usize| letters.get(place).copied().unwrap_or('\0');
    let (mut code, mut quoted, mut place, mut line) = (String::new(), Vec::new(), 0, 1);
    while place < letters.len() {
        let begin = place;
        let hashes = (place + 1..).take_while(|next| at(*next) == '#').count();
        let in_a_word = place > 0 && (at(place - 1).is_alphanumeric() || at(place - 1) == '_');
        match at(place) {
            '/' if at(place + 1) == '/' => {
                while place < letters.len() && at(place) != '\n' {
                    place += 1;
                }
            }
            'r' if !in_a_word && at(place + 1 + hashes) == '"' => {
                let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                place += hashes + 2;
                let inside = place;
                while place < letters.len() && !letters[place..].starts_with(&end) {
                    place += 1;
                }
                quoted.push((line, letters[inside..place].iter().collect()));
                place += end.len();
            }
            '"' => {
                place += 1;
                let inside = place;
                while place < letters.len() && at(place) != '"' {
                    place += if at(place) == '\\' { 2 } else { 1 };
                }
                quoted.push((line, letters[inside..place.min(letters.len())].iter().collect()));
                place += 1;
            }
            // A letter in quotes; anything else that begins so is a lifetime.
            '\'' if at(place + 1) == '\\' => {
                place += 3;
                while at(place) != '\'' {
                    place += 1;
                }
                place += 1;
            }
            '\'' if at(place + 2) == '\'' => place += 3,
            letter => {
                code.push(letter);
                place += 1;
            }
        }
        line += letters[begin..place.min(letters.len())]
            .iter()
            .filter(|letter| **letter == '\n')
            .count();
        if place > begin + 1 {
            code.push(' ');
        }
    }
    Read { code, quoted }
}

/// Does the code name this, as a whole word?
fn names(code: &str, name: &str) -> bool {
    let is_word = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    code.match_indices(name)
        .any(|(at, _)| !is_word(code[..at].chars().next_back()) && !is_word(code[at + name.len()..].chars().next()))
}

/// Every path that starts in one of our own modules, whole: `crate::db::{Conn, schema::cards}` is two.
fn own_paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for start in ["crate::", "jishan::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
                grow(&mut code[at + start.len()..].chars().peekable(), "", &mut paths);
            }
        }
    }
    paths
}

/// Reads a use tree and adds its leaves.
fn grow(letters: &mut std::iter::Peekable<std::str::Chars<'_>>, stem: &str, paths: &mut Vec<String>) {
    let mut path = stem.to_owned();
    while let Some(letter) = letters.peek().copied() {
        match letter {
            '{' => {
                letters.next();
                loop {
                    while letters
                        .next_if(|letter| letter.is_whitespace() || *letter == ',')
                        .is_some()
                    {}
                    if letters.next_if_eq(&'}').is_some() || letters.peek().is_none() {
                        return;
                    }
                    let before = paths.len();
                    grow(letters, &path, paths);
                    if paths.len() == before {
                        return;
                    }
                    // An `as` and what follows it.
                    while letters.next_if(|letter| *letter != ',' && *letter != '}').is_some() {}
                }
            }
            ':' => {
                letters.next();
                if letters.next_if_eq(&':').is_none() {
                    break;
                }
                path.push_str("::");
            }
            letter if letter.is_alphanumeric() || letter == '_' || letter == '*' => {
                path.push(letter);
                letters.next();
            }
            _ => break,
        }
    }
    if path != stem {
        paths.push(path);
    }
}

/// `shop` of `src/shop/web/basket.rs`, `db` of `src/db.rs`.
fn room(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

fn is_roof(path: &str) -> bool {
    path.ends_with("/web.rs") || path.contains("/web/") || path.ends_with("/api.rs") || ROOF.contains(&room(path))
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

// ---- Arrows --------------------------------------------------------------------------------------------------------

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

// ---- Names ---------------------------------------------------------------------------------------------------------

fn may_stand(path: &str, place: &str) -> bool {
    match place.strip_prefix('…') {
        Some(ending) if ending.ends_with('/') => path.contains(ending),
        Some(ending) => path.ends_with(ending),
        None => path.starts_with(place),
    }
}

fn confined(path: &str, text: &str) -> Vec<String> {
    let code = read(text).code;
    let mut broken = Vec::new();
    for (words, places, why) in CONFINED {
        if places.iter().any(|place| may_stand(path, place)) {
            continue;
        }
        let found = words.iter().filter(|word| names(&code, word));
        broken.extend(found.map(|word| format!("{path} names {word}, but {why}")));
    }
    broken
}

#[test]
fn what_belongs_in_one_place_is_named_there_only() {
    expect_kept(&sources(), confined);
}

#[test]
fn names_out_of_their_place_are_seen() {
    let seen = |path: &str, text: &str| confined(path, text).len();
    assert_eq!(seen("src/shop/goods.rs", "use axum::Json;"), 1);
    assert_eq!(seen("src/shop/api.rs", "use askama::Template;"), 1);
    assert_eq!(
        seen(
            "src/places/household.rs",
            "match conn { Conn::Sqlite(_) => 1, Conn::Postgres(_) => 2 }"
        ),
        2
    );
    assert_eq!(seen("src/ledger/balance.rs", "let now = chrono::Utc::now();"), 1);
    assert_eq!(seen("src/app.rs", "let began = Instant::now();"), 1);
    assert_eq!(seen("src/access/session.rs", "getrandom::fill(&mut bytes)"), 1);
    assert_eq!(seen("src/council/check.rs", "tokio::spawn(async {})"), 1);
    assert_eq!(seen("src/shop/web/photo.rs", "rqrr::PreparedImage::prepare(image)"), 1);
    assert_eq!(
        seen("src/shop/web/stock.rs", "use askama::Template; use axum::Json;"),
        0
    );
    assert_eq!(
        seen(
            "src/ledger/balance.rs",
            "// Utc::now is not asked.\nlet tokio_like = \"tokio\";"
        ),
        0
    );
}

/// The tables that a file names: as a diesel module, or in SQL of its own.
fn tables_named(text: &str) -> BTreeSet<String> {
    let Read { code, quoted } = read(text);
    let by_path = own_paths(&code).into_iter().filter_map(|path| {
        let table = path.strip_prefix("db::schema::")?.split("::").next()?.to_owned();
        Some(table)
    });
    let is_sql = |text: &str| {
        ["SELECT ", "UPDATE ", "INSERT ", "DELETE ", "FROM "]
            .iter()
            .any(|word| text.contains(word))
    };
    let in_sql = quoted.iter().flat_map(|(_, text)| {
        let tables = TABLES.iter().map(|(table, _)| *table);
        tables
            .filter(|table| text == table || (is_sql(text) && names(text, table)))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    by_path.chain(in_sql).collect()
}

fn other_rooms_tables(path: &str, text: &str) -> Vec<String> {
    let rooms: BTreeMap<&str, &str> = TABLES.iter().copied().collect();
    if NAMING_ALL_TABLES.iter().any(|(file, _)| *file == path) {
        return Vec::new();
    }
    let named = tables_named(text).into_iter();
    named
        .filter(|table| rooms.get(table.as_str()) != Some(&room(path)))
        .collect()
}

fn tables(path: &str, text: &str) -> Vec<String> {
    other_rooms_tables(path, text)
        .into_iter()
        .filter(|table| !is_excepted(BORROWED_TABLES, path, table))
        .map(|table| format!("{path} names the table {table}, which is another room's: call a function of that room"))
        .collect()
}

#[test]
fn a_table_has_one_room() {
    expect_kept(&sources(), tables);
    let used = sources()
        .iter()
        .flat_map(|file| {
            let tables = other_rooms_tables(&file.path, &file.text).into_iter();
            tables.map(|table| (file.path.clone(), table)).collect::<Vec<_>>()
        })
        .collect();
    expect_needed(BORROWED_TABLES, &used);
    let schema = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/db/schema.rs")).unwrap();
    let declared: BTreeSet<&str> = schema
        .split("diesel::table! {")
        .skip(1)
        .filter_map(|table| table.trim().split([' ', '(']).next())
        .collect();
    assert_eq!(declared, TABLES.iter().map(|(table, _)| *table).collect());
}

#[test]
fn a_borrowed_table_is_seen() {
    let seen = |path: &str, text: &str| tables(path, text).len();
    assert_eq!(seen("src/shop/x.rs", "use crate::db::schema::entries;"), 1);
    assert_eq!(
        seen(
            "src/shop/x.rs",
            "use crate::db::schema::{stock_lots, accounts as books, entries};"
        ),
        2
    );
    assert_eq!(seen("src/shop/x.rs", "crate::db::schema::households::table.count()"), 1);
    assert_eq!(seen("src/council/x.rs", "sql_query(\"DELETE FROM entries\")"), 1);
    assert_eq!(
        seen(
            "src/council/x.rs",
            "update_rows(conn, \"accounts\", \"id\", columns, rows)"
        ),
        1
    );
    assert_eq!(seen("src/statements/web.rs", "use crate::db::schema::nominations;"), 1);
    assert_eq!(
        seen(
            "src/shop/stock.rs",
            "use crate::db::schema::stock_lots; fn entries() {}"
        ),
        0
    );
}

// ---- Files ---------------------------------------------------------------------------------------------------------

/// Every file opens with what it is.
fn opening(path: &str, text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    let told = first
        .strip_prefix("//! ")
        .is_some_and(|words| words.chars().count() > 10);
    if told {
        return Vec::new();
    }
    vec![format!(
        "{path} does not open with `//!` and a sentence that says what it is"
    )]
}

#[test]
fn every_file_opens_with_what_it_is() {
    expect_kept(&files(&["src", "tests", "benches"], ".rs"), opening);
}

#[test]
fn a_silent_file_is_seen() {
    assert_eq!(opening("src/x.rs", "use crate::id::Id;\n").len(), 1);
    assert_eq!(opening("src/x.rs", "//!\nuse crate::id::Id;\n").len(), 1);
    assert_eq!(opening("src/x.rs", "//! Ids: a UUIDv7 as text.\n").len(), 0);
}

/// Lines of a file before its tests.
fn lines_of(text: &str) -> usize {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count()
}

fn length(path: &str, text: &str) -> Vec<String> {
    let excepted = LONG_FILES.iter().find(|(file, ..)| *file == path);
    let most = excepted.map_or(MOST_LINES, |(_, most, _)| *most);
    match lines_of(text) {
        lines if lines > most => vec![format!(
            "{path} has {lines} lines, more than {most}: part it by concept"
        )],
        lines if excepted.is_some() && lines <= MOST_LINES => {
            vec![format!("{path} has {lines} lines: take it off the list of long files")]
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_file_is_read_in_one_sitting() {
    expect_kept(&sources(), length);
}

#[test]
fn a_long_file_is_seen() {
    assert_eq!(length("src/x.rs", &"x\n".repeat(701)).len(), 1);
    assert_eq!(length("src/x.rs", &"x\n".repeat(700)).len(), 0);
    let with_tests = format!("{}#[cfg(test)]\n{}", "x\n".repeat(600), "x\n".repeat(600));
    assert_eq!(length("src/x.rs", &with_tests).len(), 0);
}

// ---- Words ---------------------------------------------------------------------------------------------------------

fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Half-width signs between two Chinese characters, with the characters around them.
fn half_width_signs(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let wrong = letters
        .windows(3)
        .filter(|three| is_han(three[0]) && ",;:?!()".contains(three[1]) && is_han(three[2]));
    wrong.map(|three| three.iter().collect()).collect()
}

/// Chinese sentences have Chinese punctuation, in templates, scripts and in what Rust says.
fn punctuation(path: &str, text: &str) -> Vec<String> {
    if PATTERNS.iter().any(|(file, _)| *file == path) {
        return Vec::new();
    }
    let before_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
    let told: Vec<(usize, String)> = match path.ends_with(".rs") {
        true => read(before_tests).quoted,
        false => (1..).zip(text.lines().map(str::to_owned)).collect(),
    };
    let wrong = told
        .iter()
        .flat_map(|(line, text)| half_width_signs(text).into_iter().map(move |signs| (line, signs)));
    wrong
        .filter(|(_, signs)| !is_excepted(HALF_WIDTH, path, signs))
        .map(|(line, signs)| format!("{path}:{line} has a half-width sign in “{signs}”"))
        .collect()
}

#[test]
fn chinese_sentences_have_chinese_punctuation() {
    expect_kept(&sources(), punctuation);
    expect_kept(&files(&["templates"], ".html"), punctuation);
    expect_kept(&files(&["static"], ".js"), punctuation);
}

#[test]
fn half_width_signs_are_seen() {
    let seen = |path: &str, text: &str| punctuation(path, text).len();
    assert_eq!(seen("src/x.rs", "let s = \"请核对,再试\";"), 1);
    assert_eq!(seen("src/x.rs", "let s = r#\"楼栋(单元\"#;"), 1);
    assert_eq!(seen("templates/x.html", "<p>户主:王建国?是</p>"), 2);
    // In comments the house writes English; beside figures and letters a half-width sign may be right.
    assert_eq!(
        seen(
            "src/x.rs",
            "// 网格员,楼栋长\nlet s = \"请核对，再试\"; let t = \"9:00—12:00\";"
        ),
        0
    );
    assert_eq!(seen("templates/x.html", "<p>{{ 1 }},{{ 2 }} 请用 CSV, XLSX</p>"), 0);
}

/// What an error says is a whole sentence.
fn unfinished(path: &str, text: &str) -> Vec<String> {
    let told = text
        .split("#[error(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    told.filter(|sentence| !sentence.ends_with('。'))
        .map(|sentence| format!("{path} says “{sentence}” without an end"))
        .collect()
}

#[test]
fn an_error_is_a_whole_sentence() {
    expect_kept(&sources(), unfinished);
}

#[test]
fn an_unfinished_sentence_is_seen() {
    assert_eq!(
        unfinished("src/x.rs", "#[error(\"请再试\")]\n#[error(\"请再试。\")]").len(),
        1
    );
}

// ---- Templates -----------------------------------------------------------------------------------------------------

/// A template without its `{{ … }}`, `{% … %}` and `{# … #}`.
fn without_code(text: &str) -> String {
    let mut left = text.to_owned();
    for (begin, end) in [("{#", "#}"), ("{{", "}}"), ("{%", "%}")] {
        while let Some(at) = left.find(begin) {
            let until = left[at..]
                .find(end)
                .map_or(left.len(), |length| at + length + end.len());
            // Lines keep their numbers.
            let lines = "\n".repeat(left[at..until].matches('\n').count());
            left.replace_range(at..until, &format!("\u{0}{lines}"));
        }
    }
    left
}

/// Each tag from `<` to `>`, and each text between.
fn tags_and_texts(html: &str) -> (Vec<String>, Vec<String>) {
    let (mut tags, mut texts) = (Vec::new(), Vec::new());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        texts.push(rest[..at].to_owned());
        let end = rest[at..].find('>').map_or(rest.len(), |length| at + length + 1);
        tags.push(rest[at..end].to_owned());
        rest = &rest[end..];
    }
    texts.push(rest.to_owned());
    (tags, texts)
}

/// The attributes of a tag: name and value.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let inside = tag.trim_start_matches('<').trim_end_matches('>');
    let mut found = Vec::new();
    let mut rest = inside.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    while let Some(at) = rest.find("=\"") {
        let name = rest[..at].rsplit([' ', '\n', '\u{0}', '"']).next().unwrap_or_default();
        let value = &rest[at + 2..];
        let end = value.find('"').unwrap_or(value.len());
        found.push((name.to_owned(), value[..end].to_owned()));
        rest = value.get(end + 1..).unwrap_or_default();
    }
    found
}

/// What a content security policy without `unsafe-inline` would silently break, and what escapes escaping.
fn markup(path: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let (tags, texts) = tags_and_texts(&without_code(text));
    for tag in &tags {
        for (name, value) in attributes(tag) {
            if name == "style"
                || (name.starts_with("on") && name.len() > 2)
                || value.trim_start().starts_with("javascript:")
            {
                broken.push(format!(
                    "{path} has the attribute {name}=\"{value}\", which the policy forbids"
                ));
            }
        }
        if tag.starts_with("<style") || (tag.starts_with("<script") && !tag.contains(" src=")) {
            broken.push(format!(
                "{path} has {tag} with something inside, which the policy forbids"
            ));
        }
    }
    let scripts = tags
        .iter()
        .zip(texts.iter().skip(1))
        .filter(|(tag, _)| tag.starts_with("<script"));
    broken.extend(
        scripts
            .filter(|(_, inside)| !inside.trim().is_empty())
            .map(|(tag, _)| format!("{path} has a script inside {tag}")),
    );
    broken.extend(
        unescaped(text)
            .into_iter()
            .filter(|what| !is_excepted(UNESCAPED, path, what))
            .map(|what| format!("{path} puts {what} into the page without escaping it")),
    );
    broken
}

/// What a template puts in as it is: `drawing|safe`.
fn unescaped(text: &str) -> Vec<String> {
    let inside = text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    let filters = inside.map(|code| code.replace(' ', ""));
    filters
        .filter(|code| code.ends_with("|safe") || code.contains("|safe|"))
        .collect()
}

#[test]
fn templates_hold_nothing_that_the_policy_forbids() {
    let templates = files(&["templates"], ".html");
    expect_kept(&templates, markup);
    let used = templates
        .iter()
        .flat_map(|file| {
            let pieces = unescaped(&file.text).into_iter();
            pieces.map(|what| (file.path.clone(), what)).collect::<Vec<_>>()
        })
        .collect();
    expect_needed(UNESCAPED, &used);
}

#[test]
fn forbidden_markup_is_seen() {
    let seen = |text: &str| markup("templates/x.html", text).len();
    assert_eq!(seen("<p style=\"color: red\">"), 1);
    assert_eq!(seen("<button{% if a > b %} disabled{% endif %} onclick=\"go()\">"), 1);
    assert_eq!(seen("<a href=\"javascript:go()\">"), 1);
    assert_eq!(seen("<script>go()</script>"), 2);
    assert_eq!(seen("<script src=\"/static/x.js\">go()</script>"), 1);
    assert_eq!(seen("<style>p {}</style>"), 1);
    assert_eq!(seen("<p>{{ name | safe }}</p>"), 1);
    assert_eq!(
        seen("<script src=\"/static/x.js\" defer></script><p class=\"on\">{{ name }}</p>"),
        0
    );
}

/// A template without the blocks that hold classes for a tag of the layout.
fn without_classes(text: &str) -> String {
    let mut pieces = text.split("{% block ");
    let mut left = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let name = piece.split(' ').next().unwrap_or_default();
        let rest = match name.ends_with("_class") {
            true => piece.split_once("{% endblock %}").map_or("", |(_, rest)| rest),
            false => piece.split_once("%}").map_or("", |(_, rest)| rest),
        };
        left.push_str(rest);
    }
    left
}

/// Pages speak Chinese: what people read has no words in Latin letters but those on the list.
fn chinese(path: &str, text: &str) -> Vec<String> {
    let (tags, texts) = tags_and_texts(&without_code(&without_classes(text)));
    let read_aloud = ["alt", "title", "placeholder", "aria-label"];
    let spoken = tags
        .iter()
        .flat_map(|tag| attributes(tag))
        .filter_map(|(name, value)| read_aloud.contains(&name.as_str()).then_some(value));
    let shown: Vec<String> = texts.into_iter().chain(spoken).collect();
    let words = shown
        .iter()
        .flat_map(|text| text.split(|letter: char| !letter.is_ascii_alphabetic()));
    words
        .filter(|word| word.len() >= 4 && *word != "nbsp" && !LATIN_WORDS.contains(word))
        .map(|word| format!("{path} shows the word “{word}”"))
        .collect()
}

#[test]
fn pages_speak_chinese() {
    expect_kept(&files(&["templates"], ".html"), chinese);
}

#[test]
fn english_on_a_page_is_seen() {
    let seen = |text: &str| chinese("templates/x.html", text).len();
    assert_eq!(seen("<p>Please sign in</p>"), 2);
    assert_eq!(seen("{% block page %}Loading{% endblock %}"), 1);
    assert_eq!(seen("{% block page_class %} narrow{% endblock %}"), 0);
    assert_eq!(seen("<input placeholder=\"Search\" value=\"whatever\">"), 1);
    assert_eq!(
        seen("<p class=\"notice\">{{ household.people }}人&nbsp;{% if shell.person.is_some() %}{% endif %}</p>"),
        0
    );
}

/// Numbers stand close to the Chinese words around them: `第3号`, not `第 3 号`. What is filled in counts as a number; a space
/// between two of them, `第3项 王建国`, parts them.
fn spaced_numbers(path: &str, text: &str) -> Vec<String> {
    // A Latin word may end in a digit: `A4 纸`.
    let apart = Regex::new(r"(^|[^}])\p{Han} (\{\{|\d)|(\}\}|(^|[^A-Za-z\d-])\d+) \p{Han}").unwrap();
    let lines = (1..).zip(text.lines()).filter(|(_, line)| apart.is_match(line));
    lines
        .map(|(number, line)| format!("{path}:{number} {}", line.trim()))
        .collect()
}

#[test]
fn numbers_stand_close_to_their_words() {
    expect_kept(&files(&["templates"], ".html"), spaced_numbers);
}

#[test]
fn a_number_that_stands_apart_is_seen() {
    let seen = |text: &str| spaced_numbers("templates/x.html", text).len();
    for text in ["第 3号", "第{{ number }} 号", "共 {{ all }}户", "3 分"] {
        assert_eq!(seen(text), 1, "{text}");
    }
    for text in [
        "第3号",
        "第{{ number }}号 {{ name }}",
        "打印（A4 纸）",
        "{% if a %}户{% endif %} 好",
    ] {
        assert_eq!(seen(text), 0, "{text}");
    }
}

// ---- The record ----------------------------------------------------------------------------------------------------

/// The acts that a file records: `noun.verb` in quotes, but not where a request is named: up to the end of its
/// statement, or in the field `name`.
fn acts(text: &str) -> BTreeSet<String> {
    let mut statements = text.split("Request::new(");
    let before = statements.next().into_iter();
    let after = statements.filter_map(|request| request.split_once(';').map(|(_, after)| after));
    let lines = before.chain(after).flat_map(str::lines);
    let quoted = lines
        .filter(|line| !line.trim_start().starts_with("name: \""))
        .flat_map(|line| line.split('"').skip(1).step_by(2));
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_file =
        |ending: &str| ["html", "js", "json", "sqlite", "typ", "xml", "pdf", "csv", "png", "jpg"].contains(&ending);
    quoted
        .filter(|text| {
            let parts = text.split_once('.');
            parts.is_some_and(|(noun, verb)| is_word(noun) && is_word(verb) && !is_file(verb))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_record_tells_every_act_in_words() {
    let words = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/access/web/audit.rs")).unwrap();
    let told = acts(&words);
    let untold: Vec<String> = sources()
        .iter()
        .flat_map(|file| acts(file.text.split("#[cfg(test)]").next().unwrap_or_default()))
        .filter(|act| !told.contains(act))
        .collect();
    assert_eq!(
        untold,
        Vec::<String>::new(),
        "these have no words in src/access/web/audit.rs"
    );
}

#[test]
fn an_act_is_seen() {
    let text = "Event::new(by, \"card.eaten\", subject)\nRequest::new(\nkey, \"card.eat\");\nname: \"card.bite\",\n\"card.html\" \"Card.x\"";
    assert_eq!(acts(text), BTreeSet::from(["card.eaten".to_owned()]));
}
