//! The demo's council: five neighbours, a session each month with its public notice, and budgets of the communities.

use chrono::TimeDelta;

use super::town::Dice;
use super::{Setting, titles};
use crate::access::user::User;
use crate::clock::{Day, Moment, Span, begin_of, days_after};
use crate::council::budget::{self, SetBudget};
use crate::council::member::{self, Appoint, CouncilMember};
use crate::council::motion::{self, Choice, Counts, Kind, Motion};
use crate::council::nomination::{self, Nomination};
use crate::council::notice::{self, Notice};
use crate::council::session::{self, BallotForm, Convene, Open, Session};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::Area;
use crate::places::consent::{self, Purpose};
use crate::places::household::Household;
use crate::points::Points;
use crate::scheme::item;

/// The member who votes on a phone, as the user `council`.
pub(super) const CHAIR: &str = "刘德厚";
/// The others come from the households: at this part of the list, in hundredths.
const NEIGHBOURS: [usize; 4] = [8, 33, 57, 81];
/// Points a month for each household of a community, where money is not short.
const PLENTY: i64 = 25;
/// … and where it is.
const LEAN: i64 = 3;

/// Who comes to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attendance {
    /// Everybody.
    All,
    /// One of the neighbours is away, and can sit on a panel about what was decided.
    OneIsAway,
}

/// Seats the council for three years, with one kinship that is declared, and gives every community its budget.
pub(super) fn seat(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let now = begin_of(day);
    let appoint = |seat: usize, name: &str, user: Option<Id<User>>, household| Appoint {
        area: town.root.clone(),
        name: name.to_owned(),
        user,
        household,
        appointed_on: day,
        term_ends_on: days_after(day, 3 * 365),
        by: town.administrator.clone(),
        key: format!("demo-seat-{seat}"),
    };
    let chair = appoint(0, CHAIR, Some(town.council_member.clone()), None);
    let chair = member::appoint(conn, &chair, now)?;
    let mut seated = vec![CHAIR];
    for (seat, part) in (1..).zip(NEIGHBOURS) {
        let nth = town.households.len().saturating_mul(part) / 100;
        let Some(resident) = town.households.get(nth) else {
            continue;
        };
        let name = resident.household.head_name.as_str();
        // In a village of a few households it is the same one twice.
        if seated.contains(&name) {
            continue;
        }
        seated.push(name);
        let neighbour = appoint(seat, name, None, Some(resident.household.id.clone()));
        member::appoint(conn, &neighbour, now)?;
    }
    if let Some(kin) = town.households.get(1) {
        let by = &town.administrator;
        member::declare_kin(conn, &chair.id, &kin.household.id, "堂弟", by, now)?;
    }
    for community in &town.communities {
        set_budget(conn, town, community, PLENTY, "年初居民代表会议决定", day, day)?;
    }
    Ok(())
}

/// In a lean month the first community has little; the month after it has plenty again.
pub(super) fn lean_month(conn: &mut Conn, town: &Setting, is_lean: bool, day: Day) -> Result<()> {
    let Some(community) = town.communities.first() else {
        return Ok(());
    };
    match is_lean {
        true => set_budget(conn, town, community, LEAN, "超市进货款未到，本月少发", day, day),
        false => set_budget(conn, town, community, PLENTY, "进货款已到，恢复原预算", day, day),
    }
}

fn set_budget(
    conn: &mut Conn,
    town: &Setting,
    area: &Id<Area>,
    each: i64,
    reason: &str,
    from: Day,
    day: Day,
) -> Result<()> {
    let share = town.households.len().checked_div(town.communities.len()).unwrap_or(0);
    let asked = SetBudget {
        area: area.clone(),
        from_month: from,
        points: Points(i64::try_from(share).unwrap_or(0).saturating_mul(each).max(each)),
        soft_percent: 80,
        reason: reason.to_owned(),
        by: town.administrator.clone(),
        key: format!("demo-budget-{area}-{from}"),
    };
    budget::set(conn, &asked, begin_of(day)).map(|_| ())
}

/// The community with the most on its notices has nothing left this month: what is due next has to wait.
pub(super) fn use_up_a_budget(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let used = budget::in_use(conn, day)?;
    // The community that a visitor looks at first keeps its money.
    let others = town.communities.iter().skip(1);
    let found = others.filter_map(|area| used.iter().find(|used| used.budget.area_id == *area));
    let Some(used) = found.max_by_key(|used| used.pending) else {
        return Ok(());
    };
    let area = &used.budget.area_id;
    let next_month = Span::month_of(day).until;
    set_budget(conn, town, area, PLENTY, "下月进货款已落实", next_month, day)?;
    let asked = SetBudget {
        area: area.clone(),
        from_month: day,
        points: used.posted,
        soft_percent: 80,
        reason: "本月进货款已用完，下月再发".to_owned(),
        by: town.administrator.clone(),
        key: format!("demo-budget-stop-{day}"),
    };
    budget::set(conn, &asked, begin_of(day)).map(|_| ())
}

/// Holds a whole session at a moment and publishes what it approved. Nothing to decide: no session.
pub(super) fn meet(
    conn: &mut Conn,
    town: &Setting,
    day: Day,
    attendance: Attendance,
    at: Moment,
) -> Result<Option<Notice>> {
    let mut dice = Dice(u64::try_from(day.signed_duration_since(Day::default()).num_days()).unwrap_or(0));
    // Every third session votes on paper.
    let ballot = match dice.below(3) {
        0 => BallotForm::Secret,
        _ => BallotForm::Open,
    };
    let Some((session, present)) = open(conn, town, day, ballot, attendance, at)? else {
        return Ok(None);
    };
    for (minute, motion) in (1i64..).zip(motion::of_session(conn, &session.id)?) {
        let at = at + TimeDelta::seconds(minute.saturating_mul(20));
        vote(conn, town, &session, &present, &motion, &mut dice, at)?;
    }
    titles::count(conn, town, &session, at + TimeDelta::minutes(80))?;
    let at = at + TimeDelta::minutes(90);
    let minutes = "逐项宣读，回避成员离席，当场计票。";
    session::close(conn, &session.id, minutes, &town.administrator, at)?;
    let closed = session::by_id(conn, &session.id)?;
    titles::publish(conn, town, &closed, at + TimeDelta::minutes(5))?;
    let rows = notice::to_publish(conn, &closed)?;
    if rows.is_empty() {
        return Ok(None);
    }
    tell(conn, town, &rows, at + TimeDelta::minutes(8))?;
    let key = format!("demo-notice-{day}");
    let at = at + TimeDelta::minutes(10);
    notice::publish(conn, &session.id, &town.administrator, &key, at).map(Some)
}

/// What the council writes of a deed for everybody: the item's code, and the sentence.
const SENTENCES: [(&str, &str); 7] = [
    ("E02", "帮对门邻居搬家具上楼"),
    ("E03", "在四点半课堂值班，坚持了一学期"),
    ("D07", "带头参加周末集中整治，清理杂物两车"),
    ("D06", "种了一片花，把房前屋后打扮得漂漂亮亮"),
    ("D08", "及时报修路灯，方便夜里出行"),
    ("C05", "捡到钱包一个，交到社区归还失主"),
    ("C07", "参加文艺演出，为大家唱山歌"),
];
/// Sentences of a session at most: the council writes them by hand.
const TOLD: usize = 6;

/// Writes a sentence for some of those that agreed to stand on the board of honour: the wall of good deeds is made of them.
fn tell(conn: &mut Conn, town: &Setting, rows: &[Nomination], at: Moment) -> Result<()> {
    let homes: Vec<Id<Household>> = rows.iter().map(|row| row.household_id.clone()).collect();
    let agreed = consent::given_by(conn, &homes, Purpose::HonourBoard)?;
    let mut told = 0usize;
    for row in rows.iter().filter(|row| agreed.contains(&row.household_id)) {
        let (item, _) = item::by_id(conn, &row.scoring_item_id)?;
        let Some((_, sentence)) = SENTENCES.iter().find(|(code, _)| *code == item.code) else {
            continue;
        };
        notice::set_text(conn, &row.id, sentence, &town.administrator, at)?;
        told = told.saturating_add(1);
        if told == TOLD {
            break;
        }
    }
    Ok(())
}

/// Convenes a session and opens it; `None` when nothing waits or too few members are left in a small town.
pub(super) fn open(
    conn: &mut Conn,
    town: &Setting,
    day: Day,
    ballot: BallotForm,
    attendance: Attendance,
    at: Moment,
) -> Result<Option<(Session, Vec<CouncilMember>)>> {
    if session::waiting(conn, &town.root)?.is_empty() {
        return Ok(None);
    }
    let asked = Convene {
        area: town.root.clone(),
        held_on: day,
        place: "便民服务中心议事厅".to_owned(),
        ballot,
        by: town.administrator.clone(),
        key: format!("demo-session-{day}"),
    };
    let session = session::convene(conn, &asked, at)?;
    let mut members = member::sitting(conn, &town.root, day)?;
    if attendance == Attendance::OneIsAway && members.len() > NEIGHBOURS.len() {
        let away = members.iter().rposition(|member| member.name != CHAIR);
        away.map(|away| members.remove(away));
    }
    let chair = members.iter().find(|member| member.name == CHAIR);
    let chair = chair.ok_or_else(|| Error::internal("the demo's council has a chair"))?;
    let asked = Open {
        session: session.id.clone(),
        present: members.iter().map(|member| member.id.clone()).collect(),
        chair: chair.id.clone(),
        by: town.administrator.clone(),
    };
    match session::open(conn, &asked, at) {
        Ok(session) => Ok(Some((session, members))),
        Err(Error::Refused(_)) => {
            session::cancel(conn, &session.id, &town.administrator, at)?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// One household in seven has its deed declined: always the same ones, whatever the order of the agenda.
pub(super) fn doubts(household: &Id<Household>) -> bool {
    let letters = household.as_str().bytes();
    let seed = letters.fold(0u64, |sum, letter| sum.wrapping_mul(31).wrapping_add(u64::from(letter)));
    Dice(seed).below(7) == 0
}

fn is_doubtful(conn: &mut Conn, motion: &Motion) -> Result<bool> {
    let rows = motion::rows_of(conn, &motion.id)?;
    let about = nomination::by_ids(conn, &rows)?;
    Ok(about.iter().any(|one| doubts(&one.household_id)))
}

/// Batches pass; one deed that is voted on alone in seven does not.
fn vote(
    conn: &mut Conn,
    town: &Setting,
    session: &Session,
    present: &[CouncilMember],
    motion: &Motion,
    dice: &mut Dice,
    at: Moment,
) -> Result<()> {
    let recused = motion::recusals(conn, &motion.id)?;
    let voters: Vec<&CouncilMember> = present
        .iter()
        .filter(|member| !recused.contains_key(&member.id))
        .collect();
    let declines = motion.kind == Kind::Single && is_doubtful(conn, motion)?;
    let doubts = dice.below(2);
    let count = |voters: usize| i64::try_from(voters).unwrap_or(0);
    if session.ballot == BallotForm::Secret {
        let (many, few) = (
            count(voters.len().saturating_sub(doubts)),
            count(doubts.min(voters.len())),
        );
        let counts = match declines {
            true => Counts {
                votes_for: few,
                votes_against: many,
                abstentions: 0,
            },
            false => Counts {
                votes_for: many,
                votes_against: 0,
                abstentions: few,
            },
        };
        // Two people key the signed paper.
        motion::key_tally(conn, &motion.id, counts, &town.administrator, at)?;
        motion::key_tally(conn, &motion.id, counts, &town.council_member, at)?;
        return Ok(());
    }
    let hands: Vec<(Id<CouncilMember>, Choice)> = voters
        .iter()
        .enumerate()
        .map(|(nth, member)| {
            let choice = match (declines, nth < doubts) {
                (true, false) => Choice::Against,
                (false, true) => Choice::Abstain,
                (true, true) | (false, false) => Choice::For,
            };
            (member.id.clone(), choice)
        })
        .collect();
    let decided = motion::record_hands(conn, &motion.id, &hands, &town.administrator, at)?;
    if decided.state == motion::State::Waiting {
        motion::end_voting(conn, &motion.id, &town.administrator, at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::council::public_text::findings;

    #[test]
    fn every_sentence_may_be_read_by_everybody() {
        for (_, sentence) in SENTENCES {
            assert_eq!(findings(sentence, ""), Vec::<String>::new(), "{sentence}");
        }
    }
}
