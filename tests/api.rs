//! The API: a day's work over it, every answer held against its schema; what is sent again; and what comes back as it was
//! written.

mod description;
mod mistakes;
mod refusals;
mod spec;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::browser::{Answer, Visitor};
use crate::town::{FAR, HOUSEHOLDS, LI, Town, WANG, on_both};
use spec::{Spec, items};

/// A program that holds every answer against the description.
struct Program {
    spec: Spec,
    visitor: Visitor,
}

impl Town {
    async fn described(&self, name: &'static str) -> Program {
        Program {
            spec: Spec::read(),
            visitor: self.program(name).await,
        }
    }
}

impl Program {
    /// `path` is as in the description; the parts in braces come from `named`.
    async fn get(&self, path: &str, named: &str, query: &str) -> Answer {
        let answer = self.visitor.get(&format!("{}{query}", filled(path, named))).await;
        self.spec.expect("GET", path, &answer);
        answer
    }

    async fn post(&self, path: &str, named: &str, key: &str, body: &Value) -> Answer {
        let answer = self.visitor.call(&filled(path, named), key, body).await;
        self.spec.expect("POST", path, &answer);
        answer
    }

    async fn post_raw(&self, path: &str, named: &str, key: Option<&str>, body: &[u8]) -> Answer {
        let answer = self.visitor.call_raw(&filled(path, named), key, body.to_vec()).await;
        self.spec.expect("POST", path, &answer);
        answer
    }
}

fn filled(path: &str, named: &str) -> String {
    match (path.find('{'), path.find('}')) {
        (Some(begin), Some(end)) => format!("{}{named}{}", &path[..begin], &path[end + 1..]),
        _ => path.to_owned(),
    }
}

const HOUSEHOLD_LIST: &str = "/api/v1/households";
const HOUSEHOLD: &str = "/api/v1/households/{code}";
const STATEMENT: &str = "/api/v1/households/{code}/statement";
const CARDS: &str = "/api/v1/households/{code}/cards";
const AWARDS: &str = "/api/v1/awards";
const VERIFICATION: &str = "/api/v1/awards/{id}/verification";
const REDEMPTIONS: &str = "/api/v1/redemptions";
const VOID: &str = "/api/v1/redemptions/{id}/void";

fn deed(household: &str) -> Value {
    json!({"household": household, "item": "E08", "count": 2, "occurred_on": "2026-11-21", "note": "从河里救起落水儿童"})
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

on_both! {
    async fn a_days_work_over_the_api(town: Town) {
        let (building, grid, shop) = (
            town.described("building").await,
            town.described("grid").await,
            town.described("shop").await,
        );
        // Nobody has anything yet.
        let balances = grid.get(HOUSEHOLD, WANG, "").await;
        assert_eq!(
            balances.json(),
            json!({"code": WANG, "spendable_points": 0, "pending_points": 0, "honour_score": 0})
        );
        // The building head saw it; the grid worker verifies.
        let nominated = building.post(AWARDS, "", "deed-1", &deed(WANG)).await;
        assert_eq!(
            (nominated.status.as_u16(), nominated.json()["state"].clone()),
            (201, json!("submitted"))
        );
        let award = text(&nominated.json()["id"]);
        let verified = grid
            .post(VERIFICATION, &award, "verify-1", &json!({"decision": "approve"}))
            .await;
        assert_eq!(
            (verified.status.as_u16(), verified.json()),
            (200, json!({"id": award, "state": "verified"}))
        );
        // Then the council approves and the public notice runs, and the points are there.
        town.council_approves().await;
        // A card for the household, and rice and soap for the points.
        let card = grid.post(CARDS, WANG, "card-1", &json!({"reason": "首次制卡"})).await;
        assert_eq!(card.status, 201);
        let (number, token) = (text(&card.json()["number"]), text(&card.json()["token"]));
        assert!(token.starts_with(&format!("{number}-")));
        let basket = json!({"card": token, "lines": [{"sku": "G013", "quantity": 1}, {"sku": "G006", "quantity": 2}]});
        let sold = shop.post(REDEMPTIONS, "", "sale-1", &basket).await;
        assert_eq!(sold.status, 201);
        assert_eq!(
            sold.json(),
            json!({"id": sold.json()["id"], "points": 40, "replayed": false, "lines": [
                {"sku": "G013", "name": "大米5kg", "quantity": 1, "price_points": 30},
                {"sku": "G006", "name": "肥皂", "quantity": 2, "price_points": 5},
            ]})
        );
        assert_eq!(grid.get(HOUSEHOLD, WANG, "").await.json()["spendable_points"], 20);
        // Undone, and everything is back.
        let sale = text(&sold.json()["id"]);
        let voided = shop.post(VOID, &sale, "void-1", &json!({"reason": "住户不要了"})).await;
        assert_eq!(
            (voided.status.as_u16(), voided.json()),
            (200, json!({"id": sale, "state": "voided", "points_returned": 40}))
        );
        assert_eq!(
            grid.get(HOUSEHOLD, WANG, "").await.json(),
            json!({"code": WANG, "spendable_points": 60, "pending_points": 0, "honour_score": 60})
        );

        // Each line says why; the newest stands first.
        let statement = grid.get(STATEMENT, WANG, "").await.json();
        assert_eq!(
            (
                statement["account"].clone(),
                statement["balance"].clone(),
                statement["next"].clone()
            ),
            (json!("spendable"), json!(60), Value::Null)
        );
        let lines: Vec<Value> = serde_json::from_value(statement["items"].clone()).unwrap();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            lines[0],
            json!({"slip": 4, "kind": "void", "recorded_at": "2026-11-21T02:00:00Z",
            "effective_on": "2026-11-21", "points": 40, "balance_after": 60, "text": "住户不要了", "undoes_slip": 3})
        );
        assert_eq!(
            lines[1],
            json!({"slip": 3, "kind": "redemption", "recorded_at": "2026-11-21T02:00:00Z",
            "effective_on": "2026-11-21", "points": -40, "balance_after": 20, "text": "大米5kg × 1、肥皂 × 2",
            "redeemed_by": "店长甲"})
        );
        assert_eq!(
            lines[2],
            json!({"slip": 2, "kind": "award", "recorded_at": "2026-11-21T02:00:00Z",
            "effective_on": "2026-11-21", "points": 60, "balance_after": 60, "item": "E08",
            "text": "见义勇为（有权机关认定），每次30分，每年最多60分",
            "nominated_by": "楼栋长甲", "verified_by": "网格员甲"})
        );
        // Page by page, and the account of honour, which no redemption touches.
        let first = grid.get(STATEMENT, WANG, "?limit=2").await.json();
        let next = first["next"].as_i64().unwrap();
        let second = grid
            .get(STATEMENT, WANG, &format!("?limit=2&before={next}"))
            .await
            .json();
        assert_eq!(
            (items(&first["items"]), items(&second["items"]), second["next"].clone()),
            (Some(2), Some(1), Value::Null)
        );
        assert_eq!(second["items"][0], lines[2]);
        let honour = grid.get(STATEMENT, WANG, "?account=honour").await.json();
        assert_eq!(
            (
                honour["account"].clone(),
                honour["balance"].clone(),
                items(&honour["items"])
            ),
            (json!("honour"), json!(60), Some(1))
        );
        assert_eq!(
            items(&grid.get(STATEMENT, WANG, "?account=pending").await.json()["items"]),
            Some(2),
            "on public notice, and posted"
        );
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn every_write_can_be_sent_again(town: Town) {
        let (building, grid, shop) = (
            town.described("building").await,
            town.described("grid").await,
            town.described("shop").await,
        );
        let first = building.post(AWARDS, "", "deed", &deed(WANG)).await.json();
        assert_eq!(building.post(AWARDS, "", "deed", &deed(WANG)).await.json(), first);
        let award = text(&first["id"]);
        let approve = json!({"decision": "approve"});
        let posted = grid.post(VERIFICATION, &award, "verify", &approve).await.json();
        assert_eq!(grid.post(VERIFICATION, &award, "verify", &approve).await.json(), posted);
        // The nomination, asked for again, is the same one; it says where it stands now.
        assert_eq!(
            building.post(AWARDS, "", "deed", &deed(WANG)).await.json(),
            json!({"id": award, "state": "verified"})
        );
        town.council_approves().await;
        // The same card with the same secret, although the server kept neither secret nor key; other words are another wish.
        let reason = json!({"reason": "首次制卡"});
        let card = grid.post(CARDS, WANG, "card", &reason).await.json();
        assert_eq!(grid.post(CARDS, WANG, "card", &reason).await.json(), card);
        assert_eq!(
            grid.post(CARDS, WANG, "card", &json!({"reason": "补卡"}))
                .await
                .problem(),
            (409, "idempotency_conflict".to_owned())
        );
        let basket = json!({"card": card["token"], "lines": [{"sku": "G006", "quantity": 1}]});
        let mut sold = shop.post(REDEMPTIONS, "", "sale", &basket).await.json();
        let again = shop.post(REDEMPTIONS, "", "sale", &basket).await.json();
        sold["replayed"] = json!(true);
        assert_eq!(again, sold);
        let sale = text(&sold["id"]);
        let why = json!({"reason": "拿错"});
        let voided = shop.post(VOID, &sale, "void", &why).await.json();
        assert_eq!(shop.post(VOID, &sale, "void", &why).await.json(), voided);
        // Also after the void the sale is answered as it was.
        assert_eq!(shop.post(REDEMPTIONS, "", "sale", &basket).await.json(), sold);
        assert_eq!(town.spendable(WANG).await, 60);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_key_is_for_one_act_of_one_sender(town: Town) {
        let (building, grid, shop) = (
            town.described("building").await,
            town.described("grid").await,
            town.described("shop").await,
        );
        let conflict = (409, "idempotency_conflict".to_owned());
        let award = text(&building.post(AWARDS, "", "k", &deed(WANG)).await.json()["id"]);
        let card = grid
            .post(CARDS, WANG, "card", &json!({"reason": "首次制卡"}))
            .await
            .json();
        // Another's key: the answer of another is nobody's business.
        assert_eq!(grid.post(AWARDS, "", "k", &deed(WANG)).await.problem(), conflict);
        // Another act, another content.
        assert_eq!(
            grid.post(VERIFICATION, &award, "k", &json!({"decision": "approve"}))
                .await
                .problem(),
            conflict
        );
        assert_eq!(building.post(AWARDS, "", "k", &deed(LI)).await.problem(), conflict);
        grid.post(VERIFICATION, &award, "v", &json!({"decision": "approve"}))
            .await;
        assert_eq!(
            grid.post(
                VERIFICATION,
                &award,
                "v",
                &json!({"decision": "return", "reason": "不对"})
            )
            .await
            .problem(),
            conflict
        );
        let basket = json!({"card": card["token"], "lines": [{"sku": "G006", "quantity": 1}]});
        assert_eq!(shop.post(REDEMPTIONS, "", "k", &basket).await.problem(), conflict);
        assert_eq!(shop.post(REDEMPTIONS, "", "v", &basket).await.problem(), conflict);
        town.council_approves().await;
        let sale = text(&shop.post(REDEMPTIONS, "", "s", &basket).await.json()["id"]);
        assert_eq!(
            shop.post(VOID, &sale, "s", &json!({"reason": "拿错"})).await.problem(),
            conflict
        );
        assert_eq!(town.spendable(WANG).await, 55);
        // A key whose request was refused is free.
        let too_much = json!({"card": card["token"], "lines": [{"sku": "G001", "quantity": 9}]});
        assert_eq!(
            shop.post(REDEMPTIONS, "", "free", &too_much).await.problem(),
            (409, "not_enough_points".to_owned())
        );
        assert_eq!(shop.post(REDEMPTIONS, "", "free", &basket).await.status, 201);
    }
}

on_both! {
    async fn names_and_notes_come_back_as_they_were_written(town: Town) {
        let (building, grid) = (town.described("building").await, town.described("grid").await);
        let notes = [
            "😀👨‍👩‍👧‍👦 帮忙",
            "𠮷永安家的㛃",
            "<script>alert(1)</script>",
            "'; DROP TABLE entries; --",
            "\u{202e}反\u{200b}零宽",
        ];
        let mut ids = BTreeMap::new();
        for (nth, note) in notes.into_iter().enumerate() {
            let body =
                json!({"household": HOUSEHOLDS[nth % 3].0, "item": "C02", "occurred_on": "2026-11-21", "note": note});
            let answer = building.post(AWARDS, "", &format!("n{nth}"), &body).await;
            assert_eq!(answer.status, 201, "{note}");
            ids.insert(text(&answer.json()["id"]), note);
        }
        let page = town.signed_in("grid").await;
        for (id, note) in ids {
            let found = jishan::id::Id::known(id.clone());
            let kept = town
                .read(move |conn| jishan::council::nomination::by_id(conn, &found))
                .await;
            assert_eq!(kept.note, note);
            let shown = page.get(&format!("/nominations/{id}")).await.text;
            assert!(!shown.contains("<script>alert"), "{note} stands in the page as it is");
            let answer = grid
                .post(VERIFICATION, &id, &id, &json!({"decision": "approve", "reason": note}))
                .await;
            assert_eq!(answer.status, 200);
        }
        assert_eq!(
            grid.get(HOUSEHOLD_LIST, "", "").await.json()["items"]
                .as_array()
                .unwrap()
                .len(),
            HOUSEHOLDS.len()
        );
    }
}

on_both! {
    async fn households_are_listed_page_by_page_and_found_by_what_people_know(town: Town) {
        let grid = town.described("grid").await;
        let all: Vec<String> = HOUSEHOLDS.iter().map(|(code, ..)| (*code).to_owned()).collect();
        let codes = |answer: &Answer| -> Vec<String> {
            answer.json()["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| text(&item["code"]))
                .collect()
        };
        assert_eq!(codes(&grid.get(HOUSEHOLD_LIST, "", "").await), all);
        assert_eq!(
            grid.get(HOUSEHOLD_LIST, "", "").await.json()["items"][0],
            json!({"code": WANG, "people": 4})
        );
        // Page by page everybody comes once.
        for limit in 1..=all.len() + 1 {
            let (mut seen, mut after) = (Vec::new(), String::new());
            loop {
                let page = grid.get(HOUSEHOLD_LIST, "", &format!("?limit={limit}{after}")).await;
                seen.extend(codes(&page));
                match page.json()["next"].as_str() {
                    Some(next) => after = format!("&after={next}"),
                    None => break,
                }
            }
            assert_eq!(seen, all, "{limit} at a time");
        }
        let found = async |query: &str| {
            let query = serde_urlencoded::to_string([("query", query)]).unwrap();
            codes(&grid.get(HOUSEHOLD_LIST, "", &format!("?{query}")).await)
        };
        assert_eq!(found("lys").await, [LI]);
        assert_eq!(found("LYS").await, [LI]);
        assert_eq!(found("李玉").await, [LI]);
        assert_eq!(found("𠮷").await, [HOUSEHOLDS[2].0]);
        assert_eq!(found("㛃小").await, [FAR]);
        assert_eq!(found("b001-1").await, [WANG, LI]);
        assert_eq!(found("  王建国 ").await, [WANG]);
        assert_eq!(found("nobody").await, Vec::<String>::new());
        // The signs that a search in a database reads as its own.
        for sign in ["%", "_", "\\", "'", "%25"] {
            let sought = found(sign).await;
            assert!(sought.is_empty() || sought == all, "{sign}: {sought:?}");
        }
        // A worker of the other building sees that building's households only.
        let far = town.described("far-grid").await;
        assert_eq!(codes(&far.get(HOUSEHOLD_LIST, "", "").await), [FAR]);
        assert_eq!(
            codes(&far.get(HOUSEHOLD_LIST, "", "?query=lys").await),
            Vec::<String>::new()
        );
    }
}
