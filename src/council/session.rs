//! Sessions of a council: convened for a day, opened with a quorum, closed with minutes.
//!
//! ```text
//! convened → open → closed       convened → cancelled
//! ```
//!
//! The agenda is built when the session opens, from everything that is verified in the council's area: rows of levels L1
//! and L2 go into one motion for all rows from which the same members step back, so that recusal holds in a batch too; each
//! L3 row is a motion of its own. How votes are cast and counted is in `motion`.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;

use super::clockwork;
use super::member::{self, Conflicts, CouncilMember, Recused, buildings_of};
use super::motion::{self, Kind, NewMotion};
use super::nomination::{self, Nomination};
use super::refused::Refused;
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::db::schema::{attendances, council_sessions};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::request::{Request, Requests};
use crate::scheme::item::{self, CheckLevel};
use crate::scheme::terms::{self, CouncilTerms};
use crate::scheme::version;

/// A session of a council.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = council_sessions)]
pub struct Session {
    /// Its id.
    pub id: Id<Session>,
    /// 1, 2, 3 … over the whole programme.
    pub number: i64,
    /// The area whose council it is.
    pub area_id: Id<Area>,
    /// The day.
    pub held_on: Day,
    /// Where.
    pub place: String,
    /// How members vote.
    pub ballot: BallotForm,
    /// Where it stands.
    pub state: State,
    /// Who presides.
    pub chair_id: Option<Id<CouncilMember>>,
    /// How many sat in the council when it opened.
    pub seats: Option<i64>,
    /// What was said, besides the votes.
    pub minutes: String,
    /// When it was convened.
    pub convened_at: Moment,
    /// By whom.
    pub convened_by: Id<User>,
    /// When it opened.
    pub opened_at: Option<Moment>,
    /// Who keeps it.
    pub opened_by: Option<Id<User>>,
    /// When it closed.
    pub closed_at: Option<Moment>,
    /// Who closed it.
    pub closed_by: Option<Id<User>>,
}

text_enum! {
    /// How members vote.
    pub enum BallotForm {
        /// By hand; who voted how is in the minutes.
        Open = "open", "举手表决";
        /// On a phone or on paper; only the counts are kept.
        Secret = "secret", "无记名投票";
    }
}

text_enum! {
    /// Where a session stands.
    pub enum State {
        /// Called for a day.
        Convened = "convened", "待召开";
        /// Members are voting.
        Open = "open", "进行中";
        /// Ended, with minutes.
        Closed = "closed", "已结束";
        /// Never held.
        Cancelled = "cancelled", "已取消";
    }
}

/// Asks to convene a session.
#[derive(Clone, Debug)]
pub struct Convene {
    /// The area whose council it is.
    pub area: Id<Area>,
    /// The day.
    pub held_on: Day,
    /// Where.
    pub place: String,
    /// How members vote.
    pub ballot: BallotForm,
    /// Who convenes.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Convenes a session; the same request again answers the first.
///
/// # Errors
/// `Invalid` for a day that is over or without a place; [`Refused::AnotherSession`]; `idempotency_conflict`.
pub fn convene(conn: &mut Conn, asked: &Convene, now: Moment) -> Result<Session> {
    let content = (asked.area.as_str(), asked.held_on, &asked.place, asked.ballot.word());
    let request = Request::new(&asked.key, asked.by.as_str(), "session.convene", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    if asked.held_on < day_of(now) {
        return Err(Error::invalid("held_on", "开会日期不能早于今天。"));
    }
    if asked.place.trim().is_empty() || asked.place.chars().count() > 60 {
        return Err(Error::invalid("place", "请填写开会地点，60个字以内。"));
    }
    if member::sitting(conn, &asked.area, asked.held_on)?.is_empty() {
        return Err(Error::invalid(
            "area",
            "这个范围在那一天没有在任的评议会成员，请先聘任成员。",
        ));
    }
    if under_way(conn, &asked.area)?.is_some() {
        return Err(Refused::AnotherSession.into());
    }
    let last = council_sessions::table
        .select(diesel::dsl::max(council_sessions::number))
        .get_result::<Option<i64>>(conn)?;
    let session = Session {
        id: Id::new(now),
        number: last.unwrap_or(0).saturating_add(1),
        area_id: asked.area.clone(),
        held_on: asked.held_on,
        place: asked.place.trim().to_owned(),
        ballot: asked.ballot,
        state: State::Convened,
        chair_id: None,
        seats: None,
        minutes: String::new(),
        convened_at: now,
        convened_by: asked.by.clone(),
        opened_at: None,
        opened_by: None,
        closed_at: None,
        closed_by: None,
    };
    diesel::insert_into(council_sessions::table)
        .values(&session)
        .execute(conn)?;
    requests.carried_out(&request, session.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &session, &asked.by, "session.convened", now)?;
    Ok(session)
}

/// Asks to open a session.
#[derive(Clone, Debug)]
pub struct Open {
    /// The session.
    pub session: Id<Session>,
    /// Who is there.
    pub present: Vec<Id<CouncilMember>>,
    /// Who presides.
    pub chair: Id<CouncilMember>,
    /// Who keeps it.
    pub by: Id<User>,
}

/// Opens a session with those who are there, and builds its agenda. Opening an open session again answers it.
///
/// # Errors
/// [`Refused::NoQuorum`], [`Refused::NothingToDecide`], [`Refused::SessionIs`]; `Invalid` before its day, or for somebody
/// who does not sit in this council.
pub fn open(conn: &mut Conn, asked: &Open, now: Moment) -> Result<Session> {
    open_with(conn, asked, Business::Nominations, now)
}

/// What a session meets for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Business {
    /// Nominations alone: without any there is no session.
    Nominations,
    /// Something besides that is put to the council, and decided by ballots of its own: titles.
    MoreThanNominations,
}

/// As [`open`]; a session with other business is held although no nomination waits.
///
/// # Errors
/// As [`open`].
pub fn open_with(conn: &mut Conn, asked: &Open, business: Business, now: Moment) -> Result<Session> {
    clockwork::expect_forward(conn, now)?;
    let session = by_id(conn, &asked.session)?;
    match session.state {
        State::Convened => {}
        State::Open => return Ok(session),
        state => return Err(Refused::SessionIs(state).into()),
    }
    let today = day_of(now);
    if today < session.held_on {
        return Err(Error::invalid("session", "还没到开会的日子，到了当天再开会。"));
    }
    let terms = council_terms(conn, today)?;
    let sitting = member::sitting(conn, &session.area_id, today)?;
    let present: Vec<&CouncilMember> = sitting
        .iter()
        .filter(|member| asked.present.contains(&member.id))
        .collect();
    if present.len() != asked.present.len() {
        return Err(Error::invalid("present", "到会名单里有人不在本届评议会，请核对。"));
    }
    if !asked.present.contains(&asked.chair) {
        return Err(Error::invalid("chair", "请从到会成员里选一位主持。"));
    }
    expect_quorum(present.len(), sitting.len(), &terms)?;
    let agenda = agenda(conn, &session.area_id, &sitting, &terms)?;
    if agenda.is_empty() && business == Business::Nominations {
        return Err(Refused::NothingToDecide.into());
    }
    diesel::update(council_sessions::table.find(&session.id))
        .set((
            council_sessions::state.eq(State::Open),
            council_sessions::chair_id.eq(Some(&asked.chair)),
            council_sessions::seats.eq(Some(count(sitting.len()))),
            council_sessions::opened_at.eq(Some(now)),
            council_sessions::opened_by.eq(Some(&asked.by)),
        ))
        .execute(conn)?;
    let arrivals: Vec<Attendance> = present
        .iter()
        .map(|member| Attendance {
            session_id: session.id.clone(),
            member_id: member.id.clone(),
            arrived_at: now,
        })
        .collect();
    insert_rows!(conn, attendances::table, &arrivals);
    motion::put(conn, &session.id, agenda, now)?;
    record(conn, &session, &asked.by, "session.opened", now)?;
    by_id(conn, &session.id)
}

#[derive(Debug, Insertable)]
#[diesel(table_name = attendances)]
struct Attendance {
    session_id: Id<Session>,
    member_id: Id<CouncilMember>,
    arrived_at: Moment,
}

/// Somebody comes late: may vote on what has no result yet, and steps back from what concerns the own household or kin.
///
/// # Errors
/// [`Refused::SessionIs`]; `Invalid` for somebody who does not sit in this council.
pub fn arrive(
    conn: &mut Conn,
    session: &Id<Session>,
    late: &Id<CouncilMember>,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let session = expect_open(conn, session)?;
    let sitting = member::sitting(conn, &session.area_id, day_of(now))?;
    let Some(member) = sitting.into_iter().find(|one| one.id == *late) else {
        return Err(Error::invalid("member", "这位不在本届评议会。"));
    };
    if present(conn, &session.id)?.contains(late) {
        return Ok(());
    }
    let arrival = Attendance {
        session_id: session.id.clone(),
        member_id: late.clone(),
        arrived_at: now,
    };
    diesel::insert_into(attendances::table).values(&arrival).execute(conn)?;
    record(conn, &session, by, "session.arrived", now)?;
    mind_conflicts(conn, &member, by, now)
}

/// A member who was appointed, or who declares kin, while a session is open steps back from what is still to be decided.
/// A row of a batch on which nobody has voted is taken out first, so that the member can vote on the rest; a vote that was
/// cast before stands.
///
/// # Errors
/// Only when the database fails.
pub fn mind_conflicts(conn: &mut Conn, member: &CouncilMember, by: &Id<User>, now: Moment) -> Result<()> {
    let Some(session) = under_way(conn, &member.area_id)?.filter(|session| session.state == State::Open) else {
        return Ok(());
    };
    let terms = council_terms(conn, day_of(now))?;
    let conflicts = Conflicts::load(conn, std::slice::from_ref(member), terms.recuse_same_building)?;
    for put in motion::of_session(conn, &session.id)? {
        if put.state != motion::State::Waiting {
            continue;
        }
        for row in motion::rows_of(conn, &put.id)? {
            let nomination = nomination::by_id(conn, &row)?;
            let household = household::by_id(conn, &nomination.household_id)?;
            let found = conflicts.of(&household, &nomination);
            let Some((_, reason)) = found.into_iter().next() else {
                continue;
            };
            if motion::recusals(conn, &put.id)?.contains_key(&member.id) {
                break;
            }
            let about = match motion::pull_out(conn, &put.id, &row, by, now) {
                Ok(alone) => alone,
                Err(Error::Invalid(_)) => put.id.clone(),
                Err(error) => return Err(error),
            };
            match motion::step_back(conn, &about, &member.id, &reason, by, now) {
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Closes a session when every motion has a result. Closing a closed session again answers it.
///
/// # Errors
/// [`Refused::MotionsWaiting`], [`Refused::SessionIs`]; `Invalid` minutes.
pub fn close(conn: &mut Conn, id: &Id<Session>, minutes: &str, by: &Id<User>, now: Moment) -> Result<Session> {
    clockwork::expect_forward(conn, now)?;
    let session = by_id(conn, id)?;
    match session.state {
        State::Open => {}
        State::Closed => return Ok(session),
        state => return Err(Refused::SessionIs(state).into()),
    }
    if minutes.chars().count() > 4_000 {
        return Err(Error::invalid("minutes", "会议记录请写在4000个字以内。"));
    }
    let waiting = motion::of_session(conn, id)?
        .iter()
        .filter(|motion| motion.state == motion::State::Waiting)
        .count();
    if waiting > 0 {
        return Err(Refused::MotionsWaiting(waiting).into());
    }
    diesel::update(council_sessions::table.find(id))
        .set((
            council_sessions::state.eq(State::Closed),
            council_sessions::minutes.eq(minutes.trim()),
            council_sessions::closed_at.eq(Some(now)),
            council_sessions::closed_by.eq(Some(by)),
        ))
        .execute(conn)?;
    record(conn, &session, by, "session.closed", now)?;
    by_id(conn, id)
}

/// Calls a session off that has not begun.
///
/// # Errors
/// [`Refused::SessionIs`].
pub fn cancel(conn: &mut Conn, id: &Id<Session>, by: &Id<User>, now: Moment) -> Result<Session> {
    let session = by_id(conn, id)?;
    match session.state {
        State::Convened => {}
        State::Cancelled => return Ok(session),
        state => return Err(Refused::SessionIs(state).into()),
    }
    diesel::update(council_sessions::table.find(id))
        .set(council_sessions::state.eq(State::Cancelled))
        .execute(conn)?;
    record(conn, &session, by, "session.cancelled", now)?;
    by_id(conn, id)
}

/// A session by id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Session>) -> Result<Session> {
    council_sessions::table
        .find(id)
        .select(Session::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The numbers of sessions.
///
/// # Errors
/// Only when the database fails.
pub fn numbers(conn: &mut Conn, ids: &[&Id<Session>]) -> Result<HashMap<Id<Session>, i64>> {
    let found: Vec<(Id<Session>, i64)> = council_sessions::table
        .filter(council_sessions::id.eq_any(ids))
        .select((council_sessions::id, council_sessions::number))
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// A session by its number.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<Session> {
    council_sessions::table
        .filter(council_sessions::number.eq(number))
        .select(Session::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// A session that is open.
///
/// # Errors
/// [`Refused::SessionIs`]; `NotFound`.
pub fn expect_open(conn: &mut Conn, id: &Id<Session>) -> Result<Session> {
    let session = by_id(conn, id)?;
    match session.state {
        State::Open => Ok(session),
        state => Err(Refused::SessionIs(state).into()),
    }
}

/// Sessions, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Session>> {
    Ok(council_sessions::table
        .order(council_sessions::number.desc())
        .limit(limit)
        .select(Session::as_select())
        .load(conn)?)
}

/// The session of an area that is convened or open.
///
/// # Errors
/// Only when the database fails.
pub fn under_way(conn: &mut Conn, area: &Id<Area>) -> Result<Option<Session>> {
    Ok(council_sessions::table
        .filter(council_sessions::area_id.eq(area))
        .filter(council_sessions::state.eq_any([State::Convened, State::Open]))
        .select(Session::as_select())
        .first(conn)
        .optional()?)
}

/// Who is at a session.
///
/// # Errors
/// Only when the database fails.
pub fn present(conn: &mut Conn, session: &Id<Session>) -> Result<Vec<Id<CouncilMember>>> {
    Ok(attendances::table
        .filter(attendances::session_id.eq(session))
        .select(attendances::member_id)
        .load(conn)?)
}

/// Who came to a session, and when.
///
/// # Errors
/// Only when the database fails.
pub fn arrivals(conn: &mut Conn, session: &Id<Session>) -> Result<BTreeMap<Id<CouncilMember>, Moment>> {
    Ok(attendances::table
        .filter(attendances::session_id.eq(session))
        .select((attendances::member_id, attendances::arrived_at))
        .load::<(Id<CouncilMember>, Moment)>(conn)?
        .into_iter()
        .collect())
}

/// How a council decides under the rules of a day.
///
/// # Errors
/// `NotFound` without rules in force.
pub fn council_terms(conn: &mut Conn, day: Day) -> Result<CouncilTerms> {
    let version = version::in_force(conn, day)?;
    Ok(terms::of(conn, &version.id)?.council)
}

/// What waits for the council of an area: everything verified there that is on no open agenda, with its household.
///
/// # Errors
/// Only when the database fails.
pub fn waiting(conn: &mut Conn, area: &Id<Area>) -> Result<Vec<(Nomination, Household)>> {
    let buildings = buildings_of(&Tree::load(conn)?, area);
    let verified = nomination::standing(conn, &[nomination::State::Verified])?;
    let on_agenda = motion::nominations_waiting(conn)?;
    let ids: Vec<Id<Household>> = verified.iter().map(|one| one.household_id.clone()).collect();
    let households: BTreeMap<Id<Household>, Household> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|household| (household.id.clone(), household))
        .collect();
    let mut rows = Vec::new();
    for one in verified {
        let Some(household) = households.get(&one.household_id) else {
            continue;
        };
        if buildings.contains(&household.building_id) && !on_agenda.contains(&one.id) {
            rows.push((one, household.clone()));
        }
    }
    Ok(rows)
}

/// The motions of a session that opens now: batches first, by who steps back; then each L3 row.
///
/// # Errors
/// Only when the database fails.
pub fn agenda(
    conn: &mut Conn,
    area: &Id<Area>,
    members: &[CouncilMember],
    terms: &CouncilTerms,
) -> Result<Vec<NewMotion>> {
    let rows = waiting(conn, area)?;
    let conflicts = Conflicts::load(conn, members, terms.recuse_same_building)?;
    let item_ids: Vec<_> = rows.iter().map(|(one, _)| one.scoring_item_id.clone()).collect();
    let levels: BTreeMap<_, CheckLevel> = item::by_ids(conn, &item_ids)?
        .into_iter()
        .map(|item| (item.id.clone(), item.check_level))
        .collect();
    let mut batches: BTreeMap<Recused, Vec<Id<Nomination>>> = BTreeMap::new();
    let mut singles = Vec::new();
    for (one, household) in rows {
        let recused = conflicts.of(&household, &one);
        match levels.get(&one.scoring_item_id) {
            Some(CheckLevel::L1 | CheckLevel::L2) => batches.entry(recused).or_default().push(one.id),
            _ => singles.push(NewMotion {
                kind: Kind::Single,
                rows: vec![one.id],
                recused,
            }),
        }
    }
    // Nobody steps back from the first batch; those with recusals follow.
    let mut motions: Vec<NewMotion> = batches
        .into_iter()
        .map(|(recused, rows)| NewMotion {
            kind: Kind::Batch,
            rows,
            recused,
        })
        .collect();
    motions.extend(singles);
    Ok(motions)
}

fn expect_quorum(present: usize, seats: usize, terms: &CouncilTerms) -> Result<()> {
    let (present, seats) = (count(present), count(seats));
    let need = quorum(seats, terms);
    if present < need || seats == 0 {
        return Err(Refused::NoQuorum { present, need, seats }.into());
    }
    Ok(())
}

/// The fewest of so many seats that can hold a session.
#[must_use]
pub fn quorum(seats: i64, terms: &CouncilTerms) -> i64 {
    let part = seats.saturating_mul(terms.quorum_percent);
    let whole = part.checked_div(100).unwrap_or(seats);
    let rounded_up = whole.saturating_add(i64::from(part % 100 > 0));
    rounded_up.max(terms.fewest_voters).max(1)
}

pub(super) fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn record(conn: &mut Conn, session: &Session, by: &Id<User>, act: &str, now: Moment) -> Result<()> {
    let subject = format!("session:{}", session.number);
    audit::record(
        conn,
        &[audit::Event::new(by.as_str(), act, subject, String::new(), now)],
    )
}
