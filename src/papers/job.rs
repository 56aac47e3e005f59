//! Jobs of the printing press: the statements of a town, the cards of a village, the certificates and plaques of a year.
//!
//! ```text
//! waiting → done → discarded
//!      ⇅ cancelled ↗          (stopped by a person, or by what went wrong)
//! ```
//!
//! What a job prints is decided when it is asked for and kept in parts, each of which becomes a file. Whoever runs it takes
//! one part after another and writes each off when its file lies there; a job that was stopped, by a person or by a power
//! cut, goes on with the first part that is not written off. This file knows neither folders nor typst: `press.rs` runs jobs.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::card::Flip;
use super::order::{Asked, Order};
use super::statement;
use crate::access::role::{Duties, Permission};
use crate::audit;
use crate::cards::card;
use crate::clock::Moment;
use crate::db::schema::{print_jobs, print_parts};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::places::standing;
use crate::scheme::version;

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = print_jobs)]
pub struct PrintJob {
    /// Its id.
    pub id: Id<PrintJob>,
    /// What is printed.
    pub kind: Kind,
    asked: String,
    /// Where it stands.
    pub state: State,
    /// Who asked: a user's id, or `system` for the command line.
    pub asked_by: String,
    /// When.
    pub asked_at: Moment,
    /// When it was done, or its files were thrown away.
    pub ended_at: Option<Moment>,
    /// Why it was stopped, if not by a person.
    pub problem: String,
}

text_enum! {
    /// What is printed in numbers.
    pub enum Kind {
        /// A statement for each household, a file for each building.
        Statements = "statements", "对账单";
        /// A first card for each household that has none, a hundred to a file.
        Cards = "cards", "积分卡";
        /// The certificates of the titles of a year or quarter that are held, a file for each title.
        Certificates = "certificates", "奖状";
        /// The plaques of those that have one, a file for each title.
        Plaques = "plaques", "荣誉牌";
    }
}

text_enum! {
    /// Where a job stands.
    pub enum State {
        /// There are parts to print.
        Waiting = "waiting", "打印中";
        /// Stopped by a person or by what went wrong; can go on.
        Cancelled = "cancelled", "已停止";
        /// Every part has its file.
        Done = "done", "已完成";
        /// The files are gone.
        Discarded = "discarded", "已清除";
    }
}

impl Kind {
    /// For whose households it can be asked.
    #[must_use]
    pub fn permission(self) -> Permission {
        match self {
            Kind::Statements => Permission::ReadHouseholds,
            Kind::Cards => Permission::IssueCards,
            Kind::Certificates | Kind::Plaques => Permission::KeepSession,
        }
    }

    /// May somebody with these duties ask for it? Whoever carries cards to the doors carries statements too, and nobody else
    /// has those of whole buildings.
    #[must_use]
    pub fn is_for(self, duties: &Duties) -> bool {
        let may_carry = self != Kind::Statements || duties.permit(Permission::IssueCards);
        may_carry && duties.permit(self.permission())
    }

    /// How it is printed, in words.
    #[must_use]
    pub fn explained(self) -> &'static str {
        match self {
            Kind::Statements => "每户一份，每栋楼一个文件，一个文件最多20户",
            Kind::Cards => "给还没有卡的住户发卡，十张一版，双面",
            Kind::Certificates => "一年或一季授予、现在仍持有的称号，每个称号一个文件，一个文件最多20张",
            Kind::Plaques => "同上，只印发荣誉牌的称号",
        }
    }
}

impl PrintJob {
    /// What was asked for.
    ///
    /// # Errors
    /// `Internal` when the row was damaged.
    pub fn asked(&self) -> Result<Asked> {
        serde_json::from_str(&self.asked).map_err(Error::internal)
    }

    /// The sender's key of a household's card: the job's own, so that a part that is printed again has the same cards.
    #[must_use]
    pub fn card_key(&self, household: &Id<Household>) -> String {
        format!("print:{}:{household}", self.id)
    }
}

/// A file of a job.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = print_parts)]
pub struct PrintPart {
    job_id: Id<PrintJob>,
    /// Its place in the job, from 1.
    pub position: i64,
    /// What people call it: `1号楼`.
    pub name: String,
    #[diesel(column_name = households)]
    ids: String,
    /// How many papers are in it.
    pub papers: i64,
    /// When its file was written.
    pub done_at: Option<Moment>,
    /// Who could not be printed, and why, a line each: codes, and nobody's name.
    pub problems: String,
    /// How many of its papers lie in its file.
    pub printed: i64,
}

impl PrintPart {
    /// Whose papers are in it: households; of certificates and plaques, the awards.
    ///
    /// # Errors
    /// `Internal` when the row was damaged.
    pub fn ids<Of: 'static>(&self) -> Result<Vec<Id<Of>>> {
        let ids: Vec<String> = serde_json::from_str(&self.ids).map_err(Error::internal)?;
        Ok(ids.into_iter().map(Id::known).collect())
    }

    /// Whether it has a file: a part of which nothing could be printed has none.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.done_at.is_some() && self.printed > 0
    }

    /// The name of its file: `003-1号楼.pdf`. A long one is cut; its number tells it from every other.
    #[must_use]
    pub fn file_name(&self) -> String {
        let plain: String = self
            .name
            .chars()
            .take(NAME_LETTERS)
            .map(|letter| if letter.is_alphanumeric() { letter } else { '-' })
            .collect();
        format!("{:03}-{plain}.pdf", self.position)
    }
}

/// Letters of a file's name: the longest take four bytes, and file systems want at most 255.
const NAME_LETTERS: usize = 60;

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Papers of the parts that are written off, printed or not.
    pub done: i64,
    /// Those of them that were printed.
    pub printed: i64,
    /// Papers in all.
    pub papers: i64,
}

impl Progress {
    /// Papers that could not be printed.
    #[must_use]
    pub fn refused(&self) -> i64 {
        self.done.saturating_sub(self.printed)
    }

    /// In per cent.
    #[must_use]
    pub fn percent(self) -> i64 {
        match self.papers {
            0 => 100,
            papers => self.done.saturating_mul(100).checked_div(papers).unwrap_or(100),
        }
    }
}

/// Cards to a file: ten sheets.
const CARDS_A_PART: usize = 100;

/// Other papers to a file at most: its pages are in memory until it is written, however many live in a building.
const PAPERS_A_PART: usize = 20;

/// Households looked up at once.
const AT_ONCE: usize = 500;

/// What a job would print: looked up before it is asked for, because a town takes its time.
#[derive(Clone, Debug)]
pub struct Plan {
    kind: Kind,
    asked: Asked,
    groups: Vec<Group>,
}

/// Plans a job: `count` papers at most, of the area that was asked for. Whoever has got a card by the time a part is printed is
/// left out then, and so is whoever does not hold the title any more.
///
/// # Errors
/// `Invalid` when there is nothing to print, or it could not be printed as it is asked for; as [`Order::buildings`] and
/// [`Order::season`].
pub fn plan(conn: &mut Conn, kind: Kind, order: Order) -> Result<Plan> {
    Flip::asked(order.asked.flip.as_deref())?;
    let found = match kind {
        Kind::Statements | Kind::Cards => of_buildings(conn, kind, &order)?,
        Kind::Certificates | Kind::Plaques => of_titles(conn, kind, &order)?,
    };
    let most = order
        .asked
        .count
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(usize::MAX);
    let (mut left, mut groups) = (most, Vec::new());
    for (name, mut here) in found {
        if let Some(code) = &order.asked.household {
            here.retain(|one| one.code == *code);
        }
        here.sort_by(|one, other| one.code.cmp(&other.code));
        here.truncate(left);
        left = left.saturating_sub(here.len());
        if !here.is_empty() {
            groups.push((name, here));
        }
    }
    let Some(first) = groups.iter().find_map(|(_, papers)| papers.first()) else {
        return Err(nothing(kind, order.asked.household.is_some()));
    };
    if kind == Kind::Statements {
        expect_statement(conn, &order, &Id::known(first.id.as_str()))?;
    }
    Ok(Plan {
        kind,
        asked: order.asked,
        groups: match kind {
            Kind::Cards => in_hundreds(groups),
            _ => groups.into_iter().flat_map(not_too_many).collect(),
        },
    })
}

/// Reads the first statement as it will be read when it is printed: what is wrong with the order is wrong with each.
fn expect_statement(conn: &mut Conn, order: &Order, first: &Id<Household>) -> Result<()> {
    version::in_force(conn, order.today()).map_err(|error| match error {
        Error::NotFound => Error::invalid(
            "kind",
            "还没有施行的积分办法，对账单没有依据。请先让积分办法施行，再打印。",
        ),
        other => other,
    })?;
    let first = household::by_id(conn, first)?;
    statement::of(conn, order, &first).map(drop)
}

/// Why there is nothing to print, of one household or of all.
fn nothing(kind: Kind, of_one: bool) -> Error {
    let (field, why) = match kind {
        Kind::Statements if of_one => ("area", "没有这一户，请核对户号。"),
        Kind::Statements => ("area", "这个范围里没有住户，没有什么要打印的。"),
        Kind::Cards if of_one => ("area", "没有这一户，或者这一户已经有卡。补卡请到住户页办理。"),
        Kind::Cards => (
            "area",
            "这个范围里每一户都有卡了，没有什么要打印的。补卡请到住户页办理。",
        ),
        Kind::Certificates if of_one => ("year", "这一户在这一期没有持有的称号，请核对户号和年份。"),
        Kind::Certificates => ("year", "这一期没有现在持有的称号，没有奖状要打印。"),
        Kind::Plaques if of_one => ("year", "这一户在这一期没有发荣誉牌的称号，请核对户号和年份。"),
        Kind::Plaques => ("year", "这一期没有现在持有、发荣誉牌的称号，没有荣誉牌要打印。"),
    };
    Error::invalid(field, why)
}

/// Puts a planned job into the queue.
///
/// # Errors
/// Only when the database fails.
pub fn ask(conn: &mut Conn, plan: &Plan, by: &str, now: Moment) -> Result<PrintJob> {
    let job = PrintJob {
        id: Id::new(now),
        kind: plan.kind,
        asked: serde_json::to_string(&plan.asked).map_err(Error::internal)?,
        state: State::Waiting,
        asked_by: by.to_owned(),
        asked_at: now,
        ended_at: None,
        problem: String::new(),
    };
    let parts = (1i64..).zip(&plan.groups).map(|(position, (name, papers))| {
        let ids: Vec<&str> = papers.iter().map(|one| one.id.as_str()).collect();
        Ok(PrintPart {
            job_id: job.id.clone(),
            position,
            name: name.clone(),
            ids: serde_json::to_string(&ids).map_err(Error::internal)?,
            papers: i64::try_from(ids.len()).map_err(Error::internal)?,
            done_at: None,
            problems: String::new(),
            printed: 0,
        })
    });
    let parts: Vec<PrintPart> = parts.collect::<Result<_>>()?;
    diesel::insert_into(print_jobs::table).values(&job).execute(conn)?;
    insert_rows!(conn, print_parts::table, &parts);
    record(conn, &job, "print_job.asked", by, now)?;
    Ok(job)
}

/// A paper of a job: by whose code it is ordered and named, and the id of what is printed.
#[derive(Clone, Debug)]
struct One {
    code: String,
    id: String,
}

/// Papers of a part, and what they are called.
type Group = (String, Vec<One>);

/// Households that have something to print, building by building.
fn of_buildings(conn: &mut Conn, kind: Kind, order: &Order) -> Result<Vec<Group>> {
    let buildings = order.buildings(conn, kind.permission())?;
    let tree = Tree::load(conn)?;
    let mut of_building = households_of(conn, kind, &buildings)?;
    let groups = buildings.iter().map(|building| {
        let here = of_building.remove(&building.id).unwrap_or_default().into_iter();
        let here = here.map(|household| One {
            code: household.code,
            id: household.id.to_string(),
        });
        (tree.address(&building.id), here.collect())
    });
    Ok(groups.collect())
}

/// Titles of the season that are held today, each with its households; of plaques those that have one.
fn of_titles(conn: &mut Conn, kind: Kind, order: &Order) -> Result<Vec<Group>> {
    let today = order.today();
    let sections = order.roll(conn, kind.permission())?.into_iter();
    let groups = sections.map(|section| {
        let held = section.conferred.into_iter().filter(|one| one.is_held_on(today));
        let wanted = held.filter(|one| kind != Kind::Plaques || one.title.has_plaque);
        let here = wanted.map(|one| One {
            code: one.household.code,
            id: one.award.id.to_string(),
        });
        (section.name, here.collect())
    });
    Ok(groups.collect())
}

/// Households of these buildings that have something to print.
fn households_of(conn: &mut Conn, kind: Kind, buildings: &[Area]) -> Result<HashMap<Id<Area>, Vec<Household>>> {
    let buildings: Vec<Id<Area>> = buildings.iter().map(|building| building.id.clone()).collect();
    let ids = household::ids_in(conn, &buildings)?;
    let mut of_building: HashMap<Id<Area>, Vec<Household>> = HashMap::new();
    for chunk in ids.chunks(AT_ONCE) {
        let gone = standing::gone(conn, chunk)?;
        let with_card = match kind {
            Kind::Cards => card::numbers_in_use(conn, chunk)?,
            _ => HashMap::new(),
        };
        for one in household::by_ids(conn, chunk)? {
            if !gone.contains(&one.id) && !with_card.contains_key(&one.id) {
                of_building.entry(one.building_id.clone()).or_default().push(one);
            }
        }
    }
    Ok(of_building)
}

/// The same papers, a hundred to a group, each named by its first and last.
fn in_hundreds(groups: Vec<Group>) -> Vec<Group> {
    let all: Vec<One> = groups.into_iter().flat_map(|(_, papers)| papers).collect();
    let chunks = all.chunks(CARDS_A_PART);
    chunks.map(|chunk| (first_and_last(chunk), chunk.to_vec())).collect()
}

/// A building or title as it is, or a large one in even parts, each named by its first and last too.
fn not_too_many((name, papers): Group) -> Vec<Group> {
    let parts = papers.len().div_ceil(PAPERS_A_PART);
    if parts <= 1 {
        return vec![(name, papers)];
    }
    let chunks = papers.chunks(papers.len().div_ceil(parts));
    chunks
        .map(|chunk| (format!("{name} {}", first_and_last(chunk)), chunk.to_vec()))
        .collect()
}

/// `1-1-101至1-2-604`.
fn first_and_last(papers: &[One]) -> String {
    let code = |one: Option<&One>| one.map(|one| one.code.clone()).unwrap_or_default();
    format!("{}至{}", code(papers.first()), code(papers.last()))
}

/// A job by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<PrintJob>) -> Result<PrintJob> {
    print_jobs::table
        .find(id)
        .select(PrintJob::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Somebody's jobs, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn of_asker(conn: &mut Conn, by: &str, limit: i64) -> Result<Vec<PrintJob>> {
    Ok(print_jobs::table
        .filter(print_jobs::asked_by.eq(by))
        .order(print_jobs::asked_at.desc())
        .limit(limit)
        .select(PrintJob::as_select())
        .load(conn)?)
}

/// Jobs that are to go on after a start of the server.
///
/// # Errors
/// Only when the database fails.
pub fn waiting(conn: &mut Conn) -> Result<Vec<PrintJob>> {
    Ok(print_jobs::table
        .filter(print_jobs::state.eq(State::Waiting))
        .filter(print_jobs::asked_by.ne(COMMAND_LINE))
        .order(print_jobs::asked_at)
        .select(PrintJob::as_select())
        .load(conn)?)
}

/// Who asks on the command line.
pub const COMMAND_LINE: &str = "system";

/// A job's parts, in order.
///
/// # Errors
/// Only when the database fails.
pub fn parts(conn: &mut Conn, id: &Id<PrintJob>) -> Result<Vec<PrintPart>> {
    Ok(print_parts::table
        .filter(print_parts::job_id.eq(id))
        .order(print_parts::position)
        .select(PrintPart::as_select())
        .load(conn)?)
}

/// How far a job is.
#[must_use]
pub fn progress(parts: &[PrintPart]) -> Progress {
    let done = || parts.iter().filter(|part| part.done_at.is_some());
    Progress {
        done: done().map(|part| part.papers).sum(),
        printed: done().map(|part| part.printed).sum(),
        papers: parts.iter().map(|part| part.papers).sum(),
    }
}

/// The next part of a job that waits; `None` when it is done, stopped or discarded.
///
/// # Errors
/// `NotFound`.
pub fn next(conn: &mut Conn, id: &Id<PrintJob>) -> Result<Option<(PrintJob, PrintPart)>> {
    let job = by_id(conn, id)?;
    if job.state != State::Waiting {
        return Ok(None);
    }
    let part = print_parts::table
        .filter(print_parts::job_id.eq(id).and(print_parts::done_at.is_null()))
        .order(print_parts::position)
        .select(PrintPart::as_select())
        .first(conn)
        .optional()?;
    Ok(part.map(|part| (job, part)))
}

/// Writes a part off: its file lies there with so many papers, or nothing of it could be printed. With the last one the job
/// is done; one that was thrown away stays so.
///
/// # Errors
/// Only when the database fails.
pub fn part_done(
    conn: &mut Conn,
    id: &Id<PrintJob>,
    position: i64,
    (printed, problems): (i64, &str),
    now: Moment,
) -> Result<()> {
    diesel::update(print_parts::table.find((id, position)))
        .set((
            print_parts::done_at.eq(now),
            print_parts::problems.eq(problems),
            print_parts::printed.eq(printed),
        ))
        .execute(conn)?;
    let left = print_parts::table
        .filter(print_parts::job_id.eq(id).and(print_parts::done_at.is_null()))
        .count()
        .get_result::<i64>(conn)?;
    if left == 0 {
        let is_kept = print_jobs::state.ne(State::Discarded);
        diesel::update(print_jobs::table.filter(print_jobs::id.eq(id).and(is_kept)))
            .set((print_jobs::state.eq(State::Done), print_jobs::ended_at.eq(Some(now))))
            .execute(conn)?;
    }
    Ok(())
}

/// Stops a job that cannot go on, and keeps why. One that was stopped, done or thrown away meanwhile stays so.
///
/// # Errors
/// Only when the database fails.
pub fn stop(conn: &mut Conn, id: &Id<PrintJob>, why: &str) -> Result<()> {
    let waits = print_jobs::state.eq(State::Waiting);
    diesel::update(print_jobs::table.filter(print_jobs::id.eq(id).and(waits)))
        .set((print_jobs::state.eq(State::Cancelled), print_jobs::problem.eq(why)))
        .execute(conn)?;
    Ok(())
}

/// Stops a job, or lets a stopped one go on. A job that is done stays so.
///
/// # Errors
/// `NotFound`.
pub fn set_running(conn: &mut Conn, id: &Id<PrintJob>, running: bool) -> Result<PrintJob> {
    let job = by_id(conn, id)?;
    let state = match (job.state, running) {
        (State::Waiting, false) => State::Cancelled,
        (State::Cancelled, true) => State::Waiting,
        _ => return Ok(job),
    };
    diesel::update(print_jobs::table.find(id))
        .set((print_jobs::state.eq(state), print_jobs::problem.eq("")))
        .execute(conn)?;
    by_id(conn, id)
}

/// Notes that a job's files are gone.
///
/// # Errors
/// `NotFound`.
pub fn discard(conn: &mut Conn, id: &Id<PrintJob>, by: &str, now: Moment) -> Result<()> {
    let job = by_id(conn, id)?;
    if job.state != State::Discarded {
        diesel::update(print_jobs::table.find(id))
            .set((
                print_jobs::state.eq(State::Discarded),
                print_jobs::ended_at.eq(Some(now)),
            ))
            .execute(conn)?;
        record(conn, &job, "print_job.discarded", by, now)?;
    }
    Ok(())
}

/// Jobs of which files still lie there although they were asked for before this moment.
///
/// # Errors
/// Only when the database fails.
pub fn older_than(conn: &mut Conn, moment: Moment) -> Result<Vec<PrintJob>> {
    Ok(print_jobs::table
        .filter(
            print_jobs::asked_at
                .lt(moment)
                .and(print_jobs::state.ne(State::Discarded)),
        )
        .filter(print_jobs::asked_by.ne(COMMAND_LINE))
        .select(PrintJob::as_select())
        .load(conn)?)
}

fn record(conn: &mut Conn, job: &PrintJob, act: &'static str, by: &str, now: Moment) -> Result<()> {
    let subject = format!("print_job:{}", job.id);
    let detail = job.kind.label().to_owned();
    audit::record(conn, &[audit::Event::new(by, act, subject, detail, now)])
}
