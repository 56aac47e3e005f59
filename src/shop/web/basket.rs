//! The basket: what the counter's form carries from page to page, and what the counter is told about it.
//!
//! It is told "enough" or "short by N", the family name and the household's code; never the balance, the room or the full
//! name. The same answer goes into the page and, as JSON, to the page's script.

use serde::Serialize;

use crate::cards::card::{self, Presented, Refused, Wallet};
use crate::cards::number::{CardSecret, CardToken};
use crate::clock::{Moment, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::{self, Household};
use crate::places::programme;
use crate::points::Points;
use crate::shop::goods;
use crate::shop::offline::Lacking;
use crate::shop::proxy;
use crate::shop::quote::{self, Quote};
use crate::shop::redemption::{Pickup, Redemption, Wanted};
use crate::shop::shift::Shift;

/// The fields of a form in their order. Quantities are named after their goods, so the names are not known beforehand.
pub(super) type Fields = Vec<(String, String)>;

/// What a quantity's field is called, before the short code.
pub(super) const QUANTITY: &str = "quantity.";

/// A basket as the form carries it.
#[derive(Clone)]
pub(super) struct Basket {
    /// The key of the redemption that it may become. One basket, one key: a repeat is harmless.
    pub(super) key: String,
    /// The card as `NUMBER` or `NUMBER-SECRET`; empty while none was shown.
    pub(super) card: String,
    /// What was chosen.
    pub(super) lines: Vec<Wanted>,
    /// Who takes the goods.
    pub(super) pickup: PickupForm,
    /// The household's PIN, if it was typed. Never carried on.
    pub(super) pin: String,
    /// Will the household sign the slip?
    pub(super) signs: bool,
    /// What is looked for on the shelf, on a page without the script.
    pub(super) find: String,
    /// Points that it pays in cash, at a partner's shop.
    pub(super) top_up: String,
}

/// Who takes the goods, as the form says it.
#[derive(Clone, Default)]
pub(super) struct PickupForm {
    /// Empty for the household, `proxy`, `once` or `delivery`; `proxy:<id>` for somebody on the list.
    pub(super) by: String,
    pub(super) proxy_name: String,
    pub(super) delivery_note: String,
}

impl PickupForm {
    /// What it means.
    pub(super) fn meant(&self) -> Pickup {
        match (self.by.as_str(), self.by.strip_prefix("proxy:")) {
            (_, Some(id)) => Pickup::Proxy(Id::known(id.to_owned())),
            ("once", _) => Pickup::Once(self.proxy_name.clone()),
            ("delivery", _) => Pickup::Delivery(self.delivery_note.trim().to_owned()),
            _ => Pickup::Household,
        }
    }
}

impl Basket {
    /// A basket for the next household.
    pub(super) fn empty(now: Moment) -> Basket {
        Basket {
            key: Id::<Redemption>::new(now).as_str().to_owned(),
            card: String::new(),
            lines: Vec::new(),
            pickup: PickupForm::default(),
            pin: String::new(),
            signs: false,
            find: String::new(),
            top_up: String::new(),
        }
    }

    /// Reads the form. Goods with nothing or 0 in their field were not chosen.
    ///
    /// # Errors
    /// `Invalid` for a quantity that is no number.
    pub(super) fn of(fields: Fields, now: Moment) -> Result<Basket> {
        let mut basket = Basket::empty(now);
        for (name, text) in fields {
            match (name.as_str(), text.trim()) {
                ("key", key) if !key.is_empty() => basket.key = key.to_owned(),
                ("card", card) => basket.card = card.to_owned(),
                ("pickup", by) => basket.pickup.by = by.to_owned(),
                ("proxy_name", name) => basket.pickup.proxy_name = name.to_owned(),
                ("delivery_note", note) => basket.pickup.delivery_note = note.to_owned(),
                ("pin", pin) => basket.pin = pin.to_owned(),
                ("signs", signs) => basket.signs = signs == "yes",
                ("find", words) => basket.find = words.to_owned(),
                ("top_up", points) => basket.top_up = points.to_owned(),
                (name, quantity) => basket.choose(name, quantity)?,
            }
        }
        Ok(basket)
    }

    fn choose(&mut self, field: &str, text: &str) -> Result<()> {
        let Some(sku) = field.strip_prefix(QUANTITY).filter(|_| !text.is_empty()) else {
            return Ok(());
        };
        let quantity: i64 = text
            .parse()
            .ok()
            .filter(|quantity| *quantity >= 0)
            .ok_or_else(|| Error::invalid("lines", "数量应为整数，请返回改正。"))?;
        if quantity > 0 {
            let sku = sku.to_owned();
            self.lines.push(Wanted { sku, quantity });
        }
        Ok(())
    }

    /// Writes the card as the form carries it on; what cannot be a card is put away.
    ///
    /// # Errors
    /// `Invalid` when it cannot be a card.
    pub(super) fn settle_card(&mut self) -> Result<()> {
        let sent = std::mem::take(&mut self.card);
        if !sent.is_empty() {
            self.card = carried(&card::token(&sent)?);
        }
        Ok(())
    }

    /// The points that are paid in cash.
    ///
    /// # Errors
    /// `Invalid` for what is no whole number.
    pub(super) fn cash_points(&self) -> Result<Points> {
        match self.top_up.as_str() {
            "" => Ok(Points::ZERO),
            text => {
                let points = text.parse().ok().filter(|points| (0..=1_000_000).contains(points));
                let wrong = || Error::invalid("top_up", "补差价的分数应为整数。");
                points.map(Points).ok_or_else(wrong)
            }
        }
    }

    /// How many of these goods were chosen.
    pub(super) fn quantity_of(&self, sku: &str) -> i64 {
        let same = self.lines.iter().filter(|line| line.sku == sku);
        same.fold(0, |sum, line| sum.saturating_add(line.quantity))
    }
}

/// A card as the form carries it to the redemption: as it was shown, with its secret if the code was scanned.
pub(super) fn carried(token: &CardToken) -> String {
    match token.secret().map(CardSecret::reveal) {
        Some(secret) => format!("{}-{secret}", token.number()),
        None => token.number().to_string(),
    }
}

/// What became of a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) enum CardState {
    /// None was shown.
    #[default]
    #[serde(rename = "none")]
    Absent,
    /// It is in use.
    #[serde(rename = "ok")]
    Good,
    /// It was reported lost.
    #[serde(rename = "stopped")]
    Stopped,
    /// The household became part of another.
    #[serde(rename = "merged")]
    Merged,
    /// The household left, and its time to spend is over.
    #[serde(rename = "left")]
    Left,
    /// No such card, or the secret is another's.
    #[serde(rename = "unknown")]
    Unknown,
}

impl CardState {
    /// The class of the card's line.
    pub(super) fn class(self) -> &'static str {
        match self {
            CardState::Absent => "none",
            CardState::Good => "ok",
            CardState::Stopped | CardState::Merged | CardState::Left => "stopped",
            CardState::Unknown => "unknown",
        }
    }

    /// What the card's line says when there is no household to greet.
    pub(super) fn words(self) -> &'static str {
        match self {
            CardState::Absent => "请扫积分卡",
            CardState::Good => "",
            CardState::Stopped => "此卡已挂失停用",
            CardState::Merged => "已并入另一户，请用那一户的卡",
            CardState::Left => "迁出已满90天，积分已到期",
            CardState::Unknown => "没有这张卡",
        }
    }
}

/// Somebody on the household's list.
#[derive(Clone, Serialize)]
pub(super) struct ProxyView {
    pub(super) id: String,
    /// `刘桂芳（儿媳）`
    pub(super) name: String,
}

/// What the counter may know about a card.
#[derive(Clone, Default, Serialize)]
pub(super) struct CardView {
    pub(super) state: CardState,
    /// The household's code.
    pub(super) household: String,
    /// `王**`
    pub(super) masked_name: String,
    /// Was the number typed, without the card's secret?
    pub(super) typed: bool,
    /// Who may fetch goods for the household.
    pub(super) proxies: Vec<ProxyView>,
    #[serde(skip)]
    id: Option<Id<Household>>,
}

impl CardView {
    /// Looks at what was scanned or typed.
    fn of(conn: &mut Conn, text: &str, now: Moment) -> Result<CardView> {
        let state = |state| CardView {
            state,
            ..CardView::default()
        };
        if text.is_empty() {
            return Ok(state(CardState::Absent));
        }
        let Ok(token) = card::token(text) else {
            return Ok(state(CardState::Unknown));
        };
        let programme = programme::get(conn)?;
        let wallet = Wallet::open(conn, &programme, [&token])?;
        let (card, presented) = match wallet.recognise(&token) {
            Ok(recognised) => recognised,
            Err(Refused::CardStopped) => return Ok(state(CardState::Stopped)),
            Err(Refused::HouseholdMerged) => return Ok(state(CardState::Merged)),
            Err(Refused::HouseholdLeft) => return Ok(state(CardState::Left)),
            Err(Refused::UnknownCard) => return Ok(state(CardState::Unknown)),
        };
        let household = household::by_id(conn, &card.household_id)?;
        Ok(CardView {
            state: CardState::Good,
            masked_name: household.masked_name(),
            household: household.code,
            typed: presented == Presented::Typed,
            proxies: proxy::of_household(conn, &household.id, day_of(now))?
                .into_iter()
                .map(|proxy| ProxyView {
                    name: format!("{}（{}）", proxy.name, proxy.relation),
                    id: proxy.id.to_string(),
                })
                .collect(),
            id: Some(household.id),
        })
    }
}

/// What stands in a line's way.
#[derive(Serialize)]
pub(super) struct LineProblem {
    /// The goods' short code; empty when it is about the basket as a whole.
    pub(super) sku: String,
    /// A sentence.
    pub(super) text: String,
}

/// What the counter is told about a basket.
#[derive(Serialize)]
pub(super) struct Answer {
    /// Points for all of it.
    pub(super) total: Points,
    /// What is missing; zero is enough.
    pub(super) short_by: Points,
    /// What else stands in the way.
    pub(super) problems: Vec<LineProblem>,
    /// Does the household have to confirm with its PIN or a signature?
    pub(super) to_confirm: bool,
    /// Other tills keep some of it and were asked for it: to be asked again in a moment.
    pub(super) again: bool,
    /// What they keep.
    #[serde(skip)]
    pub(super) lacking: Option<Lacking>,
    /// The card.
    pub(super) card: CardView,
}

impl Answer {
    /// Answers what would happen to a basket; whatever does not make sense in it is a problem with a sentence.
    ///
    /// # Errors
    /// Only when the database fails.
    pub(super) fn to(conn: &mut Conn, shift: &Shift, card: &str, lines: &[Wanted], now: Moment) -> Result<Answer> {
        let card = CardView::of(conn, card.trim(), now)?;
        let (offered, mut problems) = on_offer(conn, lines)?;
        let at = (&shift.store_id, &shift.till_id);
        let quoted = match &card.id {
            Some(household) => quote::quote(conn, household, at, &offered, now),
            None => quote::quote_without_card(conn, at, &offered, now),
        };
        let quote = match quoted {
            Err(Error::Invalid(fields)) => {
                problems.extend(fields.into_iter().map(|field| LineProblem {
                    sku: String::new(),
                    text: field.message,
                }));
                Quote {
                    total: Points::ZERO,
                    short_by: Points::ZERO,
                    problems: Vec::new(),
                    to_confirm: false,
                    lacking: None,
                }
            }
            quoted => quoted?,
        };
        problems.extend(quote.problems.into_iter().map(|(sku, refused)| LineProblem {
            sku,
            text: refused.to_string(),
        }));
        let lacking = quote.lacking.map(|(lacking, refused)| {
            problems.push(LineProblem {
                sku: String::new(),
                text: refused.to_string(),
            });
            lacking
        });
        Ok(Answer {
            again: lacking.is_some(),
            lacking,
            total: quote.total,
            short_by: quote.short_by,
            problems,
            to_confirm: quote.to_confirm,
            card,
        })
    }

    /// The one line that everybody at the counter looks at: its class and its words.
    pub(super) fn status(&self, basket: &Basket) -> (&'static str, String) {
        let nothing = basket.lines.is_empty();
        match (self.card.state, self.problems.first()) {
            (CardState::Absent, _) if nothing => ("idle", "请扫卡，再扫商品".to_owned()),
            (CardState::Absent, _) => ("idle", "请扫积分卡".to_owned()),
            (CardState::Stopped | CardState::Merged | CardState::Left | CardState::Unknown, _) => {
                ("refused", self.card.state.words().to_owned())
            }
            (CardState::Good, None) if nothing => ("idle", "请扫商品".to_owned()),
            (CardState::Good, _) if self.short_by > Points::ZERO => ("short", format!("差{}分", self.short_by)),
            (CardState::Good, Some(problem)) => ("refused", problem.text.clone()),
            (CardState::Good, None) => ("enough", "够".to_owned()),
        }
    }

    /// What stands in the way of these goods.
    pub(super) fn problem_of(&self, sku: &str) -> Option<&str> {
        let found = self.problems.iter().find(|problem| problem.sku == sku);
        found.map(|problem| problem.text.as_str())
    }
}

/// Parts the lines into goods on offer and problems: the page may be older than the shelf.
fn on_offer(conn: &mut Conn, lines: &[Wanted]) -> Result<(Vec<Wanted>, Vec<LineProblem>)> {
    let skus: Vec<&str> = lines.iter().map(|line| line.sku.as_str()).collect();
    let known = goods::by_skus(conn, &skus)?;
    let offered = |line: &&Wanted| known.get(&line.sku).is_some_and(|item| item.withdrawn_at.is_none());
    let (offered, missing): (Vec<&Wanted>, Vec<&Wanted>) = lines.iter().partition(offered);
    let problems = missing.into_iter().map(|line| LineProblem {
        sku: line.sku.clone(),
        text: "本店没有这种商品，请刷新页面。".to_owned(),
    });
    Ok((offered.into_iter().cloned().collect(), problems.collect()))
}
