//! The pages of stars: which there are, and those of one household.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, Day, day_of};
use crate::council::session;
use crate::error::{Error, Result};
use crate::honours::star::{self, DefineStar, GiveStar, HonourStar, StarAward};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::sent::{NoFields, Path, SignedForm};

#[derive(Template)]
#[template(path = "honours/stars.html")]
struct StarsPage {
    shell: Shell,
    problems: Problems,
    stars: Vec<HonourStar>,
    may_define: bool,
    key: Id<HonourStar>,
    form: NewStar,
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

/// `GET /stars`
///
/// # Errors
/// Only when the database fails.
pub async fn stars(State(app): State<App>, staff: Staff) -> Result<Response> {
    page::show(&stars_page(&app, staff, Problems::default(), NewStar::default()).await?)
}

async fn stars_page(app: &App, staff: Staff, problems: Problems, form: NewStar) -> Result<StarsPage> {
    Ok(StarsPage {
        may_define: staff.duties.permit(Permission::ManageProgramme),
        shell: staff.shell,
        problems,
        stars: app.db.read(star::standing_now).await?,
        key: Id::new(app.now()),
        form,
    })
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
            page::show_with(status, &stars_page(&app, staff, problems, form).await?)
        }
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
    key: Id<StarAward>,
    form: Given,
}

/// A star and how it stands for the household.
struct Row {
    star: HonourStar,
    told: String,
    holds: bool,
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
                rows.push(Row { star, told, holds });
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

/// `POST /households/{code}/stars`
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
            let session = sent.session.trim().parse::<i64>();
            let until = sent.until_on.parse::<Day>();
            let asked = GiveStar {
                star: Id::known(sent.star),
                household,
                session: session.map_err(|_| Error::invalid("session", "请填是第几次评议会决定的，只填数字。"))?,
                until_on: until.map_err(|_| Error::invalid("until_on", "请填有效到哪一天。"))?,
                by: who.user,
                key: sent.key,
            };
            star::give(conn, &asked, now)
        })
        .await;
    let Ok(in_path) = askama::filters::urlencode_strict(&code);
    match given {
        Ok(()) => Ok(page::go(&format!("/households/{in_path}/stars"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &household_page(&app, staff, code, problems, form).await?)
        }
    }
}
