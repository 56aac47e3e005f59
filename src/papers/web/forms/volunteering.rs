//! 志愿签到表: who came to a volunteer event, with how many people, from when until when. Another person confirms it there.

use super::{Ask, Kind, Row, Sent, Table, Wrong, expect};
use crate::access::role::Permission;
use crate::app::Staff;
use crate::clock::Moment;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::papers::form::Form;
use crate::papers::volunteer_sheet::ROWS;
use crate::places::area::{Area, Tree};
use crate::places::household::Household;
use crate::places::written;
use crate::volunteering::event::{self, VolunteerEvent};
use crate::volunteering::minutes::minute_of_day;
use crate::volunteering::stay::{self, Times};

const ASKS: &[Ask] = &[
    Ask::new("household", "户主或门牌", Kind::Text),
    Ask::new("people", "来几人", Kind::Number),
    Ask::new("from", "几点来", Kind::Time),
    Ask::new("until", "几点走", Kind::Time),
];

pub(super) fn table(conn: &mut Conn, staff: &Staff, of: i64) -> Result<Table> {
    let event = expect_event(conn, staff, of)?;
    let rows = (1..=ROWS).map(|row| Row {
        row,
        code: row.to_string(),
        values: vec![String::new(); ASKS.len()],
        ..Row::default()
    });
    Ok(Table {
        rows: rows.collect(),
        form: Form::Volunteering,
        number: Form::Volunteering.number(of),
        title: "志愿签到表",
        about: format!(
            "{}，{}。空着的行不录；没写时间的，按活动的时间记。",
            event.name,
            event.hours()
        ),
        back: format!("/volunteering/{}", event.id),
        what: "",
        above: Vec::new(),
        asks: ASKS,
        choices: Vec::new(),
        warning: None,
        closed: (!event.is_open()).then(|| format!("这次活动{}，不能再录入。", event.state.label())),
        photo: None,
        household: None,
    })
}

pub(super) fn write(conn: &mut Conn, staff: &Staff, of: i64, sent: &Sent, now: Moment) -> Result<String> {
    let event = expect_event(conn, staff, of)?;
    let invited = Tree::load(conn)?.buildings_of(&event.area_id);
    let (mut keyed, mut wrong) = (Vec::<(i64, Household)>::new(), Wrong::default());
    for row in 1..=ROWS {
        let read = Came::read(conn, &event, &invited, sent, row);
        let Some(came) = wrong.of(row, read)?.flatten() else {
            continue;
        };
        let twin = keyed.iter().find(|(_, other)| other.id == came.household.id);
        let written = match twin {
            Some((other, _)) => Err(Error::invalid("rows", format!("和第{other}行是同一户，请并成一行。"))),
            None => stay::key_in(conn, &event, &came.household, came.times, &staff.user.id, now).map(drop),
        };
        wrong.of(row, written)?;
        keyed.push((row, came.household));
    }
    wrong.end()?;
    match keyed.is_empty() {
        true => Err(Error::invalid("rows", "还没有填，请至少填一行。")),
        false => Ok(format!("/volunteering/{}?done=sheet#lines", event.id)),
    }
}

fn expect_event(conn: &mut Conn, staff: &Staff, of: i64) -> Result<VolunteerEvent> {
    expect(staff, Permission::Nominate)?;
    let event = event::by_number(conn, of)?;
    staff.expect_within(conn, Permission::Nominate, &event.area_id)?;
    Ok(event)
}

/// A row that makes sense.
struct Came {
    household: Household,
    times: Times,
}

impl Came {
    /// Reads a row; `None` when nothing stands in it.
    fn read(
        conn: &mut Conn,
        event: &VolunteerEvent,
        invited: &[Id<Area>],
        sent: &Sent,
        row: i64,
    ) -> Result<Option<Came>> {
        let text = |name: &str| sent.one(&format!("row-{row}-{name}"));
        if ASKS.iter().all(|ask| text(ask.name).is_empty()) {
            return Ok(None);
        }
        let people = match text("people") {
            "" => 1,
            people => people
                .parse()
                .map_err(|_| Error::invalid("rows", "来的人数应为整数，不写就是1人。"))?,
        };
        let minute = |name: &str, planned: i64| match text(name) {
            "" => Ok(planned),
            time => minute_of_day(time).ok_or_else(|| Error::invalid("rows", "时间请写成09:00的样子。")),
        };
        Ok(Some(Came {
            times: Times {
                people,
                from_minute: minute("from", event.from_minute)?,
                until_minute: minute("until", event.until_minute)?,
            },
            household: written::household(conn, Some(invited.to_vec()), "活动的范围", "rows", text("household"))?,
        }))
    }
}
