//! Users: who has an account and which duties.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::role::{Duties, Role};
use crate::access::user::{self, PasswordHash, User};
use crate::app::{App, Staff};
use crate::audit::{self, Event};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, Tree};
use crate::places::household;
use crate::sent::{NoFields, Path, Query, SignedForm};

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

pub(super) struct AreaChoice {
    pub(super) id: Id<Area>,
    pub(super) label: String,
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

impl Done {
    pub(super) fn is_done(&self) -> bool {
        self.done == "yes"
    }
}

/// `GET /users`
///
/// # Errors
/// Only when the database fails.
pub async fn users(State(app): State<App>, staff: Staff, Query(done): Query<Done>) -> Result<Response> {
    let mut page = users_page(&app, staff, Problems::default(), NewUser::default()).await?;
    page.added = done.is_done();
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
            Ok(UsersPage {
                shell: staff.shell,
                added: false,
                problems,
                rows,
                roles: Role::ALL,
                areas: area_choices(&tree),
                form,
            })
        })
        .await
}

pub(super) fn area_choices(tree: &Tree) -> Vec<AreaChoice> {
    let choices = tree.all().iter().map(|area| AreaChoice {
        id: area.id.clone(),
        label: area_label(area, tree),
    });
    choices.collect()
}

pub(super) fn area_label(area: &Area, tree: &Tree) -> String {
    match tree.address(&area.id) {
        address if address.is_empty() => area.name.clone(),
        address => address,
    }
}

pub(super) fn duties_in_words(duties: &Duties, tree: &Tree) -> String {
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
            let tree = Tree::load(conn)?;
            if tree.get(&area).is_none() {
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
            let duties = Duties(vec![(role, area)]);
            user::add(conn, &user, &hash, &duties, now)?;
            let subject = format!("user:{}", user.id);
            let detail = duties_in_words(&duties, &tree);
            audit::record(conn, &[Event::new(by.as_str(), "user.added", subject, detail, now)])
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
