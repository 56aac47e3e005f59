//! The form of one item of a draft.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::draft::{changed, rows, shown};
use crate::app::{App, Staff};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Shell};
use crate::scheme::draft::{self as drafts, Change, SchemeDraft};
use crate::scheme::item::{CapPeriod, CheckLevel, Occasion, nominator_in_words, per_in_words};
use crate::sent::{Path, SignedForm};

#[derive(Template)]
#[template(path = "scheme/item.html")]
struct ItemPage {
    shell: Shell,
    draft: SchemeDraft,
    /// The code it has now; empty for a new one.
    code: String,
    form: ItemForm,
    categories: Vec<(String, String)>,
    units: Vec<(String, String)>,
    nominators: Vec<(String, String)>,
    periods: &'static [CapPeriod],
    levels: &'static [CheckLevel],
    occasions: &'static [Occasion],
}

/// An item, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct ItemForm {
    #[serde(default)]
    revision: i64,
    #[serde(default)]
    act: String,
    #[serde(default)]
    was: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    points: String,
    #[serde(default)]
    per: String,
    #[serde(default)]
    cap: String,
    #[serde(default)]
    cap_period: String,
    #[serde(default)]
    evidence: String,
    #[serde(default)]
    nominator: String,
    #[serde(default)]
    check_level: String,
    #[serde(default)]
    given_for: String,
}

/// `GET /scheme/drafts/{id}/items/new`
///
/// # Errors
/// `NotFound`.
pub async fn new_item_form(State(app): State<App>, staff: Staff, Path(id): Path<String>) -> Result<Response> {
    show(&app, staff, id, None).await
}

/// `GET /scheme/drafts/{id}/items/{code}`
///
/// # Errors
/// `NotFound`.
pub async fn item_form(
    State(app): State<App>,
    staff: Staff,
    Path((id, code)): Path<(String, String)>,
) -> Result<Response> {
    show(&app, staff, id, Some(code)).await
}

async fn show(app: &App, staff: Staff, id: String, code: Option<String>) -> Result<Response> {
    let draft = app.db.read(move |conn| drafts::by_id(conn, &Id::known(id))).await?;
    let file = draft.file();
    let form = match &code {
        None => ItemForm {
            per: "time".to_owned(),
            cap_period: "month".to_owned(),
            nominator: "grid_worker".to_owned(),
            check_level: "L1".to_owned(),
            ..ItemForm::default()
        },
        Some(code) => {
            let row = rows(&file, "items").iter().find(|row| shown(row, "code") == *code);
            form_of(row.ok_or(Error::NotFound)?)
        }
    };
    let choices = |words: &[&str], own: &str, told: fn(&str) -> &str| {
        let mut choices: Vec<(String, String)> = words
            .iter()
            .map(|word| ((*word).to_owned(), told(word).to_owned()))
            .collect();
        if !own.is_empty() && !words.contains(&own) {
            choices.push((own.to_owned(), told(own).to_owned()));
        }
        choices
    };
    let units = [
        "time",
        "person",
        "household",
        "person_helped",
        "item",
        "week",
        "hour",
        "10_yuan",
    ];
    let nominators = [
        "resident",
        "grid_worker",
        "building_head",
        "council",
        "community",
        "judge_panel",
        "shopkeeper",
        "stock_keeper",
        "system",
    ];
    page::show(&ItemPage {
        shell: staff.shell,
        code: code.unwrap_or_default(),
        categories: rows(&file, "categories")
            .iter()
            .map(|row| (shown(row, "code"), shown(row, "name_zh")))
            .collect(),
        units: choices(&units, &form.per, per_in_words),
        nominators: choices(&nominators, &form.nominator, nominator_in_words),
        periods: CapPeriod::ALL,
        levels: CheckLevel::ALL,
        occasions: Occasion::ALL,
        draft,
        form,
    })
}

fn form_of(row: &Value) -> ItemForm {
    ItemForm {
        revision: 0,
        act: String::new(),
        was: String::new(),
        code: shown(row, "code"),
        category: shown(row, "category"),
        name: shown(row, "name_zh"),
        points: shown(row, "points"),
        per: shown(row, "per"),
        cap: shown(row, "cap"),
        cap_period: shown(row, "cap_period"),
        evidence: shown(row, "evidence"),
        nominator: shown(row, "nominator"),
        check_level: shown(row, "check_level"),
        given_for: shown(row, "given_for"),
    }
}

/// `POST /scheme/drafts/{id}/items`: adds, changes or removes an item. Whatever is wrong in it is named on the draft's page.
///
/// # Errors
/// `NotFound`; what the rules of drafts refuse is shown on the draft's page.
pub async fn put_item(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<ItemForm>,
) -> Result<Response> {
    let change = match form.act.as_str() {
        "remove" => Change::Remove {
            list: "items",
            code: form.was.clone(),
        },
        _ => Change::Put {
            list: "items",
            code: form.was.clone(),
            row: row_of(&form),
        },
    };
    changed(&app, staff, id, form.revision, change, "#items").await
}

/// Figures become numbers; what is none stays as it was written, for the validator to name.
fn row_of(form: &ItemForm) -> Map<String, Value> {
    let number = |text: &str| match text.trim() {
        "" => Value::Null,
        text => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
    };
    let fields = [
        ("code", json!(form.code.trim())),
        ("category", json!(form.category.trim())),
        ("name_zh", json!(form.name.trim())),
        ("points", number(&form.points)),
        ("per", json!(form.per.trim())),
        ("cap", number(&form.cap)),
        ("cap_period", json!(form.cap_period.trim())),
        ("evidence", json!(form.evidence.trim())),
        ("nominator", json!(form.nominator.trim())),
        ("check_level", json!(form.check_level.trim())),
        (
            "given_for",
            match form.given_for.trim() {
                "" => Value::Null,
                word => json!(word),
            },
        ),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
