//! Home visits: three judges, the median, a reason for what is far off, nobody marks at home, and one item a month.

use jishan::council::member::{self, Appoint};
use jishan::council::nomination::{self, Decision, Nomination, State as Stand, Verify};
use jishan::council::visit::closing::{self, Close};
use jishan::council::visit::writing::{self, Write};
use jishan::council::visit::{self, Entry, Home, Make, NewJudge, Outcome, State, Visit, VisitSheet};
use jishan::error::Result;
use jishan::id::Id;
use jishan::papers::order::Asked;
use jishan::papers::paper::Paper;
use jishan::places::area::Tree;

use crate::papers::printed;
use crate::town::{FAR, HOUSEHOLDS, LI, Town, WANG, on_both, today};

fn key(town: &Town) -> String {
    Id::<VisitSheet>::new(town.app.now()).to_string()
}

fn judge(name: &str) -> NewJudge {
    NewJudge {
        name: name.to_owned(),
        ..NewJudge::default()
    }
}

/// A sheet of the first building: the grid worker with a phone, and two neighbours on paper.
pub async fn sheet(town: &Town) -> VisitSheet {
    make(town, vec![]).await.unwrap()
}

async fn make(town: &Town, judges: Vec<NewJudge>) -> Result<VisitSheet> {
    let grid = town.user("grid").await;
    let mut judges = judges;
    if judges.is_empty() {
        let phone = NewJudge {
            user: Some(grid.id.clone()),
            ..judge("")
        };
        judges = vec![phone, judge("张评委"), judge("李评委")];
    }
    let building = town.household(WANG).await.building_id;
    let mut households = Vec::new();
    for (code, _, at) in HOUSEHOLDS {
        if at == 0 {
            households.push(town.household(code).await.id);
        }
    }
    let asked = Make {
        building,
        visited_on: today(),
        households,
        judges,
        by: grid.id,
        key: key(town),
    };
    let now = town.app.now();
    town.write(move |conn| visit::make(conn, &asked, now)).await
}

/// Writes a row as `by`: an empty place leaves that judge out.
async fn mark(town: &Town, sheet: &VisitSheet, by: &'static str, row: i64, marks: [Option<i64>; 3]) -> Result<()> {
    let marks = (1..)
        .zip(marks)
        .filter_map(|(judge, mark)| Some((judge, Some(mark?), String::new())));
    write(town, sheet, by, row, Entry::AtHome, marks.collect()).await
}

pub async fn write(
    town: &Town,
    sheet: &VisitSheet,
    by: &'static str,
    row: i64,
    entry: Entry,
    marks: Vec<(i64, Option<i64>, String)>,
) -> Result<()> {
    let asked = Write {
        sheet: sheet.id.clone(),
        row,
        entry,
        marks,
        by: town.user(by).await,
        key: key(town),
    };
    let now = town.app.now();
    town.write(move |conn| writing::write(conn, &asked, now)).await
}

async fn close(town: &Town, sheet: &VisitSheet, by: &'static str) -> Result<VisitSheet> {
    let asked = Close {
        sheet: sheet.id.clone(),
        by: town.user(by).await,
        key: key(town),
    };
    let now = town.app.now();
    town.write(move |conn| closing::close(conn, &asked, now)).await
}

async fn load(town: &Town, sheet: &VisitSheet) -> Visit {
    let id = sheet.id.clone();
    town.read(move |conn| visit::load(conn, &id)).await
}

pub async fn row(town: &Town, sheet: &VisitSheet, row: i64) -> Home {
    let visit = load(town, sheet).await;
    visit.homes.into_iter().find(|home| home.row.position == row).unwrap()
}

async fn nominations(town: &Town) -> Vec<Nomination> {
    town.read(|conn| nomination::list(conn, &nomination::Filter::default(), 99))
        .await
}

async fn item_of(town: &Town, home: &Home) -> String {
    let id = home.row.nomination_id.clone().unwrap();
    let nomination = town.read(move |conn| nomination::by_id(conn, &id)).await;
    let item = nomination.scoring_item_id;
    town.read(move |conn| Ok(jishan::scheme::item::by_id(conn, &item)?.0.code))
        .await
}

on_both! {
    async fn the_median_counts_and_makes_one_nomination_each(town: Town) {
        let sheet = sheet(&town).await;
        assert_eq!(sheet.code.len(), 6);
        // 85 and more is tidy, 70 and more is fairly tidy, less is nothing.
        mark(&town, &sheet, "grid", 1, [Some(90), Some(85), Some(80)]).await.unwrap();
        mark(&town, &sheet, "grid", 2, [Some(84), Some(99), Some(70)]).await.unwrap();
        let refused = close(&town, &sheet, "grid").await.unwrap_err();
        assert_eq!(refused.code(), "sheet_unfinished");
        assert!(refused.to_string().contains("第03行"));
        mark(&town, &sheet, "grid", 3, [Some(69), Some(60), Some(70)]).await.unwrap();
        assert_eq!(load(&town, &sheet).await.homes.iter().map(Home::median).collect::<Vec<_>>(), [Some(85), Some(84), Some(69)]);
        let closed = close(&town, &sheet, "grid").await.unwrap();
        assert_eq!(closed.state, State::Closed);
        let visit = load(&town, &sheet).await;
        let outcomes: Vec<_> = visit.homes.iter().map(|home| home.row.outcome.unwrap()).collect();
        assert_eq!(outcomes, [Outcome::Nominated, Outcome::Nominated, Outcome::BelowAll]);
        assert_eq!((item_of(&town, &visit.homes[0]).await.as_str(), item_of(&town, &visit.homes[1]).await.as_str()), ("D01", "D02"));
        let made = nominations(&town).await;
        assert_eq!(made.len(), 2);
        let grid = town.user("grid").await.id;
        assert!(made.iter().all(|one| one.state == Stand::Submitted && one.nominated_by.as_ref() == Some(&grid)));
        // Verified by somebody else, as any other.
        for (by, right) in [("grid", false), ("council", true)] {
            let asked = Verify {
                nomination: made[0].id.clone(),
                decision: Decision::Approve,
                reason: String::new(),
                by: town.user(by).await,
                key: key(&town),
            };
            let now = town.app.now();
            assert_eq!(town.write(move |conn| nomination::verify(conn, &asked, now)).await.is_ok(), right, "{by}");
        }
        // Nothing can be put right any more.
        assert_eq!(mark(&town, &sheet, "grid", 3, [Some(90), None, None]).await.unwrap_err().code(), "sheet_not_open");
        assert_eq!(close(&town, &sheet, "grid").await.unwrap_err().code(), "sheet_not_open");
        assert_eq!(nominations(&town).await.len(), 2);
    }
}

on_both! {
    async fn a_mark_far_off_needs_a_reason(town: Town) {
        let sheet = sheet(&town).await;
        for row in [2, 3] {
            mark(&town, &sheet, "grid", row, [Some(80), Some(80), Some(80)]).await.unwrap();
        }
        // Fifteen from the median is near enough, sixteen is not.
        mark(&town, &sheet, "grid", 1, [Some(90), Some(85), Some(70)]).await.unwrap();
        assert!(!row(&town, &sheet, 1).await.misses_reason(&load(&town, &sheet).await.terms));
        mark(&town, &sheet, "grid", 1, [None, None, Some(69)]).await.unwrap();
        let refused = close(&town, &sheet, "grid").await.unwrap_err();
        assert_eq!(refused.code(), "reasons_missing");
        assert!(refused.to_string().contains("第01行"));
        let reason = vec![(3, Some(69), "厨房没有收拾".to_owned())];
        write(&town, &sheet, "grid", 1, Entry::AtHome, reason).await.unwrap();
        assert!(close(&town, &sheet, "grid").await.is_ok());
        assert_eq!(item_of(&town, &row(&town, &sheet, 1).await).await, "D01");
    }
}

on_both! {
    async fn who_is_not_met_is_not_marked_and_not_harmed(town: Town) {
        let sheet = sheet(&town).await;
        write(&town, &sheet, "grid", 1, Entry::Absent, vec![]).await.unwrap();
        write(&town, &sheet, "grid", 2, Entry::Declined, vec![]).await.unwrap();
        mark(&town, &sheet, "grid", 3, [Some(90), Some(90), Some(90)]).await.unwrap();
        // A row with marks was met; the marks go first.
        let absent = write(&town, &sheet, "grid", 3, Entry::Absent, vec![]).await;
        assert_eq!(absent.unwrap_err().code(), "row_has_marks");
        let cleared = (1..=3).map(|judge| (judge, None, String::new())).collect();
        write(&town, &sheet, "grid", 3, Entry::Absent, cleared).await.unwrap();
        mark(&town, &sheet, "grid", 3, [Some(90), Some(90), Some(90)]).await.unwrap();
        close(&town, &sheet, "grid").await.unwrap();
        let outcomes: Vec<_> = load(&town, &sheet).await.homes.iter().map(|home| home.row.outcome.unwrap()).collect();
        assert_eq!(outcomes, [Outcome::NotVisited, Outcome::NotVisited, Outcome::Nominated]);
        assert_eq!(nominations(&town).await.len(), 1);
    }
}

on_both! {
    async fn a_judge_steps_back_from_home_and_kin(town: Town) {
        // Zhang sits in the council, lives in the first home, and declared the second as his brother's.
        let (wang, li) = (town.household(WANG).await.id, town.household(LI).await.id);
        let (admin, now, home) = (town.user("admin").await.id, town.app.now(), wang.clone());
        town.write(move |conn| {
            let root = Tree::load(conn)?.root().unwrap().id.clone();
            let asked = Appoint {
                area: root,
                name: "张评委".to_owned(),
                user: None,
                household: Some(home),
                appointed_on: today(),
                term_ends_on: jishan::clock::days_after(today(), 300),
                by: admin.clone(),
                key: "appoint".to_owned(),
            };
            let seat = member::appoint(conn, &asked, now)?;
            member::declare_kin(conn, &seat.id, &li, "弟弟", &admin, now)
        })
        .await
        .unwrap();
        let zhang = NewJudge { household: Some(wang), ..judge("张评委") };
        let sheet = make(&town, vec![zhang, judge("李评委"), judge("赵评委")]).await.unwrap();
        // The judge's own paper says so, why it does not.
        for (judge, steps_back) in [(1, 2), (2, 0)] {
            let asked = Asked { count: Some(judge), ..printed::number(&sheet.code) };
            let paper = printed::said(&town, Paper::ScoreSheet, asked).await;
            assert_eq!(paper.matches("（回避）").count(), steps_back, "{paper}");
            assert!(!paper.contains("弟弟"));
        }
        for row in [1, 2] {
            let refused = mark(&town, &sheet, "grid", row, [Some(100), None, None]).await.unwrap_err();
            assert_eq!(refused.code(), "judge_steps_back", "{row}");
            mark(&town, &sheet, "grid", row, [None, Some(84), Some(85)]).await.unwrap();
        }
        mark(&town, &sheet, "grid", 3, [Some(60), Some(60), Some(60)]).await.unwrap();
        close(&town, &sheet, "grid").await.unwrap();
        // Two marks are left: between them, rounded up for the household.
        assert_eq!(row(&town, &sheet, 1).await.median(), Some(85));
        assert_eq!(row(&town, &sheet, 2).await.row.outcome, Some(Outcome::Nominated));
    }
}

on_both! {
    async fn a_mark_is_the_judges_own(town: Town) {
        let sheet = sheet(&town).await;
        // The grid worker is judge one and marks on the phone: nobody keys over it.
        mark(&town, &sheet, "grid", 1, [Some(90), None, None]).await.unwrap();
        let over = mark(&town, &sheet, "building", 1, [Some(60), None, None]).await;
        assert_eq!(over.unwrap_err().code(), "marked_by_judge");
        // The same mark in the paper's column changes nothing, and does not disturb.
        mark(&town, &sheet, "building", 1, [Some(90), Some(80), Some(85)]).await.unwrap();
        let home = row(&town, &sheet, 1).await;
        assert_eq!(home.cells[0].mark.as_ref().unwrap().marked_by, town.user("grid").await.id);
        assert_eq!(home.median(), Some(85));
        for wrong in [-1, 101] {
            let refused = mark(&town, &sheet, "grid", 2, [Some(wrong), None, None]).await.unwrap_err();
            assert!(refused.to_string().contains("0至100"), "{wrong}");
        }
        assert_eq!(mark(&town, &sheet, "grid", 9, [Some(1), None, None]).await.unwrap_err().code(), "not_found");
    }
}

on_both! {
    async fn one_item_a_month_and_never_both(town: Town) {
        let first = sheet(&town).await;
        for row in 1..=3 {
            mark(&town, &first, "grid", row, [Some(75), Some(75), Some(75)]).await.unwrap();
        }
        close(&town, &first, "grid").await.unwrap();
        // A second visit in the same month, and better: the month has its item.
        let second = sheet(&town).await;
        for row in 1..=3 {
            mark(&town, &second, "grid", row, [Some(95), Some(95), Some(95)]).await.unwrap();
        }
        close(&town, &second, "council").await.unwrap();
        let outcomes: Vec<_> = load(&town, &second).await.homes.iter().map(|home| home.row.outcome.unwrap()).collect();
        assert_eq!(outcomes, [Outcome::AlreadyThisMonth; 3]);
        assert_eq!(nominations(&town).await.len(), 3);
    }
}

on_both! {
    async fn two_who_close_at_the_same_moment_close_it_once(town: Town) {
        let sheet = sheet(&town).await;
        for row in 1..=3 {
            mark(&town, &sheet, "grid", row, [Some(90), Some(90), Some(90)]).await.unwrap();
        }
        let (one, other) = tokio::join!(close(&town, &sheet, "grid"), close(&town, &sheet, "council"));
        let mut codes = [one.err().map(|error| error.code()), other.err().map(|error| error.code())];
        codes.sort_unstable();
        assert_eq!(codes, [None, Some("sheet_not_open")]);
        assert_eq!(nominations(&town).await.len(), 3);
    }
}

on_both! {
    async fn three_phones_at_once(town: Town) {
        let ids = [town.user("grid").await.id, town.user("building").await.id, town.user("council").await.id];
        let judges = ids.map(|id| NewJudge { user: Some(id), ..judge("") });
        let sheet = make(&town, judges.to_vec()).await.unwrap();
        let phone = async |by: &'static str, column: usize, given: i64| {
            for row in 1..=3 {
                let mut marks = [None; 3];
                marks[column] = Some(given);
                mark(&town, &sheet, by, row, marks).await.unwrap();
            }
        };
        tokio::join!(phone("grid", 0, 90), phone("building", 1, 86), phone("council", 2, 80));
        let visit = load(&town, &sheet).await;
        assert!(visit.homes.iter().all(|home| home.median() == Some(86)));
    }
}

on_both! {
    async fn a_sheet_makes_sense(town: Town) {
        let told = async |judges: Vec<NewJudge>| make(&town, judges).await.unwrap_err().to_string();
        assert!(told(vec![judge("张"), judge("李")]).await.contains("三人"));
        assert!(told(vec![judge("张"), judge("李"), judge(" ")]).await.contains("三位评委"));
        assert!(told(vec![judge("张"), judge("李"), judge("张")]).await.contains("不要重复"));
        let sheet = sheet(&town).await;
        let (id, by, now) = (sheet.id.clone(), town.user("grid").await.id, town.app.now());
        mark(&town, &sheet, "grid", 1, [Some(1), None, None]).await.unwrap();
        let (again, who) = (id.clone(), by.clone());
        let refused = town.write(move |conn| visit::discard(conn, &again, &who, now)).await;
        assert_eq!(refused.unwrap_err().code(), "row_has_marks");
        write(&town, &sheet, "grid", 1, Entry::AtHome, vec![(1, None, String::new())]).await.unwrap();
        let gone = town.write(move |conn| visit::discard(conn, &id, &by, now)).await.unwrap();
        assert_eq!(gone.state, State::Discarded);
        assert_eq!(town.read(|conn| visit::list(conn, None, 9)).await.len(), 0);
    }
}

on_both! {
    async fn a_visit_on_the_pages(town: Town) {
        let (building, grid) = (town.signed_in("building").await, town.signed_in("grid").await);
        // The building head has one building: the form is there at once.
        let form = building.get("/visits/new").await.text;
        assert!(form.contains("王建国") && form.contains("李玉山") && !form.contains("㛃小梅"));
        let home = async |code| town.household(code).await;
        let (wang, li, far) = (home(WANG).await, home(LI).await, home(FAR).await);
        let judge = format!("user:{}", town.user("grid").await.id);
        let key = form.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut fields = vec![
            ("key", key),
            ("building", wang.building_id.as_str()),
            ("visited_on", "2026-11-21"),
            ("judge-1", judge.as_str()),
            ("name-2", "张评委"),
            ("name-3", ""),
            ("home", wang.id.as_str()),
            ("home", li.id.as_str()),
        ];
        let refused = building.post("/visits", &fields).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("请填写三位评委") && refused.text.contains("张评委"));
        fields[5].1 = "李评委";
        let made = building.post("/visits", &fields).await;
        assert_eq!(made.status, 303, "{}", made.text);
        assert_eq!(building.post("/visits", &fields).await.location(), made.location());
        let path = made.location().split('?').next().unwrap().to_owned();
        assert!(building.get("/visits").await.text.contains(&path));
        // On paper: one sheet for all three by hand, and one to tick for each.
        let page = building.get(&path).await.text;
        let code = page.split("/papers/visit-record?id=").nth(1).unwrap().split('"').next().unwrap();
        let paper = printed::said(&town, Paper::VisitRecord, printed::number(code)).await;
        assert!(["王建国", "李玉山", "张评委", "李评委", "未入户"].iter().all(|words| paper.contains(words)), "{paper}");
        assert!(!paper.contains("㛃小梅") && !paper.contains("𠮷永安"), "{paper}");
        for (count, name) in [(1, "网格员甲"), (2, "张评委"), (3, "李评委")] {
            assert!(page.contains(&format!("/papers/score-sheet?id={code}&amp;count={count}")), "{page}");
            let asked = Asked { count: Some(count), ..printed::number(code) };
            let paper = printed::said(&town, Paper::ScoreSheet, asked).await;
            assert!(paper.contains(name) && paper.contains("李玉山") && !paper.contains("㛃小梅"), "{paper}");
        }
        // The judge sees one column, who keys the paper three.
        let marks = format!("{path}/marks");
        assert!(!grid.get(&marks).await.text.contains("mark-2"));
        assert!(building.get(&marks).await.text.contains("mark-2"));
        let own = grid.post(&marks, &[("key", "a"), ("row", "1"), ("entry", "at_home"), ("mark-1", "88")]).await;
        assert_eq!(own.location(), format!("{marks}#row-1"));
        // Until all are in, nobody reads another's mark.
        assert!(!building.get(&path).await.text.contains(">88"));
        let wrong = [("key", "b"), ("row", "1"), ("paper", "1"), ("entry", "at_home"), ("mark-2", "九十")];
        let wrong = building.post(&marks, &wrong).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("评分应为整数"));
        let keyed = [("key", "c"), ("row", "1"), ("paper", "1"), ("mark-1", "88"), ("mark-2", "90"), ("mark-3", "60")];
        assert_eq!(building.post(&marks, &keyed).await.location(), format!("{marks}?paper=1#row-1"));
        building.post(&marks, &[("key", "d"), ("row", "2"), ("entry", "absent"), ("paper", "1")]).await;
        assert!(building.get(&path).await.text.contains("相差大，请写理由"));
        let early = building.post(&format!("{path}/closing"), &[("key", "e")]).await;
        assert_eq!(early.status, 409);
        assert!(early.text.contains("第01行有评分与中位数相差太大"));
        let reason = [("key", "f"), ("row", "1"), ("paper", "1"), ("mark-3", "60"), ("reason-3", "阳台堆满了")];
        building.post(&marks, &reason).await;
        let closed = building.post(&format!("{path}/closing"), &[("key", "g")]).await;
        assert_eq!(closed.location(), format!("{path}?done=closed"));
        let shown = building.get(closed.location()).await.text;
        assert!(shown.contains("为1户作了申报") && shown.contains("D01已申报") && shown.contains("阳台堆满了"));
        assert_eq!(building.get(&marks).await.status, 404);
        // Beyond the own area there is nothing.
        let stranger = town.signed_in("far-grid").await;
        let papers = ["visit-record", "score-sheet"].map(|paper| format!("/papers/{paper}?id={code}"));
        let new = format!("/visits/new?building={}", wang.building_id);
        for path in [path.clone(), marks.clone(), new].into_iter().chain(papers) {
            assert_eq!(stranger.get(&path).await.status, 404, "{path}");
        }
        let mut elsewhere = fields.clone();
        elsewhere[0].1 = "other-key";
        elsewhere[7].1 = far.id.as_str();
        let refused = building.post("/visits", &elsewhere).await;
        assert!(refused.text.contains("不在这栋楼"));
        assert_eq!(town.signed_in("auditor").await.get(&path).await.status, 200);
    }
}
