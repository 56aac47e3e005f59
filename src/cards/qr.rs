//! QR codes as drawings, for paper and page.
//!
//! Drawing uses error correction Q and the full quiet zone of four modules, because a card is laminated, scratched and
//! read in a dim shop for years. This file does not know what a card is: it draws any text. `photo.rs` reads codes again.

use base64ct::{Base64, Encoding as _};
use image::codecs::png::PngEncoder;
use image::{GrayImage, Luma};
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around a symbol, on each side (ISO/IEC 18004): readers look for the edge there.
const QUIET_ZONE_MODULES: usize = 4;

/// The widest picture that is drawn, in pixels.
const DRAWN_SIDE_MAX: u32 = 4_096;

/// Why a code was not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// More text than the largest symbol holds at this level of error correction.
    #[error("内容太长，一个二维码放不下。")]
    TextTooLong,
    /// No pixels for a module, or so many that the picture would be huge.
    #[error("二维码的图片尺寸不合适，请换一个模块大小。")]
    PictureSize,
}

/// Draws a text as a QR code: an 8-bit grey PNG, level Q, each module a square of so many pixels.
///
/// # Errors
/// `TextTooLong`; `PictureSize` for a picture of no pixels or of more than 4,096 a side.
pub fn png(text: &str, module_pixels: u32) -> Result<Vec<u8>, DrawError> {
    let symbol = Symbol::of(text)?;
    let side = u32::try_from(symbol.side())
        .ok()
        .and_then(|side| side.checked_mul(module_pixels));
    let side = side
        .filter(|side| (1..=DRAWN_SIDE_MAX).contains(side))
        .ok_or(DrawError::PictureSize)?;
    let module = |pixel: u32| usize::try_from(pixel / module_pixels).unwrap_or_default();
    symbol.picture(side, |x, y| (module(x), module(y)))
}

/// Draws a text as a QR code for a page: one SVG element, measured in modules, as wide as the page lets it be.
///
/// `label` is what a screen reader says instead, such as 积分卡二维码. The ground is drawn too, so that the code stays dark
/// on light in a dark theme.
///
/// # Errors
/// `TextTooLong`.
pub fn svg(text: &str, label: &str) -> Result<String, DrawError> {
    let symbol = Symbol::of(text)?;
    let side = symbol.side();
    let mut path = String::new();
    for y in 0..side {
        let row: Vec<bool> = (0..side).map(|x| symbol.is_dark(x, y)).collect();
        let mut x = 0;
        for run in row.chunk_by(|left, right| left == right) {
            if run.first() == Some(&true) {
                path.push_str(&format!("M{x} {y}h{length}v1h-{length}z", length = run.len()));
            }
            x += run.len();
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"100%\" \
         shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"{label}\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><path d=\"{path}\"/></svg>",
        label = escaped(label),
    ))
}

/// Draws a text as [`svg`] does, for sheets of hundreds: the same drawing with a picture in it instead of a path, which makes
/// a PDF a third smaller and is set in less time. The picture has a pixel to a module and no quiet zone, which is left free
/// around it: what is drawn four times larger or more is not smoothed by the usual viewers, and less is there to be packed.
///
/// # Errors
/// `TextTooLong`.
pub fn svg_of_pixels(text: &str) -> Result<String, DrawError> {
    let symbol = Symbol::of(text)?;
    let (side, width, quiet) = (symbol.side(), symbol.width, QUIET_ZONE_MODULES);
    let inside = |pixel: u32| usize::try_from(pixel).unwrap_or_default().saturating_add(quiet);
    let pixels = u32::try_from(width).map_err(|_| DrawError::PictureSize)?;
    let picture = symbol.picture(pixels, |x, y| (inside(x), inside(y)))?;
    let picture = Base64::encode_string(&picture);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\"><image x=\"{quiet}\" y=\"{quiet}\" \
         width=\"{width}\" height=\"{width}\" image-rendering=\"optimizeSpeed\" \
         href=\"data:image/png;base64,{picture}\"/></svg>"
    ))
}

/// A drawn symbol, its quiet zone included in every measure.
struct Symbol {
    modules: Vec<Color>,
    width: usize,
}

impl Symbol {
    fn of(text: &str) -> Result<Self, DrawError> {
        let code = QrCode::with_error_correction_level(text, EcLevel::Q).map_err(|_| DrawError::TextTooLong)?;
        Ok(Self {
            width: code.width(),
            modules: code.into_colors(),
        })
    }

    fn side(&self) -> usize {
        self.width + 2 * QUIET_ZONE_MODULES
    }

    /// A PNG of so many pixels a side, each of which shows a module.
    fn picture(&self, side: u32, module: impl Fn(u32, u32) -> (usize, usize)) -> Result<Vec<u8>, DrawError> {
        let picture = GrayImage::from_fn(side, side, |x, y| {
            let (x, y) = module(x, y);
            Luma([if self.is_dark(x, y) { 0 } else { u8::MAX }])
        });
        let mut bytes = Vec::new();
        picture
            .write_with_encoder(PngEncoder::new(&mut bytes))
            .map_err(|_| DrawError::PictureSize)?;
        Ok(bytes)
    }

    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |place: usize| {
            place
                .checked_sub(QUIET_ZONE_MODULES)
                .filter(|place| *place < self.width)
        };
        match (inside(x), inside(y)) {
            (Some(column), Some(row)) => self.modules.get(row * self.width + column) == Some(&Color::Dark),
            _ => false,
        }
    }
}

/// Text as it may stand in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards::number::{CardNumber, CardSecret, CardToken};
    use image::DynamicImage;
    use qrcode::Version;
    use qrcode::optimize::Parser;
    use qrcode::types::Mode;

    fn address(base: &str, bits: u64) -> String {
        CardToken::address(base, &CardNumber::from_random(bits), &CardSecret::from_bits(bits))
    }

    /// Numbers that look random and are the same in every run.
    fn scattered(seed: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(seed), |bits| {
            Some(
                bits.wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407),
            )
        })
        .map(|bits| bits >> 11)
    }

    #[test]
    fn a_card_is_a_version_4_symbol_without_bytes() {
        let version = |text: &str| QrCode::with_error_correction_level(text, EcLevel::Q).unwrap().version();
        let mut saved = 0;
        for bits in scattered(1).take(40) {
            let text = address("https://points.example.cn", bits);
            let parts = Parser::new(text.as_bytes()).optimize(Version::Normal(4));
            // The crate may put runs of digits into numeric mode, which is denser still.
            assert!(
                parts
                    .map(|part| part.mode)
                    .all(|mode| matches!(mode, Mode::Alphanumeric | Mode::Numeric)),
                "{text}"
            );
            assert_eq!(version(&text), Version::Normal(4), "{text}");
            saved += i32::from(version(&text.to_lowercase()) == Version::Normal(5));
        }
        // A secret of many digits is small in either case.
        assert!(saved > 30, "upper case saved a version for {saved} of 40");
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        assert_eq!(png("A", 0), Err(DrawError::PictureSize));
        assert_eq!(png("A", 200), Err(DrawError::PictureSize));
        assert_eq!(png("A", u32::MAX), Err(DrawError::PictureSize));
        assert_eq!(png(&"a".repeat(3_000), 1), Err(DrawError::TextTooLong));
        assert_eq!(svg(&"a".repeat(3_000), "码"), Err(DrawError::TextTooLong));
    }

    #[test]
    fn the_svg_paints_the_same_modules_as_the_png() {
        let text = address("https://points.example.cn", 2);
        let svg = svg(&text, "积分卡\"二维码\" <&>").unwrap();
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 41 41\" width=\"100%\""));
        assert!(svg.contains("role=\"img\" aria-label=\"积分卡&quot;二维码&quot; &lt;&amp;&gt;\""));
        assert_eq!(svg.matches("<path").count(), 1);

        let path = svg
            .split(" d=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        let mut painted = GrayImage::from_pixel(41, 41, Luma([u8::MAX]));
        for run in path.split('M').skip(1) {
            let numbers: Vec<u32> = run
                .split([' ', 'h', 'v'])
                .take(3)
                .map(|number| number.parse().unwrap())
                .collect();
            let &[x, y, length] = numbers.as_slice() else {
                panic!("{run}")
            };
            (x..x + length).for_each(|x| painted.put_pixel(x, y, Luma([0])));
        }
        assert_eq!(
            DynamicImage::from(painted),
            image::load_from_memory(&png(&text, 1).unwrap()).unwrap()
        );
    }
}
