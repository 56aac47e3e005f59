//! Writing marks: one row at a time, a judge's own or what the signed paper says, put right as often as needed while the
//! sheet is open.
//!
//! What is the same as before stays as it is, with who wrote it and when: so the paper can be keyed beside a phone. What a
//! judge wrote on the own phone nobody keys over.

use diesel::prelude::*;

use super::{Cell, Entry, Judge, Mark, Refused, Visit, VisitSheet, expect_open, load, record};
use crate::access::user::User;
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::{visit_marks, visit_rows};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::request::{Request, Requests};

/// What is written into a row: what the judges met, and marks of some of them.
#[derive(Clone, Debug)]
pub struct Write {
    /// The sheet.
    pub sheet: Id<VisitSheet>,
    /// The row.
    pub row: i64,
    /// What the judges met.
    pub entry: Entry,
    /// Judge, mark, reason; no mark takes an earlier one back.
    pub marks: Vec<(i64, Option<i64>, String)>,
    /// Who writes.
    pub by: User,
    /// The sender's key.
    pub key: String,
}

/// Why nobody writes the marks of the own home.
pub const OWN_HOME: &str = "自己家的评分，请由他人录入。";

/// Writes a row. What is the same as before stays as it is, with who wrote it and when.
///
/// # Errors
/// [`Refused`]; `Forbidden` for one's own home; `Invalid` marks; `NotFound`.
pub fn write(conn: &mut Conn, asked: &Write, now: Moment) -> Result<()> {
    let content = (asked.sheet.as_str(), asked.row, asked.entry, &asked.marks);
    let request = Request::new(&asked.key, asked.by.id.as_str(), "visit.write", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if requests.earlier(&request)?.is_some() {
        return Ok(());
    }
    let visit = load(conn, &asked.sheet)?;
    expect_open(&visit.sheet)?;
    let home = visit
        .homes
        .iter()
        .find(|home| home.row.position == asked.row)
        .ok_or(Error::NotFound)?;
    if asked.by.household_id.as_ref() == Some(&home.household.id) {
        return Err(Error::Forbidden(OWN_HOME));
    }
    let mut changes = Vec::new();
    for (position, mark, reason) in &asked.marks {
        let at = visit.judges.iter().position(|judge| judge.position == *position);
        let at = at.ok_or_else(|| Error::invalid("mark", "没有这位评委。"))?;
        let (Some(judge), Some(cell)) = (visit.judges.get(at), home.cells.get(at)) else {
            return Err(Error::NotFound);
        };
        changes.extend(changed(asked, &visit, judge, cell, *mark, reason, now)?);
    }
    let left = home
        .cells
        .iter()
        .zip(&visit.judges)
        .filter(
            |(cell, judge)| match changes.iter().find(|(position, _)| *position == judge.position) {
                Some((_, mark)) => mark.is_some(),
                None => cell.mark.is_some(),
            },
        )
        .count();
    let entry = match (asked.entry, left) {
        (Entry::AtHome, _) => Entry::AtHome,
        (other, 0) => other,
        _ => return Err(Refused::HasMarks.into()),
    };
    for (position, mark) in &changes {
        keep(conn, asked, *position, mark.as_ref())?;
    }
    if entry != home.row.entry {
        diesel::update(visit_rows::table.find((&asked.sheet, asked.row)))
            .set(visit_rows::entry.eq(entry))
            .execute(conn)?;
    }
    requests.carried_out(&request, asked.sheet.as_str(), now);
    requests.save(conn)?;
    let told: Vec<String> = changes
        .iter()
        .map(|(judge, mark)| match mark {
            Some(mark) => format!("judge {judge}: {}", mark.mark),
            None => format!("judge {judge}: none"),
        })
        .collect();
    let detail = format!("row {}, {}, {}", asked.row, entry.word(), told.join(", "));
    record(conn, &visit.sheet, &asked.by.id, "visit.marked", detail, now)
}

/// The change of one cell, if it is one; by judge.
fn changed(
    asked: &Write,
    visit: &Visit,
    judge: &Judge,
    cell: &Cell,
    mark: Option<i64>,
    reason: &str,
    now: Moment,
) -> Result<Option<(i64, Option<Mark>)>> {
    let reason = reason.trim();
    let before = cell.mark.as_ref();
    let same = before.map(|before| before.mark) == mark
        && (mark.is_none() || before.and_then(|before| before.reason.as_deref()).unwrap_or_default() == reason);
    if same {
        return Ok(None);
    }
    if let Some(why) = &cell.steps_back {
        let (judge, why) = (judge.name.clone(), why.clone());
        return Err(Refused::StepsBack { judge, why }.into());
    }
    let by_judge = before.is_some_and(|before| Some(&before.marked_by) == judge.user_id.as_ref());
    if by_judge && judge.user_id.as_ref() != Some(&asked.by.id) {
        return Err(Refused::MarkedByJudge(judge.name.clone()).into());
    }
    if mark.is_some_and(|mark| !(0..=visit.terms.full_marks).contains(&mark)) {
        let most = visit.terms.full_marks;
        return Err(Error::invalid("mark", format!("评分应为0至{most}的整数。")));
    }
    if reason.chars().count() > 200 {
        return Err(Error::invalid("reason", "理由请写在200个字以内。"));
    }
    let mark = mark.map(|mark| Mark {
        sheet_id: asked.sheet.clone(),
        row_position: asked.row,
        judge_position: judge.position,
        mark,
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        marked_by: asked.by.id.clone(),
        marked_at: now,
    });
    Ok(Some((judge.position, mark)))
}

fn keep(conn: &mut Conn, asked: &Write, judge: i64, mark: Option<&Mark>) -> Result<()> {
    diesel::delete(visit_marks::table.find((&asked.sheet, asked.row, judge))).execute(conn)?;
    if let Some(mark) = mark {
        diesel::insert_into(visit_marks::table).values(mark).execute(conn)?;
    }
    Ok(())
}
