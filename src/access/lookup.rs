//! Who of the staff looked at a household's data: a line for each person, page and day, kept for two years (SG14, SG16).
//!
//! The guard writes it down after a door that names a household has answered, and before the answer leaves. The household
//! reads who looked too, by their duty and not by their name.

use std::collections::HashMap;

use chrono::Months;
use diesel::prelude::*;

use super::user::{self, User};
use crate::clock::{Day, Moment, day_of};
use crate::db::Conn;
use crate::db::schema::household_lookups;
use crate::error::Result;
use crate::id::Id;
use crate::places::household::{self, Household};

/// Somebody looked at a page about a household.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = household_lookups)]
pub struct Lookup {
    household_id: Id<Household>,
    /// Who.
    pub user_id: Id<User>,
    /// On which day.
    pub day: Day,
    door: String,
    /// When first on that day.
    pub first_at: Moment,
}

/// How long a line is kept.
const KEPT: Months = Months::new(24);

/// A look that is to be written down.
#[derive(Clone, Debug)]
pub struct Look {
    /// The household's code, as the door was asked for it, or as the answer says.
    pub code: String,
    /// Who.
    pub user: Id<User>,
    /// The door, as it stands in `routes.rs`.
    pub door: String,
}

/// The code of the household whose data an answer shows: a handler says so whose address does not.
#[derive(Clone, Debug)]
pub struct Shown(pub String);

impl Lookup {
    /// What was looked at, in words.
    #[must_use]
    pub fn in_words(&self) -> &'static str {
        match self.door.rsplit('/').next().unwrap_or_default() {
            "statement" => "积分对账单",
            "proxies" => "代领人",
            // A form that names its household is one of consent.
            _ if self.door == "/forms/{number}" => "知情同意与入户登记",
            "enrolment" | "consent-form" => "知情同意与入户登记",
            "changes" | "{kind}" => "户的变更",
            "lookups" => "查阅记录",
            "deletion" => "资料删除",
            "slip" => "入账告知单",
            "certificate" | "plaque" => "奖状和荣誉牌",
            _ => "住户资料",
        }
    }
}

/// Is this look written down already?
///
/// # Errors
/// Only when the database fails.
pub fn is_noted(conn: &mut Conn, look: &Look, now: Moment) -> Result<bool> {
    let Some(household) = household_of(conn, look)? else {
        return Ok(true);
    };
    let same = household_lookups::table.find((&household, &look.user, day_of(now), &look.door));
    Ok(diesel::select(diesel::dsl::exists(same)).get_result(conn)?)
}

/// Writes a look down, once a day.
///
/// # Errors
/// Only when the database fails.
pub fn note(conn: &mut Conn, look: &Look, now: Moment) -> Result<()> {
    let today = day_of(now);
    let Some(household_id) = household_of(conn, look)? else {
        return Ok(());
    };
    if is_noted(conn, look, now)? {
        return Ok(());
    }
    let lookup = Lookup {
        household_id,
        user_id: look.user.clone(),
        day: today,
        door: look.door.clone(),
        first_at: now,
    };
    diesel::insert_into(household_lookups::table)
        .values(&lookup)
        .execute(conn)?;
    Ok(())
}

/// Deletes the lines whose two years are over; answers how many.
///
/// # Errors
/// Only when the database fails.
pub fn delete_due(conn: &mut Conn, today: Day) -> Result<usize> {
    let last_kept = today.checked_sub_months(KEPT).unwrap_or(today);
    Ok(diesel::delete(household_lookups::table.filter(household_lookups::day.lt(last_kept))).execute(conn)?)
}

/// How many lines there are, and when the next of them is due to go.
///
/// # Errors
/// Only when the database fails.
pub fn waiting(conn: &mut Conn) -> Result<(i64, Option<Day>)> {
    let (count, first) = household_lookups::table
        .select((diesel::dsl::count_star(), diesel::dsl::min(household_lookups::day)))
        .get_result::<(i64, Option<Day>)>(conn)?;
    let next = first.and_then(|day| day.checked_add_months(KEPT)?.succ_opt());
    Ok((count, next))
}

/// A look as the household itself reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// On which day.
    pub day: Day,
    /// What the person's duties are called now: nobody's name.
    pub duty: String,
    /// What was looked at.
    pub what: &'static str,
}

/// How far back a household reads.
const TOLD: Months = Months::new(12);

/// Who looked at a household's data in the last twelve months, newest first. Two of one duty on one day are one line.
///
/// # Errors
/// Only when the database fails.
pub fn told_to(conn: &mut Conn, household: &Id<Household>, today: Day) -> Result<Vec<Told>> {
    let from = today.checked_sub_months(TOLD).unwrap_or(today);
    let mut duties: HashMap<Id<User>, String> = HashMap::new();
    let mut told: Vec<Told> = Vec::new();
    for look in of_household(conn, household)?
        .into_iter()
        .filter(|look| look.day >= from)
    {
        let duty = match duties.get(&look.user_id) {
            Some(duty) => duty.clone(),
            None => {
                let duty = user::duties(conn, &look.user_id)?.in_words();
                duties.insert(look.user_id.clone(), duty.clone());
                duty
            }
        };
        let one = Told {
            day: look.day,
            duty,
            what: look.in_words(),
        };
        if !told.contains(&one) {
            told.push(one);
        }
    }
    Ok(told)
}

/// A door may be asked for a household that is not there; nobody looked at anything then.
fn household_of(conn: &mut Conn, look: &Look) -> Result<Option<Id<Household>>> {
    match household::by_code(conn, &look.code) {
        Ok(household) => Ok(Some(household.id)),
        Err(crate::error::Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Who looked at a household's data, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<Lookup>> {
    Ok(household_lookups::table
        .filter(household_lookups::household_id.eq(household))
        .order((household_lookups::first_at.desc(), household_lookups::door))
        .select(Lookup::as_select())
        .load(conn)?)
}
