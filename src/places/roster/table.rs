//! A table out of a file, whatever it is about: the cells of an XLSX workbook or of text in any encoding that desks use.
//!
//! It goes through the same gates as a roster does: what is too large, hostile or broken is refused before it is read. What
//! the cells mean is for the caller to say.

use std::io::Cursor;

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx};

use super::{MOST_BYTES, MOST_ROWS, RosterError, SHEET_COLUMNS, check_archive};
use crate::text;

/// The rows of a file's first visible sheet, or of its text: cells as words.
///
/// # Errors
/// Why the whole file was refused.
pub fn read_table(bytes: &[u8]) -> Result<Vec<Vec<String>>, RosterError> {
    if bytes.is_empty() {
        return Err(RosterError::Empty);
    }
    if bytes.len() > MOST_BYTES {
        return Err(RosterError::TooLarge);
    }
    if bytes.starts_with(b"PK") {
        // As for a roster: should the reader panic over it, the file is at fault.
        return std::panic::catch_unwind(|| workbook(bytes)).unwrap_or(Err(RosterError::Damaged));
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(RosterError::OldExcel);
    }
    text(bytes)
}

fn text(bytes: &[u8]) -> Result<Vec<Vec<String>>, RosterError> {
    let text = text::decoded(bytes).ok_or(RosterError::UnknownEncoding)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| RosterError::NotATable("读不成表格的文字"))?;
        rows.push(record.iter().map(|cell| cell.trim().to_owned()).collect());
        if rows.len() > MOST_ROWS {
            return Err(RosterError::TooManyRows);
        }
    }
    Ok(rows)
}

fn workbook(bytes: &[u8]) -> Result<Vec<Vec<String>>, RosterError> {
    check_archive(bytes)?;
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|_| RosterError::Damaged)?;
    let mut sheets = workbook.sheets_metadata().iter();
    let sheet = sheets.find(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible);
    let name = sheet.ok_or(RosterError::NoVisibleSheet)?.name.clone();
    let mut cells = workbook
        .worksheet_cells_reader(&name)
        .map_err(|_| RosterError::Damaged)?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    while let Some(cell) = cells.next_cell().map_err(|_| RosterError::Damaged)? {
        let (row, column) = cell.get_position();
        let row = usize::try_from(row).unwrap_or(usize::MAX);
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if row > MOST_ROWS {
            return Err(RosterError::TooManyRows);
        }
        // Far cells are no columns of ours, and would make every row as wide.
        if column >= SHEET_COLUMNS.min(64) {
            continue;
        }
        if rows.len() <= row {
            rows.resize_with(row.saturating_add(1), Vec::new);
        }
        let Some(cells) = rows.get_mut(row) else { continue };
        if cells.len() <= column {
            cells.resize(column.saturating_add(1), String::new());
        }
        if let Some(place) = cells.get_mut(column) {
            *place = words(cell.get_value());
        }
    }
    Ok(rows)
}

/// A cell as a person would type it.
fn words(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) => text.trim().to_owned(),
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(yes) => yes.to_string(),
        DataRef::Empty
        | DataRef::Error(_)
        | DataRef::DateTime(_)
        | DataRef::DateTimeIso(_)
        | DataRef::DurationIso(_) => String::new(),
    }
}
