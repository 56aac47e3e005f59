//! Pages.

use axum::response::Response;

use crate::error::{Error, Result};

/// Stub.
pub async fn statement() -> Result<Response> {
    Err(Error::NotFound)
}
