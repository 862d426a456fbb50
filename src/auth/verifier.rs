//! The one place where a token is decoded and believed.
//!
//! Order: form, algorithm, key, signature, claims. Whatever is wrong with the
//! claims is said only after the signature has verified, so that a forged token
//! learns nothing about what a good one would contain.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::claims::Claims;
use super::refusal::Refusal;
use super::token::Unverified;
use crate::settings::Secret;

/// What a token must say to be accepted.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The accepted `iss`; empty means that it is not checked.
    pub issuers: Vec<String>,
    /// The accepted `aud`, of which one is enough; empty means not checked.
    pub audiences: Vec<String>,
    /// How far clocks may differ, in seconds: at most 60.
    pub leeway: f64,
}

/// Verifies tokens with the configured keys. Made once at start, and shared.
pub struct Verifier {
    secrets: Vec<DecodingKey>,
    policy: Policy,
}

impl Verifier {
    /// A verifier of HS256 tokens (RFC 7518 section 3.2). Each secret is used as
    /// Better Auth uses it: its raw bytes, neither decoded nor derived from.
    pub fn new(secrets: &[Secret], policy: Policy) -> Self {
        let secrets = secrets
            .iter()
            .map(|secret| DecodingKey::from_secret(secret.expose().as_bytes()))
            .collect();
        Self { secrets, policy }
    }

    /// Decodes a token and says whose it is, at the time `now` in seconds since
    /// 1970. The error says which rule of the contract the token breaks.
    pub fn verify(&self, token: &str, now: f64) -> Result<Claims, Refusal> {
        let token = Unverified::parse(token)?;
        // The algorithm selects among our keys and is never taken from the
        // token alone: an RSA public key must not become an HMAC secret.
        match token.alg.as_str() {
            "HS256" => self.verify_hmac(&token)?,
            other => return Err(Refusal::UnsupportedAlgorithm(advice(other))),
        }
        Claims::check(&token.claims, token.typ.as_deref(), &self.policy, now)
    }

    fn verify_hmac(&self, token: &Unverified<'_>) -> Result<(), Refusal> {
        let message = token.signing_input.as_bytes();
        let verifies =
            |key| crypto::verify(token.signature, message, key, Algorithm::HS256).unwrap_or(false);
        if self.secrets.iter().any(verifies) {
            return Ok(());
        }
        Err(Refusal::InvalidSignature(
            "the signature does not verify; the token was signed with another secret than BETTER_AUTH_SECRET here",
        ))
    }
}

/// What to do about an algorithm that no configured key can have.
fn advice(alg: &str) -> &'static str {
    match alg {
        "EdDSA" | "Ed25519" | "ES256" | "ES384" | "ES512" | "RS256" | "RS384" | "RS512"
        | "PS256" | "PS384" | "PS512" => {
            "this server has only a shared secret, and the token is signed with a key pair: Better Auth ignores `algorithm: 'HS256'`, so sign with the secret in jwt.sign"
        }
        "HS384" | "HS512" => "tokens signed with a secret must use HS256",
        _ => "the token's algorithm is not accepted",
    }
}

/// The present, in seconds since 1970.
pub fn unix_now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
