//! Stars: one person keys what a session decided and another confirms it, for one household or many; and who stands on the
//! board of honour with them.

use chrono::TimeDelta;
use diesel::RunQueryDsl as _;
use jishan::access::user::User;
use jishan::boards::board::{self, TitleGroup};
use jishan::clock::{Day, Span, day_of};
use jishan::error::Result;
use jishan::honours::star::{self, DefineStar, StarAward};
use jishan::honours::star_entry::{self, Decide, KeyStar, StarEntry, State};
use jishan::papers::order::Asked;
use jishan::papers::paper::Paper;
use jishan::places::area::Tree;
use jishan::places::consent::{self, Purpose};
use jishan::registry::change::{AskChange, Change};

use crate::browser::{Answer, Visitor};
use crate::papers::printed::said;
use crate::registry::ask;
use crate::town::{FAR, HOUSEHOLDS, LI, Town, WANG, fresh_key, on_both, today};

/// The third household of the first building.
const YONG: &str = HOUSEHOLDS[2].0;
/// The last day of what the session gave.
const UNTIL: &str = "2027-11-15";

fn code<T>(answer: Result<T>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}

/// Two stars, and a session that has closed: the first, of the sixteenth of November.
async fn prepared(town: &Town) {
    let (admin, now) = (town.user("admin").await.id, town.app.now());
    town.write(move |conn| {
        let earlier = now - TimeDelta::minutes(1);
        let stars = [
            ("和睦星", "邻里和睦，有事商量着办", earlier),
            ("敬老星", "常去看望楼里的老人", now),
        ];
        for (name, criterion, at) in stars {
            let asked = DefineStar {
                name: name.to_owned(),
                criterion: criterion.to_owned(),
                by: admin.clone(),
                key: fresh_key(now),
            };
            star::define(conn, &asked, at)?;
        }
        Ok(())
    })
    .await
    .unwrap();
    town.earn(YONG, "E08", 1).await;
}

async fn key_by(town: &Town, nth: usize, codes: &[&'static str], until: &str, by: User) -> Result<StarEntry> {
    let mut households = Vec::new();
    for code in codes {
        households.push(town.household(code).await);
    }
    let now = town.app.now();
    let asked = KeyStar {
        star: town.read(star::standing_now).await.remove(nth).id,
        households,
        session: 1,
        until_on: until.parse().unwrap(),
        by,
        key: fresh_key(now),
    };
    town.write(move |conn| star_entry::key(conn, &asked, now)).await
}

async fn key(town: &Town, nth: usize, codes: &[&'static str], until: &str) -> Result<StarEntry> {
    let by = town.user("admin").await;
    key_by(town, nth, codes, until, by).await
}

async fn decide(town: &Town, entry: &StarEntry, confirmed: bool, reason: &str, by: User) -> Result<StarEntry> {
    let now = town.app.now();
    let asked = Decide {
        entry: entry.id.clone(),
        confirmed,
        reason: reason.to_owned(),
        by,
        key: fresh_key(now),
    };
    town.write(move |conn| star_entry::decide(conn, &asked, now)).await
}

/// Keyed by one and confirmed by another.
async fn given(town: &Town, nth: usize, codes: &[&'static str], until: &str) {
    let entry = key(town, nth, codes, until).await.unwrap();
    let second = town.user("council").await;
    decide(town, &entry, true, "", second).await.unwrap();
}

async fn held(town: &Town, code: &'static str) -> Vec<StarAward> {
    let home = town.household(code).await.id;
    town.read(move |conn| star::of_household(conn, &home)).await
}

async fn agrees(town: &Town, code: &'static str, to: &'static [Purpose]) {
    let (home, grid, now) = (
        town.household(code).await.id,
        town.user("grid").await.id,
        town.app.now(),
    );
    town.write(move |conn| consent::decide(conn, &home, to, grid.as_str(), now))
        .await
        .unwrap();
}

/// What a household reads of its own.
async fn own(town: &Town, code: &'static str) -> String {
    town.at_home(code).await.get("/my/honours").await.text
}

async fn answers(person: &Visitor, entry: &StarEntry, key: &str, decision: &str, reason: &str) -> Answer {
    let path = format!("/star-entries/{}/decision", entry.id);
    let fields = [("key", key), ("decision", decision), ("reason", reason)];
    person.post(&path, &fields).await
}

// ---- Two people ------------------------------------------------------------------------------------------------------

on_both! {
    async fn a_star_holds_once_a_second_person_has_confirmed_it(town: Town) {
        prepared(&town).await;
        agrees(&town, WANG, &[Purpose::HonourBoard]).await;
        let (admin, council) = (town.signed_in("admin").await, town.signed_in("council").await);
        let star = town.read(star::standing_now).await.remove(0).id;
        let path = format!("/households/{WANG}/stars");
        let sent = fresh_key(town.app.now());
        let fields = [("key", sent.as_str()), ("star", star.as_str()), ("session", "1"), ("until_on", UNTIL)];
        for _ in 0..2 {
            assert_eq!(admin.post(&path, &fields).await.status, 303, "the same form twice is one entry");
        }
        let waiting = town.read(star_entry::waiting).await;
        let [entry] = waiting.as_slice() else { panic!("{waiting:?}") };

        // It waits, and nobody has it.
        let page = admin.get(&path).await.text;
        assert!(page.contains("待复核") && page.contains("还没有") && !page.contains("次评议会评定"), "{page}");
        assert!(held(&town, WANG).await.is_empty() && !own(&town, WANG).await.contains("和睦星"));
        assert!(!town.stranger().get("/board").await.text.contains("和睦星"));
        assert!(council.get("/stars").await.text.contains(&format!("/star-entries/{}", entry.id)));
        assert!(council.get("/desk").await.text.contains("星待复核"));
        assert!(!admin.get("/desk").await.text.contains("星待复核"), "the own one waits for somebody else");

        // Not by the same person; by another one once.
        let refused = answers(&admin, entry, &fresh_key(town.app.now()), "confirmed", "").await;
        assert!(refused.status == 409 && refused.text.contains("登记的人不能自己复核"), "{}", refused.text);
        let sent = fresh_key(town.app.now());
        for _ in 0..2 {
            assert_eq!(answers(&council, entry, &sent, "confirmed", "").await.status, 303);
        }
        let again = answers(&council, entry, &fresh_key(town.app.now()), "refused", "写错了").await;
        assert_eq!(again.status, 409);
        let stars = held(&town, WANG).await;
        let [award] = stars.as_slice() else { panic!("{stars:?}") };
        assert_eq!(award.entry_id.as_ref(), Some(&entry.id));
        assert!(admin.get(&path).await.text.contains("第1次评议会评定，有效到2027年11月15日"));
        assert!(own(&town, WANG).await.contains("和睦星"));
        assert!(town.stranger().get("/board").await.text.contains("和睦星"));
        assert!(!council.get("/desk").await.text.contains("星待复核"));
        let record = town.signed_in("auditor").await.get("/audit").await.text;
        assert!(record.contains("登记评定的星") && record.contains("给住户评星"), "{record}");
    }
}

on_both! {
    async fn what_is_refused_is_nobodys_and_can_be_keyed_again(town: Town) {
        prepared(&town).await;
        let entry = key(&town, 0, &[WANG], UNTIL).await.unwrap();
        assert_eq!(code(key(&town, 0, &[WANG], UNTIL).await), "star_waits");
        let council = town.signed_in("council").await;
        let unsaid = answers(&council, &entry, &fresh_key(town.app.now()), "refused", " ").await;
        assert!(unsaid.status == 422 && unsaid.text.contains("退回时请写明原因"), "{}", unsaid.text);
        let unclear = answers(&council, &entry, &fresh_key(town.app.now()), "", "").await;
        assert_eq!(unclear.status, 422);
        let refused = answers(&council, &entry, &fresh_key(town.app.now()), "refused", "会上评的是李家").await;
        assert_eq!(refused.status, 303, "{}", refused.text);
        let page = council.get(refused.location()).await.text;
        assert!(page.contains("已退回") && page.contains("会上评的是李家"), "{page}");
        assert!(held(&town, WANG).await.is_empty());
        given(&town, 0, &[WANG], UNTIL).await;
        assert_eq!(held(&town, WANG).await.len(), 1);
    }
}

on_both! {
    async fn nobody_decides_about_the_own_household_or_one_out_of_reach(town: Town) {
        prepared(&town).await;
        let home = Some(town.household(WANG).await.id);
        let of_wang = |user: User| User { household_id: home.clone(), ..user };
        let admin = of_wang(town.user("admin").await);
        assert_eq!(code(key_by(&town, 0, &[WANG], UNTIL, admin).await), "not_permitted");
        let entry = key(&town, 0, &[LI, WANG], UNTIL).await.unwrap();
        let council = of_wang(town.user("council").await);
        assert_eq!(code(decide(&town, &entry, true, "", council).await), "not_permitted");
        // Who keeps no session reads it and decides nothing; who works elsewhere does not know of it.
        let path = format!("/star-entries/{}", entry.id);
        let grid = town.signed_in("grid").await;
        let page = grid.get(&path).await;
        assert!(page.status == 200 && page.text.contains("由主持记录评议会的人复核"), "{}", page.text);
        assert_eq!(answers(&grid, &entry, "a-key", "confirmed", "").await.status, 403);
        assert!(!grid.get("/stars").await.text.contains(&path));
        assert_eq!(town.signed_in("far-grid").await.get(&path).await.status, 404);
    }
}

on_both! {
    async fn a_star_of_the_time_of_one_person_holds_still(town: Town) {
        prepared(&town).await;
        given(&town, 0, &[WANG], UNTIL).await;
        let li = town.household(LI).await.id;
        let old = format!(
            "INSERT INTO star_awards SELECT 'old', star_id, '{li}', session_id, given_on, until_on, recorded_at, \
             recorded_by, NULL FROM star_awards"
        );
        town.write(move |conn| Ok(diesel::sql_query(old).execute(conn).map(drop)?))
            .await
            .unwrap();
        assert_eq!(held(&town, LI).await[0].entry_id, None);
        assert!(own(&town, LI).await.contains("和睦星"));
    }
}

// ---- Many at once ----------------------------------------------------------------------------------------------------

/// Sends a list as it was written down.
async fn list(town: &Town, person: &Visitor, homes: &str) -> Answer {
    let star = town.read(star::standing_now).await.remove(0).id;
    let sent = fresh_key(town.app.now());
    let fields = [
        ("key", sent.as_str()),
        ("star", star.as_str()),
        ("session", "1"),
        ("until_on", UNTIL),
        ("homes", homes),
    ];
    person.post("/star-entries", &fields).await
}

on_both! {
    async fn a_list_is_keyed_whole_or_not_at_all_and_confirmed_at_once(town: Town) {
        prepared(&town).await;
        let (admin, council) = (town.signed_in("admin").await, town.signed_in("council").await);
        given(&town, 0, &[LI], UNTIL).await;
        // Every line that is wrong is told.
        let unknown = list(&town, &admin, "王建国\n\n查无此人\n1号楼1单元999室").await;
        assert_eq!(unknown.status, 422);
        assert!(unknown.text.contains("第3行：") && unknown.text.contains("第4行："), "{}", unknown.text);
        assert!(!unknown.text.contains("第1行") && unknown.text.contains("查无此人\n1号楼"), "what was written stays");
        let wrong = list(&town, &admin, &format!("{WANG}\n王建国\n李玉山")).await;
        assert_eq!(wrong.status, 422);
        for told in ["户主王建国：同一户写了两次", "户主李玉山：这颗星本来就有效"] {
            assert!(wrong.text.contains(told), "{told}: {}", wrong.text);
        }
        assert_eq!(list(&town, &admin, " \n").await.status, 422);
        assert!(town.read(star_entry::waiting).await.is_empty() && held(&town, WANG).await.is_empty());

        // The second person sees each name, and confirms all of them.
        let keyed = list(&town, &admin, &format!("㛃小梅\r\n{WANG}\r\n")).await;
        assert_eq!(keyed.status, 303, "{}", keyed.text);
        let page = council.get(keyed.location()).await.text;
        let (first, second) = (page.find("㛃小梅户"), page.find("王建国户"));
        assert!(first.is_some() && first < second, "{page}");
        let entry = town.read(star_entry::waiting).await.remove(0);
        assert_eq!(answers(&council, &entry, &fresh_key(town.app.now()), "confirmed", "").await.status, 303);
        for code in [WANG, FAR] {
            assert_eq!(held(&town, code).await.len(), 1, "{code}");
        }
        assert_eq!(town.read(move |conn| star_entry::by_id(conn, &entry.id)).await.state, State::Confirmed);
    }
}

on_both! {
    async fn a_list_with_a_household_that_is_gone_is_not_confirmed(town: Town) {
        prepared(&town).await;
        let entry = key(&town, 0, &[WANG, LI], UNTIL).await.unwrap();
        let li = town.household(LI).await;
        town.change(ask(&li, Change::Leave)).await.unwrap();
        let second = town.user("council").await;
        let refused = decide(&town, &entry, true, "", second.clone()).await.unwrap_err();
        assert!(refused.to_string().contains("户主李玉山：这一户已于"), "{refused}");
        assert!(held(&town, WANG).await.is_empty());
        decide(&town, &entry, false, "李家已经搬走", second).await.unwrap();
    }
}

// ---- On the board ----------------------------------------------------------------------------------------------------

async fn groups(town: &Town, on: Day) -> Vec<TitleGroup> {
    let quarter = Span::quarter_of(today());
    let look = move |conn: &mut jishan::db::Conn| {
        let buildings = board::all_buildings(&Tree::load(conn)?);
        board::of_quarter(conn, quarter, &buildings, on)
    };
    town.read(look).await.titles
}

/// Who stands there with which stars.
async fn winners(town: &Town, on: Day) -> Vec<(String, String)> {
    let groups = groups(town, on).await;
    assert!(groups.len() <= 1 && groups.iter().all(|group| group.title == "星级文明户"));
    let winners = groups.into_iter().flat_map(|group| group.winners);
    winners.map(|winner| (winner.name, winner.reason)).collect()
}

fn stands(name: &str, stars: &str) -> (String, String) {
    (name.to_owned(), stars.to_owned())
}

on_both! {
    async fn stars_stand_on_the_board_by_consent_and_in_no_order_of_merit(town: Town) {
        prepared(&town).await;
        given(&town, 1, &[LI, FAR], UNTIL).await;
        given(&town, 0, &[LI, WANG], UNTIL).await;
        let now = day_of(town.app.now());
        assert_eq!(winners(&town, now).await, []);
        agrees(&town, LI, &[Purpose::Broadcast, Purpose::FullNameOnNotice]).await;
        assert_eq!(winners(&town, now).await, [], "another consent is none to the board");
        for code in [LI, WANG] {
            agrees(&town, code, &[Purpose::HonourBoard]).await;
        }
        // By their codes, and the stars as they were defined.
        let both = [stands("王**家", "和睦星"), stands("李**家", "和睦星、敬老星")];
        assert_eq!(winners(&town, now).await, both);
        let stranger = town.stranger();
        for path in ["/board", "/board/kiosk?screen=1"] {
            let page = stranger.get(path).await.text;
            assert!(page.contains("王**家") && page.contains("和睦星、敬老星") && page.contains("1号楼"), "{page}");
            for never in ["王建国", WANG, "2颗", "㛃"] {
                assert!(!page.contains(never), "{never}: {page}");
            }
        }
        let paper = said(&town, Paper::HonourBoard, Asked::default()).await;
        assert!(paper.contains("星级文明户") && paper.contains("和睦星、敬老星"), "{paper}");
        // Withdrawn it is gone at once; whoever decides is not there.
        agrees(&town, WANG, &[]).await;
        assert_eq!(winners(&town, now).await, [stands("李**家", "和睦星、敬老星")]);
        let li = town.household(LI).await;
        let flagged = AskChange { effective_on: now, ..ask(&li, Change::FlagStaff { is_staff: true }) };
        town.change(flagged).await.unwrap();
        assert_eq!(winners(&town, now).await, []);
    }
}

on_both! {
    async fn a_star_comes_down_with_its_day_and_with_its_quarter(town: Town) {
        prepared(&town).await;
        given(&town, 0, &[WANG], "2026-12-20").await;
        given(&town, 1, &[WANG], UNTIL).await;
        agrees(&town, WANG, &[Purpose::HonourBoard]).await;
        let day = |text: &str| text.parse::<Day>().unwrap();
        assert_eq!(winners(&town, day("2026-12-20")).await, [stands("王**家", "和睦星、敬老星")]);
        for stays in ["2026-12-21", "2027-03-31"] {
            assert_eq!(winners(&town, day(stays)).await, [stands("王**家", "敬老星")], "{stays}");
        }
        town.app.clock.advance(TimeDelta::days(131));
        let page = town.stranger().get("/board").await.text;
        assert!(!page.contains("敬老星") && !page.contains("王**"), "the first of April 2027: {page}");
    }
}
