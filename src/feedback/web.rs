//! Pages of feedback, a file for each.

mod entry;
mod own;
mod ratings;

pub use entry::{entry_form, key_in};
pub use own::{give, own};
pub use ratings::{ratings, sentences};
