//! Statements: what a household's books say, in words, and who decided each line.

pub mod api;
pub mod coming;
pub mod statement;
pub mod trace;
pub mod web;
