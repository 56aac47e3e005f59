//! Registers of the books: what moved the points that households can spend, in a span of days, line by line and in sums.
//!
//! A line belongs to the day on which it was written, not to the day it is about: a month that is over never changes, so a
//! register that was printed and signed stays right. It knows neither deeds nor goods: which reversals are the counter's, the
//! room above says by what their sources look like.

use diesel::dsl::{not, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::account::AccountKind;
use super::balance;
use super::transaction::TransactionKind;
use crate::clock::{Day, Moment, Span, begin_of};
use crate::db::Conn;
use crate::db::schema::{accounts, entries, transactions};
use crate::error::Result;
use crate::points::Points;

/// Kinds that only a counter posts.
const AT_THE_COUNTER: [TransactionKind; 2] = [TransactionKind::Redemption, TransactionKind::Refund];

/// One entry of a household's spendable account.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Moved {
    /// The transaction, whose number is the slip number.
    pub transaction: i64,
    /// Why points moved.
    pub kind: TransactionKind,
    /// What caused it.
    pub source: String,
    /// The day it is about.
    pub effective_on: Day,
    /// When it was written.
    pub recorded_at: Moment,
    /// Whose account.
    pub owner: String,
    /// Added to the balance.
    pub amount: Points,
    /// The last day on which these points can be spent.
    pub expires_on: Option<Day>,
}

/// How often points moved for one reason, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Why.
    pub kind: TransactionKind,
    /// Was it a reversal of the counter's?
    pub of_counter: bool,
    /// Entries that gave.
    pub times_given: i64,
    /// Points that came onto accounts.
    pub given: Points,
    /// Entries that took.
    pub times_taken: i64,
    /// Points that were taken from accounts, not negative.
    pub taken: Points,
}

/// What moved points otherwise than at the counter, first written first. Reversals whose source begins with
/// `counter_reversals` are the counter's and left out.
///
/// # Errors
/// Only when the database fails.
pub fn issued(conn: &mut Conn, span: Span, counter_reversals: &str, offset: i64, limit: i64) -> Result<Vec<Moved>> {
    let of_counter = transactions::kind
        .eq(TransactionKind::Reversal)
        .and(transactions::source.like(format!("{counter_reversals}%")));
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(accounts::kind.eq(AccountKind::Spendable))
        .filter(transactions::recorded_at.ge(begin_of(span.from)))
        .filter(transactions::recorded_at.lt(begin_of(span.until)))
        .filter(transactions::kind.ne_all(AT_THE_COUNTER))
        .filter(not(of_counter))
        .order((transactions::number, entries::account_id, entries::version))
        .offset(offset)
        .limit(limit)
        .select((
            transactions::number,
            transactions::kind,
            transactions::source,
            transactions::effective_on,
            transactions::recorded_at,
            accounts::owner,
            entries::amount,
            entries::expires_on,
        ))
        .load(conn)?)
}

/// Sums of all that moved spendable points, by reason; the counter's reversals stand apart from the others.
///
/// # Errors
/// Only when the database fails.
pub fn sums(conn: &mut Conn, span: Span, counter_reversals: &str) -> Result<Vec<Sum>> {
    const TIMES_GIVEN: &str = "cast(coalesce(sum(case when entries.amount > 0 then 1 else 0 end), 0) as bigint)";
    const TIMES_TAKEN: &str = "cast(coalesce(sum(case when entries.amount < 0 then 1 else 0 end), 0) as bigint)";
    const GIVEN: &str = "cast(coalesce(sum(case when entries.amount > 0 then entries.amount else 0 end), 0) as bigint)";
    const TAKEN: &str =
        "cast(coalesce(sum(case when entries.amount < 0 then -entries.amount else 0 end), 0) as bigint)";
    let all = entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(accounts::kind.eq(AccountKind::Spendable))
        .filter(transactions::recorded_at.ge(begin_of(span.from)))
        .filter(transactions::recorded_at.lt(begin_of(span.until)));
    let of_counter = transactions::kind
        .eq(TransactionKind::Reversal)
        .and(transactions::source.like(format!("{counter_reversals}%")));
    let mut sums = Vec::new();
    for is_of_counter in [false, true] {
        let rows = all
            .filter(of_counter.clone().eq(is_of_counter))
            .group_by(transactions::kind)
            .order(transactions::kind)
            .select((
                transactions::kind,
                sql::<BigInt>(TIMES_GIVEN),
                sql::<BigInt>(TIMES_TAKEN),
                sql::<BigInt>(GIVEN),
                sql::<BigInt>(TAKEN),
            ))
            .load::<(TransactionKind, i64, i64, Points, Points)>(conn)?;
        let sum = |(kind, times_given, times_taken, given, taken)| Sum {
            kind,
            of_counter: is_of_counter,
            times_given,
            times_taken,
            given,
            taken,
        };
        sums.extend(rows.into_iter().map(sum));
    }
    Ok(sums)
}

/// Does a sum belong to the counter?
#[must_use]
pub fn is_of_counter(sum: &Sum) -> bool {
    sum.of_counter || AT_THE_COUNTER.contains(&sum.kind)
}

/// How many households got points to spend by transactions of these kinds in a span of days, or, when nothing `is_given`,
/// spent or lost some; each counts once.
///
/// # Errors
/// Only when the database fails.
pub fn households(conn: &mut Conn, span: Span, kinds: &[TransactionKind], is_given: bool) -> Result<i64> {
    let moved = entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(accounts::kind.eq(AccountKind::Spendable))
        .filter(transactions::recorded_at.ge(begin_of(span.from)))
        .filter(transactions::recorded_at.lt(begin_of(span.until)))
        .filter(transactions::kind.eq_any(kinds));
    let count = sql::<BigInt>("count(distinct accounts.owner)");
    Ok(match is_given {
        true => moved
            .filter(entries::amount.gt(Points::ZERO))
            .select(count)
            .get_result(conn)?,
        false => moved
            .filter(entries::amount.lt(Points::ZERO))
            .select(count)
            .get_result(conn)?,
    })
}

/// The honour that transactions of these kinds gave in a span of days.
///
/// # Errors
/// Only when the database fails.
pub fn honour_given(conn: &mut Conn, span: Span, kinds: &[TransactionKind]) -> Result<Points> {
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(accounts::kind.eq(AccountKind::Honour))
        .filter(transactions::recorded_at.ge(begin_of(span.from)))
        .filter(transactions::recorded_at.lt(begin_of(span.until)))
        .filter(transactions::kind.eq_any(kinds))
        .filter(entries::amount.gt(Points::ZERO))
        .select(sql::<BigInt>("cast(coalesce(sum(entries.amount), 0) as bigint)"))
        .get_result(conn)?)
}

/// What all households together could spend before a day began: every entry written earlier, added up.
///
/// # Errors
/// Only when the database fails.
pub fn spendable_before(conn: &mut Conn, day: Day) -> Result<Points> {
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(accounts::kind.eq(AccountKind::Spendable))
        .filter(transactions::recorded_at.lt(begin_of(day)))
        .select(sql::<BigInt>("cast(coalesce(sum(entries.amount), 0) as bigint)"))
        .get_result(conn)?)
}

/// The same the other way round: the balances as they are now, less what was written since. A register whose beginning comes
/// from one and whose end comes from the other says whether its lines are all there.
///
/// # Errors
/// Only when the database fails.
pub fn spendable_from_balances(conn: &mut Conn, day: Day) -> Result<Points> {
    let since: Points = entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
        .filter(accounts::kind.eq(AccountKind::Spendable))
        .filter(transactions::recorded_at.ge(begin_of(day)))
        .select(sql::<BigInt>("cast(coalesce(sum(entries.amount), 0) as bigint)"))
        .get_result(conn)?;
    let now = balance::outstanding(conn, AccountKind::Spendable)?;
    Ok(Points(now.0.saturating_sub(since.0)))
}
