//! Voids: a redemption undone. The points go back by a reversal, the goods to the very lots they came from, once.

use std::fmt;

use diesel::prelude::*;
use serde::Serialize;

use super::redemption::{self, Redeemed, Redemption};
use super::refund;
use super::shift::Shift;
use super::stock::{MovementKind, Occasion, Stock};
use crate::access::user::User;
use crate::audit;
use crate::clock::Moment;
use crate::db::Conn;
use crate::db::schema::redemption_voids;
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::ledger::reversal;
use crate::ledger::transaction::Books;
use crate::request::{Request, Requests};

/// A void as it stands in the register.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = redemption_voids)]
pub struct Void {
    /// What was undone.
    pub redemption_id: Id<Redemption>,
    /// Why.
    pub reason: String,
    /// The reversal.
    pub transaction_number: i64,
    /// Who.
    pub voided_by: Id<User>,
    /// When.
    pub voided_at: Moment,
    /// In which shift; `None` for one from before there were shifts.
    pub shift_id: Option<Id<Shift>>,
}

/// The redemption was voided before.
#[derive(Debug, PartialEq, Eq)]
pub struct AlreadyVoided;

impl fmt::Display for AlreadyVoided {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("这笔兑换已经作废，积分和商品已退回，不能再次作废。")
    }
}

impl Refusal for AlreadyVoided {
    fn code(&self) -> &'static str {
        "already_voided"
    }
}

/// Asks to void a redemption.
#[derive(Clone, Debug)]
pub struct AskVoid {
    /// What is to be undone.
    pub redemption: Id<Redemption>,
    /// Why.
    pub reason: String,
    /// In which shift.
    pub shift: Id<Shift>,
    /// Who asks.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Voids a redemption and answers it; the same request again answers the same.
///
/// # Errors
/// [`AlreadyVoided`]; [`refund::Refused`] when it is too late or a part came back before; `Invalid` for a missing reason;
/// `NotFound`; `idempotency_conflict`.
pub fn void(conn: &mut Conn, asked: &AskVoid, now: Moment) -> Result<(Redeemed, Void)> {
    #[derive(Serialize)]
    struct Content<'a>(&'a str, &'a str);
    let reason = asked.reason.trim();
    let content = Content(asked.redemption.as_str(), reason);
    let request = Request::new(&asked.key, asked.by.as_str(), "redemption.void", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    let redeemed = redemption::by_id(conn, &asked.redemption)?;
    let earlier = of(conn, std::slice::from_ref(&asked.redemption))?.pop();
    if let (Some(_), Some(void)) = (requests.earlier(&request)?, &earlier) {
        return Ok((redeemed, void.clone()));
    }
    if earlier.is_some() {
        return Err(AlreadyVoided.into());
    }
    refund::expect_in_time(conn, &redeemed.redemption, now)?;
    refund::expect_in_store(conn, &redeemed.redemption, &asked.shift)?;
    if !refund::of(conn, std::slice::from_ref(&asked.redemption))?.is_empty() {
        return Err(refund::Refused::PartlyRefunded.into());
    }
    if reason.is_empty() || reason.chars().count() > 200 {
        return Err(Error::invalid("reason", "请写明作废原因，1至200个字。"));
    }
    let void = Void {
        redemption_id: asked.redemption.clone(),
        reason: reason.to_owned(),
        transaction_number: give_back_points(conn, &redeemed.redemption, &asked.by, now)?,
        voided_by: asked.by.clone(),
        voided_at: now,
        shift_id: Some(asked.shift.clone()),
    };
    give_back_goods(conn, &redeemed.redemption, &asked.by, now)?;
    diesel::insert_into(redemption_voids::table)
        .values(&void)
        .execute(conn)?;
    requests.carried_out(&request, asked.redemption.as_str(), now);
    requests.save(conn)?;
    let subject = format!("redemption:{}", asked.redemption);
    audit::record(
        conn,
        &[audit::Event::new(
            asked.by.as_str(),
            "redemption.voided",
            subject,
            void.reason.clone(),
            now,
        )],
    )?;
    Ok((redeemed, void))
}

/// The voids of these redemptions.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, redemptions: &[Id<Redemption>]) -> Result<Vec<Void>> {
    let mut voids = Vec::new();
    for chunk in redemptions.chunks(500) {
        voids.extend(
            redemption_voids::table
                .filter(redemption_voids::redemption_id.eq_any(chunk))
                .select(Void::as_select())
                .load(conn)?,
        );
    }
    Ok(voids)
}

fn give_back_points(conn: &mut Conn, redemption: &Redemption, by: &Id<User>, now: Moment) -> Result<i64> {
    let source = format!("void:{}", redemption.id);
    let reversal = reversal::reverse(conn, redemption.transaction_number, source, by.as_str(), now)?;
    let mut books = Books::open(conn, [redemption.household_id.as_str()])?;
    let number = books.post(reversal)?;
    books.save(conn)?;
    Ok(number)
}

fn give_back_goods(conn: &mut Conn, redemption: &Redemption, by: &Id<User>, now: Moment) -> Result<()> {
    let occasion = Occasion {
        redemption: Some(redemption.id.clone()),
        by: by.clone(),
        at: now,
    };
    let (mut stock, out) = Stock::taken_by(conn, &redemption.id)?;
    for (lot, quantity) in out {
        stock.change(lot, MovementKind::Return, quantity, &occasion)?;
    }
    stock.save(conn)
}
