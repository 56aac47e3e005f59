//! The account books on paper: a register of a month with all its lines, and the monthly summary with its proof.
//!
//! Points belong to the whole programme, so their registers are read by whoever may read all of it; goods by those who keep
//! the stores they lie in. What a line says is said in `registers`.

use serde::{Deserialize, Serialize};

use super::order::{Head, Order};
use crate::access::role::{Permission, Reach};
use crate::clock::{Day, Span, spoken_day};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::money::Fen;
use crate::registers::columns::{Cell, Column, Measure};
use crate::registers::month::{self, Side};
use crate::registers::register::{Kind, Scope};
use crate::registers::workbook::SIGNATURES;
use crate::shop::store;

/// Lines of one register on paper at most; a longer month is printed store by store, or read as a workbook.
const MOST: i64 = 5_000;

/// Columns from this width on, in Latin letters, share what is left of the sheet; narrower ones are as wide as they are.
const WIDE: u16 = 15;

/// A register of a month.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    paper: Head,
    title: String,
    month: String,
    scope: String,
    columns: Vec<Heading>,
    rows: Vec<Vec<String>>,
    totals: Vec<String>,
    notes: Vec<String>,
    signatures: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Heading {
    title: String,
    width: Width,
    align: String,
}

/// As wide as its words, or a share of what is left.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Width {
    Auto(String),
    Share(u16),
}

/// A register by its word: issue, redemptions, stock or donations.
///
/// # Errors
/// `Invalid` for another, and for a month with more lines than one prints; `Forbidden` for registers of points where the
/// orderer looks after a part of the programme only.
pub fn register(conn: &mut Conn, order: &Order) -> Result<Register> {
    let kind = kind(order)?;
    let (scope, of_stores) = scope(conn, order, kind)?;
    let totals = kind.totals(conn, &scope)?;
    if totals.count > MOST {
        return Err(Error::invalid(
            "month",
            format!(
                "这个月有{}行，一次最多打印{MOST}行，请按超市打印，或下载Excel文件。",
                totals.count
            ),
        ));
    }
    let span = scope.month;
    let lines = kind.all_lines(conn, &scope)?;
    let shown = |cells: Vec<Cell>| cells.iter().map(|cell| in_words(cell, span)).collect::<Vec<_>>();
    let mut foot = shown(totals.cells);
    if let Some(first) = foot.first_mut() {
        *first = "合计".to_owned();
    }
    if let Some(second) = foot.get_mut(1) {
        *second = format!("{}行", totals.count);
    }
    let mut notes = vec!["按记账日期列入当月，过去的月份不会再变。".to_owned()];
    if kind.is_of_points() {
        notes.push("户主只显示姓氏。".to_owned());
    }
    if span.until > order.today() {
        notes.push(format!("这个月还没有结束，数字到{}为止。", spoken_day(order.today())));
    }
    Ok(Register {
        paper: order.head(conn, None)?,
        title: kind.label().to_owned(),
        month: month::spoken(span),
        scope: of_stores,
        columns: kind.columns().iter().map(heading).collect(),
        rows: lines.into_iter().map(|line| shown(line.cells)).collect(),
        totals: foot,
        notes,
        signatures: signatures(),
    })
}

fn kind(order: &Order) -> Result<Kind> {
    let word = order.asked.kind.as_deref().map(str::trim).unwrap_or_default();
    Kind::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
        Error::invalid("kind", format!("请写明哪一本台账：{}。", words.join("、")))
    })
}

/// Which month and stores, and how the stores are called.
fn scope(conn: &mut Conn, order: &Order, kind: Kind) -> Result<(Scope, String)> {
    let month = order.month()?;
    if kind.is_of_points() && order.reach(conn, Permission::ReadPointsRegisters)? != Reach::Everywhere {
        return Err(Error::Forbidden("积分台账是整个项目的，您的职责只管其中一部分。"));
    }
    let asked = order.asked.store.as_deref().is_some_and(|name| !name.is_empty());
    let stores = match kind.is_of_points() && !asked {
        true => store::all(conn)?,
        // Who reads all points reads all stores; a duty about goods reaches the stores it is about.
        false if kind.is_of_points() => order.stores(conn, Permission::ReadPointsRegisters)?,
        false => order.stores(conn, Permission::ReadGoodsRegisters)?,
    };
    if stores.is_empty() {
        return Err(Error::Forbidden("您的职责范围内没有积分超市。"));
    }
    let called = match (kind.is_of_stores(), asked, stores.first()) {
        (false, ..) => String::new(),
        (true, true, Some(store)) => store.name.clone(),
        (true, ..) => "全部超市".to_owned(),
    };
    let stores = stores.into_iter().map(|store| store.id).collect();
    Ok((Scope { month, stores }, called))
}

fn heading(column: &Column) -> Heading {
    Heading {
        title: column.heading.to_owned(),
        width: match column.measure {
            Measure::Text if column.width >= WIDE => Width::Share(column.width),
            _ => Width::Auto("auto".to_owned()),
        },
        align: if column.is_number() { "end" } else { "start" }.to_owned(),
    }
}

/// A day of the month's own year needs no year.
fn in_words(cell: &Cell, span: Span) -> String {
    let same_year = |day: &Day| day.format("%Y").to_string() == span.from.format("%Y").to_string();
    match cell {
        Cell::Day(day) if same_year(day) => day.format("%-m月%-d日").to_string(),
        Cell::Day(day) => spoken_day(*day),
        other => other.shown(),
    }
}

/// The lines for those who answer for it, and for the day.
fn signatures() -> Vec<String> {
    let roles = SIGNATURES.iter().map(|words| words.trim_end_matches('：'));
    roles.chain(["日期"]).map(str::to_owned).collect()
}

/// The sums of a month, and the proof that they agree.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthSummary {
    paper: Head,
    title: String,
    month: String,
    sections: Vec<Section>,
    proof: Vec<Proof>,
    signatures: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    label: String,
    value: String,
    note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    label: String,
    value: String,
}

/// The monthly summary: of points for whoever reads those of the whole programme, and of goods.
///
/// # Errors
/// `Invalid` for what is no month; `Forbidden` without a store.
pub fn month_summary(conn: &mut Conn, order: &Order) -> Result<MonthSummary> {
    let span = order.month()?;
    let (of_stores, called) = scope(conn, order, Kind::Stock)?;
    let mut sides = Vec::new();
    if order.reach(conn, Permission::ReadPointsRegisters)? == Reach::Everywhere {
        sides.push(("积分".to_owned(), "分", false, month::points(conn, span)?));
    }
    let goods = month::goods(conn, &of_stores.stores, span)?;
    sides.push((format!("商品（{called}）"), "件", true, goods));
    let agree = sides.iter().all(|(.., side)| side.agrees());
    let end = if span.until <= order.today() {
        "期末"
    } else {
        "现在"
    };
    let mut proof: Vec<Proof> = sides
        .iter()
        .flat_map(|(title, unit, has_cost, side)| proofs(title, unit, *has_cost, side, end))
        .collect();
    proof.push(Proof {
        label: "结论".to_owned(),
        value: if agree { "一致" } else { "不一致，请查明原因" }.to_owned(),
    });
    Ok(MonthSummary {
        paper: order.head(conn, None)?,
        title: "月度汇总".to_owned(),
        month: month::spoken(span),
        sections: sides
            .iter()
            .map(|(title, unit, has_cost, side)| section(title, unit, *has_cost, side, end))
            .collect(),
        proof,
        signatures: signatures(),
    })
}

fn section(title: &str, unit: &str, has_cost: bool, side: &Side, end: &str) -> Section {
    let cost = |fen: Fen| has_cost.then(|| yuan(fen));
    let total = |label: &str, (amount, fen): (i64, Fen)| Row {
        label: label.to_owned(),
        value: format!("{amount}{unit}"),
        note: cost(fen),
    };
    let mut rows = vec![total("期初", side.begin)];
    rows.extend(side.movements.iter().map(|movement| {
        let times = format!("{}笔", movement.count);
        Row {
            label: movement.label.clone(),
            value: format!("{}{unit}", signed(movement.amount)),
            note: Some(match cost(movement.cost) {
                Some(cost) => format!("{times}，{cost}"),
                None => times,
            }),
        }
    }));
    rows.push(total(end, side.end));
    Section {
        title: title.to_owned(),
        rows,
    }
}

fn proofs(title: &str, unit: &str, has_cost: bool, side: &Side, end: &str) -> [Proof; 2] {
    let told = |(amount, fen): (i64, Fen)| match has_cost {
        true => format!("{amount}{unit}，{}", yuan(fen)),
        false => format!("{amount}{unit}"),
    };
    let from = if has_cost { "批次" } else { "余额" };
    [
        Proof {
            label: format!("{title}：期初加本月各项"),
            value: told(side.reckoned()),
        },
        Proof {
            label: format!("{title}：按现有{from}倒推的{end}"),
            value: told(side.end),
        },
    ]
}

/// `−404.90元`, with the same minus.
fn yuan(fen: Fen) -> String {
    format!("{fen}元").replace('-', "−")
}

/// `+6`, `−3`, with a minus as wide as a plus.
fn signed(amount: i64) -> String {
    match amount {
        1.. => format!("+{amount}"),
        0 => "0".to_owned(),
        _ => format!("−{}", amount.unsigned_abs()),
    }
}
