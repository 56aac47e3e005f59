//! Pages of the council: nominate a household, see where nominations stand and how they came about, verify them.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::nomination::{self, Decision, Filter, Nominate, Nomination, State as Stand, Verify};
use crate::access::role::{Permission, Reach};
use crate::access::user::{self, User};
use crate::app::{App, SignedForm, Staff};
use crate::clock::{self, Day, Moment};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household, Search};
use crate::points::Points;
use crate::scheme::item::{self, Category, Item};
use crate::scheme::version;

/// Nominations that are looked through for a list, newest first.
const NEWEST: i64 = 1_000;
/// Nominations that a list shows.
const SHOWN: usize = 200;

/// The nominations that wait for this person: in the person's area, made by someone else, not about the own household.
///
/// # Errors
/// Only when the database fails.
pub fn waiting_for(conn: &mut Conn, staff: &Staff) -> Result<Vec<(Nomination, Household)>> {
    let reach = staff.reach(conn, Permission::Verify)?;
    let mut submitted = within(conn, &reach, Some(Stand::Submitted))?;
    submitted.retain(|(one, household)| !is_own(staff, one, household));
    Ok(submitted)
}

/// The newest nominations within a reach, each with its household.
fn within(conn: &mut Conn, reach: &Reach, state: Option<Stand>) -> Result<Vec<(Nomination, Household)>> {
    let filter = Filter {
        state,
        ..Filter::default()
    };
    let found = nomination::list(conn, &filter, NEWEST)?;
    let ids: Vec<Id<Household>> = found.iter().map(|one| one.household_id.clone()).collect();
    let households = household::by_ids(conn, &ids)?;
    let inside = found.into_iter().filter_map(|one| {
        let household = households.iter().find(|household| household.id == one.household_id)?;
        reach.covers(&household.building_id).then(|| (one, household.clone()))
    });
    Ok(inside.collect())
}

/// Did this person make it, or is it about the person's own household? Then somebody else verifies it.
fn is_own(staff: &Staff, nomination: &Nomination, household: &Household) -> bool {
    nomination.nominated_by == staff.user.id || staff.user.household_id.as_ref() == Some(&household.id)
}

fn address(tree: &Tree, household: &Household) -> String {
    format!("{} {}", tree.address(&household.building_id), household.door())
}

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
const CHOICES: usize = 20;

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
            address: address(&tree, &household),
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
/// `NotFound` for a household outside the visitor's area: what is wrong in the form is shown in it.
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
            let household = household::named(conn, &form.household)?;
            staff.expect_within(conn, Permission::Nominate, &household.building_id)?;
            let asked = Nominate {
                household: household.id,
                item: form.item,
                count,
                occurred_on,
                note: form.note,
                by: staff.user.id,
                key: form.key,
            };
            nomination::nominate(conn, &asked, now)
        })
        .await
}

#[derive(Template)]
#[template(path = "council/nominations.html")]
struct NominationsPage {
    shell: Shell,
    state: Option<Stand>,
    rows: Vec<NominationRow>,
    /// Were there more than are shown?
    more: bool,
    may_nominate: bool,
}

struct NominationRow {
    id: Id<Nomination>,
    head: String,
    address: String,
    item: String,
    points: Points,
    occurred_on: Day,
    nominated_by: String,
    state: Stand,
    waits_for_me: bool,
}

impl NominationsPage {
    fn waiting(&self) -> usize {
        self.rows.iter().filter(|row| row.waits_for_me).count()
    }
}

/// The badge of a state; a template hands in a reference.
fn badge(state: &Stand) -> &'static str {
    match state {
        Stand::Submitted => "badge warn",
        Stand::Posted => "badge ok",
        Stand::Returned => "badge bad",
    }
}

/// Which nominations to list.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    state: String,
}

/// `GET /nominations`: who verifies sees first what waits for that; everybody else sees all.
///
/// # Errors
/// Only when the database fails.
pub async fn nominations(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let state = match wanted.state.as_str() {
        "all" => None,
        word => Stand::from_word(word).or_else(|| staff.duties.permit(Permission::Verify).then_some(Stand::Submitted)),
    };
    let page = app
        .db
        .read(move |conn| {
            let reach = staff.reach(conn, Permission::ReadNominations)?;
            let found = within(conn, &reach, state)?;
            let mut rows = rows(conn, &staff, &found)?;
            // Stable: within each half the newest stay first.
            rows.sort_by_key(|row| !row.waits_for_me);
            let more = rows.len() > SHOWN;
            rows.truncate(SHOWN);
            Ok(NominationsPage {
                may_nominate: staff.duties.permit(Permission::Nominate),
                shell: staff.shell,
                state,
                rows,
                more,
            })
        })
        .await?;
    page::show(&page)
}

fn rows(conn: &mut Conn, staff: &Staff, found: &[(Nomination, Household)]) -> Result<Vec<NominationRow>> {
    let tree = Tree::load(conn)?;
    let verifies = staff.duties.reach(Permission::Verify, &tree);
    let item_ids: Vec<Id<Item>> = found.iter().map(|(one, _)| one.scoring_item_id.clone()).collect();
    let items = item::by_ids(conn, &item_ids)?;
    let user_ids: Vec<Id<User>> = found.iter().map(|(one, _)| one.nominated_by.clone()).collect();
    let names = user::display_names(conn, &user_ids)?;
    let rows = found.iter().map(|(one, household)| {
        let item = items.iter().find(|item| item.id == one.scoring_item_id);
        let times = if one.count > 1 {
            format!(" × {}", one.count)
        } else {
            String::new()
        };
        NominationRow {
            id: one.id.clone(),
            head: household.head_name.clone(),
            address: address(&tree, household),
            item: item
                .map(|item| format!("{} {}{times}", item.code, item.name))
                .unwrap_or_default(),
            points: one.points,
            occurred_on: one.occurred_on,
            nominated_by: names.get(&one.nominated_by).cloned().unwrap_or_default(),
            state: one.state,
            waits_for_me: one.state == Stand::Submitted
                && verifies.covers(&household.building_id)
                && !is_own(staff, one, household),
        }
    });
    Ok(rows.collect())
}

#[derive(Template)]
#[template(path = "council/nomination.html")]
struct NominationPage {
    shell: Shell,
    done: String,
    problems: Problems,
    nomination: Nomination,
    household: Household,
    address: String,
    item: Item,
    category: Category,
    scheme: String,
    nominated_by: String,
    decided_by: String,
    /// Why the visitor may not verify it; `None` when the visitor may.
    not_mine: Option<&'static str>,
    /// The key of the form that verifies.
    key: Id<Verify>,
    reason: String,
}

impl NominationPage {
    fn is_submitted(&self) -> bool {
        self.nomination.state == Stand::Submitted
    }

    fn is_posted(&self) -> bool {
        self.nomination.state == Stand::Posted
    }

    fn nominated_at(&self) -> String {
        clock::spoken(self.nomination.nominated_at)
    }

    fn decided_at(&self) -> String {
        self.nomination.decided_at.map(clock::spoken).unwrap_or_default()
    }

    fn occurred_on(&self) -> String {
        clock::spoken_day(self.nomination.occurred_on)
    }

    /// What was done just before this page, told once.
    fn told(&self) -> Option<String> {
        let nomination = &self.nomination;
        match (self.done.as_str(), nomination.transaction_number) {
            ("nominated", _) if self.is_submitted() => Some("已申报，等别人核实后入账。".to_owned()),
            ("verified", Some(slip)) => Some(format!("核实通过，{} 分已入账，凭条号 {slip}。", nomination.points)),
            ("returned", None) if !self.is_submitted() => Some("已退回，原因会显示给申报人。".to_owned()),
            _ => None,
        }
    }
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /nominations/{id}`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn nomination(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let now = app.now();
    let mut page = app
        .db
        .read(move |conn| nomination_page(conn, &staff, &Id::known(id), now))
        .await?;
    page.done = done.done;
    page::show(&page)
}

fn nomination_page(conn: &mut Conn, staff: &Staff, id: &Id<Nomination>, now: Moment) -> Result<NominationPage> {
    let nomination = nomination::by_id(conn, id)?;
    let household = household::by_id(conn, &nomination.household_id)?;
    staff.expect_within(conn, Permission::ReadNominations, &household.building_id)?;
    let tree = Tree::load(conn)?;
    let (item, category) = item::by_id(conn, &nomination.scoring_item_id)?;
    // The version in force on the day of the deed is the one that was cited, unless a later one was dated back.
    let scheme = version::in_force(conn, nomination.occurred_on)
        .ok()
        .filter(|scheme| scheme.id == item.scheme_version_id)
        .map(|scheme| format!("{}（第 {} 版）", scheme.name, scheme.version));
    let mut people = vec![nomination.nominated_by.clone()];
    people.extend(nomination.decided_by.clone());
    let names = user::display_names(conn, &people)?;
    let name = |id: &Id<User>| names.get(id).cloned().unwrap_or_default();
    let verifies = staff
        .duties
        .reach(Permission::Verify, &tree)
        .covers(&household.building_id);
    Ok(NominationPage {
        shell: staff.shell.clone(),
        done: String::new(),
        problems: Problems::default(),
        address: address(&tree, &household),
        scheme: scheme.unwrap_or_else(|| "申报时施行的方案".to_owned()),
        nominated_by: name(&nomination.nominated_by),
        decided_by: nomination.decided_by.as_ref().map(name).unwrap_or_default(),
        not_mine: match () {
            () if nomination.nominated_by == staff.user.id => Some("自己申报的，由他人核实。"),
            () if is_own(staff, &nomination, &household) => Some("这是您自己家的申报，由他人核实。"),
            () if !verifies => Some("正在等这一片的核实人核实。"),
            () => None,
        },
        key: Id::new(now),
        reason: String::new(),
        nomination,
        household,
        item,
        category,
    })
}

/// A verification, as the form sends it.
#[derive(Clone, Deserialize)]
pub struct NewVerification {
    #[serde(default)]
    key: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    reason: String,
}

/// `POST /nominations/{id}/verification`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong in the form is shown in it.
pub async fn verify(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<NewVerification>,
) -> Result<Response> {
    let id: Id<Nomination> = Id::known(id);
    match try_verify(&app, &staff, &id, form.clone()).await {
        Ok(Decision::Approve) => Ok(page::go(&format!("/nominations/{id}?done=verified"))),
        Ok(Decision::Return) => Ok(page::go(&format!("/nominations/{id}?done=returned"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let mut page = app.db.read(move |conn| nomination_page(conn, &staff, &id, now)).await?;
            page.problems = problems;
            page.reason = form.reason;
            page::show_with(status, &page)
        }
    }
}

async fn try_verify(app: &App, staff: &Staff, id: &Id<Nomination>, form: NewVerification) -> Result<Decision> {
    let decision = match form.decision.as_str() {
        "approve" => Decision::Approve,
        "return" => Decision::Return,
        _ => return Err(Error::invalid("decision", "请选择核实通过或退回。")),
    };
    let (now, staff, id) = (app.now(), staff.clone(), id.clone());
    app.db
        .write(move |conn| {
            let nomination = nomination::by_id(conn, &id)?;
            let household = household::by_id(conn, &nomination.household_id)?;
            staff.expect_within(conn, Permission::Verify, &household.building_id)?;
            let asked = Verify {
                nomination: id,
                decision,
                reason: form.reason,
                by: staff.user,
                key: form.key,
            };
            nomination::verify(conn, &asked, now)
        })
        .await?;
    Ok(decision)
}
