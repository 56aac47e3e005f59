//! The register of time of a month, with its sums, and what the pool may pay.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::help::{self, Told};
use super::homes;
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Moment, Span};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::page::{self, Problems, Shell};
use crate::registers::month;
use crate::sent::{Query, SignedForm};
use crate::volunteering::event::VolunteerEvent;
use crate::volunteering::minutes::Minutes;
use crate::volunteering::pool::{self, PoolLimit};
use crate::volunteering::register::{self, Sums};
use crate::volunteering::stay::Stay;

#[derive(Template)]
#[template(path = "volunteering/register.html")]
struct RegisterPage {
    shell: Shell,
    problems: Problems,
    month: Span,
    stays: Vec<Credited>,
    helps: Vec<Told>,
    sums: Sums,
    /// What all households have now; for who reads about all of them.
    outstanding: Option<Minutes>,
    pool_limit: Minutes,
    pool_used: Minutes,
    /// Who set the limit, if somebody did.
    limit_set: Option<(PoolLimit, String)>,
    may_set: bool,
    key: String,
    form: NewLimit,
}

/// What an event credited a household.
struct Credited {
    event: VolunteerEvent,
    stay: Stay,
    household: String,
    is_taken_back: bool,
}

impl Credited {
    fn minutes(&self) -> Minutes {
        Minutes(self.stay.minutes.unwrap_or(0))
    }
}

impl RegisterPage {
    fn month_word(&self) -> String {
        self.month.from.format("%Y-%m").to_string()
    }

    fn spoken(&self) -> String {
        self.month.from.format("%Y年%-m月").to_string()
    }
}

/// Which month.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    month: String,
}

/// A limit, as the form sends it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewLimit {
    key: String,
    hours: String,
    reason: String,
}

/// `GET /volunteering/register`
///
/// # Errors
/// `Invalid` for a month that is none.
pub async fn register(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let now = app.now();
    let span = match wanted.month.trim() {
        "" => Span::month_of(clock::day_of(now)),
        text => month::read(text).ok_or_else(|| Error::invalid("month", "月份应写成2026-11的样子。"))?,
    };
    let read = move |conn: &mut Conn| register_page(conn, staff, span, Problems::default(), NewLimit::default(), now);
    page::show(&app.db.read(read).await?)
}

fn register_page(
    conn: &mut Conn,
    staff: Staff,
    month: Span,
    problems: Problems,
    form: NewLimit,
    now: Moment,
) -> Result<RegisterPage> {
    let reach = staff.reach(conn, Permission::ReadNominations)?;
    let mut register = register::of(conn, month)?;
    let households = homes(conn, &register.households())?;
    register.keep(|id| households.get(id).is_some_and(|one| reach.covers(&one.building_id)));
    let sums = register.sums();
    let stays = register.stays.into_iter().filter_map(|(event, stay)| {
        let household = households.get(&stay.household_id)?;
        let number = stay.transaction_number.unwrap_or(0);
        Some(Credited {
            household: format!("{}户（{}）", household.head_name, household.door()),
            is_taken_back: register.taken_back.contains_key(&number),
            event,
            stay,
        })
    });
    let stays = stays.collect();
    let outstanding = match reach.buildings() {
        None => Some(Minutes::of(balance::outstanding(conn, AccountKind::TimeCredits)?)),
        Some(_) => None,
    };
    let limit_set = match pool::set_last(conn)? {
        Some(limit) => {
            let mut names = user::display_names(conn, std::slice::from_ref(&limit.set_by))?;
            let by = names.remove(&limit.set_by).unwrap_or_default();
            Some((limit, by))
        }
        None => None,
    };
    Ok(RegisterPage {
        problems,
        month,
        stays,
        helps: help::told(conn, &staff, register.helps)?,
        sums,
        outstanding,
        pool_limit: pool::limit(conn)?,
        pool_used: pool::used(conn, month.from)?,
        limit_set,
        may_set: staff.duties.permit(Permission::ManageProgramme),
        key: Id::<PoolLimit>::new(now).to_string(),
        form,
        shell: staff.shell,
    })
}

/// `POST /volunteering/pool`: how much the pool may pay in a month, from now on.
///
/// # Errors
/// What is wrong is shown above the form.
pub async fn set_pool_limit(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewLimit>,
) -> Result<Response> {
    let now = app.now();
    let (by, asked) = (staff.user.id.clone(), form.clone());
    let hours: Result<i64> = form
        .hours
        .trim()
        .parse()
        .map_err(|_| Error::invalid("hours", "每月上限请写整小时。"));
    let set = match hours {
        Ok(hours) => {
            let work = move |conn: &mut Conn| pool::set(conn, hours, &asked.reason, &by, &asked.key, now);
            app.db.write(work).await
        }
        Err(error) => Err(error),
    };
    match set {
        Ok(()) => Ok(page::go("/volunteering/register#pool")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let month = Span::month_of(clock::day_of(now));
            let read = move |conn: &mut Conn| register_page(conn, staff, month, problems, form, now);
            page::show_with(status, &app.db.read(read).await?)
        }
    }
}
