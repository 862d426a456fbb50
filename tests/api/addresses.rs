//! Paths: every endpoint and every id has exactly one spelling.

use serde_json::{Value, json};
use todoward::primitives::folded::fold;

use crate::support::raw;
use crate::support::{Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    an_id_in_any_other_form_is_no_tasks,
    a_path_under_the_api_has_one_spelling_and_is_guarded_in_all,
    what_only_looks_like_the_api_is_nothing,
    sql_is_plain_text_wherever_it_stands,
}

const TASKS: &str = "/api/v1/tasks";

/// Sends a request with a path that an HTTP client would normalize.
fn send(app: &TestApp, user: Option<&str>, method: &str, path: &str) -> Response {
    let body = match method {
        "PUT" | "PATCH" => "{\"completed\":true}",
        _ => "",
    };
    let headers = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    let line = format!("{method} {path}");
    let head = match user {
        Some(user) => raw::head(user, &line, &headers),
        None => raw::anonymous_head(&line, &headers),
    };
    let mut responses = raw::exchange(app.address, head + body);
    assert_eq!(responses.len(), 1, "{method} {path}: {responses:?}");
    responses.remove(0)
}

#[track_caller]
fn expect(response: &Response, status: u16, code: &str, path: &str) {
    let text = String::from_utf8_lossy(&response.body);
    assert_eq!(
        (response.status, response.code().as_str()),
        (status, code),
        "{path}: {text}"
    );
    assert_eq!(
        response.header("content-type"),
        "application/problem+json",
        "{path}"
    );
}

async fn an_id_in_any_other_form_is_no_tasks(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = alice.create(json!({ "title": "a" })).await;
    let id = task["id"].as_str().unwrap();
    let bare = id.replace('-', "");
    let mut odd: Vec<String> = [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "01a1f7e7-b530-74f8-94e4-b4dc1460f2fg",
        "me",
        "null",
        "undefined",
        "NaN",
        "complete",
        "tasks",
        "*",
        "%2A",
        "_",
        "%25",
        "0",
        "-1",
        "+1",
        "01",
        "1e3",
        "0x10",
        "%201",
        "2147483648",
        "9223372036854775808",
        "18446744073709551616",
        "%EF%BC%91",
        "%D9%A1",
        "'%20OR%20'1'='1",
        "1;DROP%20TABLE%20tasks",
        "..%2F..%2Fetc%2Fpasswd",
        "%2e%2e",
        "..",
        ".",
        "...",
        "%00",
        "%0a",
        "%FF",
        "%C0%AE%C0%AE",
        "%",
        "%zz",
        "$%7B7*7%7D",
        "{id}",
        "%3Cscript%3E",
    ]
    .map(str::to_owned)
    .into();
    odd.push("a".repeat(10_000));
    odd.extend([
        id.to_uppercase(),
        id.replacen('a', "A", 1),
        bare.clone(),
        format!("%7B{id}%7D"),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        id[..35].to_owned(),
        format!("{id}0"),
        format!("%20{id}"),
        format!("{id}%20"),
        format!("{id}+"),
        format!("{id}%00"),
        format!("{id}%0a"),
        format!("%00{id}"),
        format!("{id}."),
        format!("{id};x=1"),
        format!("{id}.json"),
        format!("{id}%2Fcomplete"),
        format!("{id}%3Fx"),
        format!("{id}%23"),
        format!("{id},{id}"),
        format!("({id})"),
        format!("%22{id}%22"),
        id.replace('-', "_"),
        id.replace('-', "%E2%80%90"),
        format!("{}-{}", &bare[..16], &bare[16..]),
        format!("{}\u{30}", &id[..35]).replacen(&id[..1], "%EF%BC%90", 1),
    ]);
    for odd in odd {
        for (method, behind) in [
            ("GET", ""),
            ("PATCH", ""),
            ("PUT", ""),
            ("DELETE", ""),
            ("PATCH", "/complete"),
        ] {
            let path = format!("{TASKS}/{odd}{behind}");
            expect(
                &send(&app, Some("alice"), method, &path),
                404,
                "task_not_found",
                &path,
            );
        }
    }
    assert_eq!(
        alice.get(TASKS).await.expect(200).json()["items"],
        json!([task])
    );
}

async fn a_path_under_the_api_has_one_spelling_and_is_guarded_in_all(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let others = [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/tasks",
        "/api/tasks",
        "/api/v1/tasks/",
        "/api/v1/tasks//",
        "/api/v1//tasks",
        "/api//v1/tasks",
        "/api/V1/tasks",
        "/api/v1/Tasks",
        "/api/v1/TASKS",
        "/api/v1/task",
        "/api/v1/./tasks",
        "/api/./v1/tasks",
        "/api/v1/x/../tasks",
        "/api/v1/../v1/tasks",
        "/api/v1/%2e/tasks",
        "/api/v1/tasks%2F",
        "/api/v1/tasks%00",
        "/api/v1/tasks%20",
        "/api/v1/tasks;x=1",
        "/api/v1/tasks.",
        "/api/v1/tasks.json",
        "/api/v1\\tasks",
        "/api/v1%2Ftasks",
        "/api/v1/tasks%3Flimit=1",
        "/api/v1/users",
        "/api/v1/users/",
        "/api/v1/users/me/",
        "/api/v1/users/me/adopt/",
        "/api/v1/users/me/Adopt",
        "/api/v1/adopt",
        "/api/v1/users/me/tasks/",
        "/api/v1/users/me//tasks",
        "/api/v1/users/me/Tasks",
        "/api/v1/admin",
        "/api/v1/health/live",
        "/api/health",
        "/api/openapi.json",
        "/api/../health/live",
        "/api/v1/..",
        "/api/v1/../../etc/passwd",
        "/api/v1/tasks/completed/x",
    ];
    let mut others: Vec<String> = others.map(str::to_owned).into();
    others.extend([
        format!("{path}/"),
        format!("{path}//complete"),
        format!("{path}/complete/"),
        format!("{path}/Complete"),
        format!("{path}/complete/x"),
        format!("{path}/../complete/x"),
        format!("/api/v1/users/me/{path}"),
    ]);
    for other in others {
        for method in ["GET", "DELETE", "PATCH", "POST"] {
            expect(
                &send(&app, Some("alice"), method, &other),
                404,
                "no_such_address",
                &other,
            );
            expect(
                &send(&app, None, method, &other),
                401,
                "missing_token",
                &other,
            );
        }
    }
    assert_eq!(alice.titles("?completed=false").await, ["a"]);
}

async fn what_only_looks_like_the_api_is_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    app.user("alice")
        .create(json!({ "title": "a canary of alice" }))
        .await;
    let others = [
        "/",
        "//",
        "/API/v1/tasks",
        "/Api/v1/tasks",
        "//api/v1/tasks",
        "/./api/v1/tasks",
        "/x/../api/v1/tasks",
        "/health/../api/v1/tasks",
        "/apix",
        "/api-docs",
        "/api%2Fv1/tasks",
        "/%2Fapi/v1/tasks",
        "/v1/tasks",
        "/tasks",
        "/api;x/v1/tasks",
        "/health",
        "/health/",
        "/health/live/",
        "/Health/live",
        "//health/live",
        "/health//live",
        "/health/live%00",
        "/health/live;x=1",
        "/health/ready/",
        "/.env",
        "/.git/HEAD",
        "/metrics",
        "/debug",
        "/debug/pprof",
        "/swagger",
        "/admin",
        "/server-status",
        "/robots.txt",
        "/../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%252f..%252fetc/passwd",
        "/%c0%ae%c0%ae/etc/passwd",
        "/..\\..\\etc\\passwd",
        "/%5c..%5cetc",
        "/%00",
        "/%ff",
    ];
    for other in others {
        for user in [Some("alice"), None] {
            expect(
                &send(&app, user, "GET", other),
                404,
                "no_such_address",
                other,
            );
        }
    }
    for encoded in [
        "/%61pi/v1/tasks",
        "/api/v1/%74asks",
        "/api/%761/tasks",
        "/%61%70%69/%76%31/%74%61%73%6b%73",
        "/api/v1/users/me/%74asks",
    ] {
        let response = send(&app, None, "GET", encoded);
        assert!(
            [401, 404].contains(&response.status),
            "{encoded}: {response:?}"
        );
    }
}

async fn sql_is_plain_text_wherever_it_stands(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let of_bob = bob
        .create(json!({ "title": "canary", "completed": true }))
        .await;
    let texts = [
        "'",
        "''",
        "\"",
        "`",
        "\\",
        "\\'",
        "';--",
        "' OR '1'='1",
        "\" OR \"\"=\"",
        "1) OR (1=1",
        "') OR ('1'='1",
        "'; DROP TABLE tasks; --",
        "'; DELETE FROM tasks; --",
        "' UNION SELECT * FROM tasks --",
        "'; SELECT pg_sleep(60); --",
        "' AND randomblob(1000000000) --",
        "' || (SELECT title FROM tasks) || '",
        "$$",
        "$1",
        "?",
        "?1",
        ":id",
        "@a",
        "%",
        "_",
        "%' OR '1'='1",
        "a%b_c",
        "/* x */",
        "-- x",
        "#",
        "[a-z]",
        "*",
        "x' ESCAPE '\\",
        "CAST(1 AS int)",
        "E'\\x41'",
        "U&'\\0041'",
        "0x41",
        "'\u{2019}\u{ff07}",
    ];
    for text in texts {
        let task = alice
            .create(json!({ "title": text, "description": text, "tags": [text] }))
            .await;
        assert_eq!(
            (&task["title"], &task["description"], &task["tags"]),
            (&json!(text), &json!(text), &json!([text]))
        );
    }
    let encode = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    for text in texts {
        let encoded = encode(text);
        assert_eq!(alice.titles(&format!("?tag={encoded}")).await, [text]);
        let mut found = alice.titles(&format!("?limit=200&q={encoded}")).await;
        let mut expected: Vec<&str> = texts
            .into_iter()
            .filter(|other| fold(text).split(' ').all(|word| fold(other).contains(word)))
            .collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{text}");
        for name in [
            "sort",
            "limit",
            "completed",
            "priority",
            "due_before",
            "due_after",
        ] {
            alice
                .get(&format!("{TASKS}?{name}={encoded}"))
                .await
                .expect_problem(400, "invalid_parameter");
        }
        alice
            .get(&format!("{TASKS}?cursor={encoded}"))
            .await
            .expect_problem(400, "invalid_cursor");
        alice
            .get(&format!("{TASKS}?x{encoded}=1"))
            .await
            .expect_problem(400, "unknown_parameter");
        alice
            .delete(&format!("{TASKS}?completed={encoded}"))
            .await
            .expect_problem(400, "invalid_parameter");
        alice
            .get(&format!("/api/v1/users/{encoded}/tasks"))
            .await
            .expect_problem(403, "foreign_path");
        for method in ["GET", "DELETE"] {
            alice
                .request(method, &format!("{TASKS}/{encoded}"))
                .send()
                .await
                .expect_problem(404, "task_not_found");
        }
        if text.is_ascii() && !text.contains(' ') {
            let request = || {
                alice
                    .request("POST", TASKS)
                    .header("Idempotency-Key", text)
                    .json(&json!({ "title": "once" }))
                    .send()
            };
            let first = request().await.expect(201).json();
            assert_eq!(request().await.expect(201).json(), first);
            alice
                .delete(&format!("{TASKS}/{}", first["id"].as_str().unwrap()))
                .await
                .expect(204);
        }
        let mut user = app.user(text);
        if text.trim() != text {
            user = app.user("carol");
        }
        let empty: Value = user.get(TASKS).await.expect(200).json();
        assert_eq!(empty["items"], json!([]));
        assert_eq!(
            user.delete(&format!("{TASKS}?completed=true"))
                .await
                .expect(200)
                .json()["deleted"],
            0
        );
    }
    assert_eq!(alice.titles("?limit=200").await.len(), texts.len());
    assert_eq!(
        bob.get(TASKS).await.expect(200).json()["items"],
        json!([of_bob])
    );
}
