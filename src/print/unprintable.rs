//! Why something was not printed, in words for whoever wanted it printed.

use std::fmt;

use typst_layout::PagedDocument;

use super::{is_visible, walk};
use crate::error::{Refusal, Result};

/// At most so many missing characters are named at once.
const NAMED_AT_MOST: usize = 12;

/// Why something was not printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unprintable {
    /// No font has these characters.
    MissingCharacters(Vec<MissingCharacter>),
    /// A file that the township changed cannot be read as text.
    Unreadable(String),
    /// A template that the township changed has a mistake.
    Template {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1, in characters.
        column: usize,
        /// What is wrong, in typst's words.
        message: String,
    },
}

/// A character that no font has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingCharacter {
    /// The character.
    pub character: char,
    /// Where it stands: a few characters around it.
    pub near: String,
}

impl fmt::Display for Unprintable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unprintable::MissingCharacters(missing) => formatter.write_str(&lacking(missing, |one| {
                format!("{}，见“{}”", code(one.character), one.near)
            })),
            Unprintable::Unreadable(file) => write!(
                formatter,
                "没有打印：本地改过的模板 {file} 读不出来。请用 UTF-8 编码另存一次，看看程序能不能读这个文件，或移走它，用回原来的模板。"
            ),
            Unprintable::Template {
                file,
                line,
                column,
                message,
            } => write!(
                formatter,
                "没有打印：本地改过的模板 {file} 第{line}行第{column}列有错：{message}。请改正，或移走这个文件，用回原来的模板。"
            ),
        }
    }
}

impl Refusal for Unprintable {
    fn code(&self) -> &'static str {
        match self {
            Unprintable::MissingCharacters(_) => "missing_characters",
            Unprintable::Unreadable(_) | Unprintable::Template { .. } => "template_error",
        }
    }

    fn to_be_kept(&self) -> String {
        match self {
            Unprintable::MissingCharacters(missing) => lacking(missing, |one| code(one.character)),
            Unprintable::Unreadable(_) => self.to_string(),
            // Typst's words may quote what was to be printed.
            Unprintable::Template { file, line, column, .. } => format!(
                "没有打印：本地改过的模板 {file} 第{line}行第{column}列有错，单独打印这一份就能看到是什么错。请改正，或移走这个文件，用回原来的模板。"
            ),
        }
    }
}

/// What is missing, each character with what is said of it, and what to do: fonts are read when the program starts.
fn lacking(missing: &[MissingCharacter], told: impl Fn(&MissingCharacter) -> String) -> String {
    let named = missing.iter().take(NAMED_AT_MOST);
    let named: Vec<String> = named
        .map(|one| format!("“{}”（{}）", one.character, told(one)))
        .collect();
    let all = match missing.len() > NAMED_AT_MOST {
        true => format!("等{}个字", missing.len()),
        false => String::new(),
    };
    format!(
        "没有打印：字体里缺{}{all}。请把含有这些字的字体文件放进数据文件夹的 printables/fonts，重新启动后再打印。",
        named.join("、")
    )
}

fn code(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}

/// Refuses a document in which a glyph is the box that stands for what a font lacks.
pub(super) fn missing_of(document: &PagedDocument) -> Result<()> {
    let mut missing: Vec<MissingCharacter> = Vec::new();
    for page in document.pages() {
        walk(&page.frame, &mut |item| {
            for glyph in item.glyphs.iter().filter(|glyph| glyph.id == 0) {
                let cluster = item.text.get(glyph.range()).unwrap_or_default();
                for character in cluster.chars().filter(|character| is_visible(*character)) {
                    if missing.iter().all(|one| one.character != character) {
                        let before = item.text.get(..glyph.range().start).unwrap_or_default();
                        let after = item.text.get(glyph.range().start..).unwrap_or_default();
                        let mut near: Vec<char> = before.chars().rev().take(4).collect();
                        near.reverse();
                        near.extend(after.chars().take(5));
                        missing.push(MissingCharacter {
                            character,
                            near: near.into_iter().collect(),
                        });
                    }
                }
            }
        });
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Unprintable::MissingCharacters(missing).into()),
    }
}
