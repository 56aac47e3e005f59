//! The books: double entry, append only, whole points.
//!
//! # What is in them
//!
//! An **account** belongs to an owner and counts one thing. A household has four: `spendable` (what it can redeem),
//! `pending` (promised, waiting for the public notice to end), `honour` (recognition, never spent) and `time_credits`
//! (minutes of help given, for minutes of help received). The programme has their counterparts: `issuance` (where points come
//! from), `redemption` (where they go at the counter), `expiry`, `write_off`, `recognition` (the counterpart of honour),
//! `time_issuance` (where volunteers' minutes come from) and `time_pool` (minutes that the community pays).
//!
//! A **transaction** moves points between accounts. Its **entries** sum to zero in each unit: `spendable` and `pending`
//! count points, `honour` counts honour, `time_credits` minutes, and nothing turns one into the other.
//!
//! # The laws
//!
//! 1. Entries of a transaction sum to zero, per unit.
//! 2. An account's entries are numbered 1, 2, 3 … without gaps, and each carries the balance after it.
//! 3. No household's balance is ever below zero: refused by rule in `transaction`, and by a CHECK behind it.
//! 4. Transactions are numbered without gaps; each carries a digest over itself and the one before.
//! 5. Nothing is changed. A mistake is reversed by a new transaction with the opposite entries, once.
//! 6. A transaction has two dates: `recorded_at`, when it was written, and `effective_on`, the day it is about. A posting
//!    about an earlier day is appended like any other and rewrites nothing; balances by effective day are computed on read.
//! 7. One source is posted once.
//! 8. Points that come onto a spendable account may carry the last day on which they can be spent. What is left of them is
//!    said by `lot`, never stored; what is past its day is posted to `expiry`, just as much as was left.
//! 9. A transfer carries the lots that it takes, with their days, from one household to another.
//! 10. A reversal is the exact opposite, with one exception: of an award whose points were spent in part, the household
//!     gives back what it still has and the programme's `write_off` bears the rest, of minutes its `time_pool`. No
//!     household ever owes points or time.
//!
//! 11. Nothing takes points from under a hold but its holder (`hold`): a till that is without network sells no more than
//!     what is kept for it, and that is there when it comes back.
//!
//! `check` proves all of it again from the rows alone.
//!
//! # What is not here
//!
//! People, goods, rules and requests: an owner is a text, a source is a text. Who may post and why is decided above. The
//! only way to write is [`transaction::Books`], inside `db.write`, where nobody is between the look and the write.

pub mod account;
pub mod balance;
pub mod check;
pub mod hold;
pub mod lot;
pub mod register;
pub mod reversal;
pub mod transaction;
pub mod transfer;
