//! What of the council's work waits, for the desk: how many wait for a person's verification, for a session, a notice, the
//! budget; what the office must be warned of; and the month's calendar.

use super::waiting_for;
use crate::access::role::Permission;
use crate::app::Staff;
use crate::clock::{self, Day, Moment, days_after};
use crate::council::nomination::{self, State};
use crate::council::{appeal, budget, correction, notice, objection};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::places::area::Tree;
use crate::scheme::{terms, version};

/// What waits, as far as it is this person's business.
#[derive(Debug, Default)]
pub struct Work {
    /// Nominations for this person to verify.
    pub to_verify: Option<usize>,
    /// Verified nominations that a session decides next.
    pub to_decide: Option<usize>,
    /// Rows whose session has closed and whose notice is not out, and the number of that session.
    pub to_publish: Option<(usize, Option<i64>)>,
    /// Rows on notice.
    pub on_notice: Option<usize>,
    /// Objections that wait for a decision, and how many of them are urgent.
    pub objections: Option<(usize, usize)>,
    /// Appeals that wait for their next step, and how many of them are urgent; nothing when there are none.
    pub appeals: Option<(usize, usize)>,
    /// Corrections that wait for a second person; nothing when there are none.
    pub corrections: Option<usize>,
    /// Awards that wait for the budget.
    pub queued: Option<usize>,
    /// What the office must know before anything else.
    pub warnings: Vec<String>,
    /// `本月申报截止20日，25日评议，公示3天`.
    pub calendar: Option<String>,
}

/// What of the council's work waits for this person.
///
/// # Errors
/// Only when the database fails.
pub fn work_of(conn: &mut Conn, staff: &Staff, now: Moment) -> Result<Work> {
    use Permission as P;
    let may = |permission| staff.duties.permit(permission);
    let today = clock::day_of(now);
    let mut work = Work::default();
    if may(P::Verify) {
        work.to_verify = Some(waiting_for(conn, staff)?.len());
    }
    if may(P::ReadNominations) {
        work.calendar = calendar(conn, today)?;
    }
    if may(P::KeepSession) {
        work.to_decide = Some(count(conn, staff, P::KeepSession, &[State::Verified])?);
        work.to_publish = Some(to_publish(conn, staff)?);
    }
    if may(P::ReadCouncil) {
        work.on_notice = Some(count(
            conn,
            staff,
            P::ReadCouncil,
            &[State::Notified, State::Suspended],
        )?);
    }
    if may(P::DecideObjection) {
        let inside = staff.households(conn, P::DecideObjection)?;
        let inside = inside.as_deref();
        work.objections = Some(objection::open_count(conn, inside)?);
        work.appeals = Some(appeal::open_count(conn, inside)?).filter(|(open, _)| *open > 0);
        work.corrections = Some(correction::open_count(conn, inside)?).filter(|open| *open > 0);
    }
    if may(P::SetBudget) {
        let queued = count(conn, staff, P::SetBudget, &[State::Queued])?;
        work.queued = Some(queued);
        work.warnings = warnings(conn, queued, today)?;
    }
    Ok(work)
}

fn count(conn: &mut Conn, staff: &Staff, permission: Permission, states: &[State]) -> Result<usize> {
    let inside = staff.households(conn, permission)?;
    nomination::count(conn, states, inside.as_deref())
}

fn to_publish(conn: &mut Conn, staff: &Staff) -> Result<(usize, Option<i64>)> {
    let reach = staff.reach(conn, Permission::KeepSession)?;
    let mut waiting = notice::unpublished(conn)?;
    waiting.retain(|(session, _)| reach.covers(&session.area_id));
    let rows = waiting.iter().map(|(_, rows)| *rows).sum();
    Ok((rows, waiting.first().map(|(session, _)| session.number)))
}

fn warnings(conn: &mut Conn, queued: usize, today: Day) -> Result<Vec<String>> {
    let tree = Tree::load(conn)?;
    let used = budget::in_use(conn, today)?;
    let mut warnings = Vec::new();
    if used.is_empty() {
        warnings.push("还没有定发放预算：不定预算，一分也不会入账，公示期满的都要排队。".to_owned());
    }
    for one in used {
        let area = tree
            .get(&one.budget.area_id)
            .map(|area| area.name.clone())
            .unwrap_or_default();
        let left = one.left();
        if left.0 == 0 {
            warnings.push(format!("{area}本月发放预算已用完，新的要排队到下个月。"));
        } else if one.is_low() {
            let line = one.budget.soft_percent;
            warnings.push(format!("{area}本月发放预算已用到提醒线（{line}%），还剩{left}分。"));
        }
    }
    if queued > 0 {
        warnings.push(format!("有{queued}条公示期满，在排队等预算。"));
    }
    Ok(warnings)
}

fn calendar(conn: &mut Conn, today: Day) -> Result<Option<String>> {
    let version = match version::in_force(conn, today) {
        Ok(version) => version,
        Err(Error::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let cycle = terms::of(conn, &version.id)?.cycle;
    let council = chrono::Datelike::with_day(&today, cycle.council_day);
    let Some(council) = council else { return Ok(None) };
    let posts = days_after(council, cycle.notice_days.saturating_add(1));
    Ok(Some(format!(
        "本月申报截止{}日，{}日评议，公示{}天，{}入账。",
        cycle.nomination_deadline_day,
        cycle.council_day,
        cycle.notice_days,
        posts.format("%-m月%-d日"),
    )))
}
