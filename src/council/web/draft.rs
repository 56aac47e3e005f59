//! The page on which a notice is made ready: the sheet exactly as it will hang, a sentence for each row, what may not stand
//! there, and the button that publishes.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::notices::{short, span};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::Moment;
use crate::council::nomination::Nomination;
use crate::council::notice;
use crate::council::refused::Refused;
use crate::council::session::{self, Session};
use crate::council::sheet::{self, Sheet, Standing};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "council/draft.html")]
struct DraftPage {
    shell: Shell,
    problems: Problems,
    session: Session,
    sheet: Sheet,
    sentences: Vec<Sentence>,
    /// Was something written down just before?
    saved: bool,
    key: Id<notice::Notice>,
    /// What the rows' template asks for.
    runs: bool,
    is_staff: bool,
}

/// The sentence of a row, being written.
struct Sentence {
    id: Id<Nomination>,
    slip: String,
    whose: String,
    /// What was written for those who decided.
    note: String,
    text: String,
    findings: Vec<String>,
}

impl DraftPage {
    fn days(&self) -> String {
        span(self.sheet.published_on, self.sheet.last_day)
    }

    fn longest(&self) -> usize {
        notice::TEXT_LENGTH
    }

    fn is_fit(&self) -> bool {
        self.sentences.iter().all(|one| one.findings.is_empty())
    }
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /sessions/{number}/notice`
///
/// # Errors
/// `NotFound`, also for a council outside the visitor's area; what stands against a notice is refused in words.
pub async fn draft(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let now = app.now();
    let saved = done.done == "saved";
    let found = app
        .db
        .read(move |conn| {
            let session = expect_mine(conn, &staff, number)?;
            if let Some(notice) = notice::of_session(conn, &session.id)? {
                return Ok(Err(notice.number));
            }
            draft_page(conn, staff, session, None, saved, now).map(Ok)
        })
        .await?;
    match found {
        Ok(page) => page::show(&page),
        Err(number) => Ok(page::go(&format!("/notices/{number}"))),
    }
}

fn expect_mine(conn: &mut Conn, staff: &Staff, number: i64) -> Result<Session> {
    let session = session::by_number(conn, number)?;
    staff.expect_within(conn, Permission::KeepSession, &session.area_id)?;
    Ok(session)
}

/// `texts` are those in the form, where there is one.
fn draft_page(
    conn: &mut Conn,
    staff: Staff,
    session: Session,
    texts: Option<&HashMap<String, String>>,
    saved: bool,
    now: Moment,
) -> Result<DraftPage> {
    if session.state != session::State::Closed {
        return Err(Refused::SessionIs(session.state).into());
    }
    let mut rows = notice::to_publish(conn, &session)?;
    if rows.is_empty() {
        return Err(Refused::NothingToPublish.into());
    }
    for row in &mut rows {
        if let Some(text) = texts.and_then(|texts| texts.get(row.id.as_str())) {
            text.trim().clone_into(&mut row.public_text);
        } else if texts.is_none()
            && !saved
            && row.public_text.is_empty()
            && notice::findings(conn, row, &row.note)?.is_empty()
        {
            // What the nominator wrote may do; whoever publishes reads it first.
            row.public_text.clone_from(&row.note);
        }
    }
    let draft = notice::draft(conn, &session, &staff.user.id, now)?;
    let sheet = sheet::of(conn, &draft, &rows)?;
    let mut sentences = Vec::new();
    for (shown, row) in sheet.rows.iter().zip(&rows) {
        sentences.push(Sentence {
            id: row.id.clone(),
            slip: shown.slip.clone(),
            whose: format!("{}，{}", shown.name, shown.deed),
            note: row.note.clone(),
            text: row.public_text.clone(),
            findings: notice::findings(conn, row, &row.public_text)?,
        });
    }
    Ok(DraftPage {
        shell: staff.shell,
        problems: Problems::default(),
        session,
        sheet,
        sentences,
        saved,
        key: Id::new(now),
        runs: false,
        is_staff: true,
    })
}

/// The form: the sentences by nomination, and which button was pressed.
struct Sent {
    key: String,
    publishes: bool,
    texts: HashMap<String, String>,
}

impl Sent {
    fn read(fields: Vec<(String, String)>) -> Sent {
        let mut sent = Sent {
            key: String::new(),
            publishes: false,
            texts: HashMap::new(),
        };
        for (name, value) in fields {
            match (name.as_str(), name.strip_prefix("text-")) {
                ("key", _) => sent.key = value,
                ("act", _) => sent.publishes = value == "publish",
                (_, Some(id)) => {
                    sent.texts.insert(id.to_owned(), value);
                }
                _ => {}
            }
        }
        sent
    }
}

/// `POST /sessions/{number}/notice`: writes the sentences down; with the button that publishes, the notice hangs.
///
/// # Errors
/// `NotFound`, also for a council outside the visitor's area; what is wrong in a sentence is shown beside it.
pub async fn publish(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(fields): SignedForm<Vec<(String, String)>>,
) -> Result<Response> {
    let now = app.now();
    let sent = Sent::read(fields);
    let (publishes, texts, by) = (sent.publishes, sent.texts.clone(), staff.clone());
    let written = app
        .db
        .write(move |conn| {
            let session = expect_mine(conn, &by, number)?;
            if sent.publishes {
                // A form that comes a second time finds its notice.
                if let Some(notice) = notice::of_session(conn, &session.id)? {
                    return Ok(Some(notice.number));
                }
            }
            for row in notice::to_publish(conn, &session)? {
                let text = sent.texts.get(row.id.as_str()).map(|text| text.trim());
                if let Some(text) = text.filter(|text| *text != row.public_text) {
                    notice::set_text(conn, &row.id, text, &by.user.id, now)?;
                }
            }
            if !sent.publishes {
                return Ok(None);
            }
            let published = notice::publish(conn, &session.id, &by.user.id, &sent.key, now)?;
            Ok(Some(published.number))
        })
        .await;
    match written {
        Ok(Some(number)) => Ok(page::go(&format!("/notices/{number}"))),
        Ok(None) => Ok(page::go(&format!("/sessions/{number}/notice?done=saved"))),
        Err(error) => show_again(&app, staff, number, texts, publishes, error, now).await,
    }
}

async fn show_again(
    app: &App,
    staff: Staff,
    number: i64,
    texts: HashMap<String, String>,
    publishes: bool,
    error: Error,
    now: Moment,
) -> Result<Response> {
    let (status, mut problems) = Problems::from_error(error)?;
    let mut page = app
        .db
        .read(move |conn| {
            let session = expect_mine(conn, &staff, number)?;
            draft_page(conn, staff, session, Some(&texts), false, now)
        })
        .await?;
    if !page.is_fit() {
        // Each sentence says what is wrong with it.
        let what = if publishes { "还不能公示" } else { "没有保存" };
        problems = Problems::from_error(Error::invalid(
            "text",
            format!("{what}：下面有的话里写了不能公开的内容，请按提示改写。"),
        ))?
        .1;
    }
    page.problems = problems;
    let status = if status == StatusCode::CONFLICT && !page.is_fit() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        status
    };
    page::show_with(status, &page)
}
