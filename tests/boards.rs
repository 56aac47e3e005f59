//! Boards and loudspeaker: who stands there, what is never there, and how what is read out is taken along.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::TimeDelta;
use jishan::access::role::Reach;
use jishan::boards::board::{self, Board};
use jishan::boards::script::{self, Rate, Source};
use jishan::boards::speech::Voice;
use jishan::boards::{comparison, refused::Refused};
use jishan::clock::{Day, Span, day_of};
use jishan::council::motion::{Choice, Counts};
use jishan::council::nomination::{self, Decision, Nominate, Nominator, Verify};
use jishan::council::session::{self, BallotForm, Business, Convene};
use jishan::council::{award, member, notice};
use jishan::honours::{award as honours, ballot, notice as title_notice, title};
use jishan::id::Id;
use jishan::papers::order::Asked;
use jishan::papers::paper::Paper;
use jishan::places::area::{self, AreaKind, Tree};
use jishan::places::consent::{self, Purpose};
use jishan::places::household::{self, Household};
use jishan::registry::change::{AskChange, Change};

use crate::papers::printed::{self, number, order, said};
use crate::registry::ask;
use crate::town::{HOUSEHOLDS, LI, Town, WANG, area_of_council, fresh_key, hold_session, morning, on_both, today};

/// The third household of the first building.
const YONG: &str = HOUSEHOLDS[2].0;
pub const STORY: &str = "下雨前清通楼前水沟，全楼不再积水";

/// Earns points by the rules, all the way, with a sentence of the council's own on the public notice.
pub async fn praised(town: &Town, household: &'static str, item: &'static str, sentence: &'static str) {
    praised_since(town, 5, household, item, sentence).await;
}

/// The same, with a notice of so many days ago; it runs for three.
async fn praised_since(town: &Town, days: i64, household: &'static str, item: &'static str, sentence: &'static str) {
    waits(town, days, household, item, sentence).await;
    let (secretary, now) = (town.user("admin").await, town.app.now());
    town.write(move |conn| {
        hold_session(conn, &secretary, Choice::For, now - TimeDelta::days(days))?;
        award::post_due(conn, now)
    })
    .await
    .unwrap();
}

/// The same as far as the council, which has not met.
async fn waits(town: &Town, days: i64, household: &'static str, item: &'static str, sentence: &'static str) {
    let household = town.household(household).await;
    let (building, grid) = (town.user("building").await, town.user("grid").await);
    let (secretary, now) = (town.user("admin").await, town.app.now());
    let then = now - TimeDelta::days(days);
    town.write(move |conn| {
        let asked = Nominate {
            household: household.id,
            item: item.to_owned(),
            count: 1,
            occurred_on: day_of(then),
            note: "帮邻居".to_owned(),
            by: Nominator::Staff(building.id),
            key: fresh_key(now),
        };
        let nomination = nomination::nominate(conn, &asked, then)?;
        let verify = Verify {
            nomination: nomination.id.clone(),
            decision: Decision::Approve,
            reason: String::new(),
            by: grid,
            key: fresh_key(now),
        };
        nomination::verify(conn, &verify, then)?;
        notice::set_text(conn, &nomination.id, sentence, &secretary.id, then).map(drop)
    })
    .await
    .unwrap();
}

/// The household agrees to exactly these.
pub async fn agrees(town: &Town, household: &'static str, to: &'static [Purpose]) {
    let (home, grid, now) = (
        town.household(household).await.id,
        town.user("grid").await.id,
        town.app.now(),
    );
    town.write(move |conn| consent::decide(conn, &home, to, grid.as_str(), now))
        .await
        .unwrap();
}

/// The page of the boards, and every screen of the kiosk.
pub async fn everything_in_public(town: &Town) -> String {
    let stranger = town.stranger();
    let mut all = vec![stranger.get("/board").await];
    for screen in 1..=8 {
        all.push(stranger.get(&format!("/board/kiosk?screen={screen}")).await);
    }
    assert!(all.iter().all(|answer| answer.status == 200));
    all.into_iter().map(|answer| answer.text).collect()
}

async fn board_of(town: &Town, day: Day, today: Day) -> Result<Board, jishan::error::Error> {
    let look = move |conn: &mut jishan::db::Conn| {
        let buildings = board::all_buildings(&Tree::load(conn)?);
        board::of_quarter(conn, Span::quarter_of(day), &buildings, today)
    };
    town.app.db.read(look).await
}

/// The rule's words for bravery.
const BRAVERY: &str = "见义勇为";

// ---- Who stands there ----------------------------------------------------------------------------------------------

on_both! {
    async fn without_consent_nobody_is_on_a_board_and_a_withdrawal_counts_at_once(town: Town) {
        praised(&town, WANG, "E08", STORY).await;
        let none = everything_in_public(&town).await;
        assert!(!none.contains("王**") && !none.contains(BRAVERY) && !none.contains(STORY));
        assert!(none.contains("现在榜上还没有人家"));
        agrees(&town, WANG, &[Purpose::Broadcast, Purpose::FullNameOnNotice, Purpose::Photo]).await;
        let other = everything_in_public(&town).await;
        assert!(!other.contains("王") || !other.contains(BRAVERY), "another consent is none to the board");
        agrees(&town, WANG, &[Purpose::HonourBoard]).await;
        let stands = everything_in_public(&town).await;
        assert!(stands.contains("王**") && stands.contains(BRAVERY) && stands.contains(STORY), "{stands}");
        assert!(said(&town, Paper::HonourBoard, Asked::default()).await.contains(STORY));
        agrees(&town, WANG, &[]).await;
        assert_eq!(everything_in_public(&town).await, none);
        assert!(order(&town, Paper::HonourBoard, Asked::default()).await.is_err());
    }
}

on_both! {
    async fn boards_name_families_and_buildings_and_nothing_else(town: Town) {
        praised(&town, WANG, "E08", STORY).await;
        town.app.clock.advance(TimeDelta::minutes(1));
        praised(&town, LI, "E08", "").await;
        for household in [WANG, LI] {
            agrees(&town, household, &[Purpose::HonourBoard]).await;
        }
        let all = everything_in_public(&town).await;
        assert!(all.contains("王**") && all.contains("李**") && all.contains("1号楼"));
        for (code, head, _) in HOUSEHOLDS {
            assert!(!all.contains(code), "a household's code");
            assert!(!all.contains(head), "a full name");
            assert!(!all.contains(&code[13..]), "a door");
        }
        assert!(!all.contains("30分") && !all.contains("60分"), "points");
        assert!(!all.contains("余额") && !all.contains("名次："), "a balance, a rank");
        for home in [town.household(WANG).await, town.household(LI).await] {
            assert!(!all.contains(home.id.as_str()), "an id");
        }
        // The full name of whoever agreed to it, and of nobody else.
        agrees(&town, WANG, &[Purpose::HonourBoard, Purpose::FullNameOnNotice]).await;
        let all = everything_in_public(&town).await;
        assert!(all.contains("王建国") && !all.contains("李玉山"));
    }
}

on_both! {
    async fn who_decides_is_on_no_board(town: Town) {
        praised(&town, WANG, "E08", STORY).await;
        agrees(&town, WANG, &[Purpose::HonourBoard]).await;
        assert!(everything_in_public(&town).await.contains("王**"));
        let wang = town.household(WANG).await;
        let change = Change::FlagStaff { is_staff: true };
        let flagged = AskChange { effective_on: day_of(town.app.now()), ..ask(&wang, change) };
        town.change(flagged).await.unwrap();
        let all = everything_in_public(&town).await;
        assert!(!all.contains("王**") && !all.contains(STORY));
    }
}

on_both! {
    async fn a_deed_comes_down_with_the_end_of_the_next_quarter(town: Town) {
        praised(&town, WANG, "E08", STORY).await;
        agrees(&town, WANG, &[Purpose::HonourBoard]).await;
        let last_day: Day = "2027-03-31".parse().unwrap();
        let stands = board_of(&town, today(), last_day).await.unwrap();
        assert_eq!(stands.deeds.iter().map(|deed| deed.told()).collect::<Vec<_>>(), [STORY]);
        let over = board_of(&town, today(), last_day.succ_opt().unwrap()).await;
        assert!(over.is_err_and(|error| error.code() == "invalid_request"));
        town.app.clock.advance(TimeDelta::days(130));
        let stands = town.stranger().get("/board").await.text;
        assert!(stands.contains(STORY) && stands.contains("2026年第四季度"), "31 March 2027");
        town.app.clock.advance(TimeDelta::days(1));
        let page = town.stranger().get("/board").await.text;
        assert!(!page.contains(STORY) && !page.contains("2026年第四季度"));
    }
}

on_both! {
    async fn one_household_is_one_line_and_nobody_is_put_before_others(town: Town) {
        praised(&town, WANG, "E08", STORY).await;
        for (household, item) in [(LI, "E10"), (WANG, "E10"), (LI, "C01")] {
            town.app.clock.advance(TimeDelta::minutes(1));
            praised(&town, household, item, "").await;
        }
        for household in [WANG, LI] {
            agrees(&town, household, &[Purpose::HonourBoard]).await;
        }
        let board = board_of(&town, today(), today()).await.unwrap();
        assert_eq!(board.deeds.len(), 4);
        assert_eq!(board.told().count(), 1);
        let lines = board.lines();
        let told: Vec<(&str, usize)> = lines.iter().map(|line| (line.name.as_str(), line.rules.len())).collect();
        assert_eq!(told, [("王**", 2), ("李**", 2)], "in the order of the first deed");
    }
}

// ---- Comparison ----------------------------------------------------------------------------------------------------

/// Two more households in the first building, which then has five; the second has one.
async fn five_in_the_first_building(town: &Town) {
    let building = town.household(WANG).await.building_id;
    town.write(move |conn| {
        let more = ["201", "202"].map(|room| Household {
            id: Id::new(morning()),
            code: format!("C01-G01-B001-1-{room}"),
            building_id: building.clone(),
            stairwell: Some("1".to_owned()),
            room: room.to_owned(),
            head_name: "赵".to_owned(),
            head_initials: "z".to_owned(),
            people: 2,
            registered_at: morning(),
        });
        household::register(conn, &more)
    })
    .await
    .unwrap();
}

on_both! {
    async fn buildings_are_compared_by_counts_and_small_ones_are_left_out(town: Town) {
        // Nobody agreed to anything: a count speaks of nobody.
        praised(&town, WANG, "E08", STORY).await;
        praised(&town, HOUSEHOLDS[3].0, "E08", "").await;
        let look = |conn: &mut jishan::db::Conn| {
            let buildings = board::all_buildings(&Tree::load(conn)?);
            comparison::of_quarter(conn, Span::quarter_of(today()), &buildings, today())
        };
        assert_eq!(town.read(look).await.rows, [], "three households, and one");
        assert!(!everything_in_public(&town).await.contains("<th scope=\"row\">1号楼"));
        five_in_the_first_building(&town).await;
        let compared = town.read(look).await;
        let [row] = compared.rows.as_slice() else { panic!("{compared:?}") };
        assert_eq!((row.building.as_str(), row.counts.iter().sum::<i64>()), ("1号楼", 1));
        assert_eq!(row.counts.len(), compared.evaluations.len());
        let all = everything_in_public(&town).await;
        assert!(all.contains("<th scope=\"row\">1号楼") && !all.contains("2号楼"), "{all}");
        assert!(!all.contains("王"));
    }
}

// ---- Kiosk ---------------------------------------------------------------------------------------------------------

on_both! {
    async fn the_kiosk_goes_round_and_stops_when_it_is_told_to(town: Town) {
        five_in_the_first_building(&town).await;
        praised(&town, WANG, "E08", STORY).await;
        agrees(&town, WANG, &[Purpose::HonourBoard]).await;
        praised_since(&town, 1, LI, "E10", "").await;
        let stranger = town.stranger();
        let mut titles = Vec::new();
        for screen in 1..=5 {
            let page = stranger.get(&format!("/board/kiosk?screen={screen}")).await.text;
            let title = page.split("<h1>").nth(1).unwrap().split(['<', ' ']).next().unwrap();
            titles.push(title.to_owned());
            let next = screen % 5 + 1;
            let refresh = format!("<noscript><meta http-equiv=\"refresh\" content=\"15;url=/board/kiosk?screen={next}\">");
            assert!(page.contains(&refresh) && page.contains("class=\"wall kiosk\""), "{page}");
            let paused = stranger.get(&format!("/board/kiosk?screen={screen}&pause=1")).await.text;
            assert!(!paused.contains("http-equiv") && !paused.contains("data-next") && paused.contains("继续轮播"));
        }
        assert_eq!(titles, ["光荣榜", "好人墙", "评比栏", "正在公示", "开放时间"]);
        // Beyond the last it begins again.
        assert_eq!(stranger.get("/board/kiosk?screen=0").await.status, 200);
        assert_eq!(stranger.get("/board/kiosk?screen=999999").await.status, 200);
    }
}

// ---- Loudspeaker ---------------------------------------------------------------------------------------------------

on_both! {
    async fn a_script_says_what_was_agreed_to_and_no_more(town: Town) {
        praised(&town, WANG, "E08", STORY).await;
        let grid = town.signed_in("grid").await;
        let page = grid.get("/broadcast").await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("没有同意播报的人家") && !page.text.contains("王家"));
        assert_eq!(grid.get("/broadcast/script.txt?notice=1").await.status, 422);
        agrees(&town, WANG, &[Purpose::HonourBoard, Purpose::FullNameOnNotice]).await;
        assert!(!grid.get("/broadcast?notice=1").await.text.contains("王家"), "another consent is none to this");
        agrees(&town, WANG, &[Purpose::Broadcast]).await;
        let page = grid.get("/broadcast?notice=1").await.text;
        assert!(page.contains(&format!("王家，见义勇为：{STORY}。")), "{page}");
        assert!(page.contains("今天是11月21日，这里是晨光安置区的播报。"), "{page}");
        for never in ["王建国", WANG, "30分"] {
            assert!(!page.contains(never), "{never}");
        }
        let paper = said(&town, Paper::Broadcast, number("1")).await;
        assert!(paper.contains("王家，见义勇为") && paper.contains("方言提示") && !paper.contains("王建国"));
        // A sentence is read once more: somebody of that name may have come since.
        moves_in(&town, "水沟").await;
        let page = grid.get("/broadcast?notice=1").await.text;
        assert!(page.contains("王家，见义勇为。") && !page.contains(STORY), "{page}");
        agrees(&town, WANG, &[]).await;
        assert!(!grid.get("/broadcast?notice=1").await.text.contains("王家"));
        assert_eq!(grid.get("/broadcast/script.txt?notice=1").await.status, 422);
    }
}

on_both! {
    async fn a_script_is_a_text_with_a_sentence_on_each_line(town: Town) {
        praised(&town, YONG, "E08", "").await;
        agrees(&town, YONG, &[Purpose::Broadcast]).await;
        let grid = town.signed_in("grid").await;
        let text = grid.get("/broadcast/script.txt?notice=1").await;
        assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(text.header("content-disposition"), "attachment; filename=\"broadcast-1-1.txt\"");
        let lines: Vec<&str> = text.text.lines().collect();
        assert!(lines.len() >= 5 && text.text.ends_with("。\n"), "{lines:?}");
        assert!(lines.iter().all(|line| line.ends_with('。') && line.matches('。').count() == 1), "{lines:?}");
        // The faster it is read, the sooner it is over.
        let today = day_of(town.app.now());
        let script = town.read(move |conn| script::of(conn, Source::Deeds(1), &Reach::Everywhere, today)).await;
        assert_eq!(script.lines(), lines);
        let characters = lines.concat().chars().count();
        for (rate, a_second) in [(Rate::Slow, 3), (Rate::Usual, 4), (Rate::Fast, 5)] {
            assert_eq!(script.seconds(rate), characters.div_ceil(a_second));
        }
        // What is chosen is one of what there is.
        for wrong in ["notice=1&items=0", "notice=1&items=999", "notice=1&rate=9", "rate=4", "notice=", "notice=H"] {
            assert_eq!(grid.get(&format!("/broadcast/script.txt?{wrong}")).await.status, 422, "{wrong}");
        }
        for missing in ["notice=99", "notice=H99", "notice=1&part=2", "notice=1&part=0"] {
            assert_eq!(grid.get(&format!("/broadcast/script.txt?{missing}")).await.status, 404, "{missing}");
        }
    }
}

on_both! {
    async fn the_paper_is_what_was_chosen_and_takes_as_long(town: Town) {
        for (household, item) in [(WANG, "E08"), (LI, "E08"), (WANG, "E10"), (LI, "C01")] {
            waits(&town, 5, household, item, "").await;
        }
        town.council_approves().await;
        for household in [WANG, LI] {
            agrees(&town, household, &[Purpose::Broadcast]).await;
        }
        let grid = town.signed_in("grid").await;
        let mut all = 0;
        for (part, items) in [(1, 3), (2, 1)] {
            for rate in ["3", "4", "5"] {
                let page = grid.get(&format!("/broadcast?notice=1&items=3&part={part}&rate={rate}")).await.text;
                let link = format!("/papers/broadcast?id=1-{part}&#38;count=3&#38;kind={rate}\"");
                assert!(page.contains(&link), "{page}");
                let asked = Asked { count: Some(3), kind: Some(rate.to_owned()), ..number(&format!("1-{part}")) };
                let paper = read_paper(&town, asked).await.unwrap();
                assert_eq!(paper["items"].as_array().unwrap().len(), items);
                let seconds = paper["seconds"].as_u64().unwrap();
                let lasting = match (seconds / 60, seconds % 60) {
                    (0, seconds) => format!("约{seconds}秒"),
                    (minutes, 0) => format!("约{minutes}分钟"),
                    (minutes, seconds) => format!("约{minutes}分{seconds}秒"),
                };
                assert!(page.contains(&format!("{items}条，{lasting}")), "{lasting}: {page}");
            }
            all += items;
        }
        // Without a choice it is all of it.
        let whole = read_paper(&town, number("1")).await.unwrap();
        assert_eq!(whole["items"].as_array().unwrap().len(), all);
        for wrong in ["1-x", "x", "-1"] {
            assert_eq!(read_paper(&town, number(wrong)).await.unwrap_err().code(), "invalid_request", "{wrong}");
        }
        for missing in ["1-0", "1-9", "H1"] {
            assert_eq!(read_paper(&town, number(missing)).await.unwrap_err().code(), "not_found", "{missing}");
        }
    }
}

/// The data of a script on paper.
async fn read_paper(town: &Town, asked: Asked) -> Result<serde_json::Value, jishan::error::Error> {
    let data = printed::data(town, Paper::Broadcast, asked).await?;
    Ok(serde_json::from_slice(&data).unwrap())
}

/// A household whose head is called so.
async fn moves_in(town: &Town, head: &'static str) {
    let building_id = town.household(WANG).await.building_id;
    let home = Household {
        id: Id::new(morning()),
        code: "C01-G01-B001-1-301".to_owned(),
        building_id,
        stairwell: Some("1".to_owned()),
        room: "301".to_owned(),
        head_name: head.to_owned(),
        head_initials: "s".to_owned(),
        people: 2,
        registered_at: morning(),
    };
    town.write(move |conn| household::register(conn, &[home]))
        .await
        .unwrap();
}

/// Why these households have their titles.
const REASON: &str = "红白事简办，带头清扫楼道";

/// The council carried these titles, and everybody may object: notice H1.
pub async fn titles_on_notice(town: &Town, awards: [(&'static str, &'static str); 2]) {
    let mut carried = Vec::new();
    for (code, title) in awards {
        carried.push((town.household(code).await.id, title));
    }
    let (building, grid) = (town.user("building").await.id, town.user("grid").await);
    let (secretary, second) = (town.user("admin").await.id, town.user("council").await.id);
    let now = town.app.now();
    town.write(move |conn| {
        title::enter_from_rules(conn, &secretary, now)?;
        let titles = title::standing(conn)?;
        let mut candidates = Vec::new();
        for (household, name) in carried {
            let title = titles.iter().find(|title| title.name == name).unwrap();
            let asked = honours::Nominate {
                title: title.id.clone(),
                household,
                period_from: title.period.around(day_of(now)).from,
                reason: REASON.to_owned(),
                by: building.clone(),
                key: fresh_key(now),
            };
            let verify = honours::Verify {
                award: honours::nominate(conn, &asked, now)?.id,
                holds: true,
                reason: String::new(),
                by: grid.clone(),
                key: fresh_key(now),
            };
            candidates.push(honours::verify(conn, &verify, now)?.id);
        }
        let area = area_of_council(conn)?;
        let convene = Convene {
            area: area.clone(),
            held_on: day_of(now),
            place: "社区议事厅".to_owned(),
            ballot: BallotForm::Open,
            by: secretary.clone(),
            key: fresh_key(now),
        };
        let session = session::convene(conn, &convene, now)?.id;
        let members = member::sitting(conn, &area, day_of(now))?;
        let open = session::Open {
            session: session.clone(),
            present: members.iter().map(|member| member.id.clone()).collect(),
            chair: members[0].id.clone(),
            by: secretary.clone(),
        };
        session::open_with(conn, &open, Business::MoreThanNominations, now)?;
        for award in &candidates {
            for by in [&secretary, &second] {
                let counts = Counts {
                    votes_for: 3,
                    votes_against: 0,
                    abstentions: 0,
                };
                ballot::key_counts(conn, &session, award, counts, by, now)?;
            }
        }
        session::close(conn, &session, "", &secretary, now)?;
        title_notice::publish(conn, &session, &secretary, &fresh_key(now), now).map(drop)
    })
    .await
    .unwrap();
}

on_both! {
    async fn titles_that_are_held_are_read_out_with_the_households_consent(town: Town) {
        titles_on_notice(&town, [(WANG, "文明榜样户"), (LI, "整洁美丽户")]).await;
        agrees(&town, WANG, &[Purpose::Broadcast]).await;
        let grid = town.signed_in("grid").await;
        let address = "/broadcast/script.txt?notice=H1";
        assert_eq!(grid.get(address).await.status, 422, "on public notice, and not conferred");
        assert!(!grid.get("/broadcast").await.text.contains("称号：第H1号公示"));
        town.app.clock.advance(TimeDelta::days(8));
        town.app.run_due().await.unwrap();
        let grid = town.signed_in("grid").await;
        let said = grid.get(address).await;
        assert_eq!(said.header("content-disposition"), "attachment; filename=\"broadcast-H1-1.txt\"");
        let told = format!("王家，获评文明榜样户：{REASON}。");
        assert!(said.text.contains("今天是11月29日") && said.text.lines().any(|line| line == told), "{}", said.text);
        assert!(!said.text.contains("李家"), "no consent");
        let page = grid.get("/broadcast").await.text;
        assert!(page.contains("称号：第H1号公示，示范乡") && page.contains(&told) && !page.contains("李家"), "{page}");
        for never in ["王建国", WANG, "60分"] {
            assert!(!page.contains(never), "{never}");
        }
        let asked = Asked { count: Some(5), kind: Some("3".to_owned()), ..number("H1-1") };
        let paper = read_paper(&town, asked).await.unwrap();
        assert_eq!(paper["items"].as_array().unwrap().len(), 1);
        assert_eq!(paper["items"][0]["text"], told);
        agrees(&town, LI, &[Purpose::Broadcast]).await;
        agrees(&town, WANG, &[Purpose::HonourBoard]).await;
        let said = grid.get(address).await.text;
        assert!(said.contains("李家，获评整洁美丽户") && !said.contains("王家"), "{said}");
        // Whoever decides is not read out, and neither is a title whose term is over.
        let change = Change::FlagStaff { is_staff: true };
        let li = town.household(LI).await;
        let flagged = AskChange { effective_on: day_of(town.app.now()), ..ask(&li, change) };
        town.change(flagged).await.unwrap();
        assert_eq!(grid.get(address).await.status, 422);
        agrees(&town, WANG, &[Purpose::Broadcast]).await;
        assert_eq!(grid.get(address).await.status, 200);
        let far = town.app.now() + TimeDelta::days(400);
        let over = town
            .read(move |conn| script::of(conn, Source::Titles(1), &Reach::Everywhere, day_of(far)))
            .await;
        assert_eq!(over.items, []);
        let choices = town
            .read(move |conn| script::choices(conn, &Reach::Everywhere, day_of(far), 9))
            .await;
        assert_eq!(choices, []);
    }
}

/// A speech engine made of a shell's script. Another process writes it: a program that somebody still holds open for writing
/// cannot be run, and this process has children that hold what it holds.
fn fake_voice(folder: &Path, script: &str) -> Voice {
    let program = folder.join("voice");
    let mut writing = Command::new("sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(&program)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    writing.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(writing.wait().unwrap().success());
    Voice::of(program)
}

on_both! {
    async fn a_script_is_read_aloud_where_the_machine_has_a_voice(town: Town) {
        praised(&town, WANG, "E08", "").await;
        agrees(&town, WANG, &[Purpose::Broadcast]).await;
        let without = town.signed_in("grid").await;
        let page = without.get("/broadcast").await.text;
        assert!(page.contains("没有装语音程序") && !page.contains("speech.wav"));
        assert_eq!(without.get("/broadcast/speech.wav?notice=1").await.status, 409);

        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display().to_string();
        let head = "printf 'RIFF\\377\\377\\377\\177WAVEfmt 12345678901234567890data\\377\\377\\377\\177'";
        let engine = format!("#!/bin/sh\necho \"$@\" > {place}/arguments\n{head}\ntee {place}/heard\n");
        let voice = fake_voice(folder.path(), &engine);
        let town = town.with_voice(voice);
        let grid = town.signed_in("grid").await;
        assert!(grid.get("/broadcast").await.text.contains("speech.wav"));
        let recording = grid.get("/broadcast/speech.wav?notice=1&rate=3").await;
        assert_eq!((recording.status.as_u16(), recording.header("content-type")), (200, "audio/wav"));
        assert!(recording.text.starts_with("RIFF"));
        let heard = fs::read_to_string(folder.path().join("heard")).unwrap();
        let text = grid.get("/broadcast/script.txt?notice=1").await.text;
        assert_eq!(heard, text.trim_end());
        let arguments = fs::read_to_string(folder.path().join("arguments")).unwrap();
        assert_eq!(arguments.trim(), "-v cmn -s 180 --stdin --stdout", "no name on the command line");

        // One that says nothing is told of in words; one that is not there, too.
        let mute = fake_voice(folder.path(), "#!/bin/sh\necho no voice >&2\nexit 1\n");
        let town = town.with_voice(mute);
        let answer = town.signed_in("grid").await.get("/broadcast/speech.wav?notice=1").await;
        assert_eq!(answer.status, 409);
        assert!(answer.text.contains("没有做出录音"), "{}", answer.text);
        let gone = Voice::of(folder.path().join("gone")).speak("您好。", Rate::Usual);
        assert!(gone.is_err_and(|error| error.to_string() == Refused::Mute.to_string()));
    }
}

/// With the real engine, where the machine that runs the tests has it; nothing is installed for it.
#[test]
fn the_engine_of_this_machine_makes_a_recording() {
    let voice = Voice::look();
    if voice.is_there() {
        let recording = voice.speak("各位邻居，大家好。", Rate::Usual).unwrap();
        assert!(recording.starts_with(b"RIFF") && recording.len() > 20_000);
    }
}

on_both! {
    async fn a_community_has_a_board_and_a_television_of_its_own(town: Town) {
        let now = town.app.now();
        town.write(move |conn| {
            let tree = Tree::load(conn)?;
            let other = tree.root().unwrap().part(AreaKind::Community, "C02", "河东社区", now);
            let building = other.part(AreaKind::Building, "B009", "9号楼", now);
            area::add(conn, &[other, building])
        })
        .await
        .unwrap();
        praised(&town, WANG, "E08", STORY).await;
        agrees(&town, WANG, &[Purpose::HonourBoard]).await;
        let stranger = town.stranger();
        let all = stranger.get("/board").await.text;
        assert!(all.contains("/board?community=C01") && all.contains("/board?community=C02") && all.contains(STORY));
        let own = stranger.get("/board?community=C01").await.text;
        assert!(own.contains(STORY) && own.contains("/board/kiosk?community=C01"));
        let other = stranger.get("/board?community=C02").await.text;
        assert!(!other.contains(STORY) && !other.contains("王**") && other.contains("河东社区"));
        assert_eq!(stranger.get("/board?community=C09").await.status, 404);
        assert_eq!(stranger.get("/board/kiosk?community=C09").await.status, 404);
        for (community, shown) in [("C01", true), ("C02", false)] {
            let mut screens = String::new();
            for screen in 1..=8 {
                let answer = stranger.get(&format!("/board/kiosk?screen={screen}&community={community}")).await;
                assert_eq!(answer.status, 200);
                assert!(answer.text.contains(&format!("&#38;community={community}\"")), "the next screen is of the same community");
                screens.push_str(&answer.text);
            }
            assert_eq!(screens.contains(STORY), shown, "{community}");
            assert!(screens.contains("晨光积分超市"), "the programme's store is for everybody");
        }
    }
}
