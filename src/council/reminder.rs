//! Reminder notes (提醒单): private, to one household, about one rule, with a day by which to put it right.
//!
//! ```text
//! issued → acknowledged → fixed | lapsed                  nothing is taken
//! issued | acknowledged → unfixed → fixed | withdrawn     a second person saw it, the household is told and may object
//! unfixed → reduced → repaired                            by themselves (`due`), within the limits of the rules
//! ```
//!
//! A note asks; it does not punish. What it can cost is the honour score, never points that can be spent or are promised
//! (SG2), and that comes back by itself. Once it is over it is out of every list: there is no black list, no ranking and
//! no count by household (SG11), and only the audit still finds the record.

pub mod check;
pub mod due;
pub mod rule;
pub mod unheeded;

use std::fmt;

use diesel::prelude::*;

use self::unheeded::Objection;
use super::{clockwork, public_text};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, Span, begin_of, day_of, days_after, spoken_day};
use crate::db::schema::{reminder_notes, reminder_objections};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::places::household::{self, Household};
use crate::places::standing;
use crate::points::Points;
use crate::request::{Request, Requests};
use crate::scheme::terms::{self, ReminderRule, Terms};
use crate::scheme::version::{self, SchemeVersion};

/// A note and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = reminder_notes, treat_none_as_null = true)]
pub struct ReminderNote {
    /// Its id.
    pub id: Id<ReminderNote>,
    /// Eight digits on the paper.
    pub code: String,
    /// To whom.
    pub household_id: Id<Household>,
    /// The version in force when it was issued.
    pub scheme_version_id: Id<SchemeVersion>,
    /// The rule it cites, `N01` …
    pub rule_code: String,
    /// The most that it can cost of the honour score.
    pub points_at_stake: Points,
    /// What was seen.
    pub seen: String,
    /// Where.
    pub place: String,
    /// On which day.
    pub seen_on: Day,
    /// The last day to put it right.
    pub fix_by: Day,
    /// From this day on it ends by itself, when nobody confirmed that it is unfixed.
    pub lapses_on: Day,
    /// Where it stands.
    pub state: State,
    /// Who issued it.
    pub issued_by: Id<User>,
    /// When.
    pub issued_at: Moment,
    /// Who handed it over.
    pub acknowledged_by: Option<Id<User>>,
    /// When.
    pub acknowledged_at: Option<Moment>,
    /// In which way.
    pub acknowledged_how: Option<Way>,
    /// The second person, who saw that it is unfixed.
    pub unfixed_by: Option<Id<User>>,
    /// When.
    pub unfixed_at: Option<Moment>,
    /// What that person saw.
    pub unfixed_note: Option<String>,
    /// How the household was told.
    pub told_how: Option<Way>,
    /// The last day on which the household may object.
    pub objections_until: Option<Day>,
    /// What was taken of the honour score.
    pub points_taken: Option<Points>,
    /// The day on which it was taken.
    pub reduced_on: Option<Day>,
    /// The posting that took it.
    pub reduction_number: Option<i64>,
    /// The day on which it comes back.
    pub repair_on: Option<Day>,
    /// The posting that gave it back.
    pub repair_number: Option<i64>,
    /// Who ended it; nobody when it ended by itself.
    pub closed_by: Option<Id<User>>,
    /// When.
    pub closed_at: Option<Moment>,
    /// Why.
    pub closing_reason: Option<String>,
}

text_enum! {
    /// Where a note stands.
    pub enum State {
        /// Written, not yet handed over.
        Issued = "issued", "待送达";
        /// The household has it.
        Acknowledged = "acknowledged", "已送达，待整改";
        /// Seen to be unfixed by a second person; the household was told and may object.
        Unfixed = "unfixed", "已告知，可提异议";
        /// Put right: nothing is taken.
        Fixed = "fixed", "已整改";
        /// Ended by itself: nothing is taken.
        Lapsed = "lapsed", "已过期了结";
        /// Taken back: nothing is taken, or what was taken is back.
        Withdrawn = "withdrawn", "已撤销";
        /// Some of the honour score was taken; it comes back.
        Reduced = "reduced", "已减荣誉分，到期恢复";
        /// What was taken is back.
        Repaired = "repaired", "已恢复";
    }
}

impl State {
    /// States in which somebody still has something to do.
    pub const OPEN: [State; 3] = [State::Issued, State::Acknowledged, State::Unfixed];

    /// Is there still something to do?
    #[must_use]
    pub fn is_open(self) -> bool {
        State::OPEN.contains(&self)
    }

    /// Is it over, so that it is out of every list?
    #[must_use]
    pub fn is_over(self) -> bool {
        !self.is_open() && self != State::Reduced
    }
}

text_enum! {
    /// How something was said to a household, or by it.
    pub enum Way {
        /// Face to face.
        InPerson = "in_person", "当面";
        /// By telephone.
        ByPhone = "by_phone", "电话";
        /// On paper, in an envelope.
        OnPaper = "on_paper", "书面";
    }
}

/// Why something cannot be done with a note.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is over.
    Over(State),
    /// There is an open note about the same.
    AlreadyReminded {
        /// Its number.
        code: String,
    },
    /// The day by which to put it right is not over.
    NotYetDue(Day),
    /// It costs nothing, so there is nothing to confirm.
    NothingAtStake,
    /// The household was told before.
    AlreadyConfirmed,
    /// There is nothing to object to yet, or not any more.
    NothingToObjectTo,
    /// The household has objected before.
    AlreadyObjected,
    /// There is no objection to decide.
    NoOpenObjection,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Over(state) => write!(formatter, "这张提醒单{}，不能再办理。", state.label()),
            Refused::AlreadyReminded { code } => {
                write!(
                    formatter,
                    "这一户已有一张同样的提醒单（{code}）还没了结，请先办结那一张。"
                )
            }
            Refused::NotYetDue(day) => {
                write!(formatter, "整改期限是{}，过了这一天才能复核。", spoken_day(*day))
            }
            Refused::NothingAtStake => formatter.write_str("这张提醒单不减分，到期自行了结，不用复核。"),
            Refused::AlreadyConfirmed => formatter.write_str("已经复核并告知过，不用再办。"),
            Refused::NothingToObjectTo => {
                formatter.write_str("现在没有可以提异议的处理。复核未改并告知之后、减分之前，住户可以提出。")
            }
            Refused::AlreadyObjected => formatter.write_str("这张提醒单的异议已经登记过。"),
            Refused::NoOpenObjection => formatter.write_str("这张提醒单没有等待处理的异议。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::Over(_) => "already_over",
            Refused::AlreadyReminded { .. } => "already_reminded",
            Refused::NotYetDue(_) => "not_yet_due",
            Refused::NothingAtStake => "nothing_at_stake",
            Refused::AlreadyConfirmed => "already_confirmed",
            Refused::NothingToObjectTo => "nothing_to_object_to",
            Refused::AlreadyObjected => "already_objected",
            Refused::NoOpenObjection => "no_open_objection",
        }
    }
}

/// The longest that what was seen may lie back, in days: a month, so that the limits of this month still mean something.
const OLDEST_DAYS: u64 = 31;
/// The longest time to put something right, in days.
const LONGEST_DAYS: u64 = 60;

/// Asks to remind a household.
#[derive(Clone, Debug)]
pub struct Issue {
    /// The household.
    pub household: Id<Household>,
    /// The rule's code in the rules in force.
    pub rule: String,
    /// What was seen.
    pub seen: String,
    /// Where.
    pub place: String,
    /// On which day.
    pub seen_on: Day,
    /// The last day to put it right.
    pub fix_by: Day,
    /// Who issues.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Issues a note; the same request again answers the first one.
///
/// # Errors
/// `Forbidden` for one's own household; [`standing::Refused`] for one that is gone; `Invalid` fields; [`Refused::AlreadyReminded`]; `idempotency_conflict`.
pub fn issue(conn: &mut Conn, asked: &Issue, now: Moment) -> Result<ReminderNote> {
    let content = (
        asked.household.as_str(),
        &asked.rule,
        &asked.seen,
        &asked.place,
        asked.seen_on,
        asked.fix_by,
    );
    let request = Request::new(&asked.key, asked.by.id.as_str(), "reminder.issue", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    clockwork::expect_forward(conn, now)?;
    let household = household::by_id(conn, &asked.household)?;
    if asked.by.household_id.as_ref() == Some(&household.id) {
        return Err(Error::Forbidden("不能给自己家开提醒单，请由他人办理。"));
    }
    standing::expect_active(conn, &household.id)?;
    let today = day_of(now);
    let version = version::in_force(conn, today)
        .map_err(|_| Error::invalid("rule", "现在没有施行中的积分方案，还不能开提醒单。"))?;
    let terms = terms::of(conn, &version.id)?;
    let rule = rule_of(&terms, &asked.rule).ok_or_else(|| Error::invalid("rule", "请选择是哪一条提醒事项。"))?;
    expect_sensible(asked, rule, today)?;
    expect_nothing_personal(&asked.seen, "seen", &household.head_name)?;
    let at_stake = at_stake(conn, asked, rule)?;
    let lapses_after = if at_stake == Points::ZERO {
        0
    } else {
        terms.honour_penalty.repair_days
    };
    let id = Id::new(now);
    let note = ReminderNote {
        code: fresh_code(conn, &id, now)?,
        id,
        household_id: household.id,
        scheme_version_id: version.id,
        rule_code: rule.code.clone(),
        points_at_stake: at_stake,
        seen: asked.seen.trim().to_owned(),
        place: asked.place.trim().to_owned(),
        seen_on: asked.seen_on,
        fix_by: asked.fix_by,
        lapses_on: days_after(asked.fix_by, lapses_after.saturating_add(1)),
        state: State::Issued,
        issued_by: asked.by.id.clone(),
        issued_at: now,
        acknowledged_by: None,
        acknowledged_at: None,
        acknowledged_how: None,
        unfixed_by: None,
        unfixed_at: None,
        unfixed_note: None,
        told_how: None,
        objections_until: None,
        points_taken: None,
        reduced_on: None,
        reduction_number: None,
        repair_on: None,
        repair_number: None,
        closed_by: None,
        closed_at: None,
        closing_reason: None,
    };
    diesel::insert_into(reminder_notes::table).values(&note).execute(conn)?;
    requests.carried_out(&request, note.id.as_str(), now);
    requests.save(conn)?;
    record(
        conn,
        &note,
        asked.by.id.as_str(),
        "reminder.issued",
        note.rule_code.clone(),
        now,
    )?;
    Ok(note)
}

fn expect_sensible(asked: &Issue, rule: &ReminderRule, today: Day) -> Result<()> {
    expect_told(&asked.seen, "seen", "请写明看到了什么，好让住户知道要改什么。", 300)?;
    expect_told(&asked.place, "place", "请写明在哪里看到的。", 100)?;
    if asked.seen_on > today {
        return Err(Error::invalid("seen_on", "看到的日期不能晚于今天。"));
    }
    if days_after(asked.seen_on, OLDEST_DAYS) < today {
        return Err(Error::invalid(
            "seen_on",
            format!("看到的日期不能早于{OLDEST_DAYS}天前。"),
        ));
    }
    let earliest = days_after(today, rule::fewest_days(rule));
    if asked.fix_by < earliest {
        return Err(Error::invalid(
            "fix_by",
            format!("整改期限最早是{}，要给住户留出时间。", spoken_day(earliest)),
        ));
    }
    if asked.fix_by > days_after(today, LONGEST_DAYS) {
        return Err(Error::invalid(
            "fix_by",
            format!("整改期限不能晚于{LONGEST_DAYS}天后。"),
        ));
    }
    Ok(())
}

fn expect_told(text: &str, field: &'static str, missing: &str, most: usize) -> Result<()> {
    match text.trim().chars().count() {
        0 => Err(Error::invalid(field, missing)),
        letters if letters > most => Err(Error::invalid(field, format!("请写在{most}个字以内。"))),
        _ => Ok(()),
    }
}

/// A note is about things, not about people: it lies on a table, and somebody else reads it out (SG9, SG10).
fn expect_nothing_personal(text: &str, field: &'static str, head_name: &str) -> Result<()> {
    let found = public_text::findings(text, head_name);
    match found.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid(
            field,
            format!("只写看到的东西和事情：这里{}，请改写。", found.join("、")),
        )),
    }
}

/// What a new note can cost. A rule that costs «from the second time in a month on» costs nothing the first time; any other
/// is not given twice about the same.
fn at_stake(conn: &mut Conn, asked: &Issue, rule: &ReminderRule) -> Result<Points> {
    let of_this_rule = reminder_notes::table
        .filter(reminder_notes::household_id.eq(&asked.household))
        .filter(reminder_notes::rule_code.eq(&rule.code));
    let costs_from = rule::costs_from(rule);
    if costs_from <= 1 {
        let open = of_this_rule
            .filter(reminder_notes::state.eq_any(State::OPEN))
            .select(reminder_notes::code)
            .first::<String>(conn)
            .optional()?;
        return match open {
            Some(code) => Err(Refused::AlreadyReminded { code: spaced(&code) }.into()),
            None => Ok(rule::cost(rule)),
        };
    }
    let month = Span::month_of(asked.seen_on);
    let earlier = of_this_rule
        .filter(
            reminder_notes::seen_on
                .ge(month.from)
                .and(reminder_notes::seen_on.lt(month.until)),
        )
        .filter(reminder_notes::state.ne(State::Withdrawn))
        .count()
        .get_result::<i64>(conn)?;
    Ok(match earlier.saturating_add(1) >= costs_from {
        true => rule::cost(rule),
        false => Points::ZERO,
    })
}

/// Eight digits that say nothing, taken from the random end of the id, and from another id when they are taken.
fn fresh_code(conn: &mut Conn, id: &Id<ReminderNote>, now: Moment) -> Result<String> {
    let mut from = id.clone();
    loop {
        let end: String = from
            .as_str()
            .chars()
            .rev()
            .filter(char::is_ascii_hexdigit)
            .take(12)
            .collect();
        let number = u64::from_str_radix(&end, 16).unwrap_or(0) % 90_000_000;
        let code = number.saturating_add(10_000_000).to_string();
        let taken = reminder_notes::table
            .filter(reminder_notes::code.eq(&code))
            .count()
            .get_result::<i64>(conn)?;
        if taken == 0 {
            return Ok(code);
        }
        from = Id::new(now);
    }
}

/// A code as people read it out: `4827 1935`.
#[must_use]
pub fn spaced(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((one, other)) => format!("{one} {other}"),
        None => code.to_owned(),
    }
}

/// Asks to do something with a note.
#[derive(Clone, Debug)]
pub struct Act {
    /// The note.
    pub note: Id<ReminderNote>,
    /// Why, or what was seen.
    pub words: String,
    /// In which way something was said.
    pub how: Option<Way>,
    /// Who acts.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Carries out an act once: finds the note, lets `change` decide, and keeps what it made of it.
fn carry_out(
    conn: &mut Conn,
    asked: &Act,
    act: &'static str,
    now: Moment,
    change: impl FnOnce(&mut Conn, &mut ReminderNote) -> Result<()>,
) -> Result<ReminderNote> {
    let content = (asked.note.as_str(), &asked.words, asked.how);
    let request = Request::new(&asked.key, asked.by.id.as_str(), act, &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    clockwork::expect_forward(conn, now)?;
    let mut note = by_id(conn, &asked.note)?;
    change(conn, &mut note)?;
    save(conn, &note)?;
    requests.carried_out(&request, note.id.as_str(), now);
    requests.save(conn)?;
    record(
        conn,
        &note,
        asked.by.id.as_str(),
        act,
        note.state.word().to_owned(),
        now,
    )?;
    Ok(note)
}

/// The household has the note: by hand, by phone, in an envelope.
///
/// # Errors
/// [`Refused::Over`]; `Invalid` when it does not say how.
pub fn acknowledge(conn: &mut Conn, asked: &Act, now: Moment) -> Result<ReminderNote> {
    carry_out(conn, asked, "reminder.acknowledged", now, |_, note| {
        if note.state != State::Issued {
            return Err(Refused::Over(note.state).into());
        }
        let how = asked.how.ok_or_else(|| Error::invalid("how", "请选择是怎样送达的。"))?;
        note.state = State::Acknowledged;
        note.acknowledged_by = Some(asked.by.id.clone());
        note.acknowledged_at = Some(now);
        note.acknowledged_how = Some(how);
        Ok(())
    })
}

/// It was put right: the note is over, and nothing is taken. Possible until something was.
///
/// # Errors
/// [`Refused::Over`]; `Forbidden` for one's own household.
pub fn fix(conn: &mut Conn, asked: &Act, now: Moment) -> Result<ReminderNote> {
    carry_out(conn, asked, "reminder.fixed", now, |conn, note| {
        expect_open(note)?;
        expect_not_own(note, &asked.by, "自己家的提醒单，请由他人来看过再了结。")?;
        unheeded::drop_objection(conn, note, now)?;
        note.state = State::Fixed;
        close(note, Some(&asked.by), asked.words.trim(), now);
        Ok(())
    })
}

/// It was a mistake: the note is over. What it took is given back at once.
///
/// # Errors
/// [`Refused::Over`]; `Forbidden` for one's own household; `Invalid` without a reason.
pub fn withdraw(conn: &mut Conn, asked: &Act, now: Moment) -> Result<ReminderNote> {
    carry_out(conn, asked, "reminder.withdrawn", now, |conn, note| {
        if note.state.is_over() {
            return Err(Refused::Over(note.state).into());
        }
        expect_not_own(note, &asked.by, "自己家的提醒单，请由他人撤销。")?;
        expect_told(&asked.words, "reason", "请写明为什么撤销。", 200)?;
        unheeded::drop_objection(conn, note, now)?;
        if note.state == State::Reduced {
            due::give_back(conn, note, asked.by.id.as_str(), now)?;
        }
        note.state = State::Withdrawn;
        close(note, Some(&asked.by), asked.words.trim(), now);
        Ok(())
    })
}

/// An appeal was upheld: what the note took is given back at once, and it is over. Answers the posting; nothing when it was
/// back already.
pub(super) fn restore(
    conn: &mut Conn,
    mut note: ReminderNote,
    why: &str,
    by: &str,
    now: Moment,
) -> Result<Option<i64>> {
    if note.state != State::Reduced {
        return Ok(None);
    }
    due::give_back(conn, &mut note, by, now)?;
    note.state = State::Withdrawn;
    close(&mut note, None, why, now);
    save(conn, &note)?;
    record(conn, &note, by, "reminder.restored", String::new(), now)?;
    Ok(note.repair_number)
}

fn expect_open(note: &ReminderNote) -> Result<()> {
    match note.state.is_open() {
        true => Ok(()),
        false => Err(Refused::Over(note.state).into()),
    }
}

fn expect_not_own(note: &ReminderNote, by: &User, why: &'static str) -> Result<()> {
    match by.household_id.as_ref() == Some(&note.household_id) {
        true => Err(Error::Forbidden(why)),
        false => Ok(()),
    }
}

fn close(note: &mut ReminderNote, by: Option<&User>, why: &str, now: Moment) {
    note.closed_by = by.map(|user| user.id.clone());
    note.closed_at = Some(now);
    note.closing_reason = (!why.is_empty()).then(|| why.to_owned());
}

fn save(conn: &mut Conn, note: &ReminderNote) -> Result<()> {
    diesel::update(reminder_notes::table.find(&note.id))
        .set(note)
        .execute(conn)?;
    Ok(())
}

fn record(conn: &mut Conn, note: &ReminderNote, by: &str, act: &str, detail: String, now: Moment) -> Result<()> {
    let subject = format!("reminder:{}", note.id);
    audit::record(conn, &[audit::Event::new(by, act, subject, detail, now)])
}

/// The rule of these terms with this code.
#[must_use]
pub fn rule_of<'a>(terms: &'a Terms, code: &str) -> Option<&'a ReminderRule> {
    terms.reminders.iter().find(|rule| rule.code == code)
}

/// A note by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<ReminderNote>) -> Result<ReminderNote> {
    reminder_notes::table
        .find(id)
        .select(ReminderNote::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// How many notes were issued in a span of days.
///
/// # Errors
/// Only when the database fails.
pub fn issued_in(conn: &mut Conn, span: Span) -> Result<i64> {
    Ok(reminder_notes::table
        .filter(reminder_notes::issued_at.ge(begin_of(span.from)))
        .filter(reminder_notes::issued_at.lt(begin_of(span.until)))
        .count()
        .get_result(conn)?)
}

/// Notes by their ids.
///
/// # Errors
/// Only when the database fails.
pub fn by_ids(conn: &mut Conn, ids: &[Id<ReminderNote>]) -> Result<Vec<ReminderNote>> {
    Ok(reminder_notes::table
        .filter(reminder_notes::id.eq_any(ids))
        .select(ReminderNote::as_select())
        .load(conn)?)
}

/// A note by the number on its paper, as it was typed: spaces do not count.
///
/// # Errors
/// `NotFound`.
pub fn by_code(conn: &mut Conn, typed: &str) -> Result<ReminderNote> {
    let code: String = typed.chars().filter(char::is_ascii_digit).collect();
    reminder_notes::table
        .filter(reminder_notes::code.eq(code))
        .select(ReminderNote::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Which notes to list. There is no way to ask for the households with the most.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those that stand in one of these states.
    pub states: Vec<State>,
    /// Only those of these households; `None` for all.
    pub households: Option<Vec<Id<Household>>>,
}

/// Notes with the objection to each, the next day to put right first, at most `limit`.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, filter: &Filter, limit: i64) -> Result<Vec<(ReminderNote, Option<Objection>)>> {
    let mut query = reminder_notes::table
        .left_join(reminder_objections::table)
        .filter(reminder_notes::state.eq_any(&filter.states))
        .select((ReminderNote::as_select(), Option::<Objection>::as_select()))
        .into_boxed();
    if let Some(households) = &filter.households {
        query = query.filter(reminder_notes::household_id.eq_any(households));
    }
    Ok(query
        .order((reminder_notes::fix_by, reminder_notes::id))
        .limit(limit)
        .load(conn)?)
}

/// Notes that are over, for the audit: the last to end first, at most `limit`.
///
/// # Errors
/// Only when the database fails.
pub fn over(conn: &mut Conn, limit: i64) -> Result<Vec<(ReminderNote, Option<Objection>)>> {
    Ok(reminder_notes::table
        .left_join(reminder_objections::table)
        .filter(reminder_notes::closed_at.is_not_null())
        .order((reminder_notes::closed_at.desc(), reminder_notes::id))
        .limit(limit)
        .select((ReminderNote::as_select(), Option::<Objection>::as_select()))
        .load(conn)?)
}
