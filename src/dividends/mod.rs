//! The civility dividend (文明股分红): a sum that an assembly resolved on, shared out by honour scores.
//!
//! Jishan pays nothing and keeps nothing of it. Points do not become money: what a household can spend does not count,
//! recognition does. Members' property shares are another matter and are not known here (`domain.md` §3.8).

pub mod dividend;
pub mod web;
