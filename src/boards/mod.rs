//! The boards: what everybody sees on the wall and the screen, and what is read out, of households that agreed to it.
//!
//! One rule says who stands there (`board`), for page, kiosk and paper alike; another what the loudspeaker says (`script`).
//! They keep nothing: each is made when it is looked at, so that what is no longer agreed to is gone from it.

pub mod board;
pub mod comparison;
pub mod refused;
pub mod script;
pub mod speech;
pub mod web;
