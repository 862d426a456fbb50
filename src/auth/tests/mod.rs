//! Tests of signatures and keys below the claims, which cannot be tested over HTTP
//! because the claims of such tokens would be refused.

mod fetching;
mod key_refusals;
#[expect(dead_code, reason = "the tests over HTTP use what these do not")]
#[path = "../../../tests/api/support/key_server.rs"]
mod key_server;
mod key_sets;
#[path = "../../../tests/api/support/pairs.rs"]
mod pairs;
mod properties;
#[path = "../../../tests/api/support/property.rs"]
mod property;
mod published;
mod remembered;
mod signatures;
mod user_claims;
mod wycheproof;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use pairs::{Pair, set_of};
use serde_json::json;

use super::key_set::KeySet;
use super::verifier::{Policy, Verifier};
use super::{Jwks, Refusal, Unverified};
use crate::primitives::json::Value;

/// The time of these tests, in seconds since the Unix epoch.
const NOW: f64 = 1_800_000_000.0;

/// A verifier without a secret and with the keys of a document, if it is usable.
fn verifier_of_set(document: &str) -> Verifier {
    let jwks = Jwks::fixed(KeySet::parse(document.as_bytes()).ok());
    Verifier::new(&[], Policy::default()).with_jwks(jwks)
}

/// A verifier with one key of a set.
fn verifier_of_key(jwk: &Value) -> Verifier {
    verifier_of_set(&set_of(std::slice::from_ref(jwk)))
}

/// A verifier with a secret, and no key set.
fn verifier_of_secret(secret: &[u8]) -> Verifier {
    Verifier::new(&[], Policy::default()).with_raw_secret(secret)
}

/// The claims of a good token.
fn claims() -> Value {
    json!({ "sub": "alice", "iat": NOW, "exp": NOW + 900.0 })
}

fn good_token(pair: &Pair) -> String {
    pair.token_of(&claims())
}

/// The verdict on form and signature of a JWS whose payload need not be claims: most
/// published ones are a few characters.
fn verify_signature(verifier: &Verifier, jws: &str) -> Result<(), Refusal> {
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        return Err(Unverified::parse(jws).err().expect("three parts or none"));
    };
    const NO_CLAIMS: &str = "e30";
    if URL_SAFE_NO_PAD.decode(payload).is_err() {
        return Err(Unverified::parse(jws).err().expect("base64url or none"));
    }
    let with_claims = [header, NO_CLAIMS, signature].join(".");
    let mut token = Unverified::parse(&with_claims)?;
    token.signing_input = jws.rsplit_once('.').unwrap().0;
    let keys = verifier.jwks().and_then(Jwks::keys);
    verifier.verify_signature(&token, keys.as_deref()).map(drop)
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn from_base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
