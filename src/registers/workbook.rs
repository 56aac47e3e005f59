//! Registers as workbooks: A4 across, the heading on every page, totals as formulas, signature lines at the end.
//!
//! A total is `=SUM(…)` over the lines above it, with what we reckoned as its stored value: whoever opens the file can derive
//! each total, and a program that does not reckon reads the same. Words are text cells, so nothing that people typed becomes
//! a formula.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Formula, Workbook, Worksheet};

use super::columns::{Cell, Column, Line, Measure, total};
use super::month::Side;
use crate::error::{Error, Result};

/// The lines for those who answer for it.
pub const SIGNATURES: [&str; 3] = ["制表：", "审核：", "负责人："];

/// What stands above the lines.
#[derive(Clone, Debug)]
pub struct Heading {
    /// `积分兑换台账`
    pub title: String,
    /// Programme, month, stores.
    pub about: String,
}

/// One sheet of a workbook.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// What stands above.
    pub heading: Heading,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// What stands before the totals at the foot.
    pub foot: &'static str,
}

/// One half of a monthly summary as a sheet: the beginning is its first line, the end its total.
#[must_use]
pub fn of_side(heading: Heading, side: &Side, is_goods: bool) -> Sheet {
    let mut columns = vec![
        Column::new("项目", Measure::Text, 24),
        Column::new("笔数", Measure::Number, 10),
        Column::new(if is_goods { "数量" } else { "积分" }, Measure::Sum, 14),
    ];
    if is_goods {
        columns.push(Column::new("金额（元）", Measure::YuanSum, 16));
    }
    let line = |label: &str, count: Cell, (amount, cost)| {
        let mut cells = vec![Cell::text(label), count, Cell::Number(amount)];
        if is_goods {
            cells.push(Cell::Yuan(cost));
        }
        Line {
            cells,
            href: String::new(),
        }
    };
    let mut lines = vec![line("期初", Cell::Nothing, side.begin)];
    lines.extend(side.movements.iter().map(|movement| {
        let moved = (movement.amount, movement.cost);
        line(&movement.label, Cell::Number(movement.count), moved)
    }));
    Sheet {
        heading,
        columns,
        lines,
        foot: "期末",
    }
}

/// The workbook of these sheets.
///
/// # Errors
/// `Internal` when it cannot be written, for example beyond a million lines.
pub fn write(sheets: &[Sheet]) -> Result<Vec<u8>> {
    let mut workbook = Workbook::new();
    for sheet in sheets {
        write_sheet(workbook.add_worksheet(), sheet)?;
    }
    workbook.save_to_buffer().map_err(Error::internal)
}

/// The row of the headings, from 0.
const HEADINGS: u32 = 2;

fn write_sheet(page: &mut Worksheet, sheet: &Sheet) -> Result<()> {
    let grid = Format::new().set_border(FormatBorder::Thin);
    let bold = grid.clone().set_bold().set_align(FormatAlign::Center).set_text_wrap();
    let text = grid.clone().set_num_format("@").set_text_wrap();
    let last = u16::try_from(sheet.columns.len().saturating_sub(1)).map_err(Error::internal)?;
    page.set_name(&sheet.heading.title).map_err(Error::internal)?;
    page.set_paper_size(9).set_landscape().set_print_fit_to_pages(1, 0);
    page.set_repeat_rows(HEADINGS, HEADINGS).map_err(Error::internal)?;
    page.set_footer("&C第&P页，共&N页");
    let title = Format::new()
        .set_bold()
        .set_font_size(16)
        .set_align(FormatAlign::Center);
    page.merge_range(0, 0, 0, last, &sheet.heading.title, &title)
        .and_then(|page| page.merge_range(1, 0, 1, last, &sheet.heading.about, &Format::new()))
        .map_err(Error::internal)?;
    for (position, column) in (0u16..).zip(&sheet.columns) {
        page.set_column_width(position, column.width).map_err(Error::internal)?;
        page.write_string_with_format(HEADINGS, position, column.heading, &bold)
            .map_err(Error::internal)?;
    }
    let first = HEADINGS.saturating_add(1);
    let mut row = first;
    for line in &sheet.lines {
        for (position, cell) in (0u16..).zip(&line.cells) {
            write_cell(page, (row, position), cell, (&grid, &text))?;
        }
        row = row.saturating_add(1);
    }
    write_totals(page, sheet, first, row)?;
    let signed = row.saturating_add(2);
    let apart = last.saturating_add(1) / 3;
    for (nth, words) in (0u16..).zip(SIGNATURES) {
        page.write_string(signed, nth.saturating_mul(apart.max(1)), words)
            .map_err(Error::internal)?;
    }
    page.set_freeze_panes(first, 0).map_err(Error::internal)?;
    Ok(())
}

fn write_cell(page: &mut Worksheet, (row, column): (u32, u16), cell: &Cell, formats: (&Format, &Format)) -> Result<()> {
    let (grid, text) = formats;
    let written = match cell {
        Cell::Nothing => page.write_blank(row, column, grid),
        Cell::Number(number) => page.write_number_with_format(row, column, whole(*number)?, grid),
        Cell::Yuan(fen) => page.write_number_with_format(row, column, yuan(fen.0)?, &in_yuan(grid)),
        words => page.write_string_with_format(row, column, words.shown(), text),
    };
    written.map(|_| ()).map_err(Error::internal)
}

/// The totals below the lines.
fn write_totals(page: &mut Worksheet, sheet: &Sheet, first: u32, row: u32) -> Result<()> {
    let bold = Format::new().set_bold().set_border(FormatBorder::Thin);
    for (index, column) in sheet.columns.iter().enumerate() {
        let position = u16::try_from(index).map_err(Error::internal)?;
        let sum = total(column, index, &sheet.lines);
        let written = match (position, sum) {
            (0, _) => page.write_string_with_format(row, 0, sheet.foot, &bold),
            (_, Some(sum)) if row > first => {
                let letter = rust_xlsxwriter::utility::column_number_to_name(position);
                let from = first.saturating_add(1);
                let formula = Formula::new(format!("=SUM({letter}{from}:{letter}{row})")).set_result(sum.shown());
                let format = if column.measure == Measure::YuanSum {
                    in_yuan(&bold)
                } else {
                    bold.clone()
                };
                page.write_formula_with_format(row, position, formula, &format)
            }
            (_, Some(_)) => page.write_number_with_format(row, position, 0, &bold),
            (_, None) => page.write_blank(row, position, &bold),
        };
        written.map_err(Error::internal)?;
    }
    Ok(())
}

fn in_yuan(format: &Format) -> Format {
    format.clone().set_num_format("0.00")
}

/// A whole number as spreadsheets keep it.
fn whole(number: i64) -> Result<f64> {
    Decimal::from(number)
        .to_f64()
        .ok_or_else(|| Error::internal("a number beyond a spreadsheet"))
}

fn yuan(fen: i64) -> Result<f64> {
    Decimal::new(fen, 2)
        .to_f64()
        .ok_or_else(|| Error::internal("an amount beyond a spreadsheet"))
}
