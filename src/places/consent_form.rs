//! Consent forms on paper: each print has a number, under which what was ticked comes back.
//!
//! ```text
//! printed → keyed
//! ```
//!
//! A form is printed for one household, or blank for whichever signs it. It is keyed once: all of it, or nothing. What it says
//! counts from the day on which it was signed and never against what the household decided later; `consent` takes it down.

use std::fmt;

use diesel::prelude::*;

use super::consent::{self, Purpose, Source};
use super::household::Household;
use super::standing;
use crate::audit;
use crate::clock::{Day, Moment, day_of, spoken_day};
use crate::db::Conn;
use crate::db::schema::consent_forms;
use crate::error::{Error, FieldError, Refusal, Result};
use crate::id::Id;
use crate::request::{Request, Requests};

/// A printed form.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = consent_forms)]
pub struct ConsentForm {
    /// 1, 2, 3 …
    pub number: i64,
    /// For whom it was printed; of a blank one, who signed it.
    pub household_id: Option<Id<Household>>,
    /// A user's id; `None` for whoever stood at the machine itself.
    pub printed_by: Option<String>,
    /// When.
    pub printed_at: Moment,
    /// The words of what was ticked, once it is keyed.
    agreed: Option<String>,
    /// The day of the signature.
    pub signed_on: Option<Day>,
    /// Who took the paper, as it says there.
    taken_by: Option<String>,
    keyed_by: Option<String>,
    /// When it was keyed.
    pub keyed_at: Option<Moment>,
}

/// Why a form is not keyed.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was keyed on this day, and said something else.
    KeyedBefore(Day),
    /// The household decided otherwise on a day after the signature.
    DecidedLater(Purpose, Day),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::KeyedBefore(day) => write!(
                formatter,
                "这张同意书{}已经录入，和这次填的不一样，没有再录。住户改了主意，请打印一张新的来签。",
                spoken_day(*day)
            ),
            Refused::DecidedLater(purpose, day) => write!(
                formatter,
                "这户在签字以后，{}又改了“{}”，这张同意书没有录入。请问清楚，打印一张新的来签。",
                spoken_day(*day),
                purpose.label()
            ),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::KeyedBefore(_) => "already_keyed",
            Refused::DecidedLater(..) => "decided_later",
        }
    }
}

/// A form with its number.
///
/// # Errors
/// `NotFound`.
pub fn by_number(conn: &mut Conn, number: i64) -> Result<ConsentForm> {
    consent_forms::table
        .find(number)
        .select(ConsentForm::as_select())
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

/// Wants a form.
#[derive(Clone, Debug)]
pub struct Print {
    /// For whom; blank without.
    pub household: Option<Id<Household>>,
    /// A user's id; `None` for whoever stands at the machine itself.
    pub by: Option<String>,
    /// The sender's key.
    pub key: String,
}

/// Gives a form its number. Sent twice, it is the same form.
///
/// # Errors
/// [`standing::Refused`] for a household that is gone; `idempotency_conflict`.
pub fn print(conn: &mut Conn, asked: &Print, now: Moment) -> Result<ConsentForm> {
    let actor = asked.by.as_deref().unwrap_or("system");
    let household = asked.household.as_ref().map(Id::as_str);
    let request = Request::new(&asked.key, actor, "consent_form.print", &household)?;
    let mut requests = Requests::open(conn, [&request])?;
    if let Some(earlier) = requests.earlier(&request)? {
        return by_number(conn, earlier.parse().map_err(Error::internal)?);
    }
    if let Some(household) = &asked.household {
        standing::expect_active(conn, household)?;
    }
    let last = consent_forms::table
        .select(diesel::dsl::max(consent_forms::number))
        .get_result::<Option<i64>>(conn)?;
    let form = ConsentForm {
        number: last.unwrap_or(0).saturating_add(1),
        household_id: asked.household.clone(),
        printed_by: asked.by.clone(),
        printed_at: now,
        agreed: None,
        signed_on: None,
        taken_by: None,
        keyed_by: None,
        keyed_at: None,
    };
    diesel::insert_into(consent_forms::table).values(&form).execute(conn)?;
    requests.carried_out(&request, &form.number.to_string(), now);
    requests.save(conn)?;
    Ok(form)
}

/// What came back on a form.
#[derive(Clone, Debug)]
pub struct KeyIn {
    /// The form's number.
    pub number: i64,
    /// The same as it is printed, for the audit line.
    pub form: String,
    /// Who signed it.
    pub household: Id<Household>,
    /// What was ticked.
    pub agreed: Vec<Purpose>,
    /// The day of the signature.
    pub signed_on: Day,
    /// Who took the paper.
    pub taken_by: String,
    /// Who keys it: a user's id.
    pub by: String,
}

/// Takes down what a form says. The same once more is the first time's; anything else under its number is refused.
///
/// # Errors
/// [`Refused`]; `Invalid` for a day before the print or after today and for nobody who took it; as [`consent::decide`].
pub fn key_in(conn: &mut Conn, asked: &KeyIn, now: Moment) -> Result<()> {
    let form = by_number(conn, asked.number)?;
    let keyed = ConsentForm {
        household_id: Some(asked.household.clone()),
        agreed: Some(words(&asked.agreed)),
        signed_on: Some(asked.signed_on),
        taken_by: Some(asked.taken_by.clone()),
        keyed_by: Some(asked.by.clone()),
        keyed_at: Some(now),
        ..form.clone()
    };
    if let Some(at) = form.keyed_at {
        return match form.says(&keyed) {
            true => Ok(()),
            false => Err(Refused::KeyedBefore(day_of(at)).into()),
        };
    }
    let printed_for = form.household_id.as_ref();
    if printed_for.is_some_and(|printed_for| *printed_for != asked.household) {
        return Err(Error::NotFound);
    }
    expect_sensible(asked, day_of(form.printed_at), day_of(now))?;
    expect_latest(conn, asked)?;
    let source = Source {
        by: Some(&asked.by),
        on: asked.signed_on,
        form: Some(&asked.form),
    };
    consent::take_down(conn, &asked.household, &asked.agreed, &source, now)?;
    diesel::update(consent_forms::table.find(asked.number))
        .set((
            consent_forms::household_id.eq(&keyed.household_id),
            consent_forms::agreed.eq(&keyed.agreed),
            consent_forms::signed_on.eq(keyed.signed_on),
            consent_forms::taken_by.eq(&keyed.taken_by),
            consent_forms::keyed_by.eq(&keyed.keyed_by),
            consent_forms::keyed_at.eq(keyed.keyed_at),
        ))
        .execute(conn)?;
    let subject = format!("household:{}", asked.household);
    let event = audit::Event::new(&asked.by, "consent_form.keyed", subject, asked.form.clone(), now);
    audit::record(conn, &[event])
}

impl ConsentForm {
    /// Does it say what this one says?
    fn says(&self, other: &ConsentForm) -> bool {
        self.household_id == other.household_id
            && self.agreed == other.agreed
            && self.signed_on == other.signed_on
            && self.taken_by == other.taken_by
    }
}

fn words(agreed: &[Purpose]) -> String {
    let words = Purpose::ALL.iter().filter(|purpose| agreed.contains(purpose));
    words.map(|purpose| purpose.word()).collect::<Vec<_>>().join(",")
}

fn expect_sensible(asked: &KeyIn, printed_on: Day, today: Day) -> Result<()> {
    let mut wrong = Vec::new();
    let mut say = |field, message: String| wrong.push(FieldError { field, message });
    if asked.signed_on < printed_on {
        let printed_on = spoken_day(printed_on);
        say(
            "signed-on",
            format!("这张同意书是{printed_on}打印的，签字不会更早，请核对日期。"),
        );
    }
    if asked.signed_on > today {
        say("signed-on", "签字的日期还没有到，请核对。".to_owned());
    }
    if asked.taken_by.is_empty() {
        say("taken-by", "请照纸上写明经办人是谁。".to_owned());
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Error::Invalid(wrong)),
    }
}

/// Refuses what the household changed after it had signed.
fn expect_latest(conn: &mut Conn, asked: &KeyIn) -> Result<()> {
    let stands = consent::of(conn, &asked.household)?;
    let later = Purpose::ALL.iter().find_map(|purpose| {
        let decided = stands.get(purpose)?;
        let is_other = decided.given != asked.agreed.contains(purpose);
        (is_other && decided.decided_on > asked.signed_on).then_some((*purpose, decided.decided_on))
    });
    match later {
        None => Ok(()),
        Some((purpose, day)) => Err(Refused::DecidedLater(purpose, day).into()),
    }
}
