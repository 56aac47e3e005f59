//! Redemptions: points for goods. The counter's rules, from top to bottom.
//!
//! Requests that are waiting at the same moment are decided together: [`redeem_all`] loads what the set touches, decides
//! each in memory (`Counter::redeem`, which reads as the rules), and writes everything as sets, inside the one transaction
//! that the writer holds. Balance and stock go down in the same step or not at all.
//!
//! The counter learns "enough" or "short by N", never the balance.

mod basket;
mod refused;

use std::collections::{HashMap, HashSet};

pub(super) use basket::{Basket, expect_in_stock, price};
use diesel::prelude::*;
pub use refused::Refused;
use serde::{Deserialize, Serialize};

use super::delivery::Delivery;
use super::goods::{self, GoodsItem};
use super::limit::Had;
use super::offline::{self, Keeper, Lacking};
use super::offline_sale::{self, OfflineSale, Sold};
use super::partner::Partners;
use super::proxy::{self, Proxy, ProxyPickup};
use super::rules::{self, CounterRules};
use super::shift::{self, Shift};
use super::stock::{Occasion, Stock};
use super::store::{self, PointsStore};
use super::till::Till;
use crate::access::role::{Duties, Permission};
use crate::access::user::User;
use crate::audit;
use crate::cards::card::{Card, Presented, Wallet};
use crate::cards::number::{CardSecret, CardToken};
use crate::clock::{Day, Moment, Span, begin_of, day_of};
use crate::db::schema::{deliveries, offline_sales, proxy_pickups, redemption_lines, redemptions};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::account::{AccountKind, PROGRAMME};
use crate::ledger::transaction::{Books, Posting, TransactionKind};
use crate::places::household::Household;
use crate::places::programme;
use crate::points::Points;
use crate::request::{Request, Requests};

/// A redemption as it stands in its register.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = redemptions)]
pub struct Redemption {
    /// Its id.
    pub id: Id<Redemption>,
    /// Where.
    pub store_id: Id<PointsStore>,
    /// Whose points.
    pub household_id: Id<Household>,
    /// The card that was shown.
    pub card_id: Id<Card>,
    /// How it was shown.
    pub presented: Presented,
    /// Points for all of it.
    pub points: Points,
    /// The posting; its number is the slip number.
    pub transaction_number: i64,
    /// Who stood at the counter.
    pub redeemed_by: Id<User>,
    /// When.
    pub redeemed_at: Moment,
    /// In which shift; `None` for one from before there were shifts.
    pub shift_id: Option<Id<Shift>>,
    /// How the household confirmed, where it had to.
    pub confirmed_with: Option<Confirmation>,
}

text_enum! {
    /// How a household confirms a redemption of many points.
    pub enum Confirmation {
        /// It typed its PIN, and the PIN was right.
        Pin = "pin", "密码";
        /// It signs the printed slip.
        Signature = "signature", "签字";
    }
}

/// Who takes the goods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Pickup {
    /// The household, here and now.
    #[default]
    Household,
    /// Somebody on its list.
    Proxy(Id<Proxy>),
    /// Somebody who comes once with a slip from the household, by name.
    Once(String),
    /// They are brought to the household; with a note for the bearer.
    Delivery(String),
}

impl Pickup {
    fn checked(self) -> Result<Pickup> {
        match self {
            Pickup::Once(name) => Ok(Pickup::Once(proxy::named(&name)?)),
            Pickup::Delivery(note) if note.chars().count() > 100 => {
                Err(Error::invalid("delivery_note", "送货说明最多100个字。"))
            }
            other => Ok(other),
        }
    }
}

/// One line: so many of these goods at this price.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = redemption_lines)]
pub struct Line {
    /// The redemption.
    pub redemption_id: Id<Redemption>,
    /// 1, 2, 3 …
    pub position: i64,
    /// What.
    pub goods_id: Id<GoodsItem>,
    /// How many.
    pub quantity: i64,
    /// Points for one, on that day.
    pub price_points: Points,
}

/// A line of a request: a short code and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The goods' short code.
    pub sku: String,
    /// How many.
    pub quantity: i64,
}

/// Asks to redeem.
#[derive(Clone, Debug)]
pub struct Redeem {
    request: Request,
    card: CardToken,
    wanted: Vec<Wanted>,
    store: Id<PointsStore>,
    till: Id<Till>,
    shift: Id<Shift>,
    confirmed_with: Option<Confirmation>,
    pickup: Pickup,
    sold: Option<Sold>,
    top_up: Points,
    by: Id<User>,
    at: Moment,
}

/// The most units of one kind of goods in one redemption, and the most lines.
const MOST_QUANTITY: i64 = 999;
const MOST_LINES: usize = 100;

impl Redeem {
    /// A request in somebody's open shift whose lines make sense; lines of the same goods become one.
    ///
    /// # Errors
    /// `Invalid` for a card that cannot be one, no lines, too many, a quantity outside 1–999, or a pick-up without a name.
    pub fn new(key: &str, card: &str, lines: &[Wanted], pickup: Pickup, shift: &Shift, at: Moment) -> Result<Redeem> {
        let by = shift.opened_by.clone();
        let card = crate::cards::card::token(card)?;
        let wanted = merged(lines)?;
        if wanted.is_empty() {
            return Err(Error::invalid("lines", "还没有选商品。"));
        }
        let pickup = pickup.checked()?;
        let content = (
            card.number().as_str(),
            card.secret().map(CardSecret::reveal),
            &wanted,
            &pickup,
        );
        Ok(Redeem {
            request: Request::new(key, by.as_str(), "redemption", &content)?,
            card,
            wanted,
            store: shift.store_id.clone(),
            till: shift.till_id.clone(),
            shift: shift.id.clone(),
            confirmed_with: None,
            pickup,
            sold: None,
            top_up: Points::ZERO,
            by,
            at,
        })
    }

    /// The same request, confirmed by the household.
    #[must_use]
    pub fn confirmed(self, with: Option<Confirmation>) -> Redeem {
        Redeem {
            confirmed_with: with,
            ..self
        }
    }

    /// The same request, for goods that went out without network and are written down in this shift.
    #[must_use]
    pub(super) fn sold(self, sold: Sold, shift: &Shift) -> Redeem {
        Redeem {
            confirmed_with: sold.confirmed_with,
            shift: shift.id.clone(),
            sold: Some(sold),
            ..self
        }
    }

    /// A digest of the request's key.
    pub(super) fn key_digest(&self) -> &str {
        self.request.key_digest()
    }

    /// The day on which the goods went over the counter.
    fn day(&self) -> Day {
        day_of(self.sold.as_ref().map_or(self.at, |sold| sold.at))
    }

    /// The same request of which the household pays so many points in cash, at a partner's shop.
    ///
    /// # Errors
    /// `Internal` when the content cannot be written down.
    pub fn topped_up(self, points: Points) -> Result<Redeem> {
        match points {
            Points::ZERO => Ok(self),
            top_up => Ok(Redeem {
                request: self.request.and(&("top_up", top_up))?,
                top_up,
                ..self
            }),
        }
    }
}

/// Lines of the same goods become one, in the order in which they first came.
pub(super) fn merged(lines: &[Wanted]) -> Result<Vec<Wanted>> {
    if lines.len() > MOST_LINES {
        return Err(Error::invalid("lines", format!("一次最多兑换{MOST_LINES}种商品。")));
    }
    let mut wanted: Vec<Wanted> = Vec::with_capacity(lines.len());
    for line in lines {
        let sensible = (1..=MOST_QUANTITY).contains(&line.quantity);
        let sum = match wanted.iter_mut().find(|other| other.sku == line.sku) {
            Some(other) => {
                other.quantity = other.quantity.saturating_add(line.quantity);
                other.quantity
            }
            None => {
                wanted.push(line.clone());
                line.quantity
            }
        };
        if !sensible || sum > MOST_QUANTITY {
            return Err(Error::invalid("lines", format!("数量应为1至{MOST_QUANTITY}的整数。")));
        }
    }
    Ok(wanted)
}

/// A redemption with its lines, as the counter and the API answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeemed {
    /// The redemption.
    pub redemption: Redemption,
    /// Its lines with their goods.
    pub lines: Vec<(Line, GoodsItem)>,
    /// Is this the answer of an earlier request?
    pub replayed: bool,
}

impl Redeemed {
    /// What was taken, in words: `大米 5kg × 1`.
    #[must_use]
    pub fn goods(&self) -> Vec<String> {
        self.lines
            .iter()
            .map(|(line, item)| format!("{} × {}", item.name, line.quantity))
            .collect()
    }
}

/// Decides all requests that are waiting: one answer for each, in order.
///
/// # Errors
/// Only when the database fails.
pub fn redeem_all(conn: &mut Conn, asked: &[Redeem]) -> Result<Vec<Result<Redeemed>>> {
    let mut counter = Counter::open(conn, asked)?;
    let answers = asked.iter().map(|request| counter.redeem(request)).collect();
    counter.save(conn)?;
    Ok(answers)
}

/// What the counter needs to know to decide a set of requests.
struct Counter {
    requests: Requests,
    /// Digests of keys whose refusal a till was told.
    refused: HashSet<String>,
    earlier: HashMap<Id<Redemption>, Redeemed>,
    wallet: Wallet,
    goods: HashMap<String, GoodsItem>,
    rules: CounterRules,
    open_shifts: Vec<Id<Shift>>,
    had: Had,
    books: Books,
    stock: Stock,
    proxies: Vec<Proxy>,
    keepers: Vec<Keeper>,
    partners: Partners,
    redemptions: Vec<Redemption>,
    lines: Vec<Line>,
    pickups: Vec<ProxyPickup>,
    deliveries: Vec<Delivery>,
    offline: Vec<OfflineSale>,
    lacking: Vec<(Id<Till>, Lacking, Moment)>,
    events: Vec<audit::Event>,
}

impl Counter {
    fn open(conn: &mut Conn, asked: &[Redeem]) -> Result<Counter> {
        let requests = Requests::open(conn, asked.iter().map(|request| &request.request))?;
        let earlier = asked
            .iter()
            .filter_map(|request| requests.earlier(&request.request).ok().flatten())
            .map(Id::known)
            .collect::<Vec<_>>();
        let programme = programme::get(conn)?;
        let wallet = Wallet::open(conn, &programme, asked.iter().map(|request| &request.card))?;
        let mut skus: Vec<&str> = asked
            .iter()
            .flat_map(|request| &request.wanted)
            .map(|line| line.sku.as_str())
            .collect();
        skus.sort_unstable();
        skus.dedup();
        let goods = goods::by_skus(conn, &skus)?;
        let ids: Vec<Id<GoodsItem>> = goods.values().map(|item| item.id.clone()).collect();
        let households = wallet.households();
        let since = asked.iter().map(|request| day_of(request.at)).min().unwrap_or_default();
        let proxies = match asked.iter().any(|request| matches!(request.pickup, Pickup::Proxy(_))) {
            true => proxy::of_households(conn, &households, since)?,
            false => Vec::new(),
        };
        let shifts: Vec<Id<Shift>> = asked.iter().map(|request| request.shift.clone()).collect();
        let books = Books::open(conn, households.iter().map(Id::as_str))?;
        let stock = Stock::open(conn, &ids)?;
        // Who keeps something is asked only where something is kept.
        let keepers = match asked.iter().map(|request| request.at).min() {
            Some(at) if books.is_held() || stock.is_held() => offline::keepers(conn, at)?,
            _ => Vec::new(),
        };
        Ok(Counter {
            rules: rules::now(conn)?,
            open_shifts: shift::open_among(conn, &shifts)?,
            had: Had::load(conn, &households, since)?,
            books,
            stock,
            partners: Partners::load(conn, asked.iter().map(|request| &request.store), since)?,
            earlier: load_earlier(conn, earlier)?,
            refused: offline_sale::refused_among(conn, asked.iter().map(|asked| asked.request.key_digest()))?,
            requests,
            wallet,
            goods,
            proxies,
            keepers,
            redemptions: Vec::new(),
            lines: Vec::new(),
            pickups: Vec::new(),
            deliveries: Vec::new(),
            offline: Vec::new(),
            lacking: Vec::new(),
            events: Vec::new(),
        })
    }

    /// The counter's rules.
    fn redeem(&mut self, asked: &Redeem) -> Result<Redeemed> {
        if let Some(earlier) = self.requests.earlier(&asked.request)? {
            return self.replay(&Id::known(earlier));
        }
        if asked.sold.is_none() && self.refused.contains(asked.request.key_digest()) {
            return Err(Error::invalid("key", "这一单先前没有兑成，柜台已经知道，请重新办理。"));
        }
        if asked.sold.is_none() && !self.open_shifts.contains(&asked.shift) {
            return Err(shift::Refused::NoOpenShift.into());
        }
        let (card, presented) = self.wallet.recognise(&asked.card)?;
        let (card, household) = (card.id.clone(), card.household_id.clone());
        let day = asked.day();
        let basket = match &asked.sold {
            Some(sold) => sold.price(&self.goods, &asked.wanted)?,
            None => self.partners.price(&asked.store, &self.goods, &asked.wanted)?,
        };
        let owed = self.partners.owed(&asked.store, &basket, asked.top_up, day)?;
        let within = self.had.expect_within(&household, &self.rules, &basket.lines, day);
        // A till without network cannot know the month's limits: the goods are gone, and it is written down.
        let over_limit = within.is_err();
        if asked.sold.is_none() {
            within?;
        }
        let have = self.books.balance(household.as_str(), AccountKind::Spendable);
        if have < owed.points {
            let short_by = have.short_of(owed.points);
            return Err(Refused::NotEnoughPoints { short_by }.into());
        }
        let own_shelf = !self.partners.has(&asked.store);
        for (item, quantity) in basket.lines.iter().filter(|_| own_shelf) {
            expect_in_stock(&self.stock, &asked.store, item, *quantity, day)?;
        }
        self.expect_not_held(asked, &household, &basket, owed.points)?;
        if let (None, Some(from), true, None) = (
            asked.confirmed_with,
            self.rules.confirm_from,
            self.rules.asks_for_confirmation(owed.points),
            &asked.sold,
        ) {
            return Err(Refused::ConfirmationNeeded { from }.into());
        }

        let id: Id<Redemption> = Id::new(asked.at);
        self.note_pickup(asked, &id, &household)?;
        let occasion = Occasion {
            redemption: Some(id.clone()),
            by: asked.by.clone(),
            at: asked.at,
        };
        for (item, quantity) in &basket.lines {
            if own_shelf {
                let at = (&asked.store, &asked.till);
                self.stock.take(at, &item.id, *quantity, day, &occasion)?;
            }
            self.had.add(&household, item, day, *quantity);
        }
        let posting = posting(asked, &id, &household, owed.points);
        let transaction_number = self.books.post_as(asked.till.as_str(), posting)?;
        self.offline
            .extend(asked.sold.as_ref().map(|sold| sold.kept(&id, over_limit)));
        self.partners.note(&asked.store, &id, &basket, owed, day);
        let redemption = Redemption {
            id,
            store_id: asked.store.clone(),
            household_id: household,
            card_id: card,
            presented,
            points: owed.points,
            transaction_number,
            redeemed_by: asked.by.clone(),
            redeemed_at: asked.at,
            shift_id: Some(asked.shift.clone()),
            confirmed_with: asked.confirmed_with,
        };
        Ok(self.keep(asked, redemption, basket))
    }

    /// Nothing is sold that another till keeps for an hour without network; it is asked for it.
    fn expect_not_held(
        &mut self,
        asked: &Redeem,
        household: &Id<Household>,
        basket: &Basket,
        points: Points,
    ) -> Result<()> {
        let (store, till, at) = (&asked.store, &asked.till, asked.at);
        let mut lacking = Lacking::default();
        let mut holders = Vec::new();
        if self.books.free(household.as_str(), Some(till.as_str()), at) < points {
            holders.extend(self.books.holders(household.as_str(), Some(till.as_str()), at));
            lacking.household = Some(household.clone());
        }
        let own_shelf = !self.partners.has(store);
        for (item, quantity) in basket.lines.iter().filter(|_| own_shelf) {
            if self.stock.free(store, &item.id, till, at) < *quantity {
                holders.extend(self.stock.holders(store, &item.id, till, at));
                lacking.goods.push(item.id.clone());
            }
        }
        if holders.is_empty() {
            return Ok(());
        }
        self.lacking.push((till.clone(), lacking, at));
        Err(offline::held_by(&self.keepers, &holders, at).into())
    }

    /// Notes who takes the goods, if it is not the household.
    fn note_pickup(&mut self, asked: &Redeem, id: &Id<Redemption>, household: &Id<Household>) -> Result<()> {
        let (proxy_id, person) = match &asked.pickup {
            Pickup::Household => return Ok(()),
            Pickup::Delivery(note) => {
                self.deliveries.push(Delivery::ordered(id, note, asked.at));
                return Ok(());
            }
            Pickup::Once(name) => (None, name.clone()),
            Pickup::Proxy(proxy) => {
                let on_list =
                    |one: &&Proxy| one.id == *proxy && one.household_id == *household && one.holds_on(day_of(asked.at));
                let found = self.proxies.iter().find(on_list).ok_or(Refused::NotAProxy)?;
                (Some(found.id.clone()), found.name.clone())
            }
        };
        self.pickups.push(ProxyPickup {
            redemption_id: id.clone(),
            proxy_id,
            person,
        });
        Ok(())
    }

    /// Keeps what was decided, to be written at the end.
    fn keep(&mut self, asked: &Redeem, redemption: Redemption, basket: Basket) -> Redeemed {
        let lines: Vec<(Line, GoodsItem)> = (1i64..)
            .zip(basket.lines)
            .map(|(position, (item, quantity))| {
                let line = Line {
                    redemption_id: redemption.id.clone(),
                    position,
                    goods_id: item.id.clone(),
                    quantity,
                    price_points: item.price_points,
                };
                (line, item)
            })
            .collect();
        self.requests
            .carried_out(&asked.request, redemption.id.as_str(), asked.at);
        self.events.push(audit::Event::new(
            asked.by.as_str(),
            "redemption.made",
            format!("redemption:{}", redemption.id),
            redemption.presented.word().to_owned(),
            asked.at,
        ));
        self.lines.extend(lines.iter().map(|(line, _)| line.clone()));
        self.redemptions.push(redemption.clone());
        let redeemed = Redeemed {
            redemption,
            lines,
            replayed: false,
        };
        self.earlier.insert(redeemed.redemption.id.clone(), redeemed.clone());
        redeemed
    }

    fn replay(&self, id: &Id<Redemption>) -> Result<Redeemed> {
        let mut first = self.earlier.get(id).cloned().ok_or(Error::NotFound)?;
        first.replayed = true;
        Ok(first)
    }

    fn save(self, conn: &mut Conn) -> Result<()> {
        for (till, lacking, at) in &self.lacking {
            offline::recall(conn, till, lacking, *at)?;
        }
        if self.redemptions.is_empty() {
            return Ok(());
        }
        self.books.save(conn)?;
        insert_rows!(conn, redemptions::table, &self.redemptions);
        insert_rows!(conn, redemption_lines::table, &self.lines);
        insert_rows!(conn, proxy_pickups::table, &self.pickups);
        insert_rows!(conn, deliveries::table, &self.deliveries);
        insert_rows!(conn, offline_sales::table, &self.offline);
        self.partners.save(conn)?;
        self.stock.save(conn)?;
        self.requests.save(conn)?;
        audit::record(conn, &self.events)
    }
}

fn posting(asked: &Redeem, id: &Id<Redemption>, household: &Id<Household>, points: Points) -> Posting {
    Posting {
        kind: TransactionKind::Redemption,
        source: format!("redemption:{id}"),
        effective_on: asked.day(),
        recorded_at: asked.at,
        posted_by: asked.by.as_str().to_owned(),
        reverses: None,
        entries: Posting::moving(
            points,
            (household.as_str(), AccountKind::Spendable),
            (PROGRAMME, AccountKind::Redemption),
        ),
    }
}

/// A redemption with its lines.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Redemption>) -> Result<Redeemed> {
    load_earlier(conn, vec![id.clone()])?.remove(id).ok_or(Error::NotFound)
}

/// A redemption with its lines, by the number on its slip.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, transaction: i64) -> Result<Redeemed> {
    let id = redemptions::table
        .filter(redemptions::transaction_number.eq(transaction))
        .select(redemptions::id)
        .first::<Id<Redemption>>(conn)
        .optional()?
        .ok_or(Error::NotFound)?;
    by_id(conn, &id)
}

/// Refuses a redemption in a store where these duties do not hold the permission, as if it did not exist.
///
/// # Errors
/// `NotFound`.
pub fn expect_within(conn: &mut Conn, id: &Id<Redemption>, duties: &Duties, permission: Permission) -> Result<()> {
    let made_in = redemptions::table
        .find(id)
        .select(redemptions::store_id)
        .get_result::<Id<PointsStore>>(conn)
        .optional()?
        .ok_or(Error::NotFound)?;
    let stores = store::all_of_duties(conn, duties, permission)?;
    match stores.iter().any(|store| store.id == made_in) {
        true => Ok(()),
        false => Err(Error::NotFound),
    }
}

/// Redemptions with their lines, by their ids.
///
/// # Errors
/// Only when the database fails.
pub fn by_ids(conn: &mut Conn, ids: Vec<Id<Redemption>>) -> Result<HashMap<Id<Redemption>, Redeemed>> {
    load_earlier(conn, ids)
}

/// The redemptions of a store within a span of days, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn journal(conn: &mut Conn, store: &Id<PointsStore>, span: Span) -> Result<Vec<Redeemed>> {
    let ids = redemptions::table
        .filter(redemptions::store_id.eq(store))
        .filter(redemptions::redeemed_at.ge(begin_of(span.from)))
        .filter(redemptions::redeemed_at.lt(begin_of(span.until)))
        .select(redemptions::id)
        .load::<Id<Redemption>>(conn)?;
    let mut all: Vec<Redeemed> = load_earlier(conn, ids)?.into_values().collect();
    all.sort_by_key(|redeemed| std::cmp::Reverse(redeemed.redemption.transaction_number));
    Ok(all)
}

fn load_earlier(conn: &mut Conn, ids: Vec<Id<Redemption>>) -> Result<HashMap<Id<Redemption>, Redeemed>> {
    let mut all: HashMap<Id<Redemption>, Redeemed> = HashMap::new();
    for chunk in ids.chunks(500) {
        let rows = redemptions::table
            .filter(redemptions::id.eq_any(chunk))
            .select(Redemption::as_select())
            .load(conn)?;
        let lines = redemption_lines::table
            .filter(redemption_lines::redemption_id.eq_any(chunk))
            .order((redemption_lines::redemption_id, redemption_lines::position))
            .select(Line::as_select())
            .load(conn)?;
        let goods_ids: Vec<Id<GoodsItem>> = lines.iter().map(|line| line.goods_id.clone()).collect();
        let goods = goods::by_ids(conn, &goods_ids)?;
        for redemption in rows {
            let redeemed = Redeemed {
                redemption,
                lines: Vec::new(),
                replayed: false,
            };
            all.insert(redeemed.redemption.id.clone(), redeemed);
        }
        for line in lines {
            let item = goods.get(&line.goods_id).cloned().ok_or(Error::NotFound)?;
            if let Some(redeemed) = all.get_mut(&line.redemption_id) {
                redeemed.lines.push((line, item));
            }
        }
    }
    Ok(all)
}
