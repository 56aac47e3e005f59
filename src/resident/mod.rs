//! What a household sees of its own: points and how they came about, goods, consents, its data. It signs in with card and PIN.
//!
//! It writes next to nothing: a session, a consent, a request to the office, that a quarter's book is right. Points it only
//! shows. Nothing here counts visits or asks anybody to come back (SG21). Who found its book right is listed for the staff,
//! who nominate for it.

pub mod book;
pub mod confirmation;
pub mod export;
pub mod request;
pub mod session;
pub mod story;
pub mod tries;
pub mod web;
