//! The catalogue's pages: goods found by name, code, barcode or initials; new goods; what is said about them, every price
//! they have had, their photograph; hiding them and offering them again.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::fields::{Fields, fresh_key};
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::files::{FileName, Kind};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::photo;
use crate::points::Points;
use crate::sent::{Path, Query, SignedForm, SignedUpload, local_path};
use crate::shop::act::Act;
use crate::shop::catalogue::{self, Description, Entry, PAGE, Price, Search};

#[derive(Template)]
#[template(path = "shop/goods.html")]
struct GoodsPage {
    shell: Shell,
    asked: Asked,
    entries: Vec<Entry>,
    total: i64,
    categories: Vec<String>,
    may_keep: bool,
}

/// What is looked for in the list.
#[derive(Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    words: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    hidden: String,
    #[serde(default)]
    page: String,
}

impl Asked {
    fn page(&self) -> i64 {
        self.page.parse().unwrap_or(1).max(1)
    }

    fn is_hidden(&self) -> bool {
        !self.hidden.is_empty()
    }

    fn search(&self) -> Search {
        Search {
            words: self.words.clone(),
            category: self.category.clone(),
            hidden: self.is_hidden(),
        }
    }
}

impl GoodsPage {
    fn pages(&self) -> i64 {
        self.total.saturating_add(PAGE).saturating_sub(1) / PAGE
    }
}

/// `GET /goods`
///
/// # Errors
/// Only when the database fails.
pub async fn goods(State(app): State<App>, staff: Staff, Query(asked): Query<Asked>) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            let (entries, total) = catalogue::search(conn, &asked.search(), asked.page())?;
            Ok(GoodsPage {
                entries,
                total,
                categories: catalogue::categories(conn)?,
                may_keep: staff.duties.permit(Permission::KeepGoods),
                asked,
                shell: staff.shell,
            })
        })
        .await?;
    page::show(&page)
}

#[derive(Template)]
#[template(path = "shop/goods_form.html")]
struct GoodsForm {
    shell: Shell,
    problems: Problems,
    key: String,
    fields: Fields,
    /// The short code of goods that are there already.
    sku: String,
    categories: Vec<String>,
}

impl GoodsForm {
    async fn of(app: &App, shell: Shell, sku: String, fields: Fields, problems: Problems) -> Result<GoodsForm> {
        let key = match fields.one("key") {
            "" => fresh_key(app.now()),
            key => key.to_owned(),
        };
        Ok(GoodsForm {
            shell,
            problems,
            key,
            fields,
            sku,
            categories: app.db.read(catalogue::categories).await?,
        })
    }

    /// A page of ours to go back to.
    fn back(&self) -> &str {
        local_path(self.fields.one("back")).unwrap_or_default()
    }
}

/// `GET /goods/new`: with `barcode` and `back` when a receipt met goods that nobody knows.
///
/// # Errors
/// Only when the database fails.
pub async fn new_goods(State(app): State<App>, staff: Staff, Query(fields): Query<Fields>) -> Result<Response> {
    page::show(&GoodsForm::of(&app, staff.shell, String::new(), fields, Problems::default()).await?)
}

/// `POST /goods`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn add_goods(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("goods.registered", &staff.user.id, app.now());
    let asked = described(&fields).and_then(|described| Ok((described, fields.number("price", "积分")?)));
    let added = match asked {
        Ok((described, price)) => {
            app.db
                .write(move |conn| catalogue::register(conn, &described, Points(price), &act))
                .await
        }
        Err(error) => Err(error),
    };
    match added {
        Ok(sku) => Ok(page::go(&match local_path(fields.one("back")) {
            Some(back) => format!("{back}&code={sku}"),
            None => format!("/goods/{sku}?done=added"),
        })),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let form = GoodsForm::of(&app, staff.shell, String::new(), fields, problems).await?;
            page::show_with(status, &form)
        }
    }
}

/// What the form says about goods.
fn described(fields: &Fields) -> Result<Description> {
    Ok(Description {
        sku: fields.one("sku").to_owned(),
        barcode: fields.one("barcode").to_owned(),
        in_store: !fields.one("in_store").is_empty(),
        name: fields.one("name").to_owned(),
        unit: fields.one("unit").to_owned(),
        pack: fields.one("pack").to_owned(),
        case_quantity: fields.maybe_number("case_quantity", "装箱数")?,
        category: fields.one("category").to_owned(),
        cost_fen: fields.fen("cost", "成本")?,
        monthly_limit: fields.maybe_number("monthly_limit", "每户每月限兑")?,
        shelf_life_days: fields.maybe_number("shelf_life_days", "保质期天数")?,
    })
}

/// What stands in the form for goods that are there.
fn fields_of(entry: &Entry) -> Fields {
    let told = Description::of(entry);
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    Fields(
        [
            ("barcode", told.barcode),
            ("name", told.name),
            ("unit", told.unit),
            ("pack", told.pack),
            ("case_quantity", number(told.case_quantity)),
            ("category", told.category),
            ("cost", entry.item.cost_fen.to_string()),
            ("monthly_limit", number(told.monthly_limit)),
            ("shelf_life_days", number(told.shelf_life_days)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec(),
    )
}

/// `GET /goods/{sku}/description`
///
/// # Errors
/// `NotFound`.
pub async fn goods_form(State(app): State<App>, staff: Staff, Path(sku): Path<String>) -> Result<Response> {
    let asked = sku.clone();
    let entry = app.db.read(move |conn| catalogue::by_sku(conn, &asked)).await?;
    let form = GoodsForm::of(&app, staff.shell, sku, fields_of(&entry), Problems::default()).await?;
    page::show(&form)
}

/// `POST /goods/{sku}/description`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown in it.
pub async fn describe_goods(
    State(app): State<App>,
    staff: Staff,
    Path(sku): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("goods.changed", &staff.user.id, app.now());
    let asked = sku.clone();
    let changed = match described(&fields) {
        Ok(described) => {
            app.db
                .write(move |conn| catalogue::change(conn, &asked, &described, &act))
                .await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => Ok(page::go(&format!("/goods/{sku}?done=changed"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &GoodsForm::of(&app, staff.shell, sku, fields, problems).await?)
        }
    }
}

#[derive(Template)]
#[template(path = "shop/goods_item.html")]
struct ItemPage {
    shell: Shell,
    problems: Problems,
    done: String,
    key: String,
    entry: Entry,
    prices: Vec<Price>,
    names: HashMap<Id<User>, String>,
    may_keep: bool,
    /// What was typed into the form for another price.
    fields: Fields,
}

impl ItemPage {
    fn who(&self, price: &Price) -> String {
        let name = price.set_by.as_ref().and_then(|id| self.names.get(id));
        name.cloned().unwrap_or_else(|| "—".to_owned())
    }

    fn since(&self, price: &Price) -> String {
        price.valid_from.map_or_else(|| "登记时".to_owned(), clock::spoken)
    }
}

/// What was done just before.
#[derive(Default, Deserialize)]
pub struct Done {
    #[serde(default)]
    pub(super) done: String,
}

/// `GET /goods/{sku}`
///
/// # Errors
/// `NotFound`.
pub async fn goods_item(
    State(app): State<App>,
    staff: Staff,
    Path(sku): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    page::show(&item_page(&app, staff, sku, done.done, Fields::default(), Problems::default()).await?)
}

async fn item_page(
    app: &App,
    staff: Staff,
    sku: String,
    done: String,
    fields: Fields,
    problems: Problems,
) -> Result<ItemPage> {
    let key = fresh_key(app.now());
    app.db
        .read(move |conn| {
            let entry = catalogue::by_sku(conn, &sku)?;
            let prices = catalogue::prices(conn, &entry.item.id)?;
            let who: Vec<Id<User>> = prices.iter().filter_map(|price| price.set_by.clone()).collect();
            Ok(ItemPage {
                names: user::display_names(conn, &who)?,
                may_keep: staff.duties.permit(Permission::KeepGoods),
                shell: staff.shell,
                problems,
                done,
                key,
                entry,
                prices,
                fields,
            })
        })
        .await
}

/// `POST /goods/{sku}/prices`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown in it.
pub async fn set_price(
    State(app): State<App>,
    staff: Staff,
    Path(sku): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("goods.repriced", &staff.user.id, app.now());
    let (asked, reason) = (sku.clone(), fields.one("reason").to_owned());
    let set = match fields.number("price", "积分") {
        Ok(price) => {
            app.db
                .write(move |conn| catalogue::set_price(conn, &asked, Points(price), &reason, &act))
                .await
        }
        Err(error) => Err(error),
    };
    answered(&app, staff, sku, "priced", fields, set).await
}

/// `POST /goods/{sku}/offering`: hides goods, or offers them again and goes back to the receipt that met them.
///
/// # Errors
/// `NotFound`.
pub async fn offer_goods(
    State(app): State<App>,
    staff: Staff,
    Path(sku): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let (now, by, asked) = (app.now(), staff.user.id.clone(), sku.clone());
    let offered = fields.one("offered") == "yes";
    let key = fields.one("key").to_owned();
    let set = app
        .db
        .write(move |conn| catalogue::offer(conn, &asked, offered, &key, &by, now))
        .await;
    match (local_path(fields.one("back")), set) {
        (Some(back), Ok(())) => Ok(page::go(back)),
        (_, set) => {
            answered(
                &app,
                staff,
                sku,
                if offered { "offered" } else { "hidden" },
                fields,
                set,
            )
            .await
        }
    }
}

async fn answered(
    app: &App,
    staff: Staff,
    sku: String,
    done: &str,
    fields: Fields,
    answer: Result<()>,
) -> Result<Response> {
    match answer {
        Ok(()) => Ok(page::go(&format!("/goods/{sku}?done={done}"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            let page = item_page(app, staff, sku, String::new(), fields, problems).await?;
            page::show_with(status, &page)
        }
    }
}

/// `POST /goods/{sku}/photo`
///
/// # Errors
/// `NotFound`: what is wrong with the photograph is shown on the goods' page.
pub async fn add_photo(
    State(app): State<App>,
    staff: Staff,
    Path(sku): Path<String>,
    SignedUpload(sent): SignedUpload,
) -> Result<Response> {
    let act = Act::new("goods.photographed", sent.one("key"), &staff.user.id, app.now());
    let asked = sku.clone();
    app.db.read(move |conn| catalogue::by_sku(conn, &asked)).await?;
    let asked = sku.clone();
    let added = match sent.files("photo").next().cloned() {
        None => Err(Error::invalid("photo", "请先选照片，再按“上传”。")),
        Some(bytes) => match keep(&app, bytes.to_vec()).await {
            Ok(file) => {
                app.db
                    .write(move |conn| catalogue::set_photo(conn, &asked, &file, &act))
                    .await
            }
            Err(error) => Err(error),
        },
    };
    answered(&app, staff, sku, "photo", Fields::default(), added).await
}

async fn keep(app: &App, bytes: Vec<u8>) -> Result<FileName> {
    let files = app.files.clone();
    app.slowly(move || {
        let photo = photo::clean(&bytes)?;
        files.keep(&photo.bytes, &[Kind::Jpeg], photo::MOST_BYTES)
    })
    .await?
}

/// `GET /goods/{sku}/photo`
///
/// # Errors
/// `NotFound`, also while there is none.
pub async fn show_photo(State(app): State<App>, Path(sku): Path<String>) -> Result<Response> {
    let entry = app.db.read(move |conn| catalogue::by_sku(conn, &sku)).await?;
    let file = entry
        .photo
        .as_deref()
        .and_then(FileName::parse)
        .ok_or(Error::NotFound)?;
    let (kind, files) = (file.kind(), app.files.clone());
    let bytes = app.slowly(move || files.read(&file)).await??;
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(kind.media_type()))];
    Ok((StatusCode::OK, headers, bytes).into_response())
}

/// Everything that a search finds, page after page, at most so many.
pub(super) fn found(conn: &mut Conn, search: &Search, most: usize) -> Result<Vec<Entry>> {
    let (mut all, mut page) = (Vec::new(), 1);
    loop {
        let (entries, _) = catalogue::search(conn, search, page)?;
        let last = entries.is_empty();
        all.extend(entries);
        if last || all.len() >= most {
            all.truncate(most);
            return Ok(all);
        }
        page = page.saturating_add(1);
    }
}
