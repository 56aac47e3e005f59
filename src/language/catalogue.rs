//! A catalogue: what the program says, in another language.
//!
//! The key of a message is the message itself in Chinese, with `{0}`, `{1}` … where values stand, as in gettext; the
//! translation names the same values in its own order, and `{0|one|many}` chooses a word by a number. A text of a page is read
//! as the messages that it was put together from: a template's line may hold an `{% if %}`, and then two messages stand side
//! by side. What belongs to no message is somebody's own words and stays as it is.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Messages of the program in one language.
pub struct Catalogue {
    whole: HashMap<String, String>,
    messages: Vec<Message>,
    /// Messages by the character with which their first words begin.
    by_first: HashMap<char, Vec<usize>>,
    /// What is counted in messages: `户` of `{0}户`.
    counted: HashSet<String>,
}

/// A message with its values' places.
struct Message {
    /// Does a value stand before the first words?
    leads: bool,
    /// The words between the values, none empty.
    words: Vec<Vec<char>>,
    /// Does a value stand after the last words?
    trails: bool,
    /// So few words, without a mark that announces a value, stand in many a sentence that is somebody's own: such a message has no Chinese value
    /// but another message.
    is_loose: bool,
    /// How much of a text these words explain.
    weight: i64,
    translation: Vec<Piece>,
}

enum Piece {
    Words(String),
    Value(usize),
    ByNumber(usize, String, String),
}

/// Where the words of a message stand in a text.
struct Found {
    message: usize,
    from: usize,
    to: usize,
    values: Vec<Range<usize>>,
}

/// Longer texts are looked up as a whole only: nobody's sentence is that long.
const LONGEST: usize = 600;
/// Values are messages too, and these hold values: so deep.
const DEEPEST: u8 = 3;
/// Marks between a message and somebody's words that are no value of it.
const BETWEEN: [&str; 5] = [" · ", "\u{3000}", "（", "）", " / "];
/// What one character of words explains, and what one more message costs: few long messages are better than many short ones.
const EXPLAINS: i64 = 10;
const COSTS: i64 = 4;

impl Catalogue {
    /// Reads a catalogue: a JSON object of messages and what they are in the language.
    ///
    /// # Errors
    /// What is wrong in the file.
    pub fn read(json: &str) -> Result<Catalogue, serde_json::Error> {
        let all: HashMap<String, String> = serde_json::from_str(json)?;
        let mut catalogue = Catalogue {
            whole: HashMap::new(),
            messages: Vec::new(),
            by_first: HashMap::new(),
            counted: HashSet::new(),
        };
        for (key, translation) in all {
            let Some(message) = Message::of(&key, &translation) else {
                continue;
            };
            if let Some(first) = message.words.first().and_then(|words| words.first()) {
                let place = catalogue.messages.len();
                catalogue.by_first.entry(*first).or_default().push(place);
            }
            catalogue.messages.push(message);
            catalogue.counted.extend(key.strip_prefix("{0}").map(str::to_owned));
            if !key.contains('{') {
                catalogue.whole.insert(key, translation);
            }
        }
        Ok(catalogue)
    }

    /// A text in the language of the catalogue; `None` for one that holds nothing of it.
    #[must_use]
    pub fn say(&self, text: &str) -> Option<String> {
        self.say_within(text, 0)
    }

    fn say_within(&self, text: &str, depth: u8) -> Option<String> {
        let text = text.trim();
        if !text.chars().any(is_chinese) {
            return None;
        }
        if let Some(translation) = self.whole.get(text) {
            return Some(translation.clone());
        }
        let characters: Vec<char> = text.chars().collect();
        if characters.len() > LONGEST || depth >= DEEPEST {
            return None;
        }
        let found = self.find(&characters);
        match self.tile(&characters, &found) {
            Some(chosen) => Some(self.put_together(&characters, &chosen, depth)),
            None => self.say_parts(text, depth),
        }
    }

    /// What stands beside somebody's words, with a mark between: `登录 · 晴川镇`.
    fn say_parts(&self, text: &str, depth: u8) -> Option<String> {
        let mark = BETWEEN.iter().find(|mark| text.contains(**mark))?;
        let mut any = false;
        let parts = text
            .split(mark)
            .map(|part| match self.say_within(part, depth.saturating_add(1)) {
                Some(said) => {
                    any = true;
                    said
                }
                None => part.to_owned(),
            });
        let said = parts
            .collect::<Vec<_>>()
            .join(&without_wide_marks(&mark.chars().collect::<Vec<_>>()));
        any.then_some(said)
    }

    /// Every place where the words of a message stand.
    fn find(&self, text: &[char]) -> Vec<Found> {
        let mut found = Vec::new();
        for (from, first) in text.iter().enumerate() {
            for place in self.by_first.get(first).into_iter().flatten() {
                let Some(message) = self.messages.get(*place) else {
                    continue;
                };
                let stands = message.stands_at(text, from);
                let fits = |range: &Range<usize>| self.may_hold(message, text.get(range.clone()).unwrap_or_default());
                if let Some((to, values)) = stands.filter(|(_, values)| values.iter().all(fits)) {
                    found.push(Found {
                        message: *place,
                        from,
                        to,
                        values,
                    });
                }
            }
        }
        found
    }

    fn may_hold(&self, message: &Message, value: &[char]) -> bool {
        let is_message = || self.whole.contains_key(value.iter().collect::<String>().trim());
        !message.is_loose || !value.iter().any(|one| is_chinese(*one)) || is_message() || unit_of(value).is_some()
    }

    /// What stands between two messages, or before or after all: dear when it is long, not allowed when it is Chinese and no
    /// value of theirs.
    fn gap_cost(&self, gap: &[char], before: Option<&Message>, after: Option<&Message>) -> Option<i64> {
        let before = before.filter(|message| message.trails);
        let after = after.filter(|message| message.leads);
        let chinese = gap.iter().filter(|one| is_chinese(**one)).count();
        let taker = after.or(before);
        if chinese > 0 && !taker.is_some_and(|message| self.may_hold(message, gap)) {
            return None;
        }
        // What another message explains is better held as a value than said beside.
        let value: String = gap.iter().collect();
        if chinese > 0 && self.whole.contains_key(value.trim()) {
            return i64::try_from(chinese)
                .ok()
                .map(|chinese| -chinese.saturating_mul(EXPLAINS));
        }
        // A message with a value that is not there is probably another message.
        let takers = i64::from(before.is_some()).saturating_add(i64::from(after.is_some()));
        let missing = if gap.is_empty() {
            takers.saturating_mul(EXPLAINS)
        } else {
            0
        };
        let unknown = match unit_of(gap) {
            Some(_) => 0,
            None => i64::try_from(chinese).unwrap_or(i64::MAX),
        };
        Some(unknown.saturating_add(missing))
    }

    /// Messages side by side that explain the whole text, and of all such the ones that explain most; `None` when Chinese is
    /// left over that is no message's value.
    fn tile<'f>(&self, text: &[char], found: &'f [Found]) -> Option<Vec<&'f Found>> {
        // For each found message the best way to have explained everything up to its end, and what stood before it.
        let mut best: Vec<Option<(i64, Option<usize>)>> = Vec::with_capacity(found.len());
        for (place, one) in found.iter().enumerate() {
            let Some(message) = self.messages.get(one.message) else {
                best.push(None);
                continue;
            };
            let mut way = self
                .gap_cost(text.get(..one.from)?, None, Some(message))
                .map(|cost| (-cost, None));
            for (earlier, before) in found.iter().enumerate().take(place) {
                let (Some(Some((score, _))), Some(told)) = (best.get(earlier), self.messages.get(before.message))
                else {
                    continue;
                };
                if before.to > one.from {
                    continue;
                }
                if let Some(cost) = self.gap_cost(text.get(before.to..one.from)?, Some(told), Some(message)) {
                    let score = score.saturating_sub(cost);
                    if way.is_none_or(|(known, _)| score > known) {
                        way = Some((score, Some(earlier)));
                    }
                }
            }
            let gain = message.weight.saturating_sub(COSTS);
            best.push(way.map(|(score, before)| (score.saturating_add(gain), before)));
        }
        let mut last: Option<(i64, usize)> = None;
        for (place, one) in found.iter().enumerate() {
            let (Some(Some((score, _))), Some(message)) = (best.get(place), self.messages.get(one.message)) else {
                continue;
            };
            if let Some(cost) = self.gap_cost(text.get(one.to..)?, Some(message), None) {
                let score = score.saturating_sub(cost);
                if last.is_none_or(|(known, _)| score > known) {
                    last = Some((score, place));
                }
            }
        }
        let mut chosen = Vec::new();
        let mut next = last.filter(|(score, _)| *score > 0).map(|(_, place)| place);
        while let Some(place) = next {
            chosen.push(found.get(place)?);
            next = best.get(place).copied().flatten().and_then(|(_, before)| before);
        }
        chosen.reverse();
        (!chosen.is_empty()).then_some(chosen)
    }

    fn put_together(&self, text: &[char], chosen: &[&Found], depth: u8) -> String {
        let value = |range: Range<usize>| {
            let value = text.get(range).unwrap_or_default();
            let words: String = value.iter().collect();
            if unit_of(value).is_some_and(|unit| !self.counted.contains(&unit)) {
                return words;
            }
            match self.say_within(&words, depth.saturating_add(1)) {
                Some(said) => said,
                None => words,
            }
        };
        let mut said = String::new();
        let mut done = 0usize;
        for (place, one) in chosen.iter().enumerate() {
            let Some(message) = self.messages.get(one.message) else {
                continue;
            };
            let mut values: Vec<String> = Vec::new();
            if message.leads {
                values.push(value(done..one.from));
            } else {
                join(
                    &mut said,
                    &without_wide_marks(text.get(done..one.from).unwrap_or_default()),
                );
            }
            values.extend(one.values.iter().cloned().map(value));
            done = one.to;
            if message.trails {
                // What the next message begins with belongs to that one.
                let next = chosen.get(place.saturating_add(1));
                let leads = next
                    .and_then(|next| self.messages.get(next.message))
                    .is_some_and(|next| next.leads);
                let until = match next {
                    Some(_) if leads => done,
                    Some(next) => next.from,
                    None => text.len(),
                };
                values.push(value(done..until));
                done = until;
            }
            join(&mut said, &message.filled(&values));
        }
        join(&mut said, &without_wide_marks(text.get(done..).unwrap_or_default()));
        said
    }
}

impl Message {
    /// `None` for a message without words.
    fn of(key: &str, translation: &str) -> Option<Message> {
        let mut words = Vec::new();
        let mut between = key.split('{');
        let first = between.next().unwrap_or_default();
        let leads = first.is_empty() && key.starts_with('{');
        if !first.is_empty() {
            words.push(first.chars().collect());
        }
        let mut trails = false;
        for part in between {
            let after = part.split_once('}').map_or(part, |(_, after)| after);
            trails = after.is_empty();
            if !after.is_empty() {
                words.push(after.chars().collect::<Vec<char>>());
            }
        }
        let chinese = words.iter().flatten().filter(|one| is_chinese(**one)).count();
        let others = words.iter().map(Vec::len).sum::<usize>().saturating_sub(chinese);
        // One character alone stands in many a word.
        let explains = match (chinese, leads || trails || words.len() > 1) {
            (1, false) => EXPLAINS / 3,
            _ => EXPLAINS,
        };
        let weight = i64::try_from(chinese)
            .unwrap_or(i64::MAX)
            .saturating_mul(explains)
            .saturating_add(i64::try_from(others).unwrap_or(i64::MAX));
        let has_mark = words.iter().flatten().any(|one| "：“".contains(*one));
        (chinese > 0).then(|| Message {
            is_loose: chinese < 4 && !has_mark,
            leads,
            words,
            trails,
            weight,
            translation: pieces(translation),
        })
    }

    /// Do the words stand here, one after another? Then where they end, and the values between them.
    fn stands_at(&self, text: &[char], from: usize) -> Option<(usize, Vec<Range<usize>>)> {
        let mut words = self.words.iter();
        let first = words.next()?;
        text.get(from..)?.starts_with(first).then_some(())?;
        let mut end = from.saturating_add(first.len());
        let mut values = Vec::new();
        for next in words {
            let rest = text.get(end..)?;
            let gap = rest.windows(next.len()).position(|here| here == next.as_slice())?;
            let begins = end.saturating_add(gap);
            values.push(end..begins);
            end = begins.saturating_add(next.len());
        }
        Some((end, values))
    }

    fn filled(&self, values: &[String]) -> String {
        let of = |place: &usize| values.get(*place).map(|value| value.trim()).unwrap_or_default();
        let piece = |piece: &Piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Value(place) => of(place).to_owned(),
            Piece::ByNumber(place, one, _) if of(place) == "1" => one.clone(),
            Piece::ByNumber(_, _, many) => many.clone(),
        };
        self.translation.iter().map(piece).collect()
    }
}

/// The unit of a count, `提` of `4提`: what goods are counted in is somebody's own word.
fn unit_of(value: &[char]) -> Option<String> {
    let digits = value.iter().take_while(|one| one.is_ascii_digit()).count();
    let unit = value.get(digits..)?;
    let is_unit = digits > 0 && (1..=2).contains(&unit.len()) && unit.iter().all(|one| is_chinese(*one));
    is_unit.then(|| unit.iter().collect())
}

/// A translation, taken apart.
fn pieces(translation: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = translation;
    while let Some((words, after)) = rest.split_once('{') {
        let Some((inside, after)) = after.split_once('}') else {
            break;
        };
        pieces.push(Piece::Words(words.to_owned()));
        let mut inside = inside.split('|');
        let place = inside.next().and_then(|place| place.parse().ok()).unwrap_or(usize::MAX);
        pieces.push(match (inside.next(), inside.next()) {
            (Some(one), Some(many)) => Piece::ByNumber(place, one.to_owned(), many.to_owned()),
            _ => Piece::Value(place),
        });
        rest = after;
    }
    pieces.push(Piece::Words(rest.to_owned()));
    pieces
}

/// Is it a character that a reader of another language cannot read?
#[must_use]
pub fn is_chinese(one: char) -> bool {
    matches!(one, '\u{3007}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// Two pieces of a sentence with a space between words.
fn join(said: &mut String, next: &str) {
    let open = |one: char| one.is_alphanumeric() || matches!(one, '.' | ',' | ';' | ':' | '!' | '?' | ')' | '%');
    let begins = |one: char| one.is_alphanumeric() || matches!(one, '(' | '+');
    if said.chars().next_back().is_some_and(open) && next.chars().next().is_some_and(begins) {
        said.push(' ');
    }
    said.push_str(next);
}

/// Marks between messages, as they stand in the Latin script.
fn without_wide_marks(text: &[char]) -> String {
    let mut said = String::new();
    for one in text {
        match one {
            '，' | '、' => said.push_str(", "),
            '。' => said.push_str(". "),
            '；' => said.push_str("; "),
            '：' => said.push_str(": "),
            '？' => said.push_str("? "),
            '！' => said.push_str("! "),
            '（' => said.push_str(" ("),
            '）' => said.push(')'),
            '“' | '”' => said.push('"'),
            '\u{3000}' => said.push(' '),
            other => said.push(*other),
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::read(
            r#"{
                "家": "home",
                "已公示": "on notice",
                "共{0}户": "{0} {0|household|households} in all",
                "，每月最多{0}件": ", at most {0} a month",
                "{0}分": "{0} {0|point|points}",
                "状态：{0}": "state: {0}",
                "{0}年{1}月{2}日": "{0}-{1}-{2}",
                "第{0}张，共{1}张": "sheet {0} of {1}",
                "请填{0}": "Enter {0}",
                "存": "Save",
                "组": "Group",
                "存{0}": "{0} in stock",
                "1号柜台": "Counter 1",
                "开班": "Open shift",
                "{0} {1}开班": "{0}, open since {1}"
            }"#,
        )
        .unwrap()
    }

    fn said(text: &str) -> String {
        catalogue().say(text).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn a_message_is_said_with_its_values() {
        assert_eq!(said("家"), "home");
        assert_eq!(said("共12户"), "12 households in all");
        assert_eq!(said("共1户"), "1 household in all");
        assert_eq!(said("2026年11月22日"), "2026-11-22");
        assert_eq!(said("第3张，共10张"), "sheet 3 of 10");
    }

    #[test]
    fn messages_side_by_side_are_said_one_after_another() {
        assert_eq!(said("共12户，每月最多3件"), "12 households in all, at most 3 a month");
        assert_eq!(said("共12户（已公示）"), "12 households in all (on notice)");
    }

    #[test]
    fn a_value_may_be_a_message_and_may_be_somebodys_words() {
        assert_eq!(said("状态：已公示"), "state: on notice");
        assert_eq!(said("状态：老王家的狗"), "state: 老王家的狗");
    }

    #[test]
    fn a_message_is_rather_a_value_of_another_one_than_said_beside_a_third() {
        assert_eq!(said("1号柜台 09:53开班"), "Counter 1, open since 09:53");
        assert_eq!(said("开班"), "Open shift");
    }

    #[test]
    fn what_goods_are_counted_in_is_somebodys_own_word() {
        assert_eq!(said("存184组"), "184组 in stock");
        assert_eq!(said("存205提"), "205提 in stock");
        assert_eq!((said("存"), said("组")), ("Save".to_owned(), "Group".to_owned()));
    }

    #[test]
    fn somebodys_own_words_stay() {
        assert_eq!(said("老王帮邻居修水管"), "老王帮邻居修水管");
        assert_eq!(said("请填老王家的事"), "请填老王家的事");
        assert_eq!(said("我们的家很好"), "我们的家很好");
        assert_eq!(said("已公示 · 老王家"), "on notice · 老王家");
        assert_eq!(said("老王（已公示）"), "老王 (on notice)");
        assert_eq!(said("请填家"), "Enter home");
        assert_eq!(said("2026-11-22"), "2026-11-22");
    }
}
