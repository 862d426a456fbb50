//! The JWT of Better Auth's session cookie: an API token only where that is allowed.

use serde_json::{Value, json};
use todoward::auth::{Claims, Policy, Refusal};

use crate::support::tokens::sign;
use crate::support::verdicts::{NOW, claims_but, expect_code, policy, verifier_with};

const CLAIMS: &str = "invalid_claims";

/// What a server says that names itself, and takes cookies or not.
fn verdict(accept_session_cookies: bool, changes: &Value) -> Result<Claims, Refusal> {
    let policy = Policy {
        issuers: vec!["https://app.example.com".into()],
        audiences: vec!["https://app.example.com".into()],
        accept_session_cookies,
        ..policy()
    };
    verifier_with(policy).verify(&sign(&claims_but(NOW, changes)), NOW as f64)
}

/// A cookie that is signed with the secret: it names no issuer and no audience.
fn cookie() -> Value {
    json!({ "sub": null, "session": { "userId": "alice" }, "user": { "id": "alice" } })
}

fn but(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[test]
fn a_session_cookie_is_taken_only_where_it_is_allowed() {
    let claims = verdict(true, &cookie()).unwrap();
    assert_eq!(claims.owner().as_str(), "alice");
    let refusal = verdict(false, &cookie()).unwrap_err();
    assert!(refusal.detail().contains("session cookie"), "{refusal:?}");
}

#[test]
fn a_session_cookie_of_a_key_pair_names_the_cache_as_its_audience() {
    let claims = but(cookie(), "sub", json!("alice"));
    let claims = but(claims, "aud", json!("better-auth:session-cache"));
    let claims = but(claims, "iss", json!("https://app.example.com"));
    assert_eq!(verdict(true, &claims).unwrap().owner().as_str(), "alice");
    expect_code("not allowed", &verdict(false, &claims), CLAIMS);
    let foreign = but(claims, "iss", json!("https://evil.example"));
    expect_code("of another issuer", &verdict(true, &foreign), CLAIMS);
}

#[test]
fn a_session_cookie_names_one_user() {
    for (name, value) in [
        ("user", json!({})),
        ("user", json!({ "id": "bob" })),
        ("user", json!({ "id": null })),
        ("session", json!({})),
        ("session", json!({ "userId": "bob" })),
        ("session", json!({ "userId": null })),
    ] {
        let claims = but(cookie(), name, value);
        expect_code(&claims.to_string(), &verdict(true, &claims), CLAIMS);
    }
    let nobody = but(but(cookie(), "user", json!({})), "session", json!({}));
    expect_code("nobody", &verdict(true, &nobody), CLAIMS);
    let two = but(cookie(), "sub", json!("bob"));
    let two = but(two, "aud", json!("better-auth:session-cache"));
    let two = but(two, "iss", json!("https://app.example.com"));
    expect_code("two users", &verdict(true, &two), CLAIMS);
}

#[test]
fn an_api_token_needs_its_issuer_and_audience_where_cookies_are_taken_too() {
    expect_code("neither", &verdict(true, &json!({})), CLAIMS);
    let issued = json!({ "iss": "https://app.example.com" });
    expect_code("no audience", &verdict(true, &issued), CLAIMS);
    let full = but(issued, "aud", json!("https://app.example.com"));
    expect_code("both", &verdict(true, &full), "accepted");
}
