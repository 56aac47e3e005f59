//! The API: its description against the real doors, both ways; every answer against its schema; and a day's work over it,
//! with all that careless and hostile programs send.

mod spec;

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::{Method, header};
use jishan::routes;
use serde_json::{Value, json};

use crate::browser::{Answer, Visitor};
use crate::town::{FAR, HOUSEHOLDS, LI, Town, WANG, on_both, today};
use spec::{Spec, items};

// ---- The description ----------------------------------------------------------------------------------------------

#[test]
fn the_description_has_the_doors_that_there_are() {
    let spec = Spec::read();
    let described: BTreeSet<(String, String)> = spec.0["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let doors: BTreeSet<(String, String)> = routes::table()
        .into_iter()
        .filter(|route| route.path.starts_with("/api/") || route.path == "/healthz")
        .map(|route| (route.method.to_owned(), route.path.to_owned()))
        .collect();
    assert_eq!(described, doors);
    assert!(doors.len() >= 10);
}

#[test]
fn the_description_tells_what_every_call_needs() {
    let spec = Spec::read();
    for route in routes::table() {
        if !route.path.starts_with("/api/v1/") {
            continue;
        }
        let (place, operation) = (
            format!("{} {}", route.method, route.path),
            spec.operation(route.method, route.path),
        );
        let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
        let parameters: Vec<&Value> = parameters.into_iter().map(|one| spec.resolve(one)).collect();
        let in_path: Vec<&str> = parameters
            .iter()
            .filter(|one| one["in"] == "path" && one["required"] == true)
            .filter_map(|one| one["name"].as_str())
            .collect();
        let named: Vec<&str> = route.path.split(['{', '}']).skip(1).step_by(2).collect();
        assert_eq!(in_path, named, "{place}");
        let keys = parameters
            .iter()
            .filter(|one| one["in"] == "header" && one["name"] == "Idempotency-Key" && one["required"] == true);
        let writes = route.method != "GET";
        assert_eq!(keys.count(), usize::from(writes), "{place}: Idempotency-Key");
        assert_eq!(operation["requestBody"]["required"] == true, writes, "{place}: a body");
        for status in ["401", "403", "500"] {
            assert!(operation["responses"].get(status).is_some(), "{place}: {status}");
        }
        assert!(
            operation["summary"].is_string() && operation["operationId"].is_string(),
            "{place}"
        );
        assert_eq!(
            operation.get("security"),
            None,
            "{place} needs the token like all others"
        );
    }
    assert_eq!(spec.0["components"]["securitySchemes"]["token"]["scheme"], "bearer");
}

#[test]
fn the_examples_of_the_description_fit_its_schemas() {
    let spec = Spec::read();
    let (mut waiting, mut seen) = (vec![&spec.0], 0);
    while let Some(value) = waiting.pop() {
        if let (Some(schema), Some(object)) = (value.get("schema"), value.as_object()) {
            let one = object.get("example").into_iter();
            let many = object.get("examples").and_then(Value::as_object).into_iter().flatten();
            for example in one.chain(many.map(|(_, example)| &example["value"])) {
                seen += 1;
                spec.check(schema, example)
                    .unwrap_or_else(|why| panic!("{why}: {example:#}"));
            }
        }
        waiting.extend(value.as_object().into_iter().flatten().map(|(_, inside)| inside));
        waiting.extend(value.as_array().into_iter().flatten());
    }
    assert!(seen > 25, "{seen} examples");
}

/// What the shop refuses to people at its pages, and never to a program.
const ON_PAGES_ONLY: [&str; 24] = [
    "points_held",
    "sales_waiting",
    "till_taken",
    "shift_already_open",
    "not_an_opening_day",
    "baskets_held",
    "shift_already_closed",
    "own_shift",
    "refund_too_many",
    "delivery_out_of_step",
    "not_a_proxy",
    "same_person",
    "not_waiting",
    "lot_too_small",
    "shortage_too_large",
    "already_counting",
    "topped_up",
    "month_not_over",
    "settlement_already_made",
    "nothing_to_settle",
    "settlement_not_waiting",
    "settlement_same_person",
    "disputes_open",
    "already_disputed",
];

#[test]
fn the_description_has_the_codes_that_there_are() {
    let spec = Spec::read();
    let told = &spec.0["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let told: BTreeSet<String> = serde_json::from_value(told.clone()).unwrap();
    // Every code of a refusal stands in a `fn code(&self)`; these are written by the guard, where no door is, and by the
    // council for programs that nominate and verify. What only pages refuse is no matter of programs.
    let mut said = BTreeSet::from(["not_signed_in", "method_not_allowed", "already_decided"].map(str::to_owned));
    let reached = [
        "src/error.rs",
        "src/request.rs",
        "src/ledger/transaction.rs",
        "src/cards",
        "src/shop",
    ];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<_> = reached.iter().map(|place| root.join(place)).collect();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for body in text.split("fn code(&self) -> &'static str {").skip(1) {
            let body = body.split("\n    }").next().unwrap();
            said.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    // A void looks before it reverses, and answers `already_voided`.
    assert!(said.remove("already_reversed"));
    for code in ON_PAGES_ONLY {
        assert!(said.remove(code), "{code} is said nowhere");
    }
    assert_eq!(told, said);
}

// ---- Calling -------------------------------------------------------------------------------------------------------

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
    async fn every_refusal_has_its_code(town: Town) {
        let (building, grid, shop) = (
            town.described("building").await,
            town.described("grid").await,
            town.described("shop").await,
        );
        let code = |answer: Answer| answer.problem();
        // Awards: the cap, what waits counted with what is posted; who nominated does not verify; once.
        let award = text(&grid.post(AWARDS, "", "a", &deed(WANG)).await.json()["id"]);
        let over = building.post(AWARDS, "", "b", &deed(WANG)).await;
        let why = text(&over.json()["detail"]);
        assert!(
            why.contains("见义勇为（有权机关认定），每次30分，每年最多60分") && why.contains("还可加0分"),
            "{why}"
        );
        assert_eq!(code(over), (409, "limit_reached".to_owned()));
        let approve = json!({"decision": "approve"});
        assert_eq!(
            code(grid.post(VERIFICATION, &award, "c", &approve).await),
            (403, "not_permitted".to_owned())
        );
        assert_eq!(
            code(building.post(VERIFICATION, &award, "d", &approve).await),
            (403, "not_permitted".to_owned())
        );
        let council = town.described("council").await;
        assert_eq!(council.post(VERIFICATION, &award, "e", &approve).await.status, 200);
        assert_eq!(
            code(council.post(VERIFICATION, &award, "f", &approve).await),
            (409, "already_decided".to_owned())
        );
        // Redemptions, in the order in which the counter looks.
        let old = text(&grid.post(CARDS, WANG, "g", &json!({"reason": "首次制卡"})).await.json()["token"]);
        let card = text(&grid.post(CARDS, WANG, "h", &json!({"reason": "遗失补办"})).await.json()["token"]);
        let redeem = async |key: &str, card: &str, sku: &str, quantity: i64| {
            let basket = json!({"card": card, "lines": [{"sku": sku, "quantity": quantity}]});
            code(shop.post(REDEMPTIONS, "", key, &basket).await)
        };
        let unknown = format!("{}-000000000000", &card[..10]);
        assert_eq!(redeem("i", &unknown, "G006", 1).await, (409, "unknown_card".to_owned()));
        assert_eq!(redeem("j", &old, "G006", 1).await, (409, "card_stopped".to_owned()));
        assert_eq!(redeem("k", &card, "G013", 3).await, (409, "limit_reached".to_owned()));
        assert_eq!(
            redeem("l", &card, "G001", 8).await,
            (409, "not_enough_points".to_owned())
        );
        town.give(WANG, 9_000).await;
        assert_eq!(redeem("m", &card, "G001", 101).await, (409, "out_of_stock".to_owned()));
        let basket = json!({"card": card, "lines": [{"sku": "G006", "quantity": 1}]});
        let sale = text(&shop.post(REDEMPTIONS, "", "n", &basket).await.json()["id"]);
        assert_eq!(
            shop.post(VOID, &sale, "o", &json!({"reason": "拿错"})).await.status,
            200
        );
        assert_eq!(
            code(shop.post(VOID, &sale, "p", &json!({"reason": "再来"})).await),
            (409, "already_voided".to_owned())
        );
        // What does not exist.
        assert_eq!(
            code(grid.get(HOUSEHOLD, "C99-X", "").await),
            (404, "not_found".to_owned())
        );
        assert_eq!(
            code(grid.get(STATEMENT, "C99-X", "").await),
            (404, "not_found".to_owned())
        );
        assert_eq!(
            code(grid.post(CARDS, "C99-X", "q", &json!({"reason": "首次制卡"})).await),
            (404, "not_found".to_owned())
        );
        assert_eq!(
            code(grid.post(VERIFICATION, "nothing", "r", &approve).await),
            (404, "not_found".to_owned())
        );
        assert_eq!(
            code(shop.post(VOID, "nothing", "s", &json!({"reason": "拿错"})).await),
            (404, "not_found".to_owned())
        );
        assert_eq!(
            code(grid.post(AWARDS, "", "t", &deed("C99-X")).await),
            (422, "invalid_request".to_owned())
        );
    }
}

on_both! {
    async fn a_program_without_a_good_token_is_told_nothing(town: Town) {
        let spec = Spec::read();
        let good = town.token("grid").await;
        let mut bad = vec![
            String::new(),
            "x".to_owned(),
            good[..63].to_owned(),
            format!("{good}0"),
            "0".repeat(64),
            good.replace(|letter: char| letter.is_ascii_digit(), "é"),
        ];
        // A closed account's token, and a browser's session instead of a token.
        town.write(|conn| jishan::access::user::disable(conn, "grid", crate::town::morning()))
            .await
            .unwrap();
        bad.push(good);
        bad.push(town.signed_in("shop").await.csrf().to_owned());
        for route in routes::table() {
            if !route.path.starts_with("/api/v1/") {
                continue;
            }
            let path = filled(route.path, WANG);
            for token in &bad {
                let visitor = town.stranger().with_token(token);
                let answer = match route.method {
                    "GET" => visitor.get(&path).await,
                    _ => visitor.call(&path, "k", &json!({})).await,
                };
                assert_eq!(
                    answer.problem(),
                    (401, "not_signed_in".to_owned()),
                    "{} {path} {token}",
                    route.method
                );
                assert_eq!(answer.header("www-authenticate"), "Bearer");
                spec.expect(route.method, route.path, &answer);
            }
            // A cookie opens no door of the API: no page of another site can use it.
            let answer = match route.method {
                "GET" => town.signed_in("admin").await.get(&path).await,
                _ => town.signed_in("shop").await.call(&path, "k", &json!({})).await,
            };
            assert_eq!(answer.status, 401, "{} {path}", route.method);
        }
    }
}

on_both! {
    async fn the_scheme_of_a_token_is_read_in_any_case(town: Town) {
        let token = town.token("grid").await;
        for (scheme, status) in [("Bearer", 200), ("bearer", 200), ("BEARER", 200), ("Basic", 401), ("", 401)] {
            let request = town.stranger().request(Method::GET, HOUSEHOLD_LIST);
            let request = request.header(header::AUTHORIZATION, format!("{scheme} {token}"));
            let answer = town.stranger().send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, status, "{scheme}");
        }
    }
}

on_both! {
    async fn what_programs_send_by_mistake_is_named(town: Town) {
        let (grid, shop) = (town.described("grid").await, town.described("shop").await);
        let card = text(
            &grid
                .post(CARDS, WANG, "card", &json!({"reason": "首次制卡"}))
                .await
                .json()["token"],
        );
        town.give(WANG, 100).await;
        let invalid = |status: u16| (status, "invalid_request".to_owned());
        let writes: [(&Program, &str, &str); 5] = [
            (&grid, CARDS, WANG),
            (&grid, AWARDS, ""),
            (&grid, VERIFICATION, "nothing"),
            (&shop, REDEMPTIONS, ""),
            (&shop, VOID, "nothing"),
        ];
        for (program, path, named) in writes {
            // No JSON at all, half of it, the wrong kind of it, something else; nothing of it is carried out.
            for body in [
                "",
                "{",
                "{\"reason\": \"首次",
                "reason=1",
                "<xml/>",
                "\u{feff}{}",
                "nul",
            ] {
                let answer = program.post_raw(path, named, Some("k"), body.as_bytes()).await;
                assert_eq!(answer.problem(), invalid(400), "{path} {body}");
            }
            for body in [
                "{\"a\": 1e999}",
                "{}",
                "[]",
                "null",
                "1",
                "\"x\"",
                "{\"reason\": 1, \"decision\": 1, \"lines\": 1, \"household\": 1}",
            ] {
                let answer = program.post_raw(path, named, Some("k"), body.as_bytes()).await;
                assert_eq!(answer.problem(), invalid(422), "{path} {body}");
            }
            let not_utf8 = program
                .post_raw(path, named, Some("k"), b"{\"reason\": \"\xff\xfe\"}")
                .await;
            assert_eq!(not_utf8.code(), "invalid_request", "{path}");
            let deep = "[".repeat(200_000);
            assert_eq!(
                program.post_raw(path, named, Some("k"), deep.as_bytes()).await.code(),
                "invalid_request",
                "{path}"
            );
            let ten_megabytes = format!("{{\"reason\": \"{}\"}}", "x".repeat(10_000_000));
            let answer = program.post_raw(path, named, Some("k"), ten_megabytes.as_bytes()).await;
            assert_eq!(answer.problem(), invalid(413), "{path}");
            // Without a key nothing is carried out, whatever the body.
            assert_eq!(
                program.post_raw(path, named, None, b"{}").await.problem(),
                invalid(400),
                "{path}"
            );
            assert_eq!(
                program.post_raw(path, named, Some(""), b"{}").await.problem(),
                invalid(400),
                "{path}"
            );
        }
        // Keys that are none.
        let basket = json!({"card": card, "lines": [{"sku": "G006", "quantity": 1}]});
        for key in ["two words", "é", &"k".repeat(129)] {
            let answer = shop.post(REDEMPTIONS, "", key, &basket).await;
            assert_eq!(answer.code(), "invalid_request", "{key}");
        }
        // Quantities that are none.
        for quantity in [
            "-1",
            "0",
            "1.5",
            "1.0",
            "1000",
            "9223372036854775807",
            "9223372036854775808",
            "1e3",
            "\"1\"",
            "null",
        ] {
            let body =
                format!("{{\"card\": \"{card}\", \"lines\": [{{\"sku\": \"G006\", \"quantity\": {quantity}}}]}}");
            let answer = shop.post_raw(REDEMPTIONS, "", Some("q"), body.as_bytes()).await;
            assert_eq!(answer.problem(), invalid(422), "{quantity}");
        }
        let lines: Vec<Value> = (0..101)
            .map(|nth| json!({"sku": format!("G{nth}"), "quantity": 1}))
            .collect();
        assert_eq!(
            shop.post(REDEMPTIONS, "", "q", &json!({"card": card, "lines": lines}))
                .await
                .problem(),
            invalid(422)
        );
        assert_eq!(
            shop.post(REDEMPTIONS, "", "q", &json!({"card": card, "lines": []}))
                .await
                .problem(),
            invalid(422)
        );
        // Cards and goods that are none.
        for wrong in ["", "😀", "1234567890", "https://elsewhere.example/x", &"1".repeat(600)] {
            let body = json!({"card": wrong, "lines": [{"sku": "G006", "quantity": 1}]});
            assert_eq!(
                shop.post(REDEMPTIONS, "", "q", &body).await.problem(),
                invalid(422),
                "{wrong}"
            );
        }
        for wrong in ["", "G404", "😀", "g006", "G006 "] {
            let body = json!({"card": card, "lines": [{"sku": wrong, "quantity": 1}]});
            assert_eq!(
                shop.post(REDEMPTIONS, "", "q", &body).await.problem(),
                invalid(422),
                "{wrong}"
            );
        }
        // Counts, days, items and notes that are none.
        for (name, wrong) in [
            ("count", json!(0)),
            ("count", json!(-1)),
            ("count", json!(101)),
            ("count", json!(i64::MAX)),
            ("count", json!(1.5)),
            ("occurred_on", json!("2026-11-22")),
            ("occurred_on", json!("2026-08-20")),
            ("occurred_on", json!("2026-02-30")),
            ("occurred_on", json!("yesterday")),
            ("occurred_on", json!("0000-00-00")),
            ("item", json!("Z99")),
            ("item", json!("")),
            ("household", json!("")),
            ("note", json!("长".repeat(501))),
        ] {
            let mut body = deed(WANG);
            body[name] = wrong.clone();
            assert_eq!(
                grid.post(AWARDS, "", "q", &body).await.problem(),
                invalid(422),
                "{name} {wrong}"
            );
        }
        for wrong in ["", " ", &"长".repeat(201)] {
            assert_eq!(
                grid.post(CARDS, LI, "q", &json!({"reason": wrong})).await.problem(),
                invalid(422),
                "{wrong}"
            );
        }
        for wrong in ["0", "-1", "1001"] {
            assert_eq!(
                grid.get(HOUSEHOLD_LIST, "", &format!("?limit={wrong}")).await.problem(),
                invalid(422),
                "{wrong}"
            );
            assert_eq!(
                grid.get(STATEMENT, WANG, &format!("?limit={wrong}")).await.problem(),
                invalid(422),
                "{wrong}"
            );
        }
        assert_eq!(
            grid.get(STATEMENT, WANG, "?account=issuance").await.problem(),
            invalid(422)
        );
        // Nothing of all this happened.
        assert_eq!(town.spendable(WANG).await, 100);
    }
}

on_both! {
    async fn an_address_that_cannot_be_read_is_a_problem_too(town: Town) {
        let grid = town.described("grid").await;
        let invalid = (422, "invalid_request".to_owned());
        assert_eq!(grid.get(HOUSEHOLD_LIST, "", "?limit=many").await.problem(), invalid);
        assert_eq!(
            grid.get(HOUSEHOLD_LIST, "", "?limit=1&limit=2").await.problem(),
            invalid
        );
        assert_eq!(
            grid.get(STATEMENT, WANG, "?before=9223372036854775808").await.problem(),
            invalid
        );
        // A code that cannot be read is nobody's.
        assert_eq!(
            grid.get(HOUSEHOLD, "%FF", "").await.problem(),
            (404, "not_found".to_owned())
        );
    }
}

on_both! {
    async fn other_methods_are_a_problem_too(town: Town) {
        let grid = town.program("grid").await;
        for (method, path) in [
            (Method::DELETE, "/api/v1/awards"),
            (Method::PUT, "/api/v1/awards"),
            (Method::PUT, "/api/v1/households"),
        ] {
            let answer = grid.send(grid.request(method, path).body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 405, "{path}");
            assert!(!answer.header("allow").is_empty(), "{path}");
        }
        let nowhere = grid.get("/api/v2/households").await;
        assert_eq!(nowhere.problem(), (404, "not_found".to_owned()));
    }
}

on_both! {
    /// PostgreSQL keeps no text with a zero character in it. Whoever sends one has made a mistake, not we.
    async fn a_zero_character_is_refused_and_is_nobodys_fault(town: Town) {
        let (grid, shop) = (town.described("grid").await, town.described("shop").await);
        let card = text(
            &grid
                .post(CARDS, WANG, "card", &json!({"reason": "首次制卡"}))
                .await
                .json()["token"],
        );
        town.give(WANG, 100).await;
        let mut answers = vec![
            grid.visitor.get("/api/v1/households/%00").await,
            grid.visitor.get("/api/v1/households?query=%00").await,
            grid.visitor.get("/api/v1/households?after=%00").await,
            grid.visitor
                .call("/api/v1/awards/%00/verification", "a", &json!({"decision": "approve"}))
                .await,
            shop.visitor
                .call("/api/v1/redemptions/%00/void", "b", &json!({"reason": "拿错"}))
                .await,
            grid.visitor
                .call(&filled(CARDS, LI), "c", &json!({"reason": "首次\u{0}制卡"}))
                .await,
        ];
        for name in ["household", "item", "note"] {
            let mut body = deed(WANG);
            body[name] = json!("零\u{0}");
            answers.push(grid.visitor.call(AWARDS, &format!("d-{name}"), &body).await);
        }
        let basket = json!({"card": card, "lines": [{"sku": "G006\u{0}", "quantity": 1}]});
        answers.push(shop.visitor.call(REDEMPTIONS, "e", &basket).await);
        let broken: Vec<usize> = (0..answers.len())
            .filter(|nth| answers[*nth].status.is_server_error())
            .collect();
        assert_eq!(broken, Vec::<usize>::new(), "these broke the server");
    }
}

on_both! {
    async fn the_kind_of_the_body_is_what_it_is_and_not_what_it_says(town: Town) {
        let shop = town.program("shop").await;
        let card = town.issue_card(WANG).await.token();
        town.give(WANG, 100).await;
        let send = async |kind: Option<&str>, key: &str, body: String| {
            let mut request = shop.request(Method::POST, REDEMPTIONS).header("idempotency-key", key);
            if let Some(kind) = kind {
                request = request.header(header::CONTENT_TYPE, kind);
            }
            shop.send(request.body(Body::from(body)).unwrap()).await
        };
        let basket = json!({"card": card, "lines": [{"sku": "G006", "quantity": 1}]}).to_string();
        assert_eq!(send(None, "a", basket.clone()).await.status, 201);
        assert_eq!(send(Some("text/plain"), "b", basket.clone()).await.status, 201);
        assert_eq!(
            send(Some("application/json; charset=gbk"), "c", basket).await.status,
            201
        );
        let form = format!("card={card}&lines=G006");
        assert_eq!(
            send(Some("application/x-www-form-urlencoded"), "d", form)
                .await
                .problem(),
            (400, "invalid_request".to_owned())
        );
        assert_eq!(town.spendable(WANG).await, 85);
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

on_both! {
    async fn the_service_describes_itself_to_everybody(town: Town) {
        let answer = town.stranger().get("/api/openapi.json").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, "application/json")
        );
        assert_eq!(answer.json(), Spec::read().0);
        let health = town.stranger().get("/healthz").await;
        Spec::read().expect("GET", "/healthz", &health);
        assert_eq!(health.json(), json!({"status": "ok"}));
        assert_eq!(today().to_string(), "2026-11-21");
    }
}
