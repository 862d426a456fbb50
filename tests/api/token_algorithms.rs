//! The algorithm: HS256 and no other, however the token is signed.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::support::SECRET;
use crate::support::tokens::{base64url, sign, sign_with_header};
use crate::support::verdicts::{Case, NOW, claims_at, expect_refused};

const UNSUPPORTED: &str = "unsupported_algorithm";

/// The cases of this module at a time, for the tests over HTTP.
pub fn cases(now: i64) -> Vec<Case> {
    unsigned(now)
        .into_iter()
        .chain(other_algorithms(now))
        .collect()
}

fn unsigned(now: i64) -> Vec<Case> {
    let original = sign(&claims_at(now));
    let signature = original.rsplit('.').next().unwrap();
    let payload = base64url(claims_at(now).to_string());
    let mut cases = Vec::new();
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "NoNe",
        "none ",
        " none",
        "none\0",
        "no\u{200b}ne",
    ] {
        let header = json!({ "alg": alg });
        let message = format!("{}.{payload}", base64url(header.to_string()));
        let name = |what: &str| format!("{alg:?}, {what}");
        cases.push(Case::new(
            name("no signature"),
            format!("{message}."),
            UNSUPPORTED,
        ));
        cases.push(Case::new(
            name("a good token's signature"),
            format!("{message}.{signature}"),
            UNSUPPORTED,
        ));
        cases.push(Case::new(
            name("really signed"),
            sign_with_header(&header, &claims_at(now)),
            UNSUPPORTED,
        ));
        cases.push(Case::new(name("two parts"), message, "malformed_token"));
    }
    cases
}

/// Signed with HS256 and the right secret, but under another name.
fn other_algorithms(now: i64) -> Vec<Case> {
    let signed = |header: Value, code| {
        let token = sign_with_header(&header, &claims_at(now));
        Case::new(header.to_string(), token, code)
    };
    let named = [
        "",
        "hs256",
        "Hs256",
        "HS256 ",
        " HS256",
        "HS256\0",
        "HS256\n",
        "HS-256",
        "HS2567",
        "HS25",
        "HMAC",
        "HMACSHA256",
        "SHA256",
        "HS384",
        "HS512",
        "HS1",
        "MD5",
        "RS1",
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
        "ES256K",
        "EdDSA",
        "eddsa",
        "Ed25519",
        "Es256",
        "SM2",
        "ML-DSA-44",
        "A128KW",
        "A256GCM",
        "dir",
        "__proto__",
        "toString",
    ]
    .map(|alg| signed(json!({ "alg": alg }), UNSUPPORTED));
    let unnamed = [
        json!({}),
        json!({ "alg": null }),
        json!({ "alg": 0 }),
        json!({ "alg": true }),
        json!({ "alg": ["HS256"] }),
        json!({ "alg": { "name": "HS256" } }),
        json!({ "ALG": "HS256" }),
        json!({ "Alg": "HS256", "typ": "JWT" }),
    ]
    .map(|header| signed(header, "malformed_token"));
    // The algorithm of the header, with the right secret as its key.
    let payload = claims_at(now).to_string();
    let longer =
        [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)].map(|(alg, algorithm)| {
            let message = format!(
                "{}.{}",
                base64url(json!({ "alg": alg }).to_string()),
                base64url(&payload)
            );
            let tag = hmac::sign(
                &hmac::Key::new(algorithm, SECRET.as_bytes()),
                message.as_bytes(),
            );
            Case::new(
                format!("a good {alg}"),
                format!("{message}.{}", base64url(tag)),
                UNSUPPORTED,
            )
        });
    named.into_iter().chain(unnamed).chain(longer).collect()
}

#[test]
fn a_token_that_needs_no_signature_is_refused_however_it_is_spelled() {
    expect_refused(&unsigned(NOW));
}

#[test]
fn a_token_that_names_another_algorithm_is_refused_even_if_it_is_signed() {
    expect_refused(&other_algorithms(NOW));
}
