//! What the targets share: a verifier, and an owner whom it knows.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use todoward::auth::{OwnerId, Policy, Verifier};
use todoward::settings::Secret;

/// The present of the targets.
pub const NOW: f64 = 1_800_000_000.0;

const SECRET: &str = "a secret of the fuzz targets, 0123456789";

pub static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let secret = Secret::parse(SECRET).expect("a good secret");
    Verifier::new(&[secret], Policy::default())
});

/// A token that is good now.
pub static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let claims = json!({ "sub": "alice", "iat": NOW, "exp": NOW + 900.0 }).to_string();
    signed(br#"{"alg":"HS256"}"#, claims.as_bytes())
});

pub static OWNER: LazyLock<OwnerId> = LazyLock::new(|| {
    let claims = VERIFIER.verify(&TOKEN, NOW).expect("a good token");
    claims.owner().clone()
});

/// A header and a payload of any bytes, signed with the verifier's secret.
pub fn signed(header: &[u8], payload: &[u8]) -> String {
    signed_with(SECRET.as_bytes(), header, payload)
}

pub fn signed_with(secret: &[u8], header: &[u8], payload: &[u8]) -> String {
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    let message = format!("{header}.{payload}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}
