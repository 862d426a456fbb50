//! The trash: what goes there, what comes back, what ends.

use serde_json::{Value, json};

use crate::support::{Client, Engine, TestApp, on_both_databases};

const TASKS: &str = "/api/v1/tasks";

on_both_databases! {
    what_is_deleted_can_be_restored_with_what_went_with_it,
    a_child_that_went_alone_stays_when_its_parent_ends,
    what_comes_back_to_where_another_one_was_moved_leaves_room_between_them,
    what_no_chain_of_four_has_room_for_is_restored_to_the_top_level,
    what_is_in_the_trash_is_not_found_by_its_owner_and_forbidden_to_others,
    the_precondition_holds_on_the_way_there_and_back,
    clearing_keeps_a_completed_task_with_an_open_one_below,
    a_subtask_reopened_while_its_parent_is_cleared_is_never_left_alone,
    clearing_deletes_what_was_completed_before_an_instant,
    without_a_trash_what_is_deleted_is_gone,
    the_query_of_a_deletion_is_checked,
}

fn path(task: &Value) -> String {
    format!("{TASKS}/{}", task["id"].as_str().unwrap())
}

fn restore(task: &Value) -> String {
    format!("{}/restore", path(task))
}

async fn below(client: &Client, parent: &Value, title: &str) -> Value {
    let body = json!({ "title": title, "parent_id": parent["id"] });
    client.create(body).await
}

async fn nothing_sent(client: &Client, method: &str, path: &str) -> crate::support::Response {
    client.request(method, path).send().await
}

async fn what_is_deleted_can_be_restored_with_what_went_with_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let top = alice.create(json!({ "title": "top" })).await;
    let child = below(&alice, &top, "child").await;
    let grandchild = below(&alice, &child, "grandchild").await;
    let alone = below(&alice, &top, "alone").await;
    alice.delete(&path(&alone)).await.expect(204);
    alice.delete(&path(&top)).await.expect(204);
    for gone in [&top, &child, &grandchild, &alone] {
        alice
            .get(&path(gone))
            .await
            .expect_problem(404, "task_not_found");
    }
    let back = nothing_sent(&alice, "POST", &restore(&top)).await;
    let back = back.expect(200);
    assert_eq!(back.header("etag"), "\"3\"");
    assert_eq!(back.json()["deleted_at"], Value::Null);
    for there in [&child, &grandchild] {
        let task = alice.get(&path(there)).await.expect(200).json();
        assert_eq!(task["parent_id"], there["parent_id"]);
        assert_eq!(task["version"], 3);
    }
    alice.get(&path(&alone)).await.expect(404);
    let alone = nothing_sent(&alice, "POST", &restore(&alone)).await;
    assert_eq!(alone.expect(200).json()["parent_id"], top["id"]);
    // It is not in the trash any more.
    let again = nothing_sent(&alice, "POST", &restore(&top)).await;
    again.expect_problem(404, "task_not_found");
    // A part of what went comes back to the top level.
    alice.delete(&path(&top)).await.expect(204);
    let part = nothing_sent(&alice, "POST", &restore(&child)).await;
    assert_eq!(part.expect(200).json()["parent_id"], Value::Null);
    alice.get(&path(&grandchild)).await.expect(200);
    alice.get(&path(&top)).await.expect(404);
}

async fn a_child_that_went_alone_stays_when_its_parent_ends(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let top = alice.create(json!({ "title": "top" })).await;
    let child = below(&alice, &top, "child").await;
    let alone = below(&alice, &top, "alone").await;
    alice.delete(&path(&alone)).await.expect(204);
    let end = format!("{}?permanent=true", path(&top));
    alice.delete(&end).await.expect(204);
    alice.delete(&end).await.expect(404);
    let gone = nothing_sent(&alice, "POST", &restore(&child)).await;
    gone.expect_problem(404, "task_not_found");
    let back = nothing_sent(&alice, "POST", &restore(&alone)).await;
    assert_eq!(back.expect(200).json()["parent_id"], Value::Null);
}

async fn what_comes_back_to_where_another_one_was_moved_leaves_room_between_them(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let new = async |title| alice.create(json!({ "title": title })).await;
    let (a, b, x) = (&new("a").await, &new("b").await, &new("x").await);
    let (d, e) = (&new("d").await, &new("e").await);
    let move_to = async |task: &Value, to: Value| {
        let path = format!("{}/move", path(task));
        alice.post(&path, &to).await.expect(200).json()
    };
    let gone = move_to(x, json!({ "after": a["id"] })).await;
    alice.delete(&path(x)).await.expect(204);
    let other = move_to(d, json!({ "after": a["id"] })).await;
    assert_eq!(gone["position"], other["position"], "they are not tied");
    nothing_sent(&alice, "POST", &restore(x)).await.expect(200);
    let order = async || alice.titles("?sort=position").await.concat();
    assert_eq!(order().await, "axdbe");
    // Where it stands already, also by its id alone, it stays as it is.
    let there = move_to(d, json!({ "after": x["id"] })).await;
    assert_eq!(there["version"], other["version"]);
    move_to(e, json!({ "after": x["id"] })).await;
    assert_eq!(order().await, "axedb");
    move_to(b, json!({ "before": d["id"] })).await;
    assert_eq!(order().await, "axebd");
}

async fn what_no_chain_of_four_has_room_for_is_restored_to_the_top_level(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let parent = alice.create(json!({ "title": "parent" })).await;
    let child = below(&alice, &parent, "child").await;
    let grandchild = below(&alice, &child, "grandchild").await;
    alice.delete(&path(&child)).await.expect(204);
    // The parent moves down to the third level.
    let top = alice.create(json!({ "title": "top" })).await;
    let second = below(&alice, &top, "second").await;
    let patch = json!({ "parent_id": second["id"] });
    alice.patch(&path(&parent), &patch).await.expect(200);
    let back = nothing_sent(&alice, "POST", &restore(&child)).await;
    assert_eq!(back.expect(200).json()["parent_id"], Value::Null);
    let grandchild = alice.get(&path(&grandchild)).await.expect(200).json();
    assert_eq!(grandchild["parent_id"], child["id"]);
}

async fn what_is_in_the_trash_is_not_found_by_its_owner_and_forbidden_to_others(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, mallory) = (app.user("alice"), app.user("mallory"));
    let task = alice.create(json!({ "title": "a" })).await;
    alice.delete(&path(&task)).await.expect(204);
    alice.delete(&path(&task)).await.expect(404);
    let patch = json!({ "title": "b" });
    alice
        .patch(&path(&task), &patch)
        .await
        .expect_problem(404, "task_not_found");
    mallory
        .get(&path(&task))
        .await
        .expect_problem(403, "not_owner");
    let stolen = nothing_sent(&mallory, "POST", &restore(&task)).await;
    stolen.expect_problem(403, "not_owner");
    let response = alice.delete("/api/v1/tasks?trash=true").await.expect(200);
    assert_eq!(response.json(), json!({ "deleted": 1 }));
    let gone = nothing_sent(&alice, "POST", &restore(&task)).await;
    gone.expect_problem(404, "task_not_found");
    mallory.get(&path(&task)).await.expect(404);
}

async fn the_precondition_holds_on_the_way_there_and_back(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = alice.create(json!({ "title": "a" })).await;
    let conditional = |method: &'static str, path: String, tag: &'static str| {
        alice.request(method, &path).header("If-Match", tag)
    };
    let stale = conditional("DELETE", path(&task), "\"7\"").send().await;
    stale.expect_problem(412, "version_mismatch");
    let there = conditional("DELETE", path(&task), "\"1\"").send().await;
    there.expect(204);
    let stale = conditional("POST", restore(&task), "\"1\"").send().await;
    stale.expect_problem(412, "version_mismatch");
    let back = conditional("POST", restore(&task), "\"2\"").send().await;
    assert_eq!(back.expect(200).json()["version"], 3);
}

async fn clearing_keeps_a_completed_task_with_an_open_one_below(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let stays = alice.create(json!({ "title": "stays" })).await;
    let between = below(&alice, &stays, "between").await;
    below(&alice, &between, "open").await;
    let goes = alice.create(json!({ "title": "goes" })).await;
    let with_it = below(&alice, &goes, "with it").await;
    let open = alice.create(json!({ "title": "open, too" })).await;
    let part = below(&alice, &open, "done part").await;
    for done in [&stays, &between, &goes, &with_it, &part] {
        let complete = format!("{}/complete", path(done));
        nothing_sent(&alice, "PATCH", &complete).await.expect(200);
    }
    let response = alice.delete("/api/v1/tasks?completed=true").await;
    assert_eq!(response.expect(200).json(), json!({ "deleted": 3 }));
    for there in [&stays, &between, &open] {
        alice.get(&path(there)).await.expect(200);
    }
    for gone in [&goes, &with_it, &part] {
        alice.get(&path(gone)).await.expect(404);
    }
    nothing_sent(&alice, "POST", &restore(&goes))
        .await
        .expect(200);
    let with_it = alice.get(&path(&with_it)).await.expect(200).json();
    assert_eq!(with_it["parent_id"], goes["id"]);
}

async fn a_subtask_reopened_while_its_parent_is_cleared_is_never_left_alone(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for _ in 0..40 {
        let done = json!({ "title": "parent", "completed": true });
        let parent = alice.create(done).await;
        let child = json!({ "title": "child", "completed": true, "parent_id": parent["id"] });
        let child = alice.create(child).await;
        let complete = format!("{}/complete", path(&child));
        let open = json!({ "completed": false });
        let (clear, reopen) = tokio::join!(
            alice.delete("/api/v1/tasks?completed=true"),
            alice.patch(&complete, &open),
        );
        clear.expect(200);
        let is_open = reopen.status == 200;
        let parent = alice.get(&path(&parent)).await.status;
        let child = alice.get(&path(&child)).await.status;
        assert_eq!(
            (parent, child),
            if is_open { (200, 200) } else { (404, 404) }
        );
        alice.delete("/api/v1/tasks?trash=true").await.expect(200);
    }
}

async fn clearing_deletes_what_was_completed_before_an_instant(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = alice
        .create(json!({ "title": "a", "completed": true }))
        .await;
    let at = task["completed_at"].as_str().unwrap();
    let clear = |before: &str| format!("/api/v1/tasks?completed=true&completed_before={before}");
    let response = alice.delete(&clear(at)).await.expect(200);
    assert_eq!(response.json(), json!({ "deleted": 0 }));
    let response = alice.delete(&clear("9999-12-31T23:59:59%2B01:00")).await;
    assert_eq!(response.expect(200).json(), json!({ "deleted": 1 }));
}

async fn without_a_trash_what_is_deleted_is_gone(engine: Engine) {
    let app = TestApp::with(engine, &[("TODOWARD__TRASH__DAYS", "0")]).await;
    let alice = app.user("alice");
    let task = alice.create(json!({ "title": "a" })).await;
    let done = alice
        .create(json!({ "title": "b", "completed": true }))
        .await;
    alice.delete(&path(&task)).await.expect(204);
    let response = alice.delete("/api/v1/tasks?completed=true").await;
    assert_eq!(response.expect(200).json(), json!({ "deleted": 1 }));
    for gone in [&task, &done] {
        let restored = nothing_sent(&alice, "POST", &restore(gone)).await;
        restored.expect_problem(404, "task_not_found");
    }
}

async fn the_query_of_a_deletion_is_checked(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = alice
        .create(json!({ "title": "a", "completed": true }))
        .await;
    for query in [
        "",
        "?completed=false",
        "?trash=false",
        "?completed=true&trash=true",
        "?trash=true&completed_before=2026-01-01T00:00:00Z",
        "?completed=true&completed_before=2026-01-01",
        "?completed=true&completed_before=2026-01-01T00:00:00",
        "?completed=true&completed=true",
        "?completed_before=2026-01-01T00:00:00Z",
    ] {
        let response = alice.delete(&format!("{TASKS}{query}")).await;
        response.expect_problem(400, "invalid_parameter");
    }
    for query in [
        "?permanent=",
        "?permanent=1",
        "?permanent=true&permanent=true",
    ] {
        let response = alice.delete(&format!("{}{query}", path(&task))).await;
        response.expect_problem(400, "invalid_parameter");
    }
    let response = alice.delete(&format!("{}?force=true", path(&task))).await;
    response.expect_problem(400, "unknown_parameter");
    alice.get(&path(&task)).await.expect(200);
}
