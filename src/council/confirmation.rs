//! Confirmations: households found their book of a quarter right, and the rules have an item for that.
//!
//! Whoever nominates files all that wait. Each becomes one nomination, verified, decided and posted like any other, or is
//! kept with the reason why it became none; either way it is filed once. That a household confirmed, and when, is known
//! elsewhere (`resident/book.rs`): here is only what became of it.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::nomination::{self, Nominate, Nomination, Nominator};
use crate::access::user::User;
use crate::clock::{Day, Moment, spoken_day, spoken_quarter};
use crate::db::schema::filed_confirmations;
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::request::{Request, Requests};
use crate::scheme::item::{self, Item, Occasion};
use crate::scheme::{resolution, version};

/// What became of a household's word about its book.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = filed_confirmations)]
pub struct Filed {
    /// The household.
    pub household_id: Id<Household>,
    /// The first day of the quarter.
    pub quarter_from: Day,
    /// Who took its word down on paper.
    pub taken_by: Option<Id<User>>,
    /// The nomination.
    pub nomination_id: Option<Id<Nomination>>,
    /// Or why there is none.
    pub refusal: Option<String>,
    /// Who filed it, and thereby nominated.
    pub filed_by: Id<User>,
    /// When.
    pub filed_at: Moment,
}

/// A household's word that its book of a quarter is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The household.
    pub household: Id<Household>,
    /// The first day of the quarter.
    pub quarter_from: Day,
    /// The day on which it said so: the day of the deed.
    pub on: Day,
    /// Who took its word down on paper; nobody when it said so itself.
    pub taken_by: Option<Id<User>>,
    /// The code of the item that the rules of that day give for it.
    pub item: String,
}

impl Confirmed {
    /// The evidence, in a sentence: the confirmation itself.
    fn note(&self) -> String {
        let (on, quarter) = (spoken_day(self.on), spoken_quarter(self.quarter_from));
        match self.taken_by {
            None => format!("本户于{on}在网页上核对了{quarter}的账，对得上。"),
            Some(_) => format!("本户于{on}书面确认{quarter}的账对得上。"),
        }
    }
}

/// What filing came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Households that are nominated now.
    pub nominated: usize,
    /// Households that could not be.
    pub refused: usize,
}

impl Tally {
    fn remembered(subject: &str) -> Tally {
        let (nominated, refused) = subject.split_once(' ').unwrap_or_default();
        Tally {
            nominated: nominated.parse().unwrap_or_default(),
            refused: refused.parse().unwrap_or_default(),
        }
    }
}

/// The item that the rules in force on a day give for a confirmed book; none where no rules are in force.
///
/// # Errors
/// Only when the database fails.
pub fn item_on(conn: &mut Conn, day: Day) -> Result<Option<Item>> {
    match version::in_force(conn, day) {
        Ok(version) => item::given_for(conn, &version.id, Occasion::StatementConfirmed),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nominates each of these households for its word, once. The same request again answers the first tally.
///
/// # Errors
/// Whatever refuses all of them: rules that are suspended; `idempotency_conflict`. What refuses one household is kept with it.
pub fn file(conn: &mut Conn, confirmed: &[Confirmed], by: &Id<User>, key: &str, now: Moment) -> Result<Tally> {
    let request = Request::new(key, by.as_str(), "confirmations.file", &())?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return Ok(Tally::remembered(earlier));
    }
    let days: HashSet<Day> = confirmed.iter().map(|one| one.on).collect();
    for day in days {
        let version = version::in_force(conn, day)?;
        resolution::expect_not_suspended(conn, &version.id)?;
    }
    let mut tally = Tally::default();
    let mut filed = Vec::new();
    for one in confirmed {
        let asked = Nominate {
            household: one.household.clone(),
            item: one.item.clone(),
            count: 1,
            occurred_on: one.on,
            note: one.note(),
            by: Nominator::Staff(by.clone()),
            key: format!("confirmation:{}:{}", one.household, one.quarter_from),
        };
        let (nomination_id, refusal) = match nomination::nominate(conn, &asked, now) {
            Ok(nomination) => (Some(nomination.id), None),
            Err(Error::Internal(cause, place)) => return Err(Error::Internal(cause, place)),
            Err(refused) => (None, Some(refused.to_string())),
        };
        match refusal {
            None => tally.nominated = tally.nominated.saturating_add(1),
            Some(_) => tally.refused = tally.refused.saturating_add(1),
        }
        filed.push(Filed {
            household_id: one.household.clone(),
            quarter_from: one.quarter_from,
            taken_by: one.taken_by.clone(),
            nomination_id,
            refusal,
            filed_by: by.clone(),
            filed_at: now,
        });
    }
    insert_rows!(conn, filed_confirmations::table, &filed);
    requests.carried_out(&request, &format!("{} {}", tally.nominated, tally.refused), now);
    requests.save(conn)?;
    Ok(tally)
}

/// What was filed of quarters that began on this day or later, by household and quarter.
///
/// # Errors
/// Only when the database fails.
pub fn filed_from(conn: &mut Conn, quarter_from: Day) -> Result<HashMap<(Id<Household>, Day), Filed>> {
    let found = filed_confirmations::table
        .filter(filed_confirmations::quarter_from.ge(quarter_from))
        .select(Filed::as_select())
        .load(conn)?;
    let by_word = found
        .into_iter()
        .map(|one| ((one.household_id.clone(), one.quarter_from), one));
    Ok(by_word.collect())
}

/// Who took down the word on paper that a nomination comes from, if it comes from one: somebody else verifies.
///
/// # Errors
/// Only when the database fails.
pub fn witness(conn: &mut Conn, nomination: &Id<Nomination>) -> Result<Option<Id<User>>> {
    Ok(filed_confirmations::table
        .filter(filed_confirmations::nomination_id.eq(nomination))
        .select(filed_confirmations::taken_by)
        .first::<Option<Id<User>>>(conn)
        .optional()?
        .flatten())
}

/// Which of these nominations come from a word on paper that this person took down.
///
/// # Errors
/// Only when the database fails.
pub fn witnessed_by(
    conn: &mut Conn,
    user: &Id<User>,
    nominations: &[Id<Nomination>],
) -> Result<HashSet<Id<Nomination>>> {
    let found = filed_confirmations::table
        .filter(filed_confirmations::nomination_id.eq_any(nominations))
        .filter(filed_confirmations::taken_by.eq(user))
        .select(filed_confirmations::nomination_id)
        .load::<Option<Id<Nomination>>>(conn)?;
    Ok(found.into_iter().flatten().collect())
}
