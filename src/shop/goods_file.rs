//! The catalogue as a file: what goes out, and what comes back in, shown row by row before anything is written.
//!
//! Columns are in the field's words, and the English of `samples/goods.csv` is understood too. Goods are known by their short
//! code. A price that differs goes into the history. Rows that make no sense are refused with a reason; the others are taken.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::act::{Act, Done};
use super::catalogue::{self, Description, Entry};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::money::Fen;
use crate::points::Points;

/// A column: its heading, and what else it may be called.
const COLUMNS: [(&str, &[&str]); 11] = [
    ("编号", &["sku"]),
    ("条码", &["barcode"]),
    ("名称", &["name_zh", "品名"]),
    ("规格", &["pack"]),
    ("单位", &["unit"]),
    ("类别", &["category"]),
    ("积分", &["price_points", "积分价"]),
    ("成本（元）", &["成本"]),
    ("装箱数", &["case_quantity"]),
    ("每户每月限兑", &["limit_per_household_per_month", "每户每月限"]),
    ("保质期（天）", &["shelf_life_days"]),
];
/// The sample's cost, in fen.
const COST_IN_FEN: &str = "cost_cents";

/// The file that goes out: a heading, and a row for each kind of goods.
#[must_use]
pub fn rows(entries: &[Entry]) -> Vec<Vec<String>> {
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let mut rows = vec![COLUMNS.map(|(name, _)| name.to_owned()).to_vec()];
    rows.extend(entries.iter().map(|entry| {
        let item = &entry.item;
        vec![
            item.sku.clone(),
            item.barcode.clone().unwrap_or_default(),
            item.name.clone(),
            entry.pack.clone().unwrap_or_default(),
            item.unit.clone(),
            item.category.clone(),
            item.price_points.to_string(),
            item.cost_fen.to_string(),
            number(entry.case_quantity),
            number(item.monthly_limit),
            number(item.shelf_life_days),
        ]
    }));
    rows
}

/// What a row would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Goods that were not there.
    New,
    /// Something differs; with the old price where that does.
    Changed(Option<Points>),
    /// Nothing differs.
    Unchanged,
    /// It makes no sense, in a sentence.
    Refused(String),
}

/// A row with what it would do.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The line in the file, from 1.
    pub line: usize,
    /// The short code, as far as there is one.
    pub sku: String,
    /// The name.
    pub name: String,
    /// What it would do.
    pub effect: Effect,
    wanted: Option<(Description, Points)>,
}

/// What is in a row, by the heading.
struct Row<'a>(&'a HashMap<&'static str, usize>, &'a [String]);

impl Row<'_> {
    fn text(&self, column: &str) -> &str {
        let at = self.0.get(column);
        at.and_then(|at| self.1.get(*at)).map_or("", |cell| plain(cell))
    }

    fn number(&self, column: &'static str) -> Result<Option<i64>> {
        match self.text(column) {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| Error::invalid("file", format!("{column}应为整数。"))),
        }
    }

    fn cost(&self) -> Result<i64> {
        if self.0.contains_key(COST_IN_FEN) {
            return Ok(self.number(COST_IN_FEN)?.unwrap_or(0));
        }
        let wrong = || Error::invalid("file", "成本应为数字，最多两位小数，例如12.60。");
        Fen::of_yuan(self.text("成本（元）")).map(|fen| fen.0).ok_or_else(wrong)
    }
}

/// A cell without the sign that keeps a spreadsheet from reading it as a formula.
fn plain(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('\'').unwrap_or(cell)
}

/// The most rows of a file.
const MOST_ROWS: usize = 30_000;

/// Says what each row of a file would do. Nothing is written.
///
/// # Errors
/// `Invalid` for a table without the columns that goods need, and one that is too long.
pub fn plan(conn: &mut Conn, table: &[Vec<String>]) -> Result<Vec<Planned>> {
    let (heading, rows) = table
        .split_first()
        .ok_or_else(|| Error::invalid("file", "文件是空的。"))?;
    if rows.len() > MOST_ROWS {
        return Err(Error::invalid("file", format!("一次最多导入{MOST_ROWS}行。")));
    }
    let columns = columns(heading)?;
    let known: HashMap<String, Entry> = catalogue::all(conn)?
        .into_iter()
        .map(|entry| (entry.item.sku.clone(), entry))
        .collect();
    let mut barcodes: HashMap<String, String> = known
        .values()
        .filter_map(|entry| Some((entry.item.barcode.clone()?, entry.item.sku.clone())))
        .collect();
    let (mut seen, mut planned) = (HashSet::new(), Vec::new());
    for (line, cells) in (2..).zip(rows) {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let row = Row(&columns, cells);
        let (sku, name) = (row.text("编号").to_uppercase(), row.text("名称").to_owned());
        let read = wanted(&row).and_then(|wanted| match seen.insert(sku.clone()) {
            true => expect_own_barcode(&mut barcodes, &wanted.0, &known).map(|()| wanted),
            false => Err(Error::invalid("file", "编号在文件里重复了。")),
        });
        let (effect, wanted) = match read {
            Ok(wanted) => (effect(known.get(&sku), &wanted), Some(wanted)),
            Err(error) => (Effect::Refused(error.to_string()), None),
        };
        planned.push(Planned {
            line,
            sku,
            name,
            effect,
            wanted,
        });
    }
    Ok(planned)
}

/// Where each column is.
fn columns(heading: &[String]) -> Result<HashMap<&'static str, usize>> {
    // People type brackets of either width.
    let wide = |cell: &String| {
        cell.trim()
            .trim_start_matches('\u{feff}')
            .replace('(', "（")
            .replace(')', "）")
    };
    let heading: Vec<String> = heading.iter().map(wide).collect();
    let at = |names: &[&str]| heading.iter().position(|cell| names.contains(&cell.as_str()));
    let mut columns = HashMap::new();
    for (name, others) in COLUMNS {
        if let Some(found) = at(&[name]).or_else(|| at(others)) {
            columns.insert(name, found);
        }
    }
    if let Some(found) = at(&[COST_IN_FEN]) {
        columns.insert(COST_IN_FEN, found);
    }
    let needed = ["编号", "名称", "单位", "类别", "积分"];
    let missing: Vec<&str> = needed.into_iter().filter(|name| !columns.contains_key(name)).collect();
    match missing.is_empty() {
        true => Ok(columns),
        false => Err(Error::invalid(
            "file",
            format!(
                "第一行应为表头，缺少这些列：{}。可以先导出一份，在里面改。",
                missing.join("、")
            ),
        )),
    }
}

fn wanted(row: &Row<'_>) -> Result<(Description, Points)> {
    let price = row.number("积分")?.filter(|price| *price >= 1);
    let price = price.ok_or_else(|| Error::invalid("file", "积分应为1以上的整数。"))?;
    let described = Description {
        sku: row.text("编号").to_owned(),
        barcode: row.text("条码").to_owned(),
        in_store: false,
        name: row.text("名称").to_owned(),
        unit: row.text("单位").to_owned(),
        pack: row.text("规格").to_owned(),
        case_quantity: row.number("装箱数")?,
        category: row.text("类别").to_owned(),
        cost_fen: row.cost()?,
        monthly_limit: row.number("每户每月限兑")?,
        shelf_life_days: row.number("保质期（天）")?,
    };
    let described = described.checked()?;
    if !catalogue::is_short_code(&described.sku) {
        return Err(Error::invalid(
            "file",
            "编号用大写字母和数字，至少有一个数字，最多16位。",
        ));
    }
    Ok((described, Points(price)))
}

/// A barcode belongs to one kind of goods, in the file and in the catalogue.
fn expect_own_barcode(
    barcodes: &mut HashMap<String, String>,
    described: &Description,
    known: &HashMap<String, Entry>,
) -> Result<()> {
    let before = known.get(&described.sku).and_then(|entry| entry.item.barcode.clone());
    if described.barcode.is_empty() || before.as_ref() == Some(&described.barcode) {
        return Ok(());
    }
    match barcodes.insert(described.barcode.clone(), described.sku.clone()) {
        Some(other) if other != described.sku => Err(Error::invalid("file", format!("这个条码已经是{other}的。"))),
        _ => Ok(()),
    }
}

fn effect(known: Option<&Entry>, (described, price): &(Description, Points)) -> Effect {
    let Some(entry) = known else {
        return Effect::New;
    };
    let old = Some(entry.item.price_points).filter(|old| old != price);
    let same = serde_json::to_string(&Description::of(entry)).ok() == serde_json::to_string(described).ok();
    match same && old.is_none() {
        true => Effect::Unchanged,
        false => Effect::Changed(old),
    }
}

/// Takes the rows that make sense; the price changes go into the history. Answers what was done.
///
/// # Errors
/// As [`plan`]; `idempotency_conflict`.
pub fn import(conn: &mut Conn, table: &[Vec<String>], act: &Act) -> Result<Vec<Planned>> {
    #[derive(Serialize)]
    struct Content<'a>(&'a [Vec<String>]);
    let planned = plan(conn, table)?;
    act.once(conn, &Content(table), |conn| {
        for row in &planned {
            let Some((described, price)) = &row.wanted else {
                continue;
            };
            match &row.effect {
                Effect::New => {
                    catalogue::add(conn, described, *price, act)?;
                }
                Effect::Changed(old) => {
                    let item = catalogue::by_sku(conn, &described.sku)?.item;
                    catalogue::update(conn, &item, described)?;
                    if old.is_some() {
                        catalogue::reprice(conn, &item, *price, "导入文件", act)?;
                    }
                }
                Effect::Unchanged | Effect::Refused(_) => {}
            }
        }
        let taken = planned
            .iter()
            .filter(|row| matches!(row.effect, Effect::New | Effect::Changed(_)))
            .count();
        Ok(Done {
            answer: taken.to_string(),
            subject: "goods_file".to_owned(),
            detail: format!("{taken}种"),
        })
    })?;
    Ok(planned)
}
