//! Pages of the council: nominate a household, see where nominations stand and how they came about, verify them.
//!
//! One file a page. They are the roof as this file is; `routes.rs` names only what is handed on here.

mod appeal;
mod appeals;
mod budget;
mod corrections;
mod deed;
mod draft;
mod evidence;
mod floor;
mod gathering;
mod hall;
mod holder;
mod members;
mod nominate;
mod nomination;
mod nominations;
mod notices;
mod object;
mod objection;
mod paper;
mod redress;
mod remind;
mod reminder;
mod reminders;
mod session;
mod sessions;
mod visit;
mod visit_marks;
mod visits;
mod vote;
mod whom;
mod work;

pub use appeal::{appeal, appeal_form, appeal_receipt, own_appeal, own_appeal_form};
pub use appeals::{
    appeals, give_opinion, hearing, hold_hearing, name_panel, settle_appeal, take_appeal, take_appeal_form,
    withdraw_appeal,
};
pub use budget::{budget, set_budget};
pub use corrections::{correction, correction_form, corrections, decide_correction, propose_correction};
pub use deed::{deed_form, own_deed_form, report_deed, report_own_deed};
pub use draft::{draft, publish};
pub use evidence::{add_evidence, show_evidence};
pub use floor::{end_voting, hands, separate, step_back, tally};
pub use gathering::{close, gathering, gatherings, open, sign_in, strike};
pub use members::{appoint, declare_kin, end_seat, member, members, withdraw_kin};
pub use nominate::{check, nominate, nominate_form};
pub use nomination::{nomination, verify, withdraw};
pub use nominations::nominations;
pub use notices::{notice, notices};
pub use object::{object, object_form, objection_receipt, receipts};
pub use objection::{decide_objection, objection, objections, take_objection, take_objection_form};
pub use paper::{minutes, screen};
pub use remind::{remind, remind_form};
pub use reminder::{
    confirm_reminder, decide_objection_to_reminder, deliver_reminder, fix_reminder, object_to_reminder, reminder,
    withdraw_reminder,
};
pub use reminders::reminders;
pub use session::{arrive, cancel, close as close_session, open as open_session, session};
pub use sessions::{convene, sessions};
pub use visit::{close_visit, discard_visit, visit};
pub use visit_marks::{visit_marks, write_visit_marks};
pub use visits::{make_visit, visit_form, visits};
pub use vote::{arrive as arrive_oneself, vote, vote_form};
pub use whom::find_household;
pub use work::{Work, work_of};

use std::collections::HashMap;

use super::confirmation;
use super::gathering::witnessed_by;
use super::nomination::{Filter, Nomination, State, list};
use crate::access::role::{Permission, Reach};
use crate::access::user::User;
use crate::app::Staff;
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::places::household::{self, Household};

/// Nominations of a list at most, newest first.
const NEWEST: i64 = 1_000;

/// The nominations that wait for this person: in the person's area, made by someone else, not about the own household, and
/// not from a sign-in or a word on paper that this person took down.
///
/// # Errors
/// Only when the database fails.
fn waiting_for(conn: &mut Conn, staff: &Staff) -> Result<Vec<(Nomination, Household)>> {
    let reach = staff.reach(conn, Permission::Verify)?;
    let mut submitted = within(conn, &reach, &[State::Submitted])?;
    let ids: Vec<Id<Nomination>> = submitted.iter().map(|(one, _)| one.id.clone()).collect();
    let mut witnessed = witnessed_by(conn, &staff.user.id, &ids)?;
    witnessed.extend(confirmation::witnessed_by(conn, &staff.user.id, &ids)?);
    submitted.retain(|(one, household)| !is_own(staff, one, household) && !witnessed.contains(&one.id));
    Ok(submitted)
}

/// The newest nominations within a reach, each with its household.
fn within(conn: &mut Conn, reach: &Reach, states: &[State]) -> Result<Vec<(Nomination, Household)>> {
    let inside = match reach.buildings() {
        Some(buildings) => Some(household::ids_in(conn, &buildings)?),
        None => None,
    };
    let filter = Filter {
        states: states.to_vec(),
        households: inside,
        ..Filter::default()
    };
    let found = list(conn, &filter, NEWEST)?;
    let ids: Vec<Id<Household>> = found.iter().map(|one| one.household_id.clone()).collect();
    let households: HashMap<Id<Household>, Household> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|household| (household.id.clone(), household))
        .collect();
    let with_household = |one: Nomination| households.get(&one.household_id).map(|of| (one, of.clone()));
    Ok(found.into_iter().filter_map(with_household).collect())
}

/// Did this person make it, or is it about the person's own household? Then somebody else verifies it.
fn is_own(staff: &Staff, nomination: &Nomination, household: &Household) -> bool {
    nomination.nominated_by.as_ref() == Some(&staff.user.id) || staff.user.household_id.as_ref() == Some(&household.id)
}

/// Did this person nominate it?
fn is_nominator(user: &User, nomination: &Nomination) -> bool {
    nomination.nominated_by.as_ref() == Some(&user.id)
}

/// The badge of a state; a template hands in a reference.
#[must_use]
pub fn badge(state: &State) -> &'static str {
    match state {
        State::Submitted | State::Suspended | State::Queued => "badge warn",
        State::Verified | State::Approved | State::Notified => "badge info",
        State::Posted => "badge ok",
        State::Returned | State::Declined | State::Reversed => "badge bad",
        State::Withdrawn => "badge",
    }
}
