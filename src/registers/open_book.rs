//! The open book (积分公开) of a month that is over: what everybody may know of points, deeds and goods, and of no household.
//!
//! Its numbers are those of the monthly summary ([`month`]) and of the rooms they come from, put together and not reckoned
//! anew. Households are counted and never named, and a count below [`FEWEST`] is not even in the struct. The books know no
//! place, so points and goods are of the whole programme; a community has its deeds and its budget, where enough households live
//! in it. A month is open when it is over, because then it does not change any more; before the programme began there is none.

use std::collections::HashMap;

use chrono::Months;

use super::month::{self, Side};
use crate::clock::{Day, Span, begin_of};
use crate::council::budget;
use crate::council::nomination::{self, Nomination};
use crate::council::redress::{self, Redress};
use crate::council::reminder;
use crate::council::staff_share::{self, StaffShare};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::balance;
use crate::ledger::register as books;
use crate::ledger::transaction::TransactionKind;
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::{household, programme};
use crate::points::Points;
use crate::scheme::item::{self, Item};
use crate::scheme::version;
use crate::shop::store;

/// A count of fewer is not told.
pub const FEWEST: i64 = 5;
/// Months that can be chosen.
const MONTHS: usize = 12;
/// Ids that one question to a database names.
const CHUNK: usize = 500;

/// What gives points for what was decided.
const GIVING: [TransactionKind; 3] = [
    TransactionKind::Award,
    TransactionKind::Correction,
    TransactionKind::TitleReward,
];

/// The lines of the open book: what people call it, what it is, and the movements of the summary that make it. What is in none
/// of them is in [`THE_REST`].
const LINES: [(&str, &str, &[&str]); 4] = [
    (
        "入账",
        "评议通过、公示期满的好事和称号",
        &["发放", "更正补发", "荣誉称号奖励"],
    ),
    ("兑换", "在积分超市换走", &["兑换"]),
    ("退回", "退货、作废，退还住户", &["退货退回", "作废退回"]),
    ("过期", "到期没有用完", &["过期"]),
];
/// What else there may be.
const THE_REST: (&str, &str) = ("冲正和更正", "评错、记错的收回或退还");

/// How many, told from [`FEWEST`] on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowd(Option<i64>);

impl Crowd {
    fn of(count: i64) -> Crowd {
        Crowd((count >= FEWEST).then_some(count))
    }

    /// How many; `None` for fewer than [`FEWEST`].
    #[must_use]
    pub fn told(self) -> Option<i64> {
        self.0
    }

    /// `186`, `不足5`.
    #[must_use]
    pub fn in_words(self) -> String {
        match self.0 {
            Some(count) => count.to_string(),
            None => format!("不足{FEWEST}"),
        }
    }
}

/// A line of the points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What people call it.
    pub label: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Points; negative where they went.
    pub points: i64,
}

/// A number that stands large on page, television and paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it counts.
    pub label: &'static str,
    /// The number.
    pub value: String,
    /// What it is counted in.
    pub unit: &'static str,
}

/// What households did in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Households {
    /// Had a deed nominated.
    pub nominated: Crowd,
    /// Got points.
    pub received: Crowd,
    /// Redeemed points.
    pub redeemed: Crowd,
}

/// A budget, and what of it posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// For the households of which area.
    pub area: String,
    /// Points that could post.
    pub points: Points,
    /// Points that posted.
    pub posted: Points,
}

impl Budget {
    /// Of a hundred points, how many posted.
    #[must_use]
    pub fn percent(&self) -> i64 {
        let hundredfold = self.posted.0.saturating_mul(100);
        hundredfold.checked_div(self.points.0).unwrap_or(0)
    }
}

/// The open book of a month.
#[derive(Clone, Debug)]
pub struct OpenBook {
    /// The month.
    pub month: Span,
    /// Points of all households, as in the monthly summary.
    pub points: Side,
    /// Honour that was given, which nobody can spend.
    pub honour: Points,
    /// How many households took part.
    pub households: Households,
    /// Good deeds that posted and stand, of all households.
    pub deeds: i64,
    /// The same of the community, by what is evaluated; `None` where too few households live.
    pub evaluations: Option<Vec<(String, i64)>>,
    /// Goods of all stores, as in the monthly summary.
    pub goods: Side,
    /// Reminder notes that were issued.
    pub reminders: Crowd,
    /// Objections to what was on notice.
    pub objections: Redress,
    /// Appeals of households.
    pub appeals: Redress,
    /// The budgets that bound the month.
    pub budgets: Vec<Budget>,
    /// What went to those who decide, from the year's beginning on; `None` where they are too few.
    pub share: Option<StaffShare>,
    /// The last line of the books in the month, and the digits that close them.
    pub tip: Option<(i64, String)>,
}

impl OpenBook {
    /// The lines of the points: together they make the end of the beginning.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        lines(&self.points)
    }

    /// The numbers that stand large.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        figures_of(&self.points, self.deeds, &self.households)
    }
}

/// The months that are open, the latest first.
///
/// # Errors
/// Only when the database fails.
pub fn months(conn: &mut Conn, today: Day) -> Result<Vec<Span>> {
    let Some(programme) = programme::find(conn)? else {
        return Ok(Vec::new());
    };
    let first = Span::month_of(programme.began_on()).from;
    let before = |month: &Span| month.from.checked_sub_months(Months::new(1)).map(Span::month_of);
    let over = std::iter::successors(before(&Span::month_of(today)), before);
    Ok(over.take_while(|month| month.from >= first).take(MONTHS).collect())
}

/// Refuses a month that is not over, or was over before the programme began.
///
/// # Errors
/// `Invalid`; `NotFound` in an empty database.
fn expect_open(conn: &mut Conn, month: Span, today: Day) -> Result<()> {
    let first = Span::month_of(programme::get(conn)?.began_on());
    if month.from < first.from {
        let sentence = format!("积分从{}开始，以前的月份没有账。请选以后的月份。", month::spoken(first));
        return Err(Error::invalid("month", sentence));
    }
    match month.until <= today {
        true => Ok(()),
        false => Err(Error::invalid(
            "month",
            format!("{}还没有结束，结束以后才公开。请选以前的月份。", month::spoken(month)),
        )),
    }
}

/// The open book of a month; of a community its deeds and budgets, and what is the whole programme's.
///
/// # Errors
/// `Invalid` for a month that is not over, or was over before the programme began.
pub fn of_month(conn: &mut Conn, month: Span, community: Option<&Area>, today: Day) -> Result<OpenBook> {
    expect_open(conn, month, today)?;
    let tree = Tree::load(conn)?;
    let stores: Vec<_> = store::all(conn)?.into_iter().map(|store| store.id).collect();
    let posted = nomination::posted_in(conn, month)?;
    let tip = balance::tip_before(conn, begin_of(month.until))?;
    Ok(OpenBook {
        points: month::points(conn, month)?,
        honour: books::honour_given(conn, month, &GIVING)?,
        households: households(conn, month)?,
        deeds: count(&posted),
        evaluations: evaluations(conn, &tree, posted, month, community)?,
        goods: month::goods(conn, &stores, month)?,
        reminders: Crowd::of(reminder::issued_in(conn, month)?),
        objections: redress::objections(conn, month)?,
        appeals: redress::appeals(conn, month)?,
        budgets: budgets(conn, &tree, month, community)?,
        share: staff_share::until_end_of(conn, month)?,
        tip: tip.map(|(number, digest)| (number, balance::short(&digest))),
        month,
    })
}

/// The latest month that is open and its numbers that stand large; `None` in the programme's first month.
///
/// # Errors
/// Only when the database fails.
pub fn latest_figures(conn: &mut Conn, today: Day) -> Result<Option<(Span, Vec<Figure>)>> {
    let Some(month) = months(conn, today)?.into_iter().next() else {
        return Ok(None);
    };
    let (points, households) = (month::points(conn, month)?, households(conn, month)?);
    let deeds = count(&nomination::posted_in(conn, month)?);
    Ok(Some((month, figures_of(&points, deeds, &households))))
}

fn households(conn: &mut Conn, month: Span) -> Result<Households> {
    Ok(Households {
        nominated: Crowd::of(nomination::households_nominated(conn, month)?),
        received: Crowd::of(books::households(conn, month, &GIVING, true)?),
        redeemed: Crowd::of(books::households(conn, month, &[TransactionKind::Redemption], false)?),
    })
}

fn count(posted: &[Nomination]) -> i64 {
    i64::try_from(posted.len()).unwrap_or(i64::MAX)
}

fn lines(points: &Side) -> Vec<Line> {
    let sum = |of: &dyn Fn(&str) -> bool| {
        let moved = points.movements.iter().filter(|movement| of(&movement.label));
        moved.fold(0i64, |sum, movement| sum.saturating_add(movement.amount))
    };
    let mut told: Vec<Line> = LINES
        .iter()
        .map(|&(label, about, made_of)| Line {
            label,
            about,
            points: sum(&|movement| made_of.contains(&movement)),
        })
        .collect();
    let is_told = |movement: &str| LINES.iter().any(|(.., made_of)| made_of.contains(&movement));
    let (label, about) = THE_REST;
    told.push(Line {
        label,
        about,
        // What one household hands on to another is in it twice, and so not at all.
        points: sum(&|movement| !is_told(movement)),
    });
    told
}

fn figures_of(points: &Side, deeds: i64, households: &Households) -> Vec<Figure> {
    let lines = lines(points);
    let line = |at: usize| lines.get(at).map_or(0, |line| line.points.saturating_abs()).to_string();
    let figure = |label, value, unit| Figure { label, value, unit };
    vec![
        figure("入账积分", line(0), "分"),
        figure("兑换积分", line(1), "分"),
        figure("月末还可用", points.end.0.to_string(), "分"),
        figure("入账的好事", deeds.to_string(), "件"),
        figure("得到积分的住户", households.received.in_words(), "户"),
        figure("来兑换的住户", households.redeemed.in_words(), "户"),
    ]
}

/// Good deeds that posted in the month and stand, by what is evaluated, of all or of a community.
fn evaluations(
    conn: &mut Conn,
    tree: &Tree,
    mut posted: Vec<Nomination>,
    month: Span,
    community: Option<&Area>,
) -> Result<Option<Vec<(String, i64)>>> {
    if let Some(community) = community {
        let buildings = tree.buildings_of(&community.id);
        let (households, _) = household::count_in(conn, &buildings)?;
        if households < FEWEST {
            return Ok(None);
        }
        let mut homes = HashMap::new();
        let mut ids: Vec<_> = posted.iter().map(|row| row.household_id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        for chunk in ids.chunks(CHUNK) {
            let found = household::by_ids(conn, chunk)?.into_iter();
            homes.extend(found.map(|home| (home.id, home.building_id)));
        }
        posted.retain(|row| {
            homes
                .get(&row.household_id)
                .is_some_and(|home| buildings.contains(home))
        });
    }
    let last = month.until.pred_opt().unwrap_or(month.from);
    let mut names: Vec<(String, String)> = match version::in_force(conn, last) {
        Ok(version) => item::of_version(conn, &version.id)?
            .0
            .into_iter()
            .map(|category| (category.code, category.name))
            .collect(),
        Err(Error::NotFound) => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut by_rule: HashMap<Id<Item>, i64> = HashMap::new();
    for row in posted {
        let count = by_rule.entry(row.scoring_item_id).or_default();
        *count = count.saturating_add(1);
    }
    let mut counts: HashMap<String, i64> = HashMap::new();
    let rules: Vec<Id<Item>> = by_rule.keys().cloned().collect();
    for chunk in rules.chunks(CHUNK) {
        for rule in item::by_ids(conn, chunk)? {
            // What an earlier version evaluated and this one does not any more.
            if !names.iter().any(|(code, _)| *code == rule.category_code) {
                let (_, category) = item::by_id(conn, &rule.id)?;
                names.push((rule.category_code.clone(), category.name));
            }
            let more = by_rule.get(&rule.id).copied().unwrap_or(0);
            let count = counts.entry(rule.category_code).or_default();
            *count = count.saturating_add(more);
        }
    }
    names.sort();
    let told = names
        .into_iter()
        .map(|(code, name)| (name, counts.get(&code).copied().unwrap_or(0)));
    Ok(Some(told.collect()))
}

/// The budgets that bound the month, of communities and above: a smaller one would tell of a few households.
fn budgets(conn: &mut Conn, tree: &Tree, month: Span, community: Option<&Area>) -> Result<Vec<Budget>> {
    let mut told = Vec::new();
    for used in budget::in_use(conn, month.from)? {
        let Some(area) = tree.get(&used.budget.area_id) else {
            continue;
        };
        let is_large = matches!(area.kind, AreaKind::County | AreaKind::Township | AreaKind::Community);
        if !is_large || !tree.concerns(community, &area.id) {
            continue;
        }
        let (households, _) = household::count_in(conn, &tree.buildings_of(&area.id))?;
        if households >= FEWEST {
            told.push(Budget {
                area: area.name.clone(),
                points: used.budget.points,
                posted: used.posted,
            });
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Fen;
    use crate::registers::month::Movement;

    fn movement(label: &str, amount: i64) -> Movement {
        Movement {
            label: label.to_owned(),
            count: 1,
            amount,
            cost: Fen(0),
        }
    }

    #[test]
    fn the_lines_make_the_end_of_the_beginning() {
        let side = Side {
            begin: (100, Fen(0)),
            movements: vec![
                movement("发放", 60),
                movement("荣誉称号奖励", 20),
                movement("转户转入", 7),
                movement("转户转出", -7),
                movement("兑换", -30),
                movement("退货退回", 8),
                movement("作废退回", 5),
                movement("冲正收回", -3),
                movement("过期", -2),
            ],
            end: (158, Fen(0)),
        };
        assert!(side.agrees());
        let told: Vec<i64> = lines(&side).iter().map(|line| line.points).collect();
        assert_eq!(told, [80, -30, 13, -2, -3]);
        assert_eq!(side.begin.0 + told.iter().sum::<i64>(), side.end.0);
    }

    #[test]
    fn a_line_is_made_of_what_the_summary_knows() {
        for (label, _, made_of) in LINES {
            assert!(
                made_of.iter().all(|movement| month::ORDER.contains(movement)),
                "{label}"
            );
        }
    }

    #[test]
    fn a_few_are_not_told() {
        assert_eq!(Crowd::of(4).told(), None);
        assert_eq!(Crowd::of(0).in_words(), "不足5");
        assert_eq!(
            (Crowd::of(5).told(), Crowd::of(5).in_words()),
            (Some(5), "5".to_owned())
        );
    }

    #[test]
    fn a_budget_of_nothing_is_used_to_nothing() {
        let budget = |points, posted| Budget {
            area: String::new(),
            points: Points(points),
            posted: Points(posted),
        };
        assert_eq!(budget(0, 0).percent(), 0);
        assert_eq!(budget(300, 299).percent(), 99);
    }
}
