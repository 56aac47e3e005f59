//! Check: proves the laws of the books again, from the rows alone.
//!
//! It trusts nothing that was stored for convenience: numbers, versions, balances, heads, reversals and the digest chain
//! are all computed anew and compared. The first row that breaks a law is named. It reads in pieces, so that a book of
//! ten years needs no more memory than its accounts.

use std::collections::HashMap;

use diesel::prelude::*;

use super::account::{AccountKind, PROGRAMME, Unit};
use super::transaction::{Entry, Posting, TransactionKind, chain_digest};
use crate::clock::{Day, Moment};
use crate::db::Conn;
use crate::db::schema::{accounts, entries, transactions};
use crate::error::Result;
use crate::points::Points;

/// A row that breaks a law: where, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

/// What was proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proved {
    /// Transactions.
    pub transactions: i64,
    /// Entries.
    pub entries: i64,
    /// Accounts.
    pub accounts: i64,
}

/// Transactions read at a time.
const PIECE: i64 = 5_000;

/// Proves the whole book. `progress` is told how many transactions of how many are done.
///
/// # Errors
/// Only when the database fails; a broken law is an answer, not an error.
pub fn check(conn: &mut Conn, progress: &mut dyn FnMut(i64, i64)) -> Result<Result<Proved, Broken>> {
    let mut proof = Proof::default();
    proof.load_accounts(conn)?;
    let total = transactions::table
        .select(diesel::dsl::max(transactions::number))
        .get_result::<Option<i64>>(conn)?
        .unwrap_or(0);
    let mut after = 0;
    while after < total {
        let until = after.saturating_add(PIECE);
        let piece = load(conn, after, until)?;
        if let Err(broken) = proof.prove(piece) {
            return Ok(Err(broken));
        }
        after = until;
        progress(after.min(total), total);
    }
    let counted = entries::table.count().get_result::<i64>(conn)?;
    Ok(proof.finish(total, counted))
}

/// A stored transaction with its stored digest.
struct Stored {
    number: i64,
    posting: Posting,
    digest: Vec<u8>,
    entries: Vec<StoredEntry>,
    /// The entries of the transaction that this one undoes, as account and amount.
    undone: Vec<(i64, i64)>,
}

struct StoredEntry {
    account: i64,
    version: i64,
    amount: Points,
    balance_after: Points,
}

#[derive(Default)]
struct Account {
    owner: String,
    kind: Option<AccountKind>,
    head_balance: Points,
    head_version: i64,
    balance: Points,
    version: i64,
}

#[derive(Default)]
struct Proof {
    accounts: HashMap<i64, Account>,
    number: i64,
    digest: Vec<u8>,
    entries: i64,
    /// Reversed transactions and what reversed them.
    reversed: HashMap<i64, i64>,
}

impl Proof {
    fn load_accounts(&mut self, conn: &mut Conn) -> Result<()> {
        let rows = accounts::table
            .select((
                accounts::id,
                accounts::owner,
                accounts::kind,
                accounts::balance,
                accounts::version,
            ))
            .load::<(i64, String, AccountKind, Points, i64)>(conn)?;
        for (id, owner, kind, head_balance, head_version) in rows {
            let account = Account {
                owner,
                kind: Some(kind),
                head_balance,
                head_version,
                ..Account::default()
            };
            self.accounts.insert(id, account);
        }
        Ok(())
    }

    fn prove(&mut self, piece: Vec<Stored>) -> Result<(), Broken> {
        for mut stored in piece {
            let place = format!("transactions, number {}", stored.number);
            let expected = self.number.saturating_add(1);
            if stored.number != expected {
                return Err(Broken(format!("{place}: number {expected} is missing before it")));
            }
            self.number = stored.number;
            for entry in &stored.entries {
                let side = self.prove_entry(stored.number, entry)?;
                stored.posting.entries.push(side);
            }
            expect_zero_sum(&place, &stored.posting.entries)?;
            self.prove_reversal(&place, &stored)?;
            let digest = chain_digest(&self.digest, stored.number, &stored.posting);
            if digest != stored.digest {
                return Err(Broken(format!(
                    "{place}: the chain digest does not cover what is written"
                )));
            }
            self.digest = digest;
        }
        Ok(())
    }

    fn prove_entry(&mut self, transaction: i64, entry: &StoredEntry) -> Result<Entry, Broken> {
        let place = format!(
            "entries, account {} version {} (transaction {transaction})",
            entry.account, entry.version
        );
        self.entries = self.entries.saturating_add(1);
        let Some((account, kind)) = self
            .accounts
            .get_mut(&entry.account)
            .and_then(|account| account.kind.map(|kind| (account, kind)))
        else {
            return Err(Broken(format!("{place}: there is no such account")));
        };
        if entry.version != account.version.saturating_add(1) {
            return Err(Broken(format!(
                "{place}: version {} is missing before it",
                account.version.saturating_add(1)
            )));
        }
        let balance = account.balance.plus(entry.amount);
        if balance != Some(entry.balance_after) {
            return Err(Broken(format!(
                "{place}: {} and {} do not make {}",
                account.balance, entry.amount, entry.balance_after
            )));
        }
        if entry.balance_after < Points::ZERO && account.owner != PROGRAMME {
            return Err(Broken(format!("{place}: a household is below zero")));
        }
        if kind.of_programme() != (account.owner == PROGRAMME) {
            return Err(Broken(format!("{place}: an account of this kind has another owner")));
        }
        account.version = entry.version;
        account.balance = entry.balance_after;
        Ok(Entry {
            owner: account.owner.clone(),
            kind,
            amount: entry.amount,
        })
    }

    fn prove_reversal(&mut self, place: &str, stored: &Stored) -> Result<(), Broken> {
        let is_reversal = stored.posting.kind == TransactionKind::Reversal;
        let Some(original) = stored.posting.reverses else {
            return match is_reversal {
                true => Err(Broken(format!("{place}: a reversal that names no transaction"))),
                false => Ok(()),
            };
        };
        let mut effect: Vec<(i64, i64)> = stored
            .entries
            .iter()
            .map(|entry| (entry.account, entry.amount.0.saturating_neg()))
            .collect();
        effect.sort_unstable();
        if !is_reversal || original >= stored.number || effect != stored.undone {
            return Err(Broken(format!("{place}: not the opposite of transaction {original}")));
        }
        match self.reversed.insert(original, stored.number) {
            None => Ok(()),
            Some(first) => Err(Broken(format!(
                "{place}: transaction {original} was reversed by {first} already"
            ))),
        }
    }

    fn finish(self, transactions: i64, counted: i64) -> Result<Proved, Broken> {
        if counted != self.entries {
            return Err(Broken(format!(
                "entries: {} of {counted} belong to a transaction",
                self.entries
            )));
        }
        let mut accounts: Vec<(&i64, &Account)> = self.accounts.iter().collect();
        accounts.sort_unstable_by_key(|(id, _)| **id);
        for (id, account) in accounts {
            if account.head_balance != account.balance || account.head_version != account.version {
                return Err(Broken(format!(
                    "accounts, id {id}: the head says {} at version {}, its entries say {} at version {}",
                    account.head_balance, account.head_version, account.balance, account.version
                )));
            }
        }
        Ok(Proved {
            transactions,
            entries: self.entries,
            accounts: i64::try_from(self.accounts.len()).unwrap_or(i64::MAX),
        })
    }
}

fn expect_zero_sum(place: &str, sides: &[Entry]) -> Result<(), Broken> {
    if sides.len() < 2 {
        return Err(Broken(format!("{place}: fewer than two entries")));
    }
    for unit in [Unit::Points, Unit::Honour] {
        let sum: i128 = sides
            .iter()
            .filter(|side| side.kind.unit() == unit)
            .map(|side| i128::from(side.amount.0))
            .sum();
        if sum != 0 {
            return Err(Broken(format!(
                "{place}: entries in {unit:?} sum to {sum}, not to zero"
            )));
        }
    }
    Ok(())
}

type TransactionColumns = (i64, TransactionKind, String, Day, Moment, String, Option<i64>, Vec<u8>);

fn load(conn: &mut Conn, after: i64, until: i64) -> Result<Vec<Stored>> {
    let mut piece: Vec<Stored> = transactions::table
        .filter(transactions::number.gt(after).and(transactions::number.le(until)))
        .order(transactions::number)
        .load::<TransactionColumns>(conn)?
        .into_iter()
        .map(
            |(number, kind, source, effective_on, recorded_at, posted_by, reverses, digest)| Stored {
                number,
                digest,
                entries: Vec::new(),
                undone: Vec::new(),
                posting: Posting {
                    kind,
                    source,
                    effective_on,
                    recorded_at,
                    posted_by,
                    reverses,
                    entries: Vec::new(),
                },
            },
        )
        .collect();
    let index: HashMap<i64, usize> = piece
        .iter()
        .enumerate()
        .map(|(at, stored)| (stored.number, at))
        .collect();
    let rows = entries::table
        .filter(
            entries::transaction_number
                .gt(after)
                .and(entries::transaction_number.le(until)),
        )
        .order((entries::transaction_number, entries::account_id, entries::version))
        .select((
            entries::transaction_number,
            entries::account_id,
            entries::version,
            entries::amount,
            entries::balance_after,
        ))
        .load::<(i64, i64, i64, Points, Points)>(conn)?;
    for (number, account, version, amount, balance_after) in rows {
        if let Some(stored) = index.get(&number).and_then(|at| piece.get_mut(*at)) {
            stored.entries.push(StoredEntry {
                account,
                version,
                amount,
                balance_after,
            });
        }
    }
    load_undone(conn, &mut piece)?;
    Ok(piece)
}

/// Loads what the reversals among these transactions undo, sorted.
fn load_undone(conn: &mut Conn, piece: &mut [Stored]) -> Result<()> {
    let originals: Vec<i64> = piece.iter().filter_map(|stored| stored.posting.reverses).collect();
    let mut undone: HashMap<i64, Vec<(i64, i64)>> = HashMap::new();
    for chunk in originals.chunks(500) {
        let rows = entries::table
            .filter(entries::transaction_number.eq_any(chunk))
            .order((entries::account_id, entries::amount))
            .select((entries::transaction_number, entries::account_id, entries::amount))
            .load::<(i64, i64, i64)>(conn)?;
        for (number, account, amount) in rows {
            undone.entry(number).or_default().push((account, amount));
        }
    }
    for stored in piece {
        if let Some(original) = stored.posting.reverses {
            stored.undone = undone.get(&original).cloned().unwrap_or_default();
        }
    }
    Ok(())
}
