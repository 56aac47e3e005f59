//! The rules of the house that a machine can check, read from the text of the source.
//!
//! Each rule is a function from a file's path and text to what breaks it, so that each is also shown a file that breaks it
//! and seen to say so. Exceptions stand in the lists with their reasons; one that nothing needs any more fails too.
//! Here is what the rules share, and those of whole files.

mod arrows;
mod confined;
mod markup;
mod reading;
mod record;
mod tables;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// File, what, why.
type Exception = (&'static str, &'static str, &'static str);

struct File {
    path: String,
    text: String,
}

/// The files below these folders that end so, by path.
fn files(folders: &[&str], ending: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut waiting: Vec<_> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "node_modules" {
                waiting.push(path);
            } else if name.ends_with(ending) {
                found.push(File {
                    text: fs::read_to_string(&path).unwrap(),
                    path: path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"),
                });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 1, "no {ending} below {folders:?}");
    found
}

fn sources() -> Vec<File> {
    files(&["src"], ".rs")
}

/// Fails with everything that breaks a rule, in one go.
fn expect_kept(files: &[File], rule: impl Fn(&str, &str) -> Vec<String>) {
    let broken: Vec<String> = files.iter().flat_map(|file| rule(&file.path, &file.text)).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// An exception that is not needed any more is taken off its list.
fn expect_needed(exceptions: &[Exception], used: &BTreeSet<(String, String)>) {
    for (file, what, _) in exceptions {
        assert!(
            used.contains(&((*file).to_owned(), (*what).to_owned())),
            "{file} has no need of {what} any more: take the exception off its list"
        );
    }
}

fn is_excepted(exceptions: &[Exception], path: &str, what: &str) -> bool {
    exceptions
        .iter()
        .any(|(file, named, _)| *file == path && *named == what)
}

// ---- Whole files --------------------------------------------------------------------------------------------------

/// The most lines of a source file, its tests left out.
const MOST_LINES: usize = 700;

/// Longer ones: file, how long at most, why.
const LONG_FILES: &[(&str, usize, &str)] = &[
    (
        "src/db/schema.rs",
        2_000,
        "the list of all tables as diesel reads it: nobody reads it in one sitting",
    ),
    (
        "src/routes.rs",
        1_000,
        "the one table of all doors: whoever looks for a door looks in one place",
    ),
];

/// Every file opens with what it is.
fn opening(path: &str, text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    let told = first
        .strip_prefix("//! ")
        .is_some_and(|words| words.chars().count() > 10);
    if told {
        return Vec::new();
    }
    vec![format!(
        "{path} does not open with `//!` and a sentence that says what it is"
    )]
}

#[test]
fn every_file_opens_with_what_it_is() {
    expect_kept(&files(&["src", "tests", "benches"], ".rs"), opening);
}

#[test]
fn a_silent_file_is_seen() {
    assert_eq!(opening("src/x.rs", "use crate::id::Id;\n").len(), 1);
    assert_eq!(opening("src/x.rs", "//!\nuse crate::id::Id;\n").len(), 1);
    assert_eq!(opening("src/x.rs", "//! Ids: a UUIDv7 as text.\n").len(), 0);
}

/// Lines of a file before its tests.
fn lines_of(text: &str) -> usize {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count()
}

fn length(path: &str, text: &str) -> Vec<String> {
    let excepted = LONG_FILES.iter().find(|(file, ..)| *file == path);
    let most = excepted.map_or(MOST_LINES, |(_, most, _)| *most);
    match lines_of(text) {
        lines if lines > most => vec![format!(
            "{path} has {lines} lines, more than {most}: part it by concept"
        )],
        lines if excepted.is_some() && lines <= MOST_LINES => {
            vec![format!("{path} has {lines} lines: take it off the list of long files")]
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_file_is_read_in_one_sitting() {
    expect_kept(&files(&["src", "tests"], ".rs"), length);
}

#[test]
fn a_long_file_is_seen() {
    assert_eq!(length("src/x.rs", &"x\n".repeat(701)).len(), 1);
    assert_eq!(length("src/x.rs", &"x\n".repeat(700)).len(), 0);
    let with_tests = format!("{}#[cfg(test)]\n{}", "x\n".repeat(600), "x\n".repeat(600));
    assert_eq!(length("src/x.rs", &with_tests).len(), 0);
}
