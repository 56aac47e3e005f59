//! The table of all papers, with what each needs to be asked for; and a paper itself.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::Datelike as _;
use serde::Deserialize;

use crate::access::lookup::Shown;
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{Span, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Shell};
use crate::papers::household;
use crate::papers::job::Kind as Many;
use crate::papers::need::{Group, Need};
use crate::papers::order::{Asked, Order};
use crate::papers::paper::Paper;
use crate::places::area::{AreaKind, Tree};
use crate::print::Purpose;
use crate::registers::month;
use crate::registers::register::Kind;
use crate::scheme::{item, version};
use crate::sent::{Query, SignedForm};
use crate::shop::store;

#[derive(Template)]
#[template(path = "papers/papers.html")]
struct PapersPage {
    shell: Shell,
    key: String,
    groups: Vec<(Group, Vec<Paper>)>,
    /// Codes and names of areas.
    areas: Vec<(String, String)>,
    stores: Vec<String>,
    titles: Vec<String>,
    registers: &'static [Kind],
    month: String,
    /// The last month that is over.
    last_month: String,
    year: i32,
    may_change_templates: bool,
    may_print_many: bool,
    may_read_titles: bool,
}

/// `GET /papers`
///
/// # Errors
/// Only when the database fails.
pub async fn papers(State(app): State<App>, staff: Staff) -> Result<Response> {
    let today = day_of(app.now());
    let (areas, stores, titles) = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let areas = tree.all().iter().filter(|area| area.kind != AreaKind::Building);
            let areas: Vec<(String, String)> = areas
                .map(|area| (tree.codes(&area.id).join("-"), tree.address(&area.id)))
                .filter(|(code, _)| !code.is_empty())
                .collect();
            let stores: Vec<String> = store::all(conn)?.into_iter().map(|store| store.name).collect();
            let titles = match version::in_force(conn, today) {
                Ok(version) => item::of_version(conn, &version.id)?
                    .0
                    .into_iter()
                    .map(|one| one.title)
                    .collect(),
                Err(error @ Error::Internal(..)) => return Err(error),
                // Before a first version there are no titles.
                Err(_) => Vec::new(),
            };
            Ok((areas, stores, titles))
        })
        .await?;
    let running = Span::month_of(today);
    let groups = Group::ALL.iter().map(|group| {
        let mine = Paper::ALL.iter().copied();
        let mine = mine.filter(|paper| paper.group() == *group && staff.duties.permit(paper.permission()));
        (*group, mine.collect::<Vec<Paper>>())
    });
    page::show(&PapersPage {
        key: Id::<Paper>::new(app.now()).to_string(),
        groups: groups.filter(|(_, papers)| !papers.is_empty()).collect(),
        areas,
        stores,
        titles,
        registers: Kind::ALL,
        month: month::written(running),
        last_month: month::written(Span::month_of(running.from.pred_opt().unwrap_or(running.from))),
        year: today.year(),
        may_change_templates: staff.duties.permit(Permission::ManageProgramme),
        may_print_many: Many::ALL.iter().any(|many| many.is_for(&staff.duties)),
        may_read_titles: staff.duties.permit(Permission::ReadNominations),
        shell: staff.shell,
    })
}

/// `GET /papers/{paper}`, a door for each: the paper as PDF.
///
/// # Errors
/// As [`Paper::load`] and [`crate::print::Printer::set`].
pub async fn paper(paper: Paper, State(app): State<App>, staff: Staff, Query(asked): Query<Asked>) -> Result<Response> {
    let order = Order {
        asked,
        duties: Some(staff.duties),
        now: app.now(),
    };
    let (now, files) = (order.now, app.files.clone());
    let read = move |conn: &mut Conn| Ok((paper.load(conn, &order)?, paper.household(conn, &order)?));
    let (data, household) = app.db.read(read).await?;
    let pdf = app
        .at_press(move |printer| {
            let data = paper.illustrated(data, &files)?;
            printer.set_json(&paper.template(), data)?.pdf(Purpose::Reading, now)
        })
        .await?;
    let mut response = as_pdf(&format!("{}.pdf", paper.word()), pdf);
    if let Some(household) = household {
        response.extensions_mut().insert(Shown(household));
    }
    Ok(response)
}

/// Wants a consent form; blank without a household's code.
#[derive(Deserialize)]
pub struct NewConsentForm {
    #[serde(default)]
    key: String,
    #[serde(default)]
    household: String,
}

/// `POST /consent-forms`: gives a consent form its number, and leads to the paper. Sent twice, it is the same form.
///
/// # Errors
/// As [`household::number_consent_form`].
pub async fn number_consent_form(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewConsentForm>,
) -> Result<Response> {
    let order = Order {
        asked: Asked {
            household: Some(form.household),
            ..Asked::default()
        },
        duties: Some(staff.duties),
        now: app.now(),
    };
    let by = Some(staff.user.id.to_string());
    let asked = app
        .db
        .write(move |conn| household::number_consent_form(conn, &order, by, &form.key))
        .await?;
    let mut address = format!("{}?id={}", Paper::ConsentForm.path(), asked.id.unwrap_or_default());
    if let Some(code) = asked.household {
        let Ok(code) = askama::filters::urlencode_strict(&code);
        address.push_str(&format!("&household={code}"));
    }
    Ok(page::go(&address))
}

/// A PDF that the browser shows and nobody keeps on the way.
pub(crate) fn as_pdf(name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/pdf".to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, bytes).into_response()
}
