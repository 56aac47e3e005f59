//! Star ratings (星级文明户): up to eight stars, each a criterion in words, each given by the council for some time.
//!
//! A star cites the session that decided and holds until a day; it is renewed by another decision, or it lapses. One person
//! keys what was decided and a second one confirms it (`star_entry`): what stands here is confirmed. Stars are looked at
//! household by household: nothing here counts them, adds them up or puts households in an order.

use diesel::prelude::*;

use super::refused::Refused;
use super::star_entry::StarEntry;
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, Span};
use crate::council::objection::words;
use crate::council::session::Session;
use crate::db::schema::{honour_stars, star_awards};
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::request::{Request, Requests};
use crate::scheme::validator;

/// A star.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = honour_stars)]
pub struct HonourStar {
    /// Its id.
    pub id: Id<HonourStar>,
    /// `和睦星`.
    pub name: String,
    /// What it is given for.
    pub criterion: String,
    /// When it was defined.
    pub defined_at: Moment,
    /// By whom.
    pub defined_by: Id<User>,
    /// When it was retired.
    pub retired_at: Option<Moment>,
    /// By whom.
    pub retired_by: Option<Id<User>>,
}

/// A star that the council gave a household.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = star_awards)]
pub struct StarAward {
    /// Its id.
    pub id: Id<StarAward>,
    /// The star.
    pub star_id: Id<HonourStar>,
    /// The household.
    pub household_id: Id<Household>,
    /// The session that decided.
    pub session_id: Id<Session>,
    /// The day of that session.
    pub given_on: Day,
    /// The last day on which it holds.
    pub until_on: Day,
    /// When the first person wrote it down.
    pub recorded_at: Moment,
    /// Who that was.
    pub recorded_by: Id<User>,
    /// The entry that the second person confirmed; `None` for a star of the time when one person was enough.
    pub entry_id: Option<Id<StarEntry>>,
}

/// The most stars of a programme.
pub const MOST_STARS: usize = 8;
const NAME_LENGTH: usize = 12;
const CRITERION_LENGTH: usize = 200;

/// Asks to define a star.
#[derive(Clone, Debug)]
pub struct DefineStar {
    /// What it is called.
    pub name: String,
    /// What it is given for.
    pub criterion: String,
    /// Who defines it.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Defines a star; the same request again answers the first.
///
/// # Errors
/// [`Refused::EnoughStars`]; `Invalid` words, also such as no rule may have (SG4); `idempotency_conflict`.
pub fn define(conn: &mut Conn, asked: &DefineStar, now: Moment) -> Result<()> {
    let content = (&asked.name, &asked.criterion);
    let request = Request::new(&asked.key, asked.by.as_str(), "star.define", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if requests.earlier(&request)?.is_some() {
        return Ok(());
    }
    let name = words("name", &asked.name, NAME_LENGTH, "请填写星的名称，12个字以内。")?;
    let why = "请写明做到什么算得这颗星，200个字以内。";
    let criterion = words("criterion", &asked.criterion, CRITERION_LENGTH, why)?;
    let row = serde_json::json!({ "title": name, "condition": criterion });
    if let Some(finding) = validator::of_title(&row).first() {
        return Err(Error::invalid("criterion", finding.to_string()));
    }
    let known = standing_now(conn)?;
    if known.len() >= MOST_STARS {
        return Err(Refused::EnoughStars.into());
    }
    if known.iter().any(|star| star.name == name) {
        return Err(Error::invalid("name", "已有同名的星。"));
    }
    let star = HonourStar {
        id: Id::new(now),
        name,
        criterion,
        defined_at: now,
        defined_by: asked.by.clone(),
        retired_at: None,
        retired_by: None,
    };
    diesel::insert_into(honour_stars::table).values(&star).execute(conn)?;
    requests.carried_out(&request, star.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &asked.by, "star.defined", format!("star:{}", star.id), now)
}

/// Retires a star: it is not given any more; whoever holds it keeps it to its day.
///
/// # Errors
/// `NotFound`.
pub fn retire(conn: &mut Conn, id: &Id<HonourStar>, by: &Id<User>, now: Moment) -> Result<()> {
    let star = by_id(conn, id)?;
    if star.retired_at.is_some() {
        return Ok(());
    }
    diesel::update(honour_stars::table.find(id))
        .set((
            honour_stars::retired_at.eq(Some(now)),
            honour_stars::retired_by.eq(Some(by)),
        ))
        .execute(conn)?;
    record(conn, by, "star.retired", format!("star:{}", star.id), now)
}

/// Writes down stars that two people decided about; only `star_entry` does.
pub(super) fn give(conn: &mut Conn, awards: &[StarAward]) -> Result<()> {
    insert_rows!(conn, star_awards::table, awards);
    Ok(())
}

/// Stars that are given, in the order in which they were defined.
///
/// # Errors
/// Only when the database fails.
pub fn standing_now(conn: &mut Conn) -> Result<Vec<HonourStar>> {
    Ok(honour_stars::table
        .filter(honour_stars::retired_at.is_null())
        .order((honour_stars::defined_at, honour_stars::id))
        .select(HonourStar::as_select())
        .load(conn)?)
}

/// Every star there ever was, in the order in which they were defined.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn) -> Result<Vec<HonourStar>> {
    Ok(honour_stars::table
        .order((honour_stars::defined_at, honour_stars::id))
        .select(HonourStar::as_select())
        .load(conn)?)
}

/// A star by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<HonourStar>) -> Result<HonourStar> {
    honour_stars::table
        .find(id)
        .select(HonourStar::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Every star that a household was ever given, the last decision first.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<StarAward>> {
    Ok(star_awards::table
        .filter(star_awards::household_id.eq(household))
        .order((star_awards::until_on.desc(), star_awards::id.desc()))
        .select(StarAward::as_select())
        .load(conn)?)
}

/// The stars that sessions of a span gave and that hold on a day, in no order.
///
/// # Errors
/// Only when the database fails.
pub fn given_in(conn: &mut Conn, span: Span, today: Day) -> Result<Vec<StarAward>> {
    Ok(star_awards::table
        .filter(star_awards::given_on.ge(span.from))
        .filter(star_awards::given_on.lt(span.until))
        .filter(star_awards::until_on.ge(today))
        .select(StarAward::as_select())
        .load(conn)?)
}

fn record(conn: &mut Conn, by: &Id<User>, act: &str, subject: String, now: Moment) -> Result<()> {
    audit::record(
        conn,
        &[audit::Event::new(by.as_str(), act, subject, String::new(), now)],
    )
}
