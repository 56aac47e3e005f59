//! A resident reports a good deed through the page of the own card: of the own household, or of a neighbour's.
//!
//! The page is public and shows nothing of anybody: no name, not whether a neighbour has points, not whether a cap is used
//! up. It looks the same for every card; only the card's secret lets a report in. Staff verify it as any other.

use std::fmt;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Days;
use serde::Deserialize;

use super::holder::Holder;
use super::nominate::items_in_force;
use super::whom::places;
use crate::access::role::Reach;
use crate::app::{App, Resident, Sender, Visitor};
use crate::audit;
use crate::clock::{self, Day, Moment};
use crate::council::forecast;
use crate::council::nomination::{self, Nominate, Nomination, Nominator};
use crate::db::Conn;
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household, Search};
use crate::places::programme::Programme;
use crate::scheme::item::{self, Category, Item};
use crate::scheme::version;
use crate::sent::{OpenForm, Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "council/deed.html")]
struct DeedPage {
    shell: Shell,
    problems: Problems,
    /// Where the form is sent.
    action: String,
    /// Where one came from.
    home: String,
    is_done: bool,
    groups: Vec<(Category, Vec<Item>)>,
    places: Vec<super::whom::Place>,
    today: Day,
    yesterday: Day,
    key: Id<Nomination>,
    form: NewDeed,
}

impl DeedPage {
    fn is_day(&self, day: &Day) -> bool {
        self.form.occurred_on == day.to_string()
    }

    fn has_chosen(&self, items: &[Item]) -> bool {
        items.iter().any(|item| item.code == self.form.item)
    }
}

/// A report, as the form sends it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct NewDeed {
    #[serde(default)]
    key: String,
    #[serde(default)]
    whose: String,
    #[serde(default)]
    building: String,
    #[serde(default)]
    door: String,
    #[serde(default)]
    item: String,
    #[serde(default)]
    occurred_on: String,
    #[serde(default)]
    note: String,
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: bool,
}

/// `GET /K/{token}/deed`: the same page for every card.
///
/// # Errors
/// Only when the database fails.
pub async fn deed_form(
    State(app): State<App>,
    visitor: Visitor,
    Path(token): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    show_empty(&app, visitor.shell, Holder::Card(token), done).await
}

/// `GET /my/deed`: the same for a household that signed in.
///
/// # Errors
/// Only when the database fails.
pub async fn own_deed_form(State(app): State<App>, resident: Resident, Query(done): Query<Done>) -> Result<Response> {
    let holder = Holder::SignedIn(resident.household.id);
    show_empty(&app, resident.shell, holder, done).await
}

async fn show_empty(app: &App, shell: Shell, holder: Holder, done: Done) -> Result<Response> {
    let form = NewDeed {
        whose: "own".to_owned(),
        occurred_on: clock::day_of(app.now()).to_string(),
        ..NewDeed::default()
    };
    show(app, shell, holder, StatusCode::OK, Problems::default(), form, done.done).await
}

async fn show(
    app: &App,
    shell: Shell,
    holder: Holder,
    status: StatusCode,
    problems: Problems,
    form: NewDeed,
    is_done: bool,
) -> Result<Response> {
    if app.programme().await?.is_none() {
        return Ok(page::go("/first-run"));
    }
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let today = clock::day_of(now);
            let (categories, items) = items_in_force(conn, today)?;
            let groups = categories.into_iter().map(|category| {
                let inside = items.iter().filter(|item| item.category_code == category.code);
                let inside: Vec<Item> = inside.cloned().collect();
                (category, inside)
            });
            Ok(DeedPage {
                shell,
                problems,
                action: holder.page("deed"),
                home: holder.home(),
                is_done,
                groups: groups.collect(),
                places: places(&Tree::load(conn)?, &Reach::Everywhere),
                today,
                yesterday: today.checked_sub_days(Days::new(1)).unwrap_or(today),
                key: Id::new(now),
                form,
            })
        })
        .await?;
    page::show_with(status, &page)
}

/// `POST /K/{token}/deed`
///
/// # Errors
/// Only when the database fails: what stands against a report is shown on the page.
pub async fn report_deed(
    State(app): State<App>,
    visitor: Visitor,
    sender: Sender,
    Path(token): Path<String>,
    OpenForm(form): OpenForm<NewDeed>,
) -> Result<Response> {
    answer(&app, visitor.shell, sender, Holder::Card(token), form).await
}

/// `POST /my/deed`
///
/// # Errors
/// Only when the database fails: what stands against a report is shown on the page.
pub async fn report_own_deed(
    State(app): State<App>,
    resident: Resident,
    sender: Sender,
    SignedForm(form): SignedForm<NewDeed>,
) -> Result<Response> {
    let holder = Holder::SignedIn(resident.household.id);
    answer(&app, resident.shell, sender, holder, form).await
}

async fn answer(app: &App, shell: Shell, sender: Sender, holder: Holder, form: NewDeed) -> Result<Response> {
    let reported = match app.programme().await? {
        None => return Ok(page::go("/first-run")),
        Some(_)
            if app
                .reports()
                .begin(&holder.counted_as(), sender.address(), app.now())
                .is_none() =>
        {
            Err(Refused::TooFast.into())
        }
        Some(programme) => {
            let (holder, form, now) = (holder.clone(), form.clone(), app.now());
            app.db
                .write(move |conn| report(conn, &programme, &holder, form, now))
                .await
        }
    };
    match reported {
        Ok(()) => Ok(page::go(&format!("{}?done=true", holder.page("deed")))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(app, shell, holder, status, problems, form, false).await
        }
    }
}

/// Why a report is not taken.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    /// Whatever is wrong with a card is said alike.
    NotThisCard,
    /// Too many from one card or one address.
    TooFast,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Refused::NotThisCard => "用这张卡报不了。请用手机扫现在用的积分卡上的二维码，或者到办公室、找楼栋长报。",
            Refused::TooFast => "报得太快了，这一条没有收下。请过一会儿再报，或者告诉楼栋长。",
        })
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NotThisCard => "not_this_card",
            Refused::TooFast => "too_many_reports",
        }
    }
}

fn report(conn: &mut Conn, programme: &Programme, holder: &Holder, form: NewDeed, now: Moment) -> Result<()> {
    let own = holder.household(conn, programme).map_err(|error| match error {
        Error::Internal(..) => error,
        _ => Refused::NotThisCard.into(),
    })?;
    if form.item.is_empty() {
        return Err(Error::invalid("item", "请选择做了什么好事。"));
    }
    let day: Day = form
        .occurred_on
        .trim()
        .parse()
        .map_err(|_| Error::invalid("occurred_on", "请选择是哪一天。"))?;
    let household = match form.whose.as_str() {
        "neighbour" => at_door(conn, &Id::known(form.building), &form.door)?.id,
        _ => own.clone(),
    };
    let version = version::in_force(conn, day.min(clock::day_of(now)))
        .map_err(|_| Error::invalid("occurred_on", "那一天没有生效的积分办法，请另选一天。"))?;
    let found = item::by_code(conn, &version.id, &form.item)?;
    let rule = item::by_id(conn, &found.id)?;
    let before = forecast::forecast(conn, &household, (&rule.0, &rule.1), 1, day, None)?;
    let is_repeat = |one: &Nomination| one.nominating_household_id.as_ref() == Some(&own);
    if before.same_day.iter().any(is_repeat) {
        return Ok(());
    }
    let asked = Nominate {
        household,
        item: form.item,
        count: 1,
        occurred_on: day,
        note: form.note,
        by: Nominator::Household(own.clone()),
        key: form.key,
    };
    match nomination::nominate(conn, &asked, now) {
        Ok(_) => Ok(()),
        // That a cap is used up would tell what a household has: the answer is the same, and the staff can read why.
        Err(error) if error.code() == "limit_reached" => {
            let subject = format!("household:{}", asked.household);
            let event = audit::Event::new(own.as_str(), "award.reported_over_cap", subject, asked.item, now);
            audit::record(conn, &[event])
        }
        Err(error) => Err(error),
    }
}

/// The household behind a door of a building: `2单元1103`, `2-1103`, or `1103` where only one stairwell has it.
fn at_door(conn: &mut Conn, building: &Id<Area>, door: &str) -> Result<Household> {
    let search = Search {
        buildings: Some(vec![building.clone()]),
        limit: 1_000,
        ..Search::default()
    };
    let homes = household::search(conn, &search)?;
    let parts: Vec<String> = door
        .split(|letter: char| !letter.is_alphanumeric() || "单元室号楼栋户".contains(letter))
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    let fits = |home: &&Household| match parts.as_slice() {
        [room] => home.room == *room,
        [stairwell, room] => home.room == *room && home.stairwell.as_ref() == Some(stairwell),
        _ => false,
    };
    let mut found = homes.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(home), None) => Ok(home.clone()),
        (Some(_), Some(_)) => Err(Error::invalid(
            "door",
            "这栋楼有几个单元都有这个房号，请写上单元，例如2单元1103。",
        )),
        (None, _) => Err(Error::invalid(
            "door",
            "没有找到这个门牌，请核对楼栋和房号，例如2单元1103。",
        )),
    }
}
