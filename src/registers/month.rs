//! The monthly summary: points and goods at the beginning of a month, what came and went for which reason, and at its end.
//!
//! The beginning is added up from all lines before it; the end is reckoned back from what the balances and lots say now. The
//! two ways meet only if nothing is missing between them, so [`Side::agrees`] is a proof and not a repetition.

use crate::clock::{Day, Span};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::ledger::register as books;
use crate::ledger::transaction::TransactionKind;
use crate::money::Fen;
use crate::points::Points;
use crate::shop::register as shelf;
use crate::shop::register::COUNTER_REVERSALS;
use crate::shop::store::PointsStore;

/// What moved for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The reason, as people read it.
    pub label: String,
    /// How many lines.
    pub count: i64,
    /// Points or units; negative where they went.
    pub amount: i64,
    /// What they cost, with the same sign; for goods.
    pub cost: Fen,
}

/// One half of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// At the beginning: points or units, and cost.
    pub begin: (i64, Fen),
    /// What moved.
    pub movements: Vec<Movement>,
    /// At the end, or now in a month that is not over.
    pub end: (i64, Fen),
}

impl Side {
    /// The beginning and what moved since.
    #[must_use]
    pub fn reckoned(&self) -> (i64, Fen) {
        let amount = |sum: i64, movement: &Movement| sum.saturating_add(movement.amount);
        let cost = |sum: i64, movement: &Movement| sum.saturating_add(movement.cost.0);
        (
            self.movements.iter().fold(self.begin.0, amount),
            Fen(self.movements.iter().fold(self.begin.1.0, cost)),
        )
    }

    /// Do beginning and movements make the end?
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.reckoned() == self.end
    }
}

/// The points of all households.
///
/// # Errors
/// Only when the database fails.
pub fn points(conn: &mut Conn, month: Span) -> Result<Side> {
    let mut movements = Vec::new();
    for sum in books::sums(conn, month, COUNTER_REVERSALS)? {
        let sides = [(sum.given, true), (sum.taken, false)];
        // A transfer gives as much as it takes: both are said. Anything else goes one way.
        for (points, is_given) in sides.into_iter().filter(|(points, _)| *points > Points::ZERO) {
            movements.push(Movement {
                label: label_of(&sum, is_given).to_owned(),
                count: if is_given { sum.times_given } else { sum.times_taken },
                amount: if is_given { points.0 } else { (-points).0 },
                cost: Fen(0),
            });
        }
    }
    movements.sort_by_key(|movement| order_of(&movement.label));
    Ok(Side {
        begin: (books::spendable_before(conn, month.from)?.0, Fen(0)),
        movements,
        end: (books::spendable_from_balances(conn, month.until)?.0, Fen(0)),
    })
}

/// The order in which people expect the reasons.
pub(super) const ORDER: [&str; 10] = [
    "发放",
    "更正补发",
    "荣誉称号奖励",
    "转户转入",
    "转户转出",
    "兑换",
    "退货退回",
    "作废退回",
    "冲正收回",
    "过期",
];

fn order_of(label: &str) -> usize {
    ORDER.iter().position(|known| *known == label).unwrap_or(ORDER.len())
}

fn label_of(sum: &books::Sum, is_given: bool) -> &'static str {
    match (sum.kind, is_given) {
        (TransactionKind::Reversal, _) if sum.of_counter => "作废退回",
        (TransactionKind::Reversal, false) => "冲正收回",
        (TransactionKind::Reversal, true) => "冲正退还",
        (TransactionKind::Award, true) => "发放",
        (TransactionKind::Correction, true) => "更正补发",
        (TransactionKind::Correction, false) => "更正收回",
        (TransactionKind::Transfer, true) => "转户转入",
        (TransactionKind::Transfer, false) => "转户转出",
        (TransactionKind::Refund, _) => "退货退回",
        (kind, _) => kind.label(),
    }
}

/// The goods of these stores.
///
/// # Errors
/// Only when the database fails.
pub fn goods(conn: &mut Conn, stores: &[Id<PointsStore>], month: Span) -> Result<Side> {
    let sums = shelf::stock_sums(conn, stores, month)?.into_iter();
    Ok(Side {
        begin: shelf::stock_before(conn, stores, month.from)?,
        movements: sums
            .filter(|sum| sum.count > 0)
            .map(|sum| Movement {
                label: sum.kind.label().to_owned(),
                count: sum.count,
                amount: sum.units,
                cost: sum.cost,
            })
            .collect(),
        end: shelf::stock_from_lots(conn, stores, month.until)?,
    })
}

/// `2026年11月`
#[must_use]
pub fn spoken(month: Span) -> String {
    month.from.format("%Y年%-m月").to_string()
}

/// `2026-11`, as the address has it.
#[must_use]
pub fn written(month: Span) -> String {
    month.from.format("%Y-%m").to_string()
}

/// The month of an address; `None` for what is none.
#[must_use]
pub fn read(text: &str) -> Option<Span> {
    let day: Day = format!("{text}-01").parse().ok()?;
    (text.len() == 7).then(|| Span::month_of(day))
}
