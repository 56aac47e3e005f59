//! A store's own page: opening days, tills, and the counter's rules, with who set them and why.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::basket::Fields;
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, Day, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::points::Points;
use crate::sent::{NoFields, Path, Query, SignedForm};
use crate::shop::catalogue;
use crate::shop::opening::{self, OpeningDays};
use crate::shop::rules::{self, CategoryLimit, CounterRules};
use crate::shop::store::{self, PointsStore};
use crate::shop::till::{self, Till};

#[derive(Template)]
#[template(path = "shop/store.html")]
struct StorePage {
    shell: Shell,
    problems: Problems,
    done: String,
    store: PointsStore,
    days: OpeningDays,
    tills: Vec<Till>,
    rules: CounterRules,
    /// 粮油、洗涤 … with a limit for each tier, as text for the form.
    limits: Vec<(String, Vec<String>)>,
    today: Day,
    may_keep: bool,
}

/// From how many people on the form asks for a limit.
const TIERS: [i64; 3] = [1, 3, 5];
/// What the tiers are called.
const TIER_NAMES: [&str; 3] = ["1至2人户", "3至4人户", "5人及以上"];
const WEEKDAYS: [(u32, &str); 7] = [
    (1, "周一"),
    (2, "周二"),
    (3, "周三"),
    (4, "周四"),
    (5, "周五"),
    (6, "周六"),
    (7, "周日"),
];

impl StorePage {
    fn build(conn: &mut Conn, staff: Staff, problems: Problems, done: String, today: Day) -> Result<StorePage> {
        let store = store::of_duties(conn, &staff.duties, Permission::ReadJournal)?;
        let rules = rules::now(conn)?;
        let categories = catalogue::categories_on_offer(conn)?;
        let tier = |category: &String, people: i64| {
            let limits = rules.limits.iter();
            let mut own = limits.filter(|limit| limit.category == *category && limit.people_from == people);
            own.next().map(|limit| limit.most.to_string()).unwrap_or_default()
        };
        let limits = categories
            .into_iter()
            .map(|category| {
                let tiers = TIERS.iter().map(|people| tier(&category, *people)).collect();
                (category, tiers)
            })
            .collect();
        Ok(StorePage {
            may_keep: staff.duties.permit(Permission::KeepStore),
            shell: staff.shell,
            problems,
            done,
            days: opening::of_store(conn, &store.id, today)?,
            tills: till::of_store(conn, &store.id)?,
            store,
            limits,
            rules,
            today,
        })
    }

    fn month_days(&self) -> String {
        let days: Vec<String> = self.days.month_days.iter().map(u32::to_string).collect();
        days.join("、")
    }
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /store`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn store(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    show(&app, staff, StatusCode::OK, Problems::default(), done.done).await
}

async fn show(app: &App, staff: Staff, status: StatusCode, problems: Problems, done: String) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| StorePage::build(conn, staff, problems, done, today))
        .await?;
    page::show_with(status, &page)
}

/// Does something about the visitor's store, and shows its page again.
async fn keep(
    app: &App,
    staff: Staff,
    done: &str,
    work: impl FnOnce(&mut Conn, &Id<PointsStore>) -> Result<()> + Send + 'static,
) -> Result<Response> {
    let duties = staff.duties.clone();
    let outcome = app
        .db
        .write(move |conn| {
            let store = store::of_duties(conn, &duties, Permission::KeepStore)?;
            work(conn, &store.id)
        })
        .await;
    answer(app, staff, outcome, done).await
}

async fn answer(app: &App, staff: Staff, outcome: Result<()>, done: &str) -> Result<Response> {
    match outcome {
        Ok(()) => Ok(page::go(&format!("/store?done={done}"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(app, staff, status, problems, String::new()).await
        }
    }
}

/// `POST /store/opening`: the pattern of opening days.
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn set_opening(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let (by, now) = (staff.user.id.clone(), app.now());
    let mut weekdays = Vec::new();
    let mut month_days = Ok(Vec::new());
    for (name, text) in fields {
        match name.as_str() {
            "weekday" => weekdays.extend(text.parse::<u32>()),
            "month_days" => month_days = days_of_text(&text),
            _ => {}
        }
    }
    match month_days {
        Ok(month_days) => {
            keep(&app, staff, "opening", move |conn, store| {
                opening::set_pattern(conn, store, &weekdays, &month_days, &by, now)
            })
            .await
        }
        Err(error) => answer(&app, staff, Err(error), "").await,
    }
}

/// `1、15` or `1,15`.
fn days_of_text(text: &str) -> Result<Vec<u32>> {
    let numbers = text.split(['、', ',', '，', ' ']).filter(|part| !part.is_empty());
    numbers
        .map(|part| {
            let day = part.trim_end_matches('日').parse();
            day.map_err(|_| Error::invalid("month_days", "每月哪几日应写成1、15的样子。"))
        })
        .collect()
}

/// A day that is not as the pattern says.
#[derive(Clone, Default, Deserialize)]
pub struct NewDay {
    #[serde(default)]
    day: String,
    #[serde(default)]
    is_open: String,
    #[serde(default)]
    reason: String,
}

/// `POST /store/days`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn set_day(State(app): State<App>, staff: Staff, SignedForm(form): SignedForm<NewDay>) -> Result<Response> {
    let (by, now) = (staff.user.id.clone(), app.now());
    let Ok(day) = form.day.trim().parse::<Day>() else {
        let error = Error::invalid("day", "请选日期。");
        return answer(&app, staff, Err(error), "").await;
    };
    keep(&app, staff, "day", move |conn, store| {
        opening::set_day(conn, store, (day, form.is_open == "yes"), &form.reason, &by, now)
    })
    .await
}

/// A till's name.
#[derive(Clone, Default, Deserialize)]
pub struct NewTill {
    #[serde(default)]
    till: String,
}

/// `POST /store/tills`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn add_till(State(app): State<App>, staff: Staff, SignedForm(form): SignedForm<NewTill>) -> Result<Response> {
    let (by, now) = (staff.user.id.clone(), app.now());
    keep(&app, staff, "till", move |conn, store| {
        till::add(conn, store, &form.till, by.as_str(), now).map(|_| ())
    })
    .await
}

/// `POST /store/tills/{id}/withdrawal`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn withdraw_till(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let (by, now) = (staff.user.id.clone(), app.now());
    keep(&app, staff, "till", move |conn, store| {
        till::withdraw(conn, store, &Id::known(id), &by, now)
    })
    .await
}

/// What a limit is called in the form, before the number of people and the category: `limit.3.粮油`.
const LIMIT: &str = "limit.";

/// `POST /store/rules`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn set_rules(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let (by, now) = (staff.user.id.clone(), app.now());
    match rules_of(fields) {
        Ok((new, reason)) => {
            keep(&app, staff, "rules", move |conn, _| {
                rules::set(conn, &new, &reason, &by, now).map(|_| ())
            })
            .await
        }
        Err(error) => answer(&app, staff, Err(error), "").await,
    }
}

fn rules_of(fields: Fields) -> Result<(CounterRules, String)> {
    let (mut new, mut reason) = (CounterRules::default(), String::new());
    for (name, text) in fields {
        let text = text.trim();
        match name.as_str() {
            "reason" => text.clone_into(&mut reason),
            "return_days" => {
                let days = text.parse();
                new.return_days = days.map_err(|_| Error::invalid("return_days", "退货期应为0至60天。"))?;
            }
            "confirm_from" if !text.is_empty() => {
                let wrong = |_| Error::invalid("confirm_from", "应为1以上的整数，不需要确认请留空。");
                new.confirm_from = Some(Points(text.parse().map_err(wrong)?));
            }
            "offline_points" => {
                let wrong = |_| Error::invalid("offline_points", "应为0至1000的整数，断网时不兑换请填0。");
                new.offline_points = Points(text.parse().map_err(wrong)?);
            }
            name => new.limits.extend(limit_of(name, text)?),
        }
    }
    Ok((new, reason))
}

fn limit_of(name: &str, text: &str) -> Result<Option<CategoryLimit>> {
    let Some((people, category)) = name.strip_prefix(LIMIT).and_then(|rest| rest.split_once('.')) else {
        return Ok(None);
    };
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |_| Error::invalid("limits", "限兑件数应为0以上的整数，不限请留空。");
    Ok(Some(CategoryLimit {
        category: category.to_owned(),
        people_from: people.parse().map_err(wrong)?,
        most: text.parse().map_err(wrong)?,
    }))
}
