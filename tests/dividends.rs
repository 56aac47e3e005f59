//! The dividend: simulated as often as one likes, resolved once, shared out to the fen by the rules of the scheme that it
//! cites, annulled by somebody else.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};

use jishan::access::role::{Duties, Role};
use jishan::access::user::{self, PasswordHash, User};
use jishan::clock::{Day, days_after};
use jishan::dividends::dividend::{self, Plan, Resolve};
use jishan::error::Error;
use jishan::id::Id;
use jishan::money::Fen;
use jishan::places::area::Tree;
use jishan::scheme::resolution::{Assembly, Meeting};
use jishan::scheme::version;
use serde_json::{Value, json};

use crate::town::{LI, PASSWORD, Town, WANG, morning, on_both, today};

/// The rules of the sample, in words.
const RULE: &str =
    "荣誉分满10分的住户参加分红，每户最多计入240分；总额的20%由参加的住户平分，其余80%按计入的荣誉分多少来分。";

/// A town whose day is over, with honour of two households, 3 to 1.
struct Scored {
    root: String,
    scored_on: String,
    held_on: String,
    /// The version by whose rules that day is shared out.
    version: String,
}

impl Scored {
    async fn of(town: &Town) -> Scored {
        town.give_honour(WANG, 30).await;
        town.give_honour(LI, 10).await;
        town.app.clock.advance(chrono::TimeDelta::days(1));
        Scored {
            root: town
                .read(|conn| Ok(Tree::load(conn)?.root().unwrap().id.to_string()))
                .await,
            scored_on: today().to_string(),
            held_on: days_after(today(), 1).to_string(),
            version: in_force(town, today()).await,
        }
    }

    fn trial(&self) -> String {
        self.trial_of("/dividends", &self.scored_on)
    }

    fn trial_of(&self, path: &str, scored_on: &str) -> String {
        format!("{path}?pool=100.01&area={}&scored_on={scored_on}", self.root)
    }

    fn plan(&self, scored_on: Day) -> Plan {
        Plan {
            area: self.root.clone(),
            pool: 10_000,
            scored_on,
        }
    }
}

/// The id of the version in force on a day.
async fn in_force(town: &Town, day: Day) -> String {
    town.read(move |conn| Ok(version::in_force(conn, day)?.id.to_string()))
        .await
}

/// Loads the sample with other rules of dividends, or with none, in force from a day.
async fn load(town: &Town, dividend: Value, from: Day) -> String {
    let mut file: Value = serde_json::from_str(include_str!("../samples/scheme.json")).unwrap();
    file["dividend"] = dividend;
    let (text, now) = (file.to_string(), town.app.now());
    let loaded = town
        .write(move |conn| version::load(conn, &text, from, "test", now))
        .await;
    loaded.unwrap().id.to_string()
}

/// What households have and get, the least first.
async fn amounts(town: &Town) -> Vec<(i64, i64, Fen)> {
    let parts = town.read(|conn| {
        let one = dividend::by_number(conn, 1)?;
        dividend::parts(conn, &one)
    });
    let parts = parts.await.into_iter();
    let mut amounts: Vec<_> = parts.map(|part| (part.honour.0, part.counted.0, part.amount)).collect();
    amounts.sort();
    amounts
}

/// The fields of the form on the page.
fn resolution(scored: &Scored) -> Vec<(&'static str, &str)> {
    vec![
        ("key", "dividend-1"),
        ("pool", "100.01"),
        ("area", &scored.root),
        ("scored_on", &scored.scored_on),
        ("version", &scored.version),
        ("title", "2026年文明股分红"),
        ("body", "residents"),
        ("held_on", &scored.held_on),
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
        plan: Plan {
            area: root,
            pool: 100,
            scored_on: today(),
        },
        version: in_force(town, today()).await,
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
        let sharing = dividend::share(conn, &asked.plan, days_after(today(), 1))?;
        dividend::resolve(conn, &asked, &sharing, &admin, "dividend", now)?;
        dividend::annul(conn, 1, "试试", &deputy, now)
    })
    .await
    .unwrap();
}

on_both! {
    async fn a_simulation_keeps_nothing_and_a_resolution_shares_out_the_same(town: Town) {
        let scored = Scored::of(&town).await;
        let admin = town.signed_in("admin").await;
        let page = admin.get(&scored.trial()).await;
        assert_eq!(page.status, 200);
        // By hand: a fifth of 10,001 fen is 2,000.2, half of it for each; of the other 8,000.8 go 6,000.6 and 2,000.2. That
        // makes 7,000.7 and 3,000.3, so the fen that is left goes to the first.
        assert!(page.text.contains("2户，荣誉分共40分") && page.text.contains("70.01") && page.text.contains("30.00"), "{}", page.text);
        assert!(page.text.contains(RULE) && page.text.contains("第1版积分办法"), "{}", page.text);
        assert!(page.text.contains(&format!("name=\"version\" value=\"{}\"", scored.version)), "{}", page.text);
        assert!(town.read(dividend::all).await.is_empty());
        // The rules are read by everybody.
        assert!(town.stranger().get("/scheme").await.text.contains(RULE));

        let fields = resolution(&scored);
        let done = admin.post("/dividends", &fields).await;
        assert_eq!(done.location(), "/dividends/1", "{}", done.text);
        // Sent twice it is one; the key with other content is refused.
        assert_eq!(admin.post("/dividends", &fields).await.location(), "/dividends/1");
        assert_eq!(admin.post("/dividends", &with(&fields, "pool", "5")).await.status, 409);
        let parts = town.read(|conn| { let one = dividend::by_number(conn, 1)?; dividend::parts(conn, &one) }).await;
        assert_eq!(amounts(&town).await, [(10, 10, Fen(3_000)), (30, 30, Fen(7_001))]);

        // What comes later changes nothing of it, and the register says the same.
        town.give_honour(LI, 1_000).await;
        let again = town.read(|conn| { let one = dividend::by_number(conn, 1)?; dividend::parts(conn, &one) }).await;
        assert_eq!(parts, again);
        let register = admin.get("/papers/dividend-register?id=1").await;
        assert!(register.status == 200 && register.text.starts_with("%PDF-"), "{}", register.text);
        let page = admin.get("/dividends/1").await.text;
        assert!(page.contains("赞成6，反对0，弃权1") && page.contains("100.01元"), "{page}");
        assert!(page.contains(RULE) && page.contains("第1版积分办法"), "{page}");
    }
}

on_both! {
    async fn a_dividend_keeps_to_the_version_of_the_scored_day(town: Town) {
        let scored = Scored::of(&town).await;
        let plain = load(&town, json!({"from_honour": 1}), days_after(today(), 1)).await;
        let admin = town.signed_in("admin").await;
        assert_eq!(admin.post("/dividends", &resolution(&scored)).await.location(), "/dividends/1");
        let one = town.read(|conn| dividend::by_number(conn, 1)).await;
        assert_eq!(one.scheme_version_id.as_ref().map(|id| id.as_str()), Some(scored.version.as_str()));
        assert_eq!((one.from_honour.0, one.most_honour_counted.map(|most| most.0), one.equal_part_percent), (10, Some(240), 20));

        // The scores of the next day go by the next version.
        town.app.clock.advance(chrono::TimeDelta::days(1));
        let admin = town.signed_in("admin").await;
        let next = admin.get(&scored.trial_of("/dividends", &scored.held_on)).await.text;
        assert!(next.contains("第2版积分办法") && next.contains("75.01") && next.contains(&plain), "{next}");
        // A version for days that are over comes between the trial and the form: the trial is shown anew.
        load(&town, Value::Null, days_after(today(), 1)).await;
        let mut fields = resolution(&scored);
        fields.retain(|(name, _)| !["key", "scored_on", "version"].contains(name));
        fields.extend([("key", "dividend-2"), ("scored_on", scored.held_on.as_str()), ("version", plain.as_str())]);
        let refused = admin.post("/dividends", &fields).await;
        assert!(refused.status == 409 && refused.text.contains("换了版本") && refused.text.contains("第3版积分办法"), "{}", refused.text);
        // Whatever the scheme says later, the first one says by what it was shared out.
        let page = admin.get("/dividends/1").await.text;
        assert!(page.contains(RULE) && page.contains("第1版积分办法") && page.contains("70.01"), "{page}");
    }
}

on_both! {
    async fn without_a_scheme_nothing_is_shared_out(town: Town) {
        let scored = Scored::of(&town).await;
        let admin = town.signed_in("admin").await;
        // The town has its rules since the new year.
        for path in ["/dividends", "/dividends/file.xlsx"] {
            let refused = admin.get(&scored.trial_of(path, "2025-12-31")).await;
            assert_eq!(refused.status, 409);
            assert!(refused.text.contains("2025年12月31日还没有施行的积分办法"), "{}", refused.text);
        }
        let refused = admin.post("/dividends", &with(&resolution(&scored), "scored_on", "2025-12-31")).await;
        assert_eq!(refused.status, 409);
        assert!(town.read(dividend::all).await.is_empty());
    }
}

/// The rows of a workbook's sheet.
fn rows(bytes: Vec<u8>, sheet: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(bytes)).unwrap();
    book.worksheet_range(sheet)
        .unwrap()
        .rows()
        .map(<[Data]>::to_vec)
        .collect()
}

on_both! {
    async fn an_equal_part_and_a_limit_are_shared_out_and_taken_along(town: Town) {
        let scored = Scored::of(&town).await;
        let rules = json!({"from_honour": 5, "most_honour_counted": 20, "equal_part_percent": 50});
        let scored = Scored { version: load(&town, rules, today()).await, ..scored };
        let admin = town.signed_in("admin").await;
        let page = admin.get(&scored.trial()).await.text;
        assert!(page.contains("2户，荣誉分共40分，计入30分") && page.contains("第2版积分办法"), "{page}");
        assert!(page.contains("/dividends/file.xlsx?pool=100.01"), "{page}");
        assert_eq!(admin.post("/dividends", &resolution(&scored)).await.location(), "/dividends/1");
        // By hand: half of 10,001 fen, 2,500.25 each; of the other half two thirds and one third, 3,333.67 and 1,666.83. That
        // makes 5,833.92 and 4,167.08.
        let shared = amounts(&town).await;
        assert_eq!(shared, [(10, 10, Fen(4_167)), (30, 20, Fen(5_834))]);

        let trial = scored.trial_of("/dividends/file.xlsx", &scored.scored_on);
        for (path, name, sheet, told) in [
            ("/dividends/1/file.xlsx", "dividend-1.xlsx", "文明股分红", "2026年文明股分红"),
            (trial.as_str(), "dividend-trial-2026-11-21.xlsx", "文明股分红试算", "没有经过会议决定"),
        ] {
            let file = crate::registers::file_of(&town, &admin, path).await;
            assert!(file.0 == 200 && file.1.contains(name), "{path}: {} {}", file.0, file.1);
            let rows = rows(file.2, sheet);
            let about = rows[1][0].to_string();
            assert!(about.contains(told) && about.contains("第2版积分办法") && about.contains("100.01元"), "{about}");
            let head: Vec<String> = rows[2].iter().map(ToString::to_string).collect();
            assert_eq!(head, ["户号", "户主", "楼栋", "荣誉分", "计入的荣誉分", "分得（元）"]);
            let number = |cell: &Data| Fen::of_yuan(&cell.to_string()).unwrap().0;
            let mut read: Vec<_> = rows[3..5].iter().map(|row| (number(&row[3]), number(&row[4]), number(&row[5]))).collect();
            read.sort();
            let wanted: Vec<_> = shared.iter().map(|(honour, counted, amount)| (honour * 100, counted * 100, amount.0)).collect();
            assert_eq!(read, wanted);
            assert!(rows[3..5].iter().any(|row| row[0] == WANG && row[1] == "王建国"), "{rows:?}");
            assert_eq!((rows[5][0].to_string().as_str(), number(&rows[5][3]), number(&rows[5][5])), ("合计", 4_000, 10_001));
        }
        // What was annulled is not taken along, and who may not read it does not either.
        another_administrator(&town).await;
        let deputy = town.signed_in("deputy").await;
        deputy.post("/dividends/1/annulment", &[("reason", "金额错了")]).await;
        assert_eq!(admin.get("/dividends/1/file.xlsx").await.status, 409);
        assert_eq!(town.signed_in("grid").await.get(&trial).await.status, 403);
    }
}

on_both! {
    async fn scores_are_those_at_the_end_of_the_day_and_a_day_that_goes_on_is_refused(town: Town) {
        let scored = Scored::of(&town).await;
        town.give_honour(LI, 1_000).await;
        let now = days_after(today(), 1);
        let asked = scored.plan(today());
        let sharing = town.read(move |conn| dividend::share(conn, &asked, now)).await;
        assert_eq!(sharing.parts.iter().map(|part| part.honour.0).sum::<i64>(), 40);
        load(&town, json!({"from_honour": 11}), today()).await;
        let asked = scored.plan(today());
        let sharing = town.read(move |conn| dividend::share(conn, &asked, now)).await;
        assert_eq!(sharing.parts.iter().map(|part| (part.honour.0, part.amount)).collect::<Vec<_>>(), [(30, Fen(10_000))]);
        load(&town, json!({"from_honour": 31}), today()).await;
        for asked in [scored.plan(now), scored.plan(today()), Plan { pool: 0, ..scored.plan(today()) }] {
            let refused = town.app.db.read(move |conn| dividend::share(conn, &asked, now)).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        }
    }
}

on_both! {
    async fn a_vote_that_did_not_carry_is_not_written_down(town: Town) {
        let scored = Scored::of(&town).await;
        let admin = town.signed_in("admin").await;
        let fields = resolution(&scored);
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
        let scored = Scored::of(&town).await;
        let admin = town.signed_in("admin").await;
        admin.post("/dividends", &resolution(&scored)).await;
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
