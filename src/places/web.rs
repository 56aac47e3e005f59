//! Pages of places: finding a household, a household at a glance, importing a roster after a dry run, and the office.

use std::collections::HashSet;

use askama::Template;
use axum::extract::State;
use axum::extract::multipart::MultipartError;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::area::Tree;
use super::consent::{self, Purpose};
use super::household::{self, Household, Search};
use super::import::{self, Report};
use super::programme::{Contact, Programme};
use super::standing::{self, Standing};
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::cards::card::{self, Card};
use crate::cards::number::CardNumber;
use crate::clock::{self, Moment};
use crate::council::nomination::{self, Filter, Nomination};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::award::{self, TitleAward};
use crate::honours::title;
use crate::id::Id;
use crate::ledger::balance::{self, Balances};
use crate::ledger::lot;
use crate::page::{self, Problems, Shell};
use crate::points::Points;
use crate::scheme::item::{self, Item};
use crate::sent::{Multipart, Path, Query, STALE_FORM, SignedForm};
use crate::volunteering::minutes::Minutes;

#[derive(Template)]
#[template(path = "places/households.html")]
struct HouseholdsPage {
    shell: Shell,
    query: String,
    rows: Vec<HouseholdRow>,
    from_the_start: bool,
    next: Option<String>,
}

struct HouseholdRow {
    code: String,
    head: String,
    address: String,
    people: i64,
    /// Has it left, or was it merged?
    gone: bool,
}

/// Which households to list.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    query: String,
    after: Option<String>,
}

/// Households on a page.
const PAGE: usize = 50;

/// `GET /households`
///
/// # Errors
/// Only when the database fails.
pub async fn households(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let search = Search {
                query: wanted.query.trim().to_owned(),
                buildings: staff.reach(conn, Permission::ReadHouseholds)?.buildings(),
                after: wanted.after,
                limit: i64::try_from(PAGE.saturating_add(1)).unwrap_or(i64::MAX),
            };
            let mut found = household::search_with_former(conn, &search)?;
            let gone = gone(conn, &found)?;
            let more = found.len() > PAGE;
            found.truncate(PAGE);
            Ok(HouseholdsPage {
                shell: staff.shell,
                query: search.query,
                from_the_start: search.after.is_none(),
                next: found.last().filter(|_| more).map(|last| last.code.clone()),
                rows: found
                    .into_iter()
                    .map(|household| HouseholdRow {
                        gone: gone.contains(&household.id),
                        ..household_row(household, &tree)
                    })
                    .collect(),
            })
        })
        .await?;
    page::show(&page)
}

fn gone(conn: &mut Conn, found: &[Household]) -> Result<HashSet<Id<Household>>> {
    let ids: Vec<Id<Household>> = found.iter().map(|household| household.id.clone()).collect();
    standing::gone(conn, &ids)
}

fn household_row(household: Household, tree: &Tree) -> HouseholdRow {
    HouseholdRow {
        address: household.address(tree),
        code: household.code,
        head: household.head_name,
        people: household.people,
        gone: false,
    }
}

#[derive(Template)]
#[template(path = "places/household.html")]
struct HouseholdPage {
    shell: Shell,
    done: &'static str,
    household: Household,
    address: String,
    balances: Balances,
    deeds: Vec<Deed>,
    cards: Vec<CardRow>,
    /// Each title: its award, what it is called with its period, where it stands.
    titles: Vec<(Id<TitleAward>, String, &'static str)>,
    may_nominate: bool,
    may_remind: bool,
    may_issue: bool,
    may_change: bool,
    may_read_lookups: bool,
    /// What is to be known before anything else: it left, it was merged.
    standing: String,
    is_active: bool,
    survivor: Option<(String, String)>,
    staff_since: Option<String>,
    /// Each purpose, whether the household agreed, and since when.
    consents: Vec<(Purpose, bool, String)>,
    /// Points that expire: the last day, how many.
    expiring: Vec<(String, Points)>,
    /// The key of the form that issues a card.
    key: Id<Card>,
}

impl HouseholdPage {
    fn has_card(&self) -> bool {
        self.cards.iter().any(|card| card.stopped.is_none())
    }
}

/// A nomination, in a line.
struct Deed {
    id: Id<Nomination>,
    day: String,
    name: String,
    code: String,
    count: i64,
    points: Points,
    state: nomination::State,
}

impl Deed {
    fn gives_nothing(&self) -> bool {
        nomination::State::WITHOUT_POINTS.contains(&self.state)
    }

    fn badge(&self) -> &'static str {
        crate::council::web::badge(&self.state)
    }
}

struct CardRow {
    number: String,
    issued: String,
    stopped: Option<String>,
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// Nominations that a household's page shows.
const DEEDS: i64 = 10;

/// `GET /households/{code}`
///
/// # Errors
/// `NotFound`, also for a household outside the visitor's area.
pub async fn household(
    State(app): State<App>,
    staff: Staff,
    Path(code): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let now = app.now();
    let mut page = app.db.read(move |conn| household_page(conn, staff, &code, now)).await?;
    page.done = match done.done.as_str() {
        "card-stopped" => "积分卡已停用，从现在起不能用来兑换。",
        "consents" => "同意事项已登记。",
        "same-consents" => "同意事项和原来一样，没有改动。",
        "no-card" => "这户没有在用的积分卡，不必停用。",
        _ => "",
    };
    page::show(&page)
}

fn household_page(conn: &mut Conn, staff: Staff, code: &str, now: Moment) -> Result<HouseholdPage> {
    let household = household::by_code(conn, code)?;
    staff.expect_within(conn, Permission::ReadHouseholds, &household.building_id)?;
    let tree = Tree::load(conn)?;
    let may = |permission| staff.duties.reach(permission, &tree).covers(&household.building_id);
    let deeds = match may(Permission::ReadNominations) {
        true => deeds(conn, &household)?,
        false => Vec::new(),
    };
    let cards = card::of_household(conn, &household.id)?;
    let (is_active, standing, survivor) = standing_in_words(conn, &household)?;
    Ok(HouseholdPage {
        done: "",
        address: household.address(&tree),
        balances: balance::of(conn, household.id.as_str())?,
        deeds,
        cards: cards.into_iter().map(card_row).collect(),
        titles: match may(Permission::ReadNominations) {
            true => titles(conn, &household)?,
            false => Vec::new(),
        },
        may_nominate: is_active && may(Permission::Nominate),
        may_remind: may(Permission::ReadReminders),
        may_issue: is_active && may(Permission::IssueCards),
        may_change: may(Permission::ChangeHouseholds),
        may_read_lookups: may(Permission::ReadAudit),
        standing,
        is_active,
        survivor,
        staff_since: standing::staff_since(conn, &household.id)?.map(clock::spoken_day),
        consents: consents(conn, &household)?,
        expiring: expiring(conn, &household)?,
        key: Id::new(now),
        shell: staff.shell,
        household,
    })
}

/// Titles of former households that are looked through.
const MOST_TITLES: i64 = 100;

/// Its own titles, and what those households hold that became part of it.
fn titles(conn: &mut Conn, household: &Household) -> Result<Vec<(Id<TitleAward>, String, &'static str)>> {
    let known = title::every(conn)?;
    let absorbed = standing::absorbed(conn, &household.id)?;
    let former = household::by_ids(conn, &absorbed)?;
    let mut awards = award::of_household(conn, &household.id)?;
    let mut held = award::list(conn, Some(&absorbed), MOST_TITLES)?;
    held.retain(|award| award.state == award::State::Conferred);
    awards.append(&mut held);
    let told = awards.into_iter().filter_map(|award| {
        let title = known.get(&award.title_id)?;
        let told = format!("{}（{}）", title.name, title.period.in_words(award.period_from));
        let told = match former.iter().find(|home| home.id == award.household_id) {
            Some(home) => format!("{told}，原{}户的", home.head_name),
            None => told,
        };
        Some((award.id, told, award.state.label()))
    });
    Ok(told.collect())
}

/// Is it part of the programme, and if not, what became of it, and with which household (code, head) it was merged?
type StandingInWords = (bool, String, Option<(String, String)>);

fn standing_in_words(conn: &mut Conn, household: &Household) -> Result<StandingInWords> {
    Ok(match standing::now(conn, &household.id)? {
        Standing::Active => (true, String::new(), None),
        Standing::Left { on, redeemable_until } => {
            let told = format!(
                "这一户已于{}迁出。积分可用到{}，不能再申报。",
                clock::spoken_day(on),
                clock::spoken_day(redeemable_until)
            );
            (false, told, None)
        }
        Standing::Merged { on, into } => {
            let told = format!("这一户已于{}并入另一户，积分也已转过去。", clock::spoken_day(on));
            let other = household::by_id(conn, &into)?;
            (false, told, Some((other.code, other.head_name)))
        }
    })
}

fn expiring(conn: &mut Conn, household: &Household) -> Result<Vec<(String, Points)>> {
    let lots = lot::of(conn, household.id.as_str())?.into_iter();
    let dated = lots.filter_map(|lot| Some((clock::spoken_day(lot.expires_on?), lot.left)));
    Ok(dated.collect())
}

fn consents(conn: &mut Conn, household: &Household) -> Result<Vec<(Purpose, bool, String)>> {
    let stands = consent::of(conn, &household.id)?;
    let told = |purpose: &Purpose| match stands.get(purpose) {
        None => (*purpose, false, "还没有征求".to_owned()),
        Some(one) if one.given => (*purpose, true, format!("{}同意", clock::spoken_day(one.decided_on))),
        Some(one) => (
            *purpose,
            false,
            format!("{}登记为不同意", clock::spoken_day(one.decided_on)),
        ),
    };
    Ok(Purpose::ALL.iter().map(told).collect())
}

fn deeds(conn: &mut Conn, household: &Household) -> Result<Vec<Deed>> {
    let filter = Filter {
        households: Some(vec![household.id.clone()]),
        ..Filter::default()
    };
    let nominations = nomination::list(conn, &filter, DEEDS)?;
    let ids: Vec<Id<Item>> = nominations.iter().map(|one| one.scoring_item_id.clone()).collect();
    let items = item::by_ids(conn, &ids)?;
    let deeds = nominations.into_iter().filter_map(|one| {
        let item = items.iter().find(|item| item.id == one.scoring_item_id)?;
        Some(Deed {
            day: clock::spoken_day(one.occurred_on),
            name: item.name.clone(),
            code: item.code.clone(),
            count: one.count,
            points: one.points,
            state: one.state,
            id: one.id,
        })
    });
    Ok(deeds.collect())
}

fn card_row(card: Card) -> CardRow {
    let told = |at: Moment, reason: &str| format!("{}，{reason}", clock::spoken_day(clock::day_of(at)));
    CardRow {
        number: CardNumber::parse(&card.number).map_or(card.number, |number| number.grouped()),
        issued: told(card.issued_at, &card.issue_reason),
        stopped: card
            .stopped_at
            .map(|at| told(at, card.stop_reason.as_deref().unwrap_or("原因未记"))),
    }
}

#[derive(Template)]
#[template(path = "places/import.html")]
struct ImportPage {
    shell: Shell,
    problems: Problems,
    report: Option<Imported>,
}

/// What a file gave, or would give.
struct Imported {
    file_name: String,
    dry_run: bool,
    report: Report,
}

impl Imported {
    /// Lines that a page shows; a file of nothing but mistakes would make a page that no phone opens.
    const LINES: usize = 200;

    fn refused(&self) -> impl Iterator<Item = &super::roster::RefusedLine> {
        self.report.refused.iter().take(Imported::LINES)
    }

    fn likely_duplicates(&self) -> impl Iterator<Item = &String> {
        self.report.likely_duplicates.iter().take(Imported::LINES)
    }

    fn is_cut(&self) -> bool {
        self.report.refused.len().max(self.report.likely_duplicates.len()) > Imported::LINES
    }
}

/// `GET /import`
///
/// # Errors
/// `Internal` only.
pub async fn import_form(staff: Staff) -> Result<Response> {
    page::show(&ImportPage {
        shell: staff.shell,
        problems: Problems::default(),
        report: None,
    })
}

/// `POST /import`: reads the file; registers what can be taken unless it is a dry run.
///
/// # Errors
/// `Forbidden` for a form that is not of this session; what is wrong with the file is shown above the form.
pub async fn import(State(app): State<App>, staff: Staff, Multipart(upload): Multipart) -> Result<Response> {
    let shell = staff.shell.clone();
    let (status, problems, report) = match try_import(&app, &staff, upload).await {
        Ok(report) => (StatusCode::OK, Problems::default(), Some(report)),
        // A stale form is not shown again as if it were good.
        Err(error @ Error::Forbidden(_)) => return Err(error),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            (status, problems, None)
        }
    };
    page::show_with(
        status,
        &ImportPage {
            shell,
            problems,
            report,
        },
    )
}

async fn try_import(app: &App, staff: &Staff, upload: axum::extract::Multipart) -> Result<Imported> {
    let sent = Upload::receive(upload, &staff.shell.csrf).await?;
    let (now, by) = (app.now(), staff.user.id.clone());
    let roster = app.slowly(move || import::read(&sent.file)).await??;
    let report = match sent.dry_run {
        true => app.db.read(move |conn| import::try_out(conn, roster, now)).await?,
        false => {
            app.db
                .write(move |conn| import::register(conn, roster, by.as_str(), now))
                .await?
        }
    };
    Ok(Imported {
        file_name: sent.file_name,
        dry_run: sent.dry_run,
        report,
    })
}

/// The form of the import page. A file cannot travel in a `SignedForm`, so the token is checked here, and before the file
/// is read.
struct Upload {
    file_name: String,
    file: Vec<u8>,
    dry_run: bool,
}

impl Upload {
    async fn receive(mut upload: axum::extract::Multipart, csrf: &str) -> Result<Upload> {
        let mut sent = Upload {
            file_name: String::new(),
            file: Vec::new(),
            dry_run: true,
        };
        let mut is_ours = false;
        while let Some(field) = upload.next_field().await.map_err(too_large)? {
            match field.name().unwrap_or_default() {
                "csrf" => is_ours = field.text().await.map_err(too_large)? == csrf,
                _ if !is_ours => return Err(STALE_FORM),
                "file" => {
                    sent.file_name = field.file_name().unwrap_or_default().to_owned();
                    sent.file = field.bytes().await.map_err(too_large)?.to_vec();
                }
                "act" => sent.dry_run = field.text().await.map_err(too_large)? != "register",
                _ => {}
            }
        }
        match (is_ours, sent.file_name.is_empty()) {
            (false, _) => Err(STALE_FORM),
            (true, true) => Err(Error::invalid("file", "请先选择花名册文件。")),
            (true, false) => Ok(sent),
        }
    }
}

fn too_large(cause: MultipartError) -> Error {
    match cause.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::invalid("file", "文件超过20 MB。请分成几个文件再导入。"),
        _ => Error::invalid("file", "文件没有传完，请再选一次文件重试。"),
    }
}

#[derive(Template)]
#[template(path = "places/programme.html")]
struct ProgrammePage {
    shell: Shell,
    problems: Problems,
    is_done: bool,
    programme: Programme,
    form: ContactForm,
}

/// What papers say of the office.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ContactForm {
    office: String,
    phone: String,
    issuer: String,
}

/// Was it changed just before this page?
#[derive(Deserialize)]
pub struct Changed {
    #[serde(default)]
    done: bool,
}

/// `GET /programme`
///
/// # Errors
/// `NotFound` in an empty database.
pub async fn programme(State(app): State<App>, staff: Staff, Query(changed): Query<Changed>) -> Result<Response> {
    let programme = app.programme().await?.ok_or(Error::NotFound)?;
    page::show(&ProgrammePage {
        shell: staff.shell,
        problems: Problems::default(),
        is_done: changed.done,
        form: ContactForm {
            office: programme.office.clone(),
            phone: programme.phone.clone(),
            issuer: programme.issuer.clone(),
        },
        programme,
    })
}

/// `POST /programme`: the office moved, has another telephone, or another stamp.
///
/// # Errors
/// As [`programme`].
pub async fn change_programme(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<ContactForm>,
) -> Result<Response> {
    let contact = Contact {
        office: form.office.clone(),
        phone: form.phone.clone(),
        issuer: form.issuer.clone(),
    };
    match app.change_programme(contact, staff.user.id.clone()).await {
        Ok(()) => Ok(page::go("/programme?done=true")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let page = ProgrammePage {
                shell: staff.shell,
                problems,
                is_done: false,
                programme: app.programme().await?.ok_or(Error::NotFound)?,
                form,
            };
            page::show_with(status, &page)
        }
    }
}
