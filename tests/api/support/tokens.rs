//! Hand-made tokens, independent of the code that verifies them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::SECRET;
use super::pairs::Pair;

pub fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// HMAC-SHA-256 in base64url.
pub fn hs256(secret: &[u8], message: &str) -> String {
    base64url(Pair::hs256(secret).sign(message))
}

/// Signs header and payload as given, with a secret.
pub fn sign_raw(secret: &[u8], header: &[u8], payload: &[u8]) -> String {
    let message = format!("{}.{}", base64url(header), base64url(payload));
    let signature = hs256(secret, &message);
    format!("{message}.{signature}")
}

/// Claims with the usual header, signed with the secret of the tests.
pub fn sign(claims: &Value) -> String {
    sign_with_header(&json!({ "alg": "HS256" }), claims)
}

pub fn sign_with_header(header: &Value, claims: &Value) -> String {
    sign_raw(
        SECRET.as_bytes(),
        header.to_string().as_bytes(),
        claims.to_string().as_bytes(),
    )
}

/// The claims of a good token.
pub fn claims(subject: &str) -> Value {
    json!({ "sub": subject, "iat": now(), "exp": now() + 900 })
}

pub fn valid(subject: &str) -> String {
    sign(&claims(subject))
}
