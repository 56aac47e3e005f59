//! Households rate the services: once a quarter, told only of five and more, and nobody knows who said what.

use chrono::TimeDelta;
use diesel::RunQueryDsl as _;
use diesel::sql_types::Text;
use jishan::feedback::answer;
use jishan::id::Id;
use jishan::places::household::{self, Household};
use jishan::places::programme;

use crate::town::{FAR, LI, Town, WANG, on_both};

/// More homes in the first building, so that there are enough.
const MORE: [&str; 3] = ["C01-G01-B001-3-301", "C01-G01-B001-3-302", "C01-G01-B001-3-303"];

async fn more_homes(town: &Town) {
    let (like, now) = (town.household(WANG).await, town.app.now());
    let homes: Vec<Household> = MORE
        .iter()
        .map(|code| Household {
            id: Id::new(now),
            code: (*code).to_owned(),
            room: code[15..].to_owned(),
            head_name: format!("赵{}", &code[15..]),
            ..like.clone()
        })
        .collect();
    town.write(move |conn| household::register(conn, &homes)).await.unwrap();
}

async fn rate(town: &Town, code: &'static str, stars: &str, sentence: &str) -> u16 {
    let home = town.at_home(code).await;
    let fields = [("service", "shop"), ("stars", stars), ("sentence", sentence)];
    home.post("/my/feedback", &fields).await.status.as_u16()
}

on_both! {
    async fn five_answers_are_told_when_the_quarter_is_over_and_four_are_not(town: Town) {
        more_homes(&town).await;
        for (code, stars, sentence) in [(WANG, "5", "米好"), (LI, "4", ""), (FAR, "2", "开门太晚"), (MORE[0], "5", "")] {
            assert_eq!(rate(&town, code, stars, sentence).await, 303, "{code}");
        }
        assert_eq!(rate(&town, WANG, "1", "").await, 409, "once a quarter");
        assert_eq!(rate(&town, MORE[1], "6", "").await, 422);
        assert!(town.at_home(WANG).await.get("/my/feedback").await.text.contains("这个季度评过了"));
        let public = async || town.stranger().get("/feedback").await.text;
        let spoken = async || town.signed_in("auditor").await.get("/feedback/sentences").await.text;
        assert!(public().await.contains("还没有可以公布的季度"), "nothing of a running quarter");
        town.app.clock.advance(TimeDelta::days(60));
        town.app.run_due().await.unwrap();
        let told = public().await;
        assert!(told.contains("不足5份，不公布") && !told.contains("4.0") && !told.contains("4份"), "{told}");
        assert!(!spoken().await.contains("米好"));
        // The next quarter has five.
        for (code, stars, sentence) in [(WANG, "5", "米好"), (LI, "4", ""), (FAR, "2", "开门太晚"), (MORE[0], "5", ""), (MORE[1], "5", "找零快")] {
            assert_eq!(rate(&town, code, stars, sentence).await, 303, "{code}: another quarter");
        }
        assert!(!public().await.contains("4.2"));
        town.app.clock.advance(TimeDelta::days(90));
        let told = public().await;
        assert!(told.contains("<b>4.2</b> <small>5份</small>") && told.contains("晨光社区"), "{told}");
        let sentences = spoken().await;
        for sentence in ["米好", "开门太晚", "找零快"] {
            assert!(sentences.contains(sentence) && !told.contains(sentence), "{sentence}");
        }
        for name in ["admin", "grid", "shop", "council"] {
            assert_eq!(town.signed_in(name).await.get("/feedback/sentences").await.status, 403, "{name}");
        }
    }
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

on_both! {
    async fn no_row_joins_a_household_to_its_answer(town: Town) {
        let before = town.read(|conn| jishan::audit::events(conn, None, 1000)).await.len();
        for (code, sentence) in [(WANG, "第一句"), (LI, "第二句"), (FAR, "第三句")] {
            assert_eq!(rate(&town, code, "3", sentence).await, 303);
        }
        let rows: Vec<String> = town
            .read(|conn| {
                let all = "SELECT id || area_id || service || sentence AS \"row\" FROM feedback_sentences \
                           UNION ALL SELECT digest AS \"row\" FROM feedback_marks \
                           UNION ALL SELECT area_id || service AS \"row\" FROM feedback_counts";
                let rows: Vec<Row> = diesel::sql_query(all).load(conn)?;
                Ok(rows.into_iter().map(|row| row.row).collect())
            })
            .await;
        assert_eq!(rows.len(), 3 + 3 + 1, "three of three stars are one count");
        for code in [WANG, LI, FAR] {
            let home = town.household(code).await;
            for trace in [home.id.as_str(), code, &home.head_name] {
                assert!(rows.iter().all(|row| !row.contains(trace)), "{trace}");
            }
        }
        // What the setting up of the three visitors wrote is about cards and PINs; of the answers there is no line.
        let after = town.read(|conn| jishan::audit::events(conn, None, 1000)).await;
        assert!(after.len() > before && after.iter().all(|event| !event.act.contains("feedback")));
        // The mark is a digest with the programme's key, and goes when the quarter is over.
        let wang = town.household(WANG).await.id;
        let today = jishan::clock::day_of(town.app.now());
        let given = town
            .read(move |conn| {
                let programme = programme::get(conn)?;
                answer::given(conn, &programme, &wang, today)
            })
            .await;
        assert_eq!(given, [answer::Service::Shop]);
        town.app.clock.advance(TimeDelta::days(60));
        town.app.run_due().await.unwrap();
        assert_eq!(town.read(answer::marks).await, 0);
        let record = town.read(|conn| jishan::audit::of_acts(conn, &["feedback_marks.deleted"], 9)).await;
        assert_eq!(record.iter().map(|event| event.detail.as_str()).collect::<Vec<_>>(), ["3"]);
    }
}

on_both! {
    async fn a_paper_slip_is_keyed_in_by_somebody_who_is_not_rated(town: Town) {
        let slip = |service: &'static str| [("household", WANG), ("service", service), ("stars", "4"), ("sentence", "耐心")];
        for (name, service, status) in [
            ("shop", "shop", 409), ("grid", "grid", 409), ("building", "grid", 409), ("admin", "office", 409),
            ("far-grid", "shop", 422), ("council", "shop", 403), ("auditor", "shop", 403),
            ("grid", "shop", 303), ("shop", "grid", 303), ("grid", "office", 303), ("admin", "shop", 409),
        ] {
            let answer = town.signed_in(name).await.post("/feedback/entry", &slip(service)).await;
            assert_eq!(answer.status, status, "{name} {service}: {}", answer.text);
        }
        let page = town.signed_in("shop").await.get("/feedback/entry").await.text;
        assert!(!page.contains("value=\"shop\"") && page.contains("value=\"grid\"") && page.contains("服务评价条"));
        let record = town.signed_in("auditor").await.get("/audit").await.text;
        assert!(record.contains("录入评价条") && !record.contains("耐心"));
        // A household that keyed nothing itself sees that it has answered.
        assert_eq!(town.at_home(WANG).await.get("/my/feedback").await.text.matches("这个季度评过了").count(), 3);
    }
}
