//! Pages of corrections: the register, proposing one, confirming it, and the slip that tells the household.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::badge;
use super::object::Done;
use super::redress::{Step, household_for, slip_of, story, within};
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Moment};
use crate::council::appeal::matter;
use crate::council::correction::{self, Correction, Decide, Propose, State as Stand};
use crate::council::nomination::{self, Nomination};
use crate::council::{deadline, notice, objection};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::Household;
use crate::points::Points;
use crate::scheme::item::{self, Item};
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "council/corrections.html")]
struct CorrectionsPage {
    shell: Shell,
    rows: Vec<Row>,
    may_propose: bool,
}

struct Row {
    correction: Correction,
    household: String,
    item: String,
    points: Points,
    proposed_on: String,
}

/// Corrections that the register shows.
const SHOWN: i64 = 200;

/// `GET /corrections`
///
/// # Errors
/// Only when the database fails.
pub async fn corrections(State(app): State<App>, staff: Staff) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let inside = within(conn, &staff, Permission::ReadCouncil)?;
            let mut rows = Vec::new();
            for (correction, row) in correction::list(conn, inside.as_deref(), SHOWN)? {
                let household = household_for(conn, &staff, Permission::ReadCouncil, &row.household_id)?;
                let (item, _) = item::by_id(conn, &row.scoring_item_id)?;
                rows.push(Row {
                    household: format!("{}户 {}", household.head_name, household.code),
                    item: format!("{} {}", item.code, item.name),
                    points: row.points,
                    proposed_on: clock::spoken_day(clock::day_of(correction.proposed_at)),
                    correction,
                });
            }
            Ok(CorrectionsPage {
                may_propose: staff.duties.permit(Permission::DecideObjection),
                shell: staff.shell,
                rows,
            })
        })
        .await?;
    page::show(&page)
}

#[derive(Template)]
#[template(path = "council/correction_new.html")]
struct ProposePage {
    shell: Shell,
    problems: Problems,
    found: Option<Found>,
    form: Proposed,
    key: Id<Correction>,
}

struct Found {
    nomination: Nomination,
    household: Household,
    item: Item,
    slip: String,
}

/// A proposal, as the form sends it; or the slip number of the award to look for.
#[derive(Clone, Default, Deserialize)]
pub struct Proposed {
    #[serde(default)]
    key: String,
    #[serde(default)]
    slip: String,
    #[serde(default)]
    nomination: String,
    #[serde(default)]
    reason: String,
}

/// `GET /corrections/new`
///
/// # Errors
/// Only when the database fails.
pub async fn correction_form(State(app): State<App>, staff: Staff, Query(form): Query<Proposed>) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| propose_page(conn, staff, Problems::default(), form, now))
        .await?;
    page::show(&page)
}

fn propose_page(
    conn: &mut Conn,
    staff: Staff,
    mut problems: Problems,
    form: Proposed,
    now: Moment,
) -> Result<ProposePage> {
    let found = match award_named(conn, &staff, &form) {
        Ok(found) => found,
        Err(error) => {
            let (_, why) = Problems::from_error(error)?;
            if problems.is_empty() {
                problems = why;
            }
            None
        }
    };
    Ok(ProposePage {
        shell: staff.shell,
        problems,
        found,
        form,
        key: Id::new(now),
    })
}

/// The award that the form names, by its id or by the slip number of its row.
fn award_named(conn: &mut Conn, staff: &Staff, form: &Proposed) -> Result<Option<Found>> {
    let unknown = || Error::invalid("slip", "没有找到这一条，或不在您的片区，请核对。");
    let row = match (form.nomination.trim(), form.slip.trim()) {
        ("", "") => return Ok(None),
        ("", slip) => notice::row(conn, slip)?.1,
        (id, _) => nomination::by_id(conn, &Id::known(id)).map_err(|error| match error {
            Error::NotFound => unknown(),
            other => other,
        })?,
    };
    let household =
        household_for(conn, staff, Permission::DecideObjection, &row.household_id).map_err(|error| match error {
            Error::NotFound => unknown(),
            other => other,
        })?;
    let (item, _) = item::by_id(conn, &row.scoring_item_id)?;
    let slip = slip_of(conn, &row)?;
    Ok(Some(Found {
        nomination: row,
        household,
        item,
        slip,
    }))
}

/// `POST /corrections`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn propose_correction(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<Proposed>,
) -> Result<Response> {
    let now = app.now();
    let (sent, by) = (form.clone(), staff.clone());
    let proposed = app
        .db
        .write(move |conn| {
            let found = award_named(conn, &by, &sent)?;
            let found = found.ok_or_else(|| Error::invalid("slip", "请先填写公示条目编号，找到要更正的那一条。"))?;
            let asked = Propose {
                nomination: found.nomination.id,
                reason: sent.reason,
                by: by.user,
                key: sent.key,
            };
            correction::propose(conn, &asked, now)
        })
        .await;
    match proposed {
        Ok(correction) => Ok(page::go(&format!("/corrections/{}?done=proposed", correction.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let page = app
                .db
                .read(move |conn| propose_page(conn, staff, problems, form, now))
                .await?;
            page::show_with(status, &page)
        }
    }
}

#[derive(Template)]
#[template(path = "council/correction.html")]
struct CorrectionPage {
    shell: Shell,
    done: String,
    problems: Problems,
    correction: Correction,
    nomination: Nomination,
    household: Household,
    address: String,
    item: Item,
    slip: String,
    steps: Vec<Step>,
    proposed_by: String,
    decided_by: String,
    /// Until when the household may appeal.
    appeal_until: String,
    /// Why the visitor may not decide it; `None` when the visitor may.
    not_mine: Option<String>,
    key: Id<Decide>,
    reason: String,
}

impl CorrectionPage {
    fn is_open(&self) -> bool {
        self.correction.state == Stand::Proposed
    }

    fn is_confirmed(&self) -> bool {
        self.correction.state == Stand::Confirmed
    }

    fn proposed_at(&self) -> String {
        clock::spoken(self.correction.proposed_at)
    }

    fn decided_at(&self) -> String {
        self.correction.decided_at.map(clock::spoken).unwrap_or_default()
    }

    fn occurred_on(&self) -> String {
        clock::spoken_day(self.nomination.occurred_on)
    }

    fn written_off(&self) -> Points {
        self.correction.written_off.unwrap_or_default()
    }
}

/// `GET /corrections/{id}`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn correction(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let now = app.now();
    let mut page = app
        .db
        .read(move |conn| correction_page(conn, staff, &Id::known(id), now))
        .await?;
    page.done = done.done;
    page::show(&page)
}

fn correction_page(conn: &mut Conn, staff: Staff, id: &Id<Correction>, now: Moment) -> Result<CorrectionPage> {
    let correction = correction::by_id(conn, id)?;
    let row = nomination::by_id(conn, &correction.nomination_id)?;
    let household = household_for(conn, &staff, Permission::ReadCouncil, &row.household_id)?;
    let tree = Tree::load(conn)?;
    let reach = staff.duties.reach(Permission::DecideObjection, &tree);
    let part = objection::part_in(conn, &row, &staff.user)?;
    let not_mine = match part {
        _ if !reach.covers(&household.building_id) => {
            Some("更正由评议会成员和项目管理员两人办理，这里只看办理情况。".to_owned())
        }
        Some(part) => Some(format!("您是{}，按回避规定由别人确认。", part.label())),
        None if correction.proposed_by == staff.user.id => Some("您提出的更正，由另一人确认。".to_owned()),
        None => None,
    };
    let people: Vec<_> = [Some(correction.proposed_by.clone()), correction.decided_by.clone()]
        .into_iter()
        .flatten()
        .collect();
    let names = user::display_names(conn, &people)?;
    let appeal_until = match correction.state {
        Stand::Confirmed => match matter::of_nomination(conn, row.clone()) {
            Ok(matter) => clock::spoken_day(deadline::last_day(matter.until)),
            Err(Error::Refused(_)) => String::new(),
            Err(error) => return Err(error),
        },
        Stand::Proposed | Stand::Refused => String::new(),
    };
    let (item, _) = item::by_id(conn, &row.scoring_item_id)?;
    Ok(CorrectionPage {
        done: String::new(),
        problems: Problems::default(),
        address: household.address(&tree),
        slip: slip_of(conn, &row)?,
        steps: story(conn, &row)?,
        proposed_by: names.get(&correction.proposed_by).cloned().unwrap_or_default(),
        decided_by: correction
            .decided_by
            .as_ref()
            .and_then(|id| names.get(id))
            .cloned()
            .unwrap_or_default(),
        appeal_until,
        not_mine,
        key: Id::new(now),
        reason: String::new(),
        shell: staff.shell,
        correction,
        nomination: row,
        household,
        item,
    })
}

/// A decision, as the form sends it.
#[derive(Clone, Deserialize)]
pub struct Confirmed {
    #[serde(default)]
    key: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    reason: String,
}

/// `POST /corrections/{id}/decision`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong in the form is shown on the page.
pub async fn decide_correction(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Confirmed>,
) -> Result<Response> {
    let id: Id<Correction> = Id::known(id);
    match try_decide(&app, &staff, id.clone(), form.clone()).await {
        Ok(correction) => Ok(page::go(&format!("/corrections/{}?done=decided", correction.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let mut page = app.db.read(move |conn| correction_page(conn, staff, &id, now)).await?;
            page.problems = problems;
            page.reason = form.reason;
            page::show_with(status, &page)
        }
    }
}

async fn try_decide(app: &App, staff: &Staff, id: Id<Correction>, form: Confirmed) -> Result<Correction> {
    let confirmed = match form.decision.as_str() {
        "confirmed" => true,
        "refused" => false,
        _ => return Err(Error::invalid("decision", "请选择确认更正还是不予更正。")),
    };
    let (now, staff) = (app.now(), staff.clone());
    let decided = app
        .db
        .write(move |conn| {
            let correction = correction::by_id(conn, &id)?;
            let row = nomination::by_id(conn, &correction.nomination_id)?;
            household_for(conn, &staff, Permission::DecideObjection, &row.household_id)?;
            let asked = Decide {
                correction: id,
                confirmed,
                reason: form.reason,
                by: staff.user,
                key: form.key,
            };
            correction::decide(conn, &asked, now)
        })
        .await;
    if let Err(refused) = &decided {
        app.ask_back(refused).await?;
    }
    decided
}

/// The badge of a state; a template hands in a reference.
fn correction_badge(state: &Stand) -> &'static str {
    match state {
        Stand::Proposed => "badge warn",
        Stand::Confirmed => "badge bad",
        Stand::Refused => "badge",
    }
}
