//! Awards of titles: a household is nominated for a title of a quarter or year, and what becomes of it.
//!
//! ```text
//! nominated → verified → balloted → notified → conferred → revoked
//!      ↘ withdrawn   ↘ declined      ⇅ suspended
//! ```
//!
//! Nominator and verifier are two people, neither of the household. A household has one try for a title in a period.
//! Households of those who decide stand outside (SG12). Only households are named, never a person of one. How the council
//! decides is in `ballot`; what everybody sees in `notice`; a conferred title is revoked by an appeal alone.

use std::collections::HashSet;

use chrono::Months;
use diesel::prelude::*;

use super::notice::TitleNotice;
use super::refused::Refused;
use super::title::{self, HonourTitle, Scope};
use crate::access::user::{self, User};
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::council::award::{self as points, Reward};
use crate::council::member::{self, CouncilMember};
use crate::council::notice::{TEXT_LENGTH, findings_about};
use crate::council::objection::words;
use crate::council::parties::Person;
use crate::council::refused::Refused as CouncilRefused;
use crate::council::session::Session;
use crate::council::staff_share;
use crate::db::schema::title_awards;
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::places::standing;
use crate::points::Points;
use crate::request::{Request, Requests};

/// A title on its way to a household, or held by it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = title_awards, treat_none_as_null = true)]
pub struct TitleAward {
    /// Its id.
    pub id: Id<TitleAward>,
    /// The title.
    pub title_id: Id<HonourTitle>,
    /// The household.
    pub household_id: Id<Household>,
    /// The grid, building or programme in whose quota it is.
    pub scope_id: Id<Area>,
    /// The first day of the quarter or year that it is for.
    pub period_from: Day,
    /// Why this household, in words that everybody may read.
    pub reason: String,
    /// Where it stands.
    pub state: State,
    /// Who nominated.
    pub nominated_by: Id<User>,
    /// When.
    pub nominated_at: Moment,
    /// Who verified, or found that it does not hold.
    pub verified_by: Option<Id<User>>,
    /// When.
    pub verified_at: Option<Moment>,
    /// Which ballot comes next or decided, from 1.
    pub round: i64,
    /// The session that decided.
    pub session_id: Option<Id<Session>>,
    /// The notice that shows it.
    pub notice_id: Option<Id<TitleNotice>>,
    /// Its row there, from 1.
    pub notice_row: Option<i64>,
    /// When it was conferred.
    pub conferred_at: Option<Moment>,
    /// The last day of its term.
    pub term_ends_on: Option<Day>,
    /// The posting of its points; they may wait for the month's budget.
    pub transaction_number: Option<i64>,
    /// What took them back.
    pub reversal_number: Option<i64>,
    /// When it ended without being held, or was revoked.
    pub ended_at: Option<Moment>,
    /// Why, in words that the household may read.
    pub ending_reason: Option<String>,
    /// What ended it; nobody knows it any more of some that ended before a household was deleted.
    pub ending: Option<Ending>,
}

text_enum! {
    /// Where an award of a title stands.
    pub enum State {
        /// Somebody nominated the household.
        Nominated = "nominated", "待核实";
        /// Somebody else confirmed what was said.
        Verified = "verified", "待票决";
        /// The council carried it.
        Balloted = "balloted", "票决通过，待公示";
        /// Everybody may read it and object.
        Notified = "notified", "公示中";
        /// Somebody objected.
        Suspended = "suspended", "有异议，暂缓授予";
        /// The household holds the title.
        Conferred = "conferred", "已授予";
        /// It came to nothing.
        Declined = "declined", "未通过";
        /// The nominator took it back.
        Withdrawn = "withdrawn", "已撤回";
        /// A panel took the title back.
        Revoked = "revoked", "已撤销";
    }
}

impl State {
    /// States that hold one of the places.
    pub const PLACED: [State; 4] = [State::Balloted, State::Notified, State::Suspended, State::Conferred];
    /// States in which somebody still has something to do.
    pub const UNDER_WAY: [State; 5] = [
        State::Nominated,
        State::Verified,
        State::Balloted,
        State::Notified,
        State::Suspended,
    ];
}

text_enum! {
    /// What ended an award.
    pub enum Ending {
        /// The nominator took it back.
        Withdrawn = "withdrawn", "申报人撤回";
        /// The second person found that it does not hold.
        NotVerified = "not_verified", "核实不符合";
        /// Too few votes in favour.
        NotCarried = "not_carried", "票决未通过";
        /// Others of its quota had more votes in favour.
        QuotaFull = "quota_full", "名额已满";
        /// Somebody objected and was right.
        Objection = "objection", "异议成立";
        /// A panel took the title back.
        Appeal = "appeal", "申诉成立，撤销授予";
        /// The household left the programme.
        Left = "left", "本户已迁出";
        /// The household became part of another one.
        Merged = "merged", "本户已并入另一户";
        /// The household is not where its quota is any more.
        Moved = "moved", "本户已不在评选范围内";
    }
}

impl Ending {
    /// Was it decided that the household shall not have the title, so that it has had its try and may appeal?
    #[must_use]
    pub fn is_decision(self) -> bool {
        matches!(self, Ending::NotCarried | Ending::QuotaFull | Ending::Objection)
    }
}

/// How the books name the points that come with a title; its id follows.
pub const AWARDED: &str = "title:";
/// How the books name what takes them back.
pub const REVOKED: &str = "title-revoked:";

impl TitleAward {
    /// How the books name it.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{AWARDED}{}", self.id)
    }

    /// Is it held on this day?
    #[must_use]
    pub fn is_held_on(&self, day: Day) -> bool {
        self.state == State::Conferred && self.term_ends_on.is_some_and(|last| day <= last)
    }
}

/// Asks to nominate a household for a title.
#[derive(Clone, Debug)]
pub struct Nominate {
    /// The title.
    pub title: Id<HonourTitle>,
    /// The household.
    pub household: Id<Household>,
    /// The first day of the quarter or year.
    pub period_from: Day,
    /// Why, in words that everybody may read.
    pub reason: String,
    /// Who nominates.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Nominates a household for a title; the same request again answers the first.
///
/// # Errors
/// [`Refused::TitleRetired`], [`Refused::StaffHousehold`], [`Refused::AlreadyNominated`], the council's
/// [`CouncilRefused::NotForPublic`]; `Invalid` fields; `Refused` for a household that left; `idempotency_conflict`.
pub fn nominate(conn: &mut Conn, asked: &Nominate, now: Moment) -> Result<TitleAward> {
    let content = (
        asked.title.as_str(),
        asked.household.as_str(),
        asked.period_from,
        &asked.reason,
    );
    let request = Request::new(&asked.key, asked.by.as_str(), "title.nominate", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let today = day_of(now);
    let title = title::by_id(conn, &asked.title)?;
    if title.retired_at.is_some() {
        return Err(Refused::TitleRetired.into());
    }
    let open = title.period.open_on(today);
    if !open.iter().any(|span| span.from == asked.period_from) {
        return Err(Error::invalid("period", "只能申报正在进行的或刚结束的一期。"));
    }
    standing::expect_active(conn, &asked.household)?;
    expect_no_staff(conn, &asked.household, today)?;
    expect_first(conn, asked)?;
    let reason = words(
        "reason",
        &asked.reason,
        TEXT_LENGTH,
        "请写明这一户做了什么，80个字以内，大家都看得到。",
    )?;
    expect_fit(conn, &asked.household, &reason)?;
    let household = household::by_id(conn, &asked.household)?;
    let award = TitleAward {
        id: Id::new(now),
        scope_id: scope_of(&Tree::load(conn)?, title.quota_scope, &household.building_id),
        title_id: title.id,
        household_id: household.id,
        period_from: asked.period_from,
        reason,
        state: State::Nominated,
        nominated_by: asked.by.clone(),
        nominated_at: now,
        verified_by: None,
        verified_at: None,
        round: 1,
        session_id: None,
        notice_id: None,
        notice_row: None,
        conferred_at: None,
        term_ends_on: None,
        transaction_number: None,
        reversal_number: None,
        ended_at: None,
        ending_reason: None,
        ending: None,
    };
    diesel::insert_into(title_awards::table).values(&award).execute(conn)?;
    requests.carried_out(&request, award.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &award, asked.by.as_str(), "title_award.nominated", now)?;
    Ok(award)
}

/// Refuses households of those who decide (SG12).
pub(super) fn expect_no_staff(conn: &mut Conn, household: &Id<Household>, today: Day) -> Result<()> {
    match staff_share::homes(conn, today)?.contains(household) {
        true => Err(Refused::StaffHousehold.into()),
        false => Ok(()),
    }
}

/// One try in a period: what ended without a decision was none. What a household held that became part of this one is
/// held here.
fn expect_first(conn: &mut Conn, asked: &Nominate) -> Result<()> {
    let mut homes = standing::absorbed(conn, &asked.household)?;
    homes.push(asked.household.clone());
    let earlier = title_awards::table
        .filter(title_awards::title_id.eq(&asked.title))
        .filter(title_awards::household_id.eq_any(&homes))
        .filter(title_awards::period_from.eq(asked.period_from))
        .select(TitleAward::as_select())
        .load::<TitleAward>(conn)?;
    let stands = |one: &TitleAward| match one.state {
        State::Conferred => true,
        _ if one.household_id != asked.household => false,
        State::Withdrawn => false,
        State::Declined => one.ending.is_some_and(Ending::is_decision),
        _ => true,
    };
    match earlier.iter().any(stands) {
        false => Ok(()),
        true => Err(Refused::AlreadyNominated.into()),
    }
}

/// Everybody reads the reason: it is read first.
pub(super) fn expect_fit(conn: &mut Conn, household: &Id<Household>, reason: &str) -> Result<()> {
    let found = findings_about(conn, household, reason)?;
    match found.is_empty() {
        true => Ok(()),
        false => Err(CouncilRefused::NotForPublic(found).into()),
    }
}

/// The grid, building or programme in which a building lies; where the tree has no grid, the building itself.
fn scope_of(tree: &Tree, scope: Scope, building: &Id<Area>) -> Id<Area> {
    let Some(kind) = scope.area_kind() else {
        return tree.root().map_or_else(|| building.clone(), |root| root.id.clone());
    };
    let mut next = tree.get(building);
    while let Some(area) = next {
        if area.kind == kind {
            return area.id.clone();
        }
        next = area.parent_id.as_ref().and_then(|parent| tree.get(parent));
    }
    building.clone()
}

/// Asks to verify.
#[derive(Clone, Debug)]
pub struct Verify {
    /// The award.
    pub award: Id<TitleAward>,
    /// Does what was said hold, and is the household eligible?
    pub holds: bool,
    /// Why not.
    pub reason: String,
    /// Who verifies.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Verifies a nomination; the council votes on it next.
///
/// # Errors
/// `Forbidden` for the nominator and for anyone of the household; [`Refused::AwardIs`], [`Refused::StaffHousehold`];
/// [`standing::Refused`] for a household that is gone; `Invalid` when it does not hold and no reason is given;
/// `idempotency_conflict`.
pub fn verify(conn: &mut Conn, asked: &Verify, now: Moment) -> Result<TitleAward> {
    let content = (asked.award.as_str(), asked.holds, &asked.reason);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "title.verify", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let mut award = by_id(conn, &asked.award)?;
    if award.nominated_by == asked.by.id {
        return Err(Error::Forbidden("申报人不能核实自己的申报，请由另一人核实。"));
    }
    let seats = member::all(conn)?;
    let own = homes_of(&asked.by, &seats);
    if own.contains(&award.household_id) {
        return Err(Error::Forbidden("不能核实自己家的称号，请由他人核实。"));
    }
    let nominator = user::by_id(conn, &award.nominated_by)?;
    if homes_of(&nominator, &seats).intersection(&own).next().is_some() {
        return Err(Error::Forbidden("申报人与您是一家人，请由别家的人核实。"));
    }
    expect_state(&award, State::Nominated)?;
    standing::expect_active(conn, &award.household_id)?;
    award.verified_by = Some(asked.by.id.clone());
    award.verified_at = Some(now);
    let act = match asked.holds {
        true => {
            expect_no_staff(conn, &award.household_id, day_of(now))?;
            award.state = State::Verified;
            "title_award.verified"
        }
        false => {
            let why = words(
                "reason",
                &asked.reason,
                200,
                "不符合的，请写明哪里不符合，200个字以内。",
            )?;
            let why = format!("核实不符合：{why}");
            end(&mut award, State::Declined, (Ending::NotVerified, why), now);
            "title_award.declined"
        }
    };
    save(conn, &award)?;
    requests.carried_out(&request, award.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &award, asked.by.id.as_str(), act, now)?;
    Ok(award)
}

fn homes_of(user: &User, seats: &[CouncilMember]) -> HashSet<Id<Household>> {
    Person::of_user(user, seats).households.into_iter().collect()
}

/// Takes a nomination back, by whoever made it, before the council has decided. Doing it again changes nothing.
///
/// # Errors
/// `Forbidden` for anybody else; [`Refused::AwardIs`]; `NotFound`.
pub fn withdraw(conn: &mut Conn, id: &Id<TitleAward>, by: &Id<User>, now: Moment) -> Result<TitleAward> {
    let mut award = by_id(conn, id)?;
    if award.nominated_by != *by {
        return Err(Error::Forbidden("只有申报人能撤回自己的申报。"));
    }
    match award.state {
        State::Withdrawn => return Ok(award),
        State::Nominated | State::Verified => {}
        other => return Err(Refused::AwardIs(other).into()),
    }
    let why = "申报人撤回。".to_owned();
    end(&mut award, State::Withdrawn, (Ending::Withdrawn, why), now);
    save(conn, &award)?;
    record(conn, &award, by.as_str(), "title_award.withdrawn", now)?;
    Ok(award)
}

/// The household holds the title from now on; its points post, or wait for the month's budget.
pub(super) fn confer(conn: &mut Conn, mut award: TitleAward, by: &str, now: Moment) -> Result<TitleAward> {
    let title = title::by_id(conn, &award.title_id)?;
    let today = day_of(now);
    let months = u32::try_from(title.term_months).unwrap_or(1);
    let end = today.checked_add_months(Months::new(months)).unwrap_or(today);
    award.state = State::Conferred;
    award.conferred_at = Some(now);
    award.term_ends_on = Some(end.pred_opt().unwrap_or(end));
    go_on(&mut award);
    save(conn, &award)?;
    record(conn, &award, by, "title_award.conferred", now)?;
    pay(conn, award, &title, now)
}

/// Posts the points of a conferred title as far as the budget reaches.
pub(super) fn pay(conn: &mut Conn, mut award: TitleAward, title: &HonourTitle, now: Moment) -> Result<TitleAward> {
    if title.reward_points == Points::ZERO || award.transaction_number.is_some() {
        return Ok(award);
    }
    let reward = Reward {
        household: &award.household_id,
        points: title.reward_points,
        source: award.source(),
    };
    if let Some(number) = points::reward(conn, reward, now)? {
        award.transaction_number = Some(number);
        save(conn, &award)?;
        record(conn, &award, "system", "title_award.rewarded", now)?;
    }
    Ok(award)
}

/// Takes a conferred title back, with its points; an appeal alone does it.
pub(super) fn revoke(conn: &mut Conn, mut award: TitleAward, why: &str, by: &str, now: Moment) -> Result<TitleAward> {
    expect_state(&award, State::Conferred)?;
    if let Some(number) = award.transaction_number {
        let source = format!("{REVOKED}{}", award.id);
        let reversal = points::take_back(conn, &award.household_id, number, source, by, now)?;
        award.reversal_number = Some(reversal);
    }
    end(&mut award, State::Revoked, (Ending::Appeal, why.to_owned()), now);
    save(conn, &award)?;
    record(conn, &award, by, "title_award.revoked", now)?;
    Ok(award)
}

/// Ends an award that has not been conferred: what ended it, and why, in words that the household may read.
pub(super) fn decline(
    conn: &mut Conn,
    mut award: TitleAward,
    why: (Ending, String),
    by: &str,
    now: Moment,
) -> Result<TitleAward> {
    end(&mut award, State::Declined, why, now);
    save(conn, &award)?;
    record(conn, &award, by, "title_award.declined", now)?;
    Ok(award)
}

fn end(award: &mut TitleAward, state: State, (ending, why): (Ending, String), now: Moment) {
    award.state = state;
    award.ended_at = Some(now);
    award.ending_reason = Some(why);
    award.ending = Some(ending);
}

/// It has not ended after all.
pub(super) fn go_on(award: &mut TitleAward) {
    award.ended_at = None;
    award.ending_reason = None;
    award.ending = None;
}

pub(super) fn expect_state(award: &TitleAward, state: State) -> Result<()> {
    match award.state == state {
        true => Ok(()),
        false => Err(Refused::AwardIs(award.state).into()),
    }
}

/// An award by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<TitleAward>) -> Result<TitleAward> {
    title_awards::table
        .find(id)
        .select(TitleAward::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Awards by their ids.
///
/// # Errors
/// Only when the database fails.
pub fn by_ids(conn: &mut Conn, ids: &[Id<TitleAward>]) -> Result<Vec<TitleAward>> {
    Ok(title_awards::table
        .filter(title_awards::id.eq_any(ids))
        .select(TitleAward::as_select())
        .load(conn)?)
}

/// What stands so, in the order in which it was nominated.
///
/// # Errors
/// Only when the database fails.
pub fn standing_as(conn: &mut Conn, states: &[State]) -> Result<Vec<TitleAward>> {
    Ok(title_awards::table
        .filter(title_awards::state.eq_any(states))
        .order((title_awards::nominated_at, title_awards::id))
        .select(TitleAward::as_select())
        .load(conn)?)
}

/// Awards, newest first, of these households or of all.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, households: Option<&[Id<Household>]>, limit: i64) -> Result<Vec<TitleAward>> {
    let mut query = title_awards::table.select(TitleAward::as_select()).into_boxed();
    if let Some(households) = households {
        query = query.filter(title_awards::household_id.eq_any(households));
    }
    Ok(query.order(title_awards::id.desc()).limit(limit).load(conn)?)
}

/// The titles that a household holds or is on its way to, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<TitleAward>> {
    list(conn, Some(std::slice::from_ref(household)), 100)
}

/// The candidates for a title in a scope and period that stand so.
pub(super) fn group(conn: &mut Conn, of: &TitleAward, states: &[State]) -> Result<Vec<TitleAward>> {
    Ok(title_awards::table
        .filter(title_awards::title_id.eq(&of.title_id))
        .filter(title_awards::scope_id.eq(&of.scope_id))
        .filter(title_awards::period_from.eq(of.period_from))
        .filter(title_awards::state.eq_any(states))
        .order((title_awards::nominated_at, title_awards::id))
        .select(TitleAward::as_select())
        .load(conn)?)
}

pub(super) fn save(conn: &mut Conn, award: &TitleAward) -> Result<()> {
    diesel::update(title_awards::table.find(&award.id))
        .set(award)
        .execute(conn)?;
    Ok(())
}

pub(super) fn record(conn: &mut Conn, award: &TitleAward, by: &str, act: &str, now: Moment) -> Result<()> {
    let subject = format!("title_award:{}", award.id);
    audit::record(conn, &[audit::Event::new(by, act, subject, String::new(), now)])
}
