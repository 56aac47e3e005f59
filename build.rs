//! Takes what npm fetched by `package-lock.json` into the program, unchanged: the camera's decoder and the fonts of papers.
//!
//! A build without them makes a program whose counter reads cards in every other way and that prints nothing, and says so
//! here, on the page and when it is asked to print; so `cargo check` needs no npm. `bin/build` and `bin/test` fetch them
//! first. They are asked for again when `package.json` is newer, which the scripts see to; a path that is not there yet would
//! make cargo compile everything at each build.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The decoder's files, in the order in which a browser loads them.
const DECODER: [&str; 3] = [
    "barcode-detector/dist/es/ponyfill.js",
    "barcode-detector/dist/es/zxing-exported.js",
    "zxing-wasm/dist/reader/zxing_reader.wasm",
];

/// Fonts that are taken whole: the text face in two weights, the festive face, and what stands for emoji.
const FONTS: [&str; 4] = [
    "@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf",
    "@expo-google-fonts/noto-sans-sc/700Bold/NotoSansSC_700Bold.ttf",
    "@expo-google-fonts/noto-serif-sc/700Bold/NotoSerifSC_700Bold.ttf",
    "@expo-google-fonts/noto-emoji/400Regular/NotoEmoji_400Regular.ttf",
];

/// The packages of those fonts, whose versions must be those of the lock file.
const FONT_PACKAGES: [&str; 4] = [
    "@expo-google-fonts/noto-sans-sc",
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
    for watched in ["build.rs", "package.json", "package-lock.json"] {
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
    let fonts: &[&str] = if has_fonts { &FONTS } else { &[] };
    let fonts = fonts.iter().map(|font| include(&modules.join(font)) + ", ");
    fs::write(out.join("fonts.rs"), format!("[{}]", fonts.collect::<String>()))?;
    let sliced = if has_fonts {
        slices(&modules.join("hanamin"))?
    } else {
        String::new()
    };
    fs::write(out.join("font_slices.rs"), format!("[{sliced}]"))
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

/// Expressions: the runs of characters of each slice, as its style sheet states them, with its bytes.
fn slices(package: &Path) -> io::Result<String> {
    let style_sheet = fs::read_to_string(package.join("HanaMin.css"))?;
    let mut said = String::new();
    for face in style_sheet.split("@font-face").skip(1) {
        let (Some(file), Some(ranges)) = (between(face, "url(", ")"), between(face, "unicode-range:", ";")) else {
            return Err(io::Error::other(
                "HanaMin.css: a face without its file or its characters",
            ));
        };
        if !SLICES.iter().any(|slice| file.contains(slice)) {
            continue;
        }
        let runs: Vec<(u32, u32)> = ranges.split(',').map(run).collect::<Option<_>>().ok_or_else(|| {
            io::Error::other(format!(
                "HanaMin.css: the characters of {file} are not in the form U+3400-3410"
            ))
        })?;
        let _ = write!(said, "(&{runs:?}, {}), ", include(&package.join(file)));
    }
    Ok(said)
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
