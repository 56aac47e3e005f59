//! The dividend: simulated as often as one likes, resolved once, shared out to the fen, annulled by somebody else.

use jishan::access::role::{Duties, Role};
use jishan::access::user::{self, PasswordHash, User};
use jishan::clock::days_after;
use jishan::dividends::dividend::{self, Resolve, Terms};
use jishan::error::Error;
use jishan::id::Id;
use jishan::money::Fen;
use jishan::places::area::Tree;
use jishan::scheme::resolution::{Assembly, Meeting};

use crate::town::{LI, PASSWORD, Town, WANG, morning, on_both, today};

/// The fields of the form on the page; what is given last counts.
fn resolution<'a>(town_area: &'a str, scored_on: &'a str, held_on: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("key", "dividend-1"),
        ("pool", "100.01"),
        ("area", town_area),
        ("scored_on", scored_on),
        ("from_honour", "1"),
        ("title", "2026年文明股分红"),
        ("body", "residents"),
        ("held_on", held_on),
        ("place", "社区活动室"),
        ("entitled", "9"),
        ("present", "7"),
        ("votes_for", "6"),
        ("votes_against", "0"),
        ("votes_abstained", "1"),
    ]
}

fn with<'a>(fields: &[(&'static str, &'a str)], name: &str, value: &'a str) -> Vec<(&'static str, &'a str)> {
    let fields = fields.iter();
    fields
        .map(|(field, old)| (*field, if *field == name { value } else { old }))
        .collect()
}

/// A town whose day is over, with honour of two households, 3 to 1: the town, its root, and the day.
async fn scored(town: &Town) -> (String, String, String) {
    town.give_honour(WANG, 30).await;
    town.give_honour(LI, 10).await;
    town.app.clock.advance(chrono::TimeDelta::days(1));
    let root = town
        .read(|conn| Ok(Tree::load(conn)?.root().unwrap().id.to_string()))
        .await;
    (root, today().to_string(), days_after(today(), 1).to_string())
}

/// Somebody else who keeps the programme: `deputy`.
async fn another_administrator(town: &Town) {
    let (now, root) = (
        town.app.now(),
        town.read(|conn| Ok(Tree::load(conn)?.root().unwrap().id.clone())).await,
    );
    let hash = PasswordHash::of(PASSWORD).unwrap();
    let deputy = User {
        id: Id::new(now),
        name: "deputy".into(),
        display_name: "何主任".into(),
        household_id: None,
        disabled_at: None,
    };
    let duties = Duties(vec![(Role::Administrator, root)]);
    town.write(move |conn| user::add(conn, &deputy, &hash, &duties, now))
        .await
        .unwrap();
}

/// A row in each table of the room; somebody has earned something by then.
pub async fn a_row_of_each(town: &Town) {
    let (admin, deputy) = (town.user("admin").await.id, town.user("council").await.id);
    let root = town
        .read(|conn| Ok(Tree::load(conn)?.root().unwrap().id.to_string()))
        .await;
    let asked = Resolve {
        title: "分红".into(),
        terms: Terms {
            area: root,
            pool: 100,
            scored_on: today(),
            from_honour: 1,
        },
        meeting: Meeting {
            body: Assembly::Residents,
            held_on: today(),
            place: "活动室".into(),
            entitled: 3,
            present: 3,
            votes_for: 3,
            votes_against: 0,
            votes_abstained: 0,
        },
    };
    let now = morning() + chrono::TimeDelta::days(1);
    town.write(move |conn| {
        let parts = dividend::share(conn, &asked.terms, days_after(today(), 1))?;
        dividend::resolve(conn, &asked, &parts, &admin, "dividend", now)?;
        dividend::annul(conn, 1, "试试", &deputy, now)
    })
    .await
    .unwrap();
}

on_both! {
    async fn a_simulation_keeps_nothing_and_a_resolution_shares_out_the_same(town: Town) {
        let (root, scored_on, held_on) = scored(&town).await;
        let admin = town.signed_in("admin").await;
        let trial = format!("/dividends?pool=100.01&area={root}&scored_on={scored_on}&from_honour=1");
        let page = admin.get(&trial).await;
        assert_eq!(page.status, 200);
        // By hand: 10,001 fen over 40 points: 7,500.75 and 2,500.25, so the fen that is left goes to the first.
        assert!(page.text.contains("2户，荣誉分共40分") && page.text.contains("75.01") && page.text.contains("25.00"), "{}", page.text);
        assert!(town.read(dividend::all).await.is_empty());

        let fields = resolution(&root, &scored_on, &held_on);
        let done = admin.post("/dividends", &fields).await;
        assert_eq!(done.location(), "/dividends/1", "{}", done.text);
        // Sent twice it is one; the key with other content is refused.
        assert_eq!(admin.post("/dividends", &fields).await.location(), "/dividends/1");
        assert_eq!(admin.post("/dividends", &with(&fields, "pool", "5")).await.status, 409);
        let parts = town.read(|conn| { let one = dividend::by_number(conn, 1)?; dividend::parts(conn, &one) }).await;
        let amounts: Vec<(i64, Fen)> = parts.iter().map(|part| (part.honour.0, part.amount)).collect();
        let mut sorted = amounts.clone();
        sorted.sort();
        assert_eq!(sorted, [(10, Fen(2_500)), (30, Fen(7_501))]);

        // What comes later changes nothing of it, and the register says the same.
        town.give_honour(LI, 1_000).await;
        let again = town.read(|conn| { let one = dividend::by_number(conn, 1)?; dividend::parts(conn, &one) }).await;
        assert_eq!(parts, again);
        let register = admin.get("/papers/dividend-register?id=1").await;
        assert!(register.status == 200 && register.text.starts_with("%PDF-"), "{}", register.text);
        let page = admin.get("/dividends/1").await.text;
        assert!(page.contains("赞成6，反对0，弃权1") && page.contains("100.01元"), "{page}");
    }
}

on_both! {
    async fn scores_are_those_at_the_end_of_the_day_and_a_day_that_goes_on_is_refused(town: Town) {
        let (root, scored_on, _) = scored(&town).await;
        town.give_honour(LI, 1_000).await;
        let terms = |scored_on: chrono::NaiveDate, from_honour| Terms { area: root.clone(), pool: 10_000, scored_on, from_honour };
        let now = days_after(today(), 1);
        let asked = terms(scored_on.parse().unwrap(), 1);
        let parts = town.read(move |conn| dividend::share(conn, &asked, now)).await;
        assert_eq!(parts.iter().map(|part| part.honour.0).sum::<i64>(), 40);
        let asked = terms(today(), 11);
        let parts = town.read(move |conn| dividend::share(conn, &asked, now)).await;
        assert_eq!(parts.iter().map(|part| (part.honour.0, part.amount)).collect::<Vec<_>>(), [(30, Fen(10_000))]);
        for asked in [terms(now, 1), terms(today(), 0), terms(today(), 31), Terms { pool: 0, ..terms(today(), 1) }] {
            let refused = town.app.db.read(move |conn| dividend::share(conn, &asked, now)).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        }
    }
}

on_both! {
    async fn a_vote_that_did_not_carry_is_not_written_down(town: Town) {
        let (root, scored_on, held_on) = scored(&town).await;
        let admin = town.signed_in("admin").await;
        let fields = resolution(&root, &scored_on, &held_on);
        for (name, value, status, why) in [
            ("present", "4", 422, "不能超过到会人数"),
            ("entitled", "14", 409, "到会人数不够"),
            ("votes_for", "3", 409, "没有超过到会人数的一半"),
            ("title", " ", 422, "没有填名称"),
            ("held_on", "2031-01-01", 422, "还没有到"),
            ("pool", "12.345", 422, "请写明要分多少元"),
            ("pool", "", 422, "请写明要分多少元"),
        ] {
            let refused = admin.post("/dividends", &with(&fields, name, value)).await;
            assert_eq!(refused.status, status, "{name}: {}", refused.text);
            assert!(refused.text.contains(why), "{name}: {}", refused.text);
        }
        assert!(town.read(dividend::all).await.is_empty());
    }
}

on_both! {
    async fn what_was_written_down_wrongly_is_annulled_by_somebody_else(town: Town) {
        let (root, scored_on, held_on) = scored(&town).await;
        let admin = town.signed_in("admin").await;
        admin.post("/dividends", &resolution(&root, &scored_on, &held_on)).await;
        let annulment = "/dividends/1/annulment";
        another_administrator(&town).await;
        let own = admin.post(annulment, &[("reason", "金额错了")]).await;
        assert_eq!(own.status, 409);
        assert!(own.text.contains("登记人以外的人"), "{}", own.text);
        let deputy = town.signed_in("deputy").await;
        assert_eq!(deputy.post(annulment, &[("reason", " ")]).await.status, 422);
        assert_eq!(deputy.post(annulment, &[("reason", "金额错了")]).await.location(), "/dividends/1");
        assert_eq!(deputy.post(annulment, &[("reason", "又一次")]).await.status, 409);
        assert!(admin.get("/dividends/1").await.text.contains("金额错了"));
        assert_eq!(admin.get("/papers/dividend-register?id=1").await.status, 422);
        // The grid worker sees none of it.
        assert_eq!(town.signed_in("grid").await.get("/dividends/1").await.status, 403);
        assert_eq!(town.signed_in("auditor").await.get("/dividends/1").await.status, 200);
    }
}
