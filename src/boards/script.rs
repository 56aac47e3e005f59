//! The script of the loudspeaker (播报稿): the deeds or the titles of a notice, of households that agreed to be named by it.
//!
//! What is said is what was agreed to, and no more (SG8): the family name and the deed or title, with the sentence that
//! everybody may read on the notice. No door, no points, no full name, nobody who decides (SG12), and nothing that is objected
//! to or came to nothing; of titles only those that are held. A reminder is never read out. A family name that is rare, or is
//! read otherwise than the character usually is, has its pinyin beside it.

use std::collections::{HashMap, HashSet};
use std::fmt;

use pinyin::ToPinyin;

use crate::access::role::Reach;
use crate::clock::{Day, day_of};
use crate::council::sheet::{self, Standing};
use crate::council::{nomination, notice, staff_share};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::honours::award::{self, State};
use crate::honours::{notice as title_notice, title};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::consent::{self, Purpose};
use crate::places::household::{self, Household, family_name};
use crate::places::programme;
use crate::scheme::item;

text_enum! {
    /// How fast somebody speaks.
    pub enum Rate {
        /// For old ears, and a loudspeaker with an echo.
        Slow = "3", "慢，每秒3字";
        /// As the news is read.
        Usual = "4", "中，每秒4字";
        /// As people talk.
        Fast = "5", "快，每秒5字";
    }
}

impl Rate {
    /// Characters that are read aloud in a second.
    #[must_use]
    pub fn characters_a_second(self) -> usize {
        match self {
            Rate::Slow => 3,
            Rate::Usual => 4,
            Rate::Fast => 5,
        }
    }
}

/// Deeds of one broadcast when no other number was asked for: people like it short.
pub const ITEMS: usize = 5;

/// Family names that everybody reads right: two of three people have one of these.
const COMMON: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭肖田董袁潘于蒋蔡余杜叶程苏魏吕丁沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛段雷侯龙史陶黎贺顾毛郝龚邵万钱武戴莫孔向汤";

/// Family names that are read otherwise than the character usually is.
const READ_OTHERWISE: [(char, &str); 20] = [
    ('单', "shàn"),
    ('解', "xiè"),
    ('仇', "qiú"),
    ('区', "ōu"),
    ('查', "zhā"),
    ('任', "rén"),
    ('曾', "zēng"),
    ('盖', "gě"),
    ('华', "huà"),
    ('朴', "piáo"),
    ('尉', "yù"),
    ('冼', "xiǎn"),
    ('缪', "miào"),
    ('宓', "mì"),
    ('乐', "yuè"),
    ('覃', "qín"),
    ('员', "yùn"),
    ('召', "shào"),
    ('么', "yāo"),
    ('繁', "pó"),
];

/// What a script is made of; an address names it `12` or `H3`, as slips do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The deeds of the public notice with this number.
    Deeds(i64),
    /// The titles of the notice of titles with this number.
    Titles(i64),
}

impl Source {
    /// What a word names.
    #[must_use]
    pub fn named(word: &str) -> Option<Source> {
        let word = word.trim();
        match word.strip_prefix(['H', 'h']) {
            Some(number) => number.parse().ok().map(Source::Titles),
            None => word.parse().ok().map(Source::Deeds),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Deeds(number) => write!(formatter, "{number}"),
            Source::Titles(number) => write!(formatter, "H{number}"),
        }
    }
}

/// A notice that a script can be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the script is made of.
    pub source: Source,
    /// Where its council decides.
    pub area: Id<Area>,
    /// The day on which it was published.
    pub published_on: Day,
}

/// A script to read aloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What it is made of.
    pub source: Source,
    /// Where its council decides.
    pub area: Id<Area>,
    /// Said first.
    pub opening: String,
    /// A sentence for each deed or title.
    pub items: Vec<Sentence>,
    /// Said last.
    pub closing: String,
}

/// A deed or title in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What is said.
    pub text: String,
    /// How the family name is read, where somebody might stop at it.
    pub readings: Vec<Reading>,
}

/// How a character is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The character.
    pub character: String,
    /// Its pinyin with the tone.
    pub pinyin: String,
}

impl Script {
    /// How many broadcasts it makes with so many sentences in each; every household that agreed is in one of them.
    #[must_use]
    pub fn parts(&self, items: usize) -> usize {
        self.items.len().div_ceil(items.max(1))
    }

    /// One of these broadcasts; the first is 1.
    ///
    /// # Errors
    /// `NotFound` for one that there is not.
    pub fn part(self, part: usize, items: usize) -> Result<Script> {
        let before = part.saturating_sub(1).saturating_mul(items);
        let chosen: Vec<Sentence> = self.items.into_iter().skip(before).take(items).collect();
        match part == 0 || chosen.is_empty() {
            true => Err(Error::NotFound),
            false => Ok(Script { items: chosen, ..self }),
        }
    }

    /// What is said, a sentence in each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let items = self.items.iter().map(|item| item.text.as_str());
        let texts = std::iter::once(self.opening.as_str())
            .chain(items)
            .chain([self.closing.as_str()]);
        texts
            .flat_map(|text| text.split_inclusive('。'))
            .map(str::to_owned)
            .collect()
    }

    /// How long it takes to read aloud, in seconds, with a breath at every sign.
    #[must_use]
    pub fn seconds(&self, rate: Rate) -> usize {
        let characters: usize = self.lines().iter().map(|line| line.chars().count()).sum();
        characters.div_ceil(rate.characters_a_second())
    }

    /// Refuses a script that names nobody.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn expect_something(&self) -> Result<()> {
        match self.items.is_empty() {
            true => Err(Error::invalid("id", "这次公示里没有同意播报的人家，没有播报稿。")),
            false => Ok(()),
        }
    }
}

/// The notices whose scripts are for somebody with this reach: those of councils that decide for a place within. Of deeds
/// and of titles, each newest first; a notice of titles none of which is held is left out.
///
/// # Errors
/// Only when the database fails.
pub fn choices(conn: &mut Conn, reach: &Reach, today: Day, limit: i64) -> Result<Vec<Choice>> {
    let tree = Tree::load(conn)?;
    let deeds = notice::list(conn, limit)?.into_iter().map(|notice| Choice {
        source: Source::Deeds(notice.number),
        area: notice.area_id,
        published_on: day_of(notice.published_at),
    });
    let mut held = award::standing_as(conn, &[State::Conferred])?;
    held.retain(|award| award.is_held_on(today));
    let mut notices = title_notice::list(conn, limit)?;
    notices.retain(|notice| held.iter().any(|award| award.notice_id.as_ref() == Some(&notice.id)));
    let titles = notices.into_iter().map(|notice| Choice {
        source: Source::Titles(notice.number),
        area: notice.area_id,
        published_on: day_of(notice.published_at),
    });
    let all = deeds.chain(titles);
    Ok(all.filter(|choice| touches(&tree, reach, &choice.area)).collect())
}

fn touches(tree: &Tree, reach: &Reach, area: &Id<Area>) -> bool {
    tree.buildings_of(area).iter().any(|building| reach.covers(building))
}

/// The script of a notice as it is read out today, with all who agree at this moment; with nobody when nobody does.
///
/// # Errors
/// `NotFound`, also for a notice of places outside the reach.
pub fn of(conn: &mut Conn, source: Source, reach: &Reach, today: Day) -> Result<Script> {
    let script = match source {
        Source::Deeds(number) => of_deeds(conn, number, today)?,
        Source::Titles(number) => of_titles(conn, number, today)?,
    };
    match touches(&Tree::load(conn)?, reach, &script.area) {
        true => Ok(script),
        false => Err(Error::NotFound),
    }
}

fn of_deeds(conn: &mut Conn, number: i64, today: Day) -> Result<Script> {
    let notice = notice::by_number(conn, number)?;
    let rows = nomination::of_notice(conn, &notice.id)?;
    let shown = sheet::of(conn, &notice, &rows)?;
    let homes: Vec<Id<Household>> = rows.iter().map(|row| row.household_id.clone()).collect();
    let named = named(conn, &homes, today)?;
    let (mut items, mut said) = (Vec::new(), HashSet::new());
    for (row, shown) in rows.iter().zip(&shown.rows) {
        let stands = matches!(shown.standing, Standing::Running | Standing::Waiting | Standing::Posted);
        let Some(home) = named.get(&row.household_id).filter(|_| stands) else {
            continue;
        };
        let (rule, _) = item::by_id(conn, &row.scoring_item_id)?;
        let deed = told(conn, home, &without_brackets(&rule.name), &row.public_text)?;
        // A household that did the same thing twice is named once.
        if said.insert((row.household_id.clone(), deed.clone())) {
            items.push(sentence(&family_name(&home.head_name), &deed));
        }
    }
    let until = shown.last_day.format("%-m月%-d日");
    Ok(Script {
        source: Source::Deeds(number),
        opening: opening(conn, &shown.area, &format!("第{number}号公示里的好人好事"), today)?,
        area: notice.area_id,
        items,
        closing: format!(
            "公示到{until}为止。有不同意见的，请找网格员、积分超市柜台，或者打社区电话。播报完了，谢谢大家。"
        ),
    })
}

fn of_titles(conn: &mut Conn, number: i64, today: Day) -> Result<Script> {
    let notice = title_notice::by_number(conn, number)?;
    let mut held = title_notice::rows_of(conn, &notice.id)?;
    held.retain(|award| award.is_held_on(today));
    let homes: Vec<Id<Household>> = held.iter().map(|award| award.household_id.clone()).collect();
    let named = named(conn, &homes, today)?;
    let titles = title::every(conn)?;
    let mut items = Vec::new();
    for award in &held {
        if let (Some(home), Some(title)) = (named.get(&award.household_id), titles.get(&award.title_id)) {
            let said = told(conn, home, &format!("获评{}", title.name), &award.reason)?;
            items.push(sentence(&family_name(&home.head_name), &said));
        }
    }
    let tree = Tree::load(conn)?;
    let area = tree.get(&notice.area_id).map(|area| area.name.as_str());
    let what = format!("第{number}号称号公示里授予的称号");
    Ok(Script {
        source: Source::Titles(number),
        opening: opening(conn, area.unwrap_or_default(), &what, today)?,
        area: notice.area_id,
        items,
        closing: "对这些称号有不同意见的，请找网格员，或者打社区电话。播报完了，谢谢大家。".to_owned(),
    })
}

/// Of these households the ones that are named: they agree at this moment, and nobody of them decides (SG12).
///
/// # Errors
/// Only when the database fails.
pub fn named(conn: &mut Conn, homes: &[Id<Household>], today: Day) -> Result<HashMap<Id<Household>, Household>> {
    let agreed = consent::given_by(conn, homes, Purpose::Broadcast)?;
    let deciding = staff_share::homes(conn, today)?;
    let homes = household::by_ids(conn, homes)?.into_iter();
    Ok(homes
        .filter(|home| agreed.contains(&home.id) && !deciding.contains(&home.id))
        .map(|home| (home.id.clone(), home))
        .collect())
}

/// What it is called, and the sentence that stands on the notice. That is read once more before it is read out: a household
/// that came since may have a name in it.
fn told(conn: &mut Conn, home: &Household, name: &str, words: &str) -> Result<String> {
    let words = in_one(words);
    let is_fit = notice::findings_about(conn, &home.id, &words)?.is_empty();
    Ok(match is_fit && !words.is_empty() {
        true => format!("{name}：{words}"),
        false => name.to_owned(),
    })
}

/// A rule's name as it is said: what stands in brackets is for those who score.
fn without_brackets(name: &str) -> String {
    let mut inside = false;
    let said = name.chars().filter(|letter| match letter {
        '（' => {
            inside = true;
            false
        }
        '）' => {
            inside = false;
            false
        }
        _ => !inside,
    });
    said.collect()
}

/// Somebody's sentences as one, without its end.
fn in_one(words: &str) -> String {
    let sentences = words.split(['。', '\n']).map(str::trim);
    let sentences: Vec<&str> = sentences.filter(|sentence| !sentence.is_empty()).collect();
    sentences.join("，")
}

fn sentence(family: &str, deed: &str) -> Sentence {
    Sentence {
        text: format!("{family}家，{}。", deed.trim_end_matches('。')),
        readings: readings(family),
    }
}

/// How a family name is read, where somebody might stop at it.
#[must_use]
pub fn readings(family: &str) -> Vec<Reading> {
    family.chars().filter_map(|one| reading(one, family)).collect()
}

/// The pinyin of a character of a family name, where somebody might stop at it.
fn reading(one: char, family: &str) -> Option<Reading> {
    let alone = family.chars().count() == 1;
    let otherwise = READ_OTHERWISE.iter().find(|(character, _)| alone && *character == one);
    let pinyin = match otherwise {
        Some((_, pinyin)) => (*pinyin).to_owned(),
        None if COMMON.contains(one) || !alone => return None,
        None => one.to_pinyin()?.with_tone().to_owned(),
    };
    Some(Reading {
        character: one.to_string(),
        pinyin,
    })
}

fn opening(conn: &mut Conn, area: &str, what: &str, today: Day) -> Result<String> {
    let (programme, day) = (programme::get(conn)?.name, today.format("%-m月%-d日"));
    Ok(format!(
        "{area}的各位邻居，大家好。今天是{day}，这里是{programme}的播报。现在播报{what}。"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Vec<(String, String)> {
        let said = sentence(&family_name(name), "参加院坝会");
        said.readings
            .into_iter()
            .map(|one| (one.character, one.pinyin))
            .collect()
    }

    fn script(items: usize) -> Script {
        Script {
            source: Source::Deeds(1),
            area: Id::known("area".to_owned()),
            opening: "大家好。现在播报。".to_owned(),
            items: (0..items).map(|_| sentence("王", "扫雪")).collect(),
            closing: "播报完了。".to_owned(),
        }
    }

    #[test]
    fn everybody_who_agreed_is_in_one_of_the_parts() {
        let whole = script(7);
        assert_eq!(whole.parts(3), 3);
        let sizes: Vec<usize> = (1..=3)
            .map(|part| whole.clone().part(part, 3).unwrap().items.len())
            .collect();
        assert_eq!(sizes, [3, 3, 1]);
        assert!(whole.clone().part(0, 3).is_err() && whole.part(4, 3).is_err());
        assert!(script(0).part(1, 3).is_err());
    }

    #[test]
    fn a_line_is_a_sentence_and_a_faster_voice_is_done_sooner() {
        let script = script(1);
        assert_eq!(script.lines(), ["大家好。", "现在播报。", "王家，扫雪。", "播报完了。"]);
        let seconds = [Rate::Slow, Rate::Usual, Rate::Fast].map(|rate| script.seconds(rate));
        assert_eq!(seconds, [7, 5, 4], "20 characters and signs");
    }

    #[test]
    fn a_household_is_named_by_its_family_name_alone() {
        assert_eq!(
            sentence(&family_name("王桂兰"), "参加院坝会。").text,
            "王家，参加院坝会。"
        );
        assert_eq!(
            sentence(&family_name("欧阳春"), "参加院坝会").text,
            "欧阳家，参加院坝会。"
        );
    }

    #[test]
    fn a_word_names_a_notice_of_deeds_or_of_titles() {
        for (word, source) in [("12", Source::Deeds(12)), ("H3", Source::Titles(3))] {
            assert_eq!(Source::named(word), Some(source));
            assert_eq!(source.to_string(), word);
        }
        assert_eq!(Source::named(" h3 "), Some(Source::Titles(3)));
        for none in ["", "H", "三", "1-2"] {
            assert_eq!(Source::named(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_for_those_who_score_is_not_said() {
        assert_eq!(without_brackets("见义勇为（有权机关认定）"), "见义勇为");
        assert_eq!(without_brackets("带头（骨干）清扫"), "带头清扫");
    }

    #[test]
    fn what_somebody_wrote_is_one_sentence() {
        assert_eq!(in_one("清通水沟。\n全楼不再积水。 "), "清通水沟，全楼不再积水");
        assert_eq!(in_one(" 。"), "");
    }

    #[test]
    fn rare_family_names_and_those_read_otherwise_have_their_pinyin() {
        assert_eq!(read("王桂兰"), []);
        assert_eq!(read("欧阳春"), []);
        assert_eq!(read("仇英"), [("仇".to_owned(), "qiú".to_owned())]);
        assert_eq!(read("亓官"), [("亓".to_owned(), "qí".to_owned())]);
        // What nobody can read has none: it is better than a wrong one.
        assert_eq!(read("𠮷田"), []);
    }
}
