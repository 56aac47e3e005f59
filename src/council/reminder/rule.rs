//! What a reminder rule says beyond its figures: how many days it leaves at least, and from which time on it costs anything.
//!
//! The sample scheme says both in its wording only (`书面提醒三日后仍未整改`, `当月第二次提醒起`), and so will others. A note must
//! not cost more than the words that the assembly adopted; where they say nothing, a day is left and every time costs.

use crate::points::Points;
use crate::scheme::terms::ReminderRule;

/// What it costs at most, as a positive number.
#[must_use]
pub fn cost(rule: &ReminderRule) -> Points {
    Points(rule.honour_points.0.saturating_abs())
}

/// The cap of its period, as a positive number.
#[must_use]
pub fn cap(rule: &ReminderRule) -> Points {
    Points(rule.cap.0.saturating_abs())
}

/// The fewest days between the note and the day by which to put it right.
#[must_use]
pub fn fewest_days(rule: &ReminderRule) -> u64 {
    let said = number_between(&rule.name, &["提醒"], &["日后", "天后", "日内", "天内"]);
    said.and_then(|days| u64::try_from(days).ok()).unwrap_or(1).max(1)
}

/// From which time in a month on it costs anything: 1 for every time.
#[must_use]
pub fn costs_from(rule: &ReminderRule) -> i64 {
    number_between(&rule.name, &["第"], &["次提醒起", "次起", "次以后", "次及以上"]).unwrap_or(1)
}

/// The number that stands directly between one of these words and one of those.
fn number_between(text: &str, before: &[&str], after: &[&str]) -> Option<i64> {
    before
        .iter()
        .flat_map(|word| text.match_indices(word).map(|(at, word)| at.saturating_add(word.len())))
        .find_map(|at| {
            let rest = text.get(at..)?;
            let end = rest.find(|letter| digit(letter).is_none())?;
            let (number, rest) = rest.split_at_checked(end)?;
            let follows = after.iter().any(|word| rest.starts_with(word));
            follows.then(|| read_number(number)).flatten()
        })
}

fn digit(letter: char) -> Option<i64> {
    let ten = "零一二三四五六七八九十".chars().position(|known| known == letter);
    match letter {
        '两' => Some(2),
        '0'..='9' => letter.to_digit(10).map(i64::from),
        _ => ten.and_then(|value| i64::try_from(value).ok()),
    }
}

/// `三`, `10`, `十`, `十五`, `二十`.
fn read_number(text: &str) -> Option<i64> {
    if let Some((tens, ones)) = text.split_once('十') {
        let part = |text: &str, none: i64| match text {
            "" => Some(none),
            text => read_number(text),
        };
        return part(tens, 1)?.checked_mul(10)?.checked_add(part(ones, 0)?);
    }
    let mut number: Option<i64> = None;
    for letter in text.chars() {
        number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit(letter)?)?);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::terms::Terms;

    fn rule(name: &str) -> ReminderRule {
        let mut rule = Terms::read(include_str!("../../../samples/scheme.json"))
            .unwrap_or_default()
            .reminders
            .remove(0);
        rule.name = name.to_owned();
        rule
    }

    #[test]
    fn the_words_of_a_rule_are_kept() {
        for (name, days, from) in [
            ("楼道堆物，书面提醒三日后仍未整改", 3, 1),
            ("乱扔垃圾，当月第二次提醒起", 1, 2),
            ("占用消防通道停车，提醒后仍未驶离", 1, 1),
            ("违规充电，书面提醒十五日后仍未整改", 15, 1),
            ("晾晒占道，当月第3次提醒起", 1, 3),
            ("提醒两天内未清理", 2, 1),
            ("故意损坏公共设施且拒不修复（已核实）", 1, 1),
        ] {
            let rule = rule(name);
            assert_eq!((fewest_days(&rule), costs_from(&rule)), (days, from), "{name}");
        }
    }

    #[test]
    fn costs_are_positive_numbers() {
        let rule = rule("x");
        assert_eq!((cost(&rule), cap(&rule)), (Points(2), Points(4)));
    }
}
