//! A dividend, or the trial of one, as a workbook for the collective's accounts: each household, what of its honour counts,
//! and what it gets.

use axum::extract::State;
use axum::response::Response;

use super::{Sharing, Trial, try_out};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{Day, spoken_day};
use crate::db::Conn;
use crate::dividends::dividend::{self, Refused};
use crate::error::Result;
use crate::page;
use crate::places::area::Tree;
use crate::places::programme;
use crate::registers::columns::{Cell, Column, Line, Measure};
use crate::registers::workbook::{self, Heading, Sheet};
use crate::sent::{Path, Query};

const COLUMNS: [Column; 6] = [
    Column::new("户号", Measure::Text, 20),
    Column::new("户主", Measure::Text, 16),
    Column::new("楼栋", Measure::Text, 32),
    Column::new("荣誉分", Measure::Sum, 12),
    Column::new("计入的荣誉分", Measure::Sum, 14),
    Column::new("分得（元）", Measure::YuanSum, 16),
];

/// What the workbook of a dividend is called, and that of a trial: whoever finds one later knows what it is.
const DECIDED: &str = "文明股分红";
const TRIED: &str = "文明股分红试算";

/// `GET /dividends/{number}/file.xlsx`
///
/// # Errors
/// `NotFound`, also outside the person's area; [`Refused::Annulled`].
pub async fn dividend_file(State(app): State<App>, staff: Staff, Path(number): Path<i64>) -> Result<Response> {
    let sheet = app
        .db
        .read(move |conn| {
            let one = dividend::by_number(conn, number)?;
            staff.expect_within(conn, Permission::ReadPointsRegisters, &one.area_id)?;
            if dividend::annulment(conn, &one.id)?.is_some() {
                return Err(Refused::Annulled.into());
            }
            let sharing = Sharing::of(conn, &one)?;
            sheet(conn, DECIDED, &one.title, one.scored_on, &sharing)
        })
        .await?;
    let bytes = app.slowly(move || workbook::write(&[sheet])).await??;
    page::workbook(DECIDED, "dividend", &number.to_string(), bytes)
}

/// `GET /dividends/file.xlsx`: a trial, of which nothing is kept.
///
/// # Errors
/// As a trial on the page: `Invalid`, `NotFound`, [`Refused::NoScheme`].
pub async fn trial_file(State(app): State<App>, staff: Staff, Query(trial): Query<Trial>) -> Result<Response> {
    let now = app.now();
    let (sheet, scored_on) = app
        .db
        .read(move |conn| {
            let (sharing, scored_on) = (try_out(conn, &staff, &trial, now)?, trial.read()?.scored_on);
            let sheet = sheet(conn, TRIED, "试算，没有经过会议决定", scored_on, &sharing)?;
            Ok((sheet, scored_on))
        })
        .await?;
    let bytes = app.slowly(move || workbook::write(&[sheet])).await??;
    page::workbook(TRIED, "dividend-trial", &scored_on.to_string(), bytes)
}

fn sheet(conn: &mut Conn, title: &str, told: &str, scored_on: Day, sharing: &Sharing) -> Result<Sheet> {
    let tree = Tree::load(conn)?;
    let version = sharing.version.as_ref();
    let version = version.map(|version| format!("　　按第{}版积分办法", version.version));
    let about = format!(
        "{}　　{told}　　总额{}元　　荣誉分截至{}{}",
        programme::get(conn)?.name,
        sharing.total(),
        spoken_day(scored_on),
        version.unwrap_or_default()
    );
    let lines = sharing.parts.iter().map(|part| Line {
        href: String::new(),
        cells: vec![
            Cell::text(part.household.code.as_str()),
            Cell::text(part.household.head_name.as_str()),
            Cell::text(tree.address(&part.household.building_id)),
            Cell::Number(part.honour.0),
            Cell::Number(part.counted.0),
            Cell::Yuan(part.amount),
        ],
    });
    Ok(Sheet {
        heading: Heading {
            title: title.to_owned(),
            about,
        },
        columns: COLUMNS.to_vec(),
        lines: lines.collect(),
        foot: "合计",
    })
}
