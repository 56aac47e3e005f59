//! Shelf labels: name, unit, points and bars, 24 to a sheet of A4 as office shops sell them (70 by 37 mm).

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::goods::{Asked, found};
use crate::app::{App, Staff};
use crate::error::Result;
use crate::page::{self, Shell};
use crate::sent::Query;
use crate::shop::barcode::{self, Bars};
use crate::shop::catalogue::Entry;

#[derive(Template)]
#[template(path = "shop/labels.html")]
struct LabelsPage {
    shell: Shell,
    asked: Asked,
    sheets: Vec<Vec<Label>>,
    count: usize,
}

struct Label {
    entry: Entry,
    bars: Option<Bars>,
}

impl Label {
    /// What is read aloud and keyed where there is no scanner.
    fn digits(&self) -> &str {
        self.entry.item.barcode.as_deref().unwrap_or_default()
    }
}

/// With nine empty modules on either side, without which scanners read nothing.
fn view_box(bars: &Bars) -> String {
    format!("-9 0 {} 30", bars.width.saturating_add(18))
}

/// Labels on a sheet, and the most at once.
const ON_A_SHEET: usize = 24;
const MOST: usize = 480;

/// `GET /goods/labels`
///
/// # Errors
/// Only when the database fails.
pub async fn labels(State(app): State<App>, staff: Staff, Query(asked): Query<Asked>) -> Result<Response> {
    let search = asked.search();
    let entries = app.db.read(move |conn| found(conn, &search, MOST)).await?;
    let count = entries.len();
    let mut labels = entries.into_iter().map(|entry| Label {
        bars: entry.item.barcode.as_deref().and_then(barcode::bars),
        entry,
    });
    let mut sheets = Vec::new();
    loop {
        let sheet: Vec<Label> = labels.by_ref().take(ON_A_SHEET).collect();
        if sheet.is_empty() {
            break;
        }
        sheets.push(sheet);
    }
    page::show(&LabelsPage {
        shell: staff.shell,
        asked,
        sheets,
        count,
    })
}
