//! Changes of a household: asked for, and carried out as they were shown.
//!
//! `plan` says in sentences what a change would do; `carry_out` does it, when the sentences would still be the same. Two
//! people at two desks cannot do it twice: the second sees other sentences, or is refused.

use std::fmt;

use serde::Serialize;

use super::plan::{Plan, plan};
use crate::access::user::{self, User};
use crate::audit;
use crate::cards::card;
use crate::clock::{Day, Moment};
use crate::db::Conn;
use crate::error::{Error, Refusal, Result};
use crate::id::Id;
use crate::ledger::transfer::Transfer;
use crate::places::area::Area;
use crate::places::event::{self, Consequence, HouseholdEvent, Occasion};
use crate::places::household::Household;
use crate::request::{Request, Requests};

/// A door: building, stairwell, room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Door {
    /// The building's id.
    pub building: String,
    /// 单元; may be empty.
    pub stairwell: String,
    /// 房号.
    pub room: String,
}

/// What is to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Change {
    /// Some people become a household of their own and take points along.
    Split {
        /// Where they live.
        door: Door,
        /// Their head.
        head_name: String,
        /// How many they are.
        people: i64,
        /// Points that go along.
        points: i64,
    },
    /// All of it becomes part of the household with this code.
    Merge {
        /// The code.
        into: String,
    },
    /// It lives elsewhere.
    Move {
        /// Where.
        door: Door,
    },
    /// It leaves the programme.
    Leave,
    /// It comes back.
    Rejoin,
    /// It has another number of people.
    Resize {
        /// How many.
        people: i64,
    },
    /// It has another head.
    ChangeHead {
        /// The name.
        head_name: String,
    },
    /// Somebody of it works for the programme or sits on the council, or no longer.
    FlagStaff {
        /// Does somebody?
        is_staff: bool,
    },
}

/// Asks for a change.
#[derive(Clone, Debug, Serialize)]
pub struct AskChange {
    /// The household.
    pub household: Id<Household>,
    /// What.
    pub change: Change,
    /// From which day: today or before.
    pub effective_on: Day,
    /// Why.
    pub reason: String,
}

/// Why a change is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// A household cannot be merged into itself.
    SameHousehold,
    /// More points, or people, than there are.
    NotEnough(String),
    /// It is as asked for already.
    NothingToChange,
    /// It has not left.
    NotGone,
    /// It was deleted: nobody knows any more who it was.
    Deleted,
    /// Something happened since the preview.
    Changed,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Refused::SameHousehold => "不能并入自己这一户，请填另一户的户号。",
            Refused::NotEnough(why) => why,
            Refused::NothingToChange => "现在已经是这样，没有改动。可能另一位同事刚办过，请看变更记录。",
            Refused::NotGone => "这一户没有迁出，不用重新加入。并户以后不能退回，要分开请办理分户。",
            Refused::Deleted => "这一户的资料已经删除，不能重新加入。搬回来的，请登记为新的一户。",
            Refused::Changed => {
                "刚才情况有变化（积分有进出，或另一位同事办过变更），本次没有办理。请核对新的预览后再确认。"
            }
        })
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::SameHousehold => "same_household",
            Refused::NotEnough(_) => "not_enough",
            Refused::NothingToChange => "nothing_to_change",
            Refused::NotGone => "not_gone",
            Refused::Deleted => "household_deleted",
            Refused::Changed => "changed_meanwhile",
        }
    }
}

/// Somebody is responsible for one of the places that a change touches, and not for the other.
pub const OUTSIDE: Error = Error::Forbidden("另一个地方不在您的职责范围内，请由管理员或那边的网格员一起办理。");

/// Carries a change out as it was shown; the same request again answers the same event. `may` refuses a building for which
/// whoever confirms is not responsible.
///
/// # Errors
/// Those of [`plan`]; [`Refused::Changed`] when it is not what was shown; [`OUTSIDE`]; `idempotency_conflict`.
pub fn carry_out(
    conn: &mut Conn,
    asked: &AskChange,
    shown: &str,
    by: &Id<User>,
    key: &str,
    now: Moment,
    may: impl Fn(&mut Conn, &Id<Area>) -> Result<()>,
) -> Result<HouseholdEvent> {
    let request = Request::new(key, by.as_str(), "household.change", asked)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        let earlier = Id::known(earlier);
        let events = event::of_household(conn, &asked.household)?;
        return events
            .into_iter()
            .find(|event| event.id == earlier)
            .ok_or(Error::NotFound);
    }
    let plan = plan(conn, asked, now)?;
    if plan.seal != shown {
        return Err(Refused::Changed.into());
    }
    for building in plan.buildings() {
        may(conn, &building).map_err(|_| OUTSIDE)?;
    }
    let occasion = Occasion {
        effective_on: asked.effective_on,
        recorded_at: now,
        recorded_by: by.as_str().to_owned(),
        reason: asked.reason.trim().to_owned(),
        detail: plan.detail.clone(),
        transaction_number: transfer(conn, &plan, asked.effective_on, by, now)?,
    };
    if plan.stops_cards {
        card::stop_by(conn, &plan.household.id, card::MERGED, by.as_str(), now)?;
    }
    if let Consequence::Merged(into) = &plan.consequence {
        user::follow_merge(conn, &plan.household.id, into)?;
    }
    let event = event::record(conn, &plan.household, &plan.consequence, occasion)?;
    requests.carried_out(&request, event.id.as_str(), now);
    requests.save(conn)?;
    let act = match event.kind {
        event::EventKind::Split => "household.split",
        event::EventKind::Merged => "household.merged",
        event::EventKind::Moved => "household.moved",
        event::EventKind::Left => "household.left",
        event::EventKind::Rejoined => "household.rejoined",
        event::EventKind::Resized => "household.resized",
        event::EventKind::HeadChanged => "household.head_changed",
        event::EventKind::StaffFlagged => "household.staff_flagged",
    };
    let subject = format!("household:{}", plan.household.id);
    let detail = format!("{}；{}", event.reason, event.detail);
    audit::record(conn, &[audit::Event::new(by.as_str(), act, subject, detail, now)])?;
    Ok(event)
}

/// Posts what goes to another household: the points with their last days, and at a merge the honour. What is on notice stays
/// where it is held until its notice ends; `council` then posts it to the survivor.
fn transfer(conn: &mut Conn, plan: &Plan, on: Day, by: &Id<User>, now: Moment) -> Result<Option<i64>> {
    let Some(transfer) = plan.transfer.as_ref().filter(|transfer| !transfer.is_empty()) else {
        return Ok(None);
    };
    let from = plan.household.id.as_str();
    let carried = Transfer {
        from,
        to: transfer.to.as_str(),
        spendable: transfer.spendable,
        honour: transfer.honour,
        time: transfer.time,
    };
    let source = format!("transfer:{from}:{}", Id::<HouseholdEvent>::new(now));
    carried.post(conn, source, on, by.as_str(), now)
}
