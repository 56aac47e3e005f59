//! The programme of the ceremony (表彰会议程): what is read out, in order, when the titles of a year are handed over.
//!
//! Who is called is for the loudspeaker's rules to say (`boards/script.rs`): households that agree at this moment, by their
//! family names; of the others there is a number. Nobody's points, stars or share are on it. What happens elsewhere in the
//! year stands there in sums. It does not decide what is celebrated: only what is held is.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::award_list::scope;
use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::boards::script;
use crate::clock::{Span, spoken_day};
use crate::db::Conn;
use crate::dividends::dividend;
use crate::error::{Error, Result};
use crate::honours::roll;
use crate::honours::star;
use crate::id::Id;
use crate::money::Fen;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household, family_name};
use crate::volunteering::minutes::Minutes;
use crate::volunteering::register;

/// A programme of a ceremony.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceremony {
    paper: Head,
    period: String,
    scope: Option<String>,
    place: Option<String>,
    at: Option<String>,
    titles: Vec<Title>,
    stars: Vec<Star>,
    dividends: Vec<Dividend>,
    volunteering: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Title {
    title: String,
    purpose: String,
    called: Vec<Family>,
    silent: usize,
}

/// Households of one family name that are called together.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    name: String,
    households: usize,
    pinyin: Vec<Reading>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    char: String,
    pinyin: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Star {
    name: String,
    criterion: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dividend {
    title: String,
    resolution: String,
    pool: String,
    households: usize,
    total: String,
}

/// The longest that a place or a time is, in characters.
const WORDS: usize = 40;

/// Households looked up at once.
const AT_ONCE: usize = 500;

/// The programme of a year or quarter, of the area that was asked for. Place and time are lines to write on where nobody said
/// them.
///
/// # Errors
/// `Invalid` for what is no year, for long words, and when no title of it is held; `NotFound` outside.
pub fn load(conn: &mut Conn, order: &Order) -> Result<Ceremony> {
    let season = order.season()?;
    let (place, at) = (words("place", &order.asked.place)?, words("at", &order.asked.at)?);
    let buildings = order.buildings(conn, Permission::ReadNominations)?;
    let inside: HashSet<Id<Area>> = buildings.into_iter().map(|building| building.id).collect();
    let mut titles = Vec::new();
    for section in order.roll(conn, Permission::ReadNominations)? {
        if let Some(title) = title(conn, order, section)? {
            titles.push(title);
        }
    }
    if titles.is_empty() {
        return Err(Error::invalid("year", "这一期没有现在持有的称号，没有表彰会议程。"));
    }
    let tree = Tree::load(conn)?;
    let area = order.area(&tree)?;
    Ok(Ceremony {
        paper: order.head(conn, area.map(|area| &area.id))?,
        period: season.in_words(),
        scope: scope(conn, order, &tree, area)?,
        place,
        at,
        titles,
        stars: stars(conn)?,
        dividends: dividends(conn, season.span, &tree, &inside)?,
        volunteering: volunteering(conn, season.span, &inside)?,
    })
}

fn words(field: &'static str, given: &Option<String>) -> Result<Option<String>> {
    let given = given.as_deref().map(str::trim).unwrap_or_default();
    match given.chars().count() {
        0 => Ok(None),
        length if length <= WORDS => Ok(Some(given.to_owned())),
        _ => Err(Error::invalid(field, format!("时间和地点请各写在{WORDS}个字以内。"))),
    }
}

/// A title with those who are called for it; nothing when nobody holds it today.
fn title(conn: &mut Conn, order: &Order, section: roll::Section) -> Result<Option<Title>> {
    let today = order.today();
    let held = section.conferred.into_iter().filter(|one| one.is_held_on(today));
    let homes: Vec<Id<Household>> = held.map(|one| one.household.id).collect();
    let mut named = HashMap::new();
    for chunk in homes.chunks(AT_ONCE) {
        named.extend(script::named(conn, chunk, today)?);
    }
    let (mut families, mut silent) = (BTreeMap::new(), 0usize);
    for home in &homes {
        match named.get(home) {
            Some(home) => {
                let households: &mut usize = families.entry(family_name(&home.head_name)).or_default();
                *households = households.saturating_add(1);
            }
            None => silent = silent.saturating_add(1),
        }
    }
    let called = families.into_iter().map(|(family, households)| {
        let readings = script::readings(&family).into_iter().map(|reading| Reading {
            char: reading.character,
            pinyin: reading.pinyin,
        });
        Family {
            pinyin: readings.collect(),
            name: format!("{family}家"),
            households,
        }
    });
    Ok((!homes.is_empty()).then(|| Title {
        title: section.name,
        purpose: section.purpose,
        called: called.collect(),
        silent,
    }))
}

/// What stars there are; who has them is not read out.
fn stars(conn: &mut Conn) -> Result<Vec<Star>> {
    let stars = star::standing_now(conn)?.into_iter().map(|star| Star {
        name: star.name,
        criterion: star.criterion,
    });
    Ok(stars.collect())
}

/// What assemblies of the season resolved to share out among households of these buildings, and nobody annulled.
fn dividends(conn: &mut Conn, span: Span, tree: &Tree, inside: &HashSet<Id<Area>>) -> Result<Vec<Dividend>> {
    let mut resolved = Vec::new();
    for one in dividend::all(conn)?.into_iter().rev() {
        let mut buildings = tree.buildings_of(&one.area_id).into_iter();
        let is_ours = span.contains(one.held_on) && buildings.any(|building| inside.contains(&building));
        if !is_ours || dividend::annulment(conn, &one.id)?.is_some() {
            continue;
        }
        let parts = dividend::parts(conn, &one)?;
        let total = parts.iter().fold(0i64, |sum, part| sum.saturating_add(part.amount.0));
        resolved.push(Dividend {
            resolution: format!("{}{}", spoken_day(one.held_on), one.body.label()),
            pool: format!("{}元", one.pool),
            households: parts.len(),
            total: format!("{}元", Fen(total)),
            title: one.title,
        });
    }
    Ok(resolved)
}

/// The time that households of these buildings gave in the season, without what was taken back; nothing for none.
fn volunteering(conn: &mut Conn, span: Span, inside: &HashSet<Id<Area>>) -> Result<Option<String>> {
    let mut register = register::of(conn, span)?;
    let mut homes = register.households();
    homes.sort_unstable();
    homes.dedup();
    let mut here = HashSet::new();
    for chunk in homes.chunks(AT_ONCE) {
        let known = household::by_ids(conn, chunk)?.into_iter();
        here.extend(
            known
                .filter(|home| inside.contains(&home.building_id))
                .map(|home| home.id),
        );
    }
    register.keep(|home| here.contains(home));
    let sums = register.sums();
    let given: Minutes = [sums.credited, sums.exchanged, sums.pooled].into_iter().sum();
    let left = Minutes(given.0.saturating_sub(sums.taken_back.0));
    Ok((left.0 > 0).then(|| left.to_string()))
}
