//! Photographs: the QR codes in a picture that somebody took, as texts.
//!
//! Reading photographs is the way in that always works: a shop on plain http has no camera in the page, but every phone
//! can attach a picture to a form. Pictures come from outside, so their size is judged by the header before a pixel is
//! decoded.
//!
//! This file does not know what a card is: it returns any text it finds, and whoever asked decides what that means. It
//! does not read HEIC, because the page has the browser re-encode pictures; and it takes its time (0.1 to 1 s for a
//! picture without a code), so call it where blocking is allowed, and not for many pictures at once.

use std::fmt;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use rxing::common::HybridBinarizer;
use rxing::multi::MultipleBarcodeReader;
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::qrcode::cpp_port::detector::FindFinderPatterns;
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Luma8Source, Reader};

/// The largest photograph that is looked at, in pixels; the cameras of today's ordinary phones stay below.
const PHOTO_PIXELS_MAX: u64 = 40_000_000;

/// The most memory that a decoded photograph may take: four bytes for each of those pixels.
const PHOTO_BYTES_MAX: u64 = 4 * PHOTO_PIXELS_MAX;

/// The longer side to which a photograph is brought first. More shows the paper's grain and not the code.
const LONG_SIDE_MAX: u32 = 1_600;

/// Why a photograph gave no text, and how a better one is taken. What works without a photograph only the asker knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoError {
    /// Neither JPEG nor PNG by its first bytes.
    NotAPicture,
    /// More pixels than are looked at; known from the header alone.
    TooLarge,
    /// It starts as a picture and does not go on as one.
    Damaged,
    /// A good picture in which no code was read.
    NothingFound,
}

impl fmt::Display for PhotoError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotAPicture => "这不是JPEG或PNG照片（HEIC、PDF等格式读不了），请换成JPEG再上传。",
            Self::TooLarge => "照片超过4000万像素，请把相机调到较小的尺寸再拍一张。",
            Self::Damaged => "照片文件不完整或已损坏，请重新拍一张。",
            Self::NothingFound => "照片里没有找到二维码，请靠近、对准、避开反光再拍一张。",
        })
    }
}

impl std::error::Error for PhotoError {}

/// Reads the QR codes in a photograph: the different texts, in the order in which they were found.
///
/// It looks in several ways, the quick ones first, and stops at the first that finds something. A picture of two cards
/// therefore gives both texts only if both are about equally clear; ask the person when there is more than one.
///
/// # Errors
/// Why there is no text; never an empty list.
pub fn decode_photo(bytes: &[u8]) -> Result<Vec<String>, PhotoError> {
    let photo = open(bytes)?;
    let found = look(&photo).or_else(|| {
        let small = at_most(photo.clone(), FOCUSED_SIDE);
        SPREADS.iter().find_map(|spread| look(&focused(&small, *spread)))
    });
    found.ok_or(PhotoError::NothingFound)
}

/// The texts of the first look that finds any.
fn look(photo: &DynamicImage) -> Option<Vec<String>> {
    let mut all = LOOKS.iter().map(|look| look.texts(photo));
    all.find(|texts| !texts.is_empty())
}

/// Decodes the file to grey, upright, and at most `LONG_SIDE_MAX` wide or high.
/// A photograph in grey, upright, its longer side brought to so many pixels at most.
///
/// # Errors
/// Why it is none.
pub fn grey(bytes: &[u8], long_side: u32) -> Result<GrayImage, PhotoError> {
    open_at_most(bytes, long_side).map(DynamicImage::into_luma8)
}

fn open(bytes: &[u8]) -> Result<DynamicImage, PhotoError> {
    open_at_most(bytes, LONG_SIDE_MAX)
}

fn open_at_most(bytes: &[u8], long_side: u32) -> Result<DynamicImage, PhotoError> {
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
    let mut grey = at_most(photo.into_luma8().into(), long_side);
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
/// places and has the last word. The numbers were chosen with `benches/decode.rs`; measure again before you change
/// them.
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

/// The side to which a picture out of focus is brought, in pixels: enough for the modules of a card that fills a third.
const FOCUSED_SIDE: u32 = 480;

/// How far a point may have spread in such a picture, in pixels.
const SPREADS: [f32; 2] = [3.5, 2.5];

/// Takes a blur back: again and again what the picture would lack if the present guess were blurred is added to the guess
/// (P. H. van Cittert, *Zum Einfluß der Spaltbreite auf die Intensitätsverteilung in Spektrallinien*, 1931). Six times is
/// as good as thirty; more only lifts the noise.
fn focused(picture: &DynamicImage, spread: f32) -> DynamicImage {
    let seen = picture.to_luma8();
    let mut guess = seen.clone();
    for _ in 0..6 {
        let blurred = image::imageops::blur(&guess, spread);
        for ((pixel, blurred), seen) in guess.iter_mut().zip(blurred.iter()).zip(seen.iter()) {
            let better = i16::from(*pixel) + i16::from(*seen) - i16::from(*blurred);
            *pixel = u8::try_from(better.clamp(0, 255)).unwrap_or_default();
        }
    }
    guess.into()
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
    use crate::cards::qr::png;
    use image::codecs::jpeg::JpegEncoder;
    use image::codecs::png::PngEncoder;
    use image::{Luma, Rgb, RgbImage};

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

    fn png_of(picture: &GrayImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
        bytes
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
        let bits: Vec<u64> = scattered(4).take(600).collect();
        for pair in bits.chunks(2) {
            let mut bytes = whole.clone();
            let place = usize::try_from(pair[0]).unwrap() % bytes.len();
            bytes[place] ^= 1 << (pair[1] % 8);
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
}
