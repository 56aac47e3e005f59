//! Objections, appeals and corrections: who decides, until when, what silence does, and that the books hold whatever comes.

use chrono::TimeDelta;
use jishan::access::role::{Duties, Role};
use jishan::access::user::{self, PasswordHash, User};
use jishan::app::App;
use jishan::clock::{Clock, Moment, Span, day_of};
use jishan::council::appeal::panel::{self, Accept, Give, Opinion, Settle};
use jishan::council::appeal::{self, Appeal};
use jishan::council::correction::{self, Correction, Propose};
use jishan::council::motion::Choice;
use jishan::council::nomination::{self, Decision, Nominate, Nomination, Nominator, State, Verify};
use jishan::council::objection::{self, Channel, Decide, File, Objection};
use jishan::council::{clockwork, notice, redress};
use jishan::db::Conn;
use jishan::error::{Error, Result};
use jishan::id::Id;
use jishan::ledger::balance::{self, Balances};
use jishan::places::area::Tree;
use jishan::registry::change::{self, AskChange, Change};
use jishan::registry::plan;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::town::{Database, LI, PASSWORD, Town, WANG, fresh_key, hold_session, on_both, runtime};

fn days(count: i64) -> TimeDelta {
    TimeDelta::days(count)
}

/// People who have no part in anything: two who may decide, and one who lives with Wang.
async fn more_people(town: &Town) {
    let now = town.app.now();
    let wang = town.household(WANG).await.id;
    let hash = PasswordHash::of(PASSWORD).unwrap();
    town.write(move |conn| {
        let root = Tree::load(conn)?.root().unwrap().id.clone();
        for (name, shown, home) in [
            ("deputy", "何主任", None),
            ("elder", "老支书", None),
            ("kinsman", "王二", Some(wang.clone())),
        ] {
            let person = User {
                id: Id::new(now),
                name: name.to_owned(),
                display_name: shown.to_owned(),
                household_id: home,
                disabled_at: None,
            };
            let duties = Duties(vec![(Role::Administrator, root.clone())]);
            user::add(conn, &person, &hash, &duties, now)?;
        }
        Ok(())
    })
    .await
    .unwrap();
}

/// A deed of bravery, thirty points a count, nominated and verified now.
async fn verified(town: &Town, code: &'static str, item: &'static str, count: i64) -> Nomination {
    let household = town.household(code).await.id;
    let (building, grid) = (town.user("building").await, town.user("grid").await);
    let now = town.app.now();
    town.write(move |conn| {
        let asked = Nominate {
            household,
            item: item.to_owned(),
            count,
            occurred_on: day_of(now),
            note: "救了落水的人".to_owned(),
            by: Nominator::Staff(building.id),
            key: fresh_key(now),
        };
        let one = nomination::nominate(conn, &asked, now)?;
        let verify = Verify {
            nomination: one.id,
            decision: Decision::Approve,
            reason: String::new(),
            by: grid,
            key: fresh_key(now),
        };
        nomination::verify(conn, &verify, now)
    })
    .await
    .unwrap()
}

/// The council decides everything that waits; what it approved is on notice.
async fn council(town: &Town, choice: Choice) -> Option<notice::Notice> {
    let (admin, now) = (town.user("admin").await, town.app.now());
    let held = town
        .write(move |conn| match hold_session(conn, &admin, choice, now) {
            Ok(notice) => Ok(Some(notice)),
            // Nothing was approved: what was decided stands.
            Err(Error::Refused(why)) if why.code() == "nothing_to_publish" => Ok(None),
            Err(error) => Err(error),
        })
        .await;
    match held {
        Ok(notice) => notice,
        // Nothing waited: the session is not kept, or it would stand in the way of the next.
        Err(Error::Refused(why)) if why.code() == "nothing_to_decide" => None,
        Err(error) => panic!("{error}"),
    }
}

/// A row on notice: its nomination and slip number.
async fn on_notice(town: &Town, code: &'static str) -> (Nomination, String) {
    let one = verified(town, code, "E08", 1).await;
    council(town, Choice::For).await.unwrap();
    let row = again(town, &one.id).await;
    let of = row.clone();
    let slip = town
        .read(move |conn| Ok(of.notice_slip(&notice::by_id(conn, of.notice_id.as_ref().unwrap())?)))
        .await;
    (row, slip)
}

async fn again(town: &Town, id: &Id<Nomination>) -> Nomination {
    let id = id.clone();
    town.read(move |conn| nomination::by_id(conn, &id)).await
}

fn objection_to(slip: &str, key: &str) -> File {
    File {
        slip: slip.to_owned(),
        reason: "那天他不在村里".to_owned(),
        name: "隔壁老张".to_owned(),
        contact: "13900000000".to_owned(),
        channel: Channel::Web,
        taken_by: None,
        key: key.to_owned(),
    }
}

async fn object(town: &Town, slip: &str, key: &str) -> Result<Objection> {
    let (asked, now) = (objection_to(slip, key), town.app.now());
    town.write(move |conn| objection::file(conn, &asked, now)).await
}

async fn decide(town: &Town, one: &Objection, by: &'static str, upheld: bool, key: &str) -> Result<Objection> {
    let asked = Decide {
        objection: one.id.clone(),
        upheld,
        reason: "看了签到表".to_owned(),
        by: town.user(by).await,
        key: key.to_owned(),
    };
    let now = town.app.now();
    town.write(move |conn| objection::decide(conn, &asked, now)).await
}

async fn run(town: &Town) -> clockwork::Done {
    let now = town.app.now();
    town.write(move |conn| clockwork::run(conn, now)).await.unwrap()
}

async fn go_forward(town: &Town, by: TimeDelta) {
    town.app.clock.advance(by);
    run(town).await;
}

async fn balances(town: &Town, code: &'static str) -> Balances {
    let household = town.household(code).await.id;
    town.read(move |conn| balance::of(conn, household.as_str())).await
}

fn code<T>(answer: Result<T>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}

async fn file_appeal(town: &Town, row: &Nomination, count: Option<i64>, key: &str) -> Result<Appeal> {
    let asked = appeal::File {
        subject: format!("award:{}", row.id),
        household: Some(row.household_id.clone()),
        claimed_count: count,
        reason: "有人作证".to_owned(),
        contact: String::new(),
        channel: Channel::OnPaper,
        taken_by: Some(town.user("grid").await.id),
        key: key.to_owned(),
    };
    let now = town.app.now();
    town.write(move |conn| appeal::file(conn, &asked, now)).await
}

async fn name_panel(town: &Town, one: &Appeal, panel: &[&'static str], by: &'static str) -> Result<Appeal> {
    let mut keys = Vec::new();
    for name in panel {
        keys.push(format!("user:{}", town.user(name).await.id));
    }
    let now = town.app.now();
    let asked = Accept {
        appeal: one.id.clone(),
        panel: keys,
        by: town.user(by).await,
        key: fresh_key(now),
    };
    town.write(move |conn| panel::accept(conn, &asked, now)).await
}

async fn hear(town: &Town, one: &Appeal, by: &'static str) -> Result<Appeal> {
    let (id, by, now) = (one.id.clone(), town.user(by).await, town.app.now());
    town.write(move |conn| panel::hear(conn, &id, "住户带来了两位证人", &by, now))
        .await
}

async fn give(town: &Town, one: &Appeal, by: &'static str, opinion: Opinion) -> Result<Appeal> {
    let (by, now, id) = (town.user(by).await, town.app.now(), one.id.clone());
    town.write(move |conn| {
        let panel = panel::of(conn, &id)?;
        let place = panel.iter().find(|one| one.user_id.as_ref() == Some(&by.id));
        let asked = Give {
            appeal: id,
            position: place.map_or(99, |one| one.position),
            opinion,
            reason: "证人可信".to_owned(),
            by,
            key: fresh_key(now),
        };
        panel::give(conn, &asked, now)
    })
    .await
}

/// The whole way of an appeal with a panel of three.
async fn decided(town: &Town, one: &Appeal, opinions: [Opinion; 3]) -> Appeal {
    name_panel(town, one, &["admin", "deputy", "elder"], "deputy")
        .await
        .unwrap();
    hear(town, one, "elder").await.unwrap();
    give(town, one, "admin", opinions[0]).await.unwrap();
    give(town, one, "deputy", opinions[1]).await.unwrap();
    give(town, one, "elder", opinions[2]).await.unwrap()
}

async fn propose(town: &Town, row: &Nomination, by: &'static str) -> Result<Correction> {
    let now = town.app.now();
    let asked = Propose {
        nomination: row.id.clone(),
        reason: "重复申报".to_owned(),
        by: town.user(by).await,
        key: fresh_key(now),
    };
    town.write(move |conn| correction::propose(conn, &asked, now)).await
}

async fn confirm(town: &Town, one: &Correction, by: &'static str, confirmed: bool) -> Result<Correction> {
    let now = town.app.now();
    let asked = correction::Decide {
        correction: one.id.clone(),
        confirmed,
        reason: "核对过".to_owned(),
        by: town.user(by).await,
        key: fresh_key(now),
    };
    town.write(move |conn| correction::decide(conn, &asked, now)).await
}

on_both! {
    async fn an_objection_holds_one_row_and_the_rest_goes_on(town: Town) {
        more_people(&town).await;
        let one = verified(&town, WANG, "E08", 1).await;
        let other = verified(&town, LI, "E08", 1).await;
        council(&town, Choice::For).await.unwrap();
        assert_eq!(code(object(&town, "1-9", "a").await), "invalid_request");
        assert_eq!(code(object(&town, "草莓", "a").await), "invalid_request");
        let first = object(&town, "１－1", "k1").await.unwrap();
        // A replayed key answers the first; other words under it are refused.
        assert_eq!(object(&town, "１－1", "k1").await.unwrap(), first);
        assert_eq!(code(object(&town, "1-2", "k1").await), "idempotency_conflict");
        let second = object(&town, "1-1", "k2").await.unwrap();
        assert_ne!(first.receipt, second.receipt);
        let held = again(&town, &first.nomination_id).await;
        assert_eq!(held.state, State::Suspended);
        // Two days later nobody has decided, and the other row posts when the notice ends.
        go_forward(&town, days(4)).await;
        let free = if held.id == one.id { &other } else { &one };
        assert_eq!(again(&town, &free.id).await.state, State::Posted);
        assert_eq!(again(&town, &held.id).await.state, State::Suspended);
        // Both must be dismissed before the row goes on; then it posts, because its notice is over.
        let urgent = town.read(|conn| objection::open_count(conn, None)).await;
        assert_eq!(urgent, (2, 2));
        assert_eq!(code(object(&town, "1-1", "late").await), "notice_ended");
        decide(&town, &first, "admin", false, "d1").await.unwrap();
        assert_eq!(again(&town, &held.id).await.state, State::Suspended);
        assert_eq!(code(decide(&town, &first, "deputy", true, "d2").await), "objection_decided");
        decide(&town, &second, "deputy", false, "d3").await.unwrap();
        assert_eq!(again(&town, &held.id).await.state, State::Notified);
        run(&town).await;
        assert_eq!(again(&town, &held.id).await.state, State::Posted);
        assert!(run(&town).await.is_nothing());
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn who_had_a_part_does_not_decide(town: Town) {
        more_people(&town).await;
        let (row, slip) = on_notice(&town, WANG).await;
        let one = object(&town, &slip, "k").await.unwrap();
        for by in ["building", "grid", "kinsman"] {
            let refused = decide(&town, &one, by, true, by).await.unwrap_err();
            assert_eq!(refused.code(), "took_part", "{by}");
        }
        let silent = {
            let asked = Decide { objection: one.id.clone(), upheld: true, reason: " ".to_owned(), by: town.user("admin").await, key: "s".to_owned() };
            let now = town.app.now();
            town.write(move |conn| objection::decide(conn, &asked, now)).await
        };
        assert_eq!(code(silent), "invalid_request");
        // Upheld: nothing is given, what was pending goes back, and other objections to the row end with it.
        let other = object(&town, &slip, "k2").await.unwrap();
        let before = balances(&town, WANG).await.pending;
        assert_eq!(before.0, 30);
        decide(&town, &one, "admin", true, "d").await.unwrap();
        let id = other.id.clone();
        assert_eq!(town.read(move |conn| objection::by_id(conn, &id)).await.state, objection::State::Upheld);
        assert_eq!(again(&town, &row.id).await.state, State::Declined);
        assert_eq!(balances(&town, WANG).await.pending.0, 0);
        go_forward(&town, days(10)).await;
        assert_eq!(again(&town, &row.id).await.state, State::Declined);
        assert_eq!(town.spendable(WANG).await, 0);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn silence_favours_the_household_also_when_the_server_was_off(town: Town) {
        let (row, slip) = on_notice(&town, WANG).await;
        let one = object(&town, &slip, "k").await.unwrap();
        // Half of the time: urgent, once.
        go_forward(&town, days(2)).await;
        let id = one.id.clone();
        assert!(!town.read(move |conn| objection::by_id(conn, &id)).await.is_urgent());
        go_forward(&town, days(1)).await;
        let id = one.id.clone();
        assert!(town.read(move |conn| objection::by_id(conn, &id)).await.is_urgent());
        assert!(run(&town).await.is_nothing());
        // The last minute is in time for a decision; a moment later it is not, although nothing has run yet.
        let left = one.decide_by - town.app.now();
        town.app.clock.advance(left - TimeDelta::minutes(1));
        run(&town).await;
        assert_eq!(again(&town, &row.id).await.state, State::Suspended);
        town.app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(code(decide(&town, &one, "admin", true, "d").await), "deadline_passed");
        // Off for a month: the objection is dismissed and its row posts in the same run.
        town.app.clock.advance(days(30));
        let done = run(&town).await;
        assert_eq!((done.objections, done.posted), (1, 1));
        let id = one.id.clone();
        let ended = town.read(move |conn| objection::by_id(conn, &id)).await;
        assert!(ended.was_silence() && ended.decision_reason.unwrap().contains("有利于住户"));
        assert_eq!(town.spendable(WANG).await, 30);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn what_came_and_what_was_decided_is_counted_by_its_day(town: Town) {
        more_people(&town).await;
        let this_month = Span::month_of(day_of(town.app.now()));
        let (row, slip) = on_notice(&town, WANG).await;
        let upheld = object(&town, &slip, "k1").await.unwrap();
        decide(&town, &upheld, "admin", true, "d1").await.unwrap();
        let (_, slip) = on_notice(&town, LI).await;
        let silent = object(&town, &slip, "k2").await.unwrap();
        town.app.clock.advance(silent.decide_by - town.app.now());
        run(&town).await;
        let objections = town.read(move |conn| redress::objections(conn, this_month)).await;
        assert_eq!((objections.filed, objections.upheld, objections.dismissed), (2, 1, 1));
        // Silence is a decision, and not in time.
        assert_eq!((objections.decided(), objections.in_time), (2, 1));
        // Came in one month, ended in the next.
        let appealed = file_appeal(&town, &row, None, "a").await.unwrap();
        town.app.clock.advance(appealed.decide_by - town.app.now());
        run(&town).await;
        let next_month = Span::month_of(this_month.until);
        let (before, after) = town
            .read(move |conn| Ok((redress::appeals(conn, this_month)?, redress::appeals(conn, next_month)?)))
            .await;
        assert_eq!((before.filed, before.decided()), (1, 0));
        assert_eq!((after.filed, after.upheld, after.in_time), (0, 1, 0));
    }
}

on_both! {
    async fn a_clock_that_was_set_back_decides_nothing(town: Town) {
        let (row, slip) = on_notice(&town, WANG).await;
        let one = object(&town, &slip, "k").await.unwrap();
        go_forward(&town, days(1)).await;
        let back = town.app.now() - TimeDelta::hours(5);
        let early = Town::at(&town, back);
        let (asked, again_asked) = (objection_to(&slip, "b"), Decide {
            objection: one.id.clone(), upheld: true, reason: "x".to_owned(), by: town.user("admin").await, key: "b2".to_owned(),
        });
        assert_eq!(code(early.db.write(move |conn| objection::file(conn, &asked, back)).await), "clock_set_back");
        assert_eq!(code(early.db.write(move |conn| objection::decide(conn, &again_asked, back)).await), "clock_set_back");
        assert_eq!(again(&town, &row.id).await.state, State::Suspended);
    }
}

impl Town {
    /// The same house with another clock on the wall.
    fn at(town: &Town, moment: Moment) -> App {
        App::new(town.app.db.clone(), Clock::standing(moment))
    }
}

on_both! {
    async fn two_who_decide_at_once_and_one_of_them_is_told(town: Town) {
        more_people(&town).await;
        let (row, slip) = on_notice(&town, WANG).await;
        let one = object(&town, &slip, "k").await.unwrap();
        let (yes, no) = tokio::join!(decide(&town, &one, "admin", true, "d1"), decide(&town, &one, "deputy", false, "d2"));
        let mut codes = [code(yes), code(no)];
        codes.sort_unstable();
        assert_eq!(codes, ["objection_decided", "ok"]);
        // The same person pressing twice is one decision.
        let (other_row, other_slip) = on_notice(&town, LI).await;
        let other = object(&town, &other_slip, "k9").await.unwrap();
        let (once, twice) = tokio::join!(decide(&town, &other, "admin", true, "d9"), decide(&town, &other, "admin", true, "d9"));
        assert_eq!(once.unwrap(), twice.unwrap());
        assert_ne!(again(&town, &row.id).await.state, State::Suspended);
        assert_eq!(again(&town, &other_row.id).await.state, State::Declined);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn an_appeal_is_decided_by_people_who_had_no_part(town: Town) {
        more_people(&town).await;
        let row = verified(&town, WANG, "E08", 1).await;
        council(&town, Choice::Against).await;
        let row = again(&town, &row.id).await;
        assert_eq!(row.state, State::Declined);
        let one = file_appeal(&town, &row, None, "a").await.unwrap();
        assert_eq!(one.kind, appeal::Kind::Declined);
        assert_eq!(file_appeal(&town, &row, None, "a").await.unwrap(), one);
        assert_eq!(code(file_appeal(&town, &row, None, "b").await), "already_appealed");
        // The council's member voted, the kinsman lives there.
        let id = one.id.clone();
        let now = town.app.now();
        let candidates = town.read(move |conn| { let one = appeal::by_id(conn, &id)?; panel::candidates(conn, &one, now) }).await;
        let of = |name: &str| candidates.iter().find(|one| one.person.name.contains(name)).and_then(|one| one.part);
        assert_eq!(of("王二").map(|part| part.word()), Some("own_household"));
        assert_eq!(of("周老师").map(|part| part.word()), Some("voted"));
        for (panel, why) in [
            (&["admin", "deputy", "council"][..], "not_for_panel"),
            (&["admin", "deputy", "kinsman"][..], "not_for_panel"),
            (&["admin", "deputy"][..], "panel_too_small"),
            (&["admin", "deputy", "shop"][..], "invalid_request"),
        ] {
            assert_eq!(code(name_panel(&town, &one, panel, "deputy").await), why, "{panel:?}");
        }
        assert_eq!(code(name_panel(&town, &one, &["admin", "deputy", "elder"], "kinsman").await), "took_part");
        name_panel(&town, &one, &["admin", "deputy", "elder"], "deputy").await.unwrap();
        assert_eq!(code(give(&town, &one, "deputy", Opinion::Uphold).await), "appeal_state");
        hear(&town, &one, "elder").await.unwrap();
        assert_eq!(code(give(&town, &one, "council", Opinion::Uphold).await), "not_on_panel");
        give(&town, &one, "deputy", Opinion::Uphold).await.unwrap();
        assert_eq!(code(give(&town, &one, "deputy", Opinion::Dismiss).await), "opinion_given");
        give(&town, &one, "admin", Opinion::Dismiss).await.unwrap();
        let ended = give(&town, &one, "elder", Opinion::Uphold).await.unwrap();
        assert_eq!(ended.state, appeal::State::Upheld);
        assert!(ended.correction_number.is_some());
        assert_eq!(again(&town, &row.id).await.state, State::Posted);
        assert_eq!(town.spendable(WANG).await, 30);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn an_appeal_that_is_lost_and_one_that_comes_too_late(town: Town) {
        more_people(&town).await;
        let row = verified(&town, WANG, "E08", 1).await;
        council(&town, Choice::Against).await;
        let one = file_appeal(&town, &row, None, "a").await.unwrap();
        let ended = decided(&town, &one, [Opinion::Dismiss, Opinion::Dismiss, Opinion::Uphold]).await;
        assert_eq!(ended.state, appeal::State::Dismissed);
        assert_eq!(again(&town, &row.id).await.state, State::Declined);
        assert_eq!(code(file_appeal(&town, &row, None, "b").await), "already_appealed");
        let late = verified(&town, LI, "E08", 1).await;
        // Nothing was decided about it yet.
        assert_eq!(code(file_appeal(&town, &late, None, "c").await), "nothing_to_appeal");
        council(&town, Choice::Against).await;
        town.app.clock.advance(days(15));
        let last = file_appeal(&town, &late, None, "d").await.unwrap();
        let (id, now) = (last.id.clone(), town.app.now());
        town.write(move |conn| appeal::withdraw(conn, &id, "test", now)).await.unwrap();
        town.app.clock.advance(days(1));
        assert_eq!(code(file_appeal(&town, &late, None, "e").await), "appeal_too_late");
        assert_eq!(town.spendable(LI).await, 0);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn an_appeal_that_nobody_decides_is_upheld(town: Town) {
        more_people(&town).await;
        let (row, slip) = on_notice(&town, WANG).await;
        let objection = object(&town, &slip, "k").await.unwrap();
        decide(&town, &objection, "admin", true, "d").await.unwrap();
        let one = file_appeal(&town, &row, None, "a").await.unwrap();
        assert_eq!(one.kind, appeal::Kind::ObjectionUpheld);
        // Who decided the objection does not sit on the panel.
        assert_eq!(code(name_panel(&town, &one, &["admin", "deputy", "elder"], "deputy").await), "not_for_panel");
        // Only two are left, and a panel of two is enough; a tie favours the household, and so does silence.
        name_panel(&town, &one, &["deputy", "elder"], "deputy").await.unwrap();
        hear(&town, &one, "elder").await.unwrap();
        give(&town, &one, "deputy", Opinion::Dismiss).await.unwrap();
        go_forward(&town, days(8)).await;
        assert_eq!(town.read(|conn| appeal::open_count(conn, None)).await, (1, 1));
        let left = one.decide_by - town.app.now();
        go_forward(&town, left - TimeDelta::minutes(1)).await;
        assert_eq!(town.spendable(WANG).await, 0);
        town.app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(code(give(&town, &one, "elder", Opinion::Dismiss).await), "deadline_passed");
        town.app.clock.advance(days(40));
        assert_eq!(run(&town).await.appeals, 1);
        assert!(run(&town).await.is_nothing());
        let id = one.id.clone();
        let ended = town.read(move |conn| appeal::by_id(conn, &id)).await;
        assert_eq!(ended.state, appeal::State::Upheld);
        assert_eq!(town.spendable(WANG).await, 30);
        // What was granted on appeal can be found wrong later, and the books hold.
        let posted = again(&town, &row.id).await;
        let wrong = propose(&town, &posted, "deputy").await.unwrap();
        confirm(&town, &wrong, "elder", true).await.unwrap();
        assert_eq!(town.spendable(WANG).await, 0);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn what_an_appeal_gives_a_merged_household_goes_to_the_survivor(town: Town) {
        more_people(&town).await;
        let row = verified(&town, WANG, "E08", 1).await;
        council(&town, Choice::Against).await;
        let one = file_appeal(&town, &row, None, "a").await.unwrap();
        let asked = AskChange {
            household: row.household_id.clone(),
            change: Change::Merge { into: LI.to_owned() },
            effective_on: day_of(town.app.now()),
            reason: "老人搬来同住".to_owned(),
        };
        let (by, now) = (town.user("admin").await.id, town.app.now());
        town.write(move |conn| {
            let seal = plan::plan(conn, &asked, now)?.seal;
            change::carry_out(conn, &asked, &seal, &by, "merge", now, |_, _| Ok(()))
        })
        .await
        .unwrap();
        let ended = decided(&town, &one, [Opinion::Uphold, Opinion::Uphold, Opinion::Uphold]).await;
        assert_eq!(ended.state, appeal::State::Upheld);
        assert_eq!((town.spendable(WANG).await, town.spendable(LI).await), (0, 30));
        assert_eq!((balances(&town, WANG).await.honour.0, balances(&town, LI).await.honour.0), (0, 30));
        town.expect_books_hold().await;
        // And it can be found wrong later, like any other.
        let wrong = propose(&town, &again(&town, &row.id).await, "deputy").await.unwrap();
        confirm(&town, &wrong, "elder", true).await.unwrap();
        assert_eq!((town.spendable(WANG).await, town.spendable(LI).await), (0, 0));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_tie_favours_the_household(town: Town) {
        more_people(&town).await;
        let (row, slip) = on_notice(&town, WANG).await;
        let objection = object(&town, &slip, "k").await.unwrap();
        decide(&town, &objection, "admin", true, "d").await.unwrap();
        let one = file_appeal(&town, &row, None, "a").await.unwrap();
        name_panel(&town, &one, &["deputy", "elder"], "deputy").await.unwrap();
        hear(&town, &one, "elder").await.unwrap();
        give(&town, &one, "deputy", Opinion::Dismiss).await.unwrap();
        let ended = give(&town, &one, "elder", Opinion::Uphold).await.unwrap();
        assert_eq!(ended.state, appeal::State::Upheld);
        assert_eq!(again(&town, &row.id).await.state, State::Posted);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn too_few_points_are_added_and_taken_back_with_the_award(town: Town) {
        more_people(&town).await;
        let (row, _) = on_notice(&town, WANG).await;
        go_forward(&town, days(5)).await;
        assert_eq!(town.spendable(WANG).await, 30);
        assert_eq!(code(file_appeal(&town, &row, None, "a").await), "invalid_request");
        assert_eq!(code(file_appeal(&town, &row, Some(1), "a").await), "invalid_request");
        // Sixty a year and no more.
        assert_eq!(code(file_appeal(&town, &row, Some(3), "a").await), "limit_reached");
        let one = file_appeal(&town, &row, Some(2), "a").await.unwrap();
        let ended = decided(&town, &one, [Opinion::Uphold, Opinion::Uphold, Opinion::Dismiss]).await;
        assert_eq!((ended.points_added.unwrap().0, ended.spendable_added.unwrap().0), (30, 30));
        assert_eq!((town.spendable(WANG).await, balances(&town, WANG).await.honour.0), (60, 60));
        town.expect_books_hold().await;
        // All of it is wrong after forty were spent: the household owes nothing.
        let card = town.issue_card(WANG).await.token();
        town.redeem("r", &card, &[("G001", 5)]).await.unwrap();
        let posted = again(&town, &row.id).await;
        assert_eq!(code(propose(&town, &posted, "grid").await), "took_part");
        assert_eq!(code(propose(&town, &posted, "kinsman").await), "took_part");
        let wrong = propose(&town, &posted, "deputy").await.unwrap();
        assert_eq!(code(propose(&town, &posted, "elder").await), "already_proposed");
        assert_eq!(code(confirm(&town, &wrong, "deputy", true).await), "second_person");
        let done = confirm(&town, &wrong, "elder", true).await.unwrap();
        assert_eq!(done.written_off.unwrap().0, 40);
        assert_eq!(code(confirm(&town, &wrong, "elder", false).await), "correction_decided");
        assert_eq!((town.spendable(WANG).await, balances(&town, WANG).await.honour.0), (0, 0));
        town.expect_books_hold().await;
        // The household appeals against the correction and is right: everything comes back once.
        let reversed = again(&town, &row.id).await;
        assert_eq!(reversed.state, State::Reversed);
        let again_right = file_appeal(&town, &reversed, None, "z").await.unwrap();
        assert_eq!(again_right.kind, appeal::Kind::Corrected);
        go_forward(&town, days(20)).await;
        assert_eq!((town.spendable(WANG).await, balances(&town, WANG).await.honour.0), (60, 60));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn both_sides_agree(town: Town) {
        more_people(&town).await;
        let one = verified(&town, WANG, "C01", 1).await;
        council(&town, Choice::For).await.unwrap();
        go_forward(&town, days(5)).await;
        let row = again(&town, &one.id).await;
        let appeal = file_appeal(&town, &row, Some(2), "a").await.unwrap();
        name_panel(&town, &appeal, &["admin", "deputy", "elder"], "deputy").await.unwrap();
        hear(&town, &appeal, "elder").await.unwrap();
        let now = town.app.now();
        let settle = |by: User, count| Settle { appeal: appeal.id.clone(), words: "按两次算，双方签字".to_owned(), count, by, key: fresh_key(now) };
        let outsider = settle(town.user("council").await, Some(2));
        assert_eq!(code(town.write(move |conn| panel::settle(conn, &outsider, now)).await), "not_on_panel");
        let greedy = settle(town.user("elder").await, Some(3));
        assert_eq!(code(town.write(move |conn| panel::settle(conn, &greedy, now)).await), "invalid_request");
        let agreed = settle(town.user("elder").await, Some(2));
        let ended = town.write(move |conn| panel::settle(conn, &agreed, now)).await.unwrap();
        assert_eq!(ended.state, appeal::State::Settled);
        assert_eq!(ended.points_added.unwrap().0, 2);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn the_pages_tell_the_way_and_hide_who_objects(town: Town) {
        more_people(&town).await;
        let (_, slip) = on_notice(&town, WANG).await;
        let stranger = town.stranger();
        let form = stranger.get(&format!("/objections/new?slip={slip}")).await;
        assert_eq!(form.status, 200);
        assert!(form.text.contains("王**") && !form.text.contains("王建国"));
        let empty = stranger.post("/objections", &[("key", "k"), ("slip", &slip), ("reason", " ")]).await;
        assert_eq!(empty.status, 422);
        let nasty = "<script>alert(1)</script>那天他不在";
        let sent = stranger
            .post("/objections", &[("key", "k"), ("slip", &slip), ("reason", nasty), ("name", "<b>老张"), ("contact", "13900001111")])
            .await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let path = sent.location().split('?').next().unwrap().to_owned();
        let receipt = stranger.get(&path).await.text;
        assert!(receipt.contains("正在处理") && receipt.contains("还有5天"));
        for secret in ["老张", "13900001111", "那天他不在", "王"] {
            assert!(!receipt.contains(secret), "{secret}");
        }
        assert_eq!(stranger.get("/objections/1234567890").await.status, 404);
        let number = path.rsplit('/').next().unwrap().to_owned();
        let found = stranger.get(&format!("/receipts?number={number}")).await;
        assert_eq!((found.status.as_u16(), found.location()), (303, path.as_str()));
        assert_eq!(stranger.get("/receipts?number=12").await.status, 422);
        // Who had a part or may not decide reads that there is one, and no more.
        for name in ["grid", "auditor", "kinsman"] {
            let shown = town.signed_in(name).await.get(&format!("{path}/decision")).await;
            assert_eq!(shown.status, 200, "{name}");
            for secret in ["老张", "13900001111", "那天他不在"] {
                assert!(!shown.text.contains(secret), "{name} reads {secret}");
            }
            let listed = town.signed_in(name).await.get("/objections").await.text;
            assert!(listed.contains(&slip) && !listed.contains("老张"));
        }
        let deputy = town.signed_in("deputy").await;
        let shown = deputy.get(&format!("{path}/decision")).await.text;
        assert!(shown.contains("13900001111") && !shown.contains("<script>alert") && !shown.contains("<b>老张"));
        let kept = town.signed_in("kinsman").await.post(&format!("{path}/decision"), &[("key", "x"), ("decision", "upheld"), ("reason", "不对")]).await;
        assert_eq!(kept.status, 409);
        assert!(kept.text.contains("回避"));
        let done = deputy.post(&format!("{path}/decision"), &[("key", "y"), ("decision", "dismissed"), ("reason", "<i>看过签到")]).await;
        assert_eq!(done.status, 303);
        let letter = deputy.get(done.location()).await.text;
        assert!(letter.contains("异议处理答复") && letter.contains("看过签到") && !letter.contains("<i>看过"));
        assert!(stranger.get(&path).await.text.contains("不成立"));
        // By telephone, written down by the grid worker.
        let grid = town.signed_in("grid").await;
        let no_way = grid.post("/objections/take", &[("key", "t"), ("slip", &slip), ("reason", "电话里说的"), ("channel", "web")]).await;
        assert_eq!(no_way.status, 422);
        let taken = grid.post("/objections/take", &[("key", "t"), ("slip", &slip), ("reason", "电话里说的"), ("channel", "by_phone")]).await;
        assert_eq!(taken.status, 303, "{}", taken.text);
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_household_appeals_with_its_card(town: Town) {
        more_people(&town).await;
        verified(&town, WANG, "E08", 1).await;
        council(&town, Choice::Against).await;
        let card = town.issue_card(WANG).await.token();
        let other = town.issue_card(LI).await.token();
        let stranger = town.stranger();
        let found = stranger.get(&format!("/K/{card}")).await.text;
        assert!(found.contains(&format!("/K/{card}/appeal")));
        let path = format!("/K/{card}/appeal");
        let form = stranger.get(&path).await.text;
        assert!(form.contains("评议未通过") && !form.contains("王建国"));
        let subject = form.split("value=\"award:").nth(1).unwrap().split('"').next().unwrap();
        let subject = format!("award:{subject}");
        // The number alone, a wrong secret and another household's card open nothing.
        let number = card.split('-').next().unwrap();
        assert_eq!(stranger.get(&format!("/K/{number}/appeal")).await.status, 404);
        assert_eq!(stranger.get(&format!("/K/{number}-000000000000/appeal")).await.status, 404);
        let theirs = stranger.post(&format!("/K/{other}/appeal"), &[("key", "o"), ("subject", &subject), ("reason", "x")]).await;
        assert_eq!(theirs.status, 404);
        let sent = stranger.post(&path, &[("key", "k"), ("subject", &subject), ("reason", "<u>有人作证")]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let receipt = sent.location().split('?').next().unwrap().to_owned();
        let shown = stranger.get(&receipt).await.text;
        assert!(shown.contains("已收到") && !shown.contains("王建国") && !shown.contains("有人作证"));
        let deputy = town.signed_in("deputy").await;
        let desk = deputy.get(&format!("{receipt}/hearing")).await.text;
        assert!(desk.contains("有人作证") && !desk.contains("<u>有人") && desk.contains("评议时参加表决的人"));
        let mut fields = vec![("key".to_owned(), "p".to_owned())];
        for name in ["admin", "deputy", "elder"] {
            fields.push((format!("user:{}", town.user(name).await.id), "1".to_owned()));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let named = deputy.post(&format!("{receipt}/panel"), &fields).await;
        assert_eq!(named.status, 303, "{}", named.text);
        let heard = deputy.post(&format!("{receipt}/hearing"), &[("hearing", "说了")]).await;
        assert_eq!(heard.status, 303, "{}", heard.text);
        for name in ["admin", "deputy", "elder"] {
            let one = town.signed_in(name).await;
            let page = one.get(&format!("{receipt}/hearing")).await.text;
            let place = page.split("name=\"position\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            let given = one.post(&format!("{receipt}/opinions"), &[("key", name), ("position", &place), ("opinion", "uphold"), ("reason", "可信")]).await;
            assert_eq!(given.status, 303, "{}", given.text);
        }
        let ended = deputy.get(&format!("{receipt}/hearing")).await.text;
        assert!(ended.contains("申诉决定书") && ended.contains("已更正入账"));
        // A correction, from its slip to the letter.
        let proposed = deputy.post("/corrections", &[("key", "c"), ("nomination", subject.strip_prefix("award:").unwrap()), ("reason", "后来查明不实")]).await;
        assert_eq!(proposed.status, 303, "{}", proposed.text);
        let path = proposed.location().split('?').next().unwrap().to_owned();
        assert!(deputy.get(&path).await.text.contains("由另一人确认"));
        assert_eq!(deputy.post(&format!("{path}/decision"), &[("key", "e"), ("decision", "confirmed")]).await.status, 409);
        let elder = town.signed_in("elder").await;
        assert_eq!(elder.post(&format!("{path}/decision"), &[("key", "f"), ("decision", "confirmed")]).await.status, 303);
        let letter = elder.get(&path).await.text;
        assert!(letter.contains("积分更正通知") && letter.contains("以前申诉"));
        assert!(elder.get("/corrections").await.text.contains("已更正"));
        assert!(elder.get("/appeals").await.text.contains("申诉成立"));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_resident_objects_on_the_phone_and_the_row_posts_when_the_demo_moves_on(town: Town) {
        let town = town.into_demo(Clock::standing(crate::town::morning()));
        more_people(&town).await;
        let (row, slip) = on_notice(&town, WANG).await;
        let phone = town.stranger();
        let form = phone.get(&format!("/objections/new?slip={slip}")).await.text;
        let key = form.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let sent = phone.post("/objections", &[("key", key), ("slip", &slip), ("reason", "我没看见")]).await;
        // Pressed twice it is one objection.
        let twice = phone.post("/objections", &[("key", key), ("slip", &slip), ("reason", "我没看见")]).await;
        assert_eq!(sent.location(), twice.location());
        let receipt = sent.location().split('?').next().unwrap().to_owned();
        let deputy = town.signed_in("deputy").await;
        assert!(deputy.get("/objections").await.text.contains("1件待处理"));
        let move_to = async |count: u64| {
            let day = jishan::clock::days_after(day_of(town.app.now()), count).to_string();
            assert_eq!(deputy.post("/demo/clock", &[("day", &day)]).await.status, 303);
        };
        // The notice ends, the row waits.
        move_to(4).await;
        run(&town).await;
        assert_eq!(again(&town, &row.id).await.state, State::Suspended);
        assert!(deputy.get("/objections").await.text.contains(">急<"));
        let path = format!("{receipt}/decision");
        let done = deputy.post(&path, &[("key", "d"), ("decision", "dismissed"), ("reason", "有三人作证")]).await;
        assert_eq!(done.status, 303, "{}", done.text);
        move_to(1).await;
        run(&town).await;
        assert_eq!(again(&town, &row.id).await.state, State::Posted);
        assert_eq!(town.spendable(WANG).await, 30);
        assert!(phone.get(&receipt).await.text.contains("已经入账"));
        town.expect_books_hold().await;
    }
}

// ---- Whatever comes ------------------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
enum Act {
    Nominate(usize),
    Council(bool),
    Object(usize),
    Decide(usize, bool),
    Appeal(usize),
    Panel(usize),
    Propose(usize),
    Confirm(usize, bool),
    Spend(usize),
    Days(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let nth = 0usize..8;
    prop_oneof![
        3 => (0usize..2).prop_map(Act::Nominate),
        2 => prop::bool::weighted(0.7).prop_map(Act::Council),
        3 => nth.clone().prop_map(Act::Object),
        3 => (nth.clone(), any::<bool>()).prop_map(|(nth, yes)| Act::Decide(nth, yes)),
        3 => nth.clone().prop_map(Act::Appeal),
        2 => nth.clone().prop_map(Act::Panel),
        2 => nth.clone().prop_map(Act::Propose),
        2 => (nth, any::<bool>()).prop_map(|(nth, yes)| Act::Confirm(nth, yes)),
        3 => (0usize..2).prop_map(Act::Spend),
        4 => (1i64..9).prop_map(Act::Days),
    ]
}

const FAMILIES: [&str; 2] = [WANG, LI];

fn nth<T: Clone>(all: &[T], nth: usize) -> Option<T> {
    (!all.is_empty()).then(|| all[nth % all.len()].clone())
}

/// A rule may say no to anything; a fault may not come.
fn no_fault<T>(answer: Result<T>) -> Option<T> {
    match answer {
        Ok(value) => Some(value),
        Err(Error::Internal(cause, place)) => panic!("{cause} at {place}"),
        Err(_) => None,
    }
}

async fn story(database: Database, acts: Vec<Act>) {
    let town = Town::founded(database).await;
    more_people(&town).await;
    let cards = [town.issue_card(WANG).await.token(), town.issue_card(LI).await.token()];
    let mut rows: Vec<Nomination> = Vec::new();
    let mut key = 0u32;
    for act in acts {
        key += 1;
        let key = format!("k{key}");
        match act {
            Act::Nominate(family) => {
                let household = town.household(FAMILIES[family]).await.id;
                let (building, grid, now) = (town.user("building").await, town.user("grid").await, town.app.now());
                let made = town
                    .write(move |conn| {
                        let asked = Nominate {
                            household,
                            item: "C04".to_owned(),
                            count: 1,
                            occurred_on: day_of(now),
                            note: String::new(),
                            by: Nominator::Staff(building.id),
                            key: fresh_key(now),
                        };
                        let one = nomination::nominate(conn, &asked, now)?;
                        let verify = Verify {
                            nomination: one.id,
                            decision: Decision::Approve,
                            reason: String::new(),
                            by: grid,
                            key: fresh_key(now),
                        };
                        nomination::verify(conn, &verify, now)
                    })
                    .await;
                rows.extend(no_fault(made));
            }
            Act::Council(yes) => {
                let _ = council(&town, if yes { Choice::For } else { Choice::Against }).await;
            }
            Act::Object(at) => {
                let now = town.app.now();
                let slips = town.read(move |conn| all_slips(conn, now)).await;
                if let Some(slip) = nth(&slips, at) {
                    no_fault(object(&town, &slip, &key).await);
                }
            }
            Act::Decide(at, upheld) => {
                let all = town.read(|conn| objection::list(conn, None, 50)).await;
                if let Some((one, _)) = nth(&all, at) {
                    no_fault(decide(&town, &one, "deputy", upheld, &key).await);
                }
            }
            Act::Appeal(at) => {
                if let Some(row) = nth(&rows, at) {
                    no_fault(file_appeal(&town, &row, Some(2), &key).await);
                }
            }
            Act::Panel(at) => {
                let all = town.read(|conn| appeal::list(conn, None, 50)).await;
                if let Some(one) = nth(&all, at) {
                    no_fault(name_panel(&town, &one, &["admin", "elder"], "admin").await);
                    no_fault(hear(&town, &one, "admin").await);
                    for (by, opinion) in [("admin", Opinion::Uphold), ("elder", Opinion::Dismiss)] {
                        no_fault(give(&town, &one, by, opinion).await);
                    }
                }
            }
            Act::Propose(at) => {
                if let Some(row) = nth(&rows, at) {
                    no_fault(propose(&town, &row, "deputy").await);
                }
            }
            Act::Confirm(at, yes) => {
                let all = town.read(|conn| correction::list(conn, None, 50)).await;
                if let Some((one, _)) = nth(&all, at) {
                    no_fault(confirm(&town, &one, "elder", yes).await);
                }
            }
            Act::Spend(family) => {
                no_fault(town.redeem(&key, &cards[family], &[("G001", 1)]).await);
            }
            Act::Days(count) => go_forward(&town, days(count)).await,
        }
        for code in FAMILIES {
            let has = balances(&town, code).await;
            assert!(
                has.spendable.0 >= 0 && has.pending.0 >= 0 && has.honour.0 >= 0,
                "{code}: {has:?}"
            );
        }
    }
    town.expect_books_hold().await;
    // Everything that waits comes to an end by itself.
    go_forward(&town, days(60)).await;
    assert_eq!(town.read(|conn| objection::open_count(conn, None)).await.0, 0);
    assert_eq!(town.read(|conn| appeal::open_count(conn, None)).await.0, 0);
    for row in rows {
        assert_ne!(again(&town, &row.id).await.state, State::Suspended);
    }
    town.expect_books_hold().await;
}

fn all_slips(conn: &mut Conn, now: Moment) -> Result<Vec<String>> {
    let mut slips = Vec::new();
    for one in notice::list(conn, 50)?.into_iter().filter(|one| one.runs_at(now)) {
        let rows = nomination::of_notice(conn, &one.id)?;
        slips.extend(rows.iter().map(|row| row.notice_slip(&one)));
    }
    Ok(slips)
}

fn tell(database: Database, stories: usize) {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let acts = proptest::collection::vec(act(), 25..60);
    for _ in 0..stories {
        let acts = acts.new_tree(&mut runner).unwrap().current();
        runtime().block_on(story(database, acts));
    }
}

#[test]
fn whatever_comes_the_books_hold_on_sqlite() {
    tell(Database::Sqlite, 12);
}

#[test]
fn whatever_comes_the_books_hold_on_postgres() {
    tell(Database::Postgres, 5);
}
