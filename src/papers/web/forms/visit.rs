//! 入户评分表: what one judge gave to each home.

use super::{Ask, Kind, Row, Sent, Table, Wrong, expect};
use crate::access::role::Permission;
use crate::app::Staff;
use crate::clock::Moment;
use crate::council::visit::writing::{self, Write};
use crate::council::visit::{self, Entry, Refused, State, Visit};
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
        let cell = visit
            .judges
            .iter()
            .zip(&home.cells)
            .find(|(one, _)| one.position == place);
        let mark = cell.and_then(|(_, cell)| cell.mark.as_ref());
        let steps_back = cell.is_some_and(|(_, cell)| cell.steps_back.is_some());
        Row {
            row: home.row.position,
            code: format!("{:02}", home.row.position),
            name: home.household.head_name.clone(),
            label: home.household.code.clone(),
            values: vec![mark.map(|mark| mark.mark.to_string()).unwrap_or_default()],
            closed: steps_back.then(|| "回避".to_owned()),
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
    })
}

pub(super) fn write(conn: &mut Conn, staff: &Staff, of: i64, sent: &Sent, now: Moment) -> Result<String> {
    let (visit, judge) = judged(conn, staff, of)?;
    let mut wrong = Wrong::default();
    for home in &visit.homes {
        let row = home.row.position;
        let Some(text) = sent.row(row) else {
            continue;
        };
        let mark = text
            .parse::<i64>()
            .map_err(|_| Error::invalid("mark", "评分应为整数，例如86。"));
        let written = mark.and_then(|mark| {
            let asked = Write {
                sheet: visit.sheet.id.clone(),
                row,
                entry: Entry::AtHome,
                marks: vec![(judge, Some(mark), String::new())],
                by: staff.user.clone(),
                key: format!("{}-{row}", sent.key()),
            };
            writing::write(conn, &asked, now)
        });
        wrong.of(row, written)?;
    }
    wrong.end()?;
    Ok(format!("/visits/{}", visit.sheet.id))
}
