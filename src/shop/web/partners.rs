//! Partners' shops: which there are, what was agreed with each, what it offers, and the statements that were made.
//!
//! The office sees all of them, a shop's keeper its own. What a statement says is in `settlements.rs`.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fields::{Fields, fresh_key};
use crate::access::role::{Duties, Permission};
use crate::app::{App, Staff};
use crate::clock::{self, Day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Problems, Shell};
use crate::places::area::{Area, Tree};
use crate::sent::{Path, Query, SignedForm};
use crate::shop::goods::{self, GoodsItem};
use crate::shop::partner::{self, Agreement, NewAgreement, Offer};
use crate::shop::settlement::{self, Settlement, Total};
use crate::shop::store::{self, PointsStore};

/// Statements on a page.
const PAGE: i64 = 20;

/// The partners' shops that a person may read.
///
/// # Errors
/// Only when the database fails.
pub(super) fn readable(conn: &mut Conn, duties: &Duties) -> Result<Vec<PointsStore>> {
    let within: Vec<Id<PointsStore>> = store::all_of_duties(conn, duties, Permission::ReadSettlements)?
        .into_iter()
        .map(|store| store.id)
        .collect();
    let mut shops = store::partners(conn)?;
    shops.retain(|shop| within.contains(&shop.id));
    Ok(shops)
}

/// One of them.
///
/// # Errors
/// `NotFound`, also for a shop outside the person's duties.
pub(super) fn readable_one(conn: &mut Conn, duties: &Duties, id: &Id<PointsStore>) -> Result<PointsStore> {
    let mut shops = readable(conn, duties)?.into_iter();
    shops.find(|shop| shop.id == *id).ok_or(Error::NotFound)
}

#[derive(Template)]
#[template(path = "shop/partners.html")]
struct PartnersPage {
    shell: Shell,
    problems: Problems,
    key: String,
    fields: Fields,
    today: Day,
    shops: Vec<(PointsStore, Option<Agreement>)>,
    names: HashMap<Id<PointsStore>, String>,
    settlements: Vec<(Settlement, Total, usize)>,
    page: i64,
    is_last: bool,
    areas: Vec<(Id<Area>, String)>,
    may_keep: bool,
    last_month: String,
}

impl PartnersPage {
    fn name_of(&self, settlement: &Settlement) -> &str {
        self.names.get(&settlement.store_id).map_or("", String::as_str)
    }

    fn field(&self, name: &str) -> &str {
        self.fields.one(name)
    }

    /// `2026年10月` of a statement.
    fn month_of(&self, settlement: &Settlement) -> String {
        settlement.month.format("%Y年%-m月").to_string()
    }
}

/// `GET /partners`
///
/// # Errors
/// Only when the database fails.
pub async fn partners(State(app): State<App>, staff: Staff, Query(fields): Query<Fields>) -> Result<Response> {
    page::show(&list(&app, staff, fields, Problems::default()).await?)
}

async fn list(app: &App, staff: Staff, fields: Fields, problems: Problems) -> Result<PartnersPage> {
    let (now, today) = (app.now(), clock::day_of(app.now()));
    app.db
        .read(move |conn| {
            let readable = readable(conn, &staff.duties)?;
            let ids: Vec<Id<PointsStore>> = readable.iter().map(|shop| shop.id.clone()).collect();
            let page = fields.one("page").parse().unwrap_or(1i64).clamp(1, 100_000);
            let after = page.saturating_sub(1).saturating_mul(PAGE);
            let mut settlements = settlement::newest(conn, &ids, after, PAGE.saturating_add(1))?;
            let is_last = i64::try_from(settlements.len()).unwrap_or(0) <= PAGE;
            settlements.truncate(usize::try_from(PAGE).unwrap_or(0));
            let mut shops = Vec::new();
            for shop in readable {
                let agreement = partner::agreement(conn, &shop.id)?;
                shops.push((shop, agreement));
            }
            let may_keep = staff.duties.permit(Permission::KeepPartners);
            let areas = match may_keep {
                true => areas(conn)?,
                false => Vec::new(),
            };
            Ok(PartnersPage {
                names: shops
                    .iter()
                    .map(|(shop, _)| (shop.id.clone(), shop.name.clone()))
                    .collect(),
                last_month: settlement::last_month(today).format("%Y-%m").to_string(),
                shell: staff.shell,
                key: fresh_key(now),
                problems,
                fields,
                today,
                shops,
                settlements,
                page,
                is_last,
                areas,
                may_keep,
            })
        })
        .await
}

/// Where a shop may stand, in words.
fn areas(conn: &mut Conn) -> Result<Vec<(Id<Area>, String)>> {
    let tree = Tree::load(conn)?;
    Ok(tree
        .all()
        .iter()
        .map(|area| (area.id.clone(), format!("{}{}", area.kind.label(), area.name)))
        .collect())
}

fn new_agreement(fields: &Fields) -> Result<NewAgreement> {
    let day = |name: &'static str, what: &str| {
        let day = fields.maybe_day(name, what)?;
        day.ok_or_else(|| Error::invalid(name, format!("请填写{what}。")))
    };
    Ok(NewAgreement {
        merchant: fields.one("merchant").to_owned(),
        from_on: day("from", "协议开始日期")?,
        until_on: day("until", "协议结束日期")?,
        daily_limit: fields.number("daily_limit", "每日额度")?,
    })
}

/// `POST /partners`: a shop becomes a partner.
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn add_partner(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    match try_add(&app, &staff, &fields).await {
        Ok(id) => Ok(page::go(&format!("/partners/{id}?done=added"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &list(&app, staff, fields, problems).await?)
        }
    }
}

async fn try_add(app: &App, staff: &Staff, fields: &Fields) -> Result<Id<PointsStore>> {
    let act = fields.act("partner.added", &staff.user.id, app.now());
    let first = new_agreement(fields)?;
    let shop = PointsStore {
        id: Id::new(app.now()),
        area_id: Id::known(fields.one("area").to_owned()),
        name: fields.one("name").to_owned(),
        opening_hours: fields.one("opening_hours").to_owned(),
    };
    app.db
        .write(move |conn| {
            if Tree::load(conn)?.get(&shop.area_id).is_none() {
                return Err(Error::invalid("area", "请选商户所在的区域。"));
            }
            partner::add(conn, &shop, &first, &act)
        })
        .await
}

#[derive(Template)]
#[template(path = "shop/partner.html")]
struct PartnerPage {
    shell: Shell,
    problems: Problems,
    key: String,
    done: String,
    fields: Fields,
    today: Day,
    shop: PointsStore,
    place: String,
    agreements: Vec<Agreement>,
    offers: Vec<(Offer, GoodsItem)>,
    may_keep: bool,
}

impl PartnerPage {
    fn field(&self, name: &str) -> &str {
        self.fields.one(name)
    }

    /// The last one, newest first after it.
    fn newest_first(&self) -> impl Iterator<Item = &Agreement> {
        self.agreements.iter().rev()
    }

    fn is_last(&self, agreement: &Agreement) -> bool {
        self.agreements.last() == Some(agreement)
    }
}

async fn one(app: &App, staff: Staff, id: String, fields: Fields, problems: Problems) -> Result<PartnerPage> {
    let (id, now): (Id<PointsStore>, _) = (Id::known(id), app.now());
    app.db
        .read(move |conn| {
            let shop = readable_one(conn, &staff.duties, &id)?;
            let offers = partner::offers(conn, &shop.id)?;
            let ids: Vec<Id<GoodsItem>> = offers.iter().map(|offer| offer.goods_id.clone()).collect();
            let mut items = goods::by_ids(conn, &ids)?;
            let mut offers: Vec<(Offer, GoodsItem)> = offers
                .into_iter()
                .filter_map(|offer| {
                    let item = items.remove(&offer.goods_id)?;
                    Some((offer, item))
                })
                .collect();
            offers.sort_by(|(_, one), (_, other)| one.sku.cmp(&other.sku));
            let tree = Tree::load(conn)?;
            let place = tree.get(&shop.area_id).map(|area| area.name.clone());
            Ok(PartnerPage {
                agreements: partner::agreements(conn, &shop.id)?,
                may_keep: staff.duties.permit(Permission::KeepPartners),
                done: fields.one("done").to_owned(),
                key: fresh_key(now),
                today: clock::day_of(now),
                place: place.unwrap_or_default(),
                shell: staff.shell,
                problems,
                fields,
                shop,
                offers,
            })
        })
        .await
}

/// `GET /partners/{id}`
///
/// # Errors
/// `NotFound`, also for a shop outside the person's duties.
pub async fn partner(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(fields): Query<Fields>,
) -> Result<Response> {
    page::show(&one(&app, staff, id, fields, Problems::default()).await?)
}

async fn after(app: App, staff: Staff, id: String, fields: Fields, done: &str, tried: Result<()>) -> Result<Response> {
    match tried {
        Ok(()) => Ok(page::go(&format!("/partners/{id}?done={done}"))),
        Err(error) => {
            let (status, problems): (StatusCode, Problems) = Problems::from_error(error)?;
            page::show_with(status, &one(&app, staff, id, fields, problems).await?)
        }
    }
}

/// `POST /partners/{id}/agreements`: agreed anew.
///
/// # Errors
/// `NotFound`; what is wrong in the form is shown in it.
pub async fn agree(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("partner.agreed", &staff.user.id, app.now());
    let shop: Id<PointsStore> = Id::known(id.clone());
    let tried = match new_agreement(&fields) {
        Ok(new) => app.db.write(move |conn| partner::agree(conn, &shop, &new, &act)).await,
        Err(error) => Err(error),
    };
    after(app, staff, id, fields, "agreed", tried).await
}

/// `POST /partners/{id}/offers`: what it offers goods for, or not any more.
///
/// # Errors
/// `NotFound`; what is wrong in the form is shown in it.
pub async fn set_offer(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let act = fields.act("partner.priced", &staff.user.id, app.now());
    let (shop, sku): (Id<PointsStore>, String) = (Id::known(id.clone()), fields.one("sku").to_uppercase());
    let terms = match fields.one("act") {
        "withdraw" => Ok(None),
        _ => fields
            .number("price_points", "积分")
            .and_then(|points| Ok(Some((points, fields.fen("settlement", "结算价")?)))),
    };
    let tried = match terms {
        Ok(terms) => {
            app.db
                .write(move |conn| partner::set_offer(conn, &shop, &sku, terms, &act))
                .await
        }
        Err(error) => Err(error),
    };
    after(app, staff, id, fields, "priced", tried).await
}
