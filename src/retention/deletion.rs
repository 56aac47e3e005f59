//! Deleting a household: what identifies it goes out of every table, what it earned and spent stays (SG15).
//!
//! ```text
//! proposed → done | refused
//! ```
//!
//! One person proposes, another confirms by typing the household's code; neither lives in it. Before that it has left, its
//! ninety days are over, nothing is left on its book and its card is stopped: whoever still takes part is not deleted but
//! corrected. Households that were merged into it are the same people and go with it. There is no way back, and no line says
//! any more who it was: the record keeps who did it, when, and which code.

use std::fmt;

use diesel::prelude::*;

use super::fate::{self, Line};
use crate::access::user::{self, User};
use crate::audit;
use crate::boards::picture;
use crate::cards::card;
use crate::clock::{Day, Moment, day_of};
use crate::council::{evidence, member, nomination};
use crate::db::schema::household_deletions;
use crate::db::{Conn, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::files::Files;
use crate::id::Id;
use crate::ledger::balance;
use crate::places::household::{self, Household};
use crate::places::standing::{self, Standing};
use crate::points::Points;
use crate::request::{Request, Requests};
use crate::resident::request::{self, RequestKind};

text_enum! {
    /// Why a household is deleted.
    pub enum Basis {
        /// It asked for it on its own page.
        Requested = "requested", "住户在自己的页面上申请";
        /// It asked for it in writing, and the paper is in the file.
        OnPaper = "on_paper", "住户书面申请，原件存档";
        /// It left so long ago that nobody needs to know any more who it was.
        TimeOver = "time_over", "迁出后保存期已满";
    }
}

text_enum! {
    /// Where a deletion stands.
    pub enum State {
        /// Waits for a second person.
        Proposed = "proposed", "待第二人确认";
        /// It is done.
        Done = "done", "已删除";
        /// The second person did not agree.
        Refused = "refused", "不予删除";
    }
}

/// A deletion and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = household_deletions)]
pub struct Deletion {
    /// Its id.
    pub id: Id<Deletion>,
    /// Of whom.
    pub household_id: Id<Household>,
    /// Why.
    pub basis: Basis,
    /// Where it stands.
    pub state: State,
    /// Who proposed it.
    pub proposed_by: Id<User>,
    /// When.
    pub proposed_at: Moment,
    /// Who decided.
    pub decided_by: Option<Id<User>>,
    /// When.
    pub decided_at: Option<Moment>,
}

/// What stands in the way of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It takes part, or may still spend what it has.
    NotOver,
    /// Points are left, or promised.
    Points,
    /// A card is in use.
    Card,
    /// Something is under way.
    UnderWay,
    /// Somebody of it has an account or a seat.
    Serves,
}

impl Obstacle {
    /// What it is and what to do, in a sentence.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Obstacle::NotOver => "这一户还在参加，或迁出不满90天。请先办理迁出，期满以后再来。",
            Obstacle::Points => "账上还有可用的或公示中的积分。积分到期清零以后再来。",
            Obstacle::Card => "还有在用的积分卡。请先停用并收回。",
            Obstacle::UnderWay => "还有没办完的申报。请先办完或撤回。",
            Obstacle::Serves => "家里有人的工作人员账号没有停用，或还是评议会成员。请先停用账号、办理离任。",
        }
    }
}

/// Why a deletion is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// Something stands in the way.
    InTheWay(Obstacle),
    /// It was proposed already.
    AlreadyProposed,
    /// It was decided already.
    Decided(State),
    /// The person who proposed cannot confirm.
    SecondPerson,
    /// Somebody of the household cannot decide about it.
    OwnHousehold,
    /// Nothing is known of such a request.
    NotRequested,
    /// It has not been gone long enough.
    TimeNotOver,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::InTheWay(obstacle) => formatter.write_str(obstacle.in_words()),
            Refused::AlreadyProposed => formatter.write_str("已经有人提出删除这一户，请另一人确认。"),
            Refused::Decided(state) => write!(formatter, "这件事已经办过了：{}。请刷新页面查看。", state.label()),
            Refused::SecondPerson => formatter.write_str("您提出的删除，由另一人确认。"),
            Refused::OwnHousehold => formatter.write_str("这是您自己家，按回避规定由别人办理。"),
            Refused::NotRequested => {
                formatter.write_str("没有找到这一户删除资料的申请。书面申请的，请选“住户书面申请”。")
            }
            Refused::TimeNotOver => formatter.write_str("迁出后的保存期还没有满，只能按住户申请删除。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::InTheWay(_) => "deletion_obstacle",
            Refused::AlreadyProposed => "already_proposed",
            Refused::Decided(_) => "already_decided",
            Refused::SecondPerson => "second_person",
            Refused::OwnHousehold => "own_household",
            Refused::NotRequested => "not_requested",
            Refused::TimeNotOver => "time_not_over",
        }
    }
}

/// A household, and those that were merged into it: the same people.
fn all_of_it(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<Id<Household>>> {
    let mut all = standing::absorbed(conn, household)?;
    all.push(household.clone());
    Ok(all)
}

/// What stands in the way, if anything.
///
/// # Errors
/// `NotFound`.
pub fn obstacles(conn: &mut Conn, household: &Id<Household>, today: Day) -> Result<Vec<Obstacle>> {
    let all = all_of_it(conn, household)?;
    let is_over = match standing::now(conn, household)? {
        Standing::Left { redeemable_until, .. } => redeemable_until < today,
        Standing::Active | Standing::Merged { .. } => false,
    };
    let balances = balance::of(conn, household.as_str())?;
    let has_points = balances.spendable != Points::ZERO || balances.pending != Points::ZERO;
    let has_card = !card::numbers_in_use(conn, &all)?.is_empty();
    let open = [nomination::State::Submitted, nomination::State::Verified];
    let states = [&open[..], &nomination::State::PENDING].concat();
    let is_under_way = nomination::count(conn, &states, Some(&all))? > 0;
    let mut serves = member::all(conn)?
        .iter()
        .any(|one| one.sits_on(today) && one.household_id.as_ref().is_some_and(|home| all.contains(home)));
    for one in &all {
        serves |= !user::living_in(conn, one)?.is_empty();
    }
    let found = [
        (!is_over, Obstacle::NotOver),
        (has_points, Obstacle::Points),
        (has_card, Obstacle::Card),
        (is_under_way, Obstacle::UnderWay),
        (serves, Obstacle::Serves),
    ];
    Ok(found
        .into_iter()
        .filter_map(|(stands, obstacle)| stands.then_some(obstacle))
        .collect())
}

/// What would become of a household's rows, table by table.
///
/// # Errors
/// Only when the database fails.
pub fn preview(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<(&'static Line, i64)>> {
    let mut sums: Vec<(&'static Line, i64)> = Vec::new();
    for one in all_of_it(conn, household)? {
        let counted = fate::count(conn, &one)?;
        match sums.is_empty() {
            true => sums = counted,
            false => {
                for (sum, (_, more)) in sums.iter_mut().zip(counted) {
                    sum.1 = sum.1.saturating_add(more);
                }
            }
        }
    }
    Ok(sums)
}

/// Does somebody else of the programme have the name of this household's head? Then it stays in other people's words.
///
/// # Errors
/// Only when the database fails.
pub fn has_namesake(conn: &mut Conn, household: &Household) -> Result<bool> {
    let all = all_of_it(conn, &household.id)?;
    let own = household::by_ids(conn, &all)?;
    let own = own.iter().filter(|one| one.head_name == household.head_name).count();
    let heads = household::count_named(conn, &household.head_name)?;
    if heads > i64::try_from(own).unwrap_or(i64::MAX) {
        return Ok(true);
    }
    let people = user::all(conn)?;
    Ok(people
        .iter()
        .any(|(person, _)| person.display_name == household.head_name && person.disabled_at.is_none()))
}

/// Asks to delete a household.
#[derive(Clone, Debug)]
pub struct Propose {
    /// Which.
    pub household: Id<Household>,
    /// Why.
    pub basis: Basis,
    /// Who asks.
    pub by: User,
    /// The sender's key.
    pub key: String,
    /// The years for which books are kept with names.
    pub ledger_years: u32,
}

/// Proposes to delete a household.
///
/// # Errors
/// [`Refused`]; `NotFound`; `idempotency_conflict`.
pub fn propose(conn: &mut Conn, asked: &Propose, now: Moment) -> Result<Deletion> {
    let content = (asked.household.as_str(), asked.basis.word());
    let request = Request::new(&asked.key, asked.by.id.as_str(), "household.deletion_propose", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    expect_possible(conn, &asked.household, &asked.by, now)?;
    match latest(conn, &asked.household)?.map(|one| one.state) {
        Some(State::Proposed) => return Err(Refused::AlreadyProposed.into()),
        Some(State::Done) => return Err(Refused::Decided(State::Done).into()),
        Some(State::Refused) | None => {}
    }
    match asked.basis {
        Basis::Requested if !is_requested(conn, &asked.household)? => return Err(Refused::NotRequested.into()),
        Basis::TimeOver if !is_time_over(conn, &asked.household, asked.ledger_years, day_of(now))? => {
            return Err(Refused::TimeNotOver.into());
        }
        Basis::Requested | Basis::OnPaper | Basis::TimeOver => {}
    }
    let deletion = Deletion {
        id: Id::new(now),
        household_id: asked.household.clone(),
        basis: asked.basis,
        state: State::Proposed,
        proposed_by: asked.by.id.clone(),
        proposed_at: now,
        decided_by: None,
        decided_at: None,
    };
    diesel::insert_into(household_deletions::table)
        .values(&deletion)
        .execute(conn)?;
    requests.carried_out(&request, deletion.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &deletion, &asked.by, "household.deletion_proposed", "", now)?;
    Ok(deletion)
}

/// Asks to decide a proposed deletion.
#[derive(Clone, Debug)]
pub struct Decide {
    /// Which.
    pub deletion: Id<Deletion>,
    /// Is it to be done?
    pub confirmed: bool,
    /// The household's code, typed once more by whoever confirms.
    pub code: String,
    /// Who decides.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Decides a deletion; confirmed, it is done at once and for good.
///
/// # Errors
/// [`Refused`]; `Invalid` for another code; `NotFound`; `idempotency_conflict`.
pub fn decide(conn: &mut Conn, files: &Files, asked: &Decide, now: Moment) -> Result<Deletion> {
    let content = (asked.deletion.as_str(), asked.confirmed);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "household.deletion_decide", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let deletion = by_id(conn, &asked.deletion)?;
    if deletion.state != State::Proposed {
        return Err(Refused::Decided(deletion.state).into());
    }
    if deletion.proposed_by == asked.by.id {
        return Err(Refused::SecondPerson.into());
    }
    let household = household::by_id(conn, &deletion.household_id)?;
    let state = match asked.confirmed {
        true => {
            expect_possible(conn, &household.id, &asked.by, now)?;
            if asked.code.trim().to_uppercase() != household.code {
                return Err(Error::invalid("code", "户号不对。请照着上面的户号再输入一遍。"));
            }
            carry_out(conn, files, &household, &asked.by, now)?;
            State::Done
        }
        false => State::Refused,
    };
    diesel::update(household_deletions::table.find(&deletion.id))
        .set((
            household_deletions::state.eq(state),
            household_deletions::decided_by.eq(Some(&asked.by.id)),
            household_deletions::decided_at.eq(Some(now)),
        ))
        .execute(conn)?;
    requests.carried_out(&request, deletion.id.as_str(), now);
    requests.save(conn)?;
    match asked.confirmed {
        true => record(conn, &deletion, &asked.by, "household.deleted", &household.code, now)?,
        false => record(conn, &deletion, &asked.by, "household.deletion_refused", "", now)?,
    }
    by_id(conn, &deletion.id)
}

fn carry_out(conn: &mut Conn, files: &Files, household: &Household, by: &User, now: Moment) -> Result<()> {
    let all = all_of_it(conn, &household.id)?;
    for one in request::of_household(conn, &household.id)? {
        if one.answered_at.is_none() {
            request::answer(conn, &one.id, "已删除资料。", &by.id, now)?;
        }
    }
    for one in household::by_ids(conn, &all)? {
        // One character is no name that could be told from other words.
        let is_told = one.head_name.chars().count() > 1 && !one.is_deleted();
        let name = (is_told && !has_namesake(conn, &one)?).then(|| one.head_name.clone());
        evidence::delete_of(conn, files, &one.id, now)?;
        picture::over::delete_of(conn, files, &one.id, now)?;
        fate::overwrite(conn, &one.id)?;
        household::forget(conn, &one.id)?;
        if let Some(name) = name {
            fate::overwrite_name(conn, &name)?;
        }
    }
    Ok(())
}

fn expect_possible(conn: &mut Conn, household: &Id<Household>, by: &User, now: Moment) -> Result<()> {
    let all = all_of_it(conn, household)?;
    if by.household_id.as_ref().is_some_and(|home| all.contains(home)) {
        return Err(Refused::OwnHousehold.into());
    }
    match obstacles(conn, household, day_of(now))?.first() {
        Some(obstacle) => Err(Refused::InTheWay(*obstacle).into()),
        None => Ok(()),
    }
}

/// Has the household asked on its own page to be deleted?
///
/// # Errors
/// Only when the database fails.
pub fn is_requested(conn: &mut Conn, household: &Id<Household>) -> Result<bool> {
    let asked = request::of_household(conn, household)?;
    Ok(asked.iter().any(|one| one.kind == RequestKind::Deletion))
}

/// Has it been gone for as long as books are kept with names?
///
/// # Errors
/// `NotFound`.
pub fn is_time_over(conn: &mut Conn, household: &Id<Household>, years: u32, today: Day) -> Result<bool> {
    let Standing::Left { on, .. } = standing::now(conn, household)? else {
        return Ok(false);
    };
    let last = on.checked_add_months(chrono::Months::new(years.saturating_mul(12)));
    Ok(last.is_some_and(|last| last <= today))
}

/// A deletion by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Deletion>) -> Result<Deletion> {
    household_deletions::table
        .find(id)
        .select(Deletion::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The latest deletion of a household, if there is one.
///
/// # Errors
/// Only when the database fails.
pub fn latest(conn: &mut Conn, household: &Id<Household>) -> Result<Option<Deletion>> {
    Ok(household_deletions::table
        .filter(household_deletions::household_id.eq(household))
        .order(household_deletions::id.desc())
        .select(Deletion::as_select())
        .first(conn)
        .optional()?)
}

/// Deletions that wait for a second person, the oldest first.
///
/// # Errors
/// Only when the database fails.
pub fn waiting(conn: &mut Conn) -> Result<Vec<Deletion>> {
    Ok(household_deletions::table
        .filter(household_deletions::state.eq(State::Proposed))
        .order(household_deletions::id)
        .select(Deletion::as_select())
        .load(conn)?)
}

/// How many households were deleted.
///
/// # Errors
/// Only when the database fails.
pub fn done(conn: &mut Conn) -> Result<i64> {
    Ok(household_deletions::table
        .filter(household_deletions::state.eq(State::Done))
        .count()
        .get_result(conn)?)
}

fn record(conn: &mut Conn, deletion: &Deletion, by: &User, act: &str, detail: &str, now: Moment) -> Result<()> {
    let subject = format!("household:{}", deletion.household_id);
    let event = audit::Event::new(by.id.as_str(), act, subject, detail.to_owned(), now);
    audit::record(conn, &[event])
}
