//! 签到表: who was there, ticked row by row.

use std::collections::HashMap;

use super::{Ask, Kind, Row, Sent, Table, expect};
use crate::access::role::Permission;
use crate::app::Staff;
use crate::clock::Moment;
use crate::council::gathering::{self, Refused};
use crate::db::Conn;
use crate::error::Result;
use crate::papers::form::Form;
use crate::places::household;

const ASKS: &[Ask] = &[Ask::new("", "到场", Kind::Tick)];

pub(super) fn table(conn: &mut Conn, staff: &Staff, of: i64) -> Result<Table> {
    expect(staff, Permission::Nominate)?;
    let gathering = gathering::by_number(conn, of)?;
    staff.expect_within(conn, Permission::Nominate, &gathering.area_id)?;
    let rows = gathering::rows(conn, &gathering.id)?;
    let ids: Vec<_> = rows.iter().map(|row| row.household_id.clone()).collect();
    let households: HashMap<_, _> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|household| (household.id.clone(), household))
        .collect();
    let rows = rows.iter().filter_map(|row| {
        let household = households.get(&row.household_id)?;
        let signed = row.signed_at.is_some();
        Some(Row {
            row: row.row_number,
            code: gathering.row_code(row.row_number),
            name: household.head_name.clone(),
            label: household.code.clone(),
            values: vec![if signed { "1".to_owned() } else { String::new() }],
            // It cannot be taken back here.
            closed: signed.then(|| "已签到".to_owned()),
            ..Row::default()
        })
    });
    Ok(Table {
        rows: rows.collect(),
        form: Form::SignIn,
        number: Form::SignIn.number(of),
        title: "签到表",
        back: format!("/gatherings/{}", gathering.id),
        what: "住户",
        above: Vec::new(),
        asks: ASKS,
        choices: Vec::new(),
        warning: None,
        closed: gathering.is_closed().then(|| Refused::Closed.to_string()),
        about: gathering.name,
        photo: None,
        household: None,
    })
}

pub(super) fn write(conn: &mut Conn, staff: &Staff, of: i64, sent: &Sent, now: Moment) -> Result<String> {
    let table = table(conn, staff, of)?;
    let gathering = gathering::by_number(conn, of)?;
    let new = table
        .rows
        .iter()
        .filter(|row| row.closed.is_none() && sent.row(row.row).is_some());
    let codes: Vec<&str> = new.map(|row| row.code.as_str()).collect();
    let keyed = gathering::key_in(conn, &gathering, &codes.join(" "), &staff.user.id, now)?;
    Ok(format!(
        "{}?keyed={}&known={}#paper",
        table.back, keyed.signed, keyed.before
    ))
}
