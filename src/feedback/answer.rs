//! Answers: one to five stars for a service and perhaps a sentence, once a quarter from each household.
//!
//! # What the database knows
//!
//! *How many* gave so many stars in a place and quarter; the sentences of that place and quarter, without stars, without a
//! day, under random ids and written anew in another order with each that comes in; and, until the quarter is over, a keyed
//! digest for each household and service that has answered. Nothing joins them: there is no line in the record, no request's
//! digest and no moment. So a copy of the database tells a curious administrator *that* a household answered in the running
//! quarter (the key lies in the same database), and never what. Whoever could watch the database between two answers would see
//! what the second of them changed; against somebody who holds the machine while people answer no table helps, and whoever
//! keys a paper slip reads it. What a sentence gives away by its words, it gives away.
//!
//! # What is shown
//!
//! Nothing of a running quarter, so that nobody reads an answer from what a mean was yesterday. Of a quarter that is over the
//! mean of a place, where at least [`FEWEST`] answered; its sentences by the same rule, and to those who supervise only.

use std::collections::BTreeMap;
use std::fmt;

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::access::role::{Duties, Role};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, Span, day_of};
use crate::db::schema::{feedback_counts, feedback_marks, feedback_sentences};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::id::{Id, fill_random};
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::household::Household;
use crate::places::programme::Programme;
use crate::places::standing;

text_enum! {
    /// What is rated.
    pub enum Service {
        /// The points supermarket.
        Shop = "shop", "超市服务";
        /// Grid workers and building heads.
        Grid = "grid", "网格服务";
        /// The office.
        Office = "office", "办事处";
    }
}

impl Service {
    /// What is meant, in a sentence.
    #[must_use]
    pub fn explained(self) -> &'static str {
        match self {
            Service::Shop => "积分超市：商品、开门时间、店里的人。",
            Service::Grid => "网格员、楼栋长：申报、核实、上门。",
            Service::Office => "办公室：办事、答复、解释。",
        }
    }

    /// Is whoever holds these duties rated by it?
    #[must_use]
    pub fn is_about(self, duties: &Duties) -> bool {
        duties.0.iter().any(|(role, _)| match role {
            Role::StoreManager | Role::StoreSupervisor | Role::PartnerKeeper => self == Service::Shop,
            Role::GridWorker | Role::BuildingHead => self == Service::Grid,
            Role::Administrator => self == Service::Office,
            Role::CouncilMember | Role::Auditor => false,
        })
    }
}

/// The fewest answers of which anything is said.
pub const FEWEST: i64 = 5;
/// The most characters of a sentence.
pub const LONGEST: usize = 100;
/// The most stars.
pub const MOST_STARS: i64 = 5;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// About what.
    pub service: Service,
    /// One to five.
    pub stars: i64,
    /// A sentence; may be empty.
    pub sentence: String,
}

/// Why an answer is not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// The household has answered this quarter.
    Answered(Service),
    /// Whoever keys it in is rated by it.
    Rated,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Answered(service) => write!(
                formatter,
                "这一户这个季度已经评过{}，一个季度评一次，下个季度可以再评。",
                service.label()
            ),
            Refused::Rated => formatter.write_str("这一项评的是您的工作，纸条请交给不被评的同事录入。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::Answered(_) => "feedback_given",
            Refused::Rated => "feedback_about_oneself",
        }
    }
}

/// Takes a household's answer, from its own page.
///
/// # Errors
/// `Invalid` for stars or words that cannot be; [`Refused::Answered`]; that of a household which is gone.
pub fn give(conn: &mut Conn, programme: &Programme, household: &Household, answer: &Answer, now: Moment) -> Result<()> {
    if !(1..=MOST_STARS).contains(&answer.stars) {
        return Err(Error::invalid("stars", "请选1到5颗星。"));
    }
    let sentence = answer.sentence.trim();
    if sentence.chars().count() > LONGEST {
        return Err(Error::invalid("sentence", format!("一句话请写在{LONGEST}个字以内。")));
    }
    standing::expect_active(conn, &household.id)?;
    let quarter = Span::quarter_of(day_of(now)).from;
    mark(conn, programme, &household.id, answer.service, quarter)?;
    let place = place_of(&Tree::load(conn)?, &household.building_id).ok_or(Error::NotFound)?;
    add_one(conn, &place, answer, quarter)?;
    if !sentence.is_empty() {
        shuffle_in(conn, &place, answer.service, quarter, sentence)?;
    }
    Ok(())
}

/// Keys a paper slip in, by somebody who is not rated by it. The record says who keyed one in, not whose.
///
/// # Errors
/// [`Refused::Rated`]; those of [`give`].
pub fn key_in(
    conn: &mut Conn,
    programme: &Programme,
    household: &Household,
    answer: &Answer,
    (by, duties): (&Id<User>, &Duties),
    now: Moment,
) -> Result<()> {
    if answer.service.is_about(duties) {
        return Err(Refused::Rated.into());
    }
    give(conn, programme, household, answer, now)?;
    let event = audit::Event::new(
        by.as_str(),
        "feedback.keyed",
        "programme".to_owned(),
        String::new(),
        now,
    );
    audit::record(conn, &[event])
}

/// Remembers that the household has answered; nothing else.
fn mark(
    conn: &mut Conn,
    programme: &Programme,
    household: &Id<Household>,
    service: Service,
    quarter: Day,
) -> Result<()> {
    let digest = digest(programme, household, service, quarter);
    let is_there = diesel::select(diesel::dsl::exists(feedback_marks::table.find(&digest))).get_result(conn)?;
    if is_there {
        return Err(Refused::Answered(service).into());
    }
    diesel::insert_into(feedback_marks::table)
        .values((
            feedback_marks::digest.eq(&digest),
            feedback_marks::quarter_from.eq(quarter),
        ))
        .execute(conn)?;
    Ok(())
}

fn digest(programme: &Programme, household: &Id<Household>, service: Service, quarter: Day) -> String {
    let mut digest = Sha256::new();
    digest.update(b"feedback\0");
    digest.update(programme.card_key());
    digest.update(format!("{household}\0{}\0{quarter}", service.word()));
    in_hex(&digest.finalize())
}

fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn add_one(conn: &mut Conn, place: &Id<Area>, answer: &Answer, quarter: Day) -> Result<()> {
    let row = feedback_counts::table.find((place, answer.service, quarter, answer.stars));
    let counted = diesel::update(row)
        .set(feedback_counts::answers.eq(feedback_counts::answers + 1))
        .execute(conn)?;
    if counted == 0 {
        diesel::insert_into(feedback_counts::table)
            .values((
                feedback_counts::area_id.eq(place),
                feedback_counts::service.eq(answer.service),
                feedback_counts::quarter_from.eq(quarter),
                feedback_counts::stars.eq(answer.stars),
                feedback_counts::answers.eq(1i64),
            ))
            .execute(conn)?;
    }
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = feedback_sentences)]
struct Sentence {
    id: String,
    area_id: Id<Area>,
    service: Service,
    quarter_from: Day,
    sentence: String,
}

/// Writes the sentences of a place anew, in an order by chance, so that no row is known to be the latest.
fn shuffle_in(conn: &mut Conn, place: &Id<Area>, service: Service, quarter: Day, new: &str) -> Result<()> {
    let mut all = sentences(conn, place, service, quarter)?;
    all.push(new.to_owned());
    let mut rows: Vec<Sentence> = all
        .into_iter()
        .map(|sentence| {
            let mut random = [0u8; 16];
            fill_random(&mut random);
            Sentence {
                id: in_hex(&random),
                area_id: place.clone(),
                service,
                quarter_from: quarter,
                sentence,
            }
        })
        .collect();
    rows.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let there = feedback_sentences::table
        .filter(feedback_sentences::area_id.eq(place))
        .filter(feedback_sentences::service.eq(service))
        .filter(feedback_sentences::quarter_from.eq(quarter));
    diesel::delete(there).execute(conn)?;
    insert_rows!(conn, feedback_sentences::table, &rows);
    Ok(())
}

fn sentences(conn: &mut Conn, place: &Id<Area>, service: Service, quarter: Day) -> Result<Vec<String>> {
    Ok(feedback_sentences::table
        .filter(feedback_sentences::area_id.eq(place))
        .filter(feedback_sentences::service.eq(service))
        .filter(feedback_sentences::quarter_from.eq(quarter))
        .order(feedback_sentences::id)
        .select(feedback_sentences::sentence)
        .load(conn)?)
}

/// The place to which a building's answers count: its community, or the programme where there is none.
fn place_of(tree: &Tree, building: &Id<Area>) -> Option<Id<Area>> {
    let mut here = tree.get(building)?;
    while let Some(parent) = here.parent_id.as_ref().and_then(|parent| tree.get(parent)) {
        if here.kind == AreaKind::Community {
            break;
        }
        here = parent;
    }
    Some(here.id.clone())
}

/// Which services a household has rated in this quarter.
///
/// # Errors
/// Only when the database fails.
pub fn given(conn: &mut Conn, programme: &Programme, household: &Id<Household>, today: Day) -> Result<Vec<Service>> {
    let quarter = Span::quarter_of(today).from;
    let mut given = Vec::new();
    for service in Service::ALL {
        let mark = feedback_marks::table.find(digest(programme, household, *service, quarter));
        if diesel::select(diesel::dsl::exists(mark)).get_result::<bool>(conn)? {
            given.push(*service);
        }
    }
    Ok(given)
}

/// What is said of a service in a place and quarter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rating {
    /// The place.
    pub area: Id<Area>,
    /// The service.
    pub service: Service,
    /// The quarter's first day.
    pub quarter_from: Day,
    /// How many answered and the mean in tenths of a star; nothing where too few did.
    pub told: Option<(i64, i64)>,
}

impl Rating {
    /// `4.3`, the mean; empty where too few answered.
    #[must_use]
    pub fn mean(&self) -> String {
        match self.told {
            Some((_, tenths)) => format!("{}.{}", tenths / 10, tenths % 10),
            None => String::new(),
        }
    }
}

/// What a rating is of, in the order in which ratings are shown: quarter from the latest back, place, service.
type Rated = (std::cmp::Reverse<Day>, Id<Area>, Service);

/// Quarters whose ratings are shown.
const QUARTERS: usize = 4;

/// The ratings of the latest quarters that are over: by quarter from the latest back, place and service.
///
/// # Errors
/// Only when the database fails.
pub fn ratings(conn: &mut Conn, today: Day) -> Result<Vec<Rating>> {
    let running = Span::quarter_of(today).from;
    let counts = feedback_counts::table
        .filter(feedback_counts::quarter_from.lt(running))
        .load::<(Id<Area>, Service, Day, i64, i64)>(conn)?;
    // Answers, and the stars of all of them together.
    let mut sums: BTreeMap<Rated, (i64, i64)> = BTreeMap::new();
    for (area, service, quarter, stars, answers) in counts {
        let sum = sums.entry((std::cmp::Reverse(quarter), area, service)).or_default();
        sum.0 = sum.0.saturating_add(answers);
        sum.1 = sum.1.saturating_add(answers.saturating_mul(stars));
    }
    let mut quarters: Vec<Day> = sums.keys().map(|(quarter, ..)| quarter.0).collect();
    quarters.dedup();
    quarters.truncate(QUARTERS);
    let shown = sums
        .into_iter()
        .filter(|((quarter, ..), _)| quarters.contains(&quarter.0))
        .map(|((quarter, area, service), (answers, stars))| Rating {
            area,
            service,
            quarter_from: quarter.0,
            told: stars
                .saturating_mul(10)
                .saturating_add(answers / 2)
                .checked_div(answers)
                .filter(|_| answers >= FEWEST)
                .map(|tenths| (answers, tenths)),
        });
    Ok(shown.collect())
}

/// The sentences of a rating, in no order that means anything; none where too few answered.
///
/// # Errors
/// Only when the database fails.
pub fn sentences_of(conn: &mut Conn, rating: &Rating) -> Result<Vec<String>> {
    match rating.told {
        Some(_) => sentences(conn, &rating.area, rating.service, rating.quarter_from),
        None => Ok(Vec::new()),
    }
}

/// How many marks there are.
///
/// # Errors
/// Only when the database fails.
pub fn marks(conn: &mut Conn) -> Result<i64> {
    Ok(feedback_marks::table.count().get_result(conn)?)
}

/// Deletes the marks of quarters that are over: nobody can answer for those any more. Answers how many.
///
/// # Errors
/// Only when the database fails.
pub fn delete_marks(conn: &mut Conn, today: Day) -> Result<usize> {
    let running = Span::quarter_of(today).from;
    let over = feedback_marks::table.filter(feedback_marks::quarter_from.lt(running));
    Ok(diesel::delete(over).execute(conn)?)
}
