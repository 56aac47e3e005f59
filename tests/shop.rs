//! The counter: cards, points, limits, stock, voids, and requests that come twice.

use std::sync::Arc;

use jishan::access::role::Role;
use jishan::access::user;
use jishan::clock::days_after;
use jishan::id::Id;
use jishan::places::area::Tree;
use jishan::shop::redemption::{self, Pickup, Redeem, Wanted};
use jishan::shop::stock::{self, Funding, Receive};
use jishan::shop::store::{self, PointsStore};
use jishan::shop::{goods, void};
use serde_json::json;

use crate::town::{LI, Town, WANG, morning, on_both, today};

on_both! {
    async fn balance_and_stock_go_down_together_and_come_back_with_a_void(town: Town) {
        town.earn(WANG, "E08", 2).await;
        let card = town.issue_card(WANG).await;
        let sold = town.redeem("k1", &card.token(), &[("G013", 1), ("G006", 2)]).await.unwrap();
        assert_eq!((sold.redemption.points.0, sold.lines.len(), sold.replayed), (40, 2, false));
        assert_eq!(town.spendable(WANG).await, 20);
        assert_eq!(available(&town, "G013").await, 99);
        assert_eq!(available(&town, "G006").await, 98);
        town.expect_books_hold().await;

        let program = town.program("shop").await;
        let path = format!("/api/v1/redemptions/{}/void", sold.redemption.id);
        let voided = program.call(&path, "v1", &json!({"reason": "拿错商品"})).await;
        assert_eq!(voided.status, 200);
        assert_eq!(voided.json()["points_returned"], 40);
        assert_eq!(town.spendable(WANG).await, 60);
        assert_eq!(available(&town, "G013").await, 100);
        // Once only; the same request again is not a second void.
        assert_eq!(program.call(&path, "v1", &json!({"reason": "拿错商品"})).await.status, 200);
        assert_eq!(program.call(&path, "v2", &json!({"reason": "再来"})).await.code(), "already_voided");
        assert_eq!(program.call(&path, "v3", &json!({"reason": " "})).await.code(), "already_voided");
        assert_eq!(town.spendable(WANG).await, 60);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_repeated_request_is_carried_out_once(town: Town) {
        town.earn(WANG, "E08", 1).await;
        let card = town.issue_card(WANG).await.token();
        let program = town.program("shop").await;
        let body = json!({"card": card, "lines": [{"sku": "G006", "quantity": 1}]});
        let first = program.call("/api/v1/redemptions", "same", &body).await;
        assert_eq!((first.status.as_u16(), first.json()["replayed"].as_bool()), (201, Some(false)));
        for _ in 0..3 {
            let again = program.call("/api/v1/redemptions", "same", &body).await;
            assert_eq!((again.status.as_u16(), again.json()["replayed"].as_bool()), (201, Some(true)));
            assert_eq!(again.json()["id"], first.json()["id"]);
            assert_eq!(again.json()["lines"], first.json()["lines"]);
        }
        let other = json!({"card": card, "lines": [{"sku": "G006", "quantity": 2}]});
        let conflict = program.call("/api/v1/redemptions", "same", &other).await;
        assert_eq!((conflict.status.as_u16(), conflict.code().as_str()), (409, "idempotency_conflict"));
        assert_eq!(town.spendable(WANG).await, 25);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn the_same_request_many_times_at_once_is_one_redemption(town: Town) {
        town.earn(WANG, "E08", 2).await;
        let card = town.issue_card(WANG).await.token();
        let town = Arc::new(town);
        let clients = (0..32).map(|_| {
            let (town, card) = (Arc::clone(&town), card.clone());
            tokio::spawn(async move { town.redeem("one-key", &card, &[("G013", 1)]).await.unwrap() })
        });
        let (mut ids, mut firsts) = (std::collections::BTreeSet::new(), 0);
        for client in clients.collect::<Vec<_>>() {
            let redeemed = client.await.unwrap();
            firsts += i32::from(!redeemed.replayed);
            ids.insert(redeemed.redemption.id);
        }
        assert_eq!((ids.len(), firsts), (1, 1));
        assert_eq!(town.spendable(WANG).await, 30);
    }
}

on_both! {
    async fn refusals_change_nothing_and_say_why(town: Town) {
        town.earn(WANG, "E08", 2).await;
        let card = town.issue_card(WANG).await;
        let refused = |key: &'static str, card: String, lines: &'static [(&'static str, i64)]| {
            let town = &town;
            async move {
                let error = town.redeem(key, &card, lines).await.unwrap_err();
                (error.code(), error.to_string())
            }
        };
        let token = card.token();
        assert_eq!(refused("a", token.clone(), &[("G013", 3)]).await.0, "limit_reached");
        assert_eq!(refused("b", token.clone(), &[("G001", 8)]).await, ("not_enough_points", "积分不够，还差4分。".to_owned()));
        assert_eq!(refused("c", token.clone(), &[("G404", 1)]).await.0, "invalid_request");
        assert_eq!(refused("d", token.clone(), &[]).await.0, "invalid_request");
        assert_eq!(refused("e", token.clone(), &[("G006", -1)]).await.0, "invalid_request");
        assert_eq!(refused("f", token.clone(), &[("G006", i64::MAX)]).await.0, "invalid_request");
        // Two lines of the same goods count as one.
        assert_eq!(refused("g", token.clone(), &[("G013", 1), ("G013", 2)]).await.0, "limit_reached");
        // A number that no card has, a secret that is not this card's, and what cannot be a card at all.
        let wrong_secret = format!("{}-000000000000", card.number.as_str());
        assert_eq!(refused("h", wrong_secret, &[("G006", 1)]).await.0, "unknown_card");
        assert_eq!(refused("i", "hello".to_owned(), &[("G006", 1)]).await.0, "invalid_request");
        assert_eq!(town.spendable(WANG).await, 60);
        // A key whose request was refused is free for the next try.
        assert!(town.redeem("a", &token, &[("G013", 1)]).await.is_ok());
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn the_shelf_runs_out_before_the_points_do(town: Town) {
        town.give(WANG, 1_000).await;
        let card = town.issue_card(WANG).await.token();
        assert!(town.redeem("a", &card, &[("G039", 99)]).await.is_ok());
        let error = town.redeem("b", &card, &[("G039", 2)]).await.unwrap_err();
        assert_eq!((error.code(), error.to_string()), ("out_of_stock", "蔬菜种子库存不足，只有1件。".to_owned()));
        assert!(town.redeem("c", &card, &[("G039", 1)]).await.is_ok());
        assert_eq!(available(&town, "G039").await, 0);
    }
}

on_both! {
    async fn a_new_card_stops_the_old_one_at_once(town: Town) {
        town.earn(WANG, "E08", 1).await;
        let old = town.issue_card(WANG).await;
        let new = town.issue_card(WANG).await;
        let error = town.redeem("a", &old.token(), &[("G006", 1)]).await.unwrap_err();
        assert_eq!(error.code(), "card_stopped");
        // The old number alone is stopped as well; the new one works in every form.
        assert_eq!(town.redeem("b", old.number.as_str(), &[("G006", 1)]).await.unwrap_err().code(), "card_stopped");
        let qr = format!("HTTPS://JIFEN.EXAMPLE.CN/K/{}", new.token());
        let scanned = town.redeem("c", &qr, &[("G006", 1)]).await.unwrap();
        assert_eq!(scanned.redemption.presented.word(), "scanned");
        let typed = town.redeem("d", &new.number.grouped(), &[("G006", 1)]).await.unwrap();
        assert_eq!(typed.redemption.presented.word(), "typed");
    }
}

on_both! {
    async fn a_void_frees_the_months_limit(town: Town) {
        town.give(WANG, 200).await;
        let card = town.issue_card(WANG).await.token();
        let sold = town.redeem("a", &card, &[("G013", 2)]).await.unwrap();
        assert_eq!(town.redeem("b", &card, &[("G013", 1)]).await.unwrap_err().code(), "limit_reached");
        let (by, now) = (town.user("shop").await.id, town.app.now());
        let asked = void::AskVoid {
            redemption: sold.redemption.id,
            reason: "拿错".to_owned(),
            shift: town.at_the_till("shop").await.id,
            by,
            key: "v".to_owned(),
        };
        town.write(move |conn| void::void(conn, &asked, now)).await.unwrap();
        assert!(town.redeem("c", &card, &[("G013", 2)]).await.is_ok());
        // The next month begins anew.
        town.app.clock.advance(chrono::TimeDelta::days(11));
        assert!(town.redeem("d", &card, &[("G013", 2)]).await.is_ok());
    }
}

on_both! {
    async fn what_expires_first_goes_out_first_and_what_has_expired_stays(town: Town) {
        town.give(WANG, 500).await;
        let card = town.issue_card(WANG).await.token();
        // The first lot, of a hundred, has no day. Three more have one.
        for (key, days, quantity) in [("late", 60, 5), ("soon", 3, 4), ("next", 30, 5)] {
            receive(&town, key, "G001", quantity, Some(days)).await;
        }
        town.redeem("a", &card, &[("G001", 6)]).await.unwrap();
        assert_eq!(lots(&town, "G001").await, [(None, 100), (Some(30), 3), (Some(60), 5)]);
        receive(&town, "today", "G001", 7, Some(0)).await;
        town.app.clock.advance(chrono::TimeDelta::days(1));
        assert_eq!(available(&town, "G001").await, 108, "seven are past their day and stay on the shelf");
        town.redeem("b", &card, &[("G001", 4)]).await.unwrap();
        assert_eq!(lots(&town, "G001").await, [(None, 100), (Some(0), 7), (Some(60), 4)]);
        town.read(jishan::shop::check::check).await.unwrap();
    }
}

on_both! {
    async fn a_card_of_another_household_pays_with_its_own_points(town: Town) {
        town.earn(WANG, "E08", 1).await;
        town.earn(LI, "E04", 1).await;
        let card = town.issue_card(LI).await.token();
        town.redeem("a", &card, &[("G006", 2)]).await.unwrap();
        assert_eq!((town.spendable(WANG).await, town.spendable(LI).await), (30, 0));
    }
}

async fn receive(town: &Town, key: &'static str, sku: &'static str, quantity: i64, days: Option<u64>) {
    let (store, by, now) = (town.store().await, town.user("stock").await.id, town.app.now());
    town.write(move |conn| {
        let goods = goods::by_sku(conn, sku)?;
        let asked = Receive {
            store,
            quantity,
            expires_on: days.map(|days| days_after(today(), days)),
            funding: Funding::Donated,
            cost_fen: goods.cost_fen,
            by,
            key: key.to_owned(),
            goods,
        };
        stock::receive(conn, &asked, now)
    })
    .await
    .unwrap();
}

/// Days from today to expiry and quantity of each lot that holds something.
async fn lots(town: &Town, sku: &'static str) -> Vec<(Option<i64>, i64)> {
    let store = town.store().await;
    let mut lots = town
        .read(move |conn| {
            let goods = goods::by_sku(conn, sku)?;
            let lots = stock::on_shelf(conn, &store)?
                .into_iter()
                .filter(|lot| lot.goods_id == goods.id);
            Ok(lots
                .map(|lot| (lot.expires_on.map(|day| (day - today()).num_days()), lot.quantity))
                .collect::<Vec<_>>())
        })
        .await;
    lots.sort_unstable();
    lots
}

async fn available(town: &Town, sku: &'static str) -> i64 {
    let (store, now) = (town.store().await, town.app.now());
    town.read(move |conn| {
        let goods = goods::by_sku(conn, sku)?;
        let stock = stock::Stock::open(conn, std::slice::from_ref(&goods.id))?;
        Ok(stock.available(&store, &goods.id, jishan::clock::day_of(now)))
    })
    .await
}

#[test]
fn the_fixture_stands_in_the_morning() {
    assert_eq!(jishan::clock::day_of(morning()), today());
}

on_both! {
    async fn a_redemption_is_voided_in_its_own_store_by_those_who_work_there(town: Town) {
        // Two stores: the one of the fixture, and one beside the second building. `shop` works in both.
        let (soap, second) = town
            .write(|conn| {
                let tree = Tree::load(conn)?;
                let building = tree.all().iter().find(|area| area.code == "B002").unwrap();
                let far_worker = user::by_name(conn, "far-grid")?.unwrap();
                user::grant(conn, &far_worker.id, Role::StoreManager, &building.id)?;
                let store = PointsStore {
                    id: Id::new(morning()),
                    area_id: building.id.clone(),
                    name: "二号楼积分超市".to_owned(),
                    opening_hours: String::new(),
                };
                store::add(conn, &store, morning())?;
                let soap = goods::by_sku(conn, "G006")?;
                let asked = Receive {
                    store: store.id.clone(),
                    quantity: 10,
                    expires_on: None,
                    funding: Funding::Collective,
                    cost_fen: soap.cost_fen,
                    by: user::by_name(conn, "stock")?.unwrap().id,
                    key: "second-store".to_owned(),
                    goods: soap,
                };
                stock::receive(conn, &asked, morning())?;
                Ok((asked.goods.sku, store.id))
            })
            .await
            .unwrap();
        let stores = town.read(store::all).await;
        town.earn(WANG, "E08", 1).await;
        let card = town.issue_card(WANG).await.token();
        let (shop, far) = (town.signed_in("shop").await, town.signed_in("far-grid").await);
        let program = town.program("shop").await;
        let far_program = town.program("far-grid").await;
        for (nth, store) in stores.iter().enumerate() {
            let shift = town.at_the_till_of("shop", &store.id).await;
            let mut made = Vec::new();
            for form in ["page", "api"] {
                let wanted = [Wanted { sku: soap.clone(), quantity: 1 }];
                let key = format!("sale-{nth}-{form}");
                let asked = Redeem::new(&key, &card, &wanted, Pickup::Household, &shift, town.app.now()).unwrap();
                made.push(town.app.db.write_together(asked, redemption::redeem_all).await.unwrap().redemption.id);
            }
            // Who works in the second store only has nothing to do with the first.
            if store.id != second {
                town.at_the_till_of("far-grid", &second).await;
                let answer = far.post(&format!("/redemptions/{}/void", made[0]), &[("key", "f"), ("reason", "选错商品或数量")]).await;
                assert_eq!(answer.status, 404);
                let path = format!("/api/v1/redemptions/{}/void", made[1]);
                assert_eq!(far_program.call(&path, "f", &json!({"reason": "拿错"})).await.status, 404);
            }
            let path = format!("/redemptions/{}/void", made[0]);
            let voided = shop.post(&path, &[("key", &format!("v{nth}")), ("reason", "选错商品或数量")]).await;
            assert_eq!(voided.location(), format!("/redemptions/{}?done=voided", made[0]), "{}", store.name);
            let path = format!("/api/v1/redemptions/{}/void", made[1]);
            let voided = program.call(&path, &format!("w{nth}"), &json!({"reason": "拿错"})).await;
            assert_eq!(voided.status, 200, "{}", store.name);
        }
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_gun_is_tried_without_a_trace_and_the_sample_card_is_nobodys(town: Town) {
        let card = town.issue_card(WANG).await.token();
        let shop = town.signed_in("shop").await;
        let audited = town.signed_in("auditor").await.get("/audit").await.text;
        let tried = async |text: &str| shop.post("/counter/try-scan", &[("text", text)]).await.text;
        assert!(tried(&card).await.contains("积分卡的二维码，卡号"));
        assert!(tried(&card[..10]).await.contains("积分卡的卡号"));
        assert!(tried(" 2900000000018\r\n").await.contains("商品条码：样品"));
        assert!(tried("<b>WIFI</b>").await.contains("没认出来"));
        assert!(!tried("<b>WIFI</b>").await.contains("<b>WIFI</b>"));
        assert!(tried("").await.contains("没有收到内容"));
        // A stopped card, another's and nobody's are told alike: the page looks nothing up.
        town.issue_card(WANG).await;
        assert!(tried(&card).await.contains("积分卡的二维码，卡号"));
        assert_eq!(town.signed_in("auditor").await.get("/audit").await.text.matches("<tr").count(), audited.matches("<tr").count() + 1, "the new card is all that was recorded");

        let sample = jishan::cards::number::CardNumber::sample();
        let refused = town.redeem("a", sample.as_str(), &[("G006", 1)]).await.unwrap_err();
        assert_eq!(refused.code(), "unknown_card");
        assert_eq!(town.signed_in("building").await.get("/counter/try-scan").await.status, 403);
    }
}
