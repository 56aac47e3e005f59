//! Gatherings: one good deed that many households did together, nominated together.
//!
//! ```text
//! open → closed
//! ```
//!
//! Every household of the area has a row from the beginning, because its row code stands on the paper sheet. Households
//! sign in at the door with their card, are ticked off on the screen, or are keyed from the sheet afterwards. Closing makes
//! one nomination for each household that signed in; whoever closes it is the nominator. A household that cannot have the
//! points stays in the list with the reason. What happens to a nomination later is `nomination`'s.

use std::collections::{HashMap, HashSet};
use std::fmt;

use chrono::Days;
use diesel::prelude::*;
use serde::Serialize;

use super::nomination::{self, Nominate, Nomination, Nominator};
use crate::access::user::User;
use crate::audit;
use crate::cards::number::damm;
use crate::clock::{Day, Moment, day_of};
use crate::db::schema::{gathering_rows, gatherings};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household, Search};
use crate::request::{Request, Requests};
use crate::scheme::item::{self, Item};
use crate::scheme::version;

/// One good deed of many households.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = gatherings)]
pub struct Gathering {
    /// Its id.
    pub id: Id<Gathering>,
    /// 1, 2, 3 …, as it stands on the paper sheet.
    pub number: i64,
    /// Whose households may sign in.
    pub area_id: Id<Area>,
    /// What it was.
    pub name: String,
    /// Where.
    pub place: String,
    /// On which day.
    pub held_on: Day,
    /// The rule it is done under.
    pub scoring_item_id: Id<Item>,
    /// How many times, hours …
    pub count: i64,
    /// Who opened it.
    pub opened_by: Id<User>,
    /// When.
    pub opened_at: Moment,
    /// Who closed it and thereby nominated.
    pub closed_by: Option<Id<User>>,
    /// When.
    pub closed_at: Option<Moment>,
}

impl Gathering {
    /// Is it closed?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed_at.is_some()
    }

    /// The code of a row on the paper sheet: its number and a check digit over sheet and row, so that neither a slip of the
    /// pen nor the wrong sheet signs in another household.
    #[must_use]
    pub fn row_code(&self, row: i64) -> String {
        let check = damm(&self.digits(row)).unwrap_or_default();
        format!("{row}{check}")
    }

    /// The row that a code names on this sheet.
    #[must_use]
    pub fn row_of_code(&self, code: &str) -> Option<i64> {
        let plain = code.is_ascii() && code.bytes().all(|byte| byte.is_ascii_digit());
        let (row, check) = code.split_at_checked(code.len().checked_sub(1)?).filter(|_| plain)?;
        let row: i64 = row.parse().ok()?;
        (damm(&format!("{}{check}", self.digits(row))) == Some(0)).then_some(row)
    }

    fn digits(&self, row: i64) -> String {
        format!("{}{row:05}", self.number)
    }
}

/// A household's row.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = gathering_rows)]
pub struct Row {
    gathering_id: Id<Gathering>,
    /// Its number on the sheet.
    pub row_number: i64,
    /// The household.
    pub household_id: Id<Household>,
    /// When it signed in.
    pub signed_at: Option<Moment>,
    /// Who took it down.
    pub signed_by: Option<Id<User>>,
    /// How.
    pub manner: Option<Manner>,
    /// What closing made of it.
    pub nomination_id: Option<Id<Nomination>>,
    /// Or why it made nothing.
    pub refusal: Option<String>,
}

text_enum! {
    /// How a household signed in.
    pub enum Manner {
        /// The card was scanned or photographed at the door.
        Scanned = "scanned", "扫卡";
        /// The card's number was typed.
        Typed = "typed", "手输卡号";
        /// Ticked off on the screen.
        Ticked = "ticked", "点名";
        /// Keyed from the paper sheet.
        Paper = "paper", "纸质签到";
    }
}

/// Why something about a gathering is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is closed; nothing is added or taken away.
    Closed,
    /// Nobody signed in.
    Nobody,
    /// It is not yet the day.
    NotYet(Day),
    /// This household lives elsewhere.
    Elsewhere(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Closed => formatter.write_str("这次活动已经结束签到，不能再改。漏了谁，请单独申报。"),
            Refused::Nobody => formatter.write_str("还没有人签到，不能结束。请先签到，或者录入纸质签到表。"),
            Refused::NotYet(day) => write!(
                formatter,
                "活动是{}的，还没到那一天，不能结束签到。",
                crate::clock::spoken_day(*day)
            ),
            Refused::Elsewhere(place) => write!(formatter, "这户不在{place}，不能在这里签到，请单独申报。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::Closed => "already_closed",
            Refused::Nobody => "nobody_signed_in",
            Refused::NotYet(_) => "not_yet",
            Refused::Elsewhere(_) => "lives_elsewhere",
        }
    }
}

/// How long ahead a gathering may be opened, so that its sheet can be printed in time.
const AHEAD_DAYS: u64 = 60;
/// As for any nomination: a quarter's paper can still be keyed in.
const BACK_DAYS: u64 = 92;
/// Rows of a sheet at most.
const MOST_ROWS: i64 = 5_000;

/// Opens a gathering.
#[derive(Clone, Debug)]
pub struct Open {
    /// Whose households may sign in.
    pub area: Id<Area>,
    /// What it is.
    pub name: String,
    /// Where.
    pub place: String,
    /// On which day.
    pub held_on: Day,
    /// The item's code in the rules in force.
    pub item: String,
    /// How many times, hours …
    pub count: i64,
    /// Who opens it.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Opens a gathering, with a row for each household of the area in the order of the doors.
///
/// # Errors
/// `Invalid` fields; `NotFound` for an area that is not there; `idempotency_conflict`.
pub fn open(conn: &mut Conn, asked: &Open, now: Moment) -> Result<Gathering> {
    #[derive(Serialize)]
    struct Content<'a>(&'a str, &'a str, &'a str, Day, &'a str, i64);
    let content = Content(
        asked.area.as_str(),
        &asked.name,
        &asked.place,
        asked.held_on,
        &asked.item,
        asked.count,
    );
    let request = Request::new(&asked.key, asked.by.as_str(), "gathering.open", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    expect_sensible(asked, day_of(now))?;
    let version = version::in_force(conn, asked.held_on)
        .map_err(|_| Error::invalid("held_on", "活动那一天没有生效的积分方案。"))?;
    let item = item::by_code(conn, &version.id, &asked.item)?;
    if item.points.times(asked.count).is_none_or(|points| points > item.cap) {
        return Err(Error::invalid("count", format!("次数太多：{}。", item.rule_text())));
    }
    let last = gatherings::table
        .select(diesel::dsl::max(gatherings::number))
        .get_result::<Option<i64>>(conn)?;
    let gathering = Gathering {
        id: Id::new(now),
        number: last.unwrap_or(0).saturating_add(1),
        area_id: asked.area.clone(),
        name: asked.name.trim().to_owned(),
        place: asked.place.trim().to_owned(),
        held_on: asked.held_on,
        scoring_item_id: item.id,
        count: asked.count,
        opened_by: asked.by.clone(),
        opened_at: now,
        closed_by: None,
        closed_at: None,
    };
    diesel::insert_into(gatherings::table)
        .values(&gathering)
        .execute(conn)?;
    let households = households_of(conn, &asked.area)?;
    if households.is_empty() {
        return Err(Error::invalid("area", "这个范围里还没有住户，请另选一个。"));
    }
    let rows: Vec<Row> = (1i64..)
        .zip(households)
        .map(|(number, household)| Row::of(&gathering, number, household.id))
        .collect();
    insert_rows!(conn, gathering_rows::table, &rows);
    requests.carried_out(&request, gathering.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &gathering, &asked.by, "gathering.opened", item.code, now)?;
    Ok(gathering)
}

impl Row {
    fn of(gathering: &Gathering, row_number: i64, household_id: Id<Household>) -> Row {
        Row {
            gathering_id: gathering.id.clone(),
            row_number,
            household_id,
            signed_at: None,
            signed_by: None,
            manner: None,
            nomination_id: None,
            refusal: None,
        }
    }
}

fn expect_sensible(asked: &Open, today: Day) -> Result<()> {
    if !(1..=40).contains(&asked.name.trim().chars().count()) {
        return Err(Error::invalid("name", "请写是什么活动，1至40个字，例如：清扫楼道。"));
    }
    if !(1..=40).contains(&asked.place.trim().chars().count()) {
        return Err(Error::invalid("place", "请写在哪里，1至40个字，例如：3号楼前。"));
    }
    if !(1..=100).contains(&asked.count) {
        return Err(Error::invalid("count", "次数应为1至100。"));
    }
    let (from, until) = (
        today.checked_sub_days(Days::new(BACK_DAYS)).unwrap_or(today),
        today.checked_add_days(Days::new(AHEAD_DAYS)).unwrap_or(today),
    );
    if asked.held_on < from || asked.held_on > until {
        return Err(Error::invalid(
            "held_on",
            format!("活动日期应在{BACK_DAYS}天前到{AHEAD_DAYS}天后之间。"),
        ));
    }
    Ok(())
}

/// The households of an area in the order in which one walks past their doors.
fn households_of(conn: &mut Conn, area: &Id<Area>) -> Result<Vec<Household>> {
    let tree = Tree::load(conn)?;
    let area = tree.get(area).ok_or(Error::NotFound)?;
    let buildings: Vec<Id<Area>> = tree
        .all()
        .iter()
        .filter(|other| other.path.starts_with(&area.path))
        .map(|other| other.id.clone())
        .collect();
    let place: HashMap<Id<Area>, usize> = buildings.iter().cloned().zip(0..).collect();
    let search = Search {
        buildings: Some(buildings),
        limit: MOST_ROWS,
        ..Search::default()
    };
    let mut households = household::search(conn, &search)?;
    households.sort_by_cached_key(|one| {
        let door = |text: &str| (text.parse::<u64>().unwrap_or(u64::MAX), text.to_owned());
        let stairwell = door(one.stairwell.as_deref().unwrap_or_default());
        (place.get(&one.building_id).copied(), stairwell, door(&one.room))
    });
    Ok(households)
}

/// A household that was signed in just now, or was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Its row.
    pub row: Row,
    /// Had it signed in already?
    pub before: bool,
}

/// Signs a household in. Doing it again changes nothing and says so.
///
/// # Errors
/// [`Refused::Closed`]; [`Refused::Elsewhere`] for a household of another area.
pub fn sign_in(
    conn: &mut Conn,
    gathering: &Gathering,
    household: &Household,
    manner: Manner,
    by: &Id<User>,
    now: Moment,
) -> Result<SignedIn> {
    let row = match row_of(conn, gathering, &household.id)? {
        Some(row) => row,
        None => add_row(conn, gathering, household)?,
    };
    if row.signed_at.is_some() {
        return Ok(SignedIn { row, before: true });
    }
    expect_open(gathering)?;
    let row = Row {
        signed_at: Some(now),
        signed_by: Some(by.clone()),
        manner: Some(manner),
        ..row
    };
    save(conn, &row)?;
    Ok(SignedIn { row, before: false })
}

/// A household that moved in after the gathering was opened gets the next row.
fn add_row(conn: &mut Conn, gathering: &Gathering, household: &Household) -> Result<Row> {
    expect_open(gathering)?;
    let tree = Tree::load(conn)?;
    let path = |id: &Id<Area>| tree.get(id).map(|area| area.path.clone()).unwrap_or_default();
    if !path(&household.building_id).starts_with(&path(&gathering.area_id)) {
        return Err(Refused::Elsewhere(tree.address(&gathering.area_id)).into());
    }
    let last = gathering_rows::table
        .filter(gathering_rows::gathering_id.eq(&gathering.id))
        .select(diesel::dsl::max(gathering_rows::row_number))
        .get_result::<Option<i64>>(conn)?;
    let row = Row::of(gathering, last.unwrap_or(0).saturating_add(1), household.id.clone());
    diesel::insert_into(gathering_rows::table).values(&row).execute(conn)?;
    Ok(row)
}

/// Takes a household off the list again, for a tap that went wrong.
///
/// # Errors
/// [`Refused::Closed`]; `NotFound`.
pub fn strike(conn: &mut Conn, gathering: &Gathering, row: i64, by: &Id<User>, now: Moment) -> Result<Row> {
    expect_open(gathering)?;
    let row = row_by_number(conn, gathering, row)?.ok_or(Error::NotFound)?;
    if row.signed_at.is_none() {
        return Ok(row);
    }
    let detail = format!("row {}", row.row_number);
    let row = Row {
        signed_at: None,
        signed_by: None,
        manner: None,
        ..row
    };
    save(conn, &row)?;
    record(conn, gathering, by, "gathering.struck", detail, now)?;
    Ok(row)
}

/// What keying a paper sheet came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyed {
    /// Rows that are signed in now.
    pub signed: usize,
    /// Rows that were before.
    pub before: usize,
    /// What names no row of this sheet.
    pub unknown: Vec<String>,
}

/// Signs in the rows whose codes were keyed from the paper sheet. Codes that name no row are told; the others count.
///
/// # Errors
/// [`Refused::Closed`].
pub fn key_in(conn: &mut Conn, gathering: &Gathering, codes: &str, by: &Id<User>, now: Moment) -> Result<Keyed> {
    expect_open(gathering)?;
    let mut keyed = Keyed::default();
    for code in codes
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|code| !code.is_empty())
    {
        let code: String = code.chars().map(half_width).collect();
        let row = match gathering.row_of_code(&code) {
            Some(row) => row_by_number(conn, gathering, row)?,
            None => None,
        };
        match row {
            None => keyed.unknown.push(code),
            Some(row) if row.signed_at.is_some() => keyed.before = keyed.before.saturating_add(1),
            Some(row) => {
                let signed = Row {
                    signed_at: Some(now),
                    signed_by: Some(by.clone()),
                    manner: Some(Manner::Paper),
                    ..row
                };
                save(conn, &signed)?;
                keyed.signed = keyed.signed.saturating_add(1);
            }
        }
    }
    Ok(keyed)
}

/// Full-width digits as a Chinese input method types them.
fn half_width(letter: char) -> char {
    match letter {
        '０'..='９' => char::from_u32(u32::from(letter).saturating_sub(0xFEE0)).unwrap_or(letter),
        other => other,
    }
}

/// Closes a gathering: one nomination for each household that signed in, by whoever closes it. Those that cannot have the
/// points stay in the list with the reason. Closing it again, also by somebody else at the same moment, changes nothing.
///
/// # Errors
/// [`Refused::Nobody`], [`Refused::NotYet`].
pub fn close(conn: &mut Conn, gathering: &Id<Gathering>, by: &Id<User>, now: Moment) -> Result<Gathering> {
    let gathering = by_id(conn, gathering)?;
    if gathering.is_closed() {
        return Ok(gathering);
    }
    if gathering.held_on > day_of(now) {
        return Err(Refused::NotYet(gathering.held_on).into());
    }
    let signed: Vec<Row> = rows(conn, &gathering.id)?
        .into_iter()
        .filter(|row| row.signed_at.is_some())
        .collect();
    if signed.is_empty() {
        return Err(Refused::Nobody.into());
    }
    let (item, _) = item::by_id(conn, &gathering.scoring_item_id)?;
    let mut nominated = 0usize;
    for row in signed {
        let asked = Nominate {
            household: row.household_id.clone(),
            item: item.code.clone(),
            count: gathering.count,
            occurred_on: gathering.held_on,
            note: format!(
                "{}（{}），第{}号活动签到",
                gathering.name, gathering.place, gathering.number
            ),
            by: Nominator::Staff(by.clone()),
            key: format!("gathering:{}:{}", gathering.id, row.row_number),
        };
        let row = match nomination::nominate(conn, &asked, now) {
            Ok(nomination) => {
                nominated = nominated.saturating_add(1);
                Row {
                    nomination_id: Some(nomination.id),
                    ..row
                }
            }
            Err(Error::Internal(cause, place)) => return Err(Error::Internal(cause, place)),
            Err(refused) => Row {
                refusal: Some(refused.to_string()),
                ..row
            },
        };
        save(conn, &row)?;
    }
    let closed = Gathering {
        closed_by: Some(by.clone()),
        closed_at: Some(now),
        ..gathering
    };
    diesel::update(gatherings::table.find(&closed.id))
        .set((
            gatherings::closed_by.eq(&closed.closed_by),
            gatherings::closed_at.eq(closed.closed_at),
        ))
        .execute(conn)?;
    let detail = format!("{nominated} nominations");
    record(conn, &closed, by, "gathering.closed", detail, now)?;
    Ok(closed)
}

/// Who took down the sign-in that a nomination comes from, and who opened its gathering: they bore witness, and somebody
/// else verifies.
///
/// # Errors
/// Only when the database fails.
pub fn witnesses(conn: &mut Conn, nomination: &Id<Nomination>) -> Result<HashSet<Id<User>>> {
    let found = gathering_rows::table
        .inner_join(gatherings::table)
        .filter(gathering_rows::nomination_id.eq(nomination))
        .select((gathering_rows::signed_by, gatherings::opened_by))
        .load::<(Option<Id<User>>, Id<User>)>(conn)?;
    Ok(found
        .into_iter()
        .flat_map(|(signed_by, opened_by)| signed_by.into_iter().chain([opened_by]))
        .collect())
}

/// Which of these nominations come from a sign-in to which this person bore witness.
///
/// # Errors
/// Only when the database fails.
pub fn witnessed_by(
    conn: &mut Conn,
    user: &Id<User>,
    nominations: &[Id<Nomination>],
) -> Result<HashSet<Id<Nomination>>> {
    let found = gathering_rows::table
        .inner_join(gatherings::table)
        .filter(gathering_rows::nomination_id.eq_any(nominations))
        .filter(gathering_rows::signed_by.eq(user).or(gatherings::opened_by.eq(user)))
        .select(gathering_rows::nomination_id)
        .load::<Option<Id<Nomination>>>(conn)?;
    Ok(found.into_iter().flatten().collect())
}

/// A gathering by its number.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<Gathering> {
    gatherings::table
        .filter(gatherings::number.eq(number))
        .select(Gathering::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// A gathering by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Gathering>) -> Result<Gathering> {
    gatherings::table
        .find(id)
        .select(Gathering::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Gatherings, newest first, at most `limit`.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Gathering>> {
    Ok(gatherings::table
        .order(gatherings::number.desc())
        .limit(limit)
        .select(Gathering::as_select())
        .load(conn)?)
}

/// The rows of a gathering, as they stand on its sheet.
///
/// # Errors
/// Only when the database fails.
pub fn rows(conn: &mut Conn, gathering: &Id<Gathering>) -> Result<Vec<Row>> {
    Ok(gathering_rows::table
        .filter(gathering_rows::gathering_id.eq(gathering))
        .order(gathering_rows::row_number)
        .select(Row::as_select())
        .load(conn)?)
}

/// How many households signed in, for each gathering.
///
/// # Errors
/// Only when the database fails.
pub fn signed_counts(conn: &mut Conn) -> Result<HashMap<Id<Gathering>, i64>> {
    Ok(gathering_rows::table
        .filter(gathering_rows::signed_at.is_not_null())
        .group_by(gathering_rows::gathering_id)
        .select((gathering_rows::gathering_id, diesel::dsl::count_star()))
        .load::<(Id<Gathering>, i64)>(conn)?
        .into_iter()
        .collect())
}

fn row_of(conn: &mut Conn, gathering: &Gathering, household: &Id<Household>) -> Result<Option<Row>> {
    Ok(gathering_rows::table
        .filter(gathering_rows::gathering_id.eq(&gathering.id))
        .filter(gathering_rows::household_id.eq(household))
        .select(Row::as_select())
        .get_result(conn)
        .optional()?)
}

fn row_by_number(conn: &mut Conn, gathering: &Gathering, number: i64) -> Result<Option<Row>> {
    Ok(gathering_rows::table
        .find((&gathering.id, number))
        .select(Row::as_select())
        .get_result(conn)
        .optional()?)
}

fn save(conn: &mut Conn, row: &Row) -> Result<()> {
    diesel::update(gathering_rows::table.find((&row.gathering_id, row.row_number)))
        .set((
            gathering_rows::signed_at.eq(row.signed_at),
            gathering_rows::signed_by.eq(&row.signed_by),
            gathering_rows::manner.eq(row.manner),
            gathering_rows::nomination_id.eq(&row.nomination_id),
            gathering_rows::refusal.eq(&row.refusal),
        ))
        .execute(conn)?;
    Ok(())
}

fn expect_open(gathering: &Gathering) -> Result<()> {
    match gathering.is_closed() {
        false => Ok(()),
        true => Err(Refused::Closed.into()),
    }
}

fn record(conn: &mut Conn, gathering: &Gathering, by: &Id<User>, act: &str, detail: String, now: Moment) -> Result<()> {
    let subject = format!("gathering:{}", gathering.id);
    audit::record(conn, &[audit::Event::new(by.as_str(), act, subject, detail, now)])
}
