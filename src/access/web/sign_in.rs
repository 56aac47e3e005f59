//! Signing in and out.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use serde::Deserialize;

use crate::access::session;
use crate::app::{App, Sender, Visitor};
use crate::error::Result;
use crate::guard::{COOKIE, with_cookie, without_cookie};
use crate::page::{self, Problems, Shell};
use crate::sent::{NoFields, OpenForm, Query, SignedForm, local_path};

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
    sender: Sender,
    OpenForm(form): OpenForm<SignIn>,
) -> Result<Response> {
    match try_sign_in(&app, &form, sender).await {
        Ok(secret) => {
            let next = local_path(&form.next).unwrap_or("/desk");
            let programme = app.programme().await?;
            let public = programme.map(|programme| programme.address).unwrap_or_default();
            Ok(with_cookie(page::go(next), COOKIE, secret.reveal(), &public))
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

async fn try_sign_in(app: &App, form: &SignIn, sender: Sender) -> Result<session::Secret> {
    let user = app.person_of(&form.name, form.password.clone(), sender).await?;
    let now = app.now();
    app.db.write(move |conn| session::start(conn, &user.id, now)).await
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
    let mut response = without_cookie(page::go("/"), COOKIE);
    let clear = HeaderValue::from_static("\"storage\"");
    response.headers_mut().insert("clear-site-data", clear);
    Ok(response)
}
