//! Public keys (RFC 7517): which are accepted, and for which algorithms.
//!
//! Invariant: a key is bound to its algorithms when it is parsed. A token's header
//! selects among them and cannot add one (algorithm confusion).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::weak_keys;
use crate::primitives::json::{Map, Value};

/// The asymmetric algorithms (RFC 7518 section 3.1, RFC 8037) that Better Auth can
/// sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PublicAlgorithm {
    EdDsa,
    Es256,
    Es384,
    Es512,
    Rs256,
    Rs512,
    Ps256,
}

impl PublicAlgorithm {
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            // RFC 9864 names EdDSA with this curve "Ed25519".
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            "ES384" => Some(Self::Es384),
            "ES512" => Some(Self::Es512),
            "RS256" => Some(Self::Rs256),
            "RS512" => Some(Self::Rs512),
            "PS256" => Some(Self::Ps256),
            _ => None,
        }
    }

    /// The algorithm in jsonwebtoken; none for ES512, which it does not support.
    fn in_jsonwebtoken(self) -> Option<Algorithm> {
        match self {
            Self::EdDsa => Some(Algorithm::EdDSA),
            Self::Es256 => Some(Algorithm::ES256),
            Self::Es384 => Some(Algorithm::ES384),
            Self::Es512 => None,
            Self::Rs256 => Some(Algorithm::RS256),
            Self::Rs512 => Some(Algorithm::RS512),
            Self::Ps256 => Some(Algorithm::PS256),
        }
    }
}

/// Why a key is ignored, as a phrase without the name of the key.
type Unusable = &'static str;

/// A public key and its algorithms.
pub(super) struct PublicKey {
    pub kid: Option<String>,
    pub algorithms: Vec<PublicAlgorithm>,
    material: Material,
    /// A hash of all that identifies the key, to find it again in another set.
    pub fingerprint: [u8; 32],
}

enum Material {
    Jwt(DecodingKey),
    /// For ES512: an uncompressed point of P-521.
    P521(Vec<u8>),
}

/// The JWK members that identify a usable key.
const MEANING: [&str; 8] = ["kid", "alg", "kty", "crv", "x", "y", "n", "e"];

impl PublicKey {
    /// Parses a key. Refuses keys that are not for verifying, are weak, or contradict
    /// themselves.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        if !matches!(text(jwk, "use")?, None | Some("sig")) {
            return Err("its use is not sig");
        }
        match jwk.get("key_ops") {
            None => {}
            Some(Value::Array(operations)) if operations.iter().any(|one| one == "verify") => {}
            Some(_) => return Err("its key_ops do not have verify"),
        }
        let (possible, material) = match text(jwk, "kty")?.ok_or("it has no kty")? {
            "OKP" => okp(jwk)?,
            "EC" => ec(jwk)?,
            "RSA" => rsa(jwk)?,
            _ => return Err("its kty is not OKP, EC or RSA"),
        };
        let algorithms = match text(jwk, "alg")? {
            Some(name) => match PublicAlgorithm::from_name(name) {
                Some(alg) if possible.contains(&alg) => vec![alg],
                _ => return Err("its alg is not one that such a key is used with here"),
            },
            // RFC 8725 section 3.1: one algorithm for each key. The exception are RSA
            // keys without alg, which Better Auth uses with one of these two.
            None => match possible {
                [alg] => vec![*alg],
                _ => vec![PublicAlgorithm::Rs256, PublicAlgorithm::Ps256],
            },
        };
        let canonical = Value::from_iter(MEANING.map(|name| jwk.get(name).cloned()));
        Ok(Self {
            kid: text(jwk, "kid")?.map(str::to_owned),
            algorithms,
            material,
            fingerprint: sha256(canonical.to_string().as_bytes()),
        })
    }

    /// Whether a base64url signature over a message verifies with this key.
    pub fn verify(&self, alg: PublicAlgorithm, message: &[u8], signature: &str) -> bool {
        if !self.algorithms.contains(&alg) {
            return false;
        }
        match (&self.material, alg.in_jsonwebtoken()) {
            (Material::Jwt(key), Some(alg)) => {
                crypto::verify(signature, message, key, alg).unwrap_or(false)
            }
            (Material::P521(point), None) => URL_SAFE_NO_PAD.decode(signature).is_ok_and(|bytes| {
                let algorithm = &signature::ECDSA_P521_SHA512_FIXED;
                algorithm.verify_sig(point, message, &bytes).is_ok()
            }),
            (Material::Jwt(_), None) | (Material::P521(_), Some(_)) => false,
        }
    }
}

type Read = (&'static [PublicAlgorithm], Material);

fn okp(jwk: &Map<String, Value>) -> Result<Read, Unusable> {
    if text(jwk, "crv")? != Some("Ed25519") {
        return Err("its crv is not Ed25519");
    }
    let x = bytes(jwk, "x")?;
    if x.len() != 32 || weak_keys::is_small_order(&x) {
        return Err("its x is not a point that signs");
    }
    ParsedPublicKey::new(&signature::ED25519, &x).map_err(|_| "its x is not a point")?;
    let key = DecodingKey::from_ed_der(&x);
    Ok((&[PublicAlgorithm::EdDsa], Material::Jwt(key)))
}

fn ec(jwk: &Map<String, Value>) -> Result<Read, Unusable> {
    const NOT_A_POINT: Unusable = "its x and y are not a point of its curve";
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    let (length, algorithms, verification): (_, &[_], &'static dyn VerificationAlgorithm) =
        match text(jwk, "crv")? {
            Some("P-256") => (
                32,
                &[PublicAlgorithm::Es256],
                &signature::ECDSA_P256_SHA256_FIXED,
            ),
            Some("P-384") => (
                48,
                &[PublicAlgorithm::Es384],
                &signature::ECDSA_P384_SHA384_FIXED,
            ),
            Some("P-521") => (
                66,
                &[PublicAlgorithm::Es512],
                &signature::ECDSA_P521_SHA512_FIXED,
            ),
            _ => return Err("its crv is not P-256, P-384 or P-521"),
        };
    // RFC 7518 section 6.2.1.2: coordinates always have their full length.
    if x.len() != length || y.len() != length {
        return Err(NOT_A_POINT);
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    ParsedPublicKey::new(verification, &point).map_err(|_| NOT_A_POINT)?;
    let material = match algorithms {
        [PublicAlgorithm::Es512] => Material::P521(point),
        _ => Material::Jwt(DecodingKey::from_ec_der(&point)),
    };
    Ok((algorithms, material))
}

fn rsa(jwk: &Map<String, Value>) -> Result<Read, Unusable> {
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    weak_keys::check_rsa(&n, &e)?;
    let key = DecodingKey::from_rsa_raw_components(&n, &e);
    let algorithms = &[
        PublicAlgorithm::Rs256,
        PublicAlgorithm::Rs512,
        PublicAlgorithm::Ps256,
    ];
    Ok((algorithms, Material::Jwt(key)))
}

fn text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<Option<&'j str>, Unusable> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err("a member that must be a text is none"),
    }
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Unusable> {
    let encoded = text(jwk, name)?.ok_or("a member of its key is missing")?;
    URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|_| "a member of its key is not base64url")
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
