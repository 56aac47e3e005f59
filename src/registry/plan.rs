//! Plans: what a change of a household would do, in sentences, before anybody does it.

use super::change::{AskChange, Change, Door, Refused};
use crate::access::user;
use crate::cards::card;
use crate::clock::{Day, Moment, day_of, days_after, spoken_day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::balance;
use crate::ledger::lot::{self, Lot};
use crate::places::area::{Area, AreaKind, Tree};
use crate::places::area_move::seal;
use crate::places::event::{self, Consequence};
use crate::places::household::{self, Household};
use crate::places::standing::{self, REDEEMABLE_DAYS, Standing};
use crate::places::{consent, residence};
use crate::points::Points;

/// What a change will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In sentences.
    pub sentences: Vec<String>,
    /// What to think of, without consequence.
    pub warnings: Vec<String>,
    /// Names what was shown, so that nothing else is done.
    pub seal: String,
    pub(super) household: Household,
    pub(super) consequence: Consequence,
    /// Points that go to another household.
    pub(super) transfer: Option<Transfer>,
    pub(super) stops_cards: bool,
    pub(super) detail: String,
}

impl Plan {
    /// The buildings that the change is about: whoever confirms it must be responsible for each.
    #[must_use]
    pub fn buildings(&self) -> Vec<Id<Area>> {
        let mut all = vec![self.household.building_id.clone()];
        match &self.consequence {
            Consequence::Split(new) => all.push(new.building_id.clone()),
            Consequence::Moved { building, .. } => all.push(building.clone()),
            _ => {}
        }
        all.extend(self.transfer.iter().map(|transfer| transfer.building.clone()));
        all
    }
}

/// Points that go to another household.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub(super) to: Id<Household>,
    building: Id<Area>,
    pub(super) spendable: Points,
    pub(super) honour: Points,
    /// In minutes.
    pub(super) time: Points,
}

impl Transfer {
    pub(super) fn is_empty(&self) -> bool {
        [self.spendable, self.honour, self.time] == [Points::ZERO; 3]
    }
}

/// Looks what a change would do.
///
/// # Errors
/// [`Refused`]; [`standing::Refused`] for a household that is gone; `Invalid` fields; `NotFound`.
pub fn plan(conn: &mut Conn, asked: &AskChange, now: Moment) -> Result<Plan> {
    let household = household::by_id(conn, &asked.household)?;
    if asked.change != Change::Rejoin {
        standing::expect_active(conn, &household.id)?;
    }
    expect_sensible(conn, asked, &household, day_of(now))?;
    let mut plan = match &asked.change {
        Change::Split {
            door,
            head_name,
            people,
            points,
        } => split(conn, household, door, head_name, *people, Points(*points), now)?,
        Change::Merge { into } => merge(conn, household, into)?,
        Change::Move { door } => moved(conn, household, door)?,
        Change::Leave => leave(conn, household, asked.effective_on, day_of(now))?,
        Change::Rejoin => rejoin(conn, household, day_of(now))?,
        Change::Resize { people } => resize(household, *people)?,
        Change::ChangeHead { head_name } => change_head(household, head_name)?,
        Change::FlagStaff { is_staff } => flag_staff(conn, household, *is_staff, asked.effective_on)?,
    };
    plan.sentences
        .push(format!("自{}起生效。", spoken_day(asked.effective_on)));
    let happened = event::of_household(conn, &asked.household)?.len();
    let mut shown = plan.sentences.clone();
    shown.push(happened.to_string());
    plan.seal = seal(&shown);
    Ok(plan)
}

fn expect_sensible(conn: &mut Conn, asked: &AskChange, household: &Household, today: Day) -> Result<()> {
    if asked.effective_on > today {
        return Err(Error::invalid(
            "effective_on",
            "生效日期不能晚于今天。到了那一天再办理。",
        ));
    }
    let last = event::of_household(conn, &household.id)?
        .into_iter()
        .map(|event| event.effective_on)
        .max();
    let earliest = residence::since(conn, household)?.max(last.unwrap_or_default());
    if asked.effective_on < earliest {
        let why = format!("生效日期不能早于{}，那天才登记或才办过变更。", spoken_day(earliest));
        return Err(Error::invalid("effective_on", why));
    }
    if asked.reason.trim().is_empty() || asked.reason.trim().chars().count() > 200 {
        return Err(Error::invalid("reason", "请写明原因，1至200个字。"));
    }
    Ok(())
}

fn planned(household: Household, consequence: Consequence, sentences: Vec<String>) -> Plan {
    Plan {
        sentences,
        warnings: Vec::new(),
        seal: String::new(),
        household,
        consequence,
        transfer: None,
        stops_cards: false,
        detail: String::new(),
    }
}

fn split(
    conn: &mut Conn,
    household: Household,
    door: &Door,
    head_name: &str,
    people: i64,
    points: Points,
    now: Moment,
) -> Result<Plan> {
    let head_name = name_given(head_name)?;
    if people < 1 || people >= household.people {
        let why = format!(
            "这一户登记{}人，分出去的人数应为1至{}。",
            household.people,
            household.people.saturating_sub(1)
        );
        return match household.people {
            ..=1 => Err(Refused::NotEnough(
                "这一户只登记了1人，不能分户。如果人数不对，请先办理“人口变动”。".to_owned(),
            )
            .into()),
            _ => Err(Error::invalid("people", why)),
        };
    }
    let balances = balance::of(conn, household.id.as_str())?;
    if points < Points::ZERO || points > balances.spendable {
        let why = format!(
            "这一户现有{}分，转出的积分应在0至{}之间。",
            balances.spendable, balances.spendable
        );
        return Err(Error::invalid("points", why));
    }
    let tree = Tree::load(conn)?;
    let (building, stairwell, room) = door_given(&tree, door)?;
    let new = Household {
        id: Id::new(now),
        code: household::free_code(conn, &tree, &building, stairwell.as_deref(), &room)?,
        building_id: building.clone(),
        stairwell: stairwell.clone(),
        room: room.clone(),
        head_initials: household::initials(&head_name),
        head_name,
        people,
        registered_at: now,
    };
    let lots = lot::taken_first(conn, household.id.as_str(), points)?;
    let mut sentences = vec![
        format!(
            "{}户登记为新的一户：{}人，住{}，户号{}。",
            new.head_name,
            new.people,
            new.address(&tree),
            new.code
        ),
        format!(
            "{}户还有{}人。",
            household.head_name,
            household.people.saturating_sub(people)
        ),
        match points {
            Points::ZERO => "不转积分，原来的积分都留在原户。".to_owned(),
            _ => format!(
                "转{points}分给新户{}，原户还剩{}分。",
                ending(&lots),
                points.short_of(balances.spendable)
            ),
        },
        "荣誉分留在原户。".to_owned(),
    ];
    if balances.pending > Points::ZERO {
        sentences.push(format!("公示中的{}分仍归原户。", balances.pending));
    }
    sentences.push("原户的积分卡照常用；新户要另外发一张卡，同意事项要重新征求。".to_owned());
    let behind = household::at_door(conn, &building, stairwell.as_deref(), &room)?;
    let mut plan = planned(household, Consequence::Split(new.clone()), sentences);
    plan.warnings.extend(behind.iter().map(neighbour));
    plan.detail = format!("分出{people}人，转{points}分");
    plan.transfer = Some(Transfer {
        to: new.id,
        building,
        spendable: points,
        honour: Points::ZERO,
        time: Points::ZERO,
    });
    Ok(plan)
}

fn merge(conn: &mut Conn, household: Household, into: &str) -> Result<Plan> {
    let other = match into.trim() {
        "" => return Err(Error::invalid("into", "请填要并入的那一户的户号。")),
        code => household::by_code(conn, &code.to_uppercase()).map_err(|error| match error {
            Error::NotFound => Error::invalid("into", "没有这个户号，请核对。"),
            other => other,
        })?,
    };
    if other.id == household.id {
        return Err(Refused::SameHousehold.into());
    }
    standing::expect_active(conn, &other.id)?;
    let tree = Tree::load(conn)?;
    let balances = balance::of(conn, household.id.as_str())?;
    let lots = lot::of(conn, household.id.as_str())?;
    let mut sentences = vec![format!(
        "{}户（{}人）并入{}户，住{}，以后共{}人。",
        household.head_name,
        household.people,
        other.head_name,
        other.address(&tree),
        other.people.saturating_add(household.people)
    )];
    sentences.push(match balances.spendable {
        Points::ZERO => "没有可用积分要转。".to_owned(),
        points => format!("转{points}分到{}户{}。", other.head_name, ending(&lots)),
    });
    if balances.honour > Points::ZERO {
        sentences.push(format!("荣誉分{}分一起转过去。", balances.honour));
    }
    if balances.time > Points::ZERO {
        sentences.push(format!("时间积分{}分钟一起转过去。", balances.time));
    }
    sentences.push(match balances.pending {
        Points::ZERO => format!("正在办的申报以后记到{}户。", other.head_name),
        points => format!("公示中的{points}分和正在办的申报，以后记到{}户。", other.head_name),
    });
    sentences.push(cards_stopped(conn, &household)?);
    let agreed = consent::of(conn, &household.id)?
        .values()
        .filter(|consent| consent.given)
        .count();
    if agreed > 0 {
        sentences.push(format!(
            "这一户的{agreed}项同意不再有效，以{}户的为准。",
            other.head_name
        ));
    }
    let working = user::living_in(conn, &household.id)?.len();
    if working > 0 {
        sentences.push(format!(
            "{working}名工作人员以后算{}户的人，不能办理那一户的事。",
            other.head_name
        ));
    }
    sentences.push("并户不能撤销；要再分开，请办理分户。".to_owned());
    let transfer = Transfer {
        to: other.id.clone(),
        building: other.building_id,
        spendable: balances.spendable,
        honour: balances.honour,
        time: balances.time,
    };
    let mut plan = planned(household, Consequence::Merged(other.id), sentences);
    plan.detail = format!("转{}分", transfer.spendable);
    plan.transfer = Some(transfer);
    plan.stops_cards = true;
    Ok(plan)
}

fn moved(conn: &mut Conn, household: Household, door: &Door) -> Result<Plan> {
    let tree = Tree::load(conn)?;
    let (building, stairwell, room) = door_given(&tree, door)?;
    let there = Household {
        building_id: building.clone(),
        stairwell: stairwell.clone(),
        room: room.clone(),
        ..household.clone()
    };
    if there == household {
        return Err(Refused::NothingToChange.into());
    }
    let sentences = vec![
        format!(
            "{}户从{}搬到{}。",
            household.head_name,
            household.address(&tree),
            there.address(&tree)
        ),
        "户号、积分、积分卡和同意事项都不变。".to_owned(),
    ];
    let behind = household::at_door(conn, &building, stairwell.as_deref(), &room)?;
    let detail = format!(
        "从{}搬到{}",
        tree.address(&household.building_id),
        tree.address(&building)
    );
    let consequence = Consequence::Moved {
        building,
        stairwell,
        room,
    };
    let mut plan = planned(household, consequence, sentences);
    plan.warnings.extend(behind.iter().map(neighbour));
    plan.detail = detail;
    Ok(plan)
}

fn leave(conn: &mut Conn, household: Household, on: Day, today: Day) -> Result<Plan> {
    let until = days_after(on.max(today), REDEEMABLE_DAYS);
    let balances = balance::of(conn, household.id.as_str())?;
    let mut sentences = vec![
        format!("{}户迁出，不再参加积分。", household.head_name),
        match balances.spendable {
            Points::ZERO => "没有剩下的积分。".to_owned(),
            points => format!(
                "现有{points}分可以用到{}（{REDEEMABLE_DAYS}天），积分卡照常用；过后积分到期，卡停用。",
                spoken_day(until)
            ),
        },
        "从现在起不能再为这一户申报；同意事项不再有效。".to_owned(),
    ];
    if balances.pending > Points::ZERO {
        sentences.push(format!("公示中的{}分照常办完，也在这期间可用。", balances.pending));
    }
    sentences.push("搬回来时可以办理“重新加入”。".to_owned());
    let mut plan = planned(household, Consequence::Left, sentences);
    plan.detail = format!("积分可用到{until}");
    Ok(plan)
}

fn rejoin(conn: &mut Conn, household: Household, today: Day) -> Result<Plan> {
    let Standing::Left { redeemable_until, .. } = standing::now(conn, &household.id)? else {
        return Err(Refused::NotGone.into());
    };
    if household.is_deleted() {
        return Err(Refused::Deleted.into());
    }
    let tree = Tree::load(conn)?;
    let balances = balance::of(conn, household.id.as_str())?;
    let has_card = !card::numbers_in_use(conn, std::slice::from_ref(&household.id))?.is_empty();
    let mut sentences = vec![
        format!(
            "{}户重新参加积分，登记在{}。如果换了住处，接着办理搬家。",
            household.head_name,
            household.address(&tree)
        ),
        match today <= redeemable_until {
            true => format!("还在{REDEEMABLE_DAYS}天以内，现有{}分继续有效。", balances.spendable),
            false => format!(
                "已过{REDEEMABLE_DAYS}天，从前的积分已到期，不再恢复。现有{}分。",
                balances.spendable
            ),
        },
    ];
    sentences.push(match has_card {
        true => "原来的积分卡继续用。".to_owned(),
        false => "没有在用的积分卡，要另外发一张。".to_owned(),
    });
    let behind = household::at_door(
        conn,
        &household.building_id,
        household.stairwell.as_deref(),
        &household.room,
    )?;
    let mut plan = planned(household, Consequence::Rejoined, sentences);
    plan.warnings.extend(behind.iter().map(neighbour));
    Ok(plan)
}

/// The most people of one household: more is a slip of the finger.
const MOST_PEOPLE: i64 = 30;

fn resize(household: Household, people: i64) -> Result<Plan> {
    if !(1..=MOST_PEOPLE).contains(&people) {
        return Err(Error::invalid("people", format!("人数应为1至{MOST_PEOPLE}。")));
    }
    if people == household.people {
        return Err(Refused::NothingToChange.into());
    }
    let sentence = format!(
        "{}户由{}人改为{people}人。积分不变。",
        household.head_name, household.people
    );
    let detail = format!("{}人 → {people}人", household.people);
    let mut plan = planned(household, Consequence::Resized(people), vec![sentence]);
    plan.detail = detail;
    Ok(plan)
}

fn change_head(household: Household, head_name: &str) -> Result<Plan> {
    let head_name = name_given(head_name)?;
    if head_name == household.head_name {
        return Err(Refused::NothingToChange.into());
    }
    let sentences = vec![
        format!("户主由{}改为{head_name}。", household.head_name),
        "户号、积分、积分卡和同意事项都不变。".to_owned(),
    ];
    Ok(planned(household, Consequence::HeadChanged(head_name), sentences))
}

fn flag_staff(conn: &mut Conn, household: Household, is_staff: bool, on: Day) -> Result<Plan> {
    if standing::staff_since(conn, &household.id)?.is_some() == is_staff {
        return Err(Refused::NothingToChange.into());
    }
    let sentence = match is_staff {
        true => format!(
            "{}户记为工作人员家庭：不占称号名额，不上光荣榜；所得积分按总数公开。",
            household.head_name
        ),
        false => format!("{}户不再是工作人员家庭。", household.head_name),
    };
    let since = is_staff.then_some(on);
    let mut plan = planned(household, Consequence::StaffFlagged(since), vec![sentence]);
    plan.detail = if is_staff { "是" } else { "不再是" }.to_owned();
    Ok(plan)
}

fn cards_stopped(conn: &mut Conn, household: &Household) -> Result<String> {
    let in_use = card::of_household(conn, &household.id)?
        .iter()
        .filter(|card| card.stopped_at.is_none())
        .count();
    Ok(match in_use {
        0 => "没有在用的积分卡要停。".to_owned(),
        count => format!("停用{count}张积分卡，请收回。"),
    })
}

fn neighbour(household: &Household) -> String {
    format!(
        "这个门牌已登记有{}户（{}）。请确认不是登记错了。",
        household.head_name, household.code
    )
}

/// `，其中 10分 2027年3月31日到期`.
fn ending(lots: &[Lot]) -> String {
    let dated = lots.iter().filter_map(|lot| {
        let day = lot.expires_on?;
        Some(format!("{}分{}到期", lot.left, spoken_day(day)))
    });
    let told: Vec<String> = dated.collect();
    match told.is_empty() {
        true => String::new(),
        false => format!("，其中{}", told.join("、")),
    }
}

fn name_given(name: &str) -> Result<String> {
    let name = name.trim();
    match name.chars().count() {
        1..=40 => Ok(name.to_owned()),
        _ => Err(Error::invalid("head_name", "请填写户主姓名，1至40个字。")),
    }
}

fn door_given(tree: &Tree, door: &Door) -> Result<(Id<Area>, Option<String>, String)> {
    let building = tree
        .get(&Id::known(door.building.clone()))
        .filter(|area| area.kind == AreaKind::Building)
        .ok_or_else(|| Error::invalid("building", "请选择楼栋。"))?;
    let (stairwell, room) = (door.stairwell.trim(), door.room.trim());
    if !(1..=20).contains(&room.chars().count()) {
        return Err(Error::invalid("room", "请填写房号，1至20个字。"));
    }
    if stairwell.chars().count() > 10 {
        return Err(Error::invalid("stairwell", "单元请写在10个字以内。"));
    }
    let stairwell = (!stairwell.is_empty()).then(|| stairwell.to_owned());
    Ok((building.id.clone(), stairwell, room.to_owned()))
}
