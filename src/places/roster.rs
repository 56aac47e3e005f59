//! The household roster (花名册) that a community brings as a file: bytes in, rows and refused lines out.
//!
//! Rosters come from many desks: Excel, WPS, a CSV saved years ago in GB18030. A roster is where the wrong thing enters
//! most easily: a column that labels people (SG10), a house number that Excel turned into a date, a household twice.
//! So a file is read completely before anything is kept, every line that is not taken says why in the user's words, and
//! a file that carries labels is refused whole, since taking the harmless half would teach people to send the rest.
//!
//! It does not know the database, the clock or the area tree; it does not repair, guess or fill in: what a person wrote
//! is taken or refused. Hidden rows of a sheet are read like the others, because the file format hides only their height.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io::Cursor;

use calamine::{DataRef, NumberFormat, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use serde::{Deserialize, Serialize};

mod archive;
mod columns;
mod table;
mod words;

use archive::check_archive;
use columns::{FIELDS, Field, Heading};
pub use table::read_table;
use words::{AS_TEXT, TURNED_INTO_DATE, acceptable, address, half_width, shown, spelled};

use crate::text;

/// One household as the file names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterRow {
    /// The line or sheet row, from 1, as the person sees it.
    pub line: usize,
    /// 户号, when the file has one.
    pub code: Option<String>,
    /// 社区.
    pub community: String,
    /// 网格.
    pub grid: String,
    /// 楼栋.
    pub building: String,
    /// 单元, when the building has any.
    pub stairwell: Option<String>,
    /// 房号.
    pub room: String,
    /// 户主, exactly as written.
    pub head: String,
    /// How many people live in the household.
    pub people: i32,
}

/// One line that was not taken, and why, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedLine {
    /// The line or sheet row, from 1, as the person sees it.
    pub line: usize,
    /// The column of the first problem, when one column is to blame.
    pub column: Option<String>,
    /// Every problem of the line, in sentences.
    pub reason: String,
}

impl RefusedLine {
    fn new(line: usize, column: Option<Field>, reason: String) -> RefusedLine {
        let column = column.map(|field| field.label().to_string());
        RefusedLine { line, column, reason }
    }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// The households, in the order of the file.
    pub rows: Vec<RosterRow>,
    /// The lines that were not taken, in the order of the file.
    pub refused: Vec<RefusedLine>,
    /// Columns that were not looked at, so that nobody believes they were kept.
    pub ignored_columns: Vec<String>,
}

/// Why the whole file was refused, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Nothing in it.
    #[error("文件是空的，没有内容。请选择填好的花名册再导入。")]
    Empty,
    /// More bytes than a roster can have.
    #[error("文件超过20 MB。花名册只需要文字，请删去图片和多余的工作表，或分成几个文件再导入。")]
    TooLarge,
    /// More lines than a roster can have.
    #[error("文件超过10万行。请按社区分成几个文件再导入。")]
    TooManyRows,
    /// A workbook that would unpack to more than a roster can need.
    #[error(
        "这个 Excel 文件展开以后太大（或样式太多），不能安全打开。请新建一个工作簿，只复制花名册的文字进去，再导入。"
    )]
    UnpacksTooLarge,
    /// The binary workbook of before 2007.
    #[error("这是旧版 Excel（.xls）文件。请用 Excel 或 WPS 打开，另存为 .xlsx，再导入。")]
    OldExcel,
    /// Behind a password.
    #[error("这个 Excel 文件设了打开密码。请去掉密码后另存，再导入。")]
    Password,
    /// Something else altogether.
    #[error("这是{0}，不是花名册表格。请导入 .xlsx 或 .csv 文件。")]
    NotATable(&'static str),
    /// A workbook cut off or broken.
    #[error("这个 Excel 文件不完整或已损坏，可能没有传完。请用 Excel 或 WPS 打开检查，另存为新的 .xlsx，再导入。")]
    Damaged,
    /// No sheet that can be seen.
    #[error("这个 Excel 文件里没有可见的工作表。请取消隐藏花名册所在的工作表，再导入。")]
    NoVisibleSheet,
    /// Text in no encoding we know.
    #[error("看不懂这个文件的文字编码。请用 Excel 或 WPS 打开，另存为 .xlsx 或“CSV UTF-8”，再导入。")]
    UnknownEncoding,
    /// No line that looks like a header.
    #[error(
        "前10行里没有找到表头。表头要有：社区、网格、楼栋、房号、户主、人口（户号、单元可以不填）。请补上表头；如果打开是乱码，请另存为 .xlsx，再导入。"
    )]
    NoHeader,
    /// A header without columns that every household needs.
    #[error("表头第{line}行缺少这些列：{}。请补上后再导入。", .columns.join("、"))]
    MissingColumns {
        /// Where the header is.
        line: usize,
        /// What it lacks.
        columns: Vec<&'static str>,
    },
    /// Two columns of one meaning.
    #[error("表头里「{0}」出现了不止一列，分不清该用哪一列。请只留一列，再导入。")]
    RepeatedColumn(&'static str),
    /// Columns that label people: SG10.
    #[error("这个文件里有积分系统不能接收的列：{}。积分只看户和住址，不看这些情况；为了不泄露、不误用，系统从不保存它们，所以整个文件都没有导入。请删除这些列后再导入。", named(.0))]
    SensitiveColumns(Vec<SensitiveColumn>),
    /// A header and nothing below it.
    #[error("只有表头，没有一户人家。请填好后再导入。")]
    NoHouseholds,
}

/// A column whose very name says something about people that points must never know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensitiveColumn {
    /// As the file names it.
    pub name: String,
    /// What it is about.
    pub about: &'static str,
}

fn named(columns: &[SensitiveColumn]) -> String {
    let each = columns
        .iter()
        .map(|column| format!("「{}」（{}）", column.name, column.about));
    each.collect::<Vec<_>>().join("、")
}

const MOST_BYTES: usize = 20 * 1024 * 1024;
const MOST_ROWS: usize = 100_000;
const HEADER_WITHIN: usize = 10;
const LONGEST_TEXT: usize = 40;
/// A cell longer than this is never looked at, so that one huge text named by a million cells costs nothing.
const LONGEST_CELL_BYTES: usize = 2000;
const MOST_PEOPLE: i32 = 30;
const MOST_PAIRS: usize = 200;

/// Reads a roster: an XLSX workbook, or text in any of the encodings that desks use.
pub fn read(bytes: &[u8]) -> Result<Roster, RosterError> {
    if bytes.len() > MOST_BYTES {
        return Err(RosterError::TooLarge);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        // The workbook reader is not ours and meets bytes from strangers: should it panic, the file is at fault.
        return std::panic::catch_unwind(|| read_workbook(bytes)).unwrap_or(Err(RosterError::Damaged));
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        // Excel wraps a workbook with a password in the container of the old format, under this name in UTF-16.
        let locked: Vec<u8> = "EncryptedPackage".bytes().flat_map(|b| [b, 0]).collect();
        return Err(match bytes.windows(locked.len()).any(|w| w == locked) {
            true => RosterError::Password,
            false => RosterError::OldExcel,
        });
    }
    if bytes.starts_with(b"%PDF") {
        return Err(RosterError::NotATable("PDF 文件"));
    }
    read_text(bytes)
}

/// Pairs of lines that may be one household entered twice; a person decides.
#[must_use]
pub fn likely_duplicates(rows: &[RosterRow]) -> Vec<(usize, usize, String)> {
    let mut by_building: HashMap<_, &RosterRow> = HashMap::new();
    let mut by_grid: HashMap<_, &RosterRow> = HashMap::new();
    let mut pairs = Vec::new();
    // Each row is compared with the first of its kind only, so a file full of one name stays cheap.
    for row in rows {
        if pairs.len() >= MOST_PAIRS {
            break;
        }
        let grid = (&row.community, &row.grid, &row.head);
        let first = *by_building.entry((grid, &row.building)).or_insert(row);
        if (&first.stairwell, &first.room) != (&row.stairwell, &row.room) {
            let why = format!(
                "户主都叫“{}”，都在{}，房号是{}和{}。请核对是不是同一户登记了两次。",
                row.head, row.building, first.room, row.room
            );
            pairs.push((first.line, row.line, why));
            continue;
        }
        let first = *by_grid.entry((grid, row.people)).or_insert(row);
        if first.building != row.building {
            let why = format!(
                "户主都叫“{}”，都在{}，都是{}口人（{} {}、{} {}）。请核对是不是同一户登记了两次。",
                row.head, row.grid, row.people, first.building, first.room, row.building, row.room
            );
            pairs.push((first.line, row.line, why));
        }
    }
    pairs
}

// ---- One line ------------------------------------------------------------------------------------------------------

/// A filled cell. Blank cells are not given at all.
#[derive(Debug)]
enum Cell<'a> {
    Text(Cow<'a, str>),
    /// A number, and how many digits its cell shows at least; no digits when the cell shows words beside the number.
    Number(f64, Option<usize>),
    Date,
    /// Something no field can be; the words follow «是».
    Other(&'static str),
}

impl<'a> Cell<'a> {
    fn text(text: impl Into<Cow<'a, str>>) -> Option<Cell<'a>> {
        match text.into() {
            text if text.len() > LONGEST_CELL_BYTES => Some(Cell::Other("一大段文字")),
            text if text.trim().is_empty() => None,
            text => Some(Cell::Text(text)),
        }
    }
}

/// A line being judged: it collects every problem, so that a person mends a line once.
struct Line<'a> {
    number: usize,
    heading: &'a Heading,
    cells: &'a [(usize, Cell<'a>)],
    problems: Vec<(Field, String)>,
}

impl Line<'_> {
    fn cell(&self, field: Field) -> Option<&Cell<'_>> {
        let column = self.heading.column(field)?;
        let found = self.cells.iter().find(|(at, _)| *at == column);
        found.map(|(_, cell)| cell)
    }

    fn is_blank(&self) -> bool {
        FIELDS.iter().all(|(field, ..)| self.cell(*field).is_none())
    }

    fn judged(mut self, filled_above: &BTreeSet<Field>) -> Result<RosterRow, RefusedLine> {
        for (field, label, _) in FIELDS.into_iter().filter(|(field, ..)| field.is_needed()) {
            if self.cell(field).is_none() {
                // Only the first cell of a merged block holds text. Filling the rest in would be a guess.
                let hint = match filled_above.contains(&field) {
                    true => "。合并过的单元格只有第一行有内容，请取消合并，每一行都填上",
                    false => "",
                };
                self.problems.push((field, format!("「{label}」没有填{hint}")));
            }
        }
        let code = self.words(Field::Code);
        let community = self.words(Field::Community);
        let grid = self.words(Field::Grid);
        let building = self.words(Field::Building);
        let stairwell = self.words(Field::Stairwell);
        let room = self.words(Field::Room);
        let head = self.words(Field::Head);
        let people = self.people();
        if self.problems.is_empty()
            && let (Some(community), Some(grid), Some(building)) = (community, grid, building)
            && let (Some(room), Some(head), Some(people)) = (room, head, people)
        {
            let line = self.number;
            return Ok(RosterRow {
                line,
                code,
                community,
                grid,
                building,
                stairwell,
                room,
                head,
                people,
            });
        }
        let column = self.problems.first().map(|(field, _)| *field);
        let reasons: Vec<String> = self.problems.into_iter().map(|(_, why)| why).collect();
        Err(RefusedLine::new(self.number, column, reasons.join("；") + "。"))
    }

    /// The words of a field, or nothing when it is blank or, with the problem noted, when they cannot be taken.
    fn words(&mut self, field: Field) -> Option<String> {
        let words = match self.cell(field)? {
            Cell::Text(text) => acceptable(field, text.trim()),
            Cell::Number(number, digits) => spelled(*number, *digits).and_then(|text| acceptable(field, &text)),
            Cell::Date => Err(format!("{TURNED_INTO_DATE}{AS_TEXT}")),
            Cell::Other(what) => Err(format!("是{what}，请改成文字")),
        };
        words.map_err(|problem| self.note(field, &problem)).ok()
    }

    fn people(&mut self) -> Option<i32> {
        let text = match self.cell(Field::People)? {
            Cell::Text(text) => text.trim().chars().map(half_width).collect(),
            // A float prints its exact decimal digits and never an exponent: 3 for 3.0, 3.5 for 3.5.
            Cell::Number(number, _) => number.to_string(),
            Cell::Date => "日期".to_string(),
            Cell::Other(what) => what.to_string(),
        };
        let whole = text.strip_suffix(".0").unwrap_or(&text);
        match whole.parse::<i32>() {
            Ok(people) if (1..=MOST_PEOPLE).contains(&people) && !whole.starts_with('+') => Some(people),
            _ => {
                let problem = format!("应是1到{MOST_PEOPLE}的整数，现在是“{}”", shown(&text));
                self.note(Field::People, &problem);
                None
            }
        }
    }

    fn note(&mut self, field: Field, problem: &str) {
        let column = self.heading.column(field).unwrap_or_default();
        let address = address(column, self.number);
        let reason = format!("「{}」（{address}）{problem}", field.label());
        self.problems.push((field, reason));
    }
}

// ---- Taking lines in -----------------------------------------------------------------------------------------------

/// Takes lines in the order of the file: first looks for the header, then judges households.
#[derive(Default)]
struct Intake {
    heading: Option<Heading>,
    /// The lines before the header: titles, groups of columns, or a header that lacks too much.
    before: Vec<Heading>,
    roster: Roster,
    filled_above: BTreeSet<Field>,
    codes: HashMap<String, usize>,
    homes: HashMap<[String; 5], usize>,
    untitled: BTreeSet<usize>,
}

impl Intake {
    fn line(&mut self, number: usize, cells: &[(usize, Cell<'_>)]) -> Result<(), RosterError> {
        let Some(heading) = &self.heading else {
            return self.header(number, cells);
        };
        let problems = Vec::new();
        let line = Line {
            number,
            heading,
            cells,
            problems,
        };
        if line.is_blank() {
            return Ok(());
        }
        let columns = cells.iter().map(|(column, _)| *column);
        let untitled = columns.filter(|column| !heading.names.contains_key(column));
        self.untitled.extend(untitled);
        let merged = [Field::Community, Field::Grid, Field::Building];
        let filled = merged.map(|field| line.cell(field).is_some().then_some(field));
        let judged = line.judged(&self.filled_above);
        self.filled_above.extend(filled.into_iter().flatten());
        match judged {
            Ok(row) => self.household(row),
            Err(refused) => self.refuse(refused),
        }
    }

    fn header(&mut self, number: usize, cells: &[(usize, Cell<'_>)]) -> Result<(), RosterError> {
        let mut heading = Heading::of(number, cells);
        if cells.is_empty() {
            return Ok(());
        } else if number > HEADER_WITHIN {
            return Err(self.no_header());
        } else if !heading.is_header() {
            self.before.push(heading);
            return Ok(());
        }
        // A line of several cells above the header names groups of columns, and a group can be a label too.
        let groups = self.before.drain(..).filter(|above| above.names.len() > 1);
        heading.sensitive.extend(groups.flat_map(|above| above.sensitive));
        self.heading = Some(heading.checked()?);
        Ok(())
    }

    fn household(&mut self, row: RosterRow) -> Result<(), RosterError> {
        let stairwell = row.stairwell.clone().unwrap_or_default();
        let home = [
            row.community.clone(),
            row.grid.clone(),
            row.building.clone(),
            stairwell,
            row.room.clone(),
        ];
        let same_code = row.code.as_ref().and_then(|code| self.codes.get(code));
        if let Some(first) = same_code {
            let reason = format!("户号和第{first}行重复，请核对后只留一行或改正户号。");
            return self.refuse(RefusedLine::new(row.line, Some(Field::Code), reason));
        }
        if let Some(first) = self.homes.get(&home) {
            let reason = format!("和第{first}行是同一个房号，请核对后只留一行或改正住址。");
            return self.refuse(RefusedLine::new(row.line, Some(Field::Room), reason));
        }
        if let Some(code) = &row.code {
            self.codes.insert(code.clone(), row.line);
        }
        self.homes.insert(home, row.line);
        self.roster.rows.push(row);
        self.counted()
    }

    fn refuse(&mut self, refused: RefusedLine) -> Result<(), RosterError> {
        self.roster.refused.push(refused);
        self.counted()
    }

    fn counted(&self) -> Result<(), RosterError> {
        let lines = self.roster.rows.len() + self.roster.refused.len();
        let fits = lines <= MOST_ROWS;
        fits.then_some(()).ok_or(RosterError::TooManyRows)
    }

    /// What to say when no line has both 户主 and 楼栋: what the likeliest line lacks, when one is likely.
    fn no_header(&mut self) -> RosterError {
        let likeliest = self.before.drain(..).max_by_key(|above| above.fields.len());
        let likely = likeliest.filter(|above| above.fields.len() > 1);
        likely
            .and_then(|above| above.checked().err())
            .unwrap_or(RosterError::NoHeader)
    }

    fn finished(mut self) -> Result<Roster, RosterError> {
        let Some(heading) = &self.heading else {
            return Err(match self.before.is_empty() {
                true => RosterError::Empty,
                false => self.no_header(),
            });
        };
        if self.roster.rows.is_empty() && self.roster.refused.is_empty() {
            return Err(RosterError::NoHouseholds);
        }
        let known = |column: usize| heading.fields.iter().any(|(_, at)| *at == column);
        let unknown = heading.names.iter().filter(|(column, _)| !known(**column));
        let untitled = self.untitled.iter().map(|column| {
            let letters = address(*column, 0);
            format!("{}列（没有列名）", letters.trim_end_matches('0'))
        });
        self.roster.ignored_columns = unknown.map(|(_, name)| name.clone()).chain(untitled).collect();
        Ok(self.roster)
    }
}

// ---- Text ----------------------------------------------------------------------------------------------------------

fn read_text(bytes: &[u8]) -> Result<Roster, RosterError> {
    let text = text::decoded(bytes).ok_or(RosterError::UnknownEncoding)?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.trim_start().starts_with('<') {
        return Err(RosterError::NotATable("网页或 XML 文件（有的系统把它叫作 .xls）"));
    }
    let separator = separator_of(&text);
    let mut records = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    let mut intake = Intake::default();
    let mut record = csv::StringRecord::new();
    let mut width = None;
    while records
        .read_record(&mut record)
        .map_err(|_| RosterError::UnknownEncoding)?
    {
        let line = line_of(&text, record.position());
        let problem = width.and_then(|width| misshapen(&record, width, line, separator));
        if let Some(reason) = problem {
            intake.refuse(RefusedLine::new(line, None, reason))?;
            continue;
        }
        let filled = record
            .iter()
            .enumerate()
            .filter_map(|(column, field)| Some((column, Cell::text(field)?)));
        let cells: Vec<(usize, Cell<'_>)> = filled.collect();
        intake.line(line, &cells)?;
        if width.is_none() && intake.heading.is_some() {
            width = Some(record.len());
        }
    }
    intake.finished()
}

/// The separator that makes the most column names out of some line among the first.
fn separator_of(text: &str) -> u8 {
    let names = |line: &str, separator: u8| {
        let parts = line.split(char::from(separator)).map(|part| part.trim_matches('"'));
        parts.filter(|part| Field::named(part).is_some()).count()
    };
    let best = |separator: &u8| {
        text.lines()
            .take(HEADER_WITHIN)
            .map(|line| names(line, *separator))
            .max()
    };
    // Of equals the last wins, and comma is what a file without any header should be read by.
    [b';', b'\t', b','].into_iter().max_by_key(best).unwrap_or(b',')
}

/// The line a record starts on; the reader's own position is before the blank lines that it skips.
fn line_of(text: &str, position: Option<&csv::Position>) -> usize {
    let Some(position) = position else { return 0 };
    let place = |number: u64| usize::try_from(number).unwrap_or_default();
    let rest = text.as_bytes().get(place(position.byte())..).unwrap_or_default();
    place(position.line()) + rest.iter().take_while(|byte| **byte == b'\n').count()
}

/// Why a record cannot be one line of the table.
fn misshapen(record: &csv::StringRecord, width: usize, line: usize, separator: u8) -> Option<String> {
    if record.iter().all(|field| field.trim().is_empty()) {
        return None;
    }
    let breaks: usize = record.iter().map(|field| field.matches('\n').count()).sum();
    let swallowed = record
        .iter()
        .any(|field| field.contains('\n') && field.contains(char::from(separator)));
    let extra_filled = record.iter().skip(width).any(|field| !field.trim().is_empty());
    let wrong_width = record.len() < width || extra_filled;
    if breaks > 0 && (swallowed || wrong_width) {
        let last = line + breaks;
        return Some(format!(
            "第{line}行到第{last}行被当成了一行，多半是引号没有成对。请改好引号，再导入这几行。"
        ));
    }
    wrong_width.then(|| {
        format!(
            "这一行有{}格，表头有{width}格，对不上。请检查有没有多余或缺少的分隔符。",
            record.len()
        )
    })
}

// ---- Workbooks -----------------------------------------------------------------------------------------------------

fn read_workbook(bytes: &[u8]) -> Result<Roster, RosterError> {
    check_archive(bytes)?;
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|problem| match problem {
        XlsxError::Password => RosterError::Password,
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => RosterError::NotATable("压缩包或别的文档"),
        _ => RosterError::Damaged,
    })?;
    let mut sheets = workbook.sheets_metadata().iter();
    let sheet = sheets.find(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible);
    let name = sheet.ok_or(RosterError::NoVisibleSheet)?.name.clone();
    // Cell by cell and not as a range: a range makes room for every cell up to the farthest one that is named.
    let mut cells = workbook
        .worksheet_cells_reader(&name)
        .map_err(|_| RosterError::Damaged)?;
    let mut intake = Intake::default();
    let (mut current, mut row) = (0, Vec::new());
    while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(|_| RosterError::Damaged)? {
        let (number, column) = cell.get_position();
        let number = usize::try_from(number).unwrap_or(SHEET_ROWS);
        let column = usize::try_from(column).unwrap_or(SHEET_COLUMNS);
        if number < current || number >= SHEET_ROWS || column >= SHEET_COLUMNS {
            return Err(RosterError::Damaged);
        }
        if number > current {
            intake.line(current + 1, &row)?;
            row.clear();
        }
        current = number;
        let format = cells.styles().get(style).and_then(|style| style.number_format.as_ref());
        row.extend(taken(cell.get_value(), format).map(|cell| (column, cell)));
    }
    intake.line(current + 1, &row)?;
    intake.finished()
}

const SHEET_ROWS: usize = 1_048_576;
const SHEET_COLUMNS: usize = 16_384;

/// What a sheet's cell holds, borrowing the shared strings: a thousand cells may name one of them.
fn taken<'a>(value: &DataRef<'a>, format: Option<&NumberFormat>) -> Option<Cell<'a>> {
    match value {
        DataRef::Empty => None,
        DataRef::String(text) => Cell::text(text.clone()),
        DataRef::SharedString(text) => Cell::text(*text),
        DataRef::Int(number) => Cell::text(number.to_string()),
        DataRef::Float(number) => Some(Cell::Number(*number, least_digits(format))),
        DataRef::Bool(_) => Some(Cell::Other("真假值（TRUE 或 FALSE）")),
        DataRef::Error(_) => Some(Cell::Other("公式的错误结果")),
        DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => Some(Cell::Date),
    }
}

/// What a format adds to a whole number: 0000 shows 101 as 0101, and 0"号楼" shows a word that is not in the cell.
fn least_digits(format: Option<&NumberFormat>) -> Option<usize> {
    let code = format.map_or("", |format| format.format_code.as_str());
    let positive = code.get(..LONGEST_TEXT).unwrap_or(code).split(';').next()?;
    match positive.chars().all(|c| c == '0') {
        true => Some(positive.len()),
        false => (positive.is_ascii() && !positive.contains(['"', '\\'])).then_some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::archive::{directory, entry, honest_count, inflated, number};
    use super::*;
    use rust_xlsxwriter::{Color, Format, Formula, Workbook, Worksheet};

    const HEADER: [&str; 8] = ["户号", "社区", "网格", "楼栋", "单元", "房号", "户主", "人口"];
    const HOME: [&str; 8] = ["H-001", "和顺社区", "第一网格", "3号楼", "2单元", "1201", "王秀兰", "3"];

    /// A CSV of the usual header and these lines.
    fn csv(lines: &[[&str; 8]]) -> String {
        let all = std::iter::once(&HEADER).chain(lines);
        all.map(|cells| cells.join(",") + "\n").collect()
    }

    /// The usual line with one cell changed.
    fn with(column: &str, value: &'static str) -> [&'static str; 8] {
        let mut line = HOME;
        let at = HEADER.iter().position(|name| *name == column).unwrap();
        line[at] = value;
        line
    }

    fn taken_head(head: &'static str) -> String {
        let roster = read(csv(&[with("户主", head)]).as_bytes()).unwrap();
        assert_eq!(roster.refused, [], "{head}");
        roster.rows[0].head.clone()
    }

    /// Why a file of one line was refused, by the line.
    fn refusal(column: &str, value: &'static str) -> RefusedLine {
        let roster = read(csv(&[with(column, value)]).as_bytes()).unwrap();
        assert_eq!(roster.rows, [], "{column} {value:?}");
        assert_eq!(roster.refused.len(), 1);
        roster.refused[0].clone()
    }

    fn header_of(names: &[&str]) -> Result<Roster, RosterError> {
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let blanks = vec!["x"; names.len() - 8].join(",");
        let line = format!("{},{blanks}\n", HOME.join(","));
        read((quoted.join(",") + "\n" + &line).as_bytes())
    }

    /// What the usual columns and one more make of the file.
    fn extra_column(name: &str) -> Result<Roster, RosterError> {
        let names: Vec<&str> = HEADER.into_iter().chain([name]).collect();
        header_of(&names)
    }

    fn sheet(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
        let mut workbook = Workbook::new();
        fill(workbook.add_worksheet());
        workbook.save_to_buffer().unwrap()
    }

    fn write_row(sheet: &mut Worksheet, row: u32, cells: &[&str]) {
        for (column, cell) in cells.iter().enumerate() {
            sheet.write_string(row, column.try_into().unwrap(), *cell).unwrap();
        }
    }

    fn usual_sheet() -> Vec<u8> {
        sheet(|sheet| {
            write_row(sheet, 0, &HEADER);
            write_row(sheet, 1, &HOME);
        })
    }

    /// A sheet of the usual header and the usual line, then changed by hand.
    fn changed_sheet(change: impl FnOnce(&mut Worksheet)) -> Roster {
        let bytes = sheet(|sheet| {
            write_row(sheet, 0, &HEADER);
            write_row(sheet, 1, &HOME);
            change(sheet);
        });
        read(&bytes).unwrap()
    }

    #[test]
    fn a_csv_and_a_workbook_give_the_same_household() {
        let expected = RosterRow {
            line: 2,
            code: Some("H-001".into()),
            community: "和顺社区".into(),
            grid: "第一网格".into(),
            building: "3号楼".into(),
            stairwell: Some("2单元".into()),
            room: "1201".into(),
            head: "王秀兰".into(),
            people: 3,
        };
        let text = read(csv(&[HOME]).as_bytes()).unwrap();
        let workbook = read(&usual_sheet()).unwrap();
        assert_eq!(text, workbook);
        assert_eq!(text.rows, [expected]);
    }

    #[test]
    fn titles_blank_lines_and_groups_may_stand_above_the_header() {
        let text = format!("和顺社区花名册,,,,,,,\n\n\n,住址,,,,,户主信息,\n{}", csv(&[HOME]));
        let roster = read(text.as_bytes()).unwrap();
        assert_eq!(roster.rows[0].line, 6);
        let bytes = sheet(|sheet| {
            sheet.merge_range(0, 0, 0, 7, "花名册", &Format::new()).unwrap();
            write_row(sheet, 3, &HEADER);
            write_row(sheet, 7, &HOME);
        });
        assert_eq!(read(&bytes).unwrap().rows[0].line, 8);
        let far = "\n".repeat(9) + &csv(&[HOME]);
        assert_eq!(read(far.as_bytes()).unwrap().rows[0].line, 11);
        let too_far = "\n".repeat(10) + &csv(&[HOME]);
        assert_eq!(read(too_far.as_bytes()), Err(RosterError::NoHeader));
    }

    #[test]
    fn english_full_width_and_decorated_names_are_the_same_columns() {
        let names = [
            "ＣＯＤＥ",
            " Community ",
            "GRID",
            "building",
            "Stairwell",
            "Room",
            "Household Head",
            "People",
        ];
        assert_eq!(header_of(&[&names[..], &["x"]].concat()).unwrap().rows.len(), 1);
        let names = [
            "户号（选填）",
            "社区*",
            "网格：",
            "楼 栋",
            "单元",
            "房号(必填)",
            "户主姓名",
            "家庭\n人口（人）",
        ];
        assert_eq!(header_of(&[&names[..], &["x"]].concat()).unwrap().rows.len(), 1);
    }

    #[test]
    fn code_and_stairwell_may_be_missing_and_others_are_all_named() {
        let text = "社区,网格,楼栋,房号,户主,人口\n和顺社区,一,3号楼,1201,王秀兰,3\n";
        let row = read(text.as_bytes()).unwrap().rows.remove(0);
        assert_eq!((row.code, row.stairwell), (None, None));
        let problem = read("标题\n楼栋,单元,户主\n3号楼,1,王秀兰\n".as_bytes()).unwrap_err();
        let columns = vec!["社区", "网格", "房号", "人口"];
        assert_eq!(problem, RosterError::MissingColumns { line: 2, columns });
        assert!(problem.to_string().contains("社区、网格、房号、人口"));
        // Without 楼栋 the line is still the likeliest header, so its gap is what to say.
        let problem = read("社区,网格,房号,户主,人口\n".as_bytes()).unwrap_err();
        assert_eq!(
            problem,
            RosterError::MissingColumns {
                line: 1,
                columns: vec!["楼栋"]
            }
        );
        assert_eq!(read("甲,乙\n1,2\n".as_bytes()), Err(RosterError::NoHeader));
        let twice = extra_column("户主姓名");
        assert_eq!(twice, Err(RosterError::RepeatedColumn("户主")));
        assert_eq!(read(csv(&[]).as_bytes()), Err(RosterError::NoHouseholds));
    }

    #[test]
    fn columns_that_label_people_refuse_the_whole_file() {
        let names = [
            "身份证号",
            "户主身份证号码",
            "证件号码",
            "身 份 证",
            "ID Number",
            "id_no",
            "idCard",
            "IDNumber",
            "National ID",
            "健康状况",
            "疾病",
            "大病情况",
            "Health",
            "是否HIV",
            "艾滋病",
            "AIDS",
            "精神状况",
            "精神病",
            "mental health",
            "残疾等级",
            "残疾证号",
            "disability",
            "吸毒史",
            "戒毒人员",
            "涉毒",
            "drug_history",
            "刑满释放",
            "社区矫正",
            "前科",
            "criminalRecord",
            "贫困户",
            "是否建档立卡",
            "脱贫户",
            "低保",
            "特困人员",
            "五保户",
            "监测户",
            "Poverty Level",
            "信访",
            "上访记录",
            "petition",
            "宗教信仰",
            "religion",
            "民族",
            "ethnicity",
            "重点人员",
            "重点人群",
            "特殊群体",
            "人员标签",
            "银行卡号",
            "银行账号",
            "账号",
            "bank account",
            "年收入",
            "欠债",
            "Income",
            "户主(残疾)",
            "ＨＩＶ",
        ];
        for name in names {
            let Err(RosterError::SensitiveColumns(found)) = extra_column(name) else {
                panic!("{name} was let in");
            };
            assert_eq!(found[0].name, name);
        }
    }

    #[test]
    fn the_refusal_names_every_such_column_and_says_what_to_do() {
        let names: Vec<&str> = HEADER.into_iter().chain(["身份证号", "电话", "是否低保"]).collect();
        let problem = header_of(&names).unwrap_err().to_string();
        assert!(
            problem.contains("「身份证号」（身份证件号码）、「是否低保」（困难和救助标签）"),
            "{problem}"
        );
        assert!(
            problem.contains("请删除这些列后再导入") && !problem.contains("电话"),
            "{problem}"
        );
        // A label as the name of a group of columns is a label too; in a title over the whole sheet it is not a column.
        let groups = format!("标题：低保花名册,,,,,,,\n住址,,,,,,健康,\n{}", csv(&[HOME]));
        let Err(RosterError::SensitiveColumns(found)) = read(groups.as_bytes()) else {
            panic!()
        };
        assert_eq!(found.len(), 1);
        let bytes = sheet(|sheet| write_row(sheet, 2, &["户主", "楼栋", "艾滋病"]));
        assert!(
            matches!(read(&bytes), Err(RosterError::SensitiveColumns(_))),
            "before what is missing"
        );
    }

    #[test]
    fn harmless_columns_are_ignored_and_listed() {
        let names = [
            "电话",
            "手机号码",
            "序号",
            "备注",
            "门牌号",
            "面积",
            "精神文明户",
            "民族团结示范户",
            "积分账户",
            "archive",
            "Grid No",
            "GridNumber",
            "village",
            "phone",
            "接收入住日期",
            "消毒记录",
            "Trace",
            "ID",
            "household id",
            "account",
            "政治面貌",
        ];
        for name in names {
            let roster = extra_column(name).unwrap_or_else(|problem| panic!("{name}: {problem}"));
            assert_eq!(roster.ignored_columns, [name]);
            assert_eq!(roster.rows.len(), 1);
        }
        let roster = changed_sheet(|sheet| {
            sheet.write_string(1, 27, "x").unwrap();
        });
        assert_eq!(roster.ignored_columns, ["AB列（没有列名）"]);
    }

    #[test]
    fn rare_characters_survive_in_every_encoding() {
        let names = [
            "𠮷㛃",
            "䶮𬭎",
            "买买提·吐尔逊",
            "张 三",
            "ＡＢ王",
            "〇一",
            "葛\u{E0100}",
        ];
        for name in names {
            assert_eq!(taken_head(name), name);
            let text = csv(&[with("户主", name)]);
            let utf16 = |big: bool| -> Vec<u8> {
                let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
                units
                    .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                    .collect()
            };
            let (gb18030, _, unmapped) = encoding_rs::GB18030.encode(&text);
            assert!(!unmapped);
            let bom = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
            for bytes in [bom, utf16(true), utf16(false), gb18030.into_owned()] {
                assert_eq!(read(&bytes).unwrap().rows[0].head, name);
            }
            let roster = changed_sheet(|sheet| {
                sheet.write_string(1, 6, name).unwrap();
            });
            assert_eq!(roster.rows[0].head, name);
        }
    }

    #[test]
    fn text_in_no_known_encoding_is_refused() {
        for bytes in [
            &b"\xEF\xBB\xBF\xFF\xFF"[..],
            b"\xFF\xFE\x00\xD8\x41\x00",
            b"\xFF\xFE\x41",
            b"\xB9\xFF\xFF\xFF",
        ] {
            assert_eq!(read(bytes), Err(RosterError::UnknownEncoding), "{bytes:?}");
        }
        let cut = csv(&[HOME]);
        assert!(read(&cut.as_bytes()[..cut.len() - 5]).is_err(), "half a character");
    }

    #[test]
    fn tabs_semicolons_and_quotes_are_read() {
        for separator in [",", "\t", ";"] {
            let text = csv(&[with("户主", "\"王,兰;\t\"")]).replace(',', separator);
            let text = text.replace(&format!("王{separator}兰"), "王,兰").replace("\n", "\r\n");
            let roster = read(text.as_bytes()).unwrap();
            assert_eq!(roster.rows[0].head, "王,兰;", "{separator:?}");
        }
        let old_mac = csv(&[HOME, with("户号", "H-002")]).replace('\n', "\r");
        assert_eq!(read(old_mac.as_bytes()).unwrap().refused[0].line, 3);
    }

    #[test]
    fn ragged_lines_are_refused_by_their_line() {
        let text = csv(&[HOME])
            + "\n\nH-2,和顺社区\n"
            + ",,,,,,,\n"
            + "H-3,和顺社区,一,3号楼,1,1,李,2,多\nH-4,和顺社区,一,3号楼,1,2,李娟,2,,\n";
        let roster = read(text.as_bytes()).unwrap();
        let lines: Vec<usize> = roster.refused.iter().map(|refused| refused.line).collect();
        assert_eq!(lines, [5, 7]);
        assert!(roster.refused[0].reason.contains("有2格，表头有8格"));
        assert_eq!(roster.rows[1].line, 8, "blank cells too many say nothing");
    }

    #[test]
    fn a_quote_that_never_closes_does_not_swallow_households_silently() {
        let text = csv(&[HOME]).replace("人口\n", "人口,备注\n").replace(",3\n", ",3,好\n");
        let open = text.clone() + "H-2,和顺社区,一,3号楼,1,1,李娟,2,\"备注\nH-3,和顺社区,一,3号楼,1,2,李明,2,好\n";
        let roster = read(open.as_bytes()).unwrap();
        assert_eq!((roster.rows.len(), roster.refused[0].line), (1, 3));
        assert!(
            roster.refused[0].reason.contains("第3行到第5行"),
            "{:?}",
            roster.refused
        );
        let closed = text + "H-2,和顺社区,一,3号楼,1,1,李娟,2,\"备注\n两行\"\nH-3,和顺社区,一,3号楼,1,2,李明,2,好\n";
        assert_eq!(
            read(closed.as_bytes()).unwrap().rows[2].line,
            5,
            "a note of two lines is nobody's harm"
        );
    }

    #[test]
    fn names_that_cannot_be_kept_are_refused() {
        for (name, why) in [
            ("王\u{FFFD}", "读不出来的字"),
            ("王\u{7}兰", "U+0007"),
            ("\"王\n兰\"", "U+000A"),
            ("王\u{200B}兰", "看不见的字符 U+200B"),
            ("王\u{202E}兰", "U+202E"),
            ("\u{FEFF}王", "U+FEFF"),
            ("王\u{FFFE}", "看不见的字符 U+FFFE"),
            ("王\u{E863}", "自造字 U+E863"),
            ("王\u{F0001}", "自造字 U+F0001"),
            ("=cmd|'/c calc'!A0", "公式"),
            ("@王", "公式"),
            ("+王", "公式"),
            ("-王", "公式"),
            ("＝王", "公式"),
            ("13900001111", "不像姓名"),
            ("110101199001011234", "身份证号"),
            ("", "没有填"),
            ("  \u{3000}", "没有填"),
        ] {
            let refused = refusal("户主", name);
            assert_eq!((refused.line, refused.column.as_deref()), (2, Some("户主")));
            assert!(refused.reason.contains(why), "{name:?}: {}", refused.reason);
            assert!(!refused.reason.contains("199001"), "{}", refused.reason);
        }
        let forty = "王".repeat(40);
        let text = csv(&[HOME]).replace("王秀兰", &forty);
        assert_eq!(read(text.as_bytes()).unwrap().rows[0].head, forty);
        let text = text.replace(&forty, &(forty.clone() + "兰"));
        assert!(read(text.as_bytes()).unwrap().refused[0].reason.contains("超过40个字"));
    }

    #[test]
    fn places_and_codes_are_folded_and_people_s_names_are_not() {
        let mut line = HOME;
        line[0] = "Ｈ－００１";
        line[2] = "第１网格（东）";
        line[5] = "１２０１";
        line[6] = "Ａ兰";
        line[7] = "３";
        let row = read(csv(&[line]).as_bytes()).unwrap().rows.remove(0);
        assert_eq!(
            (row.code.as_deref(), row.grid.as_str()),
            (Some("H-001"), "第1网格（东）")
        );
        assert_eq!((row.room.as_str(), row.head.as_str(), row.people), ("1201", "Ａ兰", 3));
    }

    #[test]
    fn people_are_a_whole_number_from_1_to_30() {
        for value in ["0", "31", "-1", "3.5", "三", "3人", "+3", "99999999999", ""] {
            let refused = refusal("人口", value);
            assert_eq!(refused.column.as_deref(), Some("人口"), "{value}");
        }
        for (number, people) in [
            (3.0, Some(3)),
            (30.0, Some(30)),
            (3.5, None),
            (31.0, None),
            (1e300, None),
        ] {
            let roster = changed_sheet(|sheet| {
                sheet.write_number(1, 7, number).unwrap();
            });
            assert_eq!(roster.rows.first().map(|row| row.people), people);
        }
        assert!(
            refusal("人口", "3.5")
                .reason
                .contains("「人口」（H2）应是1到30的整数，现在是“3.5”")
        );
    }

    #[test]
    fn numbers_that_excel_spoiled_are_refused_with_the_cell() {
        for (column, number) in [(0, 4.4e17), (0, 1234567890123456.0), (5, 3.5), (0, 0.1), (5, 1e-7)] {
            let roster = changed_sheet(|sheet| {
                sheet.write_number(1, column, number).unwrap();
            });
            let cell = if column == 0 { "（A2）" } else { "（F2）" };
            assert!(roster.refused[0].reason.contains(cell), "{:?}", roster.refused);
        }
        let roster = changed_sheet(|sheet| {
            sheet.write_number(1, 0, 123456789012345.0).unwrap();
            sheet.write_number(1, 5, 1201.0).unwrap();
        });
        assert_eq!(roster.rows[0].code.as_deref(), Some("123456789012345"));
        assert_eq!(roster.rows[0].room, "1201");
        assert!(
            refusal("户号", "4.4E+17")
                .reason
                .contains("「户号」（A2）“4.4E+17”是科学记数")
        );
        let kept = read(csv(&[with("户号", "12E05")]).as_bytes()).unwrap();
        assert_eq!(kept.rows[0].code.as_deref(), Some("12E05"), "not Excel's writing");
        assert!(refusal("户号", "11010119900101123X").reason.contains("身份证号"));
    }

    #[test]
    fn numbers_are_taken_as_their_cells_show_them_or_not_at_all() {
        let shown = |column: u16, number: f64, format: &str| {
            let format = Format::new().set_num_format(format);
            changed_sheet(|sheet| {
                sheet.write_number_with_format(1, column, number, &format).unwrap();
            })
        };
        assert_eq!(shown(5, 101.0, "0000").rows[0].room, "0101");
        assert_eq!(shown(0, 42.0, "000000").rows[0].code.as_deref(), Some("000042"));
        assert_eq!(shown(5, 101.0, r"0_);[Red]\(0\)").rows[0].room, "101");
        assert_eq!(shown(7, 3.0, "0\"人\"").rows[0].people, 3);
        let refused = &shown(3, 3.0, "0\"号楼\"").refused[0];
        assert!(refused.reason.contains("「楼栋」（D2）里存的只是3"), "{refused:?}");
    }

    #[test]
    fn house_numbers_that_became_dates_are_refused() {
        let date = Format::new().set_num_format("m\"月\"d\"日\"");
        let roster = changed_sheet(|sheet| {
            sheet.write_number_with_format(1, 5, 46083.0, &date).unwrap();
        });
        assert!(roster.refused[0].reason.contains("日期"), "{:?}", roster.refused);
        for value in ["3月2日", "2-Mar", "Mar-02", "2026/3/2", "2026-03-02 00:00:00"] {
            assert!(refusal("房号", value).reason.contains("日期"), "{value}");
        }
        for value in ["3-2", "3-1-1201", "2-三层", "-1", "-101", "1/2", "日月楼"] {
            assert_eq!(
                read(csv(&[with("房号", value)]).as_bytes()).unwrap().rows[0].room,
                value
            );
        }
    }

    #[test]
    fn formulas_give_their_values_and_errors_are_refused() {
        let roster = changed_sheet(|sheet| {
            sheet
                .write_formula(1, 6, Formula::new("=A1&\"x\"").set_result("李明"))
                .unwrap();
            sheet.write_formula(1, 7, Formula::new("=1+3").set_result("4")).unwrap();
        });
        assert_eq!((roster.rows[0].head.as_str(), roster.rows[0].people), ("李明", 4));
        let roster = changed_sheet(|sheet| {
            sheet
                .write_formula(1, 6, Formula::new("=A0").set_result("#REF!"))
                .unwrap();
            sheet.write_boolean(1, 3, true).unwrap();
        });
        let reason = &roster.refused[0].reason;
        assert!(
            reason.contains("公式的错误结果") && reason.contains("真假值"),
            "{reason}"
        );
    }

    #[test]
    fn merged_cells_are_not_filled_in_by_guess() {
        let bytes = sheet(|sheet| {
            write_row(sheet, 0, &HEADER);
            write_row(sheet, 1, &HOME);
            write_row(sheet, 2, &["H-002", "", "", "", "2单元", "1202", "李明", "2"]);
            sheet.merge_range(1, 1, 2, 1, "和顺社区", &Format::new()).unwrap();
        });
        let roster = read(&bytes).unwrap();
        assert_eq!(roster.rows.len(), 1);
        let refused = &roster.refused[0];
        assert_eq!((refused.line, refused.column.as_deref()), (3, Some("社区")));
        assert_eq!(
            refused.reason.matches("合并过的单元格").count(),
            3,
            "{}",
            refused.reason
        );
        assert!(!refusal("社区", "").reason.contains("合并"), "nothing above it");
    }

    #[test]
    fn lines_without_any_known_cell_are_not_households() {
        let bytes = sheet(|sheet| {
            write_row(sheet, 0, &[&["序号"], &HEADER[..]].concat());
            write_row(sheet, 1, &[&["1"], &HOME[..]].concat());
            write_row(sheet, 2, &["2", "", "", "  "]);
        });
        let roster = read(&bytes).unwrap();
        assert_eq!((roster.rows.len(), roster.refused.len()), (1, 0));
    }

    #[test]
    fn what_stands_twice_is_refused_naming_the_first() {
        let again = with("房号", "1202");
        let mut same_home = with("户号", "H-002");
        same_home[6] = "李明";
        let roster = read(csv(&[HOME, again, same_home]).as_bytes()).unwrap();
        assert_eq!(roster.rows.len(), 1);
        assert!(roster.refused[0].reason.contains("户号和第2行重复"));
        assert!(roster.refused[1].reason.contains("和第2行是同一个房号"));
    }

    fn row(line: usize, building: &str, room: &str, head: &str, people: i32) -> RosterRow {
        let (community, grid) = ("和顺社区".to_string(), "第一网格".to_string());
        let (building, room, head) = (building.to_string(), room.to_string(), head.to_string());
        RosterRow {
            line,
            code: None,
            community,
            grid,
            building,
            stairwell: None,
            room,
            head,
            people,
        }
    }

    #[test]
    fn likely_duplicates_are_few_and_say_why() {
        let rows = [
            row(2, "1号楼", "101", "张伟", 3),
            row(3, "1号楼", "102", "张伟", 2),
            row(4, "2号楼", "101", "张伟", 3),
            row(5, "3号楼", "101", "张伟", 4),
            row(6, "1号楼", "103", "李明", 3),
        ];
        let pairs = likely_duplicates(&rows);
        let lines: Vec<(usize, usize)> = pairs.iter().map(|(a, b, _)| (*a, *b)).collect();
        assert_eq!(lines, [(2, 3), (2, 4)]);
        assert!(
            pairs[0].2.contains("都在1号楼") && pairs[1].2.contains("都是3口人"),
            "{pairs:?}"
        );
        let same: Vec<RosterRow> = (0..100_000).map(|n| row(n, &n.to_string(), "1", "张伟", 3)).collect();
        assert_eq!(likely_duplicates(&same).len(), 200);
    }

    #[test]
    fn files_of_another_kind_are_named() {
        let locked: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let locked = [b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1....", &locked[..]].concat();
        assert_eq!(read(b""), Err(RosterError::Empty));
        assert_eq!(read(b"\xEF\xBB\xBF \r\n\n,,,\n"), Err(RosterError::Empty));
        assert_eq!(
            read(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1...."),
            Err(RosterError::OldExcel)
        );
        assert_eq!(read(&locked), Err(RosterError::Password));
        assert!(matches!(read(b"%PDF-1.7 ..."), Err(RosterError::NotATable(_))));
        assert!(matches!(read(b"<html><table>"), Err(RosterError::NotATable(_))));
        assert_eq!(read(&vec![b'a'; MOST_BYTES + 1]), Err(RosterError::TooLarge));
        assert!(matches!(
            read(&archive(&[("word/document.xml", b"x", 1)])),
            Err(RosterError::NotATable(_))
        ));
        assert_eq!(read(b"PK\x03\x04"), Err(RosterError::Damaged));
    }

    #[test]
    fn the_first_visible_sheet_is_read() {
        let mut workbook = Workbook::new();
        write_row(workbook.add_worksheet().set_hidden(true), 0, &["户主", "楼栋", "艾滋"]);
        let shown = workbook.add_worksheet().set_active(true);
        write_row(shown, 0, &HEADER);
        write_row(shown, 1, &HOME);
        write_row(workbook.add_worksheet(), 0, &["another"]);
        assert_eq!(read(&workbook.save_to_buffer().unwrap()).unwrap().rows.len(), 1);
    }

    #[test]
    fn more_rows_than_allowed_are_refused() {
        let text = csv(&[HOME]) + &"x\n".repeat(MOST_ROWS - 1);
        assert_eq!(read(text.as_bytes()).unwrap().refused.len(), MOST_ROWS - 1);
        assert_eq!(read((text + "x\n").as_bytes()), Err(RosterError::TooManyRows));
    }

    /// An archive of stored parts, each with the size it declares.
    fn archive(parts: &[(&str, &[u8], u32)]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, content, declared) in parts {
            let starts = u32::try_from(bytes.len()).unwrap();
            let packed = u32::try_from(content.len()).unwrap();
            let mut header = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            header.extend(checksum(content).to_le_bytes());
            header.extend([packed.to_le_bytes(), declared.to_le_bytes()].concat());
            header.extend([u8::try_from(name.len()).unwrap(), 0, 0, 0]);
            bytes.extend([b"PK\x03\x04", &header[..], name.as_bytes(), content].concat());
            let rest = [&[0; 10][..], &starts.to_le_bytes()].concat();
            directory.extend([b"PK\x01\x02\x14\0", &header[..], &rest, name.as_bytes()].concat());
        }
        let count = [u8::try_from(parts.len()).unwrap(), 0];
        let starts = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
        let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &starts, &[0, 0]].concat();
        [bytes, directory, end].concat()
    }

    fn checksum(bytes: &[u8]) -> u32 {
        let step = |sum: u32| {
            if sum & 1 == 1 {
                0xEDB8_8320 ^ (sum >> 1)
            } else {
                sum >> 1
            }
        };
        let each = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum));
        !bytes.iter().fold(u32::MAX, each)
    }

    const RELS: &str = r#"<Relationships><Relationship Id="r1" Type="x/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    const BOOK: &str = r#"<workbook><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>"#;
    const BOOK_RELS: &str =
        r#"<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;

    /// A workbook by hand, of these cells and this opening tag of its shared strings.
    fn by_hand(cells: &str, strings: &str, more: &[(&str, &[u8], u32)]) -> Result<Roster, RosterError> {
        let sheet = format!("<worksheet><sheetData>{cells}</sheetData></worksheet>");
        let strings = format!("{strings}<si><t>户主</t></si></sst>");
        let own = [
            ("_rels/.rels", RELS),
            ("xl/workbook.xml", BOOK),
            ("xl/_rels/workbook.xml.rels", BOOK_RELS),
            ("xl/sharedStrings.xml", strings.as_str()),
            ("xl/worksheets/sheet1.xml", sheet.as_str()),
        ];
        let own = own.map(|(name, text)| (name, text.as_bytes(), u32::try_from(text.len()).unwrap()));
        read(&archive(&[&own[..], more].concat()))
    }

    fn inline(row: usize, cells: &[&str]) -> String {
        let cell = |text: &&str| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#);
        format!(r#"<row r="{row}">{}</row>"#, cells.iter().map(cell).collect::<String>())
    }

    #[test]
    fn a_workbook_by_hand_is_read_and_bombs_are_not() {
        let cells = inline(1, &HEADER) + &inline(2, &HOME);
        let plain = r#"<?xml version="1.0"?><sst uniqueCount="1">"#;
        assert_eq!(by_hand(&cells, plain, &[]).unwrap().rows.len(), 1);
        let large = |name: &'static str, megabytes: u32| by_hand(&cells, plain, &[(name, b"x", megabytes << 20)]);
        assert_eq!(large("xl/media/a.png", 201), Err(RosterError::UnpacksTooLarge));
        assert_eq!(large("xl/media/a.png", 4095), Err(RosterError::UnpacksTooLarge));
        assert_eq!(large("xl/Styles.xml", 9), Err(RosterError::UnpacksTooLarge));
        assert!(large("xl/media/a.png", 100).is_ok());
        for claim in ["99999999", "1000000000000", "18446744073709551615"] {
            let strings = format!(r#"<sst uniqueCount="{claim}">"#);
            assert_eq!(by_hand(&cells, &strings, &[]), Err(RosterError::Damaged));
            let padded = format!("<!--{}-->{strings}", " ".repeat(5000));
            assert_eq!(by_hand(&cells, &padded, &[]), Err(RosterError::Damaged));
        }
        let far = inline(1, &HEADER) + r#"<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#;
        assert_eq!(by_hand(&far, plain, &[]), Err(RosterError::NoHouseholds));
        let backwards = inline(2, &HEADER) + &inline(1, &HOME);
        assert_eq!(by_hand(&backwards, plain, &[]), Err(RosterError::Damaged));
        let long = "长".repeat(1000);
        let roster = by_hand(&(cells + &inline(3, &["", "", "", "", "", "", &long])), plain, &[]).unwrap();
        assert!(
            roster.refused[0].reason.contains("「户主」（G3）是一大段文字"),
            "{:?}",
            roster.refused
        );
    }

    #[test]
    fn a_part_larger_than_it_declares_is_not_unpacked() {
        let cells = inline(1, &HEADER) + &inline(2, &HOME);
        let note = "x".repeat(1 << 20);
        let sheet = format!("<worksheet><sheetData>{cells}<note>{note}</note></sheetData></worksheet>");
        let declaring = |size: usize| {
            let size = u32::try_from(size).unwrap();
            let parts = [
                ("_rels/.rels", RELS),
                ("xl/workbook.xml", BOOK),
                ("xl/_rels/workbook.xml.rels", BOOK_RELS),
            ];
            let mut parts = parts.map(|(name, text)| (name, text.as_bytes(), 500)).to_vec();
            parts.push(("xl/worksheets/sheet1.xml", sheet.as_bytes(), size));
            read(&archive(&parts))
        };
        assert_eq!(declaring(sheet.len()).unwrap().rows.len(), 1);
        assert_eq!(declaring(sheet.len() / 2), Err(RosterError::Damaged));
    }

    #[test]
    fn sixty_four_bit_directories_are_read_and_second_ones_are_not() {
        let entry_with = |kind: u16, sizes: [u64; 3]| {
            let sizes: Vec<u8> = sizes.into_iter().flat_map(u64::to_le_bytes).collect();
            let extra = [&kind.to_le_bytes()[..], &24u16.to_le_bytes(), &sizes].concat();
            let mut bytes = [b"PK\x01\x02", &[0; 42][..], b"a", &extra].concat();
            // The second name comes with sizes of its own, so that only the name can be refused.
            if kind != 0x7075 {
                bytes[20..28].fill(0xFF);
                bytes[42..46].fill(0xFF);
            }
            (bytes[28], bytes[30]) = (1, 28);
            entry(&bytes, 0).map(|(part, next)| (part.unpacked, part.packed, part.starts, next == bytes.len()))
        };
        assert_eq!(entry_with(1, [7, 8, 9]), Some((7, 8, 9, true)));
        assert_eq!(entry_with(1, [0xFFFF_FFFF, 8, 9]), None);
        assert_eq!(entry_with(0x7075, [7, 8, 9]), None, "a second name");
        assert_eq!(entry_with(2, [7, 8, 9]), None, "sizes nowhere");

        let plain = usual_sheet();
        let (body, end) = plain.split_at(plain.len() - 22);
        let number = |at: usize| number(end, at, 4).unwrap();
        let (count, size, start) = (u64::from(end[10]), number(12), number(16));
        let long = |start: u64| {
            let record: Vec<u8> = [count, count, size, start]
                .into_iter()
                .flat_map(u64::to_le_bytes)
                .collect();
            let closes = u64::try_from(body.len()).unwrap().to_le_bytes();
            let locator = [b"PK\x06\x07\0\0\0\0", &closes[..], &[1, 0, 0, 0]].concat();
            [body, b"PK\x06\x06\x2C", &[0; 19], &record, &locator, end].concat()
        };
        assert_eq!(read(&long(start)), read(&plain));
        assert_eq!(read(&long(start - 1)), Err(RosterError::Damaged), "another directory");
        let behind = [&plain[..], b"\n"].concat();
        assert_eq!(read(&behind), Err(RosterError::Damaged), "bytes behind the end");
    }

    #[test]
    fn the_opening_of_what_a_real_writer_deflated_is_read() {
        let bytes = usual_sheet();
        let parts = directory(&bytes).unwrap();
        for part in &parts {
            assert!(part.deflated);
            let local = usize::try_from(part.starts).unwrap();
            let from = local + 30 + usize::try_from(number(&bytes, local + 26, 2).unwrap()).unwrap();
            let from = from + usize::try_from(number(&bytes, local + 28, 2).unwrap()).unwrap();
            let whole = inflated(&bytes[from..], usize::MAX).unwrap();
            assert_eq!(u64::try_from(whole.len()).unwrap(), part.unpacked, "{}", part.name);
            assert!(whole.starts_with(b"<?xml"), "{}", part.name);
        }
        let strings = parts.iter().find(|part| part.name == "xl/sharedstrings.xml").unwrap();
        assert!(honest_count(&bytes, strings).is_some());
    }

    #[test]
    fn a_workbook_written_for_large_files_is_read() {
        let mut workbook = Workbook::new();
        workbook.use_zip_large_file(true);
        let sheet = workbook.add_worksheet();
        write_row(sheet, 0, &HEADER);
        write_row(sheet, 1, &HOME);
        assert_eq!(read(&workbook.save_to_buffer().unwrap()).unwrap().rows.len(), 1);
    }

    #[test]
    fn a_workbook_cut_short_or_spoiled_never_panics() {
        let bytes = sheet(|sheet| {
            write_row(sheet, 0, &HEADER);
            for row in 1..60 {
                write_row(sheet, row, &HOME);
                sheet
                    .set_cell_format(row, 2, &Format::new().set_font_color(Color::Red))
                    .unwrap();
            }
        });
        for length in (4..bytes.len()).step_by(7).chain(bytes.len() - 60..bytes.len()) {
            assert_eq!(read(&bytes[..length]), Err(RosterError::Damaged), "{length}");
        }
        let mut seed = 20_260_901u64;
        let mut random = |most: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % most
        };
        for _ in 0..600 {
            let mut spoiled = bytes.clone();
            for _ in 0..=random(4) {
                let at = random(spoiled.len());
                spoiled[at] ^= 1 << random(8);
            }
            let _ = check_archive(&spoiled);
            let _ = read(&spoiled);
        }
        // The archive above has checksums; here the damage reaches the reader of the sheet.
        let plain = inline(1, &HEADER) + &inline(2, &HOME) + r#"<row r="3"><c r="A3" s="1"><v>7</v></c></row>"#;
        for _ in 0..600 {
            let mut cells: Vec<char> = plain.chars().collect();
            for _ in 0..=random(3) {
                let at = random(cells.len());
                cells[at] = ['<', '>', '"', '/', '9', '-', 'Z', ' '][random(8)];
            }
            let _ = by_hand(&cells.into_iter().collect::<String>(), "<sst>", &[]);
        }
        let text = csv(&[HOME, HOME]);
        for at in 0..text.len() {
            let mut spoiled = text.clone().into_bytes();
            spoiled[at] ^= 1 << random(8);
            let _ = read(&spoiled);
            let _ = read(&text.as_bytes()[..at]);
        }
    }
}
