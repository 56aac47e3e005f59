//! The catalogue as a file: CSV and XLSX to take along, and the way back in, tried out first.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_xlsxwriter::{Format, Workbook};

use super::fields::fresh_key;
use crate::app::{App, Staff};
use crate::error::{Error, Result};
use crate::page::{self, Problems, Shell};
use crate::places::roster;
use crate::sent::{Sent, SignedUpload};
use crate::shop::act::Act;
use crate::shop::catalogue;
use crate::shop::goods_file::{self, Effect, Planned};

/// `GET /goods/file.csv`
///
/// # Errors
/// Only when the database fails.
pub async fn goods_csv(State(app): State<App>) -> Result<Response> {
    let entries = app.db.read(catalogue::all).await?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"goods.csv\""),
        ),
    ];
    Ok((headers, csv_of(&goods_file::rows(&entries))?).into_response())
}

/// Rows as CSV with a mark that spreadsheets know UTF-8 by. What they would read as a formula is text.
pub(super) fn csv_of(rows: &[Vec<String>]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    for row in rows {
        let cells = row.iter().map(|cell| harmless(cell));
        writer.write_record(cells).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(Error::internal)
}

/// A cell that begins as a formula does gets the sign that makes it text.
fn harmless(cell: &str) -> String {
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

/// `GET /goods/file.xlsx`
///
/// # Errors
/// Only when the database fails.
pub async fn goods_xlsx(State(app): State<App>) -> Result<Response> {
    let entries = app.db.read(catalogue::all).await?;
    let bytes = app.slowly(move || xlsx_of(&goods_file::rows(&entries))).await??;
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"goods.xlsx\""),
        ),
    ];
    Ok((headers, bytes).into_response())
}

/// A workbook in which every cell is text: barcodes keep their zeros, and nothing is a formula.
fn xlsx_of(rows: &[Vec<String>]) -> Result<Vec<u8>> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("商品").map_err(Error::internal)?;
    let (bold, text) = (Format::new().set_bold(), Format::new().set_num_format("@"));
    for (row, cells) in (0u32..).zip(rows) {
        let format = if row == 0 { &bold } else { &text };
        for (column, cell) in (0u16..).zip(cells) {
            sheet
                .write_string_with_format(row, column, cell, format)
                .map_err(Error::internal)?;
        }
    }
    sheet.set_freeze_panes(1, 0).map_err(Error::internal)?;
    workbook.save_to_buffer().map_err(Error::internal)
}

#[derive(Template)]
#[template(path = "shop/goods_import.html")]
struct ImportPage {
    shell: Shell,
    problems: Problems,
    key: String,
    /// The rows, and whether they were only tried out.
    planned: Option<(Vec<Planned>, bool)>,
}

/// Rows that are shown of each kind.
const MOST: usize = 200;

impl ImportPage {
    fn count(&self, wanted: fn(&Effect) -> bool) -> usize {
        let rows = self.planned.iter().flat_map(|(rows, _)| rows);
        rows.filter(|row| wanted(&row.effect)).count()
    }

    fn fresh(&self) -> usize {
        self.count(|effect| *effect == Effect::New)
    }

    fn changed(&self) -> usize {
        self.count(|effect| matches!(effect, Effect::Changed(_)))
    }

    fn unchanged(&self) -> usize {
        self.count(|effect| *effect == Effect::Unchanged)
    }

    fn refused(&self) -> usize {
        self.count(|effect| matches!(effect, Effect::Refused(_)))
    }

    /// What is worth a look, what was refused first.
    fn shown(&self) -> Vec<&Planned> {
        let mut rows: Vec<&Planned> = self
            .planned
            .iter()
            .flat_map(|(rows, _)| rows)
            .filter(|row| row.effect != Effect::Unchanged)
            .collect();
        rows.sort_by_key(|row| !matches!(row.effect, Effect::Refused(_)));
        rows.truncate(MOST);
        rows
    }
}

fn in_words(effect: &Effect) -> String {
    match effect {
        Effect::New => "新商品".to_owned(),
        Effect::Changed(Some(old)) => format!("有改动，积分原来是{old}"),
        Effect::Changed(None) => "有改动".to_owned(),
        Effect::Unchanged => "没有变化".to_owned(),
        Effect::Refused(why) => why.clone(),
    }
}

/// `GET /goods/import`
///
/// # Errors
/// `Internal` only.
pub async fn import_form(State(app): State<App>, staff: Staff) -> Result<Response> {
    page::show(&ImportPage {
        shell: staff.shell,
        problems: Problems::default(),
        key: fresh_key(app.now()),
        planned: None,
    })
}

/// `POST /goods/import`: tries the file out; takes it in only when asked to.
///
/// # Errors
/// Only when the database fails: what is wrong with the file is shown above the form.
pub async fn import_goods(State(app): State<App>, staff: Staff, SignedUpload(sent): SignedUpload) -> Result<Response> {
    let (status, problems, planned) = match try_import(&app, &staff, &sent).await {
        Ok(planned) => (StatusCode::OK, Problems::default(), Some(planned)),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            (status, problems, None)
        }
    };
    let page = ImportPage {
        shell: staff.shell,
        problems,
        key: fresh_key(app.now()),
        planned,
    };
    page::show_with(status, &page)
}

async fn try_import(app: &App, staff: &Staff, sent: &Sent) -> Result<(Vec<Planned>, bool)> {
    let file = sent.files("file").next().cloned();
    let file = file.ok_or_else(|| Error::invalid("file", "请先选文件。"))?;
    let table = app.slowly(move || roster::read_table(&file)).await?;
    // The reader's sentences are about rosters.
    let table = table.map_err(|why| Error::invalid("file", why.to_string().replace("花名册", "商品表")))?;
    let act = Act::new("goods.imported", sent.one("key"), &staff.user.id, app.now());
    match sent.one("act") {
        "register" => {
            let done = app.db.write(move |conn| goods_file::import(conn, &table, &act)).await?;
            Ok((done, false))
        }
        _ => Ok((app.db.read(move |conn| goods_file::plan(conn, &table)).await?, true)),
    }
}
