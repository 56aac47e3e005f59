//! Pages of access: the public start page, the first run, signing in and out, the desk, users, the record of acts.
//!
//! One file a page. They are the roof as this file is; `routes.rs` names only what is handed on here.

mod audit;
mod desk;
mod duties;
mod first_run;
mod lookups;
mod sign_in;
mod start;
mod users;

pub use audit::audit;
pub use desk::desk;
pub use duties::{add_duty, duties, end_duty};
pub use first_run::{first_run, found};
pub use lookups::lookups;
pub use sign_in::{sign_in, sign_in_form, sign_out};
pub use start::start;
pub use users::{add_user, disable_user, users};
