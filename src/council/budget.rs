//! The issuance budget (总额控制): how many points may post in a month, per area.
//!
//! A budget holds from its month on until a later one follows. Posting stops at it; what does not fit waits in the order
//! of the deeds. An area without a budget of its own is bound by those above it; with none at all nothing posts, because a
//! programme that issues without a limit cannot promise that the shelves will be full (`domain.md` §3.6, SG17).

use std::collections::HashMap;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::member::buildings_of;
use super::nomination::{self, Nomination, State};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, Span, begin_of};
use crate::db::Conn;
use crate::db::schema::{issuance_budgets, nominations};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::balance;
use crate::ledger::transaction::TransactionKind;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::request::{Request, Requests};

/// Points that may post in a month.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = issuance_budgets)]
pub struct IssuanceBudget {
    /// Its id.
    pub id: Id<IssuanceBudget>,
    /// For the households of this area.
    pub area_id: Id<Area>,
    /// The first day of the first month.
    pub from_month: Day,
    /// How many.
    pub points: Points,
    /// From which part of them on the office is warned, in per cent.
    pub soft_percent: i64,
    /// Why so many.
    pub reason: String,
    /// When it was set.
    pub set_at: Moment,
    /// By whom.
    pub set_by: Id<User>,
}

/// Asks to set a budget.
#[derive(Clone, Debug)]
pub struct SetBudget {
    /// The area.
    pub area: Id<Area>,
    /// A day of the first month.
    pub from_month: Day,
    /// Points a month.
    pub points: Points,
    /// From which part on the office is warned, in per cent.
    pub soft_percent: i64,
    /// Why.
    pub reason: String,
    /// Who sets it.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// The most points a month that are believed.
const MOST_POINTS: Points = Points(100_000_000);

/// Sets a budget from a month on; the same request again answers the first.
///
/// # Errors
/// `Invalid` for a month that is over, odd numbers or no reason; `idempotency_conflict`.
pub fn set(conn: &mut Conn, asked: &SetBudget, now: Moment) -> Result<IssuanceBudget> {
    let content = (
        asked.area.as_str(),
        asked.from_month,
        asked.points,
        asked.soft_percent,
        &asked.reason,
    );
    let request = Request::new(&asked.key, asked.by.as_str(), "budget.set", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let from_month = Span::month_of(asked.from_month).from;
    if from_month < Span::month_of(crate::clock::day_of(now)).from {
        return Err(Error::invalid(
            "from_month",
            "预算只能从本月或以后的月份开始，过去的月份不能改。",
        ));
    }
    if !(Points::ZERO..=MOST_POINTS).contains(&asked.points) {
        return Err(Error::invalid("points", "每月预算应为0至1亿之间的整数积分。"));
    }
    if !(1..=100).contains(&asked.soft_percent) {
        return Err(Error::invalid("soft_percent", "提醒线应为1至100之间的百分数。"));
    }
    if asked.reason.trim().is_empty() || asked.reason.chars().count() > 200 {
        return Err(Error::invalid(
            "reason",
            "请写明预算依据，200个字以内，例如“11月居民代表会议决定”。",
        ));
    }
    // The last one set holds: two of one moment have an order too.
    let last = issuance_budgets::table
        .select(diesel::dsl::max(issuance_budgets::set_at))
        .get_result::<Option<Moment>>(conn)?;
    let after = last.and_then(|last| last.checked_add_signed(TimeDelta::milliseconds(1)));
    let set_at = after.map_or(now, |after| after.max(now));
    let budget = IssuanceBudget {
        id: Id::new(set_at),
        area_id: asked.area.clone(),
        from_month,
        points: asked.points,
        soft_percent: asked.soft_percent,
        reason: asked.reason.trim().to_owned(),
        set_at,
        set_by: asked.by.clone(),
    };
    diesel::insert_into(issuance_budgets::table)
        .values(&budget)
        .execute(conn)?;
    requests.carried_out(&request, budget.id.as_str(), now);
    requests.save(conn)?;
    let subject = format!("budget:{}", budget.id);
    let event = audit::Event::new(asked.by.as_str(), "budget.set", subject, budget.points.to_string(), now);
    audit::record(conn, &[event])?;
    Ok(budget)
}

fn by_id(conn: &mut Conn, id: &Id<IssuanceBudget>) -> Result<IssuanceBudget> {
    issuance_budgets::table
        .find(id)
        .select(IssuanceBudget::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// All budgets ever set, the latest first.
///
/// # Errors
/// Only when the database fails.
pub fn history(conn: &mut Conn) -> Result<Vec<IssuanceBudget>> {
    Ok(issuance_budgets::table
        .order((issuance_budgets::from_month.desc(), issuance_budgets::set_at.desc()))
        .select(IssuanceBudget::as_select())
        .load(conn)?)
}

/// A budget and what a month has used of it.
#[derive(Clone, Debug)]
pub struct Use {
    /// The budget.
    pub budget: IssuanceBudget,
    /// What has posted.
    pub posted: Points,
    /// What is promised: approved, on notice or held by an objection.
    pub pending: Points,
    /// What waits for room.
    pub queued: Points,
}

impl Use {
    /// What can still post.
    #[must_use]
    pub fn left(&self) -> Points {
        self.posted.short_of(self.budget.points)
    }

    /// Is the soft line reached?
    #[must_use]
    pub fn is_low(&self) -> bool {
        let line = self.budget.points.0.saturating_mul(self.budget.soft_percent);
        self.posted.0.saturating_mul(100) >= line
    }
}

/// The budgets that bind in a day's month, with what is used of them.
///
/// # Errors
/// Only when the database fails.
pub fn in_use(conn: &mut Conn, day: Day) -> Result<Vec<Use>> {
    let tree = Tree::load(conn)?;
    let month = Span::month_of(day);
    let budgets = binding(conn, month.from)?;
    let mut posted = posted_in(conn, month)?;
    posted.extend(title_rewards(conn, month)?);
    let pending = standing_points(conn, &[State::Approved, State::Notified, State::Suspended])?;
    let queued = standing_points(conn, &[State::Queued])?;
    let ids: Vec<Id<Household>> = [&posted, &pending, &queued]
        .into_iter()
        .flat_map(|part| part.iter().map(|(household, _)| household.clone()))
        .collect();
    let homes = homes(conn, ids)?;
    let mut used = Vec::new();
    for budget in budgets {
        let inside = buildings_of(&tree, &budget.area_id);
        let sum = |part: &[(Id<Household>, Points)]| -> Points {
            let rows = part.iter();
            let rows = rows.filter(|(household, _)| homes.get(household).is_some_and(|home| inside.contains(home)));
            rows.map(|(_, points)| *points).sum()
        };
        used.push(Use {
            posted: sum(&posted),
            pending: sum(&pending),
            queued: sum(&queued),
            budget,
        });
    }
    Ok(used)
}

/// An award that waits for room.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The award.
    pub nomination: Nomination,
    /// Whose.
    pub household: Household,
    /// Why.
    pub why: Why,
    /// The first day of the month in which it will likely post, if budgets stay as they are.
    pub likely: Option<Day>,
}

/// Why an award waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No budget binds its building.
    NoBudget,
    /// This month's points are used up, or an earlier deed waits.
    UsedUp,
}

impl Why {
    /// In words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Why::NoBudget => "还没有定发放预算",
            Why::UsedUp => "本月发放预算已用完",
        }
    }
}

/// How many months ahead the queue is looked at.
const MONTHS_AHEAD: u32 = 12;

/// What waits for room, in the order in which it will post: by the day of the deed. Months to come are as this one is set
/// to go on; what is on notice today and was done earlier may come between.
///
/// # Errors
/// Only when the database fails.
pub fn queue(conn: &mut Conn, today: Day) -> Result<Vec<Waiting>> {
    let rows = nomination::standing(conn, &[State::Queued])?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Id<Household>> = rows.iter().map(|row| row.household_id.clone()).collect();
    let households: HashMap<Id<Household>, Household> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|household| (household.id.clone(), household))
        .collect();
    let this_month = Span::month_of(today).from;
    let now = Room::load(conn, this_month)?;
    let mut queue: Vec<Waiting> = rows
        .into_iter()
        .filter_map(|nomination| {
            let household = households.get(&nomination.household_id)?.clone();
            let why = match now.binds(&household.building_id) {
                true => Why::UsedUp,
                false => Why::NoBudget,
            };
            Some(Waiting {
                nomination,
                household,
                why,
                likely: None,
            })
        })
        .collect();
    for months in 0..=MONTHS_AHEAD {
        if queue.iter().all(|one| one.likely.is_some()) {
            break;
        }
        let month = this_month
            .checked_add_months(chrono::Months::new(months))
            .unwrap_or(this_month);
        let mut room = Room::load(conn, month)?;
        for one in queue.iter_mut().filter(|one| one.likely.is_none()) {
            let points = one.nomination.spendable_points.unwrap_or_default();
            if room.take(Some(&one.household.building_id), points) {
                one.likely = Some(month);
            }
        }
    }
    Ok(queue)
}

/// What can still post this month, area by area.
pub(super) struct Room {
    tree: Tree,
    left: HashMap<Id<Area>, Points>,
    /// Areas in which an earlier deed waits: nobody overtakes.
    full: Vec<Id<Area>>,
}

impl Room {
    pub(super) fn load(conn: &mut Conn, day: Day) -> Result<Room> {
        let used = in_use(conn, day)?;
        Ok(Room {
            tree: Tree::load(conn)?,
            left: used
                .iter()
                .map(|used| (used.budget.area_id.clone(), used.left()))
                .collect(),
            full: Vec::new(),
        })
    }

    /// Is there a budget at all for this building?
    fn binds(&self, building: &Id<Area>) -> bool {
        let mut next = self.tree.get(building);
        while let Some(area) = next {
            if self.left.contains_key(&area.id) {
                return true;
            }
            next = area.parent_id.as_ref().and_then(|parent| self.tree.get(parent));
        }
        false
    }

    /// Takes points out of every budget that binds this building; `false` when one of them has no room, or none binds.
    pub(super) fn take(&mut self, building: Option<&Id<Area>>, points: Points) -> bool {
        if points == Points::ZERO {
            return true;
        }
        let mut binding = Vec::new();
        let mut next = building.and_then(|building| self.tree.get(building));
        while let Some(area) = next {
            if self.left.contains_key(&area.id) {
                binding.push(area.id.clone());
            }
            next = area.parent_id.as_ref().and_then(|parent| self.tree.get(parent));
        }
        let fits =
            |area: &Id<Area>| !self.full.contains(area) && self.left.get(area).is_some_and(|left| *left >= points);
        if binding.is_empty() || !binding.iter().all(fits) {
            // The area without room holds its queue; those above and beside it do not wait for it.
            let short: Vec<Id<Area>> = binding.into_iter().filter(|area| !fits(area)).collect();
            self.full.extend(short);
            return false;
        }
        for area in binding {
            if let Some(left) = self.left.get_mut(&area) {
                *left = points.short_of(*left);
            }
        }
        true
    }
}

/// The budget of each area in a month: the last one set for the latest month up to it.
fn binding(conn: &mut Conn, month: Day) -> Result<Vec<IssuanceBudget>> {
    let mut budgets = history(conn)?;
    budgets.retain(|budget| budget.from_month <= month);
    let mut seen = Vec::new();
    budgets.retain(|budget| {
        let first = !seen.contains(&budget.area_id);
        seen.push(budget.area_id.clone());
        first
    });
    Ok(budgets)
}

fn posted_in(conn: &mut Conn, month: Span) -> Result<Vec<(Id<Household>, Points)>> {
    let rows = nominations::table
        .filter(nominations::posted_at.ge(begin_of(month.from)))
        .filter(nominations::posted_at.lt(begin_of(month.until)))
        .filter(nominations::spendable_points.gt(Points::ZERO))
        .select((nominations::household_id, nominations::spendable_points))
        .load::<(Id<Household>, Option<Points>)>(conn)?;
    Ok(with_points(rows))
}

/// What came with titles counts as what came for deeds.
fn title_rewards(conn: &mut Conn, month: Span) -> Result<Vec<(Id<Household>, Points)>> {
    let kind = TransactionKind::TitleReward;
    let given = balance::given(conn, kind, begin_of(month.from), begin_of(month.until))?;
    Ok(given
        .into_iter()
        .map(|(owner, points)| (Id::known(owner), points))
        .collect())
}

fn standing_points(conn: &mut Conn, states: &[State]) -> Result<Vec<(Id<Household>, Points)>> {
    let rows = nominations::table
        .filter(nominations::state.eq_any(states))
        .filter(nominations::spendable_points.gt(Points::ZERO))
        .select((nominations::household_id, nominations::spendable_points))
        .load::<(Id<Household>, Option<Points>)>(conn)?;
    Ok(with_points(rows))
}

fn with_points(rows: Vec<(Id<Household>, Option<Points>)>) -> Vec<(Id<Household>, Points)> {
    rows.into_iter()
        .map(|(household, points)| (household, points.unwrap_or_default()))
        .collect()
}

fn homes(conn: &mut Conn, mut ids: Vec<Id<Household>>) -> Result<HashMap<Id<Household>, Id<Area>>> {
    ids.sort();
    ids.dedup();
    let mut homes = HashMap::new();
    for chunk in ids.chunks(500) {
        let found = household::by_ids(conn, chunk)?;
        homes.extend(found.into_iter().map(|household| (household.id, household.building_id)));
    }
    Ok(homes)
}
