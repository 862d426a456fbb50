//! Methods, and the headers of every answer.

use reqwest::header::HeaderMap;
use serde_json::json;
use todoward::routes;

use crate::support::{Answer, Client, TestApp, on_both_databases};

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
        for address in routes::TASKS {
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
    let big = " ".repeat(65_537);
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

on_both_databases! {
    async fn every_error_is_a_problem_with_the_headers_of_every_answer(engine: Engine) {
        let app = TestApp::spawn(engine).await;
        let alice = app.user("alice");
        let path = alice.create_path("a").await;
        for (path, status, answer) in refusals(&app, &alice, &path).await {
            let problem = answer.clone().expect(status).json();
            let code = problem["code"].as_str().unwrap();
            expect_headers(&answer.expect_problem(status, code), &path);
            assert_eq!((&problem["instance"], &problem["request_id"]), (&json!(path), &json!("mine")));
            assert!(!problem["title"].as_str().unwrap().is_empty());
        }
        assert_eq!(alice.titles("").await, ["a"]);
    }

    async fn every_success_has_the_headers_of_every_answer(engine: Engine) {
        let app = TestApp::spawn(engine).await;
        let alice = app.user("alice");
        let path = alice.create_path("a").await;
        let created = alice.post(TASKS, &json!({ "title": "b" })).await.expect(201);
        let second = created.header("location").to_owned();
        let answers = [
            ("/health/live", app.anonymous().get("/health/live").await.expect(200)),
            ("/health/ready", app.anonymous().get("/health/ready").await.expect(200)),
            (TASKS, alice.get("/api/v1/tasks?limit=1").await.expect(200)),
            (TASKS, created),
            (&path, alice.get(&path).await.expect(200)),
            (&path, alice.patch(&path, &json!({ "title": "c" })).await.expect(200)),
            (&path, alice.request("GET", &path).header("If-None-Match", "*").send().await.expect(304)),
            (&path, alice.request("PATCH", &format!("{path}/complete")).send().await.expect(200)),
            (TASKS, alice.delete("/api/v1/tasks?completed=true").await.expect(200)),
            (&second, alice.delete(&second).await.expect(204)),
        ];
        for (path, answer) in answers {
            expect_headers(&answer, path);
            let has_body = ![204, 304].contains(&answer.status);
            assert_eq!((!answer.body.is_empty(), answer.header("content-type")), (has_body, if has_body { "application/json" } else { "" }), "{path}");
        }
    }

    async fn head_answers_as_get_does_without_the_body(engine: Engine) {
        let app = TestApp::spawn(engine).await;
        let alice = app.user("alice");
        let path = alice.create_path("a").await;
        alice.create_path("b").await;
        let addresses = [
            "/health/live", "/health/ready", TASKS, "/api/v1/tasks?limit=1", "/api/v1/users/me/tasks", &path, "/api/v1/tasks?limit=0", "/api/v1/tasks/x", "/api/v1/nope", "/nope",
        ];
        for user in [&alice, &app.anonymous(), &app.user("bob")] {
            for address in addresses {
                let get = user.get(address).await;
                let head = user.request("HEAD", address).send().await;
                assert_eq!((head.status, lasting(&head)), (get.status, lasting(&get)), "{address}");
                assert!(head.body.is_empty() && head.header("content-length") == get.body.len().to_string(), "{address}");
            }
        }
    }

    async fn a_method_that_an_address_does_not_have_is_told_which_it_has(engine: Engine) {
        let app = TestApp::spawn(engine).await;
        let alice = app.user("alice");
        let path = alice.create_path("a").await;
        let before = alice.get(&path).await.json();
        for (address, allow) in addresses(&path) {
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LOCK", "PROPFIND", "QUERY", "get", "Post", "FOO", "X-_~!"] {
                if allow.split(", ").any(|allowed| allowed == method) {
                    continue;
                }
                let answer = alice.request(method, &address).json(&json!({ "title": "b", "completed": true })).send().await.expect(405);
                assert_eq!(answer.header("allow"), allow, "{method} {address}");
                if method != "HEAD" {
                    answer.expect_problem(405, "method_not_allowed");
                }
                if address.starts_with("/api") && method != "HEAD" {
                    app.anonymous().request(method, &address).send().await.expect_problem(401, "missing_token");
                }
            }
        }
        assert_eq!(alice.get(&path).await.expect(200).json(), before);
    }

    async fn a_header_or_parameter_cannot_change_the_method(engine: Engine) {
        let app = TestApp::spawn(engine).await;
        let alice = app.user("alice");
        let path = alice.create_path("a").await;
        for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "_method"] {
            alice.request("GET", &path).header(name, "DELETE").send().await.expect(200);
            alice.request("POST", &path).header(name, "DELETE").send().await.expect_problem(405, "method_not_allowed");
            alice.request("PATCH", &path).header(name, "DELETE").json(&json!({ "title": "a" })).send().await.expect(200);
        }
        for name in ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Path"] {
            let answer = app.anonymous().request("GET", "/health/live").header(name, TASKS).send().await.expect(200);
            assert_eq!(answer.json(), json!({ "status": "live" }));
        }
        alice.get(&format!("{path}?_method=DELETE")).await.expect_problem(400, "unknown_parameter");
        alice.request("POST", TASKS).body("application/x-www-form-urlencoded", "_method=DELETE").send().await.expect_problem(415, "unsupported_media_type");
        alice.get(&path).await.expect(200);
    }

    async fn the_callers_request_id_is_kept_if_a_log_line_can_hold_it(engine: Engine) {
        let app = TestApp::spawn(engine).await;
        for given in ["a", "A.b_c-9", "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1", &"x".repeat(128), "..", "-"] {
            for address in ["/health/live", TASKS, "/nope"] {
                let answer = app.anonymous().request("GET", address).header("X-Request-Id", given).send().await;
                assert_eq!(answer.header("x-request-id"), given);
            }
        }
        for given in [&b""[..], b" ", b"a b", b"a/b", b"a\"b", b"<b>", b"a,b", b"{}", b"%0d%0aX: y", b"\xc3\xbc", b"\xff", b"a\tb", &[b'x'; 129], &[b'x'; 10_000]] {
            let answer = app.anonymous().request("GET", TASKS).header("X-Request-Id", given).send().await;
            let id = answer.header("x-request-id").to_owned();
            assert!(uuid::Uuid::try_parse(&id).is_ok(), "{id}");
            answer.expect_problem(401, "missing_token");
        }
    }

    async fn links_name_nothing_that_the_request_says_about_hosts(engine: Engine) {
        let app = TestApp::spawn(engine).await;
        let alice = app.user("alice");
        alice.create_path("a").await;
        for mount in ["/api/v1", "/api/v1/users/me", "/api/v1/users/alice"] {
            let address = format!("{mount}/tasks");
            for (name, value) in [("Host", "evil.example"), ("Host", ""), ("Host", "user@evil.example:99999"), ("Host", "[::1]"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "evil"), ("X-Forwarded-Port", "1"), ("X-Forwarded-Prefix", "/evil"), ("Forwarded", "host=evil.example;proto=evil"), ("X-Original-Host", "evil.example"), ("X-Host", "evil.example")] {
                let created = alice.request("POST", &address).header(name, value).json(&json!({ "title": "b" })).send().await.expect(201);
                let id = created.json()["id"].as_str().unwrap().to_owned();
                assert_eq!(created.header("location"), format!("{TASKS}/{id}"));
                let list = alice.request("GET", &format!("{address}?limit=1")).header(name, value).send().await.expect(200);
                assert!(list.header("link").starts_with("</api/v1/tasks?"), "{}", list.header("link"));
                let refused = alice.request("GET", &format!("{address}/x")).header(name, value).send().await.expect_problem(404, "task_not_found");
                for answer in [created, list, refused] {
                    assert!(!answer.text().contains("evil") && !format!("{:?}", answer.headers).contains("evil"), "{name}: {value}");
                }
            }
        }
    }

    async fn what_a_client_says_that_it_accepts_changes_nothing(engine: Engine) {
        let app = TestApp::spawn(engine).await;
        let alice = app.user("alice");
        let path = alice.create_path("a").await;
        let body = alice.get(&path).await.body;
        let long = "a,".repeat(20_000);
        let headers = [
            ("Accept", "text/html"), ("Accept", "*/*;q=NaN"), ("Accept", ""), ("Accept", "application/xml;q=1, */*;q=0"), ("Accept", &long), ("Accept-Encoding", "gzip, br"), ("Accept-Encoding", "identity;q=0, *;q=0"), ("Accept-Language", "de, *;q=0"), ("Accept-Charset", "utf-16"),
            ("Range", "bytes=0-1"), ("Range", "bytes=0-,0-,0-"), ("Range", "bytes=9-1"), ("Range", "x"), ("If-Range", "\"1\""), ("If-Modified-Since", "Fri, 31 Dec 9999 23:59:59 GMT"), ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"), ("TE", "trailers"), ("Upgrade-Insecure-Requests", "1"), ("Cookie", "session=x"), ("X-Requested-With", "XMLHttpRequest"),
        ];
        for (name, value) in headers {
            let answer = alice.request("GET", &path).header(name, value).send().await.expect(200);
            assert_eq!((&answer.body, answer.header("content-type"), answer.header("content-encoding")), (&body, "application/json", ""), "{name}: {value}");
            alice.request("GET", "/api/v1/nope").header(name, value).send().await.expect_problem(404, "no_such_address");
        }
    }

    async fn a_condition_that_cannot_be_read_is_refused(engine: Engine) {
        let app = TestApp::spawn(engine).await;
        let alice = app.user("alice");
        let path = alice.create_path("a").await;
        let many = (2..10_000).map(|version| format!("\"{version}\"")).collect::<Vec<_>>().join(",");
        for (condition, status) in [("", 400), ("1", 400), ("W/", 400), ("\"1", 400), ("*, \"1\"", 400), ("null", 400), ("W/\"1\"", 412), ("\"\"", 412), ("\"01\"", 412), ("\"99999999999999999999\"", 412), ("\"-1\"", 412), (&many, 412)] {
            for (method, behind) in [("PATCH", ""), ("PUT", ""), ("DELETE", ""), ("PATCH", "/complete")] {
                let answer = alice.request(method, &format!("{path}{behind}")).header("If-Match", condition).json(&json!({ "completed": true })).send().await;
                assert_eq!(answer.status, status, "{method} {:.40}: {}", condition, answer.text());
            }
        }
        assert_eq!(alice.titles("?completed=false").await, ["a"]);
    }
}
