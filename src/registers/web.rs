//! Pages of the registers: the monthly summary, and each register with its lines, to read, to print and to take along.
//!
//! What households have and get is read by those who answer for all of it; goods by their keeper too. The till reads neither.

mod open_book;

pub use open_book::open_book;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::columns::{Column, Line, Measure, total};
use super::month::{self, Side};
use super::register::{Kind, Scope, Totals};
use super::workbook::{self, Heading, SIGNATURES, Sheet};
use crate::access::role::{Permission, Reach};
use crate::app::{App, Staff};
use crate::clock::{self, Day, Span};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::{self, Shell};
use crate::places::programme;
use crate::sent::Query;
use crate::shop::store::{self, PointsStore};

/// Lines on a page of the screen, and on one for the printer.
const ON_SCREEN: i64 = 50;
const ON_PAPER: i64 = 2_000;

/// Which month, which store, which page.
#[derive(Clone, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    month: String,
    #[serde(default)]
    store: String,
    #[serde(default)]
    page: String,
    /// `paper`: as many lines as one prints at once.
    #[serde(default)]
    lines: String,
}

impl Wanted {
    fn month(&self, today: Day) -> Result<Span> {
        match self.month.trim() {
            "" => Ok(Span::month_of(today)),
            text => month::read(text).ok_or_else(|| Error::invalid("month", "月份应写成2026-11的样子。")),
        }
    }

    fn page(&self) -> i64 {
        self.page.parse().unwrap_or(1).clamp(1, 1_000_000)
    }

    fn is_paper(&self) -> bool {
        self.lines == "paper"
    }

    fn at_a_time(&self) -> i64 {
        match self.is_paper() {
            true => ON_PAPER,
            false => ON_SCREEN,
        }
    }
}

/// What is asked for, with what may be chosen instead.
struct Chosen {
    scope: Scope,
    stores: Vec<PointsStore>,
    /// The chosen store; `None` for all of them.
    store: Option<PointsStore>,
    programme: String,
}

impl Chosen {
    fn of(conn: &mut Conn, staff: &Staff, wanted: &Wanted, of_points: bool, today: Day) -> Result<Chosen> {
        let month = wanted.month(today)?;
        let stores = match of_points {
            true => {
                expect_everywhere(conn, staff)?;
                store::all(conn)?
            }
            false => store::all_of_duties(conn, &staff.duties, Permission::ReadGoodsRegisters)?,
        };
        if stores.is_empty() {
            return Err(Error::Forbidden("您的职责范围内没有积分超市。"));
        }
        let store = match wanted.store.as_str() {
            "" => None,
            id => Some(
                stores
                    .iter()
                    .find(|store| store.id.as_str() == id)
                    .cloned()
                    .ok_or(Error::NotFound)?,
            ),
        };
        let of_it: Vec<Id<PointsStore>> = match &store {
            Some(store) => vec![store.id.clone()],
            None => stores.iter().map(|store| store.id.clone()).collect(),
        };
        Ok(Chosen {
            scope: Scope { month, stores: of_it },
            programme: programme::get(conn)?.name,
            stores,
            store,
        })
    }

    fn is_chosen(&self, store: &PointsStore) -> bool {
        self.store.as_ref().is_some_and(|chosen| chosen.id == store.id)
    }

    /// `全部超市`, or the name of the one.
    fn of_stores(&self) -> &str {
        self.store.as_ref().map_or("全部超市", |store| &store.name)
    }

    fn month(&self) -> String {
        month::written(self.scope.month)
    }

    fn spoken(&self) -> String {
        month::spoken(self.scope.month)
    }

    /// The question of an address, without the page.
    fn question(&self) -> String {
        let store = self.store.as_ref().map(|store| store.id.as_str()).unwrap_or_default();
        format!("month={}&store={store}", self.month())
    }

    fn heading(&self, title: &str, of_stores: bool) -> Heading {
        let stores = match of_stores {
            true => format!("　　超市：{}", self.of_stores()),
            false => String::new(),
        };
        Heading {
            title: title.to_owned(),
            about: format!("项目：{}　　月份：{}{stores}", self.programme, self.spoken()),
        }
    }
}

/// Points belong to the whole programme: whoever looks after a part of it reads the statements of its households instead.
fn expect_everywhere(conn: &mut Conn, staff: &Staff) -> Result<()> {
    match staff.reach(conn, Permission::ReadPointsRegisters)? {
        Reach::Everywhere => Ok(()),
        Reach::Buildings(_) => Err(Error::Forbidden("积分台账是整个项目的，您的职责只管其中一部分。")),
    }
}

#[derive(Template)]
#[template(path = "registers/register.html")]
struct RegisterPage {
    shell: Shell,
    kind: Kind,
    chosen: Chosen,
    lines: Vec<Line>,
    totals: Totals,
    page: i64,
    at_a_time: i64,
    is_paper: bool,
    reads_points: bool,
    printed_at: String,
}

impl RegisterPage {
    fn columns(&self) -> &'static [Column] {
        self.kind.columns()
    }

    fn pages(&self) -> i64 {
        self.totals.count.saturating_add(self.at_a_time.saturating_sub(1)) / self.at_a_time.max(1)
    }

    /// The totals of the lines on this page, where they are not those of the month.
    fn of_page(&self) -> Option<Vec<String>> {
        let totals = self.columns().iter().enumerate().map(|(position, column)| {
            let sum = total(column, position, &self.lines);
            sum.map(|cell| cell.shown()).unwrap_or_default()
        });
        (self.pages() > 1).then(|| totals.collect())
    }

    fn heading_of(&self, position: &usize) -> &'static str {
        self.columns().get(*position).map_or("", |column| column.heading)
    }

    fn class_of(&self, position: &usize) -> &'static str {
        match self.columns().get(*position).map(|column| column.measure) {
            Some(Measure::Day) => "date",
            Some(Measure::Number | Measure::Sum | Measure::YuanSum) => "number",
            _ => "",
        }
    }
}

async fn show(app: App, staff: Staff, wanted: Wanted, kind: Kind) -> Result<Response> {
    let (today, now) = (clock::day_of(app.now()), app.now());
    let page = app
        .db
        .read(move |conn| {
            let chosen = Chosen::of(conn, &staff, &wanted, kind.is_of_points(), today)?;
            let (page, at_a_time) = (wanted.page(), wanted.at_a_time());
            let offset = page.saturating_sub(1).saturating_mul(at_a_time);
            Ok(RegisterPage {
                lines: kind.lines(conn, &chosen.scope, offset, at_a_time)?,
                totals: kind.totals(conn, &chosen.scope)?,
                reads_points: staff.duties.permit(Permission::ReadPointsRegisters),
                shell: staff.shell,
                kind,
                chosen,
                page,
                at_a_time,
                is_paper: wanted.is_paper(),
                printed_at: clock::spoken(now),
            })
        })
        .await?;
    page::show(&page)
}

async fn file(app: App, staff: Staff, wanted: Wanted, kind: Kind) -> Result<Response> {
    let today = clock::day_of(app.now());
    let (sheet, month) = app
        .db
        .read(move |conn| {
            let chosen = Chosen::of(conn, &staff, &wanted, kind.is_of_points(), today)?;
            let sheet = Sheet {
                heading: chosen.heading(kind.label(), kind.is_of_stores()),
                columns: kind.columns().to_vec(),
                lines: kind.all_lines(conn, &chosen.scope)?,
                foot: "合计",
            };
            Ok((sheet, chosen.month()))
        })
        .await?;
    let bytes = app.slowly(move || workbook::write(&[sheet])).await??;
    page::workbook(kind.label(), kind.word(), &month, bytes)
}

/// `GET /registers/issue`
///
/// # Errors
/// `Invalid` for a month that is none; `Forbidden` for somebody who looks after a part of the programme.
pub async fn issue(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    show(app, staff, wanted, Kind::Issue).await
}

/// `GET /registers/issue/file.xlsx`
///
/// # Errors
/// As [`issue`].
pub async fn issue_file(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    file(app, staff, wanted, Kind::Issue).await
}

/// `GET /registers/redemptions`
///
/// # Errors
/// As [`issue`]; `NotFound` for another store.
pub async fn redemptions(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    show(app, staff, wanted, Kind::Redemptions).await
}

/// `GET /registers/redemptions/file.xlsx`
///
/// # Errors
/// As [`redemptions`].
pub async fn redemptions_file(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    file(app, staff, wanted, Kind::Redemptions).await
}

/// `GET /registers/stock`
///
/// # Errors
/// `Invalid` for a month that is none; `NotFound` for a store outside the person's duties.
pub async fn stock(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    show(app, staff, wanted, Kind::Stock).await
}

/// `GET /registers/stock/file.xlsx`
///
/// # Errors
/// As [`stock`].
pub async fn stock_file(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    file(app, staff, wanted, Kind::Stock).await
}

/// `GET /registers/donations`
///
/// # Errors
/// As [`stock`].
pub async fn donations(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    show(app, staff, wanted, Kind::Donations).await
}

/// `GET /registers/donations/file.xlsx`
///
/// # Errors
/// As [`stock`].
pub async fn donations_file(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    file(app, staff, wanted, Kind::Donations).await
}

#[derive(Template)]
#[template(path = "registers/month.html")]
struct MonthPage {
    shell: Shell,
    chosen: Chosen,
    /// Only for those who may read what households have.
    points: Option<Side>,
    goods: Side,
    reads_points: bool,
    is_over: bool,
    printed_at: String,
}

/// Both halves, as far as the person may read them.
fn summary(conn: &mut Conn, staff: &Staff, wanted: &Wanted, today: Day) -> Result<(Chosen, Option<Side>, Side)> {
    let chosen = Chosen::of(conn, staff, wanted, false, today)?;
    let everywhere = staff.reach(conn, Permission::ReadPointsRegisters)? == Reach::Everywhere;
    let points = match everywhere {
        true => Some(month::points(conn, chosen.scope.month)?),
        false => None,
    };
    let goods = month::goods(conn, &chosen.scope.stores, chosen.scope.month)?;
    Ok((chosen, points, goods))
}

/// `GET /registers`: the monthly summary.
///
/// # Errors
/// As [`stock`].
pub async fn month(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let (today, now) = (clock::day_of(app.now()), app.now());
    let page = app
        .db
        .read(move |conn| {
            let (chosen, points, goods) = summary(conn, &staff, &wanted, today)?;
            Ok(MonthPage {
                reads_points: staff.duties.permit(Permission::ReadPointsRegisters),
                is_over: chosen.scope.month.until <= today,
                shell: staff.shell,
                chosen,
                points,
                goods,
                printed_at: clock::spoken(now),
            })
        })
        .await?;
    page::show(&page)
}

/// `GET /registers/file.xlsx`: the monthly summary, a sheet for points and one for goods.
///
/// # Errors
/// As [`stock`].
pub async fn month_file(State(app): State<App>, staff: Staff, Query(wanted): Query<Wanted>) -> Result<Response> {
    let today = clock::day_of(app.now());
    let (sheets, month) = app
        .db
        .read(move |conn| {
            let (chosen, points, goods) = summary(conn, &staff, &wanted, today)?;
            let mut sheets = Vec::new();
            if let Some(points) = points {
                let heading = chosen.heading("积分月度汇总", false);
                sheets.push(workbook::of_side(heading, &points, false));
            }
            let heading = chosen.heading("商品月度汇总", true);
            sheets.push(workbook::of_side(heading, &goods, true));
            Ok((sheets, chosen.month()))
        })
        .await?;
    let bytes = app.slowly(move || workbook::write(&sheets)).await??;
    page::workbook("月度汇总", "month", &month, bytes)
}
