//! Subtasks, lists of tasks, and order: parents, levels, moves.

use serde_json::{Value, json};

use crate::support::{Client, Engine, TestApp, on_both_databases};

const TASKS: &str = "/api/v1/tasks";

on_both_databases! {
    a_subtask_is_in_the_list_of_its_parent_and_at_most_four_stand_in_a_chain,
    a_task_cannot_stand_below_itself,
    who_is_not_the_owner_learns_nothing_of_a_parent_or_a_sibling,
    needs_of_the_schedule_are_refused_where_they_are_not_met,
    clearing_a_date_clears_what_needs_it,
    a_task_is_moved_before_after_first_and_last,
    a_thousand_moves_into_one_gap_touch_nobody_else,
    a_patch_moves_to_the_end_of_the_new_siblings,
    a_list_id_alone_takes_a_subtask_out_of_its_parent,
    a_bad_move_is_refused_with_every_fault,
}

fn id(task: &Value) -> &str {
    task["id"].as_str().unwrap()
}

fn path(task: &Value) -> String {
    format!("{TASKS}/{}", id(task))
}

async fn below(client: &Client, parent: &Value, title: &str) -> Value {
    let body = json!({ "title": title, "parent_id": parent["id"] });
    client.create(body).await
}

/// The pointers and the sentences of a refusal.
async fn refusal(response: crate::support::Response) -> Vec<(String, String)> {
    let problem = response.expect_problem(422, "invalid_task").json();
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|error| {
            let text = |name: &str| error[name].as_str().unwrap().to_owned();
            (text("pointer"), text("detail"))
        })
        .collect()
}

async fn pointers(response: crate::support::Response) -> Vec<String> {
    let refusal = refusal(response).await;
    refusal.into_iter().map(|(pointer, _)| pointer).collect()
}

async fn moved(client: &Client, task: &Value, to: Value) -> Value {
    let response = client.post(&format!("{}/move", path(task)), &to).await;
    response.expect(200).json()
}

/// The titles of the tasks in the order of their positions.
async fn order(client: &Client) -> Vec<String> {
    let mut tasks = client
        .get("/api/v1/tasks?limit=200")
        .await
        .expect(200)
        .json()["items"]
        .as_array()
        .unwrap()
        .clone();
    tasks.sort_by_key(|task| (task["position"].to_string(), task["id"].to_string()));
    tasks
        .iter()
        .map(|task| task["title"].as_str().unwrap().to_owned())
        .collect()
}

async fn a_subtask_is_in_the_list_of_its_parent_and_at_most_four_stand_in_a_chain(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut chain = vec![alice.create(json!({ "title": "1" })).await];
    for title in ["2", "3", "4"] {
        let task = below(&alice, chain.last().unwrap(), title).await;
        assert_eq!(task["list_id"], Value::Null);
        chain.push(task);
    }
    let too_deep = json!({ "title": "5", "parent_id": chain[3]["id"] });
    assert_eq!(
        pointers(alice.post(TASKS, &too_deep).await).await,
        ["/parent_id"]
    );
    // A tree of two levels below the third level.
    let top = alice.create(json!({ "title": "a" })).await;
    below(&alice, &top, "b").await;
    let patch = json!({ "parent_id": chain[2]["id"] });
    assert_eq!(
        pointers(alice.patch(&path(&top), &patch).await).await,
        ["/parent_id"]
    );
    let patch = json!({ "parent_id": chain[1]["id"] });
    alice.patch(&path(&top), &patch).await.expect(200);
}

async fn a_task_cannot_stand_below_itself(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let top = alice.create(json!({ "title": "top" })).await;
    let child = below(&alice, &top, "child").await;
    for parent in [&top, &child] {
        let patch = json!({ "parent_id": parent["id"] });
        assert_eq!(
            pointers(alice.patch(&path(&top), &patch).await).await,
            ["/parent_id"]
        );
    }
}

async fn who_is_not_the_owner_learns_nothing_of_a_parent_or_a_sibling(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, mallory) = (app.user("alice"), app.user("mallory"));
    let hers = alice.create(json!({ "title": "hers" })).await;
    let his = mallory.create(json!({ "title": "his" })).await;
    let nobodys = "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1";
    let mut sentences = Vec::new();
    for parent in [id(&hers), nobodys, "no id at all"] {
        let body = json!({ "title": "x", "parent_id": parent });
        sentences.push(refusal(mallory.post(TASKS, &body).await).await);
        let body = json!({ "title": "x", "list_id": parent });
        sentences.push(refusal(mallory.post(TASKS, &body).await).await);
        let to = json!({ "before": parent });
        let moved = mallory.post(&format!("{}/move", path(&his)), &to).await;
        sentences.push(refusal(moved).await);
    }
    for kind in 0..3 {
        assert_eq!(sentences[kind], sentences[kind + 3]);
        assert_eq!(sentences[kind], sentences[kind + 6]);
    }
    assert_eq!(alice.get(&path(&hers)).await.expect(200).json(), hers);
}

async fn needs_of_the_schedule_are_refused_where_they_are_not_met(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let rule = json!({ "rule": "FREQ=DAILY" });
    for (body, at) in [
        (json!({ "due_time": "09:00" }), &["/due_time"][..]),
        (json!({ "recurrence": rule }), &["/recurrence"]),
        (
            json!({ "due_date": "2026-12-01", "time_zone": "Europe/Berlin" }),
            &["/time_zone"],
        ),
        (
            json!({ "due_date": null, "due_time": "09:00", "recurrence": rule }),
            &["/due_time", "/recurrence"],
        ),
        (
            json!({ "due_date": "2026-12-01", "recurrence": { "from": "due" } }),
            &["/recurrence/rule"],
        ),
        (
            json!({ "due_date": "2026-12-01", "recurrence": { "rule": "FREQ=HOURLY" } }),
            &["/recurrence/rule"],
        ),
        (
            json!({ "due_date": "2026-12-01", "recurrence": { "rule": "FREQ=DAILY", "x~/": 1 } }),
            &["/recurrence/x~0~1"],
        ),
        (
            json!({ "due_date": "2026-12-01", "due_time": "24:00" }),
            &["/due_time"],
        ),
        (
            json!({ "due_date": "2026-12-01", "due_time": "09:00", "time_zone": "europe/berlin" }),
            &["/time_zone"],
        ),
    ] {
        let task = alice.create(json!({ "title": "a" })).await;
        let response = alice.patch(&path(&task), &body).await;
        let status = response.status;
        let problem = response.json();
        assert_eq!(status, 422, "{body}: {problem}");
        let found: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(found, at, "PATCH {body}");
        let mut new = body.clone();
        new["title"] = json!("b");
        let problem = alice.post(TASKS, &new).await.json();
        assert_eq!(problem["errors"][0]["pointer"], at[0], "POST {body}");
        assert_eq!(alice.get(&path(&task)).await.expect(200).json(), task);
    }
}

async fn clearing_a_date_clears_what_needs_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let full = json!({
        "title": "a", "due_date": "2026-03-29", "due_time": "02:30",
        "time_zone": "Europe/Berlin", "recurrence": { "rule": "FREQ=WEEKLY" },
    });
    let task = alice.create(full).await;
    // In the gap: with the offset before it.
    assert_eq!(task["due_at"], "2026-03-29T01:30:00.000Z");
    assert_eq!(
        task["recurrence"],
        json!({ "rule": "FREQ=WEEKLY", "from": "due" })
    );
    let untimed = alice
        .patch(&path(&task), &json!({ "due_time": null }))
        .await;
    let untimed = untimed.expect(200).json();
    assert_eq!(untimed["time_zone"], Value::Null);
    assert_eq!(untimed["due_at"], Value::Null);
    let undated = alice
        .patch(&path(&task), &json!({ "due_date": null }))
        .await;
    let undated = undated.expect(200).json();
    for name in ["due_date", "due_time", "time_zone", "recurrence", "due_at"] {
        assert_eq!(undated[name], Value::Null, "{name}");
    }
}

async fn a_task_is_moved_before_after_first_and_last(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut tasks = Vec::new();
    for title in ["a", "b", "c", "d"] {
        tasks.push(alice.create(json!({ "title": title })).await);
    }
    let [a, b, c, d] = tasks.try_into().unwrap();
    let a_moved = moved(&alice, &a, json!({ "after": c["id"] })).await;
    assert_eq!(order(&alice).await, ["b", "c", "a", "d"]);
    assert_eq!(a_moved["version"], 2);
    moved(&alice, &d, json!({ "before": b["id"] })).await;
    assert_eq!(order(&alice).await, ["d", "b", "c", "a"]);
    moved(&alice, &b, json!({ "first": true })).await;
    assert_eq!(order(&alice).await, ["b", "d", "c", "a"]);
    moved(&alice, &b, json!({ "last": true })).await;
    assert_eq!(order(&alice).await, ["d", "c", "a", "b"]);
    // A new task stands last, and what is where it is to go does not change.
    alice.create(json!({ "title": "e" })).await;
    assert_eq!(order(&alice).await, ["d", "c", "a", "b", "e"]);
    for (task, to) in [
        (&d, json!({ "first": true })),
        (&c, json!({ "after": d["id"] })),
        (&c, json!({ "before": a["id"] })),
        (&c, json!({ "before": c["id"] })),
    ] {
        let before = alice.get(&path(task)).await.expect(200).json();
        assert_eq!(moved(&alice, task, to).await, before);
    }
    let stale = alice.request("POST", &format!("{}/move", path(&a)));
    let stale = stale
        .header("If-Match", "\"1\"")
        .json(&json!({ "last": true }));
    stale.send().await.expect_problem(412, "version_mismatch");
}

async fn a_thousand_moves_into_one_gap_touch_nobody_else(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let a = alice.create(json!({ "title": "a" })).await;
    let b = alice.create(json!({ "title": "b" })).await;
    let mut movers = Vec::new();
    for title in ["x", "y"] {
        movers.push(alice.create(json!({ "title": title })).await);
    }
    for n in 0..300 {
        let mover = &movers[n % 2];
        let task = moved(&alice, mover, json!({ "after": a["id"] })).await;
        let position = task["position"].as_str().unwrap();
        assert!(position.len() <= 64, "{position}");
    }
    for still in [&a, &b] {
        assert_eq!(alice.get(&path(still)).await.expect(200).json(), *still);
    }
    assert_eq!(order(&alice).await, ["a", "y", "x", "b"]);
}

async fn a_patch_moves_to_the_end_of_the_new_siblings(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let late = alice.create(json!({ "title": "late" })).await;
    let top = alice.create(json!({ "title": "top" })).await;
    let first = below(&alice, &top, "first").await;
    let patch = json!({ "parent_id": top["id"] });
    let under = alice.patch(&path(&late), &patch).await.expect(200).json();
    assert!(under["position"].as_str() > first["position"].as_str());
    assert_eq!(under["version"], 2);
    // What is sent back as it was read changes nothing.
    let again = alice.put(&path(&late), &under).await.expect(200).json();
    assert_eq!(again, under);
}

async fn a_list_id_alone_takes_a_subtask_out_of_its_parent(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let top = alice.create(json!({ "title": "top" })).await;
    let child = below(&alice, &top, "child").await;
    let patch = json!({ "list_id": null });
    let out = alice.patch(&path(&child), &patch).await.expect(200).json();
    assert_eq!(out["parent_id"], Value::Null);
}

async fn a_bad_move_is_refused_with_every_fault(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = alice.create(json!({ "title": "a" })).await;
    let other = alice.create(json!({ "title": "b" })).await;
    let child = below(&alice, &other, "c").await;
    let move_path = format!("{}/move", path(&task));
    for (to, at) in [
        (json!({}), &[""][..]),
        (json!({ "first": false }), &["/first"]),
        (json!({ "first": true, "last": true }), &["/first", "/last"]),
        (json!({ "before": child["id"] }), &["/before"]),
        (
            json!({ "before": 7, "list_id": 7 }),
            &["/before", "/list_id"],
        ),
        (
            json!({ "parent_id": "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1", "before": child["id"] }),
            &["/parent_id", "/before"],
        ),
    ] {
        let found = pointers(alice.post(&move_path, &to).await).await;
        assert_eq!(found, at, "{to}");
    }
    let unknown = alice.post(&move_path, &json!({ "up": 1 })).await;
    unknown.expect_problem(422, "unknown_field");
    assert_eq!(alice.get(&path(&task)).await.expect(200).json(), task);
}
