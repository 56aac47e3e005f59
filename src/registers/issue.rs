//! The issue register: every line of the books that gave households points or took them back otherwise than at the counter.
//!
//! Awards, corrections, what expired, what was reversed, what went from one household to another because people did. Each
//! with its number, so that it can be traced; the household by its code and masked name.

use std::collections::HashMap;

use super::columns::{Cell, Column, Line, Measure};
use super::register::{Scope, Totals};
use crate::clock::day_of;
use crate::council::nomination::{self, Nomination};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::ledger::register::{self, Moved};
use crate::ledger::transaction::TransactionKind;
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::scheme::item::{self, Item};
use crate::shop::register::COUNTER_REVERSALS;

/// The columns.
pub const COLUMNS: [Column; 9] = [
    Column::new("凭条号", Measure::Number, 9),
    Column::new("记账日期", Measure::Day, 12),
    Column::new("事由日期", Measure::Day, 12),
    Column::new("户号", Measure::Text, 22),
    Column::new("户主", Measure::Text, 9),
    Column::new("类别", Measure::Text, 9),
    Column::new("事由", Measure::Text, 34),
    Column::new("发放积分", Measure::Sum, 10),
    Column::new("收回积分", Measure::Sum, 10),
];

/// The prefixes of sources that name a nomination.
const OF_NOMINATIONS: [&str; 2] = ["award:", "reversal:"];

pub(super) fn lines(conn: &mut Conn, scope: &Scope, offset: i64, limit: i64) -> Result<Vec<Line>> {
    let moved = register::issued(conn, scope.month, COUNTER_REVERSALS, offset, limit)?;
    let households = households_of(conn, moved.iter().map(|line| line.owner.as_str()))?;
    let deeds = Deeds::load(conn, &moved)?;
    Ok(moved
        .into_iter()
        .map(|line| {
            let household = households.get(&line.owner);
            let zero = Points::ZERO;
            Line {
                href: format!("/trace/{}", line.transaction),
                cells: vec![
                    Cell::Number(line.transaction),
                    Cell::Day(day_of(line.recorded_at)),
                    Cell::Day(line.effective_on),
                    Cell::text(household.map(|household| household.code.as_str()).unwrap_or_default()),
                    Cell::text(household.map(Household::masked_name).unwrap_or_default()),
                    Cell::text(line.kind.label()),
                    Cell::text(deeds.tell(&line)),
                    Cell::points(line.amount.max(zero)),
                    Cell::points((-line.amount).max(zero)),
                ],
            }
        })
        .collect())
}

/// The households of these owners, by the owner.
pub(super) fn households_of<'a>(
    conn: &mut Conn,
    owners: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Household>> {
    let mut ids: Vec<Id<Household>> = owners.map(Id::known).collect();
    ids.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    ids.dedup();
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let households = household::by_ids(conn, chunk)?.into_iter();
        found.extend(households.map(|household| (household.id.to_string(), household)));
    }
    Ok(found)
}

/// The deeds behind the lines of a page.
struct Deeds {
    nominations: HashMap<String, Nomination>,
    items: HashMap<Id<Item>, Item>,
}

impl Deeds {
    fn load(conn: &mut Conn, moved: &[Moved]) -> Result<Deeds> {
        let ids: Vec<Id<Nomination>> = moved
            .iter()
            .filter_map(|line| nomination_of(&line.source))
            .map(Id::known)
            .collect();
        let (mut nominations, mut item_ids) = (HashMap::new(), Vec::new());
        for chunk in ids.chunks(500) {
            for nomination in nomination::by_ids(conn, chunk)? {
                item_ids.push(nomination.scoring_item_id.clone());
                nominations.insert(nomination.id.to_string(), nomination);
            }
        }
        item_ids.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        item_ids.dedup();
        let mut items = HashMap::new();
        for chunk in item_ids.chunks(500) {
            items.extend(
                item::by_ids(conn, chunk)?
                    .into_iter()
                    .map(|item| (item.id.clone(), item)),
            );
        }
        Ok(Deeds { nominations, items })
    }

    fn tell(&self, line: &Moved) -> String {
        let nomination = nomination_of(&line.source).and_then(|id| self.nominations.get(id));
        let item = nomination.and_then(|nomination| self.items.get(&nomination.scoring_item_id));
        if let (Some(nomination), Some(item)) = (nomination, item) {
            let times = match nomination.count {
                1 => String::new(),
                count => format!(" × {count}"),
            };
            return format!("{} {}{times}", item.code, item.name);
        }
        let words = match (line.kind, line.amount > Points::ZERO) {
            (TransactionKind::Transfer, true) => "由另一户转入",
            (TransactionKind::Transfer, false) => "转给另一户",
            (TransactionKind::Expiry, _) => "到期没有用完",
            (TransactionKind::Award | TransactionKind::Correction, _) if line.source.starts_with("appeal:") => {
                "申诉成立后补发"
            }
            (TransactionKind::Reversal, _) => "冲正以前的积分",
            (kind, _) => kind.label(),
        };
        words.to_owned()
    }
}

fn nomination_of(source: &str) -> Option<&str> {
    OF_NOMINATIONS.iter().find_map(|prefix| source.strip_prefix(prefix))
}

pub(super) fn totals(conn: &mut Conn, scope: &Scope) -> Result<Totals> {
    let (mut count, mut given, mut taken) = (0i64, Points::ZERO, Points::ZERO);
    for sum in register::sums(conn, scope.month, COUNTER_REVERSALS)? {
        if !register::is_of_counter(&sum) {
            count = count.saturating_add(sum.times_given).saturating_add(sum.times_taken);
            given = [given, sum.given].into_iter().sum();
            taken = [taken, sum.taken].into_iter().sum();
        }
    }
    let mut cells = vec![Cell::Nothing; 7];
    cells.extend([Cell::Number(given.0), Cell::Number(taken.0)]);
    Ok(Totals { count, cells })
}
