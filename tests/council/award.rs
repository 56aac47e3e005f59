//! From the council's yes to the points: pending on the notice, caps, the budget's queue, the clock, and what is taken back.

use chrono::{Datelike as _, TimeDelta};
use jishan::clock::{Moment, day_of};
use jishan::council::budget::{self, SetBudget};
use jishan::council::motion::Choice;
use jishan::council::nomination::{Nomination, State};
use jishan::council::{award, clockwork, notice};
use jishan::error::{Error, Result};
use jishan::ledger::account::AccountKind;
use jishan::ledger::balance;
use jishan::points::Points;
use jishan::registry::change::Change;
use jishan::statements::trace::{self, Traced};

use super::{Deed, balances, decide, fresh_key, nominate, nomination_of};

use crate::registry::ask;
use crate::town::{FAR, LI, Town, WANG, area_of_council, hold_session, morning, on_both, today};

/// Nominated and verified today.
async fn verified(town: &Town, deed: Deed) -> Nomination {
    let made = nominate(town, deed).await.unwrap();
    decide(town, &made, "grid", jishan::council::nomination::Decision::Approve, "")
        .await
        .unwrap()
}

/// The council meets today and votes alike; the notice is out.
async fn session(town: &Town, choice: Choice) -> Result<notice::Notice> {
    let (secretary, now) = (town.user("admin").await, town.app.now());
    town.write(move |conn| hold_session(conn, &secretary, choice, now))
        .await
}

/// The clock goes on by so many days, and what is due is done.
async fn days_pass(town: &Town, days: i64) -> clockwork::Done {
    town.app.clock.advance(TimeDelta::days(days));
    run(town, town.app.now()).await.unwrap()
}

async fn run(town: &Town, now: Moment) -> Result<clockwork::Done> {
    town.write(move |conn| clockwork::run(conn, now)).await
}

async fn budget_of(town: &Town, points: i64) {
    let (admin, now) = (town.user("admin").await.id, town.app.now());
    let key = fresh_key(town);
    town.write(move |conn| {
        let asked = SetBudget {
            area: area_of_council(conn)?,
            from_month: day_of(now),
            points: Points(points),
            soft_percent: 80,
            reason: "居民代表会议决定".to_owned(),
            by: admin,
            key,
        };
        budget::set(conn, &asked, now)
    })
    .await
    .unwrap();
}

async fn three(town: &Town, code: &'static str) -> (i64, i64, i64) {
    let balances = balances(town, code).await;
    (balances.pending.0, balances.spendable.0, balances.honour.0)
}

on_both! {
    async fn points_are_pending_while_the_notice_runs_and_post_by_themselves(town: Town) {
        let deed = verified(&town, Deed::of("E04")).await;
        assert_eq!(three(&town, WANG).await, (0, 0, 0));
        let notice = session(&town, Choice::For).await.unwrap();
        assert_eq!(three(&town, WANG).await, (10, 0, 0));
        assert_eq!(nomination_of(&town, &deed).await.state, State::Notified);
        // Published on the 21st for three days: the 22nd, 23rd and 24th are whole.
        assert_eq!(notice.ends_at.to_string(), "2026-11-24 16:00:00");
        assert_eq!(days_pass(&town, 3).await.posted, 0);
        assert_eq!(three(&town, WANG).await, (10, 0, 0));
        // A minute before midnight it has not ended; a minute after it has.
        assert_eq!(run(&town, notice.ends_at - TimeDelta::minutes(1)).await.unwrap().posted, 0);
        let done = run(&town, notice.ends_at).await.unwrap();
        assert_eq!((done.posted, done.taken_down), (1, 1));
        assert_eq!(three(&town, WANG).await, (0, 10, 10));
        let posted = nomination_of(&town, &deed).await;
        assert_eq!((posted.state, posted.posted_at), (State::Posted, Some(notice.ends_at)));
        // Again, and there is nothing left to do.
        assert!(run(&town, notice.ends_at).await.unwrap().is_nothing());
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_server_that_was_off_catches_up_once(town: Town) {
        verified(&town, Deed::of("E04")).await;
        session(&town, Choice::For).await.unwrap();
        // Nobody ran anything for forty days.
        assert_eq!(days_pass(&town, 40).await.posted, 1);
        assert!(days_pass(&town, 0).await.is_nothing());
        assert_eq!(three(&town, WANG).await, (0, 10, 10));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn what_the_council_declines_gives_nothing(town: Town) {
        let deed = verified(&town, Deed::of("E04")).await;
        let nothing = session(&town, Choice::Against).await.unwrap_err();
        assert_eq!(nothing.code(), "nothing_to_publish");
        let now = town.app.now();
        // The helper holds everything in one transaction, so nothing of that session is kept; the votes alone are.
        assert_eq!(nomination_of(&town, &deed).await.state, State::Verified);
        assert!(run(&town, now).await.unwrap().is_nothing());
        assert_eq!(three(&town, WANG).await, (0, 0, 0));
    }
}

on_both! {
    async fn above_the_households_cap_a_deed_is_honour_only(town: Town) {
        // Thirty points a month from L1 and L2 items; individual ballots stand outside.
        for (item, count) in [("E01", 4), ("E06", 4), ("E02", 3), ("E10", 1)] {
            verified(&town, Deed { count, ..Deed::of(item) }).await;
        }
        verified(&town, Deed::of("E08")).await;
        session(&town, Choice::For).await.unwrap();
        // 12 + 12 + 6 is the cap; the two points of the next are honour; thirty of bravery are free of it.
        assert_eq!(three(&town, WANG).await, (60, 0, 0));
        days_pass(&town, 4).await;
        assert_eq!(three(&town, WANG).await, (0, 60, 62));
        // The neighbour has a cap of its own.
        verified(&town, Deed { household: LI, ..Deed::of("E10") }).await;
        session(&town, Choice::For).await.unwrap();
        assert_eq!(three(&town, LI).await, (2, 0, 0));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn the_budget_stops_and_the_queue_is_in_the_order_of_the_deeds(town: Town) {
        budget_of(&town, 25).await;
        let day = |back: i64| today() - TimeDelta::days(back);
        // Bravery (30) happened first, then blood was given (10), then a neighbour was visited (2).
        let first = verified(&town, Deed { on: day(3), ..Deed::of("E08") }).await;
        let second = verified(&town, Deed { on: day(2), household: LI, ..Deed::of("E04") }).await;
        let third = verified(&town, Deed { on: day(1), household: FAR, ..Deed::of("E10") }).await;
        let honour_only = verified(&town, Deed { household: LI, ..Deed::of("B03") }).await;
        session(&town, Choice::For).await.unwrap();
        let done = days_pass(&town, 4).await;
        // Thirty do not fit, and nobody overtakes; what takes no points from the budget needs no room.
        assert_eq!(done.posted, 1);
        for (deed, state) in [
            (&first, State::Queued),
            (&second, State::Queued),
            (&third, State::Queued),
            (&honour_only, State::Posted),
        ] {
            assert_eq!(nomination_of(&town, deed).await.state, state);
        }
        assert_eq!((three(&town, WANG).await.0, three(&town, LI).await), (30, (10, 0, 10)));
        // The assembly raises it: forty posts two, and two points have no room.
        budget_of(&town, 41).await;
        assert_eq!(run(&town, town.app.now()).await.unwrap().posted, 2);
        assert_eq!(nomination_of(&town, &third).await.state, State::Queued);
        let used = town.read(|conn| budget::in_use(conn, today())).await.remove(0);
        assert_eq!((used.posted.0, used.queued.0, used.left().0, used.is_low()), (40, 2, 1, true));
        // The next month has room again.
        let days = 31 - i64::from(town.app.now().day());
        days_pass(&town, days).await;
        assert_eq!(nomination_of(&town, &third).await.state, State::Posted);
        assert_eq!(three(&town, FAR).await, (0, 2, 2));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn two_secretaries_publish_one_notice(town: Town) {
        verified(&town, Deed::of("E04")).await;
        let first = session(&town, Choice::For).await.unwrap();
        let (admin, council, now) = (town.user("admin").await.id, town.user("council").await.id, town.app.now());
        let session = first.session_id.clone();
        let again = town.write(move |conn| notice::publish(conn, &session, &council, "b", now)).await;
        assert_eq!(again.unwrap_err().code(), "already_published");
        let session = first.session_id.clone();
        let other = town.write(move |conn| notice::publish(conn, &session, &admin, "c", now)).await;
        assert_eq!(other.unwrap_err().to_string(), "这次会议的结果已经公示，不会重复公示。");
        days_pass(&town, 4).await;
        assert_eq!(three(&town, WANG).await, (0, 10, 10));
    }
}

on_both! {
    async fn a_clock_that_was_set_back_stops_what_has_a_deadline(town: Town) {
        verified(&town, Deed::of("E04")).await;
        session(&town, Choice::For).await.unwrap();
        days_pass(&town, 2).await;
        let yesterday = town.app.now() - TimeDelta::days(1);
        let refused = run(&town, yesterday).await.unwrap_err();
        assert_eq!(refused.code(), "clock_set_back");
        assert!(refused.to_string().contains("校准时钟"));
        // A session of yesterday neither; minutes apart are two machines' clocks.
        let admin = town.user("admin").await;
        let held = town.write(move |conn| hold_session(conn, &admin, Choice::For, yesterday)).await;
        assert_eq!(held.unwrap_err().code(), "clock_set_back");
        assert!(run(&town, town.app.now() - TimeDelta::minutes(4)).await.is_ok());
        // When the clock is right again, everything goes on.
        assert_eq!(days_pass(&town, 2).await.posted, 1);
        assert_eq!(three(&town, WANG).await, (0, 10, 10));
    }
}

on_both! {
    async fn what_is_released_was_never_spendable_and_what_is_reversed_owes_nothing(town: Town) {
        let held = verified(&town, Deed { household: LI, ..Deed::of("E04") }).await;
        let posted = verified(&town, Deed::of("E08")).await;
        session(&town, Choice::For).await.unwrap();
        let held = nomination_of(&town, &held).await;
        let now = town.app.now();
        let released = town.write(move |conn| award::release(conn, held, "异议成立", "system", now)).await.unwrap();
        assert_eq!((released.state, three(&town, LI).await), (State::Declined, (0, 0, 0)));
        days_pass(&town, 4).await;
        // Of thirty, ten are spent before somebody finds that it was a mistake.
        let card = town.issue_card(WANG).await.token();
        town.redeem("a", &card, &[("G006", 2)]).await.unwrap();
        let posted = nomination_of(&town, &posted).await;
        let (again, now) = (posted.clone(), town.app.now());
        town.write(move |conn| award::reverse(conn, posted, "更正", "system", now)).await.unwrap();
        assert_eq!(three(&town, WANG).await, (0, 0, 0));
        let written_off = town
            .read(|conn| balance::on(conn, "programme", AccountKind::WriteOff, morning().date() + TimeDelta::days(9)))
            .await;
        assert_eq!(written_off.0.abs(), 10);
        // Once only.
        let twice = town.write(move |conn| award::reverse(conn, again, "更正", "system", now)).await;
        assert!(matches!(twice, Err(Error::Refused(_))), "{twice:?}");
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn a_mistake_is_taken_back_from_whom_the_household_was_merged_into(town: Town) {
        let posted = verified(&town, Deed::of("E08")).await;
        session(&town, Choice::For).await.unwrap();
        days_pass(&town, 4).await;
        let wang = town.household(WANG).await;
        town.change(ask(&wang, Change::Merge { into: LI.to_owned() })).await.unwrap();
        assert_eq!((three(&town, WANG).await, three(&town, LI).await), ((0, 0, 0), (0, 30, 30)));
        let card = town.issue_card(LI).await.token();
        town.redeem("a", &card, &[("G006", 1)]).await.unwrap();
        let (posted, now) = (nomination_of(&town, &posted).await, town.app.now());
        let reversal = town.write(move |conn| award::reverse(conn, posted, "更正", "system", now)).await.unwrap();
        // Twenty-five come back from the survivor; the five that were spent are borne by the programme.
        assert_eq!((three(&town, WANG).await, three(&town, LI).await), ((0, 0, 0), (0, 0, 0)));
        let sides = town.read(move |conn| balance::sides(conn, reversal)).await;
        let borne: i64 = sides.iter().filter(|(_, kind, _)| *kind == AccountKind::WriteOff).map(|(.., amount)| amount.0).sum();
        assert_eq!(borne.abs(), 5);
        // From its own number, the way of the deed is found as before.
        let traced = town.read(move |conn| trace::find(conn, &reversal.to_string(), today())).await;
        assert!(matches!(traced, Traced::Award(trace) if trace.household.id == wang.id && trace.reversal.is_some()));
        town.expect_books_hold().await;
    }
}

on_both! {
    async fn points_end_with_their_last_day_and_a_day_of_grace(town: Town) {
        verified(&town, Deed::of("E04")).await;
        session(&town, Choice::For).await.unwrap();
        days_pass(&town, 4).await;
        // Points of 2026 can be spent through 31 March 2027, and on the day of grace.
        let until = |day: &str| day.parse::<Moment>().unwrap();
        for (moment, spendable) in [
            ("2027-03-31T04:00:00", 10),
            ("2027-04-01T04:00:00", 10),
            ("2027-04-02T04:00:00", 0),
        ] {
            run(&town, until(moment)).await.unwrap();
            assert_eq!(town.spendable(WANG).await, spendable, "{moment}");
        }
        // Honour stays.
        assert_eq!(three(&town, WANG).await, (0, 0, 10));
        town.expect_books_hold().await;
    }
}
