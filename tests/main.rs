//! The tests: one binary, the real router and the real databases, SQLite and PostgreSQL in the same run.

mod browser;
mod town;

mod crash;
mod laws;
mod ledger;
mod shop;
