//! Slow digests: how passwords and PINs are kept. Argon2id, with a salt of its own each; slow on purpose, so never inside
//! `db.write`.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::error::{Error, Result};

/// A digest as it is kept.
#[derive(Clone)]
pub struct SlowDigest(String);

impl SlowDigest {
    /// Makes a digest. Takes some tens of milliseconds.
    ///
    /// # Errors
    /// Only when the machine has no randomness.
    pub fn of(secret: &str) -> Result<SlowDigest> {
        Argon2::default()
            .hash_password(secret.as_bytes())
            .map(|digest| SlowDigest(digest.to_string()))
            .map_err(Error::internal)
    }

    /// A digest that was kept.
    #[must_use]
    pub fn known(text: String) -> SlowDigest {
        SlowDigest(text)
    }

    /// The text to keep.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Is it the digest of this secret? Takes as long as making it.
    #[must_use]
    pub fn is_of(&self, secret: &str) -> bool {
        argon2::PasswordHash::new(&self.0)
            .is_ok_and(|digest| Argon2::default().verify_password(secret.as_bytes(), &digest).is_ok())
    }
}
