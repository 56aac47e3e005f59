//! The wish list: what households would like the store to have, and their voices, one for each, taken with their card.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::fields::{Fields, fresh_key};
use super::goods::Done;
use crate::access::role::Permission;
use crate::app::{App, Staff};
use crate::clock;
use crate::error::Result;
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::sent::{Path, Query, SignedForm};
use crate::shop::wish::{self, Wish, WishState};

#[derive(Template)]
#[template(path = "shop/wishes.html")]
struct WishesPage {
    shell: Shell,
    problems: Problems,
    done: String,
    key: String,
    fields: Fields,
    wishes: Vec<(Wish, i64)>,
    may_record: bool,
    may_decide: bool,
}

impl WishesPage {
    fn open(&self) -> impl Iterator<Item = &(Wish, i64)> {
        self.wishes.iter().filter(|(wish, _)| wish.state == WishState::Open)
    }

    fn decided(&self) -> impl Iterator<Item = &(Wish, i64)> {
        self.wishes.iter().filter(|(wish, _)| wish.state != WishState::Open)
    }
}

/// `GET /wishes`
///
/// # Errors
/// Only when the database fails.
pub async fn wishes(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    page::show(&wishes_page(&app, staff, done.done, Fields::default(), Problems::default()).await?)
}

async fn wishes_page(app: &App, staff: Staff, done: String, fields: Fields, problems: Problems) -> Result<WishesPage> {
    Ok(WishesPage {
        key: fresh_key(app.now()),
        wishes: app.db.read(wish::list).await?,
        may_record: staff.duties.permit(Permission::RecordWishes),
        may_decide: staff.duties.permit(Permission::KeepGoods),
        shell: staff.shell,
        problems,
        done,
        fields,
    })
}

/// `POST /wishes`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn make_wish(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("wish.recorded", &staff.user.id, app.now());
    let (name, note) = (fields.one("name").to_owned(), fields.one("note").to_owned());
    let made = app.db.write(move |conn| wish::make(conn, &name, &note, &act)).await;
    answered(&app, staff, "recorded", fields, made.map(|_| ())).await
}

/// `POST /wishes/{id}/voices`
///
/// # Errors
/// `NotFound`: what is wrong with the card is shown above the list.
pub async fn voice(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("wish.voiced", &staff.user.id, app.now());
    let (id, card): (Id<Wish>, String) = (Id::known(id), fields.one("card").to_owned());
    let given = app.db.write(move |conn| wish::voice(conn, &id, &card, &act)).await;
    answered(&app, staff, "voiced", fields, given).await
}

/// `POST /wishes/{id}/decision`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown above the list.
pub async fn decide_wish(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("wish.decided", &staff.user.id, app.now());
    let (fulfilled, answer) = (fields.one("decision") == "fulfil", fields.one("answer").to_owned());
    let decided = app
        .db
        .write(move |conn| wish::decide(conn, &Id::known(id), fulfilled, &answer, &act))
        .await;
    answered(&app, staff, "decided", fields, decided).await
}

async fn answered(app: &App, staff: Staff, done: &str, fields: Fields, answer: Result<()>) -> Result<Response> {
    match answer {
        Ok(()) => Ok(page::go(&format!("/wishes?done={done}"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &wishes_page(app, staff, String::new(), fields, problems).await?)
        }
    }
}
