//! What the policy of pages forbids in templates: scripts and styles inside them, and text that is not escaped.

use super::{Exception, expect_kept, expect_needed, files, is_excepted};

/// Templates that put text into a page without escaping it: file, what, why.
const UNESCAPED: &[Exception] = &[
    (
        "templates/cards/issued.html",
        "drawing|safe",
        "the QR code's own drawing, made of digits by cards/qr.rs",
    ),
    (
        "templates/cards/issued.html",
        "bars|safe",
        "the bars' own drawing, made of digits by cards/bars.rs",
    ),
    (
        "templates/shop/try_scan.html",
        "square|safe",
        "the QR code's own drawing, made of digits by cards/qr.rs",
    ),
    (
        "templates/shop/try_scan.html",
        "bars|safe",
        "the bars' own drawing, made of digits by cards/bars.rs",
    ),
    (
        "templates/shop/try_scan.html",
        "goods|safe",
        "the bars' own drawing, made of digits by cards/bars.rs",
    ),
];

/// A template without its `{{ … }}`, `{% … %}` and `{# … #}`.
pub(super) fn without_code(text: &str) -> String {
    let mut left = text.to_owned();
    for (begin, end) in [("{#", "#}"), ("{{", "}}"), ("{%", "%}")] {
        while let Some(at) = left.find(begin) {
            let until = left[at..]
                .find(end)
                .map_or(left.len(), |length| at + length + end.len());
            // Lines keep their numbers.
            let lines = "\n".repeat(left[at..until].matches('\n').count());
            left.replace_range(at..until, &format!("\u{0}{lines}"));
        }
    }
    left
}

/// Each tag from `<` to `>`, and each text between.
pub(super) fn tags_and_texts(html: &str) -> (Vec<String>, Vec<String>) {
    let (mut tags, mut texts) = (Vec::new(), Vec::new());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        texts.push(rest[..at].to_owned());
        let end = rest[at..].find('>').map_or(rest.len(), |length| at + length + 1);
        tags.push(rest[at..end].to_owned());
        rest = &rest[end..];
    }
    texts.push(rest.to_owned());
    (tags, texts)
}

/// The attributes of a tag: name and value.
pub(super) fn attributes(tag: &str) -> Vec<(String, String)> {
    let inside = tag.trim_start_matches('<').trim_end_matches('>');
    let mut found = Vec::new();
    let mut rest = inside.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    while let Some(at) = rest.find("=\"") {
        let name = rest[..at].rsplit([' ', '\n', '\u{0}', '"']).next().unwrap_or_default();
        let value = &rest[at + 2..];
        let end = value.find('"').unwrap_or(value.len());
        found.push((name.to_owned(), value[..end].to_owned()));
        rest = value.get(end + 1..).unwrap_or_default();
    }
    found
}

/// What a content security policy without `unsafe-inline` would silently break, and what escapes escaping.
fn markup(path: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let (tags, texts) = tags_and_texts(&without_code(text));
    for tag in &tags {
        for (name, value) in attributes(tag) {
            if name == "style"
                || (name.starts_with("on") && name.len() > 2)
                || value.trim_start().starts_with("javascript:")
            {
                broken.push(format!(
                    "{path} has the attribute {name}=\"{value}\", which the policy forbids"
                ));
            }
        }
        if tag.starts_with("<style") || (tag.starts_with("<script") && !tag.contains(" src=")) {
            broken.push(format!(
                "{path} has {tag} with something inside, which the policy forbids"
            ));
        }
    }
    let scripts = tags
        .iter()
        .zip(texts.iter().skip(1))
        .filter(|(tag, _)| tag.starts_with("<script"));
    broken.extend(
        scripts
            .filter(|(_, inside)| !inside.trim().is_empty())
            .map(|(tag, _)| format!("{path} has a script inside {tag}")),
    );
    broken.extend(
        unescaped(text)
            .into_iter()
            .filter(|what| !is_excepted(UNESCAPED, path, what))
            .map(|what| format!("{path} puts {what} into the page without escaping it")),
    );
    broken
}

/// What a template puts in as it is: `drawing|safe`.
fn unescaped(text: &str) -> Vec<String> {
    let inside = text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    let filters = inside.map(|code| code.replace(' ', ""));
    filters
        .filter(|code| code.ends_with("|safe") || code.contains("|safe|"))
        .collect()
}

#[test]
fn templates_hold_nothing_that_the_policy_forbids() {
    let templates = files(&["templates"], ".html");
    expect_kept(&templates, markup);
    let used = templates
        .iter()
        .flat_map(|file| {
            let pieces = unescaped(&file.text).into_iter();
            pieces.map(|what| (file.path.clone(), what)).collect::<Vec<_>>()
        })
        .collect();
    expect_needed(UNESCAPED, &used);
}

#[test]
fn forbidden_markup_is_seen() {
    let seen = |text: &str| markup("templates/x.html", text).len();
    assert_eq!(seen("<p style=\"color: red\">"), 1);
    assert_eq!(seen("<button{% if a > b %} disabled{% endif %} onclick=\"go()\">"), 1);
    assert_eq!(seen("<a href=\"javascript:go()\">"), 1);
    assert_eq!(seen("<script>go()</script>"), 2);
    assert_eq!(seen("<script src=\"/static/x.js\">go()</script>"), 1);
    assert_eq!(seen("<style>p {}</style>"), 1);
    assert_eq!(seen("<p>{{ name | safe }}</p>"), 1);
    assert_eq!(
        seen("<script src=\"/static/x.js\" defer></script><p class=\"on\">{{ name }}</p>"),
        0
    );
}
