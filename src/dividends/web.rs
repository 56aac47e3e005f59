//! Pages of dividends: trying one out, writing down what an assembly resolved, and the page of each.

mod file;

pub use file::{dividend_file, trial_file};

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::dividend::{self, Annulment, Dividend, Part, Plan, Resolve};
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, Tree};
use crate::scheme::resolution::{Assembly, Meeting};
use crate::scheme::terms::DividendTerms;
use crate::scheme::version::SchemeVersion;
use crate::sent::{Path, Query, SignedForm};

/// Households on the page; the register and the workbook have them all.
const SHOWN: usize = 50;

/// What is tried out, as it was filled in.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Trial {
    pool: String,
    area: String,
    scored_on: String,
}

impl Trial {
    fn is_asked(&self) -> bool {
        !self.pool.trim().is_empty()
    }

    /// The question of an address.
    fn question(&self) -> String {
        serde_urlencoded::to_string(self).unwrap_or_default()
    }

    fn read(&self) -> Result<Plan> {
        let pool = Fen::of_yuan(self.pool.trim().trim_end_matches('元'));
        Ok(Plan {
            pool: pool.map_or(0, |pool| pool.0),
            area: self.area.clone(),
            scored_on: day("scored_on", &self.scored_on, "荣誉分截止日")?,
        })
    }
}

/// A resolution, as it was filled in.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ResolutionForm {
    key: String,
    #[serde(flatten)]
    trial: Trial,
    version: String,
    title: String,
    body: String,
    held_on: String,
    place: String,
    entitled: String,
    present: String,
    votes_for: String,
    votes_against: String,
    votes_abstained: String,
}

impl ResolutionForm {
    fn read(&self) -> Result<Resolve> {
        Ok(Resolve {
            title: self.title.clone(),
            plan: self.trial.read()?,
            version: self.version.clone(),
            meeting: Meeting {
                body: Assembly::from_word(&self.body).ok_or_else(|| Error::invalid("body", "请选择是什么会议。"))?,
                held_on: day("held_on", &self.held_on, "会议日期")?,
                place: self.place.clone(),
                entitled: number("entitled", &self.entitled, "应到人数")?,
                present: number("present", &self.present, "实到人数")?,
                votes_for: number("votes_for", &self.votes_for, "赞成票")?,
                votes_against: number("votes_against", &self.votes_against, "反对票")?,
                votes_abstained: number("votes_abstained", &self.votes_abstained, "弃权票")?,
            },
        })
    }
}

fn day(field: &'static str, text: &str, told: &str) -> Result<Day> {
    let day = text.trim().parse();
    day.map_err(|_| Error::invalid(field, format!("{told}没有填好，请选一个日期。")))
}

fn number(field: &'static str, text: &str, told: &str) -> Result<i64> {
    let number = text
        .trim()
        .parse()
        .ok()
        .filter(|number| (0..=1_000_000).contains(number));
    number.ok_or_else(|| Error::invalid(field, format!("{told}没有填好，请填整数。")))
}

/// How a pool is shared out, in a few figures.
struct Sharing {
    version: Option<SchemeVersion>,
    terms: DividendTerms,
    parts: Vec<Part>,
}

impl From<dividend::Sharing> for Sharing {
    fn from(tried: dividend::Sharing) -> Sharing {
        Sharing {
            version: Some(tried.version),
            terms: tried.terms,
            parts: tried.parts,
        }
    }
}

impl Sharing {
    /// Of a dividend that was resolved on.
    fn of(conn: &mut Conn, one: &Dividend) -> Result<Sharing> {
        Ok(Sharing {
            version: dividend::version(conn, one)?,
            terms: one.terms(),
            parts: dividend::parts(conn, one)?,
        })
    }

    /// Does less count of some household's honour than it has?
    fn is_capped(&self) -> bool {
        self.parts.iter().any(|part| part.counted < part.honour)
    }

    fn shown(&self) -> &[Part] {
        self.parts.get(..SHOWN).unwrap_or(&self.parts)
    }

    fn left_out(&self) -> usize {
        self.parts.len().saturating_sub(SHOWN)
    }

    fn honour(&self) -> i64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.honour.0))
    }

    fn counted(&self) -> i64 {
        let counted = self.parts.iter().map(|part| part.counted.0);
        counted.fold(0, i64::saturating_add)
    }

    fn total(&self) -> Fen {
        Fen(self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.amount.0)))
    }

    fn least(&self) -> Fen {
        self.parts.iter().map(|part| part.amount).min().unwrap_or_default()
    }

    fn most(&self) -> Fen {
        self.parts.iter().map(|part| part.amount).max().unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "dividends/dividends.html")]
struct DividendsPage {
    shell: Shell,
    problems: Problems,
    key: String,
    areas: Vec<(Area, String)>,
    assemblies: &'static [Assembly],
    form: ResolutionForm,
    sharing: Option<Sharing>,
    dividends: Vec<(Dividend, Option<Annulment>)>,
    may_resolve: bool,
}

/// `GET /dividends`: those there are, and a trial of another, of which nothing is kept.
///
/// # Errors
/// Only when the database fails; what is wrong with a trial is shown above it.
pub async fn dividends(State(app): State<App>, staff: Staff, Query(trial): Query<Trial>) -> Result<Response> {
    let form = ResolutionForm {
        trial,
        ..ResolutionForm::default()
    };
    list(&app, staff, form, None).await
}

async fn list(app: &App, staff: Staff, form: ResolutionForm, failed: Option<Error>) -> Result<Response> {
    let now = app.now();
    let (status, page) = app
        .db
        .read(move |conn| {
            let tried = match form.trial.is_asked() {
                true => try_out(conn, &staff, &form.trial, now).map(Some),
                false => Ok(None),
            };
            let (sharing, error) = match tried {
                Ok(sharing) => (sharing, failed),
                Err(error) => (None, failed.or(Some(error))),
            };
            let (status, problems) = match error {
                None => (StatusCode::OK, Problems::default()),
                Some(error) => Problems::from_error(error)?,
            };
            let page = list_page(conn, staff, form, sharing, problems, now)?;
            Ok((status, page))
        })
        .await?;
    page::show_with(status, &page)
}

fn list_page(
    conn: &mut Conn,
    staff: Staff,
    mut form: ResolutionForm,
    sharing: Option<Sharing>,
    problems: Problems,
    now: Moment,
) -> Result<DividendsPage> {
    let tree = Tree::load(conn)?;
    let reach = staff.reach(conn, Permission::ReadPointsRegisters)?;
    let areas: Vec<(Area, String)> = tree
        .all()
        .iter()
        .filter(|area| reach.covers(&area.id))
        .map(|area| (area.clone(), tree.told(&area.id)))
        .collect();
    if !form.trial.is_asked() && problems.is_empty() {
        form.trial.scored_on = yesterday(now).to_string();
    }
    let mut known = Vec::new();
    for one in dividend::all(conn)? {
        if reach.covers(&one.area_id) {
            let annulment = dividend::annulment(conn, &one.id)?;
            known.push((one, annulment));
        }
    }
    Ok(DividendsPage {
        may_resolve: staff.duties.permit(Permission::ManageProgramme),
        shell: staff.shell,
        problems,
        key: Id::<Dividend>::new(now).to_string(),
        areas,
        assemblies: Assembly::ALL,
        form,
        sharing,
        dividends: known,
    })
}

fn yesterday(now: Moment) -> Day {
    let today = day_of(now);
    today.pred_opt().unwrap_or(today)
}

fn try_out(conn: &mut Conn, staff: &Staff, trial: &Trial, now: Moment) -> Result<Sharing> {
    let plan = trial.read()?;
    staff.expect_within(conn, Permission::ReadPointsRegisters, &Id::known(plan.area.as_str()))?;
    Ok(dividend::share(conn, &plan, day_of(now))?.into())
}

/// `POST /dividends`: what an assembly resolved is written down, with the share of each household.
///
/// # Errors
/// `NotFound` outside the person's area; what is wrong is shown above the form.
pub async fn resolve(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<ResolutionForm>,
) -> Result<Response> {
    match try_resolve(&app, &staff, &form).await {
        Ok(dividend) => Ok(page::go(&format!("/dividends/{}", dividend.number))),
        Err(error) => list(&app, staff, form, Some(error)).await,
    }
}

async fn try_resolve(app: &App, staff: &Staff, form: &ResolutionForm) -> Result<Dividend> {
    let (now, key, by) = (app.now(), form.key.clone(), staff.user.id.clone());
    let (asked, known) = (form.read()?, staff.clone());
    // The scores are of a day that is over: they are the same a moment later, when the rows are written.
    let (asked, sharing) = app
        .db
        .read(move |conn| {
            let area = Id::known(asked.plan.area.as_str());
            known.expect_within(conn, Permission::ManageProgramme, &area)?;
            let sharing = dividend::share(conn, &asked.plan, day_of(now))?;
            Ok((asked, sharing))
        })
        .await?;
    app.db
        .write(move |conn| dividend::resolve(conn, &asked, &sharing, &by, &key, now))
        .await
}

#[derive(Template)]
#[template(path = "dividends/dividend.html")]
struct DividendPage {
    shell: Shell,
    problems: Problems,
    one: Dividend,
    area: String,
    recorded_by: String,
    annulment: Option<(Annulment, String)>,
    sharing: Sharing,
    may_annul: bool,
}

/// `GET /dividends/{number}`
///
/// # Errors
/// `NotFound`, also outside the person's area.
pub async fn dividend(State(app): State<App>, staff: Staff, Path(number): Path<i64>) -> Result<Response> {
    page::show(&dividend_page(&app, staff, number, Problems::default()).await?)
}

async fn dividend_page(app: &App, staff: Staff, number: i64, problems: Problems) -> Result<DividendPage> {
    app.db
        .read(move |conn| {
            let one = dividend::by_number(conn, number)?;
            staff.expect_within(conn, Permission::ReadPointsRegisters, &one.area_id)?;
            let annulment = dividend::annulment(conn, &one.id)?;
            let mut people = vec![one.recorded_by.clone()];
            people.extend(annulment.iter().map(|annulment| annulment.annulled_by.clone()));
            let names = user::display_names(conn, &people)?;
            let name = |id: &Id<User>| names.get(id).cloned().unwrap_or_default();
            let may = staff.duties.permit(Permission::ManageProgramme);
            Ok(DividendPage {
                problems,
                area: Tree::load(conn)?.told(&one.area_id),
                recorded_by: name(&one.recorded_by),
                may_annul: may && annulment.is_none() && staff.user.id != one.recorded_by,
                annulment: annulment.map(|annulment| {
                    let by = name(&annulment.annulled_by);
                    (annulment, by)
                }),
                sharing: Sharing::of(conn, &one)?,
                one,
                shell: staff.shell,
            })
        })
        .await
}

/// Why a dividend does not count.
#[derive(Deserialize)]
pub struct Why {
    #[serde(default)]
    reason: String,
}

/// `POST /dividends/{number}/annulment`
///
/// # Errors
/// `NotFound` outside the person's area; what is wrong is shown on the page.
pub async fn annul(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(why): SignedForm<Why>,
) -> Result<Response> {
    let (now, known) = (app.now(), staff.clone());
    let annulled = app
        .db
        .write(move |conn| {
            let one = dividend::by_number(conn, number)?;
            known.expect_within(conn, Permission::ManageProgramme, &one.area_id)?;
            dividend::annul(conn, number, &why.reason, &known.user.id, now)
        })
        .await;
    match annulled {
        Ok(()) => Ok(page::go(&format!("/dividends/{number}"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &dividend_page(&app, staff, number, problems).await?)
        }
    }
}
