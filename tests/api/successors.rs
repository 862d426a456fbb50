//! Where the next task of a series is, and when reopening takes it back.

use serde_json::{Value, json};
use todoward::primitives::id::ResourceId;

use crate::support::{Client, Engine, TestApp, on_both_databases};

const TASKS: &str = "/api/v1/tasks";

on_both_databases! {
    a_task_that_is_completed_and_moved_at_once_goes_on_in_its_new_place,
    a_task_that_is_reopened_into_its_successor_keeps_both,
    what_has_been_taken_back_is_no_parent_for_the_operations_behind_it,
    what_somebody_has_put_below_a_successor_is_not_taken_back,
    a_successor_that_was_changed_in_any_way_is_not_taken_back,
    a_successor_with_copies_on_every_level_is_taken_back,
    completing_all_below_makes_one_next_task_of_each_series,
}

fn id(task: &Value) -> &str {
    task["id"].as_str().unwrap()
}

fn path(task: &Value) -> String {
    format!("{TASKS}/{}", id(task))
}

async fn read(client: &Client, task: &Value) -> Value {
    client.get(&path(task)).await.expect(200).json()
}

async fn list(client: &Client, name: &str) -> Value {
    let list = client.post("/api/v1/lists", &json!({ "name": name })).await;
    list.expect(201).json()["id"].clone()
}

async fn daily(client: &Client, title: &str) -> Value {
    let body = json!({
        "title": title, "due_date": "2090-12-01", "recurrence": { "rule": "FREQ=DAILY" },
    });
    client.create(body).await
}

async fn below(client: &Client, parent: &Value, title: &str) -> Value {
    let body = json!({ "title": title, "parent_id": parent["id"] });
    client.create(body).await
}

/// The live tasks right below one, in their order.
async fn children(client: &Client, parent: &Value) -> Vec<Value> {
    let path = format!("{TASKS}?parent={}&sort=position", id(parent));
    let page = client.get(&path).await.expect(200).json();
    page["items"].as_array().unwrap().clone()
}

/// A change by PATCH and by PUT, which are the same.
async fn change(client: &Client, method: &str, task: &Value, body: Value) -> Value {
    let request = client.request(method, &path(task)).json(&body);
    request.send().await.expect(200).json()
}

async fn successor(client: &Client, task: &Value) -> Value {
    let next = json!({ "id": task["next_id"] });
    read(client, &next).await
}

/// A task with one subtask that was completed, and its successor.
async fn completed(client: &Client) -> (Value, Value) {
    let task = daily(client, "Pay rent").await;
    below(client, &task, "child").await;
    let done = change(client, "PATCH", &task, json!({ "completed": true })).await;
    let next = successor(client, &done).await;
    (done, next)
}

async fn reopen(client: &Client, task: &Value) -> Value {
    change(client, "PATCH", task, json!({ "completed": false })).await
}

async fn a_task_that_is_completed_and_moved_at_once_goes_on_in_its_new_place(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let home = list(&alice, "home").await;
    let top = json!({ "title": "top", "list_id": list(&alice, "work").await });
    let top = alice.create(top).await;
    let sibling = below(&alice, &top, "sibling").await;
    for method in ["PATCH", "PUT"] {
        for (to, in_list, under) in [
            (json!({ "list_id": home }), &home, &Value::Null),
            (
                json!({ "parent_id": top["id"] }),
                &top["list_id"],
                &top["id"],
            ),
        ] {
            let task = daily(&alice, "Pay rent").await;
            let child = below(&alice, &task, "child").await;
            below(&alice, &child, "deep").await;
            let mut body = json!({ "completed": true });
            body.as_object_mut()
                .unwrap()
                .extend(to.as_object().unwrap().clone());
            let done = change(&alice, method, &task, body).await;
            let next = successor(&alice, &done).await;
            for it in [&done, &next] {
                assert_eq!((&it["list_id"], &it["parent_id"]), (in_list, under), "{to}");
            }
            assert_eq!(next["version"], 1);
            assert!(next["position"].as_str() > done["position"].as_str());
            let [child] = &children(&alice, &next).await[..] else {
                panic!("one copy");
            };
            let [deep] = &children(&alice, child).await[..] else {
                panic!("one copy");
            };
            for (copy, title) in [(child, "child"), (deep, "deep")] {
                assert_eq!(copy["title"], title);
                assert_eq!(copy["list_id"], *in_list);
                assert_eq!(copy["version"], 1);
            }
            // Back it goes as a whole.
            assert_eq!(reopen(&alice, &done).await["next_id"], Value::Null);
            for gone in [&next, child, deep] {
                alice.get(&path(gone)).await.expect(404);
            }
        }
    }
    // Out of its parent.
    let task = daily(&alice, "Pay rent").await;
    let into = json!({ "parent_id": sibling["id"] });
    let task = change(&alice, "PATCH", &task, into).await;
    let body = json!({ "completed": true, "list_id": null });
    let done = change(&alice, "PATCH", &task, body).await;
    let next = successor(&alice, &done).await;
    assert_eq!(
        (&next["list_id"], &next["parent_id"]),
        (&Value::Null, &Value::Null)
    );
}

async fn a_task_that_is_reopened_into_its_successor_keeps_both(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for method in ["PATCH", "PUT"] {
        for into_copy in [false, true] {
            let (done, next) = completed(&alice).await;
            let parent = match into_copy {
                true => children(&alice, &next).await[0].clone(),
                false => next.clone(),
            };
            let body = json!({ "completed": false, "parent_id": parent["id"] });
            let open = change(&alice, method, &done, body).await;
            assert_eq!(open["completed"], false);
            assert_eq!(open["parent_id"], parent["id"]);
            assert_eq!(open["next_id"], next["id"]);
            assert_eq!(read(&alice, &open).await, open);
            for kept in [&next, &parent] {
                assert_eq!(read(&alice, kept).await, *kept);
            }
            let under = children(&alice, &parent).await;
            assert!(under.contains(&open), "{under:?}");
            // From there to the top, and with that the other way round.
            let done = change(&alice, method, &open, json!({ "completed": true })).await;
            let body = json!({ "completed": false, "parent_id": null });
            let open = change(&alice, method, &done, body).await;
            assert_eq!(open["parent_id"], Value::Null);
            assert_eq!(read(&alice, &open).await, open);
        }
    }
    // Elsewhere it is taken back, and the task is there.
    let elsewhere = alice.create(json!({ "title": "elsewhere" })).await;
    let (done, next) = completed(&alice).await;
    let body = json!({ "completed": false, "parent_id": elsewhere["id"] });
    let open = change(&alice, "PATCH", &done, body).await;
    assert_eq!(open["next_id"], Value::Null);
    alice.get(&path(&next)).await.expect(404);
    assert_eq!(children(&alice, &elsewhere).await, [open]);
}

async fn what_has_been_taken_back_is_no_parent_for_the_operations_behind_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let operation = |task: &Value, body: Value| json!({ "method": "PATCH", "path": format!("/tasks/{}", id(task)), "body": body });
    let (done, next) = completed(&alice).await;
    let reopens = operation(&done, json!({ "completed": false }));
    let moves = operation(&done, json!({ "parent_id": next["id"] }));
    let body = json!({ "operations": [reopens, moves] });
    let refused = alice.post("/api/v1/batch", &body).await;
    let problem = refused.expect_problem(422, "batch_refused").json();
    assert_eq!(problem["failed"], 1);
    assert_eq!(problem["problem"]["errors"][0]["pointer"], "/parent_id");
    assert_eq!(read(&alice, &done).await, done);
    assert_eq!(read(&alice, &next).await, next);
    // First below it, so that it is touched.
    let body = json!({ "operations": [moves, reopens] });
    alice.post("/api/v1/batch", &body).await.expect(200);
    let open = read(&alice, &done).await;
    assert_eq!(open["parent_id"], next["id"]);
    assert_eq!(open["next_id"], next["id"]);
}

async fn what_somebody_has_put_below_a_successor_is_not_taken_back(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let put = async |id: String, parent: &Value| {
        let request = alice.request("PUT", &format!("{TASKS}/{id}"));
        let body = json!({ "title": "mine", "parent_id": parent["id"] });
        let request = request.header("If-None-Match", "*").json(&body);
        request.send().await.expect(201).json()
    };
    for way in ["POST", "PUT", "PUT beside it", "move", "PATCH"] {
        for below_copy in [false, true] {
            let (done, next) = completed(&alice).await;
            let parent = match below_copy {
                true => children(&alice, &next).await[0].clone(),
                false => next.clone(),
            };
            let mine = match way {
                "POST" => below(&alice, &parent, "mine").await,
                "PUT" => put(ResourceId::generate().to_string(), &parent).await,
                // An id that only who has seen that of the successor can make up.
                "PUT beside it" => {
                    let next = ResourceId::parse(id(&next)).unwrap();
                    put(next.companion(0x0100_0000).to_string(), &parent).await
                }
                _ => {
                    let mine = alice.create(json!({ "title": "mine" })).await;
                    below(&alice, &mine, "deep").await;
                    let to = json!({ "parent_id": parent["id"] });
                    match way {
                        "move" => alice.post(&format!("{}/move", path(&mine)), &to).await,
                        _ => alice.patch(&path(&mine), &to).await,
                    }
                    .expect(200)
                    .json()
                }
            };
            let open = reopen(&alice, &done).await;
            assert_eq!(open["next_id"], next["id"], "{way}");
            assert_eq!(read(&alice, &mine).await, mine, "{way}");
            assert_eq!(read(&alice, &next).await, next, "{way}");
            // As long as it is in the trash, too.
            alice.delete(&path(&mine)).await.expect(204);
            let done = change(&alice, "PATCH", &open, json!({ "completed": true })).await;
            assert_eq!(done["next_id"], next["id"]);
            assert_eq!(reopen(&alice, &done).await["next_id"], next["id"]);
            // When it has ended nothing of it is left to lose.
            let ended = format!("{}?permanent=true", path(&mine));
            alice.delete(&ended).await.expect(204);
            change(&alice, "PATCH", &open, json!({ "completed": true })).await;
            assert_eq!(reopen(&alice, &done).await["next_id"], Value::Null);
            alice.get(&path(&next)).await.expect(404);
        }
    }
}

async fn a_successor_that_was_changed_in_any_way_is_not_taken_back(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let home = list(&alice, "home").await;
    for of_copy in [false, true] {
        for (way, body) in [
            ("", json!({ "tags": ["mine"] })),
            ("", json!({ "completed": true })),
            ("/complete", json!({ "completed": true })),
            ("/move", json!({ "list_id": home })),
            ("/move", json!({ "first": true })),
            ("delete", Value::Null),
        ] {
            let (done, next) = completed(&alice).await;
            let [copy] = &children(&alice, &next).await[..] else {
                panic!("one copy");
            };
            // So that it can be moved among them.
            if way == "/move" && of_copy {
                let other = json!({ "title": "other", "parent_id": next["id"] });
                let other = alice.create(other).await;
                let first = json!({ "first": true });
                let moved = alice.post(&format!("{}/move", path(&other)), &first).await;
                moved.expect(200);
            }
            let touched = if of_copy { copy } else { &next };
            let at = format!("{}{way}", path(touched));
            match way {
                "delete" => alice.delete(&path(touched)).await.expect(204),
                "/move" => alice.post(&at, &body).await.expect(200),
                _ => alice.patch(&at, &body).await.expect(200),
            };
            let open = reopen(&alice, &done).await;
            assert_eq!(open["next_id"], next["id"], "{way} {body}");
            if way != "delete" {
                let now = read(&alice, touched).await;
                assert_eq!(now["version"], 2, "{way} {body}");
                read(&alice, &next).await;
            }
        }
    }
}

async fn a_successor_with_copies_on_every_level_is_taken_back(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = daily(&alice, "Pay rent").await;
    for title in ["a", "b"] {
        let child = below(&alice, &task, title).await;
        for title in ["c", "d"] {
            let deep = below(&alice, &child, title).await;
            below(&alice, &deep, "e").await;
        }
    }
    let before = alice.titles("?limit=200&sort=position").await;
    for _ in 0..2 {
        let done = change(&alice, "PATCH", &task, json!({ "completed": true })).await;
        let all = alice.titles("?limit=200").await;
        assert_eq!(all.len(), 2 * before.len());
        let next = successor(&alice, &done).await;
        let titles = |tasks: Vec<Value>| -> Vec<Value> {
            tasks.iter().map(|task| task["title"].clone()).collect()
        };
        assert_eq!(titles(children(&alice, &next).await), ["a", "b"]);
        assert_eq!(reopen(&alice, &done).await["next_id"], Value::Null);
        alice.get(&path(&next)).await.expect(404);
        assert_eq!(alice.titles("?limit=200&sort=position").await, before);
    }
}

async fn completing_all_below_makes_one_next_task_of_each_series(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let top = alice.create(json!({ "title": "top" })).await;
    let mut series = Vec::new();
    for parent in [&top, &top] {
        let task = daily(&alice, "outer").await;
        let into = json!({ "parent_id": parent["id"] });
        series.push(change(&alice, "PATCH", &task, into).await);
    }
    let inner = daily(&alice, "inner").await;
    let into = json!({ "parent_id": series[0]["id"] });
    let inner = change(&alice, "PATCH", &inner, into).await;
    let body = json!({ "completed": true, "subtasks": true });
    let all = format!("{}/complete", path(&top));
    alice.patch(&all, &body).await.expect(200);
    // It goes on below the next one of the series that it is part of.
    let inner = read(&alice, &inner).await;
    assert_eq!(inner["completed"], true);
    assert_eq!(inner["next_id"], Value::Null);
    let next = successor(&alice, &read(&alice, &series[0]).await).await;
    let [copy] = &children(&alice, &next).await[..] else {
        panic!("one copy");
    };
    assert_eq!(copy["title"], "inner");
    assert_eq!(copy["due_date"], "2090-12-02");
    assert_eq!(alice.titles("?q=inner").await.len(), 2);
    assert_eq!(alice.titles("?q=outer").await.len(), 4);
    // Where the outer series has ended the inner one goes on by itself.
    let last = json!({
        "title": "last", "due_date": "2090-12-01",
        "recurrence": { "rule": "FREQ=DAILY;COUNT=1" },
    });
    let last = alice.create(last).await;
    let inner = daily(&alice, "goes on").await;
    let into = json!({ "parent_id": last["id"] });
    let inner = change(&alice, "PATCH", &inner, into).await;
    let all = format!("{}/complete", path(&last));
    let done = alice.patch(&all, &body).await.expect(200).json();
    assert_eq!(done["next_id"], Value::Null);
    let next = successor(&alice, &read(&alice, &inner).await).await;
    assert_eq!(next["parent_id"], last["id"]);
    assert_eq!(next["completed"], false);
    // A successor that stands below its task goes on.
    let (done, next) = completed(&alice).await;
    let into = json!({ "parent_id": done["id"] });
    change(&alice, "PATCH", &next, into).await;
    let open = reopen(&alice, &done).await;
    let all = format!("{}/complete", path(&open));
    alice.patch(&all, &body).await.expect(200);
    let after = successor(&alice, &read(&alice, &next).await).await;
    assert_eq!(after["parent_id"], done["id"]);
    assert_eq!(after["completed"], false);
}
