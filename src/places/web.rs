//! Pages.

use axum::response::Response;

use crate::error::{Error, Result};

/// Stub.
pub async fn households() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn household() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn import_form() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn import() -> Result<Response> {
    Err(Error::NotFound)
}
