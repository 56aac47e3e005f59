//! Whether a file's terms keep the safeguards: days of notice and appeal, caps, expiry, reminders, titles.
//!
//! What the terms *are* is read by `scheme::terms`; here only what they may not be. The floors are those of `domain.md`
//! §6 (SG2, SG6, SG7, SG18) and §10.

use serde_json::Value;

use super::structure::{brief, reminder_place, text, title_place};
use super::{Finding, Place};
use crate::scheme::item::CapPeriod;
use crate::scheme::terms::Terms;

/// A number among the terms: path, what people call it, least, most.
const NUMBERS: [(&str, &str, &str, i64, i64); 21] = [
    ("cycle", "nomination_deadline_day", "每月申报截止日", 1, 31),
    ("cycle", "council_day", "每月评议日", 1, 31),
    ("cycle", "notice_days", "公示天数", 3, 30),
    ("cycle", "objection_decision_days", "异议答复天数", 1, 30),
    ("cycle", "appeal_window_days", "申诉期天数", 7, 365),
    ("cycle", "appeal_decision_days", "申诉答复天数", 1, 15),
    ("cycle", "title_notice_days", "称号公示天数", 7, 60),
    ("caps", "household_per_month", "每户每月上限", 1, 300),
    ("caps", "household_per_year", "每户每年上限", 1, 3_000),
    ("caps", "min_issue", "最小记分", 1, 10),
    ("honour_penalty", "floor", "荣誉分最低值", 0, 0),
    ("honour_penalty", "most_per_month", "荣誉分每月最多减少", 0, 20),
    ("honour_penalty", "repair_days", "荣誉分恢复天数", 1, 90),
    ("council", "quorum_percent", "评议会到会比例", 50, 100),
    ("council", "approve_more_than_percent", "评议通过比例", 50, 99),
    ("council", "approve_l3_more_than_percent", "票决通过比例", 50, 99),
    ("council", "fewest_voters", "最少表决人数", 3, 99),
    ("redemption", "refund_days", "退换天数", 0, 60),
    ("redemption", "max_points_per_day", "每天兑换上限", 1, 10_000),
    ("dividend", "from_honour", "起分的荣誉分", 1, 100_000),
    ("dividend", "equal_part_percent", "各户平分的百分比", 0, 100),
];

pub(super) fn look(file: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for (part, told) in [("cycle", "周期（cycle）"), ("caps", "每户上限（caps）")] {
        if !file.get(part).is_some_and(Value::is_object) {
            found.push(Finding::defect(
                &Place::Scheme("方案条款"),
                format!("没有{told}"),
                "请按 samples/scheme.json 补上",
            ));
        }
    }
    look_at_numbers(file, &mut found);
    look_at_caps(file, &mut found);
    look_at_expiry(file, &mut found);
    look_at_bans(file, &mut found);
    look_at_reminders(file, &mut found);
    look_at_titles(file, &mut found);
    look_at_dividend(file, &mut found);
    // What nobody above has a word for, the reader of the terms has.
    if found.is_empty() && Terms::read(&file.to_string()).is_err() {
        let advice =
            "请对照 samples/scheme.json 核对 cycle、caps、expiry、council、home_visit、dividend 各处的数字和文字";
        found.push(Finding::defect(
            &Place::Scheme("方案条款"),
            "有一处条款的类型不对，读不出来",
            advice,
        ));
    }
    found
}

fn wrong(found: &mut Vec<Finding>, reason: impl Into<String>, advice: impl Into<String>) {
    found.push(Finding::defect(&Place::Scheme("方案条款"), reason, advice));
}

fn look_at_numbers(file: &Value, found: &mut Vec<Finding>) {
    for (part, field, told, least, most) in NUMBERS {
        let Some(value) = file.get(part).and_then(|part| part.get(field)) else {
            continue;
        };
        if !value.as_i64().is_some_and(|number| (least..=most).contains(&number)) {
            let range = match least == most {
                true => format!("应为 {least}"),
                false => format!("应为 {least} 至 {most} 的整数"),
            };
            wrong(found, format!("{told}（{field}）{range}"), "请改过来");
        }
    }
}

fn look_at_caps(file: &Value, found: &mut Vec<Finding>) {
    let Some(caps) = file.get("caps").filter(|caps| caps.is_object()) else {
        return;
    };
    let cap = |field: &str| caps.get(field).and_then(Value::as_i64);
    for (field, told) in [
        ("household_per_month", "每户每月上限"),
        ("household_per_year", "每户每年上限"),
    ] {
        if caps.get(field).is_none_or(Value::is_null) {
            wrong(found, format!("没有{told}（{field}）"), "请补上");
        }
    }
    if let (Some(month), Some(year)) = (cap("household_per_month"), cap("household_per_year"))
        && (year < month || year > month.saturating_mul(12))
    {
        wrong(found, "每户每年上限应在每月上限的1倍至12倍之间", "请核对 caps");
    }
    let budget = caps.get("programme_budget_points_per_month");
    let known = budget.is_none_or(|budget| {
        budget.as_str() == Some("required")
            || budget
                .as_i64()
                .is_some_and(|points| (1..=100_000_000).contains(&points))
    });
    if !known {
        wrong(
            found,
            "每月发放总额（programme_budget_points_per_month）应为正整数",
            "请写整数，或写 required 由各站点另设",
        );
    }
    let rate = file.get("rate_yuan_per_point").filter(|rate| !rate.is_null());
    let positive = |rate: &Value| {
        let rate = rate.as_str().map_or_else(|| rate.to_string(), str::to_owned);
        rate.parse::<rust_decimal::Decimal>()
            .is_ok_and(|rate| rate > rust_decimal::Decimal::ZERO)
    };
    if rate.is_some_and(|rate| !positive(rate)) {
        wrong(
            found,
            "每分折合多少元（rate_yuan_per_point）应为正数",
            "请写成 \"1.00\" 这样的数",
        );
    }
}

fn look_at_expiry(file: &Value, found: &mut Vec<Finding>) {
    let Some(expiry) = file.get("expiry").filter(|expiry| !expiry.is_null()) else {
        return;
    };
    let days: Vec<i64> = expiry
        .get("reminders_days_before")
        .and_then(Value::as_array)
        .map(|days| days.iter().filter_map(Value::as_i64).collect())
        .unwrap_or_default();
    if days.is_empty() || days.iter().any(|days| *days < 1) {
        wrong(
            found,
            "积分到期前没有提醒（reminders_days_before）",
            "请写明到期前几天提醒，例如 60、30、7",
        );
    } else if days.iter().all(|days| *days < 30) {
        wrong(found, "积分到期的提醒太晚", "请至少有一次提醒早于到期前 30 天");
    }
    if let Some(until) = expiry.get("valid_until").filter(|until| !until.is_null()) {
        let number = |field: &str| until.get(field).and_then(Value::as_i64).unwrap_or(-1);
        if !(1..=12).contains(&number("month"))
            || !(1..=31).contains(&number("day"))
            || !(1..=10).contains(&number("years_after"))
        {
            wrong(
                found,
                "积分有效期（valid_until）看不懂，或当年就到期",
                "请写 month、day、years_after，years_after 至少为 1",
            );
        }
    }
}

/// What the house does not have (`domain.md` §6).
fn look_at_bans(file: &Value, found: &mut Vec<Finding>) {
    let redemption = |field: &str| file.get("redemption").and_then(|part| part.get(field));
    for (field, told) in [
        ("cash_out", "积分不能换现金"),
        ("transfer_between_households", "积分不能在住户之间转让"),
    ] {
        if redemption(field).is_some_and(|value| *value != Value::Bool(false)) {
            wrong(found, format!("{told}（{field}）"), "请写 false");
        }
    }
    let applies = file.get("honour_penalty").and_then(|part| part.get("applies_to"));
    if applies.is_some_and(|applies| {
        let told = applies.to_string();
        told.contains("spendable") || told.contains("兑换") || told.contains("balance")
    }) {
        wrong(
            found,
            "提醒项只影响荣誉分，从不扣减可兑换的积分（honour_penalty）",
            "请把 applies_to 写成 honour_score only",
        );
    }
    if file.get("unit").is_some_and(|unit| unit.as_str() != Some("household")) {
        wrong(found, "积分按户记账（unit）", "请写 household");
    }
}

fn look_at_reminders(file: &Value, found: &mut Vec<Finding>) {
    let Some(reminders) = file.get("reminders").filter(|reminders| !reminders.is_null()) else {
        return;
    };
    let Some(rows) = reminders.as_array() else {
        return wrong(found, "提醒项（reminders）不是列表", "请用方括号列出");
    };
    for (nth, row) in rows.iter().enumerate() {
        let place = reminder_place(row);
        let mut wrong = |reason: &str, advice: &str| found.push(Finding::defect(&place, reason, advice));
        let before = rows.get(..nth).unwrap_or_default();
        match text(row, "code") {
            None => wrong("没有编号", "请写上编号，例如 N01"),
            Some(code) if before.iter().any(|other| text(other, "code") == Some(code)) => {
                wrong("编号重复", "请换一个编号")
            }
            Some(_) => {}
        }
        if text(row, "name_zh").is_none() {
            wrong("没有写明提醒什么", "请补上名称");
        }
        let (points, cap) = (
            row.get("honour_points").and_then(Value::as_i64),
            row.get("cap").and_then(Value::as_i64),
        );
        match points {
            Some(points) if (-10..=0).contains(&points) => {}
            _ => wrong("荣誉分应为 -10 至 0 的整数", "请改过来；提醒项不给分，也不一次扣光"),
        }
        match (cap, points) {
            (None, _) => wrong("没有上限", "请写明一个周期里最多减几分荣誉分"),
            (Some(cap), Some(points)) if cap > points || cap < -20 => {
                wrong("上限不合理", "上限应不小于一次的分值，且不超过 20 分")
            }
            _ => {}
        }
        if text(row, "cap_period").and_then(CapPeriod::from_word).is_none() {
            wrong(
                "上限周期应为 month、quarter 或 year",
                "请写明上限按月、按季度还是按年算",
            );
        }
    }
}

fn look_at_titles(file: &Value, found: &mut Vec<Finding>) {
    let Some(titles) = file.get("titles").filter(|titles| !titles.is_null()) else {
        return;
    };
    let Some(rows) = titles.as_array() else {
        return wrong(found, "称号（titles）不是列表", "请用方括号列出");
    };
    let categories: Vec<&str> = file
        .get("categories")
        .and_then(Value::as_array)
        .map(|rows| rows.iter().filter_map(|row| text(row, "code")).collect())
        .unwrap_or_default();
    for row in rows {
        let place = title_place(row);
        let mut wrong = |reason: &str, advice: &str| found.push(Finding::defect(&place, reason, advice));
        if !text(row, "category").is_some_and(|code| categories.contains(&code)) {
            wrong("类别不在方案的评价类别中", "请改成已有的类别编号");
        }
        if text(row, "title").is_none() {
            wrong("没有名称", "请补上");
        }
        if text(row, "quota").is_none() && !row.get("quota").is_some_and(Value::is_number) {
            wrong("没有名额", "请写明最多评几户");
        }
        if !row
            .get("reward_points")
            .is_none_or(|points| points.as_i64().is_some_and(|points| (0..=200).contains(&points)))
        {
            wrong("奖励积分应为 0 至 200 的整数", "请改过来");
        }
        if row.get("quota_scope").is_some_and(|scope| !scope.is_null()) {
            look_at_quota(row, &mut wrong);
        }
    }
}

/// What the program needs to keep a quota, where a file has it.
fn look_at_quota(row: &Value, wrong: &mut dyn FnMut(&str, &str)) {
    let number = |field: &str, most: i64| {
        let value = row.get(field).filter(|value| !value.is_null())?;
        Some(value.as_i64().is_some_and(|number| (1..=most).contains(&number)))
    };
    if !["grid", "building", "programme"].contains(&text(row, "quota_scope").unwrap_or_default()) {
        wrong("名额范围（quota_scope）看不懂", "请写 grid、building 或 programme");
    }
    match (number("quota_percent", 100), number("quota_count", 1_000)) {
        (Some(true), None) | (None, Some(true)) => {}
        _ => wrong(
            "名额应写百分比（quota_percent，1 至 100）或户数（quota_count），写一样",
            "请改过来",
        ),
    }
    if !["quarter", "year"].contains(&text(row, "period").unwrap_or_default()) {
        wrong("评选周期（period）看不懂", "请写 quarter 或 year");
    }
    if number("term_months", 60) != Some(true) {
        wrong("有效月数（term_months）应为 1 至 60 的整数", "请改过来");
    }
}

/// What a dividend is shared out by. A term that the program does not know is money shared otherwise than people read, so it
/// cannot stand: neither a property share nor anything else of a household's has a place here (`domain.md` §3.8).
fn look_at_dividend(file: &Value, found: &mut Vec<Finding>) {
    let Some(dividend) = file.get("dividend").filter(|dividend| !dividend.is_null()) else {
        return;
    };
    let advice = "请只写 from_honour、most_honour_counted、equal_part_percent";
    let Some(fields) = dividend.as_object() else {
        return wrong(found, "文明股分红（dividend）不是一组条款", advice);
    };
    let known = ["from_honour", "most_honour_counted", "equal_part_percent"];
    for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
        let reason = format!("文明股分红（dividend）没有“{}”这样的规则", brief(name));
        wrong(found, reason, advice);
    }
    let from = fields.get("from_honour").and_then(Value::as_i64).unwrap_or(1);
    let most = fields.get("most_honour_counted").filter(|most| !most.is_null());
    if most.is_some_and(|most| !most.as_i64().is_some_and(|most| (from..=1_000_000).contains(&most))) {
        wrong(
            found,
            "每户最多计入的荣誉分（most_honour_counted）应为整数，且不小于起分的荣誉分",
            "请改过来；不封顶就写 null",
        );
    }
}
