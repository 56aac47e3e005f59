//! Pages.

use axum::response::Response;

use crate::error::{Error, Result};

/// Stub.
pub async fn found() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn issue() -> Result<Response> {
    Err(Error::NotFound)
}

/// Stub.
pub async fn stop() -> Result<Response> {
    Err(Error::NotFound)
}
