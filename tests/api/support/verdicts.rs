//! The verifier alone, at a time that the test sets.

use serde_json::{Value, json};
use todoward::auth::{Claims, Policy, Refusal, Verifier};
use todoward::settings::Secret;

use super::{SECRET, tokens};

/// The current time of these tests.
pub const NOW: i64 = 1_800_000_000;

/// The leeway of these tests, which is the default.
pub const LEEWAY: i64 = 15;

/// An invalid token: what is wrong with it, and the expected code.
pub struct Case {
    pub name: String,
    pub token: String,
    pub code: &'static str,
}

impl Case {
    pub fn new(name: impl Into<String>, token: impl Into<String>, code: &'static str) -> Self {
        Self {
            name: name.into(),
            token: token.into(),
            code,
        }
    }
}

pub fn policy() -> Policy {
    Policy {
        leeway: LEEWAY as f64,
        ..Policy::default()
    }
}

pub fn verifier_with(policy: Policy) -> Verifier {
    Verifier::new(&[Secret::parse(SECRET).unwrap()], policy)
}

/// The verdict of the default verifier at [`NOW`].
pub fn verify(token: &str) -> Result<Claims, Refusal> {
    verifier_with(policy()).verify(token, NOW as f64)
}

/// The claims of a token that is valid at a time.
pub fn claims_at(now: i64) -> Value {
    json!({ "sub": "alice", "iat": now, "exp": now + 900 })
}

/// Claims that are valid at a time, except for these changes. Null removes a claim.
pub fn claims_but(now: i64, changes: &Value) -> Value {
    let mut claims = claims_at(now);
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    claims
}

/// A token that is valid at [`NOW`], except for these changes of its claims.
pub fn token_but(changes: &Value) -> String {
    tokens::sign(&claims_but(NOW, changes))
}

#[track_caller]
pub fn expect_code(name: &str, verdict: &Result<Claims, Refusal>, code: &str) {
    match verdict {
        Ok(_) => assert_eq!("accepted", code, "{name}"),
        Err(refusal) => assert_eq!(refusal.code().as_str(), code, "{name}: {refusal:?}"),
    }
}

/// Asserts that every case is refused with its code, and a valid token accepted.
#[track_caller]
pub fn expect_refused(cases: &[Case]) {
    assert!(!cases.is_empty());
    for case in cases {
        expect_code(&case.name, &verify(&case.token), case.code);
    }
    assert!(verify(&tokens::sign(&claims_at(NOW))).is_ok());
}
