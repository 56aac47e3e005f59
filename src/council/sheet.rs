//! The sheet of a public notice: what everybody may read of it, and nothing else.
//!
//! It is made of a household only what may stand on a board: the family name and the building, or the head's full name
//! where the household consented. No code, no room, no balance, no id is in it, so that no page that is made from it can
//! show one (SG8). The same sheet is read in preview before anything is published.

use std::collections::{HashMap, HashSet};

use super::nomination::{Nomination, State};
use super::notice::Notice;
use crate::clock::{Day, day_of};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::consent::{self, Purpose};
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::scheme::item::{self, Category, Item};

/// A notice as everybody may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Its number; the first part of every slip.
    pub number: i64,
    /// Whose council decided: `晨光社区`.
    pub area: String,
    /// The day on which it was published.
    pub published_on: Day,
    /// The last whole day on which it can be read and objected to.
    pub last_day: Day,
    /// The day on which what nobody objected to posts.
    pub posts_on: Day,
    /// Its rows, in order.
    pub rows: Vec<Row>,
}

/// A row as everybody may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `12-3`: under it anyone may object.
    pub slip: String,
    /// `王**`, or the full name where the household consented.
    pub name: String,
    /// `1号楼`, with its community where the council decides for several.
    pub building: String,
    /// What for: `参加院坝会 × 2`.
    pub deed: String,
    /// `评文明新风`.
    pub category: String,
    /// Points for all of it.
    pub points: Points,
    /// How many of them can be spent, where that is not all.
    pub spendable: Option<Points>,
    /// The day of the deed.
    pub occurred_on: Day,
    /// The council's own sentence; may be empty.
    pub text: String,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a row stands, as far as that is everybody's business: why, and who objected, is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Can be objected to.
    Running,
    /// Somebody objected; the row waits, the rest goes on.
    Suspended,
    /// The notice is over, and it posts when the budget has room.
    Waiting,
    /// In the books.
    Posted,
    /// Came to nothing, or was taken back.
    Ended,
}

impl Standing {
    fn of(state: State) -> Standing {
        match state {
            State::Suspended => Standing::Suspended,
            State::Queued => Standing::Waiting,
            State::Posted => Standing::Posted,
            State::Declined | State::Returned | State::Withdrawn | State::Reversed => Standing::Ended,
            State::Submitted | State::Verified | State::Approved | State::Notified => Standing::Running,
        }
    }

    /// In words; while a row simply runs there is nothing to say.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Standing::Running => "",
            Standing::Suspended => "有异议，暂缓入账",
            Standing::Waiting => "公示已满，排队等本月预算",
            Standing::Posted => "已入账",
            Standing::Ended => "不予入账",
        }
    }
}

/// The sheet of a notice with these rows.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, notice: &Notice, rows: &[Nomination]) -> Result<Sheet> {
    let tree = Tree::load(conn)?;
    let causes = Causes::load(conn, rows)?;
    let posts_on = day_of(notice.ends_at);
    let shown = (1i64..).zip(rows).map(|(position, row)| {
        let slip = format!("{}-{}", notice.number, row.notice_row.unwrap_or(position));
        let building = |household: &Household| building_of(&tree, &household.building_id, &notice.area_id);
        causes.row(slip, row, building)
    });
    Ok(Sheet {
        number: notice.number,
        area: name_of(&tree, &notice.area_id),
        published_on: day_of(notice.published_at),
        last_day: posts_on.pred_opt().unwrap_or(posts_on),
        posts_on,
        rows: shown.collect(),
    })
}

/// `1号楼`, with its community where the council decides for several.
#[must_use]
pub fn building_of(tree: &Tree, building: &Id<Area>, council: &Id<Area>) -> String {
    let is_of_several = |area: &Area| matches!(area.kind, AreaKind::County | AreaKind::Township);
    let mut next = tree.get(building);
    while let Some(area) = next.filter(|area| area.kind != AreaKind::Community && area.id != *council) {
        next = area.parent_id.as_ref().and_then(|parent| tree.get(parent));
    }
    let name = name_of(tree, building);
    match next.filter(|_| tree.get(council).is_some_and(is_of_several)) {
        Some(community) if community.kind == AreaKind::Community => format!("{} {name}", community.name),
        _ => name,
    }
}

fn name_of(tree: &Tree, area: &Id<Area>) -> String {
    tree.get(area).map(|area| area.name.clone()).unwrap_or_default()
}

/// What the rows name.
struct Causes {
    /// The households that agreed to their full name.
    full_names: HashSet<Id<Household>>,
    households: HashMap<Id<Household>, Household>,
    rules: HashMap<Id<Item>, (Item, Category)>,
}

impl Causes {
    fn load(conn: &mut Conn, rows: &[Nomination]) -> Result<Causes> {
        let ids: Vec<Id<Household>> = rows.iter().map(|row| row.household_id.clone()).collect();
        let households = household::by_ids(conn, &ids)?;
        let mut rules = HashMap::new();
        for row in rows {
            if !rules.contains_key(&row.scoring_item_id) {
                rules.insert(row.scoring_item_id.clone(), item::by_id(conn, &row.scoring_item_id)?);
            }
        }
        Ok(Causes {
            full_names: consent::given_by(conn, &ids, Purpose::FullNameOnNotice)?,
            households: households.into_iter().map(|one| (one.id.clone(), one)).collect(),
            rules,
        })
    }

    fn name_of(&self, household: &Household) -> String {
        match self.full_names.contains(&household.id) {
            true => household.head_name.clone(),
            false => household.masked_name(),
        }
    }

    fn row(&self, slip: String, row: &Nomination, building: impl Fn(&Household) -> String) -> Row {
        let household = self.households.get(&row.household_id);
        let rule = self.rules.get(&row.scoring_item_id);
        let times = match row.count {
            1 => String::new(),
            count => format!(" × {count}"),
        };
        Row {
            slip,
            name: household.map(|household| self.name_of(household)).unwrap_or_default(),
            building: household.map(building).unwrap_or_default(),
            deed: rule
                .map(|(item, _)| format!("{}{times}", item.name))
                .unwrap_or_default(),
            category: rule.map(|(_, category)| category.name.clone()).unwrap_or_default(),
            points: row.points,
            spendable: row.spendable_points.filter(|spendable| *spendable != row.points),
            occurred_on: row.occurred_on,
            text: row.public_text.clone(),
            standing: Standing::of(row.state),
        }
    }
}
