//! A month of history: deeds nominated and verified day by day, redemptions on opening days, a void now and then, and some
//! nominations of yesterday that wait for the visitor.

use std::sync::Arc;

use chrono::{Datelike, TimeDelta, Weekday};

use super::town::Dice;
use super::{DAYS, Progress, Resident, Setting};
use crate::clock::{Day, Moment, begin_of, day_of, days_after};
use crate::council::nomination::{self, Decision, Nominate, Nominator, Verify};
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::ledger::account::AccountKind;
use crate::ledger::transaction::Books;
use crate::shop::redemption::{self, Redeem, Wanted};
use crate::shop::void::{self, AskVoid};

/// Deeds that neighbours really report: the item's code, how often it comes up, and what is written.
const DEEDS: [(&str, usize, &str); 19] = [
    ("C01", 9, "参加院坝会，讨论楼道晾晒办法"),
    ("C02", 6, "参加防诈骗讲堂，全程听完"),
    ("D04", 8, "楼栋长抽查，垃圾分类当周达标"),
    ("D07", 8, "参加周末集中整治，清理单元门前"),
    ("D08", 3, "发现楼道灯损坏，及时报修"),
    ("E02", 7, "帮对门邻居搬运家具上楼"),
    ("E03", 6, "在四点半课堂值班两小时"),
    ("E10", 5, "敲门看望独居老人，陪着说话"),
    ("E01", 4, "给楼上独居老人送饭、打扫屋子"),
    ("A05", 3, "参加社区招聘会"),
    ("C07", 4, "参加社区文艺展演"),
    ("C05", 2, "捡到钱包，交给失主"),
    ("D01", 7, "月度入户评比：整洁"),
    ("D06", 4, "管护楼前花池"),
    ("A01", 4, "取得电工证，照片编号已遮挡"),
    ("C04", 3, "婚事简办，事前向红白理事会报备"),
    ("E04", 3, "参加无偿献血"),
    ("E05", 4, "孝老爱亲，季度评议通过"),
    ("C08", 3, "获社区好邻居称号"),
];

/// Nominations of yesterday and today that wait for the visitor to verify.
const WAITING: usize = 12;

pub(super) async fn live(db: &Db, setting: Setting, first_day: Day, now: Moment, progress: &Progress) -> Result<()> {
    let setting = Arc::new(setting);
    for nth in 0..DAYS {
        let day = days_after(first_day, nth);
        let town = Arc::clone(&setting);
        db.write(move |conn| {
            deeds_of(conn, &town, day, nth)?;
            match is_opening_day(day) {
                true => shopping_of(conn, &town, day, nth),
                false => Ok(()),
            }
        })
        .await?;
        progress(nth.saturating_add(1), DAYS, "一个月的往事");
    }
    db.write(move |conn| leave_some_waiting(conn, &setting, now)).await
}

fn is_opening_day(day: Day) -> bool {
    day.weekday() == Weekday::Sat || day.day() == 25
}

/// Each household has about four deeds a month; who does nothing for a month is not shamed for it.
fn deeds_of(conn: &mut Conn, town: &Setting, day: Day, nth: u64) -> Result<()> {
    for (number, resident) in (0u64..).zip(&town.households) {
        let mut dice = Dice(number.wrapping_mul(1_000).wrapping_add(nth));
        if dice.below(7) > 0 {
            continue;
        }
        let (item, _, note) = thrown_deed(&mut dice);
        let count = if item == "E03" { 2 } else { 1 };
        let at = begin_of(day) + TimeDelta::hours(9) + TimeDelta::minutes(i64::try_from(dice.below(480)).unwrap_or(0));
        let asked = Nominate {
            household: resident.household.id.clone(),
            item: item.to_owned(),
            count,
            occurred_on: day,
            note: note.to_owned(),
            by: Nominator::Staff(resident.building_head.clone()),
            key: format!("demo-deed-{}-{nth}", resident.household.code),
        };
        match nomination::nominate(conn, &asked, at) {
            Ok(nomination) => verify(conn, resident, nomination.id, at + TimeDelta::minutes(95))?,
            // The household has had its share of this deed: the rule works in the demo as well.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn thrown_deed(dice: &mut Dice) -> (&'static str, usize, &'static str) {
    let weights: usize = DEEDS.iter().map(|(_, weight, _)| *weight).sum();
    let mut left = dice.below(weights);
    for deed in DEEDS {
        if left < deed.1 {
            return deed;
        }
        left = left.saturating_sub(deed.1);
    }
    DEEDS[0]
}

fn verify(
    conn: &mut Conn,
    resident: &Resident,
    nomination: crate::id::Id<nomination::Nomination>,
    at: Moment,
) -> Result<()> {
    let asked = Verify {
        key: format!("demo-verify-{nomination}"),
        nomination,
        decision: Decision::Approve,
        reason: String::new(),
        by: resident.grid_worker.clone(),
    };
    nomination::verify(conn, &asked, at).map(|_| ())
}

/// About a third of the households that can afford something come by.
fn shopping_of(conn: &mut Conn, town: &Setting, day: Day, nth: u64) -> Result<()> {
    let morning = begin_of(day) + TimeDelta::hours(9);
    let owners = town.households.iter().map(|resident| resident.household.id.as_str());
    let books = Books::open(conn, owners)?;
    let mut baskets = Vec::new();
    for (number, resident) in (0u64..).zip(&town.households) {
        let mut dice = Dice(number.wrapping_mul(7_919).wrapping_add(nth));
        let have = books.balance(resident.household.id.as_str(), AccountKind::Spendable);
        if dice.below(3) > 0 {
            continue;
        }
        let item = town.goods.get(dice.below(town.goods.len()));
        let Some(item) = item.filter(|item| item.price_points <= have) else {
            continue;
        };
        // One in twenty has left the card at home and says the number.
        let card = match dice.below(20) {
            0 => resident.card.split('-').next().unwrap_or_default(),
            _ => &resident.card,
        };
        let wanted = [Wanted {
            sku: item.sku.clone(),
            quantity: 1,
        }];
        let at = morning + TimeDelta::seconds(i64::try_from(baskets.len()).unwrap_or(0).saturating_mul(20) % 10_000);
        let key = format!("demo-sale-{}-{nth}", resident.household.code);
        baskets.push(Redeem::new(
            &key,
            card,
            &wanted,
            town.store.clone(),
            town.shopkeeper.clone(),
            at,
        )?);
    }
    let mut made = Vec::new();
    for group in baskets.chunks(200) {
        made.extend(redemption::redeem_all(conn, group)?.into_iter().filter_map(Result::ok));
    }
    if let Some(last) = made.last() {
        let asked = AskVoid {
            redemption: last.redemption.id.clone(),
            reason: "拿错商品，当场退回".to_owned(),
            by: town.shopkeeper.clone(),
            key: format!("demo-void-{nth}"),
        };
        void::void(conn, &asked, last.redemption.redeemed_at + TimeDelta::minutes(3))?;
    }
    Ok(())
}

fn leave_some_waiting(conn: &mut Conn, town: &Setting, now: Moment) -> Result<()> {
    let mut dice = Dice(42);
    let mut waiting = 0;
    for resident in town
        .households
        .iter()
        .step_by((town.households.len() / (WAITING * 3)).max(1))
    {
        let (item, _, note) = thrown_deed(&mut dice);
        let asked = Nominate {
            household: resident.household.id.clone(),
            item: item.to_owned(),
            count: 1,
            occurred_on: day_of(now),
            note: note.to_owned(),
            by: Nominator::Staff(town.building_head.clone()),
            key: format!("demo-waiting-{}", resident.household.code),
        };
        match nomination::nominate(conn, &asked, now) {
            Ok(_) => waiting += 1,
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        if waiting == WAITING {
            break;
        }
    }
    Ok(())
}
