//! Receipts: the list, the form that grows line by line, and the 入库单 to print.
//!
//! The form is its own address: each line that was added is in it, so that nothing is lost on the way to a form for goods
//! that nobody knew and back, and a reload changes nothing. Nothing is received before `POST`.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::fields::{Fields, chosen, fen_of, fresh_key, readable, stores};
use crate::access::role::Permission;
use crate::access::user;
use crate::app::{App, Staff};
use crate::clock::{self, Day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::money::Fen;
use crate::page::{self, Problems, Shell};
use crate::sent::{Path, Query, SignedForm};
use crate::shop::barcode;
use crate::shop::catalogue::{self, Entry};
use crate::shop::donor::{self, ANONYMOUS, Donor};
use crate::shop::goods::GoodsItem;
use crate::shop::receipt::{self, Document, NewLine, ReceiptKind, Received, StockReceipt};
use crate::shop::stock;
use crate::shop::store::{self, PointsStore};

#[derive(Template)]
#[template(path = "shop/receipts.html")]
struct ReceiptsPage {
    shell: Shell,
    receipts: Vec<(StockReceipt, i64)>,
    page: i64,
    is_last: bool,
    may_receive: bool,
    several_stores: bool,
}

/// Receipts on a page.
const ON_A_PAGE: u8 = 25;

/// `GET /stock/receipts`
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn receipts(State(app): State<App>, staff: Staff, Query(fields): Query<Fields>) -> Result<Response> {
    let page: i64 = fields.one("page").parse().unwrap_or(1).clamp(1, 10_000);
    let page = app
        .db
        .read(move |conn| {
            let stores = readable(conn, &staff.duties)?;
            let before = page.saturating_sub(1).saturating_mul(i64::from(ON_A_PAGE));
            // One more than is shown tells whether there is a further page.
            let mut receipts = receipt::newest(conn, &stores, before, i64::from(ON_A_PAGE).saturating_add(1))?;
            let is_last = receipts.len() <= usize::from(ON_A_PAGE);
            receipts.truncate(usize::from(ON_A_PAGE));
            Ok(ReceiptsPage {
                receipts,
                page,
                is_last,
                may_receive: staff.duties.permit(Permission::ReceiveStock),
                several_stores: stores.len() > 1,
                shell: staff.shell,
            })
        })
        .await?;
    page::show(&page)
}

#[derive(Template)]
#[template(path = "shop/receipt_new.html")]
struct NewReceiptPage {
    shell: Shell,
    problems: Problems,
    key: String,
    fields: Fields,
    stores: Vec<PointsStore>,
    donors: Vec<Donor>,
    lines: Vec<Draft>,
    /// Goods that were scanned, and wait for their quantity.
    current: Option<Entry>,
    /// The last day that their shelf life gives.
    expires_on: Option<Day>,
    /// Goods that are not offered any more.
    hidden: Option<Entry>,
}

/// A line of the form.
struct Draft {
    line: NewLine,
    item: GoodsItem,
    expires_on: Option<Day>,
}

impl Draft {
    fn text(&self) -> String {
        in_text(&self.line)
    }

    fn cost(&self) -> Fen {
        Fen(self.line.cost_fen.saturating_mul(self.line.quantity))
    }
}

impl NewReceiptPage {
    fn is(&self, name: &str, value: &str) -> bool {
        self.fields.one(name) == value
    }

    fn total(&self) -> Fen {
        let costs = self.lines.iter().map(|draft| draft.cost().0);
        Fen(costs.fold(0, i64::saturating_add))
    }

    fn cost(&self) -> String {
        let typed = self.fields.one("cost");
        match (&self.current, typed) {
            (Some(entry), "") => entry.item.cost_fen.to_string(),
            _ => typed.to_owned(),
        }
    }

    /// The address of this form with what was entered, to come back to.
    fn back(&self) -> String {
        let mut fields: Vec<(&str, String)> = ["store", "kind", "donor", "declared", "intent", "note", "key"]
            .into_iter()
            .map(|name| (name, self.fields.one(name).to_owned()))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        fields.extend(self.lines.iter().map(|draft| ("line", draft.text())));
        let query = serde_urlencoded::to_string(fields).unwrap_or_default();
        format!("/stock/receipts/new?{query}")
    }
}

/// `GET /stock/receipts/new`: the form with the lines so far; goods that nobody knows lead to the form for new goods.
///
/// # Errors
/// `Forbidden` when no store lies within the person's duties.
pub async fn new_receipt(State(app): State<App>, staff: Staff, Query(fields): Query<Fields>) -> Result<Response> {
    let may_keep = staff.duties.permit(Permission::KeepGoods);
    let page = receipt_page(&app, staff, fields, Problems::default()).await?;
    let code = page.fields.one("code").to_owned();
    let unknown = !code.is_empty() && page.current.is_none() && page.hidden.is_none() && page.problems.is_empty();
    if unknown && may_keep && barcode::read(&code).is_ok() {
        let to = [("barcode", code), ("back", page.back())];
        let query = serde_urlencoded::to_string(to).map_err(Error::internal)?;
        return Ok(page::go(&format!("/goods/new?{query}")));
    }
    page::show(&page)
}

async fn receipt_page(app: &App, staff: Staff, mut fields: Fields, problems: Problems) -> Result<NewReceiptPage> {
    let (key, today) = (fresh_key(app.now()), clock::day_of(app.now()));
    if fields.one("key").is_empty() {
        fields.0.retain(|(name, _)| name != "key");
        fields.0.push(("key".to_owned(), key));
    }
    app.db
        .read(move |conn| {
            let mut page = NewReceiptPage {
                stores: stores(conn, &staff.duties, Permission::ReceiveStock)?,
                donors: donor::named(conn)?,
                lines: drafts(conn, &fields, today)?,
                key: fields.one("key").to_owned(),
                current: None,
                expires_on: None,
                hidden: None,
                shell: staff.shell,
                problems,
                fields,
            };
            take_code(conn, &mut page, today)?;
            Ok(page)
        })
        .await
}

/// What the code field holds: goods to be entered, or a whole line when the quantity is there too.
fn take_code(conn: &mut Conn, page: &mut NewReceiptPage, today: Day) -> Result<()> {
    let code = page.fields.one("code").to_owned();
    if code.is_empty() {
        return Ok(());
    }
    let Some(entry) = catalogue::find(conn, &code)? else {
        if barcode::read(&code).is_err() {
            page.problems = problems_of(Error::invalid(
                "code",
                "没有这个编号，也不是能认的条码。请核对，或先登记新商品。",
            ))?;
        }
        return Ok(());
    };
    if entry.item.withdrawn_at.is_some() {
        page.hidden = Some(entry);
        return Ok(());
    }
    page.expires_on = stock::shelf_life_end(&entry.item, today);
    if !page.fields.one("quantity").is_empty() {
        match line_of(conn, &page.fields, &entry, today) {
            Ok(draft) => {
                page.lines.push(draft);
                let entered = ["code", "quantity", "cost", "expires_on"];
                page.fields.0.retain(|(name, _)| !entered.contains(&name.as_str()));
                return Ok(());
            }
            Err(error) => page.problems = problems_of(error)?,
        }
    }
    page.current = Some(entry);
    Ok(())
}

fn problems_of(error: Error) -> Result<Problems> {
    Problems::from_error(error).map(|(_, problems)| problems)
}

fn line_of(conn: &mut Conn, fields: &Fields, entry: &Entry, today: Day) -> Result<Draft> {
    let line = NewLine {
        sku: entry.item.sku.clone(),
        quantity: fields.number("quantity", "数量")?,
        cost_fen: fields.fen("cost", "单价")?,
        expires_on: fields.maybe_day("expires_on", "到期日")?,
    };
    let (item, expires_on) = receipt::check_line(conn, &line, today)?;
    Ok(Draft { line, item, expires_on })
}

/// The lines that the form carries, without the one that is taken out.
fn drafts(conn: &mut Conn, fields: &Fields, today: Day) -> Result<Vec<Draft>> {
    let dropped: Option<usize> = fields.one("drop").parse().ok();
    let lines = fields.all("line").enumerate().filter(|(at, _)| Some(*at) != dropped);
    let mut drafts = Vec::new();
    for (_, text) in lines.take(receipt::MOST_LINES) {
        let line = of_text(text).ok_or_else(|| Error::invalid("lines", "网址里的商品行读不懂，请重新录入。"))?;
        let (item, expires_on) = receipt::check_line(conn, &line, today)?;
        drafts.push(Draft { line, item, expires_on });
    }
    Ok(drafts)
}

/// `10|12.60|2027-03-31|G001`
fn in_text(line: &NewLine) -> String {
    let day = line.expires_on.map(|day| day.to_string()).unwrap_or_default();
    format!("{}|{}|{day}|{}", line.quantity, Fen(line.cost_fen), line.sku)
}

fn of_text(text: &str) -> Option<NewLine> {
    let mut parts = text.splitn(4, '|');
    let (quantity, cost, day, sku) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(NewLine {
        sku: sku.to_owned(),
        quantity: quantity.parse().ok()?,
        cost_fen: fen_of(cost).ok()?,
        expires_on: match day {
            "" => None,
            day => Some(day.parse().ok()?),
        },
    })
}

/// `POST /stock/receipts/new`
///
/// # Errors
/// Only when the database fails: what is wrong in the form is shown in it.
pub async fn add_receipt(
    State(app): State<App>,
    staff: Staff,
    SignedForm(fields): SignedForm<Fields>,
) -> Result<Response> {
    match try_add(&app, &staff, fields.clone()).await {
        Ok(number) => Ok(page::go(&format!("/stock/receipts/{number}?done=received"))),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            page::show_with(status, &receipt_page(&app, staff, fields, problems).await?)
        }
    }
}

async fn try_add(app: &App, staff: &Staff, fields: Fields) -> Result<i64> {
    let act = fields.act("stock.receipt_made", &staff.user.id, app.now());
    let duties = staff.duties.clone();
    app.db
        .write(move |conn| {
            let stores = stores(conn, &duties, Permission::ReceiveStock)?;
            let store = chosen(&stores, fields.one("store"))?;
            let lines = fields.all("line").map(of_text).collect::<Option<Vec<NewLine>>>();
            let lines = lines.ok_or_else(|| Error::invalid("lines", "商品行读不懂，请重新录入。"))?;
            let kind = match fields.one("kind") {
                "donation" => ReceiptKind::Donation,
                _ => ReceiptKind::Purchase,
            };
            let document = Document {
                store: store.id,
                kind,
                donor: donor_of(conn, fields.one("donor"))?,
                declared_fen: match fields.one("declared") {
                    "" => None,
                    _ => Some(fields.fen("declared", "自报价值")?),
                },
                intent: fields.one("intent").to_owned(),
                from: None,
                note: fields.one("note").to_owned(),
            };
            receipt::receive(conn, &document, &lines, &act)
        })
        .await
}

fn donor_of(conn: &mut Conn, id: &str) -> Result<Option<Id<Donor>>> {
    match id {
        "" => Ok(None),
        id => donor::by_id(conn, &Id::known(id)).map(|donor| Some(donor.id)),
    }
}

#[derive(Template)]
#[template(path = "shop/receipt.html")]
struct ReceiptPage {
    shell: Shell,
    done: bool,
    paper: Paper,
}

/// A receipt with everything that its papers say.
struct Paper {
    receipt: StockReceipt,
    lines: Vec<Received>,
    store: PointsStore,
    from: Option<PointsStore>,
    donor: String,
    by: String,
}

impl Paper {
    fn total(&self) -> Fen {
        let costs = self.lines.iter().map(|line| line.cost().0);
        Fen(costs.fold(0, i64::saturating_add))
    }

    /// A receipt of a store that the person may read.
    fn of(conn: &mut Conn, staff: &Staff, number: &str) -> Result<Paper> {
        let number = number.parse().map_err(|_| Error::NotFound)?;
        let (receipt, lines) = receipt::by_number(conn, number)?;
        let own = stores(conn, &staff.duties, Permission::ReadStock)?;
        let store = chosen(&own, receipt.store_id.as_str())?;
        let from = receipt.from_store_id.clone();
        let all = store::all(conn)?;
        let donor = match &receipt.donor_id {
            Some(id) => donor::by_id(conn, id)?.shown().to_owned(),
            None => ANONYMOUS.to_owned(),
        };
        Ok(Paper {
            by: user::by_id(conn, &receipt.recorded_by)?.display_name,
            from: all.into_iter().find(|other| Some(&other.id) == from.as_ref()),
            receipt,
            lines,
            store,
            donor,
        })
    }
}

/// `GET /stock/receipts/{number}`
///
/// # Errors
/// `NotFound`, also for a store outside the person's duties.
pub async fn receipt(
    State(app): State<App>,
    staff: Staff,
    Path(number): Path<String>,
    Query(done): Query<super::goods::Done>,
) -> Result<Response> {
    let page = app
        .db
        .read(move |conn| {
            Ok(ReceiptPage {
                paper: Paper::of(conn, &staff, &number)?,
                shell: staff.shell,
                done: done.done == "received",
            })
        })
        .await?;
    page::show(&page)
}
