//! The register of time: what was credited, exchanged, paid by the pool and taken back in a month, with sums.
//!
//! A line belongs to the month in which it was written, not to the day it is about, so that a month that is over never
//! changes. Which of the lines somebody may see is decided where they are shown. It keeps nothing.

use std::collections::HashMap;

use diesel::prelude::*;

use super::correction::{self, TimeCorrection};
use super::event::{State, VolunteerEvent};
use super::help::{self, Help, Payer};
use super::minutes::Minutes;
use super::stay::Stay;
use crate::clock::{Span, begin_of};
use crate::db::Conn;
use crate::db::schema::{volunteer_events, volunteer_stays};
use crate::error::Result;
use crate::id::Id;
use crate::places::household::Household;

/// What was written in a span of days.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// What events credited, in the order of the postings.
    pub stays: Vec<(VolunteerEvent, Stay)>,
    /// Help between households.
    pub helps: Vec<Help>,
    /// What of these lines was taken back, by posting, whenever that was.
    pub taken_back: HashMap<i64, TimeCorrection>,
}

/// What the lines of a register come to; what was taken back is counted by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Credited for events.
    pub credited: Minutes,
    /// Given by one household to another.
    pub exchanged: Minutes,
    /// Paid by the pool.
    pub pooled: Minutes,
    /// Taken back of all that.
    pub taken_back: Minutes,
}

/// Reads the register of a span of days.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, span: Span) -> Result<Register> {
    let stays = volunteer_stays::table
        .inner_join(volunteer_events::table)
        .filter(volunteer_events::state.eq(State::Closed))
        .filter(volunteer_events::ended_at.ge(begin_of(span.from)))
        .filter(volunteer_events::ended_at.lt(begin_of(span.until)))
        .filter(volunteer_stays::transaction_number.is_not_null())
        .order(volunteer_stays::transaction_number)
        .select((VolunteerEvent::as_select(), Stay::as_select()))
        .load::<(VolunteerEvent, Stay)>(conn)?;
    let helps = help::recorded_in(conn, span)?;
    let of_stays = stays.iter().filter_map(|(_, stay)| stay.transaction_number);
    let numbers: Vec<i64> = of_stays
        .chain(helps.iter().map(|help| help.transaction_number))
        .collect();
    Ok(Register {
        taken_back: correction::of_transactions(conn, &numbers)?,
        stays,
        helps,
    })
}

impl Register {
    /// Only the lines about households that somebody may see: of a help, both.
    pub fn keep(&mut self, may_see: impl Fn(&Id<Household>) -> bool) {
        self.stays.retain(|(_, stay)| may_see(&stay.household_id));
        self.helps
            .retain(|help| may_see(&help.helper_household_id) && may_see(&help.helped_household_id));
    }

    /// The households that its lines name.
    #[must_use]
    pub fn households(&self) -> Vec<Id<Household>> {
        let of_stays = self.stays.iter().map(|(_, stay)| &stay.household_id);
        let of_helps = self
            .helps
            .iter()
            .flat_map(|help| [&help.helper_household_id, &help.helped_household_id]);
        of_stays.chain(of_helps).cloned().collect()
    }

    /// What its lines come to.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        let mut add = |number: i64, minutes: Minutes, what: fn(&mut Sums) -> &mut Minutes| {
            let sum = what(&mut sums);
            *sum = [*sum, minutes].into_iter().sum();
            if self.taken_back.contains_key(&number) {
                sums.taken_back = [sums.taken_back, minutes].into_iter().sum();
            }
        };
        for (_, stay) in &self.stays {
            let minutes = Minutes(stay.minutes.unwrap_or(0));
            add(stay.transaction_number.unwrap_or(0), minutes, |sums| &mut sums.credited);
        }
        for help in &self.helps {
            let what: fn(&mut Sums) -> &mut Minutes = match help.payer {
                Payer::Household => |sums| &mut sums.exchanged,
                Payer::Pool => |sums| &mut sums.pooled,
            };
            add(help.transaction_number, help.time(), what);
        }
        sums
    }
}
