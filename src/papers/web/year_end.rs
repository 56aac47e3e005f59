//! The page of a year's end (年终表彰): what was conferred for the year, and everything that is printed of it, in one place.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::Datelike as _;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{Day, day_of};
use crate::db::Conn;
use crate::dividends::dividend::{self, Dividend};
use crate::error::{Error, Result};
use crate::honours::roll::{self, Season, Section};
use crate::page::{self, Shell};
use crate::papers::award_list;
use crate::papers::job::Kind;
use crate::papers::order::{Asked, Order};
use crate::registers::workbook;
use crate::sent::Query;

/// Which year; nothing is the last one that has titles.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    year: String,
}

#[derive(Template)]
#[template(path = "papers/year_end.html")]
struct YearEndPage {
    shell: Shell,
    years: Vec<i32>,
    year: i32,
    rows: Vec<Row>,
    /// What a job would print, where the visitor may ask for one.
    certificates: Option<usize>,
    plaques: Option<usize>,
    /// What was resolved in the year, where the visitor may read it.
    dividends: Option<Vec<Dividend>>,
}

/// A title in numbers.
struct Row {
    title: String,
    conferred: usize,
    held: usize,
}

impl Row {
    fn of(section: &Section, today: Day) -> Row {
        let held = section.conferred.iter().filter(|one| one.is_held_on(today));
        Row {
            title: section.name.clone(),
            conferred: section.conferred.len(),
            held: held.count(),
        }
    }
}

impl YearEndPage {
    fn has_conferred(&self) -> bool {
        !self.rows.is_empty()
    }

    fn has_held(&self) -> bool {
        self.rows.iter().any(|row| row.held > 0)
    }
}

/// `GET /year-end`
///
/// # Errors
/// `Invalid` for what is no year.
pub async fn year_end(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let mut years: BTreeSet<i32> = roll::years(conn)?.into_iter().collect();
            let newest = years.last().map(i32::to_string).unwrap_or_default();
            let season = match wanted.year.trim() {
                "" => Season::read(&newest, "", today)?,
                year => Season::read(year, "", today)?,
            };
            years.extend([season.year(), today.year()]);
            let reach = staff.reach(conn, Permission::ReadNominations)?;
            let sections = roll::of(conn, season, |building| reach.covers(building))?;
            Ok(YearEndPage {
                years: years.into_iter().rev().collect(),
                year: season.year(),
                rows: sections.iter().map(|section| Row::of(section, today)).collect(),
                certificates: to_print(conn, &staff, season, Kind::Certificates, today)?,
                plaques: to_print(conn, &staff, season, Kind::Plaques, today)?,
                dividends: resolved_in(conn, &staff, season)?,
                shell: staff.shell,
            })
        })
        .await?;
    page::show(&page)
}

/// How many papers a job of this kind would have; `None` for whoever may not ask for it.
fn to_print(conn: &mut Conn, staff: &Staff, season: Season, kind: Kind, today: Day) -> Result<Option<usize>> {
    if !kind.is_for(&staff.duties) {
        return Ok(None);
    }
    let reach = staff.reach(conn, kind.permission())?;
    let sections = roll::of(conn, season, |building| reach.covers(building))?;
    let held = sections.iter().flat_map(|section| &section.conferred);
    let held = held.filter(|one| one.is_held_on(today));
    let wanted = held.filter(|one| kind != Kind::Plaques || one.title.has_plaque);
    Ok(Some(wanted.count()))
}

/// Dividends on which an assembly of the year resolved, and which nobody annulled; `None` for whoever may not read them.
fn resolved_in(conn: &mut Conn, staff: &Staff, season: Season) -> Result<Option<Vec<Dividend>>> {
    if !staff.duties.permit(Permission::ReadPointsRegisters) {
        return Ok(None);
    }
    let reach = staff.reach(conn, Permission::ReadPointsRegisters)?;
    let mut resolved = Vec::new();
    for one in dividend::all(conn)? {
        let is_ours = season.span.contains(one.held_on) && reach.covers(&one.area_id);
        if is_ours && dividend::annulment(conn, &one.id)?.is_none() {
            resolved.push(one);
        }
    }
    Ok(Some(resolved))
}

/// `GET /year-end/file.xlsx`: the list of awards as a workbook.
///
/// # Errors
/// As [`award_list::load`].
pub async fn year_end_file(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let order = Order {
        asked: Asked {
            year: Some(wanted.year),
            ..Asked::default()
        },
        duties: Some(staff.duties),
        now: app.now(),
    };
    let year = order.season()?.year();
    let list = app.db.read(move |conn| award_list::load(conn, &order)).await?;
    let bytes = app.slowly(move || workbook::write(&[list.sheet()])).await??;
    let name = format!("attachment; filename=\"award-list-{year}.xlsx\"");
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&name).map_err(Error::internal)?,
        ),
    ];
    Ok((headers, bytes).into_response())
}
