//! The public notice of titles on paper: what hangs in the hall for a week before any title is given.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::clock::spoken_day;
use crate::council::session;
use crate::db::Conn;
use crate::error::Result;
use crate::honours::notice;
use crate::places::programme;

/// What hangs in the hall: nothing of a household but its family name and building, unless it consented to more (SG8).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TitleNotice {
    paper: Head,
    size: String,
    number: i64,
    area: String,
    published_on: String,
    last_day: String,
    confers_on: String,
    session: String,
    rows: Vec<Row>,
    phone: String,
    place: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    slip: String,
    name: String,
    building: String,
    title: String,
    period: String,
    reason: String,
    reward: i64,
}

/// A notice of titles by its number.
///
/// # Errors
/// `Invalid` without a number; `NotFound`.
pub fn load(conn: &mut Conn, order: &Order) -> Result<TitleNotice> {
    let notice = notice::by_number(conn, order.number()?)?;
    let sheet = notice::sheet(conn, &notice)?;
    let session = session::by_id(conn, &notice.session_id)?;
    let programme = programme::get(conn)?;
    let rows = sheet.rows.into_iter().map(|row| Row {
        slip: row.slip,
        name: row.name,
        building: row.building,
        title: row.title,
        period: row.period,
        reason: row.reason,
        reward: row.reward.0,
    });
    Ok(TitleNotice {
        paper: order.head(conn, Some(&notice.area_id))?,
        size: order.size(&["a4", "a3"])?,
        number: sheet.number,
        area: sheet.area,
        published_on: spoken_day(sheet.published_on),
        last_day: spoken_day(sheet.last_day),
        confers_on: spoken_day(sheet.confers_on),
        session: format!("第{}次评议会（{}）", session.number, spoken_day(session.held_on)),
        rows: rows.collect(),
        phone: programme.phone,
        place: programme.office,
    })
}
