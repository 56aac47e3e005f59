//! The page of an entry of stars: what one person keyed, every household by its name, and the second person's decision.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock;
use crate::council::session;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::star::{self, HonourStar};
use crate::honours::star_entry::{self, Decide, StarEntry, State as Stand};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::Household;
use crate::sent::{Path, SignedForm};

#[derive(Template)]
#[template(path = "honours/star_entry.html")]
struct EntryPage {
    shell: Shell,
    problems: Problems,
    entry: StarEntry,
    star: HonourStar,
    session: i64,
    held_on: String,
    rows: Vec<Row>,
    keyed_by: String,
    decided_by: String,
    /// Why this person may not decide; empty for one who may.
    not_mine: String,
    key: Id<StarEntry>,
    reason: String,
}

/// A household on the list.
struct Row {
    code: String,
    head: String,
    address: String,
}

impl EntryPage {
    fn is_waiting(&self) -> bool {
        self.entry.state == Stand::Waiting
    }

    fn until(&self) -> String {
        clock::spoken_day(self.entry.until_on)
    }

    fn keyed_at(&self) -> String {
        clock::spoken(self.entry.keyed_at)
    }

    fn decided_at(&self) -> String {
        self.entry.decided_at.map(clock::spoken).unwrap_or_default()
    }

    fn badge(&self) -> &'static str {
        match self.entry.state {
            Stand::Waiting => "badge warn",
            Stand::Confirmed => "badge ok",
            Stand::Refused => "badge bad",
        }
    }
}

/// What waits for a second person where this one keeps sessions, with its households.
///
/// # Errors
/// Only when the database fails.
pub(super) fn waiting(conn: &mut Conn, staff: &Staff) -> Result<Vec<(StarEntry, Vec<Household>)>> {
    if !staff.duties.permit(Permission::KeepSession) {
        return Ok(Vec::new());
    }
    let reach = staff.reach(conn, Permission::KeepSession)?;
    let mut found = Vec::new();
    for entry in star_entry::waiting(conn)? {
        let homes = star_entry::households(conn, &entry.id)?;
        if homes.iter().all(|home| reach.covers(&home.building_id)) {
            found.push((entry, homes));
        }
    }
    Ok(found)
}

/// How many entries this person may decide about.
///
/// # Errors
/// Only when the database fails.
pub(super) fn to_confirm(conn: &mut Conn, staff: &Staff) -> Result<usize> {
    let waiting = waiting(conn, staff)?;
    let mine =
        |(entry, homes): &&(StarEntry, Vec<Household>)| star_entry::expect_second(entry, homes, &staff.user).is_ok();
    Ok(waiting.iter().filter(mine).count())
}

/// An entry whose households all lie within reach.
///
/// # Errors
/// `NotFound`.
fn entry_within(
    conn: &mut Conn,
    staff: &Staff,
    permission: Permission,
    id: &Id<StarEntry>,
) -> Result<(StarEntry, Vec<Household>)> {
    let entry = star_entry::by_id(conn, id)?;
    let homes = star_entry::households(conn, id)?;
    let reach = staff.reach(conn, permission)?;
    match homes.iter().all(|home| reach.covers(&home.building_id)) {
        true => Ok((entry, homes)),
        false => Err(Error::NotFound),
    }
}

/// `GET /star-entries/{id}`
///
/// # Errors
/// `NotFound`, also where a household of the list is outside the visitor's area.
pub async fn star_entry(State(app): State<App>, staff: Staff, Path(id): Path<String>) -> Result<Response> {
    page::show(&entry_page(&app, staff, Id::known(id), Problems::default(), String::new()).await?)
}

async fn entry_page(
    app: &App,
    staff: Staff,
    id: Id<StarEntry>,
    problems: Problems,
    reason: String,
) -> Result<EntryPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let (entry, homes) = entry_within(conn, &staff, Permission::ReadCouncil, &id)?;
            let reach = staff.reach(conn, Permission::KeepSession)?;
            let keeps = homes.iter().all(|home| reach.covers(&home.building_id));
            let not_mine = match star_entry::expect_second(&entry, &homes, &staff.user) {
                _ if !keeps => "由主持记录评议会的人复核。".to_owned(),
                Ok(()) => String::new(),
                Err(why) => why.to_string(),
            };
            let session = session::by_id(conn, &entry.session_id)?;
            let decided_by = match &entry.decided_by {
                Some(id) => user::by_id(conn, id)?.display_name,
                None => String::new(),
            };
            let tree = Tree::load(conn)?;
            let rows = homes.iter().map(|home| Row {
                code: home.code.clone(),
                head: home.head_name.clone(),
                address: home.address(&tree),
            });
            Ok(EntryPage {
                problems,
                star: star::by_id(conn, &entry.star_id)?,
                session: session.number,
                held_on: clock::spoken_day(session.held_on),
                rows: rows.collect(),
                keyed_by: user::by_id(conn, &entry.keyed_by)?.display_name,
                decided_by,
                not_mine,
                key: Id::new(now),
                reason,
                shell: staff.shell,
                entry,
            })
        })
        .await
}

/// A decision, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct Decision {
    #[serde(default)]
    key: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    reason: String,
}

/// `POST /star-entries/{id}/decision`
///
/// # Errors
/// `NotFound`, as the page: what is wrong in the form is shown in it.
pub async fn decide_entry(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Decision>,
) -> Result<Response> {
    let id: Id<StarEntry> = Id::known(id);
    let (now, who, which, sent) = (app.now(), staff.clone(), id.clone(), form.clone());
    let decided = app
        .db
        .write(move |conn| {
            let (entry, _) = entry_within(conn, &who, Permission::KeepSession, &which)?;
            let asked = Decide {
                entry: entry.id,
                confirmed: match sent.decision.as_str() {
                    "confirmed" => true,
                    "refused" => false,
                    _ => return Err(Error::invalid("decision", "请选择复核无误，还是退回。")),
                },
                reason: sent.reason,
                by: who.user,
                key: sent.key,
            };
            star_entry::decide(conn, &asked, now)
        })
        .await;
    match decided {
        Ok(entry) => Ok(page::go(&format!("/star-entries/{}", entry.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &entry_page(&app, staff, id, problems, form.reason).await?)
        }
    }
}
