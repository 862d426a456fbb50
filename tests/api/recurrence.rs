//! Completing tasks that repeat: one successor, whatever happens.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, Engine, TestApp, on_both_databases};

const TASKS: &str = "/api/v1/tasks";

on_both_databases! {
    completing_makes_the_next_task_with_copies_of_what_is_below,
    the_31st_is_not_forgotten_in_february,
    what_is_late_goes_on_from_today,
    from_completion_counts_from_the_day_of_completion,
    count_and_until_end_a_series,
    completing_twice_or_at_the_same_time_makes_one_successor,
    reopening_takes_back_a_successor_that_nobody_has_touched,
    every_way_of_completing_goes_on_but_creating_completed_does_not,
    completing_with_subtasks_completes_all_below,
    what_is_sent_back_as_it_was_read_does_not_move_the_anchor,
}

fn path(task: &Value) -> String {
    format!("{TASKS}/{}", task["id"].as_str().unwrap())
}

async fn recurring(client: &Client, rule: &str, due: &str) -> Value {
    let body = json!({
        "title": "Pay rent", "description": "x", "priority": "high", "tags": ["home"],
        "due_date": due, "due_time": "09:30", "time_zone": "Europe/Berlin",
        "recurrence": { "rule": rule },
    });
    client.create(body).await
}

async fn complete(client: &Client, task: &Value, body: Value) -> Value {
    let path = format!("{}/complete", path(task));
    client.patch(&path, &body).await.expect(200).json()
}

/// Completes a task on a day and reads the next one.
async fn next(client: &Client, task: &Value, on: &str) -> Option<Value> {
    let done = complete(client, task, json!({ "completed": true, "on": on })).await;
    let next = done["next_id"].as_str()?;
    let next = client.get(&format!("{TASKS}/{next}")).await;
    Some(next.expect(200).json())
}

async fn all(client: &Client) -> Vec<Value> {
    let list = client.get("/api/v1/tasks?limit=200").await.expect(200);
    list.json()["items"].as_array().unwrap().clone()
}

async fn completing_makes_the_next_task_with_copies_of_what_is_below(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = recurring(&alice, "FREQ=WEEKLY", "2026-12-01").await;
    let below = |parent: &Value, title: &str, due: Option<&str>| json!({ "title": title, "parent_id": parent["id"], "due_date": due });
    let child = alice
        .create(below(&task, "child", Some("2026-11-30")))
        .await;
    let deep = alice.create(below(&child, "deep", None)).await;
    complete(&alice, &child, json!({ "completed": true })).await;
    let next = next(&alice, &task, "2026-12-01").await.unwrap();
    let kept = [
        "title",
        "description",
        "priority",
        "due_time",
        "time_zone",
        "recurrence",
        "tags",
        "list_id",
        "parent_id",
    ];
    for name in kept {
        assert_eq!(next[name], task[name], "{name}");
    }
    assert_eq!(next["due_date"], "2026-12-08");
    assert_eq!(next["completed"], false);
    assert_eq!(next["version"], 1);
    assert!(next["position"].as_str() > task["position"].as_str());
    let tasks = all(&alice).await;
    let copies: Vec<&Value> = tasks
        .iter()
        .filter(|copy| copy["parent_id"] == next["id"])
        .collect();
    let [copy] = copies.as_slice() else {
        panic!("{copies:?}");
    };
    assert_eq!(copy["title"], "child");
    assert_eq!(copy["due_date"], "2026-12-07");
    assert_eq!(copy["completed"], false);
    let deep_copy = tasks.iter().find(|deep| deep["parent_id"] == copy["id"]);
    assert_eq!(deep_copy.unwrap()["title"], deep["title"]);
    assert_eq!(tasks.len(), 6);
    let done = alice.get(&path(&task)).await.expect(200).json();
    assert_eq!(done["next_id"], next["id"]);
    assert_eq!(done["due_date"], "2026-12-01");
}

async fn the_31st_is_not_forgotten_in_february(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut task = recurring(&alice, "FREQ=MONTHLY", "2027-01-31").await;
    for due in ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"] {
        let today = task["due_date"].as_str().unwrap().to_owned();
        task = next(&alice, &task, &today).await.unwrap();
        assert_eq!(task["due_date"], due);
    }
    // A date that a client writes begins the series anew.
    let patch = json!({ "due_date": "2027-05-15" });
    let moved = alice.patch(&path(&task), &patch).await.expect(200).json();
    let task = next(&alice, &moved, "2027-05-15").await.unwrap();
    assert_eq!(task["due_date"], "2027-06-15");
}

async fn what_is_late_goes_on_from_today(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = recurring(&alice, "FREQ=DAILY;INTERVAL=3", "2026-01-01").await;
    let next = next(&alice, &task, "2026-12-04").await.unwrap();
    // 338 days later is no multiple of three; the date that follows is today or later.
    assert_eq!(next["due_date"], "2026-12-06");
}

async fn from_completion_counts_from_the_day_of_completion(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let body = json!({
        "title": "Water the plants", "due_date": "2026-12-01",
        "recurrence": { "rule": "FREQ=DAILY;INTERVAL=3;COUNT=2", "from": "completion" },
    });
    let task = alice.create(body).await;
    let second = next(&alice, &task, "2026-12-10").await.unwrap();
    assert_eq!(second["due_date"], "2026-12-13");
    assert!(next(&alice, &second, "2026-12-20").await.is_none());
}

async fn count_and_until_end_a_series(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for rule in ["FREQ=DAILY;COUNT=3", "FREQ=DAILY;UNTIL=20261203"] {
        let task = recurring(&alice, rule, "2026-12-01").await;
        let second = next(&alice, &task, "2026-12-01").await.unwrap();
        let third = next(&alice, &second, "2026-12-02").await.unwrap();
        assert_eq!(third["due_date"], "2026-12-03");
        assert!(next(&alice, &third, "2026-12-03").await.is_none(), "{rule}");
        // Dates that were skipped count.
        let task = recurring(&alice, rule, "2026-12-01").await;
        assert!(next(&alice, &task, "2026-12-04").await.is_none(), "{rule}");
    }
}

async fn completing_twice_or_at_the_same_time_makes_one_successor(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = recurring(&alice, "FREQ=DAILY", "2026-12-01").await;
    let body = json!({ "completed": true });
    let done = join_all((0..8).map(|_| complete(&alice, &task, body.clone()))).await;
    for other in &done {
        assert_eq!(other["next_id"], done[0]["next_id"]);
        assert_eq!(other["version"], 2);
    }
    assert_eq!(all(&alice).await.len(), 2);
}

async fn reopening_takes_back_a_successor_that_nobody_has_touched(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = recurring(&alice, "FREQ=DAILY", "2026-12-01").await;
    let child = json!({ "title": "child", "parent_id": task["id"] });
    alice.create(child).await;
    let first = next(&alice, &task, "2026-12-01").await.unwrap();
    let open = complete(&alice, &task, json!({ "completed": false })).await;
    assert_eq!(open["next_id"], Value::Null);
    alice.get(&path(&first)).await.expect(404);
    assert_eq!(all(&alice).await.len(), 2);
    // Touched: it stays, and so does the name of it.
    let second = next(&alice, &task, "2026-12-01").await.unwrap();
    let touched = json!({ "title": "mine" });
    alice.patch(&path(&second), &touched).await.expect(200);
    let open = complete(&alice, &task, json!({ "completed": false })).await;
    assert_eq!(open["next_id"], second["id"]);
    let done = complete(&alice, &task, json!({ "completed": true })).await;
    assert_eq!(done["next_id"], second["id"]);
    assert_eq!(all(&alice).await.len(), 4);
}

async fn every_way_of_completing_goes_on_but_creating_completed_does_not(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = recurring(&alice, "FREQ=DAILY", "2026-12-01").await;
    let patch = json!({ "completed": true, "title": "Paid" });
    let done = alice.patch(&path(&task), &patch).await.expect(200).json();
    let next = format!("{TASKS}/{}", done["next_id"].as_str().unwrap());
    assert_eq!(alice.get(&next).await.expect(200).json()["title"], "Paid");
    let toggled = alice.request("PATCH", &format!("{next}/complete"));
    let toggled = toggled.send().await.expect(200).json();
    assert!(toggled["next_id"].is_string());
    let body = json!({
        "title": "a", "completed": true, "due_date": "2026-12-01",
        "recurrence": { "rule": "FREQ=DAILY" },
    });
    assert_eq!(alice.create(body).await["next_id"], Value::Null);
}

async fn completing_with_subtasks_completes_all_below(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let top = alice.create(json!({ "title": "top" })).await;
    let child = json!({ "title": "child", "parent_id": top["id"] });
    let child = alice.create(child).await;
    let deep = json!({ "title": "deep", "parent_id": child["id"] });
    let deep = alice.create(deep).await;
    complete(&alice, &top, json!({ "completed": true })).await;
    assert_eq!(alice.get(&path(&child)).await.json()["completed"], false);
    let body = json!({ "completed": true, "subtasks": true });
    complete(&alice, &top, body).await;
    for task in [&child, &deep] {
        let task = alice.get(&path(task)).await.expect(200).json();
        assert_eq!(task["completed"], true);
        assert_eq!(task["version"], 2);
    }
    let path = format!("{}/complete", path(&top));
    let wrong = json!({ "completed": false, "subtasks": true });
    let refused = alice.patch(&path, &wrong).await;
    let refused = refused.expect_problem(422, "invalid_task").json();
    assert_eq!(refused["errors"][0]["pointer"], "/subtasks");
}

async fn what_is_sent_back_as_it_was_read_does_not_move_the_anchor(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = recurring(&alice, "FREQ=MONTHLY", "2027-01-31").await;
    let mut february = next(&alice, &task, "2027-01-31").await.unwrap();
    assert_eq!(february["due_date"], "2027-02-28");
    february["title"] = json!("Pay the rent");
    let february = alice.put(&path(&february), &february).await;
    let march = next(&alice, &february.expect(200).json(), "2027-02-28").await;
    assert_eq!(march.unwrap()["due_date"], "2027-03-31");
}
