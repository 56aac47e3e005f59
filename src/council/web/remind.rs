//! The page that issues a reminder note: to which household, about which rule, what was seen and until when.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{Day, Moment, day_of, days_after};
use crate::council::reminder::{self, Issue, ReminderNote, rule};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household, Search};
use crate::scheme::terms::{self, ReminderRule, Terms};
use crate::scheme::version;
use crate::sent::{Query, SignedForm};

#[derive(Template)]
#[template(path = "council/remind.html")]
struct RemindPage {
    shell: Shell,
    problems: Problems,
    choices: Vec<Choice>,
    more: bool,
    rules: Vec<ReminderRule>,
    repair_days: u64,
    today: Day,
    latest: Day,
    key: Id<ReminderNote>,
    form: NewReminder,
}

struct Choice {
    code: String,
    head: String,
    address: String,
}

impl RemindPage {
    fn is_chosen(&self, choice: &Choice) -> bool {
        self.choices.len() == 1 || choice.code == self.form.household
    }

    /// What the rule can cost, in words.
    fn cost(&self, rule: &&ReminderRule) -> String {
        let (cost, days) = (rule::cost(rule), self.repair_days);
        match rule::costs_from(rule) {
            ..=1 => format!("到期不改，最多减荣誉分{cost}分，{days}天后自动恢复"),
            2 => format!("当月第一次不减分；第二次起最多减荣誉分{cost}分，{days}天后自动恢复"),
            from => format!("当月第{from}次起，最多减荣誉分{cost}分，{days}天后自动恢复"),
        }
    }
}

/// A note, as the form sends it; and for which household, or which words to look for it.
#[derive(Clone, Default, Deserialize)]
pub struct NewReminder {
    #[serde(default)]
    key: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    household: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    seen: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    seen_on: String,
    #[serde(default)]
    fix_by: String,
}

/// Households that can be chosen from.
const CHOICES: usize = 12;
/// What the form proposes, in days: a week.
const PROPOSED_DAYS: u64 = 7;
/// The last day that the form's calendar offers.
const FURTHEST_DAYS: u64 = 60;

/// `GET /reminders/new`
///
/// # Errors
/// `NotFound` for a household outside the visitor's area.
pub async fn remind_form(State(app): State<App>, staff: Staff, Query(form): Query<NewReminder>) -> Result<Response> {
    let now = app.now();
    let today = day_of(now);
    let form = NewReminder {
        seen_on: today.to_string(),
        fix_by: days_after(today, PROPOSED_DAYS).to_string(),
        ..form
    };
    let page = app
        .db
        .read(move |conn| remind_page(conn, &staff, Problems::default(), form, now))
        .await?;
    page::show(&page)
}

fn remind_page(
    conn: &mut Conn,
    staff: &Staff,
    problems: Problems,
    form: NewReminder,
    now: Moment,
) -> Result<RemindPage> {
    let today = day_of(now);
    let mut found = found(conn, staff, &form)?;
    let more = found.len() > CHOICES;
    found.truncate(CHOICES);
    let tree = Tree::load(conn)?;
    let choice = |household: Household| Choice {
        address: household.address(&tree),
        code: household.code,
        head: household.head_name,
    };
    let terms = match version::in_force(conn, today) {
        Ok(version) => terms::of(conn, &version.id)?,
        Err(Error::NotFound) => Terms::default(),
        Err(error) => return Err(error),
    };
    Ok(RemindPage {
        shell: staff.shell.clone(),
        problems,
        choices: found.into_iter().map(choice).collect(),
        more,
        repair_days: terms.honour_penalty.repair_days,
        rules: terms.reminders,
        today,
        latest: days_after(today, FURTHEST_DAYS),
        key: Id::new(now),
        form,
    })
}

fn found(conn: &mut Conn, staff: &Staff, form: &NewReminder) -> Result<Vec<Household>> {
    if !form.query.is_empty() {
        let search = Search {
            query: form.query.clone(),
            buildings: staff.reach(conn, Permission::IssueReminders)?.buildings(),
            after: None,
            limit: i64::try_from(CHOICES.saturating_add(1)).unwrap_or(i64::MAX),
        };
        return household::search(conn, &search);
    }
    if form.household.is_empty() {
        return Ok(Vec::new());
    }
    let household = household::by_code(conn, &form.household)?;
    staff.expect_within(conn, Permission::IssueReminders, &household.building_id)?;
    Ok(vec![household])
}

/// `POST /reminders`
///
/// # Errors
/// `NotFound` for a household outside the visitor's area: what is wrong in the form is shown in it.
pub async fn remind(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewReminder>,
) -> Result<Response> {
    match try_remind(&app, &staff, form.clone()).await {
        Ok(note) => Ok(page::go(&format!("/reminders/{}?done=issued", note.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let read = move |conn: &mut Conn| remind_page(conn, &staff, problems, form, now);
            page::show_with(status, &app.db.read(read).await?)
        }
    }
}

async fn try_remind(app: &App, staff: &Staff, form: NewReminder) -> Result<ReminderNote> {
    if form.household.is_empty() {
        return Err(Error::invalid("household", "请先选是哪一户。"));
    }
    let day = |text: &str, field, why: &str| text.trim().parse::<Day>().map_err(|_| Error::invalid(field, why));
    let seen_on = day(&form.seen_on, "seen_on", "请填写是哪一天看到的，例如2026-11-21。")?;
    let fix_by = day(&form.fix_by, "fix_by", "请填写哪一天以前改好，例如2026-11-28。")?;
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let household = household::by_code(conn, &form.household)?;
            staff.expect_within(conn, Permission::IssueReminders, &household.building_id)?;
            let asked = Issue {
                household: household.id,
                rule: form.rule,
                seen: form.seen,
                place: form.place,
                seen_on,
                fix_by,
                by: staff.user,
                key: form.key,
            };
            reminder::issue(conn, &asked, now)
        })
        .await
}
