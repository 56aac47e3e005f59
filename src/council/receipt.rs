//! Receipts: the number that somebody takes home who objected or appealed.
//!
//! Ten digits, because they can be read over a telephone and typed by anybody. They are random and not counted up: a number
//! leads to no other. Whoever has one may ask how the matter stands, and learns nothing about anybody from it.

use std::fmt::Write as _;

use crate::id::fill_random;

/// How many digits.
const DIGITS: usize = 10;

/// A number that looks like no other; the caller tries again when it is taken.
#[must_use]
pub fn random() -> String {
    let mut bytes = [0u8; 8];
    fill_random(&mut bytes);
    // The remainder favours the smaller ones by less than one part in 10⁹.
    let number = u64::from_le_bytes(bytes) % 9_000_000_000;
    number.saturating_add(1_000_000_000).to_string()
}

/// In the groups in which it is printed and read aloud: `402 817 3654`.
#[must_use]
pub fn spaced(receipt: &str) -> String {
    let mut spaced = String::with_capacity(receipt.len().saturating_add(2));
    for (place, digit) in receipt.chars().enumerate() {
        let _ = match place {
            3 | 6 => write!(spaced, " {digit}"),
            _ => write!(spaced, "{digit}"),
        };
    }
    spaced
}

/// The digits of what somebody typed, when they can be a receipt number.
#[must_use]
pub fn typed(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .map(|letter| match letter {
            '０'..='９' => char::from_digit(u32::from(letter).saturating_sub(u32::from('０')), 10).unwrap_or(letter),
            _ => letter,
        })
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .collect();
    let plain = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_read_as_it_is_printed() {
        let receipt = random();
        assert_eq!(typed(&spaced(&receipt)), Some(receipt));
        assert_eq!(spaced("4028173654"), "402 817 3654");
        assert_eq!(typed("４０２ 817 3654"), Some("4028173654".to_owned()));
        assert_eq!(typed("402817365"), None);
        assert_eq!(typed("unknown123"), None);
    }
}
