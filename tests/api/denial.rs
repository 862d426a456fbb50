//! The denial table: every method of every path below `/api`, including unknown paths
//! and methods, combined with every kind of invalid token.

use actix_web::http::Method;
use serde_json::json;
use todoward::primitives::problem::Code;
use todoward::routes;

use crate::denial_table::{CONFIGURED, Way, good, targets, ways};
use crate::support::raw::{self, Connection};
use crate::support::tokens::{hs256, sign};
use crate::support::{Engine, Response, SECRET, TestApp, on_both_databases};

on_both_databases! {
    every_path_and_method_refuses_every_invalid_token,
    the_same_paths_and_methods_do_not_refuse_a_valid_token,
    the_response_arrives_before_a_byte_of_the_body_was_sent,
    the_body_of_a_refused_request_is_never_read_as_the_next_request,
    public_endpoints_need_no_token_and_ignore_one,
}

/// The headers of every response below `/api`, errors included.
#[track_caller]
fn expect_headers_of_an_error(response: &Response) {
    for (name, value) in [
        ("content-type", "application/problem+json"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
        ("cache-control", "no-store"),
        ("vary", "Authorization, Origin"),
    ] {
        assert_eq!(response.headers.get_all(name).iter().count(), 1, "{name}");
        assert_eq!(response.header(name), value, "{name}");
    }
    assert!(!response.header("x-request-id").is_empty());
    assert!(!response.headers.contains_key("server"));
}

#[track_caller]
fn expect_challenge(response: &Response, code: &str) {
    const BARE: &str = r#"Bearer realm="todoward""#;
    assert_eq!(
        response.headers.get_all("www-authenticate").iter().count(),
        1
    );
    let challenge = response.header("www-authenticate");
    if code == "missing_token" {
        assert_eq!(challenge, BARE);
        return;
    }
    let (error, end) = match code {
        "insufficient_scope" => (code, r#"", scope="tasks:"#),
        _ => ("invalid_token", "\""),
    };
    let description = challenge
        .strip_prefix(BARE)
        .and_then(|rest| rest.strip_prefix(&format!(r#", error="{error}", error_description=""#)))
        .map(|rest| {
            rest.strip_suffix(r#"read""#)
                .or(rest.strip_suffix(r#"write""#))
                .unwrap_or(rest)
        })
        .and_then(|rest| rest.strip_suffix(end));
    let allowed = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    assert!(
        description.is_some_and(|text| !text.is_empty() && text.bytes().all(allowed)),
        "{challenge}"
    );
}

/// Checks that no part of the token is in the response.
#[track_caller]
fn expect_no_echo(response: &Response, way: &Way) {
    let said = format!("{:?} {}", response.headers, response.text());
    for value in &way.authorization {
        for part in value.split([' ', '.', ',']).filter(|part| part.len() > 16) {
            assert!(!said.contains(part), "{}: {said}", way.name);
        }
    }
}

async fn every_path_and_method_refuses_every_invalid_token(engine: Engine) {
    let app = TestApp::with(engine, &CONFIGURED).await;
    let alice = app.with_token(&sign(&good()));
    let task = alice.create(json!({ "title": "hers" })).await;
    let ways = ways();
    for (method, path) in targets(task["id"].as_str().unwrap()) {
        for way in &ways {
            let mut request = app.anonymous().request(method.as_str(), &path);
            for value in &way.authorization {
                request = request.header("Authorization", value);
            }
            let response = request
                .json(&json!({ "title": "a burglar was here" }))
                .send()
                .await;
            let asked = format!("{method} {path}, {}", way.name);
            assert_eq!(response.status, way.status, "{asked}: {}", response.text());
            expect_headers_of_an_error(&response);
            expect_no_echo(&response, way);
            if [401, 403].contains(&way.status) {
                expect_challenge(&response, way.code);
            }
            if method == Method::HEAD {
                assert!(response.body.is_empty(), "{asked}");
            } else {
                assert_eq!(response.json()["code"], way.code, "{asked}");
                assert_eq!(
                    response.json()["instance"],
                    path.split('?').next().unwrap(),
                    "{asked}"
                );
                response.expect_problem(way.status, way.code);
            }
        }
    }
    let list = alice.get("/api/v1/tasks").await.expect(200).json();
    assert_eq!(
        list["items"],
        json!([task]),
        "a refused request had an effect"
    );
}

async fn the_same_paths_and_methods_do_not_refuse_a_valid_token(engine: Engine) {
    let app = TestApp::with(engine, &CONFIGURED).await;
    let alice = app.with_token(&sign(&good()));
    let path = alice.create_path("hers").await;
    for (method, path) in targets(path.rsplit('/').next().unwrap()) {
        let response = alice.request(method.as_str(), &path).send().await;
        assert_ne!(response.status, 401, "{method} {path}: {}", response.text());
        assert!(
            response.status < 500,
            "{method} {path}: {}",
            response.text()
        );
    }
}

async fn the_response_arrives_before_a_byte_of_the_body_was_sent(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let id = "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1";
    for (method, path) in targets(id) {
        for length in [
            "Content-Length: 2",
            "Content-Length: 10000000000",
            "Transfer-Encoding: chunked",
        ] {
            let head = raw::anonymous_head(
                &format!("{method} {path}"),
                &format!(
                    "Authorization: Bearer a.b.c\r\nContent-Type: application/json\r\n{length}\r\n"
                ),
            );
            let response = raw::ask(app.address, head);
            assert_eq!(
                response.status,
                401,
                "{method} {path}, {length}: {}",
                response.text()
            );
            expect_headers_of_an_error(&response);
        }
    }
}

async fn the_body_of_a_refused_request_is_never_read_as_the_next_request(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let inside = raw::head("alice", "GET /api/v1/tasks", "");
    let length = inside.len();
    let outside = raw::anonymous_head(
        "POST /api/v1/tasks",
        &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
    );
    let next = raw::anonymous_head("GET /health/live", "");
    let mut connection = Connection::open(app.address);
    connection.send(outside + &inside + &next);
    connection
        .response()
        .unwrap()
        .expect_problem(401, "missing_token");
    // Either the connection is closed, or the request after the body is next.
    if let Some(next) = connection.response() {
        assert_eq!(next.expect(200).json(), json!({ "status": "live" }));
        connection.send(raw::anonymous_head("GET /api/v1/tasks", ""));
        connection
            .response()
            .unwrap()
            .expect_problem(401, "missing_token");
    }
}

async fn public_endpoints_need_no_token_and_ignore_one(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let mut asked = 0;
    for address in routes::paths(routes::PUBLIC) {
        for endpoint in &address.endpoints {
            let method = &endpoint.method;
            for way in ways() {
                let mut request = app.anonymous().request(method.as_str(), address.path);
                for value in &way.authorization {
                    request = request.header("Authorization", value);
                }
                let response = request.send().await.expect(200);
                assert!(!response.headers.contains_key("www-authenticate"));
                asked += 1;
            }
        }
    }
    assert!(asked > 0);
}

/// The database is a port without a listener.
#[test]
fn a_refused_token_needs_no_database() {
    crate::support::block_on(async {
        let app = TestApp::on_database(
            Engine::Postgres,
            "postgres://nobody@127.0.0.1:1/none",
            &[
                ("WITHOUT_DATABASE", "1"),
                ("TODOWARD__DATABASE__ACQUIRE_TIMEOUT", "1"),
            ],
        )
        .await;
        for (method, path) in targets("01a1f7e7-b530-74f8-94e4-b4dc1460f2f1") {
            let response = app
                .with_token("a.b.c")
                .request(method.as_str(), &path)
                .send()
                .await;
            assert_eq!(response.status, 401, "{method} {path}");
        }
        let response = app.user("alice").get("/api/v1/tasks").await;
        response.expect_problem(503, "database_unavailable");
    });
}

#[test]
fn the_table_has_rows_and_columns() {
    let methods: usize = routes::guarded(routes::MOUNTS[1])
        .iter()
        .map(|path| path.endpoints.len())
        .sum();
    assert!(methods >= 8, "a route of the contract is gone");
    assert!(targets("x").len() > routes::MOUNTS.len() * methods);
}

#[test]
fn every_code_of_a_refused_token_has_its_row() {
    let ways = ways();
    for code in Code::COMMON.iter().filter(|code| code.status() == 401) {
        // A shared secret has no `kid`, so an unknown one is not possible.
        let is_covered = ways.iter().any(|way| way.code == code.as_str());
        assert!(is_covered || *code == Code::UnknownKey, "{}", code.as_str());
    }
    let good = sign(&good());
    let message = good.rsplit_once('.').unwrap().0;
    assert_eq!(
        good,
        format!("{message}.{}", hs256(SECRET.as_bytes(), message))
    );
}
