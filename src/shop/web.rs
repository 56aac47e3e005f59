//! Pages of the shop: the counter and its shifts, slips, the day's journal, deliveries, the store's rules, the stock.
//!
//! One file a page. They are the roof as this file is; `routes.rs` names only what is handed on here.

mod basket;
mod confirmation;
mod counter;
mod delivery;
mod donations;
mod fields;
mod goods;
mod goods_file;
mod hold;
mod journal;
mod lists;
mod offline;
mod partners;
mod photo;
mod proxy;
mod receipts;
mod settlements;
mod shelf;
mod shift;
mod shifts;
mod slip;
mod stock;
mod stocktakes;
mod store;
mod transfer;
mod try_scan;
mod wishes;
mod write_offs;

pub(in crate::shop) use confirmation::confirmed;
pub use counter::{counter, quote, redeem, show_card};
pub use delivery::{deliveries, end_delivery, pack_delivery, pick_list};
pub use donations::{add_donor, donations, donor, forget_donor};
pub use goods::{
    add_goods, add_photo, describe_goods, goods, goods_form, goods_item, new_goods, offer_goods, set_price,
    show_photo as show_goods_photo,
};
pub use goods_file::{goods_csv, goods_xlsx, import_form, import_goods};
pub use hold::{hold, take_up};
pub use journal::journal;
pub use lists::{lists, order_csv};
pub use offline::{beat, decide_offline_sale, give_back, offline_sales, settle, take_hold};
pub use partners::{add_partner, agree, partner, partners, set_offer};
pub use photo::show_photo;
pub use proxy::{end_proxy, proxies, register_proxy, set_pin, unlock_pin};
pub use receipts::{add_receipt, new_receipt, receipt, receipts};
pub use settlements::{
    confirm_settlement, decide_dispute, dispute_settlement, make_settlement, record_payment, settlement,
    settlement_file,
};
pub use shelf::{goods_at_the_counter, left_at_the_counter};
pub use shift::{close_shift, open_shift, shift};
pub use shifts::{audit_shift, handover, shifts};
pub use slip::{refund, slip, void};
pub use stock::{receive, stock};
pub use stocktakes::{
    cancel_stocktake, close_stocktake, count, counting, decide_stocktake, explain_stocktake, open_stocktake, stocktake,
    stocktakes,
};
pub use store::{add_till, set_day, set_opening, set_rules, store, withdraw_till};
pub use transfer::{transfer, transfer_form};
pub use try_scan::{try_scan, try_scan_text};
pub use wishes::{decide_wish, make_wish, voice, wishes};
pub use write_offs::{decide_write_off, propose_write_off, write_off, write_off_form, write_offs};
