//! What is due with reminder notes: objections nobody decided, notes nobody confirmed, reductions, and their repair.
//!
//! Everything happens as of the day on which it was due, in the order of those days, also when the server was off on them:
//! a household whose thirty days passed meanwhile has its score back at once. Running twice does nothing twice.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::unheeded::{self, Objection};
use super::{ReminderNote, State, close, record, rule, rule_of, save};
use crate::clock::{Day, Moment, Span, day_of, days_after};
use crate::db::Conn;
use crate::db::schema::{reminder_notes, reminder_objections};
use crate::error::Result;
use crate::id::Id;
use crate::ledger::account::{AccountKind, PROGRAMME};
use crate::ledger::reversal;
use crate::ledger::transaction::{Books, Posting, TransactionKind};
use crate::ledger::transfer::Transfer;
use crate::places::household::Household;
use crate::places::standing;
use crate::points::Points;
use crate::scheme::terms::{self, Terms};

/// Does what is due by now, and answers how much that was.
///
/// # Errors
/// Only when the database fails.
pub fn due(conn: &mut Conn, now: Moment) -> Result<usize> {
    let today = day_of(now);
    let departed = end_of_the_departed(conn, now)?;
    let decided = unheeded::silence(conn, today, now)?;
    let lapsed = lapse(conn, today, now)?.saturating_add(departed);
    let moved = reduce_and_repair(conn, today, now)?;
    Ok(decided.saturating_add(lapsed).saturating_add(moved))
}

/// Notes that nobody confirmed in time end by themselves.
fn lapse(conn: &mut Conn, today: Day, now: Moment) -> Result<usize> {
    let late = reminder_notes::table
        .filter(reminder_notes::state.eq_any([State::Issued, State::Acknowledged]))
        .filter(reminder_notes::lapses_on.le(today))
        .order(reminder_notes::id)
        .select(ReminderNote::as_select())
        .load(conn)?;
    for mut note in late.iter().cloned() {
        end_without_points(conn, &mut note, "期限已过，自行了结", now)?;
    }
    Ok(late.len())
}

/// A household that is gone has nothing to put right any more. A score that was reduced comes back on its day all the same.
fn end_of_the_departed(conn: &mut Conn, now: Moment) -> Result<usize> {
    let mut open = reminder_notes::table
        .filter(reminder_notes::state.eq_any([State::Issued, State::Acknowledged, State::Unfixed]))
        .order(reminder_notes::id)
        .select(ReminderNote::as_select())
        .load(conn)?;
    let households: Vec<Id<Household>> = open.iter().map(|note| note.household_id.clone()).collect();
    let gone = standing::gone(conn, &households)?;
    open.retain(|note| gone.contains(&note.household_id));
    for note in &mut open {
        end_without_points(conn, note, "这一户已不在本项目，自行了结", now)?;
    }
    Ok(open.len())
}

fn end_without_points(conn: &mut Conn, note: &mut ReminderNote, why: &str, now: Moment) -> Result<()> {
    note.state = State::Lapsed;
    close(note, None, why, now);
    save(conn, note)?;
    record(conn, note, "system", "reminder.lapsed", String::new(), now)
}

/// What happens on a day, in this order: a score that is about to come back is not there to be taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Reduce,
    Repair,
}

fn reduce_and_repair(conn: &mut Conn, today: Day, now: Moment) -> Result<usize> {
    let mut waiting: BTreeMap<(Day, Step, Moment, Id<ReminderNote>), ReminderNote> = BTreeMap::new();
    for (note, objection) in unfixed(conn)? {
        if let Some(day) = due_on(&note, objection.as_ref()).filter(|day| *day <= today) {
            waiting.insert((day, Step::Reduce, note.issued_at, note.id.clone()), note);
        }
    }
    for note in to_repair(conn, today)? {
        let day = note.repair_on.unwrap_or(today);
        waiting.insert((day, Step::Repair, note.issued_at, note.id.clone()), note);
    }
    let mut done: usize = 0;
    while let Some(((day, step, ..), mut note)) = waiting.pop_first() {
        match step {
            Step::Reduce => {
                reduce(conn, &mut note, day, now)?;
                if let Some(day) = note.repair_on.filter(|day| *day <= today) {
                    waiting.insert((day, Step::Repair, note.issued_at, note.id.clone()), note);
                }
            }
            Step::Repair => repair(conn, &mut note, now)?,
        }
        done = done.saturating_add(1);
    }
    Ok(done)
}

fn unfixed(conn: &mut Conn) -> Result<Vec<(ReminderNote, Option<Objection>)>> {
    Ok(reminder_notes::table
        .left_join(reminder_objections::table)
        .filter(reminder_notes::state.eq(State::Unfixed))
        .select((ReminderNote::as_select(), Option::<Objection>::as_select()))
        .load(conn)?)
}

fn to_repair(conn: &mut Conn, today: Day) -> Result<Vec<ReminderNote>> {
    Ok(reminder_notes::table
        .filter(reminder_notes::state.eq(State::Reduced))
        .filter(reminder_notes::repair_on.le(today))
        .select(ReminderNote::as_select())
        .load(conn)?)
}

/// The day on which the reduction posts: after the household's days to object, and after its objection was dismissed.
/// `None` while an objection is open.
#[must_use]
pub fn due_on(note: &ReminderNote, objection: Option<&Objection>) -> Option<Day> {
    let after_notice = days_after(note.objections_until?, 1);
    match objection {
        None => Some(after_notice),
        Some(objection) => objection.decided_at.map(|at| day_of(at).max(after_notice)),
    }
}

/// Takes what the limits leave of what the note can cost; nothing when they leave nothing.
fn reduce(conn: &mut Conn, note: &mut ReminderNote, day: Day, now: Moment) -> Result<()> {
    let terms = terms::of(conn, &note.scheme_version_id)?;
    let owner = note.household_id.to_string();
    let mut books = Books::open(conn, [owner.as_str()])?;
    let honour = books.balance(&owner, AccountKind::Honour);
    let amount = left(conn, note, day, &terms)?.min(honour);
    if amount <= Points::ZERO {
        return end_without_points(conn, note, "没有可减的荣誉分，不减分", now);
    }
    let number = books.post(Posting {
        kind: TransactionKind::HonourReduction,
        source: format!("reminder:{}", note.id),
        effective_on: day,
        recorded_at: now,
        posted_by: "system".to_owned(),
        reverses: None,
        entries: Posting::moving(
            amount,
            (&owner, AccountKind::Honour),
            (PROGRAMME, AccountKind::Recognition),
        ),
    })?;
    books.save(conn)?;
    note.state = State::Reduced;
    note.points_taken = Some(amount);
    note.reduced_on = Some(day);
    note.reduction_number = Some(number);
    note.repair_on = Some(days_after(day, terms.honour_penalty.repair_days));
    save(conn, note)?;
    record(conn, note, "system", "reminder.reduced", amount.to_string(), now)
}

/// What the rule, its cap and the household's month leave. What was given back since still counts as taken: the limits are
/// on what a household can be made to lose, and a repair does not make room for more.
fn left(conn: &mut Conn, note: &ReminderNote, day: Day, terms: &Terms) -> Result<Points> {
    let of_month = taken(conn, &note.household_id, None, Span::month_of(day))?;
    let month = terms.honour_penalty.most_per_month.0.saturating_sub(of_month.0);
    let cap = match rule_of(terms, &note.rule_code) {
        Some(cited) => {
            let span = cited.cap_period.around(day);
            let of_rule = taken(conn, &note.household_id, Some(&note.rule_code), span)?;
            rule::cap(cited).0.saturating_sub(of_rule.0)
        }
        None => 0,
    };
    Ok(Points(note.points_at_stake.0.min(month).min(cap).max(0)))
}

/// What was taken from a household in a span, by one rule or by all.
fn taken(conn: &mut Conn, household: &Id<Household>, rule: Option<&str>, span: Span) -> Result<Points> {
    let mut query = reminder_notes::table
        .filter(reminder_notes::household_id.eq(household))
        .filter(
            reminder_notes::reduced_on
                .ge(span.from)
                .and(reminder_notes::reduced_on.lt(span.until)),
        )
        .select(reminder_notes::points_taken)
        .into_boxed();
    if let Some(rule) = rule {
        query = query.filter(reminder_notes::rule_code.eq(rule));
    }
    Ok(query.load::<Option<Points>>(conn)?.into_iter().flatten().sum())
}

fn repair(conn: &mut Conn, note: &mut ReminderNote, now: Moment) -> Result<()> {
    give_back(conn, note, "system", now)?;
    note.state = State::Repaired;
    close(note, None, "到期自动恢复", now);
    save(conn, note)?;
    record(conn, note, "system", "reminder.repaired", String::new(), now)
}

/// Gives back what the note took; to the household into which it was merged, if it was.
pub(super) fn give_back(conn: &mut Conn, note: &mut ReminderNote, by: &str, now: Moment) -> Result<()> {
    let Some(number) = note.reduction_number else {
        return Ok(());
    };
    let source = format!("reminder-repair:{}", note.id);
    let posting = reversal::reverse(conn, number, source, by, now)?;
    let owner = note.household_id.to_string();
    let mut books = Books::open(conn, [owner.as_str()])?;
    note.repair_number = Some(books.post(posting)?);
    books.save(conn)?;
    let survivor = standing::survivor(conn, &note.household_id)?;
    if survivor != note.household_id {
        let transfer = Transfer {
            from: owner.as_str(),
            to: survivor.as_str(),
            spendable: Points::ZERO,
            honour: note.points_taken.unwrap_or_default(),
            time: Points::ZERO,
        };
        transfer.post(conn, format!("transfer-of-repair:{}", note.id), day_of(now), by, now)?;
    }
    Ok(())
}
