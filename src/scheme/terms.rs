//! The terms of a version: everything in its document that is not a category or an item.
//!
//! How long a notice runs, what a household can have in a month, when points expire, how the council decides, what a
//! reminder costs. Read from the document each time, so that the document stays the one text that was adopted. A term that
//! a document leaves out has the value of the sample scheme (`domain.md` §9.1), named at its field.

use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;
use serde::Deserialize;

use super::item::CapPeriod;
use super::version::SchemeVersion;
use crate::clock::Day;
use crate::db::Conn;
use crate::db::schema::scheme_versions;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::points::Points;

/// The terms of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// When what happens.
    pub cycle: Cycle,
    /// What a household can have.
    pub caps: Caps,
    /// When points end.
    pub expiry: ExpiryTerms,
    /// What an unheeded reminder does.
    pub honour_penalty: HonourPenalty,
    /// The reminders that may be given.
    pub reminders: Vec<ReminderRule>,
    /// How the council decides.
    pub council: CouncilTerms,
    /// How three judges mark a home, where a scheme has home visits.
    pub home_visit: Option<HomeVisit>,
    /// How a civility dividend is shared out, where a scheme says so.
    pub dividend: Option<DividendTerms>,
}

/// The cycle of nomination, council, notice and appeal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Cycle {
    /// The last day of the month on which a deed is nominated for this month's council: 20.
    pub nomination_deadline_day: u32,
    /// The day of the month on which the council meets: 25.
    pub council_day: u32,
    /// Days of public notice: 3.
    pub notice_days: u64,
    /// Days in which an objection is decided; silence favours the household: 5.
    pub objection_decision_days: u64,
    /// Days after posting in which the household may appeal: 15 (SG7: never below 7).
    pub appeal_window_days: u64,
    /// Days in which an appeal is decided; silence favours the household: 15 (SG7: never above 15).
    pub appeal_decision_days: u64,
    /// Days of public notice of a title: 7, and never less.
    pub title_notice_days: u64,
}

impl Default for Cycle {
    fn default() -> Cycle {
        Cycle {
            nomination_deadline_day: 20,
            council_day: 25,
            notice_days: 3,
            objection_decision_days: 5,
            appeal_window_days: 15,
            appeal_decision_days: 15,
            title_notice_days: 7,
        }
    }
}

/// What a household can have from items of levels L1 and L2; L3 stands outside (`domain.md` §9.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Caps {
    /// In a calendar month, by the day of the deed: 30.
    pub household_per_month: Points,
    /// In a calendar year: 240.
    pub household_per_year: Points,
}

impl Default for Caps {
    fn default() -> Caps {
        Caps {
            household_per_month: Points(30),
            household_per_year: Points(240),
        }
    }
}

/// When points end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ExpiryTerms {
    /// The rule in words, as the sample has it. Read only where `valid_until` is left out.
    pub rule: String,
    /// The day on which points of a year end; with neither this nor a rule that can be read, points do not end.
    pub valid_until: Option<ValidUntil>,
    /// Days before the end on which a household is reminded: 60, 30, 7 (SG18).
    pub reminders_days_before: Vec<u64>,
}

impl Default for ExpiryTerms {
    fn default() -> ExpiryTerms {
        ExpiryTerms {
            rule: String::new(),
            valid_until: None,
            reminders_days_before: vec![60, 30, 7],
        }
    }
}

/// The last day of points that were posted in a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct ValidUntil {
    /// Its month, 1–12.
    pub month: u32,
    /// Its day, 1–31.
    pub day: u32,
    /// How many years after the year in which the points were posted.
    pub years_after: i32,
}

impl ExpiryTerms {
    /// The last day on which points posted on this day can be spent; `None` when they do not end.
    #[must_use]
    pub fn last_day(&self, posted_on: Day) -> Option<Day> {
        let until = self.valid_until.or_else(|| read_rule(&self.rule))?;
        let year = posted_on.year().checked_add(until.years_after)?;
        // A rule for 29 February ends on 1 March in other years: nobody loses a day by the calendar.
        NaiveDate::from_ymd_opt(year, until.month, until.day)
            .or_else(|| NaiveDate::from_ymd_opt(year, until.month.checked_add(1)?, 1))
    }
}

/// Reads `points earned in year Y expire 31 March Y+1`, the sample's wording.
fn read_rule(rule: &str) -> Option<ValidUntil> {
    let words: Vec<&str> = rule.split_whitespace().collect();
    let [.., day, month, year] = words.as_slice() else {
        return None;
    };
    let months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = months.iter().position(|name| name == month)?;
    Some(ValidUntil {
        month: u32::try_from(month).ok()?.checked_add(1)?,
        day: day.parse().ok()?,
        years_after: year.strip_prefix("Y+")?.parse().ok()?,
    })
}

/// What an unheeded reminder does: to the honour score only, and not for ever (SG2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct HonourPenalty {
    /// The most that a household can lose in a calendar month, over all reminders: 4.
    pub most_per_month: Points,
    /// After how many days it is made good by itself: 30.
    pub repair_days: u64,
}

impl Default for HonourPenalty {
    fn default() -> HonourPenalty {
        HonourPenalty {
            most_per_month: Points(4),
            repair_days: 30,
        }
    }
}

/// A reminder that may be given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReminderRule {
    /// `N01` …
    pub code: String,
    /// What it is about.
    #[serde(rename = "name_zh")]
    pub name: String,
    /// Added to the honour score when it goes unheeded; zero or negative.
    pub honour_points: Points,
    /// The period of the cap.
    #[serde(deserialize_with = "cap_period")]
    pub cap_period: CapPeriod,
    /// The most that a household can lose by this reminder in a period; zero or negative.
    pub cap: Points,
}

fn cap_period<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<CapPeriod, D::Error> {
    let word = String::deserialize(from)?;
    CapPeriod::from_word(&word).ok_or_else(|| serde::de::Error::custom("month, quarter or year"))
}

/// How the council decides.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CouncilTerms {
    /// Present of all, in per cent, from which a session can be held: 66 (two thirds, as the Organic Law of Villagers'
    /// Committees art. 26 asks of representatives' meetings).
    pub quorum_percent: i64,
    /// Votes in favour must be more than this part of those present and not recused, in per cent: 50.
    pub approve_more_than_percent: i64,
    /// The same for items of level L3: 50.
    pub approve_l3_more_than_percent: i64,
    /// The fewest members who can decide a motion after recusal: 3.
    pub fewest_voters: i64,
    /// Does a member who lives in the same building step back as well?
    pub recuse_same_building: bool,
}

impl Default for CouncilTerms {
    fn default() -> CouncilTerms {
        CouncilTerms {
            quorum_percent: 66,
            approve_more_than_percent: 50,
            approve_l3_more_than_percent: 50,
            fewest_voters: 3,
            recuse_same_building: false,
        }
    }
}

/// How three judges mark a home.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HomeVisit {
    /// Full marks.
    pub full_marks: i64,
    /// A mark further from the median than this needs a reason.
    pub outlier_distance: i64,
    /// What a median earns; the first that is reached counts.
    pub results: Vec<VisitResult>,
}

/// What a median earns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct VisitResult {
    /// The item's code.
    pub item: String,
    /// The median from which it is earned.
    pub at_least: i64,
}

/// How a civility dividend is shared out (`domain.md` §3.8). It looks at honour and at nothing else: no property share, no
/// number of people, no place in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DividendTerms {
    /// Households below this honour score have no share: 1.
    pub from_honour: Points,
    /// Honour above this counts as this; all of it counts where nothing is said.
    pub most_honour_counted: Option<Points>,
    /// So many hundredths of the pool are shared equally among all who take part, the rest by honour: 0.
    pub equal_part_percent: i64,
}

impl Default for DividendTerms {
    fn default() -> DividendTerms {
        DividendTerms {
            from_honour: Points(1),
            most_honour_counted: None,
            equal_part_percent: 0,
        }
    }
}

impl DividendTerms {
    /// What of a household's honour score counts.
    #[must_use]
    pub fn counted(&self, honour: Points) -> Points {
        self.most_honour_counted.map_or(honour, |most| honour.min(most))
    }

    /// In words, as the rules, a trial and the register have it.
    #[must_use]
    pub fn in_words(&self) -> String {
        let from = self.from_honour;
        let who = match self.most_honour_counted {
            None => format!("荣誉分满{from}分的住户参加分红，荣誉分全部计入；"),
            Some(most) => format!("荣誉分满{from}分的住户参加分红，每户最多计入{most}分；"),
        };
        let how = match self.equal_part_percent {
            0 => "总额按计入的荣誉分多少来分。".to_owned(),
            100 => "总额由参加的住户平分。".to_owned(),
            equal => {
                let rest = 100i64.saturating_sub(equal);
                format!("总额的{equal}%由参加的住户平分，其余{rest}%按计入的荣誉分多少来分。")
            }
        };
        format!("{who}{how}")
    }
}

/// A title as the rules have it. Its quota is for people in words, and in these fields for the program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TitleTerms {
    /// The evaluation that it belongs to.
    pub category: String,
    /// What it is called.
    #[serde(rename = "title")]
    pub name: String,
    /// What it is given for.
    #[serde(default)]
    pub purpose: String,
    /// What a household must be for it; may be empty.
    #[serde(default)]
    pub eligibility: String,
    /// `grid`, `building` or `programme`: whose quota it is.
    pub quota_scope: String,
    /// So many of a hundred households.
    #[serde(default)]
    pub quota_percent: Option<i64>,
    /// Or so many households.
    #[serde(default)]
    pub quota_count: Option<i64>,
    /// `quarter` or `year`.
    pub period: String,
    /// Points that come with it.
    #[serde(default)]
    pub reward_points: Points,
    /// How long it is held, in months.
    pub term_months: i64,
    /// Does a plaque go with it?
    #[serde(default)]
    pub plaque: bool,
}

/// The titles of a version that say enough to be given; those that are written in words only are left out.
///
/// # Errors
/// `NotFound`; a sentence for people when the document is none.
pub fn titles(conn: &mut Conn, version: &Id<SchemeVersion>) -> Result<Vec<TitleTerms>> {
    #[derive(Deserialize)]
    struct Document {
        #[serde(default)]
        titles: Vec<serde_json::Value>,
    }
    let text = super::version::document(conn, version)?;
    let document: Document = serde_json::from_str(&text)
        .map_err(|cause| Error::invalid("scheme", format!("读不懂方案里的称号（第{}行）：{cause}", cause.line())))?;
    let read = |row| serde_json::from_value(row).ok();
    Ok(document.titles.into_iter().filter_map(read).collect())
}

impl Terms {
    /// The terms in a document. Terms that do not make sense are refused when a version is adopted; what is in the
    /// database was adopted.
    ///
    /// # Errors
    /// A sentence for people when the document is not one.
    pub fn read(document: &str) -> Result<Terms> {
        serde_json::from_str(document)
            .map_err(|cause| Error::invalid("scheme", format!("读不懂方案里的办法（第{}行）：{cause}", cause.line())))
    }
}

/// The terms of a version.
///
/// # Errors
/// `NotFound`.
pub fn of(conn: &mut Conn, version: &Id<SchemeVersion>) -> Result<Terms> {
    let document = scheme_versions::table
        .find(version)
        .select(scheme_versions::document)
        .get_result::<String>(conn)
        .optional()?
        .ok_or(Error::NotFound)?;
    Terms::read(&document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn the_samples_words_are_read() {
        let terms = Terms::read(include_str!("../../samples/scheme.json")).unwrap_or_default();
        assert_eq!(terms.cycle.notice_days, 3);
        assert_eq!(terms.caps.household_per_month, Points(30));
        assert_eq!(terms.expiry.last_day(day("2026-11-21")), Some(day("2027-03-31")));
        assert_eq!(terms.reminders.len(), 5);
    }

    #[test]
    fn what_a_document_leaves_out_has_the_samples_value() {
        let terms = Terms::read("{\"cycle\":{\"notice_days\":7}}").unwrap_or_default();
        assert_eq!((terms.cycle.notice_days, terms.cycle.appeal_window_days), (7, 15));
        assert_eq!(terms.expiry.last_day(day("2026-11-21")), None);
    }

    #[test]
    fn a_dividend_is_told_as_it_is_shared_out() {
        let terms = Terms::read(include_str!("../../samples/scheme.json")).unwrap_or_default();
        let sample = terms.dividend.unwrap_or_default();
        assert_eq!(sample.counted(Points(300)), Points(240));
        assert_eq!(sample.counted(Points(30)), Points(30));
        assert_eq!(
            sample.in_words(),
            "荣誉分满10分的住户参加分红，每户最多计入240分；总额的20%由参加的住户平分，其余80%按计入的荣誉分多少来分。"
        );
        let unsaid = Terms::read("{}").unwrap_or_default().dividend.unwrap_or_default();
        assert_eq!(unsaid.counted(Points(300)), Points(300));
        assert_eq!(
            unsaid.in_words(),
            "荣誉分满1分的住户参加分红，荣誉分全部计入；总额按计入的荣誉分多少来分。"
        );
    }

    #[test]
    fn the_twenty_ninth_of_february_loses_nobody_a_day() {
        let until = ValidUntil {
            month: 2,
            day: 29,
            years_after: 1,
        };
        let expiry = ExpiryTerms {
            valid_until: Some(until),
            ..ExpiryTerms::default()
        };
        assert_eq!(expiry.last_day(day("2026-05-01")), Some(day("2027-03-01")));
        assert_eq!(expiry.last_day(day("2027-05-01")), Some(day("2028-02-29")));
    }
}
