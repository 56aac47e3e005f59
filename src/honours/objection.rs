//! Objections to titles: anyone may say, while a title is on public notice, that it is not right.
//!
//! ```text
//! open → upheld | dismissed | lapsed
//! ```
//!
//! Free, without an account, a name or proof. The title waits, and only that one. Somebody who did not vote and had no other
//! part decides (`parties`); when nobody does in time it is dismissed by itself: silence favours the household (SG7). When
//! the household is gone there is nothing left to decide.

use diesel::prelude::*;

use super::award::{self, Ending, State as Standing, TitleAward};
use super::refused::Refused;
use super::{notice, parties};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Moment, day_of};
use crate::council::objection::{Channel, SILENCE, few_words, words};
use crate::council::refused::Refused as CouncilRefused;
use crate::council::{clockwork, deadline, objection as of_deeds, receipt};
use crate::db::schema::{title_awards, title_objections};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::request::{Request, Requests};

/// An objection to a title and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = title_objections, treat_none_as_null = true)]
pub struct TitleObjection {
    /// Its id.
    pub id: Id<TitleObjection>,
    /// The number on the receipt.
    pub receipt: String,
    /// What it is about.
    pub award_id: Id<TitleAward>,
    /// What is not right.
    pub reason: String,
    /// Who says so; may be empty.
    pub objector_name: String,
    /// Where to ask; may be empty.
    pub objector_contact: String,
    /// When.
    pub filed_at: Moment,
    /// From here on it is dismissed by itself.
    pub decide_by: Moment,
    /// Where it stands.
    pub state: State,
    /// When it was decided.
    pub decided_at: Option<Moment>,
    /// By whom; nobody when by silence.
    pub decided_by: Option<Id<User>>,
    /// Why.
    pub decision_reason: Option<String>,
    /// The way by which it came.
    pub channel: Channel,
    /// Who of the staff wrote it down; nobody for our page.
    pub taken_by: Option<Id<User>>,
}

text_enum! {
    /// Where an objection stands.
    pub enum State {
        /// Nobody has decided.
        Open = "open", "待处理";
        /// Right: the title is not given.
        Upheld = "upheld", "成立";
        /// Not right, or nobody decided in time: the title goes on.
        Dismissed = "dismissed", "不成立";
        /// The household is gone: there is no title to object to.
        Lapsed = "lapsed", "不用再处理";
    }
}

impl TitleObjection {
    /// Does somebody still have to decide?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Is more than half of the time to decide it gone?
    #[must_use]
    pub fn is_urgent(&self, now: Moment) -> bool {
        self.is_open() && deadline::half_way(self.filed_at, self.decide_by) <= now
    }
}

/// Asks to object.
#[derive(Clone, Debug)]
pub struct File {
    /// The slip number, `H3-2`.
    pub slip: String,
    /// What is not right.
    pub reason: String,
    /// Who says so; may be empty.
    pub name: String,
    /// Where to ask; may be empty.
    pub contact: String,
    /// The way by which it came.
    pub channel: Channel,
    /// Who of the staff writes it down; nobody for our page.
    pub taken_by: Option<Id<User>>,
    /// The sender's key.
    pub key: String,
}

/// Open objections to one title at most, as for a deed.
const MOST_OPEN: usize = 10;
const REASON_LENGTH: usize = 500;
const NAME_LENGTH: usize = 30;
const CONTACT_LENGTH: usize = 60;

/// Takes an objection in; its title waits from now on. The same request again answers the first objection.
///
/// # Errors
/// The council's `NoticeEnded`, `EnoughObjections`, `ClockSetBack`; `Invalid` fields; `idempotency_conflict`.
pub fn file(conn: &mut Conn, asked: &File, now: Moment) -> Result<TitleObjection> {
    clockwork::expect_forward(conn, now)?;
    let content = (
        &asked.slip,
        &asked.reason,
        &asked.name,
        &asked.contact,
        asked.channel.word(),
    );
    let actor = asked.taken_by.as_ref().map_or("web", Id::as_str);
    let request = Request::new(&asked.key, actor, "title.object", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let reason = words("reason", &asked.reason, REASON_LENGTH, "请写明哪里不对，500个字以内。")?;
    let name = few_words("name", &asked.name, NAME_LENGTH)?;
    let contact = few_words("contact", &asked.contact, CONTACT_LENGTH)?;
    let (notice, _, mut row) = notice::row(conn, &asked.slip)?;
    if !notice.runs_at(now) || !matches!(row.state, Standing::Notified | Standing::Suspended) {
        return Err(CouncilRefused::NoticeEnded(deadline::last_day(notice.ends_at)).into());
    }
    if open_on(conn, &row.id)?.len() >= MOST_OPEN {
        return Err(CouncilRefused::EnoughObjections.into());
    }
    let days = deadline::cycle(conn, day_of(now))?.objection_decision_days;
    let objection = TitleObjection {
        id: Id::new(now),
        receipt: fresh_receipt(conn)?,
        award_id: row.id.clone(),
        reason,
        objector_name: name,
        objector_contact: contact,
        filed_at: now,
        decide_by: deadline::after_days(now, days),
        state: State::Open,
        decided_at: None,
        decided_by: None,
        decision_reason: None,
        channel: asked.channel,
        taken_by: asked.taken_by.clone(),
    };
    diesel::insert_into(title_objections::table)
        .values(&objection)
        .execute(conn)?;
    row.state = Standing::Suspended;
    award::save(conn, &row)?;
    requests.carried_out(&request, objection.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &objection, actor, "title_objection.filed", now)?;
    Ok(objection)
}

/// Asks to decide an objection.
#[derive(Clone, Debug)]
pub struct Decide {
    /// The objection.
    pub objection: Id<TitleObjection>,
    /// Is it right?
    pub upheld: bool,
    /// Why.
    pub reason: String,
    /// Who decides.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Decides an objection. Upheld, the title is not given; dismissed, it goes on when no other objection is open.
///
/// # Errors
/// [`Refused::ObjectionDecided`]; the council's `TookPart`, `DeadlinePassed`, `ClockSetBack`; `Invalid` without a reason;
/// `NotFound`; `idempotency_conflict`.
pub fn decide(conn: &mut Conn, asked: &Decide, now: Moment) -> Result<TitleObjection> {
    clockwork::expect_forward(conn, now)?;
    let content = (asked.objection.as_str(), asked.upheld, &asked.reason);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "title.decide", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let objection = by_id(conn, &asked.objection)?;
    if objection.state != State::Open {
        return Err(Refused::ObjectionDecided(objection.state).into());
    }
    if now >= objection.decide_by {
        return Err(CouncilRefused::DeadlinePassed(deadline::last_day(objection.decide_by)).into());
    }
    let row = award::by_id(conn, &objection.award_id)?;
    if let Some(part) = parties::part_for_objection(conn, &row, &asked.by)? {
        return Err(CouncilRefused::TookPart(part).into());
    }
    let why = "请写明理由，500个字以内：提异议的人和住户都有权知道。";
    let reason = words("reason", &asked.reason, REASON_LENGTH, why)?;
    let by = Some(asked.by.id.clone());
    let decided = match asked.upheld {
        true => {
            // One that is right ends the matter: what others said needs no decision of its own.
            for other in open_on(conn, &row.id)? {
                end(conn, other, State::Upheld, by.clone(), &reason, now)?;
            }
            let why = (Ending::Objection, format!("异议成立：{reason}"));
            award::decline(conn, row, why, asked.by.id.as_str(), now)?;
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

/// The title is on its notice again when nothing is open against it.
fn go_on(conn: &mut Conn, mut row: TitleAward) -> Result<()> {
    if row.state == Standing::Suspended && open_on(conn, &row.id)?.is_empty() {
        row.state = Standing::Notified;
        award::save(conn, &row)?;
    }
    Ok(())
}

fn end(
    conn: &mut Conn,
    mut objection: TitleObjection,
    state: State,
    by: Option<Id<User>>,
    reason: &str,
    now: Moment,
) -> Result<TitleObjection> {
    objection.state = state;
    objection.decided_at = Some(now);
    objection.decision_reason = Some(reason.to_owned());
    objection.decided_by = by;
    diesel::update(title_objections::table.find(&objection.id))
        .set(&objection)
        .execute(conn)?;
    let act = match state {
        State::Upheld => "title_objection.upheld",
        State::Lapsed => "title_objection.lapsed",
        State::Open | State::Dismissed => "title_objection.dismissed",
    };
    let actor = objection.decided_by.clone();
    record(conn, &objection, actor.as_ref().map_or("system", Id::as_str), act, now)?;
    Ok(objection)
}

/// Ends what is open against a title of a household that is gone: nobody decides it any more.
pub(super) fn lapse(conn: &mut Conn, award: &Id<TitleAward>, why: &str, now: Moment) -> Result<()> {
    for objection in open_on(conn, award)? {
        end(conn, objection, State::Lapsed, None, why, now)?;
    }
    Ok(())
}

/// Dismisses what nobody decided in time. Answers how many.
pub(super) fn due(conn: &mut Conn, now: Moment) -> Result<usize> {
    let over = title_objections::table
        .filter(title_objections::state.eq(State::Open))
        .filter(title_objections::decide_by.le(now))
        .order((title_objections::filed_at, title_objections::id))
        .select(TitleObjection::as_select())
        .load::<TitleObjection>(conn)?;
    let count = over.len();
    for objection in over {
        let row = award::by_id(conn, &objection.award_id)?;
        end(conn, objection, State::Dismissed, None, SILENCE, now)?;
        go_on(conn, row)?;
    }
    Ok(count)
}

/// Takes out who sent it and where to reach him, of what was decided before a day: nobody needs it any more. Answers
/// how many.
///
/// # Errors
/// Only when the database fails.
pub fn forget_senders(conn: &mut Conn, before: Moment) -> Result<usize> {
    let decided = title_objections::table
        .filter(title_objections::decided_at.lt(before))
        .filter(
            title_objections::objector_name
                .ne("")
                .or(title_objections::objector_contact.ne("")),
        );
    Ok(diesel::update(decided)
        .set((
            title_objections::objector_name.eq(""),
            title_objections::objector_contact.eq(""),
        ))
        .execute(conn)?)
}

/// An objection by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<TitleObjection>) -> Result<TitleObjection> {
    title_objections::table
        .find(id)
        .select(TitleObjection::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// An objection by the number on its receipt, as people type it.
///
/// # Errors
/// `NotFound`.
pub fn by_receipt(conn: &mut Conn, typed: &str) -> Result<TitleObjection> {
    let receipt = receipt::typed(typed).ok_or(Error::NotFound)?;
    title_objections::table
        .filter(title_objections::receipt.eq(receipt))
        .select(TitleObjection::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// What was said against a title, in the order in which it came.
///
/// # Errors
/// Only when the database fails.
pub fn of_award(conn: &mut Conn, award: &Id<TitleAward>) -> Result<Vec<TitleObjection>> {
    Ok(title_objections::table
        .filter(title_objections::award_id.eq(award))
        .order((title_objections::filed_at, title_objections::id))
        .select(TitleObjection::as_select())
        .load(conn)?)
}

/// What is open against titles of these households or all, the next deadline first.
///
/// # Errors
/// Only when the database fails.
pub fn open(conn: &mut Conn, households: Option<&[Id<Household>]>) -> Result<Vec<(TitleObjection, TitleAward)>> {
    let mut query = title_objections::table
        .inner_join(title_awards::table)
        .filter(title_objections::state.eq(State::Open))
        .order((title_objections::decide_by, title_objections::id))
        .select((TitleObjection::as_select(), TitleAward::as_select()))
        .into_boxed();
    if let Some(households) = households {
        query = query.filter(title_awards::household_id.eq_any(households));
    }
    Ok(query.load(conn)?)
}

fn open_on(conn: &mut Conn, award: &Id<TitleAward>) -> Result<Vec<TitleObjection>> {
    let mut all = of_award(conn, award)?;
    all.retain(TitleObjection::is_open);
    Ok(all)
}

/// A receipt number that nobody has: neither here nor for a deed, because one page looks all of them up.
fn fresh_receipt(conn: &mut Conn) -> Result<String> {
    for _ in 0..100u8 {
        let receipt = receipt::random();
        let is_free = |found: Result<()>| matches!(found, Err(Error::NotFound));
        let here = by_receipt(conn, &receipt).map(drop);
        let there = of_deeds::by_receipt(conn, &receipt).map(drop);
        if is_free(here) && is_free(there) {
            return Ok(receipt);
        }
    }
    Err(Error::internal("no free receipt number was found"))
}

/// Who objected and what was said stays out of the record.
fn record(conn: &mut Conn, objection: &TitleObjection, actor: &str, act: &str, now: Moment) -> Result<()> {
    let subject = format!("title_award:{}", objection.award_id);
    audit::record(conn, &[audit::Event::new(actor, act, subject, String::new(), now)])
}
