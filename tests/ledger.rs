//! The laws of the books, one by one, over the real databases.

use jishan::clock::{Day, days_after};
use jishan::db::Conn;
use jishan::error::{Error, Result};
use jishan::ledger::account::{AccountKind, PROGRAMME};
use jishan::ledger::lot::{self, Lot};
use jishan::ledger::reversal;
use jishan::ledger::transaction::{Books, Entry, Posting, TransactionKind};
use jishan::ledger::{balance, check};
use jishan::points::Points;

use crate::town::{Town, morning, on_both, today};

fn entry(owner: &str, kind: AccountKind, amount: i64) -> Entry {
    Entry {
        owner: owner.to_owned(),
        kind,
        amount: Points(amount),
        expires_on: None,
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
            let reversal = reversal::reverse(conn, 2, source.to_owned(), "test", morning())?;
            post_all(conn, vec![reversal])
        };
        assert_eq!(town.write(move |conn| reverse(conn, "undo-b")).await.unwrap(), [3]);
        assert_eq!(town.read(|conn| balance::of(conn, "wang")).await.spendable, Points(10));
        let again = town.write(move |conn| reverse(conn, "undo-b-again")).await.unwrap_err();
        assert_eq!(again.code(), "already_reversed");
        let proved = town.read(|conn| check::check(conn, &mut |_, _| {})).await.unwrap();
        assert_eq!((proved.transactions, proved.entries), (3, 6));
        let nothing = town.write(|conn| reversal::reverse(conn, 99, "x".to_owned(), "t", morning()).map(|_| ())).await;
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
        for table in [
            "transactions",
            "entries",
            "redemptions",
            "redemption_voids",
            "household_events",
            "settlement_lines",
        ] {
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
    a_hold_on_more_than_there_is: "INSERT INTO holds VALUES (1, 'till', 20, '2026-11-21 02:00:00', '2999-01-01 00:00:00', NULL); \
        INSERT INTO held_points VALUES (1, 1, 'wang', 9, 0, NULL)" is found at "held_points, owner wang";
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

fn award(source: &str, owner: &str, amount: i64, expires_on: Option<Day>) -> Posting {
    let mut entries = Posting::moving_until(
        expires_on,
        Points(amount),
        (PROGRAMME, AccountKind::Issuance),
        (owner, AccountKind::Spendable),
    );
    entries.extend(Posting::moving(
        Points(amount),
        (PROGRAMME, AccountKind::Recognition),
        (owner, AccountKind::Honour),
    ));
    posting(source, entries)
}

fn left(lots: &[Lot]) -> Vec<(Option<String>, i64)> {
    let told = lots
        .iter()
        .map(|lot| (lot.expires_on.map(|day| day.to_string()), lot.left.0));
    told.collect()
}

fn on(text: &str) -> Day {
    text.parse().unwrap()
}

on_both! {
    async fn points_are_spent_earliest_first_and_expire_the_day_after(town: Town) {
        let (march, june) = (on("2027-03-31"), on("2027-06-30"));
        town.write(move |conn| post_all(conn, vec![
            award("a", "wang", 10, Some(june)),
            award("b", "wang", 20, Some(march)),
            award("c", "wang", 5, None),
            spend("d", "wang", 12),
        ]))
        .await
        .unwrap();
        let lots = town.read(|conn| lot::of(conn, "wang")).await;
        assert_eq!(left(&lots), [(Some("2027-03-31".into()), 8), (Some("2027-06-30".into()), 10), (None, 5)]);
        let soon = town.read(move |conn| lot::expiring(conn, None, march)).await;
        assert_eq!((soon.len(), soon[0].points), (1, Points(8)));
        // On the last day they can still be spent.
        assert_eq!(town.write(move |conn| lot::expire_due(conn, march, morning())).await.unwrap(), 0);
        let april = days_after(march, 1);
        assert_eq!(town.write(move |conn| lot::expire_due(conn, april, morning())).await.unwrap(), 1);
        assert_eq!(town.write(move |conn| lot::expire_due(conn, april, morning())).await.unwrap(), 0);
        let lots = town.read(|conn| lot::of(conn, "wang")).await;
        assert_eq!(left(&lots), [(Some("2027-06-30".into()), 10), (None, 5)]);
        // The sale of which the points are gone is undone: they come back, and stay.
        let back = town.write(|conn| {
            let reversal = reversal::reverse(conn, 4, "undo".to_owned(), "test", morning())?;
            post_all(conn, vec![reversal])
        });
        back.await.unwrap();
        let lots = town.read(|conn| lot::of(conn, "wang")).await;
        assert_eq!(left(&lots), [(Some("2027-06-30".into()), 10), (None, 17)]);
        assert_eq!(town.write(move |conn| lot::expire_due(conn, days_after(april, 1), morning())).await.unwrap(), 0);
        town.read(|conn| check::check(conn, &mut |_, _| {})).await.unwrap();
    }
}

on_both! {
    async fn what_was_spent_of_a_reversed_award_is_borne_by_the_programme(town: Town) {
        town.write(|conn| post_all(conn, vec![award("a", "wang", 20, Some(on("2027-03-31"))), spend("b", "wang", 15)]))
            .await
            .unwrap();
        let reverse = |conn: &mut Conn| {
            let mut books = Books::open(conn, ["wang"])?;
            let undo = reversal::reverse_with_write_off(&books, conn, 1, "undo".to_owned(), "test", morning())?;
            books.post(undo)?;
            books.save(conn)
        };
        town.write(reverse).await.unwrap();
        let balances = town.read(|conn| balance::of(conn, "wang")).await;
        assert_eq!((balances.spendable, balances.honour), (Points(0), Points(0)));
        let borne = town.read(|conn| balance::lines(conn, PROGRAMME, AccountKind::WriteOff, None, 9)).await;
        assert_eq!(borne.iter().map(|line| line.amount.0).collect::<Vec<_>>(), [-15]);
        assert_eq!(town.write(reverse).await.unwrap_err().code(), "already_reversed");
        assert!(town.read(|conn| lot::of(conn, "wang")).await.is_empty());
        town.read(|conn| check::check(conn, &mut |_, _| {})).await.unwrap();
    }
}

on_both! {
    async fn only_the_points_that_are_gone_may_be_written_off(town: Town) {
        // Wang still has all: a reversal that leaves him ten and makes the programme bear them is not accepted.
        town.write(|conn| {
            let mut books = Books::open(conn, ["wang"])?;
            books.post(award("a", "wang", 20, None))?;
            let mut undo = reversal::reverse_with_write_off(&Books::open(conn, ["wang"])?, conn, 99, String::new(), "t", morning());
            assert!(matches!(undo, Err(Error::NotFound)));
            books.save(conn)?;
            let mut books = Books::open(conn, ["wang"])?;
            undo = reversal::reverse_with_write_off(&books, conn, 1, "undo".to_owned(), "t", morning());
            let mut undo = undo?;
            for entry in &mut undo.entries {
                if entry.kind == AccountKind::Spendable {
                    entry.amount = Points(-10);
                }
            }
            undo.entries.push(entry(PROGRAMME, AccountKind::WriteOff, -10));
            books.post(undo)?;
            books.save(conn)
        })
        .await
        .unwrap();
        let broken = town.read(|conn| check::check(conn, &mut |_, _| {})).await.unwrap_err();
        assert_eq!(broken.0, "transactions, number 2: not the opposite of transaction 1");
    }
}

on_both! {
    async fn a_day_stands_only_on_points_that_come_in_to_be_spent(town: Town) {
        let dated = |owner, kind, amount| Entry { expires_on: Some(today()), ..entry(owner, kind, amount) };
        for (nth, wrong) in [
            vec![dated(PROGRAMME, AccountKind::Issuance, -5), entry("wang", AccountKind::Spendable, 5)],
            vec![entry(PROGRAMME, AccountKind::Issuance, -5), dated("wang", AccountKind::Pending, 5)],
            vec![dated("wang", AccountKind::Spendable, -5), entry(PROGRAMME, AccountKind::Redemption, 5)],
        ]
        .into_iter()
        .enumerate()
        {
            let wrong = posting("dated", wrong);
            let refused = town.write(move |conn| post_all(conn, vec![issue("first", "wang", 9), wrong])).await;
            assert!(matches!(refused, Err(Error::Internal(..))), "{nth}");
        }
    }
}

on_both! {
    async fn a_forgotten_lot_and_a_greedy_expiry_are_found(town: Town) {
        let march = on("2027-03-31");
        town.write(move |conn| post_all(conn, vec![award("a", "wang", 10, Some(march)), award("b", "li", 7, Some(march))]))
            .await
            .unwrap();
        let greedy = town.write(move |conn| {
            let takes = |owner: &str, amount| Posting {
                kind: TransactionKind::Expiry,
                source: format!("expiry:{owner}:{march}"),
                ..spend("x", owner, amount)
            };
            let mut takes = takes("wang", 9);
            takes.entries[1].kind = AccountKind::Expiry;
            post_all(conn, vec![takes])
        });
        greedy.await.unwrap();
        let broken = town.read(|conn| check::check(conn, &mut |_, _| {})).await.unwrap_err();
        assert_eq!(broken.0, "transactions, number 3: 10 points were left to expire, it takes 9");
        expect_found(&town, "DELETE FROM entries WHERE transaction_number = 3; DELETE FROM transactions WHERE number = 3; \
            UPDATE accounts SET balance = 10, version = 1 WHERE owner = 'wang' AND kind = 'spendable'; \
            DELETE FROM accounts WHERE kind = 'expiry'; \
            INSERT INTO expiry_runs VALUES ('2027-04-01', 2, '2027-04-02 00:00:00')", "expiry_runs, through_on 2027-04-01: 10 points").await;
    }
}
