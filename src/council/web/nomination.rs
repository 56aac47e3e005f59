//! The page of a nomination: how its points came about, under which rule, and the form that verifies it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::evidence::may_add;
use super::nominate::{Alike, alike as alike_of};
use super::{badge, is_nominator, is_own};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, Moment};
use crate::council::confirmation;
use crate::council::evidence::{self, Evidence};
use crate::council::forecast;
use crate::council::nomination::{self, Decision, Nomination, Nominator, State as Stand, Verify};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::photo;
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::scheme::item::{Category, Item};
use crate::sent::{Path, Query, SignedForm};
use crate::statements::trace::{self, Step, Trace};

#[derive(Template)]
#[template(path = "council/nomination.html")]
struct NominationPage {
    shell: Shell,
    done: String,
    problems: Problems,
    nomination: Nomination,
    household: Household,
    address: String,
    item: Item,
    category: Category,
    scheme: String,
    /// The whole way, from nomination to posting.
    steps: Vec<Step>,
    slip: Option<String>,
    may_read_council: bool,
    /// Why the visitor may not verify it; `None` when the visitor may.
    not_mine: Option<&'static str>,
    evidence: Vec<Evidence>,
    /// What looks like the same deed, for who verifies.
    alike: Vec<Alike>,
    may_withdraw: bool,
    may_add_photos: bool,
    /// May this person put a photograph beside it on the board?
    may_picture: bool,
    /// The key of the form that verifies.
    key: Id<Verify>,
    reason: String,
}

impl NominationPage {
    fn most_photos(&self) -> usize {
        evidence::MOST
    }

    fn is_submitted(&self) -> bool {
        self.nomination.state == Stand::Submitted
    }

    fn occurred_on(&self) -> String {
        clock::spoken_day(self.nomination.occurred_on)
    }

    /// What was done just before this page, told once.
    fn told(&self) -> Option<String> {
        let nomination = &self.nomination;
        match (self.done.as_str(), nomination.transaction_number) {
            ("nominated", _) if self.is_submitted() => Some("已申报，等别人核实，再由评议会评议、公示。".to_owned()),
            ("verified", None) if !self.is_submitted() => Some("核实通过，等评议会评议。".to_owned()),
            ("withdrawn", _) if nomination.state == Stand::Withdrawn => Some("已撤回，不再核实。".to_owned()),
            ("photo", _) => Some("照片已收下，只有工作人员看得到。".to_owned()),
            ("returned", None) if !self.is_submitted() => Some("已退回，原因会显示给申报人。".to_owned()),
            _ => None,
        }
    }
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
    /// Why a photograph that came with the nomination was not taken.
    #[serde(default)]
    photo: String,
}

/// `GET /nominations/{id}`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn nomination(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let now = app.now();
    let mut page = app
        .db
        .read(move |conn| nomination_page(conn, &staff, &Id::known(id), now))
        .await?;
    page.done = done.done;
    if let Some(why) = photo_refusal(&done.photo) {
        page.problems = Problems::from_error(Error::invalid("photo", why))?.1;
    }
    page::show(&page)
}

/// The nomination with what went wrong above it.
pub(super) async fn show_again(app: &App, staff: Staff, id: Id<Nomination>, error: Error) -> Result<Response> {
    let (status, problems) = Problems::from_error(error)?;
    let now = app.now();
    let mut page = app.db.read(move |conn| nomination_page(conn, &staff, &id, now)).await?;
    page.problems = problems;
    page::show_with(status, &page)
}

/// The sentence of a photograph that did not come along.
fn photo_refusal(code: &str) -> Option<String> {
    match code {
        "" => None,
        code => Some(format!(
            "申报已交上去，但有照片没收下：{}可以在下面重新加照片。",
            photo::sentence(code)
        )),
    }
}

fn nomination_page(conn: &mut Conn, staff: &Staff, id: &Id<Nomination>, now: Moment) -> Result<NominationPage> {
    let nomination = nomination::by_id(conn, id)?;
    let household = household::by_id(conn, &nomination.household_id)?;
    staff.expect_within(conn, Permission::ReadNominations, &household.building_id)?;
    let tree = Tree::load(conn)?;
    let trace = trace::of(conn, nomination, clock::day_of(now))?;
    let (steps, slip) = (trace.steps(), trace.slip());
    let Trace {
        nomination,
        item,
        category,
        scheme,
        ..
    } = trace;
    let verifies = staff
        .duties
        .reach(Permission::Verify, &tree)
        .covers(&household.building_id);
    let alike = match nomination.state {
        Stand::Submitted => {
            let rule = (&item, &category);
            let (count, day) = (nomination.count, nomination.occurred_on);
            let found = forecast::forecast(conn, &household.id, rule, count, day, Some(&nomination.id))?;
            alike_of(conn, &found)?
        }
        _ => Vec::new(),
    };
    let is_witness = confirmation::witness(conn, &nomination.id)?.as_ref() == Some(&staff.user.id);
    Ok(NominationPage {
        shell: staff.shell.clone(),
        done: String::new(),
        problems: Problems::default(),
        address: household.address(&tree),
        scheme,
        steps,
        slip,
        may_read_council: staff.duties.permit(Permission::ReadCouncil),
        not_mine: match () {
            () if nomination.nominated_by.as_ref() == Some(&staff.user.id) => Some("自己申报的，由他人核实。"),
            () if is_own(staff, &nomination, &household) => Some("这是您自己家的申报，由他人核实。"),
            () if is_witness => Some("这户的书面确认是您记下的，由他人核实。"),
            () if !verifies => Some("正在等这一片的核实人核实。"),
            () => None,
        },
        alike,
        may_withdraw: nomination.state == Stand::Submitted && is_nominator(&staff.user, &nomination),
        evidence: evidence::of_nomination(conn, &nomination.id)?,
        may_add_photos: evidence::is_open(nomination.state)
            && staff.duties.permit(Permission::AttachEvidence)
            && may_add(conn, staff, &nomination)?,
        may_picture: nomination.state == Stand::Posted
            && staff
                .duties
                .reach(Permission::KeepSession, &tree)
                .covers(&household.building_id),
        key: Id::new(now),
        reason: String::new(),
        nomination,
        household,
        item,
        category,
    })
}

/// What a form sends that says nothing more than its button.
#[derive(Deserialize)]
pub struct Nothing {}

/// `POST /nominations/{id}/withdrawal`: by whoever nominated.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn withdraw(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(Nothing {}): SignedForm<Nothing>,
) -> Result<Response> {
    let id: Id<Nomination> = Id::known(id);
    let (asked, by, now) = (id.clone(), Nominator::Staff(staff.user.id.clone()), app.now());
    match app
        .db
        .write(move |conn| nomination::withdraw(conn, &asked, &by, now))
        .await
    {
        Ok(_) => Ok(page::go(&format!("/nominations/{id}?done=withdrawn"))),
        Err(error) => show_again(&app, staff, id, error).await,
    }
}

/// A verification, as the form sends it.
#[derive(Clone, Deserialize)]
pub struct NewVerification {
    #[serde(default)]
    key: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    reason: String,
}

/// `POST /nominations/{id}/verification`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong in the form is shown in it.
pub async fn verify(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<NewVerification>,
) -> Result<Response> {
    let id: Id<Nomination> = Id::known(id);
    match try_verify(&app, &staff, &id, form.clone()).await {
        Ok(Decision::Approve) => Ok(page::go(&format!("/nominations/{id}?done=verified"))),
        Ok(Decision::Return) => Ok(page::go(&format!("/nominations/{id}?done=returned"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let mut page = app.db.read(move |conn| nomination_page(conn, &staff, &id, now)).await?;
            page.problems = problems;
            page.reason = form.reason;
            page::show_with(status, &page)
        }
    }
}

async fn try_verify(app: &App, staff: &Staff, id: &Id<Nomination>, form: NewVerification) -> Result<Decision> {
    let decision = match form.decision.as_str() {
        "approve" => Decision::Approve,
        "return" => Decision::Return,
        _ => return Err(Error::invalid("decision", "请选择核实通过或退回。")),
    };
    let (now, staff, id) = (app.now(), staff.clone(), id.clone());
    app.db
        .write(move |conn| {
            let nomination = nomination::by_id(conn, &id)?;
            let household = household::by_id(conn, &nomination.household_id)?;
            staff.expect_within(conn, Permission::Verify, &household.building_id)?;
            let asked = Verify {
                nomination: id,
                decision,
                reason: form.reason,
                by: staff.user,
                key: form.key,
            };
            nomination::verify(conn, &asked, now)
        })
        .await?;
    Ok(decision)
}
