//! A household's own honours, as it reads them itself: titles and stars, whatever became of them.
//!
//! A title stands here once the council has decided: nobody hears of a try that came to nothing before. Who nominated, how
//! anybody voted, and whatever is about other households stands nowhere here. It writes nothing.

use super::appeal::{self, Kind};
use super::award::{self, State, TitleAward};
use super::title::{self, HonourTitle};
use super::{notice, star};
use crate::clock::{Day, Moment, day_of};
use crate::council::deadline;
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::places::household::Household;
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
    /// Where the household's own appeal stands.
    pub appeal: Option<appeal::State>,
    /// The last day on which the household may appeal.
    pub appeal_until: Option<Day>,
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

/// What ended at a ballot: behind these words stand its counts, which are not told.
const BY_BALLOT: [&str; 2] = ["票决未通过", "名额已满"];

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

fn titles(conn: &mut Conn, household: &Id<Household>, now: Moment) -> Result<Vec<OwnTitle>> {
    let known = title::every(conn)?;
    let days_to_appeal = deadline::cycle(conn, day_of(now))?.appeal_window_days;
    let mut titles = Vec::new();
    for award in award::of_household(conn, household)? {
        if let Some(title) = known.get(&award.title_id)
            && is_decided(&award)
        {
            titles.push(own(conn, award, title, days_to_appeal, now)?);
        }
    }
    Ok(titles)
}

/// Has the council decided? What a verifier refused never came before it.
fn is_decided(award: &TitleAward) -> bool {
    match award.state {
        State::Nominated | State::Verified | State::Withdrawn => false,
        State::Declined => award.session_id.is_some(),
        State::Balloted | State::Notified | State::Suspended | State::Conferred | State::Revoked => true,
    }
}

fn own(conn: &mut Conn, award: TitleAward, title: &HonourTitle, days_to_appeal: u64, now: Moment) -> Result<OwnTitle> {
    let notice = match &award.notice_id {
        Some(id) => Some(notice::by_id(conn, id)?),
        None => None,
    };
    let slip = notice.as_ref().map(|notice| notice.slip(&award)).unwrap_or_default();
    let is_open = matches!(award.state, State::Notified | State::Suspended);
    let running = notice.filter(|notice| is_open && notice.runs_at(now));
    // What somebody else says against a title is not told here.
    let appeals = appeal::of_award(conn, &award.id)?;
    let appeal = appeals
        .iter()
        .rfind(|one| one.kind == Kind::Declined)
        .map(|one| one.state);
    let may_appeal = award.state == State::Declined && appeal.is_none();
    let until = award
        .ended_at
        .map(|ended_at| deadline::after_days(ended_at, days_to_appeal));
    Ok(OwnTitle {
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
        ending: ending(award.ending_reason.as_deref().unwrap_or_default()),
        appeal,
        appeal_until: until.filter(|until| may_appeal && now < *until).map(deadline::last_day),
        reason: award.reason,
    })
}

/// Why it ended, without the counts of a ballot.
fn ending(reason: &str) -> String {
    let by_ballot = BY_BALLOT.into_iter().find(|told| reason.starts_with(told));
    by_ballot.unwrap_or(reason).to_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_vote_is_told() {
        assert_eq!(ending("票决未通过：赞成1，反对2，弃权0，应投3人"), "票决未通过");
        assert_eq!(
            ending("名额已满，别户赞成票更多：赞成2，反对1，弃权0，应投3人"),
            "名额已满"
        );
        assert_eq!(ending("异议成立：看了值日表"), "异议成立：看了值日表");
        assert_eq!(ending(""), "");
    }
}
