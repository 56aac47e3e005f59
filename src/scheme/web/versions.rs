//! Versions: which there are, one of them whole, what differs between two, the file of one, and stopping one.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::rules::{Facts, Group, facts, groups};
use super::{Standing, standing};
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff, Visitor};
use crate::clock::{self, day_of};
use crate::error::{Error, Result};
use crate::files::FileName;
use crate::id::Id;
use crate::page::{self, Shell};
use crate::scheme::difference::{self, Difference, What};
use crate::scheme::draft::{self, SchemeDraft};
use crate::scheme::item;
use crate::scheme::version::{self, SchemeVersion};
use crate::scheme::{resolution, validator};
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "scheme/versions.html")]
struct VersionsPage {
    shell: Shell,
    versions: Vec<VersionRow>,
    drafts: Vec<DraftRow>,
    may_draft: bool,
    may_review: bool,
    key: Id<SchemeDraft>,
}

struct VersionRow {
    version: SchemeVersion,
    from: String,
    standing: Standing,
    /// The version before it, to compare with.
    before: Option<i64>,
}

struct DraftRow {
    id: Id<SchemeDraft>,
    name: String,
    state: draft::State,
    author: String,
    changed: String,
}

/// `GET /scheme/versions`
///
/// # Errors
/// Only when the database fails.
pub async fn versions(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let now = app.now();
    let (may_draft, may_review) = (
        visitor.may(Permission::ManageProgramme),
        visitor.may(Permission::ReviewScheme),
    );
    let (versions, drafts) = app
        .db
        .read(move |conn| {
            let today = day_of(now);
            let all = version::all(conn)?;
            let in_force = version::in_force(conn, today).ok().map(|version| version.id);
            let mut rows = Vec::new();
            for version in &all {
                let earlier = all.iter().filter(|other| other.version < version.version);
                rows.push(VersionRow {
                    from: clock::spoken_day(version.active_from),
                    standing: standing(conn, version, in_force.as_ref(), today)?.0,
                    before: earlier.map(|other| other.version).max(),
                    version: version.clone(),
                });
            }
            let mut drafts = Vec::new();
            if may_review {
                let open = draft::open(conn)?;
                let authors: Vec<_> = open.iter().map(|draft| draft.author_id.clone()).collect();
                let names = user::display_names(conn, &authors)?;
                drafts.extend(open.iter().map(|draft| DraftRow {
                    id: draft.id.clone(),
                    name: draft.name(),
                    state: draft.state,
                    author: names.get(&draft.author_id).cloned().unwrap_or_default(),
                    changed: clock::spoken(draft.changed_at),
                }));
            }
            Ok((rows, drafts))
        })
        .await?;
    page::show(&VersionsPage {
        shell: visitor.shell,
        versions,
        drafts,
        may_draft,
        may_review,
        key: Id::new(now),
    })
}

#[derive(Template)]
#[template(path = "scheme/version.html")]
struct VersionPage {
    shell: Shell,
    version: SchemeVersion,
    from: String,
    facts: Facts,
    groups: Vec<Group>,
    before: Option<i64>,
    may_suspend: bool,
    may_see_scan: bool,
    key: Id<SchemeVersion>,
}

impl VersionPage {
    fn is_stopped(&self) -> bool {
        self.facts.standing == Some(Standing::Suspended)
    }
}

/// `GET /scheme/versions/{number}`
///
/// # Errors
/// `NotFound`.
pub async fn version(State(app): State<App>, visitor: Visitor, Path(number): Path<i64>) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let version = version::numbered(conn, number)?;
            let (categories, items) = item::of_version(conn, &version.id)?;
            let facts = facts(conn, &version, day_of(now))?;
            let earlier = version::all(conn)?.into_iter().map(|other| other.version);
            let running = matches!(facts.standing, Some(Standing::Active | Standing::Suspended));
            Ok(VersionPage {
                from: clock::spoken_day(version.active_from),
                groups: groups(categories, &items, ""),
                before: earlier.filter(|other| *other < version.version).max(),
                may_suspend: running && visitor.may(Permission::ManageProgramme),
                may_see_scan: facts.adopted.is_some() && visitor.may(Permission::ReadNominations),
                shell: visitor.shell,
                version,
                facts,
                key: Id::new(now),
            })
        })
        .await?;
    page::show(&page)
}

/// Which two to compare.
#[derive(Deserialize)]
pub struct Between {
    from: i64,
    to: i64,
}

#[derive(Template)]
#[template(path = "scheme/difference.html")]
struct DifferencePage {
    shell: Shell,
    from: String,
    to: String,
    numbers: Vec<i64>,
    asked: (i64, i64),
    parts: Vec<(&'static str, Vec<Difference>)>,
}

/// `GET /scheme/difference?from=1&to=2`
///
/// # Errors
/// `NotFound`.
pub async fn difference(State(app): State<App>, visitor: Visitor, Query(asked): Query<Between>) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let mut file = |number| {
                let version = version::numbered(conn, number)?;
                let text = version::document(conn, &version.id)?;
                validator::document(&text).map_err(Error::internal)
            };
            let (older, newer) = (file(asked.from)?, file(asked.to)?);
            let mut numbers: Vec<i64> = version::all(conn)?.into_iter().map(|version| version.version).collect();
            numbers.sort_unstable();
            numbers.dedup();
            Ok(DifferencePage {
                shell: visitor.shell,
                from: format!("第{}版", asked.from),
                to: format!("第{}版", asked.to),
                numbers,
                asked: (asked.from, asked.to),
                parts: difference::between(&older, &newer),
            })
        })
        .await?;
    page::show(&page)
}

/// `GET /scheme/versions/{number}/file`: the readable file, to keep or to take elsewhere.
///
/// # Errors
/// `NotFound`.
pub async fn export(State(app): State<App>, Path(number): Path<i64>) -> Result<Response> {
    let today = day_of(app.now());
    let text = app
        .db
        .read(move |conn| version::export(conn, Some(number), today))
        .await?;
    let name =
        HeaderValue::from_str(&format!("attachment; filename=\"scheme-{number}.json\"")).map_err(Error::internal)?;
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    Ok((
        [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)],
        text,
    )
        .into_response())
}

/// `GET /scheme/versions/{number}/scan`: the minutes as they were scanned. They hold signatures, so they are for staff.
///
/// # Errors
/// `NotFound`.
pub async fn scan(State(app): State<App>, Path(number): Path<i64>) -> Result<Response> {
    let resolution = app
        .db
        .read(move |conn| {
            let version = version::numbered(conn, number)?;
            resolution::of_version(conn, &version.id)?.ok_or(Error::NotFound)
        })
        .await?;
    let name = FileName::parse(&resolution.scan).ok_or(Error::NotFound)?;
    let (files, wanted) = (app.files.clone(), name.clone());
    let bytes = app.slowly(move || files.read(&wanted)).await??;
    let attached = format!("attachment; filename=\"resolution-{number}.{}\"", name.kind().ending());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(name.kind().media_type())),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&attached).map_err(Error::internal)?,
        ),
    ];
    Ok((headers, bytes).into_response())
}

/// Why a version is stopped, or goes on.
#[derive(Deserialize)]
pub struct Stop {
    act: String,
    reason: String,
    key: String,
}

/// `POST /scheme/versions/{number}/suspension`
///
/// # Errors
/// `Invalid` without a reason; `NotFound`.
pub async fn suspend(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    SignedForm(form): SignedForm<Stop>,
) -> Result<Response> {
    let number: i64 = number.parse().map_err(|_| Error::NotFound)?;
    let (now, by) = (app.now(), staff.user.id);
    app.db
        .write(move |conn| {
            let version = version::numbered(conn, number)?;
            resolution::suspend(
                conn,
                &version.id,
                form.act == "suspend",
                &form.reason,
                &by,
                &form.key,
                now,
            )
        })
        .await?;
    Ok(page::go(&format!("/scheme/versions/{number}")))
}
