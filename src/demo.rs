//! The demo: a made-up town with a year of history, the same for everybody who makes it on the same day.
//!
//! It goes through the same doors as people do: deeds are nominated, verified, decided by the council, shown in public and
//! redeemed by the rules, only faster. Once in the year there is what is rare: objections, appeals, a correction, a split, a
//! merge (`events`). At the end something waits at every desk. Names
//! are made up from common family names and gentle words; a few have rare characters, because real rosters do. The rules,
//! the goods and the large town's tree come from `samples/`.

pub mod clock;
mod council;
mod events;
mod feedback;
mod history;
mod partner;
mod redress;
mod shelf;
mod stars;
mod titles;
mod town;
mod volunteering;
pub mod web;

use std::sync::Arc;

use crate::access::role::{Duties, Role};
use crate::access::user::{self, PasswordHash, User};
use crate::audit::{self, Event};
use crate::cards::card::{self, Issue};
use crate::cards::pin::{self, PinHash};
use crate::clock::{Day, Moment, begin_of, day_of, days_after};
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::places::area::{self, Area, AreaKind};
use crate::places::consent::{self, Purpose};
use crate::places::household::{self, Household};
use crate::places::programme::{self, NewProgramme, Programme};
use crate::scheme::version;
use crate::shop::goods::{self, GoodsItem};
use crate::shop::stock::{self, Funding, Receive};
use crate::shop::store::{self, PointsStore};
use crate::shop::till::{self, Till};
use history::Calendar;
use town::Town;

/// One line that tells how to get in.
pub const SIGN_IN_HELP: &str = "登录：用户 admin deputy grid building shop stock partner council auditor，口令均为 jishan-demo（仅供演示，数据均为虚构）";

const PASSWORD: &str = "jishan-demo";
/// The PIN of the one household that can be tried on a phone, and where in the list it lives, in hundredths: none of those to
/// whom something rare happens.
const PIN: &str = "2580";
const PIN_AT: usize = 30;
const SCHEME: &str = include_str!("../samples/scheme.json");
const GOODS: &str = include_str!("../samples/goods.csv");

/// Told how much of how much is done, and what.
pub type Progress = Arc<dyn Fn(u64, u64, &'static str) + Send + Sync>;

/// What kind of a year is made.
#[derive(Clone, Copy, Debug)]
pub struct Year {
    /// How many households.
    pub households: u32,
    /// Days from one deed of a household to the next, on average.
    pub days_between_deeds: u32,
    /// Are the books proved after each month and after each rare event? For tests.
    pub proves: bool,
}

impl Year {
    /// Deeds of a year at most: a large town is made in a minute too.
    const MOST_DEEDS: u32 = 30_000;

    /// Two deeds a month for each household, and fewer in a large town.
    #[must_use]
    pub fn of(households: u32) -> Year {
        let affordable = households.saturating_mul(365) / Year::MOST_DEEDS;
        Year {
            households,
            days_between_deeds: affordable.max(15),
            proves: false,
        }
    }
}

/// Makes the demo programme in an empty database; leaves a programme that is there as it is.
///
/// # Errors
/// Only when the database fails.
pub async fn make(db: &Db, year: Year, address: &str, now: Moment, progress: Progress) -> Result<()> {
    if db.read(programme::find).await?.is_some() {
        return Ok(());
    }
    let hash = PasswordHash::of(PASSWORD)?;
    let town = Town::of(year.households);
    let calendar = Calendar::before(day_of(now));
    let first_day = calendar.first_day;
    let address = address.to_owned();
    let mut setting = db
        .write(move |conn| found(conn, &town, &address, &hash, first_day))
        .await?;
    setting.households = enrol(db, &setting, first_day, &progress).await?;
    let pin = PinHash::of(PIN)?;
    let (by, nth) = (
        setting.administrator.clone(),
        setting.households.len().saturating_mul(PIN_AT) / 100,
    );
    if let Some(resident) = setting.households.get(nth) {
        let household = resident.household.id.clone();
        db.write(move |conn| pin::set(conn, &household, &pin, &by, begin_of(first_day)))
            .await?;
    }
    let (town, today) = (setting.clone(), day_of(now));
    db.write(move |conn| feedback::rate(conn, &town, today)).await?;
    history::live(db, setting, calendar, year, now, &progress).await
}

/// How to try a household's own pages: the card of the one that has a PIN. It is the answer to the first request for it again.
///
/// # Errors
/// Only when the database fails.
pub async fn resident_help(db: &Db) -> Result<String> {
    let found = db.read(resident_card).await?;
    Ok(found.map_or_else(String::new, |(number, token)| {
        format!("住户：打开 /my，卡号 {number}，密码 {PIN}；相当于用手机扫这张卡：/K/{token}")
    }))
}

fn resident_card(conn: &mut Conn) -> Result<Option<(String, String)>> {
    let (Some(household), Some(admin)) = (pin::first(conn)?, user::by_name(conn, "admin")?) else {
        return Ok(None);
    };
    let household = household::by_id(conn, &household)?;
    let asked = first_card(&household, &admin.id);
    if !card::was_issued(conn, &asked)? {
        return Ok(None);
    }
    let programme = programme::get(conn)?;
    let issued = card::issue(conn, &programme, &asked, household.registered_at)?;
    Ok(Some((issued.number.grouped(), issued.token())))
}

/// The request for a household's first card.
fn first_card(household: &Household, by: &Id<User>) -> Issue {
    Issue {
        household: household.id.clone(),
        reason: "首次制卡".to_owned(),
        by: by.clone(),
        key: format!("demo-card-{}", household.code),
    }
}

/// The made town, with who does what in it.
#[derive(Clone)]
pub(crate) struct Setting {
    programme: Programme,
    root: Id<Area>,
    communities: Vec<Id<Area>>,
    store: Id<PointsStore>,
    till: Id<Till>,
    goods: Vec<GoodsItem>,
    households: Vec<Resident>,
    administrator: Id<User>,
    shopkeeper: Id<User>,
    stock_keeper: Id<User>,
    building_head: Id<User>,
    council_member: Id<User>,
    /// The partner's shop, and who keeps it.
    partner: Id<PointsStore>,
    partner_keeper: Id<User>,
}

/// A household with the two people who look after it.
#[derive(Clone)]
pub(crate) struct Resident {
    household: Household,
    building_head: Id<User>,
    grid_worker: User,
    /// The card's number and secret, for the scanner at the counter.
    card: String,
}

fn day_before(day: Day, days: u64) -> Day {
    day.checked_sub_days(chrono::Days::new(days)).unwrap_or(day)
}

/// The programme, its tree, people, rules, goods and first stock.
fn found(conn: &mut Conn, town: &Town, address: &str, hash: &PasswordHash, day: Day) -> Result<Setting> {
    let now = begin_of(day);
    let new = NewProgramme {
        name: town.name.to_owned(),
        address: address.to_owned(),
        office: town.office.to_owned(),
        phone: "0000-0000000".to_owned(),
        issuer: town.issuer.to_owned(),
    };
    // The demo's key is known to everyone who reads this. It keeps the demo's card numbers the same each time.
    let programme = programme::found(conn, new, *b"the demo's key hides no secrets.", now)?;
    let mut builder = Builder::new(town, now);
    let root = builder.areas.first().cloned().ok_or(Error::NotFound)?;
    let staff = builder.build();
    area::add(conn, &builder.areas)?;
    household::register(conn, &builder.households)?;
    let demo_staff = add_staff(conn, &root, hash, now)?;
    for (person, role, area) in &staff {
        user::add(conn, person, hash, &Duties(vec![(*role, area.clone())]), now)?;
    }
    version::load(conn, SCHEME, day_before(day, 365), "system", now)?;
    let store = PointsStore {
        id: Id::new(now),
        area_id: root.id.clone(),
        name: town.store.to_owned(),
        opening_hours: "每周六 9:00—12:00，每月25日 9:00—16:00".to_owned(),
    };
    store::add(conn, &store, now)?;
    till::add(conn, &store.id, "2号柜台", "system", now)?;
    let first_till = till::of_store(conn, &store.id)?
        .into_iter()
        .next()
        .ok_or(Error::NotFound)?;
    let goods = goods::read(GOODS.as_bytes(), now)?;
    goods::add(conn, &goods)?;
    audit::record(
        conn,
        &[Event::new(
            "system",
            "programme.founded",
            "programme".to_owned(),
            "demo".to_owned(),
            now,
        )],
    )?;
    let store_id = store.id;
    let communities = builder.areas.iter().filter(|area| area.kind == AreaKind::Community);
    let mut setting = Setting {
        programme,
        root: root.id.clone(),
        communities: communities.map(|area| area.id.clone()).collect(),
        store: store_id.clone(),
        till: first_till.id,
        goods,
        households: builder.residents(&staff),
        administrator: demo_staff.administrator,
        shopkeeper: demo_staff.shopkeeper,
        stock_keeper: demo_staff.stock,
        building_head: demo_staff.building_head,
        council_member: demo_staff.council_member,
        partner: store_id,
        partner_keeper: Id::new(now),
    };
    let place = setting.communities.first().cloned().unwrap_or(root.id);
    setting.partner_keeper = add_partner_keeper(conn, &place, hash, now)?;
    setting.partner = partner::found(conn, &setting, &place, day)?;
    fill_shelves(conn, &setting, day)?;
    council::seat(conn, &setting, day)?;
    titles::enter(conn, &setting, day)?;
    stars::define(conn, &setting, day)?;
    Ok(setting)
}

/// Turns the town's plan into areas, households and the people who look after them.
struct Builder<'a> {
    town: &'a Town,
    now: Moment,
    areas: Vec<Area>,
    households: Vec<Household>,
    names: town::Names,
    /// For each household: which of the staff is its building head and which its grid worker.
    keepers: Vec<(usize, usize)>,
}

type StaffMember = (User, Role, Id<Area>);

impl<'a> Builder<'a> {
    fn new(town: &'a Town, now: Moment) -> Builder<'a> {
        Builder {
            town,
            now,
            areas: vec![Area::root(AreaKind::Township, "T01", town.township, now)],
            households: Vec::new(),
            names: town::Names::new(),
            keepers: Vec::new(),
        }
    }

    fn build(&mut self) -> Vec<StaffMember> {
        let mut staff: Vec<StaffMember> = Vec::new();
        let mut grid_of: Option<(i64, Area, usize)> = None;
        let mut community_of: Option<(i64, Area)> = None;
        for block in &self.town.blocks {
            let community = match community_of.take() {
                Some((number, area)) if number == block.community => area,
                _ => self.part_of_root(block),
            };
            let (grid, worker) = match grid_of.take() {
                Some((number, area, worker)) if number == block.grid => (area, worker),
                _ => {
                    let code = format!("G{:02}", block.grid);
                    let name = format!("第{}网格", block.grid);
                    let area = self.part(&community, AreaKind::Grid, &code, &name);
                    staff.push(self.person(&format!("grid-{:02}", block.grid), Role::GridWorker, &area));
                    (area, staff.len().saturating_sub(1))
                }
            };
            let code = format!("B{:03}", block.building);
            let building = self.part(&grid, AreaKind::Building, &code, &format!("{}号楼", block.building));
            staff.push(self.person(
                &format!("building-{:03}", block.building),
                Role::BuildingHead,
                &building,
            ));
            let head = staff.len().saturating_sub(1);
            self.move_in(block, &[&community, &grid, &building], (head, worker));
            grid_of = Some((block.grid, grid, worker));
            community_of = Some((block.community, community));
        }
        staff
    }

    fn part_of_root(&mut self, block: &town::Block) -> Area {
        let code = format!("C{:02}", block.community);
        let root = self.areas.first().cloned();
        let parent = root.unwrap_or_else(|| Area::root(AreaKind::Township, "T01", self.town.township, self.now));
        self.part(&parent, AreaKind::Community, &code, &block.community_name)
    }

    fn part(&mut self, parent: &Area, kind: AreaKind, code: &str, name: &str) -> Area {
        let area = parent.part(kind, code, name, self.now);
        self.areas.push(area.clone());
        area
    }

    fn person(&mut self, name: &str, role: Role, area: &Area) -> StaffMember {
        let user = User {
            id: Id::new(self.now),
            name: name.to_owned(),
            display_name: self.names.next(),
            household_id: None,
            disabled_at: None,
        };
        (user, role, area.id.clone())
    }

    fn move_in(&mut self, block: &town::Block, path: &[&Area; 3], keepers: (usize, usize)) {
        let [community, grid, building] = path;
        for (door, people) in (0i64..).zip(block.family_sizes()) {
            let (stairwell, room) = block.door(door);
            let head_name = self.names.next();
            self.households.push(Household {
                id: Id::known(self.names.household_id()),
                code: format!("{}-{}-{}-{stairwell}-{room}", community.code, grid.code, building.code),
                building_id: building.id.clone(),
                stairwell: Some(stairwell.to_string()),
                room: room.to_string(),
                head_initials: household::initials(&head_name),
                head_name,
                people,
                registered_at: self.now,
            });
            self.keepers.push(keepers);
        }
    }

    fn residents(&self, staff: &[StaffMember]) -> Vec<Resident> {
        let pairs = self.households.iter().zip(&self.keepers);
        pairs
            .filter_map(|(household, (head, worker))| {
                Some(Resident {
                    household: household.clone(),
                    building_head: staff.get(*head)?.0.id.clone(),
                    grid_worker: staff.get(*worker)?.0.clone(),
                    card: String::new(),
                })
            })
            .collect()
    }
}

/// The users of the demo whose names are on the sign-in line. They hold their duties for the whole town.
struct DemoStaff {
    administrator: Id<User>,
    building_head: Id<User>,
    shopkeeper: Id<User>,
    stock: Id<User>,
    council_member: Id<User>,
}

fn add_staff(conn: &mut Conn, root: &Area, hash: &PasswordHash, now: Moment) -> Result<DemoStaff> {
    let people = [
        ("admin", "何敏", Role::Administrator),
        ("grid", "陈秀英", Role::GridWorker),
        ("building", "赵桂芳", Role::BuildingHead),
        ("shop", "李秀兰", Role::StoreManager),
        ("stock", "杨文军", Role::StoreSupervisor),
        ("council", council::CHAIR, Role::CouncilMember),
        ("auditor", "孙立平", Role::Auditor),
        // Some things need two administrators, and a panel needs people who had no part.
        ("deputy", "周敬民", Role::Administrator),
    ];
    let mut added = Vec::new();
    for (name, display_name, role) in people {
        let user = User {
            id: Id::new(now),
            name: name.to_owned(),
            display_name: display_name.to_owned(),
            household_id: None,
            disabled_at: None,
        };
        user::add(conn, &user, hash, &Duties(vec![(role, root.id.clone())]), now)?;
        added.push(user);
    }
    let mut added = added.into_iter();
    let mut next = || added.next().ok_or(Error::NotFound);
    let (administrator, _grid_worker) = (next()?, next()?);
    Ok(DemoStaff {
        administrator: administrator.id,
        building_head: next()?.id,
        shopkeeper: next()?.id,
        stock: next()?.id,
        council_member: next()?.id,
    })
}

/// Who keeps the partner's shop.
fn add_partner_keeper(conn: &mut Conn, area: &Id<Area>, hash: &PasswordHash, now: Moment) -> Result<Id<User>> {
    let user = User {
        id: Id::new(now),
        name: "partner".to_owned(),
        display_name: "吴桂香".to_owned(),
        household_id: None,
        disabled_at: None,
    };
    let duties = Duties(vec![(Role::PartnerKeeper, area.clone())]);
    user::add(conn, &user, hash, &duties, now)?;
    Ok(user.id)
}

/// One more lot of everything, enough for the town for two months.
pub(crate) fn fill_shelves(conn: &mut Conn, town: &Setting, day: Day) -> Result<()> {
    let share = i64::try_from(town.households.len()).unwrap_or(0) / 8;
    for item in &town.goods {
        let shelf_life = item.shelf_life_days.and_then(|days| u64::try_from(days).ok());
        let asked = Receive {
            store: town.store.clone(),
            goods: item.clone(),
            quantity: share.saturating_add(20),
            expires_on: shelf_life.map(|days| days_after(day, days)),
            funding: Funding::Collective,
            cost_fen: item.cost_fen,
            by: town.stock_keeper.clone(),
            key: format!("demo-lot-{}-{day}", item.sku),
        };
        stock::receive(conn, &asked, begin_of(day))?;
    }
    Ok(())
}

/// Cards at a time: the progress bar moves, and the server could already answer.
const CARDS_AT_A_TIME: usize = 500;

async fn enrol(db: &Db, setting: &Setting, day: Day, progress: &Progress) -> Result<Vec<Resident>> {
    let total = u64::try_from(setting.households.len()).unwrap_or(0);
    let mut with_cards = Vec::with_capacity(setting.households.len());
    for group in setting.households.chunks(CARDS_AT_A_TIME) {
        let (mut group, programme) = (group.to_vec(), setting.programme.clone());
        let by = setting.administrator.clone();
        let issued = db
            .write(move |conn| {
                for (place, resident) in group.iter_mut().enumerate() {
                    if place % 3 == 1 {
                        let agreed = [Purpose::HonourBoard, Purpose::Broadcast];
                        consent::decide(conn, &resident.household.id, &agreed, by.as_str(), begin_of(day))?;
                    }
                    let asked = first_card(&resident.household, &by);
                    resident.card = card::issue(conn, &programme, &asked, begin_of(day))?.token();
                }
                Ok(group)
            })
            .await?;
        with_cards.extend(issued);
        progress(u64::try_from(with_cards.len()).unwrap_or(0), total, "制卡");
    }
    Ok(with_cards)
}
