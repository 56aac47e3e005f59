//! Stocktakes: the list, counting without seeing the books, the variances and the second person.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::fields::{Fields, chosen, fresh_key, readable, stores};
use super::goods::Done;
use crate::access::role::Permission;
use crate::access::user::{self, User};
use crate::app::{App, Staff};
use crate::clock;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::page::{self, Problems, Shell};
use crate::sent::{Path, Query, SignedForm};
use crate::shop::catalogue;
use crate::shop::goods::GoodsItem;
use crate::shop::stocktake::{self, Count, PAGE, Stocktake, StocktakeState, Variance, Verdict};
use crate::shop::store::PointsStore;
use crate::shop::write_off::Reason;

fn badge(state: StocktakeState) -> &'static str {
    match state {
        StocktakeState::Counting | StocktakeState::Closed => "badge warn",
        StocktakeState::Approved => "badge ok",
        StocktakeState::Cancelled => "badge",
    }
}

#[derive(Template)]
#[template(path = "shop/stocktakes.html")]
struct StocktakesPage {
    shell: Shell,
    problems: Problems,
    key: String,
    stocktakes: Vec<Stocktake>,
    categories: Vec<String>,
    stores: Vec<PointsStore>,
    may_open: bool,
}

/// `GET /stocktakes`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn stocktakes(State(app): State<App>, staff: Staff) -> Result<Response> {
    page::show(&list_page(&app, staff, Problems::default()).await?)
}

async fn list_page(app: &App, staff: Staff, problems: Problems) -> Result<StocktakesPage> {
    let key = fresh_key(app.now());
    app.db
        .read(move |conn| {
            let own = readable(conn, &staff.duties)?;
            Ok(StocktakesPage {
                stocktakes: stocktake::newest(conn, &own, 100)?,
                categories: catalogue::categories(conn)?,
                stores: stores(conn, &staff.duties, Permission::ReadStock)?,
                may_open: staff.duties.permit(Permission::CountStock),
                shell: staff.shell,
                problems,
                key,
            })
        })
        .await
}

/// `POST /stocktakes`
///
/// # Errors
/// Only when the database fails: what stands in the way is shown above the list.
pub async fn open_stocktake(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("stocktake.opened", &staff.user.id, app.now());
    let duties = staff.duties.clone();
    let opened = app
        .db
        .write(move |conn| {
            let store = chosen(&stores(conn, &duties, Permission::CountStock)?, fields.one("store"))?;
            let category = Some(fields.one("category")).filter(|category| !category.is_empty());
            stocktake::open(conn, &store.id, category, &act)
        })
        .await;
    match opened {
        Ok(id) => Ok(page::go(&format!("/stocktakes/{id}/counts"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &list_page(&app, staff, problems).await?)
        }
    }
}

/// A stocktake of a store in which the person holds this permission.
fn own(conn: &mut Conn, staff: &Staff, permission: Permission, id: &Id<Stocktake>) -> Result<(Stocktake, PointsStore)> {
    let stocktake = stocktake::by_id(conn, id)?;
    let store = chosen(&stores(conn, &staff.duties, permission)?, stocktake.store_id.as_str())?;
    Ok((stocktake, store))
}

/// Counting is blind: nothing on this page comes from the books.
#[derive(Template)]
#[template(path = "shop/count.html")]
struct CountPage {
    shell: Shell,
    problems: Problems,
    key: String,
    done: bool,
    stocktake: Stocktake,
    store: PointsStore,
    goods: Vec<GoodsItem>,
    total: i64,
    counts: BTreeMap<Id<GoodsItem>, Count>,
    words: String,
    page: i64,
    fields: Fields,
}

impl CountPage {
    fn counted(&self, item: &GoodsItem) -> Option<i64> {
        self.counts.get(&item.id).map(|count| count.counted)
    }

    fn typed(&self, item: &GoodsItem) -> &str {
        self.fields.one(&format!("count-{}", item.sku))
    }

    fn pages(&self) -> i64 {
        self.total.saturating_add(PAGE).saturating_sub(1) / PAGE
    }
}

/// `GET /stocktakes/{id}/counts`
///
/// # Errors
/// `NotFound`, also for a store outside the person's duties.
pub async fn counting(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(fields): Query<Fields>,
) -> Result<Response> {
    page::show(&count_page(&app, staff, Id::known(id), fields, Problems::default()).await?)
}

async fn count_page(
    app: &App,
    staff: Staff,
    id: Id<Stocktake>,
    fields: Fields,
    problems: Problems,
) -> Result<CountPage> {
    let key = fresh_key(app.now());
    app.db
        .read(move |conn| {
            let (stocktake, store) = own(conn, &staff, Permission::CountStock, &id)?;
            let words = fields.one("words").to_owned();
            let page = fields.one("page").parse().unwrap_or(1).max(1);
            let (goods, total) = stocktake::scope(conn, &stocktake, &words, Some(page))?;
            Ok(CountPage {
                counts: stocktake::last_counts(conn, &id)?,
                done: fields.one("done") == "counted",
                shell: staff.shell,
                problems,
                key,
                stocktake,
                store,
                goods,
                total,
                words,
                page,
                fields,
            })
        })
        .await
}

/// `POST /stocktakes/{id}/counts`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown in it.
pub async fn count(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("stocktake.counted", &staff.user.id, app.now());
    let id: Id<Stocktake> = Id::known(id);
    let (asked, asking, sent) = (id.clone(), staff.clone(), fields.clone());
    let counted = app
        .db
        .write(move |conn| {
            own(conn, &asking, Permission::CountStock, &asked)?;
            let counts = sent.beginning("count-").map(|(sku, text)| {
                let number = text.parse();
                let number = number.map_err(|_| Error::invalid("counts", "数量应为0以上的整数。"))?;
                Ok((sku.to_owned(), number))
            });
            stocktake::count(conn, &asked, &counts.collect::<Result<Vec<(String, i64)>>>()?, &act)
        })
        .await;
    match counted {
        Ok(()) => {
            let back = [("done", "counted"), ("page", fields.one("page"))];
            let query = serde_urlencoded::to_string(back).map_err(Error::internal)?;
            Ok(page::go(&format!("/stocktakes/{id}/counts?{query}")))
        }
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &count_page(&app, staff, id, fields, problems).await?)
        }
    }
}

#[derive(Template)]
#[template(path = "shop/stocktake.html")]
struct StocktakePage {
    shell: Shell,
    problems: Problems,
    done: String,
    key: String,
    stocktake: Stocktake,
    store: PointsStore,
    /// Not before the counting is closed.
    variances: Vec<Variance>,
    counted: usize,
    /// Kinds of goods that nobody counted.
    uncounted: i64,
    names: HashMap<Id<User>, String>,
    may_count: bool,
    may_decide: bool,
}

impl StocktakePage {
    fn name(&self, id: &Id<User>) -> &str {
        self.names.get(id).map_or("", String::as_str)
    }

    fn differing(&self) -> impl Iterator<Item = &Variance> {
        self.variances.iter().filter(|variance| variance.units() != 0)
    }

    fn worth(&self) -> Fen {
        Fen(self
            .differing()
            .fold(0, |sum, variance| sum.saturating_add(variance.worth().0)))
    }

    fn is(&self, state: StocktakeState) -> bool {
        self.stocktake.state == state
    }
}

/// `GET /stocktakes/{id}`
///
/// # Errors
/// `NotFound`, also for a store outside the person's duties.
pub async fn stocktake(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    page::show(&one_page(&app, staff, Id::known(id), done.done, Problems::default()).await?)
}

async fn one_page(
    app: &App,
    staff: Staff,
    id: Id<Stocktake>,
    done: String,
    problems: Problems,
) -> Result<StocktakePage> {
    let key = fresh_key(app.now());
    app.db
        .read(move |conn| {
            let (stocktake, store) = own(conn, &staff, Permission::ReadStock, &id)?;
            let counted = stocktake::last_counts(conn, &id)?.len();
            let (_, total) = stocktake::scope(conn, &stocktake, "", Some(1))?;
            let blind = matches!(stocktake.state, StocktakeState::Counting | StocktakeState::Cancelled);
            let mut people = vec![stocktake.opened_by.clone()];
            people.extend(stocktake.closed_by.clone());
            people.extend(stocktake.decided_by.clone());
            Ok(StocktakePage {
                variances: match blind {
                    true => Vec::new(),
                    false => stocktake::variances(conn, &id)?,
                },
                uncounted: total.saturating_sub(i64::try_from(counted).unwrap_or(total)).max(0),
                names: user::display_names(conn, &people)?,
                may_count: staff.duties.permit(Permission::CountStock),
                may_decide: staff.duties.permit(Permission::ConfirmStock),
                shell: staff.shell,
                problems,
                done,
                key,
                stocktake,
                store,
                counted,
            })
        })
        .await
}

/// `POST /stocktakes/{id}/closing`
///
/// # Errors
/// `NotFound`: what stands in the way is shown on the page.
pub async fn close_stocktake(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("stocktake.closed", &staff.user.id, app.now());
    let id: Id<Stocktake> = Id::known(id);
    let (asked, asking) = (id.clone(), staff.clone());
    let work = move |conn: &mut Conn| {
        own(conn, &asking, Permission::CountStock, &asked)?;
        stocktake::close(conn, &asked, &act)
    };
    let closed = app.db.write(work).await;
    answered(&app, staff, id, "closed", closed).await
}

/// `POST /stocktakes/{id}/cancellation`
///
/// # Errors
/// `NotFound`: what stands in the way is shown on the page.
pub async fn cancel_stocktake(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("stocktake.cancelled", &staff.user.id, app.now());
    let id: Id<Stocktake> = Id::known(id);
    let (asked, asking) = (id.clone(), staff.clone());
    let work = move |conn: &mut Conn| {
        own(conn, &asking, Permission::CountStock, &asked)?;
        stocktake::cancel(conn, &asked, &act)
    };
    let cancelled = app.db.write(work).await;
    answered(&app, staff, id, "cancelled", cancelled).await
}

/// `POST /stocktakes/{id}/reasons`
///
/// # Errors
/// `NotFound`: what is wrong in the form is shown on the page.
pub async fn explain_stocktake(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("stocktake.explained", &staff.user.id, app.now());
    let id: Id<Stocktake> = Id::known(id);
    let (asked, asking) = (id.clone(), staff.clone());
    let work = move |conn: &mut Conn| {
        own(conn, &asking, Permission::CountStock, &asked)?;
        let told = fields.beginning("reason-").map(|(sku, word)| {
            let reason = Reason::from_word(word);
            let reason = reason.ok_or_else(|| Error::invalid("reason", "请从列表里选择原因。"))?;
            Ok((sku.to_owned(), reason, fields.one(&format!("note-{sku}")).to_owned()))
        });
        let told = told.collect::<Result<Vec<(String, Reason, String)>>>()?;
        stocktake::explain(conn, &asked, &told, &act)
    };
    let explained = app.db.write(work).await;
    answered(&app, staff, id, "explained", explained).await
}

/// `POST /stocktakes/{id}/decision`
///
/// # Errors
/// `NotFound`: what stands in the way is shown on the page.
pub async fn decide_stocktake(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("stocktake.decided", &staff.user.id, app.now());
    let id: Id<Stocktake> = Id::known(id);
    let (asked, asking) = (id.clone(), staff.clone());
    let work = move |conn: &mut Conn| {
        own(conn, &asking, Permission::ConfirmStock, &asked)?;
        let verdict = match fields.one("decision") {
            "approve" => Verdict::Approve,
            _ => Verdict::SendBack,
        };
        stocktake::decide(conn, &asked, verdict, fields.one("note"), &act)
    };
    let decided = app.db.write(work).await;
    answered(&app, staff, id, "decided", decided).await
}

async fn answered(app: &App, staff: Staff, id: Id<Stocktake>, done: &str, answer: Result<()>) -> Result<Response> {
    match answer {
        Ok(()) => Ok(page::go(&format!("/stocktakes/{id}?done={done}"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &one_page(app, staff, id, String::new(), problems).await?)
        }
    }
}
