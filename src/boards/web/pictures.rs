//! Photographs on the board: the list of the staff, the form, the page of one where a second person sees it; and the doors
//! that hand out the file, to everybody while it is shown, to the staff, and to its own household.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Resident, Staff};
use crate::boards::picture::over::WITHDRAWN_DAYS;
use crate::boards::picture::{
    self, Add, Beside, Children, Decide, Decision, Picture, REASON_LENGTH, State as Stand, WORDS_LENGTH,
};
use crate::boards::refused::Hidden;
use crate::clock::{self, Day, day_of};
use crate::council::nomination;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::honours::{award, title};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::photo;
use crate::places::household::{self, Household};
use crate::sent::{Path, Query, Sent, SignedForm, SignedUpload};

/// Photographs that have ended on the list, the latest.
const ENDED: i64 = 20;

/// A photograph as the staff read it.
struct Told {
    picture: Picture,
    household: Household,
    /// The deed or title it stands beside.
    about: About,
    /// Why it would not be shown now.
    hidden: Option<Hidden>,
    /// When it comes down by itself.
    due_on: Option<Day>,
}

/// A deed or a title that a photograph stands beside, or may.
struct About {
    /// What is read on the board.
    told: String,
    /// The staff's page of it.
    href: String,
}

impl About {
    fn of(conn: &mut Conn, beside: &Beside) -> Result<About> {
        Ok(match beside {
            Beside::Deed(id) => About {
                told: nomination::by_id(conn, id)?.public_text,
                href: format!("/nominations/{id}"),
            },
            Beside::Title(id) => {
                let award = award::by_id(conn, id)?;
                let title = title::by_id(conn, &award.title_id)?;
                About {
                    told: format!("{}：{}", title.name, award.reason),
                    href: format!("/title-awards/{id}"),
                }
            }
        })
    }
}

impl Told {
    /// A photograph of a household within reach.
    ///
    /// # Errors
    /// `NotFound`, also for a household outside.
    fn of(conn: &mut Conn, staff: &Staff, picture: Picture, today: Day) -> Result<Told> {
        let household = household::by_id(conn, &picture.household_id)?;
        staff.expect_within(conn, Permission::KeepSession, &household.building_id)?;
        let beside = picture.beside().ok_or(Error::NotFound)?;
        Ok(Told {
            about: About::of(conn, &beside)?,
            hidden: picture::hidden(conn, &beside, today)?,
            due_on: picture::over::due_on(conn, &beside, today)?,
            household,
            picture,
        })
    }

    fn all(conn: &mut Conn, staff: &Staff, pictures: Vec<Picture>, today: Day) -> Result<Vec<Told>> {
        let told = pictures.into_iter().map(|one| Told::of(conn, staff, one, today));
        told.collect()
    }

    fn waits(&self) -> bool {
        self.picture.state == Stand::Proposed
    }

    fn is_shown(&self) -> bool {
        self.picture.state == Stand::Approved && self.hidden.is_none()
    }

    /// What it is now, and the badge for it.
    fn stand(&self) -> (&'static str, &'static str) {
        match self.picture.state {
            Stand::Approved if self.hidden.is_some() => ("badge warn", "不显示"),
            Stand::Approved => ("badge ok", "正在榜上"),
            Stand::Proposed => ("badge warn", Stand::Proposed.label()),
            other => ("badge", other.label()),
        }
    }

    fn due(&self) -> String {
        self.due_on.map(clock::spoken_day).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "boards/pictures.html")]
struct PicturesPage {
    shell: Shell,
    waiting: Vec<Told>,
    shown: Vec<Told>,
    hidden: Vec<Told>,
    ended: Vec<Told>,
}

/// `GET /board/pictures`
///
/// # Errors
/// Only when the database fails.
pub async fn pictures(State(app): State<App>, staff: Staff) -> Result<Response> {
    let today = day_of(app.now());
    let page = app
        .db
        .read(move |conn| {
            let inside = staff.households(conn, Permission::KeepSession)?;
            let (mut kept, mut ended) = (picture::kept(conn)?, picture::ended(conn, ENDED)?);
            for all in [&mut kept, &mut ended] {
                all.retain(|one| inside.as_ref().is_none_or(|inside| inside.contains(&one.household_id)));
            }
            let ended = Told::all(conn, &staff, ended, today)?;
            let kept = Told::all(conn, &staff, kept, today)?.into_iter();
            let (waiting, decided): (Vec<Told>, Vec<Told>) = kept.partition(Told::waits);
            let (shown, hidden) = decided.into_iter().partition(Told::is_shown);
            Ok(PicturesPage {
                shell: staff.shell,
                waiting,
                shown,
                hidden,
                ended,
            })
        })
        .await?;
    page::show(&page)
}

/// What a form of a new photograph says, and what an address says of it.
#[derive(Clone, Default, Deserialize)]
pub struct Form {
    #[serde(default)]
    deed: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    children: String,
    #[serde(default)]
    guardian: String,
    #[serde(default)]
    guardian_on: String,
}

impl Form {
    fn sent(sent: &Sent) -> Form {
        let one = |name| sent.one(name).to_owned();
        Form {
            deed: one("deed"),
            title: one("title"),
            key: one("key"),
            words: one("words"),
            children: one("children"),
            guardian: one("guardian"),
            guardian_on: one("guardian_on"),
        }
    }

    fn beside(&self) -> Result<Beside> {
        match (self.deed.as_str(), self.title.as_str()) {
            ("", "") => Err(Error::NotFound),
            ("", title) => Ok(Beside::Title(Id::known(title))),
            (deed, _) => Ok(Beside::Deed(Id::known(deed))),
        }
    }

    fn children(&self) -> Result<Children> {
        match (self.children.as_str(), self.guardian.as_str()) {
            ("none", _) => Ok(Children::None),
            ("some", "yes") => {
                let day = self.guardian_on.parse();
                let none = |_| Error::invalid("guardian_on", "请填监护人签同意书的日期。");
                day.map(Children::Agreed).map_err(none)
            }
            ("some", _) => Ok(Children::NotAgreed),
            _ => Err(Error::invalid("children", "请选照片里有没有未成年人。")),
        }
    }
}

#[derive(Template)]
#[template(path = "boards/picture_new.html")]
struct NewPicturePage {
    shell: Shell,
    problems: Problems,
    household: Household,
    about: About,
    /// Why no photograph can be put here now.
    hidden: Option<Hidden>,
    today: Day,
    key: Id<Picture>,
    form: Form,
}

/// `GET /board/pictures/new`: the form; where there is a photograph already, that one.
///
/// # Errors
/// `NotFound`, also for a household outside the person's area.
pub async fn new_picture(State(app): State<App>, staff: Staff, Query(form): Query<Form>) -> Result<Response> {
    let beside = form.beside()?;
    let there = app.db.read(move |conn| picture::of(conn, &beside)).await?;
    match there {
        Some(there) => Ok(page::go(&format!("/board/pictures/{}", there.id))),
        None => page::show(&form_page(&app, staff, form, Problems::default()).await?),
    }
}

async fn form_page(app: &App, staff: Staff, form: Form, problems: Problems) -> Result<NewPicturePage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let beside = form.beside()?;
            let household = household_within(conn, &staff, &beside)?;
            Ok(NewPicturePage {
                about: About::of(conn, &beside)?,
                hidden: picture::hidden(conn, &beside, day_of(now))?,
                shell: staff.shell,
                today: day_of(now),
                key: match form.key.as_str() {
                    "" => Id::new(now),
                    sent => Id::known(sent),
                },
                problems,
                household,
                form,
            })
        })
        .await
}

/// The household of a deed or title, within the person's area.
fn household_within(conn: &mut Conn, staff: &Staff, beside: &Beside) -> Result<Household> {
    let id = picture::household_of(conn, beside)?;
    let household = household::by_id(conn, &id)?;
    staff.expect_within(conn, Permission::KeepSession, &household.building_id)?;
    Ok(household)
}

/// `POST /board/pictures`
///
/// # Errors
/// `NotFound`, also for a household outside the person's area: what is wrong in the form is shown in it.
pub async fn add_picture(State(app): State<App>, staff: Staff, SignedUpload(sent): SignedUpload) -> Result<Response> {
    let form = Form::sent(&sent);
    match try_add(&app, &staff, &form, &sent).await {
        Ok(picture) => Ok(page::go(&format!("/board/pictures/{}?done=added", picture.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &form_page(&app, staff, form, problems).await?)
        }
    }
}

async fn try_add(app: &App, staff: &Staff, form: &Form, sent: &Sent) -> Result<Picture> {
    let beside = form.beside()?;
    let (asking, whose) = (staff.clone(), beside.clone());
    app.db
        .read(move |conn| household_within(conn, &asking, &whose).map(drop))
        .await?;
    let asked = Add {
        beside,
        words: form.words.clone(),
        children: form.children()?,
        by: staff.user.id.clone(),
        key: form.key.clone(),
    };
    let bytes = sent.files("photo").next().cloned();
    let bytes = bytes.ok_or_else(|| Error::invalid("photo", "请先选照片，再按“交给第二人看”。"))?;
    let (now, checked) = (app.now(), asked.clone());
    app.db
        .read(move |conn| picture::expect_welcome(conn, &checked, now))
        .await?;
    let files = app.files.clone();
    let kept = app
        .slowly(move || {
            let photo = photo::for_board(&photo::clean(&bytes)?.bytes)?;
            picture::keep(&files, &photo)
        })
        .await??;
    let (added, files) = (kept.clone(), app.files.clone());
    let answer = app.db.write(move |conn| picture::add(conn, &asked, &added, now)).await;
    if answer.is_err() {
        // Somebody was quicker: what was not taken lies nowhere.
        app.db.write(move |conn| picture::discard(conn, &files, &kept)).await?;
    }
    answer
}

#[derive(Template)]
#[template(path = "boards/picture.html")]
struct PicturePage {
    shell: Shell,
    problems: Problems,
    done: String,
    told: Told,
    names: HashMap<Id<User>, String>,
    /// Did this person add it?
    is_own: bool,
    key: Id<Picture>,
    reason: String,
}

impl PicturePage {
    fn name(&self, id: &Id<User>) -> &str {
        self.names.get(id).map_or("", String::as_str)
    }
}

/// What was done just before this page.
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /board/pictures/{id}`: a second person sees it here as large as it is kept.
///
/// # Errors
/// `NotFound`, also for a household outside the person's area.
pub async fn picture(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let mut page = one_page(&app, staff, id, Problems::default(), String::new()).await?;
    page.done = done.done;
    page::show(&page)
}

async fn one_page(app: &App, staff: Staff, id: String, problems: Problems, reason: String) -> Result<PicturePage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let picture = picture::by_id(conn, &Id::known(id))?;
            let told = Told::of(conn, &staff, picture, day_of(now))?;
            let people = [Some(told.picture.added_by.clone()), told.picture.decided_by.clone()];
            let people: Vec<Id<User>> = people.into_iter().flatten().collect();
            Ok(PicturePage {
                problems,
                done: String::new(),
                names: user::display_names(conn, &people)?,
                is_own: told.picture.added_by == staff.user.id,
                key: Id::new(now),
                shell: staff.shell,
                told,
                reason,
            })
        })
        .await
}

/// What is to become of a photograph, as the form sends it.
#[derive(Clone, Deserialize)]
pub struct Decided {
    #[serde(default)]
    key: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    reason: String,
}

/// `POST /board/pictures/{id}/decision`: approved or refused by a second person, or taken down.
///
/// # Errors
/// `NotFound`, also for a household outside the person's area: what is wrong in the form is shown in it.
pub async fn decide_picture(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<Decided>,
) -> Result<Response> {
    let reason = form.reason.clone();
    match try_decide(&app, &staff, &id, form).await {
        Ok(picture) => Ok(page::go(&format!("/board/pictures/{}?done=decided", picture.id))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &one_page(&app, staff, id, problems, reason).await?)
        }
    }
}

async fn try_decide(app: &App, staff: &Staff, id: &str, form: Decided) -> Result<Picture> {
    let decision = match form.decision.as_str() {
        "approve" => Some(Decision::Approve),
        "refuse" => Some(Decision::Refuse),
        "take_down" => Some(Decision::TakeDown),
        _ => None,
    };
    let (id, staff, files, now) = (Id::known(id), staff.clone(), app.files.clone(), app.now());
    app.db
        .write(move |conn| {
            let picture = picture::by_id(conn, &id)?;
            let household = household::by_id(conn, &picture.household_id)?;
            staff.expect_within(conn, Permission::KeepSession, &household.building_id)?;
            let asked = Decide {
                picture: id,
                decision: decision.ok_or_else(|| Error::invalid("decision", "请选同意、不同意或撤下。"))?,
                reason: form.reason,
                by: staff.user.id,
                key: form.key,
            };
            picture::decide(conn, &files, &asked, now)
        })
        .await
}

/// `GET /board/pictures/{id}/file`: the photograph for the staff, also before it is shown.
///
/// # Errors
/// `NotFound`, also for a household outside the person's area and when the file is gone.
pub async fn picture_file(State(app): State<App>, staff: Staff, Path(id): Path<String>) -> Result<Response> {
    let found = app
        .db
        .read(move |conn| {
            let picture = picture::by_id(conn, &Id::known(id))?;
            let household = household::by_id(conn, &picture.household_id)?;
            staff.expect_within(conn, Permission::KeepSession, &household.building_id)?;
            Ok(picture)
        })
        .await?;
    file(&app, &found).await
}

/// `GET /board/photos/{id}`: for everybody, as long as the household agrees and the deed stands. Nobody keeps it: the next
/// look asks again.
///
/// # Errors
/// `NotFound`, whatever the reason.
pub async fn board_photo(State(app): State<App>, Path(id): Path<String>) -> Result<Response> {
    let today = day_of(app.now());
    let found = app
        .db
        .read(move |conn| picture::shown(conn, &Id::known(id), today))
        .await?;
    file(&app, &found).await
}

/// `GET /my/pictures/{id}`: a household's own photograph, shown to others or not.
///
/// # Errors
/// `NotFound`, also for another household's.
pub async fn own_picture(State(app): State<App>, resident: Resident, Path(id): Path<String>) -> Result<Response> {
    let found = app.db.read(move |conn| picture::by_id(conn, &Id::known(id))).await?;
    match found.household_id == resident.household.id {
        true => file(&app, &found).await,
        false => Err(Error::NotFound),
    }
}

async fn file(app: &App, picture: &Picture) -> Result<Response> {
    let file = picture.file().ok_or(Error::NotFound)?;
    let (kind, files) = (file.kind(), app.files.clone());
    let bytes = app.slowly(move || files.read(&file)).await??;
    let not_kept = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((not_kept, page::photograph(kind.media_type(), bytes)).into_response())
}
