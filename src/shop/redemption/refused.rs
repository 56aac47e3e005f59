//! Why the counter refuses. The shelf's refusals are in `shop/refused.rs`.

use std::fmt;

use crate::error::Refusal;
use crate::points::Points;
use crate::shop::partner;

/// Why the counter refuses. Cards refuse in `cards/card.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The balance does not reach.
    NotEnoughPoints {
        /// What is missing; the balance itself stays with the household.
        short_by: Points,
    },
    /// The shelf does not hold so many.
    OutOfStock {
        /// The goods, as people call them.
        goods: String,
        /// How many there are.
        available: i64,
    },
    /// The household has had its share of this month.
    LimitReached {
        /// The goods, as people call them.
        goods: String,
        /// How many a household may take in a month.
        limit: i64,
        /// How many it may still take.
        left: i64,
    },
    /// The household has had its share of a category this month.
    CategoryLimitReached {
        /// 粮油
        category: String,
        /// How many units a household of its size may take in a month.
        limit: i64,
        /// How many it may still take.
        left: i64,
    },
    /// The person is not on the household's list of proxies, or not any more.
    NotAProxy,
    /// So many points need the household's PIN or a signature.
    ConfirmationNeeded {
        /// From how many on.
        from: Points,
    },
    /// A partner's shop has its own reasons.
    Partner(partner::Refused),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NotEnoughPoints { short_by } => write!(formatter, "积分不够，还差{short_by}分。"),
            Refused::OutOfStock { goods, available: 0 } => write!(formatter, "{goods}没有库存了。"),
            Refused::OutOfStock { goods, available } => write!(formatter, "{goods}库存不足，只有{available}件。"),
            Refused::LimitReached { goods, limit, left } => {
                write!(formatter, "{goods}每户每月限兑{limit}件，本月还可兑{left}件。")
            }
            Refused::CategoryLimitReached { category, limit, left } => {
                write!(formatter, "{category}类这一户每月限兑{limit}件，本月还可兑{left}件。")
            }
            Refused::NotAProxy => formatter.write_str("这个人不在代领人名单里，或已经取消、过期。"),
            Refused::ConfirmationNeeded { from } => {
                write!(formatter, "{from}分以上的兑换，请住户输密码，或在小票上签字。")
            }
            Refused::Partner(refused) => refused.fmt(formatter),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NotEnoughPoints { .. } => "not_enough_points",
            Refused::OutOfStock { .. } => "out_of_stock",
            Refused::LimitReached { .. } | Refused::CategoryLimitReached { .. } => "limit_reached",
            Refused::NotAProxy => "not_a_proxy",
            Refused::ConfirmationNeeded { .. } => "confirmation_needed",
            Refused::Partner(refused) => refused.code(),
        }
    }
}
