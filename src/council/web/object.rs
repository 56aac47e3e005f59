//! The public pages of an objection: anyone says what is not right, without an account, and asks later how it stands.
//!
//! Large type, plain words, one box that must be filled in. The receipt shows where the objection stands and nothing about
//! anybody; what was decided and why is on the letter, which the office prints.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::redress::{PublicRow, slip_of, spaced};
use crate::app::{App, Sender, Visitor};
use crate::clock::{self, Moment};
use crate::council::nomination;
use crate::council::objection::{self, Channel, File, Objection, State as Stand};
use crate::council::{appeal, deadline, notice, receipt};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::{appeal as title_appeal, objection as about_titles};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::sent::{OpenForm, Path, Query};

#[derive(Template)]
#[template(path = "council/object.html")]
struct ObjectPage {
    shell: Shell,
    problems: Problems,
    row: Option<PublicRow>,
    /// Until when one can object.
    until: String,
    key: Id<Objection>,
    form: NewObjection,
    office: String,
    phone: String,
}

/// An objection, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewObjection {
    #[serde(default)]
    key: String,
    #[serde(default)]
    slip: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    contact: String,
}

/// Which row.
#[derive(Deserialize)]
pub struct About {
    #[serde(default)]
    slip: String,
}

/// `GET /objections/new`
///
/// # Errors
/// Only when the database fails.
pub async fn object_form(State(app): State<App>, visitor: Visitor, Query(about): Query<About>) -> Result<Response> {
    let form = NewObjection {
        slip: about.slip,
        ..NewObjection::default()
    };
    page::show(&object_page(&app, visitor.shell, Problems::default(), form).await?)
}

async fn object_page(app: &App, shell: Shell, problems: Problems, form: NewObjection) -> Result<ObjectPage> {
    let programme = app.programme().await?;
    let (now, slip) = (app.now(), form.slip.clone());
    let (row, until) = app.db.read(move |conn| running_row(conn, &slip, now)).await?;
    Ok(ObjectPage {
        shell,
        problems,
        row,
        until,
        key: Id::new(now),
        form,
        office: programme.as_ref().map(|one| one.office.clone()).unwrap_or_default(),
        phone: programme.map(|one| one.phone).unwrap_or_default(),
    })
}

/// The row of a slip number while it is on public notice; nothing of any other.
pub(super) fn running_row(conn: &mut Conn, slip: &str, now: Moment) -> Result<(Option<PublicRow>, String)> {
    if slip.trim().is_empty() {
        return Ok((None, String::new()));
    }
    let (notice, row) = match notice::row(conn, slip) {
        Ok(found) => found,
        Err(Error::Invalid(_)) => return Ok((None, String::new())),
        Err(error) => return Err(error),
    };
    if !notice.runs_at(now) {
        return Ok((None, String::new()));
    }
    let until = clock::spoken_day(deadline::last_day(notice.ends_at));
    let slip = row.notice_slip(&notice);
    Ok((Some(PublicRow::of(conn, &row, slip)?), until))
}

/// `POST /objections`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn object(
    State(app): State<App>,
    visitor: Visitor,
    sender: Sender,
    OpenForm(form): OpenForm<NewObjection>,
) -> Result<Response> {
    match try_object(&app, sender, form.clone()).await {
        Ok(objection) => Ok(page::go(&format!("/objections/{}?done=filed", objection.receipt))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &object_page(&app, visitor.shell, problems, form).await?)
        }
    }
}

async fn try_object(app: &App, sender: Sender, form: NewObjection) -> Result<Objection> {
    if form.slip.trim().is_empty() {
        return Err(Error::invalid("slip", "请填写条目编号。编号印在公示上，像“12-3”。"));
    }
    if form.reason.trim().is_empty() {
        return Err(Error::invalid("reason", "请写明哪里不对，500个字以内。"));
    }
    app.expect_few_filings(sender)?;
    let asked = File {
        slip: form.slip,
        reason: form.reason,
        name: form.name,
        contact: form.contact,
        channel: Channel::Web,
        taken_by: None,
        key: form.key,
    };
    let now = app.now();
    app.db.write(move |conn| objection::file(conn, &asked, now)).await
}

#[derive(Template)]
#[template(path = "council/objection_receipt.html")]
struct ReceiptPage {
    shell: Shell,
    is_new: bool,
    receipt: String,
    slip: String,
    objection: Objection,
    left: String,
    last_day: String,
    posted: bool,
    office: String,
    phone: String,
}

impl ReceiptPage {
    fn filed_at(&self) -> String {
        clock::spoken(self.objection.filed_at)
    }

    fn decided_at(&self) -> String {
        self.objection.decided_at.map(clock::spoken).unwrap_or_default()
    }

    fn is_open(&self) -> bool {
        self.objection.state == Stand::Open
    }

    fn is_upheld(&self) -> bool {
        self.objection.state == Stand::Upheld
    }
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    pub(super) done: String,
}

/// `GET /objections/{receipt}`: to whoever has the receipt, where the objection stands, and nothing about anybody.
///
/// # Errors
/// `NotFound`; `Forbidden` for whoever tries many numbers.
pub async fn objection_receipt(
    State(app): State<App>,
    visitor: Visitor,
    sender: Sender,
    Path(receipt): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    app.expect_few_look_ups(&visitor, sender)?;
    let programme = app.programme().await?;
    let now = app.now();
    let (objection, slip, posted) = app
        .db
        .read(move |conn| {
            let objection = objection::by_receipt(conn, &receipt)?;
            let row = nomination::by_id(conn, &objection.nomination_id)?;
            let slip = slip_of(conn, &row)?;
            Ok((objection, slip, row.transaction_number.is_some()))
        })
        .await?;
    page::show(&ReceiptPage {
        shell: visitor.shell,
        is_new: done.done == "filed",
        receipt: spaced(&objection.receipt),
        slip,
        left: deadline::left(now, objection.decide_by),
        last_day: clock::spoken_day(deadline::last_day(objection.decide_by)),
        posted,
        objection,
        office: programme.as_ref().map(|one| one.office.clone()).unwrap_or_default(),
        phone: programme.map(|one| one.phone).unwrap_or_default(),
    })
}

#[derive(Template)]
#[template(path = "council/receipts.html")]
struct ReceiptsPage {
    shell: Shell,
    problems: Problems,
    number: String,
}

/// Which receipt.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    number: String,
}

/// `GET /receipts`: type the number on the slip, see how it stands.
///
/// # Errors
/// Only when the database fails.
pub async fn receipts(
    State(app): State<App>,
    visitor: Visitor,
    sender: Sender,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let mut problems = Problems::default();
    let mut status = axum::http::StatusCode::OK;
    if !wanted.number.trim().is_empty() {
        app.expect_few_look_ups(&visitor, sender)?;
        let typed = wanted.number.clone();
        let found = app.db.read(move |conn| address_of(conn, &typed)).await?;
        if let Some(path) = found {
            return Ok(page::go(&path));
        }
        let unknown = Error::invalid("number", "没有这个回执号。请对照回执再看一遍，一共十位数字。");
        (status, problems) = Problems::from_error(unknown)?;
    }
    page::show_with(
        status,
        &ReceiptsPage {
            shell: visitor.shell,
            problems,
            number: wanted.number,
        },
    )
}

fn address_of(conn: &mut Conn, typed: &str) -> Result<Option<String>> {
    let Some(number) = receipt::typed(typed) else {
        return Ok(None);
    };
    match objection::by_receipt(conn, &number) {
        Ok(_) => return Ok(Some(format!("/objections/{number}"))),
        Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    match appeal::by_receipt(conn, &number) {
        Ok(_) => return Ok(Some(format!("/appeals/{number}"))),
        Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    match about_titles::by_receipt(conn, &number) {
        Ok(_) => return Ok(Some(format!("/title-objections/{number}"))),
        Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    match title_appeal::by_receipt(conn, &number) {
        Ok(_) => Ok(Some(format!("/title-appeals/{number}"))),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
