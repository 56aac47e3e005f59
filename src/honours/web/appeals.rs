//! Appeals about titles: taken in on the page of the award, decided by a panel on a page of their own.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State as FromApp;
use axum::response::Response;
use serde::Deserialize;

use super::Told;
use super::awards::{self, Written};
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Sender, Staff, Visitor};
use crate::clock;
use crate::council::appeal::panel::{self, Opinion};
use crate::council::{deadline, receipt};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::appeal::{self, Accept, Candidate, File, Filer, Give, Panellist, State, TitleAppeal};
use crate::honours::{award, parties, title};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::programme::{self, Programme};
use crate::sent::{Path, Query, SignedForm};

/// `POST /title-awards/{id}/appeals`: the office writes an appeal down.
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong is shown on the page of the award.
pub async fn file_appeal(
    FromApp(app): FromApp<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Filed>,
) -> Result<Response> {
    let (now, who, which, sent) = (app.now(), staff.clone(), id.clone(), form.clone());
    let filed = app
        .db
        .write(move |conn| {
            let found = award::by_id(conn, &Id::known(which))?;
            let told = Told::of(conn, &who, Permission::TakeObjection, found)?;
            let asked = File {
                award: told.award.id,
                reason: sent.reason,
                contact: sent.contact,
                by: Filer::Office(who.user.id),
                key: sent.key,
            };
            appeal::file(conn, &asked, now)
        })
        .await;
    match filed {
        Ok(appeal) => Ok(page::go(&format!("/title-appeals/{}", appeal.receipt))),
        Err(error) => awards::refused(&app, staff, id, error, Written::default()).await,
    }
}

/// An appeal, as the form sends it.
#[derive(Clone, Deserialize)]
pub struct Filed {
    #[serde(default)]
    key: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    contact: String,
}

#[derive(Template)]
#[template(path = "honours/appeal_receipt.html")]
struct ReceiptPage {
    shell: Shell,
    number: String,
    appeal: TitleAppeal,
    title: String,
    period: String,
    last_day: String,
    left: String,
    programme: Programme,
    /// Is it one of the staff who may open the hearing?
    reads_council: bool,
    /// Did the household file it just now?
    is_new: bool,
}

impl ReceiptPage {
    fn filed_at(&self) -> String {
        clock::spoken(self.appeal.filed_at)
    }

    fn decided_at(&self) -> String {
        self.appeal.decided_at.map(clock::spoken).unwrap_or_default()
    }
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /title-appeals/{receipt}`: to whoever has the receipt, where the appeal stands, and nothing about anybody.
///
/// # Errors
/// `NotFound`; `Forbidden` for whoever tries many numbers.
pub async fn appeal_receipt(
    FromApp(app): FromApp<App>,
    visitor: Visitor,
    sender: Sender,
    Path(number): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    app.expect_few_look_ups(&visitor, sender)?;
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let appeal = appeal::by_receipt(conn, &number)?;
            let award = award::by_id(conn, &appeal.award_id)?;
            let title = title::by_id(conn, &award.title_id)?;
            Ok(ReceiptPage {
                reads_council: visitor.may(Permission::ReadCouncil),
                is_new: done.done == "filed",
                shell: visitor.shell,
                number: receipt::spaced(&appeal.receipt),
                period: title.period.in_words(award.period_from),
                title: title.name,
                last_day: clock::spoken_day(deadline::last_day(appeal.decide_by)),
                left: deadline::left(now, appeal.decide_by),
                appeal,
                programme: programme::get(conn)?,
            })
        })
        .await?;
    page::show(&page)
}

#[derive(Template)]
#[template(path = "honours/appeal.html")]
struct AppealPage {
    shell: Shell,
    problems: Problems,
    told: Told,
    appeal: TitleAppeal,
    number: String,
    last_day: String,
    left: String,
    /// Is more than half of the time gone?
    is_urgent: bool,
    /// Why this visitor does not name the panel; nothing for who does.
    not_mine: Option<String>,
    candidates: Vec<Candidate>,
    panel: Vec<Panellist>,
    names: HashMap<Id<User>, String>,
    me: Id<User>,
    key: Id<TitleAppeal>,
    reason: String,
}

impl AppealPage {
    fn filed_at(&self) -> String {
        clock::spoken(self.appeal.filed_at)
    }

    fn eligible(&self) -> usize {
        self.candidates.iter().filter(|one| one.part.is_none()).count()
    }

    fn need(&self) -> usize {
        panel::need(self.eligible())
    }

    fn name(&self, id: &Id<User>) -> &str {
        self.names.get(id).map(String::as_str).unwrap_or_default()
    }

    /// Does the panel wait for this visitor?
    fn waits_for_me(&self) -> bool {
        let mine = self.panel.iter().find(|one| one.user_id == self.me);
        self.appeal.state == State::Accepted && mine.is_some_and(|one| one.opinion.is_none())
    }
}

/// `GET /title-appeals/{receipt}/hearing`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn appeal(FromApp(app): FromApp<App>, staff: Staff, Path(number): Path<String>) -> Result<Response> {
    page::show(&appeal_page(&app, staff, number, Problems::default(), String::new()).await?)
}

async fn appeal_page(
    app: &App,
    staff: Staff,
    number: String,
    problems: Problems,
    reason: String,
) -> Result<AppealPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let appeal = appeal::by_receipt(conn, &number)?;
            let award = award::by_id(conn, &appeal.award_id)?;
            let told = Told::of(conn, &staff, Permission::ReadCouncil, award)?;
            let decides = staff.reach(conn, Permission::DecideObjection)?;
            let not_mine = match parties::part_in(conn, &told.award, &staff.user)? {
                _ if !decides.covers(&told.household.building_id) => {
                    Some("处理申诉是评议会成员和项目管理员的职责，这里只看办理情况。".to_owned())
                }
                Some(part) => Some(format!("您是{}，按回避规定由别人处理。", part.label())),
                None => None,
            };
            let panel = appeal::panel_of(conn, &appeal.id)?;
            let people: Vec<Id<User>> = panel.iter().map(|one| one.user_id.clone()).collect();
            Ok(AppealPage {
                problems,
                number: receipt::spaced(&appeal.receipt),
                last_day: clock::spoken_day(deadline::last_day(appeal.decide_by)),
                left: deadline::left(now, appeal.decide_by),
                is_urgent: appeal.is_urgent(now),
                not_mine,
                candidates: appeal::candidates(conn, &told.award, now)?,
                names: user::display_names(conn, &people)?,
                me: staff.user.id,
                key: Id::new(now),
                shell: staff.shell,
                told,
                appeal,
                panel,
                reason,
            })
        })
        .await
}

/// The fields of a form, in the order in which they were sent.
type Fields = Vec<(String, String)>;

fn field(fields: &Fields, name: &str) -> String {
    let found = fields.iter().find(|(field, _)| field == name);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// `POST /title-appeals/{receipt}/panel`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong is shown on the page.
pub async fn name_panel(
    FromApp(app): FromApp<App>,
    staff: Staff,
    Path(number): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let (now, who, which) = (app.now(), staff.clone(), number.clone());
    let named = app
        .db
        .write(move |conn| {
            let found = within(conn, &who, &which)?;
            let ticked = fields.iter().filter(|(name, _)| name == "panel");
            let asked = Accept {
                appeal: found.id,
                panel: ticked.map(|(_, user)| Id::known(user.as_str())).collect(),
                by: who.user,
                key: field(&fields, "key"),
            };
            appeal::accept(conn, &asked, now)
        })
        .await;
    match named {
        Ok(_) => Ok(page::go(&format!("/title-appeals/{number}/hearing"))),
        Err(error) => refused(&app, staff, number, error, String::new()).await,
    }
}

/// `POST /title-appeals/{receipt}/opinions`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong is shown on the page.
pub async fn give_opinion(
    FromApp(app): FromApp<App>,
    staff: Staff,
    Path(number): Path<String>,
    SignedForm(form): SignedForm<Given>,
) -> Result<Response> {
    let (now, who, which, sent) = (app.now(), staff.clone(), number.clone(), form.clone());
    let given = app
        .db
        .write(move |conn| {
            let found = within(conn, &who, &which)?;
            let opinion = Opinion::from_word(&sent.opinion)
                .ok_or_else(|| Error::invalid("opinion", "请选择申诉成立还是维持原决定。"))?;
            let asked = Give {
                appeal: found.id,
                opinion,
                reason: sent.reason,
                by: who.user.id,
                key: sent.key,
            };
            appeal::give(conn, &asked, now)
        })
        .await;
    match given {
        Ok(_) => Ok(page::go(&format!("/title-appeals/{number}/hearing"))),
        Err(error) => refused(&app, staff, number, error, form.reason).await,
    }
}

/// An opinion, as the form sends it.
#[derive(Clone, Deserialize)]
pub struct Given {
    #[serde(default)]
    key: String,
    #[serde(default)]
    opinion: String,
    #[serde(default)]
    reason: String,
}

/// An appeal about a household where this person decides.
fn within(conn: &mut Conn, staff: &Staff, number: &str) -> Result<TitleAppeal> {
    let found = appeal::by_receipt(conn, number)?;
    let award = award::by_id(conn, &found.award_id)?;
    Told::of(conn, staff, Permission::DecideObjection, award)?;
    Ok(found)
}

async fn refused(app: &App, staff: Staff, number: String, error: Error, reason: String) -> Result<Response> {
    let (status, problems) = Problems::from_error(error)?;
    page::show_with(status, &appeal_page(app, staff, number, problems, reason).await?)
}
