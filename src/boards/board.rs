//! The board of honour (光荣榜) of a quarter, and the wall of good deeds (好人墙): who stands there, for page, kiosk and paper.
//!
//! A deed that posted stands on it if its household agreed, at the moment of looking: on a page a withdrawal counts at once,
//! on paper when the next one is printed. It comes down with the end of the next quarter. Nobody is on it who decides about
//! it (SG12): neither the households of staff nor those of the council. A household is named as on the public notice, by its
//! family name unless it agreed to more, and by its building; nobody of it but the head. There is no order of merit, no door
//! and no point: deeds stand as they posted.

use std::collections::{HashMap, HashSet};

use super::picture::{Pictures, Shown};
use crate::clock::{Day, Span, day_of};
use crate::council::nomination::{self, Nomination, State as Stand};
use crate::council::staff_share;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::award::{self, State, TitleAward};
use crate::honours::{star, title};
use crate::id::Id;
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::consent::{self, Purpose};
use crate::places::household::{self, Household};
use crate::scheme::item::{self, Item};

/// Ids that one question to a database names.
const CHUNK: usize = 500;

/// What stands on the board of a quarter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The quarter in which it posted.
    pub quarter: Span,
    /// Titles, one group each, by the same rule; then those who were given stars, as one group more.
    pub titles: Vec<TitleGroup>,
    /// Good deeds, in the order in which they posted. What a household did every week stands there once.
    pub deeds: Vec<Deed>,
}

/// The households that hold a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitleGroup {
    /// What the title is called.
    pub title: String,
    /// Who holds it, in the order in which it was conferred; of stars in the order of the households' codes.
    pub winners: Vec<Winner>,
}

/// A household that holds a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Winner {
    /// As the public reads it.
    pub name: String,
    /// Where it lives, to the building.
    pub building: String,
    /// What for; of stars their names.
    pub reason: String,
    /// A photograph to which it agreed.
    pub picture: Option<Shown>,
}

/// A good deed on a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    household: Id<Household>,
    /// As the public reads it.
    pub name: String,
    /// Where it lives, to the building.
    pub building: String,
    /// What was done, in the words of the rules.
    pub rule: String,
    /// What was done, in the council's own sentence for the public.
    pub sentence: Option<String>,
    /// A photograph to which its household agreed, beside the sentence.
    pub picture: Option<Shown>,
}

impl Deed {
    /// What was done: the council's sentence, or the rule's words without one.
    #[must_use]
    pub fn told(&self) -> &str {
        self.sentence.as_deref().unwrap_or(&self.rule)
    }
}

/// A household and what it did, as one line of the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// As the public reads it.
    pub name: String,
    /// Where it lives, to the building.
    pub building: String,
    /// What it did, in the words of the rules.
    pub rules: Vec<String>,
}

impl Board {
    /// Is there nothing on it?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.titles.is_empty() && self.deeds.is_empty()
    }

    /// A line for each household, in the order of its first deed.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let mut places: HashMap<&Id<Household>, usize> = HashMap::new();
        let mut lines: Vec<Line> = Vec::new();
        for deed in &self.deeds {
            let place = *places.entry(&deed.household).or_insert_with(|| {
                lines.push(Line {
                    name: deed.name.clone(),
                    building: deed.building.clone(),
                    rules: Vec::new(),
                });
                lines.len().saturating_sub(1)
            });
            if let Some(line) = lines.get_mut(place).filter(|line| !line.rules.contains(&deed.rule)) {
                line.rules.push(deed.rule.clone());
            }
        }
        lines
    }

    /// The deeds of which the council tells in a sentence of its own: the wall of good deeds.
    pub fn told(&self) -> impl DoubleEndedIterator<Item = &Deed> {
        self.deeds.iter().filter(|deed| deed.sentence.is_some())
    }
}

/// The quarters whose boards stand on a day: the running one, and the last.
#[must_use]
pub fn standing(today: Day) -> [Span; 2] {
    let running = Span::quarter_of(today);
    let last = running.from.pred_opt().unwrap_or(running.from);
    [running, Span::quarter_of(last)]
}

/// The last day on which the board of a quarter stands.
#[must_use]
pub fn last_day(quarter: Span) -> Day {
    let next = Span::quarter_of(quarter.until);
    next.until.pred_opt().unwrap_or(next.until)
}

/// The buildings of the whole programme, in the order of the tree.
#[must_use]
pub fn all_buildings(tree: &Tree) -> Vec<Area> {
    let buildings = tree.all().iter().filter(|area| area.kind == AreaKind::Building);
    buildings.cloned().collect()
}

/// What a board is about: the whole programme, or one community of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The community; `None` for all.
    pub community: Option<Area>,
    /// How an address names it: by its code, or by its id where two have the same code. Empty for all.
    pub word: String,
}

impl Scope {
    /// What a word in an address means; no word is the whole programme.
    ///
    /// # Errors
    /// `NotFound` where no community is called so.
    pub fn named(tree: &Tree, word: &str) -> Result<Scope> {
        match word {
            "" => Ok(Scope::default()),
            word => {
                let mut all = Scope::communities(tree).into_iter();
                all.find(|scope| scope.word == word).ok_or(Error::NotFound)
            }
        }
    }

    /// One for each community, in the order of the tree.
    #[must_use]
    pub fn communities(tree: &Tree) -> Vec<Scope> {
        let communities = || tree.all().iter().filter(|area| area.kind == AreaKind::Community);
        let scope = |area: &Area| {
            let alike = communities().filter(|other| other.code == area.code).count();
            Scope {
                community: Some(area.clone()),
                word: match alike {
                    1 => area.code.clone(),
                    _ => area.id.to_string(),
                },
            }
        };
        communities().map(scope).collect()
    }

    /// Its buildings, in the order of the tree.
    #[must_use]
    pub fn buildings(&self, tree: &Tree) -> Vec<Area> {
        let mut buildings = all_buildings(tree);
        if let Some(community) = &self.community {
            buildings.retain(|building| building.path.starts_with(&community.path));
        }
        buildings
    }

    /// What people call it; empty for all.
    #[must_use]
    pub fn name(&self) -> &str {
        self.community.as_ref().map_or("", |community| community.name.as_str())
    }
}

/// The board of a quarter for these buildings.
///
/// # Errors
/// `Invalid` for a quarter whose board has come down, or has not begun.
pub fn of_quarter(conn: &mut Conn, quarter: Span, buildings: &[Area], today: Day) -> Result<Board> {
    if !standing(today).contains(&quarter) {
        return Err(Error::invalid(
            "month",
            "光荣榜只有本季度和上一季度的：好事上榜到下一季度末为止，以前的已经撤下。",
        ));
    }
    let posted = nomination::posted_in(conn, quarter)?;
    let rules = rules(conn, &posted)?;
    let agreed = Agreed::load(conn, posted.iter().map(|row| &row.household_id), buildings, today)?;
    let pictures = Pictures::of_quarter(conn, quarter)?;
    let mut seen = HashSet::new();
    let deeds = posted.into_iter().filter_map(|row| {
        let (name, building) = agreed.place_of(&row.household_id)?;
        let sentence = Some(row.public_text.trim().to_owned()).filter(|text| !text.is_empty());
        let told = sentence.as_deref();
        let deed = Deed {
            picture: told.and_then(|told| pictures.beside_deed(&row.household_id, told)),
            household: row.household_id,
            name,
            building,
            rule: rules.get(&row.scoring_item_id).map(|rule| rule.name.clone())?,
            sentence,
        };
        let is_new = seen.insert((deed.household.clone(), deed.told().to_owned()));
        is_new.then_some(deed)
    });
    let mut groups = titles(conn, quarter, buildings, today, &pictures)?;
    groups.extend(stars(conn, quarter, buildings, today)?);
    Ok(Board {
        quarter,
        titles: groups,
        deeds: deeds.collect(),
    })
}

/// The titles that were conferred in the quarter and are held, in the order of the titles.
fn titles(
    conn: &mut Conn,
    quarter: Span,
    buildings: &[Area],
    today: Day,
    pictures: &Pictures,
) -> Result<Vec<TitleGroup>> {
    let mut held = award::standing_as(conn, &[State::Conferred])?;
    held.retain(|award| award.is_held_on(today) && award.conferred_at.is_some_and(|at| quarter.contains(day_of(at))));
    held.sort_by(|one, other| (one.conferred_at, &one.id).cmp(&(other.conferred_at, &other.id)));
    let agreed = Agreed::load(conn, held.iter().map(|award| &award.household_id), buildings, today)?;
    let mut groups = Vec::new();
    for title in title::all(conn)? {
        let winners = held
            .iter()
            .filter(|award| award.title_id == title.id)
            .filter_map(|award| {
                let (name, building) = agreed.place_of(&award.household_id)?;
                Some(Winner {
                    name: format!("{name}家"),
                    building,
                    reason: award.reason.clone(),
                    picture: pictures.beside_title(&award.id),
                })
            });
        let winners: Vec<Winner> = winners.collect();
        if !winners.is_empty() {
            groups.push(TitleGroup {
                title: title.name,
                winners,
            });
        }
    }
    Ok(groups)
}

/// The day from which a deed stood in the books and stands there still.
pub(super) fn deed_since(deed: &Nomination) -> Option<Day> {
    let posted = deed.posted_at.filter(|_| deed.state == Stand::Posted);
    posted.map(day_of)
}

/// The day from which a title is held that is held on this day.
pub(super) fn title_since(award: &TitleAward, today: Day) -> Option<Day> {
    let conferred = award.conferred_at.filter(|_| award.is_held_on(today));
    conferred.map(day_of)
}

/// Does a household stand on a board that shows what it did on a day?
pub(super) fn shows(conn: &mut Conn, household: &Id<Household>, since: Option<Day>, today: Day) -> Result<bool> {
    if !since.is_some_and(|on| standing(today).iter().any(|quarter| quarter.contains(on))) {
        return Ok(false);
    }
    let buildings = all_buildings(&Tree::load(conn)?);
    let agreed = Agreed::load(conn, [household].into_iter(), &buildings, today)?;
    Ok(agreed.place_of(household).is_some())
}

/// The households to which sessions of the quarter gave stars that hold today. Which stars these are is told, and never how
/// many; the order is that of the households' codes, which says nothing of them.
fn stars(conn: &mut Conn, quarter: Span, buildings: &[Area], today: Day) -> Result<Option<TitleGroup>> {
    let given = star::given_in(conn, quarter, today)?;
    let agreed = Agreed::load(conn, given.iter().map(|award| &award.household_id), buildings, today)?;
    let given: HashSet<_> = given
        .iter()
        .map(|award| (&award.household_id, &award.star_id))
        .collect();
    let all = star::all(conn)?;
    let mut homes: Vec<&Household> = agreed.homes.values().collect();
    homes.sort_by(|one, other| one.code.cmp(&other.code));
    let winners = homes.into_iter().filter_map(|home| {
        let (name, building) = agreed.place_of(&home.id)?;
        let own = all.iter().filter(|star| given.contains(&(&home.id, &star.id)));
        Some(Winner {
            name: format!("{name}家"),
            building,
            reason: own.map(|star| star.name.as_str()).collect::<Vec<_>>().join("、"),
            picture: None,
        })
    });
    let winners: Vec<Winner> = winners.collect();
    Ok((!winners.is_empty()).then(|| TitleGroup {
        title: "星级文明户".to_owned(),
        winners,
    }))
}

/// The rules that these deeds cite.
pub(super) fn rules(conn: &mut Conn, posted: &[Nomination]) -> Result<HashMap<Id<Item>, Item>> {
    let mut ids: Vec<Id<Item>> = posted.iter().map(|row| row.scoring_item_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut rules = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        rules.extend(
            item::by_ids(conn, chunk)?
                .into_iter()
                .map(|rule| (rule.id.clone(), rule)),
        );
    }
    Ok(rules)
}

/// The households with these ids, each named once or often.
pub(super) fn homes<'a>(
    conn: &mut Conn,
    named: impl Iterator<Item = &'a Id<Household>>,
) -> Result<HashMap<Id<Household>, Household>> {
    let mut ids: Vec<Id<Household>> = named.cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut homes = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let found = household::by_ids(conn, chunk)?;
        homes.extend(found.into_iter().map(|home| (home.id.clone(), home)));
    }
    Ok(homes)
}

/// Which households stand on a board, and how they are named there: the one rule.
struct Agreed {
    homes: HashMap<Id<Household>, Household>,
    full_names: HashSet<Id<Household>>,
    /// What people call each building.
    buildings: HashMap<Id<Area>, String>,
}

impl Agreed {
    fn load<'a>(
        conn: &mut Conn,
        named: impl Iterator<Item = &'a Id<Household>>,
        buildings: &[Area],
        today: Day,
    ) -> Result<Agreed> {
        let deciding = staff_share::homes(conn, today)?;
        let mut homes = homes(conn, named)?;
        homes.retain(|id, _| !deciding.contains(id));
        let ids: Vec<Id<Household>> = homes.keys().cloned().collect();
        let (mut agreed, mut full_names) = (HashSet::new(), HashSet::new());
        for chunk in ids.chunks(CHUNK) {
            agreed.extend(consent::given_by(conn, chunk, Purpose::HonourBoard)?);
            full_names.extend(consent::given_by(conn, chunk, Purpose::FullNameOnNotice)?);
        }
        homes.retain(|id, _| agreed.contains(id));
        let tree = Tree::load(conn)?;
        let named = buildings.iter().map(|area| (area.id.clone(), in_public(&tree, area)));
        Ok(Agreed {
            homes,
            full_names,
            buildings: named.collect(),
        })
    }

    /// Name and building of a household that stands on the board.
    fn place_of(&self, household: &Id<Household>) -> Option<(String, String)> {
        let home = self.homes.get(household)?;
        let building = self.buildings.get(&home.building_id)?;
        let name = match self.full_names.contains(household) {
            true => home.head_name.clone(),
            false => home.masked_name(),
        };
        Some((name, building.clone()))
    }
}

/// `5号楼`, with its community where there are several.
pub(super) fn in_public(tree: &Tree, building: &Area) -> String {
    let mut communities = tree.all().iter().filter(|area| area.kind == AreaKind::Community);
    let own = communities.clone().find(|area| building.path.starts_with(&area.path));
    match own {
        Some(community) if communities.nth(1).is_some() => format!("{}{}", community.name, building.name),
        _ => building.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_stands_until_the_end_of_the_next_quarter() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let posted = Span::quarter_of(day("2026-11-21"));
        for stands in ["2026-11-21", "2026-12-31", "2027-01-01", "2027-03-31"] {
            assert!(standing(day(stands)).contains(&posted), "{stands}");
        }
        for gone in ["2026-09-30", "2027-04-01"] {
            assert!(!standing(day(gone)).contains(&posted), "{gone}");
        }
        assert_eq!(last_day(posted), day("2027-03-31"));
    }
}
