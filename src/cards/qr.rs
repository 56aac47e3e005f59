//! QR codes both ways: drawn for paper and page, and found again in a photograph.
//!
//! Drawing uses error correction Q and the full quiet zone of four modules, because a card is laminated, scratched and
//! read in a dim shop for years. Reading photographs is the way in that always works: a shop on plain http has no
//! camera in the page, but every phone can attach a picture to a form. Pictures come from outside, so their size is
//! judged by the header before a pixel is decoded.
//!
//! This file does not know what a card is: it draws any text and returns any text it finds, and whoever asked decides
//! what that means. It does not read HEIC, because the page has the browser re-encode pictures; and it takes its time
//! (0.1 to 1 s for a picture without a code), so call it where blocking is allowed, and not for many pictures at once.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Luma};
use qrcode::{Color, EcLevel, QrCode};
use rxing::common::HybridBinarizer;
use rxing::multi::MultipleBarcodeReader;
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::qrcode::cpp_port::detector::FindFinderPatterns;
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Luma8Source, Reader};

/// Light modules around a symbol, on each side (ISO/IEC 18004): readers look for the edge there.
const QUIET_ZONE_MODULES: usize = 4;

/// The widest picture that is drawn, in pixels.
const DRAWN_SIDE_MAX: u32 = 4_096;

/// The largest photograph that is looked at, in pixels; the cameras of today's ordinary phones stay below.
const PHOTO_PIXELS_MAX: u64 = 40_000_000;

/// The most memory that a decoded photograph may take: four bytes for each of those pixels.
const PHOTO_BYTES_MAX: u64 = 4 * PHOTO_PIXELS_MAX;

/// The longer side to which a photograph is brought first. More shows the paper's grain and not the code.
const LONG_SIDE_MAX: u32 = 1_600;

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
    let picture = GrayImage::from_fn(side, side, |x, y| {
        Luma([if symbol.is_dark(module(x), module(y)) {
            0
        } else {
            u8::MAX
        }])
    });
    let mut bytes = Vec::new();
    picture
        .write_with_encoder(PngEncoder::new(&mut bytes))
        .map_err(|_| DrawError::PictureSize)?;
    Ok(bytes)
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

/// Why a photograph gave no text, and what the person who took it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhotoError {
    /// Neither JPEG nor PNG by its first bytes.
    #[error("这不是JPEG或PNG照片（HEIC、PDF等格式读不了），请换成JPEG再上传，或直接输入卡号。")]
    NotAPicture,
    /// More pixels than are looked at; known from the header alone.
    #[error("照片超过4000万像素，请把相机调到较小的尺寸再拍一张，或直接输入卡号。")]
    TooLarge,
    /// It starts as a picture and does not go on as one.
    #[error("照片文件不完整或已损坏，请重新拍一张，或直接输入卡号。")]
    Damaged,
    /// A good picture in which no code was read.
    #[error("照片里没有找到二维码，请靠近、对准、避开反光再拍一张，或直接输入卡号。")]
    NothingFound,
}

/// Reads the QR codes in a photograph: the different texts, in the order in which they were found.
///
/// It looks in several ways, the quick ones first, and stops at the first that finds something. A picture of two cards
/// therefore gives both texts only if both are about equally clear; ask the person when there is more than one.
///
/// # Errors
/// Why there is no text; never an empty list.
pub fn decode_photo(bytes: &[u8]) -> Result<Vec<String>, PhotoError> {
    let photo = open(bytes)?;
    let found = LOOKS
        .iter()
        .map(|look| look.texts(&photo))
        .find(|texts| !texts.is_empty());
    found.ok_or(PhotoError::NothingFound)
}

/// Decodes the file to grey, upright, and at most `LONG_SIDE_MAX` wide or high.
fn open(bytes: &[u8]) -> Result<DynamicImage, PhotoError> {
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
        _ => return Err(PhotoError::NotAPicture),
    };
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(40_000);
    limits.max_image_height = Some(40_000);
    limits.max_alloc = Some(PHOTO_BYTES_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PHOTO_PIXELS_MAX || decoder.total_bytes() > PHOTO_BYTES_MAX {
        return Err(PhotoError::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let photo = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    let mut grey = at_most(photo.into_luma8().into(), LONG_SIDE_MAX);
    grey.apply_orientation(orientation);
    Ok(grey)
}

fn refusal(error: ImageError) -> PhotoError {
    match error {
        ImageError::Limits(_) => PhotoError::TooLarge,
        _ => PhotoError::Damaged,
    }
}

/// One way to look at a photograph: a reader, the size it gets to see, and how far edges are lifted before.
struct Look {
    reader: fn(&GrayImage) -> Vec<String>,
    size: Size,
    sharpened: Option<f32>,
}

/// The looks, in order: what reads most in least time comes first.
///
/// A smaller picture has less noise and blur, a larger one helps with small codes, and sharpening gains more than
/// either. The ZXing family (rxing) reads nearly all that is read at all; the quirc family (rqrr) goes wrong in other
/// places and has the last word. The numbers were chosen with `measure_every_kind_of_bad_photograph` below; measure
/// again before you change them.
const LOOKS: [Look; 12] = [
    Look::new(by_rxing, Size::AsItIs, None),
    Look::new(by_rxing, Size::AtMost(1_000), Some(3.5)),
    Look::new(by_rxing, Size::AtMost(1_000), None),
    Look::new(by_rxing, Size::AtMost(800), Some(3.5)),
    Look::new(by_rxing, Size::AsItIs, Some(3.5)),
    Look::new(by_rxing, Size::AtMost(600), None),
    Look::new(by_rxing, Size::AtMost(480), Some(3.5)),
    Look::new(by_rxing, Size::Twice, Some(5.5)),
    Look::new(by_rxing, Size::Twice, None),
    Look::new(by_rqrr, Size::AsItIs, None),
    Look::new(by_rqrr, Size::AsItIs, Some(3.5)),
    Look::new(by_rqrr, Size::AtMost(800), Some(3.5)),
];

impl Look {
    const fn new(reader: fn(&GrayImage) -> Vec<String>, size: Size, sharpened: Option<f32>) -> Self {
        Self {
            reader,
            size,
            sharpened,
        }
    }

    /// The different texts seen this way; none if this way does not fit the picture.
    fn texts(&self, photo: &DynamicImage) -> Vec<String> {
        let Some(mut picture) = self.size.of(photo) else {
            return Vec::new();
        };
        if let Some(sigma) = self.sharpened {
            picture = sharpened(&picture, sigma);
        }
        // The readers index and unwrap freely. Should one panic over a strange picture, it has seen nothing, and the
        // next one still gets its look.
        let grey = picture.into_luma8();
        let seen = catch_unwind(AssertUnwindSafe(|| (self.reader)(&grey))).unwrap_or_default();
        let mut texts: Vec<String> = Vec::new();
        for text in seen {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }
}

/// The size at which a photograph is looked at.
enum Size {
    /// As opened.
    AsItIs,
    /// Brought down to this longer side, if it is larger.
    AtMost(u32),
    /// Doubled, if it is small.
    Twice,
}

impl Size {
    fn of(&self, photo: &DynamicImage) -> Option<DynamicImage> {
        let long_side = photo.width().max(photo.height());
        match *self {
            Self::AsItIs => Some(photo.clone()),
            Self::AtMost(side) if long_side > side => Some(photo.resize(side, side, FilterType::Triangle)),
            Self::Twice if long_side <= 1_000 => Some(photo.resize(2 * long_side, 2 * long_side, FilterType::Triangle)),
            Self::AtMost(_) | Self::Twice => None,
        }
    }
}

/// Lifts edges out of a blurred or faded picture: four times the difference to its own blurred copy is added.
///
/// `fast_blur` rounds its widths coarsely; 3.5 and 5.5 are sizes that it keeps.
fn sharpened(picture: &DynamicImage, sigma: f32) -> DynamicImage {
    const LIFT: i16 = 4;
    let soft = picture.fast_blur(sigma).into_luma8();
    let mut sharp = picture.to_luma8();
    for (pixel, soft) in sharp.iter_mut().zip(soft.iter()) {
        let (here, around) = (i16::from(*pixel), i16::from(*soft));
        let lifted = here + LIFT * (here - around);
        *pixel = u8::try_from(lifted.clamp(0, 255)).unwrap_or_default();
    }
    sharp.into()
}

/// Reads with the port of ZXing: first the black-and-white picture as it is, then with its small gaps closed.
fn by_rxing(picture: &GrayImage) -> Vec<String> {
    let Some(mut bitmap) = black_and_white(picture) else {
        return Vec::new();
    };
    let hints = DecodeHints {
        TryHarder: Some(true),
        PossibleFormats: Some([BarcodeFormat::QR_CODE].into()),
        ..DecodeHints::default()
    };
    for closed in [false, true] {
        if closed && bitmap.close().is_err() {
            break;
        }
        if is_crowded(&bitmap) {
            break;
        }
        if let Ok(several) = QrReader.decode_multiple_with_hints(&mut bitmap, &hints)
            && !several.is_empty()
        {
            return several.iter().map(|one| one.getText().to_owned()).collect();
        }
        if let Ok(one) = QRCodeReader.decode_with_hints(&mut bitmap, &hints) {
            return vec![one.getText().to_owned()];
        }
    }
    Vec::new()
}

/// Reads with the port of quirc.
fn by_rqrr(picture: &GrayImage) -> Vec<String> {
    if black_and_white(picture).is_none_or(|bitmap| is_crowded(&bitmap)) {
        return Vec::new();
    }
    let mut prepared = rqrr::PreparedImage::prepare(picture.clone());
    let grids = prepared.detect_grids();
    grids
        .iter()
        .filter_map(|grid| grid.decode().ok())
        .map(|(_, text)| text)
        .collect()
}

type BlackAndWhite<'a> = BinaryBitmap<HybridBinarizer<Luma8Source<'a>>>;

fn black_and_white(picture: &GrayImage) -> Option<BlackAndWhite<'_>> {
    let source = Luma8Source::new_with_slice(picture.as_raw(), picture.width(), picture.height()).ok()?;
    Some(BinaryBitmap::new(HybridBinarizer::new(source)))
}

/// Whether a picture has more corner squares than a sheet of twenty cards.
///
/// Both readers try the squares against each other: a picture tiled with a thousand of them keeps them busy for half a
/// minute, which is of use only to somebody who wants the server busy.
fn is_crowded(bitmap: &BlackAndWhite<'_>) -> bool {
    FindFinderPatterns(bitmap.get_black_matrix(), true, 0).len() > 60
}

/// A picture brought down to this longer side; a smaller one is left as it is.
fn at_most(picture: DynamicImage, side: u32) -> DynamicImage {
    if picture.width().max(picture.height()) <= side {
        picture
    } else {
        picture.thumbnail(side, side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards::number::{CardNumber, CardSecret, CardToken};
    use image::codecs::jpeg::JpegEncoder;
    use image::{Rgb, RgbImage};
    use qrcode::Version;
    use qrcode::optimize::Parser;
    use qrcode::types::Mode;

    fn address(base: &str, bits: u64) -> String {
        CardToken::address(base, &CardNumber::from_random(bits), &CardSecret::from_bits(bits))
    }

    fn png_of(picture: &GrayImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    #[test]
    fn a_card_is_a_version_4_symbol_without_bytes() {
        let version = |text: &str| QrCode::with_error_correction_level(text, EcLevel::Q).unwrap().version();
        let mut bits = camera::Bits(1);
        for _ in 0..40 {
            let text = address("https://points.example.cn", bits.next());
            let parts = Parser::new(text.as_bytes()).optimize(Version::Normal(4));
            // The crate may put runs of digits into numeric mode, which is denser still.
            assert!(
                parts
                    .map(|part| part.mode)
                    .all(|mode| matches!(mode, Mode::Alphanumeric | Mode::Numeric)),
                "{text}"
            );
            assert_eq!(version(&text), Version::Normal(4), "{text}");
            assert_eq!(
                version(&text.to_lowercase()),
                Version::Normal(5),
                "what upper case saves"
            );
        }
    }

    #[test]
    fn a_drawn_code_is_read_back() {
        for (bits, module_pixels) in (1..=12).zip([1, 2, 3, 4, 5, 8, 10, 12, 16, 20, 30, 40]) {
            let text = address("https://points.example.cn", bits);
            let picture = png(&text, module_pixels).unwrap();
            let drawn = image::load_from_memory(&picture).unwrap();
            assert_eq!(
                (drawn.width(), drawn.height()),
                (41 * module_pixels, 41 * module_pixels)
            );
            assert_eq!(drawn.color(), image::ColorType::L8);
            assert_eq!(
                decode_photo(&picture),
                Ok(vec![text]),
                "{module_pixels} pixels a module"
            );
        }
        let chinese = "积分卡 & <温泉镇>";
        assert_eq!(decode_photo(&png(chinese, 4).unwrap()), Ok(vec![chinese.to_owned()]));
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

    #[test]
    fn several_cards_in_one_picture_are_all_told() {
        let texts: Vec<String> = (10..16)
            .map(|bits| address("https://points.example.cn", bits))
            .collect();
        let mut sheet = GrayImage::from_pixel(800, 560, Luma([u8::MAX]));
        for (place, text) in (0..).zip(&texts) {
            let code = image::load_from_memory(&png(text, 5).unwrap()).unwrap().into_luma8();
            image::imageops::overlay(&mut sheet, &code, 20 + place % 3 * 260, 20 + place / 3 * 270);
        }
        let mut found = decode_photo(&png_of(&sheet)).unwrap();
        found.sort();
        let mut expected = texts;
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_picture_is_told_so() {
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
        for bytes in [
            &b""[..],
            b"4028173654",
            b"%PDF-1.7\n",
            b"GIF89a",
            b"\x89PN",
            heic,
            "积分卡".as_bytes(),
        ] {
            assert_eq!(decode_photo(bytes), Err(PhotoError::NotAPicture), "{bytes:?}");
        }
        assert!(PhotoError::NothingFound.to_string().starts_with("照片里没有找到二维码"));
        for size in [1, 7, 39, 300] {
            let blank = GrayImage::from_pixel(size, size / 3 + 1, Luma([200]));
            assert_eq!(decode_photo(&png_of(&blank)), Err(PhotoError::NothingFound), "{size}");
        }
    }

    #[test]
    fn a_huge_picture_is_refused_by_its_header() {
        // Nothing but signature and header, so that a decoder which went on would complain of damage instead.
        let header = |width: u32, height: u32| {
            let mut chunk = b"IHDR".to_vec();
            chunk.extend(
                width
                    .to_be_bytes()
                    .into_iter()
                    .chain(height.to_be_bytes())
                    .chain([8, 0, 0, 0, 0]),
            );
            let mut crc = u32::MAX;
            for byte in &chunk {
                crc ^= u32::from(*byte);
                (0..8).for_each(|_| crc = (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)));
            }
            let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
            bytes.extend(chunk.into_iter().chain((!crc).to_be_bytes()).chain(*b"\0\0\0\0IDAT"));
            bytes
        };
        assert_eq!(decode_photo(&header(8_000, 5_001)), Err(PhotoError::TooLarge));
        assert_eq!(decode_photo(&header(100_000, 1)), Err(PhotoError::TooLarge));
        assert_eq!(
            decode_photo(&header(u32::MAX / 2, u32::MAX / 2)),
            Err(PhotoError::TooLarge)
        );
        assert_eq!(decode_photo(&header(100, 100)), Err(PhotoError::Damaged));
        assert_eq!(decode_photo(&header(8_000, 5_000)), Err(PhotoError::Damaged));
    }

    #[test]
    fn damaged_pictures_are_refused_without_a_panic() {
        let whole = png("HTTPS://A.CN/K/1", 3).unwrap();
        for length in (8..whole.len()).step_by(7) {
            assert_ne!(decode_photo(whole.split_at(length).0), Err(PhotoError::NotAPicture));
        }
        let mut bits = camera::Bits(4);
        for _ in 0..300 {
            let mut bytes = whole.clone();
            let place = usize::try_from(bits.next()).unwrap() % bytes.len();
            *bytes.get_mut(place).unwrap() ^= 1 << (bits.next() % 8);
            let _ = decode_photo(&bytes);
        }
    }

    #[test]
    fn a_picture_tiled_with_corner_squares_takes_no_time() {
        let tiles = GrayImage::from_fn(900, 600, |x, y| {
            let from_centre = |pixel: u32| (pixel / 2 % 9).abs_diff(3);
            Luma([if matches!(from_centre(x).max(from_centre(y)), 2 | 4..) {
                u8::MAX
            } else {
                0
            }])
        });
        assert!(is_crowded(&black_and_white(&tiles).unwrap()));
        assert_eq!(decode_photo(&png_of(&tiles)), Err(PhotoError::NothingFound));
    }

    #[test]
    fn a_large_photograph_that_lies_on_its_side_is_read() {
        let text = address("https://points.example.cn", 3);
        let code = image::load_from_memory(&png(&text, 16).unwrap()).unwrap().to_rgb8();
        let mut photo = RgbImage::from_pixel(2_000, 1_200, Rgb([120, 100, 80]));
        image::imageops::overlay(&mut photo, &code, 1_000, 200);
        let mut jpeg = Vec::new();
        photo
            .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 80))
            .unwrap();
        // An EXIF segment that says "turn me by 90°": one entry, orientation (0x112), a short, 6.
        let mut turned =
            b"\xff\xd8\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
                .to_vec();
        turned.extend(jpeg.iter().skip(2));
        let opened = open(&turned).unwrap();
        assert_eq!((opened.width(), opened.height()), (960, 1_600));
        assert_eq!(decode_photo(&turned), Ok(vec![text]));
    }

    #[test]
    fn nine_of_ten_bad_photographs_are_read_and_none_wrongly() {
        let kinds = ["turned", "tilted", "blurred", "glare", "noise", "small"];
        let (read, taken) = camera::read_all(&kinds, 10);
        assert!(read * 10 >= taken * 9, "{read} of {taken}");
    }

    #[test]
    #[ignore = "a measurement: cargo test --release --lib cards::qr -- --ignored --nocapture"]
    fn measure_every_kind_of_bad_photograph() {
        camera::read_all(&camera::KINDS, 40);
    }

    /// Photographs of a card as a hurried person takes them; simulated, and the same in every run.
    #[expect(
        clippy::as_conversions,
        clippy::float_arithmetic,
        reason = "optics is reckoned in fractions"
    )]
    mod camera {
        use super::*;
        use std::f32::consts::PI;

        pub const KINDS: [&str; 13] = [
            "clean",
            "turned",
            "tilted",
            "blurred",
            "badly blurred",
            "moved",
            "glare",
            "shade",
            "noise",
            "faded",
            "scratched",
            "small",
            "all at once",
        ];

        /// Marsaglia's xorshift: the same bits in every run.
        pub struct Bits(pub u64);

        impl Bits {
            pub fn next(&mut self) -> u64 {
                self.0 ^= self.0 << 13;
                self.0 ^= self.0 >> 7;
                self.0 ^= self.0 << 17;
                self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
            }

            fn within(&mut self, low: f32, high: f32) -> f32 {
                low + (high - low) * (self.next() >> 32) as f32 / (1_u64 << 24) as f32
            }
        }

        /// Takes so many photographs of each kind, each of another card; returns how many were read, of how many.
        pub fn read_all(kinds: &[&str], count: u64) -> (u64, u64) {
            let mut all_read = 0;
            for kind in kinds {
                let mut read = 0;
                for round in 1..=count {
                    let mut bits = Bits(0x9E37_79B9_7F4A_7C15 ^ round << 20 ^ kind.bytes().map(u64::from).sum::<u64>());
                    let text = address("https://points.example.cn", bits.next());
                    let photo = photograph(&text, &Scene::of(kind, &mut bits), &mut bits);
                    match decode_photo(&photo) {
                        Ok(texts) => assert_eq!(texts, [text], "{kind} {round}"),
                        Err(PhotoError::NothingFound) => continue,
                        Err(error) => panic!("{kind} {round}: {error:?}"),
                    }
                    read += 1;
                }
                println!("{kind}: {read} of {count}");
                all_read += read;
            }
            let taken = count * kinds.len() as u64;
            println!("together: {all_read} of {taken}");
            (all_read, taken)
        }

        const WIDTH: u32 = 400;
        const HEIGHT: u32 = 300;

        /// What is wrong with a photograph. Lengths are in modules of the code, angles in degrees, light in parts of
        /// one.
        #[derive(Default)]
        struct Scene {
            module_pixels: f32,
            turned: f32,
            tilted: (f32, f32),
            blurred: f32,
            moved: f32,
            glare: f32,
            shade: f32,
            faded: f32,
            noise: f32,
            scratches: u32,
        }

        impl Scene {
            fn of(kind: &str, bits: &mut Bits) -> Self {
                let plain = Self {
                    module_pixels: bits.within(4.0, 5.5),
                    turned: bits.within(-6.0, 6.0),
                    blurred: 0.1,
                    shade: 0.1,
                    noise: 3.0,
                    ..Self::default()
                };
                match kind {
                    "turned" => Self {
                        turned: bits.within(-180.0, 180.0),
                        ..plain
                    },
                    "tilted" => Self {
                        tilted: (bits.within(-45.0, 45.0), bits.within(-45.0, 45.0)),
                        ..plain
                    },
                    "blurred" => Self {
                        blurred: bits.within(0.3, 0.55),
                        ..plain
                    },
                    "badly blurred" => Self {
                        blurred: bits.within(0.55, 0.75),
                        ..plain
                    },
                    "moved" => Self {
                        moved: bits.within(0.8, 1.8),
                        ..plain
                    },
                    "glare" => Self {
                        glare: bits.within(4.0, 8.5),
                        ..plain
                    },
                    "shade" => Self {
                        shade: bits.within(0.6, 0.85),
                        ..plain
                    },
                    "noise" => Self {
                        noise: bits.within(15.0, 35.0),
                        ..plain
                    },
                    "faded" => Self {
                        faded: bits.within(0.6, 0.8),
                        noise: 5.0,
                        ..plain
                    },
                    "scratched" => Self { scratches: 3, ..plain },
                    "small" => Self {
                        module_pixels: bits.within(2.2, 3.2),
                        ..plain
                    },
                    "all at once" => Self {
                        module_pixels: bits.within(3.2, 4.5),
                        turned: bits.within(-180.0, 180.0),
                        tilted: (bits.within(-30.0, 30.0), bits.within(-30.0, 30.0)),
                        blurred: bits.within(0.2, 0.4),
                        moved: bits.within(0.0, 0.7),
                        shade: bits.within(0.2, 0.6),
                        faded: bits.within(0.1, 0.5),
                        noise: bits.within(5.0, 12.0),
                        ..plain
                    },
                    _ => plain,
                }
            }
        }

        fn photograph(text: &str, scene: &Scene, bits: &mut Bits) -> Vec<u8> {
            let seen = through_the_lens(&card(text, scene.scratches, bits), scene, bits);
            let mut photo = seen.resize_exact(WIDTH, HEIGHT, FilterType::Triangle);
            if scene.moved > 0.0 {
                photo = moved(photo, scene.moved * scene.module_pixels, bits.within(0.0, PI));
            }
            let photo = lit(
                photo.blur(scene.blurred * scene.module_pixels).into_luma8(),
                scene,
                bits,
            );
            let mut jpeg = Vec::new();
            photo
                .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 75))
                .unwrap();
            jpeg
        }

        /// Pixels of the card's own picture for a module.
        const CARD_PIXELS: u32 = 6;

        /// A card: the code, bars in place of print, and perhaps scratches across the code.
        fn card(text: &str, scratches: u32, bits: &mut Bits) -> GrayImage {
            let code = image::load_from_memory(&png(text, CARD_PIXELS).unwrap())
                .unwrap()
                .into_luma8();
            let side = code.height();
            let mut card = GrayImage::from_pixel(2 * side, side, Luma([u8::MAX]));
            image::imageops::overlay(&mut card, &code, 0, 0);
            for line in 0..6 {
                let (top, length) = (20 + line * 36, 40 + bits.next() as u32 % 160);
                (0..length * 14).for_each(|at| card.put_pixel(side + at % length, top + at / length, Luma([40])));
            }
            for _ in 0..scratches {
                let (angle, middle) = (bits.within(0.0, PI), side as f32 * bits.within(0.3, 0.7));
                let (half, (sine, cosine)) = (bits.within(0.1, 0.4) * CARD_PIXELS as f32, angle.sin_cos());
                for (x, y, pixel) in card.enumerate_pixels_mut() {
                    let aside = (x as f32 - side as f32 / 2.0) * cosine + (y as f32 - middle) * sine;
                    pixel.0 = if aside.abs() < half { [u8::MAX] } else { pixel.0 };
                }
            }
            card
        }

        /// The card on a table under a pinhole camera, at one and a half times the photograph's size.
        fn through_the_lens(card: &GrayImage, scene: &Scene, bits: &mut Bits) -> DynamicImage {
            const DISTANCE_MODULES: f32 = 140.0;
            let focal = 1.5 * scene.module_pixels * DISTANCE_MODULES;
            let middle = (
                WIDTH as f32 * bits.within(0.68, 0.82),
                HEIGHT as f32 * bits.within(0.68, 0.82),
            );
            let (sine, cosine) = scene.turned.to_radians().sin_cos();
            let (pitch, yaw) = (
                scene.tilted.0.to_radians().sin_cos(),
                scene.tilted.1.to_radians().sin_cos(),
            );
            // Where one step to the right and one step down on the card lead in front of the camera.
            let turned = |x: f32, y: f32| {
                let z = -x * yaw.0;
                (x * yaw.1, y * pitch.1 - z * pitch.0, y * pitch.0 + z * pitch.1)
            };
            let (right, down) = (turned(cosine, sine), turned(-sine, cosine));
            let seen = GrayImage::from_fn(WIDTH * 3 / 2, HEIGHT * 3 / 2, |x, y| {
                let (x, y) = ((x as f32 - middle.0) / focal, (y as f32 - middle.1) / focal);
                let (a, b) = (right.0 - x * right.2, down.0 - x * down.2);
                let (c, d) = (right.1 - y * right.2, down.1 - y * down.2);
                let scale = DISTANCE_MODULES / (a * d - b * c);
                let (along, across) = ((x * d - y * b) * scale + 20.5, (y * a - x * c) * scale + 20.5);
                let (left, top) = (along * CARD_PIXELS as f32, across * CARD_PIXELS as f32);
                let table = || Luma([(110.0 + 30.0 * (along * 0.2).sin() * (across * 0.3).cos()) as u8]);
                if left < 0.0 || top < 0.0 {
                    return table();
                }
                card.get_pixel_checked(left as u32, top as u32)
                    .copied()
                    .unwrap_or_else(table)
            });
            seen.into()
        }

        /// The mean of the picture and its copies along a short way.
        fn moved(photo: DynamicImage, length: f32, angle: f32) -> DynamicImage {
            let photo = photo.into_luma8();
            let (sine, cosine) = angle.sin_cos();
            let blurred = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| {
                let brightness = (-4..=4).map(|step| {
                    let way = step as f32 / 8.0 * length;
                    let (x, y) = (x as f32 + cosine * way, y as f32 + sine * way);
                    let (x, y) = (x.clamp(0.0, WIDTH as f32 - 1.0), y.clamp(0.0, HEIGHT as f32 - 1.0));
                    u32::from(photo.get_pixel(x.round() as u32, y.round() as u32).0[0])
                });
                Luma([(brightness.sum::<u32>() / 9) as u8])
            });
            blurred.into()
        }

        /// Light, reflections and the noise of a cheap sensor.
        fn lit(mut photo: GrayImage, scene: &Scene, bits: &mut Bits) -> GrayImage {
            let reach = 16.0 * scene.module_pixels;
            let spot_x = WIDTH as f32 / 2.0 + bits.within(-0.5, 0.5) * reach;
            let spot_y = HEIGHT as f32 / 2.0 + bits.within(-0.5, 0.5) * reach;
            let spot = (scene.glare * scene.module_pixels).max(0.01);
            for (x, y, pixel) in photo.enumerate_pixels_mut() {
                let distance = ((x as f32 - spot_x).powi(2) + (y as f32 - spot_y).powi(2)) / (spot * spot);
                let glare = if distance < 4.0 {
                    330.0 * (-distance * distance).exp()
                } else {
                    0.0
                };
                let contrast = 128.0 + (f32::from(pixel.0[0]) * 0.8 + 25.0 - 128.0) * (1.0 - scene.faded);
                let shade = 1.0 - scene.shade * x as f32 / WIDTH as f32;
                let noise = bits.within(-1.7, 1.7);
                pixel.0 = [(contrast * shade + glare + noise * scene.noise).clamp(0.0, 255.0) as u8];
            }
            photo
        }
    }
}
