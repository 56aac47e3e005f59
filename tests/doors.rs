//! Every door, tried by everybody: one table of who is answered what, read line by line when it changes. What no line of
//! it may say stands below as rules: nobody gets past the table of duties, nothing breaks, every answer is hardened.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{Method, header};
use jishan::access::role::{Permission, Role};
use jishan::guard::Who;
use jishan::routes::{self, Route};
use serde_json::json;

use crate::browser::{Answer, Visitor};
use crate::town::{FAR, STAFF, Town, WANG, on_both};

/// A door as it is knocked at: a household that is there, and ids that are not, so that nothing is changed behind it.
fn address(route: &Route) -> String {
    let path = route
        .path
        .replace("{code}", WANG)
        .replace("{id}", "unknown")
        .replace("{evidence}", "unknown")
        .replace("{sku}", "unknown");
    path.replace("{name}", "unknown")
        .replace("{kind}", "split")
        .replace("{number}", "99")
        .replace("{receipt}", "unknown")
        .replace("{token}", "1000000005")
        .replace("{purpose}", "photo")
        .replace("{*path}", "app.css")
}

fn is_api(route: &Route) -> bool {
    route.path.starts_with("/api/")
}

/// Knocks with as little as possible: no parameters, the session's token, an empty JSON object.
async fn knock(route: &Route, visitor: &Visitor) -> Answer {
    let path = address(route);
    match (route.method, is_api(route)) {
        ("GET", _) => visitor.get(&path).await,
        (_, true) => visitor.call(&path, "a-key", &json!({})).await,
        (_, false) => visitor.post(&path, &[]).await,
    }
}

/// A fresh session or token for each door: one of the doors ends the session.
async fn person(town: &Town, name: &'static str, route: &Route) -> Visitor {
    match (is_api(route), name) {
        // A household has no token.
        (_, HOUSEHOLD) => town.at_home(WANG).await,
        (true, _) => town.program(name).await,
        (false, _) => town.signed_in(name).await,
    }
}

/// The column of a household at its own pages.
const HOUSEHOLD: &str = "resident";

/// Who knocks.
#[derive(Clone, Copy, PartialEq)]
enum Caller {
    Stranger,
    Staff(Role),
    Household,
}

on_both! {
    async fn every_door_answers_everybody_as_the_table_says(town: Town) {
        let mut table = format!("{:4} {:42}{:>9}", "", "", "stranger");
        for (name, ..) in STAFF {
            write!(table, "{name:>9}").unwrap();
        }
        writeln!(table, "{HOUSEHOLD:>9}").unwrap();
        for route in routes::table() {
            let mut line = format!("{:4} {:42}", route.method, route.path);
            let answer = knock(&route, &town.stranger()).await;
            expect_right(&route, "stranger", Caller::Stranger, &answer);
            write!(line, "{:>9}", answer.status.as_u16()).unwrap();
            for (name, role, _) in STAFF {
                let answer = knock(&route, &person(&town, name, &route).await).await;
                expect_right(&route, name, Caller::Staff(role), &answer);
                write!(line, "{:>9}", answer.status.as_u16()).unwrap();
            }
            let answer = knock(&route, &person(&town, HOUSEHOLD, &route).await).await;
            expect_right(&route, HOUSEHOLD, Caller::Household, &answer);
            write!(line, "{:>9}", answer.status.as_u16()).unwrap();
            table.push_str(&line);
            table.push('\n');
        }
        // Both databases are held against one table.
        insta::assert_snapshot!("every_door_and_everybody", table);
        town.expect_books_hold().await;
    }
}

/// What no line of the table may say.
fn expect_right(route: &Route, name: &str, caller: Caller, answer: &Answer) {
    let place = format!("{} {} as {name}: {}", route.method, route.path, answer.status);
    assert!(!answer.status.is_server_error(), "{place}\n{}", answer.text);
    expect_hardened(route.path, answer);
    let status = answer.status.as_u16();
    if route.only_in_demo {
        return assert_eq!(status, 404, "{place}: this town is no demo");
    }
    let let_in = match (route.who, caller) {
        (Who::Anyone, _) | (Who::SignedIn, Caller::Staff(_)) | (Who::Household, Caller::Household) => true,
        (Who::May(permission), Caller::Staff(role)) => role.permits(permission),
        _ => false,
    };
    // A household is a stranger at the doors of the staff, and the staff are strangers at its own.
    let is_known = matches!(caller, Caller::Staff(_)) && route.who != Who::Household;
    match (let_in, is_known) {
        (true, _) => assert!(!matches!(status, 401 | 403), "{place}, although it is permitted"),
        (false, true) => assert_eq!(status, 403, "{place}"),
        (false, false) if is_api(route) => {
            assert_eq!((status, answer.code().as_str()), (401, "not_signed_in"), "{place}")
        }
        (false, false) if route.method == "GET" => {
            assert_eq!(status, 303, "{place}");
            let asked = match route.who {
                Who::Household => "/my".to_owned(),
                _ => format!("/sign-in?next={}", address(route)),
            };
            assert_eq!(answer.location(), asked, "{place}");
        }
        (false, false) => assert_eq!(status, 401, "{place}"),
    }
    // An auditor reads everything and changes nothing; signing out is no change.
    let changes = route.method == "POST" && !matches!(route.who, Who::Anyone | Who::SignedIn | Who::Household);
    if caller == Caller::Staff(Role::Auditor) && changes {
        assert_eq!(status, 403, "{place}");
    }
}

/// The headers of every answer (ASVS 3.4).
fn expect_hardened(path: &str, answer: &Answer) {
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';"), "{path}: {policy}");
    // Where the camera can be started its decoder may run, which is WebAssembly, and nothing else more than elsewhere.
    let may_decode = path == "/redemptions" || path.starts_with("/counter");
    let policy = policy.replace(if may_decode { " 'wasm-unsafe-eval'" } else { "\0" }, "");
    for word in ["unsafe-inline", "unsafe-eval", "http:", "https:", "*"] {
        assert!(!policy.contains(word), "{path}: {policy}");
    }
    for part in [
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "script-src 'self'",
    ] {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    assert_eq!(answer.header("x-robots-tag"), "noindex", "{path}");
    let is_goods = path.starts_with("/counter/goods") && answer.status.is_success();
    let kept = match path.starts_with("/static/") {
        true if answer.status.is_success() => "no-cache",
        true => "",
        // The one answer to people who signed in that their browser keeps, and asks about each time.
        false if is_goods => "private, no-cache",
        false => "no-store",
    };
    assert_eq!(answer.header("cache-control"), kept, "{path}");
    assert_eq!(answer.header("server"), "", "{path} tells what serves it");
}

#[test]
fn a_door_that_lets_in_too_many_or_too_few_is_seen() {
    let route = |path: &str| routes::table().into_iter().find(|route| route.path == path).unwrap();
    let answer = |status: u16| Answer {
        status: axum::http::StatusCode::from_u16(status).unwrap(),
        headers: hardened(),
        text: String::new(),
    };
    let is_right = |path: &'static str, caller: Caller, status: u16| {
        let (route, answer) = (route(path), answer(status));
        let judged = std::panic::AssertUnwindSafe(move || expect_right(&route, "somebody", caller, &answer));
        // The expected panic is not news.
        quietly(|| std::panic::catch_unwind(judged).is_ok())
    };
    assert!(is_right("/audit", Caller::Staff(Role::Auditor), 200));
    assert!(!is_right("/audit", Caller::Staff(Role::Auditor), 403));
    assert!(!is_right("/audit", Caller::Staff(Role::StoreManager), 200));
    assert!(!is_right("/audit", Caller::Stranger, 200));
    assert!(!is_right("/audit", Caller::Household, 200));
    assert!(!is_right("/my/points", Caller::Staff(Role::Administrator), 200));
    assert!(is_right("/my/points", Caller::Household, 200));
    assert!(!is_right("/counter", Caller::Staff(Role::StoreManager), 500));
    assert!(!is_right("/stock/receipts", Caller::Staff(Role::Auditor), 422));
}

fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let done = work();
    std::panic::set_hook(loud);
    done
}

/// The headers of an answer as it leaves the house.
fn hardened() -> axum::http::HeaderMap {
    let town = crate::town::runtime().block_on(async {
        let town = Town::empty(crate::town::Database::Sqlite).await;
        town.stranger().get("/nowhere").await
    });
    town.headers
}

// ---- Forms of other sites ------------------------------------------------------------------------------------------

/// Somebody who is let in there.
fn who_may(permission: Permission) -> &'static str {
    let may = STAFF.iter().find(|(_, role, _)| role.permits(permission));
    may.unwrap().0
}

/// The page routes that change something, each with somebody who may.
fn forms() -> Vec<(Route, &'static str)> {
    let posts = routes::table()
        .into_iter()
        .filter(|route| route.method == "POST" && !is_api(route) && !route.only_in_demo);
    posts
        .filter_map(|route| match route.who {
            Who::Anyone => None,
            Who::SignedIn => Some((route, "auditor")),
            Who::Household => Some((route, HOUSEHOLD)),
            Who::May(permission) => Some((route, who_may(permission))),
        })
        .collect()
}

on_both! {
    async fn a_form_without_the_sessions_token_changes_nothing(town: Town) {
        let forms = forms();
        assert!(forms.len() >= 12, "{} forms", forms.len());
        for (route, name) in forms {
            let (visitor, path) = (person(&town, name, &route).await, address(&route));
            let other = person(&town, name, &route).await.csrf().to_owned();
            for fields in [
                vec![],
                vec![("csrf", "")],
                vec![("csrf", "0")],
                vec![("csrf", other.as_str())],
            ] {
                let as_form = visitor.post_bare(&path, &fields).await;
                let as_upload = visitor.post_file(&path, &fields, ("file", "x.csv", b"x")).await;
                let as_json = visitor.call_raw(&path, None, b"{}".to_vec()).await;
                let refused = [
                    as_form.status.as_u16(),
                    as_upload.status.as_u16(),
                    as_json.status.as_u16(),
                ];
                // A form of the wrong kind is not read; the right kind is read and refused.
                assert!(refused.contains(&403), "{path} {fields:?}: {refused:?}");
                assert!(
                    refused.iter().all(|status| matches!(status, 400 | 403 | 415 | 422)),
                    "{path} {fields:?}: {refused:?}"
                );
            }
        }
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_form_from_another_site_changes_nothing(town: Town) {
        let public = ["/sign-in", "/first-run", "/my"].map(|path| {
            let mut doors = routes::table().into_iter().filter(|route| route.method == "POST");
            (doors.find(|route| route.path == path).unwrap(), "grid")
        });
        for (route, name) in forms().into_iter().chain(public) {
            let (visitor, path) = (person(&town, name, &route).await, address(&route));
            let from = async |name: &'static str, value: &'static str| {
                let body = format!("csrf={}", visitor.csrf());
                let request = visitor
                    .request(Method::POST, &path)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(name, value);
                visitor
                    .send(request.body(Body::from(body)).unwrap())
                    .await
                    .status
                    .as_u16()
            };
            assert_eq!(from("sec-fetch-site", "cross-site").await, 403, "{path}");
            assert_eq!(from("sec-fetch-site", "same-site").await, 403, "{path}");
            assert_eq!(from("origin", "https://elsewhere.example").await, 403, "{path}");
            assert_eq!(from("origin", "null").await, 403, "{path}");
            // Of our own page the door itself decides; last, because one of them ends the session.
            assert_ne!(from("sec-fetch-site", "same-origin").await, 403, "{path}");
        }
    }
}

on_both! {
    async fn the_menu_says_what_one_may_do_there(town: Town) {
        for (name, role, _) in STAFF {
            let desk = town.signed_in(name).await.get("/desk").await.text;
            let menu = desk.split("<nav").nth(1).and_then(|rest| rest.split("</nav>").next()).unwrap();
            let verifies = menu.contains("/nominations\">核实</a>");
            let reads = menu.contains("/nominations\">申报记录</a>");
            let wanted = (role.permits(Permission::Verify), role.permits(Permission::ReadNominations));
            assert_eq!((verifies, verifies || reads), wanted, "{name}: {menu}");
        }
    }
}

// ---- No door -------------------------------------------------------------------------------------------------------

on_both! {
    async fn where_no_door_is_nothing_is_found(town: Town) {
        let (stranger, admin) = (town.stranger(), town.signed_in("admin").await);
        for visitor in [&stranger, &admin] {
            for path in [
                "/nowhere",
                "/households/a/b/c",
                "/static/",
                "/static/../Cargo.toml",
                "/static/%2e%2e/Cargo.toml",
                "//",
                "/K/",
                "/Desk",
            ] {
                let answer = visitor.get(path).await;
                assert_eq!(answer.status, 404, "{path}");
                expect_hardened(path, &answer);
                assert!(answer.text.contains("没有找到"), "{path}");
                assert!(answer.text.contains("晨光安置区"), "{path}: it is still this house");
                assert_eq!(answer.text.contains("/sign-out"), visitor.csrf() != "", "{path}: and this visitor");
            }
            let answer = visitor.get("/api/nowhere").await;
            assert_eq!(answer.problem(), (404, "not_found".to_owned()));
            expect_hardened("/api/nowhere", &answer);
        }
        for (method, path) in [
            (Method::DELETE, "/desk"),
            (Method::PUT, "/"),
            (Method::POST, "/healthz"),
            (Method::PATCH, "/api/openapi.json"),
            (Method::GET, "/sign-out"),
            (Method::OPTIONS, "/households"),
            (Method::TRACE, "/"),
        ] {
            let answer = admin
                .send(admin.request(method.clone(), path).body(Body::empty()).unwrap())
                .await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_ne!(answer.header("allow"), "", "{method} {path}");
            expect_hardened(path, &answer);
        }
    }
}

on_both! {
    async fn another_method_than_the_interfaces_own_is_a_problem_too(town: Town) {
        for visitor in [town.program("shop").await, town.stranger()] {
            for (method, path, allowed) in [
                (Method::GET, "/api/v1/redemptions", "POST"),
                (Method::DELETE, "/api/v1/redemptions", "POST"),
                (Method::POST, "/api/v1/households", "GET,HEAD"),
                (Method::PATCH, "/api/openapi.json", "GET,HEAD"),
            ] {
                let request = visitor.request(method.clone(), path).body(Body::empty()).unwrap();
                let answer = visitor.send(request).await;
                assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()), "{method} {path}");
                assert_eq!(answer.header("allow"), allowed, "{method} {path}");
                assert_eq!(answer.header("content-type"), "application/problem+json");
                expect_hardened(path, &answer);
            }
        }
    }
}

on_both! {
    async fn what_a_page_asks_for_must_make_sense_and_the_answer_is_in_chinese(town: Town) {
        let (grid, shop, admin) = (
            town.signed_in("grid").await,
            town.signed_in("shop").await,
            town.signed_in("admin").await,
        );
        let answers = [
            grid.get("/households/%FF").await,
            grid.get(&format!("/households/{WANG}/statement?before=then")).await,
            admin.get("/audit?before=then").await,
            admin.get("/audit?before=1&before=2").await,
            shop.get("/journal?on=then").await,
            grid.get("/households?query=%FF").await,
            town.stranger().post_bare("/sign-in", &[]).await,
            town.stranger().post_file("/sign-in", &[], ("file", "x", b"x")).await,
            Town::empty(crate::town::Database::Sqlite)
                .await
                .stranger()
                .post_bare("/first-run", &[])
                .await,
            admin.post_bare("/import", &[]).await,
        ];
        let is_page = |answer: &Answer| !answer.status.is_server_error() && answer.text.contains("</html>");
        let others = answers.iter().filter(|answer| !is_page(answer));
        let others: Vec<String> = others
            .map(|answer| format!("{} {}", answer.status, answer.text))
            .collect();
        assert_eq!(others, Vec::<String>::new());
    }
}

on_both! {
    /// PostgreSQL keeps no text with a zero character in it: SQLite and PostgreSQL answer alike, and neither breaks.
    async fn a_zero_character_breaks_no_page(town: Town) {
        let (stranger, shop) = (town.stranger(), town.signed_in("shop").await);
        let answers = [
            town.signed_in("grid").await.get("/households?query=%00").await,
            town.signed_in("grid").await.get("/households/%00").await,
            town.signed_in("grid").await.get("/nominations/%00").await,
            town.signed_in("grid").await.get("/nominations/new?query=%00").await,
            town.signed_in("shop").await.get("/redemptions/%00").await,
            town.signed_in("shop")
                .await
                .post("/counter", &[("card", "\u{0}"), ("quantity.\u{0}", "1")])
                .await,
            shop.post_file(
                "/counter/photo",
                &[("csrf", shop.csrf()), ("quantity.\u{0}", "1")],
                ("photo", "x.jpg", b""),
            )
            .await,
            shop.post_file(
                "/counter/photo",
                &[("csrf", shop.csrf()), ("card", "\u{0}")],
                ("photo", "x.jpg", b""),
            )
            .await,
            stranger.get("/scheme?q=%00").await,
            stranger.get("/K/%00").await,
            stranger
                .post_bare("/sign-in", &[("name", "\u{0}"), ("password", "\u{0}")])
                .await,
        ];
        let broken: Vec<usize> = (0..answers.len())
            .filter(|nth| answers[*nth].status.is_server_error())
            .collect();
        assert_eq!(broken, Vec::<usize>::new(), "these broke the server");
    }
}

// ---- The borders of an area ----------------------------------------------------------------------------------------

on_both! {
    async fn beyond_the_own_area_nothing_is_there(town: Town) {
        let (far, near) = (town.signed_in("far-grid").await, town.signed_in("grid").await);
        let (far_program, near_program) = (town.program("far-grid").await, town.program("grid").await);
        let deed = |household: &str| json!({"household": household, "item": "C02", "occurred_on": "2026-11-21"});
        let award = near_program.call("/api/v1/awards", "near", &deed(WANG)).await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned();

        for path in [
            format!("/households/{WANG}"),
            format!("/households/{WANG}/statement"),
            format!("/nominations/{award}"),
            format!("/nominations/new?household={WANG}"),
        ] {
            assert_eq!(near.get(&path).await.status, 200, "{path}");
            assert_eq!(far.get(&path).await.status, 404, "{path}");
            assert_eq!(
                far.get(&path.replace(WANG, "C99-X")).await.status,
                404,
                "{path}: as if it did not exist"
            );
        }
        let reason = ("reason", "首次制卡");
        let forms = [
            (format!("/households/{WANG}/cards"), vec![("key", "a"), reason]),
            (format!("/households/{WANG}/card-stop"), vec![reason]),
            (
                format!("/nominations/{award}/verification"),
                vec![("key", "b"), ("decision", "approve")],
            ),
            (
                "/nominations".to_owned(),
                vec![
                    ("key", "c"),
                    ("household", WANG),
                    ("item", "C02"),
                    ("count", "1"),
                    ("occurred_on", "2026-11-21"),
                ],
            ),
        ];
        for (path, fields) in &forms {
            assert_eq!(far.post(path, fields).await.status, 404, "{path}");
        }
        let calls = [
            (
                format!("/api/v1/households/{WANG}/cards"),
                json!({"reason": "首次制卡"}),
            ),
            (
                format!("/api/v1/awards/{award}/verification"),
                json!({"decision": "approve"}),
            ),
            ("/api/v1/awards".to_owned(), deed(WANG)),
        ];
        for (path, body) in &calls {
            assert_eq!(
                far_program.call(path, "d", body).await.problem(),
                (404, "not_found".to_owned()),
                "{path}"
            );
        }
        for path in [
            format!("/api/v1/households/{WANG}"),
            format!("/api/v1/households/{WANG}/statement"),
        ] {
            assert_eq!(
                far_program.get(&path).await.problem(),
                (404, "not_found".to_owned()),
                "{path}"
            );
        }
        // Lists, searches and the desk's count hold nothing of it either.
        for path in [
            "/households",
            "/households?query=王",
            "/nominations",
            "/nominations?state=all",
            "/desk",
        ] {
            let path = path.replace('王', "%E7%8E%8B");
            let text = far.get(&path).await.text;
            assert!(!text.contains("王建国") && !text.contains(WANG), "{path}");
        }
        assert!(near.get("/nominations").await.text.contains("王建国"));
        // Nothing happened; and in the own building everything works.
        assert_eq!(town.spendable(WANG).await, 0);
        let wang = town.household(WANG).await.id;
        let cards = town
            .read(move |conn| jishan::cards::card::of_household(conn, &wang))
            .await;
        assert_eq!(cards.len(), 0);
        assert_eq!(far.get(&format!("/households/{FAR}")).await.status, 200);
        assert_eq!(far_program.call("/api/v1/awards", "e", &deed(FAR)).await.status, 201);
        assert_eq!(
            far.post(&format!("/households/{FAR}/cards"), &[("key", "f"), reason])
                .await
                .status,
            200
        );
    }
}
