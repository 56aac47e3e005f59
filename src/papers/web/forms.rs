//! Forms that come back: found by their number, keyed row by row; or read from a photograph into a draft that a person
//! looks at, puts right and confirms. Nothing of a photograph is kept.
//!
//! Who may key a form is who may do the same on its own page; the room's own function writes it down. All rows of a form are
//! written down or none: what is wrong is named with its row, and nothing that was keyed is lost.

mod consent;
mod nomination;
mod photo;
mod sign_in;
mod stocktake;
mod tally;
mod visit;
mod volunteering;

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::lookup::Shown;
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::Moment;
use crate::db::Conn;
use crate::error::{Error, FieldError, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::papers::form::Form;
use crate::sent::{Path, Query, SignedForm, SignedUpload};

#[derive(Template)]
#[template(path = "papers/forms.html")]
struct FormsPage {
    shell: Shell,
    problems: Problems,
    number: String,
}

/// `GET /forms`
///
/// # Errors
/// Only when the template fails.
pub async fn forms(staff: Staff) -> Result<Response> {
    page::show(&FormsPage {
        shell: staff.shell,
        problems: Problems::default(),
        number: String::new(),
    })
}

/// `POST /forms`: a number leads to its form; a photograph is read into a draft.
///
/// # Errors
/// `Internal`; what is wrong with number or photograph is shown beside them.
pub async fn find(State(app): State<App>, staff: Staff, SignedUpload(sent): SignedUpload) -> Result<Response> {
    let number = sent.one("number").to_owned();
    let found = match sent.files("photo").next().cloned() {
        Some(bytes) => photo::read(&app, &staff, bytes.to_vec()).await,
        None => Form::read(&number).map(|(form, of)| page::go(&address(form, of))),
    };
    match found {
        Ok(response) => Ok(response),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let page = FormsPage {
                shell: staff.shell,
                problems,
                number,
            };
            page::show_with(status, &page)
        }
    }
}

fn address(form: Form, of: i64) -> String {
    format!("/forms/{}", form.number(of))
}

// ---- Rows and boxes ------------------------------------------------------------------------------------------------

/// A form with its rows, as they stand or as a photograph says.
#[derive(Clone, Debug)]
struct Table {
    form: Form,
    number: String,
    title: &'static str,
    about: String,
    /// Where its room shows it.
    back: String,
    /// What is asked once above the rows, with what stands in it.
    above: Vec<(Ask, String)>,
    /// What a row is about; empty where only its boxes say so.
    what: &'static str,
    /// The boxes of each row.
    asks: &'static [Ask],
    /// What may be chosen for a box: codes and names.
    choices: Vec<(String, String)>,
    rows: Vec<Row>,
    /// What to know before anything is keyed.
    warning: Option<String>,
    /// Why nothing of it is keyed any more.
    closed: Option<String>,
    /// Which page a photograph showed, and of how many rows it is not sure.
    photo: Option<(u32, usize)>,
    /// The code of the household whose data it shows.
    household: Option<String>,
}

/// A box that every row of a form has.
#[derive(Clone, Copy, Debug)]
struct Ask {
    /// Its part of a field's name; empty where a row has one box.
    name: &'static str,
    label: &'static str,
    kind: Kind,
}

/// What is written into a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tick,
    Number,
    Text,
    Day,
    Time,
    /// One of the table's choices.
    Choice,
}

impl Ask {
    const fn new(name: &'static str, label: &'static str, kind: Kind) -> Ask {
        Ask { name, label, kind }
    }

    /// The name of the field of a row: `row-3`, `row-3-count`.
    fn field(&self, row: i64) -> String {
        match self.name {
            "" => format!("row-{row}"),
            name => format!("row-{row}-{name}"),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Row {
    row: i64,
    /// Its number on the paper.
    code: String,
    name: String,
    label: String,
    /// What stands in its boxes, in the order of the table's.
    values: Vec<String>,
    /// What is written down of it: it goes along, so that what somebody else writes meanwhile is not changed unseen.
    was: Option<String>,
    /// Why nothing of it is keyed any more.
    closed: Option<String>,
    /// What to know about it before it is sent.
    notes: Vec<Note>,
    /// What was told about it, in a few letters: it goes along, so that nothing becomes final that nobody saw.
    seen: String,
    is_unsure: bool,
    /// What the photograph shows of it.
    strip: Option<String>,
}

/// A sentence about a row.
#[derive(Clone, Debug)]
struct Note {
    /// The notice's class.
    class: &'static str,
    text: String,
}

impl Note {
    fn new(class: &'static str, text: impl Into<String>) -> Note {
        Note {
            class,
            text: text.into(),
        }
    }
}

impl Table {
    /// The boxes of a row: the name of each as a field, and what stands in it.
    fn boxes<'a>(&self, row: &'a Row) -> impl Iterator<Item = (&'static Ask, String, &'a str)> {
        let boxes = self.asks.iter().zip(&row.values);
        boxes.map(|(ask, value)| (ask, ask.field(row.row), value.as_str()))
    }

    fn is_ticked(&self) -> bool {
        self.asks.iter().any(|ask| ask.kind == Kind::Tick)
    }

    /// Is a second look wanted before it is final, and has nobody had it?
    fn is_to_be_checked(&self) -> bool {
        self.form == Form::Nomination && self.rows.iter().all(|row| row.seen.is_empty())
    }

    /// How wide a note is that stands below its row.
    fn columns(&self) -> usize {
        let about = usize::from(!self.what.is_empty()).saturating_add(usize::from(self.photo.is_some()));
        self.asks.len().saturating_add(about)
    }

    /// Puts what was sent into the boxes, so that nobody writes it again.
    fn keep(&mut self, sent: &Sent) {
        for (ask, value) in &mut self.above {
            if let Some(keyed) = sent.0.get(ask.name) {
                value.clone_from(keyed);
            }
        }
        for row in self.rows.iter_mut().filter(|row| row.closed.is_none()) {
            let boxes = self.asks.iter().zip(&mut row.values);
            for (ask, value) in boxes {
                if let Some(keyed) = sent.0.get(&ask.field(row.row)) {
                    value.clone_from(keyed);
                }
            }
        }
    }
}

/// What was sent with a form, by the names of its fields.
#[derive(Clone, Debug, Default)]
struct Sent(HashMap<String, String>);

impl Sent {
    fn of(fields: Vec<(String, String)>) -> Sent {
        let trimmed = fields.into_iter().map(|(name, value)| (name, value.trim().to_owned()));
        Sent(trimmed.collect())
    }

    fn one(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// What stands in the only box of a row; `None` for nothing.
    fn row(&self, row: i64) -> Option<&str> {
        Some(self.one(&format!("row-{row}"))).filter(|value| !value.is_empty())
    }

    /// What was written down of a row when its page was made.
    fn was(&self, row: i64) -> &str {
        self.one(&format!("was-{row}"))
    }

    fn key(&self) -> &str {
        self.one("key")
    }
}

/// What is wrong, with its rows: all of it is said at once.
#[derive(Default)]
struct Wrong(Vec<FieldError>);

impl Wrong {
    /// What came of a row; what its writer can mend is noted.
    fn of<T>(&mut self, row: i64, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error @ (Error::Invalid(_) | Error::Refused(_))) => {
                self.0.push(FieldError {
                    field: "rows",
                    message: format!("第{row}行：{error}"),
                });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses everything when a row was wrong.
    fn end(self) -> Result<()> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(self.0)),
        }
    }
}

fn expect(staff: &Staff, permission: Permission) -> Result<()> {
    match staff.duties.permit(permission) {
        true => Ok(()),
        false => Err(Error::Forbidden("您的职责不包含录入这种表单。")),
    }
}

/// A form with what was sent with it, where it was.
fn table(conn: &mut Conn, staff: &Staff, (form, of): (Form, i64), sent: &Sent, now: Moment) -> Result<Table> {
    let mut table = match form {
        Form::SignIn => sign_in::table(conn, staff, of),
        Form::Visit => visit::table(conn, staff, of),
        Form::Tally => tally::table(conn, staff, of, now),
        Form::Stocktake => stocktake::table(conn, staff, of),
        Form::Nomination => nomination::table(conn, staff, of, sent, now),
        Form::Volunteering => volunteering::table(conn, staff, of),
        Form::Consent => consent::table(conn, staff, of),
    }?;
    table.keep(sent);
    Ok(table)
}

/// Writes down what was sent, and answers where it is shown.
fn write(conn: &mut Conn, staff: &Staff, (form, of): (Form, i64), sent: &Sent, now: Moment) -> Result<String> {
    match form {
        Form::SignIn => sign_in::write(conn, staff, of, sent, now),
        Form::Visit => visit::write(conn, staff, of, sent, now),
        Form::Tally => tally::write(conn, staff, of, sent, now),
        Form::Stocktake => stocktake::write(conn, staff, of, sent, now),
        Form::Nomination => nomination::write(conn, staff, of, sent, now),
        Form::Volunteering => volunteering::write(conn, staff, of, sent, now),
        Form::Consent => consent::write(conn, staff, of, sent, now),
    }
}

// ---- The page of a form --------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "papers/form.html")]
struct FormPage {
    shell: Shell,
    problems: Problems,
    /// How many rows were written down just before.
    done: usize,
    key: String,
    table: Table,
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: usize,
}

async fn show(
    app: &App,
    staff: &Staff,
    status: StatusCode,
    (problems, done): (Problems, usize),
    table: Table,
) -> Result<Response> {
    let page = FormPage {
        shell: staff.shell.clone(),
        problems,
        done,
        key: Id::<Table>::new(app.now()).to_string(),
        table,
    };
    let mut response = page::show_with(status, &page)?;
    if let Some(household) = &page.table.household {
        response.extensions_mut().insert(Shown(household.clone()));
    }
    Ok(response)
}

/// `GET /forms/{number}`: the rows of a form as they stand.
///
/// # Errors
/// `NotFound`, also outside the visitor's area; `Forbidden`; `Invalid` for a number with a slip of the pen.
pub async fn form(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let form = Form::read(&number)?;
    let (asking, now) = (staff.clone(), app.now());
    let read = move |conn: &mut Conn| table(conn, &asking, form, &Sent::default(), now);
    let table = app.db.read(read).await?;
    show(&app, &staff, StatusCode::OK, (Problems::default(), done.done), table).await
}

/// `POST /forms/{number}`: writes the rows down.
///
/// # Errors
/// As [`form`]; what is wrong in the rows is shown with them, and nothing of them is lost.
pub async fn key_in(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    SignedForm(fields): SignedForm<Vec<(String, String)>>,
) -> Result<Response> {
    let form = Form::read(&number)?;
    let (sent, now) = (Sent::of(fields), app.now());
    let (asking, asked) = (staff.clone(), sent.clone());
    let written = app.db.write(move |conn| write(conn, &asking, form, &asked, now)).await;
    match written {
        Ok(next) => Ok(page::go(&next)),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let asking = staff.clone();
            let read = move |conn: &mut Conn| table(conn, &asking, form, &sent, now);
            let table = app.db.read(read).await?;
            show(&app, &staff, status, (problems, 0), table).await
        }
    }
}
