//! The page that lists reminder notes: what waits for this person first, then what is under way. What is over is not here.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::{Permission, Reach};
use crate::app::{App, Staff};
use crate::clock::{Day, day_of};
use crate::council::reminder::unheeded::Objection;
use crate::council::reminder::{self, Filter, ReminderNote, State as Stand, spaced};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::scheme::terms::{self, Terms};
use crate::scheme::version::SchemeVersion;
use crate::sent::Query;

#[derive(Template)]
#[template(path = "council/reminders.html")]
struct RemindersPage {
    shell: Shell,
    told: Option<&'static str>,
    /// The number that was looked for and not found.
    not_found: Option<String>,
    /// The household that alone is shown.
    household: Option<Household>,
    sections: Vec<Section>,
    may_issue: bool,
    may_read_over: bool,
    over: bool,
}

struct Section {
    title: &'static str,
    hint: &'static str,
    rows: Vec<Row>,
}

struct Row {
    id: Id<ReminderNote>,
    code: String,
    head: String,
    address: String,
    rule: String,
    place: String,
    when: String,
    badge: &'static str,
    label: &'static str,
}

/// Notes that a list shows.
const SHOWN: i64 = 300;

/// Which notes to list.
#[derive(Default, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    done: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    household: String,
    #[serde(default)]
    over: String,
}

/// `GET /reminders`
///
/// # Errors
/// `NotFound` for a household outside the visitor's area.
pub async fn reminders(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let today = day_of(app.now());
    let looked_for = wanted.code.clone();
    let (page, found) = app
        .db
        .read(move |conn| {
            let sight = Sight::of(conn, &staff)?;
            let found = by_code(conn, &sight, &wanted.code)?;
            Ok((reminders_page(conn, &staff, &sight, &wanted, today)?, found))
        })
        .await?;
    match found {
        Some(id) => Ok(page::go(&format!("/reminders/{id}"))),
        None => page::show(&RemindersPage {
            not_found: (!looked_for.trim().is_empty()).then_some(looked_for),
            ..page
        }),
    }
}

/// The note with the number on somebody's paper, if the visitor may see it.
fn by_code(conn: &mut Conn, sight: &Sight, typed: &str) -> Result<Option<Id<ReminderNote>>> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    let note = match reminder::by_code(conn, typed) {
        Ok(note) => note,
        Err(Error::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let household = household::by_id(conn, &note.household_id)?;
    Ok(sight.covers(&note, &household).then_some(note.id))
}

fn reminders_page(conn: &mut Conn, staff: &Staff, sight: &Sight, wanted: &Wanted, today: Day) -> Result<RemindersPage> {
    let household = match wanted.household.as_str() {
        "" => None,
        code => {
            let household = household::by_code(conn, code)?;
            staff.expect_within(conn, Permission::ReadReminders, &household.building_id)?;
            Some(household)
        }
    };
    let over = wanted.over == "1" && sight.reads_over();
    let found = match (over, &household) {
        (true, _) => reminder::over(conn, SHOWN)?,
        (false, household) => {
            let filter = Filter {
                states: sight.states(),
                households: match household {
                    Some(household) => Some(vec![household.id.clone()]),
                    None => sight.households(conn)?,
                },
            };
            reminder::list(conn, &filter, SHOWN)?
        }
    };
    let notes = told(conn, sight, found)?;
    Ok(RemindersPage {
        shell: staff.shell.clone(),
        told: match wanted.done.as_str() {
            "fixed" => Some("已了结，不减分。这张单不再显示在任何名单里。"),
            "withdrawn" => Some("已撤销。这张单不再显示在任何名单里。"),
            "upheld" => Some("异议成立，提醒单已撤销，不减分。"),
            _ => None,
        },
        not_found: None,
        household,
        sections: sections(conn, staff, sight, notes, over, today)?,
        may_issue: staff.duties.permit(Permission::IssueReminders),
        may_read_over: sight.reads_over(),
        over,
    })
}

/// A note with what a list says of it.
struct Told {
    note: ReminderNote,
    objection: Option<Objection>,
    household: Household,
    rule: String,
}

fn told(conn: &mut Conn, sight: &Sight, found: Vec<(ReminderNote, Option<Objection>)>) -> Result<Vec<Told>> {
    let ids: Vec<Id<Household>> = found.iter().map(|(note, _)| note.household_id.clone()).collect();
    let households: HashMap<Id<Household>, Household> = household::by_ids(conn, &ids)?
        .into_iter()
        .map(|household| (household.id.clone(), household))
        .collect();
    let mut versions: HashMap<Id<SchemeVersion>, Terms> = HashMap::new();
    let mut all = Vec::with_capacity(found.len());
    for (note, objection) in found {
        if !versions.contains_key(&note.scheme_version_id) {
            versions.insert(
                note.scheme_version_id.clone(),
                terms::of(conn, &note.scheme_version_id)?,
            );
        }
        let rule = versions
            .get(&note.scheme_version_id)
            .and_then(|terms| reminder::rule_of(terms, &note.rule_code))
            .map(|rule| rule.name.clone())
            .unwrap_or_default();
        let household = match households.get(&note.household_id) {
            Some(household) if sight.covers(&note, household) => household.clone(),
            _ => continue,
        };
        all.push(Told {
            note,
            objection,
            household,
            rule,
        });
    }
    Ok(all)
}

fn sections(
    conn: &mut Conn,
    staff: &Staff,
    sight: &Sight,
    notes: Vec<Told>,
    over: bool,
    today: Day,
) -> Result<Vec<Section>> {
    let tree = Tree::load(conn)?;
    let mut mine = Section {
        title: "等我办",
        hint: "过了期限的请到现场看一看；有异议的请答复",
        rows: Vec::new(),
    };
    let mut open = Section {
        title: "整改中",
        hint: "期限近的在前；改好了就了结，不减分",
        rows: Vec::new(),
    };
    let mut reduced = Section {
        title: "已减荣誉分，到期自动恢复",
        hint: "恢复以后不再显示",
        rows: Vec::new(),
    };
    let mut ended = Section {
        title: "已了结",
        hint: "只有监督审计能看到",
        rows: Vec::new(),
    };
    for one in notes {
        let waits = waits_for(staff, sight, &one, today);
        let section = match one.note.state {
            _ if over => &mut ended,
            Stand::Reduced => &mut reduced,
            _ if waits.is_some() => &mut mine,
            _ => &mut open,
        };
        section.rows.push(row(one, &tree, waits, today));
    }
    let all = [mine, open, reduced, ended];
    Ok(all.into_iter().filter(|section| !section.rows.is_empty()).collect())
}

/// What this person has to do with it, if anything.
fn waits_for(staff: &Staff, sight: &Sight, one: &Told, today: Day) -> Option<&'static str> {
    let (note, user) = (&one.note, &staff.user);
    let own = user.household_id.as_ref() == Some(&note.household_id);
    if own || note.issued_by == user.id || !sight.confirms.covers(&one.household.building_id) {
        return None;
    }
    match note.state {
        Stand::Issued | Stand::Acknowledged if note.fix_by < today && note.points_at_stake > Points::ZERO => {
            Some("去复核")
        }
        Stand::Unfixed if one.objection.as_ref().is_some_and(Objection::is_open) => {
            (note.unfixed_by.as_ref() != Some(&user.id)).then_some("答复异议")
        }
        _ => None,
    }
}

fn row(one: Told, tree: &Tree, waits: Option<&'static str>, today: Day) -> Row {
    let note = &one.note;
    let days = |until: Day| until.signed_duration_since(today).num_days();
    let day = |day: Day| day.format("%-m月%-d日").to_string();
    let open = one.objection.as_ref().filter(|objection| objection.is_open());
    let (objected, decide_by) = (open.is_some(), open.map(|objection| objection.decide_by));
    let when = match note.state {
        Stand::Issued | Stand::Acknowledged => match days(note.fix_by) {
            left @ ..0 => format!("{}到期，已过{}天", day(note.fix_by), left.unsigned_abs()),
            0 => "今天到期".to_owned(),
            left => format!("{}前改好，还有{left}天", day(note.fix_by)),
        },
        Stand::Unfixed if objected => decide_by.map(|by| format!("{}前答复", day(by))).unwrap_or_default(),
        Stand::Unfixed => note
            .objections_until
            .map(|until| format!("{}前可提异议", day(until)))
            .unwrap_or_default(),
        Stand::Reduced => note
            .repair_on
            .map(|on| format!("{}自动恢复", day(on)))
            .unwrap_or_default(),
        _ => note
            .closed_at
            .map(|at| format!("{}了结", day(day_of(at))))
            .unwrap_or_default(),
    };
    Row {
        id: note.id.clone(),
        code: spaced(&note.code),
        head: one.household.head_name.clone(),
        address: one.household.address(tree),
        rule: one.rule,
        place: note.place.clone(),
        when,
        badge: match note.state {
            _ if objected || waits.is_some() => "badge warn",
            Stand::Fixed | Stand::Repaired => "badge ok",
            Stand::Unfixed | Stand::Reduced => "badge info",
            _ => "badge",
        },
        label: match (waits, objected) {
            (Some(waits), _) => waits,
            (None, true) => "有异议待答复",
            (None, false) => note.state.label(),
        },
    }
}

/// Which notes a person may see: while there is something to do, in the own area; what took something, who confirms; what
/// is over, the audit alone (SG11).
pub(super) struct Sight {
    reads: Reach,
    pub(super) confirms: Reach,
    audits: Reach,
}

impl Sight {
    pub(super) fn of(conn: &mut Conn, staff: &Staff) -> Result<Sight> {
        let tree = Tree::load(conn)?;
        let reach = |permission| staff.duties.reach(permission, &tree);
        Ok(Sight {
            reads: reach(Permission::ReadReminders),
            confirms: reach(Permission::ConfirmReminders),
            audits: reach(Permission::ReadClosedReminders),
        })
    }

    pub(super) fn covers(&self, note: &ReminderNote, household: &Household) -> bool {
        let covers = |reach: &Reach| reach.covers(&household.building_id);
        match note.state {
            state if state.is_open() => covers(&self.reads),
            Stand::Reduced => covers(&self.confirms) || covers(&self.audits),
            _ => covers(&self.audits),
        }
    }

    fn reads_over(&self) -> bool {
        self.audits == Reach::Everywhere
    }

    fn states(&self) -> Vec<Stand> {
        let mut states = Stand::OPEN.to_vec();
        let nowhere = |reach: &Reach| matches!(reach, Reach::Buildings(buildings) if buildings.is_empty());
        if !nowhere(&self.confirms) || !nowhere(&self.audits) {
            states.push(Stand::Reduced);
        }
        states
    }

    fn households(&self, conn: &mut Conn) -> Result<Option<Vec<Id<Household>>>> {
        match self.reads.buildings() {
            Some(buildings) => Ok(Some(household::ids_in(conn, &buildings)?)),
            None => Ok(None),
        }
    }
}
