//! Generated key pairs, and tokens signed with them. Shared with the unit tests and the
//! benchmarks.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Signs a message.
type Signer = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

/// A key pair: the public half as a JWK, and the signer.
#[derive(Clone)]
pub struct Pair {
    pub alg: &'static str,
    pub jwk: Value,
    sign: Arc<Signer>,
}

/// The only RSA key of the tests, because generating one takes long.
pub static RSA: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

impl Pair {
    pub fn ed25519(kid: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = base64url(pair.public_key());
        Self {
            alg: "EdDSA",
            jwk: json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid }),
            sign: Arc::new(move |message| pair.sign(message).as_ref().to_vec()),
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
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        Self {
            alg,
            jwk: json!({ "kty": "EC", "crv": crv, "x": base64url(x), "y": base64url(y), "kid": kid }),
            sign: Arc::new(move |message| {
                let signature = pair.sign(&SystemRandom::new(), message).unwrap();
                signature.as_ref().to_vec()
            }),
        }
    }

    /// For RS256, RS512 or PS256.
    pub fn rsa(kid: &str, alg: &'static str) -> Self {
        let padding = match alg {
            "RS256" => &RSA_PKCS1_SHA256,
            "RS512" => &RSA_PKCS1_SHA512,
            "PS256" => &RSA_PSS_SHA256,
            other => panic!("{other}"),
        };
        let public = RSA.public_key();
        let n = base64url(public.modulus().big_endian_without_leading_zero());
        let e = base64url(public.exponent().big_endian_without_leading_zero());
        Self {
            alg,
            jwk: json!({ "kty": "RSA", "n": n, "e": e, "kid": kid, "alg": alg }),
            sign: Arc::new(move |message| {
                let mut signature = vec![0; RSA.public_modulus_len()];
                let random = SystemRandom::new();
                RSA.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }),
        }
    }

    /// Not a pair but a shared secret, which has no public half.
    pub fn hs256(secret: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self {
            alg: "HS256",
            jwk: Value::Null,
            sign: Arc::new(move |message| hmac::sign(&key, message).as_ref().to_vec()),
        }
    }

    pub fn kid(&self) -> &str {
        self.jwk["kid"].as_str().unwrap()
    }

    pub fn sign(&self, message: &str) -> Vec<u8> {
        (self.sign)(message.as_bytes())
    }

    /// The JWK with one member changed; null removes it.
    pub fn jwk_but(&self, name: &str, value: impl Into<Value>) -> Value {
        but(&self.jwk, name, value)
    }

    /// A token with any header.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = base64url(self.sign(&message));
        format!("{message}.{signature}")
    }

    /// A token as Better Auth makes it.
    pub fn token_of(&self, claims: &Value) -> String {
        self.token(&json!({ "alg": self.alg, "kid": self.kid() }), claims)
    }
}

/// The signed text.
pub fn message(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| base64url(part.to_string()));
    format!("{header}.{claims}")
}

/// An object with one member changed; null removes it.
pub fn but(object: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    let members = object.as_object_mut().unwrap();
    let value = value.into();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    object
}

/// The document of a key set.
pub fn set_of(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
