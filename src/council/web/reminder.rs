//! The page of a reminder note: the paper that the household gets, where it stands, and what can be done with it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::reminders::Sight;
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment, day_of};
use crate::council::reminder::unheeded::{self, Objection};
use crate::council::reminder::{self, Act, ReminderNote, State as Stand, Way, due, spaced};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::places::programme;
use crate::points::Points;
use crate::scheme::terms::{self, HonourPenalty, ReminderRule};
use crate::scheme::version;
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "council/reminder.html")]
struct ReminderPage {
    shell: Shell,
    done: String,
    problems: Problems,
    /// What was written into the form that was refused.
    words: String,
    note: ReminderNote,
    objection: Option<Objection>,
    household: Household,
    address: String,
    rule: Option<ReminderRule>,
    penalty: HonourPenalty,
    scheme: String,
    names: Names,
    office: String,
    phone: String,
    today: Day,
    may: May,
    key: Id<Act>,
}

/// Who is named on the page.
#[derive(Default)]
struct Names {
    issued_by: String,
    acknowledged_by: String,
    unfixed_by: String,
    decided_by: String,
    closed_by: String,
}

/// What this person can do with the note now.
#[derive(Clone, Copy, Default)]
struct May {
    deliver: bool,
    fix: bool,
    withdraw: bool,
    confirm: bool,
    object: bool,
    decide: bool,
}

impl ReminderPage {
    fn number(&self) -> String {
        spaced(&self.note.code)
    }

    fn costs(&self) -> bool {
        self.note.points_at_stake > Points::ZERO
    }

    fn is_unfixed(&self) -> bool {
        self.note.state == Stand::Unfixed
    }

    fn is_reduced(&self) -> bool {
        self.note.points_taken.is_some()
    }

    fn is_late(&self) -> bool {
        self.note.fix_by < self.today && matches!(self.note.state, Stand::Issued | Stand::Acknowledged)
    }

    fn open_objection(&self) -> Option<&Objection> {
        self.objection.as_ref().filter(|objection| objection.is_open())
    }

    /// What the paper is called at this stage.
    fn title(&self) -> &'static str {
        match (self.is_reduced(), self.is_unfixed()) {
            (true, _) => "荣誉分调整通知",
            (false, true) => "未整改告知书",
            (false, false) => "提醒单",
        }
    }

    fn posts_on(&self) -> Option<String> {
        due::due_on(&self.note, self.objection.as_ref()).map(clock::spoken_day)
    }

    /// What was done just before this page, told once.
    fn told(&self) -> Option<&'static str> {
        match self.done.as_str() {
            "issued" if self.note.state == Stand::Issued => {
                Some("提醒单已开好。请打印或读给住户听，送达后点“怎样送达的”。")
            }
            "delivered" if self.note.state == Stand::Acknowledged => {
                Some("已记下送达。住户改好以后，到这里点“已经改好”。")
            }
            "confirmed" if self.is_unfixed() => Some("已复核并告知。异议期过后才会减荣誉分；在那之前改好，仍然不减。"),
            "objected" if self.open_objection().is_some() => Some("异议已登记，答复之前不会减分。"),
            "dismissed" if self.is_unfixed() => Some("已答复。请把理由告诉住户。"),
            _ => None,
        }
    }
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /reminders/{id}`
///
/// # Errors
/// `NotFound`, also for what is over, and for a household outside the visitor's area.
pub async fn reminder(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let now = app.now();
    let mut page = app
        .db
        .read(move |conn| reminder_page(conn, &staff, &Id::known(id), now))
        .await?;
    page.done = done.done;
    page::show(&page)
}

fn reminder_page(conn: &mut Conn, staff: &Staff, id: &Id<ReminderNote>, now: Moment) -> Result<ReminderPage> {
    let (note, household) = visible(conn, staff, id)?;
    let tree = Tree::load(conn)?;
    let terms = terms::of(conn, &note.scheme_version_id)?;
    let objection = unheeded::objection_to(conn, &note.id)?;
    let programme = programme::get(conn)?;
    let today = day_of(now);
    Ok(ReminderPage {
        shell: staff.shell.clone(),
        done: String::new(),
        problems: Problems::default(),
        words: String::new(),
        address: household.address(&tree),
        rule: reminder::rule_of(&terms, &note.rule_code).cloned(),
        penalty: terms.honour_penalty,
        scheme: scheme(conn, &note)?,
        names: names(conn, &note, objection.as_ref())?,
        office: programme.office,
        phone: programme.phone,
        may: may(staff, &tree, &note, objection.as_ref(), &household, today),
        today,
        key: Id::new(now),
        note,
        objection,
        household,
    })
}

/// The note with its household, if the visitor may see it.
fn visible(conn: &mut Conn, staff: &Staff, id: &Id<ReminderNote>) -> Result<(ReminderNote, Household)> {
    let note = reminder::by_id(conn, id)?;
    let household = household::by_id(conn, &note.household_id)?;
    match Sight::of(conn, staff)?.covers(&note, &household) {
        true => Ok((note, household)),
        false => Err(Error::NotFound),
    }
}

fn may(
    staff: &Staff,
    tree: &Tree,
    note: &ReminderNote,
    objection: Option<&Objection>,
    household: &Household,
    today: Day,
) -> May {
    let within = |permission| staff.duties.reach(permission, tree).covers(&household.building_id);
    let (handles, confirms) = (
        within(Permission::HandleReminders),
        within(Permission::ConfirmReminders),
    );
    let own = staff.user.household_id.as_ref() == Some(&note.household_id);
    let issued = note.issued_by == staff.user.id;
    let saw = note.unfixed_by.as_ref() == Some(&staff.user.id);
    let before = matches!(note.state, Stand::Issued | Stand::Acknowledged);
    let costs = note.points_at_stake > Points::ZERO;
    let objected = objection.is_some_and(Objection::is_open);
    May {
        deliver: handles && note.state == Stand::Issued,
        fix: handles && !own && note.state.is_open(),
        withdraw: handles && !own && !note.state.is_over() && (issued || confirms),
        confirm: confirms && !own && !issued && before && costs && note.fix_by < today,
        object: handles && note.state == Stand::Unfixed && objection.is_none(),
        decide: confirms && !own && !issued && !saw && objected,
    }
}

fn scheme(conn: &mut Conn, note: &ReminderNote) -> Result<String> {
    match version::in_force(conn, day_of(note.issued_at)) {
        Ok(scheme) if scheme.id == note.scheme_version_id => Ok(format!("{}（第{}版）", scheme.name, scheme.version)),
        Ok(_) | Err(Error::NotFound) => Ok("开单时施行的方案".to_owned()),
        Err(error) => Err(error),
    }
}

fn names(conn: &mut Conn, note: &ReminderNote, objection: Option<&Objection>) -> Result<Names> {
    let decided_by = objection.and_then(|objection| objection.decided_by.as_ref());
    let named = [
        Some(&note.issued_by),
        note.acknowledged_by.as_ref(),
        note.unfixed_by.as_ref(),
        decided_by,
        note.closed_by.as_ref(),
    ];
    let ids: Vec<Id<User>> = named.iter().flatten().map(|id| (*id).clone()).collect();
    let known = user::display_names(conn, &ids)?;
    let name = |id: Option<&Id<User>>| id.and_then(|id| known.get(id)).cloned().unwrap_or_default();
    let [issued_by, acknowledged_by, unfixed_by, decided_by, closed_by] = named.map(name);
    Ok(Names {
        issued_by,
        acknowledged_by,
        unfixed_by,
        decided_by,
        closed_by,
    })
}

/// What a form of this page sends.
#[derive(Clone, Default, Deserialize)]
pub struct Sent {
    #[serde(default)]
    key: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    how: String,
    #[serde(default)]
    decision: String,
}

/// One of the things that can be done with a note.
#[derive(Clone, Copy)]
enum Doing {
    Deliver,
    Fix,
    Withdraw,
    Confirm,
    Object,
    Decide { upheld: bool },
}

impl Doing {
    fn permission(self) -> Permission {
        match self {
            Doing::Confirm | Doing::Decide { .. } => Permission::ConfirmReminders,
            _ => Permission::HandleReminders,
        }
    }

    /// Where it leads: to the note, or to the list when the note is over.
    fn then(self, id: &Id<ReminderNote>) -> String {
        match self {
            Doing::Deliver => format!("/reminders/{id}?done=delivered"),
            Doing::Confirm => format!("/reminders/{id}?done=confirmed"),
            Doing::Object => format!("/reminders/{id}?done=objected"),
            Doing::Decide { upheld: false } => format!("/reminders/{id}?done=dismissed"),
            Doing::Decide { upheld: true } => "/reminders?done=upheld".to_owned(),
            Doing::Fix => "/reminders?done=fixed".to_owned(),
            Doing::Withdraw => "/reminders?done=withdrawn".to_owned(),
        }
    }
}

/// `POST /reminders/{id}/delivery`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown in it.
pub async fn deliver_reminder(
    app: State<App>,
    staff: Staff,
    id: Path<String>,
    form: SignedForm<Sent>,
) -> Result<Response> {
    answer(app, staff, id, form, Doing::Deliver).await
}

/// `POST /reminders/{id}/fixing`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown in it.
pub async fn fix_reminder(app: State<App>, staff: Staff, id: Path<String>, form: SignedForm<Sent>) -> Result<Response> {
    answer(app, staff, id, form, Doing::Fix).await
}

/// `POST /reminders/{id}/withdrawal`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown in it.
pub async fn withdraw_reminder(
    app: State<App>,
    staff: Staff,
    id: Path<String>,
    form: SignedForm<Sent>,
) -> Result<Response> {
    answer(app, staff, id, form, Doing::Withdraw).await
}

/// `POST /reminders/{id}/confirmation`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown in it.
pub async fn confirm_reminder(
    app: State<App>,
    staff: Staff,
    id: Path<String>,
    form: SignedForm<Sent>,
) -> Result<Response> {
    answer(app, staff, id, form, Doing::Confirm).await
}

/// `POST /reminders/{id}/objection`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown in it.
pub async fn object_to_reminder(
    app: State<App>,
    staff: Staff,
    id: Path<String>,
    form: SignedForm<Sent>,
) -> Result<Response> {
    answer(app, staff, id, form, Doing::Object).await
}

/// `POST /reminders/{id}/objection/decision`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown in it.
pub async fn decide_objection_to_reminder(
    app: State<App>,
    staff: Staff,
    id: Path<String>,
    form: SignedForm<Sent>,
) -> Result<Response> {
    let upheld = form.0.decision == "uphold";
    answer(app, staff, id, form, Doing::Decide { upheld }).await
}

async fn answer(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Sent>,
    doing: Doing,
) -> Result<Response> {
    let id: Id<ReminderNote> = Id::known(id);
    match carry_out(&app, &staff, &id, form.clone(), doing).await {
        Ok(_) => Ok(page::go(&doing.then(&id))),
        Err(error) => {
            let now = app.now();
            let mut page = match app.db.read(move |conn| reminder_page(conn, &staff, &id, now)).await {
                // It is over meanwhile, and so is its page: what was refused is all there is to say.
                Err(Error::NotFound) => return Err(error),
                page => page?,
            };
            let (status, problems) = Problems::from_error(error)?;
            page.problems = problems;
            page.words = form.words;
            page::show_with(status, &page)
        }
    }
}

async fn carry_out(app: &App, staff: &Staff, id: &Id<ReminderNote>, form: Sent, doing: Doing) -> Result<ReminderNote> {
    let (now, staff, id) = (app.now(), staff.clone(), id.clone());
    app.db
        .write(move |conn| {
            let note = reminder::by_id(conn, &id)?;
            let household = household::by_id(conn, &note.household_id)?;
            staff.expect_within(conn, doing.permission(), &household.building_id)?;
            let issued = note.issued_by == staff.user.id;
            let confirms = staff
                .reach(conn, Permission::ConfirmReminders)?
                .covers(&household.building_id);
            if matches!(doing, Doing::Withdraw) && !issued && !confirms {
                return Err(Error::Forbidden("只有开单人和复核人员可以撤销提醒单。"));
            }
            if matches!(doing, Doing::Decide { .. }) && !matches!(form.decision.as_str(), "uphold" | "dismiss") {
                return Err(Error::invalid("decision", "请选择异议成立或不成立。"));
            }
            let asked = Act {
                note: id,
                words: form.words,
                how: Way::from_word(&form.how),
                by: staff.user,
                key: form.key,
            };
            match doing {
                Doing::Deliver => reminder::acknowledge(conn, &asked, now),
                Doing::Fix => reminder::fix(conn, &asked, now),
                Doing::Withdraw => reminder::withdraw(conn, &asked, now),
                Doing::Confirm => unheeded::confirm(conn, &asked, now),
                Doing::Object => unheeded::object(conn, &asked, now),
                Doing::Decide { upheld } => unheeded::decide(conn, &asked, upheld, now),
            }
        })
        .await
}
