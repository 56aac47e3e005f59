//! Lots: which of a household's points can be spent through which day.
//!
//! A lot is the points that came onto a spendable account together with a last day, by a transaction that was not reversed.
//! What is left of each is said, not stored: the balance is filled into the lots from the latest day back to the earliest,
//! which is what spending the earliest first leaves. Points beyond all lots (of a voided sale whose lot is gone) never expire.
//! Expiry is posted by `expire_due`; each run is written down, so that a lot which is gone stays gone.
//!
//! It does not decide how long points last; whoever posts says the day.

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::account::{AccountKind, PROGRAMME};
use super::hold;
use super::transaction::{Books, Entry, Posting, TransactionKind};
use crate::clock::{Day, Moment, days_after};
use crate::db::Conn;
use crate::db::schema::{accounts, entries, expiry_runs, transactions};
use crate::error::{Error, Result};
use crate::points::Points;

/// What is left of the points with one last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// The last day on which they can be spent; `None`: they stay.
    pub expires_on: Option<Day>,
    /// How many are left.
    pub left: Points,
}

/// Points of a household that expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring {
    /// Whose.
    pub owner: String,
    /// The last day on which they can be spent.
    pub expires_on: Day,
    /// How many.
    pub points: Points,
}

/// What came in, by last day, before anything was spent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lots {
    dated: BTreeMap<Day, Points>,
    lasting: Points,
}

impl Lots {
    pub(super) fn add(&mut self, expires_on: Option<Day>, amount: Points) {
        let lot = match expires_on {
            Some(day) => self.dated.entry(day).or_default(),
            None => &mut self.lasting,
        };
        *lot = lot.plus(amount).unwrap_or(*lot);
    }

    /// A lot whose transaction was reversed is gone.
    pub(super) fn remove(&mut self, expires_on: Option<Day>, amount: Points) {
        self.add(expires_on, -amount);
    }

    /// Lots through this day are gone.
    pub(super) fn forget_through(&mut self, day: Day) {
        self.dated = self.dated.split_off(&days_after(day, 1));
    }

    /// What a balance leaves of each lot, in the order in which points are spent: those without a lot, then by day, then
    /// those that stay.
    fn filled(&self, balance: Points) -> (Points, Vec<(Day, Points)>, Points) {
        let mut rest = balance;
        let mut fill = |amount: Points| {
            let left = amount.min(rest).max(Points::ZERO);
            rest = rest.plus(-left).unwrap_or_default();
            left
        };
        let lasting = fill(self.lasting);
        let mut dated: Vec<(Day, Points)> = self.dated.iter().rev().map(|(day, lot)| (*day, fill(*lot))).collect();
        dated.retain(|(_, left)| *left > Points::ZERO);
        dated.reverse();
        (rest, dated, lasting)
    }

    /// What is left of each lot, earliest first; what stays comes last.
    pub(super) fn left(&self, balance: Points) -> Vec<Lot> {
        let (without, dated, lasting) = self.filled(balance);
        let stay = Lot {
            expires_on: None,
            left: without.plus(lasting).unwrap_or(lasting),
        };
        let dated = dated.into_iter().map(|(day, left)| Lot {
            expires_on: Some(day),
            left,
        });
        dated.chain((stay.left > Points::ZERO).then_some(stay)).collect()
    }

    /// What is left of the lots through this day.
    pub(super) fn left_through(&self, balance: Points, day: Day) -> Points {
        let (_, dated, _) = self.filled(balance);
        dated
            .into_iter()
            .filter(|(last, _)| *last <= day)
            .map(|(_, left)| left)
            .sum()
    }

    /// The lots that `amount` of a balance is taken from: as spending takes them, earliest first.
    pub(super) fn taken(&self, balance: Points, amount: Points) -> Vec<Lot> {
        let (without, dated, lasting) = self.filled(balance);
        let mut need = amount;
        let mut take = |expires_on: Option<Day>, have: Points| {
            let left = have.min(need);
            need = need.plus(-left).unwrap_or_default();
            Lot { expires_on, left }
        };
        let first = take(None, without);
        let mut taken: Vec<Lot> = dated.into_iter().map(|(day, left)| take(Some(day), left)).collect();
        let mut stay = take(None, lasting);
        stay.left = stay.left.plus(first.left).unwrap_or(stay.left);
        taken.push(stay);
        taken.retain(|lot| lot.left > Points::ZERO);
        taken
    }

    /// The days through this one on which lots end.
    pub(super) fn days_through(&self, day: Day) -> Vec<Day> {
        self.dated.range(..=day).map(|(day, _)| *day).collect()
    }
}

/// The lots of an owner with what is left of each, earliest first; points that stay come last.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, owner: &str) -> Result<Vec<Lot>> {
    Ok(of_all(conn, &[owner])?.remove(owner).unwrap_or_default())
}

/// The lots of many owners; owners without points are left out.
///
/// # Errors
/// Only when the database fails.
pub fn of_all(conn: &mut Conn, owners: &[&str]) -> Result<HashMap<String, Vec<Lot>>> {
    let held = held(conn, owners)?;
    let lots = held
        .into_iter()
        .map(|(owner, held)| (owner, held.lots.left(held.balance)));
    Ok(lots.filter(|(_, lots)| !lots.is_empty()).collect())
}

/// What expires through the day `until`, by day and owner: of these owners, or of all.
///
/// # Errors
/// Only when the database fails.
pub fn expiring(conn: &mut Conn, owners: Option<&[&str]>, until: Day) -> Result<Vec<Expiring>> {
    let ending = match owners {
        Some(owners) => owners.iter().map(|owner| (*owner).to_owned()).collect(),
        None => owners_ending(conn, until)?,
    };
    let ending: Vec<&str> = ending.iter().map(String::as_str).collect();
    let mut expiring: Vec<Expiring> = Vec::new();
    for (owner, lots) in of_all(conn, &ending)? {
        for lot in lots {
            if let Some(expires_on) = lot.expires_on.filter(|day| *day <= until) {
                expiring.push(Expiring {
                    owner: owner.clone(),
                    expires_on,
                    points: lot.left,
                });
            }
        }
    }
    expiring.sort_by(|one, other| (one.expires_on, &one.owner).cmp(&(other.expires_on, &other.owner)));
    Ok(expiring)
}

/// Posts what is past its last day, and writes down that it was done; answers how many postings it took. Done before, it
/// does nothing. While a till keeps points that are due, which a reversal can bring about, it waits.
///
/// # Errors
/// Only when the database fails.
pub fn expire_due(conn: &mut Conn, today: Day, now: Moment) -> Result<usize> {
    let Some(through) = today.pred_opt() else {
        return Ok(0);
    };
    if last_run(conn)?.is_some_and(|last| last >= through) {
        return Ok(0);
    }
    let owners = owners_ending(conn, through)?;
    let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
    let held = held(conn, &owners)?;
    let mut held: Vec<(String, Held)> = held.into_iter().collect();
    held.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut books = Books::open(conn, owners)?;
    let mut posted = 0usize;
    for (owner, Held { lots, .. }) in held {
        for (day, points) in due(lots, books.balance(&owner, AccountKind::Spendable), through) {
            if books.free(&owner, None, now) < points {
                hold::recall(conn, &owner, None, now)?;
                return Ok(0);
            }
            books.post(Posting {
                kind: TransactionKind::Expiry,
                source: expiry_source(&owner, day),
                effective_on: days_after(day, 1),
                recorded_at: now,
                posted_by: "system".to_owned(),
                reverses: None,
                entries: Posting::moving(
                    points,
                    (&owner, AccountKind::Spendable),
                    (PROGRAMME, AccountKind::Expiry),
                ),
            })?;
            posted = posted.saturating_add(1);
        }
    }
    let last_transaction = books.last_number();
    books.save(conn)?;
    diesel::insert_into(expiry_runs::table)
        .values((
            expiry_runs::through_on.eq(through),
            expiry_runs::last_transaction.eq(last_transaction),
            expiry_runs::ran_at.eq(now),
        ))
        .execute(conn)?;
    Ok(posted)
}

/// What is due of an owner's lots, day by day.
fn due(mut lots: Lots, mut balance: Points, through: Day) -> Vec<(Day, Points)> {
    let mut due = Vec::new();
    for day in lots.days_through(through) {
        let points = lots.left_through(balance, day);
        lots.forget_through(day);
        if points > Points::ZERO {
            balance = balance.plus(-points).unwrap_or_default();
            due.push((day, points));
        }
    }
    due
}

/// Takes whatever an owner has left, for one who is gone for good; `None` when there is nothing, or a till still keeps some.
///
/// # Errors
/// Only when the database fails, or the accounts of the owner were not opened.
pub fn expire_all(books: &mut Books, owner: &str, on: Day, now: Moment) -> Result<Option<i64>> {
    let balance = books.balance(owner, AccountKind::Spendable);
    if balance <= Points::ZERO || books.free(owner, None, now) < balance {
        return Ok(None);
    }
    let posting = Posting {
        kind: TransactionKind::Expiry,
        source: closing_source(owner, on),
        effective_on: on,
        recorded_at: now,
        posted_by: "system".to_owned(),
        reverses: None,
        entries: Posting::moving(
            balance,
            (owner, AccountKind::Spendable),
            (PROGRAMME, AccountKind::Expiry),
        ),
    };
    books.post(posting).map(Some)
}

/// Was [`expire_all`] posted for this owner on this day?
///
/// # Errors
/// Only when the database fails.
pub fn is_closed_on(conn: &mut Conn, owner: &str, on: Day) -> Result<bool> {
    let posted = transactions::table
        .filter(transactions::source.eq(closing_source(owner, on)))
        .count()
        .get_result::<i64>(conn)?;
    Ok(posted > 0)
}

/// The entries that carry points from one household to another, with their days, earliest first.
///
/// # Errors
/// Only when the database fails; `Internal` for more than there is.
pub fn carried(conn: &mut Conn, amount: Points, from: &str, to: &str) -> Result<Vec<Entry>> {
    let Held { balance, lots } = held(conn, &[from])?.remove(from).unwrap_or_default();
    if amount > balance || amount <= Points::ZERO {
        return Err(Error::internal("a transfer of more points than there are"));
    }
    let side = |owner: &str, amount, expires_on| Entry {
        owner: owner.to_owned(),
        kind: AccountKind::Spendable,
        amount,
        expires_on,
    };
    let mut entries = vec![side(from, -amount, None)];
    let taken = lots.taken(balance, amount);
    entries.extend(taken.into_iter().map(|lot| side(to, lot.left, lot.expires_on)));
    Ok(entries)
}

/// The lots that a transfer of so many points would carry, earliest first; of no more than there is.
///
/// # Errors
/// Only when the database fails.
pub fn taken_first(conn: &mut Conn, owner: &str, amount: Points) -> Result<Vec<Lot>> {
    let Held { balance, lots } = held(conn, &[owner])?.remove(owner).unwrap_or_default();
    Ok(lots.taken(balance, amount.min(balance)))
}

pub(super) fn expiry_source(owner: &str, day: Day) -> String {
    format!("expiry:{owner}:{day}")
}

pub(super) fn closing_source(owner: &str, day: Day) -> String {
    format!("closing:{owner}:{day}")
}

/// What an owner has, and what it came in.
#[derive(Debug, Default)]
struct Held {
    balance: Points,
    lots: Lots,
}

/// The day through which lots are gone.
fn last_run(conn: &mut Conn) -> Result<Option<Day>> {
    Ok(expiry_runs::table
        .select(diesel::dsl::max(expiry_runs::through_on))
        .get_result(conn)?)
}

/// The runs after which lots were gone: through which day, and after which transaction.
pub(super) fn runs(conn: &mut Conn) -> Result<Vec<(Day, i64)>> {
    Ok(expiry_runs::table
        .order((expiry_runs::last_transaction, expiry_runs::through_on))
        .select((expiry_runs::through_on, expiry_runs::last_transaction))
        .load(conn)?)
}

/// The owners with lots that end through this day and are not gone.
fn owners_ending(conn: &mut Conn, until: Day) -> Result<Vec<String>> {
    let gone = last_run(conn)?.unwrap_or_default();
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .filter(entries::expires_on.gt(gone).and(entries::expires_on.le(until)))
        .filter(accounts::balance.gt(Points::ZERO))
        .select(accounts::owner)
        .distinct()
        .load(conn)?)
}

/// Balances and lots of these owners, a few hundred at a time.
fn held(conn: &mut Conn, owners: &[&str]) -> Result<HashMap<String, Held>> {
    let gone = last_run(conn)?.unwrap_or_default();
    let reversals = diesel::alias!(transactions as reversals);
    let mut all: HashMap<String, Held> = HashMap::new();
    for chunk in owners.chunks(500) {
        let balances = accounts::table
            .filter(accounts::owner.eq_any(chunk))
            .filter(accounts::kind.eq(AccountKind::Spendable))
            .select((accounts::owner, accounts::balance))
            .load::<(String, Points)>(conn)?;
        for (owner, balance) in balances {
            all.entry(owner).or_default().balance = balance;
        }
        let reversed = reversals.filter(
            reversals
                .field(transactions::reverses)
                .eq(transactions::number.nullable()),
        );
        let came_in = entries::table
            .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
            .inner_join(transactions::table.on(transactions::number.eq(entries::transaction_number)))
            .filter(accounts::owner.eq_any(chunk))
            .filter(accounts::kind.eq(AccountKind::Spendable))
            .filter(accounts::balance.gt(Points::ZERO))
            .filter(entries::amount.gt(Points::ZERO))
            .filter(entries::expires_on.is_null().or(entries::expires_on.gt(gone)))
            .filter(transactions::kind.ne_all(TransactionKind::GIVE_BACK))
            .filter(not(exists(reversed)))
            .group_by((accounts::owner, entries::expires_on))
            .select((
                accounts::owner,
                entries::expires_on,
                sql::<BigInt>("cast(sum(entries.amount) as bigint)"),
            ))
            .load::<(String, Option<Day>, Points)>(conn)?;
        for (owner, expires_on, amount) in came_in {
            all.entry(owner).or_default().lots.add(expires_on, amount);
        }
    }
    Ok(all)
}
