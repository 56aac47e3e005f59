//! The staff's pages of appeals: the register, taking one in, naming the panel, the hearing, the opinions.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::appeal::{MatterShown, NewAppeal};
use super::object::Done;
use super::redress::{CHANNELS, Step, channel_sent, household_for, slip_of, spaced, story, waits_for, within};
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Moment};
use crate::council::appeal::panel::{self, Accept, Candidate, Give, Opinion, Panellist, Settle};
use crate::council::appeal::{self, Appeal, File, State as Stand, matter};
use crate::council::objection::Channel;
use crate::council::parties::{Person, Task};
use crate::council::{deadline, member, nomination};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::scheme::item;
use crate::sent::{Path, Query, SignedForm};

#[derive(Template)]
#[template(path = "council/appeals.html")]
struct AppealsPage {
    shell: Shell,
    rows: Vec<Row>,
    may_take: bool,
}

struct Row {
    number: String,
    household: String,
    filed_on: String,
    left: String,
    mine: bool,
    appeal: Appeal,
}

impl AppealsPage {
    fn open(&self) -> usize {
        self.rows.iter().filter(|row| row.appeal.state.is_open()).count()
    }
}

/// Appeals that the register shows.
const SHOWN: i64 = 200;

/// `GET /appeals`
///
/// # Errors
/// Only when the database fails.
pub async fn appeals(State(app): State<App>, staff: Staff) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| {
            let inside = within(conn, &staff, Permission::ReadCouncil)?;
            let mut rows = Vec::new();
            for appeal in appeal::list(conn, inside.as_deref(), SHOWN)? {
                let household = household::by_id(conn, &appeal.household_id)?;
                rows.push(Row {
                    number: spaced(&appeal.receipt),
                    household: format!("{}户 {}", household.head_name, household.code),
                    filed_on: clock::spoken_day(clock::day_of(appeal.filed_at)),
                    left: deadline::left(now, appeal.decide_by),
                    mine: waits_for(conn, &appeal, &staff.user.id)?,
                    appeal,
                });
            }
            Ok(AppealsPage {
                may_take: staff.duties.permit(Permission::TakeObjection),
                shell: staff.shell,
                rows,
            })
        })
        .await?;
    page::show(&page)
}

#[derive(Template)]
#[template(path = "council/appeal_take.html")]
struct TakePage {
    shell: Shell,
    problems: Problems,
    household: Option<Household>,
    address: String,
    matters: Vec<MatterShown>,
    key: Id<Appeal>,
    form: Taken,
    fields: NewAppeal,
}

impl TakePage {
    fn channels(&self) -> [Channel; 3] {
        CHANNELS
    }
}

/// An appeal that the staff write down for a household.
#[derive(Clone, Default, Deserialize)]
pub struct Taken {
    #[serde(default)]
    household: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    claimed_count: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    contact: String,
}

impl Taken {
    fn fields(&self) -> NewAppeal {
        NewAppeal {
            key: self.key.clone(),
            subject: self.subject.clone(),
            claimed_count: self.claimed_count.clone(),
            reason: self.reason.clone(),
            contact: self.contact.clone(),
        }
    }
}

/// `GET /appeals/take`
///
/// # Errors
/// Only when the database fails.
pub async fn take_appeal_form(State(app): State<App>, staff: Staff, Query(form): Query<Taken>) -> Result<Response> {
    page::show(&take_page(&app, staff, Problems::default(), form).await?)
}

async fn take_page(app: &App, staff: Staff, problems: Problems, form: Taken) -> Result<TakePage> {
    let (now, code) = (app.now(), form.household.trim().to_owned());
    let (asked_for, shell) = (!code.is_empty(), staff.shell.clone());
    let found = app
        .db
        .read(move |conn| {
            let household = match household::by_code(conn, &code) {
                Ok(household) => household,
                Err(Error::NotFound) => return Ok(None),
                Err(error) => return Err(error),
            };
            match staff.expect_within(conn, Permission::TakeObjection, &household.building_id) {
                Ok(()) => {}
                Err(Error::NotFound) => return Ok(None),
                Err(error) => return Err(error),
            }
            let matters = MatterShown::all(conn, &household.id, now)?;
            let address = household.address(&Tree::load(conn)?);
            Ok(Some((household, address, matters)))
        })
        .await?;
    let problems = match asked_for && found.is_none() && problems.is_empty() {
        true => Problems::from_error(Error::invalid("household", "没有这个户号，或不在您的片区，请核对。"))?.1,
        false => problems,
    };
    let (household, address, matters) = match found {
        Some((household, address, matters)) => (Some(household), address, matters),
        None => (None, String::new(), Vec::new()),
    };
    Ok(TakePage {
        shell,
        problems,
        household,
        address,
        matters,
        key: Id::new(now),
        fields: form.fields(),
        form,
    })
}

/// `POST /appeals/take`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn take_appeal(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<Taken>,
) -> Result<Response> {
    match try_take(&app, &staff, form.clone()).await {
        Ok(appeal) => Ok(page::go(&format!("/appeals/{}?done=filed", appeal.receipt))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &take_page(&app, staff, problems, form).await?)
        }
    }
}

async fn try_take(app: &App, staff: &Staff, form: Taken) -> Result<Appeal> {
    if form.subject.is_empty() {
        return Err(Error::invalid("subject", "请先选对哪个决定不服。"));
    }
    let channel = channel_sent(&form.channel)?;
    let fields = form.fields();
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let household = household::named(conn, &form.household)?;
            staff.expect_within(conn, Permission::TakeObjection, &household.building_id)?;
            let asked = File {
                claimed_count: fields.count()?,
                subject: fields.subject,
                household: Some(household.id),
                reason: fields.reason,
                contact: fields.contact,
                channel,
                taken_by: Some(staff.user.id),
                key: fields.key,
            };
            appeal::file(conn, &asked, now)
        })
        .await
}

#[derive(Template)]
#[template(path = "council/appeal.html")]
struct AppealPage {
    shell: Shell,
    done: String,
    problems: Problems,
    appeal: Appeal,
    number: String,
    slip: String,
    left: String,
    last_day: String,
    household: Household,
    address: String,
    what: String,
    steps: Vec<Step>,
    panel: Vec<Panellist>,
    candidates: Vec<Candidate>,
    need: usize,
    /// Which place on the panel is the visitor's.
    my_place: Option<i64>,
    may_withdraw: bool,
    /// Why the visitor may not decide about it; `None` when the visitor may.
    not_mine: Option<String>,
    key: Id<Accept>,
    form: Acted,
}

impl AppealPage {
    fn filed_at(&self) -> String {
        clock::spoken(self.appeal.filed_at)
    }

    fn about_on(&self) -> String {
        clock::spoken_day(clock::day_of(self.appeal.about_at))
    }

    fn decided_at(&self) -> String {
        self.appeal.decided_at.map(clock::spoken).unwrap_or_default()
    }

    fn eligible(&self) -> usize {
        self.candidates.iter().filter(|one| one.part.is_none()).count()
    }

    /// Are there too few who can sit on the panel?
    fn too_few(&self) -> bool {
        self.eligible() < self.need
    }

    /// Proposed: the first who can, as many as are needed.
    fn is_proposed(&self, place: &usize) -> bool {
        *place < self.need
    }

    /// Opinions that this visitor may give: the own one, or one on signed paper.
    fn may_give(&self, one: &Panellist) -> bool {
        let free = one.opinion.is_none() && self.not_mine.is_none();
        free && (one.user_id.is_none() || Some(one.position) == self.my_place)
    }

    fn is_over(&self) -> bool {
        !self.appeal.state.is_open()
    }
}

/// `GET /appeals/{receipt}/hearing`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn hearing(
    State(app): State<App>,
    staff: Staff,
    Path(receipt): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let now = app.now();
    let mut page = app
        .db
        .read(move |conn| hearing_page(conn, staff, &receipt, now))
        .await?;
    page.done = done.done;
    page::show(&page)
}

fn hearing_page(conn: &mut Conn, staff: Staff, receipt: &str, now: Moment) -> Result<AppealPage> {
    let appeal = appeal::by_receipt(conn, receipt)?;
    let household = household_for(conn, &staff, Permission::ReadCouncil, &appeal.household_id)?;
    let tree = Tree::load(conn)?;
    let parties = matter::parties(conn, &appeal)?;
    let person = Person::of_user(&staff.user, &member::all(conn)?);
    let reach = staff.duties.reach(Permission::DecideObjection, &tree);
    let not_mine = match parties.part_of(&person, Task::Decide) {
        _ if !reach.covers(&household.building_id) => {
            Some("复议是评议会成员和项目管理员的职责，这里只看办理情况。".to_owned())
        }
        Some(part) => Some(format!("您是{}，按回避规定由别人办理。", part.label())),
        None => None,
    };
    let panel = panel::of(conn, &appeal.id)?;
    let candidates = match appeal.state {
        Stand::Filed => panel::candidates(conn, &appeal, now)?,
        _ => Vec::new(),
    };
    let eligible = candidates.iter().filter(|one| one.part.is_none()).count();
    let (what, steps, slip) = match &appeal.nomination_id {
        Some(id) => {
            let row = nomination::by_id(conn, id)?;
            let (item, _) = item::by_id(conn, &row.scoring_item_id)?;
            let what = format!("{} {}（{}）", item.code, item.name, clock::spoken_day(row.occurred_on));
            (what, story(conn, &row)?, slip_of(conn, &row)?)
        }
        None => {
            let note = matter::reminder_of(conn, &appeal)?;
            (format!("提醒单{}", note.code), Vec::new(), String::new())
        }
    };
    let mine = panel.iter().find(|one| one.user_id.as_ref() == Some(&staff.user.id));
    let withdraw_reach = staff.duties.reach(Permission::TakeObjection, &tree);
    Ok(AppealPage {
        done: String::new(),
        problems: Problems::default(),
        number: spaced(&appeal.receipt),
        slip,
        left: deadline::left(now, appeal.decide_by),
        last_day: clock::spoken_day(deadline::last_day(appeal.decide_by)),
        address: household.address(&tree),
        what,
        steps,
        my_place: mine.map(|one| one.position),
        may_withdraw: appeal.state.is_open() && withdraw_reach.covers(&household.building_id),
        need: panel::need(eligible),
        panel,
        candidates,
        not_mine,
        key: Id::new(now),
        form: Acted::default(),
        shell: staff.shell,
        appeal,
        household,
    })
}

/// A step of an appeal, as its forms send it.
#[derive(Clone, Default, Deserialize)]
pub struct Acted {
    #[serde(default)]
    key: String,
    #[serde(default)]
    hearing: String,
    #[serde(default)]
    position: i64,
    #[serde(default)]
    opinion: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    count: String,
}

/// What is done with an appeal.
enum Act {
    Panel(Vec<String>),
    Hear,
    Give,
    Settle,
    Withdraw,
}

/// The panel, as its form sends it: a box ticked is a field of its own, which a plain form cannot gather.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Ticked(std::collections::BTreeMap<String, String>);

/// `POST /appeals/{receipt}/panel`
///
/// # Errors
/// `NotFound`, also outside the visitor's area: what is wrong in the form is shown on the page.
pub async fn name_panel(
    State(app): State<App>,
    staff: Staff,
    Path(receipt): Path<String>,
    SignedForm(Ticked(fields)): SignedForm<Ticked>,
) -> Result<Response> {
    let panel = fields.keys().filter(|key| key.contains(':')).cloned().collect();
    let form = Acted {
        key: fields.get("key").cloned().unwrap_or_default(),
        ..Acted::default()
    };
    act(app, staff, receipt, form, Act::Panel(panel), "accepted").await
}

/// `POST /appeals/{receipt}/hearing`
///
/// # Errors
/// As [`name_panel`].
pub async fn hold_hearing(
    State(app): State<App>,
    staff: Staff,
    Path(receipt): Path<String>,
    SignedForm(form): SignedForm<Acted>,
) -> Result<Response> {
    act(app, staff, receipt, form, Act::Hear, "heard").await
}

/// `POST /appeals/{receipt}/opinions`
///
/// # Errors
/// As [`name_panel`].
pub async fn give_opinion(
    State(app): State<App>,
    staff: Staff,
    Path(receipt): Path<String>,
    SignedForm(form): SignedForm<Acted>,
) -> Result<Response> {
    act(app, staff, receipt, form, Act::Give, "given").await
}

/// `POST /appeals/{receipt}/settlement`
///
/// # Errors
/// As [`name_panel`].
pub async fn settle_appeal(
    State(app): State<App>,
    staff: Staff,
    Path(receipt): Path<String>,
    SignedForm(form): SignedForm<Acted>,
) -> Result<Response> {
    act(app, staff, receipt, form, Act::Settle, "settled").await
}

/// `POST /appeals/{receipt}/withdrawal`
///
/// # Errors
/// As [`name_panel`].
pub async fn withdraw_appeal(
    State(app): State<App>,
    staff: Staff,
    Path(receipt): Path<String>,
    SignedForm(form): SignedForm<Acted>,
) -> Result<Response> {
    act(app, staff, receipt, form, Act::Withdraw, "withdrawn").await
}

async fn act(app: App, staff: Staff, receipt: String, form: Acted, what: Act, done: &str) -> Result<Response> {
    match try_act(&app, &staff, receipt.clone(), form.clone(), what).await {
        Ok(appeal) => Ok(page::go(&format!("/appeals/{}/hearing?done={done}", appeal.receipt))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let now = app.now();
            let mut page = app
                .db
                .read(move |conn| hearing_page(conn, staff, &receipt, now))
                .await?;
            page.problems = problems;
            page.form = form;
            page::show_with(status, &page)
        }
    }
}

async fn try_act(app: &App, staff: &Staff, receipt: String, form: Acted, what: Act) -> Result<Appeal> {
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let appeal = appeal::by_receipt(conn, &receipt)?;
            let permission = match what {
                Act::Withdraw => Permission::TakeObjection,
                _ => Permission::DecideObjection,
            };
            household_for(conn, &staff, permission, &appeal.household_id)?;
            carry_out(conn, appeal, staff.user, form, what, now)
        })
        .await
}

fn carry_out(conn: &mut Conn, appeal: Appeal, by: user::User, form: Acted, what: Act, now: Moment) -> Result<Appeal> {
    match what {
        Act::Panel(panel) => {
            let asked = Accept {
                appeal: appeal.id,
                panel,
                by,
                key: form.key,
            };
            panel::accept(conn, &asked, now)
        }
        Act::Hear => panel::hear(conn, &appeal.id, &form.hearing, &by, now),
        Act::Give => {
            let opinion = Opinion::from_word(&form.opinion)
                .ok_or_else(|| Error::invalid("opinion", "请选择申诉成立还是维持原决定。"))?;
            let asked = Give {
                appeal: appeal.id,
                position: form.position,
                opinion,
                reason: form.reason,
                by,
                key: form.key,
            };
            panel::give(conn, &asked, now)
        }
        Act::Settle => {
            let count = match form.count.trim() {
                "" => None,
                digits => Some(digits.parse().map_err(|_| Error::invalid("count", "次数应为整数。"))?),
            };
            let asked = Settle {
                appeal: appeal.id,
                words: form.words,
                count,
                by,
                key: form.key,
            };
            panel::settle(conn, &asked, now)
        }
        Act::Withdraw => appeal::withdraw(conn, &appeal.id, by.id.as_str(), now),
    }
}

impl TakePage {
    /// Is there something to count among the decisions?
    fn has_count(&self) -> bool {
        self.matters.iter().any(|matter| matter.posted_count.is_some())
    }
}

/// The badge of a state; a template hands in a reference.
fn appeal_badge(state: &Stand) -> &'static str {
    match state {
        Stand::Filed | Stand::Accepted | Stand::Heard => "badge warn",
        Stand::Upheld | Stand::Settled => "badge ok",
        Stand::Dismissed => "badge bad",
        Stand::Withdrawn => "badge",
    }
}
