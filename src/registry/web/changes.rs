//! Changes of a household: what happened to it, and a form for what happens next, which is shown before it is done.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::award;
use crate::id::Id;
use crate::ledger::balance;
use crate::page::{self, Problems, Shell};
use crate::places::area::{AreaKind, Tree};
use crate::places::event::{self, HouseholdEvent};
use crate::places::household::{self, Household};
use crate::places::residence;
use crate::places::standing::{self, Standing};
use crate::points::Points;
use crate::registry::change::{self, AskChange, Change, Door};
use crate::registry::plan::{self, Plan};
use crate::sent::{Path, Query, SignedForm};

/// The kinds of change, as addresses name them: word, title, hint.
const KINDS: [(&str, &str, &str); 8] = [
    ("split", "分户", "一部分家人另立一户，可以带走一些积分"),
    ("merge", "并户", "整户并入另一户，积分一起转过去"),
    ("move", "搬家", "换了门牌，还在本项目范围内"),
    ("leave", "迁出", "搬走了，不再参加；积分还可用90天"),
    ("resize", "人口变动", "添了人或少了人，积分不变"),
    ("head", "户主变更", "换户主，积分不变"),
    ("staff", "工作人员家庭", "家里有人在本项目任职，或不再任职"),
    ("rejoin", "重新加入", "迁出后又搬回来了"),
];

fn title_of(kind: &str) -> Result<&'static str> {
    let found = KINDS.iter().find(|(word, ..)| *word == kind);
    found.map(|(_, title, _)| *title).ok_or(Error::NotFound)
}

#[derive(Template)]
#[template(path = "registry/changes.html")]
struct ChangesPage {
    shell: Shell,
    done: bool,
    code: String,
    head: String,
    kinds: Vec<(&'static str, &'static str, &'static str)>,
    merged: bool,
    events: Vec<EventRow>,
    residences: Vec<(String, String)>,
}

struct EventRow {
    day: String,
    what: String,
    detail: String,
    reason: String,
    by: String,
    written: String,
    other: Option<(String, String)>,
    slip: Option<i64>,
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /households/{code}/changes`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn changes(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let household = household::by_code(conn, &code)?;
            staff.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
            let standing = standing::now(conn, &household.id)?;
            let tree = Tree::load(conn)?;
            let offered = |word: &str| match &standing {
                Standing::Active => word != "rejoin",
                Standing::Left { .. } => word == "rejoin",
                Standing::Merged { .. } => false,
            };
            let residences = residence::former(conn, &household.id)?
                .into_iter()
                .map(|one| {
                    let door = match &one.stairwell {
                        Some(stairwell) => format!("{stairwell}单元{}", one.room),
                        None => one.room.clone(),
                    };
                    let days = format!("{}至{}前", one.from_on, one.until_on);
                    (days, format!("{} {door}", tree.address(&one.building_id)))
                })
                .collect();
            Ok(ChangesPage {
                shell: staff.shell,
                done: done.done == "yes",
                kinds: KINDS.into_iter().filter(|(word, ..)| offered(word)).collect(),
                merged: matches!(standing, Standing::Merged { .. }),
                events: event_rows(conn, &household)?,
                residences,
                code: household.code,
                head: household.head_name,
            })
        })
        .await?;
    page::show(&page)
}

fn event_rows(conn: &mut Conn, household: &Household) -> Result<Vec<EventRow>> {
    let events = event::of_household(conn, &household.id)?;
    let others: Vec<Id<Household>> = events
        .iter()
        .flat_map(|event| [Some(event.household_id.clone()), event.other_id.clone()])
        .flatten()
        .filter(|id| *id != household.id)
        .collect();
    let others: HashMap<Id<Household>, Household> = household::by_ids(conn, &others)?
        .into_iter()
        .map(|other| (other.id.clone(), other))
        .collect();
    let people: Vec<_> = events
        .iter()
        .map(|event| Id::known(event.recorded_by.clone()))
        .collect();
    let names = user::display_names(conn, &people)?;
    let row = |event: HouseholdEvent| {
        let own = event.household_id == household.id;
        let other = match own {
            true => event.other_id.as_ref(),
            false => Some(&event.household_id),
        };
        let other = other.and_then(|id| others.get(id));
        let what = match (own, event.kind) {
            (false, event::EventKind::Split) => "由另一户分出",
            (false, _) => "另一户并入",
            (true, kind) => kind.label(),
        };
        EventRow {
            day: clock::spoken_day(event.effective_on),
            what: what.to_owned(),
            detail: event.detail,
            reason: event.reason,
            by: names.get(&Id::known(event.recorded_by)).cloned().unwrap_or_default(),
            written: clock::spoken(event.recorded_at),
            other: other.map(|other| (other.code.clone(), other.head_name.clone())),
            slip: event.transaction_number,
        }
    };
    Ok(events.into_iter().map(row).collect())
}

/// What is typed into the form of a change.
#[derive(Clone, Default, Deserialize)]
pub struct ChangeForm {
    #[serde(default)]
    key: String,
    /// The seal of the preview that is confirmed; empty asks for the preview.
    #[serde(default)]
    shown: String,
    /// `back` from the preview to the form.
    #[serde(default)]
    step: String,
    #[serde(default)]
    effective_on: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    building: String,
    #[serde(default)]
    stairwell: String,
    #[serde(default)]
    room: String,
    #[serde(default)]
    head_name: String,
    #[serde(default)]
    people: String,
    #[serde(default)]
    points: String,
    #[serde(default)]
    into: String,
    #[serde(default)]
    is_staff: String,
}

#[derive(Template)]
#[template(path = "registry/change.html")]
struct ChangePage {
    shell: Shell,
    problems: Problems,
    kind: String,
    title: &'static str,
    code: String,
    head: String,
    people: i64,
    spendable: Points,
    today: Day,
    buildings: Vec<(String, String)>,
    is_staff: bool,
    form: ChangeForm,
    plan: Option<Plan>,
}

impl ChangePage {
    fn has_door(&self) -> bool {
        matches!(self.kind.as_str(), "split" | "move")
    }

    fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }
}

/// `GET /households/{code}/changes/{kind}`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn change_form(
    State(app): State<App>,
    staff: Staff,
    Path((code, kind)): Path<(String, String)>,
) -> Result<Response> {
    let now = app.now();
    let form = ChangeForm::default();
    let page = app
        .db
        .read(move |conn| change_page(conn, &staff, &code, &kind, form, now))
        .await?;
    page::show(&page)
}

fn change_page(
    conn: &mut Conn,
    staff: &Staff,
    code: &str,
    kind: &str,
    form: ChangeForm,
    now: Moment,
) -> Result<ChangePage> {
    let title = title_of(kind)?;
    let household = household::by_code(conn, code)?;
    staff.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
    let tree = Tree::load(conn)?;
    let reach = staff.reach(conn, Permission::ChangeHouseholds)?;
    let buildings = tree
        .all()
        .iter()
        .filter(|area| area.kind == AreaKind::Building && reach.covers(&area.id))
        .map(|area| (area.id.to_string(), tree.address(&area.id)))
        .collect();
    let today = day_of(now);
    let fresh = form.key.is_empty();
    let mut form = form;
    if fresh {
        form.key = Id::<HouseholdEvent>::new(now).to_string();
        form.effective_on = today.to_string();
        if matches!(kind, "move" | "split") {
            form.building = household.building_id.to_string();
            form.stairwell = household.stairwell.clone().unwrap_or_default();
        }
        if kind == "resize" {
            form.people = household.people.to_string();
        }
        if kind == "split" {
            form.points = "0".to_owned();
            form.people = "1".to_owned();
        }
    }
    Ok(ChangePage {
        shell: staff.shell.clone(),
        problems: Problems::default(),
        kind: kind.to_owned(),
        title,
        people: household.people,
        spendable: balance::of(conn, household.id.as_str())?.spendable,
        today,
        buildings,
        is_staff: standing::staff_since(conn, &household.id)?.is_some(),
        form,
        plan: None,
        code: household.code,
        head: household.head_name,
    })
}

/// `POST /households/{code}/changes/{kind}`: shows what would be done; done when that was confirmed.
///
/// # Errors
/// `NotFound`; what is wrong in the form is shown in it.
pub async fn change(
    State(app): State<App>,
    staff: Staff,
    Path((code, kind)): Path<(String, String)>,
    SignedForm(form): SignedForm<ChangeForm>,
) -> Result<Response> {
    let now = app.now();
    title_of(&kind)?;
    let Ok(in_path) = askama::filters::urlencode_strict(&code);
    let done = format!("/households/{in_path}/changes?done=yes");
    let (shown_again, of_form) = ((staff.clone(), code.clone(), kind.clone()), form.clone());
    let answer = match (form.step.as_str(), form.shown.is_empty()) {
        ("back", _) => Ok(None),
        (_, true) => {
            app.db
                .read(move |conn| {
                    let asked = asked(conn, &staff, &code, &kind, &form)?;
                    looked_at(conn, &staff, &asked, now).map(Some)
                })
                .await
        }
        (_, false) => {
            let carried_out = app
                .db
                .write(move |conn| {
                    let asked = asked(conn, &staff, &code, &kind, &form)?;
                    change::carry_out(
                        conn,
                        &asked,
                        &form.shown,
                        &staff.user.id,
                        &form.key,
                        now,
                        |conn, building| staff.expect_within(conn, Permission::ChangeHouseholds, building),
                    )
                })
                .await;
            match carried_out {
                Ok(_) => return Ok(page::go(&done)),
                Err(error) => {
                    app.ask_back(&error).await?;
                    Err(error)
                }
            }
        }
    };
    let (staff, code, kind) = shown_again;
    let (status, problems, plan) = match answer {
        Ok(plan) => (StatusCode::OK, Problems::default(), plan),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            (status, problems, None)
        }
    };
    let mut page = app
        .db
        .read(move |conn| change_page(conn, &staff, &code, &kind, of_form, now))
        .await?;
    page.problems = problems;
    page.plan = plan;
    page::show_with(status, &page)
}

/// A preview, for somebody who is responsible for every place it touches.
fn looked_at(conn: &mut Conn, staff: &Staff, asked: &AskChange, now: Moment) -> Result<Plan> {
    let mut plan = plan::plan(conn, asked, now)?;
    if matches!(asked.change, Change::Merge { .. } | Change::Leave) {
        let awards = award::of_household(conn, &asked.household)?;
        if awards.iter().any(|one| award::State::UNDER_WAY.contains(&one.state)) {
            let told = "这一户正在评选的称号到此为止；并户的，可以为并入后的那一户重新申报。";
            plan.warnings.push(told.to_owned());
        }
    }
    for building in plan.buildings() {
        staff
            .expect_within(conn, Permission::ChangeHouseholds, &building)
            .map_err(|_| change::OUTSIDE)?;
    }
    Ok(plan)
}

fn asked(conn: &mut Conn, staff: &Staff, code: &str, kind: &str, form: &ChangeForm) -> Result<AskChange> {
    let household = household::by_code(conn, code)?;
    staff.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
    let door = Door {
        building: form.building.clone(),
        stairwell: form.stairwell.clone(),
        room: form.room.clone(),
    };
    let change = match kind {
        "split" => Change::Split {
            door,
            head_name: form.head_name.clone(),
            people: whole(&form.people, "people", "人数")?,
            points: whole(&form.points, "points", "积分")?,
        },
        "merge" => Change::Merge {
            into: form.into.clone(),
        },
        "move" => Change::Move { door },
        "leave" => Change::Leave,
        "rejoin" => Change::Rejoin,
        "resize" => Change::Resize {
            people: whole(&form.people, "people", "人数")?,
        },
        "head" => Change::ChangeHead {
            head_name: form.head_name.clone(),
        },
        "staff" => Change::FlagStaff {
            is_staff: form.is_staff == "yes",
        },
        _ => return Err(Error::NotFound),
    };
    let effective_on = form
        .effective_on
        .trim()
        .parse()
        .map_err(|_| Error::invalid("effective_on", "请填写生效日期。"))?;
    Ok(AskChange {
        household: household.id,
        change,
        effective_on,
        reason: form.reason.clone(),
    })
}

fn whole(text: &str, field: &'static str, what: &str) -> Result<i64> {
    text.trim()
        .parse()
        .map_err(|_| Error::invalid(field, format!("{what}请填写数字。")))
}
