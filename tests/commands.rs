//! The commands, as people run them: the real program, its words and its exit codes.

mod demo;
mod files;
mod print;

use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use jishan::access::session::Secret;
use jishan::db::Location;

use crate::town::{Town, WANG, morning, on_both};

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
