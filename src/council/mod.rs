//! The council: how points are decided. In this version a nomination and its verification; meetings, public notice,
//! objections and appeals join them here.

pub mod api;
pub mod check;
pub mod nomination;
pub mod web;
