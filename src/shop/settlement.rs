//! Settlements (结算单): what we owe a partner for a month, line by line, until it is confirmed and paid.
//!
//! made → confirmed → paid. A statement takes in every posting at the shop that was written before the month's end and that
//! no statement has: redemptions with what was agreed less the cash that the household paid, refunds and voids with the
//! opposite. So a redemption that is voided after it was settled becomes a negative line of the next statement by itself, and
//! nothing is settled twice. Lines are never changed: a dispute that is upheld adds an adjustment, so that the total is the
//! sum of the lines whatever happens. No money moves here: a payment is a fact that somebody writes down.

use std::collections::HashMap;
use std::fmt;

use chrono::Months;
use diesel::prelude::*;

use super::act::{Act, Done};
use super::partner;
use super::redemption::Redemption;
use super::store::PointsStore;
use super::unsettled;
use crate::access::user::User;
use crate::clock::{Day, Moment, Span, begin_of, day_of};
use crate::db::schema::{settlement_disputes, settlement_lines, settlements};
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::points::Points;

text_enum! {
    /// Where a statement stands.
    pub enum State {
        /// Lines may be disputed.
        Made = "made", "待核对";
        /// Both sides agree.
        Confirmed = "confirmed", "已确认";
        /// It was paid.
        Paid = "paid", "已付款";
    }
}

text_enum! {
    /// What a line is.
    pub enum LineKind {
        /// Goods for points.
        Redemption = "redemption", "兑换";
        /// Some came back.
        Refund = "refund", "退货";
        /// All was undone.
        Void = "void", "作废";
        /// What an upheld dispute puts right.
        Adjustment = "adjustment", "调整";
    }
}

text_enum! {
    /// Where a dispute stands.
    pub enum DisputeState {
        /// Waits for a second person.
        Open = "open", "待处理";
        /// The line is left out, or stands with another amount.
        Upheld = "upheld", "争议成立";
        /// The line stands.
        Rejected = "rejected", "争议不成立";
    }
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = settlements)]
pub struct Settlement {
    /// Its number.
    pub number: i64,
    /// With whom.
    pub store_id: Id<PointsStore>,
    /// The first day of its month.
    pub month: Day,
    /// Where it stands.
    pub state: State,
    /// Who made it.
    pub made_by: Id<User>,
    /// When.
    pub made_at: Moment,
    /// Who agreed to it, on the other side.
    pub confirmed_by: Option<Id<User>>,
    /// When.
    pub confirmed_at: Option<Moment>,
    /// The day on which it was paid.
    pub paid_on: Option<Day>,
    /// The number of the voucher or transfer.
    pub paid_reference: Option<String>,
    /// Who wrote that down.
    pub paid_by: Option<Id<User>>,
    /// When.
    pub paid_at: Option<Moment>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = settlement_lines, treat_none_as_default_value = false)]
pub struct SettlementLine {
    /// The statement.
    pub settlement_number: i64,
    /// 1, 2, 3 …
    pub position: i64,
    /// What it is.
    pub kind: LineKind,
    /// The redemption it is about.
    pub redemption_id: Id<Redemption>,
    /// The posting, which is settled once; `None` for an adjustment.
    pub transaction_number: Option<i64>,
    /// Of an adjustment: the line that it puts right.
    pub adjusts: Option<i64>,
    /// The day of it.
    pub on_day: Day,
    /// Points, negative where they went back.
    pub points: Points,
    /// What the household paid in cash; negative where it was given back.
    pub cash_fen: Fen,
    /// What we owe for it.
    pub amount_fen: Fen,
}

/// A dispute about a line.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = settlement_disputes)]
pub struct Dispute {
    /// The statement.
    pub settlement_number: i64,
    /// The line.
    pub position: i64,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: DisputeState,
    /// Who does not agree.
    pub raised_by: Id<User>,
    /// When.
    pub raised_at: Moment,
    /// Who decided.
    pub decided_by: Option<Id<User>>,
    /// When.
    pub decided_at: Option<Moment>,
    /// Why so.
    pub decision_note: String,
}

/// What a statement comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Points.
    pub points: Points,
    /// Cash that households paid.
    pub cash: Fen,
    /// What we owe.
    pub amount: Fen,
}

/// The sum of these lines.
#[must_use]
pub fn total(lines: &[SettlementLine]) -> Total {
    lines.iter().fold(Total::default(), |sum, line| Total {
        points: sum.points.plus(line.points).unwrap_or(sum.points),
        cash: Fen(sum.cash.0.saturating_add(line.cash_fen.0)),
        amount: Fen(sum.amount.0.saturating_add(line.amount_fen.0)),
    })
}

/// Why a statement is not made, changed or paid.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// The month is not over.
    MonthNotOver,
    /// There is a statement for the month or a later one.
    AlreadyMade {
        /// Its number.
        number: i64,
    },
    /// Nothing was redeemed.
    NothingToSettle,
    /// It stands elsewhere than the act needs.
    NotWaiting,
    /// Whoever raised it does not decide, whoever made it does not confirm.
    SamePerson,
    /// Disputes wait.
    DisputesOpen {
        /// How many.
        count: usize,
    },
    /// The line was disputed before.
    AlreadyDisputed,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::MonthNotOver => formatter.write_str("这个月还没有结束，请下个月再出结算单。"),
            Refused::AlreadyMade { number } => {
                write!(
                    formatter,
                    "这个月或更晚的月份已经出过结算单（第{number}号），每月只出一张。"
                )
            }
            Refused::NothingToSettle => formatter.write_str("到这个月底没有要结算的兑换，不用出结算单。"),
            Refused::NotWaiting => formatter.write_str("这张结算单的状态已变，请刷新页面后再看。"),
            Refused::SamePerson => formatter.write_str("出单、提争议的人不能自己确认或处理，请由另一个人办理。"),
            Refused::DisputesOpen { count } => write!(formatter, "还有{count}行有争议没有处理，请先处理。"),
            Refused::AlreadyDisputed => formatter.write_str("这一行已经提过争议，不能再提。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::MonthNotOver => "month_not_over",
            Refused::AlreadyMade { .. } => "settlement_already_made",
            Refused::NothingToSettle => "nothing_to_settle",
            Refused::NotWaiting => "settlement_not_waiting",
            Refused::SamePerson => "settlement_same_person",
            Refused::DisputesOpen { .. } => "disputes_open",
            Refused::AlreadyDisputed => "already_disputed",
        }
    }
}

// ---- Making --------------------------------------------------------------------------------------------------------

/// Makes the statement of a month and answers its number.
///
/// # Errors
/// [`Refused`]; `NotFound` for a shop that is no partner's; `idempotency_conflict`.
pub fn make(conn: &mut Conn, shop: &Id<PointsStore>, month: Day, act: &Act) -> Result<i64> {
    let span = Span::month_of(month);
    let answer = act.once(conn, &(shop, span.from), |conn| {
        partner::by_id(conn, shop)?;
        if span.until > day_of(act.at) {
            return Err(Refused::MonthNotOver.into());
        }
        let later = settlements::table
            .filter(settlements::store_id.eq(shop).and(settlements::month.ge(span.from)))
            .select(settlements::number)
            .first::<i64>(conn)
            .optional()?;
        if let Some(number) = later {
            return Err(Refused::AlreadyMade { number }.into());
        }
        let last = settlements::table
            .select(diesel::dsl::max(settlements::number))
            .get_result::<Option<i64>>(conn)?;
        let number = last.unwrap_or(0).saturating_add(1);
        let lines = unsettled::lines(conn, shop, number, begin_of(span.until))?;
        if lines.is_empty() {
            return Err(Refused::NothingToSettle.into());
        }
        let settlement = Settlement {
            number,
            store_id: shop.clone(),
            month: span.from,
            state: State::Made,
            made_by: act.by.clone(),
            made_at: act.at,
            confirmed_by: None,
            confirmed_at: None,
            paid_on: None,
            paid_reference: None,
            paid_by: None,
            paid_at: None,
        };
        diesel::insert_into(settlements::table)
            .values(&settlement)
            .execute(conn)?;
        insert_rows!(conn, settlement_lines::table, &lines);
        Ok(done(number, format!("{}行", lines.len())))
    })?;
    answer.parse().map_err(Error::internal)
}

fn done(number: i64, detail: String) -> Done {
    Done {
        answer: number.to_string(),
        subject: format!("settlement:{number}"),
        detail,
    }
}

// ---- Disputes, confirmation, payment -------------------------------------------------------------------------------

/// Disputes a line.
///
/// # Errors
/// [`Refused`] once it is confirmed, or for a line that was disputed; `Invalid` without a reason, or for an adjustment;
/// `NotFound`; `idempotency_conflict`.
pub fn dispute(conn: &mut Conn, number: i64, position: i64, reason: &str, act: &Act) -> Result<()> {
    let reason = reason.trim();
    act.once(conn, &(number, position, reason), |conn| {
        expect(conn, number, State::Made)?;
        let lines = lines_of(conn, number)?;
        let line = lines.iter().find(|line| line.position == position);
        if line.ok_or(Error::NotFound)?.kind == LineKind::Adjustment {
            return Err(Error::invalid("position", "调整行不能再提争议。"));
        }
        if !(1..=200).contains(&reason.chars().count()) {
            return Err(Error::invalid("reason", "请写明争议的原因，1至200个字。"));
        }
        if disputes_of(conn, number)?.iter().any(|one| one.position == position) {
            return Err(Refused::AlreadyDisputed.into());
        }
        let dispute = Dispute {
            settlement_number: number,
            position,
            reason: reason.to_owned(),
            state: DisputeState::Open,
            raised_by: act.by.clone(),
            raised_at: act.at,
            decided_by: None,
            decided_at: None,
            decision_note: String::new(),
        };
        diesel::insert_into(settlement_disputes::table)
            .values(&dispute)
            .execute(conn)?;
        Ok(done(number, format!("第{position}行")))
    })?;
    Ok(())
}

/// How a dispute is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Verdict {
    /// The line stands.
    Reject,
    /// The line is left out and comes with this amount instead, in fen; 0 leaves it out for good.
    Uphold(i64),
}

/// Decides a dispute, as somebody else than who raised it.
///
/// # Errors
/// [`Refused::SamePerson`], [`Refused::NotWaiting`]; `Invalid` without a note; `NotFound`; `idempotency_conflict`.
pub fn decide(conn: &mut Conn, number: i64, position: i64, verdict: Verdict, note: &str, act: &Act) -> Result<()> {
    let note = note.trim();
    act.once(conn, &(number, position, verdict, note), |conn| {
        expect(conn, number, State::Made)?;
        let disputes = disputes_of(conn, number)?;
        let dispute = disputes.into_iter().find(|one| one.position == position);
        let dispute = dispute.ok_or(Error::NotFound)?;
        if dispute.state != DisputeState::Open {
            return Err(Refused::NotWaiting.into());
        }
        if dispute.raised_by == act.by {
            return Err(Refused::SamePerson.into());
        }
        if !(1..=200).contains(&note.chars().count()) {
            return Err(Error::invalid("note", "请写明处理意见，1至200个字。"));
        }
        let state = match verdict {
            Verdict::Reject => DisputeState::Rejected,
            Verdict::Uphold(fen) => {
                adjust(conn, number, position, fen, day_of(act.at))?;
                DisputeState::Upheld
            }
        };
        diesel::update(settlement_disputes::table.find((number, position)))
            .set((
                settlement_disputes::state.eq(state),
                settlement_disputes::decided_by.eq(&act.by),
                settlement_disputes::decided_at.eq(act.at),
                settlement_disputes::decision_note.eq(note),
            ))
            .execute(conn)?;
        Ok(done(number, format!("第{position}行 {}", state.label())))
    })?;
    Ok(())
}

/// Adds the line that makes another come to an amount.
fn adjust(conn: &mut Conn, number: i64, position: i64, fen: i64, day: Day) -> Result<()> {
    if !(-1_000_000_000..=1_000_000_000).contains(&fen) {
        return Err(Error::invalid("amount", "金额太大，请核对。"));
    }
    let lines = lines_of(conn, number)?;
    let line = lines.iter().find(|line| line.position == position);
    let line = line.cloned().ok_or(Error::NotFound)?;
    let last = lines.iter().map(|line| line.position).max().unwrap_or(0);
    let adjustment = SettlementLine {
        position: last.saturating_add(1),
        kind: LineKind::Adjustment,
        transaction_number: None,
        adjusts: Some(position),
        on_day: day,
        // The points stay spent: only what we owe for them differs.
        points: Points::ZERO,
        cash_fen: Fen(0),
        amount_fen: Fen(fen.saturating_sub(line.amount_fen.0)),
        ..line
    };
    diesel::insert_into(settlement_lines::table)
        .values(&adjustment)
        .execute(conn)?;
    Ok(())
}

/// Confirms a statement, as somebody else than who made it.
///
/// # Errors
/// [`Refused`]; `NotFound`; `idempotency_conflict`.
pub fn confirm(conn: &mut Conn, number: i64, act: &Act) -> Result<()> {
    act.once(conn, &number, |conn| {
        let settlement = expect(conn, number, State::Made)?;
        if settlement.made_by == act.by {
            return Err(Refused::SamePerson.into());
        }
        let open = disputes_of(conn, number)?
            .iter()
            .filter(|one| one.state == DisputeState::Open)
            .count();
        if open > 0 {
            return Err(Refused::DisputesOpen { count: open }.into());
        }
        diesel::update(settlements::table.find(number))
            .set((
                settlements::state.eq(State::Confirmed),
                settlements::confirmed_by.eq(&act.by),
                settlements::confirmed_at.eq(act.at),
            ))
            .execute(conn)?;
        Ok(done(number, String::new()))
    })?;
    Ok(())
}

/// Records that a confirmed statement was paid. No money moves.
///
/// # Errors
/// [`Refused::NotWaiting`]; `Invalid` for a day to come or no reference; `NotFound`; `idempotency_conflict`.
pub fn record_payment(conn: &mut Conn, number: i64, paid_on: Day, reference: &str, act: &Act) -> Result<()> {
    let reference = reference.trim();
    act.once(conn, &(number, paid_on, reference), |conn| {
        let settlement = expect(conn, number, State::Confirmed)?;
        if paid_on > day_of(act.at) || paid_on < settlement.month {
            return Err(Error::invalid("paid_on", "付款日期应在结算月份之后，不晚于今天。"));
        }
        if !(1..=60).contains(&reference.chars().count()) {
            return Err(Error::invalid("reference", "请填写凭证号或转账流水号，1至60个字。"));
        }
        diesel::update(settlements::table.find(number))
            .set((
                settlements::state.eq(State::Paid),
                settlements::paid_on.eq(paid_on),
                settlements::paid_reference.eq(reference),
                settlements::paid_by.eq(&act.by),
                settlements::paid_at.eq(act.at),
            ))
            .execute(conn)?;
        Ok(done(number, reference.to_owned()))
    })?;
    Ok(())
}

fn expect(conn: &mut Conn, number: i64, state: State) -> Result<Settlement> {
    let settlement = by_number(conn, number)?;
    match settlement.state == state {
        true => Ok(settlement),
        false => Err(Refused::NotWaiting.into()),
    }
}

// ---- Looking -------------------------------------------------------------------------------------------------------

/// A statement.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<Settlement> {
    settlements::table
        .find(number)
        .select(Settlement::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The lines of a statement.
///
/// # Errors
/// Only when the database fails.
pub fn lines_of(conn: &mut Conn, number: i64) -> Result<Vec<SettlementLine>> {
    Ok(settlement_lines::table
        .filter(settlement_lines::settlement_number.eq(number))
        .order(settlement_lines::position)
        .select(SettlementLine::as_select())
        .load(conn)?)
}

/// The disputes of a statement.
///
/// # Errors
/// Only when the database fails.
pub fn disputes_of(conn: &mut Conn, number: i64) -> Result<Vec<Dispute>> {
    Ok(settlement_disputes::table
        .filter(settlement_disputes::settlement_number.eq(number))
        .order(settlement_disputes::position)
        .select(Dispute::as_select())
        .load(conn)?)
}

/// The newest statements of these shops after so many newer ones, each with its total and its open disputes.
///
/// # Errors
/// Only when the database fails.
pub fn newest(
    conn: &mut Conn,
    shops: &[Id<PointsStore>],
    after: i64,
    limit: i64,
) -> Result<Vec<(Settlement, Total, usize)>> {
    let found = settlements::table
        .filter(settlements::store_id.eq_any(shops))
        .order(settlements::number.desc())
        .offset(after)
        .limit(limit)
        .select(Settlement::as_select())
        .load(conn)?;
    let numbers: Vec<i64> = found.iter().map(|one| one.number).collect();
    let mut lines: HashMap<i64, Vec<SettlementLine>> = HashMap::new();
    for line in settlement_lines::table
        .filter(settlement_lines::settlement_number.eq_any(&numbers))
        .select(SettlementLine::as_select())
        .load(conn)?
    {
        lines.entry(line.settlement_number).or_default().push(line);
    }
    let open = settlement_disputes::table
        .filter(settlement_disputes::settlement_number.eq_any(&numbers))
        .filter(settlement_disputes::state.eq(DisputeState::Open))
        .select(settlement_disputes::settlement_number)
        .load::<i64>(conn)?;
    let with = |settlement: Settlement| {
        let own = lines.remove(&settlement.number).unwrap_or_default();
        let open = open.iter().filter(|number| **number == settlement.number).count();
        (settlement, total(&own), open)
    };
    Ok(found.into_iter().map(with).collect())
}

/// The last month that is over: what a statement is usually made for.
#[must_use]
pub fn last_month(today: Day) -> Day {
    let this = Span::month_of(today).from;
    this.checked_sub_months(Months::new(1)).unwrap_or(this)
}
