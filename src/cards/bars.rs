//! Bars: Code 128 and EAN-13, drawn for guns that read no squares.
//!
//! Many cheap guns read bars only, and a Chinese input method has nothing to do with digits, so a card carries its number
//! as bars too: Code 128 in set C, which packs two digits into a symbol and therefore takes an even count of them. EAN-13
//! is what goods carry; it is drawn here only for the page on which a gun is tried. Nothing is read here.

/// Light modules on each side of the bars (ISO/IEC 15417, 15420).
const QUIET_MODULES: usize = 10;

/// How high the drawing is, in modules.
const HEIGHT_MODULES: usize = 28;

/// Set C's start, whose value also opens the check sum.
const START_C: usize = 105;

/// Two bars, a space and the last bar: the end of every Code 128.
const STOP: &str = "2331112";

/// The widths of bar, space, bar, space, bar, space for each value of Code 128 (ISO/IEC 15417, table 1).
const CODE_128: [&str; 106] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312",
    "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212",
    "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121",
    "111323", "131123", "131321", "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331",
    "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131", "311123",
    "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422", "121124",
    "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114",
    "413111", "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112",
    "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232",
];

/// The widths of a digit's four elements in EAN, beginning with a space on the left side (ISO/IEC 15420, set A).
const EAN_DIGITS: [&str; 10] = [
    "3211", "2221", "2122", "1411", "1132", "1231", "1114", "1312", "1213", "3112",
];

/// Which of the six left digits are turned round, by the first digit, which has no bars of its own.
const EAN_TURNED: [&str; 10] = [
    "000000", "001011", "001101", "001110", "010011", "011001", "011100", "010101", "010110", "011010",
];

/// Draws digits as Code 128: an SVG element as wide as the page lets it be. Nothing for an odd count, or for what is no
/// digit. `label` is what a screen reader says instead.
#[must_use]
pub fn code_128(digits: &str, label: &str) -> Option<String> {
    let values: Option<Vec<usize>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [tens, ones] if pair.iter().all(u8::is_ascii_digit) => {
                Some(usize::from(tens - b'0') * 10 + usize::from(ones - b'0'))
            }
            _ => None,
        })
        .collect();
    let values = values.filter(|values| !values.is_empty())?;
    let weighted: usize = (1..).zip(&values).map(|(place, value)| place * value).sum();
    let check = (START_C + weighted) % 103;
    let symbols = [START_C].into_iter().chain(values).chain([check]);
    let mut widths: String = symbols.filter_map(|value| CODE_128.get(value).copied()).collect();
    widths.push_str(STOP);
    Some(drawing(&widths, label))
}

/// Draws thirteen digits as EAN-13. Nothing for another count or for what is no digit; the check digit is taken as given.
#[must_use]
pub fn ean_13(digits: &str, label: &str) -> Option<String> {
    let digits: Option<Vec<usize>> = digits
        .chars()
        .map(|digit| usize::try_from(digit.to_digit(10)?).ok())
        .collect();
    let digits = digits.filter(|digits| digits.len() == 13)?;
    let (first, bars) = digits.split_first()?;
    let (left, right) = bars.split_at_checked(6)?;
    let mut widths = String::from("111");
    for (digit, turned) in left.iter().zip(EAN_TURNED.get(*first)?.chars()) {
        let elements = EAN_DIGITS.get(*digit)?;
        match turned {
            '1' => widths.extend(elements.chars().rev()),
            _ => widths.push_str(elements),
        }
    }
    widths.push_str("11111");
    widths.extend(right.iter().filter_map(|digit| EAN_DIGITS.get(*digit).copied()));
    widths.push_str("111");
    Some(drawing(&widths, label))
}

/// Widths in modules, a bar first, then a space, in turns.
fn drawing(widths: &str, label: &str) -> String {
    let (mut path, mut x) = (String::new(), QUIET_MODULES);
    for (place, width) in widths.chars().enumerate() {
        let width = width.to_digit(10).and_then(|width| usize::try_from(width).ok());
        let width = width.unwrap_or_default();
        if place % 2 == 0 {
            path.push_str(&format!("M{x} 0h{width}v{HEIGHT_MODULES}h-{width}z"));
        }
        x += width;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT_MODULES}\" width=\"100%\" \
         shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"{label}\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><path d=\"{path}\"/></svg>",
        width = x + QUIET_MODULES,
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
        assert_eq!(widths, "2112322311133221121232211123133112131113232331112");
        assert_eq!(width, 110);
        assert!(
            CODE_128
                .iter()
                .all(|widths| widths.bytes().map(|digit| usize::from(digit - b'0')).sum::<usize>() == 11)
        );
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
