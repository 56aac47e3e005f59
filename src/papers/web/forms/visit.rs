//! 入户评分表: what one judge gave to each home.
//!
//! The page shows what is written down already, and so do the boxes: only a row that the sender changed is written, by what
//! stood in it when the page was made. A box that was emptied takes its mark back. Reasons are on the visit's own page; a
//! mark that is put right here keeps its own.

use super::{Ask, Kind, Row, Sent, Table, Wrong, expect};
use crate::access::role::Permission;
use crate::app::Staff;
use crate::clock::Moment;
use crate::council::visit::writing::{self, OWN_HOME, Write};
use crate::council::visit::{self, Cell, Entry, Home, Mark, Refused, State, Visit};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::papers::form::Form;
use crate::papers::sheet;

const ASKS: &[Ask] = &[Ask::new("", "评分", Kind::Number)];

/// The visit and the judge's place that a form's number names.
pub(super) fn judged(conn: &mut Conn, staff: &Staff, of: i64) -> Result<(Visit, i64)> {
    expect(staff, Permission::MarkVisits)?;
    let (code, judge) = sheet::visit_and_judge(of);
    let found = visit::by_code(conn, &code)?;
    staff.expect_within(conn, Permission::MarkVisits, &found.building_id)?;
    Ok((visit::load(conn, &found.id)?, judge))
}

pub(super) fn table(conn: &mut Conn, staff: &Staff, of: i64) -> Result<Table> {
    let (visit, place) = judged(conn, staff, of)?;
    let judge = visit.judges.iter().find(|judge| judge.position == place);
    // The record of all three judges is keyed on the visit's own page.
    let judge = judge.ok_or(Error::NotFound)?;
    let rows = visit.homes.iter().map(|home| {
        let cell = cell_of(&visit, home, place);
        let stands = text_of(cell.and_then(|cell| cell.mark.as_ref()));
        let steps_back = cell.is_some_and(|cell| cell.steps_back.is_some());
        let closed = if is_own(staff, home) {
            Some(OWN_HOME.to_owned())
        } else {
            steps_back.then(|| "回避".to_owned())
        };
        Row {
            row: home.row.position,
            code: format!("{:02}", home.row.position),
            name: home.household.head_name.clone(),
            label: home.household.code.clone(),
            values: vec![stands.clone()],
            was: Some(stands).filter(|stands| !stands.is_empty()),
            closed,
            ..Row::default()
        }
    });
    let state = visit.sheet.state;
    Ok(Table {
        rows: rows.collect(),
        form: Form::Visit,
        number: Form::Visit.number(of),
        title: "入户评分表",
        about: format!("评委：{}", judge.name),
        back: format!("/visits/{}", visit.sheet.id),
        what: "住户",
        above: Vec::new(),
        asks: ASKS,
        choices: Vec::new(),
        warning: None,
        closed: (state != State::Open).then(|| Refused::NotOpen(state).to_string()),
        photo: None,
        household: None,
    })
}

pub(super) fn write(conn: &mut Conn, staff: &Staff, of: i64, sent: &Sent, now: Moment) -> Result<String> {
    let (visit, judge) = judged(conn, staff, of)?;
    let mut wrong = Wrong::default();
    for home in &visit.homes {
        let row = home.row.position;
        let before = cell_of(&visit, home, judge).and_then(|cell| cell.mark.as_ref());
        let change = keyed(staff, home, before, sent);
        let Some(mark) = wrong.of(row, change)?.flatten() else {
            continue;
        };
        // The sheet has no room for a reason: the one that was given stays as long as there is a mark.
        let reason = before
            .filter(|_| mark.is_some())
            .and_then(|before| before.reason.clone());
        let asked = Write {
            sheet: visit.sheet.id.clone(),
            row,
            entry: Entry::AtHome,
            marks: vec![(judge, mark, reason.unwrap_or_default())],
            by: staff.user.clone(),
            key: format!("{}-{row}", sent.key()),
        };
        wrong.of(row, writing::write(conn, &asked, now))?;
    }
    wrong.end()?;
    Ok(format!("/visits/{}", visit.sheet.id))
}

/// What was keyed into a row that its sender changed: a mark, or none to take the earlier one back.
fn keyed(staff: &Staff, home: &Home, before: Option<&Mark>, sent: &Sent) -> Result<Option<Option<i64>>> {
    let row = home.row.position;
    let (text, was, stands) = (sent.row(row).unwrap_or_default(), sent.was(row), text_of(before));
    if text == was || text == stands {
        return Ok(None);
    }
    if is_own(staff, home) {
        return Err(Error::invalid("mark", OWN_HOME));
    }
    let mark = match text {
        "" => None,
        text => {
            let mark = text.parse::<i64>();
            Some(mark.map_err(|_| Error::invalid("mark", "评分应为整数，例如86。"))?)
        }
    };
    // By whoever knows what stands there nothing is written over unseen.
    match (was == stands, before) {
        (false, Some(_)) => Err(Error::invalid(
            "mark",
            format!("打开这一页以后，别人录入了{stands}分。请核对，要改再按一次“录入”。"),
        )),
        (false, None) => Err(Error::invalid(
            "mark",
            "打开这一页以后，别人清空了这一行。请核对，要录再按一次“录入”。",
        )),
        (true, _) => Ok(Some(mark)),
    }
}

fn cell_of<'a>(visit: &'a Visit, home: &'a Home, place: i64) -> Option<&'a Cell> {
    let mut cells = visit.judges.iter().zip(&home.cells);
    cells.find(|(judge, _)| judge.position == place).map(|(_, cell)| cell)
}

/// What stands in a box.
fn text_of(mark: Option<&Mark>) -> String {
    mark.map(|mark| mark.mark.to_string()).unwrap_or_default()
}

fn is_own(staff: &Staff, home: &Home) -> bool {
    staff.user.household_id.as_ref() == Some(&home.household.id)
}
