//! The chain of fonts: what npm fetched by `package-lock.json` and `build.rs` took in, and what a township adds in a folder.
//!
//! Noto Sans SC sets text, Noto Serif SC what is festive; both have all of GBK and the 8,105 standard characters. HanaMin
//! has the rest of extensions A to F: it comes in slices of a thousand characters, of which only those are unpacked that
//! a paper needs. Noto Emoji is there because people put such things into names. Fonts of the system are never looked at:
//! the same data gives the same paper everywhere.

use std::path::PathBuf;
use std::sync::OnceLock;

use typst::foundations::Bytes;
use typst::text::{Coverage, Font, FontBook, FontFlags, FontInfo, FontVariant};
use typst::utils::LazyHash;

/// Whole fonts of the program.
static WHOLE: &[&[u8]] = &include!(concat!(env!("OUT_DIR"), "/fonts.rs"));

/// Slices of a large font, packed as WOFF2: first and last character of each run that it has, and its bytes.
type Slice = (&'static [(u32, u32)], &'static [u8]);

static SLICES: &[Slice] = &include!(concat!(env!("OUT_DIR"), "/font_slices.rs"));

/// The family under which all slices are known.
const SLICED_FAMILY: &str = "HanaMin";

/// Fonts, and what typst wants to know of them beforehand.
pub(super) struct Fonts {
    book: LazyHash<FontBook>,
    slots: Vec<Slot>,
}

enum Slot {
    Here(Font),
    Packed {
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
        for (runs, bytes) in SLICES {
            let characters = runs.iter().flat_map(|(first, last)| *first..=*last);
            book.push(FontInfo {
                family: SLICED_FAMILY.to_owned(),
                variant: FontVariant::default(),
                flags: FontFlags::SERIF,
                axes: Vec::new(),
                coverage: Coverage::from_vec(characters.collect()),
            });
            slots.push(Slot::Packed {
                bytes,
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
            Slot::Packed { bytes, font } => font
                .get_or_init(|| Font::new(Bytes::new(wuff::decompress_woff2(bytes).ok()?), 0))
                .clone(),
        }
    }

    pub(super) fn cover(&self, character: char) -> bool {
        let infos = (0..self.slots.len()).filter_map(|index| self.book.info(index));
        let mut infos = infos;
        infos.any(|info| info.coverage.contains(u32::from(character)))
    }

    pub(super) fn families(&self) -> Vec<String> {
        let mut families: Vec<String> = Vec::new();
        for index in 0..self.slots.len() {
            let Some(info) = self.book.info(index) else { continue };
            if families.last() != Some(&info.family) {
                families.push(info.family.clone());
            }
        }
        families
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
