//! Cards: how a household is recognised at the counter. A number and a secret: no name, no balance.

pub mod api;
pub mod card;
pub mod number;
pub mod pin;
pub mod qr;
pub mod web;
