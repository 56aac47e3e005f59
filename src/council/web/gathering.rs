//! Pages of a gathering: opening it, signing in at the door, ticking off, keying the paper sheet, and closing it.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::nominate::items_in_force;
use super::whom::card_in;
use crate::access::role::{Permission, Reach};
use crate::access::user;
use crate::app::{App, Staff};
use crate::cards::card::{Presented, Wallet};
use crate::cards::number::CardToken;
use crate::clock::{self, Moment};
use crate::council::gathering::{self, Gathering, Keyed, Manner, Open, Row};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::papers::form::Form;
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::household::{self, Household};
use crate::places::programme;
use crate::scheme::item::{self, Item};
use crate::sent::{Path, Query, SignedForm, SignedUpload};

// ---- All gatherings ------------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "council/gatherings.html")]
struct GatheringsPage {
    shell: Shell,
    problems: Problems,
    rows: Vec<Listed>,
    may_open: bool,
    areas: Vec<(Id<Area>, String)>,
    groups: Vec<(String, Vec<Item>)>,
    key: Id<Gathering>,
    form: NewGathering,
}

struct Listed {
    gathering: Gathering,
    address: String,
    signed: i64,
}

/// Gatherings that the list shows.
const SHOWN: i64 = 100;

/// `GET /gatherings`
///
/// # Errors
/// Only when the database fails.
pub async fn gatherings(State(app): State<App>, staff: Staff) -> Result<Response> {
    let now = app.now();
    let form = NewGathering {
        held_on: clock::day_of(now).to_string(),
        count: "1".to_owned(),
        ..NewGathering::default()
    };
    let read = move |conn: &mut Conn| gatherings_page(conn, &staff, Problems::default(), form, now);
    page::show(&app.db.read(read).await?)
}

fn gatherings_page(
    conn: &mut Conn,
    staff: &Staff,
    problems: Problems,
    form: NewGathering,
    now: Moment,
) -> Result<GatheringsPage> {
    let tree = Tree::load(conn)?;
    let sees = staff.duties.reach(Permission::ReadNominations, &tree);
    let opens = staff.duties.reach(Permission::Nominate, &tree);
    let signed = gathering::signed_counts(conn)?;
    let rows = gathering::list(conn, SHOWN)?
        .into_iter()
        .filter(|one| sees.covers(&one.area_id))
        .map(|one| Listed {
            address: place_name(&tree, &one.area_id),
            signed: signed.get(&one.id).copied().unwrap_or(0),
            gathering: one,
        })
        .collect();
    let (categories, items) = items_in_force(conn, clock::day_of(now))?;
    let groups = categories.into_iter().map(|category| {
        let inside = items.iter().filter(|item| item.category_code == category.code);
        (category.name, inside.cloned().collect::<Vec<_>>())
    });
    Ok(GatheringsPage {
        shell: staff.shell.clone(),
        problems,
        rows,
        may_open: staff.duties.permit(Permission::Nominate),
        areas: areas_within(&tree, &opens),
        groups: groups.collect(),
        key: Id::new(now),
        form,
    })
}

/// The areas for which a gathering can be opened, the smallest last.
fn areas_within(tree: &Tree, reach: &Reach) -> Vec<(Id<Area>, String)> {
    let inside = tree.all().iter().filter(|area| reach.covers(&area.id));
    inside
        .map(|area| (area.id.clone(), place_name(tree, &area.id)))
        .collect()
}

/// What an area is called; the root has no address of its own.
fn place_name(tree: &Tree, id: &Id<Area>) -> String {
    match tree.get(id) {
        Some(area) if matches!(area.kind, AreaKind::County | AreaKind::Township) => format!("{}（全部）", area.name),
        _ => tree.address(id),
    }
}

/// A gathering, as the form sends it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct NewGathering {
    #[serde(default)]
    key: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    held_on: String,
    #[serde(default)]
    item: String,
    #[serde(default)]
    count: String,
}

/// `POST /gatherings`
///
/// # Errors
/// `NotFound` for an area outside the visitor's; what is wrong in the form is shown in it.
pub async fn open(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewGathering>,
) -> Result<Response> {
    match try_open(&app, &staff, form.clone()).await {
        Ok(gathering) => Ok(page::go(&format!("/gatherings/{}", gathering.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let read = move |conn: &mut Conn| gatherings_page(conn, &staff, problems, form, now);
            page::show_with(status, &app.db.read(read).await?)
        }
    }
}

async fn try_open(app: &App, staff: &Staff, form: NewGathering) -> Result<Gathering> {
    if form.area.is_empty() {
        return Err(Error::invalid("area", "请选择哪些住户可以签到。"));
    }
    if form.item.is_empty() {
        return Err(Error::invalid("item", "请选择按哪一项加分。"));
    }
    let held_on = form.held_on.trim().parse();
    let held_on = held_on.map_err(|_| Error::invalid("held_on", "请填写是哪一天。"))?;
    let count = form.count.trim().parse();
    let count = count.map_err(|_| Error::invalid("count", "次数应为整数。"))?;
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let asked = Open {
                area: Id::known(form.area),
                name: form.name,
                place: form.place,
                held_on,
                item: form.item,
                count,
                by: staff.user.id.clone(),
                key: form.key,
            };
            staff.expect_within(conn, Permission::Nominate, &asked.area)?;
            gathering::open(conn, &asked, now)
        })
        .await
}

// ---- One gathering -------------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "council/gathering.html")]
struct GatheringPage {
    shell: Shell,
    problems: Problems,
    gathering: Gathering,
    address: String,
    item: Item,
    opened_by: String,
    closed_by: String,
    /// Signed in, the newest first.
    signed: Vec<Line>,
    /// All doors, to tick off.
    floors: Vec<Floor>,
    total: usize,
    may_work: bool,
    is_early: bool,
    /// The row that was signed in just now, and whether it had been before.
    just: Option<(Line, bool)>,
    /// What keying the sheet came to.
    keyed: Option<String>,
    codes: String,
}

#[derive(Clone)]
struct Line {
    row: Row,
    head: String,
    door: String,
    household: String,
}

struct Floor {
    label: String,
    lines: Vec<Line>,
}

impl Line {
    fn time(&self) -> String {
        let time = self
            .row
            .signed_at
            .map(|at| clock::local(at).format("%H:%M").to_string());
        time.unwrap_or_default()
    }

    fn manner(&self) -> &'static str {
        self.row.manner.map(Manner::label).unwrap_or_default()
    }

    fn refusal(&self) -> &str {
        self.row.refusal.as_deref().unwrap_or_default()
    }
}

impl GatheringPage {
    /// The number of its sheet.
    fn form(&self) -> String {
        Form::SignIn.number(self.gathering.number)
    }

    fn held_on(&self) -> String {
        clock::spoken_day(self.gathering.held_on)
    }

    fn nominated(&self) -> usize {
        self.signed
            .iter()
            .filter(|line| line.row.nomination_id.is_some())
            .count()
    }

    fn refused(&self) -> Vec<&Line> {
        self.signed.iter().filter(|line| line.row.refusal.is_some()).collect()
    }

    fn points(&self) -> i64 {
        self.item.points.0.saturating_mul(self.gathering.count)
    }
}

/// What was done just before this page.
#[derive(Debug, Default, Deserialize)]
pub struct Just {
    #[serde(default)]
    row: i64,
    #[serde(default)]
    before: bool,
    #[serde(default)]
    keyed: Option<usize>,
    #[serde(default)]
    known: usize,
}

/// `GET /gatherings/{id}`
///
/// # Errors
/// `NotFound`, also outside the visitor's area.
pub async fn gathering(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(just): Query<Just>,
) -> Result<Response> {
    let now = app.now();
    let read = move |conn: &mut Conn| gathering_page(conn, &staff, &Id::known(id), &just, now);
    page::show(&app.db.read(read).await?)
}

fn gathering_page(
    conn: &mut Conn,
    staff: &Staff,
    id: &Id<Gathering>,
    just: &Just,
    now: Moment,
) -> Result<GatheringPage> {
    let gathering = gathering::by_id(conn, id)?;
    staff.expect_within(conn, Permission::ReadNominations, &gathering.area_id)?;
    let tree = Tree::load(conn)?;
    let (item, _) = item::by_id(conn, &gathering.scoring_item_id)?;
    let people: Vec<_> = [Some(gathering.opened_by.clone()), gathering.closed_by.clone()]
        .into_iter()
        .flatten()
        .collect();
    let names = user::display_names(conn, &people)?;
    let name = |id: &Id<user::User>| names.get(id).cloned().unwrap_or_default();
    let lines = lines(conn, &gathering)?;
    let mut signed: Vec<Line> = lines
        .iter()
        .map(|(_, line)| line)
        .filter(|line| line.row.signed_at.is_some())
        .cloned()
        .collect();
    signed.sort_by_key(|line| std::cmp::Reverse((line.row.signed_at, line.row.row_number)));
    let keyed = just.keyed.map(|signed| match just.known {
        0 => format!("录入了{signed}户。"),
        known => format!("录入了{signed}户；另有{known}户已经签过到，不重复记。"),
    });
    let may_work = staff
        .duties
        .reach(Permission::Nominate, &tree)
        .covers(&gathering.area_id);
    Ok(GatheringPage {
        shell: staff.shell.clone(),
        problems: Problems::default(),
        address: place_name(&tree, &gathering.area_id),
        item,
        opened_by: name(&gathering.opened_by),
        closed_by: gathering.closed_by.as_ref().map(name).unwrap_or_default(),
        just: signed
            .iter()
            .find(|line| line.row.row_number == just.row)
            .map(|line| (line.clone(), just.before)),
        signed,
        total: lines.len(),
        floors: floors(&tree, lines),
        may_work,
        is_early: gathering.held_on > clock::day_of(now),
        keyed,
        codes: String::new(),
        gathering,
    })
}

/// The rows with their households.
fn lines(conn: &mut Conn, gathering: &Gathering) -> Result<Vec<(Household, Line)>> {
    let rows = gathering::rows(conn, &gathering.id)?;
    let ids: Vec<Id<Household>> = rows.iter().map(|row| row.household_id.clone()).collect();
    let mut households: HashMap<Id<Household>, Household> = HashMap::new();
    for chunk in ids.chunks(500) {
        let found = household::by_ids(conn, chunk)?.into_iter();
        households.extend(found.map(|household| (household.id.clone(), household)));
    }
    let with_household = rows.into_iter().filter_map(|row| {
        let household = households.get(&row.household_id)?.clone();
        let line = Line {
            head: household.head_name.clone(),
            door: household.door(),
            household: household.code.clone(),
            row,
        };
        Some((household, line))
    });
    Ok(with_household.collect())
}

/// The rows by building and stairwell, as at the door.
fn floors(tree: &Tree, lines: Vec<(Household, Line)>) -> Vec<Floor> {
    let mut floors: Vec<Floor> = Vec::new();
    for (household, line) in lines {
        let label = tree.address(&household.building_id);
        match floors.last_mut().filter(|floor| floor.label == label) {
            Some(floor) => floor.lines.push(line),
            None => floors.push(Floor {
                label,
                lines: vec![line],
            }),
        }
    }
    floors
}

/// `POST /gatherings/{id}/sign-ins`: by card (scanned, typed, photographed), by a tap on a door, or by the row codes of the
/// paper sheet. Signing in twice is no fault.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn sign_in(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedUpload(sent): SignedUpload,
) -> Result<Response> {
    let id: Id<Gathering> = Id::known(id);
    let codes = sent.one("codes").trim().to_owned();
    let shown = match sent.files("photo").next().cloned() {
        Some(photo) => app.slowly(move || card_in(&photo)).await?.map(Shown::Card),
        None if !codes.is_empty() => Ok(Shown::Codes(codes.clone())),
        None if !sent.one("household").is_empty() => Ok(Shown::Door(sent.one("household").to_owned())),
        None => CardToken::parse(sent.one("card"))
            .map(Shown::Card)
            .map_err(|why| Error::invalid("card", why.to_string())),
    };
    let done = match shown {
        Ok(shown) => {
            let (id, staff, now) = (id.clone(), staff.clone(), app.now());
            app.db.write(move |conn| take_in(conn, &staff, &id, shown, now)).await
        }
        Err(error) => Err(error),
    };
    let error = match done {
        Ok(TakenIn::Row(row, before)) => {
            return Ok(page::go(&format!("/gatherings/{id}?row={row}&before={before}")));
        }
        Ok(TakenIn::Sheet(keyed)) if keyed.unknown.is_empty() => {
            return Ok(page::go(&format!(
                "/gatherings/{id}?keyed={}&known={}#paper",
                keyed.signed, keyed.before
            )));
        }
        Ok(TakenIn::Sheet(keyed)) => {
            let what = keyed.unknown.join("、");
            Error::invalid(
                "codes",
                format!(
                    "录入了{}户。这些行号不是这张签到表上的，没有录入：{what}。请对照表头的活动号和行号再录一次。",
                    keyed.signed
                ),
            )
        }
        Err(error) => error,
    };
    show_again(&app, staff, id, error, codes).await
}

/// How a household shows that it is there.
enum Shown {
    /// A card.
    Card(CardToken),
    /// A tap on its door.
    Door(String),
    /// Row codes of the paper sheet.
    Codes(String),
}

enum TakenIn {
    /// The row, and whether it had signed in before.
    Row(i64, bool),
    /// What keying came to.
    Sheet(Keyed),
}

fn take_in(conn: &mut Conn, staff: &Staff, id: &Id<Gathering>, shown: Shown, now: Moment) -> Result<TakenIn> {
    let gathering = workable(conn, staff, id)?;
    let by = &staff.user.id;
    let (household, manner) = match shown {
        Shown::Codes(codes) => return Ok(TakenIn::Sheet(gathering::key_in(conn, &gathering, &codes, by, now)?)),
        Shown::Door(code) => (household::named(conn, &code)?, Manner::Ticked),
        Shown::Card(token) => {
            let programme = programme::get(conn)?;
            let wallet = Wallet::open(conn, &programme, [&token])?;
            let (card, presented) = wallet.recognise(&token)?;
            let manner = match presented {
                Presented::Scanned => Manner::Scanned,
                Presented::Typed => Manner::Typed,
            };
            (household::by_id(conn, &card.household_id)?, manner)
        }
    };
    let signed = gathering::sign_in(conn, &gathering, &household, manner, by, now)?;
    Ok(TakenIn::Row(signed.row.row_number, signed.before))
}

/// A gathering on which this person may work.
fn workable(conn: &mut Conn, staff: &Staff, id: &Id<Gathering>) -> Result<Gathering> {
    let gathering = gathering::by_id(conn, id)?;
    staff.expect_within(conn, Permission::Nominate, &gathering.area_id)?;
    Ok(gathering)
}

async fn show_again(app: &App, staff: Staff, id: Id<Gathering>, error: Error, codes: String) -> Result<Response> {
    let (status, problems) = Problems::from_error(error)?;
    let now = app.now();
    let read = move |conn: &mut Conn| gathering_page(conn, &staff, &id, &Just::default(), now);
    let mut page = app.db.read(read).await?;
    page.problems = problems;
    page.codes = codes;
    page::show_with(status, &page)
}

/// Which row.
#[derive(Deserialize)]
pub struct WhichRow {
    #[serde(default)]
    row: i64,
}

/// `POST /gatherings/{id}/strikes`: takes a household off the list again.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn strike(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(WhichRow { row }): SignedForm<WhichRow>,
) -> Result<Response> {
    let id: Id<Gathering> = Id::known(id);
    let (asked, asking, now) = (id.clone(), staff.clone(), app.now());
    let struck = app
        .db
        .write(move |conn| {
            let gathering = workable(conn, &asking, &asked)?;
            gathering::strike(conn, &gathering, row, &asking.user.id, now)
        })
        .await;
    match struck {
        Ok(_) => Ok(page::go(&format!("/gatherings/{id}"))),
        Err(error) => show_again(&app, staff, id, error, String::new()).await,
    }
}

/// What a form sends that says nothing more than its button.
#[derive(Deserialize)]
pub struct Nothing {}

/// `POST /gatherings/{id}/closing`: one nomination for each household that signed in.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what stands against it is shown on the page.
pub async fn close(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(Nothing {}): SignedForm<Nothing>,
) -> Result<Response> {
    let id: Id<Gathering> = Id::known(id);
    let (asked, asking, now) = (id.clone(), staff.clone(), app.now());
    let closed = app
        .db
        .write(move |conn| {
            workable(conn, &asking, &asked)?;
            gathering::close(conn, &asked, &asking.user.id, now)
        })
        .await;
    match closed {
        Ok(_) => Ok(page::go(&format!("/gatherings/{id}"))),
        Err(error) => show_again(&app, staff, id, error, String::new()).await,
    }
}
