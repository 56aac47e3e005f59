//! Why the room of volunteering says no.

use std::fmt;

use super::event::State;
use super::minutes::Minutes;
use crate::clock::{Day, spoken_day};
use crate::error::Refusal;

/// Why something about an event or an hour of help is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The event is over or cancelled.
    EventIs(State),
    /// Signing in and out is for the day itself.
    NotThatDay(Day),
    /// It is not yet the day.
    NotYet(Day),
    /// The household does not live where the event is for.
    Elsewhere(String),
    /// The household has not signed in.
    NotThere,
    /// Nobody came.
    Nobody,
    /// So many have not signed out.
    StillThere(usize),
    /// The list is not the one that was shown.
    Changed,
    /// A household cannot have help for more than it has.
    NotEnoughTime {
        /// What it has.
        have: Minutes,
        /// What is asked for.
        need: Minutes,
    },
    /// The pool has paid as much this month as it may.
    PoolUsedUp {
        /// What is left of the month.
        left: Minutes,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::EventIs(state) => write!(formatter, "这次活动{}，不能再改。", state.label()),
            Refused::NotThatDay(day) => write!(
                formatter,
                "活动是{}的，当天才能签到签退。事后请照纸质签到表补录。",
                spoken_day(*day)
            ),
            Refused::NotYet(day) => write!(formatter, "活动是{}的，还没到那一天，不能确认时长。", spoken_day(*day)),
            Refused::Elsewhere(place) => write!(formatter, "这户不在{place}，这次活动没有邀请那里的住户。"),
            Refused::NotThere => formatter.write_str("这户还没有签到，不能签退。请先签到，或者照纸质签到表补录。"),
            Refused::Nobody => formatter.write_str("还没有住户签到，没有时长可以确认。没有办成的，请取消活动。"),
            Refused::StillThere(households) => {
                write!(formatter, "还有{households}户没有签退，先签退或补录时间，再确认。")
            }
            Refused::Changed => formatter.write_str("刚才名单有变化，没有确认。请核对新的名单后再确认。"),
            Refused::NotEnoughTime { have, need } => write!(
                formatter,
                "受助户的时间积分只有{have}，不够付{need}。可以少记一些，或者写明缘由由爱心时间池支付。"
            ),
            Refused::PoolUsedUp { left } => write!(
                formatter,
                "爱心时间池这个月只剩{left}，不够付这一次。请下个月再办，或请管理员调整每月上限。"
            ),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::EventIs(_) => "event_over",
            Refused::NotThatDay(_) => "not_that_day",
            Refused::NotYet(_) => "not_yet",
            Refused::Elsewhere(_) => "lives_elsewhere",
            Refused::NotThere => "not_signed_in_there",
            Refused::Nobody => "nobody_signed_in",
            Refused::StillThere(_) => "not_signed_out",
            Refused::Changed => "changed_meanwhile",
            Refused::NotEnoughTime { .. } => "not_enough_time",
            Refused::PoolUsedUp { .. } => "pool_used_up",
        }
    }
}
