//! All that careless and hostile programs send: it is named, it is nobody's fault but theirs, and nothing of it happens.

use axum::body::Body;
use axum::http::{Method, header};
use serde_json::{Value, json};

use super::{
    AWARDS, CARDS, HOUSEHOLD, HOUSEHOLD_LIST, Program, REDEMPTIONS, STATEMENT, VERIFICATION, VOID, deed, filled, text,
};
use crate::town::{LI, Town, WANG, on_both};

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
