//! The page that nominates a household, in steps of one tap each: which household (`whom`), what it did, and a last look at
//! what will come of it. No script is needed; with one the last look keeps up with what is changed.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Days;
use serde::Deserialize;

use super::whom::{Asked, whom_page};
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock::{self, Day, Moment};
use crate::council::evidence;
use crate::council::forecast::{self, Forecast, History, this_period};
use crate::council::nomination::{self, Nominate, Nomination, Nominator};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::photo;
use crate::places::area::Tree;
use crate::places::household::{self, Household};
use crate::points::Points;
use crate::scheme::item::{self, Category, Item};
use crate::scheme::version;
use crate::sent::{Query, Sent, SignedUpload};

/// For which household and what; or which words to look for.
#[derive(Deserialize)]
pub struct Steps {
    #[serde(default)]
    household: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    building: String,
    #[serde(default)]
    item: String,
    #[serde(default)]
    words: String,
}

/// `GET /nominations/new`: the next step that has not been taken.
///
/// # Errors
/// `NotFound` for a household or a building outside the visitor's area.
pub async fn nominate_form(State(app): State<App>, staff: Staff, Query(steps): Query<Steps>) -> Result<Response> {
    let now = app.now();
    if steps.household.is_empty() {
        let asked = Asked {
            query: steps.query.trim().to_owned(),
            building: steps.building,
            item: steps.item,
        };
        let read = move |conn: &mut Conn| whom_page(conn, &staff, Problems::default(), asked);
        return page::show(&app.db.read(read).await?);
    }
    if steps.item.is_empty() {
        let read = move |conn: &mut Conn| items_page(conn, &staff, Problems::default(), &steps, now);
        return page::show(&app.db.read(read).await?);
    }
    let form = Form {
        household: steps.household,
        item: steps.item,
        count: "1".to_owned(),
        occurred_on: clock::day_of(now).to_string(),
        ..Form::default()
    };
    let read = move |conn: &mut Conn| last_look(conn, &staff, Problems::default(), form, now);
    page::show(&app.db.read(read).await?)
}

// ---- What it did ---------------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "council/items.html")]
struct ItemsPage {
    shell: Shell,
    problems: Problems,
    household: Household,
    address: String,
    words: String,
    usual: Vec<Offer>,
    groups: Vec<Group>,
}

/// An item, with what this household can still have of it.
struct Offer {
    item: Item,
    left: Points,
}

/// A category with its items.
struct Group {
    category: Category,
    offers: Vec<Offer>,
}

impl Offer {
    fn is_full(&self) -> bool {
        self.left < self.item.points
    }

    fn period(&self) -> &'static str {
        this_period(self.item.cap_period)
    }
}

/// Items that stand on top.
const USUAL: usize = 8;

fn items_page(conn: &mut Conn, staff: &Staff, problems: Problems, steps: &Steps, now: Moment) -> Result<ItemsPage> {
    let today = clock::day_of(now);
    let household = household_within(conn, staff, &steps.household)?;
    let history = History::load(conn, &household.id, today)?;
    let (categories, items) = items_in_force(conn, today)?;
    let offer = |item: &Item| Offer {
        left: history.item_left(item, today),
        item: item.clone(),
    };
    let words = steps.words.trim().to_owned();
    let usual = match words.is_empty() {
        true => forecast::most_used(conn, &staff.user.id, USUAL)?,
        false => Vec::new(),
    };
    let usual = usual
        .iter()
        .filter_map(|code| items.iter().find(|item| item.code == *code))
        .map(offer)
        .collect();
    let wanted =
        |item: &&Item| words.is_empty() || item.name.contains(&words) || item.code.eq_ignore_ascii_case(&words);
    let groups = categories.into_iter().map(|category| Group {
        offers: items
            .iter()
            .filter(|item| item.category_code == category.code)
            .filter(wanted)
            .map(offer)
            .collect(),
        category,
    });
    Ok(ItemsPage {
        shell: staff.shell.clone(),
        problems,
        address: household.address(&Tree::load(conn)?),
        household,
        usual,
        groups: groups.filter(|group| !group.offers.is_empty()).collect(),
        words,
    })
}

/// The categories and items in force; none when no scheme is.
pub(super) fn items_in_force(conn: &mut Conn, day: Day) -> Result<(Vec<Category>, Vec<Item>)> {
    match version::in_force(conn, day) {
        Ok(scheme) => item::of_version(conn, &scheme.id),
        Err(Error::NotFound) => Ok((Vec::new(), Vec::new())),
        Err(error) => Err(error),
    }
}

fn household_within(conn: &mut Conn, staff: &Staff, code: &str) -> Result<Household> {
    let household = household::by_code(conn, code)?;
    staff.expect_within(conn, Permission::Nominate, &household.building_id)?;
    Ok(household)
}

// ---- The last look -------------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "council/nominate.html")]
struct NominatePage {
    shell: Shell,
    problems: Problems,
    household: Household,
    item: Item,
    category: Category,
    forecast: Forecast,
    /// Who nominated what looks like the same.
    alike: Vec<Alike>,
    today: Day,
    yesterday: Day,
    /// The key of the form: a fresh one each time that it is shown, because nothing was done with the one before.
    key: Id<Nomination>,
    form: Form,
}

/// A nomination that looks like the same deed.
pub(super) struct Alike {
    pub(super) id: Id<Nomination>,
    pub(super) day: String,
    pub(super) by: String,
    pub(super) state: &'static str,
    pub(super) same_day: bool,
}

/// What people often add; a tap each.
const PHRASES: [&str; 6] = [
    "邻居看见的",
    "本人在场",
    "有签到表",
    "主动帮忙",
    "不要报酬",
    "坚持了很久",
];

impl NominatePage {
    /// The most counts that the item's cap leaves room for at all.
    fn most_count(&self) -> i64 {
        self.item
            .cap
            .0
            .checked_div(self.item.points.0)
            .unwrap_or(1)
            .clamp(1, 100)
    }

    fn is_other_day(&self) -> bool {
        let day = &self.form.occurred_on;
        *day != self.today.to_string() && *day != self.yesterday.to_string()
    }

    fn is_day(&self, day: &Day) -> bool {
        self.form.occurred_on == day.to_string()
    }

    fn phrases(&self) -> Vec<(&'static str, bool)> {
        let chosen = |phrase: &str| self.form.phrases.iter().any(|chosen| chosen == phrase);
        PHRASES.iter().map(|phrase| (*phrase, chosen(phrase))).collect()
    }

    fn period(&self) -> &'static str {
        this_period(self.item.cap_period)
    }

    fn most_photos(&self) -> usize {
        evidence::MOST
    }
}

/// A nomination, as the form sends it.
#[derive(Clone, Debug, Default)]
struct Form {
    key: String,
    household: String,
    item: String,
    count: String,
    occurred_on: String,
    note: String,
    phrases: Vec<String>,
    /// The warnings that the sender saw.
    seen: String,
}

impl Form {
    fn of(sent: &Sent) -> Form {
        let day = match sent.one("occurred_on") {
            "other" => sent.one("other_day"),
            day => day,
        };
        Form {
            key: sent.one("key").to_owned(),
            household: sent.one("household").to_owned(),
            item: sent.one("item").to_owned(),
            count: sent.one("count").to_owned(),
            occurred_on: day.trim().to_owned(),
            note: sent.one("note").trim().to_owned(),
            phrases: sent.all("phrase").map(str::to_owned).collect(),
            seen: sent.one("seen").to_owned(),
        }
    }

    fn count(&self) -> Result<i64> {
        let count = self.count.trim().parse();
        count.map_err(|_| Error::invalid("count", "次数应为整数。"))
    }

    fn day(&self) -> Result<Day> {
        let day = self.occurred_on.parse();
        day.map_err(|_| Error::invalid("occurred_on", "请选择是哪一天。"))
    }

    /// What was written and what was tapped, as one note.
    fn whole_note(&self) -> String {
        let written = (!self.note.is_empty()).then_some(self.note.as_str());
        let tapped = self.phrases.iter().map(String::as_str);
        let parts: Vec<&str> = written.into_iter().chain(tapped).collect();
        parts.join("；")
    }
}

fn last_look(conn: &mut Conn, staff: &Staff, problems: Problems, form: Form, now: Moment) -> Result<NominatePage> {
    let today = clock::day_of(now);
    let household = household_within(conn, staff, &form.household)?;
    // While the form makes no sense, the forecast is that of a deed done once today.
    let (count, day) = (form.count().unwrap_or(1), form.day().unwrap_or(today));
    let (item, category) = item_on(conn, &form.item, day.min(today))?;
    let forecast = forecast::forecast(conn, &household.id, (&item, &category), count.clamp(1, 100), day, None)?;
    Ok(NominatePage {
        shell: staff.shell.clone(),
        problems,
        household,
        alike: alike(conn, &forecast)?,
        forecast,
        item,
        category,
        today,
        yesterday: today.checked_sub_days(Days::new(1)).unwrap_or(today),
        key: Id::new(now),
        form,
    })
}

/// An item by its code in the rules of a day; of today, if that day had none.
fn item_on(conn: &mut Conn, code: &str, day: Day) -> Result<(Item, Category)> {
    let version = version::in_force(conn, day)?;
    let found = item::by_code(conn, &version.id, code).map_err(|error| match error {
        Error::Invalid(_) => Error::NotFound,
        other => other,
    })?;
    item::by_id(conn, &found.id)
}

/// What looks like the same deed, in words.
pub(super) fn alike(conn: &mut Conn, forecast: &Forecast) -> Result<Vec<Alike>> {
    let all = || forecast.same_day.iter().chain(&forecast.near);
    let ids: Vec<Id<User>> = all().filter_map(|one| one.nominated_by.clone()).collect();
    let names = user::display_names(conn, &ids)?;
    Ok(all()
        .map(|one| Alike {
            id: one.id.clone(),
            day: clock::spoken_day(one.occurred_on),
            by: match &one.nominated_by {
                Some(id) => names.get(id).cloned().unwrap_or_default(),
                None => "住户用积分卡报的".to_owned(),
            },
            state: one.state.label(),
            same_day: forecast.same_day.iter().any(|other| other.id == one.id),
        })
        .collect())
}

/// `POST /nominations/check`: the last look again, for what was changed in the form. Writes nothing.
///
/// # Errors
/// `NotFound` for a household outside the visitor's area.
pub async fn check(State(app): State<App>, staff: Staff, SignedUpload(sent): SignedUpload) -> Result<Response> {
    let (form, now) = (Form::of(&sent), app.now());
    let read = move |conn: &mut Conn| last_look(conn, &staff, Problems::default(), form, now);
    page::show(&app.db.read(read).await?)
}

/// `POST /nominations`
///
/// # Errors
/// `NotFound` for a household outside the visitor's area, or none: what is wrong in the form is shown in it.
pub async fn nominate(State(app): State<App>, staff: Staff, SignedUpload(sent): SignedUpload) -> Result<Response> {
    let form = Form::of(&sent);
    match try_nominate(&app, &staff, form.clone()).await {
        Ok(nomination) => {
            // The nomination stands, whatever becomes of its photographs.
            let by = staff.user.id.clone();
            let photos = add_photos(&app, &nomination.id, &sent, Some(by)).await;
            let lost = match photos {
                Ok(_) => String::new(),
                Err(Error::Internal(cause, place)) => return Err(Error::Internal(cause, place)),
                Err(refused) => format!("&photo={}", refused.code()),
            };
            Ok(page::go(&format!(
                "/nominations/{}?done=nominated{lost}",
                nomination.id
            )))
        }
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            refused(&app, staff, status, problems, form).await
        }
    }
}

/// The step that is to be taken again.
async fn refused(app: &App, staff: Staff, status: StatusCode, problems: Problems, form: Form) -> Result<Response> {
    let now = app.now();
    if form.household.is_empty() {
        let read = move |conn: &mut Conn| whom_page(conn, &staff, problems, Asked::default());
        return page::show_with(status, &app.db.read(read).await?);
    }
    if form.item.is_empty() {
        let steps = Steps {
            household: form.household,
            query: String::new(),
            building: String::new(),
            item: String::new(),
            words: String::new(),
        };
        let read = move |conn: &mut Conn| items_page(conn, &staff, problems, &steps, now);
        return page::show_with(status, &app.db.read(read).await?);
    }
    let read = move |conn: &mut Conn| last_look(conn, &staff, problems, form, now);
    page::show_with(status, &app.db.read(read).await?)
}

async fn try_nominate(app: &App, staff: &Staff, form: Form) -> Result<Nomination> {
    if form.household.is_empty() {
        return Err(Error::invalid("household", "请先选是哪一户。"));
    }
    if form.item.is_empty() {
        return Err(Error::invalid("item", "请选择做了什么。"));
    }
    let (count, occurred_on) = (form.count()?, form.day()?);
    let (now, staff) = (app.now(), staff.clone());
    app.db
        .write(move |conn| {
            let household = household_within(conn, &staff, &form.household)?;
            let today = clock::day_of(now);
            let (item, category) = item_on(conn, &form.item, occurred_on.min(today))?;
            let before = forecast::forecast(conn, &household.id, (&item, &category), count, occurred_on, None)?;
            let asked = Nominate {
                household: household.id,
                item: form.item.clone(),
                count,
                occurred_on,
                note: form.whole_note(),
                by: Nominator::Staff(staff.user.id),
                key: form.key.clone(),
            };
            let made = nomination::nominate(conn, &asked, now)?;
            // A repeat of a request that was carried out finds its own nomination there, and nobody is asked again.
            let is_repeat = before.same_day.iter().any(|one| one.id == made.id);
            match is_repeat || form.seen == before.mark() {
                true => Ok(made),
                // An error takes the nomination back.
                false => Err(forecast::Unseen.into()),
            }
        })
        .await
}

/// Makes the photographs of a form small and clean, keeps them and attaches them. The first that cannot be taken stops it;
/// those before it stay.
pub(super) async fn add_photos(
    app: &App,
    nomination: &Id<Nomination>,
    sent: &Sent,
    by: Option<Id<User>>,
) -> Result<usize> {
    let mut added = 0usize;
    for bytes in sent.files("photo").take(evidence::MOST.saturating_add(1)) {
        let (bytes, files) = (bytes.clone(), app.files.clone());
        let kept = app
            .slowly(move || {
                photo::clean(&bytes)
                    .map_err(Error::from)
                    .and_then(|photo| evidence::keep(&files, &photo))
            })
            .await??;
        let (id, by, now) = (nomination.clone(), by.clone(), app.now());
        let new = app
            .db
            .write(move |conn| evidence::attach(conn, &id, &[kept], by.as_ref(), now))
            .await?;
        added = added.saturating_add(new.len());
    }
    Ok(added)
}
