//! Pages of the shop: the counter, the slip, the day's journal, the stock.
//!
//! One file a page. They are the roof as this file is; `routes.rs` names only what is handed on here.

mod basket;
mod counter;
mod donations;
mod fields;
mod goods;
mod goods_file;
mod journal;
mod labels;
mod lists;
mod photo;
mod receipts;
mod slip;
mod stock;
mod stocktakes;
mod transfer;
mod wishes;
mod write_offs;

pub use counter::{counter, quote, redeem, show_card};
pub use donations::{add_donor, donations, donor, forget_donor, thanks};
pub use goods::{
    add_goods, add_photo, describe_goods, goods, goods_form, goods_item, new_goods, offer_goods, set_price,
    show_photo as show_goods_photo,
};
pub use goods_file::{goods_csv, goods_xlsx, import_form, import_goods};
pub use journal::journal;
pub use labels::labels;
pub use lists::{lists, order_csv};
pub use photo::show_photo;
pub use receipts::{add_receipt, new_receipt, receipt, receipts};
pub use slip::{slip, void};
pub use stock::{receive, stock};
pub use stocktakes::{
    cancel_stocktake, close_stocktake, count, count_sheet, counting, decide_stocktake, explain_stocktake,
    open_stocktake, stocktake, stocktakes,
};
pub use transfer::{transfer, transfer_form};
pub use wishes::{decide_wish, make_wish, voice, wishes};
pub use write_offs::{decide_write_off, propose_write_off, write_off, write_off_form, write_offs};
