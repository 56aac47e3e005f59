//! The list of awards (表彰名单): which households got which title of a year or quarter, for the office and for posting.
//!
//! Households are named as on the public notice: by the family name, or in full where they agreed to that (SG8). What was taken
//! back stands nowhere on it, nor does a household that left; of those there is a number. No vote, no point, no rank.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::{Permission, Reach};
use crate::clock::{Day, day_of, spoken_day};
use crate::council::sheet::building_of;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::award::TitleAward;
use crate::honours::notice;
use crate::honours::roll::Conferred;
use crate::id::Id;
use crate::places::area::{Area, Tree};
use crate::places::consent::{self, Purpose};
use crate::places::household::Household;
use crate::places::programme;
use crate::registers::columns::{Cell, Column, Line, Measure};
use crate::registers::workbook::{Heading, Sheet};

/// A list of awards.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwardList {
    paper: Head,
    period: String,
    scope: Option<String>,
    sections: Vec<Section>,
    left_out: usize,
    /// Whose stamp it bears, beside the council's.
    issuer: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    number: usize,
    name: String,
    building: String,
    reason: String,
    period: String,
    slip: Option<String>,
    conferred_on: String,
    term_ends_on: String,
}

/// Households looked up at once.
const AT_ONCE: usize = 500;

/// The list of a year or quarter, of the area that was asked for.
///
/// # Errors
/// `Invalid` for what is no year, and when no title of it was conferred; `NotFound` outside.
pub fn load(conn: &mut Conn, order: &Order) -> Result<AwardList> {
    let season = order.season()?;
    let tree = Tree::load(conn)?;
    let sections = order.roll(conn, Permission::ReadNominations)?;
    let all = sections.iter().flat_map(|section| &section.conferred);
    let standing: Vec<&Conferred> = all.filter(|one| !one.is_revoked()).collect();
    let left_out = standing.iter().filter(|one| one.is_gone).count();
    if standing.len() == left_out {
        return Err(Error::invalid("year", "这一期还没有授予称号，没有表彰名单。"));
    }
    let (mut full_names, mut shown) = (HashSet::new(), HashMap::new());
    for chunk in standing.chunks(AT_ONCE) {
        let homes: Vec<Id<Household>> = chunk.iter().map(|one| one.household.id.clone()).collect();
        full_names.extend(consent::given_by(conn, &homes, Purpose::FullNameOnNotice)?);
        let awards: Vec<TitleAward> = chunk.iter().map(|one| one.award.clone()).collect();
        shown.extend(notice::shown(conn, &awards)?);
    }
    let root = tree.root().map(|root| root.id.clone());
    let mut number = 0usize;
    let mut row = |one: &Conferred| {
        number = number.saturating_add(1);
        let (home, award) = (&one.household, &one.award);
        let root = root.as_ref().unwrap_or(&home.building_id);
        Row {
            number,
            name: match full_names.contains(&home.id) {
                true => home.head_name.clone(),
                false => home.masked_name(),
            },
            building: building_of(&tree, &home.building_id, root),
            reason: award.reason.clone(),
            period: one.title.period.in_words(award.period_from),
            slip: shown.get(&award.id).map(|shown| shown.slip.clone()),
            conferred_on: in_words(award.conferred_at.map(day_of)),
            term_ends_on: in_words(award.term_ends_on),
        }
    };
    let sections = sections.iter().map(|section| {
        let listed = section.conferred.iter().filter(|one| !one.is_revoked() && !one.is_gone);
        Section {
            title: section.name.clone(),
            rows: listed.map(&mut row).collect(),
        }
    });
    let sections: Vec<Section> = sections.filter(|section| !section.rows.is_empty()).collect();
    let area = order.area(&tree)?;
    Ok(AwardList {
        paper: order.head(conn, area.map(|area| &area.id))?,
        period: season.in_words(),
        scope: scope(conn, order, &tree, area)?,
        sections,
        left_out,
        issuer: programme::get(conn)?.issuer,
    })
}

fn in_words(day: Option<Day>) -> String {
    day.map(spoken_day).unwrap_or_default()
}

/// Of which part of the programme a paper is; `None` for the whole.
pub(super) fn scope(conn: &mut Conn, order: &Order, tree: &Tree, area: Option<&Area>) -> Result<Option<String>> {
    let reach = order.reach(conn, Permission::ReadNominations)?;
    Ok(match area {
        Some(area) => Some(tree.told(&area.id)),
        None if reach == Reach::Everywhere => None,
        None => Some("部分楼栋".to_owned()),
    })
}

impl AwardList {
    /// The same list as the sheet of a workbook.
    #[must_use]
    pub fn sheet(self) -> Sheet {
        let count: usize = self.sections.iter().map(|section| section.rows.len()).sum();
        let scope = self.scope.map(|scope| format!("　　{scope}")).unwrap_or_default();
        let lines = self.sections.into_iter().flat_map(|section| {
            let title = section.title;
            section.rows.into_iter().map(move |row| Line {
                cells: vec![
                    Cell::text(row.number.to_string()),
                    Cell::text(title.as_str()),
                    Cell::text(row.period),
                    Cell::text(row.name),
                    Cell::text(row.building),
                    Cell::text(row.reason),
                    Cell::text(row.slip.unwrap_or_default()),
                    Cell::text(row.conferred_on),
                    Cell::text(row.term_ends_on),
                ],
                href: String::new(),
            })
        });
        Sheet {
            heading: Heading {
                title: "表彰名单".to_owned(),
                about: format!("{}　　{}{scope}　　共{count}户次", self.paper.programme, self.period),
            },
            columns: COLUMNS.to_vec(),
            lines: lines.collect(),
            foot: "以下空白",
        }
    }
}

const COLUMNS: [Column; 9] = [
    Column::new("序号", Measure::Text, 10),
    Column::new("称号", Measure::Text, 18),
    Column::new("哪一期", Measure::Text, 18),
    Column::new("户主", Measure::Text, 12),
    Column::new("楼栋", Measure::Text, 18),
    Column::new("做了什么", Measure::Text, 48),
    Column::new("公示编号", Measure::Text, 10),
    Column::new("授予日", Measure::Text, 18),
    Column::new("有效期至", Measure::Text, 18),
];
