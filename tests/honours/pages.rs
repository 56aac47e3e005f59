//! Titles on their pages and on the board of honour: the whole way, what everybody reads, and nobody sees more than his area.

use chrono::TimeDelta;
use jishan::clock::day_of;
use jishan::council::member;
use jishan::council::session::{self, BallotForm, Convene, Session};
use jishan::honours::award::State;
use jishan::papers::order::{Asked, Order};
use jishan::papers::paper::Paper;
use jishan::places::consent::{self, Purpose};

use super::{MODEL, after, close, code, conferred, nominate, on_notice, state, titles};
use crate::town::{LI, Town, WANG, area_of_council, fresh_key, on_both};

on_both! {
    async fn everybody_reads_a_title_notice_and_nothing_personal(town: Town) {
        let (one, slip) = on_notice(&town, WANG, MODEL).await;
        let stranger = town.stranger();
        let page = stranger.get("/title-notices/1").await;
        assert_eq!(page.status, 200);
        for told in ["王**", "1号楼", MODEL, &slip, "红白事简办"] {
            assert!(page.text.contains(told), "{told}");
        }
        for hidden in ["王建国", WANG, "101", one.id.as_str(), "赞成"] {
            assert!(!page.text.contains(hidden), "{hidden}");
        }
        let (home, admin, now) = (town.household(WANG).await.id, town.user("admin").await.id, town.app.now());
        town.write(move |conn| consent::decide(conn, &home, &[Purpose::FullNameOnNotice], admin.as_str(), now))
            .await
            .unwrap();
        assert!(stranger.get("/title-notices/1").await.text.contains("王建国"), "by its own consent");
        // Anyone objects, and asks with the receipt.
        let form = stranger.get(&format!("/title-objections/new?slip={slip}")).await;
        let key = form.text.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let sent = stranger
            .post_bare("/title-objections", &[("key", &key), ("slip", &slip), ("reason", "不是他做的")])
            .await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let receipt = stranger.get(sent.location()).await;
        assert!(receipt.text.contains(&slip) && !receipt.text.contains("不是他做的"), "{}", receipt.text);
        let number = sent.location().rsplit('/').next().unwrap().to_owned();
        assert_eq!(stranger.get(&format!("/receipts?number={number}")).await.location(), sent.location());
        town.app.clock.advance(TimeDelta::days(30));
        assert_eq!(stranger.get("/title-notices/1").await.status, 410);
        assert_eq!(town.signed_in("auditor").await.get("/title-notices/1").await.status, 200);
    }
}

on_both! {
    async fn nobody_sees_or_verifies_beyond_the_own_area(town: Town) {
        let one = nominate(&town, WANG, MODEL).await;
        let path = format!("/title-awards/{}", one.id);
        assert_eq!(town.signed_in("grid").await.get(&path).await.status, 200);
        let far = town.signed_in("far-grid").await;
        assert_eq!(far.get(&path).await.status, 404);
        assert!(!far.get("/title-awards").await.text.contains("王建国"));
        let verify = far.post(&format!("{path}/verification"), &[("key", "a"), ("decision", "confirmed")]).await;
        assert_eq!(verify.status, 404);
        let nominate = [("key", "b"), ("household", LI), ("title", "x/2026-10-01"), ("reason", "清扫楼道")];
        assert_eq!(far.post("/title-awards", &nominate).await.status, 404);
        assert_eq!(state(&town, &one).await, State::Nominated);
    }
}

on_both! {
    async fn a_title_goes_its_way_on_pages(town: Town) {
        let admin = town.signed_in("admin").await;
        assert!(admin.get("/titles").await.text.contains("按现行办法登记"));
        assert_eq!(admin.post("/titles/rules", &[]).await.status, 303);
        let page = admin.get("/titles").await.text;
        assert!(page.contains(MODEL) && !page.contains("按现行办法登记"));
        let building = town.signed_in("building").await;
        let form = building.get(&format!("/title-awards/new?household={WANG}")).await.text;
        let model = titles(&town).await.into_iter().find(|one| one.name == MODEL).unwrap();
        let choice = format!("{}/2026-10-01", model.id);
        assert!(form.contains(&choice), "{form}");
        let fields = [("key", "n"), ("household", WANG), ("title", choice.as_str()), ("reason", "带头清扫楼道")];
        let sent = building.post("/title-awards", &fields).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let path = sent.location().to_owned();
        let grid = town.signed_in("grid").await;
        assert!(grid.get(&path).await.text.contains("属实，提交票决"));
        assert_eq!(grid.post(&format!("{path}/verification"), &[("key", "v"), ("decision", "confirmed")]).await.status, 303);
        // A session with nothing but a title before it is opened on the page.
        let session = opened_on_the_page(&town).await;
        let of_session = format!("/sessions/{}/titles", session.number);
        assert!(admin.get(&of_session).await.text.contains("应投3人"));
        let id = path.rsplit('/').next().unwrap();
        let counts = [("award", id), ("votes_for", "3"), ("votes_against", "0"), ("abstentions", "0")];
        assert_eq!(admin.post(&of_session, &counts).await.status, 303);
        let council = town.signed_in("council").await;
        assert!(council.get(&of_session).await.text.contains("两人一致才算数"));
        assert_eq!(council.post(&of_session, &counts).await.status, 303);
        close(&town, &session).await;
        let published = admin.post(&format!("/sessions/{}/title-notice", session.number), &[("key", "p")]).await;
        assert_eq!(published.location(), "/title-notices/1", "{}", published.text);
        after(&town, 8).await;
        let (admin, grid) = (town.signed_in("admin").await, town.signed_in("grid").await);
        assert!(grid.get(&format!("/households/{WANG}")).await.text.contains("文明榜样户（2026年第四季度）"));
        assert!(admin.get(&path).await.text.contains("打印奖状"));
        town.expect_books_hold().await;
    }
}

async fn opened_on_the_page(town: &Town) -> Session {
    let (admin, now) = (town.user("admin").await.id, town.app.now());
    let (session, members) = town
        .write(move |conn| {
            let area = area_of_council(conn)?;
            let asked = Convene {
                area: area.clone(),
                held_on: day_of(now),
                place: "社区议事厅".to_owned(),
                ballot: BallotForm::Open,
                by: admin,
                key: fresh_key(now),
            };
            Ok((
                session::convene(conn, &asked, now)?,
                member::sitting(conn, &area, day_of(now))?,
            ))
        })
        .await
        .unwrap();
    let mut fields: Vec<(&str, &str)> = members.iter().map(|member| ("present", member.id.as_str())).collect();
    fields.push(("chair", members[0].id.as_str()));
    let path = format!("/sessions/{}/opening", session.number);
    let sent = town.signed_in("admin").await.post(&path, &fields).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    session
}

on_both! {
    async fn the_board_of_honour_names_titles_by_consent_only(town: Town) {
        conferred(&town, WANG, MODEL).await;
        let board = async || {
            let order = Order { asked: Asked::default(), duties: None, now: town.app.now() };
            town.app.db.read(move |conn| Paper::HonourBoard.load(conn, &order)).await
        };
        assert_eq!(code(board().await), "invalid_request", "nobody agreed to be on it");
        let (home, admin, now) = (town.household(WANG).await.id, town.user("admin").await.id, town.app.now());
        town.write(move |conn| consent::decide(conn, &home, &[Purpose::HonourBoard], admin.as_str(), now))
            .await
            .unwrap();
        let told = String::from_utf8(board().await.unwrap()).unwrap();
        assert!(told.contains(MODEL) && told.contains("王**家") && !told.contains("王建国"), "{told}");
    }
}
