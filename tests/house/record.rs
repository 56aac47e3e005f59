//! The record of who did what: every act in it has its words.

use std::collections::BTreeSet;
use std::fs;

use super::sources;

/// The acts that a file records: `noun.verb` in quotes, but not where a request is named: up to the end of its
/// statement, or in the field `name`.
fn acts(text: &str) -> BTreeSet<String> {
    let mut statements = text.split("Request::new(");
    let before = statements.next().into_iter();
    let after = statements.filter_map(|request| request.split_once(';').map(|(_, after)| after));
    let lines = before.chain(after).flat_map(str::lines);
    let quoted = lines
        .filter(|line| !line.trim_start().starts_with("name: \""))
        .flat_map(|line| line.split('"').skip(1).step_by(2));
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_file =
        |ending: &str| ["html", "js", "json", "sqlite", "typ", "xml", "pdf", "csv", "png", "jpg"].contains(&ending);
    quoted
        .filter(|text| {
            let parts = text.split_once('.');
            parts.is_some_and(|(noun, verb)| is_word(noun) && is_word(verb) && !is_file(verb))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_record_tells_every_act_in_words() {
    let words = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/access/web/audit.rs")).unwrap();
    let told = acts(&words);
    let untold: Vec<String> = sources()
        .iter()
        .flat_map(|file| acts(file.text.split("#[cfg(test)]").next().unwrap_or_default()))
        .filter(|act| !told.contains(act))
        .collect();
    assert_eq!(
        untold,
        Vec::<String>::new(),
        "these have no words in src/access/web/audit.rs"
    );
}

#[test]
fn an_act_is_seen() {
    let text = "Event::new(by, \"card.eaten\", subject)\nRequest::new(\nkey, \"card.eat\");\nname: \"card.bite\",\n\"card.html\" \"Card.x\"";
    assert_eq!(acts(text), BTreeSet::from(["card.eaten".to_owned()]));
}
