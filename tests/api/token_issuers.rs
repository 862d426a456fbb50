//! `iss` and `aud`: who issued a token, and for whom.

use serde_json::{Value, json};
use todoward::auth::{Policy, Verifier};

use crate::support::tokens::sign;
use crate::support::verdicts::{
    Case, NOW, claims_but, expect_code, expect_refused, policy, token_but, verifier_with, verify,
};

const CLAIMS: &str = "invalid_claims";
const ISSUER: &str = "https://app.example.com";
const AUDIENCE: &str = "https://api.example.com";

/// The cases of this module at a time, for the tests over HTTP.
pub fn cases(now: i64) -> Vec<Case> {
    mistyped(now)
}

/// Invalid whether or not an issuer and an audience are configured.
fn mistyped(now: i64) -> Vec<Case> {
    let but = |name: &str, value: Value| {
        let mut claims = claims_but(now, &json!({ "iss": ISSUER, "aud": AUDIENCE }));
        claims[name] = value;
        Case::new(format!("{name} {}", claims[name]), sign(&claims), CLAIMS)
    };
    let issuers = [
        json!(null),
        json!(1),
        json!(true),
        json!({}),
        json!([]),
        json!([ISSUER]),
        json!([ISSUER, "evil"]),
        json!({ "0": ISSUER }),
    ];
    let audiences = [
        json!(null),
        json!(123),
        json!(true),
        json!({ "a": 1 }),
        json!({ (AUDIENCE): true }),
        json!([5]),
        json!([AUDIENCE, 5]),
        json!([5, AUDIENCE]),
        json!([[AUDIENCE]]),
        json!([null]),
        json!([AUDIENCE, null]),
        json!([AUDIENCE, {}]),
        json!("better-auth:session-cache"),
        json!([AUDIENCE, "better-auth:session-cache"]),
    ];
    let issuers = issuers.map(|issuer| but("iss", issuer));
    issuers
        .into_iter()
        .chain(audiences.map(|audience| but("aud", audience)))
        .collect()
}

fn configured() -> Verifier {
    verifier_with(Policy {
        issuers: vec![ISSUER.into(), "https://second.example.com".into()],
        audiences: vec![AUDIENCE.into(), "todoward".into()],
        ..policy()
    })
}

#[track_caller]
fn expect(iss: &Value, aud: &Value, code: &str) {
    let token = token_but(&json!({ "iss": iss, "aud": aud }));
    let name = format!("iss {iss}, aud {aud}");
    expect_code(&name, &configured().verify(&token, NOW as f64), code);
}

#[test]
fn issuer_and_audience_are_not_asked_for_where_none_is_configured() {
    for claims in [
        json!({}),
        json!({ "iss": "anybody", "aud": ["a", "b"] }),
        json!({ "iss": "", "aud": "" }),
        json!({ "aud": [] }),
    ] {
        expect_code(
            &claims.to_string(),
            &verify(&token_but(&claims)),
            "accepted",
        );
    }
}

#[test]
fn a_token_that_lacks_more_than_its_issuer_is_told_what_it_is() {
    let detail = |changes: &Value| {
        let refusal = configured().verify(&token_but(changes), NOW as f64);
        refusal.unwrap_err().detail()
    };
    assert_eq!(detail(&json!({})), "the token has no iss");
    let of_a_link = detail(&json!({ "sub": null, "email": "a@example.com" }));
    assert!(
        of_a_link.contains("e-mail verification token"),
        "{of_a_link}"
    );
}

#[test]
fn issuer_or_audience_of_the_wrong_type_is_refused_configured_or_not() {
    let cases = mistyped(NOW);
    expect_refused(&cases);
    for case in &cases {
        expect_code(
            &case.name,
            &configured().verify(&case.token, NOW as f64),
            CLAIMS,
        );
    }
}

#[test]
fn each_configured_issuer_and_audience_is_accepted() {
    for iss in [ISSUER, "https://second.example.com"] {
        for aud in [
            json!(AUDIENCE),
            json!("todoward"),
            json!([AUDIENCE]),
            json!(["other", "todoward"]),
            json!([AUDIENCE, AUDIENCE, ""]),
        ] {
            expect(&json!(iss), &aud, "accepted");
        }
    }
}

/// Texts that resemble the right one.
fn near_misses(of: &str) -> Vec<String> {
    let host = of.strip_prefix("https://").unwrap();
    vec![
        format!("{of}/"),
        format!("{of}:443"),
        format!("{of} "),
        format!(" {of}"),
        format!("{of}\0"),
        format!("{of}\n"),
        format!("{of}?"),
        format!("{of}#"),
        format!("{of}/api/auth"),
        format!("{of}.evil.example.com"),
        format!("https://evil.example.com@{host}"),
        format!("https://{host}@evil.example.com"),
        format!("https://x.{host}"),
        format!("http://{host}"),
        host.to_owned(),
        format!("//{host}"),
        of.to_uppercase(),
        of.replace("https", "HTTPS"),
        of.replace("example", "Example"),
        of.replace('.', "%2e"),
        of.replace("example.com", "example\u{3002}com"),
        of.replace('a', "\u{430}"),
        of[..of.len() - 1].to_owned(),
        of[1..].to_owned(),
        format!("{of}{of}"),
        format!("{of},{of}"),
        format!("{of} other"),
        String::new(),
        "*".into(),
    ]
}

#[test]
fn an_issuer_that_is_only_nearly_the_configured_one_is_refused() {
    for near in near_misses(ISSUER) {
        expect(&json!(near), &json!(AUDIENCE), CLAIMS);
    }
    expect(&Value::Null, &json!(AUDIENCE), CLAIMS);
    expect(&json!(AUDIENCE), &json!(AUDIENCE), CLAIMS);
}

#[test]
fn an_audience_that_is_only_nearly_the_configured_one_is_refused() {
    for near in near_misses(AUDIENCE) {
        expect(&json!(ISSUER), &json!(near), CLAIMS);
        expect(&json!(ISSUER), &json!(["other", near]), CLAIMS);
    }
    for none in [Value::Null, json!([]), json!(["other"]), json!(ISSUER)] {
        expect(&json!(ISSUER), &none, CLAIMS);
    }
}

#[test]
fn an_expired_token_of_another_issuer_is_refused_for_its_time() {
    let token = token_but(&json!({ "iss": "other", "aud": "other", "exp": 1 }));
    expect_code(
        "both",
        &configured().verify(&token, NOW as f64),
        "token_expired",
    );
}
