//! Barcodes of goods: the maker's GTIN or an in-store code, checked by its last digit, and drawn for shelf labels.
//!
//! A GTIN has 8, 12, 13 or 14 digits; EAN-13 with the prefixes 20–29 is free for use within a store (GS1). Ours begin
//! with 20 and carry a running number. It does not know which goods have which code.

use barcoders::sym::ean8::EAN8;
use barcoders::sym::ean13::EAN13;

use crate::error::{Error, Result};

/// How our own in-store codes begin.
pub const IN_STORE: &str = "20";

/// Reads a barcode as it was scanned or typed.
///
/// # Errors
/// `Invalid`, naming the digit that was expected.
pub fn read(text: &str) -> Result<String> {
    let digits: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let wrong = |why: String| Err(Error::invalid("barcode", why));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || ![8, 12, 13, 14].contains(&digits.len()) {
        return wrong("条码应为8、12、13或14位数字，请重新扫描；没有条码的可以由系统编店内码。".to_owned());
    }
    let (body, last) = digits.split_at(digits.len().saturating_sub(1));
    let expected = check_digit(body);
    if last != expected {
        return wrong(format!(
            "条码的最后一位是校验码，应为{expected}，现在是{last}，多半是抄错了一位，请核对或重新扫描。"
        ));
    }
    Ok(digits)
}

/// The GS1 check digit of the digits before it: weights 3 and 1 alternate from the right.
fn check_digit(body: &str) -> String {
    let digits = body.chars().rev().filter_map(|letter| letter.to_digit(10));
    let sum: u32 = digits
        .zip([3, 1].into_iter().cycle())
        .map(|(digit, weight)| digit * weight)
        .sum();
    ((10 - sum % 10) % 10).to_string()
}

/// The in-store code of this running number, while there are any.
#[must_use]
pub fn in_store(number: i64) -> Option<String> {
    let body = format!("{IN_STORE}{number:010}");
    (number > 0 && body.len() == 12).then(|| format!("{body}{}", check_digit(&body)))
}

/// The running number of one of our in-store codes.
#[must_use]
pub fn number_of(code: &str) -> Option<i64> {
    code.strip_prefix(IN_STORE)?.get(..10)?.parse().ok()
}

/// The bars of a barcode: from where, and how wide, in modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bars {
    /// Begin and width of each dark bar.
    pub bars: Vec<(usize, usize)>,
    /// The width of all, without the quiet zones.
    pub width: usize,
}

/// Draws what fits on a shelf label: EAN-13, EAN-8 and UPC-A. The fourteen digits of a carton do not.
#[must_use]
pub fn bars(code: &str) -> Option<Bars> {
    let modules = match code.len() {
        8 => EAN8::new(code).ok()?.encode(),
        12 => EAN13::new(format!("0{code}")).ok()?.encode(),
        13 => EAN13::new(code).ok()?.encode(),
        _ => return None,
    };
    let mut bars: Vec<(usize, usize)> = Vec::new();
    for (at, _) in modules.iter().enumerate().filter(|(_, module)| **module == 1) {
        match bars.last_mut() {
            Some((begin, width)) if begin.saturating_add(*width) == at => *width = width.saturating_add(1),
            _ => bars.push((at, 1)),
        }
    }
    Some(Bars {
        bars,
        width: modules.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_digit_is_told_with_the_right_one() {
        for right in [
            "6900000001011",
            "2000000000015",
            "96385074",
            "012345678905",
            "10012345678902",
        ] {
            assert_eq!(read(right).unwrap(), right);
        }
        assert_eq!(read(" 6900000 001011 ").unwrap(), "6900000001011");
        let why = read("6900000001019").unwrap_err().to_string();
        assert!(why.contains("应为1，现在是9"), "{why}");
        // Two neighbours swapped, a digit too few, letters.
        for wrong in ["6900000010011", "690000000101", "G001", "", "１２３４５６７８"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn in_store_codes_count_up_and_are_good_barcodes() {
        assert_eq!(in_store(1).unwrap(), "2000000000015");
        for number in [1, 9, 10, 9_999_999_999] {
            let code = in_store(number).unwrap();
            assert_eq!((read(&code).unwrap(), number_of(&code)), (code.clone(), Some(number)));
        }
        assert_eq!(in_store(10_000_000_000), None);
    }

    #[test]
    fn a_label_reads_as_its_digits() {
        // By hand, from the tables of the standard: guards, 6 digits left by L and G, 6 right by R.
        let drawn = bars("6900000001011").unwrap();
        assert_eq!(drawn.width, 95);
        assert_eq!((drawn.bars.first(), drawn.bars.last()), (Some(&(0, 1)), Some(&(94, 1))));
        assert_eq!(drawn.bars.len(), 30);
        assert_eq!(bars("10012345678902"), None);
        assert_eq!(bars("96385074").unwrap().width, 67);
    }
}
