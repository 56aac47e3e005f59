//! Photographs on the board: one beside a deed or a title, of a household that agreed to it, seen by two people before
//! anybody else.
//!
//! ```text
//! proposed → approved → taken down | over
//!     ↘ refused | taken down | over
//! ```
//!
//! It is shown where and while the deed itself stands on a board, and only if the household agreed, at the moment of
//! looking, to the board and to photographs: page and door ask the same question. What is kept is small, and there is no
//! larger one. With somebody under eighteen on it, it is taken with the guardian's consent on paper alone (SG9); the day of it
//! is kept, who the guardian is never. The file goes with the deed's time on the board, thirty days after a consent was
//! withdrawn, and at once with a household that leaves; the row stays without it. Nothing here looks for faces: people do.

pub mod over;

use std::collections::HashMap;

use diesel::prelude::*;

use super::board;
use super::refused::{Hidden, PictureRefused};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Day, Moment, Span, day_of};
use crate::council::nomination::{self, Nomination};
use crate::council::notice::findings_about;
use crate::council::objection::words;
use crate::council::refused::Refused as CouncilRefused;
use crate::db::schema::board_pictures;
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::files::{FileName, Files, Kind};
use crate::honours::award::{self, TitleAward};
use crate::id::Id;
use crate::photo::{self, Photo};
use crate::places::consent::{self, Purpose};
use crate::places::household::Household;
use crate::request::{self, Request, Requests};

/// A photograph and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = board_pictures)]
pub struct Picture {
    /// Its id.
    pub id: Id<Picture>,
    /// Whose deed or title.
    pub household_id: Id<Household>,
    nomination_id: Option<Id<Nomination>>,
    award_id: Option<Id<TitleAward>>,
    file: String,
    /// Pixels across.
    pub width: i64,
    /// Pixels down.
    pub height: i64,
    /// What is on it, for people who cannot see it.
    pub words: String,
    /// The day on which the guardian agreed in writing, where somebody under eighteen is on it.
    pub guardian_agreed_on: Option<Day>,
    /// Where it stands.
    pub state: State,
    /// Who added it.
    pub added_by: Id<User>,
    /// When.
    pub added_at: Moment,
    /// The second person.
    pub decided_by: Option<Id<User>>,
    /// When.
    pub decided_at: Option<Moment>,
    /// When the file was deleted.
    pub ended_at: Option<Moment>,
    /// Why, where somebody said so.
    pub ending_reason: Option<String>,
}

text_enum! {
    /// Where a photograph stands.
    pub enum State {
        /// Waits for a second person.
        Proposed = "proposed", "等第二人看";
        /// A second person agreed; shown as long as the household agrees.
        Approved = "approved", "已同意上榜";
        /// The second person did not agree.
        Refused = "refused", "没有同意";
        /// Taken down by the staff.
        TakenDown = "taken_down", "已撤下";
        /// Its time was over.
        Over = "over", "到期删除";
    }
}

impl State {
    /// States with a file.
    pub const KEPT: [State; 2] = [State::Proposed, State::Approved];
}

/// What a photograph stands beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beside {
    /// A good deed.
    Deed(Id<Nomination>),
    /// A title.
    Title(Id<TitleAward>),
}

impl Picture {
    /// What it stands beside.
    #[must_use]
    pub fn beside(&self) -> Option<Beside> {
        let deed = self.nomination_id.clone().map(Beside::Deed);
        deed.or_else(|| self.award_id.clone().map(Beside::Title))
    }

    /// Is there a file?
    #[must_use]
    pub fn is_kept(&self) -> bool {
        State::KEPT.contains(&self.state)
    }

    /// The file, while there is one.
    #[must_use]
    pub fn file(&self) -> Option<FileName> {
        FileName::parse(&self.file).filter(|_| self.is_kept())
    }
}

/// Is somebody under eighteen on it?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// Nobody.
    None,
    /// Yes, and the guardian agreed in writing on this day; the paper lies at the office.
    Agreed(Day),
    /// Yes, and nobody has agreed for them.
    NotAgreed,
}

/// The longest description, in characters.
pub const WORDS_LENGTH: usize = 60;
/// The longest reason, in characters.
pub const REASON_LENGTH: usize = 200;
/// Ids that one question to a database names.
const CHUNK: usize = 500;

/// A photograph that lies in the folder already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    file: FileName,
    width: u32,
    height: u32,
}

/// Puts a photograph made for a board into the folder. Takes a moment: before `write`, never within it.
///
/// # Errors
/// `Internal` when the disk fails.
pub fn keep(files: &Files, photo: &Photo) -> Result<Kept> {
    Ok(Kept {
        file: files.keep(&photo.bytes, &[Kind::Jpeg], photo::MOST_BYTES)?,
        width: photo.width,
        height: photo.height,
    })
}

/// Asks to put a photograph beside a deed or a title.
#[derive(Clone, Debug)]
pub struct Add {
    /// Beside what.
    pub beside: Beside,
    /// What is on it.
    pub words: String,
    /// Is somebody under eighteen on it?
    pub children: Children,
    /// Who adds it.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// May it be added? Asked before the file is kept, so that nothing lies in the folder that was refused.
///
/// # Errors
/// As [`add`].
pub fn expect_welcome(conn: &mut Conn, asked: &Add, now: Moment) -> Result<()> {
    // Sent a second time, it is there already and no fault.
    match request::made_with(conn, &asked.key)? {
        Some(_) => Ok(()),
        None => expect_right(conn, asked, now).map(drop),
    }
}

/// The household, the words and the day of the guardian's consent of a photograph with which nothing is wrong.
fn expect_right(conn: &mut Conn, asked: &Add, now: Moment) -> Result<(Id<Household>, String, Option<Day>)> {
    let today = day_of(now);
    let household = household_of(conn, &asked.beside)?;
    let said = words(
        "words",
        &asked.words,
        WORDS_LENGTH,
        "请用几个字写明照片上是什么，60个字以内，念给看不见照片的人听。",
    )?;
    let found = findings_about(conn, &household, &said)?;
    if !found.is_empty() {
        return Err(CouncilRefused::NotForPublic(found).into());
    }
    let guardian_agreed_on = match asked.children {
        Children::None => None,
        Children::NotAgreed => return Err(PictureRefused::Children.into()),
        Children::Agreed(day) if day > today => {
            return Err(Error::invalid("guardian_on", "监护人同意的日期不能晚于今天。"));
        }
        Children::Agreed(day) => Some(day),
    };
    if let Some(hidden) = hidden(conn, &asked.beside, today)? {
        return Err(PictureRefused::Hidden(hidden).into());
    }
    match of(conn, &asked.beside)? {
        Some(_) => Err(PictureRefused::AlreadyThere.into()),
        None => Ok((household, said, guardian_agreed_on)),
    }
}

/// Adds a photograph that a second person has yet to see; the same request again answers the first.
///
/// # Errors
/// [`PictureRefused`], the council's [`CouncilRefused::NotForPublic`]; `Invalid` fields; `NotFound`; `idempotency_conflict`.
pub fn add(conn: &mut Conn, asked: &Add, photo: &Kept, now: Moment) -> Result<Picture> {
    let (deed, title) = match &asked.beside {
        Beside::Deed(id) => (Some(id.clone()), None),
        Beside::Title(id) => (None, Some(id.clone())),
    };
    let file = photo.file.to_string();
    let beside = deed.as_ref().map(Id::as_str).or(title.as_ref().map(Id::as_str));
    let content = (beside, &asked.words, &file);
    let request = Request::new(&asked.key, asked.by.as_str(), "board_picture.add", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let (household_id, words, guardian_agreed_on) = expect_right(conn, asked, now)?;
    let picture = Picture {
        id: Id::new(now),
        household_id,
        nomination_id: deed,
        award_id: title,
        file,
        width: i64::from(photo.width),
        height: i64::from(photo.height),
        words,
        guardian_agreed_on,
        state: State::Proposed,
        added_by: asked.by.clone(),
        added_at: now,
        decided_by: None,
        decided_at: None,
        ended_at: None,
        ending_reason: None,
    };
    diesel::insert_into(board_pictures::table)
        .values(&picture)
        .execute(conn)?;
    requests.carried_out(&request, picture.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &picture.id, asked.by.as_str(), "board_picture.added", now)?;
    Ok(picture)
}

/// What is to become of a photograph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A second person lets it be shown.
    Approve,
    /// A second person does not.
    Refuse,
    /// It is taken down, or back.
    TakeDown,
}

/// Asks to decide about a photograph.
#[derive(Clone, Debug)]
pub struct Decide {
    /// Which.
    pub picture: Id<Picture>,
    /// What is to become of it.
    pub decision: Decision,
    /// Why it is refused or taken down.
    pub reason: String,
    /// Who decides.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Approves, refuses or takes down a photograph. Of one that is not shown any more the file is deleted at once.
///
/// # Errors
/// [`PictureRefused`]; `Invalid` without a reason where one is needed; `NotFound`; `idempotency_conflict`; `Internal` when the
/// disk fails.
pub fn decide(conn: &mut Conn, files: &Files, asked: &Decide, now: Moment) -> Result<Picture> {
    let act = match asked.decision {
        Decision::Approve => "board_picture.approved",
        Decision::Refuse => "board_picture.refused",
        Decision::TakeDown => "board_picture.taken_down",
    };
    let content = (asked.picture.as_str(), act, &asked.reason);
    let request = Request::new(&asked.key, asked.by.as_str(), "board_picture.decide", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let picture = by_id(conn, &asked.picture)?;
    let may_be_decided = match asked.decision {
        Decision::TakeDown => picture.is_kept(),
        Decision::Approve | Decision::Refuse => picture.state == State::Proposed,
    };
    if !may_be_decided {
        return Err(PictureRefused::Decided(picture.state).into());
    }
    if asked.decision != Decision::TakeDown && picture.added_by == asked.by {
        return Err(PictureRefused::SecondPerson.into());
    }
    let reason = || words("reason", &asked.reason, REASON_LENGTH, "请写明原因，200个字以内。");
    match asked.decision {
        Decision::Approve => {
            let beside = picture.beside().ok_or(Error::NotFound)?;
            if let Some(hidden) = hidden(conn, &beside, day_of(now))? {
                return Err(PictureRefused::Hidden(hidden).into());
            }
            seen(conn, &picture.id, State::Approved, &asked.by, now)?;
        }
        Decision::Refuse => {
            let why = reason()?;
            seen(conn, &picture.id, State::Refused, &asked.by, now)?;
            end(conn, files, &picture, State::Refused, Some(&why), now)?;
        }
        Decision::TakeDown => end(conn, files, &picture, State::TakenDown, Some(&reason()?), now)?,
    }
    requests.carried_out(&request, picture.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &picture.id, asked.by.as_str(), act, now)?;
    by_id(conn, &picture.id)
}

/// Writes down what the second person said.
fn seen(conn: &mut Conn, id: &Id<Picture>, state: State, by: &Id<User>, now: Moment) -> Result<()> {
    diesel::update(board_pictures::table.find(id))
        .set((
            board_pictures::state.eq(state),
            board_pictures::decided_by.eq(Some(by)),
            board_pictures::decided_at.eq(Some(now)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes down that a photograph has ended and takes its file away.
fn end(conn: &mut Conn, files: &Files, picture: &Picture, state: State, why: Option<&str>, now: Moment) -> Result<()> {
    diesel::update(board_pictures::table.find(&picture.id))
        .set((
            board_pictures::state.eq(state),
            board_pictures::ended_at.eq(Some(now)),
            board_pictures::ending_reason.eq(why),
        ))
        .execute(conn)?;
    match picture.file() {
        Some(file) => discard_unless_kept(conn, files, &file),
        None => Ok(()),
    }
}

/// Takes the file of a photograph away that was not taken after all.
///
/// # Errors
/// When the database or the disk fails.
pub fn discard(conn: &mut Conn, files: &Files, photo: &Kept) -> Result<()> {
    discard_unless_kept(conn, files, &photo.file)
}

/// Takes a file away, unless a row still shows it: many households may be on one photograph.
fn discard_unless_kept(conn: &mut Conn, files: &Files, file: &FileName) -> Result<()> {
    let rows = board_pictures::table
        .filter(board_pictures::file.eq(file.to_string()))
        .filter(board_pictures::state.eq_any(State::KEPT))
        .count()
        .get_result::<i64>(conn)?;
    match rows {
        0 => files.discard(file),
        _ => Ok(()),
    }
}

/// Why a photograph beside this would not be shown now; `None` when it would. The one rule of door, form and lists.
///
/// # Errors
/// `NotFound` for a deed or title that is not there.
pub fn hidden(conn: &mut Conn, beside: &Beside, today: Day) -> Result<Option<Hidden>> {
    let (household, since, is_told) = match beside {
        Beside::Deed(id) => {
            let deed = nomination::by_id(conn, id)?;
            let is_told = !deed.public_text.trim().is_empty();
            (deed.household_id.clone(), board::deed_since(&deed), is_told)
        }
        Beside::Title(id) => {
            let award = award::by_id(conn, id)?;
            (award.household_id.clone(), board::title_since(&award, today), true)
        }
    };
    let found = match () {
        () if !consent::given(conn, &household, Purpose::HonourBoard)? => Some(Hidden::NoBoardConsent),
        () if !consent::given(conn, &household, Purpose::Photo)? => Some(Hidden::NoPhotoConsent),
        () if !board::shows(conn, &household, since, today)? => Some(Hidden::NotOnBoard),
        () if !is_told => Some(Hidden::NotTold),
        () => None,
    };
    Ok(found)
}

/// The photograph with this id, if everybody may see it now.
///
/// # Errors
/// `NotFound`, whatever the reason.
pub fn shown(conn: &mut Conn, id: &Id<Picture>, today: Day) -> Result<Picture> {
    let picture = by_id(conn, id)?;
    let beside = picture.beside().filter(|_| picture.state == State::Approved);
    match hidden(conn, &beside.ok_or(Error::NotFound)?, today)? {
        None => Ok(picture),
        Some(_) => Err(Error::NotFound),
    }
}

/// A photograph as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its id, which is its address.
    pub id: Id<Picture>,
    /// Pixels across.
    pub width: i64,
    /// Pixels down.
    pub height: i64,
    /// What is on it.
    pub words: String,
}

/// The photographs of a quarter's deeds and titles that a second person approved and whose households agree to photographs.
/// Whether the household stands on the board at all is the board's question.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    deeds: HashMap<(Id<Household>, String), Shown>,
    titles: HashMap<Id<TitleAward>, Shown>,
}

impl Pictures {
    pub(super) fn of_quarter(conn: &mut Conn, quarter: Span) -> Result<Pictures> {
        let approved = board_pictures::table
            .filter(board_pictures::state.eq(State::Approved))
            .order(board_pictures::id)
            .select(Picture::as_select())
            .load::<Picture>(conn)?;
        let mut pictures = Pictures::default();
        for chunk in approved.chunks(CHUNK) {
            let homes: Vec<Id<Household>> = chunk.iter().map(|one| one.household_id.clone()).collect();
            let agreed = consent::given_by(conn, &homes, Purpose::Photo)?;
            let deeds: Vec<_> = chunk.iter().filter_map(|one| one.nomination_id.clone()).collect();
            let deeds: HashMap<_, _> = nomination::by_ids(conn, &deeds)?
                .into_iter()
                .filter(|deed| board::deed_since(deed).is_some_and(|on| quarter.contains(on)))
                .map(|deed| (deed.id.clone(), deed))
                .collect();
            for one in chunk.iter().filter(|one| agreed.contains(&one.household_id)) {
                let shown = Shown {
                    id: one.id.clone(),
                    width: one.width,
                    height: one.height,
                    words: one.words.clone(),
                };
                if let Some(award) = &one.award_id {
                    pictures.titles.insert(award.clone(), shown);
                } else if let Some(deed) = one.nomination_id.as_ref().and_then(|id| deeds.get(id)) {
                    let told = (deed.household_id.clone(), deed.public_text.trim().to_owned());
                    pictures.deeds.insert(told, shown);
                }
            }
        }
        Ok(pictures)
    }

    /// Beside what a household did, by the sentence that tells it: the same told twice stands on the board once.
    pub(super) fn beside_deed(&self, household: &Id<Household>, sentence: &str) -> Option<Shown> {
        self.deeds.get(&(household.clone(), sentence.to_owned())).cloned()
    }

    /// Beside a title.
    pub(super) fn beside_title(&self, award: &Id<TitleAward>) -> Option<Shown> {
        self.titles.get(award).cloned()
    }
}

/// Whose deed or title it is.
///
/// # Errors
/// `NotFound`.
pub fn household_of(conn: &mut Conn, beside: &Beside) -> Result<Id<Household>> {
    match beside {
        Beside::Deed(id) => Ok(nomination::by_id(conn, id)?.household_id),
        Beside::Title(id) => Ok(award::by_id(conn, id)?.household_id),
    }
}

/// A photograph by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Picture>) -> Result<Picture> {
    board_pictures::table
        .find(id)
        .select(Picture::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The photograph that is kept beside this, if any.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, beside: &Beside) -> Result<Option<Picture>> {
    let query = board_pictures::table
        .filter(board_pictures::state.eq_any(State::KEPT))
        .select(Picture::as_select())
        .into_boxed();
    let query = match beside {
        Beside::Deed(id) => query.filter(board_pictures::nomination_id.eq(id)),
        Beside::Title(id) => query.filter(board_pictures::award_id.eq(id)),
    };
    Ok(query.first(conn).optional()?)
}

/// The photographs that are kept, in the order in which they were added.
///
/// # Errors
/// Only when the database fails.
pub fn kept(conn: &mut Conn) -> Result<Vec<Picture>> {
    Ok(board_pictures::table
        .filter(board_pictures::state.eq_any(State::KEPT))
        .order(board_pictures::id)
        .select(Picture::as_select())
        .load(conn)?)
}

/// Those that have ended, the latest first.
///
/// # Errors
/// Only when the database fails.
pub fn ended(conn: &mut Conn, limit: i64) -> Result<Vec<Picture>> {
    Ok(board_pictures::table
        .filter(board_pictures::ended_at.is_not_null())
        .order((board_pictures::ended_at.desc(), board_pictures::id.desc()))
        .limit(limit)
        .select(Picture::as_select())
        .load(conn)?)
}

/// The photographs that are kept of a household.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<Picture>> {
    let mut own = kept(conn)?;
    own.retain(|one| one.household_id == *household);
    Ok(own)
}

fn record(conn: &mut Conn, picture: &Id<Picture>, by: &str, act: &str, now: Moment) -> Result<()> {
    let subject = format!("board_picture:{picture}");
    audit::record(conn, &[audit::Event::new(by, act, subject, String::new(), now)])
}
