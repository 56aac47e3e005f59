//! Partner shops (定点商户): somebody else's shop that gives goods from its own shelf for points.
//!
//! What is agreed is a version with days and a daily limit, and a price list: so many points from the household, so much
//! money from us, for one unit. A redemption there goes over the same counter and moves no stock of ours; what we will owe
//! for each line is written down with it. A household may pay part of the points in cash: that is recorded, the cash is the
//! shop's, and it comes off what we owe. What is owed becomes a statement in `settlement.rs`.

use std::collections::HashMap;
use std::fmt;

use diesel::prelude::*;
use serde::Serialize;

use super::act::{Act, Done};
use super::goods::{self, GoodsItem};
use super::redemption::{Basket, Redemption, Refused as CounterRefused, Wanted, price};
use super::store::{self, PointsStore};
use crate::access::user::User;
use crate::clock::{Day, Moment, begin_of, day_of, days_after};
use crate::db::schema::{
    cash_top_ups, partner_agreements, partner_prices, partner_sales, redemption_voids, redemptions, refunds,
};
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::points::Points;

/// What was agreed with a partner.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = partner_agreements)]
pub struct Agreement {
    /// The shop.
    pub store_id: Id<PointsStore>,
    /// Its version, from 1; the last one holds.
    pub number: i64,
    /// Who signs it: the name on the licence.
    pub merchant: String,
    /// The first day.
    pub from_on: Day,
    /// The last day.
    pub until_on: Day,
    /// Points that may be redeemed there in a day.
    pub daily_limit: Points,
    /// Who recorded it.
    pub recorded_by: Id<User>,
    /// When.
    pub recorded_at: Moment,
}

impl Agreement {
    /// Does it hold on a day?
    #[must_use]
    pub fn holds_on(&self, day: Day) -> bool {
        self.from_on <= day && day <= self.until_on
    }
}

/// What a partner offers, and for how much.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = partner_prices)]
pub struct Offer {
    /// The shop.
    pub store_id: Id<PointsStore>,
    /// What.
    pub goods_id: Id<GoodsItem>,
    /// The version of the price, from 1; the last one holds.
    pub number: i64,
    /// Points from the household for one unit.
    pub price_points: Points,
    /// What we owe for one unit.
    pub settlement_fen: Fen,
    /// Is it still offered?
    pub is_offered: bool,
    /// Who set it.
    pub set_by: Id<User>,
    /// When.
    pub set_at: Moment,
}

/// Cash that a household paid for some of the points.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = cash_top_ups)]
pub struct CashTopUp {
    /// The redemption.
    pub redemption_id: Id<Redemption>,
    /// How many points were paid so.
    pub points: Points,
    /// What was paid.
    pub cash_fen: Fen,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = partner_sales)]
struct Sale {
    redemption_id: Id<Redemption>,
    position: i64,
    settlement_fen: Fen,
}

/// Why nothing is redeemed at a partner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No agreement holds today.
    NoAgreement,
    /// The shop has had its points of the day.
    DailyLimitReached {
        /// How many may still be redeemed there today.
        left: Points,
    },
    /// Cash is taken at a partner's only, and never for all of it.
    NoTopUpHere,
    /// Cash for every point would be a purchase.
    TopUpTooLarge {
        /// How many points may be paid in cash.
        most: Points,
    },
    /// What was paid in part with cash comes back as a whole.
    ToppedUp,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NoAgreement => formatter.write_str("这家定点商户今天不在协议期内，不能兑换。"),
            Refused::DailyLimitReached { left: Points::ZERO } => {
                formatter.write_str("这家定点商户今天的兑换额度用完了，请明天再来。")
            }
            Refused::DailyLimitReached { left } => write!(formatter, "这家定点商户有每日额度，今天还可兑{left}分。"),
            Refused::NoTopUpHere => formatter.write_str("本店不收现金，不能补差价。"),
            Refused::TopUpTooLarge { most } => write!(formatter, "至少要用1分积分，最多可以补{most}分的差价。"),
            Refused::ToppedUp => {
                formatter.write_str("这一单补过差价，不能只退一部分，请作废整单，现金由商户当面退还。")
            }
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NoAgreement => "no_agreement",
            Refused::DailyLimitReached { .. } => "daily_limit_reached",
            Refused::NoTopUpHere => "no_top_up_here",
            Refused::TopUpTooLarge { .. } => "top_up_too_large",
            Refused::ToppedUp => "topped_up",
        }
    }
}

// ---- The counter ---------------------------------------------------------------------------------------------------

/// What a basket costs a household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// In points.
    pub points: Points,
    /// Points that it pays in cash, and how much cash.
    pub cash: Option<(Points, Fen)>,
}

#[derive(Debug)]
struct Terms {
    agreement: Option<Agreement>,
    offers: HashMap<Id<GoodsItem>, Offer>,
    /// Points that were redeemed there and stand, by day.
    used: HashMap<Day, Points>,
}

/// The partners' shops that a set of redemptions may touch.
#[derive(Debug, Default)]
pub struct Partners {
    terms: HashMap<Id<PointsStore>, Terms>,
    sales: Vec<Sale>,
    top_ups: Vec<CashTopUp>,
}

impl Partners {
    /// Loads the terms of those of these stores that are partners', with what was redeemed there since a day.
    ///
    /// # Errors
    /// Only when the database fails.
    pub(super) fn load<'a>(
        conn: &mut Conn,
        stores: impl IntoIterator<Item = &'a Id<PointsStore>>,
        since: Day,
    ) -> Result<Partners> {
        let asked: Vec<&Id<PointsStore>> = stores.into_iter().collect();
        let mut partners = Partners::default();
        for shop in store::partners(conn)? {
            if asked.contains(&&shop.id) {
                let terms = Terms {
                    agreement: agreement(conn, &shop.id)?,
                    offers: offers(conn, &shop.id)?
                        .into_iter()
                        .filter(|offer| offer.is_offered)
                        .map(|offer| (offer.goods_id.clone(), offer))
                        .collect(),
                    used: used_since(conn, &shop.id, since)?,
                };
                partners.terms.insert(shop.id, terms);
            }
        }
        Ok(partners)
    }

    /// Is this a partner's shop?
    pub(super) fn has(&self, store: &Id<PointsStore>) -> bool {
        self.terms.contains_key(store)
    }

    /// Prices the lines as this store sells them.
    ///
    /// # Errors
    /// `Invalid` for goods that it does not offer.
    pub(super) fn price(
        &self,
        store: &Id<PointsStore>,
        goods: &HashMap<String, GoodsItem>,
        wanted: &[Wanted],
    ) -> Result<Basket> {
        let Some(terms) = self.terms.get(store) else {
            return price(goods, wanted);
        };
        let offered = goods.iter().filter_map(|(sku, item)| {
            let offer = terms.offers.get(&item.id)?;
            let item = GoodsItem {
                price_points: offer.price_points,
                ..item.clone()
            };
            Some((sku.clone(), item))
        });
        price(&offered.collect(), wanted)
    }

    /// Refuses a partner's shop without an agreement, and more points than it has left of the day.
    ///
    /// # Errors
    /// [`Refused::NoAgreement`], [`Refused::DailyLimitReached`].
    pub(super) fn expect_open(&self, store: &Id<PointsStore>, points: Points, day: Day) -> Result<(), Refused> {
        let Some(terms) = self.terms.get(store) else {
            return Ok(());
        };
        let held = terms.agreement.as_ref().filter(|agreement| agreement.holds_on(day));
        let agreement = held.ok_or(Refused::NoAgreement)?;
        let used = terms.used.get(&day).copied().unwrap_or_default();
        let left = used.short_of(agreement.daily_limit);
        match points > left {
            true => Err(Refused::DailyLimitReached { left }),
            false => Ok(()),
        }
    }

    /// What a household owes for a basket of which it pays some points in cash. The cash is what we would have owed the
    /// shop for those points, rounded up to the fen: nobody types an amount.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn owed(
        &self,
        store: &Id<PointsStore>,
        basket: &Basket,
        top_up: Points,
        day: Day,
    ) -> Result<Owed, CounterRefused> {
        let rest = basket.points.plus(-top_up).unwrap_or_default();
        let owed = match (top_up > Points::ZERO, self.terms.get(store)) {
            (false, _) => Owed {
                points: basket.points,
                cash: None,
            },
            (true, None) => return Err(CounterRefused::Partner(Refused::NoTopUpHere)),
            (true, Some(_)) if rest < Points(1) => {
                let most = Points(basket.points.0.saturating_sub(1).max(0));
                return Err(CounterRefused::Partner(Refused::TopUpTooLarge { most }));
            }
            (true, Some(terms)) => {
                let all = terms.worth(basket).0;
                let part = i128::from(all).saturating_mul(i128::from(top_up.0));
                let points = i128::from(basket.points.0.max(1));
                let cash = part.saturating_add(points.saturating_sub(1)) / points;
                let cash = Fen(i64::try_from(cash).unwrap_or(i64::MAX).max(1));
                Owed {
                    points: rest,
                    cash: Some((top_up, cash)),
                }
            }
        };
        self.expect_open(store, owed.points, day)
            .map_err(CounterRefused::Partner)?;
        Ok(owed)
    }

    /// Notes a redemption: what each line will be settled for, and the cash.
    pub(super) fn note(&mut self, store: &Id<PointsStore>, id: &Id<Redemption>, basket: &Basket, owed: Owed, day: Day) {
        let Some(terms) = self.terms.get_mut(store) else {
            return;
        };
        let used = terms.used.entry(day).or_default();
        *used = used.plus(owed.points).unwrap_or(*used);
        for (position, (item, _)) in (1i64..).zip(&basket.lines) {
            let offer = terms.offers.get(&item.id);
            self.sales.push(Sale {
                redemption_id: id.clone(),
                position,
                settlement_fen: offer.map_or(Fen(0), |offer| offer.settlement_fen),
            });
        }
        if let Some((points, cash_fen)) = owed.cash {
            self.top_ups.push(CashTopUp {
                redemption_id: id.clone(),
                points,
                cash_fen,
            });
        }
    }

    /// Writes what was noted.
    ///
    /// # Errors
    /// Only when the database fails.
    pub(super) fn save(&self, conn: &mut Conn) -> Result<()> {
        insert_rows!(conn, partner_sales::table, &self.sales);
        insert_rows!(conn, cash_top_ups::table, &self.top_ups);
        Ok(())
    }
}

impl Terms {
    /// What we owe for a basket.
    fn worth(&self, basket: &Basket) -> Fen {
        let parts = basket.lines.iter().map(|(item, quantity)| {
            let offer = self.offers.get(&item.id);
            offer.map_or(0, |offer| offer.settlement_fen.0.saturating_mul(*quantity))
        });
        Fen(parts.fold(0, i64::saturating_add))
    }
}

/// Points redeemed in a shop since a day that stand: without what was voided or came back.
fn used_since(conn: &mut Conn, store: &Id<PointsStore>, since: Day) -> Result<HashMap<Day, Points>> {
    let rows = redemptions::table
        .left_join(redemption_voids::table)
        .filter(redemptions::store_id.eq(store))
        .filter(redemptions::redeemed_at.ge(begin_of(since)))
        .filter(redemption_voids::redemption_id.is_null())
        .select((redemptions::redeemed_at, redemptions::points))
        .load::<(Moment, Points)>(conn)?;
    let back = refunds::table
        .inner_join(redemptions::table)
        .filter(redemptions::store_id.eq(store))
        .filter(redemptions::redeemed_at.ge(begin_of(since)))
        .select((redemptions::redeemed_at, refunds::points))
        .load::<(Moment, Points)>(conn)?;
    let mut used: HashMap<Day, Points> = HashMap::new();
    let back = back.into_iter().map(|(at, points)| (at, -points));
    for (at, points) in rows.into_iter().chain(back) {
        let sum = used.entry(day_of(at)).or_default();
        *sum = sum.plus(points).unwrap_or(*sum);
    }
    Ok(used)
}

/// Was this redeemed at a partner's?
///
/// # Errors
/// Only when the database fails.
pub fn sold(conn: &mut Conn, redemption: &Id<Redemption>) -> Result<bool> {
    let lines = partner_sales::table
        .filter(partner_sales::redemption_id.eq(redemption))
        .count()
        .get_result::<i64>(conn)?;
    Ok(lines > 0)
}

/// Refuses to take back a part of what was paid in part with cash.
///
/// # Errors
/// [`Refused::ToppedUp`].
pub fn expect_no_top_up(conn: &mut Conn, redemption: &Id<Redemption>) -> Result<()> {
    match top_ups_of(conn, std::slice::from_ref(redemption))?.is_empty() {
        true => Ok(()),
        false => Err(Refused::ToppedUp.into()),
    }
}

/// The cash of these redemptions.
///
/// # Errors
/// Only when the database fails.
pub fn top_ups_of(conn: &mut Conn, redemptions: &[Id<Redemption>]) -> Result<HashMap<Id<Redemption>, CashTopUp>> {
    let mut found = HashMap::new();
    for chunk in redemptions.chunks(500) {
        let rows = cash_top_ups::table
            .filter(cash_top_ups::redemption_id.eq_any(chunk))
            .select(CashTopUp::as_select())
            .load(conn)?;
        found.extend(rows.into_iter().map(|row| (row.redemption_id.clone(), row)));
    }
    Ok(found)
}

/// Redemptions with cash, for the proof.
///
/// # Errors
/// Only when the database fails.
pub(super) fn all_cash(conn: &mut Conn) -> Result<HashMap<String, Points>> {
    let rows = cash_top_ups::table
        .select((cash_top_ups::redemption_id, cash_top_ups::points))
        .load::<(String, Points)>(conn)?;
    Ok(rows.into_iter().collect())
}

/// What a partner's shop has on its counter, with its prices; `None` for a store of our own.
///
/// # Errors
/// Only when the database fails.
pub fn shelf(conn: &mut Conn, shop: &Id<PointsStore>) -> Result<Option<Vec<GoodsItem>>> {
    if !store::is_partner(conn, shop)? {
        return Ok(None);
    }
    let offered: Vec<Offer> = offers(conn, shop)?
        .into_iter()
        .filter(|offer| offer.is_offered)
        .collect();
    let ids: Vec<Id<GoodsItem>> = offered.iter().map(|offer| offer.goods_id.clone()).collect();
    let mut items = goods::by_ids(conn, &ids)?;
    let mut shelf: Vec<GoodsItem> = offered
        .into_iter()
        .filter_map(|offer| {
            let item = items
                .remove(&offer.goods_id)
                .filter(|item| item.withdrawn_at.is_none())?;
            Some(GoodsItem {
                price_points: offer.price_points,
                ..item
            })
        })
        .collect();
    shelf.sort_by(|one, other| one.sku.cmp(&other.sku));
    Ok(Some(shelf))
}

// ---- What was agreed -----------------------------------------------------------------------------------------------

/// What is agreed with a partner, as the office writes it.
#[derive(Clone, Debug, Serialize)]
pub struct NewAgreement {
    /// Who signs.
    pub merchant: String,
    /// The first day.
    pub from_on: Day,
    /// The last day.
    pub until_on: Day,
    /// Points in a day.
    pub daily_limit: i64,
}

impl NewAgreement {
    fn checked(&self) -> Result<()> {
        if !(1..=60).contains(&self.merchant.trim().chars().count()) {
            return Err(Error::invalid("merchant", "请填写签协议的商户名称，1至60个字。"));
        }
        if self.until_on < self.from_on {
            return Err(Error::invalid("until", "协议的结束日期在开始日期之前，请核对。"));
        }
        if self.until_on > days_after(self.from_on, 366 * 5) {
            return Err(Error::invalid("until", "一份协议最长5年。"));
        }
        if !(1..=1_000_000).contains(&self.daily_limit) {
            return Err(Error::invalid("daily_limit", "每日额度应为1至1000000的整数。"));
        }
        Ok(())
    }
}

/// Takes a shop in as a partner, with its first agreement; answers its id.
///
/// # Errors
/// `Invalid` fields; `idempotency_conflict`.
pub fn add(conn: &mut Conn, shop: &PointsStore, first: &NewAgreement, act: &Act) -> Result<Id<PointsStore>> {
    let content = (&shop.name, &shop.area_id, &shop.opening_hours, first);
    let answer = act.once(conn, &content, |conn| {
        if !(1..=40).contains(&shop.name.trim().chars().count()) {
            return Err(Error::invalid("name", "请填写店名，1至40个字。"));
        }
        if shop.opening_hours.chars().count() > 60 {
            return Err(Error::invalid("opening_hours", "营业时间最多60个字。"));
        }
        if store::all(conn)?.iter().any(|other| other.name == shop.name) {
            return Err(Error::invalid("name", "已有同名的店，请换个名称。"));
        }
        store::add_partner(conn, shop, act.by.as_str(), act.at)?;
        write_agreement(conn, &shop.id, first, act)?;
        Ok(done(&shop.id, String::new()))
    })?;
    Ok(Id::known(answer))
}

fn done(id: &Id<PointsStore>, detail: String) -> Done {
    Done {
        answer: id.as_str().to_owned(),
        subject: format!("partner:{id}"),
        detail,
    }
}

fn write_agreement(conn: &mut Conn, shop: &Id<PointsStore>, new: &NewAgreement, act: &Act) -> Result<()> {
    new.checked()?;
    let last = agreement(conn, shop)?.map_or(0, |last| last.number);
    let row = Agreement {
        store_id: shop.clone(),
        number: last.saturating_add(1),
        merchant: new.merchant.trim().to_owned(),
        from_on: new.from_on,
        until_on: new.until_on,
        daily_limit: Points(new.daily_limit),
        recorded_by: act.by.clone(),
        recorded_at: act.at,
    };
    diesel::insert_into(partner_agreements::table)
        .values(&row)
        .execute(conn)?;
    Ok(())
}

/// Agrees anew: other days, another limit. The last agreement holds.
///
/// # Errors
/// `NotFound` for a shop that is no partner's; `Invalid` fields; `idempotency_conflict`.
pub fn agree(conn: &mut Conn, shop: &Id<PointsStore>, new: &NewAgreement, act: &Act) -> Result<()> {
    act.once(conn, &(shop, new), |conn| {
        by_id(conn, shop)?;
        write_agreement(conn, shop, new, act)?;
        Ok(done(shop, format!("{}—{}", new.from_on, new.until_on)))
    })?;
    Ok(())
}

/// Sets what a partner offers goods for, or that it does not offer them any more.
///
/// # Errors
/// `NotFound` for a shop that is no partner's; `Invalid` fields; `idempotency_conflict`.
pub fn set_offer(
    conn: &mut Conn,
    shop: &Id<PointsStore>,
    sku: &str,
    terms: Option<(i64, i64)>,
    act: &Act,
) -> Result<()> {
    act.once(conn, &(shop, sku, terms), |conn| {
        by_id(conn, shop)?;
        let item = goods::by_sku(conn, sku).map_err(|error| match error {
            Error::NotFound => Error::invalid("sku", "商品目录里没有这种商品，请先登记。"),
            other => other,
        })?;
        let before = offers(conn, shop)?.into_iter().find(|offer| offer.goods_id == item.id);
        let (price_points, settlement_fen) = match (terms, &before) {
            (Some(terms), _) => terms,
            (None, Some(before)) => (before.price_points.0, before.settlement_fen.0),
            (None, None) => return Err(Error::NotFound),
        };
        if !(1..=1_000_000).contains(&price_points) {
            return Err(Error::invalid("price_points", "积分应为1以上的整数。"));
        }
        if !(0..=100_000_000).contains(&settlement_fen) {
            return Err(Error::invalid("settlement", "结算价应为0至100万元。"));
        }
        let row = Offer {
            store_id: shop.clone(),
            goods_id: item.id,
            number: before.map_or(0, |before| before.number).saturating_add(1),
            price_points: Points(price_points),
            settlement_fen: Fen(settlement_fen),
            is_offered: terms.is_some(),
            set_by: act.by.clone(),
            set_at: act.at,
        };
        diesel::insert_into(partner_prices::table).values(&row).execute(conn)?;
        Ok(done(shop, item.sku))
    })?;
    Ok(())
}

/// A partner's shop.
///
/// # Errors
/// `NotFound`, also for a store of our own.
pub fn by_id(conn: &mut Conn, id: &Id<PointsStore>) -> Result<PointsStore> {
    let mut shops = store::partners(conn)?.into_iter();
    shops.find(|shop| shop.id == *id).ok_or(Error::NotFound)
}

/// The agreement that holds, or held last.
///
/// # Errors
/// Only when the database fails.
pub fn agreement(conn: &mut Conn, shop: &Id<PointsStore>) -> Result<Option<Agreement>> {
    Ok(agreements(conn, shop)?.pop())
}

/// All agreements with a partner, first one first.
///
/// # Errors
/// Only when the database fails.
pub fn agreements(conn: &mut Conn, shop: &Id<PointsStore>) -> Result<Vec<Agreement>> {
    Ok(partner_agreements::table
        .filter(partner_agreements::store_id.eq(shop))
        .order(partner_agreements::number)
        .select(Agreement::as_select())
        .load(conn)?)
}

/// What a partner offers or offered, each by its last price.
///
/// # Errors
/// Only when the database fails.
pub fn offers(conn: &mut Conn, shop: &Id<PointsStore>) -> Result<Vec<Offer>> {
    let rows = partner_prices::table
        .filter(partner_prices::store_id.eq(shop))
        .order((partner_prices::goods_id, partner_prices::number))
        .select(Offer::as_select())
        .load(conn)?;
    let mut last: Vec<Offer> = Vec::new();
    for row in rows {
        match last.last_mut().filter(|last| last.goods_id == row.goods_id) {
            Some(same) => *same = row,
            None => last.push(row),
        }
    }
    Ok(last)
}
