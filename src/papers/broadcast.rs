//! The script of the loudspeaker (播报稿) on paper. What is said in it is for `boards/script.rs` to say.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::boards::script::{self, Rate, Sentence};
use crate::clock::spoken_day;
use crate::db::Conn;
use crate::error::Result;

/// When the loudspeaker is on where no other time was asked for.
const HOUR: &str = "18:00";

/// A script to read aloud.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broadcast {
    paper: Head,
    slot: String,
    seconds: usize,
    opening: String,
    items: Vec<Item>,
    closing: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    text: String,
    pinyin: Vec<Reading>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    char: String,
    pinyin: String,
}

impl From<Sentence> for Item {
    fn from(sentence: Sentence) -> Item {
        let readings = sentence.readings.into_iter().map(|reading| Reading {
            char: reading.character,
            pinyin: reading.pinyin,
        });
        Item {
            text: sentence.text,
            pinyin: readings.collect(),
        }
    }
}

/// The script of a notice, by its number, with all its deeds; when it is read is what was asked for, or this evening.
///
/// # Errors
/// `Invalid` without a number, and when no household of the notice agreed to be named; `NotFound`.
pub fn load(conn: &mut Conn, order: &Order) -> Result<Broadcast> {
    let reach = order.reach(conn, Permission::ReadNominations)?;
    let script = script::of_notice(conn, order.number()?, &reach)?;
    script.expect_something()?;
    let slot = order
        .asked
        .text
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    Ok(Broadcast {
        paper: order.head(conn, Some(&script.area))?,
        slot: slot.map_or_else(|| format!("{} {HOUR}", spoken_day(order.today())), str::to_owned),
        seconds: script.seconds(Rate::Usual),
        opening: script.opening,
        items: script.items.into_iter().map(Item::from).collect(),
        closing: script.closing,
    })
}
