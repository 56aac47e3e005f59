//! Why the council's rooms say no.

use std::fmt;

use super::nomination;
use super::session;
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
                "到会{present}人，不够法定人数：共{seats}名成员，至少要到{need}人才能开会。"
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
        }
    }
}
