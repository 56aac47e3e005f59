//! The public notice on paper, and the slips that tell each household what was posted (H3).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use super::statement::Holder;
use crate::access::role::Permission;
use crate::clock::{day_of, days_after, spoken_day};
use crate::council::nomination::{self, State};
use crate::council::notice;
use crate::council::{session, sheet};
use crate::db::Conn;
use crate::error::{Error, Result};
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
    /// Points to spend; 0 for what counts for honour alone.
    points: i64,
    honour: i64,
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
    let ids: Vec<_> = posted.iter().map(|row| row.household_id.clone()).collect();
    let households: HashMap<_, _> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|household| (household.id.clone(), household))
        .collect();
    let tree = Tree::load(conn)?;
    let programme = programme::get(conn)?;
    let decided = in_words(&session::by_id(conn, &notice.session_id)?) + "评议通过";
    let mut rules = HashMap::new();
    let mut slips = Vec::with_capacity(posted.len());
    for row in &posted {
        let Some(household) = households
            .get(&row.household_id)
            .filter(|one| reach.covers(&one.building_id))
        else {
            continue;
        };
        let (item, category) = match rules.entry(row.scoring_item_id.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(item::by_id(conn, &row.scoring_item_id)?),
        };
        let lines = balance::lines_of(
            conn,
            row.household_id.as_str(),
            row.transaction_number.unwrap_or_default(),
        )?;
        // An award that is honour only adds nothing that can be spent.
        let line_of = |kind: AccountKind| lines.iter().find(|line| line.kind == kind);
        let line = line_of(AccountKind::Spendable);
        let posted_on = row.posted_at.map_or_else(|| order.today(), day_of);
        slips.push(Slip {
            slip: row.notice_slip(&notice),
            household: Holder::of(household, &tree),
            points: line.map_or(0, |line| line.amount.0),
            honour: line_of(AccountKind::Honour).map_or(0, |line| line.amount.0),
            what: deed(&item.name, row.count, &row.note),
            rule: format!("{}，{}", item.code, category.name),
            day: spoken_day(row.occurred_on),
            decided: decided.clone(),
            notice_number: notice.number,
            posted_on: spoken_day(posted_on),
            balance_after: match line {
                Some(line) => line.balance_after.0,
                None => balance::of(conn, row.household_id.as_str())?.spendable.0,
            },
            object_by: spoken_day(days_after(posted_on, terms.cycle.appeal_window_days)),
            appeal_days: terms.cycle.appeal_window_days,
            phone: programme.phone.clone(),
            place: programme.office.clone(),
        });
    }
    match slips.is_empty() {
        true => Err(Error::invalid("id", "这次公示还没有入账的条目，入账以后才有告知单。")),
        false => Ok(Slips {
            paper: order.head(conn, Some(&notice.area_id))?,
            slips,
        }),
    }
}

fn deed(name: &str, count: i64, note: &str) -> String {
    let times = if count > 1 { format!("×{count}") } else { String::new() };
    match note.is_empty() || note.starts_with(name) {
        true => format!("{}{times}", if note.is_empty() { name } else { note }),
        false => format!("{name}{times}：{note}"),
    }
}
