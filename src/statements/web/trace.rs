//! The page of a trace: from a slip number to everything that led to it, each step with where it is kept.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock::{self, day_of};
use crate::error::Result;
use crate::honours::award::TitleAward;
use crate::id::Id;
use crate::ledger::balance;
use crate::page::{self, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::sent::Path;
use crate::statements::statement::{self, Line, What};
use crate::statements::trace::{self, Step, Trace, Traced};

#[derive(Template)]
#[template(path = "statements/trace.html")]
struct TracePage {
    shell: Shell,
    asked: String,
    household: Household,
    address: String,
    found: Found,
    steps: Vec<Step>,
    may_read_council: bool,
}

enum Found {
    Award(Box<Trace>),
    Other(Option<Box<Line>>, Transaction),
}

/// What a number leads to.
enum Answer {
    /// The page of its trace.
    Page(Box<TracePage>),
    /// The own page of a title's award, which tells the whole way.
    Title(Id<TitleAward>),
}

/// A transaction that is about something else than a deed.
struct Transaction {
    recorded_at: String,
    /// The one that undid it.
    undone_by: Option<i64>,
    /// The one that it undid.
    undoes: Option<i64>,
}

/// `GET /trace/{number}`: of a transaction, or of a row of a notice; what is about a title is on the title's own page.
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn trace(State(app): State<App>, staff: Staff, Path(number): Path<String>) -> Result<Response> {
    let today = day_of(app.now());
    let answer = app
        .db
        .read(move |conn| {
            let traced = trace::find(conn, &number, today)?;
            let household = match &traced {
                Traced::Award(trace) => trace.household.clone(),
                Traced::Title(award) => household::by_id(conn, &award.household_id)?,
                Traced::Other(household, _) => Household::clone(household),
            };
            staff.expect_within(conn, Permission::ReadHouseholds, &household.building_id)?;
            let (steps, found) = match traced {
                Traced::Award(trace) => (trace.steps(), Found::Award(trace)),
                Traced::Title(award) => return Ok(Answer::Title(award.id)),
                Traced::Other(household, head) => {
                    let line = statement::line(conn, &household, head.number)?;
                    let transaction = Transaction {
                        recorded_at: clock::spoken(head.recorded_at),
                        undone_by: balance::undone_by(conn, head.number)?.map(|head| head.number),
                        undoes: head.reverses,
                    };
                    (Vec::new(), Found::Other(line.map(Box::new), transaction))
                }
            };
            Ok(Answer::Page(Box::new(TracePage {
                asked: number,
                address: household.address(&Tree::load(conn)?),
                household,
                found,
                steps,
                may_read_council: staff.duties.permit(Permission::ReadCouncil),
                shell: staff.shell,
            })))
        })
        .await?;
    match answer {
        Answer::Page(page) => page::show(&*page),
        Answer::Title(award) => Ok(page::go(&format!("/title-awards/{award}"))),
    }
}
