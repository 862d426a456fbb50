//! Signed tokens whose claims and headers attempt log injection.

use serde_json::{Value, json};

use crate::server::Server;
use crate::storage::Storage;
use crate::support::{Engine, block_on, tokens};

const HOSTILE: [&str; 8] = [
    "\",\"level\":\"ERROR\",\"x\":\"",
    "a\r\n2026-11-20T10:00:00.000Z ERROR INJECTED",
    "a\u{85}b\u{2028}c\u{2029}d",
    "\u{1b}[31mred\u{1b}[0m\u{9b}31m\u{7}",
    "\\\"\\u000a\\n{}[]",
    "\0\u{8}\u{7f}",
    "\u{202e}txet esrever\u{2066}",
    "level=ERROR message=INJECTED",
];

fn is_unsafe(c: char) -> bool {
    c.is_control() || "\u{2028}\u{2029}\u{202e}\u{2066}".contains(c)
}

/// Sends the text in every part of a token that can contain it.
async fn attack(server: &Server, text: &str) {
    let good = json!({ "sub": "alice", "exp": tokens::now() + 900, "iss": "us", "aud": "us" });
    let header = json!({ "alg": "HS256" });
    for (name, value) in [
        ("iss", json!(text)),
        ("aud", json!(text)),
        ("aud", json!([text, text])),
        ("sub", json!(text)),
        ("exp", json!(text)),
        (text, json!(text)),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        let token = tokens::sign_with_header(&header, &claims);
        let response = server.with_token(&token).get("/api/v1/tasks").await;
        assert!([200, 401].contains(&response.status), "{}", response.text());
    }
    for name in ["kid", "typ", "alg", text] {
        let mut header = header.clone();
        header[name] = text.into();
        let token = tokens::sign_with_header(&header, &good);
        let response = server.with_token(&token).get("/api/v1/tasks").await;
        assert!([200, 401].contains(&response.status), "{}", response.text());
    }
}

async fn log_of(format: &str) -> String {
    let storage = Storage::new(Engine::Sqlite);
    let variables = [
        ("TODOWARD__LOG__FORMAT", format),
        ("RUST_LOG", "trace"),
        ("TODOWARD__AUTH__ISSUERS", "us"),
        ("TODOWARD__AUTH__AUDIENCES", "us"),
    ];
    let server = Server::start(storage.path(), &storage.url, &variables).await;
    for text in HOSTILE {
        attack(&server, text).await;
    }
    let mut log = String::new();
    server.stop_and_read(|text| log.push_str(text)).await;
    log
}

#[test]
fn in_json_a_line_is_an_object_that_holds_them_as_they_came() {
    block_on(async {
        let log = log_of("json").await;
        let mut received = Vec::new();
        for line in log.lines() {
            let event: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_ne!(event["level"], "ERROR", "{line}");
            assert!(!line.contains(is_unsafe), "{line:?}");
            if event["message"] == "a token of another issuer was refused" {
                received.push(event["received"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(received, HOSTILE);
    });
}

#[test]
fn in_text_a_line_begins_with_its_time_and_steers_no_terminal() {
    block_on(async {
        let log = log_of("text").await;
        assert!(log.matches("a token of another issuer was refused").count() == HOSTILE.len());
        for line in log.split_terminator('\n') {
            let time = line.get(..24).unwrap_or_else(|| panic!("{line:?}"));
            assert!(
                chrono::DateTime::parse_from_rfc3339(time).is_ok(),
                "{line:?}"
            );
            assert!(!line[24..].starts_with(" ERROR"), "{line:?}");
            assert!(!line.contains(is_unsafe), "{line:?}");
        }
    });
}
