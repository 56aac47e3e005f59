//! A draft: what is in it, what is wrong beside each item, and what can be done with it now.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Upload;
use super::adoption::AdoptionForm;
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::scheme::difference::{self, Part, What};
use crate::scheme::draft::{self as drafts, Change, SchemeDraft, Source, State as DraftState, Step};
use crate::scheme::item::{CapPeriod, per_in_words};
use crate::scheme::overrule::{self, Override};
use crate::scheme::resolution::Assembly;
use crate::scheme::validator::{self, Finding, Place};
use crate::scheme::version;
use crate::sent::{Multipart, Path, SignedForm};

#[derive(Template)]
#[template(path = "scheme/draft.html")]
pub(super) struct DraftPage {
    shell: Shell,
    problems: Problems,
    draft: SchemeDraft,
    name: String,
    author: String,
    reviewer: String,
    general: Vec<Found>,
    items: Vec<ItemRow>,
    categories: Vec<CategoryRow>,
    terms: Vec<Term>,
    open: usize,
    defects: usize,
    since: Vec<Part>,
    base: Option<i64>,
    may_write: bool,
    may_review: bool,
    assemblies: &'static [Assembly],
    adoption: AdoptionForm,
    key: Id<SchemeDraft>,
}

/// A find, and what became of it.
struct Found {
    told: String,
    mark: String,
    can_be_overridden: bool,
    proposal: Option<Id<Override>>,
    reason: String,
    confirmed: bool,
    may_confirm: bool,
}

struct ItemRow {
    code: String,
    name: String,
    says: String,
    found: Vec<Found>,
}

struct CategoryRow {
    code: String,
    name: String,
    title: String,
    redeemable: bool,
}

/// A term of the plain form: part, field, what people call it, its value.
struct Term {
    name: String,
    label: &'static str,
    value: String,
}

impl DraftPage {
    fn is_draft(&self) -> bool {
        self.draft.state == DraftState::Draft
    }

    fn is_under_review(&self) -> bool {
        self.draft.state == DraftState::UnderReview
    }

    fn is_reviewed(&self) -> bool {
        self.draft.state == DraftState::Reviewed
    }
}

/// The numbers of the plain form: part, field, label.
const TERMS: [(&str, &str, &str); 16] = [
    ("cycle", "nomination_deadline_day", "每月几号截止申报"),
    ("cycle", "council_day", "每月几号评议"),
    ("cycle", "notice_days", "公示天数（至少3天）"),
    ("cycle", "objection_decision_days", "几天内答复异议"),
    ("cycle", "appeal_window_days", "入账后几天内可申诉（至少7天）"),
    ("cycle", "appeal_decision_days", "几天内答复申诉（至多15天）"),
    ("caps", "household_per_month", "每户每月上限（分）"),
    ("caps", "household_per_year", "每户每年上限（分）"),
    ("honour_penalty", "most_per_month", "荣誉分每月最多减（分）"),
    ("honour_penalty", "repair_days", "荣誉分几天后恢复"),
    ("council", "quorum_percent", "评议会到会比例（%）"),
    ("council", "approve_more_than_percent", "赞成须超过（%）"),
    ("council", "fewest_voters", "最少几人表决"),
    ("dividend", "from_honour", "分红从几分荣誉分起分"),
    ("dividend", LIMIT, "分红每户最多计入几分荣誉分（不封顶就空着）"),
    ("dividend", "equal_part_percent", "分红总额中各户平分的部分（%）"),
];

/// The number that may be taken back: without it there is no limit.
const LIMIT: &str = "most_honour_counted";

/// `GET /scheme/drafts/{id}`
///
/// # Errors
/// `NotFound`.
pub async fn draft(State(app): State<App>, staff: Staff, Path(id): Path<String>) -> Result<Response> {
    let page = draft_page(&app, staff, id, Problems::default(), AdoptionForm::default()).await?;
    page::show(&page)
}

pub(super) async fn draft_page(
    app: &App,
    staff: Staff,
    id: String,
    problems: Problems,
    adoption: AdoptionForm,
) -> Result<DraftPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let draft = drafts::by_id(conn, &Id::known(id))?;
            let file = draft.file();
            let findings = draft.findings();
            let open = overrule::still_open(conn, &draft, &findings)?.len();
            let (general, mut about) = found(conn, &draft, &findings, &staff.user)?;
            let people: Vec<Id<User>> = std::iter::once(draft.author_id.clone())
                .chain(draft.reviewed_by.clone())
                .collect();
            let names = user::display_names(conn, &people)?;
            let name_of = |id: &Id<User>| names.get(id).cloned().unwrap_or_default();
            let (base, since) = since(conn, &draft, &file)?;
            Ok(DraftPage {
                name: draft.name(),
                author: name_of(&draft.author_id),
                reviewer: draft.reviewed_by.as_ref().map(name_of).unwrap_or_default(),
                general,
                items: rows(&file, "items")
                    .iter()
                    .enumerate()
                    .map(|(nth, row)| item_row(row, about.remove(&nth).unwrap_or_default()))
                    .collect(),
                categories: rows(&file, "categories").iter().map(category_row).collect(),
                terms: TERMS.iter().map(|term| term_of(&file, term)).collect(),
                open,
                defects: findings.iter().filter(|finding| !finding.can_be_overridden()).count(),
                base,
                since,
                may_write: staff.duties.permit(Permission::ManageProgramme),
                may_review: staff.duties.permit(Permission::ReviewScheme) && !draft.is_work_of(&staff.user.id),
                shell: staff.shell,
                problems,
                draft,
                assemblies: Assembly::ALL,
                adoption,
                key: Id::new(now),
            })
        })
        .await
}

/// What is different from the version it was made from, or from the one in force.
fn since(conn: &mut Conn, draft: &SchemeDraft, file: &Value) -> Result<(Option<i64>, Vec<Part>)> {
    let Some(base) = &draft.base_version_id else {
        return Ok((None, Vec::new()));
    };
    let base = version::by_id(conn, base)?;
    let text = version::document(conn, &base.id)?;
    let older = validator::document(&text).map_err(Error::internal)?;
    Ok((Some(base.version), difference::between(&older, file)))
}

/// Findings about everything, and those about an item by its place in the list.
type ByPlace = (Vec<Found>, HashMap<usize, Vec<Found>>);

/// Findings, apart for items and for everything else.
fn found(conn: &mut Conn, draft: &SchemeDraft, findings: &[Finding], reader: &User) -> Result<ByPlace> {
    let known = overrule::of_draft(conn, &draft.id)?;
    let (mut general, mut about) = (Vec::new(), HashMap::new());
    for finding in findings {
        let mark = finding.mark();
        let proposal = known.iter().find(|known| known.proposal.mark == mark);
        let told = Found {
            told: match &finding.place {
                Place::Item { .. } => format!("{}。{}。", finding.reason, finding.advice),
                _ => finding.to_string(),
            },
            can_be_overridden: finding.can_be_overridden(),
            proposal: proposal.map(|known| known.proposal.id.clone()),
            reason: proposal.map(|known| known.proposal.reason.clone()).unwrap_or_default(),
            confirmed: proposal.is_some_and(|known| known.confirmed.is_some()),
            may_confirm: proposal.is_some_and(|known| known.proposal.proposed_by != reader.id)
                && !draft.is_work_of(&reader.id),
            mark,
        };
        match &finding.place {
            Place::Item { nth, .. } => about.entry(*nth).or_insert_with(Vec::new).push(told),
            _ => general.push(told),
        }
    }
    Ok((general, about))
}

pub(super) fn rows<'a>(file: &'a Value, list: &str) -> &'a [Value] {
    file.get(list)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// A field as it stands, whatever its type.
pub(super) fn shown(row: &Value, field: &str) -> String {
    match row.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn item_row(row: &Value, found: Vec<Found>) -> ItemRow {
    let period = shown(row, "cap_period");
    let period = CapPeriod::from_word(&period).map_or(period.clone(), |period| period.label().to_owned());
    ItemRow {
        code: shown(row, "code"),
        name: shown(row, "name_zh"),
        says: format!(
            "{} {}分，每{period}最多{}分，凭{}，{}",
            per_in_words(&shown(row, "per")),
            shown(row, "points"),
            shown(row, "cap"),
            shown(row, "evidence"),
            shown(row, "check_level")
        ),
        found,
    }
}

fn category_row(row: &Value) -> CategoryRow {
    CategoryRow {
        code: shown(row, "code"),
        name: shown(row, "name_zh"),
        title: shown(row, "title_zh"),
        redeemable: row.get("redeemable") == Some(&Value::Bool(true)),
    }
}

fn term_of(file: &Value, (part, field, label): &(&str, &str, &'static str)) -> Term {
    Term {
        name: format!("{part}.{field}"),
        label,
        value: file.get(part).map(|part| shown(part, field)).unwrap_or_default(),
    }
}

/// What a draft is begun from.
#[derive(Deserialize)]
pub struct Begin {
    #[serde(default)]
    version: String,
    key: String,
}

/// `POST /scheme/drafts`: from a version, or empty.
///
/// # Errors
/// `NotFound` for a version that is not.
pub async fn begin(State(app): State<App>, staff: Staff, SignedForm(form): SignedForm<Begin>) -> Result<Response> {
    let source = match form.version.parse() {
        Ok(number) => Source::Version(number),
        Err(_) => Source::Empty,
    };
    begun(&app, staff, source, form.key).await
}

async fn begun(app: &App, staff: Staff, source: Source, key: String) -> Result<Response> {
    let (now, by) = (app.now(), staff.user.id);
    let id = app
        .db
        .write(move |conn| drafts::begin(conn, &source, &by, &key, now))
        .await?;
    Ok(page::go(&format!("/scheme/drafts/{id}")))
}

/// `POST /scheme/drafts/import`: from a file.
///
/// # Errors
/// `Invalid` for a file that cannot be read.
pub async fn import(State(app): State<App>, staff: Staff, Multipart(upload): Multipart) -> Result<Response> {
    let sent = Upload::receive(upload, &staff.shell.csrf).await?;
    if sent.file.is_empty() {
        return Err(Error::invalid("file", "请先选择方案文件，再按“导入”。"));
    }
    let key = sent.text("key").to_owned();
    let text = String::from_utf8(sent.file)
        .map_err(|_| Error::invalid("file", "方案文件应为 UTF-8 编码的 JSON，请核对是不是选错了文件。"))?;
    if text.contains('\0') || text.contains("\\u0000") {
        return Err(Error::invalid(
            "file",
            "方案文件里有零字符，没有导入。请核对是不是选错了文件。",
        ));
    }
    begun(&app, staff, Source::File(text), key).await
}

/// A category, as the form sends it.
#[derive(Deserialize)]
pub struct CategoryForm {
    revision: i64,
    act: String,
    code: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    redeemable: String,
}

/// `POST /scheme/drafts/{id}/categories`
///
/// # Errors
/// `NotFound`; what the rules of drafts refuse is shown on the page.
pub async fn put_category(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<CategoryForm>,
) -> Result<Response> {
    let code = form.code.trim().to_owned();
    let change = match form.act.as_str() {
        "remove" => Change::Remove {
            list: "categories",
            code,
        },
        _ => {
            let mut row = Map::new();
            row.insert("code".to_owned(), json!(code));
            row.insert("name_zh".to_owned(), json!(form.name.trim()));
            row.insert("title_zh".to_owned(), json!(form.title.trim()));
            row.insert("redeemable".to_owned(), json!(form.redeemable == "yes"));
            Change::Put {
                list: "categories",
                code,
                row,
            }
        }
    };
    changed(&app, staff, id, form.revision, change, "#categories").await
}

/// `POST /scheme/drafts/{id}/terms`: the plain form of numbers. A figure becomes a number; anything else stays as it was
/// written, for the validator to name.
///
/// # Errors
/// As `put_category`.
pub async fn change_terms(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<HashMap<String, String>>,
) -> Result<Response> {
    let revision = form
        .get("revision")
        .and_then(|revision| revision.parse().ok())
        .unwrap_or(0);
    let value = |text: &str| {
        text.trim()
            .parse::<i64>()
            .map_or_else(|_| json!(text.trim()), |number| json!(number))
    };
    let mut fields: Vec<(&'static str, &'static str, Value)> = Vec::new();
    for (part, field, _) in TERMS {
        if let Some(text) = form
            .get(&format!("{part}.{field}"))
            .filter(|text| !text.trim().is_empty())
        {
            fields.push((part, field, value(text)));
        } else if field == LIMIT && fields.iter().any(|(before, ..)| *before == part) {
            fields.push((part, field, Value::Null));
        }
    }
    if let Some(name) = form.get("name").map(|name| name.trim()).filter(|name| !name.is_empty()) {
        fields.push(("", "name_zh", json!(name)));
    }
    changed(&app, staff, id, revision, Change::Set(fields), "#terms").await
}

pub(super) async fn changed(
    app: &App,
    staff: Staff,
    id: String,
    revision: i64,
    change: Change,
    back: &str,
) -> Result<Response> {
    let (now, by, draft) = (app.now(), staff.user.id.clone(), Id::known(id.clone()));
    let done = app
        .db
        .write(move |conn| drafts::change(conn, &draft, revision, &change, &by, now))
        .await;
    after(app, staff, id, done, back).await
}

/// Back to the draft, or the draft with what was refused above it.
pub(super) async fn after(app: &App, staff: Staff, id: String, done: Result<()>, back: &str) -> Result<Response> {
    match done {
        Ok(()) => Ok(page::go(&format!("/scheme/drafts/{id}{back}"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(
                status,
                &draft_page(app, staff, id, problems, AdoptionForm::default()).await?,
            )
        }
    }
}

/// A step, as a form sends it.
#[derive(Deserialize)]
pub struct StepForm {
    act: String,
    #[serde(default)]
    note: String,
}

/// `POST /scheme/drafts/{id}/submission`: asks for a review, takes it back, or gives it up.
///
/// # Errors
/// As `put_category`.
pub async fn submit(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<StepForm>,
) -> Result<Response> {
    let step = match form.act.as_str() {
        "withdraw" => Step::Withdraw,
        "take-back" => Step::TakeBack,
        _ => Step::Submit,
    };
    stepped(&app, staff, id, step, String::new()).await
}

/// `POST /scheme/drafts/{id}/review`: lets it pass, or sends it back.
///
/// # Errors
/// As `put_category`.
pub async fn review(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<StepForm>,
) -> Result<Response> {
    let step = match form.act.as_str() {
        "pass" => Step::Pass,
        _ => Step::SendBack,
    };
    stepped(&app, staff, id, step, form.note).await
}

async fn stepped(app: &App, staff: Staff, id: String, step: Step, note: String) -> Result<Response> {
    let (now, by, draft) = (app.now(), staff.user.id.clone(), Id::known(id.clone()));
    let done = app
        .db
        .write(move |conn| drafts::step(conn, &draft, step, &note, &by, now))
        .await;
    after(app, staff, id, done, "").await
}

/// What to let stand, and why.
#[derive(Deserialize)]
pub struct OverrideForm {
    mark: String,
    reason: String,
}

/// `POST /scheme/drafts/{id}/overrides`
///
/// # Errors
/// As `put_category`.
pub async fn override_finding(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<OverrideForm>,
) -> Result<Response> {
    let (now, by, draft) = (app.now(), staff.user.id.clone(), Id::known(id.clone()));
    let done = app
        .db
        .write(move |conn| overrule::propose(conn, &draft, &form.mark, &form.reason, &by, now))
        .await;
    after(&app, staff, id, done, "").await
}

/// Which override.
#[derive(Deserialize)]
pub struct ConfirmForm {
    proposal: String,
    key: String,
}

/// `POST /scheme/drafts/{id}/override-confirmations`
///
/// # Errors
/// As `put_category`.
pub async fn confirm_override(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<ConfirmForm>,
) -> Result<Response> {
    let (now, by, draft) = (app.now(), staff.user.id.clone(), Id::known(id.clone()));
    let done = app
        .db
        .write(move |conn| overrule::confirm(conn, &draft, &Id::known(form.proposal), &by, &form.key, now))
        .await;
    after(&app, staff, id, done, "").await
}
