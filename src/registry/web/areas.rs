//! The tree of areas, and moving a building to another grid or a grid to another community.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::area_move::{self, AreaMove, MoveArea, Plan};
use crate::places::household;
use crate::sent::{Query, SignedForm};

#[derive(Template)]
#[template(path = "registry/areas.html")]
struct AreasPage {
    shell: Shell,
    done: bool,
    problems: Problems,
    rows: Vec<AreaRow>,
    movable: Vec<(String, String)>,
    targets: Vec<(String, String)>,
    moves: Vec<MoveRow>,
    today: Day,
    form: MoveForm,
    plan: Option<Plan>,
}

/// A community, with its grids and buildings in words.
struct AreaRow {
    name: String,
    grids: Vec<(String, String)>,
    households: i64,
    people: i64,
}

struct MoveRow {
    day: String,
    what: String,
    from: String,
    to: String,
    reason: String,
    by: String,
}

/// What is typed into the form of a move.
#[derive(Clone, Default, Deserialize)]
pub struct MoveForm {
    #[serde(default)]
    key: String,
    /// The seal of the preview that is confirmed; empty asks for the preview.
    #[serde(default)]
    shown: String,
    /// `back` from the preview to the form.
    #[serde(default)]
    step: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    effective_on: String,
    #[serde(default)]
    reason: String,
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// Moves that the page shows.
const MOVES: i64 = 50;

/// `GET /areas`
///
/// # Errors
/// Only when the database fails.
pub async fn areas(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    let now = app.now();
    let mut page = app
        .db
        .read(move |conn| areas_page(conn, &staff, MoveForm::default(), now))
        .await?;
    page.done = done.done == "yes";
    page::show(&page)
}

fn areas_page(conn: &mut Conn, staff: &Staff, mut form: MoveForm, now: Moment) -> Result<AreasPage> {
    let tree = Tree::load(conn)?;
    if form.key.is_empty() {
        form.key = Id::<AreaMove>::new(now).to_string();
        form.effective_on = day_of(now).to_string();
    }
    let of_kinds = |kinds: &[AreaKind]| -> Vec<(String, String)> {
        let found = tree.all().iter().filter(|area| kinds.contains(&area.kind));
        found
            .map(|area| {
                (
                    area.id.to_string(),
                    format!("{} {}", area.kind.label(), tree.address(&area.id)),
                )
            })
            .collect()
    };
    let mut rows = Vec::new();
    for community in tree.all().iter().filter(|area| area.kind == AreaKind::Community) {
        rows.push(area_row(conn, &tree, community)?);
    }
    Ok(AreasPage {
        shell: staff.shell.clone(),
        done: false,
        problems: Problems::default(),
        rows,
        movable: of_kinds(&[AreaKind::Building, AreaKind::Grid]),
        targets: of_kinds(&[AreaKind::Grid, AreaKind::Community]),
        moves: move_rows(conn, &tree)?,
        today: day_of(now),
        form,
        plan: None,
    })
}

fn area_row(conn: &mut Conn, tree: &Tree, community: &Area) -> Result<AreaRow> {
    let inside: Vec<Id<Area>> = tree
        .all()
        .iter()
        .filter(|area| area.path.starts_with(&community.path))
        .map(|area| area.id.clone())
        .collect();
    let (households, people) = household::count_in(conn, &inside)?;
    let grids = tree.parts(&community.id).map(|grid| {
        let buildings: Vec<&str> = tree.parts(&grid.id).map(|building| building.name.as_str()).collect();
        (grid.name.clone(), buildings.join("、"))
    });
    Ok(AreaRow {
        name: community.name.clone(),
        grids: grids.collect(),
        households,
        people,
    })
}

fn move_rows(conn: &mut Conn, tree: &Tree) -> Result<Vec<MoveRow>> {
    let moves = area_move::all(conn, MOVES)?;
    let people: Vec<_> = moves.iter().map(|one| Id::known(one.recorded_by.clone())).collect();
    let names: HashMap<_, String> = user::display_names(conn, &people)?;
    let name = |id: &Id<Area>| tree.get(id).map(|area| area.name.clone()).unwrap_or_default();
    let rows = moves.into_iter().map(|one| MoveRow {
        day: clock::spoken_day(one.effective_on),
        what: name(&one.area_id),
        from: name(&one.from_parent_id),
        to: name(&one.to_parent_id),
        by: names.get(&Id::known(one.recorded_by)).cloned().unwrap_or_default(),
        reason: one.reason,
    });
    Ok(rows.collect())
}

/// `POST /areas`: shows what a move would do; done when that was confirmed.
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn move_area(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<MoveForm>,
) -> Result<Response> {
    let now = app.now();
    let (by, sent) = (staff.user.id.clone(), form.clone());
    let answer = match (form.step.as_str(), asked(&form)) {
        ("back", _) => Ok(None),
        (_, Err(error)) => Err(error),
        (_, Ok(asked)) if sent.shown.is_empty() => {
            app.db
                .read(move |conn| area_move::plan(conn, &asked, day_of(now)).map(Some))
                .await
        }
        (_, Ok(asked)) => {
            let moved = app
                .db
                .write(move |conn| area_move::carry_out(conn, &asked, &sent.shown, by.as_str(), &sent.key, now))
                .await;
            match moved {
                Ok(_) => return Ok(page::go("/areas?done=yes")),
                Err(error) => Err(error),
            }
        }
    };
    let (status, problems, plan) = match answer {
        Ok(plan) => (StatusCode::OK, Problems::default(), plan),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            (status, problems, None)
        }
    };
    let mut page = app.db.read(move |conn| areas_page(conn, &staff, form, now)).await?;
    page.problems = problems;
    page.plan = plan;
    page::show_with(status, &page)
}

fn asked(form: &MoveForm) -> Result<MoveArea> {
    let effective_on = form
        .effective_on
        .trim()
        .parse()
        .map_err(|_| Error::invalid("effective_on", "请填写生效日期。"))?;
    Ok(MoveArea {
        area: form.area.clone(),
        to: form.to.clone(),
        effective_on,
        reason: form.reason.clone(),
    })
}
