//! The catalogue of each language has every message of the program, and no other.
//!
//! A message is what a template or a sentence of the source says between two values. With `JISHAN_MESSAGES=file` the test writes
//! those that are missing there, for whoever translates them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jishan::language::catalogue::is_chinese;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use regex::Regex;

use crate::town::{Town, on_both};

/// Source whose Chinese is on no page: file or folder, and why.
const NOT_ON_PAGES: &[(&str, &str)] = &[
    ("src/demo", "a made-up town's data"),
    ("src/scheme/validator/lexicon.rs", "words that are looked for in rules"),
    (
        "src/scheme/validator/concepts.rs",
        "patterns that are looked for in rules",
    ),
    ("src/scheme/validator/deeds.rs", "patterns that are looked for in rules"),
    ("src/scheme/validator/wording.rs", "the one form of a text"),
    (
        "src/council/public_text/words.rs",
        "words that are looked for in sentences",
    ),
    (
        "src/council/public_text/names.rs",
        "names that are looked for in sentences",
    ),
    ("src/config.rs", "the command line"),
    ("src/main.rs", "the command line"),
    ("src/print.rs", "papers are Chinese, and so is what stops them"),
    ("src/print", "papers are Chinese"),
];
/// And what of it is on pages all the same: the strip of the demo.
const YET_ON_PAGES: [&str; 2] = ["src/demo/clock.rs", "src/demo/web.rs"];

/// Where a value stands, and where a template's decision begins or ends, while a template is taken apart.
const VALUE: char = '\u{e000}';
const DECISION: char = '\u{e001}';

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Numbers the values of a message; two side by side are one.
fn key(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (mut key, mut count, mut after_value) = (String::new(), 0, false);
    for one in text.chars() {
        match (one, after_value) {
            (VALUE, true) => continue,
            (VALUE, false) => {
                key.push_str(&format!("{{{count}}}"));
                count += 1;
            }
            (other, _) => key.push(other),
        }
        after_value = one == VALUE;
    }
    key.chars().any(is_chinese).then_some(key)
}

fn in_template(text: &str) -> BTreeSet<String> {
    let comment = Regex::new(r"(?s)\{#.*?#\}|<!--.*?-->").unwrap();
    let expression = Regex::new(r"(?s)\{\{.*?\}\}").unwrap();
    let decision = Regex::new(r"(?s)\{%.*?%\}").unwrap();
    let quoted = Regex::new(r#""([^"]*)""#).unwrap();
    let tag = Regex::new(r"(?s)<[^>]*>").unwrap();
    let attribute = Regex::new(r#"(?s)\b(?:alt|aria-label|data-label|placeholder|title)="([^"]*)""#).unwrap();
    let kept = Regex::new(r#"(?s)<option>[^<]*</option>|<[^>]*translate="no"[^>]*>[^<]*<"#).unwrap();
    let mut found = BTreeSet::new();
    let text = comment.replace_all(text, "");
    for inside in expression.find_iter(&text).chain(decision.find_iter(&text)) {
        found.extend(
            quoted
                .captures_iter(inside.as_str())
                .filter_map(|words| in_sentence(&words[1])),
        );
    }
    let text = expression.replace_all(&text, VALUE.to_string());
    let text = decision.replace_all(&text, DECISION.to_string());
    let text = kept.replace_all(&text, "<i>");
    let attributes = attribute
        .captures_iter(&text)
        .map(|words| words[1].to_owned())
        .collect::<Vec<_>>();
    let words = tag.replace_all(&text, DECISION.to_string());
    let all = attributes.iter().map(String::as_str).chain([words.as_ref()]);
    found.extend(all.flat_map(|text| text.split(DECISION)).filter_map(key));
    found
}

fn in_source(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    literals(text.parse().unwrap(), &mut found);
    found
}

fn literals(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let mut tokens = tokens.into_iter().peekable();
    let mut only_in_tests = false;
    while let Some(token) = tokens.next() {
        match token {
            // An attribute: a doc comment, an address, a note to the compiler.
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                if matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '!') {
                    tokens.next();
                }
                if let Some(TokenTree::Group(group)) = tokens.next() {
                    only_in_tests |= group.stream().to_string().replace(' ', "") == "cfg(test)";
                }
            }
            TokenTree::Group(group) => {
                let skipped = only_in_tests && group.delimiter() == Delimiter::Brace;
                if skipped {
                    only_in_tests = false;
                } else {
                    literals(group.stream(), found);
                }
            }
            TokenTree::Literal(literal) => {
                if let Ok(words) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    found.extend(in_sentence(&words.value()));
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// A sentence of the source: what `format!` and chrono put into it are values.
fn in_sentence(text: &str) -> Option<String> {
    let value = Regex::new(r"\{[A-Za-z0-9_.]*(?::[^{}]*)?\}|%-?[A-Za-z]").unwrap();
    let text = text.replace("{{", "\u{e002}").replace("}}", "\u{e003}");
    let text = value.replace_all(&text, VALUE.to_string());
    key(&text.replace('\u{e002}', "｛").replace('\u{e003}', "｝"))
}

/// The sentences of a script, t`…${value}…`, and what it says without asking for them.
fn in_script(text: &str) -> (BTreeSet<String>, Vec<String>) {
    let comment = Regex::new(r"(?m)(^|\s)//.*$").unwrap();
    let sentence = Regex::new(r"\bt`([^`]*)`").unwrap();
    let value = Regex::new(r"\$\{[^{}]*\}").unwrap();
    let text = comment.replace_all(text, "");
    let numbered = |words: &str| {
        let mut parts = value.split(words);
        let first = parts.next().unwrap_or_default().to_owned();
        parts
            .enumerate()
            .fold(first, |key, (at, part)| format!("{key}{{{at}}}{part}"))
    };
    let found = sentence.captures_iter(&text).map(|words| numbered(&words[1])).collect();
    let rest = sentence.replace_all(&text, "");
    let unasked = rest
        .lines()
        .filter(|line| line.chars().any(is_chinese))
        .map(str::to_owned);
    (found, unasked.collect())
}

/// What scripts say in a language: the one object of its file.
fn sentences(language: &str) -> BTreeMap<String, String> {
    let file = fs::read_to_string(format!("static/sentences.{language}.js")).unwrap();
    let (from, to) = (file.find('{').unwrap(), file.rfind('}').unwrap());
    serde_json::from_str(&file[from..=to]).unwrap()
}

/// Every message, and a file in which it stands.
fn messages() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut add = |path: &Path, found: BTreeSet<String>| {
        for message in found {
            all.entry(message).or_insert_with(|| path.display().to_string());
        }
    };
    for path in files("templates", "html") {
        add(&path, in_template(&fs::read_to_string(&path).unwrap()));
    }
    for path in files("src", "rs") {
        let is_left_out = |(place, _): &(&str, &str)| path.starts_with(place);
        if YET_ON_PAGES.iter().any(|file| path == Path::new(file)) || !NOT_ON_PAGES.iter().any(is_left_out) {
            add(&path, in_source(&fs::read_to_string(&path).unwrap()));
        }
    }
    all
}

fn catalogue(language: &str) -> BTreeMap<String, String> {
    let file = fs::read_to_string(format!("languages/{language}.json")).unwrap();
    serde_json::from_str(&file).unwrap()
}

/// How often each value stands in a text.
fn values(text: &str) -> BTreeSet<String> {
    let value = Regex::new(r"\{(\d+)").unwrap();
    value.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn every_message_is_in_the_english_catalogue() {
    let (messages, known) = (messages(), catalogue("en"));
    let missing: BTreeMap<_, _> = messages.iter().filter(|(key, _)| !known.contains_key(*key)).collect();
    if let Ok(file) = std::env::var("JISHAN_MESSAGES") {
        fs::write(file, serde_json::to_string_pretty(&missing).unwrap()).unwrap();
    }
    let first: Vec<_> = missing.iter().take(20).collect();
    assert!(
        missing.is_empty(),
        "{} messages have no English: {first:#?}",
        missing.len()
    );
    let stale: Vec<_> = known.keys().filter(|key| !messages.contains_key(*key)).collect();
    assert!(stale.is_empty(), "nothing says these any more: {stale:#?}");
}

#[test]
fn every_sentence_of_a_script_has_its_english() {
    let mut said = BTreeSet::new();
    for path in files("static", "js") {
        let (found, unasked) = match path.to_string_lossy().contains("sentences.") {
            true => continue,
            false => in_script(&fs::read_to_string(&path).unwrap()),
        };
        assert!(
            unasked.is_empty(),
            "{} says outside of t`…`: {unasked:#?}",
            path.display()
        );
        said.extend(found);
    }
    let known: BTreeSet<String> = sentences("en").into_keys().collect();
    let missing: Vec<_> = said.difference(&known).collect();
    assert!(missing.is_empty(), "no English for {missing:#?}");
    let stale: Vec<_> = known.difference(&said).collect();
    assert!(stale.is_empty(), "no script says these any more: {stale:#?}");
}

#[test]
fn a_translation_is_english_and_names_values_that_are_there() {
    let wrong: Vec<_> = catalogue("en")
        .into_iter()
        .chain(sentences("en"))
        .filter(|(key, said)| {
            said.trim().is_empty() || said.chars().any(is_chinese) || !values(said).is_subset(&values(key))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn messages_are_found_where_they_stand() {
    let template = "<p title=\"{{ name }}的照片\">共{{ a }}{{ b }}户{% if x == \"甲\" %}，其中{{ c }}户<b>已公示</b>{% endif %}</p>";
    let found: Vec<String> = in_template(template).into_iter().collect();
    assert_eq!(found, ["{0}的照片", "共{0}户", "已公示", "甲", "，其中{0}户"]);
    let source = r##"//! 甲
        /// 乙
        fn of() { format!("还剩{left}分，{}%Y年", 1); say("丙"); }
        #[cfg(test)] mod tests { fn no() { "丁" } }"##;
    let found: Vec<String> = in_source(source).into_iter().collect();
    assert_eq!(found, ["丙", "还剩{0}分，{1}年"]);
    let script = "// 甲\nsay(t`${name}最多${MOST - 1}件`, '乙'); // 丙\n";
    let (found, unasked) = in_script(script);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["{0}最多{1}件"]);
    assert!(unasked.len() == 1 && unasked[0].contains("乙"));
}

on_both! {
    async fn a_page_is_read_in_the_language_that_was_chosen(town: Town) {
        let stranger = town.stranger();
        let page = stranger.get("/sign-in").await;
        assert!(page.text.contains("<html lang=\"zh-Hans\">") && page.text.contains("登录") && page.text.contains(">English<"));
        let answer = stranger.post_bare("/language", &[("language", "en"), ("back", "/notices")]).await;
        assert_eq!(answer.location(), "/notices");
        assert!(answer.header("set-cookie").starts_with("jishan-language=en;"));
        let reader = stranger.with_cookie("jishan-language=en");
        let page = reader.get("/sign-in").await;
        assert!(page.text.contains("<html lang=\"en\">") && page.text.contains("Sign in") && page.text.contains(">中文<"));
        assert!(!page.text.contains("登录"));
        // A refusal too, and what was typed comes back as it was typed.
        let refused = reader.post_bare("/sign-in", &[("name", "登录"), ("password", "x")]).await;
        assert!(refused.text.contains("value=\"登录\"") && !refused.text.contains("密码"), "{}", refused.text);
        // Another site cannot be come back to, and another language is none.
        let elsewhere = stranger.post_bare("/language", &[("language", "xx"), ("back", "//elsewhere.example/")]).await;
        assert_eq!(elsewhere.location(), "/");
        assert!(elsewhere.header("set-cookie").starts_with("jishan-language=zh-Hans;"));
    }
}
