//! Motions: one question of a session, how members vote on it, and what the result does.
//!
//! ```text
//! waiting → approved | declined | deferred
//! ```
//!
//! A member votes once, never on what concerns the own household or kin, and only while present. In an open ballot the
//! keeper records hands and `ballots` holds who voted how. In a secret ballot members vote on their own phones, or a paper
//! tally is keyed by two people; then only the counts are kept, and who has voted. A motion passes with more than the
//! scheme's part of those present who need not step back; a tie and an abstention do not carry it. When too few are left
//! after recusal it is put off to the next session. A result is final here: what comes after is notice and appeal.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::member::{self, CouncilMember, Recused};
use super::nomination::{self, Nomination};
use super::refused::Refused;
use super::session::{self, BallotForm, Session, count};
use super::{award, clockwork};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Moment, day_of};
use crate::db::schema::{ballots, motion_recusals, motion_rows, motions, tallies};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::request::{Request, Requests};
use crate::scheme::item::{self, CheckLevel};

/// One question of a session.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = motions)]
pub struct Motion {
    /// Its id.
    pub id: Id<Motion>,
    /// The session.
    pub session_id: Id<Session>,
    /// Its place on the agenda, from 1.
    pub position: i64,
    /// A batch, or one row.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// Votes in favour.
    pub votes_for: i64,
    /// Votes against.
    pub votes_against: i64,
    /// Abstentions.
    pub abstentions: i64,
    /// When it was decided.
    pub decided_at: Option<Moment>,
    /// Who recorded the last vote or ended the voting.
    pub decided_by: Option<Id<User>>,
}

text_enum! {
    /// What a motion is about.
    pub enum Kind {
        /// Rows of levels L1 and L2, decided together.
        Batch = "batch", "批量确认";
        /// One row.
        Single = "single", "逐项表决";
    }
}

text_enum! {
    /// Where a motion stands.
    pub enum State {
        /// No result yet.
        Waiting = "waiting", "待表决";
        /// Carried: its rows go on public notice.
        Approved = "approved", "通过";
        /// Not carried.
        Declined = "declined", "未通过";
        /// Too few could vote: its rows come up again.
        Deferred = "deferred", "留待下次";
    }
}

text_enum! {
    /// A vote.
    pub enum Choice {
        /// In favour.
        For = "for", "赞成";
        /// Against.
        Against = "against", "反对";
        /// Neither.
        Abstain = "abstain", "弃权";
    }
}

/// A motion that is put to a session.
#[derive(Clone, Debug)]
pub struct NewMotion {
    /// A batch, or one row.
    pub kind: Kind,
    /// What it is about.
    pub rows: Vec<Id<Nomination>>,
    /// Who steps back, and why.
    pub recused: Recused,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = motion_rows)]
struct Row {
    motion_id: Id<Motion>,
    position: i64,
    nomination_id: Id<Nomination>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = motion_recusals)]
struct Recusal {
    motion_id: Id<Motion>,
    member_id: Id<CouncilMember>,
    reason: String,
}

/// Puts motions to a session, in order.
pub(super) fn put(conn: &mut Conn, session: &Id<Session>, new: Vec<NewMotion>, now: Moment) -> Result<()> {
    let last = motions::table
        .filter(motions::session_id.eq(session))
        .select(diesel::dsl::max(motions::position))
        .get_result::<Option<i64>>(conn)?
        .unwrap_or(0);
    let (mut put, mut rows, mut recusals) = (Vec::new(), Vec::new(), Vec::new());
    for (position, motion) in (last.saturating_add(1)..).zip(new) {
        let id: Id<Motion> = Id::new(now);
        rows.extend((1i64..).zip(motion.rows).map(|(position, nomination_id)| Row {
            motion_id: id.clone(),
            position,
            nomination_id,
        }));
        recusals.extend(motion.recused.into_iter().map(|(member_id, reason)| Recusal {
            motion_id: id.clone(),
            member_id,
            reason,
        }));
        put.push(Motion {
            id,
            session_id: session.clone(),
            position,
            kind: motion.kind,
            state: State::Waiting,
            votes_for: 0,
            votes_against: 0,
            abstentions: 0,
            decided_at: None,
            decided_by: None,
        });
    }
    insert_rows!(conn, motions::table, &put);
    insert_rows!(conn, motion_rows::table, &rows);
    insert_rows!(conn, motion_recusals::table, &recusals);
    Ok(())
}

/// A vote of one member.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The motion.
    pub motion: Id<Motion>,
    /// Whose vote.
    pub member: Id<CouncilMember>,
    /// The vote.
    pub choice: Choice,
    /// Who sends it: the member, or in an open ballot whoever keeps the session.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Casts a vote; when everybody who can vote has voted, the motion is decided.
///
/// # Errors
/// [`Refused::VotingClosed`], [`Refused::AlreadyVoted`], [`Refused::SteppedBack`], [`Refused::NotPresent`],
/// [`Refused::SecretBallot`], [`Refused::SessionIs`].
pub fn cast(conn: &mut Conn, asked: &Cast, member: &CouncilMember, now: Moment) -> Result<Motion> {
    let floor = Floor::of(conn, &asked.motion, now)?;
    // What is kept of a secret vote must not tell the vote: its request is known by motion and member alone.
    let choice = match floor.session.ballot {
        BallotForm::Open => asked.choice.word(),
        BallotForm::Secret => "",
    };
    let content = (asked.motion.as_str(), asked.member.as_str(), choice);
    let request = Request::new(&asked.key, asked.by.as_str(), "motion.vote", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if requests.earlier(&request)?.is_some() {
        return by_id(conn, &asked.motion);
    }
    let own = member.user_id.as_ref() == Some(&asked.by);
    if !own && floor.session.ballot == BallotForm::Secret {
        return Err(Refused::SecretBallot.into());
    }
    floor.expect_may_vote(&asked.member)?;
    let motion = floor.take(conn, &[(asked.member.clone(), asked.choice)], &asked.by, now)?;
    requests.carried_out(&request, asked.motion.as_str(), now);
    requests.save(conn)?;
    Ok(motion)
}

/// Records raised hands: the votes of several members at once, in an open ballot.
///
/// # Errors
/// As [`cast`]; nothing is kept when one of the votes is refused.
pub fn record_hands(
    conn: &mut Conn,
    motion: &Id<Motion>,
    hands: &[(Id<CouncilMember>, Choice)],
    by: &Id<User>,
    now: Moment,
) -> Result<Motion> {
    let floor = Floor::of(conn, motion, now)?;
    if floor.session.ballot == BallotForm::Secret {
        return Err(Refused::SecretBallot.into());
    }
    for (member, _) in hands {
        floor.expect_may_vote(member)?;
    }
    floor.take(conn, hands, by, now)
}

/// Ends the voting: who has not voted has abstained.
///
/// # Errors
/// [`Refused::VotingClosed`], [`Refused::SessionIs`].
pub fn end_voting(conn: &mut Conn, motion: &Id<Motion>, by: &Id<User>, now: Moment) -> Result<Motion> {
    let floor = Floor::of(conn, motion, now)?;
    floor.decide(conn, by, now)
}

/// What a signed paper tally says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Votes in favour.
    pub votes_for: i64,
    /// Votes against.
    pub votes_against: i64,
    /// Abstentions.
    pub abstentions: i64,
}

/// What became of a keyed tally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tally {
    /// Somebody else keys it as well.
    First,
    /// The other person keyed other numbers: look at the paper again.
    Differs(Counts),
    /// Both keyed the same; the motion is decided.
    Agreed(Motion),
}

/// Keys a paper tally for those who have not voted otherwise. Two people key it; each may mend what he keyed until both agree.
///
/// # Errors
/// [`Refused::TooManyVotes`], [`Refused::VotingClosed`], [`Refused::SessionIs`]; `Invalid` numbers.
pub fn key_tally(conn: &mut Conn, motion: &Id<Motion>, counts: Counts, by: &Id<User>, now: Moment) -> Result<Tally> {
    let floor = Floor::of(conn, motion, now)?;
    let all = [counts.votes_for, counts.votes_against, counts.abstentions];
    if all.iter().any(|votes| !(0..=1_000).contains(votes)) {
        return Err(Error::invalid("votes_for", "票数应为0或正整数。"));
    }
    let keyed = counts
        .votes_for
        .saturating_add(counts.votes_against)
        .saturating_add(counts.abstentions);
    let voters = floor.voters().saturating_sub(count(floor.voted.len()));
    if keyed > voters {
        return Err(Refused::TooManyVotes { keyed, voters }.into());
    }
    diesel::delete(tallies::table.find((motion, by))).execute(conn)?;
    diesel::insert_into(tallies::table)
        .values((
            tallies::motion_id.eq(motion),
            tallies::keyed_by.eq(by),
            tallies::votes_for.eq(counts.votes_for),
            tallies::votes_against.eq(counts.votes_against),
            tallies::abstentions.eq(counts.abstentions),
            tallies::keyed_at.eq(now),
        ))
        .execute(conn)?;
    let others = tallies::table
        .filter(tallies::motion_id.eq(motion).and(tallies::keyed_by.ne(by)))
        .order(tallies::keyed_at.desc())
        .select((tallies::votes_for, tallies::votes_against, tallies::abstentions))
        .load::<(i64, i64, i64)>(conn)?;
    let same = (counts.votes_for, counts.votes_against, counts.abstentions);
    let Some(other) = others.iter().find(|other| **other == same).or(others.first()) else {
        return Ok(Tally::First);
    };
    if *other != same {
        return Ok(Tally::Differs(Counts {
            votes_for: other.0,
            votes_against: other.1,
            abstentions: other.2,
        }));
    }
    floor.add(conn, counts)?;
    Floor::of(conn, motion, now)?.decide(conn, by, now).map(Tally::Agreed)
}

/// Takes a row out of its batch, to be decided on its own: any member may ask for it. Answers the new motion.
///
/// # Errors
/// [`Refused::VotingClosed`], [`Refused::SessionIs`]; `NotFound`; `Invalid` when votes have been cast or the row is alone.
pub fn pull_out(
    conn: &mut Conn,
    motion: &Id<Motion>,
    nomination: &Id<Nomination>,
    by: &Id<User>,
    now: Moment,
) -> Result<Id<Motion>> {
    let floor = Floor::of(conn, motion, now)?;
    let rows = rows_of(conn, motion)?;
    if !rows.contains(nomination) {
        return Err(Error::NotFound);
    }
    if rows.len() < 2 {
        return Err(Error::invalid("nomination", "这一项本来就单独表决。"));
    }
    let cast = floor.motion.votes_for.saturating_add(floor.motion.votes_against);
    if cast > 0 || !floor.voted.is_empty() || !keyed(conn, motion)?.is_empty() {
        return Err(Error::invalid("nomination", "这一批已经开始投票，不能再抽出。"));
    }
    diesel::delete(motion_rows::table.find((motion, nomination))).execute(conn)?;
    let recused = recusals(conn, motion)?.into_iter().collect();
    let alone = NewMotion {
        kind: Kind::Single,
        rows: vec![nomination.clone()],
        recused,
    };
    put(conn, &floor.session.id, vec![alone], now)?;
    let subject = format!("award:{nomination}");
    let event = audit::Event::new(by.as_str(), "motion.pulled_out", subject, String::new(), now);
    audit::record(conn, &[event])?;
    let mut found = of_nomination(conn, nomination)?.into_iter();
    let alone = found.find(|one| one.session_id == floor.session.id && one.state == State::Waiting);
    alone.map(|one| one.id).ok_or(Error::NotFound)
}

/// A member says at the session that a household is near to them, and steps back from the motion.
///
/// # Errors
/// [`Refused::AlreadyVoted`], [`Refused::VotingClosed`], [`Refused::SessionIs`]; `NotFound` for a member of another council;
/// `Invalid` without a reason.
pub fn step_back(
    conn: &mut Conn,
    motion: &Id<Motion>,
    member: &Id<CouncilMember>,
    reason: &str,
    by: &Id<User>,
    now: Moment,
) -> Result<Motion> {
    let mut floor = Floor::of(conn, motion, now)?;
    if member::by_id(conn, member)?.area_id != floor.session.area_id {
        return Err(Error::NotFound);
    }
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 30 {
        return Err(Error::invalid("reason", "请写明为什么回避，30个字以内，例如“亲属”。"));
    }
    if floor.voted.contains(member) {
        return Err(Refused::AlreadyVoted.into());
    }
    if floor.recused.contains_key(member) {
        return Ok(floor.motion);
    }
    let recusal = Recusal {
        motion_id: motion.clone(),
        member_id: member.clone(),
        reason: reason.to_owned(),
    };
    diesel::insert_into(motion_recusals::table)
        .values(&recusal)
        .execute(conn)?;
    // Who it is, but not why: kinship is personal.
    let subject = format!("session:{}", floor.session.number);
    let detail = format!("motion {} member {member}", floor.motion.position);
    let event = audit::Event::new(by.as_str(), "motion.stepped_back", subject, detail, now);
    audit::record(conn, &[event])?;
    floor.recused.insert(member.clone(), recusal.reason);
    // Whoever was still waited for has gone.
    match !floor.voted.is_empty() && count(floor.voted.len()) >= floor.voters() {
        true => floor.decide(conn, by, now),
        false => Ok(floor.motion),
    }
}

/// A motion that can still be voted on, with everything that decides who may.
struct Floor {
    motion: Motion,
    session: Session,
    present: Vec<Id<CouncilMember>>,
    recused: HashMap<Id<CouncilMember>, String>,
    voted: HashSet<Id<CouncilMember>>,
}

impl Floor {
    fn of(conn: &mut Conn, id: &Id<Motion>, now: Moment) -> Result<Floor> {
        clockwork::expect_forward(conn, now)?;
        let motion = by_id(conn, id)?;
        let session = session::expect_open(conn, &motion.session_id)?;
        if motion.state != State::Waiting {
            return Err(Refused::VotingClosed.into());
        }
        Ok(Floor {
            present: session::present(conn, &session.id)?,
            recused: recusals(conn, id)?,
            voted: ballots::table
                .filter(ballots::motion_id.eq(id))
                .select(ballots::member_id)
                .load::<Id<CouncilMember>>(conn)?
                .into_iter()
                .collect(),
            motion,
            session,
        })
    }

    /// How many are here and need not step back.
    fn voters(&self) -> i64 {
        count(
            self.present
                .iter()
                .filter(|member| !self.recused.contains_key(member))
                .count(),
        )
    }

    fn expect_may_vote(&self, member: &Id<CouncilMember>) -> Result<()> {
        if let Some(reason) = self.recused.get(member) {
            return Err(Refused::SteppedBack(reason.clone()).into());
        }
        if !self.present.contains(member) {
            return Err(Refused::NotPresent.into());
        }
        if self.voted.contains(member) {
            return Err(Refused::AlreadyVoted.into());
        }
        Ok(())
    }

    /// Writes votes that were found to be in order, and decides when nobody is left.
    fn take(
        mut self,
        conn: &mut Conn,
        votes: &[(Id<CouncilMember>, Choice)],
        by: &Id<User>,
        now: Moment,
    ) -> Result<Motion> {
        let mut counts = Counts {
            votes_for: 0,
            votes_against: 0,
            abstentions: 0,
        };
        for (member, choice) in votes {
            if !self.voted.insert(member.clone()) {
                return Err(Refused::AlreadyVoted.into());
            }
            let counter = match choice {
                Choice::For => &mut counts.votes_for,
                Choice::Against => &mut counts.votes_against,
                Choice::Abstain => &mut counts.abstentions,
            };
            *counter = counter.saturating_add(1);
            let kept = (self.session.ballot == BallotForm::Open).then_some(*choice);
            diesel::insert_into(ballots::table)
                .values((
                    ballots::motion_id.eq(&self.motion.id),
                    ballots::member_id.eq(member),
                    ballots::choice.eq(kept),
                    ballots::cast_at.eq(now),
                    ballots::keyed_by.eq(by),
                ))
                .execute(conn)?;
        }
        self.add(conn, counts)?;
        self.motion = by_id(conn, &self.motion.id)?;
        match count(self.voted.len()) >= self.voters() {
            true => self.decide(conn, by, now),
            false => Ok(self.motion),
        }
    }

    fn add(&self, conn: &mut Conn, counts: Counts) -> Result<()> {
        diesel::update(motions::table.find(&self.motion.id))
            .set((
                motions::votes_for.eq(motions::votes_for + counts.votes_for),
                motions::votes_against.eq(motions::votes_against + counts.votes_against),
                motions::abstentions.eq(motions::abstentions + counts.abstentions),
            ))
            .execute(conn)?;
        Ok(())
    }

    /// The result by the scheme's rule, and what it does to the rows.
    fn decide(self, conn: &mut Conn, by: &Id<User>, now: Moment) -> Result<Motion> {
        let terms = session::council_terms(conn, day_of(now))?;
        let voters = self.voters();
        let ids = rows_of(conn, &self.motion.id)?;
        let mut rows = nomination::by_ids(conn, &ids)?;
        rows.sort_by(|one, other| (one.occurred_on, &one.id).cmp(&(other.occurred_on, &other.id)));
        let item_ids: Vec<_> = rows.iter().map(|row| row.scoring_item_id.clone()).collect();
        let items = item::by_ids(conn, &item_ids)?;
        let part = match items.iter().any(|item| item.check_level == CheckLevel::L3) {
            true => terms.approve_l3_more_than_percent,
            false => terms.approve_more_than_percent,
        };
        let motion = &self.motion;
        let carried = motion.votes_for.saturating_mul(100) > part.saturating_mul(voters);
        let state = match () {
            () if voters < terms.fewest_voters => State::Deferred,
            () if carried => State::Approved,
            () => State::Declined,
        };
        diesel::update(motions::table.find(&motion.id))
            .set((
                motions::state.eq(state),
                motions::decided_at.eq(Some(now)),
                motions::decided_by.eq(Some(by)),
            ))
            .execute(conn)?;
        match state {
            State::Approved => award::hold(conn, rows, by, now)?,
            State::Declined => {
                for mut row in rows {
                    row.state = nomination::State::Declined;
                    row.ending_reason = Some(format!(
                        "第{}次会议未通过：赞成{}，反对{}，弃权{}，应投{voters}人",
                        self.session.number, motion.votes_for, motion.votes_against, motion.abstentions
                    ));
                    nomination::save(conn, &row)?;
                }
            }
            State::Waiting | State::Deferred => {}
        }
        let subject = format!("session:{}", self.session.number);
        let detail = format!(
            "motion {} {} {}:{}:{}",
            motion.position,
            state.word(),
            motion.votes_for,
            motion.votes_against,
            motion.abstentions
        );
        audit::record(
            conn,
            &[audit::Event::new(by.as_str(), "motion.decided", subject, detail, now)],
        )?;
        by_id(conn, &motion.id)
    }
}

/// A motion by id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Motion>) -> Result<Motion> {
    motions::table
        .find(id)
        .select(Motion::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The motions of a session, in order.
///
/// # Errors
/// Only when the database fails.
pub fn of_session(conn: &mut Conn, session: &Id<Session>) -> Result<Vec<Motion>> {
    Ok(motions::table
        .filter(motions::session_id.eq(session))
        .order(motions::position)
        .select(Motion::as_select())
        .load(conn)?)
}

/// What a motion is about, in order.
///
/// # Errors
/// Only when the database fails.
pub fn rows_of(conn: &mut Conn, motion: &Id<Motion>) -> Result<Vec<Id<Nomination>>> {
    Ok(motion_rows::table
        .filter(motion_rows::motion_id.eq(motion))
        .order(motion_rows::position)
        .select(motion_rows::nomination_id)
        .load(conn)?)
}

/// Who steps back from a motion, and why.
///
/// # Errors
/// Only when the database fails.
pub fn recusals(conn: &mut Conn, motion: &Id<Motion>) -> Result<HashMap<Id<CouncilMember>, String>> {
    Ok(motion_recusals::table
        .filter(motion_recusals::motion_id.eq(motion))
        .select((motion_recusals::member_id, motion_recusals::reason))
        .load::<(Id<CouncilMember>, String)>(conn)?
        .into_iter()
        .collect())
}

/// Who has voted on a motion; how, only in an open ballot.
///
/// # Errors
/// Only when the database fails.
pub fn votes(conn: &mut Conn, motion: &Id<Motion>) -> Result<Vec<(Id<CouncilMember>, Option<Choice>)>> {
    Ok(ballots::table
        .filter(ballots::motion_id.eq(motion))
        .select((ballots::member_id, ballots::choice))
        .load(conn)?)
}

/// Who keyed a paper tally of a motion, and what.
///
/// # Errors
/// Only when the database fails.
pub fn keyed(conn: &mut Conn, motion: &Id<Motion>) -> Result<Vec<(Id<User>, Counts)>> {
    let rows = tallies::table
        .filter(tallies::motion_id.eq(motion))
        .select((
            tallies::keyed_by,
            tallies::votes_for,
            tallies::votes_against,
            tallies::abstentions,
        ))
        .load::<(Id<User>, i64, i64, i64)>(conn)?;
    let counts = |(by, votes_for, votes_against, abstentions)| {
        let counts = Counts {
            votes_for,
            votes_against,
            abstentions,
        };
        (by, counts)
    };
    Ok(rows.into_iter().map(counts).collect())
}

/// The motions that a nomination came up in, the last one last.
///
/// # Errors
/// Only when the database fails.
pub fn of_nomination(conn: &mut Conn, nomination: &Id<Nomination>) -> Result<Vec<Motion>> {
    Ok(motion_rows::table
        .inner_join(motions::table)
        .filter(motion_rows::nomination_id.eq(nomination))
        .order(motions::id)
        .select(Motion::as_select())
        .load(conn)?)
}

/// Nominations that are in a motion without a result.
pub(super) fn nominations_waiting(conn: &mut Conn) -> Result<HashSet<Id<Nomination>>> {
    let ids = motion_rows::table
        .inner_join(motions::table)
        .filter(motions::state.eq(State::Waiting))
        .select(motion_rows::nomination_id)
        .load::<Id<Nomination>>(conn)?;
    Ok(ids.into_iter().collect())
}
