//! Households that found their book of the last quarter right are nominated for it: by the item that the rules have for that,
//! each once, and verified by somebody else.

use chrono::TimeDelta;
use jishan::council::nomination::{self, Filter, Nomination, State};
use jishan::places::household::Household;
use jishan::resident::book;
use jishan::scheme::validator;
use jishan::scheme::version;
use serde_json::{Value, json};

use crate::town::{FAR, LI, Town, WANG, on_both, today};

const SAMPLE: &str = include_str!("../samples/scheme.json");
const PAGE: &str = "/nominations/confirmations";
const PAPER: &str = "/nominations/confirmations/paper";

/// The sample with the item for a confirmed book as somebody else would have it.
fn given_for(code: &str, given: &Value) -> Value {
    let mut file: Value = serde_json::from_str(SAMPLE).unwrap();
    let items = file["items"].as_array_mut().unwrap();
    let item = items.iter_mut().find(|item| item["code"] == code).unwrap();
    item["given_for"] = given.clone();
    file
}

/// Ten days into the next quarter.
fn next_quarter(town: &Town) {
    town.app.clock.advance(TimeDelta::days(50));
}

/// A household looks through its book and finds it right.
async fn confirms(town: &Town, code: &'static str) {
    let home = town.at_home(code).await;
    assert_eq!(home.post("/my/data/check", &[]).await.location(), "/my/data?done=true");
}

async fn all(town: &Town) -> Vec<Nomination> {
    town.read(|conn| nomination::list(conn, &Filter::default(), 100)).await
}

on_both! {
    async fn who_found_the_book_right_is_nominated_once_and_verified_by_somebody_else(town: Town) {
        next_quarter(&town);
        confirms(&town, WANG).await;
        confirms(&town, FAR).await;
        assert!(all(&town).await.is_empty(), "nothing comes of it by itself");
        let (building, grid) = (town.signed_in("building").await, town.signed_in("grid").await);
        // Li signed the paper.
        assert_eq!(grid.post(PAPER, &[("household", LI)]).await.location(), "/nominations/confirmations?taken=true");
        assert_eq!(grid.post(PAPER, &[("household", "李玉山")]).await.location(), "/nominations/confirmations?taken=false");
        assert!(grid.get("/nominations/confirmations?taken=false").await.text.contains("不重复记"));
        for nobody in ["", "查无此人"] {
            assert_eq!(grid.post(PAPER, &[("household", nobody)]).await.status, 422);
        }
        assert_eq!(building.post(PAPER, &[("household", FAR)]).await.status, 422, "not of this building");
        assert!(town.at_home(LI).await.get("/my/data").await.text.contains("书面确认"));

        let page = building.get(PAGE).await.text;
        assert!(page.contains("王建国户") && page.contains("李玉山户") && !page.contains("㛃小梅"), "{page}");
        assert!(page.contains("2026年第四季度") && page.contains("在网页上") && page.contains("书面，网格员甲记下"), "{page}");
        assert!(page.contains("C11") && page.contains("申报这2户"));
        let filed = building.post(PAGE, &[("key", "a")]).await;
        assert_eq!(filed.location(), "/nominations/confirmations?filed=2&refused=0");
        // Sent twice, filed once; pressed again, there is nothing left.
        assert_eq!(building.post(PAGE, &[("key", "a")]).await.location(), filed.location());
        assert_eq!(building.post(PAGE, &[("key", "b")]).await.location(), "/nominations/confirmations?filed=0&refused=0");
        assert!(building.get(filed.location()).await.text.contains("已申报2户"));
        let made = all(&town).await;
        assert_eq!(made.len(), 2);
        let (by, wang, li) = (town.user("building").await.id, town.household(WANG).await, town.household(LI).await);
        for one in &made {
            assert_eq!((one.points.0, one.count, one.state), (1, 1, State::Submitted));
            assert_eq!(one.nominated_by.as_ref(), Some(&by));
            assert_eq!(one.occurred_on.to_string(), "2027-01-10");
        }
        let of = |home: &Household| made.iter().find(|one| one.household_id == home.id).unwrap();
        assert_eq!(of(&wang).note, "本户于2027年1月10日在网页上核对了2026年第四季度的账，对得上。");
        assert_eq!(of(&li).note, "本户于2027年1月10日书面确认2026年第四季度的账对得上。");
        assert_eq!(town.spendable(WANG).await, 0, "the council has not decided");

        // Neither who nominated verifies, nor who took the paper down.
        let verification = |one: &Nomination| format!("/nominations/{}/verification", one.id);
        let approve = [("key", "v"), ("decision", "approve"), ("reason", "")];
        assert_eq!(building.post(&verification(of(&wang)), &approve).await.status, 403);
        let refused = grid.post(&verification(of(&li)), &approve).await;
        assert!(refused.status == 403 && refused.text.contains("书面确认是您记下的"), "{}", refused.text);
        assert!(grid.get(&format!("/nominations/{}", of(&li).id)).await.text.contains("由他人核实"));
        assert_eq!(grid.post(&verification(of(&wang)), &approve).await.status, 303);

        // The far household waits for whoever works there.
        let far = town.signed_in("far-grid").await;
        assert!(far.get(PAGE).await.text.contains("申报这1户"));
        assert_eq!(far.post(PAGE, &[("key", "c")]).await.location(), "/nominations/confirmations?filed=1&refused=0");
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn what_the_item_gave_already_is_not_given_twice(town: Town) {
        next_quarter(&town);
        let grid = town.signed_in("grid").await;
        let by_hand = [("key", "h"), ("household", WANG), ("item", "C11"), ("count", "1"), ("occurred_on", "2027-01-09"), ("note", "")];
        assert_eq!(grid.post("/nominations", &by_hand).await.status, 303);
        confirms(&town, WANG).await;
        let filed = grid.post(PAGE, &[("key", "a")]).await;
        assert_eq!(filed.location(), "/nominations/confirmations?filed=0&refused=1");
        let page = grid.get(filed.location()).await.text;
        assert!(page.contains("没有申报的1户") && page.contains("没有等着申报的住户"), "{page}");
        assert_eq!(grid.post(PAGE, &[("key", "b")]).await.location(), "/nominations/confirmations?filed=0&refused=0");
        assert_eq!(all(&town).await.len(), 1);
    }
}

on_both! {
    async fn a_word_of_long_ago_and_a_household_that_was_not_there_wait_for_nothing(town: Town) {
        let grid = town.signed_in("grid").await;
        let too_early = grid.post(PAPER, &[("household", WANG)]).await;
        assert!(too_early.status == 422 && too_early.text.contains("上个季度还没有账"), "{}", too_early.text);
        next_quarter(&town);
        confirms(&town, WANG).await;
        town.app.clock.advance(TimeDelta::days(93));
        let grid = town.signed_in("grid").await;
        assert!(grid.get(PAGE).await.text.contains("没有等着申报的住户"));
        let since = town.app.now() - TimeDelta::days(200);
        assert_eq!(town.read(move |conn| book::checked_since(conn, since)).await.len(), 1);
    }
}

on_both! {
    async fn rules_without_the_item_give_nothing_and_the_page_says_so(town: Town) {
        let (text, now) = (given_for("C11", &Value::Null).to_string(), town.app.now());
        town.write(move |conn| version::load(conn, &text, today(), "test", now)).await.unwrap();
        next_quarter(&town);
        let page = town.at_home(WANG).await.get("/my/data").await.text;
        assert!(page.contains("不看也没关系") && !page.contains("按积分办法申报"), "{page}");
        confirms(&town, WANG).await;
        let grid = town.signed_in("grid").await;
        let page = grid.get(PAGE).await.text;
        assert!(page.contains("现行的积分办法没有给") && !page.contains("王建国户"), "{page}");
        assert_eq!(grid.post(PAGE, &[("key", "a")]).await.location(), "/nominations/confirmations?filed=0&refused=0");
        assert!(all(&town).await.is_empty());
    }
}

on_both! {
    async fn the_rules_say_for_what_the_item_is_given(town: Town) {
        assert!(town.stranger().get("/scheme").await.text.contains("住户核对过季度账本的，一并申报"));
        next_quarter(&town);
        let page = town.at_home(WANG).await.get("/my/data").await.text;
        assert!(page.contains("核对并确认季度积分对账单，每户1分，每季度最多1分"), "{page}");
    }
}

#[test]
fn an_occasion_that_is_none_or_stands_twice_is_found() {
    assert_eq!(validator::validate(SAMPLE), []);
    let told = |given: Value| {
        let findings = validator::validate(&given_for("C10", &given).to_string());
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert!(told(json!("statement_confirmed")).contains("前面已有一项"));
    for wrong in [json!("signing_in"), json!(1), json!("")] {
        assert!(told(wrong.clone()).contains("given_for"), "{wrong}");
    }
    assert_eq!(told(Value::Null), "");
}
