//! The panel of an appeal (复议组): people who had no part in what it is about.
//!
//! The system proposes who can sit on it and names the rule for everybody who cannot. The household is heard, each member
//! gives an opinion with a reason, the majority decides, and a tie favours the household. A member without an account
//! signs on paper, and somebody without a part keys it.

use diesel::prelude::*;

use super::{Appeal, State, by_id, end, matter, record, save};
use crate::access::role::{Duties, Permission};
use crate::access::user::{self, User};
use crate::clock::{Moment, day_of};
use crate::council::clockwork;
use crate::council::deadline;
use crate::council::member::{self, CouncilMember};
use crate::council::objection::words;
use crate::council::parties::{Part, Parties, Person, Task};
use crate::council::refused::Refused;
use crate::db::schema::appeal_panellists;
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::Tree;
use crate::places::household;
use crate::request::{Request, Requests};

/// A member of a panel.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = appeal_panellists)]
pub struct Panellist {
    appeal_id: Id<Appeal>,
    /// The place on the panel, from 1.
    pub position: i64,
    /// The account.
    pub user_id: Option<Id<User>>,
    /// The seat of somebody without one.
    pub member_id: Option<Id<CouncilMember>>,
    /// What people read.
    pub name: String,
    /// What this member says.
    pub opinion: Option<Opinion>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub given_at: Option<Moment>,
    /// Who keyed it.
    pub keyed_by: Option<Id<User>>,
}

text_enum! {
    /// What a member of a panel says.
    pub enum Opinion {
        /// The household is right.
        Uphold = "uphold", "申诉成立";
        /// The decision stands.
        Dismiss = "dismiss", "维持原决定";
    }
}

/// The fewest on a panel; and how many where there are enough.
const FEWEST: usize = 2;
const WANTED: usize = 3;
const MOST: usize = 7;
const HEARING_LENGTH: usize = 2_000;
const REASON_LENGTH: usize = 500;

/// Somebody who could sit on a panel, or why not.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// `user:<id>` or `member:<id>`, as the form sends it.
    pub key: String,
    /// Who.
    pub person: Person,
    /// Why this person cannot; `None` for who can.
    pub part: Option<Part>,
}

/// Everybody who may decide there or sits in a council, those who can first.
///
/// # Errors
/// Only when the database fails.
pub fn candidates(conn: &mut Conn, appeal: &Appeal, now: Moment) -> Result<Vec<Candidate>> {
    let parties = matter::parties(conn, appeal)?;
    let household = household::by_id(conn, &appeal.household_id)?;
    let tree = Tree::load(conn)?;
    let today = day_of(now);
    let seats = member::all(conn)?;
    let sits = |user: &User| {
        let own = seats.iter().filter(|seat| seat.user_id.as_ref() == Some(&user.id));
        own.into_iter().any(|seat| seat.sits_on(today))
    };
    let decides = |duties: &Duties| {
        let reach = duties.reach(Permission::DecideObjection, &tree);
        reach.covers(&household.building_id)
    };
    let mut found = Vec::new();
    for (user, duties) in user::all(conn)? {
        if user.disabled_at.is_none() && (decides(&duties) || sits(&user)) {
            let person = Person::of_user(&user, &seats);
            found.push(candidate(format!("user:{}", user.id), person, &parties));
        }
    }
    for seat in seats
        .iter()
        .filter(|seat| seat.user_id.is_none() && seat.sits_on(today))
    {
        let person = Person::of_seat(seat);
        found.push(candidate(format!("member:{}", seat.id), person, &parties));
    }
    // Stable: those who can stay in the order of their names.
    found.sort_by(|one, other| one.person.name.cmp(&other.person.name));
    found.sort_by_key(|one| one.part.is_some());
    Ok(found)
}

fn candidate(key: String, person: Person, parties: &Parties) -> Candidate {
    Candidate {
        part: parties.part_of(&person, Task::Panel),
        key,
        person,
    }
}

/// How many a panel needs when so many can sit on it.
#[must_use]
pub fn need(eligible: usize) -> usize {
    eligible.clamp(FEWEST, WANTED)
}

/// Asks to name a panel.
#[derive(Clone, Debug)]
pub struct Accept {
    /// The appeal.
    pub appeal: Id<Appeal>,
    /// Who sits on it, as [`Candidate::key`] has it.
    pub panel: Vec<String>,
    /// Who names them.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Accepts an appeal and names its panel.
///
/// # Errors
/// [`Refused::AppealIs`], [`Refused::NotForPanel`], [`Refused::PanelTooSmall`], [`Refused::TookPart`],
/// [`Refused::DeadlinePassed`], [`Refused::ClockSetBack`]; `Invalid` for somebody who is no candidate; `NotFound`.
pub fn accept(conn: &mut Conn, asked: &Accept, now: Moment) -> Result<Appeal> {
    let content = (asked.appeal.as_str(), &asked.panel);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "appeal.accept", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let mut appeal = expect_open(conn, &asked.appeal, &[State::Filed], now)?;
    expect_no_part(conn, &appeal, &asked.by)?;
    let candidates = candidates(conn, &appeal, now)?;
    let eligible = candidates.iter().filter(|one| one.part.is_none()).count();
    let mut panel: Vec<Panellist> = Vec::new();
    let mut wanted = asked.panel.clone();
    wanted.sort();
    wanted.dedup();
    for (position, key) in (1i64..).zip(&wanted) {
        let Some(one) = candidates.iter().find(|one| one.key == *key) else {
            return Err(Error::invalid("panel", "名单里有人不能处理申诉，请从列出的人里选。"));
        };
        if let Some(part) = one.part {
            let name = one.person.name.clone();
            return Err(Refused::NotForPanel { name, part }.into());
        }
        panel.push(Panellist {
            appeal_id: appeal.id.clone(),
            position,
            user_id: one.person.user.clone(),
            member_id: match one.person.user {
                Some(_) => None,
                None => one.person.members.first().cloned(),
            },
            name: one.person.name.clone(),
            opinion: None,
            reason: None,
            given_at: None,
            keyed_by: None,
        });
    }
    let need = need(eligible);
    if panel.len() < need {
        return Err(Refused::PanelTooSmall { need }.into());
    }
    if panel.len() > MOST {
        return Err(Error::invalid("panel", format!("复议组最多{MOST}人。")));
    }
    insert_rows!(conn, appeal_panellists::table, &panel);
    appeal.state = State::Accepted;
    appeal.accepted_at = Some(now);
    appeal.accepted_by = Some(asked.by.id.clone());
    save(conn, &appeal)?;
    requests.carried_out(&request, appeal.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &appeal, asked.by.id.as_str(), "appeal.accepted", now)?;
    Ok(appeal)
}

/// Writes down what was said when the household was heard, or that it did not want to be.
///
/// # Errors
/// [`Refused::AppealIs`], [`Refused::TookPart`], [`Refused::DeadlinePassed`], [`Refused::ClockSetBack`]; `Invalid` without
/// words; `NotFound`.
pub fn hear(conn: &mut Conn, id: &Id<Appeal>, said: &str, by: &User, now: Moment) -> Result<Appeal> {
    let mut appeal = by_id(conn, id)?;
    // Sent twice: the first one stands.
    if appeal.state == State::Heard && appeal.heard_by.as_ref() == Some(&by.id) && appeal.hearing == said.trim() {
        return Ok(appeal);
    }
    appeal = expect_open(conn, id, &[State::Accepted], now)?;
    expect_no_part(conn, &appeal, by)?;
    appeal.hearing = words(
        "hearing",
        said,
        HEARING_LENGTH,
        "请写明住户怎么说、看了什么材料，2000个字以内。",
    )?;
    appeal.state = State::Heard;
    appeal.heard_at = Some(now);
    appeal.heard_by = Some(by.id.clone());
    save(conn, &appeal)?;
    record(conn, &appeal, by.id.as_str(), "appeal.heard", now)?;
    Ok(appeal)
}

/// An opinion of one member.
#[derive(Clone, Debug)]
pub struct Give {
    /// The appeal.
    pub appeal: Id<Appeal>,
    /// Whose place on the panel.
    pub position: i64,
    /// What the member says.
    pub opinion: Opinion,
    /// Why.
    pub reason: String,
    /// Who sends it: the member, or for one without an account whoever has the signed paper.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Takes an opinion; with the last one the appeal is decided.
///
/// # Errors
/// [`Refused::AppealIs`], [`Refused::NotOnPanel`], [`Refused::OpinionGiven`], [`Refused::TookPart`],
/// [`Refused::DeadlinePassed`], [`Refused::ClockSetBack`]; `Invalid` without a reason; `NotFound`.
pub fn give(conn: &mut Conn, asked: &Give, now: Moment) -> Result<Appeal> {
    let content = (
        asked.appeal.as_str(),
        asked.position,
        asked.opinion.word(),
        &asked.reason,
    );
    let request = Request::new(&asked.key, asked.by.id.as_str(), "appeal.opinion", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let appeal = expect_open(conn, &asked.appeal, &[State::Heard], now)?;
    let panel = of(conn, &appeal.id)?;
    let Some(member) = panel.iter().find(|one| one.position == asked.position) else {
        return Err(Refused::NotOnPanel.into());
    };
    if member.user_id.as_ref().is_some_and(|own| *own != asked.by.id) {
        return Err(Refused::NotOnPanel.into());
    }
    expect_no_part(conn, &appeal, &asked.by)?;
    if member.opinion.is_some() {
        return Err(Refused::OpinionGiven.into());
    }
    let reason = words("reason", &asked.reason, REASON_LENGTH, "请写明理由，500个字以内。")?;
    diesel::update(appeal_panellists::table.find((&appeal.id, asked.position)))
        .set((
            appeal_panellists::opinion.eq(Some(asked.opinion)),
            appeal_panellists::reason.eq(Some(&reason)),
            appeal_panellists::given_at.eq(Some(now)),
            appeal_panellists::keyed_by.eq(Some(&asked.by.id)),
        ))
        .execute(conn)?;
    record(conn, &appeal, asked.by.id.as_str(), "appeal.opinion", now)?;
    let appeal = decide(conn, appeal, &asked.by, now)?;
    requests.carried_out(&request, appeal.id.as_str(), now);
    requests.save(conn)?;
    Ok(appeal)
}

/// The majority decides when all have spoken; a tie favours the household.
fn decide(conn: &mut Conn, appeal: Appeal, by: &User, now: Moment) -> Result<Appeal> {
    let panel = of(conn, &appeal.id)?;
    let all: Vec<Opinion> = panel.iter().filter_map(|one| one.opinion).collect();
    if all.len() < panel.len() {
        return Ok(appeal);
    }
    let uphold = all.iter().filter(|one| **one == Opinion::Uphold).count();
    let dismiss = all.len().saturating_sub(uphold);
    let (state, words) = match uphold >= dismiss {
        true => (State::Upheld, "申诉成立"),
        false => (State::Dismissed, "维持原决定"),
    };
    let tie = match uphold == dismiss {
        true => "，票数相同，按规定有利于住户",
        false => "",
    };
    let count = panel.len();
    let reason = format!("复议组{count}人，认为申诉成立{uphold}人，维持原决定{dismiss}人{tie}：{words}。");
    end(conn, appeal, state, &reason, by.id.as_str(), now)
}

/// Both sides agreed: the words of it, and for too few points the count that they agreed on.
#[derive(Clone, Debug)]
pub struct Settle {
    /// The appeal.
    pub appeal: Id<Appeal>,
    /// What was agreed, signed by the household.
    pub words: String,
    /// How many times, persons … both agreed on.
    pub count: Option<i64>,
    /// Who writes it down: somebody of the panel.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Ends an appeal by what both sides agreed on, after the household was heard.
///
/// # Errors
/// [`Refused::AppealIs`], [`Refused::NotOnPanel`], [`Refused::DeadlinePassed`], [`Refused::ClockSetBack`]; `Invalid` without
/// words, or for a count beyond the claim; `NotFound`.
pub fn settle(conn: &mut Conn, asked: &Settle, now: Moment) -> Result<Appeal> {
    let content = (asked.appeal.as_str(), &asked.words, asked.count);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "appeal.settle", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let mut appeal = expect_open(conn, &asked.appeal, &[State::Heard], now)?;
    let panel = of(conn, &appeal.id)?;
    if !panel.iter().any(|one| one.user_id.as_ref() == Some(&asked.by.id)) {
        return Err(Refused::NotOnPanel.into());
    }
    let words = words(
        "words",
        &asked.words,
        REASON_LENGTH,
        "请写明双方商定了什么，500个字以内。",
    )?;
    match (appeal.claimed_count, asked.count) {
        (Some(claimed), Some(count)) if count >= 1 && count <= claimed => appeal.claimed_count = Some(count),
        (Some(claimed), _) => {
            return Err(Error::invalid(
                "count",
                format!("请填写双方商定算几次，不超过住户提出的{claimed}。"),
            ));
        }
        (None, _) => {}
    }
    let appeal = end(conn, appeal, State::Settled, &words, asked.by.id.as_str(), now)?;
    requests.carried_out(&request, appeal.id.as_str(), now);
    requests.save(conn)?;
    Ok(appeal)
}

/// An appeal that stands where this can be done, and whose time is not over.
fn expect_open(conn: &mut Conn, id: &Id<Appeal>, states: &[State], now: Moment) -> Result<Appeal> {
    clockwork::expect_forward(conn, now)?;
    let appeal = by_id(conn, id)?;
    if !states.contains(&appeal.state) {
        return Err(Refused::AppealIs(appeal.state).into());
    }
    if now >= appeal.decide_by {
        return Err(Refused::DeadlinePassed(deadline::last_day(appeal.decide_by)).into());
    }
    Ok(appeal)
}

/// Refuses whoever had a part, as for an objection: naming a panel and keying papers is not voting again.
fn expect_no_part(conn: &mut Conn, appeal: &Appeal, by: &User) -> Result<()> {
    let parties = matter::parties(conn, appeal)?;
    let person = Person::of_user(by, &member::all(conn)?);
    match parties.part_of(&person, Task::Decide) {
        Some(part) => Err(Refused::TookPart(part).into()),
        None => Ok(()),
    }
}

/// The panel of an appeal, in its order.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, appeal: &Id<Appeal>) -> Result<Vec<Panellist>> {
    Ok(appeal_panellists::table
        .filter(appeal_panellists::appeal_id.eq(appeal))
        .order(appeal_panellists::position)
        .select(Panellist::as_select())
        .load(conn)?)
}
