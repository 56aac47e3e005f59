//! The public notice on paper, and the slips that tell each household what was posted (H3).

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use super::statement::Holder;
use crate::access::role::Permission;
use crate::clock::{Day, day_of, days_after, spoken_day};
use crate::council::nomination::{self, Nomination, State};
use crate::council::notice::{self, Notice};
use crate::council::{session, sheet};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::places::area::Tree;
use crate::places::household;
use crate::places::programme;
use crate::scheme::{item, terms, version};

/// What hangs in the hall while a notice runs: nothing of a household but its family name and building (SG8).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicNotice {
    paper: Head,
    size: String,
    number: i64,
    area: String,
    published_on: String,
    last_day: String,
    posts_on: String,
    session: String,
    rows: Vec<Row>,
    totals: Totals,
    phone: String,
    place: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    slip: String,
    name: String,
    building: String,
    deed: String,
    category: String,
    points: i64,
    spendable: Option<i64>,
    occurred_on: String,
    text: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Totals {
    rows: usize,
    points: i64,
}

/// A notice by its number.
///
/// # Errors
/// `Invalid` without a number; `NotFound`.
pub fn load(conn: &mut Conn, order: &Order) -> Result<PublicNotice> {
    let notice = notice::by_number(conn, order.number()?)?;
    let rows = nomination::of_notice(conn, &notice.id)?;
    let shown = sheet::of(conn, &notice, &rows)?;
    let programme = programme::get(conn)?;
    let rows: Vec<Row> = shown
        .rows
        .iter()
        .map(|row| Row {
            slip: row.slip.clone(),
            name: row.name.clone(),
            building: row.building.clone(),
            deed: row.deed.clone(),
            category: row.category.clone(),
            points: row.points.0,
            spendable: row.spendable.map(|points| points.0),
            occurred_on: spoken_day(row.occurred_on),
            text: row.text.clone(),
        })
        .collect();
    Ok(PublicNotice {
        paper: order.head(conn, Some(&notice.area_id))?,
        size: order.size(&["a4", "a3"])?,
        number: shown.number,
        area: shown.area,
        published_on: spoken_day(shown.published_on),
        last_day: spoken_day(shown.last_day),
        posts_on: spoken_day(shown.posts_on),
        session: in_words(&session::by_id(conn, &notice.session_id)?),
        totals: Totals {
            rows: rows.len(),
            points: rows.iter().map(|row| row.points).sum(),
        },
        rows,
        phone: programme.phone,
        place: programme.office,
    })
}

/// `第12次评议会（2026年11月25日）`.
fn in_words(session: &session::Session) -> String {
    format!("第{}次评议会（{}）", session.number, spoken_day(session.held_on))
}

/// The slips of a notice's rows that posted, four on a page, to be cut and brought to the doors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slips {
    paper: Head,
    slips: Vec<Slip>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slip {
    slip: String,
    household: Holder,
    points: i64,
    what: String,
    rule: String,
    day: String,
    decided: String,
    notice_number: i64,
    posted_on: String,
    balance_after: i64,
    object_by: String,
    appeal_days: u64,
    phone: String,
    place: String,
}

/// The slips of a notice, by its number.
///
/// # Errors
/// `Invalid` without a number, and while nothing of the notice has posted; `NotFound`.
pub fn slips(conn: &mut Conn, order: &Order) -> Result<Slips> {
    let notice = notice::by_number(conn, order.number()?)?;
    let reach = order.reach(conn, Permission::ReadHouseholds)?;
    let mut posted = nomination::of_notice(conn, &notice.id)?;
    posted.retain(|row| row.state == State::Posted && row.transaction_number.is_some());
    let in_force = version::in_force(conn, day_of(notice.published_at))?;
    let terms = terms::of(conn, &in_force.id)?;
    let tree = Tree::load(conn)?;
    let mut slips = Vec::with_capacity(posted.len());
    for row in &posted {
        let holder = household::by_id(conn, &row.household_id)?;
        if reach.covers(&holder.building_id) {
            slips.push(slip(
                conn,
                &notice,
                row,
                Holder::of(&holder, &tree),
                terms.cycle.appeal_window_days,
            )?);
        }
    }
    match slips.is_empty() {
        true => Err(Error::invalid("id", "这次公示还没有入账的条目，入账以后才有告知单。")),
        false => Ok(Slips {
            paper: order.head(conn, Some(&notice.area_id))?,
            slips,
        }),
    }
}

fn slip(conn: &mut Conn, notice: &Notice, row: &Nomination, holder: Holder, appeal_days: u64) -> Result<Slip> {
    let programme = programme::get(conn)?;
    let (item, category) = item::by_id(conn, &row.scoring_item_id)?;
    let number = row.transaction_number.unwrap_or_default();
    let owner = row.household_id.as_str();
    let head = balance::head(conn, number)?.ok_or(Error::NotFound)?;
    let posted_on = day_of(head.recorded_at);
    let amount = balance::lines_of(conn, owner, number)?
        .into_iter()
        .find(|line| line.kind == AccountKind::Spendable)
        .map_or(0, |line| line.amount.0);
    let after = balance::after(conn, owner, AccountKind::Spendable, number)?.unwrap_or_default();
    Ok(Slip {
        slip: row.notice_slip(notice),
        household: holder,
        points: amount,
        what: deed(&item.name, row.count, &row.note),
        rule: format!("{}，{}", item.code, category.name),
        day: spoken_day(row.occurred_on),
        decided: decided(conn, &notice.session_id)?,
        notice_number: notice.number,
        posted_on: spoken_day(posted_on),
        balance_after: after.0,
        object_by: spoken_day(last_day_to_appeal(posted_on, appeal_days)),
        appeal_days,
        phone: programme.phone,
        place: programme.office,
    })
}

fn decided(conn: &mut Conn, session: &Id<session::Session>) -> Result<String> {
    Ok(in_words(&session::by_id(conn, session)?) + "评议通过")
}

fn last_day_to_appeal(posted_on: Day, days: u64) -> Day {
    days_after(posted_on, days)
}

fn deed(name: &str, count: i64, note: &str) -> String {
    let times = if count > 1 { format!("×{count}") } else { String::new() };
    match note.is_empty() || note.starts_with(name) {
        true => format!("{}{times}", if note.is_empty() { name } else { note }),
        false => format!("{name}{times}：{note}"),
    }
}
