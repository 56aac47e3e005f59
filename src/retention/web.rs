//! Pages of retention, a file for each.

mod deletion;
mod schedule;

pub use deletion::{decide, deletion, propose};
pub use schedule::schedule;
