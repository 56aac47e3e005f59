//! What of the work on titles and stars waits: how much for the desk, and which objections and appeals for the list of awards.

use super::{Told, star_entries};
use crate::access::role::Permission;
use crate::app::Staff;
use crate::clock::{self, Moment};
use crate::council::deadline;
use crate::db::Conn;
use crate::error::Result;
use crate::honours::award::{self, State};
use crate::honours::{appeal, objection};

/// What waits, as far as it is this person's business; nothing where nothing waits, because titles come once a quarter.
#[derive(Debug, Default)]
pub struct Work {
    /// Nominations for this person to verify.
    pub to_verify: Option<usize>,
    /// What the next session ballots.
    pub to_ballot: Option<usize>,
    /// What a session carried and no notice shows yet.
    pub to_publish: Option<usize>,
    /// Lists of stars for this person to confirm.
    pub stars_to_confirm: Option<usize>,
    /// Objections and appeals that wait for a decision, and how many of them are urgent.
    pub redress: Option<(usize, usize)>,
}

/// What waits for this person.
///
/// # Errors
/// Only when the database fails.
pub fn work_of(conn: &mut Conn, staff: &Staff, now: Moment) -> Result<Work> {
    use Permission as P;
    let may = |permission| staff.duties.permit(permission);
    let some = |count: usize| (count > 0).then_some(count);
    let mut work = Work::default();
    if may(P::Verify) {
        let mut waiting = awards(conn, staff, P::Verify, State::Nominated)?;
        waiting.retain(|one| one.nominated_by != staff.user.id);
        work.to_verify = some(waiting.len());
    }
    if may(P::KeepSession) {
        work.to_ballot = some(awards(conn, staff, P::KeepSession, State::Verified)?.len());
        work.to_publish = some(awards(conn, staff, P::KeepSession, State::Balloted)?.len());
    }
    work.stars_to_confirm = some(star_entries::to_confirm(conn, staff)?);
    if may(P::DecideObjection) {
        let waiting = waiting_for(conn, staff, P::DecideObjection, now)?;
        let urgent = waiting.iter().filter(|one| one.is_urgent).count();
        work.redress = some(waiting.len()).map(|open| (open, urgent));
    }
    Ok(work)
}

fn awards(conn: &mut Conn, staff: &Staff, permission: Permission, state: State) -> Result<Vec<award::TitleAward>> {
    let inside = staff.households(conn, permission)?;
    let mut found = award::standing_as(conn, &[state])?;
    found.retain(|one| inside.as_ref().is_none_or(|inside| inside.contains(&one.household_id)));
    Ok(found)
}

/// An objection or an appeal that waits.
pub(super) struct Waiting {
    /// Where it is decided.
    pub href: String,
    /// `异议`, `申诉`.
    pub what: &'static str,
    /// About which award.
    pub told: Told,
    /// `11月20日`.
    pub filed_on: String,
    /// `还有2天`.
    pub left: String,
    /// `11月25日`.
    pub last_day: String,
    /// Is more than half of the time gone?
    pub is_urgent: bool,
    decide_by: Moment,
}

/// What waits where this person reads what the council does, the next deadline first.
///
/// # Errors
/// Only when the database fails.
pub(super) fn waiting(conn: &mut Conn, staff: &Staff, now: Moment) -> Result<Vec<Waiting>> {
    match staff.duties.permit(Permission::ReadCouncil) {
        true => waiting_for(conn, staff, Permission::ReadCouncil, now),
        false => Ok(Vec::new()),
    }
}

fn waiting_for(conn: &mut Conn, staff: &Staff, permission: Permission, now: Moment) -> Result<Vec<Waiting>> {
    let inside = staff.households(conn, permission)?;
    let mut found = Vec::new();
    let mut wait = |what, href, told, (filed_at, decide_by): (Moment, Moment), is_urgent| {
        found.push(Waiting {
            href,
            what,
            told,
            filed_on: clock::spoken_day(clock::day_of(filed_at)),
            left: deadline::left(now, decide_by),
            last_day: clock::spoken_day(deadline::last_day(decide_by)),
            is_urgent,
            decide_by,
        });
    };
    for (one, award) in objection::open(conn, inside.as_deref())? {
        let told = Told::of(conn, staff, permission, award)?;
        let href = format!("/title-objections/{}/decision", one.receipt);
        wait("异议", href, told, (one.filed_at, one.decide_by), one.is_urgent(now));
    }
    for (one, award) in appeal::open(conn, inside.as_deref())? {
        let told = Told::of(conn, staff, permission, award)?;
        let href = format!("/title-appeals/{}/hearing", one.receipt);
        wait("申诉", href, told, (one.filed_at, one.decide_by), one.is_urgent(now));
    }
    found.sort_by_key(|one| one.decide_by);
    Ok(found)
}
