//! Closing a sheet: each median is compared with what it earns, and the household is nominated for that one item.
//!
//! Once, however many press: the second finds the sheet closed, and a nomination's key is the sheet and the household. What
//! cannot be nominated because a cap is reached is written down at its row; the others go on.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::{
    Entry, Home, Outcome, Refused, State, Visit, VisitRow, VisitSheet, by_id, expect_open, load, record, save,
};
use crate::access::user::User;
use crate::clock::{Moment, Span, day_of};
use crate::council::clockwork;
use crate::council::nomination::{self, Filter, Nominate, Nominator};
use crate::db::Conn;
use crate::db::schema::visit_rows;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::request::{Request, Requests};
use crate::scheme::item::{self, Item};

/// Asks to close a sheet.
#[derive(Clone, Debug)]
pub struct Close {
    /// The sheet.
    pub sheet: Id<VisitSheet>,
    /// Who closes it, and so nominates.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Closes a sheet and nominates; the same request again answers the closed sheet.
///
/// # Errors
/// [`Refused::NotOpen`], [`Refused::NotYet`], [`Refused::Unfinished`], [`Refused::ReasonsMissing`]; `NotFound`.
pub fn close(conn: &mut Conn, asked: &Close, now: Moment) -> Result<VisitSheet> {
    let request = Request::new(&asked.key, asked.by.id.as_str(), "visit.close", &asked.sheet)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    clockwork::expect_forward(conn, now)?;
    let mut visit = load(conn, &asked.sheet)?;
    expect_open(&visit.sheet)?;
    expect_ready(&visit, now)?;
    let already = already_this_month(conn, &visit)?;
    for home in &visit.homes {
        let row = outcome(conn, &visit, home, &already, asked, now)?;
        diesel::update(visit_rows::table.find((&row.sheet_id, row.position)))
            .set((
                visit_rows::outcome.eq(row.outcome),
                visit_rows::outcome_note.eq(&row.outcome_note),
                visit_rows::nomination_id.eq(&row.nomination_id),
            ))
            .execute(conn)?;
    }
    visit.sheet.state = State::Closed;
    visit.sheet.closed_by = Some(asked.by.id.clone());
    visit.sheet.closed_at = Some(now);
    save(conn, &visit.sheet)?;
    requests.carried_out(&request, visit.sheet.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &visit.sheet, &asked.by.id, "visit.closed", String::new(), now)?;
    Ok(visit.sheet)
}

fn expect_ready(visit: &Visit, now: Moment) -> Result<()> {
    if visit.sheet.visited_on > day_of(now) {
        return Err(Refused::NotYet(visit.sheet.visited_on).into());
    }
    let rows = |wanted: &dyn Fn(&Home) -> bool| -> Vec<i64> {
        let homes = visit.homes.iter().filter(|home| wanted(home));
        homes.map(|home| home.row.position).collect()
    };
    let unfinished = rows(&|home| !home.is_complete());
    if !unfinished.is_empty() {
        return Err(Refused::Unfinished(unfinished).into());
    }
    let unexplained = rows(&|home| home.misses_reason(&visit.terms));
    if !unexplained.is_empty() {
        return Err(Refused::ReasonsMissing(unexplained).into());
    }
    Ok(())
}

/// Households that have an item of home visits in the month of this one already: one a month, never two.
fn already_this_month(conn: &mut Conn, visit: &Visit) -> Result<HashSet<Id<Household>>> {
    let filter = Filter {
        households: Some(visit.homes.iter().map(|home| home.household.id.clone()).collect()),
        ..Filter::default()
    };
    let month = Span::month_of(visit.sheet.visited_on);
    let mut found = nomination::list(conn, &filter, i64::MAX)?;
    found.retain(|one| month.contains(one.occurred_on) && !nomination::State::WITHOUT_POINTS.contains(&one.state));
    let ids: Vec<Id<Item>> = found.iter().map(|one| one.scoring_item_id.clone()).collect();
    let codes: HashMap<Id<Item>, String> = item::by_ids(conn, &ids)?
        .into_iter()
        .map(|item| (item.id, item.code))
        .collect();
    let of_visits = |id: &Id<Item>| {
        let code = codes.get(id);
        visit.terms.results.iter().any(|result| Some(&result.item) == code)
    };
    let already = found.into_iter().filter(|one| of_visits(&one.scoring_item_id));
    Ok(already.map(|one| one.household_id).collect())
}

/// What becomes of a row; nominates when the median earns an item.
fn outcome(
    conn: &mut Conn,
    visit: &Visit,
    home: &Home,
    already: &HashSet<Id<Household>>,
    asked: &Close,
    now: Moment,
) -> Result<VisitRow> {
    let mut row = home.row.clone();
    let earned = home
        .median()
        .and_then(|median| visit.earned(median).map(|item| (median, item)));
    row.outcome = Some(match (row.entry, earned) {
        (Entry::Absent | Entry::Declined, _) => Outcome::NotVisited,
        (Entry::AtHome, _) if home.has_too_few_judges() => Outcome::TooFewJudges,
        (Entry::AtHome, None) => Outcome::BelowAll,
        (Entry::AtHome, Some(_)) if already.contains(&home.household.id) => Outcome::AlreadyThisMonth,
        (Entry::AtHome, Some((median, item))) => {
            let nominate = Nominate {
                household: home.household.id.clone(),
                item: item.to_owned(),
                count: 1,
                occurred_on: visit.sheet.visited_on,
                note: format!("入户评比，三名评委评分的中位数{median}分（评分表{}）", visit.sheet.code),
                by: Nominator::Staff(asked.by.id.clone()),
                key: format!("visit:{}:{}", visit.sheet.id, home.household.id),
            };
            match nomination::nominate(conn, &nominate, now) {
                Ok(nomination) => {
                    row.nomination_id = Some(nomination.id);
                    Outcome::Nominated
                }
                Err(Error::Refused(refusal)) => {
                    row.outcome_note = Some(refusal.to_string());
                    Outcome::Refused
                }
                Err(error) => return Err(error),
            }
        }
    });
    Ok(row)
}

impl Visit {
    /// The code of the item that a median earns: the highest that is reached, one only.
    #[must_use]
    pub fn earned(&self, median: i64) -> Option<&str> {
        let reached = self.terms.results.iter().filter(|result| median >= result.at_least);
        reached
            .max_by_key(|result| result.at_least)
            .map(|result| result.item.as_str())
    }
}
