//! Appeals (申诉): the household asks other people to decide again.
//!
//! ```text
//! filed → accepted → heard → upheld | dismissed | settled
//! filed | accepted | heard → withdrawn, or upheld by silence
//! ```
//!
//! About what it had no vote in: a nomination that was returned or declined, an objection that was upheld, an award with
//! fewer points than due, a correction, an honour reduction. A panel decides of people who had no part in it (`panel`).
//! Nobody decides in time: the household is right (SG7). What is upheld is put right in the books at once, by new postings.

pub mod matter;
pub mod panel;

use diesel::prelude::*;

use self::matter::Matter;
use super::deadline::{self, after_days, half_way};
use super::nomination::{self, Nomination, State as Standing};
use super::objection::{Channel, few_words, words};
use super::refused::Refused;
use super::{award, clockwork, receipt};
use crate::access::user::User;
use crate::audit;
use crate::clock::{Moment, Span, day_of, spoken_day};
use crate::db::schema::{appeals, nominations, scoring_items};
use crate::db::{Conn, text_enum};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::household::Household;
use crate::points::Points;
use crate::request::{Request, Requests};
use crate::scheme::item;

/// An appeal and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = appeals, treat_none_as_null = true)]
pub struct Appeal {
    /// Its id.
    pub id: Id<Appeal>,
    /// The number on the receipt.
    pub receipt: String,
    /// What it is about, as the books name their sources.
    pub subject: String,
    /// Which kind of decision it is about.
    pub kind: Kind,
    /// Whose it is.
    pub household_id: Id<Household>,
    /// The nomination that it is about, if it is one.
    pub nomination_id: Option<Id<Nomination>>,
    /// When the decision was made.
    pub about_at: Moment,
    /// How many times, persons … it should have been, for too few points.
    pub claimed_count: Option<i64>,
    /// Why the decision is wrong.
    pub reason: String,
    /// Where to reach the household; may be empty.
    pub contact: String,
    /// How it came.
    pub channel: Channel,
    /// Who wrote it down; nobody when it came through the card.
    pub taken_by: Option<Id<User>>,
    /// When.
    pub filed_at: Moment,
    /// From here on it is urgent.
    pub urgent_from: Moment,
    /// From here on it is upheld by itself.
    pub decide_by: Moment,
    /// When it became urgent.
    pub escalated_at: Option<Moment>,
    /// Where it stands.
    pub state: State,
    /// When the panel was named.
    pub accepted_at: Option<Moment>,
    /// By whom.
    pub accepted_by: Option<Id<User>>,
    /// When the household was heard.
    pub heard_at: Option<Moment>,
    /// Who wrote down what was said.
    pub heard_by: Option<Id<User>>,
    /// What was said.
    pub hearing: String,
    /// When it ended.
    pub decided_at: Option<Moment>,
    /// How it ended, in words.
    pub decision_reason: Option<String>,
    /// Points that it added to an award, as honour.
    pub points_added: Option<Points>,
    /// What of them can be spent.
    pub spendable_added: Option<Points>,
    /// The posting that put it right.
    pub correction_number: Option<i64>,
}

text_enum! {
    /// What a household can appeal against.
    pub enum Kind {
        /// The council said no.
        Declined = "declined", "评议未通过";
        /// The verifier sent it back.
        Returned = "returned", "核实时退回";
        /// Somebody objected and was right.
        ObjectionUpheld = "objection_upheld", "异议成立，没有入账";
        /// Fewer points than due.
        FewerPoints = "fewer_points", "入账的积分少了";
        /// The award was taken back later.
        Corrected = "corrected", "入账后被更正";
        /// The honour score was reduced.
        HonourReduction = "honour_reduction", "荣誉分被扣减";
    }
}

text_enum! {
    /// Where an appeal stands.
    pub enum State {
        /// Taken in.
        Filed = "filed", "已收到，待受理";
        /// A panel is named.
        Accepted = "accepted", "已受理，待听取说明";
        /// The household was heard; the panel gives its opinions.
        Heard = "heard", "已听取说明，待复议";
        /// The household is right.
        Upheld = "upheld", "申诉成立";
        /// The decision stands.
        Dismissed = "dismissed", "维持原决定";
        /// Both sides agreed.
        Settled = "settled", "协商一致";
        /// The household took it back.
        Withdrawn = "withdrawn", "已撤回";
    }
}

impl State {
    /// States in which somebody still has something to do.
    pub const OPEN: [State; 3] = [State::Filed, State::Accepted, State::Heard];

    /// Is there still something to do?
    #[must_use]
    pub fn is_open(self) -> bool {
        State::OPEN.contains(&self)
    }
}

impl Appeal {
    /// Is it open and half of its time gone?
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.state.is_open() && self.escalated_at.is_some()
    }
}

/// Why silence upheld it.
pub const SILENCE: &str = "期限内没有作出复议决定，按规定自动按有利于住户处理，申诉成立。";
/// An appeal may not take longer (SG7).
const MOST_DECISION_DAYS: u64 = 15;
const REASON_LENGTH: usize = 1_000;
const CONTACT_LENGTH: usize = 60;
/// The most counts of one nomination.
const MOST_COUNT: i64 = 100;
/// Who does what nobody decides any more.
const SYSTEM: &str = "system";

/// Asks to appeal.
#[derive(Clone, Debug)]
pub struct File {
    /// What it is about: `award:<id>`, `reminder:<id>`.
    pub subject: String,
    /// Whose card was shown, when it came through the card.
    pub household: Option<Id<Household>>,
    /// How many times, persons … it should have been, for too few points.
    pub claimed_count: Option<i64>,
    /// Why the decision is wrong.
    pub reason: String,
    /// Where to reach the household; may be empty.
    pub contact: String,
    /// How it came.
    pub channel: Channel,
    /// Who writes it down; nobody through the card.
    pub taken_by: Option<Id<User>>,
    /// The sender's key.
    pub key: String,
}

/// Takes an appeal in. The same request again answers the first appeal.
///
/// # Errors
/// [`Refused::NothingToAppeal`], [`Refused::AppealTooLate`], [`Refused::AlreadyAppealed`], [`Refused::ClockSetBack`];
/// `Invalid` fields; `NotFound` for another household's; `idempotency_conflict`.
pub fn file(conn: &mut Conn, asked: &File, now: Moment) -> Result<Appeal> {
    clockwork::expect_forward(conn, now)?;
    let household = asked.household.as_ref().map(Id::as_str);
    let actor = asked.taken_by.as_ref().map(Id::as_str).or(household).unwrap_or("web");
    let content = (
        &asked.subject,
        asked.claimed_count,
        &asked.reason,
        &asked.contact,
        asked.channel.word(),
    );
    let request = Request::new(&asked.key, actor, "appeal.file", &content)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_id(conn, &Id::known(earlier));
    }
    let reason = words(
        "reason",
        &asked.reason,
        REASON_LENGTH,
        "请写明为什么不服，1000个字以内。",
    )?;
    let contact = few_words("contact", &asked.contact, CONTACT_LENGTH)?;
    let matter = matter::of(conn, &asked.subject)?;
    if asked.household.as_ref().is_some_and(|own| *own != matter.household_id) {
        return Err(Error::NotFound);
    }
    if now >= matter.until {
        return Err(Refused::AppealTooLate(deadline::last_day(matter.until)).into());
    }
    if is_appealed(conn, &matter)? {
        return Err(Refused::AlreadyAppealed.into());
    }
    let claimed_count = match (&matter.nomination, matter.kind) {
        (Some(row), Kind::FewerPoints) => Some(expect_claim(conn, row, asked.claimed_count)?),
        _ => None,
    };
    let days = deadline::cycle(conn, day_of(now))?.appeal_decision_days;
    let decide_by = after_days(now, days.min(MOST_DECISION_DAYS));
    let appeal = Appeal {
        id: Id::new(now),
        receipt: fresh_receipt(conn)?,
        subject: asked.subject.clone(),
        kind: matter.kind,
        household_id: matter.household_id,
        nomination_id: matter.nomination.map(|row| row.id),
        about_at: matter.about_at,
        claimed_count,
        reason,
        contact,
        channel: asked.channel,
        taken_by: asked.taken_by.clone(),
        filed_at: now,
        urgent_from: half_way(now, decide_by),
        decide_by,
        escalated_at: None,
        state: State::Filed,
        accepted_at: None,
        accepted_by: None,
        heard_at: None,
        heard_by: None,
        hearing: String::new(),
        decided_at: None,
        decision_reason: None,
        points_added: None,
        spendable_added: None,
        correction_number: None,
    };
    diesel::insert_into(appeals::table).values(&appeal).execute(conn)?;
    requests.carried_out(&request, appeal.id.as_str(), now);
    requests.save(conn)?;
    record(conn, &appeal, actor, "appeal.filed", now)?;
    Ok(appeal)
}

/// Has the household appealed against this decision, and not taken it back?
fn is_appealed(conn: &mut Conn, matter: &Matter) -> Result<bool> {
    let earlier = appeals::table
        .filter(appeals::subject.eq(&matter.subject))
        .filter(appeals::kind.eq(matter.kind))
        .filter(appeals::state.ne(State::Withdrawn))
        .count()
        .get_result::<i64>(conn)?;
    Ok(earlier > 0)
}

/// A count that gives more points than there were, under the item's cap.
fn expect_claim(conn: &mut Conn, row: &Nomination, claimed: Option<i64>) -> Result<i64> {
    let Some(claimed) = claimed.filter(|count| *count > row.count && *count <= MOST_COUNT) else {
        return Err(Error::invalid(
            "claimed_count",
            format!(
                "请填写您认为应该算几次（几人、几小时），要比入账的{}多，不超过{MOST_COUNT}。",
                row.count
            ),
        ));
    };
    let (rule, _) = item::by_id(conn, &row.scoring_item_id)?;
    let left = nomination::left_of_item(conn, &row.household_id, &rule, row.occurred_on)?;
    match missing(row, rule.points, claimed) > left {
        true => Err(Refused::LimitReached {
            rule: rule.rule_text(),
            left,
        }
        .into()),
        false => Ok(claimed),
    }
}

/// The points between what was given and what so many counts give.
fn missing(row: &Nomination, each: Points, count: i64) -> Points {
    let due = each.times(count).unwrap_or(row.points);
    row.points.short_of(due)
}

/// Takes an appeal back, as the household wishes.
///
/// # Errors
/// [`Refused::AppealIs`] when it has ended; `NotFound`.
pub fn withdraw(conn: &mut Conn, id: &Id<Appeal>, by: &str, now: Moment) -> Result<Appeal> {
    let mut appeal = by_id(conn, id)?;
    match appeal.state {
        State::Withdrawn => return Ok(appeal),
        state if state.is_open() => {}
        state => return Err(Refused::AppealIs(state).into()),
    }
    appeal.state = State::Withdrawn;
    appeal.decided_at = Some(now);
    save(conn, &appeal)?;
    record(conn, &appeal, by, "appeal.withdrawn", now)?;
    Ok(appeal)
}

/// Ends an appeal, and puts right in the books what it was right about.
fn end(conn: &mut Conn, mut appeal: Appeal, state: State, reason: &str, by: &str, now: Moment) -> Result<Appeal> {
    match state {
        State::Upheld => put_right(conn, &mut appeal, by, now)?,
        State::Settled if appeal.claimed_count.is_some() => put_right(conn, &mut appeal, by, now)?,
        _ => {}
    }
    appeal.state = state;
    appeal.decided_at = Some(now);
    appeal.decision_reason = Some(reason.to_owned());
    save(conn, &appeal)?;
    let act = match state {
        State::Upheld => "appeal.upheld",
        State::Settled => "appeal.settled",
        _ => "appeal.dismissed",
    };
    record(conn, &appeal, by, act, now)?;
    Ok(appeal)
}

/// What an upheld appeal does: an award that was declined is granted, what was missing or taken back is given, an honour
/// reduction is made good.
fn put_right(conn: &mut Conn, appeal: &mut Appeal, by: &str, now: Moment) -> Result<()> {
    let Some(id) = &appeal.nomination_id else {
        return matter::make_good(conn, appeal, by, now);
    };
    let row = nomination::by_id(conn, id)?;
    match (appeal.kind, row.state) {
        (Kind::Declined | Kind::Returned | Kind::ObjectionUpheld, Standing::Declined | Standing::Returned) => {
            appeal.correction_number = Some(award::grant(conn, row, by, now)?);
        }
        (Kind::FewerPoints, Standing::Posted) => {
            let (rule, _) = item::by_id(conn, &row.scoring_item_id)?;
            let left = nomination::left_of_item(conn, &row.household_id, &rule, row.occurred_on)?;
            let count = appeal.claimed_count.unwrap_or(row.count);
            let points = missing(&row, rule.points, count).min(left);
            supplement(conn, appeal, &row, points, None, by, now)?;
        }
        (Kind::Corrected, Standing::Reversed) => {
            let (spendable, points) = added_to(conn, &row.id)?;
            let all = row.points.plus(points).unwrap_or(row.points);
            let given = row.spendable_points.unwrap_or_default();
            let can_be_spent = given.plus(spendable).unwrap_or(given);
            supplement(conn, appeal, &row, all, Some(can_be_spent), by, now)?;
        }
        // The award went another way while the appeal was open: the words stand, the books are right already.
        _ => {}
    }
    Ok(())
}

fn supplement(
    conn: &mut Conn,
    appeal: &mut Appeal,
    row: &Nomination,
    points: Points,
    spendable: Option<Points>,
    by: &str,
    now: Moment,
) -> Result<()> {
    if points <= Points::ZERO {
        return Ok(());
    }
    let source = addition_source(&appeal.id);
    let (spendable, number) = award::supplement(conn, row, points, spendable, source, by, now)?;
    appeal.points_added = Some(points);
    appeal.spendable_added = Some(spendable);
    appeal.correction_number = Some(number);
    Ok(())
}

/// How the books name what an appeal added.
pub(super) fn addition_source(appeal: &Id<Appeal>) -> String {
    format!("appeal:{appeal}")
}

/// What appeals added to an award that stands: what can be spent, and all.
pub(super) fn added_to(conn: &mut Conn, nomination: &Id<Nomination>) -> Result<(Points, Points)> {
    let mut sums = (Points::ZERO, Points::ZERO);
    for appeal in of_nomination(conn, nomination)? {
        if appeal.kind == Kind::FewerPoints {
            sums.0 = sums
                .0
                .plus(appeal.spendable_added.unwrap_or_default())
                .unwrap_or(sums.0);
            sums.1 = sums.1.plus(appeal.points_added.unwrap_or_default()).unwrap_or(sums.1);
        }
    }
    Ok(sums)
}

/// Takes back what appeals added to an award that is being reversed.
pub(super) fn reverse_additions(conn: &mut Conn, nomination: &Id<Nomination>, by: &str, now: Moment) -> Result<()> {
    for appeal in of_nomination(conn, nomination)? {
        if let (Kind::FewerPoints, Some(number), Some(_)) = (appeal.kind, appeal.correction_number, appeal.points_added)
        {
            let source = format!("reversal-of-appeal:{}", appeal.id);
            award::take_back(conn, &appeal.household_id, number, source, by, now)?;
        }
    }
    Ok(())
}

/// What appeals added that stands today: household, day of the deed, item's code, what can be spent, all.
pub(super) fn additions(conn: &mut Conn, households: &[&Id<Household>], span: Span) -> Result<Vec<Addition>> {
    let rows = appeals::table
        .inner_join(nominations::table.inner_join(scoring_items::table))
        .filter(appeals::household_id.eq_any(households))
        .filter(appeals::points_added.is_not_null())
        .filter(
            nominations::occurred_on
                .ge(span.from)
                .and(nominations::occurred_on.lt(span.until)),
        )
        .filter(
            nominations::state
                .eq(Standing::Posted)
                .or(appeals::kind.eq(Kind::Corrected)),
        )
        .select((
            appeals::household_id,
            nominations::occurred_on,
            scoring_items::code,
            scoring_items::check_level,
            appeals::spendable_added,
            appeals::points_added,
        ))
        .load::<Addition>(conn)?;
    Ok(rows)
}

/// What an appeal added to an award.
#[derive(Clone, Debug, Queryable)]
pub(super) struct Addition {
    /// Whose.
    pub household: Id<Household>,
    /// The day of the deed.
    pub occurred_on: crate::clock::Day,
    /// The item's code.
    pub code: String,
    /// The item's level.
    pub level: item::CheckLevel,
    /// What of it can be spent.
    pub spendable: Option<Points>,
    /// All of it.
    pub points: Option<Points>,
}

/// Does what the deadlines ask: what is half over becomes urgent, what is over is upheld. Answers how many changed.
///
/// # Errors
/// Only when the database fails.
pub fn due(conn: &mut Conn, now: Moment) -> Result<usize> {
    let open = appeals::table
        .filter(appeals::state.eq_any(State::OPEN))
        .filter(appeals::urgent_from.le(now))
        .order((appeals::filed_at, appeals::id))
        .select(Appeal::as_select())
        .load::<Appeal>(conn)?;
    let mut changed = 0usize;
    for mut appeal in open {
        if appeal.decide_by <= now {
            end(conn, appeal, State::Upheld, SILENCE, SYSTEM, now)?;
        } else if appeal.escalated_at.is_none() {
            appeal.escalated_at = Some(now);
            save(conn, &appeal)?;
            record(conn, &appeal, SYSTEM, "appeal.escalated", now)?;
        } else {
            continue;
        }
        changed = changed.saturating_add(1);
    }
    Ok(changed)
}

/// Takes out where to reach whoever sent it, of what was decided before a day: nobody needs it any more. Answers
/// how many.
///
/// # Errors
/// Only when the database fails.
pub fn forget_senders(conn: &mut Conn, before: Moment) -> Result<usize> {
    let decided = appeals::table
        .filter(appeals::decided_at.lt(before))
        .filter(appeals::contact.ne(""));
    Ok(diesel::update(decided).set(appeals::contact.eq("")).execute(conn)?)
}

/// An appeal by its id.
///
/// # Errors
/// `NotFound`.
pub fn by_id(conn: &mut Conn, id: &Id<Appeal>) -> Result<Appeal> {
    appeals::table
        .find(id)
        .select(Appeal::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// An appeal by the number on its receipt, as people type it.
///
/// # Errors
/// `NotFound`.
pub fn by_receipt(conn: &mut Conn, typed: &str) -> Result<Appeal> {
    let receipt = receipt::typed(typed).ok_or(Error::NotFound)?;
    appeals::table
        .filter(appeals::receipt.eq(receipt))
        .select(Appeal::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// The appeals about a nomination, in the order in which they came.
///
/// # Errors
/// Only when the database fails.
pub fn of_nomination(conn: &mut Conn, nomination: &Id<Nomination>) -> Result<Vec<Appeal>> {
    Ok(appeals::table
        .filter(appeals::nomination_id.eq(nomination))
        .order((appeals::filed_at, appeals::id))
        .select(Appeal::as_select())
        .load(conn)?)
}

/// The appeals of a household, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn of_household(conn: &mut Conn, household: &Id<Household>) -> Result<Vec<Appeal>> {
    Ok(appeals::table
        .filter(appeals::household_id.eq(household))
        .order((appeals::filed_at.desc(), appeals::id.desc()))
        .select(Appeal::as_select())
        .load(conn)?)
}

/// Appeals: what is open first, the next deadline on top; then the newest decisions.
///
/// # Errors
/// Only when the database fails.
pub fn list(conn: &mut Conn, households: Option<&[Id<Household>]>, limit: i64) -> Result<Vec<Appeal>> {
    let mut found = Vec::new();
    for open in [true, false] {
        let mut query = appeals::table.select(Appeal::as_select()).into_boxed();
        if let Some(households) = households {
            query = query.filter(appeals::household_id.eq_any(households));
        }
        query = match open {
            true => query
                .filter(appeals::state.eq_any(State::OPEN))
                .order((appeals::decide_by, appeals::id)),
            false => query
                .filter(appeals::state.ne_all(State::OPEN))
                .order((appeals::decided_at.desc(), appeals::id.desc())),
        };
        found.extend(query.limit(limit).load::<Appeal>(conn)?);
    }
    Ok(found)
}

/// How many appeals are open, and how many of them urgent, of these households or all.
///
/// # Errors
/// Only when the database fails.
pub fn open_count(conn: &mut Conn, households: Option<&[Id<Household>]>) -> Result<(usize, usize)> {
    let mut query = appeals::table
        .filter(appeals::state.eq_any(State::OPEN))
        .select(appeals::escalated_at)
        .into_boxed();
    if let Some(households) = households {
        query = query.filter(appeals::household_id.eq_any(households));
    }
    let open = query.load::<Option<Moment>>(conn)?;
    Ok((open.len(), open.iter().flatten().count()))
}

pub(super) fn save(conn: &mut Conn, appeal: &Appeal) -> Result<()> {
    diesel::update(appeals::table.find(&appeal.id))
        .set(appeal)
        .execute(conn)?;
    Ok(())
}

/// A receipt number that nobody has.
fn fresh_receipt(conn: &mut Conn) -> Result<String> {
    for _ in 0..100u8 {
        let receipt = receipt::random();
        let taken = appeals::table
            .filter(appeals::receipt.eq(&receipt))
            .count()
            .get_result::<i64>(conn)?;
        if taken == 0 {
            return Ok(receipt);
        }
    }
    Err(Error::internal("no free receipt number was found"))
}

/// What was said stays out of the record.
pub(super) fn record(conn: &mut Conn, appeal: &Appeal, actor: &str, act: &str, now: Moment) -> Result<()> {
    let detail = format!(
        "{} {}",
        appeal.kind.label(),
        spoken_day(deadline::last_day(appeal.decide_by))
    );
    let event = audit::Event::new(actor, act, appeal.subject.clone(), detail, now);
    audit::record(conn, &[event])
}
