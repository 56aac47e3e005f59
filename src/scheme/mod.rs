//! The scheme: the rules a community adopted, as versions that are never changed.

pub mod difference;
pub mod draft;
pub mod item;
pub mod overrule;
pub mod resolution;
pub mod terms;
pub mod validator;
pub mod version;
pub mod web;
