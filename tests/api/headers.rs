//! What the headers of a request may and may not change.

use serde_json::json;

use crate::support::{Engine, TestApp, on_both_databases};

on_both_databases! {
    the_callers_request_id_is_kept_if_a_log_line_can_hold_it,
    links_name_nothing_that_the_request_says_about_hosts,
    what_a_client_says_that_it_accepts_changes_nothing,
    a_condition_that_cannot_be_read_is_refused,
}

const TASKS: &str = "/api/v1/tasks";

async fn the_callers_request_id_is_kept_if_a_log_line_can_hold_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for given in [
        "a",
        "A.b_c-9",
        "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1",
        &"x".repeat(128),
        "..",
        "-",
    ] {
        for address in ["/health/live", TASKS, "/nope"] {
            let response = app
                .anonymous()
                .request("GET", address)
                .header("X-Request-Id", given)
                .send()
                .await;
            assert_eq!(response.header("x-request-id"), given);
        }
    }
    for given in [
        &b""[..],
        b" ",
        b"a b",
        b"a/b",
        b"a\"b",
        b"<b>",
        b"a,b",
        b"{}",
        b"%0d%0aX: y",
        b"\xc3\xbc",
        b"\xff",
        b"a\tb",
        b"eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
        &[b'x'; 129],
        &[b'x'; 10_000],
    ] {
        let response = app
            .anonymous()
            .request("GET", TASKS)
            .header("X-Request-Id", given)
            .send()
            .await;
        let id = response.header("x-request-id").to_owned();
        assert!(uuid::Uuid::try_parse(&id).is_ok(), "{id}");
        response.expect_problem(401, "missing_token");
    }
}

async fn links_name_nothing_that_the_request_says_about_hosts(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    alice.create_path("a").await;
    for mount in ["/api/v1", "/api/v1/users/me", "/api/v1/users/alice"] {
        let address = format!("{mount}/tasks");
        for (name, value) in [
            ("Host", "evil.example"),
            ("Host", ""),
            ("Host", "user@evil.example:99999"),
            ("Host", "[::1]"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "evil"),
            ("X-Forwarded-Port", "1"),
            ("X-Forwarded-Prefix", "/evil"),
            ("Forwarded", "host=evil.example;proto=evil"),
            ("X-Original-Host", "evil.example"),
            ("X-Host", "evil.example"),
        ] {
            let created = alice
                .request("POST", &address)
                .header(name, value)
                .json(&json!({ "title": "b" }))
                .send()
                .await
                .expect(201);
            let id = created.json()["id"].as_str().unwrap().to_owned();
            assert_eq!(created.header("location"), format!("{TASKS}/{id}"));
            let list = alice
                .request("GET", &format!("{address}?limit=1"))
                .header(name, value)
                .send()
                .await
                .expect(200);
            assert!(
                list.header("link").starts_with("</api/v1/tasks?"),
                "{}",
                list.header("link")
            );
            let refused = alice
                .request("GET", &format!("{address}/x"))
                .header(name, value)
                .send()
                .await
                .expect_problem(404, "task_not_found");
            for response in [created, list, refused] {
                assert!(
                    !response.text().contains("evil")
                        && !format!("{:?}", response.headers).contains("evil"),
                    "{name}: {value}"
                );
            }
        }
    }
}

async fn what_a_client_says_that_it_accepts_changes_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let body = alice.get(&path).await.body;
    let long = "a,".repeat(20_000);
    let headers = [
        ("Accept", "text/html"),
        ("Accept", "*/*;q=NaN"),
        ("Accept", ""),
        ("Accept", "application/xml;q=1, */*;q=0"),
        ("Accept", &long),
        ("Accept-Encoding", "gzip, br"),
        ("Accept-Encoding", "identity;q=0, *;q=0"),
        ("Accept-Language", "de, *;q=0"),
        ("Accept-Charset", "utf-16"),
        ("Range", "bytes=0-1"),
        ("Range", "bytes=0-,0-,0-"),
        ("Range", "bytes=9-1"),
        ("Range", "x"),
        ("If-Range", "\"1\""),
        ("If-Modified-Since", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("TE", "trailers"),
        ("Upgrade-Insecure-Requests", "1"),
        ("Cookie", "session=x"),
        ("X-Requested-With", "XMLHttpRequest"),
    ];
    for (name, value) in headers {
        let response = alice
            .request("GET", &path)
            .header(name, value)
            .send()
            .await
            .expect(200);
        assert_eq!(
            (
                &response.body,
                response.header("content-type"),
                response.header("content-encoding")
            ),
            (&body, "application/json", ""),
            "{name}: {value}"
        );
        alice
            .request("GET", "/api/v1/nope")
            .header(name, value)
            .send()
            .await
            .expect_problem(404, "no_such_address");
    }
}

async fn a_condition_that_cannot_be_read_is_refused(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let many = (2..10_000)
        .map(|version| format!("\"{version}\""))
        .collect::<Vec<_>>()
        .join(",");
    for (condition, status) in [
        ("", 400),
        ("1", 400),
        ("W/", 400),
        ("\"1", 400),
        ("*, \"1\"", 400),
        ("null", 400),
        ("W/\"1\"", 412),
        ("\"\"", 412),
        ("\"01\"", 412),
        ("\"99999999999999999999\"", 412),
        ("\"-1\"", 412),
        (&many, 412),
    ] {
        for (method, behind) in [
            ("PATCH", ""),
            ("PUT", ""),
            ("DELETE", ""),
            ("PATCH", "/complete"),
        ] {
            let response = alice
                .request(method, &format!("{path}{behind}"))
                .header("If-Match", condition)
                .json(&json!({ "completed": true }))
                .send()
                .await;
            assert_eq!(
                response.status,
                status,
                "{method} {:.40}: {}",
                condition,
                response.text()
            );
        }
    }
    assert_eq!(alice.titles("?completed=false").await, ["a"]);
}
