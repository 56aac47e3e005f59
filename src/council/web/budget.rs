//! The page of the issuance budget: what a month may issue and has issued, what waits for room, and the form that sets it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{Datelike, Months};
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment, Span};
use crate::council::budget::{self, IssuanceBudget, SetBudget, Use, Waiting};
use crate::council::notice;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, AreaKind, Tree};
use crate::points::Points;
use crate::scheme::item;
use crate::sent::{Query, SignedForm};

#[derive(Template)]
#[template(path = "council/budget.html")]
struct BudgetPage {
    shell: Shell,
    problems: Problems,
    done: String,
    month: String,
    used: Vec<AreaUse>,
    queue: Vec<Queued>,
    history: Vec<Set>,
    /// For who may set it.
    form: Option<Form>,
}

struct AreaUse {
    area: String,
    used: Use,
}

impl AreaUse {
    /// What is posted and promised, of a hundred.
    fn percent(&self, points: &Points) -> i64 {
        let whole = self.used.budget.points.0.max(1);
        points
            .0
            .saturating_mul(100)
            .checked_div(whole)
            .unwrap_or(0)
            .clamp(0, 100)
    }

    fn is_over_promised(&self) -> bool {
        let promised = self.used.pending.plus(self.used.queued).unwrap_or_default();
        promised > self.used.left()
    }
}

struct Queued {
    place: usize,
    whose: String,
    building: String,
    deed: String,
    points: Points,
    occurred_on: Day,
    why: &'static str,
    likely: String,
    slip: String,
}

struct Set {
    area: String,
    budget: IssuanceBudget,
    by: String,
    set_at: String,
}

struct Form {
    areas: Vec<(Id<Area>, String)>,
    months: Vec<(Day, String)>,
    key: Id<IssuanceBudget>,
    sent: NewBudget,
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /budget`
///
/// # Errors
/// Only when the database fails.
pub async fn budget(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    let now = app.now();
    let mut page = app.db.read(move |conn| budget_page(conn, staff, now)).await?;
    page.done = done.done;
    page::show(&page)
}

/// `2026年11月`; a template hands in a reference.
fn month_label(day: &Day) -> String {
    format!("{}年{}月", day.year(), day.month())
}

fn budget_page(conn: &mut Conn, staff: Staff, now: Moment) -> Result<BudgetPage> {
    let today = clock::day_of(now);
    let tree = Tree::load(conn)?;
    let name = |area: &Id<Area>| tree.get(area).map(|area| area.name.clone()).unwrap_or_default();
    let used = budget::in_use(conn, today)?.into_iter().map(|used| AreaUse {
        area: name(&used.budget.area_id),
        used,
    });
    let history = budget::history(conn)?;
    let people: Vec<Id<User>> = history.iter().map(|one| one.set_by.clone()).collect();
    let names = user::display_names(conn, &people)?;
    let used = used.collect();
    let mut queue = Vec::new();
    for (place, one) in (1..).zip(budget::queue(conn, today)?) {
        queue.push(queued(conn, place, &one, &name(&one.household.building_id))?);
    }
    Ok(BudgetPage {
        problems: Problems::default(),
        done: String::new(),
        month: month_label(&today),
        used,
        queue,
        history: history
            .into_iter()
            .map(|budget| Set {
                area: name(&budget.area_id),
                by: names.get(&budget.set_by).cloned().unwrap_or_default(),
                set_at: clock::spoken(budget.set_at),
                budget,
            })
            .collect(),
        form: form(&staff, &tree, now),
        shell: staff.shell,
    })
}

fn queued(conn: &mut Conn, place: usize, one: &Waiting, building: &str) -> Result<Queued> {
    let (item, _) = item::by_id(conn, &one.nomination.scoring_item_id)?;
    let slip = match &one.nomination.notice_id {
        Some(notice) => one.nomination.notice_slip(&notice::by_id(conn, notice)?),
        None => String::new(),
    };
    Ok(Queued {
        place,
        whose: one.household.masked_name(),
        building: building.to_owned(),
        deed: item.name,
        points: one.nomination.spendable_points.unwrap_or_default(),
        occurred_on: one.nomination.occurred_on,
        why: one.why.label(),
        likely: one
            .likely
            .map_or_else(|| "定了预算以后".to_owned(), |month| month_label(&month)),
        slip,
    })
}

/// The form for the areas in which the visitor sets budgets.
fn form(staff: &Staff, tree: &Tree, now: Moment) -> Option<Form> {
    if !staff.duties.permit(Permission::SetBudget) {
        return None;
    }
    let reach = staff.duties.reach(Permission::SetBudget, tree);
    let may_have_one = |area: &&Area| area.kind != AreaKind::Building && reach.covers(&area.id);
    let this_month = Span::month_of(clock::day_of(now)).from;
    let months = (0..13).filter_map(|months| this_month.checked_add_months(Months::new(months)));
    Some(Form {
        areas: tree
            .all()
            .iter()
            .filter(may_have_one)
            .map(|area| (area.id.clone(), area.name.clone()))
            .collect(),
        months: months.map(|month| (month, month_label(&month))).collect(),
        key: Id::new(now),
        sent: NewBudget {
            soft_percent: "80".to_owned(),
            ..NewBudget::default()
        },
    })
}

/// A budget, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewBudget {
    #[serde(default)]
    key: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    from_month: String,
    #[serde(default)]
    points: String,
    #[serde(default)]
    soft_percent: String,
    #[serde(default)]
    reason: String,
}

/// `POST /budget`
///
/// # Errors
/// What is wrong in the form is shown in it.
pub async fn set_budget(
    State(app): State<App>,
    staff: Staff,
    SignedForm(sent): SignedForm<NewBudget>,
) -> Result<Response> {
    match try_set(&app, &staff, sent.clone()).await {
        Ok(()) => Ok(page::go("/budget?done=set")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let mut page = app.db.read(move |conn| budget_page(conn, staff, now)).await?;
            page.problems = problems;
            if let Some(form) = &mut page.form {
                form.sent = sent;
            }
            page::show_with(status, &page)
        }
    }
}

async fn try_set(app: &App, staff: &Staff, sent: NewBudget) -> Result<()> {
    let number = |text: &str| text.trim().parse::<i64>().ok();
    let mut wrong = Vec::new();
    let mut miss = |field: &'static str, message: &str| {
        wrong.push(crate::error::FieldError {
            field,
            message: message.to_owned(),
        });
    };
    if sent.area.is_empty() {
        miss("area", "请选择给哪里定预算。");
    }
    let from_month = sent.from_month.parse::<Day>();
    if from_month.is_err() {
        miss("from_month", "请选择从哪个月起。");
    }
    let points = number(&sent.points);
    if points.is_none() {
        miss("points", "每月预算应为0至1亿之间的整数积分。");
    }
    let soft_percent = number(&sent.soft_percent);
    if soft_percent.is_none() {
        miss("soft_percent", "提醒线应为1至100之间的百分数。");
    }
    let (Ok(from_month), Some(points), Some(soft_percent), true) = (from_month, points, soft_percent, wrong.is_empty())
    else {
        return Err(Error::Invalid(wrong));
    };
    let asked = SetBudget {
        area: Id::known(sent.area),
        from_month,
        points: Points(points),
        soft_percent,
        reason: sent.reason,
        by: staff.user.id.clone(),
        key: sent.key,
    };
    let (staff, now) = (staff.clone(), app.now());
    app.db
        .write(move |conn| {
            staff.expect_within(conn, Permission::SetBudget, &asked.area)?;
            budget::set(conn, &asked, now).map(|_| ())
        })
        .await
}
