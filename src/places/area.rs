//! Areas: county, township, community, grid, building, one inside the other.
//!
//! A path is the codes from the root, each ended by a slash (`T01/C02/G03/`), so that «inside» is «starts with».

use std::collections::HashMap;

use diesel::prelude::*;

use crate::clock::Moment;
use crate::db::schema::areas;
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::Result;
use crate::id::Id;

text_enum! {
    /// The levels of the tree.
    pub enum AreaKind {
        /// 县.
        County = "county", "县";
        /// 乡镇、街道.
        Township = "township", "乡镇";
        /// 村、社区: the self-governing body that adopts the rules.
        Community = "community", "社区";
        /// 网格.
        Grid = "grid", "网格";
        /// 楼栋.
        Building = "building", "楼栋";
    }
}

/// A place in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = areas)]
pub struct Area {
    /// Its id.
    pub id: Id<Area>,
    /// What it is part of; the root is part of nothing.
    pub parent_id: Option<Id<Area>>,
    /// Its level.
    pub kind: AreaKind,
    /// Its code within the parent.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// Codes from the root.
    pub path: String,
}

impl Area {
    /// A root.
    #[must_use]
    pub fn root(kind: AreaKind, code: &str, name: &str, now: Moment) -> Area {
        Area {
            id: Id::new(now),
            parent_id: None,
            kind,
            code: code.to_owned(),
            name: name.to_owned(),
            path: format!("{code}/"),
        }
    }

    /// A part of this area.
    #[must_use]
    pub fn part(&self, kind: AreaKind, code: &str, name: &str, now: Moment) -> Area {
        Area {
            id: Id::new(now),
            parent_id: Some(self.id.clone()),
            kind,
            code: code.to_owned(),
            name: name.to_owned(),
            path: format!("{}{code}/", self.path),
        }
    }
}

/// Adds areas, parents first.
///
/// # Errors
/// Only when the database fails.
pub fn add(conn: &mut Conn, new: &[Area]) -> Result<()> {
    insert_rows!(conn, areas::table, new);
    Ok(())
}

/// The whole tree: every area with its way from the root.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    areas: Vec<Area>,
    by_id: HashMap<Id<Area>, usize>,
}

impl Tree {
    /// Loads it. A county has a few hundred areas.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn load(conn: &mut Conn) -> Result<Tree> {
        let areas = areas::table.select(Area::as_select()).order(areas::path).load(conn)?;
        Ok(Tree::of(areas))
    }

    fn of(mut areas: Vec<Area>) -> Tree {
        // The order of text differs between databases; here it is by bytes.
        areas.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        let by_id = areas
            .iter()
            .enumerate()
            .map(|(at, area)| (area.id.clone(), at))
            .collect();
        Tree { areas, by_id }
    }

    /// All areas, each before its parts.
    #[must_use]
    pub fn all(&self) -> &[Area] {
        &self.areas
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Option<&Area> {
        self.areas.first()
    }

    /// An area by id.
    #[must_use]
    pub fn get(&self, id: &Id<Area>) -> Option<&Area> {
        self.by_id.get(id).and_then(|at| self.areas.get(*at))
    }

    /// The buildings of an area, or the area itself if it is one, in the order of the tree.
    #[must_use]
    pub fn buildings_of(&self, id: &Id<Area>) -> Vec<Id<Area>> {
        let path = self.get(id).map(|area| area.path.as_str());
        let within = |area: &&Area| path.is_some_and(|path| area.path.starts_with(path));
        let buildings = self.areas.iter().filter(within);
        buildings
            .filter(|area| area.kind == AreaKind::Building)
            .map(|area| area.id.clone())
            .collect()
    }

    /// Is the one the other, or a part of it?
    #[must_use]
    pub fn is_within(&self, inner: &Id<Area>, outer: &Id<Area>) -> bool {
        let path = |id| self.get(id).map(|area| area.path.as_str());
        path(inner)
            .zip(path(outer))
            .is_some_and(|(inner, outer)| inner.starts_with(outer))
    }

    /// Does something of this area concern a community: does the area lie in it, or around it? Everything concerns all of them.
    #[must_use]
    pub fn concerns(&self, community: Option<&Area>, area: &Id<Area>) -> bool {
        community.is_none_or(|community| self.is_within(area, &community.id) || self.is_within(&community.id, area))
    }

    /// What an area is called: where it is, in words; what has no address of its own, by its name.
    #[must_use]
    pub fn told(&self, id: &Id<Area>) -> String {
        let address = self.address(id);
        match address.is_empty() {
            true => self.get(id).map(|area| area.name.clone()).unwrap_or_default(),
            false => address,
        }
    }

    /// The parts of an area.
    pub fn parts<'a>(&'a self, id: &'a Id<Area>) -> impl Iterator<Item = &'a Area> {
        self.areas
            .iter()
            .filter(move |area| area.parent_id.as_ref() == Some(id))
    }

    /// The codes from the community down to this area: `C01`, `G03`, `B05`.
    #[must_use]
    pub fn codes(&self, id: &Id<Area>) -> Vec<&str> {
        let mut codes = Vec::new();
        let mut next = self.get(id);
        while let Some(area) = next {
            if matches!(area.kind, AreaKind::County | AreaKind::Township) {
                break;
            }
            codes.push(area.code.as_str());
            next = area.parent_id.as_ref().and_then(|parent| self.get(parent));
        }
        codes.reverse();
        codes
    }

    /// The names from the community down to this area: `晨光社区 3网格 5栋`.
    #[must_use]
    pub fn address(&self, id: &Id<Area>) -> String {
        let mut names = Vec::new();
        let mut next = self.get(id);
        while let Some(area) = next {
            if matches!(area.kind, AreaKind::County | AreaKind::Township) {
                break;
            }
            names.push(area.name.as_str());
            next = area.parent_id.as_ref().and_then(|parent| self.get(parent));
        }
        names.reverse();
        names.join(" ")
    }
}
