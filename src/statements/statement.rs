//! The statement: each line of a household's account with its rule, who nominated and verified, the session and notice, and the
//! balance after.
//!
//! It joins what three rooms know: the ledger has the line, the council knows why points came, the shop knows what they
//! were spent on.

use std::collections::{HashMap, HashSet};

use crate::access::user::{self, User};
use crate::clock::{Day, Moment};
use crate::council::nomination::{self, Nomination};
use crate::council::notice::{self, Shown};
use crate::db::Conn;
use crate::error::Result;
use crate::honours::award::{self, AWARDED, REVOKED, TitleAward};
use crate::honours::{notice as title_notice, title};
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::balance::{self, Balances};
use crate::ledger::transaction::TransactionKind;
use crate::places::household::Household;
use crate::points::Points;
use crate::scheme::item::{self, Item};
use crate::shop::redemption::{self, Redeemed, Redemption};
use crate::shop::void;

/// A household's statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Whose it is.
    pub household: Household,
    /// The balances now.
    pub balances: Balances,
    /// The lines, newest first.
    pub lines: Vec<Line>,
    /// The version after which older lines are found.
    pub older: Option<i64>,
}

/// One line, told in words.
#[derive(Clone, Debug)]
pub struct Line {
    /// The transaction's number, which is on the slip.
    pub slip: i64,
    /// The day it is about.
    pub effective_on: Day,
    /// When it was written.
    pub recorded_at: Moment,
    /// Added to the balance.
    pub amount: Points,
    /// The balance after.
    pub balance_after: Points,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// Points for a deed.
    Award {
        /// The rule's code.
        item_code: String,
        /// The rule in words.
        rule: String,
        /// How many times, persons …
        count: i64,
        /// What was done.
        note: String,
        /// Who nominated.
        nominated_by: String,
        /// Who verified.
        verified_by: String,
        /// The session that decided and the public notice; `None` for what an upheld appeal gave.
        shown: Option<Shown>,
    },
    /// Points for goods.
    Redemption {
        /// What was taken: `大米 5kg × 1`.
        goods: Vec<String>,
        /// Who stood at the counter.
        redeemed_by: String,
        /// Was the card's number typed instead of scanned?
        typed: bool,
    },
    /// A redemption undone.
    Void {
        /// The slip number of what was undone.
        slip: i64,
        /// Why.
        reason: String,
        /// Who.
        voided_by: String,
    },
    /// Points that came with a title, or were taken back with it.
    Title {
        /// `文明榜样户（2026年第四季度）`.
        title: String,
        /// Why this household; why it was revoked, for what was taken back.
        reason: String,
        /// Was it revoked, and were the points taken back?
        revoked: bool,
        /// Who nominated.
        nominated_by: String,
        /// Who verified; empty when nobody had to.
        verified_by: String,
        /// The session that balloted and the public notice; `None` for what an upheld appeal gave.
        shown: Option<Shown>,
    },
    /// A line whose cause is kept elsewhere.
    Other(String),
}

/// Lines on a page.
pub const PAGE: i64 = 50;

/// A household's statement of one account, newest first, from version `before` back.
///
/// # Errors
/// Only when the database fails.
pub fn statement(
    conn: &mut Conn,
    household: Household,
    kind: AccountKind,
    before: Option<i64>,
    limit: i64,
) -> Result<Statement> {
    let lines = balance::lines(conn, household.id.as_str(), kind, before, limit.saturating_add(1))?;
    let more = i64::try_from(lines.len()).unwrap_or(i64::MAX) > limit;
    let shown: Vec<balance::Line> = lines.into_iter().take(usize::try_from(limit).unwrap_or(0)).collect();
    let older = shown.last().filter(|_| more).map(|line| line.version);
    Ok(Statement {
        balances: balance::of(conn, household.id.as_str())?,
        lines: told(conn, &shown)?,
        household,
        older,
    })
}

/// These lines of the books, in words and in their order.
///
/// # Errors
/// Only when the database fails.
pub fn told(conn: &mut Conn, lines: &[balance::Line]) -> Result<Vec<Line>> {
    let causes = Causes::load(conn, lines)?;
    Ok(lines.iter().map(|line| causes.tell(line)).collect())
}

/// What one transaction did to a household's points that can be spent, in words.
///
/// # Errors
/// Only when the database fails.
pub fn line(conn: &mut Conn, household: &Household, transaction: i64) -> Result<Option<Line>> {
    let mut lines = balance::lines_of(conn, household.id.as_str(), transaction)?;
    lines.retain(|line| line.kind == AccountKind::Spendable);
    lines.truncate(1);
    Ok(told(conn, &lines)?.pop())
}

/// Everything the lines of a page name.
struct Causes {
    nominations: HashMap<String, Nomination>,
    shown: HashMap<Id<Nomination>, Shown>,
    items: HashMap<Id<Item>, Item>,
    redemptions: HashMap<Id<Redemption>, Redeemed>,
    voids: HashMap<String, void::Void>,
    titles: HashMap<Id<TitleAward>, Titled>,
    people: HashMap<Id<User>, String>,
}

impl Causes {
    fn load(conn: &mut Conn, lines: &[balance::Line]) -> Result<Causes> {
        let named = |prefix: &str| -> Vec<&str> {
            let sources = lines.iter().filter_map(|line| line.source.strip_prefix(prefix));
            sources.collect()
        };
        let nomination_ids: Vec<Id<Nomination>> = named("award:").into_iter().map(Id::known).collect();
        let nominations = nomination::by_ids(conn, &nomination_ids)?;
        let item_ids: Vec<Id<Item>> = nominations.iter().map(|one| one.scoring_item_id.clone()).collect();
        let title_sources = [AWARDED, REVOKED].into_iter().flat_map(named);
        let titles = titled(conn, &title_sources.map(Id::known).collect::<Vec<_>>())?;
        let voided: Vec<Id<Redemption>> = named("void:").into_iter().map(Id::known).collect();
        let mut redeemed: Vec<Id<Redemption>> = named("redemption:").into_iter().map(Id::known).collect();
        redeemed.extend(voided.iter().cloned());
        let voids = void::of(conn, &voided)?;
        let redemptions = redemption::by_ids(conn, redeemed)?;
        let mut people: HashSet<Id<User>> = HashSet::new();
        people.extend(nominations.iter().filter_map(|one| one.nominated_by.clone()));
        people.extend(nominations.iter().filter_map(|one| one.decided_by.clone()));
        people.extend(redemptions.values().map(|one| one.redemption.redeemed_by.clone()));
        people.extend(voids.iter().map(|one| one.voided_by.clone()));
        people.extend(titles.values().map(|one| one.award.nominated_by.clone()));
        people.extend(titles.values().filter_map(|one| one.award.verified_by.clone()));
        let people: Vec<Id<User>> = people.into_iter().collect();
        Ok(Causes {
            shown: notice::shown(conn, &nominations)?,
            items: by(item::by_ids(conn, &item_ids)?, |item| item.id.clone()),
            nominations: by(nominations, |one| one.id.to_string()),
            voids: by(voids, |one| one.redemption_id.to_string()),
            people: user::display_names(conn, &people)?,
            redemptions,
            titles,
        })
    }

    fn tell(&self, line: &balance::Line) -> Line {
        let what = self
            .award(&line.source)
            .or_else(|| self.redemption(&line.source))
            .or_else(|| self.void(&line.source))
            .or_else(|| self.title(&line.source))
            .unwrap_or_else(|| What::Other(in_words(line)));
        Line {
            slip: line.transaction,
            effective_on: line.effective_on,
            recorded_at: line.recorded_at,
            amount: line.amount,
            balance_after: line.balance_after,
            what,
        }
    }

    fn award(&self, source: &str) -> Option<What> {
        let nomination = self.nominations.get(source.strip_prefix("award:")?)?;
        let item = self.items.get(&nomination.scoring_item_id)?;
        Some(What::Award {
            item_code: item.code.clone(),
            rule: item.rule_text(),
            count: nomination.count,
            note: nomination.note.clone(),
            nominated_by: nomination
                .nominated_by
                .as_ref()
                .map_or_else(|| "居民".to_owned(), |id| self.person(id)),
            verified_by: nomination
                .decided_by
                .as_ref()
                .map(|id| self.person(id))
                .unwrap_or_default(),
            shown: self.shown.get(&nomination.id).cloned(),
        })
    }

    fn redemption(&self, source: &str) -> Option<What> {
        let redeemed = self.redemptions.get(&Id::known(source.strip_prefix("redemption:")?))?;
        Some(What::Redemption {
            goods: redeemed.goods(),
            redeemed_by: self.person(&redeemed.redemption.redeemed_by),
            typed: redeemed.redemption.presented == crate::cards::card::Presented::Typed,
        })
    }

    fn void(&self, source: &str) -> Option<What> {
        let void = self.voids.get(source.strip_prefix("void:")?)?;
        let redeemed = self.redemptions.get(&void.redemption_id)?;
        Some(What::Void {
            slip: redeemed.redemption.transaction_number,
            reason: void.reason.clone(),
            voided_by: self.person(&void.voided_by),
        })
    }

    fn title(&self, source: &str) -> Option<What> {
        let revoked = source.starts_with(REVOKED);
        let id = source.strip_prefix(if revoked { REVOKED } else { AWARDED })?;
        let titled = self.titles.get(&Id::known(id))?;
        let award = &titled.award;
        Some(What::Title {
            title: titled.name.clone(),
            reason: match revoked {
                true => award.ending_reason.clone().unwrap_or_default(),
                false => award.reason.clone(),
            },
            revoked,
            nominated_by: self.person(&award.nominated_by),
            verified_by: award.verified_by.as_ref().map(|id| self.person(id)).unwrap_or_default(),
            shown: titled.shown.clone(),
        })
    }

    fn person(&self, id: &Id<User>) -> String {
        self.people.get(id).cloned().unwrap_or_default()
    }
}

/// A title behind a line.
struct Titled {
    award: TitleAward,
    /// `文明榜样户（2026年第四季度）`.
    name: String,
    shown: Option<Shown>,
}

fn titled(conn: &mut Conn, ids: &[Id<TitleAward>]) -> Result<HashMap<Id<TitleAward>, Titled>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let titles = title::every(conn)?;
    let awards = award::by_ids(conn, ids)?;
    let mut shown = title_notice::shown(conn, &awards)?;
    let told = awards.into_iter().filter_map(|award| {
        let title = titles.get(&award.title_id)?;
        let titled = Titled {
            name: format!("{}（{}）", title.name, title.period.in_words(award.period_from)),
            shown: shown.remove(&award.id),
            award,
        };
        Some((titled.award.id.clone(), titled))
    });
    Ok(told.collect())
}

/// A line that no room knows more about than the books.
fn in_words(line: &balance::Line) -> String {
    let words = match (line.transaction_kind, line.amount > Points::ZERO) {
        (TransactionKind::Transfer, true) => "由另一户转入",
        (TransactionKind::Transfer, false) => "转给另一户",
        (TransactionKind::Expiry, false) => "到期没有用完",
        (kind, _) => kind.label(),
    };
    words.to_owned()
}

fn by<K: std::hash::Hash + Eq, V>(all: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, V> {
    all.into_iter().map(|one| (key(&one), one)).collect()
}
