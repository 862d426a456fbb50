//! Public keys: what a key set (RFC 7517) offers, and which of it is used.
//!
//! Invariant: a key verifies only with the algorithms that it is bound to here,
//! when it is read; a token's header chooses among them and adds none.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::weak_keys;
use crate::json::{self, Map, Value};

/// An algorithm of key pairs (RFC 7518 section 3.1, RFC 8037): those that
/// Better Auth can sign with.
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
            // RFC 9864 gives EdDSA with this curve a name of its own.
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

    /// The name that jsonwebtoken has for it: none for ES512, which it lacks.
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

/// Why a key is not used, without its name.
type Unusable = &'static str;

/// A public key and what it may be used for.
pub(super) struct PublicKey {
    kid: Option<String>,
    algorithms: Vec<PublicAlgorithm>,
    material: Material,
    /// Of all that it verifies with: tells whether a key of another set is this one.
    pub fingerprint: [u8; 32],
}

enum Material {
    Jwt(DecodingKey),
    /// For ES512, an uncompressed point.
    P521(Vec<u8>),
}

/// The members that say what a key is and what it is used for, where it is used.
const MEANING: [&str; 8] = ["kid", "alg", "kty", "crv", "x", "y", "n", "e"];

impl PublicKey {
    /// Reads a key, and refuses one that is not for verifying, that is weak, or
    /// that is not what it says.
    fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
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
            // RFC 8725 section 3.1: one algorithm a key. RSA keys without alg are
            // the exception, of the two that Better Auth could mean.
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

    /// Whether a signature in base64url over a message is this key's.
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
    // RFC 7518 section 6.2.1.2: the full size of a coordinate, always.
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

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// The complaints about one set that are logged: a set has room for 100,000.
const MAX_NOTES: usize = 20;

/// A key set as it was fetched: the usable keys of it.
pub(super) struct KeySet {
    keys: Vec<PublicKey>,
    /// What was left out, for the log.
    pub notes: Vec<String>,
    /// Of the keys, in whatever order and form they were written.
    pub fingerprint: [u8; 32],
}

/// What a set has for a token.
pub(super) enum Lookup<'s> {
    Found(&'s PublicKey),
    /// The key is there and not for this algorithm.
    OtherAlgorithm,
    /// A newer set may have it.
    Unknown,
}

impl KeySet {
    /// Reads a set. One without a usable key is an error: an endpoint that says
    /// so for a moment must not take away the keys that were good.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        let Ok(Value::Object(set)) = json::parse(document) else {
            return Err("it is not a JSON object".to_owned());
        };
        let Some(Value::Array(entries)) = set.get("keys") else {
            return Err("it has no array \"keys\"".to_owned());
        };
        let mut keys = Vec::new();
        let mut notes = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let Some(jwk) = entry.as_object() else {
                notes.push(format!("key {at} is left out: it is not an object"));
                continue;
            };
            if ["d", "p", "q", "k"]
                .iter()
                .any(|name| jwk.contains_key(*name))
            {
                notes.push(format!(
                    "key {at} has PRIVATE members: whoever can read the set can sign tokens; replace it"
                ));
            }
            match PublicKey::from_jwk(jwk) {
                Ok(key) => keys.push(key),
                Err(why) => notes.push(format!("key {at} is left out: {why}")),
            }
        }
        let kids = entries.iter().map(|entry| entry.get("kid"));
        let kids: Vec<&Value> = kids.flatten().collect();
        keys.retain(|key| {
            let same = |kid: &&&Value| kid.as_str() == key.kid.as_deref();
            // Nobody can say which of two keys of one name was meant.
            let alone = key.kid.is_none() || kids.iter().filter(same).count() < 2;
            if !alone {
                notes.push("keys of the same kid are left out, all of them".to_owned());
            }
            alone
        });
        if keys.is_empty() {
            // One of the reasons: most probably that of all.
            let why = notes.first().map(|note| format!(": {note}"));
            return Err(format!("it has no usable key{}", why.unwrap_or_default()));
        }
        let mut fingerprints: Vec<_> = keys.iter().map(|key| key.fingerprint).collect();
        fingerprints.sort_unstable();
        if let Some(more) = notes.len().checked_sub(MAX_NOTES).filter(|more| *more > 0) {
            notes.truncate(MAX_NOTES);
            notes.push(format!("and {more} more complaints about the set"));
        }
        Ok(Self {
            keys,
            notes,
            fingerprint: sha256(fingerprints.as_flattened()),
        })
    }

    /// The key for a token. Without a `kid` only a key that alone could have
    /// made it is taken.
    pub fn find(&self, kid: Option<&str>, alg: PublicAlgorithm) -> Lookup<'_> {
        let Some(kid) = kid else {
            let mut able = self.keys.iter().filter(|key| key.algorithms.contains(&alg));
            return match (able.next(), able.next()) {
                (Some(key), None) => Lookup::Found(key),
                _ => Lookup::Unknown,
            };
        };
        match self.keys.iter().find(|key| key.kid.as_deref() == Some(kid)) {
            Some(key) if key.algorithms.contains(&alg) => Lookup::Found(key),
            Some(_) => Lookup::OtherAlgorithm,
            None => Lookup::Unknown,
        }
    }

    /// Whether a key is in this set, unchanged.
    pub fn has(&self, fingerprint: &[u8; 32]) -> bool {
        self.keys.iter().any(|key| key.fingerprint == *fingerprint)
    }

    /// Whether a key has this name, whatever it is for.
    pub fn has_kid(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }
}
