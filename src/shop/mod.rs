//! The points supermarket: goods, stock and the counter, where points are spent.

pub mod act;
pub mod api;
pub mod barcode;
pub mod catalogue;
pub mod check;
pub mod demand;
pub mod donor;
pub mod goods;
pub mod goods_file;
pub mod receipt;
pub mod redemption;
pub mod refused;
pub mod shelf_check;
pub mod stock;
pub mod stocktake;
pub mod store;
pub mod void;
pub mod web;
pub mod wish;
pub mod write_off;
