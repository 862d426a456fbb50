//! The form of a token: exactly three parts in canonical base64url.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::support::SECRET;
use crate::support::tokens::{base64url, hs256, sign, sign_raw, sign_with_header};
use crate::support::verdicts::{Case, NOW, claims_at, claims_but, expect_refused};

const HEADER: &[u8] = br#"{"alg":"HS256"}"#;
const MALFORMED: &str = "malformed_token";
const INVALID: &str = "invalid_signature";

/// The cases of this module at a time, for the tests over HTTP.
pub fn cases(now: i64) -> Vec<Case> {
    [
        parts(now),
        alphabets(now),
        signatures(now),
        foreign_kinds(now),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Signs two parts as given.
fn sign_parts(header: &str, payload: &str) -> String {
    let message = format!("{header}.{payload}");
    format!("{message}.{}", hs256(SECRET.as_bytes(), &message))
}

fn sign_payload(payload: impl AsRef<[u8]>) -> String {
    sign_raw(SECRET.as_bytes(), HEADER, payload.as_ref())
}

fn split(token: &str) -> (String, String, String) {
    let mut parts = token.split('.').map(str::to_owned);
    let mut next = || parts.next().unwrap();
    (next(), next(), next())
}

/// A valid token whose three parts all contain both characters in which base64url
/// differs from base64.
fn with_every_character(now: i64) -> (String, String, String) {
    let kid = "???>>>????>>>>?????>>>>>";
    (0..10_000)
        .map(|n| {
            let header = json!({ "alg": "HS256", "kid": kid });
            split(&sign_with_header(
                &header,
                &claims_but(now, &json!({ "kid": kid, "n": n })),
            ))
        })
        .find(|(h, p, s)| {
            [h, p, s]
                .iter()
                .all(|part| part.contains('-') && part.contains('_'))
        })
        .unwrap()
}

fn parts(now: i64) -> Vec<Case> {
    let (h, p, s) = split(&sign(&claims_at(now)));
    let mut cases: Vec<Case> = [
        String::new(),
        "abc".into(),
        h.clone(),
        format!("{h}.{p}"),
        format!("{p}.{s}"),
        format!("{h}.{p}.{s}.x"),
        format!("{h}.{p}.{s}."),
        format!(".{h}.{p}.{s}"),
        format!("{h}.{p}.{s}.x.y"),
        format!("{h}.{p}.{s}.x.y.z"),
        format!("{h}..{p}.{s}"),
        ".".into(),
        "..".into(),
        "...".into(),
        "....".into(),
        format!(".{p}.{s}"),
        format!("{h}..{s}"),
        format!("..{s}"),
        format!("{p}.{h}.{s}"),
        sign_parts("", &p),
        sign_parts(&h, ""),
        sign_parts("", ""),
    ]
    .into_iter()
    .map(|token| Case::new(format!("parts {token:?}"), token, MALFORMED))
    .collect();
    cases.push(Case::new("no signature", format!("{h}.{p}."), INVALID));
    cases
}

fn alphabets(now: i64) -> Vec<Case> {
    let (h, p, s) = with_every_character(now);
    assert!(verify_at(&format!("{h}.{p}.{s}"), now));
    let standard = |part: &str| part.replace('-', "+").replace('_', "/");
    let mut altered: Vec<(String, [String; 3])> = vec![
        (
            "+ / in the header".into(),
            [standard(&h), p.clone(), s.clone()],
        ),
        (
            "+ / in the payload".into(),
            [h.clone(), standard(&p), s.clone()],
        ),
        (
            "+ / in the signature".into(),
            [h.clone(), p.clone(), standard(&s)],
        ),
    ];
    for extra in [
        "=", "==", "%3D", " ", "\t", "\n", "\r\n", "\u{a0}", "\u{feff}", "\0", "é", "!", "*",
    ] {
        for (place, part) in [("header", 0), ("payload", 1), ("signature", 2)] {
            for in_the_middle in [false, true] {
                let mut three = [h.clone(), p.clone(), s.clone()];
                let position = if in_the_middle { 4 } else { three[part].len() };
                three[part].insert_str(position, extra);
                altered.push((format!("{extra:?} at {position} in the {place}"), three));
            }
        }
    }
    let mut cases = Vec::new();
    for (name, [header, payload, signature]) in altered {
        // Unchanged, and signed again in this spelling.
        if signature == s {
            cases.push(Case::new(
                format!("{name}, signed"),
                sign_parts(&header, &payload),
                MALFORMED,
            ));
        }
        cases.push(Case::new(
            name,
            format!("{header}.{payload}.{signature}"),
            MALFORMED,
        ));
    }
    for space in [" ", "\t", "\n", "\u{a0}", "\u{200b}"] {
        cases.push(Case::new(
            format!("{space:?} before"),
            format!("{space}{h}.{p}.{s}"),
            MALFORMED,
        ));
        cases.push(Case::new(
            format!("{space:?} behind"),
            format!("{h}.{p}.{s}{space}"),
            MALFORMED,
        ));
    }
    // The unused bits of the last character: two for 43 characters.
    let (head, last) = s.split_at(42);
    let stray = URL_SAFE_ALPHABET
        .iter()
        .position(|c| last.as_bytes() == [*c])
        .unwrap()
        | 1;
    let stray = char::from(URL_SAFE_ALPHABET[stray]);
    cases.push(Case::new(
        "stray bits in the signature",
        format!("{h}.{p}.{head}{stray}"),
        MALFORMED,
    ));
    for (name, header) in [
        ("two", r#"{"alg":"HS256" }"#),
        ("four", r#"{"alg":"HS256"  }"#),
    ] {
        let mut header = base64url(header);
        assert_ne!(header.len() % 4, 0);
        let last = header.pop().unwrap();
        let stray = URL_SAFE_ALPHABET
            .iter()
            .position(|c| char::from(*c) == last)
            .unwrap()
            | 1;
        header.push(char::from(URL_SAFE_ALPHABET[stray]));
        let name = format!("{name} stray bits in the header");
        cases.push(Case::new(name, sign_parts(&header, &p), MALFORMED));
    }
    cases
}

const URL_SAFE_ALPHABET: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn verify_at(token: &str, now: i64) -> bool {
    crate::support::verdicts::verifier_with(crate::support::verdicts::policy())
        .verify(token, now as f64)
        .is_ok()
}

/// A signature cut short at every length, and extended by up to 32 bytes.
fn signatures(now: i64) -> Vec<Case> {
    let (h, p, s) = split(&sign(&claims_at(now)));
    let bytes = URL_SAFE_NO_PAD.decode(&s).unwrap();
    let mut cases = Vec::new();
    for length in 1..s.len() {
        let cut = &s[..length];
        let code = if URL_SAFE_NO_PAD.decode(cut).is_ok() {
            INVALID
        } else {
            MALFORMED
        };
        cases.push(Case::new(
            format!("{length} characters of the signature"),
            format!("{h}.{p}.{cut}"),
            code,
        ));
    }
    for length in 1..bytes.len() {
        let cut = base64url(&bytes[..length]);
        cases.push(Case::new(
            format!("{length} bytes of the signature"),
            format!("{h}.{p}.{cut}"),
            INVALID,
        ));
    }
    for extra in 1..=32 {
        for filler in [0, 0xff] {
            let longer = base64url([&bytes[..], &vec![filler; extra]].concat());
            cases.push(Case::new(
                format!("{extra} times {filler} behind the signature"),
                format!("{h}.{p}.{longer}"),
                INVALID,
            ));
        }
    }
    for (name, other) in [
        ("of zeros", vec![0; 32]),
        ("of ones", vec![0xff; 32]),
        ("twice", bytes.repeat(2)),
        ("backwards", bytes.iter().rev().copied().collect()),
    ] {
        cases.push(Case::new(
            format!("a signature {name}"),
            format!("{h}.{p}.{}", base64url(other)),
            INVALID,
        ));
    }
    cases
}

fn foreign_kinds(now: i64) -> Vec<Case> {
    let inner = sign(&claims_at(now));
    let unsigned = format!(
        "{}.{}.",
        base64url(r#"{"alg":"none"}"#),
        base64url(claims_at(now).to_string())
    );
    let nested = |token: &str| {
        sign_raw(
            SECRET.as_bytes(),
            br#"{"alg":"HS256","cty":"JWT"}"#,
            token.as_bytes(),
        )
    };
    [
        nested(&inner),
        nested(&unsigned),
        sign_with_header(&json!({ "alg": "HS256", "cty": "JWT" }), &claims_at(now)),
        sign_payload(&inner),
        sign_payload(json!(inner).to_string()),
        // PASETO, Better Auth's session tokens and cookies, keys, and no token at all.
        "v4.local.bm90IGEgSldU".into(),
        "v4.public.eyJzdWIiOiJhbGljZSJ9c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl".into(),
        "v4.public.eyJzdWIiOiJhbGljZSJ9.eyJraWQiOiJ4In0".into(),
        "Yq3bT0vJkLm8sPzXcVbNhRdFgWqEaU7i".into(),
        "Yq3bT0vJkLm8sPzXcVbNhRdFgWqEaU7i.3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into(),
        "Yq3bT0vJkLm8sPzXcVbNhRdFgWqEaU7i.3q2%2B7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D".into(),
        base64url(r#"{"session":{"session":{"userId":"alice"},"user":{"id":"alice"}},"expiresAt":9999999999999}"#),
        "sk_live_51H8xQzLkdIwHu7ixUoFakeKeyNotReal".into(),
        "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1".into(),
        "null".into(), "undefined".into(), "[object Object]".into(), "NaN".into(), "{}".into(), "true".into(), "Bearer".into(),
        format!("Bearer {inner}"), format!("\"{inner}\""), format!("'{inner}'"), format!("<{inner}>"), format!("{{\"token\":\"{inner}\"}}"),
        format!("{inner};"), format!("{inner}~"), format!("{inner}?a=b"), inner.replace('.', ":"), inner.replace('.', "%2E"), inner.replace('.', "\u{ff0e}"),
    ]
    .into_iter()
    .map(|token| Case::new(format!("{token:?}"), token, MALFORMED))
    .collect()
}

#[test]
fn a_token_has_exactly_three_parts_that_hold_something() {
    expect_refused(&parts(NOW));
}

#[test]
fn a_part_is_canonical_base64url_and_nothing_else() {
    expect_refused(&alphabets(NOW));
}

#[test]
fn a_shortened_or_extended_signature_is_refused_at_every_length() {
    expect_refused(&signatures(NOW));
}

#[test]
fn what_is_no_jwt_is_refused_as_such() {
    expect_refused(&foreign_kinds(NOW));
}
