//! The boards: what everybody sees on the wall and the screen, and what is read out, of households that agreed to it.
//!
//! One rule says who stands there (`board`), for page, kiosk and paper alike; another what the loudspeaker says (`script`).
//! They are made when they are looked at, so that what is no longer agreed to is gone from them. All that is kept are
//! photographs that stand beside a deed or a title (`picture`), for as long as they may.

pub mod board;
pub mod comparison;
pub mod picture;
pub mod refused;
pub mod script;
pub mod speech;
pub mod web;
