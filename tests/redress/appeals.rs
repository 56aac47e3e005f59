//! Appeals: the panel, its opinions and their end, what is added to an award, and what is found wrong in it later.

use chrono::TimeDelta;
use jishan::access::user::User;
use jishan::clock::day_of;
use jishan::council::appeal::panel::{self, Opinion, Settle};
use jishan::council::appeal::{self, Appeal};
use jishan::council::motion::Choice;
use jishan::council::nomination::State;
use jishan::registry::change::{self, AskChange, Change};
use jishan::registry::plan;

use super::{
    again, balances, code, confirm, council, days, decide, file_appeal, give, go_forward, hear, more_people,
    name_panel, object, on_notice, propose, run, verified,
};
use crate::town::{LI, Town, WANG, fresh_key, on_both};

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
