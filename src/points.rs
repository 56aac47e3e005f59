//! Points: whole civility points, the only unit of the books.
//!
//! An `i64` in a newtype, so that points are never mistaken for fen, for a count of goods or for a version, and never
//! become a float. Yuan are in `money.rs`; points turn into yuan only through a dated rate.

use std::fmt;
use std::iter::Sum;
use std::ops::Neg;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::BigInt;
use serde::{Deserialize, Serialize};

/// A number of points, which may be negative in an entry.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow, Serialize, Deserialize,
)]
#[diesel(sql_type = BigInt)]
#[serde(transparent)]
pub struct Points(pub i64);

impl Points {
    /// No points.
    pub const ZERO: Points = Points(0);

    /// The sum, or `None` beyond what an `i64` holds.
    #[must_use]
    pub fn plus(self, other: Points) -> Option<Points> {
        self.0.checked_add(other.0).map(Points)
    }

    /// This many times the points, or `None` beyond what an `i64` holds.
    #[must_use]
    pub fn times(self, count: i64) -> Option<Points> {
        self.0.checked_mul(count).map(Points)
    }

    /// How many points are missing to reach `need`; zero when there are enough.
    #[must_use]
    pub fn short_of(self, need: Points) -> Points {
        Points(need.0.saturating_sub(self.0).max(0))
    }
}

impl Neg for Points {
    type Output = Points;
    fn neg(self) -> Points {
        Points(self.0.saturating_neg())
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Points>>(parts: I) -> Points {
        Points(parts.fold(0i64, |sum, part| sum.saturating_add(part.0)))
    }
}

impl fmt::Display for Points {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<DB: Backend> ToSql<BigInt, DB> for Points
where
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}
impl<DB: Backend> FromSql<BigInt, DB> for Points
where
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i64::from_sql(bytes).map(Points)
    }
}
