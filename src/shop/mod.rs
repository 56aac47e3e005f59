//! The points supermarket: goods, stock and the counter, where points are spent.

pub mod api;
pub mod check;
pub mod delivery;
pub mod goods;
pub mod handover;
pub mod held;
mod limit;
pub mod opening;
pub mod proxy;
pub mod quote;
pub mod redemption;
pub mod refund;
pub mod rules;
pub mod shift;
pub mod stock;
pub mod store;
pub mod till;
pub mod void;
pub mod web;
