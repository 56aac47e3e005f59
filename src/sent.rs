//! What a request sent: its path, query, form, file or JSON, read and refused in our words.
//!
//! The extractors of axum answer an unreadable request in English and as plain text. These answer it as an
//! [`Error`], which the guard turns into a page or a problem. A text with a zero character in it is unreadable: PostgreSQL
//! keeps none, so neither database is asked to.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::app::{App, Visitor};
use crate::error::{Error, Result};
use crate::guard::problem;

/// A parameter of the path. One that cannot be read names nothing.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Path<T>> {
        let read = axum::extract::Path::from_request_parts(parts, app).await;
        read.map(|axum::extract::Path(value)| Path(value))
            .map_err(|_| Error::NotFound)
    }
}

/// The parameters after the question mark.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Query<T>> {
        let read = axum::extract::Query::from_request_parts(parts, app).await;
        read.map(|axum::extract::Query(value)| Query(value))
            .map_err(|_| Error::invalid("query", "网址里的参数不对，请从页面上的链接进入。"))
    }
}

/// A form of a page that is open to everybody, which therefore has no session to belong to.
pub struct OpenForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for OpenForm<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<OpenForm<T>> {
        fields(&form_bytes(request, app).await?).map(OpenForm)
    }
}

/// A form that is only a button.
#[derive(serde::Deserialize)]
pub struct NoFields {}

/// A form that was sent from one of our own pages: its `csrf` field belongs to the visitor's session.
pub struct SignedForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for SignedForm<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<SignedForm<T>> {
        #[derive(serde::Deserialize)]
        struct Token {
            #[serde(default)]
            csrf: String,
        }
        let expected = request
            .extensions()
            .get::<Visitor>()
            .map(|visitor| visitor.shell.csrf.clone());
        let bytes = form_bytes(request, app).await?;
        let sent: Token = fields(&bytes)?;
        if expected.is_none_or(|expected| expected != sent.csrf) {
            return Err(STALE_FORM);
        }
        fields(&bytes).map(SignedForm)
    }
}

/// The form's session has ended, or the form is not ours.
pub const STALE_FORM: Error = Error::Forbidden("页面已过期，请刷新页面后重新提交。");

async fn form_bytes(request: Request, app: &App) -> Result<Bytes> {
    let bytes = Bytes::from_request(request, app)
        .await
        .map_err(|_| Error::invalid("form", "提交的内容太大或没有传完，请重试。"))?;
    match bytes.contains(&0) || holds(&bytes, b"%00") {
        true => Err(unreadable()),
        false => Ok(bytes),
    }
}

fn fields<T: DeserializeOwned>(bytes: &Bytes) -> Result<T> {
    serde_urlencoded::from_bytes(bytes).map_err(|_| unreadable())
}

fn unreadable() -> Error {
    Error::invalid("form", "提交的内容不完整，请返回重填。")
}

/// Is the word somewhere in the bytes?
pub fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}

/// A path of our own, so that nobody is sent elsewhere.
#[must_use]
pub fn local_path(next: &str) -> Option<&str> {
    // Browsers read a backslash as a slash and leave out tabs and line breaks.
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (plain && next.starts_with('/') && !next.starts_with("//")).then_some(next)
}

/// A form with a file.
pub struct Multipart(pub axum::extract::Multipart);

impl FromRequest<App> for Multipart {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Multipart> {
        let read = axum::extract::Multipart::from_request(request, app).await;
        read.map(Multipart).map_err(|_| unreadable())
    }
}

/// What a form sent that may bring files, with or without some: its fields in their order, and its files.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    fields: Vec<(String, String)>,
    files: Vec<(String, Bytes)>,
}

impl Sent {
    /// The first field of this name, or nothing.
    #[must_use]
    pub fn one(&self, name: &str) -> &str {
        let named = self.fields.iter().find(|(field, _)| field == name);
        named.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// All fields of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.fields.iter().filter(move |(field, _)| field == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The files of this field; a field that was left empty brings none.
    pub fn files<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> {
        let named = self.files.iter().filter(move |(field, _)| field == name);
        named.map(|(_, bytes)| bytes).filter(|bytes| !bytes.is_empty())
    }

    async fn read(request: Request, app: &App) -> Result<Sent> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            return Ok(Sent {
                fields: fields(&form_bytes(request, app).await?)?,
                files: Vec::new(),
            });
        }
        let Multipart(mut form) = Multipart::from_request(request, app).await?;
        let mut sent = Sent::default();
        while let Some(field) = form.next_field().await.map_err(|cause| not_whole(&cause))? {
            let name = field.name().unwrap_or_default().to_owned();
            if field.file_name().is_some() {
                sent.files
                    .push((name, field.bytes().await.map_err(|cause| not_whole(&cause))?));
                continue;
            }
            let value = field.text().await.map_err(|cause| not_whole(&cause))?;
            if value.contains('\0') {
                return Err(unreadable());
            }
            sent.fields.push((name, value));
        }
        Ok(sent)
    }
}

fn not_whole(cause: &axum::extract::multipart::MultipartError) -> Error {
    match cause.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::invalid(
            "photo",
            "照片加起来太大，没有收下。请一次少传几张，或者把相机调到较小的尺寸再拍。",
        ),
        _ => Error::invalid("photo", "内容没有传完，请等网络好些再试。"),
    }
}

/// A form with files, sent from one of our own pages: its `csrf` field belongs to the visitor's session.
pub struct SignedUpload(pub Sent);

impl FromRequest<App> for SignedUpload {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<SignedUpload> {
        let expected = request
            .extensions()
            .get::<Visitor>()
            .map(|visitor| visitor.shell.csrf.clone());
        let sent = Sent::read(request, app).await?;
        match expected.is_some_and(|expected| expected == sent.one("csrf")) {
            true => Ok(SignedUpload(sent)),
            false => Err(STALE_FORM),
        }
    }
}

/// A JSON body of the API.
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for ApiJson<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<ApiJson<T>, Response> {
        let invalid = |status, detail: &str| problem(status, "invalid_request", detail, None);
        let bytes = Bytes::from_request(request, app).await.map_err(|cause| {
            let status = cause.into_response().status();
            invalid(status, "请求内容太大或没有传完。")
        })?;
        if holds(&bytes, br"\u0000") {
            return Err(invalid(
                StatusCode::UNPROCESSABLE_ENTITY,
                "文字里不能有零字符（\\u0000）。",
            ));
        }
        serde_json::from_slice(&bytes).map(ApiJson).map_err(|cause| {
            let status = match cause.classify() {
                serde_json::error::Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::BAD_REQUEST,
            };
            invalid(status, &format!("JSON 内容有误：{cause}"))
        })
    }
}

/// The key that the sender of a write made. Required: without it a repeat could not be told from a second wish.
pub struct IdempotencyKey(pub String);

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<IdempotencyKey, Response> {
        let sent = parts
            .headers
            .get("idempotency-key")
            .and_then(|value| value.to_str().ok());
        match sent {
            Some(key) if !key.is_empty() => Ok(IdempotencyKey(key.to_owned())),
            _ => Err(problem(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "写操作必须带 Idempotency-Key 请求头。",
                None,
            )),
        }
    }
}
