//! The first run: an empty database greets, and whoever holds the set-up code founds the programme.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::{Duties, Role};
use crate::access::session;
use crate::access::user::{self, PasswordHash, User};
use crate::app::{App, Visitor};
use crate::audit::{self, Event};
use crate::clock::Moment;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::guard::{COOKIE, with_cookie};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{self, Area, AreaKind};
use crate::places::programme::{self, NewProgramme};
use crate::sent::OpenForm;
use crate::shop::store::{self, PointsStore};

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
    issuer: String,
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
pub async fn found(State(app): State<App>, visitor: Visitor, OpenForm(form): OpenForm<FirstRun>) -> Result<Response> {
    if app.programme().await?.is_some() {
        return Err(Error::NotFound);
    }
    match try_found(&app, form.clone()).await {
        Ok(secret) => Ok(with_cookie(page::go("/desk"), COOKIE, secret.reveal(), &form.address)),
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
        issuer: form.issuer.clone(),
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
    store::add(conn, &store, now)?;
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
