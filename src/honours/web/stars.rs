//! The pages of stars: which there are with what waits for a second person, keying many at once, and those of one household.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::star_entries;
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Day, day_of};
use crate::council::session;
use crate::db::Conn;
use crate::error::{Error, FieldError, Result};
use crate::honours::star::{self, DefineStar, HonourStar};
use crate::honours::star_entry::{self, KeyStar, MOST_HOUSEHOLDS, StarEntry};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::places::written;
use crate::sent::{NoFields, Path, SignedForm};

#[derive(Template)]
#[template(path = "honours/stars.html")]
struct StarsPage {
    shell: Shell,
    problems: Problems,
    stars: Vec<HonourStar>,
    /// What waits for a second person within reach.
    waiting: Vec<Waiting>,
    may_define: bool,
    may_key: bool,
    key: Id<HonourStar>,
    form: NewStar,
    list_key: Id<StarEntry>,
    list: NewList,
}

/// An entry that waits.
struct Waiting {
    id: Id<StarEntry>,
    star: String,
    households: usize,
    session: i64,
    until: String,
    keyed_by: String,
}

impl StarsPage {
    fn is_full(&self) -> bool {
        self.stars.len() >= star::MOST_STARS
    }
}

/// A star, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewStar {
    #[serde(default)]
    key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    criterion: String,
}

/// A star of many households, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewList {
    #[serde(default)]
    key: String,
    #[serde(default)]
    star: String,
    #[serde(default)]
    session: String,
    #[serde(default)]
    until_on: String,
    /// One a line.
    #[serde(default)]
    homes: String,
}

/// `GET /stars`
///
/// # Errors
/// Only when the database fails.
pub async fn stars(State(app): State<App>, staff: Staff) -> Result<Response> {
    let page = stars_page(&app, staff, Problems::default(), NewStar::default(), NewList::default());
    page::show(&page.await?)
}

async fn stars_page(app: &App, staff: Staff, problems: Problems, form: NewStar, list: NewList) -> Result<StarsPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            Ok(StarsPage {
                may_define: staff.duties.permit(Permission::ManageProgramme),
                may_key: staff.duties.permit(Permission::KeepSession),
                waiting: waiting(conn, &staff)?,
                stars: star::standing_now(conn)?,
                shell: staff.shell,
                problems,
                key: Id::new(now),
                form,
                list_key: Id::new(now),
                list,
            })
        })
        .await
}

/// What waits for a second person where this one keeps sessions; for anybody else nothing.
fn waiting(conn: &mut Conn, staff: &Staff) -> Result<Vec<Waiting>> {
    let mut found = Vec::new();
    for (entry, homes) in star_entries::waiting(conn, staff)? {
        found.push(Waiting {
            star: star::by_id(conn, &entry.star_id)?.name,
            households: homes.len(),
            session: session::by_id(conn, &entry.session_id)?.number,
            until: clock::spoken_day(entry.until_on),
            keyed_by: user::by_id(conn, &entry.keyed_by)?.display_name,
            id: entry.id,
        });
    }
    Ok(found)
}

/// `POST /stars`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn define_star(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewStar>,
) -> Result<Response> {
    let asked = DefineStar {
        name: form.name.clone(),
        criterion: form.criterion.clone(),
        by: staff.user.id.clone(),
        key: form.key.clone(),
    };
    let now = app.now();
    match app.db.write(move |conn| star::define(conn, &asked, now)).await {
        Ok(()) => Ok(page::go("/stars")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let page = stars_page(&app, staff, problems, form, NewList::default());
            page::show_with(status, &page.await?)
        }
    }
}

/// `POST /star-entries`: a star of many households.
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn key_stars(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewList>,
) -> Result<Response> {
    let (now, who, sent) = (app.now(), staff.clone(), form.clone());
    let keyed = app
        .db
        .write(move |conn| {
            let asked = KeyStar {
                session: session_number(&sent.session)?,
                until_on: last_day(&sent.until_on)?,
                households: written_down(conn, &who, &sent.homes)?,
                star: Id::known(sent.star),
                by: who.user,
                key: sent.key,
            };
            star_entry::key(conn, &asked, now)
        })
        .await;
    match keyed {
        Ok(entry) => Ok(page::go(&format!("/star-entries/{}", entry.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let page = stars_page(&app, staff, problems, NewStar::default(), form);
            page::show_with(status, &page.await?)
        }
    }
}

fn session_number(text: &str) -> Result<i64> {
    let sentence = "请填是第几次评议会决定的，只填数字。";
    text.trim().parse().map_err(|_| Error::invalid("session", sentence))
}

fn last_day(text: &str) -> Result<Day> {
    text.parse()
        .map_err(|_| Error::invalid("until_on", "请填有效到哪一天。"))
}

/// The households of a list, one a line, where this person keeps sessions; every line that names none is told.
fn written_down(conn: &mut Conn, staff: &Staff, text: &str) -> Result<Vec<Household>> {
    let buildings = staff.reach(conn, Permission::KeepSession)?.buildings();
    let (mut homes, mut wrong) = (Vec::new(), Vec::new());
    let lines = (1..)
        .zip(text.lines().map(str::trim))
        .filter(|(_, line)| !line.is_empty());
    for (nth, line) in lines.take(MOST_HOUSEHOLDS.saturating_add(1)) {
        match written::household(conn, buildings.clone(), "您负责的范围", "homes", line) {
            Ok(home) => homes.push(home),
            Err(error @ Error::Invalid(_)) => wrong.push(FieldError {
                field: "homes",
                message: format!("第{nth}行：{error}"),
            }),
            Err(error) => return Err(error),
        }
    }
    match wrong.is_empty() {
        true => Ok(homes),
        false => Err(Error::Invalid(wrong)),
    }
}

/// `POST /stars/{id}/retirement`
///
/// # Errors
/// `NotFound`.
pub async fn retire_star(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let now = app.now();
    app.db
        .write(move |conn| star::retire(conn, &Id::known(id), &staff.user.id, now))
        .await?;
    Ok(page::go("/stars"))
}

#[derive(Template)]
#[template(path = "honours/household_stars.html")]
struct HouseholdPage {
    shell: Shell,
    problems: Problems,
    household: Household,
    address: String,
    rows: Vec<Row>,
    may_give: bool,
    key: Id<StarEntry>,
    form: Given,
}

/// A star and how it stands for the household.
struct Row {
    star: HonourStar,
    told: String,
    holds: bool,
    /// What was keyed of it and waits for a second person, shown to whoever may read it.
    waiting: Option<Id<StarEntry>>,
}

/// A star that was given, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct Given {
    #[serde(default)]
    key: String,
    #[serde(default)]
    star: String,
    #[serde(default)]
    session: String,
    #[serde(default)]
    until_on: String,
}

/// `GET /households/{code}/stars`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn stars_of(State(app): State<App>, staff: Staff, Path(code): Path<String>) -> Result<Response> {
    page::show(&household_page(&app, staff, code, Problems::default(), Given::default()).await?)
}

async fn household_page(
    app: &App,
    staff: Staff,
    code: String,
    problems: Problems,
    form: Given,
) -> Result<HouseholdPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ReadHouseholds, &household.building_id)?;
            let keeps = staff.reach(conn, Permission::KeepSession)?;
            let held = star::of_household(conn, &household.id)?;
            let waiting = match staff.duties.permit(Permission::ReadCouncil) {
                true => star_entry::waiting_for(conn, &household.id)?,
                false => Vec::new(),
            };
            let mut rows = Vec::new();
            for star in star::standing_now(conn)? {
                let last = held.iter().find(|one| one.star_id == star.id);
                let holds = last.is_some_and(|one| day_of(now) <= one.until_on);
                let told = match last {
                    None => "还没有".to_owned(),
                    Some(one) => {
                        let number = session::by_id(conn, &one.session_id)?.number;
                        let until = clock::spoken_day(one.until_on);
                        match holds {
                            true => format!("第{number}次评议会评定，有效到{until}"),
                            false => format!("{until}到期，没有续评"),
                        }
                    }
                };
                let waits = waiting.iter().find(|one| one.star_id == star.id);
                rows.push(Row {
                    waiting: waits.map(|one| one.id.clone()),
                    star,
                    told,
                    holds,
                });
            }
            Ok(HouseholdPage {
                problems,
                address: household.address(&Tree::load(conn)?),
                may_give: keeps.covers(&household.building_id),
                rows,
                key: Id::new(now),
                form,
                shell: staff.shell,
                household,
            })
        })
        .await
}

/// `POST /households/{code}/stars`: keyed, it waits for a second person.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong in the form is shown in it.
pub async fn give_star(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    SignedForm(form): SignedForm<Given>,
) -> Result<Response> {
    let (now, who, which, sent) = (app.now(), staff.clone(), code.clone(), form.clone());
    let given = app
        .db
        .write(move |conn| {
            let household = household::by_code(conn, &which)?;
            who.expect_within(conn, Permission::KeepSession, &household.building_id)?;
            let asked = KeyStar {
                star: Id::known(sent.star),
                households: vec![household],
                session: session_number(&sent.session)?,
                until_on: last_day(&sent.until_on)?,
                by: who.user,
                key: sent.key,
            };
            star_entry::key(conn, &asked, now)
        })
        .await;
    let Ok(in_path) = askama::filters::urlencode_strict(&code);
    match given {
        Ok(_) => Ok(page::go(&format!("/households/{in_path}/stars"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &household_page(&app, staff, code, problems, form).await?)
        }
    }
}
