//! The dividend register (分红发放册): what each household gets of a sum that an assembly resolved on, to be signed.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::clock::spoken_day;
use crate::db::Conn;
use crate::dividends::dividend;
use crate::error::{Error, Result};
use crate::money::Fen;
use crate::places::programme;
use crate::points::Points;

/// A dividend register.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DividendRegister {
    paper: Head,
    title: String,
    resolution: String,
    pool: String,
    rule: String,
    /// Whose stamp it bears.
    issuer: String,
    rows: Vec<Row>,
    total: String,
    totals_honour: i64,
    totals_counted: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    number: i64,
    code: String,
    name: String,
    honour: i64,
    counted: i64,
    amount: String,
}

/// The register of a dividend, by its number.
///
/// # Errors
/// `Invalid` without a number, and for a dividend that was annulled; `NotFound`, also outside one's area.
pub fn load(conn: &mut Conn, order: &Order) -> Result<DividendRegister> {
    let one = dividend::by_number(conn, order.number()?)?;
    order.expect_within(conn, Permission::ReadPointsRegisters, &one.area_id)?;
    if dividend::annulment(conn, &one.id)?.is_some() {
        return Err(Error::invalid("id", "这次分红已经作废，不能打印发放册。"));
    }
    let parts = dividend::parts(conn, &one)?;
    let cited = dividend::version(conn, &one)?;
    let cited = cited.map(|version| format!("按第{}版积分办法：", version.version));
    let total = parts.iter().fold(0i64, |sum, part| sum.saturating_add(part.amount.0));
    let honour: Points = parts.iter().map(|part| part.honour).sum();
    let counted: Points = parts.iter().map(|part| part.counted).sum();
    Ok(DividendRegister {
        paper: order.head(conn, Some(&one.area_id))?,
        title: format!("{}发放册", one.title),
        resolution: format!(
            "{}{}，赞成{}票，反对{}票，弃权{}票",
            spoken_day(one.held_on),
            one.body.label(),
            one.votes_for,
            one.votes_against,
            one.votes_abstained
        ),
        pool: format!("{}元（大写：人民币{}）", one.pool, one.pool.in_capitals()),
        issuer: programme::get(conn)?.issuer,
        rule: format!(
            "{}{}荣誉分截至{}；除不尽的零头，余数大的先各得一分。",
            cited.unwrap_or_default(),
            one.terms().in_words(),
            spoken_day(one.scored_on)
        ),
        rows: (1i64..)
            .zip(parts)
            .map(|(number, part)| Row {
                number,
                code: part.household.code,
                name: part.household.head_name,
                honour: part.honour.0,
                counted: part.counted.0,
                amount: format!("{}元", part.amount),
            })
            .collect(),
        total: format!("{}元", Fen(total)),
        totals_honour: honour.0,
        totals_counted: counted.0,
    })
}
