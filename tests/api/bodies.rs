//! Bodies: what is accepted as JSON, and which members it may have.

use serde_json::{Value, json};

use crate::support::raw::{self, Connection};
use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    what_is_not_json_in_utf_8_by_its_content_type_is_refused,
    json_in_utf_8_is_taken_however_its_content_type_is_written,
    an_encoded_body_is_refused_and_never_decoded,
    what_is_not_exactly_one_json_document_is_refused,
    a_body_that_is_no_json_is_told_why,
    json_that_is_not_an_object_is_refused_as_a_whole,
    an_unknown_member_is_named,
    every_fault_is_named_at_once_and_at_most_fifty,
    members_that_the_server_writes_are_ignored_whatever_they_hold,
    a_body_of_512_kib_is_taken_and_one_byte_more_is_not,
    a_body_that_ends_early_changes_nothing,
}

const TASKS: &str = "/api/v1/tasks";
const LIMIT: usize = 512 * 1024;

/// Sends a body to every endpoint with one: create, both updates, complete.
async fn everywhere(
    client: &Client,
    path: &str,
    body: &[u8],
    content_type: Option<&str>,
    more: &[(&str, &str)],
) -> Vec<(&'static str, Response)> {
    let mut responses = Vec::new();
    let complete = format!("{path}/complete");
    for (method, address) in [
        ("POST", TASKS),
        ("PUT", path),
        ("PATCH", path),
        ("PATCH", &complete),
    ] {
        let mut request = client.request(method, address);
        request = match content_type {
            Some(content_type) => request.body(content_type, body),
            None => request.bare_body(body),
        };
        for (name, value) in more {
            request = request.header(name, value);
        }
        responses.push((method, request.send().await));
    }
    responses
}

/// The pointers of a problem, sorted.
fn places(response: &Response) -> Vec<String> {
    let problem = response.json();
    let errors = problem["errors"].as_array().unwrap();
    let mut places: Vec<String> = errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap().to_owned())
        .collect();
    places.sort();
    places
}

async fn what_is_not_json_in_utf_8_by_its_content_type_is_refused(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let before = alice.get(&path).await.json();
    let wrong = [
        "",
        "json",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/octet-stream",
        "application/jsonp",
        "application/json-patch+json",
        "application/json; charset=utf-16",
        "application/json; charset=latin1",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json, text/plain",
        "*/*",
    ];
    for content_type in wrong.into_iter().map(Some).chain([None]) {
        for (method, response) in everywhere(
            &alice,
            &path,
            br#"{"title":"b","completed":true}"#,
            content_type,
            &[],
        )
        .await
        {
            let accepted = if method == "PATCH" {
                "application/merge-patch+json, application/json"
            } else {
                ""
            };
            assert_eq!(
                response.header("accept-patch"),
                accepted,
                "{method} {content_type:?}"
            );
            response.expect_problem(415, "unsupported_media_type");
        }
    }
    alice
        .request("POST", TASKS)
        .body("application/merge-patch+json", "{\"title\":\"b\"}")
        .send()
        .await
        .expect_problem(415, "unsupported_media_type");
    for (_, response) in everywhere(
        &alice,
        &path,
        b"{}",
        Some("application/json"),
        &[("Content-Type", "text/plain")],
    )
    .await
    {
        response.expect_problem(415, "unsupported_media_type");
    }
    assert_eq!(alice.get(&path).await.expect(200).json(), before);
    assert_eq!(alice.titles("").await, ["a"]);
}

async fn json_in_utf_8_is_taken_however_its_content_type_is_written(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for content_type in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "application/json; charset=utf8",
        "application/json;charset=\"UTF8\"",
        "application/json; version=1",
    ] {
        let created = alice
            .request("POST", TASKS)
            .body(content_type, "{\"title\":\"b\"}")
            .send()
            .await;
        assert_eq!(created.status, 201, "{content_type}: {}", created.text());
    }
    for content_type in [
        "application/merge-patch+json",
        "application/merge-patch+json; charset=utf-8",
        "application/json",
    ] {
        for method in ["PATCH", "PUT"] {
            alice
                .request(method, &path)
                .body(content_type, "{\"title\":\"c\"}")
                .send()
                .await
                .expect(200);
        }
        alice
            .request("PATCH", &format!("{path}/complete"))
            .body(content_type, "{\"completed\":true}")
            .send()
            .await
            .expect(200);
    }
}

async fn an_encoded_body_is_refused_and_never_decoded(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for encoding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "identity",
        "gzip, gzip",
        "x",
    ] {
        let body = br#"{"title":"b","completed":true}"#;
        for (method, response) in everywhere(
            &alice,
            &path,
            body,
            Some("application/json"),
            &[("Content-Encoding", encoding)],
        )
        .await
        {
            assert_eq!(
                response.header("accept-patch").is_empty(),
                method != "PATCH",
                "{method}"
            );
            response.expect_problem(415, "unsupported_media_type");
        }
    }
    assert_eq!(alice.titles("?completed=false").await, ["a"]);
}

async fn what_is_not_exactly_one_json_document_is_refused(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let before = alice.get(&path).await.json();
    let utf_16: Vec<u8> = r#"{"title":"b"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf_16_be: Vec<u8> = r#"{"title":"b"}"#.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut bodies: Vec<Vec<u8>> = vec![utf_16, utf_16_be];
    bodies.extend(
        [
            &b"\xef\xbb\xbf{\"title\":\"b\"}"[..],
            b"{\"title\":\"\xff\"}",
            b"{\"title\":\"\xc0\x80\"}",
            b"{\"title\":\"\xed\xa0\x80\"}",
            b"{\"title\":\"\xf4\x90\x80\x80\"}",
            b"{\"title\":\"\xe2\x82\"}",
            b"{\"title\":\"a\nb\"}",
            b"{\"title\":\"\0\"}",
            b"\0",
        ]
        .map(<[u8]>::to_vec),
    );
    let texts = [
        " ",
        "\r\n\t ",
        "{",
        "{}x",
        "{}{}",
        "{} {}",
        "nul",
        "NaN",
        "Infinity",
        "{'title':'b'}",
        "{\"title\":\"b\",}",
        "{title:\"b\"}",
        "// a\n{\"title\":\"b\"}",
        "{\"title\":\"b\" /* c */}",
        "title=b",
        "<title>b</title>",
        "{\"title\":\"b\"}\u{feff}",
        "\u{a0}{\"title\":\"b\"}",
        r#"{"title":"\ud800"}"#,
        r#"{"title":"\udfff"}"#,
        r#"{"title":"\ude00\ud83d"}"#,
        r#"{"title":"\ud83dx"}"#,
        r#"{"title":"\u12"}"#,
        r#"{"title":"\x41"}"#,
        r#"{"version":1e400}"#,
        r#"{"version":-1e400}"#,
        r#"{"version":01}"#,
        r#"{"version":+1}"#,
        r#"{"version":1.}"#,
        r#"{"version":.5}"#,
        r#"{"version":0x10}"#,
        r#"{"title":"b","title":"c"}"#,
        r#"{"title":"b","\u0074itle":"c"}"#,
        r#"{"title":"b","title":"b"}"#,
        r#"{"title":"b","owner_id":"bob","owner_id":"eve"}"#,
        r#"{"title":"b","id":{"a":1,"a":1}}"#,
        r#"{"title":"b","id":[[{"":1,"":2}]]}"#,
        r#"{"completed":true,"completed":true}"#,
    ];
    bodies.extend(texts.map(|text| text.as_bytes().to_vec()));
    bodies.push(format!("{{\"version\":{}}}", "9".repeat(60_000)).into_bytes());
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [128, 129, 5_000] {
            bodies.push(format!("{}1{}", open.repeat(depth), close.repeat(depth)).into_bytes());
            bodies.push(open.repeat(depth).into_bytes());
        }
    }
    for body in &bodies {
        for (_, response) in everywhere(&alice, &path, body, Some("application/json"), &[]).await {
            let shown = String::from_utf8_lossy(body)
                .chars()
                .take(60)
                .collect::<String>();
            assert_eq!(response.status, 400, "{shown:?}: {}", response.text());
            response.expect_problem(400, "invalid_json");
        }
    }
    for (method, address) in [("POST", TASKS), ("PUT", &path), ("PATCH", &path)] {
        alice
            .request(method, address)
            .send()
            .await
            .expect_problem(400, "invalid_json");
    }
    assert_eq!(alice.get(&path).await.expect(200).json(), before);
    assert_eq!(alice.titles("").await, ["a"]);
}

async fn a_body_that_is_no_json_is_told_why(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let long = "x".repeat(1000);
    let twice = format!("{{\"{long}\":1,\"{long}\":2}}");
    let told: [(&[u8], &[&str]); 7] = [
        (
            br#"{"title":"Party \ud83c"}"#,
            &[
                "half of a surrogate pair",
                "in \"title\"",
                "line 1, column 23",
                "emoji",
                "slice",
            ],
        ),
        (
            br#"{"title":"b","tags":["a","\udf89"]}"#,
            &["half of a surrogate pair", "in \"tags\""],
        ),
        (
            br#"{"title":"b","title":"c"}"#,
            &["the member \"title\" stands twice at line 1 column 20"],
        ),
        (
            br#"{"title":"b","id":{"a\nb":1,"a\nb":1}}"#,
            &[r#"the member "a\nb" stands twice"#],
        ),
        (twice.as_bytes(), &["the member \"xxxx", "x\" stands twice"]),
        (b"{\"title\":\"caf\xe9\"}", &["not UTF-8 (byte 14)"]),
        (br#"{"title":"b",}"#, &["not JSON", "line 1, column 14"]),
    ];
    for (body, parts) in told {
        for (_, response) in everywhere(&alice, &path, body, Some("application/json"), &[]).await {
            let problem = response.expect_problem(400, "invalid_json").json();
            let detail = problem["detail"].as_str().unwrap();
            assert!(
                parts.iter().all(|part| detail.contains(part)) && detail.len() < 300,
                "{detail}"
            );
        }
    }
    // The Content-Type is checked first, whatever the body contains.
    let refused = alice
        .request("POST", TASKS)
        .body(
            "application/json; charset=latin1",
            "{\"title\":\"\\ud83c\"}",
        )
        .send()
        .await;
    let problem = refused.expect_problem(415, "unsupported_media_type").json();
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("charset=utf-8")
    );
}

async fn json_that_is_not_an_object_is_refused_as_a_whole(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for body in [
        "null",
        "true",
        "false",
        "0",
        "-1.5",
        "18446744073709551616",
        "\"title\"",
        "\"\"",
        "[]",
        "[{\"title\":\"b\"}]",
        " null ",
    ] {
        for (_, response) in everywhere(
            &alice,
            &path,
            body.as_bytes(),
            Some("application/json"),
            &[],
        )
        .await
        {
            let response = response.expect_problem(422, "invalid_task");
            assert_eq!(places(&response), [""], "{body}");
        }
    }
    assert_eq!(alice.titles("?completed=false").await, ["a"]);
}

async fn an_unknown_member_is_named(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let names = [
        ("x", "/x"),
        ("Title", "/Title"),
        ("titleX", "/titleX"),
        ("title ", "/title "),
        ("", "/"),
        ("__proto__", "/__proto__"),
        ("constructor", "/constructor"),
        ("user_id", "/user_id"),
        ("access_token", "/access_token"),
        ("a/b~c~1", "/a~1b~0c~01"),
        ("ü\u{1}", "/ü\u{1}"),
    ];
    for (name, pointer) in names {
        for value in [json!(null), json!({ "title": "b" })] {
            let mut body = json!({ "title": "b" });
            body[name] = value.clone();
            for (method, address) in [("POST", TASKS), ("PUT", &path), ("PATCH", &path)] {
                let response = alice
                    .request(method, address)
                    .json(&body)
                    .send()
                    .await
                    .expect_problem(422, "unknown_field");
                assert_eq!(places(&response), [pointer]);
            }
            let mut body = json!({ "completed": true });
            body[name] = value;
            let response = alice
                .patch(&format!("{path}/complete"), &body)
                .await
                .expect_problem(422, "unknown_field");
            assert_eq!(places(&response), [pointer]);
        }
    }
    assert_eq!(alice.titles("?completed=false").await, ["a"]);
}

async fn every_fault_is_named_at_once_and_at_most_fifty(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let body = json!({ "title": "", "description": 1, "completed": "true", "priority": "x", "due_date": "x", "tags": ["a", "", 1], "x/y": 1 });
    for (method, address) in [("POST", TASKS), ("PUT", &path), ("PATCH", &path)] {
        let response = alice
            .request(method, address)
            .json(&body)
            .send()
            .await
            .expect_problem(422, "invalid_task");
        assert_eq!(
            places(&response),
            [
                "/completed",
                "/description",
                "/due_date",
                "/priority",
                "/tags/1",
                "/tags/2",
                "/title",
                "/x~1y"
            ]
        );
        let problem = response.json();
        assert!(
            problem["errors"]
                .as_array()
                .unwrap()
                .iter()
                .all(|error| !error["detail"].as_str().unwrap().is_empty())
        );
        assert!(
            !problem["detail"].as_str().unwrap().starts_with("x/y"),
            "what is wrong comes before what is unknown"
        );
    }
    let missing = alice
        .post(TASKS, &json!({ "x": 1 }))
        .await
        .expect_problem(422, "invalid_task");
    assert_eq!(places(&missing), ["/title", "/x"]);
    assert_eq!(
        places(
            &alice
                .post(TASKS, &json!({}))
                .await
                .expect_problem(422, "invalid_task")
        ),
        ["/title"]
    );
    let many: Value = (0..60)
        .map(|n| (format!("x{n}"), json!(n)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(
        places(
            &alice
                .patch(&path, &many)
                .await
                .expect_problem(422, "unknown_field")
        )
        .len(),
        50
    );
    let many = json!({ "title": "b", "tags": vec![""; 1000] });
    assert_eq!(
        places(
            &alice
                .post(TASKS, &many)
                .await
                .expect_problem(422, "invalid_task")
        )
        .len(),
        50
    );
    assert_eq!(alice.titles("").await, ["a"]);
}

async fn members_that_the_server_writes_are_ignored_whatever_they_hold(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let of_bob = bob.create(json!({ "title": "bob's" })).await;
    let values = [
        "null",
        "true",
        "1",
        "-9223372036854775809",
        "9007199254740993",
        "18446744073709551616",
        "1e-400",
        "\"bob\"",
        "\"2000-01-01T00:00:00.000Z\"",
        "[]",
        "{\"a\":{}}",
    ];
    let mut values: Vec<String> = values.map(str::to_owned).into();
    values.push(of_bob["id"].to_string());
    values.push(format!("{}1{}", "[".repeat(126), "]".repeat(126)));
    for name in [
        "id",
        "owner_id",
        "completed_at",
        "version",
        "created_at",
        "updated_at",
    ] {
        for value in &values {
            let body = format!("{{\"title\":\"a\",\"{name}\":{value}}}");
            let task = alice
                .request("POST", TASKS)
                .body("application/json", body.clone())
                .send()
                .await
                .expect(201)
                .json();
            assert_eq!(
                (&task["owner_id"], &task["version"], &task["completed_at"]),
                (&json!("alice"), &json!(1), &json!(null)),
                "{body}"
            );
            assert_ne!(task["id"], of_bob["id"]);
            assert_eq!(task["updated_at"], task["created_at"]);
            assert_ne!(task["created_at"], "2000-01-01T00:00:00.000Z");
            let path = format!("{TASKS}/{}", task["id"].as_str().unwrap());
            for method in ["PATCH", "PUT"] {
                let same = alice
                    .request(method, &path)
                    .body("application/json", body.clone())
                    .send()
                    .await
                    .expect(200);
                assert_eq!(same.json(), task, "{body}");
            }
        }
    }
    assert_eq!(
        bob.get(TASKS).await.expect(200).json()["items"],
        json!([of_bob])
    );
}

async fn a_body_of_512_kib_is_taken_and_one_byte_more_is_not(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let padded = |length: usize| {
        r#"{"title":"b"}"#.to_owned() + &" ".repeat(length - r#"{"title":"b"}"#.len())
    };
    alice
        .request("POST", TASKS)
        .body("application/json", padded(LIMIT))
        .send()
        .await
        .expect(201);
    alice
        .request("PATCH", &path)
        .body("application/json", padded(LIMIT))
        .send()
        .await
        .expect(200);
    for length in [LIMIT + 1, LIMIT + 2, 10 * LIMIT] {
        let chunked = format!("{length:x}\r\n{}\r\n0\r\n\r\n", padded(length));
        for request_line in [
            format!("POST {TASKS}"),
            format!("PUT {path}"),
            format!("PATCH {path}"),
            format!("PATCH {path}/complete"),
        ] {
            let announced = raw::head(
                "alice",
                &request_line,
                &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
            );
            let unannounced = raw::head(
                "alice",
                &request_line,
                "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
            );
            for (head, body) in [(announced, padded(length)), (unannounced, chunked.clone())] {
                let mut connection = Connection::open(app.address);
                connection.send(head + &body);
                let response = connection.response().unwrap();
                assert_eq!(
                    (
                        response.status,
                        response.code().as_str(),
                        response.header("connection")
                    ),
                    (413, "body_too_large", "close")
                );
            }
        }
    }
    assert_eq!(alice.titles("?completed=false").await, ["b", "b"]);
}

async fn a_body_that_ends_early_changes_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for request_line in [
        format!("POST {TASKS}"),
        format!("PATCH {path}"),
        format!("PATCH {path}/complete"),
    ] {
        for (framing, body) in [
            ("Content-Length: 100", "{\"title\":\"b\"}"),
            ("Content-Length: 1", ""),
            ("Transfer-Encoding: chunked", "ff\r\n{\"title\":\"b\"}"),
            ("Transfer-Encoding: chunked", "d\r\n{\"title\":\"b\"}\r\n"),
            ("Transfer-Encoding: chunked", ""),
        ] {
            let head = raw::head(
                "alice",
                &request_line,
                &format!("Content-Type: application/json\r\n{framing}\r\n"),
            );
            let responses = raw::exchange(app.address, head + body);
            assert!(
                responses.len() < 2
                    && responses
                        .iter()
                        .all(|response| (response.status, response.code().as_str())
                            == (400, "invalid_request")),
                "{framing} {body}: {responses:?}"
            );
        }
    }
    assert_eq!(alice.titles("?completed=false").await, ["a"]);
}
