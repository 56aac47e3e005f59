//! The page of a visit sheet: how far the judges are, what the medians earn, and closing it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Moment};
use crate::council::visit::closing::{self, Close};
use crate::council::visit::{self, Cell, Entry, Home, Judge, Outcome, State as Stand, Visit, VisitSheet};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::papers::sheet::plan_of_visit;
use crate::places::area::Tree;
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "council/visit.html")]
struct VisitPage {
    shell: Shell,
    done: String,
    problems: Problems,
    visit: Visit,
    place: String,
    made_by: String,
    closed_by: String,
    may_mark: bool,
    /// Is the visitor one of the judges?
    is_judge: bool,
    key: Id<Close>,
}

impl VisitPage {
    fn is_open(&self) -> bool {
        self.visit.sheet.state == Stand::Open
    }

    /// Is there a sheet to tick, to be read from a photograph, for each judge?
    fn can_be_ticked(&self) -> bool {
        plan_of_visit(&self.visit).is_ok()
    }

    fn complete(&self) -> usize {
        self.visit.homes.iter().filter(|home| home.is_complete()).count()
    }

    fn nominated(&self) -> usize {
        let homes = self.visit.homes.iter();
        homes
            .filter(|home| home.row.outcome == Some(Outcome::Nominated))
            .count()
    }

    /// What a cell shows: marks of others only when all are in, so that each judge marks for himself.
    fn cell(&self, home: &Home, cell: &Cell) -> String {
        match (&cell.mark, &cell.steps_back) {
            (_, Some(_)) => "回避".to_owned(),
            (Some(mark), None) if home.is_complete() || !self.is_open() => mark.mark.to_string(),
            (Some(_), None) => "已打".to_owned(),
            (None, None) => "—".to_owned(),
        }
    }

    fn is_far(&self, home: &Home, cell: &Cell) -> bool {
        let mark = cell.mark.as_ref();
        mark.is_some_and(|mark| home.is_outlier(mark.mark, &self.visit.terms))
    }

    fn misses(&self, home: &Home) -> bool {
        home.misses_reason(&self.visit.terms)
    }

    fn median(&self, home: &Home) -> String {
        match (home.row.entry, home.median()) {
            (Entry::AtHome, Some(median)) => median.to_string(),
            (Entry::AtHome, None) => "—".to_owned(),
            (entry, _) => entry.label().to_owned(),
        }
    }

    /// What the row comes to, as far as it can be said.
    fn result(&self, home: &Home) -> String {
        if let Some(outcome) = home.row.outcome {
            let item = home.median().and_then(|median| self.visit.earned(median));
            return match (outcome, item) {
                (Outcome::Nominated, Some(item)) => format!("{item}已申报"),
                _ => outcome.label().to_owned(),
            };
        }
        match (home.is_complete(), home.median()) {
            (false, _) => "还没打完".to_owned(),
            (true, Some(median)) => match self.visit.earned(median) {
                Some(item) => format!("达到{item}"),
                None => Outcome::BelowAll.label().to_owned(),
            },
            (true, None) if home.row.entry == Entry::AtHome => Outcome::TooFewJudges.label().to_owned(),
            (true, None) => Outcome::NotVisited.label().to_owned(),
        }
    }

    fn told(&self) -> Option<String> {
        match self.done.as_str() {
            "made" if self.is_open() => {
                Some("评分表已开好。可以各自用手机打分，也可以打印带去，回来照表录入。".to_owned())
            }
            "closed" if !self.is_open() => Some(format!(
                "已结束，为{}户作了申报。由别人核实、评议会评议、公示以后入账。",
                self.nominated()
            )),
            _ => None,
        }
    }
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /visits/{id}`
///
/// # Errors
/// `NotFound`, also for a building outside the visitor's area.
pub async fn visit(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let now = app.now();
    let mut page = app
        .db
        .read(move |conn| visit_page(conn, &staff, &Id::known(id), now))
        .await?;
    page.done = done.done;
    page::show(&page)
}

fn visit_page(conn: &mut Conn, staff: &Staff, id: &Id<VisitSheet>, now: Moment) -> Result<VisitPage> {
    let visit = visible(conn, staff, id)?;
    let tree = Tree::load(conn)?;
    let marks = staff.duties.reach(Permission::MarkVisits, &tree);
    let sheet = &visit.sheet;
    let mut ids = vec![sheet.made_by.clone()];
    ids.extend(sheet.closed_by.clone());
    let names = user::display_names(conn, &ids)?;
    let name = |id: &Id<user::User>| names.get(id).cloned().unwrap_or_default();
    Ok(VisitPage {
        shell: staff.shell.clone(),
        done: String::new(),
        problems: Problems::default(),
        place: tree.address(&sheet.building_id),
        made_by: name(&sheet.made_by),
        closed_by: sheet.closed_by.as_ref().map(name).unwrap_or_default(),
        may_mark: sheet.state == Stand::Open && marks.covers(&sheet.building_id),
        is_judge: own_position(&visit.judges, staff).is_some(),
        key: Id::new(now),
        visit,
    })
}

/// The column of a judge with this account.
pub(super) fn own_position(judges: &[Judge], staff: &Staff) -> Option<i64> {
    let own = judges
        .iter()
        .find(|judge| judge.user_id.as_ref() == Some(&staff.user.id));
    own.map(|judge| judge.position)
}

/// A sheet with everything on it, if it lies in the visitor's area.
pub(super) fn visible(conn: &mut Conn, staff: &Staff, id: &Id<VisitSheet>) -> Result<Visit> {
    let sheet = visit::by_id(conn, id)?;
    staff.expect_within(conn, Permission::ReadVisits, &sheet.building_id)?;
    visit::load(conn, id)
}

/// A closing or discarding, as the form sends it.
#[derive(Clone, Deserialize)]
pub struct Ending {
    #[serde(default)]
    key: String,
}

/// `POST /visits/{id}/closing`
///
/// # Errors
/// `NotFound`: what is missing is shown on the page.
pub async fn close_visit(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Ending>,
) -> Result<Response> {
    end(app, staff, Id::known(id), form, true).await
}

/// `POST /visits/{id}/discarding`
///
/// # Errors
/// `NotFound`: why it cannot be done is shown on the page.
pub async fn discard_visit(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Ending>,
) -> Result<Response> {
    end(app, staff, Id::known(id), form, false).await
}

async fn end(app: App, staff: Staff, id: Id<VisitSheet>, form: Ending, closes: bool) -> Result<Response> {
    match try_end(&app, &staff, &id, form, closes).await {
        Ok(_) if closes => Ok(page::go(&format!("/visits/{id}?done=closed"))),
        Ok(_) => Ok(page::go("/visits?done=discarded")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let mut page = app.db.read(move |conn| visit_page(conn, &staff, &id, now)).await?;
            page.problems = problems;
            page::show_with(status, &page)
        }
    }
}

async fn try_end(app: &App, staff: &Staff, id: &Id<VisitSheet>, form: Ending, closes: bool) -> Result<VisitSheet> {
    let (now, staff, id) = (app.now(), staff.clone(), id.clone());
    app.db
        .write(move |conn| {
            let sheet = visit::by_id(conn, &id)?;
            staff.expect_within(conn, Permission::MarkVisits, &sheet.building_id)?;
            if !closes {
                return visit::discard(conn, &id, &staff.user.id, now);
            }
            let asked = Close {
                sheet: id,
                by: staff.user,
                key: form.key,
            };
            closing::close(conn, &asked, now)
        })
        .await
}
