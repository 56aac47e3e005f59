//! The page of a session for whoever keeps it: the roll call, one motion after the other, the minutes, the notice.
//!
//! One page in three states. Its forms are small and each does one thing; each carries a key of its own, so that a button
//! pressed twice counts once. While the session is open a script looks every few seconds whether something happened;
//! without it there is a link that does the same.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::hall::{Hall, Names};
use crate::access::role::Permission;
use crate::access::user::User;
use crate::app::{App, Staff};
use crate::clock::{Day, Moment, day_of};
use crate::council::member::CouncilMember;
use crate::council::motion;
use crate::council::motion::{Choice, Motion};
use crate::council::session::{self, BallotForm, Business, Open, Session};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::ballot;
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::papers::form::Form;
use crate::request::{Request, Requests};
use crate::sent::{NoFields, Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "council/session.html")]
struct SessionPage {
    shell: Shell,
    done: String,
    problems: Problems,
    hall: Hall,
    draft: Draft,
    me: Id<User>,
    my_name: String,
    today: Day,
    now: Moment,
}

/// What was written in a form that was refused, so that nobody writes it again.
#[derive(Clone, Default)]
pub(super) struct Draft {
    pub minutes: String,
    pub counts: [String; 3],
    pub second: String,
    pub present: Option<Vec<String>>,
    pub chair: String,
}

impl SessionPage {
    /// A key for one form.
    fn key(&self) -> Id<Request> {
        Id::new(self.now)
    }

    fn is(&self, state: &str) -> bool {
        self.hall.session.state.word() == state
    }

    /// The number of its tally sheet.
    fn form(&self) -> String {
        Form::Tally.number(self.hall.session.number)
    }

    fn is_secret(&self) -> bool {
        self.hall.session.ballot == BallotForm::Secret
    }

    fn may_open_today(&self) -> bool {
        self.hall.session.held_on <= self.today
    }

    /// Before the roll call everybody is thought to be there.
    fn is_ticked(&self, id: &Id<CouncilMember>) -> bool {
        let ticked = self.draft.present.as_ref();
        ticked.is_none_or(|present| present.iter().any(|one| one == id.as_str()))
    }

    fn rows_waiting(&self) -> usize {
        self.hall.motions.iter().map(|put| put.rows.len()).sum()
    }

    /// What was done just before this page, told once.
    fn told(&self) -> Option<&'static str> {
        Some(match self.done.as_str() {
            "convened" => "会议已登记。到了开会那天，在这里点名、开会。",
            "opened" => "会议开始了，议程已经排好。",
            "arrived" => "已登记到会，可以参加还没有结果的表决。",
            "hands" => "表决已记下。",
            "ended" => "投票已结束。",
            "tally" => "票数已录入。",
            "separated" => "已抽出，排在最后单独表决。",
            "stepped-back" => "已记下回避，这一项不用投票。",
            "closed" => "已散会，会议记录已存好。",
            "cancelled" => "会议已取消，申报留待下次。",
            "published" => "已公示。",
            _ => return None,
        })
    }
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /sessions/{number}`
///
/// # Errors
/// `NotFound`, also for a session that does not concern the visitor.
pub async fn session(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let mut page = session_page(&app, staff, number).await?;
    page.done = done.done;
    page::show(&page)
}

async fn session_page(app: &App, staff: Staff, number: i64) -> Result<SessionPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let hall = Hall::load(conn, &staff, number, Names::AsPermitted, now)?;
            Ok(SessionPage {
                shell: staff.shell,
                done: String::new(),
                problems: Problems::default(),
                hall,
                draft: Draft::default(),
                me: staff.user.id,
                my_name: staff.user.display_name,
                today: day_of(now),
                now,
            })
        })
        .await
}

/// Shows the page again with what is wrong.
pub(super) async fn refused(app: &App, staff: Staff, number: i64, error: Error, draft: Draft) -> Result<Response> {
    let (status, problems): (StatusCode, Problems) = Problems::from_error(error)?;
    let mut page = session_page(app, staff, number).await?;
    page.problems = problems;
    page.draft = draft;
    page::show_with(status, &page)
}

/// A session that this person keeps.
///
/// # Errors
/// `NotFound`, also for another area's.
pub(super) fn kept(conn: &mut Conn, staff: &Staff, number: i64) -> Result<Session> {
    let session = session::by_number(conn, number)?;
    staff.expect_within(conn, Permission::KeepSession, &session.area_id)?;
    Ok(session)
}

/// A motion of this session.
///
/// # Errors
/// `NotFound`.
pub(super) fn of(conn: &mut Conn, session: &Session, motion: &str) -> Result<Motion> {
    let found = motion::by_id(conn, &Id::known(motion))?;
    match found.session_id == session.id {
        true => Ok(found),
        false => Err(Error::NotFound),
    }
}

/// An act of a form: who sends it, under which key, and what it is about.
pub(super) struct Act<'a, C: Serialize> {
    pub key: &'a str,
    pub name: &'static str,
    pub content: C,
}

/// Carries an act out once, however often its form is sent.
pub(super) fn once<C: Serialize>(
    conn: &mut Conn,
    act: &Act<'_, C>,
    by: &Id<User>,
    now: Moment,
    work: impl FnOnce(&mut Conn) -> Result<()>,
) -> Result<()> {
    let request = Request::new(act.key, by.as_str(), act.name, &act.content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if requests.earlier(&request)?.is_some() {
        return Ok(());
    }
    work(conn)?;
    requests.carried_out(&request, act.name, now);
    requests.save(conn)
}

/// The fields of a form, in the order in which they were sent. A field may come more than once.
pub(super) type Fields = Vec<(String, String)>;

pub(super) fn field(fields: &Fields, name: &str) -> String {
    let found = fields.iter().find(|(field, _)| field == name);
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// Does what `work` says to a session that the visitor keeps, and shows its page.
pub(super) async fn act(
    app: &App,
    staff: Staff,
    number: i64,
    (done, draft): (&str, Draft),
    work: impl FnOnce(&mut Conn, &Session, &Id<User>, Moment) -> Result<()> + Send + 'static,
) -> Result<Response> {
    let (now, who) = (app.now(), staff.clone());
    let carried_out = app
        .db
        .write(move |conn| {
            let session = kept(conn, &who, number)?;
            work(conn, &session, &who.user.id, now)
        })
        .await;
    match carried_out {
        Ok(()) => Ok(page::go(&format!("/sessions/{number}?done={done}"))),
        Err(error) => refused(app, staff, number, error, draft).await,
    }
}

/// `POST /sessions/{number}/opening`
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn open(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let ticked = fields.iter().filter(|(name, _)| name == "present");
    let present: Vec<String> = ticked.map(|(_, value)| value.clone()).collect();
    let chair = field(&fields, "chair");
    let draft = Draft {
        present: Some(present.clone()),
        chair: chair.clone(),
        ..Draft::default()
    };
    act(&app, staff, number, ("opened", draft), move |conn, session, by, now| {
        let asked = Open {
            session: session.id.clone(),
            present: present.into_iter().map(Id::known).collect(),
            chair: Id::known(chair),
            by: by.clone(),
        };
        let business = match ballot::waits(conn, &session.area_id, now)? {
            true => Business::MoreThanNominations,
            false => Business::Nominations,
        };
        session::open_with(conn, &asked, business, now).map(drop)
    })
    .await
}

/// `POST /sessions/{number}/cancellation`
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn cancel(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    act(
        &app,
        staff,
        number,
        ("cancelled", Draft::default()),
        |conn, session, by, now| session::cancel(conn, &session.id, by, now).map(drop),
    )
    .await
}

/// Who came late.
#[derive(Deserialize)]
pub struct Late {
    #[serde(default)]
    member: String,
}

/// `POST /sessions/{number}/arrivals`
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn arrive(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(late): SignedForm<Late>,
) -> Result<Response> {
    let what = ("arrived", Draft::default());
    act(&app, staff, number, what, move |conn, session, by, now| {
        session::arrive(conn, &session.id, &Id::known(late.member), by, now)
    })
    .await
}

/// What was said, besides the votes.
#[derive(Deserialize)]
pub struct Minutes {
    #[serde(default)]
    minutes: String,
}

/// `POST /sessions/{number}/closing`
///
/// # Errors
/// `NotFound`: what is wrong is shown on the page.
pub async fn close(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(sent): SignedForm<Minutes>,
) -> Result<Response> {
    let draft = Draft {
        minutes: sent.minutes.clone(),
        ..Draft::default()
    };
    act(&app, staff, number, ("closed", draft), move |conn, session, by, now| {
        session::close(conn, &session.id, &sent.minutes, by, now).map(drop)
    })
    .await
}
