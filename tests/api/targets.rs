//! Request targets (RFC 9112 section 3.2): paths and the other forms.

use serde_json::json;

use crate::support::raw::{anonymous_head, exchange, head, statuses};
use crate::support::{Engine, TestApp, block_on};

#[test]
fn a_target_is_a_path_or_stands_for_one() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        let alice = app.user("alice");
        let task = alice.create(json!({ "title": "a" })).await;
        let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
        for wrong in [
            "",
            "health/live",
            "/health/ live",
            "/health/l\u{ef}ve",
            "?x",
            "#x",
            "/\0",
            "http://",
            "/<b>",
        ] {
            crate::heads::is_refused(&app, format!("GET {wrong} HTTP/1.1\r\nHost: test\r\n\r\n"))
                .await;
        }
        for scheme in ["http", "https"] {
            let absolute = format!("{scheme}://evil.example{path}");
            let responses = exchange(app.address, head("alice", &format!("GET {absolute}"), ""));
            assert_eq!(
                (responses[0].status, responses[0].json()),
                (200, task.clone())
            );
            for (user, status) in [("bob", 403), ("alice", 404)] {
                let target = if status == 404 {
                    absolute.replace(&path, "/api/v1/nope")
                } else {
                    absolute.clone()
                };
                let responses = exchange(app.address, head(user, &format!("GET {target}"), ""));
                assert_eq!(responses[0].status, status);
                assert!(!String::from_utf8_lossy(&responses[0].body).contains("evil"));
            }
            assert_eq!(
                statuses(&exchange(
                    app.address,
                    anonymous_head(&format!("GET {absolute}"), "")
                )),
                [401]
            );
            let body = "{\"title\":\"b\"}";
            let created = exchange(
                app.address,
                head(
                    "alice",
                    &format!("POST {scheme}://evil.example/api/v1/tasks"),
                    "Content-Type: application/json\r\nContent-Length: 13\r\n",
                ) + body,
            );
            assert!(
                created[0].header("location").starts_with("/api/v1/tasks/"),
                "{created:?}"
            );
        }
        for (line, status) in [
            ("OPTIONS *", 404),
            ("GET *", 404),
            ("GET evil.example:443", 404),
            ("CONNECT evil.example:443", 404),
            ("CONNECT /api/v1/tasks", 405),
            ("GET http://evil.example", 404),
        ] {
            let responses = exchange(app.address, head("alice", line, ""));
            assert_eq!(statuses(&responses), [status], "{line}");
            assert_eq!(
                responses[0].header("content-type"),
                "application/problem+json"
            );
            app.anonymous().get("/health/live").await.expect(200);
        }
    });
}

#[test]
fn a_long_path_is_nothing_or_refused() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        for length in [8_000, 60_000] {
            let long = format!("/{}", "a".repeat(length));
            app.anonymous()
                .get(&long)
                .await
                .expect_problem(404, "no_such_address");
            app.anonymous()
                .get(&format!("/api{long}"))
                .await
                .expect_problem(401, "missing_token");
            app.user("alice")
                .get(&format!("/api{long}"))
                .await
                .expect_problem(404, "no_such_address");
            app.user("alice")
                .get(&format!("/api/v1/tasks{long}"))
                .await
                .expect_problem(404, "task_not_found");
            let deep = "/a".repeat(length / 2);
            app.user("alice")
                .get(&format!("/api/v1{deep}"))
                .await
                .expect_problem(404, "no_such_address");
            let query = app
                .user("alice")
                .get(&format!("/api/v1/tasks?q={}", "a".repeat(length)))
                .await;
            query.expect_problem(400, "invalid_parameter");
        }
        for length in [66_000, 120_000, 200_000] {
            let responses = exchange(
                app.address,
                anonymous_head(&format!("GET /{}", "a".repeat(length)), ""),
            );
            assert!(
                responses
                    .iter()
                    .all(|response| [400, 414, 431].contains(&response.status)),
                "{length}"
            );
            app.anonymous().get("/health/live").await.expect(200);
        }
    });
}
