//! Titles (荣誉称号): what a community honours, and how many may have it.
//!
//! A title has a quota in each grid, each building or the whole programme, for each quarter or year: so many of a hundred
//! households, but one at least, or a fixed number. It is never changed: whoever holds it holds what was in force then. It is
//! retired, and another is defined. Its words are read as a rule's are (SG4). Who is eligible is a text that a person
//! confirms; no column says what a household is.

use std::collections::HashMap;

use diesel::prelude::*;

use super::refused::Refused;
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, Span, day_of, spoken_quarter};
use crate::db::schema::honour_titles;
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::AreaKind;
use crate::points::Points;
use crate::request::{Request, Requests};
use crate::scheme::item::{self, Category};
use crate::scheme::{terms, validator, version};

/// A title.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = honour_titles)]
pub struct HonourTitle {
    /// Its id.
    pub id: Id<HonourTitle>,
    /// `文明榜样户`.
    pub name: String,
    /// The evaluation that it belongs to, by its code; none for a community's own title.
    pub category_code: Option<String>,
    /// What it is given for, as it is read out.
    pub purpose: String,
    /// What a household must be for it, in words that the verifier confirms; may be empty.
    pub eligibility: String,
    /// Whose quota it is.
    pub quota_scope: Scope,
    quota_percent: Option<i64>,
    quota_count: Option<i64>,
    /// How often it is given.
    pub period: Period,
    /// Points that come with it; may be none.
    pub reward_points: Points,
    /// How long it is held, in months.
    pub term_months: i64,
    /// Does a plaque go with it?
    pub has_plaque: bool,
    /// When it was defined.
    pub defined_at: Moment,
    /// By whom.
    pub defined_by: Id<User>,
    /// When it was retired.
    pub retired_at: Option<Moment>,
    /// By whom.
    pub retired_by: Option<Id<User>>,
}

text_enum! {
    /// Whose quota a title has.
    pub enum Scope {
        /// Each grid has its own.
        Grid = "grid", "每个网格";
        /// Each building has its own.
        Building = "building", "每栋楼";
        /// One for all.
        Programme = "programme", "整个项目";
    }
}

text_enum! {
    /// How often a title is given.
    pub enum Period {
        /// Each quarter.
        Quarter = "quarter", "每季度";
        /// Each year.
        Year = "year", "每年";
    }
}

/// How many may have a title in a scope and period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// So many of a hundred households, rounded down, but one at least.
    Percent(i64),
    /// So many households.
    Count(i64),
}

impl Scope {
    /// The kind of area that it is; none for the whole programme.
    #[must_use]
    pub fn area_kind(self) -> Option<AreaKind> {
        match self {
            Scope::Grid => Some(AreaKind::Grid),
            Scope::Building => Some(AreaKind::Building),
            Scope::Programme => None,
        }
    }
}

impl Period {
    /// The quarter or year around a day.
    #[must_use]
    pub fn around(self, day: Day) -> Span {
        match self {
            Period::Quarter => Span::quarter_of(day),
            Period::Year => Span::year_of(day),
        }
    }

    /// The running one, and the one that has just ended.
    #[must_use]
    pub fn open_on(self, day: Day) -> [Span; 2] {
        let running = self.around(day);
        let before = running.from.pred_opt().unwrap_or(running.from);
        [running, self.around(before)]
    }

    /// `2026年第四季度`, `2026年`.
    #[must_use]
    pub fn in_words(self, from: Day) -> String {
        match self {
            Period::Year => from.format("%Y年").to_string(),
            Period::Quarter => spoken_quarter(from),
        }
    }
}

impl Quota {
    /// Places where so many households live.
    #[must_use]
    pub fn places(self, households: i64) -> i64 {
        match self {
            Quota::Percent(percent) => {
                let part = households.saturating_mul(percent);
                part.checked_div(100).unwrap_or(0).max(1)
            }
            Quota::Count(count) => count,
        }
    }
}

impl HonourTitle {
    /// Its quota.
    #[must_use]
    pub fn quota(&self) -> Quota {
        match (self.quota_percent, self.quota_count) {
            (Some(percent), _) => Quota::Percent(percent),
            (None, count) => Quota::Count(count.unwrap_or(1)),
        }
    }

    /// `每季度，每个网格不超过3%的户，至少1户`.
    #[must_use]
    pub fn quota_in_words(&self) -> String {
        let (period, scope) = (self.period.label(), self.quota_scope.label());
        match self.quota() {
            Quota::Percent(percent) => format!("{period}，{scope}不超过{percent}%的户，至少1户"),
            Quota::Count(count) => format!("{period}，{scope}{count}户"),
        }
    }
}

/// Asks to define a title.
#[derive(Clone, Debug)]
pub struct Define {
    /// What it is called.
    pub name: String,
    /// The evaluation that it belongs to, by its code.
    pub category_code: Option<String>,
    /// What it is given for.
    pub purpose: String,
    /// What a household must be for it; may be empty.
    pub eligibility: String,
    /// Whose quota it is.
    pub scope: Scope,
    /// How many.
    pub quota: Quota,
    /// How often.
    pub period: Period,
    /// Points that come with it.
    pub reward_points: Points,
    /// How long it is held, in months.
    pub term_months: i64,
    /// Does a plaque go with it?
    pub has_plaque: bool,
    /// Who defines it.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

const NAME_LENGTH: usize = 16;
const TEXT_LENGTH: usize = 200;
/// The most points of a title, as the validator of the rules has it.
const MOST_POINTS: i64 = 200;
const MOST_MONTHS: i64 = 60;
const MOST_COUNT: i64 = 1_000;

/// Defines a title; the same request again answers the first.
///
/// # Errors
/// `Invalid` fields, also for words that no rule may look at; [`Refused::TitleExists`]; `idempotency_conflict`.
pub fn define(conn: &mut Conn, asked: &Define, now: Moment) -> Result<HonourTitle> {
    let quota = match asked.quota {
        Quota::Percent(percent) => (Some(percent), None),
        Quota::Count(count) => (None, Some(count)),
    };
    let content = (
        (&asked.name, &asked.category_code, &asked.purpose, &asked.eligibility),
        (asked.scope, quota, asked.period, asked.reward_points),
        (asked.term_months, asked.has_plaque),
    );
    let request = Request::new(&asked.key, asked.by.as_str(), "title.define", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    expect_sensible(asked)?;
    expect_category(conn, asked, day_of(now))?;
    let title = HonourTitle {
        id: Id::new(now),
        name: asked.name.trim().to_owned(),
        category_code: asked.category_code.clone(),
        purpose: asked.purpose.trim().to_owned(),
        eligibility: asked.eligibility.trim().to_owned(),
        quota_scope: asked.scope,
        quota_percent: quota.0,
        quota_count: quota.1,
        period: asked.period,
        reward_points: asked.reward_points,
        term_months: asked.term_months,
        has_plaque: asked.has_plaque,
        defined_at: now,
        defined_by: asked.by.clone(),
        retired_at: None,
        retired_by: None,
    };
    if standing(conn)?.iter().any(|other| other.name == title.name) {
        return Err(Refused::TitleExists.into());
    }
    diesel::insert_into(honour_titles::table).values(&title).execute(conn)?;
    requests.carried_out(&request, title.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &title, &asked.by, "title.defined", now)?;
    Ok(title)
}

fn expect_sensible(asked: &Define) -> Result<()> {
    let length = |text: &str| text.trim().chars().count();
    if !(1..=NAME_LENGTH).contains(&length(&asked.name)) {
        return Err(Error::invalid(
            "name",
            format!("请填写称号名称，{NAME_LENGTH}个字以内。"),
        ));
    }
    if !(1..=TEXT_LENGTH).contains(&length(&asked.purpose)) {
        let sentence = format!("请写明这个称号评什么，{TEXT_LENGTH}个字以内。");
        return Err(Error::invalid("purpose", sentence));
    }
    if length(&asked.eligibility) > TEXT_LENGTH {
        return Err(Error::invalid(
            "eligibility",
            format!("条件请写在{TEXT_LENGTH}个字以内。"),
        ));
    }
    let quota = match asked.quota {
        Quota::Percent(percent) => (1..=100).contains(&percent),
        Quota::Count(count) => (1..=MOST_COUNT).contains(&count),
    };
    if !quota {
        return Err(Error::invalid("quota", "名额应为1至100的百分比，或1至1000的户数。"));
    }
    if !(0..=MOST_POINTS).contains(&asked.reward_points.0) {
        return Err(Error::invalid(
            "reward_points",
            format!("奖励积分应为0至{MOST_POINTS}。"),
        ));
    }
    if !(1..=MOST_MONTHS).contains(&asked.term_months) {
        return Err(Error::invalid(
            "term_months",
            format!("有效期应为1至{MOST_MONTHS}个月。"),
        ));
    }
    let row = serde_json::json!({
        "title": asked.name, "purpose": asked.purpose, "eligibility": asked.eligibility,
    });
    match validator::of_title(&row).first() {
        Some(finding) => Err(Error::invalid("purpose", finding.to_string())),
        None => Ok(()),
    }
}

/// A title of an evaluation whose points cannot be spent brings none.
fn expect_category(conn: &mut Conn, asked: &Define, today: Day) -> Result<()> {
    let Some(code) = &asked.category_code else {
        return Ok(());
    };
    let categories = categories(conn, today)?;
    let Some(category) = categories.iter().find(|category| category.code == *code) else {
        return Err(Error::invalid("category", "现行办法里没有这个评价类别。"));
    };
    match category.redeemable || asked.reward_points == Points::ZERO {
        true => Ok(()),
        false => Err(Error::invalid(
            "reward_points",
            "这一类评价的积分不可兑换，称号的奖励积分应为0。",
        )),
    }
}

/// The evaluations of the rules in force; none while no rules are.
///
/// # Errors
/// Only when the database fails.
pub fn categories(conn: &mut Conn, today: Day) -> Result<Vec<Category>> {
    match version::in_force(conn, today) {
        Ok(version) => Ok(item::of_version(conn, &version.id)?.0),
        Err(Error::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Titles of the rules in force that nobody has entered yet.
///
/// # Errors
/// Only when the database fails.
pub fn in_the_rules(conn: &mut Conn, by: &Id<User>, now: Moment) -> Result<Vec<Define>> {
    let version = match version::in_force(conn, day_of(now)) {
        Ok(version) => version,
        Err(Error::NotFound) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let known = standing(conn)?;
    let mut found = Vec::new();
    for told in terms::titles(conn, &version.id)? {
        let quota = match (told.quota_percent, told.quota_count) {
            (Some(percent), _) => Some(Quota::Percent(percent)),
            (None, count) => count.map(Quota::Count),
        };
        let (scope, period) = (Scope::from_word(&told.quota_scope), Period::from_word(&told.period));
        let (Some(scope), Some(quota), Some(period)) = (scope, quota, period) else {
            continue;
        };
        if known.iter().any(|title| title.name == told.name) {
            continue;
        }
        found.push(Define {
            purpose: match told.purpose.is_empty() {
                true => told.name.clone(),
                false => told.purpose,
            },
            key: format!("title-{}-{}", version.id, found.len()),
            name: told.name,
            category_code: Some(told.category),
            eligibility: told.eligibility,
            scope,
            quota,
            period,
            reward_points: told.reward_points,
            term_months: told.term_months,
            has_plaque: told.plaque,
            by: by.clone(),
        });
    }
    Ok(found)
}

/// Enters the titles that the rules in force have. Answers how many; doing it again enters none.
///
/// # Errors
/// As [`define`].
pub fn enter_from_rules(conn: &mut Conn, by: &Id<User>, now: Moment) -> Result<usize> {
    let missing = in_the_rules(conn, by, now)?;
    for asked in &missing {
        // A title that was retired is entered anew: its first request is another one.
        let key = Id::<HonourTitle>::new(now).to_string();
        define(conn, &Define { key, ..asked.clone() }, now)?;
    }
    Ok(missing.len())
}

/// Retires a title: nobody is nominated for it any more, and whoever holds it keeps it to the end of the term.
///
/// # Errors
/// `NotFound`.
pub fn retire(conn: &mut Conn, id: &Id<HonourTitle>, by: &Id<User>, now: Moment) -> Result<()> {
    let title = by_id(conn, id)?;
    if title.retired_at.is_some() {
        return Ok(());
    }
    diesel::update(honour_titles::table.find(id))
        .set((
            honour_titles::retired_at.eq(Some(now)),
            honour_titles::retired_by.eq(Some(by)),
        ))
        .execute(conn)?;
    record(conn, &title, by, "title.retired", now)
}

/// A title by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<HonourTitle>) -> Result<HonourTitle> {
    honour_titles::table
        .find(id)
        .select(HonourTitle::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Every title, by its id: there are few.
///
/// # Errors
/// Only when the database fails.
pub fn every(conn: &mut Conn) -> Result<HashMap<Id<HonourTitle>, HonourTitle>> {
    let all = all(conn)?.into_iter();
    Ok(all.map(|title| (title.id.clone(), title)).collect())
}

/// Every title, in the order of the evaluations; a community's own ones last.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn) -> Result<Vec<HonourTitle>> {
    let mut all = honour_titles::table
        .order((honour_titles::defined_at, honour_titles::id))
        .select(HonourTitle::as_select())
        .load::<HonourTitle>(conn)?;
    all.sort_by_key(|title| (title.category_code.is_none(), title.category_code.clone()));
    Ok(all)
}

/// Titles that are given.
///
/// # Errors
/// Only when the database fails.
pub fn standing(conn: &mut Conn) -> Result<Vec<HonourTitle>> {
    let mut all = all(conn)?;
    all.retain(|title| title.retired_at.is_none());
    Ok(all)
}

fn record(conn: &mut Conn, title: &HonourTitle, by: &Id<User>, act: &str, now: Moment) -> Result<()> {
    let subject = format!("honour_title:{}", title.id);
    let event = audit::Event::new(by.as_str(), act, subject, title.name.clone(), now);
    audit::record(conn, &[event])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_rounded_down_but_gives_one_place() {
        assert_eq!(Quota::Percent(3).places(10), 1);
        assert_eq!(Quota::Percent(3).places(99), 2);
        assert_eq!(Quota::Percent(3).places(100), 3);
        assert_eq!(Quota::Percent(10).places(0), 1);
        assert_eq!(Quota::Count(2).places(1_000), 2);
    }

    #[test]
    fn a_period_is_open_while_it_runs_and_while_the_next_one_does() {
        let day: Day = "2026-11-21".parse().unwrap_or_default();
        let open = Period::Quarter
            .open_on(day)
            .map(|span| Period::Quarter.in_words(span.from));
        assert_eq!(open, ["2026年第四季度", "2026年第三季度"]);
        assert_eq!(Period::Year.in_words(Period::Year.open_on(day)[1].from), "2025年");
    }
}
