//! The roll of a year or quarter (表彰): which titles were conferred for it, by title in the order of the evaluations.
//!
//! A title belongs to the period that it is for, also when it was conferred after its end. Under a title households stand in
//! the order of their codes, whatever anybody's votes or points: it is no ranking. It keeps nothing. What of a household may
//! be shown or said is for each page and paper to ask.

use std::collections::{BTreeSet, HashMap};

use chrono::{Datelike, Months};

use super::award::{self, State, TitleAward};
use super::title::{self, HonourTitle, Period};
use crate::clock::{Day, Span};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::Area;
use crate::places::household::{self, Household};
use crate::places::standing;

/// A year, or one of its quarters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Season {
    /// Which of the two.
    pub period: Period,
    /// Its days.
    pub span: Span,
}

/// Years that make sense.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;

impl Season {
    /// What `2026` and `4` name; the whole year without a quarter, and this year without either.
    ///
    /// # Errors
    /// `Invalid` for what is no year or no quarter.
    pub fn read(year: &str, quarter: &str, today: Day) -> Result<Season> {
        let year = match year.trim().trim_end_matches('年') {
            "" => Some(today.year()),
            text => text.parse().ok().filter(|year| YEARS.contains(year)),
        };
        let first = year.and_then(|year| Day::from_ymd_opt(year, 1, 1));
        let first = first.ok_or_else(|| Error::invalid("year", "年份写成2026这样。"))?;
        let (period, months) = match quarter.trim() {
            "" => (Period::Year, 0),
            "1" => (Period::Quarter, 0),
            "2" => (Period::Quarter, 3),
            "3" => (Period::Quarter, 6),
            "4" => (Period::Quarter, 9),
            _ => return Err(Error::invalid("quarter", "季度写成1、2、3或4。")),
        };
        let day = first.checked_add_months(Months::new(months)).unwrap_or(first);
        Ok(Season {
            period,
            span: period.around(day),
        })
    }

    /// `2026年`, `2026年第四季度`.
    #[must_use]
    pub fn in_words(self) -> String {
        self.period.in_words(self.span.from)
    }

    /// `2026`, also of a quarter.
    #[must_use]
    pub fn year(self) -> i32 {
        self.span.from.year()
    }

    /// Is the award for it? A year has the titles of its quarters too; a quarter has none that are given once a year.
    fn has(self, title: &HonourTitle, award: &TitleAward) -> bool {
        self.span.contains(award.period_from) && (self.period == Period::Year || title.period == Period::Quarter)
    }
}

/// A title with the households to which it was given.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it is called.
    pub name: String,
    /// What it is given for, as it is read out.
    pub purpose: String,
    /// Who got it.
    pub conferred: Vec<Conferred>,
}

/// A title that was conferred, whatever became of it.
#[derive(Clone, Debug)]
pub struct Conferred {
    /// The award.
    pub award: TitleAward,
    /// The title, as it was in force then.
    pub title: HonourTitle,
    /// The household.
    pub household: Household,
    /// Has the household left since, or become part of another?
    pub is_gone: bool,
}

impl Conferred {
    /// Was it taken back?
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.award.state == State::Revoked
    }

    /// Does a household that is part of the programme hold it on this day?
    #[must_use]
    pub fn is_held_on(&self, day: Day) -> bool {
        !self.is_gone && self.award.is_held_on(day)
    }
}

/// Households looked up at once.
const AT_ONCE: usize = 500;

/// The roll of a season in these buildings, without titles that nobody got.
///
/// # Errors
/// Only when the database fails.
pub fn of(conn: &mut Conn, season: Season, is_inside: impl Fn(&Id<Area>) -> bool) -> Result<Vec<Section>> {
    let titles = title::all(conn)?;
    let mut awards = ever_conferred(conn)?;
    awards.retain(|award| {
        let title = titles.iter().find(|title| title.id == award.title_id);
        title.is_some_and(|title| season.has(title, award))
    });
    let homes = homes(conn, &awards)?;
    let mut sections: Vec<Section> = Vec::new();
    for title in titles {
        let mut conferred = Vec::new();
        for award in awards.iter().filter(|award| award.title_id == title.id) {
            let home = homes.get(&award.household_id);
            if let Some((household, is_gone)) = home.filter(|(home, _)| is_inside(&home.building_id)) {
                conferred.push(Conferred {
                    award: award.clone(),
                    title: title.clone(),
                    household: household.clone(),
                    is_gone: *is_gone,
                });
            }
        }
        // A title that was retired and defined anew is one title to those who hold it.
        match sections.iter_mut().find(|section| section.name == title.name) {
            Some(section) => {
                section.purpose = title.purpose;
                section.conferred.append(&mut conferred);
            }
            None => sections.push(Section {
                name: title.name,
                purpose: title.purpose,
                conferred,
            }),
        }
    }
    sections.retain(|section| !section.conferred.is_empty());
    for section in &mut sections {
        let place = |one: &Conferred| (one.household.code.clone(), one.award.period_from);
        section.conferred.sort_by_key(place);
    }
    Ok(sections)
}

/// The years for which titles were conferred, newest first.
///
/// # Errors
/// Only when the database fails.
pub fn years(conn: &mut Conn) -> Result<Vec<i32>> {
    let years: BTreeSet<i32> = ever_conferred(conn)?
        .iter()
        .map(|award| award.period_from.year())
        .collect();
    Ok(years.into_iter().rev().collect())
}

fn ever_conferred(conn: &mut Conn) -> Result<Vec<TitleAward>> {
    let mut awards = award::standing_as(conn, &[State::Conferred, State::Revoked])?;
    awards.retain(|award| award.conferred_at.is_some());
    Ok(awards)
}

/// The households of these awards, each with whether it is gone from the programme.
fn homes(conn: &mut Conn, awards: &[TitleAward]) -> Result<HashMap<Id<Household>, (Household, bool)>> {
    let mut ids: Vec<Id<Household>> = awards.iter().map(|award| award.household_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut homes = HashMap::new();
    for chunk in ids.chunks(AT_ONCE) {
        let gone = standing::gone(conn, chunk)?;
        let here = household::by_ids(conn, chunk)?.into_iter();
        homes.extend(here.map(|home| {
            let is_gone = gone.contains(&home.id);
            (home.id.clone(), (home, is_gone))
        }));
    }
    Ok(homes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_is_a_year_or_a_quarter_of_it() {
        let today: Day = "2026-11-22".parse().unwrap_or_default();
        let told = |year: &str, quarter: &str| Season::read(year, quarter, today).map(Season::in_words).ok();
        assert_eq!(told("", "").as_deref(), Some("2026年"));
        assert_eq!(told(" 2025年 ", "").as_deref(), Some("2025年"));
        assert_eq!(told("2025", "4").as_deref(), Some("2025年第四季度"));
        assert_eq!(told("", "1").as_deref(), Some("2026年第一季度"));
        for (year, quarter) in [("26", ""), ("year", ""), ("2026", "5"), ("2026", "0")] {
            assert_eq!(told(year, quarter), None, "{year} {quarter}");
        }
    }
}
