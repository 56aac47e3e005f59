//! What a session of the council needs on paper: the agenda, ballots, the tally sheet, the minutes.
//!
//! A household stands on all four by its family name and building; why a member steps back is said to that member and on
//! no paper. A ballot names nobody. What is keyed back carries the number of its session and motion, `11-3`.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::form::{Form, FormMark};
use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::access::user;
use crate::clock::{Day, Moment, day_of, spoken, spoken_day, weekday};
use crate::council::member::{self, CouncilMember, buildings_of};
use crate::council::motion::{self, Choice, Kind, Motion, State as Stand};
use crate::council::nomination::{self, Nomination};
use crate::council::session::{self, BallotForm, Session, State};
use crate::council::sheet::building_of;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::scheme::item::{self, CheckLevel, Item};
use crate::scheme::terms::{self, CouncilTerms};
use crate::scheme::version;

/// What a session is called after its number.
const KIND: &str = "评议会";

/// Which session it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meeting {
    number: i64,
    kind: String,
    on: String,
    place: String,
    chair: String,
    quorum: i64,
    /// How it votes.
    ballot: String,
}

/// The agenda, for everybody at the table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agenda {
    paper: Head,
    session: Meeting,
    members: Vec<String>,
    motions: Vec<AgendaMotion>,
    /// Is it what would be put today, to a session that has not begun?
    is_preview: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgendaMotion {
    number: i64,
    title: String,
    /// How it is decided: `L3` for what is voted on alone, also where a row of a lower level was taken out of its batch.
    level: String,
    rows: Vec<AgendaRow>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgendaRow {
    name: String,
    building: String,
    code: String,
    deed: String,
    on: String,
    points: i64,
    recused: Vec<String>,
}

/// The agenda of a session: as it was put, or as it would be put today.
///
/// # Errors
/// `Invalid` without a number; `NotFound`, also for a council that decides nothing within reach.
pub fn agenda(conn: &mut Conn, order: &Order) -> Result<Agenda> {
    let hall = Hall::load(conn, order)?;
    let motions = hall.motions.iter().map(|put| AgendaMotion {
        number: put.motion.position,
        title: put.title(),
        level: put.level().word().to_owned(),
        rows: put
            .rows
            .iter()
            .map(|row| AgendaRow {
                name: row.name.clone(),
                building: row.building.clone(),
                code: row.code.clone(),
                deed: row.deed.clone(),
                on: row.on.clone(),
                points: row.points,
                recused: hall.names(&put.recused),
            })
            .collect(),
    });
    Ok(Agenda {
        motions: motions.collect(),
        is_preview: hall.session.state == State::Convened,
        session: hall.meeting(),
        members: hall.members.iter().map(|member| member.name.clone()).collect(),
        paper: order.head(conn, Some(&hall.session.area_id))?,
    })
}

/// Ballots to cut apart, one for each vote that can still be cast.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ballot {
    paper: Head,
    session: Meeting,
    motions: Vec<BallotMotion>,
    count: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BallotMotion {
    number: i64,
    title: String,
    /// Where and when it was, of one deed alone; many stand on the agenda.
    about: Option<String>,
    /// How many slips of its own it has, because some step back from it; it is on the common slip where nobody does.
    own_slips: Option<usize>,
}

/// Ballots for what waits: as many as were asked for, or one for each who may vote.
///
/// # Errors
/// As [`agenda`]; `Invalid` when nothing waits.
pub fn ballot(conn: &mut Conn, order: &Order) -> Result<Ballot> {
    let hall = Hall::load(conn, order)?;
    let waiting: Vec<&Put> = hall.motions.iter().filter(|put| put.is_waiting()).collect();
    if waiting.is_empty() {
        return Err(Error::invalid("id", "这次会议没有要投的票。"));
    }
    let common = waiting.iter().filter(|put| put.recused.is_empty());
    let needed = common.map(|put| put.silent).max().unwrap_or(0);
    let asked = order.asked.count.and_then(|count| usize::try_from(count).ok());
    Ok(Ballot {
        motions: waiting
            .iter()
            .map(|put| BallotMotion {
                number: put.motion.position,
                title: put.title(),
                about: put.about(),
                own_slips: (!put.recused.is_empty()).then_some(put.silent),
            })
            .collect(),
        count: asked.map_or(needed, |asked| asked.min(hall.members.len())),
        session: hall.meeting(),
        paper: order.head(conn, Some(&hall.session.area_id))?,
    })
}

/// The tally of a paper vote: two people count, sign, and each keys it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TallySheet {
    paper: Head,
    session: Meeting,
    /// How many sit in the council.
    seats: usize,
    motions: Vec<TallyMotion>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TallyMotion {
    number: i64,
    title: String,
    /// As on the ballot.
    about: Option<String>,
    /// Who does not vote on it.
    recused: Vec<String>,
}

/// The tally sheet, with every motion, so that a row of it is the number of its motion.
///
/// # Errors
/// As [`agenda`].
pub fn tally_sheet(conn: &mut Conn, order: &Order) -> Result<TallySheet> {
    let hall = Hall::load(conn, order)?;
    let mut paper = order.head(conn, Some(&hall.session.area_id))?;
    paper.form = Some(FormMark::new(Form::Tally, hall.session.number)?);
    Ok(TallySheet {
        motions: hall
            .motions
            .iter()
            .map(|put| TallyMotion {
                number: put.motion.position,
                title: put.title(),
                about: put.about(),
                recused: hall.names(&put.recused),
            })
            .collect(),
        seats: hall.members.len(),
        session: hall.meeting(),
        paper,
    })
}

/// A row of the tally sheet, to be keyed.
#[derive(Clone, Debug)]
pub struct TallyRow {
    /// Its motion, whose place on the agenda is the row's number.
    pub motion: Motion,
    /// What it is about, as on the sheet.
    pub title: String,
    /// How many may vote on it and have not.
    pub silent: i64,
}

impl TallyRow {
    /// Has it no result yet?
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.motion.state == Stand::Waiting
    }
}

/// The rows of the tally sheet.
///
/// # Errors
/// As [`agenda`].
pub fn tally_rows(conn: &mut Conn, order: &Order) -> Result<Vec<TallyRow>> {
    let hall = Hall::load(conn, order)?;
    let row = |put: Put| TallyRow {
        title: put.title(),
        silent: i64::try_from(put.silent).unwrap_or(i64::MAX),
        motion: put.motion,
    };
    Ok(hall.motions.into_iter().map(row).collect())
}

/// The minutes, to be signed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minutes {
    paper: Head,
    session: Held,
    results: Vec<Decided>,
    other: String,
}

/// Which session it was, and who was there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    number: i64,
    kind: String,
    on: String,
    place: String,
    chair: String,
    quorum: i64,
    recorder: String,
    present: Vec<String>,
    absent: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    number: i64,
    title: String,
    #[serde(rename = "for")]
    in_favour: i64,
    against: i64,
    abstain: i64,
    recused: Vec<String>,
    outcome: String,
    rows: Vec<DecidedRow>,
    note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecidedRow {
    name: String,
    deed: String,
    points: i64,
}

/// The minutes of a session that is over.
///
/// # Errors
/// As [`agenda`]; `Invalid` before the session is closed: what is signed does not change any more.
pub fn minutes(conn: &mut Conn, order: &Order) -> Result<Minutes> {
    let hall = Hall::load(conn, order)?;
    if hall.session.state != State::Closed {
        return Err(Error::invalid("id", "会议还没有散，散会以后才能打印会议记录。"));
    }
    let recorder = match hall.session.opened_by.as_ref().or(hall.session.closed_by.as_ref()) {
        Some(keeper) => user::by_id(conn, keeper)?.display_name,
        None => String::new(),
    };
    let meeting = hall.meeting();
    let roll = |was_there: bool| -> Vec<String> {
        let members = hall.members.iter();
        members
            .filter(|member| hall.arrivals.contains_key(&member.id) == was_there)
            .map(|member| member.name.clone())
            .collect()
    };
    Ok(Minutes {
        session: Held {
            number: meeting.number,
            kind: meeting.kind,
            on: meeting.on,
            place: meeting.place,
            chair: meeting.chair,
            quorum: meeting.quorum,
            recorder,
            present: roll(true),
            absent: roll(false),
        },
        results: hall.motions.iter().map(|put| hall.decided(put)).collect(),
        other: hall.session.minutes.clone(),
        paper: order.head(conn, Some(&hall.session.area_id))?,
    })
}

/// A session with who sits and what is put.
struct Hall {
    session: Session,
    terms: CouncilTerms,
    members: Vec<CouncilMember>,
    arrivals: BTreeMap<Id<CouncilMember>, Moment>,
    motions: Vec<Put>,
}

/// A motion as it is put.
struct Put {
    motion: Motion,
    rows: Vec<Row>,
    recused: HashSet<Id<CouncilMember>>,
    /// Who voted, and how where the ballot is open.
    votes: HashMap<Id<CouncilMember>, Option<Choice>>,
    /// How many may vote.
    voters: usize,
    /// How many of them have not yet.
    silent: usize,
}

/// A good deed, as papers of a council name it.
struct Row {
    name: String,
    building: String,
    code: String,
    deed: String,
    on: String,
    points: i64,
    level: CheckLevel,
}

impl Hall {
    fn load(conn: &mut Conn, order: &Order) -> Result<Hall> {
        let session = session::by_number(conn, order.number()?)?;
        expect_concerned(conn, order, &session)?;
        let day = match session.opened_at {
            Some(opened_at) => day_of(opened_at),
            None => session.held_on.max(order.today()),
        };
        let terms = terms_on(conn, day)?;
        let arrivals = session::arrivals(conn, &session.id)?;
        let mut members = member::of_area(conn, &session.area_id)?;
        members.retain(|member| member.sits_on(day) || arrivals.contains_key(&member.id));
        let mut hall = Hall {
            session,
            terms,
            members,
            arrivals,
            motions: Vec::new(),
        };
        hall.motions = match hall.session.state {
            State::Convened => hall.planned(conn)?,
            State::Open | State::Closed | State::Cancelled => hall.put(conn)?,
        };
        Ok(hall)
    }

    /// What would be put to the session if it opened now.
    fn planned(&self, conn: &mut Conn) -> Result<Vec<Put>> {
        let agenda = session::agenda(conn, &self.session.area_id, &self.members, &self.terms)?;
        let mut all = Vec::with_capacity(agenda.len());
        for (position, new) in (1i64..).zip(agenda) {
            let motion = Motion {
                id: Id::known(""),
                session_id: self.session.id.clone(),
                position,
                kind: new.kind,
                state: Stand::Waiting,
                votes_for: 0,
                votes_against: 0,
                abstentions: 0,
                decided_at: None,
                decided_by: None,
            };
            let recused = new.recused.into_iter().map(|(member, _)| member).collect();
            all.push(self.one(conn, motion, &new.rows, recused, HashMap::new())?);
        }
        Ok(all)
    }

    /// What was put to it.
    fn put(&self, conn: &mut Conn) -> Result<Vec<Put>> {
        let mut all = Vec::new();
        for motion in motion::of_session(conn, &self.session.id)? {
            let rows = motion::rows_of(conn, &motion.id)?;
            let recused = motion::recusals(conn, &motion.id)?.into_keys().collect();
            let votes = motion::votes(conn, &motion.id)?.into_iter().collect();
            all.push(self.one(conn, motion, &rows, recused, votes)?);
        }
        Ok(all)
    }

    fn one(
        &self,
        conn: &mut Conn,
        motion: Motion,
        rows: &[Id<Nomination>],
        recused: HashSet<Id<CouncilMember>>,
        votes: HashMap<Id<CouncilMember>, Option<Choice>>,
    ) -> Result<Put> {
        // Before the session everybody is expected; a motion that was decided was decided by those who were there then.
        let there = |member: &&CouncilMember| match (self.session.state, self.arrivals.get(&member.id)) {
            (State::Convened, _) => true,
            (_, None) => false,
            (_, Some(at)) => motion.decided_at.is_none_or(|decided_at| *at <= decided_at),
        };
        let may_vote = self
            .members
            .iter()
            .filter(there)
            .filter(|member| !recused.contains(&member.id));
        let (voted, silent): (Vec<_>, Vec<_>) = may_vote.partition(|member| votes.contains_key(&member.id));
        Ok(Put {
            voters: voted.len().saturating_add(silent.len()),
            silent: silent.len(),
            rows: rows_of(conn, &self.session.area_id, rows)?,
            motion,
            recused,
            votes,
        })
    }

    fn meeting(&self) -> Meeting {
        let seats = self
            .session
            .seats
            .unwrap_or_else(|| i64::try_from(self.members.len()).unwrap_or(i64::MAX));
        let chair = self.session.chair_id.as_ref();
        let chair = self.members.iter().find(|member| Some(&member.id) == chair);
        Meeting {
            number: self.session.number,
            kind: KIND.to_owned(),
            on: match self.session.opened_at {
                Some(opened_at) => spoken(opened_at),
                None => in_words(self.session.held_on),
            },
            place: self.session.place.clone(),
            chair: chair.map(|member| member.name.clone()).unwrap_or_default(),
            quorum: session::quorum(seats, &self.terms),
            ballot: self.session.ballot.label().to_owned(),
        }
    }

    fn names(&self, who: &HashSet<Id<CouncilMember>>) -> Vec<String> {
        let members = self.members.iter().filter(|member| who.contains(&member.id));
        members.map(|member| member.name.clone()).collect()
    }

    fn decided(&self, put: &Put) -> Decided {
        Decided {
            number: put.motion.position,
            title: put.title(),
            in_favour: put.motion.votes_for,
            against: put.motion.votes_against,
            abstain: put.motion.abstentions,
            recused: self.names(&put.recused),
            outcome: put.motion.state.label().to_owned(),
            rows: put
                .rows
                .iter()
                .map(|row| DecidedRow {
                    name: format!("{}（{}）", row.name, row.building),
                    deed: row.deed.clone(),
                    points: row.points,
                })
                .collect(),
            note: self.note(put),
        }
    }

    /// What belongs to a result besides the counts: who did not vote, why it was put off, and in an open ballot who voted how.
    fn note(&self, put: &Put) -> Option<String> {
        let mut told = Vec::new();
        let motion = &put.motion;
        let cast = [motion.votes_for, motion.votes_against, motion.abstentions];
        let cast = cast.into_iter().fold(0, i64::saturating_add);
        let silent = i64::try_from(put.voters).unwrap_or(i64::MAX).saturating_sub(cast);
        match motion.state {
            Stand::Deferred => told.push(format!(
                "能投票的只有{}人，少于{}人，留待下次会议。",
                put.voters, self.terms.fewest_voters
            )),
            Stand::Approved | Stand::Declined if silent > 0 => told.push(format!("{silent}人没有投，按弃权计。")),
            Stand::Waiting | Stand::Approved | Stand::Declined => {}
        }
        // A secret vote is kept nowhere; here is only what members did before everybody's eyes.
        if self.session.ballot == BallotForm::Open {
            for choice in Choice::ALL {
                let chose = |member: &&CouncilMember| put.votes.get(&member.id) == Some(&Some(*choice));
                let names: Vec<&str> = self.members.iter().filter(chose).map(|one| one.name.as_str()).collect();
                if !names.is_empty() {
                    told.push(format!("{}：{}。", choice.label(), names.join("、")));
                }
            }
        }
        (!told.is_empty()).then(|| told.concat())
    }
}

impl Put {
    fn is_waiting(&self) -> bool {
        self.motion.state == Stand::Waiting
    }

    /// What it is about, in a few words.
    fn title(&self) -> String {
        match (self.motion.kind, self.rows.as_slice()) {
            (Kind::Single, [row]) => format!("{}家：{}", row.name, row.deed),
            (_, rows) => format!("批量确认{}条", rows.len()),
        }
    }

    /// Where and when the one deed was that it is about.
    fn about(&self) -> Option<String> {
        match (self.motion.kind, self.rows.as_slice()) {
            (Kind::Single, [row]) => Some(format!("{}，{}", row.building, row.on)),
            _ => None,
        }
    }

    fn level(&self) -> CheckLevel {
        let has = |level| self.rows.iter().any(|row| row.level == level);
        match self.motion.kind {
            Kind::Single => CheckLevel::L3,
            Kind::Batch if has(CheckLevel::L2) => CheckLevel::L2,
            Kind::Batch => CheckLevel::L1,
        }
    }
}

/// Refuses a session of a council that decides about no household within reach, as if there were none.
fn expect_concerned(conn: &mut Conn, order: &Order, session: &Session) -> Result<()> {
    let reach = order.reach(conn, Permission::ReadCouncil)?;
    let tree = Tree::load(conn)?;
    let mut decided_about = buildings_of(&tree, &session.area_id).into_iter();
    match reach.covers(&session.area_id) || decided_about.any(|building| reach.covers(&building)) {
        true => Ok(()),
        false => Err(Error::NotFound),
    }
}

/// How a council decides on a day; before any rules are in force, as the sample has it.
fn terms_on(conn: &mut Conn, day: Day) -> Result<CouncilTerms> {
    match version::in_force(conn, day) {
        Ok(version) => Ok(terms::of(conn, &version.id)?.council),
        Err(Error::NotFound) => Ok(CouncilTerms::default()),
        Err(error) => Err(error),
    }
}

fn rows_of(conn: &mut Conn, council: &Id<Area>, ids: &[Id<Nomination>]) -> Result<Vec<Row>> {
    let mut deeds: HashMap<_, _> = nomination::by_ids(conn, ids)?
        .into_iter()
        .map(|one| (one.id.clone(), one))
        .collect();
    let homes: Vec<Id<Household>> = deeds.values().map(|one| one.household_id.clone()).collect();
    let rules: Vec<Id<Item>> = deeds.values().map(|one| one.scoring_item_id.clone()).collect();
    let homes = household::by_ids(conn, &homes)?;
    let rules = item::by_ids(conn, &rules)?;
    let tree = Tree::load(conn)?;
    let row = |id: &Id<Nomination>| {
        let deed = deeds.remove(id)?;
        let home = homes.iter().find(|home| home.id == deed.household_id)?;
        let rule = rules.iter().find(|rule| rule.id == deed.scoring_item_id)?;
        let times = match deed.count {
            ..=1 => String::new(),
            count => format!(" × {count}"),
        };
        Some(Row {
            name: home.masked_name(),
            building: building_of(&tree, &home.building_id, council),
            code: rule.code.clone(),
            deed: format!("{}{times}", rule.name),
            on: spoken_day(deed.occurred_on),
            points: deed.points.0,
            level: rule.check_level,
        })
    };
    Ok(ids.iter().filter_map(row).collect())
}

/// `2026年11月25日（周三）`.
fn in_words(day: Day) -> String {
    format!("{}（{}）", spoken_day(day), weekday(day))
}
