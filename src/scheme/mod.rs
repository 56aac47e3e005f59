//! The scheme: the rules a community adopted, as versions that are never changed.

pub mod item;
pub mod terms;
pub mod validator;
pub mod version;
pub mod web;
