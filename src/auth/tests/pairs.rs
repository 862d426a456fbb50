//! Key pairs that a test makes for itself, and tokens signed with them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
};
use serde_json::json;

use super::*;

/// A key pair: the public half as a JWK, and what signs.
pub struct Pair {
    pub alg: &'static str,
    pub jwk: Value,
    sign: Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>,
}

impl Pair {
    pub fn ed25519(kid: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = base64url(pair.public_key());
        Self {
            alg: "EdDSA",
            jwk: json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid }),
            sign: Box::new(move |message| pair.sign(message).as_ref().to_vec()),
        }
    }

    pub fn p256(kid: &str) -> Self {
        Self::ecdsa(kid, "ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub fn p384(kid: &str) -> Self {
        Self::ecdsa(kid, "ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    pub fn p521(kid: &str) -> Self {
        Self::ecdsa(kid, "ES512", "P-521", &ECDSA_P521_SHA512_FIXED_SIGNING)
    }

    fn ecdsa(
        kid: &str,
        alg: &'static str,
        crv: &str,
        algorithm: &'static EcdsaSigningAlgorithm,
    ) -> Self {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        // An uncompressed point: 4, x, y.
        let point = pair.public_key().as_ref()[1..].to_vec();
        let (x, y) = point.split_at(point.len() / 2);
        Self {
            alg,
            jwk: json!({ "kty": "EC", "crv": crv, "x": base64url(x), "y": base64url(y), "kid": kid }),
            sign: Box::new(move |message| {
                let signature = pair.sign(&SystemRandom::new(), message).unwrap();
                signature.as_ref().to_vec()
            }),
        }
    }

    pub fn sign(&self, message: &str) -> Vec<u8> {
        (self.sign)(message.as_bytes())
    }

    /// The JWK with one member changed; null takes it away.
    pub fn jwk_but(&self, name: &str, value: impl Into<Value>) -> Value {
        but(&self.jwk, name, value)
    }

    /// A token under any header.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = base64url(self.sign(&message));
        format!("{message}.{signature}")
    }

    /// A token as Better Auth makes it, of "alice".
    pub fn good_token(&self) -> String {
        self.token(
            &json!({ "alg": self.alg, "kid": self.jwk["kid"] }),
            &claims(),
        )
    }
}

/// What a signature is made over.
pub fn message(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        base64url(header.to_string()),
        base64url(claims.to_string())
    )
}

pub fn claims() -> Value {
    json!({ "sub": "alice", "iat": NOW, "exp": NOW + 900.0 })
}

/// An object with one member changed; null takes it away.
pub fn but(object: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    let members = object.as_object_mut().unwrap();
    match value.into() {
        Value::Null => members.remove(name),
        value => members.insert(name.to_owned(), value),
    };
    object
}
