//! Awards: what the council's decisions do in the books.
//!
//! An approved nomination is **held**: its spendable part goes from issuance to the household's pending points. When its
//! public notice has ended and nobody objects it **posts**: pending becomes spendable and the whole is recognised as honour.
//! A household has no more spendable points from L1 and L2 items in a month and a year than its caps; what is above them
//! counts as honour only. Nothing posts beyond the month's budget: what does not fit waits in the order of the deeds, and
//! nobody overtakes. A held award that comes to nothing is **released**, a posted one **reversed**.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;

use super::budget::Room;
use super::nomination::{self, Nomination, State};
use super::{appeal, notice};
use crate::access::user::User;
use crate::clock::{Day, Moment, Span, day_of};
use crate::db::Conn;
use crate::db::schema::{nominations, scoring_items};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::account::{AccountKind, PROGRAMME};
use crate::ledger::reversal;
use crate::ledger::transaction::{Books, Posting, TransactionKind};
use crate::ledger::transfer;
use crate::places::household::{self, Household};
use crate::places::standing;
use crate::points::Points;
use crate::scheme::item::{self, Category, CheckLevel, Item};
use crate::scheme::terms::{self, Terms};
use crate::scheme::version::{self, SchemeVersion};

/// Who posts what nobody decides any more.
const SYSTEM: &str = "system";

/// Holds what the council approved: pending points, and how many of them can be spent.
pub(super) fn hold(conn: &mut Conn, rows: Vec<Nomination>, by: &Id<User>, now: Moment) -> Result<()> {
    let mut rules = Rules::default();
    let mut caps = HouseholdCaps::load(conn, &rows)?;
    let owners: Vec<String> = rows.iter().map(|row| row.household_id.to_string()).collect();
    let mut books = Books::open(conn, owners.iter().map(String::as_str))?;
    let mut held = Vec::with_capacity(rows.len());
    for mut row in rows {
        let rule = rules.of(conn, &row)?;
        let spendable = caps.take(&row, rule);
        row.spendable_points = Some(spendable);
        row.state = State::Approved;
        if spendable > Points::ZERO {
            let number = books.post(Posting {
                kind: TransactionKind::PendingHold,
                source: format!("hold:{}", row.id),
                effective_on: row.occurred_on,
                recorded_at: now,
                posted_by: by.as_str().to_owned(),
                reverses: None,
                entries: Posting::moving(
                    spendable,
                    (PROGRAMME, AccountKind::Issuance),
                    (row.household_id.as_str(), AccountKind::Pending),
                ),
            })?;
            row.pending_number = Some(number);
        }
        held.push(row);
    }
    // The rows name their transactions, which therefore come first.
    books.save(conn)?;
    for row in held {
        nomination::save(conn, &row)?;
    }
    Ok(())
}

/// Ends an award that has not posted: its pending points go back to issuance.
///
/// # Errors
/// `Internal` when it was not pending.
pub fn release(conn: &mut Conn, mut row: Nomination, reason: &str, by: &str, now: Moment) -> Result<Nomination> {
    if !row.state.is_pending() {
        return Err(Error::internal("only what is pending can be released"));
    }
    release_hold(conn, &row, format!("release:{}", row.id), by, now)?;
    row.state = State::Declined;
    row.ending_reason = Some(reason.to_owned());
    nomination::save(conn, &row)?;
    nomination::record(conn, &row, by, "award.declined", String::new(), now)?;
    Ok(row)
}

fn release_hold(conn: &mut Conn, row: &Nomination, source: String, by: &str, now: Moment) -> Result<()> {
    let Some(number) = row.pending_number else {
        return Ok(());
    };
    let mut books = Books::open(conn, [row.household_id.as_str()])?;
    let posting = reversal::reverse(conn, number, source, by, now)?;
    books.post(posting)?;
    books.save(conn)
}

/// Takes a posted award back: what was spent already is borne by the programme, the household owes nothing (SG1).
///
/// # Errors
/// `Internal` when it has not posted; the ledger's refusal when it was reversed before.
pub fn reverse(conn: &mut Conn, mut row: Nomination, reason: &str, by: &str, now: Moment) -> Result<i64> {
    let (State::Posted, Some(number)) = (row.state, row.transaction_number) else {
        return Err(Error::internal("only what has posted can be reversed"));
    };
    let owner = successor_of(conn, &row.household_id)?;
    transfer::call_back(conn, number, owner.as_str(), day_of(now), by, now)?;
    let mut books = Books::open(conn, [row.household_id.as_str(), owner.as_str()])?;
    let source = format!("reversal:{}", row.id);
    let posting = reversal::reverse_with_write_off(&books, conn, number, source, by, now)?;
    let reversal = books.post(posting)?;
    books.save(conn)?;
    // The award had come out of the pending points: what is back there goes on to issuance.
    // An award that was released once and granted on appeal is reversed under a source of its own.
    release_hold(conn, &row, format!("release-of-reversed:{}", row.id), by, now)?;
    row.state = State::Reversed;
    row.ending_reason = Some(reason.to_owned());
    nomination::save(conn, &row)?;
    nomination::record(conn, &row, by, "award.reversed", String::new(), now)?;
    Ok(reversal)
}

/// Gives at once what an upheld appeal gives: a declined award is held and posts with the next run, budget or not, because
/// the household has waited long enough.
///
/// # Errors
/// `Internal` when it was not declined or returned.
pub fn grant(conn: &mut Conn, mut row: Nomination, by: &str, now: Moment) -> Result<i64> {
    if !matches!(row.state, State::Declined | State::Returned) {
        return Err(Error::internal("only what was declined can be granted on appeal"));
    }
    row.ending_reason = None;
    // An award that was held and released once has its first hold reversed; the new one has a source of its own.
    let rule = Rules::default().of(conn, &row)?.clone();
    let spendable = HouseholdCaps::load(conn, std::slice::from_ref(&row))?.take(&row, &rule);
    let successor = successor_of(conn, &row.household_id)?;
    let mut books = Books::open(conn, [row.household_id.as_str(), successor.as_str()])?;
    row.spendable_points = Some(spendable);
    row.pending_number = None;
    if spendable > Points::ZERO {
        let number = books.post(Posting {
            kind: TransactionKind::PendingHold,
            source: format!("hold-on-appeal:{}", row.id),
            effective_on: row.occurred_on,
            recorded_at: now,
            posted_by: by.to_owned(),
            reverses: None,
            entries: Posting::moving(
                spendable,
                (PROGRAMME, AccountKind::Issuance),
                (row.household_id.as_str(), AccountKind::Pending),
            ),
        })?;
        row.pending_number = Some(number);
    }
    let expires_on = Rules::default().last_day(conn, &row, now)?;
    let number = post_one(&mut books, &mut row, expires_on, Some(&successor), by, now)?;
    books.save(conn)?;
    nomination::save(conn, &row)?;
    nomination::record(conn, &row, by, "award.granted_on_appeal", String::new(), now)?;
    Ok(number)
}

/// Gives what an appeal found missing: honour, and what of it can be spent within the household's caps, or as much as is said.
/// Answers what can be spent and the posting's number.
pub(super) fn supplement(
    conn: &mut Conn,
    row: &Nomination,
    points: Points,
    spendable: Option<Points>,
    source: String,
    by: &str,
    now: Moment,
) -> Result<(Points, i64)> {
    let mut rules = Rules::default();
    let more = Nomination { points, ..row.clone() };
    let rule = rules.of(conn, &more)?.clone();
    let spendable = match spendable {
        Some(spendable) => spendable,
        None => HouseholdCaps::load(conn, std::slice::from_ref(&more))?.take(&more, &rule),
    };
    let expires_on = rules.last_day(conn, row, now)?;
    let owner = successor_of(conn, &row.household_id)?;
    let mut books = Books::open(conn, [owner.as_str()])?;
    let mut entries = Posting::moving(
        points,
        (PROGRAMME, AccountKind::Recognition),
        (owner.as_str(), AccountKind::Honour),
    );
    if spendable > Points::ZERO {
        entries.extend(Posting::moving_until(
            expires_on,
            spendable,
            (PROGRAMME, AccountKind::Issuance),
            (owner.as_str(), AccountKind::Spendable),
        ));
    }
    let number = books.post(Posting {
        kind: TransactionKind::Correction,
        source,
        effective_on: row.occurred_on,
        recorded_at: now,
        posted_by: by.to_owned(),
        reverses: None,
        entries,
    })?;
    books.save(conn)?;
    Ok((spendable, number))
}

/// Takes back what came beside an award, the supplement of an appeal or the points of a revoked title: what was spent is
/// borne by the programme, the household owes nothing (SG1). Answers the reversal's number.
///
/// # Errors
/// Only when the database fails, or the books refuse what was reversed before.
pub fn take_back(
    conn: &mut Conn,
    household: &Id<Household>,
    number: i64,
    source: String,
    by: &str,
    now: Moment,
) -> Result<i64> {
    let owner = successor_of(conn, household)?;
    transfer::call_back(conn, number, owner.as_str(), day_of(now), by, now)?;
    let mut books = Books::open(conn, [household.as_str(), owner.as_str()])?;
    let posting = reversal::reverse_with_write_off(&books, conn, number, source, by, now)?;
    let reversal = books.post(posting)?;
    books.save(conn)?;
    Ok(reversal)
}

/// The points that come with a title.
#[derive(Clone, Debug)]
pub struct Reward<'a> {
    /// Whose title it is.
    pub household: &'a Id<Household>,
    /// How many.
    pub points: Points,
    /// `title:<id>`: posted once.
    pub source: String,
}

/// Posts the points of a title after its session and its public notice, as far as the month's budget reaches; they stand
/// outside the household's caps. Deeds that wait for the budget go first. `None` while there is no room.
///
/// # Errors
/// Only when the database fails, or the books refuse a reward that has posted.
pub fn reward(conn: &mut Conn, reward: Reward<'_>, now: Moment) -> Result<Option<i64>> {
    let owner = successor_of(conn, reward.household)?;
    let building = household::by_id(conn, &owner)?.building_id;
    let mut room = Room::load(conn, day_of(now))?;
    for row in nomination::standing(conn, &[State::Queued])? {
        let home = successor_of(conn, &row.household_id)?;
        let home = household::by_id(conn, &home)?.building_id;
        room.take(Some(&home), row.spendable_points.unwrap_or_default());
    }
    if !room.take(Some(&building), reward.points) {
        return Ok(None);
    }
    let version = version::in_force(conn, day_of(now))?;
    let expires_on = terms::of(conn, &version.id)?.expiry.last_day(day_of(now));
    let mut books = Books::open(conn, [owner.as_str()])?;
    let mut entries = Posting::moving(
        reward.points,
        (PROGRAMME, AccountKind::Recognition),
        (owner.as_str(), AccountKind::Honour),
    );
    entries.extend(Posting::moving_until(
        expires_on,
        reward.points,
        (PROGRAMME, AccountKind::Issuance),
        (owner.as_str(), AccountKind::Spendable),
    ));
    let number = books.post(Posting {
        kind: TransactionKind::TitleReward,
        source: reward.source,
        effective_on: day_of(now),
        recorded_at: now,
        posted_by: SYSTEM.to_owned(),
        reverses: None,
        entries,
    })?;
    books.save(conn)?;
    Ok(Some(number))
}

/// Posts everything whose notice has ended without an open objection, as far as the budget reaches. Answers how many.
///
/// # Errors
/// Only when the database fails.
pub fn post_due(conn: &mut Conn, now: Moment) -> Result<usize> {
    let mut due = nomination::standing(conn, &[State::Notified, State::Queued])?;
    if due.is_empty() {
        return Ok(0);
    }
    let ended = notice::ended(conn, now)?;
    due.retain(|row| row.state == State::Queued || row.notice_id.as_ref().is_some_and(|notice| ended.contains(notice)));
    if due.is_empty() {
        return Ok(0);
    }
    let mut successors: HashMap<Id<Household>, Id<Household>> = HashMap::new();
    for row in &due {
        if !successors.contains_key(&row.household_id) {
            let successor = successor_of(conn, &row.household_id)?;
            successors.insert(row.household_id.clone(), successor);
        }
    }
    let ids: Vec<Id<Household>> = successors.values().cloned().collect();
    let buildings: HashMap<Id<Household>, _> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|household| (household.id, household.building_id))
        .collect();
    let mut room = Room::load(conn, day_of(now))?;
    let owners: Vec<String> = successors
        .iter()
        .flat_map(|(one, other)| [one.to_string(), other.to_string()])
        .collect();
    let mut books = Books::open(conn, owners.iter().map(String::as_str))?;
    let mut rules = Rules::default();
    let (mut posted, mut moved) = (0usize, Vec::new());
    for mut row in due {
        let successor = successors.get(&row.household_id).cloned();
        let home = successor.as_ref().unwrap_or(&row.household_id);
        let spendable = row.spendable_points.unwrap_or_default();
        if !room.take(buildings.get(home), spendable) {
            if row.state == State::Notified {
                row.state = State::Queued;
                moved.push((row, "award.queued"));
            }
            continue;
        }
        let expires_on = rules.last_day(conn, &row, now)?;
        post_one(&mut books, &mut row, expires_on, successor.as_ref(), SYSTEM, now)?;
        posted = posted.saturating_add(1);
        moved.push((row, "award.posted"));
    }
    books.save(conn)?;
    for (row, act) in moved {
        nomination::save(conn, &row)?;
        nomination::record(conn, &row, SYSTEM, act, String::new(), now)?;
    }
    Ok(posted)
}

/// Posts one award: pending becomes spendable, and all of it is honour. A household that was merged passes it on.
fn post_one(
    books: &mut Books,
    row: &mut Nomination,
    expires_on: Option<Day>,
    successor: Option<&Id<Household>>,
    by: &str,
    now: Moment,
) -> Result<i64> {
    let owner = row.household_id.as_str();
    let receiver = successor.map_or(owner, Id::as_str);
    let mut entries = Posting::moving(
        row.points,
        (PROGRAMME, AccountKind::Recognition),
        (receiver, AccountKind::Honour),
    );
    if let Some(spendable) = row.spendable_points.filter(|points| *points > Points::ZERO) {
        entries.extend(Posting::moving_until(
            expires_on,
            spendable,
            (owner, AccountKind::Pending),
            (receiver, AccountKind::Spendable),
        ));
    }
    let number = books.post(Posting {
        kind: TransactionKind::Award,
        source: format!("award:{}", row.id),
        effective_on: row.occurred_on,
        recorded_at: now,
        posted_by: by.to_owned(),
        reverses: None,
        entries,
    })?;
    row.transaction_number = Some(number);
    row.posted_at = Some(now);
    row.state = State::Posted;
    Ok(number)
}

/// The rule, category and terms that a nomination cites.
#[derive(Clone)]
struct Rule {
    item: Item,
    category: Category,
    terms: Terms,
}

/// The rules that a set of nominations cites, each looked up once.
#[derive(Default)]
struct Rules {
    by_item: HashMap<Id<Item>, Rule>,
    terms: HashMap<Id<SchemeVersion>, Terms>,
}

impl Rules {
    fn of(&mut self, conn: &mut Conn, row: &Nomination) -> Result<&Rule> {
        if !self.by_item.contains_key(&row.scoring_item_id) {
            let (item, category) = item::by_id(conn, &row.scoring_item_id)?;
            let version = item.scheme_version_id.clone();
            if !self.terms.contains_key(&version) {
                let terms = terms::of(conn, &version)?;
                self.terms.insert(version.clone(), terms);
            }
            let terms = self.terms.get(&version).cloned().unwrap_or_default();
            let rule = Rule { item, category, terms };
            self.by_item.insert(row.scoring_item_id.clone(), rule);
        }
        self.by_item
            .get(&row.scoring_item_id)
            .ok_or_else(|| Error::internal("a rule that was just looked up"))
    }

    /// The last day of points that post now, by the rules in force now: never a shorter one than was promised.
    fn last_day(&mut self, conn: &mut Conn, row: &Nomination, now: Moment) -> Result<Option<Day>> {
        let cited = self.of(conn, row)?.terms.expiry.last_day(day_of(now));
        let Ok(version) = version::in_force(conn, day_of(now)) else {
            return Ok(cited);
        };
        if !self.terms.contains_key(&version.id) {
            let terms = terms::of(conn, &version.id)?;
            self.terms.insert(version.id.clone(), terms);
        }
        let current = self
            .terms
            .get(&version.id)
            .map(|terms| terms.expiry.last_day(day_of(now)));
        Ok(match (cited, current) {
            (Some(cited), Some(Some(current))) => Some(cited.max(current)),
            (_, Some(None)) | (None, _) => None,
            (cited, None) => cited,
        })
    }
}

/// What households have of their month's and year's caps, by the day of the deed.
struct HouseholdCaps {
    taken: BTreeMap<(Id<Household>, Day), Points>,
}

impl HouseholdCaps {
    fn load(conn: &mut Conn, rows: &[Nomination]) -> Result<HouseholdCaps> {
        let mut households: Vec<&Id<Household>> = rows.iter().map(|row| &row.household_id).collect();
        households.sort();
        households.dedup();
        let from = rows.iter().map(|row| Span::year_of(row.occurred_on).from).min();
        let mut caps = HouseholdCaps { taken: BTreeMap::new() };
        let Some(from) = from else { return Ok(caps) };
        for chunk in households.chunks(500) {
            let taken = nominations::table
                .inner_join(scoring_items::table)
                .filter(nominations::household_id.eq_any(chunk))
                .filter(nominations::occurred_on.ge(from))
                .filter(nominations::state.ne_all(State::WITHOUT_POINTS))
                .filter(nominations::spendable_points.is_not_null())
                .filter(scoring_items::check_level.ne(CheckLevel::L3))
                .select((
                    nominations::household_id,
                    nominations::occurred_on,
                    nominations::spendable_points,
                ))
                .load::<(Id<Household>, Day, Option<Points>)>(conn)?;
            for (household, day, points) in taken {
                caps.add(household, day, points.unwrap_or_default());
            }
            let until = Day::MAX;
            for more in appeal::additions(conn, chunk, Span { from, until })? {
                if more.level != CheckLevel::L3 {
                    caps.add(more.household, more.occurred_on, more.spendable.unwrap_or_default());
                }
            }
        }
        Ok(caps)
    }

    fn add(&mut self, household: Id<Household>, day: Day, points: Points) {
        let sum = self.taken.entry((household, day)).or_default();
        *sum = sum.plus(points).unwrap_or(*sum);
    }

    fn within(&self, household: &Id<Household>, span: Span) -> Points {
        let days = (household.clone(), span.from)..(household.clone(), span.until);
        self.taken.range(days).map(|(_, points)| *points).sum()
    }

    /// How much of this award can be spent; what is taken counts for the next one.
    fn take(&mut self, row: &Nomination, rule: &Rule) -> Points {
        if !rule.category.redeemable {
            return Points::ZERO;
        }
        // L3 stands outside the caps, but inside the budget (`domain.md` §9.1).
        if rule.item.check_level == CheckLevel::L3 {
            return row.points;
        }
        let caps = &rule.terms.caps;
        let month = self.within(&row.household_id, Span::month_of(row.occurred_on));
        let year = self.within(&row.household_id, Span::year_of(row.occurred_on));
        let left = month
            .short_of(caps.household_per_month)
            .min(year.short_of(caps.household_per_year));
        let spendable = row.points.min(left);
        self.add(row.household_id.clone(), row.occurred_on, spendable);
        spendable
    }
}

/// What of a month's and a year's cap a household has left on a day, counting what is promised and what still waits.
///
/// # Errors
/// Only when the database fails.
pub fn left_under_caps(conn: &mut Conn, household: &Id<Household>, day: Day) -> Result<(Points, Points)> {
    let version = version::in_force(conn, day)?;
    let caps = terms::of(conn, &version.id)?.caps;
    let year = Span::year_of(day);
    let rows = nominations::table
        .inner_join(scoring_items::table)
        .filter(nominations::household_id.eq(household))
        .filter(
            nominations::occurred_on
                .ge(year.from)
                .and(nominations::occurred_on.lt(year.until)),
        )
        .filter(nominations::state.ne_all(State::WITHOUT_POINTS))
        .filter(scoring_items::check_level.ne(CheckLevel::L3))
        .select((
            nominations::occurred_on,
            nominations::points,
            nominations::spendable_points,
        ))
        .load::<(Day, Points, Option<Points>)>(conn)?;
    let added: Vec<(Day, Points)> = appeal::additions(conn, &[household], year)?
        .into_iter()
        .filter(|more| more.level != CheckLevel::L3)
        .map(|more| (more.occurred_on, more.spendable.unwrap_or_default()))
        .collect();
    let month = Span::month_of(day);
    let sum = |span: Span| -> Points {
        let inside = rows.iter().filter(|(on, ..)| span.contains(*on));
        let added = added.iter().filter(|(on, _)| span.contains(*on));
        inside
            .map(|(_, points, spendable)| spendable.unwrap_or(*points))
            .chain(added.map(|(_, points)| *points))
            .sum()
    };
    Ok((
        sum(month).short_of(caps.household_per_month),
        sum(year).short_of(caps.household_per_year),
    ))
}

/// Who has this household's points today: itself, or the one that it was merged into.
fn successor_of(conn: &mut Conn, household: &Id<Household>) -> Result<Id<Household>> {
    standing::survivor(conn, household)
}
