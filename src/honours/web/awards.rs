//! The pages of awards: the list, the form that nominates, and one award with its whole way.

use askama::Template;
use axum::extract::State as FromApp;
use axum::response::Response;
use serde::Deserialize;

use super::work::{self, Waiting};
use super::{Told, badge};
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment, day_of};
use crate::council::{receipt, session};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::appeal::{self, TitleAppeal};
use crate::honours::award::{self, Nominate, State, TitleAward, Verify};
use crate::honours::objection::{self, TitleObjection};
use crate::honours::title::{self, HonourTitle};
use crate::honours::{ballot, notice};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::household;
use crate::sent::{NoFields, Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "honours/awards.html")]
struct AwardsPage {
    shell: Shell,
    under_way: Vec<Told>,
    held: Vec<Told>,
    ended: Vec<Told>,
    waiting: Vec<Waiting>,
    may_nominate: bool,
}

/// Awards that the list looks through.
const NEWEST: i64 = 500;

/// `GET /title-awards`
///
/// # Errors
/// Only when the database fails.
pub async fn awards(FromApp(app): FromApp<App>, staff: Staff) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let inside = staff.households(conn, Permission::ReadNominations)?;
            let (mut under_way, mut held, mut ended) = (Vec::new(), Vec::new(), Vec::new());
            for one in award::list(conn, inside.as_deref(), NEWEST)? {
                let told = Told::of(conn, &staff, Permission::ReadNominations, one)?;
                match told.award.state {
                    state if State::UNDER_WAY.contains(&state) => under_way.push(told),
                    _ if told.award.is_held_on(day_of(now)) => held.push(told),
                    _ => ended.push(told),
                }
            }
            Ok(AwardsPage {
                waiting: work::waiting(conn, &staff, now)?,
                may_nominate: staff.duties.permit(Permission::Nominate),
                shell: staff.shell,
                under_way,
                held,
                ended,
            })
        })
        .await?;
    page::show(&page)
}

#[derive(Template)]
#[template(path = "honours/award_new.html")]
struct NominatePage {
    shell: Shell,
    problems: Problems,
    titles: Vec<HonourTitle>,
    today: Day,
    key: Id<TitleAward>,
    form: Nominated,
}

impl NominatePage {
    /// The periods in which a title can be given now: the first day, and what people call it.
    fn periods(&self, title: &HonourTitle) -> Vec<(String, String)> {
        let open = title.period.open_on(self.today);
        let told = open.map(|span| {
            let value = format!("{}/{}", title.id, span.from);
            (value, title.period.in_words(span.from))
        });
        told.into()
    }
}

/// A nomination, as the form sends it. Title and period are one choice.
#[derive(Clone, Default, Deserialize)]
pub struct Nominated {
    #[serde(default)]
    key: String,
    #[serde(default)]
    household: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    reason: String,
}

/// `GET /title-awards/new`
///
/// # Errors
/// Only when the database fails.
pub async fn nominate_form(
    FromApp(app): FromApp<App>,
    staff: Staff,
    Query(form): Query<Nominated>,
) -> Result<Response> {
    page::show(&nominate_page(&app, staff, Problems::default(), form).await?)
}

async fn nominate_page(app: &App, staff: Staff, problems: Problems, form: Nominated) -> Result<NominatePage> {
    let now = app.now();
    Ok(NominatePage {
        shell: staff.shell,
        problems,
        titles: app.db.read(title::standing).await?,
        today: day_of(now),
        key: Id::new(now),
        form,
    })
}

/// `POST /title-awards`
///
/// # Errors
/// `NotFound` for a household outside: what is wrong in the form is shown in it.
pub async fn nominate(
    FromApp(app): FromApp<App>,
    staff: Staff,
    SignedForm(form): SignedForm<Nominated>,
) -> Result<Response> {
    match try_nominate(&app, &staff, form.clone()).await {
        Ok(award) => Ok(page::go(&format!("/title-awards/{}", award.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &nominate_page(&app, staff, problems, form).await?)
        }
    }
}

async fn try_nominate(app: &App, staff: &Staff, form: Nominated) -> Result<TitleAward> {
    let none = || Error::invalid("title", "请选择哪个称号、哪一期。");
    let (title, from) = form.title.split_once('/').ok_or_else(none)?;
    let (title, period_from) = (Id::known(title), from.parse::<Day>().map_err(|_| none())?);
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let household = household::named(conn, form.household.trim())?;
            staff.expect_within(conn, Permission::Nominate, &household.building_id)?;
            let asked = Nominate {
                title,
                household: household.id,
                period_from,
                reason: form.reason,
                by: staff.user.id,
                key: form.key,
            };
            award::nominate(conn, &asked, now)
        })
        .await
}

#[derive(Template)]
#[template(path = "honours/award.html")]
struct AwardPage {
    shell: Shell,
    problems: Problems,
    told: Told,
    steps: Vec<Step>,
    objections: Vec<TitleObjection>,
    appeals: Vec<TitleAppeal>,
    slip: String,
    session: Option<i64>,
    notice: Option<i64>,
    may_verify: bool,
    may_withdraw: bool,
    may_appeal: bool,
    may_print: bool,
    reads_council: bool,
    is_held: bool,
    waits_for_budget: bool,
    key: Id<TitleAward>,
    form: Written,
}

/// One thing that happened.
struct Step {
    what: &'static str,
    who: String,
    when: String,
    note: String,
    mark: &'static str,
    at: Moment,
}

impl AwardPage {
    fn spaced(&self, number: &str) -> String {
        receipt::spaced(number)
    }
}

/// What somebody writes on the page of an award.
#[derive(Clone, Default, Deserialize)]
pub struct Written {
    #[serde(default)]
    key: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    reason: String,
}

/// `GET /title-awards/{id}`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn award(FromApp(app): FromApp<App>, staff: Staff, Path(id): Path<String>) -> Result<Response> {
    page::show(&award_page(&app, staff, id, Problems::default(), Written::default()).await?)
}

/// The page with what is wrong.
pub(super) async fn refused(app: &App, staff: Staff, id: String, error: Error, form: Written) -> Result<Response> {
    let (status, problems) = Problems::from_error(error)?;
    page::show_with(status, &award_page(app, staff, id, problems, form).await?)
}

async fn award_page(app: &App, staff: Staff, id: String, problems: Problems, form: Written) -> Result<AwardPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let found = award::by_id(conn, &Id::known(id))?;
            let told = Told::of(conn, &staff, Permission::ReadNominations, found)?;
            let one = &told.award;
            let verifies = staff.reach(conn, Permission::Verify)?;
            let prints = staff.reach(conn, Permission::KeepSession)?;
            let takes = staff.reach(conn, Permission::TakeObjection)?;
            let building = told.household.building_id.clone();
            let session = match &one.session_id {
                Some(id) => Some(session::by_id(conn, id)?.number),
                None => None,
            };
            let notice = match &one.notice_id {
                Some(id) => Some(notice::by_id(conn, id)?.number),
                None => None,
            };
            let could_appeal = appeal::kind_of(one).is_some();
            let open = matches!(one.state, State::Nominated | State::Verified);
            Ok(AwardPage {
                problems,
                steps: steps(conn, &told)?,
                objections: objection::of_award(conn, &one.id)?,
                appeals: appeal::of_award(conn, &one.id)?,
                slip: notice::slip_of(conn, one)?,
                session,
                notice,
                may_verify: one.state == State::Nominated
                    && one.nominated_by != staff.user.id
                    && verifies.covers(&building),
                may_withdraw: open && one.nominated_by == staff.user.id,
                may_appeal: could_appeal && takes.covers(&building),
                may_print: one.state == State::Conferred && prints.covers(&building),
                reads_council: staff.duties.permit(Permission::ReadCouncil),
                is_held: one.is_held_on(day_of(now)),
                waits_for_budget: one.state == State::Conferred
                    && told.title.reward_points.0 > 0
                    && one.transaction_number.is_none(),
                key: Id::new(now),
                form,
                shell: staff.shell,
                told,
            })
        })
        .await
}

fn steps(conn: &mut Conn, told: &Told) -> Result<Vec<Step>> {
    let one = &told.award;
    let people: Vec<_> = one.verified_by.iter().chain([&one.nominated_by]).cloned().collect();
    let names = user::display_names(conn, &people)?;
    let name = |id: &Id<user::User>| names.get(id).cloned().unwrap_or_default();
    let step = |what, who, at: Moment, note, mark| Step {
        what,
        who,
        when: clock::spoken(at),
        note,
        mark,
        at,
    };
    let nominator = name(&one.nominated_by);
    let mut steps = vec![step("申报", nominator, one.nominated_at, one.reason.clone(), "done")];
    if let (Some(by), Some(at)) = (&one.verified_by, one.verified_at) {
        steps.push(step("核实", name(by), at, String::new(), "done"));
    }
    for ballot in ballot::of_award(conn, &one.id)? {
        let Some(at) = ballot.confirmed_at else { continue };
        let number = session::by_id(conn, &ballot.session_id)?.number;
        let what = if ballot.round > 1 { "同票再投" } else { "票决" };
        steps.push(step(
            what,
            format!("第{number}次会议"),
            at,
            ballot::in_words(&ballot),
            "done",
        ));
    }
    if let Some(id) = &one.notice_id {
        let notice = notice::by_id(conn, id)?;
        let until = clock::spoken_day(crate::council::deadline::last_day(notice.ends_at));
        let who = format!("条目编号{}", notice.slip(one));
        steps.push(step("公示", who, notice.published_at, format!("公示到{until}"), "done"));
    }
    if let (Some(at), Some(until)) = (one.conferred_at, one.term_ends_on) {
        let note = format!("有效到{}", clock::spoken_day(until));
        steps.push(step("授予", "公示期满".to_owned(), at, note, "done"));
    }
    if let Some(at) = one.ended_at {
        let why = one.ending_reason.clone().unwrap_or_default();
        steps.push(step(one.state.label(), String::new(), at, why, "no"));
    }
    steps.sort_by_key(|step| step.at);
    Ok(steps)
}

/// `POST /title-awards/{id}/verification`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong is shown on the page.
pub async fn verify(
    FromApp(app): FromApp<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Written>,
) -> Result<Response> {
    match try_verify(&app, &staff, id.clone(), form.clone()).await {
        Ok(()) => Ok(page::go(&format!("/title-awards/{id}"))),
        Err(error) => refused(&app, staff, id, error, form).await,
    }
}

async fn try_verify(app: &App, staff: &Staff, id: String, form: Written) -> Result<()> {
    let holds = match form.decision.as_str() {
        "confirmed" => true,
        "refuted" => false,
        _ => return Err(Error::invalid("decision", "请选择符合还是不符合。")),
    };
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let found = award::by_id(conn, &Id::known(id))?;
            let told = Told::of(conn, &staff, Permission::Verify, found)?;
            let asked = Verify {
                award: told.award.id,
                holds,
                reason: form.reason,
                by: staff.user,
                key: form.key,
            };
            award::verify(conn, &asked, now).map(drop)
        })
        .await
}

/// `POST /title-awards/{id}/withdrawal`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong is shown on the page.
pub async fn withdraw(
    FromApp(app): FromApp<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let (now, who, which) = (app.now(), staff.clone(), id.clone());
    let withdrawn = app
        .db
        .write(move |conn| {
            let found = award::by_id(conn, &Id::known(which))?;
            let told = Told::of(conn, &who, Permission::Nominate, found)?;
            award::withdraw(conn, &told.award.id, &who.user.id, now)
        })
        .await;
    match withdrawn {
        Ok(_) => Ok(page::go(&format!("/title-awards/{id}"))),
        Err(error) => refused(&app, staff, id, error, Written::default()).await,
    }
}
