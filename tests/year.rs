//! A year of a town: 272 households and twelve councils, lived through the same doors as people use, and something left to do
//! at every desk. The books are proved after every month.

use std::collections::BTreeMap;
use std::sync::Arc;

use jishan::clock::{begin_of, day_of, days_after};
use jishan::council::nomination::{self, Filter, State};
use jishan::council::session::{self, State as Stand};
use jishan::council::{clockwork, notice};
use jishan::db::{Db, migrate};
use jishan::demo::{self, Year};
use jishan::{books, ledger};

use crate::town::{Database, fresh_location, morning, runtime, today};

fn a_year(database: Database) {
    runtime().block_on(async {
        let (location, _folder) = fresh_location(database);
        migrate::run(&location, morning()).unwrap();
        let db = Db::open(&location).unwrap();
        // Fewer deeds than in the demo, so that the test does not take as long as the year.
        let year = Year {
            days_between_deeds: 60,
            proves: true,
            ..Year::of(272)
        };
        demo::make(&db, year, "http://127.0.0.1:8080", morning(), Arc::new(|_, _, _| {}))
            .await
            .unwrap();
        db.read(move |conn| {
            let sessions = session::list(conn, 100)?;
            let of = |state| sessions.iter().filter(|session| session.state == state).count();
            assert_eq!((of(Stand::Closed), of(Stand::Open), of(Stand::Convened)), (14, 1, 0));
            let notices = notice::list(conn, 100)?;
            assert_eq!(notices.len(), 14);
            let running: Vec<_> = notices.iter().filter(|notice| notice.runs_at(morning())).collect();
            assert_eq!(running.len(), 1);

            let all = nomination::list(conn, &Filter::default(), 10_000)?;
            let mut states: BTreeMap<&str, usize> = BTreeMap::new();
            for one in &all {
                *states.entry(one.state.word()).or_default() += 1;
            }
            println!("{database:?}: {states:?}");
            for state in [State::Submitted, State::Verified, State::Notified, State::Queued] {
                assert!(states.contains_key(state.word()), "nothing is {state:?}");
            }
            for state in [State::Returned, State::Declined] {
                assert!(states.contains_key(state.word()), "in a year nothing was {state:?}");
            }
            assert!(states["posted"] > 1_000);
            // In the lean month awards waited: they posted on the first of the next.
            let waited = all.iter().filter(|one| {
                one.state == State::Posted && one.posted_at.is_some_and(|at| day_of(at).to_string().ends_with("-01"))
            });
            assert!(waited.count() > 3, "the budget stopped something");
            // What waits goes on by itself.
            let spent = ledger::balance::outstanding(conn, ledger::account::AccountKind::Pending)?;
            assert!(spent.0 > 0);
            Ok(())
        })
        .await
        .unwrap();

        // Ten days later the year is another month, and everything that waited for it has moved on.
        let later = begin_of(days_after(today(), 12));
        db.write(move |conn| clockwork::run(conn, later)).await.unwrap();
        db.read(move |conn| {
            let all = nomination::list(conn, &Filter::default(), 10_000)?;
            let left = all
                .iter()
                .filter(|one| matches!(one.state, State::Notified | State::Queued));
            assert_eq!(left.count(), 0, "the notice is over, and there is a new budget");
            assert!(books::check(conn, &mut |_, _| {})?.is_ok());
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_year_of_a_town_on_sqlite() {
    a_year(Database::Sqlite);
}

#[test]
fn a_year_of_a_town_on_postgres() {
    a_year(Database::Postgres);
}
