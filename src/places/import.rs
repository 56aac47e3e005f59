//! Import: a roster file becomes areas and households, after a dry run that says what would happen.
//!
//! `roster.rs` reads the file; this file compares it with what is registered and registers the rest. A line that cannot
//! be taken is reported with its reason and nothing of it is kept; the other lines are not held up by it.

use std::collections::{HashMap, HashSet};

use super::area::{self, Area, AreaKind, Tree};
use super::household::{self, Household, Search};
use super::roster::{self, RefusedLine, Roster, RosterRow};
use crate::audit;
use crate::clock::Moment;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;

/// What an import did, or would do.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Households registered.
    pub registered: usize,
    /// People in them.
    pub people: i64,
    /// Areas that were new.
    pub new_areas: usize,
    /// Lines that were not taken, and why.
    pub refused: Vec<RefusedLine>,
    /// Pairs that may be one household twice: they were taken; somebody should look.
    pub likely_duplicates: Vec<String>,
    /// Columns that were not read.
    pub ignored_columns: Vec<String>,
}

impl Report {
    /// The report as a command line prints it.
    #[must_use]
    pub fn in_words(&self, dry_run: bool) -> String {
        let done = if dry_run {
            "试读完成，什么也没有登记。可登记"
        } else {
            "已登记"
        };
        let mut lines = vec![format!(
            "{done}{}户{}人，新增区域{}个；未接收{}行。",
            self.registered,
            self.people,
            self.new_areas,
            self.refused.len()
        )];
        if !self.ignored_columns.is_empty() {
            lines.push(format!("没有读取的列：{}", self.ignored_columns.join("、")));
        }
        for refused in &self.refused {
            let column = refused
                .column
                .as_deref()
                .map(|column| format!("“{column}”列"))
                .unwrap_or_default();
            lines.push(format!("第{}行{column}：{}", refused.line, refused.reason));
        }
        for pair in &self.likely_duplicates {
            lines.push(format!("可能重复：{pair}"));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Reads a roster file. Slow for a large one, so it happens outside the database.
///
/// # Errors
/// `Invalid` when the whole file is refused, for example for a column with sensitive labels.
pub fn read(file: &[u8]) -> Result<Roster> {
    roster::read(file).map_err(|why| Error::invalid("file", why.to_string()))
}

/// Says what `register` would do, and does nothing.
///
/// # Errors
/// `Invalid` while there is no programme.
pub fn try_out(conn: &mut Conn, roster: Roster, now: Moment) -> Result<Report> {
    compare(conn, roster, now).map(|(_, report)| report)
}

/// Registers what can be taken.
///
/// # Errors
/// `Invalid` while there is no programme.
pub fn register(conn: &mut Conn, roster: Roster, by: &str, now: Moment) -> Result<Report> {
    let (plan, report) = compare(conn, roster, now)?;
    area::add(conn, &plan.new_areas)?;
    household::register(conn, &plan.households)?;
    let detail = format!("{} registered, {} refused", report.registered, report.refused.len());
    let event = audit::Event::new(by, "households.imported", "programme".to_owned(), detail, now);
    audit::record(conn, &[event])?;
    Ok(report)
}

/// Compares a roster with what is registered.
fn compare(conn: &mut Conn, roster: Roster, now: Moment) -> Result<(Plan, Report)> {
    let tree = Tree::load(conn)?;
    let Some(root) = tree.root().cloned() else {
        return Err(Error::invalid("file", "还没有建立项目，请先完成首次设置。"));
    };
    let everybody = Search {
        limit: i64::MAX,
        ..Search::default()
    };
    let living_here: HashSet<String> = household::search(conn, &everybody)?
        .into_iter()
        .map(|household| household.code)
        .collect();
    let known = household::search_with_former(conn, &everybody)?;
    let mut plan = Plan::new(&tree, root, known, &living_here, now);
    let mut report = Report {
        refused: roster.refused,
        ignored_columns: roster.ignored_columns,
        likely_duplicates: roster::likely_duplicates(&roster.rows)
            .into_iter()
            .map(|(one, other, why)| format!("第{one}行与第{other}行：{why}"))
            .collect(),
        ..Report::default()
    };
    for row in &roster.rows {
        let areas = plan.new_areas.len();
        let taken = plan.take(row);
        if taken.is_err() {
            plan.forget_areas_after(areas);
        }
        match taken {
            Ok(Some(warning)) => report.likely_duplicates.push(warning),
            Ok(None) => {}
            Err(reason) => report.refused.push(RefusedLine {
                line: row.line,
                column: None,
                reason,
            }),
        }
    }
    report.refused.sort_by_key(|refused| refused.line);
    report.registered = plan.households.len();
    report.people = plan.households.iter().map(|household| household.people).sum();
    report.new_areas = plan.new_areas.len();
    Ok((plan, report))
}

/// Areas and households as they will be.
struct Plan {
    root: Area,
    by_place: HashMap<(Id<Area>, String), Area>,
    new_areas: Vec<Area>,
    codes: HashSet<String>,
    doors: HashSet<(Id<Area>, String)>,
    heads: HashMap<(Id<Area>, String), String>,
    households: Vec<Household>,
    now: Moment,
}

impl Plan {
    /// `known` holds also households that are gone: their codes stay theirs, their doors are free.
    fn new(tree: &Tree, root: Area, mut known: Vec<Household>, living_here: &HashSet<String>, now: Moment) -> Plan {
        let codes = known.iter().map(|household| household.code.clone()).collect();
        known.retain(|household| living_here.contains(&household.code));
        let by_place = tree
            .all()
            .iter()
            .filter_map(|area| Some(((area.parent_id.clone()?, area.name.clone()), area.clone())))
            .collect();
        Plan {
            root,
            by_place,
            new_areas: Vec::new(),
            codes,
            doors: known
                .iter()
                .map(|household| (household.building_id.clone(), household.door()))
                .collect(),
            heads: known
                .into_iter()
                .map(|household| ((household.building_id, household.head_name), household.code))
                .collect(),
            households: Vec::new(),
            now,
        }
    }

    /// Takes one line; answers a warning when the household looks like one that is registered.
    fn take(&mut self, row: &RosterRow) -> Result<Option<String>, String> {
        let community = self.place(&self.root.clone(), AreaKind::Community, "C", &row.community);
        let grid = self.place(&community, AreaKind::Grid, "G", &row.grid);
        let building = self.place(&grid, AreaKind::Building, "B", &row.building);
        let mut household = Household {
            id: Id::new(self.now),
            code: String::new(),
            building_id: building.id.clone(),
            stairwell: row.stairwell.clone(),
            room: row.room.clone(),
            head_name: row.head.clone(),
            head_initials: household::initials(&row.head),
            people: i64::from(row.people),
            registered_at: self.now,
        };
        household.code = match &row.code {
            Some(code) => code.to_uppercase(),
            None => own_code(&[&community, &grid, &building], &household),
        };
        if self.codes.contains(&household.code) {
            return Err(format!("户号{}已经登记，未重复登记。", household.code));
        }
        if !self.doors.insert((building.id.clone(), household.door())) {
            return Err(format!(
                "{} {} {}已有登记的住户。",
                row.community,
                row.building,
                household.door()
            ));
        }
        let head = (building.id, household.head_name.clone());
        let warning = self
            .heads
            .get(&head)
            .map(|code| format!("第{}行与已登记的{code}：同一楼栋、户主同名。", row.line));
        self.codes.insert(household.code.clone());
        self.households.push(household);
        Ok(warning)
    }

    /// A line that was not taken leaves no area behind.
    fn forget_areas_after(&mut self, count: usize) {
        for area in self.new_areas.split_off(count) {
            self.by_place.retain(|_, other| other.id != area.id);
        }
    }

    /// The area of this name, or a new one with the next code.
    fn place(&mut self, parent: &Area, kind: AreaKind, letter: &str, name: &str) -> Area {
        let key = (parent.id.clone(), name.to_owned());
        if let Some(area) = self.by_place.get(&key) {
            return area.clone();
        }
        let codes: HashSet<&str> = self
            .by_place
            .values()
            .filter(|area| area.parent_id.as_ref() == Some(&parent.id))
            .map(|area| area.code.as_str())
            .collect();
        let mut numbers = 1u32..;
        let free = numbers.find_map(|number| {
            let code = format!("{letter}{number:02}");
            (!codes.contains(code.as_str())).then_some(code)
        });
        let code = free.unwrap_or_default();
        let area = parent.part(kind, &code, name, self.now);
        self.by_place.insert(key, area.clone());
        self.new_areas.push(area.clone());
        area
    }
}

/// `C01-G03-B05-2-1103`: areas, stairwell and room.
fn own_code(areas: &[&Area], household: &Household) -> String {
    let mut parts: Vec<&str> = areas.iter().map(|area| area.code.as_str()).collect();
    parts.extend(household.stairwell.as_deref());
    parts.push(&household.room);
    parts.join("-").to_uppercase()
}
