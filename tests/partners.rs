//! Partners' shops: their own shelf and prices, a limit of the day, cash for what is missing, and the statement of a month.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use chrono::{NaiveDate, TimeDelta};
use jishan::access::role::{Duties, Role};
use jishan::access::user::{self, PasswordHash, User};
use jishan::clock::{Day, Moment, begin_of};
use jishan::error::Result;
use jishan::id::Id;
use jishan::money::Fen;
use jishan::places::area::Tree;
use jishan::points::Points;
use jishan::shop::act::Act;
use jishan::shop::partner::{self, NewAgreement};
use jishan::shop::redemption::{self, Pickup, Redeem, Redeemed, Wanted};
use jishan::shop::settlement::{self, LineKind};
use jishan::shop::store::PointsStore;

use crate::town::{LI, PASSWORD, Town, WANG, fresh_key, on_both};

async fn act(town: &Town, name: &'static str, by: &'static str) -> Act {
    let by = town.user(by).await.id;
    Act::new(name, &fresh_key(town.app.now()), &by, town.app.now())
}

fn day(text: &str) -> Day {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap()
}

/// A partner's shop in a building, with its keeper: soap for 6 points and 5.00 yuan, rice for 28 points and 24.00 yuan.
async fn partner(town: &Town, keeper: &'static str, building: &'static str, from: &str) -> Id<PointsStore> {
    let (adding, first) = (
        act(town, "partner.added", "admin").await,
        NewAgreement {
            merchant: "桂香日用品商行".to_owned(),
            from_on: day(from),
            until_on: day("2027-10-31"),
            daily_limit: 60,
        },
    );
    let (soap, rice) = (
        act(town, "partner.priced", "admin").await,
        act(town, "partner.priced", "admin").await,
    );
    let (now, hash) = (town.app.now(), PasswordHash::of(PASSWORD).unwrap());
    town.write(move |conn| {
        let tree = Tree::load(conn)?;
        let area = tree.all().iter().find(|area| area.code == building).unwrap().id.clone();
        let shop = PointsStore {
            id: Id::new(now),
            area_id: area.clone(),
            name: format!("桂香便民店{building}"),
            opening_hours: "每天".to_owned(),
        };
        let id = partner::add(conn, &shop, &first, &adding)?;
        partner::set_offer(conn, &id, "G006", Some((6, 500)), &soap)?;
        partner::set_offer(conn, &id, "G013", Some((28, 2_400)), &rice)?;
        let person = User {
            id: Id::new(now),
            name: keeper.to_owned(),
            display_name: "吴桂香".to_owned(),
            household_id: None,
            disabled_at: None,
        };
        let duties = Duties(vec![(Role::PartnerKeeper, area)]);
        user::add(conn, &person, &hash, &duties, now)?;
        Ok(id)
    })
    .await
    .unwrap()
}

/// Redeems at a partner's till.
async fn redeem_at(
    town: &Town,
    shop: &Id<PointsStore>,
    (key, card): (&str, &str),
    (sku, quantity): (&str, i64),
    (top_up, at): (i64, Moment),
) -> Result<Redeemed> {
    let shift = town.at_the_till_at("keeper", shop, at).await;
    let wanted = [Wanted {
        sku: sku.to_owned(),
        quantity,
    }];
    let asked = Redeem::new(key, card, &wanted, Pickup::Household, &shift, at)?.topped_up(Points(top_up))?;
    town.app.db.write_together(asked, redemption::redeem_all).await
}

async fn redeem(
    town: &Town,
    shop: &Id<PointsStore>,
    sent: (&str, &str),
    line: (&str, i64),
    top_up: i64,
) -> Result<Redeemed> {
    redeem_at(town, shop, sent, line, (top_up, town.app.now())).await
}

/// A row in every table of this room's part, for `tests/schema.rs`.
pub async fn a_row_of_each(town: &Town) {
    let shop = partner(town, "keeper", "B002", "2026-10-01").await;
    town.earn(LI, "E08", 1).await;
    let card = town.issue_card(LI).await.token();
    let then = begin_of(day("2026-10-12")) + TimeDelta::hours(9);
    redeem_at(town, &shop, ("partner-row", &card), ("G006", 2), (3, then))
        .await
        .unwrap();
    let making = act(town, "settlement.made", "admin").await;
    let month = day("2026-10-01");
    let number = town
        .write(move |conn| settlement::make(conn, &shop, month, &making))
        .await
        .unwrap();
    let disputing = act(town, "settlement.disputed", "keeper").await;
    town.write(move |conn| settlement::dispute(conn, number, 1, "少了", &disputing))
        .await
        .unwrap();
}

on_both! {
    async fn a_partner_sells_from_its_own_shelf_at_its_own_prices_within_the_day(town: Town) {
        let shop = partner(&town, "keeper", "B001", "2026-11-01").await;
        town.give(WANG, 200).await;
        let card = town.issue_card(WANG).await.token();
        let before = town.read(|conn| jishan::shop::register::stock_before(conn, &[], day("2027-01-01"))).await;
        let sold = redeem(&town, &shop, ("a", &card), ("G013", 2), 0).await.unwrap();
        assert_eq!((sold.redemption.points, town.spendable(WANG).await), (Points(56), 144));
        let after = town.read(|conn| jishan::shop::register::stock_before(conn, &[], day("2027-01-01"))).await;
        assert_eq!(before, after, "no stock of ours moved");
        // 4 are left of the day: soap is 6.
        let refused = redeem(&town, &shop, ("b", &card), ("G006", 1), 0).await.unwrap_err();
        assert_eq!(refused.code(), "daily_limit_reached");
        assert!(refused.to_string().contains("今天还可兑4分"), "{refused}");
        // What comes back makes room again; what it does not offer it does not sell.
        let keeper = town.signed_in("keeper").await;
        let path = format!("/redemptions/{}", sold.redemption.id);
        let back = [("key", "c"), ("back.1", "1"), ("reason", "住户不要了")];
        assert_eq!(keeper.post(&format!("{path}/refund"), &back).await.status, 303);
        redeem(&town, &shop, ("d", &card), ("G006", 1), 0).await.unwrap();
        assert_eq!(redeem(&town, &shop, ("e", &card), ("G001", 1), 0).await.unwrap_err().code(), "invalid_request");
        // The counter says it before anything is done; a month's limit of goods holds there too.
        let counter = keeper.get("/counter").await.text;
        assert!(counter.contains("大米5kg") && counter.contains("现金补差价") && !counter.contains("抽纸"), "{counter}");
        // After the agreement nothing goes.
        let agreeing = act(&town, "partner.agreed", "admin").await;
        let ended = NewAgreement {
            merchant: "桂香日用品商行".to_owned(), from_on: day("2026-11-01"), until_on: day("2026-11-20"), daily_limit: 60,
        };
        let there = shop.clone();
        town.write(move |conn| partner::agree(conn, &there, &ended, &agreeing)).await.unwrap();
        assert_eq!(redeem(&town, &shop, ("f", &card), ("G006", 1), 0).await.unwrap_err().code(), "no_agreement");
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn cash_for_what_is_missing_is_recorded_and_never_posted(town: Town) {
        let shop = partner(&town, "keeper", "B001", "2026-11-01").await;
        town.give(WANG, 10).await;
        let card = town.issue_card(WANG).await.token();
        assert_eq!(redeem(&town, &shop, ("a", &card), ("G013", 1), 0).await.unwrap_err().code(), "not_enough_points");
        assert_eq!(redeem(&town, &shop, ("b", &card), ("G013", 1), 28).await.unwrap_err().code(), "top_up_too_large");
        let sold = redeem(&town, &shop, ("c", &card), ("G013", 1), 18).await.unwrap();
        assert_eq!((sold.redemption.points, town.spendable(WANG).await), (Points(10), 0));
        // 18 of 28 points of 24.00 yuan, rounded up to the fen.
        let ids = vec![sold.redemption.id.clone()];
        let cash = town.read(move |conn| partner::top_ups_of(conn, &ids)).await;
        assert_eq!(cash[&sold.redemption.id].cash_fen, Fen(1_543));
        // The same again is the same; the same key with other cash is refused.
        assert!(redeem(&town, &shop, ("c", &card), ("G013", 1), 18).await.unwrap().replayed);
        assert_eq!(redeem(&town, &shop, ("c", &card), ("G013", 1), 17).await.unwrap_err().code(), "idempotency_conflict");
        let keeper = town.signed_in("keeper").await;
        let path = format!("/redemptions/{}", sold.redemption.id);
        assert!(keeper.get(&path).await.text.contains("15.43元"), "on the slip");
        assert!(keeper.get("/journal").await.text.contains("现金补差价15.43元"), "in the journal");
        let register = town.signed_in("auditor").await.get("/registers/redemptions?month=2026-11").await.text;
        assert!(register.contains("15.43"), "in the register");
        let back = [("key", "d"), ("back.1", "1"), ("reason", "住户不要了")];
        let refused = keeper.post(&format!("{path}/refund"), &back).await;
        assert!(refused.status == 409 && refused.text.contains("请作废整单"), "{}", refused.text);
        let voided = keeper.post(&format!("{path}/void"), &[("key", "e"), ("reason", "住户不要了")]).await;
        assert_eq!((voided.status.as_u16(), town.spendable(WANG).await), (303, 10));
        // In a store of our own no cash is taken.
        let own = town.at_the_till("shop").await;
        let wanted = [Wanted { sku: "G006".to_owned(), quantity: 1 }];
        let asked = Redeem::new("f", &card, &wanted, Pickup::Household, &own, town.app.now()).unwrap();
        let asked = asked.topped_up(Points(1)).unwrap();
        let refused = town.app.db.write_together(asked, redemption::redeem_all).await.unwrap_err();
        assert_eq!(refused.code(), "no_top_up_here");
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn a_month_is_settled_once_disputed_by_one_and_decided_by_another(town: Town) {
        let shop = partner(&town, "keeper", "B001", "2026-11-01").await;
        town.give(WANG, 100).await;
        town.give(LI, 15).await;
        let (wang, li) = (town.issue_card(WANG).await.token(), town.issue_card(LI).await.token());
        town.app.clock.advance(TimeDelta::days(7));
        redeem(&town, &shop, ("a", &wang), ("G006", 2), 0).await.unwrap();
        redeem(&town, &shop, ("b", &li), ("G013", 1), 18).await.unwrap();
        let later_void = redeem(&town, &shop, ("c", &wang), ("G013", 1), 0).await.unwrap();
        let admin = town.signed_in("admin").await;
        let form = [("key", "m"), ("store", shop.as_str()), ("month", "2026-11")];
        assert!(admin.post("/settlements", &form).await.text.contains("还没有结束"));
        // December: 10.00, 24.00 less 15.43 in cash, 24.00.
        town.app.clock.advance(TimeDelta::days(4));
        let (admin, keeper) = (town.signed_in("admin").await, town.signed_in("keeper").await);
        let made = admin.post("/settlements", &form).await;
        assert_eq!(made.location(), "/settlements/1?done=made");
        assert_eq!(admin.post("/settlements", &form).await.location(), "/settlements/1?done=made", "sent twice");
        let again = [("key", "n"), ("store", shop.as_str()), ("month", "2026-11")];
        assert_eq!(admin.post("/settlements", &again).await.status, 409);
        let lines = town.read(|conn| settlement::lines_of(conn, 1)).await;
        let told: Vec<_> = lines.iter().map(|line| (line.kind, line.points.0, line.cash_fen.0, line.amount_fen.0)).collect();
        let redeemed = LineKind::Redemption;
        assert_eq!(told, [(redeemed, 12, 0, 1_000), (redeemed, 10, 1_543, 857), (redeemed, 28, 0, 2_400)]);
        // The keeper does not agree with the first; not the keeper but the office decides: 15.00 are owed.
        let dispute = [("key", "o"), ("position", "1"), ("reason", "给了三块")];
        assert_eq!(keeper.post("/settlements/1/disputes", &dispute).await.status, 303);
        let twice = [("key", "p"), ("position", "1"), ("reason", "再提")];
        assert_eq!(keeper.post("/settlements/1/disputes", &twice).await.status, 409);
        assert_eq!(keeper.post("/settlements/1/confirmation", &[("key", "q")]).await.status, 409, "one is open");
        let verdict = [("key", "r"), ("position", "1"), ("verdict", "uphold"), ("amount", "15.00"), ("note", "查监控属实")];
        assert_eq!(keeper.post("/settlements/1/decisions", &verdict).await.status, 403);
        assert_eq!(admin.post("/settlements/1/decisions", &verdict).await.status, 303);
        // What the office disputes itself, it does not decide itself.
        let own = [("key", "s"), ("position", "3"), ("reason", "核一下")];
        assert_eq!(admin.post("/settlements/1/disputes", &own).await.status, 303);
        let verdict = [("key", "t"), ("position", "3"), ("verdict", "reject"), ("note", "没问题")];
        let refused = admin.post("/settlements/1/decisions", &verdict).await;
        assert!(refused.status == 409 && refused.text.contains("不能自己确认或处理"), "{}", refused.text);
        let second = act(&town, "settlement.dispute_decided", "auditor").await;
        town.write(move |conn| settlement::decide(conn, 1, 3, settlement::Verdict::Reject, "没问题", &second)).await.unwrap();
        let lines = town.read(|conn| settlement::lines_of(conn, 1)).await;
        assert_eq!((lines.len(), lines[3].kind, lines[3].adjusts, lines[3].amount_fen), (4, LineKind::Adjustment, Some(1), Fen(500)));
        let total = settlement::total(&lines);
        assert_eq!((total.points, total.cash, total.amount), (Points(50), Fen(1_543), Fen(4_757)));
        let page = keeper.get("/settlements/1").await.text;
        assert!(page.contains("47.57元") && page.contains("争议成立") && !page.contains("王"), "{page}");
        // Who made it does not confirm it; then it is paid, once.
        assert_eq!(admin.post("/settlements/1/confirmation", &[("key", "u")]).await.status, 409);
        assert_eq!(keeper.post("/settlements/1/confirmation", &[("key", "v")]).await.status, 303);
        let payment = [("key", "w"), ("paid_on", "2026-12-02"), ("reference", "转字0001")];
        assert_eq!(keeper.post("/settlements/1/payment", &payment).await.status, 403);
        assert_eq!(admin.post("/settlements/1/payment", &payment).await.status, 303);
        let late = [("key", "x"), ("position", "2"), ("reason", "晚了")];
        assert_eq!(keeper.post("/settlements/1/disputes", &late).await.status, 409);
        // The workbook read back adds up to the same.
        let auditor = town.signed_in("auditor").await;
        let (status, name, bytes) = crate::registers::file_of(&town, &auditor, "/settlements/1/file.xlsx").await;
        assert!(status == 200 && name.contains("settlement-1-2026-11.xlsx"), "{name}");
        let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(bytes)).unwrap();
        let rows: Vec<Vec<Data>> = book.worksheet_range("定点商户结算单").unwrap().rows().map(<[Data]>::to_vec).collect();
        let fen = |cell: &Data| Fen::of_yuan(&cell.to_string()).map_or(0, |fen| fen.0);
        let sum: i64 = rows[3..7].iter().map(|row| fen(&row[7])).sum();
        assert_eq!((sum, fen(&rows[7][7])), (4_757, 4_757));
        // What is voided after it was settled comes off the next statement.
        let path = format!("/redemptions/{}/void", later_void.redemption.id);
        town.at_the_till_of("keeper", &shop).await;
        let keeper = town.signed_in("keeper").await;
        assert_eq!(keeper.post(&path, &[("key", "y"), ("reason", "商品破损或过期")]).await.status, 303);
        town.app.clock.advance(TimeDelta::days(31));
        let admin = town.signed_in("admin").await;
        let next = [("key", "z"), ("store", shop.as_str()), ("month", "2026-12")];
        assert_eq!(admin.post("/settlements", &next).await.location(), "/settlements/2?done=made");
        let lines = town.read(|conn| settlement::lines_of(conn, 2)).await;
        let told: Vec<_> = lines.iter().map(|line| (line.kind, line.points.0, line.amount_fen.0)).collect();
        assert_eq!(told, [(LineKind::Void, -28, -2_400)]);
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn a_keeper_keeps_one_shop_and_the_programme_keeps_its_own(town: Town) {
        let shop = partner(&town, "keeper", "B001", "2026-11-01").await;
        let other = partner(&town, "other", "B002", "2026-11-01").await;
        let (keeper, seller) = (town.signed_in("keeper").await, town.signed_in("shop").await);
        let list = keeper.get("/partners").await.text;
        assert!(list.contains("桂香便民店B001") && !list.contains("桂香便民店B002"), "{list}");
        assert!(!list.contains("增加定点商户"), "the office does that");
        assert_eq!(keeper.get(&format!("/partners/{other}")).await.status, 404);
        for path in ["/stock", "/households", "/registers", "/goods"] {
            assert_eq!(keeper.get(path).await.status, 403, "{path}");
        }
        // Each opens a shift in the own shop only.
        let tills = town
            .read(move |conn| {
                let of = |conn: &mut jishan::db::Conn, store: &Id<PointsStore>| {
                    Ok::<_, jishan::error::Error>(jishan::shop::till::of_store(conn, store)?.remove(0).id)
                };
                let own = jishan::shop::store::all(conn)?.remove(0);
                Ok((of(conn, &shop)?, of(conn, &other)?, of(conn, &own.id)?))
            })
            .await;
        let open = async |visitor: &crate::browser::Visitor, till: &str| {
            visitor.post("/shift", &[("till", till), ("reason", "")]).await.status.as_u16()
        };
        assert_eq!(open(&keeper, tills.1.as_str()).await, 404);
        assert_eq!(open(&keeper, tills.2.as_str()).await, 404);
        assert_eq!(open(&keeper, tills.0.as_str()).await, 303);
        assert_eq!(open(&seller, tills.1.as_str()).await, 404);
        // The forms of the office.
        let admin = town.signed_in("admin").await;
        let empty = admin.post("/partners", &[("key", "a")]).await;
        assert!(empty.status == 422 && empty.text.contains("请填写协议开始日期"), "{}", empty.text);
        let stock = town.signed_in("stock").await.get("/stock").await.text;
        assert!(!stock.contains("桂香便民店"), "no stock of ours lies there");
        town.expect_counter_holds().await;
    }
}
