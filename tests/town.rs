//! The fixture town: named households and staff, fresh for each test, on either database.
//!
//! A test is written once with `on_both!` and runs on SQLite (a file in a folder of its own) and on PostgreSQL (a schema of
//! its own in the cluster of `JISHAN_TEST_POSTGRES`, which `bin/test` starts). A missing cluster fails; nothing is skipped.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::NaiveDate;
use jishan::access::role::{Duties, Role};
use jishan::access::session as sign_in;
use jishan::access::user::{self, PasswordHash, User};
use jishan::app::App;
use jishan::boards::speech::Voice;
use jishan::cards::card::{self, Issue, Issued};
use jishan::cards::pin::{self, PinHash};
use jishan::clock::{Clock, Day, Moment, day_of};
use jishan::council::budget::{self, SetBudget};
use jishan::council::member::{self, Appoint};
use jishan::council::motion::{self, Choice};
use jishan::council::nomination::{self, Decision, Nominate, Nominator, Verify};
use jishan::council::session::{self, BallotForm, Convene};
use jishan::council::{award, notice};
use jishan::db::{Conn, Db, Location, migrate};
use jishan::error::Result;
use jishan::files::Files;
use jishan::id::Id;
use jishan::ledger::account::{AccountKind, PROGRAMME};
use jishan::ledger::transaction::{Books, Posting, TransactionKind};
use jishan::money::Fen;
use jishan::places::area::{self, Area, AreaKind};
use jishan::places::household::{self, Household};
use jishan::places::programme::{self, NewProgramme};
use jishan::points::Points;
use jishan::scheme::version;
use jishan::shop::goods::{self, GoodsItem};
use jishan::shop::redemption::{self, Pickup, Redeem, Redeemed, Wanted};
use jishan::shop::shift::{self, Closing, Shift};
use jishan::shop::stock::{self, Funding, Receive};
use jishan::shop::store::{self, PointsStore};
use jishan::shop::till;
use jishan::{books, routes};

/// The password of everybody in the town.
pub const PASSWORD: &str = "correct horse";

/// The PIN of every household that has one.
pub const PIN: &str = "2580";

/// Staff of the town: sign-in name, role, and the area it is held for.
pub const STAFF: [(&str, Role, Where); 8] = [
    ("admin", Role::Administrator, Where::Town),
    ("grid", Role::GridWorker, Where::Town),
    ("building", Role::BuildingHead, Where::FirstBuilding),
    ("shop", Role::StoreManager, Where::Town),
    ("stock", Role::StoreSupervisor, Where::Town),
    ("council", Role::CouncilMember, Where::Town),
    ("auditor", Role::Auditor, Where::Town),
    // A grid worker of the other building, to try the borders of an area.
    ("far-grid", Role::GridWorker, Where::SecondBuilding),
];

/// Where a role is held.
#[derive(Clone, Copy)]
pub enum Where {
    Town,
    FirstBuilding,
    SecondBuilding,
}

/// The town's households: code, head, and in which of the two buildings.
pub const HOUSEHOLDS: [(&str, &str, usize); 4] = [
    ("C01-G01-B001-1-101", "王建国", 0),
    ("C01-G01-B001-1-102", "李玉山", 0),
    ("C01-G01-B001-2-101", "𠮷永安", 0),
    ("C01-G02-B002-1-101", "㛃小梅", 1),
];
/// The household that most tests are about.
pub const WANG: &str = HOUSEHOLDS[0].0;
/// Another one in the same building.
pub const LI: &str = HOUSEHOLDS[1].0;
/// One in the other building.
pub const FAR: &str = HOUSEHOLDS[3].0;

/// Goods: short code, barcode, name, points, monthly limit.
pub const GOODS: [(&str, &str, &str, i64, Option<i64>); 4] = [
    ("G006", "6900000001066", "肥皂", 5, Some(4)),
    ("G013", "6900000001134", "大米5kg", 30, Some(2)),
    ("G001", "6900000001011", "抽纸", 8, None),
    ("G039", "6900000001394", "蔬菜种子", 1, None),
];

/// A fresh town.
pub struct Town {
    pub app: App,
    pub location: Location,
    /// Kept until the test ends.
    _folders: (Option<tempfile::TempDir>, tempfile::TempDir),
}

/// Which database a test runs on.
#[derive(Clone, Copy, Debug)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// Runs a test's story on a database, in a fresh town.
pub fn run<F: Future<Output = ()>>(database: Database, story: impl FnOnce(Town) -> F) {
    runtime().block_on(async { story(Town::founded(database).await).await });
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Writes a test once and runs it on both databases.
macro_rules! on_both {
    ($(#[$meta:meta])* async fn $name:ident($town:ident: Town) $story:block) => {
        mod $name {
            use super::*;
            async fn story($town: Town) $story
            $(#[$meta])* #[test]
            fn on_sqlite() {
                $crate::town::run($crate::town::Database::Sqlite, story);
            }
            $(#[$meta])* #[test]
            fn on_postgres() {
                $crate::town::run($crate::town::Database::Postgres, story);
            }
        }
    };
}
pub(crate) use on_both;

static SCHEMAS: AtomicU32 = AtomicU32::new(1);

/// The cluster that `bin/test` started.
pub fn cluster() -> String {
    std::env::var("JISHAN_TEST_POSTGRES")
        .expect("JISHAN_TEST_POSTGRES names the cluster that bin/test starts; run the tests with bin/test")
}

/// A place for a programme of its own.
pub fn fresh_location(database: Database) -> (Location, Option<tempfile::TempDir>) {
    match database {
        Database::Sqlite => {
            let folder = tempfile::tempdir().unwrap();
            (Location::Sqlite(folder.path().join("programme.sqlite")), Some(folder))
        }
        Database::Postgres => {
            let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
            let schema = format!("t{}_{number}", std::process::id());
            (Location::Postgres { url: cluster(), schema }, None)
        }
    }
}

/// Ten in the morning of Saturday, 21 November 2026, in China.
pub fn morning() -> Moment {
    today().and_hms_opt(2, 0, 0).unwrap()
}

pub fn today() -> Day {
    NaiveDate::from_ymd_opt(2026, 11, 21).unwrap()
}

fn password() -> &'static PasswordHash {
    static HASH: OnceLock<PasswordHash> = OnceLock::new();
    HASH.get_or_init(|| PasswordHash::of(PASSWORD).unwrap())
}

impl Town {
    /// An empty database, as on the first day.
    pub async fn empty(database: Database) -> Town {
        let (location, folder) = fresh_location(database);
        let proofs = tempfile::tempdir().unwrap();
        migrate::run(&location, morning()).unwrap();
        Town {
            app: App::new(Db::open(&location).unwrap(), Clock::standing(morning()))
                .with_files(Files::in_folder(&proofs.path().join("files"))),
            location,
            _folders: (folder, proofs),
        }
    }

    /// A town with people, rules, goods and stock, and no points yet.
    pub async fn founded(database: Database) -> Town {
        let town = Town::empty(database).await;
        let hash = password().clone();
        town.app.db.write(move |conn| found(conn, &hash)).await.unwrap();
        town
    }

    /// The same town as a demo, whose visitors may move time.
    pub fn into_demo(self, clock: Clock) -> Town {
        let app = App::demo(self.app.db.clone(), clock);
        Town { app, ..self }
    }

    /// The same town on a machine with a speech engine.
    pub fn with_voice(self, voice: Voice) -> Town {
        let app = self.app.clone().with_voice(voice);
        Town { app, ..self }
    }

    /// The whole house with all its doors.
    pub fn router(&self) -> axum::Router {
        routes::router(self.app.clone())
    }

    pub async fn read<T: Send + 'static>(&self, look: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static) -> T {
        self.app.db.read(look).await.unwrap()
    }

    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.app.db.write(work).await
    }

    pub async fn household(&self, code: &'static str) -> Household {
        self.read(move |conn| household::by_code(conn, code)).await
    }

    pub async fn user(&self, name: &'static str) -> User {
        self.read(move |conn| Ok(user::by_name(conn, name)?.unwrap())).await
    }

    pub async fn store(&self) -> Id<PointsStore> {
        self.read(|conn| Ok(store::all(conn)?.remove(0).id)).await
    }

    /// A bearer token for the API.
    pub async fn token(&self, name: &'static str) -> String {
        let (user, now) = (self.user(name).await, self.app.now());
        let secret = self
            .write(move |conn| sign_in::create_token(conn, &user.id, now))
            .await
            .unwrap();
        secret.reveal().to_owned()
    }

    /// Points out of nothing, for tests that are not about how points are earned. Not a rule of the product: it posts as an
    /// award whose nomination does not exist, so `expect_books_hold` is not for such a town.
    pub async fn give(&self, code: &'static str, points: i64) {
        self.give_until(code, points, None).await;
    }

    /// The same with a last day.
    pub async fn give_until(&self, code: &'static str, points: i64, until: impl Into<Option<Day>>) {
        let sides = (AccountKind::Issuance, AccountKind::Spendable);
        self.post_gift(code, points, until.into(), sides).await;
    }

    /// Honour out of nothing.
    pub async fn give_honour(&self, code: &'static str, points: i64) {
        let sides = (AccountKind::Recognition, AccountKind::Honour);
        self.post_gift(code, points, None, sides).await;
    }

    async fn post_gift(
        &self,
        code: &'static str,
        points: i64,
        until: Option<Day>,
        (from, to): (AccountKind, AccountKind),
    ) {
        let household = self.household(code).await;
        let now = self.app.now();
        self.write(move |conn| {
            let source = format!("gift:{}", Id::<Household>::new(now));
            post_gift(conn, household.id.as_str(), points, until, (from, to), source, now)
        })
        .await
        .unwrap();
    }

    /// Proves the ledger, and that the counter and the shelf agree with it.
    pub async fn expect_counter_holds(&self) {
        let ledger = self
            .read(|conn| jishan::ledger::check::check(conn, &mut |_, _| {}))
            .await;
        let shop = self.read(jishan::shop::check::check).await;
        for verdict in [ledger.map(|_| ()), shop] {
            if let Err(broken) = verdict {
                panic!("the books are broken: {}", broken.0);
            }
        }
    }

    /// Proves the ledger, and that the reminder notes agree with it.
    pub async fn expect_reminders_hold(&self) {
        let ledger = self
            .read(|conn| jishan::ledger::check::check(conn, &mut |_, _| {}))
            .await;
        let notes = self.read(jishan::council::reminder::check::check).await;
        for verdict in [ledger.map(|_| ()), notes] {
            if let Err(broken) = verdict {
                panic!("the books are broken: {}", broken.0);
            }
        }
    }

    /// Earns points by the rules, all the way: bravery recognised by the authorities is 30 points a count, 60 a year. It
    /// began five days ago, so that the public notice ends now.
    pub async fn earn(&self, code: &'static str, item: &'static str, count: i64) {
        self.promise(code, item, count).await;
        let now = self.app.now();
        self.write(move |conn| award::post_due(conn, now)).await.unwrap();
    }

    /// The same as far as the public notice: the points are promised, and not yet posted.
    pub async fn promise(&self, code: &'static str, item: &'static str, count: i64) {
        let household = self.household(code).await;
        let (building, grid) = (self.user("building").await, self.user("grid").await);
        let secretary = self.user("admin").await;
        let now = self.app.now();
        let then = now - chrono::TimeDelta::days(5);
        self.write(move |conn| {
            let asked = Nominate {
                household: household.id,
                item: item.to_owned(),
                count,
                occurred_on: day_of(then),
                note: "帮邻居".to_owned(),
                by: Nominator::Staff(building.id),
                key: fresh_key(now),
            };
            let nomination = nomination::nominate(conn, &asked, then)?;
            let verify = Verify {
                nomination: nomination.id,
                decision: Decision::Approve,
                reason: String::new(),
                by: grid,
                key: fresh_key(now),
            };
            nomination::verify(conn, &verify, then)?;
            hold_session(conn, &secretary, Choice::For, then).map(|_| ())
        })
        .await
        .unwrap();
    }

    /// The council approves everything that is verified, and the public notice has run: it all posts now. For tests that are
    /// not about the way there, the session was five days ago.
    pub async fn council_approves(&self) {
        let (secretary, now) = (self.user("admin").await, self.app.now());
        self.write(move |conn| {
            hold_session(conn, &secretary, Choice::For, now - chrono::TimeDelta::days(5))?;
            award::post_due(conn, now)
        })
        .await
        .unwrap();
    }

    /// Gives a household the town's PIN, unless it has one.
    pub async fn set_pin(&self, code: &'static str) {
        static HASH: OnceLock<PinHash> = OnceLock::new();
        let (household, admin, now) = (
            self.household(code).await.id,
            self.user("admin").await.id,
            self.app.now(),
        );
        self.write(move |conn| match pin::of(conn, &household)? {
            Some(_) => Ok(()),
            None => {
                let hash = HASH.get_or_init(|| PinHash::of(PIN).unwrap());
                pin::set(conn, &household, hash, &admin, now)
            }
        })
        .await
        .unwrap();
    }

    pub async fn issue_card(&self, code: &'static str) -> Issued {
        let (household, admin) = (self.household(code).await, self.user("admin").await);
        let now = self.app.now();
        self.write(move |conn| {
            let programme = programme::get(conn)?;
            let asked = Issue {
                household: household.id,
                reason: "首次制卡".to_owned(),
                by: admin.id,
                key: Id::<Household>::new(now).to_string(),
            };
            card::issue(conn, &programme, &asked, now)
        })
        .await
        .unwrap()
    }

    /// Redeems at the counter, as `shop`.
    pub async fn redeem(&self, key: &str, card: &str, lines: &[(&str, i64)]) -> Result<Redeemed> {
        let wanted: Vec<Wanted> = lines
            .iter()
            .map(|(sku, quantity)| Wanted {
                sku: (*sku).to_owned(),
                quantity: *quantity,
            })
            .collect();
        let shift = self.at_the_till("shop").await;
        let asked = Redeem::new(key, card, &wanted, Pickup::Household, &shift, self.app.now())?;
        self.app.db.write_together(asked, redemption::redeem_all).await
    }

    /// Somebody's shift of today at the first till.
    pub async fn at_the_till(&self, name: &'static str) -> Shift {
        let store = self.store().await;
        self.at_the_till_of(name, &store).await
    }

    /// Somebody's shift of today at the first till of a store, opened if need be; what stands in its way is closed first.
    pub async fn at_the_till_of(&self, name: &'static str, store: &Id<PointsStore>) -> Shift {
        self.at_the_till_at(name, store, self.app.now()).await
    }

    /// The same at a moment, for a server whose clock is not the fixture's.
    pub async fn at_the_till_at(&self, name: &'static str, store: &Id<PointsStore>, now: Moment) -> Shift {
        let (user, store) = (self.user(name).await, store.clone());
        self.write(move |conn| open_shift(conn, &user.id, &store, now))
            .await
            .unwrap()
    }

    pub async fn spendable(&self, code: &'static str) -> i64 {
        let household = self.household(code).await;
        self.read(move |conn| Ok(jishan::ledger::balance::of(conn, household.id.as_str())?.spendable.0))
            .await
    }

    /// Proves every law over the whole book.
    pub async fn expect_books_hold(&self) {
        let verdict = self.read(|conn| books::check(conn, &mut |_, _| {})).await;
        if let Err(broken) = verdict {
            panic!("the books are broken: {}", broken.0);
        }
    }
}

/// Points out of nothing at a moment.
pub fn give_points(conn: &mut Conn, owner: &str, points: i64, source: String, now: Moment) -> Result<()> {
    let sides = (AccountKind::Issuance, AccountKind::Spendable);
    post_gift(conn, owner, points, None, sides, source, now)
}

fn post_gift(
    conn: &mut Conn,
    owner: &str,
    points: i64,
    until: Option<Day>,
    (from, to): (AccountKind, AccountKind),
    source: String,
    now: Moment,
) -> Result<()> {
    let mut books = Books::open(conn, [owner])?;
    books.post(Posting {
        kind: TransactionKind::Award,
        source,
        effective_on: day_of(now),
        recorded_at: now,
        posted_by: "test".to_owned(),
        reverses: None,
        entries: Posting::moving_until(until, Points(points), (PROGRAMME, from), (owner, to)),
    })?;
    books.save(conn)
}

/// A key that nobody used.
pub fn fresh_key(now: Moment) -> String {
    Id::<Household>::new(now).to_string()
}

/// The members of the town's council: name, and whose account.
pub const COUNCIL: [(&str, Option<&str>); 3] = [("刘德厚", Some("council")), ("周老师", None), ("吴大姐", None)];

/// A whole session on one day, everybody voting alike by hand, and its notice.
pub fn hold_session(conn: &mut Conn, secretary: &User, choice: Choice, at: Moment) -> Result<notice::Notice> {
    let area = area_of_council(conn)?;
    let asked = Convene {
        area: area.clone(),
        held_on: day_of(at),
        place: "社区议事厅".to_owned(),
        ballot: BallotForm::Open,
        by: secretary.id.clone(),
        key: fresh_key(at),
    };
    let convened = session::convene(conn, &asked, at)?;
    let members = member::sitting(conn, &area, day_of(at))?;
    let open = session::Open {
        session: convened.id.clone(),
        present: members.iter().map(|member| member.id.clone()).collect(),
        chair: members[0].id.clone(),
        by: secretary.id.clone(),
    };
    session::open(conn, &open, at)?;
    for one in motion::of_session(conn, &convened.id)? {
        let recused = motion::recusals(conn, &one.id)?;
        let voters = members.iter().filter(|member| !recused.contains_key(&member.id));
        let hands: Vec<_> = voters.map(|member| (member.id.clone(), choice)).collect();
        motion::record_hands(conn, &one.id, &hands, &secretary.id, at)?;
    }
    session::close(conn, &convened.id, "", &secretary.id, at)?;
    notice::publish(conn, &convened.id, &secretary.id, &fresh_key(at), at)
}

/// The area whose council the town has.
pub fn area_of_council(conn: &mut Conn) -> Result<Id<Area>> {
    Ok(member::all(conn)?[0].area_id.clone())
}

fn found(conn: &mut Conn, hash: &PasswordHash) -> Result<()> {
    let now = morning();
    let new = NewProgramme {
        name: "晨光安置区".to_owned(),
        address: "https://jifen.example.cn".to_owned(),
        office: "社区服务中心一楼".to_owned(),
        phone: "0000-0000000".to_owned(),
    };
    programme::found(conn, new, [7; 32], now)?;
    let root = Area::root(AreaKind::Township, "T01", "示范乡", now);
    let community = root.part(AreaKind::Community, "C01", "晨光社区", now);
    let grids = [1, 2].map(|n| community.part(AreaKind::Grid, &format!("G0{n}"), &format!("第{n}网格"), now));
    let buildings = [1, 2].map(|n| grids[n - 1].part(AreaKind::Building, &format!("B00{n}"), &format!("{n}号楼"), now));
    let [grid_1, grid_2] = grids;
    let all = [
        root.clone(),
        community,
        grid_1,
        grid_2,
        buildings[0].clone(),
        buildings[1].clone(),
    ];
    area::add(conn, &all)?;
    let households = HOUSEHOLDS.map(|(code, head, building)| Household {
        id: Id::new(now),
        code: code.to_owned(),
        building_id: buildings[building].id.clone(),
        stairwell: Some(code[13..14].to_owned()),
        room: code[15..].to_owned(),
        head_name: head.to_owned(),
        head_initials: household::initials(head),
        people: 4,
        registered_at: now,
    });
    household::register(conn, &households)?;
    for (name, role, place) in STAFF {
        let area = match place {
            Where::Town => &root,
            Where::FirstBuilding => &buildings[0],
            Where::SecondBuilding => &buildings[1],
        };
        let user = User {
            id: Id::new(now),
            name: name.to_owned(),
            display_name: format!("{}甲", role.label()),
            household_id: None,
            disabled_at: None,
        };
        user::add(conn, &user, hash, &Duties(vec![(role, area.id.clone())]), now)?;
    }
    let scheme = include_str!("../samples/scheme.json");
    version::load(conn, scheme, NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(), "test", now)?;
    seat_council(conn, &root, now)?;
    let store = PointsStore {
        id: Id::new(now),
        area_id: root.id,
        name: "晨光积分超市".to_owned(),
        opening_hours: "每周六 9:00—12:00".to_owned(),
    };
    store::add(conn, &store, now)?;
    let shop = user::by_name(conn, "shop")?.unwrap().id;
    open_shift(conn, &shop, &store.id, now)?;
    stock_shelves(conn, &store.id)
}

fn open_shift(conn: &mut Conn, person: &Id<User>, store: &Id<PointsStore>, now: Moment) -> Result<Shift> {
    let till = till::of_store(conn, store)?.remove(0);
    let own = shift::of_person(conn, person)?;
    if let Some(shift) = own
        .as_ref()
        .filter(|shift| shift.till_id == till.id && shift.day() == day_of(now))
    {
        return Ok(shift.clone());
    }
    let taken = shift::open_at(conn, &till.id)?.filter(|shift| shift.opened_by != *person);
    for shift in own.into_iter().chain(taken) {
        let closing = Closing {
            takeover_reason: "先走了".to_owned(),
            ..Closing::default()
        };
        shift::close(conn, &shift.id, &closing, person, now)?;
    }
    shift::open(conn, &till.id, "", person, now)
}

/// Three neighbours for the whole of last and this year, and a budget that is never reached.
fn seat_council(conn: &mut Conn, root: &Area, now: Moment) -> Result<()> {
    let admin = user::by_name(conn, "admin")?.unwrap().id;
    for (name, account) in COUNCIL {
        let user = match account {
            Some(account) => Some(user::by_name(conn, account)?.unwrap().id),
            None => None,
        };
        let asked = Appoint {
            area: root.id.clone(),
            name: name.to_owned(),
            user,
            household: None,
            appointed_on: NaiveDate::from_ymd_opt(2025, 1, 1).unwrap(),
            term_ends_on: NaiveDate::from_ymd_opt(2027, 12, 31).unwrap(),
            by: admin.clone(),
            key: fresh_key(now),
        };
        member::appoint(conn, &asked, now)?;
    }
    let asked = SetBudget {
        area: root.id.clone(),
        from_month: today(),
        points: Points(1_000_000),
        soft_percent: 80,
        reason: "居民代表会议决定".to_owned(),
        by: admin,
        key: fresh_key(now),
    };
    budget::set(conn, &asked, now)?;
    Ok(())
}

fn stock_shelves(conn: &mut Conn, store: &Id<PointsStore>) -> Result<()> {
    let now = morning();
    let goods = GOODS.map(|(sku, barcode, name, points, limit)| GoodsItem {
        id: Id::new(now),
        sku: sku.to_owned(),
        barcode: Some(barcode.to_owned()),
        name: name.to_owned(),
        unit: "件".to_owned(),
        category: "日用".to_owned(),
        price_points: Points(points),
        cost_fen: Fen(points * 80),
        monthly_limit: limit,
        shelf_life_days: None,
        withdrawn_at: None,
    });
    goods::add(conn, &goods)?;
    let stock_keeper = user::by_name(conn, "stock")?.unwrap().id;
    for item in goods {
        let asked = Receive {
            store: store.clone(),
            quantity: 100,
            expires_on: None,
            funding: Funding::Collective,
            cost_fen: item.cost_fen,
            by: stock_keeper.clone(),
            key: format!("first {}", item.sku).replace(' ', "-"),
            goods: item,
        };
        stock::receive(conn, &asked, now)?;
    }
    Ok(())
}

/// Some of everything on the shelf, once for each moment.
pub fn fill_shelf(conn: &mut Conn, store: &Id<PointsStore>, now: Moment) -> Result<()> {
    let by = user::by_name(conn, "stock")?.expect("a stock keeper").id;
    for (sku, ..) in GOODS {
        let asked = Receive {
            store: store.clone(),
            quantity: 20,
            expires_on: None,
            funding: Funding::Collective,
            cost_fen: Fen(100),
            by: by.clone(),
            key: format!("fill-{sku}-{}", now.and_utc().timestamp()),
            goods: goods::by_sku(conn, sku)?,
        };
        stock::receive(conn, &asked, now)?;
    }
    Ok(())
}
