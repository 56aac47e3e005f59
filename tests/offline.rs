//! The hour without network: holds, recalls, late sales and conflicts, as stories and as a simulation under seeded faults.
//!
//! The simulation plays tills as `static/offline.js` has them (a sale is deducted before it is sent, what was not answered is
//! sent again with its key) against the real rules on the real databases; `tests/e2e/offline.test.mjs` plays the real script
//! against a model of the rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::TimeDelta;
use diesel::prelude::*;
use jishan::clock::Moment;
use jishan::db::Conn;
use jishan::error::{Error, Result};
use jishan::ledger::{self, balance, hold};
use jishan::points::Points;
use jishan::shop::act::Act;
use jishan::shop::offline::{self, Allowance};
use jishan::shop::offline_sale::{self, Decide, Decision, Outcome, Sale};
use jishan::shop::redemption::{self, Pickup, Redeem, Redeemed, Wanted};
use jishan::shop::shift::{self, Closing, Shift};
use jishan::shop::{self, till};

use crate::town::{Database, GOODS, HOUSEHOLDS, LI, Town, WANG, on_both, runtime};

const SALT: [u8; 16] = [7; 16];

/// A second till of the store with somebody's shift.
async fn second_till(town: &Town, person: &'static str, name: &'static str) -> Shift {
    let (store, person, now) = (town.store().await, town.user(person).await.id, town.app.now());
    town.write(move |conn| {
        let till = till::add(conn, &store, name, "system", now)?;
        shift::open(conn, &till.id, "", &person, now)
    })
    .await
    .unwrap()
}

async fn take(town: &Town, shift: &Shift, now: Moment) -> Allowance {
    let shift = shift.clone();
    let held = town
        .write(move |conn| offline::open(conn, &shift, "browser", SALT, now))
        .await
        .unwrap()
        .unwrap();
    town.read(move |conn| offline::allowance(conn, held)).await
}

/// Points of a hold that its till may spend for a household.
async fn kept(town: &Town, hold: i64, code: &'static str) -> i64 {
    let household = town.household(code).await;
    town.read(move |conn| {
        let kept = hold::kept(conn, hold)?;
        Ok(kept
            .iter()
            .find(|kept| kept.owner == household.id.as_str())
            .map_or(0, |kept| kept.points.0))
    })
    .await
}

fn wanted(lines: &[(&str, i64)]) -> Vec<Wanted> {
    let line = |(sku, quantity): &(&str, i64)| Wanted {
        sku: (*sku).to_owned(),
        quantity: *quantity,
    };
    lines.iter().map(line).collect()
}

async fn sell(
    town: &Town,
    shift: &Shift,
    key: &str,
    card: &str,
    lines: &[(&str, i64)],
    now: Moment,
) -> Result<Redeemed> {
    let asked = Redeem::new(key, card, &wanted(lines), Pickup::Household, shift, now)?;
    town.app.db.write_together(asked, redemption::redeem_all).await
}

fn sale(key: &str, card: &str, lines: &[(&str, i64)], sold_at: Moment) -> Sale {
    Sale {
        key: key.to_owned(),
        card: card.to_owned(),
        lines: wanted(lines),
        prices: HashMap::new(),
        sold_at,
        slip: format!("D-{key}"),
        signs: false,
        given: true,
        other_pickup: false,
    }
}

async fn settle(town: &Town, hold: i64, sale: Sale, shift: &Shift, now: Moment) -> Outcome {
    let shift = shift.clone();
    town.write(move |conn| offline_sale::settle(conn, Some(hold), &sale, &shift, now))
        .await
        .unwrap()
}

/// A row in every table of the hour without network, for `schema.rs`.
pub async fn a_row_of_each(town: &Town) {
    let card = town.issue_card(LI).await.token();
    let (shift, now) = (town.at_the_till("shop").await, town.app.now());
    let held = take(town, &shift, now).await.hold.hold_number;
    let sold = settle(town, held, sale("row-offline", &card, &[("G039", 1)], now), &shift, now).await;
    assert!(matches!(sold, Outcome::Posted(_)));
    let lost = Sale {
        given: false,
        ..sale("row-lost", &card, &[("G013", 9)], now)
    };
    let refused = settle(town, held, lost, &shift, now).await;
    assert!(matches!(refused, Outcome::Refused(_)));
}

on_both! {
    async fn a_till_keeps_what_it_may_sell_and_nobody_takes_it(town: Town) {
        town.give(WANG, 25).await;
        let card = town.issue_card(WANG).await.token();
        let (first, now) = (town.at_the_till("shop").await, town.app.now());
        let second = second_till(&town, "admin", "2号柜台").await;
        let held = take(&town, &first, now).await;
        assert_eq!(held.points_each, Points(20));
        assert_eq!(kept(&town, held.hold.hold_number, WANG).await, 20);
        // Half of the hundred on the shelf is the first till's.
        assert_eq!(held.goods["G039"], 50);
        let other = take(&town, &second, now).await;
        assert_eq!(kept(&town, other.hold.hold_number, WANG).await, 5, "what is free");
        assert_eq!(other.goods["G039"], 50);

        // The second till may sell five points, and asks the first for more.
        sell(&town, &second, "a", &card, &[("G006", 1)], now).await.unwrap();
        let refused = sell(&town, &second, "b", &card, &[("G039", 1)], now).await.unwrap_err();
        assert_eq!(refused.code(), "held_elsewhere");
        assert!(refused.to_string().contains("1号柜台"), "{refused}");
        // The first one itself sells all of it, also online.
        sell(&town, &first, "c", &card, &[("G006", 2)], now).await.unwrap();
        assert_eq!(kept(&town, held.hold.hold_number, WANG).await, 10);

        // It is told at its next sign of life, and lets go.
        let (shift, number) = (first.clone(), held.hold.hold_number);
        let beat = town.write(move |conn| offline::beat(conn, &shift, number, 0, &[], now)).await.unwrap();
        assert!(beat.is_live);
        let [offline::Recall::Points { id, digests }] = &beat.recalls[..] else { panic!("{:?}", beat.recalls) };
        assert_eq!(digests.len(), 1);
        let (shift, dropped) = (first.clone(), vec![id.clone()]);
        let beat = town.write(move |conn| offline::beat(conn, &shift, number, 0, &dropped, now)).await.unwrap();
        assert!(beat.recalls.is_empty());
        sell(&town, &second, "b", &card, &[("G039", 1)], now).await.unwrap();
        assert_eq!(town.spendable(WANG).await, 9);

        // A hold that was given back twice ends only itself; another browser at the till gets none.
        let (shift, till) = (first.clone(), first.till_id.clone());
        let other = town.write(move |conn| offline::open(conn, &shift, "phone", SALT, now)).await.unwrap();
        assert!(other.is_none());
        town.write(move |conn| offline::give_back(conn, &till, number + 10, now)).await.unwrap();
        assert!(kept(&town, held.hold.hold_number, LI).await == 0 && !town.read(move |conn| hold::kept(conn, number)).await.is_empty());
        // With the shift the hold ends.
        let (id, by) = (first.id.clone(), first.opened_by.clone());
        town.write(move |conn| shift::close(conn, &id, &Closing::default(), &by, now)).await.unwrap();
        sell(&town, &second, "d", &card, &[("G006", 1)], now).await.unwrap();
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn a_silent_till_keeps_until_its_time(town: Town) {
        town.give(WANG, 20).await;
        let card = town.issue_card(WANG).await.token();
        let (first, now) = (town.at_the_till("shop").await, town.app.now());
        let second = second_till(&town, "admin", "2号柜台").await;
        let held = take(&town, &first, now).await;
        let later = now + TimeDelta::minutes(10);
        let refused = sell(&town, &second, "a", &card, &[("G039", 1)], later).await.unwrap_err();
        assert!(refused.to_string().contains("1号柜台断网了"), "{refused}");
        // Nor does the office take it from under the till.
        let (wang, li) = (town.household(WANG).await.id, town.household(LI).await.id);
        let transfer = move |conn: &mut Conn| {
            let transfer = ledger::transfer::Transfer {
                from: wang.as_str(),
                to: li.as_str(),
                spendable: Points(1),
                honour: Points::ZERO,
                time: Points::ZERO,
            };
            transfer.post(conn, "transfer:test".to_owned(), jishan::clock::day_of(later), "system", later)
        };
        assert_eq!(town.write(transfer).await.unwrap_err().code(), "points_held");
        // Its own sale of that hour is there when it comes back the next morning.
        let morning = now + TimeDelta::hours(24);
        let sold = settle(&town, held.hold.hold_number, sale("s", &card, &[("G006", 4)], later), &first, morning).await;
        let Outcome::Posted(id) = sold else { panic!("{sold:?}") };
        let made = town.read(move |conn| redemption::by_id(conn, &id)).await.redemption;
        assert_eq!((made.points, made.shift_id), (Points(20), Some(first.id.clone())));
        assert_eq!(town.spendable(WANG).await, 0);
        // After its time it keeps nothing.
        town.give(WANG, 20).await;
        let after = held.hold.until_at;
        sell(&town, &second, "b", &card, &[("G039", 1)], after).await.unwrap();
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn a_sale_is_written_down_once_however_often_it_comes(town: Town) {
        town.give(WANG, 20).await;
        let card = town.issue_card(WANG).await.token();
        let (shift, now) = (town.at_the_till("shop").await, town.app.now());
        let held = take(&town, &shift, now).await.hold.hold_number;
        // The answer of an online try was lost; the till hands the goods out and sends the same sale later.
        let online = sell(&town, &shift, "k", &card, &[("G006", 1)], now).await.unwrap();
        for _ in 0..2 {
            let again = settle(&town, held, sale("k", &card, &[("G006", 1)], now), &shift, now).await;
            assert_eq!(again, Outcome::Posted(online.redemption.id.clone()));
        }
        assert_eq!(town.spendable(WANG).await, 15);
        // A try whose goods never went out is not kept when it is refused.
        let lost = Sale { given: false, ..sale("l", &card, &[("G013", 1)], now) };
        assert!(matches!(settle(&town, held, lost, &shift, now).await, Outcome::Refused(_)));
        // What was on its way meanwhile comes too late, also when the points are there by then.
        town.give(WANG, 40).await;
        let refused = sell(&town, &shift, "l", &card, &[("G013", 1)], now).await.unwrap_err();
        assert!(refused.to_string().contains("请重新办理"), "{refused}");
        // A delivery whose answer was lost is looked up, and never made a household's own errand.
        let lost = Sale { given: false, other_pickup: true, ..sale("p", &card, &[("G006", 1)], now) };
        assert!(matches!(settle(&town, held, lost, &shift, now).await, Outcome::Refused(_)));
        // The price of the till's list stands, if it was the price that day.
        let cheap = Sale {
            prices: HashMap::from([("G006".to_owned(), Points(1))]),
            ..sale("m", &card, &[("G006", 1)], now)
        };
        assert!(matches!(settle(&town, held, cheap, &shift, now).await, Outcome::Conflict(_)));
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn goods_that_went_out_on_a_card_reported_lost_are_decided_by_the_office(town: Town) {
        town.give(WANG, 20).await;
        let card = town.issue_card(WANG).await.token();
        let (shift, now) = (town.at_the_till("shop").await, town.app.now());
        let held = take(&town, &shift, now).await.hold.hold_number;
        let new = town.issue_card(WANG).await.token();
        for _ in 0..2 {
            let lost = settle(&town, held, sale("k", &card, &[("G006", 1)], now), &shift, now).await;
            assert!(matches!(lost, Outcome::Conflict(_)), "{lost:?}");
        }
        assert_eq!(town.spendable(WANG).await, 20);
        let store = town.store().await;
        let stores = vec![store.clone()];
        let waiting = town.read(move |conn| offline_sale::conflicts(conn, &stores, 10)).await;
        assert_eq!(waiting.len(), 1);
        assert_eq!((waiting[0].points, waiting[0].household_id.clone()), (Points(5), Some(town.household(WANG).await.id)));
        assert!(!card.contains(&format!("{}-", waiting[0].reason)), "no secret is kept");

        let admin = town.user("admin").await.id;
        let decide = |key: &'static str, decision, note: &'static str| {
            let (store, act) = (store.clone(), Act::new("offline_sale.decided", key, &admin, now));
            let asked = Decide { number: 1, decision, note: note.to_owned() };
            town.write(move |conn| offline_sale::decide(conn, &asked, &[store], &act))
        };
        assert_eq!(decide("a", Decision::Posted, "").await.unwrap_err().code(), "card_stopped");
        assert_eq!(decide("b", Decision::Borne, "").await.unwrap_err().code(), "invalid_request");
        decide("c", Decision::Borne, "挂失当天断网，商品另行报损").await.unwrap();
        decide("c", Decision::Borne, "挂失当天断网，商品另行报损").await.unwrap();
        assert!(decide("d", Decision::Returned, "货已退回").await.is_err());
        sell(&town, &shift, "n", &new, &[("G006", 4)], now).await.unwrap();
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn points_that_end_are_not_kept(town: Town) {
        let (shift, now) = (town.at_the_till("shop").await, town.app.now());
        town.give_until(WANG, 9, crate::town::today()).await;
        town.give(WANG, 4).await;
        let held = take(&town, &shift, now).await.hold.hold_number;
        assert_eq!(kept(&town, held, WANG).await, 4);
        // The run of the night takes the nine, hold or no hold.
        let night = now + TimeDelta::hours(15);
        let posted = town
            .write(move |conn| ledger::lot::expire_due(conn, jishan::clock::day_of(night), night))
            .await
            .unwrap();
        assert_eq!((posted, town.spendable(WANG).await), (1, 4));
        town.expect_counter_holds().await;
    }
}

on_both! {
    async fn a_shift_is_not_closed_over_sales_that_wait(town: Town) {
        let (shift, now) = (town.at_the_till("shop").await, town.app.now());
        let held = take(&town, &shift, now).await.hold.hold_number;
        let till = shift.clone();
        town.write(move |conn| offline::beat(conn, &till, held, 2, &[], now)).await.unwrap();
        let (id, by) = (shift.id.clone(), shift.opened_by.clone());
        let refused = town.write(move |conn| shift::close(conn, &id, &Closing::default(), &by, now)).await.unwrap_err();
        assert_eq!(refused.code(), "sales_waiting");
        assert!(refused.to_string().contains("还有2单"));
        // A colleague may take over from a till that is gone.
        let (id, admin) = (shift.id.clone(), town.user("admin").await.id);
        let closing = Closing { takeover_reason: "电脑坏了".to_owned(), ..Closing::default() };
        town.write(move |conn| shift::close(conn, &id, &closing, &admin, now)).await.unwrap();
        let shop = shift.till_id.clone();
        assert_eq!(town.read(move |conn| hold::live(conn, shop.as_str(), now)).await, None);
    }
}

// ---- The simulation.

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.roll(chances) == 0
    }

    fn pick(&mut self, from: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(from).unwrap())).unwrap()
    }
}

/// A sale that waits at a till.
#[derive(Clone, Debug)]
struct Waiting {
    sale: Sale,
    hold: i64,
    family: usize,
}

/// A till as the script has it.
struct SimTill {
    shift: Shift,
    is_online: bool,
    hold: i64,
    sell_until: Moment,
    points: [i64; FAMILIES],
    units: BTreeMap<String, i64>,
    waiting: Vec<Waiting>,
    dropped: Vec<Dropped>,
}

/// Something that was recalled: gone here, and to be said as soon as no slip that was given still needs it.
#[derive(Clone, Debug)]
struct Dropped {
    id: String,
    family: Option<usize>,
    sku: Option<String>,
}

impl Dropped {
    fn is_needed(&self, waiting: &[Waiting]) -> bool {
        let needs = |one: &Waiting| {
            let goods = one.sale.lines.iter().any(|line| Some(&line.sku) == self.sku.as_ref());
            one.sale.given && (Some(one.family) == self.family || goods)
        };
        waiting.iter().any(needs)
    }
}

const FAMILIES: usize = 3;

/// What a whole run came to.
#[derive(Default)]
struct Tally {
    given: BTreeSet<String>,
    posted: BTreeMap<String, usize>,
    conflicts: BTreeMap<String, usize>,
    /// Why these.
    why: Vec<String>,
    later: usize,
}

struct Sim<'a> {
    seed: u64,
    dice: Dice,
    cards: &'a [String],
    owners: &'a [String],
    tills: Vec<SimTill>,
    now: Moment,
    slips: usize,
    tally: Tally,
    trace: Vec<String>,
}

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

    fn step(&mut self, conn: &mut Conn) -> Result<()> {
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
    fn open(&mut self, conn: &mut Conn, till: usize) -> Result<()> {
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

    fn give(&mut self, conn: &mut Conn) -> Result<()> {
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
    fn come_back(&mut self, conn: &mut Conn) -> Result<()> {
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

/// Tells so many stories of faults in one town, each from its seed: `OFFLINE_SEED` tells one of them.
fn simulate(database: Database, stories: u64) {
    let only: Option<u64> = std::env::var("OFFLINE_SEED").ok().and_then(|seed| seed.parse().ok());
    runtime().block_on(async {
        let town = Town::founded(database).await;
        let (mut cards, mut owners) = (Vec::new(), Vec::new());
        for (code, _, _) in HOUSEHOLDS.into_iter().take(FAMILIES) {
            cards.push(town.issue_card(code).await.token());
            owners.push(town.household(code).await.id.to_string());
        }
        let shifts = [
            town.at_the_till("shop").await,
            second_till(&town, "admin", "2号柜台").await,
            second_till(&town, "grid", "3号柜台").await,
        ];
        let (mut given, mut late, mut later) = (0, 0, 0);
        for seed in only.map_or(0..stories, |seed| seed..seed + 1) {
            let (cards, owners, shifts) = (cards.clone(), owners.clone(), shifts.clone());
            // A month between two stories: limits begin anew, and no hold reaches over.
            let begin = town.app.now() + TimeDelta::days(31 * i64::try_from(seed % 600).unwrap());
            let store = town.store().await;
            let (tally, within) = town
                .write(move |conn| {
                    crate::town::fill_shelf(conn, &store, begin)?;
                    let tills = shifts.into_iter().map(|shift| SimTill {
                        shift,
                        is_online: true,
                        hold: 0,
                        sell_until: begin,
                        points: [0; FAMILIES],
                        units: BTreeMap::new(),
                        waiting: Vec::new(),
                        dropped: Vec::new(),
                    });
                    let mut sim = Sim {
                        seed,
                        dice: Dice(seed),
                        cards: &cards,
                        owners: &owners,
                        tills: tills.collect(),
                        now: begin,
                        slips: 0,
                        tally: Tally::default(),
                        trace: Vec::new(),
                    };
                    for till in 0..2 {
                        offline::end(conn, &sim.tills[till].shift.till_id, begin)?;
                    }
                    sim.give(conn)?;
                    for till in 0..2 {
                        sim.open(conn, till)?;
                    }
                    for _ in 0..40 {
                        sim.step(conn)?;
                    }
                    let within = sim.tills[..2]
                        .iter()
                        .all(|till| sim.now < till.sell_until + TimeDelta::days(1));
                    sim.come_back(conn)?;
                    let mut tally = sim.tally;
                    let known = Known::of(conn, seed, begin)?;
                    assert_eq!(
                        known.redemptions,
                        known.keys.len(),
                        "a sale was written down twice, seed {seed}"
                    );
                    for slip in &tally.given {
                        let list = match known.keys.contains(&slip["D-".len()..]) {
                            true => &mut tally.posted,
                            false => &mut tally.conflicts,
                        };
                        let times = known.conflicts.iter().filter(|other| *other == slip).count();
                        list.insert(slip.clone(), times);
                    }
                    Ok((tally, within))
                })
                .await
                .unwrap();
            assert!(
                tally.posted.values().all(|conflicts| *conflicts == 0),
                "posted and on the list, seed {seed}"
            );
            assert!(
                tally.conflicts.values().all(|times| *times == 1),
                "lost, or on the list twice, seed {seed}"
            );
            assert!(
                !within || tally.conflicts.is_empty(),
                "{}
was covered, seed {seed}",
                tally.why.join("; ")
            );
            late += tally.conflicts.len();
            given += tally.given.len();
            later += tally.later;
        }
        println!("{stories} stories: {given} slips given, {late} decided by the office, {later} times asked to wait");
        assert!(
            only.is_some() || given > usize::try_from(stories).unwrap(),
            "too little happened without network"
        );
        town.read(|conn| ledger::check::check(conn, &mut |_, _| {}))
            .await
            .unwrap();
        town.read(shop::check::check).await.unwrap();
    });
}

/// What the server knows of a story.
struct Known {
    /// Keys under which something was done.
    keys: BTreeSet<String>,
    /// Redemptions since the story began.
    redemptions: usize,
    /// Slips on the office's list.
    conflicts: Vec<String>,
}

impl Known {
    fn of(conn: &mut Conn, seed: u64, begin: Moment) -> Result<Known> {
        use jishan::db::schema::{offline_conflicts, redemptions, requests};
        let keys = requests::table
            .filter(requests::key.like(format!("sim-{seed}-%")))
            .select(requests::key)
            .load::<String>(conn)?;
        let redemptions = redemptions::table
            .filter(redemptions::redeemed_at.ge(begin))
            .count()
            .get_result::<i64>(conn)?;
        let conflicts = offline_conflicts::table
            .filter(offline_conflicts::slip.like(format!("D-sim-{seed}-%")))
            .select(offline_conflicts::slip)
            .load(conn)?;
        Ok(Known {
            keys: keys.into_iter().collect(),
            redemptions: usize::try_from(redemptions).map_err(Error::internal)?,
            conflicts,
        })
    }
}

#[test]
fn whatever_the_line_does_nothing_is_lost_or_doubled_on_sqlite() {
    simulate(Database::Sqlite, 300);
}

#[test]
fn whatever_the_line_does_nothing_is_lost_or_doubled_on_postgres() {
    simulate(Database::Postgres, 50);
}
