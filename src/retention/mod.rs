//! Retention: what is kept how long, what goes by itself when its time is over, and how a household is deleted.
//!
//! `fate` is the one list of what becomes of every table; `deletion` carries it out after two people. `schedule` is what is
//! kept how long, and `clockwork` throws away what is due. The books are never touched: amounts stay, names go (SG15, SG16).

pub mod clockwork;
pub mod deletion;
pub mod fate;
pub mod schedule;
pub mod web;
