//! Characters: every standard one, all of GBK and extensions A to F, in the fonts of the program; one without a font; a font
//! that a town adds.

use std::fs;
use std::path::Path;

use jishan::print::Printer;
use serde_json::json;

use super::{press_with_fonts, sample, set};

/// 通用规范汉字表: the 8,105 standard characters, in its order (from Unihan's kTGH).
fn standard_characters() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/print/standard_characters.txt");
    fs::read_to_string(file).unwrap().split_whitespace().collect()
}

/// Every Chinese character and sign of GBK, which holds GB2312.
fn gbk() -> String {
    let mut all = String::new();
    for first in 0x81..=0xFE_u8 {
        for second in 0x40..=0xFE_u8 {
            let bytes = [first, second];
            let (text, _, has_errors) = encoding_rs::GBK.decode(&bytes);
            let is_private = |letter: char| ('\u{E000}'..='\u{F8FF}').contains(&letter);
            if !has_errors && text.chars().count() == 1 && !text.chars().any(is_private) {
                all.push_str(&text);
            }
        }
    }
    all
}

/// Extensions A to F as Unicode 10 closed them.
const EXTENSIONS: [(u32, u32); 6] = [
    (0x3400, 0x4DB5),
    (0x20000, 0x2A6D6),
    (0x2A700, 0x2B734),
    (0x2B740, 0x2B81D),
    (0x2B820, 0x2CEA1),
    (0x2CEB0, 0x2EBE0),
];

fn extensions() -> impl Iterator<Item = char> {
    EXTENSIONS
        .into_iter()
        .flat_map(|(first, last)| first..=last)
        .filter_map(char::from_u32)
}

/// A town's template that sets nothing but a text, in the faces of papers.
fn only_text(folder: &Path) -> Printer {
    fs::write(
        folder.join("text.typ"),
        "#import \"/lib.typ\": *\n#set page(width: 400mm, height: auto)\n#let data = json(\"/data.json\")\n\
         #for line in data.text.codepoints().chunks(200) { text(font: sans, size: 5pt, line.join()); linebreak() }\n\
         #for line in data.text.codepoints().chunks(200) { text(font: serif, weight: \"bold\", size: 5pt, line.join()); linebreak() }",
    )
    .unwrap();
    Printer::with_folder(folder.to_owned())
}

#[test]
fn every_standard_character_and_all_of_gbk_print_in_both_faces() {
    let folder = tempfile::tempdir().unwrap();
    let standard = standard_characters();
    assert_eq!(standard.chars().count(), 8_105);
    let gbk = gbk();
    assert!(gbk.chars().count() > 21_000, "{}", gbk.chars().count());
    let sheets = only_text(folder.path())
        .set("text.typ", &json!({"text": standard + &gbk}))
        .unwrap();
    assert!(sheets.text().contains('𬭎'));
}

#[test]
fn every_character_of_extensions_a_to_f_has_a_font_and_every_slice_unpacks() {
    let folder = tempfile::tempdir().unwrap();
    let printer = only_text(folder.path());
    let all: String = extensions().chain("𠮷㛃䶮𬭎".chars()).collect();
    printer.set("text.typ", &json!({"text": all})).unwrap();
}

#[test]
fn a_character_without_a_font_is_named_before_anything_is_printed() {
    let printer = press_with_fonts();
    let mut data = sample("statement");
    data["household"]["head_name"] = json!("王\u{E863}祥");
    let error = set(&printer, "statement", &data).err().unwrap();
    assert_eq!(error.code(), "missing_characters");
    let words = error.to_string();
    assert!(words.contains("U+E863") && words.contains('祥'), "{words}");
}

#[test]
fn a_font_in_the_towns_folder_is_used() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("fonts")).unwrap();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("node_modules/@expo-google-fonts/noto-serif-sc/700Bold/NotoSerifSC_700Bold.ttf");
    // A font of another name, of the same length, as fonts write their names.
    let wide = |name: &str| name.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let (old, new) = (wide("Noto Serif SC"), wide("Town Serif SC"));
    let mut font = fs::read(built_in).unwrap();
    let place = |font: &[u8]| font.windows(old.len()).position(|bytes| bytes == old);
    while let Some(at) = place(&font) {
        font[at..at + new.len()].copy_from_slice(&new);
    }
    fs::write(folder.path().join("fonts/town.ttf"), font).unwrap();
    let families = only_text(folder.path()).font_families();
    assert!(families.iter().any(|family| family == "Town Serif SC"), "{families:?}");
    assert_eq!(families.iter().filter(|family| *family == "Noto Serif SC").count(), 1);
}
