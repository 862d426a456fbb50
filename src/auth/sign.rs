//! Signs tokens for Postman, scripts and `todoward dev`, as a Better Auth server with a
//! shared secret does.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use super::verifier::{Policy, unix_now};
use crate::settings::Secret;

/// Signing failed inside the crypto library.
#[derive(Debug)]
pub struct SignError(jsonwebtoken::errors::Error);

impl std::fmt::Display for SignError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the token could not be signed: {}", self.0)
    }
}

impl std::error::Error for SignError {}

/// Signs an HS256 token for a subject, valid for `seconds` from now, with the first
/// configured issuer and audience.
pub fn sign_hs256(
    secret: &Secret,
    subject: &str,
    seconds: u64,
    policy: &Policy,
) -> Result<String, SignError> {
    let now = unix_now() as u64;
    let mut claims = json!({ "sub": subject, "iat": now, "exp": now.saturating_add(seconds) });
    if let Some(fields) = claims.as_object_mut() {
        if let Some(issuer) = policy.issuers.first() {
            fields.insert("iss".into(), issuer.as_str().into());
        }
        if let Some(audience) = policy.audiences.first() {
            fields.insert("aud".into(), audience.as_str().into());
        }
    }
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(SignError)
}
