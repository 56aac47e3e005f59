//! Pages of home visits: the sheets there are, and making one: which building, which homes, which three judges.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment, day_of};
use crate::council::member;
use crate::council::visit::{self, JUDGES, Make, NewJudge, State as Stand, VisitSheet};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::household::{self, Household, Search};
use crate::scheme::terms;
use crate::scheme::version;
use crate::sent::{Query, SignedForm};

#[derive(Template)]
#[template(path = "council/visits.html")]
struct VisitsPage {
    shell: Shell,
    discarded: bool,
    rows: Vec<SheetRow>,
    may_make: bool,
}

struct SheetRow {
    id: Id<VisitSheet>,
    code: String,
    place: String,
    visited_on: String,
    state: Stand,
    made_by: String,
}

/// Sheets that a list shows.
const SHOWN: i64 = 60;

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /visits`
///
/// # Errors
/// Only when the database fails.
pub async fn visits(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let reach = staff.duties.reach(Permission::ReadVisits, &tree);
            let mut sheets = visit::list(conn, reach.buildings(), SHOWN)?;
            // Stable: within each half the last visit stays first.
            sheets.sort_by_key(|sheet| sheet.state != Stand::Open);
            let makers: Vec<Id<User>> = sheets.iter().map(|sheet| sheet.made_by.clone()).collect();
            let names = user::display_names(conn, &makers)?;
            let rows = sheets.into_iter().map(|sheet| SheetRow {
                place: tree.address(&sheet.building_id),
                visited_on: clock::spoken_day(sheet.visited_on),
                made_by: names.get(&sheet.made_by).cloned().unwrap_or_default(),
                state: sheet.state,
                code: sheet.code,
                id: sheet.id,
            });
            Ok(VisitsPage {
                rows: rows.collect(),
                discarded: done.done == "discarded",
                may_make: staff.duties.permit(Permission::MarkVisits),
                shell: staff.shell,
            })
        })
        .await?;
    page::show(&page)
}

#[derive(Template)]
#[template(path = "council/visit_new.html")]
struct NewVisitPage {
    shell: Shell,
    problems: Problems,
    /// Does the scheme in force have home visits?
    in_scheme: bool,
    buildings: Vec<(Id<Area>, String)>,
    building: Option<(Id<Area>, String)>,
    homes: Vec<HomeChoice>,
    people: Vec<Person>,
    key: Id<VisitSheet>,
    form: NewVisit,
}

struct HomeChoice {
    id: Id<Household>,
    head: String,
    door: String,
    chosen: bool,
}

/// Somebody who can be a judge: an account, or a council member without one.
struct Person {
    value: String,
    name: String,
    judge: NewJudge,
}

impl NewVisitPage {
    fn positions(&self) -> std::ops::Range<usize> {
        0..JUDGES
    }

    fn is_judge(&self, at: &usize, person: &Person) -> bool {
        self.form
            .judges
            .get(*at)
            .is_some_and(|(chosen, _)| *chosen == person.value)
    }

    fn typed_name(&self, at: &usize) -> &str {
        self.form.judges.get(*at).map_or("", |(_, name)| name)
    }
}

/// A sheet, as the form sends it.
#[derive(Clone, Default)]
pub(super) struct NewVisit {
    key: String,
    building: String,
    visited_on: String,
    /// For each of the three: who was chosen, or the name that was typed.
    judges: Vec<(String, String)>,
    homes: Vec<Id<Household>>,
}

impl NewVisit {
    /// Fields with the same name come several times, which a map cannot hold.
    fn read(fields: Vec<(String, String)>) -> NewVisit {
        let mut form = NewVisit {
            judges: vec![Default::default(); JUDGES],
            ..NewVisit::default()
        };
        for (name, value) in fields {
            let (field, at) = name.split_once('-').unwrap_or((&name, ""));
            let at = at.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
            let judge = at.and_then(|at| form.judges.get_mut(at));
            match (field, judge) {
                ("key", _) => form.key = value,
                ("building", _) => form.building = value,
                ("visited_on", _) => form.visited_on = value,
                ("home", _) => form.homes.push(Id::known(value)),
                ("judge", Some(judge)) => judge.0 = value,
                ("name", Some(judge)) => judge.1 = value,
                _ => {}
            }
        }
        form
    }
}

/// For which building.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    building: String,
}

/// `GET /visits/new`
///
/// # Errors
/// `NotFound` for a building outside the visitor's area.
pub async fn visit_form(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let now = app.now();
    let form = NewVisit {
        building: wanted.building,
        visited_on: day_of(now).to_string(),
        ..NewVisit::read(Vec::new())
    };
    let page = app
        .db
        .read(move |conn| new_visit_page(conn, &staff, Problems::default(), form, now))
        .await?;
    page::show(&page)
}

fn new_visit_page(
    conn: &mut Conn,
    staff: &Staff,
    problems: Problems,
    form: NewVisit,
    now: Moment,
) -> Result<NewVisitPage> {
    let tree = Tree::load(conn)?;
    let reach = staff.duties.reach(Permission::MarkVisits, &tree);
    let inside = tree
        .all()
        .iter()
        .filter(|area| area.kind == AreaKind::Building && reach.covers(&area.id));
    let buildings: Vec<(Id<Area>, String)> = inside.map(|area| (area.id.clone(), tree.address(&area.id))).collect();
    let building = match (form.building.as_str(), buildings.as_slice()) {
        ("", [only]) => Some(only.clone()),
        ("", _) => None,
        (id, all) => Some(
            all.iter()
                .find(|(other, _)| other.as_str() == id)
                .ok_or(Error::NotFound)?
                .clone(),
        ),
    };
    let homes = match &building {
        Some((building, _)) => homes(conn, building, &form)?,
        None => Vec::new(),
    };
    let people = match &building {
        Some((building, _)) => people(conn, &tree, building, day_of(now))?,
        None => Vec::new(),
    };
    let in_scheme = match version::in_force(conn, day_of(now)) {
        Ok(version) => terms::of(conn, &version.id)?.home_visit.is_some(),
        Err(Error::NotFound) => false,
        Err(error) => return Err(error),
    };
    Ok(NewVisitPage {
        shell: staff.shell.clone(),
        problems,
        in_scheme,
        buildings,
        building,
        homes,
        people,
        key: Id::new(now),
        form,
    })
}

/// The homes of a building, all chosen unless some were.
fn homes(conn: &mut Conn, building: &Id<Area>, form: &NewVisit) -> Result<Vec<HomeChoice>> {
    let search = Search {
        buildings: Some(vec![building.clone()]),
        limit: i64::MAX,
        ..Search::default()
    };
    let found = household::search(conn, &search)?;
    let homes = found.into_iter().map(|household| HomeChoice {
        chosen: form.homes.is_empty() || form.homes.contains(&household.id),
        door: household.door(),
        head: household.head_name,
        id: household.id,
    });
    Ok(homes.collect())
}

/// Who can be a judge in a building: whose duty it is there, and members of a council without an account.
fn people(conn: &mut Conn, tree: &Tree, building: &Id<Area>, today: Day) -> Result<Vec<Person>> {
    let mut people: Vec<Person> = user::all(conn)?
        .into_iter()
        .filter(|(user, duties)| {
            user.disabled_at.is_none() && duties.reach(Permission::MarkVisits, tree).covers(building)
        })
        .map(|(user, _)| Person {
            value: format!("user:{}", user.id),
            name: user.display_name.clone(),
            judge: NewJudge {
                name: user.display_name,
                user: Some(user.id),
                household: user.household_id,
            },
        })
        .collect();
    let members = member::all(conn)?.into_iter().filter(|member| {
        member.user_id.is_none()
            && member.sits_on(today)
            && member::buildings_of(tree, &member.area_id).contains(building)
    });
    people.extend(members.map(|member| Person {
        value: format!("member:{}", member.id),
        name: format!("{}（评议会）", member.name),
        judge: NewJudge {
            name: member.name,
            user: None,
            household: member.household_id,
        },
    }));
    Ok(people)
}

/// `POST /visits`
///
/// # Errors
/// `NotFound` for a building outside the visitor's area: what is wrong in the form is shown in it.
pub async fn make_visit(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Vec<(String, String)>>,
) -> Result<Response> {
    let form = NewVisit::read(fields);
    match try_make(&app, &staff, form.clone()).await {
        Ok(sheet) => Ok(page::go(&format!("/visits/{}?done=made", sheet.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let read = move |conn: &mut Conn| new_visit_page(conn, &staff, problems, form, now);
            page::show_with(status, &app.db.read(read).await?)
        }
    }
}

async fn try_make(app: &App, staff: &Staff, form: NewVisit) -> Result<VisitSheet> {
    if form.building.is_empty() {
        return Err(Error::invalid("building", "请先选是哪一栋楼。"));
    }
    let visited_on = form
        .visited_on
        .trim()
        .parse()
        .map_err(|_| Error::invalid("visited_on", "请填写哪一天入户，例如2026-11-21。"))?;
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let building = Id::known(form.building);
            staff.expect_within(conn, Permission::MarkVisits, &building)?;
            let tree = Tree::load(conn)?;
            let known: HashMap<String, NewJudge> = people(conn, &tree, &building, day_of(now))?
                .into_iter()
                .map(|person| (person.value, person.judge))
                .collect();
            let judges = form.judges.iter().map(|(chosen, typed)| match known.get(chosen) {
                Some(judge) => judge.clone(),
                None => NewJudge {
                    name: typed.clone(),
                    ..NewJudge::default()
                },
            });
            let asked = Make {
                judges: judges.collect(),
                building,
                visited_on,
                households: form.homes,
                by: staff.user.id,
                key: form.key,
            };
            visit::make(conn, &asked, now)
        })
        .await
}
