//! Households that are gone: what is under way for them ends by itself, and tells why.
//!
//! A title is given to a household that there is. When one left or was merged into another, its nominations and what stands on
//! a notice end, with the objections to them, and so does what it appealed about; whoever it is part of now may be nominated
//! anew. Before the council has decided the same goes for one that is not where the quota is any more; afterwards a move
//! changes nothing. A title that is held stays with the household that it was given to: `book` shows it to the one that this
//! became part of, and it can be revoked as before. A split leaves everything with the household that was there.

use std::collections::HashMap;

use super::appeal::{self, Kind};
use super::award::{self, Ending, State, TitleAward};
use super::objection;
use crate::clock::{Moment, spoken_day};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::places::standing::{self, Standing};

/// Ends what is under way for households that are gone, and what they appealed about. Answers how many.
pub(super) fn end(conn: &mut Conn, now: Moment) -> Result<usize> {
    let mut ended = 0usize;
    let under_way = award::standing_as(conn, &State::UNDER_WAY)?;
    let homes = buildings(conn, &under_way)?;
    let tree = Tree::load(conn)?;
    for award in under_way {
        let why = match gone(conn, &award.household_id)? {
            None => moved(&tree, &award, homes.get(&award.household_id)),
            gone => gone,
        };
        if let Some((ending, why)) = why {
            objection::lapse(conn, &award.id, &why, now)?;
            award::decline(conn, award, (ending, why), "system", now)?;
            ended = ended.saturating_add(1);
        }
    }
    for (appeal, award) in appeal::open(conn, None)? {
        // What is said against a title that it holds is decided.
        if appeal.kind == Kind::Declined
            && let Some((_, why)) = gone(conn, &award.household_id)?
        {
            appeal::lapse(conn, appeal, award, &why, now)?;
            ended = ended.saturating_add(1);
        }
    }
    Ok(ended)
}

/// In which building each of the households lives.
fn buildings(conn: &mut Conn, awards: &[TitleAward]) -> Result<HashMap<Id<Household>, Id<Area>>> {
    let ids: Vec<Id<Household>> = awards.iter().map(|award| award.household_id.clone()).collect();
    let homes = household::by_ids(conn, &ids)?.into_iter();
    Ok(homes.map(|home| (home.id, home.building_id)).collect())
}

/// Is the household not where the quota is any more, before the council has decided?
fn moved(tree: &Tree, award: &TitleAward, building: Option<&Id<Area>>) -> Option<(Ending, String)> {
    let waits = matches!(award.state, State::Nominated | State::Verified);
    let is_inside = building.is_some_and(|building| tree.is_within(building, &award.scope_id));
    (waits && !is_inside).then(|| {
        let why = "本户已不在这个名额的评选范围内，评选到此为止；可以在现在住的地方重新申报。";
        (Ending::Moved, why.to_owned())
    })
}

/// What became of a household that is not part of the programme any more.
fn gone(conn: &mut Conn, household: &Id<Household>) -> Result<Option<(Ending, String)>> {
    Ok(match standing::now(conn, household)? {
        Standing::Active => None,
        Standing::Left { on, .. } => Some((Ending::Left, format!("本户已于{}迁出。", spoken_day(on)))),
        Standing::Merged { on, .. } => {
            let day = spoken_day(on);
            let why = format!("本户已于{day}并入另一户，评选到此为止；并入后的那一户可以重新申报。");
            Some((Ending::Merged, why))
        }
    })
}
