//! Accounts: whose, of what kind, in which unit.

use crate::db::text_enum;

/// The owner of the programme's own accounts. A household's accounts are owned by its id.
pub const PROGRAMME: &str = "programme";

text_enum! {
    /// What an account counts.
    pub enum AccountKind {
        /// A household's points that can be redeemed (可用积分).
        Spendable = "spendable", "可用积分";
        /// A household's points that are on public notice (待生效积分).
        Pending = "pending", "待生效积分";
        /// A household's recognition, which is never spent (荣誉分).
        Honour = "honour", "荣誉分";
        /// Where a programme's points come from; its balance is minus all that was issued.
        Issuance = "issuance", "发放";
        /// Points that came back over the counter.
        Redemption = "redemption", "兑换";
        /// Points past their validity.
        Expiry = "expiry", "过期";
        /// Points that were reversed after they were spent: the programme bears them, not the household.
        WriteOff = "write_off", "核销";
        /// The counterpart of honour.
        Recognition = "recognition", "荣誉";
        /// A household's time credits, in whole minutes: never below zero, never expiring, never points (时间积分).
        TimeCredits = "time_credits", "时间积分";
        /// Where the minutes of volunteers come from; its balance is minus all that were credited.
        TimeIssuance = "time_issuance", "志愿服务时间";
        /// What the community pays for those who have no hours; its balance is minus all that it paid (爱心时间池).
        TimePool = "time_pool", "爱心时间池";
    }
}

/// What is counted. Entries sum to zero within each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Civility points.
    Points,
    /// Honour score.
    Honour,
    /// Minutes of help: an amount of this unit is a number of whole minutes.
    Time,
}

impl Unit {
    /// Every one: what must balance.
    pub const ALL: [Unit; 3] = [Unit::Points, Unit::Honour, Unit::Time];
}

impl AccountKind {
    /// The unit of an account of this kind.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            AccountKind::Honour | AccountKind::Recognition => Unit::Honour,
            AccountKind::TimeCredits | AccountKind::TimeIssuance | AccountKind::TimePool => Unit::Time,
            _ => Unit::Points,
        }
    }

    /// Kinds that the programme owns and that may be below zero.
    #[must_use]
    pub fn of_programme(self) -> bool {
        !matches!(
            self,
            AccountKind::Spendable | AccountKind::Pending | AccountKind::Honour | AccountKind::TimeCredits
        )
    }
}
