//! The rules: versions that come into force on their day, and files that say what is wrong in them.

use jishan::clock::Day;
use jishan::council::nomination::{self, Nominate, Nomination, Nominator};
use jishan::error::{Error, Result};
use jishan::scheme::item;
use jishan::scheme::validator::{self, Criterion};
use jishan::scheme::version::{self, SchemeVersion};
use serde_json::{Value, json};

use crate::town::{Town, WANG, on_both, today};

const SAMPLE: &str = include_str!("../samples/scheme.json");

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

async fn load(town: &Town, file: &Value, from: Day) -> Result<SchemeVersion> {
    let (text, now) = (file.to_string(), town.app.now());
    town.write(move |conn| version::load(conn, &text, from, "test", now))
        .await
}

/// The sample with one item changed.
fn with_item(code: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut file: Value = serde_json::from_str(SAMPLE).unwrap();
    let items = file["items"].as_array_mut().unwrap();
    change(items.iter_mut().find(|item| item["code"] == code).unwrap());
    file
}

async fn nominate(town: &Town, key: &str, on: Day) -> Result<Nomination> {
    let (household, by, now) = (
        town.household(WANG).await.id,
        town.user("building").await.id,
        town.app.now(),
    );
    let asked = Nominate {
        household,
        item: "C02".to_owned(),
        count: 1,
        occurred_on: on,
        note: String::new(),
        by: Nominator::Staff(by),
        key: key.to_owned(),
    };
    town.write(move |conn| nomination::nominate(conn, &asked, now)).await
}

on_both! {
    async fn a_deed_cites_the_version_of_its_day(town: Town) {
        // The town has version 1 since the new year: listening to a talk is two points. From 15 November it is three.
        let second = load(
            &town,
            &with_item("C02", |item| item["points"] = json!(3)),
            day("2026-11-15"),
        )
        .await
        .unwrap();
        assert_eq!((second.version, second.active_from), (2, day("2026-11-15")));
        let before = nominate(&town, "before", day("2026-11-14")).await.unwrap();
        let on_the_day = nominate(&town, "on", day("2026-11-15")).await.unwrap();
        assert_eq!((before.points.0, on_the_day.points.0), (2, 3));
        let cited = async |nomination: Nomination| {
            let (item, _) = town
                .read(move |conn| item::by_id(conn, &nomination.scoring_item_id))
                .await;
            item.scheme_version_id
        };
        assert_eq!(cited(on_the_day.clone()).await, second.id);
        assert_ne!(cited(before.clone()).await, second.id);
        // A version that is loaded today for tomorrow changes nothing today, and nothing that stands.
        load(
            &town,
            &with_item("C02", |item| item["points"] = json!(6)),
            day("2026-11-22"),
        )
        .await
        .unwrap();
        assert_eq!(town.read(move |conn| version::in_force(conn, today())).await.version, 2);
        assert_eq!(
            town.read(|conn| version::in_force(conn, day("2026-11-22")))
                .await
                .version,
            3
        );
        let again = town.read(move |conn| nomination::by_id(conn, &before.id)).await;
        assert_eq!(again.points.0, 2);
        // The cap of the month counts a household's deeds under both versions: five of six points are taken.
        let full = nominate(&town, "full", today()).await.unwrap_err();
        assert_eq!(full.code(), "limit_reached");
        // The same day twice: the later version wins.
        load(&town, &with_item("C02", |item| item["points"] = json!(1)), today())
            .await
            .unwrap();
        assert_eq!(nominate(&town, "one", today()).await.unwrap().points.0, 1);
    }
}

on_both! {
    async fn before_the_first_version_there_are_no_rules(town: Town) {
        let none = town
            .read(|conn| {
                Ok(version::in_force(conn, day("2025-12-31"))
                    .map(|_| ())
                    .map_err(|error| error.code()))
            })
            .await;
        assert_eq!(none, Err("not_found"));
        // The public page shows the rules of today, with nothing personal.
        let page = town.stranger().get("/scheme").await;
        assert_eq!(page.status, 200);
        for told in ["参加讲习、法治、技能讲堂", "C02", "2026年1月1日"] {
            assert!(page.text.contains(told), "{told}");
        }
        let found = town.stranger().get("/scheme?q=E08").await.text;
        assert!(found.contains("见义勇为") && !found.contains("参加讲习"));
    }
}

fn sentences(error: Error) -> Vec<String> {
    match error {
        Error::Invalid(fields) => fields.into_iter().map(|field| field.message).collect(),
        other => panic!("{other:?}"),
    }
}

on_both! {
    async fn a_file_with_mistakes_names_each_of_them_and_is_not_loaded(town: Town) {
        let mut file: Value = serde_json::from_str(SAMPLE).unwrap();
        let all = file["items"].as_array_mut().unwrap();
        all[0]["points"] = json!(0);
        all[1]["points"] = json!(-3);
        all[2]["cap"] = json!(1);
        all[3]["evidence"] = json!(" ");
        all[4]["category"] = json!("Z");
        all[5]["cap_period"] = json!("week");
        all[6]["check_level"] = json!("L9");
        all[7]["name_zh"] = json!("");
        all[9]["code"] = all[8]["code"].clone();
        let wrong = ["A01", "A02", "A03", "A04", "A05", "A06", "A07", "B01", "B02"];
        let told = sentences(load(&town, &file, today()).await.unwrap_err());
        assert_eq!(told.len(), wrong.len(), "{told:?}");
        for (sentence, code) in told.iter().zip(wrong) {
            assert!(sentence.starts_with(&format!("项目 {code}")), "{sentence}");
            assert!(sentence.ends_with('。'), "{sentence}");
        }
        for (nth, why) in [
            (0, "1至100"),
            (1, "负数"),
            (2, "上限"),
            (3, "佐证"),
            (4, "类别"),
            (5, "month、quarter 或 year"),
            (8, "编号重复"),
        ] {
            assert!(told[nth].contains(why), "{}", told[nth]);
        }
        let mut twice: Value = serde_json::from_str(SAMPLE).unwrap();
        let first = twice["categories"][0].clone();
        twice["categories"].as_array_mut().unwrap().push(first);
        assert_eq!(
            load(&town, &twice, today()).await.map(|_| ()).unwrap_err().code(),
            "invalid_request",
            "a category twice"
        );
        // What is not a scheme at all.
        for (text, why) in [
            ("", "第1行"),
            ("{\n\"scheme_code\": 1", "第2行"),
            ("{\"scheme_code\": 1}", "没有方案编号"),
            ("[]", "第1行"),
            ("not json", "第1行"),
        ] {
            let (text, now) = (text.to_owned(), town.app.now());
            let loaded = town
                .write(move |conn| version::load(conn, &text, today(), "test", now))
                .await;
            let told = sentences(loaded.unwrap_err());
            assert!(told[0].contains(why), "{told:?}");
        }
        let mut empty: Value = serde_json::from_str(SAMPLE).unwrap();
        empty["items"] = json!([]);
        assert_eq!(
            sentences(load(&town, &empty, today()).await.unwrap_err()),
            ["方案：方案里没有积分项目。请至少写一个项目。"]
        );
        // Points are whole, as everywhere.
        assert!(
            load(&town, &with_item("C02", |item| item["points"] = json!(2.5)), today())
                .await
                .is_err()
        );
        assert!(
            load(
                &town,
                &with_item("C02", |item| item["points"] = json!(i64::MAX)),
                today()
            )
            .await
            .is_err()
        );
        // Nothing of all this was loaded.
        assert_eq!(
            town.read(|conn| version::in_force(conn, day("9999-12-31")))
                .await
                .version,
            1
        );
    }
}

on_both! {
    async fn the_file_is_kept_word_for_word_and_each_scheme_counts_its_own_versions(town: Town) {
        use diesel::prelude::*;
        use jishan::db::schema::scheme_versions;
        let kept: String = town
            .read(|conn| Ok(scheme_versions::table.select(scheme_versions::document).first(conn)?))
            .await;
        assert_eq!(kept, SAMPLE);
        let mut other: Value = serde_json::from_str(SAMPLE).unwrap();
        other["scheme_code"] = json!("another-scheme");
        assert_eq!(load(&town, &other, today()).await.unwrap().version, 1);
        assert_eq!(load(&town, &other, today()).await.unwrap().version, 2);
    }
}

// ---- The validator ---------------------------------------------------------------------------------------------------

/// A rule of a fixture, made into an item of the sample scheme.
fn item_of(rule: &Value) -> Value {
    let mut item = json!({
        "code": "Z01", "category": "C", "points": 2, "per": "time", "cap": 4, "cap_period": "month",
        "evidence": "签到表", "nominator": "grid_worker", "check_level": "L1",
    });
    for (field, value) in rule.as_object().unwrap() {
        match value {
            Value::Null => item.as_object_mut().unwrap().remove(field),
            value => item.as_object_mut().unwrap().insert(field.clone(), value.clone()),
        };
    }
    item
}

/// What the validator finds about each of these rules beside the sample's own.
fn found_about(rules: &[Value]) -> Vec<Vec<validator::Finding>> {
    let mut file: Value = serde_json::from_str(SAMPLE).unwrap();
    let items = file["items"].as_array_mut().unwrap();
    let own = items.len();
    items.extend(rules.iter().enumerate().map(|(nth, rule)| {
        let mut item = item_of(rule);
        if item["code"] == "Z01" {
            item["code"] = json!(format!("Z{nth:03}"));
        }
        item
    }));
    let mut about = vec![Vec::new(); rules.len()];
    for finding in validator::validate(&file.to_string()) {
        match finding.place {
            validator::Place::Item { nth, .. } => about[nth - own].push(finding),
            ref other => panic!("{other}"),
        }
    }
    about
}

fn rules_of(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_sample_passes_with_either_punctuation() {
    assert_eq!(validator::validate(SAMPLE), []);
    let half_width = SAMPLE.replace('（', "(").replace('）', ")").replace('，', ",");
    assert_eq!(validator::validate(&half_width), []);
}

#[test]
fn bad_rules_are_found_whatever_their_words() {
    // All sets but the first were written before the validator was tried on them and are kept as they were.
    let sets = [
        rules_of(include_str!("fixtures/rules/bad.json")),
        rules_of(include_str!("fixtures/rules/bad_2.json")),
        rules_of(include_str!("fixtures/rules/bad_3.json")),
        rules_of(include_str!("fixtures/rules/bad_4.json")),
        rules_of(include_str!("fixtures/rules/bad_5.json")),
        rules_of(include_str!("fixtures/rules/bad_6.json")),
    ];
    let mut missed = Vec::new();
    for (rule, found) in sets.iter().flat_map(|rules| rules.iter().zip(found_about(rules))) {
        let wanted = rule["why"].as_str().unwrap();
        let right = match Criterion::from_word(wanted) {
            None => found.iter().any(|finding| !finding.can_be_overridden()),
            Some(_) => found.iter().any(validator::Finding::can_be_overridden),
        };
        if !right {
            missed.push(format!("{rule}: {found:?}"));
        }
        for finding in &found {
            let told = finding.to_string();
            assert!(told.starts_with("项目 ") && told.ends_with('。'), "{told}");
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn good_rules_pass() {
    let sets = [
        rules_of(include_str!("fixtures/rules/good.json")),
        rules_of(include_str!("fixtures/rules/good_2.json")),
        rules_of(include_str!("fixtures/rules/good_3.json")),
        rules_of(include_str!("fixtures/rules/good_4.json")),
        rules_of(include_str!("fixtures/rules/good_5.json")),
        rules_of(include_str!("fixtures/rules/good_6.json")),
    ];
    let found = sets.iter().flat_map(|rules| found_about(rules)).flatten();
    let found: Vec<String> = found.map(|finding| finding.to_string()).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_text_of_a_file_is_read() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut file: Value = serde_json::from_str(SAMPLE).unwrap();
        change(&mut file);
        let found = validator::validate(&file.to_string());
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let bad = "不上访的家庭";
    for (told, found) in [
        ("项目 A01 ", changed(&|file| file["items"][0]["evidence"] = json!(bad))),
        ("项目 A01 ", changed(&|file| file["items"][0]["per"] = json!(bad))),
        (
            "项目 A01 ",
            changed(&|file| file["items"][0]["note"] = json!({"more": [bad]})),
        ),
        (
            "提醒项 N01 ",
            changed(&|file| file["reminders"][0]["name_zh"] = json!("去县里上访")),
        ),
        ("称号 A ", changed(&|file| file["titles"][0]["condition"] = json!(bad))),
        (
            "类别 A ",
            changed(&|file| file["categories"][0]["name_zh"] = json!(bad)),
        ),
        ("方案：", changed(&|file| file["redemption"]["condition"] = json!(bad))),
    ] {
        assert_eq!(found.len(), 1, "{told}: {found:?}");
        assert!(found[0].starts_with(told), "{found:?}");
    }
}

#[test]
fn terms_keep_the_safeguards() {
    let found = |part: &str, field: &str, value: Value| {
        let mut file: Value = serde_json::from_str(SAMPLE).unwrap();
        file[part][field] = value;
        validator::validate(&file.to_string())
    };
    for (part, field, value) in [
        ("cycle", "notice_days", json!(2)),
        ("cycle", "notice_days", json!("3")),
        ("cycle", "appeal_window_days", json!(6)),
        ("cycle", "appeal_decision_days", json!(16)),
        ("caps", "household_per_month", Value::Null),
        ("caps", "household_per_month", json!(0)),
        ("caps", "household_per_year", json!(10)),
        ("caps", "programme_budget_points_per_month", json!(-1)),
        ("expiry", "reminders_days_before", json!([])),
        ("redemption", "cash_out", json!(true)),
        ("redemption", "transfer_between_households", json!("yes")),
        ("honour_penalty", "applies_to", json!("spendable balance")),
        ("honour_penalty", "floor", json!(-5)),
        ("council", "fewest_voters", json!(1)),
        ("dividend", "from_honour", json!(0)),
        ("dividend", "from_honour", json!("10")),
        ("dividend", "most_honour_counted", json!(9)),
        ("dividend", "equal_part_percent", json!(101)),
        ("dividend", "by_property_shares", json!(true)),
    ] {
        let told = found(part, field, value);
        assert!(
            told.iter().any(|finding| !finding.can_be_overridden()),
            "{part}.{field}: {told:?}"
        );
    }
}

#[test]
fn a_dividend_is_a_term_that_may_be_left_out() {
    let with = |dividend: Value| {
        let mut file: Value = serde_json::from_str(SAMPLE).unwrap();
        file["dividend"] = dividend;
        validator::validate(&file.to_string())
    };
    for good in [
        json!(null),
        json!({}),
        json!({"from_honour": 1, "most_honour_counted": null}),
        json!({"equal_part_percent": 100, "most_honour_counted": 1}),
    ] {
        assert_eq!(with(good.clone()), [], "{good}");
    }
    for bad in [json!("按股份"), json!([])] {
        let found = with(bad.clone());
        assert!(
            found.iter().any(|finding| !finding.can_be_overridden()),
            "{bad}: {found:?}"
        );
    }
}

#[test]
fn nothing_breaks_the_validator() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let huge = format!("{{\"items\":[{}]}}", vec!["{}"; 60_000].join(","));
    for text in [
        "",
        "null",
        "[]",
        "1",
        "{}",
        "{\"items\":1,\"categories\":\"x\"}",
        "{\"items\":[1,null,[],\"x\"]}",
        &deep,
        &huge,
    ] {
        assert!(!validator::validate(text).is_empty());
    }
    let mut file: Value = serde_json::from_str(SAMPLE).unwrap();
    file["items"][0] = json!({"code": 1, "category": [], "name_zh": {}, "points": "5", "cap": true, "evidence": null});
    file["reminders"] = json!({"x": 1});
    file["titles"] = json!([1, "x"]);
    file["cycle"] = json!("monthly");
    assert!(validator::validate(&file.to_string()).len() > 8);
}

// ---- From draft to adoption --------------------------------------------------------------------------------------

const PDF: &[u8] = b"%PDF-1.7 minutes";

/// The hidden value of a form on a page.
fn hidden(page: &str, name: &str) -> String {
    let at = page.split(&format!("name=\"{name}\" value=\"")).nth(1);
    let at = at.unwrap_or_else(|| panic!("no {name} on {page}"));
    at.split('"').next().unwrap().to_owned()
}

/// Begins a draft from the version in force and answers its address.
async fn begin(town: &Town, key: &str) -> String {
    let admin = town.signed_in("admin").await;
    let begun = admin.post("/scheme/drafts", &[("version", "1"), ("key", key)]).await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    begun.location().to_owned()
}

/// Saves an item of a draft.
async fn save(town: &Town, draft: &str, fields: &[(&str, &str)]) -> crate::browser::Answer {
    let admin = town.signed_in("admin").await;
    let revision = hidden(&admin.get(draft).await.text, "revision");
    let mut all = vec![
        ("revision", revision.as_str()),
        ("act", "save"),
        ("category", "C"),
        ("points", "2"),
        ("per", "time"),
        ("cap", "4"),
        ("cap_period", "month"),
        ("evidence", "签到表"),
        ("nominator", "grid_worker"),
        ("check_level", "L1"),
    ];
    all.retain(|(name, _)| !fields.iter().any(|(given, _)| given == name));
    all.extend(fields);
    admin.post(&format!("{draft}/items"), &all).await
}

/// The form of the assembly, with one field changed.
async fn adopt(town: &Town, draft: &str, key: &str, change: (&str, &str), scan: &[u8]) -> crate::browser::Answer {
    let mut fields = vec![
        ("key", key),
        ("body", "representatives"),
        ("held_on", "2026-11-20"),
        ("place", "社区活动室"),
        ("entitled", "60"),
        ("present", "45"),
        ("votes_for", "40"),
        ("votes_against", "3"),
        ("votes_abstained", "2"),
        ("legal_basis", "晨光社区居民公约"),
        ("active_from", "2026-12-01"),
    ];
    fields.retain(|(name, _)| *name != change.0);
    fields.push(change);
    let admin = town.signed_in("admin").await;
    fields.insert(0, ("csrf", admin.csrf()));
    admin
        .post_file(&format!("{draft}/adoption"), &fields, ("file", "minutes.pdf", scan))
        .await
}

on_both! {
    async fn the_rules_of_a_dividend_are_written_in_a_draft_and_its_limit_taken_back(town: Town) {
        let admin = town.signed_in("admin").await;
        let draft = begin(&town, "begin").await;
        for (limit, told) in [("300", "300"), ("", "不封顶")] {
            let revision = hidden(&admin.get(&draft).await.text, "revision");
            let fields = [("revision", revision.as_str()), ("dividend.from_honour", "20"), ("dividend.most_honour_counted", limit)];
            assert_eq!(admin.post(&format!("{draft}/terms"), &fields).await.status, 303);
            let page = admin.get(&draft).await.text;
            assert!(page.contains("没有要改的问题"), "{page}");
            let since = page.split("与第1版的不同").nth(1).unwrap();
            for words in ["文明股分红", "每户最多计入的荣誉分", "240", told] {
                assert!(since.contains(words), "{words}: {since}");
            }
        }
        // A draft from nothing has no dividend until somebody writes one.
        let begun = admin.post("/scheme/drafts", &[("version", ""), ("key", "blank")]).await;
        let page = admin.get(begun.location()).await.text;
        assert!(page.contains("name=\"dividend.from_honour\" inputmode=\"numeric\" value=\"\""), "{page}");
    }
}

on_both! {
    async fn a_draft_becomes_a_version_by_review_and_resolution_only(town: Town) {
        let (admin, council) = (town.signed_in("admin").await, town.signed_in("council").await);
        let draft = begin(&town, "begin").await;
        // Sent twice, begun once.
        assert_eq!(begin(&town, "begin").await, draft);
        assert_eq!(save(&town, &draft, &[("was", ""), ("code", "C12"), ("name", "参加普法讲座")]).await.status, 303);
        assert_eq!(save(&town, &draft, &[("was", "C02"), ("code", "C02"), ("name", "参加讲习、法治、技能讲堂"), ("points", "3"), ("cap", "6")]).await.status, 303);
        let revision = hidden(&admin.get(&draft).await.text, "revision");
        let removed = admin.post(&format!("{draft}/items"), &[("revision", &revision), ("act", "remove"), ("was", "D09")]).await;
        assert_eq!(removed.status, 303);
        // A form from before is told so.
        let stale = admin.post(&format!("{draft}/terms"), &[("revision", "1"), ("cycle.notice_days", "5")]).await;
        assert_eq!(stale.status, 409);
        let revision = hidden(&admin.get(&draft).await.text, "revision");
        let terms = admin.post(&format!("{draft}/terms"), &[("revision", &revision), ("cycle.notice_days", "5")]).await;
        assert_eq!(terms.status, 303);
        let page = admin.get(&draft).await.text;
        for told in ["没有要改的问题", "参加普法讲座", "新增", "删去", "公示天数", "与第1版的不同"] {
            assert!(page.contains(told), "{told}");
        }
        // Not before its review, and not by its author.
        assert_eq!(adopt(&town, &draft, "early", ("place", "村里"), PDF).await.status, 409);
        let submission = format!("{draft}/submission");
        let review = format!("{draft}/review");
        assert_eq!(council.post(&review, &[("act", "pass")]).await.status, 409);
        assert_eq!(admin.post(&submission, &[("act", "submit")]).await.status, 303);
        assert_eq!(save(&town, &draft, &[("was", ""), ("code", "C13"), ("name", "义务扫雪")]).await.status, 409);
        assert_eq!(admin.post(&review, &[("act", "pass")]).await.status, 409, "the author");
        assert_eq!(council.post(&review, &[("act", "back")]).await.status, 422, "without a word");
        assert_eq!(council.post(&review, &[("act", "pass"), ("note", "可以")]).await.status, 303);
        // The assembly as the law has it.
        for (change, status) in [
            (("present", "39"), 422),
            (("votes_for", "22"), 409),
            (("votes_for", "41"), 422),
            (("held_on", "2026-11-30"), 422),
            (("active_from", "2026-11-20"), 422),
            (("legal_basis", " "), 422),
            (("entitled", "x"), 422),
        ] {
            let answer = adopt(&town, &draft, "no", change, PDF).await;
            assert_eq!(answer.status, status, "{change:?}: {}", answer.text);
        }
        let few = adopt(&town, &draft, "few", ("entitled", "70"), PDF).await;
        assert_eq!(few.status, 409);
        assert!(few.text.contains("三分之二"), "{}", few.text);
        assert_eq!(adopt(&town, &draft, "html", ("place", "村里"), b"<html>").await.status, 409, "no scan");
        let adopted = adopt(&town, &draft, "yes", ("place", "社区活动室"), PDF).await;
        assert_eq!(adopted.location(), "/scheme/versions/2", "{}", adopted.text);
        assert_eq!(adopt(&town, &draft, "yes", ("place", "社区活动室"), PDF).await.location(), "/scheme/versions/2");
        assert_eq!(adopt(&town, &draft, "again", ("place", "社区活动室"), PDF).await.status, 409);
        // It is in force from its day; until then the first is.
        assert_eq!(town.read(|conn| version::in_force(conn, day("2026-11-30"))).await.version, 1);
        assert_eq!(town.read(|conn| version::in_force(conn, day("2026-12-01"))).await.version, 2);
        let stranger = town.stranger();
        let page = stranger.get("/scheme/versions/2").await.text;
        for told in ["已通过，待施行", "应到60人，实到45人，赞成40票", "晨光社区居民公约", "参加普法讲座"] {
            assert!(page.contains(told), "{told}");
        }
        let difference = stranger.get("/scheme/difference?from=1&to=2").await.text;
        assert!(difference.contains("参加普法讲座") && difference.contains("C02"));
        assert_eq!(stranger.get("/scheme/difference?from=1&to=9").await.status, 404);
        // The scan is for staff, and is what was sent.
        assert_eq!(stranger.get("/scheme/versions/2/scan").await.status, 303);
        let scan = admin.get("/scheme/versions/2/scan").await;
        assert_eq!((scan.header("content-type"), scan.text.as_bytes()), ("application/pdf", PDF));
        // The file comes back equal, and can be taken elsewhere.
        let file = stranger.get("/scheme/versions/2/file").await.text;
        assert_eq!(validator::validate(&file), []);
        let again = load(&town, &serde_json::from_str(&file).unwrap(), day("2027-01-01")).await.unwrap();
        let copy = town.read(move |conn| version::document(conn, &again.id)).await;
        assert_eq!(serde_json::from_str::<Value>(&copy).unwrap(), serde_json::from_str::<Value>(&file).unwrap());
    }
}

on_both! {
    async fn a_find_stands_by_two_people_and_a_defect_by_nobody(town: Town) {
        let (admin, council) = (town.signed_in("admin").await, town.signed_in("council").await);
        let draft = begin(&town, "begin").await;
        save(&town, &draft, &[("was", ""), ("code", "C12"), ("name", "参加信访工作座谈")]).await;
        save(&town, &draft, &[("was", ""), ("code", "C13"), ("name", "义务扫雪"), ("evidence", "无")]).await;
        let page = admin.get(&draft).await.text;
        assert!(page.contains("信访、投诉、举报") && page.contains("佐证材料等于没有写"), "{page}");
        let submission = format!("{draft}/submission");
        assert_eq!(admin.post(&submission, &[("act", "submit")]).await.status, 409, "a defect");
        save(&town, &draft, &[("was", "C13"), ("code", "C13"), ("name", "义务扫雪")]).await;
        let overrides = format!("{draft}/overrides");
        let mark = hidden(&admin.get(&draft).await.text, "mark");
        assert_eq!(admin.post(&overrides, &[("mark", &mark), ("reason", "误报")]).await.status, 422);
        assert_eq!(admin.post(&overrides, &[("mark", "no"), ("reason", "这是法治学习")]).await.status, 409);
        let asked = [("mark", mark.as_str()), ("reason", "这是学习条例的座谈，不评谁上没上访")];
        assert_eq!(admin.post(&overrides, &asked).await.status, 303);
        assert_eq!(admin.post(&submission, &[("act", "submit")]).await.status, 303);
        // Not without the second person, who is not the first.
        let review = format!("{draft}/review");
        assert_eq!(council.post(&review, &[("act", "pass")]).await.status, 409);
        let proposal = hidden(&council.get(&draft).await.text, "proposal");
        let confirmations = format!("{draft}/override-confirmations");
        let confirm = [("proposal", proposal.as_str()), ("key", "c")];
        assert_eq!(admin.post(&confirmations, &confirm).await.status, 409);
        assert_eq!(council.post(&confirmations, &confirm).await.status, 303);
        assert_eq!(council.post(&review, &[("act", "pass")]).await.status, 303);
        let adopted = adopt(&town, &draft, "yes", ("active_from", "2026-11-21"), PDF).await;
        assert_eq!(adopted.location(), "/scheme/versions/2", "{}", adopted.text);
        // It is printed with the rules.
        let page = town.stranger().get("/scheme").await.text;
        for told in ["经两人确认保留的条款", "不评谁上没上访", "项目管理员甲提出，评议会成员甲确认"] {
            assert!(page.contains(told), "{told}");
        }
    }
}

on_both! {
    async fn while_a_version_is_suspended_nobody_nominates(town: Town) {
        let admin = town.signed_in("admin").await;
        let suspension = "/scheme/versions/1/suspension";
        assert_eq!(admin.post(suspension, &[("act", "suspend"), ("reason", " "), ("key", "a")]).await.status, 422);
        assert_eq!(admin.post(suspension, &[("act", "suspend"), ("reason", "县里核查"), ("key", "b")]).await.status, 303);
        assert_eq!(nominate(&town, "one", today()).await.unwrap_err().code(), "scheme_suspended");
        assert!(town.stranger().get("/scheme").await.text.contains("县里核查"));
        assert_eq!(admin.post(suspension, &[("act", "resume"), ("reason", "核查完毕"), ("key", "c")]).await.status, 303);
        assert!(nominate(&town, "one", today()).await.is_ok());
    }
}

on_both! {
    async fn a_file_is_imported_as_a_draft_with_its_faults_shown(town: Town) {
        let admin = town.signed_in("admin").await;
        let import = async |key: &str, bytes: &[u8]| {
            admin.post_file("/scheme/drafts/import", &[("csrf", admin.csrf()), ("key", key)], ("file", "rules.json", bytes)).await
        };
        for (key, bytes) in [("1", &b""[..]), ("2", b"{"), ("3", b"[]"), ("4", b"\xFF\xFE"), ("5", b"{\"a\":\"\\u0000\"}")] {
            assert_eq!(import(key, bytes).await.status, 422, "{key}");
        }
        let file = with_item("C02", |item| item["name_zh"] = json!("不上访"));
        let begun = import("6", file.to_string().as_bytes()).await;
        assert_eq!(begun.status, 303, "{}", begun.text);
        let page = admin.get(begun.location()).await.text;
        assert!(page.contains("还有1处问题") && page.contains("不上访"));
        // Whatever a file holds, its page is shown.
        let odd = import("7", b"{\"items\":[1,null,{\"code\":[],\"points\":\"x\"}],\"categories\":5,\"cycle\":3}").await;
        assert_eq!(admin.get(odd.location()).await.status, 200);
        // An empty one has terms and no items; its pages are shown, and it can be given up.
        let empty = admin.post("/scheme/drafts", &[("key", "8")]).await.location().to_owned();
        assert!(admin.get(&empty).await.text.contains("还没有项目"));
        assert_eq!(admin.get(&format!("{empty}/items/new")).await.status, 200);
        assert_eq!(admin.get(&format!("{empty}/items/Z9")).await.status, 404);
        assert_eq!(admin.post(&format!("{empty}/submission"), &[("act", "withdraw")]).await.status, 303);
        let listed = admin.get("/scheme/versions").await.text;
        assert!(listed.contains("待") || listed.contains("起草中"));
        assert_eq!(town.signed_in("building").await.get(begun.location()).await.status, 403);
    }
}
