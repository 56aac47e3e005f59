//! The staff's pages of objections: the register, taking one in for somebody, and deciding one.
//!
//! Who objects and in which words is shown to those alone who may decide it and had no part in the row.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::object::{Done, running_row};
use super::redress::{CHANNELS, PublicRow, Step, channel_sent, household_for, slip_of, spaced, story, within};
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Moment};
use crate::council::nomination::{self, Nomination};
use crate::council::objection::{self, Channel, Decide, File, Objection, State as Stand};
use crate::council::{deadline, notice};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::{notice as title_notice, objection as about_titles};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::Household;
use crate::scheme::item::{self, Item};
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "council/objections.html")]
struct ObjectionsPage {
    shell: Shell,
    rows: Vec<Row>,
    may_take: bool,
}

struct Row {
    receipt: String,
    number: String,
    slip: String,
    household: String,
    item: String,
    channel: &'static str,
    filed_on: String,
    objection: Objection,
    left: String,
}

impl ObjectionsPage {
    fn open(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| row.objection.state == Stand::Open)
            .count()
    }
}

/// Objections that the register shows.
const SHOWN: i64 = 200;

/// `GET /objections`
///
/// # Errors
/// Only when the database fails.
pub async fn objections(State(app): State<App>, staff: Staff) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let inside = within(conn, &staff, Permission::ReadCouncil)?;
            let found = objection::list(conn, inside.as_deref(), SHOWN)?;
            let mut rows = Vec::with_capacity(found.len());
            for (objection, nomination) in found {
                rows.push(row(conn, objection, &nomination, now)?);
            }
            Ok(ObjectionsPage {
                may_take: staff.duties.permit(Permission::TakeObjection),
                shell: staff.shell,
                rows,
            })
        })
        .await?;
    page::show(&page)
}

fn row(conn: &mut Conn, objection: Objection, nomination: &Nomination, now: Moment) -> Result<Row> {
    let slip = slip_of(conn, nomination)?;
    let public = PublicRow::of(conn, nomination, slip)?;
    Ok(Row {
        number: spaced(&objection.receipt),
        receipt: objection.receipt.clone(),
        slip: public.slip,
        household: public.who,
        item: public.what,
        channel: objection.channel.label(),
        filed_on: clock::spoken_day(clock::day_of(objection.filed_at)),
        left: deadline::left(now, objection.decide_by),
        objection,
    })
}

#[derive(Template)]
#[template(path = "council/objection_take.html")]
struct TakePage {
    shell: Shell,
    problems: Problems,
    row: Option<PublicRow>,
    /// The row of a title's notice, when the number is of such a one.
    title: Option<title_notice::Row>,
    until: String,
    key: Id<Objection>,
    form: Taken,
}

/// An objection that the staff write down for somebody.
#[derive(Clone, Default, Deserialize)]
pub struct Taken {
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
    #[serde(default)]
    channel: String,
}

/// `GET /objections/take`
///
/// # Errors
/// Only when the database fails.
pub async fn take_objection_form(State(app): State<App>, staff: Staff, Query(form): Query<Taken>) -> Result<Response> {
    page::show(&take_page(&app, staff.shell, Problems::default(), form).await?)
}

async fn take_page(app: &App, shell: Shell, problems: Problems, form: Taken) -> Result<TakePage> {
    let (now, slip) = (app.now(), form.slip.clone());
    let (row, title, until) = app
        .db
        .read(move |conn| {
            if !title_notice::is_slip(&slip) {
                return running_row(conn, &slip, now).map(|(row, until)| (row, None, until));
            }
            Ok(match title_notice::running_row(conn, &slip, now)? {
                Some((row, until)) => (None, Some(row), clock::spoken_day(until)),
                None => (None, None, String::new()),
            })
        })
        .await?;
    Ok(TakePage {
        shell,
        problems,
        row,
        title,
        until,
        key: Id::new(now),
        form,
    })
}

/// `POST /objections/take`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn take_objection(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<Taken>,
) -> Result<Response> {
    match try_take(&app, &staff, form.clone()).await {
        Ok(receipt) => Ok(page::go(&receipt)),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &take_page(&app, staff.shell, problems, form).await?)
        }
    }
}

/// Answers where the receipt is.
async fn try_take(app: &App, staff: &Staff, form: Taken) -> Result<String> {
    let channel = channel_sent(&form.channel)?;
    if title_notice::is_slip(&form.slip) {
        return try_take_of_title(app, staff, form, channel).await;
    }
    let asked = File {
        slip: form.slip,
        reason: form.reason,
        name: form.name,
        contact: form.contact,
        channel,
        taken_by: Some(staff.user.id.clone()),
        key: form.key,
    };
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            // Anyone may object to any row; but a row elsewhere is taken in elsewhere.
            let (_, row) = notice::row(conn, &asked.slip)?;
            household_for(conn, &staff, Permission::TakeObjection, &row.household_id)?;
            let filed = objection::file(conn, &asked, now)?;
            Ok(format!("/objections/{}?done=filed", filed.receipt))
        })
        .await
}

async fn try_take_of_title(app: &App, staff: &Staff, form: Taken, channel: Channel) -> Result<String> {
    let asked = about_titles::File {
        slip: form.slip,
        reason: form.reason,
        name: form.name,
        contact: form.contact,
        channel,
        taken_by: Some(staff.user.id.clone()),
        key: form.key,
    };
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let (_, _, award) = title_notice::row(conn, &asked.slip)?;
            household_for(conn, &staff, Permission::TakeObjection, &award.household_id)?;
            let filed = about_titles::file(conn, &asked, now)?;
            Ok(format!("/title-objections/{}", filed.receipt))
        })
        .await
}

#[derive(Template)]
#[template(path = "council/objection.html")]
struct ObjectionPage {
    shell: Shell,
    done: String,
    problems: Problems,
    objection: Objection,
    number: String,
    slip: String,
    left: String,
    last_day: String,
    nomination: Nomination,
    household: Household,
    address: String,
    item: Item,
    steps: Vec<Step>,
    decided_by: String,
    taken_by: String,
    /// May the visitor read who objects and in which words?
    decides: bool,
    /// Why the visitor may not decide it; `None` when the visitor may.
    not_mine: Option<String>,
    key: Id<Decide>,
    reason: String,
    programme: String,
    others_open: usize,
}

impl ObjectionPage {
    fn is_open(&self) -> bool {
        self.objection.state == Stand::Open
    }

    fn filed_at(&self) -> String {
        clock::spoken(self.objection.filed_at)
    }

    fn decided_at(&self) -> String {
        self.objection.decided_at.map(clock::spoken).unwrap_or_default()
    }

    fn occurred_on(&self) -> String {
        clock::spoken_day(self.nomination.occurred_on)
    }
}

/// `GET /objections/{receipt}/decision`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn objection(
    State(app): State<App>,
    staff: Staff,
    Path(receipt): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let now = app.now();
    let mut page = app
        .db
        .read(move |conn| objection_page(conn, staff, &receipt, now))
        .await?;
    page.done = done.done;
    page::show(&page)
}

fn objection_page(conn: &mut Conn, staff: Staff, receipt: &str, now: Moment) -> Result<ObjectionPage> {
    let objection = objection::by_receipt(conn, receipt)?;
    let nomination = nomination::by_id(conn, &objection.nomination_id)?;
    let household = household_for(conn, &staff, Permission::ReadCouncil, &nomination.household_id)?;
    let tree = Tree::load(conn)?;
    let reach = staff.duties.reach(Permission::DecideObjection, &tree);
    let part = objection::part_in(conn, &nomination, &staff.user)?;
    let not_mine = match part {
        _ if !reach.covers(&household.building_id) => {
            Some("处理异议是评议会成员和项目管理员的职责，这里只看办理情况。".to_owned())
        }
        Some(part) => Some(format!("您是{}，按回避规定由别人处理。", part.label())),
        None => None,
    };
    let people: Vec<_> = objection
        .decided_by
        .iter()
        .chain(&objection.taken_by)
        .cloned()
        .collect();
    let names = user::display_names(conn, &people)?;
    let name = |id: &Option<Id<user::User>>| id.as_ref().and_then(|id| names.get(id)).cloned();
    let all = objection::of_nomination(conn, &nomination.id)?;
    let others = all
        .iter()
        .filter(|one| one.state == Stand::Open && one.id != objection.id);
    let (item, _) = item::by_id(conn, &nomination.scoring_item_id)?;
    Ok(ObjectionPage {
        done: String::new(),
        problems: Problems::default(),
        number: spaced(&objection.receipt),
        slip: slip_of(conn, &nomination)?,
        left: deadline::left(now, objection.decide_by),
        last_day: clock::spoken_day(deadline::last_day(objection.decide_by)),
        address: household.address(&tree),
        steps: story(conn, &nomination)?,
        decided_by: name(&objection.decided_by).unwrap_or_else(|| "到期自动办理".to_owned()),
        taken_by: name(&objection.taken_by).unwrap_or_default(),
        decides: not_mine.is_none(),
        not_mine,
        key: Id::new(now),
        reason: String::new(),
        programme: staff.shell.programme.clone(),
        others_open: others.count(),
        shell: staff.shell,
        objection,
        nomination,
        household,
        item,
    })
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

/// `POST /objections/{receipt}/decision`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong in the form is shown in it.
pub async fn decide_objection(
    State(app): State<App>,
    staff: Staff,
    Path(receipt): Path<String>,
    SignedForm(form): SignedForm<Decided>,
) -> Result<Response> {
    match try_decide(&app, &staff, receipt.clone(), form.clone()).await {
        Ok(objection) => Ok(page::go(&format!(
            "/objections/{}/decision?done=decided",
            objection.receipt
        ))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let mut page = app
                .db
                .read(move |conn| objection_page(conn, staff, &receipt, now))
                .await?;
            page.problems = problems;
            page.reason = form.reason;
            page::show_with(status, &page)
        }
    }
}

async fn try_decide(app: &App, staff: &Staff, receipt: String, form: Decided) -> Result<Objection> {
    let upheld = match form.decision.as_str() {
        "upheld" => true,
        "dismissed" => false,
        _ => return Err(Error::invalid("decision", "请选择异议成立还是不成立。")),
    };
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let objection = objection::by_receipt(conn, &receipt)?;
            let row = nomination::by_id(conn, &objection.nomination_id)?;
            household_for(conn, &staff, Permission::DecideObjection, &row.household_id)?;
            let asked = Decide {
                objection: objection.id,
                upheld,
                reason: form.reason,
                by: staff.user,
                key: form.key,
            };
            objection::decide(conn, &asked, now)
        })
        .await
}

impl TakePage {
    fn channels(&self) -> [Channel; 3] {
        CHANNELS
    }
}

/// The badge of a state; a template hands in a reference.
fn objection_badge(state: &Stand) -> &'static str {
    match state {
        Stand::Open => "badge warn",
        Stand::Upheld => "badge bad",
        Stand::Dismissed => "badge ok",
    }
}
