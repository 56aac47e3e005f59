//! 好事申报单: three deeds on a sheet, each of which becomes a nomination by whoever keys it.
//!
//! What is written by hand is looked up first: the page tells which household, which item and how many points that is, and
//! what speaks against it, before anything becomes final. The rule of the day of the deed counts, whatever version of the
//! rules the sheet shows.

use super::{Ask, Kind, Note, Row, Sent, Table, Wrong, expect};
use crate::access::role::Permission;
use crate::app::Staff;
use crate::clock::{self, Day, Moment};
use crate::council::forecast::{self, Forecast, Unseen, this_period};
use crate::council::nomination::{self, Nominate, Nomination, Nominator};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::papers::form::Form;
use crate::places::area::Tree;
use crate::places::household::Household;
use crate::places::written;
use crate::points::Points;
use crate::scheme::item::{self, Category, Item};
use crate::scheme::version;

const ASKS: &[Ask] = &[
    Ask::new("household", "谁家", Kind::Text),
    Ask::new("item", "项目编号", Kind::Choice),
    Ask::new("day", "哪一天", Kind::Day),
    Ask::new("count", "几次", Kind::Number),
    Ask::new("seen-by", "谁看见的", Kind::Text),
    Ask::new("note", "做了什么", Kind::Text),
];

/// Deeds on a sheet.
const DEEDS: i64 = 3;

pub(super) fn table(conn: &mut Conn, staff: &Staff, of: i64, sent: &Sent, now: Moment) -> Result<Table> {
    expect(staff, Permission::Nominate)?;
    let sheet = version::numbered(conn, of)?;
    let version = version::in_force(conn, clock::day_of(now))?;
    let (_, items) = item::of_version(conn, &version.id)?;
    let tree = Tree::load(conn)?;
    let mut rows = Vec::new();
    for row in 1..=DEEDS {
        let mut empty = Row {
            row,
            code: row.to_string(),
            values: vec![String::new(); ASKS.len()],
            ..Row::default()
        };
        // What cannot be read of a row is said above the form.
        match Deed::read(conn, staff, sent, row, now) {
            Ok(Some(deed)) => {
                empty.notes = deed.notes(&tree);
                empty.seen = deed.mark();
            }
            Ok(None) | Err(Error::Invalid(_)) => {}
            Err(error) => return Err(error),
        }
        rows.push(empty);
    }
    Ok(Table {
        rows,
        form: Form::Nomination,
        number: Form::Nomination.number(of),
        title: "好事申报单",
        about: "一行录一件好事，空着的行不录。".to_owned(),
        back: "/nominations".to_owned(),
        what: "",
        above: Vec::new(),
        asks: ASKS,
        choices: items.into_iter().map(|item| (item.code, item.name)).collect(),
        warning: (sheet.id != version.id).then(|| {
            format!(
                "这张表印的是第{}版积分方案，现在生效的是第{}版。项目编号可能变了，请逐条核对；按做好事那天的方案计分。",
                sheet.version, version.version
            )
        }),
        closed: None,
        photo: None,
        household: None,
    })
}

pub(super) fn write(conn: &mut Conn, staff: &Staff, of: i64, sent: &Sent, now: Moment) -> Result<String> {
    expect(staff, Permission::Nominate)?;
    version::numbered(conn, of)?;
    let (mut deeds, mut wrong) = (Vec::<Deed>::new(), Wrong::default());
    for row in 1..=DEEDS {
        let read = Deed::read(conn, staff, sent, row, now);
        let Some(deed) = wrong.of(row, read)?.flatten() else {
            continue;
        };
        let twin = deeds.iter().find(|other| other.is_same(&deed)).map(|other| other.row);
        let alone = twin.map_or(Ok(()), |other| {
            Err(Error::invalid(
                "rows",
                format!("和第{other}行是同一户、同一天、同一项，请并成一行，写清几次。"),
            ))
        });
        wrong.of(row, alone)?;
        deeds.push(deed);
    }
    let mut is_seen = true;
    for deed in &deeds {
        let nominated = nomination::nominate(conn, &deed.asked(staff, sent), now);
        if let Some(made) = wrong.of(deed.row, nominated)? {
            is_seen &= deed.is_already(&made) || sent.one(&format!("seen-{}", deed.row)) == deed.mark();
        }
    }
    wrong.end()?;
    if deeds.is_empty() {
        return Err(Error::invalid("rows", "还没有填，请至少填一行。"));
    }
    match is_seen {
        true => Ok(format!("/forms/{}?done={}", Form::Nomination.number(of), deeds.len())),
        // An error takes the nominations back.
        false => Err(Unseen.into()),
    }
}

/// A row that makes sense.
struct Deed {
    row: i64,
    household: Household,
    item: Item,
    category: Category,
    day: Day,
    count: i64,
    note: String,
    forecast: Forecast,
}

impl Deed {
    /// Reads a row; `None` when nothing stands in it.
    fn read(conn: &mut Conn, staff: &Staff, sent: &Sent, row: i64, now: Moment) -> Result<Option<Deed>> {
        let text = |name: &str| sent.one(&format!("row-{row}-{name}"));
        if ASKS.iter().all(|ask| text(ask.name).is_empty()) {
            return Ok(None);
        }
        let mine = staff.reach(conn, Permission::Nominate)?.buildings();
        let household = written::household(conn, mine, "您负责的范围", "rows", text("household"))?;
        let day: Day = text("day")
            .parse()
            .map_err(|_| Error::invalid("rows", "请写明是哪一天。"))?;
        let count = match text("count") {
            "" => 1,
            count => count
                .parse()
                .map_err(|_| Error::invalid("rows", "次数应为整数，不写就是一次。"))?,
        };
        let code = text("item").to_ascii_uppercase();
        if code.is_empty() {
            return Err(Error::invalid("rows", "请照项目表补上项目编号。"));
        }
        let version = version::in_force(conn, day.min(clock::day_of(now))).map_err(|error| match error {
            Error::NotFound => Error::invalid("rows", "那一天没有生效的积分方案，请核对日期。"),
            other => other,
        })?;
        let found = item::by_code(conn, &version.id, &code)?;
        let (item, category) = item::by_id(conn, &found.id)?;
        let forecast = forecast::forecast(conn, &household.id, (&item, &category), count.clamp(1, 100), day, None)?;
        let seen_by = match text("seen-by") {
            "" => String::new(),
            who => format!("看见的人：{who}"),
        };
        let parts = [text("note"), &seen_by];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Ok(Some(Deed {
            row,
            household,
            item,
            category,
            day,
            count,
            note: parts.join("；"),
            forecast,
        }))
    }

    fn asked(&self, staff: &Staff, sent: &Sent) -> Nominate {
        Nominate {
            household: self.household.id.clone(),
            item: self.item.code.clone(),
            count: self.count,
            occurred_on: self.day,
            note: self.note.clone(),
            by: Nominator::Staff(staff.user.id.clone()),
            key: format!("{}-{}", sent.key(), self.row),
        }
    }

    fn is_same(&self, other: &Deed) -> bool {
        (&self.household.id, &self.item.code, self.day) == (&other.household.id, &other.item.code, other.day)
    }

    /// Was it there before this sheet was sent? So is what the same sheet made when it was sent before.
    fn is_already(&self, made: &Nomination) -> bool {
        self.forecast.same_day.iter().any(|one| one.id == made.id)
    }

    /// What is told about it: who keyed the row has seen it.
    fn mark(&self) -> String {
        let (household, item) = (&self.household.code, &self.item.code);
        format!("{household}-{item}-{}-{}", self.forecast.points, self.forecast.mark())
    }

    fn notes(&self, tree: &Tree) -> Vec<Note> {
        let (forecast, points) = (&self.forecast, self.forecast.points);
        let honour = if self.category.redeemable {
            ""
        } else {
            "，只记荣誉分"
        };
        let mut notes = vec![Note::new(
            "notice",
            format!(
                "{}户（{}）：{}，{points}分{honour}。",
                self.household.head_name,
                self.household.address(tree),
                self.item.name
            ),
        )];
        for one in &forecast.same_day {
            let state = one.state.label();
            notes.push(Note::new(
                "notice warn",
                format!(
                    "这一天已经有人给这户报过这件事（{state}）。是同一件事就清空这一行；不是，请把做了什么写清楚。"
                ),
            ));
        }
        for one in &forecast.near {
            let (day, state) = (clock::spoken_day(one.occurred_on), one.state.label());
            notes.push(Note::new("notice", format!("{day}有人给这户报过这件事（{state}）。")));
        }
        if forecast.is_over_cap() {
            notes.push(Note::new(
                "notice bad",
                format!(
                    "超过上限，交不上去：{}这一项还可加{}分，这次要{points}分。",
                    this_period(self.item.cap_period),
                    forecast.item_left
                ),
            ));
        } else if forecast.honour_only() > Points::ZERO {
            let honour = forecast.honour_only();
            notes.push(Note::new(
                "notice warn",
                format!("这户可兑换的分快满了：这次的{points}分里，{honour}分只记荣誉分。"),
            ));
        }
        notes
    }
}
