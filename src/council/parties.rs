//! Parties: who had a part in a decision, and therefore does not decide about it again (SG13, SG7).
//!
//! Objections, appeals and corrections all ask here, so that the rule is one. Somebody may be known by an account, by a
//! seat in a council, or by both; a seat without an account is a person all the same.

use std::collections::{BTreeMap, BTreeSet};

use super::member::{self, CouncilMember};
use super::nomination::Nomination;
use super::{correction, motion, objection, session};
use crate::access::user::{self, User};
use crate::db::{Conn, text_enum};
use crate::error::Result;
use crate::id::Id;
use crate::places::household::Household;

text_enum! {
    /// The part that somebody had.
    pub enum Part {
        /// Nominated.
        Nominated = "nominated", "申报人";
        /// Verified or returned it.
        Verified = "verified", "核实人";
        /// Lives in the household that it is about.
        OwnHousehold = "own_household", "本户的人";
        /// Lives with whoever nominated.
        NominatorsHousehold = "nominators_household", "申报人家里的人";
        /// Declared kin of the household.
        Kin = "kin", "这一户的亲属";
        /// Had a vote when the council decided.
        Voted = "voted", "评议时参加表决的人";
        /// Decided an objection to it.
        DecidedObjection = "decided_objection", "处理过这条异议的人";
        /// Proposed or confirmed its correction.
        Corrected = "corrected", "办理过更正的人";
        /// Issued, checked or decided the reminder note.
        Reminded = "reminded", "经办过这张提醒单的人";
    }
}

/// What somebody is to do about it: an appeal asks for more distance than an objection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Decide an objection, propose or confirm a correction.
    Decide,
    /// Sit on the panel of an appeal: nobody does who has decided on it in any way.
    Panel,
}

/// Somebody who could decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub user: Option<Id<User>>,
    /// The seats.
    pub members: Vec<Id<CouncilMember>>,
    /// Where the person lives.
    pub households: Vec<Id<Household>>,
    /// What people read.
    pub name: String,
}

impl Person {
    /// The person behind an account, with all seats.
    #[must_use]
    pub fn of_user(user: &User, seats: &[CouncilMember]) -> Person {
        let own: Vec<&CouncilMember> = seats
            .iter()
            .filter(|seat| seat.user_id.as_ref() == Some(&user.id))
            .collect();
        let homes = own.iter().filter_map(|seat| seat.household_id.clone());
        Person {
            user: Some(user.id.clone()),
            members: own.iter().map(|seat| seat.id.clone()).collect(),
            households: user.household_id.clone().into_iter().chain(homes).collect(),
            name: user.display_name.clone(),
        }
    }

    /// The person in a seat without an account.
    #[must_use]
    pub fn of_seat(seat: &CouncilMember) -> Person {
        Person {
            user: None,
            members: vec![seat.id.clone()],
            households: seat.household_id.clone().into_iter().collect(),
            name: seat.name.clone(),
        }
    }
}

/// Who had which part in a decision.
#[derive(Clone, Debug, Default)]
pub struct Parties {
    users: BTreeMap<Id<User>, Part>,
    members: BTreeMap<Id<CouncilMember>, Part>,
    households: BTreeMap<Id<Household>, Part>,
}

impl Parties {
    /// Everybody who had a part in a nomination.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn of(conn: &mut Conn, nomination: &Nomination) -> Result<Parties> {
        let mut parties = Parties::default();
        // The first part that is noted stays: the plainest rule is the one that is named.
        parties.household(Some(nomination.household_id.clone()), Part::OwnHousehold);
        if let Some(nominator) = &nomination.nominated_by {
            parties.user(nominator.clone(), Part::Nominated);
            let home = user::by_id(conn, nominator)?.household_id;
            parties.household(home, Part::NominatorsHousehold);
        }
        parties.household(nomination.nominating_household_id.clone(), Part::NominatorsHousehold);
        if let Some(verifier) = &nomination.decided_by {
            parties.user(verifier.clone(), Part::Verified);
        }
        let seats = member::all(conn)?;
        for kin in member::kin(conn, &seats)? {
            if kin.household == nomination.household_id {
                parties.members.entry(kin.member).or_insert(Part::Kin);
            }
        }
        for voter in voters(conn, nomination)? {
            parties.members.entry(voter).or_insert(Part::Voted);
        }
        for objection in objection::of_nomination(conn, &nomination.id)? {
            if let Some(decider) = objection.decided_by {
                parties.user(decider, Part::DecidedObjection);
            }
        }
        for correction in correction::of_nomination(conn, &nomination.id)? {
            parties.user(correction.proposed_by, Part::Corrected);
            if let Some(decider) = correction.decided_by {
                parties.user(decider, Part::Corrected);
            }
        }
        Ok(parties)
    }

    /// Notes that an account had a part.
    pub fn user(&mut self, user: Id<User>, part: Part) {
        self.users.entry(user).or_insert(part);
    }

    /// Notes that a household has a part.
    pub fn household(&mut self, household: Option<Id<Household>>, part: Part) {
        if let Some(household) = household {
            self.households.entry(household).or_insert(part);
        }
    }

    /// Why this person may not do this; `None` when the person may.
    #[must_use]
    pub fn part_of(&self, person: &Person, task: Task) -> Option<Part> {
        let by_user = person.user.iter().filter_map(|user| self.users.get(user));
        let by_home = person.households.iter().filter_map(|home| self.households.get(home));
        let by_seat = person.members.iter().filter_map(|member| self.members.get(member));
        let counts = |part: &Part| match (task, part) {
            (Task::Decide, Part::Voted | Part::DecidedObjection | Part::Corrected) => false,
            (Task::Decide | Task::Panel, _) => true,
        };
        by_user.chain(by_home).chain(by_seat).copied().find(counts)
    }
}

/// Who had a vote when a council decided: in a secret ballot that is everybody who was there and did not step back.
fn voters(conn: &mut Conn, nomination: &Nomination) -> Result<BTreeSet<Id<CouncilMember>>> {
    let mut voters = BTreeSet::new();
    for motion in motion::of_nomination(conn, &nomination.id)? {
        if motion.state == motion::State::Waiting {
            continue;
        }
        let recused = motion::recusals(conn, &motion.id)?;
        let mut present = session::present(conn, &motion.session_id)?;
        present.retain(|member| !recused.contains_key(member));
        voters.extend(present);
        let voted = motion::votes(conn, &motion.id)?;
        voters.extend(voted.into_iter().map(|(member, _)| member));
    }
    Ok(voters)
}
