//! Appeals about titles: a household asks again for a title that it was not given, or somebody asks that one be taken back.
//!
//! ```text
//! filed → accepted → upheld | dismissed | lapsed
//! ```
//!
//! The household itself asks from its phone, or the office writes down what somebody says. A panel decides of people who neither voted nor had another part; each writes an opinion, and the majority decides. A tie
//! and silence are as the household would have it: what it was denied is given, what it holds it keeps (SG7). A conferred title is
//! revoked by this way only. Of a household that is gone nothing is left to give.

use diesel::prelude::*;

use super::award::{self, Ending, State as Standing, TitleAward};
use super::parties;
use super::refused::Refused;
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::audit;
use crate::clock::{Moment, day_of};
use crate::council::appeal::panel::{Opinion, need};
use crate::council::objection::{few_words, words};
use crate::council::parties::Part;
use crate::council::refused::Refused as CouncilRefused;
use crate::council::{clockwork, deadline, member, receipt};
use crate::db::schema::{title_appeals, title_awards, title_panellists};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::places::standing;
use crate::request::{Request, Requests};

/// An appeal about a title and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = title_appeals, treat_none_as_null = true)]
pub struct TitleAppeal {
    /// Its id.
    pub id: Id<TitleAppeal>,
    /// The number on the receipt.
    pub receipt: String,
    /// What it is about.
    pub award_id: Id<TitleAward>,
    /// What it asks for.
    pub kind: Kind,
    /// Why.
    pub reason: String,
    /// Where to reach whoever appeals; may be empty.
    pub contact: String,
    /// When.
    pub filed_at: Moment,
    /// From here on it is decided by itself, as the household would have it.
    pub decide_by: Moment,
    /// Where it stands.
    pub state: State,
    /// When it ended.
    pub decided_at: Option<Moment>,
    /// How, in words.
    pub decision_reason: Option<String>,
    /// Who of the office wrote it down; nobody where the household filed it itself.
    pub taken_by: Option<Id<User>>,
}

text_enum! {
    /// What an appeal asks for.
    pub enum Kind {
        /// The household was not given the title.
        Declined = "declined", "没有评上，请求复议";
        /// Somebody thinks that it should not have it.
        Conferred = "conferred", "认为不该授予，请求撤销";
    }
}

text_enum! {
    /// Where an appeal stands.
    pub enum State {
        /// Taken in.
        Filed = "filed", "已收到，待受理";
        /// A panel is named and gives its opinions.
        Accepted = "accepted", "已受理，待复议";
        /// It is right.
        Upheld = "upheld", "申诉成立";
        /// What was decided stands.
        Dismissed = "dismissed", "维持原决定";
        /// The household is gone: there is nobody to give the title to.
        Lapsed = "lapsed", "不用再处理";
    }
}

impl State {
    /// Is there still something to do?
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, State::Filed | State::Accepted)
    }
}

impl TitleAppeal {
    /// Is more than half of the time to decide it gone?
    #[must_use]
    pub fn is_urgent(&self, now: Moment) -> bool {
        self.state.is_open() && deadline::half_way(self.filed_at, self.decide_by) <= now
    }
}

/// A member of a panel.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = title_panellists)]
pub struct Panellist {
    appeal_id: Id<TitleAppeal>,
    /// Who.
    pub user_id: Id<User>,
    /// What this member says.
    pub opinion: Option<Opinion>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub given_at: Option<Moment>,
}

const REASON_LENGTH: usize = 1_000;
const OPINION_LENGTH: usize = 500;
const CONTACT_LENGTH: usize = 60;
/// An appeal may not take longer (SG7).
const MOST_DECISION_DAYS: u64 = 15;
const MOST_ON_PANEL: usize = 7;
/// Who does what nobody decides any more.
const SYSTEM: &str = "system";
const SILENCE: &str = "期限内没有作出复议决定，按规定自动按有利于住户处理。";

/// Who files an appeal.
#[derive(Clone, Debug)]
pub enum Filer {
    /// The household itself, at its own page: about its own title that it was not given, and no other.
    Household(Id<Household>),
    /// Somebody of the office, who writes down what was said.
    Office(Id<User>),
}

impl Filer {
    fn actor(&self) -> &str {
        match self {
            Filer::Household(own) => own.as_str(),
            Filer::Office(user) => user.as_str(),
        }
    }
}

/// Asks to appeal.
#[derive(Clone, Debug)]
pub struct File {
    /// The award.
    pub award: Id<TitleAward>,
    /// Why.
    pub reason: String,
    /// Where to reach whoever appeals; may be empty.
    pub contact: String,
    /// Who files it.
    pub by: Filer,
    /// The sender's key.
    pub key: String,
}

/// What an appeal about this award would ask for; `None` where there is nothing to appeal against.
#[must_use]
pub fn kind_of(award: &TitleAward) -> Option<Kind> {
    match award.state {
        Standing::Conferred => Some(Kind::Conferred),
        Standing::Declined if award.ending.is_some_and(Ending::is_decision) => Some(Kind::Declined),
        _ => None,
    }
}

/// Takes an appeal in. The same request again answers the first.
///
/// # Errors
/// [`Refused::AlreadyAppealed`]; the council's `NothingToAppeal`, `AppealTooLate`, `ClockSetBack`; [`standing::Refused`]
/// for a household that is gone and was not given the title; `Invalid` fields; `NotFound`, also for another household's;
/// `idempotency_conflict`.
pub fn file(conn: &mut Conn, asked: &File, now: Moment) -> Result<TitleAppeal> {
    clockwork::expect_forward(conn, now)?;
    let content = (asked.award.as_str(), &asked.reason, &asked.contact);
    let actor = asked.by.actor();
    let request = Request::new(&asked.key, actor, "title.appeal", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let award = award::by_id(conn, &asked.award)?;
    let cycle = deadline::cycle(conn, day_of(now))?;
    let taken_by = match &asked.by {
        Filer::Household(own) if *own != award.household_id => return Err(Error::NotFound),
        Filer::Household(_) => None,
        Filer::Office(user) => Some(user.clone()),
    };
    // What a household holds others doubt.
    let kind = kind_of(&award)
        .filter(|kind| *kind == Kind::Declined || taken_by.is_some())
        .ok_or(CouncilRefused::NothingToAppeal(award.state.label()))?;
    if kind == Kind::Declined {
        standing::expect_active(conn, &award.household_id)?;
    }
    if let (Kind::Declined, Some(ended_at)) = (kind, award.ended_at) {
        let until = deadline::after_days(ended_at, cycle.appeal_window_days);
        if now >= until {
            return Err(CouncilRefused::AppealTooLate(deadline::last_day(until)).into());
        }
    }
    let earlier = of_award(conn, &award.id)?;
    // A household asks once; a title may be doubted again when there is something new, but not twice at a time.
    let stands = |one: &TitleAppeal| one.kind == kind && (one.state.is_open() || kind == Kind::Declined);
    if earlier.iter().any(stands) {
        return Err(Refused::AlreadyAppealed.into());
    }
    let appeal = TitleAppeal {
        id: Id::new(now),
        receipt: fresh_receipt(conn)?,
        award_id: award.id,
        kind,
        reason: words("reason", &asked.reason, REASON_LENGTH, "请写明为什么，1000个字以内。")?,
        contact: few_words("contact", &asked.contact, CONTACT_LENGTH)?,
        filed_at: now,
        decide_by: deadline::after_days(now, cycle.appeal_decision_days.min(MOST_DECISION_DAYS)),
        state: State::Filed,
        decided_at: None,
        decision_reason: None,
        taken_by,
    };
    diesel::insert_into(title_appeals::table)
        .values(&appeal)
        .execute(conn)?;
    requests.carried_out(&request, appeal.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &appeal, actor, "title_appeal.filed", now)?;
    Ok(appeal)
}

/// Somebody who could sit on a panel, or why not.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Who.
    pub user: User,
    /// Why this person cannot; `None` for who can.
    pub part: Option<Part>,
}

/// Everybody who may decide there or sits in a council, those who can first.
///
/// # Errors
/// Only when the database fails.
pub fn candidates(conn: &mut Conn, award: &TitleAward, now: Moment) -> Result<Vec<Candidate>> {
    let building = household::by_id(conn, &award.household_id)?.building_id;
    let tree = Tree::load(conn)?;
    let seats = member::all(conn)?;
    let sits = |user: &User| {
        let mut own = seats.iter().filter(|seat| seat.user_id.as_ref() == Some(&user.id));
        own.any(|seat| seat.sits_on(day_of(now)))
    };
    let mut found = Vec::new();
    for (user, duties) in user::all(conn)? {
        let decides = duties.reach(Permission::DecideObjection, &tree).covers(&building);
        if user.disabled_at.is_none() && (decides || sits(&user)) {
            let part = parties::part_in(conn, award, &user)?;
            found.push(Candidate { user, part });
        }
    }
    // Stable: those who can stay in the order of their names.
    found.sort_by_key(|one| one.part.is_some());
    Ok(found)
}

/// Asks to name a panel.
#[derive(Clone, Debug)]
pub struct Accept {
    /// The appeal.
    pub appeal: Id<TitleAppeal>,
    /// Who sits on it.
    pub panel: Vec<Id<User>>,
    /// Who names them.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Accepts an appeal and names its panel.
///
/// # Errors
/// [`Refused::AppealIs`]; the council's `NotForPanel`, `PanelTooSmall`, `TookPart`, `DeadlinePassed`,
/// `ClockSetBack`; `Invalid` for somebody who is no candidate; `NotFound`; `idempotency_conflict`.
pub fn accept(conn: &mut Conn, asked: &Accept, now: Moment) -> Result<TitleAppeal> {
    let content = (asked.appeal.as_str(), &asked.panel);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "title.panel", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let (mut appeal, award) = expect(conn, &asked.appeal, State::Filed, now)?;
    if let Some(part) = parties::part_in(conn, &award, &asked.by)? {
        return Err(CouncilRefused::TookPart(part).into());
    }
    let candidates = candidates(conn, &award, now)?;
    let eligible = candidates.iter().filter(|one| one.part.is_none()).count();
    let mut wanted = asked.panel.clone();
    wanted.sort();
    wanted.dedup();
    let mut panel = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        let Some(one) = candidates.iter().find(|one| one.user.id == wanted) else {
            return Err(Error::invalid("panel", "名单里有人不能处理申诉，请从列出的人里选。"));
        };
        if let Some(part) = one.part {
            let name = one.user.display_name.clone();
            return Err(CouncilRefused::NotForPanel { name, part }.into());
        }
        panel.push(Panellist {
            appeal_id: appeal.id.clone(),
            user_id: wanted,
            opinion: None,
            reason: None,
            given_at: None,
        });
    }
    let need = need(eligible);
    if panel.len() < need {
        return Err(CouncilRefused::PanelTooSmall { need }.into());
    }
    if panel.len() > MOST_ON_PANEL {
        return Err(Error::invalid("panel", format!("复议组最多{MOST_ON_PANEL}人。")));
    }
    insert_rows!(conn, title_panellists::table, &panel);
    appeal.state = State::Accepted;
    save(conn, &appeal)?;
    requests.carried_out(&request, appeal.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &appeal, asked.by.id.as_str(), "title_appeal.accepted", now)?;
    Ok(appeal)
}

/// An opinion of one member.
#[derive(Clone, Debug)]
pub struct Give {
    /// The appeal.
    pub appeal: Id<TitleAppeal>,
    /// What the member says.
    pub opinion: Opinion,
    /// Why.
    pub reason: String,
    /// The member.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Takes an opinion; with the last one the appeal is decided.
///
/// # Errors
/// The council's `NotOnPanel`, `OpinionGiven`, `DeadlinePassed`, `ClockSetBack`; `Invalid` without a reason; `NotFound`;
/// `idempotency_conflict`.
pub fn give(conn: &mut Conn, asked: &Give, now: Moment) -> Result<TitleAppeal> {
    let content = (asked.appeal.as_str(), asked.opinion, &asked.reason);
    let request = Request::new(&asked.key, asked.by.as_str(), "title.opinion", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let (appeal, award) = expect(conn, &asked.appeal, State::Accepted, now)?;
    let panel = panel_of(conn, &appeal.id)?;
    let Some(own) = panel.iter().find(|one| one.user_id == asked.by) else {
        return Err(CouncilRefused::NotOnPanel.into());
    };
    if own.opinion.is_some() {
        return Err(CouncilRefused::OpinionGiven.into());
    }
    let reason = words("reason", &asked.reason, OPINION_LENGTH, "请写明理由，500个字以内。")?;
    diesel::update(title_panellists::table.find((&appeal.id, &asked.by)))
        .set((
            title_panellists::opinion.eq(Some(asked.opinion)),
            title_panellists::reason.eq(Some(&reason)),
            title_panellists::given_at.eq(Some(now)),
        ))
        .execute(conn)?;
    record(conn, &appeal, asked.by.as_str(), "title_appeal.opinion", now)?;
    let appeal = decide(conn, appeal, award, asked.by.as_str(), now)?;
    requests.carried_out(&request, appeal.id.as_str(), now);
    requests.save(conn)?;
    Ok(appeal)
}

/// The majority decides when all have spoken; a tie is as the household would have it.
fn decide(conn: &mut Conn, appeal: TitleAppeal, award: TitleAward, by: &str, now: Moment) -> Result<TitleAppeal> {
    let panel = panel_of(conn, &appeal.id)?;
    let given: Vec<Opinion> = panel.iter().filter_map(|one| one.opinion).collect();
    if given.len() < panel.len() {
        return Ok(appeal);
    }
    let uphold = given.iter().filter(|one| **one == Opinion::Uphold).count();
    let dismiss = given.len().saturating_sub(uphold);
    let state = match appeal.kind {
        Kind::Declined if uphold >= dismiss => State::Upheld,
        Kind::Conferred if uphold > dismiss => State::Upheld,
        Kind::Declined | Kind::Conferred => State::Dismissed,
    };
    let tie = match uphold == dismiss {
        true => "，票数相同，按规定有利于住户",
        false => "",
    };
    let words = format!(
        "复议组{}人，认为申诉成立{uphold}人，维持原决定{dismiss}人{tie}：{}。",
        given.len(),
        state.label()
    );
    end(conn, appeal, award, state, &words, by, now)
}

/// Ends an appeal and does what it says: gives the title, or takes it back.
fn end(
    conn: &mut Conn,
    mut appeal: TitleAppeal,
    award: TitleAward,
    state: State,
    why: &str,
    by: &str,
    now: Moment,
) -> Result<TitleAppeal> {
    match (state, appeal.kind, award.state) {
        (State::Upheld, Kind::Declined, Standing::Declined) => give_after_all(conn, award, by, now)?,
        (State::Upheld, Kind::Conferred, Standing::Conferred) => {
            award::revoke(conn, award, why, by, now)?;
        }
        // It went another way while the appeal was open: the words stand.
        _ => {}
    }
    appeal.state = state;
    appeal.decided_at = Some(now);
    appeal.decision_reason = Some(why.to_owned());
    save(conn, &appeal)?;
    let act = match state {
        State::Upheld => "title_appeal.upheld",
        State::Lapsed => "title_appeal.lapsed",
        State::Filed | State::Accepted | State::Dismissed => "title_appeal.dismissed",
    };
    record(conn, &appeal, by, act, now)?;
    Ok(appeal)
}

/// What everybody has seen on a notice is conferred at once; the rest goes on the next notice first (SG6).
fn give_after_all(conn: &mut Conn, mut award: TitleAward, by: &str, now: Moment) -> Result<()> {
    // A household that is gone since: the words stand.
    if !standing::now(conn, &award.household_id)?.is_active() {
        return Ok(());
    }
    if award.notice_id.is_some() {
        return award::confer(conn, award, by, now).map(drop);
    }
    award.state = Standing::Balloted;
    award::go_on(&mut award);
    award::save(conn, &award)?;
    award::record(conn, &award, by, "title_award.balloted", now)
}

/// Ends what nobody decides any more.
pub(super) fn lapse(conn: &mut Conn, appeal: TitleAppeal, award: TitleAward, why: &str, now: Moment) -> Result<()> {
    end(conn, appeal, award, State::Lapsed, why, SYSTEM, now).map(drop)
}

/// Decides what nobody decided in time. Answers how many.
pub(super) fn due(conn: &mut Conn, now: Moment) -> Result<usize> {
    let over = title_appeals::table
        .filter(title_appeals::state.eq_any([State::Filed, State::Accepted]))
        .filter(title_appeals::decide_by.le(now))
        .order((title_appeals::filed_at, title_appeals::id))
        .select(TitleAppeal::as_select())
        .load::<TitleAppeal>(conn)?;
    let count = over.len();
    for appeal in over {
        let award = award::by_id(conn, &appeal.award_id)?;
        let state = match appeal.kind {
            Kind::Declined => State::Upheld,
            Kind::Conferred => State::Dismissed,
        };
        end(conn, appeal, award, state, SILENCE, SYSTEM, now)?;
    }
    Ok(count)
}

/// An appeal that stands so and whose time is not over, with what it is about.
fn expect(conn: &mut Conn, id: &Id<TitleAppeal>, state: State, now: Moment) -> Result<(TitleAppeal, TitleAward)> {
    clockwork::expect_forward(conn, now)?;
    let appeal = by_id(conn, id)?;
    if appeal.state != state {
        return Err(Refused::AppealIs(appeal.state).into());
    }
    if now >= appeal.decide_by {
        return Err(CouncilRefused::DeadlinePassed(deadline::last_day(appeal.decide_by)).into());
    }
    let award = award::by_id(conn, &appeal.award_id)?;
    Ok((appeal, award))
}

/// What is open about titles of these households or all, the next deadline first.
///
/// # Errors
/// Only when the database fails.
pub fn open(conn: &mut Conn, households: Option<&[Id<Household>]>) -> Result<Vec<(TitleAppeal, TitleAward)>> {
    let mut query = title_appeals::table
        .inner_join(title_awards::table)
        .filter(title_appeals::state.eq_any([State::Filed, State::Accepted]))
        .order((title_appeals::decide_by, title_appeals::id))
        .select((TitleAppeal::as_select(), TitleAward::as_select()))
        .into_boxed();
    if let Some(households) = households {
        query = query.filter(title_awards::household_id.eq_any(households));
    }
    Ok(query.load(conn)?)
}

/// Takes out where to reach whoever sent it, of what was decided before a day: nobody needs it any more. Answers
/// how many.
///
/// # Errors
/// Only when the database fails.
pub fn forget_senders(conn: &mut Conn, before: Moment) -> Result<usize> {
    let decided = title_appeals::table
        .filter(title_appeals::decided_at.lt(before))
        .filter(title_appeals::contact.ne(""));
    Ok(diesel::update(decided)
        .set(title_appeals::contact.eq(""))
        .execute(conn)?)
}

/// An appeal by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<TitleAppeal>) -> Result<TitleAppeal> {
    title_appeals::table
        .find(id)
        .select(TitleAppeal::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// An appeal by the number on its receipt, as people type it.
///
/// # Errors
/// `NotFound`.
pub fn by_receipt(conn: &mut Conn, typed: &str) -> Result<TitleAppeal> {
    let receipt = receipt::typed(typed).ok_or(Error::NotFound)?;
    title_appeals::table
        .filter(title_appeals::receipt.eq(receipt))
        .select(TitleAppeal::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The appeals about an award, in the order in which they came.
///
/// # Errors
/// Only when the database fails.
pub fn of_award(conn: &mut Conn, award: &Id<TitleAward>) -> Result<Vec<TitleAppeal>> {
    Ok(title_appeals::table
        .filter(title_appeals::award_id.eq(award))
        .order((title_appeals::filed_at, title_appeals::id))
        .select(TitleAppeal::as_select())
        .load(conn)?)
}

/// The panel of an appeal.
///
/// # Errors
/// Only when the database fails.
pub fn panel_of(conn: &mut Conn, appeal: &Id<TitleAppeal>) -> Result<Vec<Panellist>> {
    Ok(title_panellists::table
        .filter(title_panellists::appeal_id.eq(appeal))
        .order(title_panellists::user_id)
        .select(Panellist::as_select())
        .load(conn)?)
}

fn save(conn: &mut Conn, appeal: &TitleAppeal) -> Result<()> {
    diesel::update(title_appeals::table.find(&appeal.id))
        .set(appeal)
        .execute(conn)?;
    Ok(())
}

/// A receipt number that no other appeal about a title has.
fn fresh_receipt(conn: &mut Conn) -> Result<String> {
    for _ in 0..100u8 {
        let receipt = receipt::random();
        match by_receipt(conn, &receipt) {
            Err(Error::NotFound) => return Ok(receipt),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::internal("no free receipt number was found"))
}

/// What was said stays out of the record.
fn record(conn: &mut Conn, appeal: &TitleAppeal, actor: &str, act: &str, now: Moment) -> Result<()> {
    let subject = format!("title_award:{}", appeal.award_id);
    audit::record(conn, &[audit::Event::new(actor, act, subject, String::new(), now)])
}
