//! The denial table: every method of every guarded address, what is no address
//! and no method too, by every way in which a token can be wrong.

use actix_web::http::Method;
use serde_json::json;
use todoward::primitives::problem::Code;
use todoward::routes;

use crate::denial_table::{CONFIGURED, Way, good, targets, ways};
use crate::support::raw::{self, Connection};
use crate::support::tokens::{hs256, sign};
use crate::support::{Answer, Engine, SECRET, TestApp, on_both_databases};

on_both_databases! {
    every_address_and_method_refuses_every_wrong_token,
    the_same_addresses_and_methods_do_not_refuse_a_good_token,
    the_answer_comes_before_a_byte_of_the_body_was_sent,
    the_body_of_a_refused_request_is_never_read_as_the_next_request,
    public_addresses_need_no_token_and_look_at_none,
}

/// Contract, section 7: what every answer below `/api` carries, an error's too.
#[track_caller]
fn expect_headers_of_an_error(answer: &Answer) {
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
        assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{name}");
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert!(!answer.header("x-request-id").is_empty());
    assert!(!answer.headers.contains_key("server"));
}

#[track_caller]
fn expect_challenge(answer: &Answer, code: &str) {
    const BARE: &str = r#"Bearer realm="todoward""#;
    assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1);
    let challenge = answer.header("www-authenticate");
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

/// No part of what was sent as a token comes back.
#[track_caller]
fn expect_no_echo(answer: &Answer, way: &Way) {
    let said = format!("{:?} {}", answer.headers, answer.text());
    for value in &way.authorization {
        for part in value.split([' ', '.', ',']).filter(|part| part.len() > 16) {
            assert!(!said.contains(part), "{}: {said}", way.name);
        }
    }
}

async fn every_address_and_method_refuses_every_wrong_token(engine: Engine) {
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
            let answer = request
                .json(&json!({ "title": "a burglar was here" }))
                .send()
                .await;
            let asked = format!("{method} {path}, {}", way.name);
            assert_eq!(answer.status, way.status, "{asked}: {}", answer.text());
            expect_headers_of_an_error(&answer);
            expect_no_echo(&answer, way);
            if [401, 403].contains(&way.status) {
                expect_challenge(&answer, way.code);
            }
            if method == Method::HEAD {
                assert!(answer.body.is_empty(), "{asked}");
            } else {
                assert_eq!(answer.json()["code"], way.code, "{asked}");
                assert_eq!(
                    answer.json()["instance"],
                    path.split('?').next().unwrap(),
                    "{asked}"
                );
                answer.expect_problem(way.status, way.code);
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

async fn the_same_addresses_and_methods_do_not_refuse_a_good_token(engine: Engine) {
    let app = TestApp::with(engine, &CONFIGURED).await;
    let alice = app.with_token(&sign(&good()));
    let path = alice.create_path("hers").await;
    for (method, path) in targets(path.rsplit('/').next().unwrap()) {
        let answer = alice.request(method.as_str(), &path).send().await;
        assert_ne!(answer.status, 401, "{method} {path}: {}", answer.text());
        assert!(answer.status < 500, "{method} {path}: {}", answer.text());
    }
}

async fn the_answer_comes_before_a_byte_of_the_body_was_sent(engine: Engine) {
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
            let answer = raw::ask(app.address, head);
            assert_eq!(
                answer.status,
                401,
                "{method} {path}, {length}: {}",
                answer.text()
            );
            expect_headers_of_an_error(&answer);
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
        .answer()
        .unwrap()
        .expect_problem(401, "missing_token");
    // Either the connection ends, or the request behind the body is next.
    if let Some(next) = connection.answer() {
        assert_eq!(next.expect(200).json(), json!({ "status": "live" }));
        connection.send(raw::anonymous_head("GET /api/v1/tasks", ""));
        connection
            .answer()
            .unwrap()
            .expect_problem(401, "missing_token");
    }
}

async fn public_addresses_need_no_token_and_look_at_none(engine: Engine) {
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
                let answer = request.send().await.expect(200);
                assert!(!answer.headers.contains_key("www-authenticate"));
                asked += 1;
            }
        }
    }
    assert!(asked > 0);
}

/// The database is a port at which nobody listens.
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
            let answer = app
                .with_token("a.b.c")
                .request(method.as_str(), &path)
                .send()
                .await;
            assert_eq!(answer.status, 401, "{method} {path}");
        }
        let answer = app.user("alice").get("/api/v1/tasks").await;
        answer.expect_problem(503, "database_unavailable");
    });
}

#[test]
fn the_table_has_rows_and_columns() {
    let methods: usize = routes::guarded()
        .iter()
        .map(|path| path.endpoints.len())
        .sum();
    assert!(methods >= 8, "a route of the contract is gone");
    assert!(targets("x").len() > routes::MOUNTS.len() * methods);
}

#[test]
fn every_code_of_a_refused_token_has_its_row() {
    let ways = ways();
    for code in Code::ALL.iter().filter(|code| code.status() == 401) {
        // A shared secret has no `kid`, so no token can name one that is unknown.
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
