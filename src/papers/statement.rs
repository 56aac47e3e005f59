//! The statement on paper: a household's points, where they came from, what ends when, and how to say no (H2, H3, SG18).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::Permission;
use crate::clock::{Span, begin_of, day_of, spoken_day, weekday};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::places::area::Tree;
use crate::places::household::Household;
use crate::places::programme;
use crate::scheme::{terms, version};
use crate::shop::{opening, store};
use crate::statements::coming;
use crate::statements::statement::{self, Line, PAGE, What};

/// Months that a statement covers without a month being asked for, this one included.
const MONTHS: u32 = 3;

/// A household's statement.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    paper: Head,
    size: String,
    large: bool,
    household: Holder,
    /// The day of the three figures below, and of what is coming and ending, when it is behind what the lines cover.
    as_of: Option<String>,
    balance: i64,
    pending: i64,
    honour: i64,
    from: String,
    to: String,
    opening: Level,
    closing: Level,
    lines: Vec<Entry>,
    expiring: Vec<Ending>,
    coming: Vec<Award>,
    next_opening: Option<String>,
    object_days: u64,
    phone: String,
    place: String,
    chain: Option<Chain>,
}

/// Whose paper it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The code.
    pub code: String,
    /// The head's name.
    pub head_name: String,
    /// `5号楼2单元1103`.
    pub building: String,
}

impl Holder {
    pub(super) fn of(household: &Household, tree: &Tree) -> Holder {
        let building = tree.get(&household.building_id).map(|area| area.name.clone());
        Holder {
            code: household.code.clone(),
            head_name: household.head_name.clone(),
            building: building.unwrap_or_default() + &household.door(),
        }
    }
}

/// What a household had on a day.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    balance: i64,
    honour: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    slip: String,
    day: String,
    what: String,
    rule: String,
    decided: String,
    /// When it was posted, where that was on another day.
    posted: Option<String>,
    /// Points to spend; 0 where only the honour score changed.
    amount: i64,
    balance: i64,
    honour: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    day: String,
    points: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Award {
    what: String,
    points: i64,
    day: String,
}

/// The last transaction of the books on that day, so that a printed statement proves what was in them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain {
    number: i64,
    digest: String,
}

/// A household's statement: of the month that was asked for, or of the last three.
///
/// # Errors
/// As [`Order::household`], [`Order::month`] and [`Order::size`].
pub fn load(conn: &mut Conn, order: &Order) -> Result<Statement> {
    let household = order.household(conn, Permission::ReadHouseholds)?;
    of(conn, order, &household)
}

/// The statement of this household.
///
/// # Errors
/// As [`load`].
pub fn of(conn: &mut Conn, order: &Order, household: &Household) -> Result<Statement> {
    let span = span(order)?;
    let tree = Tree::load(conn)?;
    let programme = programme::get(conn)?;
    let today = order.today();
    let to = span.until.pred_opt().unwrap_or(span.until).min(today);
    let balances = balance::of(conn, household.id.as_str())?;
    let spendable = Account::of(conn, household, AccountKind::Spendable, span)?;
    let honour = Account::of(conn, household, AccountKind::Honour, span)?;
    let coming = coming::of(conn, household, today)?;
    let in_force = version::in_force(conn, today)?;
    let terms = terms::of(conn, &in_force.id)?;
    Ok(Statement {
        size: order.size(&["a4", "a5"])?,
        large: order.asked.large,
        household: Holder::of(household, &tree),
        as_of: (to < today).then(|| spoken_day(today)),
        balance: balances.spendable.0,
        pending: balances.pending.0,
        honour: balances.honour.0,
        from: spoken_day(span.from),
        to: spoken_day(to),
        opening: Level {
            balance: spendable.opening,
            honour: honour.opening,
        },
        closing: Level {
            balance: spendable.closing(),
            honour: honour.closing(),
        },
        lines: entries(conn, &spendable, &honour)?,
        expiring: coming
            .ending
            .iter()
            .map(|ending| Ending {
                day: spoken_day(ending.last_day),
                points: ending.points.0,
            })
            .collect(),
        coming: coming
            .awards
            .iter()
            .map(|award| Award {
                what: award.deed.clone(),
                points: award.points.0,
                day: award.when.clone(),
            })
            .collect(),
        next_opening: next_opening(conn, order, household, &tree)?,
        object_days: terms.cycle.appeal_window_days,
        phone: programme.phone,
        place: programme.office,
        chain: balance::tip(conn)?.map(|(number, digest)| Chain {
            number,
            digest: balance::short(&digest),
        }),
        paper: order.head(conn, Some(&household.building_id))?,
    })
}

/// What a household had in one of its accounts when a span began, and the lines within, the newest first.
struct Account {
    opening: i64,
    inside: Vec<balance::Line>,
}

impl Account {
    fn of(conn: &mut Conn, household: &Household, kind: AccountKind, span: Span) -> Result<Account> {
        let (first, end) = (begin_of(span.from), begin_of(span.until));
        let mut inside = Vec::new();
        let mut before = None;
        // As far back as the last line before the span, which says the balance then.
        loop {
            let lines = balance::lines(conn, household.id.as_str(), kind, before, PAGE)?;
            before = lines.last().map(|line| line.version);
            for line in lines {
                if line.recorded_at < first {
                    let opening = line.balance_after.0;
                    return Ok(Account { opening, inside });
                }
                if line.recorded_at < end {
                    inside.push(line);
                }
            }
            if before.is_none() {
                return Ok(Account { opening: 0, inside });
            }
        }
    }

    fn closing(&self) -> i64 {
        self.inside.first().map_or(self.opening, |line| line.balance_after.0)
    }

    /// What one slip added.
    fn added(&self, slip: i64) -> i64 {
        let lines = self.inside.iter().filter(|line| line.transaction == slip);
        lines.map(|line| line.amount.0).sum()
    }
}

/// One entry for each slip, the oldest first: what it did to the points to spend, and to the honour score.
fn entries(conn: &mut Conn, spendable: &Account, honour: &Account) -> Result<Vec<Entry>> {
    let mut by_slip = BTreeMap::new();
    for line in spendable.inside.iter().chain(&honour.inside) {
        by_slip.entry(line.transaction).or_insert_with(|| line.clone());
    }
    let lines: Vec<balance::Line> = by_slip.into_values().collect();
    let mut balance = spendable.opening;
    let told = statement::told(conn, &lines)?;
    let entries = told.iter().map(|line| {
        let amount = spendable.added(line.slip);
        balance = balance.saturating_add(amount);
        entry(line, amount, balance, honour.added(line.slip))
    });
    Ok(entries.collect())
}

fn span(order: &Order) -> Result<Span> {
    let month = order.month()?;
    if order.asked.month.as_deref().is_some_and(|month| !month.is_empty()) {
        if month.from > order.today() {
            return Err(Error::invalid(
                "month",
                "这个月还没有到，没有账可以打印。请写本月或以前的月份。",
            ));
        }
        return Ok(month);
    }
    let from = month.from.checked_sub_months(chrono::Months::new(MONTHS - 1));
    Ok(Span {
        from: from.unwrap_or(month.from),
        until: month.until,
    })
}

/// When the store of the household's area opens next: `11月25日（周三）`.
fn next_opening(conn: &mut Conn, order: &Order, household: &Household, tree: &Tree) -> Result<Option<String>> {
    let near = store::near(conn, tree, &household.building_id)?;
    let Some(store) = near.into_iter().next() else {
        return Ok(None);
    };
    let days = opening::of_store(conn, &store.id, order.today())?;
    Ok(days
        .next(order.today())
        .map(|day| format!("{}（{}），{}", day.format("%-m月%-d日"), weekday(day), store.name)))
}

fn entry(line: &Line, amount: i64, balance: i64, honour: i64) -> Entry {
    let (what, rule, decided) = told(&line.what);
    Entry {
        slip: line.slip.to_string(),
        day: spoken_day(line.effective_on),
        what,
        rule,
        decided,
        posted: (day_of(line.recorded_at) != line.effective_on)
            .then(|| day_of(line.recorded_at).format("%-m月%-d日入账").to_string()),
        amount,
        balance,
        honour,
    }
}

/// Who nominated, and who verified where somebody had to.
fn people(nominated_by: &str, verified_by: &str) -> String {
    match verified_by.is_empty() {
        true => format!("{nominated_by}申报"),
        false => format!("{nominated_by}申报，{verified_by}核实"),
    }
}

/// What happened, by which rule, and who decided.
fn told(what: &What) -> (String, String, String) {
    match what {
        What::Award {
            item_code,
            rule,
            count,
            note,
            nominated_by,
            verified_by,
            shown,
        } => {
            let times = if *count > 1 {
                format!("×{count}")
            } else {
                String::new()
            };
            let rule = rule.trim_end_matches('。');
            // The household's own deed first, the rule below it.
            let (what, rule) = match note.is_empty() {
                true => (format!("{rule}{times}"), item_code.clone()),
                false => (format!("{note}{times}"), format!("{item_code}，{rule}")),
            };
            let people = people(nominated_by, verified_by);
            let decided = match shown {
                Some(shown) => format!("{people}；第{}次评议会，公示{}", shown.session, shown.slip),
                None => format!("{people}；申诉成立"),
            };
            (what, rule, decided)
        }
        What::Redemption {
            goods,
            redeemed_by,
            typed,
        } => {
            let typed = if *typed { "，手输卡号" } else { "" };
            (
                format!("兑换{}", goods.join("、").replace(" × ", "×")),
                String::new(),
                format!("{redeemed_by}经办{typed}"),
            )
        }
        What::Void {
            slip,
            reason,
            voided_by,
        } => (
            format!("撤销兑换（凭条号{slip}）：{reason}"),
            String::new(),
            format!("{voided_by}经办"),
        ),
        What::Title {
            title,
            reason,
            revoked: true,
            ..
        } => (
            format!("称号撤销，奖励收回：{title}"),
            reason.clone(),
            "申诉复议决定".to_owned(),
        ),
        What::Title {
            title,
            reason,
            revoked: false,
            nominated_by,
            verified_by,
            shown,
        } => {
            let people = people(nominated_by, verified_by);
            let decided = match shown {
                Some(shown) => format!("{people}；第{}次评议会票决，公示{}", shown.session, shown.slip),
                None => format!("{people}；申诉成立"),
            };
            (format!("荣誉称号奖励：{title}"), reason.clone(), decided)
        }
        What::Other(words) => (words.clone(), String::new(), String::new()),
    }
}
