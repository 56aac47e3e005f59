//! Cards: how a household is recognised at the counter. A number and a secret: no name, no balance.

pub mod allow_list;
pub mod api;
pub mod bars;
pub mod card;
pub mod number;
pub mod photo;
pub mod pin;
pub mod qr;
pub mod web;
