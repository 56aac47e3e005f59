//! Pages of the shop: the counter and its shifts, slips, the day's journal, deliveries, the store's rules, the stock.
//!
//! One file a page. They are the roof as this file is; `routes.rs` names only what is handed on here.

mod basket;
mod confirmation;
mod counter;
mod delivery;
mod hold;
mod journal;
mod photo;
mod proxy;
mod shift;
mod shifts;
mod slip;
mod stock;
mod store;
mod try_scan;

pub(in crate::shop) use confirmation::confirmed;
pub use counter::{counter, quote, redeem, show_card};
pub use delivery::{deliveries, end_delivery, pack_delivery, pick_list};
pub use hold::{hold, take_up};
pub use journal::journal;
pub use photo::show_photo;
pub use proxy::{end_proxy, proxies, register_proxy, set_pin};
pub use shift::{close_shift, open_shift, shift};
pub use shifts::{audit_shift, handover, shifts};
pub use slip::{refund, slip, void};
pub use stock::{receive, stock};
pub use store::{add_till, set_day, set_opening, set_rules, store, withdraw_till};
pub use try_scan::{try_scan, try_scan_text};
