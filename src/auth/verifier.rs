//! The one place where a token is decoded and believed.
//!
//! Order: form, algorithm, key, signature, claims. Whatever is wrong with the
//! claims is said only after the signature has verified, so that a forged token
//! learns nothing about what a good one would contain.

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

/// Verified tokens that are remembered: about 2 MiB of them.
const REMEMBERED: usize = 4_096;

/// What a token must say to be accepted.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The accepted `iss`; empty means that it is not checked.
    pub issuers: Vec<String>,
    /// The accepted `aud`, of which one is enough; empty means not checked.
    pub audiences: Vec<String>,
    /// How far clocks may differ, in seconds: at most 60.
    pub leeway: f64,
    /// Take the JWT of Better Auth's session cookie, too.
    pub accept_session_cookies: bool,
    /// The scopes that let OAuth access tokens in.
    pub oauth: Scopes,
}

/// Verifies tokens with the configured keys. Made once at start, and shared.
pub struct Verifier {
    secrets: Vec<DecodingKey>,
    jwks: Option<Jwks>,
    policy: Policy,
    /// Tokens whose signature has verified, by the hash of the whole token. To
    /// verify one anew costs five times as much with a secret, and fifty times and
    /// more with a key pair.
    verified: Cache<[u8; 32], Arc<Remembered>>,
}

/// A token that has verified: with what, and what it says. What it may do is one of
/// its claims, and compared with each request that it comes with.
struct Remembered {
    with: Proof,
    claims: Claims,
}

/// What a signature has verified with.
pub(super) enum Proof {
    /// A secret. They stay what they are while the process lives.
    Secret,
    /// The public key of this fingerprint, which may leave its set.
    Key([u8; 32]),
}

impl Proof {
    fn still_holds(&self, keys: Option<&KeySet>) -> bool {
        match self {
            Self::Secret => true,
            Self::Key(fingerprint) => keys.is_some_and(|keys| keys.has(fingerprint)),
        }
    }
}

impl Verifier {
    /// A verifier of tokens signed with a secret (HS256, RFC 7518 section 3.2).
    /// Each secret is used as Better Auth uses it: its raw bytes, neither decoded
    /// nor derived from.
    pub fn new(secrets: &[Secret], policy: Policy) -> Self {
        let secrets = secrets
            .iter()
            .map(|secret| DecodingKey::from_secret(secret.expose().as_bytes()))
            .collect();
        Self {
            secrets,
            jwks: None,
            policy,
            verified: Cache::new(REMEMBERED),
        }
    }

    /// Takes a secret that is no text: those of published test vectors.
    #[cfg(test)]
    pub(super) fn with_raw_secret(mut self, secret: &[u8]) -> Self {
        self.secrets.push(DecodingKey::from_secret(secret));
        self
    }

    /// How many tokens are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.verified.len()
    }

    /// Takes tokens signed with a key of a set as well.
    #[must_use]
    pub fn with_jwks(self, jwks: Jwks) -> Self {
        Self {
            jwks: Some(jwks),
            ..self
        }
    }

    /// What tokens must say.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The key set, for health and metrics.
    pub fn jwks(&self) -> Option<&Jwks> {
        self.jwks.as_ref()
    }

    /// Whether some token could be verified now: there is a secret, or keys have
    /// been fetched.
    pub fn has_keys(&self) -> bool {
        let fetched = || self.jwks.as_ref().is_some_and(|jwks| jwks.keys().is_some());
        !self.secrets.is_empty() || fetched()
    }

    /// Decodes a token and says whose it is, at the time `now` in seconds since
    /// 1970, with the keys that are there. The error says which rule of the
    /// contract the token breaks.
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
        // A set that changes can give a kid to a key pair that a token of a secret
        // names, or a second key that may have made a token without one.
        let depends_on_others = match with {
            Proof::Secret => self.jwks.is_some() && unverified.kid.is_some(),
            Proof::Key(_) => unverified.kid.is_none(),
        };
        if !depends_on_others {
            let claims = claims.clone();
            self.verified
                .insert(hash, Arc::new(Remembered { with, claims }));
        }
        Ok(claims)
    }

    /// As [`Verifier::verify`], now; for a key that is not there the set is
    /// fetched again first, as far as the cool-down lets it, and waited for until
    /// `deadline` at the latest.
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
        let mut hope = jwks.hope(deadline);
        loop {
            result = self.verify(token, unix_now());
            if !is_unknown(&result) || !jwks.refreshed(&mut hope).await {
                return result;
            }
        }
    }

    /// What a token's signature verifies with.
    pub(super) fn verify_signature(
        &self,
        token: &Unverified<'_>,
        keys: Option<&KeySet>,
    ) -> Result<Proof, Refusal> {
        // The algorithm selects among our keys and is never taken from the
        // token alone: an RSA public key must not become an HMAC secret.
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
        // A kid of the set names a key pair, whatever the algorithm says.
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

    /// What to do about an algorithm that no configured key can have.
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

/// The present, in seconds since 1970.
pub fn unix_now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
