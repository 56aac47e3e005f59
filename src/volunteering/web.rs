//! Pages of volunteering: events and who came, the second person's confirmation, help between households, the register.
//!
//! One file a page. They are the roof as this file is; `routes.rs` names only what is handed on here.

mod event;
mod events;
mod help;
mod register;

pub use event::{arrive, cancel, confirm, correct, depart, event, key_in, strike};
pub use events::{announce, events, new_event};
pub use help::{correct_help, help, helps, record_help};
pub use register::{register, set_pool_limit};

use std::collections::HashMap;

use crate::access::role::Reach;
use crate::cards::card::{Presented, Wallet};
use crate::cards::number::CardToken;
use crate::council::gathering::Manner;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::{self, Household};
use crate::places::{programme, written};

/// The household that somebody names in a field: by its card, scanned or typed, by its house number, or by a name or door
/// that only one household within reach has. How the card was presented goes along. A card or a house number may be from outside.
///
/// # Errors
/// `Invalid` for what names no household, or several; a card that is not in use.
fn named(conn: &mut Conn, reach: &Reach, field: &'static str, text: &str) -> Result<(Household, Manner)> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, "请扫积分卡，或写卡号、户号、户主姓名。"));
    }
    let Ok(token) = CardToken::parse(text) else {
        let found = match household::by_code(conn, &text.to_uppercase()) {
            Err(Error::NotFound) => written::household(conn, reach.buildings(), "可选的住户", field, text)?,
            other => other?,
        };
        return Ok((found, Manner::Ticked));
    };
    let programme = programme::get(conn)?;
    let wallet = Wallet::open(conn, &programme, [&token])?;
    let (card, presented) = wallet.recognise(&token)?;
    let manner = match presented {
        Presented::Scanned => Manner::Scanned,
        Presented::Typed => Manner::Typed,
    };
    Ok((household::by_id(conn, &card.household_id)?, manner))
}

/// These households by their ids, however many.
///
/// # Errors
/// Only when the database fails.
fn homes(conn: &mut Conn, ids: &[Id<Household>]) -> Result<HashMap<Id<Household>, Household>> {
    let mut homes = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(500) {
        let found = household::by_ids(conn, chunk)?.into_iter();
        homes.extend(found.map(|one| (one.id.clone(), one)));
    }
    Ok(homes)
}
