//! The time book of a household: how many hours it has, and how each of its lines came about, in words.
//!
//! It joins the lines of the ledger with the events, helps and corrections of this room. Other households are not named: a
//! household that helped or was helped knows who it was.

use std::collections::HashMap;

use super::correction::{self, TimeCorrection};
use super::event::{self, VolunteerEvent};
use super::help::{self, Help, Payer};
use super::minutes::Minutes;
use super::stay::{self, Stay};
use crate::access::user::{self, User};
use crate::clock::Day;
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::places::household::Household;
use crate::points::Points;

/// A household's time.
#[derive(Clone, Debug)]
pub struct TimeBook {
    /// What it has.
    pub balance: Minutes,
    /// The newest lines first.
    pub lines: Vec<TimeLine>,
}

/// Lines that are read at once.
const PIECE: i64 = 200;

/// A line of a time account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeLine {
    /// The slip number.
    pub slip: i64,
    /// The day it is about.
    pub day: Day,
    /// Added to the balance.
    pub minutes: Minutes,
    /// The balance after.
    pub left: Minutes,
    /// What happened.
    pub what: String,
    /// How it came about, in order.
    pub steps: Vec<String>,
}

/// A household's time and its newest lines.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, household: &Id<Household>, limit: i64) -> Result<TimeBook> {
    let lines = balance::lines(conn, household.as_str(), AccountKind::TimeCredits, None, limit)?;
    let causes = Causes::load(conn, &lines)?;
    Ok(TimeBook {
        balance: Minutes::of(balance::of(conn, household.as_str())?.time),
        lines: lines.iter().map(|line| causes.tell(line)).collect(),
    })
}

/// All lines of a household's time, the oldest first.
///
/// # Errors
/// Only when the database fails.
pub fn all(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<TimeLine>> {
    let (mut told, mut before) = (Vec::new(), None);
    loop {
        let lines = balance::lines(conn, household.as_str(), AccountKind::TimeCredits, before, PIECE)?;
        let Some(last) = lines.last() else { break };
        before = Some(last.version);
        let causes = Causes::load(conn, &lines)?;
        told.extend(lines.iter().map(|line| causes.tell(line)));
    }
    told.reverse();
    Ok(told)
}

/// Everything that the lines name.
struct Causes {
    stays: HashMap<i64, Stay>,
    events: HashMap<Id<VolunteerEvent>, VolunteerEvent>,
    helps: HashMap<i64, Help>,
    corrections: HashMap<i64, TimeCorrection>,
    people: HashMap<Id<User>, String>,
}

impl Causes {
    fn load(conn: &mut Conn, lines: &[balance::Line]) -> Result<Causes> {
        let mut numbers: Vec<i64> = lines.iter().map(|line| line.transaction).collect();
        numbers.extend(lines.iter().filter_map(|line| line.reverses));
        let stays = stay::posted_as(conn, &numbers)?;
        let ids: Vec<Id<VolunteerEvent>> = stays.iter().map(|stay| stay.event_id.clone()).collect();
        let events = event::by_ids(conn, &ids)?;
        let helps = help::posted_as(conn, &numbers)?;
        let corrections = correction::of_transactions(conn, &numbers)?;
        let mut people: Vec<Id<User>> = stays.iter().map(|stay| stay.recorded_by.clone()).collect();
        for event in &events {
            people.push(event.led_by.clone());
            people.extend(event.ended_by.clone());
        }
        people.extend(helps.iter().map(|help| help.recorded_by.clone()));
        people.extend(corrections.values().map(|one| one.corrected_by.clone()));
        let posted = |stay: Stay| Some((stay.transaction_number?, stay));
        Ok(Causes {
            people: user::display_names(conn, &people)?,
            stays: stays.into_iter().filter_map(posted).collect(),
            events: events.into_iter().map(|event| (event.id.clone(), event)).collect(),
            helps: helps.into_iter().map(|help| (help.transaction_number, help)).collect(),
            corrections,
        })
    }

    fn tell(&self, line: &balance::Line) -> TimeLine {
        let brings = line.amount > Points::ZERO;
        let told = match line.reverses {
            Some(undone) => self.correction(undone),
            None => self
                .stay(line.transaction)
                .or_else(|| self.help(line.transaction, brings)),
        };
        let (what, steps) = told.unwrap_or_else(|| {
            let words = if brings {
                "由另一户转入"
            } else {
                "转给另一户"
            };
            (words.to_owned(), Vec::new())
        });
        TimeLine {
            slip: line.transaction,
            day: line.effective_on,
            minutes: Minutes::of(line.amount),
            left: Minutes::of(line.balance_after),
            what,
            steps,
        }
    }

    fn stay(&self, transaction: i64) -> Option<(String, Vec<String>)> {
        let stay = self.stays.get(&transaction)?;
        let event = self.events.get(&stay.event_id)?;
        let confirmed_by = event.ended_by.as_ref().map(|id| self.person(id)).unwrap_or_default();
        let steps = vec![
            format!(
                "{}在{}，{}人参加，{}。",
                event.name,
                event.place,
                stay.people,
                stay.hours()
            ),
            format!("{}登记，{confirmed_by}确认。", self.person(&stay.recorded_by)),
        ];
        Some((format!("志愿活动：{}", event.name), steps))
    }

    fn help(&self, transaction: i64, brings: bool) -> Option<(String, Vec<String>)> {
        let help = self.helps.get(&transaction)?;
        let what = match brings {
            true => format!("帮了别家：{}", help.what),
            false => format!("别家来帮忙：{}", help.what),
        };
        let mut steps = vec![format!("第{}号互助，一小时换一小时。", help.number)];
        if help.payer == Payer::Pool {
            steps.push("由爱心时间池支付。".to_owned());
        }
        steps.push(format!("{}登记。", self.person(&help.recorded_by)));
        Some((what, steps))
    }

    fn correction(&self, undone: i64) -> Option<(String, Vec<String>)> {
        let correction = self.corrections.get(&undone)?;
        let steps = vec![
            format!("更正第{undone}号。"),
            format!("原因：{}。", correction.reason.trim_end_matches('。')),
            format!("{}经办。", self.person(&correction.corrected_by)),
        ];
        Some(("更正以前记错的时间".to_owned(), steps))
    }

    fn person(&self, id: &Id<User>) -> String {
        self.people.get(id).cloned().unwrap_or_default()
    }
}
