//! 盘点表: how many of each goods were counted.
//!
//! A count is of the moment at which it is entered, against the book of that moment. So a box never holds what was entered
//! before: sent once more it would be a new count, and what was sold meanwhile a difference.

use super::{Ask, Kind, Row, Sent, Table, Wrong, expect};
use crate::access::role::Permission;
use crate::app::Staff;
use crate::clock::Moment;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::papers::form::Form;
use crate::papers::stocktake as paper;
use crate::shop::act::Act;
use crate::shop::stocktake::{self, StocktakeState};
use crate::shop::store;

const ASKS: &[Ask] = &[Ask::new("", "实点数量", Kind::Number)];

pub(super) fn table(conn: &mut Conn, staff: &Staff, of: i64) -> Result<Table> {
    expect(staff, Permission::CountStock)?;
    let found = stocktake::by_number(conn, of)?;
    let within = store::all_of_duties(conn, &staff.duties, Permission::CountStock)?;
    let store = within
        .into_iter()
        .find(|store| store.id == found.store_id)
        .ok_or(Error::NotFound)?;
    let counts = stocktake::last_counts(conn, &found.id)?;
    let rows = paper::rows(conn, &found)?.into_iter().map(|(row, item)| Row {
        row,
        code: row.to_string(),
        values: vec![String::new()],
        label: match counts.get(&item.id) {
            None => item.sku,
            Some(count) => format!("{}，已清点{}", item.sku, count.counted),
        },
        name: item.name,
        ..Row::default()
    });
    let is_over = found.state != StocktakeState::Counting;
    Ok(Table {
        rows: rows.collect(),
        form: Form::Stocktake,
        number: Form::Stocktake.number(of),
        title: "盘点表",
        about: store.name,
        back: format!("/stocktakes/{}", found.id),
        what: "商品",
        above: Vec::new(),
        asks: ASKS,
        choices: Vec::new(),
        warning: (!counts.is_empty())
            .then(|| "已经录入的不用再填，空着的行不改。要重数的再填一次，以最后一次为准。".to_owned()),
        closed: is_over.then(|| "这次盘点已经清点完了，不能再录入数量。".to_owned()),
        photo: None,
        household: None,
    })
}

pub(super) fn write(conn: &mut Conn, staff: &Staff, of: i64, sent: &Sent, now: Moment) -> Result<String> {
    let table = table(conn, staff, of)?;
    let found = stocktake::by_number(conn, of)?;
    let (mut counts, mut wrong) = (Vec::new(), Wrong::default());
    for (row, item) in paper::rows(conn, &found)? {
        let Some(text) = sent.row(row) else {
            continue;
        };
        let number = text
            .parse::<i64>()
            .map_err(|_| Error::invalid("counts", "数量应为0以上的整数。"));
        if let Some(number) = wrong.of(row, number)? {
            counts.push((item.sku, number));
        }
    }
    wrong.end()?;
    if counts.is_empty() {
        return Err(Error::invalid("counts", "还没有填数量。没有货的填0。"));
    }
    for (piece, counts) in (1..).zip(counts.chunks(stocktake::MOST_COUNTS)) {
        let key = format!("{}-{piece}", sent.key());
        let act = Act::new("stocktake.counted", &key, &staff.user.id, now);
        stocktake::count(conn, &found.id, counts, &act)?;
    }
    Ok(table.back)
}
