//! Pages of the registry, a file for each.

mod areas;
mod changes;
mod enrolment;
mod expiring;

pub use areas::{areas, move_area};
pub use changes::{change, change_form, changes};
pub use enrolment::{decide, enrolment};
pub use expiring::expiring;
