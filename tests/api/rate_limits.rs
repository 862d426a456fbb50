//! How much one owner may ask for, and what is not limited.
//!
//! A bucket fills up while a slow machine runs a test, so that "limited" means:
//! within a few more requests than there can have been, the answer is 429.

use serde_json::json;

use crate::support::client::Request;
use crate::support::raw::{self, Connection};
use crate::support::tokens::{claims, sign, sign_with_header};
use crate::support::{Answer, Client, Engine, TestApp, block_on, on_both_databases, tokens};

on_both_databases! {
    an_owner_has_a_burst_and_then_a_429_with_all_its_headers,
}

/// One request a second, and so many at once.
pub fn limit(burst: &str) -> [(&str, &str); 2] {
    [
        ("TODOWARD__RATE_LIMIT__REQUESTS_PER_SECOND", "1"),
        ("TODOWARD__RATE_LIMIT__BURST", burst),
    ]
}

/// Sends a request again and again until it is refused for their number, and
/// says how many were not.
pub async fn exhaust(request: impl Fn() -> Request) -> (usize, Answer) {
    for served in 0..100 {
        let answer = request().send().await;
        if answer.status == 429 {
            return (served, answer.expect_problem(429, "rate_limited"));
        }
    }
    panic!("never limited");
}

/// The bucket of this request has just been emptied by others: it is the same.
pub async fn shares(request: impl Fn() -> Request) -> Answer {
    let (served, answer) = exhaust(request).await;
    assert!(served < MANY / 2, "{served} served of a bucket of its own");
    answer
}

/// A burst that no refill looks like.
pub const MANY: usize = 30;
pub const MANY_AT_ONCE: &str = "30";

fn list(client: &Client) -> Request {
    client.request("GET", "/api/v1/tasks")
}

/// The two numbers behind a name: `"owner";r=2;t=1`.
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
        let answer = list(&alice).send().await.expect(200);
        assert_eq!(answer.header("ratelimit-policy"), r#""owner";q=5;w=5"#);
        let (remaining, seconds) = numbers(answer.header("ratelimit"), "owner", "r", "t");
        assert!(
            (4 - served..5).contains(&remaining),
            "{remaining} after {served}"
        );
        assert_eq!(seconds, 5 - remaining);
        assert!(!answer.headers.contains_key("retry-after"));
    }
    let (_, answer) = exhaust(|| list(&alice)).await;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("ratelimit"), r#""owner";r=0;t=1"#);
    assert_eq!(answer.header("ratelimit-policy"), r#""owner";q=5;w=5"#);
    for name in ["retry-after", "ratelimit", "ratelimit-policy"] {
        assert_eq!(answer.headers.get_all(name).iter().count(), 1);
    }
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("vary"), "Authorization, Origin");
    assert!(!answer.headers.contains_key("www-authenticate"));
    let problem = answer.json();
    assert_eq!(problem["title"], "Too Many Requests");
    assert_eq!(problem["instance"], "/api/v1/tasks");
    assert!(!answer.text().contains("alice"));
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
        // Hers, but for the signature.
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
            connection.answer().unwrap().status == 429
        });
        assert!(limited, "a new connection is a new bucket");
        // Another owner, as case tells them apart, is another bucket.
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
        let answer = list(&app.user("victim")).send().await.expect(200);
        let (remaining, _) = numbers(answer.header("ratelimit"), "owner", "r", "t");
        assert_eq!(remaining, 3);
    });
}

#[test]
fn heads_replays_and_errors_count_and_every_answer_says_what_is_left() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &limit("40")).await;
        let alice = app.user("alice");
        let create = || {
            let request = alice.request("POST", "/api/v1/tasks");
            let request = request.header("Idempotency-Key", "once");
            request.json(&json!({ "title": "a" }))
        };
        let begun = std::time::Instant::now();
        let mut answers = vec![
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
        assert_eq!(answers[1].header("idempotency-replayed"), "true");
        let path = answers[0].header("location").to_owned();
        answers.push(
            alice
                .request("GET", &path)
                .header("If-None-Match", "*")
                .send()
                .await
                .expect(304),
        );
        answers.push(alice.delete(&path).await.expect(204));
        let refilled = begun.elapsed().as_secs() + 1;
        for (sent, answer) in (1..).zip(&answers) {
            let (remaining, _) = numbers(answer.header("ratelimit"), "owner", "r", "t");
            assert!(remaining >= 40 - sent, "{sent}: {remaining}");
            assert!(
                remaining <= 40 - sent + refilled,
                "{sent} did not count: {remaining}"
            );
        }
    });
}

#[test]
fn refused_tokens_are_limited_by_address_and_good_ones_are_served_there() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &limit(MANY_AT_ONCE)).await;
        let mut old = claims("alice");
        old["exp"] = 1.into();
        let (anonymous, expired) = (app.anonymous(), app.with_token(&sign(&old)));
        list(&anonymous)
            .send()
            .await
            .expect_problem(401, "missing_token");
        let (_, answer) = exhaust(|| list(&anonymous)).await;
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.header("ratelimit"), r#""address";r=0;t=1"#);
        assert_eq!(answer.header("ratelimit-policy"), r#""address";q=30;w=30"#);
        assert!(!answer.headers.contains_key("www-authenticate"));
        for client in [&expired, &app.with_token("x"), &app.with_token("a.b.c")] {
            let answer = shares(|| list(client)).await;
            assert!(answer.header("ratelimit").starts_with(r#""address""#));
        }
        shares(|| list(&app.user("alice")).header("Authorization", "Bearer x")).await;
        // Not by its address, and with a bucket of its own.
        for name in ["alice", "bob"] {
            let answer = list(&app.user(name)).send().await.expect(200);
            let (remaining, _) = numbers(answer.header("ratelimit"), "owner", "r", "t");
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
            // The connection stays open and nothing more is sent on it.
            let statuses = (0..20).map(|_| {
                let mut connection = Connection::open(app.address);
                connection.send(&head);
                connection.answer().unwrap().status
            });
            // A POST that is served would be 408 after ten seconds.
            let statuses: Vec<u16> = statuses.take_while(|status| *status != 408).collect();
            assert!(statuses.contains(&429), "{statuses:?}");
        }
    });
}

#[test]
fn health_preflights_and_other_addresses_are_not_limited() {
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
                    let answer = client.get(path).await.expect(status);
                    assert!(!answer.headers.contains_key("ratelimit"));
                }
                let preflight = client
                    .request("OPTIONS", "/api/v1/tasks")
                    .header("Origin", "https://app.example.com")
                    .header("Access-Control-Request-Method", "GET");
                preflight.send().await.expect(204);
            }
        }
        // The page must be able to read why, and how long to wait.
        let (_, answer) =
            exhaust(|| list(&alice).header("Origin", "https://app.example.com")).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "https://app.example.com"
        );
        for name in ["Retry-After", "RateLimit", "RateLimit-Policy"] {
            let exposed = answer.header("access-control-expose-headers");
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
        let (_, answer) = exhaust(|| list(&alice)).await;
        let wait: u64 = answer.header("retry-after").parse().unwrap();
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
                let answer = list(&client).send().await;
                assert_ne!(answer.status, 429);
                assert!(!answer.headers.contains_key("ratelimit"));
                assert!(!answer.headers.contains_key("ratelimit-policy"));
            }
        }
    });
}
