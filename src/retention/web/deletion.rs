//! Deleting a household: what goes and what stays is shown first; one person proposes it, another confirms.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Moment, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::household::{self, Household};
use crate::retention::deletion::{self, Basis, Decide, Deletion, Obstacle, Propose, State as Stand};
use crate::retention::fate::{Fate, Line};
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "retention/deletion.html")]
struct DeletionPage {
    shell: Shell,
    done: String,
    problems: Problems,
    household: Household,
    obstacles: Vec<Obstacle>,
    lines: Vec<(&'static Line, i64)>,
    has_namesake: bool,
    latest: Option<Deletion>,
    proposed_by: String,
    decided_by: String,
    /// Why the visitor may not confirm; `None` when the visitor may.
    not_mine: Option<&'static str>,
    /// Reasons that hold for this household.
    bases: Vec<Basis>,
    ledger_years: u32,
    key: Id<Deletion>,
    code: String,
}

impl DeletionPage {
    fn stand(&self) -> Option<Stand> {
        self.latest.as_ref().map(|one| one.state)
    }

    /// Rows that change: what it is, how many.
    fn going(&self) -> Vec<(&'static str, &'static str, i64)> {
        let told = self.lines.iter().filter_map(|(line, count)| {
            let fate = match line.fate {
                Fate::Gone => "删掉",
                Fate::Overwritten(_) | Fate::OverwrittenInTheBooks(_) => "改成“已删除”",
                Fate::Kept(_) => return None,
            };
            (*count > 0).then_some((line.what, fate, *count))
        });
        told.collect()
    }

    /// Rows that stay: what it is, why, how many.
    fn staying(&self) -> Vec<(&'static str, &'static str, i64)> {
        let told = self.lines.iter().filter_map(|(line, count)| match line.fate {
            Fate::Kept(why) if *count > 0 => Some((line.what, why, *count)),
            _ => None,
        });
        told.collect()
    }
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /households/{code}/deletion`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn deletion(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let mut page = load(&app, staff, code).await?;
    page.done = done.done;
    page::show(&page)
}

async fn load(app: &App, staff: Staff, code: String) -> Result<DeletionPage> {
    let (now, years) = (app.now(), app.ledger_years());
    app.db
        .read(move |conn| {
            let household = within(conn, &staff, &code)?;
            the_page(conn, staff, household, years, now)
        })
        .await
}

fn within(conn: &mut Conn, staff: &Staff, code: &str) -> Result<Household> {
    let household = household::by_code(conn, code)?;
    staff.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
    Ok(household)
}

fn the_page(
    conn: &mut Conn,
    staff: Staff,
    household: Household,
    ledger_years: u32,
    now: Moment,
) -> Result<DeletionPage> {
    let today = day_of(now);
    let latest = deletion::latest(conn, &household.id)?;
    let people: Vec<_> = latest
        .iter()
        .flat_map(|one| [Some(one.proposed_by.clone()), one.decided_by.clone()])
        .flatten()
        .collect();
    let names = user::display_names(conn, &people)?;
    let name = |id: Option<&Id<user::User>>| id.and_then(|id| names.get(id)).cloned().unwrap_or_default();
    let mut bases = vec![Basis::OnPaper];
    if deletion::is_requested(conn, &household.id)? {
        bases.insert(0, Basis::Requested);
    }
    if deletion::is_time_over(conn, &household.id, ledger_years, today)? {
        bases.push(Basis::TimeOver);
    }
    Ok(DeletionPage {
        done: String::new(),
        problems: Problems::default(),
        obstacles: match household.is_deleted() {
            true => Vec::new(),
            false => deletion::obstacles(conn, &household.id, today)?,
        },
        lines: deletion::preview(conn, &household.id)?,
        has_namesake: !household.is_deleted() && deletion::has_namesake(conn, &household)?,
        proposed_by: name(latest.as_ref().map(|one| &one.proposed_by)),
        decided_by: name(latest.as_ref().and_then(|one| one.decided_by.as_ref())),
        not_mine: match &latest {
            Some(one) if one.proposed_by == staff.user.id => Some("您提出的删除，由另一人确认。"),
            _ => None,
        },
        key: Id::new(now),
        code: String::new(),
        shell: staff.shell,
        household,
        latest,
        bases,
        ledger_years,
    })
}

/// Why a household is to be deleted, as the form sends it.
#[derive(Clone, Deserialize)]
pub struct Proposed {
    #[serde(default)]
    key: String,
    #[serde(default)]
    basis: String,
}

/// `POST /households/{code}/deletion`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong in the form is shown on the page.
pub async fn propose(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    SignedForm(form): SignedForm<Proposed>,
) -> Result<Response> {
    let (now, ledger_years) = (app.now(), app.ledger_years());
    let (by, of) = (staff.clone(), code.clone());
    let proposed = app
        .db
        .write(move |conn| {
            let household = within(conn, &by, &of)?;
            let basis = Basis::from_word(&form.basis).ok_or_else(|| Error::invalid("basis", "请选为什么删除。"))?;
            let asked = Propose {
                household: household.id,
                basis,
                by: by.user,
                key: form.key,
                ledger_years,
            };
            deletion::propose(conn, &asked, now)
        })
        .await;
    match proposed {
        Ok(_) => Ok(page::go(&format!("/households/{code}/deletion?done=proposed"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            again(&app, staff, code, status, problems, String::new()).await
        }
    }
}

/// A decision, as the form sends it.
#[derive(Clone, Deserialize)]
pub struct Decided {
    #[serde(default)]
    key: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    code: String,
}

/// `POST /households/{code}/deletion/decision`: confirmed, it is done at once and for good.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong in the form is shown on the page.
pub async fn decide(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    SignedForm(form): SignedForm<Decided>,
) -> Result<Response> {
    match try_decide(&app, staff.clone(), code.clone(), form.clone()).await {
        Ok(decided) => {
            let done = match decided.state {
                Stand::Done => "deleted",
                Stand::Proposed | Stand::Refused => "refused",
            };
            Ok(page::go(&format!("/households/{code}/deletion?done={done}")))
        }
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            again(&app, staff, code, status, problems, form.code).await
        }
    }
}

async fn try_decide(app: &App, staff: Staff, code: String, form: Decided) -> Result<Deletion> {
    let confirmed = match form.decision.as_str() {
        "confirmed" => true,
        "refused" => false,
        _ => return Err(Error::invalid("decision", "请选择确认删除还是不予删除。")),
    };
    let (now, files) = (app.now(), app.files.clone());
    app.db
        .write(move |conn| {
            let household = within(conn, &staff, &code)?;
            let proposed = deletion::latest(conn, &household.id)?.ok_or(Error::NotFound)?;
            let asked = Decide {
                deletion: proposed.id,
                confirmed,
                code: form.code,
                by: staff.user,
                key: form.key,
            };
            deletion::decide(conn, &files, &asked, now)
        })
        .await
}

async fn again(
    app: &App,
    staff: Staff,
    household: String,
    status: StatusCode,
    problems: Problems,
    code: String,
) -> Result<Response> {
    let mut page = load(app, staff, household).await?;
    page.problems = problems;
    page.code = code;
    page::show_with(status, &page)
}
