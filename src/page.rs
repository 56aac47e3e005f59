//! Page furniture: what every page has, and how an answer becomes a response.
//!
//! A page is a struct with a template directly above its handler, in a room's `web.rs`. It holds a [`Shell`], which the
//! layout reads. Nothing here knows a room.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::clock::Day;
use crate::error::{Error, FieldError};

/// What the layout shows around a page.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// What the programme is called.
    pub programme: String,
    /// Who is signed in, as people read it.
    pub person: Option<String>,
    /// The duties of the person, as people read them.
    pub duties: String,
    /// Where the person may go.
    pub links: Vec<Link>,
    /// Does the person work a till? Then nothing may wait there when the person leaves.
    pub has_till: bool,
    /// The token that the session's forms carry.
    pub csrf: String,
    /// The path of this page, to mark it in the navigation.
    pub path: String,
    /// The strip above every page of the demo.
    pub demo: Option<DemoStrip>,
    /// How large a household reads its own pages.
    pub text: TextSize,
    /// The language in which the page is read. Templates are written in Chinese whatever it is.
    pub language: Language,
}

/// A language in which pages can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// As the pages are written.
    #[default]
    Chinese,
    /// Through the catalogue.
    English,
}

impl Language {
    /// The language that a form or a cookie names; Chinese for anything else.
    #[must_use]
    pub fn named(word: &str) -> Language {
        match word {
            "en" => Language::English,
            _ => Language::Chinese,
        }
    }

    /// Its tag, also as a page's `lang` (BCP 47).
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Language::Chinese => "zh-Hans",
            Language::English => "en",
        }
    }

    /// The other one, to change to.
    #[must_use]
    pub fn other(self) -> Language {
        match self {
            Language::Chinese => Language::English,
            Language::English => Language::Chinese,
        }
    }

    /// What it calls itself.
    #[must_use]
    pub fn own_name(self) -> &'static str {
        match self {
            Language::Chinese => "中文",
            Language::English => "English",
        }
    }
}

/// How large the letters of a household's own pages are. Whoever chose larger ones sees one thing a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextSize {
    /// As all pages.
    #[default]
    Usual,
    /// For old eyes.
    Large,
    /// For very old eyes.
    Huge,
}

impl TextSize {
    /// The size that a form or a cookie names; the usual one for anything else.
    #[must_use]
    pub fn named(word: &str) -> TextSize {
        match word {
            "large" => TextSize::Large,
            "huge" => TextSize::Huge,
            _ => TextSize::Usual,
        }
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            TextSize::Usual => "usual",
            TextSize::Large => "large",
            TextSize::Huge => "huge",
        }
    }

    /// Is it the view for elders?
    #[must_use]
    pub fn is_elders(self) -> bool {
        self != TextSize::Usual
    }
}

/// What day it is in the demo, and where one can move it to.
#[derive(Clone, Debug)]
pub struct DemoStrip {
    /// The day, as people read it.
    pub today: String,
    /// Days to move to, each with what its button says.
    pub moves: Vec<(Day, String)>,
    /// The page to come back to.
    pub back: String,
}

/// A place to go.
#[derive(Clone, Debug)]
pub struct Link {
    /// The address.
    pub href: &'static str,
    /// What people read.
    pub label: &'static str,
    /// Other addresses whose pages stand under it in the menu.
    pub also: &'static [&'static str],
}

impl Shell {
    /// Does a page that households share with others show itself in larger letters? In a browser in which one chose them, and
    /// in which nobody of the staff works.
    #[must_use]
    pub fn is_for_elders(&self) -> bool {
        self.text.is_elders() && self.person.is_none()
    }

    /// Is this link the page we are on, or the nearest one above it?
    #[must_use]
    pub fn is_here(&self, link: &Link) -> bool {
        let nearest = self.links.iter().max_by_key(|link| link.above(&self.path));
        link.above(&self.path) > 0 && nearest.is_some_and(|nearest| nearest.href == link.href)
    }
}

impl Link {
    /// How much of a path one of the link's addresses is; 0 when the path does not stand under it.
    fn above(&self, path: &str) -> usize {
        let below = |address: &&&str| {
            let rest = path.strip_prefix(**address);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let addresses = std::iter::once(&self.href).chain(self.also);
        addresses.filter(below).map(|address| address.len()).max().unwrap_or(0)
    }
}

/// Renders a page with status 200.
///
/// # Errors
/// `Internal` when the template fails.
pub fn show(page: &impl Template) -> Result<Response, Error> {
    show_with(StatusCode::OK, page)
}

/// Renders a page with another status, for example a form with what is wrong in it.
///
/// # Errors
/// `Internal` when the template fails.
pub fn show_with(status: StatusCode, page: &impl Template) -> Result<Response, Error> {
    let html = page.render().map_err(Error::internal)?;
    Ok((status, Html(html)).into_response())
}

/// Sends the browser to another page after something was done.
#[must_use]
pub fn go(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// A workbook to take along, named by what it is, in Chinese and in a word for old programs, and by which one it is.
///
/// # Errors
/// `Internal` for a name that no header holds.
pub fn workbook(title: &str, word: &str, which: &str, bytes: Vec<u8>) -> Result<Response, Error> {
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let spelled: String = format!("{title}-{which}.xlsx")
        .bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() || b".-".contains(&byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    let name = format!("attachment; filename=\"{word}-{which}.xlsx\"; filename*=UTF-8''{spelled}");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&name).map_err(Error::internal)?,
        ),
    ];
    Ok((headers, bytes).into_response())
}

/// A photograph that we wrote ourselves, for a page or to be looked at alone: a browser is told what it is, and to take it for
/// nothing else.
#[must_use]
pub fn photograph(media_type: &'static str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("inline; filename=\"photo.jpg\""),
        ),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ),
        // The page that a browser itself makes around a picture has styles inside, and fits the picture to the phone by
        // them. There is nothing else on it, so nothing else may be loaded.
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            ),
        ),
    ];
    (headers, bytes).into_response()
}

/// What was wrong with a form, shown above it and beside its fields.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// Sentences for above the form.
    pub sentences: Vec<String>,
    fields: Vec<FieldError>,
}

impl Problems {
    /// What is wrong with this field, if anything.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<&str> {
        let found = self.fields.iter().find(|error| error.field == field);
        found.map(|error| error.message.as_str())
    }

    /// Is there nothing to say?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sentences.is_empty()
    }

    /// Takes from an error what the person at the form can mend; other errors go on.
    ///
    /// # Errors
    /// The error itself when it is not about the form.
    pub fn from_error(error: Error) -> Result<(StatusCode, Problems), Error> {
        match error {
            Error::Invalid(fields) => Ok((
                StatusCode::UNPROCESSABLE_ENTITY,
                Problems {
                    sentences: fields.iter().map(|field| field.message.clone()).collect(),
                    fields,
                },
            )),
            Error::Refused(refusal) => Ok((
                StatusCode::CONFLICT,
                Problems {
                    sentences: vec![refusal.to_string()],
                    fields: Vec::new(),
                },
            )),
            Error::Forbidden(why) => Ok((
                StatusCode::FORBIDDEN,
                Problems {
                    sentences: vec![why.to_owned()],
                    fields: Vec::new(),
                },
            )),
            other => Err(other),
        }
    }
}

/// The page that an error becomes.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    shell: Shell,
    title: &'static str,
    sentences: Vec<String>,
    reference: Option<String>,
}

/// The status of an error, on pages and in the API alike.
#[must_use]
pub fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::Refused(_) => StatusCode::CONFLICT,
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Internal(..) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Shows an error as a page. `reference` names the logged cause of an internal error.
#[must_use]
pub fn show_error(shell: Shell, status: StatusCode, error: &Error, reference: Option<String>) -> Response {
    let (title, sentences) = match error {
        Error::NotFound => ("没有找到", vec!["没有这个页面，或者您没有查看它的权限。".to_owned()]),
        Error::Forbidden(why) => ("不能办理", vec![(*why).to_owned()]),
        Error::Refused(refusal) => ("未能办理", vec![refusal.to_string()]),
        Error::Invalid(fields) => (
            "请核对后再试",
            fields.iter().map(|field| field.message.clone()).collect(),
        ),
        Error::Internal(..) => (
            "系统出错",
            vec!["刚才的操作没有完成，也没有留下一半。请稍后再试；如果仍然不行，请把下面的编号告诉管理员。".to_owned()],
        ),
    };
    let page = ErrorPage {
        shell,
        title,
        sentences,
        reference,
    };
    show_with(status, &page).unwrap_or_else(|_| status.into_response())
}
