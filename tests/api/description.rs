//! The description of the API against the real doors and codes, both ways, and its examples against its own schemas.

use std::collections::BTreeSet;

use jishan::routes;
use serde_json::{Value, json};

use super::spec::Spec;
use crate::town::{Town, on_both, today};

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
