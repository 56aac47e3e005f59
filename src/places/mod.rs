//! Places: the programme, the tree of areas, and the households in it.
//!
//! A household is the accounting unit. It has a code, a dwelling, a head and a number of people; it has no column for an
//! identity number or for anything about health, poverty, belief or record (`domain.md` SG10).

pub mod area;
pub mod area_move;
pub mod consent;
pub mod consent_form;
pub mod event;
pub mod household;
pub mod import;
pub mod programme;
pub mod residence;
pub mod roster;
pub mod standing;
pub mod web;
pub mod written;
