//! The tables: what diesel is told, what the migrations made and what the guards hold are the same, on both databases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Bool, Text};
use diesel::{Connection as _, RunQueryDsl, SqliteConnection};
use jishan::db::{Conn, Location, migrate};
use jishan::error::Error;
use jishan::ledger::lot;

use crate::town::{Database, Town, WANG, morning, on_both, today};

/// Rows that are written once and never changed or deleted, in the order in which the guards name them.
const NEVER_CHANGED: &[&str] = &[
    "audit_events",
    "requests",
    "transactions",
    "entries",
    "expiry_runs",
    "household_events",
    "household_residences",
    "household_consents",
    "area_moves",
    "scheme_versions",
    "evaluation_categories",
    "scoring_items",
    "scheme_overrides",
    "scheme_override_confirmations",
    "scheme_resolutions",
    "scheme_suspensions",
    "redemptions",
    "redemption_lines",
    "redemption_voids",
    "stock_movements",
    "shift_counts",
    "counter_rules",
    "category_limits",
    "opening_patterns",
    "refunds",
    "refund_lines",
    "proxy_pickups",
    "offline_sales",
    "refused_tries",
    "goods_prices",
    "stock_receipts",
    "stock_receipt_lines",
    "write_off_lines",
    "stocktake_counts",
    "stocktake_postings",
    "partner_agreements",
    "partner_prices",
    "partner_sales",
    "cash_top_ups",
    "settlement_lines",
    "attendances",
    "ballots",
    "issuance_budgets",
    "dividends",
    "dividend_shares",
    "dividend_annulments",
    "title_ballot_voters",
    "star_awards",
    "star_entry_households",
    "book_checks",
    "filed_confirmations",
    "time_helps",
    "time_corrections",
    "time_pool_limits",
];

/// Rows that change, and what changes in them.
const CHANGED: &[(&str, &str)] = &[
    ("accounts", "the head repeats the last entry"),
    ("holds", "ended"),
    ("household_lookups", "deleted after two years"),
    ("held_points", "taken from, recalled, gone with the hold"),
    ("till_holds", "heard of"),
    ("print_jobs", "stopped, done, thrown away"),
    ("print_parts", "printed"),
    ("held_goods", "taken from, recalled, gone with the hold"),
    ("offline_conflicts", "decided"),
    ("programmes", "an office moves"),
    ("areas", "a building gets another name"),
    ("households", "people move"),
    ("consent_forms", "keyed when they come back"),
    ("users", "an account is closed"),
    ("user_roles", "a duty ends"),
    ("sessions", "seen, and ended"),
    ("api_tokens", "revoked"),
    ("scheme_drafts", "edited until the assembly has adopted it"),
    ("cards", "stopped"),
    ("nominations", "decided"),
    ("reminder_notes", "what becomes of it"),
    ("reminder_objections", "decided"),
    ("visit_sheets", "closed"),
    ("visit_judges", "before the sheet is closed"),
    ("visit_rows", "at home or not; what closing made of it"),
    ("visit_marks", "put right before the sheet is closed"),
    ("evidence", "the file is deleted when its time is over"),
    ("gatherings", "closed"),
    ("gathering_rows", "signed in, and nominated"),
    ("points_stores", "opening hours"),
    ("goods_items", "a price, a photograph, or withdrawn"),
    ("stock_lots", "the lot repeats its last movement"),
    ("donors", "a donor wishes to be named, or not any more"),
    ("write_offs", "confirmed or rejected"),
    ("stocktakes", "closed, sent back, approved"),
    ("stocktake_reasons", "put right before the approval"),
    ("wishes", "fulfilled or declined"),
    ("wish_voices", "moved to another wish, or free again"),
    ("council_members", "a seat is given up"),
    ("kin_declarations", "a declaration is mended"),
    ("council_sessions", "opened, closed"),
    ("motions", "votes are counted"),
    ("motion_rows", "a row is pulled out of its batch"),
    ("motion_recusals", "go with the rows of their motion"),
    ("tallies", "keyed again when two people keyed different numbers"),
    ("public_notices", "taken down"),
    ("objections", "decided"),
    ("appeals", "accepted, heard, decided"),
    ("appeal_panellists", "gives an opinion"),
    ("award_corrections", "confirmed"),
    ("honour_titles", "retired"),
    ("title_notices", "taken down"),
    ("honour_stars", "retired"),
    ("star_entries", "confirmed or refused"),
    ("title_awards", "verified, decided, conferred"),
    ("title_ballots", "keyed again, confirmed"),
    ("title_objections", "decided"),
    ("title_appeals", "accepted, decided"),
    ("title_panellists", "gives an opinion"),
    ("tills", "taken out of use"),
    ("shifts", "closed, audited"),
    ("held_baskets", "taken up"),
    ("special_days", "decided anew before it comes"),
    ("pickup_proxies", "called back"),
    ("deliveries", "packed, handed over"),
    ("household_pins", "another PIN"),
    ("settlements", "confirmed, paid"),
    ("settlement_disputes", "decided"),
    ("clockwork", "the latest moment that was seen"),
    ("resident_tries", "counted, and forgotten after a day"),
    ("resident_sessions", "seen, and ended"),
    ("resident_requests", "answered"),
    ("household_deletions", "confirmed or refused"),
    (
        "board_pictures",
        "seen by a second person; the file is deleted when its time is over",
    ),
    ("feedback_counts", "counted up"),
    ("feedback_sentences", "written anew in another order"),
    ("feedback_marks", "deleted when the quarter is over"),
    ("volunteer_events", "closed, cancelled"),
    (
        "volunteer_stays",
        "signed in and out, put right or struck before the event is closed",
    ),
];

/// Words in rows that are never changed otherwise, which become `已删除` when their household is deleted: table, column. On
/// PostgreSQL a privilege cannot say what they may become.
const FORGOTTEN: &[(&str, &str)] = &[
    ("audit_events", "detail"),
    ("household_events", "reason"),
    ("household_events", "detail"),
    ("household_residences", "stairwell"),
    ("household_residences", "room"),
    ("redemption_voids", "reason"),
    ("refunds", "reason"),
    ("proxy_pickups", "person"),
    ("time_helps", "what"),
    ("time_helps", "reason"),
    ("time_corrections", "reason"),
];

/// Columns that name another row without a foreign key: table, column, why.
const WITHOUT_FOREIGN_KEY: [(&str, &str, &str); 0] = [];

/// A column: name, type as diesel calls it, may it be null.
pub type Column = (String, String, bool);

/// What `src/db/schema.rs` says: each table with its key and its columns.
pub fn told() -> BTreeMap<String, (Vec<String>, Vec<Column>)> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/db/schema.rs")).unwrap();
    text.split("diesel::table! {")
        .skip(1)
        .map(|block| {
            let (head, body) = block.split_once('{').unwrap();
            let (name, key) = head.trim().split_once(" (").unwrap();
            let key = key
                .trim_end_matches([')', ' '])
                .split(", ")
                .map(str::to_owned)
                .collect();
            let lines = body.split('}').next().unwrap().lines();
            let columns = lines
                .filter_map(|line| line.trim().trim_end_matches(',').split_once(" -> "))
                .map(|(column, kind)| match kind.strip_prefix("Nullable<") {
                    Some(kind) => (column.to_owned(), kind.trim_end_matches('>').to_owned(), true),
                    None => (column.to_owned(), kind.to_owned(), false),
                })
                .collect();
            (name.to_owned(), (key, columns))
        })
        .collect()
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
    #[diesel(sql_type = Bool)]
    in_key: bool,
}

/// In SQLite the columns of a key can be null only in name; in PostgreSQL they never can.
const SQLITE_COLUMNS: &str = "SELECT t.name AS table_name, c.name AS column_name, c.type AS kind, \
     c.\"notnull\" = 0 AND c.pk = 0 AS nullable, c.pk > 0 AS in_key \
     FROM sqlite_master t, pragma_table_info(t.name) c \
     WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY t.name, c.cid";

const POSTGRES_COLUMNS: &str = "SELECT c.table_name::text, c.column_name::text, c.data_type::text AS kind, \
     c.is_nullable = 'YES' AS nullable, EXISTS (SELECT 1 FROM information_schema.key_column_usage k \
     JOIN information_schema.table_constraints p USING (constraint_schema, constraint_name) \
     WHERE p.constraint_type = 'PRIMARY KEY' AND k.table_schema = c.table_schema \
     AND k.table_name = c.table_name AND k.column_name = c.column_name) AS in_key \
     FROM information_schema.columns c WHERE c.table_schema = current_schema() AND c.table_name NOT LIKE '\\_\\_%' \
     ORDER BY c.table_name, c.ordinal_position";

fn rows(conn: &mut Conn, sqlite: &str, postgres: &str) -> Vec<Row> {
    let text = match conn {
        Conn::Sqlite(_) => sqlite,
        Conn::Postgres(_) => postgres,
    };
    diesel::sql_query(text).load(conn).unwrap()
}

/// The word of either database, as diesel calls it.
fn diesel_type(kind: &str) -> &'static str {
    match kind.to_ascii_lowercase().as_str() {
        "text" => "Text",
        "bigint" => "BigInt",
        "bytea" => "Binary",
        "boolean" => "Bool",
        "date" => "Date",
        "timestamp" | "timestamp without time zone" => "Timestamp",
        other => panic!("{other} is not a portable type"),
    }
}

on_both! {
    async fn diesel_is_told_what_the_migrations_made(town: Town) {
        let made = town.read(|conn| Ok(rows(conn, SQLITE_COLUMNS, POSTGRES_COLUMNS))).await;
        let mut tables: BTreeMap<String, (BTreeSet<String>, Vec<Column>)> = BTreeMap::new();
        for row in made {
            let (key, columns) = tables.entry(row.table_name).or_default();
            if row.in_key {
                key.insert(row.column_name.clone());
            }
            columns.push((row.column_name, diesel_type(&row.kind).to_owned(), row.nullable));
        }
        let told = told();
        assert_eq!(tables.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>());
        for (name, (key, columns)) in told {
            assert_eq!(tables[&name], (key.into_iter().collect(), columns), "{name}");
        }
    }
}

const SQLITE_FOREIGN_KEYS: &str = "SELECT t.name AS table_name, f.\"from\" AS column_name, f.\"table\" AS kind, \
     0 AS nullable, 0 AS in_key FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'";

// From the catalogue itself: the views of the standard join all schemas of the cluster, and every test has one.
const POSTGRES_FOREIGN_KEYS: &str = "SELECT t.relname::text AS table_name, a.attname::text AS column_name, \
     f.relname::text AS kind, false AS nullable, false AS in_key FROM pg_constraint c \
     JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
     JOIN pg_class f ON f.oid = c.confrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (c.conkey) \
     WHERE c.contype = 'f' AND n.nspname = current_schema()";

on_both! {
    async fn every_column_that_names_a_row_has_its_foreign_key(town: Town) {
        let keys: BTreeSet<(String, String)> = town
            .read(|conn| Ok(rows(conn, SQLITE_FOREIGN_KEYS, POSTGRES_FOREIGN_KEYS)))
            .await
            .into_iter()
            .map(|row| (row.table_name, row.column_name))
            .collect();
        let mut without = BTreeSet::new();
        for (table, (_, columns)) in told() {
            let named = columns.into_iter().map(|(column, ..)| column);
            let naming = named.filter(|column| {
                column.ends_with("_id") || ["transaction_number", "lot_number", "reverses"].contains(&column.as_str())
            });
            let missing = naming.filter(|column| !keys.contains(&(table.clone(), column.clone())));
            without.extend(missing.map(|column| (table.clone(), column)));
        }
        let listed = WITHOUT_FOREIGN_KEY.map(|(table, column, _)| (table.to_owned(), column.to_owned()));
        assert_eq!(without, BTreeSet::from(listed));
        assert!(keys.len() > 25, "{} foreign keys", keys.len());
    }
}

#[test]
fn a_table_is_never_changed_or_we_say_what_changes() {
    let changed = CHANGED.iter().map(|(table, _)| table);
    let decided: BTreeSet<String> = NEVER_CHANGED
        .iter()
        .chain(changed)
        .map(|table| (*table).to_owned())
        .collect();
    assert_eq!(decided, told().into_keys().collect());
    assert_eq!(decided.len(), NEVER_CHANGED.len() + CHANGED.len());
    // The guards' text names the same tables, once each.
    for (guards, begin) in [
        ("guards.sqlite.sql", "BEFORE DELETE ON "),
        ("guards.postgres.sql", "REVOKE UPDATE, DELETE, TRUNCATE ON "),
    ] {
        let text = fs::read_to_string(format!("{}/migrations/{guards}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let named: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once(begin)?.1.split(' ').next())
            .collect();
        assert_eq!(named, NEVER_CHANGED, "{guards}");
    }
}

on_both! {
    async fn what_was_written_once_cannot_be_changed_or_deleted_by_hand(town: Town) {
        // A row in every table: a deed, a redemption and its void.
        town.earn(WANG, "E08", 1).await;
        let card = town.issue_card(WANG).await.token();
        let sold = town.redeem("a", &card, &[("G006", 1)]).await.unwrap();
        let program = town.program("shop").await;
        let path = format!("/api/v1/redemptions/{}/void", sold.redemption.id);
        let voided = program.call(&path, "b", &serde_json::json!({"reason": "拿错"})).await;
        assert_eq!(voided.status, 200);
        town.write(|conn| lot::expire_due(conn, today(), morning())).await.unwrap();
        crate::registry::a_row_of_each(&town).await;
        crate::till::a_row_of_each(&town).await;
        crate::offline::a_row_of_each(&town).await;
        crate::stock::a_row_of_each(&town).await;
        crate::partners::a_row_of_each(&town).await;
        crate::dividends::a_row_of_each(&town).await;
        crate::honours::a_row_of_each(&town).await;
        crate::resident::a_row_of_each(&town).await;
        crate::volunteering::a_row_of_each(&town).await;
        // And a version that was adopted, with a find that two people let stand, and stopped.
        let (admin, council) = (town.user("admin").await.id, town.user("council").await.id);
        let rows = [
            format!(
                "INSERT INTO scheme_drafts SELECT 'd', id, document, 'adopted', 1, '{admin}', loaded_at, '{admin}', \
                 loaded_at, NULL, NULL, NULL, id FROM scheme_versions"
            ),
            format!("INSERT INTO scheme_overrides SELECT 'o', 'd', 'm', 'p', 'f', 'r', '{admin}', loaded_at FROM scheme_versions"),
            format!("INSERT INTO scheme_override_confirmations SELECT 'o', '{council}', loaded_at FROM scheme_versions"),
            format!(
                "INSERT INTO scheme_resolutions SELECT id, 'residents', active_from, 'p', 3, 3, 3, 0, 0, 'b', 's', \
                 '{admin}', loaded_at FROM scheme_versions"
            ),
            format!("INSERT INTO scheme_suspensions SELECT 's', id, TRUE, 'r', '{admin}', loaded_at FROM scheme_versions"),
        ];
        town.write(move |conn| {
            for row in rows {
                diesel::sql_query(row).execute(conn)?;
            }
            Ok(())
        })
        .await
        .unwrap();
        let told = told();
        for &table in NEVER_CHANGED {
            let count = town.read(move |conn| Ok(count(conn, table))).await;
            assert!(count > 0, "{table} is empty, so that nothing was tried");
            let (key, columns) = &told[table];
            for (column, ..) in columns.iter().filter(|(column, ..)| !key.contains(column)) {
                // PostgreSQL asks for the right to change what a foreign key of several columns points to.
                if (table, column.as_str()) == ("evaluation_categories", "code") {
                    continue;
                }
                if FORGOTTEN.contains(&(table, column.as_str())) && matches!(town.location, Location::Postgres { .. }) {
                    continue;
                }
                refused(&town, format!("UPDATE {table} SET {column} = {column}")).await;
            }
            refused(&town, format!("DELETE FROM {table}")).await;
        }
        town.expect_books_hold().await;
    }
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    table_name: String,
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

fn count(conn: &mut Conn, table: &str) -> i64 {
    let rows: Vec<Count> = diesel::sql_query(format!("SELECT count(*) AS count FROM {table}"))
        .load(conn)
        .unwrap();
    rows[0].count
}

async fn refused(town: &Town, by_hand: String) {
    let text = by_hand.clone();
    let tried = town.write(move |conn| Ok(diesel::sql_query(text).execute(conn)?)).await;
    match tried {
        Err(Error::Internal(why, _)) => assert!(
            why.contains("never changed") || why.contains("permission denied"),
            "{by_hand}: {why}"
        ),
        other => panic!("{by_hand}: {other:?}"),
    }
}

on_both! {
    async fn migrating_again_changes_nothing(town: Town) {
        assert_eq!(migrate::run(&town.location, morning()).unwrap(), Vec::<String>::new());
        assert_eq!(town.household(WANG).await.head_name, "王建国");
    }
}

/// The word that only one of the databases knows would break the other, or Citus.
#[test]
fn migrations_are_portable_and_named_after_their_room() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        let files: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        assert_eq!(files, ["up.sql"], "{}: forward only", path.display());
        let text = fs::read_to_string(path.join("up.sql")).unwrap().to_lowercase();
        let code: Vec<&str> = text.lines().filter_map(|line| line.split("--").next()).collect();
        let code = code.join("\n");
        for word in [
            "serial",
            "autoincrement",
            "now()",
            "current_timestamp",
            "jsonb",
            "uuid",
            "numeric",
            "real",
            "trigger",
            "create type",
            "without rowid",
            "on delete cascade",
            "timestamptz",
            "integer",
        ] {
            assert!(!code.contains(word), "{}: {word}", path.display());
        }
    }
    let rooms = [
        "audit",
        "ledger",
        "places",
        "access",
        "boards",
        "scheme",
        "cards",
        "council",
        "shop",
        "honours",
        "dividends",
        "statements",
        "papers",
        "resident",
        "retention",
        "feedback",
        "volunteering",
    ];
    for name in &names {
        let room = name.split('_').nth(1).unwrap_or_default();
        assert!(rooms.contains(&room), "{name}");
    }
    let numbers: BTreeSet<&str> = names.iter().filter_map(|name| name.split('_').next()).collect();
    assert_eq!(numbers.len(), names.len(), "each migration has a number of its own");
}

/// The names of the copies beside a programme's file.
fn copies(folder: &std::path::Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(".before-")).collect()
}

#[test]
fn a_file_is_copied_before_it_is_changed_and_only_then() {
    let (location, folder) = crate::town::fresh_location(Database::Sqlite);
    let (folder, path) = match (&folder, &location) {
        (Some(folder), Location::Sqlite(path)) => (folder.path(), path.to_string_lossy().into_owned()),
        _ => panic!("SQLite is a file"),
    };
    let ran = migrate::run(&location, morning()).unwrap();
    assert_eq!(copies(folder), Vec::<String>::new(), "a new file has nothing to copy");
    assert_eq!(migrate::run(&location, morning()).unwrap(), Vec::<String>::new());
    assert_eq!(copies(folder), Vec::<String>::new(), "nothing was pending");

    // A file of the first version, which knew audit lines and requests only, with a row in it.
    let mut conn = SqliteConnection::establish(&path).unwrap();
    let later = "SELECT name AS table_name FROM sqlite_master WHERE type = 'table' \
                 AND name NOT IN ('audit_events', 'requests', '__diesel_schema_migrations')";
    for table in diesel::sql_query(later).load::<Name>(&mut conn).unwrap() {
        conn.batch_execute(&format!("DROP TABLE {}", table.table_name)).unwrap();
    }
    conn.batch_execute(
        "DELETE FROM __diesel_schema_migrations WHERE version > (SELECT min(version) FROM __diesel_schema_migrations); \
         INSERT INTO audit_events VALUES ('a', '2026-11-21 00:00:00', 'system', 'x', 'y', 'z');",
    )
    .unwrap();
    assert_eq!(migrate::run(&location, morning()).unwrap(), ran[1..]);
    let copies = copies(folder);
    assert_eq!(copies, ["programme.before-20261121T020000.sqlite"]);
    let copy = folder.join(&copies[0]);
    let mut conn = SqliteConnection::establish(&copy.to_string_lossy()).unwrap();
    let lines: Vec<Count> = diesel::sql_query("SELECT count(*) AS count FROM audit_events")
        .load(&mut conn)
        .unwrap();
    assert_eq!(lines[0].count, 1, "the copy has what the file had");
    let shop = diesel::sql_query("SELECT count(*) AS count FROM goods_items").load::<Count>(&mut conn);
    assert!(shop.is_err(), "and nothing that came later");
}

/// Is a table one whose rows nobody changes?
pub fn is_never_changed(table: &str) -> bool {
    NEVER_CHANGED.contains(&table)
}
