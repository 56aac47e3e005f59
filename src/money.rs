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

impl Fen {
    /// As vouchers have it, in capitals that cannot be altered: `壹仟叁佰柒拾贰元整` (支付结算办法, annex 1).
    #[must_use]
    pub fn in_capitals(self) -> String {
        let all = self.0.unsigned_abs();
        let (yuan, jiao, fen) = (all / 100, all / 10 % 10, all % 10);
        let mut said = String::new();
        if self.0 < 0 {
            said.push('负');
        }
        if yuan > 0 || all == 0 {
            said.push_str(&whole_in_capitals(yuan));
            said.push('元');
        }
        if jiao == 0 && fen == 0 {
            said.push('整');
            return said;
        }
        if jiao > 0 {
            said.push(capital(jiao));
            said.push('角');
        } else if yuan > 0 {
            said.push('零');
        }
        match fen {
            0 => said.push('整'),
            fen => said.extend([capital(fen), '分']),
        }
        said
    }
}

fn capital(digit: u64) -> char {
    let digits = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];
    usize::try_from(digit)
        .ok()
        .and_then(|at| digits.get(at).copied())
        .unwrap_or('零')
}

/// A whole number in capitals, from its greatest unit down; a unit that is passed over is a zero.
fn whole_in_capitals(number: u64) -> String {
    let units = [
        (100_000_000, '亿'),
        (10_000, '万'),
        (1_000, '仟'),
        (100, '佰'),
        (10, '拾'),
    ];
    let Some((unit, name)) = units.into_iter().find(|(unit, _)| number >= *unit) else {
        return capital(number).to_string();
    };
    let mut said = whole_in_capitals(number / unit);
    said.push(name);
    let rest = number % unit;
    if rest > 0 && rest < unit / 10 {
        said.push('零');
    }
    if rest > 0 {
        said.push_str(&whole_in_capitals(rest));
    }
    said
}

/// Shares a pool out by weights, to the fen: the parts make the pool exactly, each is what is due to it or a fen more.
///
/// The fen that are left over go to the largest remainders, of equal ones to the first. A weight of zero or less gets
/// nothing. Without any weight, and for a pool below zero, nobody gets anything.
#[must_use]
pub fn share_out(pool: Fen, weights: &[i64]) -> Vec<Fen> {
    let weights: Vec<i128> = weights.iter().map(|weight| i128::from((*weight).max(0))).collect();
    let all: i128 = weights.iter().sum();
    let pool = i128::from(pool.0.max(0));
    // A pool and a weight fit into 63 bits each, so their product fits here.
    let due = |weight: i128| pool.saturating_mul(weight);
    let whole = |weight: i128| due(weight).checked_div(all).unwrap_or(0);
    let remainder = |weight: i128| due(weight).checked_rem(all).unwrap_or(0);
    let mut parts: Vec<i128> = weights.iter().map(|weight| whole(*weight)).collect();
    let given: i128 = parts.iter().sum();
    let left = if all > 0 { pool.saturating_sub(given) } else { 0 };
    let mut order: Vec<(i128, usize)> = weights
        .iter()
        .enumerate()
        .map(|(at, weight)| (remainder(*weight), at))
        .collect();
    order.sort_by_key(|(remainder, at)| (std::cmp::Reverse(*remainder), *at));
    for (_, at) in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        if let Some(part) = parts.get_mut(at) {
            *part = part.saturating_add(1);
        }
    }
    // No part is more than the pool, which was an `i64`.
    parts
        .into_iter()
        .map(|part| Fen(i64::try_from(part).unwrap_or(0)))
        .collect()
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

    #[test]
    fn an_amount_in_capitals_is_written_as_on_cheques() {
        for (fen, said) in [
            // The examples of the rule.
            (140_950, "壹仟肆佰零玖元伍角整"),
            (600_714, "陆仟零柒元壹角肆分"),
            (168_032, "壹仟陆佰捌拾元叁角贰分"),
            (10_700_053, "壹拾万柒仟元伍角叁分"),
            (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
            (32_504, "叁佰贰拾伍元零肆分"),
            (0, "零元整"),
            (7, "柒分"),
            (50, "伍角整"),
            (2_000_000, "贰万元整"),
            (10_000_000_100, "壹亿零壹元整"),
            (-1_000, "负壹拾元整"),
        ] {
            assert_eq!(Fen(fen).in_capitals(), said, "{fen}");
        }
        assert!(Fen(i64::MIN).in_capitals().ends_with('分'));
    }

    fn shared(pool: i64, weights: &[i64]) -> Vec<i64> {
        share_out(Fen(pool), weights).into_iter().map(|part| part.0).collect()
    }

    #[test]
    fn a_pool_is_shared_out_to_the_last_fen() {
        // By hand: 100 over 3 is 33 each and one left, which goes to the first.
        assert_eq!(shared(100, &[1, 1, 1]), [34, 33, 33]);
        // 10 × 6/8 = 7.5, 10 × 1/8 = 1.25 twice: the one that is left goes to the largest remainder, wherever it stands.
        assert_eq!(shared(10, &[1, 6, 1]), [1, 8, 1]);
        assert_eq!(shared(2_000_000, &[77, 54, 48]), [860_335, 603_352, 536_313]);
    }

    #[test]
    fn parts_make_the_pool_whatever_the_weights() {
        let mut seed = 7i64;
        let mut next = |below: i64| {
            seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
            seed % below
        };
        for _ in 0..500 {
            let weights: Vec<i64> = (0..=next(40)).map(|_| next(300)).collect();
            let pool = next(3_000_000);
            let parts = shared(pool, &weights);
            let all: i64 = weights.iter().sum();
            assert_eq!(parts.iter().sum::<i64>(), if all > 0 { pool } else { 0 });
            for (part, weight) in parts.iter().zip(&weights) {
                let whole = pool * weight / all.max(1);
                assert!(
                    *part == whole || *part == whole + 1,
                    "{part} of {weight} in {weights:?}"
                );
                assert!(*weight > 0 || *part == 0, "a weight of zero gets nothing");
            }
        }
    }

    #[test]
    fn nobody_gets_anything_of_nothing() {
        assert_eq!(shared(100, &[]), [0i64; 0]);
        assert_eq!(shared(100, &[0, 0]), [0, 0]);
        assert_eq!(shared(0, &[5, 5]), [0, 0]);
        assert_eq!(shared(-100, &[5, 5]), [0, 0]);
        assert_eq!(shared(100, &[-5, 5]), [0, 100]);
        assert_eq!(shared(i64::MAX, &[i64::MAX, 0]), [i64::MAX, 0]);
    }
}
