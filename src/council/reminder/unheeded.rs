//! A note that went unheeded: a second person sees that it is unfixed, the household is told and may object.
//!
//! Nothing is taken here. The household has the days of a public notice to object, in private and in any way; an open
//! objection holds everything, and one that nobody decides in time favours the household (SG6, SG7). Three people are in it:
//! who issued, who confirmed, who decides.

use diesel::prelude::*;

use super::{
    Act, Refused, ReminderNote, State, Way, by_id, carry_out, close, expect_not_own, expect_nothing_personal,
    expect_open, expect_told, record, save,
};
use crate::access::user::User;
use crate::clock::{Day, Moment, day_of, days_after};
use crate::db::schema::reminder_objections;
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household;
use crate::points::Points;
use crate::scheme::terms;

/// What a household says against a note, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = reminder_objections, primary_key(reminder_id), treat_none_as_null = true)]
pub struct Objection {
    /// The note.
    pub reminder_id: Id<ReminderNote>,
    /// What the household says.
    pub reason: String,
    /// How it said so.
    pub filed_how: Way,
    /// Who wrote it down.
    pub filed_by: Id<User>,
    /// When.
    pub filed_at: Moment,
    /// The last day on which it is decided; after it the household is right.
    pub decide_by: Day,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// Why.
    pub decision_reason: Option<String>,
    /// Who decided; nobody when silence did.
    pub decided_by: Option<Id<User>>,
    /// When.
    pub decided_at: Option<Moment>,
}

text_enum! {
    /// What became of an objection.
    pub enum Outcome {
        /// The household is right: the note is withdrawn.
        Upheld = "upheld", "异议成立";
        /// Nobody decided in time: the household is right.
        Silence = "silence", "逾期未答复，按异议成立";
        /// The note stands.
        Dismissed = "dismissed", "异议不成立";
        /// The note ended otherwise before it was decided.
        Dropped = "dropped", "已了结，不再处理";
    }
}

impl Objection {
    /// Does it wait for a decision, and hold the note?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.outcome.is_none()
    }
}

/// Confirms that the note is unfixed, and that the household was told. From here its days to object run.
///
/// # Errors
/// `Forbidden` for who issued it and for anyone of the household; [`Refused::NotYetDue`], [`Refused::NothingAtStake`],
/// [`Refused::AlreadyConfirmed`], [`Refused::Over`]; `Invalid` when it does not say what was seen and how it was told.
pub fn confirm(conn: &mut Conn, asked: &Act, now: Moment) -> Result<ReminderNote> {
    carry_out(conn, asked, "reminder.confirmed", now, |conn, note| {
        expect_open(note)?;
        if note.state == State::Unfixed {
            return Err(Refused::AlreadyConfirmed.into());
        }
        if note.issued_by == asked.by.id {
            return Err(Error::Forbidden("开单人不能复核自己开的提醒单，请由另一人到现场看。"));
        }
        expect_not_own(note, &asked.by, "自己家的提醒单，请由他人复核。")?;
        if note.points_at_stake == Points::ZERO {
            return Err(Refused::NothingAtStake.into());
        }
        let today = day_of(now);
        if today <= note.fix_by {
            return Err(Refused::NotYetDue(note.fix_by).into());
        }
        expect_told(&asked.words, "words", "请写明到现场看到了什么。", 300)?;
        let household = household::by_id(conn, &note.household_id)?;
        expect_nothing_personal(&asked.words, "words", &household.head_name)?;
        let how = asked
            .how
            .ok_or_else(|| Error::invalid("how", "请选择是怎样告知住户的；没有告知就不能减分。"))?;
        let terms = terms::of(conn, &note.scheme_version_id)?;
        note.state = State::Unfixed;
        note.unfixed_by = Some(asked.by.id.clone());
        note.unfixed_at = Some(now);
        note.unfixed_note = Some(asked.words.trim().to_owned());
        note.told_how = Some(how);
        note.objections_until = Some(days_after(today, terms.cycle.notice_days));
        Ok(())
    })
}

/// Writes down the household's objection: it holds the note until it is decided.
///
/// # Errors
/// [`Refused::NothingToObjectTo`], [`Refused::AlreadyObjected`]; `Invalid` when it does not say what and how.
pub fn object(conn: &mut Conn, asked: &Act, now: Moment) -> Result<ReminderNote> {
    carry_out(conn, asked, "reminder.objected", now, |conn, note| {
        if note.state != State::Unfixed {
            return Err(Refused::NothingToObjectTo.into());
        }
        if objection_to(conn, &note.id)?.is_some() {
            return Err(Refused::AlreadyObjected.into());
        }
        expect_told(&asked.words, "words", "请写下住户怎么说，一句话就行。", 500)?;
        let how = asked
            .how
            .ok_or_else(|| Error::invalid("how", "请选择住户是怎样提出的。"))?;
        let terms = terms::of(conn, &note.scheme_version_id)?;
        let objection = Objection {
            reminder_id: note.id.clone(),
            reason: asked.words.trim().to_owned(),
            filed_how: how,
            filed_by: asked.by.id.clone(),
            filed_at: now,
            decide_by: days_after(day_of(now), terms.cycle.objection_decision_days),
            outcome: None,
            decision_reason: None,
            decided_by: None,
            decided_at: None,
        };
        diesel::insert_into(reminder_objections::table)
            .values(&objection)
            .execute(conn)?;
        Ok(())
    })
}

/// Decides an objection: upheld, the note is withdrawn; dismissed, it goes on.
///
/// # Errors
/// `Forbidden` for who issued or confirmed the note and for anyone of the household; [`Refused::NoOpenObjection`];
/// `Invalid` without a reason.
pub fn decide(conn: &mut Conn, asked: &Act, upheld: bool, now: Moment) -> Result<ReminderNote> {
    let act = match upheld {
        true => "reminder.objection_upheld",
        false => "reminder.objection_dismissed",
    };
    carry_out(conn, asked, act, now, |conn, note| {
        let mut objection = objection_to(conn, &note.id)?
            .filter(Objection::is_open)
            .ok_or(Refused::NoOpenObjection)?;
        if note.issued_by == asked.by.id || note.unfixed_by.as_ref() == Some(&asked.by.id) {
            return Err(Error::Forbidden("开单人和复核人不能处理这张单的异议，请由第三人处理。"));
        }
        expect_not_own(note, &asked.by, "自己家的异议，请由他人处理。")?;
        expect_told(&asked.words, "words", "请写明理由，好答复住户。", 300)?;
        objection.outcome = Some(if upheld { Outcome::Upheld } else { Outcome::Dismissed });
        objection.decision_reason = Some(asked.words.trim().to_owned());
        objection.decided_by = Some(asked.by.id.clone());
        objection.decided_at = Some(now);
        save_objection(conn, &objection)?;
        if upheld {
            note.state = State::Withdrawn;
            close(note, Some(&asked.by), asked.words.trim(), now);
        }
        Ok(())
    })
}

/// Objections that nobody decided in time: the household is right, and the note is withdrawn.
pub(super) fn silence(conn: &mut Conn, today: Day, now: Moment) -> Result<usize> {
    let late = reminder_objections::table
        .filter(reminder_objections::outcome.is_null())
        .filter(reminder_objections::decide_by.lt(today))
        .order(reminder_objections::reminder_id)
        .select(Objection::as_select())
        .load(conn)?;
    for mut objection in late.iter().cloned() {
        let mut note = by_id(conn, &objection.reminder_id)?;
        objection.outcome = Some(Outcome::Silence);
        objection.decided_at = Some(now);
        save_objection(conn, &objection)?;
        note.state = State::Withdrawn;
        close(&mut note, None, Outcome::Silence.label(), now);
        save(conn, &note)?;
        record(
            conn,
            &note,
            "system",
            "reminder.objection_upheld",
            "silence".to_owned(),
            now,
        )?;
    }
    Ok(late.len())
}

/// The note ends otherwise: nobody needs to decide any more.
pub(super) fn drop_objection(conn: &mut Conn, note: &ReminderNote, now: Moment) -> Result<()> {
    let open = objection_to(conn, &note.id)?.filter(Objection::is_open);
    if let Some(mut objection) = open {
        objection.outcome = Some(Outcome::Dropped);
        objection.decided_at = Some(now);
        save_objection(conn, &objection)?;
    }
    Ok(())
}

fn save_objection(conn: &mut Conn, objection: &Objection) -> Result<()> {
    diesel::update(reminder_objections::table.find(&objection.reminder_id))
        .set(objection)
        .execute(conn)?;
    Ok(())
}

/// The objection to a note, if there is one.
///
/// # Errors
/// Only when the database fails.
pub fn objection_to(conn: &mut Conn, note: &Id<ReminderNote>) -> Result<Option<Objection>> {
    Ok(reminder_objections::table
        .find(note)
        .select(Objection::as_select())
        .get_result(conn)
        .optional()?)
}
