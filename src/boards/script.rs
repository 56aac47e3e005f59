//! The script of the loudspeaker (播报稿): the deeds of a notice, of households that agreed to be named by it.
//!
//! What is said is what was agreed to, and no more (SG8): the family name and the deed. No door, no points, no full name,
//! and nothing that is objected to or came to nothing. A reminder is never read out. A family name that is rare, or is read
//! otherwise than the character usually is, has its pinyin beside it.

use std::collections::HashSet;

use pinyin::ToPinyin;

use crate::access::role::Reach;
use crate::council::nomination::{self, Nomination};
use crate::council::notice::{self, Notice};
use crate::council::sheet::{self, Sheet, Standing};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::consent::{self, Purpose};
use crate::places::household::{self, Household};
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

/// Family names of two characters.
const OF_TWO: [&str; 20] = [
    "欧阳", "司马", "上官", "诸葛", "司徒", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "宇文", "长孙", "夏侯",
    "轩辕", "端木", "南宫", "西门", "独孤", "百里",
];

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

/// A script to read aloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The number of the notice.
    pub notice: i64,
    /// Where its council decides.
    pub area: Id<Area>,
    /// Said first.
    pub opening: String,
    /// A sentence for each deed.
    pub items: Vec<Sentence>,
    /// Said last.
    pub closing: String,
}

/// A deed in a sentence.
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
    /// How many broadcasts it makes with so many deeds in each; every household that agreed is in one of them.
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

    /// Refuses a script without a deed.
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

/// The notices whose scripts are for somebody with this reach, newest first: those of councils that decide for a place within.
///
/// # Errors
/// Only when the database fails.
pub fn notices(conn: &mut Conn, reach: &Reach, limit: i64) -> Result<Vec<Notice>> {
    let tree = Tree::load(conn)?;
    let mut notices = notice::list(conn, limit)?;
    notices.retain(|notice| touches(&tree, reach, &notice.area_id));
    Ok(notices)
}

fn touches(tree: &Tree, reach: &Reach, area: &Id<Area>) -> bool {
    tree.buildings_of(area).iter().any(|building| reach.covers(building))
}

/// The script of a notice, by its number, with the deeds of all who agree at this moment; with none when nobody does.
///
/// # Errors
/// `NotFound`, also for a notice of places outside the reach.
pub fn of_notice(conn: &mut Conn, number: i64, reach: &Reach) -> Result<Script> {
    let notice = notice::by_number(conn, number)?;
    if !touches(&Tree::load(conn)?, reach, &notice.area_id) {
        return Err(Error::NotFound);
    }
    let rows = nomination::of_notice(conn, &notice.id)?;
    let shown = sheet::of(conn, &notice, &rows)?;
    let homes: Vec<Id<Household>> = rows.iter().map(|row| row.household_id.clone()).collect();
    let agreed = consent::given_by(conn, &homes, Purpose::Broadcast)?;
    let names: Vec<Household> = household::by_ids(conn, &homes)?;
    let mut said = HashSet::new();
    let items = rows
        .iter()
        .zip(&shown.rows)
        .filter(|(row, _)| agreed.contains(&row.household_id))
        .filter(|(_, shown)| matches!(shown.standing, Standing::Running | Standing::Waiting | Standing::Posted))
        .filter_map(|(row, _)| {
            let home = names.iter().find(|home| home.id == row.household_id)?;
            // A household that did the same thing twice is named once.
            let is_new = said.insert((row.household_id.clone(), row.scoring_item_id.clone()));
            is_new.then_some((home, row))
        })
        .map(|(home, row)| Ok(sentence(&family_name(&home.head_name), &deed(conn, row)?)))
        .collect::<Result<Vec<Sentence>>>()?;
    Ok(Script {
        notice: number,
        area: notice.area_id,
        opening: opening(&shown),
        items,
        closing: closing(&shown),
    })
}

/// What was done, in the words of the rules: a sentence in somebody's own words may name people.
fn deed(conn: &mut Conn, row: &Nomination) -> Result<String> {
    let (rule, _) = item::by_id(conn, &row.scoring_item_id)?;
    Ok(rule.name)
}

fn sentence(family: &str, deed: &str) -> Sentence {
    Sentence {
        text: format!("{family}家，{}。", deed.trim_end_matches('。')),
        readings: family.chars().filter_map(|one| reading(one, family)).collect(),
    }
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

fn family_name(name: &str) -> String {
    let two = OF_TWO.iter().find(|family| name.starts_with(**family));
    match two {
        Some(family) => (*family).to_owned(),
        None => name.chars().take(1).collect(),
    }
}

fn opening(shown: &Sheet) -> String {
    format!(
        "{}的各位邻居，大家好。现在播报第{}号公示里的好人好事。",
        shown.area, shown.number
    )
}

fn closing(shown: &Sheet) -> String {
    let until = shown.last_day.format("%-m月%-d日");
    format!("公示到{until}为止。有不同意见的，请找网格员、积分超市柜台，或者打社区电话。播报完了，谢谢大家。")
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
            notice: 1,
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
    fn rare_family_names_and_those_read_otherwise_have_their_pinyin() {
        assert_eq!(read("王桂兰"), []);
        assert_eq!(read("欧阳春"), []);
        assert_eq!(read("仇英"), [("仇".to_owned(), "qiú".to_owned())]);
        assert_eq!(read("亓官"), [("亓".to_owned(), "qí".to_owned())]);
        // What nobody can read has none: it is better than a wrong one.
        assert_eq!(read("𠮷田"), []);
    }
}
