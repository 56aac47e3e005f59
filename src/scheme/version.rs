//! Scheme versions: loading a file of rules, and which version is in force on a day.
//!
//! The file is kept whole, word for word; categories and items are also rows, because every award cites one. A version
//! is in force from its first day until a later one begins. Awards keep citing the version they were made under.

use diesel::prelude::*;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::item::{self, CapPeriod, Category, CheckLevel, Item};
use crate::audit;
use crate::clock::{Day, Moment};
use crate::db::Conn;
use crate::db::schema::scheme_versions;
use crate::error::{Error, FieldError, Result};
use crate::id::Id;
use crate::points::Points;

/// A version of the rules.
#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = scheme_versions)]
pub struct SchemeVersion {
    /// Its id.
    pub id: Id<SchemeVersion>,
    /// Which scheme.
    pub code: String,
    /// 1, 2, 3 …
    pub version: i64,
    /// What people call it.
    pub name: String,
    /// The first day on which it is in force.
    pub active_from: Day,
    loaded_at: Moment,
    loaded_by: String,
}

/// The file of a scheme, as in `samples/scheme.json`. Fields that later parts of the product read are kept in the
/// document and not looked at here.
#[derive(Debug, Deserialize)]
struct File {
    scheme_code: String,
    name_zh: String,
    #[serde(default)]
    rate_yuan_per_point: Option<Decimal>,
    categories: Vec<FileCategory>,
    items: Vec<FileItem>,
}

#[derive(Debug, Deserialize)]
struct FileCategory {
    code: String,
    name_zh: String,
    title_zh: String,
    redeemable: bool,
}

#[derive(Debug, Deserialize)]
struct FileItem {
    code: String,
    category: String,
    name_zh: String,
    points: i64,
    per: String,
    cap: i64,
    cap_period: String,
    evidence: String,
    nominator: String,
    check_level: String,
}

/// Yuan per point, if the scheme states a rate.
///
/// # Errors
/// Only when the database fails.
pub fn yuan_per_point(conn: &mut Conn, version: &Id<SchemeVersion>) -> Result<Option<Decimal>> {
    let document = scheme_versions::table
        .find(version)
        .select(scheme_versions::document)
        .get_result::<String>(conn)?;
    let file: File = serde_json::from_str(&document).map_err(Error::internal)?;
    Ok(file.rate_yuan_per_point)
}

/// Loads a file as the next version of its scheme, in force from `active_from`.
///
/// # Errors
/// `Invalid` naming every item that is not a rule: without points, cap, evidence or category.
pub fn load(conn: &mut Conn, text: &str, active_from: Day, loaded_by: &str, now: Moment) -> Result<SchemeVersion> {
    let file: File = serde_json::from_str(text)
        .map_err(|cause| Error::invalid("scheme", format!("读不懂这个方案文件（第{}行）：{cause}", cause.line())))?;
    let last = scheme_versions::table
        .filter(scheme_versions::code.eq(&file.scheme_code))
        .select(diesel::dsl::max(scheme_versions::version))
        .get_result::<Option<i64>>(conn)?;
    let version = SchemeVersion {
        id: Id::new(now),
        code: file.scheme_code.clone(),
        version: last.unwrap_or(0).saturating_add(1),
        name: file.name_zh.clone(),
        active_from,
        loaded_at: now,
        loaded_by: loaded_by.to_owned(),
    };
    let (categories, items) = rules(&version.id, &file, now)?;
    let row = (&version, scheme_versions::document.eq(text));
    diesel::insert_into(scheme_versions::table).values(row).execute(conn)?;
    item::add(conn, &categories, &items)?;
    let subject = format!("scheme:{}", version.id);
    let detail = format!("{} v{}", version.code, version.version);
    audit::record(
        conn,
        &[audit::Event::new(loaded_by, "scheme.loaded", subject, detail, now)],
    )?;
    Ok(version)
}

/// The file of a version, as it was loaded; without a number, of the version in force.
///
/// # Errors
/// `NotFound`.
pub fn export(conn: &mut Conn, number: Option<i64>, today: Day) -> Result<String> {
    let id = match number {
        None => in_force(conn, today)?.id,
        Some(number) => scheme_versions::table
            .filter(scheme_versions::version.eq(number))
            .order(scheme_versions::active_from.desc())
            .select(scheme_versions::id)
            .first(conn)
            .optional()?
            .ok_or(Error::NotFound)?,
    };
    document(conn, &id)
}

/// The whole file of a version.
///
/// # Errors
/// `NotFound`.
pub fn document(conn: &mut Conn, version: &Id<SchemeVersion>) -> Result<String> {
    scheme_versions::table
        .find(version)
        .select(scheme_versions::document)
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The version in force on a day.
///
/// # Errors
/// `NotFound` when none is.
pub fn in_force(conn: &mut Conn, day: Day) -> Result<SchemeVersion> {
    scheme_versions::table
        .filter(scheme_versions::active_from.le(day))
        .order((scheme_versions::active_from.desc(), scheme_versions::version.desc()))
        .limit(1)
        .select(SchemeVersion::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The rows of a file; every item that is not a rule is named.
fn rules(version: &Id<SchemeVersion>, file: &File, now: Moment) -> Result<(Vec<Category>, Vec<Item>)> {
    let categories: Vec<Category> = file
        .categories
        .iter()
        .map(|category| Category {
            scheme_version_id: version.clone(),
            code: category.code.clone(),
            name: category.name_zh.clone(),
            title: category.title_zh.clone(),
            redeemable: category.redeemable,
        })
        .collect();
    let mut problems = Vec::new();
    for (at, category) in categories.iter().enumerate() {
        if categories.iter().take(at).any(|other| other.code == category.code) {
            problems.push(FieldError {
                field: "categories",
                message: format!("类别 {} {}：编号重复。", category.code, category.name),
            });
        }
    }
    let mut items: Vec<Item> = Vec::new();
    for row in &file.items {
        match rule(version, file, row, now) {
            Ok(_) if items.iter().any(|item| item.code == row.code) => {
                problems.push(problem(row, "编号重复"));
            }
            Ok(item) => items.push(item),
            Err(why) => problems.push(problem(row, why)),
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    if items.is_empty() {
        return Err(Error::invalid("items", "方案里没有积分项目。"));
    }
    Ok((categories, items))
}

fn problem(row: &FileItem, why: &str) -> FieldError {
    FieldError {
        field: "items",
        message: format!("项目 {} {}：{why}。", row.code, row.name_zh),
    }
}

fn rule(version: &Id<SchemeVersion>, file: &File, row: &FileItem, now: Moment) -> Result<Item, &'static str> {
    if !file.categories.iter().any(|category| category.code == row.category) {
        return Err("类别不在方案的评价类别中");
    }
    if row.points < 1 || row.points > 1_000 {
        return Err("分值应为1至1000的整数");
    }
    if row.cap < row.points || row.cap > 10_000 {
        return Err("缺少合理的上限（不小于一次的分值，不大于10000）");
    }
    if row.evidence.trim().is_empty() {
        return Err("没有写明佐证材料");
    }
    if row.name_zh.trim().is_empty() || row.code.trim().is_empty() {
        return Err("没有编号或名称");
    }
    Ok(Item {
        id: Id::new(now),
        scheme_version_id: version.clone(),
        code: row.code.clone(),
        category_code: row.category.clone(),
        name: row.name_zh.clone(),
        points: Points(row.points),
        per: row.per.clone(),
        cap: Points(row.cap),
        cap_period: CapPeriod::from_word(&row.cap_period).ok_or("上限周期应为 month、quarter 或 year")?,
        evidence: row.evidence.clone(),
        nominator: row.nominator.clone(),
        check_level: CheckLevel::from_word(&row.check_level).ok_or("核实级别应为 L1、L2 或 L3")?,
    })
}
