//! The demo's redress: objections of neighbours, two appeals of households that the council turned down, a correction.
//!
//! One objection is right, one is not, one nobody decides, and one is open today. One appeal is won and one is lost, before
//! a panel of people who did not vote. Each step is a function of its own day, which `events` has in its calendar.

use chrono::TimeDelta;

use super::{Setting, council};
use crate::access::user::{self, User};
use crate::clock::{Day, Moment, begin_of};
use crate::council::appeal::panel::{self, Accept, Give, Opinion};
use crate::council::appeal::{self, Appeal};
use crate::council::correction::{self, Propose};
use crate::council::nomination::{self, Decision, Filter, Nominate, Nomination, Nominator, State};
use crate::council::notice::{self, Notice};
use crate::council::objection::{self, Channel, Decide, File, Objection};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::points::Points;

/// What neighbours say on the first notice, how, and whether they are right.
const SAID: [(&str, Channel, bool); 2] = [
    ("那天这户没有人在场，请核对签到表。", Channel::Web, true),
    ("这件事是好几家一起做的，不该只记一家。", Channel::InPerson, false),
];
/// What somebody says whom nobody answers in time, and what somebody says today.
const UNANSWERED: &str = "听说照片是以前拍的，请看一下日期。";
const OPEN: &str = "我在现场，没有看到这户的人，请再核实一下。";

/// The deed of the two households that appeal.
const DEED: (&str, &str) = ("E05", "照顾生病的邻居老人两个月，季度评议");
/// How many appeal: the first wins, the second loses.
const APPEALS: usize = 2;
/// Members of a panel, where there are as many without a part.
const PANEL: usize = 3;

fn at(day: Day, hour: i64) -> Moment {
    begin_of(day) + TimeDelta::hours(hour)
}

/// Two neighbours object to two rows of the notice that runs.
pub(super) fn object_twice(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let at = at(day, 10);
    let Some((notice, rows)) = running(conn, at)? else {
        return Ok(());
    };
    // Far from each other: two rows of two households.
    let step = (rows.len() / SAID.len()).max(1);
    for ((reason, channel, _), row) in SAID.into_iter().zip(rows.iter().step_by(step)) {
        object(conn, town, &notice, row, reason, channel, at)?;
    }
    Ok(())
}

/// Both are decided the next day: one row ends, the other goes on.
pub(super) fn decide_both(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let by = user::by_id(conn, &town.administrator)?;
    for (objection, _) in objection::list(conn, None, 100)? {
        let said = SAID.iter().find(|(reason, ..)| *reason == objection.reason);
        let Some((.., upheld)) = said.filter(|_| objection.state == objection::State::Open) else {
            continue;
        };
        let asked = Decide {
            key: format!("demo-decide-{}", objection.id),
            objection: objection.id,
            upheld: *upheld,
            reason: match upheld {
                true => "签到表上没有这一户，核实有误".to_owned(),
                false => "签到表和照片都有这一户，各家分别申报".to_owned(),
            },
            by: by.clone(),
        };
        objection::decide(conn, &asked, at(day, 15))?;
    }
    Ok(())
}

/// Somebody objects, and nobody decides in time: silence favours the household.
pub(super) fn object_unanswered(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let at = at(day, 11);
    match running(conn, at)? {
        Some((notice, rows)) => match rows.first() {
            Some(row) => object(conn, town, &notice, row, UNANSWERED, Channel::ByPhone, at).map(|_| ()),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

/// Somebody objects today: the row waits, and a visitor decides.
pub(super) fn object_today(conn: &mut Conn, town: &Setting, now: Moment) -> Result<()> {
    let Some((notice, rows)) = running(conn, now)? else {
        return Ok(());
    };
    match rows.get(rows.len() / 2) {
        Some(row) => object(conn, town, &notice, row, OPEN, Channel::Web, now).map(|_| ()),
        None => Ok(()),
    }
}

/// The notice that runs, with its rows that give points. They are in the order of the households, which is the same each time.
fn running(conn: &mut Conn, at: Moment) -> Result<Option<(Notice, Vec<Nomination>)>> {
    let newest = notice::list(conn, 1)?.into_iter().find(|notice| notice.runs_at(at));
    let Some(notice) = newest else { return Ok(None) };
    let rows = with_points(conn, &notice, State::Notified)?;
    Ok(Some((notice, rows)))
}

fn with_points(conn: &mut Conn, notice: &Notice, state: State) -> Result<Vec<Nomination>> {
    let mut rows = nomination::of_notice(conn, &notice.id)?;
    rows.retain(|row| row.state == state && row.spendable_points.unwrap_or_default() > Points::ZERO);
    rows.sort_by(|one, other| {
        let order = |row: &Nomination| (row.household_id.clone(), row.occurred_on, row.nominated_at);
        order(one).cmp(&order(other))
    });
    Ok(rows)
}

fn object(
    conn: &mut Conn,
    town: &Setting,
    notice: &Notice,
    row: &Nomination,
    reason: &str,
    channel: Channel,
    at: Moment,
) -> Result<Objection> {
    let slip = row.notice_slip(notice);
    let asked = File {
        key: format!("demo-objection-{slip}"),
        slip,
        reason: reason.to_owned(),
        name: String::new(),
        contact: String::new(),
        channel,
        taken_by: match channel {
            Channel::Web => None,
            Channel::InPerson | Channel::ByPhone | Channel::OnPaper => Some(town.building_head.clone()),
        },
    };
    objection::file(conn, &asked, at)
}

/// Households that the council has doubts about are nominated for what each is voted on alone: it will say no.
pub(super) fn nominate_doubtful(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let mut nominated = 0;
    for resident in town.households.iter().filter(|one| council::doubts(&one.household.id)) {
        if nominated == APPEALS {
            break;
        }
        let (item, note) = DEED;
        let asked = Nominate {
            household: resident.household.id.clone(),
            item: item.to_owned(),
            count: 1,
            occurred_on: day,
            note: note.to_owned(),
            by: Nominator::Staff(resident.building_head.clone()),
            key: format!("demo-doubtful-{}", resident.household.code),
        };
        // Who has had this deed in the quarter is passed over.
        let nomination = match nomination::nominate(conn, &asked, at(day, 9)) {
            Ok(nomination) => nomination,
            Err(Error::Refused(_)) => continue,
            Err(error) => return Err(error),
        };
        super::history::verify(conn, resident, nomination, Decision::Approve, at(day, 10))?;
        nominated += 1;
    }
    Ok(())
}

/// They appeal.
pub(super) fn appeal(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let declined = Filter {
        state: Some(State::Declined),
        ..Filter::default()
    };
    let mut rows = nomination::list(conn, &declined, i64::MAX)?;
    rows.retain(|row| row.note == DEED.1);
    for (minute, resident) in (0i64..).zip(&town.households) {
        let Some(row) = rows.iter().find(|row| row.household_id == resident.household.id) else {
            continue;
        };
        let asked = appeal::File {
            subject: format!("award:{}", row.id),
            household: None,
            claimed_count: None,
            reason: "两个月里每天都去，邻居和老人都可以作证。".to_owned(),
            contact: String::new(),
            channel: Channel::OnPaper,
            taken_by: Some(resident.grid_worker.id.clone()),
            key: format!("demo-appeal-{}", resident.household.code),
        };
        appeal::file(conn, &asked, at(day, 9) + TimeDelta::minutes(minute))?;
    }
    Ok(())
}

/// Each appeal gets its panel: people who did not vote and had no other part.
pub(super) fn name_panels(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let by = user::by_id(conn, &town.administrator)?;
    for appeal in standing(conn, appeal::State::Filed)? {
        let candidates = panel::candidates(conn, &appeal, at(day, 9))?;
        let able = candidates.into_iter().filter(|one| one.part.is_none());
        let asked = Accept {
            panel: able.take(PANEL).map(|one| one.key).collect(),
            key: format!("demo-panel-{}", appeal.id),
            appeal: appeal.id,
            by: by.clone(),
        };
        panel::accept(conn, &asked, at(day, 9))?;
    }
    Ok(())
}

/// The households are heard.
pub(super) fn hear(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let by = user::by_id(conn, &town.administrator)?;
    for appeal in standing(conn, appeal::State::Accepted)? {
        panel::hear(
            conn,
            &appeal.id,
            "住户说明了经过，复议组看了照护记录。",
            &by,
            at(day, 15),
        )?;
    }
    Ok(())
}

/// The panels give their opinions: the first household is right, the second is not, and one of three sees it otherwise.
pub(super) fn decide_appeals(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    for (nth, appeal) in standing(conn, appeal::State::Heard)?.into_iter().enumerate() {
        for member in panel::of(conn, &appeal.id)? {
            let with_majority = member.position < 3;
            let by = member.user_id.as_ref().unwrap_or(&town.administrator);
            let (opinion, reason) = match (nth == 0) == with_majority {
                true => (Opinion::Uphold, "照护记录完整，邻居的证明可信"),
                false => (Opinion::Dismiss, "记录只有几天，不够一个季度"),
            };
            let asked = Give {
                appeal: appeal.id.clone(),
                position: member.position,
                opinion,
                reason: reason.to_owned(),
                by: user::by_id(conn, by)?,
                key: format!("demo-opinion-{}-{}", appeal.id, member.position),
            };
            panel::give(conn, &asked, at(day, 16))?;
        }
    }
    Ok(())
}

/// The appeals that stand here, in the order in which they came.
fn standing(conn: &mut Conn, state: appeal::State) -> Result<Vec<Appeal>> {
    let mut appeals = appeal::list(conn, None, 100)?;
    appeals.retain(|appeal| appeal.state == state);
    appeals.sort_by_key(|appeal| appeal.filed_at);
    Ok(appeals)
}

/// An award that posted a month ago turns out to have been reported twice.
pub(super) fn propose_correction(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let (first, second) = two_people(conn, town)?;
    // The newest notice still runs.
    let Some(notice) = notice::list(conn, 2)?.into_iter().nth(1) else {
        return Ok(());
    };
    for row in with_points(conn, &notice, State::Posted)?.into_iter().rev() {
        let has_part = |conn: &mut Conn, by| objection::part_in(conn, &row, by).map(|part| part.is_some());
        if has_part(conn, &first)? || has_part(conn, &second)? {
            continue;
        }
        let asked = Propose {
            key: format!("demo-correction-{day}"),
            nomination: row.id.clone(),
            reason: "同一件事在另一张签到表上已经报过".to_owned(),
            by: first,
        };
        return correction::propose(conn, &asked, at(day, 10)).map(|_| ());
    }
    Ok(())
}

/// A second person confirms it: the points go back, and what was spent is borne by the programme.
pub(super) fn confirm_correction(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let (_, second) = two_people(conn, town)?;
    for (correction, _) in correction::list(conn, None, 100)? {
        if correction.state != correction::State::Proposed {
            continue;
        }
        let asked = correction::Decide {
            key: format!("demo-correction-{}", correction.id),
            correction: correction.id,
            confirmed: true,
            reason: "核对两张签到表，确是同一件事".to_owned(),
            by: second.clone(),
        };
        correction::decide(conn, &asked, at(day, 10))?;
    }
    Ok(())
}

fn two_people(conn: &mut Conn, town: &Setting) -> Result<(User, User)> {
    Ok((
        user::by_id(conn, &town.administrator)?,
        user::by_id(conn, &town.council_member)?,
    ))
}
