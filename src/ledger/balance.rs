//! Balances: reading the books.
//!
//! A balance now is the head of the account; a balance as of a moment is the last entry before it; a balance by effective
//! day is summed on read, because a posting about an earlier day must not rewrite what stands.

use std::collections::HashMap;

use diesel::prelude::*;

use super::account::AccountKind;
use super::transaction::TransactionKind;
use crate::clock::{Day, Moment, begin_of, days_after};
use crate::db::Conn;
use crate::db::schema::{accounts, entries, transactions};
use crate::error::Result;
use crate::points::Points;

/// A household's four balances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// What can be redeemed.
    pub spendable: Points,
    /// What is on public notice.
    pub pending: Points,
    /// Recognition.
    pub honour: Points,
    /// Time credits, in minutes.
    pub time: Points,
}

/// The balances of an owner now.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, owner: &str) -> Result<Balances> {
    Ok(of_all(conn, &[owner])?.remove(owner).unwrap_or_default())
}

/// The balances of many owners now; owners without entries are left out.
///
/// # Errors
/// Only when the database fails.
pub fn of_all(conn: &mut Conn, owners: &[&str]) -> Result<HashMap<String, Balances>> {
    let mut all: HashMap<String, Balances> = HashMap::new();
    let rows = accounts::table
        .filter(accounts::owner.eq_any(owners))
        .select((accounts::owner, accounts::kind, accounts::balance))
        .load::<(String, AccountKind, Points)>(conn)?;
    for (owner, kind, balance) in rows {
        let balances = all.entry(owner).or_default();
        match kind {
            AccountKind::Spendable => balances.spendable = balance,
            AccountKind::Pending => balances.pending = balance,
            AccountKind::Honour => balances.honour = balance,
            AccountKind::TimeCredits => balances.time = balance,
            _ => {}
        }
    }
    Ok(all)
}

/// What all households together hold in accounts of this kind.
///
/// # Errors
/// Only when the database fails.
pub fn outstanding(conn: &mut Conn, kind: AccountKind) -> Result<Points> {
    use diesel::sql_types::BigInt;
    let sum = diesel::dsl::sql::<BigInt>("cast(coalesce(sum(balance), 0) as bigint)");
    Ok(accounts::table
        .filter(accounts::kind.eq(kind))
        .select(sum)
        .get_result::<Points>(conn)?)
}

/// The balance of an account by effective day: everything that is about `day` or before it.
///
/// # Errors
/// Only when the database fails.
pub fn on(conn: &mut Conn, owner: &str, kind: AccountKind, day: Day) -> Result<Points> {
    use diesel::sql_types::BigInt;
    let sum = diesel::dsl::sql::<BigInt>("cast(coalesce(sum(amount), 0) as bigint)");
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(accounts::owner.eq(owner))
        .filter(accounts::kind.eq(kind))
        .filter(transactions::effective_on.le(day))
        .select(sum)
        .get_result::<Points>(conn)?)
}

/// The balances of all accounts of a kind as they were written when a day ended, by owner; whatever comes later, they stay so.
///
/// # Errors
/// Only when the database fails.
pub fn all_at_end_of(conn: &mut Conn, kind: AccountKind, day: Day) -> Result<HashMap<String, Points>> {
    use diesel::sql_types::BigInt;
    let sum = diesel::dsl::sql::<BigInt>("cast(sum(entries.amount) as bigint)");
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(accounts::kind.eq(kind))
        .filter(transactions::recorded_at.lt(begin_of(days_after(day, 1))))
        .group_by(accounts::owner)
        .select((accounts::owner, sum))
        .load(conn)?
        .into_iter()
        .collect())
}

/// The balance of an account right after a transaction; `None` when the transaction does not touch it.
///
/// # Errors
/// Only when the database fails.
pub fn after(conn: &mut Conn, owner: &str, kind: AccountKind, transaction: i64) -> Result<Option<Points>> {
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .filter(entries::transaction_number.eq(transaction))
        .filter(accounts::owner.eq(owner).and(accounts::kind.eq(kind)))
        .order(entries::version.desc())
        .limit(1)
        .select(entries::balance_after)
        .get_result(conn)
        .optional()?)
}

/// A line of an account, with the transaction it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Line {
    /// Which of the owner's accounts.
    pub kind: AccountKind,
    /// The account's gap-free count.
    pub version: i64,
    /// Added to the balance.
    pub amount: Points,
    /// The balance after.
    pub balance_after: Points,
    /// The transaction, whose number is the slip number.
    pub transaction: i64,
    /// Why points moved.
    pub transaction_kind: TransactionKind,
    /// What caused it.
    pub source: String,
    /// The day it is about.
    pub effective_on: Day,
    /// When it was written.
    pub recorded_at: Moment,
    /// The transaction that this one undoes.
    pub reverses: Option<i64>,
}

/// The lines of an owner's accounts of one kind, newest first: at most `limit`, with versions below `before` when given.
///
/// # Errors
/// Only when the database fails.
pub fn lines(conn: &mut Conn, owner: &str, kind: AccountKind, before: Option<i64>, limit: i64) -> Result<Vec<Line>> {
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(accounts::owner.eq(owner))
        .filter(accounts::kind.eq(kind))
        .filter(entries::version.lt(before.unwrap_or(i64::MAX)))
        .order(entries::version.desc())
        .limit(limit)
        .select((
            accounts::kind,
            entries::version,
            entries::amount,
            entries::balance_after,
            transactions::number,
            transactions::kind,
            transactions::source,
            transactions::effective_on,
            transactions::recorded_at,
            transactions::reverses,
        ))
        .load::<Line>(conn)?)
}

/// What a transaction did to an owner's accounts.
///
/// # Errors
/// Only when the database fails.
pub fn lines_of(conn: &mut Conn, owner: &str, transaction: i64) -> Result<Vec<Line>> {
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(accounts::owner.eq(owner))
        .filter(transactions::number.eq(transaction))
        .order(accounts::id)
        .select((
            accounts::kind,
            entries::version,
            entries::amount,
            entries::balance_after,
            transactions::number,
            transactions::kind,
            transactions::source,
            transactions::effective_on,
            transactions::recorded_at,
            transactions::reverses,
        ))
        .load::<Line>(conn)?)
}

/// What a transaction did to the household it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// The transaction.
    pub number: i64,
    /// What caused it.
    pub source: String,
    /// The household.
    pub owner: String,
    /// Added to the spendable points.
    pub spendable: Points,
    /// Added to the honour score.
    pub honour: Points,
}

/// What a transaction did to one account of a household.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Side {
    /// The transaction.
    pub transaction: i64,
    /// What caused it.
    pub source: String,
    /// The household.
    pub owner: String,
    /// Which of its accounts.
    pub kind: AccountKind,
    /// Added to the balance.
    pub amount: Points,
}

/// What all transactions of a kind did to households, in the order of the transactions.
///
/// # Errors
/// Only when the database fails.
pub fn households_sides(conn: &mut Conn, kind: TransactionKind) -> Result<Vec<Side>> {
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(transactions::kind.eq(kind))
        .filter(accounts::owner.ne(super::account::PROGRAMME))
        .order(transactions::number)
        .select((
            transactions::number,
            transactions::source,
            accounts::owner,
            accounts::kind,
            entries::amount,
        ))
        .load(conn)?)
}

/// All transactions of a kind with what they did, for rooms that check their own rows against the books.
///
/// # Errors
/// Only when the database fails.
pub fn posted(conn: &mut Conn, kind: TransactionKind) -> Result<Vec<Posted>> {
    let mut all: Vec<Posted> = Vec::new();
    for side in households_sides(conn, kind)? {
        if all.last().is_none_or(|last| last.number != side.transaction) {
            all.push(Posted {
                number: side.transaction,
                source: side.source,
                owner: side.owner.clone(),
                ..Posted::default()
            });
        }
        if let Some(last) = all.last_mut() {
            match side.kind {
                AccountKind::Spendable => last.spendable = side.amount,
                AccountKind::Honour => last.honour = side.amount,
                // What was promised to a household that was merged comes from there: it is about the other one.
                _ => continue,
            }
            last.owner = side.owner;
        }
    }
    Ok(all)
}

/// What can be spent of a kind of transactions that were written in these moments and stand: whose, and how much.
///
/// # Errors
/// Only when the database fails.
pub fn given(conn: &mut Conn, kind: TransactionKind, from: Moment, until: Moment) -> Result<Vec<(String, Points)>> {
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(transactions::kind.eq(kind))
        .filter(transactions::recorded_at.ge(from))
        .filter(transactions::recorded_at.lt(until))
        .filter(accounts::kind.eq(AccountKind::Spendable))
        .order(transactions::number)
        .select((accounts::owner, entries::amount))
        .load(conn)?)
}

/// The last transaction's number and the digest that it closes the chain with; `None` in empty books.
///
/// # Errors
/// Only when the database fails.
pub fn tip(conn: &mut Conn) -> Result<Option<(i64, Vec<u8>)>> {
    Ok(transactions::table
        .order(transactions::number.desc())
        .select((transactions::number, transactions::chain_digest))
        .first(conn)
        .optional()?)
}

/// The last transaction before a moment and the digest that it closed the chain with; `None` when nothing was written before
/// it. Of a moment that is over it never changes, and nobody knew it earlier.
///
/// # Errors
/// Only when the database fails.
pub fn tip_before(conn: &mut Conn, moment: Moment) -> Result<Option<(i64, Vec<u8>)>> {
    Ok(transactions::table
        .filter(transactions::recorded_at.lt(moment))
        .order(transactions::number.desc())
        .select((transactions::number, transactions::chain_digest))
        .first(conn)
        .optional()?)
}

/// The first sixteen hexadecimal digits of a digest in groups: what a person can compare.
#[must_use]
pub fn short(digest: &[u8]) -> String {
    let groups = digest.chunks(2).take(4);
    let groups: Vec<String> = groups
        .map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    groups.join("-")
}

/// A transaction without its sides.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Head {
    /// Its number, which is the slip number.
    pub number: i64,
    /// Why points moved.
    pub kind: TransactionKind,
    /// What caused it.
    pub source: String,
    /// The day it is about.
    pub effective_on: Day,
    /// When it was written.
    pub recorded_at: Moment,
    /// The transaction that this one undoes.
    pub reverses: Option<i64>,
}

/// A transaction by its number; `None` when there is none.
///
/// # Errors
/// Only when the database fails.
pub fn head(conn: &mut Conn, number: i64) -> Result<Option<Head>> {
    Ok(transactions::table
        .filter(transactions::number.eq(number))
        .select((
            transactions::number,
            transactions::kind,
            transactions::source,
            transactions::effective_on,
            transactions::recorded_at,
            transactions::reverses,
        ))
        .get_result(conn)
        .optional()?)
}

/// The transaction that undoes this one, if it was undone.
///
/// # Errors
/// Only when the database fails.
pub fn undone_by(conn: &mut Conn, number: i64) -> Result<Option<Head>> {
    let undoing = transactions::table
        .filter(transactions::reverses.eq(number))
        .select(transactions::number)
        .get_result::<i64>(conn)
        .optional()?;
    match undoing {
        Some(undoing) => head(conn, undoing),
        None => Ok(None),
    }
}

/// What a transaction did to each account: owner, kind, added.
///
/// # Errors
/// Only when the database fails.
pub fn sides(conn: &mut Conn, number: i64) -> Result<Vec<(String, AccountKind, Points)>> {
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .filter(entries::transaction_number.eq(number))
        .order(entries::amount.desc())
        .select((accounts::owner, accounts::kind, entries::amount))
        .load(conn)?)
}
