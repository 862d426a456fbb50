//! Completing a task that repeats while the connection to PostgreSQL ends, before and
//! after each of its statements: with a client's repetition there is one successor. (What
//! a killed server leaves in a SQLite file: tests/process/io_errors.rs.)

use serde_json::{Value, json};

use crate::support::fault_proxy::{Cut, FaultProxy};
use crate::support::postgres::TestDatabase;
use crate::support::trust::eventually;
use crate::support::{Client, Engine, Response, TestApp, block_on};

const TASKS: &str = "/api/v1/tasks";

/// A way of completing a task, and what a client repeats.
type Complete = fn(&Value) -> (&'static str, String, Value);

fn by_its_endpoint(task: &Value) -> (&'static str, String, Value) {
    let path = format!("{}/complete", path(task));
    ("PATCH", path, json!({ "completed": true }))
}

fn by_a_patch(task: &Value) -> (&'static str, String, Value) {
    let body = json!({ "completed": true, "title": "Paid" });
    ("PATCH", path(task), body)
}

fn by_a_batch(task: &Value) -> (&'static str, String, Value) {
    let path = path(task).replace("/api/v1", "");
    let operation = json!({ "method": "PATCH", "path": path, "body": { "completed": true } });
    let body = json!({ "operations": [operation] });
    ("POST", "/api/v1/batch".to_owned(), body)
}

fn path(task: &Value) -> String {
    format!("{TASKS}/{}", task["id"].as_str().unwrap())
}

/// A task that repeats, with one below.
async fn recurring(client: &Client) -> Value {
    let body = json!({
        "title": "Pay rent", "due_date": "2026-12-01", "recurrence": { "rule": "FREQ=MONTHLY" },
    });
    let task = client.create(body).await;
    let below = json!({ "title": "find the number", "parent_id": task["id"] });
    client.create(below).await;
    task
}

async fn send(client: &Client, (method, path, body): &(&'static str, String, Value)) -> Response {
    client.request(method, path).json(body).send().await
}

/// Asserts that the task is completed, and has exactly one successor with one task below.
async fn one_successor(client: &Client, task: &Value, what: &str) {
    let done = client.get(&path(task)).await.expect(200).json();
    assert_eq!(done["completed"], true, "{what}");
    assert_eq!(done["version"], 2, "{what}");
    let list = client.get(&format!("{TASKS}?limit=200")).await.expect(200);
    let list = list.json();
    let tasks = list["items"].as_array().unwrap();
    assert_eq!(tasks.len(), 4, "{what}: {list}");
    let next = tasks.iter().find(|other| other["id"] == done["next_id"]);
    let next = next.unwrap_or_else(|| panic!("{what}: {list}"));
    assert_eq!(next["due_date"], "2027-01-01", "{what}");
    assert_eq!(next["completed"], false, "{what}");
    let below = tasks
        .iter()
        .filter(|below| below["parent_id"] == next["id"]);
    assert_eq!(below.count(), 1, "{what}: {list}");
}

/// The statements of one undisturbed completion.
async fn statements(app: &TestApp, proxy: &FaultProxy, complete: Complete) -> Vec<String> {
    let client = app.user("undisturbed").plain();
    let mut statements = Vec::new();
    // Twice the same: those of the start, in the background, are no part of them.
    eventually("two completions are alike", async || {
        let task = recurring(&client).await;
        let before = proxy.statements().len();
        send(&client, &complete(&task)).await.expect(200);
        let these = proxy.statements().split_off(before);
        let are_alike = these == statements;
        statements = these;
        are_alike
    })
    .await;
    for text in [
        "BEGIN",
        "INSERT INTO owners",
        "INSERT INTO tasks",
        "UPDATE tasks SET",
        "COMMIT",
    ] {
        let has = statements.iter().any(|one| one.contains(text));
        assert!(has, "{text}: {statements:#?}");
    }
    statements
}

async fn each_cut_leaves_one_successor(pipelines: &str, complete: Complete) {
    let database = TestDatabase::create();
    let proxy = FaultProxy::before(&database);
    let variables = [("TODOWARD__DATABASE__PIPELINES", pipelines)];
    let app = TestApp::on_database(Engine::Postgres, &proxy.url, &variables).await;
    let statements = statements(&app, &proxy, complete).await;
    let (mut owners, mut failed) = (0, 0);
    for (at, statement) in statements.iter().enumerate() {
        let earlier = statements.iter().take(at);
        let after = earlier.filter(|other| *other == statement).count();
        for executed in [false, true] {
            let what = format!("{at}, executed: {executed}: {statement}");
            // A pipeline that was cut is away for a moment, and so is its statement.
            eventually(&what, async || {
                owners += 1;
                let client = app.user(&format!("alice {owners}")).plain();
                let task = recurring(&client).await;
                proxy.cut(Cut {
                    statement: statement.clone(),
                    after,
                    executed,
                });
                let response = send(&client, &complete(&task)).await;
                let is_cut = proxy.has_cut();
                if response.status != 200 {
                    failed += 1;
                    assert!(is_cut, "{what}: {}", response.text());
                    assert_eq!(response.status, 503, "{what}: {}", response.text());
                    repeat(&client, &complete(&task)).await;
                }
                one_successor(&client, &task, &what).await;
                is_cut
            })
            .await;
        }
    }
    assert!(failed > 0, "no cut was felt: {statements:#?}");
}

async fn repeat(client: &Client, request: &(&'static str, String, Value)) {
    eventually("the repetition is served", async || {
        let response = send(client, request).await;
        assert!([200, 503].contains(&response.status), "{}", response.text());
        response.status == 200
    })
    .await;
}

#[test]
fn over_the_pool() {
    block_on(each_cut_leaves_one_successor("0", by_its_endpoint));
}

#[test]
fn where_a_pipeline_begins() {
    block_on(each_cut_leaves_one_successor("1", by_its_endpoint));
}

#[test]
fn by_a_patch_of_the_task() {
    block_on(each_cut_leaves_one_successor("0", by_a_patch));
}

#[test]
fn as_an_operation_of_a_batch() {
    block_on(each_cut_leaves_one_successor("0", by_a_batch));
}
