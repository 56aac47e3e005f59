//! The points supermarket: goods, stock and the counter, where points are spent.

pub mod api;
pub mod check;
pub mod goods;
pub mod redemption;
pub mod stock;
pub mod store;
pub mod void;
pub mod web;
