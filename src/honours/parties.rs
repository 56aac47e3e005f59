//! Who had a part in an award of a title, and therefore does not decide about it again (SG13, SG7).
//!
//! The parts are those of the council's room; whoever voted decides neither an objection nor an appeal.

use super::award::TitleAward;
use super::{ballot, objection};
use crate::access::user::{self, User};
use crate::council::member::{self, CouncilMember};
use crate::council::parties::{Part, Person};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::places::standing;

/// The part that somebody had; `None` for who may decide.
///
/// # Errors
/// Only when the database fails.
pub fn part_in(conn: &mut Conn, award: &TitleAward, by: &User) -> Result<Option<Part>> {
    let seats = member::all(conn)?;
    let person = Person::of_user(by, &seats);
    // Whoever lived in a household that was merged lives in the other one now.
    let own = [
        award.household_id.clone(),
        standing::survivor(conn, &award.household_id)?,
    ];
    if own.iter().any(|home| person.households.contains(home)) {
        return Ok(Some(Part::OwnHousehold));
    }
    if award.nominated_by == by.id {
        return Ok(Some(Part::Nominated));
    }
    if award.verified_by.as_ref() == Some(&by.id) {
        return Ok(Some(Part::Verified));
    }
    let nominator = Person::of_user(&user::by_id(conn, &award.nominated_by)?, &seats);
    if nominator.households.iter().any(|home| person.households.contains(home)) {
        return Ok(Some(Part::NominatorsHousehold));
    }
    let kin = member::kin(conn, &seats)?;
    let is_kin = |member: &Id<CouncilMember>| {
        kin.iter()
            .any(|one| one.member == *member && own.contains(&one.household))
    };
    if person.members.iter().any(is_kin) {
        return Ok(Some(Part::Kin));
    }
    let voters = ballot::voters(conn, &award.id)?;
    if person.members.iter().any(|member| voters.contains(member)) {
        return Ok(Some(Part::Voted));
    }
    let objections = objection::of_award(conn, &award.id)?;
    let decided = objections.iter().any(|one| one.decided_by.as_ref() == Some(&by.id));
    Ok(decided.then_some(Part::DecidedObjection))
}

/// As [`part_in`] for whoever decides an objection: having decided another one is no part.
///
/// # Errors
/// Only when the database fails.
pub fn part_for_objection(conn: &mut Conn, award: &TitleAward, by: &User) -> Result<Option<Part>> {
    Ok(part_in(conn, award, by)?.filter(|part| *part != Part::DecidedObjection))
}
