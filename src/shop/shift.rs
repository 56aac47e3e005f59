//! Shifts: who stands at a till from opening to closing, what went over the counter meanwhile, and who audited it.
//!
//! open → closed → audited. A person has one open shift and a till has one; every redemption, void and refund belongs to
//! one. A shift holds for its day: one that was left open is taken over by a colleague, with a reason. After the audit the
//! shift's redemptions stand for good. Server time only; a shift is never made up afterwards.

use std::fmt;

use diesel::prelude::*;

use super::goods::GoodsItem;
use super::handover;
use super::held;
use super::offline;
use super::opening;
use super::store::PointsStore;
use super::till::{self, Till};
use crate::access::role::{Duties, Permission};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of, spoken_day};
use crate::db::Conn;
use crate::db::schema::shifts;
use crate::error::{Error, Refusal, Result};
use crate::id::Id;

/// A shift.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = shifts, treat_none_as_default_value = false)]
pub struct Shift {
    /// Its id.
    pub id: Id<Shift>,
    /// Its number on paper.
    pub number: i64,
    /// Where.
    pub till_id: Id<Till>,
    /// In which store.
    pub store_id: Id<PointsStore>,
    /// Who stands there.
    pub opened_by: Id<User>,
    /// Since when.
    pub opened_at: Moment,
    /// Why it was opened on a day that is no opening day.
    pub override_reason: Option<String>,
    /// Who closed it.
    pub closed_by: Option<Id<User>>,
    /// When.
    pub closed_at: Option<Moment>,
    /// Why somebody else closed it.
    pub takeover_reason: Option<String>,
    /// Signed slips that were counted at closing.
    pub slips_counted: Option<i64>,
    /// What the next person should know.
    pub closing_note: Option<String>,
    /// Who audited it.
    pub audited_by: Option<Id<User>>,
    /// When.
    pub audited_at: Option<Moment>,
    /// What was found.
    pub audit_note: Option<String>,
}

impl Shift {
    /// The day for which it holds.
    #[must_use]
    pub fn day(&self) -> Day {
        day_of(self.opened_at)
    }

    /// Is it open?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }
}

/// Why something at the till is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The person has no open shift.
    NoOpenShift,
    /// The person's shift is of an earlier day.
    ShiftLeftOpen {
        /// Its day.
        day: Day,
    },
    /// Somebody's shift is open at this till.
    TillTaken,
    /// The person has another open shift.
    AlreadyOpen,
    /// The store redeems on other days, and no reason was given.
    NotAnOpeningDay {
        /// The next day on which it does.
        next: Option<Day>,
    },
    /// Baskets are put aside.
    BasketsHeld {
        /// How many.
        count: usize,
    },
    /// It was closed before.
    AlreadyClosed,
    /// It was audited before: what was redeemed in it stands.
    AlreadyAudited,
    /// Who opened or closed a shift does not audit it (SG13).
    OwnShift,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NoOpenShift => formatter.write_str("还没有开班，请先开班再办理。"),
            Refused::ShiftLeftOpen { day } => {
                let day = spoken_day(*day);
                write!(formatter, "{day}的班还没有交，请先交班，再开今天的班。")
            }
            Refused::TillTaken => formatter.write_str("这个柜台有人当班，请选别的柜台，或先接班。"),
            Refused::AlreadyOpen => formatter.write_str("您已经在另一个柜台开了班，请先交班。"),
            Refused::NotAnOpeningDay { next: Some(next) } => {
                let next = spoken_day(*next);
                write!(
                    formatter,
                    "今天不是兑换日，下一个兑换日是{next}。确需开班，请写明原因。"
                )
            }
            Refused::NotAnOpeningDay { next: None } => formatter.write_str("今天不是兑换日。确需开班，请写明原因。"),
            Refused::BasketsHeld { count } => {
                write!(formatter, "还有{count}张挂单没有办完，请先取回办理或作废，再交班。")
            }
            Refused::AlreadyClosed => formatter.write_str("这个班已经交了。"),
            Refused::AlreadyAudited => formatter.write_str("这一班已经稽核，单据不能再改。有问题请向办公室提出更正。"),
            Refused::OwnShift => formatter.write_str("自己当班或交班的，不能自己稽核，请另一人稽核。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NoOpenShift => "no_open_shift",
            Refused::ShiftLeftOpen { .. } => "shift_left_open",
            Refused::TillTaken => "till_taken",
            Refused::AlreadyOpen => "shift_already_open",
            Refused::NotAnOpeningDay { .. } => "not_an_opening_day",
            Refused::BasketsHeld { .. } => "baskets_held",
            Refused::AlreadyClosed => "shift_already_closed",
            Refused::AlreadyAudited => "shift_already_audited",
            Refused::OwnShift => "own_shift",
        }
    }
}

/// Opens a shift at a till.
///
/// # Errors
/// [`Refused`] when the till or the person has an open shift, or on a day that is no opening day without a reason;
/// `NotFound` for a till that is not in use.
pub fn open(conn: &mut Conn, till: &Id<Till>, reason: &str, by: &Id<User>, now: Moment) -> Result<Shift> {
    let till = till::by_id(conn, till)?;
    if till.withdrawn_at.is_some() {
        return Err(Error::NotFound);
    }
    if of_person(conn, by)?.is_some() {
        return Err(Refused::AlreadyOpen.into());
    }
    if open_at(conn, &till.id)?.is_some() {
        return Err(Refused::TillTaken.into());
    }
    let override_reason = reason_to_open(conn, &till.store_id, reason, day_of(now))?;
    let last = shifts::table
        .select(diesel::dsl::max(shifts::number))
        .get_result::<Option<i64>>(conn)?;
    let shift = Shift {
        id: Id::new(now),
        number: last.unwrap_or(0).saturating_add(1),
        till_id: till.id,
        store_id: till.store_id,
        opened_by: by.clone(),
        opened_at: now,
        override_reason,
        closed_by: None,
        closed_at: None,
        takeover_reason: None,
        slips_counted: None,
        closing_note: None,
        audited_by: None,
        audited_at: None,
        audit_note: None,
    };
    diesel::insert_into(shifts::table).values(&shift).execute(conn)?;
    let detail = shift.override_reason.clone().unwrap_or_default();
    record(conn, &shift, by, "shift.opened", detail, now)?;
    Ok(shift)
}

/// The reason that has to be given on a day that is no opening day; `None` on a day that is one.
fn reason_to_open(conn: &mut Conn, store: &Id<PointsStore>, reason: &str, day: Day) -> Result<Option<String>> {
    let days = opening::of_store(conn, store, day)?;
    if days.is_open(day) {
        return Ok(None);
    }
    match reason.trim() {
        "" => {
            let next = days.next(day);
            Err(Refused::NotAnOpeningDay { next }.into())
        }
        reason if reason.chars().count() > 100 => Err(Error::invalid("reason", "原因最多100个字。")),
        reason => Ok(Some(reason.to_owned())),
    }
}

/// What is handed over at closing.
#[derive(Clone, Debug, Default)]
pub struct Closing {
    /// Signed slips in the box.
    pub slips_counted: Option<i64>,
    /// Goods that were counted.
    pub counts: Vec<(Id<GoodsItem>, i64)>,
    /// What the next person should know.
    pub note: String,
    /// Why somebody else closes it.
    pub takeover_reason: String,
}

/// Closes a shift: its own person, or a colleague who takes it over with a reason.
///
/// # Errors
/// [`Refused`] when it is closed, or baskets are put aside; [`offline::Refused::SalesWaiting`]; `Invalid` for a take-over without a reason or a count below 0.
pub fn close(conn: &mut Conn, id: &Id<Shift>, closing: &Closing, by: &Id<User>, now: Moment) -> Result<Shift> {
    let mut shift = by_id(conn, id)?;
    if !shift.is_open() {
        return Err(Refused::AlreadyClosed.into());
    }
    let takes_over = shift.opened_by != *by;
    let reason = closing.takeover_reason.trim();
    if takes_over && (reason.is_empty() || reason.chars().count() > 100) {
        return Err(Error::invalid("takeover_reason", "替别人交班要写明原因，1至100个字。"));
    }
    if closing.note.chars().count() > 500 {
        return Err(Error::invalid("note", "交接事项最多500个字。"));
    }
    if !takes_over {
        offline::expect_nothing_waits(conn, &shift.till_id, now)?;
    }
    let count = held::of_shift(conn, id)?.len();
    if count > 0 && !takes_over {
        return Err(Refused::BasketsHeld { count }.into());
    }
    // What a colleague left aside was never redeemed: it is dropped with the take-over and said in the record.
    held::drop_all(conn, id)?;
    // What a till that is gone sold without network and never sent is decided by the office when it turns up.
    offline::end(conn, &shift.till_id, now)?;
    handover::keep_counts(conn, &shift, &closing.counts)?;
    shift.closed_by = Some(by.clone());
    shift.closed_at = Some(now);
    shift.takeover_reason = takes_over.then(|| reason.to_owned());
    shift.slips_counted = closing.slips_counted.filter(|slips| *slips >= 0);
    shift.closing_note = Some(closing.note.trim().to_owned()).filter(|note| !note.is_empty());
    diesel::update(shifts::table.find(id))
        .set((
            shifts::closed_by.eq(&shift.closed_by),
            shifts::closed_at.eq(shift.closed_at),
            shifts::takeover_reason.eq(&shift.takeover_reason),
            shifts::slips_counted.eq(shift.slips_counted),
            shifts::closing_note.eq(&shift.closing_note),
        ))
        .execute(conn)?;
    let act = if takes_over { "shift.taken_over" } else { "shift.closed" };
    let detail = shift.takeover_reason.clone().unwrap_or_default();
    record(conn, &shift, by, act, detail, now)?;
    Ok(shift)
}

/// Audits a closed shift: from now on its redemptions stand.
///
/// # Errors
/// [`Refused`] for one's own shift, one that is open or was audited; `Invalid` for a note that is too long.
pub fn audit(conn: &mut Conn, id: &Id<Shift>, note: &str, by: &Id<User>, now: Moment) -> Result<Shift> {
    let mut shift = by_id(conn, id)?;
    if shift.opened_by == *by || shift.closed_by.as_ref() == Some(by) {
        return Err(Refused::OwnShift.into());
    }
    if shift.is_open() {
        return Err(Error::invalid("shift", "这个班还没有交，不能稽核。"));
    }
    if shift.audited_at.is_some() {
        return Err(Refused::AlreadyAudited.into());
    }
    let note = note.trim();
    if note.chars().count() > 500 {
        return Err(Error::invalid("note", "稽核意见最多500个字。"));
    }
    shift.audited_by = Some(by.clone());
    shift.audited_at = Some(now);
    shift.audit_note = Some(note.to_owned()).filter(|note| !note.is_empty());
    diesel::update(shifts::table.find(id))
        .set((
            shifts::audited_by.eq(&shift.audited_by),
            shifts::audited_at.eq(shift.audited_at),
            shifts::audit_note.eq(&shift.audit_note),
        ))
        .execute(conn)?;
    record(conn, &shift, by, "shift.audited", note.to_owned(), now)?;
    Ok(shift)
}

fn record(conn: &mut Conn, shift: &Shift, by: &Id<User>, act: &str, detail: String, now: Moment) -> Result<()> {
    let subject = format!("shift:{}", shift.number);
    audit::record(conn, &[audit::Event::new(by.as_str(), act, subject, detail, now)])
}

/// A shift.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Shift>) -> Result<Shift> {
    shifts::table
        .find(id)
        .select(Shift::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// A shift by its number.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<Shift> {
    shifts::table
        .filter(shifts::number.eq(number))
        .select(Shift::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Shifts by their ids.
///
/// # Errors
/// Only when the database fails.
pub fn by_ids(conn: &mut Conn, ids: &[Id<Shift>]) -> Result<Vec<Shift>> {
    Ok(shifts::table
        .filter(shifts::id.eq_any(ids))
        .select(Shift::as_select())
        .load(conn)?)
}

/// The open shift at a till.
///
/// # Errors
/// Only when the database fails.
pub fn open_at(conn: &mut Conn, till: &Id<Till>) -> Result<Option<Shift>> {
    Ok(shifts::table
        .filter(shifts::till_id.eq(till).and(shifts::closed_at.is_null()))
        .select(Shift::as_select())
        .first(conn)
        .optional()?)
}

/// A person's open shift, of whatever day.
///
/// # Errors
/// Only when the database fails.
pub fn of_person(conn: &mut Conn, person: &Id<User>) -> Result<Option<Shift>> {
    Ok(shifts::table
        .filter(shifts::opened_by.eq(person).and(shifts::closed_at.is_null()))
        .select(Shift::as_select())
        .first(conn)
        .optional()?)
}

/// Of these shifts, those that are open.
///
/// # Errors
/// Only when the database fails.
pub fn open_among(conn: &mut Conn, ids: &[Id<Shift>]) -> Result<Vec<Id<Shift>>> {
    Ok(shifts::table
        .filter(shifts::id.eq_any(ids).and(shifts::closed_at.is_null()))
        .select(shifts::id)
        .load(conn)?)
}

/// The shift in which a person works today.
///
/// # Errors
/// [`Refused::NoOpenShift`], also when the store lies outside the person's duties by now; [`Refused::ShiftLeftOpen`].
pub fn at_work(conn: &mut Conn, person: &Id<User>, duties: &Duties, now: Moment) -> Result<Shift> {
    let shift = of_person(conn, person)?.ok_or(Refused::NoOpenShift)?;
    let stores = super::store::all_of_duties(conn, duties, Permission::Redeem)?;
    if stores.iter().all(|store| store.id != shift.store_id) {
        return Err(Refused::NoOpenShift.into());
    }
    match shift.day() == day_of(now) {
        true => Ok(shift),
        false => Err(Refused::ShiftLeftOpen { day: shift.day() }.into()),
    }
}

/// The shifts of a store, newest first: those after this number are left out.
///
/// # Errors
/// Only when the database fails.
pub fn of_store(conn: &mut Conn, store: &Id<PointsStore>, before: Option<i64>, most: i64) -> Result<Vec<Shift>> {
    Ok(shifts::table
        .filter(shifts::store_id.eq(store))
        .filter(shifts::number.lt(before.unwrap_or(i64::MAX)))
        .order(shifts::number.desc())
        .limit(most)
        .select(Shift::as_select())
        .load(conn)?)
}

/// Refuses to undo what was redeemed in a shift that was audited.
///
/// # Errors
/// [`Refused::AlreadyAudited`].
pub fn expect_not_audited(conn: &mut Conn, shift: Option<&Id<Shift>>) -> Result<()> {
    let Some(id) = shift else { return Ok(()) };
    match by_id(conn, id)?.audited_at {
        None => Ok(()),
        Some(_) => Err(Refused::AlreadyAudited.into()),
    }
}
