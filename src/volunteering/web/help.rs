//! Help between households: writing one down, the newest ones, and the page of each.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{homes, named};
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Moment};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::sent::{Path, SignedForm};
use crate::volunteering::correction::{self, TimeCorrection};
use crate::volunteering::help::{self, Help, Payer, RecordHelp};
use crate::volunteering::minutes::{MOST_A_DAY, Minutes, QUARTER};
use crate::volunteering::pool;

#[derive(Template)]
#[template(path = "volunteering/helps.html")]
struct HelpsPage {
    shell: Shell,
    problems: Problems,
    /// The newest first.
    helps: Vec<Told>,
    pool_limit: Minutes,
    pool_used: Minutes,
    may_record: bool,
    key: String,
    form: NewHelp,
}

/// Helps that the page shows; the register has them all.
const SHOWN: i64 = 50;

impl HelpsPage {
    fn pool_left(&self) -> Minutes {
        Minutes(self.pool_limit.0.saturating_sub(self.pool_used.0).max(0))
    }
}

/// A help as the staff read it.
pub(super) struct Told {
    pub(super) help: Help,
    pub(super) helper: String,
    pub(super) helped: String,
    pub(super) is_taken_back: bool,
}

/// A help, as the form sends it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewHelp {
    key: String,
    helper: String,
    helped: String,
    what: String,
    helped_on: String,
    minutes: String,
    payer: String,
    reason: String,
}

/// `GET /time-helps`
///
/// # Errors
/// Only when the database fails.
pub async fn helps(State(app): State<App>, staff: Staff) -> Result<Response> {
    let now = app.now();
    let form = NewHelp {
        helped_on: clock::day_of(now).to_string(),
        minutes: "60".to_owned(),
        payer: Payer::Household.word().to_owned(),
        ..NewHelp::default()
    };
    let read = move |conn: &mut Conn| helps_page(conn, staff, Problems::default(), form, now);
    page::show(&app.db.read(read).await?)
}

fn helps_page(conn: &mut Conn, staff: Staff, problems: Problems, form: NewHelp, now: Moment) -> Result<HelpsPage> {
    let today = clock::day_of(now);
    let helps = help::newest(conn, SHOWN)?;
    Ok(HelpsPage {
        problems,
        helps: told(conn, &staff, helps)?,
        pool_limit: pool::limit(conn)?,
        pool_used: pool::used(conn, today)?,
        may_record: staff.duties.permit(Permission::KeepVolunteering),
        key: Id::<Help>::new(now).to_string(),
        form,
        shell: staff.shell,
    })
}

/// The helps of which this person may see both households.
pub(super) fn told(conn: &mut Conn, staff: &Staff, helps: Vec<Help>) -> Result<Vec<Told>> {
    let reach = staff.reach(conn, Permission::ReadNominations)?;
    let ids: Vec<Id<Household>> = helps
        .iter()
        .flat_map(|help| [help.helper_household_id.clone(), help.helped_household_id.clone()])
        .collect();
    let numbers: Vec<i64> = helps.iter().map(|help| help.transaction_number).collect();
    let taken_back = correction::of_transactions(conn, &numbers)?;
    let households = homes(conn, &ids)?;
    let name = |id: &Id<Household>| {
        let household = households.get(id).filter(|one| reach.covers(&one.building_id))?;
        Some(format!("{}户（{}）", household.head_name, household.door()))
    };
    let seen = helps.into_iter().filter_map(|help| {
        Some(Told {
            helper: name(&help.helper_household_id)?,
            helped: name(&help.helped_household_id)?,
            is_taken_back: taken_back.contains_key(&help.transaction_number),
            help,
        })
    });
    Ok(seen.collect())
}

/// `POST /time-helps`
///
/// # Errors
/// `NotFound` for a household outside the visitor's area; what stands against it is shown above the form.
pub async fn record_help(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewHelp>,
) -> Result<Response> {
    match try_record(&app, &staff, form.clone()).await {
        Ok(help) => Ok(page::go(&format!("/time-helps/{}", help.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let read = move |conn: &mut Conn| helps_page(conn, staff, problems, form, now);
            page::show_with(status, &app.db.read(read).await?)
        }
    }
}

async fn try_record(app: &App, staff: &Staff, form: NewHelp) -> Result<Help> {
    let helped_on = form.helped_on.trim().parse();
    let helped_on = helped_on.map_err(|_| Error::invalid("helped_on", "请填写是哪一天。"))?;
    let minutes = form.minutes.trim().parse();
    let minutes = minutes.map_err(|_| Error::invalid("minutes", "请写帮了多少分钟。"))?;
    let payer = Payer::from_word(&form.payer);
    let payer = payer.ok_or_else(|| Error::invalid("payer", "请选择由谁的时间支付。"))?;
    let (staff, now) = (staff.clone(), app.now());
    app.db
        .write(move |conn| {
            let reach = staff.reach(conn, Permission::KeepVolunteering)?;
            let mut within = |field, text: &str| {
                let (household, _) = named(conn, &reach, field, text)?;
                match reach.covers(&household.building_id) {
                    true => Ok(household.id),
                    false => Err(Error::NotFound),
                }
            };
            let asked = RecordHelp {
                helper: within("helper", &form.helper)?,
                helped: within("helped", &form.helped)?,
                what: form.what,
                helped_on,
                minutes,
                payer,
                reason: form.reason,
            };
            help::record(conn, &asked, &staff.user, &form.key, now)
        })
        .await
}

// ---- One help ------------------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "volunteering/help.html")]
struct HelpPage {
    shell: Shell,
    problems: Problems,
    help: Help,
    helper: (Household, String),
    helped: (Household, String),
    recorded_by: String,
    /// What took it back, and who did.
    correction: Option<(TimeCorrection, String)>,
    may_correct: bool,
    key: String,
}

/// `GET /time-helps/{id}`
///
/// # Errors
/// `NotFound`, also when one of the households lives outside the visitor's area.
pub async fn help(State(app): State<App>, staff: Staff, Path(id): Path<String>) -> Result<Response> {
    let now = app.now();
    let read = move |conn: &mut Conn| help_page(conn, staff, &Id::known(id), Problems::default(), now);
    page::show(&app.db.read(read).await?)
}

fn help_page(conn: &mut Conn, staff: Staff, id: &Id<Help>, problems: Problems, now: Moment) -> Result<HelpPage> {
    let help = help::by_id(conn, id)?;
    let tree = Tree::load(conn)?;
    let mut both = |id: &Id<Household>| -> Result<(Household, String)> {
        let household = household::by_id(conn, id)?;
        staff.expect_within(conn, Permission::ReadNominations, &household.building_id)?;
        let address = household.address(&tree);
        Ok((household, address))
    };
    let (helper, helped) = (both(&help.helper_household_id)?, both(&help.helped_household_id)?);
    let number = help.transaction_number;
    let correction = correction::of_transactions(conn, &[number])?.remove(&number);
    let mut people = vec![help.recorded_by.clone()];
    people.extend(correction.iter().map(|one| one.corrected_by.clone()));
    let names = user::display_names(conn, &people)?;
    let name = |id: &Id<user::User>| names.get(id).cloned().unwrap_or_default();
    let may_verify = staff.duties.permit(Permission::Verify);
    Ok(HelpPage {
        problems,
        recorded_by: name(&help.recorded_by),
        may_correct: may_verify && correction.is_none() && help.recorded_by != staff.user.id,
        correction: correction.map(|one| {
            let by = name(&one.corrected_by);
            (one, by)
        }),
        key: Id::<Help>::new(now).to_string(),
        shell: staff.shell,
        helper,
        helped,
        help,
    })
}

/// Why a help is taken back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Why {
    key: String,
    reason: String,
}

/// `POST /time-helps/{id}/correction`: takes back a help that was written down wrongly.
///
/// # Errors
/// `NotFound` outside the visitor's area; what stands against it is shown on the page.
pub async fn correct_help(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(why): SignedForm<Why>,
) -> Result<Response> {
    let (id, now): (Id<Help>, Moment) = (Id::known(id), app.now());
    let (asked, known) = (id.clone(), staff.clone());
    let corrected = app
        .db
        .write(move |conn| {
            let help = help::by_id(conn, &asked)?;
            for household in [&help.helper_household_id, &help.helped_household_id] {
                let building = household::by_id(conn, household)?.building_id;
                known.expect_within(conn, Permission::Verify, &building)?;
            }
            correction::take_back_help(conn, &help, &why.reason, &known.user, &why.key, now)
        })
        .await;
    match corrected {
        Ok(_) => Ok(page::go(&format!("/time-helps/{id}"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let read = move |conn: &mut Conn| help_page(conn, staff, &id, problems, now);
            page::show_with(status, &app.db.read(read).await?)
        }
    }
}
