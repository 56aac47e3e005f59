//! What is coming (接下来): the council's next day, public notices that run, the next day of each store. For everybody.

use crate::clock::{Day, Moment, day_of};
use crate::council::notice;
use crate::council::session::{self, State};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::notice as title_notice;
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::scheme::{terms, version};
use crate::shop::{opening, store};

/// Sessions and notices that are looked through.
const NEWEST: i64 = 50;

/// What is coming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coming {
    /// Sessions that are convened: of which council, and when; the next first.
    pub sessions: Vec<(String, Day)>,
    /// The day of the month on which the council meets by the rules in force.
    pub council_day: Option<u32>,
    /// Public notices that run, the oldest first.
    pub notices: Vec<Running>,
    /// Stores.
    pub stores: Vec<Open>,
}

/// A public notice that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its number.
    pub number: i64,
    /// Is it of titles?
    pub of_titles: bool,
    /// Of which council.
    pub area: String,
    /// Its last whole day.
    pub last_day: Day,
}

/// A store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// What people call it.
    pub name: String,
    /// When it is open, in words.
    pub hours: String,
    /// The next day on which it redeems.
    pub next: Option<Day>,
}

/// What is coming for a community, or for all.
///
/// # Errors
/// Only when the database fails.
pub fn for_all(conn: &mut Conn, community: Option<&Area>, now: Moment) -> Result<Coming> {
    let (tree, today) = (Tree::load(conn)?, day_of(now));
    let concerns = |area: &Id<Area>| tree.concerns(community, area);
    let named = |area: &Id<Area>| tree.get(area).map(|area| area.name.clone()).unwrap_or_default();
    let mut sessions: Vec<(Day, String)> = session::list(conn, NEWEST)?
        .into_iter()
        .filter(|one| one.state == State::Convened && one.held_on >= today && concerns(&one.area_id))
        .map(|one| (one.held_on, named(&one.area_id)))
        .collect();
    sessions.sort();
    let of_deeds = notice::list(conn, NEWEST)?.into_iter();
    let of_deeds = of_deeds
        .filter(|one| one.runs_at(now) && concerns(&one.area_id))
        .map(|one| running(one.number, false, named(&one.area_id), one.ends_at));
    let of_titles = title_notice::list(conn, NEWEST)?.into_iter();
    let of_titles = of_titles
        .filter(|one| one.runs_at(now) && concerns(&one.area_id))
        .map(|one| running(one.number, true, named(&one.area_id), one.ends_at));
    let mut notices: Vec<Running> = of_deeds.chain(of_titles).collect();
    notices.sort_by_key(|one| (one.of_titles, one.number));
    Ok(Coming {
        sessions: sessions.into_iter().map(|(day, area)| (area, day)).collect(),
        council_day: council_day(conn, today)?,
        notices,
        stores: stores(conn, &tree, community, today)?,
    })
}

/// The stores of a community, or all of them, with the next day of each.
///
/// # Errors
/// Only when the database fails.
pub fn stores(conn: &mut Conn, tree: &Tree, community: Option<&Area>, today: Day) -> Result<Vec<Open>> {
    let mut stores = Vec::new();
    let near = store::all(conn)?.into_iter();
    for one in near.filter(|one| tree.concerns(community, &one.area_id)) {
        let days = opening::of_store(conn, &one.id, today)?;
        stores.push(Open {
            name: one.name,
            hours: match one.opening_hours.trim() {
                "" => days.in_words(),
                hours => hours.to_owned(),
            },
            next: days.next(today),
        });
    }
    Ok(stores)
}

fn running(number: i64, of_titles: bool, area: String, ends_at: Moment) -> Running {
    let ends_on = day_of(ends_at);
    Running {
        number,
        of_titles,
        area,
        last_day: ends_on.pred_opt().unwrap_or(ends_on),
    }
}

fn council_day(conn: &mut Conn, today: Day) -> Result<Option<u32>> {
    match version::in_force(conn, today) {
        Ok(version) => Ok(Some(terms::of(conn, &version.id)?.cycle.council_day)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
