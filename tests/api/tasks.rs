//! One task: create, read, change, complete, delete.

use serde_json::{Value, json};

use crate::support::{Engine, TestApp, on_both_databases};

on_both_databases! {
    a_new_task_has_every_field_of_the_contract,
    every_field_is_stored_and_read_back_as_in_the_response,
    a_patch_changes_what_it_names_and_null_clears,
    a_patch_that_changes_nothing_leaves_version_and_time_alone,
    an_empty_body_toggles_completion_and_a_set_one_sets_it,
    a_deleted_task_is_gone_for_every_verb,
    clearing_deletes_the_callers_completed_tasks_and_no_others,
    both_mounts_are_the_same_tasks,
}

async fn a_new_task_has_every_field_of_the_contract(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let response = app
        .user("alice")
        .post("/api/v1/tasks", &json!({ "title": "  Buy milk\u{a0}" }))
        .await
        .expect(201);
    let task = response.json();
    let id = task["id"].as_str().unwrap();
    assert_eq!(response.header("etag"), "\"1\"");
    assert_eq!(response.header("location"), format!("/api/v1/tasks/{id}"));
    assert_eq!(id.get(14..15), Some("7"), "a UUID of version 7");
    let created_at = task["created_at"].as_str().unwrap();
    assert_eq!(created_at.len(), "2026-11-20T07:41:59.984Z".len());
    assert_eq!(
        task,
        json!({
            "id": id, "owner_id": "alice", "title": "Buy milk", "description": null,
            "completed": false, "completed_at": null, "priority": "none", "due_date": null,
            "due_time": null, "time_zone": null, "due_at": null, "recurrence": null, "tags": [],
            "list_id": null, "parent_id": null, "position": id.replace('-', ""), "next_id": null,
            "version": 1, "created_at": created_at, "updated_at": created_at, "deleted_at": null,
        })
    );
    let names: Vec<String> =
        serde_json::from_slice::<serde_json::Map<String, Value>>(&response.body)
            .unwrap()
            .keys()
            .cloned()
            .collect();
    assert_eq!(names.len(), 21);
}

async fn every_field_is_stored_and_read_back_as_in_the_response(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = alice
        .create(json!({
            "title": "🛒 \u{202e}<b>%_'\"\\",
            "description": "a\nb\tc\u{1}\u{1b}[31m {{x}} ",
            "completed": true, "priority": "high", "due_date": "9999-12-31",
            "tags": ["b", "a", " b ", "a,b", "\"", "\\"],
        }))
        .await;
    assert_eq!(task["tags"], json!(["b", "a", "a,b", "\"", "\\"]));
    assert_eq!(task["completed_at"], task["created_at"]);
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    assert_eq!(alice.get(&path).await.expect(200).json(), task);
    assert_eq!(
        alice.get("/api/v1/tasks").await.expect(200).json()["items"],
        json!([task])
    );
}

async fn a_patch_changes_what_it_names_and_null_clears(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = alice
        .create(
            json!({ "title": "a", "description": "b", "due_date": "2026-01-02", "tags": ["t"] }),
        )
        .await;
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    for method in ["PATCH", "PUT"] {
        let body = json!({ "description": "c" });
        alice
            .request(method, &path)
            .json(&body)
            .send()
            .await
            .expect(200);
    }
    let cleared = alice
        .patch(
            &path,
            &json!({ "description": null, "due_date": null, "priority": "low" }),
        )
        .await
        .expect(200);
    assert_eq!(cleared.header("etag"), "\"3\"");
    let now = cleared.json();
    assert_eq!(now["title"], "a");
    assert_eq!(now["tags"], json!(["t"]));
    assert_eq!(
        (&now["description"], &now["due_date"], &now["priority"]),
        (&Value::Null, &Value::Null, &json!("low"))
    );
    assert_eq!(now["version"], 3);
}

async fn a_patch_that_changes_nothing_leaves_version_and_time_alone(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = alice
        .create(json!({ "title": "a", "tags": ["t"], "completed": true }))
        .await;
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    for body in [
        json!({}),
        task.clone(),
        json!({ "title": " a ", "tags": ["t", "t"], "completed": true }),
    ] {
        assert_eq!(alice.patch(&path, &body).await.expect(200).json(), task);
    }
    let set = alice
        .patch(&format!("{path}/complete"), &json!({ "completed": true }))
        .await
        .expect(200);
    assert_eq!(set.json(), task);
}

async fn an_empty_body_toggles_completion_and_a_set_one_sets_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let complete = format!("{path}/complete");
    let toggle = || alice.request("PATCH", &complete).send();
    let done = toggle().await.expect(200).json();
    assert_eq!(
        (&done["completed"], &done["version"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(done["completed_at"], done["updated_at"]);
    let open = toggle().await.expect(200).json();
    assert_eq!(
        (&open["completed"], &open["completed_at"]),
        (&json!(false), &Value::Null)
    );
    let body = json!({ "completed": true });
    let first = alice.patch(&complete, &body).await.expect(200).json();
    let second = alice.patch(&complete, &body).await.expect(200).json();
    assert_eq!(first, second);
    for wrong in [
        json!({}),
        json!(null),
        json!({ "completed": null }),
        json!([]),
        json!({ "completed": true, "title": "x" }),
    ] {
        alice.patch(&complete, &wrong).await.expect(422);
    }
}

async fn a_deleted_task_is_gone_for_every_verb(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let deleted = alice.delete(&path).await.expect(204);
    assert!(deleted.body.is_empty());
    alice
        .delete(&path)
        .await
        .expect_problem(404, "task_not_found");
    alice.get(&path).await.expect_problem(404, "task_not_found");
    alice
        .patch(&path, &json!({ "title": "b" }))
        .await
        .expect_problem(404, "task_not_found");
    alice
        .request("PATCH", &format!("{path}/complete"))
        .send()
        .await
        .expect_problem(404, "task_not_found");
}

async fn clearing_deletes_the_callers_completed_tasks_and_no_others(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    for (client, title, completed) in [
        (&alice, "open", false),
        (&alice, "done", true),
        (&alice, "done too", true),
        (&bob, "done", true),
    ] {
        client
            .create(json!({ "title": title, "completed": completed }))
            .await;
    }
    for refused in [
        "",
        "?completed=false",
        "?completed",
        "?completed=TRUE",
        "?completed=true&completed=true",
    ] {
        alice
            .delete(&format!("/api/v1/tasks{refused}"))
            .await
            .expect_problem(400, "invalid_parameter");
    }
    assert_eq!(alice.titles("").await.len(), 3);
    let cleared = alice
        .delete("/api/v1/tasks?completed=true")
        .await
        .expect(200);
    assert_eq!(cleared.json(), json!({ "deleted": 2 }));
    assert_eq!(alice.titles("").await, ["open"]);
    assert_eq!(bob.titles("").await, ["done"]);
}

async fn both_mounts_are_the_same_tasks(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("Ali/ce %41");
    let encoded = "Ali%2Fce%20%2541";
    let created = alice
        .post(
            &format!("/api/v1/users/{encoded}/tasks"),
            &json!({ "title": "a" }),
        )
        .await
        .expect(201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), format!("/api/v1/tasks/{id}"));
    for user in ["me", encoded] {
        alice
            .get(&format!("/api/v1/users/{user}/tasks/{id}"))
            .await
            .expect(200);
        assert_eq!(
            alice
                .get(&format!("/api/v1/users/{user}/tasks"))
                .await
                .expect(200)
                .json()["items"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
    for other in [
        "ali%2Fce%20%2541",
        "Ali%252Fce%2520%252541",
        "ME",
        "bob",
        "me%20",
        "%6D%65%00",
        "%ff",
    ] {
        alice
            .get(&format!("/api/v1/users/{other}/tasks"))
            .await
            .expect_problem(403, "foreign_path");
        alice
            .get(&format!("/api/v1/users/{other}/nothing"))
            .await
            .expect_problem(403, "foreign_path");
    }
}
