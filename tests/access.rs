//! Who gets in: the first run, signing in and out, the end of a session, the accounts of others.

use axum::body::Body;
use axum::http::{Method, header};
use chrono::TimeDelta;
use jishan::access::user;
use jishan::audit;
use jishan::papers::form::Form;

use crate::browser::{Answer, Visitor};
use crate::town::{LI, PASSWORD, STAFF, Town, WANG, morning, on_both};

async fn sign_in(visitor: &Visitor, name: &str, password: &str, next: &str) -> Answer {
    let fields = [("name", name), ("password", password), ("next", next)];
    visitor.post_bare("/sign-in", &fields).await
}

on_both! {
    async fn a_good_password_opens_the_desk_and_a_bad_one_says_so(town: Town) {
        let stranger = town.stranger();
        let answer = sign_in(&stranger, "grid", PASSWORD, "").await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/desk"));
        // Scripts cannot read the cookie, other sites do not send it, and it does not travel in the clear.
        let cookie = answer.header("set-cookie");
        let (pair, rest) = cookie.split_once("; ").unwrap();
        assert_eq!(rest, "Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(pair.len(), "jishan=".len() + 64);
        let grid = stranger.keeping_cookie_of(&answer);
        let desk = grid.get("/desk").await;
        assert_eq!(desk.status, 200);
        assert!(desk.text.contains("网格员甲"));
        // A name with spaces around it is the same name; signing in is offered to nobody who is in.
        assert_eq!(sign_in(&stranger, " grid ", PASSWORD, "").await.status, 303);
        assert_eq!(grid.get("/sign-in").await.location(), "/desk");

        // A wrong password and a name that does not exist are answered alike.
        let wrong = sign_in(&stranger, "grid", "wrong password", "").await;
        let unknown = sign_in(&stranger, "nobody", PASSWORD, "").await;
        let upper_case = sign_in(&stranger, "grid", &PASSWORD.to_uppercase(), "").await;
        for answer in [&wrong, &unknown, &upper_case] {
            assert_eq!(answer.status, 403);
            assert!(answer.text.contains("用户名或口令不对"));
            assert!(!answer.headers.contains_key("set-cookie"));
        }
        assert_eq!(wrong.text, unknown.text.replace("nobody", "grid"));
        // The form keeps the name and forgets the password.
        assert!(wrong.text.contains("value=\"grid\""));
        assert!(!wrong.text.contains("wrong password") && !upper_case.text.contains(&PASSWORD.to_uppercase()));
    }
}

on_both! {
    async fn whoever_guesses_has_to_wait(town: Town) {
        let stranger = town.stranger();
        for guess in 0..10 {
            let answer = sign_in(&stranger, "grid", &format!("guess number {guess}"), "").await;
            assert!(answer.text.contains("用户名或口令不对"), "{guess}");
        }
        // Now even the right one is not looked at.
        for password in ["guess number 10", PASSWORD] {
            let answer = sign_in(&stranger, "grid", password, "").await;
            assert_eq!(answer.status, 403);
            assert!(answer.text.contains("试的次数太多"));
        }
        // Who is in stays in; another name is another's.
        assert_eq!(town.signed_in("grid").await.get("/desk").await.status, 200);
        assert_eq!(sign_in(&stranger, "shop", PASSWORD, "").await.status, 303);
        // After twelve seconds there is one more try.
        town.app.clock.advance(TimeDelta::seconds(11));
        assert!(sign_in(&stranger, "grid", PASSWORD, "").await.text.contains("试的次数太多"));
        town.app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(sign_in(&stranger, "grid", PASSWORD, "").await.status, 303);
    }
}

/// Signs in from a network address.
async fn sign_in_from(visitor: &Visitor, address: &str, name: &str, password: &str) -> Answer {
    let address: std::net::SocketAddr = format!("{address}:50000").parse().unwrap();
    let body = serde_urlencoded::to_string([("name", name), ("password", password)]).unwrap();
    let request = visitor
        .request(Method::POST, "/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .extension(axum::extract::ConnectInfo(address));
    visitor.send(request.body(Body::from(body)).unwrap()).await
}

on_both! {
    async fn an_office_behind_one_address_is_not_shut_out(town: Town) {
        let stranger = town.stranger();
        // Whoever knows the password is no guesser, however often.
        for nth in 0..12 {
            let answer = sign_in_from(&stranger, "192.0.2.1", "grid", PASSWORD).await;
            assert_eq!(answer.status, 303, "{nth}");
        }
        // A colleague who mistypes, and one who is new, do not shut out the others.
        for (name, _, _) in &STAFF[..6] {
            for _ in 0..2 {
                let answer = sign_in_from(&stranger, "192.0.2.1", name, "mistyped words").await;
                assert!(answer.text.contains("用户名或口令不对"), "{name}");
            }
        }
        assert_eq!(sign_in_from(&stranger, "192.0.2.1", "grid", PASSWORD).await.status, 303);
    }
}

on_both! {
    async fn after_signing_in_nobody_is_led_elsewhere(town: Town) {
        let stranger = town.stranger();
        let asked = stranger.get("/households/C01-G01-B001-1-101?done=x").await;
        assert_eq!(asked.location(), "/sign-in?next=/households/C01-G01-B001-1-101");
        let form = stranger.get(asked.location()).await;
        assert!(form.text.contains("value=\"/households/C01-G01-B001-1-101\""));
        assert_eq!(
            sign_in(&stranger, "grid", PASSWORD, "/stock").await.location(),
            "/stock"
        );
        // Browsers drop tabs from an address, and read a backslash as a slash.
        let elsewhere = [
            "https://elsewhere.example/",
            "//elsewhere.example/",
            "/\\elsewhere.example/",
            "\\\\elsewhere.example/",
            "/\t/elsewhere.example/",
            "javascript:alert(1)",
            " //elsewhere.example/",
        ];
        let mut led = Vec::new();
        for next in elsewhere {
            let answer = sign_in(&stranger, "grid", PASSWORD, next).await;
            let place = answer.location().replace(['\t', '\r', '\n'], "");
            if !place.starts_with('/') || place.starts_with("//") || place.starts_with("/\\") {
                led.push(next);
            }
        }
        assert_eq!(led, Vec::<&str>::new(), "these lead to another site");
    }
}

on_both! {
    async fn a_line_break_in_next_makes_no_header(town: Town) {
        let answer = sign_in(&town.stranger(), "grid", PASSWORD, "/desk\r\nset-cookie: jishan=x").await;
        assert_eq!(answer.status, 303);
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1);
        assert!(!answer.location().contains('\n'));
    }
}

on_both! {
    async fn a_session_ends_by_signing_out(town: Town) {
        let grid = town.signed_in("grid").await;
        let elsewhere = town.signed_in("grid").await;
        let answer = grid.post("/sign-out", &[]).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/"));
        assert!(
            answer.header("set-cookie").starts_with("jishan=; ") && answer.header("set-cookie").contains("Max-Age=0")
        );
        assert_eq!(answer.header("clear-site-data"), "\"storage\"");
        // The cookie that the browser was told to forget opens nothing either; another device stays in.
        assert_eq!(grid.get("/desk").await.location(), "/sign-in?next=/desk");
        assert_eq!(grid.post("/nominations", &[]).await.status, 401);
        assert_eq!(elsewhere.get("/desk").await.status, 200);
    }
}

on_both! {
    async fn a_session_ends_when_nobody_uses_it_and_at_the_end_of_the_day(town: Town) {
        let (used, idle) = (town.signed_in("grid").await, town.signed_in("grid").await);
        let after = async |minutes: i64| town.app.clock.advance(TimeDelta::minutes(minutes));
        after(179).await;
        assert_eq!(used.get("/desk").await.status, 200);
        after(2).await;
        assert_eq!(idle.get("/desk").await.status, 303, "three hours and a minute idle");
        // In use it goes on, until fourteen hours have passed since it began.
        let mut minutes = 181;
        while minutes + 120 <= 14 * 60 {
            after(120).await;
            minutes += 120;
            assert_eq!(used.get("/desk").await.status, 200, "after {minutes} minutes");
        }
        after(14 * 60 - minutes).await;
        assert_eq!(used.get("/desk").await.status, 200, "fourteen hours");
        after(1).await;
        assert_eq!(
            used.get("/desk").await.location(),
            "/sign-in?next=/desk",
            "fourteen hours and a minute"
        );
        // A program's token has no evening.
        let program = town.program("grid").await;
        after(60 * 24 * 400).await;
        assert_eq!(program.get("/api/v1/households").await.status, 200);
    }
}

on_both! {
    async fn a_cookie_that_is_none_is_no_one(town: Town) {
        let good = town.signed_in("grid").await;
        let secret = good.csrf().to_owned();
        for cookie in [
            "",
            "jishan=",
            "jishan=x",
            "jishan",
            &format!("jishan={secret}"),
            &format!("other={secret}"),
            "jishan=é; ;;=",
        ] {
            let request = town
                .stranger()
                .request(Method::GET, "/desk")
                .header(header::COOKIE, cookie.as_bytes());
            let answer = town.stranger().send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 303, "{cookie}");
        }
    }
}

/// What the first-run page asks for, with this code.
fn founding(code: &str) -> Vec<(&str, &str)> {
    vec![
        ("code", code),
        ("programme", "晨光安置区"),
        ("township", "示范乡"),
        ("address", "http://jifen.example.cn"),
        ("office", "社区服务中心一楼"),
        ("issuer", "晨光社区居民委员会"),
        ("phone", "0000-0000000"),
        ("store", "晨光积分超市"),
        ("opening_hours", "每周六 9:00—12:00"),
        ("name", "he-min"),
        ("display_name", "何敏"),
        ("password", "a good long password"),
    ]
}

/// The form with one field written differently.
fn but<'a>(mut form: Vec<(&'a str, &'a str)>, field: &str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let place = form.iter_mut().find(|(name, _)| *name == field).unwrap();
    place.1 = value;
    form
}

on_both! {
    async fn an_empty_database_greets_and_is_founded_once(founded_town: Town) {
        let town = Town::empty(match founded_town.location {
            jishan::db::Location::Sqlite(_) => crate::town::Database::Sqlite,
            jishan::db::Location::Postgres { .. } => crate::town::Database::Postgres,
        })
        .await;
        let stranger = town.stranger();
        for path in ["/", "/desk", "/households", "/K/1000000005"] {
            assert_eq!(stranger.get(path).await.location(), "/first-run", "{path}");
        }
        assert_eq!(stranger.get("/healthz").await.status, 200);
        assert_eq!(
            stranger.get("/api/v1/households").await.problem(),
            (401, "not_signed_in".to_owned())
        );
        let page = stranger.get("/first-run").await;
        assert_eq!(page.status, 200);
        assert!(
            !page.text.contains(town.app.setup_code()),
            "the code is where the server was started, not on the page"
        );

        // A wrong code, and fields that make no sense: the page comes again, with what was written but the password.
        let code = town.app.setup_code().to_owned();
        for form in [
            founding("00000000"),
            founding(""),
            but(founding(&code), "programme", " "),
            but(founding(&code), "address", "jifen.example.cn/积分"),
            but(founding(&code), "name", "何敏"),
            but(founding(&code), "display_name", " "),
            but(founding(&code), "password", "short"),
            but(founding(&code), "password", "88888888"),
        ] {
            let answer = stranger.post_bare("/first-run", &form).await;
            assert_eq!(answer.status, 422, "{form:?}");
            assert!(answer.text.contains("社区服务中心一楼") && !answer.text.contains("a good long password"));
            assert_eq!(stranger.get("/").await.location(), "/first-run", "{form:?}");
        }
        // Founded, and signed in at once; the address is plain http, so the cookie must be too.
        let answer = stranger.post_bare("/first-run", &founding(&code)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.location()),
            (303, "/desk"),
            "{}",
            answer.text
        );
        assert!(!answer.header("set-cookie").contains("Secure"));
        let admin = stranger.keeping_cookie_of(&answer);
        let desk = admin.get("/desk").await;
        assert!(
            desk.text.contains("何敏") && desk.text.contains("晨光安置区") && desk.text.contains("还没有载入积分方案")
        );
        // From now on there is no first run, and the house works.
        assert_eq!(stranger.get("/first-run").await.status, 404);
        assert_eq!(stranger.post_bare("/first-run", &founding(&code)).await.status, 404);
        assert_eq!(stranger.get("/").await.status, 200);
        assert_eq!(
            sign_in(&stranger, "he-min", "a good long password", "")
                .await
                .location(),
            "/desk"
        );
        for path in [
            "/users",
            "/audit",
            "/households",
            "/import",
            "/stock",
            "/journal",
            "/nominations",
            "/scheme",
        ] {
            assert_eq!(admin.get(path).await.status, 200, "{path}");
        }
    }
}

/// A new building head for the whole town, as the form sends it.
async fn new_user(town: &Town) -> Vec<(&'static str, String)> {
    let root = town
        .read(|conn| Ok(jishan::places::area::Tree::load(conn)?.root().unwrap().id.to_string()))
        .await;
    let fields = [
        ("name", "zhao"),
        ("display_name", "赵桂芳"),
        ("role", "building_head"),
        ("area", &root),
        ("household", ""),
        ("password", "zhao's own words"),
    ];
    fields.map(|(name, value)| (name, value.to_owned())).to_vec()
}

fn plain<'a>(form: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    form.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

on_both! {
    async fn an_administrator_adds_people_who_can_sign_in_and_closes_accounts(town: Town) {
        let (admin, stranger) = (town.signed_in("admin").await, town.stranger());
        let form = new_user(&town).await;
        assert_eq!(admin.post("/users", &plain(&form)).await.location(), "/users?done=yes");
        let zhao = stranger.keeping_cookie_of(&sign_in(&stranger, "zhao", "zhao's own words", "").await);
        let desk = zhao.get("/desk").await.text;
        assert!(desk.contains("赵桂芳") && desk.contains("楼栋长"));
        assert_eq!(zhao.get("/nominations/new").await.status, 200);
        assert_eq!(zhao.get("/users").await.status, 403);
        let list = admin.get("/users").await.text;
        assert!(list.contains("赵桂芳") && list.contains("楼栋长（示范乡）"));
        assert!(!list.contains("argon2"), "no page shows a password's digest");
        let record = town.signed_in("auditor").await.get("/audit").await.text;
        assert!(record.contains("楼栋长（示范乡）") && !record.contains("building_head"), "{record}");

        // Closed: gone from the browser, from the programs, from the door, at once.
        let program = town.program("zhao").await;
        assert_eq!(program.get("/api/v1/households").await.status, 200);
        assert_eq!(
            admin.post("/users/zhao/disabling", &[]).await.location(),
            "/users?done=yes"
        );
        assert_eq!(zhao.get("/desk").await.status, 303);
        assert_eq!(
            program.get("/api/v1/households").await.problem(),
            (401, "not_signed_in".to_owned())
        );
        let refused = sign_in(&stranger, "zhao", "zhao's own words", "").await;
        assert_eq!(refused.status, 403);
        assert!(refused.text.contains("用户名或口令不对"));
        // Nobody closes the own account: the last administrator would be out.
        let own = admin.post("/users/admin/disabling", &[]).await;
        assert_eq!(own.status, 403);
        assert!(own.text.contains("不能停用自己的账号"));
        assert_eq!(admin.post("/users/nobody/disabling", &[]).await.status, 404);
        // Who did it stands in the record.
        let acts: Vec<String> = town
            .read(|conn| audit::events(conn, None, 1_000))
            .await
            .into_iter()
            .map(|one| one.act)
            .collect();
        assert!(acts.contains(&"user.added".to_owned()) && acts.contains(&"user.disabled".to_owned()));
        let record = admin.get("/audit").await.text;
        assert!(record.contains("增加用户") && record.contains("停用用户") && record.contains("项目管理员甲"));
    }
}

on_both! {
    async fn duties_are_added_and_ended_and_somebody_always_manages_users(town: Town) {
        let admin = town.signed_in("admin").await;
        let (root, second) = town
            .read(|conn| {
                let tree = jishan::places::area::Tree::load(conn)?;
                let building = tree.all().iter().find(|area| area.code == "B002").unwrap();
                Ok((tree.root().unwrap().id.to_string(), building.id.to_string()))
            })
            .await;
        let building = town.signed_in("building").await;
        let far = format!("/households/{}", crate::town::FAR);
        assert_eq!(building.get(&far).await.status, 404, "it is another's building");

        // One more: at once, once, with a line in the record.
        let duty = [("role", "building_head"), ("area", second.as_str())];
        for _ in 0..2 {
            let done = admin.post("/users/building/duties", &duty).await;
            assert_eq!(done.location(), "/users/building?done=yes");
        }
        assert_eq!(building.get(&far).await.status, 200);
        let page = admin.get("/users/building").await.text;
        assert!(page.contains("楼栋长甲的职责") && page.contains("2号楼"), "{page}");

        // One fewer: at once. Ended twice it is ended.
        for _ in 0..2 {
            let done = admin.post("/users/building/duty-ending", &duty).await;
            assert_eq!(done.location(), "/users/building?done=yes");
        }
        assert_eq!(building.get(&far).await.status, 404);
        let acts: Vec<String> = town.read(|conn| audit::events(conn, None, 1_000)).await.into_iter().map(|one| one.act).collect();
        let count = |act: &str| acts.iter().filter(|one| *one == act).count();
        assert_eq!((count("user.duty_added"), count("user.duty_ended")), (1, 1));
        let record = admin.get("/audit").await.text;
        assert!(record.contains("增加职责") && record.contains("结束职责") && record.contains("2号楼"));

        // What nobody may hold together, and what makes no sense.
        for (name, role, area, told) in [
            ("shop", "store_supervisor", root.as_str(), "不能由同一人担任"),
            ("auditor", "grid_worker", root.as_str(), "不能由同一人担任"),
            ("grid", "auditor", root.as_str(), "不能由同一人担任"),
            ("grid", "emperor", root.as_str(), "请选择职责"),
            ("grid", "building_head", "nowhere", "请选择范围"),
        ] {
            let answer = admin.post(&format!("/users/{name}/duties"), &[("role", role), ("area", area)]).await;
            assert_eq!(answer.status, 422, "{name} {role}");
            assert!(answer.text.contains(told), "{name} {role}: {told}");
        }
        assert_eq!(admin.post("/users/nobody/duties", &duty).await.status, 404);

        // The last administrator stays one; the last but one may go.
        let manages = [("role", "administrator"), ("area", root.as_str())];
        let refused = admin.post("/users/admin/duty-ending", &manages).await;
        assert_eq!(refused.status, 403);
        assert!(refused.text.contains("最后一位项目管理员"));
        assert_eq!(admin.get("/users").await.status, 200);
        assert_eq!(admin.post("/users/grid/duties", &manages).await.status, 303);
        assert_eq!(admin.post("/users/admin/duty-ending", &manages).await.status, 303);
        assert_eq!(admin.get("/users").await.status, 403);
        assert_eq!(town.signed_in("grid").await.get("/users").await.status, 200);
    }
}

on_both! {
    async fn what_is_wrong_in_a_new_account_is_shown_beside_it(town: Town) {
        let admin = town.signed_in("admin").await;
        let good = new_user(&town).await;
        for (field, value, told) in [
            ("name", "admin", "用户名admin已有人使用"),
            ("name", "", "用户名应为"),
            ("name", "Zhao", "用户名应为"),
            ("name", "赵桂芳", "用户名应为"),
            ("display_name", " ", "请填写姓名"),
            ("role", "", "请选择职责"),
            ("role", "emperor", "请选择职责"),
            ("area", "", "请选择范围"),
            ("area", "nowhere", "请选择范围"),
            ("household", "C99-X", "没有这个户号"),
            ("password", "1234567", "口令应为8至128个字符"),
            ("password", "12345678", "这个口令太常见"),
            ("password", "Password", "这个口令太常见"),
            ("password", "啊啊啊啊啊啊啊啊", "这个口令太常见"),
        ] {
            let mut form = good.clone();
            form.iter_mut().find(|(name, _)| *name == field).unwrap().1 = value.to_owned();
            let answer = admin.post("/users", &plain(&form)).await;
            assert_eq!(answer.status, 422, "{field} {value}");
            assert!(answer.text.contains(told), "{field} {value}: {told}");
            assert!(!answer.text.contains("own words"), "the password does not come back");
        }
        let too_long = "长".repeat(129);
        let mut form = good.clone();
        form[5].1.clone_from(&too_long);
        assert_eq!(admin.post("/users", &plain(&form)).await.status, 422);
        assert_eq!(town.read(|conn| user::by_name(conn, "zhao")).await, None);
        // Eight characters of any kind are enough.
        form[5].1 = "一二三四五六七八".to_owned();
        assert_eq!(admin.post("/users", &plain(&form)).await.status, 303);
    }
}

/// Lines of the record, so many seconds apart.
async fn write_record(town: &Town, lines: i32, apart: i32) {
    let by = town.user("grid").await.id;
    town.write(move |conn| {
        for nth in 0..lines {
            let detail = format!("line-{nth:03}");
            let at = morning() + TimeDelta::seconds((nth * apart).into());
            let event = audit::Event::new(by.as_str(), "stock.received", "lot:1".to_owned(), detail, at);
            audit::record(conn, &[event])?;
        }
        Ok(())
    })
    .await
    .unwrap();
}

/// The lines that an auditor meets who reads page by page.
async fn read_record(town: &Town) -> Vec<String> {
    let auditor = town.signed_in("auditor").await;
    let (mut path, mut lines) = ("/audit".to_owned(), Vec::new());
    for _ in 0..10 {
        let page = auditor.get(&path).await.text;
        let found = page.split("line-").skip(1).map(|rest| rest.chars().take(3).collect());
        lines.extend(found);
        let Some(older) = page
            .split("/audit?before=")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
        else {
            break;
        };
        path = format!("/audit?before={older}");
    }
    lines
}

on_both! {
    async fn the_record_is_read_page_by_page(town: Town) {
        write_record(&town, 250, 1).await;
        let newest_first: Vec<String> = (0..250).rev().map(|nth| format!("{nth:03}")).collect();
        assert_eq!(read_record(&town).await, newest_first);
    }
}

on_both! {
    /// An import, or a morning's cards, are many acts of one moment.
    async fn acts_of_one_moment_are_all_read(town: Town) {
        write_record(&town, 250, 0).await;
        let mut lines = read_record(&town).await;
        lines.sort_unstable();
        assert_eq!(lines.len(), 250, "every line once");
        lines.dedup();
        assert_eq!(lines.len(), 250, "no line twice");
    }
}

/// The lines of the page that says who looked at Wang's data.
async fn lookups(town: &Town) -> Vec<String> {
    let page = town
        .signed_in("auditor")
        .await
        .get(&format!("/households/{WANG}/lookups"))
        .await;
    assert_eq!(page.status, 200);
    let body = page.text.split("<tbody>").nth(1).unwrap_or_default().to_owned();
    let rows = body.split("<tr>").skip(1);
    rows.map(|row| {
        let cell = |label: &str| {
            row.split(label)
                .nth(1)
                .and_then(|rest| rest.split('<').next())
                .unwrap()
                .to_owned()
        };
        format!("{} {}", cell("data-label=\"谁\">"), cell("data-label=\"看了什么\">"))
    })
    .collect()
}

on_both! {
    async fn who_looks_at_a_households_data_is_written_down_once_a_day(town: Town) {
        let grid = town.signed_in("grid").await;
        let page = format!("/households/{WANG}");
        for path in [page.clone(), page.clone(), format!("{page}/statement"), format!("/papers/statement?household={WANG}")] {
            assert_eq!(grid.get(&path).await.status, 200, "{path}");
        }
        // Who is not let in has seen nothing, and another household is another matter.
        assert_eq!(town.signed_in("far-grid").await.get(&page).await.status, 404);
        assert_eq!(grid.get(&format!("/households/{LI}")).await.status, 200);
        let mut seen = lookups(&town).await;
        seen.sort();
        assert_eq!(seen, ["网格员甲 住户资料", "网格员甲 积分对账单", "网格员甲 积分对账单"]);
        // The auditor's own look stands there from then on, and the next day is another day.
        assert_eq!(lookups(&town).await.len(), 4);
        town.app.clock.advance(TimeDelta::days(1));
        town.signed_in("grid").await.get(&page).await;
        assert_eq!(lookups(&town).await.len(), 5);
        // After two years the first lines are gone.
        town.app.clock.advance(TimeDelta::days(740));
        town.app.run_due().await.unwrap();
        town.signed_in("grid").await.get(&page).await;
        assert_eq!(lookups(&town).await, ["网格员甲 住户资料"]);
        // Who reads no record does not read this one.
        assert_eq!(town.signed_in("grid").await.get(&format!("{page}/lookups")).await.status, 403);
    }
}

on_both! {
    async fn a_paper_that_shows_a_household_is_a_look_and_no_other(town: Town) {
        let grid = town.signed_in("grid").await;
        // Its address may name a household that the paper does not show: nobody has looked at it.
        let notice = grid.get(&format!("/papers/rule-book?household={WANG}")).await;
        assert_eq!(notice.status, 200, "{}", notice.text);
        assert_eq!(lookups(&town).await, Vec::<String>::new());
        let printed = grid.post("/consent-forms", &[("key", "a"), ("household", WANG)]).await;
        assert_eq!(grid.post("/consent-forms", &[("key", "b"), ("household", "")]).await.status, 303);
        assert_eq!(printed.status, 303);
        // It has the names of a household also without its code in the address; the blank one has none, whatever is asked.
        for number in ["1".to_owned(), format!("2&household={WANG}")] {
            assert_eq!(grid.get(&format!("/papers/consent-form?id={number}")).await.status, 200);
        }
        let day = |seen: Vec<String>| seen.into_iter().filter(|line| line.starts_with("网格员")).collect::<Vec<_>>();
        assert_eq!(day(lookups(&town).await), ["网格员甲 知情同意与入户登记"]);
        let forms = [Form::Consent.number(1), Form::Consent.number(2)];
        for number in forms {
            assert_eq!(grid.get(&format!("/forms/{number}")).await.status, 200);
        }
        assert_eq!(day(lookups(&town).await), ["网格员甲 知情同意与入户登记"; 2]);
        // Outside nobody has seen anything.
        let far = town.signed_in("far-grid").await;
        assert_eq!(far.get("/papers/consent-form?id=1").await.status, 404);
        assert_eq!(lookups(&town).await.iter().filter(|line| line.contains("知情同意")).count(), 2);
    }
}
