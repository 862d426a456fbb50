//! Message framing: nothing that a client sends makes the server treat a body as a
//! request, or one user as another (request smuggling).

use serde_json::json;

use crate::support::raw::{self, Connection, anonymous_head, exchange, head, statuses};
use crate::support::{Engine, TestApp, block_on, on_both_databases};

on_both_databases! {
    pipelined_requests_of_two_users_get_their_responses_in_order_and_never_mixed,
    a_connection_has_no_memory_of_who_asked_before,
    the_unread_body_of_a_refused_request_is_never_a_request,
    a_body_where_none_is_expected_is_no_request_either,
    a_length_that_can_be_read_in_two_ways_is_refused,
    chunks_are_read_as_the_rfc_writes_them_or_refused,
    nothing_after_an_unparsable_request_gets_a_response,
}

const TASKS: &str = "/api/v1/tasks";
const BODY: &str = r#"{"title":"b"}"#;
const CONTROL: &str = "GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n";

/// A smuggled request, which would create a task of alice.
fn smuggled() -> String {
    let framing = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n",
        BODY.len()
    );
    head("alice", "POST /api/v1/tasks", &framing) + BODY
}

/// The head of a request that creates a task, with these headers.
fn create(headers: &str) -> String {
    head(
        "alice",
        "POST /api/v1/tasks",
        &format!("Content-Type: application/json\r\n{headers}"),
    )
}

async fn expect_alive(app: &TestApp, titles: &[&str]) {
    app.anonymous().get("/health/live").await.expect(200);
    assert_eq!(app.user("alice").titles("").await, titles);
}

async fn pipelined_requests_of_two_users_get_their_responses_in_order_and_never_mixed(
    engine: Engine,
) {
    let app = TestApp::spawn(engine).await;
    let mut all = String::new();
    let title = |n: usize| format!("task {n}");
    for n in 0..40 {
        let body = json!({ "title": title(n), "owner_id": "eve" }).to_string();
        let framing = format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
        all += &match n % 4 {
            0 => head("alice", "POST /api/v1/tasks", &framing) + &body,
            1 => head("bob", "POST /api/v1/tasks", &framing) + &body,
            2 => anonymous_head("GET /api/v1/tasks", ""),
            _ => head("bob", "GET /api/v1/tasks?limit=1", ""),
        };
    }
    let mut connection = Connection::open(app.address);
    connection.send(all);
    for n in 0..40 {
        let response = connection.response().unwrap();
        match n % 4 {
            0 | 1 => {
                let owner = ["alice", "bob"][n % 4];
                assert_eq!(
                    (
                        response.status,
                        &response.json()["owner_id"],
                        &response.json()["title"]
                    ),
                    (201, &json!(owner), &json!(title(n)))
                );
            }
            2 => assert_eq!(
                (response.status, response.code().as_str()),
                (401, "missing_token")
            ),
            _ => {
                assert_eq!(response.status, 200);
                let items = response.json()["items"].clone();
                assert_eq!(
                    (&items[0]["owner_id"], &items[0]["title"]),
                    (&json!("bob"), &json!(title(n - 2)))
                );
            }
        }
    }
    connection.finish();
    assert!(connection.rest().is_empty());
    app.user("alice").get(TASKS).await.expect(200);
}

async fn a_connection_has_no_memory_of_who_asked_before(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let path = app.user("alice").create_path("a").await;
    let mut connection = Connection::open(app.address);
    for _ in 0..3 {
        for (request, status) in [
            (head("alice", &format!("GET {path}"), ""), 200),
            (anonymous_head(&format!("GET {path}"), ""), 401),
            (head("bob", &format!("GET {path}"), ""), 403),
        ] {
            connection.send(request);
            assert_eq!(connection.response().unwrap().status, status);
        }
    }
}

async fn the_unread_body_of_a_refused_request_is_never_a_request(engine: Engine) {
    let app = TestApp::with(engine, &[("TODOWARD__SERVER__BODY_LIMIT", "65536")]).await;
    app.user("alice").create_path("a").await;
    let json = "Content-Type: application/json\r\n";
    let refused = [
        (401, anonymous_head("POST /api/v1/tasks", json)),
        (
            401,
            anonymous_head(
                "POST /api/v1/tasks",
                &format!("{json}Authorization: Bearer a.b.c\r\n"),
            ),
        ),
        (403, head("alice", "POST /api/v1/users/bob/tasks", json)),
        (404, head("alice", "POST /api/v1/nope", json)),
        (404, anonymous_head("POST /nope", json)),
        (405, head("alice", "LOCK /api/v1/tasks", json)),
        (400, head("alice", "POST /api/v1/tasks?x=1", json)),
        (
            400,
            head("alice", "POST /api/v1/tasks", "Idempotency-Key: \r\n"),
        ),
        (400, create("")),
        (415, create("Content-Encoding: gzip\r\n")),
        (
            415,
            head(
                "alice",
                "POST /api/v1/tasks",
                "Content-Type: text/plain\r\n",
            ),
        ),
        (413, create("X-Big: yes\r\n")),
    ];
    for (status, request) in refused {
        let inner = if status == 413 {
            smuggled().repeat(300)
        } else {
            smuggled()
        };
        let open = request.strip_suffix("\r\n").unwrap();
        let by_length = (
            format!("{open}Content-Length: {}\r\n\r\n", inner.len()),
            inner.clone(),
        );
        let chunked = (
            format!("{open}Transfer-Encoding: chunked\r\n\r\n"),
            format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len()),
        );
        for (request, body) in [by_length, chunked] {
            let responses = exchange(app.address, format!("{request}{body}{CONTROL}"));
            assert_eq!(responses[0].status, status, "{request}");
            assert!(
                statuses(&responses[1..])
                    .iter()
                    .all(|status| *status == 200)
                    && responses.len() <= 2,
                "{request}: {responses:?}"
            );
            // Again, with the body sent after the response where the server does not wait.
            let mut connection = Connection::open(app.address);
            connection.send(&request);
            let early = [401, 403, 404, 405]
                .contains(&status)
                .then(|| connection.response().unwrap());
            connection.send(body + CONTROL);
            connection.finish();
            let mut responses = connection.rest();
            responses.splice(0..0, early);
            assert_eq!(responses[0].status, status, "{request}");
            assert!(
                statuses(&responses[1..])
                    .iter()
                    .all(|status| *status == 200)
                    && responses.len() <= 2,
                "{request}: {responses:?}"
            );
        }
    }
    expect_alive(&app, &["a"]).await;
}

async fn a_body_where_none_is_expected_is_no_request_either(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let path = app.user("alice").create_path("a").await;
    for line in [
        "GET /api/v1/tasks".to_owned(),
        format!("GET {path}"),
        "DELETE /api/v1/tasks?completed=true".to_owned(),
        "GET /health/live".to_owned(),
        "GET /health/ready".to_owned(),
    ] {
        for inner in [smuggled(), smuggled().repeat(2_000)] {
            for (framing, body) in [
                (format!("Content-Length: {}", inner.len()), inner.clone()),
                (
                    "Transfer-Encoding: chunked".to_owned(),
                    format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len()),
                ),
            ] {
                let responses = exchange(
                    app.address,
                    head("alice", &line, &format!("{framing}\r\n")) + &body + CONTROL,
                );
                assert!(
                    statuses(&responses).iter().all(|status| *status == 200)
                        && [1, 2].contains(&responses.len()),
                    "{line} {framing}: {responses:?}"
                );
            }
        }
    }
    expect_alive(&app, &["a"]).await;
}

async fn a_length_that_can_be_read_in_two_ways_is_refused(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let chunked = format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len());
    let length = BODY.len();
    let mut framings = vec![
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked".into(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity".into(),
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked".into(),
        "Transfer-Encoding : chunked".into(),
        "Transfer-Encoding:\r\n chunked".into(),
        "Transfer-Encoding\u{b}: chunked".into(),
        "X: y\r\n Transfer-Encoding: chunked".into(),
        format!("Content-Length : {length}"),
        format!("Content-Length: {length}\r\nContent-Length: {length}"),
        format!("Content-Length: {length}\r\nContent-Length: 0"),
        format!("Content-Length: {length}, {length}"),
    ];
    let codings = [
        "xchunked",
        "x chunked",
        "\u{b}chunked",
        "chunked\u{b}",
        "chunked\u{0}",
        "identity",
        "chunked, identity",
        "identity, chunked",
        "chunked, chunked",
        "gzip, chunked",
        "chunked;q=1",
        "\"chunked\"",
        "chunked,",
        "chunke",
        "x",
        "",
    ];
    framings.extend(codings.map(|coding| format!("Transfer-Encoding: {coding}")));
    framings.extend(
        [
            "+13",
            "-1",
            "0x0d",
            "1e1",
            "13.0",
            "13 13",
            "13,",
            "١٣",
            "99999999999999999999",
            "",
        ]
        .map(|length| format!("Content-Length: {length}")),
    );
    for framing in framings {
        for body in [BODY, &chunked] {
            let responses = exchange(
                app.address,
                create(&format!("{framing}\r\n")) + body + &smuggled() + CONTROL,
            );
            assert_eq!(statuses(&responses), [400], "{framing:?}");
            app.anonymous().get("/health/live").await.expect(200);
        }
    }
    let old = create("Transfer-Encoding: chunked\r\n").replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(
        statuses(&exchange(app.address, old + &chunked + CONTROL)),
        [400]
    );
    expect_alive(&app, &[]).await;
}

async fn chunks_are_read_as_the_rfc_writes_them_or_refused(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let good = [
        format!("d\r\n{BODY}\r\n0\r\n\r\n"),
        format!("D\r\n{BODY}\r\n000\r\n\r\n"),
        format!("d;a=b;c=\"d\"\r\n{BODY}\r\n0\r\n\r\n"),
        format!("1\r\n{}\r\nc\r\n{}\r\n0\r\n\r\n", &BODY[..1], &BODY[1..]),
    ];
    for body in &good {
        assert_eq!(
            statuses(&exchange(
                app.address,
                create("Transfer-Encoding: chunked\r\n") + body + CONTROL
            )),
            [201, 200],
            "{body}"
        );
    }
    let bad = [
        format!("FFFFFFFFFFFFFFFFF\r\n{BODY}"),
        format!("-1\r\n{BODY}"),
        format!("+d\r\n{BODY}\r\n0\r\n\r\n"),
        format!("0xd\r\n{BODY}\r\n0\r\n\r\n"),
        format!("d\r\n{BODY}X\r\n0\r\n\r\n"),
        format!("d\r\n{BODY}0\r\n\r\n"),
        format!("d\n{BODY}\n0\n\n"),
        format!("\r\n{BODY}\r\n0\r\n\r\n"),
        format!(" d\r\n{BODY}\r\n0\r\n\r\n"),
        format!("g\r\n{BODY}\r\n0\r\n\r\n"),
        format!(";a\r\n{BODY}\r\n0\r\n\r\n"),
        format!("\u{0}d\r\n{BODY}\r\n0\r\n\r\n"),
    ];
    for body in bad {
        let responses = exchange(
            app.address,
            create("Transfer-Encoding: chunked\r\n") + &body + &smuggled() + CONTROL,
        );
        assert_eq!(statuses(&responses), [400], "{body}");
        app.anonymous().get("/health/live").await.expect(200);
    }
    expect_alive(&app, &["b"; 4]).await;
}

async fn nothing_after_an_unparsable_request_gets_a_response(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    app.user("alice").create_path("a").await;
    for broken in [
        "GARBAGE\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "\0\0\0\r\n\r\n",
        "GET /health/live HTTP/1.1\r\n: x\r\n\r\n",
        "GET /health/live HTTP/1.1\r\nHost: test\r\nX y\r\n\r\n",
    ] {
        assert_eq!(
            statuses(&exchange(
                app.address,
                format!("{CONTROL}{broken}{}{CONTROL}", smuggled())
            )),
            [200, 400],
            "{broken:?}"
        );
    }
    let behind_a_task = create("Content-Length: 13\r\n") + BODY + "GARBAGE" + &smuggled();
    assert_eq!(statuses(&exchange(app.address, behind_a_task))[0], 201);
    expect_alive(&app, &["b", "a"]).await;
}

#[test]
fn a_body_that_never_ends_does_not_keep_its_connection() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &[("TODOWARD__SERVER__BODY_LIMIT", "65536")]).await;
        let chunk = format!("1000\r\n{}\r\n", "a".repeat(4096));
        let refused = [
            (413, create("Transfer-Encoding: chunked\r\n")),
            (
                401,
                anonymous_head("POST /api/v1/tasks", "Transfer-Encoding: chunked\r\n"),
            ),
            (
                404,
                anonymous_head("POST /nope", "Transfer-Encoding: chunked\r\n"),
            ),
            (413, create("Content-Length: 70000\r\n")),
        ];
        let mut connections = Vec::new();
        for (status, request) in &refused {
            let mut connection = Connection::open(app.address);
            connection.send(format!("{request}{}", chunk.repeat(17)));
            let response = connection.response().unwrap();
            assert_eq!(
                (response.status, response.header("connection")),
                (*status, "close"),
                "{request}"
            );
            connections.push(connection);
        }
        // The end of the chunked body arrives too late, and so does what follows.
        let mut late = Connection::open(app.address);
        late.send(format!("{}{}", refused[1].1, chunk));
        assert_eq!(late.response().unwrap().status, 401);
        late.send(format!("0\r\n\r\n{CONTROL}"));
        connections.push(late);
        for connection in connections {
            // The client sends nothing more, and the server closes the connection.
            assert!(connection.rest().is_empty());
        }
        expect_alive(&app, &[]).await;
    });
}

#[test]
fn a_client_may_wait_for_leave_to_send_its_body() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &[("TODOWARD__SERVER__BODY_LIMIT", "65536")]).await;
        let mut connection = Connection::open(app.address);
        connection.send(create("Content-Length: 13\r\nExpect: 100-continue\r\n"));
        assert_eq!(connection.response().unwrap().status, 100);
        connection.send(BODY);
        assert_eq!(connection.response().unwrap().status, 201);
        let refused = [
            (
                401,
                anonymous_head(
                    "POST /api/v1/tasks",
                    "Content-Length: 13\r\nExpect: 100-continue\r\n",
                ),
            ),
            (
                413,
                create("Content-Length: 70000\r\nExpect: 100-continue\r\n"),
            ),
        ];
        for (status, request) in refused {
            assert_eq!(
                statuses(&raw::exchange(app.address, request)).last(),
                Some(&status)
            );
        }
        let unknown = exchange(
            app.address,
            create("Content-Length: 13\r\nExpect: the-unexpected\r\n") + BODY,
        );
        assert!([201, 417].contains(&unknown[0].status));
    });
}
