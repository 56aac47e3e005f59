//! The pages of the councils' members: who sits where until when, from whom they step back.
//!
//! Which households are kin of a member is shown to whoever seats or keeps that council and to the member, to nobody else.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::Months;
use serde::Deserialize;

use super::hall::{area_name, concerns};
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment, day_of};
use crate::council::member::{self, Appoint, CouncilMember};
use crate::council::session;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::household::{self, Household, Search};
use crate::sent::{NoFields, Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "council/members.html")]
struct MembersPage {
    shell: Shell,
    done: String,
    problems: Problems,
    councils: Vec<Council>,
    may_seat: bool,
    areas: Vec<(Id<Area>, String)>,
    accounts: Vec<User>,
    key: Id<CouncilMember>,
    form: NewMember,
}

/// A council and who ever sat in it.
struct Council {
    name: String,
    sitting: Vec<CouncilMember>,
    former: Vec<CouncilMember>,
}

/// What was done just before this page; and what to look for.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    done: String,
    #[serde(default)]
    query: String,
}

/// `GET /council`
///
/// # Errors
/// Only when the database fails.
pub async fn members(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let now = app.now();
    let today = day_of(now);
    let form = NewMember {
        appointed_on: today.to_string(),
        term_ends_on: three_years_after(today).to_string(),
        ..NewMember::default()
    };
    let read = move |conn: &mut Conn| members_page(conn, staff, Problems::default(), form, now);
    let mut page = app.db.read(read).await?;
    page.done = wanted.done;
    page::show(&page)
}

/// Three years, as `domain.md` §9.7 has it, and not a day more.
fn three_years_after(day: Day) -> Day {
    let later = day.checked_add_months(Months::new(36)).unwrap_or(day);
    later.pred_opt().unwrap_or(later)
}

fn members_page(
    conn: &mut Conn,
    staff: Staff,
    problems: Problems,
    form: NewMember,
    now: Moment,
) -> Result<MembersPage> {
    let (tree, today) = (Tree::load(conn)?, day_of(now));
    let mut councils: Vec<(Id<Area>, Council)> = Vec::new();
    for member in member::all(conn)? {
        if !concerns(&staff.duties, &tree, &member.area_id) {
            continue;
        }
        if councils.last().is_none_or(|(area, _)| *area != member.area_id) {
            let council = Council {
                name: area_name(&tree, &member.area_id),
                sitting: Vec::new(),
                former: Vec::new(),
            };
            councils.push((member.area_id.clone(), council));
        }
        if let Some((_, council)) = councils.last_mut() {
            let ended = member.term_ends_on < today || member.ended_on.is_some_and(|ended| ended <= today);
            if ended {
                &mut council.former
            } else {
                &mut council.sitting
            }
            .push(member);
        }
    }
    let may_seat = staff.duties.permit(Permission::SeatCouncil);
    let reach = staff.duties.reach(Permission::SeatCouncil, &tree);
    let can_have_council = |area: &&Area| area.kind != AreaKind::Building && reach.covers(&area.id);
    let areas = tree.all().iter().filter(can_have_council);
    let accounts = user::all(conn)?
        .into_iter()
        .filter(|(user, duties)| may_seat && user.disabled_at.is_none() && duties.permit(Permission::Vote));
    Ok(MembersPage {
        done: String::new(),
        problems,
        councils: councils.into_iter().map(|(_, council)| council).collect(),
        may_seat,
        areas: areas
            .map(|area| (area.id.clone(), area_name(&tree, &area.id)))
            .collect(),
        accounts: accounts.map(|(user, _)| user).collect(),
        shell: staff.shell,
        key: Id::new(now),
        form,
    })
}

/// A member, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewMember {
    #[serde(default)]
    key: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    household: String,
    #[serde(default)]
    appointed_on: String,
    #[serde(default)]
    term_ends_on: String,
}

/// `POST /council/members`
///
/// # Errors
/// `NotFound` for an area outside the visitor's: what is wrong in the form is shown in it.
pub async fn appoint(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewMember>,
) -> Result<Response> {
    match try_appoint(&app, &staff, form.clone()).await {
        Ok(member) => Ok(page::go(&format!("/council/members/{}?done=appointed", member.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let read = move |conn: &mut Conn| members_page(conn, staff, problems, form, now);
            page::show_with(status, &app.db.read(read).await?)
        }
    }
}

async fn try_appoint(app: &App, staff: &Staff, form: NewMember) -> Result<CouncilMember> {
    if form.area.is_empty() {
        return Err(Error::invalid("area", "请选择哪个范围的评议会。"));
    }
    let day = |field: &'static str, text: &str| {
        let wrong = |_| Error::invalid(field, "请填写日期，例如2026-11-25。");
        text.trim().parse::<Day>().map_err(wrong)
    };
    let appointed_on = day("appointed_on", &form.appointed_on)?;
    let term_ends_on = day("term_ends_on", &form.term_ends_on)?;
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let area = Id::known(form.area);
            staff.expect_within(conn, Permission::SeatCouncil, &area)?;
            let account = match form.user.as_str() {
                "" => None,
                id => Some(user::by_id(conn, &Id::known(id))?),
            };
            let household = match form.household.trim() {
                "" => account.as_ref().and_then(|account| account.household_id.clone()),
                code => Some(household::named(conn, code)?.id),
            };
            let name = match (form.name.trim(), &account) {
                ("", Some(account)) => account.display_name.clone(),
                (name, _) => name.to_owned(),
            };
            let asked = Appoint {
                area,
                name,
                user: account.map(|account| account.id),
                household,
                appointed_on,
                term_ends_on,
                by: staff.user.id,
                key: form.key,
            };
            let member = member::appoint(conn, &asked, now)?;
            session::mind_conflicts(conn, &member, &asked.by, now)?;
            Ok(member)
        })
        .await
}

#[derive(Template)]
#[template(path = "council/member.html")]
struct MemberPage {
    shell: Shell,
    done: String,
    problems: Problems,
    member: CouncilMember,
    area: String,
    /// Where the member lives and who is kin, for whom it may concern.
    private: Option<Private>,
    account: Option<String>,
    may_seat: bool,
    may_declare: bool,
    sits: bool,
    form: NewKin,
    choices: Vec<(String, String)>,
}

/// A declared kinship: the household's code, who it is, the relation.
struct Kin {
    code: String,
    home: String,
    relation: String,
}

struct Private {
    home: Option<String>,
    kin: Vec<Kin>,
}

impl MemberPage {
    fn term(&self) -> String {
        format!(
            "{}至{}",
            clock::spoken_day(self.member.appointed_on),
            clock::spoken_day(self.member.term_ends_on)
        )
    }

    fn ended(&self) -> Option<String> {
        self.member.ended_on.map(clock::spoken_day)
    }
}

/// `GET /council/members/{id}`
///
/// # Errors
/// `NotFound`, also for a council that does not concern the visitor.
pub async fn member(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let form = NewKin {
        query: wanted.query,
        ..NewKin::default()
    };
    let mut page = member_page(&app, staff, Id::known(id), form).await?;
    page.done = wanted.done;
    page::show(&page)
}

/// Households to choose from.
const CHOICES: i64 = 12;

async fn member_page(app: &App, staff: Staff, id: Id<CouncilMember>, form: NewKin) -> Result<MemberPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let (member, tree) = (member::by_id(conn, &id)?, Tree::load(conn)?);
            let holds = |permission| staff.duties.reach(permission, &tree).covers(&member.area_id);
            let own = member.user_id.as_ref() == Some(&staff.user.id);
            if !own && !concerns(&staff.duties, &tree, &member.area_id) {
                return Err(Error::NotFound);
            }
            let (may_seat, may_keep) = (holds(Permission::SeatCouncil), holds(Permission::KeepSession));
            let choices = match form.query.trim() {
                "" => Vec::new(),
                _ if !may_keep => Vec::new(),
                query => {
                    let search = Search {
                        query: query.to_owned(),
                        limit: CHOICES,
                        ..Search::default()
                    };
                    household::search(conn, &search)?
                }
            };
            let label = |home: &Household| format!("{}户（{}）", home.head_name, home.address(&tree));
            Ok(MemberPage {
                private: match may_seat || may_keep || own {
                    true => Some(private(conn, &member, label)?),
                    false => None,
                },
                account: match &member.user_id {
                    Some(user) => Some(user::by_id(conn, user)?.display_name),
                    None => None,
                },
                area: area_name(&tree, &member.area_id),
                sits: member.sits_on(day_of(now)),
                choices: choices.iter().map(|home| (home.code.clone(), label(home))).collect(),
                shell: staff.shell,
                done: String::new(),
                problems: Problems::default(),
                may_declare: may_keep,
                may_seat,
                member,
                form,
            })
        })
        .await
}

fn private(conn: &mut Conn, member: &CouncilMember, label: impl Fn(&Household) -> String) -> Result<Private> {
    let kin = member::kin(conn, std::slice::from_ref(member))?;
    let mut ids: Vec<Id<Household>> = kin.iter().map(|kin| kin.household.clone()).collect();
    ids.extend(member.household_id.clone());
    let homes = household::by_ids(conn, &ids)?;
    let found = |id: &Id<Household>| homes.iter().find(|home| home.id == *id);
    let kin = kin.into_iter().filter_map(|kin| {
        let home = found(&kin.household)?;
        Some(Kin {
            code: home.code.clone(),
            home: label(home),
            relation: kin.relation,
        })
    });
    Ok(Private {
        home: member.household_id.as_ref().and_then(found).map(&label),
        kin: kin.collect(),
    })
}

async fn refused(app: &App, staff: Staff, id: Id<CouncilMember>, error: Error, form: NewKin) -> Result<Response> {
    let (status, problems) = Problems::from_error(error)?;
    let mut page = member_page(app, staff, id, form).await?;
    page.problems = problems;
    page::show_with(status, &page)
}

/// `POST /council/members/{id}/ending`
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn end_seat(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    let (now, who, member) = (app.now(), staff.clone(), Id::known(id));
    let id = member.clone();
    let ended = app
        .db
        .write(move |conn| {
            let found = member::by_id(conn, &member)?;
            who.expect_within(conn, Permission::SeatCouncil, &found.area_id)?;
            member::end(conn, &member, day_of(now), &who.user.id, now)
        })
        .await;
    match ended {
        Ok(()) => Ok(page::go(&format!("/council/members/{id}?done=ended"))),
        Err(error) => refused(&app, staff, id, error, NewKin::default()).await,
    }
}

/// A kin declaration, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewKin {
    #[serde(default)]
    query: String,
    #[serde(default)]
    household: String,
    #[serde(default)]
    relation: String,
}

/// `POST /council/members/{id}/kin`
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn declare_kin(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<NewKin>,
) -> Result<Response> {
    let (now, who, member, sent) = (app.now(), staff.clone(), Id::known(id), form.clone());
    let id = member.clone();
    let declared = app
        .db
        .write(move |conn| {
            let found = member::by_id(conn, &member)?;
            who.expect_within(conn, Permission::KeepSession, &found.area_id)?;
            if sent.household.trim().is_empty() {
                return Err(Error::invalid("household", "请先查找并选好是哪一户。"));
            }
            let home = household::named(conn, sent.household.trim())?;
            member::declare_kin(conn, &member, &home.id, &sent.relation, &who.user.id, now)?;
            session::mind_conflicts(conn, &found, &who.user.id, now)
        })
        .await;
    match declared {
        Ok(()) => Ok(page::go(&format!("/council/members/{id}?done=declared"))),
        Err(error) => refused(&app, staff, id, error, form).await,
    }
}

/// `POST /council/members/{id}/kin/withdrawal`: for a kinship declared by mistake.
///
/// # Errors
/// `NotFound`, also for a council outside the visitor's area.
pub async fn withdraw_kin(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<NewKin>,
) -> Result<Response> {
    let (now, member) = (app.now(), Id::known(id));
    let back = format!("/council/members/{member}?done=withdrawn");
    app.db
        .write(move |conn| {
            let found = member::by_id(conn, &member)?;
            staff.expect_within(conn, Permission::SeatCouncil, &found.area_id)?;
            let home = household::by_code(conn, form.household.trim())?;
            member::withdraw_kin(conn, &member, &home.id, &staff.user.id, now)
        })
        .await?;
    Ok(page::go(&back))
}
