//! The hand-over sheet of a shift: what went over the counter, what was counted, what the next person should know.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::access::user;
use crate::clock::spoken;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::points::Points;
use crate::shop::handover::{self, ShiftCount, Totals};
use crate::shop::shift::{self, Shift};
use crate::shop::{goods, held, till};

/// A hand-over sheet.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    paper: Head,
    store: String,
    till: String,
    opened_at: String,
    closed_at: String,
    clerk: String,
    received_by: String,
    counts: Counts,
    cash: Option<String>,
    differences: Vec<Difference>,
    held: Vec<String>,
    notes: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    redemptions: i64,
    points: i64,
    /// What was undone, whole or in part: voids and refunds.
    voids: i64,
    voided_points: i64,
    typed: i64,
    offline: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    goods: String,
    expected: i64,
    counted: i64,
    reason: String,
}

/// The hand-over sheet of a shift that is closed, by its number.
///
/// # Errors
/// `Invalid` without a number, and while the shift is open; `NotFound`, also for a store in which the orderer reads no
/// journal.
pub fn load(conn: &mut Conn, order: &Order) -> Result<Handover> {
    let shift = shift::by_number(conn, order.number()?)?;
    let store = order.store_by_id(conn, Permission::ReadJournal, &shift.store_id)?;
    let Some(closed_at) = shift.closed_at else {
        return Err(Error::invalid("id", "这一班还没有交，交班以后才能打印交接单。"));
    };
    let totals = handover::totals(conn, &shift.id)?;
    let counted = handover::counts(conn, &shift.id)?;
    let others = shift.closed_by.as_ref().filter(|by| **by != shift.opened_by);
    Ok(Handover {
        paper: order.head(conn, Some(&store.area_id))?,
        store: store.name,
        till: till::by_id(conn, &shift.till_id)?.name,
        opened_at: spoken(shift.opened_at),
        closed_at: spoken(closed_at),
        clerk: user::by_id(conn, &shift.opened_by)?.display_name,
        // Whoever took a shift over that was left open; otherwise the next person signs.
        received_by: match others {
            Some(by) => user::by_id(conn, by)?.display_name,
            None => String::new(),
        },
        counts: counts(conn, &shift, &totals)?,
        cash: handover::cash(conn, &shift.id)?.map(|cash| format!("{cash}元")),
        differences: differences(conn, &shift, &totals, &counted)?,
        held: held_baskets(conn, &shift.id)?,
        notes: notes(&shift, &totals),
    })
}

fn counts(conn: &mut Conn, shift: &Shift, totals: &Totals) -> Result<Counts> {
    let back = [totals.voided.points, totals.refunded.points].into_iter();
    Ok(Counts {
        redemptions: totals.redeemed.count,
        points: totals.redeemed.points.0,
        voids: totals.voided.count.saturating_add(totals.refunded.count),
        voided_points: back.sum::<Points>().0,
        typed: totals.typed.count,
        offline: handover::offline(conn, &shift.id)?,
    })
}

/// Goods and signed slips that were counted and are not as many as they should be. No reason is kept: it is written by hand.
fn differences(conn: &mut Conn, shift: &Shift, totals: &Totals, counted: &[ShiftCount]) -> Result<Vec<Difference>> {
    let differing = counted.iter().filter(|count| count.expected != count.counted);
    let ids: Vec<_> = differing.clone().map(|count| count.goods_id.clone()).collect();
    let items = goods::by_ids(conn, &ids)?;
    let mut all: Vec<Difference> = differing
        .map(|count| Difference {
            goods: items
                .get(&count.goods_id)
                .map(|item| item.name.clone())
                .unwrap_or_default(),
            expected: count.expected,
            counted: count.counted,
            reason: String::new(),
        })
        .collect();
    let slips = shift.slips_counted.filter(|slips| *slips != totals.to_sign);
    all.extend(slips.map(|slips| Difference {
        goods: "签字小票（张）".to_owned(),
        expected: totals.to_sign,
        counted: slips,
        reason: String::new(),
    }));
    Ok(all)
}

/// Baskets that were put aside, by what is in them; whose they are is said by no paper.
fn held_baskets(conn: &mut Conn, shift: &Id<Shift>) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for basket in held::of_shift(conn, shift)? {
        let skus: Vec<&str> = basket.lines.iter().map(|line| line.sku.as_str()).collect();
        let items = goods::by_skus(conn, &skus)?;
        let lines = basket.lines.iter().map(|line| {
            let name = items
                .get(&line.sku)
                .map_or(line.sku.as_str(), |item| item.name.as_str());
            format!("{name} × {}", line.quantity)
        });
        all.push(format!("挂单：{}。", lines.collect::<Vec<_>>().join("、")));
    }
    Ok(all)
}

fn notes(shift: &Shift, totals: &Totals) -> String {
    let slips = match (totals.to_sign, shift.slips_counted) {
        (0, _) => None,
        (needed, None) => Some(format!("签字小票应有{needed}张，没有点。")),
        (needed, Some(_)) => Some(format!("签字小票应有{needed}张，已点。")),
    };
    let told = [
        shift
            .override_reason
            .as_ref()
            .map(|why| format!("非兑换日开班：{}", ended(why))),
        shift
            .takeover_reason
            .as_ref()
            .map(|why| format!("接班原因：{}", ended(why))),
        shift.closing_note.as_deref().filter(|note| !note.is_empty()).map(ended),
        slips,
    ];
    told.into_iter().flatten().collect()
}

/// With a full stop, where somebody wrote none.
fn ended(words: &str) -> String {
    match words.trim_end() {
        words if words.ends_with(['。', '！', '？', '；']) => words.to_owned(),
        words => format!("{words}。"),
    }
}
