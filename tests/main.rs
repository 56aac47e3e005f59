//! The tests: one binary, the real router and the real databases, SQLite and PostgreSQL in the same run.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what it expects by falling over"
)]

mod browser;
mod camera;
mod town;

mod access;
mod api;
mod board_pictures;
mod boards;
mod cards;
mod commands;
mod confirmations;
mod council;
mod crash;
mod demo;
mod dividends;
mod doors;
mod evidence;
mod feedback;
mod gathering;
mod honours;
mod house;
mod languages;
mod laws;
mod ledger;
mod notices;
mod offline;
mod papers;
mod partners;
mod photos;
mod places;
mod public_text;
mod redress;
mod registers;
mod registry;
mod reminders;
mod resident;
mod retention;
mod schema;
mod scheme;
mod shop;
mod stars;
mod statements;
mod stock;
mod till;
mod visits;
mod volunteering;
mod year;
mod year_end;
