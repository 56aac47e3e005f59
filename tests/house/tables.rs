//! Which room keeps which table, and that nobody else names it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::reading::{Read, names, own_paths, read, room};
use super::{Exception, expect_kept, expect_needed, is_excepted, sources};

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
