//! Languages: pages are written once, in Chinese, and read in English through a catalogue (`languages/en.json`).
//!
//! A page that leaves the house for somebody who chose English is read from its beginning to its end, and each text in it is
//! looked up. No template knows of it. Data stays as it was typed, and so does everything a form would send back. A script
//! looks up itself what it says (`static/words.js`), in a file of the language that such a page names.
//! `tests/languages.rs` holds the catalogue against every message of templates and source.

pub mod catalogue;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::OnceLock;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use lol_html::errors::RewritingError;
use lol_html::html_content::{ContentType, TextType};
use lol_html::{RewriteStrSettings, doc_text, element, end_tag, rewrite_str};
use serde::Deserialize;
use serde_json::Value;

use self::catalogue::Catalogue;
use crate::app::App;
use crate::error::{Error, Result};
use crate::guard::{cookie, with_cookie};
use crate::page::{self, Language, Shell};
use crate::sent::{OpenForm, local_path};

/// Which language a reader chose; no secret.
const COOKIE: &str = "jishan-language";

/// The language that a request asks for.
#[must_use]
pub fn of(headers: &HeaderMap) -> Language {
    Language::named(cookie(headers, COOKIE).unwrap_or_default())
}

/// A form of the choice.
#[derive(Deserialize)]
pub struct Choice {
    #[serde(default)]
    language: String,
    #[serde(default)]
    back: String,
}

/// Remembers which language a reader chose.
///
/// # Errors
/// Only when the database fails.
pub async fn choose(State(app): State<App>, OpenForm(choice): OpenForm<Choice>) -> Result<Response> {
    let programme = app.programme().await?;
    let public = programme.map(|programme| programme.address).unwrap_or_default();
    let response = page::go(local_path(&choice.back).unwrap_or("/"));
    let word = Language::named(&choice.language).tag();
    Ok(with_cookie(response, COOKIE, word, &public))
}

/// Around every door: pages for readers of another language are read out to them, and what scripts are answered too.
pub async fn read_out(request: Request, next: Next) -> Response {
    let language = of(request.headers());
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_kind = |wanted: &[&str]| {
        kind.and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| wanted.iter().any(|wanted| kind.starts_with(wanted)))
    };
    let is_page = is_kind(&["text/html"]);
    let (true, Some(catalogue)) = (is_page || is_kind(&ANSWERS), of_language(language)) else {
        return response;
    };
    let (mut parts, body) = response.into_parts();
    // A page lies in memory already.
    let page = match to_bytes(body, usize::MAX).await {
        Ok(page) => page,
        Err(error) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return page::show_error(Shell::default(), status, &Error::internal(error), None);
        }
    };
    let text = String::from_utf8_lossy(&page);
    let said = match is_page {
        true => page_in(catalogue, language, &text).map_err(|error| error.to_string()),
        false => answer_in(catalogue, &text).map_err(|error| error.to_string()),
    };
    let body = match said {
        Ok(said) => Body::from(said),
        Err(error) => {
            tracing::error!("a page is left in Chinese: {error}");
            Body::from(page)
        }
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.append(header::VARY, HeaderValue::from_static("cookie"));
    Response::from_parts(parts, body)
}

fn of_language(language: Language) -> Option<&'static Catalogue> {
    static ENGLISH: OnceLock<Option<Catalogue>> = OnceLock::new();
    let read = || match Catalogue::read(include_str!("../languages/en.json")) {
        Ok(catalogue) => Some(catalogue),
        Err(error) => {
            tracing::error!("the catalogue cannot be read: {error}");
            None
        }
    };
    match language {
        Language::Chinese => None,
        Language::English => ENGLISH.get_or_init(read).as_ref(),
    }
}

/// Attributes that people read.
const READ_ALOUD: [&str; 5] = ["alt", "aria-label", "data-label", "placeholder", "title"];

/// Kinds of answers to scripts.
const ANSWERS: [&str; 2] = ["application/json", "application/problem+json"];
/// What in such an answer a script shows as a sentence.
const SENTENCES: [&str; 2] = ["detail", "text"];

/// An answer to a script, its sentences in another language.
fn answer_in(catalogue: &Catalogue, json: &str) -> serde_json::Result<String> {
    let mut answer: Value = serde_json::from_str(json)?;
    let mut parts = vec![&mut answer];
    while let Some(part) = parts.pop() {
        match part {
            Value::Array(array) => parts.extend(array),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if SENTENCES.contains(&name.as_str()) => {
                            if let Some(said) = catalogue.say(text) {
                                *text = said;
                            }
                        }
                        other => parts.push(other),
                    }
                }
            }
            _ => {}
        }
    }
    serde_json::to_string(&answer)
}

/// A page in another language. Texts of scripts, of what a form sends back, and of whatever says `translate="no"` stay.
fn page_in(catalogue: &Catalogue, language: Language, html: &str) -> std::result::Result<String, RewritingError> {
    let kept = Rc::new(Cell::new(0usize));
    let has_sentences = Cell::new(false);
    let (keeping, text, mut before) = (Rc::clone(&kept), RefCell::new(String::new()), Before::default());
    rewrite_str(
        html,
        RewriteStrSettings {
            element_content_handlers: vec![
                element!("html", move |html| Ok(html.set_attribute("lang", language.tag())?)),
                // Scripts find their sentences in a file of the language, `static/words.js`.
                element!("script[type=module]", move |script| {
                    if !has_sentences.replace(true) {
                        let source = format!("<script src=\"/static/sentences.{}.js\"></script>", language.tag());
                        script.before(&source, ContentType::Html);
                    }
                    Ok(())
                }),
                element!("textarea, option:not([value]), [translate=no]", move |element| {
                    keeping.set(keeping.get().saturating_add(1));
                    let done = Rc::clone(&keeping);
                    let end = end_tag!(move |_| {
                        done.set(done.get().saturating_sub(1));
                        Ok(())
                    });
                    element.on_end_tag(end)
                }),
                element!(
                    "[alt], [aria-label], [data-label], [placeholder], [title]",
                    move |element| {
                        for name in READ_ALOUD {
                            let said = element
                                .get_attribute(name)
                                .and_then(|text| catalogue.say(&decoded(&text)));
                            if let Some(said) = said {
                                element.set_attribute(name, &said)?;
                            }
                        }
                        Ok(())
                    }
                ),
            ],
            document_content_handlers: vec![doc_text!(move |chunk| {
                if !matches!(chunk.text_type(), TextType::Data | TextType::RCData) || kept.get() > 0 {
                    return Ok(());
                }
                let mut text = text.borrow_mut();
                text.push_str(chunk.as_str());
                if !chunk.last_in_text_node() {
                    chunk.remove();
                    return Ok(());
                }
                let whole = std::mem::take(&mut *text);
                let said = catalogue.say(&decoded(&whole)).map(|said| set_as(&whole, &said));
                let space = before.space(said.as_deref().unwrap_or(&whole), said.is_some());
                match said {
                    Some(said) => chunk.replace(&format!("{space}{said}"), ContentType::Text),
                    None => chunk.replace(&format!("{space}{whole}"), ContentType::Html),
                }
                Ok(())
            })],
            ..RewriteStrSettings::new()
        },
    )
}

/// What is said, with a space where the text had one before or behind it.
fn set_as(text: &str, said: &str) -> String {
    let space = |had: bool| if had { " " } else { "" };
    let (before, behind) = (
        text.starts_with(char::is_whitespace),
        text.ends_with(char::is_whitespace),
    );
    format!("{}{said}{}", space(before), space(behind))
}

/// What the text before a text ended with, and whether it was said in the language.
#[derive(Default)]
struct Before {
    end: Option<char>,
    was_said: bool,
}

impl Before {
    /// The space between the text before and this one: words stand apart, which Chinese does without.
    fn space(&mut self, text: &str, is_said: bool) -> &'static str {
        let ends = |one: char| one.is_alphanumeric() || matches!(one, ',' | '.' | ':' | ';' | ')' | '!' | '?');
        let begins = text.starts_with(|one: char| one.is_alphanumeric() || one == '(');
        let apart = begins && (is_said || self.was_said) && self.end.is_some_and(ends);
        (self.end, self.was_said) = (text.chars().next_back(), is_said);
        if apart { " " } else { "" }
    }
}

/// Text without the escapes of HTML, of which templates write these.
fn decoded(text: &str) -> String {
    let named = [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    let mut decoded: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (escape, character) in named {
        decoded = decoded.replace(escape, character);
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_out_and_a_form_sends_what_it_would() {
        let catalogue = Catalogue::read(
            r#"{"积分": "points", "遗失": "lost", "{0}的照片": "photograph of {0}", "退出": "Sign out", "“{0}”": "“{0}”"}"#,
        )
        .unwrap();
        let html = "<!doctype html><html lang=\"zh-Hans\"><title>积分</title><p>现有<b>3</b>积分</p>\
            <img alt=\"&#34;A&#34;的照片\"><textarea>积分</textarea><option>遗失</option><option value=\"x\">遗失</option>\
            <input value=\"积分\"><script>积分</script><button>\n 退出\n</button><i translate=\"no\">积分</i>";
        let said = page_in(&catalogue, Language::English, html).unwrap();
        assert_eq!(
            said,
            "<!doctype html><html lang=\"en\"><title>points</title><p> 现有<b>3</b> points</p>\
            <img alt=\"photograph of &quot;A&quot;\"><textarea>积分</textarea><option>遗失</option><option value=\"x\"> lost</option>\
            <input value=\"积分\"><script>积分</script><button> Sign out </button><i translate=\"no\">积分</i>"
        );
    }
}
