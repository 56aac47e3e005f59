//! The public pages of an appeal: a household, known by its card, says why a decision is wrong and asks how it stands.
//!
//! The card's address opens the form, so that nobody needs an account; a household that signed in has it at hand. It shows which decisions there are to appeal against
//! and neither a name nor a balance.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::holder::Holder;
use super::object::Done;
use super::redress::spaced;
use crate::app::{App, Resident, Sender, Visitor};
use crate::clock::{self, Moment};
use crate::council::appeal::matter::{self, Matter};
use crate::council::appeal::{self, Appeal, File, Kind};
use crate::council::deadline;
use crate::council::objection::Channel;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::household::Household;
use crate::scheme::item;
use crate::sent::{OpenForm, Path, Query, SignedForm};

/// A decision that can be chosen in a form.
pub(super) struct MatterShown {
    pub subject: String,
    pub what: String,
    pub decision: &'static str,
    pub when: String,
    pub left: String,
    /// For too few points: how many times it was posted for.
    pub posted_count: Option<i64>,
}

impl MatterShown {
    pub(super) fn of(conn: &mut Conn, matter: Matter, now: Moment) -> Result<MatterShown> {
        let what = match &matter.nomination {
            Some(row) => {
                let (item, _) = item::by_id(conn, &row.scoring_item_id)?;
                format!("{}（{}）", item.name, clock::spoken_day(row.occurred_on))
            }
            None => "提醒单减了荣誉分".to_owned(),
        };
        let count = matter.nomination.as_ref().map(|row| row.count);
        Ok(MatterShown {
            what,
            decision: matter.kind.label(),
            when: clock::spoken_day(clock::day_of(matter.about_at)),
            left: deadline::left(now, matter.until),
            posted_count: count.filter(|_| matter.kind == Kind::FewerPoints),
            subject: matter.subject,
        })
    }

    pub(super) fn all(conn: &mut Conn, household: &Id<Household>, now: Moment) -> Result<Vec<MatterShown>> {
        let matters = matter::open(conn, household, now)?;
        matters.into_iter().map(|one| MatterShown::of(conn, one, now)).collect()
    }
}

#[derive(Template)]
#[template(path = "council/appeal_new.html")]
struct AppealPage {
    shell: Shell,
    problems: Problems,
    /// Where the form is sent.
    action: String,
    matters: Vec<MatterShown>,
    /// Appeals of this household that are open, by their receipt number.
    open: Vec<(String, String)>,
    key: Id<Appeal>,
    form: NewAppeal,
    office: String,
    phone: String,
}

/// An appeal, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewAppeal {
    #[serde(default)]
    pub(super) key: String,
    #[serde(default)]
    pub(super) subject: String,
    #[serde(default)]
    pub(super) claimed_count: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) contact: String,
}

impl NewAppeal {
    /// The count, when there is one.
    pub(super) fn count(&self) -> Result<Option<i64>> {
        match self.claimed_count.trim() {
            "" => Ok(None),
            digits => digits
                .parse()
                .map(Some)
                .map_err(|_| Error::invalid("claimed_count", "次数应为整数。")),
        }
    }
}

/// `GET /K/{token}/appeal`
///
/// # Errors
/// `NotFound` without the card's secret; `card_stopped`.
pub async fn appeal_form(
    State(app): State<App>,
    visitor: Visitor,
    sender: Sender,
    Path(token): Path<String>,
) -> Result<Response> {
    app.expect_few_look_ups(&visitor, sender)?;
    let holder = Holder::Card(token);
    page::show(&appeal_page(&app, visitor.shell, holder, Problems::default(), NewAppeal::default()).await?)
}

/// `GET /my/appeal`: the same for a household that signed in.
///
/// # Errors
/// Only when the database fails.
pub async fn own_appeal_form(State(app): State<App>, resident: Resident) -> Result<Response> {
    let holder = Holder::SignedIn(resident.household.id);
    page::show(&appeal_page(&app, resident.shell, holder, Problems::default(), NewAppeal::default()).await?)
}

async fn appeal_page(
    app: &App,
    shell: Shell,
    holder: Holder,
    problems: Problems,
    form: NewAppeal,
) -> Result<AppealPage> {
    let programme = app.programme().await?.ok_or(Error::NotFound)?;
    let (office, phone, now) = (programme.office.clone(), programme.phone.clone(), app.now());
    let action = holder.page("appeal");
    let (matters, open) = app
        .db
        .read(move |conn| {
            let household = holder.household(conn, &programme)?;
            let open: Vec<(String, String)> = appeal::of_household(conn, &household)?
                .into_iter()
                .filter(|one| one.state.is_open())
                .map(|one| (spaced(&one.receipt), one.receipt))
                .collect();
            Ok((MatterShown::all(conn, &household, now)?, open))
        })
        .await?;
    Ok(AppealPage {
        shell,
        problems,
        action,
        matters,
        open,
        key: Id::new(now),
        form,
        office,
        phone,
    })
}

/// `POST /K/{token}/appeal`
///
/// # Errors
/// `NotFound` without the card's secret; what is wrong in the form is shown in it.
pub async fn appeal(
    State(app): State<App>,
    visitor: Visitor,
    sender: Sender,
    Path(token): Path<String>,
    OpenForm(form): OpenForm<NewAppeal>,
) -> Result<Response> {
    answer(&app, visitor.shell, sender, Holder::Card(token), form).await
}

/// `POST /my/appeal`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn own_appeal(
    State(app): State<App>,
    resident: Resident,
    sender: Sender,
    SignedForm(form): SignedForm<NewAppeal>,
) -> Result<Response> {
    let holder = Holder::SignedIn(resident.household.id);
    answer(&app, resident.shell, sender, holder, form).await
}

async fn answer(app: &App, shell: Shell, sender: Sender, holder: Holder, form: NewAppeal) -> Result<Response> {
    match try_appeal(app, sender, holder.clone(), form.clone()).await {
        Ok(appeal) => Ok(page::go(&format!("/appeals/{}?done=filed", appeal.receipt))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let page = appeal_page(app, shell, holder, problems, form).await?;
            page::show_with(status, &page)
        }
    }
}

async fn try_appeal(app: &App, sender: Sender, holder: Holder, form: NewAppeal) -> Result<Appeal> {
    let programme = app.programme().await?.ok_or(Error::NotFound)?;
    let household = app.db.read(move |conn| holder.household(conn, &programme)).await?;
    if form.subject.is_empty() {
        return Err(Error::invalid("subject", "请先选对哪个决定不服。"));
    }
    app.expect_few_filings(sender)?;
    let asked = File {
        claimed_count: form.count()?,
        subject: form.subject,
        household: Some(household),
        reason: form.reason,
        contact: form.contact,
        channel: Channel::Web,
        taken_by: None,
        key: form.key,
    };
    let now = app.now();
    app.db.write(move |conn| appeal::file(conn, &asked, now)).await
}

#[derive(Template)]
#[template(path = "council/appeal_receipt.html")]
struct ReceiptPage {
    shell: Shell,
    is_new: bool,
    receipt: String,
    appeal: Appeal,
    left: String,
    last_day: String,
    office: String,
    phone: String,
}

impl ReceiptPage {
    fn filed_at(&self) -> String {
        clock::spoken(self.appeal.filed_at)
    }

    fn accepted_at(&self) -> String {
        self.appeal.accepted_at.map(clock::spoken).unwrap_or_default()
    }

    fn heard_at(&self) -> String {
        self.appeal.heard_at.map(clock::spoken).unwrap_or_default()
    }

    fn decided_at(&self) -> String {
        self.appeal.decided_at.map(clock::spoken).unwrap_or_default()
    }

    fn is_open(&self) -> bool {
        self.appeal.state.is_open()
    }

    fn is_upheld(&self) -> bool {
        self.appeal.state == appeal::State::Upheld
    }
}

/// `GET /appeals/{receipt}`: to whoever has the receipt, where the appeal stands, and nothing about anybody.
///
/// # Errors
/// `NotFound`; `Forbidden` for whoever tries many numbers.
pub async fn appeal_receipt(
    State(app): State<App>,
    visitor: Visitor,
    sender: Sender,
    Path(receipt): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    app.expect_few_look_ups(&visitor, sender)?;
    let programme = app.programme().await?;
    let now = app.now();
    let appeal = app.db.read(move |conn| appeal::by_receipt(conn, &receipt)).await?;
    page::show(&ReceiptPage {
        shell: visitor.shell,
        is_new: done.done == "filed",
        receipt: spaced(&appeal.receipt),
        left: deadline::left(now, appeal.decide_by),
        last_day: clock::spoken_day(deadline::last_day(appeal.decide_by)),
        appeal,
        office: programme.as_ref().map(|one| one.office.clone()).unwrap_or_default(),
        phone: programme.map(|one| one.phone).unwrap_or_default(),
    })
}

impl AppealPage {
    /// Is there something to count among the decisions?
    fn has_count(&self) -> bool {
        self.matters.iter().any(|matter| matter.posted_count.is_some())
    }
}
