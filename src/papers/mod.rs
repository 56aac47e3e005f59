//! Papers: everything that is printed, each in a file with its data and where it comes from. It keeps nothing.
//!
//! A paper is three things under one name: a struct here, `printables/NAME.typ` that says how it looks, and
//! `printables/samples/NAME.json` that shows it with made-up people. The struct reads the sample without a field to spare
//! (`tests/papers.rs`), so that a township's own template finds what ours finds. Words and layout are the template's; data
//! is data. [`paper::Paper`] is the table of all of them, for pages and for `jishan print`.

pub mod award_list;
pub mod broadcast;
pub mod call_back;
pub mod card;
pub mod ceremony;
pub mod certificate;
pub mod dividend;
pub mod donation;
pub mod form;
pub mod goods;
pub mod handover;
pub mod honour_board;
pub mod household;
pub mod job;
pub mod letter;
pub mod marks;
pub mod need;
pub mod notice;
pub mod open_book;
pub mod order;
pub mod paper;
pub mod receipt;
pub mod register;
pub mod rules;
pub mod session;
pub mod settlement;
pub mod sheet;
pub mod statement;
pub mod stocktake;
pub mod title_notice;
pub mod volunteer_sheet;
pub mod web;
