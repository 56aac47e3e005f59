//! The application: what handlers share, and what they may ask of a request.
//!
//! A handler names in its signature what it needs: a [`Visitor`] (anyone), [`Staff`] (signed in and let in by the guard),
//! a [`Resident`] (a household at its own pages), and in `sent.rs` what the request sent.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

use crate::access::attempts::{Attempts, Filings};
use crate::access::role::{Duties, Permission, Reach};
use crate::access::session::{self, Recognised, Secret};
use crate::access::user::{self, User};
use crate::boards::picture;
use crate::boards::script::Rate;
use crate::boards::speech::Voice;
use crate::clock::{Clock, Moment};
use crate::council::{clockwork, evidence};
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::honours;
use crate::id::Id;
use crate::ledger::hold;
use crate::page::Shell;
use crate::places::area::{Area, Tree};
use crate::places::household::{self, Household};
use crate::places::programme::{self, Contact, Programme};
use crate::print::Printer;
use crate::print::thread::PressThread;
use crate::recall::Recall;
use crate::retention;
use crate::shop::shift::{self, Shift};
use crate::shop::store::{self, PointsStore};

/// What handlers share.
#[derive(Clone)]
pub struct App {
    /// The programme's database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// The folder of what people bring as proof.
    pub files: Files,
    /// The printing press.
    pub printer: Printer,
    /// The speech engine, if this machine has one.
    pub voice: Voice,
    ledger_years: u32,
    shared: Arc<Shared>,
}

struct Shared {
    /// May visitors move time?
    is_demo: bool,
    programme: Mutex<Option<Programme>>,
    /// The word that the first-run page asks for: printed where the server was started.
    setup_code: String,
    stores: Recall<(Duties, Permission), Id<PointsStore>>,
    shifts: Recall<(Id<User>, Duties), Shift>,
    holders: Recall<String, Recognised>,
    sign_ins: Attempts,
    filings: Filings,
    reports: Attempts,
    pins: Attempts,
    looks: Attempts,
    /// Password hashing takes a core for a while; this many at a time.
    hashing: tokio::sync::Semaphore,
    /// One paper is set at a time.
    press: PressThread,
    /// One recording is made at a time.
    speech: tokio::sync::Semaphore,
    /// One job of many papers runs at a time.
    jobs: tokio::sync::Mutex<()>,
    /// A job's files are written or thrown away, and that is noted, by one at a time.
    job_files: tokio::sync::Mutex<()>,
}

/// How long a deadline may have passed before somebody looks.
const DUE_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

impl App {
    /// An application over a database that was migrated.
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> App {
        App::over(db, clock, false)
    }

    /// An application whose visitors may move time, which shows that on every page: the demo.
    #[must_use]
    pub fn demo(db: Db, clock: Clock) -> App {
        App::over(db, clock, true)
    }

    fn over(db: Db, clock: Clock, is_demo: bool) -> App {
        let setup_code = Secret::new().reveal().chars().take(8).collect();
        let files = Files::beside(db.location());
        App {
            printer: Printer::with_folder(files.sibling("printables")),
            files,
            voice: Voice::default(),
            ledger_years: retention::schedule::LEDGER_YEARS,
            db,
            clock,
            shared: Arc::new(Shared {
                is_demo,
                programme: Mutex::default(),
                setup_code,
                stores: Recall::new(),
                shifts: Recall::new(),
                holders: Recall::new(),
                sign_ins: Attempts::new(),
                filings: Filings::new(),
                reports: Attempts::of_reports(),
                pins: Attempts::of_pins(),
                looks: Attempts::of_residents(),
                hashing: tokio::sync::Semaphore::new(2),
                press: PressThread::default(),
                speech: tokio::sync::Semaphore::new(1),
                jobs: tokio::sync::Mutex::new(()),
                job_files: tokio::sync::Mutex::new(()),
            }),
        }
    }

    /// The same application with its files in another folder.
    #[must_use]
    pub fn with_files(self, files: Files) -> App {
        let printer = Printer::with_folder(files.sibling("printables"));
        App { files, printer, ..self }
    }

    /// The same application with another press.
    #[must_use]
    pub fn with_printer(self, printer: Printer) -> App {
        App { printer, ..self }
    }

    /// The same application with a speech engine.
    #[must_use]
    pub fn with_voice(self, voice: Voice) -> App {
        App { voice, ..self }
    }

    /// The same application, which keeps books with names for another number of years.
    #[must_use]
    pub fn with_ledger_years(self, ledger_years: u32) -> App {
        App { ledger_years, ..self }
    }

    /// For how many years after it left a household's books keep its name.
    #[must_use]
    pub fn ledger_years(&self) -> u32 {
        self.ledger_years
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// May visitors move time?
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.shared.is_demo
    }

    /// Does what is due by now. Whatever has a deadline is done here, so that it is done without anybody asking.
    ///
    /// # Errors
    /// Only when the database or the disk fails.
    pub async fn run_due(&self) -> Result<()> {
        // Files with cards' secrets go whatever else cannot be done.
        let cleared = self.discard_old_jobs().await;
        self.run_clockworks().await.and(cleared)
    }

    async fn run_clockworks(&self) -> Result<()> {
        let now = self.now();
        let done = self.db.write(move |conn| clockwork::run(conn, now)).await?;
        if !done.is_nothing() {
            tracing::info!("done what was due: {done:?}");
        }
        let titles = self.db.write(move |conn| honours::clockwork::run(conn, now)).await?;
        if !titles.is_nothing() {
            tracing::info!("done what was due of titles: {titles:?}");
        }
        let files = self.files.clone();
        let deleted = self
            .db
            .write(move |conn| evidence::delete_due(conn, &files, now))
            .await?;
        if deleted > 0 {
            tracing::info!(deleted, "photographs whose time was over");
        }
        let files = self.files.clone();
        let deleted = self
            .db
            .write(move |conn| picture::over::delete_due(conn, &files, now))
            .await?;
        if deleted > 0 {
            tracing::info!(deleted, "photographs on the board whose time was over");
        }
        let gone = self.db.write(move |conn| retention::clockwork::run(conn, now)).await?;
        if gone > 0 {
            tracing::info!(gone, "rows whose time was over");
        }
        Ok(())
    }

    /// Does what is due, now and every minute, until it is dropped. What fails is logged and tried again.
    pub async fn keep_running_due(self) {
        loop {
            if let Err(error) = self.run_due().await {
                tracing::error!("what is due could not be done: {error}");
            }
            tokio::time::sleep(DUE_EVERY).await;
        }
    }

    /// The word that the first-run page asks for.
    #[must_use]
    pub fn setup_code(&self) -> &str {
        &self.shared.setup_code
    }

    /// The programme, or `None` while the database is empty.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn programme(&self) -> Result<Option<Programme>> {
        if let Some(programme) = self.known_programme().clone() {
            return Ok(Some(programme));
        }
        let found = self.db.read(programme::find).await?;
        let mut known = self.known_programme();
        // Somebody may have changed it meanwhile: what is known is never older than what was found.
        if known.is_none() {
            known.clone_from(&found);
        }
        Ok(known.clone())
    }

    /// Changes what papers say of the office.
    ///
    /// # Errors
    /// As [`programme::change`].
    pub async fn change_programme(&self, contact: Contact, by: Id<User>) -> Result<()> {
        let now = self.now();
        let changed = self
            .db
            .write(move |conn| {
                programme::change(conn, &contact, by.as_str(), now)?;
                programme::get(conn)
            })
            .await?;
        *self.known_programme() = Some(changed);
        Ok(())
    }

    fn known_programme(&self) -> MutexGuard<'_, Option<Programme>> {
        // What another thread left behind is a whole programme, or none.
        self.shared.programme.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store in which these duties hold a permission.
    ///
    /// # Errors
    /// `Forbidden` when there is none.
    pub async fn store_of(&self, duties: &Duties, permission: Permission) -> Result<Id<PointsStore>> {
        let (question, writes, now) = ((duties.clone(), permission), self.db.writes(), self.now());
        if let Some(store) = self.shared.stores.get(&question, writes, now) {
            return Ok(store);
        }
        let duties = duties.clone();
        let store = self
            .db
            .read(move |conn| store::of_duties(conn, &duties, permission))
            .await?;
        self.shared.stores.keep(question, writes, now, store.id.clone());
        Ok(store.id)
    }

    /// The shift in which a person works.
    ///
    /// # Errors
    /// `no_open_shift`, `shift_left_open`.
    pub async fn shift_of(&self, staff: &Staff) -> Result<Shift> {
        let (question, writes, now) = (
            (staff.user.id.clone(), staff.duties.clone()),
            self.db.writes(),
            self.now(),
        );
        if let Some(shift) = self.shared.shifts.get(&question, writes, now) {
            return Ok(shift);
        }
        let (person, duties) = question.clone();
        let shift = self
            .db
            .read(move |conn| shift::at_work(conn, &person, &duties, now))
            .await?;
        self.shared.shifts.keep(question, writes, now, shift.clone());
        Ok(shift)
    }

    /// When something was refused because tills keep a household's points for an hour without network, they are asked to let
    /// them go, so that the next try goes through.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn ask_back(&self, refused: &Error) -> Result<()> {
        let Error::Refused(refusal) = refused else {
            return Ok(());
        };
        let Some(owner) = refusal.held_owner().map(str::to_owned) else {
            return Ok(());
        };
        let now = self.now();
        self.db.write(move |conn| hold::recall(conn, &owner, None, now)).await
    }

    /// Who a token of the API acts as.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn holder(&self, token: &Secret) -> Result<Option<Recognised>> {
        let (digest, writes, now) = (token.digest(), self.db.writes(), self.now());
        if let Some(known) = self.shared.holders.get(&digest, writes, now) {
            return Ok(Some(known));
        }
        let looked_up = digest.clone();
        let found = self
            .db
            .read(move |conn| session::recognise_token(conn, &looked_up))
            .await?;
        if let Some(holder) = &found {
            self.shared.holders.keep(digest, writes, now, holder.clone());
        }
        Ok(found)
    }

    /// Who tried to sign in, and how often.
    #[must_use]
    pub fn sign_ins(&self) -> &Attempts {
        &self.shared.sign_ins
    }

    /// Who this name and password belong to. Whoever guesses has to wait.
    ///
    /// # Errors
    /// `Forbidden` with what is wrong, for people.
    pub async fn person_of(&self, name: &str, password: String, sender: Sender) -> Result<User> {
        let name = name.trim().to_owned();
        let Some(attempt) = self.sign_ins().begin(&name, sender.0, self.now()) else {
            return Err(Error::Forbidden("试的次数太多，请过一分钟再试。"));
        };
        let found = self.db.read(move |conn| user::credentials(conn, &name)).await?;
        let recognised = self.slowly(move || user::verify(found, &password)).await?;
        let Some(user) = recognised else {
            return Err(Error::Forbidden("用户名或口令不对，请检查大小写后再试。"));
        };
        self.sign_ins().succeeded(&attempt);
        Ok(user)
    }

    /// Tries of PINs, by household.
    #[must_use]
    pub fn pins(&self) -> &Attempts {
        &self.shared.pins
    }

    /// Who wants to look at a household's points, counted by address; by card they are counted in `resident`.
    #[must_use]
    pub fn looks(&self) -> &Attempts {
        &self.shared.looks
    }

    /// Refuses what strangers send in when too much came from one address.
    ///
    /// # Errors
    /// `Forbidden`, with what to do instead.
    pub fn expect_few_filings(&self, sender: Sender) -> Result<()> {
        match self.shared.filings.may_send(sender.0, self.now()) {
            true => Ok(()),
            false => Err(Error::Forbidden(
                "提交的次数太多，请过一会儿再试，或打电话、到办公室提出。",
            )),
        }
    }

    /// Refuses to look up numbers of receipts that somebody tries out; the staff look up as many as they need.
    ///
    /// # Errors
    /// `Forbidden`, with what to do instead.
    pub fn expect_few_look_ups(&self, visitor: &Visitor, sender: Sender) -> Result<()> {
        match visitor.person().is_some() || self.shared.filings.may_look_up(sender.0, self.now()) {
            true => Ok(()),
            false => Err(Error::Forbidden("查的次数太多，请过一会儿再试，或打电话问办公室。")),
        }
    }

    /// The reports of good deeds that came in through cards.
    #[must_use]
    pub fn reports(&self) -> &Attempts {
        &self.shared.reports
    }

    pub(crate) async fn job_turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.shared.jobs.lock().await
    }

    pub(crate) async fn job_files_turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.shared.job_files.lock().await
    }

    pub(crate) fn press_thread(&self) -> &PressThread {
        &self.shared.press
    }

    /// Has the speech engine read something aloud, one text after the other.
    ///
    /// # Errors
    /// As [`Voice::speak`]; `Internal` when the server is stopping.
    pub async fn speak(&self, text: String, rate: Rate) -> Result<Vec<u8>> {
        let _turn = self.shared.speech.acquire().await.map_err(Error::internal)?;
        let voice = self.voice.clone();
        tokio::task::spawn_blocking(move || voice.speak(&text, rate))
            .await
            .map_err(Error::internal)?
    }

    /// Runs something that takes a core for a while, two at a time.
    ///
    /// # Errors
    /// `Internal` when the server is stopping.
    pub async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _turn = self.shared.hashing.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// The visitor of this request, recognised by the guard.
#[derive(Clone)]
pub struct Visitor {
    pub(crate) person: Option<Recognised>,
    pub(crate) household: Option<Household>,
    /// What the layout shows.
    pub shell: Shell,
    /// The digest of the session, to sign out.
    pub session: Option<String>,
}

impl Visitor {
    /// Who is signed in.
    #[must_use]
    pub fn person(&self) -> Option<&Recognised> {
        self.person.as_ref()
    }

    /// Is this permitted to the visitor anywhere?
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.person
            .as_ref()
            .is_some_and(|person| person.duties.permit(permission))
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Visitor> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        visitor.ok_or_else(|| Error::internal("a handler without a guard"))
    }
}

/// A visitor who is signed in and was let in by the guard.
#[derive(Clone)]
pub struct Staff {
    /// The account.
    pub user: User,
    /// The duties.
    pub duties: Duties,
    /// What the layout shows.
    pub shell: Shell,
}

impl Staff {
    /// Where a permission holds for this person.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn reach(&self, conn: &mut Conn, permission: Permission) -> Result<Reach> {
        let tree = Tree::load(conn)?;
        Ok(self.duties.reach(permission, &tree))
    }

    /// Refuses what lies outside the person's area, as if it did not exist.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn expect_within(&self, conn: &mut Conn, permission: Permission, building: &Id<Area>) -> Result<()> {
        match self.reach(conn, permission)?.covers(building) {
            true => Ok(()),
            false => Err(Error::NotFound),
        }
    }

    /// The households that a permission reaches for this person; `None` for all of them.
    ///
    /// # Errors
    /// Only when the database fails.
    pub fn households(&self, conn: &mut Conn, permission: Permission) -> Result<Option<Vec<Id<Household>>>> {
        match self.reach(conn, permission)?.buildings() {
            None => Ok(None),
            Some(buildings) => household::ids_in(conn, &buildings).map(Some),
        }
    }
}

/// From which address a request came, as the server sees it.
#[derive(Clone, Copy, Debug)]
pub struct Sender(Option<IpAddr>);

impl Sender {
    /// The address; `None` where requests come without one, as in tests.
    #[must_use]
    pub fn address(self) -> Option<IpAddr> {
        self.0
    }
}

impl FromRequestParts<App> for Sender {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Sender> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Sender(info.map(|ConnectInfo(address)| address.ip())))
    }
}

impl FromRequestParts<App> for Staff {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Staff> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let person = visitor
            .person
            .ok_or_else(|| Error::internal("a staff handler behind an open door"))?;
        Ok(Staff {
            user: person.user,
            duties: person.duties,
            shell: visitor.shell,
        })
    }
}

/// A household that signed in with its card and PIN and was let in by the guard: the only one whose data its pages show.
#[derive(Clone)]
pub struct Resident {
    /// The household.
    pub household: Household,
    /// What the layout shows.
    pub shell: Shell,
    /// The digest of the session, to sign out.
    pub session: Option<String>,
}

impl FromRequestParts<App> for Resident {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Resident> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let household = visitor
            .household
            .ok_or_else(|| Error::internal("a household's handler behind another door"))?;
        Ok(Resident {
            household,
            shell: visitor.shell,
            session: visitor.session,
        })
    }
}
