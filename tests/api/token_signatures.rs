//! The signature: made with a configured secret, byte for byte, over exactly this message.

use aws_lc_rs::hmac;
use serde_json::json;

use crate::support::SECRET;
use crate::support::tokens::{base64url, hs256, sign, sign_raw, sign_with_header};
use crate::support::verdicts::{Case, NOW, claims_at, claims_but, expect_refused};

const INVALID: &str = "invalid_signature";

/// A public key of RFC 8037, in every form in which servers publish keys.
const PUBLIC_JWK: &str = r#"{"alg":"EdDSA","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kty":"OKP","kid":"k1"}"#;
const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----";

/// The cases of this module at a time, for the tests over HTTP.
pub fn cases(now: i64) -> Vec<Case> {
    other_secrets(now)
        .into_iter()
        .chain(other_messages(now))
        .collect()
}

fn other_secrets(now: i64) -> Vec<Case> {
    let der = [
        &[
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ][..],
        &[0xd7; 32],
    ]
    .concat();
    let served = format!("{{\"keys\":[{PUBLIC_JWK}]}}");
    let secrets: Vec<Vec<u8>> = vec![
        b"".into(),
        b"\0".into(),
        b"k".into(),
        b"secret".into(),
        b"changeme".into(),
        b"your-256-bit-secret".into(),
        b"better-auth-secret-12345678901234567890".into(),
        b"another secret of the tests, 0123456789 a".into(),
        // The right secret, but not byte for byte. (HMAC pads a key with zeros, so an
        // appended one makes no other key.)
        format!("{SECRET}\n").into(),
        format!(" {SECRET}").into(),
        SECRET.to_uppercase().into(),
        SECRET[..SECRET.len() - 1].into(),
        SECRET[1..].into(),
        SECRET.repeat(2).into(),
        base64url(SECRET).into(),
        // Public keys, in each form that might be mistaken for a secret.
        PUBLIC_PEM.into(),
        format!("{PUBLIC_PEM}\n").into(),
        format!("{PUBLIC_PEM}\n").replace('\n', "\r\n").into(),
        PUBLIC_JWK.into(),
        served.into(),
        der,
        b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into(),
    ];
    secrets
        .into_iter()
        .map(|secret| {
            assert_ne!(secret, SECRET.as_bytes());
            let token = sign_raw(
                &secret,
                br#"{"alg":"HS256"}"#,
                claims_at(now).to_string().as_bytes(),
            );
            Case::new(
                format!("signed with {:?}", String::from_utf8_lossy(&secret)),
                token,
                INVALID,
            )
        })
        .collect()
}

/// Valid signatures of other messages.
fn other_messages(now: i64) -> Vec<Case> {
    let alice = sign(&claims_at(now));
    let bob = sign(&claims_but(now, &json!({ "sub": "bob" })));
    let typed = sign_with_header(&json!({ "alg": "HS256", "typ": "JWT" }), &claims_at(now));
    let part = |token: &str, n: usize| token.split('.').nth(n).unwrap().to_owned();
    let (header, payload) = (part(&alice, 0), part(&alice, 1));
    let key = SECRET.as_bytes();
    let tag = |algorithm, length: usize| {
        let tag = hmac::sign(
            &hmac::Key::new(algorithm, key),
            format!("{header}.{payload}").as_bytes(),
        );
        base64url(&tag.as_ref()[..length])
    };
    let rows = [
        (
            "another token's",
            format!("{header}.{payload}.{}", part(&bob, 2)),
        ),
        (
            "another token's payload",
            format!("{header}.{}.{}", part(&bob, 1), part(&alice, 2)),
        ),
        (
            "another token's header",
            format!("{}.{payload}.{}", part(&typed, 0), part(&alice, 2)),
        ),
        (
            "of the payload",
            format!("{header}.{payload}.{}", hs256(key, &payload)),
        ),
        (
            "of the header",
            format!("{header}.{payload}.{}", hs256(key, &header)),
        ),
        (
            "of nothing",
            format!("{header}.{payload}.{}", hs256(key, "")),
        ),
        (
            "without the dot",
            format!(
                "{header}.{payload}.{}",
                hs256(key, &format!("{header}{payload}"))
            ),
        ),
        (
            "of the decoded text",
            format!(
                "{header}.{payload}.{}",
                hs256(key, &format!("{{\"alg\":\"HS256\"}}.{}", claims_at(now)))
            ),
        ),
        (
            "the payload itself",
            format!("{header}.{payload}.{payload}"),
        ),
        (
            "the secret itself",
            format!("{header}.{payload}.{}", base64url(key)),
        ),
        (
            "the secret as the message",
            format!(
                "{header}.{payload}.{}",
                hs256(format!("{header}.{payload}").as_bytes(), SECRET)
            ),
        ),
        (
            "by SHA-384",
            format!("{header}.{payload}.{}", tag(hmac::HMAC_SHA384, 48)),
        ),
        (
            "by SHA-512",
            format!("{header}.{payload}.{}", tag(hmac::HMAC_SHA512, 64)),
        ),
        (
            "by SHA-512, 32 bytes of it",
            format!("{header}.{payload}.{}", tag(hmac::HMAC_SHA512, 32)),
        ),
        (
            "half of it",
            format!("{header}.{payload}.{}", tag(hmac::HMAC_SHA256, 16)),
        ),
    ];
    rows.map(|(name, token)| Case::new(format!("signature {name}"), token, INVALID))
        .into()
}

#[test]
fn a_token_signed_with_another_secret_is_refused() {
    expect_refused(&other_secrets(NOW));
}

#[test]
fn a_signature_of_another_message_is_refused() {
    expect_refused(&other_messages(NOW));
}

#[test]
fn nothing_is_said_about_the_claims_of_a_token_that_does_not_verify() {
    let wrong = [
        json!({ "exp": 1 }),
        json!({ "exp": null }),
        json!({ "exp": "soon" }),
        json!({ "nbf": NOW + 3600 }),
        json!({ "iat": NOW + 3600 }),
        json!({ "sub": null }),
        json!({ "sub": 1 }),
        json!({ "iss": 1 }),
        json!({ "aud": 1 }),
        json!({ "aud": "better-auth:session-cache" }),
    ];
    let mut cases = Vec::new();
    for changes in wrong {
        for header in [
            json!({ "alg": "HS256" }),
            json!({ "alg": "HS256", "typ": "evil" }),
        ] {
            let claims = claims_but(NOW, &changes).to_string();
            let token = sign_raw(
                b"not ours",
                header.to_string().as_bytes(),
                claims.as_bytes(),
            );
            cases.push(Case::new(format!("{header} {changes}"), token, INVALID));
        }
    }
    expect_refused(&cases);
}
