//! Drafts: a version on its way, from the first word to the assembly.
//!
//! draft → under review → reviewed → adopted, or withdrawn. Only a draft is edited; a reviewer who is neither the author nor
//! the last to change it lets it pass or sends it back (SG13). Adoption is `resolution.rs`; what is wrong in a draft is told by
//! the validator each time it is shown, and a find that two people let stand is `overrule.rs`.

use std::fmt;

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::validator::{self, Finding};
use super::version::{self, SchemeVersion};
use crate::access::user::User;
use crate::audit;
use crate::clock::Moment;
use crate::db::schema::scheme_drafts;
use crate::db::{Conn, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::request::{Request, Requests};

text_enum! {
    /// Where a draft stands.
    pub enum State {
        /// Being written.
        Draft = "draft", "起草中";
        /// Waiting for somebody else to read it.
        UnderReview = "under_review", "待审核";
        /// Read by somebody else; may go before the assembly.
        Reviewed = "reviewed", "已审核，待会议表决";
        /// The assembly has adopted it.
        Adopted = "adopted", "已通过";
        /// Given up.
        Withdrawn = "withdrawn", "已放弃";
    }
}

/// A version on its way.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = scheme_drafts)]
pub struct SchemeDraft {
    /// Its id.
    pub id: Id<SchemeDraft>,
    /// The version it was made from.
    pub base_version_id: Option<Id<SchemeVersion>>,
    /// The file.
    pub document: String,
    /// Where it stands.
    pub state: State,
    /// Counts the changes.
    pub revision: i64,
    /// Who began it.
    pub author_id: Id<User>,
    /// When.
    pub created_at: Moment,
    /// Who changed it last.
    pub changed_by: Id<User>,
    /// When.
    pub changed_at: Moment,
    /// Who read it.
    pub reviewed_by: Option<Id<User>>,
    /// When.
    pub reviewed_at: Option<Moment>,
    /// What the reader wrote.
    pub review_note: Option<String>,
    /// What it became.
    pub adopted_version_id: Option<Id<SchemeVersion>>,
}

/// Why something was not done with a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is in another state.
    NotNow(State),
    /// Somebody changed it meanwhile.
    Changed,
    /// Who wrote it does not review it, nor confirm an override of it.
    OwnWork,
    /// There is something wrong that nobody can override, or an override is not confirmed.
    Unsound(usize),
    /// Nothing wrong of this kind was found.
    NothingToOverride,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NotNow(state) => write!(
                formatter,
                "这份草案现在是“{}”，不能这样办。请刷新页面看最新状态。",
                state.label()
            ),
            Refused::Changed => {
                formatter.write_str("刚才有人改过这份草案，您的修改没有保存。请刷新页面，在最新内容上再改。")
            }
            Refused::OwnWork => {
                formatter.write_str("起草、修改的人不能自己审核或确认。请由评议会成员或另一位管理员办理。")
            }
            Refused::Unsound(count) => write!(
                formatter,
                "草案还有{count}处问题没有改好，也没有经两人确认保留，不能往下走。请先改好。"
            ),
            Refused::NothingToOverride => {
                formatter.write_str("没有找到可以保留的这一处：它可能已经改好，或属于必须改正的缺漏。请刷新页面。")
            }
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NotNow(_) => "draft_not_now",
            Refused::Changed => "draft_changed",
            Refused::OwnWork => "own_draft",
            Refused::Unsound(_) => "draft_unsound",
            Refused::NothingToOverride => "nothing_to_override",
        }
    }
}

/// Carries out a request once: the same key again gets the first subject.
pub(super) fn once(
    conn: &mut Conn,
    request: &Request,
    now: Moment,
    act: impl FnOnce(&mut Conn) -> Result<String>,
) -> Result<String> {
    let mut requests = Requests::open(conn, [request])?;
    if let Some(earlier) = requests.earlier(request)? {
        return Ok(earlier.to_owned());
    }
    let subject = act(conn)?;
    requests.carried_out(request, &subject, now);
    requests.save(conn)?;
    Ok(subject)
}

/// What a draft is made from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A version.
    Version(i64),
    /// A file.
    File(String),
    /// Nothing but the terms of the sample.
    Empty,
}

/// Begins a draft. A file with faults may be a draft; it must be readable.
///
/// # Errors
/// `Invalid` for a file that is none; `NotFound` for a version that is not.
pub fn begin(conn: &mut Conn, source: &Source, by: &Id<User>, key: &str, now: Moment) -> Result<Id<SchemeDraft>> {
    let told = match source {
        Source::Version(number) => number.to_string(),
        Source::File(text) => text.clone(),
        Source::Empty => String::new(),
    };
    let request = Request::new(key, by.as_str(), "scheme.draft", &told)?;
    let subject = once(conn, &request, now, |conn| {
        let (base_version_id, document) = match source {
            Source::Version(number) => {
                let base = version::numbered(conn, *number)?;
                let document = version::document(conn, &base.id)?;
                (Some(base.id), document)
            }
            Source::File(text) => {
                let read = validator::document(text).map_err(|finding| version::not_adopted(&[*finding]))?;
                (None, written(&read))
            }
            Source::Empty => (None, empty()?),
        };
        let draft = SchemeDraft {
            id: Id::new(now),
            base_version_id,
            document,
            state: State::Draft,
            revision: 1,
            author_id: by.clone(),
            created_at: now,
            changed_by: by.clone(),
            changed_at: now,
            reviewed_by: None,
            reviewed_at: None,
            review_note: None,
            adopted_version_id: None,
        };
        diesel::insert_into(scheme_drafts::table).values(&draft).execute(conn)?;
        record(conn, by, "scheme.drafted", &draft.id, "", now)?;
        Ok(draft.id.to_string())
    })?;
    Ok(Id::known(subject))
}

fn record(conn: &mut Conn, by: &Id<User>, act: &str, draft: &Id<SchemeDraft>, detail: &str, now: Moment) -> Result<()> {
    let subject = format!("scheme_draft:{draft}");
    audit::record(
        conn,
        &[audit::Event::new(by.as_str(), act, subject, detail.to_owned(), now)],
    )
}

/// The sample's terms without its categories, items, reminders and titles.
fn empty() -> Result<String> {
    let mut file: Value = serde_json::from_str(include_str!("../../samples/scheme.json")).map_err(Error::internal)?;
    for part in ["categories", "items", "reminders", "titles"] {
        set(&mut file, part, json!([]));
    }
    set(&mut file, "scheme_code", json!("our-scheme"));
    set(&mut file, "name_zh", json!("文明积分方案"));
    if let Some(fields) = file.as_object_mut() {
        fields.remove("status");
        fields.remove("home_visit");
        fields.remove("dividend");
    }
    Ok(written(&file))
}

pub(super) fn set(file: &mut Value, field: &str, value: Value) {
    if let Some(fields) = file.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// The order in which people read a file; what is not named follows by name.
const ORDER: [&str; 36] = [
    "scheme_code",
    "code",
    "name_zh",
    "category",
    "title",
    "name_en",
    "title_zh",
    "title_en",
    "points",
    "per",
    "cap",
    "cap_period",
    "honour_points",
    "evidence",
    "nominator",
    "check_level",
    "given_for",
    "origin",
    "redeemable",
    "unit",
    "point_scale",
    "rate_yuan_per_point",
    "cycle",
    "caps",
    "expiry",
    "redemption",
    "honour_penalty",
    "council",
    "home_visit",
    "dividend",
    "month",
    "day",
    "categories",
    "items",
    "reminders",
    "titles",
];

/// A document as a file that people read: indented, in the order of the sample.
#[must_use]
pub(super) fn written(file: &Value) -> String {
    let mut out = String::new();
    write(file, 0, &mut out);
    out.push('\n');
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let line = |depth: usize| format!("\n{}", " ".repeat(depth));
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let mut names: Vec<&String> = fields.keys().collect();
            let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
            names.sort_by(|one, other| (place(one), one).cmp(&(place(other), other)));
            out.push('{');
            for (nth, name) in names.iter().enumerate() {
                out.push_str(if nth == 0 { "" } else { "," });
                out.push_str(&line(depth.saturating_add(1)));
                out.push_str(&format!("{}: ", Value::String((*name).clone())));
                write(fields.get(*name).unwrap_or(&Value::Null), depth.saturating_add(1), out);
            }
            out.push_str(&line(depth));
            out.push('}');
        }
        Value::Array(rows) if !rows.is_empty() => {
            out.push('[');
            for (nth, row) in rows.iter().enumerate() {
                out.push_str(if nth == 0 { "" } else { "," });
                out.push_str(&line(depth.saturating_add(1)));
                write(row, depth.saturating_add(1), out);
            }
            out.push_str(&line(depth));
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// A draft.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<SchemeDraft>) -> Result<SchemeDraft> {
    scheme_drafts::table
        .find(id)
        .select(SchemeDraft::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The draft that became a version, if it was one.
///
/// # Errors
/// Only when the database fails.
pub fn of_version(conn: &mut Conn, version: &Id<SchemeVersion>) -> Result<Option<SchemeDraft>> {
    Ok(scheme_drafts::table
        .filter(scheme_drafts::adopted_version_id.eq(version))
        .select(SchemeDraft::as_select())
        .get_result(conn)
        .optional()?)
}

/// Drafts on which there is still something to do, the newest first.
///
/// # Errors
/// Only when the database fails.
pub fn open(conn: &mut Conn) -> Result<Vec<SchemeDraft>> {
    Ok(scheme_drafts::table
        .filter(scheme_drafts::state.ne_all([State::Adopted, State::Withdrawn]))
        .order(scheme_drafts::id.desc())
        .select(SchemeDraft::as_select())
        .load(conn)?)
}

impl SchemeDraft {
    /// The document to look at.
    #[must_use]
    pub fn file(&self) -> Value {
        validator::document(&self.document).unwrap_or(Value::Object(Map::new()))
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> String {
        let file = self.file();
        let name = file.get("name_zh").and_then(Value::as_str).unwrap_or_default().trim();
        match name {
            "" => "没有名称的草案".to_owned(),
            name => name.to_owned(),
        }
    }

    /// What is wrong in it.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        validator::validate(&self.document)
    }

    /// Did this person write any of it?
    #[must_use]
    pub fn is_work_of(&self, user: &Id<User>) -> bool {
        self.author_id == *user || self.changed_by == *user
    }

    fn expect(&self, state: State) -> Result<()> {
        match self.state == state {
            true => Ok(()),
            false => Err(Refused::NotNow(self.state).into()),
        }
    }
}

/// A change of one part of the file.
#[derive(Clone, Debug)]
pub enum Change {
    /// Puts a row of a list in the place of the row with this code, or at the end. `items`, `categories` or `reminders`.
    Put {
        /// Which list.
        list: &'static str,
        /// The code of the row that is replaced; empty for a new one.
        code: String,
        /// The fields that are set; others of the row stay. One that is null is taken out.
        row: Map<String, Value>,
    },
    /// Takes the row with this code out of a list.
    Remove {
        /// Which list.
        list: &'static str,
        /// Its code.
        code: String,
    },
    /// Sets fields: part (empty for the file itself), field, value.
    Set(Vec<(&'static str, &'static str, Value)>),
}

impl Change {
    fn apply(&self, file: &mut Value) {
        match self {
            Change::Put { list, code, row } => {
                let Some(rows) = rows(file, list) else { return };
                let found = rows
                    .iter_mut()
                    .find(|old| !code.is_empty() && code_of(old) == Some(code));
                match found.and_then(Value::as_object_mut) {
                    Some(old) => {
                        old.extend(row.clone());
                        old.retain(|_, value| !value.is_null());
                    }
                    None => {
                        let said = row.iter().filter(|(_, value)| !value.is_null());
                        rows.push(said.map(|(name, value)| (name.clone(), value.clone())).collect());
                    }
                }
            }
            Change::Remove { list, code } => {
                if let Some(rows) = rows(file, list) {
                    rows.retain(|row| code_of(row) != Some(code));
                }
            }
            Change::Set(fields) => {
                for (part, field, value) in fields {
                    match *part {
                        "" => set(file, field, value.clone()),
                        part => {
                            if !file.get(part).is_some_and(Value::is_object) {
                                set(file, part, json!({}));
                            }
                            if let Some(part) = file.get_mut(part) {
                                set(part, field, value.clone());
                            }
                        }
                    }
                }
            }
        }
    }
}

fn code_of(row: &Value) -> Option<&str> {
    row.get("code").and_then(Value::as_str)
}

/// The rows of a list, made when there is none.
fn rows<'a>(file: &'a mut Value, list: &str) -> Option<&'a mut Vec<Value>> {
    if !file.get(list).is_some_and(Value::is_array) {
        set(file, list, json!([]));
    }
    file.get_mut(list)?.as_array_mut()
}

/// Changes a draft that stands at `revision`.
///
/// # Errors
/// [`Refused::NotNow`], [`Refused::Changed`]; `NotFound`.
pub fn change(
    conn: &mut Conn,
    id: &Id<SchemeDraft>,
    revision: i64,
    change: &Change,
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let draft = by_id(conn, id)?;
    draft.expect(State::Draft)?;
    let mut file = draft.file();
    change.apply(&mut file);
    let document = written(&file);
    // The same change sent twice finds what it wants already done.
    if document == written(&draft.file()) {
        return Ok(());
    }
    if draft.revision != revision {
        return Err(Refused::Changed.into());
    }
    diesel::update(scheme_drafts::table.find(id))
        .set((
            scheme_drafts::document.eq(document),
            scheme_drafts::revision.eq(revision.saturating_add(1)),
            scheme_drafts::changed_by.eq(by),
            scheme_drafts::changed_at.eq(now),
            scheme_drafts::reviewed_by.eq(None::<Id<User>>),
        ))
        .execute(conn)?;
    record(
        conn,
        by,
        "scheme.draft_changed",
        id,
        &format!("revision {}", revision.saturating_add(1)),
        now,
    )
}

/// A step of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The author asks for a review.
    Submit,
    /// The author takes it back to write on.
    TakeBack,
    /// The author gives it up.
    Withdraw,
    /// Another person lets it pass.
    Pass,
    /// Another person sends it back.
    SendBack,
}

/// Takes a step. Faults that nobody can override stop a draft before its review; unconfirmed finds before the assembly.
///
/// # Errors
/// [`Refused`]; `NotFound`; `Invalid` when a draft is sent back without a word.
pub fn step(conn: &mut Conn, id: &Id<SchemeDraft>, step: Step, note: &str, by: &Id<User>, now: Moment) -> Result<()> {
    let draft = by_id(conn, id)?;
    let to = match step {
        Step::Submit | Step::Withdraw => State::Draft,
        Step::TakeBack => draft.state,
        Step::Pass | Step::SendBack => State::UnderReview,
    };
    let next = match step {
        Step::Submit => State::UnderReview,
        Step::TakeBack | Step::SendBack => State::Draft,
        Step::Withdraw => State::Withdrawn,
        Step::Pass => State::Reviewed,
    };
    if draft.state == next {
        return Ok(());
    }
    draft.expect(to)?;
    if step == Step::TakeBack && !matches!(draft.state, State::UnderReview | State::Reviewed) {
        return Err(Refused::NotNow(draft.state).into());
    }
    let reviews = matches!(step, Step::Pass | Step::SendBack);
    if reviews && draft.is_work_of(by) {
        return Err(Refused::OwnWork.into());
    }
    let note = note.trim();
    if step == Step::SendBack && note.is_empty() {
        return Err(Error::invalid("note", "退回没有办成：没有写意见。请写明哪里要改。"));
    }
    let findings = draft.findings();
    let open = match step {
        Step::Submit => findings.iter().filter(|finding| !finding.can_be_overridden()).count(),
        Step::Pass => super::overrule::still_open(conn, &draft, &findings)?.len(),
        _ => 0,
    };
    if open > 0 {
        return Err(Refused::Unsound(open).into());
    }
    let (reviewed_by, reviewed_at) = match step == Step::Pass {
        true => (Some(by.clone()), Some(now)),
        false => (None, None),
    };
    let review_note = reviews.then(|| note.to_owned());
    diesel::update(scheme_drafts::table.find(id))
        .set((
            scheme_drafts::state.eq(next),
            scheme_drafts::reviewed_by.eq(reviewed_by),
            scheme_drafts::reviewed_at.eq(reviewed_at),
            scheme_drafts::review_note.eq(review_note),
        ))
        .execute(conn)?;
    record(conn, by, "scheme.draft_moved", id, next.word(), now)
}

/// Marks a draft as adopted.
pub(super) fn adopted(conn: &mut Conn, id: &Id<SchemeDraft>, version: &Id<SchemeVersion>) -> Result<()> {
    diesel::update(scheme_drafts::table.find(id))
        .set((
            scheme_drafts::state.eq(State::Adopted),
            scheme_drafts::adopted_version_id.eq(version),
        ))
        .execute(conn)?;
    Ok(())
}
