//! Sheets that come back with ticks: the sign-in sheet of a gathering, a judge's score sheet, and the record of a visit on
//! which marks are written by hand.
//!
//! Where each box stands is planned in `marks.rs`, which reads the photograph of the sheet by the same plan.

use serde::{Deserialize, Serialize};

use super::form::{Form, FormMark};
use super::marks::{self, Layout, Plan};
use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::access::user;
use crate::cards::qr;
use crate::clock::spoken_day;
use crate::council::gathering::{self, Gathering};
use crate::council::visit::{self, Visit, VisitSheet};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::scheme::item;

/// On which households sign in.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInSheet {
    paper: Head,
    gathering: About,
    pages: Vec<Page>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    /// What the page on which rows are keyed calls it.
    number: i64,
    title: String,
    on: String,
    place: String,
    item: String,
    keeper: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    corners: Vec<Corner>,
    rows: Vec<Row>,
}

/// A code in a corner, in millimetres.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Corner {
    svg: String,
    x: f64,
    y: f64,
    side: f64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    label: String,
    name: String,
    y: f64,
    height: f64,
    boxes: Vec<TickBox>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TickBox {
    x: f64,
    y: f64,
    side: f64,
}

/// What a row of a sheet says.
struct Said {
    code: String,
    label: String,
    name: String,
}

/// Pages by a plan, with what their rows say.
fn pages(form: &str, layouts: &[Layout], said: &[Said]) -> Result<Vec<Page>> {
    let mut pages = Vec::with_capacity(layouts.len());
    let mut said = said.iter();
    for layout in layouts {
        let corners = layout.corners.iter().map(|corner| {
            let text = marks::corner_text(form, layout.page, corner.number);
            Ok(Corner {
                svg: qr::svg(&text, "").map_err(Error::internal)?,
                x: corner.x,
                y: corner.y,
                side: corner.side,
            })
        });
        let corners = corners.collect::<Result<_>>()?;
        let rows = layout.rows.iter().zip(said.by_ref()).map(|(row, said)| Row {
            code: said.code.clone(),
            label: said.label.clone(),
            name: said.name.clone(),
            y: row.y,
            height: row.height,
            boxes: layout
                .boxes
                .iter()
                .filter(|one| one.row == row.number)
                .map(|one| TickBox {
                    x: one.x,
                    y: one.y,
                    side: one.side,
                })
                .collect(),
        });
        pages.push(Page {
            rows: rows.collect(),
            corners,
        });
    }
    Ok(pages)
}

/// The plan of a gathering's sheet.
///
/// # Errors
/// Only when the database fails.
pub fn plan_of_gathering(conn: &mut Conn, gathering: &Gathering) -> Result<Plan> {
    let rows = gathering::rows(conn, &gathering.id)?;
    Ok(Plan::sign_in(u32::try_from(rows.len()).map_err(Error::internal)?))
}

/// The sign-in sheet of a gathering, by its number.
///
/// # Errors
/// `Invalid` without a number; `NotFound`.
pub fn sign_in(conn: &mut Conn, order: &Order) -> Result<SignInSheet> {
    let gathering = gathering::by_number(conn, order.number()?)?;
    order.expect_within(conn, Permission::Nominate, &gathering.area_id)?;
    let rows = gathering::rows(conn, &gathering.id)?;
    let ids: Vec<_> = rows.iter().map(|row| row.household_id.clone()).collect();
    let households = household::by_ids(conn, &ids)?;
    let tree = Tree::load(conn)?;
    let mut paper = order.head(conn, Some(&gathering.area_id))?;
    let said: Vec<Said> = rows
        .iter()
        .filter_map(|row| {
            let household = households.iter().find(|one| one.id == row.household_id)?;
            let mut said = said(gathering.row_code(row.row_number), household, &tree);
            // Two communities may each have a building of this name.
            if paper.area.is_none() {
                let building = tree.get(&household.building_id);
                let around = building.and_then(|area| area.parent_id.as_ref());
                said.label = around.map(|area| tree.address(area) + "\n").unwrap_or_default() + &said.label;
            }
            Some(said)
        })
        .collect();
    let form = Form::SignIn.number(gathering.number);
    let layouts = plan_of_gathering(conn, &gathering)?.pages();
    let (item, _) = item::by_id(conn, &gathering.scoring_item_id)?;
    let keeper = user::display_names(conn, std::slice::from_ref(&gathering.opened_by))?;
    paper.form = Some(FormMark::new(Form::SignIn, gathering.number)?);
    Ok(SignInSheet {
        pages: pages(&form, &layouts, &said)?,
        gathering: About {
            number: gathering.number,
            title: gathering.name.clone(),
            on: spoken_day(gathering.held_on),
            place: gathering.place.clone(),
            item: format!("{}　{}", item.code, item.name),
            keeper: keeper.into_values().next().unwrap_or_default(),
        },
        paper,
    })
}

fn said(code: String, household: &Household, tree: &Tree) -> Said {
    let building = tree.get(&household.building_id).map(|area: &Area| area.name.clone());
    Said {
        code,
        label: building.unwrap_or_default() + &household.door(),
        name: household.head_name.clone(),
    }
}

/// On which a judge ticks marks: tens and ones.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreSheet {
    paper: Head,
    visit: Judging,
    criteria: Vec<Criterion>,
    pages: Vec<Page>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Judging {
    title: String,
    on: String,
    judge: String,
    building: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Criterion {
    name: String,
    marks: Vec<u32>,
}

/// Tens 1 to 10, ones 0 to 9: what a judge ticks of a hundred. No tick among the tens is none.
const TENS: [u32; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const ONES: [u32; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/// The full marks that tens and ones can say.
const FULL_MARKS: i64 = 100;

/// The plan of a judge's sheet.
///
/// # Errors
/// `Invalid` when the rules give other full marks than a hundred, which tens and ones cannot say.
pub fn plan_of_visit(visit: &Visit) -> Result<Plan> {
    if visit.terms.full_marks != FULL_MARKS {
        return Err(Error::invalid(
            "id",
            "满分不是100分，不能用打勾的评分表，请打印手写的入户评分表。",
        ));
    }
    let rows = u32::try_from(visit.homes.len()).map_err(Error::internal)?;
    Plan::score(rows, &[10, 10]).ok_or_else(|| Error::internal("twenty boxes do not fit"))
}

/// The mark that the ticked boxes of a row say, by their places from 1; `None` when nothing, not all of it, or no one mark is
/// ticked.
#[must_use]
pub fn mark_of(ticked: &[u32]) -> Option<i64> {
    let tens: Vec<u32> = ticked.iter().copied().filter(|column| *column <= 10).collect();
    let ones: Vec<u32> = ticked.iter().copied().filter(|column| *column > 10).collect();
    let tens = match tens.as_slice() {
        [] => 0,
        [tens] => i64::from(*tens),
        _ => return None,
    };
    let ones = match ones.as_slice() {
        // Ones have a box for nought: without a tick among them one was forgotten, or not seen.
        [] if tens < 10 => return None,
        [] => 0,
        [ones] => i64::from(*ones).saturating_sub(11),
        _ => return None,
    };
    Some(tens.saturating_mul(10).saturating_add(ones)).filter(|mark| *mark <= FULL_MARKS)
}

fn visit(conn: &mut Conn, order: &Order) -> Result<Visit> {
    let sheet: VisitSheet = visit::by_code(conn, order.id()?)?;
    order.expect_within(conn, Permission::ReadVisits, &sheet.building_id)?;
    visit::load(conn, &sheet.id)
}

/// The score sheets of a visit, one judge's (`count`: 1, 2 or 3; the first without).
///
/// # Errors
/// `Invalid` without the visit's code, for an unknown judge, and for other full marks than a hundred; `NotFound`.
pub fn score(conn: &mut Conn, order: &Order) -> Result<ScoreSheet> {
    let visit = visit(conn, order)?;
    let position = i64::from(order.asked.count.unwrap_or(1));
    let judge = visit.judges.iter().find(|judge| judge.position == position);
    let judge = judge.ok_or_else(|| Error::invalid("count", "没有这位评委，请写1、2或3。"))?;
    let number = sheet_number(&visit.sheet, position)?;
    let form = Form::Visit.number(number);
    let tree = Tree::load(conn)?;
    let said: Vec<Said> = visit
        .homes
        .iter()
        .map(|home| {
            let mut said = said(format!("{:02}", home.row.position), &home.household, &tree);
            // The building stands at the head of the sheet.
            said.label = home.household.door();
            let mut cells = visit.judges.iter().zip(&home.cells);
            if cells.any(|(one, cell)| one.position == position && cell.steps_back.is_some()) {
                said.name.push_str("（回避）");
            }
            said
        })
        .collect();
    let mut paper = order.head(conn, Some(&visit.sheet.building_id))?;
    paper.form = Some(FormMark::new(Form::Visit, number)?);
    Ok(ScoreSheet {
        pages: pages(&form, &plan_of_visit(&visit)?.pages(), &said)?,
        criteria: vec![
            Criterion {
                name: "十位".to_owned(),
                marks: TENS.to_vec(),
            },
            Criterion {
                name: "个位".to_owned(),
                marks: ONES.to_vec(),
            },
        ],
        visit: Judging {
            title: "入户评分".to_owned(),
            on: spoken_day(visit.sheet.visited_on),
            judge: judge.name.clone(),
            building: tree
                .get(&visit.sheet.building_id)
                .map(|area| area.name.clone())
                .unwrap_or_default(),
        },
        paper,
    })
}

/// The number of a judge's sheet: the visit's six digits and the judge's place.
fn sheet_number(sheet: &VisitSheet, judge: i64) -> Result<i64> {
    let code: i64 = sheet.code.parse().map_err(Error::internal)?;
    Ok(code.saturating_mul(10).saturating_add(judge))
}

/// The visit's six digits and the judge's place that a sheet's number names.
#[must_use]
pub fn visit_and_judge(number: i64) -> (String, i64) {
    (format!("{:06}", number.div_euclid(10)), number.rem_euclid(10))
}

/// On which three judges' marks are written by hand.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitRecord {
    paper: Head,
    code: String,
    place: String,
    on: String,
    full_marks: i64,
    outlier_distance: i64,
    judges: Vec<String>,
    rows: Vec<VisitRow>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VisitRow {
    row: i64,
    name: String,
    door: String,
    recused: Vec<String>,
}

/// The record of a visit, by its six digits.
///
/// # Errors
/// `Invalid` without the digits; `NotFound`.
pub fn visit_record(conn: &mut Conn, order: &Order) -> Result<VisitRecord> {
    let visit = visit(conn, order)?;
    let tree = Tree::load(conn)?;
    let mut paper = order.head(conn, Some(&visit.sheet.building_id))?;
    paper.form = Some(FormMark::new(Form::Visit, sheet_number(&visit.sheet, 0)?)?);
    let rows = visit.homes.iter().map(|home| VisitRow {
        row: home.row.position,
        name: home.household.head_name.clone(),
        door: home.household.door(),
        recused: visit
            .judges
            .iter()
            .zip(&home.cells)
            .filter(|(_, cell)| cell.steps_back.is_some())
            .map(|(judge, _)| judge.name.clone())
            .collect(),
    });
    Ok(VisitRecord {
        rows: rows.collect(),
        code: visit.sheet.code.clone(),
        place: tree.address(&visit.sheet.building_id),
        on: spoken_day(visit.sheet.visited_on),
        full_marks: visit.terms.full_marks,
        outlier_distance: visit.terms.outlier_distance,
        judges: visit.judges.iter().map(|judge| judge.name.clone()).collect(),
        paper,
    })
}

#[cfg(test)]
mod tests {
    use super::mark_of;

    #[test]
    fn ticks_of_tens_and_ones_say_a_mark() {
        assert_eq!(mark_of(&[9, 16]), Some(95));
        assert_eq!(mark_of(&[10]), Some(100));
        assert_eq!(mark_of(&[10, 11]), Some(100));
        assert_eq!(mark_of(&[18]), Some(7));
        assert_eq!(mark_of(&[11]), Some(0));
        for unclear in [&[][..], &[8], &[1, 2, 11], &[3, 12, 13], &[10, 12]] {
            assert_eq!(mark_of(unclear), None, "{unclear:?}");
        }
    }
}
