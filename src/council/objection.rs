//! Objections (异议): anyone may say, while a row is on public notice, that it is not right.
//!
//! ```text
//! open → upheld | dismissed
//! ```
//!
//! The row waits, and only that row: the rest of the notice goes on. Several people may object to one row; it goes on when
//! all were dismissed, and ends when one is upheld. Whoever decides had no part in the row (`parties`). When half of the
//! time is gone it is urgent, and when all is gone it is dismissed by itself: silence favours the household (SG7).
//!
//! Who objects stays with those who decide. Nobody needs an account, a name or a telephone to object.

use diesel::prelude::*;

use super::deadline::{self, after_days, half_way};
use super::nomination::{self, Nomination, State as Standing};
use super::notice::Notice;
use super::parties::{Parties, Person, Task};
use super::refused::Refused;
use super::{award, clockwork, member, notice, receipt};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Moment, day_of, spoken_day};
use crate::db::schema::{nominations, objections};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::request::{Request, Requests};

/// An objection and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = objections, treat_none_as_null = true)]
pub struct Objection {
    /// Its id.
    pub id: Id<Objection>,
    /// The number on the receipt.
    pub receipt: String,
    /// What it is about.
    pub nomination_id: Id<Nomination>,
    /// What is not right.
    pub reason: String,
    /// Who says so; may be empty.
    pub objector_name: String,
    /// Where to ask; may be empty.
    pub objector_contact: String,
    /// How it came.
    pub channel: Channel,
    /// Who wrote it down; nobody when it came by web.
    pub taken_by: Option<Id<User>>,
    /// When.
    pub filed_at: Moment,
    /// From here on it is urgent.
    pub urgent_from: Moment,
    /// From here on it is dismissed by itself.
    pub decide_by: Moment,
    /// When it became urgent.
    pub escalated_at: Option<Moment>,
    /// Where it stands.
    pub state: State,
    /// When it was decided.
    pub decided_at: Option<Moment>,
    /// By whom; nobody when by silence.
    pub decided_by: Option<Id<User>>,
    /// Why.
    pub decision_reason: Option<String>,
}

text_enum! {
    /// How something was said to the office.
    pub enum Channel {
        /// On our page, without an account.
        Web = "web", "网上";
        /// At the office or the counter.
        InPerson = "in_person", "当面";
        /// By telephone, mostly to the grid worker.
        ByPhone = "by_phone", "电话";
        /// On paper with the slip number.
        OnPaper = "on_paper", "书面";
    }
}

text_enum! {
    /// Where an objection stands.
    pub enum State {
        /// Nobody has decided.
        Open = "open", "待处理";
        /// Right: the row ends without points.
        Upheld = "upheld", "成立";
        /// Not right, or nobody decided in time: the row goes on.
        Dismissed = "dismissed", "不成立";
    }
}

impl Objection {
    /// Is it open and half of its time gone?
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.state == State::Open && self.escalated_at.is_some()
    }

    /// Did nobody decide in time?
    #[must_use]
    pub fn was_silence(&self) -> bool {
        self.state == State::Dismissed && self.decided_by.is_none()
    }
}

/// Why silence dismissed it.
pub const SILENCE: &str = "期限内没有作出处理决定，按规定按有利于住户处理，异议不成立。";
/// Open objections to one row at most, so that nobody buries those who decide.
const MOST_OPEN: usize = 10;
/// The longest texts, in characters.
const REASON_LENGTH: usize = 500;
const NAME_LENGTH: usize = 30;
const CONTACT_LENGTH: usize = 60;

/// Asks to object.
#[derive(Clone, Debug)]
pub struct File {
    /// The slip number, `12-3`.
    pub slip: String,
    /// What is not right.
    pub reason: String,
    /// Who says so; may be empty.
    pub name: String,
    /// Where to ask; may be empty.
    pub contact: String,
    /// How it came.
    pub channel: Channel,
    /// Who writes it down; nobody by web.
    pub taken_by: Option<Id<User>>,
    /// The sender's key.
    pub key: String,
}

/// Takes an objection in; its row waits from now on. The same request again answers the first objection.
///
/// # Errors
/// [`Refused::NoticeEnded`], [`Refused::EnoughObjections`], [`Refused::ClockSetBack`]; `Invalid` fields, also for a slip
/// number that does not exist; `idempotency_conflict`.
pub fn file(conn: &mut Conn, asked: &File, now: Moment) -> Result<Objection> {
    clockwork::expect_forward(conn, now)?;
    let actor = asked.taken_by.as_ref().map_or("web", Id::as_str);
    let content = (
        &asked.slip,
        &asked.reason,
        &asked.name,
        &asked.contact,
        asked.channel.word(),
    );
    let request = Request::new(&asked.key, actor, "objection.file", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let reason = words("reason", &asked.reason, REASON_LENGTH, "请写明哪里不对，500个字以内。")?;
    let name = few_words("name", &asked.name, NAME_LENGTH)?;
    let contact = few_words("contact", &asked.contact, CONTACT_LENGTH)?;
    let (notice, mut row) = notice::row(conn, &asked.slip)?;
    if !notice.runs_at(now) || !matches!(row.state, Standing::Notified | Standing::Suspended) {
        return Err(Refused::NoticeEnded(deadline::last_day(notice.ends_at)).into());
    }
    if open_on(conn, &row.id)?.len() >= MOST_OPEN {
        return Err(Refused::EnoughObjections.into());
    }
    let days = deadline::cycle(conn, day_of(now))?.objection_decision_days;
    let decide_by = after_days(now, days);
    let objection = Objection {
        id: Id::new(now),
        receipt: fresh_receipt(conn)?,
        nomination_id: row.id.clone(),
        reason,
        objector_name: name,
        objector_contact: contact,
        channel: asked.channel,
        taken_by: asked.taken_by.clone(),
        filed_at: now,
        urgent_from: half_way(now, decide_by),
        decide_by,
        escalated_at: None,
        state: State::Open,
        decided_at: None,
        decided_by: None,
        decision_reason: None,
    };
    diesel::insert_into(objections::table)
        .values(&objection)
        .execute(conn)?;
    row.state = Standing::Suspended;
    nomination::save(conn, &row)?;
    requests.carried_out(&request, objection.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &objection, actor, "objection.filed", now)?;
    Ok(objection)
}

/// Asks to decide an objection.
#[derive(Clone, Debug)]
pub struct Decide {
    /// The objection.
    pub objection: Id<Objection>,
    /// Is it right?
    pub upheld: bool,
    /// Why.
    pub reason: String,
    /// Who decides.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Decides an objection. Upheld, the award comes to nothing; dismissed, the row goes on when no other objection is open.
///
/// # Errors
/// [`Refused::TookPart`], [`Refused::ObjectionDecided`], [`Refused::DeadlinePassed`], [`Refused::ClockSetBack`]; `Invalid`
/// without a reason; `NotFound`; `idempotency_conflict`.
pub fn decide(conn: &mut Conn, asked: &Decide, now: Moment) -> Result<Objection> {
    clockwork::expect_forward(conn, now)?;
    let content = (asked.objection.as_str(), asked.upheld, &asked.reason);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "objection.decide", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let objection = by_id(conn, &asked.objection)?;
    if objection.state != State::Open {
        return Err(Refused::ObjectionDecided(objection.state).into());
    }
    if now >= objection.decide_by {
        return Err(Refused::DeadlinePassed(deadline::last_day(objection.decide_by)).into());
    }
    let row = nomination::by_id(conn, &objection.nomination_id)?;
    expect_no_part(conn, &row, &asked.by)?;
    let why = "请写明理由，500个字以内：提异议的人和住户都有权知道。";
    let reason = words("reason", &asked.reason, REASON_LENGTH, why)?;
    let by = Some(asked.by.id.clone());
    let decided = match asked.upheld {
        true => {
            // One that is right ends the row: what others said against it needs no decision of its own.
            let ending = format!("异议成立：{reason}");
            for other in open_on(conn, &row.id)? {
                end(conn, other, State::Upheld, by.clone(), &reason, now)?;
            }
            award::release(conn, row, &ending, asked.by.id.as_str(), now)?;
            by_id(conn, &objection.id)?
        }
        false => {
            let decided = end(conn, objection, State::Dismissed, by, &reason, now)?;
            go_on(conn, row)?;
            decided
        }
    };
    requests.carried_out(&request, decided.id.as_str(), now);
    requests.save(conn)?;
    Ok(decided)
}

/// Refuses whoever had a part in the row.
fn expect_no_part(conn: &mut Conn, row: &Nomination, by: &User) -> Result<()> {
    match part_in(conn, row, by)? {
        Some(part) => Err(Refused::TookPart(part).into()),
        None => Ok(()),
    }
}

/// The part that somebody had in a row, for which others decide about it.
///
/// # Errors
/// Only when the database fails.
pub fn part_in(conn: &mut Conn, row: &Nomination, by: &User) -> Result<Option<super::parties::Part>> {
    let person = Person::of_user(by, &member::all(conn)?);
    Ok(Parties::of(conn, row)?.part_of(&person, Task::Decide))
}

/// The row is on its notice again when nothing is open against it; when the notice has ended it posts with the next run.
fn go_on(conn: &mut Conn, mut row: Nomination) -> Result<()> {
    if row.state == Standing::Suspended && open_on(conn, &row.id)?.is_empty() {
        row.state = Standing::Notified;
        nomination::save(conn, &row)?;
    }
    Ok(())
}

fn end(
    conn: &mut Conn,
    mut objection: Objection,
    state: State,
    by: Option<Id<User>>,
    reason: &str,
    now: Moment,
) -> Result<Objection> {
    objection.state = state;
    objection.decided_at = Some(now);
    objection.decision_reason = Some(reason.to_owned());
    objection.decided_by = by;
    save(conn, &objection)?;
    let act = match state {
        State::Upheld => "objection.upheld",
        State::Open | State::Dismissed => "objection.dismissed",
    };
    let actor = objection.decided_by.clone();
    record(conn, &objection, actor.as_ref().map_or("system", Id::as_str), act, now)?;
    Ok(objection)
}

/// Does what the deadlines ask: what is half over becomes urgent, what is over is dismissed. Answers how many changed.
///
/// # Errors
/// Only when the database fails.
pub fn due(conn: &mut Conn, now: Moment) -> Result<usize> {
    let open = objections::table
        .filter(objections::state.eq(State::Open))
        .filter(objections::urgent_from.le(now))
        .order((objections::filed_at, objections::id))
        .select(Objection::as_select())
        .load::<Objection>(conn)?;
    let mut changed = 0usize;
    for mut objection in open {
        if objection.decide_by <= now {
            let row = nomination::by_id(conn, &objection.nomination_id)?;
            end(conn, objection, State::Dismissed, None, SILENCE, now)?;
            go_on(conn, row)?;
        } else if objection.escalated_at.is_none() {
            objection.escalated_at = Some(now);
            save(conn, &objection)?;
            record(conn, &objection, "system", "objection.escalated", now)?;
        } else {
            continue;
        }
        changed = changed.saturating_add(1);
    }
    Ok(changed)
}

/// Takes out who sent it and where to reach him, of what was decided before a day: nobody needs it any more. Answers
/// how many.
///
/// # Errors
/// Only when the database fails.
pub fn forget_senders(conn: &mut Conn, before: Moment) -> Result<usize> {
    let decided = objections::table
        .filter(objections::decided_at.lt(before))
        .filter(objections::objector_name.ne("").or(objections::objector_contact.ne("")));
    Ok(diesel::update(decided)
        .set((objections::objector_name.eq(""), objections::objector_contact.eq("")))
        .execute(conn)?)
}

/// An objection by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Objection>) -> Result<Objection> {
    objections::table
        .find(id)
        .select(Objection::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// An objection by the number on its receipt, as people type it.
///
/// # Errors
/// `NotFound`.
pub fn by_receipt(conn: &mut Conn, typed: &str) -> Result<Objection> {
    let receipt = receipt::typed(typed).ok_or(Error::NotFound)?;
    objections::table
        .filter(objections::receipt.eq(receipt))
        .select(Objection::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// What was said against a row, in the order in which it came.
///
/// # Errors
/// Only when the database fails.
pub fn of_nomination(conn: &mut Conn, nomination: &Id<Nomination>) -> Result<Vec<Objection>> {
    Ok(objections::table
        .filter(objections::nomination_id.eq(nomination))
        .order((objections::filed_at, objections::id))
        .select(Objection::as_select())
        .load(conn)?)
}

/// What is open against a row.
fn open_on(conn: &mut Conn, nomination: &Id<Nomination>) -> Result<Vec<Objection>> {
    let mut all = of_nomination(conn, nomination)?;
    all.retain(|objection| objection.state == State::Open);
    Ok(all)
}

/// Objections with their rows: what is open first, the next deadline on top; then the newest decisions.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, households: Option<&[Id<Household>]>, limit: i64) -> Result<Vec<(Objection, Nomination)>> {
    let mut found = Vec::new();
    for open in [true, false] {
        let mut query = objections::table
            .inner_join(nominations::table)
            .select((Objection::as_select(), Nomination::as_select()))
            .into_boxed();
        if let Some(households) = households {
            query = query.filter(nominations::household_id.eq_any(households));
        }
        query = match open {
            true => query
                .filter(objections::state.eq(State::Open))
                .order((objections::decide_by, objections::id)),
            false => query
                .filter(objections::state.ne(State::Open))
                .order((objections::decided_at.desc(), objections::id.desc())),
        };
        found.extend(query.limit(limit).load::<(Objection, Nomination)>(conn)?);
    }
    Ok(found)
}

/// How many objections are open, and how many of them urgent, about these households or all.
///
/// # Errors
/// Only when the database fails.
pub fn open_count(conn: &mut Conn, households: Option<&[Id<Household>]>) -> Result<(usize, usize)> {
    let mut query = objections::table
        .inner_join(nominations::table)
        .filter(objections::state.eq(State::Open))
        .select(objections::escalated_at)
        .into_boxed();
    if let Some(households) = households {
        query = query.filter(nominations::household_id.eq_any(households));
    }
    let open = query.load::<Option<Moment>>(conn)?;
    Ok((open.len(), open.iter().flatten().count()))
}

/// The notice of a row that somebody objected to.
///
/// # Errors
/// `NotFound` for a row that was on none.
pub fn notice_of(conn: &mut Conn, row: &Nomination) -> Result<Notice> {
    let id = row.notice_id.clone().ok_or(Error::NotFound)?;
    notice::by_id(conn, &id)
}

fn save(conn: &mut Conn, objection: &Objection) -> Result<()> {
    diesel::update(objections::table.find(&objection.id))
        .set(objection)
        .execute(conn)?;
    Ok(())
}

/// A receipt number that nobody has.
fn fresh_receipt(conn: &mut Conn) -> Result<String> {
    for _ in 0..100u8 {
        let receipt = receipt::random();
        let taken = objections::table
            .filter(objections::receipt.eq(&receipt))
            .count()
            .get_result::<i64>(conn)?;
        if taken == 0 {
            return Ok(receipt);
        }
    }
    Err(Error::internal("no free receipt number was found"))
}

/// A text that must be there.
///
/// # Errors
/// `Invalid` with this sentence when it is not, or too long.
pub fn words(field: &'static str, text: &str, longest: usize, sentence: &'static str) -> Result<String> {
    let text = text.trim();
    match text.is_empty() || text.chars().count() > longest {
        true => Err(Error::invalid(field, sentence)),
        false => Ok(text.to_owned()),
    }
}

/// A text that may be left out.
///
/// # Errors
/// `Invalid` when it is too long.
pub fn few_words(field: &'static str, text: &str, longest: usize) -> Result<String> {
    let text = text.trim();
    match text.chars().count() > longest {
        true => Err(Error::invalid(field, format!("这一栏请写在{longest}个字以内。"))),
        false => Ok(text.to_owned()),
    }
}

/// Who objected and what was said stays out of the record.
fn record(conn: &mut Conn, objection: &Objection, actor: &str, act: &str, now: Moment) -> Result<()> {
    let subject = format!("award:{}", objection.nomination_id);
    let detail = format!(
        "{} {}",
        objection.channel.label(),
        spoken_day(deadline::last_day(objection.decide_by))
    );
    audit::record(conn, &[audit::Event::new(actor, act, subject, detail, now)])
}
