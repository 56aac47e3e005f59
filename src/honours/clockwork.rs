//! What happens to titles by itself: silence decides, notices are taken down, titles are conferred, points post.
//!
//! It is called after the council's clockwork and catches up as that does; doing it twice does nothing.

use super::award::{self, State};
use super::{appeal, departed, notice, objection, title};
use crate::clock::Moment;
use crate::council::clockwork;
use crate::db::Conn;
use crate::error::Result;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// What was under way for households that are gone, and what they appealed about.
    pub departed: usize,
    /// Objections that silence dismissed.
    pub objections: usize,
    /// Appeals that silence decided.
    pub appeals: usize,
    /// Titles that were conferred.
    pub conferred: usize,
    /// Rewards that had waited for the budget and posted.
    pub rewarded: usize,
    /// Notices that were taken down.
    pub taken_down: usize,
}

impl Done {
    /// Was there anything to do?
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Done::default()
    }
}

/// Does what is due.
///
/// # Errors
/// The council's `ClockSetBack`.
pub fn run(conn: &mut Conn, now: Moment) -> Result<Done> {
    clockwork::expect_forward(conn, now)?;
    let departed = departed::end(conn, now)?;
    // First what holds a title: an objection that silence dismisses lets it be conferred in the same run.
    let objections = objection::due(conn, now)?;
    let appeals = appeal::due(conn, now)?;
    let rewarded = reward_waiting(conn, now)?;
    let run_out = notice::run_out(conn, now)?;
    let conferred = run_out.len();
    for award in run_out {
        award::confer(conn, award, "system", now)?;
    }
    Ok(Done {
        departed,
        objections,
        appeals,
        conferred,
        rewarded,
        taken_down: notice::take_down_due(conn, now)?,
    })
}

/// Posts what had no room in the month's budget before, in the order in which it was conferred.
fn reward_waiting(conn: &mut Conn, now: Moment) -> Result<usize> {
    let mut waiting = award::standing_as(conn, &[State::Conferred])?;
    waiting.retain(|award| award.transaction_number.is_none());
    waiting.sort_by_key(|award| award.conferred_at);
    let titles = title::every(conn)?;
    let mut rewarded = 0usize;
    for award in waiting {
        if let Some(title) = titles.get(&award.title_id)
            && award::pay(conn, award, title, now)?.transaction_number.is_some()
        {
            rewarded = rewarded.saturating_add(1);
        }
    }
    Ok(rewarded)
}
