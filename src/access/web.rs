//! Pages of access: the public start page, the first run, signing in and out, the desk, users, the record of acts.

use std::net::SocketAddr;

use askama::Template;
use axum::Form;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;

use super::role::{Duties, Permission, Role};
use super::session;
use super::user::{self, PasswordHash, User};
use crate::app::{App, SignedForm, Staff, Visitor};
use crate::audit::{self, Event};
use crate::clock::{self, Moment};
use crate::council::web::waiting_for;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::guard::COOKIE;
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::money::Fen;
use crate::page::{self, Problems, Shell};
use crate::places::area::{self, Area, AreaKind, Tree};
use crate::places::household;
use crate::places::programme::{self, NewProgramme};
use crate::points::Points;
use crate::scheme::item::{self, Category};
use crate::scheme::version;
use crate::shop::store::{self, PointsStore};

#[derive(Template)]
#[template(path = "access/start.html")]
struct StartPage {
    shell: Shell,
    stores: Vec<PointsStore>,
    categories: Vec<Category>,
    office: String,
    phone: String,
}

/// `GET /`: what everybody may know. Nothing personal.
///
/// # Errors
/// Only when the database fails.
pub async fn start(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let Some(programme) = app.programme().await? else {
        return Ok(page::go("/first-run"));
    };
    let today = clock::day_of(app.now());
    let (stores, categories) = app
        .db
        .read(move |conn| {
            let categories = match version::in_force(conn, today) {
                Ok(version) => item::of_version(conn, &version.id)?.0,
                Err(Error::NotFound) => Vec::new(),
                Err(error) => return Err(error),
            };
            Ok((store::all(conn)?, categories))
        })
        .await?;
    page::show(&StartPage {
        shell: visitor.shell,
        stores,
        categories,
        office: programme.office,
        phone: programme.phone,
    })
}

#[derive(Template)]
#[template(path = "access/first_run.html")]
struct FirstRunPage {
    shell: Shell,
    problems: Problems,
    form: FirstRun,
}

/// What the first-run page asks for.
#[derive(Clone, Default, Deserialize)]
pub struct FirstRun {
    code: String,
    programme: String,
    township: String,
    address: String,
    office: String,
    phone: String,
    store: String,
    opening_hours: String,
    name: String,
    display_name: String,
    password: String,
}

/// `GET /first-run`: an empty database greets.
///
/// # Errors
/// `NotFound` once the programme is founded.
pub async fn first_run(State(app): State<App>, visitor: Visitor, headers: axum::http::HeaderMap) -> Result<Response> {
    if app.programme().await?.is_some() {
        return Err(Error::NotFound);
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    page::show(&FirstRunPage {
        shell: visitor.shell,
        problems: Problems::default(),
        form: FirstRun {
            address: format!("http://{host}"),
            store: "积分超市".to_owned(),
            name: "admin".to_owned(),
            ..FirstRun::default()
        },
    })
}

/// `POST /first-run`: founds the programme with its first administrator and signs in.
///
/// # Errors
/// `NotFound` once the programme is founded.
pub async fn found(State(app): State<App>, visitor: Visitor, Form(form): Form<FirstRun>) -> Result<Response> {
    if app.programme().await?.is_some() {
        return Err(Error::NotFound);
    }
    match try_found(&app, form.clone()).await {
        Ok(secret) => Ok(with_cookie(page::go("/desk"), secret.reveal(), &form.address)),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let form = FirstRun {
                password: String::new(),
                ..form
            };
            let shell = visitor.shell;
            page::show_with(status, &FirstRunPage { shell, problems, form })
        }
    }
}

async fn try_found(app: &App, form: FirstRun) -> Result<session::Secret> {
    if form.code.trim() != app.setup_code() {
        return Err(Error::invalid("code", "设置码不对，请看启动程序的窗口。"));
    }
    let password = form.password.clone();
    let hash = app.slowly(move || PasswordHash::of(&password)).await??;
    let now = app.now();
    app.db.write(move |conn| establish(conn, &form, &hash, now)).await
}

fn establish(conn: &mut Conn, form: &FirstRun, hash: &PasswordHash, now: Moment) -> Result<session::Secret> {
    if programme::find(conn)?.is_some() {
        return Err(Error::NotFound);
    }
    let new = NewProgramme {
        name: form.programme.clone(),
        address: form.address.clone(),
        office: form.office.clone(),
        phone: form.phone.clone(),
    };
    programme::found(conn, new, programme::new_card_key(), now)?;
    let root = Area::root(AreaKind::Township, "T01", form.township.trim(), now);
    area::add(conn, std::slice::from_ref(&root))?;
    let store = PointsStore {
        id: Id::new(now),
        area_id: root.id.clone(),
        name: form.store.trim().to_owned(),
        opening_hours: form.opening_hours.trim().to_owned(),
    };
    store::add(conn, &store)?;
    let administrator = User {
        id: Id::new(now),
        name: form.name.trim().to_owned(),
        display_name: form.display_name.trim().to_owned(),
        household_id: None,
        disabled_at: None,
    };
    let duties = Duties(vec![(Role::Administrator, root.id)]);
    user::add(conn, &administrator, hash, &duties, now)?;
    let actor = administrator.id.as_str();
    audit::record(
        conn,
        &[Event::new(
            actor,
            "programme.founded",
            "programme".to_owned(),
            String::new(),
            now,
        )],
    )?;
    session::start(conn, &administrator.id, now)
}

#[derive(Template)]
#[template(path = "access/sign_in.html")]
struct SignInPage {
    shell: Shell,
    problems: Problems,
    name: String,
    next: String,
}

/// Where to go after signing in.
#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`
///
/// # Errors
/// `Internal` only.
pub async fn sign_in_form(visitor: Visitor, Query(next): Query<Next>) -> Result<Response> {
    if visitor.person().is_some() {
        return Ok(page::go("/desk"));
    }
    page::show(&SignInPage {
        shell: visitor.shell,
        problems: Problems::default(),
        name: String::new(),
        next: next.next,
    })
}

/// A name and a password.
#[derive(Deserialize)]
pub struct SignIn {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in`
///
/// # Errors
/// `Internal` only: a wrong password shows the form again.
pub async fn sign_in(
    State(app): State<App>,
    visitor: Visitor,
    address: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    Form(form): Form<SignIn>,
) -> Result<Response> {
    let from = address.map(|axum::Extension(ConnectInfo(address))| address.ip());
    match try_sign_in(&app, &form, from).await {
        Ok(secret) => {
            let next = local_path(&form.next).unwrap_or("/desk");
            let programme = app.programme().await?;
            let public = programme.map(|programme| programme.address).unwrap_or_default();
            Ok(with_cookie(page::go(next), secret.reveal(), &public))
        }
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let page = SignInPage {
                shell: visitor.shell,
                problems,
                name: form.name,
                next: form.next,
            };
            page::show_with(status, &page)
        }
    }
}

async fn try_sign_in(app: &App, form: &SignIn, from: Option<std::net::IpAddr>) -> Result<session::Secret> {
    let name = form.name.trim().to_owned();
    if !app.may_try_to_sign_in(&name, from) {
        return Err(Error::Forbidden("试的次数太多，请过一分钟再试。"));
    }
    let found = {
        let name = name.clone();
        app.db.read(move |conn| user::credentials(conn, &name)).await?
    };
    let password = form.password.clone();
    let recognised = app.slowly(move || user::verify(found, &password)).await?;
    let Some(user) = recognised else {
        return Err(Error::Forbidden("用户名或口令不对，请检查大小写后再试。"));
    };
    let now = app.now();
    app.db.write(move |conn| session::start(conn, &user.id, now)).await
}

/// A path of our own, so that nobody is sent elsewhere after signing in.
fn local_path(next: &str) -> Option<&str> {
    let plain = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    plain.then_some(next)
}

/// Puts the session into a cookie that scripts cannot read and other sites do not send.
fn with_cookie(mut response: Response, secret: &str, public_address: &str) -> Response {
    // Behind HTTPS the browser must not send it in the clear. A village box on plain HTTP has no choice.
    let secure = if public_address.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// `POST /sign-out`
///
/// # Errors
/// Only when the database fails.
pub async fn sign_out(
    State(app): State<App>,
    visitor: Visitor,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    if let Some(digest) = visitor.session {
        app.db.write(move |conn| session::end(conn, &digest)).await?;
    }
    let mut response = page::go("/");
    let gone = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    if let Ok(value) = HeaderValue::from_str(&gone) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    let clear = HeaderValue::from_static("\"storage\"");
    response.headers_mut().insert("clear-site-data", clear);
    Ok(response)
}

/// A form that is only a button.
#[derive(Deserialize)]
pub struct NoFields {}

#[derive(Template)]
#[template(path = "access/desk.html")]
struct DeskPage {
    shell: Shell,
    tiles: Vec<Tile>,
    overview: Option<Overview>,
}

struct Tile {
    href: &'static str,
    title: &'static str,
    hint: &'static str,
    count: Option<usize>,
}

struct Overview {
    households: i64,
    people: i64,
    outstanding: Points,
    worth: Option<Fen>,
    scheme: String,
}

/// `GET /desk`: a person's work today.
///
/// # Errors
/// Only when the database fails.
pub async fn desk(State(app): State<App>, staff: Staff) -> Result<Response> {
    let now = app.now();
    let (waiting, overview, shell, duties) = app
        .db
        .read(move |conn| {
            let waiting = match staff.duties.permit(Permission::Verify) {
                true => Some(waiting_for(conn, &staff)?.len()),
                false => None,
            };
            let overview = match staff.duties.permit(Permission::ReadAudit) {
                true => Some(overview(conn, now)?),
                false => None,
            };
            Ok((waiting, overview, staff.shell, staff.duties))
        })
        .await?;
    let tiles = tiles(&duties, waiting);
    page::show(&DeskPage { shell, tiles, overview })
}

fn tiles(duties: &Duties, waiting: Option<usize>) -> Vec<Tile> {
    use Permission as P;
    let all = [
        (
            P::Nominate,
            "/nominations/new",
            "申报好事",
            "选住户、选项目、写一句话，半分钟一条",
        ),
        (
            P::Verify,
            "/nominations?state=submitted",
            "待核实",
            "别人申报的，等您核实",
        ),
        (P::ReadNominations, "/nominations", "申报记录", "报过什么，核实了没有"),
        (
            P::ReadHouseholds,
            "/households",
            "住户与对账单",
            "按户号、姓名或拼音首字母查找，打印对账单",
        ),
        (P::Redeem, "/counter", "柜台", "扫卡、选商品、确认兑换"),
        (P::ReadJournal, "/journal", "兑换流水", "今天兑了什么，作废了什么"),
        (P::ReadStock, "/stock", "商品与库存", "还有多少，哪些快到期"),
        (
            P::ManageProgramme,
            "/import",
            "导入住户",
            "从花名册（CSV、XLSX）导入，先试读再登记",
        ),
        (P::ManageUsers, "/users", "用户与职责", "增加、停用账号，分配职责"),
        (P::ReadAudit, "/audit", "操作记录", "谁在什么时候做了什么"),
    ];
    all.into_iter()
        .filter(|(permission, ..)| duties.permit(*permission))
        .map(|(permission, href, title, hint)| Tile {
            href,
            title,
            hint,
            count: waiting.filter(|_| permission == P::Verify),
        })
        .collect()
}

fn overview(conn: &mut Conn, now: Moment) -> Result<Overview> {
    let (households, people) = household::count(conn)?;
    let outstanding = balance::outstanding(conn, AccountKind::Spendable)?;
    let (scheme, rate) = match version::in_force(conn, clock::day_of(now)) {
        Ok(version) => {
            let rate = version::yuan_per_point(conn, &version.id)?;
            (format!("{}（第 {} 版）", version.name, version.version), rate)
        }
        Err(Error::NotFound) => ("还没有载入积分方案".to_owned(), None),
        Err(error) => return Err(error),
    };
    Ok(Overview {
        households,
        people,
        outstanding,
        worth: rate.and_then(|rate| Fen::worth(outstanding, rate)),
        scheme,
    })
}

#[derive(Template)]
#[template(path = "access/users.html")]
struct UsersPage {
    shell: Shell,
    added: bool,
    problems: Problems,
    rows: Vec<UserRow>,
    roles: &'static [Role],
    areas: Vec<AreaChoice>,
    form: NewUser,
}

struct UserRow {
    name: String,
    display_name: String,
    duties: String,
    disabled: bool,
    own: bool,
}

struct AreaChoice {
    id: Id<Area>,
    label: String,
}

/// A new user, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewUser {
    name: String,
    display_name: String,
    role: String,
    area: String,
    household: String,
    password: String,
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /users`
///
/// # Errors
/// Only when the database fails.
pub async fn users(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    let mut page = users_page(&app, staff, Problems::default(), NewUser::default()).await?;
    page.added = done.done == "yes";
    page::show(&page)
}

async fn users_page(app: &App, staff: Staff, problems: Problems, form: NewUser) -> Result<UsersPage> {
    app.db
        .read(move |conn| {
            let tree = Tree::load(conn)?;
            let rows = user::all(conn)?
                .into_iter()
                .map(|(user, duties)| UserRow {
                    own: user.id == staff.user.id,
                    duties: duties_in_words(&duties, &tree),
                    disabled: user.disabled_at.is_some(),
                    name: user.name,
                    display_name: user.display_name,
                })
                .collect();
            let areas = tree
                .all()
                .iter()
                .map(|area| AreaChoice {
                    id: area.id.clone(),
                    label: area_label(area, &tree),
                })
                .collect();
            Ok(UsersPage {
                shell: staff.shell,
                added: false,
                problems,
                rows,
                roles: Role::ALL,
                areas,
                form,
            })
        })
        .await
}

fn area_label(area: &Area, tree: &Tree) -> String {
    match tree.address(&area.id) {
        address if address.is_empty() => area.name.clone(),
        address => address,
    }
}

fn duties_in_words(duties: &Duties, tree: &Tree) -> String {
    let words: Vec<String> = duties
        .0
        .iter()
        .map(|(role, area)| {
            let place = tree.get(area).map(|area| area_label(area, tree)).unwrap_or_default();
            format!("{}（{place}）", role.label())
        })
        .collect();
    words.join("、")
}

/// `POST /users`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn add_user(State(app): State<App>, staff: Staff, SignedForm(form): SignedForm<NewUser>) -> Result<Response> {
    match try_add_user(&app, &staff, form.clone()).await {
        Ok(()) => Ok(page::go("/users?done=yes")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let form = NewUser {
                password: String::new(),
                ..form
            };
            page::show_with(status, &users_page(&app, staff, problems, form).await?)
        }
    }
}

async fn try_add_user(app: &App, staff: &Staff, form: NewUser) -> Result<()> {
    let role = Role::from_word(&form.role).ok_or_else(|| Error::invalid("role", "请选择职责。"))?;
    let password = form.password.clone();
    let hash = app.slowly(move || PasswordHash::of(&password)).await??;
    let (now, by) = (app.now(), staff.user.id.clone());
    app.db
        .write(move |conn| {
            let area: Id<Area> = Id::known(form.area.clone());
            if Tree::load(conn)?.get(&area).is_none() {
                return Err(Error::invalid("area", "请选择范围。"));
            }
            let household_id = match form.household.trim() {
                "" => None,
                code => Some(household::named(conn, code)?.id),
            };
            let user = User {
                id: Id::new(now),
                name: form.name.trim().to_owned(),
                display_name: form.display_name.trim().to_owned(),
                household_id,
                disabled_at: None,
            };
            user::add(conn, &user, &hash, &Duties(vec![(role, area)]), now)?;
            let subject = format!("user:{}", user.id);
            audit::record(
                conn,
                &[Event::new(
                    by.as_str(),
                    "user.added",
                    subject,
                    role.word().to_owned(),
                    now,
                )],
            )
        })
        .await
}

/// `POST /users/{name}/disabling`
///
/// # Errors
/// `Forbidden` for one's own account; `NotFound`.
pub async fn disable_user(
    State(app): State<App>,
    staff: Staff,
    Path(name): Path<String>,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    if name == staff.user.name {
        return Err(Error::Forbidden("不能停用自己的账号，请由另一位管理员办理。"));
    }
    let (now, by) = (app.now(), staff.user.id);
    app.db
        .write(move |conn| {
            let user = user::disable(conn, &name, now)?;
            let subject = format!("user:{}", user.id);
            audit::record(
                conn,
                &[Event::new(by.as_str(), "user.disabled", subject, String::new(), now)],
            )
        })
        .await?;
    Ok(page::go("/users?done=yes"))
}

#[derive(Template)]
#[template(path = "access/audit.html")]
struct AuditPage {
    shell: Shell,
    rows: Vec<AuditRow>,
    older: Option<i64>,
}

struct AuditRow {
    at: String,
    actor: String,
    act: String,
    subject: String,
    detail: String,
}

/// From where back.
#[derive(Deserialize)]
pub struct Before {
    before: Option<i64>,
}

/// Lines on a page of the record.
const AUDIT_PAGE: i64 = 100;

/// `GET /audit`
///
/// # Errors
/// Only when the database fails.
pub async fn audit(State(app): State<App>, staff: Staff, Query(before): Query<Before>) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let before = before
                .before
                .and_then(chrono::DateTime::from_timestamp_millis)
                .map(|moment| moment.naive_utc());
            let events = audit::events(conn, before, AUDIT_PAGE)?;
            let actors: Vec<Id<User>> = events.iter().map(|event| Id::known(event.actor.clone())).collect();
            let names = user::display_names(conn, &actors)?;
            let full = i64::try_from(events.len()).unwrap_or(0) == AUDIT_PAGE;
            let older = events
                .last()
                .filter(|_| full)
                .map(|last| last.recorded_at.and_utc().timestamp_millis());
            let rows = events
                .into_iter()
                .map(|event| AuditRow {
                    at: clock::spoken(event.recorded_at),
                    actor: names
                        .get(&Id::known(event.actor.clone()))
                        .cloned()
                        .unwrap_or(event.actor),
                    act: act_in_words(&event.act).to_owned(),
                    subject: event.subject,
                    detail: event.detail,
                })
                .collect();
            Ok(AuditPage {
                shell: staff.shell,
                rows,
                older,
            })
        })
        .await?;
    page::show(&page)
}

/// The acts that rooms record, in the words of the field.
fn act_in_words(act: &str) -> &str {
    match act {
        "programme.founded" => "建立项目",
        "user.added" => "增加用户",
        "user.disabled" => "停用用户",
        "households.imported" => "导入住户",
        "card.issued" => "制发积分卡",
        "card.stopped" => "停用积分卡",
        "award.nominated" => "申报",
        "award.verified" => "核实入账",
        "award.returned" => "退回申报",
        "redemption.made" => "兑换",
        "redemption.voided" => "作废兑换",
        "stock.received" => "商品入库",
        "scheme.loaded" => "载入方案",
        other => other,
    }
}
