//! What programs are refused: each refusal with its code, and nothing is told without a good token.

use axum::body::Body;
use axum::http::{Method, header};
use jishan::routes;
use serde_json::json;

use super::spec::Spec;
use super::{AWARDS, CARDS, HOUSEHOLD, HOUSEHOLD_LIST, REDEMPTIONS, STATEMENT, VERIFICATION, VOID, deed, filled, text};
use crate::browser::Answer;
use crate::town::{Town, WANG, on_both};

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
