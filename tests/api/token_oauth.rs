//! OAuth access tokens: they allow no more than their scopes.

use serde_json::{Value, json};
use todoward::auth::{Access, Claims, Policy, Refusal, Scopes};

use crate::support::tokens::{now, sign, sign_with_header};
use crate::support::verdicts::{
    Case, NOW, claims_but, expect_code, expect_refused, policy, verifier_with, verify,
};
use crate::support::{Client, Engine, TestApp, on_both_databases};

on_both_databases! {
    a_program_reads_and_writes_as_far_as_its_scopes_go,
    a_request_that_its_scopes_do_not_allow_counts_against_the_rate_limit,
}

const CLAIMS: &str = "invalid_claims";
const LIST: &str = "/api/v1/tasks";

/// The cases of this module at a time, for the tests over HTTP, without configured
/// scopes.
pub fn cases(now: i64) -> Vec<Case> {
    let mut cases: Vec<Case> = marks()
        .into_iter()
        .flat_map(|(header, mark)| {
            [
                json!({}),
                json!({ "scope": "tasks:write" }),
                json!({ "scope": "*" }),
            ]
            .map(|scope| {
                let claims = merged(&claims_but(now, &mark), &scope);
                let name = format!("{header} {mark} {scope}");
                Case::new(name, sign_with_header(&header, &claims), CLAIMS)
            })
        })
        .collect();
    for cnf in [
        json!({ "jkt": "thumbprint" }),
        json!({ "x5t#S256": "thumbprint" }),
        json!({}),
        json!(""),
    ] {
        let claims = claims_but(now, &json!({ "cnf": cnf }));
        cases.push(Case::new(format!("cnf {cnf}"), sign(&claims), CLAIMS));
    }
    // An ID token names its client only as its audience.
    for name in ["at_hash", "c_hash"] {
        let claims = claims_but(now, &json!({ (name): "hash", "auth_time": now }));
        cases.push(Case::new(name, sign(&claims), CLAIMS));
    }
    cases
}

/// What makes a token an OAuth token: header and claims.
fn marks() -> Vec<(Value, Value)> {
    let typed = |typ: &str| (json!({ "alg": "HS256", "typ": typ }), json!({}));
    let claimed = |claims: Value| (json!({ "alg": "HS256" }), claims);
    let mut marks = vec![
        typed("at+jwt"),
        typed("AT+JWT"),
        typed("At+Jwt"),
        typed("application/at+jwt"),
        typed("APPLICATION/AT+JWT"),
    ];
    for name in ["client_id", "azp"] {
        for value in [
            json!("a program"),
            json!(""),
            json!(1),
            json!([]),
            json!({}),
            json!(false),
        ] {
            marks.push(claimed(json!({ (name): value })));
        }
    }
    // An ID token, as oauth-provider makes it.
    marks.push(claimed(
        json!({ "azp": "a program", "nonce": "n", "auth_time": NOW, "sid": "s" }),
    ));
    marks
}

fn merged(claims: &Value, more: &Value) -> Value {
    let mut claims = claims.clone();
    let members = claims.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    claims
}

fn list(scopes: &[&str]) -> Vec<String> {
    scopes.iter().map(|scope| (*scope).to_owned()).collect()
}

fn allowing(read: &[&str], write: &[&str]) -> Policy {
    let oauth = Scopes {
        read: list(read),
        write: list(write),
    };
    Policy { oauth, ..policy() }
}

fn usual() -> Policy {
    allowing(&["tasks:read", "profile"], &["tasks:write", "tasks"])
}

fn verdict(policy: Policy, claims: &Value) -> Result<Claims, Refusal> {
    let header = json!({ "alg": "HS256", "typ": "at+jwt" });
    verifier_with(policy).verify(&sign_with_header(&header, claims), NOW as f64)
}

/// The access that a scope claim gives.
#[track_caller]
fn access(policy: Policy, scope: &Value) -> Access {
    let claims = claims_but(NOW, &json!({ "scope": scope }));
    verdict(policy, &claims).unwrap().access()
}

#[test]
fn no_token_of_oauth_is_accepted_where_no_scope_is_configured() {
    expect_refused(&cases(NOW));
    for (header, mark) in marks() {
        let refusal = verify(&sign_with_header(&header, &claims_but(NOW, &mark))).unwrap_err();
        let detail = refusal.detail();
        for word in [
            "OAuth access token",
            "authClient.token()",
            "TODOWARD__AUTH__OAUTH_READ_SCOPES",
        ] {
            assert!(detail.contains(word), "{header} {mark}: {detail}");
        }
    }
}

#[test]
fn a_users_own_token_may_do_everything_whatever_its_claim_scope_says() {
    for scope in [
        json!(null),
        json!("openid"),
        json!(""),
        json!(["x"]),
        json!(1),
    ] {
        let token = sign(&claims_but(NOW, &json!({ "scope": scope })));
        for policy in [policy(), usual()] {
            let claims = verifier_with(policy).verify(&token, NOW as f64).unwrap();
            assert_eq!(claims.access(), Access::Write, "{scope}");
        }
    }
}

#[test]
fn scopes_are_compared_exactly_between_single_spaces() {
    for (scope, expected) in [
        (json!("tasks:read"), Access::Read),
        (json!("profile"), Access::Read),
        (json!("openid profile email"), Access::Read),
        (json!("tasks:write"), Access::Write),
        (json!("openid tasks"), Access::Write),
        (json!("tasks:read tasks:write"), Access::Write),
        (json!("tasks:write tasks:read"), Access::Write),
        (json!("tasks:read  tasks:write"), Access::Write),
        (json!(null), Access::Nothing),
        (json!(""), Access::Nothing),
        (json!(" "), Access::Nothing),
        (json!("*"), Access::Nothing),
        (json!("openid"), Access::Nothing),
        (json!("Tasks:Write"), Access::Nothing),
        (json!("tasks:writer"), Access::Nothing),
        (json!("my-tasks:write"), Access::Nothing),
        (json!("tasks:write,tasks:read"), Access::Nothing),
        (json!("tasks:write\ttasks:read"), Access::Nothing),
        (json!("tasks:write\n"), Access::Nothing),
        (json!("tasks:write\u{a0}tasks:read"), Access::Nothing),
    ] {
        assert_eq!(access(usual(), &scope), expected, "{scope}");
    }
}

#[test]
fn a_scope_that_is_no_string_is_refused() {
    for scope in [
        json!(["tasks:write"]),
        json!([]),
        json!({}),
        json!(1),
        json!(true),
    ] {
        let claims = claims_but(NOW, &json!({ "scope": scope }));
        expect_code(&scope.to_string(), &verdict(usual(), &claims), CLAIMS);
    }
    let mut null = claims_but(NOW, &json!({}));
    null["scope"] = Value::Null;
    expect_code("null", &verdict(usual(), &null), CLAIMS);
}

#[test]
fn with_scopes_of_one_kind_a_scope_of_the_other_kind_gives_no_access() {
    let read_only = || allowing(&["tasks:read"], &[]);
    assert_eq!(access(read_only(), &json!("tasks:read")), Access::Read);
    assert_eq!(access(read_only(), &json!("tasks:write")), Access::Nothing);
    let write_only = || allowing(&[], &["tasks:write"]);
    assert_eq!(access(write_only(), &json!("tasks:write")), Access::Write);
    assert_eq!(access(write_only(), &json!("tasks:read")), Access::Nothing);
}

#[test]
fn a_client_is_no_user_whatever_it_may_do() {
    for name in ["client_id", "azp"] {
        let claims = claims_but(NOW, &json!({ (name): "alice", "scope": "tasks:write" }));
        let refusal = verdict(usual(), &claims).unwrap_err();
        assert_eq!(refusal.code().as_str(), CLAIMS);
        assert!(refusal.detail().contains("client"), "{refusal:?}");
    }
    let others = json!({ "client_id": "Alice", "azp": "alice ", "scope": "tasks:write" });
    let claims = verdict(usual(), &claims_but(NOW, &others)).unwrap();
    assert_eq!(claims.owner().as_str(), "alice");
}

#[test]
fn a_token_that_is_bound_to_a_key_is_no_bearer_token_with_any_scope() {
    let bound = json!({ "cnf": { "jkt": "thumbprint" }, "scope": "tasks:write" });
    let refusal = verdict(usual(), &claims_but(NOW, &bound)).unwrap_err();
    assert_eq!(refusal.code().as_str(), CLAIMS);
    assert!(refusal.detail().contains("cnf"), "{refusal:?}");
}

#[test]
fn a_session_cookie_is_not_let_in_by_a_scope_nor_an_oauth_token_as_a_cookie() {
    let policy = || Policy {
        accept_session_cookies: true,
        ..usual()
    };
    let cookie =
        json!({ "sub": null, "session": { "userId": "alice" }, "user": { "id": "alice" } });
    let of_the_cache = json!({ "aud": "better-auth:session-cache" });
    for form in [&cookie, &of_the_cache] {
        for mark in [
            json!({ "client_id": "a program" }),
            json!({ "azp": "a program" }),
        ] {
            let mark = merged(&mark, &json!({ "scope": "tasks:write" }));
            let token = sign(&claims_but(NOW, &merged(form, &mark)));
            let verdict = verifier_with(policy()).verify(&token, NOW as f64);
            expect_code(&format!("{form} {mark}"), &verdict, CLAIMS);
        }
    }
}

#[test]
fn a_token_is_compared_anew_with_what_it_is_sent_for_also_when_it_is_remembered() {
    let verifier = verifier_with(usual());
    let header = json!({ "alg": "HS256", "typ": "at+jwt" });
    let token = |scope: &str| {
        let claims = claims_but(NOW, &json!({ "scope": scope }));
        sign_with_header(&header, &claims)
    };
    let (reads, writes) = (token("tasks:read"), token("tasks:write"));
    for _ in 0..3 {
        for (token, expected) in [(&reads, Access::Read), (&writes, Access::Write)] {
            let claims = verifier.verify(token, NOW as f64).unwrap();
            assert_eq!(claims.access(), expected);
        }
    }
}

/// A client with an OAuth token for alice.
fn program(app: &TestApp, scope: &str) -> Client {
    let claims = claims_but(now(), &json!({ "client_id": "a program", "scope": scope }));
    let header = json!({ "alg": "HS256", "typ": "at+jwt" });
    app.with_token(&sign_with_header(&header, &claims))
}

const SCOPES: [(&str, &str); 2] = [
    ("TODOWARD__AUTH__OAUTH_READ_SCOPES", "tasks:read, profile"),
    ("TODOWARD__AUTH__OAUTH_WRITE_SCOPES", "tasks:write"),
];

const TO_READ: &str = r#"Bearer realm="todoward", error="insufficient_scope", error_description="to read, an OAuth access token needs one of the scopes tasks:read, profile", scope="tasks:read profile""#;
const TO_WRITE: &str = r#"Bearer realm="todoward", error="insufficient_scope", error_description="to write, an OAuth access token needs the scope tasks:write", scope="tasks:write""#;

async fn a_program_reads_and_writes_as_far_as_its_scopes_go(engine: Engine) {
    let app = TestApp::with(engine, &SCOPES).await;
    let alice = app.user("alice");
    let path = alice.create_path("hers").await;
    let (reads, writes, neither) = (
        program(&app, "openid tasks:read"),
        program(&app, "tasks:write"),
        program(&app, "openid"),
    );
    // Repeated, because an accepted token is remembered.
    for _ in 0..2 {
        for address in [
            LIST,
            &path,
            "/api/v1/users/me/tasks",
            "/api/v1/users/alice/tasks",
        ] {
            for method in ["GET", "HEAD"] {
                reads.request(method, address).send().await.expect(200);
                writes.request(method, address).send().await.expect(200);
                let response = neither.request(method, address).send().await.expect(403);
                assert_eq!(
                    response.header("www-authenticate"),
                    TO_READ,
                    "{method} {address}"
                );
            }
            neither
                .get(address)
                .await
                .expect_problem(403, "insufficient_scope");
        }
        for (method, address) in [
            ("POST", LIST),
            ("DELETE", "/api/v1/tasks?completed=true"),
            ("PUT", &path),
            ("PATCH", &path),
            ("DELETE", &path),
            ("PATCH", &format!("{path}/complete")),
            ("OPTIONS", LIST),
            ("BREW", LIST),
            ("POST", "/api/v1/nowhere"),
            ("POST", "/api/v1/users/bob/tasks"),
        ] {
            for program in [&reads, &neither] {
                let body = json!({ "title": "theirs" });
                let response = program
                    .request(method, address)
                    .json(&body)
                    .send()
                    .await
                    .expect_problem(403, "insufficient_scope");
                assert_eq!(
                    response.header("www-authenticate"),
                    TO_WRITE,
                    "{method} {address}"
                );
            }
        }
    }
    assert_eq!(
        alice.titles("").await,
        ["hers"],
        "a refused request had an effect"
    );
    let task = writes.create(json!({ "title": "written for her" })).await;
    assert_eq!(task["owner_id"], "alice");
    // The tasks belong to her.
    writes
        .get("/api/v1/users/bob/tasks")
        .await
        .expect_problem(403, "foreign_path");
    app.user("bob")
        .get(&path)
        .await
        .expect_problem(403, "not_owner");
}

async fn a_request_that_its_scopes_do_not_allow_counts_against_the_rate_limit(engine: Engine) {
    let limited = [
        &SCOPES[..],
        &[
            ("TODOWARD__RATE_LIMIT__REQUESTS_PER_SECOND", "1"),
            ("TODOWARD__RATE_LIMIT__BURST", "2"),
        ],
    ]
    .concat();
    let app = TestApp::with(engine, &limited).await;
    let reads = program(&app, "tasks:read");
    let mut statuses = Vec::new();
    while statuses.last() != Some(&429) {
        let response = reads.post(LIST, &json!({ "title": "x" })).await;
        assert!(
            response.header("ratelimit").starts_with("\"owner\";r="),
            "{:?}",
            response.headers
        );
        statuses.push(response.status);
        assert!(statuses.len() < 100, "never limited");
    }
    assert_eq!(statuses[..2], [403, 403]);
    // The user's bucket is used, whatever the client.
    app.user("bob").get(LIST).await.expect(200);
}
