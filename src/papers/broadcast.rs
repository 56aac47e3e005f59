//! The script of the loudspeaker (播报稿) on paper. What is said in it is for `boards/script.rs` to say.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::boards::script::{self, ITEMS, Rate, Sentence, Source};
use crate::clock::spoken_day;
use crate::db::Conn;
use crate::error::{Error, Result};

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

/// The script of a notice, by its number: `12` of deeds, `H3` of titles, as it was chosen on the page. One part of it, `H3-2`,
/// with as many items as were counted, or without either all of it; the kind is how fast it is read. When it is read is what
/// was asked for, or this evening.
///
/// # Errors
/// `Invalid` without a number, for another speed, and when no household of the notice agreed to be named; `NotFound`.
pub fn load(conn: &mut Conn, order: &Order) -> Result<Broadcast> {
    let reach = order.reach(conn, Permission::ReadNominations)?;
    let (source, part) = wanted(order.id()?)?;
    let items = order.asked.count.and_then(|count| usize::try_from(count).ok());
    let rate = rate(order)?;
    let whole = script::of(conn, source, &reach, order.today())?;
    whole.expect_something()?;
    let script = match (part, items) {
        (None, None) => whole,
        (part, items) => whole.part(part.unwrap_or(1), items.unwrap_or(ITEMS))?,
    };
    let slot = order
        .asked
        .text
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    Ok(Broadcast {
        paper: order.head(conn, Some(&script.area))?,
        slot: slot.map_or_else(|| format!("{} {HOUR}", spoken_day(order.today())), str::to_owned),
        seconds: script.seconds(rate),
        opening: script.opening,
        items: script.items.into_iter().map(Item::from).collect(),
        closing: script.closing,
    })
}

/// The notice, and which part of its script.
fn wanted(id: &str) -> Result<(Source, Option<usize>)> {
    let (word, part) = match id.split_once('-') {
        Some((word, part)) => (word, Some(part.trim().parse::<usize>())),
        None => (id, None),
    };
    match (Source::named(word), part.transpose()) {
        (Some(source), Ok(part)) => Ok((source, part)),
        _ => Err(Error::invalid("id", "公示号写成12这样，称号公示写成H3这样。")),
    }
}

fn rate(order: &Order) -> Result<Rate> {
    match order.asked.kind.as_deref().filter(|word| !word.is_empty()) {
        None => Ok(Rate::Usual),
        Some(word) => Rate::from_word(word).ok_or_else(|| Error::invalid("kind", "语速请从列表里选。")),
    }
}
