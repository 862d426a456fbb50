//! Rate limits, and what is not limited.
//!
//! A bucket refills while a slow machine runs a test. So "limited" means: after a few
//! more requests than the limit allows, the response is 429.

use serde_json::json;

use crate::support::client::Request;
use crate::support::raw::{self, Connection};
use crate::support::tokens::{claims, sign, sign_with_header};
use crate::support::{Client, Engine, Response, TestApp, block_on, on_both_databases, tokens};

on_both_databases! {
    an_owner_has_a_burst_and_then_a_429_with_all_its_headers,
}

/// One request a second, with this burst.
pub fn limit(burst: &str) -> [(&str, &str); 2] {
    [
        ("TODOWARD__RATE_LIMIT__REQUESTS_PER_SECOND", "1"),
        ("TODOWARD__RATE_LIMIT__BURST", burst),
    ]
}

/// Repeats a request until it is rate limited, and returns how many were not.
pub async fn exhaust(request: impl Fn() -> Request) -> (usize, Response) {
    for served in 0..100 {
        let response = request().send().await;
        if response.status == 429 {
            return (served, response.expect_problem(429, "rate_limited"));
        }
    }
    panic!("never limited");
}

/// Checks that this request uses a bucket that others have just emptied.
pub async fn shares(request: impl Fn() -> Request) -> Response {
    let (served, response) = exhaust(request).await;
    assert!(served < MANY / 2, "{served} served of a bucket of its own");
    response
}

/// A burst that cannot be mistaken for a refill.
pub const MANY: usize = 30;
pub const MANY_AT_ONCE: &str = "30";

fn list(client: &Client) -> Request {
    client.request("GET", "/api/v1/tasks")
}

/// The two numbers after the name: `"owner";r=2;t=1`.
#[track_caller]
fn numbers(header: &str, name: &str, first: &str, second: &str) -> (u64, u64) {
    let rest = header
        .strip_prefix(&format!("\"{name}\";{first}="))
        .unwrap_or_else(|| panic!("{header}"));
    let (one, two) = rest.split_once(&format!(";{second}=")).expect(header);
    (one.parse().unwrap(), two.parse().unwrap())
}

async fn an_owner_has_a_burst_and_then_a_429_with_all_its_headers(engine: Engine) {
    let app = TestApp::with(engine, &limit("5")).await;
    let alice = app.user("alice");
    for served in 0..3 {
        let response = list(&alice).send().await.expect(200);
        assert_eq!(response.header("ratelimit-policy"), r#""owner";q=5;w=5"#);
        let (remaining, seconds) = numbers(response.header("ratelimit"), "owner", "r", "t");
        assert!(
            (4 - served..5).contains(&remaining),
            "{remaining} after {served}"
        );
        assert_eq!(seconds, 5 - remaining);
        assert!(!response.headers.contains_key("retry-after"));
    }
    let (_, response) = exhaust(|| list(&alice)).await;
    assert_eq!(response.header("retry-after"), "1");
    assert_eq!(response.header("ratelimit"), r#""owner";r=0;t=1"#);
    assert_eq!(response.header("ratelimit-policy"), r#""owner";q=5;w=5"#);
    for name in ["retry-after", "ratelimit", "ratelimit-policy"] {
        assert_eq!(response.headers.get_all(name).iter().count(), 1);
    }
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.header("vary"), "Authorization, Origin");
    assert!(!response.headers.contains_key("www-authenticate"));
    let problem = response.json();
    assert_eq!(problem["title"], "Too Many Requests");
    assert_eq!(problem["instance"], "/api/v1/tasks");
    assert!(!response.text().contains("alice"));
}

#[test]
fn a_429_comes_before_the_path_the_method_the_query_the_body_and_the_row() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &limit(MANY_AT_ONCE)).await;
        let (alice, bob) = (app.user("alice"), app.user("bob"));
        let theirs = bob.create_path("theirs").await;
        exhaust(|| list(&alice)).await;
        for (method, path) in [
            ("GET", "/api/v1/users/bob/tasks"),
            ("GET", "/api/v1/nowhere"),
            ("TRACE", "/api/v1/tasks"),
            ("OPTIONS", "/api/v1/tasks"),
            ("GET", "/api/v1/tasks?colour=red"),
            ("GET", "/api/v1/tasks/not-an-id"),
            ("DELETE", &theirs),
        ] {
            shares(|| alice.request(method, path)).await;
        }
        let create = || alice.request("POST", "/api/v1/tasks");
        shares(|| create().body("text/plain", "{")).await;
        shares(|| create().json(&json!({ "title": 1 }))).await;
        shares(|| create().json(&json!({})).header("Idempotency-Key", "")).await;
        shares(|| create().json(&json!({})).header("Content-Encoding", "gzip")).await;
        bob.get(&theirs).await.expect(200);
    });
}

#[test]
fn a_refused_token_and_two_credentials_come_before_a_429() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &limit("3")).await;
        let alice = app.user("alice");
        exhaust(|| list(&alice)).await;
        // Her token with a wrong signature.
        let mut forged = tokens::valid("alice");
        forged.replace_range(forged.len() - 4.., "AAAA");
        list(&app.with_token(&forged))
            .send()
            .await
            .expect_problem(401, "invalid_signature");
        list(&alice)
            .header("Authorization", "Bearer x")
            .send()
            .await
            .expect_problem(400, "invalid_request");
    });
}

#[test]
fn the_bucket_is_the_owners_whatever_the_token_the_path_and_the_connection() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &limit(MANY_AT_ONCE)).await;
        let mut other = claims("alice");
        other["jti"] = "another".into();
        exhaust(|| list(&app.user("alice"))).await;
        for token in [
            sign(&other),
            sign_with_header(&json!({ "alg": "HS256", "typ": "JWT" }), &other),
        ] {
            shares(|| list(&app.with_token(&token))).await;
        }
        let alice = app.user("alice");
        shares(|| alice.request("GET", "/api/v1/users/me/tasks")).await;
        shares(|| alice.request("GET", "/api/v1/users/alice/tasks")).await;
        shares(|| list(&alice).header("X-Forwarded-For", "1.2.3.4")).await;
        let head = raw::head("alice", "GET /api/v1/tasks", "");
        let limited = (0..MANY / 2).any(|_| {
            let mut connection = Connection::open(app.address);
            connection.send(&head);
            connection.response().unwrap().status == 429
        });
        assert!(limited, "a new connection is a new bucket");
        // Owners are case-sensitive, so this one has another bucket.
        for name in ["bob", "Alice", "alice2"] {
            list(&app.user(name)).send().await.expect(200);
        }
    });
}

#[test]
fn a_forged_token_takes_nothing_from_the_owner_it_names() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &limit("4")).await;
        let forged = tokens::sign_raw(
            b"another secret, as long as the real one is",
            br#"{"alg":"HS256"}"#,
            claims("victim").to_string().as_bytes(),
        );
        exhaust(|| list(&app.with_token(&forged))).await;
        let response = list(&app.user("victim")).send().await.expect(200);
        let (remaining, _) = numbers(response.header("ratelimit"), "owner", "r", "t");
        assert_eq!(remaining, 3);
    });
}

#[test]
fn heads_replays_and_errors_count_and_every_response_says_what_is_left() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &limit("40")).await;
        let alice = app.user("alice");
        let create = || {
            let request = alice.request("POST", "/api/v1/tasks");
            let request = request.header("Idempotency-Key", "once");
            request.json(&json!({ "title": "a" }))
        };
        let begun = std::time::Instant::now();
        let mut responses = vec![
            create().send().await.expect(201),
            create().send().await.expect(201),
            alice
                .request("HEAD", "/api/v1/tasks")
                .send()
                .await
                .expect(200),
            alice.get("/api/v1/nowhere").await.expect(404),
            alice.get("/api/v1/users/bob/tasks").await.expect(403),
            alice.get("/api/v1/tasks?limit=0").await.expect(400),
        ];
        assert_eq!(responses[1].header("idempotency-replayed"), "true");
        let path = responses[0].header("location").to_owned();
        responses.push(
            alice
                .request("GET", &path)
                .header("If-None-Match", "*")
                .send()
                .await
                .expect(304),
        );
        responses.push(alice.delete(&path).await.expect(204));
        let refilled = begun.elapsed().as_secs() + 1;
        for (sent, response) in (1..).zip(&responses) {
            let (remaining, _) = numbers(response.header("ratelimit"), "owner", "r", "t");
            assert!(remaining >= 40 - sent, "{sent}: {remaining}");
            assert!(
                remaining <= 40 - sent + refilled,
                "{sent} did not count: {remaining}"
            );
        }
    });
}

#[test]
fn refused_tokens_are_limited_by_ip_address_and_valid_ones_are_served_there() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &limit(MANY_AT_ONCE)).await;
        let mut old = claims("alice");
        old["exp"] = 1.into();
        let (anonymous, expired) = (app.anonymous(), app.with_token(&sign(&old)));
        list(&anonymous)
            .send()
            .await
            .expect_problem(401, "missing_token");
        let (_, response) = exhaust(|| list(&anonymous)).await;
        assert_eq!(response.header("retry-after"), "1");
        assert_eq!(response.header("ratelimit"), r#""address";r=0;t=1"#);
        assert_eq!(
            response.header("ratelimit-policy"),
            r#""address";q=30;w=30"#
        );
        assert!(!response.headers.contains_key("www-authenticate"));
        for client in [&expired, &app.with_token("x"), &app.with_token("a.b.c")] {
            let response = shares(|| list(client)).await;
            assert!(response.header("ratelimit").starts_with(r#""address""#));
        }
        shares(|| list(&app.user("alice")).header("Authorization", "Bearer x")).await;
        // Not limited by IP address, and with its own bucket.
        for name in ["alice", "bob"] {
            let response = list(&app.user(name)).send().await.expect(200);
            let (remaining, _) = numbers(response.header("ratelimit"), "owner", "r", "t");
            assert_eq!(remaining, 29);
        }
    });
}

#[test]
fn a_refused_request_waits_for_no_byte_of_its_body() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &limit("1")).await;
        let alice = app.user("alice");
        exhaust(|| list(&alice)).await;
        exhaust(|| list(&app.anonymous())).await;
        let headers = "Content-Type: application/json\r\nContent-Length: 50000\r\n";
        for head in [
            raw::head("alice", "POST /api/v1/tasks", headers),
            raw::anonymous_head("POST /api/v1/tasks", headers),
        ] {
            // The connection stays open without further bytes.
            let statuses = (0..20).map(|_| {
                let mut connection = Connection::open(app.address);
                connection.send(&head);
                connection.response().unwrap().status
            });
            // If the POST were served, it would be 408 after ten seconds.
            let statuses: Vec<u16> = statuses.take_while(|status| *status != 408).collect();
            assert!(statuses.contains(&429), "{statuses:?}");
        }
    });
}

#[test]
fn health_preflights_and_other_paths_are_not_limited() {
    block_on(async {
        let mut settings = limit("1").to_vec();
        settings.push(("TODOWARD__CORS__ALLOWED_ORIGINS", "https://app.example.com"));
        let app = TestApp::with(Engine::Sqlite, &settings).await;
        let (anonymous, alice) = (app.anonymous(), app.user("alice"));
        exhaust(|| list(&anonymous)).await;
        exhaust(|| list(&alice)).await;
        for _ in 0..20 {
            for client in [&anonymous, &alice] {
                for (path, status) in [("/health/live", 200), ("/health/ready", 200), ("/x", 404)] {
                    let response = client.get(path).await.expect(status);
                    assert!(!response.headers.contains_key("ratelimit"));
                }
                let preflight = client
                    .request("OPTIONS", "/api/v1/tasks")
                    .header("Origin", "https://app.example.com")
                    .header("Access-Control-Request-Method", "GET");
                preflight.send().await.expect(204);
            }
        }
        // The page must be able to read the error and how long to wait.
        let (_, response) =
            exhaust(|| list(&alice).header("Origin", "https://app.example.com")).await;
        assert_eq!(
            response.header("access-control-allow-origin"),
            "https://app.example.com"
        );
        for name in ["Retry-After", "RateLimit", "RateLimit-Policy"] {
            let exposed = response.header("access-control-expose-headers");
            assert!(
                exposed.split(", ").any(|header| header == name),
                "{exposed}"
            );
        }
    });
}

#[test]
fn whoever_waits_is_served_again() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &limit("2")).await;
        let alice = app.user("alice");
        let (_, response) = exhaust(|| list(&alice)).await;
        let wait: u64 = response.header("retry-after").parse().unwrap();
        let begun = std::time::Instant::now();
        while list(&alice).send().await.status != 200 {
            assert!(begun.elapsed().as_secs() < wait + 10, "never served again");
        }
    });
}

#[test]
fn without_a_limit_nothing_is_limited_nor_said() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        for client in [app.user("alice"), app.anonymous()] {
            for _ in 0..200 {
                let response = list(&client).send().await;
                assert_ne!(response.status, 429);
                assert!(!response.headers.contains_key("ratelimit"));
                assert!(!response.headers.contains_key("ratelimit-policy"));
            }
        }
    });
}
