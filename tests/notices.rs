//! What everybody may read of a council's work, and how every number leads to everything: notices, drafts, budget, traces.

use chrono::TimeDelta;
use diesel::prelude::*;
use jishan::clock::{Moment, day_of};
use jishan::council::budget::{self, SetBudget};
use jishan::council::motion::{self, Choice};
use jishan::council::nomination::{self, Decision, Filter, Nominate, Nomination, Nominator, State, Verify};
use jishan::council::{award, notice, session, staff_share};
use jishan::db::schema::nominations;
use jishan::places::consent::{self, Purpose};
use jishan::places::household;
use jishan::points::Points;
use jishan::registry::change::{AskChange, Change, Door};
use jishan::statements::coming;
use jishan::statements::trace::{self, To, Trace, Traced};

use crate::registry::ask;
use crate::town::{HOUSEHOLDS, LI, Town, WANG, fresh_key, hold_session, on_both, today};

/// A deed of two days ago, verified.
async fn verified(town: &Town, household: &'static str, item: &'static str, note: &'static str) -> Nomination {
    let household = town.household(household).await;
    let (building, grid, now) = (town.user("building").await, town.user("grid").await, town.app.now());
    town.write(move |conn| {
        let asked = Nominate {
            household: household.id,
            item: item.to_owned(),
            count: 1,
            occurred_on: day_of(now - TimeDelta::days(2)),
            note: note.to_owned(),
            by: Nominator::Staff(building.id),
            key: fresh_key(now),
        };
        let nomination = nomination::nominate(conn, &asked, now)?;
        let verify = Verify {
            nomination: nomination.id,
            decision: Decision::Approve,
            reason: "照片清楚".to_owned(),
            by: grid,
            key: fresh_key(now),
        };
        nomination::verify(conn, &verify, now)
    })
    .await
    .unwrap()
}

/// A session that says yes to all, and its notice.
async fn published(town: &Town) -> i64 {
    let (secretary, now) = (town.user("admin").await, town.app.now());
    town.write(move |conn| hold_session(conn, &secretary, Choice::For, now))
        .await
        .unwrap()
        .number
}

async fn after(town: &Town, days: i64) {
    town.app.clock.advance(TimeDelta::days(days));
    town.app.run_due().await.unwrap();
}

/// What people read of a page: text and addresses of links, without the layout around it.
fn read_aloud(html: &str) -> String {
    let inside = html.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
    let mut text = String::new();
    for (tag, after) in inside.split('<').skip(1).map(|part| part.split_once('>').unwrap()) {
        if let Some(address) = tag.split("href=\"").nth(1) {
            text.push_str(&format!("[{}] ", address.split('"').next().unwrap()));
        }
        text.push_str(after.trim());
        text.push(if tag.starts_with('/') { '\n' } else { ' ' });
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// An id of ours is a UUID: `018f…-…`.
fn holds_an_id(html: &str) -> bool {
    let hex = |text: &str| text.chars().all(|letter| letter.is_ascii_hexdigit());
    html.split(|letter: char| !(letter.is_ascii_hexdigit() || letter == '-'))
        .any(|word| word.len() == 36 && word.split('-').count() == 5 && hex(&word.replace('-', "")))
}

on_both! {
    async fn everybody_reads_a_notice_and_nothing_personal(town: Town) {
        verified(&town, WANG, "C04", "婚事简办，省下的钱捐给图书室").await;
        town.app.clock.advance(TimeDelta::minutes(1));
        verified(&town, LI, "E08", "").await;
        let number = published(&town).await;
        let stranger = town.stranger();
        let list = stranger.get("/notices").await;
        let page = stranger.get(&format!("/notices/{number}")).await;
        for answer in [&list, &page] {
            assert_eq!(answer.status, 200);
            for (code, head, _) in HOUSEHOLDS {
                assert!(!answer.text.contains(code), "a household's code");
                assert!(!answer.text.contains(head), "a full name");
                assert!(!answer.text.contains(&code[15..]), "a room");
            }
            assert!(!holds_an_id(&answer.text), "an id");
            assert!(answer.text.contains("noindex"));
        }
        insta::assert_snapshot!("what_a_stranger_reads_of_a_notice", read_aloud(&page.text));
        // An objection shows that there is one, and nothing of it.
        town.write(|conn| {
            let mut row = notice::row(conn, "1-1")?.1;
            row.state = State::Suspended;
            diesel::update(nominations::table.find(&row.id)).set(&row).execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
        let page = stranger.get(&format!("/notices/{number}")).await;
        assert!(page.text.contains("有异议，暂缓入账"));
        // A full name only where the household agreed to it, and no longer than it agrees.
        for (agreed, shown) in [(&[Purpose::FullNameOnNotice][..], true), (&[][..], false)] {
            let (home, grid, now) = (town.household(WANG).await.id, town.user("grid").await.id, town.app.now());
            town.write(move |conn| consent::decide(conn, &home, agreed, grid.as_str(), now)).await.unwrap();
            let page = stranger.get(&format!("/notices/{number}")).await.text;
            assert_eq!((page.contains("王建国"), page.contains("李玉山")), (shown, false));
        }
        // When it is over it is gone, but for staff.
        after(&town, 4).await;
        assert!(stranger.get("/notices").await.text.contains("现在没有正在公示的名单"));
        let gone = stranger.get(&format!("/notices/{number}")).await;
        assert_eq!(gone.status, 410);
        assert!(gone.text.contains("已结束，已撤下") && !gone.text.contains("王**"));
        let council = town.signed_in("council").await;
        assert!(council.get(&format!("/notices/{number}")).await.text.contains("王**"));
        assert!(council.get("/notices").await.text.contains("已经撤下的"));
        assert_eq!(stranger.get("/notices/99").await.status, 404);
    }
}

on_both! {
    async fn a_notice_is_read_before_it_hangs(town: Town) {
        let good = verified(&town, WANG, "C04", "婚事简办，省下的钱捐给图书室").await;
        let other = verified(&town, LI, "C05", "李玉山捡到钱包还给失主").await;
        let (secretary, now) = (town.user("admin").await, town.app.now());
        town.write(move |conn| closed_session(conn, &secretary, now)).await.unwrap();
        let admin = town.signed_in("admin").await;
        let path = "/sessions/1/notice";
        let draft = admin.get(path).await;
        // What the nominator wrote is offered where it may stand there.
        assert!(draft.text.contains("value=\"婚事简办，省下的钱捐给图书室\""));
        assert!(!draft.text.contains("value=\"李玉山捡到钱包还给失主\""));
        let (one, two) = (format!("text-{}", good.id), format!("text-{}", other.id));
        let bad = [
            (one.as_str(), "王建国家婚事简办"),
            (two.as_str(), "还给失主，电话13800138000"),
            ("act", "publish"),
            ("key", "k1"),
        ];
        let refused = admin.post(path, &bad).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("写了户主全名") && refused.text.contains("像是电话号码"), "{}", refused.text);
        assert!(refused.text.contains("还不能公示"));
        // A neighbour's full name is known too, from the roster.
        let neighbour = [(one.as_str(), "与李玉山家一起婚事简办"), ("act", "save")];
        assert!(admin.post(path, &neighbour).await.text.contains("李玉山"));
        assert_eq!(town.read(|conn| notice::list(conn, 9)).await.len(), 0);
        let fit = [(one.as_str(), "婚事简办，邻里称赞"), (two.as_str(), ""), ("act", "publish"), ("key", "k2")];
        let sent = admin.post(path, &fit).await;
        assert_eq!((sent.status.as_u16(), sent.location()), (303, "/notices/1"));
        assert_eq!(admin.post(path, &fit).await.location(), "/notices/1", "pressed twice");
        assert_eq!(admin.get(path).await.location(), "/notices/1");
        let page = town.stranger().get("/notices/1").await;
        assert!(page.text.contains("婚事简办，邻里称赞"));
        assert_eq!(town.signed_in("grid").await.get(path).await.status, 403);
    }
}

/// As `hold_session`, but without the notice.
fn closed_session(
    conn: &mut jishan::db::Conn,
    secretary: &jishan::access::user::User,
    at: Moment,
) -> jishan::error::Result<()> {
    let area = crate::town::area_of_council(conn)?;
    let convened = session::convene(
        conn,
        &session::Convene {
            area: area.clone(),
            held_on: day_of(at),
            place: "社区议事厅".to_owned(),
            ballot: session::BallotForm::Open,
            by: secretary.id.clone(),
            key: fresh_key(at),
        },
        at,
    )?;
    let members = jishan::council::member::sitting(conn, &area, day_of(at))?;
    let open = session::Open {
        session: convened.id.clone(),
        present: members.iter().map(|member| member.id.clone()).collect(),
        chair: members[0].id.clone(),
        by: secretary.id.clone(),
    };
    session::open(conn, &open, at)?;
    for one in motion::of_session(conn, &convened.id)? {
        let hands: Vec<_> = members.iter().map(|member| (member.id.clone(), Choice::For)).collect();
        motion::record_hands(conn, &one.id, &hands, &secretary.id, at)?;
    }
    session::close(conn, &convened.id, "", &secretary.id, at)?;
    Ok(())
}

async fn trace_of(town: &Town, number: String) -> Trace {
    let today = day_of(town.app.now());
    let found = town.read(move |conn| trace::find(conn, &number, today)).await;
    match found {
        Traced::Award(trace) => *trace,
        other => panic!("{other:?}"),
    }
}

fn links(trace: &Trace) -> Vec<To> {
    let steps = trace.steps();
    steps
        .into_iter()
        .flat_map(|step| step.links)
        .map(|(to, _)| to)
        .collect()
}

on_both! {
    async fn every_number_leads_to_everything_and_back(town: Town) {
        let deed = verified(&town, WANG, "E08", "救起落水的人").await;
        let number = published(&town).await;
        after(&town, 4).await;
        let card = town.issue_card(WANG).await;
        town.redeem("a", &card.token(), &[("G006", 2)]).await.unwrap();
        let (id, now) = (deed.id.clone(), town.app.now());
        let reversal = town
            .write(move |conn| {
                let row = nomination::by_id(conn, &id)?;
                award::reverse(conn, row, "申诉成立", "test", now)
            })
            .await
            .unwrap();
        let id = deed.id.clone();
        let row = town.read(move |conn| nomination::by_id(conn, &id)).await;
        let (held, posted) = (row.pending_number.unwrap(), row.transaction_number.unwrap());
        let slip = format!("{number}-1");
        // From any number to the same trace.
        let numbers = [slip.clone(), held.to_string(), posted.to_string(), reversal.to_string()];
        for one in &numbers {
            assert_eq!(trace_of(&town, one.clone()).await.nomination.id, deed.id, "{one}");
        }
        // From the trace to each thing, and from the thing back to the deed.
        let trace = trace_of(&town, posted.to_string()).await;
        assert_eq!(
            links(&trace),
            [
                To::Nomination(deed.id.clone()),
                To::Rule("E08".to_owned()),
                To::Session(1),
                To::Notice(number),
                To::Transaction(posted),
                To::Statement(WANG.to_owned()),
                To::Transaction(reversal),
            ]
        );
        assert_eq!(trace.reversal.as_ref().unwrap().written_off, Points(10), "two pieces of soap were spent");
        let (session_of, id) = (trace.hearings[0].session.number, deed.id.clone());
        let heard = town
            .read(move |conn| {
                let session = session::by_number(conn, session_of)?;
                let mut rows = Vec::new();
                for motion in motion::of_session(conn, &session.id)? {
                    rows.extend(motion::rows_of(conn, &motion.id)?);
                }
                Ok(rows)
            })
            .await;
        assert_eq!(heard, std::slice::from_ref(&id));
        let noticed = town
            .read(move |conn| {
                let notice = notice::by_number(conn, number)?;
                nomination::of_notice(conn, &notice.id)
            })
            .await;
        assert_eq!(noticed[0].id, id);
        assert_eq!(trace.item.id, noticed[0].scoring_item_id);
        // On the pages: every link of the way opens, and leads back.
        let admin = town.signed_in("admin").await;
        let statement = admin.get(&format!("/households/{WANG}/statement")).await.text;
        assert!(statement.contains(&format!("href=\"/trace/{posted}\"")));
        for to in links(&trace).iter().filter(|to| !matches!(to, To::Session(_))) {
            let page = admin.get(&to.path()).await;
            assert_eq!(page.status, 200, "{to:?}");
            let back = match to {
                To::Rule(_) => continue,
                To::Transaction(_) => format!("/nominations/{}", deed.id),
                To::Statement(_) => format!("/trace/{posted}"),
                _ => format!("/trace/{slip}"),
            };
            assert!(page.text.contains(&back), "{to:?} does not lead back");
        }
        let page = admin.get(&format!("/trace/{posted}")).await.text;
        assert!(page.contains("赞成3，反对0，弃权0") && page.contains("10分已经花掉"), "{page}");
        // A sale is no deed: its trace says what it was.
        let sale = town.read(move |conn| {
            let head = jishan::ledger::balance::head(conn, posted + 1)?;
            Ok(head.unwrap().number)
        });
        let sale = sale.await;
        assert!(admin.get(&format!("/trace/{sale}")).await.text.contains("肥皂"));
        // Nobody outside reads it.
        assert_eq!(town.signed_in("far-grid").await.get(&format!("/trace/{posted}")).await.status, 404);
        assert_eq!(town.signed_in("shop").await.get(&format!("/trace/{posted}")).await.status, 403);
        for unknown in ["999", "9-9", "x", "-1"] {
            assert_eq!(admin.get(&format!("/trace/{unknown}")).await.status, 404, "{unknown}");
        }
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn what_waits_for_the_budget_is_told_before_it_posts(town: Town) {
        let (admin, now) = (town.user("admin").await, town.app.now());
        let area = town.read(crate::town::area_of_council).await;
        let asked = move |points: i64, key: &str| SetBudget {
            area: area.clone(),
            from_month: day_of(now),
            points: Points(points),
            soft_percent: 50,
            reason: "试".to_owned(),
            by: admin.id.clone(),
            key: key.to_owned(),
        };
        let small = asked(30, "small");
        town.write(move |conn| budget::set(conn, &small, now)).await.unwrap();
        verified(&town, WANG, "E08", "").await;
        // Two deeds of one moment have no order.
        town.app.clock.advance(TimeDelta::minutes(1));
        verified(&town, LI, "E08", "").await;
        published(&town).await;
        let office = town.signed_in("admin").await;
        let wang = office.get(&format!("/households/{WANG}/statement")).await.text;
        assert!(wang.contains("即将入账") && wang.contains("没有异议的话11月25日入账"), "{wang}");
        after(&town, 4).await;
        // A session does not last for days.
        let office = town.signed_in("admin").await;
        let (today, household) = (day_of(town.app.now()), town.household(LI).await);
        let coming = town.read(move |conn| coming::of(conn, &household, today)).await;
        assert_eq!(coming.awards.len(), 1);
        assert_eq!(coming.awards[0].when, "本月发放预算已用完，排在第1位，大约2026年12月入账");
        let wang = town.household(WANG).await;
        let coming = town.read(move |conn| coming::of(conn, &wang, today)).await;
        assert_eq!((coming.awards.len(), coming.ending.len()), (0, 1));
        assert_eq!((coming.ending[0].points, coming.ending[0].is_near()), (Points(30), false));
        let page = office.get("/budget").await.text;
        assert!(page.contains("本月预算已用完") && page.contains("2026年12月") && page.contains("/trace/1-2"), "{page}");
        let desk = office.get("/desk").await.text;
        assert!(desk.contains("本月发放预算已用完") && desk.contains("有1条公示期满"), "{desk}");
        assert!(desk.contains("本月申报截止20日，25日评议"));
        let trace = trace_of(&town, "1-2".to_owned()).await;
        let last = trace.steps().pop().unwrap();
        assert_eq!(last.text, "排队等预算，排在第1位");
        // A larger one lets it through.
        let form = [
            ("area", ""),
            ("from_month", "2026-11-01"),
            ("points", "六十"),
            ("soft_percent", "80"),
            ("reason", ""),
        ];
        let refused = office.post("/budget", &form).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("请选择给哪里定预算") && refused.text.contains("value=\"六十\""));
        let area = town.read(crate::town::area_of_council).await;
        let form = [
            ("area", area.as_str()),
            ("from_month", "2026-11-01"),
            ("points", "60"),
            ("soft_percent", "80"),
            ("reason", "居民代表会议追加"),
            ("key", "more"),
        ];
        assert_eq!(office.post("/budget", &form).await.location(), "/budget?done=set");
        assert_eq!(town.signed_in("auditor").await.post("/budget", &form).await.status, 403);
        town.app.run_due().await.unwrap();
        assert_eq!(town.spendable(LI).await, 30);
        assert!(office.get("/budget").await.text.contains("居民代表会议追加"));
        let waiting = Filter { state: Some(State::Queued), ..Filter::default() };
        assert!(town.read(move |conn| nomination::list(conn, &waiting, 9)).await.is_empty());
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn the_desk_shows_everybody_todays_duty(town: Town) {
        verified(&town, WANG, "C04", "").await;
        let admin = town.signed_in("admin").await;
        assert!(admin.get("/desk").await.text.contains("待评议"));
        let (secretary, now) = (town.user("admin").await, town.app.now());
        town.write(move |conn| closed_session(conn, &secretary, now)).await.unwrap();
        assert!(admin.get("/desk").await.text.contains("href=\"/sessions/1/notice\""));
        let shop = town.signed_in("shop").await.get("/desk").await.text;
        assert!(!shop.contains("待评议") && !shop.contains("评议，公示"));
        let building = town.signed_in("building").await.get("/desk").await.text;
        assert!(building.contains("25日评议") && !building.contains("待公示"));
        for state in ["under-way", "approved", "ended", "all", "submitted"] {
            let list = admin.get(&format!("/nominations?state={state}")).await;
            let found = list.text.contains("王建国");
            assert_eq!(found, matches!(state, "under-way" | "approved" | "all"), "{state}");
        }
    }
}

on_both! {
    async fn what_those_who_decide_got_is_told_as_one_figure(town: Town) {
        verified(&town, WANG, "E10", "邻里都看见了").await;
        published(&town).await;
        after(&town, 4).await;
        let stranger = town.stranger();
        assert!(stranger.get("/notices").await.text.contains("不到5户，不单独公布"));
        // Of five households, each works for the programme; a fifth is made of the first.
        let wang = town.household(WANG).await;
        let door = Door { building: wang.building_id.to_string(), stairwell: "9".to_owned(), room: "901".to_owned() };
        let split = Change::Split { door, head_name: "王小明".to_owned(), people: 1, points: 0 };
        town.change(ask(&wang, split)).await.unwrap();
        for code in HOUSEHOLDS.map(|(code, ..)| code).into_iter().chain(["C01-G01-B001-9-901"]) {
            let home = town.read(move |conn| household::by_code(conn, code)).await;
            let flagged = AskChange { effective_on: day_of(town.app.now()), ..ask(&home, Change::FlagStaff { is_staff: true }) };
            town.change(flagged).await.unwrap();
        }
        let (share, all) = town
            .read(|conn| {
                let all = household::count(conn)?.0;
                Ok((staff_share::of_year(conn, today())?.unwrap(), all))
            })
            .await;
        assert_eq!((share.households, share.of_households), (5, all));
        assert!(share.points > Points::ZERO && share.points <= share.of_points, "{share:?}");
        let page = stranger.get("/notices").await.text;
        assert!(page.contains("共5户") && page.contains(&share.of_hundred_points()), "{page}");
        for (.., head, _) in HOUSEHOLDS {
            assert!(!page.contains(head));
        }
    }
}
