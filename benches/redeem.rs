//! Redemptions per second over HTTP, durable, beside the raw limit of each database in the same run.
//!
//! `bin/bench [--seconds N] [--rounds N] [--households N]`. Only the ratios within one run mean anything: the rounds are
//! interleaved, medians are shown, and the idle share of the machine is printed. Nothing here asserts a time.
//!
//! The server is the real program in a process of its own, on a town of 8,322 households; the clients are here, on the same
//! two cores. Every answer is counted only after it arrived; every redemption is a commit that survives a power cut.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a measurement has a stop-watch, divides, and falls over when something is wrong"
)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use jishan::access::{session, user};
use jishan::cards::card::{self, Issue};
use jishan::clock::{Clock, day_of};
use jishan::db::{Db, Location, migrate};
use jishan::demo::{self, Year};
use jishan::id::Id;
use jishan::ledger::account::{AccountKind, PROGRAMME};
use jishan::ledger::transaction::{Books, Posting, TransactionKind};
use jishan::money::Fen;
use jishan::places::household::{self, Household, Search};
use jishan::places::programme;
use jishan::points::Points;
use jishan::shop::goods::{self, GoodsItem};
use jishan::shop::redemption::{self, Pickup, Redeem, Wanted};
use jishan::shop::shift::{self, Closing, Shift};
use jishan::shop::stock::{self, Funding, Receive};
use jishan::shop::{store, till};

/// Connections at a time.
const CLIENTS: [usize; 4] = [1, 8, 32, 64];

struct Settings {
    seconds: u64,
    rounds: usize,
    households: u32,
}

fn main() {
    let settings = settings();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Location::Sqlite(folder.path().join("programme.sqlite"));
    runtime.block_on(compare(
        "SQLite",
        &sqlite,
        &settings,
        Raw::Sqlite(folder.path().join("raw.sqlite")),
    ));
    match std::env::var("JISHAN_BENCH_POSTGRES") {
        Ok(url) => {
            let schema = format!("bench{}", std::process::id());
            let raw = Raw::Pgbench(url.clone());
            runtime.block_on(compare(
                "PostgreSQL",
                &Location::Postgres { url, schema },
                &settings,
                raw,
            ));
        }
        Err(_) => println!("\nPostgreSQL is LEFT OUT: run bin/bench, which starts a cluster."),
    }
}

fn settings() -> Settings {
    let mut settings = Settings {
        seconds: 3,
        rounds: 3,
        households: 8_322,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|number| number.parse().ok()).expect("a number");
        match word.as_str() {
            "--seconds" => settings.seconds = number(),
            "--rounds" => settings.rounds = usize::try_from(number()).unwrap(),
            "--households" => settings.households = u32::try_from(number()).unwrap(),
            // cargo bench says --bench.
            _ => {}
        }
    }
    settings
}

/// What the bench holds in its hand at the counter.
struct Town {
    cards: Vec<String>,
    token: String,
    shift: Shift,
}

const SKU: &str = "BENCH";

async fn compare(name: &str, location: &Location, settings: &Settings, raw: Raw) {
    migrate::run(location, Clock::System.now()).unwrap();
    let began = Instant::now();
    let db = Db::open(location).unwrap();
    let town = Arc::new(prepare(&db, settings.households).await);
    println!(
        "\n## {name}\n\na town of {} households made in {:.1} s",
        settings.households,
        began.elapsed().as_secs_f64()
    );
    let mut http: Vec<Vec<Figures>> = CLIENTS.iter().map(|_| Vec::new()).collect();
    let mut grouped = Vec::new();
    let mut limits: Vec<(String, Vec<f64>)> = Vec::new();
    let idle = Idle::begin();
    let mut memory = 0;
    for _ in 0..settings.rounds {
        let mut server = Server::start(location);
        for (clients, figures) in CLIENTS.iter().zip(&mut http) {
            figures.push(load(&server, &town, *clients, settings.seconds).await);
        }
        memory = memory.max(server.peak_memory_kib());
        server.stop();
        grouped.push(without_http(&db, &town, 64, settings.seconds).await);
        for (label, rate) in raw.measure(settings.seconds) {
            match limits.iter_mut().find(|(known, _)| *known == label) {
                Some((_, rates)) => rates.push(rate),
                None => limits.push((label, vec![rate])),
            }
        }
    }
    report(&http, grouped, limits, memory, &idle);
}

/// Makes the demo town and gives every household a new card and plenty of points for one kind of goods without a limit.
async fn prepare(db: &Db, households: u32) -> Town {
    let now = Clock::System.now();
    let quiet: demo::Progress = Arc::new(|_, _, _| {});
    demo::make(db, Year::of(households), "http://127.0.0.1:1", now, quiet)
        .await
        .unwrap();
    let all = db
        .read(|conn| {
            household::search(
                conn,
                &Search {
                    limit: i64::MAX,
                    ..Search::default()
                },
            )
        })
        .await
        .unwrap();
    let mut cards = Vec::new();
    for group in all.chunks(500) {
        let group = group.to_vec();
        cards.extend(db.write(move |conn| enrich(conn, &group)).await.unwrap());
    }
    db.write(move |conn| {
        let shop = user::by_name(conn, "shop")?.unwrap();
        let stock_keeper = user::by_name(conn, "stock")?.unwrap();
        let store = store::all(conn)?.remove(0);
        let goods = GoodsItem {
            id: Id::new(now),
            sku: SKU.to_owned(),
            barcode: None,
            name: "量杯".to_owned(),
            unit: "个".to_owned(),
            category: "测量".to_owned(),
            price_points: Points(1),
            cost_fen: Fen(1),
            monthly_limit: None,
            shelf_life_days: None,
            withdrawn_at: None,
        };
        goods::add(conn, std::slice::from_ref(&goods))?;
        for lot in 0..20 {
            let asked = Receive {
                store: store.id.clone(),
                goods: goods.clone(),
                quantity: 100_000,
                expires_on: None,
                funding: Funding::Collective,
                cost_fen: Fen(1),
                by: stock_keeper.id.clone(),
                key: format!("bench-lot-{lot}"),
            };
            stock::receive(conn, &asked, now)?;
        }
        let till = till::of_store(conn, &store.id)?.remove(0).id;
        // The demo's shopkeeper has not handed yesterday's shift over.
        if let Some(left) = shift::of_person(conn, &shop.id)? {
            shift::close(conn, &left.id, &Closing::default(), &shop.id, now)?;
        }
        let shift = shift::open(conn, &till, "", &shop.id, now)?;
        Ok(Town {
            cards,
            token: session::create_token(conn, &shop.id, now)?.reveal().to_owned(),
            shift,
        })
    })
    .await
    .unwrap()
}

fn enrich(conn: &mut jishan::db::Conn, group: &[Household]) -> jishan::error::Result<Vec<String>> {
    let now = Clock::System.now();
    let programme = programme::get(conn)?;
    let by = user::by_name(conn, "admin")?.unwrap().id;
    let mut books = Books::open(conn, group.iter().map(|household| household.id.as_str()))?;
    for household in group {
        let owner = household.id.as_str();
        books.post(Posting {
            kind: TransactionKind::Award,
            source: format!("bench:{owner}"),
            effective_on: day_of(now),
            recorded_at: now,
            posted_by: "bench".to_owned(),
            reverses: None,
            entries: Posting::moving(
                Points(1_000_000),
                (PROGRAMME, AccountKind::Issuance),
                (owner, AccountKind::Spendable),
            ),
        })?;
    }
    books.save(conn)?;
    let issue = |household: &Household| Issue {
        household: household.id.clone(),
        reason: "测量".to_owned(),
        by: by.clone(),
        key: format!("bench-card-{}", household.code),
    };
    group
        .iter()
        .map(|household| Ok(card::issue(conn, &programme, &issue(household), now)?.token()))
        .collect()
}

/// The real program in a process of its own.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(location: &Location) -> Server {
        let database = match location {
            Location::Sqlite(path) => format!("sqlite://{}", path.display()),
            Location::Postgres { url, schema } => format!("{url}#{schema}"),
        };
        let mut process = Command::new(env!("CARGO_BIN_EXE_jishan"))
            .args(["serve", "--database", &database, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit("http://").next().unwrap().to_owned();
        Server { process, address }
    }

    /// Processor time so far, in microseconds.
    fn cpu_micros(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or(0);
        // A tick is a hundredth of a second.
        (ticks(11) + ticks(12)) * 10_000
    }

    fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .unwrap_or_default();
        line.split_whitespace()
            .nth(1)
            .and_then(|kib| kib.parse().ok())
            .unwrap_or(0)
    }

    fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[derive(Clone, Copy, Default)]
struct Figures {
    per_second: f64,
    p50_millis: f64,
    p99_millis: f64,
    cpu_micros: f64,
}

/// Clients that each redeem one after another, for some seconds.
async fn load(server: &Server, town: &Arc<Town>, clients: usize, seconds: u64) -> Figures {
    let stop = Arc::new(AtomicBool::new(false));
    let cpu = server.cpu_micros();
    let began = Instant::now();
    let mut running = Vec::new();
    for client in 0..clients {
        let (town, stop, address) = (Arc::clone(town), Arc::clone(&stop), server.address.clone());
        running.push(tokio::spawn(async move {
            let mut sender = connect(&address).await;
            let mut times = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let card = &town.cards[(client * 131 + times.len() * 7) % town.cards.len()];
                let began = Instant::now();
                redeem(&mut sender, &address, &town.token, card).await;
                times.push(began.elapsed());
            }
            times
        }));
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    stop.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for one in running {
        times.extend(one.await.unwrap());
    }
    let elapsed = began.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    Figures {
        per_second: times.len() as f64 / elapsed,
        p50_millis: at(0.50),
        p99_millis: at(0.99),
        cpu_micros: (server.cpu_micros() - cpu) as f64 / times.len() as f64,
    }
}

async fn connect(address: &str) -> SendRequest<Full<Bytes>> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn fresh_key() -> String {
    Id::<Household>::new(Clock::System.now()).to_string()
}

async fn redeem(sender: &mut SendRequest<Full<Bytes>>, address: &str, token: &str, card: &str) {
    let body = format!(r#"{{"card":"{card}","lines":[{{"sku":"{SKU}","quantity":1}}]}}"#);
    let request = hyper::Request::post("/api/v1/redemptions")
        .header("host", address)
        .header("authorization", format!("Bearer {token}"))
        .header("idempotency-key", fresh_key())
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
}

/// The same redemptions through the same writer, without HTTP: the limit of group commit.
async fn without_http(db: &Db, town: &Arc<Town>, tasks: usize, seconds: u64) -> f64 {
    let done = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut running = Vec::new();
    for task in 0..tasks {
        let (db, town, done) = (db.clone(), Arc::clone(town), Arc::clone(&done));
        running.push(tokio::spawn(async move {
            let wanted = [Wanted {
                sku: SKU.to_owned(),
                quantity: 1,
            }];
            let mut n = task * 131;
            while began.elapsed().as_secs() < seconds {
                n += 7;
                let card = &town.cards[n % town.cards.len()];
                let now = Clock::System.now();
                let asked = Redeem::new(&fresh_key(), card, &wanted, Pickup::Household, &town.shift, now).unwrap();
                db.write_together(asked, redemption::redeem_all).await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for one in running {
        one.await.unwrap();
    }
    done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

/// What the database can do by itself.
enum Raw {
    /// A bare transfer in a file of its own: two updates and an insert, one commit each.
    Sqlite(PathBuf),
    /// pgbench's tpcb-like in the same cluster.
    Pgbench(String),
}

impl Raw {
    fn measure(&self, seconds: u64) -> Vec<(String, f64)> {
        match self {
            Raw::Sqlite(path) => vec![(
                "raw SQLite, one commit per transfer".to_owned(),
                raw_sqlite(path, seconds),
            )],
            Raw::Pgbench(url) => pgbench(url, seconds),
        }
    }
}

fn raw_sqlite(path: &std::path::Path, seconds: u64) -> f64 {
    let mut conn = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
    conn.batch_execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
         CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0));
         CREATE TABLE IF NOT EXISTS transfer (id INTEGER PRIMARY KEY, debit INTEGER, credit INTEGER, amount INTEGER);
         INSERT OR IGNORE INTO account WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
           SELECT i, 1000000000 FROM n;",
    )
    .unwrap();
    let (began, mut count) = (Instant::now(), 0u64);
    while began.elapsed().as_secs() < seconds {
        count += 1;
        let debit = (count * 7_919) % 10_000;
        conn.batch_execute(&format!(
            "BEGIN IMMEDIATE; UPDATE account SET balance = balance - 1 WHERE id = {debit};
             UPDATE account SET balance = balance + 1 WHERE id = 10000;
             INSERT INTO transfer (debit, credit, amount) VALUES ({debit}, 10000, 1); COMMIT;"
        ))
        .unwrap();
    }
    count as f64 / began.elapsed().as_secs_f64()
}

fn pgbench(url: &str, seconds: u64) -> Vec<(String, f64)> {
    let program = std::env::var("PGBENCH").unwrap_or_else(|_| "pgbench".to_owned());
    let run = |arguments: &[&str]| {
        let output = Command::new(&program)
            .args(arguments)
            .arg(url)
            .output()
            .expect("pgbench runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["--initialize", "--quiet", "--scale", "10"]);
    let mut rates = Vec::new();
    for clients in ["1", "8", "32"] {
        let text = run(&[
            "--client",
            clients,
            "--jobs",
            "2",
            "--time",
            &seconds.to_string(),
            "--no-vacuum",
        ]);
        let tps = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let tps = tps
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|number| number.parse().ok());
        rates.push((format!("pgbench tpcb-like, {clients} clients"), tps.unwrap_or(0.0)));
    }
    rates
}

/// How much of the machine nobody used.
struct Idle(u64, u64);

impl Idle {
    fn begin() -> Idle {
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .filter_map(|ticks| ticks.parse().ok())
            .collect();
        Idle(ticks.get(3).copied().unwrap_or(0), ticks.iter().sum())
    }

    fn share(&self) -> f64 {
        let now = Idle::begin();
        (now.0 - self.0) as f64 / (now.1 - self.1).max(1) as f64
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn report(http: &[Vec<Figures>], grouped: Vec<f64>, limits: Vec<(String, Vec<f64>)>, memory: u64, idle: &Idle) {
    let mut text = String::from(
        "| case | per second | p50 ms | p99 ms | server CPU µs each |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    let of = |figures: &[Figures], field: fn(&Figures) -> f64| median(figures.iter().map(field).collect());
    for (clients, figures) in CLIENTS.iter().zip(http) {
        writeln!(
            text,
            "| HTTP redemptions, {clients} connections | {:.0} | {:.2} | {:.2} | {:.0} |",
            of(figures, |one| one.per_second),
            of(figures, |one| one.p50_millis),
            of(figures, |one| one.p99_millis),
            of(figures, |one| one.cpu_micros),
        )
        .unwrap();
    }
    writeln!(
        text,
        "| group commit without HTTP, 64 tasks | {:.0} | | | |",
        median(grouped)
    )
    .unwrap();
    for (label, rates) in limits {
        writeln!(text, "| {label} | {:.0} | | | |", median(rates)).unwrap();
    }
    println!(
        "\n{text}\npeak memory of the server: {:.1} MiB; idle share of the machine: {:.2}",
        memory as f64 / 1024.0,
        idle.share()
    );
}
