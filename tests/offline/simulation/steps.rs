//! What happens in a story: tills open, sell, beat and send what waits, households buy elsewhere, and the line fails.

use std::collections::HashMap;

use chrono::TimeDelta;
use diesel::Connection as _;
use jishan::db::Conn;
use jishan::error::{Error, Result};
use jishan::ledger::{balance, hold};
use jishan::shop::offline;
use jishan::shop::offline_sale::{self, Outcome, Sale};
use jishan::shop::redemption::{self, Pickup, Redeem};

use super::{Dropped, FAMILIES, Sim, Waiting};
use crate::offline::{SALT, sale};
use crate::town::GOODS;

/// What the line does to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Fine,
    RequestLost,
    AnswerLost,
    Twice,
}

/// One request is one piece of the writer's: it holds or falls alone.
fn piece<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    conn.transaction::<T, Error, _>(work)
}

impl Sim<'_> {
    fn line(&mut self) -> Line {
        match self.dice.roll(8) {
            0 => Line::RequestLost,
            1 => Line::AnswerLost,
            2 => Line::Twice,
            _ => Line::Fine,
        }
    }

    /// A basket of one or two kinds of goods.
    fn basket(&mut self) -> (Vec<(&'static str, i64)>, i64) {
        let mut basket = Vec::new();
        for goods in [0, 3] {
            if self.dice.one_in(2) {
                basket.push((GOODS[goods].0, i64::try_from(self.dice.roll(3)).unwrap() + 1));
            }
        }
        if basket.is_empty() {
            basket.push((GOODS[3].0, 2));
        }
        let price = |sku: &str| GOODS.iter().find(|goods| goods.0 == sku).unwrap().3;
        let points = basket.iter().map(|(sku, quantity)| price(sku) * quantity).sum();
        (basket, points)
    }

    fn new_sale(&mut self, given: bool) -> (Sale, usize, i64) {
        self.slips += 1;
        let family = self.dice.pick(FAMILIES);
        let (basket, points) = self.basket();
        let key = format!("sim-{}-{}", self.seed, self.slips);
        let sold = sale(&key, &self.cards[family], &basket, self.now);
        (Sale { given, ..sold }, family, points)
    }

    pub(super) fn step(&mut self, conn: &mut Conn) -> Result<()> {
        let till = self.dice.pick(2);
        self.now += TimeDelta::seconds(i64::try_from(self.dice.roll(120)).unwrap());
        let act = self.dice.roll(100);
        let online = self.tills[till].is_online;
        self.trace.push(format!("till {till} online {online} act {act}"));
        match act {
            0..=7 => self.tills[till].is_online = !online,
            8..=12 if online => self.open(conn, till)?,
            13..=24 if online => self.beat(conn, till)?,
            25..=39 if online => self.drain(conn, till)?,
            40..=64 if online => self.sell_online(conn, till)?,
            65..=74 => self.sell_elsewhere(conn)?,
            75..=79 => self.give(conn)?,
            80..=81 => {
                let most = if self.dice.one_in(8) { 60 } else { 6 };
                self.now += TimeDelta::hours(i64::try_from(self.dice.roll(most)).unwrap());
            }
            _ if !online => self.sell_offline(till),
            _ => {}
        }
        self.expect_covered(conn)
    }

    /// A till takes a new hold only when nothing waits.
    pub(super) fn open(&mut self, conn: &mut Conn, till: usize) -> Result<()> {
        if self.tills[till].hold > 0 && !self.tills[till].waiting.is_empty() {
            return Ok(());
        }
        let (shift, now) = (self.tills[till].shift.clone(), self.now);
        let held = piece(conn, |conn| offline::open(conn, &shift, "browser", SALT, now))?.unwrap();
        let allowance = offline::allowance(conn, held)?;
        // The answer may be lost: the till goes on with what it had, and the server with what it gave.
        if self.dice.one_in(6) {
            return Ok(());
        }
        let kept = hold::kept(conn, allowance.hold.hold_number)?;
        let known = &mut self.tills[till];
        let is_new = known.hold != allowance.hold.hold_number;
        for (family, owner) in self.owners.iter().enumerate() {
            let left = kept
                .iter()
                .find(|kept| kept.owner == *owner)
                .map_or(0, |kept| kept.points.0);
            known.points[family] = if is_new { left } else { left.min(known.points[family]) };
        }
        known.units = match is_new {
            true => allowance.goods,
            false => {
                let less = |(sku, units): (&String, &i64)| {
                    let left = allowance.goods.get(sku).copied().unwrap_or(0);
                    (sku.clone(), left.min(*units))
                };
                known.units.iter().map(less).collect()
            }
        };
        known.hold = allowance.hold.hold_number;
        known.sell_until = allowance.hold.sell_until;
        Ok(())
    }

    fn beat(&mut self, conn: &mut Conn, till: usize) -> Result<()> {
        let line = self.line();
        if line == Line::RequestLost {
            return Ok(());
        }
        let known = &self.tills[till];
        let (shift, hold, now) = (known.shift.clone(), known.hold, self.now);
        let waiting = i64::try_from(known.waiting.len()).unwrap();
        let free = known
            .dropped
            .iter()
            .filter(|dropped| !dropped.is_needed(&known.waiting));
        let dropped: Vec<String> = free.map(|dropped| dropped.id.clone()).collect();
        let beat = piece(conn, |conn| offline::beat(conn, &shift, hold, waiting, &dropped, now))?;
        if line == Line::AnswerLost {
            return Ok(());
        }
        let known = &mut self.tills[till];
        known.dropped.retain(|known| !dropped.contains(&known.id));
        for recall in beat.recalls {
            // Dropped here first, then said.
            let mut gone = Dropped {
                id: String::new(),
                family: None,
                sku: None,
            };
            match recall {
                offline::Recall::Goods { id, sku } => {
                    known.units.insert(sku.clone(), 0);
                    gone = Dropped {
                        id,
                        sku: Some(sku),
                        ..gone
                    };
                }
                offline::Recall::Points { id, digests } => {
                    gone.id = id;
                    for (family, card) in self.cards.iter().take(FAMILIES).enumerate() {
                        let number = card.split('-').next().unwrap();
                        let number = jishan::cards::number::CardNumber::parse(number).unwrap();
                        if digests.contains(&jishan::cards::allow_list::digest(&SALT, &number)) {
                            known.points[family] = 0;
                            gone.family = Some(family);
                        }
                    }
                }
            }
            if known.dropped.iter().all(|other| other.id != gone.id) {
                known.dropped.push(gone);
            }
        }
        Ok(())
    }

    /// Deducts before anything is sent.
    fn deduct(&mut self, till: usize, sale: &Sale, family: usize, points: i64) {
        let known = &mut self.tills[till];
        known.points[family] -= points.min(known.points[family]);
        for line in &sale.lines {
            let units = known.units.entry(line.sku.clone()).or_default();
            *units -= line.quantity.min(*units);
        }
        known.waiting.push(Waiting {
            sale: sale.clone(),
            hold: known.hold,
            family,
        });
    }

    fn sell_online(&mut self, conn: &mut Conn, till: usize) -> Result<()> {
        // What waits goes first: a new sale must not take what an earlier one was given.
        self.drain(conn, till)?;
        if !self.tills[till].waiting.is_empty() {
            return Ok(());
        }
        let (sale, family, points) = self.new_sale(false);
        let covered = self.covers(till, &sale, family, points);
        self.deduct(till, &sale, family, points);
        let line = self.line();
        let shift = self.tills[till].shift.clone();
        let now = self.now;
        let times = match line {
            Line::RequestLost => 0,
            Line::Twice => 2,
            _ => 1,
        };
        let mut answer = None;
        for _ in 0..times {
            answer = Some(piece(conn, |conn| {
                let asked = Redeem::new(&sale.key, &sale.card, &sale.lines, Pickup::Household, &shift, now)?;
                redemption::redeem_all(conn, &[asked])?.pop().unwrap()
            }));
        }
        if matches!(line, Line::Fine | Line::Twice) {
            match answer.unwrap() {
                Ok(_) => {
                    self.tills[till].waiting.pop();
                }
                Err(error) => {
                    assert!(!matches!(error, Error::Internal(..)), "{error:?}");
                    // A definite refusal. A till may know of less than it holds, never of more: it stays deducted here.
                    self.tills[till].waiting.pop();
                }
            }
        } else if covered && self.dice.one_in(2) {
            // Nobody knows, the line is gone, and the hold reaches: the goods go out on a slip, under the same key.
            self.tally.given.insert(sale.slip);
            let lost = self.tills[till].waiting.last_mut().unwrap();
            lost.sale.given = true;
        }
        Ok(())
    }

    /// Does the till's hold reach for this?
    fn covers(&self, till: usize, sale: &Sale, family: usize, points: i64) -> bool {
        let known = &self.tills[till];
        let units = |sku: &str| known.units.get(sku).copied().unwrap_or(0);
        let on_shelf = sale.lines.iter().all(|line| units(&line.sku) >= line.quantity);
        known.points[family] >= points && on_shelf && self.now < known.sell_until
    }

    fn sell_offline(&mut self, till: usize) {
        let (sale, family, points) = self.new_sale(true);
        if self.covers(till, &sale, family, points) {
            self.tally.given.insert(sale.slip.clone());
            self.deduct(till, &sale, family, points);
        }
    }

    fn drain(&mut self, conn: &mut Conn, till: usize) -> Result<()> {
        let mut left = Vec::new();
        for waiting in std::mem::take(&mut self.tills[till].waiting) {
            let line = self.line();
            let (shift, now) = (self.tills[till].shift.clone(), self.now);
            // A try from before its first hold goes out under the hold that came then.
            let hold = if waiting.hold == 0 {
                self.tills[till].hold
            } else {
                waiting.hold
            };
            if hold == 0 {
                left.push(waiting);
                continue;
            }
            // The till's clock may be wrong by a day.
            let wrong = TimeDelta::days(i64::try_from(self.dice.roll(3)).unwrap() - 1);
            let sent = Sale {
                sold_at: waiting.sale.sold_at + wrong,
                ..waiting.sale.clone()
            };
            let mut outcome = None;
            let times = if line == Line::Twice {
                2
            } else {
                usize::from(line != Line::RequestLost)
            };
            for _ in 0..times {
                outcome = Some(piece(conn, |conn| {
                    offline_sale::settle(conn, Some(hold), &sent, &shift, now)
                })?);
            }
            let heard = line != Line::AnswerLost;
            match outcome.filter(|_| heard) {
                Some(Outcome::Later(_)) => {
                    self.tally.later += 1;
                    left.push(waiting);
                }
                Some(outcome) => {
                    if let Outcome::Conflict(why) = outcome {
                        self.tally
                            .why
                            .push(format!("{}: {why}\n{}", sent.slip, self.trace.join("\n")));
                    }
                }
                None => left.push(waiting),
            }
        }
        self.tills[till].waiting = left;
        Ok(())
    }

    fn sell_elsewhere(&mut self, conn: &mut Conn) -> Result<()> {
        let (sale, ..) = self.new_sale(false);
        let (shift, now) = (self.tills[2].shift.clone(), self.now);
        let answer = piece(conn, |conn| {
            let asked = Redeem::new(&sale.key, &sale.card, &sale.lines, Pickup::Household, &shift, now)?;
            redemption::redeem_all(conn, &[asked])?.pop().unwrap()
        });
        match answer {
            Err(error @ Error::Internal(..)) => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn give(&mut self, conn: &mut Conn) -> Result<()> {
        let (family, points) = (self.dice.pick(FAMILIES), i64::try_from(self.dice.roll(30)).unwrap() + 1);
        self.slips += 1;
        let source = format!("gift:{}-{}", self.seed, self.slips);
        crate::town::give_points(conn, &self.owners[family], points, source, self.now)
    }

    /// What live holds keep of a household is never more than it has; nothing is below zero.
    fn expect_covered(&self, conn: &mut Conn) -> Result<()> {
        let mut held: HashMap<String, i64> = HashMap::new();
        for till in &self.tills {
            let Some(live) = hold::live(conn, till.shift.till_id.as_str(), self.now)? else {
                continue;
            };
            for kept in hold::kept(conn, live.number)? {
                *held.entry(kept.owner).or_default() += kept.points.0;
            }
        }
        for owner in self.owners {
            let have = balance::of(conn, owner)?.spendable.0;
            let held = held.get(owner).copied().unwrap_or(0);
            assert!(
                have >= held,
                "{held} of {have} held, seed {}\n{}",
                self.seed,
                self.trace.join("\n")
            );
        }
        Ok(())
    }

    /// Everybody is online again and everything is sent, until nothing waits.
    pub(super) fn come_back(&mut self, conn: &mut Conn) -> Result<()> {
        for _ in 0..60 {
            for till in 0..2 {
                self.tills[till].is_online = true;
                if self.tills[till].hold == 0 {
                    self.open(conn, till)?;
                }
                self.beat(conn, till)?;
                self.drain(conn, till)?;
            }
        }
        for till in &self.tills {
            assert!(
                till.waiting.is_empty(),
                "{:?} never went out, seed {}",
                till.waiting,
                self.seed
            );
        }
        Ok(())
    }
}
