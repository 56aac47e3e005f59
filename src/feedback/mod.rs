//! Feedback: households rate the services, and nobody can say who said what (A20).

pub mod answer;
pub mod web;
