//! The commands, as people run them: the real program, its words and its exit codes.

mod print;

use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use jishan::access::session::Secret;
use jishan::app::App;
use jishan::cards::card;
use jishan::clock::Clock;
use jishan::db::{Db, Location, migrate};
use jishan::demo;
use jishan::ledger::balance;
use jishan::places::event;
use jishan::places::household::{self, Search};
use jishan::places::programme;

use crate::browser::Visitor;
use crate::town::{Database, Town, WANG, fresh_location, morning, on_both, runtime};

/// The longest that a command may take, and a server to say that it is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the program to its end, in a folder of its own and without settings of ours.
fn jishan(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command(folder, arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (id, (tell, ended)) = (child.id(), mpsc::channel());
    std::thread::spawn(move || tell.send(child.wait_with_output().unwrap()));
    ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        signal("-KILL", id);
        panic!("{arguments:?} did not end")
    })
}

fn signal(which: &str, process: u32) {
    let sent = Command::new("kill")
        .args([which, &process.to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jishan"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for name in ["JISHAN_DATA", "JISHAN_DATABASE", "JISHAN_FILES", "JISHAN_LISTEN"] {
        command.env_remove(name);
    }
    command
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The `--database` of a town.
fn address(town: &Town) -> String {
    match &town.location {
        Location::Sqlite(path) => format!("sqlite://{}", path.display()),
        Location::Postgres { url, schema } => format!("{url}#{schema}"),
    }
}

/// A server that was started, with the lines that it said; it is stopped when the test ends, however it ends.
struct Server {
    child: Child,
    said: Vec<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts it and waits for so many lines.
    fn start(folder: &Path, arguments: &[&str], lines: usize) -> Server {
        let mut child = command(folder, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (tell, heard) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let said = (0..lines).map_while(|_| heard.recv_timeout(PATIENCE).ok()).collect();
        let mut server = Server { child, said };
        if server.said.len() < lines {
            let mut why = String::new();
            let _ = server.child.kill();
            server.child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("{:?}: {why}", server.said);
        }
        server
    }

    fn host(&self) -> &str {
        self.said[0]
            .split("http://")
            .nth(1)
            .unwrap_or_else(|| panic!("{:?}", self.said))
    }

    /// Asks for a page, without anything in between.
    fn get(&self, path: &str) -> String {
        use std::io::Write as _;
        let mut stream = std::net::TcpStream::connect(self.host()).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.host()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks it to stop, as a service manager does, and answers its exit code.
    fn stop(mut self) -> Option<i32> {
        signal("-TERM", self.child.id());
        self.child.wait().unwrap().code()
    }
}

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

#[test]
fn an_empty_folder_is_served_with_a_code_for_the_first_run() {
    let folder = tempfile::tempdir().unwrap();
    let serve = ["serve", "--data", "a/b", "--listen", "127.0.0.1:0"];
    let server = Server::start(folder.path(), &serve, 2);
    let code = server.said[1]
        .split("设置码：")
        .nth(1)
        .unwrap_or_else(|| panic!("{:?}", server.said));
    assert_eq!(code.len(), 8);
    assert!(server.get("/").contains("location: /first-run"));
    let page = server.get("/first-run");
    assert!(page.starts_with("HTTP/1.1 200") && !page.contains(code));
    assert_eq!(server.stop(), Some(0));
    assert!(folder.path().join("a/b/programme.sqlite").exists());
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let output = jishan(folder.path(), &["serve", "--data", ".", "--listen", &listen]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains(&format!("could not listen on {listen}")),
        "{}",
        err(&output)
    );
}

#[test]
fn a_file_of_rules_is_looked_at_without_any_programme() {
    let folder = tempfile::tempdir().unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/scheme.json");
    let good = jishan(folder.path(), &["scheme", "validate", sample]);
    assert_eq!(
        (good.status.code(), out(&good).lines().count()),
        (Some(0), 1),
        "{}",
        err(&good)
    );
    let text = std::fs::read_to_string(sample).unwrap();
    let huge = format!("{}{}", text, " ".repeat(5 * 1024 * 1024));
    let latin = b"{\"name_zh\":\"\xE9\"}".to_vec();
    for (bytes, told) in [
        (
            text.replace("拾金不昧", "全年不上访").into_bytes(),
            "项目 C05 全年不上访：",
        ),
        (text.replace("\"cap\": 10,", "").into_bytes(), "没有上限"),
        (b"{".to_vec(), "第1行"),
        (b"".to_vec(), "第1行"),
        (b"[1]".to_vec(), "对象"),
        (huge.into_bytes(), "文件太大"),
        (latin, "UTF-8"),
    ] {
        std::fs::write(folder.path().join("rules.json"), bytes).unwrap();
        let bad = jishan(folder.path(), &["scheme", "validate", "rules.json"]);
        assert_eq!(bad.status.code(), Some(1), "{told}");
        let said = format!("{}{}", out(&bad), err(&bad));
        assert!(said.contains(told) && !said.contains("panicked"), "{told}: {said}");
    }
    assert_eq!(
        jishan(folder.path(), &["scheme", "validate", "none.json"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn a_photograph_of_a_card_is_read_or_the_reason_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = "HTTPS://EXAMPLE.ORG/K/4028173652-7K3M9QX27K3M";
    std::fs::write(folder.path().join("card.png"), jishan::cards::qr::png(text, 6).unwrap()).unwrap();
    let read = jishan(folder.path(), &["card", "decode", "card.png"]);
    assert_eq!(
        (read.status.code(), out(&read)),
        (Some(0), format!("{text}\n")),
        "{}",
        err(&read)
    );
    let mut empty = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(300, 300)
        .write_to(&mut empty, image::ImageFormat::Png)
        .unwrap();
    std::fs::write(folder.path().join("dark.png"), empty.into_inner()).unwrap();
    std::fs::write(folder.path().join("text.jpg"), "not a picture").unwrap();
    for (file, why) in [
        ("dark.png", "没有找到二维码"),
        ("text.jpg", "不是JPEG或PNG"),
        ("none.png", "none.png"),
    ] {
        let none = jishan(folder.path(), &["card", "decode", file]);
        assert_eq!((none.status.code(), out(&none).as_str()), (Some(1), ""), "{file}");
        assert!(err(&none).contains(why), "{file}: {}", err(&none));
    }
}

#[test]
fn a_version_is_written_back_into_an_equal_file() {
    let folder = tempfile::tempdir().unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/scheme.json");
    for arguments in [
        &["import", "scheme", sample, "--data", "."][..],
        &["scheme", "export", "--out", "out.json", "--data", "."],
        &["import", "scheme", "out.json", "--data", "."],
    ] {
        let done = jishan(folder.path(), arguments);
        assert!(done.status.success(), "{arguments:?}: {}", err(&done));
    }
    let second = jishan(folder.path(), &["scheme", "export", "--version", "2", "--data", "."]);
    assert_eq!(out(&second), std::fs::read_to_string(sample).unwrap());
    let none = jishan(folder.path(), &["scheme", "export", "--version", "9", "--data", "."]);
    assert_eq!(none.status.code(), Some(1));
}

on_both! {
    async fn sound_books_are_said_to_hold_and_broken_ones_named(town: Town) {
        town.earn(WANG, "E08", 1).await;
        let folder = tempfile::tempdir().unwrap();
        let check = ["check-books", "--database", &address(&town)];
        let sound = jishan(folder.path(), &check);
        assert_eq!(
            (sound.status.code(), out(&sound).as_str()),
            (Some(0), "the books hold: 2 transactions, 6 entries, 5 accounts\n")
        );
        // Somebody takes the guards away and gives Wang five points.
        town.write(|conn| {
            conn.batch_execute(match conn {
                jishan::db::Conn::Sqlite(_) => "DROP TRIGGER entries_no_update",
                jishan::db::Conn::Postgres(_) => "GRANT UPDATE ON entries TO CURRENT_USER",
            })?;
            conn.batch_execute(
                "UPDATE entries SET amount = amount + 5, balance_after = balance_after + 5 WHERE amount > 0",
            )?;
            Ok(())
        })
        .await
        .unwrap();
        let broken = jishan(folder.path(), &check);
        assert_eq!(broken.status.code(), Some(1));
        assert!(
            out(&broken).starts_with("the books are broken: transactions, number 1: "),
            "{}",
            out(&broken)
        );
    }
}

on_both! {
    async fn a_token_is_made_for_somebody_who_is_there_and_shown_once(town: Town) {
        let folder = tempfile::tempdir().unwrap();
        let address = address(&town);
        for (user, why) in [("nobody", "没有在用的用户nobody"), ("", "没有在用的用户")] {
            let output = jishan(
                folder.path(),
                &["token", "create", "--user", user, "--database", &address],
            );
            assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), ""), "{user}");
            assert!(err(&output).contains(why), "{}", err(&output));
        }
        let output = jishan(
            folder.path(),
            &["token", "create", "--user", "grid", "--database", &address],
        );
        assert!(output.status.success());
        let token = out(&output);
        assert!(Secret::sent(token.trim()).is_some(), "{token}");
        assert!(!err(&output).contains(token.trim()));
        let program = town.stranger().with_token(token.trim());
        assert_eq!(program.get("/api/v1/households").await.status, 200);
        // A closed account gets none.
        town.write(|conn| jishan::access::user::disable(conn, "grid", morning()))
            .await
            .unwrap();
        let output = jishan(
            folder.path(),
            &["token", "create", "--user", "grid", "--database", &address],
        );
        assert_eq!(output.status.code(), Some(1));
    }
}

on_both! {
    async fn a_roster_is_tried_out_and_imported(town: Town) {
        let folder = tempfile::tempdir().unwrap();
        let (address, file) = (address(&town), folder.path().join("花名册.csv"));
        std::fs::write(
            &file,
            "社区,网格,楼栋,房号,户主,人口\n晨光社区,第1网格,1号楼,301,赵桂芳,3\n晨光社区,第1网格,1号楼,302,,3\n",
        )
        .unwrap();
        let import = async |more: &[&str]| {
            let mut arguments = vec!["import", "households", "花名册.csv", "--database", &address];
            arguments.extend(more);
            jishan(folder.path(), &arguments)
        };
        let all = async || town.read(household::count).await;
        let before = all().await;
        let tried = import(&["--dry-run"]).await;
        assert!(tried.status.success(), "{}", err(&tried));
        assert!(
            out(&tried).starts_with("试读完成，什么也没有登记。可登记1户3人，新增区域0个；未接收1行。\n"),
            "{}",
            out(&tried)
        );
        assert!(out(&tried).contains("第3行“户主”列：「户主」没有填"), "{}", out(&tried));
        assert_eq!(all().await, before);
        let done = import(&[]).await;
        assert!(out(&done).starts_with("已登记1户3人"), "{}", out(&done));
        assert_eq!(all().await, (before.0 + 1, before.1 + 3));
        let again = import(&[]).await;
        assert!(out(&again).starts_with("已登记0户0人"), "{}", out(&again));
        // A file that may not be taken, or is not there.
        std::fs::write(
            &file,
            "社区,网格,楼栋,房号,户主,人口,低保\n晨光社区,第1网格,1号楼,303,杨文军,3,是\n",
        )
        .unwrap();
        let refused = import(&[]).await;
        assert_eq!((refused.status.code(), out(&refused).as_str()), (Some(1), ""));
        assert!(err(&refused).contains("整个文件都没有导入"), "{}", err(&refused));
        std::fs::remove_file(&file).unwrap();
        let missing = import(&[]).await;
        assert_eq!(missing.status.code(), Some(1));
        assert!(err(&missing).contains("花名册.csv"), "{}", err(&missing));
        assert_eq!(all().await, (before.0 + 1, before.1 + 3));
    }
}

on_both! {
    async fn rules_and_goods_are_brought_in_from_files(town: Town) {
        let folder = tempfile::tempdir().unwrap();
        let address = address(&town);
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
        let scheme = format!("{samples}/scheme.json");
        let loaded = jishan(
            folder.path(),
            &[
                "import",
                "scheme",
                &scheme,
                "--active-from",
                "2027-01-01",
                "--database",
                &address,
            ],
        );
        assert!(loaded.status.success(), "{}", err(&loaded));
        assert!(out(&loaded).contains("第2版，2027-01-01起施行"), "{}", out(&loaded));
        std::fs::write(folder.path().join("bad.json"), "{}").unwrap();
        let bad = jishan(folder.path(), &["import", "scheme", "bad.json", "--database", &address]);
        assert_eq!((bad.status.code(), out(&bad).as_str()), (Some(1), ""));
        // The town's four goods are among the sample's, so nothing of it is taken.
        let goods = format!("{samples}/goods.csv");
        let taken = jishan(folder.path(), &["import", "goods", &goods, "--database", &address]);
        assert_eq!(taken.status.code(), Some(1));
        assert!(
            err(&taken).contains("G001") && err(&taken).contains("已经登记"),
            "{}",
            err(&taken)
        );
        let count = town.read(|conn| Ok(jishan::shop::goods::on_offer(conn)?.len())).await;
        assert_eq!(count, crate::town::GOODS.len());
        // What is no goods is named with its line; two of one barcode could not be told apart by a scanner.
        let header =
            "sku,barcode,name_zh,unit,category,price_points,cost_cents,limit_per_household_per_month,shelf_life_days";
        for (rows, why) in [
            ("X1,,毛巾,条,日用,0,500,,", "第2行"),
            (
                "X1,,毛巾,条,日用,5,500,,\nX1,,脸盆,个,日用,5,500,,",
                "第3行 X1：编号重复",
            ),
            ("X1,,毛巾,条,日用,五,500,,", "第2行"),
            ("X1,690,毛巾,条,日用,5,500,,\nX2,690,脸盆,个,日用,5,500,,", "条码"),
            ("X1,6900000001066,毛巾,条,日用,5,500,,", "条码"),
        ] {
            std::fs::write(folder.path().join("goods.csv"), format!("{header}\n{rows}\n")).unwrap();
            let wrong = jishan(folder.path(), &["import", "goods", "goods.csv", "--database", &address]);
            assert_eq!((wrong.status.code(), out(&wrong).as_str()), (Some(1), ""), "{rows}");
            assert!(err(&wrong).contains(why), "{rows}: {}", err(&wrong));
        }
        // Without those four it is taken.
        let text = std::fs::read_to_string(&goods).unwrap();
        let is_new = |line: &&str| !crate::town::GOODS.iter().any(|(sku, ..)| line.starts_with(sku));
        let rest: Vec<&str> = text.lines().filter(is_new).collect();
        std::fs::write(folder.path().join("rest.csv"), rest.join("\n")).unwrap();
        let done = jishan(folder.path(), &["import", "goods", "rest.csv", "--database", &address]);
        assert_eq!(
            out(&done),
            format!("已登记商品{}种\n", rest.len() - 1),
            "{}",
            err(&done)
        );
    }
}

#[test]
fn migrating_twice_says_that_nothing_was_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let first = jishan(folder.path(), &["migrate", "--data", "here"]);
    assert!(
        first.status.success() && out(&first).starts_with("migrated SQLite"),
        "{first:?}"
    );
    let second = jishan(folder.path(), &["migrate", "--data", "here"]);
    assert!(
        second.status.success() && out(&second).starts_with("up to date: SQLite"),
        "{second:?}"
    );
    let checked = jishan(folder.path(), &["check-books", "--data", "here"]);
    assert_eq!(out(&checked), "the books hold: 0 transactions, 0 entries, 0 accounts\n");
}

#[test]
fn settings_that_are_none_are_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let refused: [(&[&str], &str); 9] = [
        (&["serve", "--database", "mysql://host/jishan"], "postgres://"),
        (&["serve", "--database", "programme.sqlite"], "sqlite://"),
        (&["serve", "--database", "sqlite://"], "sqlite://"),
        (&["serve", "--database", "postgres://host/db#Bad Schema"], "schema"),
        (
            &["serve", "--database", "sqlite://x", "--data", "x"],
            "cannot be used with",
        ),
        (&["demo", "--households", "0"], "households"),
        (&["demo", "--households", "100001"], "households"),
        (&["serve", "--listen", "everywhere"], "listen"),
        (&["redeem"], "redeem"),
    ];
    for (arguments, why) in refused {
        let output = jishan(folder.path(), arguments);
        assert_eq!(
            (output.status.code(), out(&output).as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert!(err(&output).contains(why), "{arguments:?}: {}", err(&output));
    }
    // A server that is not there is said to be so, and no file takes its place.
    let output = jishan(
        folder.path(),
        &["serve", "--database", "postgres://nobody@127.0.0.1:1/nothing"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a file was made");
}

#[test]
fn a_file_that_is_no_programme_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let poem = "床前明月光，疑是地上霜。".repeat(200);
    std::fs::write(folder.path().join("programme.sqlite"), &poem).unwrap();
    for arguments in [
        &["migrate", "--data", "."][..],
        &["check-books", "--data", "."],
        &["serve", "--data", ".", "--listen", "127.0.0.1:0"],
    ] {
        let output = jishan(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(
            err(&output).contains("not a database"),
            "{arguments:?}: {}",
            err(&output)
        );
    }
    assert_eq!(
        std::fs::read_to_string(folder.path().join("programme.sqlite")).unwrap(),
        poem
    );
}

#[test]
fn the_commands_explain_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let help = jishan(folder.path(), &["--help"]);
    for command in ["demo", "serve", "migrate", "import", "token", "check-books"] {
        assert!(out(&help).contains(command), "{command}");
        let own = jishan(folder.path(), &[command, "--help"]);
        assert!(own.status.success() && out(&own).contains("Usage:"), "{command}");
    }
    assert!(out(&jishan(folder.path(), &["--version"])).starts_with("jishan 0."));
}
