//! The rows and columns of the denial table: everything that needs a token, taken from
//! the real routes, and every kind of invalid token.

use actix_web::http::Method;
use serde_json::{Value, json};
use todoward::routes;

use crate::support::tokens::{base64url, claims, now, sign, sign_raw, sign_with_header};

const ISSUER: &str = "https://app.example.com";
/// The settings of the application that the tokens are for.
pub const CONFIGURED: [(&str, &str); 4] = [
    ("TODOWARD__AUTH__ISSUERS", ISSUER),
    ("TODOWARD__AUTH__AUDIENCES", ISSUER),
    ("TODOWARD__AUTH__OAUTH_READ_SCOPES", "tasks:read"),
    ("TODOWARD__AUTH__OAUTH_WRITE_SCOPES", "tasks:write"),
];

/// A kind of request without a valid token.
pub struct Way {
    pub name: &'static str,
    /// Each value of `Authorization`, in order.
    pub authorization: Vec<String>,
    pub status: u16,
    pub code: &'static str,
}

/// Claims that the table's application accepts, with one claim changed.
fn but(name: &str, value: Value) -> Value {
    let mut good = claims("alice");
    let members = good.as_object_mut().unwrap();
    members.insert("iss".into(), ISSUER.into());
    members.insert("aud".into(), ISSUER.into());
    members.insert(name.to_owned(), value);
    good
}

fn without(name: &str) -> Value {
    let mut good = good();
    good.as_object_mut().unwrap().remove(name);
    good
}

/// The claims of a token that the application accepts.
pub fn good() -> Value {
    but("sub", "alice".into())
}

/// Every kind, with the expected code.
pub fn ways() -> Vec<Way> {
    let token = sign(&good());
    let bearer = |token: String| vec![format!("Bearer {token}")];
    let claims = |claims: Value| bearer(sign(&claims));
    let header = |header: Value| bearer(sign_with_header(&header, &good()));
    let header_and = |header: Value, claims: Value| bearer(sign_with_header(&header, &claims));
    let unsigned = token.rsplit_once('.').unwrap().0.to_owned();
    let altered = format!(
        "{}.{}.{}",
        base64url(json!({ "alg": "HS256" }).to_string()),
        base64url(but("sub", "bob".into()).to_string()),
        token.rsplit_once('.').unwrap().1,
    );
    let foreign = |claims: Value| {
        let header = br#"{"alg":"HS256"}"#;
        bearer(sign_raw(
            b"the secret of somebody else, 0123456789",
            header,
            claims.to_string().as_bytes(),
        ))
    };
    let rows: Vec<(&'static str, Vec<String>, &'static str)> = vec![
        ("no header", vec![], "missing_token"),
        ("an empty header", vec![String::new()], "missing_token"),
        ("Basic", vec!["Basic YWxpY2U6YQ==".into()], "missing_token"),
        (
            "a token under another scheme",
            vec![format!("Token {token}")],
            "missing_token",
        ),
        (
            "a token and no scheme",
            vec![token.clone()],
            "missing_token",
        ),
        (
            "a scheme and no token",
            vec!["Bearer".into()],
            "malformed_token",
        ),
        ("a word", bearer("letmein".into()), "malformed_token"),
        (
            "an empty variable",
            bearer("undefined".into()),
            "malformed_token",
        ),
        (
            "three parts of nothing",
            bearer("a.b.c".into()),
            "malformed_token",
        ),
        (
            "five parts",
            bearer(format!("{token}.a.b")),
            "malformed_token",
        ),
        (
            "too long",
            claims(but("x", "x".repeat(9_000).into())),
            "malformed_token",
        ),
        (
            "crit",
            header(json!({ "alg": "HS256", "crit": ["exp"] })),
            "malformed_token",
        ),
        (
            "none",
            header(json!({ "alg": "none" })),
            "unsupported_algorithm",
        ),
        (
            "none, unsigned",
            bearer(format!(
                "{}.{}.",
                base64url(r#"{"alg":"none"}"#),
                base64url(good().to_string())
            )),
            "unsupported_algorithm",
        ),
        (
            "another algorithm",
            header(json!({ "alg": "EdDSA" })),
            "unsupported_algorithm",
        ),
        (
            "no signature",
            bearer(format!("{unsigned}.")),
            "invalid_signature",
        ),
        ("another secret", foreign(good()), "invalid_signature"),
        (
            "another secret, expired",
            foreign(but("exp", 1.into())),
            "invalid_signature",
        ),
        ("another payload", bearer(altered), "invalid_signature"),
        (
            "expired",
            claims(but("exp", (now() - 3600).into())),
            "token_expired",
        ),
        (
            "not yet valid",
            claims(but("nbf", (now() + 3600).into())),
            "token_not_yet_valid",
        ),
        (
            "issued in the future",
            claims(but("iat", (now() + 3600).into())),
            "token_not_yet_valid",
        ),
        ("no expiry", claims(without("exp")), "invalid_claims"),
        ("no subject", claims(without("sub")), "invalid_claims"),
        (
            "an empty subject",
            claims(but("sub", "".into())),
            "invalid_claims",
        ),
        (
            "a number as subject",
            claims(but("sub", 1.into())),
            "invalid_claims",
        ),
        ("no issuer", claims(without("iss")), "invalid_claims"),
        (
            "another issuer",
            claims(but("iss", "https://evil.example.com".into())),
            "invalid_claims",
        ),
        ("no audience", claims(without("aud")), "invalid_claims"),
        (
            "another audience",
            claims(but("aud", "https://evil.example.com".into())),
            "invalid_claims",
        ),
        (
            "a session cookie",
            header(json!({ "alg": "HS256", "typ": "better-auth.session-cache+jwt" })),
            "invalid_claims",
        ),
        (
            "a token of OAuth for a client, not a user",
            claims(but("client_id", "alice".into())),
            "invalid_claims",
        ),
        (
            "a token of OAuth with a list of scopes",
            header_and(
                json!({ "alg": "HS256", "typ": "at+jwt" }),
                but("scope", json!(["tasks:write"])),
            ),
            "invalid_claims",
        ),
        (
            "a token that is bound to a key",
            claims(but("cnf", json!({ "jkt": "a thumbprint" }))),
            "invalid_claims",
        ),
        (
            "a time in milliseconds",
            claims(but("exp", ((now() + 900) * 1000).into())),
            "invalid_claims",
        ),
        (
            "a token of OAuth without a scope",
            claims(but("azp", "a program".into())),
            "insufficient_scope",
        ),
        (
            "a token of OAuth with other scopes",
            header_and(
                json!({ "alg": "HS256", "typ": "at+jwt" }),
                but("scope", "openid tasks:writes tasks tasks:read,x".into()),
            ),
            "insufficient_scope",
        ),
        (
            "two headers",
            vec![format!("Bearer {token}"), format!("Bearer {token}")],
            "invalid_request",
        ),
        (
            "two credentials",
            vec![format!("Bearer {token}, Bearer {token}")],
            "invalid_request",
        ),
    ];
    rows.into_iter()
        .map(|(name, authorization, code)| Way {
            name,
            authorization,
            status: match code {
                "invalid_request" => 400,
                "insufficient_scope" => 403,
                _ => 401,
            },
            code,
        })
        .collect()
}

/// Every method and path below `/api` that must not be served without a token.
pub fn targets(id: &str) -> Vec<(Method, String)> {
    let mut targets = Vec::new();
    for mount in routes::MOUNTS {
        for address in routes::guarded(mount) {
            let path = format!("{mount}{}", address.path)
                .replace("{owner_id}", "me")
                .replace("{id}", id);
            assert!(
                !path.contains('{'),
                "say what stands for the parameter in {path}"
            );
            for endpoint in &address.endpoints {
                let method = &endpoint.method;
                targets.push((method.clone(), path.clone()));
                if *method == Method::GET {
                    targets.push((Method::HEAD, path.clone()));
                }
            }
            for unknown in ["OPTIONS", "TRACE", "BREW"] {
                targets.push((unknown.parse().unwrap(), path.clone()));
            }
        }
    }
    for nowhere in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/tasks",
        "/api/v1/tasks/",
        "/api/v1/users",
        "/api/v1/users/me",
        "/api/v1/users/bob/tasks",
        "/api/v1/users/bob/nothing",
        "/api/v1/%74asks",
        "/%61pi/v1/tasks",
        "/api/v1/tasks?a=b",
        "/api/v1/tasks/not-a-uuid",
        "/api/health/live",
    ] {
        for method in [Method::GET, Method::HEAD, Method::POST] {
            targets.push((method, nowhere.to_owned()));
        }
    }
    targets
}
