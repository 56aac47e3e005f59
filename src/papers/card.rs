//! Cards on paper: ten on a sheet of A4, front and back, or one alone.
//!
//! A card's secret is known only while it is issued (or asked for again with the same key), so these are made from what
//! `cards::card::issue` answers and never loaded.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::cards::card::Issued;
use crate::cards::number::CardToken;
use crate::cards::{bars, qr};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::places::area::{Area, Tree};
use crate::places::household::{Household, family_name};
use crate::places::programme::{self, Programme};
use crate::print::Printer;
use crate::shop::{opening, store};

text_enum! {
    /// Papers of cards. They are printed while cards are issued and never asked for.
    pub enum CardPaper {
        /// One card, front and back.
        Single = "card", "积分卡";
        /// Ten on a sheet, fronts and backs.
        Sheet = "card-sheet", "积分卡，一页十张";
    }
}

impl CardPaper {
    /// The file of its template.
    #[must_use]
    pub fn template(self) -> String {
        format!("{}.typ", self.word())
    }

    /// The file of its sample.
    #[must_use]
    pub fn sample(self) -> String {
        format!("samples/{}.json", self.word())
    }

    /// Sets the sample with the templates in force: a card that was issued and cannot be printed is as good as lost.
    ///
    /// # Errors
    /// As [`Printer::set_json`].
    pub fn prove(self, printer: &Printer) -> Result<()> {
        let sample = Printer::original(&self.sample()).ok_or(Error::NotFound)?;
        printer.set_json(&self.template(), sample.into_bytes()).map(drop)
    }
}

/// Ten cards a page.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardSheet {
    paper: Head,
    /// Over which edge the printer turns the page: `long` or `short`.
    flip: String,
    with_backs: bool,
    hours: Vec<String>,
    phone: String,
    pin_hint: bool,
    cards: Vec<Face>,
}

/// One card alone, of the size of a bank card.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SingleCard {
    paper: Head,
    with_backs: bool,
    hours: Vec<String>,
    phone: String,
    pin_hint: bool,
    card: Face,
}

/// What a card shows. The household's name is on none: whoever finds a card learns nobody's name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Face {
    number: String,
    qr: String,
    bars: String,
    code: Option<String>,
    name: Option<String>,
}

impl Face {
    /// The face of a card that was just issued; with the family's name where the household agreed to that.
    ///
    /// # Errors
    /// `Internal` when the programme's address is too long for a code.
    pub fn of(programme: &Programme, issued: &Issued, household: &Household, is_named: bool) -> Result<Face> {
        let address = CardToken::address(&programme.address, &issued.number, &issued.secret);
        Ok(Face {
            number: issued.number.as_str().to_owned(),
            qr: qr::svg_of_pixels(&address).map_err(Error::internal)?,
            bars: bars::code_128(issued.number.as_str(), "").unwrap_or_default(),
            code: Some(household.code.clone()),
            name: is_named.then(|| format!("{}家", family_name(&household.head_name))),
        })
    }
}

/// What stands on the backs: opening days and telephone.
#[derive(Clone, Debug)]
pub struct Back {
    paper: Head,
    hours: Vec<String>,
    phone: String,
}

/// What stands on the backs: the opening days of the household's store, or of the first stores of the programme.
///
/// # Errors
/// Only when the database fails.
pub fn back(conn: &mut Conn, order: &Order, tree: &Tree, household: Option<&Household>) -> Result<Back> {
    let building = household.and_then(|household| tree.get(&household.building_id));
    let near = |area: &Area| building.is_none_or(|building| building.path.starts_with(&area.path));
    let mut hours = Vec::new();
    for store in store::all(conn)? {
        if hours.len() < STORES && tree.get(&store.area_id).is_some_and(near) {
            let days = opening::of_store(conn, &store.id, order.today())?;
            hours.push(format!("{}：{}", store.name, days.in_words()));
        }
    }
    Ok(Back {
        paper: order.head(conn, household.map(|household| &household.building_id))?,
        hours,
        phone: programme::get(conn)?.phone,
    })
}

/// Stores that a card's back has room for.
const STORES: usize = 2;

text_enum! {
    /// Over which edge a printer turns the sheet to print its back.
    pub enum Flip {
        /// As a book is turned: what printers do unless they are told otherwise.
        Long = "long", "长边翻转";
        /// As a calendar is turned.
        Short = "short", "短边翻转";
    }
}

impl Flip {
    /// What was asked for; the long edge without a word.
    ///
    /// # Errors
    /// `Invalid` for another word.
    pub fn asked(word: Option<&str>) -> Result<Flip> {
        match word {
            None | Some("") => Ok(Flip::Long),
            Some(word) => Flip::from_word(word).ok_or_else(|| Error::invalid("flip", "双面打印的翻转请选长边或短边。")),
        }
    }
}

/// Sheets of these cards.
#[must_use]
pub fn sheet(back: Back, cards: Vec<Face>, flip: Flip) -> CardSheet {
    CardSheet {
        paper: back.paper,
        flip: flip.word().to_owned(),
        with_backs: true,
        hours: back.hours,
        phone: back.phone,
        pin_hint: true,
        cards,
    }
}

/// This card alone.
#[must_use]
pub fn single(back: Back, card: Face) -> SingleCard {
    SingleCard {
        paper: back.paper,
        with_backs: true,
        hours: back.hours,
        phone: back.phone,
        pin_hint: true,
        card,
    }
}
