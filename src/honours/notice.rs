//! Public notices of titles: what the council carried is shown to everybody for a week, before any title is given.
//!
//! As on the notice of deeds a household is named by family name and building, unless it consented to more (SG8); no balance
//! and no count of votes stands there. Each row has a slip number, `H3-2`, under which anyone may object.

use std::collections::HashMap;

use diesel::prelude::*;

use super::award::{self, State, TitleAward};
use super::departed;
use super::title::{self, HonourTitle};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::council::notice::Shown;
use crate::council::refused::Refused;
use crate::council::session::{self, Session};
use crate::council::sheet::building_of;
use crate::council::{clockwork, deadline};
use crate::db::Conn;
use crate::db::schema::{title_awards, title_notices};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::consent::{self, Purpose};
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::request::{Request, Requests};

/// A public notice of titles.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = title_notices)]
pub struct TitleNotice {
    /// Its id.
    pub id: Id<TitleNotice>,
    /// 1, 2, 3 …
    pub number: i64,
    /// The session that decided.
    pub session_id: Id<Session>,
    /// The area whose council it was.
    pub area_id: Id<Area>,
    /// When it was published.
    pub published_at: Moment,
    /// By whom.
    pub published_by: Id<User>,
    /// From this moment on what nobody objected to is conferred.
    pub ends_at: Moment,
    /// When it was taken down.
    pub taken_down_at: Option<Moment>,
}

impl TitleNotice {
    /// Does it still run?
    #[must_use]
    pub fn runs_at(&self, now: Moment) -> bool {
        self.published_at <= now && now < self.ends_at && self.taken_down_at.is_none()
    }

    /// `H3-2`.
    #[must_use]
    pub fn slip(&self, award: &TitleAward) -> String {
        format!("H{}-{}", self.number, award.notice_row.unwrap_or_default())
    }
}

/// The fewest days of a notice of titles, whatever the rules say.
const FEWEST_DAYS: u64 = 7;

/// Publishes what a session carried and no notice has shown. What it carried for a household that is gone ends here.
///
/// # Errors
/// The council's `NothingToPublish`, `NotForPublic`, `SessionIs` before it has closed, `ClockSetBack`;
/// `idempotency_conflict`.
pub fn publish(conn: &mut Conn, session: &Id<Session>, by: &Id<User>, key: &str, now: Moment) -> Result<TitleNotice> {
    clockwork::expect_forward(conn, now)?;
    let request = Request::new(key, by.as_str(), "title.publish", &session.as_str())?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let session = session::by_id(conn, session)?;
    if session.state != session::State::Closed {
        return Err(Refused::SessionIs(session.state).into());
    }
    departed::end(conn, now)?;
    let rows = to_publish(conn, &session.id)?;
    if rows.is_empty() {
        return Err(Refused::NothingToPublish.into());
    }
    for row in &rows {
        award::expect_fit(conn, &row.household_id, &row.reason)?;
    }
    let last = title_notices::table
        .select(diesel::dsl::max(title_notices::number))
        .get_result::<Option<i64>>(conn)?;
    let days = deadline::cycle(conn, day_of(now))?.title_notice_days;
    let notice = TitleNotice {
        id: Id::new(now),
        number: last.unwrap_or(0).saturating_add(1),
        session_id: session.id,
        area_id: session.area_id,
        published_at: now,
        published_by: by.clone(),
        ends_at: deadline::after_days(now, days.max(FEWEST_DAYS)),
        taken_down_at: None,
    };
    diesel::insert_into(title_notices::table)
        .values(&notice)
        .execute(conn)?;
    for (position, mut award) in (1i64..).zip(rows) {
        award.notice_id = Some(notice.id.clone());
        award.notice_row = Some(position);
        award.state = State::Notified;
        award::save(conn, &award)?;
    }
    requests.carried_out(&request, notice.id.as_str(), now);
    requests.save(conn)?;
    let subject = format!("title_notice:{}", notice.number);
    let event = audit::Event::new(by.as_str(), "title_notice.published", subject, String::new(), now);
    audit::record(conn, &[event])?;
    Ok(notice)
}

/// What a session carried and no notice has shown.
///
/// # Errors
/// Only when the database fails.
pub fn to_publish(conn: &mut Conn, session: &Id<Session>) -> Result<Vec<TitleAward>> {
    let mut rows = award::standing_as(conn, &[State::Balloted])?;
    rows.retain(|row| row.session_id.as_ref() == Some(session));
    Ok(rows)
}

/// A notice as everybody may read it.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Its number.
    pub number: i64,
    /// Whose council decided.
    pub area: String,
    /// The day on which it was published.
    pub published_on: Day,
    /// The last whole day on which one can object.
    pub last_day: Day,
    /// The day on which what nobody objected to is conferred.
    pub confers_on: Day,
    /// Its rows, in order.
    pub rows: Vec<Row>,
}

/// A row as everybody may read it.
#[derive(Clone, Debug)]
pub struct Row {
    /// `H3-2`: under it anyone may object.
    pub slip: String,
    /// `王**`, or the full name where the household consented.
    pub name: String,
    /// `1号楼`.
    pub building: String,
    /// `文明榜样户`.
    pub title: String,
    /// `2026年第四季度`.
    pub period: String,
    /// Why.
    pub reason: String,
    /// Points that come with it.
    pub reward: Points,
    /// Where it stands, in words; nothing while it simply runs.
    pub standing: &'static str,
}

/// The sheet of a notice.
///
/// # Errors
/// Only when the database fails.
pub fn sheet(conn: &mut Conn, notice: &TitleNotice) -> Result<Sheet> {
    let tree = Tree::load(conn)?;
    let rows = rows_of(conn, &notice.id)?;
    let ids: Vec<Id<Household>> = rows.iter().map(|row| row.household_id.clone()).collect();
    let full_names = consent::given_by(conn, &ids, Purpose::FullNameOnNotice)?;
    let homes: HashMap<Id<Household>, Household> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|home| (home.id.clone(), home))
        .collect();
    let titles = title::every(conn)?;
    let shown = rows.iter().filter_map(|row| {
        let (home, title) = (homes.get(&row.household_id)?, titles.get(&row.title_id)?);
        Some(Row {
            slip: notice.slip(row),
            name: match full_names.contains(&home.id) {
                true => home.head_name.clone(),
                false => home.masked_name(),
            },
            building: building_of(&tree, &home.building_id, &notice.area_id),
            title: title.name.clone(),
            period: title.period.in_words(row.period_from),
            reason: row.reason.clone(),
            reward: title.reward_points,
            standing: standing_of(row.state),
        })
    });
    let confers_on = day_of(notice.ends_at);
    Ok(Sheet {
        number: notice.number,
        area: tree
            .get(&notice.area_id)
            .map(|area| area.name.clone())
            .unwrap_or_default(),
        published_on: day_of(notice.published_at),
        last_day: deadline::last_day(notice.ends_at),
        confers_on,
        rows: shown.collect(),
    })
}

/// As far as it is everybody's business.
fn standing_of(state: State) -> &'static str {
    match state {
        State::Suspended => "有异议，暂缓授予",
        State::Conferred => "已授予",
        State::Declined | State::Withdrawn | State::Revoked => "不予授予",
        State::Nominated | State::Verified | State::Balloted | State::Notified => "",
    }
}

/// The row that a slip number such as `H3-2` names.
///
/// # Errors
/// `Invalid` when there is no such row.
pub fn row(conn: &mut Conn, slip: &str) -> Result<(TitleNotice, HonourTitle, TitleAward)> {
    let unknown = || {
        Error::invalid(
            "slip",
            "没有这个条目编号。编号印在称号公示上，像“H3-2”：第3号公示第2行。",
        )
    };
    let plain: String = slip.trim().to_uppercase().replace(['－', '—', '–', '−'], "-");
    let numbers = plain.strip_prefix('H').and_then(|rest| rest.split_once('-'));
    let (number, row) = numbers.ok_or_else(unknown)?;
    let (Ok(number), Ok(row)) = (number.parse::<i64>(), row.parse::<i64>()) else {
        return Err(unknown());
    };
    let notice = match by_number(conn, number) {
        Ok(notice) => notice,
        Err(Error::NotFound) => return Err(unknown()),
        Err(error) => return Err(error),
    };
    let found = rows_of(conn, &notice.id)?
        .into_iter()
        .find(|one| one.notice_row == Some(row));
    let award = found.ok_or_else(unknown)?;
    let title = title::by_id(conn, &award.title_id)?;
    Ok((notice, title, award))
}

/// Is this a number on a notice of titles, and none on a notice of deeds?
#[must_use]
pub fn is_slip(typed: &str) -> bool {
    typed.trim_start().starts_with(['H', 'h'])
}

/// The row of a slip number as everybody may read it, and its last day, while it is on public notice; nothing of any other.
///
/// # Errors
/// Only when the database fails.
pub fn running_row(conn: &mut Conn, slip: &str, now: Moment) -> Result<Option<(Row, Day)>> {
    let (notice, _, award) = match row(conn, slip) {
        Ok(found) => found,
        Err(Error::Invalid(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    if !notice.runs_at(now) {
        return Ok(None);
    }
    let (slip, until) = (notice.slip(&award), deadline::last_day(notice.ends_at));
    let rows = sheet(conn, &notice)?.rows;
    Ok(rows.into_iter().find(|row| row.slip == slip).map(|row| (row, until)))
}

/// The slip number of an award that is or was on a notice; empty for any other.
///
/// # Errors
/// Only when the database fails.
pub fn slip_of(conn: &mut Conn, award: &TitleAward) -> Result<String> {
    match &award.notice_id {
        Some(id) => Ok(by_id(conn, id)?.slip(award)),
        None => Ok(String::new()),
    }
}

/// Where each of these was shown in public; those that never were are left out.
///
/// # Errors
/// Only when the database fails.
pub fn shown(conn: &mut Conn, awards: &[TitleAward]) -> Result<HashMap<Id<TitleAward>, Shown>> {
    let ids: Vec<&Id<TitleNotice>> = awards.iter().filter_map(|award| award.notice_id.as_ref()).collect();
    let notices: Vec<TitleNotice> = title_notices::table
        .filter(title_notices::id.eq_any(ids))
        .select(TitleNotice::as_select())
        .load(conn)?;
    let sessions: Vec<&Id<Session>> = notices.iter().map(|notice| &notice.session_id).collect();
    let numbers = session::numbers(conn, &sessions)?;
    let of = |award: &TitleAward| {
        let notice = notices
            .iter()
            .find(|notice| award.notice_id.as_ref() == Some(&notice.id))?;
        let session = *numbers.get(&notice.session_id)?;
        let slip = notice.slip(award);
        Some((award.id.clone(), Shown { session, slip }))
    };
    Ok(awards.iter().filter_map(of).collect())
}

/// The rows of a notice, in order.
///
/// # Errors
/// Only when the database fails.
pub fn rows_of(conn: &mut Conn, notice: &Id<TitleNotice>) -> Result<Vec<TitleAward>> {
    Ok(title_awards::table
        .filter(title_awards::notice_id.eq(notice))
        .order(title_awards::notice_row)
        .select(TitleAward::as_select())
        .load(conn)?)
}

/// Rows that simply wait, and whose notice is over.
pub(super) fn run_out(conn: &mut Conn, now: Moment) -> Result<Vec<TitleAward>> {
    Ok(title_awards::table
        .inner_join(title_notices::table)
        .filter(title_awards::state.eq(State::Notified))
        .filter(title_notices::ends_at.le(now))
        .order((title_notices::number, title_awards::notice_row))
        .select(TitleAward::as_select())
        .load(conn)?)
}

/// Takes down what has run its days. Answers how many.
pub(super) fn take_down_due(conn: &mut Conn, now: Moment) -> Result<usize> {
    let over = title_notices::table
        .filter(title_notices::taken_down_at.is_null())
        .filter(title_notices::ends_at.le(now));
    Ok(diesel::update(over)
        .set(title_notices::taken_down_at.eq(Some(now)))
        .execute(conn)?)
}

/// A notice by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<TitleNotice>) -> Result<TitleNotice> {
    title_notices::table
        .find(id)
        .select(TitleNotice::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// A notice by its number.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<TitleNotice> {
    title_notices::table
        .filter(title_notices::number.eq(number))
        .select(TitleNotice::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Notices, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, limit: i64) -> Result<Vec<TitleNotice>> {
    Ok(title_notices::table
        .order(title_notices::number.desc())
        .limit(limit)
        .select(TitleNotice::as_select())
        .load(conn)?)
}
