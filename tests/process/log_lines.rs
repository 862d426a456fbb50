//! Every log record is one line, whatever clients send (log injection).

use serde_json::{Value, json};

use crate::server::Server;
use crate::storage::Storage;
use crate::support::raw;
use crate::support::{Engine, block_on, tokens};

/// A server on SQLite with one log format.
async fn server(storage: &Storage, format: &str, level: &str) -> Server {
    let variables = [("TODOWARD__LOG__FORMAT", format), ("RUST_LOG", level)];
    Server::start(storage.path(), &storage.url, &variables).await
}

const HOSTILE: [&str; 8] = [
    "\",\"level\":\"ERROR\",\"x\":\"",
    "\u{1b}[31mred\u{1b}[0m",
    "a\u{85}b\u{2028}c\u{2029}d",
    "{}[]\\\\\\\"",
    "\u{202e}txet esrever\u{200b}",
    "%0d%0aINJECTED level=ERROR",
    "level=ERROR message=INJECTED",
    "\u{9b}31m",
];

/// The same text everywhere in a request that can contain text.
async fn attack(server: &Server, text: &str) {
    let subject = tokens::sign(&json!({ "sub": format!("a{text}b"), "exp": tokens::now() + 900 }));
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for client in [server.with_token(&subject), server.user("alice")] {
        client
            .post("/api/v1/tasks", &json!({ "title": text, text: text }))
            .await;
        client
            .post(
                "/api/v1/tasks",
                &json!({ "title": format!("a{text}"), "description": text, "tags": ["t", text] }),
            )
            .await;
        for path in [
            format!("/api/v1/tasks/{encoded}"),
            format!("/api/v1/tasks?q={encoded}&{encoded}={encoded}"),
            format!("/api/v1/users/{encoded}/tasks"),
            format!("/{encoded}"),
        ] {
            let mut request = client.request("GET", &path);
            for name in [
                "User-Agent",
                "X-Request-Id",
                "Origin",
                "Referer",
                "If-None-Match",
                "X-Forwarded-For",
                "Idempotency-Key",
            ] {
                request = request.header(name, text.replace(|c: char| c.is_control(), "_"));
            }
            let response = request.send().await;
            assert_ne!(response.status, 500, "{}", response.text());
        }
    }
    // A client library would refuse to send this.
    for request in [
        format!(
            "GET /{text} HTTP/1.1\r\nHost: {text}\r\nX-Request-Id: {text}\r\nUser-Agent: {text}\r\n\r\n"
        ),
        format!("{text} / HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {text}\r\n\r\n"),
    ] {
        raw::exchange(server.address, request);
    }
}

#[test]
fn each_line_in_json_is_one_object_with_the_members_of_an_event() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = server(&storage, "json", "trace").await;
        for text in HOSTILE {
            attack(&server, text).await;
        }
        server
            .stop_and_read(|log| {
                assert!(log.lines().count() > 100);
                for line in log.lines() {
                    let event: Value = serde_json::from_str(line)
                        .unwrap_or_else(|error| panic!("{error}: {line}"));
                    for name in ["time", "level", "message"] {
                        assert!(event[name].is_string(), "no {name}: {line}");
                    }
                    // actix-http logs an error for a request that is not HTTP.
                    let refused = event["target"].as_str().unwrap().starts_with("actix_http");
                    assert!(refused || event["level"] != "ERROR", "{line}");
                    assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
                }
            })
            .await;
    });
}

#[test]
fn no_text_of_a_client_begins_a_line_or_steers_a_terminal() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = server(&storage, "text", "trace").await;
        for text in HOSTILE {
            attack(&server, text).await;
        }
        server
            .stop_and_read(|log| {
                // Not lines(): some readers treat other characters as line ends, too.
                for line in log.split_terminator(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
                    let (time, rest) = line.split_at(24);
                    assert!(
                        chrono::DateTime::parse_from_rfc3339(time).is_ok(),
                        "{line:?}"
                    );
                    let level = rest.split_whitespace().next().unwrap();
                    assert!(
                        ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&level),
                        "{line:?}"
                    );
                    assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
                }
            })
            .await;
    });
}

/// The access log lines by request id.
fn request_line(log: &str, id: &str) -> Value {
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut found =
        lines.filter(|event| event["request_id"] == id && event["target"] == "todoward::request");
    let line = found
        .next()
        .unwrap_or_else(|| panic!("no line for {id}: {log}"));
    assert!(found.next().is_none(), "one line a request");
    line
}

#[test]
fn the_line_of_a_request_says_what_operators_ask_for() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = server(&storage, "json", "info").await;
        let alice = server.user("alice");
        let path = alice.create_path("a").await;
        for (id, client, method, path) in [
            ("one", &alice, "GET", path.as_str()),
            ("two", &alice, "GET", "/api/v1/users/me/tasks?q=x"),
            ("three", &server.anonymous(), "GET", "/api/v1/tasks"),
            ("four", &server.user("bob"), "DELETE", path.as_str()),
            ("five", &alice, "GET", "/api/v1/nowhere"),
        ] {
            client
                .request(method, path)
                .header("X-Request-Id", id)
                .send()
                .await;
        }
        server
            .stop_and_read(|log| {
                let one = request_line(log, "one");
                assert!(
                    chrono::DateTime::parse_from_rfc3339(one["time"].as_str().unwrap()).is_ok()
                );
                assert_eq!(one["level"], "INFO");
                assert_eq!(one["method"], "GET");
                assert_eq!(one["route"], "/api/v1/tasks/{id}");
                assert_eq!(one["status"], 200);
                assert!(
                    one["duration_ms"]
                        .as_f64()
                        .is_some_and(|duration| duration > 0.0),
                    "{one}"
                );
                let two = request_line(log, "two");
                assert_eq!(two["route"], "/api/v1/users/{owner_id}/tasks");
                assert_eq!(two["owner"], one["owner"], "the same owner is recognised");
                let three = request_line(log, "three");
                assert_eq!(
                    (&three["status"], &three["owner"]),
                    (&json!(401), &json!("-"))
                );
                let four = request_line(log, "four");
                assert_eq!(
                    (&four["status"], &four["method"]),
                    (&json!(403), &json!("DELETE"))
                );
                assert_ne!(four["owner"], one["owner"]);
                assert_eq!(request_line(log, "five")["status"], 404);
                let owner = one["owner"].as_str().unwrap();
                assert!(
                    owner.len() >= 12 && owner.bytes().all(|byte| byte.is_ascii_hexdigit()),
                    "{owner}"
                );
                assert!(!log.contains("alice") && !log.contains("bob") && !log.contains("nowhere"));
            })
            .await;
    });
}

#[test]
fn other_crates_are_not_heard_in_detail() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let level = "trace,actix_http=trace,actix_http::h1=trace,mio=trace";
        let server = server(&storage, "json", level).await;
        attack(&server, HOSTILE[0]).await;
        server
            .stop_and_read(|log| {
                for line in log.lines() {
                    let event: Value = serde_json::from_str(line).unwrap();
                    let ours = event["target"].as_str().unwrap().starts_with("todoward");
                    let detail = event["level"] == "TRACE" || event["level"] == "DEBUG";
                    assert!(ours || !detail, "{line}");
                }
            })
            .await;
    });
}

#[test]
fn rust_log_chooses_what_is_written() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        for (level, expected) in [("info", true), ("info,todoward::request=warn", false)] {
            let server = server(&storage, "text", level).await;
            server.user("alice").get("/api/v1/tasks").await.expect(200);
            server
                .stop_and_read(|log| {
                    assert_eq!(log.contains("route=/api/v1/tasks"), expected, "{log}");
                    assert!(!log.contains("DEBUG"), "{log}");
                })
                .await;
        }
    });
}
