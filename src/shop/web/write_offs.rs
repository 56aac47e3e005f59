//! Write-offs: the list with what has expired and can be proposed in one go, the form, and the page of one, where a second
//! person confirms or rejects it.

use std::collections::HashMap;

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
use crate::shop::demand;
use crate::shop::goods::{self, GoodsItem};
use crate::shop::stock::{self, StockLot};
use crate::shop::store::PointsStore;
use crate::shop::write_off::{self, Lost, Propose, Reason, WriteOff, WriteOffState};

#[derive(Template)]
#[template(path = "shop/write_offs.html")]
struct WriteOffsPage {
    shell: Shell,
    problems: Problems,
    key: String,
    /// Lots past their day, of the first store.
    expired: Vec<(StockLot, GoodsItem)>,
    write_offs: Vec<WriteOff>,
    names: HashMap<Id<User>, String>,
    may_propose: bool,
}

impl WriteOffsPage {
    fn name(&self, id: &Id<User>) -> &str {
        self.names.get(id).map_or("", String::as_str)
    }
}

fn badge(state: WriteOffState) -> &'static str {
    match state {
        WriteOffState::Proposed => "badge warn",
        WriteOffState::Confirmed => "badge ok",
        WriteOffState::Rejected => "badge",
    }
}

/// `GET /stock/write-offs`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn write_offs(State(app): State<App>, staff: Staff) -> Result<Response> {
    page::show(&list_page(&app, staff, Problems::default()).await?)
}

async fn list_page(app: &App, staff: Staff, problems: Problems) -> Result<WriteOffsPage> {
    let (key, today) = (fresh_key(app.now()), clock::day_of(app.now()));
    app.db
        .read(move |conn| {
            let stores = readable(conn, &staff.duties)?;
            let write_offs = write_off::newest(conn, &stores, 100)?;
            let people: Vec<Id<User>> = write_offs.iter().map(|one| one.proposed_by.clone()).collect();
            let mut expired = match stores.first() {
                Some(store) => demand::expiring(conn, store, today)?,
                None => Vec::new(),
            };
            expired.retain(|(lot, _)| lot.expires_on.is_some_and(|last| last < today));
            Ok(WriteOffsPage {
                names: user::display_names(conn, &people)?,
                may_propose: staff.duties.permit(Permission::CountStock),
                shell: staff.shell,
                problems,
                key,
                expired,
                write_offs,
            })
        })
        .await
}

/// Lots that are shown before anybody searches: the first to expire are what is mostly written off.
const UNASKED: usize = 20;

/// Lots of a store that hold something: of goods that the words find, at most so many; without words the first few to expire.
pub(super) fn lots(
    conn: &mut Conn,
    store: &Id<PointsStore>,
    words: &str,
    most: usize,
) -> Result<Vec<(StockLot, GoodsItem)>> {
    let lots = match words {
        "" => stock::on_shelf(conn, store)?.into_iter().take(UNASKED).collect(),
        words => {
            let search = catalogue::Search {
                words: words.to_owned(),
                ..catalogue::Search::default()
            };
            let found = super::goods::found(conn, &search, most)?;
            let ids: Vec<Id<GoodsItem>> = found.into_iter().map(|entry| entry.item.id).collect();
            stock::lots_in(conn, store, &ids)?
        }
    };
    let mut shown = Vec::new();
    let lots: Vec<StockLot> = lots.into_iter().take(most).collect();
    let ids: Vec<Id<GoodsItem>> = lots.iter().map(|lot| lot.goods_id.clone()).collect();
    let goods = goods::by_ids(conn, &ids)?;
    for lot in lots {
        if let Some(item) = goods.get(&lot.goods_id) {
            shown.push((lot, item.clone()));
        }
    }
    Ok(shown)
}

#[derive(Template)]
#[template(path = "shop/write_off_new.html")]
struct NewWriteOffPage {
    shell: Shell,
    problems: Problems,
    key: String,
    fields: Fields,
    stores: Vec<PointsStore>,
    store: PointsStore,
    lots: Vec<(StockLot, GoodsItem)>,
}

impl NewWriteOffPage {
    fn typed(&self, lot: &StockLot) -> &str {
        self.fields.one(&format!("lot-{}", lot.number))
    }
}

/// `GET /stock/write-offs/new`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn write_off_form(State(app): State<App>, staff: Staff, Query(fields): Query<Fields>) -> Result<Response> {
    page::show(&form_page(&app, staff, fields, Problems::default()).await?)
}

async fn form_page(app: &App, staff: Staff, fields: Fields, problems: Problems) -> Result<NewWriteOffPage> {
    let key = fresh_key(app.now());
    app.db
        .read(move |conn| {
            let stores = stores(conn, &staff.duties, Permission::CountStock)?;
            let store = chosen(&stores, fields.one("store"))?;
            Ok(NewWriteOffPage {
                lots: lots(conn, &store.id, fields.one("words"), 100)?,
                key: match fields.one("key") {
                    "" => key,
                    sent => sent.to_owned(),
                },
                shell: staff.shell,
                problems,
                fields,
                stores,
                store,
            })
        })
        .await
}

/// `POST /stock/write-offs`: proposes lots with quantities; or, with `expired`, everything past its day.
///
/// # Errors
/// `NotFound` for a lot of another store: what is wrong in the form is shown in it.
pub async fn propose_write_off(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    match try_propose(&app, &staff, fields.clone()).await {
        Ok(id) => Ok(page::go(&format!("/stock/write-offs/{id}?done=proposed"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            match fields.one("from") {
                "list" => page::show_with(status, &list_page(&app, staff, problems).await?),
                _ => page::show_with(status, &form_page(&app, staff, fields, problems).await?),
            }
        }
    }
}

async fn try_propose(app: &App, staff: &Staff, fields: Fields) -> Result<Id<WriteOff>> {
    let act = fields.act("write_off.proposed", &staff.user.id, app.now());
    let duties = staff.duties.clone();
    app.db
        .write(move |conn| {
            let stores = stores(conn, &duties, Permission::CountStock)?;
            let reason = Reason::from_word(fields.one("reason"));
            let asked = Propose {
                store: chosen(&stores, fields.one("store"))?.id,
                lots: fields.numbers("lot-", "lots")?,
                reason: reason.ok_or_else(|| Error::invalid("reason", "请选择报损原因。"))?,
                note: fields.one("note").to_owned(),
            };
            write_off::propose(conn, &asked, &act)
        })
        .await
}

#[derive(Template)]
#[template(path = "shop/write_off.html")]
struct WriteOffPage {
    shell: Shell,
    problems: Problems,
    done: String,
    key: String,
    write_off: WriteOff,
    lost: Vec<Lost>,
    store: PointsStore,
    names: HashMap<Id<User>, String>,
    /// May this person decide it?
    may_decide: bool,
    is_own: bool,
}

impl WriteOffPage {
    fn name(&self, id: &Id<User>) -> &str {
        self.names.get(id).map_or("", String::as_str)
    }

    fn total(&self) -> Fen {
        Fen(self.lost.iter().fold(0, |sum, lost| sum.saturating_add(lost.cost().0)))
    }
}

/// `GET /stock/write-offs/{id}`
///
/// # Errors
/// `NotFound`, also for a store outside the person's duties.
pub async fn write_off(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    page::show(&one_page(&app, staff, Id::known(id), done.done, Problems::default()).await?)
}

async fn one_page(app: &App, staff: Staff, id: Id<WriteOff>, done: String, problems: Problems) -> Result<WriteOffPage> {
    let key = fresh_key(app.now());
    app.db
        .read(move |conn| {
            let write_off = write_off::by_id(conn, &id)?;
            let own = stores(conn, &staff.duties, Permission::ReadStock)?;
            let store = chosen(&own, write_off.store_id.as_str())?;
            let mut people = vec![write_off.proposed_by.clone()];
            people.extend(write_off.decided_by.clone());
            let waits = write_off.state == WriteOffState::Proposed;
            let is_own = write_off.proposed_by == staff.user.id;
            Ok(WriteOffPage {
                names: user::display_names(conn, &people)?,
                lost: write_off::lost(conn, &id)?,
                may_decide: waits && staff.duties.permit(Permission::ConfirmStock),
                is_own,
                shell: staff.shell,
                problems,
                done,
                key,
                write_off,
                store,
            })
        })
        .await
}

/// `POST /stock/write-offs/{id}/decision`
///
/// # Errors
/// `NotFound`, also for a store outside the person's duties: what stands in the way is shown on the page.
pub async fn decide_write_off(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("write_off.decided", &staff.user.id, app.now());
    let id: Id<WriteOff> = Id::known(id);
    let (asked, duties) = (id.clone(), staff.duties.clone());
    let decided = app
        .db
        .write(move |conn| {
            let own = stores(conn, &duties, Permission::ConfirmStock)?;
            chosen(&own, write_off::by_id(conn, &asked)?.store_id.as_str())?;
            let confirms = fields.one("decision") == "confirm";
            write_off::decide(conn, &asked, confirms, fields.one("note"), &act)
        })
        .await;
    match decided {
        Ok(()) => Ok(page::go(&format!("/stock/write-offs/{id}?done=decided"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &one_page(&app, staff, id, String::new(), problems).await?)
        }
    }
}
