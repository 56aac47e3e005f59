//! The shift of the person at the till: opening it, closing it, taking over one that was left open.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::basket::Fields;
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Moment, day_of};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::sent::{Path, SignedForm};
use crate::shop::goods::GoodsItem;
use crate::shop::handover::{self, Totals};
use crate::shop::held;
use crate::shop::opening;
use crate::shop::shift::{self, Closing, Shift};
use crate::shop::store;
use crate::shop::till::{self, Till};

#[derive(Template)]
#[template(path = "shop/shift.html")]
struct ShiftPage {
    shell: Shell,
    problems: Problems,
    /// The visitor's open shift.
    own: Option<Own>,
    stores: Vec<StoreView>,
    form: NewShift,
}

/// The visitor's open shift.
struct Own {
    shift: Shift,
    till: String,
    /// Is it of an earlier day?
    left_open: bool,
    totals: Totals,
    held: usize,
    /// What is worth counting before it is handed over.
    sample: Vec<GoodsItem>,
}

/// A store with its tills.
struct StoreView {
    name: String,
    open_today: bool,
    days: String,
    next: String,
    tills: Vec<TillView>,
}

/// A till, and who stands there.
struct TillView {
    till: Till,
    taken: Option<Taken>,
}

struct Taken {
    number: i64,
    person: String,
    since: Moment,
    /// Is it the visitor's own?
    own: bool,
}

impl ShiftPage {
    fn build(conn: &mut Conn, staff: Staff, form: NewShift, problems: Problems, now: Moment) -> Result<ShiftPage> {
        let own = match shift::of_person(conn, &staff.user.id)? {
            None => None,
            Some(shift) => Some(Own {
                till: till::by_id(conn, &shift.till_id)?.name,
                left_open: shift.day() != day_of(now),
                totals: handover::totals(conn, &shift.id)?,
                held: held::of_shift(conn, &shift.id)?.len(),
                sample: handover::sample(conn, &shift.id)?,
                shift,
            }),
        };
        let mut stores = Vec::new();
        for store in store::all_of_duties(conn, &staff.duties, Permission::Redeem)? {
            let today = day_of(now);
            let days = opening::of_store(conn, &store.id, today)?;
            let mut tills = Vec::new();
            for till in till::of_store(conn, &store.id)? {
                let taken = taken(conn, &till, &staff)?;
                tills.push(TillView { till, taken });
            }
            stores.push(StoreView {
                name: store.name,
                open_today: days.is_open(today),
                days: days.in_words(),
                next: days.next(today).map(clock::spoken_day).unwrap_or_default(),
                tills,
            });
        }
        Ok(ShiftPage {
            shell: staff.shell,
            problems,
            own,
            stores,
            form,
        })
    }
}

fn taken(conn: &mut Conn, till: &Till, staff: &Staff) -> Result<Option<Taken>> {
    let Some(shift) = shift::open_at(conn, &till.id)? else {
        return Ok(None);
    };
    let mut names = user::display_names(conn, std::slice::from_ref(&shift.opened_by))?;
    Ok(Some(Taken {
        number: shift.number,
        person: names.remove(&shift.opened_by).unwrap_or_default(),
        since: shift.opened_at,
        own: shift.opened_by == staff.user.id,
    }))
}

/// `GET /shift`
///
/// # Errors
/// Only when the database fails.
pub async fn shift(State(app): State<App>, staff: Staff) -> Result<Response> {
    show(&app, staff, NewShift::default(), StatusCode::OK, Problems::default()).await
}

async fn show(app: &App, staff: Staff, form: NewShift, status: StatusCode, problems: Problems) -> Result<Response> {
    let now = app.now();
    let page = app
        .db
        .read(move |conn| ShiftPage::build(conn, staff, form, problems, now))
        .await?;
    page::show_with(status, &page)
}

/// A shift that begins, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewShift {
    #[serde(default)]
    till: String,
    #[serde(default)]
    reason: String,
}

/// `POST /shift`
///
/// # Errors
/// `NotFound` for a till outside the person's duties; what the rules refuse is shown on the page.
pub async fn open_shift(
    State(app): State<App>,
    staff: Staff,
    SignedForm(form): SignedForm<NewShift>,
) -> Result<Response> {
    match try_open(&app, &staff, form.clone()).await {
        Ok(_) => Ok(page::go("/counter")),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, staff, form, status, problems).await
        }
    }
}

async fn try_open(app: &App, staff: &Staff, form: NewShift) -> Result<Shift> {
    if form.till.is_empty() {
        return Err(Error::invalid("till", "请选柜台。"));
    }
    let (duties, by, now) = (staff.duties.clone(), staff.user.id.clone(), app.now());
    app.db
        .write(move |conn| {
            let till = till::by_id(conn, &Id::known(form.till))?;
            let stores = store::all_of_duties(conn, &duties, Permission::Redeem)?;
            if stores.iter().all(|store| store.id != till.store_id) {
                return Err(Error::NotFound);
            }
            shift::open(conn, &till.id, &form.reason, &by, now)
        })
        .await
}

/// `POST /shifts/{number}/closing`: by its own person, or by a colleague who takes over.
///
/// # Errors
/// `NotFound` for a shift outside the person's duties; what the rules refuse is shown on the page.
pub async fn close_shift(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<i64>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    match try_close(&app, &staff, number, fields).await {
        Ok(shift) => Ok(page::go(&format!("/shifts/{}?done=closed", shift.number))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, staff, NewShift::default(), status, problems).await
        }
    }
}

/// What a counted kind of goods is called in the form, before its id.
const COUNT: &str = "count.";

async fn try_close(app: &App, staff: &Staff, number: i64, fields: Fields) -> Result<Shift> {
    let mut closing = Closing::default();
    for (name, text) in fields {
        match (name.as_str(), text.trim()) {
            ("note", note) => note.clone_into(&mut closing.note),
            ("takeover_reason", reason) => reason.clone_into(&mut closing.takeover_reason),
            ("slips", "") => {}
            ("slips", text) => closing.slips_counted = Some(number_of("slips", text)?),
            (name, text) => {
                if let (Some(goods), false) = (name.strip_prefix(COUNT), text.is_empty()) {
                    closing
                        .counts
                        .push((Id::known(goods.to_owned()), number_of("counts", text)?));
                }
            }
        }
    }
    let (duties, by, now) = (staff.duties.clone(), staff.user.id.clone(), app.now());
    app.db
        .write(move |conn| {
            let shift = shift::by_number(conn, number)?;
            let stores = store::all_of_duties(conn, &duties, Permission::Redeem)?;
            if stores.iter().all(|store| store.id != shift.store_id) {
                return Err(Error::NotFound);
            }
            shift::close(conn, &shift.id, &closing, &by, now)
        })
        .await
}

fn number_of(field: &'static str, text: &str) -> Result<i64> {
    text.parse()
        .ok()
        .filter(|number| *number >= 0)
        .ok_or_else(|| Error::invalid(field, "清点数量应为0以上的整数。"))
}
