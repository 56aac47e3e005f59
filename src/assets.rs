//! Assets: the files of `static/`, embedded in the program, and the two doors that only say that the server is there.
//!
//! The camera's decoder is the one thing here that is not ours: `build.rs` takes in what npm fetched by its lock file.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use serde_json::json;

use crate::app::App;
use crate::error::{Error, Result};
use crate::guard::problem;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Static;

/// The camera's decoder, its version and its files; both are empty in a program that was built without npm.
static DECODER: (&str, &[(&str, &[u8])]) = include!(concat!(env!("OUT_DIR"), "/decoder.rs"));

/// Where a browser finds the camera's decoder, if the program has it. The version is in the path, so that it is kept for
/// good and fetched anew after an update.
#[must_use]
pub fn decoder_folder() -> String {
    match DECODER {
        ("", _) => String::new(),
        (version, _) => format!("/static/decoder/{version}/"),
    }
}

/// A file of the decoder, by its path below `static`.
fn of_decoder(path: &str) -> Option<Response> {
    let (version, files) = DECODER;
    let name = path
        .strip_prefix("decoder/")?
        .strip_prefix(version)?
        .strip_prefix('/')?;
    let (_, bytes) = files.iter().find(|(file, _)| *file == name)?;
    let kind = match name.ends_with(".js") {
        true => "text/javascript",
        false => "application/wasm",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Some((headers, *bytes).into_response())
}

/// A file of `static/`. The browser asks each time whether it changed and is answered in a few bytes when it did not.
///
/// # Errors
/// `NotFound`.
pub async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Result<Response> {
    if let Some(answer) = of_decoder(&path) {
        return Ok(answer);
    }
    let file = Static::get(&path).ok_or(Error::NotFound)?;
    let hash = file.metadata.sha256_hash();
    let tag: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|sent| sent.as_bytes() == tag.as_bytes());
    if known {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let kind = file.metadata.mimetype().to_owned();
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    Ok((headers, file.data).into_response())
}

/// The counter's service worker: its scope is the counter's address, which lies beside its folder.
///
/// # Errors
/// `NotFound` in a program that was built without it.
pub async fn worker() -> Result<Response> {
    let file = Static::get("sw.js").ok_or(Error::NotFound)?;
    let headers = [
        ("content-type", "text/javascript"),
        ("service-worker-allowed", "/counter"),
    ];
    Ok((headers, file.data).into_response())
}

/// The description of the API.
///
/// # Errors
/// `NotFound` in a program that was built without it.
pub async fn openapi() -> Result<Response> {
    let file = Static::get("openapi.json").ok_or(Error::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], file.data).into_response())
}

/// Answers `{"status":"ok"}` when the database can be read.
///
/// # Errors
/// `Internal` when it cannot.
pub async fn healthz(State(app): State<App>) -> Result<Response> {
    app.db
        .read(|conn| crate::places::programme::find(conn).map(|_| ()))
        .await?;
    Ok(Json(json!({ "status": "ok" })).into_response())
}

/// Where no door is.
pub async fn nothing_here(request: Request) -> Response {
    match is_api(&request) {
        true => problem(StatusCode::NOT_FOUND, "not_found", "没有这个接口。", None),
        false => Error::NotFound.into_response(),
    }
}

/// Where there is a door, but not for this method.
pub async fn another_method(request: Request) -> Response {
    const STATUS: StatusCode = StatusCode::METHOD_NOT_ALLOWED;
    match is_api(&request) {
        true => problem(
            STATUS,
            "method_not_allowed",
            "这个接口不接受这种方法，可用的方法见 Allow 头。",
            None,
        ),
        false => (STATUS, Error::NotFound).into_response(),
    }
}

fn is_api(request: &Request) -> bool {
    request.uri().path().starts_with("/api/")
}
