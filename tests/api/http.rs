//! Methods, and the headers of every answer.

use reqwest::header::HeaderMap;
use serde_json::json;
use todoward::routes;

use crate::support::{Answer, Client, Engine, TestApp, on_both_databases};

on_both_databases! {
    every_error_is_a_problem_with_the_headers_of_every_answer,
    every_success_has_the_headers_of_every_answer,
    head_answers_as_get_does_without_the_body,
    a_method_that_an_address_does_not_have_is_told_which_it_has,
    a_header_or_parameter_cannot_change_the_method,
    an_address_that_is_not_there_is_told_where_the_api_is,
}

const TASKS: &str = "/api/v1/tasks";

/// What every answer has, whatever it says.
#[track_caller]
fn expect_headers(answer: &Answer, path: &str) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    assert_eq!(
        answer.header("content-security-policy"),
        "default-src 'none'; frame-ancestors 'none'",
        "{path}"
    );
    assert!(!answer.header("x-request-id").is_empty(), "{path}");
    for absent in [
        "server",
        "x-powered-by",
        "set-cookie",
        "access-control-allow-origin",
        "access-control-allow-credentials",
    ] {
        assert!(!answer.headers.contains_key(absent), "{path}: {absent}");
    }
    let (vary, cache) = match (path.starts_with("/api"), answer.status) {
        (false, _) => ("", ""),
        (true, ..400) => ("Authorization, Origin", "private, no-cache"),
        (true, _) => ("Authorization, Origin", "no-store"),
    };
    assert_eq!(
        (answer.header("vary"), answer.header("cache-control")),
        (vary, cache),
        "{path}"
    );
}

/// The headers without those that differ from answer to answer.
fn lasting(answer: &Answer) -> HeaderMap {
    let mut headers = answer.headers.clone();
    for changing in ["date", "x-request-id"] {
        assert!(headers.remove(changing).is_some(), "no {changing}");
    }
    headers
}

/// Every method and address, each with what its methods are.
fn addresses(path: &str) -> Vec<(String, &'static str)> {
    let id = path.rsplit('/').next().unwrap();
    let mut all = vec![
        ("/health/live".to_owned(), "GET, HEAD"),
        ("/health/ready".to_owned(), "GET, HEAD"),
    ];
    for mount in routes::MOUNTS {
        for address in routes::guarded() {
            let allow = match address.path {
                "/tasks" => "GET, HEAD, POST, DELETE",
                "/tasks/{id}" => "GET, HEAD, PUT, PATCH, DELETE",
                "/tasks/{id}/complete" => "PATCH",
                other => panic!("{other} is new: say here what its methods are"),
            };
            let address = format!("{mount}{}", address.path);
            all.push((
                address.replace("{id}", id).replace("{owner_id}", "me"),
                allow,
            ));
        }
    }
    all
}

/// Requests that are refused, one for each way.
async fn refusals(app: &TestApp, alice: &Client, path: &str) -> Vec<(String, u16, Answer)> {
    let bob = app.user("bob");
    let nobody = app.anonymous();
    let forged = app.with_token("a.b.c");
    let big = " ".repeat(524_289);
    let requests = [
        (404, "/nope", nobody.request("GET", "/nope")),
        (405, "/health/live", nobody.request("POST", "/health/live")),
        (401, TASKS, nobody.request("GET", TASKS)),
        (401, "/api/nope", nobody.request("GET", "/api/nope")),
        (
            401,
            TASKS,
            forged.request("POST", TASKS).json(&json!({ "title": "x" })),
        ),
        (
            400,
            TASKS,
            alice
                .request("GET", TASKS)
                .header("Authorization", "Bearer x"),
        ),
        (
            400,
            TASKS,
            alice.request("GET", "/api/v1/tasks?limit=0&x=<b>"),
        ),
        (400, TASKS, alice.request("GET", "/api/v1/tasks?cursor=x")),
        (
            400,
            TASKS,
            alice.request("POST", TASKS).body("application/json", "{"),
        ),
        (
            400,
            TASKS,
            alice
                .request("POST", TASKS)
                .header("Idempotency-Key", "")
                .json(&json!({ "title": "x" })),
        ),
        (
            400,
            path,
            alice
                .request("PATCH", path)
                .header("If-Match", "1")
                .json(&json!({})),
        ),
        (403, path, bob.request("GET", path)),
        (
            403,
            "/api/v1/users/bob/tasks",
            alice.request("GET", "/api/v1/users/bob/tasks"),
        ),
        (
            404,
            "/api/v1/tasks/x",
            alice.request("DELETE", "/api/v1/tasks/x"),
        ),
        (404, "/api/v1/nope", alice.request("GET", "/api/v1/nope")),
        (405, TASKS, alice.request("PATCH", TASKS)),
        (
            412,
            path,
            alice.request("DELETE", path).header("If-Match", "\"7\""),
        ),
        (
            413,
            TASKS,
            alice.request("POST", TASKS).body("application/json", big),
        ),
        (
            415,
            path,
            alice.request("PATCH", path).body("text/plain", "x"),
        ),
        (422, TASKS, alice.request("POST", TASKS).json(&json!({}))),
    ];
    let mut answers = Vec::new();
    for (status, path, request) in requests {
        answers.push((
            path.to_owned(),
            status,
            request.header("X-Request-Id", "mine").send().await,
        ));
    }
    answers
}

async fn every_error_is_a_problem_with_the_headers_of_every_answer(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for (path, status, answer) in refusals(&app, &alice, &path).await {
        let problem = answer.clone().expect(status).json();
        let code = problem["code"].as_str().unwrap();
        expect_headers(&answer.expect_problem(status, code), &path);
        assert_eq!(
            (&problem["instance"], &problem["request_id"]),
            (&json!(path), &json!("mine"))
        );
        assert!(!problem["title"].as_str().unwrap().is_empty());
    }
    assert_eq!(alice.titles("").await, ["a"]);
}

async fn every_success_has_the_headers_of_every_answer(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let created = alice
        .post(TASKS, &json!({ "title": "b" }))
        .await
        .expect(201);
    let second = created.header("location").to_owned();
    let answers = [
        (
            "/health/live",
            app.anonymous().get("/health/live").await.expect(200),
        ),
        (
            "/health/ready",
            app.anonymous().get("/health/ready").await.expect(200),
        ),
        (TASKS, alice.get("/api/v1/tasks?limit=1").await.expect(200)),
        (TASKS, created),
        (&path, alice.get(&path).await.expect(200)),
        (
            &path,
            alice
                .patch(&path, &json!({ "title": "c" }))
                .await
                .expect(200),
        ),
        (
            &path,
            alice
                .request("GET", &path)
                .header("If-None-Match", "*")
                .send()
                .await
                .expect(304),
        ),
        (
            &path,
            alice
                .request("PATCH", &format!("{path}/complete"))
                .send()
                .await
                .expect(200),
        ),
        (
            TASKS,
            alice
                .delete("/api/v1/tasks?completed=true")
                .await
                .expect(200),
        ),
        (&second, alice.delete(&second).await.expect(204)),
    ];
    for (path, answer) in answers {
        expect_headers(&answer, path);
        let has_body = ![204, 304].contains(&answer.status);
        assert_eq!(
            (!answer.body.is_empty(), answer.header("content-type")),
            (has_body, if has_body { "application/json" } else { "" }),
            "{path}"
        );
    }
}

async fn head_answers_as_get_does_without_the_body(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    alice.create_path("b").await;
    let addresses = [
        "/health/live",
        "/health/ready",
        TASKS,
        "/api/v1/tasks?limit=1",
        "/api/v1/users/me/tasks",
        &path,
        "/api/v1/tasks?limit=0",
        "/api/v1/tasks/x",
        "/api/v1/nope",
        "/nope",
    ];
    for user in [&alice, &app.anonymous(), &app.user("bob")] {
        for address in addresses {
            let get = user.get(address).await;
            let head = user.request("HEAD", address).send().await;
            assert_eq!(
                (head.status, lasting(&head)),
                (get.status, lasting(&get)),
                "{address}"
            );
            assert!(
                head.body.is_empty() && head.header("content-length") == get.body.len().to_string(),
                "{address}"
            );
        }
    }
}

async fn a_method_that_an_address_does_not_have_is_told_which_it_has(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let before = alice.get(&path).await.json();
    for (address, allow) in addresses(&path) {
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LOCK",
            "PROPFIND", "QUERY", "get", "Post", "FOO", "X-_~!",
        ] {
            if allow.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let answer = alice
                .request(method, &address)
                .json(&json!({ "title": "b", "completed": true }))
                .send()
                .await
                .expect(405);
            assert_eq!(answer.header("allow"), allow, "{method} {address}");
            if method != "HEAD" {
                let problem = answer.expect_problem(405, "method_not_allowed").json();
                assert!(
                    problem["detail"]
                        .as_str()
                        .unwrap()
                        .ends_with(&format!("it has {allow}")),
                    "{problem}"
                );
            }
            if address.starts_with("/api") && method != "HEAD" {
                app.anonymous()
                    .request(method, &address)
                    .send()
                    .await
                    .expect_problem(401, "missing_token");
            }
        }
    }
    assert_eq!(alice.get(&path).await.expect(200).json(), before);
}

async fn a_header_or_parameter_cannot_change_the_method(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for name in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Original-Method",
        "_method",
    ] {
        alice
            .request("GET", &path)
            .header(name, "DELETE")
            .send()
            .await
            .expect(200);
        alice
            .request("POST", &path)
            .header(name, "DELETE")
            .send()
            .await
            .expect_problem(405, "method_not_allowed");
        alice
            .request("PATCH", &path)
            .header(name, "DELETE")
            .json(&json!({ "title": "a" }))
            .send()
            .await
            .expect(200);
    }
    for name in [
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Prefix",
        "X-Forwarded-Path",
    ] {
        let answer = app
            .anonymous()
            .request("GET", "/health/live")
            .header(name, TASKS)
            .send()
            .await
            .expect(200);
        assert_eq!(answer.json(), json!({ "status": "live" }));
    }
    alice
        .get(&format!("{path}?_method=DELETE"))
        .await
        .expect_problem(400, "unknown_parameter");
    alice
        .request("POST", TASKS)
        .body("application/x-www-form-urlencoded", "_method=DELETE")
        .send()
        .await
        .expect_problem(415, "unsupported_media_type");
    alice.get(&path).await.expect(200);
}

async fn an_address_that_is_not_there_is_told_where_the_api_is(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for path in ["/", "/tasks", "/health", "/api/v1/tasks/"] {
        let detail = alice
            .get(path)
            .await
            .expect_problem(404, "no_such_address")
            .json()["detail"]
            .to_string();
        assert!(
            detail.contains(TASKS) && detail.contains("/docs"),
            "{detail}"
        );
    }
}
