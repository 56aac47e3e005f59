//! Deeds, objections, appeals, corrections and purchases in any order, from seeds: the books hold, and everything ends.

use jishan::clock::{Moment, day_of};
use jishan::council::appeal;
use jishan::council::appeal::panel::Opinion;
use jishan::council::motion::Choice;
use jishan::council::nomination::{self, Decision, Nominate, Nomination, Nominator, State, Verify};
use jishan::council::{correction, notice, objection};
use jishan::db::Conn;
use jishan::error::{Error, Result};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{
    again, balances, confirm, council, days, decide, file_appeal, give, go_forward, hear, more_people, name_panel,
    object, propose,
};
use crate::town::{Database, LI, Town, WANG, fresh_key, runtime};

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
