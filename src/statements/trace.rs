//! One trace: from a line of a statement, or a row of a notice, to everything that led to it, and back.
//!
//! Rule, nomination, verification, each session with its votes, notice and row, objections, budget, posting, corrections,
//! appeals, and what took it back: they lie in many rooms and are joined here. Whatever number somebody holds in his hand — of a transaction that held,
//! posted, released or reversed points, or the slip number of a notice — the same trace is found, and each of its steps
//! names where it is kept, so that one can go from step to step in both directions.

use crate::access::user::{self, User};
use crate::clock::{self, Day, day_of};
use crate::council::appeal::{self, Appeal};
use crate::council::budget::{self, Waiting};
use crate::council::correction::{self, Correction};
use crate::council::evidence;
use crate::council::member::{self, CouncilMember};
use crate::council::motion::{self, Motion};
use crate::council::nomination::{self, Nomination, State};
use crate::council::notice::{self, Notice};
use crate::council::objection::{self, Objection};
use crate::council::receipt;
use crate::council::session::{self, Session};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::award::{self, AWARDED, REVOKED, TitleAward};
use crate::honours::notice as title_notice;
use crate::id::Id;
use crate::ledger::account::{AccountKind, PROGRAMME};
use crate::ledger::balance::{self, Head};
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::scheme::item::{self, Category, Item};
use crate::scheme::version;

/// What a number leads to.
#[derive(Clone, Debug)]
pub enum Traced {
    /// Points for a deed.
    Award(Box<Trace>),
    /// A title, or the points that came or went with it.
    Title(Box<TitleAward>),
    /// Points that moved for another reason: whose, and the transaction.
    Other(Box<Household>, Head),
}

/// The whole way of a deed.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Who is to have the points.
    pub household: Household,
    /// The nomination, which is the middle of it all.
    pub nomination: Nomination,
    /// The rule.
    pub item: Item,
    /// The rule's category.
    pub category: Category,
    /// The version of the rules, as people call it.
    pub scheme: String,
    /// Who nominated.
    pub nominated_by: String,
    /// How many photographs and papers were handed in with it.
    pub evidence: usize,
    /// Who verified or returned it; empty before.
    pub decided_by: String,
    /// Each time it came before a council, the last one last.
    pub hearings: Vec<Hearing>,
    /// Its notice.
    pub notice: Option<Notice>,
    /// What was objected to it, the first one first.
    pub objections: Vec<Objection>,
    /// The household's appeals about it, the first one first.
    pub appeals: Vec<Appeal>,
    /// What was proposed to put right after it had posted, the first one first.
    pub corrections: Vec<Correction>,
    /// Its place in the queue for the budget, from 1.
    pub waiting: Option<(usize, Waiting)>,
    /// What took the points back.
    pub reversal: Option<Reversal>,
}

/// A nomination before a council.
#[derive(Clone, Debug)]
pub struct Hearing {
    /// The session.
    pub session: Session,
    /// The motion, with its votes.
    pub motion: Motion,
    /// Who stepped back, and why.
    pub recused: Vec<(String, String)>,
}

/// A reversal.
#[derive(Clone, Debug)]
pub struct Reversal {
    /// Its transaction.
    pub head: Head,
    /// What had been spent already, and the programme bore.
    pub written_off: Points,
}

// ---- Steps ---------------------------------------------------------------------------------------------------------

/// Where a step is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// The rule, by its code.
    Rule(String),
    /// The nomination.
    Nomination(Id<Nomination>),
    /// A session, by its number.
    Session(i64),
    /// A notice, by its number.
    Notice(i64),
    /// An objection, by its receipt.
    Objection(String),
    /// An appeal, by its receipt.
    Appeal(String),
    /// A correction.
    Correction(Id<Correction>),
    /// The budget.
    Budget,
    /// A transaction, by its number: the same trace, or another.
    Transaction(i64),
    /// The statement of a household, by its code.
    Statement(String),
}

impl To {
    /// Its address.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            To::Rule(code) => format!("/scheme?q={code}"),
            To::Nomination(id) => format!("/nominations/{id}"),
            To::Session(number) => format!("/sessions/{number}"),
            To::Notice(number) => format!("/notices/{number}"),
            To::Objection(receipt) => format!("/objections/{receipt}/decision"),
            To::Appeal(receipt) => format!("/appeals/{receipt}/hearing"),
            To::Correction(id) => format!("/corrections/{id}"),
            To::Budget => "/budget".to_owned(),
            To::Transaction(number) => format!("/trace/{number}"),
            To::Statement(code) => format!("/households/{code}/statement"),
        }
    }

    /// Does it take the duty of reading the council to go there?
    #[must_use]
    pub fn is_of_council(&self) -> bool {
        match self {
            To::Session(_) | To::Budget | To::Objection(_) | To::Appeal(_) | To::Correction(_) => true,
            To::Rule(_) | To::Nomination(_) | To::Notice(_) | To::Transaction(_) | To::Statement(_) => false,
        }
    }
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Behind us.
    Done,
    /// Where it stands.
    Now,
    /// Still to come.
    Next,
    /// Where it ended.
    No,
}

impl Progress {
    /// Its class on a page.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Progress::Done => "done",
            Progress::Now => "now",
            Progress::Next => "next",
            Progress::No => "no",
        }
    }
}

/// One step of the way.
#[derive(Clone, Debug)]
pub struct Step {
    /// `核实`.
    pub title: &'static str,
    /// How far it is.
    pub progress: Progress,
    /// Who, or what came of it.
    pub text: String,
    /// When, and what more there is to say.
    pub small: String,
    /// Where it is kept, each with what the link says.
    pub links: Vec<(To, String)>,
}

impl Step {
    fn new(title: &'static str, progress: Progress, text: impl Into<String>, small: impl Into<String>) -> Step {
        Step {
            title,
            progress,
            text: text.into(),
            small: small.into(),
            links: Vec::new(),
        }
    }

    fn with(mut self, to: To, label: impl Into<String>) -> Step {
        self.links.push((to, label.into()));
        self
    }
}

impl Trace {
    /// The slip number of its row, `12-3`; `None` before it is on a notice.
    #[must_use]
    pub fn slip(&self) -> Option<String> {
        self.notice.as_ref().map(|notice| self.nomination.notice_slip(notice))
    }

    /// The whole way in words: what is done, where it stands, what comes.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = vec![self.nominated(), self.verified()];
        let state = self.nomination.state;
        if matches!(state, State::Returned | State::Withdrawn) {
            return steps;
        }
        steps.extend(self.heard());
        let ended_in_council =
            state == State::Declined && self.notice.is_none() && self.nomination.pending_number.is_none();
        if !ended_in_council {
            steps.extend(self.notified());
        }
        steps.extend(self.objections.iter().map(objected));
        if state != State::Declined {
            steps.push(self.posted());
        }
        steps.extend(self.corrections.iter().map(corrected));
        steps.extend(self.reversed());
        steps.extend(self.appeals.iter().map(appealed));
        steps
    }

    fn nominated(&self) -> Step {
        let mut when = clock::spoken(self.nomination.nominated_at);
        if self.evidence > 0 {
            when.push_str(&format!("，佐证{}份", self.evidence));
        }
        Step::new("申报", Progress::Done, self.nominated_by.clone(), when)
            .with(To::Nomination(self.nomination.id.clone()), "申报单")
            .with(To::Rule(self.item.code.clone()), format!("{}的规则", self.item.code))
    }

    fn verified(&self) -> Step {
        let nomination = &self.nomination;
        let when = nomination.decided_at.map(clock::spoken).unwrap_or_default();
        let small = match &nomination.decision_reason {
            Some(reason) => format!("{when}，{reason}"),
            None => when,
        };
        match nomination.state {
            State::Submitted => Step::new("核实", Progress::Now, "等待核实", "由申报人以外的人核实"),
            State::Withdrawn => {
                let why = nomination.ending_reason.clone().unwrap_or_default();
                Step::new("撤回", Progress::No, "申报人已撤回", why)
            }
            State::Returned => Step::new("核实", Progress::No, format!("{}退回", self.decided_by), small),
            _ => Step::new("核实", Progress::Done, self.decided_by.clone(), small),
        }
    }

    fn heard(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = self.hearings.iter().map(Hearing::step).collect();
        let last = self.hearings.last().map(|hearing| hearing.motion.state);
        match self.nomination.state {
            State::Submitted => steps.push(Step::new(
                "评议",
                Progress::Next,
                "",
                "评议会表决，与本户有关的成员回避",
            )),
            State::Verified if last != Some(motion::State::Waiting) => {
                steps.push(Step::new(
                    "评议",
                    Progress::Now,
                    "等评议会开会",
                    "核实过的申报由评议会表决",
                ));
            }
            State::Declined if steps.is_empty() => {
                let why = self.nomination.ending_reason.clone().unwrap_or_default();
                steps.push(Step::new("评议", Progress::No, "未通过", why));
            }
            _ => {}
        }
        steps
    }

    fn notified(&self) -> Option<Step> {
        let state = self.nomination.state;
        let Some(notice) = &self.notice else {
            return match state {
                State::Approved => Some(Step::new("公示", Progress::Now, "等待公示", "评议通过后张榜公示")),
                State::Submitted | State::Verified => {
                    Some(Step::new("公示", Progress::Next, "", "公示期内谁都可以提异议"))
                }
                State::Declined => {
                    let why = self.nomination.ending_reason.clone().unwrap_or_default();
                    Some(Step::new("公示", Progress::No, "不予入账", why))
                }
                // From before there were notices, or granted on appeal.
                _ => None,
            };
        };
        let slip = self.nomination.notice_slip(notice);
        let from = clock::spoken_day(day_of(notice.published_at));
        let last_day = day_of(notice.ends_at).pred_opt().unwrap_or_default();
        let span = format!("{from}公示，到{}24时", clock::spoken_day(last_day));
        let (progress, text) = match state {
            State::Notified => (Progress::Now, format!("公示中，条目编号{slip}")),
            State::Suspended => (Progress::Now, format!("有异议，暂缓入账，条目编号{slip}")),
            State::Declined => (Progress::No, format!("不予入账，条目编号{slip}")),
            _ => (Progress::Done, format!("期满，条目编号{slip}")),
        };
        let small = match (&self.nomination.ending_reason, state) {
            (Some(why), State::Declined) => format!("{span}；{why}"),
            _ => span,
        };
        Some(
            Step::new("公示", progress, text, small)
                .with(To::Notice(notice.number), format!("第{}号公示", notice.number)),
        )
    }

    fn posted(&self) -> Step {
        let nomination = &self.nomination;
        let what = self.what_counts();
        if let Some(number) = nomination.transaction_number {
            let when = nomination.posted_at.map(clock::spoken).unwrap_or_default();
            return Step::new(
                "入账",
                Progress::Done,
                format!("凭条号{number}"),
                format!("{when}，{what}"),
            )
            .with(To::Transaction(number), format!("第{number}号凭条"))
            .with(To::Statement(self.household.code.clone()), "对账单");
        }
        match (&self.waiting, &self.notice, nomination.state) {
            (Some((place, waiting)), ..) => {
                let when = match waiting.likely {
                    Some(month) => format!("大约{}入账", month.format("%Y年%-m月")),
                    None => "定了预算以后入账".to_owned(),
                };
                let text = format!("排队等预算，排在第{place}位");
                Step::new(
                    "入账",
                    Progress::Now,
                    text,
                    format!("{}；{when}，{what}", waiting.why.label()),
                )
                .with(To::Budget, "发放预算")
            }
            (None, Some(notice), State::Notified) => {
                let day = clock::spoken_day(day_of(notice.ends_at));
                Step::new(
                    "入账",
                    Progress::Next,
                    "",
                    format!("没有异议的话，{day}自动入账，{what}"),
                )
            }
            (None, _, State::Suspended) => {
                Step::new("入账", Progress::Next, "", format!("异议有了结果以后再入账，{what}"))
            }
            _ => Step::new(
                "入账",
                Progress::Next,
                "",
                format!("公示期满没有异议，自动入账，{what}"),
            ),
        }
    }

    /// `可用积分和荣誉分各加 5分`.
    fn what_counts(&self) -> String {
        let all = self.nomination.points;
        match self.nomination.spendable_points {
            Some(spendable) if spendable == all => format!("可用积分和荣誉分各加{all}分"),
            Some(Points::ZERO) => format!("荣誉分加{all}分，不可兑换"),
            Some(spendable) => format!("荣誉分加{all}分，其中{spendable}分可兑换（超过本月或本年上限的只记荣誉）"),
            None if self.category.redeemable => format!("可用积分和荣誉分各加{all}分"),
            None => format!("荣誉分加{all}分，不可兑换"),
        }
    }

    fn reversed(&self) -> Option<Step> {
        let reversal = self.reversal.as_ref()?;
        let why = self.nomination.ending_reason.clone().unwrap_or_default();
        let mut small = format!("{}，{why}", clock::spoken(reversal.head.recorded_at));
        if reversal.written_off > Points::ZERO {
            small.push_str(&format!(
                "；其中{}分已经花掉，由项目核销，住户不用还",
                reversal.written_off
            ));
        }
        let number = reversal.head.number;
        let step = Step::new("冲正", Progress::No, format!("积分已收回，凭条号{number}"), small);
        Some(step.with(To::Transaction(number), format!("第{number}号凭条")))
    }
}

/// An objection as a step. Who objected stands nowhere.
fn objected(objection: &Objection) -> Step {
    let filed = format!(
        "{}提出，回执{}",
        clock::spoken_day(day_of(objection.filed_at)),
        receipt::spaced(&objection.receipt)
    );
    let decided = objection.decided_at.map(|at| clock::spoken_day(day_of(at)));
    let why = objection.decision_reason.as_deref().unwrap_or_default();
    let (progress, small) = match (objection.state, decided) {
        (objection::State::Open, _) | (_, None) => {
            let until = clock::spoken(objection.decide_by);
            (Progress::Now, format!("{filed}；最迟{until}答复"))
        }
        (objection::State::Upheld, Some(on)) => (Progress::No, format!("{filed}；{on}答复：{why}")),
        (objection::State::Dismissed, Some(on)) => (Progress::Done, format!("{filed}；{on}答复：{why}")),
    };
    Step::new("异议", progress, objection.state.label(), small)
        .with(To::Objection(objection.receipt.clone()), "异议的经过")
}

fn appealed(appeal: &Appeal) -> Step {
    let filed = format!(
        "{}提出，回执{}，{}",
        clock::spoken_day(day_of(appeal.filed_at)),
        receipt::spaced(&appeal.receipt),
        appeal.kind.label()
    );
    let decided = appeal.decided_at.map(|at| clock::spoken_day(day_of(at)));
    let small = match (appeal.state.is_open(), decided) {
        (false, Some(on)) => format!("{filed}；{on}{}", appeal.decision_reason.as_deref().unwrap_or_default()),
        _ => format!("{filed}；最迟{}答复", clock::spoken(appeal.decide_by)),
    };
    let progress = match appeal.state {
        state if state.is_open() => Progress::Now,
        appeal::State::Dismissed => Progress::No,
        _ => Progress::Done,
    };
    let mut step =
        Step::new("申诉", progress, appeal.state.label(), small).with(To::Appeal(appeal.receipt.clone()), "申诉的经过");
    if let Some(number) = appeal.correction_number {
        step = step.with(To::Transaction(number), format!("第{number}号凭条"));
    }
    step
}

fn corrected(correction: &Correction) -> Step {
    let proposed = format!(
        "{}提出：{}",
        clock::spoken_day(day_of(correction.proposed_at)),
        correction.reason
    );
    let small = match (correction.decided_at, &correction.decision_reason) {
        (Some(at), Some(why)) => format!("{proposed}；{}：{why}", clock::spoken_day(day_of(at))),
        _ => proposed,
    };
    let progress = match correction.state {
        correction::State::Proposed => Progress::Now,
        correction::State::Confirmed | correction::State::Refused => Progress::Done,
    };
    Step::new("更正", progress, correction.state.label(), small)
        .with(To::Correction(correction.id.clone()), "更正的经过")
}

impl Hearing {
    fn step(&self) -> Step {
        let (session, motion) = (&self.session, &self.motion);
        let day = session.held_on.format("%-m月%-d日");
        let progress = match motion.state {
            motion::State::Approved => Progress::Done,
            motion::State::Declined => Progress::No,
            motion::State::Waiting => Progress::Now,
            motion::State::Deferred => Progress::Done,
        };
        let text = match motion.state {
            motion::State::Waiting => "正在评议".to_owned(),
            state => format!(
                "{}：赞成{}，反对{}，弃权{}",
                state.label(),
                motion.votes_for,
                motion.votes_against,
                motion.abstentions
            ),
        };
        let mut small = format!("第{}次评议会，{day}，{}", session.number, session.place);
        if !self.recused.is_empty() {
            small.push_str(&format!("；回避{}人", self.recused.len()));
        }
        Step::new("评议", progress, text, small)
            .with(To::Session(session.number), format!("第{}次评议会", session.number))
    }
}

// ---- Finding -------------------------------------------------------------------------------------------------------

/// What a number leads to: a transaction's, or a notice's with its row, `12-3`.
///
/// # Errors
/// `NotFound`.
pub fn find(conn: &mut Conn, number: &str, today: Day) -> Result<Traced> {
    let Ok(transaction) = number.trim().parse::<i64>() else {
        let unknown = |error| match error {
            Error::Invalid(_) => Error::NotFound,
            other => other,
        };
        if title_notice::is_slip(number) {
            let (.., award) = title_notice::row(conn, number).map_err(unknown)?;
            return Ok(Traced::Title(Box::new(award)));
        }
        let (_, nomination) = notice::row(conn, number).map_err(unknown)?;
        return of(conn, nomination, today).map(|trace| Traced::Award(Box::new(trace)));
    };
    let head = balance::head(conn, transaction)?.ok_or(Error::NotFound)?;
    let title = [AWARDED, REVOKED]
        .iter()
        .find_map(|prefix| head.source.strip_prefix(prefix));
    if let Some(id) = title {
        let award = award::by_id(conn, &Id::known(id))?;
        return Ok(Traced::Title(Box::new(award)));
    }
    // `award:<id>`, `hold:<id>`, `release:<id>`, `reversal:<id>` are about a nomination, `appeal:<id>` mostly.
    if let Some((_, id)) = head.source.split_once(':')
        && let Some(nomination) = about(conn, id)?
    {
        return of(conn, nomination, today).map(|trace| Traced::Award(Box::new(trace)));
    }
    let sides = balance::sides(conn, transaction)?;
    let owner = sides.into_iter().find(|(owner, ..)| owner != PROGRAMME);
    let (owner, ..) = owner.ok_or(Error::NotFound)?;
    Ok(Traced::Other(
        Box::new(household::by_id(conn, &Id::known(owner))?),
        head,
    ))
}

/// The nomination that a source names, itself or through an appeal about it.
fn about(conn: &mut Conn, id: &str) -> Result<Option<Nomination>> {
    let through_appeal = match appeal::by_id(conn, &Id::known(id)) {
        Ok(appeal) => appeal.nomination_id,
        Err(Error::NotFound) => None,
        Err(error) => return Err(error),
    };
    match nomination::by_id(conn, &through_appeal.unwrap_or_else(|| Id::known(id))) {
        Ok(nomination) => Ok(Some(nomination)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The trace of a nomination.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, nomination: Nomination, today: Day) -> Result<Trace> {
    let household = household::by_id(conn, &nomination.household_id)?;
    let (item, category) = item::by_id(conn, &nomination.scoring_item_id)?;
    let mut people: Vec<Id<User>> = nomination.nominated_by.clone().into_iter().collect();
    people.extend(nomination.decided_by.clone());
    let names = user::display_names(conn, &people)?;
    let name = |id: &Option<Id<User>>| id.as_ref().and_then(|id| names.get(id).cloned());
    let notice = match &nomination.notice_id {
        Some(id) => Some(notice::by_id(conn, id)?),
        None => None,
    };
    let waiting = match nomination.state {
        State::Queued => place_of(conn, &nomination, today)?,
        _ => None,
    };
    Ok(Trace {
        household,
        scheme: cited(conn, &nomination, &item)?,
        nominated_by: name(&nomination.nominated_by).unwrap_or_else(|| "居民".to_owned()),
        decided_by: name(&nomination.decided_by).unwrap_or_default(),
        hearings: hearings(conn, &nomination.id)?,
        objections: objection::of_nomination(conn, &nomination.id)?,
        appeals: appeal::of_nomination(conn, &nomination.id)?,
        corrections: correction::of_nomination(conn, &nomination.id)?,
        evidence: evidence::of_nomination(conn, &nomination.id)?.len(),
        notice,
        waiting,
        reversal: reversal_of(conn, &nomination)?,
        nomination,
        item,
        category,
    })
}

/// The version that a nomination cites: the one in force on the day of the deed, unless a later one was dated back.
fn cited(conn: &mut Conn, nomination: &Nomination, item: &Item) -> Result<String> {
    match version::in_force(conn, nomination.occurred_on) {
        Ok(scheme) if scheme.id == item.scheme_version_id => Ok(format!("{}（第{}版）", scheme.name, scheme.version)),
        Ok(_) | Err(Error::NotFound) => Ok("申报时施行的方案".to_owned()),
        Err(error) => Err(error),
    }
}

fn hearings(conn: &mut Conn, nomination: &Id<Nomination>) -> Result<Vec<Hearing>> {
    let mut hearings = Vec::new();
    for motion in motion::of_nomination(conn, nomination)? {
        let session = session::by_id(conn, &motion.session_id)?;
        let members = member::of_area(conn, &session.area_id)?;
        let name = |id: &Id<CouncilMember>| {
            let found = members.iter().find(|member| member.id == *id);
            found.map(|member| member.name.clone()).unwrap_or_default()
        };
        let recused = motion::recusals(conn, &motion.id)?;
        let mut recused: Vec<(String, String)> = recused.into_iter().map(|(id, reason)| (name(&id), reason)).collect();
        recused.sort();
        hearings.push(Hearing {
            session,
            motion,
            recused,
        });
    }
    Ok(hearings)
}

fn place_of(conn: &mut Conn, nomination: &Nomination, today: Day) -> Result<Option<(usize, Waiting)>> {
    let queue = budget::queue(conn, today)?;
    let mut places = (1..).zip(queue);
    Ok(places.find(|(_, one)| one.nomination.id == nomination.id))
}

fn reversal_of(conn: &mut Conn, nomination: &Nomination) -> Result<Option<Reversal>> {
    let Some(number) = nomination.transaction_number else {
        return Ok(None);
    };
    let Some(head) = balance::undone_by(conn, number)? else {
        return Ok(None);
    };
    let sides = balance::sides(conn, head.number)?;
    let borne = sides.iter().filter(|(_, kind, _)| *kind == AccountKind::WriteOff);
    Ok(Some(Reversal {
        written_off: borne.map(|(_, _, amount)| -*amount).sum(),
        head,
    }))
}
