//! The slip: what a redemption was, to print on 58 mm paper, and the form that voids it.
//!
//! The balance after the redemption is for the household alone: it is in the print, never on the till's screen, and only
//! where the visitor works the counter.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::basket::Fields;
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Moment};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ledger::account::AccountKind;
use crate::ledger::balance;
use crate::page::{self, Problems, Shell};
use crate::places::household;
use crate::points::Points;
use crate::sent::{Path, Query, SignedForm};
use crate::shop::delivery::{self, Delivery};
use crate::shop::offline_sale::{self, OfflineSale};
use crate::shop::partner::{self, CashTopUp};
use crate::shop::proxy;
use crate::shop::redemption::{self, Redeemed, Redemption};
use crate::shop::refund::{self, AskRefund, Refund, RefundLine};
use crate::shop::store::{self, PointsStore};
use crate::shop::void::{self, AskVoid, Void};

#[derive(Template)]
#[template(path = "shop/slip.html")]
struct SlipPage {
    shell: Shell,
    problems: Problems,
    done: String,
    redeemed: Redeemed,
    store: String,
    household: String,
    masked_name: String,
    clerk: String,
    /// Does the visitor work the counter where this was redeemed?
    at_counter: bool,
    /// For the print only, and only while the redemption stands.
    balance_after: Option<Points>,
    voided: Option<Void>,
    voided_by: String,
    refunds: Vec<(Refund, Vec<RefundLine>)>,
    /// How many of each line may still come back, by position.
    left: HashMap<i64, i64>,
    /// What the household paid in cash, at a partner's.
    cash: Option<CashTopUp>,
    /// Who took the goods, if it was not the household.
    proxy: Option<String>,
    delivery: Option<Delivery>,
    /// Made without network.
    offline: Option<OfflineSale>,
    /// Why nothing can be undone any more.
    standing_for: Option<String>,
    /// The form, for a visitor who may void what is not voided yet.
    form: Option<NewVoid>,
}

impl SlipPage {
    fn number(&self) -> i64 {
        self.redeemed.redemption.transaction_number
    }

    /// How many of a line may still come back.
    fn left_of(&self, position: &i64) -> i64 {
        self.left.get(position).copied().unwrap_or(0)
    }

    /// How many of a line came back.
    fn back_of(&self, position: &i64, quantity: &i64) -> i64 {
        quantity.saturating_sub(self.left_of(position))
    }

    /// What a refund brought back, in words.
    fn goods_of(&self, lines: &[RefundLine]) -> String {
        let names: Vec<String> = lines
            .iter()
            .map(|back| {
                let line = self
                    .redeemed
                    .lines
                    .iter()
                    .find(|(line, _)| line.position == back.position);
                let name = line.map(|(_, item)| item.name.as_str()).unwrap_or_default();
                format!("{name} × {}", back.quantity)
            })
            .collect();
        names.join("、")
    }

    fn pieces(&self) -> i64 {
        let quantities = self.redeemed.lines.iter().map(|(line, _)| line.quantity);
        quantities.fold(0, i64::saturating_add)
    }
}

/// Why redemptions are voided, most often first; the last one asks for words.
const REASONS: &[&str] = &["选错商品或数量", "扫错了卡", "住户不要了", "商品破损或过期", OTHER];
const OTHER: &str = "其他原因";

/// Why a redemption is voided, as the form sends it.
#[derive(Clone, Default, Deserialize)]
pub struct NewVoid {
    key: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    detail: String,
}

impl NewVoid {
    fn empty(now: Moment) -> NewVoid {
        NewVoid {
            key: Id::<Redemption>::new(now).as_str().to_owned(),
            ..NewVoid::default()
        }
    }

    /// One sentence of both fields. Without words, "other" is no reason.
    fn sentence(&self) -> String {
        match (self.reason.trim(), self.detail.trim()) {
            ("" | OTHER, detail) => detail.to_owned(),
            (reason, "") => reason.to_owned(),
            (reason, detail) => format!("{reason}：{detail}"),
        }
    }
}

/// Was something done just before this page?
#[derive(Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /redemptions/{id}`
///
/// # Errors
/// `NotFound`, also for a redemption in a store outside the person's duties.
pub async fn slip(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let form = NewVoid::empty(app.now());
    let page = slip_page(&app, staff, id, form, Problems::default(), done.done).await?;
    page::show(&page)
}

async fn slip_page(
    app: &App,
    staff: Staff,
    id: String,
    form: NewVoid,
    problems: Problems,
    done: String,
) -> Result<SlipPage> {
    let now = app.now();
    app.db
        .read(move |conn| {
            let redeemed = redemption::by_id(conn, &Id::known(id))?;
            let of = &redeemed.redemption;
            let store = store_of(conn, &staff, Permission::ReadJournal, of)?.ok_or(Error::NotFound)?;
            let at_counter = store_of(conn, &staff, Permission::Redeem, of)?.is_some();
            let household = household::by_id(conn, &of.household_id)?;
            let voided = void::of(conn, std::slice::from_ref(&of.id))?.pop();
            let mut people = vec![of.redeemed_by.clone()];
            people.extend(voided.iter().map(|void| void.voided_by.clone()));
            let mut names = user::display_names(conn, &people)?;
            let balance_after = match at_counter && voided.is_none() {
                true => balance::after(
                    conn,
                    household.id.as_str(),
                    AccountKind::Spendable,
                    of.transaction_number,
                )?,
                false => None,
            };
            let standing_for = match refund::expect_in_time(conn, of, now) {
                Ok(()) => None,
                Err(error) => Some(error.to_string()),
            };
            let one = std::slice::from_ref(&of.id);
            Ok(SlipPage {
                left: refund::left_of(conn, &redeemed)?,
                refunds: refund::of(conn, one)?,
                cash: partner::top_ups_of(conn, one)?.remove(&of.id),
                proxy: proxy::pickups_of(conn, one)?.pop().map(|pickup| pickup.person),
                delivery: delivery::of(conn, one)?.pop(),
                offline: offline_sale::among(conn, one)?.remove(&of.id),
                shell: staff.shell,
                problems,
                done,
                store: store.name,
                masked_name: household.masked_name(),
                household: household.code,
                clerk: names.get(&of.redeemed_by).cloned().unwrap_or_default(),
                at_counter,
                balance_after,
                voided_by: voided
                    .as_ref()
                    .and_then(|void| names.remove(&void.voided_by))
                    .unwrap_or_default(),
                form: Some(form).filter(|_| at_counter && voided.is_none() && standing_for.is_none()),
                standing_for,
                voided,
                redeemed,
            })
        })
        .await
}

/// The redemption's store, if the person's duties hold the permission there.
fn store_of(
    conn: &mut Conn,
    staff: &Staff,
    permission: Permission,
    redemption: &Redemption,
) -> Result<Option<PointsStore>> {
    let stores = store::all_of_duties(conn, &staff.duties, permission)?;
    Ok(stores.into_iter().find(|store| store.id == redemption.store_id))
}

/// `POST /redemptions/{id}/void`
///
/// # Errors
/// `NotFound`: what the rules refuse is shown on the slip.
pub async fn void(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(form): SignedForm<NewVoid>,
) -> Result<Response> {
    match try_void(&app, &staff, id.clone(), &form).await {
        Ok(id) => Ok(page::go(&format!("/redemptions/{id}?done=voided"))),
        Err(error) => {
            let (status, problems): (StatusCode, Problems) = Problems::from_error(error)?;
            page::show_with(
                status,
                &slip_page(&app, staff, id, form, problems, String::new()).await?,
            )
        }
    }
}

async fn try_void(app: &App, staff: &Staff, id: String, form: &NewVoid) -> Result<Id<Redemption>> {
    let duties = staff.duties.clone();
    let asked = AskVoid {
        redemption: Id::known(id),
        reason: form.sentence(),
        shift: app.shift_of(staff).await?.id,
        by: staff.user.id.clone(),
        key: form.key.clone(),
    };
    let now = app.now();
    let (redeemed, _) = app
        .db
        .write(move |conn| {
            redemption::expect_within(conn, &asked.redemption, &duties, Permission::Redeem)?;
            void::void(conn, &asked, now)
        })
        .await?;
    Ok(redeemed.redemption.id)
}

/// What a line's quantity is called in the refund's form, before its position.
const BACK: &str = "back.";

/// `POST /redemptions/{id}/refund`: some of the goods come back.
///
/// # Errors
/// `NotFound`: what the rules refuse is shown on the slip.
pub async fn refund(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<String>,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    let mut form = NewVoid::empty(app.now());
    let mut lines = Ok(Vec::new());
    for (name, text) in fields {
        match name.as_str() {
            "key" => form.key = text,
            "reason" => form.reason = text,
            "detail" => form.detail = text,
            name => {
                if let Some(position) = name.strip_prefix(BACK) {
                    lines = lines.and_then(|lines| with_line(lines, position, text.trim()));
                }
            }
        }
    }
    let outcome = match lines {
        Ok(lines) => try_refund(&app, &staff, id.clone(), &form, lines).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(page::go(&format!("/redemptions/{id}?done=refunded"))),
        Err(error) => {
            let (status, problems): (StatusCode, Problems) = Problems::from_error(error)?;
            page::show_with(
                status,
                &slip_page(&app, staff, id, form, problems, String::new()).await?,
            )
        }
    }
}

/// A line with nothing in its field does not come back.
fn with_line(mut lines: Vec<(i64, i64)>, position: &str, text: &str) -> Result<Vec<(i64, i64)>> {
    let wrong = |_| Error::invalid("lines", "退货数量应为整数。");
    if !text.is_empty() && text != "0" {
        lines.push((position.parse().map_err(wrong)?, text.parse().map_err(wrong)?));
    }
    Ok(lines)
}

async fn try_refund(app: &App, staff: &Staff, id: String, form: &NewVoid, lines: Vec<(i64, i64)>) -> Result<()> {
    let duties = staff.duties.clone();
    let asked = AskRefund {
        redemption: Id::known(id),
        lines,
        reason: form.sentence(),
        shift: app.shift_of(staff).await?.id,
        by: staff.user.id.clone(),
        key: form.key.clone(),
    };
    let now = app.now();
    app.db
        .write(move |conn| {
            redemption::expect_within(conn, &asked.redemption, &duties, Permission::Redeem)?;
            refund::refund(conn, &asked, now).map(|_| ())
        })
        .await
}
