//! 知情同意书: what a household ticked and signed, keyed once. It is taken down as at the desk, from the day of the signature.

use std::collections::HashMap;

use super::{Ask, Kind, Row, Sent, Table, expect};
use crate::access::role::Permission;
use crate::app::Staff;
use crate::clock::{Day, Moment, day_of, spoken_day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::papers::form::Form;
use crate::places::area::Tree;
use crate::places::consent::{self, Purpose};
use crate::places::consent_form::{self, ConsentForm, KeyIn};
use crate::places::household::{self, Household};
use crate::places::written;

const ASKS: &[Ask] = &[Ask::new("", "同意", Kind::Tick)];

/// Asked of a blank form alone: of another one, the print says it.
const WHO: Ask = Ask::new("household", "谁家（户号、户主或门牌）", Kind::Text);
const SIGNED: Ask = Ask::new("signed-on", "哪一天签的", Kind::Day);
const TAKEN: Ask = Ask::new("taken-by", "经办人", Kind::Text);

/// A form for whoever takes consents down in its area, with its household.
fn form_of(conn: &mut Conn, staff: &Staff, of: i64) -> Result<(ConsentForm, Option<Household>)> {
    expect(staff, Permission::ChangeHouseholds)?;
    let form = consent_form::by_number(conn, of)?;
    let Some(household) = &form.household_id else {
        return Ok((form, None));
    };
    let household = household::by_id(conn, household)?;
    staff.expect_within(conn, Permission::ChangeHouseholds, &household.building_id)?;
    Ok((form, Some(household)))
}

pub(super) fn table(conn: &mut Conn, staff: &Staff, of: i64) -> Result<Table> {
    let (form, household) = form_of(conn, staff, of)?;
    let stands = match &household {
        None => HashMap::new(),
        Some(household) => consent::of(conn, &household.id)?,
    };
    let rows = (1i64..).zip(Purpose::ALL).map(|(row, purpose)| Row {
        row,
        code: row.to_string(),
        name: purpose.label().to_owned(),
        label: match stands.get(purpose).map(|consent| consent.given) {
            None => String::new(),
            Some(true) => "现在：同意".to_owned(),
            Some(false) => "现在：不同意".to_owned(),
        },
        values: vec![String::new(); ASKS.len()],
        ..Row::default()
    });
    let mut above = vec![(SIGNED, String::new()), (TAKEN, String::new())];
    if household.is_none() {
        above.insert(0, (WHO, String::new()));
    }
    let (about, back) = match &household {
        None => ("空白的同意书，请照纸上写明谁家。".to_owned(), "/households".to_owned()),
        Some(household) => (
            format!("{}户，{}。", household.head_name, household.address(&Tree::load(conn)?)),
            page_of(household),
        ),
    };
    Ok(Table {
        rows: rows.collect(),
        form: Form::Consent,
        number: Form::Consent.number(of),
        title: "知情同意书",
        about,
        back,
        above,
        what: "事项",
        asks: ASKS,
        choices: Vec::new(),
        warning: Some("没有打勾的就是不同意：以前同意、这次没有打勾的，按收回同意登记。没有签字的不录。".to_owned()),
        closed: form.keyed_at.map(|at| {
            format!(
                "这张同意书{}已经录入。住户改了主意，请打印一张新的来签。",
                spoken_day(day_of(at))
            )
        }),
        photo: None,
        household: household.map(|household| household.code),
    })
}

pub(super) fn write(conn: &mut Conn, staff: &Staff, of: i64, sent: &Sent, now: Moment) -> Result<String> {
    let (_, printed_for) = form_of(conn, staff, of)?;
    let household = match (sent.one(WHO.name), printed_for) {
        ("", Some(household)) => household,
        // A blank form that is sent twice knows its household the second time, and says once more which one it is.
        (text, _) => {
            let mine = staff.reach(conn, Permission::ChangeHouseholds)?.buildings();
            written::household(conn, mine, "您负责的范围", WHO.name, text)?
        }
    };
    let signed_on: Day = sent
        .one(SIGNED.name)
        .parse()
        .map_err(|_| Error::invalid(SIGNED.name, "请照纸上写明是哪一天签的。"))?;
    let agreed = (1i64..).zip(Purpose::ALL).filter(|(row, _)| sent.row(*row).is_some());
    let asked = KeyIn {
        number: of,
        form: Form::Consent.number(of),
        household: household.id.clone(),
        agreed: agreed.map(|(_, purpose)| *purpose).collect(),
        signed_on,
        taken_by: sent.one(TAKEN.name).to_owned(),
        by: staff.user.id.to_string(),
    };
    consent_form::key_in(conn, &asked, now)?;
    Ok(format!("{}?done=consents", page_of(&household)))
}

fn page_of(household: &Household) -> String {
    let Ok(code) = askama::filters::urlencode_strict(&household.code);
    format!("/households/{code}")
}
