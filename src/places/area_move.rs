//! Moves of areas: a building goes to another grid, a grid to another community, from a day on.
//!
//! What is inside goes along: paths are made anew. A duty is held for an area, so whoever has the new grid sees the building
//! from that day, and whoever had the old one no longer. Codes of households stay as they are: they are on paper.

use std::collections::{HashMap, HashSet};
use std::fmt;

use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::area::{Area, AreaKind, Tree};
use super::household;
use crate::audit;
use crate::clock::{Day, Moment, day_of, spoken_day};
use crate::db::Conn;
use crate::db::schema::{area_moves, areas};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::request::{Request, Requests};

/// A move as it was written down.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = area_moves)]
pub struct AreaMove {
    /// Its id.
    pub id: Id<AreaMove>,
    /// What moved.
    pub area_id: Id<Area>,
    /// Where it was.
    pub from_parent_id: Id<Area>,
    /// Where it is.
    pub to_parent_id: Id<Area>,
    /// From which day.
    pub effective_on: Day,
    /// When it was written.
    pub recorded_at: Moment,
    /// By whom: a user's id.
    pub recorded_by: String,
    /// Why.
    pub reason: String,
}

/// Why a move is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// Only buildings move, to grids, and grids, to communities.
    NoSuchMove,
    /// It is there already.
    AlreadyThere,
    /// Something changed since the preview.
    Changed,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Refused::NoSuchMove => "只能把楼栋划到网格、把网格划到社区，请重新选择。",
            Refused::AlreadyThere => "它已经在那里了，没有改动。可能另一位同事刚办过，请看下面的划转记录。",
            Refused::Changed => "刚才情况有变化，本次没有办理。请核对新的预览后再确认。",
        })
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NoSuchMove => "no_such_move",
            Refused::AlreadyThere => "already_there",
            Refused::Changed => "changed_meanwhile",
        }
    }
}

/// Asks to move an area.
#[derive(Clone, Debug, Serialize)]
pub struct MoveArea {
    /// What.
    pub area: String,
    /// Where to.
    pub to: String,
    /// From which day: today or before.
    pub effective_on: Day,
    /// Why.
    pub reason: String,
}

/// What a move will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In sentences.
    pub sentences: Vec<String>,
    /// Names what was shown, so that nothing else is done.
    pub seal: String,
    area: Area,
    parent: Area,
    code: String,
}

/// Looks what a move would do.
///
/// # Errors
/// [`Refused`]; `Invalid` for a missing reason or a day that is still to come.
pub fn plan(conn: &mut Conn, asked: &MoveArea, today: Day) -> Result<Plan> {
    let tree = Tree::load(conn)?;
    let area = tree
        .get(&Id::known(asked.area.clone()))
        .ok_or_else(|| Error::invalid("area", "请选择要划转的楼栋或网格。"))?;
    let parent = tree
        .get(&Id::known(asked.to.clone()))
        .ok_or_else(|| Error::invalid("to", "请选择划到哪里。"))?;
    let fits = matches!(
        (area.kind, parent.kind),
        (AreaKind::Building, AreaKind::Grid) | (AreaKind::Grid, AreaKind::Community)
    );
    if !fits {
        return Err(Refused::NoSuchMove.into());
    }
    if area.parent_id.as_ref() == Some(&parent.id) {
        return Err(Refused::AlreadyThere.into());
    }
    if asked.effective_on > today {
        return Err(Error::invalid(
            "effective_on",
            "生效日期不能晚于今天。到了那一天再办理。",
        ));
    }
    if asked.reason.trim().is_empty() || asked.reason.chars().count() > 200 {
        return Err(Error::invalid("reason", "请写明原因，1至200个字。"));
    }
    let taken: HashSet<&str> = tree.parts(&parent.id).map(|part| part.code.as_str()).collect();
    let code = free_code(&area.code, area.kind, &taken);
    let inside: Vec<Id<Area>> = tree
        .all()
        .iter()
        .filter(|other| other.path.starts_with(&area.path) && other.kind == AreaKind::Building)
        .map(|building| building.id.clone())
        .collect();
    let (households, people) = household::count_in(conn, &inside)?;
    let mut sentences = vec![
        format!(
            "{}将划到{}，自{}起。",
            tree.address(&area.id),
            tree.address(&parent.id),
            spoken_day(asked.effective_on)
        ),
        format!(
            "随同划转{}栋楼、{households}户、{people}人。户号、积分和积分卡都不变。",
            inside.len()
        ),
        format!(
            "确认以后，{}的工作人员马上看得到这些住户，原来的{}不再看到。",
            parent.kind.label(),
            parent.kind.label()
        ),
    ];
    if code != area.code {
        sentences.push(format!("那里已有编号{}，划转后的编号改为{code}。", area.code));
    }
    let seal = seal(&sentences);
    Ok(Plan {
        sentences,
        seal,
        area: area.clone(),
        parent: parent.clone(),
        code,
    })
}

/// Names a preview.
#[must_use]
pub fn seal(sentences: &[String]) -> String {
    let digest = Sha256::digest(sentences.join("\n").as_bytes());
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

fn free_code(code: &str, kind: AreaKind, taken: &HashSet<&str>) -> String {
    let letter = match kind {
        AreaKind::Grid => "G",
        _ => "B",
    };
    let mut codes = std::iter::once(code.to_owned()).chain((1u32..).map(|number| format!("{letter}{number:02}")));
    codes.find(|code| !taken.contains(code.as_str())).unwrap_or_default()
}

/// Moves an area as it was shown; the same request again answers the same move.
///
/// # Errors
/// Those of [`plan`]; [`Refused::Changed`] when it is not what was shown; `idempotency_conflict`.
pub fn carry_out(conn: &mut Conn, asked: &MoveArea, shown: &str, by: &str, key: &str, now: Moment) -> Result<AreaMove> {
    let request = Request::new(key, by, "area.move", asked)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let plan = plan(conn, asked, day_of(now))?;
    if plan.seal != shown {
        return Err(Refused::Changed.into());
    }
    let old = plan.area.path.clone();
    let new = format!("{}{}/", plan.parent.path, plan.code);
    let tree = Tree::load(conn)?;
    for area in tree.all().iter().filter(|area| area.path.starts_with(&old)) {
        let path = format!("{new}{}", area.path.strip_prefix(&old).unwrap_or_default());
        diesel::update(areas::table.find(&area.id))
            .set(areas::path.eq(path))
            .execute(conn)?;
    }
    diesel::update(areas::table.find(&plan.area.id))
        .set((areas::parent_id.eq(Some(&plan.parent.id)), areas::code.eq(&plan.code)))
        .execute(conn)?;
    let done = AreaMove {
        id: Id::new(now),
        from_parent_id: plan.area.parent_id.clone().unwrap_or_else(|| plan.area.id.clone()),
        to_parent_id: plan.parent.id,
        area_id: plan.area.id,
        effective_on: asked.effective_on,
        recorded_at: now,
        recorded_by: by.to_owned(),
        reason: asked.reason.trim().to_owned(),
    };
    diesel::insert_into(area_moves::table).values(&done).execute(conn)?;
    requests.carried_out(&request, done.id.as_str(), now);
    requests.save(conn)?;
    let subject = format!("area:{}", done.area_id);
    audit::record(
        conn,
        &[audit::Event::new(by, "area.moved", subject, done.reason.clone(), now)],
    )?;
    Ok(done)
}

fn by_id(conn: &mut Conn, id: &Id<AreaMove>) -> Result<AreaMove> {
    area_moves::table
        .find(id)
        .select(AreaMove::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// All moves, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn, limit: i64) -> Result<Vec<AreaMove>> {
    Ok(area_moves::table
        .order((area_moves::recorded_at.desc(), area_moves::id.desc()))
        .limit(limit)
        .select(AreaMove::as_select())
        .load(conn)?)
}

/// What an area was part of on a day: where it was before its first move after that day, or where it is.
///
/// # Errors
/// `NotFound` without such an area.
pub fn parent_on(conn: &mut Conn, area: &Id<Area>, day: Day) -> Result<Option<Id<Area>>> {
    let later = area_moves::table
        .filter(area_moves::area_id.eq(area))
        .filter(area_moves::effective_on.gt(day))
        .order((area_moves::effective_on, area_moves::recorded_at))
        .limit(1)
        .select(area_moves::from_parent_id)
        .get_result::<Id<Area>>(conn)
        .optional()?;
    match later {
        Some(parent) => Ok(Some(parent)),
        None => {
            let tree = Tree::load(conn)?;
            tree.get(area).map(|area| area.parent_id.clone()).ok_or(Error::NotFound)
        }
    }
}

/// The names of areas, to tell moves in words.
///
/// # Errors
/// Only when the database fails.
pub fn names(conn: &mut Conn) -> Result<HashMap<Id<Area>, String>> {
    let tree = Tree::load(conn)?;
    Ok(tree
        .all()
        .iter()
        .map(|area| (area.id.clone(), area.name.clone()))
        .collect())
}
