//! Objections to titles: the public form and its receipt, and the staff's page that decides one.
//!
//! Who objects and in which words is shown to those alone who may decide it and had no part.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::Told;
use crate::access::role::Permission;
use crate::app::{App, Sender, Staff, Visitor};
use crate::clock;
use crate::council::objection::Channel;
use crate::council::{deadline, receipt};
use crate::error::{Error, Result};
use crate::honours::objection::{self, Decide, File, State as Stand, TitleObjection};
use crate::honours::{award, notice, parties};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::programme;
use crate::sent::{OpenForm, Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "honours/object.html")]
struct ObjectPage {
    shell: Shell,
    problems: Problems,
    row: Option<notice::Row>,
    until: String,
    key: Id<TitleObjection>,
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

/// `GET /title-objections/new`
///
/// # Errors
/// Only when the database fails.
pub async fn object_form(
    State(app): State<App>,
    visitor: Visitor,
    Query(form): Query<NewObjection>,
) -> Result<Response> {
    page::show(&object_page(&app, visitor.shell, Problems::default(), form).await?)
}

async fn object_page(app: &App, shell: Shell, problems: Problems, form: NewObjection) -> Result<ObjectPage> {
    let (now, slip) = (app.now(), form.slip.clone());
    let (row, until, office, phone) = app
        .db
        .read(move |conn| {
            let (row, until) = match notice::running_row(conn, &slip, now)? {
                Some((row, until)) => (Some(row), clock::spoken_day(until)),
                None => (None, String::new()),
            };
            let programme = programme::find(conn)?;
            let (office, phone) = programme.map(|one| (one.office, one.phone)).unwrap_or_default();
            Ok((row, until, office, phone))
        })
        .await?;
    Ok(ObjectPage {
        shell,
        problems,
        row,
        until,
        key: Id::new(now),
        form,
        office,
        phone,
    })
}

/// `POST /title-objections`
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
        Ok(objection) => Ok(page::go(&format!("/title-objections/{}", objection.receipt))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &object_page(&app, visitor.shell, problems, form).await?)
        }
    }
}

async fn try_object(app: &App, sender: Sender, form: NewObjection) -> Result<TitleObjection> {
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
#[template(path = "honours/receipt.html")]
struct ReceiptPage {
    shell: Shell,
    number: String,
    slip: String,
    objection: TitleObjection,
    last_day: String,
    left: String,
    office: String,
    phone: String,
}

impl ReceiptPage {
    fn filed_at(&self) -> String {
        clock::spoken(self.objection.filed_at)
    }

    fn is_upheld(&self) -> bool {
        self.objection.state == Stand::Upheld
    }

    fn has_lapsed(&self) -> bool {
        self.objection.state == Stand::Lapsed
    }
}

/// `GET /title-objections/{receipt}`: to whoever has the receipt, where the objection stands, and nothing about anybody.
///
/// # Errors
/// `NotFound`; `Forbidden` for whoever tries many numbers.
pub async fn objection_receipt(
    State(app): State<App>,
    visitor: Visitor,
    sender: Sender,
    Path(number): Path<String>,
) -> Result<Response> {
    app.expect_few_look_ups(&visitor, sender)?;
    let now = app.now();
    let (objection, slip, programme) = app
        .db
        .read(move |conn| {
            let objection = objection::by_receipt(conn, &number)?;
            let award = award::by_id(conn, &objection.award_id)?;
            Ok((objection, notice::slip_of(conn, &award)?, programme::get(conn)?))
        })
        .await?;
    page::show(&ReceiptPage {
        shell: visitor.shell,
        number: receipt::spaced(&objection.receipt),
        slip,
        last_day: clock::spoken_day(deadline::last_day(objection.decide_by)),
        left: deadline::left(now, objection.decide_by),
        objection,
        office: programme.office,
        phone: programme.phone,
    })
}

#[derive(Template)]
#[template(path = "honours/objection.html")]
struct ObjectionPage {
    shell: Shell,
    problems: Problems,
    told: Told,
    objection: TitleObjection,
    slip: String,
    last_day: String,
    left: String,
    /// Is more than half of the time gone?
    is_urgent: bool,
    /// Why this visitor does not decide; nothing for who does.
    not_mine: Option<String>,
    key: Id<TitleObjection>,
    reason: String,
}

impl ObjectionPage {
    fn filed_at(&self) -> String {
        clock::spoken(self.objection.filed_at)
    }
}

/// `GET /title-objections/{receipt}/decision`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn objection(State(app): State<App>, staff: Staff, Path(number): Path<String>) -> Result<Response> {
    page::show(&objection_page(&app, staff, number, Problems::default(), String::new()).await?)
}

async fn objection_page(
    app: &App,
    staff: Staff,
    number: String,
    problems: Problems,
    reason: String,
) -> Result<ObjectionPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let objection = objection::by_receipt(conn, &number)?;
            let award = award::by_id(conn, &objection.award_id)?;
            let told = Told::of(conn, &staff, Permission::ReadCouncil, award)?;
            let decides = staff.reach(conn, Permission::DecideObjection)?;
            let part = parties::part_for_objection(conn, &told.award, &staff.user)?;
            let not_mine = match part {
                _ if !decides.covers(&told.household.building_id) => {
                    Some("处理异议是评议会成员和项目管理员的职责，这里只看办理情况。".to_owned())
                }
                Some(part) => Some(format!("您是{}，按回避规定由别人处理。", part.label())),
                None => None,
            };
            Ok(ObjectionPage {
                problems,
                slip: notice::slip_of(conn, &told.award)?,
                last_day: clock::spoken_day(deadline::last_day(objection.decide_by)),
                left: deadline::left(now, objection.decide_by),
                is_urgent: objection.is_urgent(now),
                key: Id::new(now),
                shell: staff.shell,
                told,
                objection,
                not_mine,
                reason,
            })
        })
        .await
}

/// A decision, as the form sends it.
#[derive(Clone, Deserialize)]
pub struct Decided {
    #[serde(default)]
    key: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    reason: String,
}

/// `POST /title-objections/{receipt}/decision`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong in the form is shown in it.
pub async fn decide_objection(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    SignedForm(form): SignedForm<Decided>,
) -> Result<Response> {
    match try_decide(&app, &staff, number.clone(), form.clone()).await {
        Ok(()) => Ok(page::go(&format!("/title-objections/{number}/decision"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(
                status,
                &objection_page(&app, staff, number, problems, form.reason).await?,
            )
        }
    }
}

async fn try_decide(app: &App, staff: &Staff, number: String, form: Decided) -> Result<()> {
    let upheld = match form.decision.as_str() {
        "upheld" => true,
        "dismissed" => false,
        _ => return Err(Error::invalid("decision", "请选择异议成立还是不成立。")),
    };
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let objection = objection::by_receipt(conn, &number)?;
            let award = award::by_id(conn, &objection.award_id)?;
            Told::of(conn, &staff, Permission::DecideObjection, award)?;
            let asked = Decide {
                objection: objection.id,
                upheld,
                reason: form.reason,
                by: staff.user,
                key: form.key,
            };
            objection::decide(conn, &asked, now).map(drop)
        })
        .await
}
