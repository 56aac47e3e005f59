//! The page on which marks are written: a judge's own column on the phone, or all three from the signed paper.
//!
//! One home a row, each saved by itself. Without a script each row has its button; with one it is saved as it is left.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::visit::{own_position, visible};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::Moment;
use crate::council::visit::writing::{self, Write};
use crate::council::visit::{self, Cell, Entry, Home, Judge, State as Stand, Visit, VisitSheet};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "council/visit_marks.html")]
struct MarksPage {
    shell: Shell,
    problems: Problems,
    visit: Visit,
    place: String,
    /// The columns that are written here: the visitor's own, or all.
    columns: Vec<Judge>,
    paper: bool,
    is_judge: bool,
    /// The row that was refused, with what was sent.
    refused: Option<Sent>,
    now: Moment,
}

impl MarksPage {
    /// A key for each row's form.
    fn key(&self) -> Id<Write> {
        Id::new(self.now)
    }

    fn cell<'a>(&self, home: &'a Home, judge: &Judge) -> Option<&'a Cell> {
        let at = self
            .visit
            .judges
            .iter()
            .position(|other| other.position == judge.position)?;
        home.cells.get(at)
    }

    fn steps_back(&self, home: &Home, judge: &Judge) -> Option<String> {
        self.cell(home, judge)?.steps_back.clone()
    }

    /// What stands in the field: what was sent and refused, or what is kept.
    fn mark(&self, home: &Home, judge: &Judge) -> String {
        if let Some(sent) = self.refused.as_ref().filter(|sent| sent.row == home.row.position) {
            return sent
                .of(judge.position)
                .map(|(_, mark, _)| mark.clone())
                .unwrap_or_default();
        }
        let cell = self.cell(home, judge);
        let mark = cell.and_then(|cell| cell.mark.as_ref());
        mark.map(|mark| mark.mark.to_string()).unwrap_or_default()
    }

    fn reason(&self, home: &Home, judge: &Judge) -> String {
        if let Some(sent) = self.refused.as_ref().filter(|sent| sent.row == home.row.position) {
            return sent
                .of(judge.position)
                .map(|(_, _, reason)| reason.clone())
                .unwrap_or_default();
        }
        let mark = self.cell(home, judge).and_then(|cell| cell.mark.as_ref());
        mark.and_then(|mark| mark.reason.clone()).unwrap_or_default()
    }

    /// Is the mark far from the others, or was it explained before?
    fn asks_reason(&self, home: &Home, judge: &Judge) -> bool {
        let mark = self.cell(home, judge).and_then(|cell| cell.mark.as_ref());
        mark.is_some_and(|mark| home.is_outlier(mark.mark, &self.visit.terms) || mark.reason.is_some())
    }

    fn median(&self, home: &Home) -> String {
        home.median().map(|median| median.to_string()).unwrap_or_default()
    }

    /// Is everything of this row written that is written here?
    fn is_done(&self, home: &Home) -> bool {
        let written = |judge: &Judge| {
            self.cell(home, judge)
                .is_some_and(|cell| cell.mark.is_some() || cell.steps_back.is_some())
        };
        home.row.entry != Entry::AtHome || self.columns.iter().all(written)
    }

    fn left(&self) -> usize {
        self.visit.homes.iter().filter(|home| !self.is_done(home)).count()
    }

    fn is_own(&self, home: &Home) -> bool {
        self.columns.iter().all(|judge| self.steps_back(home, judge).is_some())
    }
}

/// Which columns.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    paper: String,
}

/// `GET /visits/{id}/marks`
///
/// # Errors
/// `NotFound`, also for a building outside the visitor's area, and for a sheet that is closed.
pub async fn visit_marks(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let visit = visible(conn, &staff, &Id::known(id))?;
            if visit.sheet.state != Stand::Open {
                return Err(Error::NotFound);
            }
            marks_page(conn, &staff, visit, wanted.paper == "1", now)
        })
        .await?;
    page::show(&page)
}

fn marks_page(conn: &mut Conn, staff: &Staff, visit: Visit, paper: bool, now: Moment) -> Result<MarksPage> {
    let tree = Tree::load(conn)?;
    let own = own_position(&visit.judges, staff);
    let paper = paper || own.is_none();
    let columns = visit.judges.iter().filter(|judge| paper || Some(judge.position) == own);
    Ok(MarksPage {
        shell: staff.shell.clone(),
        problems: Problems::default(),
        place: tree.address(&visit.sheet.building_id),
        columns: columns.cloned().collect(),
        paper,
        is_judge: own.is_some(),
        refused: None,
        visit,
        now,
    })
}

/// A row, as its form sends it.
#[derive(Clone, Default)]
struct Sent {
    key: String,
    row: i64,
    paper: bool,
    entry: String,
    /// Judge, mark as it was typed, reason.
    marks: Vec<(i64, String, String)>,
}

impl Sent {
    fn read(fields: Vec<(String, String)>) -> Sent {
        let mut sent = Sent::default();
        for (name, value) in fields {
            let (field, judge) = name.split_once('-').unwrap_or((&name, ""));
            match (field, judge.parse::<i64>()) {
                ("key", _) => sent.key = value,
                ("row", _) => sent.row = value.parse().unwrap_or(0),
                ("paper", _) => sent.paper = value == "1",
                ("entry", _) => sent.entry = value,
                ("mark", Ok(judge)) => sent.change(judge, |cell| cell.1.clone_from(&value)),
                ("reason", Ok(judge)) => sent.change(judge, |cell| cell.2.clone_from(&value)),
                _ => {}
            }
        }
        sent
    }

    /// Changes what was sent for a judge, or begins it.
    fn change(&mut self, judge: i64, change: impl Fn(&mut (i64, String, String))) {
        match self.marks.iter_mut().find(|(other, ..)| *other == judge) {
            Some(cell) => change(cell),
            None => {
                let mut cell = (judge, String::new(), String::new());
                change(&mut cell);
                self.marks.push(cell);
            }
        }
    }

    fn of(&self, judge: i64) -> Option<&(i64, String, String)> {
        self.marks.iter().find(|(other, ..)| *other == judge)
    }
}

/// `POST /visits/{id}/marks`: writes one row.
///
/// # Errors
/// `NotFound`: what is wrong is shown at the row.
pub async fn write_visit_marks(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Vec<(String, String)>>,
) -> Result<Response> {
    let (id, sent): (Id<VisitSheet>, Sent) = (Id::known(id), Sent::read(fields));
    let paper = if sent.paper { "?paper=1" } else { "" };
    match try_write(&app, &staff, &id, sent.clone()).await {
        Ok(()) => Ok(page::go(&format!("/visits/{id}/marks{paper}#row-{}", sent.row))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let mut page = app
                .db
                .read(move |conn| {
                    let visit = visible(conn, &staff, &id)?;
                    let mut page = marks_page(conn, &staff, visit, sent.paper, now)?;
                    page.refused = Some(sent);
                    Ok(page)
                })
                .await?;
            page.problems = problems;
            page::show_with(status, &page)
        }
    }
}

async fn try_write(app: &App, staff: &Staff, id: &Id<VisitSheet>, sent: Sent) -> Result<()> {
    let (now, staff, id) = (app.now(), staff.clone(), id.clone());
    app.db
        .write(move |conn| {
            let sheet = visit::by_id(conn, &id)?;
            staff.expect_within(conn, Permission::MarkVisits, &sheet.building_id)?;
            let mut marks = Vec::with_capacity(sent.marks.len());
            for (judge, mark, reason) in sent.marks {
                let mark = match mark.trim() {
                    "" => None,
                    text => Some(
                        text.parse()
                            .map_err(|_| Error::invalid("mark", "评分应为整数，例如86。"))?,
                    ),
                };
                marks.push((judge, mark, reason));
            }
            let asked = Write {
                sheet: id,
                row: sent.row,
                entry: Entry::from_word(&sent.entry).unwrap_or(Entry::AtHome),
                marks,
                by: staff.user,
                key: sent.key,
            };
            writing::write(conn, &asked, now)
        })
        .await
}
