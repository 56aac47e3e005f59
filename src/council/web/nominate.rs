//! The page that nominates a household: which one, for which item, when. No script, and few taps.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment};
use crate::council::nomination::{self, Nominate, Nomination, Nominator};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household, Search};
use crate::scheme::item::{self, Category, Item};
use crate::scheme::version;
use crate::sent::{Query, SignedForm};

#[derive(Template)]
#[template(path = "council/nominate.html")]
struct NominatePage {
    shell: Shell,
    problems: Problems,
    choices: Vec<HouseholdChoice>,
    /// Were there more households than can be chosen from?
    more: bool,
    groups: Vec<Group>,
    today: Day,
    /// The key of the form: a fresh one each time that it is shown, because nothing was done with the one before.
    key: Id<Nomination>,
    form: NewNomination,
}

struct HouseholdChoice {
    code: String,
    head: String,
    address: String,
}

/// A category with its items.
struct Group {
    category: Category,
    items: Vec<Item>,
}

impl NominatePage {
    fn is_chosen(&self, choice: &HouseholdChoice) -> bool {
        self.choices.len() == 1 || choice.code == self.form.household
    }

    /// The group with the chosen item stands open.
    fn has_chosen(&self, group: &Group) -> bool {
        group.items.iter().any(|item| item.code == self.form.item)
    }
}

/// For which household; or which words to look for it.
#[derive(Deserialize)]
pub struct ForWhom {
    #[serde(default)]
    household: String,
    #[serde(default)]
    query: String,
}

/// Households to choose from.
const CHOICES: usize = 12;

/// `GET /nominations/new`
///
/// # Errors
/// `NotFound` for a household outside the visitor's area.
pub async fn nominate_form(State(app): State<App>, staff: Staff, Query(whom): Query<ForWhom>) -> Result<Response> {
    let now = app.now();
    let form = NewNomination {
        query: whom.query.trim().to_owned(),
        household: whom.household,
        count: "1".to_owned(),
        occurred_on: clock::day_of(now).to_string(),
        ..NewNomination::default()
    };
    let read = move |conn: &mut Conn| nominate_page(conn, &staff, Problems::default(), form, now);
    page::show(&app.db.read(read).await?)
}

fn nominate_page(
    conn: &mut Conn,
    staff: &Staff,
    problems: Problems,
    form: NewNomination,
    now: Moment,
) -> Result<NominatePage> {
    let tree = Tree::load(conn)?;
    let mut found = households_for(conn, staff, &form)?;
    let more = found.len() > CHOICES;
    found.truncate(CHOICES);
    let choices = found
        .into_iter()
        .map(|household| HouseholdChoice {
            address: household.address(&tree),
            code: household.code,
            head: household.head_name,
        })
        .collect();
    let today = clock::day_of(now);
    Ok(NominatePage {
        shell: staff.shell.clone(),
        problems,
        choices,
        more,
        groups: groups(conn, today)?,
        today,
        key: Id::new(now),
        form,
    })
}

/// The households that the words find, or the one that was named.
fn households_for(conn: &mut Conn, staff: &Staff, form: &NewNomination) -> Result<Vec<Household>> {
    if !form.query.is_empty() {
        let search = Search {
            query: form.query.clone(),
            buildings: staff.reach(conn, Permission::Nominate)?.buildings(),
            after: None,
            limit: i64::try_from(CHOICES.saturating_add(1)).unwrap_or(i64::MAX),
        };
        return household::search(conn, &search);
    }
    if form.household.is_empty() {
        return Ok(Vec::new());
    }
    let household = household::by_code(conn, &form.household)?;
    staff.expect_within(conn, Permission::Nominate, &household.building_id)?;
    Ok(vec![household])
}

/// The items in force, under their categories; none when no scheme is in force.
fn groups(conn: &mut Conn, today: Day) -> Result<Vec<Group>> {
    let scheme = match version::in_force(conn, today) {
        Ok(scheme) => scheme,
        Err(Error::NotFound) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let (categories, items) = item::of_version(conn, &scheme.id)?;
    let groups = categories.into_iter().map(|category| Group {
        items: items
            .iter()
            .filter(|item| item.category_code == category.code)
            .cloned()
            .collect(),
        category,
    });
    Ok(groups.filter(|group| !group.items.is_empty()).collect())
}

/// A nomination, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewNomination {
    #[serde(default)]
    key: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    household: String,
    #[serde(default)]
    item: String,
    #[serde(default)]
    count: String,
    #[serde(default)]
    occurred_on: String,
    #[serde(default)]
    note: String,
}

/// `POST /nominations`
///
/// # Errors
/// `NotFound` for a household outside the visitor's area, or none: what is wrong in the form is shown in it.
pub async fn nominate(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewNomination>,
) -> Result<Response> {
    match try_nominate(&app, &staff, form.clone()).await {
        Ok(nomination) => Ok(page::go(&format!("/nominations/{}?done=nominated", nomination.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let read = move |conn: &mut Conn| nominate_page(conn, &staff, problems, form, now);
            page::show_with(status, &app.db.read(read).await?)
        }
    }
}

async fn try_nominate(app: &App, staff: &Staff, form: NewNomination) -> Result<Nomination> {
    if form.household.is_empty() {
        return Err(Error::invalid("household", "请先选是哪一户。"));
    }
    if form.item.is_empty() {
        return Err(Error::invalid("item", "请选择做了什么。"));
    }
    let count = form
        .count
        .trim()
        .parse()
        .map_err(|_| Error::invalid("count", "次数应为整数。"))?;
    let occurred_on = form
        .occurred_on
        .trim()
        .parse()
        .map_err(|_| Error::invalid("occurred_on", "请填写是哪一天，例如 2026-11-21。"))?;
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let household = household::by_code(conn, &form.household)?;
            staff.expect_within(conn, Permission::Nominate, &household.building_id)?;
            let asked = Nominate {
                household: household.id,
                item: form.item,
                count,
                occurred_on,
                note: form.note,
                by: Nominator::Staff(staff.user.id),
                key: form.key,
            };
            nomination::nominate(conn, &asked, now)
        })
        .await
}
