//! The memory of verified tokens: a remembered token is never accepted for that alone.

use std::slice::from_ref;

use serde_json::json;

use super::pairs::{Pair, but};
use super::*;
use crate::auth::verifier::Proof;

/// The seconds for which a token of these tests is valid, from [`NOW`].
const LIFE: f64 = 900.0;

/// A verifier that remembers the pair's token, and the token.
fn with_remembered(pair: &Pair) -> (Verifier, String) {
    let verifier = verifier_of_key(&pair.jwk);
    let token = good_token(pair);
    for _ in 0..3 {
        assert_eq!(
            verifier.verify(&token, NOW).unwrap().owner().as_str(),
            "alice"
        );
    }
    (verifier, token)
}

fn verdict(verifier: &Verifier, token: &str) -> Result<(), Refusal> {
    verifier.verify(token, NOW).map(drop)
}

fn replace(verifier: &Verifier, keys: &[Value]) {
    let keys = KeySet::parse(set_of(keys).as_bytes()).unwrap();
    verifier.jwks().unwrap().replace(keys);
}

#[test]
fn no_other_token_passes_for_a_remembered_one() {
    for pair in [Pair::ed25519("k"), Pair::p256("k")] {
        let (verifier, token) = with_remembered(&pair);
        for at in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let flipped = String::from_utf8(bytes).unwrap();
                assert!(verifier.verify(&flipped, NOW).is_err(), "{flipped}");
            }
            assert!(verifier.verify(&token[..at], NOW).is_err());
        }
        let parts: Vec<&str> = token.split('.').collect();
        let of_bob = but(&claims(), "sub", "bob");
        for other in [
            format!("{token} "),
            format!("{token}="),
            format!("{token}."),
            format!(
                "{}.{}.{}",
                parts[0],
                base64url(of_bob.to_string()),
                parts[2]
            ),
            format!("{}.{}.{}", parts[0], parts[1], base64url([0; 64])),
            format!("{}.{}.", parts[0], parts[1]),
            format!(
                "{}.{}.{}",
                base64url(json!({ "alg": "none" }).to_string()),
                parts[1],
                parts[2]
            ),
        ] {
            assert!(verifier.verify(&other, NOW).is_err(), "{other}");
        }
        assert_eq!(verdict(&verifier, &token), Ok(()));
    }
}

#[test]
fn a_remembered_token_expires_at_its_time() {
    let (verifier, token) = with_remembered(&Pair::ed25519("k"));
    assert!(verifier.verify(&token, NOW + LIFE).is_ok());
    let late = verifier.verify(&token, NOW + LIFE + 1.0).map(drop);
    assert!(matches!(late, Err(Refusal::Expired(_))), "{late:?}");
    // The clock was set back.
    let early = verifier.verify(&token, NOW - 1.0).map(drop);
    assert!(matches!(early, Err(Refusal::NotYetValid(_))), "{early:?}");
    assert!(verifier.verify(&token, NOW).is_ok());
}

#[test]
fn a_remembered_token_ends_with_its_key() {
    let (pair, other) = (Pair::ed25519("k"), Pair::ed25519("other"));
    let (verifier, token) = with_remembered(&pair);
    replace(&verifier, from_ref(&other.jwk));
    let gone = verdict(&verifier, &token);
    assert!(matches!(gone, Err(Refusal::UnknownKey(_))), "{gone:?}");
    replace(&verifier, &[other.jwk, pair.jwk]);
    assert_eq!(verdict(&verifier, &token), Ok(()));
}

#[test]
fn a_remembered_token_ends_with_another_key_of_the_same_name() {
    let pair = Pair::ed25519("k");
    let (verifier, token) = with_remembered(&pair);
    for other in [Pair::ed25519("k"), Pair::p256("k")] {
        replace(&verifier, from_ref(&other.jwk));
        let verdict = verdict(&verifier, &token);
        assert!(
            matches!(verdict, Err(Refusal::InvalidSignature(_))),
            "{verdict:?}"
        );
        assert!(verifier.verify(&good_token(&other), NOW).is_ok());
    }
}

#[test]
fn a_remembered_token_ends_when_its_key_is_not_to_be_used_any_more() {
    let pair = Pair::ed25519("k");
    let other = Pair::ed25519("other").jwk;
    for keys in [
        vec![pair.jwk_but("use", "enc"), other.clone()],
        vec![pair.jwk_but("key_ops", json!(["sign"])), other.clone()],
        vec![pair.jwk_but("alg", "ES256"), other.clone()],
        vec![pair.jwk_but("kid", "renamed"), other.clone()],
        vec![pair.jwk.clone(), Pair::p256("k").jwk, other.clone()],
    ] {
        let (verifier, token) = with_remembered(&pair);
        replace(&verifier, &keys);
        let verdict = verdict(&verifier, &token);
        assert!(
            matches!(verdict, Err(Refusal::UnknownKey(_))),
            "{verdict:?}"
        );
    }
}

#[test]
fn a_remembered_token_of_a_secret_expires_and_lets_no_other_pass() {
    let verifier = verifier_of_secret(b"a secret of 32 bytes or even more");
    let header = json!({ "alg": "HS256" });
    let signer = Pair::hs256(b"a secret of 32 bytes or even more");
    let token = signer.token(&header, &claims());
    assert_eq!(verdict(&verifier, &token), Ok(()));
    assert_eq!(verifier.remembered(), 1);
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] ^= 1;
        let flipped = String::from_utf8(bytes).unwrap();
        assert!(verifier.verify(&flipped, NOW).is_err(), "{flipped}");
    }
    let other = Pair::hs256(b"another secret of 32 bytes or more");
    let forged = other.token(&header, &claims());
    assert!(matches!(
        verdict(&verifier, &forged),
        Err(Refusal::InvalidSignature(_))
    ));
    let late = verifier.verify(&token, NOW + LIFE + 1.0).map(drop);
    assert!(matches!(late, Err(Refusal::Expired(_))), "{late:?}");
    assert_eq!(verdict(&verifier, &token), Ok(()));
}

#[test]
fn a_token_of_a_secret_ends_when_a_key_pair_has_its_kid() {
    let pair = Pair::ed25519("k");
    let secret = b"a secret of 32 bytes or even more";
    let verifier = verifier_of_key(&Pair::ed25519("other").jwk).with_raw_secret(secret);
    let signer = Pair::hs256(secret);
    let named = signer.token(&json!({ "alg": "HS256", "kid": "k" }), &claims());
    let nameless = signer.token(&json!({ "alg": "HS256" }), &claims());
    for token in [&named, &nameless, &named, &nameless] {
        assert_eq!(verdict(&verifier, token), Ok(()));
    }
    replace(&verifier, from_ref(&pair.jwk));
    assert!(matches!(
        verdict(&verifier, &named),
        Err(Refusal::InvalidSignature(_))
    ));
    assert_eq!(verdict(&verifier, &nameless), Ok(()));
}

#[test]
fn a_token_without_a_kid_ends_when_a_second_key_may_have_made_it() {
    let pair = Pair::ed25519("k");
    let verifier = verifier_of_key(&pair.jwk);
    let nameless = pair.token(&json!({ "alg": "EdDSA" }), &claims());
    assert_eq!(verdict(&verifier, &nameless), Ok(()));
    replace(&verifier, &[pair.jwk, Pair::ed25519("other").jwk]);
    assert!(matches!(
        verdict(&verifier, &nameless),
        Err(Refusal::UnknownKey(_))
    ));
}

#[test]
fn a_token_that_is_refused_is_not_remembered() {
    let pair = Pair::ed25519("k");
    let verifier = verifier_of_key(&pair.jwk);
    let header = json!({ "alg": "EdDSA", "kid": "k" });
    let early = pair.token(&header, &but(&claims(), "nbf", NOW + 60.0));
    let nobody = pair.token(&header, &but(&claims(), "sub", Value::Null));
    let foreign = good_token(&Pair::ed25519("k"));
    for _ in 0..3 {
        assert!(matches!(
            verdict(&verifier, &early),
            Err(Refusal::NotYetValid(_))
        ));
        assert!(matches!(
            verdict(&verifier, &nobody),
            Err(Refusal::InvalidClaims(_))
        ));
        assert!(matches!(
            verdict(&verifier, &foreign),
            Err(Refusal::InvalidSignature(_))
        ));
    }
    assert!(verifier.verify(&early, NOW + 60.0).is_ok());
}

#[test]
fn no_more_tokens_are_remembered_than_there_is_room_for() {
    let pair = Pair::ed25519("k");
    let verifier = verifier_of_key(&pair.jwk);
    let header = json!({ "alg": "EdDSA", "kid": "k" });
    let tokens: Vec<String> = (0..6_000)
        .map(|user| pair.token(&header, &but(&claims(), "sub", user.to_string())))
        .collect();
    for token in tokens.iter().chain(&tokens) {
        assert!(verifier.verify(token, NOW).is_ok());
    }
    let remembered = verifier.remembered();
    assert!((1..=4_096).contains(&remembered), "{remembered}");
}

#[test]
fn what_a_secret_has_verified_needs_no_key_set() {
    assert!(Proof::Secret.still_holds(None));
    assert!(!Proof::Key([0; 32]).still_holds(None));
}
