//! A township's own templates: which there are, and how each paper looks with the sample's made-up people. A mistake is
//! named with its line and column, where it can be put right before anybody prints.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::app::{App, Staff};
use crate::error::{Error, Result};
use crate::page::{self, Shell};
use crate::papers::paper::Paper;
use crate::print::{Printer, SCREEN_DPI, Sheets};
use crate::sent::{Path, Query};

#[derive(Template)]
#[template(path = "papers/preview.html")]
struct PreviewPage {
    shell: Shell,
    paper: Paper,
    /// Is it the township's own template that is shown?
    is_own: bool,
    /// Papers of which the township has its own.
    own: Vec<Paper>,
    folder: String,
    fonts_folder: String,
    families: String,
    /// The pages, or what is wrong.
    pages: usize,
    problem: Option<String>,
    original: String,
}

impl PreviewPage {
    fn papers(&self) -> &'static [Paper] {
        Paper::ALL
    }
}

/// `GET /papers/preview/{paper}`
///
/// # Errors
/// `NotFound`.
pub async fn preview(State(app): State<App>, staff: Staff, Path(name): Path<String>) -> Result<Response> {
    let paper = Paper::from_word(&name).ok_or(Error::NotFound)?;
    let set = app
        .at_press(move |printer| Ok(sample(printer, paper).map(|sheets| sheets.pages())))
        .await?;
    let (pages, problem) = match set {
        Ok(pages) => (pages, None),
        Err(error @ Error::Refused(_)) => (0, Some(error.to_string())),
        Err(error) => return Err(error),
    };
    let printer = &app.printer;
    page::show(&PreviewPage {
        shell: staff.shell,
        paper,
        is_own: printer.own(&paper.template()).is_some(),
        own: Paper::ALL
            .iter()
            .copied()
            .filter(|paper| printer.own(&paper.template()).is_some())
            .collect(),
        folder: printer
            .folder()
            .map(|folder| folder.display().to_string())
            .unwrap_or_default(),
        fonts_folder: printer
            .folder()
            .map(|folder| folder.join("fonts").display().to_string())
            .unwrap_or_default(),
        families: printer.font_families().join("、"),
        pages,
        problem,
        original: Printer::original(&paper.template()).unwrap_or_default(),
    })
}

/// Which page.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    page: usize,
}

/// `GET /papers/preview/{paper}/picture?page`: a page of the sample as PNG, pages from 0.
///
/// # Errors
/// `NotFound`; what [`Printer::set_json`] refuses.
pub async fn preview_page(
    State(app): State<App>,
    _: Staff,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let paper = Paper::from_word(&name).ok_or(Error::NotFound)?;
    let picture = app
        .at_press(move |printer| sample(printer, paper)?.png(wanted.page, SCREEN_DPI))
        .await?;
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, picture.ok_or(Error::NotFound)?).into_response())
}

fn sample(printer: &Printer, paper: Paper) -> Result<Sheets> {
    let sample = Printer::original(&paper.sample()).ok_or(Error::NotFound)?;
    printer.set_json(&paper.template(), sample.into_bytes())
}
