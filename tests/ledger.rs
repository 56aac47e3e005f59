//! The laws of the books, one by one, over the real databases.

use jishan::clock::days_after;
use jishan::db::Conn;
use jishan::error::{Error, Result};
use jishan::ledger::account::{AccountKind, PROGRAMME};
use jishan::ledger::transaction::{self, Books, Entry, Posting, TransactionKind};
use jishan::ledger::{balance, check};
use jishan::points::Points;

use crate::town::{Town, morning, on_both, today};

fn entry(owner: &str, kind: AccountKind, amount: i64) -> Entry {
    Entry {
        owner: owner.to_owned(),
        kind,
        amount: Points(amount),
    }
}

fn posting(source: &str, entries: Vec<Entry>) -> Posting {
    Posting {
        kind: TransactionKind::Award,
        source: source.to_owned(),
        effective_on: today(),
        recorded_at: morning(),
        posted_by: "test".to_owned(),
        reverses: None,
        entries,
    }
}

fn issue(source: &str, owner: &str, amount: i64) -> Posting {
    let entries = vec![
        entry(PROGRAMME, AccountKind::Issuance, -amount),
        entry(owner, AccountKind::Spendable, amount),
    ];
    posting(source, entries)
}

fn spend(source: &str, owner: &str, amount: i64) -> Posting {
    let entries = vec![
        entry(owner, AccountKind::Spendable, -amount),
        entry(PROGRAMME, AccountKind::Redemption, amount),
    ];
    posting(source, entries)
}

fn post_all(conn: &mut Conn, postings: Vec<Posting>) -> Result<Vec<i64>> {
    let mut books = Books::open(conn, ["wang", "li"])?;
    let numbers = postings
        .into_iter()
        .map(|posting| books.post(posting))
        .collect::<Result<_>>()?;
    books.save(conn)?;
    Ok(numbers)
}

on_both! {
    async fn entries_carry_the_balance_and_a_gap_free_version(town: Town) {
        let numbers = town
            .write(|conn| post_all(conn, vec![issue("a", "wang", 30), spend("b", "wang", 12), issue("c", "wang", 5)]))
            .await
            .unwrap();
        assert_eq!(numbers, [1, 2, 3]);
        let lines = town.read(|conn| balance::lines(conn, "wang", AccountKind::Spendable, None, 10)).await;
        let told: Vec<(i64, i64, i64)> =
            lines.iter().map(|line| (line.version, line.amount.0, line.balance_after.0)).collect();
        assert_eq!(told, [(3, 5, 23), (2, -12, 18), (1, 30, 30)]);
    }
}

on_both! {
    async fn a_posting_that_does_not_balance_is_refused_and_nothing_is_kept(town: Town) {
        let unbalanced = [
            posting("one-sided", vec![entry("wang", AccountKind::Spendable, 5)]),
            posting("lopsided", vec![
                entry(PROGRAMME, AccountKind::Issuance, -5),
                entry("wang", AccountKind::Spendable, 6),
            ]),
            // Honour is another unit: points cannot become honour.
            posting("units", vec![
                entry(PROGRAMME, AccountKind::Issuance, -5),
                entry("wang", AccountKind::Honour, 5),
            ]),
            posting("owner", vec![entry("wang", AccountKind::Issuance, -5), entry("wang", AccountKind::Spendable, 5)]),
            posting("stranger", vec![
                entry(PROGRAMME, AccountKind::Issuance, -5),
                entry("not opened", AccountKind::Spendable, 5),
            ]),
        ];
        for wrong in unbalanced {
            let source = wrong.source.clone();
            let refused = town.write(move |conn| post_all(conn, vec![issue("first", "wang", 1), wrong])).await;
            assert!(matches!(refused, Err(Error::Internal(..))), "{source}");
        }
        let lines = town.read(|conn| balance::lines(conn, "wang", AccountKind::Spendable, None, 10)).await;
        assert!(lines.is_empty());
    }
}

on_both! {
    async fn a_household_never_goes_below_zero(town: Town) {
        town.write(|conn| post_all(conn, vec![issue("a", "wang", 10)])).await.unwrap();
        let refused = town.write(|conn| post_all(conn, vec![spend("b", "wang", 11)])).await.unwrap_err();
        assert_eq!(refused.code(), "not_enough_points");
        // In several entries just the same.
        let split = posting("c", vec![
            entry("wang", AccountKind::Spendable, -6),
            entry("wang", AccountKind::Spendable, -5),
            entry(PROGRAMME, AccountKind::Redemption, 11),
        ]);
        assert_eq!(town.write(|conn| post_all(conn, vec![split])).await.unwrap_err().code(), "not_enough_points");
        // And when somebody writes behind the rule's back, the database says no.
        let behind = town
            .write(|conn| {
                use diesel::RunQueryDsl as _;
                diesel::sql_query("UPDATE accounts SET balance = -1 WHERE owner = 'wang'").execute(conn)?;
                Ok(())
            })
            .await;
        assert!(matches!(behind, Err(Error::Internal(cause, _)) if cause.to_lowercase().contains("check")));
        assert_eq!(town.read(|conn| balance::of(conn, "wang")).await.spendable, Points(10));
    }
}

on_both! {
    async fn a_reversal_is_a_new_transaction_and_happens_once(town: Town) {
        town.write(|conn| post_all(conn, vec![issue("a", "wang", 10), spend("b", "wang", 4)])).await.unwrap();
        let reverse = |conn: &mut Conn, source: &str| {
            let reversal = transaction::reversal(conn, 2, source.to_owned(), "test", morning())?;
            post_all(conn, vec![reversal])
        };
        assert_eq!(town.write(move |conn| reverse(conn, "undo-b")).await.unwrap(), [3]);
        assert_eq!(town.read(|conn| balance::of(conn, "wang")).await.spendable, Points(10));
        let again = town.write(move |conn| reverse(conn, "undo-b-again")).await.unwrap_err();
        assert_eq!(again.code(), "already_reversed");
        let proved = town.read(|conn| check::check(conn, &mut |_, _| {})).await.unwrap();
        assert_eq!((proved.transactions, proved.entries), (3, 6));
        let nothing = town.write(|conn| transaction::reversal(conn, 99, "x".to_owned(), "t", morning()).map(|_| ())).await;
        assert!(matches!(nothing, Err(Error::NotFound)));
    }
}

on_both! {
    async fn one_source_is_posted_once(town: Town) {
        town.write(|conn| post_all(conn, vec![issue("award:1", "wang", 10)])).await.unwrap();
        assert!(town.write(|conn| post_all(conn, vec![issue("award:1", "wang", 10)])).await.is_err());
        assert_eq!(town.read(|conn| balance::of(conn, "wang")).await.spendable, Points(10));
    }
}

on_both! {
    async fn a_back_dated_posting_rewrites_nothing(town: Town) {
        town.write(|conn| post_all(conn, vec![issue("a", "wang", 10)])).await.unwrap();
        let before = town.read(|conn| balance::lines(conn, "wang", AccountKind::Spendable, None, 10)).await;
        let earlier = today() - chrono::Days::new(20);
        let mut late = issue("late", "wang", 7);
        late.effective_on = earlier;
        town.write(|conn| post_all(conn, vec![late])).await.unwrap();
        let after = town.read(|conn| balance::lines(conn, "wang", AccountKind::Spendable, None, 10)).await;
        assert_eq!(after[1..], before[..], "what was written stands as it was");
        assert_eq!((after[0].effective_on, after[0].recorded_at), (earlier, morning()));
        let on = |day| town.read(move |conn| balance::on(conn, "wang", AccountKind::Spendable, day));
        assert_eq!(on(earlier - chrono::Days::new(1)).await, Points(0));
        assert_eq!(on(days_after(earlier, 1)).await, Points(7));
        assert_eq!(on(today()).await, Points(17));
    }
}

on_both! {
    async fn a_failing_neighbour_in_the_same_group_is_not_noticed(town: Town) {
        // Fifty pieces of work at once land in few groups; every third fails and leaves nothing behind.
        let work = (0..50).map(|n| {
            let db = town.app.db.clone();
            tokio::spawn(async move {
                db.write(move |conn| {
                    let number = post_all(conn, vec![issue(&format!("n{n}"), "wang", 1)])?;
                    if n % 3 == 0 { Err(Error::internal("changed my mind")) } else { Ok(number) }
                })
                .await
            })
        });
        let mut kept = 0;
        for piece in work.collect::<Vec<_>>() {
            kept += i64::from(piece.await.unwrap().is_ok());
        }
        assert_eq!(kept, 33);
        assert_eq!(town.read(|conn| balance::of(conn, "wang")).await.spendable, Points(33));
        let proved = town.read(|conn| check::check(conn, &mut |_, _| {})).await.unwrap();
        assert_eq!(proved.transactions, 33);
    }
}

/// Tampers with the stored rows by hand and expects `check` to name the place.
async fn expect_found(town: &Town, tamper: &'static str, place: &'static str) {
    town.write(move |conn| {
        use diesel::connection::SimpleConnection as _;
        // Whoever tampers first takes the guards away.
        for table in ["transactions", "entries", "redemptions", "redemption_voids"] {
            let guards = match conn {
                Conn::Sqlite(_) => {
                    format!("DROP TRIGGER IF EXISTS {table}_no_update; DROP TRIGGER IF EXISTS {table}_no_delete;")
                }
                Conn::Postgres(_) => format!("GRANT UPDATE, DELETE ON {table} TO CURRENT_USER;"),
            };
            conn.batch_execute(&guards)?;
        }
        conn.batch_execute(tamper)?;
        Ok(())
    })
    .await
    .unwrap();
    let broken = town.read(|conn| check::check(conn, &mut |_, _| {})).await.unwrap_err();
    assert!(broken.0.starts_with(place), "{tamper}: {}", broken.0);
}

macro_rules! tampering {
    ($($name:ident: $tamper:literal is found at $place:literal;)+) => {
        $(on_both! {
            async fn $name(town: Town) {
                town.write(|conn| post_all(conn, vec![
                    issue("a", "wang", 10),
                    issue("b", "li", 20),
                    spend("c", "wang", 3),
                    issue("d", "wang", 1),
                ]))
                .await
                .unwrap();
                let sound = town.read(|conn| check::check(conn, &mut |_, _| {})).await.unwrap();
                assert_eq!((sound.transactions, sound.entries, sound.accounts), (4, 8, 4));
                expect_found(&town, $tamper, $place).await;
            }
        })+
    };
}

tampering! {
    a_raised_head: "UPDATE accounts SET balance = balance + 5 WHERE owner = 'wang'" is found at "accounts, id ";
    a_raised_entry: "UPDATE entries SET amount = amount + 1, balance_after = balance_after + 1 WHERE transaction_number = 2 AND amount > 0"
        is found at "transactions, number 2: entries in Points sum to 1";
    a_changed_balance: "UPDATE entries SET balance_after = balance_after + 1 WHERE transaction_number = 3 AND amount < 0"
        is found at "entries, account ";
    a_removed_entry: "DELETE FROM entries WHERE transaction_number = 3 AND amount < 0"
        is found at "transactions, number 3: fewer than two entries";
    a_removed_transaction: "DELETE FROM entries WHERE transaction_number = 2; DELETE FROM transactions WHERE number = 2"
        is found at "transactions, number 3: number 2 is missing";
    a_changed_day: "UPDATE transactions SET effective_on = '2026-01-01' WHERE number = 2"
        is found at "transactions, number 2: the chain digest";
    a_cut_end: "UPDATE accounts SET version = version - 1 WHERE kind = 'spendable' AND owner = 'wang'" is found at "accounts, id ";
}

on_both! {
    async fn the_guards_refuse_whoever_changes_a_book_row_by_hand(town: Town) {
        town.write(|conn| post_all(conn, vec![issue("a", "wang", 10)])).await.unwrap();
        for by_hand in [
            "UPDATE entries SET amount = 11",
            "DELETE FROM entries",
            "UPDATE transactions SET kind = 'x'",
            "DELETE FROM transactions",
            "DELETE FROM audit_events",
            "UPDATE scoring_items SET points = 100",
        ] {
            let refused = town
                .write(move |conn| {
                    use diesel::RunQueryDsl as _;
                    diesel::sql_query(by_hand).execute(conn)?;
                    Ok(())
                })
                .await;
            assert!(matches!(refused, Err(Error::Internal(..))), "{by_hand}");
        }
    }
}
