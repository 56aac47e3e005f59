//! Write-offs 报损: goods that leave the shelf for good, proposed by one person and confirmed by another.
//!
//! Nothing moves before the second person confirms; until then the goods may be sold, and then the confirmation is refused.
//!
//! ```text
//! proposed → confirmed
//!         ↘ rejected
//! ```

use diesel::prelude::*;
use serde::Serialize;

use super::act::{Act, Done};
use super::goods::{self, GoodsItem};
use super::receipt;
use super::refused::Refused;
use super::stock::{self, MovementKind, Occasion, Stock, StockLot};
use super::store::PointsStore;
use crate::access::user::User;
use crate::clock::Moment;
use crate::db::schema::{write_off_lines, write_offs};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;

text_enum! {
    /// Why goods are gone, or more than there should be.
    pub enum Reason {
        /// Broken or spoilt.
        Breakage = "breakage", "破损";
        /// Past its day.
        Expiry = "expiry", "过期";
        /// Stolen.
        Theft = "theft", "失窃";
        /// Counted or written down wrongly.
        Error = "error", "差错";
        /// A stocktake found more than the books say.
        Found = "found", "盘盈";
        /// In words.
        Other = "other", "其他";
    }
}

impl Reason {
    /// The reasons for which goods are written off.
    pub const OF_WRITE_OFFS: [Reason; 5] = [
        Reason::Breakage,
        Reason::Expiry,
        Reason::Theft,
        Reason::Error,
        Reason::Other,
    ];

    /// Refuses words that are too long, and none where words are the reason.
    pub(super) fn expect_words(self, note: &str) -> Result<()> {
        if self == Reason::Other && note.is_empty() {
            return Err(Error::invalid("note", "选了“其他”，请写明是什么原因。"));
        }
        match note.chars().count() > 200 {
            true => Err(Error::invalid("note", "说明最多200个字。")),
            false => Ok(()),
        }
    }
}

text_enum! {
    /// Where a write-off stands.
    pub enum WriteOffState {
        /// Waits for a second person.
        Proposed = "proposed", "待确认";
        /// The goods have left the shelf.
        Confirmed = "confirmed", "已报损";
        /// Nothing happened.
        Rejected = "rejected", "未同意";
    }
}

/// A write-off.
#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = write_offs)]
pub struct WriteOff {
    /// Its id.
    pub id: Id<WriteOff>,
    /// Where.
    pub store_id: Id<PointsStore>,
    /// Why.
    pub reason: Reason,
    /// In words.
    pub note: String,
    /// Where it stands.
    pub state: WriteOffState,
    /// Who proposed it.
    pub proposed_by: Id<User>,
    /// When.
    pub proposed_at: Moment,
    /// Who decided.
    pub decided_by: Option<Id<User>>,
    /// When.
    pub decided_at: Option<Moment>,
    /// What they said.
    pub decision_note: String,
}

#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = write_off_lines)]
struct Line {
    write_off_id: Id<WriteOff>,
    lot_number: i64,
    quantity: i64,
}

/// A line with its goods and its lot as it is now.
#[derive(Clone, Debug)]
pub struct Lost {
    /// How many.
    pub quantity: i64,
    /// What.
    pub item: GoodsItem,
    /// From which lot.
    pub lot: StockLot,
}

impl Lost {
    /// What it cost.
    #[must_use]
    pub fn cost(&self) -> Fen {
        Fen(self.lot.cost_fen.0.saturating_mul(self.quantity))
    }
}

/// Asks to write goods off.
#[derive(Clone, Debug, Serialize)]
pub struct Propose {
    /// Where.
    pub store: Id<PointsStore>,
    /// Lots, and how many of each.
    pub lots: Vec<(i64, i64)>,
    /// Why.
    pub reason: Reason,
    /// In words.
    pub note: String,
}

/// The most lots of one write-off.
pub const MOST_LOTS: usize = 200;

/// Proposes a write-off and answers its id.
///
/// # Errors
/// [`Refused::LotTooSmall`]; `NotFound` for a lot of another store; `Invalid` fields; `idempotency_conflict`.
pub fn propose(conn: &mut Conn, asked: &Propose, act: &Act) -> Result<Id<WriteOff>> {
    let answer = act.once(conn, asked, |conn| {
        if asked.lots.is_empty() || asked.lots.len() > MOST_LOTS {
            return Err(Error::invalid(
                "lots",
                format!("请填写要报损的数量，一次1至{MOST_LOTS}批。"),
            ));
        }
        if !Reason::OF_WRITE_OFFS.contains(&asked.reason) {
            return Err(Error::invalid("reason", "请选择报损原因。"));
        }
        let note = asked.note.trim();
        asked.reason.expect_words(note)?;
        let write_off = WriteOff {
            id: Id::new(act.at),
            store_id: asked.store.clone(),
            reason: asked.reason,
            note: note.to_owned(),
            state: WriteOffState::Proposed,
            proposed_by: act.by.clone(),
            proposed_at: act.at,
            decided_by: None,
            decided_at: None,
            decision_note: String::new(),
        };
        let lines: Vec<Line> = asked
            .lots
            .iter()
            .map(|(lot, quantity)| Line {
                write_off_id: write_off.id.clone(),
                lot_number: *lot,
                quantity: *quantity,
            })
            .collect();
        loaded(conn, &write_off, &lines)?;
        diesel::insert_into(write_offs::table)
            .values(&write_off)
            .execute(conn)?;
        insert_rows!(conn, write_off_lines::table, &lines);
        Ok(Done {
            answer: write_off.id.as_str().to_owned(),
            subject: format!("write_off:{}", write_off.id),
            detail: asked.reason.label().to_owned(),
        })
    })?;
    Ok(Id::known(answer))
}

/// The lots of these lines, each of this store and with so many in it.
fn loaded(conn: &mut Conn, write_off: &WriteOff, lines: &[Line]) -> Result<Stock> {
    let numbers: Vec<i64> = lines.iter().map(|line| line.lot_number).collect();
    let stock = Stock::of_lots(conn, &numbers)?;
    for (at, line) in lines.iter().enumerate() {
        let lot = stock
            .lot(line.lot_number)
            .filter(|lot| lot.store_id == write_off.store_id);
        let lot = lot.ok_or(Error::NotFound)?;
        if line.quantity < 1 || lines.iter().take(at).any(|other| other.lot_number == line.lot_number) {
            return Err(Error::invalid("lots", "数量应为1以上的整数，一批只写一行。"));
        }
        if lot.quantity < line.quantity {
            return Err(receipt::too_small(conn, lot)?.into());
        }
    }
    Ok(stock)
}

/// Confirms or rejects a write-off that somebody else proposed.
///
/// # Errors
/// [`Refused::SamePerson`], [`Refused::NotWaiting`], [`Refused::LotTooSmall`]; `NotFound`; `Invalid` for a rejection without
/// a word; `idempotency_conflict`.
pub fn decide(conn: &mut Conn, id: &Id<WriteOff>, confirms: bool, note: &str, act: &Act) -> Result<()> {
    let note = note.trim();
    act.once(conn, &(id, confirms, note), |conn| {
        let write_off = by_id(conn, id)?;
        if write_off.state != WriteOffState::Proposed {
            return Err(Refused::NotWaiting.into());
        }
        if write_off.proposed_by == act.by {
            return Err(Refused::SamePerson.into());
        }
        if note.chars().count() > 200 || (!confirms && note.is_empty()) {
            return Err(Error::invalid("note", "不同意的请写明为什么，最多200个字。"));
        }
        let state = match confirms {
            true => {
                take_off_shelf(conn, &write_off, act)?;
                WriteOffState::Confirmed
            }
            false => WriteOffState::Rejected,
        };
        diesel::update(write_offs::table.filter(write_offs::id.eq(id)))
            .set((
                write_offs::state.eq(state),
                write_offs::decided_by.eq(Some(&act.by)),
                write_offs::decided_at.eq(Some(act.at)),
                write_offs::decision_note.eq(note),
            ))
            .execute(conn)?;
        Ok(Done {
            answer: id.as_str().to_owned(),
            subject: format!("write_off:{id}"),
            detail: state.label().to_owned(),
        })
    })?;
    Ok(())
}

fn take_off_shelf(conn: &mut Conn, write_off: &WriteOff, act: &Act) -> Result<()> {
    let lines = lines_of(conn, &write_off.id)?;
    let mut stock = loaded(conn, write_off, &lines)?;
    let occasion = Occasion {
        redemption: None,
        by: act.by.clone(),
        at: act.at,
    };
    for line in &lines {
        let out = line.quantity.saturating_neg();
        stock.change(line.lot_number, MovementKind::WriteOff, out, &occasion)?;
    }
    stock.save(conn)
}

fn lines_of(conn: &mut Conn, id: &Id<WriteOff>) -> Result<Vec<Line>> {
    Ok(write_off_lines::table
        .filter(write_off_lines::write_off_id.eq(id))
        .order(write_off_lines::lot_number)
        .select(Line::as_select())
        .load(conn)?)
}

/// A write-off.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<WriteOff>) -> Result<WriteOff> {
    write_offs::table
        .filter(write_offs::id.eq(id))
        .select(WriteOff::as_select())
        .first(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// What a write-off is about.
///
/// # Errors
/// Only when the database fails.
pub fn lost(conn: &mut Conn, id: &Id<WriteOff>) -> Result<Vec<Lost>> {
    let lines = lines_of(conn, id)?;
    let numbers: Vec<i64> = lines.iter().map(|line| line.lot_number).collect();
    let mut lots = stock::by_numbers(conn, &numbers)?;
    let ids: Vec<Id<GoodsItem>> = lots.values().map(|lot| lot.goods_id.clone()).collect();
    let goods = goods::by_ids(conn, &ids)?;
    let lost = lines.into_iter().filter_map(|line| {
        let lot = lots.remove(&line.lot_number)?;
        Some(Lost {
            quantity: line.quantity,
            item: goods.get(&lot.goods_id)?.clone(),
            lot,
        })
    });
    Ok(lost.collect())
}

/// The write-offs of these stores, the newest first.
///
/// # Errors
/// Only when the database fails.
pub fn newest(conn: &mut Conn, stores: &[Id<PointsStore>], limit: i64) -> Result<Vec<WriteOff>> {
    Ok(write_offs::table
        .filter(write_offs::store_id.eq_any(stores))
        .order(write_offs::id.desc())
        .limit(limit)
        .select(WriteOff::as_select())
        .load(conn)?)
}
