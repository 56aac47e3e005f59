//! Pages of the shop: the counter, the slip, the day's journal, the stock.
//!
//! One file a page. They are the roof as this file is; `routes.rs` names only what is handed on here.

mod basket;
mod counter;
mod journal;
mod photo;
mod slip;
mod stock;
mod try_scan;

pub use counter::{counter, quote, redeem, show_card};
pub use journal::journal;
pub use photo::show_photo;
pub use slip::{slip, void};
pub use stock::{receive, stock};
pub use try_scan::{try_scan, try_scan_text};
