//! Home visits: three judges mark homes on one sheet; the median counts (`domain.md` C6, found as P15).
//!
//! ```text
//! open → closed | discarded
//! ```
//!
//! A sheet is filled in on three phones at once, or keyed from the signed paper. A mark far from the others needs a reason.
//! Who is not at home or would rather not is not marked, and that harms nobody. A judge never marks the own home or that of
//! declared kin. Closing makes nominations, which somebody else verifies and the council decides like any other; until then
//! marks can be put right, after that not.

pub mod closing;
pub mod writing;

use std::collections::{HashMap, HashSet};
use std::fmt;

use diesel::prelude::*;

use super::member;
use super::nomination::Nomination;
use crate::access::user::{self, User};
use crate::audit;
use crate::clock::{Day, Moment, day_of, days_after};
use crate::db::schema::{visit_judges, visit_marks, visit_rows, visit_sheets};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::places::area::Area;
use crate::places::household::{self, Household};
use crate::request::{Request, Requests};
use crate::scheme::terms::{self, HomeVisit};
use crate::scheme::version::{self, SchemeVersion};

/// A sheet.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = visit_sheets, treat_none_as_null = true)]
pub struct VisitSheet {
    /// Its id.
    pub id: Id<VisitSheet>,
    /// Six digits on the paper.
    pub code: String,
    /// The building that is visited.
    pub building_id: Id<Area>,
    /// On which day.
    pub visited_on: Day,
    /// The version whose terms count.
    pub scheme_version_id: Id<SchemeVersion>,
    /// Where it stands.
    pub state: State,
    /// Who made it.
    pub made_by: Id<User>,
    /// When.
    pub made_at: Moment,
    /// Who closed or discarded it.
    pub closed_by: Option<Id<User>>,
    /// When.
    pub closed_at: Option<Moment>,
}

text_enum! {
    /// Where a sheet stands.
    pub enum State {
        /// Marks are written and put right.
        Open = "open", "评分中";
        /// Nothing changes any more; nominations are made.
        Closed = "closed", "已结束";
        /// Made by mistake.
        Discarded = "discarded", "已作废";
    }
}

text_enum! {
    /// What the judges met.
    pub enum Entry {
        /// Somebody let them in.
        AtHome = "at_home", "在家";
        /// Nobody was there: no mark, no harm.
        Absent = "absent", "不在家";
        /// They would rather not: no mark, no harm.
        Declined = "declined", "谢绝入户";
    }
}

text_enum! {
    /// What closing made of a row.
    pub enum Outcome {
        /// The median earns an item, and the household was nominated for it.
        Nominated = "nominated", "已申报";
        /// The median earns nothing.
        BelowAll = "below_all", "未达标，不计分";
        /// Nobody was at home, or they would rather not.
        NotVisited = "not_visited", "未入户，不计分";
        /// Two judges stepped back: one mark is no median.
        TooFewJudges = "too_few_judges", "评委回避，不计分";
        /// The household has an item of home visits in this month already.
        AlreadyThisMonth = "already_this_month", "本月已评过";
        /// Nominating was refused: a cap is reached.
        Refused = "refused", "不能申报";
    }
}

/// One of three judges.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = visit_judges, treat_none_as_default_value = false)]
pub struct Judge {
    /// The sheet.
    pub sheet_id: Id<VisitSheet>,
    /// 1, 2 or 3: the column.
    pub position: i64,
    /// What people read.
    pub name: String,
    /// The account, for a judge with a phone.
    pub user_id: Option<Id<User>>,
    /// Where the judge lives.
    pub household_id: Option<Id<Household>>,
}

/// A home on a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = visit_rows, primary_key(sheet_id, position), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
pub struct VisitRow {
    /// The sheet.
    pub sheet_id: Id<VisitSheet>,
    /// The row's code on the paper.
    pub position: i64,
    /// Whose home.
    pub household_id: Id<Household>,
    /// What the judges met.
    pub entry: Entry,
    /// What closing made of it.
    pub outcome: Option<Outcome>,
    /// More about that.
    pub outcome_note: Option<String>,
    /// The nomination that closing made.
    pub nomination_id: Option<Id<Nomination>>,
}

/// A judge's mark for a home.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = visit_marks, treat_none_as_default_value = false)]
pub struct Mark {
    /// The sheet.
    pub sheet_id: Id<VisitSheet>,
    /// The row.
    pub row_position: i64,
    /// The column.
    pub judge_position: i64,
    /// The mark.
    pub mark: i64,
    /// Why it is far from the others.
    pub reason: Option<String>,
    /// The judge, or who keyed the paper.
    pub marked_by: Id<User>,
    /// When.
    pub marked_at: Moment,
}

/// How many judges a sheet has.
pub const JUDGES: usize = 3;
/// From how many marks on there is a median.
const FEWEST_MARKS: usize = 2;
/// The most homes of one sheet.
const MOST_ROWS: usize = 300;
/// How far a visit may be planned ahead, or keyed in later, in days.
const PLANNED_DAYS: u64 = 31;

/// Why something cannot be done with a sheet.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is closed or discarded.
    NotOpen(State),
    /// The judge lives there, or is kin.
    StepsBack {
        /// Who.
        judge: String,
        /// Why.
        why: String,
    },
    /// The judge wrote this mark on the own phone.
    MarkedByJudge(String),
    /// The row has marks, so somebody was at home.
    HasMarks,
    /// The day of the visit has not come.
    NotYet(Day),
    /// Rows without all marks.
    Unfinished(Vec<i64>),
    /// Rows with a mark far from the others and no reason.
    ReasonsMissing(Vec<i64>),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |rows: &[i64]| {
            rows.iter()
                .map(|row| format!("{row:02}"))
                .collect::<Vec<_>>()
                .join("、")
        };
        match self {
            Refused::NotOpen(state) => write!(formatter, "这张评分表{}，不能再改。", state.label()),
            Refused::StepsBack { judge, why } => write!(formatter, "{judge}要回避这一户（{why}），不能打分。"),
            Refused::MarkedByJudge(judge) => {
                write!(formatter, "{judge}已在自己的手机上打过分，要改请本人改。")
            }
            Refused::HasMarks => formatter.write_str("这一户已有评分。要改成没有入户，请先清空评分。"),
            Refused::NotYet(day) => {
                write!(
                    formatter,
                    "入户日期是{}，当天以后才能结束。",
                    crate::clock::spoken_day(*day)
                )
            }
            Refused::Unfinished(list) => write!(
                formatter,
                "还有没打完分的：第{}行。没有人在家的，请选“不在家”或“谢绝入户”。",
                rows(list)
            ),
            Refused::ReasonsMissing(list) => {
                write!(formatter, "第{}行有评分与中位数相差太大，请评委写明理由。", rows(list))
            }
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NotOpen(_) => "sheet_not_open",
            Refused::StepsBack { .. } => "judge_steps_back",
            Refused::MarkedByJudge(_) => "marked_by_judge",
            Refused::HasMarks => "row_has_marks",
            Refused::NotYet(_) => "not_yet_due",
            Refused::Unfinished(_) => "sheet_unfinished",
            Refused::ReasonsMissing(_) => "reasons_missing",
        }
    }
}

/// A judge to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewJudge {
    /// What people read; for an account its display name.
    pub name: String,
    /// The account.
    pub user: Option<Id<User>>,
    /// Where the judge lives; for an account what it says.
    pub household: Option<Id<Household>>,
}

/// Asks for a sheet.
#[derive(Clone, Debug)]
pub struct Make {
    /// The building.
    pub building: Id<Area>,
    /// On which day.
    pub visited_on: Day,
    /// Which homes.
    pub households: Vec<Id<Household>>,
    /// The three judges.
    pub judges: Vec<NewJudge>,
    /// Who makes it.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Makes a sheet; the same request again answers the first one.
///
/// # Errors
/// `Invalid` fields; `idempotency_conflict`.
pub fn make(conn: &mut Conn, asked: &Make, now: Moment) -> Result<VisitSheet> {
    let homes: Vec<&str> = asked.households.iter().map(Id::as_str).collect();
    let judges: Vec<_> = asked
        .judges
        .iter()
        .map(|judge| (&judge.name, judge.user.as_ref().map(Id::as_str)))
        .collect();
    let content = (asked.building.as_str(), asked.visited_on, homes, judges);
    let request = Request::new(&asked.key, asked.by.as_str(), "visit.make", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let today = day_of(now);
    if asked.visited_on > days_after(today, PLANNED_DAYS) || days_after(asked.visited_on, PLANNED_DAYS) < today {
        return Err(Error::invalid(
            "visited_on",
            format!("入户日期应在今天前后{PLANNED_DAYS}天以内。"),
        ));
    }
    let version = version::in_force(conn, asked.visited_on)
        .map_err(|_| Error::invalid("visited_on", "那一天没有生效的积分方案。"))?;
    if terms::of(conn, &version.id)?.home_visit.is_none() {
        return Err(Error::invalid(
            "visited_on",
            "那一天施行的方案没有入户评比，不能开评分表。",
        ));
    }
    let homes = homes_of(conn, asked)?;
    let id = Id::new(now);
    let sheet = VisitSheet {
        code: fresh_code(conn, &id, now)?,
        id,
        building_id: asked.building.clone(),
        visited_on: asked.visited_on,
        scheme_version_id: version.id,
        state: State::Open,
        made_by: asked.by.clone(),
        made_at: now,
        closed_by: None,
        closed_at: None,
    };
    let judges = judges_of(conn, &sheet, &asked.judges)?;
    diesel::insert_into(visit_sheets::table).values(&sheet).execute(conn)?;
    insert_rows!(conn, visit_judges::table, &judges);
    let rows: Vec<VisitRow> = (1..)
        .zip(homes)
        .map(|(position, home)| VisitRow {
            sheet_id: sheet.id.clone(),
            position,
            household_id: home.id,
            entry: Entry::AtHome,
            outcome: None,
            outcome_note: None,
            nomination_id: None,
        })
        .collect();
    insert_rows!(conn, visit_rows::table, &rows);
    requests.carried_out(&request, sheet.id.as_str(), now);
    requests.save(conn)?;
    record(
        conn,
        &sheet,
        &asked.by,
        "visit.made",
        format!("{} homes", rows.len()),
        now,
    )?;
    Ok(sheet)
}

/// The homes in the order of their codes, each once, all in the building.
fn homes_of(conn: &mut Conn, asked: &Make) -> Result<Vec<Household>> {
    let wanted: HashSet<&Id<Household>> = asked.households.iter().collect();
    let wanted: Vec<Id<Household>> = wanted.into_iter().cloned().collect();
    if !(1..=MOST_ROWS).contains(&wanted.len()) {
        return Err(Error::invalid(
            "household",
            format!("请选要走访的住户，1至{MOST_ROWS}户。"),
        ));
    }
    let mut homes = household::by_ids(conn, &wanted)?;
    if homes.len() != wanted.len() || homes.iter().any(|home| home.building_id != asked.building) {
        return Err(Error::invalid("household", "有的住户不在这栋楼，请重新选择。"));
    }
    homes.sort_by(|one, other| one.code.cmp(&other.code));
    Ok(homes)
}

fn judges_of(conn: &mut Conn, sheet: &VisitSheet, asked: &[NewJudge]) -> Result<Vec<Judge>> {
    if asked.len() != JUDGES {
        return Err(Error::invalid("judge", "评委应为三人。"));
    }
    let mut judges: Vec<Judge> = Vec::with_capacity(JUDGES);
    for (position, new) in (1..).zip(asked) {
        let account = match &new.user {
            Some(id) => Some(user::by_id(conn, id)?),
            None => None,
        };
        let name = match &account {
            Some(user) => user.display_name.clone(),
            None => new.name.trim().to_owned(),
        };
        if name.is_empty() || name.chars().count() > 40 {
            return Err(Error::invalid("judge", "请填写三位评委，每位1至40个字。"));
        }
        if judges.iter().any(|judge| judge.name == name) {
            return Err(Error::invalid("judge", "三位评委应是三个人，请不要重复。"));
        }
        judges.push(Judge {
            sheet_id: sheet.id.clone(),
            position,
            name,
            household_id: match account {
                Some(user) => user.household_id.or_else(|| new.household.clone()),
                None => new.household.clone(),
            },
            user_id: new.user.clone(),
        });
    }
    Ok(judges)
}

/// Six digits that say nothing, taken from the random end of the id.
fn fresh_code(conn: &mut Conn, id: &Id<VisitSheet>, now: Moment) -> Result<String> {
    let mut from = id.clone();
    loop {
        let end: String = from
            .as_str()
            .chars()
            .rev()
            .filter(char::is_ascii_hexdigit)
            .take(12)
            .collect();
        let number = u64::from_str_radix(&end, 16).unwrap_or(0) % 900_000;
        let code = number.saturating_add(100_000).to_string();
        let taken = visit_sheets::table
            .filter(visit_sheets::code.eq(&code))
            .count()
            .get_result::<i64>(conn)?;
        if taken == 0 {
            return Ok(code);
        }
        from = Id::new(now);
    }
}

/// A sheet with everything on it.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The sheet.
    pub sheet: VisitSheet,
    /// Full marks, the distance, and what a median earns.
    pub terms: HomeVisit,
    /// The three judges.
    pub judges: Vec<Judge>,
    /// The homes with their marks.
    pub homes: Vec<Home>,
}

/// A row with its marks.
#[derive(Clone, Debug)]
pub struct Home {
    /// The row.
    pub row: VisitRow,
    /// Whose home it is.
    pub household: Household,
    /// A cell for each judge, in their order.
    pub cells: Vec<Cell>,
}

/// What a judge has to do with a home.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// The mark, if there is one.
    pub mark: Option<Mark>,
    /// Why the judge steps back; `None` when not.
    pub steps_back: Option<String>,
}

impl Home {
    /// Marks of judges who do not step back.
    fn marks(&self) -> Vec<i64> {
        let cells = self.cells.iter().filter(|cell| cell.steps_back.is_none());
        cells
            .filter_map(|cell| cell.mark.as_ref().map(|mark| mark.mark))
            .collect()
    }

    /// How many judges mark this home.
    fn judges(&self) -> usize {
        self.cells.iter().filter(|cell| cell.steps_back.is_none()).count()
    }

    /// Are there too few judges left for a median?
    #[must_use]
    pub fn has_too_few_judges(&self) -> bool {
        self.judges() < FEWEST_MARKS
    }

    /// Has every judge marked who may?
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.row.entry != Entry::AtHome || self.has_too_few_judges() || self.marks().len() == self.judges()
    }

    /// The median of a complete row; of two marks the middle, rounded up for the household.
    #[must_use]
    pub fn median(&self) -> Option<i64> {
        match self.row.entry == Entry::AtHome && self.is_complete() {
            true => median(&self.marks()),
            false => None,
        }
    }

    /// Is this judge's mark far from the median?
    #[must_use]
    pub fn is_outlier(&self, mark: i64, terms: &HomeVisit) -> bool {
        self.median()
            .is_some_and(|median| mark.saturating_sub(median).saturating_abs() > terms.outlier_distance)
    }

    /// A mark far from the others, without a reason.
    #[must_use]
    pub fn misses_reason(&self, terms: &HomeVisit) -> bool {
        let marks = self.cells.iter().filter_map(|cell| cell.mark.as_ref());
        marks
            .filter(|mark| self.is_outlier(mark.mark, terms))
            .any(|mark| mark.reason.is_none())
    }
}

/// The middle of the marks; `None` of fewer than two.
fn median(marks: &[i64]) -> Option<i64> {
    let mut sorted = marks.to_vec();
    sorted.sort_unstable();
    if sorted.len() < FEWEST_MARKS {
        return None;
    }
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get((sorted.len() / 2).checked_sub(1)?)?;
    Some(lower.saturating_add(upper).saturating_add(1).div_euclid(2))
}

/// Loads a sheet with everything on it.
///
/// # Errors
/// `NotFound`.
pub fn load(conn: &mut Conn, id: &Id<VisitSheet>) -> Result<Visit> {
    let sheet = by_id(conn, id)?;
    let terms = terms::of(conn, &sheet.scheme_version_id)?;
    let terms = terms
        .home_visit
        .ok_or_else(|| Error::internal("a visit sheet under rules without home visits"))?;
    let judges = visit_judges::table
        .filter(visit_judges::sheet_id.eq(id))
        .order(visit_judges::position)
        .select(Judge::as_select())
        .load(conn)?;
    let rows = visit_rows::table
        .filter(visit_rows::sheet_id.eq(id))
        .order(visit_rows::position)
        .select(VisitRow::as_select())
        .load(conn)?;
    let mut marks: HashMap<(i64, i64), Mark> = visit_marks::table
        .filter(visit_marks::sheet_id.eq(id))
        .select(Mark::as_select())
        .load(conn)?
        .into_iter()
        .map(|mark| ((mark.row_position, mark.judge_position), mark))
        .collect();
    let ids: Vec<Id<Household>> = rows.iter().map(|row| row.household_id.clone()).collect();
    let households: HashMap<Id<Household>, Household> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|household| (household.id.clone(), household))
        .collect();
    let kin = kin_of(conn, &judges)?;
    let mut homes = Vec::with_capacity(rows.len());
    for row in rows {
        let household = households.get(&row.household_id).ok_or(Error::NotFound)?.clone();
        let cells = judges.iter().map(|judge| Cell {
            mark: marks.remove(&(row.position, judge.position)),
            steps_back: match judge.household_id.as_ref() == Some(&household.id) {
                true => Some("本户".to_owned()),
                false => kin.get(&(judge.position, household.id.clone())).cloned(),
            },
        });
        homes.push(Home {
            cells: cells.collect(),
            row,
            household,
        });
    }
    Ok(Visit {
        sheet,
        terms,
        judges,
        homes,
    })
}

/// The kin that judges declared as members of a council: judge, household, what kin.
fn kin_of(conn: &mut Conn, judges: &[Judge]) -> Result<HashMap<(i64, Id<Household>), String>> {
    let members = member::all(conn)?;
    let mut kin = HashMap::new();
    for judge in judges {
        let seats: Vec<_> = members
            .iter()
            .filter(|member| match (&member.user_id, &judge.user_id) {
                (Some(seat), Some(judge)) => seat == judge,
                (None, None) => member.name == judge.name && member.household_id == judge.household_id,
                _ => false,
            })
            .cloned()
            .collect();
        for one in member::kin(conn, &seats)? {
            kin.insert((judge.position, one.household), format!("亲属，{}", one.relation));
        }
    }
    Ok(kin)
}

/// Takes back a sheet that was made by mistake: one without marks.
///
/// # Errors
/// [`Refused::NotOpen`], [`Refused::HasMarks`]; `NotFound`.
pub fn discard(conn: &mut Conn, id: &Id<VisitSheet>, by: &Id<User>, now: Moment) -> Result<VisitSheet> {
    let mut sheet = by_id(conn, id)?;
    if sheet.state == State::Discarded {
        return Ok(sheet);
    }
    expect_open(&sheet)?;
    let marks = visit_marks::table
        .filter(visit_marks::sheet_id.eq(id))
        .count()
        .get_result::<i64>(conn)?;
    if marks > 0 {
        return Err(Refused::HasMarks.into());
    }
    sheet.state = State::Discarded;
    sheet.closed_by = Some(by.clone());
    sheet.closed_at = Some(now);
    save(conn, &sheet)?;
    record(conn, &sheet, by, "visit.discarded", String::new(), now)?;
    Ok(sheet)
}

fn expect_open(sheet: &VisitSheet) -> Result<()> {
    match sheet.state {
        State::Open => Ok(()),
        state => Err(Refused::NotOpen(state).into()),
    }
}

fn save(conn: &mut Conn, sheet: &VisitSheet) -> Result<()> {
    diesel::update(visit_sheets::table.find(&sheet.id))
        .set(sheet)
        .execute(conn)?;
    Ok(())
}

fn record(conn: &mut Conn, sheet: &VisitSheet, by: &Id<User>, act: &str, detail: String, now: Moment) -> Result<()> {
    let subject = format!("visit:{}", sheet.id);
    audit::record(conn, &[audit::Event::new(by.as_str(), act, subject, detail, now)])
}

/// A sheet by the six digits on the paper.
///
/// # Errors
/// `NotFound`.
pub fn by_code(conn: &mut Conn, code: &str) -> Result<VisitSheet> {
    visit_sheets::table
        .filter(visit_sheets::code.eq(code))
        .select(VisitSheet::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// A sheet by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<VisitSheet>) -> Result<VisitSheet> {
    visit_sheets::table
        .find(id)
        .select(VisitSheet::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Sheets of these buildings (`None` for all) that were not discarded, the last visit first, at most `limit`.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, buildings: Option<Vec<Id<Area>>>, limit: i64) -> Result<Vec<VisitSheet>> {
    let mut query = visit_sheets::table
        .filter(visit_sheets::state.ne(State::Discarded))
        .select(VisitSheet::as_select())
        .into_boxed();
    if let Some(buildings) = buildings {
        query = query.filter(visit_sheets::building_id.eq_any(buildings));
    }
    Ok(query
        .order((visit_sheets::visited_on.desc(), visit_sheets::id.desc()))
        .limit(limit)
        .load(conn)?)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_and_favours_the_household_between_two() {
        assert_eq!(median(&[90, 60, 85]), Some(85));
        assert_eq!(median(&[84, 85]), Some(85));
        assert_eq!(median(&[70, 90]), Some(80));
        assert_eq!((median(&[90]), median(&[])), (None, None));
    }
}
