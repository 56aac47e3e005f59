//! The script of the loudspeaker (播报稿): the deeds of a notice, of households that agreed to be named by it.
//!
//! What is said is what was agreed to, and no more (SG8): the family name and the deed. No door, no points, no full name,
//! and nothing that is objected to or came to nothing. A family name that is rare, or is read otherwise than the character
//! usually is, has its pinyin beside it.

use std::collections::HashSet;

use pinyin::ToPinyin;
use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::clock::spoken_day;
use crate::council::nomination::{self, Nomination};
use crate::council::notice;
use crate::council::sheet::{self, Sheet, Standing};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::consent::{self, Purpose};
use crate::places::household::{self, Household};
use crate::scheme::item;

/// Characters that are read aloud in a second.
const A_SECOND: usize = 4;

/// When the loudspeaker is on where no other time was asked for.
const HOUR: &str = "18:00";

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
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broadcast {
    paper: Head,
    slot: String,
    seconds: usize,
    opening: String,
    items: Vec<Item>,
    closing: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    text: String,
    pinyin: Vec<Reading>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    char: String,
    pinyin: String,
}

/// The script of a notice, by its number; when it is read is what was asked for, or this evening.
///
/// # Errors
/// `Invalid` without a number, and when no household of the notice agreed to be named; `NotFound`.
pub fn load(conn: &mut Conn, order: &Order) -> Result<Broadcast> {
    let notice = notice::by_number(conn, order.number()?)?;
    let rows = nomination::of_notice(conn, &notice.id)?;
    let shown = sheet::of(conn, &notice, &rows)?;
    let homes: Vec<Id<Household>> = rows.iter().map(|row| row.household_id.clone()).collect();
    let agreed = consent::given_by(conn, &homes, Purpose::Broadcast)?;
    let names: Vec<Household> = household::by_ids(conn, &homes)?;
    let mut said = HashSet::new();
    let items: Vec<Item> = rows
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
        .map(|(home, row)| Ok((family_name(&home.head_name), deed(conn, row)?)))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .map(|(family, deed)| sentence(&family, &deed))
        .collect();
    if items.is_empty() {
        return Err(Error::invalid("id", "这次公示里没有同意播报的人家，没有播报稿。"));
    }
    let (opening, closing) = (opening(&shown), closing(&shown));
    let spoken = items
        .iter()
        .map(|item| item.text.as_str())
        .chain([opening.as_str(), closing.as_str()]);
    let characters: usize = spoken.map(|text| text.chars().count()).sum();
    let slot = order
        .asked
        .text
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    Ok(Broadcast {
        paper: order.head(conn, Some(&notice.area_id))?,
        slot: slot.map_or_else(|| format!("{} {HOUR}", spoken_day(order.today())), str::to_owned),
        seconds: characters.div_ceil(A_SECOND),
        opening,
        items,
        closing,
    })
}

/// What was done, in the words of the rules: a sentence in somebody's own words may name people.
fn deed(conn: &mut Conn, row: &Nomination) -> Result<String> {
    let (rule, _) = item::by_id(conn, &row.scoring_item_id)?;
    Ok(rule.name)
}

fn sentence(family: &str, deed: &str) -> Item {
    Item {
        text: format!("{family}家，{}。", deed.trim_end_matches('。')),
        pinyin: family.chars().filter_map(|one| reading(one, family)).collect(),
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
        char: one.to_string(),
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
        said.pinyin.into_iter().map(|one| (one.char, one.pinyin)).collect()
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
