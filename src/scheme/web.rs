//! Pages.

use axum::response::Response;

use crate::error::{Error, Result};

/// Stub.
pub async fn rules() -> Result<Response> {
    Err(Error::NotFound)
}
