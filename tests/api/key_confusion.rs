//! Tokens that bring their own key, or try to have one key mistaken for another.

use std::net::TcpListener;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::key_server::KeyServer;
use crate::support::pairs::{Pair, RSA, but, message, set_of};
use crate::support::tokens::{base64url, hs256};
use crate::support::trust::{claims_of, published, token_of, trusting, trusting_with, verdict};
use crate::support::{SECRET, TestApp, block_on, tokens};

/// A public key in every form that a library could use as a secret.
fn as_secrets(pair: &Pair) -> Vec<Vec<u8>> {
    let public = RSA.public_key();
    let spki: PublicKeyX509Der<'_> = public.as_der().unwrap();
    let mut secrets = Vec::new();
    for (label, der) in [
        ("PUBLIC KEY", spki.as_ref()),
        ("RSA PUBLIC KEY", public.as_ref()),
    ] {
        let base64 = STANDARD.encode(der);
        let lines: Vec<&str> = base64
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        for end in ["\n", "\r\n"] {
            let body = lines.join(end);
            let pem = format!("-----BEGIN {label}-----{end}{body}{end}-----END {label}-----");
            secrets.push(pem.clone().into_bytes());
            secrets.push(format!("{pem}{end}").into_bytes());
        }
        secrets.push(base64.into_bytes());
        secrets.push(der.to_vec());
    }
    let n = pair.jwk["n"].as_str().unwrap();
    let served = set_of(std::slice::from_ref(&pair.jwk));
    let pretty = serde_json::to_string_pretty(&pair.jwk).unwrap();
    for text in [
        n,
        &pair.jwk.to_string(),
        &pretty,
        &served,
        pair.kid(),
        "AQAB",
        "",
    ] {
        secrets.push(text.as_bytes().to_vec());
    }
    let modulus = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(n);
    secrets.push(modulus.unwrap());
    secrets
}

#[test]
fn a_public_key_is_no_shared_secret_in_any_form() {
    block_on(async {
        let pair = Pair::rsa("k", "RS256");
        let server = KeyServer::start(published(&[&pair]));
        let keys_only = trusting(&server).await;
        let both = trusting_with(&server, &[("BETTER_AUTH_SECRET", SECRET)]).await;
        let claims = claims_of(&server.url(), "alice");
        let secrets = as_secrets(&pair);
        assert!(secrets.len() >= 20);
        for secret in secrets {
            for header in [
                json!({ "alg": "HS256", "kid": "k" }),
                json!({ "alg": "HS256" }),
            ] {
                let message = message(&header, &claims);
                let token = format!("{message}.{}", hs256(&secret, &message));
                let name = String::from_utf8_lossy(&secret).into_owned();
                assert_eq!(
                    verdict(&keys_only, &token).await,
                    "unsupported_algorithm",
                    "{name}"
                );
                assert_eq!(verdict(&both, &token).await, "invalid_signature", "{name}");
            }
            let message = message(&json!({ "alg": "RS256", "kid": "k" }), &claims);
            let token = format!("{message}.{}", hs256(&secret, &message));
            for app in [&keys_only, &both] {
                assert_eq!(verdict(app, &token).await, "invalid_signature");
            }
        }
        for app in [&keys_only, &both] {
            assert_eq!(
                verdict(app, &token_of(&server, &pair, "alice")).await,
                "accepted"
            );
        }
    });
}

#[test]
fn with_both_kinds_of_keys_each_is_used_only_for_its_own() {
    block_on(async {
        let pair = Pair::ed25519("k");
        let server = KeyServer::start(published(&[&pair]));
        let app = trusting_with(&server, &[("BETTER_AUTH_SECRET", SECRET)]).await;
        let claims = claims_of(&server.url(), "alice");
        let by_secret = |header: Value| tokens::sign_with_header(&header, &claims);
        let by_pair = |header: Value| pair.token(&header, &claims);
        for (name, token, code) in [
            (
                "each its own: secret",
                by_secret(json!({ "alg": "HS256" })),
                "accepted",
            ),
            (
                "each its own: pair",
                by_pair(json!({ "alg": "EdDSA", "kid": "k" })),
                "accepted",
            ),
            (
                "a kid of its own",
                by_secret(json!({ "alg": "HS256", "kid": "mine" })),
                "accepted",
            ),
            (
                "the pair's kid",
                by_secret(json!({ "alg": "HS256", "kid": "k" })),
                "invalid_signature",
            ),
            (
                "the pair's algorithm",
                by_secret(json!({ "alg": "EdDSA", "kid": "k" })),
                "invalid_signature",
            ),
            (
                "no kid",
                by_secret(json!({ "alg": "EdDSA" })),
                "invalid_signature",
            ),
            (
                "the secret's algorithm",
                by_pair(json!({ "alg": "HS256" })),
                "invalid_signature",
            ),
            (
                "and the pair's kid",
                by_pair(json!({ "alg": "HS256", "kid": "k" })),
                "invalid_signature",
            ),
            (
                "another algorithm",
                by_pair(json!({ "alg": "ES256", "kid": "k" })),
                "invalid_signature",
            ),
        ] {
            assert_eq!(verdict(&app, &token).await, code, "{name}");
        }
        // The signature of one token under the header of the other.
        let (hs, ed) = (
            by_secret(json!({ "alg": "HS256" })),
            by_pair(json!({ "alg": "EdDSA", "kid": "k" })),
        );
        let part = |token: &str, at: usize| token.split('.').nth(at).unwrap().to_owned();
        for (one, other) in [(&hs, &ed), (&ed, &hs)] {
            let spliced = format!("{}.{}.{}", part(one, 0), part(one, 1), part(other, 2));
            assert_eq!(verdict(&app, &spliced).await, "invalid_signature");
        }
        assert_eq!(server.fetches(), 1);
    });
}

/// Checks that such a token is refused like any other forged one, without a request to
/// any URL in its header.
#[test]
fn a_key_that_a_token_brings_or_points_to_is_not_looked_at() {
    block_on(async {
        let pair = Pair::ed25519("k");
        let evil = Pair::ed25519("k");
        let server = KeyServer::start(published(&[&pair]));
        let canary = TcpListener::bind("127.0.0.1:0").unwrap();
        canary.set_nonblocking(true).unwrap();
        let app = trusting(&server).await;
        let claims = claims_of(&server.url(), "alice");
        let port = canary.local_addr().unwrap().port();
        let mut places: Vec<(&str, Value)> = Vec::new();
        for url in [
            format!("http://127.0.0.1:{port}/jwks"),
            format!("https://127.0.0.1:{port}/jwks"),
            format!("http://[::ffff:127.0.0.1]:{port}/"),
            format!("http://localhost:{port}/"),
            format!("http://{}@127.0.0.1:{port}/", server.address),
            format!("gopher://127.0.0.1:{port}/x"),
            "file:///etc/passwd".to_owned(),
            "http://169.254.169.254/latest/meta-data".to_owned(),
        ] {
            places.push(("jku", json!(url)));
            places.push(("x5u", json!(url)));
        }
        places.push(("jwk", evil.jwk.clone()));
        places.push(("jwks", json!({ "keys": [evil.jwk] })));
        places.push(("x5c", json!([STANDARD.encode(b"no certificate")])));
        places.push(("x5t", json!(base64url([0; 20]))));
        places.push(("x5t#S256", json!(base64url([0; 32]))));
        for (name, value) in places {
            let header = json!({ "alg": "EdDSA", "kid": "k", name: value });
            let forged = evil.token(&header, &claims);
            assert_eq!(
                verdict(&app, &forged).await,
                "invalid_signature",
                "{header}"
            );
            let nameless = evil.token(&but(&header, "kid", Value::Null), &claims);
            assert_eq!(
                verdict(&app, &nameless).await,
                "invalid_signature",
                "{header}"
            );
        }
        assert!(canary.accept().is_err(), "somebody came to look");
        assert_eq!(server.fetches(), 1);
    });
}

#[test]
fn a_kid_is_compared_and_nothing_else() {
    block_on(async {
        let pair = Pair::ed25519("k");
        let server = KeyServer::start(published(&[&pair]));
        let app = trusting_with(&server, &[("BETTER_AUTH_SECRET", SECRET)]).await;
        let url = server.url();
        let claims = claims_of(&url, "alice");
        for kid in [
            "../../../../../../dev/null",
            "/dev/null",
            "/proc/self/environ",
            "/proc/sys/kernel/randomize_va_space",
            "file:///dev/null",
            "C:\\NUL",
            "' UNION SELECT 'k'--",
            "k' OR '1'='1",
            "'; DROP TABLE tasks--",
            "k\0",
            "K",
            " k",
            "k ",
            "",
            "*",
            "$(id)",
            "%6b",
            "ｋ",
        ] {
            let header = json!({ "alg": "EdDSA", "kid": kid });
            assert_eq!(
                verdict(&app, &pair.token(&header, &claims)).await,
                "unknown_key",
                "{kid:?}"
            );
            // The secret that such a file or statement would return.
            for secret in ["", "k", "2\n", "2", "1"] {
                let message = message(&json!({ "alg": "HS256", "kid": kid }), &claims);
                let token = format!("{message}.{}", hs256(secret.as_bytes(), &message));
                assert_eq!(verdict(&app, &token).await, "invalid_signature", "{kid:?}");
            }
        }
        for kid in [json!(1), json!(["k"]), json!({ "k": "k" }), json!(true)] {
            let token = pair.token(&json!({ "alg": "EdDSA", "kid": kid }), &claims);
            assert_eq!(verdict(&app, &token).await, "malformed_token", "{kid}");
        }
        still_works(&app, &token_of(&server, &pair, "alice")).await;
    });
}

async fn still_works(app: &TestApp, token: &str) {
    let client = app.with_token(token);
    client.create_path("the table is still there").await;
    assert_eq!(client.titles("").await, ["the table is still there"]);
}
