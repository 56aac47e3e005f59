//! The chain of fonts: what npm fetched by `package-lock.json` and `build.rs` took in, and what a township adds in a folder.
//!
//! Noto Sans SC sets text, Noto Serif SC what is festive; both have all of GBK and the 8,105 standard characters. Noto Sans
//! JP has some characters of extension B in their weights, as 𠮷, HanaMin the rest of extensions A to F. Noto Emoji is there
//! because people put such things into names. Fonts of the system are never looked at: the same data gives the same paper
//! everywhere.
//!
//! Typst reads every byte of a font from which it takes one character. So what is rare is in slices, of which a paper needs
//! few: `build.rs` cuts the Noto fonts into the standard characters and pieces of the rest; HanaMin comes in slices.

use std::path::PathBuf;
use std::sync::OnceLock;

use typst::foundations::Bytes;
use typst::text::{Coverage, Font, FontBook, FontFlags, FontInfo, FontVariant, FontWeight};
use typst::utils::LazyHash;

/// Whole fonts of the program.
static WHOLE: &[&[u8]] = &include!(concat!(env!("OUT_DIR"), "/fonts.rs"));

/// Some characters of a font.
struct Slice {
    family: &'static str,
    /// 400 is regular, 700 bold.
    weight: u16,
    has_serifs: bool,
    /// First and last character of each run that it has.
    runs: &'static [(u32, u32)],
    /// The font, plain or packed as WOFF2.
    bytes: &'static [u8],
}

static SLICES: &[Slice] = &include!(concat!(env!("OUT_DIR"), "/font_slices.rs"));

/// Characters that are there in one weight only, as a class of a regular expression: what is bold needs help with them.
pub(super) static LIGHT: &str = include_str!(concat!(env!("OUT_DIR"), "/light_characters.txt"));

/// How a font begins that is packed.
const PACKED: &[u8] = b"wOF2";

/// Fonts, and what typst wants to know of them beforehand.
pub(super) struct Fonts {
    book: LazyHash<FontBook>,
    slots: Vec<Slot>,
}

enum Slot {
    Here(Font),
    Sliced {
        bytes: &'static [u8],
        font: OnceLock<Option<Font>>,
    },
}

impl Fonts {
    /// All fonts of the program, and those of a folder, which need not be there.
    pub(super) fn load(folder: Option<PathBuf>) -> Fonts {
        let (mut book, mut slots) = (FontBook::new(), Vec::new());
        let mut add = |font: Font| {
            book.push(font.info().clone());
            slots.push(Slot::Here(font));
        };
        for bytes in WHOLE {
            Font::iter(Bytes::new(*bytes)).for_each(&mut add);
        }
        for bytes in added(folder) {
            Font::iter(Bytes::new(bytes)).for_each(&mut add);
        }
        for slice in SLICES {
            book.push(slice.info());
            slots.push(Slot::Sliced {
                bytes: slice.bytes,
                font: OnceLock::new(),
            });
        }
        Fonts {
            book: LazyHash::new(book),
            slots,
        }
    }

    pub(super) fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    pub(super) fn font(&self, index: usize) -> Option<Font> {
        match self.slots.get(index)? {
            Slot::Here(font) => Some(font.clone()),
            Slot::Sliced { bytes, font } => font.get_or_init(|| Font::new(unpacked(bytes)?, 0)).clone(),
        }
    }

    pub(super) fn families(&self) -> Vec<String> {
        let mut families: Vec<String> = Vec::new();
        for index in 0..self.slots.len() {
            let Some(info) = self.book.info(index) else { continue };
            if !families.contains(&info.family) {
                families.push(info.family.clone());
            }
        }
        families
    }
}

impl Slice {
    fn info(&self) -> FontInfo {
        let characters = self.runs.iter().flat_map(|(first, last)| *first..=*last);
        FontInfo {
            family: self.family.to_owned(),
            variant: FontVariant {
                weight: FontWeight::from_number(self.weight),
                ..FontVariant::default()
            },
            flags: if self.has_serifs {
                FontFlags::SERIF
            } else {
                FontFlags::empty()
            },
            axes: Vec::new(),
            coverage: Coverage::from_vec(characters.collect()),
        }
    }
}

fn unpacked(bytes: &'static [u8]) -> Option<Bytes> {
    match bytes.starts_with(PACKED) {
        true => Some(Bytes::new(wuff::decompress_woff2(bytes).ok()?)),
        false => Some(Bytes::new(bytes)),
    }
}

/// Font files of a folder, in the order of their names.
fn added(folder: Option<PathBuf>) -> Vec<Vec<u8>> {
    let Some(Ok(entries)) = folder.map(std::fs::read_dir) else {
        return Vec::new();
    };
    let is_font = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        ["ttf", "otf", "ttc", "otc"]
            .iter()
            .any(|font| ending.eq_ignore_ascii_case(font))
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_font)
        .collect();
    files.sort();
    files.into_iter().filter_map(|file| std::fs::read(file).ok()).collect()
}
