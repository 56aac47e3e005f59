//! The end of a year: the list of awards, the programme of the ceremony, and certificates and plaques in bulk; who is named
//! where, and that nothing is printed of a title that nobody holds.

use std::fs;
use std::time::Duration;

use chrono::TimeDelta;
use diesel::RunQueryDsl as _;
use jishan::clock::day_of;
use jishan::dividends::dividend;
use jishan::error::Error;
use jishan::honours::award::TitleAward;
use jishan::papers::job::{self, Kind, Plan, PrintJob, PrintPart, State};
use jishan::papers::order::{Asked, Order};
use jishan::papers::paper::Paper;
use jishan::places::consent::{self, Purpose};
use jishan::press;
use jishan::registry::change::{AskChange, Change};
use jishan::volunteering::help::{self, Payer, RecordHelp};
use jishan::volunteering::pool;

use crate::browser::Visitor;
use crate::honours::own::share_out;
use crate::honours::{MODEL, PARTY, conferred, define_star};
use crate::papers::printed::{data, said};
use crate::registry::ask;
use crate::town::{LI, Town, WANG, fresh_key, on_both, today};

/// What is asked for: this year, of the whole town.
fn of_2026() -> Asked {
    Asked {
        year: Some("2026".to_owned()),
        ..Asked::default()
    }
}

/// Wang holds a title without a plaque, and Li one that has one.
async fn both_conferred(town: &Town) -> (TitleAward, TitleAward) {
    let one = conferred(town, WANG, MODEL).await;
    (one, conferred(town, LI, PARTY).await)
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

/// As if an appeal had taken the title back.
async fn revoked(town: &Town, award: &TitleAward) {
    let id = award.id.clone();
    town.write(move |conn| {
        let text = format!("UPDATE title_awards SET state = 'revoked' WHERE id = '{id}'");
        diesel::sql_query(text).execute(conn)?;
        Ok(())
    })
    .await
    .unwrap();
}

async fn leaves(town: &Town, code: &'static str) {
    let left = AskChange {
        effective_on: day_of(town.app.now()),
        ..ask(&town.household(code).await, Change::Leave)
    };
    town.change(left).await.unwrap();
}

// ---- The list of awards --------------------------------------------------------------------------------------------

on_both! {
    async fn the_list_names_households_as_the_notice_does_and_those_alone_that_still_hold_something(town: Town) {
        assert!(matches!(data(&town, Paper::AwardList, of_2026()).await, Err(Error::Invalid(_))), "nothing yet");
        let (wangs, _) = both_conferred(&town).await;
        let list = said(&town, Paper::AwardList, of_2026()).await;
        for told in ["2026年", MODEL, PARTY, "王**", "李**", "H1-1", "H2-1", "红白事简办，带头清扫楼道", "下列2户次"] {
            assert!(list.contains(told), "{told}: {list}");
        }
        assert!(list.find(PARTY) < list.find(MODEL), "in the order of the evaluations: {list}");
        for hidden in ["王建国", "李玉山", WANG, "60分", "赞成"] {
            assert!(!list.contains(hidden), "{hidden}: {list}");
        }
        agrees(&town, WANG, &[Purpose::FullNameOnNotice]).await;
        assert!(said(&town, Paper::AwardList, of_2026()).await.contains("王建国"));

        // Both are of the fourth quarter, and of no other year; other areas have their own.
        let quarter = |quarter: &str| Asked { quarter: Some(quarter.to_owned()), ..of_2026() };
        assert!(said(&town, Paper::AwardList, quarter("4")).await.contains("2026年第四季度"));
        let other_area = Asked { area: Some("C01-G02".to_owned()), ..of_2026() };
        for none in [quarter("3"), quarter("5"), Asked { year: Some("2025".to_owned()), ..of_2026() }, other_area] {
            let refused = data(&town, Paper::AwardList, none.clone()).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{none:?}");
        }

        // As a workbook, within one's own area.
        let file = town.signed_in("auditor").await.get("/year-end/file.xlsx?year=2026").await;
        assert!(file.status == 200 && file.text.starts_with("PK"), "{}", file.text);
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"award-list-2026.xlsx\"");
        let far = town.signed_in("far-grid").await;
        assert_eq!(far.get("/year-end/file.xlsx?year=2026").await.status, 422);
        assert_eq!(far.get("/papers/award-list?year=2026").await.status, 422);
        let own = town.signed_in("building").await.get("/papers/award-list?year=2026").await;
        assert!(own.status == 200 && own.text.starts_with("%PDF-"));

        leaves(&town, LI).await;
        let list = said(&town, Paper::AwardList, of_2026()).await;
        assert!(!list.contains("李**") && !list.contains(PARTY) && list.contains("另有1户次"), "{list}");
        revoked(&town, &wangs).await;
        assert!(matches!(data(&town, Paper::AwardList, of_2026()).await, Err(Error::Invalid(_))));
    }
}

// ---- The ceremony --------------------------------------------------------------------------------------------------

/// An hour for which the pool pays.
async fn an_hour(town: &Town) {
    let (admin, grid) = (town.user("admin").await.id, town.user("grid").await);
    let asked = RecordHelp {
        helper: town.household(LI).await.id,
        helped: town.household(WANG).await.id,
        what: "陪着看病".to_owned(),
        helped_on: today(),
        minutes: 60,
        payer: Payer::Pool,
        reason: "家里没有旁人".to_owned(),
    };
    let now = town.app.now();
    town.write(move |conn| {
        pool::set(conn, 2, "先少一点", &admin, &fresh_key(now), now)?;
        help::record(conn, &asked, &grid, &fresh_key(now), now)
    })
    .await
    .unwrap();
}

on_both! {
    async fn the_ceremony_calls_who_agreed_and_counts_the_others(town: Town) {
        an_hour(&town).await;
        assert!(matches!(data(&town, Paper::Ceremony, of_2026()).await, Err(Error::Invalid(_))), "nothing yet");
        let (_, lis) = both_conferred(&town).await;
        define_star(&town, "和睦星").await.unwrap();
        let none = said(&town, Paper::Ceremony, of_2026()).await;
        assert!(none.matches("这个称号有1户领取，不念姓名").count() == 2 && !none.contains("王家"), "{none}");
        assert!(!none.contains("分红") && none.contains("和睦星"), "{none}");
        assert!(none.contains("志愿服务合计1小时"), "{none}");
        // Consent to the notice is none to be called.
        agrees(&town, WANG, &[Purpose::FullNameOnNotice]).await;
        assert_eq!(said(&town, Paper::Ceremony, of_2026()).await, none);

        agrees(&town, WANG, &[Purpose::Broadcast]).await;
        share_out(&town, 10_001).await;
        let asked = Asked {
            place: Some(" 社区活动室 ".to_owned()),
            at: Some("12月28日下午2点".to_owned()),
            ..of_2026()
        };
        let programme = said(&town, Paper::Ceremony, asked).await;
        for told in [
            "请上台：王家。",
            "移风易俗、热心公事、邻里和睦的人家。",
            "地点：社区活动室",
            "时间：12月28日下午2点",
            "2026年文明股分红",
            "把100.01元按荣誉分分给1户，各户合计100.01元",
        ] {
            assert!(programme.contains(told), "{told}: {programme}");
        }
        assert_eq!(programme.matches("不念姓名").count(), 2, "Li, and whoever has a star: {programme}");
        for hidden in ["王建国", "李玉山", "李家", WANG, "1号楼"] {
            assert!(!programme.contains(hidden), "{hidden}: {programme}");
        }
        let long = Asked { place: Some("社".repeat(41)), ..of_2026() };
        assert!(matches!(data(&town, Paper::Ceremony, long).await, Err(Error::Invalid(_))));

        // What was annulled, revoked or agreed to no more is not read out.
        let (council, now) = (town.user("council").await.id, town.app.now());
        town.write(move |conn| dividend::annul(conn, 1, "金额错了", &council, now)).await.unwrap();
        agrees(&town, WANG, &[]).await;
        revoked(&town, &lis).await;
        let programme = said(&town, Paper::Ceremony, of_2026()).await;
        assert!(!programme.contains("王家") && !programme.contains(PARTY) && !programme.contains("分红"), "{programme}");
    }
}

// ---- Certificates and plaques --------------------------------------------------------------------------------------

async fn plan(town: &Town, kind: Kind, asked: Asked) -> Result<Plan, Error> {
    let order = Order {
        asked,
        duties: None,
        now: town.app.now(),
    };
    town.app.db.read(move |conn| job::plan(conn, kind, order)).await
}

async fn ask_for(town: &Town, kind: Kind) -> (PrintJob, Vec<PrintPart>) {
    let (plan, now) = (plan(town, kind, of_2026()).await.unwrap(), town.app.now());
    town.write(move |conn| {
        let job = job::ask(conn, &plan, job::COMMAND_LINE, now)?;
        let parts = job::parts(conn, &job.id)?;
        Ok((job, parts))
    })
    .await
    .unwrap()
}

async fn parts_of(town: &Town, job: &PrintJob) -> Vec<PrintPart> {
    let id = job.id.clone();
    town.read(move |conn| job::parts(conn, &id)).await
}

async fn set_running(town: &Town, job: &PrintJob, running: bool) {
    let id = job.id.clone();
    town.write(move |conn| job::set_running(conn, &id, running))
        .await
        .unwrap();
}

on_both! {
    async fn certificates_and_plaques_are_a_file_for_each_title_and_go_on_where_they_stopped(town: Town) {
        both_conferred(&town).await;
        let app = town.app.clone();
        let (plaques, parts) = ask_for(&town, Kind::Plaques).await;
        assert_eq!(parts.iter().map(|part| (part.name.as_str(), part.papers)).collect::<Vec<_>>(), [(PARTY, 1)]);
        let (job, parts) = ask_for(&town, Kind::Certificates).await;
        let named: Vec<(&str, i64)> = parts.iter().map(|part| (part.name.as_str(), part.papers)).collect();
        assert_eq!(named, [(PARTY, 1), (MODEL, 1)]);

        let folder = tempfile::tempdir().unwrap();
        set_running(&town, &job, false).await;
        assert_eq!(press::run(&app, &job.id, folder.path(), |_| ()).await.unwrap().state, State::Cancelled);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        set_running(&town, &job, true).await;
        // Who got a title since is on the next job, not on this one.
        assert_eq!(press::run(&app, &job.id, folder.path(), |_| ()).await.unwrap().state, State::Done);
        for file in [format!("001-{PARTY}.pdf"), format!("002-{MODEL}.pdf")] {
            assert!(fs::read(folder.path().join(&file)).unwrap().starts_with(b"%PDF-"), "{file}");
        }
        assert!(parts_of(&town, &job).await.iter().all(|part| part.problems.is_empty()));
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(press::run(&app, &plaques.id, folder.path(), |_| ()).await.unwrap().state, State::Done);
        assert!(folder.path().join(format!("001-{PARTY}.pdf")).exists());
    }
}

on_both! {
    async fn what_is_not_held_any_more_is_not_printed_and_said_so(town: Town) {
        let (wangs, _) = both_conferred(&town).await;
        let app = town.app.clone();
        let (job, _) = ask_for(&town, Kind::Certificates).await;
        // Between the asking and the printing one title is taken back, and one household moves away.
        revoked(&town, &wangs).await;
        leaves(&town, LI).await;
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(press::run(&app, &job.id, folder.path(), |_| ()).await.unwrap().state, State::Done);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let problems: Vec<String> = parts_of(&town, &job).await.into_iter().map(|part| part.problems).collect();
        let told = |code: &str| format!("{code}：已经不持有这个称号，或者已经迁出，没有打印。");
        assert_eq!(problems, [told(LI), told(WANG)]);
        // And whoever asks now is told that there is nothing.
        for kind in [Kind::Certificates, Kind::Plaques] {
            assert!(matches!(plan(&town, kind, of_2026()).await, Err(Error::Invalid(_))));
        }
    }
}

on_both! {
    async fn a_title_whose_term_is_over_or_that_is_of_another_season_is_not_printed(town: Town) {
        both_conferred(&town).await;
        for (year, quarter, may) in [("2026", "", true), ("2026", "4", true), ("2026", "1", false), ("2025", "", false), ("20", "", false)] {
            let asked = Asked { year: Some(year.to_owned()), quarter: Some(quarter.to_owned()), ..Asked::default() };
            assert_eq!(plan(&town, Kind::Certificates, asked).await.is_ok(), may, "{year} {quarter}");
        }
        let of_one = |code: &str| Asked { household: Some(code.to_owned()), ..of_2026() };
        assert!(plan(&town, Kind::Plaques, of_one(LI)).await.is_ok());
        assert!(plan(&town, Kind::Plaques, of_one(WANG)).await.is_err(), "a title without a plaque");
        town.app.clock.advance(TimeDelta::days(400));
        assert!(matches!(plan(&town, Kind::Certificates, of_2026()).await, Err(Error::Invalid(_))));
        // They were given all the same.
        assert!(said(&town, Paper::AwardList, of_2026()).await.contains(MODEL));
    }
}

// ---- The pages -----------------------------------------------------------------------------------------------------

/// The page of a job once it is done.
async fn done(visitor: &Visitor, path: &str) -> String {
    let mut page = visitor.get(path).await.text;
    for _ in 0..600 {
        if page.contains("已完成") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        page = visitor.get(path).await.text;
    }
    page
}

on_both! {
    async fn the_page_has_everything_of_a_year_for_whoever_may(town: Town) {
        let admin = town.signed_in("admin").await;
        let empty = admin.get("/year-end").await;
        assert!(empty.status == 200 && empty.text.contains("2026年还没有授予称号"), "{}", empty.text);
        let (_, lis) = both_conferred(&town).await;
        share_out(&town, 10_001).await;
        // Days have gone by, and the session with them.
        let admin = town.signed_in("admin").await;
        let page = admin.get("/year-end").await.text;
        for told in [MODEL, PARTY, "/papers/award-list?year=2026", "/papers/ceremony", "/dividends/1", "全年2张", "全年1张"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert!(!page.contains("王建国") && !page.contains(WANG), "numbers only: {page}");
        revoked(&town, &lis).await;
        let page = admin.get("/year-end?year=2026").await.text;
        assert!(page.contains("全年1张") && page.contains("全年0张"), "{page}");
        assert_eq!(admin.get("/year-end?year=now").await.status, 422);

        let grid = town.signed_in("grid").await.get("/year-end").await.text;
        assert!(grid.contains(MODEL) && !grid.contains("打印全部奖状") && !grid.contains("/dividends/1"), "{grid}");
        let far = town.signed_in("far-grid").await.get("/year-end").await.text;
        assert!(far.contains("还没有授予称号") && !far.contains(MODEL), "{far}");
        for linked in ["/titles", "/titles/year", "/papers"] {
            assert!(admin.get(linked).await.text.contains("href=\"/year-end\""), "{linked}");
        }
    }
}

on_both! {
    async fn whoever_prints_one_certificate_prints_them_all_and_nobody_else(town: Town) {
        both_conferred(&town).await;
        let form = |kind: &'static str| [("kind", kind), ("area", ""), ("year", "2026"), ("quarter", "4")];
        let council = town.signed_in("council").await;
        let asked = council.post("/print-jobs", &form("certificates")).await;
        assert_eq!(asked.status, 303, "{}", asked.text);
        let path = asked.location().to_owned();
        let page = done(&council, &path).await;
        assert!(page.contains("2份，共2份") && page.contains(MODEL), "{page}");
        let file = council.get(&format!("{path}/files/2")).await;
        assert!(file.status == 200 && file.text.starts_with("%PDF-"));
        // Statements of whole buildings are for whoever carries cards there, and titles are not.
        assert_eq!(council.post("/print-jobs", &form("statements")).await.status, 403);
        let grid = town.signed_in("grid").await;
        for kind in ["certificates", "plaques"] {
            assert_eq!(grid.post("/print-jobs", &form(kind)).await.status, 403, "{kind}");
        }
        let auditor = town.signed_in("auditor").await.get("/print-jobs").await;
        assert!(auditor.text.contains("您的职责里没有要批量打印的") && !auditor.text.contains("name=\"kind\""));
        // What is wrong is said above the form.
        let wrong = council.post("/print-jobs", &[("kind", "plaques"), ("year", "2025")]).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("没有荣誉牌要打印"), "{}", wrong.text);
    }
}
