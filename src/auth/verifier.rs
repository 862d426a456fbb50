//! The only place where a token is decoded and verified.
//!
//! Order: form, algorithm, key, signature, claims. Errors in the claims are reported
//! only after the signature was verified, so that the sender of a forged token does not
//! learn what a valid one contains.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use quick_cache::sync::Cache;

use super::claims::Claims;
use super::jwks::Jwks;
use super::key_set::{KeySet, Lookup};
use super::keys::PublicAlgorithm;
use super::oauth::Scopes;
use super::refusal::Refusal;
use super::token::Unverified;
use crate::settings::Secret;

/// The max number of tokens in the memory of verified tokens: about 2 MiB.
const MAX_VERIFIED_TOKENS: usize = 4_096;

/// The requirements on the claims of a token.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The accepted values of `iss`; if empty, it is not checked.
    pub issuers: Vec<String>,
    /// The accepted values of `aud`, one of which must be present; if empty, it is not
    /// checked.
    pub audiences: Vec<String>,
    /// The accepted clock skew in seconds, at most 60.
    pub leeway: f64,
    /// Whether the JWT of Better Auth's session cookie is accepted as well.
    pub accept_session_cookies: bool,
    /// The scopes of OAuth access tokens.
    pub oauth: Scopes,
}

/// Verifies tokens with the configured keys. Created once at start and shared.
pub struct Verifier {
    secrets: Vec<DecodingKey>,
    jwks: Option<Jwks>,
    policy: Policy,
    /// The memory of verified tokens, by the hash of the whole token. Verifying a token
    /// again costs five times as much as a look-up for a shared secret, and fifty times
    /// or more for a key pair.
    verified: Cache<[u8; 32], Arc<VerifiedToken>>,
}

/// A verified token: what it was verified with, and its claims, which include what it
/// allows; that is checked again with each request.
struct VerifiedToken {
    with: Proof,
    claims: Claims,
}

/// The key that a signature was verified with.
pub(super) enum Proof {
    /// A shared secret. Secrets do not change while the process runs.
    Secret,
    /// The public key with this fingerprint, which may be removed from its set.
    Key([u8; 32]),
}

impl Proof {
    pub(super) fn still_holds(&self, keys: Option<&KeySet>) -> bool {
        match self {
            Self::Secret => true,
            Self::Key(fingerprint) => keys.is_some_and(|keys| keys.has(fingerprint)),
        }
    }
}

impl Verifier {
    /// A verifier for tokens signed with a shared secret (HS256, RFC 7518 section 3.2).
    /// As in Better Auth, the key is the raw bytes of the secret: not decoded, and no key
    /// is derived from it.
    pub fn new(secrets: &[Secret], policy: Policy) -> Self {
        let secrets = secrets
            .iter()
            .map(|secret| DecodingKey::from_secret(secret.expose().as_bytes()))
            .collect();
        Self {
            secrets,
            jwks: None,
            policy,
            verified: Cache::new(MAX_VERIFIED_TOKENS),
        }
    }

    /// Adds a secret that is not text, as in published test vectors.
    #[cfg(test)]
    pub(super) fn with_raw_secret(mut self, secret: &[u8]) -> Self {
        self.secrets.push(DecodingKey::from_secret(secret));
        self
    }

    /// The number of tokens in the memory of verified tokens.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.verified.len()
    }

    /// Also accepts tokens that are signed with a key of this set.
    #[must_use]
    pub fn with_jwks(self, jwks: Jwks) -> Self {
        Self {
            jwks: Some(jwks),
            ..self
        }
    }

    /// The requirements on the claims.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The key set, for health and metrics.
    pub fn jwks(&self) -> Option<&Jwks> {
        self.jwks.as_ref()
    }

    /// Whether any token could be verified now: there is a secret, or a key set has been
    /// fetched.
    pub fn has_keys(&self) -> bool {
        let fetched = || self.jwks.as_ref().is_some_and(|jwks| jwks.keys().is_some());
        !self.secrets.is_empty() || fetched()
    }

    /// Decodes and verifies a token at the time `now`, in seconds since the Unix epoch,
    /// with the keys at hand. The error says which rule the token breaks.
    pub fn verify(&self, token: &str, now: f64) -> Result<Claims, Refusal> {
        let keys = self.jwks.as_ref().and_then(Jwks::keys);
        let keys = keys.as_deref();
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        if let Some(known) = self.verified.get(&hash)
            && known.with.still_holds(keys)
        {
            known.claims.check_again(&self.policy, now)?;
            return Ok(known.claims.clone());
        }
        let unverified = Unverified::parse(token)?;
        let with = self.verify_signature(&unverified, keys)?;
        let typ = unverified.typ.as_deref();
        let claims = Claims::check(&unverified.claims, typ, &self.policy, now)?;
        // Not remembered if a changed key set could change the verdict: when a token
        // signed with a secret has a kid, which a key pair may get; or when a token
        // has no kid, because with a second matching key it would be ambiguous.
        let depends_on_others = match with {
            Proof::Secret => self.jwks.is_some() && unverified.kid.is_some(),
            Proof::Key(_) => unverified.kid.is_none(),
        };
        if !depends_on_others {
            let claims = claims.clone();
            self.verified
                .insert(hash, Arc::new(VerifiedToken { with, claims }));
        }
        Ok(claims)
    }

    /// Like [`Verifier::verify`], at the current time. If the key is unknown, waits for a
    /// new fetch of the set, if the cool-down allows one, until `deadline` at most.
    pub async fn verify_with_fresh_keys(
        &self,
        token: &str,
        deadline: Instant,
    ) -> Result<Claims, Refusal> {
        let is_unknown = |result: &Result<Claims, Refusal>| {
            matches!(
                result,
                Err(Refusal::UnknownKey(_) | Refusal::KeysUnavailable(_))
            )
        };
        let mut result = self.verify(token, unix_now());
        let Some(jwks) = self.jwks.as_ref().filter(|_| is_unknown(&result)) else {
            return result;
        };
        let mut wait = jwks.fetch_wait(deadline);
        loop {
            result = self.verify(token, unix_now());
            if !is_unknown(&result) || !jwks.refreshed(&mut wait).await {
                return result;
            }
        }
    }

    /// Verifies the signature and returns the key that it was verified with.
    pub(super) fn verify_signature(
        &self,
        token: &Unverified<'_>,
        keys: Option<&KeySet>,
    ) -> Result<Proof, Refusal> {
        // The algorithm only selects among configured keys: an RSA public key must
        // not become an HMAC secret (algorithm confusion).
        match (token.alg.as_str(), PublicAlgorithm::from_name(&token.alg)) {
            ("HS256", _) if !self.secrets.is_empty() => {
                self.verify_hmac(token, keys).map(|()| Proof::Secret)
            }
            (_, Some(alg)) if self.jwks.is_some() => {
                verify_public(token, alg, keys).map(Proof::Key)
            }
            (alg, _) => Err(Refusal::UnsupportedAlgorithm(self.advice(alg))),
        }
    }

    fn verify_hmac(&self, token: &Unverified<'_>, keys: Option<&KeySet>) -> Result<(), Refusal> {
        // A kid of the set belongs to a key pair, whatever the algorithm.
        if let (Some(kid), Some(keys)) = (&token.kid, keys)
            && keys.has_kid(kid)
        {
            return Err(Refusal::InvalidSignature(
                "the token's kid names a key pair, and its alg a shared secret",
            ));
        }
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

    /// The hint for an algorithm that no configured key can have.
    fn advice(&self, alg: &str) -> &'static str {
        match alg {
            "EdDSA" | "Ed25519" | "ES256" | "ES384" | "ES512" | "RS256" | "RS512" | "PS256" => {
                "this server has only a shared secret, and the token is signed with a key pair: Better Auth ignores algorithm: 'HS256'; set BETTER_AUTH_URL here, or sign with the secret in jwt.sign"
            }
            "HS256" => {
                "this server takes keys from BETTER_AUTH_URL, and the token is signed with a shared secret; set BETTER_AUTH_SECRET here, too, or drop jwt.sign in the frontend"
            }
            "HS384" | "HS512" => "tokens signed with a secret must use HS256",
            "RS384" | "PS384" | "PS512" => {
                "RS384, PS384 and PS512 are not accepted; use EdDSA, ES256, RS256 or PS256"
            }
            _ => "the token's algorithm is not accepted",
        }
    }
}

fn verify_public(
    token: &Unverified<'_>,
    alg: PublicAlgorithm,
    keys: Option<&KeySet>,
) -> Result<[u8; 32], Refusal> {
    let keys = keys.ok_or(Refusal::KeysUnavailable(
        "the keys could not be loaded yet; try again",
    ))?;
    let key = match keys.find(token.kid.as_deref(), alg) {
        Lookup::Found(key) => key,
        Lookup::OtherAlgorithm => {
            return Err(Refusal::InvalidSignature(
                "the key of the token's kid is for another algorithm",
            ));
        }
        Lookup::Unknown => {
            return Err(Refusal::UnknownKey(
                "no key of BETTER_AUTH_URL has the token's kid; get a new token, and check that it comes from there",
            ));
        }
    };
    if key.verify(alg, token.signing_input.as_bytes(), token.signature) {
        return Ok(key.fingerprint);
    }
    Err(Refusal::InvalidSignature(
        "the signature does not verify with the key of the token's kid",
    ))
}

/// The current time in seconds since the Unix epoch.
pub fn unix_now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
