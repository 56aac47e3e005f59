//! Signing in with card and PIN, signing out, and how large the letters are.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::session::Secret;
use crate::app::{App, Resident, Sender, Visitor};
use crate::cards::{card, pin};
use crate::error::{Error, Result};
use crate::guard::{HOUSEHOLD_COOKIE, TEXT_COOKIE, with_cookie, without_cookie};
use crate::page::{self, Problems, Shell, TextSize};
use crate::resident::{session, tries};
use crate::sent::{NoFields, OpenForm, Path, SignedForm, local_path};

/// Too many from one address, whatever the cards: told apart from a locked card, because waiting helps.
const TOO_MANY: Error = Error::Forbidden("这里试的次数太多，请过几分钟再试，或到办公室查询。");
/// Characters of a PIN that are looked at; a PIN has six at most.
const PIN_LENGTH: usize = 12;

#[derive(Template)]
#[template(path = "resident/sign_in.html")]
struct SignInPage {
    shell: Shell,
    problems: Problems,
    /// The scanned card's token; without one its number is typed.
    token: Option<String>,
    card: String,
    office: String,
    phone: String,
}

/// `GET /my`
///
/// # Errors
/// Only when the database fails.
pub async fn sign_in_form(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let form = SignIn::default();
    show(&app, visitor, StatusCode::OK, Problems::default(), None, form).await
}

async fn show(
    app: &App,
    visitor: Visitor,
    status: StatusCode,
    problems: Problems,
    token: Option<String>,
    form: SignIn,
) -> Result<Response> {
    let Some(programme) = app.programme().await? else {
        return Ok(page::go("/first-run"));
    };
    let page = SignInPage {
        shell: visitor.shell,
        problems,
        token,
        card: form.card,
        office: programme.office,
        phone: programme.phone,
    };
    page::show_with(status, &page)
}

/// A card's number, where it was not scanned, and the PIN.
#[derive(Default, Deserialize)]
pub struct SignIn {
    #[serde(default)]
    card: String,
    #[serde(default)]
    pin: String,
}

/// `POST /my`
///
/// # Errors
/// `Internal` only: what is wrong shows the form again.
pub async fn sign_in(
    State(app): State<App>,
    visitor: Visitor,
    sender: Sender,
    OpenForm(form): OpenForm<SignIn>,
) -> Result<Response> {
    let outcome = try_sign_in(&app, &form.card, &form.pin, sender).await;
    answer(&app, visitor, outcome, None, form).await
}

/// `POST /K/{token}/sign-in`: the card was scanned, and only its PIN is asked for.
///
/// # Errors
/// `Internal` only: what is wrong shows the form again.
pub async fn sign_in_by_card(
    State(app): State<App>,
    visitor: Visitor,
    sender: Sender,
    Path(token): Path<String>,
    OpenForm(form): OpenForm<SignIn>,
) -> Result<Response> {
    let outcome = try_sign_in(&app, &token, &form.pin, sender).await;
    answer(&app, visitor, outcome, Some(token), form).await
}

async fn answer(
    app: &App,
    visitor: Visitor,
    outcome: Result<Secret>,
    token: Option<String>,
    form: SignIn,
) -> Result<Response> {
    match outcome {
        Ok(secret) => {
            let programme = app.programme().await?;
            let public = programme.map(|programme| programme.address).unwrap_or_default();
            let response = page::go("/my/points");
            Ok(with_cookie(response, HOUSEHOLD_COOKIE, secret.reveal(), &public))
        }
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(app, visitor, status, problems, token, form).await
        }
    }
}

async fn try_sign_in(app: &App, shown: &str, typed: &str, sender: Sender) -> Result<Secret> {
    let typed: String = typed.trim().chars().take(PIN_LENGTH).collect();
    if typed.is_empty() {
        return Err(Error::invalid("pin", "请输入密码。"));
    }
    let token = card::token(shown)?;
    let programme = app.programme().await?.ok_or(Error::NotFound)?;
    let now = app.now();
    let Some(attempt) = app.looks().begin(token.number().as_str(), sender.address(), now) else {
        return Err(TOO_MANY);
    };
    let one = app
        .db
        .write(move |conn| tries::begin(conn, &programme, &token, now))
        .await?;
    let known = one.pin().cloned();
    if !app.slowly(move || pin::verify(known.as_ref(), &typed)).await? {
        return Err(one.refusal());
    }
    app.looks().succeeded(&attempt);
    app.db
        .write(move |conn| {
            let found = tries::succeed(conn, one)?;
            session::start(conn, &found, now)
        })
        .await
}

/// `POST /my/sign-out`. Its pages keep nothing in the browser, and what a till keeps there, if the phone is one, stays.
///
/// # Errors
/// Only when the database fails.
pub async fn sign_out(
    State(app): State<App>,
    resident: Resident,
    SignedForm(_): SignedForm<NoFields>,
) -> Result<Response> {
    if let Some(digest) = resident.session {
        app.db.write(move |conn| session::end(conn, &digest)).await?;
    }
    Ok(without_cookie(page::go("/my"), HOUSEHOLD_COOKIE))
}

/// How large, and the page to come back to.
#[derive(Deserialize)]
pub struct View {
    #[serde(default)]
    text: String,
    #[serde(default)]
    back: String,
}

/// `POST /my/view`: kept in this browser; it says nothing about anybody.
///
/// # Errors
/// Only when the database fails.
pub async fn choose_view(State(app): State<App>, OpenForm(view): OpenForm<View>) -> Result<Response> {
    let programme = app.programme().await?;
    let public = programme.map(|programme| programme.address).unwrap_or_default();
    let response = page::go(local_path(&view.back).unwrap_or("/my"));
    let word = TextSize::named(&view.text).word();
    Ok(with_cookie(response, TEXT_COOKIE, word, &public))
}
