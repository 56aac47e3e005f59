//! Ballots on titles: in an open session, household by household.
//!
//! The secretary takes the counts down, of hands or of paper, and a second person keys them too; when both agree the ballot
//! stands. Members step back as for a deed. More than the scheme's part for L3 rules must be in favour. Where a quota has
//! fewer places than households that were carried, those with the most votes in favour have them; a tie at the last place
//! is decided by another ballot among the tied, as often as it takes: never by lot, and never by points. Nobody's vote is kept,
//! only who had one.

use diesel::prelude::*;

use super::award::{self, Ending, State, TitleAward};
use super::refused::Refused;
use super::title::{self, HonourTitle};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Moment, day_of};
use crate::council::member::{self, Conflicts, CouncilMember, Recused, buildings_of};
use crate::council::motion::Counts;
use crate::council::session::{self, Session};
use crate::council::{clockwork, staff_share};
use crate::db::schema::{title_ballot_voters, title_ballots};
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::places::standing;
use crate::scheme::terms::CouncilTerms;

/// The counts of one candidate's ballot.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = title_ballots, treat_none_as_null = true)]
pub struct Ballot {
    /// Its id.
    pub id: Id<Ballot>,
    /// The candidate.
    pub award_id: Id<TitleAward>,
    /// The session.
    pub session_id: Id<Session>,
    /// From 1; more than one where the last place was tied.
    pub round: i64,
    /// Who had a vote.
    pub voters: i64,
    /// Votes in favour.
    pub votes_for: i64,
    /// Votes against.
    pub votes_against: i64,
    /// Abstentions.
    pub abstentions: i64,
    /// Who took the counts down.
    pub counted_by: Id<User>,
    /// When.
    pub counted_at: Moment,
    /// The second person, who keyed the same.
    pub confirmed_by: Option<Id<User>>,
    /// When.
    pub confirmed_at: Option<Moment>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = title_ballot_voters)]
struct Voter {
    ballot_id: Id<Ballot>,
    member_id: Id<CouncilMember>,
}

/// A household on the ballot of a session.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The award that is voted on.
    pub award: TitleAward,
    /// The household.
    pub household: Household,
    /// The title.
    pub title: HonourTitle,
    /// Who steps back, and why.
    pub recused: Recused,
    /// Who is here and has a vote.
    pub voters: Vec<Id<CouncilMember>>,
    /// What was counted in this session and round.
    pub ballot: Option<Ballot>,
    /// Places that are left in its quota.
    pub places: i64,
}

impl Candidate {
    /// How many have a vote.
    #[must_use]
    pub fn votes(&self) -> i64 {
        i64::try_from(self.voters.len()).unwrap_or(i64::MAX)
    }

    /// Is its ballot counted and confirmed?
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.ballot.as_ref().is_some_and(|ballot| ballot.confirmed_at.is_some())
    }
}

/// Does a title wait for the council of this area?
///
/// # Errors
/// Only when the database fails.
pub fn waits(conn: &mut Conn, area: &Id<Area>, now: Moment) -> Result<bool> {
    Ok(!verified_in(conn, area, now)?.is_empty())
}

/// The verified awards that the council of an area decides, with their households; those of whoever decides are left out,
/// and those that are gone.
fn verified_in(conn: &mut Conn, area: &Id<Area>, now: Moment) -> Result<Vec<(TitleAward, Household)>> {
    let verified = award::standing_as(conn, &[State::Verified])?;
    let buildings = buildings_of(&Tree::load(conn)?, area);
    let ids: Vec<Id<Household>> = verified.iter().map(|one| one.household_id.clone()).collect();
    let households = household::by_ids(conn, &ids)?;
    let deciding = staff_share::homes(conn, day_of(now))?;
    let gone = standing::gone(conn, &ids)?;
    let home = |one: &TitleAward| {
        let found = households.iter().find(|home| home.id == one.household_id)?;
        let is_out = deciding.contains(&found.id) || gone.contains(&found.id);
        (buildings.contains(&found.building_id) && !is_out).then(|| found.clone())
    };
    Ok(verified
        .into_iter()
        .filter_map(|one| home(&one).map(|household| (one, household)))
        .collect())
}

/// Who is on the ballot of a session now.
///
/// # Errors
/// Only when the database fails.
pub fn candidates(conn: &mut Conn, session: &Session, now: Moment) -> Result<Vec<Candidate>> {
    let rows = verified_in(conn, &session.area_id, now)?;
    let titles = title::every(conn)?;
    let terms = session::council_terms(conn, day_of(now))?;
    let present = present(conn, session, now)?;
    let conflicts = Conflicts::load(conn, &present, terms.recuse_same_building)?;
    let ballots = of_session(conn, &session.id)?;
    let mut found = Vec::with_capacity(rows.len());
    for (award, household) in rows {
        let Some(title) = titles.get(&award.title_id).cloned() else {
            continue;
        };
        let recused = conflicts.of_household(&household, &award.nominated_by);
        let may_vote = |member: &&CouncilMember| !recused.iter().any(|(one, _)| *one == member.id);
        let ballot = ballots
            .iter()
            .find(|ballot| ballot.award_id == award.id && ballot.round == award.round);
        found.push(Candidate {
            voters: present
                .iter()
                .filter(may_vote)
                .map(|member| member.id.clone())
                .collect(),
            ballot: ballot.cloned(),
            places: places_left(conn, &title, &award)?,
            award,
            household,
            title,
            recused,
        });
    }
    // Those of one quota stand together, in the order of the titles.
    found.sort_by(|one, other| {
        let key = |candidate: &Candidate| {
            (
                candidate.title.category_code.is_none(),
                candidate.title.category_code.clone(),
                candidate.title.id.clone(),
                candidate.award.scope_id.clone(),
                candidate.award.period_from,
            )
        };
        key(one).cmp(&key(other))
    });
    Ok(found)
}

/// The members who are at a session.
fn present(conn: &mut Conn, session: &Session, now: Moment) -> Result<Vec<CouncilMember>> {
    let arrived = session::present(conn, &session.id)?;
    let mut members = member::sitting(conn, &session.area_id, day_of(now))?;
    members.retain(|member| arrived.contains(&member.id));
    Ok(members)
}

/// Places of a quota that nobody has.
fn places_left(conn: &mut Conn, title: &HonourTitle, of: &TitleAward) -> Result<i64> {
    let tree = Tree::load(conn)?;
    let buildings: Vec<Id<Area>> = buildings_of(&tree, &of.scope_id).into_iter().collect();
    let (households, _) = household::count_in(conn, &buildings)?;
    let taken = award::group(conn, of, &State::PLACED)?.len();
    let taken = i64::try_from(taken).unwrap_or(i64::MAX);
    Ok(title.quota().places(households).saturating_sub(taken).max(0))
}

/// What became of counts that somebody keyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// A second person keys them as well.
    First,
    /// Both keyed the same: the ballot stands.
    Confirmed,
}

/// Keys the counts of one candidate. The first person may mend them until a second one keyed the same.
///
/// # Errors
/// [`Refused::TooFewVoters`], [`Refused::CountsDiffer`], [`Refused::BallotOver`]; the council's `SessionIs` and
/// `ClockSetBack`; `Invalid` counts; `NotFound` for a household that is not on this ballot.
pub fn key_counts(
    conn: &mut Conn,
    session: &Id<Session>,
    award: &Id<TitleAward>,
    counts: Counts,
    by: &Id<User>,
    now: Moment,
) -> Result<Keyed> {
    clockwork::expect_forward(conn, now)?;
    let session = session::expect_open(conn, session)?;
    let terms = session::council_terms(conn, day_of(now))?;
    let all = candidates(conn, &session, now)?;
    let candidate = all.iter().find(|one| one.award.id == *award).ok_or(Error::NotFound)?;
    if candidate.is_counted() {
        return Err(Refused::BallotOver.into());
    }
    let voters = candidate.votes();
    if voters < terms.fewest_voters {
        let need = terms.fewest_voters;
        return Err(Refused::TooFewVoters { voters, need }.into());
    }
    let each = [counts.votes_for, counts.votes_against, counts.abstentions];
    if each.iter().any(|votes| !(0..=1_000).contains(votes)) || each.iter().sum::<i64>() != voters {
        let sentence = format!("赞成、反对、弃权加起来应等于应投票的{voters}人，没有投的算弃权。");
        return Err(Error::invalid("votes_for", sentence));
    }
    let counted = Ballot {
        id: Id::new(now),
        award_id: award.clone(),
        session_id: session.id.clone(),
        round: candidate.award.round,
        voters,
        votes_for: counts.votes_for,
        votes_against: counts.votes_against,
        abstentions: counts.abstentions,
        counted_by: by.clone(),
        counted_at: now,
        confirmed_by: None,
        confirmed_at: None,
    };
    match &candidate.ballot {
        None => {
            diesel::insert_into(title_ballots::table)
                .values(&counted)
                .execute(conn)?;
            Ok(Keyed::First)
        }
        Some(first) if first.counted_by == *by => {
            let mended = Ballot {
                id: first.id.clone(),
                ..counted
            };
            save(conn, &mended)?;
            Ok(Keyed::First)
        }
        Some(first) => {
            let same = |ballot: &Ballot| (ballot.votes_for, ballot.votes_against, ballot.abstentions);
            if same(first) != same(&counted) {
                return Err(Refused::CountsDiffer.into());
            }
            confirm(conn, first.clone(), &candidate.voters, by, now)?;
            settle(conn, &session, &candidate.award, &terms, by, now)?;
            Ok(Keyed::Confirmed)
        }
    }
}

fn confirm(conn: &mut Conn, ballot: Ballot, voters: &[Id<CouncilMember>], by: &Id<User>, now: Moment) -> Result<()> {
    let voters: Vec<Voter> = voters
        .iter()
        .map(|member| Voter {
            ballot_id: ballot.id.clone(),
            member_id: member.clone(),
        })
        .collect();
    insert_rows!(conn, title_ballot_voters::table, &voters);
    let confirmed = Ballot {
        confirmed_by: Some(by.clone()),
        confirmed_at: Some(now),
        ..ballot
    };
    save(conn, &confirmed)?;
    let subject = format!("title_award:{}", confirmed.award_id);
    let event = audit::Event::new(by.as_str(), "title_award.counted", subject, String::new(), now);
    audit::record(conn, &[event])
}

/// Decides a quota when everybody in it is counted. A tie that is put to another ballot is decided before newer candidates.
fn settle(
    conn: &mut Conn,
    session: &Session,
    of: &TitleAward,
    terms: &CouncilTerms,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    loop {
        let mut group = candidates(conn, session, now)?;
        group.retain(|one| {
            let same = |award: &TitleAward| (award.title_id.clone(), award.scope_id.clone(), award.period_from);
            same(&one.award) == same(of)
        });
        let Some(round) = group.iter().map(|one| one.award.round).max() else {
            return Ok(());
        };
        // Whom too few may vote on waits for another session, and nobody for him.
        group.retain(|one| one.award.round == round && (one.is_counted() || one.votes() >= terms.fewest_voters));
        if group.is_empty() || !group.iter().all(Candidate::is_counted) {
            return Ok(());
        }
        let decided = decide(conn, session, group, round, terms, by, now)?;
        if !decided {
            return Ok(());
        }
    }
}

/// Who has a place, who has none, and who is tied for the last one. Was anybody's matter ended?
fn decide(
    conn: &mut Conn,
    session: &Session,
    group: Vec<Candidate>,
    round: i64,
    terms: &CouncilTerms,
    by: &Id<User>,
    now: Moment,
) -> Result<bool> {
    let places = group.first().map_or(0, |one| one.places);
    let part = terms.approve_l3_more_than_percent;
    let counted = group.into_iter().filter_map(|one| Some((one.award, one.ballot?)));
    // In a further ballot all were carried before: it asks for the order only.
    let is_carried = |ballot: &Ballot| {
        let votes = ballot.votes_for.saturating_mul(100);
        round > 1 || votes > part.saturating_mul(ballot.voters)
    };
    let (carried, lost): (Vec<_>, Vec<_>) = counted.partition(|(_, ballot)| is_carried(ballot));
    let wanted = usize::try_from(places).unwrap_or(usize::MAX);
    let mut votes: Vec<i64> = carried.iter().map(|(_, ballot)| ballot.votes_for).collect();
    votes.sort_unstable_by(|one, other| other.cmp(one));
    let last_in = wanted.checked_sub(1).and_then(|last| votes.get(last)).copied();
    let first_out = votes.get(wanted).copied();
    let is_tied = first_out.is_some() && last_in == first_out;
    let mut ended = false;
    for (award, _) in lost {
        end(conn, session, award, Ending::NotCarried, by, now)?;
        ended = true;
    }
    for (mut award, ballot) in carried {
        let has_place = match (last_in, first_out) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(last), Some(_)) if is_tied => ballot.votes_for > last,
            (Some(last), Some(_)) => ballot.votes_for >= last,
        };
        if has_place {
            award.state = State::Balloted;
            award.session_id = Some(session.id.clone());
            award::save(conn, &award)?;
            award::record(conn, &award, by.as_str(), "title_award.balloted", now)?;
            ended = true;
        } else if is_tied && Some(ballot.votes_for) == last_in {
            award.round = round.saturating_add(1);
            award::save(conn, &award)?;
            award::record(conn, &award, by.as_str(), "title_award.tied", now)?;
        } else {
            end(conn, session, award, Ending::QuotaFull, by, now)?;
            ended = true;
        }
    }
    Ok(ended)
}

/// Ends it at a ballot. Its counts stand in the ballot alone: they are not for the household.
fn end(
    conn: &mut Conn,
    session: &Session,
    mut award: TitleAward,
    ending: Ending,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    award.session_id = Some(session.id.clone());
    let why = (ending, ending.label().to_owned());
    award::decline(conn, award, why, by.as_str(), now).map(drop)
}

/// `赞成2，反对1，弃权0，应投3人`.
#[must_use]
pub fn in_words(ballot: &Ballot) -> String {
    format!(
        "赞成{}，反对{}，弃权{}，应投{}人",
        ballot.votes_for, ballot.votes_against, ballot.abstentions, ballot.voters
    )
}

/// The ballots of a session.
///
/// # Errors
/// Only when the database fails.
pub fn of_session(conn: &mut Conn, session: &Id<Session>) -> Result<Vec<Ballot>> {
    Ok(title_ballots::table
        .filter(title_ballots::session_id.eq(session))
        .order((title_ballots::counted_at, title_ballots::id))
        .select(Ballot::as_select())
        .load(conn)?)
}

/// The ballots on an award, the last one last.
///
/// # Errors
/// Only when the database fails.
pub fn of_award(conn: &mut Conn, award: &Id<TitleAward>) -> Result<Vec<Ballot>> {
    Ok(title_ballots::table
        .filter(title_ballots::award_id.eq(award))
        .order((title_ballots::counted_at, title_ballots::id))
        .select(Ballot::as_select())
        .load(conn)?)
}

/// Who had a vote on an award, in any of its ballots.
pub(super) fn voters(conn: &mut Conn, award: &Id<TitleAward>) -> Result<Vec<Id<CouncilMember>>> {
    Ok(title_ballot_voters::table
        .inner_join(title_ballots::table)
        .filter(title_ballots::award_id.eq(award))
        .select(title_ballot_voters::member_id)
        .load(conn)?)
}

fn save(conn: &mut Conn, ballot: &Ballot) -> Result<()> {
    diesel::update(title_ballots::table.find(&ballot.id))
        .set(ballot)
        .execute(conn)?;
    Ok(())
}
