//! Takes the camera's decoder from `node_modules` into the program: what npm fetched by `package-lock.json`, unchanged.
//!
//! A build without it makes a program whose counter reads cards in every other way, and says so here and on the page; so
//! `cargo test` needs no npm. `bin/build` and `bin/test` fetch it first. It is asked for again when `package.json` is newer,
//! which the scripts see to; a path that is not there yet would make cargo compile everything at each build.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The files that a browser loads, in the order in which it does.
const FILES: [&str; 3] = [
    "barcode-detector/dist/es/ponyfill.js",
    "barcode-detector/dist/es/zxing-exported.js",
    "zxing-wasm/dist/reader/zxing_reader.wasm",
];

fn main() -> io::Result<()> {
    for watched in ["build.rs", "package.json", "package-lock.json"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let modules = root.join("node_modules");
    let wanted = version(&root.join("package-lock.json"), "\"node_modules/barcode-detector\"");
    let installed = version(&modules.join("barcode-detector/package.json"), "\"name\"");
    let found = wanted.filter(|wanted| Some(wanted) == installed.as_ref());
    if found.is_none() {
        println!(
            "cargo::warning=The camera's decoder is left out: run `npm ci && touch package.json` here, or bin/build, which does it all."
        );
    }
    fs::write(out.join("decoder.rs"), decoder(found.as_deref(), &modules))
}

/// The version that a JSON file names first after these words.
fn version(file: &Path, after: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, rest) = text.split_once(after)?;
    let (_, rest) = rest.split_once("\"version\": \"")?;
    rest.split('"').next().map(str::to_owned)
}

/// An expression: the version, and each file's name with its bytes.
fn decoder(version: Option<&str>, modules: &Path) -> String {
    let mut files = String::new();
    for file in FILES.iter().filter(|_| version.is_some()) {
        let path = modules.join(file);
        let name = file.rsplit('/').next().unwrap_or(file);
        // Writing to a String cannot fail.
        let _ = write!(files, "({name:?}, include_bytes!({path:?}).as_slice()), ");
    }
    format!("({:?}, &[{files}])", version.unwrap_or_default())
}
