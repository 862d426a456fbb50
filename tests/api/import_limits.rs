//! What a file says that cannot be: next tasks, times and positions.

use serde_json::{Value, json};

use crate::support::{Client, Engine, TestApp, on_both_databases};

on_both_databases! {
    a_task_whose_next_one_is_itself_or_above_it_can_be_reopened,
    what_is_created_later_stands_behind_what_was_imported,
    what_is_created_later_stands_behind_imported_positions_that_lie_ahead,
    times_that_lie_ahead_are_left_out_and_told,
    head_of_an_export_tells_no_length,
}

async fn import(client: &Client, lines: &[Value]) -> Value {
    let file: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let request = client.request("POST", "/api/v1/import");
    let sent = request.body("application/x-ndjson", file).send().await;
    sent.expect(200).json()
}

fn fields(done: &Value) -> Vec<&str> {
    let dropped = done["dropped"].as_array().unwrap().iter();
    dropped.map(|it| it["field"].as_str().unwrap()).collect()
}

async fn task(client: &Client, id: &str) -> Value {
    let path = format!("/api/v1/tasks/{id}");
    client.get(&path).await.expect(200).json()
}

async fn a_task_whose_next_one_is_itself_or_above_it_can_be_reopened(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let ids: [String; 4] = std::array::from_fn(|_| uuid::Uuid::now_v7().to_string());
    let [own, top, middle, below] = &ids;
    let weekly = |id: &str, next: &str, parent: Option<&str>| {
        json!({ "task": {
            "id": id, "title": id, "completed": true, "next_id": next, "parent_id": parent,
            "due_date": "2026-11-02", "recurrence": { "rule": "FREQ=WEEKLY" },
        } })
    };
    let file = [
        weekly(own, own, None),
        json!({ "task": { "id": top, "title": "top" } }),
        json!({ "task": { "id": middle, "title": "middle", "parent_id": top } }),
        weekly(below, top, Some(middle)),
    ];
    let done = import(&alice, &file).await;
    assert_eq!(fields(&done), ["next_id", "next_id"], "{done}");
    for id in [own, below] {
        assert_eq!(task(&alice, id).await["next_id"], Value::Null);
        let path = format!("/api/v1/tasks/{id}/complete");
        let reopened = alice.patch(&path, &json!({ "completed": false })).await;
        assert_eq!(reopened.expect(200).json()["completed"], false);
    }
    assert_eq!(alice.titles("").await.len(), 4);
}

async fn what_is_created_later_stands_behind_what_was_imported(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for round in 0..20 {
        let alice = app.user(&format!("alice {round}"));
        let file = ["a", "b"].map(|title| json!({ "task": { "title": title } }));
        import(&alice, &file).await;
        alice.create_path("c").await;
        let order = "?list=inbox&parent=none&sort=position";
        assert_eq!(alice.titles(order).await, ["a", "b", "c"], "{round}");
    }
}

async fn what_is_created_later_stands_behind_imported_positions_that_lie_ahead(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let titled = |title: &str, position: Option<&str>| json!({ "task": { "title": title, "position": position } });
    let file = [
        titled("last", Some("zzz")),
        titled("without", None),
        titled("before last", Some("ffff")),
        titled("first", Some("0")),
        json!({ "list": { "name": "b", "position": "zz" } }),
        json!({ "list": { "name": "a", "position": "g" } }),
    ];
    import(&alice, &file).await;
    alice.create_path("new").await;
    let list = json!({ "name": "new" });
    alice.post("/api/v1/lists", &list).await.expect(201);
    let order = "?list=inbox&parent=none&sort=position";
    assert_eq!(
        alice.titles(order).await,
        ["first", "before last", "last", "without", "new"]
    );
    let lists = alice.get("/api/v1/lists").await.expect(200).json();
    let names = lists["items"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|list| list["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "new"]);
}

const FAR: &str = "9999-12-31T23:59:59.999Z";

async fn times_that_lie_ahead_are_left_out_and_told(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let before = chrono::Utc::now() - chrono::TimeDelta::seconds(1);
    let done = json!({ "task": {
        "title": "done", "completed": true, "completed_at": FAR, "updated_at": FAR,
    } });
    let deleted = json!({ "task": { "title": "deleted", "deleted_at": FAR } });
    let list = json!({ "list": { "name": "list", "updated_at": FAR, "deleted_at": FAR } });
    let file = [done, deleted, list];
    let first = import(&alice, &file).await;
    assert_eq!(
        fields(&first),
        [
            "updated_at",
            "completed_at",
            "deleted_at",
            "updated_at",
            "deleted_at"
        ],
        "{first}"
    );
    let is_now = |at: &Value| {
        let at: chrono::DateTime<chrono::Utc> = at.as_str().unwrap().parse().unwrap();
        assert!(before <= at && at <= chrono::Utc::now(), "{at}");
    };
    let all = alice.get("/api/v1/tasks").await.expect(200).json();
    is_now(&all["items"][0]["completed_at"]);
    is_now(&all["items"][0]["updated_at"]);
    for path in ["/api/v1/tasks?trash=true", "/api/v1/lists?trash=true"] {
        let trash = alice.get(path).await.expect(200).json();
        is_now(&trash["items"][0]["deleted_at"]);
        is_now(&trash["items"][0]["updated_at"]);
    }
    assert_eq!(import(&alice, &file).await["dropped"], json!([]));
}

async fn head_of_an_export_tells_no_length(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for path in ["/api/v1/export", "/api/v1/changes/stream"] {
        let head = alice.request("HEAD", path).send().await.expect(200);
        assert_eq!(head.headers.get("content-length"), None, "{path}");
        assert_eq!(head.text(), "");
    }
}
