//! What goes when a household is deleted and what stays, and what is thrown away by itself.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use jishan::council::motion::Choice;
use jishan::council::{evidence, member};
use jishan::db::schema::users;
use jishan::error::Error;
use jishan::files::FileName;
use jishan::id::Id;
use jishan::papers::order::Asked;
use jishan::papers::paper::Paper;
use jishan::places::household::Household;
use jishan::registry::change::Change;
use jishan::registry::plan;
use jishan::retention::fate::{FATES, Fate, UNTOUCHED};

use crate::browser::{Answer, Visitor};
use crate::evidence::{id_of, photo, send};
use crate::papers::printed::said;
use crate::registry::ask;
use crate::schema;
use crate::town::{LI, PIN, Town, WANG, hold_session, on_both};

const NAME: &str = "王建国";
const PHONE: &str = "13900001234";
const DOOR: &str = "1单元101";
/// Everything that says who it was.
const TRACES: [&str; 3] = [NAME, PHONE, DOOR];

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Where a text stands, over every column of text of every table.
async fn places_of(town: &Town, text: &'static str) -> Vec<String> {
    town.read(move |conn| {
        let mut found = Vec::new();
        for (table, (_, columns)) in schema::told() {
            for (column, kind, _) in columns {
                if kind != "Text" {
                    continue;
                }
                let query = format!("SELECT count(*) AS count FROM {table} WHERE {column} LIKE '%{text}%'");
                let rows: Vec<Count> = diesel::sql_query(query).load(conn)?;
                if rows[0].count > 0 {
                    found.push(format!("{table} {column}"));
                }
            }
        }
        Ok(found)
    })
    .await
}

/// A year of a household that left its name, its telephone and its door wherever people write.
async fn a_life(town: &Town) -> FileName {
    let told: &'static str = "王建国家，1单元101，电话13900001234";
    let (building, grid, admin) = (
        town.signed_in("building").await,
        town.signed_in("grid").await,
        town.signed_in("admin").await,
    );
    town.earn(WANG, "E08", 1).await;
    // A deed with a photograph, and what its verifier says.
    let fields = [
        ("key", "deed"),
        ("household", WANG),
        ("item", "C02"),
        ("count", "1"),
        ("occurred_on", "2026-11-21"),
        ("note", told),
    ];
    let sent = send(&building, "/nominations", &fields, ("a.jpg", &photo(10))).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let id = id_of(&sent);
    let path = format!("/nominations/{id}/verification");
    let verified = grid
        .post(&path, &[("key", "v"), ("decision", "return"), ("reason", told)])
        .await;
    assert_eq!(verified.status, 303, "{}", verified.text);
    let file = {
        let id = id.clone();
        town.read(move |conn| Ok(evidence::of_nomination(conn, &id)?[0].file().unwrap()))
            .await
    };
    // Its own pages: an appeal with a telephone, a request.
    let wang = town.at_home(WANG).await;
    let page = wang.get("/my/appeal").await.text;
    let subject = page
        .split("name=\"subject\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let appeal = [
        ("key", "appeal"),
        ("subject", subject.as_str()),
        ("claimed_count", "2"),
        ("reason", told),
        ("contact", PHONE),
    ];
    let filed = wang.post("/my/appeal", &appeal).await;
    assert_eq!(filed.status, 303, "{}", filed.text);
    let asked = wang
        .post("/my/requests", &[("key", "r"), ("kind", "deletion"), ("note", told)])
        .await;
    assert_eq!(asked.status, 303);
    // Who may fetch its goods, what is brought home and to where, and a slip that was wrong.
    let proxies = format!("/households/{WANG}/proxies");
    let registered = grid
        .post(
            &proxies,
            &[("name", "王建国的妹妹"), ("relation", "妹妹"), ("until_on", "")],
        )
        .await;
    assert_eq!(registered.status, 303, "{}", registered.text);
    let card = town.issue_card(WANG).await.token();
    let shop = town.signed_in("shop").await;
    let fields = [
        ("key", "sale"),
        ("card", card.as_str()),
        ("quantity.G006", "1"),
        ("pickup", "delivery"),
        ("delivery_note", told),
    ];
    let sold = shop.post("/redemptions", &fields).await;
    assert_eq!(sold.status, 303, "{}", sold.text);
    let wrong = town.redeem("wrong", &card, &[("G006", 1)]).await.unwrap();
    let void = format!("/redemptions/{}/void", wrong.redemption.id);
    assert_eq!(
        shop.post(&void, &[("key", "void"), ("reason", "detail"), ("detail", told)])
            .await
            .status,
        303
    );
    // It is somebody's kin, it objects to its neighbour, and its neighbour's deed names it.
    let chair = town.read(|conn| Ok(member::all(conn)?.remove(0).id)).await;
    let kin = format!("/council/members/{chair}/kin");
    let declared = admin
        .post(&kin, &[("household", WANG), ("relation", "王建国的姐夫")])
        .await;
    assert_eq!(declared.status, 303, "{}", declared.text);
    let fields = [
        ("key", "neighbour"),
        ("household", LI),
        ("item", "C02"),
        ("count", "1"),
        ("occurred_on", "2026-11-21"),
        ("note", "和王建国一起修路"),
    ];
    let made = building.post("/nominations", &fields).await;
    let path = format!("/nominations/{}/verification", id_of(&made));
    let verified = grid.post(&path, &[("key", "w"), ("decision", "approve")]).await;
    assert_eq!(verified.status, 303, "{}", verified.text);
    let (secretary, now) = (town.user("admin").await, town.app.now());
    let notice = town
        .write(move |conn| hold_session(conn, &secretary, Choice::For, now))
        .await
        .unwrap();
    let slip = format!("{}-1", notice.number);
    let objection = [
        ("key", "objection"),
        ("slip", slip.as_str()),
        ("reason", told),
        ("name", NAME),
        ("contact", PHONE),
    ];
    let objected = town.stranger().post("/objections", &objection).await;
    assert_eq!(objected.status, 303, "{}", objected.text);
    // It has fewer people and leaves.
    let household = town.household(WANG).await;
    let asked = ask(&household, Change::Resize { people: 3 });
    town.change(jishan::registry::change::AskChange {
        reason: told.to_owned(),
        ..asked
    })
    .await
    .unwrap();
    town.change(ask(&household, Change::Leave)).await.unwrap();
    file
}

/// Ninety days later.
pub async fn time_passes(town: &Town) {
    for _ in 0..10 {
        town.app.clock.advance(TimeDelta::days(10));
        town.app.run_due().await.unwrap();
    }
}

/// What the form of a page would send as its key.
fn key(page: &str) -> String {
    let rest = page.split("name=\"key\" value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

pub async fn propose(visitor: &Visitor, basis: &str) -> Answer {
    let path = format!("/households/{WANG}/deletion");
    let key = format!("propose-{basis}");
    visitor.post(&path, &[("key", &key), ("basis", basis)]).await
}

pub async fn confirm(visitor: &Visitor, code: &str) -> Answer {
    let path = format!("/households/{WANG}/deletion/decision");
    let key = format!("confirm-{code}");
    visitor
        .post(&path, &[("key", &key), ("decision", "confirmed"), ("code", code)])
        .await
}

on_both! {
    async fn a_deleted_household_leaves_its_amounts_and_no_trace_of_who_it_was(town: Town) {
        let file = a_life(&town).await;
        let path = format!("/households/{WANG}/deletion");
        for trace in TRACES {
            assert!(places_of(&town, trace).await.len() > 4, "{trace} is hardly anywhere: nothing is tried");
        }
        // Not as long as it may still spend.
        let grid = town.signed_in("grid").await;
        assert!(grid.get(&path).await.text.contains("迁出不满90天"));
        assert_eq!(propose(&grid, "requested").await.status, 409);
        time_passes(&town).await;

        let (grid, admin) = (town.signed_in("grid").await, town.signed_in("admin").await);
        assert!(grid.get("/household-requests").await.text.contains(&path));
        let page = grid.get(&path).await.text;
        for told in ["户主姓名、门牌、人口", "代领人姓名、关系", "好事的照片文件", "每一笔账", "从前的备份里还有", "住户在自己的页面上申请"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert!(!key(&page).is_empty() && !page.contains("迁出后保存期已满"));
        assert_eq!(propose(&grid, "time_over").await.status, 409, "ten years are not over");
        assert_eq!(town.signed_in("auditor").await.post(&path, &[]).await.status, 403);
        assert_eq!(town.signed_in("far-grid").await.get(&path).await.status, 404);
        assert_eq!(propose(&grid, "requested").await.location(), format!("{path}?done=proposed"));
        assert_eq!(propose(&grid, "on_paper").await.status, 409, "once is enough");
        // Two people, and the right code.
        assert_eq!(confirm(&grid, WANG).await.status, 409);
        assert_eq!(confirm(&admin, LI).await.status, 422);
        assert_eq!(town.household(WANG).await.head_name, NAME, "nothing was done so far");
        assert!(town.app.files.read(&file).is_ok());
        let before = town.read(jishan::ledger::balance::tip).await;
        for _ in 0..2 {
            assert_eq!(confirm(&admin, WANG).await.location(), format!("{path}?done=deleted"), "sent twice, done once");
        }

        for trace in TRACES {
            assert_eq!(places_of(&town, trace).await, Vec::<String>::new(), "{trace}");
        }
        assert!(matches!(town.app.files.read(&file), Err(Error::NotFound)));
        assert_eq!(town.read(jishan::ledger::balance::tip).await, before, "the chain is as it was");
        town.expect_books_hold().await;
        // What stays is found under the code; nobody comes back, and nobody signs in.
        let statement = admin.get(&format!("/households/{WANG}/statement")).await;
        assert!(statement.status == 200 && statement.text.contains("已删除") && statement.text.contains("30"), "{}", statement.text);
        let asked = Asked {
            household: Some(WANG.to_owned()),
            ..Asked::default()
        };
        let paper = said(&town, Paper::Statement, asked).await;
        assert!(paper.contains("已删除") && paper.contains(WANG), "{paper}");
        assert!(admin.get(&path).await.text.contains("资料已删除"));
        let back = ask(&town.household(WANG).await, Change::Rejoin);
        let now = town.app.now();
        let refused = town.app.db.read(move |conn| plan::plan(conn, &back, now).map(|_| ())).await;
        assert_eq!(refused.unwrap_err().code(), "household_deleted");
        let id = town.household(WANG).await.id;
        let cards = town.read(move |conn| jishan::cards::card::of_household(conn, &id)).await;
        assert!(cards.iter().all(|card| card.stopped_at.is_some()));
        let number = cards.last().unwrap().number.clone();
        let scanned = town.stranger().get(&format!("/K/{}", number.as_str())).await;
        assert!(!scanned.text.contains("王") && !scanned.text.contains("name=\"pin\""), "{}", scanned.text);
        let answer = town.stranger().post_bare("/my", &[("card", number.as_str()), ("pin", PIN)]).await;
        assert_eq!(answer.status, 403);
        // The record keeps who, when and which code.
        let record = town.signed_in("auditor").await.get("/audit").await.text;
        assert!(record.contains("删除住户资料") && record.contains(WANG));
        let told = town.signed_in("auditor").await.get("/retention").await.text;
        assert!(told.contains("住户资料") && told.contains(WANG));
        // The neighbour's words are still there, without the name.
        let rows = places_of(&town, "和已删除一起修路").await;
        assert_eq!(rows, ["nominations note"]);
    }
}

on_both! {
    async fn a_second_person_may_refuse_and_ten_years_need_no_request(town: Town) {
        let household = town.household(WANG).await;
        town.change(ask(&household, Change::Leave)).await.unwrap();
        time_passes(&town).await;
        let (grid, admin) = (town.signed_in("grid").await, town.signed_in("admin").await);
        assert_eq!(propose(&grid, "requested").await.status, 409, "nobody asked");
        assert_eq!(propose(&grid, "on_paper").await.status, 303);
        let path = format!("/households/{WANG}/deletion/decision");
        assert_eq!(admin.post(&path, &[("key", "x"), ("decision", "refused")]).await.status, 303);
        assert_eq!(town.household(WANG).await.head_name, NAME);
        town.app.clock.advance(TimeDelta::days(3_660));
        let (grid, admin) = (town.signed_in("grid").await, town.signed_in("admin").await);
        assert_eq!(propose(&grid, "time_over").await.status, 303);
        assert_eq!(confirm(&admin, WANG).await.status, 303);
        assert!(town.household(WANG).await.is_deleted());
        assert_eq!(town.household(WANG).await.masked_name(), "已删除");
        let path = format!("/households/{WANG}/deletion");
        let again = grid.post(&path, &[("key", "again"), ("basis", "on_paper")]).await;
        assert_eq!(again.status, 409, "there is nothing left to delete");
    }
}

on_both! {
    async fn a_household_that_was_merged_into_it_goes_with_it(town: Town) {
        town.earn(LI, "E08", 1).await;
        town.change(ask(&town.household(LI).await, Change::Merge { into: WANG.to_owned() })).await.unwrap();
        town.change(ask(&town.household(WANG).await, Change::Leave)).await.unwrap();
        time_passes(&town).await;
        let (grid, admin) = (town.signed_in("grid").await, town.signed_in("admin").await);
        // The one that is no more of its own is deleted with the other and not alone.
        let alone = grid.post(&format!("/households/{LI}/deletion"), &[("key", "alone"), ("basis", "on_paper")]).await;
        assert_eq!(alone.status, 409, "{}", alone.text);
        assert_eq!(propose(&grid, "on_paper").await.status, 303);
        assert_eq!(confirm(&admin, WANG).await.status, 303);
        for code in [WANG, LI] {
            assert!(town.household(code).await.is_deleted(), "{code}");
        }
        for name in [NAME, "李玉山"] {
            assert_eq!(places_of(&town, name).await, Vec::<String>::new(), "{name}");
        }
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn whoever_still_works_for_the_programme_is_not_deleted_and_decides_nothing_of_the_own_home(town: Town) {
        let id = town.household(WANG).await.id;
        let lives_there = async |name: &'static str, home: Option<Id<Household>>| {
            town.write(move |conn| {
                let user = users::table.filter(users::name.eq(name));
                Ok(diesel::update(user).set(users::household_id.eq(home)).execute(conn)?)
            })
            .await
            .unwrap();
        };
        lives_there("shop", Some(id.clone())).await;
        town.change(ask(&town.household(WANG).await, Change::Leave)).await.unwrap();
        time_passes(&town).await;
        let grid = town.signed_in("grid").await;
        let serves = propose(&grid, "on_paper").await;
        assert!(serves.status == 409 && serves.text.contains("工作人员账号没有停用"), "{}", serves.text);
        lives_there("shop", None).await;
        lives_there("admin", Some(id)).await;
        let own = propose(&town.signed_in("admin").await, "on_paper").await;
        assert!(own.status == 409 && own.text.contains("这是您自己家"), "{}", own.text);
    }
}

on_both! {
    async fn a_namesakes_name_stays_in_other_peoples_words(town: Town) {
        let household = town.household(WANG).await;
        let building = town.signed_in("building").await;
        let fields = [
            ("key", "neighbour"), ("household", LI), ("item", "C02"), ("count", "1"), ("occurred_on", "2026-11-21"), ("note", "和王建国一起修路"),
        ];
        assert_eq!(building.post("/nominations", &fields).await.status, 303);
        let li = town.household(LI).await;
        town.change(ask(&li, Change::ChangeHead { head_name: NAME.to_owned() })).await.unwrap();
        town.change(ask(&household, Change::Leave)).await.unwrap();
        time_passes(&town).await;
        let (grid, admin) = (town.signed_in("grid").await, town.signed_in("admin").await);
        assert!(grid.get(&format!("/households/{WANG}/deletion")).await.text.contains("还有同名的人"));
        propose(&grid, "on_paper").await;
        assert_eq!(confirm(&admin, WANG).await.status, 303);
        assert_eq!(places_of(&town, NAME).await, ["households head_name", "nominations note"], "the namesake's own");
    }
}

#[test]
fn every_table_has_its_fate() {
    let decided: Vec<&str> = FATES
        .iter()
        .map(|line| line.table)
        .chain(UNTOUCHED.iter().copied())
        .collect();
    let tables: BTreeSet<String> = schema::told().into_keys().collect();
    let once: BTreeSet<String> = decided.iter().map(|table| (*table).to_owned()).collect();
    assert_eq!(once, tables);
    assert_eq!(decided.len(), tables.len(), "a table has one fate");
    // Words that are named are there, and in the books those that the guards let go.
    let told = schema::told();
    for line in FATES {
        let (Fate::Overwritten(words) | Fate::OverwrittenInTheBooks(words)) = line.fate else {
            continue;
        };
        for word in words {
            assert!(
                told[line.table]
                    .1
                    .iter()
                    .any(|(column, kind, _)| column == word && kind == "Text"),
                "{} {word}",
                line.table
            );
        }
        let in_the_books = matches!(line.fate, Fate::OverwrittenInTheBooks(_));
        assert_eq!(in_the_books, schema::is_never_changed(line.table), "{}", line.table);
    }
}

on_both! {
    async fn what_is_over_goes_by_itself_and_leaves_a_line(town: Town) {
        let page = format!("/households/{WANG}");
        assert_eq!(town.signed_in("grid").await.get(&page).await.status, 200);
        let now = async || town.signed_in("auditor").await.get("/retention").await.text;
        assert!(now().await.contains("1条") && now().await.contains("2028年11月22日") && now().await.contains("还没有删过什么"));
        town.app.clock.advance(TimeDelta::days(730));
        town.app.run_due().await.unwrap();
        assert!(now().await.contains("1条"), "two years are not over");
        town.app.clock.advance(TimeDelta::days(2));
        for _ in 0..2 {
            town.app.run_due().await.unwrap();
        }
        let after = now().await;
        assert!(after.contains("0条") && after.matches("查阅记录").count() == 1, "{after}");
        assert_eq!(town.signed_in("grid").await.get("/retention").await.status, 403);
    }
}
