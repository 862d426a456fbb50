//! What is in the trash for longer than `trash.days` ends by itself.

use serde_json::{Value, json};

use crate::binary::{SOON, run};
use crate::folding::Database;
use crate::metrics::{free_port, metrics};
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::{Client, Engine, on_both_databases};

on_both_databases! {
    what_is_in_the_trash_for_long_ends_and_nothing_else_does,
    what_lies_there_on_its_own_loses_what_it_was_in,
    what_was_deleted_far_ahead_keeps_nothing_else_in_the_trash,
    without_a_trash_what_is_left_in_it_ends_at_once,
    two_replicas_end_each_row_once,
    a_stop_does_not_wait_for_it_and_the_next_start_goes_on,
    a_database_that_cannot_be_purged_is_two_lines_in_the_log,
}

const LISTS: &str = "/api/v1/lists";
const TASKS: &str = "/api/v1/tasks";
const LONG_AGO: &str = "2020-02-03 04:05:06.789";

const BEGINS: &str = "cannot be ended yet; trying again";
const ENDS: &str = "is ended again";

async fn list(client: &Client, name: &str) -> String {
    let made = client.post(LISTS, &json!({ "name": name })).await;
    made.expect(201).json()["id"].as_str().unwrap().to_owned()
}

async fn delete(client: &Client, collection: &str, id: &str) {
    client
        .delete(&format!("{collection}/{id}"))
        .await
        .expect(204);
}

async fn task(client: &Client, new: Value) -> String {
    client.create(new).await["id"].as_str().unwrap().to_owned()
}

/// As if the trash had been filled long ago.
fn age(database: &mut Database, table: &str, condition: &str) {
    database.execute(&format!(
        "UPDATE {table} SET deleted_at = '{LONG_AGO}' WHERE deleted_at IS NOT NULL AND {condition}"
    ));
}

/// Puts many tasks that somebody deleted long ago into the table.
fn fill(database: &mut Database, count: usize) {
    let (numbers, id) = match database {
        Database::Sqlite(_) => (
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
            ),
            "randomblob(16)",
        ),
        Database::Postgres(_) => (
            format!("WITH n AS (SELECT generate_series(1, {count}) AS i) "),
            "gen_random_uuid()",
        ),
    };
    // SQLite takes what is before SELECT behind INSERT, and PostgreSQL both.
    database.execute(&format!(
        "INSERT INTO tasks (owner_id, id, title, title_lower, completed, priority, tags, version, \
         updated_at, deleted_at) {numbers} SELECT 'owner ' || (i % 7), {id}, 'x', 'x', false, 0, \
         '[]', 2, '{LONG_AGO}', '{LONG_AGO}' FROM n"
    ));
}

async fn purged(port: &str, kind: &str) -> u64 {
    let text = metrics(port).await;
    let name = format!("todoward_purged_total{{kind=\"{kind}\"}} ");
    let mut values = text.lines().filter_map(|line| line.strip_prefix(&name));
    values.next().unwrap().parse().unwrap()
}

async fn none_left(database: &mut Database, table: &str, condition: &str) {
    // A tenth of the time is for it, and a machine may be slow.
    eventually("it has ended", SOON * 5, async || {
        (database.count_of(table, condition) == 0).then_some(())
    })
    .await;
}

/// As files brought it that an earlier release has imported.
async fn what_was_deleted_far_ahead_keeps_nothing_else_in_the_trash(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let alice = server.user("alice");
    let far = task(&alice, json!({ "title": "far" })).await;
    delete(&alice, TASKS, &far).await;
    let mut database = Database::open(&storage, engine);
    database.execute("UPDATE tasks SET deleted_at = '9999-12-31 23:59:59.999'");
    task(&alice, json!({ "title": "new", "completed": true })).await;
    let clear = alice.delete("/api/v1/tasks?completed=true").await;
    assert_eq!(clear.expect(200).json(), json!({ "deleted": 1 }));
    let trash = alice.get("/api/v1/tasks?trash=true&q=new").await;
    let deleted_at = trash.expect(200).json()["items"][0]["deleted_at"].clone();
    let deleted_at: chrono::DateTime<chrono::Utc> = deleted_at.as_str().unwrap().parse().unwrap();
    assert!(deleted_at <= chrono::Utc::now(), "{deleted_at}");
    server.stop().await;
}

async fn what_is_in_the_trash_for_long_ends_and_nothing_else_does(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    // More than two steps of it, of subtasks and what they are below.
    let old = list(&alice, "old").await;
    for number in 0..60 {
        let title = format!("old {number}");
        let mut above = task(&alice, json!({ "title": title, "list_id": old })).await;
        for _ in 0..3 {
            above = task(&alice, json!({ "title": title, "parent_id": above })).await;
        }
    }
    delete(&alice, LISTS, &old).await;
    let bobs = task(&bob, json!({ "title": "old, of bob" })).await;
    delete(&bob, TASKS, &bobs).await;
    let recent = list(&alice, "recent").await;
    task(&alice, json!({ "title": "of recent", "list_id": recent })).await;
    delete(&alice, LISTS, &recent).await;
    task(&alice, json!({ "title": "live" })).await;
    list(&alice, "live").await;
    server.stop().await;
    let mut database = Database::open(&storage, engine);
    age(&mut database, "lists", "name = 'old'");
    age(&mut database, "tasks", "title LIKE 'old%'");
    // 29 days old, of 30.
    let days = chrono::Utc::now() - chrono::TimeDelta::days(29);
    let days = days.format("%Y-%m-%d %H:%M:%S%.3f");
    for (table, name) in [("lists", "name"), ("tasks", "title")] {
        database.execute(&format!(
            "UPDATE {table} SET deleted_at = '{days}' WHERE {name} LIKE '%recent'"
        ));
    }

    let port = free_port();
    let variables = [("TODOWARD__METRICS__PORT", port.as_str())];
    let server = Server::start(storage.path(), &storage.url, &variables).await;
    none_left(&mut database, "tasks", "title LIKE 'old%'").await;
    none_left(&mut database, "lists", "name = 'old'").await;
    server.logs("kind=task count=241").await;
    server.logs("kind=list count=1").await;
    assert_eq!(purged(&port, "task").await, 241);
    assert_eq!(purged(&port, "list").await, 1);
    let alice = server.user("alice");
    assert_eq!(alice.titles("").await, ["live"]);
    let restore = format!("{LISTS}/{recent}/restore");
    alice.request("POST", &restore).send().await.expect(200);
    assert_eq!(alice.titles("").await, ["live", "of recent"]);
    let gone = format!("{LISTS}/{old}/restore");
    let gone = alice.request("POST", &gone).send().await;
    gone.expect_problem(404, "list_not_found");
    server.stop().await;
}

async fn what_lies_there_on_its_own_loses_what_it_was_in(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let alice = server.user("alice");
    let home = list(&alice, "home").await;
    let top = task(&alice, json!({ "title": "old", "list_id": home })).await;
    let sub = task(&alice, json!({ "title": "sub", "parent_id": top })).await;
    delete(&alice, TASKS, &sub).await;
    delete(&alice, LISTS, &home).await;
    server.stop().await;
    let mut database = Database::open(&storage, engine);
    age(&mut database, "lists", "1 = 1");
    age(&mut database, "tasks", "title = 'old'");
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    none_left(&mut database, "tasks", "title = 'old'").await;
    none_left(&mut database, "lists", "1 = 1").await;
    none_left(&mut database, "tasks", "list_id IS NOT NULL").await;
    let restore = format!("{TASKS}/{sub}/restore");
    let restored = server.user("alice").request("POST", &restore).send().await;
    let back = restored.expect(200).json();
    assert_eq!(
        (&back["list_id"], &back["parent_id"]),
        (&Value::Null, &Value::Null)
    );
    // Made, deleted, off its parent, out of its list, restored.
    assert_eq!(back["version"], 5);
    server.stop().await;
}

async fn without_a_trash_what_is_left_in_it_ends_at_once(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let alice = server.user("alice");
    let home = list(&alice, "home").await;
    task(&alice, json!({ "title": "x", "list_id": home })).await;
    delete(&alice, LISTS, &home).await;
    task(&alice, json!({ "title": "live" })).await;
    server.stop().await;
    let without = [("TODOWARD__TRASH__DAYS", "0")];
    let server = Server::start(storage.path(), &storage.url, &without).await;
    let mut database = Database::open(&storage, engine);
    none_left(&mut database, "tasks", "deleted_at IS NOT NULL").await;
    none_left(&mut database, "lists", "1 = 1").await;
    assert_eq!(server.user("alice").titles("").await, ["live"]);
    server.stop().await;
}

async fn two_replicas_end_each_row_once(engine: Engine) {
    let storage = Storage::new(engine);
    run(
        storage.path(),
        &["migrate"],
        &[("DATABASE_URL", &storage.url)],
    )
    .succeeded();
    let mut database = Database::open(&storage, engine);
    fill(&mut database, 950);
    let ports = [free_port(), free_port()];
    let mut servers = Vec::new();
    for port in &ports {
        let variables = [("TODOWARD__METRICS__PORT", port.as_str())];
        servers.push(Server::start(storage.path(), &storage.url, &variables).await);
    }
    none_left(&mut database, "tasks", "1 = 1").await;
    eventually("each has counted", SOON, async || {
        let mut total = 0;
        for port in &ports {
            total += purged(port, "task").await;
        }
        assert!(total <= 950, "{total}");
        (total == 950).then_some(())
    })
    .await;
    for server in servers {
        server.stop().await;
    }
}

async fn a_stop_does_not_wait_for_it_and_the_next_start_goes_on(engine: Engine) {
    let storage = Storage::new(engine);
    run(
        storage.path(),
        &["migrate"],
        &[("DATABASE_URL", &storage.url)],
    )
    .succeeded();
    let mut database = Database::open(&storage, engine);
    fill(&mut database, 2_000);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    eventually("it has begun", SOON, async || {
        (database.count("1 = 1") < 2_000).then_some(())
    })
    .await;
    server.stop().await;
    let left = database.count("1 = 1");
    assert!(left > 0, "it was done before the stop");
    assert_eq!(database.count("1 = 1"), left);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    none_left(&mut database, "tasks", "1 = 1").await;
    server.stop().await;
}

/// The tables are those of the previous release, and this one may not change them.
async fn a_database_that_cannot_be_purged_is_two_lines_in_the_log(engine: Engine) {
    let storage = Storage::new(engine);
    Database::of_previous_release(&storage, engine);
    let variables = [("TODOWARD__DATABASE__MIGRATE_ON_START", "false")];
    let server = Server::listening(storage.path(), &storage.url, &variables).await;
    server.logs(BEGINS).await;
    run(
        storage.path(),
        &["migrate"],
        &[("DATABASE_URL", &storage.url)],
    )
    .succeeded();
    let mut database = Database::open(&storage, engine);
    fill(&mut database, 10);
    none_left(&mut database, "tasks", "1 = 1").await;
    server.logs(ENDS).await;
    let log = server.running.err.text();
    assert_eq!(log.matches(BEGINS).count(), 1, "{log}");
    assert_eq!(log.matches(ENDS).count(), 1, "{log}");
    server.stop().await;
}
