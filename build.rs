//! Takes what npm fetched by `package-lock.json` into the program: the camera's decoder, and the fonts of papers in
//! pieces.
//!
//! A build without them makes a program whose counter reads cards in every other way and that prints nothing, and says so
//! here, on the page and when it is asked to print; so `cargo check` needs no npm. `bin/build` and `bin/test` fetch them
//! first. They are asked for again when `package.json` is newer, which the scripts see to; a path that is not there yet would
//! make cargo compile everything at each build.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use read_fonts::collections::IntSet;
use read_fonts::types::{NameId, Tag};
use read_fonts::{FontRef, TableProvider as _};
use skera::{Plan, SubsetFlags, subset_font};

/// The decoder's files, in the order in which a browser loads them.
const DECODER: [&str; 3] = [
    "barcode-detector/dist/es/ponyfill.js",
    "barcode-detector/dist/es/zxing-exported.js",
    "zxing-wasm/dist/reader/zxing_reader.wasm",
];

/// A font file, and what it is known as.
struct Face {
    file: &'static str,
    family: &'static str,
    weight: u16,
    has_serifs: bool,
    /// Does it only help out: is nothing taken but Chinese characters that the faces before it lack?
    helps_out: bool,
}

/// The weight of bold type.
const BOLD: u16 = 700;

/// The text face in two weights, the festive face, and what has rare characters in the weights of the text face.
const FACES: [Face; 5] = [
    Face {
        file: "@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf",
        family: "Noto Sans SC",
        weight: 400,
        has_serifs: false,
        helps_out: false,
    },
    Face {
        file: "@expo-google-fonts/noto-sans-sc/700Bold/NotoSansSC_700Bold.ttf",
        family: "Noto Sans SC",
        weight: BOLD,
        has_serifs: false,
        helps_out: false,
    },
    Face {
        file: "@expo-google-fonts/noto-serif-sc/700Bold/NotoSerifSC_700Bold.ttf",
        family: "Noto Serif SC",
        weight: BOLD,
        has_serifs: true,
        helps_out: false,
    },
    Face {
        file: "@expo-google-fonts/noto-sans-jp/400Regular/NotoSansJP_400Regular.ttf",
        family: "Noto Sans JP",
        weight: 400,
        has_serifs: false,
        helps_out: true,
    },
    Face {
        file: "@expo-google-fonts/noto-sans-jp/700Bold/NotoSansJP_700Bold.ttf",
        family: "Noto Sans JP",
        weight: BOLD,
        has_serifs: false,
        helps_out: true,
    },
];

/// What has the rest of extensions A to F, in one weight. It comes in slices, which its style sheet lists.
const HANAMIN: Face = Face {
    file: "HanaMin.css",
    family: "HanaMin",
    weight: 400,
    has_serifs: true,
    helps_out: true,
};

/// What stands for emoji, taken whole.
const EMOJI: &str = "@expo-google-fonts/noto-emoji/400Regular/NotoEmoji_400Regular.ttf";

/// Characters that are usual: the 8,105 of 通用规范汉字表, in which names are registered, and whatever is not Chinese writing.
const USUAL: &str = "src/print/standard_characters.txt";

/// Blocks of Chinese characters.
const CHINESE: [(u32, u32); 4] = [(0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)];

/// Characters of a piece: about 160 kB.
const PIECE: usize = 512;

/// Tables that single rare characters need not: what moves and replaces signs in a text, and what stands in columns.
const TABLES_OF_TEXTS: [&[u8; 4]; 7] = [b"GSUB", b"GPOS", b"GDEF", b"BASE", b"STAT", b"vhea", b"vmtx"];

/// The packages of those fonts, whose versions must be those of the lock file.
const FONT_PACKAGES: [&str; 5] = [
    "@expo-google-fonts/noto-sans-sc",
    "@expo-google-fonts/noto-sans-jp",
    "@expo-google-fonts/noto-serif-sc",
    "@expo-google-fonts/noto-emoji",
    "hanamin",
];

/// The slices of HanaMin that hold Chinese characters, and the signs of GBK that the other fonts lack.
const SLICES: [&str; 4] = [
    "Mathematical-Operators",
    "CJK-Unified-Ideographs-Extension-",
    "CJK-Compatibility-Ideographs",
    "CJK-Radicals-Supplement",
];

fn main() -> io::Result<()> {
    for watched in ["build.rs", "package.json", "package-lock.json", USUAL] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let modules = root.join("node_modules");
    let installed = |package: &str| {
        let wanted = version(&root.join("package-lock.json"), &format!("\"node_modules/{package}\""));
        let installed = version(&modules.join(package).join("package.json"), "\"name\"");
        wanted.filter(|wanted| Some(wanted) == installed.as_ref())
    };

    let decoder_version = installed("barcode-detector");
    if decoder_version.is_none() {
        left_out("The camera's decoder is");
    }
    let decoder_files: &[&str] = if decoder_version.is_some() { &DECODER } else { &[] };
    fs::write(
        out.join("decoder.rs"),
        decoder(&decoder_version.unwrap_or_default(), decoder_files, &modules),
    )?;

    let has_fonts = FONT_PACKAGES.iter().all(|package| installed(package).is_some());
    if !has_fonts {
        left_out("The fonts are");
    }
    let (mut whole, mut slices, mut light) = (String::new(), String::new(), Vec::new());
    if has_fonts {
        let usual: HashSet<u32> = fs::read_to_string(root.join(USUAL))?.chars().map(u32::from).collect();
        let (mut known, mut bold) = (HashSet::new(), HashSet::new());
        for face in &FACES {
            let file = modules.join(face.file);
            let pieces = cut(&fs::read(&file)?, &usual, &known, face.helps_out)
                .map_err(|why| io::Error::other(format!("{}: {why}", file.display())))?;
            for (place, piece) in pieces.iter().enumerate() {
                let kept = out.join(format!("{}-{}-{place}.ttf", face.family.replace(' ', "-"), face.weight));
                fs::write(&kept, &piece.font)?;
                // Writing to a String cannot fail.
                let _ = match piece.is_usual {
                    true => write!(whole, "{}, ", include(&kept)),
                    false => write!(slices, "{}, ", slice(face, &runs(&piece.characters), &kept)),
                };
            }
            let characters = pieces.iter().flat_map(|piece| piece.characters.iter().copied());
            if !face.helps_out {
                known.extend(characters.clone());
            }
            if face.weight >= BOLD {
                bold.extend(characters);
            }
        }
        whole += &include(&modules.join(EMOJI));
        for (runs, file) in hanamin(&modules.join("hanamin"))? {
            let _ = write!(slices, "{}, ", slice(&HANAMIN, &runs, &file));
            light.extend(
                runs.iter()
                    .flat_map(|(first, last)| *first..=*last)
                    .filter(|code| !bold.contains(code)),
            );
        }
    }
    fs::write(out.join("fonts.rs"), format!("[{whole}]"))?;
    fs::write(out.join("font_slices.rs"), format!("[{slices}]"))?;
    light.sort_unstable();
    let class: String = runs(&light)
        .iter()
        .map(|(first, last)| format!("\\u{{{first:X}}}-\\u{{{last:X}}}"))
        .collect();
    fs::write(out.join("light_characters.txt"), format!("[{class}]"))
}

fn left_out(what: &str) {
    println!(
        "cargo::warning={what} left out: run `npm ci && touch package.json` here, or bin/build, which does it all."
    );
}

/// The version that a JSON file names first after these words.
fn version(file: &Path, after: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, rest) = text.split_once(after)?;
    let (_, rest) = rest.split_once("\"version\": \"")?;
    rest.split('"').next().map(str::to_owned)
}

fn include(path: &Path) -> String {
    format!("include_bytes!({path:?}).as_slice()")
}

/// An expression: the version, and each file's name with its bytes.
fn decoder(version: &str, files: &[&str], modules: &Path) -> String {
    let mut said = String::new();
    for file in files {
        let name = file.rsplit('/').next().unwrap_or(file);
        // Writing to a String cannot fail.
        let _ = write!(said, "({name:?}, {}), ", include(&modules.join(file)));
    }
    format!("({version:?}, &[{said}])")
}

/// Some characters of a font, as a font.
struct Piece {
    is_usual: bool,
    characters: Vec<u32>,
    font: Vec<u8>,
}

/// The pieces of a font: what is usual, and the rest in the order of its characters; of a face that helps out only Chinese
/// characters that are not known yet.
fn cut(font: &[u8], usual: &HashSet<u32>, known: &HashSet<u32>, helps_out: bool) -> Result<Vec<Piece>, String> {
    let font = FontRef::new(font).map_err(|error| error.to_string())?;
    let cmap = font.cmap().map_err(|error| error.to_string())?;
    let is_chinese = |code: u32| CHINESE.iter().any(|(first, last)| (*first..=*last).contains(&code));
    let (common, rare): (Vec<u32>, Vec<u32>) = (0..=u32::from(char::MAX))
        .filter(|code| cmap.map_codepoint(*code).is_some())
        .filter(|code| !helps_out || is_chinese(*code) && !known.contains(code))
        .partition(|code| !helps_out && (usual.contains(code) || !is_chinese(*code)));
    let mut pieces = Vec::new();
    if !common.is_empty() {
        pieces.push(piece(&font, true, common)?);
    }
    for characters in rare.chunks(PIECE) {
        pieces.push(piece(&font, false, characters.to_vec())?);
    }
    Ok(pieces)
}

fn piece(font: &FontRef, is_usual: bool, characters: Vec<u32>) -> Result<Piece, String> {
    let without = if is_usual { &[] } else { TABLES_OF_TEXTS.as_slice() };
    let names = [
        NameId::FAMILY_NAME,
        NameId::SUBFAMILY_NAME,
        NameId::FULL_NAME,
        NameId::POSTSCRIPT_NAME,
    ];
    let plan = Plan::new(
        &IntSet::empty(),
        &characters.iter().copied().collect(),
        font,
        // Typst sets type without the hints for coarse screens.
        SubsetFlags::SUBSET_FLAGS_NO_HINTING,
        &without.iter().map(|table| Tag::new(table)).collect(),
        &IntSet::all(),
        &IntSet::all(),
        &names.into_iter().collect(),
        &IntSet::all(),
    );
    let font = subset_font(font, &plan).map_err(|error| error.to_string())?;
    Ok(Piece {
        is_usual,
        characters,
        font,
    })
}

/// First and last of each run of characters that follow each other.
type Runs = Vec<(u32, u32)>;

fn runs(characters: &[u32]) -> Runs {
    let follow = |one: &u32, next: &u32| one + 1 == *next;
    let ends = |run: &[u32]| Some((*run.first()?, *run.last()?));
    characters.chunk_by(follow).filter_map(ends).collect()
}

/// An expression of `fonts::Slice`.
fn slice(face: &Face, runs: &[(u32, u32)], file: &Path) -> String {
    let Face {
        family,
        weight,
        has_serifs,
        ..
    } = face;
    format!(
        "Slice {{ family: {family:?}, weight: {weight}, has_serifs: {has_serifs}, runs: &{runs:?}, bytes: {} }}",
        include(file)
    )
}

/// The slices of HanaMin: the characters of each, as its style sheet states them, and its file.
fn hanamin(package: &Path) -> io::Result<Vec<(Runs, PathBuf)>> {
    let style_sheet = fs::read_to_string(package.join(HANAMIN.file))?;
    let mut slices = Vec::new();
    for face in style_sheet.split("@font-face").skip(1) {
        let (Some(file), Some(ranges)) = (between(face, "url(", ")"), between(face, "unicode-range:", ";")) else {
            return Err(io::Error::other(
                "HanaMin.css: a face without its file or its characters",
            ));
        };
        if !SLICES.iter().any(|slice| file.contains(slice)) {
            continue;
        }
        let runs: Runs = ranges.split(',').map(run).collect::<Option<_>>().ok_or_else(|| {
            io::Error::other(format!(
                "HanaMin.css: the characters of {file} are not in the form U+3400-3410"
            ))
        })?;
        slices.push((runs, package.join(file)));
    }
    Ok(slices)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(inside, _)| inside)
}

/// `U+3400-3410` or `U+3400`.
fn run(text: &str) -> Option<(u32, u32)> {
    let text = text
        .trim()
        .strip_prefix("U+")
        .or_else(|| text.trim().strip_prefix("u+"))?;
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((
        u32::from_str_radix(first, 16).ok()?,
        u32::from_str_radix(last, 16).ok()?,
    ))
}
