//! What people read: Chinese, with Chinese punctuation, in whole sentences, and numbers close to their words.

use regex::Regex;

use super::markup::{attributes, tags_and_texts, without_code};
use super::reading::read;
use super::{Exception, expect_kept, files, is_excepted, sources};

/// Words in Latin letters that stand on pages.
const LATIN_WORDS: &[&str] = &[
    // The name of the programme; what a file is; the file that shows the form of a scheme.
    "Jishan", "Excel", "XLSX", "xlsx", "samples", "scheme", "json",
];

/// Half-width signs between Chinese characters that are right there: file, the sign with its neighbours, why.
const HALF_WIDTH: &[Exception] = &[(
    "src/places/programme.rs",
    "名:端",
    "the form of an address, http://域名:端口",
)];

/// Files that hold patterns, in which half-width signs are no punctuation: file, why.
const PATTERNS: &[(&str, &str)] = &[
    (
        "src/scheme/validator/lexicon.rs",
        "what a rule may not say, as regular expressions",
    ),
    (
        "src/scheme/validator/concepts.rs",
        "the words of those regular expressions",
    ),
    (
        "src/scheme/validator/deeds.rs",
        "what people do, as regular expressions",
    ),
];

fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Half-width signs between two Chinese characters, with the characters around them.
fn half_width_signs(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let wrong = letters
        .windows(3)
        .filter(|three| is_han(three[0]) && ",;:?!()".contains(three[1]) && is_han(three[2]));
    wrong.map(|three| three.iter().collect()).collect()
}

/// Chinese sentences have Chinese punctuation, in templates, scripts and in what Rust says.
fn punctuation(path: &str, text: &str) -> Vec<String> {
    if PATTERNS.iter().any(|(file, _)| *file == path) {
        return Vec::new();
    }
    let before_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
    let told: Vec<(usize, String)> = match path.ends_with(".rs") {
        true => read(before_tests).quoted,
        false => (1..).zip(text.lines().map(str::to_owned)).collect(),
    };
    let wrong = told
        .iter()
        .flat_map(|(line, text)| half_width_signs(text).into_iter().map(move |signs| (line, signs)));
    wrong
        .filter(|(_, signs)| !is_excepted(HALF_WIDTH, path, signs))
        .map(|(line, signs)| format!("{path}:{line} has a half-width sign in “{signs}”"))
        .collect()
}

#[test]
fn chinese_sentences_have_chinese_punctuation() {
    expect_kept(&sources(), punctuation);
    expect_kept(&files(&["templates"], ".html"), punctuation);
    expect_kept(&files(&["static"], ".js"), punctuation);
}

#[test]
fn half_width_signs_are_seen() {
    let seen = |path: &str, text: &str| punctuation(path, text).len();
    assert_eq!(seen("src/x.rs", "let s = \"请核对,再试\";"), 1);
    assert_eq!(seen("src/x.rs", "let s = r#\"楼栋(单元\"#;"), 1);
    assert_eq!(seen("templates/x.html", "<p>户主:王建国?是</p>"), 2);
    // In comments the house writes English; beside figures and letters a half-width sign may be right.
    assert_eq!(
        seen(
            "src/x.rs",
            "// 网格员,楼栋长\nlet s = \"请核对，再试\"; let t = \"9:00—12:00\";"
        ),
        0
    );
    assert_eq!(seen("templates/x.html", "<p>{{ 1 }},{{ 2 }} 请用 CSV, XLSX</p>"), 0);
}

/// What an error says is a whole sentence.
fn unfinished(path: &str, text: &str) -> Vec<String> {
    let told = text
        .split("#[error(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    told.filter(|sentence| !sentence.ends_with('。'))
        .map(|sentence| format!("{path} says “{sentence}” without an end"))
        .collect()
}

#[test]
fn an_error_is_a_whole_sentence() {
    expect_kept(&sources(), unfinished);
}

#[test]
fn an_unfinished_sentence_is_seen() {
    assert_eq!(
        unfinished("src/x.rs", "#[error(\"请再试\")]\n#[error(\"请再试。\")]").len(),
        1
    );
}

/// A template without the blocks that hold classes for a tag of the layout.
fn without_classes(text: &str) -> String {
    let mut pieces = text.split("{% block ");
    let mut left = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let name = piece.split(' ').next().unwrap_or_default();
        let rest = match name.ends_with("_class") {
            true => piece.split_once("{% endblock %}").map_or("", |(_, rest)| rest),
            false => piece.split_once("%}").map_or("", |(_, rest)| rest),
        };
        left.push_str(rest);
    }
    left
}

/// Pages speak Chinese: what people read has no words in Latin letters but those on the list.
fn chinese(path: &str, text: &str) -> Vec<String> {
    let (tags, texts) = tags_and_texts(&without_code(&without_classes(text)));
    let read_aloud = ["alt", "title", "placeholder", "aria-label"];
    let spoken = tags
        .iter()
        .flat_map(|tag| attributes(tag))
        .filter_map(|(name, value)| read_aloud.contains(&name.as_str()).then_some(value));
    let shown: Vec<String> = texts.into_iter().chain(spoken).collect();
    let words = shown
        .iter()
        .flat_map(|text| text.split(|letter: char| !letter.is_ascii_alphabetic()));
    words
        .filter(|word| word.len() >= 4 && *word != "nbsp" && !LATIN_WORDS.contains(word))
        .map(|word| format!("{path} shows the word “{word}”"))
        .collect()
}

#[test]
fn pages_speak_chinese() {
    expect_kept(&files(&["templates"], ".html"), chinese);
}

#[test]
fn english_on_a_page_is_seen() {
    let seen = |text: &str| chinese("templates/x.html", text).len();
    assert_eq!(seen("<p>Please sign in</p>"), 2);
    assert_eq!(seen("{% block page %}Loading{% endblock %}"), 1);
    assert_eq!(seen("{% block page_class %} narrow{% endblock %}"), 0);
    assert_eq!(seen("<input placeholder=\"Search\" value=\"whatever\">"), 1);
    assert_eq!(
        seen("<p class=\"notice\">{{ household.people }}人&nbsp;{% if shell.person.is_some() %}{% endif %}</p>"),
        0
    );
}

/// Numbers stand close to the Chinese words around them: `第3号`, not `第 3 号`. What is filled in counts as a number; a space
/// between two of them, `第3项 王建国`, parts them.
fn spaced_numbers(path: &str, text: &str) -> Vec<String> {
    // A Latin word may end in a digit: `A4 纸`.
    let apart = Regex::new(r"(^|[^}])\p{Han} (\{\{|\d)|(\}\}|(^|[^A-Za-z\d-])\d+) \p{Han}").unwrap();
    let lines = (1..).zip(text.lines()).filter(|(_, line)| apart.is_match(line));
    lines
        .map(|(number, line)| format!("{path}:{number} {}", line.trim()))
        .collect()
}

#[test]
fn numbers_stand_close_to_their_words() {
    expect_kept(&files(&["templates"], ".html"), spaced_numbers);
}

#[test]
fn a_number_that_stands_apart_is_seen() {
    let seen = |text: &str| spaced_numbers("templates/x.html", text).len();
    for text in ["第 3号", "第{{ number }} 号", "共 {{ all }}户", "3 分"] {
        assert_eq!(seen(text), 1, "{text}");
    }
    for text in [
        "第3号",
        "第{{ number }}号 {{ name }}",
        "打印（A4 纸）",
        "{% if a %}户{% endif %} 好",
    ] {
        assert_eq!(seen(text), 0, "{text}");
    }
}
