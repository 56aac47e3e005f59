//! The dividend register (分红发放册): how a sum that an assembly resolved on is shared out by honour scores, to be signed.
//!
//! Jishan pays nothing and keeps nothing of it: the register is for the collective's own accounts. Points do not become
//! money: what can be spent does not count, recognition does.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::balance::{self, Balances};
use crate::money::{Fen, share_out};
use crate::places::area::Area;
use crate::places::household::{self, Household, Search};

/// How it is shared out, as `money::share_out` does it.
const RULE: &str =
    "按各户荣誉分占全部荣誉分的比例分，算到分；除不尽的零头，余数大的先各得一分，直到分完。荣誉分为零的不列。";

/// A dividend register.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DividendRegister {
    paper: Head,
    title: String,
    resolution: String,
    pool: String,
    rule: String,
    rows: Vec<Row>,
    total: String,
    totals_honour: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    number: i64,
    code: String,
    name: String,
    honour: i64,
    amount: String,
}

/// The register of a pool in yuan over the households of the buildings that were asked for; by which resolution, as it was
/// written down.
///
/// # Errors
/// `Invalid` without a sum, and where nobody has an honour score; `NotFound` when nothing is within reach.
pub fn load(conn: &mut Conn, order: &Order) -> Result<DividendRegister> {
    let pool = pool(order)?;
    let buildings = order.buildings(conn, Permission::ReadPointsRegisters)?;
    let mut weighed = weighed(conn, &buildings)?;
    weighed.retain(|(_, honour)| *honour > 0);
    if weighed.is_empty() {
        return Err(Error::invalid("area", "这个范围里还没有荣誉分，没有可以分的。"));
    }
    let weights: Vec<i64> = weighed.iter().map(|(_, honour)| *honour).collect();
    let parts = share_out(pool, &weights);
    let total = parts.iter().fold(0i64, |sum, part| sum.saturating_add(part.0));
    let rows = (1i64..).zip(weighed).zip(parts);
    Ok(DividendRegister {
        paper: order.head(conn, None)?,
        title: format!("{}年积分分红发放册", order.month()?.from.format("%Y")),
        resolution: order
            .asked
            .kind
            .as_deref()
            .map(str::trim)
            .unwrap_or_default()
            .to_owned(),
        pool: format!("{pool}元"),
        rule: RULE.to_owned(),
        rows: rows
            .map(|((number, (household, honour)), part)| Row {
                number,
                code: household.code,
                name: household.head_name,
                honour,
                amount: format!("{part}元"),
            })
            .collect(),
        total: format!("{}元", Fen(total)),
        totals_honour: weights.into_iter().fold(0, i64::saturating_add),
    })
}

fn pool(order: &Order) -> Result<Fen> {
    let text = order.asked.text.as_deref().map(str::trim).unwrap_or_default();
    let pool = Fen::of_yuan(text.trim_end_matches('元')).filter(|pool| pool.0 > 0);
    pool.ok_or_else(|| Error::invalid("text", "请写明要分多少元，像20000.00这样。"))
}

/// The households of these buildings by their codes, each with its honour score.
fn weighed(conn: &mut Conn, buildings: &[Area]) -> Result<Vec<(Household, i64)>> {
    const AT_A_TIME: i64 = 500;
    let ids: Vec<Id<Area>> = buildings.iter().map(|building| building.id.clone()).collect();
    let (mut all, mut after): (Vec<(Household, i64)>, Option<String>) = (Vec::new(), None);
    loop {
        let search = Search {
            buildings: Some(ids.clone()),
            after: after.clone(),
            limit: AT_A_TIME,
            ..Search::default()
        };
        let found = household::search(conn, &search)?;
        let owners: Vec<&str> = found.iter().map(|household| household.id.as_str()).collect();
        let honour: HashMap<String, Balances> = balance::of_all(conn, &owners)?;
        let Some(last) = found.last() else { return Ok(all) };
        after = Some(last.code.clone());
        all.extend(found.into_iter().map(|household| {
            let score = honour
                .get(household.id.as_str())
                .map_or(0, |balances| balances.honour.0);
            (household, score)
        }));
    }
}
