//! The registry: what the office does when a household splits, merges, moves, leaves or comes back.
//!
//! A change touches rooms on several floors: the household and its history (`places`), its points (`ledger`), its cards
//! (`cards`), and the accounts of staff who live in it (`access`). It is done here, once, so that no page and no program
//! can do half of it. Council and shop do not know this room: they ask `places::standing` where a household is.

pub mod change;
pub mod departed;
pub mod plan;
pub mod web;
