//! Scheme versions: loading a file of rules, and which version is in force on a day.
//!
//! The file is kept whole, word for word; categories and items are also rows, because every award cites one. A version
//! is in force from its first day until a later one begins. Awards keep citing the version they were made under.

use diesel::prelude::*;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::item::{self, CapPeriod, Category, CheckLevel, Item, Occasion};
use super::validator::{self, Finding};
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
    #[serde(default)]
    given_for: Option<String>,
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

/// Loads a file as the next version of its scheme, in force from `active_from`: a programme that is being set up has
/// adopted its rules elsewhere. It is looked at like any other.
///
/// # Errors
/// `Invalid` naming everything that the validator finds.
pub fn load(conn: &mut Conn, text: &str, active_from: Day, loaded_by: &str, now: Moment) -> Result<SchemeVersion> {
    let findings = validator::validate(text);
    if !findings.is_empty() {
        return Err(not_adopted(&findings));
    }
    let version = add(conn, text, active_from, loaded_by, now)?;
    let subject = format!("scheme:{}", version.id);
    let detail = format!("{} v{}", version.code, version.version);
    audit::record(
        conn,
        &[audit::Event::new(loaded_by, "scheme.loaded", subject, detail, now)],
    )?;
    Ok(version)
}

/// What the validator found, as an answer to whoever wanted to adopt it.
pub(super) fn not_adopted(findings: &[Finding]) -> Error {
    let told = findings.iter().map(|finding| FieldError {
        field: "scheme",
        message: finding.to_string(),
    });
    Error::Invalid(told.collect())
}

/// Adds a version that has been looked at.
pub(super) fn add(
    conn: &mut Conn,
    text: &str,
    active_from: Day,
    loaded_by: &str,
    now: Moment,
) -> Result<SchemeVersion> {
    let text = text.trim_start_matches('\u{feff}');
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
    Ok(version)
}

/// The file of a version, as it was loaded; without a number, of the version in force.
///
/// # Errors
/// `NotFound`.
pub fn export(conn: &mut Conn, number: Option<i64>, today: Day) -> Result<String> {
    let id = match number {
        None => in_force(conn, today)?.id,
        Some(number) => numbered(conn, number)?.id,
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

/// A version by its number; the newest where several schemes have one of this number.
///
/// # Errors
/// `NotFound`.
pub fn numbered(conn: &mut Conn, number: i64) -> Result<SchemeVersion> {
    scheme_versions::table
        .filter(scheme_versions::version.eq(number))
        .order(scheme_versions::id.desc())
        .select(SchemeVersion::as_select())
        .first(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// A version by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<SchemeVersion>) -> Result<SchemeVersion> {
    scheme_versions::table
        .find(id)
        .select(SchemeVersion::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Every version, the newest first.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn) -> Result<Vec<SchemeVersion>> {
    Ok(scheme_versions::table
        .order((scheme_versions::active_from.desc(), scheme_versions::version.desc()))
        .select(SchemeVersion::as_select())
        .load(conn)?)
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

/// The rows of a file that the validator has found nothing in.
fn rules(version: &Id<SchemeVersion>, file: &File, now: Moment) -> Result<(Vec<Category>, Vec<Item>)> {
    let categories = file.categories.iter().map(|category| Category {
        scheme_version_id: version.clone(),
        code: category.code.clone(),
        name: category.name_zh.clone(),
        title: category.title_zh.clone(),
        redeemable: category.redeemable,
    });
    let items = file.items.iter().map(|row| {
        let word = |word: &str| Error::invalid("items", format!("项目{}的“{word}”读不懂。", row.code));
        Ok(Item {
            id: Id::new(now),
            scheme_version_id: version.clone(),
            code: row.code.clone(),
            category_code: row.category.clone(),
            name: row.name_zh.clone(),
            points: Points(row.points),
            per: row.per.clone(),
            cap: Points(row.cap),
            cap_period: CapPeriod::from_word(&row.cap_period).ok_or_else(|| word(&row.cap_period))?,
            evidence: row.evidence.clone(),
            nominator: row.nominator.clone(),
            check_level: CheckLevel::from_word(&row.check_level).ok_or_else(|| word(&row.check_level))?,
            given_for: row.given_for.as_deref().and_then(Occasion::from_word),
        })
    });
    Ok((categories.collect(), items.collect::<Result<Vec<Item>>>()?))
}
