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
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Cursor;
use std::ops::RangeInclusive;

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use serde::{Deserialize, Serialize};

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
        RefusedLine {
            line,
            column,
            reason,
        }
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
    #[error("文件超过 20 MB。花名册只需要文字，请删去图片和多余的工作表，或分成几个文件再导入。")]
    TooLarge,
    /// More lines than a roster can have.
    #[error("文件超过 10 万行。请按社区分成几个文件再导入。")]
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
    #[error(
        "这个 Excel 文件不完整或已损坏，可能没有传完。请用 Excel 或 WPS 打开检查，另存为新的 .xlsx，再导入。"
    )]
    Damaged,
    /// No sheet that can be seen.
    #[error("这个 Excel 文件里没有可见的工作表。请取消隐藏花名册所在的工作表，再导入。")]
    NoVisibleSheet,
    /// Text in no encoding we know.
    #[error(
        "看不懂这个文件的文字编码。请用 Excel 或 WPS 打开，另存为 .xlsx 或“CSV UTF-8”，再导入。"
    )]
    UnknownEncoding,
    /// No line that looks like a header.
    #[error(
        "前 10 行里没有找到表头。表头要有：社区、网格、楼栋、房号、户主、人口（户号、单元可以不填）。请补上表头；如果打开是乱码，请另存为 .xlsx，再导入。"
    )]
    NoHeader,
    /// A header without columns that every household needs.
    #[error("表头第 {line} 行缺少这些列：{}。请补上后再导入。", .columns.join("、"))]
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
        return std::panic::catch_unwind(|| read_workbook(bytes))
            .unwrap_or(Err(RosterError::Damaged));
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
                "户主都叫“{}”，都在{}，房号是 {} 和 {}。请核对是不是同一户登记了两次。",
                row.head, row.building, first.room, row.room
            );
            pairs.push((first.line, row.line, why));
            continue;
        }
        let first = *by_grid.entry((grid, row.people)).or_insert(row);
        if first.building != row.building {
            let why = format!(
                "户主都叫“{}”，都在{}，都是 {} 口人（{} {}、{} {}）。请核对是不是同一户登记了两次。",
                row.head, row.grid, row.people, first.building, first.room, row.building, row.room
            );
            pairs.push((first.line, row.line, why));
        }
    }
    pairs
}

// ---- The columns ----------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    Code,
    Community,
    Grid,
    Building,
    Stairwell,
    Room,
    Head,
    People,
}

/// Each field: what we call it, and the column names that mean it once `squeezed`.
const FIELDS: [(Field, &str, &str); 8] = [
    (Field::Code, "户号", "户号|户编号|code|householdcode"),
    (Field::Community, "社区", "社区|社区名称|所属社区|community"),
    (Field::Grid, "网格", "网格|网格名称|所属网格|grid"),
    (Field::Building, "楼栋", "楼栋|楼栋号|building"),
    (Field::Stairwell, "单元", "单元|单元号|stairwell"),
    (Field::Room, "房号", "房号|房间号|room"),
    (Field::Head, "户主", "户主|户主姓名|head|householdhead"),
    (
        Field::People,
        "人口",
        "人口|人数|人口数|家庭人口|家庭人数|people",
    ),
];

impl Field {
    /// The field that a column name means.
    fn named(name: &str) -> Option<Field> {
        let squeezed = squeezed(name);
        // A unit or a hint in brackets does not change which column it is: 人口（人）, 房号(必填).
        let bare = squeezed.split(['(', '[', '【']).next();
        let means = |names: &str| names.split('|').any(|own| Some(own) == bare);
        let found = FIELDS.iter().find(|(_, _, names)| means(names));
        found.map(|(field, ..)| *field)
    }

    fn is_needed(self) -> bool {
        !matches!(self, Field::Code | Field::Stairwell)
    }

    fn label(self) -> &'static str {
        let own = FIELDS.iter().find(|(field, ..)| *field == self);
        own.map_or("", |(_, label, _)| label)
    }
}

/// What a column may not be about (SG10, and SG4's criteria that would label a household), and the signs of it in a
/// squeezed column name. A sign that starts with a space is the start of an English word, so that «archive» is not HIV
/// and «grid no» is not an ID number.
const SENSITIVE: [(&str, &str); 12] = [
    (
        "身份证件号码",
        "身份证|证件|身份号|公民身份|护照| id num| id no| id card| idnum| idno| idcard| identity| passport| national id",
    ),
    ("艾滋病信息", "艾滋| hiv| aids"),
    (
        "健康和疾病信息",
        "健康|病|患者|体检|癌|肿瘤|肝炎|肺结核|血压|血糖|孕|失能| health| disease| illness| sick| medical| diagnos| patient| pregnan",
    ),
    ("精神状况", "精神|心理|智力|智障| mental| psych"),
    (
        "残疾信息",
        "残疾|残障|伤残|致残|残联|是否残| disab| handicap",
    ),
    ("涉毒经历", "毒| drug| addict| narcotic| rehab"),
    (
        "违法犯罪经历",
        "刑|矫正|前科|犯罪|违法|涉案|涉黑|涉恶|拘留| crim| convict| prison| parole| probation| offence| offense| community correction",
    ),
    (
        "困难和救助标签",
        "贫困|建档立卡|脱贫|返贫|低保|特困|五保|监测户|监测对象|边缘户|困难|救助|扶贫户|扶贫对象| poverty| poor| welfare| dibao| subsist",
    ),
    ("信访情况", "信访|上访|访民|维稳| petition"),
    (
        "民族和宗教",
        "民族|族别|宗教|信教|信仰|教派| ethnic| race| nationality| minority| religi| faith",
    ),
    (
        "人员标签",
        "重点|特殊群|特殊人|特殊对象|特殊家庭|标签|黑名单|失信|政审| label| tag| blacklist| suspect| key person| key people| special group",
    ),
    (
        "银行账户和收入",
        "银行|账号|帐号|账户|帐户|开户行|一卡通|存折|收入|欠债|欠款|负债|债务|贷款| bank| account n| income| salary| wage| debt| loan",
    ),
];

/// Words that contain a sign and mean nothing of the kind; spiritual civilisation (精神文明) is what this programme is for.
const HARMLESS: [&str; 7] = [
    "精神文明",
    "精神面貌",
    "民族团结",
    "积分账户",
    "积分账号",
    "消毒",
    "收入住",
];

/// A column name without what people vary: width, case, spaces, line breaks, stars and dashes.
fn squeezed(name: &str) -> String {
    let plain = |c: &char| !c.is_whitespace() && !is_invisible(*c) && !"_-*:".contains(*c);
    let folded = name.chars().map(half_width).filter(plain);
    folded.flat_map(char::to_lowercase).collect()
}

/// The English words of a column name, each after a space; `idNumber`, `ID_NUMBER` and `id number` give the same.
fn english_words(name: &str) -> String {
    let mut words = String::from(" ");
    let mut after_small = false;
    for c in name.chars().map(half_width) {
        if (!c.is_ascii_alphanumeric() || (after_small && c.is_ascii_uppercase()))
            && !words.ends_with(' ')
        {
            words.push(' ');
        }
        if c.is_ascii_alphanumeric() {
            words.push(c.to_ascii_lowercase());
        }
        after_small = c.is_ascii_lowercase();
    }
    words
}

fn sensitive_about(name: &str) -> Option<&'static str> {
    let words = english_words(name);
    let chinese = HARMLESS
        .iter()
        .fold(squeezed(name), |name, word| name.replace(word, ""));
    let shows = |sign: &str| match sign {
        sign if sign.starts_with(' ') => words.contains(sign),
        sign => chinese.contains(sign),
    };
    let found = SENSITIVE
        .iter()
        .find(|(_, signs)| signs.split('|').any(shows));
    found.map(|(about, _)| *about)
}

/// The header line: where each field stands, and what else there is.
#[derive(Debug, Default)]
struct Heading {
    line: usize,
    fields: Vec<(Field, usize)>,
    names: BTreeMap<usize, String>,
    sensitive: Vec<SensitiveColumn>,
}

impl Heading {
    fn of(line: usize, cells: &[(usize, Cell<'_>)]) -> Heading {
        let mut heading = Heading {
            line,
            ..Heading::default()
        };
        for (column, cell) in cells {
            let Cell::Text(name) = cell else { continue };
            if let Some(about) = sensitive_about(name) {
                let name = shown(name);
                heading.sensitive.push(SensitiveColumn { name, about });
            } else if let Some(field) = Field::named(name) {
                heading.fields.push((field, *column));
            }
            heading.names.insert(*column, shown(name));
        }
        heading
    }

    fn column(&self, wanted: Field) -> Option<usize> {
        let found = self.fields.iter().find(|(field, _)| *field == wanted);
        found.map(|(_, column)| *column)
    }

    /// Whether this line is the header and not the title or the groups above it.
    fn is_header(&self) -> bool {
        self.column(Field::Head).is_some() && self.column(Field::Building).is_some()
    }

    fn checked(self) -> Result<Heading, RosterError> {
        if !self.sensitive.is_empty() {
            return Err(RosterError::SensitiveColumns(self.sensitive));
        }
        let count = |field| self.fields.iter().filter(|(own, _)| *own == field).count();
        let needed = FIELDS.iter().filter(|(field, ..)| field.is_needed());
        let missing = needed.filter(|(field, ..)| count(*field) == 0);
        let columns: Vec<&str> = missing.map(|(_, label, _)| *label).collect();
        if !columns.is_empty() {
            let line = self.line;
            return Err(RosterError::MissingColumns { line, columns });
        }
        match FIELDS.iter().find(|(field, ..)| count(*field) > 1) {
            Some((_, label, _)) => Err(RosterError::RepeatedColumn(label)),
            None => Ok(self),
        }
    }
}

// ---- One line -------------------------------------------------------------------------------------------------------

/// A filled cell. Blank cells are not given at all.
#[derive(Debug)]
enum Cell<'a> {
    Text(Cow<'a, str>),
    Number(f64),
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
                self.problems
                    .push((field, format!("「{label}」没有填{hint}")));
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
        Err(RefusedLine::new(
            self.number,
            column,
            reasons.join("；") + "。",
        ))
    }

    /// The words of a field, or nothing when it is blank or, with the problem noted, when they cannot be taken.
    fn words(&mut self, field: Field) -> Option<String> {
        let words = match self.cell(field)? {
            Cell::Text(text) => acceptable(field, text.trim()),
            Cell::Number(number) => spelled(*number).and_then(|text| acceptable(field, &text)),
            Cell::Date => Err(format!("{TURNED_INTO_DATE}{AS_TEXT}")),
            Cell::Other(what) => Err(format!("是{what}，请改成文字")),
        };
        words.map_err(|problem| self.note(field, &problem)).ok()
    }

    fn people(&mut self) -> Option<i32> {
        let text = match self.cell(Field::People)? {
            Cell::Text(text) => text.trim().chars().map(half_width).collect(),
            // A float prints its exact decimal digits and never an exponent: 3 for 3.0, 3.5 for 3.5.
            Cell::Number(number) => number.to_string(),
            Cell::Date => "日期".to_string(),
            Cell::Other(what) => what.to_string(),
        };
        let whole = text.strip_suffix(".0").unwrap_or(&text);
        match whole.parse::<i32>() {
            Ok(people) if (1..=MOST_PEOPLE).contains(&people) && !whole.starts_with('+') => {
                Some(people)
            }
            _ => {
                let problem = format!("应是 1 到 {MOST_PEOPLE} 的整数，现在是“{}”", shown(&text));
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

/// The words to keep, or what is wrong with them.
fn acceptable(field: Field, text: &str) -> Result<String, String> {
    if text.chars().count() > LONGEST_TEXT {
        return Err(format!("超过 {LONGEST_TEXT} 个字"));
    }
    // People's names are kept exactly as written; everything else is a place or a code, where １２ and 12 are the same.
    let text: String = match field {
        Field::Head => text.to_string(),
        _ => text.chars().map(plain_width).collect(),
    };
    if let Some(problem) = text.chars().find_map(unacceptable_character) {
        return Err(problem);
    }
    if is_identity_number(&text) {
        return Err("像是身份证号。系统不保存身份证号，请换成别的编号或删去".into());
    }
    let quoted = shown(&text);
    let bare: String = text.chars().map(half_width).collect();
    let numbered = matches!(field, Field::Building | Field::Stairwell | Field::Room);
    // -1 is a basement, but nobody's name.
    let below = bare.strip_prefix('-').filter(|_| numbered);
    let basement = below.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if bare.starts_with(['=', '@', '+', '-']) && !basement {
        return Err(format!(
            "“{quoted}”以 = @ + - 开头，会被表格软件当成公式，请改正"
        ));
    }
    if (numbered || field == Field::Code) && is_scientific(&text) {
        return Err(format!(
            "“{quoted}”是科学记数，原来的数字已经丢了。{AS_TEXT}"
        ));
    }
    if numbered && is_date(&text) {
        return Err(format!("“{quoted}”{TURNED_INTO_DATE}{AS_TEXT}"));
    }
    if field == Field::Head && !text.chars().any(char::is_alphabetic) {
        return Err("不像姓名，请填户主的姓名".into());
    }
    Ok(text)
}

const TURNED_INTO_DATE: &str = "被表格软件当成了日期（例如 3-2 会变成 3月2日）。";
const AS_TEXT: &str = "请先把这一列设成“文本”格式，再重新填写";

/// A number that a person typed where we expect words, as they typed it.
fn spelled(number: f64) -> Result<String, String> {
    // Printing a float needs no arithmetic and gives all its digits, so what Excel rounded shows by its length.
    let text = number.to_string();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let problem = match digits {
        0 => "不是能读的数字。".to_string(),
        16.. => "是超过 15 位的数字，Excel 已把后面的数字变成 0。".to_string(),
        _ if text.contains('.') => format!("是小数 {text}，可能已经丢了末尾的 0。"),
        _ => return Ok(text),
    };
    Err(problem + AS_TEXT)
}

/// What Excel writes into a CSV for a long number, such as 4.4E+17.
fn is_scientific(text: &str) -> bool {
    let digits =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit() || c == '.');
    let signed = text
        .split_once(['E', 'e'])
        .and_then(|(number, power)| Some((number, power.strip_prefix(['+', '-'])?)));
    signed.is_some_and(|(number, power)| digits(number) && digits(power))
}

/// What Excel writes into a CSV for a house number it took for a date: 3月2日, 2-Mar, 2026/3/2 0:00.
fn is_date(text: &str) -> bool {
    const MONTHS: &str = "jan feb mar apr may jun jul aug sep oct nov dec";
    let parts: Vec<&str> = text.split(['-', '/', ' ']).collect();
    let number = |part: &str, most: u32| part.parse().is_ok_and(|n: u32| (1..=most).contains(&n));
    let month = |part: &str| part.len() == 3 && MONTHS.contains(&part.to_ascii_lowercase());
    match parts.as_slice() {
        [day, name] | [name, day] if month(name) => number(day, 99),
        [year, month, day, ..] => {
            year.len() == 4 && number(year, 2100) && number(month, 12) && number(day, 31)
        }
        [words] => {
            words.ends_with('日')
                && words.contains('月')
                && words.starts_with(|c: char| c.is_ascii_digit())
        }
        _ => false,
    }
}

/// Whether this has the shape of a resident identity number: eighteen digits with a birth date inside.
fn is_identity_number(text: &str) -> bool {
    let (Some(number), Some(birth)) = (text.get(..17), text.get(6..14)) else {
        return false;
    };
    let part = |from: usize, to: usize| birth.get(from..to).and_then(|part| part.parse().ok());
    let within =
        |part: Option<u32>, range: RangeInclusive<u32>| part.is_some_and(|n| range.contains(&n));
    text.len() == 18
        && number.chars().all(|c| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit() || c == 'X' || c == 'x')
        && within(part(0, 4), 1900..=2099)
        && within(part(4, 6), 1..=12)
        && within(part(6, 8), 1..=31)
}

// ---- Characters -----------------------------------------------------------------------------------------------------

/// Characters that take no room or turn the writing round, and so let two names look alike.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180E}'
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

fn unacceptable_character(c: char) -> Option<String> {
    let code = u32::from(c);
    match c {
        '\u{FFFD}' => Some("里有读不出来的字（�），请重新输入这个字".into()),
        '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}' => Some(format!(
            "里有自造字 U+{code:04X}，换一台电脑就会显示成别的字。请用输入法重新输入这个字"
        )),
        c if c.is_control() => Some(format!("里有换行或控制字符 U+{code:04X}，请重新输入")),
        c if is_invisible(c) || code & 0xFFFE == 0xFFFE => {
            Some(format!("里有看不见的字符 U+{code:04X}，请重新输入"))
        }
        _ => None,
    }
}

/// The half-width form of a full-width ASCII character or space.
fn half_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    }
}

/// Folds what is typed in either width without thought, and leaves Chinese punctuation such as （） alone.
fn plain_width(c: char) -> char {
    match half_width(c) {
        half if half.is_ascii_alphanumeric() || "-#./ ".contains(half) => half,
        _ => c,
    }
}

/// Words of the file, short and harmless enough to stand in a message.
fn shown(text: &str) -> String {
    let text = text.trim();
    if is_identity_number(text) {
        return "（证件号码）".to_string();
    }
    let visible = text
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c));
    let mut short: String = visible.clone().take(20).collect();
    if visible.count() > 20 {
        short.push('…');
    }
    short
}

/// The cell's name in a spreadsheet: B7.
fn address(column: usize, line: usize) -> String {
    let (mut left, mut letters) = (column + 1, String::new());
    while left > 0 {
        let letter = u32::try_from((left - 1) % 26).ok();
        let letter = letter
            .and_then(|n| char::from_digit(n + 10, 36))
            .unwrap_or('?');
        letters.insert(0, letter.to_ascii_uppercase());
        left = (left - 1) / 26;
    }
    format!("{letters}{line}")
}

// ---- Taking lines in ------------------------------------------------------------------------------------------------

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
        heading
            .sensitive
            .extend(groups.flat_map(|above| above.sensitive));
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
            let reason = format!("户号和第 {first} 行重复，请核对后只留一行或改正户号。");
            return self.refuse(RefusedLine::new(row.line, Some(Field::Code), reason));
        }
        if let Some(first) = self.homes.get(&home) {
            let reason = format!("和第 {first} 行是同一个房号，请核对后只留一行或改正住址。");
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
            format!("{} 列（没有列名）", letters.trim_end_matches('0'))
        });
        self.roster.ignored_columns = unknown
            .map(|(_, name)| name.clone())
            .chain(untitled)
            .collect();
        Ok(self.roster)
    }
}

// ---- Text -----------------------------------------------------------------------------------------------------------

fn read_text(bytes: &[u8]) -> Result<Roster, RosterError> {
    let text = decoded(bytes)?.replace("\r\n", "\n").replace('\r', "\n");
    if text.trim_start().starts_with('<') {
        return Err(RosterError::NotATable(
            "网页或 XML 文件（有的系统把它叫作 .xls）",
        ));
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

/// UTF-8 and UTF-16 say what they are; GB18030 does not, and accepts much, so it is tried last.
fn decoded(bytes: &[u8]) -> Result<String, RosterError> {
    let (encoding, bytes) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (encoding_rs::UTF_8, rest),
        [0xFF, 0xFE, rest @ ..] => (encoding_rs::UTF_16LE, rest),
        [0xFE, 0xFF, rest @ ..] => (encoding_rs::UTF_16BE, rest),
        _ if std::str::from_utf8(bytes).is_ok() => (encoding_rs::UTF_8, bytes),
        _ => (encoding_rs::GB18030, bytes),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(Cow::into_owned)
        .ok_or(RosterError::UnknownEncoding)
}

/// The separator that makes the most column names out of some line among the first.
fn separator_of(text: &str) -> u8 {
    let names = |line: &str, separator: u8| {
        let parts = line
            .split(char::from(separator))
            .map(|part| part.trim_matches('"'));
        parts.filter(|part| Field::named(part).is_some()).count()
    };
    let best = |separator: &u8| {
        text.lines()
            .take(HEADER_WITHIN)
            .map(|line| names(line, *separator))
            .max()
    };
    // Of equals the last wins, and comma is what a file without any header should be read by.
    [b';', b'\t', b',']
        .into_iter()
        .max_by_key(best)
        .unwrap_or(b',')
}

/// The line a record starts on; the reader's own position is before the blank lines that it skips.
fn line_of(text: &str, position: Option<&csv::Position>) -> usize {
    let Some(position) = position else { return 0 };
    let place = |number: u64| usize::try_from(number).unwrap_or_default();
    let rest = text
        .as_bytes()
        .get(place(position.byte())..)
        .unwrap_or_default();
    place(position.line()) + rest.iter().take_while(|byte| **byte == b'\n').count()
}

/// Why a record cannot be one line of the table.
fn misshapen(
    record: &csv::StringRecord,
    width: usize,
    line: usize,
    separator: u8,
) -> Option<String> {
    if record.iter().all(|field| field.trim().is_empty()) {
        return None;
    }
    let breaks: usize = record.iter().map(|field| field.matches('\n').count()).sum();
    let swallowed = record
        .iter()
        .any(|field| field.contains('\n') && field.contains(char::from(separator)));
    let extra_filled = record
        .iter()
        .skip(width)
        .any(|field| !field.trim().is_empty());
    let wrong_width = record.len() < width || extra_filled;
    if breaks > 0 && (swallowed || wrong_width) {
        let last = line + breaks;
        return Some(format!(
            "第 {line} 行到第 {last} 行被当成了一行，多半是引号没有成对。请改好引号，再导入这几行。"
        ));
    }
    wrong_width.then(|| {
        format!(
            "这一行有 {} 格，表头有 {width} 格，对不上。请检查有没有多余或缺少的分隔符。",
            record.len()
        )
    })
}

// ---- Workbooks ------------------------------------------------------------------------------------------------------

fn read_workbook(bytes: &[u8]) -> Result<Roster, RosterError> {
    check_archive(bytes)?;
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|problem| match problem {
        XlsxError::Password => RosterError::Password,
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => {
            RosterError::NotATable("压缩包或别的文档")
        }
        _ => RosterError::Damaged,
    })?;
    let mut sheets = workbook.sheets_metadata().iter();
    let sheet = sheets
        .find(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible);
    let name = sheet.ok_or(RosterError::NoVisibleSheet)?.name.clone();
    // Cell by cell and not as a range: a range makes room for every cell up to the farthest one that is named.
    let mut cells = workbook
        .worksheet_cells_reader(&name)
        .map_err(|_| RosterError::Damaged)?;
    let mut intake = Intake::default();
    let (mut current, mut row) = (0, Vec::new());
    while let Some(cell) = cells.next_cell().map_err(|_| RosterError::Damaged)? {
        let (number, column) = cell.get_position();
        let (number, column) = (whole_of(number.into()), whole_of(column.into()));
        let (Some(number), Some(column)) = (number, column) else {
            return Err(RosterError::Damaged);
        };
        if number < current || number >= SHEET_ROWS || column >= SHEET_COLUMNS {
            return Err(RosterError::Damaged);
        }
        if number > current {
            intake.line(current + 1, &row)?;
            row.clear();
        }
        current = number;
        row.extend(taken(cell.get_value()).map(|cell| (column, cell)));
    }
    intake.line(current + 1, &row)?;
    intake.finished()
}

const SHEET_ROWS: usize = 1_048_576;
const SHEET_COLUMNS: usize = 16_384;

/// What a sheet's cell holds, borrowing the shared strings: a thousand cells may name one of them.
fn taken<'a>(value: &DataRef<'a>) -> Option<Cell<'a>> {
    match value {
        DataRef::Empty => None,
        DataRef::String(text) => Cell::text(text.clone()),
        DataRef::SharedString(text) => Cell::text(*text),
        DataRef::Int(number) => Cell::text(number.to_string()),
        DataRef::Float(number) => Some(Cell::Number(*number)),
        DataRef::Bool(_) => Some(Cell::Other("真假值（TRUE 或 FALSE）")),
        DataRef::Error(_) => Some(Cell::Other("公式的错误结果")),
        DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => {
            Some(Cell::Date)
        }
    }
}

// ---- The archive around a workbook ----------------------------------------------------------------------------------

const MOST_PARTS: usize = 5_000;
const MOST_UNPACKED: u64 = 200 * 1024 * 1024;
/// Parts that the workbook reader keeps in memory, where five bytes of file can become hundreds in memory.
const MOST_STYLES: u64 = 8 * 1024 * 1024;
const MOST_STRINGS: u64 = 64 * 1024 * 1024;

/// Refuses an archive that would unpack too large, before anything is unpacked.
///
/// The zip reader never gives more of a part than its directory declares, so the declared sizes bound what is read. That
/// holds only if it sees the same directory as we do; hence one plain layout is accepted, the one that every spreadsheet
/// program writes: parts, directory, perhaps its 64-bit end, end, nothing behind.
fn check_archive(bytes: &[u8]) -> Result<(), RosterError> {
    let parts = directory(bytes).ok_or(RosterError::Damaged)?;
    let total = parts
        .iter()
        .try_fold(0u64, |total, part| total.checked_add(part.unpacked));
    let fits = |part: &Part| match &part.name {
        name if name.ends_with("styles.xml") => part.unpacked <= MOST_STYLES,
        name if name.ends_with("sharedstrings.xml") => part.unpacked <= MOST_STRINGS,
        _ => true,
    };
    let is_workbook = |part: &Part| part.name.contains("workbook") && part.name.ends_with(".xml");
    if !parts.iter().any(is_workbook) {
        return Err(RosterError::NotATable("压缩包或别的文档"));
    }
    if total.is_none_or(|total| total > MOST_UNPACKED) || !parts.iter().all(fits) {
        return Err(RosterError::UnpacksTooLarge);
    }
    let mut strings = parts
        .iter()
        .filter(|part| part.name.ends_with("sharedstrings.xml"));
    match strings.all(|part| honest_count(bytes, part).is_some()) {
        true => Ok(()),
        false => Err(RosterError::Damaged),
    }
}

/// One part of the archive, as the directory declares it.
struct Part {
    /// In small letters, since the workbook reader looks parts up that way.
    name: String,
    unpacked: u64,
    packed: u64,
    deflated: bool,
    starts: u64,
}

/// The parts that the central directory names, or nothing when it is not laid out plainly.
fn directory(bytes: &[u8]) -> Option<Vec<Part>> {
    let end = bytes.len().checked_sub(22)?;
    let count = number(bytes, end + 10, 2)?;
    let (size, start) = (number(bytes, end + 12, 4)?, number(bytes, end + 16, 4)?);
    let closes = whole_of(start.checked_add(size)?)?;
    let long_end = || {
        let record = number(bytes, closes, 4)? == 0x0606_4B50
            && number(bytes, closes + 56, 4)? == 0x0706_4B50;
        let same =
            number(bytes, closes + 32, 8)? == count && number(bytes, closes + 40, 8)? == size;
        let placed = number(bytes, closes + 48, 8)? == start
            && number(bytes, closes + 64, 8)? == start + size;
        (record && same && placed && closes + 76 == end).then_some(())
    };
    let end_is_plain = number(bytes, end, 8)? == 0x0605_4B50 && number(bytes, end + 20, 2)? == 0;
    if !end_is_plain || number(bytes, end + 8, 2)? != count || whole_of(count)? > MOST_PARTS {
        return None;
    }
    if closes == end {
        // A 64-bit locator hidden in the last comment would send the zip reader to another directory.
        let hidden = end.checked_sub(20).and_then(|at| number(bytes, at, 4)) == Some(0x0706_4B50);
        (!hidden).then_some(())?;
    } else {
        long_end()?;
    }
    let mut at = whole_of(start)?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let (part, next) = entry(bytes, at)?;
        parts.push(part);
        at = next;
    }
    (at == closes).then_some(parts)
}

/// One entry of the directory, and where the next one starts.
fn entry(bytes: &[u8], at: usize) -> Option<(Part, usize)> {
    const SEE_EXTRA: u64 = 0xFFFF_FFFF;
    let length = |from: usize| whole_of(number(bytes, at + from, 2)?);
    let (name_starts, extra_starts) = (at + 46, at + 46 + length(28)?);
    let (extra_ends, next) = (
        extra_starts + length(30)?,
        extra_starts + length(30)? + length(32)?,
    );
    let name = String::from_utf8_lossy(bytes.get(name_starts..extra_starts)?).to_ascii_lowercase();
    let mut sizes = [
        number(bytes, at + 24, 4)?,
        number(bytes, at + 20, 4)?,
        number(bytes, at + 42, 4)?,
    ];
    let mut extra = extra_starts;
    while extra < extra_ends {
        let (kind, length) = (
            number(bytes, extra, 2)?,
            whole_of(number(bytes, extra + 2, 2)?)?,
        );
        let mut value = extra + 4;
        extra = value + length;
        match kind {
            // A second name for the part: the zip reader would know it under that one.
            0x7075 => return None,
            1 => {
                for size in sizes.iter_mut().filter(|size| **size == SEE_EXTRA) {
                    *size = number(bytes, value, 8).filter(|_| value + 8 <= extra)?;
                    value += 8;
                }
            }
            _ => {}
        }
    }
    let [unpacked, packed, starts] = sizes;
    let deflated = number(bytes, at + 10, 2)? == 8;
    let plain =
        number(bytes, at, 4)? == 0x0201_4B50 && extra == extra_ends && !sizes.contains(&SEE_EXTRA);
    plain.then_some((
        Part {
            name,
            unpacked,
            packed,
            deflated,
            starts,
        },
        next,
    ))
}

/// A little-endian number of that many bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let own = bytes.get(at..at.checked_add(length)?)?;
    Some(
        own.iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    )
}

fn whole_of(number: u64) -> Option<usize> {
    usize::try_from(number).ok()
}

/// Whether the shared strings say truthfully, or at least modestly, how many they are.
///
/// The workbook reader makes room for as many as they claim before it reads one, and a claim of 10¹² would end the whole
/// program for want of memory, which no caller can catch. So the opening tag is read here first.
fn honest_count(bytes: &[u8], part: &Part) -> Option<()> {
    const ENOUGH: usize = 4096;
    let local = whole_of(part.starts)?;
    let before = 30 + number(bytes, local + 26, 2)? + number(bytes, local + 28, 2)?;
    let from = local.checked_add(whole_of(before)?)?;
    let packed = bytes.get(from..from.checked_add(whole_of(part.packed)?)?)?;
    let opening = match part.deflated {
        true => inflated(packed, ENOUGH)?,
        false => packed.iter().copied().take(ENOUGH).collect(),
    };
    let opening = opening.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&opening);
    let opening = String::from_utf8_lossy(opening);
    let root = match opening.trim_start().strip_prefix("<?xml") {
        Some(declared) => declared.split_once("?>")?.1,
        None => &opening,
    };
    let (tag, _) = root.trim_start().strip_prefix('<')?.split_once('>')?;
    let name = tag
        .split(|c: char| c.is_ascii_whitespace() || c == '/')
        .next()?;
    let is_root = name == "sst" || name.ends_with(":sst");
    let plain = tag
        .chars()
        .all(|c| matches!(c, ' '..='~' | '\n' | '\r' | '\t'));
    let digits = |claim: &str| {
        let start = claim.trim_start_matches(|c: char| !c.is_ascii_digit());
        start.chars().take_while(char::is_ascii_digit).count()
    };
    let modest = tag
        .split("uniqueCount")
        .skip(1)
        .all(|claim| digits(claim) <= 7);
    (is_root && plain && modest).then_some(())
}

/// The first bytes of a deflated part (RFC 1951), as many as are enough.
fn inflated(packed: &[u8], enough: usize) -> Option<Vec<u8>> {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let mut bits = Bits {
        bytes: packed.iter(),
        held: 0,
        count: 0,
    };
    let mut out = Vec::new();
    let mut last = false;
    while !last && out.len() < enough {
        last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                (bits.held, bits.count) = (0, 0);
                let length = bits.take(16)?;
                bits.take(16)?;
                out.extend(bits.bytes.by_ref().take(length));
            }
            1 => {
                let lengths: Vec<usize> = [(144, 8), (112, 9), (24, 7), (8, 8)]
                    .into_iter()
                    .flat_map(|(count, length)| std::iter::repeat_n(length, count))
                    .collect();
                block(
                    &mut bits,
                    &Codes::new(&lengths),
                    &Codes::new(&[5; 30]),
                    &mut out,
                    enough,
                )?;
            }
            2 => {
                let (literals, distances) = (bits.take(5)? + 257, bits.take(5)? + 1);
                let mut own = [0; 19];
                for place in ORDER.into_iter().take(bits.take(4)? + 4) {
                    *own.get_mut(place)? = bits.take(3)?;
                }
                let codes = Codes::new(&own);
                let mut lengths: Vec<usize> = Vec::new();
                while lengths.len() < literals + distances {
                    let (length, times) = match codes.next(&mut bits)? {
                        16 => (*lengths.last()?, bits.take(2)? + 3),
                        17 => (0, bits.take(3)? + 3),
                        18 => (0, bits.take(7)? + 11),
                        length => (length, 1),
                    };
                    lengths.extend(std::iter::repeat_n(length, times));
                }
                let (literal, distance) = lengths.split_at_checked(literals)?;
                block(
                    &mut bits,
                    &Codes::new(literal),
                    &Codes::new(distance),
                    &mut out,
                    enough,
                )?;
            }
            _ => return None,
        }
    }
    Some(out)
}

fn block(
    bits: &mut Bits<'_>,
    literals: &Codes,
    distances: &Codes,
    out: &mut Vec<u8>,
    enough: usize,
) -> Option<()> {
    while out.len() < enough {
        let symbol = literals.next(bits)?;
        let length = match symbol {
            0..=255 => {
                out.push(u8::try_from(symbol).ok()?);
                continue;
            }
            256 => break,
            257..=264 => symbol - 254,
            265..=284 => stretched(symbol - 257, 4, bits)? + 3,
            285 => 258,
            _ => return None,
        };
        let distance = match distances.next(bits)? {
            near @ 0..=3 => near + 1,
            far @ 4..=29 => stretched(far, 2, bits)? + 1,
            _ => return None,
        };
        let from = out.len().checked_sub(distance)?;
        for at in from..from + length {
            out.push(*out.get(at)?);
        }
    }
    Some(())
}

/// Lengths and distances grow by powers of two, `steps` symbols to each power, with the rest in extra bits.
fn stretched(symbol: usize, steps: usize, bits: &mut Bits<'_>) -> Option<usize> {
    let extra = u32::try_from(symbol / steps - 1).ok()?;
    Some(((steps + symbol % steps) << extra) + bits.take(extra)?)
}

/// The bits of a deflated part, lowest first.
struct Bits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    held: usize,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, wanted: u32) -> Option<usize> {
        while self.count < wanted {
            self.held |= usize::from(*self.bytes.next()?) << self.count;
            self.count += 8;
        }
        let value = self.held & ((1 << wanted) - 1);
        self.held >>= wanted;
        self.count -= wanted;
        Some(value)
    }
}

/// A canonical Huffman code: how many codes of each length, and their symbols in order.
struct Codes {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Codes {
    fn new(lengths: &[usize]) -> Codes {
        let used = lengths
            .iter()
            .copied()
            .zip(0..)
            .filter(|(length, _)| *length > 0);
        let mut used: Vec<(usize, usize)> = used.collect();
        used.sort_unstable();
        let mut counts = [0; 16];
        for (length, _) in &used {
            if let Some(count) = counts.get_mut(*length) {
                *count += 1;
            }
        }
        Codes {
            counts,
            symbols: used.into_iter().map(|(_, symbol)| symbol).collect(),
        }
    }

    fn next(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in self.counts.iter().skip(1) {
            code |= bits.take(1)?;
            if code < first + count {
                return self
                    .symbols
                    .get((index + code).checked_sub(first)?)
                    .copied();
            }
            (index, first, code) = (index + count, (first + count) << 1, code << 1);
        }
        None
    }
}
