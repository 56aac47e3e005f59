//! Jobs of many papers: asked for, watched, stopped, fetched file by file. Everybody sees the own jobs alone, and those of
//! today's duties.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Datelike as _;
use serde::Deserialize;

use super::table::as_pdf;
use crate::app::{App, Staff};
use crate::clock;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::papers::card::Flip;
use crate::papers::job::{self, Kind, PrintJob, PrintPart, Progress, State as Stand};
use crate::papers::order::{Asked, Order};
use crate::places::area::Tree;
use crate::sent::{Path, SignedForm};

#[derive(Template)]
#[template(path = "papers/jobs.html")]
struct JobsPage {
    shell: Shell,
    problems: Problems,
    kinds: Vec<Kind>,
    areas: Vec<(String, String)>,
    /// This year.
    year: i32,
    jobs: Vec<PrintJob>,
}

impl JobsPage {
    /// Are these among what the visitor may ask for?
    fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }
}

/// Jobs that are listed at most.
const LISTED: i64 = 20;

/// `GET /print-jobs`
///
/// # Errors
/// Only when the database fails.
pub async fn jobs(State(app): State<App>, staff: Staff) -> Result<Response> {
    show(&app, staff, StatusCode::OK, Problems::default()).await
}

async fn show(app: &App, staff: Staff, status: StatusCode, problems: Problems) -> Result<Response> {
    let by = staff.user.id.clone();
    let (areas, jobs) = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let areas = tree
                .all()
                .iter()
                .map(|area| (tree.codes(&area.id).join("-"), tree.address(&area.id)));
            let areas = areas.filter(|(code, _)| !code.is_empty()).collect();
            Ok((areas, job::of_asker(conn, by.as_str(), LISTED)?))
        })
        .await?;
    let kinds = Kind::ALL.iter().copied();
    let kinds = kinds.filter(|kind| kind.is_for(&staff.duties)).collect();
    let mine = jobs.into_iter().filter(|job: &PrintJob| job.kind.is_for(&staff.duties));
    let page = JobsPage {
        jobs: mine.collect(),
        shell: staff.shell,
        problems,
        kinds,
        areas,
        year: clock::day_of(app.now()).year(),
    };
    page::show_with(status, &page)
}

/// Asks for a job.
#[derive(Deserialize)]
pub struct NewJob {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    size: String,
    #[serde(default)]
    large: String,
    #[serde(default)]
    flip: String,
    #[serde(default)]
    year: String,
    #[serde(default)]
    quarter: String,
}

/// `POST /print-jobs`
///
/// # Errors
/// Only when the database fails; what is wrong with the form is shown with it.
pub async fn ask(State(app): State<App>, staff: Staff, SignedForm(form): SignedForm<NewJob>) -> Result<Response> {
    let kind = Kind::from_word(&form.kind).ok_or_else(|| Error::invalid("kind", "请选择要打印什么。"))?;
    if !kind.is_for(&staff.duties) {
        return Err(Error::Forbidden("您的职责不包含这种打印件。"));
    }
    let order = Order {
        asked: Asked {
            area: Some(form.area),
            size: Some(form.size).filter(|size| !size.is_empty()),
            large: form.large == "true",
            flip: Some(Flip::asked(Some(&form.flip))?.word().to_owned()),
            year: Some(form.year),
            quarter: Some(form.quarter),
            ..Asked::default()
        },
        duties: Some(staff.duties.clone()),
        now: app.now(),
    };
    match try_ask(&app, kind, order, staff.user.id.to_string()).await {
        Ok(job) => {
            app.start_job(job.id.clone());
            Ok(page::go(&format!("/print-jobs/{}", job.id)))
        }
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, staff, status, problems).await
        }
    }
}

async fn try_ask(app: &App, kind: Kind, order: Order, by: String) -> Result<PrintJob> {
    let now = order.now;
    app.expect_printable(kind).await?;
    let plan = app.db.read(move |conn| job::plan(conn, kind, order)).await?;
    app.db.write(move |conn| job::ask(conn, &plan, &by, now)).await
}

#[derive(Template)]
#[template(path = "papers/job.html")]
struct JobPage {
    shell: Shell,
    job: PrintJob,
    parts: Vec<PrintPart>,
    progress: Progress,
}

impl JobPage {
    fn is_running(&self) -> bool {
        self.job.state == Stand::Waiting
    }

    fn is_stopped(&self) -> bool {
        self.job.state == Stand::Cancelled
    }

    fn has_files(&self) -> bool {
        self.job.state != Stand::Discarded
    }

    fn links(&self, part: &PrintPart) -> bool {
        part.has_file() && self.has_files()
    }

    fn problems(&self) -> Vec<&str> {
        self.parts.iter().flat_map(|part| part.problems.lines()).collect()
    }
}

/// A job of the visitor's own, with its parts, as long as the visitor's duties are to print such.
async fn own(app: &App, staff: &Staff, id: &str) -> Result<(PrintJob, Vec<PrintPart>)> {
    let (id, by, duties) = (Id::known(id), staff.user.id.clone(), staff.duties.clone());
    app.db
        .read(move |conn| {
            let job = job::by_id(conn, &id)?;
            match job.asked_by == by.as_str() && job.kind.is_for(&duties) {
                true => Ok((job, job::parts(conn, &id)?)),
                false => Err(Error::NotFound),
            }
        })
        .await
}

/// `GET /print-jobs/{id}`
///
/// # Errors
/// `NotFound`, also for somebody else's job.
pub async fn job(State(app): State<App>, staff: Staff, Path(id): Path<String>) -> Result<Response> {
    let (job, parts) = own(&app, &staff, &id).await?;
    page::show(&JobPage {
        shell: staff.shell,
        progress: job::progress(&parts),
        job,
        parts,
    })
}

/// Stop, or go on.
#[derive(Deserialize)]
pub struct Running {
    #[serde(default)]
    running: String,
}

/// `POST /print-jobs/{id}/state`: stops a job, or lets it go on.
///
/// # Errors
/// `NotFound`, also for somebody else's job; `template_error` for papers that could not be printed.
pub async fn stop(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Running>,
) -> Result<Response> {
    let (before, _) = own(&app, &staff, &id).await?;
    let running = form.running == "true";
    if running {
        app.expect_printable(before.kind).await?;
    }
    let asked = before.id.clone();
    let job = app
        .db
        .write(move |conn| job::set_running(conn, &asked, running))
        .await?;
    if job.state == Stand::Waiting && before.state == Stand::Cancelled {
        app.start_job(job.id.clone());
    }
    Ok(page::go(&format!("/print-jobs/{}", job.id)))
}

/// `POST /print-jobs/{id}/discarding`: throws a job's files away.
///
/// # Errors
/// `NotFound`, also for somebody else's job.
pub async fn discard(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(_): SignedForm<Running>,
) -> Result<Response> {
    let (job, _) = own(&app, &staff, &id).await?;
    app.discard_job(job.id, staff.user.id.to_string()).await?;
    Ok(page::go("/print-jobs"))
}

/// `GET /print-jobs/{id}/files/{position}`
///
/// # Errors
/// `NotFound`, also for somebody else's job, and for a file that is not there yet or any more.
pub async fn file(State(app): State<App>, staff: Staff, Path((id, position)): Path<(String, i64)>) -> Result<Response> {
    let (job, parts) = own(&app, &staff, &id).await?;
    let part = parts.iter().find(|part| part.position == position && part.has_file());
    let file = app.job_folder(&job.id).join(part.ok_or(Error::NotFound)?.file_name());
    match std::fs::read(file) {
        Ok(bytes) => Ok(as_pdf(&format!("{}-{position:03}.pdf", job.kind.word()), bytes)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Err(Error::NotFound),
        Err(cause) => Err(Error::internal(cause)),
    }
}
