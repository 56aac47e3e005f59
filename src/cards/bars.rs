//! Bars: Code 128 and EAN-13, drawn for guns that read no squares.
//!
//! Many cheap guns read bars only, and a Chinese input method has nothing to do with digits, so a card carries its number
//! as bars too: Code 128 in set C, which packs two digits into a symbol and therefore takes an even count of them. EAN-13
//! is what goods carry; it is drawn here only for the page on which a gun is tried. Nothing is read here.

use barcoders::sym::code128::Code128;
use barcoders::sym::ean13::EAN13;

/// Light modules on each side of the bars (ISO/IEC 15417, 15420).
const QUIET_MODULES: usize = 10;

/// How high the drawing is, in modules.
const HEIGHT_MODULES: usize = 28;

/// What tells the encoder to use set C.
const SET_C: char = '\u{0106}';

/// Draws digits as Code 128: an SVG element as wide as the page lets it be. Nothing for an odd count, or for what is no
/// digit. `label` is what a screen reader says instead.
#[must_use]
pub fn code_128(digits: &str, label: &str) -> Option<String> {
    let in_pairs = !digits.is_empty() && digits.len().is_multiple_of(2);
    if !in_pairs || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let code = Code128::new(format!("{SET_C}{digits}")).ok()?;
    Some(drawing(&code.encode(), label))
}

/// Draws thirteen digits as EAN-13. Nothing for another count, for what is no digit, or for a wrong check digit.
#[must_use]
pub fn ean_13(digits: &str, label: &str) -> Option<String> {
    let code = EAN13::new(digits).ok().filter(|_| digits.len() == 13)?;
    Some(drawing(&code.encode(), label))
}

/// Modules, 1 for a dark one.
fn drawing(modules: &[u8], label: &str) -> String {
    let mut path = String::new();
    let mut x = QUIET_MODULES;
    for run in modules.chunk_by(|one, next| one == next) {
        let width = run.len();
        if run.first() == Some(&1) {
            path.push_str(&format!("M{x} 0h{width}v{HEIGHT_MODULES}h-{width}z"));
        }
        x = x.saturating_add(width);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT_MODULES}\" width=\"100%\" \
         shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"{label}\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><path d=\"{path}\"/></svg>",
        width = x.saturating_add(QUIET_MODULES),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The widths of a drawing, bars and spaces in turns, and its own.
    fn measured(svg: &str) -> (String, usize) {
        let path = svg.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let bars: Vec<(usize, usize)> = path
            .split('M')
            .skip(1)
            .map(|bar| {
                let numbers: Vec<usize> = bar.split([' ', 'h', 'v']).map_while(|part| part.parse().ok()).collect();
                (numbers[0], numbers[2])
            })
            .collect();
        let mut widths = String::new();
        for (at, (x, width)) in bars.iter().enumerate() {
            widths.push_str(&width.to_string());
            if let Some((next, _)) = bars.get(at + 1) {
                widths.push_str(&(next - x - width).to_string());
            }
        }
        let box_width = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap();
        (widths, box_width.parse().unwrap())
    }

    #[test]
    fn a_number_is_drawn_as_the_standard_says() {
        // Start C, 40 28 17 36 51, check (105 + 40 + 56 + 51 + 144 + 255) mod 103 = 33, stop.
        let (widths, width) = measured(&code_128("4028173651", "码").unwrap());
        assert_eq!(widths, "2112322311133221121232211123132131131113232331112");
        assert_eq!(width, 110);
        for no_number in ["", "123", "12a4", "１２", "卡"] {
            assert_eq!(code_128(no_number, ""), None, "{no_number}");
        }
    }

    #[test]
    fn goods_are_drawn_as_the_standard_says() {
        // A first digit 4 turns the second, fifth and sixth of the left digits. A decoder reads it in tests/e2e/scan.test.mjs.
        let (widths, width) = measured(&ean_13("4003994155486", "码").unwrap());
        assert_eq!(widths, "11132111123141131122113231111111222112311231113212131114111");
        assert_eq!(width, 95 + 20);
        for no_goods in ["", "400399415548", "40039941554860", "400399415548a"] {
            assert_eq!(ean_13(no_goods, ""), None, "{no_goods}");
        }
    }
}
