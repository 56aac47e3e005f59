//! The hall: what every page about a session shows. Who sits and who is there, what is put to them, who votes and who steps
//! back.
//!
//! Whoever reads sees households of the own area with their head's name; of others, and on the wall, family name and
//! building. Why somebody steps back is shown to whoever keeps the session and to the member: kinship is personal.

use std::collections::{BTreeMap, HashMap};

use crate::access::role::{Duties, Permission};
use crate::access::user::{self, User};
use crate::app::Staff;
use crate::clock::{self, Day, Moment, day_of};
use crate::council::member::{self, CouncilMember, buildings_of};
use crate::council::motion::{self, Choice, Counts, Kind, Motion, State as Stand};
use crate::council::nomination::{self, Nomination};
use crate::council::notice::{self, Notice};
use crate::council::session::{self, Session, State};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::scheme::item::{self, Item};
use crate::scheme::terms::CouncilTerms;

/// A session with everything around it.
pub(super) struct Hall {
    pub session: Session,
    pub area: String,
    pub terms: CouncilTerms,
    pub seats: Vec<Seat>,
    pub motions: Vec<Put>,
    pub notice: Option<Notice>,
    /// Does this visitor keep the session?
    pub keeps: bool,
}

/// A member of the council.
pub(super) struct Seat {
    pub member: CouncilMember,
    pub arrived_at: Option<Moment>,
}

/// A motion as it is put.
pub(super) struct Put {
    pub motion: Motion,
    pub rows: Vec<Row>,
    pub recused: Vec<Recused>,
    /// Who votes on it: there when it was decided, and not stepped back.
    pub voters: Vec<Voter>,
    pub keyed: Vec<Keyed>,
}

/// A good deed that is decided.
pub(super) struct Row {
    pub id: Id<Nomination>,
    /// `王建国户`, or `王**户`.
    pub whose: String,
    /// The door, or the building alone.
    pub place: String,
    pub code: String,
    pub deed: String,
    pub rule: String,
    pub points: Points,
    pub occurred_on: Day,
    pub note: String,
    pub evidence: String,
    pub verified: String,
}

/// Who steps back.
pub(super) struct Recused {
    pub member: Id<CouncilMember>,
    pub name: String,
    /// Empty for whom it does not concern.
    pub reason: String,
}

/// Who votes.
pub(super) struct Voter {
    pub id: Id<CouncilMember>,
    pub name: String,
    pub voted: bool,
    /// How, in an open ballot only.
    pub choice: Option<Choice>,
}

/// What somebody keyed from paper.
pub(super) struct Keyed {
    pub by: Id<User>,
    pub name: String,
    pub counts: Counts,
}

/// What households are called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// By the head's name, within the reader's area.
    AsPermitted,
    /// By family name and building: for a wall that everybody sees.
    Masked,
}

/// Does the council of this area concern this person: does it decide about households in the own area?
pub(super) fn concerns(duties: &Duties, tree: &Tree, area: &Id<Area>) -> bool {
    let reach = duties.reach(Permission::ReadCouncil, tree);
    reach.covers(area) || buildings_of(tree, area).iter().any(|building| reach.covers(building))
}

/// `晨光社区`, or the township's name.
pub(super) fn area_name(tree: &Tree, area: &Id<Area>) -> String {
    match tree.address(area) {
        address if address.is_empty() => tree.get(area).map(|area| area.name.clone()).unwrap_or_default(),
        address => address,
    }
}

/// How a council decides on a day; before any rules are in force, as the sample has it.
pub(super) fn terms_on(conn: &mut Conn, day: Day) -> Result<CouncilTerms> {
    match session::council_terms(conn, day) {
        Err(Error::NotFound) => Ok(CouncilTerms::default()),
        other => other,
    }
}

impl Hall {
    /// The hall of a session, for whoever may look in.
    ///
    /// # Errors
    /// `NotFound`, also for a session that does not concern the visitor.
    pub fn load(conn: &mut Conn, staff: &Staff, number: i64, names: Names, now: Moment) -> Result<Hall> {
        let session = session::by_number(conn, number)?;
        let tree = Tree::load(conn)?;
        if !concerns(&staff.duties, &tree, &session.area_id) {
            return Err(Error::NotFound);
        }
        let keeps = staff
            .duties
            .reach(Permission::KeepSession, &tree)
            .covers(&session.area_id);
        let day = match session.opened_at {
            Some(opened_at) => day_of(opened_at),
            None => session.held_on.max(day_of(now)),
        };
        let terms = terms_on(conn, day)?;
        let arrivals = session::arrivals(conn, &session.id)?;
        let mut members = member::of_area(conn, &session.area_id)?;
        members.retain(|member| member.sits_on(day) || arrivals.contains_key(&member.id));
        let found = match session.state {
            State::Convened => planned(conn, &session, &members, &terms)?,
            _ => put(conn, &session)?,
        };
        let about = About::load(conn, staff, &tree, names, &found)?;
        let mut motions = Vec::with_capacity(found.len());
        for found in found {
            let present = |member: &&CouncilMember| match (session.state, arrivals.get(&member.id)) {
                (State::Convened, _) => true,
                (_, None) => false,
                (_, Some(at)) => found.motion.decided_at.is_none_or(|decided_at| *at <= decided_at),
            };
            let voters = members
                .iter()
                .filter(present)
                .filter(|member| !found.recused.contains_key(&member.id));
            let voter = |member: &CouncilMember| Voter {
                id: member.id.clone(),
                name: member.name.clone(),
                voted: found.votes.contains_key(&member.id),
                choice: found.votes.get(&member.id).copied().flatten(),
            };
            let recused = members.iter().filter_map(|member| {
                let reason = found.recused.get(&member.id)?;
                let own = member.user_id.as_ref() == Some(&staff.user.id);
                Some(Recused {
                    member: member.id.clone(),
                    name: member.name.clone(),
                    reason: if keeps || own { reason.clone() } else { String::new() },
                })
            });
            motions.push(Put {
                voters: voters.map(voter).collect(),
                recused: recused.collect(),
                rows: found.rows.iter().filter_map(|id| about.row(&tree, id)).collect(),
                keyed: keyed(conn, &found.motion)?,
                motion: found.motion,
            });
        }
        Ok(Hall {
            area: area_name(&tree, &session.area_id),
            notice: notice::of_session(conn, &session.id)?,
            seats: members
                .into_iter()
                .map(|member| Seat {
                    arrived_at: arrivals.get(&member.id).copied(),
                    member,
                })
                .collect(),
            session,
            terms,
            motions,
            keeps,
        })
    }

    /// The motion that is voted on now: the first without a result.
    pub fn current(&self) -> Option<&Put> {
        match self.session.state {
            State::Open => self.motions.iter().find(|put| put.is_waiting()),
            _ => None,
        }
    }

    /// How many are there.
    pub fn present(&self) -> usize {
        self.seats.iter().filter(|seat| seat.arrived_at.is_some()).count()
    }

    /// `2026年11月25日（周三）`.
    pub fn held_on(&self) -> String {
        let day = self.session.held_on;
        format!("{}（{}）", clock::spoken_day(day), clock::weekday(day))
    }

    /// How many have to be there.
    pub fn quorum(&self) -> i64 {
        let seats = self.session.seats.unwrap_or_else(|| session::count(self.seats.len()));
        session::quorum(seats, &self.terms)
    }

    pub fn chair(&self) -> &str {
        self.name_of(self.session.chair_id.as_ref())
    }

    fn name_of(&self, id: Option<&Id<CouncilMember>>) -> &str {
        let found = self.seats.iter().find(|seat| Some(&seat.member.id) == id);
        found.map(|seat| seat.member.name.as_str()).unwrap_or_default()
    }

    /// Who is there, in one line; or who is not.
    pub fn roll(&self, present: bool) -> String {
        let names: Vec<&str> = self
            .seats
            .iter()
            .filter(|seat| seat.arrived_at.is_some() == present)
            .map(|seat| seat.member.name.as_str())
            .collect();
        names.join("、")
    }

    pub fn decided(&self) -> usize {
        self.motions.iter().filter(|put| !put.is_waiting()).count()
    }

    /// How many rows were carried, and wait for the notice or went on it.
    pub fn carried_rows(&self) -> usize {
        let carried = self.motions.iter().filter(|put| put.motion.state == Stand::Approved);
        carried.map(|put| put.rows.len()).sum()
    }

    /// Changes whenever something happened that the page shows.
    pub fn stamp(&self) -> String {
        let votes: usize = self.motions.iter().map(Put::cast).sum();
        // The first person's numbers stay hidden until the second has keyed too, also in here.
        let keyed: Vec<String> = match self.current() {
            Some(put) if put.differs() => put.keyed.iter().map(Keyed::sum).collect(),
            Some(put) => put.keyed.iter().map(|keyed| keyed.name.clone()).collect(),
            None => Vec::new(),
        };
        let recused: usize = self.motions.iter().map(|put| put.recused.len()).sum();
        format!(
            "{}-{}-{}-{}-{votes}-{recused}-{}",
            self.session.state.word(),
            self.motions.len(),
            self.decided(),
            self.present(),
            keyed.join("-"),
        )
    }
}

impl Put {
    pub fn is_waiting(&self) -> bool {
        self.motion.state == Stand::Waiting
    }

    pub fn is_batch(&self) -> bool {
        self.motion.kind == Kind::Batch
    }

    /// More rows than can be seen at a glance.
    pub fn is_long(&self) -> bool {
        self.rows.len() > 6
    }

    /// What it is about, in a few words.
    pub fn title(&self) -> String {
        match (self.motion.kind, self.rows.as_slice()) {
            (Kind::Single, [row]) => format!("{}：{}", row.whose, row.deed),
            (_, rows) => format!("批量确认{}条", rows.len()),
        }
    }

    /// How many have voted on a phone or by hand.
    pub fn cast(&self) -> usize {
        self.voters.iter().filter(|voter| voter.voted).count()
    }

    pub fn is_untouched(&self) -> bool {
        self.cast() == 0 && self.keyed.is_empty()
    }

    /// Who has not voted.
    pub fn silent(&self) -> Vec<&Voter> {
        self.voters.iter().filter(|voter| !voter.voted).collect()
    }

    /// The names of those who voted so, in an open ballot.
    pub fn named(&self, choice: &Choice) -> String {
        let names = self.voters.iter().filter(|voter| voter.choice.as_ref() == Some(choice));
        let names: Vec<&str> = names.map(|voter| voter.name.as_str()).collect();
        names.join("、")
    }

    pub fn recused_names(&self) -> String {
        let names: Vec<&str> = self.recused.iter().map(|one| one.name.as_str()).collect();
        names.join("、")
    }

    /// `赞成5，反对0，弃权1`, and who is missing.
    pub fn counts(&self) -> String {
        let motion = &self.motion;
        let all = motion
            .votes_for
            .saturating_add(motion.votes_against)
            .saturating_add(motion.abstentions);
        let silent = session::count(self.voters.len()).saturating_sub(all);
        let silent = match silent {
            ..=0 => String::new(),
            silent => format!("，{silent}人没有投，按弃权计"),
        };
        format!(
            "赞成{}，反对{}，弃权{}{silent}",
            motion.votes_for, motion.votes_against, motion.abstentions
        )
    }

    /// The result in words.
    pub fn outcome(&self, terms: &CouncilTerms) -> String {
        match self.motion.state {
            Stand::Waiting => "待表决".to_owned(),
            Stand::Approved => format!("通过：{}。", self.counts()),
            Stand::Declined => format!("未通过：{}，应投{}人。", self.counts(), self.voters.len()),
            Stand::Deferred => format!(
                "能投票的只有{}人，少于{}人，留待下次会议。",
                self.voters.len(),
                terms.fewest_voters
            ),
        }
    }

    pub fn badge(&self) -> &'static str {
        match self.motion.state {
            Stand::Waiting => "badge warn",
            Stand::Approved => "badge ok",
            Stand::Declined => "badge bad",
            Stand::Deferred => "badge info",
        }
    }

    /// Have two people keyed different numbers?
    pub fn differs(&self) -> bool {
        self.keyed.len() > 1
    }

    pub fn keyed_by(&self, user: &Id<User>) -> Option<&Keyed> {
        self.keyed.iter().find(|keyed| keyed.by == *user)
    }
}

impl Keyed {
    pub fn sum(&self) -> String {
        let counts = &self.counts;
        format!(
            "{}：赞成{}，反对{}，弃权{}",
            self.name, counts.votes_for, counts.votes_against, counts.abstentions
        )
    }
}

/// A motion before names are put to it.
struct Found {
    motion: Motion,
    rows: Vec<Id<Nomination>>,
    recused: HashMap<Id<CouncilMember>, String>,
    votes: HashMap<Id<CouncilMember>, Option<Choice>>,
}

/// What would be put to a session that opened now.
fn planned(conn: &mut Conn, session: &Session, members: &[CouncilMember], terms: &CouncilTerms) -> Result<Vec<Found>> {
    let agenda = session::agenda(conn, &session.area_id, members, terms)?;
    let motion = |position, kind| Motion {
        id: Id::known(""),
        session_id: session.id.clone(),
        position,
        kind,
        state: Stand::Waiting,
        votes_for: 0,
        votes_against: 0,
        abstentions: 0,
        decided_at: None,
        decided_by: None,
    };
    let found = (1i64..).zip(agenda).map(|(position, new)| Found {
        motion: motion(position, new.kind),
        rows: new.rows,
        recused: new.recused.into_iter().collect(),
        votes: HashMap::new(),
    });
    Ok(found.collect())
}

/// What was put to a session.
fn put(conn: &mut Conn, session: &Session) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for motion in motion::of_session(conn, &session.id)? {
        found.push(Found {
            rows: motion::rows_of(conn, &motion.id)?,
            recused: motion::recusals(conn, &motion.id)?,
            votes: motion::votes(conn, &motion.id)?.into_iter().collect(),
            motion,
        });
    }
    Ok(found)
}

fn keyed(conn: &mut Conn, motion: &Motion) -> Result<Vec<Keyed>> {
    let keyed = motion::keyed(conn, &motion.id)?;
    let people: Vec<Id<User>> = keyed.iter().map(|(by, _)| by.clone()).collect();
    let names = user::display_names(conn, &people)?;
    let name = |by: &Id<User>| names.get(by).cloned().unwrap_or_default();
    let keyed = keyed.into_iter().map(|(by, counts)| Keyed {
        name: name(&by),
        by,
        counts,
    });
    Ok(keyed.collect())
}

/// The deeds, households and rules that motions are about, read at once.
struct About {
    nominations: BTreeMap<Id<Nomination>, Nomination>,
    households: BTreeMap<Id<Household>, (Household, bool)>,
    items: BTreeMap<Id<Item>, Item>,
}

impl About {
    fn load(conn: &mut Conn, staff: &Staff, tree: &Tree, names: Names, found: &[Found]) -> Result<About> {
        let ids: Vec<Id<Nomination>> = found.iter().flat_map(|found| found.rows.clone()).collect();
        let nominations = nomination::by_ids(conn, &ids)?;
        let homes: Vec<Id<Household>> = nominations.iter().map(|one| one.household_id.clone()).collect();
        let items: Vec<Id<Item>> = nominations.iter().map(|one| one.scoring_item_id.clone()).collect();
        let reach = staff.duties.reach(Permission::ReadHouseholds, tree);
        let by_name = |home: &Household| names == Names::AsPermitted && reach.covers(&home.building_id);
        Ok(About {
            nominations: nominations.into_iter().map(|one| (one.id.clone(), one)).collect(),
            households: household::by_ids(conn, &homes)?
                .into_iter()
                .map(|home| (home.id.clone(), (by_name(&home), home)))
                .map(|(id, (named, home))| (id, (home, named)))
                .collect(),
            items: item::by_ids(conn, &items)?
                .into_iter()
                .map(|item| (item.id.clone(), item))
                .collect(),
        })
    }

    fn row(&self, tree: &Tree, id: &Id<Nomination>) -> Option<Row> {
        let one = self.nominations.get(id)?;
        let (home, named) = self.households.get(&one.household_id)?;
        let item = self.items.get(&one.scoring_item_id)?;
        let times = match one.count {
            ..=1 => String::new(),
            count => format!(" × {count}"),
        };
        let building = tree.get(&home.building_id).map(|area| area.name.clone());
        Some(Row {
            id: one.id.clone(),
            whose: match named {
                true => format!("{}户", home.head_name),
                false => format!("{}户", home.masked_name()),
            },
            place: match named {
                true => home.address(tree),
                false => building.unwrap_or_default(),
            },
            code: item.code.clone(),
            deed: format!("{}{times}", item.name),
            rule: item.rule_text(),
            points: one.points,
            occurred_on: one.occurred_on,
            // A sentence in somebody's own words may name people.
            note: if *named { one.note.clone() } else { String::new() },
            evidence: item.evidence.clone(),
            verified: match named {
                true => one.decision_reason.clone().unwrap_or_default(),
                false => String::new(),
            },
        })
    }
}
