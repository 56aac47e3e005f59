//! Transactions: the one way to write into the books.
//!
//! [`Books`] is a unit of work: it loads the heads of the accounts that a set of postings will touch, decides each posting
//! in memory by the laws in `ledger`, and writes everything as sets. One redemption and a hundred go the same way.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::account::{AccountKind, PROGRAMME, Unit};
use super::hold::Held;
use crate::clock::{Day, Moment};
use crate::db::schema::{accounts, entries, transactions};
use crate::db::{Columns, Conn, RowUpdate, insert_rows, text_enum, update_rows};
use crate::error::{Error, Refusal, Result};
use crate::points::Points;

text_enum! {
    /// Why points moved.
    pub enum TransactionKind {
        /// Points for a good deed.
        Award = "award", "加分";
        /// Points for goods.
        Redemption = "redemption", "兑换";
        /// Points for goods that came back, when not all of a redemption did.
        Refund = "refund", "退货";
        /// The opposite of an earlier transaction.
        Reversal = "reversal", "冲正";
        /// Points that the council approved and that wait for their public notice to end.
        PendingHold = "pending_hold", "批准待公示";
        /// Points on public notice that come to nothing.
        PendingRelease = "pending_release", "待生效撤回";
        /// Points past their last day.
        Expiry = "expiry", "过期";
        /// Points that go to another household because people did: a split, a merge.
        Transfer = "transfer", "转户";
        /// Recognition taken back, never points that can be spent.
        HonourReduction = "honour_reduction", "荣誉分扣减";
        /// What puts an earlier decision right.
        Correction = "correction", "更正";
        /// Points that come with a title.
        TitleReward = "title_reward", "荣誉称号奖励";
        /// Minutes for what volunteers did.
        VolunteerTime = "volunteer_time", "志愿服务记时";
        /// Minutes for help between households.
        TimeHelp = "time_help", "时间互助";
    }
}

impl TransactionKind {
    /// Kinds whose points are no lot of their own: they go back into the lots from which they were taken.
    pub(super) const GIVE_BACK: [TransactionKind; 2] = [TransactionKind::Reversal, TransactionKind::Refund];
}

/// One side of a movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A household's id, or [`PROGRAMME`].
    pub owner: String,
    /// Which of the owner's accounts.
    pub kind: AccountKind,
    /// Added to the balance; negative takes away.
    pub amount: Points,
    /// The last day on which these points can be spent: only for points that come onto a spendable account.
    pub expires_on: Option<Day>,
}

/// What is to be posted.
#[derive(Clone, Debug)]
pub struct Posting {
    /// Why.
    pub kind: TransactionKind,
    /// What caused it, for example `award:<id>`; posted once.
    pub source: String,
    /// The day it is about.
    pub effective_on: Day,
    /// When it is written.
    pub recorded_at: Moment,
    /// Who posts: a user's id, or `system`.
    pub posted_by: String,
    /// The transaction that this one undoes.
    pub reverses: Option<i64>,
    /// The sides; they sum to zero in each unit.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// Do these points leave a spendable account?
    fn is_spent(&self) -> bool {
        self.kind == AccountKind::Spendable && self.amount < Points::ZERO
    }

    /// Do these points come onto a spendable account?
    pub(super) fn may_expire(&self) -> bool {
        self.kind == AccountKind::Spendable && self.amount > Points::ZERO
    }
}

impl Posting {
    /// Moves `amount` from one account to another.
    #[must_use]
    pub fn moving(amount: Points, from: (&str, AccountKind), to: (&str, AccountKind)) -> Vec<Entry> {
        Posting::moving_until(None, amount, from, to)
    }

    /// Moves `amount` onto a spendable account, where it can be spent through the day `expires_on`.
    #[must_use]
    pub fn moving_until(
        expires_on: Option<Day>,
        amount: Points,
        from: (&str, AccountKind),
        to: (&str, AccountKind),
    ) -> Vec<Entry> {
        let side = |(owner, kind): (&str, AccountKind), amount, expires_on| Entry {
            owner: owner.to_owned(),
            kind,
            amount,
            expires_on,
        };
        vec![side(from, -amount, None), side(to, amount, expires_on)]
    }
}

/// Why a posting is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// A household would be below zero.
    NotEnoughPoints {
        /// What the account holds.
        have: Points,
        /// What the posting takes.
        need: Points,
    },
    /// The points are there, but tills keep them for an hour without network.
    Held {
        /// Whose points.
        owner: String,
    },
    /// The transaction was reversed before.
    AlreadyReversed,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NotEnoughPoints { have, need } => {
                write!(formatter, "积分不够，还差{}分。", have.short_of(*need))
            }
            Refused::Held { .. } => formatter.write_str(
                "柜台为断网时备用，还留着这一户的积分，已经通知柜台放回。请过半分钟再试；柜台断网时，要等它恢复，或到次日以后。",
            ),
            Refused::AlreadyReversed => formatter.write_str("这笔已经冲正过，不能再次冲正。"),
        }
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NotEnoughPoints { .. } => "not_enough_points",
            Refused::Held { .. } => "points_held",
            Refused::AlreadyReversed => "already_reversed",
        }
    }

    fn held_owner(&self) -> Option<&str> {
        match self {
            Refused::Held { owner } => Some(owner),
            _ => None,
        }
    }
}

/// The head of an account: what its last entry says.
#[derive(Clone, Debug)]
struct Head {
    id: i64,
    balance: Points,
    version: i64,
    saved_version: Option<i64>,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = transactions, treat_none_as_default_value = false)]
struct TransactionRow {
    number: i64,
    kind: TransactionKind,
    source: String,
    effective_on: Day,
    recorded_at: Moment,
    posted_by: String,
    reverses: Option<i64>,
    chain_digest: Vec<u8>,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = entries, treat_none_as_default_value = false)]
struct EntryRow {
    account_id: i64,
    version: i64,
    transaction_number: i64,
    amount: Points,
    balance_after: Points,
    expires_on: Option<Day>,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = accounts)]
struct AccountRow {
    id: i64,
    owner: String,
    kind: AccountKind,
    balance: Points,
    version: i64,
}

/// The columns of an account that move with every entry.
const HEADS: Columns = Columns {
    table: "accounts",
    key: "id",
    set: ["balance", "version"],
};

/// The part of the books that a set of postings touches.
#[derive(Debug)]
pub struct Books {
    heads: HashMap<String, HashMap<AccountKind, Head>>,
    held: Held,
    next_account: i64,
    last_number: i64,
    last_digest: Vec<u8>,
    transactions: Vec<TransactionRow>,
    entries: Vec<EntryRow>,
}

impl Books {
    /// Loads the accounts of these owners and the programme's own. Call it inside `db.write`.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn open<'a>(conn: &mut Conn, owners: impl IntoIterator<Item = &'a str>) -> Result<Books> {
        let mut owners: Vec<&str> = owners.into_iter().collect();
        owners.push(PROGRAMME);
        let mut heads: HashMap<String, HashMap<AccountKind, Head>> = owners
            .iter()
            .map(|owner| ((*owner).to_owned(), HashMap::new()))
            .collect();
        let mut held = Held::default();
        for chunk in owners.chunks(500) {
            held.extend(Held::load(conn, chunk)?);
            let rows = accounts::table
                .filter(accounts::owner.eq_any(chunk))
                .select((
                    accounts::owner,
                    accounts::kind,
                    accounts::id,
                    accounts::balance,
                    accounts::version,
                ))
                .load::<(String, AccountKind, i64, Points, i64)>(conn)?;
            for (owner, kind, id, balance, version) in rows {
                let head = Head {
                    id,
                    balance,
                    version,
                    saved_version: Some(version),
                };
                heads.entry(owner).or_default().insert(kind, head);
            }
        }
        let last_account = accounts::table
            .select(diesel::dsl::max(accounts::id))
            .get_result::<Option<i64>>(conn)?;
        let last_number = transactions::table
            .select(diesel::dsl::max(transactions::number))
            .get_result::<Option<i64>>(conn)?
            .unwrap_or(0);
        let last_digest = transactions::table
            .find(last_number)
            .select(transactions::chain_digest)
            .get_result::<Vec<u8>>(conn)
            .optional()?
            .unwrap_or_default();
        Ok(Books {
            heads,
            held,
            next_account: last_account.unwrap_or(0).saturating_add(1),
            last_number,
            last_digest,
            transactions: Vec::new(),
            entries: Vec::new(),
        })
    }

    /// The balance of an account of an owner that was opened; zero for one without entries.
    #[must_use]
    pub fn balance(&self, owner: &str, kind: AccountKind) -> Points {
        self.head(owner, kind).map_or(Points::ZERO, |head| head.balance)
    }

    /// What of an owner's spendable points this holder may take at a moment, or nobody in particular: the balance without
    /// what others hold.
    #[must_use]
    pub fn free(&self, owner: &str, holder: Option<&str>, at: Moment) -> Points {
        let held = self.held.by_others(owner, holder, at);
        Points(
            self.balance(owner, AccountKind::Spendable)
                .0
                .saturating_sub(held.0)
                .max(0),
        )
    }

    /// Does any hold keep points of the owners that were opened?
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.is_any()
    }

    /// Who else keeps points of an owner at a moment.
    #[must_use]
    pub fn holders(&self, owner: &str, holder: Option<&str>, at: Moment) -> Vec<String> {
        self.held.holders(owner, holder, at)
    }

    /// Were the accounts of this owner opened?
    pub(super) fn has_open(&self, owner: &str) -> bool {
        self.heads.contains_key(owner)
    }

    /// The number of the last transaction.
    pub(super) fn last_number(&self) -> i64 {
        self.last_number
    }

    /// Decides a posting by the laws and answers its number. Nothing is changed when it is refused.
    ///
    /// # Errors
    /// [`Refused::NotEnoughPoints`]; [`Refused::Held`]; `Internal` when the entries are not a posting at all, which is a fault
    /// of the caller.
    pub fn post(&mut self, posting: Posting) -> Result<i64> {
        self.post_of(None, posting)
    }

    /// The same for a holder, who may take what it holds.
    ///
    /// # Errors
    /// As [`Books::post`].
    pub fn post_as(&mut self, holder: &str, posting: Posting) -> Result<i64> {
        self.post_of(Some(holder), posting)
    }

    fn post_of(&mut self, holder: Option<&str>, posting: Posting) -> Result<i64> {
        expect_balanced(&posting.entries)?;
        expect_days_on_lots_only(&posting)?;
        if !posting.entries.iter().all(|entry| self.has_open(&entry.owner)) {
            return Err(Error::internal("a posting for an owner whose accounts were not opened"));
        }
        self.expect_enough(&posting, holder)?;
        if let Some(holder) = holder {
            let taken = posting.entries.iter().filter(|entry| entry.is_spent());
            for entry in taken {
                self.held.take(&entry.owner, holder, -entry.amount, posting.recorded_at);
            }
        }
        let number = self.last_number.saturating_add(1);
        let digest = chain_digest(&self.last_digest, number, &posting);
        for entry in &posting.entries {
            let head = self.head_mut(&entry.owner, entry.kind);
            head.balance = head
                .balance
                .plus(entry.amount)
                .ok_or_else(|| Error::internal("a balance beyond what can be counted"))?;
            head.version = head.version.saturating_add(1);
            let row = EntryRow {
                account_id: head.id,
                version: head.version,
                transaction_number: number,
                amount: entry.amount,
                balance_after: head.balance,
                expires_on: entry.expires_on,
            };
            self.entries.push(row);
        }
        self.transactions.push(TransactionRow {
            number,
            kind: posting.kind,
            source: posting.source,
            effective_on: posting.effective_on,
            recorded_at: posting.recorded_at,
            posted_by: posting.posted_by,
            reverses: posting.reverses,
            chain_digest: digest.clone(),
        });
        self.last_number = number;
        self.last_digest = digest;
        Ok(number)
    }

    /// Writes everything that was posted.
    ///
    /// # Errors
    /// Only when the database fails, or refuses what the laws should have refused before: then it is a fault of ours.
    pub fn save(self, conn: &mut Conn) -> Result<()> {
        let (mut fresh, mut moved) = (Vec::new(), Vec::new());
        for (owner, kinds) in self.heads {
            for (kind, head) in kinds {
                match head.saved_version {
                    Some(saved) if saved == head.version => {}
                    Some(_) => moved.push(RowUpdate {
                        key: head.id,
                        values: [head.balance.0, head.version],
                    }),
                    None => fresh.push(AccountRow {
                        id: head.id,
                        owner: owner.clone(),
                        kind,
                        balance: head.balance,
                        version: head.version,
                    }),
                }
            }
        }
        insert_rows!(conn, accounts::table, &fresh);
        update_rows(conn, HEADS, &moved)?;
        insert_rows!(conn, transactions::table, &self.transactions);
        insert_rows!(conn, entries::table, &self.entries);
        self.held.save(conn)
    }

    fn head(&self, owner: &str, kind: AccountKind) -> Option<&Head> {
        self.heads.get(owner)?.get(&kind)
    }

    fn head_mut(&mut self, owner: &str, kind: AccountKind) -> &mut Head {
        let next = &mut self.next_account;
        let kinds = self.heads.entry(owner.to_owned()).or_default();
        kinds.entry(kind).or_insert_with(|| {
            let id = *next;
            *next = next.saturating_add(1);
            Head {
                id,
                balance: Points::ZERO,
                version: 0,
                saved_version: None,
            }
        })
    }

    /// No household below zero and nothing from under a hold, also when a posting has several entries for one account.
    fn expect_enough(&self, posting: &Posting, holder: Option<&str>) -> Result<()> {
        let mut change: BTreeMap<(&str, AccountKind), i64> = BTreeMap::new();
        for entry in &posting.entries {
            let sum = change.entry((&entry.owner, entry.kind)).or_default();
            *sum = sum.saturating_add(entry.amount.0);
        }
        for ((owner, kind), amount) in change {
            let have = self.balance(owner, kind);
            if owner != PROGRAMME && have.0.saturating_add(amount) < 0 {
                let need = -Points(amount);
                return Err(Refused::NotEnoughPoints { have, need }.into());
            }
            if kind == AccountKind::Spendable && amount < 0 {
                let free = self.free(owner, holder, posting.recorded_at);
                if free.0.saturating_add(amount) < 0 {
                    let owner = owner.to_owned();
                    return Err(Refused::Held { owner }.into());
                }
            }
        }
        Ok(())
    }
}

/// Only points that come onto a spendable account carry a day, and not those that come back by a reversal: they belong to
/// the lot they came from.
fn expect_days_on_lots_only(posting: &Posting) -> Result<()> {
    let wrong = posting
        .entries
        .iter()
        .any(|entry| entry.expires_on.is_some() && !entry.may_expire());
    if wrong || (posting.kind == TransactionKind::Reversal && posting.entries.iter().any(|e| e.expires_on.is_some())) {
        return Err(Error::internal("only points that come onto a spendable account expire"));
    }
    Ok(())
}

/// A posting that does not balance is a fault of the room that made it, not something to refuse politely.
fn expect_balanced(entries: &[Entry]) -> Result<()> {
    if entries.len() < 2 || entries.iter().any(|entry| entry.amount == Points::ZERO) {
        return Err(Error::internal("a transaction has two entries or more, none of zero"));
    }
    if entries
        .iter()
        .any(|entry| entry.kind.of_programme() != (entry.owner == PROGRAMME))
    {
        return Err(Error::internal("an account of this kind has another owner"));
    }
    for unit in Unit::ALL {
        let mut sum = Some(Points::ZERO);
        for entry in entries.iter().filter(|entry| entry.kind.unit() == unit) {
            sum = sum.and_then(|sum| sum.plus(entry.amount));
        }
        if sum != Some(Points::ZERO) {
            return Err(Error::internal(format!("entries in {unit:?} do not sum to zero")));
        }
    }
    Ok(())
}

/// SHA-256 over the digest before and this transaction written out, one field a line, the entries in alphabetical order.
///
/// The text is what an outsider needs to prove the chain: no field may hold a line break, which the sources made here never do.
pub(super) fn chain_digest(before: &[u8], number: i64, posting: &Posting) -> Vec<u8> {
    let mut sides: Vec<String> = posting
        .entries
        .iter()
        .map(|entry| {
            let side = format!("{} {} {}", entry.owner, entry.kind.word(), entry.amount);
            match entry.expires_on {
                None => side,
                Some(day) => format!("{side} {day}"),
            }
        })
        .collect();
    sides.sort_unstable();
    let text = format!(
        "{number}\n{}\n{}\n{}\n{}\n{}\n{}\n{}",
        posting.kind.word(),
        posting.source,
        posting.effective_on,
        posting.recorded_at.and_utc().timestamp_millis(),
        posting.posted_by,
        posting.reverses.unwrap_or(0),
        sides.join("\n"),
    );
    let mut digest = Sha256::new();
    digest.update(before);
    digest.update(text.as_bytes());
    digest.finalize().to_vec()
}
