//! The day's journal of a store: every redemption, newest first, with what was voided and what was typed.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::cards::card::Presented;
use crate::clock::{self, Day, Span, days_after};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Shell};
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::sent::Query;
use crate::shop::offline_sale::{self, OfflineSale};
use crate::shop::partner::{self, CashTopUp};
use crate::shop::redemption::{self, Redeemed, Redemption};
use crate::shop::refund;
use crate::shop::store;
use crate::shop::void::{self, Void};

#[derive(Template)]
#[template(path = "shop/journal.html")]
struct JournalPage {
    shell: Shell,
    store: String,
    day: Day,
    today: Day,
    rows: Vec<Row>,
    /// Sales without network that could not be posted and wait for a decision.
    conflicts: i64,
}

/// A redemption in the journal.
struct Row {
    redeemed: Redeemed,
    household: String,
    masked_name: String,
    clerk: String,
    voided: Option<Void>,
    /// Points of goods that came back, without a void.
    refunded: Points,
    /// Made without network.
    offline: Option<OfflineSale>,
    /// What the household paid in cash, at a partner's.
    cash: Option<CashTopUp>,
}

impl Row {
    fn redemption(&self) -> &Redemption {
        &self.redeemed.redemption
    }

    /// `10:42`
    fn time(&self) -> String {
        clock::local(self.redemption().redeemed_at).format("%H:%M").to_string()
    }

    /// The same for programs.
    fn machine_time(&self) -> String {
        clock::local(self.redemption().redeemed_at)
            .format("%Y-%m-%dT%H:%M:%S+08:00")
            .to_string()
    }

    fn goods(&self) -> String {
        self.redeemed.goods().join("、")
    }

    fn is_typed(&self) -> bool {
        self.redemption().presented == Presented::Typed
    }
}

impl JournalPage {
    /// How many redemptions stand, and for how many points.
    fn standing(&self) -> (usize, Points) {
        self.sum(|row| row.voided.is_none())
    }

    fn voided(&self) -> (usize, Points) {
        self.sum(|row| row.voided.is_some())
    }

    /// How many redemptions came back in part, and for how many points.
    fn refunded(&self) -> (usize, Points) {
        let back = self.rows.iter().map(|row| row.refunded);
        let back: Vec<Points> = back.filter(|points| *points > Points::ZERO).collect();
        (back.len(), back.into_iter().sum())
    }

    fn typed(&self) -> (usize, Points) {
        self.sum(Row::is_typed)
    }

    fn sum(&self, counts: impl Fn(&Row) -> bool) -> (usize, Points) {
        let points: Vec<Points> = self
            .rows
            .iter()
            .filter(|row| counts(row))
            .map(|row| row.redemption().points)
            .collect();
        (points.len(), points.into_iter().sum())
    }

    fn weekday(&self) -> &'static str {
        clock::weekday(self.day)
    }

    fn earlier(&self) -> Option<Day> {
        self.day.pred_opt()
    }

    fn later(&self) -> Option<Day> {
        self.day.succ_opt().filter(|next| *next <= self.today)
    }
}

/// Which day.
#[derive(Deserialize)]
pub struct On {
    #[serde(default)]
    on: String,
}

/// `GET /journal?on=2026-11-21`
///
/// # Errors
/// `Invalid` for a day that is none; `Forbidden` when no store lies within the person's duties.
pub async fn journal(State(app): State<App>, staff: Staff, Query(on): Query<On>) -> Result<Response> {
    let today = clock::day_of(app.now());
    let day: Day = match on.on.trim() {
        "" => today,
        text => text
            .parse()
            .map_err(|_| Error::invalid("on", "日期应写成2026-11-21的样子。"))?,
    };
    let page = app
        .db
        .read(move |conn| {
            let store = store::of_duties(conn, &staff.duties, Permission::ReadJournal)?;
            let until = days_after(day, 1);
            let made = redemption::journal(conn, &store.id, Span { from: day, until })?;
            Ok(JournalPage {
                conflicts: offline_sale::count_waiting(conn, std::slice::from_ref(&store.id))?,
                shell: staff.shell,
                store: store.name,
                day,
                today,
                rows: rows(conn, made)?,
            })
        })
        .await?;
    page::show(&page)
}

fn rows(conn: &mut Conn, made: Vec<Redeemed>) -> Result<Vec<Row>> {
    let (mut ids, mut households, mut clerks) = (Vec::new(), Vec::new(), Vec::new());
    for redeemed in &made {
        ids.push(redeemed.redemption.id.clone());
        households.push(redeemed.redemption.household_id.clone());
        clerks.push(redeemed.redemption.redeemed_by.clone());
    }
    let mut voids: HashMap<Id<Redemption>, Void> = void::of(conn, &ids)?
        .into_iter()
        .map(|void| (void.redemption_id.clone(), void))
        .collect();
    let mut refunded: HashMap<Id<Redemption>, Points> = HashMap::new();
    for (refund, _) in refund::of(conn, &ids)? {
        let sum = refunded.entry(refund.redemption_id).or_default();
        *sum = sum
            .plus(refund.points)
            .ok_or_else(|| Error::internal("points of refunds"))?;
    }
    let households: HashMap<Id<Household>, Household> = household::by_ids(conn, &households)?
        .into_iter()
        .map(|household| (household.id.clone(), household))
        .collect();
    let mut offline = offline_sale::among(conn, &ids)?;
    let clerks: HashMap<Id<User>, String> = user::display_names(conn, &clerks)?;
    let mut cash = partner::top_ups_of(conn, &ids)?;
    let mut row = |redeemed: Redeemed| {
        let of = &redeemed.redemption;
        let household = households.get(&of.household_id);
        Row {
            household: household.map(|household| household.code.clone()).unwrap_or_default(),
            masked_name: household.map(Household::masked_name).unwrap_or_default(),
            clerk: clerks.get(&of.redeemed_by).cloned().unwrap_or_default(),
            voided: voids.remove(&of.id),
            offline: offline.remove(&of.id),
            cash: cash.remove(&of.id),
            refunded: refunded.get(&of.id).copied().unwrap_or_default(),
            redeemed,
        }
    };
    Ok(made.into_iter().map(&mut row).collect())
}
