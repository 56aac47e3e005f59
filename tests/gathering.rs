//! Gatherings and reports of residents: many households sign in and are nominated together; a household reports a good deed
//! with its card.

use jishan::council::gathering::{self, Gathering};
use jishan::council::nomination::{self, Filter, Nomination};
use jishan::id::Id;
use jishan::papers::order::Asked;
use jishan::papers::paper::Paper;

use crate::browser::{Answer, Visitor};
use crate::papers::printed;
use crate::town::{FAR, LI, Town, WANG, on_both};

const RARE: &str = "C01-G01-B001-2-101";

/// Opens a gathering for the first building, or for the whole town.
async fn open(town: &Town, by: &Visitor, item: &str, whole_town: bool) -> (Id<Gathering>, String) {
    let list = by.get("/gatherings").await.text;
    let areas: Vec<&str> = list
        .split("<option value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let building = town.household(WANG).await.building_id;
    let area = match whole_town {
        true => areas.iter().find(|id| id.len() == 36).unwrap(),
        false => building.as_str(),
    };
    let key = format!("open-{item}-{whole_town}");
    let fields = [
        ("key", key.as_str()),
        ("area", area),
        ("name", "清扫楼道"),
        ("place", "1号楼前"),
        ("held_on", "2026-11-21"),
        ("item", item),
        ("count", "1"),
    ];
    let opened = by.post("/gatherings", &fields).await;
    assert_eq!(opened.status, 303, "{}", opened.text);
    // Sent twice, opened once.
    assert_eq!(by.post("/gatherings", &fields).await.location(), opened.location());
    let path = opened.location().to_owned();
    (Id::known(path.strip_prefix("/gatherings/").unwrap()), path)
}

async fn all(town: &Town) -> Vec<Nomination> {
    town.read(|conn| nomination::list(conn, &Filter::default(), 100)).await
}

async fn follow(by: &Visitor, answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text);
    by.get(answer.location()).await.text
}

on_both! {
    async fn households_sign_in_and_are_nominated_together_once(town: Town) {
        let (building, grid) = (town.signed_in("building").await, town.signed_in("grid").await);
        // Wang has the cap's worth already: eight points a month, two a time.
        for (key, count) in [("w1", "4")] {
            let fields = [("key", key), ("household", WANG), ("item", "D03"), ("count", count), ("occurred_on", "2026-11-02"), ("note", "")];
            assert_eq!(grid.post("/nominations", &fields).await.status, 303);
        }
        let (id, path) = open(&town, &building, "D03", false).await;
        let sign_ins = format!("{path}/sign-ins");
        // By a scanned card, by a typed number, by a tap on the door.
        let wang = town.issue_card(WANG).await;
        let scanned = building.post(&sign_ins, &[("card", &wang.token())]).await;
        let page = follow(&building, &scanned).await;
        assert!(page.contains("王建国户") && page.contains("已签到 ✓ 第1户") && page.contains("扫卡"));
        let li = town.issue_card(LI).await;
        let typed = building.post(&sign_ins, &[("card", li.number.as_str())]).await;
        assert!(follow(&building, &typed).await.contains("手输卡号"));
        // Again is no fault, and is said kindly.
        let again = building.post(&sign_ins, &[("card", &wang.token())]).await;
        assert!(follow(&building, &again).await.contains("已经签过到了，不用再签，谢谢！"));
        let ticked = building.post(&sign_ins, &[("household", RARE)]).await;
        assert!(follow(&building, &ticked).await.contains("𠮷永安户"));
        // A tap that went wrong is taken back, and made again.
        assert_eq!(building.post(&format!("{path}/strikes"), &[("row", "3")]).await.status, 303);
        assert!(follow(&building, &building.post(&sign_ins, &[("household", RARE)]).await).await.contains("第3户"));
        // Neither a neighbour of another building nor a card that is none.
        let far = town.issue_card(FAR).await;
        let elsewhere = building.post(&sign_ins, &[("card", &far.token())]).await;
        assert!(elsewhere.status == 409 && elsewhere.text.contains("这户不在晨光社区 第1网格 1号楼"));
        assert_eq!(building.post(&sign_ins, &[("card", "1234567890")]).await.status, 422);
        let unknown = building.post(&sign_ins, &[("card", "1000000005")]).await;
        assert!([409, 422].contains(&unknown.status.as_u16()));
        assert_eq!(town.signed_in("far-grid").await.get(&path).await.status, 404);
        assert_eq!(town.signed_in("far-grid").await.post(&sign_ins, &[("household", RARE)]).await.status, 404);

        // Two press at once: each household is nominated once.
        let closing = format!("{path}/closing");
        let (one, other) = tokio::join!(building.post(&closing, &[]), grid.post(&closing, &[]));
        assert_eq!((one.status.as_u16(), other.status.as_u16()), (303, 303));
        let made = all(&town).await;
        assert_eq!(made.iter().filter(|one| one.note.contains("第1号活动签到")).count(), 2);
        let page = building.get(&path).await.text;
        assert!(page.contains("2户已生成申报") && page.contains("这1户没有生成申报") && page.contains("超过上限"));
        // Closed is closed.
        let late = building.post(&sign_ins, &[("household", RARE)]).await;
        assert!(late.status == 303, "signed in before: nothing changes");
        assert_eq!(building.post(&format!("{path}/strikes"), &[("row", "1")]).await.status, 409);
        assert_eq!(building.post(&closing, &[]).await.status, 303);
        assert_eq!(all(&town).await.len(), 3);

        // Whoever opened it or took a sign-in down bore witness: somebody else verifies.
        let nomination = made.iter().find(|one| one.note.contains("号活动")).unwrap();
        let witnesses = {
            let id = nomination.id.clone();
            town.read(move |conn| gathering::witnesses(conn, &id)).await
        };
        let (building, grid) = (town.user("building").await.id, town.user("grid").await.id);
        assert!(witnesses.contains(&building));
        let ids = [nomination.id.clone()];
        town.read(move |conn| {
            assert_eq!(gathering::witnessed_by(conn, &building, &ids)?.len(), 1);
            assert_eq!(gathering::witnessed_by(conn, &grid, &ids)?.len(), usize::from(witnesses.contains(&grid)));
            Ok(())
        })
        .await;
        let council = town.signed_in("council").await;
        let verification = format!("/nominations/{}/verification", nomination.id);
        assert_eq!(council.post(&verification, &[("key", "v"), ("decision", "approve")]).await.status, 303);
        drop(id);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_paper_sheet_is_keyed_by_its_row_codes(town: Town) {
        let grid = town.signed_in("grid").await;
        let (id, path) = open(&town, &grid, "C01", true).await;
        let gathering = {
            let id = id.clone();
            town.read(move |conn| gathering::by_id(conn, &id)).await
        };
        let number = gathering.number.to_string();
        assert!(grid.get(&path).await.text.contains(&format!("/papers/sign-in-sheet?id={number}\"")));
        let sheet = printed::order(&town, Paper::SignInSheet, printed::number(&number)).await.unwrap().text();
        let words: String = sheet.split_whitespace().collect();
        // Of the whole town, so that a door is told with its community.
        for told in [format!("活动号{number}"), "不要张贴".to_owned(), "王建国".to_owned(), "晨光社区第2网格2号楼1单元101".to_owned()] {
            assert!(words.contains(&told), "{told}: {sheet}");
        }
        let codes: Vec<String> = (1..=4).map(|row| gathering.row_code(row)).collect();
        for code in &codes {
            assert!(sheet.lines().any(|line| line == code), "{code}: {sheet}");
            assert_eq!(gathering.row_of_code(code), Some(code[..1].parse().unwrap()));
        }
        // A slip of the pen names no other row, and another sheet's codes mostly none of this one.
        for row in 1..=200i64 {
            let code = gathering.row_code(row);
            for place in 0..code.len() {
                for digit in '0'..='9' {
                    let wrong = format!("{}{digit}{}", &code[..place], &code[place + 1..]);
                    assert!(wrong == code || gathering.row_of_code(&wrong).is_none(), "{code} {wrong}");
                }
            }
        }
        let other = Gathering { number: 2, ..gathering.clone() };
        assert!(codes.iter().all(|code| other.row_of_code(code).is_none()));
        // Keyed with commas, full-width digits and one slip: what is right counts, what is wrong is named.
        let full_width: String = codes[1].chars().map(|digit| char::from_u32(u32::from(digit) + 0xFEE0).unwrap()).collect();
        let keyed = grid.post(&format!("{path}/sign-ins"), &[("codes", &format!("{}，{full_width} 999", codes[0]))]).await;
        assert_eq!(keyed.status, 422);
        assert!(keyed.text.contains("录入了2户") && keyed.text.contains("没有录入：999"));
        let again = grid.post(&format!("{path}/sign-ins"), &[("codes", &codes[..3].join(" "))]).await;
        assert!(follow(&grid, &again).await.contains("录入了1户；另有2户已经签过到"));
        assert_eq!(grid.post(&format!("{path}/closing"), &[]).await.status, 303);
        assert_eq!(all(&town).await.len(), 3);
        assert!(grid.get("/gatherings").await.text.contains("/papers/nomination-form\""));
        assert!(printed::said(&town, Paper::NominationForm, Asked::default()).await.contains("D03"));
        // Nobody there, nothing to close; and what makes no sense is said in the form.
        let (_, path) = open(&town, &grid, "C02", true).await;
        let nobody = grid.post(&format!("{path}/closing"), &[]).await;
        assert!(nobody.status == 409 && nobody.text.contains("还没有人签到"));
        let nothing = grid.post("/gatherings", &[("key", "x"), ("area", ""), ("name", ""), ("item", "C01")]).await;
        assert!(nothing.status == 422 && nothing.text.contains("请选择哪些住户可以签到"));
        let far = town.signed_in("far-grid").await;
        let area = town.household(WANG).await.building_id;
        let outside = far.post("/gatherings", &[("key", "y"), ("area", area.as_str()), ("name", "a"), ("place", "b"), ("held_on", "2026-11-21"), ("item", "C01"), ("count", "1")]).await;
        assert_eq!(outside.status, 404);
    }
}

on_both! {
    async fn a_household_reports_with_its_card_and_learns_nothing(town: Town) {
        let card = town.issue_card(WANG).await;
        let path = format!("/K/{}/deed", card.token());
        let anybody = town.stranger();
        assert!(anybody.get(&format!("/K/{}", card.token())).await.text.contains(&format!("href=\"{path}\"")));
        let page = anybody.get(&path).await;
        assert_eq!(page.status, 200);
        // The same page for every card, and nobody's name on it.
        let other = anybody.get("/K/1000000005/deed").await;
        assert_eq!(other.status, 200);
        for name in ["王建国", "李玉山", "王**"] {
            assert!(!page.text.contains(name), "{name}");
        }
        let building = town.household(LI).await.building_id;
        let fields = |key: &'static str, whose: &'static str, door: &'static str, item: &'static str| {
            vec![
                ("key", key.to_owned()),
                ("whose", whose.to_owned()),
                ("building", building.to_string()),
                ("door", door.to_owned()),
                ("item", item.to_owned()),
                ("occurred_on", "2026-11-21".to_owned()),
                ("note", "扫了楼道".to_owned()),
            ]
        };
        let send = async |path: &str, fields: Vec<(&'static str, String)>| {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            anybody.post_bare(path, &fields).await
        };
        let own = send(&path, fields("a", "own", "", "D03")).await;
        assert_eq!(own.location(), format!("{path}?done=true"));
        assert!(anybody.get(own.location()).await.text.contains("收到了，谢谢您"));
        // The same report again, from a page that was opened anew, is the same report.
        assert_eq!(send(&path, fields("b", "own", "", "D03")).await.status, 303);
        let neighbour = send(&path, fields("c", "neighbour", "1单元102", "C11")).await;
        assert_eq!(neighbour.status, 303);
        // The cap of C11 is used up now: the answer is the same, and nothing is made.
        let made = all(&town).await;
        let mut yesterday = fields("d", "neighbour", "1-102", "C11");
        yesterday[5].1 = "2026-11-20".to_owned();
        assert_eq!(send(&path, yesterday).await.location(), neighbour.location());
        assert_eq!(all(&town).await.len(), made.len());
        let (li, wang) = (town.household(LI).await.id, town.household(WANG).await.id);
        assert_eq!(made.len(), 2);
        assert!(made.iter().all(|one| one.nominated_by.is_none() && one.nominating_household_id.as_ref() == Some(&wang)));
        assert!(made.iter().any(|one| one.household_id == li));
        // Without the secret, with another one, with a stopped card: all alike.
        let number = card.number.as_str().to_owned();
        let mut told = Vec::new();
        for token in [number.clone(), format!("{number}-0123456789AB"), "nothing".to_owned()] {
            let refused = send(&format!("/K/{token}/deed"), fields("e", "own", "", "D03")).await;
            assert_eq!(refused.status, 409, "{token}");
            told.push(refused.text.split("role=\"alert\">").nth(1).unwrap().split("</div>").next().unwrap().to_owned());
        }
        told.dedup();
        assert_eq!(told.len(), 1);
        // A door that is not there.
        let nowhere = send(&path, fields("f", "neighbour", "9单元999", "D03")).await;
        assert!(nowhere.status == 422 && nowhere.text.contains("没有找到这个门牌"));
        // Too fast.
        for _ in 0..8 {
            send(&path, fields("g", "own", "", "D03")).await;
        }
        let fast = send(&path, fields("h", "own", "", "E02")).await;
        assert!(fast.status == 409 && fast.text.contains("报得太快了"));
        // Staff see who reported, and verify; nobody of either household does (tests/council.rs).
        let grid = town.signed_in("grid").await;
        let one = made.iter().find(|one| one.household_id == li).unwrap();
        let page = grid.get(&format!("/nominations/{}", one.id)).await.text;
        assert!(page.contains("核实通过"));
    }
}
