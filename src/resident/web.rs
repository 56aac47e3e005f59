//! A household's own pages, for an old phone without a script; and the staff's pages of what households ask for, and of who
//! found its book right.
//!
//! Each handler takes the household from the session and none from the address, so that no page can show another one's data.

mod confirmations;
mod consents;
mod data;
mod goods;
mod honours;
mod points;
mod requests;
mod sign_in;
mod time;

pub use confirmations::{confirmations, file_confirmations, take_confirmation};
pub use consents::{consent, consents, decide};
pub use data::{check_book, data, honour_csv, honours_csv, lines_csv, looks_csv, statement_pdf, time_csv};
pub use goods::{goods, goods_photo, voice, wishes};
pub use honours::honours;
pub use points::{coming, line, lines, points};
pub use requests::{all_requests, answer_request, make_request, own_requests};
pub use sign_in::{choose_view, sign_in, sign_in_by_card, sign_in_form, sign_out};
pub use time::time;
