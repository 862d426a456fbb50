//! The vectors of Project Wycheproof: every invalid one is refused and every valid one
//! accepted, except those that are listed here with the reason.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::settings::MIN_SECRET_BYTES;

const SIGNATURES: &str =
    include_str!("../../../tests/data/wycheproof/json_web_signature_test.json");
const CRYPTO: &str = include_str!("../../../tests/data/wycheproof/json_web_crypto_test.json");
const KEYS: &str = include_str!("../../../tests/data/wycheproof/json_web_key_test.json");

/// Valid vectors that are refused: numbers and reasons.
type Exceptions = &'static [(&'static [u64], &'static str)];

const BY_NAME: &str =
    "RS384, PS384 and PS512 are refused by name: Better Auth cannot sign with them";
const NO_SUCH_ALGORITHM: &str = "the key's alg is \"ES521\", which no algorithm is called";
const OTHER_ALGORITHM: &str =
    "the key is for PS256, and the token says PS384, which is refused by name";
const NOT_BASE64URL: &str = "a part has a character that base64url does not have";
const SECRET_IN_A_SET: &str =
    "a shared secret in a key set is not a secret: HMAC keys come from the environment only";

const OF_SIGNATURES: Exceptions = &[
    (&[264, 265, 266, 267], BY_NAME),
    (&[320, 321, 322, 323], BY_NAME),
    (&[325, 326, 327, 328], BY_NAME),
    (&[346, 350], OTHER_ALGORITHM),
    (&[347, 351], NO_SUCH_ALGORITHM),
    (&[372, 373], NOT_BASE64URL),
];
/// Invalid vectors that are byte for byte equal to the valid one with this number: their
/// wrong padding was lost before publication.
const SAME_AS_VALID: [(u64, u64); 2] = [(367, 357), (370, 357)];
const OF_CRYPTO: Exceptions = &[(&[48], SECRET_IN_A_SET)];
const OF_KEYS: Exceptions = &[(&[2, 13, 14, 15], SECRET_IN_A_SET)];

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    accepted: usize,
    refused: usize,
    refused_although_valid: usize,
    encrypted: usize,
}

struct Vector {
    id: u64,
    /// Group and name, for messages.
    comment: String,
    jws: Option<String>,
    is_valid: bool,
}

/// The groups of a file: the key, and the vectors.
fn groups(file: &str) -> Vec<(Value, Vec<Vector>)> {
    let file: Value = serde_json::from_str(file).unwrap();
    let read = |group: &Value| {
        // A shared secret has no public key.
        let key = ["public", "private"]
            .iter()
            .find_map(|half| group.get(half));
        let vectors = group["tests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|test| Vector {
                id: test["tcId"].as_u64().unwrap(),
                comment: format!("{} {} {}", test["tcId"], group["comment"], test["comment"]),
                jws: test.get("jws").map(|jws| {
                    let compact = jws.as_str().map(str::to_owned);
                    compact.unwrap_or_else(|| jws.to_string())
                }),
                is_valid: match test["result"].as_str().unwrap() {
                    "valid" => true,
                    "invalid" => false,
                    other => panic!("{other}"),
                },
            });
        (key.cloned().unwrap_or_default(), vectors.collect())
    };
    file["testGroups"]
        .as_array()
        .unwrap()
        .iter()
        .map(read)
        .collect()
}

/// Marks vectors as valid whose text equals a valid vector of their group.
fn correct(vectors: &mut [Vector]) {
    for (id, valid) in SAME_AS_VALID {
        let find = |id| vectors.iter().position(|vector| vector.id == id);
        if let (Some(at), Some(valid)) = (find(id), find(valid))
            && vectors[at].jws == vectors[valid].jws
        {
            assert!(vectors[valid].is_valid && !vectors[at].is_valid);
            vectors[at].is_valid = true;
        }
    }
}

/// Configures a key as the settings would: a single secret from the environment,
/// everything else from a key set.
fn verifier_of(key: &Value) -> Verifier {
    if key.get("keys").is_some() {
        return verifier_of_set(&key.to_string());
    }
    if key["kty"] != "oct" {
        return verifier_of_key(key);
    }
    let secret = from_base64url(key["k"].as_str().unwrap());
    assert!(secret.len() >= MIN_SECRET_BYTES, "{key}");
    verifier_of_secret(&secret)
}

#[track_caller]
fn run(file: &str, exceptions: Exceptions) -> Counts {
    let mut reasons: BTreeMap<u64, &str> = BTreeMap::new();
    for (ids, reason) in exceptions {
        reasons.extend(ids.iter().map(|id| (*id, *reason)));
    }
    let mut counts = Counts::default();
    for (key, mut vectors) in groups(file) {
        correct(&mut vectors);
        for vector in vectors {
            let Some(jws) = &vector.jws else {
                counts.encrypted += 1;
                continue;
            };
            let verifier = verifier_of(&key);
            let verdict = verify_signature(&verifier, jws);
            match (reasons.remove(&vector.id), vector.is_valid) {
                (None, true) => {
                    assert_eq!(verdict, Ok(()), "{}", vector.comment);
                    counts.accepted += 1;
                }
                (None, false) => {
                    assert!(verdict.is_err(), "{}", vector.comment);
                    counts.refused += 1;
                }
                (Some(reason), true) => {
                    assert!(verdict.is_err(), "{}: {reason}", vector.comment);
                    counts.refused_although_valid += 1;
                }
                (Some(_), false) => panic!("no exception: {}", vector.comment),
            }
            // None of them has the claims of a token.
            assert!(verifier.verify(jws, NOW).is_err(), "{}", vector.comment);
        }
    }
    assert!(reasons.is_empty(), "no such vectors: {reasons:?}");
    counts
}

#[test]
fn signatures_are_judged_as_wycheproof_says() {
    let expected = Counts {
        accepted: 30,
        refused: 353,
        refused_although_valid: 18,
        encrypted: 0,
    };
    assert_eq!(run(SIGNATURES, OF_SIGNATURES), expected);
}

#[test]
fn attacks_on_signatures_are_judged_as_wycheproof_says() {
    let expected = Counts {
        accepted: 3,
        refused: 45,
        refused_although_valid: 1,
        encrypted: 34,
    };
    assert_eq!(run(CRYPTO, OF_CRYPTO), expected);
}

#[test]
fn key_sets_are_judged_as_wycheproof_says() {
    let expected = Counts {
        accepted: 1,
        refused: 21,
        refused_although_valid: 4,
        encrypted: 0,
    };
    assert_eq!(run(KEYS, OF_KEYS), expected);
}

/// The signatures of valid vectors that are refused because of their key's source or
/// `kid` are right: with the key configured as usual they are accepted.
#[test]
fn the_same_signatures_are_accepted_with_the_key_in_its_place() {
    let mut tried = 0;
    for (file, exceptions) in [
        (SIGNATURES, OF_SIGNATURES),
        (CRYPTO, OF_CRYPTO),
        (KEYS, OF_KEYS),
    ] {
        for (key, vectors) in groups(file) {
            for vector in vectors {
                let is = |reason| {
                    exceptions
                        .iter()
                        .any(|(ids, why)| *why == reason && ids.contains(&vector.id))
                };
                let verifier = if is(NO_SUCH_ALGORITHM) {
                    let mut key = key.clone();
                    key["alg"] = "ES512".into();
                    verifier_of(&key)
                } else if is(SECRET_IN_A_SET) && key["keys"][0]["alg"] == "HS256" {
                    verifier_of(&key["keys"][0])
                } else {
                    continue;
                };
                let verdict = verify_signature(&verifier, &vector.jws.unwrap());
                assert_eq!(verdict, Ok(()), "{}", vector.comment);
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 5);
}
