//! Why the council's rooms say no.

use std::fmt;

use super::parties::Part;
use super::{appeal, correction, nomination, objection, session};
use crate::clock::{Day, spoken_day};
use crate::error::Refusal;
use crate::points::Points;

/// Why a step on the way from nomination to posting is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The household would have more from this item than its cap.
    LimitReached {
        /// The rule, in a line.
        rule: String,
        /// What is left in the period.
        left: Points,
    },
    /// The nomination was decided before.
    AlreadyDecided(nomination::State),
    /// Too few members are there.
    NoQuorum {
        /// Who is there.
        present: i64,
        /// Who should be there at least.
        need: i64,
        /// Who sits in the council.
        seats: i64,
    },
    /// The session is not where this could be done.
    SessionIs(session::State),
    /// Another session of this council has not ended.
    AnotherSession,
    /// No verified nomination waits.
    NothingToDecide,
    /// The motion was decided; its votes are closed.
    VotingClosed,
    /// The member has voted on this motion.
    AlreadyVoted,
    /// The member steps back from this motion.
    SteppedBack(String),
    /// The member is not at the session.
    NotPresent,
    /// Secret votes are cast by the member, or keyed from paper.
    SecretBallot,
    /// More votes than voters.
    TooManyVotes {
        /// What was keyed.
        keyed: i64,
        /// Who has not voted yet.
        voters: i64,
    },
    /// Some motions have no result.
    MotionsWaiting(usize),
    /// The session's notice is out already.
    AlreadyPublished,
    /// No row was approved.
    NothingToPublish,
    /// What may not be on a notice.
    NotForPublic(Vec<String>),
    /// The clock stands before what was done already.
    ClockSetBack,
    /// The row is not on public notice any more; it was until this day.
    NoticeEnded(Day),
    /// So many objections to one row wait that no more are taken by this way.
    EnoughObjections,
    /// The objection was decided before.
    ObjectionDecided(objection::State),
    /// The time to decide ended with this day; silence has decided.
    DeadlinePassed(Day),
    /// Whoever wants to decide had a part in it.
    TookPart(Part),
    /// There is no decision that the household could appeal against.
    NothingToAppeal(&'static str),
    /// The time to appeal ended with this day.
    AppealTooLate(Day),
    /// The household has appealed against this decision.
    AlreadyAppealed,
    /// The appeal is not where this could be done.
    AppealIs(appeal::State),
    /// Somebody who cannot sit on the panel, and why.
    NotForPanel {
        /// Who.
        name: String,
        /// Why.
        part: Part,
    },
    /// Too few on the panel.
    PanelTooSmall {
        /// The fewest.
        need: usize,
    },
    /// Not on the panel of this appeal, or another's place there.
    NotOnPanel,
    /// The opinion was given before.
    OpinionGiven,
    /// Only a posted award can be corrected.
    NotPosted(nomination::State),
    /// A correction of this award waits already.
    AlreadyProposed,
    /// The correction was decided before.
    CorrectionDecided(correction::State),
    /// Who proposes does not confirm.
    SecondPerson,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::LimitReached { rule, left } => {
                write!(formatter, "超过上限：{rule}；本期还可加{left}分（含正在办理的申报）。")
            }
            Refused::AlreadyDecided(state) => write!(formatter, "这条申报{}，不能再次处理。", state.label()),
            Refused::NoQuorum { present, need, seats } => write!(
                formatter,
                "到会{present}人，人数不够：共{seats}名成员，至少要到{need}人才能开会。"
            ),
            Refused::SessionIs(state) => write!(formatter, "会议{}，现在不能这样办理。", state.label()),
            Refused::AnotherSession => {
                formatter.write_str("这个评议会还有一次会议没有结束，请先开完那一次，或取消它。")
            }
            Refused::NothingToDecide => formatter.write_str("现在没有核实过、等待评议的申报，会议不用开。"),
            Refused::VotingClosed => formatter.write_str("这一项已有结果，不能再投票。"),
            Refused::AlreadyVoted => formatter.write_str("这位成员已经投过票，每人一票。"),
            Refused::SteppedBack(reason) => write!(formatter, "这一项须回避（{reason}），不能投票。"),
            Refused::NotPresent => formatter.write_str("这位成员没有登记到会，请先登记到会再投票。"),
            Refused::SecretBallot => {
                formatter.write_str("这次是无记名投票：请本人在自己的手机上投，或收齐纸票后由两人录入计票结果。")
            }
            Refused::TooManyVotes { keyed, voters } => write!(
                formatter,
                "计票{keyed}张，多于还没有投票的{voters}人，请核对计票单后重新录入。"
            ),
            Refused::MotionsWaiting(count) => write!(formatter, "还有{count}项没有表决结果，表决完才能散会。"),
            Refused::AlreadyPublished => formatter.write_str("这次会议的结果已经公示，不会重复公示。"),
            Refused::NothingToPublish => formatter.write_str("这次会议没有通过的申报，不用公示。"),
            Refused::NotForPublic(findings) => {
                write!(
                    formatter,
                    "公示内容里有不能公开的信息：{}。请改写后再公示。",
                    findings.join("；")
                )
            }
            Refused::ClockSetBack => formatter
                .write_str("服务器的时钟比上次办理的时间还早，期限无法计算，本次未办理。请管理员校准时钟后再试。"),
            Refused::NoticeEnded(day) => write!(
                formatter,
                "这一条的公示到{}已经结束，不能再提异议。本户不服可以申诉；发现入账有错，请向办公室反映，由办公室办理更正。",
                spoken_day(*day)
            ),
            Refused::EnoughObjections => {
                formatter.write_str("这一条已有10件异议在处理，不再重复登记。您有新的情况，请打电话或到办公室说明。")
            }
            Refused::ObjectionDecided(state) => {
                write!(formatter, "这件异议已经处理过（{}），不能再次处理。", state.label())
            }
            Refused::DeadlinePassed(day) => write!(
                formatter,
                "办理期限到{}为止，已经过了，按规定自动按有利于住户处理，不能再作决定。",
                spoken_day(*day)
            ),
            Refused::TookPart(part) => write!(
                formatter,
                "您是{}，按回避规定不能办理这一件，请由没有经手的人办理。",
                part.label()
            ),
            Refused::NothingToAppeal(standing) => {
                write!(formatter, "这一件现在{standing}，没有可以申诉的决定。")
            }

            Refused::AppealTooLate(day) => {
                write!(formatter, "申诉期限到{}为止，已经过了，不能再受理。", spoken_day(*day))
            }
            Refused::AlreadyAppealed => {
                formatter.write_str("对这个决定已经申诉过，不重复受理。请凭回执号查看办理情况。")
            }
            Refused::AppealIs(state) => write!(formatter, "这件申诉{}，现在不能这样办理。", state.label()),
            Refused::NotForPanel { name, part } => write!(
                formatter,
                "{name}是{}，按回避规定不能参加这件申诉的复议，请另选一位。",
                part.label()
            ),
            Refused::PanelTooSmall { need } => {
                write!(formatter, "复议组至少要{need}人，请再选几位没有经手的人。")
            }
            Refused::NotOnPanel => formatter.write_str("只有复议组成员本人能写自己的意见。"),
            Refused::OpinionGiven => formatter.write_str("这位的意见已经登记，不能更改。"),
            Refused::NotPosted(state) => {
                write!(formatter, "这条申报{}，不是已入账，不用更正。", state.label())
            }
            Refused::AlreadyProposed => formatter.write_str("这条入账已有更正在等第二人确认，不用重复提出。"),
            Refused::CorrectionDecided(state) => {
                write!(formatter, "这件更正{}，不能再次处理。", state.label())
            }
            Refused::SecondPerson => formatter.write_str("提出更正的人不能自己确认，请由另一人确认。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::LimitReached { .. } => "limit_reached",
            Refused::AlreadyDecided(_) => "already_decided",
            Refused::NoQuorum { .. } => "no_quorum",
            Refused::SessionIs(_) => "session_state",
            Refused::AnotherSession => "another_session",
            Refused::NothingToDecide => "nothing_to_decide",
            Refused::VotingClosed => "voting_closed",
            Refused::AlreadyVoted => "already_voted",
            Refused::SteppedBack(_) => "recused",
            Refused::NotPresent => "not_present",
            Refused::SecretBallot => "secret_ballot",
            Refused::TooManyVotes { .. } => "too_many_votes",
            Refused::MotionsWaiting(_) => "motions_waiting",
            Refused::AlreadyPublished => "already_published",
            Refused::NothingToPublish => "nothing_to_publish",
            Refused::NotForPublic(_) => "not_for_public",
            Refused::ClockSetBack => "clock_set_back",
            Refused::NoticeEnded(_) => "notice_ended",
            Refused::EnoughObjections => "enough_objections",
            Refused::ObjectionDecided(_) => "objection_decided",
            Refused::DeadlinePassed(_) => "deadline_passed",
            Refused::TookPart(_) => "took_part",
            Refused::NothingToAppeal(_) => "nothing_to_appeal",
            Refused::AppealTooLate(_) => "appeal_too_late",
            Refused::AlreadyAppealed => "already_appealed",
            Refused::AppealIs(_) => "appeal_state",
            Refused::NotForPanel { .. } => "not_for_panel",
            Refused::PanelTooSmall { .. } => "panel_too_small",
            Refused::NotOnPanel => "not_on_panel",
            Refused::OpinionGiven => "opinion_given",
            Refused::NotPosted(_) => "not_posted",
            Refused::AlreadyProposed => "already_proposed",
            Refused::CorrectionDecided(_) => "correction_decided",
            Refused::SecondPerson => "second_person",
        }
    }
}
