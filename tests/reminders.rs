//! Reminder notes: private, with a day to put things right; what they can take is a little of the honour score, within
//! limits, after the household was told and could object, and it comes back by itself.

use chrono::TimeDelta;
use jishan::access::user::User;
use jishan::clock::{Day, Span, day_of, days_after};
use jishan::council::reminder::unheeded::{self, Outcome};
use jishan::council::reminder::{self, Act, Filter, Issue, ReminderNote, State, Way, due};
use jishan::error::Result;
use jishan::id::Id;
use jishan::ledger::balance::{self, Balances};
use jishan::points::Points;
use jishan::registry::change::Change;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::registry::ask;
use crate::town::{Database, FAR, LI, Town, WANG, on_both, runtime, today};

/// Things put down in the corridor: two points, four a month, and three days to put it right.
const CORRIDOR: &str = "N01";
/// Litter: costs from the second time in a month on.
const LITTER: &str = "N02";
/// A car in the way of the fire engine.
const CAR: &str = "N03";
/// Something broken on purpose: five points, five a quarter.
const BROKEN: &str = "N05";

async fn pass_days(town: &Town, days: i64) {
    town.app.clock.advance(TimeDelta::days(days));
}

async fn run_due(town: &Town) -> usize {
    let now = town.app.now();
    town.write(move |conn| due::due(conn, now)).await.unwrap()
}

fn key(town: &Town) -> String {
    Id::<ReminderNote>::new(town.app.now()).to_string()
}

fn day(town: &Town) -> Day {
    day_of(town.app.now())
}

async fn issue_by(town: &Town, code: &'static str, rule: &str, by: User) -> Result<ReminderNote> {
    let asked = Issue {
        household: town.household(code).await.id,
        rule: rule.to_owned(),
        seen: "门口堆了三个纸箱".to_owned(),
        place: "2单元一楼楼道".to_owned(),
        seen_on: day(town),
        fix_by: days_after(day(town), 3),
        by,
        key: key(town),
    };
    let now = town.app.now();
    town.write(move |conn| reminder::issue(conn, &asked, now)).await
}

async fn issue(town: &Town, code: &'static str, rule: &str) -> ReminderNote {
    issue_by(town, code, rule, town.user("building").await).await.unwrap()
}

#[derive(Clone, Copy)]
enum Doing {
    Acknowledge,
    Fix,
    Withdraw,
    Confirm,
    Object,
    Uphold,
    Dismiss,
}

async fn act(town: &Town, note: &ReminderNote, doing: Doing, by: &'static str) -> Result<ReminderNote> {
    act_as(town, note, doing, town.user(by).await).await
}

async fn act_as(town: &Town, note: &ReminderNote, doing: Doing, by: User) -> Result<ReminderNote> {
    let asked = Act {
        note: note.id.clone(),
        words: "到现场看过".to_owned(),
        how: Some(Way::InPerson),
        by,
        key: key(town),
    };
    let now = town.app.now();
    town.write(move |conn| match doing {
        Doing::Acknowledge => reminder::acknowledge(conn, &asked, now),
        Doing::Fix => reminder::fix(conn, &asked, now),
        Doing::Withdraw => reminder::withdraw(conn, &asked, now),
        Doing::Confirm => unheeded::confirm(conn, &asked, now),
        Doing::Object => unheeded::object(conn, &asked, now),
        Doing::Uphold => unheeded::decide(conn, &asked, true, now),
        Doing::Dismiss => unheeded::decide(conn, &asked, false, now),
    })
    .await
}

async fn code_of(refused: impl Future<Output = Result<ReminderNote>>) -> &'static str {
    refused.await.unwrap_err().code()
}

async fn stand(town: &Town, note: &ReminderNote) -> ReminderNote {
    let id = note.id.clone();
    town.read(move |conn| reminder::by_id(conn, &id)).await
}

async fn balances(town: &Town, code: &'static str) -> Balances {
    let household = town.household(code).await.id;
    town.read(move |conn| balance::of(conn, household.as_str())).await
}

async fn honour(town: &Town, code: &'static str) -> i64 {
    balances(town, code).await.honour.0
}

/// A note that the grid worker saw to be unfixed after its days.
async fn unfixed(town: &Town, code: &'static str, rule: &str) -> ReminderNote {
    let note = issue(town, code, rule).await;
    pass_days(town, 4).await;
    act(town, &note, Doing::Confirm, "grid").await.unwrap()
}

on_both! {
    async fn a_note_that_is_put_right_costs_nothing(town: Town) {
        town.give_honour(WANG, 20).await;
        let note = issue(&town, WANG, CORRIDOR).await;
        assert_eq!((note.state, note.points_at_stake), (State::Issued, Points(2)));
        assert_eq!(note.code.len(), 8);
        let note = act(&town, &note, Doing::Acknowledge, "building").await.unwrap();
        assert_eq!(note.state, State::Acknowledged);
        pass_days(&town, 2).await;
        let note = act(&town, &note, Doing::Fix, "building").await.unwrap();
        assert_eq!((note.state, note.points_taken), (State::Fixed, None));
        pass_days(&town, 100).await;
        assert_eq!(run_due(&town).await, 0);
        assert_eq!(honour(&town, WANG).await, 20);
        assert_eq!(code_of(act(&town, &note, Doing::Confirm, "grid")).await, "already_over");
        // Put right after a second person saw it, but before anything was taken: nothing is taken either.
        let note = unfixed(&town, WANG, CORRIDOR).await;
        act(&town, &note, Doing::Fix, "building").await.unwrap();
        pass_days(&town, 10).await;
        assert_eq!(run_due(&town).await, 0);
        assert_eq!(honour(&town, WANG).await, 20);
    }
}

on_both! {
    async fn an_unheeded_note_takes_a_little_honour_and_gives_it_back(town: Town) {
        town.give(WANG, 30).await;
        town.give_honour(WANG, 20).await;
        let note = issue(&town, WANG, CORRIDOR).await;
        assert_eq!(code_of(act(&town, &note, Doing::Confirm, "grid")).await, "not_yet_due");
        pass_days(&town, 3).await;
        assert_eq!(code_of(act(&town, &note, Doing::Confirm, "grid")).await, "not_yet_due");
        pass_days(&town, 1).await;
        // Two people: who issued it does not confirm it.
        assert_eq!(code_of(act(&town, &note, Doing::Confirm, "building")).await, "not_permitted");
        let told = act(&town, &note, Doing::Confirm, "grid").await.unwrap();
        assert_eq!((told.state, told.objections_until), (State::Unfixed, Some(days_after(today(), 7))));
        assert_eq!(code_of(act(&town, &note, Doing::Confirm, "admin")).await, "already_confirmed");
        // Nothing before the days to object are over.
        for _ in 0..3 {
            assert_eq!((run_due(&town).await, honour(&town, WANG).await), (0, 20));
            pass_days(&town, 1).await;
        }
        assert_eq!(run_due(&town).await, 0);
        pass_days(&town, 1).await;
        assert_eq!((run_due(&town).await, run_due(&town).await), (1, 0));
        let reduced = stand(&town, &note).await;
        assert_eq!((reduced.state, reduced.points_taken), (State::Reduced, Some(Points(2))));
        let now = balances(&town, WANG).await;
        assert_eq!((now.spendable.0, now.pending.0, now.honour.0), (30, 0, 18));
        pass_days(&town, 29).await;
        assert_eq!(run_due(&town).await, 0);
        pass_days(&town, 1).await;
        assert_eq!((run_due(&town).await, run_due(&town).await), (1, 0));
        let repaired = stand(&town, &note).await;
        assert_eq!(repaired.state, State::Repaired);
        assert!(repaired.repair_number > repaired.reduction_number);
        assert_eq!(balances(&town, WANG).await, Balances { honour: Points(20), ..now });
        town.expect_reminders_hold().await;
    }
}

on_both! {
    async fn a_server_that_was_off_catches_up_day_by_day(town: Town) {
        town.give_honour(WANG, 20).await;
        let note = unfixed(&town, WANG, CORRIDOR).await;
        pass_days(&town, 60).await;
        // Reduced and repaired in one run, as of the days on which each was due.
        assert_eq!((run_due(&town).await, run_due(&town).await), (2, 0));
        let repaired = stand(&town, &note).await;
        assert_eq!((repaired.state, repaired.reduced_on), (State::Repaired, Some(days_after(today(), 8))));
        assert_eq!(repaired.repair_on, Some(days_after(today(), 38)));
        assert_eq!(honour(&town, WANG).await, 20);
        // Ten days late: the score is back thirty days after the day it was due, not after the day it was posted.
        let note = unfixed(&town, WANG, CORRIDOR).await;
        pass_days(&town, 14).await;
        assert_eq!((run_due(&town).await, honour(&town, WANG).await), (1, 18));
        pass_days(&town, 20).await;
        assert_eq!((run_due(&town).await, honour(&town, WANG).await), (1, 20));
        assert_eq!(stand(&town, &note).await.state, State::Repaired);
        town.expect_reminders_hold().await;
    }
}

on_both! {
    async fn what_nobody_confirms_ends_by_itself(town: Town) {
        town.give_honour(WANG, 20).await;
        let note = issue(&town, WANG, CORRIDOR).await;
        pass_days(&town, 33).await;
        assert_eq!((run_due(&town).await, stand(&town, &note).await.state), (0, State::Issued));
        pass_days(&town, 1).await;
        assert_eq!((run_due(&town).await, stand(&town, &note).await.state), (1, State::Lapsed));
        assert_eq!(code_of(act(&town, &note, Doing::Confirm, "grid")).await, "already_over");
        assert_eq!(honour(&town, WANG).await, 20);
    }
}

on_both! {
    async fn who_is_gone_is_not_reminded_and_gets_back_what_is_due(town: Town) {
        for code in [WANG, LI, FAR] {
            town.give_honour(code, 20).await;
        }
        let reduced = unfixed(&town, WANG, CORRIDOR).await;
        pass_days(&town, 10).await;
        run_due(&town).await;
        assert_eq!((stand(&town, &reduced).await.state, honour(&town, WANG).await), (State::Reduced, 18));
        // One is merged while its reduction runs, one leaves with an open note.
        let open = issue(&town, FAR, CORRIDOR).await;
        let (wang, far) = (town.household(WANG).await, town.household(FAR).await);
        town.change(ask(&wang, Change::Merge { into: LI.to_owned() })).await.unwrap();
        town.change(ask(&far, Change::Leave)).await.unwrap();
        assert_eq!(honour(&town, LI).await, 38);
        for code in [WANG, FAR] {
            let refused = issue_by(&town, code, CORRIDOR, town.user("grid").await).await.unwrap_err();
            assert!(["household_merged", "household_left"].contains(&refused.code()), "{refused}");
        }
        run_due(&town).await;
        assert_eq!(stand(&town, &open).await.state, State::Lapsed);
        pass_days(&town, 60).await;
        run_due(&town).await;
        assert_eq!(stand(&town, &reduced).await.state, State::Repaired);
        assert_eq!((honour(&town, WANG).await, honour(&town, LI).await), (0, 40));
        town.expect_reminders_hold().await;
    }
}

on_both! {
    async fn the_first_litter_of_a_month_costs_nothing(town: Town) {
        town.give_honour(WANG, 20).await;
        let first = issue(&town, WANG, LITTER).await;
        assert_eq!(first.points_at_stake, Points::ZERO);
        let second = issue(&town, WANG, LITTER).await;
        assert_eq!(second.points_at_stake, Points(2));
        // Another household's first is its own first.
        assert_eq!(issue(&town, LI, LITTER).await.points_at_stake, Points::ZERO);
        pass_days(&town, 4).await;
        assert_eq!(code_of(act(&town, &first, Doing::Confirm, "grid")).await, "nothing_at_stake");
        assert_eq!((run_due(&town).await, stand(&town, &first).await.state), (2, State::Lapsed));
        assert_eq!(stand(&town, &second).await.state, State::Issued);
        // A month later it is the first again.
        pass_days(&town, 30).await;
        assert_eq!(issue(&town, WANG, LITTER).await.points_at_stake, Points::ZERO);
    }
}

on_both! {
    async fn the_same_is_not_reminded_twice_at_once(town: Town) {
        let note = issue(&town, WANG, CORRIDOR).await;
        let again = issue_by(&town, WANG, CORRIDOR, town.user("grid").await).await.unwrap_err();
        assert_eq!(again.code(), "already_reminded");
        assert!(again.to_string().contains(&reminder::spaced(&note.code)));
        assert!(issue_by(&town, WANG, CAR, town.user("grid").await).await.is_ok());
        act(&town, &note, Doing::Fix, "grid").await.unwrap();
        assert!(issue_by(&town, WANG, CORRIDOR, town.user("grid").await).await.is_ok());
    }
}

on_both! {
    async fn a_household_loses_no_more_than_its_month_and_what_it_has(town: Town) {
        town.give_honour(WANG, 20).await;
        // Corridor 2, car 2: four a month. What is broken would be five, and finds nothing left.
        let notes = [
            issue(&town, WANG, CORRIDOR).await,
            issue(&town, WANG, CAR).await,
            issue(&town, WANG, BROKEN).await,
        ];
        pass_days(&town, 4).await;
        for note in &notes {
            act(&town, note, Doing::Confirm, "grid").await.unwrap();
        }
        pass_days(&town, 4).await;
        assert_eq!(run_due(&town).await, 3);
        assert_eq!(honour(&town, WANG).await, 16);
        let mut taken = Vec::new();
        for note in &notes {
            taken.push(stand(&town, note).await.points_taken.map_or(0, |points| points.0));
        }
        assert_eq!(taken.iter().sum::<i64>(), 4);
        // Floor: Li has one point of honour, and loses one.
        town.give_honour(LI, 1).await;
        let note = unfixed(&town, LI, CORRIDOR).await;
        pass_days(&town, 4).await;
        run_due(&town).await;
        assert_eq!((honour(&town, LI).await, stand(&town, &note).await.points_taken), (0, Some(Points(1))));
        // And with nothing there is nothing to take: the note ends.
        let note = unfixed(&town, LI, CAR).await;
        pass_days(&town, 4).await;
        run_due(&town).await;
        assert_eq!(stand(&town, &note).await.state, State::Lapsed);
        pass_days(&town, 60).await;
        run_due(&town).await;
        assert_eq!((honour(&town, WANG).await, honour(&town, LI).await), (20, 1));
        town.expect_reminders_hold().await;
    }
}

on_both! {
    async fn an_objection_holds_it_and_silence_favours_the_household(town: Town) {
        town.give_honour(WANG, 20).await;
        let early = issue(&town, WANG, CORRIDOR).await;
        assert_eq!(code_of(act(&town, &early, Doing::Object, "building")).await, "nothing_to_object_to");
        pass_days(&town, 4).await;
        let note = act(&town, &early, Doing::Confirm, "grid").await.unwrap();
        act(&town, &note, Doing::Object, "building").await.unwrap();
        assert_eq!(code_of(act(&town, &note, Doing::Object, "building")).await, "already_objected");
        // The days to object pass; the objection holds.
        pass_days(&town, 5).await;
        assert_eq!((run_due(&town).await, honour(&town, WANG).await), (0, 20));
        // A third person decides.
        for two in ["building", "grid"] {
            assert_eq!(code_of(act(&town, &note, Doing::Dismiss, two)).await, "not_permitted");
        }
        act(&town, &note, Doing::Dismiss, "admin").await.unwrap();
        assert_eq!((run_due(&town).await, honour(&town, WANG).await), (1, 18));
        assert_eq!(stand(&town, &note).await.reduced_on, Some(day(&town)));

        // Upheld: the note is withdrawn.
        let note = unfixed(&town, WANG, CAR).await;
        act(&town, &note, Doing::Object, "building").await.unwrap();
        let upheld = act(&town, &note, Doing::Uphold, "admin").await.unwrap();
        assert_eq!(upheld.state, State::Withdrawn);

        // Nobody decides: the household is right.
        let note = unfixed(&town, LI, CORRIDOR).await;
        act(&town, &note, Doing::Object, "grid").await.unwrap();
        pass_days(&town, 5).await;
        assert_eq!((run_due(&town).await, stand(&town, &note).await.state), (0, State::Unfixed));
        pass_days(&town, 1).await;
        assert_eq!((run_due(&town).await, stand(&town, &note).await.state), (1, State::Withdrawn));
        let id = note.id.clone();
        let objection = town.read(move |conn| unheeded::objection_to(conn, &id)).await.unwrap();
        assert_eq!(objection.outcome, Some(Outcome::Silence));
        assert_eq!(code_of(act(&town, &note, Doing::Dismiss, "admin")).await, "no_open_objection");
        town.expect_reminders_hold().await;
    }
}

on_both! {
    async fn nobody_acts_on_the_own_household(town: Town) {
        let wang = town.household(WANG).await.id;
        let resident = |mut user: User| {
            user.household_id = Some(wang.clone());
            user
        };
        let (building, grid, admin) = (town.user("building").await, town.user("grid").await, town.user("admin").await);
        let refused = issue_by(&town, WANG, CORRIDOR, resident(building.clone())).await;
        assert_eq!(refused.unwrap_err().code(), "not_permitted");
        let note = issue(&town, WANG, CORRIDOR).await;
        for doing in [Doing::Fix, Doing::Withdraw] {
            assert_eq!(code_of(act_as(&town, &note, doing, resident(grid.clone()))).await, "not_permitted");
        }
        pass_days(&town, 4).await;
        assert_eq!(code_of(act_as(&town, &note, Doing::Confirm, resident(grid.clone()))).await, "not_permitted");
        act_as(&town, &note, Doing::Confirm, grid).await.unwrap();
        act_as(&town, &note, Doing::Object, building).await.unwrap();
        for doing in [Doing::Uphold, Doing::Dismiss] {
            assert_eq!(code_of(act_as(&town, &note, doing, resident(admin.clone()))).await, "not_permitted");
        }
    }
}

on_both! {
    async fn a_mistake_is_withdrawn_and_given_back_at_once(town: Town) {
        town.give_honour(WANG, 20).await;
        let note = unfixed(&town, WANG, CORRIDOR).await;
        pass_days(&town, 4).await;
        run_due(&town).await;
        assert_eq!(honour(&town, WANG).await, 18);
        assert_eq!(code_of(act(&town, &note, Doing::Fix, "admin")).await, "already_over");
        act(&town, &note, Doing::Withdraw, "admin").await.unwrap();
        assert_eq!(honour(&town, WANG).await, 20);
        pass_days(&town, 60).await;
        assert_eq!(run_due(&town).await, 0);
        // Nothing is left of it to list.
        let filter = Filter { states: State::OPEN.to_vec(), households: None };
        assert_eq!(town.read(move |conn| reminder::list(conn, &filter, 9)).await.len(), 0);
        town.expect_reminders_hold().await;
    }
}

on_both! {
    async fn a_note_says_what_where_and_until_when(town: Town) {
        let household = town.household(WANG).await.id;
        let by = town.user("building").await;
        let good = Issue {
            household,
            rule: CORRIDOR.to_owned(),
            seen: "纸箱".to_owned(),
            place: "楼道".to_owned(),
            seen_on: today(),
            fix_by: days_after(today(), 3),
            by,
            key: "k".to_owned(),
        };
        let refused = async |asked: Issue| {
            let now = town.app.now();
            town.write(move |conn| reminder::issue(conn, &asked, now)).await.unwrap_err().to_string()
        };
        assert!(refused(Issue { seen: "  ".to_owned(), ..good.clone() }).await.contains("看到了什么"));
        for personal in ["他家孩子乱画", "电话13800138000的车", "王建国堆的"] {
            assert!(refused(Issue { seen: personal.to_owned(), ..good.clone() }).await.contains("只写看到的东西"));
        }
        assert!(refused(Issue { place: String::new(), ..good.clone() }).await.contains("哪里"));
        assert!(refused(Issue { rule: "N99".to_owned(), ..good.clone() }).await.contains("哪一条"));
        assert!(refused(Issue { seen_on: days_after(today(), 1), ..good.clone() }).await.contains("晚于今天"));
        assert!(refused(Issue { seen_on: "2026-10-01".parse().unwrap(), ..good.clone() }).await.contains("31天前"));
        // «Three days after the written reminder» is what was adopted.
        assert!(refused(Issue { fix_by: days_after(today(), 2), ..good.clone() }).await.contains("2026年11月24日"));
        assert!(refused(Issue { fix_by: days_after(today(), 61), ..good.clone() }).await.contains("60天"));
        // Sent twice, issued once.
        let now = town.app.now();
        let again = good.clone();
        let one = town.write(move |conn| reminder::issue(conn, &good, now)).await.unwrap();
        let other = town.write(move |conn| reminder::issue(conn, &again, now)).await.unwrap();
        assert_eq!(one, other);
    }
}

on_both! {
    async fn a_note_goes_its_way_on_the_pages(town: Town) {
        town.give_honour(WANG, 20).await;
        let building = town.signed_in("building").await;
        let form = building.get(&format!("/reminders/new?household={WANG}")).await.text;
        assert!(form.contains("王建国") && form.contains("楼道堆物") && form.contains("30天后自动恢复"));
        let key = hidden(&form, "key");
        let mut fields = vec![
            ("key", key.as_str()),
            ("household", WANG),
            ("rule", CORRIDOR),
            ("seen", "门口堆了三个纸箱"),
            ("place", ""),
            ("seen_on", "2026-11-21"),
            ("fix_by", "2026-11-24"),
        ];
        let refused = building.post("/reminders", &fields).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("三个纸箱") && refused.text.contains("哪里看到"));
        fields[4].1 = "一楼楼道";
        let issued = building.post("/reminders", &fields).await;
        assert_eq!(issued.status, 303, "{}", issued.text);
        assert_eq!(building.post("/reminders", &fields).await.location(), issued.location());
        let path = issued.location().split('?').next().unwrap().to_owned();
        let letter = building.get(issued.location()).await.text;
        assert!(letter.contains("2026年11月24日") && letter.contains("不公示，不上榜") && letter.contains("签收"));
        let to = |what: &str| format!("{path}/{what}");
        let handed = building.post(&to("delivery"), &[("key", "d"), ("how", "in_person")]).await;
        assert_eq!(handed.location(), format!("{path}?done=delivered"));
        assert!(building.get("/reminders").await.text.contains(&path));
        pass_days(&town, 4).await;
        let (building, grid) = (town.signed_in("building").await, town.signed_in("grid").await);
        assert!(grid.get("/reminders").await.text.contains("去复核"));
        let unread = grid.post(&to("confirmation"), &[("key", "c"), ("words", "还在")]).await;
        assert_eq!(unread.status, 422);
        assert!(unread.text.contains("没有告知就不能减分"));
        let confirmed = [("key", "c2"), ("words", "纸箱还在"), ("how", "in_person")];
        assert_eq!(building.post(&to("confirmation"), &confirmed).await.status, 403);
        assert_eq!(grid.post(&to("confirmation"), &confirmed).await.location(), format!("{path}?done=confirmed"));
        let told = grid.get(&path).await.text;
        assert!(told.contains("未整改告知书") && told.contains("2026年11月28日") && told.contains("纸箱还在"));
        pass_days(&town, 4).await;
        let (building, grid) = (town.signed_in("building").await, town.signed_in("grid").await);
        town.app.run_due().await.unwrap();
        assert_eq!(honour(&town, WANG).await, 18);
        // Taken: who confirms still sees it, the building head does not.
        assert!(grid.get(&path).await.text.contains("荣誉分调整通知"));
        assert_eq!(building.get(&path).await.status, 404);
        assert!(!building.get("/reminders").await.text.contains(&path));
        pass_days(&town, 30).await;
        town.app.run_due().await.unwrap();
        assert_eq!(honour(&town, WANG).await, 20);
        // Back: out of every list; the record stays for the audit alone.
        for name in ["building", "grid", "admin"] {
            let visitor = town.signed_in(name).await;
            assert_eq!(visitor.get(&path).await.status, 404, "{name}");
            for list in ["/reminders", "/reminders?over=1"] {
                assert!(!visitor.get(list).await.text.contains(&path), "{name} {list}");
            }
        }
        let auditor = town.signed_in("auditor").await;
        assert!(auditor.get("/reminders?over=1").await.text.contains(&path));
        assert!(auditor.get(&path).await.text.contains("已恢复"));
        town.expect_reminders_hold().await;
    }
}

on_both! {
    async fn a_note_is_seen_in_its_own_area_only(town: Town) {
        let note = issue(&town, WANG, CORRIDOR).await;
        let path = format!("/reminders/{}", note.id);
        for (name, status) in [("building", 200), ("grid", 200), ("admin", 200), ("auditor", 200), ("far-grid", 404)] {
            let visitor = town.signed_in(name).await;
            assert_eq!(visitor.get(&path).await.status, status, "{name}");
            let listed = visitor.get("/reminders").await.text.contains(&path);
            assert_eq!(listed, status == 200, "{name}");
            // By the number on the paper, too.
            let found = visitor.get(&format!("/reminders?code={}", note.code)).await;
            assert_eq!(found.status, if status == 200 { 303 } else { 200 }, "{name}");
        }
        let far = town.signed_in("far-grid").await;
        assert_eq!(far.post(&format!("{path}/fixing"), &[("key", "k")]).await.status, 404);
        for name in ["council", "shop", "stock"] {
            assert_eq!(town.signed_in(name).await.get(&path).await.status, 403, "{name}");
        }
        // Of a note that was put right nothing is left to see.
        let grid = town.signed_in("grid").await;
        let fixed = grid.post(&format!("{path}/fixing"), &[("key", "k")]).await;
        assert_eq!(fixed.location(), "/reminders?done=fixed");
        assert!(grid.get(fixed.location()).await.text.contains("已了结，不减分"));
        let late = grid.post(&format!("{path}/fixing"), &[("key", "other")]).await;
        assert_eq!(late.status, 409);
        assert!(late.text.contains("已整改，不能再办理"));
    }
}

/// The value of a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let field = page.split(&format!("name=\"{name}\" value=\"")).nth(1);
    field.and_then(|rest| rest.split('"').next()).unwrap().to_owned()
}

// ---- Any sequence --------------------------------------------------------------------------------------------------

/// What happens in a street.
#[derive(Clone, Debug)]
enum Step {
    Days(i64),
    Earn(i64),
    Issue(usize),
    Confirm(usize),
    Object(usize),
    Decide(usize, bool),
    Fix(usize),
    Withdraw(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let nth = 0usize..6;
    prop_oneof![
        6 => (1i64..9).prop_map(Step::Days),
        1 => (1i64..4).prop_map(Step::Earn),
        5 => (0usize..4).prop_map(Step::Issue),
        6 => nth.clone().prop_map(Step::Confirm),
        1 => nth.clone().prop_map(Step::Object),
        1 => (nth.clone(), any::<bool>()).prop_map(|(nth, upheld)| Step::Decide(nth, upheld)),
        1 => nth.clone().prop_map(Step::Fix),
        1 => nth.prop_map(Step::Withdraw),
    ]
}

/// Whatever happens: never more than the month's most and the rule's cap, never below zero, never of what can be spent, and
/// when it has been quiet for long enough everything is back. Refused steps are part of it.
async fn expect_limits(town: &Town, steps: &[Step]) {
    const RULES: [(&str, i64); 4] = [(CORRIDOR, 4), (LITTER, 4), (CAR, 4), (BROKEN, 5)];
    let household = town.household(WANG).await.id;
    let mut notes: Vec<ReminderNote> = Vec::new();
    let mut earned = 0;
    town.give(WANG, 17).await;
    for step in steps {
        let nth = |nth: usize| notes.get(nth).cloned();
        match step.clone() {
            Step::Days(days) => {
                pass_days(town, days).await;
                run_due(town).await;
            }
            Step::Earn(points) => {
                town.give_honour(WANG, points).await;
                earned += points;
            }
            Step::Issue(rule) => {
                if let Ok(note) = issue_by(town, WANG, RULES[rule].0, town.user("building").await).await {
                    notes.push(note);
                }
            }
            Step::Confirm(which) => {
                if let Some(note) = nth(which) {
                    let _ = act(town, &note, Doing::Confirm, "grid").await;
                }
            }
            Step::Object(which) => {
                if let Some(note) = nth(which) {
                    let _ = act(town, &note, Doing::Object, "building").await;
                }
            }
            Step::Decide(which, upheld) => {
                if let Some(note) = nth(which) {
                    let doing = if upheld { Doing::Uphold } else { Doing::Dismiss };
                    let _ = act(town, &note, doing, "admin").await;
                }
            }
            Step::Fix(which) => {
                if let Some(note) = nth(which) {
                    let _ = act(town, &note, Doing::Fix, "grid").await;
                }
            }
            Step::Withdraw(which) => {
                if let Some(note) = nth(which) {
                    let _ = act(town, &note, Doing::Withdraw, "admin").await;
                }
            }
        }
        let ids: Vec<_> = notes.iter().map(|note| note.id.clone()).collect();
        let stand = town.read(move |conn| reminder::by_ids(conn, &ids)).await;
        let taken = |note: &&ReminderNote| note.reduced_on.zip(note.points_taken);
        let mut of_month = std::collections::BTreeMap::new();
        for (day, points) in stand.iter().filter_map(|note| taken(&note)) {
            *of_month.entry(Span::month_of(day).from).or_insert(0) += points.0;
        }
        assert!(of_month.values().all(|sum| *sum <= 4), "{of_month:?}");
        for (rule, cap) in RULES {
            let mut of_span = std::collections::BTreeMap::new();
            for note in stand.iter().filter(|note| note.rule_code == rule) {
                if let Some((day, points)) = taken(&note) {
                    let quarter = Span::quarter_of(day).from;
                    let from = if rule == BROKEN {
                        quarter
                    } else {
                        Span::month_of(day).from
                    };
                    *of_span.entry(from).or_insert(0) += points.0;
                }
            }
            assert!(of_span.values().all(|sum| *sum <= cap), "{rule} {of_span:?}");
        }
        let out: i64 = stand
            .iter()
            .filter(|note| note.state == State::Reduced)
            .filter_map(|note| taken(&note))
            .map(|(_, points)| points.0)
            .sum();
        let now = balances(town, WANG).await;
        assert_eq!((now.spendable.0, now.pending.0, now.honour.0), (17, 0, earned - out));
    }
    // Quiet: objections run out, notes lapse, what was taken comes back.
    pass_days(town, 200).await;
    run_due(town).await;
    let now = balances(town, WANG).await;
    assert_eq!((now.spendable.0, now.honour.0), (17, earned));
    let ids: Vec<_> = notes.iter().map(|note| note.id.clone()).collect();
    let stand = town.read(move |conn| reminder::by_ids(conn, &ids)).await;
    assert!(
        stand
            .iter()
            .all(|note| note.state.is_over() && note.household_id == household)
    );
    town.expect_reminders_hold().await;
}

#[test]
fn any_sequence_keeps_the_limits_and_everything_comes_back() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let sequences = proptest::collection::vec(step(), 20..60);
    for round in 0..24 {
        let steps = sequences.new_tree(&mut runner).unwrap().current();
        let database = if round % 6 == 0 {
            Database::Postgres
        } else {
            Database::Sqlite
        };
        runtime().block_on(async {
            let town = Town::founded(database).await;
            expect_limits(&town, &steps).await;
        });
    }
}
