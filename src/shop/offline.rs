//! The hour without network: what a till keeps, so that it may go on selling when the line is cut.
//!
//! While it is online a till takes a hold: of every household of its store some points, of the goods on the shelf its
//! share. What it sells without network comes out of that, so that it is there when the till comes back; what it sells
//! online comes out of it first, too. It sells by its hold until the end of the day; the server keeps the hold until the
//! end of the next day, or until the shift is closed. A till that is heard of gives back what somebody else needs.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use diesel::prelude::*;
use serde::Serialize;

use super::goods::{self, GoodsItem};
use super::held_goods;
use super::rules;
use super::shift::Shift;
use super::stock;
use super::store;
use super::till::{self, Till};
use crate::cards::allow_list::{self, Salt};
use crate::clock::{Moment, begin_of, day_of, days_after};
use crate::db::Conn;
use crate::db::schema::{till_holds, tills};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::ledger::hold;
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::points::Points;

/// A till's side of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = till_holds)]
pub struct TillHold {
    /// The hold's number in the ledger.
    pub hold_number: i64,
    /// Which till.
    pub till_id: Id<Till>,
    /// In which shift.
    pub shift_id: Id<Shift>,
    /// Which browser took it.
    device: String,
    /// What its list of cards is mixed with.
    salt: String,
    /// Without network the till sells before this moment.
    pub sell_until: Moment,
    /// From this moment on nothing is kept.
    pub until_at: Moment,
    /// When it was last heard of.
    pub seen_at: Moment,
    /// Sales that waited at the till then.
    pub waiting: i64,
}

/// A till that is not heard of for so many seconds is without network.
const SILENCE: i64 = 45;

/// Why something is refused on account of holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another till keeps what is needed.
    HeldElsewhere {
        /// `2号柜台`
        till: String,
        /// Is it heard of? Then it gives it back by itself.
        is_online: bool,
    },
    /// Sales of the till have not been sent yet.
    SalesWaiting {
        /// How many.
        count: i64,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::HeldElsewhere { till, is_online: true } => {
                write!(formatter, "正在从{till}收回断网备用的部分，请稍候几秒。")
            }
            Refused::HeldElsewhere { till, is_online: false } => {
                write!(formatter, "{till}断网了，为它备用的部分要等它恢复，或次日以后才能用。")
            }
            Refused::SalesWaiting { count } => {
                write!(
                    formatter,
                    "这个柜台还有{count}单断网时的兑换没有传上来，请先到柜台等它传完。"
                )
            }
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::HeldElsewhere { .. } => "held_elsewhere",
            Refused::SalesWaiting { .. } => "sales_waiting",
        }
    }
}

/// What a till may know and sell without network.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// The hold.
    pub hold: TillHold,
    /// What the list of cards is mixed with.
    pub salt: Salt,
    /// `1号柜台`
    pub till: String,
    /// Points of a household at most.
    pub points_each: Points,
    /// Every card: the digest of its number, and what its household may spend; `None` for a card that was stopped.
    pub cards: Vec<(allow_list::Kept, Option<Points>)>,
    /// Units by short code.
    pub goods: BTreeMap<String, i64>,
}

/// The till's hold: the live one of this shift, or a new one. `None` when the counter's rules allow nothing without network, at
/// a partner's shop, and for a second browser at the same till.
///
/// # Errors
/// Only when the database fails.
pub fn open(conn: &mut Conn, shift: &Shift, device: &str, salt: Salt, now: Moment) -> Result<Option<TillHold>> {
    let points_each = rules::now(conn)?.offline_points;
    // A partner's day has a limit that a till without network cannot know.
    if points_each == Points::ZERO || store::is_partner(conn, &shift.store_id)? {
        end(conn, &shift.till_id, now)?;
        return Ok(None);
    }
    let live = hold::live(conn, shift.till_id.as_str(), now)?;
    let live = match live {
        Some(live) => of_hold(conn, live.number)?.filter(|held| held.shift_id == shift.id),
        None => None,
    };
    match live {
        Some(held) => Ok(Some(held).filter(|held| held.device == device)),
        None => take(conn, shift, points_each, (device, salt), now).map(Some),
    }
}

fn take(
    conn: &mut Conn,
    shift: &Shift,
    points_each: Points,
    (device, salt): (&str, Salt),
    now: Moment,
) -> Result<TillHold> {
    let today = day_of(now);
    let (sell_until, until_at) = (begin_of(days_after(today, 1)), begin_of(days_after(today, 2)));
    let area = store::by_id(conn, &shift.store_id)?.area_id;
    let tree = Tree::load(conn)?;
    let path = tree.get(&area).map(|area| area.path.clone()).unwrap_or_default();
    let inside = tree.all().iter().filter(|other| other.path.starts_with(&path));
    let buildings: Vec<_> = inside.map(|other| other.id.clone()).collect();
    let households = household::ids_in(conn, &buildings)?;
    let owners: Vec<&str> = households.iter().map(Id::as_str).collect();
    let (hold, ended) = hold::take(conn, shift.till_id.as_str(), points_each, &owners, now, until_at)?;
    held_goods::drop_all(conn, &ended)?;
    let held = TillHold {
        hold_number: hold.number,
        till_id: shift.till_id.clone(),
        shift_id: shift.id.clone(),
        device: device.to_owned(),
        salt: salt.iter().map(|byte| format!("{byte:02x}")).collect(),
        sell_until,
        until_at,
        seen_at: now,
        waiting: 0,
    };
    diesel::insert_into(till_holds::table).values(&held).execute(conn)?;
    let units = shares(conn, shift, now)?;
    held_goods::keep(conn, hold.number, &units)?;
    Ok(held)
}

/// This till's share of what is on the shelf: as much for each till of the store, out of what nobody keeps.
fn shares(conn: &mut Conn, shift: &Shift, now: Moment) -> Result<Vec<(Id<GoodsItem>, i64)>> {
    let all = till::of_store(conn, &shift.store_id)?;
    let in_use = all.iter().filter(|till| till.withdrawn_at.is_none()).count().max(1);
    let in_use = i64::try_from(in_use).map_err(Error::internal)?;
    let kept = held_goods::in_store(conn, &shift.store_id)?;
    let mut available: BTreeMap<Id<GoodsItem>, i64> = BTreeMap::new();
    for lot in stock::on_shelf(conn, &shift.store_id)? {
        if lot.expires_on.is_none_or(|last| last >= day_of(now)) {
            let sum = available.entry(lot.goods_id).or_default();
            *sum = sum.saturating_add(lot.quantity);
        }
    }
    let share = |(goods, available): (Id<GoodsItem>, i64)| {
        let free = available.saturating_sub(kept.get(&goods).copied().unwrap_or(0));
        let share = available.checked_div(in_use).unwrap_or(0).min(free).max(0);
        (goods, share)
    };
    Ok(available.into_iter().map(share).collect())
}

/// What a till may know and sell by its hold. Reads only: with ten thousand cards it takes its time.
///
/// # Errors
/// Only when the database fails.
pub fn allowance(conn: &mut Conn, held: TillHold) -> Result<Allowance> {
    let salt = salt_of(&held)?;
    let hold = hold::by_number(conn, held.hold_number)?;
    let points: HashMap<String, Points> = hold::kept(conn, held.hold_number)?
        .into_iter()
        .map(|kept| (kept.owner, kept.points))
        .collect();
    let of_household = |household: &Id<Household>| points.get(household.as_str()).copied().unwrap_or_default();
    let cards = allow_list::allow_list(conn, &salt)?
        .into_iter()
        .map(|entry| (entry.digest, entry.in_use.then(|| of_household(&entry.household_id))))
        .collect();
    let units = held_goods::kept(conn, held.hold_number)?;
    let ids: Vec<Id<GoodsItem>> = units.iter().map(|held| held.goods_id.clone()).collect();
    let items = goods::by_ids(conn, &ids)?;
    let goods = units
        .into_iter()
        .filter_map(|held| Some((items.get(&held.goods_id)?.sku.clone(), held.units)))
        .collect();
    Ok(Allowance {
        till: till::by_id(conn, &held.till_id)?.name,
        points_each: hold.points_each,
        hold: held,
        salt,
        cards,
        goods,
    })
}

fn salt_of(held: &TillHold) -> Result<Salt> {
    let mut salt = Salt::default();
    for (byte, digits) in salt.iter_mut().zip(held.salt.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(Error::internal)?;
        *byte = u8::from_str_radix(digits, 16).map_err(Error::internal)?;
    }
    Ok(salt)
}

/// Something that a till is asked to let go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Recall {
    /// A household's points.
    Points {
        /// What the till answers with.
        id: String,
        /// The digests of the household's cards.
        #[serde(serialize_with = "written")]
        digests: Vec<allow_list::Kept>,
    },
    /// Goods.
    Goods {
        /// What the till answers with.
        id: String,
        /// The short code.
        sku: String,
    },
}

fn written<S: serde::Serializer>(digests: &[allow_list::Kept], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(digests.iter().map(|digest| allow_list::written(digest)))
}

/// What a till is told when it is heard of.
#[derive(Clone, Debug, Default)]
pub struct Beat {
    /// Does its hold still hold?
    pub is_live: bool,
    /// What it is asked to let go.
    pub recalls: Vec<Recall>,
    /// Cards that were stopped since it took its hold.
    pub stopped: Vec<allow_list::Kept>,
}

/// Notes that a till was heard of: what waits there, and what it has let go.
///
/// # Errors
/// Only when the database fails.
pub fn beat(
    conn: &mut Conn,
    shift: &Shift,
    number: i64,
    waiting: i64,
    dropped: &[String],
    now: Moment,
) -> Result<Beat> {
    let live = hold::live(conn, shift.till_id.as_str(), now)?.filter(|live| live.number == number);
    let (Some(live), Some(held)) = (live, of_hold(conn, number)?) else {
        return Ok(Beat::default());
    };
    diesel::update(till_holds::table.find(number))
        .set((till_holds::seen_at.eq(now), till_holds::waiting.eq(waiting.max(0))))
        .execute(conn)?;
    let ids = |kind: char| -> Vec<i64> {
        let of_kind = dropped.iter().filter_map(|id| id.strip_prefix(kind));
        of_kind.filter_map(|id| id.parse().ok()).collect()
    };
    hold::let_go(conn, number, &ids('p'))?;
    held_goods::let_go(conn, number, &ids('g'))?;
    let salt = salt_of(&held)?;
    Ok(Beat {
        is_live: true,
        recalls: recalls(conn, number, &salt)?,
        stopped: allow_list::stopped_since(conn, &salt, live.taken_at)?,
    })
}

fn recalls(conn: &mut Conn, number: i64, salt: &Salt) -> Result<Vec<Recall>> {
    let mut recalls = Vec::new();
    for kept in hold::recalled(conn, number)? {
        recalls.push(Recall::Points {
            digests: allow_list::of_household(conn, salt, &Id::known(kept.owner))?,
            id: format!("p{}", kept.id),
        });
    }
    let goods = held_goods::recalled(conn, number)?;
    let ids: Vec<Id<GoodsItem>> = goods.iter().map(|held| held.goods_id.clone()).collect();
    let items = goods::by_ids(conn, &ids)?;
    for held in goods {
        if let Some(item) = items.get(&held.goods_id) {
            recalls.push(Recall::Goods {
                id: format!("g{}", held.id),
                sku: item.sku.clone(),
            });
        }
    }
    Ok(recalls)
}

/// What a counter lacks because other tills keep it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lacking {
    /// The household whose points are kept.
    pub household: Option<Id<Household>>,
    /// The goods that are kept.
    pub goods: Vec<Id<GoodsItem>>,
}

/// Asks the other tills for what this one lacks.
///
/// # Errors
/// Only when the database fails.
pub fn recall(conn: &mut Conn, till: &Id<Till>, lacking: &Lacking, now: Moment) -> Result<()> {
    if let Some(household) = &lacking.household {
        hold::recall(conn, household.as_str(), Some(till.as_str()), now)?;
    }
    held_goods::recall(conn, &lacking.goods, till, now)
}

/// A till that keeps something.
#[derive(Clone, Debug, Queryable)]
pub struct Keeper {
    till_id: String,
    name: String,
    seen_at: Moment,
}

/// The tills that may have a hold at a moment, the one that was silent longest first.
///
/// # Errors
/// Only when the database fails.
pub fn keepers(conn: &mut Conn, now: Moment) -> Result<Vec<Keeper>> {
    let newest_first = till_holds::table
        .inner_join(tills::table.on(tills::id.eq(till_holds::till_id)))
        .filter(till_holds::until_at.gt(now))
        .order(till_holds::hold_number.desc())
        .select((tills::id, tills::name, till_holds::seen_at))
        .load::<Keeper>(conn)?;
    let mut keepers: Vec<Keeper> = Vec::new();
    for keeper in newest_first {
        if keepers.iter().all(|other| other.till_id != keeper.till_id) {
            keepers.push(keeper);
        }
    }
    keepers.sort_by_key(|keeper| keeper.seen_at);
    Ok(keepers)
}

/// Why it is refused that others keep what is needed: it names the one that was silent longest, which is the answer that
/// matters.
#[must_use]
pub fn held_by(keepers: &[Keeper], holders: &[String], now: Moment) -> Refused {
    let keeper = keepers.iter().find(|keeper| holders.contains(&keeper.till_id));
    Refused::HeldElsewhere {
        till: keeper.map_or_else(|| "别的柜台".to_owned(), |keeper| keeper.name.clone()),
        is_online: keeper.is_none_or(|keeper| now.signed_duration_since(keeper.seen_at).num_seconds() <= SILENCE),
    }
}

/// Ends a till's hold: what it kept is free again.
///
/// # Errors
/// Only when the database fails.
pub fn end(conn: &mut Conn, till: &Id<Till>, now: Moment) -> Result<()> {
    let ended = hold::end(conn, till.as_str(), now)?;
    held_goods::drop_all(conn, &ended)
}

/// A till gives a hold back; one that is not live any more is none of its business.
///
/// # Errors
/// Only when the database fails.
pub fn give_back(conn: &mut Conn, till: &Id<Till>, number: i64, now: Moment) -> Result<()> {
    match hold::live(conn, till.as_str(), now)? {
        Some(live) if live.number == number => end(conn, till, now),
        _ => Ok(()),
    }
}

/// Refuses while sales wait at the till, as far as it was heard of.
///
/// # Errors
/// [`Refused::SalesWaiting`].
pub fn expect_nothing_waits(conn: &mut Conn, till: &Id<Till>, now: Moment) -> Result<()> {
    let Some(live) = hold::live(conn, till.as_str(), now)? else {
        return Ok(());
    };
    match of_hold(conn, live.number)? {
        Some(held) if held.waiting > 0 => Err(Refused::SalesWaiting { count: held.waiting }.into()),
        _ => Ok(()),
    }
}

/// A till's side of a hold, by the hold's number.
///
/// # Errors
/// Only when the database fails.
pub fn of_hold(conn: &mut Conn, number: i64) -> Result<Option<TillHold>> {
    Ok(till_holds::table
        .find(number)
        .select(TillHold::as_select())
        .get_result(conn)
        .optional()?)
}
