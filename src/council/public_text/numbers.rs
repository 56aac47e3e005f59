//! The figures of public text: numbers of people and things, doors, ages, in whatever way they are written.

/// The most marks between two digits of one number.
const MOST_MARKS: usize = 3;

/// Digits that follow each other, whatever way they are written, in groups with marks between them.
pub(super) fn numbers(text: &str) -> Vec<Vec<String>> {
    let letters: Vec<char> = text.chars().collect();
    let at = |place: usize| letters.get(place).copied().unwrap_or(' ');
    let mut all: Vec<Vec<String>> = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let mut marks = MOST_MARKS.saturating_add(1);
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).map_or(' ', at);
        let near = |other: char| digit(other).is_some() || look_alike(other).is_some();
        let ends_identity = matches!(letter, 'X' | 'x' | 'Ｘ' | 'ｘ') && groups.concat().len() == 17;
        let value = digit(*letter)
            .or_else(|| look_alike(*letter).filter(|_| near(before) || near(at(place.saturating_add(1)))))
            .or(if ends_identity { Some('X') } else { None });
        match value {
            Some(value) if marks == 0 => match groups.last_mut() {
                Some(group) => group.push(value),
                None => groups.push(value.to_string()),
            },
            Some(value) => {
                if marks > MOST_MARKS {
                    all.push(std::mem::take(&mut groups));
                }
                groups.push(value.to_string());
            }
            None if letter.is_alphanumeric() => marks = MOST_MARKS,
            None => {}
        }
        marks = match value {
            Some(_) => 0,
            None => marks.saturating_add(1),
        };
    }
    all.push(groups);
    all.retain(|groups| !groups.is_empty());
    all
}

/// What such digits look like, unless they are a date, times of the day, amounts or a list of buildings.
pub(super) fn telling(groups: &[String]) -> Option<&'static str> {
    let groups = match groups {
        [year, month, day, rest @ ..] if is_date(year, month, day) => rest,
        [one] if is_date_in_one(one) => return None,
        all => all,
    };
    let joined = groups.concat();
    let longest = groups.iter().map(String::len).max().unwrap_or(0);
    let values: Vec<u32> = groups.iter().filter_map(|group| group.parse().ok()).collect();
    let is_list = groups.len() > 2 && longest < 3 && values.is_sorted();
    match joined.len() {
        15.. if !is_list => Some("像是证件号或银行卡号"),
        _ if is_list => None,
        11.. => Some("像是电话号码或其他编号"),
        7..=10 if longest > 2 => Some("像是电话号码或其他编号"),
        _ => None,
    }
}

fn is_date(year: &str, month: &str, day: &str) -> bool {
    let inside =
        |text: &str, most: u32| text.len() < 3 && text.parse().is_ok_and(|value: u32| (1..=most).contains(&value));
    is_year(year) && inside(month, 12) && inside(day, 31)
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20"))
}

fn is_date_in_one(text: &str) -> bool {
    let part = |from: usize, until: usize| text.get(from..until).unwrap_or_default();
    text.len() == 8 && is_date(part(0, 4), part(4, 6), part(6, 8))
}

/// The digit that a letter stands for, in the many ways in which digits are written.
fn digit(letter: char) -> Option<char> {
    /// The first of ten or nine signs in a row, and the digit it stands for.
    const ROWS: &[(char, u32)] = &[
        ('0', 0),
        ('０', 0),
        ('⁰', 0),
        ('₀', 0),
        ('①', 1),
        ('⑴', 1),
        ('⒈', 1),
        ('❶', 1),
        ('➀', 1),
        ('➊', 1),
        ('㈠', 1),
        ('㊀', 1),
        ('⓵', 1),
    ];
    let value = match letter {
        '〇' | '零' | '○' | '⓪' | '⓿' | '洞' => 0,
        '一' | '壹' | '幺' | '¹' => 1,
        '二' | '贰' | '²' => 2,
        '三' | '叁' | '³' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        // Mathematical digits: five rows of ten.
        '\u{1D7CE}'..='\u{1D7FF}' => u32::from(letter).checked_sub(0x1D7CE)? % 10,
        _ => ROWS.iter().find_map(|(first, stands_for)| {
            let nth = u32::from(letter).checked_sub(u32::from(*first))?;
            (nth.saturating_add(*stands_for) < 10).then(|| nth.saturating_add(*stands_for))
        })?,
    };
    char::from_digit(value, 10)
}

/// Letters that people write for digits, to get past a reader like this one; only beside digits.
fn look_alike(letter: char) -> Option<char> {
    match letter {
        'o' | 'O' | 'Ｏ' | 'ｏ' => Some('0'),
        'l' | 'I' | 'Ｉ' | 'ｌ' | '|' => Some('1'),
        _ => None,
    }
}

/// A name of an account, a number plate: six and more Latin letters and digits together, or anything with an at sign.
pub(super) fn has_identifier(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter: char| !is_part(letter));
    let mixed = |word: &str| {
        word.len() > 5
            && word.contains(|letter: char| letter.is_ascii_alphabetic())
            && word.contains(|letter: char| letter.is_ascii_digit() || letter == '_')
    };
    let chat = ["QQ", "qq", "Qq"].iter().any(|word| text.contains(word)) && !text.contains("QQ群");
    words.into_iter().any(mixed) || text.contains('@') || chat
}

/// A door: `2单元`, `1102室`, `3栋401`, `建设路12号`.
pub(super) fn has_address(letters: &[char]) -> bool {
    let text: String = letters.iter().map(|letter| digit(*letter).unwrap_or(*letter)).collect();
    let after_digits = |word: &str, least: usize| {
        text.match_indices(word).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            before
                .chars()
                .rev()
                .take_while(|letter| letter.is_ascii_digit() || *letter == '十')
                .count()
                >= least
        })
    };
    let before_digits = |word: &str, least: usize| {
        text.match_indices(word).any(|(at, _)| {
            let after = text.get(at.saturating_add(word.len())..).unwrap_or_default();
            let after = after.strip_prefix('第').unwrap_or(after);
            after.chars().take_while(char::is_ascii_digit).count() >= least
        })
    };
    let on_a_street = ["路", "街", "巷", "弄", "组"].iter().any(|street| {
        text.match_indices(street).any(|(at, _)| {
            let after = text.get(at.saturating_add(street.len())..).unwrap_or_default();
            let digits = after.chars().take_while(char::is_ascii_digit).count();
            digits > 0
                && after
                    .get(digits..)
                    .is_some_and(|rest| rest.starts_with('号') && !rest.starts_with("号楼"))
        })
    });
    after_digits("单元", 1)
        || after_digits("室", 3)
        || after_digits("号房", 1)
        || ["栋", "幢", "号楼", "单元", "座"]
            .iter()
            .any(|word| before_digits(word, 3))
        || on_a_street
}

/// An age below eighteen: `9岁`, `十二岁`; not `八十二岁`.
pub(super) fn has_young_age(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let places = letters.iter().enumerate().filter(|(_, letter)| **letter == '岁');
    places.into_iter().any(|(at, _)| {
        // 周岁, 虚岁.
        let before = letters
            .iter()
            .take(at)
            .rev()
            .copied()
            .skip_while(|letter| matches!(letter, '周' | '虚'));
        let before: Vec<char> = before.collect();
        let number: Vec<char> = before
            .into_iter()
            .take_while(|letter| digit(*letter).is_some() || *letter == '十' || *letter == '百')
            .collect();
        let value = |letter: Option<&char>| letter.and_then(|letter| digit(*letter)?.to_digit(10));
        match number.iter().position(|letter| *letter == '十') {
            _ if number.is_empty() || number.contains(&'百') => false,
            // Tens stand before the sign, ones after it; here the number is read backwards.
            Some(ten) => {
                let tens = value(number.get(ten.saturating_add(1))).unwrap_or(1);
                let ones = if ten == 0 {
                    0
                } else {
                    value(number.first()).unwrap_or(0)
                };
                tens.saturating_mul(10).saturating_add(ones) < 18
            }
            None => {
                let plain: String = number.iter().rev().filter_map(|letter| digit(*letter)).collect();
                plain.parse::<u32>().is_ok_and(|age| age < 18)
            }
        }
    })
}
