//! Methods, and the headers of every response.

use reqwest::header::HeaderMap;
use serde_json::json;
use todoward::routes;

use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    every_error_is_a_problem_with_the_headers_of_every_response,
    every_success_has_the_headers_of_every_response,
    head_responds_as_get_does_without_the_body,
    a_method_that_a_path_does_not_have_is_told_the_allowed_ones,
    a_header_or_parameter_cannot_change_the_method,
    an_unknown_path_is_told_where_the_api_is,
}

const TASKS: &str = "/api/v1/tasks";

/// The headers of every response, whatever its status.
#[track_caller]
fn expect_headers(response: &Response, path: &str) {
    assert_eq!(
        response.header("x-content-type-options"),
        "nosniff",
        "{path}"
    );
    assert_eq!(response.header("referrer-policy"), "no-referrer", "{path}");
    assert_eq!(
        response.header("content-security-policy"),
        "default-src 'none'; frame-ancestors 'none'",
        "{path}"
    );
    assert!(!response.header("x-request-id").is_empty(), "{path}");
    for absent in [
        "server",
        "x-powered-by",
        "set-cookie",
        "access-control-allow-origin",
        "access-control-allow-credentials",
    ] {
        assert!(!response.headers.contains_key(absent), "{path}: {absent}");
    }
    let (vary, cache) = match (path.starts_with("/api"), response.status) {
        (false, _) => ("", ""),
        (true, ..400) => ("Authorization, Origin", "private, no-cache"),
        (true, _) => ("Authorization, Origin", "no-store"),
    };
    assert_eq!(
        (response.header("vary"), response.header("cache-control")),
        (vary, cache),
        "{path}"
    );
}

/// The headers without those that differ between responses.
fn lasting(response: &Response) -> HeaderMap {
    let mut headers = response.headers.clone();
    for changing in ["date", "x-request-id"] {
        assert!(headers.remove(changing).is_some(), "no {changing}");
    }
    headers
}

/// Every method and path, each with the allowed methods.
fn endpoints(path: &str) -> Vec<(String, &'static str)> {
    let id = path.rsplit('/').next().unwrap();
    let mut all = vec![
        ("/health/live".to_owned(), "GET, HEAD"),
        ("/health/ready".to_owned(), "GET, HEAD"),
    ];
    for mount in routes::MOUNTS {
        for path in routes::guarded(mount) {
            let allow = match path.path {
                "/tasks" | "/lists" => "GET, HEAD, POST, DELETE",
                "/tasks/count" | "/changes" | "/changes/stream" | "/export" => "GET, HEAD",
                "/tags" => "GET, HEAD, PATCH, DELETE",
                "/tasks/{id}" | "/lists/{id}" => "GET, HEAD, PUT, PATCH, DELETE",
                "/tasks/{id}/complete" => "PATCH",
                "/batch" | "/import" | "/adopt" => "POST",
                "" => "GET, HEAD, DELETE",
                "/tasks/{id}/move" | "/lists/{id}/move" => "POST",
                "/tasks/{id}/restore" | "/lists/{id}/restore" => "POST",
                other => panic!("{other} is new: say here what its methods are"),
            };
            let path = format!("{mount}{}", path.path);
            all.push((path.replace("{id}", id).replace("{owner_id}", "me"), allow));
        }
    }
    all
}

/// Refused requests, one for each reason.
async fn refusals(app: &TestApp, alice: &Client, path: &str) -> Vec<(String, u16, Response)> {
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
    let mut responses = Vec::new();
    for (status, path, request) in requests {
        responses.push((
            path.to_owned(),
            status,
            request.header("X-Request-Id", "mine").send().await,
        ));
    }
    responses
}

async fn every_error_is_a_problem_with_the_headers_of_every_response(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for (path, status, response) in refusals(&app, &alice, &path).await {
        let problem = response.clone().expect(status).json();
        let code = problem["code"].as_str().unwrap();
        expect_headers(&response.expect_problem(status, code), &path);
        assert_eq!(
            (&problem["instance"], &problem["request_id"]),
            (&json!(path), &json!("mine"))
        );
        assert!(!problem["title"].as_str().unwrap().is_empty());
    }
    assert_eq!(alice.titles("").await, ["a"]);
}

async fn every_success_has_the_headers_of_every_response(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let created = alice
        .post(TASKS, &json!({ "title": "b" }))
        .await
        .expect(201);
    let second = created.header("location").to_owned();
    let responses = [
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
    for (path, response) in responses {
        expect_headers(&response, path);
        let has_body = ![204, 304].contains(&response.status);
        assert_eq!(
            (!response.body.is_empty(), response.header("content-type")),
            (has_body, if has_body { "application/json" } else { "" }),
            "{path}"
        );
    }
}

async fn head_responds_as_get_does_without_the_body(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    alice.create_path("b").await;
    let endpoints = [
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
        for path in endpoints {
            let get = user.get(path).await;
            let head = user.request("HEAD", path).send().await;
            assert_eq!(
                (head.status, lasting(&head)),
                (get.status, lasting(&get)),
                "{path}"
            );
            assert!(
                head.body.is_empty() && head.header("content-length") == get.body.len().to_string(),
                "{path}"
            );
        }
    }
}

async fn a_method_that_a_path_does_not_have_is_told_the_allowed_ones(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let before = alice.get(&path).await.json();
    for (path, allow) in endpoints(&path) {
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LOCK",
            "PROPFIND", "QUERY", "get", "Post", "FOO", "X-_~!",
        ] {
            if allow.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let response = alice
                .request(method, &path)
                .json(&json!({ "title": "b", "completed": true }))
                .send()
                .await
                .expect(405);
            assert_eq!(response.header("allow"), allow, "{method} {path}");
            if method != "HEAD" {
                let problem = response.expect_problem(405, "method_not_allowed").json();
                assert!(
                    problem["detail"]
                        .as_str()
                        .unwrap()
                        .ends_with(&format!("it has {allow}")),
                    "{problem}"
                );
            }
            if path.starts_with("/api") && method != "HEAD" {
                app.anonymous()
                    .request(method, &path)
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
        let response = app
            .anonymous()
            .request("GET", "/health/live")
            .header(name, TASKS)
            .send()
            .await
            .expect(200);
        assert_eq!(response.json(), json!({ "status": "live" }));
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

async fn an_unknown_path_is_told_where_the_api_is(engine: Engine) {
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
