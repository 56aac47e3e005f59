//! The hour without network: holds, recalls, late sales and conflicts, as stories and as a simulation under seeded faults.

mod simulation;

use std::collections::HashMap;

use chrono::TimeDelta;
use jishan::clock::Moment;
use jishan::db::Conn;
use jishan::error::Result;
use jishan::ledger::{self, hold};
use jishan::points::Points;
use jishan::shop::act::Act;
use jishan::shop::offline::{self, Allowance};
use jishan::shop::offline_sale::{self, Decide, Decision, Outcome, Sale};
use jishan::shop::redemption::{self, Pickup, Redeem, Redeemed, Wanted};
use jishan::shop::shift::{self, Closing, Shift};
use jishan::shop::till;

use crate::town::{LI, Town, WANG, on_both};

const SALT: [u8; 16] = [7; 16];

/// A second till of the store with somebody's shift.
async fn second_till(town: &Town, person: &'static str, name: &'static str) -> Shift {
    let (store, person, now) = (town.store().await, town.user(person).await.id, town.app.now());
    town.write(move |conn| {
        let till = till::add(conn, &store, name, "system", now)?;
        shift::open(conn, &till.id, "", &person, now)
    })
    .await
    .unwrap()
}

async fn take(town: &Town, shift: &Shift, now: Moment) -> Allowance {
    let shift = shift.clone();
    let held = town
        .write(move |conn| offline::open(conn, &shift, "browser", SALT, now))
        .await
        .unwrap()
        .unwrap();
    town.read(move |conn| offline::allowance(conn, held)).await
}

/// Points of a hold that its till may spend for a household.
async fn kept(town: &Town, hold: i64, code: &'static str) -> i64 {
    let household = town.household(code).await;
    town.read(move |conn| {
        let kept = hold::kept(conn, hold)?;
        Ok(kept
            .iter()
            .find(|kept| kept.owner == household.id.as_str())
            .map_or(0, |kept| kept.points.0))
    })
    .await
}

fn wanted(lines: &[(&str, i64)]) -> Vec<Wanted> {
    let line = |(sku, quantity): &(&str, i64)| Wanted {
        sku: (*sku).to_owned(),
        quantity: *quantity,
    };
    lines.iter().map(line).collect()
}

async fn sell(
    town: &Town,
    shift: &Shift,
    key: &str,
    card: &str,
    lines: &[(&str, i64)],
    now: Moment,
) -> Result<Redeemed> {
    let asked = Redeem::new(key, card, &wanted(lines), Pickup::Household, shift, now)?;
    town.app.db.write_together(asked, redemption::redeem_all).await
}

fn sale(key: &str, card: &str, lines: &[(&str, i64)], sold_at: Moment) -> Sale {
    Sale {
        key: key.to_owned(),
        card: card.to_owned(),
        lines: wanted(lines),
        prices: HashMap::new(),
        sold_at,
        slip: format!("D-{key}"),
        signs: false,
        given: true,
        other_pickup: false,
    }
}

async fn settle(town: &Town, hold: i64, sale: Sale, shift: &Shift, now: Moment) -> Outcome {
    let shift = shift.clone();
    town.write(move |conn| offline_sale::settle(conn, Some(hold), &sale, &shift, now))
        .await
        .unwrap()
}

/// A row in every table of the hour without network, for `schema.rs`.
pub async fn a_row_of_each(town: &Town) {
    let card = town.issue_card(LI).await.token();
    let (shift, now) = (town.at_the_till("shop").await, town.app.now());
    let held = take(town, &shift, now).await.hold.hold_number;
    let sold = settle(town, held, sale("row-offline", &card, &[("G039", 1)], now), &shift, now).await;
    assert!(matches!(sold, Outcome::Posted(_)));
    let lost = Sale {
        given: false,
        ..sale("row-lost", &card, &[("G013", 9)], now)
    };
    let refused = settle(town, held, lost, &shift, now).await;
    assert!(matches!(refused, Outcome::Refused(_)));
}

on_both! {
    async fn a_till_keeps_what_it_may_sell_and_nobody_takes_it(town: Town) {
        town.give(WANG, 25).await;
        let card = town.issue_card(WANG).await.token();
        let (first, now) = (town.at_the_till("shop").await, town.app.now());
        let second = second_till(&town, "admin", "2号柜台").await;
        let held = take(&town, &first, now).await;
        assert_eq!(held.points_each, Points(20));
        assert_eq!(kept(&town, held.hold.hold_number, WANG).await, 20);
        // Half of the hundred on the shelf is the first till's.
        assert_eq!(held.goods["G039"], 50);
        let other = take(&town, &second, now).await;
        assert_eq!(kept(&town, other.hold.hold_number, WANG).await, 5, "what is free");
        assert_eq!(other.goods["G039"], 50);

        // The second till may sell five points, and asks the first for more.
        sell(&town, &second, "a", &card, &[("G006", 1)], now).await.unwrap();
        let refused = sell(&town, &second, "b", &card, &[("G039", 1)], now).await.unwrap_err();
        assert_eq!(refused.code(), "held_elsewhere");
        assert!(refused.to_string().contains("1号柜台"), "{refused}");
        // The first one itself sells all of it, also online.
        sell(&town, &first, "c", &card, &[("G006", 2)], now).await.unwrap();
        assert_eq!(kept(&town, held.hold.hold_number, WANG).await, 10);

        // It is told at its next sign of life, and lets go.
        let (shift, number) = (first.clone(), held.hold.hold_number);
        let beat = town.write(move |conn| offline::beat(conn, &shift, number, 0, &[], now)).await.unwrap();
        assert!(beat.is_live);
        let [offline::Recall::Points { id, digests }] = &beat.recalls[..] else { panic!("{:?}", beat.recalls) };
        assert_eq!(digests.len(), 1);
        let (shift, dropped) = (first.clone(), vec![id.clone()]);
        let beat = town.write(move |conn| offline::beat(conn, &shift, number, 0, &dropped, now)).await.unwrap();
        assert!(beat.recalls.is_empty());
        sell(&town, &second, "b", &card, &[("G039", 1)], now).await.unwrap();
        assert_eq!(town.spendable(WANG).await, 9);

        // A hold that was given back twice ends only itself; another browser at the till gets none.
        let (shift, till) = (first.clone(), first.till_id.clone());
        let other = town.write(move |conn| offline::open(conn, &shift, "phone", SALT, now)).await.unwrap();
        assert!(other.is_none());
        town.write(move |conn| offline::give_back(conn, &till, number + 10, now)).await.unwrap();
        assert!(kept(&town, held.hold.hold_number, LI).await == 0 && !town.read(move |conn| hold::kept(conn, number)).await.is_empty());
        // With the shift the hold ends.
        let (id, by) = (first.id.clone(), first.opened_by.clone());
        town.write(move |conn| shift::close(conn, &id, &Closing::default(), &by, now)).await.unwrap();
        sell(&town, &second, "d", &card, &[("G006", 1)], now).await.unwrap();
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn a_silent_till_keeps_until_its_time(town: Town) {
        town.give(WANG, 20).await;
        let card = town.issue_card(WANG).await.token();
        let (first, now) = (town.at_the_till("shop").await, town.app.now());
        let second = second_till(&town, "admin", "2号柜台").await;
        let held = take(&town, &first, now).await;
        let later = now + TimeDelta::minutes(10);
        let refused = sell(&town, &second, "a", &card, &[("G039", 1)], later).await.unwrap_err();
        assert!(refused.to_string().contains("1号柜台断网了"), "{refused}");
        // Nor does the office take it from under the till.
        let (wang, li) = (town.household(WANG).await.id, town.household(LI).await.id);
        let transfer = move |conn: &mut Conn| {
            let transfer = ledger::transfer::Transfer {
                from: wang.as_str(),
                to: li.as_str(),
                spendable: Points(1),
                honour: Points::ZERO,
                time: Points::ZERO,
            };
            transfer.post(conn, "transfer:test".to_owned(), jishan::clock::day_of(later), "system", later)
        };
        assert_eq!(town.write(transfer).await.unwrap_err().code(), "points_held");
        // Its own sale of that hour is there when it comes back the next morning.
        let morning = now + TimeDelta::hours(24);
        let sold = settle(&town, held.hold.hold_number, sale("s", &card, &[("G006", 4)], later), &first, morning).await;
        let Outcome::Posted(id) = sold else { panic!("{sold:?}") };
        let made = town.read(move |conn| redemption::by_id(conn, &id)).await.redemption;
        assert_eq!((made.points, made.shift_id), (Points(20), Some(first.id.clone())));
        assert_eq!(town.spendable(WANG).await, 0);
        // After its time it keeps nothing.
        town.give(WANG, 20).await;
        let after = held.hold.until_at;
        sell(&town, &second, "b", &card, &[("G039", 1)], after).await.unwrap();
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn a_sale_is_written_down_once_however_often_it_comes(town: Town) {
        town.give(WANG, 20).await;
        let card = town.issue_card(WANG).await.token();
        let (shift, now) = (town.at_the_till("shop").await, town.app.now());
        let held = take(&town, &shift, now).await.hold.hold_number;
        // The answer of an online try was lost; the till hands the goods out and sends the same sale later.
        let online = sell(&town, &shift, "k", &card, &[("G006", 1)], now).await.unwrap();
        for _ in 0..2 {
            let again = settle(&town, held, sale("k", &card, &[("G006", 1)], now), &shift, now).await;
            assert_eq!(again, Outcome::Posted(online.redemption.id.clone()));
        }
        assert_eq!(town.spendable(WANG).await, 15);
        // A try whose goods never went out is not kept when it is refused.
        let lost = Sale { given: false, ..sale("l", &card, &[("G013", 1)], now) };
        assert!(matches!(settle(&town, held, lost, &shift, now).await, Outcome::Refused(_)));
        // What was on its way meanwhile comes too late, also when the points are there by then.
        town.give(WANG, 40).await;
        let refused = sell(&town, &shift, "l", &card, &[("G013", 1)], now).await.unwrap_err();
        assert!(refused.to_string().contains("请重新办理"), "{refused}");
        // A delivery whose answer was lost is looked up, and never made a household's own errand.
        let lost = Sale { given: false, other_pickup: true, ..sale("p", &card, &[("G006", 1)], now) };
        assert!(matches!(settle(&town, held, lost, &shift, now).await, Outcome::Refused(_)));
        // The price of the till's list stands, if it was the price that day.
        let cheap = Sale {
            prices: HashMap::from([("G006".to_owned(), Points(1))]),
            ..sale("m", &card, &[("G006", 1)], now)
        };
        assert!(matches!(settle(&town, held, cheap, &shift, now).await, Outcome::Conflict(_)));
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn goods_that_went_out_on_a_card_reported_lost_are_decided_by_the_office(town: Town) {
        town.give(WANG, 20).await;
        let card = town.issue_card(WANG).await.token();
        let (shift, now) = (town.at_the_till("shop").await, town.app.now());
        let held = take(&town, &shift, now).await.hold.hold_number;
        let new = town.issue_card(WANG).await.token();
        for _ in 0..2 {
            let lost = settle(&town, held, sale("k", &card, &[("G006", 1)], now), &shift, now).await;
            assert!(matches!(lost, Outcome::Conflict(_)), "{lost:?}");
        }
        assert_eq!(town.spendable(WANG).await, 20);
        let store = town.store().await;
        let stores = vec![store.clone()];
        let waiting = town.read(move |conn| offline_sale::conflicts(conn, &stores, 10)).await;
        assert_eq!(waiting.len(), 1);
        assert_eq!((waiting[0].points, waiting[0].household_id.clone()), (Points(5), Some(town.household(WANG).await.id)));
        assert!(!card.contains(&format!("{}-", waiting[0].reason)), "no secret is kept");

        let admin = town.user("admin").await.id;
        let decide = |key: &'static str, decision, note: &'static str| {
            let (store, act) = (store.clone(), Act::new("offline_sale.decided", key, &admin, now));
            let asked = Decide { number: 1, decision, note: note.to_owned() };
            town.write(move |conn| offline_sale::decide(conn, &asked, &[store], &act))
        };
        assert_eq!(decide("a", Decision::Posted, "").await.unwrap_err().code(), "card_stopped");
        assert_eq!(decide("b", Decision::Borne, "").await.unwrap_err().code(), "invalid_request");
        decide("c", Decision::Borne, "挂失当天断网，商品另行报损").await.unwrap();
        decide("c", Decision::Borne, "挂失当天断网，商品另行报损").await.unwrap();
        assert!(decide("d", Decision::Returned, "货已退回").await.is_err());
        sell(&town, &shift, "n", &new, &[("G006", 4)], now).await.unwrap();
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn points_that_end_are_not_kept(town: Town) {
        let (shift, now) = (town.at_the_till("shop").await, town.app.now());
        town.give_until(WANG, 9, crate::town::today()).await;
        town.give(WANG, 4).await;
        let held = take(&town, &shift, now).await.hold.hold_number;
        assert_eq!(kept(&town, held, WANG).await, 4);
        // The run of the night takes the nine, hold or no hold.
        let night = now + TimeDelta::hours(15);
        let posted = town
            .write(move |conn| ledger::lot::expire_due(conn, jishan::clock::day_of(night), night))
            .await
            .unwrap();
        assert_eq!((posted, town.spendable(WANG).await), (1, 4));
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn a_shift_is_not_closed_over_sales_that_wait(town: Town) {
        let (shift, now) = (town.at_the_till("shop").await, town.app.now());
        let held = take(&town, &shift, now).await.hold.hold_number;
        let till = shift.clone();
        town.write(move |conn| offline::beat(conn, &till, held, 2, &[], now)).await.unwrap();
        let (id, by) = (shift.id.clone(), shift.opened_by.clone());
        let refused = town.write(move |conn| shift::close(conn, &id, &Closing::default(), &by, now)).await.unwrap_err();
        assert_eq!(refused.code(), "sales_waiting");
        assert!(refused.to_string().contains("还有2单"));
        // A colleague may take over from a till that is gone.
        let (id, admin) = (shift.id.clone(), town.user("admin").await.id);
        let closing = Closing { takeover_reason: "电脑坏了".to_owned(), ..Closing::default() };
        town.write(move |conn| shift::close(conn, &id, &closing, &admin, now)).await.unwrap();
        let shop = shift.till_id.clone();
        assert_eq!(town.read(move |conn| hold::live(conn, shop.as_str(), now)).await, None);
    }
}
