//! What a household gets for a title: the certificate (奖状), and the plaque at its door.
//!
//! By the id of a conferred award everything is known. Without one whoever keeps the council's sessions says which title of
//! the rules in force and what for: titles of the years before they were kept here have their certificates too. A certificate
//! is the household's own, and nobody's consent but its own is needed for it.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::clock::{Day, day_of, spoken_day, spoken_quarter};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::award::{self, State, TitleAward};
use crate::honours::title::{self, HonourTitle};
use crate::id::Id;
use crate::places::household::{self, Household};
use crate::places::programme;
use crate::places::standing;
use crate::scheme::{item, version};

/// A certificate.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    paper: Head,
    name: String,
    title: String,
    text: String,
    period: String,
    issuer: String,
    issued_on: String,
    number: Option<String>,
}

/// A household's certificate: for which title, what for, of which month's quarter, and under which number if it has one.
///
/// # Errors
/// `Invalid` without a household, a title of the rules, or words; `NotFound`, also for a household outside.
pub fn load(conn: &mut Conn, order: &Order) -> Result<Certificate> {
    if let Some(held) = Held::of(conn, order)? {
        return held.certificate(conn, order);
    }
    let household = order.household(conn, Permission::KeepSession)?;
    let title = title(conn, order)?;
    let text = asked(&order.asked.text).ok_or_else(|| Error::invalid("text", "请写明这一户做了什么，一两句话。"))?;
    Ok(Certificate {
        paper: order.head(conn, Some(&household.building_id))?,
        name: format!("{}家", household.head_name),
        title,
        text: text.trim_end_matches(['。', '，']).to_owned(),
        period: spoken_quarter(order.month()?.from),
        issuer: programme::get(conn)?.issuer,
        issued_on: spoken_day(order.today()),
        number: asked(&order.asked.id).map(str::to_owned),
    })
}

/// A plaque.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plaque {
    paper: Head,
    title: String,
    year: String,
    issuer: String,
    name: Option<String>,
}

/// The plaque of a title, of the month's year; with a name for a household that was asked for.
///
/// # Errors
/// `Invalid` without a title of the rules; `NotFound` for a household outside.
pub fn plaque(conn: &mut Conn, order: &Order) -> Result<Plaque> {
    if let Some(held) = Held::of(conn, order)? {
        return held.plaque(conn, order);
    }
    let household = match asked(&order.asked.household) {
        Some(_) => Some(order.household(conn, Permission::KeepSession)?),
        None => None,
    };
    Ok(Plaque {
        paper: order.head(conn, household.as_ref().map(|household| &household.building_id))?,
        title: title(conn, order)?,
        year: order.month()?.from.format("%Y年").to_string(),
        issuer: programme::get(conn)?.issuer,
        name: household.map(|household| format!("{}家", household.head_name)),
    })
}

/// A title among many: the household's code, and the title as long as somebody of the programme holds it.
///
/// # Errors
/// `NotFound`.
pub fn among_many(conn: &mut Conn, order: &Order, award: &Id<TitleAward>) -> Result<(String, Option<Held>)> {
    let held = Held::known(conn, award)?;
    let code = held.household.code.clone();
    let still = held.still(conn, order.today())?;
    Ok((code, still.then_some(held)))
}

/// A title that a household holds.
pub struct Held {
    award: TitleAward,
    title: HonourTitle,
    household: Household,
}

impl Held {
    /// The conferred award whose id was asked for; `None` when no id was, or another number that is to be printed.
    ///
    /// # Errors
    /// `Invalid` for a title that is not held; `NotFound` for a household outside.
    fn of(conn: &mut Conn, order: &Order) -> Result<Option<Held>> {
        if asked(&order.asked.household).is_some() {
            return Ok(None);
        }
        let Some(id) = asked(&order.asked.id) else {
            return Ok(None);
        };
        let held = Held::known(conn, &Id::known(id))?;
        order.expect_within(conn, Permission::KeepSession, &held.household.building_id)?;
        if held.award.state != State::Conferred {
            return Err(Error::invalid("id", "这个称号还没有授予，或者已经撤销。"));
        }
        Ok(Some(held))
    }

    fn known(conn: &mut Conn, award: &Id<TitleAward>) -> Result<Held> {
        let award = award::by_id(conn, award)?;
        Ok(Held {
            title: title::by_id(conn, &award.title_id)?,
            household: household::by_id(conn, &award.household_id)?,
            award,
        })
    }

    /// Is it held today, by a household that is part of the programme?
    fn still(&self, conn: &mut Conn, today: Day) -> Result<bool> {
        Ok(self.award.is_held_on(today) && standing::now(conn, &self.household.id)?.is_active())
    }

    /// Its certificate.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn certificate(self, conn: &mut Conn, order: &Order) -> Result<Certificate> {
        let conferred_on = self.award.conferred_at.map_or_else(|| order.today(), day_of);
        Ok(Certificate {
            paper: order.head(conn, Some(&self.household.building_id))?,
            name: format!("{}家", self.household.head_name),
            period: self.title.period.in_words(self.award.period_from),
            title: self.title.name,
            text: self.award.reason.trim_end_matches(['。', '，']).to_owned(),
            issuer: programme::get(conn)?.issuer,
            issued_on: spoken_day(conferred_on),
            number: None,
        })
    }

    /// Its plaque.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn plaque(self, conn: &mut Conn, order: &Order) -> Result<Plaque> {
        Ok(Plaque {
            paper: order.head(conn, Some(&self.household.building_id))?,
            title: self.title.name,
            year: self.award.period_from.format("%Y年").to_string(),
            issuer: programme::get(conn)?.issuer,
            name: Some(format!("{}家", self.household.head_name)),
        })
    }
}

/// A title of the rules in force.
fn title(conn: &mut Conn, order: &Order) -> Result<String> {
    let version = version::in_force(conn, order.today())?;
    let (categories, _) = item::of_version(conn, &version.id)?;
    let titles: Vec<String> = categories
        .into_iter()
        .map(|category| category.title)
        .filter(|title| !title.is_empty())
        .collect();
    let wanted = asked(&order.asked.kind).unwrap_or_default();
    match titles.iter().any(|title| title == wanted) {
        true => Ok(wanted.to_owned()),
        false => Err(Error::invalid(
            "kind",
            format!("请写明现行办法里的一个称号：{}。", titles.join("、")),
        )),
    }
}

fn asked(field: &Option<String>) -> Option<&str> {
    field.as_deref().map(str::trim).filter(|text| !text.is_empty())
}
