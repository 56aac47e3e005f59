//! Whether each row of a file is a rule at all: code, category, points, cap, evidence, who nominates, who checks.
//!
//! Reads the file as it is, field by field, so that one wrong type does not hide ten other faults. Limits that are
//! judgement are constants with their reason.

use serde_json::Value;

use super::{Finding, Place};
use crate::scheme::item::{CapPeriod, CheckLevel, Occasion};

/// The most items of a scheme: more than anybody reads, and far more than any village has.
const MOST_ITEMS: usize = 300;
/// The longest text of a field, in characters.
const LONGEST: usize = 200;
/// The most points for one count. Bravery recognised by the authorities has 30 in the sample.
const MOST_POINTS: i64 = 100;
/// From so many points one person's word is not enough (L1), and a batch is not enough (L2).
const NOT_BY_ONE: i64 = 10;
const NOT_IN_A_BATCH: i64 = 50;
/// What a household can have from an item of the highest level, which no household cap holds back.
const MOST_OF_AN_ITEM: i64 = 300;

pub(super) fn item_place(nth: usize, row: &Value) -> Place {
    let told = |field: &str| row.get(field).and_then(Value::as_str).map(brief).unwrap_or_default();
    let code = match told("code") {
        code if code.trim().is_empty() => format!("（第{}项）", nth.saturating_add(1)),
        code => code,
    };
    Place::Item {
        nth,
        code,
        name: told("name_zh"),
    }
}

pub(super) fn category_place(row: &Value) -> Place {
    Place::Category(code_and_name(row, "code", "name_zh"))
}

pub(super) fn reminder_place(row: &Value) -> Place {
    Place::Reminder(code_and_name(row, "code", "name_zh"))
}

pub(super) fn title_place(row: &Value) -> Place {
    Place::Title(code_and_name(row, "category", "title"))
}

fn code_and_name(row: &Value, code: &str, name: &str) -> String {
    let told = |field: &str| row.get(field).and_then(Value::as_str).map(brief).unwrap_or_default();
    format!("{} {}", told(code), told(name)).trim().to_owned()
}

/// Enough of a text to know it again.
pub(super) fn brief(text: &str) -> String {
    match text.chars().count() > 40 {
        true => text.chars().take(40).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// What is wrong with the rows of the file.
pub(super) fn look(file: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let whole = Place::Scheme("方案");
    for (field, told) in [
        ("scheme_code", "方案编号（scheme_code）"),
        ("name_zh", "方案名称（name_zh）"),
    ] {
        if text(file, field).is_none() {
            found.push(Finding::defect(&whole, format!("没有{told}"), "请补上"));
        }
    }
    let categories = rows(file, "categories", "评价类别（categories）", &mut found);
    let codes = look_at_categories(categories, &mut found);
    let items = rows(file, "items", "积分项目（items）", &mut found);
    if file.get("items").is_some_and(Value::is_array) && items.is_empty() {
        found.push(Finding::defect(&whole, "方案里没有积分项目", "请至少写一个项目"));
    }
    if items.len() > MOST_ITEMS {
        let reason = format!("有 {} 个项目，多得没有人读得完", items.len());
        found.push(Finding::defect(&whole, reason, format!("请减到 {MOST_ITEMS} 个以内")));
    }
    let caps = Caps::of(file);
    for (nth, row) in items.iter().enumerate() {
        let place = item_place(nth, row);
        let before = items.get(..nth).unwrap_or_default();
        look_at_item(&place, row, before, &codes, &caps, &mut found);
    }
    found
}

fn rows<'a>(file: &'a Value, field: &str, told: &str, found: &mut Vec<Finding>) -> &'a [Value] {
    match file.get(field) {
        Some(Value::Array(rows)) => rows,
        Some(_) => {
            found.push(Finding::defect(
                &Place::Scheme("方案"),
                format!("{told}不是列表"),
                "请用方括号列出",
            ));
            &[]
        }
        None => {
            found.push(Finding::defect(&Place::Scheme("方案"), format!("没有{told}"), "请补上"));
            &[]
        }
    }
}

fn look_at_categories<'a>(categories: &'a [Value], found: &mut Vec<Finding>) -> Vec<&'a str> {
    let mut codes: Vec<&str> = Vec::new();
    for row in categories {
        let place = category_place(row);
        let mut wrong = |reason: &str, advice: &str| found.push(Finding::defect(&place, reason, advice));
        match text(row, "code") {
            None => wrong("没有编号", "请写上字母或数字编号"),
            Some(code) if codes.contains(&code) => wrong("编号重复", "请换一个编号"),
            Some(code) => codes.push(code),
        }
        if text(row, "name_zh").is_none() || text(row, "title_zh").is_none() {
            wrong("没有写明名称或称号", "请补上 name_zh 和 title_zh");
        }
        if !row.get("redeemable").is_some_and(Value::is_boolean) {
            wrong("没有写明积分可不可以兑换", "请把 redeemable 写成 true 或 false");
        }
    }
    codes
}

/// The household's caps, as far as they can be read.
struct Caps {
    month: i64,
    year: i64,
}

impl Caps {
    fn of(file: &Value) -> Caps {
        let cap = |field: &str| {
            file.get("caps")
                .and_then(|caps| caps.get(field))
                .and_then(Value::as_i64)
        };
        Caps {
            // A household's cap below the sample's holds by itself: it does not make the items' caps unreasonable.
            month: cap("household_per_month").unwrap_or(0).max(30),
            year: cap("household_per_year").unwrap_or(0).max(240),
        }
    }

    fn most(&self, period: CapPeriod, level: Option<CheckLevel>) -> i64 {
        // L3 stands outside the household's caps (`domain.md` §9.1).
        if level == Some(CheckLevel::L3) {
            return MOST_OF_AN_ITEM;
        }
        match period {
            CapPeriod::Month => self.month,
            CapPeriod::Quarter => self.month.saturating_mul(3),
            CapPeriod::Year => self.year,
        }
    }
}

fn look_at_item(place: &Place, row: &Value, before: &[Value], codes: &[&str], caps: &Caps, found: &mut Vec<Finding>) {
    let mut wrong = |reason: &str, advice: &str| found.push(Finding::defect(place, reason, advice));
    if !row.is_object() {
        return wrong("不是一个项目", "请用大括号写出编号、名称、分值、上限、佐证");
    }
    match text(row, "code") {
        None => wrong("没有编号", "请写上编号，例如 C01"),
        Some(code) if before.iter().any(|other| text(other, "code") == Some(code)) => {
            wrong("编号重复", "请换一个编号；每条积分都要能引到唯一的一项");
        }
        Some(_) => {}
    }
    match text(row, "name_zh") {
        None => wrong("没有写明做什么", "请补上名称"),
        Some(name) if before.iter().any(|other| text(other, "name_zh") == Some(name)) => {
            wrong("与前面的项目同名", "请合并或改写，免得一件事记两次");
        }
        Some(_) => {}
    }
    match text(row, "category") {
        Some(code) if codes.contains(&code) => {}
        _ => wrong("类别不在方案的评价类别中", "请改成已有的类别编号，或先增加类别"),
    }
    let level = look_at_words(row, &mut wrong);
    look_at_points(row, level, caps, &mut wrong);
    look_at_evidence(row, &mut wrong);
    for (name, value) in row.as_object().into_iter().flatten() {
        if value.as_str().is_some_and(|text| text.chars().count() > LONGEST) {
            wrong(&format!("“{}”太长", brief(name)), "请写短，一项只写一件事");
        }
    }
    look_at_occasion(row, before, &mut wrong);
    look_at_kind(row, &mut wrong);
}

type Wrong<'a> = dyn FnMut(&str, &str) + 'a;

/// Level, period, unit and nominator: words of the field, or a scheme's own in Chinese.
fn look_at_words(row: &Value, wrong: &mut Wrong<'_>) -> Option<CheckLevel> {
    let level = text(row, "check_level").and_then(CheckLevel::from_word);
    if level.is_none() {
        wrong("核实级别应为 L1、L2 或 L3", "请写明由谁核实");
    }
    let own = |word: &str| !word.is_ascii() && word.chars().count() <= 20;
    let units = [
        "time",
        "person",
        "household",
        "person_helped",
        "item",
        "week",
        "hour",
        "10_yuan",
        "award_level_5_10_15",
        "day",
        "month",
        "quarter",
        "year",
    ];
    match text(row, "per") {
        None => wrong("没有写明按什么计（每次、每人、每户）", "请补上 per"),
        Some(word) if units.contains(&word) || own(word) => {}
        Some(_) => wrong(
            "按什么计（per）看不懂",
            "请写 time、person、household、item、week、hour 之一，或用中文写清楚",
        ),
    }
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
    match text(row, "nominator") {
        None => wrong("没有写明由谁申报", "请补上 nominator"),
        Some(word) if nominators.contains(&word) || own(word) => {}
        Some(_) => wrong(
            "由谁申报（nominator）看不懂",
            "请写 resident、grid_worker、building_head、council、community 等，或用中文写清楚",
        ),
    }
    level
}

fn look_at_points(row: &Value, level: Option<CheckLevel>, caps: &Caps, wrong: &mut Wrong<'_>) {
    let points = row.get("points").and_then(Value::as_i64);
    let given = row.get("points").is_some_and(|points| !points.is_null());
    match points {
        None if !given => wrong("没有写分值", "请写1至100的整数"),
        None => wrong(
            "分值应为1至100的整数，不能是小数、范围或文字",
            "请写一个整数；分档的拆成几项",
        ),
        Some(points) if points < 0 => wrong(
            "分值是负数：可兑换的积分从不扣减",
            "请改写成提醒项（reminders），只影响荣誉分",
        ),
        Some(points) if !(1..=MOST_POINTS).contains(&points) => wrong("分值应为1至100的整数", "请改成合理的分值"),
        Some(points) if points >= NOT_BY_ONE && level == Some(CheckLevel::L1) => {
            wrong("分值较大，却只由一个人核实", "10分及以上请把核实级别改为 L2 或 L3");
        }
        Some(points) if points >= NOT_IN_A_BATCH && level == Some(CheckLevel::L2) => {
            wrong("分值很大，却不逐项票决", "50分及以上请把核实级别改为 L3");
        }
        Some(_) => {}
    }
    let period = text(row, "cap_period").and_then(CapPeriod::from_word);
    if period.is_none() {
        wrong(
            "上限周期应为 month、quarter 或 year",
            "请写明上限按月、按季度还是按年算",
        );
    }
    let cap = row.get("cap").and_then(Value::as_i64);
    match (cap, period) {
        (None, _) if row.get("cap").is_none_or(Value::is_null) => wrong("没有上限", "请写明一户在一个周期里最多得几分"),
        (None, _) => wrong("上限应为整数", "请写一个整数"),
        (Some(cap), _) if cap < points.unwrap_or(1).max(1) => {
            wrong("上限不合理：小于一次的分值", "请写不小于一次分值的上限");
        }
        (Some(cap), Some(period)) if cap > caps.most(period, level) => {
            wrong(
                &format!("上限不合理：每{}{cap}分，超过一户全部项目的上限", period.label()),
                &format!("请改为每{}不超过{}分", period.label(), caps.most(period, level)),
            );
        }
        (Some(_), _) => {}
    }
}

/// The field that says what proves a deed.
pub(super) const EVIDENCE: &str = "evidence";

/// Words that stand where evidence should, and are none.
const NO_EVIDENCE: [&str; 40] = [
    "无",
    "无需",
    "不需要",
    "不用",
    "免",
    "无须",
    "没有",
    "略",
    "待定",
    "暂无",
    "口头",
    "口头说明",
    "口述",
    "本人口述",
    "自述",
    "凭印象",
    "印象",
    "大家都知道",
    "众所周知",
    "群众公认",
    "公认",
    "领导认可",
    "领导认定",
    "干部认定",
    "村干部认定",
    "村干部说了算",
    "说了算",
    "同上",
    "详见",
    "另定",
    "以后再说",
    "后补",
    "事后补",
    "可有可无",
    "不要求",
    "不作要求",
    "none",
    "na",
    "null",
    "tbd",
];

fn look_at_evidence(row: &Value, wrong: &mut Wrong<'_>) {
    let Some(evidence) = text(row, EVIDENCE) else {
        return wrong("没有写明佐证材料", "请写明凭什么记分，例如“签到表”“受助人确认”");
    };
    let letters: String = evidence.chars().filter(|letter| letter.is_alphanumeric()).collect();
    let letters = letters.to_lowercase();
    let vague = [
        "印象",
        "说了算",
        "公认",
        "大家都知",
        "口头",
        "口述",
        "心里有数",
        "自己掌握",
        "领导认可",
        "领导点头",
        "不需",
        "无需",
        "不用",
        "免交",
        "免提供",
    ];
    let only_known = ["掌握", "认为", "了解", "知道", "知晓", "口头说", "点头"]
        .iter()
        .any(|word| letters.ends_with(word));
    if only_known
        || letters.chars().count() < 2
        || NO_EVIDENCE.contains(&letters.as_str())
        || vague.iter().any(|word| letters.contains(word))
    {
        wrong(
            "佐证材料等于没有写",
            "请写明看得见、查得到的材料，例如“签到表”“现场照片”",
        );
    }
}

/// For what the program knows of itself an item is given, if it is: one item for each.
fn look_at_occasion(row: &Value, before: &[Value], wrong: &mut Wrong<'_>) {
    const FIELD: &str = "given_for";
    let Some(given) = row.get(FIELD).filter(|given| !given.is_null()) else {
        return;
    };
    match given.as_str().and_then(Occasion::from_word) {
        None => wrong(
            "由系统列出什么（given_for）看不懂",
            "请写 statement_confirmed（住户核对过季度账本），或删去这一行",
        ),
        Some(_) if before.iter().any(|other| other.get(FIELD) == Some(given)) => {
            wrong("前面已有一项由系统为同一件事列出", "请只留一项，免得一件事记两次");
        }
        Some(_) => {}
    }
}

/// Kinds that other programs give their items.
fn look_at_kind(row: &Value, wrong: &mut Wrong<'_>) {
    const FORBIDDEN: [&str; 33] = [
        "petition",
        "complaint",
        "hotline",
        "speech",
        "online",
        "vote",
        "ballot",
        "inspect",
        "demolition",
        "land",
        "relocation",
        "moving",
        "income",
        "debt",
        "illness",
        "disability",
        "health",
        "poverty",
        "marriage",
        "birth",
        "religion",
        "burial",
        "funeral",
        "exam",
        "grades",
        "benefit",
        "premium",
        "insurance",
        "litigation",
        "lawsuit",
        "penalty",
        "crime",
        "other",
    ];
    for field in ["kind", "type", "criterion", "tag", "subject", "basis"] {
        let word = row
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase();
        if FORBIDDEN.iter().any(|kind| word.contains(kind)) {
            wrong(&format!("项目种类“{}”属于禁止的评分依据", brief(&word)), "请删去这一项");
        }
    }
}

/// A field's text, if it is one and says something.
pub(super) fn text<'a>(row: &'a Value, field: &str) -> Option<&'a str> {
    row.get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
}
