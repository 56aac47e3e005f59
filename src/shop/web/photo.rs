//! A photograph of a card, for a counter without a scanner: the way in that works on every phone and without https.

use axum::Json;
use axum::extract::State;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::basket::{Basket, Fields, carried};
use super::counter::{say, show, wants_json};
use crate::app::{App, Staff};
use crate::cards::number::CardToken;
use crate::cards::photo::decode_photo;
use crate::error::{Error, Result};
use crate::page::Problems;
use crate::sent::STALE_FORM;

/// `POST /counter/photo`: the counter with the card in the photograph recognised.
///
/// # Errors
/// `Forbidden` for a form that is not ours; `Invalid` for one that did not arrive whole.
pub async fn show_photo(
    State(app): State<App>,
    staff: Staff,
    headers: HeaderMap,
    sent: Result<Multipart, MultipartRejection>,
) -> Result<Response> {
    let (basket, found) = match look(&app, &staff, sent).await {
        Ok(looked) => looked,
        Err(error) if wants_json(&headers) && !matches!(error, Error::Internal(..)) => return Ok(say(&error)),
        Err(error) => return Err(error),
    };
    match found {
        Ok(card) if wants_json(&headers) => Ok(Json(json!({ "text": card })).into_response()),
        Ok(card) => {
            let basket = Basket { card, ..basket };
            show(&app, staff, StatusCode::OK, Problems::default(), basket).await
        }
        Err(error) if wants_json(&headers) => Ok(say(&error)),
        Err(error) => {
            let (status, problems) = Problems::from_error(error)?;
            show(&app, staff, status, problems, basket).await
        }
    }
}

/// The basket that the form carries, and the card in the photograph or why there is none.
async fn look(
    app: &App,
    staff: &Staff,
    sent: Result<Multipart, MultipartRejection>,
) -> Result<(Basket, Result<String>)> {
    let (fields, photo) = read(sent.map_err(|_| unreadable())?).await?;
    let csrf = fields.iter().find(|(name, _)| name == "csrf").map(|(_, value)| value);
    if csrf != Some(&staff.shell.csrf) {
        return Err(STALE_FORM);
    }
    let basket = Basket::of(fields, app.now())?;
    if photo.is_empty() {
        return Ok((
            basket,
            Err(Error::invalid("photo", "请先选一张照片，再按“上传照片读卡”。")),
        ));
    }
    let texts = app.slowly(move || decode_photo(&photo)).await?;
    let card = texts
        .map_err(|why| Error::invalid("photo", format!("{why}也可以直接输入卡号。")))
        .and_then(|texts| card_in(&texts));
    Ok((basket, card))
}

/// The first text that is a card's.
fn card_in(texts: &[String]) -> Result<String> {
    let mut tokens = texts.iter().filter_map(|text| CardToken::parse(text).ok());
    tokens.next().map(|token| carried(&token)).ok_or_else(|| {
        Error::invalid(
            "photo",
            "照片里的二维码不是积分卡，请拍卡面上的二维码，或直接输入卡号。",
        )
    })
}

async fn read(mut form: Multipart) -> Result<(Fields, Vec<u8>)> {
    let (mut fields, mut photo) = (Fields::new(), Vec::new());
    while let Some(field) = form.next_field().await.map_err(|cause| not_whole(&cause))? {
        match field.name() {
            Some("photo") => photo = field.bytes().await.map_err(|cause| not_whole(&cause))?.to_vec(),
            _ => fields.push(text_of(field).await?),
        }
    }
    Ok((fields, photo))
}

async fn text_of(field: Field<'_>) -> Result<(String, String)> {
    let name = field.name().unwrap_or_default().to_owned();
    Ok((name, field.text().await.map_err(|cause| not_whole(&cause))?))
}

fn not_whole(cause: &MultipartError) -> Error {
    match cause.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Error::invalid("photo", "照片太大，请把相机调到较小的尺寸再拍，或直接输入卡号。")
        }
        _ => unreadable(),
    }
}

fn unreadable() -> Error {
    Error::invalid("photo", "照片没有传完，请再传一次，或直接输入卡号。")
}
