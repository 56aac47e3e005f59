//! Volunteering and time credits (志愿服务、时间积分): hours that households give, and get back hour for hour.
//!
//! An event credits the households that came, after a second person has confirmed the times; a household that has hours may
//! have help from another one, to which they go. Where a household has none, the community's pool may pay. All of it is in
//! the ledger, in minutes, beside the points and never turned into them: there is no rate, nothing to buy, no last day.
//!
//! It knows no person but by a count, and children below fourteen not even so. What a rule gives in points for the same
//! hours is nominated and decided in `council` like any other deed.

pub mod book;
pub mod check;
pub mod confirmation;
pub mod correction;
pub mod event;
pub mod help;
pub mod minutes;
pub mod pool;
pub mod refused;
pub mod register;
pub mod stay;
pub mod web;
