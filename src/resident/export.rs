//! What is a household's own as files that a spreadsheet opens: every line of its book, the oldest first, in the words of a
//! statement; its recognition; its hours; its titles, stars and shares; and who looked at its data (SG15).

use crate::access::lookup;
use crate::clock::{Day, Moment, day_of, spoken_day};
use crate::db::Conn;
use crate::dividends::dividend;
use crate::error::{Error, Result};
use crate::honours::book::{self as honour_book, OwnTitle};
use crate::ledger::account::AccountKind;
use crate::places::household::Household;
use crate::resident::story::Story;
use crate::statements::statement::{self, PAGE};
use crate::volunteering::book as time_book;

const HEADINGS: [&str; 7] = ["哪天的事", "入账日期", "凭条号", "什么事", "加减", "余额", "怎么来的"];
/// Tells a spreadsheet that the text is UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// All lines of one of a household's accounts of points, what it can spend or its recognition, as CSV.
///
/// # Errors
/// Only when the database fails.
pub fn lines(conn: &mut Conn, household: &Household, kind: AccountKind) -> Result<Vec<u8>> {
    let (mut rows, mut before) = (Vec::new(), None);
    loop {
        let told = statement::statement(conn, household.clone(), kind, before, PAGE)?;
        rows.extend(told.lines);
        before = told.older;
        if before.is_none() {
            break;
        }
    }
    rows.reverse();
    let mut file = csv::Writer::from_writer(MARK.to_vec());
    file.write_record(HEADINGS).map_err(Error::internal)?;
    for line in &rows {
        let story = Story::of(line);
        let row = [
            story.day,
            spoken_day(day_of(line.recorded_at)),
            story.slip.to_string(),
            as_text(story.what),
            line.amount.to_string(),
            line.balance_after.to_string(),
            as_text(story.steps.concat()),
        ];
        file.write_record(row).map_err(Error::internal)?;
    }
    file.into_inner().map_err(Error::internal)
}

const TIME_HEADINGS: [&str; 6] = ["哪天的事", "凭条号", "什么事", "加减", "余额", "怎么来的"];

/// All lines of a household's time, as CSV.
///
/// # Errors
/// Only when the database fails.
pub fn time(conn: &mut Conn, household: &Household) -> Result<Vec<u8>> {
    let mut file = csv::Writer::from_writer(MARK.to_vec());
    file.write_record(TIME_HEADINGS).map_err(Error::internal)?;
    for line in time_book::all(conn, &household.id)? {
        let row = [
            spoken_day(line.day),
            line.slip.to_string(),
            as_text(line.what),
            line.minutes.to_string(),
            line.left.to_string(),
            as_text(line.steps.concat()),
        ];
        file.write_record(row).map_err(Error::internal)?;
    }
    file.into_inner().map_err(Error::internal)
}

const HONOUR_HEADINGS: [&str; 6] = ["种类", "名称", "哪一期或日期", "状态", "说明", "金额或积分"];

/// A household's titles, stars and shares of dividends, as CSV.
///
/// # Errors
/// Only when the database fails.
pub fn honours(conn: &mut Conn, household: &Household, now: Moment) -> Result<Vec<u8>> {
    let mut file = csv::Writer::from_writer(MARK.to_vec());
    file.write_record(HONOUR_HEADINGS).map_err(Error::internal)?;
    let book = honour_book::of(conn, &household.id, now)?;
    for one in book.titles {
        let row = [
            "称号".to_owned(),
            as_text(one.name.clone()),
            one.period.clone(),
            standing(&one),
            as_text(explained(&one)),
            one.reward_in_words(),
        ];
        file.write_record(row).map_err(Error::internal)?;
    }
    for one in book.stars {
        let state = if one.is_held { "有效" } else { "不再有效" };
        let row = [
            "星级".to_owned(),
            as_text(one.name),
            format!("{}至{}", spoken_day(one.from), spoken_day(one.until)),
            state.to_owned(),
            as_text(one.criterion),
            String::new(),
        ];
        file.write_record(row).map_err(Error::internal)?;
    }
    for one in dividend::of_household(conn, &household.id)? {
        let state = if one.is_annulled { "已作废" } else { "已决议" };
        let row = [
            "分红".to_owned(),
            as_text(one.dividend.title),
            spoken_day(one.dividend.held_on),
            state.to_owned(),
            format!("按{}的荣誉分{}分", spoken_day(one.dividend.scored_on), one.honour),
            format!("{}元", one.amount),
        ];
        file.write_record(row).map_err(Error::internal)?;
    }
    file.into_inner().map_err(Error::internal)
}

/// `已授予，有效到2027年11月28日`.
fn standing(title: &OwnTitle) -> String {
    let label = title.state.label();
    match title.term_ends_on.map(spoken_day) {
        None => label.to_owned(),
        Some(until) if title.is_held => format!("{label}，有效到{until}"),
        Some(until) => format!("{label}，有效到{until}（不再有效）"),
    }
}

/// Whose it was before a merge, why the household was named, and why it ended.
fn explained(title: &OwnTitle) -> String {
    let told = match title.ending.is_empty() {
        true => title.reason.clone(),
        false => format!("{}（{}）", title.reason, title.ending),
    };
    match title.former.is_empty() {
        true => told,
        false => format!("原{}户的：{told}", title.former),
    }
}

const LOOK_HEADINGS: [&str; 3] = ["哪一天", "什么人", "看了什么"];

/// Who of the staff looked at a household's data in the last twelve months, as CSV.
///
/// # Errors
/// Only when the database fails.
pub fn looks(conn: &mut Conn, household: &Household, today: Day) -> Result<Vec<u8>> {
    let mut file = csv::Writer::from_writer(MARK.to_vec());
    file.write_record(LOOK_HEADINGS).map_err(Error::internal)?;
    for look in lookup::told_to(conn, &household.id, today)? {
        let row = [spoken_day(look.day), look.duty, look.what.to_owned()];
        file.write_record(row).map_err(Error::internal)?;
    }
    file.into_inner().map_err(Error::internal)
}

/// A text that a spreadsheet does not take for a formula.
fn as_text(text: String) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_a_text() {
        assert_eq!(as_text("=1+1".to_owned()), "'=1+1");
        assert_eq!(as_text("帮邻居".to_owned()), "帮邻居");
    }
}
