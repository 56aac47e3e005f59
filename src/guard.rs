//! The guard before every door, and the headers on everything that leaves.
//!
//! Every route in `routes.rs` declares who may enter; a route without a declaration cannot be written. The guard recognises
//! the visitor, refuses whoever may not enter, and only then runs the handler. Errors come back to it and become pages, or
//! RFC 9457 problems in the API. An internal error is logged here, once, with a reference that people see.

use std::sync::Arc;
use std::time::Instant;

use axum::RequestExt as _;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::access::lookup::{self, Look, Shown};
use crate::access::role::{Duties, Permission};
use crate::access::session::{self, Recognised, Secret};
use crate::access::user::User;
use crate::app::{App, Visitor};
use crate::clock::Moment;
use crate::demo;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::language;
use crate::page::{self, Link, Shell, TextSize};
use crate::places::household::Household;
use crate::resident;
use crate::sent::{STALE_FORM, holds};

/// Who may enter a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, also before the programme is founded.
    Anyone,
    /// Whoever is signed in.
    SignedIn,
    /// Whoever holds a duty that permits this.
    May(Permission),
    /// A household that signed in with its card and PIN. Staff have their own doors, and a household has none of theirs.
    Household,
}

/// The guard before a door.
pub async fn guard(State((app, who)): State<(App, Who)>, mut request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    if holds(request.uri().to_string().as_bytes(), b"%00") {
        return fail(Shell::default(), is_api, Error::NotFound);
    }
    let visitor = match recognise(&app, who, Asked::of(&request)).await {
        Ok(visitor) => visitor,
        Err(error) => return fail(Shell::default(), is_api, error),
    };
    let shell = visitor.shell.clone();
    let person = visitor.person.as_ref();
    let refusal = match who {
        Who::Anyone => None,
        _ if shell.programme.is_empty() && !is_api => return page::go("/first-run"),
        Who::Household if visitor.household.is_none() => return ask_for_pin(shell, &request),
        Who::Household => None,
        _ if person.is_none() => return ask_to_sign_in(shell, is_api, &request),
        Who::SignedIn => None,
        Who::May(permission) => {
            let permitted = person.is_some_and(|person| person.duties.permit(permission));
            (!permitted).then_some(Error::Forbidden("您的职责不包含这项操作。"))
        }
    };
    if let Some(error) = refusal {
        return fail(shell, is_api, error);
    }
    if !is_api && !request.method().is_safe() && !is_from_our_page(request.headers()) {
        return fail(shell, is_api, STALE_FORM);
    }
    let looker = Looker::of(&mut request, &visitor).await;
    request.extensions_mut().insert(visitor);
    let response = next.run(request).await;
    if let Some(look) = looker.and_then(|looker| looker.look_at(&response))
        && let Err(error) = note(&app, look).await
    {
        return fail(shell, is_api, error);
    }
    match response.extensions().get::<Arc<Error>>().cloned() {
        Some(error) => fail_with(response.status(), shell, is_api, &error),
        None => response,
    }
}

/// Somebody of the staff who opens a page.
struct Looker {
    user: Id<User>,
    door: String,
    /// The household that the address names.
    code: Option<String>,
}

impl Looker {
    async fn of(request: &mut Request, visitor: &Visitor) -> Option<Looker> {
        if request.method() != Method::GET {
            return None;
        }
        let user = visitor.person.as_ref().map(|person| person.user.id.clone())?;
        let door = request.extensions().get::<MatchedPath>()?.as_str().to_owned();
        let code = match door.contains("/households/{code}") {
            false => None,
            true => {
                let given = request.extract_parts::<RawPathParams>().await.ok()?;
                given
                    .iter()
                    .find(|(name, _)| *name == "code")
                    .map(|(_, code)| code.to_owned())
            }
        };
        Some(Looker { user, door, code })
    }

    /// What is written down of a page about one household: by its address, or by what its handler says that it shows.
    fn look_at(self, response: &Response) -> Option<Look> {
        let shown = || response.extensions().get::<Shown>().map(|shown| shown.0.clone());
        let code = self.code.or_else(shown)?;
        response.status().is_success().then_some(Look {
            code,
            user: self.user,
            door: self.door,
        })
    }
}

/// Writes a look down, unless it was the same day.
async fn note(app: &App, look: Look) -> Result<()> {
    let (now, asked) = (app.now(), look.clone());
    if !app.db.read(move |conn| lookup::is_noted(conn, &asked, now)).await? {
        app.db.write(move |conn| lookup::note(conn, &look, now)).await?;
    }
    Ok(())
}

/// Errors travel in the response's extensions to the guard, which knows whether to answer a page or a problem.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = page::status_of(&self).into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// What of a request tells who sends it and from where. A reference to the request itself cannot wait for the database.
struct Asked {
    headers: HeaderMap,
    path: String,
    /// The page to come back to, when it is one.
    page: String,
}

impl Asked {
    fn of(request: &Request) -> Asked {
        let page = match (request.method(), request.uri().path_and_query()) {
            (&Method::GET, Some(page)) => page.as_str(),
            _ => "/desk",
        };
        Asked {
            headers: request.headers().clone(),
            path: request.uri().path().to_owned(),
            page: page.to_owned(),
        }
    }
}

async fn recognise(app: &App, who: Who, Asked { headers, path, page }: Asked) -> Result<Visitor> {
    let programme = app.programme().await?;
    let now = app.now();
    let text = TextSize::named(cookie(&headers, TEXT_COOKIE).unwrap_or_default());
    if who == Who::Household {
        let shell = Shell {
            programme: programme.map(|programme| programme.name).unwrap_or_default(),
            demo: app.is_demo().then(|| demo::clock::strip(now, page)),
            path,
            text,
            language: language::of(&headers),
            ..Shell::default()
        };
        return recognise_household(app, &headers, shell).await;
    }
    let (person, session, csrf) = if path.starts_with("/api/") {
        (recognise_token(app, &headers).await?, None, String::new())
    } else if let Some(secret) = cookie(&headers, COOKIE).and_then(Secret::sent) {
        let digest = secret.digest();
        (
            recognise_session(app, digest.clone(), now).await?,
            Some(digest),
            secret.csrf(),
        )
    } else {
        (None, None, String::new())
    };
    let shell = Shell {
        programme: programme.map(|programme| programme.name).unwrap_or_default(),
        person: person.as_ref().map(|person| person.user.display_name.clone()),
        duties: person
            .as_ref()
            .map(|person| person.duties.in_words())
            .unwrap_or_default(),
        links: person.as_ref().map(|person| links(&person.duties)).unwrap_or_default(),
        has_till: person
            .as_ref()
            .is_some_and(|person| person.duties.permit(Permission::Redeem)),
        csrf,
        demo: app.is_demo().then(|| demo::clock::strip(now, page)),
        path,
        text,
        language: language::of(&headers),
    };
    Ok(Visitor {
        person,
        household: None,
        shell,
        session,
    })
}

async fn recognise_household(app: &App, headers: &HeaderMap, shell: Shell) -> Result<Visitor> {
    let secret = cookie(headers, HOUSEHOLD_COOKIE).and_then(Secret::sent);
    let household = match &secret {
        Some(secret) => household_of(app, secret.digest()).await?,
        None => None,
    };
    let session = secret.filter(|_| household.is_some());
    Ok(Visitor {
        person: None,
        household,
        shell: Shell {
            csrf: session.as_ref().map(Secret::csrf).unwrap_or_default(),
            ..shell
        },
        session: session.map(|secret| secret.digest()),
    })
}

async fn household_of(app: &App, digest: String) -> Result<Option<Household>> {
    let (looked_up, now) = (digest.clone(), app.now());
    let found = app
        .db
        .read(move |conn| resident::session::recognise(conn, &looked_up, now))
        .await?;
    if let Some((_, true)) = &found {
        app.db
            .write(move |conn| resident::session::seen(conn, &digest, now))
            .await?;
    }
    Ok(found.map(|(household, _)| household))
}

async fn recognise_session(app: &App, digest: String, now: Moment) -> Result<Option<Recognised>> {
    let looked_up = digest.clone();
    let found = app
        .db
        .read(move |conn| session::recognise(conn, &looked_up, now))
        .await?;
    if let Some((_, true)) = &found {
        app.db.write(move |conn| session::seen(conn, &digest, now)).await?;
    }
    Ok(found.map(|(person, _)| person))
}

async fn recognise_token(app: &App, headers: &HeaderMap) -> Result<Option<Recognised>> {
    let sent = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        // The name of a scheme is read in any case: RFC 9110, section 11.1.
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| Secret::sent(token));
    match sent {
        Some(secret) => app.holder(&secret).await,
        None => Ok(None),
    }
}

/// The name of the session's cookie. Behind HTTPS browsers refuse to send it anywhere else (`Secure`).
pub const COOKIE: &str = "jishan";
/// The same for a household that looks at its own points.
pub const HOUSEHOLD_COOKIE: &str = "jishan-household";
/// How large a household reads its pages; no secret.
pub const TEXT_COOKIE: &str = "jishan-text";

/// Puts a value into a cookie that scripts cannot read and other sites do not send.
#[must_use]
pub fn with_cookie(mut response: Response, name: &str, value: &str, public_address: &str) -> Response {
    // Behind HTTPS the browser must not send it in the clear. A village box on plain HTTP has no choice.
    let secure = if public_address.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Takes a cookie away.
#[must_use]
pub fn without_cookie(mut response: Response, name: &str) -> Response {
    let gone = format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    if let Ok(value) = HeaderValue::from_str(&gone) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// What a cookie of this name says.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split("; "))
        .filter_map(|pair| pair.split_once('='))
        .find(|(sent, _)| *sent == name)
        .map(|(_, value)| value)
}

/// Links beside the desk at most: what fits on a phone. The desk has them all.
const MOST_LINKS: usize = 7;

/// Where a person may go, in the order of a day's work.
fn links(duties: &Duties) -> Vec<Link> {
    let nominations = match duties.permit(Permission::Verify) {
        true => "核实",
        false => "申报记录",
    };
    // What the stock keeper does stands under the stock in the menu, a statement under its partner's shop.
    let under_stock: &[&str] = &["/goods", "/stocktakes", "/donations", "/donors", "/wishes"];
    let under = |href: &str| match href {
        "/stock" => under_stock,
        "/partners" => &["/settlements"],
        "/journal" => &["/offline-sales"],
        _ => &[],
    };
    let all = [
        (Permission::Nominate, "/nominations/new", "申报"),
        (Permission::ReadNominations, "/nominations", nominations),
        (Permission::ReadCouncil, "/sessions", "评议会"),
        (Permission::ReadCouncil, "/notices", "公示"),
        (Permission::ReadHouseholds, "/households", "住户"),
        (Permission::Redeem, "/counter", "柜台"),
        (Permission::ReadJournal, "/journal", "流水"),
        (Permission::ReadStock, "/stock", "库存"),
        (Permission::ManageUsers, "/users", "用户"),
        (Permission::ReadAudit, "/audit", "记录"),
        (Permission::ReadJournal, "/shifts", "交班"),
        (Permission::ReadJournal, "/deliveries", "送货"),
        (Permission::ReadGoodsRegisters, "/registers", "台账"),
        (Permission::ReadSettlements, "/partners", "结算"),
    ];
    let permitted = all.into_iter().filter(|(permission, _, _)| duties.permit(*permission));
    permitted
        .take(MOST_LINKS)
        .map(|(_, href, label)| Link {
            href,
            label,
            also: under(href),
        })
        .collect()
}

/// Did the browser send this from one of our own pages? Old browsers say it with `Origin`, new ones with `Sec-Fetch-Site`.
/// The token in the form is the second lock.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        _ => true,
    }
}

fn ask_to_sign_in(shell: Shell, is_api: bool, request: &Request) -> Response {
    if is_api {
        let mut response = problem(
            StatusCode::UNAUTHORIZED,
            "not_signed_in",
            "请在 Authorization 头里提供有效的令牌（Bearer）。",
            None,
        );
        let challenge = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        return response;
    }
    if request.method() == Method::GET {
        let next = request.uri().path();
        return page::go(&format!("/sign-in?next={next}"));
    }
    let error = Error::Forbidden("登录已过期，请重新登录后再提交。");
    page::show_error(shell, StatusCode::UNAUTHORIZED, &error, None)
}

fn ask_for_pin(shell: Shell, request: &Request) -> Response {
    if request.method() == Method::GET {
        return page::go("/my");
    }
    let error = Error::Forbidden("已经退出，请重新输入密码，再做一次。");
    page::show_error(shell, StatusCode::UNAUTHORIZED, &error, None)
}

fn fail(shell: Shell, is_api: bool, error: Error) -> Response {
    fail_with(page::status_of(&error), shell, is_api, &error)
}

/// Answers an error as a page or as a problem; logs it once when it is our fault.
fn fail_with(status: StatusCode, shell: Shell, is_api: bool, error: &Error) -> Response {
    let reference = match error {
        Error::Internal(cause, place) => {
            let reference: String = Secret::new().reveal().chars().take(8).collect();
            tracing::error!(%reference, %place, "{cause}");
            Some(reference)
        }
        _ => None,
    };
    if !is_api {
        return page::show_error(shell, status, error, reference);
    }
    let detail = match &reference {
        Some(reference) => format!("服务器出错，编号{reference}。"),
        None => error.to_string(),
    };
    let fields = match error {
        Error::Invalid(fields) => Some(
            fields
                .iter()
                .map(|field| json!({ "field": field.field, "message": field.message }))
                .collect(),
        ),
        _ => None,
    };
    problem(status, error.code(), &detail, fields)
}

/// An RFC 9457 problem with a stable code.
#[must_use]
pub fn problem(status: StatusCode, code: &str, detail: &str, fields: Option<Vec<serde_json::Value>>) -> Response {
    let mut body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
    });
    if let (Some(fields), Some(body)) = (fields, body.as_object_mut()) {
        body.insert("errors".to_owned(), fields.into());
    }
    (
        status,
        [(header::CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}

/// Headers that every response carries (ASVS 3.4), and a line in the log: the route as it stands in `routes.rs`, never the
/// address that was asked for, which may hold a card's secret.
pub async fn harden(request: Request, next: Next) -> Response {
    let is_static = request.uri().path().starts_with("/static/");
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    #[expect(clippy::disallowed_methods, reason = "a duration for the log, not a time for a rule")]
    let began = Instant::now();
    let mut response = next.run(request).await;
    let route = route.as_ref().map_or("no such route", MatchedPath::as_str);
    tracing::debug!(%method, route, status = response.status().as_u16(), millis = began.elapsed().as_millis(), "answered");
    let headers = response.headers_mut();
    for (name, value) in HARDENING {
        // A door that shows no page of ours, but a photograph, has said more strictly what it may do.
        headers.entry(*name).or_insert(HeaderValue::from_static(value));
    }
    if !is_static {
        // A door that may be kept, in the browser of the person who asked, says so itself.
        let unsaid = HeaderValue::from_static("no-store");
        headers.entry(header::CACHE_CONTROL).or_insert(unsaid);
    }
    response
}

/// Lets a page that opens the camera run the decoder, which is WebAssembly; what is text may run as little as ever.
pub fn let_decode(mut response: Response) -> Response {
    let policy = CONTENT_POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                              connect-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HARDENING: &[(&str, &str)] = &[
    ("content-security-policy", CONTENT_POLICY),
    ("x-content-type-options", "nosniff"),
    // Nothing leaves the house, and our own forms say where they come from: with `no-referrer` a browser on plain http sends
    // `Origin: null` and no `Sec-Fetch-Site`, and every form of a shop without https would be refused.
    ("referrer-policy", "same-origin"),
    ("permissions-policy", "camera=(self), microphone=(), geolocation=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("x-robots-tag", "noindex"),
];
