//! What is rare in a town: once in the year there is a gathering, a home visit, a reminder note, a split, a merge …
//!
//! Each thing has its day near one of the twelve sessions, so that two demos of one day are the same. What a village of a
//! few households cannot have, for want of a suitable household, does not happen there. Objections and appeals are in
//! `redress`; what follows by itself, as a repair or an expiry, follows from the clockwork.

use chrono::TimeDelta;

use super::history::{Calendar, verify};
use super::town::Dice;
use super::{Resident, Setting, redress, stars, titles, volunteering};
use crate::access::user;
use crate::cards::card::{self, Issue};
use crate::clock::{Day, Moment, begin_of, days_after};
use crate::council::gathering::{self, Manner, Open};
use crate::council::member;
use crate::council::nomination::{self, Decision};
use crate::council::reminder::{self, Act, ReminderNote, Way, unheeded};
use crate::council::visit::closing::{self, Close};
use crate::council::visit::writing::{self, Write};
use crate::council::visit::{self, Entry, Home, JUDGES, Make, NewJudge};
use crate::db::Conn;
use crate::error::Result;
use crate::ledger::balance::{self, Balances};
use crate::places::event::HouseholdEvent;
use crate::places::standing;
use crate::points::Points;
use crate::registry::change::{self, AskChange, Change, Door};
use crate::registry::plan;

type What = fn(&mut Conn, &Setting, Day) -> Result<()>;

/// The session whose decisions are appealed against.
const APPEALED: usize = 5;

/// Near which session, how many days after it, what.
const EVENTS: [(usize, i64, What); 23] = [
    (0, 1, redress::object_twice),
    (0, 2, redress::decide_both),
    (1, 12, gather),
    (2, 1, redress::object_unanswered),
    (2, 12, visit_homes),
    (3, 3, redress::propose_correction),
    (3, 4, redress::confirm_correction),
    (3, 8, remind),
    (3, 9, hand_over),
    (3, 13, see_unfixed),
    (APPEALED, -5, redress::nominate_doubtful),
    (APPEALED, 2, redress::appeal),
    (APPEALED, 4, redress::name_panels),
    (APPEALED, 6, redress::hear),
    (APPEALED, 8, redress::decide_appeals),
    (6, 5, split),
    (7, 5, merge),
    // A second note of the year is put right in time.
    (9, 6, remind),
    (9, 7, hand_over),
    (9, 10, see_fixed),
    (10, -3, titles::nominate_in_autumn),
    (10, 1, stars::give_first),
    (11, 1, stars::give_more),
];

/// How many days ago a reminder note was issued that is open today.
const REMINDED_DAYS_AGO: i64 = 3;
/// How many days ago volunteers met.
const VOLUNTEERED_DAYS_AGO: i64 = 6;

/// Where in the list of households, in hundredths, something is looked for: never where the council's members live.
const GATHERING_AT: usize = 20;
const SPLIT_AT: usize = 40;
const VISIT_AT: usize = 46;
const MERGE_AT: usize = 62;
const REMINDED_AT: usize = 70;

/// How many come to a gathering, and how many homes are visited.
const MOST_AT_GATHERING: usize = 9;
const HOMES: usize = 6;

/// Does what is rare and has its day; was there anything?
pub(super) fn of_day(conn: &mut Conn, town: &Setting, calendar: &Calendar, day: Day) -> Result<bool> {
    let mut any = false;
    for (session, days, what) in EVENTS {
        if calendar.near_session(session, days) == Some(day) {
            what(conn, town, day)?;
            any = true;
        }
    }
    let last: [(i64, What); 7] = [
        (REMINDED_DAYS_AGO, remind),
        (REMINDED_DAYS_AGO - 1, hand_over),
        // The session of yesterday counts them: they are on notice today.
        (REMINDED_DAYS_AGO, titles::nominate_of_late),
        // Somebody confirms them today.
        (REMINDED_DAYS_AGO - 1, stars::key_of_late),
        (VOLUNTEERED_DAYS_AGO, volunteering::hold),
        (VOLUNTEERED_DAYS_AGO - 2, volunteering::help),
        (VOLUNTEERED_DAYS_AGO - 3, volunteering::announce_next),
    ];
    for (days, what) in last {
        if calendar.before_today(days) == Some(day) {
            what(conn, town, day)?;
            any = true;
        }
    }
    Ok(any)
}

/// Is this the session whose decisions are appealed against? One of its members is away.
pub(super) fn is_appealed(calendar: &Calendar, day: Day) -> bool {
    calendar.near_session(APPEALED, 0) == Some(day)
}

fn at(day: Day, hour: i64) -> Moment {
    begin_of(day) + TimeDelta::hours(hour)
}

/// The households from this part of the list on that take part still, and of which nobody sits on the council.
pub(super) fn suitable<'a>(conn: &mut Conn, town: &'a Setting, part: usize) -> Result<Vec<(&'a Resident, Balances)>> {
    let seats = member::all(conn)?;
    let kin = member::kin(conn, &seats)?;
    let from = town.households.len().saturating_mul(part) / 100;
    let mut found = Vec::new();
    for resident in town.households.iter().skip(from) {
        let own = &resident.household.id;
        let near_council = seats.iter().any(|seat| seat.household_id.as_ref() == Some(own))
            || kin.iter().any(|kin| kin.household == *own);
        if !near_council && standing::now(conn, own)?.is_active() {
            found.push((resident, balance::of(conn, own.as_str())?));
        }
    }
    Ok(found)
}

/// Neighbours of a building sweep its stairwells: they sign in at the door, one of them on paper.
fn gather(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let Some(first) = suitable(conn, town, GATHERING_AT)?.into_iter().next() else {
        return Ok(());
    };
    let (by, building) = (&first.0.building_head, &first.0.household.building_id);
    let asked = Open {
        area: building.clone(),
        name: "清扫楼道".to_owned(),
        place: "楼前空地".to_owned(),
        held_on: day,
        item: "D03".to_owned(),
        count: 1,
        by: by.clone(),
        key: format!("demo-gathering-{day}"),
    };
    let gathering = gathering::open(conn, &asked, at(day, 8))?;
    let neighbours = town
        .households
        .iter()
        .filter(|one| one.household.building_id == *building);
    for (nth, resident) in neighbours.step_by(2).take(MOST_AT_GATHERING).enumerate() {
        let manner = match nth {
            0 => Manner::Paper,
            1 => Manner::Typed,
            _ => Manner::Scanned,
        };
        gathering::sign_in(conn, &gathering, &resident.household, manner, by, at(day, 9))?;
    }
    gathering::close(conn, &gathering.id, by, at(day, 11))?;
    for row in gathering::rows(conn, &gathering.id)? {
        let resident = town.households.iter().find(|one| one.household.id == row.household_id);
        if let (Some(id), Some(resident)) = (&row.nomination_id, resident) {
            let nomination = nomination::by_id(conn, id)?;
            verify(conn, resident, nomination, Decision::Approve, at(day, 15))?;
        }
    }
    Ok(())
}

/// Three members of the council mark some homes of a building; their paper is keyed, and the median counts.
fn visit_homes(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let Some((first, _)) = suitable(conn, town, VISIT_AT)?.into_iter().next() else {
        return Ok(());
    };
    let members = member::sitting(conn, &town.root, day)?;
    let judges: Vec<NewJudge> = members
        .into_iter()
        .take(JUDGES)
        .map(|member| NewJudge {
            name: member.name,
            user: member.user_id,
            household: member.household_id,
        })
        .collect();
    if judges.len() < JUDGES {
        return Ok(());
    }
    let building = &first.household.building_id;
    let homes = town
        .households
        .iter()
        .filter(|one| one.household.building_id == *building);
    let asked = Make {
        building: building.clone(),
        visited_on: day,
        households: homes.take(HOMES).map(|one| one.household.id.clone()).collect(),
        judges,
        by: first.building_head.clone(),
        key: format!("demo-visit-{day}"),
    };
    let sheet = visit::make(conn, &asked, at(day, 8))?;
    let by = user::by_id(conn, &first.building_head)?;
    let mut dice = Dice(u64::try_from(HOMES).unwrap_or(1));
    for home in visit::load(conn, &sheet.id)?.homes {
        let asked = Write {
            sheet: sheet.id.clone(),
            row: home.row.position,
            // The second door stays closed, which harms nobody.
            entry: match home.row.position {
                2 => Entry::Absent,
                _ => Entry::AtHome,
            },
            marks: marks(&home, &mut dice),
            by: by.clone(),
            key: format!("demo-marks-{day}-{}", home.row.position),
        };
        writing::write(conn, &asked, at(day, 10))?;
    }
    let asked = Close {
        sheet: sheet.id.clone(),
        by,
        key: format!("demo-visit-closed-{day}"),
    };
    closing::close(conn, &asked, at(day, 17))?;
    for home in visit::load(conn, &sheet.id)?.homes {
        let resident = town.households.iter().find(|one| one.household.id == home.household.id);
        if let (Some(id), Some(resident)) = (&home.row.nomination_id, resident) {
            let nomination = nomination::by_id(conn, id)?;
            verify(conn, resident, nomination, Decision::Approve, at(day, 18))?;
        }
    }
    Ok(())
}

/// The marks of a home by the judges who need not step back; in the third home one is far from the others and says why.
fn marks(home: &Home, dice: &mut Dice) -> Vec<(i64, Option<i64>, String)> {
    let thrown = |dice: &mut Dice| i64::try_from(dice.below(8)).unwrap_or(0);
    let about = thrown(dice).saturating_mul(3).saturating_add(68);
    if home.row.position == 2 {
        return Vec::new();
    }
    (1..)
        .zip(&home.cells)
        .filter(|(_, cell)| cell.steps_back.is_none())
        .map(|(judge, _)| match (home.row.position, judge) {
            (3, 1) => (
                judge,
                Some(about.saturating_sub(30)),
                "阳台堆了纸箱，已约好周末清理".to_owned(),
            ),
            _ => (judge, Some(about.saturating_add(thrown(dice))), String::new()),
        })
        .collect()
}

const REMINDER_RULE: &str = "N01";
/// The days that the rule leaves to put it right.
const REMINDER_DAYS: u64 = 3;

/// A household is reminded, in private, of what lies in the stairwell.
fn remind(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let suitable = suitable(conn, town, REMINDED_AT)?;
    let mut with_honour = suitable.into_iter().filter(|(_, has)| has.honour >= Points(5));
    let Some((resident, _)) = with_honour.next() else {
        return Ok(());
    };
    let asked = reminder::Issue {
        household: resident.household.id.clone(),
        rule: REMINDER_RULE.to_owned(),
        seen: "楼道里堆放纸箱和旧家具，挡住了通道".to_owned(),
        place: "楼道转角".to_owned(),
        seen_on: day,
        fix_by: days_after(day, REMINDER_DAYS),
        by: user::by_id(conn, &resident.building_head)?,
        key: format!("demo-reminder-{day}"),
    };
    reminder::issue(conn, &asked, at(day, 10)).map(|_| ())
}

/// The note is handed over.
fn hand_over(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    for (note, resident) in notes(conn, town, reminder::State::Issued)? {
        let asked = act("handed-over", &note, "", resident);
        reminder::acknowledge(conn, &asked, at(day, 10))?;
    }
    Ok(())
}

/// It lies there still, says a second person: the household is told and may object. The rest happens by itself.
fn see_unfixed(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    for (note, resident) in notes(conn, town, reminder::State::Acknowledged)? {
        let asked = act("unfixed", &note, "纸箱还堆在原处，没有清走", resident);
        unheeded::confirm(conn, &asked, at(day, 10))?;
    }
    Ok(())
}

/// It is gone: nothing is taken.
fn see_fixed(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    for (note, resident) in notes(conn, town, reminder::State::Acknowledged)? {
        let asked = act("fixed", &note, "已经清走，通道畅通", resident);
        reminder::fix(conn, &asked, at(day, 10))?;
    }
    Ok(())
}

fn act(what: &str, note: &ReminderNote, words: &str, resident: &Resident) -> Act {
    Act {
        note: note.id.clone(),
        words: words.to_owned(),
        how: Some(Way::InPerson),
        by: resident.grid_worker.clone(),
        key: format!("demo-reminder-{what}-{}", note.id),
    }
}

/// The notes that stand here, with those who look after the household.
fn notes<'a>(conn: &mut Conn, town: &'a Setting, state: reminder::State) -> Result<Vec<(ReminderNote, &'a Resident)>> {
    let filter = reminder::Filter {
        states: vec![state],
        households: None,
    };
    let mut found = Vec::new();
    for (note, _) in reminder::list(conn, &filter, 100)? {
        let resident = town.households.iter().find(|one| one.household.id == note.household_id);
        found.extend(resident.map(|resident| (note, resident)));
    }
    Ok(found)
}

/// A son marries and lives next door: two people and half of the points go along, and the new household has its card.
fn split(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let able = suitable(conn, town, SPLIT_AT)?;
    let mut able = able
        .into_iter()
        .filter(|(resident, has)| resident.household.people >= 3 && has.spendable >= Points(10));
    let Some((resident, has)) = able.next() else {
        return Ok(());
    };
    let household = &resident.household;
    let family: String = household.head_name.chars().take(1).collect();
    let split = Change::Split {
        door: Door {
            building: household.building_id.to_string(),
            stairwell: household.stairwell.clone().unwrap_or_default(),
            room: format!("{}-2", household.room),
        },
        head_name: format!("{family}新禾"),
        people: 2,
        points: has.spendable.0 / 2,
    };
    let event = change(conn, town, resident, split, "儿子成家另住", day)?;
    let Some(new) = event.other_id else { return Ok(()) };
    let asked = Issue {
        household: new,
        reason: "首次制卡".to_owned(),
        by: town.administrator.clone(),
        key: format!("demo-card-split-{}", household.code),
    };
    card::issue(conn, &town.programme, &asked, at(day, 11)).map(|_| ())
}

/// Grandparents move in with a neighbouring household: points and honour go along, and their card is stopped.
fn merge(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let suitable = suitable(conn, town, MERGE_AT)?;
    let pairs = suitable.iter().zip(suitable.iter().skip(1));
    let mut pairs = pairs.filter(|((one, has), (other, _))| {
        one.household.building_id == other.household.building_id && has.spendable >= Points(10)
    });
    let Some(((resident, _), (survivor, _))) = pairs.next() else {
        return Ok(());
    };
    let merge = Change::Merge {
        into: survivor.household.code.clone(),
    };
    change(conn, town, resident, merge, "老人搬来同住", day).map(|_| ())
}

/// Carries a change out as it was shown.
fn change(
    conn: &mut Conn,
    town: &Setting,
    resident: &Resident,
    change: Change,
    reason: &str,
    day: Day,
) -> Result<HouseholdEvent> {
    let asked = AskChange {
        household: resident.household.id.clone(),
        change,
        effective_on: day,
        reason: reason.to_owned(),
    };
    let shown = plan::plan(conn, &asked, at(day, 10))?.seal;
    let key = format!("demo-change-{}", resident.household.code);
    change::carry_out(conn, &asked, &shown, &town.administrator, &key, at(day, 10), |_, _| {
        Ok(())
    })
}
