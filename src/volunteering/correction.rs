//! Corrections: minutes that were credited wrongly are taken back by somebody else, with a reason, by a new posting.
//!
//! What a household has used meanwhile it does not owe: the community's pool bears it. A line is taken back as a whole; what
//! was right of it is written down anew.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;

use super::confirmation::lives_in;
use super::event::VolunteerEvent;
use super::help::Help;
use super::stay;
use crate::access::user::User;
use crate::audit;
use crate::clock::{Moment, day_of};
use crate::db::Conn;
use crate::db::schema::time_corrections;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::account::PROGRAMME;
use crate::ledger::balance;
use crate::ledger::reversal;
use crate::ledger::transaction::Books;
use crate::ledger::transfer::{self, Transfer};
use crate::places::household::Household;
use crate::places::standing;
use crate::points::Points;
use crate::request::{Request, Requests};

/// Minutes that were taken back.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = time_corrections)]
pub struct TimeCorrection {
    /// The posting that was wrong.
    pub transaction_number: i64,
    /// The posting that undoes it.
    pub reversal_number: i64,
    /// Why.
    pub reason: String,
    /// Who.
    pub corrected_by: Id<User>,
    /// When.
    pub corrected_at: Moment,
}

/// How the sources of these postings begin.
pub(super) const SOURCE: &str = "time-correction:";

/// What is taken back, and who had a part in it.
struct Wrong {
    transaction: i64,
    /// Who does not take it back.
    parties: Vec<Id<User>>,
    households: Vec<Id<Household>>,
    /// What it is about, for the record.
    subject: String,
}

/// Takes back what an event credited a household.
///
/// # Errors
/// `Forbidden` for who took the times down or confirmed them, and for who lives there; `Invalid` without a reason; `NotFound`
/// where nothing was credited; [`crate::ledger::transaction::Refused::AlreadyReversed`]; `idempotency_conflict`.
pub fn take_back_stay(
    conn: &mut Conn,
    event: &VolunteerEvent,
    household: &Id<Household>,
    reason: &str,
    by: &User,
    key: &str,
    now: Moment,
) -> Result<TimeCorrection> {
    let stay = stay::of_household(conn, event, household)?.ok_or(Error::NotFound)?;
    let wrong = Wrong {
        transaction: stay.transaction_number.ok_or(Error::NotFound)?,
        parties: [
            event.ended_by.clone(),
            Some(event.led_by.clone()),
            Some(stay.recorded_by),
        ]
        .into_iter()
        .flatten()
        .collect(),
        households: vec![stay.household_id],
        subject: format!("volunteer_event:{}", event.id),
    };
    take_back(conn, &wrong, reason, by, key, now)
}

/// Takes back a help that was written down wrongly.
///
/// # Errors
/// `Forbidden` for who wrote it down, and for who lives in one of the households; `Invalid` without a reason;
/// [`crate::ledger::transaction::Refused::AlreadyReversed`]; `idempotency_conflict`.
pub fn take_back_help(
    conn: &mut Conn,
    help: &Help,
    reason: &str,
    by: &User,
    key: &str,
    now: Moment,
) -> Result<TimeCorrection> {
    let wrong = Wrong {
        transaction: help.transaction_number,
        parties: vec![help.recorded_by.clone()],
        households: vec![help.helper_household_id.clone(), help.helped_household_id.clone()],
        subject: format!("time_help:{}", help.id),
    };
    take_back(conn, &wrong, reason, by, key, now)
}

fn take_back(
    conn: &mut Conn,
    wrong: &Wrong,
    reason: &str,
    by: &User,
    key: &str,
    now: Moment,
) -> Result<TimeCorrection> {
    #[derive(Serialize)]
    struct Content<'a>(i64, &'a str);
    let content = Content(wrong.transaction, reason);
    let request = Request::new(key, by.id.as_str(), "time.take_back", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if requests.earlier(&request)?.is_some() {
        return of_transactions(conn, &[wrong.transaction])?
            .remove(&wrong.transaction)
            .ok_or(Error::NotFound);
    }
    let reason = reason.trim();
    if !(1..=100).contains(&reason.chars().count()) {
        return Err(Error::invalid("reason", "请写明哪里记错了，1至100个字。"));
    }
    if wrong.parties.contains(&by.id) {
        return Err(Error::Forbidden("这笔时间是您经办的，要由另一人更正。"));
    }
    if lives_in(conn, by, wrong.households.iter())? {
        return Err(Error::Forbidden("这笔时间是您自己家的，要由别家的人更正。"));
    }
    let correction = TimeCorrection {
        transaction_number: wrong.transaction,
        reversal_number: reverse(conn, wrong.transaction, &by.id, now)?,
        reason: reason.to_owned(),
        corrected_by: by.id.clone(),
        corrected_at: now,
    };
    diesel::insert_into(time_corrections::table)
        .values(&correction)
        .execute(conn)?;
    requests.carried_out(&request, &wrong.transaction.to_string(), now);
    requests.save(conn)?;
    let event = audit::Event::new(
        by.id.as_str(),
        "time.taken_back",
        wrong.subject.clone(),
        reason.to_owned(),
        now,
    );
    audit::record(conn, &[event])?;
    Ok(correction)
}

/// Posts the opposite where it was posted: what went along when a household was merged is called back from the other one
/// first, and what a merged household gets back follows it.
fn reverse(conn: &mut Conn, number: i64, by: &Id<User>, now: Moment) -> Result<i64> {
    let mut sides = balance::sides(conn, number)?;
    sides.retain(|(owner, ..)| owner != PROGRAMME);
    let mut lives_on: HashMap<String, String> = HashMap::new();
    for (owner, ..) in &sides {
        let today = standing::survivor(conn, &Id::known(owner.as_str()))?;
        lives_on.insert(owner.clone(), today.to_string());
    }
    let moved = |owner: &str| lives_on.get(owner).filter(|today| *today != owner);
    for (owner, _, amount) in &sides {
        if let Some(today) = moved(owner).filter(|_| *amount > Points::ZERO) {
            transfer::call_back(conn, number, today, day_of(now), by.as_str(), now)?;
        }
    }
    let mut books = Books::open(conn, sides.iter().map(|(owner, ..)| owner.as_str()))?;
    let source = format!("{SOURCE}{number}");
    let posting = reversal::reverse_with_write_off(&books, conn, number, source, by.as_str(), now)?;
    let reversal = books.post(posting)?;
    books.save(conn)?;
    for (owner, _, amount) in &sides {
        if let Some(today) = moved(owner).filter(|_| *amount < Points::ZERO) {
            let back = Transfer {
                from: owner,
                to: today,
                spendable: Points::ZERO,
                honour: Points::ZERO,
                time: -*amount,
            };
            back.post(
                conn,
                format!("transfer-of-time:{number}"),
                day_of(now),
                by.as_str(),
                now,
            )?;
        }
    }
    Ok(reversal)
}

/// What was taken back of these postings, by posting.
///
/// # Errors
/// Only when the database fails.
pub fn of_transactions(conn: &mut Conn, numbers: &[i64]) -> Result<HashMap<i64, TimeCorrection>> {
    let found = time_corrections::table
        .filter(time_corrections::transaction_number.eq_any(numbers))
        .select(TimeCorrection::as_select())
        .load(conn)?;
    Ok(by_transaction(found))
}

/// Everything that was taken back, by posting.
///
/// # Errors
/// Only when the database fails.
pub fn every(conn: &mut Conn) -> Result<HashMap<i64, TimeCorrection>> {
    let found = time_corrections::table.select(TimeCorrection::as_select()).load(conn)?;
    Ok(by_transaction(found))
}

fn by_transaction(corrections: Vec<TimeCorrection>) -> HashMap<i64, TimeCorrection> {
    corrections
        .into_iter()
        .map(|one| (one.transaction_number, one))
        .collect()
}
