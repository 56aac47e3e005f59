//! Home deliveries: goods that are redeemed at the counter and brought to the household.
//!
//! to_pack → packed → delivered, or undeliverable; then the shop takes the goods back with a void or a refund. Points and
//! stock went down with the redemption; a delivery moves neither.

use std::fmt;

use diesel::prelude::*;

use super::redemption::Redemption;
use super::store::PointsStore;
use super::void;
use crate::access::user::User;
use crate::audit;
use crate::clock::Moment;
use crate::db::schema::{deliveries, redemptions};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;

text_enum! {
    /// How far a delivery is.
    pub enum DeliveryState {
        /// It waits to be packed.
        ToPack = "to_pack", "待配货";
        /// It is packed and on its way.
        Packed = "packed", "已配货，待送";
        /// The household has it.
        Delivered = "delivered", "已送到";
        /// It could not be handed over.
        Undeliverable = "undeliverable", "没有送到";
    }
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = deliveries)]
pub struct Delivery {
    /// Of what.
    pub redemption_id: Id<Redemption>,
    /// How far it is.
    pub state: DeliveryState,
    /// What the bearer should know: `请敲重一点`.
    pub note: String,
    /// Since when.
    pub ordered_at: Moment,
    packed_by: Option<Id<User>>,
    /// When it was packed.
    pub packed_at: Option<Moment>,
    ended_by: Option<Id<User>>,
    /// When it was handed over, or came back.
    pub ended_at: Option<Moment>,
    /// Who signed for it, or why it could not be handed over.
    pub ended_note: Option<String>,
}

impl Delivery {
    /// A delivery that waits to be packed.
    #[must_use]
    pub(super) fn ordered(redemption: &Id<Redemption>, note: &str, at: Moment) -> Delivery {
        Delivery {
            redemption_id: redemption.clone(),
            state: DeliveryState::ToPack,
            note: note.to_owned(),
            ordered_at: at,
            packed_by: None,
            packed_at: None,
            ended_by: None,
            ended_at: None,
            ended_note: None,
        }
    }

    /// Is there still something to do?
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, DeliveryState::ToPack | DeliveryState::Packed)
    }
}

/// The delivery is in another state than this needs.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfStep {
    /// How far it is.
    pub state: DeliveryState,
}

impl fmt::Display for OutOfStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "这一单现在是“{}”，不能这样办。请刷新后再看。",
            self.state.label()
        )
    }
}

impl Refusal for OutOfStep {
    fn code(&self) -> &'static str {
        "delivery_out_of_step"
    }
}

/// Packs the goods of a delivery.
///
/// # Errors
/// [`OutOfStep`]; `NotFound`.
pub fn pack(conn: &mut Conn, id: &Id<Redemption>, by: &Id<User>, now: Moment) -> Result<()> {
    let delivery = by_redemption(conn, id)?;
    if delivery.state != DeliveryState::ToPack {
        let state = delivery.state;
        return Err(OutOfStep { state }.into());
    }
    expect_standing(conn, id)?;
    diesel::update(deliveries::table.find(id))
        .set((
            deliveries::state.eq(DeliveryState::Packed),
            deliveries::packed_by.eq(by),
            deliveries::packed_at.eq(now),
        ))
        .execute(conn)?;
    record(conn, id, "delivery.packed", String::new(), by, now)
}

/// What was voided is not brought to anybody.
fn expect_standing(conn: &mut Conn, id: &Id<Redemption>) -> Result<()> {
    match void::of(conn, std::slice::from_ref(id))?.is_empty() {
        true => Ok(()),
        false => Err(void::AlreadyVoided.into()),
    }
}

/// Says what became of a delivery: who signed for it, or why it could not be handed over.
///
/// # Errors
/// [`OutOfStep`] before it is packed or after it ended; `Invalid` without a word about it; `NotFound`.
pub fn end(
    conn: &mut Conn,
    id: &Id<Redemption>,
    (delivered, note): (bool, &str),
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let delivery = by_redemption(conn, id)?;
    if delivery.state != DeliveryState::Packed {
        let state = delivery.state;
        return Err(OutOfStep { state }.into());
    }
    let note = note.trim();
    if note.is_empty() || note.chars().count() > 100 {
        let words = if delivered {
            "请写谁签收的，1至100个字。"
        } else {
            "请写没有送到的原因，1至100个字。"
        };
        return Err(Error::invalid("note", words));
    }
    let (state, act) = match delivered {
        true => (DeliveryState::Delivered, "delivery.delivered"),
        false => (DeliveryState::Undeliverable, "delivery.came_back"),
    };
    diesel::update(deliveries::table.find(id))
        .set((
            deliveries::state.eq(state),
            deliveries::ended_by.eq(by),
            deliveries::ended_at.eq(now),
            deliveries::ended_note.eq(note),
        ))
        .execute(conn)?;
    record(conn, id, act, String::new(), by, now)
}

fn record(conn: &mut Conn, id: &Id<Redemption>, act: &str, detail: String, by: &Id<User>, now: Moment) -> Result<()> {
    let subject = format!("redemption:{id}");
    audit::record(conn, &[audit::Event::new(by.as_str(), act, subject, detail, now)])
}

/// The delivery of a redemption.
///
/// # Errors
/// `NotFound` when it is not delivered.
pub fn by_redemption(conn: &mut Conn, id: &Id<Redemption>) -> Result<Delivery> {
    of(conn, std::slice::from_ref(id))?.pop().ok_or(Error::NotFound)
}

/// The deliveries of these redemptions.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, redemptions: &[Id<Redemption>]) -> Result<Vec<Delivery>> {
    let mut found = Vec::new();
    for chunk in redemptions.chunks(500) {
        found.extend(
            deliveries::table
                .filter(deliveries::redemption_id.eq_any(chunk))
                .select(Delivery::as_select())
                .load(conn)?,
        );
    }
    Ok(found)
}

/// The deliveries of a store: those with something to do, oldest first, or the last that ended.
///
/// # Errors
/// Only when the database fails.
pub fn of_store(conn: &mut Conn, store: &Id<PointsStore>, open: bool, most: i64) -> Result<Vec<Delivery>> {
    let all = deliveries::table
        .inner_join(redemptions::table)
        .filter(redemptions::store_id.eq(store))
        .select(Delivery::as_select());
    let todo = [DeliveryState::ToPack, DeliveryState::Packed];
    Ok(match open {
        true => all
            .filter(deliveries::state.eq_any(todo))
            .order(deliveries::redemption_id)
            .limit(most)
            .load(conn)?,
        false => all
            .filter(deliveries::state.ne_all(todo))
            .order(deliveries::ended_at.desc())
            .limit(most)
            .load(conn)?,
    })
}
