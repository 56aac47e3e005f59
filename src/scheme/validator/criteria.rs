//! The twelve forbidden criteria (`domain.md` §6, SG4), and what a text says that falls under one.
//!
//! The words are in `lexicon.rs`, `concepts.rs` and `deeds.rs`, the form of a text in `wording.rs`; here they meet. A text
//! is looked at three times: as it stands for what is forbidden whoever is spoken of, without its innocent phrases for
//! single words and pairs of words, and without any signs for words that were cut in two.

use std::sync::LazyLock;

use regex::Regex;

use super::concepts::CONCEPTS;
use super::lexicon::{self, Deeds, Lexicon};
use super::{deeds, wording};
use crate::db::text_enum;

text_enum! {
    /// What may not be a criterion.
    pub enum Criterion {
        /// Petitions, complaints, hotlines.
        Petition = "petition", "信访、投诉、举报、拨打政务热线";
        /// What is said online.
        Speech = "speech", "微信、网络言论";
        /// How somebody votes, and what somebody answers to inspectors.
        Ballot = "ballot", "投票选项或对上级检查的回答内容";
        /// Signing for demolition, land or moving.
        Land = "land", "拆旧、征地、搬迁进度签字";
        /// Income, debt, illness, disability.
        Condition = "condition", "收入高低、欠债、患病、残疾";
        /// Marriage and birth.
        Family = "family", "婚姻、生育";
        /// Religion and the manner of burial.
        Faith = "faith", "宗教信仰与民俗丧葬方式本身";
        /// Minors' marks.
        Exam = "exam", "未成年人考试成绩、升学";
        /// Premiums and statutory benefits.
        Benefit = "benefit", "缴纳社保医保、低保特困等法定待遇";
        /// Lawsuits and lawful claims.
        Lawsuit = "lawsuit", "诉讼、仲裁、依法维权";
        /// What police or courts have dealt with.
        Crime = "crime", "已由公安、司法机关处理的违法行为（一事二罚）";
        /// No standard at all.
        CatchAll = "catch_all", "“其他”“视情况”等无明确标准的兜底项";
        /// Fines, black lists, credit scores, gates to entitlements: not of the twelve, and not in this house either.
        Harmful = "harmful", "黑榜、罚款、信用分、清零、与办事资格挂钩";
    }
}

impl Criterion {
    /// Why it may not be one.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Criterion::Petition => "向上反映、投诉、举报、打热线是居民的权利，做不做都不能加分、扣分",
            Criterion::Speech => "在微信、网上说什么是居民的言论，发不发、转不转、说好说坏都不能加分、扣分",
            Criterion::Ballot => "怎样投票、怎样回答检查或回访由本人决定，不能加分、扣分",
            Criterion::Land => "拆房、征地、流转、搬迁的签字和进度不能用积分来催",
            Criterion::Condition => "收入、欠债、患病、残疾、贫困是一家人的处境，不能加分、扣分",
            Criterion::Family => "结不结婚、生不生孩子是家里的私事，不能加分、扣分",
            Criterion::Faith => "信仰和祭祀、安葬的方式由本人和家属决定，不能加分、扣分",
            Criterion::Exam => "未成年人的成绩、名次、升学不能给家里加分、扣分",
            Criterion::Benefit => "社保医保缴费和低保等法定待遇与积分无关，不能互相挂钩",
            Criterion::Lawsuit => "打官司、仲裁、依法维权是法定权利，不能加分、扣分",
            Criterion::Crime => "已由公安、司法机关处理的事不能再扣一次分，也不能按有无处罚记录加分",
            Criterion::CatchAll => "没有明确标准，谁来评、评多少全凭印象",
            Criterion::Harmful => "积分制里不设黑榜、罚款、信用分、清零，积分也不能与办事资格挂钩",
        }
    }

    /// What to do instead.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Criterion::Petition => "请删去；想鼓励参与，可以写“参加议事会”“上报公共设施损坏”",
            Criterion::Speech => "请删去；想鼓励宣传，可以写有签到的线下志愿宣讲",
            Criterion::Ballot => "请删去；可以写“参加投票或评议（与投票内容无关）”",
            Criterion::Land => "请删去；想鼓励互助，可以写“帮邻居搬运”",
            Criterion::Condition => "请删去；可以写帮助这些邻里的行动，例如“照料独居老人”",
            Criterion::Family => "请删去；想鼓励节俭，可以写“红白事简办并事前报备”",
            Criterion::Faith => "请删去；想鼓励节俭，可以写“红白事简办并事前报备”",
            Criterion::Exam => "请删去；想帮助孩子，可以写“四点半课堂志愿服务”",
            Criterion::Benefit => "请删去；想帮助老人，可以写“为老人代办”",
            Criterion::Lawsuit => "请删去；想减少纠纷，可以写“协助调解邻里纠纷”",
            Criterion::Crime => "请删去；想促进平安，可以写“参加治安巡逻”",
            Criterion::CatchAll => "请写清楚做什么、凭什么、得几分；写不清楚的删去",
            Criterion::Harmful => "请删去；要提醒的事写成提醒项，只影响荣誉分并会自动恢复",
        }
    }

    fn lexicon(self) -> &'static Lexicon {
        match self {
            Criterion::Petition => &lexicon::PETITION,
            Criterion::Speech => &lexicon::SPEECH,
            Criterion::Ballot => &lexicon::BALLOT,
            Criterion::Land => &lexicon::LAND,
            Criterion::Condition => &lexicon::CONDITION,
            Criterion::Family => &lexicon::FAMILY,
            Criterion::Faith => &lexicon::FAITH,
            Criterion::Exam => &lexicon::EXAM,
            Criterion::Benefit => &lexicon::BENEFIT,
            Criterion::Lawsuit => &lexicon::LAWSUIT,
            Criterion::Crime => &lexicon::CRIME,
            Criterion::CatchAll => &lexicon::CATCH_ALL,
            Criterion::Harmful => &lexicon::HARMFUL,
        }
    }
}

/// A criterion's patterns, made ready once.
struct Ready {
    criterion: Criterion,
    innocent: Vec<Regex>,
    deeds: Deeds,
    hard: Vec<Regex>,
    guilty: Vec<Regex>,
}

struct Patterns {
    disclaimers: Vec<Regex>,
    teaching: Vec<Regex>,
    helping: Vec<Regex>,
    needs: Option<Regex>,
    deeds: Option<Regex>,
    states: Option<Regex>,
    unless: Option<Regex>,
    criteria: Vec<Ready>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    disclaimers: ready(deeds::DISCLAIMERS),
    teaching: ready(deeds::TEACHING),
    helping: ready(deeds::HELPING),
    needs: Regex::new(deeds::NEEDS).ok(),
    deeds: Regex::new(deeds::DEEDS).ok(),
    states: Regex::new(deeds::STATES).ok(),
    unless: Regex::new(deeds::GUILTY).ok(),
    criteria: Criterion::ALL.iter().map(|criterion| made_ready(*criterion)).collect(),
});

fn made_ready(criterion: Criterion) -> Ready {
    let words = criterion.lexicon();
    let near = words.pairs.iter().flat_map(|(one, other, gap)| {
        let (one, other) = (format!("(?:{one})"), format!("(?:{other})"));
        let between = format!("[^。]{{0,{gap}}}");
        [format!("{one}{between}{other}"), format!("{other}{between}{one}")]
    });
    let mut guilty = ready(words.words);
    guilty.extend(near.filter_map(|pattern| Regex::new(&spelled_out(&pattern)).ok()));
    Ready {
        criterion,
        innocent: ready(words.innocent),
        deeds: words.deeds,
        hard: ready(words.hard),
        guilty,
    }
}

/// A pattern that is none is left out; a test holds that there is no such pattern.
fn ready(patterns: &[&str]) -> Vec<Regex> {
    let spelled = patterns.iter().map(|pattern| spelled_out(pattern));
    spelled.filter_map(|pattern| Regex::new(&pattern).ok()).collect()
}

/// Puts in what the short signs stand for.
fn spelled_out(pattern: &str) -> String {
    let mut out = pattern.to_owned();
    for (name, words) in CONCEPTS {
        out = out.replace(&format!("<{name}>"), &format!("(?:{words})"));
    }
    out.replace("~?", "~")
        .replace('~', "(?:[了过着个完的上到]|一次|几次|什么|哪门子)?")
        .replace('…', "[^。]{0,10}")
}

/// What a text names that falls under a criterion: the criterion and the words found, at most one find of each.
#[must_use]
pub(super) fn found_in(text: &str) -> Vec<(Criterion, String)> {
    let patterns = &*PATTERNS;
    let plain = wording::plain(text);
    let told = wording::without(&plain, &patterns.disclaimers);
    let mut found: Vec<(Criterion, String)> = Vec::new();
    for ready in &patterns.criteria {
        if let Some(words) = ready.find(&told, patterns) {
            found.push((ready.criterion, words));
        }
    }
    for word in wording::by_sound(&told) {
        let meant = patterns
            .criteria
            .iter()
            .find(|ready| ready.find(word, patterns).is_some());
        if let Some(ready) = meant.filter(|ready| !found.iter().any(|(criterion, _)| *criterion == ready.criterion)) {
            found.push((ready.criterion, word.to_owned()));
        }
    }
    found
}

/// Does a rule speak of what a household is or lacks, and name nothing that anybody does? Words that no list holds are
/// caught by this: whoever asks for a state has no deed to write down.
#[must_use]
pub(super) fn names_no_deed(text: &str) -> bool {
    let told = wording::without(&wording::plain(text), &PATTERNS.disclaimers);
    let holds = |pattern: &Option<Regex>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(&told));
    holds(&PATTERNS.states) && !holds(&PATTERNS.deeds)
}

impl Ready {
    fn find(&self, told: &str, patterns: &Patterns) -> Option<String> {
        let innocent = wording::without(told, &self.innocent);
        if let Some(found) = first(&self.hard, &innocent) {
            return Some(found);
        }
        let mut left = innocent;
        if let Some(guilty) = &patterns.unless {
            if self.deeds == Deeds::Helping {
                if let Some(needs) = &patterns.needs {
                    left = needs.replace_all(&left, "").into_owned();
                }
                for (leading, plain) in deeds::LEADING_NOBODY {
                    left = left.replace(leading, plain);
                }
                left = wording::without_unless(&left, &patterns.helping, guilty);
            }
            if self.deeds != Deeds::None {
                left = wording::without_unless(&left, &patterns.teaching, guilty);
            }
        }
        first(&self.guilty, &left).or_else(|| {
            // A word cut in two by a sign: only for the plainest, which no two neighbours make by chance.
            let tight = wording::tight(&left);
            let plainest = [
                "上访", "信访", "投诉", "举报", "拆迁", "征地", "低保", "离婚", "结婚", "火葬", "土葬", "高考", "诉讼",
            ];
            let cut = plainest
                .iter()
                .find(|word| tight.contains(*word) && !left.contains(*word))?;
            first(&self.guilty, cut)
        })
    }
}

fn first(patterns: &[Regex], text: &str) -> Option<String> {
    let mut found = patterns.iter().filter_map(|pattern| pattern.find(text));
    found.next().map(|found| found.as_str().trim_matches('，').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        let all = Criterion::ALL.iter().map(|criterion| criterion.lexicon());
        let lists = all.flat_map(|words| [words.innocent, words.hard, words.words]);
        let shared = [deeds::DISCLAIMERS, deeds::TEACHING, deeds::HELPING];
        for pattern in lists.chain(shared).flatten() {
            let spelled = spelled_out(pattern);
            assert!(!spelled.contains('<'), "{pattern}");
            assert!(Regex::new(&spelled).is_ok(), "{pattern}");
        }
        for criterion in Criterion::ALL {
            let words = criterion.lexicon();
            let ready = made_ready(*criterion);
            assert_eq!(
                ready.guilty.len(),
                words.words.len() + 2 * words.pairs.len(),
                "{criterion:?}"
            );
        }
        let shared = [&PATTERNS.unless, &PATTERNS.needs, &PATTERNS.deeds, &PATTERNS.states];
        assert!(shared.iter().all(|pattern| pattern.is_some()));
    }
}
