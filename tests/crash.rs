//! The server is killed in the middle of its work, again and again: every acknowledged redemption is there, once; no half of
//! an unacknowledged one is; the books hold.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use jishan::clock::Clock;
use serde_json::json;

use crate::town::{Database, HOUSEHOLDS, Town, runtime};

/// How often the server is killed, and how many clients it serves meanwhile.
const KILLS: usize = 4;
const CLIENTS: usize = 8;

#[test]
fn a_killed_server_lost_nothing_and_doubled_nothing_on_sqlite() {
    kill_again_and_again(Database::Sqlite);
}

#[test]
fn a_killed_server_lost_nothing_and_doubled_nothing_on_postgres() {
    kill_again_and_again(Database::Postgres);
}

fn kill_again_and_again(database: Database) {
    runtime().block_on(async {
        let town = Town::founded(database).await;
        let mut cards = Vec::new();
        for (code, _, _) in HOUSEHOLDS {
            town.give(code, 10_000).await;
            cards.push(town.issue_card(code).await.token());
        }
        let (store, by, now) = (town.store().await, town.user("stock").await.id, town.app.now());
        town.write(move |conn| {
            let goods = jishan::shop::goods::by_sku(conn, "G039")?;
            let asked = jishan::shop::stock::Receive {
                store,
                quantity: 50_000,
                expires_on: None,
                funding: jishan::shop::stock::Funding::Collective,
                cost_fen: goods.cost_fen,
                by,
                key: "plenty".to_owned(),
                goods,
            };
            jishan::shop::stock::receive(conn, &asked, now)
        })
        .await
        .unwrap();
        // The server that is killed has the machine's clock.
        town.at_the_till_at("shop", &town.store().await, Clock::System.now())
            .await;
        let token = town.token("shop").await;
        let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        for round in 0..KILLS {
            serve_until_killed(&town, &token, &cards, round, &acknowledged).await;
        }
        let acknowledged = acknowledged.lock().unwrap().clone();
        expect_each_once(&town, &acknowledged).await;
        // What was in flight when the server died can be sent again: it is carried out once, or answered as it was.
        town.read(|conn| jishan::ledger::check::check(conn, &mut |_, _| {}))
            .await
            .unwrap();
        town.read(jishan::shop::check::check).await.unwrap();
    });
}

async fn serve_until_killed(
    town: &Town,
    token: &str,
    cards: &[String],
    round: usize,
    acknowledged: &Arc<Mutex<BTreeSet<String>>>,
) {
    let (mut server, address) = start(town);
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (address, token) = (address.clone(), token.to_owned());
            let (card, stop) = (cards[client % cards.len()].clone(), Arc::clone(&stop));
            let acknowledged = Arc::clone(acknowledged);
            tokio::spawn(async move {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    let key = format!("r{round}-c{client}-{n}");
                    match redeem(&address, &token, &card, &key).await {
                        Some(201) => acknowledged.lock().unwrap().insert(key),
                        Some(status) => panic!("status {status}"),
                        // The server is gone.
                        None => return,
                    };
                }
            })
        })
        .collect();
    let before = acknowledged.lock().unwrap().len();
    // Killed in the middle of the load, at another place each time.
    while acknowledged.lock().unwrap().len() < before + 40 + round * 17 {
        assert!(server.try_wait().unwrap().is_none(), "the server ended by itself");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    server.kill().unwrap();
    server.wait().unwrap();
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
}

/// Starts the real program and waits for its address.
fn start(town: &Town) -> (Child, String) {
    let database = match &town.location {
        jishan::db::Location::Sqlite(path) => format!("sqlite://{}", path.display()),
        jishan::db::Location::Postgres { url, schema } => format!("{url}#{schema}"),
    };
    let mut server = Command::new(env!("CARGO_BIN_EXE_jishan"))
        .args(["serve", "--database", &database, "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().rsplit("http://").next().unwrap().to_owned();
    (server, address)
}

/// One redemption over the wire; `None` when the connection breaks.
async fn redeem(address: &str, token: &str, card: &str, key: &str) -> Option<u16> {
    let stream = tokio::net::TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let driving = tokio::spawn(connection);
    let body = json!({"card": card, "lines": [{"sku": "G039", "quantity": 1}]}).to_string();
    let request = hyper::Request::post("/api/v1/redemptions")
        .header("host", address)
        .header("authorization", format!("Bearer {token}"))
        .header("idempotency-key", key)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    // An answer counts only when it arrived whole.
    response.into_body().collect().await.ok()?;
    driving.abort();
    Some(status)
}

/// Every acknowledged key made exactly one redemption.
async fn expect_each_once(town: &Town, acknowledged: &BTreeSet<String>) {
    let kept: Vec<String> = town
        .read(|conn| {
            use diesel::prelude::*;
            use jishan::db::schema::{redemptions, requests};
            Ok(requests::table
                .inner_join(redemptions::table.on(redemptions::id.eq(requests::subject)))
                .select(requests::key)
                .load::<String>(conn)?)
        })
        .await;
    let once: BTreeSet<String> = kept.iter().cloned().collect();
    assert_eq!(once.len(), kept.len());
    let lost: Vec<&String> = acknowledged.difference(&once).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let redeemed: i64 = town
        .read(|conn| {
            use diesel::prelude::*;
            Ok(jishan::db::schema::redemptions::table.count().get_result(conn)?)
        })
        .await;
    assert_eq!(
        usize::try_from(redeemed).unwrap(),
        kept.len(),
        "a redemption without its request"
    );
    println!("{} acknowledged, {} kept", acknowledged.len(), kept.len());
}
