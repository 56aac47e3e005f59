//! Volunteering and time credits: nothing posts before a second person has confirmed it, hours go round between households,
//! nobody owes time, and what was wrong is taken back by somebody else.

use chrono::TimeDelta;
use diesel::RunQueryDsl;
use jishan::books;
use jishan::clock::Day;
use jishan::council::nomination::{self, Decision, Filter, Nomination, Verify};
use jishan::error::Result;
use jishan::id::Id;
use jishan::ledger::account::AccountKind;
use jishan::ledger::balance;
use jishan::ledger::transaction::TransactionKind;
use jishan::papers::form::Form;
use jishan::papers::paper::Paper;
use jishan::places::household::Household;
use jishan::places::standing;
use jishan::registry::change::{self, AskChange, Change};
use jishan::registry::plan;
use jishan::volunteering::confirmation::{self, Outlook};
use jishan::volunteering::correction;
use jishan::volunteering::event::{self, Announce, VolunteerEvent};
use jishan::volunteering::help::{self, Help, Payer, RecordHelp};
use jishan::volunteering::minutes::minute_of_day;
use jishan::volunteering::pool;
use jishan::volunteering::stay::{self, Times};

use crate::browser::{Answer, Visitor};
use crate::papers::printed;
use crate::town::{FAR, LI, Town, WANG, fresh_key, on_both, today};

const RARE: &str = "C01-G01-B001-2-101";

/// A household at an event: its code, how many people, from when until when.
type Came = (&'static str, i64, &'static str, &'static str);

/// An event of the first building, led by the head of the building, who took down who came.
async fn held(town: &Town, item: &'static str, on: Day, came: &'static [Came]) -> VolunteerEvent {
    let (leader, admin) = (town.user("building").await, town.user("admin").await.id);
    let area = town.household(WANG).await.building_id.to_string();
    let now = town.app.now();
    let asked = Announce {
        area,
        name: "擦窗封窗".to_owned(),
        place: "1号楼".to_owned(),
        purpose: "天冷了，帮老人把窗户封好".to_owned(),
        held_on: on,
        from_minute: 8 * 60,
        until_minute: 10 * 60,
        wanted: 5,
        leader: leader.name.clone(),
        item: item.to_owned(),
    };
    town.write(move |conn| {
        let event = event::announce(conn, &asked, &admin, &fresh_key(now), now)?;
        for (code, people, from, until) in came {
            let household = jishan::places::household::by_code(conn, code)?;
            let times = Times {
                people: *people,
                from_minute: minute_of_day(from).unwrap(),
                until_minute: minute_of_day(until).unwrap(),
            };
            stay::key_in(conn, &event, &household, times, &leader.id, now)?;
        }
        Ok(event)
    })
    .await
    .unwrap()
}

/// The same, confirmed by a member of the council.
async fn confirmed(town: &Town, item: &'static str, came: &'static [Came]) -> VolunteerEvent {
    let event = held(town, item, today(), came).await;
    let (council, now) = (town.user("council").await, town.app.now());
    town.write(move |conn| {
        let shown = Outlook::of(conn, &event)?.seal();
        confirmation::confirm(conn, &event.id, &shown, &council, &fresh_key(now), now)
    })
    .await
    .unwrap()
}

/// What a household has, in minutes.
async fn time(town: &Town, code: &'static str) -> i64 {
    let household = town.household(code).await;
    town.read(move |conn| Ok(balance::of(conn, household.id.as_str())?.time.0))
        .await
}

async fn posted(town: &Town) -> usize {
    let sides = town.read(|conn| balance::households_sides(conn, TransactionKind::VolunteerTime));
    sides.await.len()
}

/// What a form of a page hides in a field.
fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let field = format!("name=\"{name}\" value=\"");
    page.split(field.as_str()).nth(1).unwrap().split('"').next().unwrap()
}

async fn help_of(town: &Town, by: &'static str, asked: RecordHelp) -> Result<Help> {
    let (by, now) = (town.user(by).await, town.app.now());
    town.write(move |conn| help::record(conn, &asked, &by, &fresh_key(now), now))
        .await
}

async fn hour(town: &Town, helper: &'static str, helped: &'static str, payer: Payer) -> RecordHelp {
    RecordHelp {
        helper: town.household(helper).await.id,
        helped: town.household(helped).await.id,
        what: "陪着看病".to_owned(),
        helped_on: today(),
        minutes: 60,
        payer,
        reason: match payer {
            Payer::Pool => "家里没有旁人".to_owned(),
            Payer::Household => String::new(),
        },
    }
}

/// A row in each table of the room that is never changed.
pub async fn a_row_of_each(town: &Town) {
    let (admin, grid, council) = (
        town.user("admin").await.id,
        town.user("grid").await,
        town.user("council").await,
    );
    let (asked, now) = (hour(town, LI, WANG, Payer::Pool).await, town.app.now());
    town.write(move |conn| {
        pool::set(conn, 2, "先少一点", &admin, &fresh_key(now), now)?;
        let help = help::record(conn, &asked, &grid, &fresh_key(now), now)?;
        correction::take_back_help(conn, &help, "记错了户", &council, &fresh_key(now), now)
    })
    .await
    .unwrap();
}

/// An event of the first building today, as the grid worker announces it on the page; the head of the building leads it.
async fn announced(town: &Town, grid: &Visitor) -> String {
    let building = town.household(WANG).await.building_id;
    let fields = [
        ("key", "event"),
        ("area", building.as_str()),
        ("name", "擦窗封窗"),
        ("place", "1号楼"),
        ("purpose", "帮老人把窗户封好"),
        ("held_on", "2026-11-21"),
        ("from", "09:30"),
        ("until", "11:30"),
        ("wanted", "5"),
        ("leader", "building"),
        ("item", ""),
    ];
    let announced = grid.post("/volunteering", &fields).await;
    assert_eq!(announced.status, 303, "{}", announced.text);
    // Sent twice, announced once.
    assert_eq!(
        grid.post("/volunteering", &fields).await.location(),
        announced.location()
    );
    announced.location().to_owned()
}

on_both! {
    async fn a_sheet_of_paper_is_keyed_row_by_row_and_all_of_it_or_nothing(town: Town) {
        let grid = town.signed_in("grid").await;
        let path = announced(&town, &grid).await;
        assert!(grid.get(&path).await.text.contains("/papers/volunteer-sheet?id=1"));
        let sheet = printed::said(&town, Paper::VolunteerSheet, printed::number("1")).await;
        let number = Form::Volunteering.number(1);
        assert!(sheet.contains(&number) && sheet.contains("几点走") && sheet.contains("20"), "{sheet}");
        let form = format!("/forms/{number}");
        assert!(grid.get(&form).await.text.contains("row-20-until"));
        assert_eq!(town.signed_in("auditor").await.get(&form).await.status, 403);
        assert_eq!(grid.get(&format!("/forms/{}", Form::Volunteering.number(2))).await.status, 404);
        town.app.clock.advance(TimeDelta::hours(4));
        let grid = town.signed_in("grid").await;

        let wang = [("row-1-household", "王建国"), ("row-1-people", "2"), ("row-1-from", "09:00"), ("row-1-until", "10:10")];
        let wrong = [
            ("row-2-household", FAR), ("row-3-household", LI), ("row-3-from", "9点"), ("row-4-household", "1单元101室"),
            ("row-5-people", "2"), ("row-6-household", RARE), ("row-6-people", "10"),
        ];
        let refused = grid.post(&form, &[wang.as_slice(), wrong.as_slice()].concat()).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        for said in ["第2行：", "第3行：时间请写成09:00的样子", "第4行：和第1行是同一户", "第5行：请写明是谁家", "第6行：来的人数应为"] {
            assert!(refused.text.contains(said), "{said}: {}", refused.text);
        }
        assert!(!refused.text.contains("第1行：") && refused.text.contains("value=\"王建国\""));
        let page = grid.get(&path).await.text;
        assert!(page.contains("还没有住户签到"), "nothing of it was written: {page}");
        assert_eq!(grid.post(&form, &[]).await.status, 422);

        let right = [wang.as_slice(), &[("row-3-household", "李玉山")]].concat();
        for _ in 0..2 {
            let keyed = grid.post(&form, &right).await;
            assert!(follow(&grid, &keyed).await.contains("整张签到表已录入"));
        }
        let page = town.signed_in("council").await.get(&path).await.text;
        assert!(page.contains("2户3人") && page.contains("09:00—10:10"), "{page}");
        assert_eq!(time(&town, WANG).await, 0, "nobody has confirmed it yet");
    }
}

async fn follow(by: &Visitor, answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text);
    by.get(answer.location()).await.text
}

on_both! {
    async fn nothing_posts_before_a_second_person_has_confirmed_the_times(town: Town) {
        let (grid, building) = (town.signed_in("grid").await, town.signed_in("building").await);
        let council = town.signed_in("council").await;
        let path = announced(&town, &grid).await;
        let (arrivals, departures) = (format!("{path}/arrivals"), format!("{path}/departures"));
        // By a scanned card, and by name; a third one forgot the card and is keyed from paper.
        let wang = town.issue_card(WANG).await.token();
        let came = building.post(&arrivals, &[("household", &wang), ("people", "2")]).await;
        assert!(follow(&building, &came).await.contains("王建国户已签到"));
        let again = building.post(&arrivals, &[("household", &wang), ("people", "3")]).await;
        assert!(follow(&building, &again).await.contains("已经签过到了"));
        assert_eq!(building.post(&arrivals, &[("household", "李玉山"), ("people", "1")]).await.status, 303);
        // Who lives elsewhere is told so, by card and by number; by name nobody of elsewhere is found.
        let far = town.issue_card(FAR).await.token();
        for named in [far.as_str(), FAR] {
            let elsewhere = building.post(&arrivals, &[("household", named), ("people", "1")]).await;
            assert!(elsewhere.status == 409 && elsewhere.text.contains("这户不在晨光社区 第1网格 1号楼"), "{}", elsewhere.text);
        }
        assert_eq!(grid.post(&arrivals, &[("household", "㛃小梅"), ("people", "1")]).await.status, 422);
        for people in ["0", "10", "", "x"] {
            assert_eq!(grid.post(&arrivals, &[("household", RARE), ("people", people)]).await.status, 422, "{people}");
        }
        let not_there = building.post(&departures, &[("household", RARE)]).await;
        assert!(not_there.status == 409 && not_there.text.contains("还没有签到"));

        // Still there: nobody confirms.
        let page = council.get(&path).await.text;
        assert!(page.contains("还有2户没有签退") && !page.contains("/confirmation\""));
        town.app.clock.advance(TimeDelta::minutes(65));
        assert!(follow(&building, &building.post(&departures, &[("household", &wang)]).await).await.contains("王建国户已签退"));
        assert_eq!(building.post(&departures, &[("all", "1")]).await.status, 303);
        let keyed = [("household", RARE), ("people", "1"), ("from", "09:30"), ("until", "11:04")];
        assert_eq!(grid.post(&format!("{path}/times"), &keyed).await.status, 303);
        let late = [("household", RARE), ("people", "1"), ("from", "09:30"), ("until", "18:00")];
        assert_eq!(grid.post(&format!("{path}/times"), &late).await.status, 422, "that is not over yet");

        // By hand: 65 minutes are an hour, twice for two people; 94 minutes are an hour and a half.
        let page = council.get(&path).await.text;
        assert!(page.contains("3户共4小时30分钟记到各户的时间积分") && page.contains("不申报加分"), "{page}");
        let confirmation = format!("{path}/confirmation");
        let fields = [("key", hidden(&page, "key")), ("shown", hidden(&page, "shown"))];
        // Neither who led, nor who took down a line; and only the list that was shown.
        assert_eq!(building.post(&confirmation, &fields).await.status, 403);
        let own = grid.post(&confirmation, &fields).await;
        assert!(own.status == 403 && own.text.contains("要由没有登记过的人确认"));
        let other = council.post(&confirmation, &[fields[0], ("shown", "3-285-0")]).await;
        assert!(other.status == 409 && other.text.contains("请核对新的名单"));
        assert_eq!((posted(&town).await, time(&town, WANG).await), (0, 0));

        // Sent twice it is one, and with another key it is over.
        assert_eq!(council.post(&confirmation, &fields).await.location(), path);
        assert_eq!(council.post(&confirmation, &fields).await.location(), path);
        assert_eq!(council.post(&confirmation, &[("key", "another"), fields[1]]).await.status, 409);
        assert_eq!(posted(&town).await, 3);
        assert_eq!((time(&town, WANG).await, time(&town, LI).await, time(&town, RARE).await), (120, 60, 90));
        assert_eq!(building.post(&arrivals, &[("household", "李玉山"), ("people", "1")]).await.status, 303, "was there: nothing changes");
        assert_eq!(building.post(&format!("{path}/strikes"), &[("household", LI)]).await.status, 409);
        // Time is no point, and no deed that nobody asked for.
        assert_eq!(town.spendable(WANG).await, 0);
        assert!(town.read(|conn| nomination::list(conn, &Filter::default(), 10)).await.is_empty());
        assert!(town.signed_in("admin").await.get("/audit").await.text.contains("确认志愿时长"));

        // The household reads how it came about, and nobody else's.
        let home = town.at_home(WANG).await;
        assert!(home.get("/my/points").await.text.contains("时间积分2小时"));
        let own = home.get("/my/time").await.text;
        assert!(own.contains("志愿活动：擦窗封窗") && own.contains("加2小时") && own.contains("评议会成员甲确认"), "{own}");
        assert!(!own.contains("李玉山") && !own.contains("1小时30分钟"));
        let file = home.get("/my/data/time.csv").await;
        assert!(file.header("content-type").starts_with("text/csv"));
        assert_eq!(file.text.lines().count(), 2, "a heading and a line: {}", file.text);
        assert!(file.text.contains("志愿活动：擦窗封窗,2小时,2小时,") && !file.text.contains("李玉山"), "{}", file.text);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn outside_the_area_nothing_is_found_and_an_auditor_changes_nothing(town: Town) {
        let grid = town.signed_in("grid").await;
        let path = announced(&town, &grid).await;
        let (far, auditor) = (town.signed_in("far-grid").await, town.signed_in("auditor").await);
        let event: Id<VolunteerEvent> = Id::known(path.strip_prefix("/volunteering/").unwrap());
        for what in ["arrivals", "departures", "times", "strikes", "confirmation", "cancellation", "corrections"] {
            let fields = [("household", WANG), ("people", "1"), ("from", "08:00"), ("until", "09:00"), ("reason", "试试"), ("key", "x"), ("shown", "")];
            let door = format!("{path}/{what}");
            assert_eq!(far.post(&door, &fields).await.status, 404, "{what}");
            assert_eq!(auditor.post(&door, &fields).await.status, 403, "{what}");
        }
        assert_eq!(far.get(&path).await.status, 404);
        assert!(!far.get("/volunteering").await.text.contains("擦窗封窗"));
        assert!(auditor.get(&path).await.text.contains("擦窗封窗"));
        let help = [("key", "h"), ("helper", LI), ("helped", WANG), ("what", "买菜"), ("helped_on", "2026-11-21"), ("minutes", "60"), ("payer", "pool"), ("reason", "腿脚不便")];
        assert_eq!(far.post("/time-helps", &help).await.status, 404);
        assert_eq!(auditor.post("/time-helps", &help).await.status, 403);
        assert_eq!(auditor.post("/volunteering/pool", &[("key", "p"), ("hours", "99"), ("reason", "试试")]).await.status, 403);
        let recorded = grid.post("/time-helps", &help).await;
        assert_eq!(recorded.status, 303, "{}", recorded.text);
        assert_eq!(far.get(recorded.location()).await.status, 404);
        // The auditor reads the register of both with its sums; who sees neither household sees no line.
        let register = auditor.get("/volunteering/register?month=2026-11").await.text;
        assert!(register.contains("买菜") && register.contains("每月最多支付20小时，2026年11月已支付1小时"), "{register}");
        assert!(!far.get("/volunteering/register").await.text.contains("买菜"));
        assert_eq!(auditor.get("/volunteering/register?month=11").await.status, 422);
        // What is not held is cancelled with a reason, and over then.
        let cancellation = format!("{path}/cancellation");
        assert_eq!(grid.post(&cancellation, &[("reason", " ")]).await.status, 422);
        assert_eq!(grid.post(&cancellation, &[("reason", "下雨")]).await.status, 303);
        assert_eq!(grid.post(&cancellation, &[("reason", "又下雨")]).await.status, 409);
        assert!(!town.at_home(WANG).await.get("/my/time").await.text.contains("擦窗封窗"));
        let state = town.read(move |conn| Ok(event::by_id(conn, &event)?.state)).await;
        assert_eq!(state, event::State::Cancelled);
    }
}

on_both! {
    async fn an_event_that_names_a_rule_hands_its_households_to_the_council_and_says_so_before(town: Town) {
        let event = held(&town, "E03", today(), &[(WANG, 2, "08:00", "09:00"), (LI, 1, "08:00", "08:50"), (RARE, 9, "08:00", "09:00")]).await;
        let council = town.signed_in("council").await;
        let path = format!("/volunteering/{}", event.id);
        let page = council.get(&path).await.text;
        assert!(page.contains("另外2户按E03登记在册的志愿服务，每小时2分各生成一条申报"), "{page}");
        let fields = [("key", hidden(&page, "key")), ("shown", hidden(&page, "shown"))];
        assert_eq!(council.post(&format!("{path}/confirmation"), &fields).await.status, 303);
        // Two hours are two counts; three quarters are none; nine hours are above the month's ten points, and time all the same.
        let made: Vec<Nomination> = town.read(|conn| nomination::list(conn, &Filter::default(), 10)).await;
        let wang = town.household(WANG).await.id;
        assert_eq!(made.iter().map(|one| (&one.household_id, one.count)).collect::<Vec<_>>(), [(&wang, 2)]);
        let page = council.get(&path).await.text;
        assert!(page.contains("不满1小时") && page.contains("超过上限"), "{page}");
        assert_eq!((time(&town, LI).await, time(&town, RARE).await), (45, 540));
        // Whoever took the time down is the nominator, and does not verify; the points wait for the council as any others.
        assert_eq!(made[0].nominated_by, Some(town.user("building").await.id));
        assert_eq!(town.spendable(WANG).await, 0);
        let (by, id, now) = (town.user("grid").await, made[0].id.clone(), town.app.now());
        let verify = Verify { nomination: id, decision: Decision::Approve, reason: String::new(), by, key: "verify".to_owned() };
        town.write(move |conn| nomination::verify(conn, &verify, now)).await.unwrap();
        town.council_approves().await;
        assert_eq!((town.spendable(WANG).await, time(&town, WANG).await), (4, 120));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_day_has_eight_hours_for_each_person(town: Town) {
        confirmed(&town, "", &[(WANG, 1, "00:00", "07:00"), (LI, 2, "00:00", "07:00")]).await;
        confirmed(&town, "", &[(WANG, 1, "07:00", "09:30"), (LI, 3, "07:00", "09:30")]).await;
        // By hand: one hour is left of Wang's eight; Li came with a third person.
        assert_eq!((time(&town, WANG).await, time(&town, LI).await), (480, 840 + 450));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn hours_go_round_and_nobody_owes_time(town: Town) {
        confirmed(&town, "", &[(WANG, 2, "08:00", "09:00")]).await;
        let asked = hour(&town, LI, WANG, Payer::Household).await;
        help_of(&town, "grid", asked).await.unwrap();
        assert_eq!((time(&town, WANG).await, time(&town, LI).await), (60, 60));
        // Below zero it is refused in words, on the page as in the room.
        let more = RecordHelp { minutes: 75, ..hour(&town, LI, WANG, Payer::Household).await };
        assert_eq!(help_of(&town, "grid", more).await.unwrap_err().code(), "not_enough_time");
        let grid = town.signed_in("grid").await;
        let fields = [("key", "h"), ("helper", LI), ("helped", RARE), ("what", "买菜"), ("helped_on", "2026-11-21"), ("minutes", "15"), ("payer", "household"), ("reason", "")];
        let page = grid.post("/time-helps", &fields).await;
        assert!(page.status == 409 && page.text.contains("受助户的时间积分只有0分钟，不够付15分钟"), "{}", page.text);
        for (field, value, why) in [("minutes", "20", "一刻钟"), ("minutes", "495", "一刻钟"), ("helped", LI, "同一户"), ("helped_on", "2026-11-22", "日期应在"), ("what", "", "帮了什么忙"), ("payer", "", "由谁的时间"), ("helper", "没有这个人", "里没有找到“没有这个人”")] {
            let wrong: Vec<(&str, &str)> = fields.iter().map(|(name, old)| (*name, if *name == field { value } else { old })).collect();
            let refused = grid.post("/time-helps", &wrong).await;
            assert!(refused.status == 422 && refused.text.contains(why), "{field}: {}", refused.text);
        }
        // The same key twice is one hour.
        let (asked, by, now) = (hour(&town, LI, WANG, Payer::Household).await, town.user("grid").await, town.app.now());
        let twice = town.write(move |conn| {
            let one = help::record(conn, &asked, &by, "hour", now)?;
            let other = help::record(conn, &asked, &by, "hour", now)?;
            Ok((one, other))
        }).await.unwrap();
        assert_eq!(twice.0, twice.1);
        assert_eq!((time(&town, WANG).await, time(&town, LI).await), (0, 120));
        assert_eq!(help_of(&town, "grid", hour(&town, RARE, WANG, Payer::Household).await).await.unwrap_err().code(), "not_enough_time");
        // Nobody writes down his own.
        let home = town.household(LI).await.id;
        town.write(move |conn| Ok(diesel::sql_query(format!("UPDATE users SET household_id = '{home}' WHERE name = 'grid'")).execute(conn)?)).await.unwrap();
        assert_eq!(help_of(&town, "grid", hour(&town, RARE, LI, Payer::Household).await).await.unwrap_err().code(), "not_permitted");
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn the_pool_pays_for_a_reason_and_within_its_month(town: Town) {
        let without = RecordHelp { reason: " ".to_owned(), ..hour(&town, LI, RARE, Payer::Pool).await };
        assert_eq!(help_of(&town, "grid", without).await.unwrap_err().code(), "invalid_request");
        let admin = town.signed_in("admin").await;
        for (hours, reason) in [("-1", "少"), ("x", "少"), ("1", " "), ("1001", "多")] {
            assert_eq!(admin.post("/volunteering/pool", &[("key", "p"), ("hours", hours), ("reason", reason)]).await.status, 422, "{hours}");
        }
        assert_eq!(admin.post("/volunteering/pool", &[("key", "p"), ("hours", "1"), ("reason", "先试一个月")]).await.status, 303);
        let help = help_of(&town, "grid", hour(&town, LI, RARE, Payer::Pool).await).await.unwrap();
        assert_eq!((time(&town, LI).await, time(&town, RARE).await), (60, 0));
        let more = RecordHelp { minutes: 15, ..hour(&town, LI, RARE, Payer::Pool).await };
        assert_eq!(help_of(&town, "grid", more.clone()).await.unwrap_err().code(), "pool_used_up");
        // What is taken back is free again, and another month has its own hours.
        let (council, now) = (town.user("council").await, town.app.now());
        town.write(move |conn| correction::take_back_help(conn, &help, "记错了户", &council, "back", now)).await.unwrap();
        assert_eq!(time(&town, LI).await, 0);
        help_of(&town, "grid", hour(&town, LI, RARE, Payer::Pool).await).await.unwrap();
        assert_eq!(help_of(&town, "grid", more.clone()).await.unwrap_err().code(), "pool_used_up");
        town.app.clock.advance(TimeDelta::days(10));
        help_of(&town, "grid", more).await.unwrap();
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn what_was_wrong_is_taken_back_by_somebody_else_and_nobody_owes_it(town: Town) {
        let event = confirmed(&town, "", &[(WANG, 2, "08:00", "09:00")]).await;
        help_of(&town, "grid", hour(&town, LI, WANG, Payer::Household).await).await.unwrap();
        let path = format!("/volunteering/{}/corrections", event.id);
        let fields = [("key", "c"), ("household", WANG), ("reason", "只来了一个人")];
        let (grid, council) = (town.signed_in("grid").await, town.signed_in("council").await);
        let own = council.post(&path, &fields).await;
        assert!(own.status == 403 && own.text.contains("要由另一人更正"));
        assert_eq!(grid.post(&path, &[("key", "c"), ("household", WANG), ("reason", "")]).await.status, 422);
        assert_eq!(grid.post(&path, &[("key", "c"), ("household", LI), ("reason", "没来")]).await.status, 404);
        assert_eq!(grid.post(&path, &fields).await.status, 303);
        assert_eq!(grid.post(&path, &fields).await.status, 303);
        assert_eq!(grid.post(&path, &[("key", "d"), fields[1], fields[2]]).await.status, 409);
        // Wang used an hour of the two: he gives back what he has, the pool bears the other, Li keeps hers.
        assert_eq!((time(&town, WANG).await, time(&town, LI).await), (0, 60));
        let pool = town.read(|conn| balance::outstanding(conn, AccountKind::TimePool)).await;
        assert_eq!(pool.0, -60);
        assert!(town.at_home(WANG).await.get("/my/time").await.text.contains("原因：只来了一个人。"));
        assert!(grid.get(&format!("/volunteering/{}", event.id)).await.text.contains("已冲正"));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn time_follows_a_household_that_is_merged(town: Town) {
        let event = confirmed(&town, "", &[(WANG, 2, "08:00", "09:00")]).await;
        let waiting = held(&town, "", today(), &[(WANG, 1, "09:00", "10:00")]).await;
        let (wang, li): (Household, Household) = (town.household(WANG).await, town.household(LI).await);
        let (admin, now) = (town.user("admin").await.id, town.app.now());
        let asked = AskChange { household: wang.id.clone(), change: Change::Merge { into: LI.to_owned() }, effective_on: today(), reason: "搬到一起".to_owned() };
        town.write(move |conn| {
            let shown = plan::plan(conn, &asked, now)?;
            assert!(shown.sentences.iter().any(|told| told == "时间积分120分钟一起转过去。"));
            change::carry_out(conn, &asked, &shown.seal, &admin, "merge", now, |_, _| Ok(()))
        }).await.unwrap();
        assert_eq!((time(&town, WANG).await, time(&town, LI).await), (0, 120));
        // What is confirmed later goes to the other one, and what is taken back is called back from there.
        let (council, grid) = (town.user("council").await, town.user("grid").await);
        town.write(move |conn| {
            let shown = Outlook::of(conn, &waiting)?.seal();
            confirmation::confirm(conn, &waiting.id, &shown, &council, "confirm", now)?;
            correction::take_back_stay(conn, &event, &wang.id, "记错了", &grid, "back", now)?;
            assert_eq!(standing::survivor(conn, &wang.id)?, li.id);
            Ok(())
        }).await.unwrap();
        assert_eq!((time(&town, WANG).await, time(&town, LI).await), (0, 60));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn the_proof_finds_a_minute_that_was_tampered_with(town: Town) {
        confirmed(&town, "", &[(WANG, 1, "08:00", "09:00"), (LI, 1, "08:00", "09:00")]).await;
        town.expect_books_hold().await;
        for (by_hand, back, found) in [
            ("UPDATE volunteer_stays SET minutes = minutes + 15", "UPDATE volunteer_stays SET minutes = minutes - 15", "volunteer_stays"),
            ("UPDATE accounts SET balance = balance + 15 WHERE kind = 'time_credits'", "UPDATE accounts SET balance = balance - 15 WHERE kind = 'time_credits'", "accounts, id"),
            ("UPDATE volunteer_stays SET minutes = NULL", "UPDATE volunteer_stays SET minutes = 60", "volunteers' time without its line"),
        ] {
            town.write(move |conn| Ok(diesel::sql_query(by_hand).execute(conn)?)).await.unwrap();
            let verdict = town.read(|conn| books::check(conn, &mut |_, _| {})).await;
            assert!(verdict.as_ref().is_err_and(|broken| broken.0.contains(found)), "{by_hand}: {verdict:?}");
            town.write(move |conn| Ok(diesel::sql_query(back).execute(conn)?)).await.unwrap();
        }
        town.expect_books_hold().await;
    }
}
