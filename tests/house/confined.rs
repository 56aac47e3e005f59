//! Names that stand in a few files only: the web, paper, clocks, decoders, what differs between the databases.

use super::reading::{names, read};
use super::{expect_kept, sources};

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
        &["calamine"],
        &["src/places/roster"],
        "bytes from a stranger's desk meet a reader in one place",
    ),
    (
        &["encoding_rs"],
        &["src/text.rs", "src/places/roster"],
        "the encoding of a text is told in one place; a test writes a roster in another",
    ),
    (
        &["clap"],
        &["src/config.rs", "src/main.rs"],
        "settings are read in one place",
    ),
];

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
