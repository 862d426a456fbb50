//! The head of a request: what the HTTP layer refuses and what it accepts. One database
//! is enough, because these requests never reach it.

use crate::support::raw::{Connection, anonymous_head, exchange, head, statuses};
use crate::support::{Engine, TestApp, block_on};

const CONTROL: &str = "GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n";

/// Sends a request and a second one, and expects 400, a closed connection, and a server
/// that still works.
pub async fn is_refused(app: &TestApp, request: impl AsRef<[u8]>) {
    let request = request.as_ref();
    let shown = String::from_utf8_lossy(&request[..request.len().min(100)]).into_owned();
    let responses = exchange(app.address, [request, CONTROL.as_bytes()].concat());
    assert_eq!(statuses(&responses), [400], "{shown:?}");
    app.anonymous().get("/health/live").await.expect(200);
}

#[test]
fn a_request_names_one_host() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        for hosts in [
            "",
            "Host: a\r\nHost: a\r\n",
            "Host: a\r\nHost: b\r\n",
            "Host: a\r\nhOST: b\r\n",
        ] {
            is_refused(&app, format!("GET /health/live HTTP/1.1\r\n{hosts}\r\n")).await;
        }
        for host in ["test", "evil.example", "[::1]:80", ""] {
            let request = format!("GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n{CONTROL}");
            assert_eq!(
                statuses(&exchange(app.address, request)),
                [200, 200],
                "{host}"
            );
        }
        // An invalid host is refused or ignored, and breaks nothing.
        for host in [
            "a b",
            "a/b",
            "a,b",
            "a@b:99999",
            "<script>",
            &"x".repeat(65_536),
        ] {
            let request = format!("GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let responses = exchange(app.address, request);
            assert!([200, 400].contains(&responses[0].status), "{:.40}", host);
            assert!(!format!("{:?}", responses[0].headers).contains(host));
        }
    });
}

#[test]
fn only_http_1_0_and_1_1_are_spoken() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        for version in [
            "HTTP/0.9",
            "HTTP/1.2",
            "HTTP/2.0",
            "HTTP/2",
            "HTTP/3.0",
            "HTTP/1.1x",
            "HTTP/11",
            "HTTP/1",
            "HTTP/",
            "http/1.1",
            "HTTPS/1.1",
            "RTSP/1.0",
            "HTTP/1.1 HTTP/1.1",
        ] {
            is_refused(
                &app,
                format!("GET /health/live {version}\r\nHost: test\r\n\r\n"),
            )
            .await;
        }
        is_refused(&app, "GET /health/live\r\n\r\n").await;
        // HTTP/1.0 needs no Host, and the connection closes unless keep-alive is asked for.
        let mut connection = Connection::open(app.address);
        connection.send("GET /health/live HTTP/1.0\r\n\r\n");
        assert_eq!(statuses(&connection.rest()), [200]);
        let keep = "GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
        assert_eq!(
            statuses(&exchange(app.address, format!("{keep}{keep}"))),
            [200, 200]
        );
        let mut connection = Connection::open(app.address);
        connection.send("GET /health/live HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        assert_eq!(statuses(&connection.rest()), [200]);
    });
}

#[test]
fn another_protocol_is_not_spoken_on_this_port() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        let path = app.user("alice").create_path("a").await;
        is_refused(
            &app,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        )
        .await;
        is_refused(
            &app,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        )
        .await;
        is_refused(&app, b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n\r\n").await;
        is_refused(&app, b"SSH-2.0-OpenSSH_9.0\r\n\r\n").await;
        let upgrades = [
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
        ];
        for upgrade in upgrades {
            let requests = [
                (anonymous_head("GET /health/live", upgrade), 200),
                (head("alice", &format!("GET {path}"), upgrade), 200),
                (head("bob", &format!("GET {path}"), upgrade), 403),
                (anonymous_head(&format!("GET {path}"), upgrade), 401),
            ];
            for (request, status) in requests {
                let responses = exchange(app.address, request);
                assert_eq!(statuses(&responses), [status], "{upgrade}");
                assert_eq!(responses[0].header("upgrade"), "");
                assert_eq!(responses[0].header("connection"), "close");
            }
        }
        app.user("alice").get(&path).await.expect(200);
    });
}

#[test]
fn a_head_has_at_most_96_headers_and_128_kib() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        let request =
            |headers: &str| format!("GET /health/live HTTP/1.1\r\nHost: test\r\n{headers}\r\n");
        for (count, status) in [(95, 200), (96, 431), (999, 431)] {
            let responses = exchange(app.address, request(&"A: b\r\n".repeat(count)));
            assert_eq!(statuses(&responses), [status], "{count}");
        }
        for length in [8_000, 60_000, 120_000] {
            let responses = exchange(
                app.address,
                request(&format!("A: {}\r\n", "b".repeat(length))),
            );
            assert_eq!(statuses(&responses), [200], "{length}");
        }
        for length in [131_072, 1_000_000] {
            // The response may be lost, because the server closes with unread bytes.
            let responses = exchange(
                app.address,
                request(&format!("A: {}\r\n", "b".repeat(length))),
            );
            assert!(
                responses.iter().all(|response| response.status == 431),
                "{length}"
            );
            app.anonymous().get("/health/live").await.expect(200);
        }
    });
}

/// A page in a browser cannot read this response: actix has no hook for a head that is
/// too large, and so it has no CORS header. docs/BETTER_AUTH.md describes the symptom.
#[test]
fn a_token_that_is_too_large_for_a_head_is_refused_empty_and_a_smaller_one_with_a_reason() {
    block_on(async {
        let origin = "https://app.example.com";
        let allowed = [("TODOWARD__CORS__ALLOWED_ORIGINS", origin)];
        let app = TestApp::with(Engine::Sqlite, &allowed).await;
        let with_token = |length: usize| {
            let token = "A".repeat(length);
            format!(
                "GET /api/v1/tasks HTTP/1.1\r\nHost: test\r\nOrigin: {origin}\r\nAuthorization: Bearer {token}\r\n\r\n"
            )
        };
        for length in [9_000, 120_000] {
            let responses = exchange(app.address, with_token(length));
            assert_eq!(responses[0].code(), "malformed_token", "{length}");
            assert_eq!(responses[0].header("access-control-allow-origin"), origin);
        }
        // Exactly what actix reads before it refuses, so that the response is not lost.
        let head = with_token(131_072);
        let mut connection = Connection::open(app.address);
        connection.send(&head[..131_072]);
        let responses = connection.rest();
        assert_eq!(statuses(&responses), [431]);
        assert_eq!(responses[0].body, b"");
        for name in [
            "access-control-allow-origin",
            "content-type",
            "x-request-id",
        ] {
            assert_eq!(responses[0].header(name), "", "{name}");
        }
    });
}

#[test]
fn a_header_is_written_as_the_rfc_writes_it() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        let path = app.user("alice").create_path("a").await;
        let wrong = [
            &b"X : y\r\n"[..],
            b" X: y\r\n",
            b"X: y\r\n z\r\n",
            b"X: y\r\n\tz\r\n",
            b"X\r\n",
            b": y\r\n",
            b"X: a\0b\r\n",
            b"X: a\rb\r\n",
            b"X\0: y\r\n",
            b"X(: y\r\n",
            b"\xc3\xbc: y\r\n",
            b"X y: z\r\n",
        ];
        for header in wrong {
            is_refused(
                &app,
                [
                    b"GET /health/live HTTP/1.1\r\nHost: test\r\n",
                    header,
                    b"\r\n",
                ]
                .concat(),
            )
            .await;
        }
        // A token on a continuation line, or with a space before the colon, is none.
        let with_token = head("alice", &format!("GET {path}"), "");
        for changed in [
            with_token.replace("Authorization: ", "Authorization : "),
            with_token.replace("Authorization: ", "Authorization:\r\n "),
        ] {
            is_refused(&app, changed).await;
        }
        for changed in [
            with_token.replace("Authorization", "AUTHORIZATION"),
            with_token.replace("Authorization", "authorization"),
            with_token.replace("Authorization: ", "Authorization:"),
        ] {
            assert_eq!(statuses(&exchange(app.address, changed)), [200]);
        }
        for changed in [
            with_token.replace("Authorization", "Author1zation"),
            with_token.replace("Authorization", "Proxy-Authorization"),
        ] {
            let responses = exchange(app.address, changed);
            assert_eq!(
                (responses[0].status, responses[0].code().as_str()),
                (401, "missing_token")
            );
        }
    });
}
