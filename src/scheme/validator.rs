//! The validator: what is wrong in a file of rules, item by item, before anybody adopts it.
//!
//! Two kinds of finding. A *defect* is a rule that is none: no cap, no evidence, no such category; nobody can override it.
//! A *forbidden criterion* is a rule that looks at what no scheme may look at (`domain.md` §6, SG4), in whatever words;
//! two people can override a find with a reason, which is printed with the rules. Nothing here fails: a file that is no
//! JSON has one defect. Nothing here reads the database or knows who asks.

mod concepts;
mod criteria;
mod deeds;
mod lexicon;
mod structure;
mod terms;
mod wording;

use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

pub use criteria::Criterion;

/// What is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where in the file.
    pub place: Place,
    /// What kind of wrong.
    pub kind: Kind,
    /// The sentence without its end: why it cannot stand.
    pub reason: String,
    /// What to do about it.
    pub advice: String,
}

/// Where in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The whole scheme or its terms: the part's name.
    Scheme(&'static str),
    /// An evaluation category.
    Category(String),
    /// A scoring item: its number in the list, its code and its name.
    Item {
        /// Counted from 0.
        nth: usize,
        /// `C01`, or what stands for it.
        code: String,
        /// Its name.
        name: String,
    },
    /// A reminder.
    Reminder(String),
    /// A title.
    Title(String),
}

/// What kind of wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A rule that is none.
    Defect,
    /// It looks at what no scheme may look at; the words that say so.
    Forbidden {
        /// Which of the twelve.
        criterion: Criterion,
        /// What was found.
        words: String,
        /// The whole text it was found in.
        text: String,
    },
}

impl Finding {
    fn defect(place: &Place, reason: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding {
            place: place.clone(),
            kind: Kind::Defect,
            reason: reason.into(),
            advice: advice.into(),
        }
    }

    /// Can two people override it?
    #[must_use]
    pub fn can_be_overridden(&self) -> bool {
        matches!(self.kind, Kind::Forbidden { .. })
    }

    /// What an override is for: this criterion in these very words. Another wording is another find.
    #[must_use]
    pub fn mark(&self) -> String {
        let told = match &self.kind {
            Kind::Defect => format!("{}|{}", self.place, self.reason),
            Kind::Forbidden { criterion, text, .. } => format!("{}|{}|{text}", self.place, criterion.word()),
        };
        let digest = Sha256::digest(told.as_bytes());
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}：{}。{}。", self.place, self.reason, self.advice)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Scheme(part) => formatter.write_str(part),
            Place::Category(told) => write!(formatter, "类别 {told}"),
            Place::Item { code, name, .. } => write!(formatter, "项目 {code} {name}"),
            Place::Reminder(told) => write!(formatter, "提醒项 {told}"),
            Place::Title(told) => write!(formatter, "称号 {told}"),
        }
    }
}

/// The largest file that is read.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Everything that is wrong in a file.
#[must_use]
pub fn validate(text: &str) -> Vec<Finding> {
    match document(text) {
        Ok(file) => findings(&file),
        Err(finding) => vec![*finding],
    }
}

/// The file as a document, or why it is none.
///
/// # Errors
/// The one finding about a file that cannot be read.
pub fn document(text: &str) -> Result<Value, Box<Finding>> {
    let whole = Place::Scheme("方案文件");
    if text.len() > MOST_BYTES {
        let advice = format!(
            "方案文件应不超过 {} MB，请核对是不是选错了文件",
            MOST_BYTES / (1024 * 1024)
        );
        return Err(Box::new(Finding::defect(&whole, "文件太大，没有读", advice)));
    }
    let text = text.trim_start_matches('\u{feff}');
    let file: Value = serde_json::from_str(text).map_err(|cause| {
        let reason = format!("读不懂（第{}行第{}列）：{cause}", cause.line(), cause.column());
        Finding::defect(&whole, reason, "请用 samples/scheme.json 的格式，改好这一处再试")
    })?;
    match file.is_object() {
        true => Ok(file),
        false => Err(Box::new(Finding::defect(
            &whole,
            "第1行起应是一个对象（用大括号包起来的内容）",
            "请用 samples/scheme.json 的格式",
        ))),
    }
}

/// Everything that is wrong in a document.
#[must_use]
pub fn findings(file: &Value) -> Vec<Finding> {
    let mut found = structure::look(file);
    found.extend(terms::look(file));
    found.extend(wordings(file));
    found
}

// ---- Every word of the file --------------------------------------------------------------------------------------

/// Parts of the file that are not rules: the list of what is forbidden, what levels mean, and who made the file up.
const NOT_RULES: [&str; 6] = [
    "forbidden_criteria",
    "check_levels",
    "status",
    "scheme_code",
    "origin",
    "overrides",
];

/// What the words of a title look at that no rule may look at: for a title that a community defines beside its rules.
#[must_use]
pub fn of_title(row: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    say(&structure::title_place(row), row, &mut found);
    found
}

/// What every text of the file says, part by part.
fn wordings(file: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for (part, value) in file.as_object().into_iter().flatten() {
        let rows = value.as_array().map(Vec::as_slice).unwrap_or_default();
        match part.as_str() {
            skipped if NOT_RULES.contains(&skipped) => {}
            "items" => {
                for (nth, row) in rows.iter().enumerate() {
                    let (place, before) = (structure::item_place(nth, row), found.len());
                    say(&place, row, &mut found);
                    if found.len() == before {
                        found.extend(no_deed(place, row));
                    }
                }
            }
            "categories" => rows
                .iter()
                .for_each(|row| say(&structure::category_place(row), row, &mut found)),
            "reminders" => rows
                .iter()
                .for_each(|row| say(&structure::reminder_place(row), row, &mut found)),
            "titles" => rows
                .iter()
                .for_each(|row| say(&structure::title_place(row), row, &mut found)),
            _ => say(&Place::Scheme("方案"), value, &mut found),
        }
    }
    found
}

/// Each criterion is named once for a place, with the first words found: a rule's texts are read one by one and then
/// together, because a name can be harmless and its evidence tell what is meant.
fn say(place: &Place, row: &Value, found: &mut Vec<Finding>) {
    let mut texts = Vec::new();
    texts_of(row, &mut texts);
    let together = texts.join("。");
    let mut told: Vec<Criterion> = Vec::new();
    for text in texts.iter().chain(std::iter::once(&together)) {
        for (criterion, words) in criteria::found_in(text) {
            if told.contains(&criterion) {
                continue;
            }
            told.push(criterion);
            found.push(Finding {
                place: place.clone(),
                reason: format!(
                    "“{words}”属于禁止的评分依据（{}）：{}",
                    criterion.label(),
                    criterion.reason()
                ),
                advice: criterion.advice().to_owned(),
                kind: Kind::Forbidden {
                    criterion,
                    words,
                    text: text.clone(),
                },
            });
        }
    }
}

/// An item that names nothing to do. Its evidence is not asked: a list of names can prove anything.
fn no_deed(place: Place, row: &Value) -> Option<Finding> {
    let mut texts = Vec::new();
    for (_, value) in row
        .as_object()?
        .iter()
        .filter(|(field, _)| *field != structure::EVIDENCE)
    {
        texts_of(value, &mut texts);
    }
    let text = texts.join("。");
    criteria::names_no_deed(&text).then(|| Finding {
        place,
        reason: "没有写明做什么事：处境、身份、态度不能作为评分依据，只有做了的事才能".to_owned(),
        advice: "请写清楚谁做了什么、怎样算做到，例如“参加……”“清扫……”“帮邻居……”；写不出来的删去".to_owned(),
        kind: Kind::Forbidden {
            criterion: Criterion::CatchAll,
            words: structure::text(row, "name_zh").unwrap_or_default().to_owned(),
            text,
        },
    })
}

/// Every text below a value, whatever its field is called.
fn texts_of(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => texts.push(text.clone()),
        Value::Array(rows) => rows.iter().for_each(|row| texts_of(row, texts)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if !NOT_RULES.contains(&name.as_str()) {
                    texts_of(value, texts);
                }
            }
        }
        _ => {}
    }
}
