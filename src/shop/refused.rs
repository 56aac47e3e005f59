//! Why the shelf refuses: the stock keeper's rules that said no. The counter's are in `redemption.rs`.

use std::fmt;

use crate::error::Refusal;

/// A rule of the shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Whoever proposed or counted does not confirm.
    SamePerson,
    /// It was decided or closed meanwhile.
    NotWaiting,
    /// A lot does not hold so many (any more).
    LotTooSmall {
        /// The goods, as people call them.
        goods: String,
        /// The lot.
        lot: i64,
        /// What is left in it.
        left: i64,
    },
    /// A shortage is larger than what is left on the shelf.
    ShortageTooLarge {
        /// The goods, as people call them.
        goods: String,
        /// What is missing.
        missing: i64,
        /// What is left.
        left: i64,
    },
    /// A stocktake of the store is under way.
    AlreadyCounting,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::SamePerson => formatter.write_str("提出、清点的人不能自己确认，请由另一个人确认。"),
            Refused::NotWaiting => formatter.write_str("这一单已经办过，或者状态已变，请刷新页面后再看。"),
            Refused::LotTooSmall { goods, lot, left } => write!(
                formatter,
                "{goods}第{lot}批现在只剩{left}件，不够这么多，可能已经兑出。请按现在的数量重新提出。"
            ),
            Refused::ShortageTooLarge { goods, missing, left } => write!(
                formatter,
                "{goods}盘亏{missing}件，可是账上只剩{left}件，清点以后又兑出了。请退回，重新清点这种商品。"
            ),
            Refused::AlreadyCounting => {
                formatter.write_str("本店还有一次盘点没有办完，请先办完或作废，再开始新的盘点。")
            }
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::SamePerson => "same_person",
            Refused::NotWaiting => "not_waiting",
            Refused::LotTooSmall { .. } => "lot_too_small",
            Refused::ShortageTooLarge { .. } => "shortage_too_large",
            Refused::AlreadyCounting => "already_counting",
        }
    }
}
