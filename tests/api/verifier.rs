//! Properties of the verifier: whatever its input, it accepts only what was signed with
//! the configured secret, and it never panics.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};
use todoward::auth::Unverified;

use crate::support::SECRET;
use crate::support::property::for_all;
use crate::support::tokens::{base64url, hs256, sign, sign_raw};
use crate::support::verdicts::{NOW, claims_at, claims_but, policy, verifier_with, verify};

/// A token that is valid at the time of the tests, with any subject and other claims.
fn good_token() -> impl Strategy<Value = String> {
    (subject(), any_json()).prop_map(|(sub, more)| {
        let token = sign(&claims_but(NOW, &json!({ "sub": sub, "more": [more] })));
        assert!(verify(&token).is_ok(), "{token}");
        token
    })
}

fn subject() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9äé💥_|%./:-]{1,60}"
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let object = vec((".{0,8}", inner.clone()), 0..4);
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Claims with the names that the verifier reads.
fn any_claims() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop::sample::select(vec![
        "sub", "exp", "nbf", "iat", "iss", "aud", "typ", "email", "session", "user",
    ]);
    let value = prop_oneof![
        any_json(),
        Just(json!(NOW)),
        Just(json!(NOW + 900)),
        Just(json!("alice"))
    ];
    vec((name, value), 0..8).prop_map(|members| {
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

/// From this time on, a number is taken for milliseconds.
const YEAR_10000: f64 = 253_402_300_800.0;

/// What must hold for accepted claims.
fn is_good(claims: &Map<String, Value>) -> bool {
    let sub = claims.get("sub").and_then(Value::as_str);
    let time = |name: &str| claims.get(name).map(|value| value.as_f64());
    let (now, leeway) = (NOW as f64, policy().leeway);
    sub.is_some_and(|sub| {
        (1..=255).contains(&sub.len()) && sub.trim() == sub && !sub.chars().any(char::is_control)
    }) && time("exp")
        .flatten()
        .is_some_and(|exp| exp < YEAR_10000 && now <= exp + leeway)
        && time("nbf").is_none_or(|nbf| nbf.is_some_and(|nbf| nbf <= now + leeway))
        && time("iat").is_none_or(|iat| iat.is_some_and(|iat| iat <= now + leeway))
        && claims.get("iss").is_none_or(Value::is_string)
        && claims.get("aud").is_none_or(|aud| {
            aud.is_string()
                || aud
                    .as_array()
                    .is_some_and(|list| list.iter().all(Value::is_string))
        })
}

fn flip(token: &str, bit: usize) -> Vec<u8> {
    let mut bytes = token.as_bytes().to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

#[track_caller]
fn assert_is_forged(token: &str) {
    assert_eq!(
        verify(token).unwrap_err().code().as_str(),
        "invalid_signature"
    );
}

#[test]
fn no_text_is_a_token() {
    for_all(any::<String>(), |text| assert!(verify(&text).is_err()));
}

#[test]
fn no_bytes_are_a_token() {
    for_all(vec(any::<u8>(), 0..512), |bytes| {
        assert!(verify(&String::from_utf8_lossy(&bytes)).is_err());
    });
}

#[test]
fn no_three_parts_of_base64url_are_a_token() {
    let parts = "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,200}\\.[A-Za-z0-9_-]{0,90}";
    for_all(parts, |token| assert!(verify(&token).is_err()));
}

#[test]
fn no_three_parts_of_any_bytes_are_a_token() {
    let part = |length: usize| vec(any::<u8>(), 0..length).prop_map(base64url);
    for_all(
        (part(60), part(200), part(70)),
        |(header, payload, signature)| {
            assert!(verify(&format!("{header}.{payload}.{signature}")).is_err());
        },
    );
}

#[test]
fn no_guessed_signature_of_good_claims_verifies() {
    let header = base64url(r#"{"alg":"HS256"}"#);
    let payload = base64url(claims_at(NOW).to_string());
    for_all(any::<[u8; 32]>(), |signature| {
        let token = format!("{header}.{payload}.{}", base64url(signature));
        assert_is_forged(&token);
    });
}

#[test]
fn no_other_secret_signs_a_token() {
    // HMAC pads a short key with zeros, so such a secret is the same key.
    let others = vec(any::<u8>(), 0..100)
        .prop_filter("ours", |secret| !secret.starts_with(SECRET.as_bytes()));
    let payload = claims_at(NOW).to_string();
    for_all(others, |secret| {
        let token = sign_raw(&secret, br#"{"alg":"HS256"}"#, payload.as_bytes());
        assert_is_forged(&token);
    });
}

#[test]
fn a_good_token_with_one_bit_flipped_is_refused() {
    for_all((good_token(), any::<Index>()), |(token, at)| {
        let flipped = flip(&token, at.index(token.len() * 8));
        assert!(std::str::from_utf8(&flipped).map_or(true, |token| verify(token).is_err()));
    });
}

#[test]
fn a_good_token_cut_short_extended_or_with_a_part_taken_out_is_refused() {
    let cuts = (any::<Index>(), any::<Index>(), "[ -~]{1,40}");
    for_all((good_token(), cuts), |(token, (from, to, more))| {
        let (from, to) = (from.index(token.len()), to.index(token.len()));
        let expect_refused = |parts: &[&str]| assert!(verify(&parts.concat()).is_err());
        expect_refused(&[&token[..from]]);
        expect_refused(&[&token[from.max(1)..]]);
        expect_refused(&[&token, &more]);
        expect_refused(&[&more, &token]);
        if from < to {
            expect_refused(&[&token[..from], &token[to..]]);
        }
    });
}

#[test]
fn claims_under_the_signature_of_others_are_refused() {
    let two = (good_token(), good_token()).prop_filter("one token", |(one, other)| one != other);
    for_all(two, |(one, other)| {
        let (message, _) = one.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        assert_is_forged(&format!("{message}.{signature}"));
    });
}

#[test]
fn signed_claims_are_believed_only_if_every_one_of_them_is_good() {
    for_all(any_claims(), |claims| {
        match verify(&sign(&Value::Object(claims.clone()))) {
            Ok(believed) => {
                assert!(is_good(&claims), "{claims:?}");
                assert_eq!(believed.owner().as_str(), claims["sub"].as_str().unwrap());
            }
            Err(refusal) => {
                let code = refusal.code().as_str();
                assert!(!is_good(&claims), "{refusal:?} {claims:?}");
                assert!(
                    ["invalid_claims", "token_expired", "token_not_yet_valid"].contains(&code),
                    "{code} {claims:?}"
                );
            }
        }
    });
}

#[test]
fn a_header_of_any_members_never_makes_it_panic() {
    let name = "(alg|typ|kid|crit|b64|zip|enc|cty|x)";
    let payload = claims_at(NOW).to_string();
    for_all(vec((name, any_json()), 0..6), |members| {
        let header: Map<String, Value> = members.into_iter().collect();
        let is_hs256 = header.get("alg").is_some_and(|alg| alg == "HS256");
        let header = Value::Object(header).to_string();
        let token = sign_raw(SECRET.as_bytes(), header.as_bytes(), payload.as_bytes());
        assert!(verify(&token).is_err() || is_hs256);
    });
}

#[test]
fn a_signed_header_and_payload_of_any_bytes_never_make_it_panic() {
    let bytes = (vec(any::<u8>(), 0..60), vec(any::<u8>(), 0..300));
    for_all(bytes, |(header, payload)| {
        assert!(verify(&sign_raw(SECRET.as_bytes(), &header, &payload)).is_err());
        let under_a_good_header = sign_raw(SECRET.as_bytes(), br#"{"alg":"HS256"}"#, &payload);
        assert!(verify(&under_a_good_header).is_err());
    });
}

#[test]
fn any_finite_time_is_compared_as_a_number() {
    for_all((any::<f64>(), -1e12..1e12_f64), |(exp, now)| {
        let token = sign(&json!({ "sub": "alice", "exp": exp }));
        let is_accepted = verifier_with(policy()).verify(&token, now).is_ok();
        assert_eq!(
            is_accepted,
            exp < YEAR_10000 && now <= exp + policy().leeway
        );
    });
}

#[test]
fn every_subject_is_the_owner_as_it_is() {
    for_all(subject(), |sub| {
        let claims = verify(&sign(&claims_but(NOW, &json!({ "sub": sub })))).unwrap();
        assert_eq!(claims.owner().as_str(), sub);
    });
}

#[test]
fn an_unverified_token_is_shown_as_it_was_sent() {
    let header = r#"{"alg":"HS256","kid":"a","typ":"JWT"}"#;
    let claims = claims_at(NOW).to_string();
    let token = sign_raw(SECRET.as_bytes(), header.as_bytes(), claims.as_bytes());
    let unverified = Unverified::parse(&token).unwrap();
    assert_eq!(unverified.algorithm(), "HS256");
    assert_eq!(unverified.describe(), (header.to_owned(), claims));
}

#[test]
fn the_claims_say_until_when_the_token_is_good() {
    let claims = verify(&sign(&claims_at(NOW))).unwrap();
    assert_eq!(claims.expires_at(), (NOW + 900) as f64);
}

#[test]
fn every_single_bit_of_a_token_counts() {
    let token = sign(&claims_at(NOW));
    assert!(verify(&token).is_ok());
    let mut tried = 0;
    for bit in 0..token.len() * 8 {
        if let Ok(flipped) = String::from_utf8(flip(&token, bit)) {
            assert!(verify(&flipped).is_err(), "bit {bit}: {flipped}");
            tried += 1;
        }
    }
    // Only flipping the highest bit of a byte makes it invalid UTF-8.
    assert_eq!(tried, token.len() * 7);
}

#[test]
fn every_other_character_at_every_place_of_a_token_is_refused() {
    let token = sign(&claims_at(NOW));
    for (place, original) in token.char_indices() {
        for other in (' '..='~').filter(|other| *other != original) {
            let altered = format!("{}{other}{}", &token[..place], &token[place + 1..]);
            assert!(verify(&altered).is_err(), "{altered}");
        }
    }
}

#[test]
fn the_tests_sign_as_the_verifier_reads() {
    // RFC 7515, appendix A.1: the published key, message and signature.
    let key = [
        3, 35, 53, 75, 43, 15, 165, 188, 131, 126, 6, 101, 119, 123, 166, 143, 90, 179, 40, 230,
        240, 84, 201, 40, 169, 15, 132, 178, 210, 80, 46, 191, 211, 251, 90, 146, 210, 6, 71, 239,
        150, 138, 180, 195, 119, 98, 61, 34, 61, 46, 33, 114, 5, 46, 79, 8, 192, 205, 154, 245,
        103, 208, 128, 163,
    ];
    let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    assert_eq!(
        hs256(&key, message),
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
}
