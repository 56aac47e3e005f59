//! Sales made without network: written down when the till is back, each once.
//!
//! A sale that was covered by its till's hold posts like any other. One that cannot be posted (its hold had run out and the
//! points are gone, the card was reported lost meanwhile) is not thrown away: it becomes a **conflict**, and somebody in the
//! office decides whether it is posted after all, the programme bears it, or the goods came back. The household is never
//! made to owe anything.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::Serialize;

use super::act::{Act, Done};
use super::catalogue;
use super::goods::{self, GoodsItem};
use super::offline;
use super::redemption::{self, Basket, Confirmation, Pickup, Redeem, Redemption, Wanted, price};
use super::shift::{self, Shift};
use super::store::PointsStore;
use crate::access::user::User;
use crate::cards::card;
use crate::clock::Moment;
use crate::db::schema::{offline_conflicts, offline_sales, refused_tries, shifts};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::hold;
use crate::places::household::Household;
use crate::points::Points;
use crate::request;

/// What a till sends of a sale that waited there.
#[derive(Clone, Debug)]
pub struct Sale {
    /// The sale's key, the same however often it is sent.
    pub key: String,
    /// The card as it was shown.
    pub card: String,
    /// What went over the counter.
    pub lines: Vec<Wanted>,
    /// Points for one unit as the till's list said, by short code; what is not in it costs what it costs now.
    pub prices: HashMap<String, Points>,
    /// When, by the till's clock.
    pub sold_at: Moment,
    /// The number on the paper slip: `D-0007`.
    pub slip: String,
    /// Will the household sign the slip?
    pub signs: bool,
    /// Were the goods handed out with a slip? Otherwise it is an online try whose answer was lost.
    pub given: bool,
    /// Was it a try for somebody else who fetches, or for a delivery? Then it is only looked up, never made from here.
    pub other_pickup: bool,
}

/// What became of a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the books.
    Posted(Id<Redemption>),
    /// It could not be posted, and somebody decides: the reason.
    Conflict(String),
    /// Nothing happened, and no goods had gone: the reason.
    Refused(String),
    /// Another till still keeps what it needs: to be sent again.
    Later(String),
}

/// How goods went out without network.
#[derive(Clone, Debug)]
pub(super) struct Sold {
    pub(super) at: Moment,
    pub(super) confirmed_with: Option<Confirmation>,
    slip: String,
    prices: HashMap<String, Points>,
}

/// A redemption that was made without network.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = offline_sales)]
pub struct OfflineSale {
    /// The redemption.
    pub redemption_id: Id<Redemption>,
    /// The number on the paper slip.
    pub slip: String,
    /// When the goods went out, as the till said.
    pub sold_at: Moment,
    /// They were more than the household's limit of the month.
    pub over_limit: bool,
}

impl Sold {
    pub(super) fn kept(&self, redemption: &Id<Redemption>, over_limit: bool) -> OfflineSale {
        OfflineSale {
            redemption_id: redemption.clone(),
            slip: self.slip.clone(),
            sold_at: self.at,
            over_limit,
        }
    }

    /// Prices the lines as the till's list said, also goods that were taken off offer meanwhile.
    pub(super) fn price(&self, goods: &HashMap<String, GoodsItem>, wanted: &[Wanted]) -> Result<Basket> {
        let as_sold = goods.iter().map(|(sku, item)| {
            let item = GoodsItem {
                price_points: self.prices.get(sku).copied().unwrap_or(item.price_points),
                withdrawn_at: None,
                ..item.clone()
            };
            (sku.clone(), item)
        });
        price(&as_sold.collect(), wanted)
    }
}

/// Writes a sale of a hold down and answers what became of it; sent again, it is answered like the first time. Without a hold
/// only a try is asked after.
///
/// # Errors
/// `NotFound` for a hold of another store; `Invalid` for a sale that no till of ours can have made.
pub fn settle(conn: &mut Conn, hold: Option<i64>, sale: &Sale, at_work: &Shift, now: Moment) -> Result<Outcome> {
    if let Some(made) = request::made_with(conn, &sale.key)? {
        return Ok(Outcome::Posted(Id::known(made)));
    }
    let (sold_in, taken_at) = match hold {
        None if sale.given => return Err(Error::NotFound),
        None => (at_work.clone(), now),
        Some(hold) => {
            let of_till = offline::of_hold(conn, hold)?.ok_or(Error::NotFound)?;
            (
                shift::by_id(conn, &of_till.shift_id)?,
                hold::by_number(conn, hold)?.taken_at,
            )
        }
    };
    if sold_in.store_id != at_work.store_id {
        return Err(Error::NotFound);
    }
    let sold_at = sale.sold_at.clamp(taken_at, now.max(taken_at));
    let asked = Redeem::new(&sale.key, &sale.card, &sale.lines, Pickup::Household, &sold_in, now)?;
    let key = asked.key_digest().to_owned();
    if let Some(conflict) = by_key(conn, &key)? {
        return Ok(Outcome::Conflict(conflict.reason));
    }
    let asked = match sale.given {
        // After the audit a shift stands: what comes later is written down in the shift that is open.
        true => asked.sold(
            Sold {
                at: sold_at,
                confirmed_with: sale.signs.then_some(Confirmation::Signature),
                slip: sale.slip.clone(),
                prices: sale.prices.clone(),
            },
            match sold_in.audited_at {
                None => &sold_in,
                Some(_) => at_work,
            },
        ),
        false => asked.confirmed(sale.signs.then_some(Confirmation::Signature)),
    };
    let sensible = match sale.other_pickup {
        true => Err(Error::invalid("pickup", "断网前的代领或送货没有兑成，请重新办理。")),
        false => expect_prices(conn, sale, taken_at, sold_at),
    };
    let answer = match sensible {
        Ok(()) => redemption::redeem_all(conn, &[asked])?.pop(),
        Err(error) => Some(Err(error)),
    };
    let refused = match answer.ok_or_else(|| Error::internal("no answer to a sale"))? {
        Ok(redeemed) => return Ok(Outcome::Posted(redeemed.redemption.id)),
        Err(error @ (Error::Refused(_) | Error::Invalid(_))) => error,
        Err(error) => return Err(error),
    };
    let reason = refused.to_string();
    match (refused.code(), sale.given) {
        ("held_elsewhere", _) => Ok(Outcome::Later(reason)),
        (_, false) => {
            keep_refusal(conn, &key, now)?;
            Ok(Outcome::Refused(reason))
        }
        (code, true) => {
            keep_conflict(
                conn,
                &key,
                sale,
                &sold_in,
                sold_at,
                (code, &reason),
                &at_work.opened_by,
                now,
            )?;
            Ok(Outcome::Conflict(reason))
        }
    }
}

/// A till sells for what goods cost at some moment since it took its hold.
fn expect_prices(conn: &mut Conn, sale: &Sale, since: Moment, until: Moment) -> Result<()> {
    let skus: Vec<&str> = sale.lines.iter().map(|line| line.sku.as_str()).collect();
    for item in goods::by_skus(conn, &skus)?.values() {
        let Some(said) = sale.prices.get(&item.sku).filter(|said| **said != item.price_points) else {
            continue;
        };
        let mut known = false;
        for price in catalogue::prices(conn, &item.id)? {
            known |= price.price_points == *said && price.valid_from.is_none_or(|from| from <= until);
            if price.valid_from.is_none_or(|from| from <= since) {
                break;
            }
        }
        if !known {
            return Err(Error::invalid("lines", format!("{}的价格和台账不符。", item.name)));
        }
    }
    Ok(())
}

/// The till is told that nothing happened: whatever of this try is still on its way must not happen afterwards.
fn keep_refusal(conn: &mut Conn, key: &str, now: Moment) -> Result<()> {
    let known = refused_among(conn, [key])?;
    if known.is_empty() {
        diesel::insert_into(refused_tries::table)
            .values((refused_tries::key_digest.eq(key), refused_tries::refused_at.eq(now)))
            .execute(conn)?;
    }
    Ok(())
}

/// Of these digests of keys, those whose refusal a till was told.
///
/// # Errors
/// Only when the database fails.
pub(super) fn refused_among<'a>(conn: &mut Conn, keys: impl IntoIterator<Item = &'a str>) -> Result<HashSet<String>> {
    let keys: Vec<&str> = keys.into_iter().collect();
    Ok(refused_tries::table
        .filter(refused_tries::key_digest.eq_any(keys))
        .select(refused_tries::key_digest)
        .load::<String>(conn)?
        .into_iter()
        .collect())
}

text_enum! {
    /// What became of a conflict.
    pub enum Decision {
        /// It was posted after all.
        Posted = "posted", "已补入账";
        /// The programme bears it: the goods are written off.
        Borne = "borne", "由项目承担";
        /// The goods came back.
        Returned = "returned", "商品已退回";
    }
}

/// Goods that went out without network and could not be posted.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = offline_conflicts, treat_none_as_default_value = false)]
pub struct OfflineConflict {
    /// Its number.
    pub number: i64,
    key_digest: String,
    /// In which shift the goods went out.
    pub shift_id: Id<Shift>,
    /// The number on the paper slip.
    pub slip: String,
    /// The card's number.
    pub card_number: String,
    /// Whose card it is, if there is such a card.
    pub household_id: Option<Id<Household>>,
    lines: String,
    /// Points for all of it.
    pub points: Points,
    /// When the goods went out.
    pub sold_at: Moment,
    /// When the till sent it.
    pub received_at: Moment,
    /// Who was at the till then.
    pub received_by: Id<User>,
    code: String,
    /// Why it could not be posted.
    pub reason: String,
    /// What became of it.
    pub outcome: Option<Decision>,
    /// Who decided.
    pub decided_by: Option<Id<User>>,
    /// When.
    pub decided_at: Option<Moment>,
    /// Why so.
    pub note: Option<String>,
    /// The redemption, if it was posted after all.
    pub redemption_id: Option<Id<Redemption>>,
}

impl OfflineConflict {
    /// What went over the counter.
    ///
    /// # Errors
    /// `Internal` when what is stored cannot be read.
    pub fn lines(&self) -> Result<Vec<Wanted>> {
        serde_json::from_str(&self.lines).map_err(Error::internal)
    }
}

#[expect(clippy::too_many_arguments, reason = "one row, written at one place")]
fn keep_conflict(
    conn: &mut Conn,
    key: &str,
    sale: &Sale,
    sold_in: &Shift,
    sold_at: Moment,
    (code, reason): (&str, &str),
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let last = offline_conflicts::table
        .select(diesel::dsl::max(offline_conflicts::number))
        .get_result::<Option<i64>>(conn)?;
    let skus: Vec<&str> = sale.lines.iter().map(|line| line.sku.as_str()).collect();
    let items = goods::by_skus(conn, &skus)?;
    let points = sale.lines.iter().fold(Points::ZERO, |sum, line| {
        let said = sale.prices.get(&line.sku).copied();
        let one = said.or_else(|| Some(items.get(&line.sku)?.price_points));
        let all = one.and_then(|one| one.times(line.quantity));
        all.and_then(|all| sum.plus(all)).unwrap_or(sum)
    });
    let card_number = card::token(&sale.card)?.number().as_str().to_owned();
    let conflict = OfflineConflict {
        number: last.unwrap_or(0).saturating_add(1),
        key_digest: key.to_owned(),
        shift_id: sold_in.id.clone(),
        slip: sale.slip.clone(),
        household_id: card::household_of(conn, &card_number)?,
        card_number,
        lines: serde_json::to_string(&sale.lines).map_err(Error::internal)?,
        points,
        sold_at,
        received_at: now,
        received_by: by.clone(),
        code: code.to_owned(),
        reason: reason.to_owned(),
        outcome: None,
        decided_by: None,
        decided_at: None,
        note: None,
        redemption_id: None,
    };
    diesel::insert_into(offline_conflicts::table)
        .values(&conflict)
        .execute(conn)?;
    let subject = format!("offline_conflict:{}", conflict.number);
    let event = crate::audit::Event::new(by.as_str(), "offline_sale.refused", subject, reason.to_owned(), now);
    crate::audit::record(conn, &[event])
}

/// Asks to decide a conflict.
#[derive(Clone, Debug, Serialize)]
pub struct Decide {
    /// Which.
    pub number: i64,
    /// How.
    pub decision: Decision,
    /// Why so; may be empty when it is posted.
    pub note: String,
}

/// Decides a conflict. One that is posted after all is an ordinary redemption of now, in the shift in which the goods went
/// out or, after that one's audit, refused: then the programme bears it.
///
/// # Errors
/// The counter's refusals; `Invalid` without a reason, or when it was decided before; `NotFound`; `idempotency_conflict`.
pub fn decide(conn: &mut Conn, asked: &Decide, stores: &[Id<PointsStore>], act: &Act) -> Result<()> {
    act.once(conn, asked, |conn| {
        let mut conflict = by_number(conn, asked.number)?;
        let sold_in = shift::by_id(conn, &conflict.shift_id)?;
        if !stores.contains(&sold_in.store_id) {
            return Err(Error::NotFound);
        }
        if conflict.outcome.is_some() {
            return Err(Error::invalid("conflict", "这一单已经处理过了。"));
        }
        let note = asked.note.trim();
        if note.chars().count() > 200 || (note.is_empty() && asked.decision != Decision::Posted) {
            return Err(Error::invalid("note", "请写明怎么处理、为什么，1至200个字。"));
        }
        if asked.decision == Decision::Posted {
            shift::expect_not_audited(conn, Some(&sold_in.id))?;
            conflict.redemption_id = Some(post(conn, &conflict, &sold_in, act.at)?);
        }
        conflict.outcome = Some(asked.decision);
        conflict.decided_by = Some(act.by.clone());
        conflict.decided_at = Some(act.at);
        conflict.note = Some(note.to_owned()).filter(|note| !note.is_empty());
        diesel::update(offline_conflicts::table.find(conflict.number))
            .set((
                offline_conflicts::outcome.eq(conflict.outcome),
                offline_conflicts::decided_by.eq(&conflict.decided_by),
                offline_conflicts::decided_at.eq(conflict.decided_at),
                offline_conflicts::note.eq(&conflict.note),
                offline_conflicts::redemption_id.eq(&conflict.redemption_id),
            ))
            .execute(conn)?;
        Ok(Done {
            answer: conflict.number.to_string(),
            subject: format!("offline_conflict:{}", conflict.number),
            detail: asked.decision.label().to_owned(),
        })
    })
    .map(|_| ())
}

fn post(conn: &mut Conn, conflict: &OfflineConflict, sold_in: &Shift, now: Moment) -> Result<Id<Redemption>> {
    let key = format!("offline-conflict-{}", conflict.number);
    let asked = Redeem::new(
        &key,
        &conflict.card_number,
        &conflict.lines()?,
        Pickup::Household,
        sold_in,
        now,
    )?;
    let sold = Sold {
        at: conflict.sold_at,
        confirmed_with: None,
        slip: conflict.slip.clone(),
        prices: HashMap::new(),
    };
    let answer = redemption::redeem_all(conn, &[asked.sold(sold, sold_in)])?.pop();
    let redeemed = answer.ok_or_else(|| Error::internal("no answer to a sale"))??;
    Ok(redeemed.redemption.id)
}

/// A conflict.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<OfflineConflict> {
    offline_conflicts::table
        .find(number)
        .select(OfflineConflict::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

fn by_key(conn: &mut Conn, key: &str) -> Result<Option<OfflineConflict>> {
    Ok(offline_conflicts::table
        .filter(offline_conflicts::key_digest.eq(key))
        .select(OfflineConflict::as_select())
        .first(conn)
        .optional()?)
}

/// The conflicts of these stores: those that wait first, then the newest, at most `limit`.
///
/// # Errors
/// Only when the database fails.
pub fn conflicts(conn: &mut Conn, stores: &[Id<PointsStore>], limit: i64) -> Result<Vec<OfflineConflict>> {
    Ok(offline_conflicts::table
        .inner_join(shifts::table.on(shifts::id.eq(offline_conflicts::shift_id)))
        .filter(shifts::store_id.eq_any(stores))
        .order((
            offline_conflicts::outcome.is_not_null(),
            offline_conflicts::number.desc(),
        ))
        .limit(limit)
        .select(OfflineConflict::as_select())
        .load(conn)?)
}

/// How many conflicts of these stores wait for a decision.
///
/// # Errors
/// Only when the database fails.
pub fn count_waiting(conn: &mut Conn, stores: &[Id<PointsStore>]) -> Result<i64> {
    Ok(offline_conflicts::table
        .inner_join(shifts::table.on(shifts::id.eq(offline_conflicts::shift_id)))
        .filter(
            shifts::store_id
                .eq_any(stores)
                .and(offline_conflicts::outcome.is_null()),
        )
        .count()
        .get_result(conn)?)
}

/// Which of these redemptions were made without network.
///
/// # Errors
/// Only when the database fails.
pub fn among(conn: &mut Conn, redemptions: &[Id<Redemption>]) -> Result<HashMap<Id<Redemption>, OfflineSale>> {
    let mut all = HashMap::new();
    for chunk in redemptions.chunks(500) {
        let sales = offline_sales::table
            .filter(offline_sales::redemption_id.eq_any(chunk))
            .select(OfflineSale::as_select())
            .load(conn)?;
        all.extend(sales.into_iter().map(|sale| (sale.redemption_id.clone(), sale)));
    }
    Ok(all)
}
