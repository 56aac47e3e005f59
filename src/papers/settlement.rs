//! The settlement of a month with a partner's shop: what is owed for which slip, and what is disputed; to be signed by both.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::clock::{Day, Span, spoken_day};
use crate::db::Conn;
use crate::error::Result;
use crate::id::Id;
use crate::money::Fen;
use crate::places::programme;
use crate::registers::month;
use crate::shop::partner::{self, Agreement};
use crate::shop::redemption::{self, Redeemed, Redemption};
use crate::shop::settlement::{self, Dispute, SettlementLine};

/// How prices are agreed: for each kind of goods, and for points in general nowhere.
const RATE: &str = "按协议的商品结算价";

/// A partner's statement.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    paper: Head,
    number: i64,
    partner: String,
    /// The names that the two stamps bear.
    merchant: String,
    payer: String,
    month: String,
    agreement: String,
    lines: Vec<Line>,
    totals: Totals,
    /// What is owed, in capitals.
    capitals: String,
    rate: String,
    disputes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    day: String,
    slip: String,
    goods: String,
    points: i64,
    cash: String,
    amount: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Totals {
    points: i64,
    cash: String,
    amount: String,
}

/// A statement by its number.
///
/// # Errors
/// `Invalid` without a number; `NotFound`, also for a shop outside.
pub fn load(conn: &mut Conn, order: &Order) -> Result<Settlement> {
    let settlement = settlement::by_number(conn, order.number()?)?;
    let shop = order.store_by_id(conn, Permission::ReadSettlements, &settlement.store_id)?;
    let lines = settlement::lines_of(conn, settlement.number)?;
    let mut ids: Vec<Id<Redemption>> = lines.iter().map(|line| line.redemption_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let redeemed = redemption::by_ids(conn, ids)?;
    let total = settlement::total(&lines);
    let span = Span::month_of(settlement.month);
    let payer = programme::get(conn)?.issuer;
    let held = partner::agreements(conn, &shop.id)?
        .into_iter()
        .rfind(|one| one.from_on < span.until && span.from <= one.until_on);
    Ok(Settlement {
        paper: order.head(conn, Some(&shop.area_id))?,
        number: settlement.number,
        merchant: held
            .as_ref()
            .map_or_else(|| shop.name.clone(), |agreement| agreement.merchant.clone()),
        payer,
        partner: match &held {
            Some(agreement) => format!("{}（{}）", shop.name, agreement.merchant),
            None => shop.name,
        },
        month: month::spoken(span),
        agreement: held.as_ref().map(in_words).unwrap_or_default(),
        lines: lines.iter().map(|line| told(line, &redeemed)).collect(),
        totals: Totals {
            points: total.points.0,
            cash: yuan(total.cash),
            amount: yuan(total.amount),
        },
        capitals: total.amount.in_capitals(),
        rate: RATE.to_owned(),
        disputes: settlement::disputes_of(conn, settlement.number)?
            .iter()
            .map(disputed)
            .collect(),
    })
}

fn told(line: &SettlementLine, redeemed: &HashMap<Id<Redemption>, Redeemed>) -> Line {
    let of = redeemed.get(&line.redemption_id);
    let number = line
        .transaction_number
        .or_else(|| Some(of?.redemption.transaction_number));
    let goods = of.map(Redeemed::goods).unwrap_or_default().join("、");
    Line {
        day: short(line.on_day),
        slip: number.map(|number| number.to_string()).unwrap_or_default(),
        goods: match (line.adjusts, line.kind) {
            (Some(position), _) => format!("调整第{position}行：{goods}"),
            (None, settlement::LineKind::Redemption) => goods,
            (None, kind) => format!("{}：{goods}", kind.label()),
        },
        points: line.points.0,
        cash: yuan(line.cash_fen),
        amount: yuan(line.amount_fen),
    }
}

/// `第6行：毛巾没有退回店里。待处理。`
fn disputed(dispute: &Dispute) -> String {
    let reason = dispute.reason.trim_end_matches('。');
    let note = match dispute.decision_note.trim_end_matches('。') {
        "" => String::new(),
        note => format!("：{note}"),
    };
    format!("第{}行：{reason}。{}{note}。", dispute.position, dispute.state.label())
}

/// `第3号，2026年1月1日至2026年12月31日`.
fn in_words(agreement: &Agreement) -> String {
    format!(
        "第{}号，{}至{}",
        agreement.number,
        spoken_day(agreement.from_on),
        spoken_day(agreement.until_on)
    )
}

fn yuan(fen: Fen) -> String {
    format!("{fen}元")
}

fn short(day: Day) -> String {
    day.format("%-m月%-d日").to_string()
}
