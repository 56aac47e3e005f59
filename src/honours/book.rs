//! A household's own honours, as it reads them itself: titles and stars, whatever became of them.
//!
//! A title stands here once the council has decided: nobody hears of a try that came to nothing before. Who nominated, how
//! anybody voted, and whatever is about other households stands nowhere here. A household that others were merged into reads
//! what those hold, or were given and lost, and what the merge ended, under their names. It writes nothing.

use std::collections::HashMap;

use super::appeal::{self, Kind, TitleAppeal};
use super::award::{self, Ending, State, TitleAward};
use super::title::{self, HonourTitle};
use super::{notice, star};
use crate::clock::{Day, Moment, day_of};
use crate::council::deadline;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::{self, Household};
use crate::places::standing;
use crate::points::Points;

/// What a household was given, or was not.
#[derive(Clone, Debug)]
pub struct HonourBook {
    /// Its titles, newest first.
    pub titles: Vec<OwnTitle>,
    /// Its stars, the longest valid first.
    pub stars: Vec<OwnStar>,
}

/// A title on which the council has decided.
#[derive(Clone, Debug)]
pub struct OwnTitle {
    /// The award.
    pub id: Id<TitleAward>,
    /// The head of the household that it was given to, where that was merged into this one; empty for its own.
    pub former: String,
    /// `文明榜样户`.
    pub name: String,
    /// `2026年第四季度`.
    pub period: String,
    /// Where it stands.
    pub state: State,
    /// Is it held today?
    pub is_held: bool,
    /// Why this household, as everybody may read it.
    pub reason: String,
    /// Its slip number, `H3-2`; empty before there is a notice.
    pub slip: String,
    /// The notice on which it stands now.
    pub on_notice: Option<OnNotice>,
    /// The last day of its term, once it was conferred and as long as nobody took it back.
    pub term_ends_on: Option<Day>,
    /// Points that come with it.
    pub reward: Points,
    /// The slip number of their posting.
    pub posted_as: Option<i64>,
    /// The slip number under which they were taken back.
    pub taken_back_as: Option<i64>,
    /// Why it ended; empty for any other.
    pub ending: String,
    /// The household's own appeal.
    pub appeal: Option<OwnAppeal>,
    /// The last day on which the household may appeal.
    pub appeal_until: Option<Day>,
}

/// What became of the household's own appeal.
#[derive(Clone, Debug)]
pub struct OwnAppeal {
    /// The number on its receipt.
    pub receipt: String,
    /// Where it stands.
    pub state: appeal::State,
    /// The last day for the decision.
    pub last_day: Day,
}

/// A public notice that runs.
#[derive(Clone, Debug)]
pub struct OnNotice {
    /// Its number.
    pub number: i64,
    /// The last day on which anyone may object.
    pub last_day: Day,
}

/// A star that was given.
#[derive(Clone, Debug)]
pub struct OwnStar {
    /// `和睦星`.
    pub name: String,
    /// What it is given for.
    pub criterion: String,
    /// The day of the session that gave it.
    pub from: Day,
    /// The last day on which it holds.
    pub until: Day,
    /// Is it held today?
    pub is_held: bool,
}

impl OwnTitle {
    /// The slip number of its points, where they posted to this household.
    #[must_use]
    pub fn own_posting(&self) -> Option<i64> {
        self.posted_as.filter(|_| self.former.is_empty())
    }

    /// What became of its points; empty where none come.
    #[must_use]
    pub fn reward_in_words(&self) -> String {
        let reward = self.reward;
        if reward == Points::ZERO {
            return String::new();
        }
        match (self.posted_as, self.taken_back_as, self.state) {
            (Some(number), None, _) => format!("{reward}分，已入账，凭条号{number}"),
            (Some(number), Some(back), _) => format!("{reward}分，凭条号{number}；已收回，凭条号{back}"),
            (None, _, State::Conferred) => format!("{reward}分，排队等本月预算"),
            (None, _, State::Balloted | State::Notified | State::Suspended) => format!("{reward}分，授予后入账"),
            (None, ..) => String::new(),
        }
    }
}

/// Titles that are looked through.
const NEWEST: i64 = 100;

/// What a household was given, or was not.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, household: &Id<Household>, now: Moment) -> Result<HonourBook> {
    Ok(HonourBook {
        titles: titles(conn, household, now)?,
        stars: stars(conn, household, day_of(now))?,
    })
}

/// One of a household's titles, as it stands in its book.
///
/// # Errors
/// `NotFound`, also for another household's, and for one on which the council has not decided.
pub fn title(conn: &mut Conn, household: &Id<Household>, award: &Id<TitleAward>, now: Moment) -> Result<OwnTitle> {
    let mut titles = titles(conn, household, now)?.into_iter();
    titles.find(|one| one.id == *award).ok_or(Error::NotFound)
}

fn titles(conn: &mut Conn, household: &Id<Household>, now: Moment) -> Result<Vec<OwnTitle>> {
    let known = title::every(conn)?;
    let days_to_appeal = deadline::cycle(conn, day_of(now))?.appeal_window_days;
    let absorbed = standing::absorbed(conn, household)?;
    let former: HashMap<Id<Household>, Household> = household::by_ids(conn, &absorbed)?
        .into_iter()
        .map(|home| (home.id.clone(), home))
        .collect();
    let all = [absorbed, vec![household.clone()]].concat();
    let mut titles = Vec::new();
    for award in award::list(conn, Some(&all), NEWEST)? {
        let former = former.get(&award.household_id);
        if let Some(title) = known.get(&award.title_id)
            && is_decided(&award)
            && (former.is_none() || is_left_behind(&award))
        {
            titles.push(own(conn, award, former, title, days_to_appeal, now)?);
        }
    }
    Ok(titles)
}

/// Does what a former household had still matter to the one that it became part of?
fn is_left_behind(award: &TitleAward) -> bool {
    matches!(award.state, State::Conferred | State::Revoked) || award.ending == Some(Ending::Merged)
}

/// Has the council decided? What a verifier refused never came before it.
fn is_decided(award: &TitleAward) -> bool {
    match award.state {
        State::Nominated | State::Verified | State::Withdrawn => false,
        State::Declined => award.session_id.is_some(),
        State::Balloted | State::Notified | State::Suspended | State::Conferred | State::Revoked => true,
    }
}

fn own(
    conn: &mut Conn,
    award: TitleAward,
    former: Option<&Household>,
    title: &HonourTitle,
    days_to_appeal: u64,
    now: Moment,
) -> Result<OwnTitle> {
    let notice = match &award.notice_id {
        Some(id) => Some(notice::by_id(conn, id)?),
        None => None,
    };
    let slip = notice.as_ref().map(|notice| notice.slip(&award)).unwrap_or_default();
    let is_open = matches!(award.state, State::Notified | State::Suspended);
    let running = notice.filter(|notice| is_open && notice.runs_at(now));
    // What somebody else says against a title is not told here.
    let appeals = appeal::of_award(conn, &award.id)?;
    let appeal = appeals.into_iter().rfind(|one| one.kind == Kind::Declined).map(told);
    let may_appeal = appeal::kind_of(&award) == Some(Kind::Declined) && appeal.is_none() && former.is_none();
    let until = award
        .ended_at
        .map(|ended_at| deadline::after_days(ended_at, days_to_appeal));
    Ok(OwnTitle {
        id: award.id.clone(),
        former: former.map(|home| home.head_name.clone()).unwrap_or_default(),
        name: title.name.clone(),
        period: title.period.in_words(award.period_from),
        state: award.state,
        is_held: award.is_held_on(day_of(now)),
        slip,
        on_notice: running.map(|notice| OnNotice {
            number: notice.number,
            last_day: deadline::last_day(notice.ends_at),
        }),
        term_ends_on: award.term_ends_on.filter(|_| award.state == State::Conferred),
        reward: title.reward_points,
        posted_as: award.transaction_number,
        taken_back_as: award.reversal_number,
        ending: award.ending_reason.unwrap_or_default(),
        appeal,
        appeal_until: until.filter(|until| may_appeal && now < *until).map(deadline::last_day),
        reason: award.reason,
    })
}

fn told(appeal: TitleAppeal) -> OwnAppeal {
    OwnAppeal {
        receipt: appeal.receipt,
        state: appeal.state,
        last_day: deadline::last_day(appeal.decide_by),
    }
}

fn stars(conn: &mut Conn, household: &Id<Household>, today: Day) -> Result<Vec<OwnStar>> {
    let mut stars = Vec::new();
    for award in star::of_household(conn, household)? {
        let star = star::by_id(conn, &award.star_id)?;
        stars.push(OwnStar {
            name: star.name,
            criterion: star.criterion,
            from: award.given_on,
            until: award.until_on,
            is_held: today <= award.until_on,
        });
    }
    Ok(stars)
}
