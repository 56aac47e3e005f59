//! Refunds: some of the goods of a redemption come back. Their points go back into the lots of points they came from, the
//! goods into the very lots of stock, last taken first; inside the days of the counter's rules, and before the shift of the
//! redemption is audited. All of it at once is a [`super::void`].

use std::collections::HashMap;
use std::fmt;

use diesel::prelude::*;
use serde::Serialize;

use super::redemption::{self, Redeemed, Redemption};
use super::shift::{self, Shift};
use super::stock::{MovementKind, Occasion, Stock};
use super::{partner, rules, void};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Moment, day_of, days_after};
use crate::db::schema::{refund_lines, refunds};
use crate::db::{Conn, insert_rows};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::ledger::account::{AccountKind, PROGRAMME};
use crate::ledger::transaction::{Books, Posting, TransactionKind};
use crate::points::Points;
use crate::request::{Request, Requests};

/// A refund as it stands in the register.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = refunds)]
pub struct Refund {
    /// Its id.
    pub id: Id<Refund>,
    /// Of what.
    pub redemption_id: Id<Redemption>,
    /// Why.
    pub reason: String,
    /// How many points went back.
    pub points: Points,
    /// The posting; its number is the refund's slip number.
    pub transaction_number: i64,
    /// In which shift.
    pub shift_id: Id<Shift>,
    /// Who.
    pub refunded_by: Id<User>,
    /// When.
    pub refunded_at: Moment,
}

/// So many units of a line came back.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = refund_lines)]
pub struct RefundLine {
    /// The refund.
    pub refund_id: Id<Refund>,
    /// The line of the redemption.
    pub position: i64,
    /// How many.
    pub quantity: i64,
}

/// Why nothing goes back.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// The days in which goods may come back are over.
    TooLate {
        /// How many there are.
        days: u64,
    },
    /// More than the household still has of a line.
    TooMany {
        /// The goods, as people call them.
        goods: String,
        /// How many may still come back.
        left: i64,
    },
    /// It was redeemed in another store, whose shelf the goods belong on.
    OtherStore,
    /// Some of it came back before: what is left comes back line by line.
    PartlyRefunded,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::TooLate { days: 0 } => formatter.write_str("只能当天退货或作废，这一单已经过了。"),
            Refused::TooLate { days } => write!(formatter, "退货或作废要在{days}天内办，这一单已经超过。"),
            Refused::TooMany { goods, left: 0 } => write!(formatter, "{goods}已经全部退过。"),
            Refused::TooMany { goods, left } => write!(formatter, "{goods}最多还能退{left}件。"),
            Refused::OtherStore => formatter.write_str("这一单是在另一个超市兑的，请到那里退。"),
            Refused::PartlyRefunded => formatter.write_str("这一单已经退过一部分，不能再整单作废，请退余下的商品。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::TooLate { .. } => "refund_too_late",
            Refused::TooMany { .. } => "refund_too_many",
            Refused::OtherStore => "other_store",
            Refused::PartlyRefunded => "partly_refunded",
        }
    }
}

/// Asks to take goods back.
#[derive(Clone, Debug)]
pub struct AskRefund {
    /// Of what.
    pub redemption: Id<Redemption>,
    /// How many of each line; lines with nothing are left out.
    pub lines: Vec<(i64, i64)>,
    /// Why.
    pub reason: String,
    /// In which shift.
    pub shift: Id<Shift>,
    /// Who asks.
    pub by: Id<User>,
    /// The sender's key.
    pub key: String,
}

/// Takes goods back and answers the refund; the same request again answers the same.
///
/// # Errors
/// [`Refused`]; [`void::AlreadyVoided`]; [`shift::Refused::AlreadyAudited`]; `Invalid` for no lines or no reason; `NotFound`;
/// `idempotency_conflict`.
pub fn refund(conn: &mut Conn, asked: &AskRefund, now: Moment) -> Result<Refund> {
    #[derive(Serialize)]
    struct Content<'a>(&'a str, &'a [(i64, i64)], &'a str);
    let reason = asked.reason.trim();
    let content = Content(asked.redemption.as_str(), &asked.lines, reason);
    let request = Request::new(&asked.key, asked.by.as_str(), "redemption.refund", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let redeemed = redemption::by_id(conn, &asked.redemption)?;
    if !void::of(conn, std::slice::from_ref(&asked.redemption))?.is_empty() {
        return Err(void::AlreadyVoided.into());
    }
    expect_in_time(conn, &redeemed.redemption, now)?;
    expect_in_store(conn, &redeemed.redemption, &asked.shift)?;
    if reason.is_empty() || reason.chars().count() > 200 {
        return Err(Error::invalid("reason", "请写明退货原因，1至200个字。"));
    }
    partner::expect_no_top_up(conn, &asked.redemption)?;
    let points = expect_sensible(conn, &redeemed, &asked.lines)?;
    let id: Id<Refund> = Id::new(now);
    let refund = Refund {
        redemption_id: asked.redemption.clone(),
        reason: reason.to_owned(),
        points,
        transaction_number: give_back_points(conn, &redeemed.redemption, &id, points, &asked.by, now)?,
        shift_id: asked.shift.clone(),
        refunded_by: asked.by.clone(),
        refunded_at: now,
        id,
    };
    diesel::insert_into(refunds::table).values(&refund).execute(conn)?;
    let lines: Vec<RefundLine> = asked
        .lines
        .iter()
        .map(|(position, quantity)| RefundLine {
            refund_id: refund.id.clone(),
            position: *position,
            quantity: *quantity,
        })
        .collect();
    insert_rows!(conn, refund_lines::table, &lines);
    if !partner::sold(conn, &asked.redemption)? {
        give_back_goods(conn, &redeemed, &asked.lines, &asked.by, now)?;
    }
    requests.carried_out(&request, refund.id.as_str(), now);
    requests.save(conn)?;
    let event = audit::Event::new(
        asked.by.as_str(),
        "redemption.refunded",
        format!("redemption:{}", asked.redemption),
        refund.reason.clone(),
        now,
    );
    audit::record(conn, &[event])?;
    Ok(refund)
}

/// Refuses what is past its days, or whose shift was audited.
///
/// # Errors
/// [`Refused::TooLate`]; [`shift::Refused::AlreadyAudited`].
pub fn expect_in_time(conn: &mut Conn, redemption: &Redemption, now: Moment) -> Result<()> {
    let days = rules::now(conn)?.return_days;
    if day_of(now) > days_after(day_of(redemption.redeemed_at), days) {
        return Err(Refused::TooLate { days }.into());
    }
    shift::expect_not_audited(conn, redemption.shift_id.as_ref())
}

/// Refuses goods of another store than that of the shift.
pub(super) fn expect_in_store(conn: &mut Conn, redemption: &Redemption, shift: &Id<Shift>) -> Result<()> {
    let shift = shift::by_id(conn, shift)?;
    if !shift.is_open() {
        return Err(shift::Refused::NoOpenShift.into());
    }
    match shift.store_id == redemption.store_id {
        true => Ok(()),
        false => Err(Refused::OtherStore.into()),
    }
}

/// The points of these lines, if the household still has so many of each.
fn expect_sensible(conn: &mut Conn, redeemed: &Redeemed, lines: &[(i64, i64)]) -> Result<Points> {
    if lines.is_empty() {
        return Err(Error::invalid("lines", "请填写退几件。"));
    }
    let left = left_of(conn, redeemed)?;
    let mut seen = Vec::new();
    let mut points = Points::ZERO;
    for (position, quantity) in lines {
        let line = redeemed.lines.iter().find(|(line, _)| line.position == *position);
        let (Some((line, item)), false) = (line, seen.contains(position)) else {
            return Err(Error::invalid("lines", "这一单没有这一行商品。"));
        };
        seen.push(*position);
        let left = left.get(position).copied().unwrap_or(0);
        if *quantity < 1 {
            return Err(Error::invalid("lines", "退货数量应为1以上的整数。"));
        }
        if *quantity > left {
            let goods = item.name.clone();
            return Err(Refused::TooMany { goods, left }.into());
        }
        points = line
            .price_points
            .times(*quantity)
            .and_then(|price| points.plus(price))
            .ok_or_else(|| Error::internal("points of a refund"))?;
    }
    Ok(points)
}

/// How many units of each line may still come back, by position.
///
/// # Errors
/// Only when the database fails.
pub fn left_of(conn: &mut Conn, redeemed: &Redeemed) -> Result<HashMap<i64, i64>> {
    let mut left: HashMap<i64, i64> = redeemed
        .lines
        .iter()
        .map(|(line, _)| (line.position, line.quantity))
        .collect();
    for (_, lines) in of(conn, std::slice::from_ref(&redeemed.redemption.id))? {
        for line in lines {
            if let Some(left) = left.get_mut(&line.position) {
                *left = left.saturating_sub(line.quantity);
            }
        }
    }
    Ok(left)
}

/// The refunds of these redemptions with their lines, oldest first.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, redemptions: &[Id<Redemption>]) -> Result<Vec<(Refund, Vec<RefundLine>)>> {
    let mut found = Vec::new();
    for chunk in redemptions.chunks(500) {
        found.extend(
            refunds::table
                .filter(refunds::redemption_id.eq_any(chunk))
                .order(refunds::transaction_number)
                .select(Refund::as_select())
                .load(conn)?,
        );
    }
    with_lines(conn, found)
}

/// The refunds of a shift.
///
/// # Errors
/// Only when the database fails.
pub fn of_shift(conn: &mut Conn, shift: &Id<Shift>) -> Result<Vec<(Refund, Vec<RefundLine>)>> {
    let found = refunds::table
        .filter(refunds::shift_id.eq(shift))
        .order(refunds::transaction_number)
        .select(Refund::as_select())
        .load(conn)?;
    with_lines(conn, found)
}

fn with_lines(conn: &mut Conn, found: Vec<Refund>) -> Result<Vec<(Refund, Vec<RefundLine>)>> {
    let mut lines: HashMap<Id<Refund>, Vec<RefundLine>> = HashMap::new();
    let ids: Vec<Id<Refund>> = found.iter().map(|refund| refund.id.clone()).collect();
    for chunk in ids.chunks(500) {
        let rows = refund_lines::table
            .filter(refund_lines::refund_id.eq_any(chunk))
            .order((refund_lines::refund_id, refund_lines::position))
            .select(RefundLine::as_select())
            .load(conn)?;
        for line in rows {
            lines.entry(line.refund_id.clone()).or_default().push(line);
        }
    }
    let with = |refund: Refund| {
        let own = lines.remove(&refund.id).unwrap_or_default();
        (refund, own)
    };
    Ok(found.into_iter().map(with).collect())
}

/// Refunds by their ids.
///
/// # Errors
/// Only when the database fails.
pub fn by_ids(conn: &mut Conn, ids: &[Id<Refund>]) -> Result<Vec<Refund>> {
    Ok(refunds::table
        .filter(refunds::id.eq_any(ids))
        .select(Refund::as_select())
        .load(conn)?)
}

fn by_id(conn: &mut Conn, id: &Id<Refund>) -> Result<Refund> {
    by_ids(conn, std::slice::from_ref(id))?.pop().ok_or(Error::NotFound)
}

fn give_back_points(
    conn: &mut Conn,
    redemption: &Redemption,
    id: &Id<Refund>,
    points: Points,
    by: &Id<User>,
    now: Moment,
) -> Result<i64> {
    let household = redemption.household_id.as_str();
    let mut books = Books::open(conn, [household])?;
    let number = books.post(Posting {
        kind: TransactionKind::Refund,
        source: format!("refund:{id}"),
        effective_on: day_of(now),
        recorded_at: now,
        posted_by: by.as_str().to_owned(),
        reverses: None,
        entries: Posting::moving(
            points,
            (PROGRAMME, AccountKind::Redemption),
            (household, AccountKind::Spendable),
        ),
    })?;
    books.save(conn)?;
    Ok(number)
}

/// Puts goods back into the lots they were taken from: the last that was taken first, never more than is still out.
fn give_back_goods(
    conn: &mut Conn,
    redeemed: &Redeemed,
    lines: &[(i64, i64)],
    by: &Id<User>,
    now: Moment,
) -> Result<()> {
    let occasion = Occasion {
        redemption: Some(redeemed.redemption.id.clone()),
        by: by.clone(),
        at: now,
    };
    let (mut stock, out) = Stock::taken_by(conn, &redeemed.redemption.id)?;
    for (position, quantity) in lines {
        let line = redeemed.lines.iter().find(|(line, _)| line.position == *position);
        let goods = line.map(|(line, _)| &line.goods_id).ok_or(Error::NotFound)?;
        let mut left = *quantity;
        for (lot, out) in out.iter().rev() {
            let part = left.min(*out);
            if part > 0 && stock.holds(*lot, goods) {
                stock.change(*lot, MovementKind::Return, part, &occasion)?;
                left = left.saturating_sub(part);
            }
        }
        if left > 0 {
            return Err(Error::internal("goods came back that did not go out"));
        }
    }
    stock.save(conn)
}
