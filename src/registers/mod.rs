//! Registers: the account books of the field, month by month, made from what the books and the shelf say. They keep nothing.

pub mod columns;
pub mod coming;
pub mod donations;
pub mod issue;
pub mod month;
pub mod open_book;
pub mod redemptions;
pub mod register;
pub mod stock;
pub mod web;
pub mod workbook;
