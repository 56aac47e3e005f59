//! Why the room of honours says no, beside what the council's room has words for.

use std::fmt;

use super::award::State;
use super::{appeal, objection, star_entry};
use crate::error::Refusal;

/// Why a step on the way to a title is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another title of this name is given.
    TitleExists,
    /// The title is retired.
    TitleRetired,
    /// Somebody of the household works for the programme or sits in a council (SG12).
    StaffHousehold,
    /// The household is a candidate for this title and period, or was.
    AlreadyNominated,
    /// The award is not where this could be done.
    AwardIs(State),
    /// Too few may vote on this household.
    TooFewVoters {
        /// Who may.
        voters: i64,
        /// Who should at least.
        need: i64,
    },
    /// The second person keyed other counts than the first.
    CountsDiffer,
    /// The ballot is counted and confirmed.
    BallotOver,
    /// The objection was decided before, or lapsed.
    ObjectionDecided(objection::State),
    /// An appeal about this award waits, or was decided.
    AlreadyAppealed,
    /// As many stars as there may be.
    EnoughStars,
    /// The household has this star for as long already.
    StarHeld,
    /// The star was keyed for this household and waits for a second person.
    StarWaits,
    /// Who keyed stars does not confirm them.
    KeyedByOneself,
    /// The entry of stars was decided already.
    StarEntryIs(star_entry::State),
    /// The appeal is not where this could be done.
    AppealIs(appeal::State),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::TitleExists => formatter.write_str("已有同名的称号。要改它，请先停用，再重新登记。"),
            Refused::TitleRetired => formatter.write_str("这个称号已经停用，不再评选。"),
            Refused::StaffHousehold => {
                formatter.write_str("这一户有人是工作人员或评议会成员，不参加称号评选，免得自己评自己。")
            }
            Refused::AlreadyNominated => formatter.write_str("这一户这一期已经参评过这个称号，一户一期只评一次。"),
            Refused::AwardIs(state) => write!(formatter, "这一户的称号{}，现在不能这样办理。", state.label()),
            Refused::TooFewVoters { voters, need } => write!(
                formatter,
                "回避以后只剩{voters}人能表决，至少要{need}人，请留待下次会议。"
            ),
            Refused::CountsDiffer => formatter.write_str(
                "和第一位录入的票数不一样，没有确认。请两人对照计票单再看一遍；第一位录错的，由他重新录入。",
            ),
            Refused::BallotOver => formatter.write_str("这一户的票数已经两人确认，不能再改。"),
            Refused::ObjectionDecided(state) => {
                write!(formatter, "这件异议已经处理过（{}），不能再次处理。", state.label())
            }
            Refused::AlreadyAppealed => formatter.write_str("这件事已有申诉在办理或已经办结，不重复受理。"),
            Refused::EnoughStars => formatter.write_str("最多设八颗星。要设新的，请先停用一颗。"),
            Refused::StarHeld => formatter.write_str("这颗星本来就有效到那一天或更久，不用再登记。"),
            Refused::StarWaits => formatter.write_str("这颗星已经登记过，正等另一人复核。"),
            Refused::KeyedByOneself => formatter.write_str("登记的人不能自己复核，请由另一人复核。"),
            Refused::StarEntryIs(state) => write!(formatter, "这份登记{}，不能再次办理。", state.label()),
            Refused::AppealIs(state) => write!(formatter, "这件申诉{}，现在不能这样办理。", state.label()),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::TitleExists => "title_exists",
            Refused::TitleRetired => "title_retired",
            Refused::StaffHousehold => "staff_household",
            Refused::AlreadyNominated => "already_nominated",
            Refused::AwardIs(_) => "title_award_state",
            Refused::TooFewVoters { .. } => "too_few_voters",
            Refused::CountsDiffer => "counts_differ",
            Refused::BallotOver => "ballot_over",
            Refused::ObjectionDecided(_) => "objection_decided",
            Refused::AlreadyAppealed => "already_appealed",
            Refused::EnoughStars => "enough_stars",
            Refused::StarHeld => "star_held",
            Refused::StarWaits => "star_waits",
            Refused::KeyedByOneself => "second_person",
            Refused::StarEntryIs(_) => "star_entry_state",
            Refused::AppealIs(_) => "appeal_state",
        }
    }
}
