//! A year of the town, day by day: deeds nominated and verified, a council session each month, points that post after their
//! notice, redemptions on opening days, a void now and then. The last days leave something at every desk.

use std::sync::Arc;

use chrono::{Datelike, TimeDelta, Weekday};

use super::council::Attendance;
use super::town::Dice;
use super::{Progress, Resident, Setting, Year, council, events, fill_shelves, partner, redress, shelf};
use crate::books;
use crate::clock::{Day, Moment, begin_of, day_of};
use crate::council::clockwork::{self, Done};
use crate::council::nomination::{self, Decision, Nominate, Nomination, Nominator, Verify};
use crate::council::session::BallotForm;
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::honours;
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::transaction::Books;
use crate::shop::handover;
use crate::shop::opening;
use crate::shop::redemption::{self, Pickup, Redeem, Wanted};
use crate::shop::shift::{self, Closing};
use crate::shop::stock;
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

/// Nominations of today that wait for the visitor to verify, and others that wait for the council.
const WAITING: usize = 12;

/// The day of the month on which the council meets.
const COUNCIL_DAY: u32 = 25;
/// Sessions of a year.
const CYCLES: usize = 12;

/// When what happens in the year before a day.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    /// The first day of the month of the first session.
    pub first_day: Day,
    /// The twelve council days before the last ones.
    council_days: Vec<Day>,
    /// A session whose notice ends as today begins.
    before_last: Day,
    /// A session whose notice still runs.
    last: Day,
    today: Day,
}

impl Calendar {
    pub(super) fn before(today: Day) -> Calendar {
        let before = |days: u64| today.checked_sub_days(chrono::Days::new(days)).unwrap_or(today);
        let mut council_days: Vec<Day> = (5..400)
            .map(before)
            .filter(|day| day.day() == COUNCIL_DAY)
            .take(CYCLES)
            .collect();
        council_days.reverse();
        let first = council_days.first().copied().unwrap_or(today);
        Calendar {
            first_day: first.with_day(1).unwrap_or(first),
            council_days,
            before_last: before(4),
            last: before(1),
            today,
        }
    }

    fn is_session_day(&self, day: Day) -> bool {
        self.council_days.contains(&day) || day == self.before_last || day == self.last
    }

    /// The day so many days after one of the twelve sessions, or before it when negative.
    pub(super) fn near_session(&self, nth: usize, days: i64) -> Option<Day> {
        let session = self.council_days.get(nth)?;
        session.checked_add_signed(TimeDelta::days(days))
    }

    /// The day so many days ago.
    pub(super) fn before_today(&self, days: i64) -> Option<Day> {
        self.today.checked_sub_signed(TimeDelta::days(days))
    }

    /// In the month before this one money is short: the fifth session's points wait.
    fn lean(&self, nth: usize) -> Option<Day> {
        self.council_days.get(nth).and_then(|day| day.with_day(1))
    }
}

/// Lives from the first day until now, a week at a time.
pub(super) async fn live(
    db: &Db,
    setting: Setting,
    calendar: Calendar,
    year: Year,
    now: Moment,
    progress: &Progress,
) -> Result<()> {
    let (town, calendar) = (Arc::new(setting), Arc::new(calendar));
    let days: Vec<Day> = calendar
        .first_day
        .iter_days()
        .take_while(|day| *day < calendar.today)
        .collect();
    let total = u64::try_from(days.len()).unwrap_or(0);
    let mut lived = 0u64;
    for week in days.chunks(7) {
        let (week, town, calendar) = (week.to_vec(), Arc::clone(&town), Arc::clone(&calendar));
        lived = lived.saturating_add(u64::try_from(week.len()).unwrap_or(0));
        let months_end = week.iter().any(|day| day.day() == 1);
        db.write(move |conn| {
            week.iter()
                .try_for_each(|day| live_day(conn, &town, &calendar, year, *day))
        })
        .await?;
        if year.proves && months_end {
            db.read(expect_proven).await?;
        }
        progress(lived, total, "一年的往事");
    }
    db.write(move |conn| today(conn, &town, &calendar, now)).await?;
    match year.proves {
        true => db.read(expect_proven).await,
        false => Ok(()),
    }
}

fn expect_proven(conn: &mut Conn) -> Result<()> {
    let verdict = books::check(conn, &mut |_, _| {})?;
    verdict.map(|_| ()).map_err(|broken| Error::internal(broken.0))
}

fn live_day(conn: &mut Conn, town: &Setting, calendar: &Calendar, year: Year, day: Day) -> Result<()> {
    let morning = begin_of(day) + TimeDelta::minutes(1);
    for (nth, is_lean) in [(4, true), (5, false)] {
        // A session of the 25th posts in its own month, on the 29th.
        if calendar.lean(nth) == Some(day) {
            council::lean_month(conn, town, is_lean, day)?;
        }
    }
    let done = clockwork::run(conn, morning)?;
    honours::clockwork::run(conn, morning)?;
    let by_itself = Done {
        posted: 0,
        taken_down: 0,
        ..done
    };
    let rare = events::of_day(conn, town, calendar, day)?;
    if year.proves && (rare || !by_itself.is_nothing()) {
        expect_proven(conn)?;
    }
    if day.day() == 1 && day.month().is_multiple_of(2) {
        fill_shelves(conn, town, day)?;
    }
    deeds_of(conn, town, year, day)?;
    if is_opening_day(day) {
        shopping_of(conn, town, day)?;
    }
    partner::of_day(conn, town, day, calendar.today)?;
    if calendar.is_session_day(day) {
        let attendance = match events::is_appealed(calendar, day) {
            true => Attendance::OneIsAway,
            false => Attendance::All,
        };
        let evening = begin_of(day) + TimeDelta::minutes(19 * 60 + 30);
        council::meet(conn, town, day, attendance, evening)?;
    }
    Ok(())
}

fn is_opening_day(day: Day) -> bool {
    day.weekday() == Weekday::Sat || day.day() == COUNCIL_DAY
}

/// The number of a day, for what is thrown.
fn number_of(day: Day) -> u64 {
    u64::try_from(day.num_days_from_ce()).unwrap_or(0)
}

/// Who does nothing for a month is not shamed for it.
fn deeds_of(conn: &mut Conn, town: &Setting, year: Year, day: Day) -> Result<()> {
    let every = usize::try_from(year.days_between_deeds).unwrap_or(usize::MAX);
    for (number, resident) in (0u64..).zip(&town.households) {
        let mut dice = Dice(number.wrapping_mul(1_000_003).wrapping_add(number_of(day)));
        if dice.below(every) > 0 {
            continue;
        }
        let minute = i64::try_from(dice.below(480)).unwrap_or(0);
        // No two at the same moment: the order of the deeds decides who waits for a budget.
        let nth = TimeDelta::milliseconds(i64::try_from(number).unwrap_or(0));
        let at = begin_of(day) + TimeDelta::hours(9) + TimeDelta::minutes(minute) + nth;
        let by = &resident.building_head;
        let deed = thrown_deed(&mut dice);
        let Some(nomination) = nominate(conn, resident, deed, day, by, at)? else {
            continue;
        };
        // One in forty is not shown well enough.
        let decision = match dice.below(40) {
            0 => Decision::Return,
            _ => Decision::Approve,
        };
        verify(conn, resident, nomination, decision, at + TimeDelta::minutes(95))?;
    }
    Ok(())
}

/// Nominates a household, unless it has had its share of this deed: the rule works in the demo as well.
fn nominate(
    conn: &mut Conn,
    resident: &Resident,
    (item, _, note): (&str, usize, &str),
    day: Day,
    by: &Id<crate::access::user::User>,
    at: Moment,
) -> Result<Option<Nomination>> {
    let asked = Nominate {
        household: resident.household.id.clone(),
        item: item.to_owned(),
        count: if item == "E03" { 2 } else { 1 },
        occurred_on: day,
        note: note.to_owned(),
        by: Nominator::Staff(by.clone()),
        key: format!("demo-deed-{}-{day}", resident.household.code),
    };
    match nomination::nominate(conn, &asked, at) {
        Ok(nomination) => Ok(Some(nomination)),
        Err(Error::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
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

pub(super) fn verify(
    conn: &mut Conn,
    resident: &Resident,
    nomination: Nomination,
    decision: Decision,
    at: Moment,
) -> Result<()> {
    let asked = Verify {
        key: format!("demo-verify-{}", nomination.id),
        nomination: nomination.id,
        decision,
        reason: match decision {
            Decision::Return => "签到表上没有这一天，请补上再报".to_owned(),
            Decision::Approve => String::new(),
        },
        by: resident.grid_worker.clone(),
    };
    nomination::verify(conn, &asked, at).map(|_| ())
}

/// One in six of the households that can afford something comes by.
fn shopping_of(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let morning = begin_of(day) + TimeDelta::hours(9);
    let owners = town.households.iter().map(|resident| resident.household.id.as_str());
    let books = Books::open(conn, owners)?;
    let shift = shift::open(conn, &town.till, "", &town.shopkeeper, morning - TimeDelta::minutes(5))?;
    let mut baskets = Vec::new();
    for (number, resident) in (0u64..).zip(&town.households) {
        let mut dice = Dice(number.wrapping_mul(7_919).wrapping_add(number_of(day)));
        let have = books.balance(resident.household.id.as_str(), AccountKind::Spendable);
        if dice.below(6) > 0 {
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
        let key = format!("demo-sale-{}-{day}", resident.household.code);
        baskets.push(Redeem::new(&key, card, &wanted, Pickup::Household, &shift, at)?);
    }
    let mut made = Vec::new();
    for group in baskets.chunks(200) {
        made.extend(redemption::redeem_all(conn, group)?.into_iter().filter_map(Result::ok));
    }
    if let Some(last) = made.last() {
        let asked = AskVoid {
            redemption: last.redemption.id.clone(),
            reason: "拿错商品，当场退回".to_owned(),
            shift: shift.id.clone(),
            by: town.shopkeeper.clone(),
            key: format!("demo-void-{day}"),
        };
        void::void(conn, &asked, last.redemption.redeemed_at + TimeDelta::minutes(3))?;
    }
    let on_shelf = stock::on_shelf(conn, &town.store)?;
    let closing = Closing {
        slips_counted: Some(0),
        counts: handover::sample(conn, &shift.id)?
            .into_iter()
            .take(2)
            .map(|item| {
                let lots = on_shelf.iter().filter(|lot| lot.goods_id == item.id);
                let there = lots.fold(0i64, |sum, lot| sum.saturating_add(lot.quantity));
                (item.id, there)
            })
            .collect(),
        ..Closing::default()
    };
    shift::close(
        conn,
        &shift.id,
        &closing,
        &town.shopkeeper,
        morning + TimeDelta::hours(4),
    )?;
    shift::audit(conn, &shift.id, "", &town.stock_keeper, morning + TimeDelta::hours(8)).map(|_| ())
}

/// What waits at the desks today: a queued award, an objection, nominations to verify, and a session that has just opened.
fn today(conn: &mut Conn, town: &Setting, calendar: &Calendar, now: Moment) -> Result<()> {
    council::use_up_a_budget(conn, town, calendar.today)?;
    let morning = (begin_of(calendar.today) + TimeDelta::minutes(1)).min(now);
    clockwork::run(conn, morning)?;
    honours::clockwork::run(conn, morning)?;
    let mut dice = Dice(42);
    let step = (town.households.len() / (WAITING * 3)).max(1);
    let (mut to_decide, mut to_verify) = (0, 0);
    for resident in town.households.iter().step_by(step) {
        // The first one is decided on its own.
        let deed = match to_decide {
            0 => DEEDS.into_iter().find(|(item, ..)| *item == "E05").unwrap_or(DEEDS[0]),
            _ => thrown_deed(&mut dice),
        };
        let Some(nomination) = nominate(conn, resident, deed, day_of(now), &town.building_head, now)? else {
            continue;
        };
        if to_decide < WAITING {
            verify(conn, resident, nomination, Decision::Approve, now)?;
            to_decide += 1;
        } else if to_verify < WAITING {
            to_verify += 1;
        } else {
            break;
        }
    }
    redress::object_today(conn, town, now)?;
    open_the_store(conn, town, now)?;
    shelf::today(conn, town, now)?;
    council::open(conn, town, calendar.today, BallotForm::Open, Attendance::All, now).map(|_| ())
}

/// The store redeems on Saturdays and on the 25th, and today because of the demo; somebody stands at the first till.
fn open_the_store(conn: &mut Conn, town: &Setting, now: Moment) -> Result<()> {
    opening::set_pattern(conn, &town.store, &[6], &[25], &town.administrator, now)?;
    let today = day_of(now);
    opening::set_day(
        conn,
        &town.store,
        (today, true),
        "演示，加开一天",
        &town.administrator,
        now,
    )?;
    shift::open(conn, &town.till, "", &town.shopkeeper, now).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_has_twelve_sessions_and_two_more() {
        for today in [
            "2026-11-22",
            "2026-11-25",
            "2026-11-29",
            "2026-11-30",
            "2027-01-01",
            "2028-02-29",
        ] {
            let today: Day = today.parse().unwrap();
            let calendar = Calendar::before(today);
            assert_eq!(calendar.council_days.len(), CYCLES, "{today}");
            assert!(
                calendar.council_days.iter().all(|day| *day < calendar.before_last),
                "{today}"
            );
            assert_eq!(calendar.first_day.day(), 1);
            assert!(calendar.first_day < calendar.council_days[0] && calendar.last < today);
        }
    }
}
