//! Honours: titles that a community gives to households, decided by people and never computed from points.
//!
//! ```text
//! nominated → verified → balloted → notified → conferred → (revoked by appeal only)
//!      ↘ withdrawn   ↘ declined      ⇅ suspended while an objection is open
//! ```
//!
//! The council's room knows nothing of titles: its sessions, members and terms are used here, and its books post the reward.

pub mod appeal;
pub mod award;
pub mod ballot;
pub mod book;
pub mod check;
pub mod clockwork;
mod departed;
pub mod notice;
pub mod objection;
pub mod parties;
pub mod refused;
pub mod roll;
pub mod star;
pub mod star_entry;
pub mod title;
pub mod web;
pub mod year;
