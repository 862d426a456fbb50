//! A refusal says what was sent, as far as it can be recognized, and what to send instead.

use serde_json::{Value, json};

use crate::support::tokens::{now, sign};
use crate::support::verdicts::{NOW, claims_but, verify};
use crate::support::{Engine, TestApp, block_on};

/// The detail for a token with these claims and without a subject.
fn without_subject(claims: &Value) -> &'static str {
    let mut changes = claims.clone();
    changes["sub"] = Value::Null;
    let refusal = verify(&sign(&claims_but(NOW, &changes))).unwrap_err();
    assert_eq!(refusal.code().as_str(), "invalid_claims");
    refusal.detail()
}

#[test]
fn a_token_without_sub_is_told_so_unless_it_is_the_one_of_a_link_in_a_mail() {
    for claims in [
        json!({ "email": "a@example.com" }),
        json!({ "email": "a@example.com", "updateTo": "b@example.com", "requestType": "change-email-verification" }),
    ] {
        let detail = without_subject(&claims);
        assert!(
            detail.starts_with("this is a Better Auth e-mail verification token"),
            "{claims}: {detail}"
        );
    }
    // Newer ones have userId, as do tokens that people sign themselves.
    let both = without_subject(&json!({ "userId": "alice", "email": "a@example.com" }));
    assert!(both.starts_with("the token has no sub: "), "{both}");
    assert!(both.contains("e-mail verification"), "{both}");
    for claims in [
        json!({}),
        json!({ "userId": "alice" }),
        json!({ "id": "alice", "email": "a@example.com" }),
        json!({ "userId": "alice", "email": "a@example.com", "name": "Alice" }),
        json!({ "email": "a@example.com", "iss": "https://app.example.com" }),
        json!({ "email": "a@example.com", "role": "admin" }),
    ] {
        let detail = without_subject(&claims);
        assert!(
            detail.starts_with("the token has no sub; "),
            "{claims}: {detail}"
        );
    }
}

#[test]
fn a_token_that_was_issued_after_its_end_is_told_from_one_that_is_merely_old() {
    let expired = |iat: Value| {
        let claims = json!({ "iat": iat, "exp": NOW - 200 });
        let refusal = verify(&sign(&claims_but(NOW, &claims))).unwrap_err();
        assert_eq!(refusal.code().as_str(), "token_expired");
        refusal.detail()
    };
    let detail = expired(json!(NOW - 199));
    assert!(
        detail.starts_with("the token expired before it was issued"),
        "{detail}"
    );
    for iat in [json!(NOW - 200), json!(NOW - 1_100), Value::Null] {
        let detail = expired(iat);
        assert!(detail.starts_with("the token has expired"), "{detail}");
    }
}

/// What a client may send, and a word of what it must be told.
fn sent(token: &str) -> Vec<(String, &'static str)> {
    const SESSION: &str = "Better Auth session token";
    const API_KEY: &str = "x-api-key";
    const QUOTES: &str = "in quotes or brackets";
    const JSON: &str = "this is JSON";
    const VARIABLE: &str = "the name of a variable";
    const PARTS: &str = "three parts";
    let letters = "kXbQzRwTnYvPmLsJdHgFcAeUiOqWxZrBtNyVpMlSjDhGfCaEuIoKkXbQzRwTnYvP";
    assert_eq!(letters.len(), 64);
    let owned = |(text, word): (&str, &'static str)| (text.to_owned(), word);
    let mut sent: Vec<_> = [
        ("Yq3bT0vJkLm8sPzXcVbNhRdFgWqEaU7i", SESSION),
        (letters, API_KEY),
        ("sk_live_51H8xQzLkdIwHu7ixUoFakeKeyNotReal", API_KEY),
        ("01a1f7e7-b530-74f8-94e4-b4dc1460f2f1", PARTS),
        ("letmein", PARTS),
        ("Yq3bT0vJkLm8sPzX.c2lnbmF0dXJl", PARTS),
        ("Yq3bT0vJkLm8sPzX.c2lnbmF0dXJl=", SESSION),
        ("Yq3bT0vJkLm8sPzX.c2lnbmF0dXJl%3D", SESSION),
        ("eyJzZXNzaW9uIjp7fX0", "the strategy \"compact\""),
        ("a.b.c.d.e", "an encrypted token (JWE)"),
        ("a.b.c.d", PARTS),
        ("{{token}}", VARIABLE),
        ("${TOKEN}", VARIABLE),
        ("$TOKEN", VARIABLE),
    ]
    .map(owned)
    .into();
    for prefix in ["todo_", "sk-", "todo-", "acme"] {
        sent.push((format!("{prefix}{letters}"), API_KEY));
    }
    sent.extend([
        (format!("\"{token}\""), QUOTES),
        (format!("'{token}'"), QUOTES),
        (format!("<{token}>"), QUOTES),
        (format!("\u{201c}{token}\u{201d}"), QUOTES),
        (format!("{{\"token\": \"{token}\"}}"), JSON),
        (
            format!("{{\"data\":{{\"token\":\"{token}\"}},\"error\":null}}"),
            JSON,
        ),
        (format!("Bearer {token}"), "the word Bearer stands twice"),
        (format!("bearer  {token}"), "the word Bearer stands twice"),
        ("Bearer".to_owned(), "the word Bearer stands twice"),
        (
            sign(&claims_but(now(), &json!({ "image": "x".repeat(9_000) }))),
            "definePayload",
        ),
    ]);
    sent
}

#[test]
fn what_is_sent_instead_of_a_token_is_called_by_its_name() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        let token = sign(&claims_but(now(), &json!({})));
        for (text, word) in sent(&token) {
            let response = app.with_token(&text).get("/api/v1/tasks").await;
            let problem = response.expect_problem(401, "malformed_token").json();
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(word), "{text}: {detail}");
        }
        // A list of credentials, whatever its first item looks like.
        for list in ["{}, Bearer x", "\"a\", Bearer b"] {
            let response = app.with_token(list).get("/api/v1/tasks").await;
            response.expect_problem(400, "invalid_request");
        }
    });
}
