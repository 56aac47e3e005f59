//! Jishan 积善: civility points and points supermarkets, run by the communities that earn them.
//!
//! # The floors
//!
//! A file uses its own room and lower floors only; `tests/house/arrows.rs` holds the plan and fails on any other arrow. Files
//! named `web.rs` and `api.rs` are the roof: they may call any room, and only `routes.rs` names them.
//!
//! | floor | rooms |
//! | --- | --- |
//! | 0 words | `id` `points` `money` `clock` `error` `text` |
//! | 1 ground | `db` `audit` `files` `photo` `request` `page` `print` |
//! | 2 books | `ledger` |
//! | 3 | `places` |
//! | 4 | `access` |
//! | 5 | `scheme` `cards` |
//! | 6 | `registry` |
//! | 7 | `council` `shop` |
//! | 8 | `honours` `volunteering` |
//! | 9 | `statements` `registers` `dividends` `boards` `feedback` |
//! | 10 | `papers` |
//! | 11 | `resident` |
//! | 12 | `retention` |
//! | roof | every `web.rs` and `api.rs`, `app` `guard` `language` `press` `sent` `recall` `routes` `assets` `config` `books` `demo` |

// diesel's list of the tables that a query may join takes one step for each of them, and there are more than 128.
#![recursion_limit = "256"]

pub mod clock;
pub mod error;
pub mod id;
pub mod money;
pub mod points;
pub mod text;

pub mod audit;
pub mod db;
pub mod files;
pub mod page;
pub mod photo;
pub mod print;
pub mod request;

pub mod access;
pub mod boards;
pub mod cards;
pub mod council;
pub mod dividends;
pub mod feedback;
pub mod honours;
pub mod ledger;
pub mod papers;
pub mod places;
pub mod registers;
pub mod registry;
pub mod resident;
pub mod retention;
pub mod scheme;
pub mod shop;
pub mod statements;
pub mod volunteering;

pub mod app;
pub mod assets;
pub mod books;
pub mod config;
pub mod demo;
pub mod guard;
pub mod language;
pub mod press;
pub mod recall;
pub mod routes;
pub mod sent;
