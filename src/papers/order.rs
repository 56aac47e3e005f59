//! An order: what somebody wants printed, by whose right, and on which day. The same from a page and from the command line.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::form::FormMark;
use crate::access::role::{Duties, Permission, Reach};
use crate::clock::{Day, Moment, Span, day_of, spoken_day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::roll::{self, Season, Section};
use crate::id::Id;
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::household::{self, Household};
use crate::places::programme;
use crate::registers::month;
use crate::shop::store::{self, PointsStore};

/// Which one of its kind a paper is about. A paper takes what it needs and says what is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Asked {
    /// A household's code.
    pub household: Option<String>,
    /// The number, or the id, of a notice, session, shift, receipt, redemption …
    pub id: Option<String>,
    /// A month, as 2026-11.
    pub month: Option<String>,
    /// The code of an area; the whole programme without it.
    pub area: Option<String>,
    /// The name of a store; the only one without it.
    pub store: Option<String>,
    /// The size of the paper where there is a choice: a2, a3, a4, a5, 58, 80.
    pub size: Option<String>,
    /// How many: cards, ballots, days ahead.
    pub count: Option<u32>,
    /// Large type.
    pub large: bool,
    /// Which register, title or duty, where there is a choice.
    pub kind: Option<String>,
    /// Words to print, where a paper has room for them.
    pub text: Option<String>,
    /// Over which edge the printer turns a sheet of cards: long, short.
    pub flip: Option<String>,
    /// A year, as 2026, of which titles are.
    pub year: Option<String>,
    /// One of its quarters: 1, 2, 3, 4.
    pub quarter: Option<String>,
    /// Where people meet.
    pub place: Option<String>,
    /// When.
    pub at: Option<String>,
}

/// What somebody wants printed.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which one.
    pub asked: Asked,
    /// By whose duties; `None` for whoever stands at the machine itself and could read the database.
    pub duties: Option<Duties>,
    /// When.
    pub now: Moment,
}

/// What stands on every paper around its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// What the programme is called.
    pub programme: String,
    /// The community or village.
    pub area: Option<String>,
    /// The day: `2026年11月22日`.
    pub printed_on: String,
    /// The number under which the paper comes back.
    pub form: Option<FormMark>,
}

impl Order {
    /// Today.
    #[must_use]
    pub fn today(&self) -> Day {
        day_of(self.now)
    }

    /// What stands around a paper of this area; of the whole programme without one.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn head(&self, conn: &mut Conn, area: Option<&Id<Area>>) -> Result<Head> {
        let area = match area {
            Some(area) => community_of(&Tree::load(conn)?, area),
            None => None,
        };
        Ok(Head {
            programme: programme::get(conn)?.name,
            area,
            printed_on: spoken_day(self.today()),
            form: None,
        })
    }

    /// Where these duties hold a permission.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn reach(&self, conn: &mut Conn, permission: Permission) -> Result<Reach> {
        match &self.duties {
            None => Ok(Reach::Everywhere),
            Some(duties) => Ok(duties.reach(permission, &Tree::load(conn)?)),
        }
    }

    /// Refuses what lies outside, as if it did not exist.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn expect_within(&self, conn: &mut Conn, permission: Permission, area: &Id<Area>) -> Result<()> {
        match self.reach(conn, permission)?.covers(area) {
            true => Ok(()),
            false => Err(Error::NotFound),
        }
    }

    /// The household that was asked for.
    ///
    /// # Errors
    /// `Invalid` without one; `NotFound`, also outside.
    pub fn household(&self, conn: &mut Conn, permission: Permission) -> Result<Household> {
        let code = wanted(&self.asked.household, "household", "请写明户号。")?;
        let household = household::by_code(conn, code)?;
        self.expect_within(conn, permission, &household.building_id)?;
        Ok(household)
    }

    /// The area that was asked for, by its code from the community down (`C01-G02`), or by its own where no other area has
    /// the same; `None` for the whole programme.
    ///
    /// # Errors
    /// `Invalid` for an area that is unknown, and for a short code of several.
    pub fn area<'a>(&self, tree: &'a Tree) -> Result<Option<&'a Area>> {
        let Some(code) = self.asked.area.as_deref().filter(|code| !code.is_empty()) else {
            return Ok(None);
        };
        let full = |area: &Area| tree.codes(&area.id).join("-");
        if let Some(area) = tree.all().iter().find(|area| full(area) == code) {
            return Ok(Some(area));
        }
        let fitting: Vec<&Area> = tree.all().iter().filter(|area| area.code == code).collect();
        match fitting.as_slice() {
            [] => Err(Error::invalid("area", "没有这个区域代码。")),
            [area] => Ok(Some(area)),
            several => {
                let few: Vec<String> = several.iter().take(3).map(|area| full(area)).collect();
                let (few, count) = (few.join("、"), several.len());
                Err(Error::invalid(
                    "area",
                    format!("有{count}个区域的代码是{code}，请写全，例如{few}。"),
                ))
            }
        }
    }

    /// The year that was asked for, or its quarter; this year without either.
    ///
    /// # Errors
    /// As [`Season::read`].
    pub fn season(&self) -> Result<Season> {
        let (year, quarter) = (self.asked.year.as_deref(), self.asked.quarter.as_deref());
        Season::read(year.unwrap_or_default(), quarter.unwrap_or_default(), self.today())
    }

    /// The titles of that year or quarter, of households in the buildings that were asked for and are within reach.
    ///
    /// # Errors
    /// As [`Order::season`] and [`Order::buildings`].
    pub fn roll(&self, conn: &mut Conn, permission: Permission) -> Result<Vec<Section>> {
        let season = self.season()?;
        let buildings = self.buildings(conn, permission)?;
        let inside: HashSet<Id<Area>> = buildings.into_iter().map(|building| building.id).collect();
        roll::of(conn, season, |building| inside.contains(building))
    }

    /// The buildings that were asked for and are within reach, in the order of the tree.
    ///
    /// # Errors
    /// `Invalid` for an area that is unknown; `NotFound` when nothing of it is within reach.
    pub fn buildings(&self, conn: &mut Conn, permission: Permission) -> Result<Vec<Area>> {
        let tree = Tree::load(conn)?;
        let reach = self.reach(conn, permission)?;
        let whole = self.area(&tree)?;
        let buildings: Vec<Area> = tree
            .all()
            .iter()
            .filter(|area| area.kind == AreaKind::Building && reach.covers(&area.id))
            .filter(|area| whole.is_none_or(|whole| area.path.starts_with(&whole.path)))
            .cloned()
            .collect();
        match buildings.is_empty() {
            true => Err(Error::NotFound),
            false => Ok(buildings),
        }
    }

    /// The number or id that was asked for.
    ///
    /// # Errors
    /// `Invalid` without one.
    pub fn id(&self) -> Result<&str> {
        wanted(&self.asked.id, "id", "请写明编号。")
    }

    /// The same as a number.
    ///
    /// # Errors
    /// `Invalid` without one, and for what is no number.
    pub fn number(&self) -> Result<i64> {
        let text = self.id()?.trim();
        text.parse().map_err(|_| Error::invalid("id", "编号是一个数字。"))
    }

    /// The month that was asked for; this one without.
    ///
    /// # Errors
    /// `Invalid` for what is no month.
    pub fn month(&self) -> Result<Span> {
        match self.asked.month.as_deref().filter(|month| !month.is_empty()) {
            None => Ok(Span::month_of(self.today())),
            Some(text) => month::read(text).ok_or_else(|| Error::invalid("month", "月份写成2026-11这样。")),
        }
    }

    /// A store, where these duties hold a permission in it.
    ///
    /// # Errors
    /// `NotFound`, also for a store outside.
    pub fn store_by_id(&self, conn: &mut Conn, permission: Permission, id: &Id<PointsStore>) -> Result<PointsStore> {
        let mut within = self.stores_within(conn, permission)?.into_iter();
        within.find(|store| store.id == *id).ok_or(Error::NotFound)
    }

    fn stores_within(&self, conn: &mut Conn, permission: Permission) -> Result<Vec<PointsStore>> {
        match &self.duties {
            None => store::all(conn),
            Some(duties) => store::all_of_duties(conn, duties, permission),
        }
    }

    /// The stores within reach, the one that was asked for alone.
    ///
    /// # Errors
    /// `Invalid` for a store that is unknown; `Forbidden` without any.
    pub fn stores(&self, conn: &mut Conn, permission: Permission) -> Result<Vec<PointsStore>> {
        let stores = self.stores_within(conn, permission)?;
        match self.asked.store.as_deref().filter(|name| !name.is_empty()) {
            None => Ok(stores),
            Some(name) => {
                let found = stores
                    .into_iter()
                    .find(|store| store.name == name || store.id.as_str() == name);
                Ok(vec![
                    found.ok_or_else(|| Error::invalid("store", "没有这个积分超市。"))?,
                ])
            }
        }
    }

    /// The store that was asked for; the first within reach without one.
    ///
    /// # Errors
    /// As [`Order::stores`].
    pub fn store(&self, conn: &mut Conn, permission: Permission) -> Result<PointsStore> {
        let first = self.stores(conn, permission)?.into_iter().next();
        first.ok_or_else(|| Error::invalid("store", "没有积分超市。"))
    }

    /// One of these sizes; the first without any.
    ///
    /// # Errors
    /// `Invalid` for another.
    pub fn size(&self, sizes: &[&'static str]) -> Result<String> {
        let first = sizes.first().copied().unwrap_or_default();
        match self.asked.size.as_deref().filter(|size| !size.is_empty()) {
            None => Ok(first.to_owned()),
            Some(size) if sizes.contains(&size) => Ok(size.to_owned()),
            Some(_) => Err(Error::invalid("size", format!("纸张大小可以是{}。", sizes.join("、")))),
        }
    }
}

fn wanted<'a>(given: &'a Option<String>, field: &'static str, why: &str) -> Result<&'a str> {
    let given = given.as_deref().map(str::trim).unwrap_or_default();
    match given.is_empty() {
        true => Err(Error::invalid(field, why)),
        false => Ok(given),
    }
}

/// The community or village in which an area lies, by its name.
fn community_of(tree: &Tree, area: &Id<Area>) -> Option<String> {
    let mut here = tree.get(area);
    while let Some(area) = here {
        if area.kind == AreaKind::Community {
            return Some(area.name.clone());
        }
        here = area.parent_id.as_ref().and_then(|parent| tree.get(parent));
    }
    None
}
