//! CORS: exactly the configured origins are allowed.

use reqwest::header::HeaderMap;
use serde_json::json;

use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    a_preflight_of_a_configured_origin_is_granted_without_a_token,
    responses_to_a_configured_origin_can_be_read_errors_too,
    any_other_origin_is_served_without_these_headers,
    a_request_without_an_origin_gets_none_of_these_headers,
    nothing_is_granted_where_no_origin_is_configured,
    a_preflight_cannot_ask_for_more_than_the_lists,
    headers_that_the_operator_names_are_granted_beside_the_own,
    apps_in_web_views_come_from_schemes_of_their_own,
    what_a_page_can_send_without_a_preflight_does_nothing,
}

const TASKS: &str = "/api/v1/tasks";
const ORIGINS: [&str; 2] = ["https://app.example.com", "http://localhost:5173"];
const EXPOSED: &str = "ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed, WWW-Authenticate";

async fn app(engine: Engine) -> TestApp {
    TestApp::with(
        engine,
        &[("TODOWARD__CORS__ALLOWED_ORIGINS", &ORIGINS.join(","))],
    )
    .await
}

/// The CORS headers of a response, sorted by name.
fn granted(headers: &HeaderMap) -> Vec<(String, String)> {
    let ours = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("access-control-"));
    let mut granted: Vec<(String, String)> = ours
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    granted.sort();
    granted
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The response to a request of a page.
fn readable(origin: &str) -> Vec<(String, String)> {
    pairs(&[
        ("access-control-allow-origin", origin),
        ("access-control-expose-headers", EXPOSED),
    ])
}

async fn preflight(
    client: &Client,
    address: &str,
    origin: &str,
    method: &str,
    headers: &str,
) -> Response {
    let request = client.request("OPTIONS", address).header("Origin", origin);
    let request = request.header("Access-Control-Request-Method", method);
    request
        .header("Access-Control-Request-Headers", headers)
        .send()
        .await
}

/// Origins that resemble a configured one.
const OTHERS: [&str; 17] = [
    "null",
    "",
    "*",
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:443",
    "https://app.example.com/",
    "https://APP.example.com",
    "https://app.example.com.evil.example",
    "https://evil.example/https://app.example.com",
    "https://app.example.co",
    "https://evilapp.example.com",
    "https://a.app.example.com",
    "https://app.example.com, https://evil.example",
    "http://localhost",
    "http://localhost:51731",
    "file://",
];

async fn a_preflight_of_a_configured_origin_is_granted_without_a_token(engine: Engine) {
    let app = app(engine).await;
    let path = app.user("alice").create_path("a").await;
    for origin in ORIGINS {
        for address in [
            TASKS,
            &path,
            &format!("{path}/complete"),
            "/api/v1/users/alice/tasks",
            "/api/v1/tasks?limit=1",
        ] {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                let response = preflight(
                    &app.anonymous(),
                    address,
                    origin,
                    method,
                    "authorization,content-type,if-match",
                )
                .await
                .expect(204);
                assert_eq!(
                    granted(&response.headers),
                    pairs(&[
                        (
                            "access-control-allow-headers",
                            "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id, Last-Event-ID, X-Adopt-Authorization"
                        ),
                        (
                            "access-control-allow-methods",
                            "GET, HEAD, POST, PUT, PATCH, DELETE"
                        ),
                        ("access-control-allow-origin", origin),
                        ("access-control-max-age", "3600"),
                    ])
                );
                assert_eq!(
                    (response.body.as_slice(), response.header("vary")),
                    (&b""[..], "Authorization, Origin")
                );
            }
        }
    }
    assert_eq!(app.user("alice").titles("").await, ["a"]);
}

async fn responses_to_a_configured_origin_can_be_read_errors_too(engine: Engine) {
    let app = app(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let path = alice.create_path("a").await;
    for origin in ORIGINS {
        let requests = [
            (200, alice.request("GET", TASKS)),
            (
                201,
                alice.request("POST", TASKS).json(&json!({ "title": "b" })),
            ),
            (
                304,
                alice.request("GET", &path).header("If-None-Match", "*"),
            ),
            (401, app.anonymous().request("GET", TASKS)),
            (401, app.with_token("a.b.c").request("POST", TASKS)),
            (401, app.anonymous().request("GET", "/api/nope")),
            (403, bob.request("GET", &path)),
            (403, alice.request("GET", "/api/v1/users/bob/tasks")),
            (404, alice.request("GET", "/api/v1/nope")),
            (404, alice.request("GET", "/api/v1/tasks/x")),
            (405, alice.request("PUT", TASKS)),
            (
                412,
                alice.request("DELETE", &path).header("If-Match", "\"9\""),
            ),
            (400, alice.request("GET", "/api/v1/tasks?x=1")),
            (
                400,
                alice.request("POST", TASKS).body("application/json", "{"),
            ),
            (
                413,
                alice
                    .request("POST", TASKS)
                    .body("application/json", " ".repeat(524_289)),
            ),
            (415, alice.request("POST", TASKS).body("text/plain", "x")),
            (422, alice.request("POST", TASKS).json(&json!({}))),
            // An OPTIONS request that is not a preflight.
            (405, alice.request("OPTIONS", TASKS)),
            (401, app.anonymous().request("OPTIONS", TASKS)),
        ];
        for (status, request) in requests {
            let response = request.header("Origin", origin).send().await.expect(status);
            assert_eq!(
                granted(&response.headers),
                readable(origin),
                "{status}: {}",
                response.text()
            );
            assert_eq!(response.header("vary"), "Authorization, Origin");
        }
    }
}

async fn any_other_origin_is_served_without_these_headers(engine: Engine) {
    let app = app(engine).await;
    let alice = app.user("alice");
    alice.create_path("a").await;
    for origin in OTHERS {
        let response = alice
            .request("GET", TASKS)
            .header("Origin", origin)
            .send()
            .await
            .expect(200);
        assert_eq!(granted(&response.headers), [], "{origin}");
        let refused = app
            .anonymous()
            .request("GET", TASKS)
            .header("Origin", origin)
            .send()
            .await;
        assert_eq!(granted(&refused.headers), [], "{origin}");
        refused.expect_problem(401, "missing_token");
        let response = preflight(&app.anonymous(), TASKS, origin, "DELETE", "authorization").await;
        assert_eq!(
            (granted(&response.headers), response.status < 500),
            (vec![], true),
            "{origin}"
        );
    }
    let control = alice
        .request("GET", TASKS)
        .header("Origin", ORIGINS[0])
        .send()
        .await
        .expect(200);
    assert_eq!(granted(&control.headers), readable(ORIGINS[0]));
}

async fn a_request_without_an_origin_gets_none_of_these_headers(engine: Engine) {
    let app = app(engine).await;
    let alice = app.user("alice");
    for response in [
        alice.get(TASKS).await.expect(200),
        app.anonymous().get(TASKS).await.expect(401),
    ] {
        assert_eq!(granted(&response.headers), []);
        assert_eq!(response.header("vary"), "Authorization, Origin");
    }
    let health = app
        .anonymous()
        .request("GET", "/health/live")
        .header("Origin", ORIGINS[0])
        .send()
        .await
        .expect(200);
    assert_eq!(granted(&health.headers), [], "only the API is for pages");
}

async fn nothing_is_granted_where_no_origin_is_configured(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for origin in ORIGINS.into_iter().chain(OTHERS) {
        let response = alice
            .request("GET", TASKS)
            .header("Origin", origin)
            .send()
            .await
            .expect(200);
        assert_eq!(granted(&response.headers), [], "{origin}");
        let response = preflight(&app.anonymous(), TASKS, origin, "GET", "authorization").await;
        assert_eq!(granted(&response.headers), [], "{origin}");
    }
}

async fn a_preflight_cannot_ask_for_more_than_the_lists(engine: Engine) {
    let app = app(engine).await;
    let many: String = (0..1000).map(|n| format!("x-{n},")).collect();
    for (method, headers) in [
        ("TRACE", "authorization"),
        ("CONNECT", ""),
        ("*", "*"),
        ("FOO", "host"),
        ("GET", "host,cookie,origin,x-user-id"),
        ("GET", &many),
        ("", ""),
        ("get\u{e9}", "x"),
    ] {
        let request = app
            .anonymous()
            .request("OPTIONS", TASKS)
            .header("Origin", ORIGINS[0])
            .header("Access-Control-Request-Method", method);
        let request = request
            .header("Access-Control-Request-Headers", headers)
            .header("Access-Control-Request-Private-Network", "true");
        let response = request.send().await;
        assert!(response.status < 500);
        let lists = format!("{:?}", granted(&response.headers)).to_lowercase();
        for never in [
            "trace",
            "connect",
            "foo",
            "host",
            "cookie",
            "x-user-id",
            "private-network",
            "credentials",
            "*",
        ] {
            assert!(
                !lists.replace("localhost", "").contains(never),
                "{method} {headers:.40}: {lists}"
            );
        }
    }
    app.user("alice").get(TASKS).await.expect(200);
}

async fn headers_that_the_operator_names_are_granted_beside_the_own(engine: Engine) {
    let variables = [
        ("TODOWARD__CORS__ALLOWED_ORIGINS", ORIGINS[0]),
        (
            "TODOWARD__CORS__ALLOWED_HEADERS",
            "traceparent, tracestate,baggage,Sentry-Trace,if-match,TraceParent",
        ),
    ];
    let app = TestApp::with(engine, &variables).await;
    let response = preflight(&app.anonymous(), TASKS, ORIGINS[0], "POST", "traceparent")
        .await
        .expect(204);
    let own = "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id, Last-Event-ID, X-Adopt-Authorization";
    assert_eq!(
        response.header("access-control-allow-headers"),
        format!("{own}, traceparent, tracestate, baggage, Sentry-Trace")
    );
    let other = preflight(
        &app.anonymous(),
        TASKS,
        "https://evil.example",
        "POST",
        "traceparent",
    )
    .await
    .expect(204);
    assert_eq!(granted(&other.headers), []);
}

async fn apps_in_web_views_come_from_schemes_of_their_own(engine: Engine) {
    let apps = [
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "moz-extension://5b6e1f0c-2c53-4c3e-9f0e-0d6c3c5a7b11",
        "com.example.app+x-1://app",
    ];
    let app = TestApp::with(
        engine,
        &[("TODOWARD__CORS__ALLOWED_ORIGINS", &apps.join(","))],
    )
    .await;
    let alice = app.user("alice");
    for origin in apps {
        let response = alice
            .request("GET", TASKS)
            .header("Origin", origin)
            .send()
            .await
            .expect(200);
        assert_eq!(granted(&response.headers), readable(origin));
    }
    for origin in [
        "null",
        "file://",
        "capacitor://other",
        "http://localhost",
        "tauri://localhost:1",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnoq",
        "ionic://LOCALHOST",
    ] {
        let response = alice
            .request("GET", TASKS)
            .header("Origin", origin)
            .send()
            .await
            .expect(200);
        assert_eq!(granted(&response.headers), [], "{origin}");
    }
}

async fn what_a_page_can_send_without_a_preflight_does_nothing(engine: Engine) {
    let app = app(engine).await;
    let (alice, nobody) = (app.user("alice"), app.anonymous());
    let path = alice.create_path("a").await;
    let token = crate::support::tokens::valid("alice");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        for origin in [ORIGINS[0], "https://evil.example"] {
            for address in [TASKS, &path, &format!("{path}/complete")] {
                let request = nobody
                    .request("POST", address)
                    .body(content_type, format!("access_token={token}&title=b"));
                let cookie =
                    format!("better-auth.session_token={token}; Authorization=Bearer {token}");
                request
                    .header("Origin", origin)
                    .header("Cookie", cookie)
                    .send()
                    .await
                    .expect_problem(401, "missing_token");
            }
            let request = alice
                .request("POST", TASKS)
                .body(content_type, "{\"title\":\"b\"}");
            request
                .header("Origin", origin)
                .send()
                .await
                .expect_problem(415, "unsupported_media_type");
        }
    }
    assert_eq!(alice.titles("?completed=false").await, ["a"]);
}
