//! Money: yuan, kept in whole fen and computed with decimals.
//!
//! Goods have a cost and a scheme has a rate of yuan per point; nothing in Jishan pays money out. No floats.

use std::fmt;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::BigInt;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::points::Points;

/// An amount of money in fen (0.01 yuan).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = BigInt)]
pub struct Fen(pub i64);

impl Fen {
    /// Reads yuan with at most two decimals, exactly; `None` for anything else.
    #[must_use]
    pub fn of_yuan(text: &str) -> Option<Fen> {
        let yuan = Decimal::from_str_exact(text.trim()).ok()?;
        let fen = yuan.checked_mul(Decimal::ONE_HUNDRED)?;
        (yuan.scale() <= 2).then_some(fen)?.to_i64().map(Fen)
    }

    /// What `points` are worth at `yuan_per_point`, rounded half up to the fen; `None` beyond what fen can hold.
    #[must_use]
    pub fn worth(points: Points, yuan_per_point: Decimal) -> Option<Fen> {
        Decimal::from(points.0)
            .checked_mul(yuan_per_point)?
            .checked_mul(Decimal::ONE_HUNDRED)?
            .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
            .to_i64()
            .map(Fen)
    }
}

impl fmt::Display for Fen {
    /// Yuan with two places: `12.60`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", Decimal::new(self.0, 2))
    }
}

impl<DB: Backend> ToSql<BigInt, DB> for Fen
where
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}
impl<DB: Backend> FromSql<BigInt, DB> for Fen
where
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i64::from_sql(bytes).map(Fen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_one_and_a_half_yuan_rounds_to_the_fen() {
        assert_eq!(Fen::worth(Points(3), Decimal::new(155, 2)), Some(Fen(465)));
        assert_eq!(Fen::worth(Points(1), Decimal::new(1005, 3)), Some(Fen(101)));
        assert_eq!(Fen::worth(Points(i64::MAX), Decimal::new(155, 2)), None);
        assert_eq!(Fen(1260).to_string(), "12.60");
    }
}
