//! Stories of faults, each from its seed: whatever the line does, nothing is lost or doubled.
//!
//! The simulation plays tills as `static/offline.js` has them (a sale is deducted before it is sent, what was not answered is
//! sent again with its key) against the real rules on the real databases; `tests/e2e/offline.test.mjs` plays the real script
//! against a model of the rules.

mod steps;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use diesel::prelude::*;
use jishan::clock::Moment;
use jishan::db::Conn;
use jishan::error::{Error, Result};
use jishan::shop::offline;
use jishan::shop::offline_sale::Sale;
use jishan::shop::shift::Shift;
use jishan::{ledger, shop};

use super::second_till;
use crate::town::{Database, HOUSEHOLDS, Town, runtime};

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
