//! What the pages of objections, appeals and corrections share: a row as the public may see it, and its whole history.

use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::Staff;
use crate::clock::{self, Moment};
use crate::council::appeal::{self, panel};
use crate::council::correction;
use crate::council::motion;
use crate::council::nomination::Nomination;
use crate::council::objection::{self, Channel};
use crate::council::{notice, receipt, session};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::scheme::item;

/// A row as everybody may see it: family name, building, what for.
pub(super) struct PublicRow {
    pub slip: String,
    pub who: String,
    pub what: String,
    pub points: Points,
}

impl PublicRow {
    pub(super) fn of(conn: &mut Conn, row: &Nomination, slip: String) -> Result<PublicRow> {
        let household = household::by_id(conn, &row.household_id)?;
        let (item, _) = item::by_id(conn, &row.scoring_item_id)?;
        let tree = Tree::load(conn)?;
        let building = tree.get(&household.building_id).map(|area| area.name.clone());
        Ok(PublicRow {
            slip,
            who: format!("{} {}", building.unwrap_or_default(), household.masked_name()),
            what: item.name,
            points: row.points,
        })
    }
}

/// The slip number of a row that is or was on a notice.
pub(super) fn slip_of(conn: &mut Conn, row: &Nomination) -> Result<String> {
    match &row.notice_id {
        Some(id) => Ok(row.notice_slip(&notice::by_id(conn, id)?)),
        None => Ok(String::new()),
    }
}

/// One thing that happened to a row.
pub(super) struct Step {
    pub what: String,
    pub who: String,
    pub when: String,
    pub note: String,
    /// `done`, `no`, `now`: how the step is drawn.
    pub mark: &'static str,
    at: Moment,
}

impl Step {
    fn new(what: impl Into<String>, who: impl Into<String>, at: Moment) -> Step {
        Step {
            what: what.into(),
            who: who.into(),
            when: clock::spoken(at),
            note: String::new(),
            mark: "done",
            at,
        }
    }

    fn note(self, note: impl Into<String>) -> Step {
        Step {
            note: note.into(),
            ..self
        }
    }

    fn mark(self, mark: &'static str) -> Step {
        Step { mark, ..self }
    }
}

/// Everything that happened to a row, in order. Of an objection it says that there was one and how it ended, never whose.
pub(super) fn story(conn: &mut Conn, row: &Nomination) -> Result<Vec<Step>> {
    let names = |conn: &mut Conn, id: &Option<Id<User>>| -> Result<String> {
        match id {
            Some(id) => Ok(user::display_names(conn, std::slice::from_ref(id))?
                .remove(id)
                .unwrap_or_default()),
            None => Ok(String::new()),
        }
    };
    let nominator = match &row.nominated_by {
        Some(_) => names(conn, &row.nominated_by)?,
        None => "居民".to_owned(),
    };
    let mut steps = vec![Step::new("申报", nominator, row.nominated_at).note(row.note.clone())];
    if let Some(at) = row.decided_at {
        let returned = row.state == crate::council::nomination::State::Returned;
        let (what, mark) = match returned {
            true => ("核实：退回", "no"),
            false => ("核实", "done"),
        };
        let who = names(conn, &row.decided_by)?;
        let note = row.decision_reason.clone().unwrap_or_default();
        steps.push(Step::new(what, who, at).note(note).mark(mark));
    }
    for motion in motion::of_nomination(conn, &row.id)? {
        let Some(at) = motion.decided_at else { continue };
        let session = session::by_id(conn, &motion.session_id)?;
        let who = format!("第{}次会议", session.number);
        let counts = format!(
            "{}：赞成{}，反对{}，弃权{}",
            session.ballot.label(),
            motion.votes_for,
            motion.votes_against,
            motion.abstentions
        );
        let mark = match motion.state {
            motion::State::Declined => "no",
            _ => "done",
        };
        let what = format!("评议：{}", motion.state.label());
        steps.push(Step::new(what, who, at).note(counts).mark(mark));
    }
    if let Some(id) = &row.notice_id {
        let notice = notice::by_id(conn, id)?;
        let until = clock::spoken_day(crate::council::deadline::last_day(notice.ends_at));
        let slip = row.notice_slip(&notice);
        steps.push(Step::new("公示", format!("条目编号{slip}"), notice.published_at).note(format!("公示到{until}")));
    }
    for one in objection::of_nomination(conn, &row.id)? {
        steps.push(Step::new("收到异议", one.channel.label(), one.filed_at).mark("now"));
        if let Some(at) = one.decided_at {
            let who = match one.decided_by {
                Some(_) => names(conn, &one.decided_by)?,
                None => "到期自动".to_owned(),
            };
            let note = one.decision_reason.unwrap_or_default();
            steps.push(Step::new(format!("异议{}", one.state.label()), who, at).note(note));
        }
    }
    if let Some(at) = row.posted_at {
        let number = row.transaction_number.unwrap_or_default();
        let spendable = row.spendable_points.unwrap_or_default();
        let note = format!("荣誉分{}，其中可兑换{spendable}", row.points);
        steps.push(Step::new("入账", format!("凭条号{number}"), at).note(note));
    }
    for one in correction::of_nomination(conn, &row.id)? {
        let who = names(conn, &Some(one.proposed_by.clone()))?;
        steps.push(Step::new("提出更正", who, one.proposed_at).note(one.reason.clone()));
        if let Some(at) = one.decided_at {
            let who = names(conn, &one.decided_by)?;
            let note = match one.reversal_number {
                Some(number) => format!("冲正凭条号{number}"),
                None => one.decision_reason.clone().unwrap_or_default(),
            };
            steps.push(Step::new(one.state.label(), who, at).note(note).mark("no"));
        }
    }
    for one in appeal::of_nomination(conn, &row.id)? {
        steps.push(Step::new("住户申诉", one.kind.label(), one.filed_at).mark("now"));
        if let Some(at) = one.decided_at {
            let posting = one.correction_number.map(|number| format!("凭条号{number}"));
            let note = one.decision_reason.clone().unwrap_or_default();
            steps.push(Step::new(one.state.label(), posting.unwrap_or_default(), at).note(note));
        }
    }
    steps.sort_by_key(|step| step.at);
    Ok(steps)
}

/// The households within a person's reach; `None` for all.
pub(super) fn within(conn: &mut Conn, staff: &Staff, permission: Permission) -> Result<Option<Vec<Id<Household>>>> {
    match staff.reach(conn, permission)?.buildings() {
        Some(buildings) => Ok(Some(household::ids_in(conn, &buildings)?)),
        None => Ok(None),
    }
}

/// A household that the person may know of.
pub(super) fn household_for(
    conn: &mut Conn,
    staff: &Staff,
    permission: Permission,
    id: &Id<Household>,
) -> Result<Household> {
    let household = household::by_id(conn, id)?;
    staff.expect_within(conn, permission, &household.building_id)?;
    Ok(household)
}

/// How it came, as a form of the staff sends it.
pub(super) fn channel_sent(word: &str) -> Result<Channel> {
    Channel::from_word(word)
        .filter(|channel| *channel != Channel::Web)
        .ok_or_else(|| Error::invalid("channel", "请选择是怎么提出的：当面、电话还是书面。"))
}

/// Ways that the staff can choose from.
pub(super) const CHANNELS: [Channel; 3] = [Channel::ByPhone, Channel::InPerson, Channel::OnPaper];

/// A receipt number for the eye.
pub(super) fn spaced(receipt: &str) -> String {
    receipt::spaced(receipt)
}

/// Does the panel wait for this person's opinion?
pub(super) fn waits_for(conn: &mut Conn, appeal: &appeal::Appeal, user: &Id<User>) -> Result<bool> {
    if appeal.state != appeal::State::Heard {
        return Ok(false);
    }
    let panel = panel::of(conn, &appeal.id)?;
    let mine = panel.iter().find(|one| one.user_id.as_ref() == Some(user));
    Ok(mine.is_some_and(|one| one.opinion.is_none()))
}
