//! The council: how points are decided. In this version a nomination and its verification; meetings, public notice,
//! objections and appeals join them here.

pub mod api;
pub mod appeal;
pub mod award;
pub mod budget;
pub mod check;
pub mod clockwork;
pub mod confirmation;
pub mod correction;
pub mod deadline;
pub mod evidence;
pub mod forecast;
pub mod gathering;
pub mod member;
pub mod motion;
pub mod nomination;
pub mod notice;
pub mod objection;
pub mod parties;
pub mod public_text;
pub mod receipt;
pub mod redress;
pub mod refused;
pub mod reminder;
pub mod session;
pub mod sheet;
pub mod staff_share;
pub mod visit;
pub mod web;
