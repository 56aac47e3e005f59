//! `jishan demo`: made once, served and kept, and the same on both databases.

use std::sync::Arc;

use jishan::app::App;
use jishan::cards::card;
use jishan::clock::Clock;
use jishan::db::{Db, Location, migrate};
use jishan::demo;
use jishan::ledger::balance;
use jishan::places::event;
use jishan::places::household::{self, Search};
use jishan::places::programme;

use super::{Server, jishan, out};
use crate::browser::Visitor;
use crate::town::{Database, fresh_location, morning, runtime};

/// What people see of a programme: each household's code, head, people, balances and card numbers.
type Seen = Vec<(String, String, i64, [i64; 2], Vec<String>)>;

async fn seen(db: &Db) -> Seen {
    db.read(|conn| {
        let everybody = Search {
            limit: i64::MAX,
            ..Search::default()
        };
        let mut seen = Vec::new();
        for household in household::search(conn, &everybody)? {
            let balances = balance::of(conn, household.id.as_str())?;
            let mut numbers: Vec<String> = card::of_household(conn, &household.id)?
                .into_iter()
                .map(|card| card.number)
                .collect();
            numbers.sort_unstable();
            // A household that split off has an id like any other, and the number of its card comes from that.
            if event::split_from(conn, &household.id)?.is_some() {
                numbers.fill("of its own".to_owned());
            }
            seen.push((
                household.code,
                household.head_name,
                household.people,
                [balances.spendable.0, balances.honour.0],
                numbers,
            ));
        }
        // The order of text differs between databases.
        seen.sort();
        Ok(seen)
    })
    .await
    .unwrap()
}

#[test]
fn a_demo_is_made_and_served_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let demo = [
        "demo",
        "--households",
        "30",
        "--data",
        data.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ];
    let server = Server::start(folder.path(), &demo, 2);
    assert!(
        server.said[0].starts_with("积善已启动：http://127.0.0.1:"),
        "{:?}",
        server.said
    );
    assert!(
        !server.host().ends_with(":0"),
        "the port that it found: {:?}",
        server.said
    );
    for name in [
        "admin",
        "grid",
        "building",
        "shop",
        "stock",
        "council",
        "auditor",
        "jishan-demo",
    ] {
        assert!(server.said[1].contains(name), "{name}: {:?}", server.said);
    }
    let page = server.get("/");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("示范乡"), "{page}");
    assert!(server.get("/healthz").ends_with("{\"status\":\"ok\"}"));
    let host = server.host().to_owned();
    assert_eq!(server.stop(), Some(0), "asked to stop, it ends by itself");

    let location = Location::Sqlite(data.join("programme.sqlite"));
    let programme = runtime()
        .block_on(Db::open(&location).unwrap().read(programme::get))
        .unwrap();
    assert_eq!(
        programme.address,
        format!("http://{host}"),
        "a card is opened where the demo is"
    );
    let town = runtime().block_on(async { seen(&Db::open(&location).unwrap()).await });
    assert_eq!(town.len(), 30);
    assert!(town.iter().any(|household| household.3[0] > 0), "somebody has points");
    assert!(
        town.iter().all(|household| !household.4.is_empty()),
        "everybody has a card"
    );
    let checked = jishan(folder.path(), &["check-books", "--data", data.to_str().unwrap()]);
    assert!(
        checked.status.success() && out(&checked).starts_with("the books hold: "),
        "{checked:?}"
    );

    // Again with the same folder, whatever is asked for: the first one is kept.
    let again = [
        "demo",
        "--households",
        "500",
        "--data",
        data.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ];
    let server = Server::start(folder.path(), &again, 2);
    drop(server);
    assert_eq!(
        runtime().block_on(async { seen(&Db::open(&location).unwrap()).await }),
        town
    );
    // It made nothing beside its folder.
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["demo"]);
}

#[test]
fn two_demos_of_one_day_look_the_same_on_both_databases() {
    runtime().block_on(async {
        let mut towns = Vec::new();
        let mut folders = Vec::new();
        for database in [Database::Sqlite, Database::Sqlite, Database::Postgres] {
            let (location, folder) = fresh_location(database);
            folders.push(folder);
            migrate::run(&location, morning()).unwrap();
            let db = Db::open(&location).unwrap();
            demo::make(
                &db,
                demo::Year::of(60),
                "http://127.0.0.1:8080",
                morning(),
                Arc::new(|_, _, _| {}),
            )
            .await
            .unwrap();
            let verdict = db
                .read(|conn| jishan::books::check(conn, &mut |_, _| {}))
                .await
                .unwrap();
            assert!(verdict.is_ok());
            towns.push((seen(&db).await, App::new(db, Clock::standing(morning()))));
        }
        assert_eq!(towns[0].0.len(), 60);
        assert_eq!(towns[0].0, towns[1].0);
        assert_eq!(towns[0].0, towns[2].0);
        // Everybody on the sign-in line gets in, and so does the household whose card is printed below it.
        for (_, app) in towns {
            let help = demo::resident_help(&app.db).await.unwrap();
            let card = help.split("/K/").nth(1).expect("a card").to_owned();
            let stranger = Visitor::at(jishan::routes::router(app));
            let answer = stranger
                .post_bare(&format!("/K/{card}/sign-in"), &[("pin", "2580")])
                .await;
            assert_eq!(answer.location(), "/my/points", "{help}");
            let points = stranger.keeping_cookie_of(&answer).get("/my/points").await;
            assert!(points.text.contains("怎么来的") && !points.text.contains("还没有账"));
            for name in ["admin", "grid", "building", "shop", "stock", "council", "auditor"] {
                let fields = [("name", name), ("password", "jishan-demo")];
                assert_eq!(
                    stranger.post_bare("/sign-in", &fields).await.location(),
                    "/desk",
                    "{name}"
                );
            }
        }
    });
}
