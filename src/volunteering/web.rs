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
use crate::places::household::{self, Household, Search};
use crate::places::programme;

/// The household that somebody names in a field: by its card, scanned or typed, by its house number, or by a name that only
/// one household within reach has. How the card was presented goes along. A card or a house number may be from outside.
///
/// # Errors
/// `Invalid` for what names no household, or several; a card that is not in use.
fn named(conn: &mut Conn, reach: &Reach, field: &'static str, text: &str) -> Result<(Household, Manner)> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, "请扫积分卡，或写卡号、户号、户主姓名。"));
    }
    let Ok(token) = CardToken::parse(text) else {
        return Ok((called(conn, reach, field, text)?, Manner::Ticked));
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

/// The household with this house number, or the only one within reach that this name finds.
fn called(conn: &mut Conn, reach: &Reach, field: &'static str, text: &str) -> Result<Household> {
    match household::by_code(conn, &text.to_uppercase()) {
        Err(Error::NotFound) => {}
        other => return other,
    }
    let search = Search {
        query: text.to_owned(),
        buildings: reach.buildings(),
        limit: 2,
        ..Search::default()
    };
    let mut found = household::search(conn, &search)?;
    match (found.pop(), found.is_empty()) {
        (Some(household), true) => Ok(household),
        (Some(_), false) => Err(Error::invalid(field, "有几户都对得上，请写户号，或扫积分卡。")),
        (None, _) => Err(Error::invalid(field, "没有找到这一户，请核对，或改写户号。")),
    }
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
