//! A register: which one, of which month, of which stores; its lines by the page and the totals of the whole month.
//!
//! The totals are asked from the database, not added up from the lines that happen to be shown, so that they are right on
//! every page; `tests/registers.rs` holds that both agree, with each other and with the books.

use super::columns::{Cell, Column, Line};
use super::{donations, issue, redemptions, stock};
use crate::clock::Span;
use crate::db::{Conn, text_enum};
use crate::error::Result;
use crate::id::Id;
use crate::shop::store::PointsStore;

text_enum! {
    /// The registers that have lines.
    pub enum Kind {
        /// What gave or took points otherwise than at the counter.
        Issue = "issue", "积分发放登记台账";
        /// What went over the counter and came back.
        Redemptions = "redemptions", "积分兑换台账";
        /// What came onto the shelf and went off it.
        Stock = "stock", "商品出入库台账";
        /// What was given, and by whom.
        Donations = "donations", "捐赠名册";
    }
}

/// Of which month and which stores.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The month.
    pub month: Span,
    /// The stores; the issue register knows none.
    pub stores: Vec<Id<PointsStore>>,
}

/// How many lines a register has in all, and what its columns add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Lines.
    pub count: i64,
    /// One cell for each column, nothing where there is no total.
    pub cells: Vec<Cell>,
}

impl Kind {
    /// Its columns.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Kind::Issue => &issue::COLUMNS,
            Kind::Redemptions => &redemptions::COLUMNS,
            Kind::Stock => &stock::COLUMNS,
            Kind::Donations => &donations::COLUMNS,
        }
    }

    /// Is it about points, which not everybody who keeps goods may read?
    #[must_use]
    pub fn is_of_points(self) -> bool {
        matches!(self, Kind::Issue | Kind::Redemptions)
    }

    /// Has it a line for each of several stores?
    #[must_use]
    pub fn is_of_stores(self) -> bool {
        self != Kind::Issue
    }

    /// Some of its lines.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn lines(self, conn: &mut Conn, scope: &Scope, offset: i64, limit: i64) -> Result<Vec<Line>> {
        match self {
            Kind::Issue => issue::lines(conn, scope, offset, limit),
            Kind::Redemptions => redemptions::lines(conn, scope, offset, limit),
            Kind::Stock => stock::lines(conn, scope, offset, limit),
            Kind::Donations => donations::lines(conn, scope, offset, limit),
        }
    }

    /// All of its lines, a few hundred at a time.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn all_lines(self, conn: &mut Conn, scope: &Scope) -> Result<Vec<Line>> {
        const AT_A_TIME: i64 = 500;
        let mut all: Vec<Line> = Vec::new();
        loop {
            let offset = i64::try_from(all.len()).unwrap_or(i64::MAX);
            let more = self.lines(conn, scope, offset, AT_A_TIME)?;
            let is_last = i64::try_from(more.len()).unwrap_or(0) < AT_A_TIME;
            all.extend(more);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// The totals of the whole month.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn totals(self, conn: &mut Conn, scope: &Scope) -> Result<Totals> {
        match self {
            Kind::Issue => issue::totals(conn, scope),
            Kind::Redemptions => redemptions::totals(conn, scope),
            Kind::Stock => stock::totals(conn, scope),
            Kind::Donations => donations::totals(conn, scope),
        }
    }
}
