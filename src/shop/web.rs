//! Pages.

use axum::response::Response;

use crate::error::{Error, Result};

/// Stub.
pub async fn counter() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn show_card() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn show_photo() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn quote() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn redeem() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn slip() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn void() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn journal() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn stock() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn receive() -> Result<Response> {
    Err(Error::NotFound)
}
