//! Households: the accounting unit. People on one book, or people who live together.
//!
//! Balances are in `ledger`, under the household's id; cards are in `cards`. Names are kept as written, rare characters
//! and all; what the public sees is the masked name.

use std::collections::HashMap;

use diesel::prelude::*;
use pinyin::ToPinyin;

use super::area::{Area, Tree};
use crate::clock::Moment;
use crate::db::schema::households;
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Result};
use crate::id::Id;

/// A household.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = households)]
pub struct Household {
    /// Its id, which owns its accounts.
    pub id: Id<Household>,
    /// Its code, for example `C01-G03-B005-2-1103`.
    pub code: String,
    /// Where it lives.
    pub building_id: Id<Area>,
    /// 单元.
    pub stairwell: Option<String>,
    /// 房号.
    pub room: String,
    /// 户主.
    pub head_name: String,
    /// Pinyin initials of the head's name, in small letters.
    pub head_initials: String,
    /// How many people.
    pub people: i64,
    /// Since when it is registered.
    pub registered_at: Moment,
}

impl Household {
    /// `王**`: the family name, and that is all.
    #[must_use]
    pub fn masked_name(&self) -> String {
        match self.is_deleted() {
            true => DELETED.to_owned(),
            false => mask(&self.head_name),
        }
    }

    /// Was what identifies it taken out of the database (`retention`)? Its books are still there, under its code.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.head_name == DELETED
    }

    /// `晨光社区 第3网格 5号楼 2单元1103`.
    #[must_use]
    pub fn address(&self, tree: &Tree) -> String {
        format!("{} {}", tree.address(&self.building_id), self.door())
    }

    /// `2单元1103`.
    #[must_use]
    pub fn door(&self) -> String {
        match &self.stairwell {
            Some(stairwell) => format!("{stairwell}单元{}", self.room),
            None => self.room.clone(),
        }
    }
}

/// What stands where a name or words stood that identified a household which was deleted. The guards of the database know it.
pub const DELETED: &str = "已删除";

/// The family name and two stars, also for names of two or five characters: length tells nothing.
#[must_use]
pub fn mask(name: &str) -> String {
    format!("{}**", family_name(name))
}

/// `王`, `欧阳`: what a family is called by.
#[must_use]
pub fn family_name(name: &str) -> String {
    match OF_TWO.iter().find(|family| name.starts_with(**family)) {
        Some(family) => (*family).to_owned(),
        None => name.chars().take(1).collect(),
    }
}

/// Family names of two characters.
const OF_TWO: [&str; 20] = [
    "欧阳", "司马", "上官", "诸葛", "司徒", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "宇文", "长孙", "夏侯",
    "轩辕", "端木", "南宫", "西门", "独孤", "百里",
];

/// Pinyin initials: `李玉山` is `lys`. A character without a reading stands for itself.
#[must_use]
pub fn initials(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_alphanumeric())
        .map(|letter| {
            letter
                .to_pinyin()
                .and_then(|reading| reading.plain().chars().next())
                .unwrap_or_else(|| letter.to_ascii_lowercase())
        })
        .collect()
}

/// Registers households.
///
/// # Errors
/// Only when the database fails; codes are checked before (`places/import.rs`).
pub fn register(conn: &mut Conn, new: &[Household]) -> Result<()> {
    insert_rows!(conn, households::table, new);
    Ok(())
}

/// Takes out of a household's row who it was and behind which door it lived. Code, building and days stay.
///
/// # Errors
/// Only when the database fails.
pub fn forget(conn: &mut Conn, household: &Id<Household>) -> Result<()> {
    diesel::update(households::table.find(household))
        .set((
            households::head_name.eq(DELETED),
            households::head_initials.eq(""),
            households::stairwell.eq(None::<String>),
            households::room.eq(DELETED),
            households::people.eq(1),
        ))
        .execute(conn)?;
    Ok(())
}

/// How many households have a head of this name.
///
/// # Errors
/// Only when the database fails.
pub fn count_named(conn: &mut Conn, head_name: &str) -> Result<i64> {
    Ok(households::table
        .filter(households::head_name.eq(head_name))
        .count()
        .get_result(conn)?)
}

/// A household by its code.
///
/// # Errors
/// `NotFound`.
pub fn by_code(conn: &mut Conn, code: &str) -> Result<Household> {
    households::table
        .filter(households::code.eq(code))
        .select(Household::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// A household that a form or a request names in one of its fields.
///
/// # Errors
/// `Invalid` when there is no such household.
pub fn named(conn: &mut Conn, code: &str) -> Result<Household> {
    by_code(conn, code).map_err(|error| match error {
        Error::NotFound => Error::invalid("household", "没有这个户号，请核对。"),
        other => other,
    })
}

/// A household by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Household>) -> Result<Household> {
    households::table
        .find(id)
        .select(Household::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Households by their ids, in no particular order.
///
/// # Errors
/// Only when the database fails.
pub fn by_ids(conn: &mut Conn, ids: &[Id<Household>]) -> Result<Vec<Household>> {
    Ok(households::table
        .filter(households::id.eq_any(ids))
        .select(Household::as_select())
        .load(conn)?)
}

/// The ids of the households in these buildings.
///
/// # Errors
/// Only when the database fails.
pub fn ids_in(conn: &mut Conn, buildings: &[Id<Area>]) -> Result<Vec<Id<Household>>> {
    Ok(households::table
        .filter(households::building_id.eq_any(buildings))
        .select(households::id)
        .load(conn)?)
}

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Part of a code, of a name, or pinyin initials; empty finds all.
    pub query: String,
    /// Only households in these buildings; `None` for everywhere.
    pub buildings: Option<Vec<Id<Area>>>,
    /// Only codes after this one.
    pub after: Option<String>,
    /// At most this many.
    pub limit: i64,
}

/// Households of the programme in the order of their codes.
///
/// # Errors
/// Only when the database fails.
pub fn search(conn: &mut Conn, search: &Search) -> Result<Vec<Household>> {
    find(conn, search, false)
}

/// Households in the order of their codes, those that left or were merged among them.
///
/// # Errors
/// Only when the database fails.
pub fn search_with_former(conn: &mut Conn, search: &Search) -> Result<Vec<Household>> {
    find(conn, search, true)
}

fn find(conn: &mut Conn, search: &Search, with_former: bool) -> Result<Vec<Household>> {
    let mut query = households::table.select(Household::as_select()).into_boxed();
    if !with_former {
        query = query.filter(households::ended_on.is_null());
    }
    if let Some(buildings) = &search.buildings {
        query = query.filter(households::building_id.eq_any(buildings));
    }
    let words = search.query.trim();
    if !words.is_empty() {
        // The three characters that LIKE reads as its own are not in any name or code.
        let plain: String = words
            .chars()
            .filter(|letter| !matches!(letter, '%' | '_' | '\\'))
            .collect();
        // Letters typed in the Latin alphabet are initials; `wang` and `Anna Wang` are found in the same column.
        let latin: String = plain.chars().filter(char::is_ascii_alphanumeric).collect();
        let letters = match plain.is_ascii() && !latin.is_empty() {
            true => latin.to_ascii_lowercase(),
            // No name is spelled with a space.
            false => " ".to_owned(),
        };
        query = query.filter(
            households::code
                .like(format!("%{}%", plain.to_uppercase()))
                .or(households::head_name.like(format!("%{plain}%")))
                .or(households::head_initials.like(format!("%{letters}%"))),
        );
    }
    if let Some(after) = &search.after {
        query = query.filter(households::code.gt(after));
    }
    Ok(query.order(households::code).limit(search.limit).load(conn)?)
}

/// The heads of households whose full names stand in a text: what is shown to everybody is read with it.
///
/// # Errors
/// Only when the database fails.
pub fn heads_in(conn: &mut Conn, text: &str) -> Result<Vec<String>> {
    let letters: Vec<char> = text.chars().filter(|letter| letter.is_alphanumeric()).collect();
    let names = (2..=4).flat_map(|length| letters.windows(length));
    let mut names: Vec<String> = names.map(|name| name.iter().collect()).collect();
    names.sort();
    names.dedup();
    let mut found = Vec::new();
    for chunk in names.chunks(500) {
        let heads = households::table
            .filter(households::head_name.eq_any(chunk))
            .select(households::head_name)
            .distinct();
        found.extend(heads.load::<String>(conn)?);
    }
    Ok(found)
}

/// How many households and how many people are part of the programme.
///
/// # Errors
/// Only when the database fails.
pub fn count(conn: &mut Conn) -> Result<(i64, i64)> {
    use diesel::sql_types::BigInt;
    let people = diesel::dsl::sql::<BigInt>("cast(coalesce(sum(people), 0) as bigint)");
    Ok(households::table
        .filter(households::ended_on.is_null())
        .select((diesel::dsl::count_star(), people))
        .get_result(conn)?)
}

/// How many households and how many people of the programme live in these buildings.
///
/// # Errors
/// Only when the database fails.
pub fn count_in(conn: &mut Conn, buildings: &[Id<Area>]) -> Result<(i64, i64)> {
    use diesel::sql_types::BigInt;
    let people = diesel::dsl::sql::<BigInt>("cast(coalesce(sum(people), 0) as bigint)");
    Ok(households::table
        .filter(households::ended_on.is_null())
        .filter(households::building_id.eq_any(buildings))
        .select((diesel::dsl::count_star(), people))
        .get_result(conn)?)
}

/// How many households of the programme live in each building; one without any is left out.
///
/// # Errors
/// Only when the database fails.
pub fn count_by_building(conn: &mut Conn) -> Result<HashMap<Id<Area>, i64>> {
    let counts = households::table
        .filter(households::ended_on.is_null())
        .group_by(households::building_id)
        .select((households::building_id, diesel::dsl::count_star()))
        .load::<(Id<Area>, i64)>(conn)?;
    Ok(counts.into_iter().collect())
}

/// The households of the programme behind this door.
///
/// # Errors
/// Only when the database fails.
pub fn at_door(conn: &mut Conn, building: &Id<Area>, stairwell: Option<&str>, room: &str) -> Result<Vec<Household>> {
    let behind = households::table
        .filter(households::ended_on.is_null())
        .filter(households::building_id.eq(building).and(households::room.eq(room)))
        .select(Household::as_select())
        .load(conn)?;
    Ok(behind
        .into_iter()
        .filter(|household| household.stairwell.as_deref() == stairwell)
        .collect())
}

/// A code for a household behind this door that no other has or had: `C01-G03-B05-2-1103`, and `-2` after it for a second.
///
/// # Errors
/// Only when the database fails.
pub fn free_code(
    conn: &mut Conn,
    tree: &Tree,
    building: &Id<Area>,
    stairwell: Option<&str>,
    room: &str,
) -> Result<String> {
    let mut parts: Vec<&str> = tree.codes(building);
    parts.extend(stairwell);
    parts.push(room);
    let first = parts.join("-").to_uppercase();
    let taken: Vec<String> = households::table
        .filter(households::code.like(format!("{}%", first.replace(['%', '_', '\\'], ""))))
        .select(households::code)
        .load(conn)?;
    let mut codes = std::iter::once(first.clone()).chain((2u32..).map(|number| format!("{first}-{number}")));
    Ok(codes.find(|code| !taken.contains(code)).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_find_a_name_and_leave_rare_characters_alone() {
        assert_eq!(initials("李玉山"), "lys");
        assert_eq!(initials("𠮷田"), "𠮷t");
        assert_eq!(initials("Anna Wang"), "annawang");
    }

    #[test]
    fn a_masked_name_shows_the_family_name_only() {
        assert_eq!(mask("王小明"), "王**");
        assert_eq!(mask("㛃"), "㛃**");
        assert_eq!(mask("欧阳慧"), "欧阳**");
        assert_eq!(mask(""), "**");
    }
}
