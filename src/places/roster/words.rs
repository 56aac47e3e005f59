//! The words in a roster's cells: which can be kept, and what to say of the others.
//!
//! Names of people are kept exactly as written. It does not repair what a spreadsheet spoiled, because nobody can know
//! what stood there.

use std::ops::RangeInclusive;

use super::LONGEST_TEXT;
use super::columns::Field;

/// The words to keep, or what is wrong with them.
pub(super) fn acceptable(field: Field, text: &str) -> Result<String, String> {
    if text.chars().count() > LONGEST_TEXT {
        return Err(format!("超过{LONGEST_TEXT}个字"));
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
        return Err(format!("“{quoted}”以 = @ + - 开头，会被表格软件当成公式，请改正"));
    }
    if (numbered || field == Field::Code) && is_scientific(&text) {
        return Err(format!("“{quoted}”是科学记数，原来的数字已经丢了。{AS_TEXT}"));
    }
    if numbered && is_date(&text) {
        return Err(format!("“{quoted}”{TURNED_INTO_DATE}{AS_TEXT}"));
    }
    if field == Field::Head && !text.chars().any(char::is_alphabetic) {
        return Err("不像姓名，请填户主的姓名".into());
    }
    Ok(text)
}

pub(super) const TURNED_INTO_DATE: &str = "被表格软件当成了日期（例如3-2 会变成3月2日）。";
pub(super) const AS_TEXT: &str = "请先把这一列设成“文本”格式，再重新填写";

/// A number that a person typed where we expect words, as its cell shows it.
pub(super) fn spelled(number: f64, least_digits: Option<usize>) -> Result<String, String> {
    // Printing a float needs no arithmetic and gives all its digits, so what Excel rounded shows by its length.
    let text = number.to_string();
    let problem = match (text.chars().filter(char::is_ascii_digit).count(), least_digits) {
        (0, _) => "不是能读的数字。".to_string(),
        (16.., _) => "是超过15位的数字，Excel 已把后面的数字变成0。".to_string(),
        _ if text.contains('.') => format!("是小数{text}，可能已经丢了末尾的0。"),
        (_, None) => format!("里存的只是{text}，别的字是单元格格式显示出来的。"),
        (_, Some(_)) if number < 0.0 => return Ok(text),
        (_, Some(least)) => return Ok(format!("{text:0>least$}")),
    };
    Err(problem + AS_TEXT)
}

/// What Excel writes into a CSV for a long number, such as 4.4E+17.
fn is_scientific(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit() || c == '.');
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
        [year, month, day, ..] => year.len() == 4 && number(year, 2100) && number(month, 12) && number(day, 31),
        [words] => words.ends_with('日') && words.contains('月') && words.starts_with(|c: char| c.is_ascii_digit()),
        _ => false,
    }
}

/// Whether this has the shape of a resident identity number: eighteen digits with a birth date inside.
fn is_identity_number(text: &str) -> bool {
    let (Some(number), Some(birth)) = (text.get(..17), text.get(6..14)) else {
        return false;
    };
    let part = |from: usize, to: usize| birth.get(from..to).and_then(|part| part.parse().ok());
    let within = |part: Option<u32>, range: RangeInclusive<u32>| part.is_some_and(|n| range.contains(&n));
    text.len() == 18
        && number.chars().all(|c| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit() || c == 'X' || c == 'x')
        && within(part(0, 4), 1900..=2099)
        && within(part(4, 6), 1..=12)
        && within(part(6, 8), 1..=31)
}

/// Characters that take no room or turn the writing round, and so let two names look alike.
pub(super) fn is_invisible(c: char) -> bool {
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
        c if is_invisible(c) || code & 0xFFFE == 0xFFFE => Some(format!("里有看不见的字符 U+{code:04X}，请重新输入")),
        _ => None,
    }
}

/// The half-width form of a full-width ASCII character or space.
pub(super) fn half_width(c: char) -> char {
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
pub(super) fn shown(text: &str) -> String {
    let text = text.trim();
    if is_identity_number(text) {
        return "（证件号码）".to_string();
    }
    let visible = text.chars().filter(|c| !c.is_control() && !is_invisible(*c));
    let mut short: String = visible.clone().take(20).collect();
    if visible.count() > 20 {
        short.push('…');
    }
    short
}

/// The cell's name in a spreadsheet: B7.
pub(super) fn address(column: usize, line: usize) -> String {
    let (mut left, mut letters) = (column + 1, String::new());
    while left > 0 {
        let letter = u32::try_from((left - 1) % 26).ok();
        let letter = letter.and_then(|n| char::from_digit(n + 10, 36)).unwrap_or('?');
        letters.insert(0, letter.to_ascii_uppercase());
        left = (left - 1) / 26;
    }
    format!("{letters}{line}")
}
