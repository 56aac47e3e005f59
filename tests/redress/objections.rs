//! Objections: one row waits and the rest goes on, who had a part does not decide, silence favours the household.

use chrono::TimeDelta;
use jishan::app::App;
use jishan::clock::{Clock, Moment};
use jishan::council::motion::Choice;
use jishan::council::nomination::State;
use jishan::council::objection::{self, Decide};

use super::{
    again, balances, code, council, days, decide, go_forward, more_people, object, objection_to, on_notice, run,
    verified,
};
use crate::town::{LI, Town, WANG, on_both};

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
