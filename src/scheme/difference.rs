//! What is different between two documents, item by item and in words, for the people who decide on the new one.

use serde_json::Value;

use super::item::{CapPeriod, CheckLevel, Occasion};

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Only the newer one has it.
    Added,
    /// Only the older one has it.
    Removed,
    /// Both have it, and it says something else.
    Changed,
}

impl What {
    /// In a word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            What::Added => "新增",
            What::Removed => "删去",
            What::Changed => "改动",
        }
    }
}

/// A row that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its code, or the part of the terms.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What happened.
    pub what: What,
    /// What changed: field, before, after. Of a new row, what it says.
    pub fields: Vec<(String, String, String)>,
}

/// The lists of a document, and how people call them.
const LISTS: [(&str, &str); 4] = [
    ("items", "积分项目"),
    ("categories", "评价类别"),
    ("reminders", "提醒项"),
    ("titles", "称号"),
];

/// What is different in a part of the rules, under the part's heading.
pub type Part = (&'static str, Vec<Difference>);

/// What is different; parts without differences are left out.
#[must_use]
pub fn between(older: &Value, newer: &Value) -> Vec<Part> {
    let mut parts = Vec::new();
    for (list, told) in LISTS {
        let found = rows_between(rows(older, list), rows(newer, list));
        if !found.is_empty() {
            parts.push((told, found));
        }
    }
    let terms = terms_between(older, newer);
    if !terms.is_empty() {
        parts.push(("条款", terms));
    }
    parts
}

fn rows<'a>(file: &'a Value, list: &str) -> &'a [Value] {
    file.get(list)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn code_of(row: &Value) -> &str {
    let code = row.get("code").or_else(|| row.get("category"));
    code.and_then(Value::as_str).unwrap_or_default()
}

fn name_of(row: &Value) -> String {
    let name = row.get("name_zh").or_else(|| row.get("title"));
    name.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn rows_between(older: &[Value], newer: &[Value]) -> Vec<Difference> {
    let mut found = Vec::new();
    for row in newer {
        let before = older.iter().find(|old| code_of(old) == code_of(row));
        let fields = fields_between(before.unwrap_or(&Value::Null), row);
        let what = match before {
            None => What::Added,
            Some(_) if fields.is_empty() => continue,
            Some(_) => What::Changed,
        };
        found.push(difference(row, what, fields));
    }
    for row in older {
        if !newer.iter().any(|new| code_of(new) == code_of(row)) {
            found.push(difference(row, What::Removed, Vec::new()));
        }
    }
    found.sort_by(|one, other| one.code.cmp(&other.code));
    found
}

fn difference(row: &Value, what: What, fields: Vec<(String, String, String)>) -> Difference {
    Difference {
        code: code_of(row).to_owned(),
        name: name_of(row),
        what,
        fields,
    }
}

fn fields_between(older: &Value, newer: &Value) -> Vec<(String, String, String)> {
    let names = |row: &Value| {
        row.as_object()
            .map(|row| row.keys().cloned().collect::<Vec<_>>())
            .unwrap_or_default()
    };
    let mut all = names(newer);
    all.extend(names(older));
    all.sort();
    all.dedup();
    let changed = all
        .into_iter()
        .filter(|name| name != "code" && older.get(name) != newer.get(name));
    changed
        .map(|name| {
            let told = |row: &Value| row.get(&name).map(|value| in_words(&name, value)).unwrap_or_default();
            (field_in_words(&name).to_owned(), told(older), told(newer))
        })
        .collect()
}

/// Every term that is no list, by its path.
fn terms_between(older: &Value, newer: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let names = |file: &Value| {
        file.as_object()
            .map(|file| file.keys().cloned().collect::<Vec<_>>())
            .unwrap_or_default()
    };
    let mut parts = names(newer);
    parts.extend(names(older));
    parts.sort();
    parts.dedup();
    for part in parts.iter().filter(|part| !LISTS.iter().any(|(list, _)| list == part)) {
        let (before, after) = (
            older.get(part).unwrap_or(&Value::Null),
            newer.get(part).unwrap_or(&Value::Null),
        );
        if before == after {
            continue;
        }
        let fields = match (before, after) {
            (Value::Object(_), _) | (_, Value::Object(_)) => fields_between(before, after),
            _ => vec![(
                field_in_words(part).to_owned(),
                in_words(part, before),
                in_words(part, after),
            )],
        };
        found.push(Difference {
            code: String::new(),
            name: field_in_words(part).to_owned(),
            what: What::Changed,
            fields,
        });
    }
    found
}

/// What people call a field; one that is not known stands as it is.
fn field_in_words(name: &str) -> &str {
    match name {
        "name_zh" => "名称",
        "points" => "分值",
        "per" => "计次",
        "cap" => "上限",
        "cap_period" => "上限周期",
        "evidence" => "凭什么",
        "nominator" => "谁申报",
        "check_level" => "谁核实",
        "given_for" => "由系统列出",
        "category" => "类别",
        "title_zh" | "title" => "称号",
        "redeemable" => "可否兑换",
        "honour_points" => "荣誉分",
        "quota" => "名额",
        "quota_scope" => "名额范围",
        "quota_percent" => "名额占户数的百分比",
        "quota_count" => "名额户数",
        "period" => "评选周期",
        "term_months" => "有效月数",
        "purpose" => "评什么",
        "eligibility" => "条件",
        "plaque" => "挂牌",
        "reward_points" => "奖励积分",
        "honour" => "荣誉方式",
        "cycle" => "周期",
        "caps" => "每户上限",
        "expiry" => "有效期",
        "redemption" => "兑换",
        "honour_penalty" => "荣誉分减少与恢复",
        "council" => "评议会",
        "home_visit" => "入户评比",
        "dividend" => "文明股分红",
        "from_honour" => "起分的荣誉分",
        "most_honour_counted" => "每户最多计入的荣誉分",
        "equal_part_percent" => "各户平分的百分比",
        "rate_yuan_per_point" => "每分折合元",
        "nomination_deadline_day" => "每月申报截止日",
        "council_day" => "每月评议日",
        "notice_days" => "公示天数",
        "objection_decision_days" => "异议答复天数",
        "appeal_window_days" => "申诉期天数",
        "appeal_decision_days" => "申诉答复天数",
        "title_notice_days" => "称号公示天数",
        "household_per_month" => "每户每月上限",
        "household_per_year" => "每户每年上限",
        "programme_budget_points_per_month" => "每月发放总额",
        "most_per_month" => "每月最多减少",
        "repair_days" => "恢复天数",
        "quorum_percent" => "到会比例",
        "approve_more_than_percent" => "通过比例",
        "approve_l3_more_than_percent" => "票决通过比例",
        "fewest_voters" => "最少表决人数",
        "recuse_same_building" => "同楼回避",
        "valid_until" => "有效到",
        "reminders_days_before" => "到期前几天提醒",
        "max_points_per_day" => "每天兑换上限",
        "scheme_code" => "方案编号",
        "status" => "状态说明",
        other => other,
    }
}

/// What people call a value.
fn in_words(field: &str, value: &Value) -> String {
    match (field, value) {
        ("most_honour_counted", Value::Null) => "不封顶".to_owned(),
        (_, Value::Null) => String::new(),
        ("cap_period", Value::String(word)) => {
            CapPeriod::from_word(word).map_or(word.clone(), |period| format!("每{}", period.label()))
        }
        ("check_level", Value::String(word)) => {
            CheckLevel::from_word(word).map_or(word.clone(), |level| level.label().to_owned())
        }
        ("given_for", Value::String(word)) => {
            Occasion::from_word(word).map_or(word.clone(), |occasion| occasion.label().to_owned())
        }
        ("per", Value::String(word)) => super::item::per_in_words(word).to_owned(),
        ("nominator", Value::String(word)) => super::item::nominator_in_words(word).to_owned(),
        (_, Value::String(word)) if word == "required" => "由各站点另设".to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Bool(true)) => "是".to_owned(),
        (_, Value::Bool(false)) => "否".to_owned(),
        (_, Value::Array(rows)) => {
            let rows: Vec<String> = rows.iter().map(|row| in_words("", row)).collect();
            rows.join("、")
        }
        (_, Value::Object(fields)) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{} {}", field_in_words(name), in_words(name, value)))
                .collect();
            fields.join("，")
        }
        (_, Value::Number(number)) => number.to_string(),
    }
}
