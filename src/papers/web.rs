//! Pages of papers: the table of all of them, each as PDF, a township's own templates, jobs of many, and a year's end.

mod forms;
mod jobs;
mod preview;
mod table;
mod year_end;

pub use forms::{find, form, forms, key_in};
pub use jobs::{ask, discard, file, job, jobs, stop};
pub use preview::{preview, preview_page};
pub(crate) use table::as_pdf;
pub use table::{number_consent_form, paper, papers};
pub use year_end::{year_end, year_end_file};
