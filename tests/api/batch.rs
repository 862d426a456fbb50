//! Batches: many writes in one request.

use serde_json::{Value, json};

use crate::rate_limits::limit;
use crate::support::copy::Copy;
use crate::support::fault_proxy::{Fault, FaultProxy, Way};
use crate::support::lock::Lock;
use crate::support::postgres::TestDatabase;
use crate::support::raw::{self, Connection};
use crate::support::trust::eventually;
use crate::support::{Client, Engine, Response, TestApp, block_on, on_both_databases};

on_both_databases! {
    operations_run_in_order_and_each_sees_those_before_it,
    if_one_operation_is_refused_none_is_done_unless_each_stands_for_itself,
    a_result_has_the_headers_that_its_client_would_look_at,
    lists_and_tags_are_written_in_batches_too,
    what_was_just_created_is_there_for_the_next_operation,
    a_precondition_inside_says_which_version_is_there,
    the_same_task_may_stand_in_several_operations,
    a_key_has_one_meaning_in_batches_and_alone,
    the_body_of_an_operation_is_what_stands_in_the_batch,
    paths_and_methods_that_do_not_exist_are_refused_as_alone,
    a_wrong_envelope_names_everything_that_is_wrong_with_it,
    a_batch_has_one_to_a_hundred_operations,
    a_batch_of_1_mib_is_taken_and_one_byte_more_is_not,
    a_batch_is_a_json_document_without_a_key_of_its_own,
    below_a_user_the_batch_is_the_same,
    a_location_has_the_prefix_of_a_trusted_proxy,
    a_batch_counts_as_its_operations_for_the_rate_limit,
    more_operations_than_the_burst_are_refused_by_name,
    the_results_of_a_hundred_large_tasks_are_served,
    a_client_that_disconnects_leaves_nothing_of_an_atomic_batch,
    what_is_deleted_just_before_a_clear_stays_on_its_own,
    a_batch_without_an_effect_is_no_change,
}

const BATCH: &str = "/api/v1/batch";
const TASKS: &str = "/api/v1/tasks";

fn operation(method: &str, path: &str) -> Value {
    json!({ "method": method, "path": path })
}

fn with_body(method: &str, path: &str, body: &Value) -> Value {
    json!({ "method": method, "path": path, "body": body })
}

fn create(title: &str) -> Value {
    with_body("POST", "/tasks", &json!({ "title": title }))
}

fn with_header(mut operation: Value, name: &str, value: &str) -> Value {
    operation["headers"] = json!({ name: value });
    operation
}

async fn run(client: &Client, operations: &[Value]) -> Response {
    client
        .post(BATCH, &json!({ "operations": operations }))
        .await
}

/// The results of a batch that was not refused.
async fn results(client: &Client, operations: &[Value]) -> Vec<Value> {
    results_of(&run(client, operations).await)
}

async fn each(client: &Client, operations: &[Value]) -> Vec<Value> {
    let batch = json!({ "atomic": false, "operations": operations });
    results_of(&client.post(BATCH, &batch).await)
}

#[track_caller]
fn results_of(response: &Response) -> Vec<Value> {
    let whole = response.clone().expect(200).json();
    assert_eq!(whole.as_object().unwrap().len(), 1);
    whole["results"].as_array().unwrap().clone()
}

fn statuses(results: &[Value]) -> Vec<u64> {
    let status = |result: &Value| result["status"].as_u64().unwrap();
    results.iter().map(status).collect()
}

/// Checks that a batch was refused because of this operation, and returns its problem.
#[track_caller]
fn refused(response: Response, index: usize, status: u16, code: &str) -> Value {
    let problem = response.expect_problem(422, "batch_refused").json();
    assert_eq!(problem["failed"], index, "{problem}");
    assert_eq!(problem["problem"]["status"], status, "{problem}");
    assert_eq!(problem["problem"]["code"], code, "{problem}");
    assert_eq!(problem["problem"]["request_id"], problem["request_id"]);
    problem
}

/// A task's path below a mount.
async fn task(client: &Client, body: Value) -> String {
    let task = client.create(body).await;
    format!("/tasks/{}", task["id"].as_str().unwrap())
}

async fn sorted_titles(client: &Client) -> Vec<String> {
    client.titles("?sort=title&limit=200").await
}

async fn operations_run_in_order_and_each_sees_those_before_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for (user, atomic) in [("alice", true), ("bob", false)] {
        let alice = app.user(user);
        let path = task(&alice, json!({ "title": "a", "tags": ["home"] })).await;
        let other = task(&alice, json!({ "title": "other" })).await;
        let batch = json!({ "atomic": atomic, "operations": [
            with_body("PATCH", &path, &json!({ "title": "b" })),
            with_header(operation("PATCH", &format!("{path}/complete")), "If-Match", "\"2\""),
            with_body("PATCH", "/tags?name=home", &json!({ "name": "house" })),
            with_body("PUT", &path, &json!({ "completed": false })),
            with_body("POST", &format!("{path}/move"), &json!({ "parent_id": other.rsplit('/').next() })),
            operation("DELETE", &other),
            operation("POST", &format!("{other}/restore")),
            with_body("PATCH", &path, &json!({ "priority": "high" })),
        ] });
        let results = results_of(&alice.post(BATCH, &batch).await);
        assert_eq!(statuses(&results), [200, 200, 200, 200, 200, 204, 200, 200]);
        let bodies: Vec<&Value> = results.iter().map(|result| &result["body"]).collect();
        assert_eq!(bodies[0]["title"], "b");
        assert_eq!(
            (&bodies[1]["completed"], &bodies[1]["version"]),
            (&json!(true), &json!(3))
        );
        assert_eq!(*bodies[2], json!({ "changed": 1 }));
        assert_eq!(bodies[3]["tags"], json!(["house"]));
        assert_eq!(
            (&bodies[3]["completed"], &bodies[3]["version"]),
            (&json!(false), &json!(5))
        );
        assert_eq!(*bodies[5], Value::Null);
        assert_eq!(bodies[6]["title"], "other");
        let last = alice
            .get(&format!("/api/v1{path}"))
            .await
            .expect(200)
            .json();
        assert_eq!(*bodies[7], last);
        assert_eq!(
            (&last["version"], &last["priority"]),
            (&json!(9), &json!("high"))
        );
        assert_eq!(results[7]["headers"], json!({ "ETag": "\"9\"" }));
    }
}

async fn if_one_operation_is_refused_none_is_done_unless_each_stands_for_itself(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, mallory) = (app.user("alice"), app.user("mallory"));
    let hers = task(&alice, json!({ "title": "hers" })).await;
    let own = task(&mallory, json!({ "title": "own" })).await;
    let operations = [
        create("first"),
        with_body("PATCH", &own, &json!({ "title": "changed" })),
        operation("DELETE", &hers),
        create("last"),
    ];
    let problem = refused(run(&mallory, &operations).await, 2, 403, "not_owner");
    assert_eq!(problem["instance"], BATCH);
    assert_eq!(problem["problem"]["instance"], format!("/api/v1{hers}"));
    assert_eq!(sorted_titles(&mallory).await, ["own"]);
    let results = each(&mallory, &operations).await;
    assert_eq!(statuses(&results), [201, 200, 403, 201]);
    assert_eq!(results[2]["body"]["code"], "not_owner");
    assert_eq!(sorted_titles(&mallory).await, ["changed", "first", "last"]);
    let before = json!({ "title": "hers", "version": 1 });
    let after = alice
        .get(&format!("/api/v1{hers}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&after["title"], &after["version"]),
        (&before["title"], &before["version"])
    );
    // What was done before it: a refusal of each kind.
    for (last, status, code) in [
        (create(""), 422, "invalid_task"),
        (operation("DELETE", "/tasks/none"), 404, "task_not_found"),
        (operation("DELETE", "/tasks"), 400, "invalid_parameter"),
        (
            with_header(operation("DELETE", &own), "If-Match", "1"),
            400,
            "invalid_request",
        ),
        (
            with_header(operation("DELETE", &own), "If-Match", "\"1\""),
            412,
            "version_mismatch",
        ),
        (
            with_body("POST", "/tasks", &json!({ "title": "a", "list_id": hers })),
            422,
            "invalid_task",
        ),
    ] {
        let before = sorted_titles(&mallory).await;
        let operations = [
            create("before"),
            operation("DELETE", "/tasks?completed=true"),
            last,
        ];
        refused(run(&mallory, &operations).await, 2, status, code);
        assert_eq!(sorted_titles(&mallory).await, before);
    }
}

async fn a_result_has_the_headers_that_its_client_would_look_at(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let keyed = with_header(create("a"), "idempotency-KEY", "k");
    for run in [
        results(&alice, std::slice::from_ref(&keyed)).await,
        each(&alice, std::slice::from_ref(&keyed)).await,
    ] {
        let id = run[0]["body"]["id"].as_str().unwrap();
        assert_eq!(run[0]["headers"]["Location"], format!("{TASKS}/{id}"));
        assert_eq!(run[0]["headers"]["ETag"], "\"1\"");
    }
    let again = results(&alice, std::slice::from_ref(&keyed)).await;
    assert_eq!(again[0]["headers"]["Idempotency-Replayed"], "true");
    assert_eq!(again[0]["status"], 201);
    let path = again[0]["headers"]["Location"].as_str().unwrap();
    let deleted = results(
        &alice,
        &[operation("DELETE", path.strip_prefix("/api/v1").unwrap())],
    )
    .await;
    assert_eq!(
        deleted,
        [json!({ "status": 204, "headers": {}, "body": null })]
    );
    let other = each(&alice, &[operation("PUT", "/tasks")]).await;
    assert_eq!(other[0]["headers"]["Allow"], "GET, HEAD, POST, DELETE");
}

async fn lists_and_tags_are_written_in_batches_too(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let list = alice
        .post("/api/v1/lists", &json!({ "name": "a" }))
        .await
        .expect(201)
        .json();
    let path = format!("/lists/{}", list["id"].as_str().unwrap());
    let made = results(
        &alice,
        &[
            with_body("POST", "/lists", &json!({ "name": "b" })),
            with_body(
                "POST",
                "/tasks",
                &json!({ "title": "in a", "list_id": list["id"], "tags": ["t"] }),
            ),
            with_body("POST", &format!("{path}/move"), &json!({ "last": true })),
            with_body("PATCH", &path, &json!({ "archived": true })),
            operation("DELETE", &path),
            operation("POST", &format!("{path}/restore")),
            operation("DELETE", "/tags?name=t"),
            operation("DELETE", &format!("{path}?permanent=true")),
        ],
    )
    .await;
    assert_eq!(statuses(&made), [201, 201, 200, 200, 204, 200, 200, 204]);
    let location = made[0]["headers"]["Location"].as_str().unwrap();
    assert!(location.starts_with("/api/v1/lists/"), "{location}");
    assert_eq!(made[6]["body"], json!({ "changed": 1 }));
    let names = alice.get("/api/v1/lists").await.expect(200).json();
    assert_eq!(names["items"].as_array().unwrap().len(), 1);
    assert_eq!(sorted_titles(&alice).await, [""; 0]);
}

async fn what_was_just_created_is_there_for_the_next_operation(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let done = |title: &str| {
        let body = json!({ "title": title, "completed": true, "tags": ["t"] });
        with_body("POST", "/tasks", &body)
    };
    let list = with_body("POST", "/lists", &json!({ "name": "b" }));
    let operations = [
        done("a"),
        done("b"),
        list.clone(),
        list,
        done("c"),
        with_body("PATCH", "/tags?name=t", &json!({ "name": "u" })),
        done("d"),
        operation("DELETE", "/tasks?completed=true"),
        done("e"),
    ];
    // The second time also what the first one has left: "d" in the trash, and "e".
    for renamed in [3, 5] {
        let results = results(&alice, &operations).await;
        assert_eq!(results[5]["body"], json!({ "changed": renamed }));
        let deleted = results[7]["body"]["deleted"].as_i64().unwrap();
        assert!(deleted == 4 || deleted == 5, "{deleted}");
        let of_e = results[8]["headers"]["Location"].as_str().unwrap();
        let e = alice.get(of_e).await.expect(200).json();
        assert_eq!(e, results[8]["body"]);
    }
    assert_eq!(sorted_titles(&alice).await, ["e"]);
    let lists = alice.get("/api/v1/lists").await.expect(200).json();
    assert_eq!(lists["items"].as_array().unwrap().len(), 4);
}

async fn a_precondition_inside_says_which_version_is_there(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = task(&alice, json!({ "title": "a" })).await;
    let patch = |title: &str, tag: &str| {
        with_header(
            with_body("PATCH", &path, &json!({ "title": title })),
            "If-Match",
            tag,
        )
    };
    let operations = [patch("b", "\"1\""), patch("c", " \"1\"\t")];
    let problem = refused(run(&alice, &operations).await, 1, 412, "version_mismatch");
    // It is the version inside of the batch: before it, it was 1.
    assert_eq!(problem["headers"], json!({ "ETag": "\"2\"" }));
    assert_eq!(sorted_titles(&alice).await, ["a"]);
    let results = each(&alice, &operations).await;
    assert_eq!(statuses(&results), [200, 412]);
    assert_eq!(results[1]["headers"]["ETag"], "\"2\"");
}

async fn the_same_task_may_stand_in_several_operations(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = task(&alice, json!({ "title": "a" })).await;
    let toggles = vec![operation("PATCH", &format!("{path}/complete")); 99];
    let all = results(&alice, &toggles).await;
    assert_eq!(all[98]["body"]["version"], 100);
    assert_eq!(all[98]["body"]["completed"], true);
    let twice = [operation("DELETE", &path), operation("DELETE", &path)];
    refused(run(&alice, &twice).await, 1, 404, "task_not_found");
    assert_eq!(sorted_titles(&alice).await, ["a"]);
    assert_eq!(statuses(&each(&alice, &twice).await), [204, 404]);
}

async fn a_key_has_one_meaning_in_batches_and_alone(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let body = r#"{"title":"once", "tags":["b","a"]}"#;
    let alone = async |key: &str| {
        let request = alice.clone().plain().request("POST", TASKS);
        let request = request.header("Idempotency-Key", key);
        request.body("application/json", body).send().await
    };
    let batched = async |key: &str, body: &str| {
        let operation = format!(
            r#"{{"method":"POST","path":"/tasks","headers":{{"Idempotency-Key":"{key}"}},"body": {body} }}"#
        );
        let batch = format!(r#"{{"operations":[{operation},{operation}]}}"#);
        let request = alice.request("POST", BATCH);
        request.body("application/json", batch).send().await
    };
    // The same key twice in one batch: the second is a replay.
    let both = results_of(&batched("k", body).await);
    assert_eq!(both[0]["body"], both[1]["body"]);
    assert_eq!(both[0]["headers"]["Idempotency-Replayed"], Value::Null);
    assert_eq!(both[1]["headers"]["Idempotency-Replayed"], "true");
    let again = alone("k").await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.json(), both[0]["body"]);
    let first = alone("l").await.expect(201);
    assert_eq!(
        results_of(&batched("l", body).await)[0]["body"],
        first.json()
    );
    let other = batched("k", r#"{"title":"once","tags":["b","a"]}"#).await;
    refused(other, 0, 422, "idempotency_key_reused");
    // A key of a batch that was refused stands for nothing.
    let keyed = with_header(create("a"), "Idempotency-Key", "m");
    refused(
        run(&alice, &[keyed.clone(), create("")]).await,
        1,
        422,
        "invalid_task",
    );
    let results = results(&alice, &[keyed]).await;
    assert_eq!(results[0]["headers"]["Idempotency-Replayed"], Value::Null);
    assert_eq!(sorted_titles(&alice).await, ["a", "once", "once"]);
}

async fn the_body_of_an_operation_is_what_stands_in_the_batch(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = task(&alice, json!({ "title": "a" })).await;
    for body in [json!(null), json!([]), json!("{}"), json!(1)] {
        let response = run(&alice, &[with_body("PATCH", &path, &body)]).await;
        let problem = refused(response, 0, 422, "invalid_task");
        assert_eq!(problem["problem"]["errors"][0]["pointer"], "");
    }
    let without = run(&alice, &[operation("PATCH", &path)]).await;
    refused(without, 0, 400, "invalid_json");
    // A DELETE reads none.
    let deleted = results(&alice, &[with_body("DELETE", &path, &json!(null))]).await;
    assert_eq!(statuses(&deleted), [204]);
    let unknown = run(
        &alice,
        &[with_body(
            "POST",
            "/tasks",
            &json!({ "title": "a", "b": 1 }),
        )],
    )
    .await;
    let problem = refused(unknown, 0, 422, "unknown_field");
    assert_eq!(problem["problem"]["errors"][0]["pointer"], "/b");
    // Escaped names are names.
    let escaped =
        r#"{"operations":[{"m\u0065thod":"POST","p\u0061th":"/tasks","b\u006fdy":{"title":"é"}}]}"#;
    let request = alice
        .request("POST", BATCH)
        .body("application/json", escaped);
    assert_eq!(results_of(&request.send().await)[0]["body"]["title"], "é");
}

async fn paths_and_methods_that_do_not_exist_are_refused_as_alone(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for (method, path) in [
        ("POST", "/tasks/"),
        ("POST", "/tasks/a/b/c"),
        ("POST", "/tags"),
        ("DELETE", "/tags"),
        ("PUT", "/lists"),
        ("POST", "/tasks/count"),
        ("DELETE", "/tasks?completed=true&colour=red"),
        ("DELETE", "/tasks?completed=%ff"),
        ("DELETE", "/tags?name=%C3%A9"),
        ("DELETE", "/tags?name=a+b"),
        ("DELETE", "/tasks/%2E%2E%2Fx"),
        ("DELETE", "/tasks/01A1F7E7-b530-74f8-94e4-b4dc1460f2f1"),
        ("DELETE", "/tasks/%30"),
    ] {
        let plain = alice.clone().plain();
        let alone = plain
            .request(method, &format!("/api/v1{path}"))
            .send()
            .await;
        let inside = each(&alice, &[operation(method, path)]).await;
        assert_eq!(inside[0]["status"], alone.status, "{method} {path}");
        if alone.status >= 400 {
            let mut expected = alone.json();
            expected["request_id"] = inside[0]["body"]["request_id"].clone();
            assert_eq!(inside[0]["body"], expected);
        }
    }
}

/// Sends an envelope, both atomic and not, and returns the pointers of its errors.
async fn faults(client: &Client, batch: &Value) -> Vec<String> {
    let mut both = Vec::new();
    for atomic in [Some(true), Some(false), None] {
        let mut batch = batch.clone();
        if let (Some(atomic), Some(members)) = (atomic, batch.as_object_mut()) {
            members.entry("atomic").or_insert(atomic.into());
        }
        let problem = client.post(BATCH, &batch).await;
        let problem = problem.expect_problem(422, "invalid_batch").json();
        let errors = problem["errors"].as_array().unwrap().iter();
        both.push(
            errors
                .map(|error| error["pointer"].as_str().unwrap().to_owned())
                .collect(),
        );
    }
    assert!(both.iter().all(|other| *other == both[0]), "{both:?}");
    both.remove(0)
}

async fn a_wrong_envelope_names_everything_that_is_wrong_with_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let one = |operation: &Value| json!({ "operations": [create("a"), operation] });
    for (batch, pointers) in [
        (json!([]), &[""][..]),
        (json!(null), &[""]),
        (json!({}), &["/operations"]),
        (json!({ "operations": null }), &["/operations"]),
        (json!({ "operations": {} }), &["/operations"]),
        (
            json!({ "operations": [create("a")], "atomic": null }),
            &["/atomic"],
        ),
        (
            json!({ "operations": [create("a")], "atomic": "true" }),
            &["/atomic"],
        ),
        (
            json!({ "operations": [create("a")], "atomic": 0, "a/b": 1 }),
            &["/atomic", "/a~1b"],
        ),
        (one(&json!(null)), &["/operations/1"]),
        (one(&json!([])), &["/operations/1"]),
        (
            one(&json!({})),
            &["/operations/1/method", "/operations/1/path"],
        ),
        (
            one(&json!({ "method": "POST", "path": "/tasks", "id": 1 })),
            &["/operations/1/id"],
        ),
        (
            one(&json!({ "method": null, "path": null })),
            &["/operations/1/method", "/operations/1/path"],
        ),
    ] {
        assert_eq!(faults(&alice, &batch).await, pointers, "{batch}");
    }
    for method in [
        "GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "post", " POST", "",
    ] {
        let batch = one(&operation(method, "/tasks"));
        assert_eq!(
            faults(&alice, &batch).await,
            ["/operations/1/method"],
            "{method}"
        );
    }
    for path in [
        "",
        "/",
        "tasks",
        "//tasks",
        "/batch",
        "/import",
        "/export",
        "/users/me",
        "/users/me/tasks",
        "/api/v1/tasks",
        "http://test/api/v1/tasks",
        "//evil.example/tasks",
        "/tasksandmore",
        "/Tasks",
        "/t%61sks",
        "/%74asks",
        "/tasks/..",
        "/tasks/../batch",
        "/tasks/./x",
        "/tasks/.",
        "/tasks/%2e%2E",
        "/tasks/%2e/x",
        "/tasks/.%2e?x",
        "/tasks#x",
        "/tags?name=a#b",
        "/tasks/a b",
        "/tags?name=é",
        "/tasks/\u{7f}",
        "/tasks\n",
        "/tasks\\..",
        "/health/live",
        "/changes",
        "*",
        " /tasks",
        "/tasks ",
        "?name=a",
        "/tasks\u{0}",
        "/tags;name=a",
    ] {
        let batch = one(&operation("DELETE", path));
        let found = faults(&alice, &batch).await;
        assert_eq!(found, ["/operations/1/path"], "{path:?}");
    }
    for (headers, pointers) in [
        (json!(null), &["/operations/1/headers"][..]),
        (json!([]), &["/operations/1/headers"]),
        (
            json!({ "Authorization": "Bearer a.b.c" }),
            &["/operations/1/headers/Authorization"],
        ),
        (
            json!({ "X-Forwarded-Prefix": "/a" }),
            &["/operations/1/headers/X-Forwarded-Prefix"],
        ),
        (
            json!({ "Content-Type": "text/plain" }),
            &["/operations/1/headers/Content-Type"],
        ),
        (
            json!({ "If-Match ": "*" }),
            &["/operations/1/headers/If-Match "],
        ),
        (json!({ "a/~": "" }), &["/operations/1/headers/a~1~0"]),
        (
            json!({ "If-Match": null }),
            &["/operations/1/headers/If-Match"],
        ),
        (
            json!({ "If-Match": 1 }),
            &["/operations/1/headers/If-Match"],
        ),
        (
            json!({ "If-Match": ["\"1\""] }),
            &["/operations/1/headers/If-Match"],
        ),
        (
            json!({ "If-Match": "*\r\nX: y" }),
            &["/operations/1/headers/If-Match"],
        ),
        (
            json!({ "If-Match": "\u{0}" }),
            &["/operations/1/headers/If-Match"],
        ),
        (
            json!({ "If-Match": "*", "if-match": "*" }),
            &["/operations/1/headers/if-match"],
        ),
    ] {
        let mut operation = create("a");
        operation["headers"] = headers.clone();
        assert_eq!(
            faults(&alice, &one(&operation)).await,
            pointers,
            "{headers}"
        );
    }
    // All at once, at most 50, and the faults before the unknown fields.
    let broken = json!({ "method": "GET", "path": "/batch", "x": 1 });
    let many = json!({ "operations": vec![&broken; 100] });
    let found = faults(&alice, &many).await;
    assert_eq!(found.len(), 50);
    assert!(found.iter().all(|pointer| !pointer.ends_with("/x")));
    // The first pair of a duplicate is as good as the second: none is taken.
    for twice in [
        r#"{"operations":[],"operations":[]}"#,
        r#"{"operations":[{"method":"POST","method":"POST","path":"/tasks","body":{"title":"a"}}]}"#,
        r#"{"operations":[{"method":"POST","path":"/tasks","body":{"title":"a","title":"a"}}]}"#,
    ] {
        let request = alice.request("POST", BATCH).body("application/json", twice);
        request.send().await.expect_problem(400, "invalid_json");
    }
    assert_eq!(sorted_titles(&alice).await, [""; 0]);
}

async fn a_batch_has_one_to_a_hundred_operations(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for count in [0, 101, 1000] {
        let batch = json!({ "operations": vec![create("a"); count] });
        assert_eq!(faults(&alice, &batch).await, ["/operations"], "{count}");
    }
    assert_eq!(sorted_titles(&alice).await, [""; 0]);
    let hundred: Vec<Value> = (0..100)
        .map(|number| create(&format!("{number:03}")))
        .collect();
    let results = results(&alice, &hundred).await;
    assert_eq!(statuses(&results), [201; 100]);
    let titles = alice.titles("?limit=200&sort=created_at").await;
    let expected: Vec<String> = (0..100).map(|number| format!("{number:03}")).collect();
    assert_eq!(titles, expected);
}

async fn a_batch_of_1_mib_is_taken_and_one_byte_more_is_not(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let batch = json!({ "operations": [create("a")] }).to_string();
    for (length, status) in [(1 << 20, 200), ((1 << 20) + 1, 413)] {
        let padded = batch.clone() + &" ".repeat(length - batch.len());
        let request = alice
            .request("POST", BATCH)
            .body("application/json", padded.clone());
        let response = request.send().await;
        assert_eq!(response.status, status, "{}", response.text());
        // Without a length that is known before.
        let head = raw::head(
            "alice",
            &format!("POST {BATCH}"),
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
        );
        let chunked = format!("{head}{length:x}\r\n{padded}\r\n0\r\n\r\n");
        let response = raw::ask(app.address, chunked);
        assert_eq!(response.status, status, "{}", response.text());
    }
    // An operation has the limit of its own request.
    let largest = "\u{1}".repeat(20_000);
    let many = vec![
        with_body(
            "POST",
            "/tasks",
            &json!({ "title": "a", "description": largest })
        );
        8
    ];
    assert_eq!(statuses(&results(&alice, &many).await), [201; 8]);
    let beyond = with_body(
        "POST",
        "/tasks",
        &json!({ "title": "a", "x": " ".repeat(512 * 1024) }),
    );
    refused(run(&alice, &[beyond]).await, 0, 413, "body_too_large");
}

async fn a_batch_is_a_json_document_without_a_key_of_its_own(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let batch = json!({ "operations": [create("a")] });
    for key in ["k", "", "é"] {
        let request = alice.request("POST", BATCH).header("Idempotency-Key", key);
        let response = request.json(&batch).send().await;
        response.expect_problem(400, "invalid_request");
    }
    let with_query = alice.post(&format!("{BATCH}?atomic=false"), &batch).await;
    with_query.expect_problem(400, "unknown_parameter");
    let text = alice
        .request("POST", BATCH)
        .body("text/plain", batch.to_string());
    text.send()
        .await
        .expect_problem(415, "unsupported_media_type");
    alice
        .request("POST", BATCH)
        .send()
        .await
        .expect_problem(400, "invalid_json");
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let other = alice.request(method, BATCH).send().await;
        assert_eq!(
            other
                .expect_problem(405, "method_not_allowed")
                .header("allow"),
            "POST"
        );
    }
    assert_eq!(sorted_titles(&alice).await, [""; 0]);
}

async fn below_a_user_the_batch_is_the_same(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let operations = [create("a"), operation("DELETE", "/tasks/x")];
    for (atomic, mount) in [(true, "me"), (false, "alice"), (false, "%61lice")] {
        let path = format!("/api/v1/users/{mount}/batch");
        let batch = json!({ "atomic": atomic, "operations": operations });
        let response = alice.post(&path, &batch).await;
        let problem = match atomic {
            true => refused(response, 1, 404, "task_not_found")["problem"].clone(),
            false => {
                let results = results_of(&response);
                let location = results[0]["headers"]["Location"].as_str().unwrap();
                assert!(location.starts_with("/api/v1/tasks/"), "{location}");
                results[1]["body"].clone()
            }
        };
        assert_eq!(
            problem["instance"],
            format!("/api/v1/users/{mount}/tasks/x")
        );
    }
    let foreign = json!({ "operations": [create("b")] });
    let response = alice.post("/api/v1/users/bob/batch", &foreign).await;
    response.expect_problem(403, "foreign_path");
    assert_eq!(sorted_titles(&app.user("bob")).await, [""; 0]);
    assert_eq!(sorted_titles(&alice).await, ["a", "a"]);
}

async fn a_location_has_the_prefix_of_a_trusted_proxy(engine: Engine) {
    for (trusted, prefix) in [("127.0.0.1/32", "/todo"), ("192.0.2.1/32", "")] {
        let variables = [("TODOWARD__SERVER__TRUSTED_PROXIES", trusted)];
        let app = TestApp::with(engine, &variables).await;
        for atomic in [true, false] {
            let batch = json!({ "atomic": atomic, "operations": [create("a")] });
            let request = app.user("alice").request("POST", BATCH);
            let request = request.header("X-Forwarded-Prefix", "/todo");
            let results = results_of(&request.json(&batch).send().await);
            let location = results[0]["headers"]["Location"].as_str().unwrap();
            let expected = format!("{prefix}/api/v1/tasks/");
            assert!(location.starts_with(&expected), "{location}");
        }
    }
}

/// What is left in the bucket, as `RateLimit` says it.
fn left(response: &Response) -> u64 {
    let (_, rest) = response.header("ratelimit").split_once(";r=").unwrap();
    rest.split_once(';').unwrap().0.parse().unwrap()
}

async fn a_batch_counts_as_its_operations_for_the_rate_limit(engine: Engine) {
    let app = TestApp::with(engine, &limit("100")).await;
    let alice = app.user("alice");
    let near = |left: u64, expected: u64| (expected..expected + 20).contains(&left);
    let response = run(&alice, &vec![create("a"); 30]).await.expect(200);
    assert!(near(left(&response), 70), "{}", left(&response));
    assert_eq!(
        response.header("ratelimit-policy"),
        r#""owner";q=100;w=100"#
    );
    // Refused or not.
    let mut wrong = vec![create("b"); 20];
    wrong[0] = create("");
    let response = run(&alice, &wrong).await;
    assert!(near(left(&response), 50), "{}", left(&response));
    refused(response, 0, 422, "invalid_task");
    wrong[0] = operation("GET", "/tasks");
    let response = run(&alice, &wrong).await;
    assert!(near(left(&response), 30), "{}", left(&response));
    response.expect_problem(422, "invalid_batch");
    let response = run(&alice, &vec![create("c"); 80]).await;
    let remaining = left(&response);
    assert!(near(remaining, 29), "{remaining}");
    let response = response.expect_problem(429, "rate_limited");
    for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
        assert_eq!(response.headers.get_all(name).iter().count(), 1, "{name}");
    }
    // Long enough for as many as are missing, one a second.
    let seconds: u64 = response.header("retry-after").parse().unwrap();
    assert!(
        (79 - remaining - 2..=79 - remaining).contains(&seconds),
        "{seconds}, {remaining}"
    );
    assert!(
        response
            .header("ratelimit")
            .ends_with(&format!(";t={seconds}"))
    );
    assert_eq!(alice.titles("?limit=200").await.len(), 30);
}

async fn more_operations_than_the_burst_are_refused_by_name(engine: Engine) {
    let app = TestApp::with(engine, &limit("7")).await;
    let alice = app.user("alice");
    let response = run(&alice, &vec![create("a"); 8]).await;
    assert!(left(&response) >= 6);
    let problem = response.expect_problem(422, "invalid_batch").json();
    assert_eq!(problem["errors"][0]["pointer"], "/operations");
    assert!(
        problem["detail"].as_str().unwrap().contains("at most 7"),
        "{problem}"
    );
    let seven = run(&app.user("bob"), &vec![create("a"); 7])
        .await
        .expect(200);
    assert!(left(&seven) < 7);
    assert_eq!(statuses(&results_of(&seven)), [201; 7]);
}

async fn the_results_of_a_hundred_large_tasks_are_served(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let large = json!({ "title": "a", "description": "\u{1}".repeat(20_000) });
    let path = task(&alice, large.clone()).await;
    let operations: Vec<Value> = (0..100)
        .map(|number| with_body("PATCH", &path, &json!({ "title": number.to_string() })))
        .collect();
    for version in [101, 201] {
        let atomic = version == 101;
        let batch = json!({ "atomic": atomic, "operations": operations });
        let response = alice.post(BATCH, &batch).await;
        assert!(response.body.len() > 12_000_000, "{}", response.body.len());
        let results = results_of(&response);
        assert_eq!(results[99]["body"]["version"], version);
        assert!(results[99]["body"]["description"] == large["description"]);
    }
}

async fn a_client_that_disconnects_leaves_nothing_of_an_atomic_batch(engine: Engine) {
    let app = TestApp::with(engine, &[("WITH_METRICS", "")]).await;
    let alice = app.user("alice");
    let path = task(&alice, json!({ "title": "before" })).await;
    let mut lock = Lock::take(
        &app,
        "SELECT 1 FROM tasks WHERE owner_id = 'alice' FOR UPDATE",
    );
    let batch = json!({ "operations": [
        create("first"),
        with_body("PATCH", &path, &json!({ "title": "waits for the lock" })),
        create("last"),
    ] })
    .to_string();
    let head = raw::head(
        "alice",
        &format!("POST {BATCH}"),
        &format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            batch.len()
        ),
    );
    let mut connection = Connection::open(app.address);
    connection.send(head + &batch);
    eventually("the batch waits", async || {
        lock.is_waited_for_by(&[&app]).await
    })
    .await;
    connection.reset();
    // The one HTTP worker has seen the end of the other connection before these.
    for _ in 0..10 {
        app.anonymous().get("/health/live").await.expect(200);
    }
    drop(lock);
    // Written after the batch: an owner's changes follow each other.
    alice.create(json!({ "title": "after" })).await;
    assert_eq!(sorted_titles(&alice).await, ["after", "before"]);
}

async fn what_is_deleted_just_before_a_clear_stays_on_its_own(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for _ in 0..10 {
        let parent = task(&alice, json!({ "title": "parent", "completed": true })).await;
        let id = parent.rsplit('/').next().unwrap();
        let child = json!({ "title": "child", "completed": true, "parent_id": id });
        let child = task(&alice, child).await;
        let operations = [
            operation("DELETE", &child),
            operation("DELETE", "/tasks?completed=true"),
            operation("POST", &format!("{parent}/restore")),
        ];
        let results = results(&alice, &operations).await;
        assert_eq!(results[1]["body"], json!({ "deleted": 1 }));
        assert_eq!(alice.titles("").await, ["parent"]);
        alice
            .delete(&format!("/api/v1{parent}?permanent=true"))
            .await
            .expect(204);
    }
}

async fn a_batch_without_an_effect_is_no_change(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = task(&alice, json!({ "title": "a" })).await;
    let mut copy = Copy::of(&alice).await;
    let nothing = with_body("PATCH", &path, &json!({ "title": "a" }));
    results(
        &alice,
        &[nothing.clone(), operation("DELETE", "/tags?name=none")],
    )
    .await;
    refused(
        run(&alice, &[create("b"), create("")]).await,
        1,
        422,
        "invalid_task",
    );
    assert_eq!(copy.follow(&alice, 10).await, 0);
    results(&alice, &[create("b"), nothing, create("c")]).await;
    assert_eq!(copy.follow(&alice, 10).await, 2);
}

/// An application behind a proxy that makes a statement fail.
async fn faulty(pipelines: &str) -> (FaultProxy, TestApp, TestDatabase) {
    let database = TestDatabase::create();
    let proxy = FaultProxy::before(&database);
    let variables = [("TODOWARD__DATABASE__PIPELINES", pipelines)];
    let app = TestApp::on_database(Engine::Postgres, &proxy.url, &variables).await;
    (proxy, app, database)
}

fn fault(statement: &'static str, code: &'static str, executed: bool) -> Fault {
    Fault {
        way: Way::Pool,
        statement,
        code,
        executed,
    }
}

#[test]
fn a_batch_that_the_database_fails_before_its_end_is_run_again_as_a_whole() {
    block_on(async {
        let (proxy, app, _database) = faulty("1").await;
        let mut users = 0;
        for statement in [
            "INSERT INTO owners",
            "INSERT INTO tasks",
            "INSERT INTO lists",
        ] {
            for code in ["40P01", "40001", "55P03", "08006", "08007"] {
                users += 1;
                let alice = app.user(&format!("alice {users}"));
                proxy.arm(fault(statement, code, false));
                let operations = [
                    create("a"),
                    with_body("POST", "/lists", &json!({ "name": "b" })),
                    create("c"),
                ];
                let results = results(&alice, &operations).await;
                assert!(proxy.has_struck(), "{statement}");
                assert_eq!(statuses(&results), [201, 201, 201], "{statement} {code}");
                assert_eq!(sorted_titles(&alice).await, ["a", "c"]);
            }
        }
    });
}

#[test]
fn a_commit_of_a_batch_that_may_have_happened_is_unknown_and_not_repeated() {
    block_on(async {
        let (proxy, app, _database) = faulty("0").await;
        let mut users = 0;
        for code in ["40001", "08006", "08007", "40003"] {
            for executed in [true, false] {
                users += 1;
                let alice = app.user(&format!("alice {users}"));
                proxy.arm(fault("COMMIT", code, executed));
                let response = run(&alice, &[create("a"), create("b")]).await;
                let response = response.expect_problem(503, "database_unavailable");
                assert_eq!(response.header("retry-after"), "1");
                let problem = response.json();
                let detail = problem["detail"].as_str().unwrap();
                assert!(
                    detail.contains("unknown whether the change was made"),
                    "{detail}"
                );
                let expected: &[&str] = if executed { &["a", "b"] } else { &[] };
                assert_eq!(sorted_titles(&alice).await, expected, "{code} {executed}");
            }
        }
    });
}

#[test]
fn nothing_of_an_atomic_batch_leaves_its_transaction() {
    block_on(async {
        let variables = [("WITH_METRICS", "")];
        let app = TestApp::with(Engine::Postgres, &variables).await;
        let alice = app.user("alice").plain();
        eventually("a pipeline", async || {
            alice.create(json!({ "title": "a" })).await;
            app.pipelined().await > 0
        })
        .await;
        let path = task(&alice, json!({ "title": "b" })).await;
        let before = app.pipelined().await;
        let complete = operation("PATCH", &format!("{path}/complete"));
        results(&alice, &[create("c"), complete.clone()]).await;
        assert_eq!(app.pipelined().await, before);
        each(&alice, &[create("c"), complete]).await;
        assert!(app.pipelined().await > before);
    });
}
