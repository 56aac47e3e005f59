//! Access: who people are, which duties they hold for which area, and how the server recognises them.
//!
//! A duty (`role`) is held for an area and everything inside it. What a duty permits is one table in `role.rs`; that two
//! duties of one case are done by two people is decided where the case is (`council`, `shop`).

pub mod attempts;
pub mod digest;
pub mod lookup;
pub mod role;
pub mod session;
pub mod user;
pub mod web;
