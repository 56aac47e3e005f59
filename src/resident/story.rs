//! A line of a household's book in plain words: what happened, and, step by step, through whose hands it went.
//!
//! It tells what `statements` knows, shorter than a statement and without figures of anybody else.

use crate::clock::spoken_day;
use crate::points::Points;
use crate::statements::statement::{Line, What};
use crate::volunteering::book::TimeLine;
use crate::volunteering::minutes::Minutes;

/// A line in plain words.
#[derive(Clone, Debug)]
pub struct Story {
    /// The slip number, which leads to the steps.
    pub slip: i64,
    /// The day.
    pub day: String,
    /// What happened: `帮邻居送药`, `换了大米5kg×1`.
    pub what: String,
    /// `加2分`, `用了30分`.
    pub amount: String,
    /// What was left after it.
    pub left: Points,
    /// Did it bring points?
    pub brings: bool,
    /// How it came about, in order. The notice is named and not linked: its time was over when the points came.
    pub steps: Vec<String>,
}

impl Story {
    /// Tells a line.
    #[must_use]
    pub fn of(line: &Line) -> Story {
        let (what, steps) = told(&line.what);
        let brings = line.amount >= Points::ZERO;
        let amount = match brings {
            true => format!("加{}分", line.amount),
            false => format!("用了{}分", -line.amount),
        };
        Story {
            slip: line.slip,
            day: spoken_day(line.effective_on),
            what,
            amount,
            left: line.balance_after,
            brings,
            steps,
        }
    }

    /// As somebody would say it: `11月21日，帮邻居送药，加2分。`
    #[must_use]
    pub fn aloud(&self) -> String {
        format!("{}，{}，{}。", self.day, self.what, self.amount)
    }
}

/// What a line of time added or took: `加2小时`, `用了45分钟`.
#[must_use]
pub fn of_time(line: &TimeLine) -> String {
    match line.minutes >= Minutes(0) {
        true => format!("加{}", line.minutes),
        false => format!("用了{}", Minutes(line.minutes.0.saturating_neg())),
    }
}

fn told(what: &What) -> (String, Vec<String>) {
    match what {
        What::Award {
            item_code,
            rule,
            count,
            note,
            nominated_by,
            verified_by,
            shown,
        } => {
            let rule = rule.trim_end_matches('。');
            let deed = if note.is_empty() { rule } else { note.as_str() };
            let what = match *count > 1 {
                true => format!("{deed}×{count}"),
                false => deed.to_owned(),
            };
            let mut steps = vec![
                format!("按积分办法{item_code}：{rule}。"),
                format!("{nominated_by}申报。"),
            ];
            if !verified_by.is_empty() {
                steps.push(format!("{verified_by}核实。"));
            }
            match shown {
                Some(shown) => {
                    steps.push(format!("第{}次评议会评议通过。", shown.session));
                    steps.push(format!("公示期满，没有异议，入账。条目编号{}。", shown.slip));
                }
                None => steps.push("申诉成立，补记入账。".to_owned()),
            }
            (what, steps)
        }
        What::Redemption {
            goods,
            redeemed_by,
            typed,
        } => {
            let goods = goods.join("、").replace(" × ", "×");
            let shown = if *typed { "报卡号" } else { "扫卡" };
            let steps = vec![format!("在柜台{shown}兑换。"), format!("{redeemed_by}经办。")];
            (format!("换了{goods}"), steps)
        }
        What::Void {
            slip,
            reason,
            voided_by,
        } => {
            let steps = vec![
                format!("撤销第{slip}号兑换，积分退回。"),
                format!("原因：{reason}。"),
                format!("{voided_by}经办。"),
            ];
            ("撤销兑换，积分退回".to_owned(), steps)
        }
        What::Title {
            title,
            reason,
            revoked: true,
            ..
        } => {
            let steps = vec![format!("申诉复议决定撤销：{reason}"), "奖励的积分一并收回。".to_owned()];
            (format!("称号撤销：{title}"), steps)
        }
        What::Title {
            title,
            reason,
            revoked: false,
            nominated_by,
            verified_by,
            shown,
        } => {
            let mut steps = vec![format!("{nominated_by}申报：{}。", reason.trim_end_matches('。'))];
            if !verified_by.is_empty() {
                steps.push(format!("{verified_by}核实。"));
            }
            match shown {
                Some(shown) => {
                    steps.push(format!("第{}次评议会票决通过。", shown.session));
                    steps.push(format!(
                        "公示期满，没有异议，授予称号，奖励积分入账。公示条目{}。",
                        shown.slip
                    ));
                }
                None => steps.push("申诉成立，授予称号。".to_owned()),
            }
            (format!("荣誉称号奖励：{title}"), steps)
        }
        What::Other(words) => (words.clone(), Vec::new()),
    }
}
