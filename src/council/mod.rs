//! The council: how points are decided. In this version a nomination and its verification; meetings, public notice,
//! objections and appeals join them here.

pub mod api;
pub mod award;
pub mod budget;
pub mod check;
pub mod clockwork;
pub mod evidence;
pub mod forecast;
pub mod gathering;
pub mod member;
pub mod motion;
pub mod nomination;
pub mod notice;
pub mod photo;
pub mod public_text;
pub mod refused;
pub mod reminder;
pub mod session;
pub mod sheet;
pub mod web;
