//! Photographs: what comes from a stranger's phone is made small and clean before it is kept, be it of a deed or of goods.
//!
//! Only the pixels are kept. The picture is decoded, set upright, brought to at most 1,600 pixels a side and written anew as
//! JPEG, so that nothing else of the file goes on: not where and with what it was taken, no preview, no comment, nothing
//! hung on behind. Its dimensions are judged by the header before a pixel is decoded. A file that carries a second file
//! inside is refused all the same, because whoever made it meant no photograph.
//!
//! Takes a moment and some memory: call it through `App::slowly`. It reads no HEIC: the page has the browser re-encode
//! pictures, and who has no scripts is told what to do.

use std::fmt;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Rgba, RgbaImage, imageops};

use crate::error::Refusal;
use crate::files::{Kind, MEGABYTE};

/// The longer side of a photograph that is kept.
pub const LONG_SIDE: u32 = 1_600;
/// How finely it is written.
const QUALITY: u8 = 80;
/// The largest file that is looked at: a phone's photograph with all its pixels.
pub const MOST_BYTES: usize = 12 * MEGABYTE;
/// The most pixels that are decoded; the largest setting of ordinary phones, 50 million, is below.
const MOST_PIXELS: u64 = 51_000_000;
/// The most memory that decoding may take: four bytes for each of those pixels.
const MOST_MEMORY: u64 = 4 * MOST_PIXELS;

/// A photograph as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// JPEG, with nothing in it but the picture.
    pub bytes: Vec<u8>,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

/// Why a file is not taken as a photograph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nothing was sent.
    Empty,
    /// More bytes than are looked at.
    TooManyBytes,
    /// More pixels than are decoded.
    TooManyPixels,
    /// An iPhone's format.
    Heic,
    /// A document.
    Pdf,
    /// Neither JPEG nor PNG by its first bytes, whatever it is called.
    NotAPhoto,
    /// It begins as a photograph and does not go on as one.
    Damaged,
    /// Another file is hidden in it.
    Disguised,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Refused::Empty => "照片是空的，没有保存。请重新选一张。",
            Refused::TooManyBytes => "照片超过12 MB，没有保存。请把相机调到较小的尺寸再拍，或者先截图再传。",
            Refused::TooManyPixels => "照片超过5000万像素，没有保存。请把相机调到较小的尺寸再拍。",
            Refused::Heic => {
                "这是 HEIC 照片，读不了，没有保存。能用的是 JPG 和 PNG：请在手机设置里把相机格式改成“兼容性最佳”，或者截图后再传。"
            }
            Refused::Pdf => "这是 PDF 文件，不是照片，没有保存。证书、签到表请拍成照片（JPG 或 PNG）再传。",
            Refused::NotAPhoto => {
                "这个文件不是照片，没有保存（只看内容，不看文件名）。能用的是 JPG 和 PNG，请重新拍一张或换一张。"
            }
            Refused::Damaged => "照片不完整或已损坏，没有保存。请重新拍一张，或者等网络好些再传。",
            Refused::Disguised => "这张照片里夹着别的文件，没有保存。请用手机相机直接拍一张，或者截图后再传。",
        })
    }
}

impl Refused {
    const ALL: [Refused; 8] = [
        Refused::Empty,
        Refused::TooManyBytes,
        Refused::TooManyPixels,
        Refused::Heic,
        Refused::Pdf,
        Refused::NotAPhoto,
        Refused::Damaged,
        Refused::Disguised,
    ];
}

/// The sentence that belongs to a code, where only the code came along.
#[must_use]
pub fn sentence(code: &str) -> String {
    let known = Refused::ALL.iter().find(|refused| refused.code() == code);
    known.map_or_else(|| "照片没有收下，请再试一次。".to_owned(), Refused::to_string)
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::Empty => "photo_empty",
            Refused::TooManyBytes => "photo_too_large",
            Refused::TooManyPixels => "photo_too_many_pixels",
            Refused::Heic => "photo_is_heic",
            Refused::Pdf => "photo_is_pdf",
            Refused::NotAPhoto => "not_a_photo",
            Refused::Damaged => "photo_damaged",
            Refused::Disguised => "photo_disguised",
        }
    }
}

/// Makes a photograph small and clean.
///
/// # Errors
/// [`Refused`].
pub fn clean(bytes: &[u8]) -> Result<Photo, Refused> {
    if bytes.is_empty() {
        return Err(Refused::Empty);
    }
    if bytes.len() > MOST_BYTES {
        return Err(Refused::TooManyBytes);
    }
    let format = match Kind::of(bytes) {
        Some(Kind::Jpeg) => ImageFormat::Jpeg,
        Some(Kind::Png) => ImageFormat::Png,
        Some(Kind::Pdf) => return Err(Refused::Pdf),
        None if is_heic(bytes) => return Err(Refused::Heic),
        None => return Err(Refused::NotAPhoto),
    };
    // A decoder may stumble over a strange file; then the file is what is wrong.
    catch_unwind(AssertUnwindSafe(|| decode(bytes, format))).unwrap_or(Err(Refused::Damaged))
}

/// The longer side of a photograph beside its name in a list, in pixels.
const LIST_SIDE: u32 = 160;
/// … and how much of it is kept: such a picture weighs some four kilobytes.
const LIST_QUALITY: u8 = 60;

/// A photograph of ours, small enough for a list that is read on a slow line.
///
/// # Errors
/// [`Refused`].
pub fn for_list(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    smaller(bytes, LIST_SIDE, LIST_QUALITY).map(|photo| photo.bytes)
}

/// A photograph of ours, at most so many pixels a side: many of them stand on one paper.
///
/// # Errors
/// [`Refused`].
pub fn for_paper(bytes: &[u8], side: u32) -> Result<Photo, Refused> {
    smaller(bytes, side, QUALITY)
}

/// The most that a photograph on a board weighs, in bytes: many of them are on one page.
pub const BOARD_BYTES: usize = 40_000;
/// What is tried until it weighs no more: the longer side in pixels …
const BOARD_SIDES: [u32; 4] = [800, 640, 480, 320];
/// … and how finely it is written. Never as [`QUALITY`]: such a file is never the very one that somebody else keeps.
const BOARD_QUALITIES: [u8; 4] = [72, 60, 48, 36];

/// A photograph of ours for a board that everybody reads on a slow line: as large as [`BOARD_BYTES`] let it be.
///
/// # Errors
/// [`Refused`].
pub fn for_board(bytes: &[u8]) -> Result<Photo, Refused> {
    let photo = image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).map_err(refusal)?;
    let mut smallest = Err(Refused::Damaged);
    for side in BOARD_SIDES {
        let scaled = match photo.width().max(photo.height()) > side {
            true => photo.thumbnail(side, side).into_rgb8(),
            false => photo.to_rgb8(),
        };
        let scaled = DynamicImage::from(scaled);
        for quality in BOARD_QUALITIES {
            let tried = written(&scaled, quality)?;
            if tried.bytes.len() <= BOARD_BYTES {
                return Ok(tried);
            }
            smallest = Ok(tried);
        }
    }
    smallest
}

fn smaller(bytes: &[u8], side: u32, quality: u8) -> Result<Photo, Refused> {
    let photo = image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).map_err(refusal)?;
    let photo = DynamicImage::from(photo.thumbnail(side, side).into_rgb8());
    written(&photo, quality)
}

fn written(photo: &DynamicImage, quality: u8) -> Result<Photo, Refused> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    photo.write_with_encoder(encoder).map_err(|_| Refused::Damaged)?;
    Ok(Photo {
        bytes,
        width: photo.width(),
        height: photo.height(),
    })
}

fn decode(bytes: &[u8], format: ImageFormat) -> Result<Photo, Refused> {
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(40_000);
    limits.max_image_height = Some(40_000);
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS || decoder.total_bytes() > MOST_MEMORY {
        return Err(Refused::TooManyPixels);
    }
    if !is_whole(bytes, format) {
        return Err(Refused::Damaged);
    }
    if is_disguise(bytes) {
        return Err(Refused::Disguised);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut photo = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    if width.max(height) > LONG_SIDE {
        photo = photo.thumbnail(LONG_SIDE, LONG_SIDE);
    }
    photo.apply_orientation(orientation);
    written(&on_white(photo), QUALITY)
}

fn refusal(error: ImageError) -> Refused {
    match error {
        ImageError::Limits(_) => Refused::TooManyPixels,
        _ => Refused::Damaged,
    }
}

/// JPEG knows no transparency: what shines through is white paper.
fn on_white(photo: DynamicImage) -> DynamicImage {
    if !photo.color().has_alpha() {
        return photo.into_rgb8().into();
    }
    let mut paper = RgbaImage::from_pixel(photo.width(), photo.height(), Rgba([u8::MAX; 4]));
    imageops::overlay(&mut paper, &photo.into_rgba8(), 0, 0);
    DynamicImage::from(paper).into_rgb8().into()
}

/// The box at the beginning of an iPhone's photograph, or of its newer sister.
fn is_heic(bytes: &[u8]) -> bool {
    let brand = bytes.get(8..12).unwrap_or_default();
    bytes.get(4..8) == Some(b"ftyp")
        && [b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif"]
            .iter()
            .any(|known| *known == brand)
}

/// Does the picture come to its end? Decoders fill up what is missing of a JPEG with grey and say nothing.
fn is_whole(bytes: &[u8], format: ImageFormat) -> bool {
    match format {
        ImageFormat::Jpeg => jpeg_ends(bytes).is_some(),
        // The decoder of PNG says itself when something is missing.
        _ => true,
    }
}

/// Where the JPEG ends. Its segments are walked, because a preview within it has an end of its own.
fn jpeg_ends(bytes: &[u8]) -> Option<usize> {
    const END: u8 = 0xD9;
    const SCAN: u8 = 0xDA;
    let mut at = 2usize;
    loop {
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        let marker = *bytes.get(at.checked_add(1)?)?;
        match marker {
            // A fill byte; marks without a length.
            0xFF => at = at.checked_add(1)?,
            END => return at.checked_add(2),
            0x01 | 0xD0..=0xD8 => at = at.checked_add(2)?,
            _ => {
                let length = [*bytes.get(at.checked_add(2)?)?, *bytes.get(at.checked_add(3)?)?];
                let length = usize::from(u16::from_be_bytes(length));
                at = at.checked_add(2)?.checked_add(length)?;
                if marker == SCAN {
                    at = after_scan(bytes, at)?;
                }
            }
        }
    }
}

/// The next mark after the compressed pixels: in them `FF` is followed by a zero or by a restart.
fn after_scan(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let mark = rest
        .windows(2)
        .position(|two| matches!(two, [0xFF, next] if !matches!(next, 0x00 | 0xD0..=0xD7)))?;
    from.checked_add(mark)
}

/// What a page, a script, a document or an archive begins with, in small letters. A camera writes none of it.
const NOT_IN_A_PHOTO: [&[u8]; 7] = [
    b"<script",
    b"<html",
    b"<!doctype",
    b"<iframe",
    b"<?php",
    b"<svg",
    b"%pdf-",
];
/// The end of a ZIP archive stands near the end of the file.
const ARCHIVE_ENDS: &[u8] = b"PK\x05\x06";
const ARCHIVE_COMMENT: usize = 66_000;

/// Is something else hidden in the file, so that it can be read as two kinds of file?
fn is_disguise(bytes: &[u8]) -> bool {
    let begins = |at: usize, word: &[u8]| {
        bytes
            .get(at..at.saturating_add(word.len()))
            .is_some_and(|part| part.eq_ignore_ascii_case(word))
    };
    let page = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b'<' | b'%'))
        .any(|(at, _)| NOT_IN_A_PHOTO.iter().any(|word| begins(at, word)));
    let tail = bytes
        .get(bytes.len().saturating_sub(ARCHIVE_COMMENT)..)
        .unwrap_or_default();
    page || tail.windows(ARCHIVE_ENDS.len()).any(|part| part == ARCHIVE_ENDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageEncoder, RgbImage};

    /// A picture with a dark left half, so that its turning is seen.
    fn picture(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, _| {
            image::Rgb(if x < width / 2 { [20, 20, 20] } else { [230, 200, 120] })
        })
    }

    fn jpeg(picture: &RgbImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
        assert!(picture.write_with_encoder(encoder).is_ok());
        bytes
    }

    fn png(picture: &RgbImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        let written = PngEncoder::new(&mut bytes).write_image(
            picture,
            picture.width(),
            picture.height(),
            ExtendedColorType::Rgb8,
        );
        assert!(written.is_ok());
        bytes
    }

    #[test]
    fn a_picture_in_a_list_is_a_few_kilobytes() {
        let kept = clean(&jpeg(&picture(2_000, 1_500))).unwrap();
        let small = for_list(&kept.bytes).unwrap();
        let shown = image::load_from_memory(&small).unwrap();
        assert_eq!((shown.width(), shown.height()), (160, 120));
        assert!(small.len() < 8_000, "{} bytes", small.len());
        assert!(matches!(for_list(b"no photograph"), Err(Refused::Damaged)));
    }

    #[test]
    fn a_photograph_on_a_board_weighs_little_whatever_is_on_it() {
        let kept = clean(&jpeg(&picture(2_000, 1_500))).unwrap();
        let shown = for_board(&kept.bytes).unwrap();
        assert_eq!((shown.width, shown.height), (800, 600));
        assert!(shown.bytes.len() <= BOARD_BYTES && shown.bytes != kept.bytes);
        // Nothing is harder to write in few bytes than noise.
        let mut state = 1u32;
        let noise = RgbImage::from_fn(1_600, 1_200, |_, _| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let [red, green, blue, _] = state.to_le_bytes();
            image::Rgb([red, green, blue])
        });
        let shown = for_board(&jpeg(&noise)).unwrap();
        assert!(shown.bytes.len() <= BOARD_BYTES, "{} bytes", shown.bytes.len());
        // A small one is not blown up, and is another file than the one it was made of.
        let small = clean(&jpeg(&picture(64, 48))).unwrap();
        let shown = for_board(&small.bytes).unwrap();
        assert_eq!((shown.width, shown.height), (64, 48));
        assert_ne!(shown.bytes, small.bytes);
        assert!(matches!(for_board(b"no photograph"), Err(Refused::Damaged)));
    }

    /// A segment, put where a camera puts it.
    fn with_segment(photo: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap_or_default().to_be_bytes();
        let (begin, rest) = photo.split_at(2);
        [begin, &[0xFF, marker], &length, content, rest].concat()
    }

    /// What a phone writes: turned by a quarter, taken with what, and at 28°12′30″ N, 109°6′15″ E.
    fn exif() -> Vec<u8> {
        let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
            [
                &tag.to_le_bytes()[..],
                &kind.to_le_bytes(),
                &count.to_le_bytes(),
                &value,
            ]
            .concat()
        };
        let at = |offset: u32| offset.to_le_bytes();
        let rationals = |three: [u32; 3]| {
            three
                .iter()
                .flat_map(|value| [value.to_le_bytes(), 1u32.to_le_bytes()].concat())
                .collect::<Vec<u8>>()
        };
        // 8: three entries (2 + 36 + 4 = 42) to 50; 50: the camera (8) to 58; 58: four entries (54) to 112; then places.
        let first = [
            &[3u8, 0][..],
            &entry(0x0110, 2, 8, at(50)),
            &entry(0x0112, 3, 1, [6, 0, 0, 0]),
            &entry(0x8825, 4, 1, at(58)),
            &[0; 4],
        ]
        .concat();
        let places = [
            &[4u8, 0][..],
            &entry(1, 2, 2, *b"N\0\0\0"),
            &entry(2, 5, 3, at(112)),
            &entry(3, 2, 2, *b"E\0\0\0"),
            &entry(4, 5, 3, at(136)),
            &[0; 4],
        ]
        .concat();
        [
            &b"Exif\0\0II*\0\x08\0\0\0"[..],
            &first,
            b"PHONE-7\0",
            &places,
            &rationals([28, 12, 30]),
            &rationals([109, 6, 15]),
        ]
        .concat()
    }

    fn holds(bytes: &[u8], word: &[u8]) -> bool {
        bytes.windows(word.len()).any(|part| part == word)
    }

    #[test]
    fn a_photo_is_shrunk_and_loses_everything_but_its_pixels() {
        let xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>Wang Jianguo</x:xmpmeta>";
        let photo = with_segment(&jpeg(&picture(4_000, 3_000)), 0xFE, b"taken at home");
        let photo = with_segment(&photo, 0xE1, xmp);
        let photo = with_segment(&photo, 0xE1, &exif());
        // What we start from says where it was taken, to a reader of its own.
        let mut decoder = ImageReader::with_format(Cursor::new(&photo), ImageFormat::Jpeg)
            .into_decoder()
            .unwrap();
        let told = decoder.exif_metadata().unwrap().unwrap();
        assert!(holds(&told, b"PHONE-7") && holds(&told, &[28, 0, 0, 0, 1, 0, 0, 0, 12]));
        assert_eq!(decoder.orientation().unwrap(), Orientation::Rotate90);

        let kept = clean(&photo).unwrap();
        assert_eq!((kept.width, kept.height), (1_200, 1_600));
        let mut decoder = ImageReader::with_format(Cursor::new(&kept.bytes), ImageFormat::Jpeg)
            .into_decoder()
            .unwrap();
        assert_eq!(decoder.exif_metadata().unwrap(), None);
        assert_eq!(decoder.icc_profile().unwrap(), None);
        assert_eq!(decoder.xmp_metadata().unwrap(), None);
        for word in [&b"Exif"[..], b"PHONE", b"GPS", b"adobe", b"Wang", b"taken"] {
            assert!(!holds(&kept.bytes, word), "{word:?}");
        }
        // The only segments are those that a picture needs.
        assert!(kept.bytes.starts_with(&[0xFF, 0xD8, 0xFF, 0xE0]));
        assert!(!holds(&kept.bytes[..600], &[0xFF, 0xE1]) && !holds(&kept.bytes[..600], &[0xFF, 0xFE]));
        // It stands upright: what was left is above.
        let upright = DynamicImage::from_decoder(decoder).unwrap().into_rgb8();
        assert!(upright.get_pixel(600, 200).0[0] < 60 && upright.get_pixel(600, 1_400).0[0] > 180);
    }

    #[test]
    fn a_small_picture_stays_as_large_as_it_is() {
        let kept = clean(&png(&picture(400, 300))).unwrap();
        assert_eq!((kept.width, kept.height), (400, 300));
        assert_eq!(Kind::of(&kept.bytes), Some(Kind::Jpeg));
        // What shines through is white.
        let mut bytes = Vec::new();
        let through = RgbaImage::from_pixel(8, 8, Rgba([0, 0, 0, 0]));
        PngEncoder::new(&mut bytes)
            .write_image(&through, 8, 8, ExtendedColorType::Rgba8)
            .unwrap();
        let kept = clean(&bytes).unwrap();
        let paper = image::load_from_memory(&kept.bytes).unwrap().into_rgb8();
        assert!(paper.get_pixel(4, 4).0.iter().all(|value| *value > 250));
    }

    #[test]
    fn a_hundred_megapixels_are_refused_by_the_header() {
        // Ten thousand by ten thousand, in a few bytes: a header, and no pixels behind it.
        let mut bomb = png(&picture(2, 2));
        bomb[16..20].copy_from_slice(&10_000u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&10_000u32.to_be_bytes());
        let check = crc(&bomb[12..29]).to_be_bytes();
        bomb[29..33].copy_from_slice(&check);
        assert_eq!(clean(&bomb), Err(Refused::TooManyPixels));
        let mut bomb = jpeg(&picture(16, 16));
        let frame = bomb.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
        bomb[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
        assert_eq!(clean(&bomb), Err(Refused::TooManyPixels));
    }

    fn crc(bytes: &[u8]) -> u32 {
        let mut rest = u32::MAX;
        for byte in bytes {
            rest ^= u32::from(*byte);
            for _ in 0..8 {
                rest = if rest & 1 == 1 {
                    (rest >> 1) ^ 0xEDB8_8320
                } else {
                    rest >> 1
                };
            }
        }
        !rest
    }

    #[test]
    fn a_file_that_is_not_what_it_says_is_refused() {
        let photo = jpeg(&picture(64, 64));
        for (bytes, why) in [
            (&b""[..], Refused::Empty),
            (b"%PDF-1.7\n%%EOF", Refused::Pdf),
            (b"<!doctype html><script>alert(1)</script>", Refused::NotAPhoto),
            (b"GIF89a\x01\0\x01\0", Refused::NotAPhoto),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Refused::Heic),
            (b"\xFF\xD8\xFF\xE0 and nothing more", Refused::Damaged),
        ] {
            assert_eq!(clean(bytes), Err(why), "{why}");
        }
        assert_eq!(clean(&vec![0xFF; MOST_BYTES + 1]), Err(Refused::TooManyBytes));
        // Broken off anywhere, also when a preview within it has an end of its own.
        let preview = with_segment(&photo, 0xE1, &[b"Exif\0\0", photo.as_slice()].concat());
        assert!(clean(&preview).is_ok());
        for length in [preview.len() - 2, preview.len() - 40, photo.len() + 30] {
            assert_eq!(clean(&preview[..length]), Err(Refused::Damaged), "{length}");
        }
        let drawing = png(&picture(64, 64));
        assert_eq!(clean(&drawing[..drawing.len() - 30]), Err(Refused::Damaged));
        // Two files in one.
        let page = with_segment(&photo, 0xFE, b"*/=1;<SCRIPT src=//x></SCRIPT>");
        let document = [photo.as_slice(), b"%PDF-1.4 more"].concat();
        let archive = [photo.as_slice(), b"PK\x03\x04 some file PK\x05\x06", &[0; 18]].concat();
        for disguise in [page, document, archive] {
            assert_eq!(clean(&disguise), Err(Refused::Disguised));
        }
        // What phones hang on behind a photograph is no disguise: it is left behind.
        let moving = [photo.as_slice(), b"\0\0\0\x18ftypmp42 a short film"].concat();
        assert_eq!(
            clean(&moving).map(|kept| kept.bytes),
            clean(&photo).map(|kept| kept.bytes)
        );
    }
}
