//! Check: proves the laws of the books again, from the rows alone.
//!
//! It trusts nothing that was stored for convenience: numbers, versions, balances, heads, reversals and the digest chain
//! are all computed anew and compared. The first row that breaks a law is named. It reads in pieces, so that a book of
//! ten years needs no more memory than its accounts.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use diesel::prelude::*;

use super::account::{AccountKind, PROGRAMME, Unit};
use super::hold;
use super::lot::{self, Lots};
use super::reversal::{may_be_written_off, opposite_with_write_off};
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
    proof.runs = lot::runs(conn)?.into_iter().collect();
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
    let proved = proof.finish(total, counted);
    match hold::uncovered(conn)? {
        Some(owner) if proved.is_ok() => Ok(Err(Broken(format!(
            "held_points, owner {owner}: holds keep more than the balance"
        )))),
        _ => Ok(proved),
    }
}

/// A stored transaction with its stored digest.
struct Stored {
    number: i64,
    posting: Posting,
    digest: Vec<u8>,
    entries: Vec<StoredEntry>,
    /// The transaction that this one undoes.
    undone: Undone,
}

#[derive(Clone, Default)]
struct Undone {
    kind: Option<TransactionKind>,
    /// Account, amount, last day.
    entries: Vec<(i64, Points, Option<Day>)>,
}

struct StoredEntry {
    account: i64,
    version: i64,
    amount: Points,
    balance_after: Points,
    expires_on: Option<Day>,
}

#[derive(Default)]
struct Account {
    owner: String,
    kind: Option<AccountKind>,
    head_balance: Points,
    head_version: i64,
    balance: Points,
    version: i64,
    /// What came in with which last day, of a spendable account.
    lots: Lots,
}

#[derive(Default)]
struct Proof {
    accounts: HashMap<i64, Account>,
    ids: HashMap<(String, AccountKind), i64>,
    number: i64,
    digest: Vec<u8>,
    entries: i64,
    /// Reversed transactions and what reversed them.
    reversed: HashMap<i64, i64>,
    /// The runs of expiry still to come: through which day, after which transaction.
    runs: VecDeque<(Day, i64)>,
    /// The day through which lots are gone.
    gone_through: Option<Day>,
    /// The accounts with lots that end on a day.
    ending: BTreeMap<Day, BTreeSet<i64>>,
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
            self.ids.insert((owner.clone(), kind), id);
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
            self.prove_runs_before(stored.number)?;
            self.number = stored.number;
            let before = self.balances_before(&stored.entries);
            for entry in &stored.entries {
                let side = self.prove_entry(stored.number, entry)?;
                stored.posting.entries.push(side);
            }
            expect_zero_sum(&place, &stored.posting.entries)?;
            expect_days_on_lots_only(&place, &stored.posting)?;
            self.prove_reversal(&place, &stored, &before)?;
            self.prove_lots(&place, &stored, &before)?;
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

    fn balances_before(&self, entries: &[StoredEntry]) -> HashMap<i64, Points> {
        let balance = |account: i64| {
            self.accounts
                .get(&account)
                .map_or(Points::ZERO, |account| account.balance)
        };
        entries
            .iter()
            .map(|entry| (entry.account, balance(entry.account)))
            .collect()
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
            expires_on: entry.expires_on,
        })
    }

    fn prove_reversal(&mut self, place: &str, stored: &Stored, before: &HashMap<i64, Points>) -> Result<(), Broken> {
        let is_reversal = stored.posting.kind == TransactionKind::Reversal;
        let Some(original) = stored.posting.reverses else {
            return match is_reversal {
                true => Err(Broken(format!("{place}: a reversal that names no transaction"))),
                false => Ok(()),
            };
        };
        let undone: Vec<Entry> = stored
            .undone
            .entries
            .iter()
            .filter_map(|entry| self.side(entry))
            .collect();
        let effect = effect(&stored.posting.entries);
        let exact: Vec<Entry> = undone
            .iter()
            .map(|entry| Entry {
                amount: -entry.amount,
                ..entry.clone()
            })
            .collect();
        let with_write_off = || {
            let may = stored.undone.kind.is_some_and(may_be_written_off);
            may.then(|| opposite_with_write_off(&undone, |owner, kind| self.balance_before(before, owner, kind)))
        };
        let is_opposite = effect == self::effect(&exact)
            || with_write_off().is_some_and(|opposite| effect == self::effect(&opposite));
        if !is_reversal || original >= stored.number || !is_opposite {
            return Err(Broken(format!("{place}: not the opposite of transaction {original}")));
        }
        match self.reversed.insert(original, stored.number) {
            None => Ok(()),
            Some(first) => Err(Broken(format!(
                "{place}: transaction {original} was reversed by {first} already"
            ))),
        }
    }

    /// An entry of an earlier transaction, told by owner and kind.
    fn side(&self, (account, amount, expires_on): &(i64, Points, Option<Day>)) -> Option<Entry> {
        let account = self.accounts.get(account)?;
        Some(Entry {
            owner: account.owner.clone(),
            kind: account.kind?,
            amount: *amount,
            expires_on: *expires_on,
        })
    }

    /// What an account held before the transaction that is looked at.
    fn balance_before(&self, before: &HashMap<i64, Points>, owner: &str, kind: AccountKind) -> Points {
        let Some(id) = self.ids.get(&(owner.to_owned(), kind)) else {
            return Points::ZERO;
        };
        let now = self.accounts.get(id).map_or(Points::ZERO, |account| account.balance);
        before.get(id).copied().unwrap_or(now)
    }

    /// Expiry takes what is left and no more; a transfer carries what it takes; then the lots are brought up to date.
    fn prove_lots(&mut self, place: &str, stored: &Stored, before: &HashMap<i64, Points>) -> Result<(), Broken> {
        match stored.posting.kind {
            TransactionKind::Expiry => self.prove_expiry(place, &stored.posting, before)?,
            TransactionKind::Transfer => self.prove_transfer(place, &stored.posting, before)?,
            _ => {}
        }
        if stored.undone.kind.is_some_and(|kind| kind != TransactionKind::Reversal) {
            for (account, amount, expires_on) in &stored.undone.entries {
                let live = expires_on.is_none_or(|day| self.gone_through.is_none_or(|gone| day > gone));
                if let Some(account) = self.accounts.get_mut(account)
                    && account.kind == Some(AccountKind::Spendable)
                    && *amount > Points::ZERO
                    && live
                {
                    account.lots.remove(*expires_on, *amount);
                }
            }
        }
        if TransactionKind::GIVE_BACK.contains(&stored.posting.kind) {
            return Ok(());
        }
        for entry in stored.entries.iter().filter(|entry| entry.amount > Points::ZERO) {
            let gone = entry
                .expires_on
                .is_some_and(|day| self.gone_through.is_some_and(|gone| day <= gone));
            if let Some(account) = self.accounts.get_mut(&entry.account)
                && account.kind == Some(AccountKind::Spendable)
                && !gone
            {
                account.lots.add(entry.expires_on, entry.amount);
                if let Some(day) = entry.expires_on {
                    self.ending.entry(day).or_default().insert(entry.account);
                }
            }
        }
        Ok(())
    }

    fn prove_expiry(&mut self, place: &str, posting: &Posting, before: &HashMap<i64, Points>) -> Result<(), Broken> {
        let wrong = |why: &str| Err(Broken(format!("{place}: {why}")));
        let (Some(entry), 2) = (
            posting.entries.iter().find(|entry| entry.owner != PROGRAMME),
            posting.entries.len(),
        ) else {
            return wrong("an expiry has two entries, one of a household");
        };
        let against = posting.entries.iter().any(|entry| entry.kind == AccountKind::Expiry);
        if entry.kind != AccountKind::Spendable || !against {
            return wrong("an expiry moves spendable points to the expiry account");
        }
        let balance = self.balance_before(before, &entry.owner, AccountKind::Spendable);
        let day = posting
            .source
            .rsplit(':')
            .next()
            .and_then(|day| day.parse::<Day>().ok());
        let Some(day) = day else {
            return wrong("an expiry that names no day");
        };
        let id = self.ids.get(&(entry.owner.clone(), AccountKind::Spendable));
        let Some(account) = id.and_then(|id| self.accounts.get_mut(id)) else {
            return wrong("an expiry of an account that is not there");
        };
        let expected = if posting.source == lot::expiry_source(&entry.owner, day) {
            let left = account.lots.left_through(balance, day);
            account.lots.forget_through(day);
            left
        } else if posting.source == lot::closing_source(&entry.owner, day) {
            balance
        } else {
            return wrong("an expiry that names another household");
        };
        match entry.amount == -expected {
            true => Ok(()),
            false => wrong(&format!(
                "{expected} points were left to expire, it takes {}",
                -entry.amount
            )),
        }
    }

    fn prove_transfer(&self, place: &str, posting: &Posting, before: &HashMap<i64, Points>) -> Result<(), Broken> {
        let wrong = |why: &str| Err(Broken(format!("{place}: {why}")));
        if posting.entries.iter().any(|entry| entry.owner == PROGRAMME) {
            return wrong("a transfer is between households");
        }
        let giving = posting.entries.iter().filter(|entry| entry.amount < Points::ZERO);
        let owners: BTreeSet<&str> = giving.clone().map(|entry| entry.owner.as_str()).collect();
        let (Some(owner), 1) = (owners.first(), owners.len()) else {
            return wrong("a transfer takes from one household");
        };
        let spendable: Points = giving
            .filter(|entry| entry.kind == AccountKind::Spendable)
            .map(|entry| -entry.amount)
            .sum();
        let id = self.ids.get(&((*owner).to_owned(), AccountKind::Spendable));
        let lots = id
            .and_then(|id| self.accounts.get(id))
            .map(|account| account.lots.clone());
        let balance = self.balance_before(before, owner, AccountKind::Spendable);
        let mut taken: Vec<(Option<Day>, Points)> = lots
            .unwrap_or_default()
            .taken(balance, spendable)
            .into_iter()
            .map(|lot| (lot.expires_on, lot.left))
            .collect();
        let arriving = posting.entries.iter().filter(|entry| entry.may_expire());
        let mut arrived: Vec<(Option<Day>, Points)> = arriving.map(|entry| (entry.expires_on, entry.amount)).collect();
        taken.sort_unstable();
        arrived.sort_unstable();
        match taken == arrived {
            true => Ok(()),
            false => wrong("a transfer that does not carry the lots it takes"),
        }
    }

    /// After each run of expiry nothing was left of the lots through its day, and they are gone.
    fn prove_runs_before(&mut self, number: i64) -> Result<(), Broken> {
        while let Some((through, last)) = self.runs.front().copied() {
            if last >= number {
                break;
            }
            self.runs.pop_front();
            while let Some((day, ended)) = self.ending.pop_first() {
                if day > through {
                    self.ending.insert(day, ended);
                    break;
                }
                for id in ended {
                    let Some(account) = self.accounts.get_mut(&id) else {
                        continue;
                    };
                    let left = account.lots.left_through(account.balance, day);
                    if left > Points::ZERO {
                        return Err(Broken(format!(
                            "expiry_runs, through_on {through}: {left} points of account {id} end on {day} and were not taken"
                        )));
                    }
                    account.lots.forget_through(day);
                }
            }
            self.gone_through = self.gone_through.max(Some(through));
        }
        Ok(())
    }

    fn finish(mut self, transactions: i64, counted: i64) -> Result<Proved, Broken> {
        self.prove_runs_before(i64::MAX)?;
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

/// Entries as a set to compare: whose, which account, how much.
fn effect(entries: &[Entry]) -> Vec<(&str, AccountKind, Points)> {
    let mut effect: Vec<_> = entries
        .iter()
        .map(|entry| (entry.owner.as_str(), entry.kind, entry.amount))
        .collect();
    effect.sort_unstable();
    effect
}

fn expect_days_on_lots_only(place: &str, posting: &Posting) -> Result<(), Broken> {
    let gives_back = TransactionKind::GIVE_BACK.contains(&posting.kind);
    let mut dated = posting.entries.iter().filter(|entry| entry.expires_on.is_some());
    match dated.any(|entry| gives_back || !entry.may_expire()) {
        true => Err(Broken(format!(
            "{place}: a last day on points that did not come onto a spendable account"
        ))),
        false => Ok(()),
    }
}

fn expect_zero_sum(place: &str, sides: &[Entry]) -> Result<(), Broken> {
    if sides.len() < 2 {
        return Err(Broken(format!("{place}: fewer than two entries")));
    }
    for unit in Unit::ALL {
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
                undone: Undone::default(),
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
            entries::expires_on,
        ))
        .load::<(i64, i64, i64, Points, Points, Option<Day>)>(conn)?;
    for (number, account, version, amount, balance_after, expires_on) in rows {
        if let Some(stored) = index.get(&number).and_then(|at| piece.get_mut(*at)) {
            stored.entries.push(StoredEntry {
                account,
                version,
                amount,
                balance_after,
                expires_on,
            });
        }
    }
    load_undone(conn, &mut piece)?;
    Ok(piece)
}

/// Loads what the reversals among these transactions undo.
fn load_undone(conn: &mut Conn, piece: &mut [Stored]) -> Result<()> {
    let originals: Vec<i64> = piece.iter().filter_map(|stored| stored.posting.reverses).collect();
    let mut undone: HashMap<i64, Undone> = HashMap::new();
    for chunk in originals.chunks(500) {
        let rows = entries::table
            .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
            .filter(entries::transaction_number.eq_any(chunk))
            .order((entries::account_id, entries::version))
            .select((
                entries::transaction_number,
                transactions::kind,
                entries::account_id,
                entries::amount,
                entries::expires_on,
            ))
            .load::<(i64, TransactionKind, i64, Points, Option<Day>)>(conn)?;
        for (number, kind, account, amount, expires_on) in rows {
            let undone = undone.entry(number).or_default();
            undone.kind = Some(kind);
            undone.entries.push((account, amount, expires_on));
        }
    }
    for stored in piece {
        if let Some(original) = stored.posting.reverses {
            stored.undone = undone.get(&original).cloned().unwrap_or_default();
        }
    }
    Ok(())
}
