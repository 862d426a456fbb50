//! The header of a token: nothing in it leads to a key, and parameters that would change
//! the meaning of the token are refused.

use serde_json::{Map, Value, json};

use crate::support::SECRET;
use crate::support::tokens::{base64url, sign_raw, sign_with_header};
use crate::support::verdicts::{Case, NOW, claims_at, claims_but, expect_refused, verify};

const MALFORMED: &str = "malformed_token";
const CLAIMS: &str = "invalid_claims";
const INVALID: &str = "invalid_signature";

/// The cases of this module at a time, for the tests over HTTP.
pub fn cases(now: i64) -> Vec<Case> {
    let mut cases = brought_keys(now, "https://evil.example.com/jwks.json");
    cases.extend(kids(now));
    cases.extend(extensions(now));
    cases.extend(types(now));
    cases
}

/// A header with `HS256` and these members.
fn header(members: &Value) -> Value {
    let mut header = json!({ "alg": "HS256" });
    header
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    header
}

fn signed_with(secret: &[u8], members: &Value, now: i64, code: &'static str) -> Case {
    let header = header(members).to_string();
    let payload = claims_at(now).to_string();
    let token = sign_raw(secret, header.as_bytes(), payload.as_bytes());
    Case::new(header, token, code)
}

fn signed(members: &Value, now: i64, code: &'static str) -> Case {
    signed_with(SECRET.as_bytes(), members, now, code)
}

/// Tokens that refer to their own key, or contain it.
pub fn brought_keys(now: i64, address: &str) -> Vec<Case> {
    const THEIRS: &[u8] = b"the secret of somebody else, 0123456789";
    let jwk = json!({ "kty": "oct", "alg": "HS256", "kid": "theirs", "k": base64url(THEIRS) });
    let set = json!({ "keys": [jwk] });
    let mut members = vec![
        json!({ "jwk": jwk }),
        json!({ "jwk": jwk, "kid": "theirs" }),
        json!({ "jwk": set }),
        json!({ "jwks": set }),
        json!({ "x5c": [base64url(THEIRS)] }),
        json!({ "x5t": base64url([7; 20]) }),
        json!({ "x5t#S256": base64url([7; 32]) }),
        json!({ "k": base64url(THEIRS) }),
        json!({ "secret": base64url(THEIRS) }),
    ];
    for place in [
        address,
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/jwks",
        "https://app.example.com@evil.example.com/jwks",
        "//evil.example.com/jwks",
        "data:application/json,{}",
    ] {
        for name in ["jku", "x5u", "kid", "iss"] {
            members.push(json!({ (name): place }));
        }
    }
    members
        .iter()
        .map(|members| signed_with(THEIRS, members, now, INVALID))
        .collect()
}

/// Values of `kid` that attempt injection: paths, SQL, scripts.
fn kids(now: i64) -> Vec<Case> {
    let mut cases = Vec::new();
    for kid in [
        "../../../../../../dev/null",
        "/dev/null",
        "/proc/self/environ",
        "/proc/sys/kernel/randomize_va_space",
        "file:///dev/null",
        "C:\\NUL",
        "",
        ".",
        "' UNION SELECT 'k'--",
        "'; DROP TABLE tasks; --",
        "x\0",
        "${jndi:ldap://evil.example.com/a}",
        "$(id)",
        "`id`",
        "%00",
    ] {
        for content in ["", "k", "2\n", "0\n", "1"] {
            cases.push(signed_with(
                content.as_bytes(),
                &json!({ "kid": kid }),
                now,
                INVALID,
            ));
        }
    }
    for kid in [
        json!(null),
        json!(1),
        json!([]),
        json!({}),
        json!(true),
        json!(["k1"]),
    ] {
        cases.push(signed(&json!({ "kid": kid }), now, MALFORMED));
    }
    cases
}

/// Parameters that change the meaning of signature or payload, or belong to another kind
/// of token.
fn extensions(now: i64) -> Vec<Case> {
    [
        json!({ "crit": ["x"] }),
        json!({ "crit": ["x"], "x": 1 }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": ["exp"], "exp": now + 900 }),
        json!({ "crit": ["alg"] }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "crit": ["b64"], "b64": true }),
        json!({ "crit": [] }),
        json!({ "crit": "x" }),
        json!({ "crit": null }),
        json!({ "crit": ["x", "x"], "x": 1 }),
        json!({ "crit": ["absent"] }),
        json!({ "crit": [1] }),
        json!({ "b64": false }),
        json!({ "b64": true }),
        json!({ "b64": null }),
        json!({ "zip": "DEF" }),
        json!({ "zip": "none" }),
        json!({ "enc": "A256CBC-HS512" }),
        json!({ "enc": null }),
        json!({ "cty": "JWT" }),
        json!({ "p2c": 4_000_000_000_u64 }),
        json!({ "p2s": "AAAA" }),
        json!({ "epk": { "kty": "OKP" } }),
        json!({ "apu": "AAAA" }),
        json!({ "apv": "AAAA" }),
        json!({ "tag": "AAAA" }),
        json!({ "typ": null }),
        json!({ "typ": 1 }),
        json!({ "typ": ["JWT"] }),
    ]
    .iter()
    .map(|members| signed(members, now, MALFORMED))
    .collect()
}

fn types(now: i64) -> Vec<Case> {
    [
        "JWE",
        "JOSE",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "better-auth.session-cache+jwt",
        "Better-Auth.Session-Cache+JWT",
        "application/logout+jwt",
        "evil",
        "",
        " ",
        "JWT ",
        "JWTx",
        "application/",
        "application/application/jwt",
        "text/jwt",
        "jwt; a=b",
    ]
    .map(|typ| signed(&json!({ "typ": typ }), now, CLAIMS))
    .into()
}

#[test]
fn a_key_that_the_token_brings_or_points_to_is_not_used() {
    expect_refused(&brought_keys(NOW, "http://127.0.0.1:1/jwks.json"));
}

#[test]
fn a_kid_is_never_a_path_nor_a_query() {
    expect_refused(&kids(NOW));
}

#[test]
fn a_header_that_changes_what_the_token_means_is_refused() {
    expect_refused(&extensions(NOW));
}

#[test]
fn a_token_that_says_it_is_of_another_kind_is_refused() {
    expect_refused(&types(NOW));
}

#[test]
fn the_types_of_an_api_token_and_none_are_accepted() {
    let types = ["JWT", "jwt", "application/jwt", "Application/JWT"];
    let typed = types.map(|typ| header(&json!({ "typ": typ })));
    for header in typed.into_iter().chain([header(&json!({}))]) {
        assert!(
            verify(&sign_with_header(&header, &claims_at(NOW))).is_ok(),
            "{header}"
        );
    }
}

#[test]
fn what_the_header_repeats_of_the_claims_or_adds_has_no_effect() {
    let members = json!({
        "sub": "bob", "iss": "https://evil.example.com", "aud": "evil", "exp": 1, "nbf": NOW + 9_999, "nonce": "n",
        "url": "https://evil.example.com", "jku": "https://evil.example.com", "__proto__": { "alg": "none" }, "constructor": 1,
    });
    let claims = verify(&sign_with_header(&header(&members), &claims_at(NOW))).unwrap();
    assert_eq!(claims.owner().as_str(), "alice");
    let late = claims_but(NOW, &json!({ "exp": 1 }));
    let refused = verify(&sign_with_header(
        &header(&json!({ "exp": NOW + 900 })),
        &late,
    ));
    assert_eq!(refused.unwrap_err().code().as_str(), "token_expired");
}

#[test]
fn many_unknown_members_are_ignored_up_to_the_longest_token() {
    let members = |count: usize| -> Value {
        (0..count)
            .map(|n| (format!("h{n}"), json!(n)))
            .collect::<Map<_, _>>()
            .into()
    };
    assert!(verify(&sign_with_header(&header(&members(300)), &claims_at(NOW))).is_ok());
    expect_refused(&[
        signed(&members(1_000), NOW, MALFORMED),
        signed(&json!({ "x": "x".repeat(32 << 10) }), NOW, MALFORMED),
    ]);
}
