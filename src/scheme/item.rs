//! Categories and scoring items: one rule each, with points, what they are for, a cap and its evidence.

use diesel::prelude::*;

use super::version::SchemeVersion;
use crate::clock::{Day, Span};
use crate::db::schema::{evaluation_categories, scoring_items};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::points::Points;

/// One of the (five) dimensions of evaluation, with its title.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = evaluation_categories)]
pub struct Category {
    /// The version it belongs to.
    pub scheme_version_id: Id<SchemeVersion>,
    /// `A` … `E`.
    pub code: String,
    /// 评勤劳致富 …
    pub name: String,
    /// 致富光荣户 …
    pub title: String,
    /// Whether its points can be spent; otherwise they are honour only.
    pub redeemable: bool,
}

text_enum! {
    /// Over which time a cap counts.
    pub enum CapPeriod {
        /// A calendar month.
        Month = "month", "月";
        /// A calendar quarter.
        Quarter = "quarter", "季度";
        /// A calendar year.
        Year = "year", "年";
    }
}

text_enum! {
    /// How much checking an item asks for (`domain.md` §9.1).
    pub enum CheckLevel {
        /// One verifier other than the nominator.
        L1 = "L1", "一人核实";
        /// Grid worker verifies, council confirms in batch.
        L2 = "L2", "网格员核实、评议会批量确认";
        /// Individual council ballot.
        L3 = "L3", "评议会逐项票决";
    }
}

text_enum! {
    /// What the program knows of itself that a household did, and for which a scheme may have an item.
    pub enum Occasion {
        /// It went through its book of the last quarter and found it right.
        StatementConfirmed = "statement_confirmed", "住户核对过季度账本的，一并申报";
    }
}

impl CapPeriod {
    /// The calendar span around a day.
    #[must_use]
    pub fn around(self, day: Day) -> Span {
        match self {
            CapPeriod::Month => Span::month_of(day),
            CapPeriod::Quarter => Span::quarter_of(day),
            CapPeriod::Year => Span::year_of(day),
        }
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = scoring_items)]
pub struct Item {
    /// Its id, which an award cites.
    pub id: Id<Item>,
    /// The version it belongs to.
    pub scheme_version_id: Id<SchemeVersion>,
    /// `C01` …
    pub code: String,
    /// The category it belongs to.
    pub category_code: String,
    /// What is to be done.
    pub name: String,
    /// Points for one count.
    pub points: Points,
    /// What is counted: `time`, `person`, `household` …
    pub per: String,
    /// The most points a household can have from this item in a period.
    pub cap: Points,
    /// The period of the cap.
    pub cap_period: CapPeriod,
    /// What shows that it was done.
    pub evidence: String,
    /// Who usually nominates.
    pub nominator: String,
    /// How much checking it asks for.
    pub check_level: CheckLevel,
    /// What the program knows of itself for which it is given; most items are given for what people saw.
    pub given_for: Option<Occasion>,
}

impl Item {
    /// What is counted, in the words of the field; a word of a scheme's own stands as it is.
    #[must_use]
    pub fn per_label(&self) -> &str {
        per_in_words(&self.per)
    }

    /// The rule in one line: `参加院坝会、居民议事会,每次2分,每月最多4分`.
    #[must_use]
    pub fn rule_text(&self) -> String {
        format!(
            "{}，{}{}分，每{}最多{}分",
            self.name,
            self.per_label(),
            self.points,
            self.cap_period.label(),
            self.cap
        )
    }
}

/// What is counted, in the words of the field; a word of a scheme's own stands as it is.
#[must_use]
pub fn per_in_words(word: &str) -> &str {
    match word {
        "time" => "每次",
        "person" => "每人",
        "household" => "每户",
        "person_helped" => "每带动1人",
        "item" => "每件",
        "day" => "每天",
        "week" => "每周",
        "month" => "每月",
        "quarter" => "每季度",
        "year" => "每年",
        "hour" => "每小时",
        "10_yuan" => "每10元",
        "award_level_5_10_15" => "按级别（社区5、乡镇10、县15）",
        other => other,
    }
}

/// Who usually nominates, in the words of the field; a word of a scheme's own stands as it is.
#[must_use]
pub fn nominator_in_words(word: &str) -> &str {
    match word {
        "resident" => "本户",
        "grid_worker" => "网格员",
        "building_head" => "楼栋长",
        "council" => "评议会",
        "community" => "社区",
        "judge_panel" => "评委",
        "shopkeeper" => "店长",
        "stock_keeper" => "库管",
        "system" => "系统",
        other => other,
    }
}

/// Adds the rows of a version.
pub(super) fn add(conn: &mut Conn, categories: &[Category], items: &[Item]) -> Result<()> {
    insert_rows!(conn, evaluation_categories::table, categories);
    insert_rows!(conn, scoring_items::table, items);
    Ok(())
}

/// The categories and items of a version, by code.
///
/// # Errors
/// Only when the database fails.
pub fn of_version(conn: &mut Conn, version: &Id<SchemeVersion>) -> Result<(Vec<Category>, Vec<Item>)> {
    let categories = evaluation_categories::table
        .filter(evaluation_categories::scheme_version_id.eq(version))
        .order(evaluation_categories::code)
        .select(Category::as_select())
        .load(conn)?;
    let items = scoring_items::table
        .filter(scoring_items::scheme_version_id.eq(version))
        .order(scoring_items::code)
        .select(Item::as_select())
        .load(conn)?;
    Ok((categories, items))
}

/// An item of a version by its code.
///
/// # Errors
/// `Invalid` when the version has no such item.
pub fn by_code(conn: &mut Conn, version: &Id<SchemeVersion>, code: &str) -> Result<Item> {
    scoring_items::table
        .filter(
            scoring_items::scheme_version_id
                .eq(version)
                .and(scoring_items::code.eq(code)),
        )
        .select(Item::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::invalid("item", format!("现行方案里没有编号为{code}的项目。")))
}

/// The item of a version that is given for this; a version has one at most.
///
/// # Errors
/// Only when the database fails.
pub fn given_for(conn: &mut Conn, version: &Id<SchemeVersion>, occasion: Occasion) -> Result<Option<Item>> {
    Ok(scoring_items::table
        .filter(
            scoring_items::scheme_version_id
                .eq(version)
                .and(scoring_items::given_for.eq(occasion)),
        )
        .order(scoring_items::code)
        .select(Item::as_select())
        .first(conn)
        .optional()?)
}

/// An item by its id, with its category.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Item>) -> Result<(Item, Category)> {
    let item = scoring_items::table
        .find(id)
        .select(Item::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)?;
    let category = evaluation_categories::table
        .find((&item.scheme_version_id, &item.category_code))
        .select(Category::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)?;
    Ok((item, category))
}

/// Items by their ids.
///
/// # Errors
/// Only when the database fails.
pub fn by_ids(conn: &mut Conn, ids: &[Id<Item>]) -> Result<Vec<Item>> {
    Ok(scoring_items::table
        .filter(scoring_items::id.eq_any(ids))
        .select(Item::as_select())
        .load(conn)?)
}
