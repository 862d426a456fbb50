//! Concurrent requests: idempotency keys, preconditions, races.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    the_same_key_and_body_make_one_task_and_the_same_response,
    a_repeat_shows_a_subtask_in_the_list_in_which_it_was_created,
    the_same_key_with_another_body_is_refused,
    only_a_created_task_is_remembered,
    a_key_that_is_none_is_refused_and_other_methods_ignore_it,
    fifty_concurrent_creates_under_one_key_make_one_task,
    of_two_writers_with_one_etag_one_wins,
    patches_of_different_fields_both_hold,
    toggles_are_not_lost,
    a_deleted_task_is_never_brought_back_by_an_update,
    conditions_guard_every_write,
    what_the_client_has_already_is_not_sent_again,
}

async fn create_with_key(client: &Client, key: &str, body: &str) -> Response {
    client
        .request("POST", "/api/v1/tasks")
        .header("Idempotency-Key", key)
        .body("application/json", body)
        .send()
        .await
}

async fn the_same_key_and_body_make_one_task_and_the_same_response(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let body = r#"{"title":"once","completed":true,"tags":["t"]}"#;
    let first = create_with_key(&alice, "key-1", body).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let path = first.header("location").to_owned();
    alice
        .patch(&path, &json!({ "title": "changed" }))
        .await
        .expect(200);
    for _ in 0..2 {
        let again = create_with_key(&alice, "key-1", body).await.expect(201);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.body, first.body);
        for header in ["location", "etag"] {
            assert_eq!(again.header(header), first.header(header));
        }
        // Even if the task was changed or deleted since.
        alice.delete(&path).await;
    }
    assert_eq!(alice.titles("").await.len(), 0);
}

async fn a_repeat_shows_a_subtask_in_the_list_in_which_it_was_created(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut lists = Vec::new();
    for name in ["home", "work"] {
        let list = alice.post("/api/v1/lists", &json!({ "name": name })).await;
        lists.push(list.expect(201).json()["id"].clone());
    }
    let [home, work] = [&lists[0], &lists[1]];
    for (at, (from, to)) in [
        (home, work),
        (home, &Value::Null),
        (&Value::Null, home),
        (&Value::Null, &Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let parent = json!({ "title": "parent", "list_id": from });
        let parent = alice.create(parent).await;
        let path = format!("/api/v1/tasks/{}", parent["id"].as_str().unwrap());
        let bodies = [
            json!({ "title": "child", "parent_id": parent["id"] }),
            json!({ "title": "child", "parent_id": parent["id"], "list_id": from }),
            json!({ "title": "child", "parent_id": null, "list_id": from }),
        ]
        .map(|body| body.to_string());
        let keys: Vec<String> = (0..3).map(|body| format!("{at}-{body}")).collect();
        let mut first = Vec::new();
        for (key, body) in keys.iter().zip(&bodies) {
            let created = create_with_key(&alice, key, body).await.expect(201);
            assert_eq!(created.json()["list_id"], *from);
            first.push(created);
        }
        let to = json!({ "list_id": to });
        let changes = [
            ("PATCH", path.clone(), Some(&to)),
            ("DELETE", path.clone(), None),
            ("DELETE", format!("{path}?permanent=true"), None),
        ];
        for (method, path, body) in changes {
            let mut request = alice.request(method, &path);
            if let Some(body) = body {
                request = request.json(body);
            }
            assert!(request.send().await.status < 300);
            for ((key, body), first) in keys.iter().zip(&bodies).zip(&first) {
                let again = create_with_key(&alice, key, body).await.expect(201);
                assert_eq!(again.header("idempotency-replayed"), "true");
                assert_eq!(again.body, first.body, "{method} {body}");
            }
        }
    }
}

async fn the_same_key_with_another_body_is_refused(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    create_with_key(&alice, "k", r#"{"title":"a"}"#)
        .await
        .expect(201);
    create_with_key(&alice, "k", r#"{"title": "a"}"#)
        .await
        .expect_problem(422, "idempotency_key_reused");
    assert_eq!(alice.titles("").await, ["a"]);
}

async fn only_a_created_task_is_remembered(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    create_with_key(&alice, "k", r#"{"title":""}"#)
        .await
        .expect_problem(422, "invalid_task");
    create_with_key(&alice, "k", r#"{"title":"a"}"#)
        .await
        .expect(201);
}

async fn a_key_that_is_none_is_refused_and_other_methods_ignore_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let long = "k".repeat(256);
    for key in ["", " ", "a b", "é", long.as_str()] {
        create_with_key(&alice, key, r#"{"title":"a"}"#)
            .await
            .expect_problem(400, "invalid_request");
    }
    let twice = alice
        .request("POST", "/api/v1/tasks")
        .header("Idempotency-Key", "a")
        .header("Idempotency-Key", "a");
    twice
        .json(&json!({ "title": "a" }))
        .send()
        .await
        .expect_problem(400, "invalid_request");
    create_with_key(&alice, &"k".repeat(255), r#"{"title":"a"}"#)
        .await
        .expect(201);
    alice
        .request("GET", "/api/v1/tasks")
        .header("Idempotency-Key", "")
        .send()
        .await
        .expect(200);
    assert_eq!(alice.titles("").await, ["a"]);
}

async fn fifty_concurrent_creates_under_one_key_make_one_task(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let responses =
        join_all((0..50).map(|_| create_with_key(&alice, "k", r#"{"title":"once"}"#))).await;
    let ids: Vec<Value> = responses
        .iter()
        .map(|response| response.clone().expect(201).json()["id"].clone())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let fresh = responses
        .iter()
        .filter(|response| response.header("idempotency-replayed").is_empty());
    assert_eq!(fresh.count(), 1);
    assert_eq!(alice.titles("").await, ["once"]);
}

async fn of_two_writers_with_one_etag_one_wins(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for version in 1..=10 {
        let tag = format!("\"{version}\"");
        let write = |title: String| {
            alice
                .request("PATCH", &path)
                .header("If-Match", &tag)
                .json(&json!({ "title": title }))
                .send()
        };
        let (one, two) = tokio::join!(
            write(format!("one {version}")),
            write(format!("two {version}"))
        );
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
        let loser = if one.status == 412 { one } else { two };
        assert_eq!(
            loser.expect_problem(412, "version_mismatch").header("etag"),
            format!("\"{}\"", version + 1)
        );
    }
}

async fn patches_of_different_fields_both_hold(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let patches = [
        json!({ "title": "b" }),
        json!({ "description": "c" }),
        json!({ "priority": "high" }),
        json!({ "due_date": "2030-01-01" }),
        json!({ "tags": ["t"] }),
        json!({ "completed": true }),
    ];
    let responses = join_all(patches.iter().map(|body| alice.patch(&path, body))).await;
    let mut versions: Vec<i64> = responses
        .into_iter()
        .map(|response| response.expect(200).json()["version"].as_i64().unwrap())
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, [2, 3, 4, 5, 6, 7]);
    let task = alice.get(&path).await.expect(200).json();
    for patch in &patches {
        for (name, value) in patch.as_object().unwrap() {
            assert_eq!(&task[name], value);
        }
    }
}

async fn toggles_are_not_lost(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let complete = format!("{}/complete", alice.create_path("a").await);
    let responses = join_all((0..31).map(|_| alice.request("PATCH", &complete).send())).await;
    assert!(responses.iter().all(|response| response.status == 200));
    let task = alice.titles("?completed=true").await;
    assert_eq!(task, ["a"], "an odd number of toggles completes it");
}

async fn a_deleted_task_is_never_brought_back_by_an_update(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for round in 0..20 {
        let path = alice.create_path(&format!("t{round}")).await;
        let (patched, body) = (path.clone(), json!({ "title": "risen" }));
        let (updated, deleted) = tokio::join!(alice.patch(&patched, &body), alice.delete(&path));
        deleted.expect(204);
        assert!(matches!(updated.status, 200 | 404), "{}", updated.text());
        alice.get(&path).await.expect_problem(404, "task_not_found");
    }
}

async fn conditions_guard_every_write(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let complete = format!("{path}/complete");
    let body = json!({ "title": "b" });
    let send = |method: &'static str, path: &str, tag: &'static str| {
        let request = alice.request(method, path).header("If-Match", tag);
        if method == "DELETE" || path.ends_with("complete") {
            request
        } else {
            request.json(&body)
        }
        .send()
    };
    for (method, path) in [
        ("PATCH", &path),
        ("PUT", &path),
        ("PATCH", &complete),
        ("DELETE", &path),
    ] {
        for stale in [
            "\"9\"",
            "\"x\"",
            "W/\"1\"",
            "\"0\", \"9\"",
            "\"01\"",
            "\"99999999999999999999\"",
        ] {
            let response = send(method, path, stale)
                .await
                .expect_problem(412, "version_mismatch");
            assert_eq!(response.header("etag"), "\"1\"");
        }
        for garbage in ["1", "\"1", "", "\"1\" \"2\"", "*, \"1\""] {
            send(method, path, garbage)
                .await
                .expect_problem(400, "invalid_request");
        }
    }
    send("PATCH", &path, "\"5\", \"1\"").await.expect(200);
    send("PATCH", &complete, "\"7\",\"2\"").await.expect(200);
    send("PATCH", &complete, "*").await.expect(200);
    send("DELETE", &path, "\"1\",\"4\"").await.expect(204);
    send("DELETE", &path, "*")
        .await
        .expect_problem(404, "task_not_found");
}

async fn what_the_client_has_already_is_not_sent_again(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let get = |tag: &'static str| {
        alice
            .request("GET", &path)
            .header("If-None-Match", tag)
            .send()
    };
    for known in ["\"1\"", "W/\"1\"", "*", "\"9\", \"1\""] {
        let response = get(known).await.expect(304);
        assert!(response.body.is_empty());
        assert_eq!(response.header("etag"), "\"1\"");
    }
    for other in ["\"2\"", "\"x\"", "W/\"01\""] {
        get(other).await.expect(200);
    }
    get("1").await.expect_problem(400, "invalid_request");
}
