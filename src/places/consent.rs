//! Consents: what a household agreed to, purpose by purpose, off until it says yes.
//!
//! Each decision is a row with its day and who took it down, or that the household did it itself; the last one counts. A household that came out of a split has
//! none; one that was merged or left has none any more. SG8: private by default.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::household::Household;
use super::standing;
use crate::audit;
use crate::clock::{Day, Moment, day_of};
use crate::db::schema::household_consents;
use crate::db::{Conn, insert_rows, text_enum};
use crate::error::Result;
use crate::id::Id;

text_enum! {
    /// For what a household can agree.
    pub enum Purpose {
        /// Its name and deed on the honour board.
        HonourBoard = "honour_board", "上光荣榜";
        /// Its deed over the loudspeaker.
        Broadcast = "broadcast", "大喇叭播报";
        /// A photograph of its people beside its deed or title on the board (`boards::picture`).
        Photo = "photo", "使用照片";
        /// Its full name on the public notice; otherwise the family name and two stars.
        FullNameOnNotice = "full_name_on_notice", "公示写全名";
        /// Its family name on its card.
        NameOnCard = "name_on_card", "卡上印姓氏";
    }
}

impl Purpose {
    /// What it means, in a sentence.
    #[must_use]
    pub fn explained(self) -> &'static str {
        match self {
            Purpose::HonourBoard => "做的好事、得到的称号和星、户主姓名可以写上光荣榜。不同意就不上榜，积分不受影响。",
            Purpose::Broadcast => "做的好事和得到的称号可以用大喇叭播报，只说姓氏，不说门牌和积分。",
            Purpose::Photo => {
                "上了光荣榜的好事、称号旁边可以放一张本户的照片，光荣榜网页和社区电视上谁都看得到，到下一季度末删除。\
                 有未成年人的，先要监护人书面同意。收回同意，马上不显示，30天后删除。"
            }
            Purpose::NameOnCard => "新发的积分卡正面印“王家”这样的姓氏，全名不印。不同意就只印户号和卡号。",
            Purpose::FullNameOnNotice => "公示时写户主全名。不同意就写成“王**”，公示照常进行。",
        }
    }
}

/// A decision of a household.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = household_consents)]
pub struct Consent {
    /// Whose.
    pub household_id: Id<Household>,
    /// For what.
    pub purpose: Purpose,
    /// Counts the decisions about this purpose.
    pub version: i64,
    /// Given, or withdrawn.
    pub given: bool,
    /// The day.
    pub decided_on: Day,
    /// When it was taken down.
    pub recorded_at: Moment,
    /// By whom: a user's id; `None` when the household decided on its own page.
    pub recorded_by: Option<String>,
}

/// The decision that counts of each purpose that was decided.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, household: &Id<Household>) -> Result<HashMap<Purpose, Consent>> {
    let rows = household_consents::table
        .filter(household_consents::household_id.eq(household))
        .order(household_consents::version)
        .select(Consent::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(|consent| (consent.purpose, consent)).collect())
}

/// Has the household agreed, and is it still part of the programme?
///
/// # Errors
/// Only when the database fails.
pub fn given(conn: &mut Conn, household: &Id<Household>, purpose: Purpose) -> Result<bool> {
    Ok(given_by(conn, std::slice::from_ref(household), purpose)?.contains(household))
}

/// Which of these households have agreed and are still part of the programme.
///
/// # Errors
/// Only when the database fails.
pub fn given_by(conn: &mut Conn, households: &[Id<Household>], purpose: Purpose) -> Result<HashSet<Id<Household>>> {
    let rows = household_consents::table
        .filter(household_consents::household_id.eq_any(households))
        .filter(household_consents::purpose.eq(purpose))
        .order(household_consents::version)
        .select((household_consents::household_id, household_consents::given))
        .load::<(Id<Household>, bool)>(conn)?;
    let last: HashMap<Id<Household>, bool> = rows.into_iter().collect();
    let gone = standing::gone(conn, households)?;
    let given = last
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(household, _)| household);
    Ok(given.filter(|household| !gone.contains(household)).collect())
}

/// Takes down what a household agrees to: exactly these purposes. What stands already is not written again, so that the
/// same form sent twice changes nothing. Answers how many decisions are new.
///
/// # Errors
/// [`standing::Refused`] for a household that is gone; `NotFound`.
pub fn decide(conn: &mut Conn, household: &Id<Household>, agreed: &[Purpose], by: &str, now: Moment) -> Result<usize> {
    take_down(conn, household, agreed, &Source::at_the_desk(by, now), now)
}

/// Where a decision comes from.
pub(super) struct Source<'a> {
    /// Who took it down; `None` when the household did it itself.
    pub(super) by: Option<&'a str>,
    /// The day on which the household decided.
    pub(super) on: Day,
    /// The number of the paper form on which it signed.
    pub(super) form: Option<&'a str>,
}

impl<'a> Source<'a> {
    fn at_the_desk(by: &'a str, now: Moment) -> Source<'a> {
        Source {
            by: Some(by),
            on: day_of(now),
            form: None,
        }
    }
}

/// The household itself gives or withdraws its consent for one purpose; the others stand. Answers how many decisions are new.
///
/// # Errors
/// As [`decide`].
pub fn decide_itself(
    conn: &mut Conn,
    household: &Id<Household>,
    purpose: Purpose,
    given: bool,
    now: Moment,
) -> Result<usize> {
    let stands = of(conn, household)?;
    let stands = |one: Purpose| stands.get(&one).is_some_and(|consent| consent.given);
    let agreed: Vec<Purpose> = Purpose::ALL
        .iter()
        .copied()
        .filter(|one| if *one == purpose { given } else { stands(*one) })
        .collect();
    let itself = Source {
        by: None,
        on: day_of(now),
        form: None,
    };
    take_down(conn, household, &agreed, &itself, now)
}

/// As [`decide`], from wherever the decision comes.
pub(super) fn take_down(
    conn: &mut Conn,
    household: &Id<Household>,
    agreed: &[Purpose],
    source: &Source<'_>,
    now: Moment,
) -> Result<usize> {
    standing::expect_active(conn, household)?;
    let stands = of(conn, household)?;
    let mut new = Vec::new();
    for purpose in Purpose::ALL {
        let given = agreed.contains(purpose);
        let last = stands.get(purpose);
        if last.is_some_and(|consent| consent.given) != given {
            new.push(Consent {
                household_id: household.clone(),
                purpose: *purpose,
                version: last.map_or(1, |last| last.version.saturating_add(1)),
                given,
                decided_on: source.on,
                recorded_at: now,
                recorded_by: source.by.map(str::to_owned),
            });
        }
    }
    insert_rows!(conn, household_consents::table, &new);
    let events: Vec<audit::Event> = new
        .iter()
        .map(|consent| {
            let act = match consent.given {
                true => "consent.given",
                false => "consent.withdrawn",
            };
            let subject = format!("household:{household}");
            let actor = source.by.unwrap_or(household.as_str());
            let purpose = consent.purpose.word();
            let detail = source
                .form
                .map_or_else(|| purpose.to_owned(), |form| format!("{purpose} {form}"));
            audit::Event::new(actor, act, subject, detail, now)
        })
        .collect();
    audit::record(conn, &events)?;
    Ok(new.len())
}
