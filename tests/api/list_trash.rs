//! The trash of lists: what goes there with a list, what comes back, and what ends.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::list_resource::{LISTS, list, names, path_of};
use crate::support::{Client, Engine, TestApp, on_both_databases};

on_both_databases! {
    a_list_takes_its_live_tasks_along_and_brings_them_back,
    a_task_that_comes_back_alone_goes_to_the_inbox,
    what_lies_in_the_trash_on_its_own_loses_a_list_that_ends,
    a_list_that_ends_takes_its_live_tasks_with_it,
    the_trash_of_lists_is_emptied_with_what_went_there_with_them,
    without_a_trash_a_list_ends_at_once,
    no_task_is_put_into_a_list_that_is_not_there,
    no_task_is_live_in_a_list_that_is_deleted_meanwhile,
    deleting_and_restoring_at_once_leave_a_whole_list,
}

const TASKS: &str = "/api/v1/tasks";

fn task_path(task: &Value) -> String {
    format!("{TASKS}/{}", task["id"].as_str().unwrap())
}

async fn task_in(client: &Client, list: &Value, title: &str) -> Value {
    let new = json!({ "title": title, "list_id": list["id"] });
    client.create(new).await
}

async fn below(client: &Client, parent: &Value, title: &str) -> Value {
    let new = json!({ "title": title, "parent_id": parent["id"] });
    client.create(new).await
}

async fn restore(client: &Client, path: &str) -> Value {
    let request = client.request("POST", &format!("{path}/restore"));
    request.send().await.expect(200).json()
}

/// The titles of all live tasks, sorted.
async fn live(client: &Client) -> Vec<String> {
    client.titles("?sort=title").await
}

async fn a_list_takes_its_live_tasks_along_and_brings_them_back(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let (home, work) = (list(&alice, "home").await, list(&alice, "work").await);
    let top = task_in(&alice, &home, "top").await;
    let sub = below(&alice, &top, "sub").await;
    assert_eq!(sub["list_id"], home["id"]);
    let own = task_in(&alice, &home, "own").await;
    task_in(&alice, &work, "work").await;
    alice.create(json!({ "title": "inbox" })).await;
    alice.delete(&task_path(&own)).await.expect(204);

    let path = path_of(&home);
    let response = alice.delete(&path).await.expect(204);
    assert!(response.body.is_empty());
    assert_eq!(names(&alice, "").await, ["work"]);
    assert_eq!(live(&alice).await, ["inbox", "work"]);
    for (at, code) in [
        (&path, "list_not_found"),
        (&task_path(&sub), "task_not_found"),
    ] {
        alice.get(at).await.expect_problem(404, code);
        alice.patch(at, &json!({})).await.expect_problem(404, code);
        alice.delete(at).await.expect_problem(404, code);
    }
    // Somebody else's is somebody else's in the trash, too.
    let mallory = app.user("mallory");
    mallory.get(&path).await.expect_problem(403, "not_owner");
    let theirs = mallory.request("POST", &format!("{path}/restore"));
    theirs.send().await.expect_problem(403, "not_owner");

    let page = alice.get(&format!("{LISTS}?trash=true")).await.json();
    let trashed = &page["items"][0];
    assert_eq!(
        (&trashed["id"], &trashed["version"]),
        (&home["id"], &json!(2))
    );
    assert_eq!(trashed["deleted_at"], trashed["updated_at"]);
    // Clients see by that what went there together.
    let page = alice.get(&format!("{TASKS}?trash=true")).await.json();
    let together = |task: &&Value| task["deleted_at"] == trashed["deleted_at"];
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.iter().filter(together).count(), 2);

    let back = restore(&alice, &path).await;
    assert_eq!(
        (&back["version"], &back["deleted_at"]),
        (&json!(3), &Value::Null)
    );
    assert_eq!(names(&alice, "").await, ["home", "work"]);
    assert_eq!(live(&alice).await, ["inbox", "sub", "top", "work"]);
    for (task, parent) in [(&top, &Value::Null), (&sub, &top["id"])] {
        let now = alice.get(&task_path(task)).await.expect(200).json();
        assert_eq!(now["version"], 3, "{now}");
        assert_eq!((&now["list_id"], &now["parent_id"]), (&home["id"], parent));
        assert_eq!(
            (&now["position"], &now["deleted_at"]),
            (&task["position"], &Value::Null)
        );
    }
    assert_eq!(
        restore(&alice, &task_path(&own)).await["list_id"],
        home["id"]
    );
    // The search still finds them.
    assert_eq!(alice.titles("?q=SUB").await, ["sub"]);
}

async fn a_task_that_comes_back_alone_goes_to_the_inbox(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let home = list(&alice, "home").await;
    let top = task_in(&alice, &home, "top").await;
    let sub = below(&alice, &top, "sub").await;
    task_in(&alice, &home, "other").await;
    alice.delete(&path_of(&home)).await.expect(204);
    let back = restore(&alice, &task_path(&top)).await;
    assert_eq!(back["list_id"], Value::Null);
    let sub = alice.get(&task_path(&sub)).await.expect(200).json();
    assert_eq!(
        (&sub["list_id"], &sub["parent_id"]),
        (&Value::Null, &top["id"])
    );
    restore(&alice, &path_of(&home)).await;
    assert_eq!(live(&alice).await, ["other", "sub", "top"]);
    let top = alice.get(&task_path(&top)).await.expect(200).json();
    assert_eq!(top["list_id"], Value::Null);
}

async fn what_lies_in_the_trash_on_its_own_loses_a_list_that_ends(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    // Once from the trash, once while it is live.
    for is_trashed in [true, false] {
        let home = list(&alice, "home").await;
        let top = task_in(&alice, &home, "top").await;
        let sub = below(&alice, &top, "sub").await;
        let own = task_in(&alice, &home, "own").await;
        for task in [&sub, &own] {
            alice.delete(&task_path(task)).await.expect(204);
        }
        if is_trashed {
            alice.delete(&path_of(&home)).await.expect(204);
        }
        let forever = format!("{}?permanent=true", path_of(&home));
        alice.delete(&forever).await.expect(204);
        alice
            .delete(&forever)
            .await
            .expect_problem(404, "list_not_found");
        assert_eq!(names(&alice, "?trash=true").await, Vec::<String>::new());
        let request = alice.request("POST", &format!("{}/restore", task_path(&top)));
        request.send().await.expect_problem(404, "task_not_found");
        for task in [&sub, &own] {
            let back = restore(&alice, &task_path(task)).await;
            // Made, deleted, out of its list and off its parent, restored.
            assert_eq!(back["version"], 4, "{back}");
            assert_eq!(
                (&back["list_id"], &back["parent_id"]),
                (&Value::Null, &Value::Null)
            );
        }
        alice
            .delete(&format!("{TASKS}?trash=true"))
            .await
            .expect(200);
        for task in [&sub, &own] {
            let forever = format!("{}?permanent=true", task_path(task));
            alice.delete(&forever).await.expect(204);
        }
    }
}

async fn a_list_that_ends_takes_its_live_tasks_with_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let home = list(&alice, "home").await;
    let top = task_in(&alice, &home, "top").await;
    below(&alice, &top, "sub").await;
    alice.create(json!({ "title": "inbox" })).await;
    app.user("bob").create(json!({ "title": "bob's" })).await;
    let forever = format!("{}?permanent=true", path_of(&home));
    alice.delete(&forever).await.expect(204);
    assert_eq!(live(&alice).await, ["inbox"]);
    let emptied = alice.delete(&format!("{TASKS}?trash=true")).await;
    assert_eq!(emptied.expect(200).json(), json!({ "deleted": 0 }));
    assert_eq!(live(&app.user("bob")).await, ["bob's"]);
}

async fn the_trash_of_lists_is_emptied_with_what_went_there_with_them(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut own = Vec::new();
    for name in ["a", "b", "c"] {
        let made = list(&alice, name).await;
        task_in(&alice, &made, &format!("task of {name}")).await;
        let alone = task_in(&alice, &made, &format!("alone in {name}")).await;
        alice.delete(&task_path(&alone)).await.expect(204);
        own.push(alone);
        if name != "c" {
            alice.delete(&path_of(&made)).await.expect(204);
        }
    }
    let bobs = list(&app.user("bob"), "bob's").await;
    app.user("bob").delete(&path_of(&bobs)).await.expect(204);
    let emptied = alice.delete(&format!("{LISTS}?trash=true")).await;
    assert_eq!(emptied.expect(200).json(), json!({ "deleted": 2 }));
    assert_eq!(names(&alice, "").await, ["c"]);
    assert_eq!(names(&alice, "?trash=true").await, Vec::<String>::new());
    assert_eq!(live(&alice).await, ["task of c"]);
    for (alone, is_in_list) in own.iter().zip([false, false, true]) {
        let back = restore(&alice, &task_path(alone)).await;
        assert_eq!(back["list_id"].is_string(), is_in_list);
    }
    let again = alice.delete(&format!("{LISTS}?trash=true")).await;
    assert_eq!(again.expect(200).json(), json!({ "deleted": 0 }));
    restore(&app.user("bob"), &path_of(&bobs)).await;
}

async fn without_a_trash_a_list_ends_at_once(engine: Engine) {
    let app = TestApp::with(engine, &[("TODOWARD__TRASH__DAYS", "0")]).await;
    let alice = app.user("alice");
    let home = list(&alice, "home").await;
    task_in(&alice, &home, "top").await;
    alice.delete(&path_of(&home)).await.expect(204);
    assert_eq!(live(&alice).await, Vec::<String>::new());
    assert_eq!(names(&alice, "?trash=true").await, Vec::<String>::new());
    let request = alice.request("POST", &format!("{}/restore", path_of(&home)));
    request.send().await.expect_problem(404, "list_not_found");
}

async fn no_task_is_put_into_a_list_that_is_not_there(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let trashed = list(&alice, "trashed").await;
    alice.delete(&path_of(&trashed)).await.expect(204);
    let ended = list(&alice, "ended").await;
    let forever = format!("{}?permanent=true", path_of(&ended));
    alice.delete(&forever).await.expect(204);
    let theirs = list(&app.user("bob"), "bob's").await;
    let task = alice.create(json!({ "title": "x" })).await;
    let path = task_path(&task);
    let mut sentences = Vec::new();
    for id in [&trashed["id"], &ended["id"], &theirs["id"]] {
        for response in [
            alice
                .post(TASKS, &json!({ "title": "y", "list_id": id }))
                .await,
            alice.patch(&path, &json!({ "list_id": id })).await,
            alice
                .post(&format!("{path}/move"), &json!({ "list_id": id }))
                .await,
        ] {
            let problem = response.expect_problem(422, "invalid_task").json();
            assert_eq!(problem["errors"][0]["pointer"], "/list_id");
            sentences.push(problem["errors"][0]["detail"].clone());
        }
    }
    sentences.dedup();
    assert_eq!(sentences.len(), 1, "{sentences:?}");
    assert_eq!(alice.get(&path).await.expect(200).json(), task);
}

async fn no_task_is_live_in_a_list_that_is_deleted_meanwhile(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let outside = alice.create(json!({ "title": "outside" })).await;
    let outside = task_path(&outside);
    for round in 0..15 {
        let made = list(&alice, &round.to_string()).await;
        let inside = task_in(&alice, &made, "first").await;
        let (list_path, id) = (path_of(&made), &made["id"]);
        let creates = (0..6).map(|_| {
            let alice = alice.clone();
            let new = json!({ "title": "new", "list_id": id });
            async move { alice.post(TASKS, &new).await }
        });
        let change = json!({ "list_id": id });
        let (inside, title) = (task_path(&inside), json!({ "title": "changed" }));
        let (creates, moved, _, deleted) = tokio::join!(
            join_all(creates),
            alice.patch(&outside, &change),
            alice.patch(&inside, &title),
            alice.delete(&list_path),
        );
        deleted.expect(204);
        let mut inside = 1;
        for response in creates.iter().chain([&moved]) {
            match response.status {
                200 | 201 => inside += 1,
                422 => assert_eq!(response.json()["errors"][0]["pointer"], "/list_id"),
                other => panic!("{other}: {}", response.text()),
            }
        }
        let live = alice.get(&format!("{TASKS}?limit=200")).await.json();
        for task in live["items"].as_array().unwrap() {
            assert_eq!(task["list_id"], Value::Null, "{task}");
        }
        // All that were put into it have gone with it.
        restore(&alice, &list_path).await;
        let live = alice.get(&format!("{TASKS}?limit=200")).await.json();
        let live = live["items"].as_array().unwrap();
        let back = live.iter().filter(|task| task["list_id"] == *id).count();
        assert_eq!(back, inside);
        let out = json!({ "list_id": null });
        alice.patch(&outside, &out).await.expect(200);
        let forever = format!("{list_path}?permanent=true");
        alice.delete(&forever).await.expect(204);
    }
}

async fn deleting_and_restoring_at_once_leave_a_whole_list(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let home = list(&alice, "home").await;
    for number in 0..5 {
        task_in(&alice, &home, &number.to_string()).await;
    }
    let path = path_of(&home);
    for _ in 0..20 {
        let requests = (0..6).map(|at| match at % 2 {
            0 => alice.request("DELETE", &path).send(),
            _ => alice.request("POST", &format!("{path}/restore")).send(),
        });
        for response in join_all(requests).await {
            assert!(
                [200, 204, 404].contains(&response.status),
                "{}",
                response.text()
            );
        }
        let is_live = alice.get(&path).await.status == 200;
        assert_eq!(live(&alice).await.len(), if is_live { 5 } else { 0 });
    }
}
