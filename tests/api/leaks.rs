//! No response contains internals.

use diesel::prelude::*;
use serde_json::json;

use crate::support::postgres::wait_until_indexed;
use crate::support::raw::{self, exchange};
use crate::support::{Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    refusals_tell_nothing_of_how_the_server_is_made,
    a_database_that_fails_is_not_quoted,
    a_row_that_another_program_has_damaged_is_an_error_and_never_broken_json,
    the_instance_is_the_path_as_it_was_received,
    what_a_client_sends_comes_back_as_json_and_never_as_a_page,
}

const TASKS: &str = "/api/v1/tasks";

/// Words that would reveal internals, in lower case.
const INSIDE: [&str; 41] = [
    "sql",
    "select ",
    "insert into",
    "update tasks",
    "delete from",
    " where ",
    "relation",
    "no such table",
    "column \"",
    "constraint",
    "syntax error",
    "diesel",
    "r2d2",
    "postgres",
    "libpq",
    "sqlite",
    "actix",
    "tokio",
    "serde",
    "jsonwebtoken",
    "chrono",
    "uuid::",
    "todoward::",
    "::",
    "src/",
    ".rs",
    "/home",
    "/root",
    "/tmp",
    "cargo",
    "panick",
    "unwrap",
    "backtrace",
    "stack",
    "thread '",
    "invalid type",
    "invalid value",
    "trailing characters",
    "eof while",
    "recursion",
    "tasks_",
];

#[track_caller]
fn expect_nothing_of_the_inside(headers: &str, body: &str, what: &str) {
    let text = format!("{headers}\n{body}").to_lowercase();
    for word in INSIDE {
        assert!(
            !text.contains(word),
            "{word:?} in the answer to {what}: {text}"
        );
    }
    for markup in [
        "<html",
        "<!doctype",
        "<body",
        "<script",
        "text/html",
        "text/plain",
    ] {
        assert!(
            !text.contains(markup),
            "{markup:?} in the answer to {what}: {text}"
        );
    }
}

#[track_caller]
fn expect_closed(response: &Response, what: &str) {
    let headers: String = response
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
        .collect();
    expect_nothing_of_the_inside(&headers, &response.text(), what);
}

/// Makes every statement fail.
async fn rename_the_table(app: &TestApp) {
    if app.engine == Engine::Postgres {
        wait_until_indexed(&app.database_url).await;
    }
    run(app, "ALTER TABLE tasks RENAME TO hidden");
}

/// Runs a statement directly in the database.
fn run(app: &TestApp, statement: &str) {
    match app.engine {
        Engine::Sqlite => {
            let file = app.database_url.strip_prefix("sqlite://").unwrap();
            let mut connection = SqliteConnection::establish(file).unwrap();
            diesel::sql_query(statement)
                .execute(&mut connection)
                .unwrap();
        }
        Engine::Postgres => {
            let mut connection = PgConnection::establish(&app.database_url).unwrap();
            diesel::sql_query(statement)
                .execute(&mut connection)
                .unwrap();
        }
    }
}

async fn refusals_tell_nothing_of_how_the_server_is_made(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let path = alice.create_path("a").await;
    let json = "application/json";
    let bodies = [
        "",
        "{",
        "[1,",
        "nul",
        "{}x",
        "\"",
        "{\"title\":}",
        "{\"title\":1}",
        "{\"title\":null,\"tags\":{}}",
        "{\"title\":\"\\ud800\"}",
        "{\"a\":1,\"a\":2}",
        "{\"version\":1e999}",
        "{\"due_date\":\"2025-02-30\",\"priority\":7,\"completed\":\"x\"}",
        "[]",
        "1",
        "{\"title\":\"\\u0000\"}",
        "{\"x\":1}",
    ];
    for body in bodies {
        for (method, address) in [("POST", TASKS), ("PUT", &path), ("PATCH", &path)] {
            let response = alice.request(method, address).body(json, body).send().await;
            assert!((400..500).contains(&response.status), "{body}");
            expect_closed(&response, body);
        }
    }
    expect_closed(
        &alice
            .request("POST", TASKS)
            .body(json, "[".repeat(10_000))
            .send()
            .await
            .expect(400),
        "deep nesting",
    );
    expect_closed(
        &alice
            .request("POST", TASKS)
            .body(json, &b"{\"title\":\"\xff\"}"[..])
            .send()
            .await
            .expect(400),
        "invalid UTF-8",
    );
    for query in [
        "x=1",
        "limit=x",
        "limit=99999999999999999999",
        "cursor=x",
        "cursor=%00",
        "q=%ff",
        "due_before=x",
        "sort='",
        "completed=maybe",
        "tag=",
        "priority=x",
    ] {
        expect_closed(
            &alice.get(&format!("{TASKS}?{query}")).await.expect(400),
            query,
        );
    }
    for token in [
        "",
        "x",
        "a.b.c",
        "null",
        "e30.e30.e30",
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
        "eyJhbGciOiJSUzI1NiJ9.e30.AAAA",
        "\u{fffd}",
    ] {
        expect_closed(&app.with_token(token).get(TASKS).await.expect(401), token);
    }
    let others = [
        alice.request("GET", "/api/v1/tasks/x"),
        alice.request("GET", "/api/v1/tasks/%00"),
        alice.request("GET", "/api/v1/tasks/%ff"),
        alice.request("GET", "/api/v1/nope"),
        alice.request("LOCK", TASKS),
        bob.request("GET", &path),
        bob.request("DELETE", &path),
        alice.request("GET", "/api/v1/users/%ff/tasks"),
        alice.request("PATCH", &path).header("If-Match", "x"),
        alice
            .request("PATCH", &path)
            .header("If-Match", "\"9\"")
            .json(&json!({})),
        alice
            .request("POST", TASKS)
            .header("Idempotency-Key", "\u{fc}"),
        alice.request("POST", TASKS).body("x", "x"),
        alice.request("POST", TASKS).body(json, " ".repeat(524_289)),
        app.anonymous().request("GET", "/"),
        app.anonymous().request("GET", "/nope"),
        app.anonymous().request("POST", "/health/ready"),
        app.anonymous().request("GET", "/.env"),
        app.anonymous().request("GET", "/metrics"),
        app.anonymous().request("GET", "/debug"),
        app.anonymous().request("GET", "/.git/HEAD"),
    ];
    for request in others {
        let response = request.header("Accept", "text/html").send().await;
        assert!((400..500).contains(&response.status), "{}", response.text());
        expect_closed(&response, &response.text());
    }
    for refused in [
        "GARBAGE\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET /<script> HTTP/1.1\r\nHost: test\r\n\r\n",
    ] {
        expect_closed(&exchange(app.address, refused)[0], refused);
    }
    alice.get(&path).await.expect(200);
}

async fn a_database_that_fails_is_not_quoted(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a canary").await;
    rename_the_table(&app).await;
    let requests = [
        alice.request("GET", TASKS),
        alice.request("GET", "/api/v1/tasks?q=a&tag=b&sort=title"),
        alice
            .request("POST", TASKS)
            .json(&json!({ "title": "a canary" })),
        alice
            .request("POST", TASKS)
            .header("Idempotency-Key", "k")
            .json(&json!({ "title": "a canary" })),
        alice.request("GET", &path),
        alice.request("PATCH", &path).json(&json!({ "title": "b" })),
        alice.request("PUT", &path).json(&json!({ "title": "b" })),
        alice.request("PATCH", &format!("{path}/complete")),
        alice.request("DELETE", &path),
        alice.request("DELETE", "/api/v1/tasks?completed=true"),
    ];
    for request in requests {
        let response = request.send().await;
        assert!([500, 503].contains(&response.status), "{}", response.text());
        expect_closed(&response, "a statement that fails");
        assert!(
            !response.text().contains("canary") && !response.text().contains("hidden"),
            "{}",
            response.text()
        );
        let code = response.json()["code"].as_str().unwrap().to_owned();
        response.clone().expect_problem(response.status, &code);
        assert_eq!(response.header("cache-control"), "no-store");
    }
    app.anonymous().get("/health/live").await.expect(200);
}

async fn a_row_that_another_program_has_damaged_is_an_error_and_never_broken_json(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let path = alice.create_path("a").await;
    bob.create_path("b").await;
    run(
        &app,
        "UPDATE tasks SET tags = '[\"x], \"canary\": 1' WHERE owner_id = 'alice'",
    );
    for address in [TASKS, "/api/v1/tasks?sort=title", &path] {
        let response = alice.get(address).await.expect_problem(500, "internal");
        assert!(!response.text().contains("canary"), "{}", response.text());
    }
    let page = bob.get(TASKS).await.expect(200).json();
    assert_eq!(page["items"][0]["title"], "b");
}

async fn the_instance_is_the_path_as_it_was_received(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for path in [
        "/api/v1/nope",
        "/api/v1/%6Eope",
        "/api/v1/nope/%2e%2e/x",
        "/api/v1//nope",
        "/api/v1/tasks/%3Cb%3E",
        "/api/v1/users/b%6Fb/tasks",
        "/api/v1/users/me/tasks/x",
        "/nope/%C3%BC",
        "/nope;x=1",
        "/a/../b",
        "/%00",
    ] {
        for query in ["", "?", "?access_token=secret", "?a=/b#c"] {
            let responses = exchange(
                app.address,
                raw::head("alice", &format!("GET {path}{query}"), ""),
            );
            assert_eq!(responses[0].json()["instance"], path);
            assert!(!String::from_utf8_lossy(&responses[0].body).contains("secret"));
        }
    }
}

async fn what_a_client_sends_comes_back_as_json_and_never_as_a_page(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let markup = "<script>alert(1)</script>";
    let created = alice
        .post(TASKS, &json!({ "title": markup, "tags": [markup] }))
        .await
        .expect(201);
    let unknown = alice
        .post(TASKS, &json!({ "title": "a", markup: 1 }))
        .await
        .expect(422);
    let parameter = alice.get("/api/v1/tasks?%3Cscript%3E=1").await.expect(400);
    let method = alice.request("LOCK", TASKS).send().await.expect(405);
    for (response, content_type) in [
        (created, "application/json"),
        (unknown, "application/problem+json"),
        (parameter, "application/problem+json"),
        (method, "application/problem+json"),
    ] {
        assert_eq!(
            (
                response.header("content-type"),
                response.header("x-content-type-options")
            ),
            (content_type, "nosniff")
        );
        response.json();
    }
}

#[test]
fn a_database_that_is_not_there_is_not_named() {
    crate::support::block_on(async {
        let url = "postgres://dbuser:dbpassword@127.0.0.1:1/dbname";
        let app = TestApp::on_database(Engine::Postgres, url, &[("WITHOUT_DATABASE", "1")]).await;
        let alice = app.user("alice");
        let requests = [
            alice.request("GET", TASKS),
            alice.request("POST", TASKS).json(&json!({ "title": "a" })),
            alice.request("DELETE", "/api/v1/tasks?completed=true"),
            app.anonymous().request("GET", "/health/ready"),
        ];
        for request in requests {
            let response = request.send().await;
            expect_closed(&response, "a database that is not there");
            for secret in ["dbuser", "dbpassword", "dbname", "127.0.0.1", "refused"] {
                assert!(!response.text().contains(secret), "{}", response.text());
            }
            response.expect_problem(503, "database_unavailable");
        }
        app.anonymous().get("/health/live").await.expect(200);
    });
}
