//! The page of titles: which there are and how many may have them; whoever keeps the rules defines and retires them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::error::{Error, Result};
use crate::honours::title::{self, Define, HonourTitle, Period, Quota, Scope};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::points::Points;
use crate::scheme::item::Category;
use crate::sent::{NoFields, Path, SignedForm};

#[derive(Template)]
#[template(path = "honours/titles.html")]
struct TitlesPage {
    shell: Shell,
    problems: Problems,
    titles: Vec<HonourTitle>,
    retired: Vec<HonourTitle>,
    categories: Vec<Category>,
    /// Titles of the rules that nobody has entered.
    in_the_rules: Vec<String>,
    may_define: bool,
    key: Id<HonourTitle>,
    form: NewTitle,
}

impl TitlesPage {
    fn scopes(&self) -> &'static [Scope] {
        Scope::ALL
    }

    fn periods(&self) -> &'static [Period] {
        Period::ALL
    }

    fn category(&self, code: &Option<String>) -> &str {
        let found = self.categories.iter().find(|one| Some(&one.code) == code.as_ref());
        found.map_or("自设称号", |one| one.name.as_str())
    }
}

/// A title, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewTitle {
    #[serde(default)]
    key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    eligibility: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    quota: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    period: String,
    #[serde(default)]
    reward_points: String,
    #[serde(default)]
    term_months: String,
    #[serde(default)]
    plaque: String,
}

/// `GET /titles`
///
/// # Errors
/// Only when the database fails.
pub async fn titles(State(app): State<App>, staff: Staff) -> Result<Response> {
    let form = NewTitle {
        term_months: "12".to_owned(),
        reward_points: "0".to_owned(),
        ..NewTitle::default()
    };
    page::show(&titles_page(&app, staff, Problems::default(), form).await?)
}

async fn titles_page(app: &App, staff: Staff, problems: Problems, form: NewTitle) -> Result<TitlesPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let all = title::all(conn)?;
            let (titles, retired) = all.into_iter().partition(|title| title.retired_at.is_none());
            let missing = title::in_the_rules(conn, &staff.user.id, now)?;
            Ok(TitlesPage {
                problems,
                titles,
                retired,
                categories: title::categories(conn, crate::clock::day_of(now))?,
                in_the_rules: missing.into_iter().map(|title| title.name).collect(),
                may_define: staff.duties.permit(Permission::ManageProgramme),
                key: Id::new(now),
                form,
                shell: staff.shell,
            })
        })
        .await
}

/// `POST /titles`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn define(State(app): State<App>, staff: Staff, SignedForm(form): SignedForm<NewTitle>) -> Result<Response> {
    match try_define(&app, &staff, form.clone()).await {
        Ok(()) => Ok(page::go("/titles")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &titles_page(&app, staff, problems, form).await?)
        }
    }
}

async fn try_define(app: &App, staff: &Staff, form: NewTitle) -> Result<()> {
    let number = |text: &str, field: &'static str| {
        let number = text.trim().parse::<i64>();
        number.map_err(|_| Error::invalid(field, "这一栏请填整数。"))
    };
    let quota = number(&form.quota, "quota")?;
    let asked = Define {
        name: form.name,
        category_code: Some(form.category).filter(|code| !code.is_empty()),
        purpose: form.purpose,
        eligibility: form.eligibility,
        scope: Scope::from_word(&form.scope).ok_or_else(|| Error::invalid("scope", "请选择名额按哪里算。"))?,
        quota: match form.unit.as_str() {
            "percent" => Quota::Percent(quota),
            "count" => Quota::Count(quota),
            _ => return Err(Error::invalid("quota", "请选择名额是百分比还是户数。")),
        },
        period: Period::from_word(&form.period).ok_or_else(|| Error::invalid("period", "请选择每季度还是每年评。"))?,
        reward_points: Points(number(&form.reward_points, "reward_points")?),
        term_months: number(&form.term_months, "term_months")?,
        has_plaque: !form.plaque.is_empty(),
        by: staff.user.id.clone(),
        key: form.key,
    };
    let now = app.now();
    app.db
        .write(move |conn| title::define(conn, &asked, now).map(drop))
        .await
}

/// `POST /titles/rules`: enters the titles that the rules in force have.
///
/// # Errors
/// Only when the database fails, or a title of the rules makes no sense.
pub async fn enter_from_rules(
    State(app): State<App>,
    staff: Staff,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let now = app.now();
    app.db
        .write(move |conn| title::enter_from_rules(conn, &staff.user.id, now))
        .await?;
    Ok(page::go("/titles"))
}

/// `POST /titles/{id}/retirement`
///
/// # Errors
/// `NotFound`.
pub async fn retire(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let now = app.now();
    app.db
        .write(move |conn| title::retire(conn, &Id::known(id), &staff.user.id, now))
        .await?;
    Ok(page::go("/titles"))
}
