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
use crate::papers::card::CardPaper;
use crate::papers::paper::Paper;
use crate::print::{Printer, SCREEN_DPI, Sheets};
use crate::sent::{Path, Query};

/// What has a sample: a paper, or cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Paper(Paper),
    Cards(CardPaper),
}

impl Shown {
    fn all() -> impl Iterator<Item = Shown> {
        let papers = Paper::ALL.iter().copied().map(Shown::Paper);
        papers.chain(CardPaper::ALL.iter().copied().map(Shown::Cards))
    }

    fn from_word(word: &str) -> Option<Shown> {
        Shown::all().find(|shown| shown.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Shown::Paper(paper) => paper.word(),
            Shown::Cards(cards) => cards.word(),
        }
    }

    fn label(self) -> &'static str {
        match self {
            Shown::Paper(paper) => paper.label(),
            Shown::Cards(cards) => cards.label(),
        }
    }

    fn template(self) -> String {
        match self {
            Shown::Paper(paper) => paper.template(),
            Shown::Cards(cards) => cards.template(),
        }
    }

    /// The files that say how it looks and that the township has its own of.
    fn own(self, printer: &Printer) -> Vec<String> {
        let mut parts = printer.parts(&self.template());
        parts.retain(|name| printer.has_own(name));
        parts
    }

    fn set(self, printer: &Printer) -> Result<Sheets> {
        let sample = match self {
            Shown::Paper(paper) => paper.sample(),
            Shown::Cards(cards) => cards.sample(),
        };
        let sample = Printer::original(&sample).ok_or(Error::NotFound)?;
        printer.set_json(&self.template(), sample.into_bytes())
    }
}

#[derive(Template)]
#[template(path = "papers/preview.html")]
struct PreviewPage {
    shell: Shell,
    paper: Shown,
    /// The files of it that are the township's own.
    own_files: Vec<String>,
    /// All of them, and whether the township has its own.
    papers: Vec<(Shown, bool)>,
    folder: String,
    fonts_folder: String,
    families: String,
    /// The pages, or what is wrong.
    pages: usize,
    problem: Option<String>,
    /// The program's own files: names and texts.
    originals: Vec<(String, String)>,
}

/// `GET /papers/preview/{paper}`
///
/// # Errors
/// `NotFound`.
pub async fn preview(State(app): State<App>, staff: Staff, Path(name): Path<String>) -> Result<Response> {
    let paper = Shown::from_word(&name).ok_or(Error::NotFound)?;
    let set = app
        .at_press(move |printer| Ok(paper.set(printer).map(|sheets| sheets.pages())))
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
        own_files: paper.own(printer),
        papers: Shown::all()
            .map(|shown| (shown, !shown.own(printer).is_empty()))
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
        originals: printer
            .parts(&paper.template())
            .into_iter()
            .filter_map(|name| Printer::original(&name).map(|text| (name, text)))
            .collect(),
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
    let paper = Shown::from_word(&name).ok_or(Error::NotFound)?;
    let picture = app
        .at_press(move |printer| paper.set(printer)?.png(wanted.page, SCREEN_DPI))
        .await?;
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, picture.ok_or(Error::NotFound)?).into_response())
}
